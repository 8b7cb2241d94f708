//! Streams that the shell itself serves: files that are being written, texts, what is collected, and pipes if there is no fifo server.
//!
//! A file of the file server never changes, so what is written to a path goes to the shell, which makes a file of it and enters that when it
//! is closed: others see the old file or the whole new one.

mod file;

pub(super) use file::{Place, WrittenFile};

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::server::{Request, Server, answer};
use libamoeba::stream::BLOCK;
use libamoeba::system::mutex::{Mutex, Semaphore};
use libamoeba::system::{Kernel, thread};
use libamoeba::{Transactions, put_port};
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::standard::Status;
use proto::terminal::Command;

/// Threads that serve; those whose clients wait take one each.
const THREADS: usize = 6;
const STACK: usize = 8192;
/// What a pipe holds, in bytes.
const PIPE: usize = 8192;
/// The most that is collected, in bytes.
const LARGEST: usize = 1 << 20;
/// How long a client waits until it has to ask again, in milliseconds.
const PATIENCE: i32 = 2000;

/// What becomes of bytes that are written.
enum Kind {
    /// They are read again.
    Pipe,
    /// They are kept.
    Collector,
    /// They become a file.
    File(Box<WrittenFile>),
}

struct Channel {
    kind: Kind,
    bytes: VecDeque<u8>,
    /// Whether ends are open: for reading, and for writing.
    is_open: [bool; 2],
}

struct Channels {
    port: Port,
    secret: Port,
    channels: Vec<Option<Channel>>,
}

static CHANNELS: Mutex<Channels> = Mutex::new(Channels {
    port: Port::NULL,
    secret: Port::NULL,
    channels: Vec::new(),
});
/// Raised when something was read, written or closed, once for each client that waits.
static CHANGED: Semaphore = Semaphore::new(0);
static WAITING: Mutex<u32> = Mutex::new(0);

/// An end of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Reader = 0,
    Writer = 1,
}

/// The object of an end.
fn object(channel: usize, end: End) -> u32 {
    (channel as u32) << 1 | end as u32
}

/// Serves at a get-port, for ever; `secret` protects the ends.
pub(super) fn serve(port: Port, secret: Port) -> bool {
    {
        let mut channels = CHANNELS.lock();
        (channels.port, channels.secret) = (port, secret);
    }
    (0..THREADS).all(|_| {
        thread::spawn(STACK, move || {
            let (mut data, mut room) = (vec![0; BLOCK], vec![0; BLOCK]);
            let mut ends = Ends { port, secret };
            loop {
                if let Ok((header, length)) = Kernel.getreq(port, &mut data) {
                    let (reply, length) = answer(&mut ends, &header, &data[..length], &mut room);
                    Kernel.putrep(&reply, &room[..length]);
                }
            }
        })
    })
}

struct Ends {
    port: Port,
    secret: Port,
}

impl Server for Ends {
    fn port(&self) -> Port {
        self.port
    }

    fn random(&self, object: u32) -> Option<Port> {
        let channels = CHANNELS.lock();
        let channel = channels.channels.get(object as usize >> 1)?.as_ref()?;
        channel.is_open[object as usize & 1].then(|| check(self.secret, object))
    }

    fn info(&self, _object: u32) -> &str {
        "| a stream of the shell"
    }

    fn touch(&mut self, _object: u32) {}

    fn command(
        &mut self,
        request: Request<'_>,
        reply: &mut Header,
        data: &mut [u8],
    ) -> Result<usize, Status> {
        let (place, is_writer) = (request.object as usize >> 1, request.object & 1 == 1);
        match Command::from_code(request.header.command) {
            Some(Command::Read) if !is_writer => {
                let room = usize::from(request.header.size).min(data.len());
                let read = patiently(|| read(place, &mut data[..room]))?;
                reply.size = read as u16;
                reply.extra = u16::from(read == 0);
                Ok(read)
            }
            Some(Command::Write) if is_writer => {
                let written = patiently(|| write(place, request.data))?;
                reply.size = written as u16;
                Ok(0)
            }
            Some(Command::Read | Command::Write) => Err(Status::Denied),
            _ => Err(Status::BadCommand),
        }
    }
}

/// The number that protects an end.
fn check(secret: Port, object: u32) -> Port {
    let mut port = secret;
    for (byte, number) in port.0.iter_mut().zip(object.to_le_bytes()) {
        *byte ^= number;
    }
    put_port(port)
}

