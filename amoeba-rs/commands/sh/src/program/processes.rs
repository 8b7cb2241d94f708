//! The shell as the owner of the processes that it has started: their kernels tell it when they stop.

use super::machine::{Stream, close};
use alloc::vec::Vec;
use libamoeba::owner::{self, News, Owner};
use libamoeba::standard;
use libamoeba::system::interrupts::{self, Target};
use libamoeba::system::mutex::{Mutex, Semaphore};
use libamoeba::system::{Kernel, ownership, thread};
use proto::capability::{Capability, Port};
use proto::standard::Status;
use shell::world::{End, Process};

const STACK: usize = 8192;
/// After so many milliseconds without news the shell asks whether processes still exist.
const PATIENCE: i32 = 5000;
/// How often a machine may fail to answer before its processes count as lost.
const TRIES: u32 = 3;

struct Entry {
    number: Process,
    /// Null as long as it is being started.
    process: Capability,
    listener: Option<Capability>,
    closed: Vec<Stream>,
    end: Option<End>,
    unanswered: u32,
}

struct Book {
    owner: Owner,
    entries: Vec<Entry>,
    last: Process,
}

static BOOK: Mutex<Book> = Mutex::new(Book {
    owner: Owner::new(Port::NULL, Port::NULL),
    entries: Vec::new(),
    last: 0,
});
/// Raised whenever a process has ended.
static ENDED: Semaphore = Semaphore::new(0);

/// Owns processes by this owner and hears of them, for ever; false if there is no room for it.
pub(super) fn own(owner: Owner) -> bool {
    BOOK.lock().owner = owner;
    let Some(inbox) = ownership::listen(owner) else {
        return false;
    };
    thread::spawn(STACK, || {
        loop {
            let (number, news) = inbox.next();
            match news {
                // It goes on elsewhere.
                News::Moved(swap) => started(number, &swap.new),
                News::Listens(listener) => listens(number, listener),
                News::Ended(_, owner::End::Exited(status)) => finish(number, End::Exit(status)),
                News::Ended(_, owner::End::Stunned(code)) => finish(number, End::Stun(code)),
                News::Ended(_, owner::End::Exception(exception)) => finish(number, End::Exception(exception)),
            }
        }
    })
}

/// A process says where it listens.
fn listens(number: Process, listener: Capability) {
    let mut book = BOOK.lock();
    let mut entries = book.entries.iter_mut();
    let Some(entry) = entries.find(|entry| entry.number == number) else {
        return;
    };
    entry.listener = Some(listener).filter(|listener| *listener != Capability::NULL);
    drop(book);
    // Whoever waits for it is to know.
    ENDED.up();
}

/// Takes note of an end; first what the process has used is closed, so that what it wrote is there when others hear of its end.
fn finish(number: Process, end: End) {
    let find = |book: &mut Book| book.entries.iter().position(|entry| entry.number == number);
    let closed = {
        let mut book = BOOK.lock();
        find(&mut book).map(|place| core::mem::take(&mut book.entries[place].closed))
    };
    for stream in closed.unwrap_or_default() {
        if let Err(what) = close(stream) {
            libamoeba::eprintln!("sh: {what}");
        }
    }
    let mut book = BOOK.lock();
    if let Some(place) = find(&mut book) {
        book.entries[place].end.get_or_insert(end);
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
    let mut book = BOOK.lock();
    book.last += 1;
    let number = book.last;
    book.entries.push(Entry {
        number,
        process: Capability::NULL,
        listener: None,
        closed: closed.to_vec(),
        end: None,
        unanswered: 0,
    });
    Prepared {
        number,
        owner: book.owner.of(number),
        signals: book.owner.signals(number),
    }
}

/// The process has been started.
pub(super) fn started(number: Process, process: &Capability) {
    let mut book = BOOK.lock();
    if let Some(entry) = book.entries.iter_mut().find(|entry| entry.number == number) {
        entry.process = *process;
    }
}

/// Forgets a process, or one that was not started after all: how it has ended.
fn forget(number: Process) -> Option<End> {
    let mut book = BOOK.lock();
    let place = book.entries.iter().position(|entry| entry.number == number)?;
    book.entries.remove(place).end
}

/// Forgets a process that was not started.
pub(super) fn abandon(number: Process) {
    forget(number);
}

/// How a process has ended, if it has. It is then forgotten.
pub(super) fn ended(number: Process) -> Option<End> {
    let has_ended = {
        let book = BOOK.lock();
        let entry = book.entries.iter().find(|entry| entry.number == number);
        entry.is_none_or(|entry| entry.end.is_some())
    };
    has_ended.then(|| forget(number).unwrap_or(End::Lost))
}

/// Waits for the ends of processes.
pub(super) fn wait(numbers: &[Process]) -> Vec<End> {
    let targets = |book: &Book| -> Vec<Target> {
        let running = book
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
        let book = BOOK.lock();
        targets(&book)
    };
    while !left.is_empty() {
        interrupts::set_foreground(left);
        if !ENDED.down_within(PATIENCE) {
            look_for_lost(numbers);
        }
        let book = BOOK.lock();
        left = targets(&book);
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
        let book = BOOK.lock();
        let running = book
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
            let mut book = BOOK.lock();
            let entry = book.entries.iter_mut().find(|entry| entry.number == number);
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
        let book = BOOK.lock();
        book.entries
            .iter()
            .filter(is_served)
            .map(|entry| entry.number)
            .collect()
    };
    wait(&numbers);
}

/// The capability of a process that runs.
pub(super) fn capability(number: Process) -> Option<Capability> {
    let book = BOOK.lock();
    let entry = book
        .entries
        .iter()
        .find(|entry| entry.number == number && entry.end.is_none())?;
    Some(entry.process)
}
