//! Owning processes by threads that listen while others of them answer: a machine that tells of a process and then loses its power keeps
//! nobody from being told of the process elsewhere.

use super::mutex::{Mutex, Semaphore};
use super::serve::{Service, attend};
use crate::owner::{News, Owner};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use proto::message::Header;
use proto::process::server::LARGEST_REQUEST;

/// Bytes of a thread's stack.
const STACK: usize = 8192;
/// How many threads there may be: so many machines less one may lose their power, before they have acknowledged an answer, at a time.
const MOST_THREADS: usize = 8;

/// What an owner was told and nobody has asked for yet.
#[derive(Debug)]
pub struct Inbox {
    news: Mutex<VecDeque<(u32, News)>>,
    /// As high as there are news.
    level: Semaphore,
}

impl Inbox {
    /// Waits for the next news, in the order in which they came: the number under which the process is owned, and what. That a process has
    /// moved may be told after its end.
    pub fn next(&self) -> (u32, News) {
        loop {
            self.level.down();
            if let Some(news) = self.news.lock().pop_front() {
                return news;
            }
        }
    }
}

/// Hears of an owner's processes, for ever. What is told is in the inbox before the kernel that tells it is answered. A process that
/// stops is let end. `None` if there is no room for a thread.
pub fn listen(owner: Owner) -> Option<&'static Inbox> {
    let inbox: &'static Inbox = Box::leak(Box::new(Inbox {
        news: Mutex::new(VecDeque::new()),
        level: Semaphore::new(0),
    }));
    let service = Service {
        port: owner.port(),
        threads: MOST_THREADS,
        stack: STACK,
        request: LARGEST_REQUEST,
        reply: 0,
    };
    let answer = move |header: &Header, data: &[u8], _: &mut [u8]| {
        let (reply, news) = owner.answer(header, data);
        if let Some(news) = news {
            inbox.news.lock().push_back(news);
            inbox.level.up();
        }
        (reply, 0)
    };
    attend(service, answer).then_some(inbox)
}
