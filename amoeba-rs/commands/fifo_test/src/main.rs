//! `fifo_test PORT`: tries out the fifo server at the port that the name stands for. One thread writes pieces of many lengths to a pipe, and this one
//! reads them; then ends are closed while others wait. It says `TEST OK` or what went wrong.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use core::sync::atomic::{AtomicU32, Ordering};
use libamoeba::classes::fifo;
use libamoeba::system::mutex::Semaphore;
use libamoeba::system::start::Arguments;
use libamoeba::system::trial::{self, equal};
use libamoeba::system::{Kernel, calls, thread};
use libamoeba::{named_port, println, put_port, terminal};
use proto::capability::{Capability, Private};
use proto::fifo::{Failure, Make, Open, SERVER_OBJECT, Status as Own};
use proto::standard::Status;

libamoeba::program!(main);

/// Bytes that go through the pipe.
const TOTAL: usize = 200_000;
/// Bytes of a thread's stack.
const STACK: usize = 8 << 10;
/// Threads that read at the same time, more than the server begins with.
const READERS: u32 = 10;
/// Milliseconds in which others come to wait.
const PAUSE: u32 = 300;

static DONE: Semaphore = Semaphore::new(0);
static ENDED: AtomicU32 = AtomicU32::new(0);

/// The byte at a place of what goes through the pipe.
fn byte(place: usize) -> u8 {
    (place ^ place >> 8) as u8
}

fn main(arguments: &Arguments) -> i32 {
    let Some(port) = arguments.words().nth(1).and_then(named_port) else {
        println!("usage: fifo_test port");
        return 2;
    };
    let server = Capability {
        port: put_port(port),
        private: Private::owner(SERVER_OBJECT, port),
    };
    if let Err(failure) = test(&server) {
        equal(Some(failure), None, "requests");
    }
    trial::verdict()
}

fn test(server: &Capability) -> Result<(), Failure> {
    stream(server)?;
    many(server)?;
    broken(server)?;
    named(server)?;
    timed(server)
}

/// Bytes go through a pipe, in pieces of many lengths, and then comes the end.
fn stream(server: &Capability) -> Result<(), Failure> {
    let [reader, writer] = fifo::pipe(&mut Kernel, server)?;
    let start = calls::milliseconds();
    thread::spawn(STACK, move || write_all(&writer));
    let (mut place, mut room) = (0, 1);
    loop {
        let mut buffer = vec![0; room];
        let read = fifo::read(&mut Kernel, &reader, &mut buffer)?;
        if read.is_end && read.length == 0 {
            break;
        }
        let is_right = (place..)
            .zip(&buffer[..read.length])
            .all(|(place, found)| *found == byte(place));
        equal(is_right, true, "bytes of a pipe");
        place += read.length;
        room = room * 3 % 9973;
    }
    equal(place, TOTAL, "length of what went through a pipe");
    let time = calls::milliseconds().wrapping_sub(start);
    println!("fifo_test: {TOTAL} bytes in {time} ms");
    fifo::close(&mut Kernel, &reader)
}

fn write_all(writer: &Capability) {
    let (mut place, mut length) = (0, 1);
    while place < TOTAL {
        let piece: vec::Vec<u8> = (place..TOTAL.min(place + length)).map(byte).collect();
        let written = fifo::write(&mut Kernel, writer, &piece);
        equal(written, Ok(()), "a write");
        place += piece.len();
        length = length * 5 % 20_011;
    }
    equal(fifo::close(&mut Kernel, writer), Ok(()), "closing");
}

/// Many readers wait at the same time, each at a fifo of its own; then one after the other comes to the end.
fn many(server: &Capability) -> Result<(), Failure> {
    let mut ends = vec![];
    for _ in 0..READERS {
        let [reader, writer] = fifo::pipe(&mut Kernel, server)?;
        ends.push((reader, writer));
        thread::spawn(STACK, move || {
            let read = fifo::read(&mut Kernel, &reader, &mut [0; 8]);
            equal(
                read.map(|read| (read.length, read.is_end)),
                Ok((0, true)),
                "the end",
            );
            ENDED.store(ENDED.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            DONE.up();
        });
    }
    calls::sleep(PAUSE);
    for (count, (_, writer)) in (0..).zip(&ends) {
        equal(
            ENDED.load(Ordering::Relaxed),
            count,
            "readers that have come to the end",
        );
        fifo::close(&mut Kernel, writer)?;
        DONE.down();
    }
    ends.iter()
        .try_for_each(|(reader, _)| fifo::close(&mut Kernel, reader))
}

/// A writer that waits is told when nobody reads any more.
fn broken(server: &Capability) -> Result<(), Failure> {
    let [reader, writer] = fifo::pipe(&mut Kernel, server)?;
    thread::spawn(STACK, move || {
        let bytes = vec![7; 20_000];
        let written = fifo::write(&mut Kernel, &writer, &bytes);
        equal(written, Err(Own::NoReader.into()), "a write that nobody reads");
        DONE.up();
    });
    calls::sleep(PAUSE);
    fifo::close(&mut Kernel, &reader)?;
    DONE.down();
    let again = fifo::write(&mut Kernel, &writer, b"x");
    equal(again, Err(Own::NoReader.into()), "another write");
    fifo::close(&mut Kernel, &writer)?;
    let closed = fifo::close(&mut Kernel, &writer);
    equal(closed, Err(Status::BadCapability.into()), "closing once more");
    Ok(())
}

/// Whoever opens one side of a fifo waits for the other one.
fn named(server: &Capability) -> Result<(), Failure> {
    let own = fifo::create(&mut Kernel, server, 100, Make::empty())?;
    equal(fifo::buffer_size(&mut Kernel, &own), Ok(100), "what a fifo holds");
    thread::spawn(STACK, move || {
        if let Ok(writer) = fifo::open(&mut Kernel, &own, Open::WRITE) {
            equal(fifo::write(&mut Kernel, &writer, b"hello"), Ok(()), "a write");
            equal(fifo::close(&mut Kernel, &writer), Ok(()), "closing");
        }
    });
    let reader = fifo::open(&mut Kernel, &own, Open::READ)?;
    let mut buffer = [0; 9];
    let length = fifo::read(&mut Kernel, &reader, &mut buffer)?.length;
    equal(&buffer[..length], b"hello", "what came through");
    fifo::close(&mut Kernel, &reader)?;
    Ok(libamoeba::standard::destroy(&mut Kernel, &own)?)
}

/// A read with a time of its own is over when the time is.
fn timed(server: &Capability) -> Result<(), Failure> {
    let [reader, writer] = fifo::pipe(&mut Kernel, server)?;
    let read = terminal::read_within(&mut Kernel, &reader, PAUSE.cast_signed(), &mut [0; 9]);
    equal(
        read.map(|read| (read.length, read.is_end)),
        Ok((0, false)),
        "a timed read",
    );
    fifo::close(&mut Kernel, &reader)?;
    fifo::close(&mut Kernel, &writer)
}
