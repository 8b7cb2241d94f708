//! The shell as the owner of the processes that it has started: their kernels tell it when they stop.

use super::machine::{Stream, close};
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::checkpoint::{Answer, Swap};
use libamoeba::system::interrupts::{self, Target};
use libamoeba::system::mutex::{Mutex, Semaphore};
use libamoeba::system::{Kernel, thread};
use libamoeba::{Transactions, put_port, standard};
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::process::server::{Cause, Command};
use proto::standard::Status;
use proto::terminal;
use shell::world::{End, Process};

const STACK: usize = 8192;
/// Room for a descriptor, in bytes. Nothing of it is used.
const ROOM: usize = 512;
/// After so many milliseconds without news the shell asks whether processes still exist.
const PATIENCE: i32 = 5000;
/// How often a machine may fail to answer before its processes count as lost.
const TRIES: u32 = 3;
/// The right of a process itself: to say where it listens.
const SIGNALS: Rights = Rights(0x01);

struct Entry {
    number: Process,
    /// Null as long as it is being started.
    process: Capability,
    listener: Option<Capability>,
    closed: Vec<Stream>,
    end: Option<End>,
    unanswered: u32,
}

struct Owner {
    port: Port,
    entries: Vec<Entry>,
    last: Process,
}

static OWNER: Mutex<Owner> = Mutex::new(Owner {
    port: Port::NULL,
    entries: Vec::new(),
    last: 0,
});
/// Raised whenever a process has ended.
static ENDED: Semaphore = Semaphore::new(0);

/// Serves at a get-port, for ever.
pub(super) fn serve(port: Port) -> bool {
    OWNER.lock().port = port;
    thread::spawn(STACK, move || {
        let mut data = vec![0; ROOM];
        loop {
            if let Ok((header, length)) = Kernel.getreq(port, &mut data) {
                answer(&header, &data[..length.min(ROOM)]);
            }
        }
    })
}

/// What protects the capabilities of owners: it tells nothing of the get-port.
fn check(port: Port) -> Port {
    put_port(put_port(port))
}

fn acknowledge(status: Status) {
    let mut reply = Header::default();
    reply.set_status(status);
    Kernel.putrep(&reply, &[]);
}

fn answer(header: &Header, data: &[u8]) {
    let private = Private::parse(&header.private).ok();
    let proven =
        private.and_then(|private| Some((private, private.proven_rights(check(OWNER.lock().port))?)));
    if let (Some((private, Rights::ALL)), Some(swap)) = (proven, Swap::parse(header, data)) {
        acknowledge(Status::Ok);
        // It goes on elsewhere.
        started(private.object(), &swap.new);
        return;
    }
    let cause = Cause::from_code(header.extra).filter(|_| header.command == Command::Checkpoint.code());
    let (private, cause) = match (proven, cause) {
        (Some((private, Rights::ALL)), Some(cause)) => (private, cause),
        _ => {
            acknowledge(match proven {
                None => Status::BadCapability,
                Some((private, rights)) if header.command == terminal::Command::SetInterrupt.code() => {
                    listens(private.object(), rights, data)
                }
                Some(_) => Status::BadCommand,
            });
            return;
        }
    };
    let (reply, data) = Answer::Kill.reply();
    Kernel.putrep(&reply, &data);
    let end = match cause {
        Cause::Normal => End::Exit(header.offset),
        Cause::Stunned => End::Stun(header.offset),
        Cause::Exception => End::Exception(header.offset),
    };
    finish(private.object(), end);
}

/// A process says where it listens.
fn listens(number: Process, rights: Rights, data: &[u8]) -> Status {
    let Ok(listener) = Capability::parse(data) else {
        return Status::BadArgument;
    };
    if !rights.include(SIGNALS) {
        return Status::Denied;
    }
    let mut owner = OWNER.lock();
    let mut entries = owner.entries.iter_mut();
    let Some(entry) = entries.find(|entry| entry.number == number) else {
        return Status::NotFound;
    };
    entry.listener = Some(listener).filter(|listener| *listener != Capability::NULL);
    drop(owner);
    // Whoever waits for it is to know.
    ENDED.up();
    Status::Ok
}

/// Takes note of an end; first what the process has used is closed, so that what it wrote is there when others hear of its end.
fn finish(number: Process, end: End) {
    let find = |owner: &mut Owner| owner.entries.iter().position(|entry| entry.number == number);
    let closed = {
        let mut owner = OWNER.lock();
        find(&mut owner).map(|place| core::mem::take(&mut owner.entries[place].closed))
    };
    for stream in closed.unwrap_or_default() {
        if let Err(what) = close(stream) {
            libamoeba::eprintln!("sh: {what}");
        }
    }
    let mut owner = OWNER.lock();
    if let Some(place) = find(&mut owner) {
        owner.entries[place].end.get_or_insert(end);
        ENDED.up();
    }
}

