//! The loop of a server with several threads.

use super::{Kernel, thread};
use crate::Transactions;
use alloc::vec;
use proto::capability::Port;
use proto::message::Header;
use proto::standard::Status;

/// How a server is served.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// The get-port.
    pub port: Port,
    /// Threads that wait for requests, this one among them.
    pub threads: usize,
    /// Bytes of the others' stacks.
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
