//! The server: it executes calls by counting them.

use super::counts::Counts;
use super::{EXECUTE, LONG, REPORT};
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::Transactions;
use libamoeba::println;
use libamoeba::system::mutex::Mutex;
use libamoeba::system::{Kernel, thread};
use proto::capability::Port;
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::Status;

/// Bytes of a thread's stack.
const STACK: usize = 16 << 10;

/// How often each call of each client was executed.
static EXECUTIONS: Mutex<Vec<Counts>> = Mutex::new(Vec::new());

pub(super) fn serve(port: Port, clients: usize, calls: usize) -> i32 {
    *EXECUTIONS.lock() = (0..clients).map(|_| Counts::new(calls)).collect();
    // A thread is held until its client has acknowledged the reply. There are fewer of them than clients, so that some
    // requests are refused and sent again.
    let threads = clients / 2 + 1;
    for _ in 1..threads {
        if !thread::spawn(STACK, move || work(port)) {
            println!("counting: no thread");
            return 1;
        }
    }
    println!("counting: serving");
    work(port);
    1
}

/// Serves for ever.
fn work(port: Port) {
    let mut data = vec![0; LONG];
    loop {
        match Kernel.getreq(port, &mut data) {
            Ok((header, length)) => {
                let (status, reply) = match header.command {
                    EXECUTE => (execute(&header, &data[..length]), Vec::new()),
                    REPORT => report(&header),
                    _ => (Status::BadCommand, Vec::new()),
                };
                let mut answer = Header::default();
                answer.set_status(status);
                Kernel.putrep(&answer, &reply);
            }
            Err(Status::RpcAborted) => {}
            Err(why) => {
                println!("counting: {why}");
                return;
            }
        }
    }
}

/// Counts a call whose data has come as it was sent.
fn execute(header: &Header, data: &[u8]) -> Status {
    let intact = data
        .iter()
        .enumerate()
        .all(|(place, byte)| *byte == pattern(header.offset, place));
    let (client, call) = (usize::from(header.extra), header.offset as usize);
    let mut executions = EXECUTIONS.lock();
    let counts = executions.get_mut(client).filter(|_| intact);
    match counts.and_then(|counts| counts.add(call)) {
        Some(count) => {
            if count > 1 {
                println!("counting: call {call} of client {client} is executed again");
            }
            Status::Ok
        }
        None => Status::BadArgument,
    }
}

/// A byte of the data of a call.
pub(super) fn pattern(call: i32, place: usize) -> u8 {
    (call as usize).wrapping_add(place ^ place >> 8) as u8
}

fn report(header: &Header) -> (Status, Vec<u8>) {
    let executions = EXECUTIONS.lock();
    let counts = executions.get(usize::from(header.extra));
    match counts.and_then(|counts| counts.from(header.offset as usize)) {
        Some(bytes) => (Status::Ok, bytes[..bytes.len().min(LARGEST_BUFFER)].to_vec()),
        None => (Status::BadArgument, Vec::new()),
    }
}