/// What is known of a process before it is started.
pub(super) struct Prepared {
    pub(super) number: Process,
    /// The capability of its owner.
    pub(super) owner: Capability,
    /// What it is given to say where it listens.
    pub(super) signals: Capability,
}

/// Makes room for a process that is to be started.
pub(super) fn prepare(closed: &[Stream]) -> Prepared {
    let mut owner = OWNER.lock();
    owner.last += 1;
    let number = owner.last;
    owner.entries.push(Entry {
        number,
        process: Capability::NULL,
        listener: None,
        closed: closed.to_vec(),
        end: None,
        unanswered: 0,
    });
    let (port, check) = (put_port(owner.port), check(owner.port));
    let private = Private::owner(number, check);
    let signals = private.restrict(SIGNALS, check);
    Prepared {
        number,
        owner: Capability { port, private },
        signals: Capability {
            port,
            private: signals,
        },
    }
}

/// The process has been started.
pub(super) fn started(number: Process, process: &Capability) {
    let mut owner = OWNER.lock();
    if let Some(entry) = owner.entries.iter_mut().find(|entry| entry.number == number) {
        entry.process = *process;
    }
}

/// Forgets a process, or one that was not started after all: how it has ended.
fn forget(number: Process) -> Option<End> {
    let mut owner = OWNER.lock();
    let place = owner.entries.iter().position(|entry| entry.number == number)?;
    owner.entries.remove(place).end
}

/// Forgets a process that was not started.
pub(super) fn abandon(number: Process) {
    forget(number);
}

/// How a process has ended, if it has. It is then forgotten.
pub(super) fn ended(number: Process) -> Option<End> {
    let has_ended = {
        let owner = OWNER.lock();
        let entry = owner.entries.iter().find(|entry| entry.number == number);
        entry.is_none_or(|entry| entry.end.is_some())
    };
    has_ended.then(|| forget(number).unwrap_or(End::Lost))
}

/// Waits for the ends of processes.
pub(super) fn wait(numbers: &[Process]) -> Vec<End> {
    let targets = |owner: &Owner| -> Vec<Target> {
        let running = owner
            .entries
            .iter()
            .filter(|entry| entry.end.is_none() && numbers.contains(&entry.number));
        running
            .map(|entry| Target {
                process: entry.process,
                listener: entry.listener,
            })
            .collect()
    };
    let mut left = {
        let owner = OWNER.lock();
        targets(&owner)
    };
    while !left.is_empty() {
        interrupts::set_foreground(left);
        if !ENDED.down_within(PATIENCE) {
            look_for_lost(numbers);
        }
        let owner = OWNER.lock();
        left = targets(&owner);
    }
    interrupts::set_foreground(Vec::new());
    numbers
        .iter()
        .map(|number| forget(*number).unwrap_or(End::Lost))
        .collect()
}

/// Asks after processes that have not been heard of.
fn look_for_lost(numbers: &[Process]) {
    let running: Vec<(Process, Capability)> = {
        let owner = OWNER.lock();
        let running = owner
            .entries
            .iter()
            .filter(|entry| entry.end.is_none() && numbers.contains(&entry.number));
        running.map(|entry| (entry.number, entry.process)).collect()
    };
    for (number, process) in running {
        let answer = standard::info(&mut Kernel, &process, &mut [0; 1]);
        let is_missing = matches!(
            answer,
            Err(Status::RpcNotFound | Status::RpcFailure | Status::BadCapability)
        );
        let is_lost = {
            let mut owner = OWNER.lock();
            let entry = owner.entries.iter_mut().find(|entry| entry.number == number);
            entry.is_some_and(|entry| {
                entry.unanswered = if is_missing { entry.unanswered + 1 } else { 0 };
                entry.unanswered >= TRIES
            })
        };
        if is_lost {
            finish(number, End::Lost);
        }
    }
}

/// Waits for processes for which nobody waits, but whose streams are served here: with the shell these would go.
pub(super) fn linger() {
    let is_served = |entry: &&Entry| {
        let mut closed = entry.closed.iter();
        entry.end.is_none() && closed.any(|stream| matches!(stream, Stream::Own(..)))
    };
    let numbers: Vec<Process> = {
        let owner = OWNER.lock();
        owner
            .entries
            .iter()
            .filter(is_served)
            .map(|entry| entry.number)
            .collect()
    };
    wait(&numbers);
}

/// The capability of a process that runs.
pub(super) fn capability(number: Process) -> Option<Capability> {
    let owner = OWNER.lock();
    let entry = owner
        .entries
        .iter()
        .find(|entry| entry.number == number && entry.end.is_none())?;
    Some(entry.process)
}