/// Waits until something can be done.
fn patiently<T>(mut action: impl FnMut() -> Option<Result<T, Status>>) -> Result<T, Status> {
    loop {
        if let Some(result) = action() {
            changed();
            return result;
        }
        *WAITING.lock() += 1;
        if !CHANGED.down_within(PATIENCE) {
            let mut waiting = WAITING.lock();
            *waiting = waiting.saturating_sub(1);
            return Err(Status::NotNow);
        }
    }
}

/// Wakes all who wait.
fn changed() {
    let waiting = core::mem::take(&mut *WAITING.lock());
    CHANGED.up_many(waiting);
}

fn read(place: usize, room: &mut [u8]) -> Option<Result<usize, Status>> {
    let mut channels = CHANNELS.lock();
    let Some(Some(channel)) = channels.channels.get_mut(place) else {
        return Some(Err(Status::BadCapability));
    };
    if channel.bytes.is_empty() && channel.is_open[End::Writer as usize] {
        return None;
    }
    let length = room.len().min(channel.bytes.len());
    for (byte, taken) in room.iter_mut().zip(channel.bytes.drain(..length)) {
        *byte = taken;
    }
    Some(Ok(length))
}

fn write(place: usize, bytes: &[u8]) -> Option<Result<usize, Status>> {
    let mut channels = CHANNELS.lock();
    let Some(Some(channel)) = channels.channels.get_mut(place) else {
        return Some(Err(Status::BadCapability));
    };
    let room = match &mut channel.kind {
        Kind::File(file) => return Some(file.write(bytes).map(|()| bytes.len())),
        Kind::Collector => LARGEST.saturating_sub(channel.bytes.len()),
        Kind::Pipe if !channel.is_open[End::Reader as usize] => return Some(Err(Status::WriteProtected)),
        Kind::Pipe => PIPE - channel.bytes.len(),
    };
    match (room, &channel.kind) {
        (0, Kind::Collector) => Some(Err(Status::NoSpace)),
        (0, _) if !bytes.is_empty() => None,
        _ => {
            let length = room.min(bytes.len());
            channel.bytes.extend(&bytes[..length]);
            Some(Ok(length))
        }
    }
}

fn add(kind: Kind, bytes: &[u8], is_open: [bool; 2]) -> usize {
    let mut channels = CHANNELS.lock();
    let channel = Some(Channel {
        kind,
        bytes: bytes.iter().copied().collect(),
        is_open,
    });
    match channels.channels.iter().position(Option::is_none) {
        Some(place) => {
            channels.channels[place] = channel;
            place
        }
        None => {
            channels.channels.push(channel);
            channels.channels.len() - 1
        }
    }
}

/// A pipe.
pub(super) fn pipe() -> usize {
    add(Kind::Pipe, &[], [true; 2])
}

/// A text that can be read.
pub(super) fn text(text: &[u8]) -> usize {
    add(Kind::Pipe, text, [true, false])
}

/// What collects bytes.
pub(super) fn collector() -> usize {
    add(Kind::Collector, &[], [false, true])
}

/// A file that is being written.
pub(super) fn file(file: WrittenFile) -> usize {
    add(Kind::File(Box::new(file)), &[], [false, true])
}

/// The capability of an end.
pub(super) fn capability(channel: usize, end: End) -> Capability {
    let channels = CHANNELS.lock();
    let object = object(channel, end);
    Capability {
        port: put_port(channels.port),
        private: Private::owner(object, check(channels.secret, object)),
    }
}

/// Closes an end.
///
/// # Errors
/// Why a file could not be made or entered.
pub(super) fn close(place: usize, end: End) -> Result<(), alloc::string::String> {
    let channel = {
        let mut channels = CHANNELS.lock();
        let Some(found) = channels.channels.get_mut(place) else {
            return Ok(());
        };
        if let Some(channel) = found {
            channel.is_open[end as usize] = false;
        }
        let is_over = found
            .as_ref()
            .is_some_and(|channel| channel.is_open == [false; 2]);
        if is_over { found.take() } else { None }
    };
    changed();
    match channel {
        Some(Channel {
            kind: Kind::File(file),
            ..
        }) => file.close(),
        _ => Ok(()),
    }
}

/// Closes a collector: what it holds.
pub(super) fn collected(place: usize) -> Vec<u8> {
    let mut channels = CHANNELS.lock();
    let channel = channels.channels.get_mut(place).and_then(Option::take);
    channel.map(|channel| channel.bytes.into()).unwrap_or_default()
}

/// Keeps files that are being written from growing too old; called now and then.
pub(super) fn refresh() {
    let mut channels = CHANNELS.lock();
    for channel in channels.channels.iter_mut().flatten() {
        if let Kind::File(file) = &mut channel.kind {
            file.refresh();
        }
    }
}
