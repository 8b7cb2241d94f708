//! The loops of servers with several threads.

use super::mutex::Mutex;
use super::{Kernel, thread};
use crate::Transactions;
use alloc::boxed::Box;
use alloc::vec;
use proto::capability::Port;
use proto::message::Header;
use proto::standard::Status;

/// How a server is served.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// The get-port.
    pub port: Port,
    /// Threads: as many as [`serve`] has, this one among them, and as [`attend`] has at most.
    pub threads: usize,
    /// Bytes of the stacks of threads that are made.
    pub stack: usize,
    /// Room for a request's data, in bytes.
    pub request: usize,
    /// Room for a reply's data, in bytes.
    pub reply: usize,
}

/// Answers a request: the reply's header, and how many bytes of the room are its data.
pub trait Answer: Sync {
    /// Called by all threads, at the same time once the process has them take turns.
    fn answer(&self, request: &Header, data: &[u8], reply: &mut [u8]) -> (Header, usize);
}

impl<F: Fn(&Header, &[u8], &mut [u8]) -> (Header, usize) + Sync> Answer for F {
    fn answer(&self, request: &Header, data: &[u8], reply: &mut [u8]) -> (Header, usize) {
        self(request, data, reply)
    }
}

/// Serves with several threads until a wait for a request fails otherwise than by a signal, and says why it did for this thread.
/// Threads for which there is no room are done without.
pub fn serve(service: Service, answer: &'static impl Answer) -> Status {
    for _ in 1..service.threads {
        thread::spawn(service.stack, move || {
            run(&service, answer);
        });
    }
    run(&service, answer)
}

fn run(service: &Service, answer: &impl Answer) -> Status {
    let (mut data, mut reply) = (vec![0; service.request], vec![0; service.reply]);
    loop {
        match Kernel.getreq(service.port, &mut data) {
            Ok((header, length)) => {
                let (header, length) = answer.answer(&header, &data[..length], &mut reply);
                Kernel.putrep(&header, &reply[..length]);
            }
            Err(Status::RpcAborted) => {}
            Err(why) => return why,
        }
    }
}

/// Serves with threads of their own, one of which always waits for the next request while others answer, as far as there may be as many: a
/// reply to a machine that has lost its power is waited for until the kernel gives it up, most of a minute later. False if there is no room
/// for the first.
pub fn attend(service: Service, answer: impl Answer + Send + 'static) -> bool {
    let attendance: &'static _ = Box::leak(Box::new(Attendance {
        service,
        answer,
        threads: Mutex::new(Threads { all: 0, free: 0 }),
    }));
    attendance.add()
}

/// Threads that attend to a port.
struct Attendance<A> {
    service: Service,
    answer: A,
    threads: Mutex<Threads>,
}

struct Threads {
    all: usize,
    /// Those that wait for requests, or are about to.
    free: usize,
}

impl<A: Answer + Send + 'static> Attendance<A> {
    /// One thread more, if there may be one.
    fn add(&'static self) -> bool {
        {
            let mut threads = self.threads.lock();
            if threads.all == self.service.threads {
                return false;
            }
            threads.all += 1;
            threads.free += 1;
        }
        let is_made = thread::spawn(self.service.stack, move || self.run());
        if !is_made {
            let mut threads = self.threads.lock();
            threads.all -= 1;
            threads.free -= 1;
        }
        is_made
    }

    /// Answers until two others wait, or no request can be waited for.
    fn run(&'static self) {
        let mut data = vec![0; self.service.request];
        let mut reply = vec![0; self.service.reply];
        loop {
            let came = Kernel.getreq(self.service.port, &mut data);
            let is_last = {
                let mut threads = self.threads.lock();
                threads.free -= 1;
                threads.free == 0
            };
            match came {
                Ok((header, length)) => {
                    if is_last {
                        self.add();
                    }
                    let (header, length) = self.answer.answer(&header, &data[..length], &mut reply);
                    Kernel.putrep(&header, &reply[..length]);
                }
                Err(Status::RpcAborted) => {}
                Err(_) => break,
            }
            let mut threads = self.threads.lock();
            if threads.free >= 2 {
                break;
            }
            threads.free += 1;
        }
        self.threads.lock().all -= 1;
    }
}
