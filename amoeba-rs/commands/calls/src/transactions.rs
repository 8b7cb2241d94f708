//! Transactions between threads of this program: lengths, ends and signals; a signal also from another machine.

use crate::exceptions::{has_seen, install, seen};
use alloc::boxed::Box;
use alloc::vec;
use libamoeba::system::mutex::Semaphore;
use libamoeba::system::trial::{check, equal};
use libamoeba::system::{Kernel, calls, thread};
use libamoeba::{Transactions, put_port};
use proto::ByteOrder;
use proto::capability::Port;
use proto::message::{self, Header, LARGEST_BUFFER};
use proto::signal::{Exception, TRANSACTION};
use proto::standard::Status;

const STACK: usize = 8192;
const PORT: Port = Port(*b"calls0");

fn header() -> Header {
    Header {
        port: put_port(PORT),
        ..Header::default()
    }
}

/// A transaction with the server of this program: how many bytes came back.
fn ask(data: &[u8], reply: &mut [u8]) -> Result<usize, Status> {
    Kernel.trans(&header(), data, reply).map(|(_, length)| length)
}

/// A thread that serves one request as `action` says, with so much room.
fn server(room: usize, action: impl FnOnce(&[u8]) + Send + 'static) {
    let made = thread::spawn(STACK, move || {
        let mut data = vec![0; room];
        match Kernel.getreq(PORT, &mut data) {
            Ok((_, length)) => action(&data[..length]),
            Err(why) => equal(Err(why), Ok(()), "getreq"),
        }
    });
    check(made, "a server's thread");
    calls::switch();
}

pub(crate) fn run() {
    lengths();
    long_calls();
    ends();
    signal();
    misuse();
}

/// What does not fit is cut off, and the header tells nothing of it.
fn lengths() {
    for (asked, room, answered, space) in [
        (0, 0, 0, 0),
        (10, 100, 20, 100),
        (100, 10, 50, 5),
        (30_000, 30_000, 30_000, 30_000),
    ] {
        server(room, move |data| {
            equal(data.len(), asked.min(room), "bytes of a request");
            check(data.iter().all(|byte| *byte == 3), "what a request holds");
            Kernel.putrep(&Header::default(), &vec![5; answered]);
        });
        let mut reply = vec![0; space];
        let length = ask(&vec![3; asked], &mut reply);
        equal(length, Ok(answered.min(space)), "bytes of a reply");
        check(
            reply.iter().take(answered).all(|byte| *byte == 5),
            "what a reply holds",
        );
    }
}

/// The calls without a limit carry more than 30000 bytes.
fn long_calls() {
    const LONG: usize = 100_000;
    thread::spawn(STACK, || {
        let mut header = Header {
            port: PORT,
            ..Header::default()
        }
        .emit(ByteOrder::Little);
        let mut data = vec![0; LONG];
        equal(
            calls::long_getreq(&mut header, &mut data),
            LONG as i32,
            "rpc_getreq",
        );
        data.reverse();
        calls::long_putrep(&Header::default().emit(ByteOrder::Little), &data);
    });
    calls::switch();
    let data: vec::Vec<u8> = (0..LONG).map(|place| (place / 7) as u8).collect();
    let (mut reply_header, mut reply) = ([0; message::LENGTH], vec![0; LONG]);
    let request = header().emit(ByteOrder::Little);
    let length = calls::long_trans(&request, &data, &mut reply_header, &mut reply);
    equal(length, LONG as i32, "rpc_trans");
    check(reply.iter().rev().eq(&data), "what comes back by rpc_trans");
}

/// A server that gives a request up, in whatever way, is an error of its client's.
fn ends() {
    let failed = Err(Status::RpcFailure);
    server(10, |_| calls::cleanup());
    equal(ask(b"x", &mut []), failed, "a server that calls cleanup");
    server(10, |_| thread::exit());
    equal(ask(b"x", &mut []), failed, "a server's thread that ends");
    let former = calls::timeout(300);
    let start = calls::milliseconds();
    equal(
        ask(b"x", &mut []),
        Err(Status::RpcNotFound),
        "a server that there is not",
    );
    let took = calls::milliseconds() - start;
    check((200..=1500).contains(&took), "a server is looked for so long");
    calls::timeout(former);
}

/// A signal to a client in a transaction becomes one of its server's, and the transaction goes on.
fn signal() {
    thread::spawn(STACK, see_signal);
    ask_with_signal();
}

/// Serves one request, whose client gets a signal meanwhile.
pub(crate) fn see_signal() {
    install();
    if let Err(why) = Kernel.getreq(PORT, &mut []) {
        equal(Err(why), Ok(()), "getreq");
        return;
    }
    for _ in 0..20 {
        if has_seen(TRANSACTION) {
            break;
        }
        calls::sleep(100);
    }
    check(has_seen(TRANSACTION), "the server of a client that got a signal");
    Kernel.putrep(&Header::default(), &[]);
}

/// A transaction in the middle of which its client gets a signal.
pub(crate) fn ask_with_signal() {
    let told: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
    install();
    thread::spawn(STACK, move || {
        calls::sleep(300);
        calls::raise(17);
        told.up();
    });
    equal(ask(b"x", &mut []), Ok(0), "a transaction with a signal in it");
    told.down();
}

fn misuse() {
    install();
    server(10, |_| {
        install();
        let mut data = [0; 10];
        let exception = seen(|| _ = Kernel.getreq(PORT, &mut data));
        equal(
            exception,
            Exception::SystemCall.code(),
            "getreq while a request is served",
        );
        Kernel.putrep(&Header::default(), &[]);
        let exception = seen(|| Kernel.putrep(&Header::default(), &[]));
        equal(
            exception,
            Exception::SystemCall.code(),
            "putrep without a request",
        );
    });
    equal(ask(b"x", &mut []), Ok(0), "a server that misuses calls");
    calls::switch();
    let long = vec![0; LARGEST_BUFFER + 1];
    let exception = seen(|| _ = ask(&long, &mut []));
    equal(exception, Exception::SystemCall.code(), "trans of 30001 bytes");
}
