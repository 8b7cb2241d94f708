//! Processes: address spaces with threads, as plain data. Nothing here runs code or touches a register; the kernel puts
//! a thread's [`Frame`] into the processor and gives it back when the thread traps.
//!
//! A tour: [`exec`] makes a process from its descriptor, [`schedule`] says who runs, [`calls`] carries out system
//! calls (`raw` those of FLIP and of profiles), [`memory`] reaches a process's memory and maps segments, [`mutex`] holds those who wait, [`signals`] delivers
//! signals and exceptions, [`stop`] stops a process and reports it to its owner, `migration` takes it to another machine.
//!
//! What has to be done elsewhere, by the transaction layer or for the owner of a process, leaves as an [`Event`]. A
//! thread that waits for it says so in its [`Wait`], so that all of a process can be written down at any time.

pub mod calls;
pub mod exec;
pub mod memory;
mod migration;
pub mod mutex;
mod raw;
pub mod registers;
pub mod schedule;
pub mod signals;
pub mod stop;
#[cfg(test)]
mod tests;

pub use memory::{Pinned, UserBuffer};
pub use migration::{Communication, Departed};
pub use stop::Checkpoint;

use crate::address_space::AddressSpace;
use crate::machine::{Machine, Milliseconds};
use crate::segments::Segments;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use migration::Journey;
use mutex::{Key, Waiter};
use proto::capability::{Capability, Port, Private};
use proto::flip::Address;
use proto::message::Header;
use proto::process::server::{Cause, Object};
use proto::process::{Frame, KernelState, SegmentKind, migration as migration_state};
use proto::raw_flip::Block;
use proto::standard::Status;

/// The most processes of a machine.
pub const MOST_PROCESSES: usize = 32;
/// The most threads of all processes of a machine.
pub const MOST_THREADS: usize = 256;
/// The time slice unless the kernel is told another.
pub const DEFAULT_SLICE: Milliseconds = 100;
/// How long a transaction looks for its server unless the thread says otherwise.
pub const DEFAULT_TIMEOUT: u32 = 5200;

/// Names a thread of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ThreadId {
    /// Slot of its process.
    pub process: u16,
    /// Its number in the process.
    pub thread: u16,
}

/// What a thread waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A time.
    Sleep {
        /// When it is over.
        until: Milliseconds,
    },
    /// A mutex.
    Mutex {
        /// Which one.
        key: Key,
        /// When the thread gives up, if ever.
        until: Option<Milliseconds>,
    },
    /// A request.
    Request(Receive),
    /// The reply to its own request.
    Transaction(Transaction),
    /// That its reply has arrived.
    Reply(Header, UserBuffer),
    /// The contents of a segment that it maps.
    Fetch {
        /// Number of the mapping.
        mapping: u16,
    },
    /// FLIP.
    RawFlip {
        /// Where its parameter block is.
        block: u32,
        /// Its data, or room for it.
        data: UserBuffer,
        /// Whether it waits for an upcall.
        is_upcall: bool,
    },
}

/// A transaction of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The request's header.
    pub header: Header,
    /// The request's data.
    pub request: UserBuffer,
    /// Where the reply's header goes.
    pub reply_header: u32,
    /// Where the reply's data goes.
    pub reply: UserBuffer,
    /// How long to look for the server, in milliseconds.
    pub timeout: u32,
}

/// A thread's readiness to take a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receive {
    /// The get-port.
    pub port: Port,
    /// Where the request's header goes.
    pub header: u32,
    /// Where the request's data goes.
    pub data: UserBuffer,
}

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Carry out a transaction; ends with [`Processes::complete`].
    Transaction(ThreadId, Transaction),
    /// Wait for a request; ends with [`Processes::complete`].
    Request(ThreadId, Receive),
    /// Send the reply to the request that the thread got last; ends with [`Processes::complete`].
    Reply(ThreadId, Header, UserBuffer),
    /// The request that the thread got last will have no reply.
    GiveUp(ThreadId),
    /// Carry out a call of FLIP; ends with [`Processes::complete_raw_flip`].
    RawFlip(ThreadId, Block),
    /// The thread got a signal while its transaction is under way: pass it on to the server.
    Signal(ThreadId),
    /// The thread no longer waits for a transaction, a request or a call of FLIP.
    Abort(ThreadId),
    /// Read the contents of a segment; ends with [`Processes::fetched`].
    Fetch(Fetch),
    /// Tell the owner that a process has stopped; ends with [`Processes::answer_checkpoint`].
    Checkpoint(Checkpoint),
    /// A process that leaves has its turn, in which it does what its migration server has answered.
    Part {
        /// The process.
        process: u16,
    },
    /// A process goes to another machine: nothing of its communication stays here. Ends with [`Processes::departed`].
    Leave {
        /// The process.
        process: u16,
    },
    /// It does not, and is to be reached here as before.
    Return {
        /// The process.
        process: u16,
    },
    /// It has gone. Its communication is kept busy until [`Event::Forget`].
    Gone {
        /// The process.
        process: u16,
        /// Names its departure.
        departure: u16,
    },
    /// The process of this departure is there where it went.
    Forget {
        /// Names its departure.
        departure: u16,
    },
    /// A process has come from another machine, with its address and what was seen there.
    Arrive {
        /// The process.
        process: u16,
        /// Its private address.
        address: Address,
        /// How it counts its transactions.
        counter: migration_state::Counter,
        /// Transactions that are not to be executed again.
        windows: Vec<migration_state::Window>,
    },
    /// A thread of such a process serves a request.
    Serve(ThreadId, migration_state::Service),
    /// A thread of such a process goes on with its transaction; ends with [`Processes::complete`].
    GoOn(ThreadId, Transaction, migration_state::Asked),
    /// A process is gone.
    Ended {
        /// The slot that it had.
        process: u16,
        /// Its comment.
        name: String,
        /// Whether somebody owns it, who has been told.
        is_owned: bool,
        /// Why.
        cause: Cause,
        /// Exit status, stun code or exception.
        detail: i32,
        /// The instruction at which a thread made the exception, and the address that it accessed.
        place: Option<(u32, u32)>,
    },
}

/// Contents of a segment that are elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The process that maps the segment.
    pub process: u16,
    /// The thread that waits for it; `None` while the process is being made.
    pub thread: Option<u16>,
    /// The segment to be filled.
    pub segment: u16,
    /// The number that protects it, by which it is known again.
    pub check: Port,
    /// Where the contents are.
    pub from: Capability,
    /// First byte there.
    pub offset: u32,
    /// Bytes.
    pub length: u32,
    /// Whether the object there is destroyed once it has been read.
    pub destroys: bool,
}

/// A segment in an address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    segment: u16,
    address: u32,
    /// Bytes of the segment, and where it is in memory. Only [`Processes::grow`] changes that of a mapped segment.
    length: u32,
    start: u32,
    kind: SegmentKind,
    /// Whether the segment goes with the process.
    is_own: bool,
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    frame: Frame,
    wait: Option<Wait>,
    kernel: KernelState,
    priority: u32,
    /// Signals that wait for the end of a call.
    pending: VecDeque<i32>,
    /// Whether it got a request and has not replied yet.
    is_serving: bool,
    /// Whether it has made the exception for which its process stops.
    is_faulty: bool,
}

impl Thread {
    fn new(frame: Frame, kernel: KernelState) -> Thread {
        Thread {
            frame,
            wait: None,
            kernel,
            priority: 0,
            pending: VecDeque::new(),
            is_serving: false,
            is_faulty: false,
        }
    }
}

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Contents of its segments are still to come.
    Loading,
    /// It runs.
    Running,
    /// Its threads are stopping.
    Stopping { cause: Cause, detail: i32 },
    /// It is on its way to another machine: first its communication is taken out, then it is away.
    Leaving,
    /// It has come from another machine and waits to be started.
    Arrived,
    /// Its owner has been told, by the checkpoint of that number.
    Stopped {
        cause: Cause,
        detail: i32,
        checkpoint: u32,
    },
}

/// What a thread of a process that stops does in the kernel, when the process has its turn: other processes that compute are not kept
/// waiting for it (Steketee, Socko and Kiepuszewski 1996, section 6). A process that has one runs no code of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Errand {
    /// Makes the descriptor and tells the owner.
    Report,
    /// Does what the owner has answered to a checkpoint; `None` if it did not.
    Obey(Option<Vec<u8>>),
    /// Stops to be taken to another machine by a migration server, which is told.
    Leave,
    /// Does what that has answered.
    Part,
}

/// A process.
#[derive(Debug)]
struct Process {
    check: Port,
    owner: Capability,
    comment: String,
    space: AddressSpace,
    mappings: Vec<Option<Mapping>>,
    /// The mapping in which something was found last: what a thread names next mostly lies there too.
    last_mapping: Cell<u16>,
    threads: Vec<Option<Thread>>,
    /// Threads that can run, in the order in which they became so.
    ready: VecDeque<u16>,
    /// The one that ran last.
    current: u16,
    is_queued: bool,
    /// What it has had of its time slice when another one went ahead of it, or itself ahead of its turn.
    used: Milliseconds,
    /// It goes ahead of its turn.
    is_ahead: bool,
    /// Another one went ahead of it in its turn.
    is_interrupted: bool,
    is_preemptive: bool,
    profile: Option<raw::Profile>,
    phase: Phase,
    errand: Option<Errand>,
    /// Contents of segments that are read next, one after the other: they come by the same cable, and a process server has few threads.
    fetches: VecDeque<Fetch>,
    /// What was taken out of a process that is leaving, or has come with one that is arriving.
    journey: Option<Journey>,
}

/// All processes of this machine.
#[derive(Debug)]
pub struct Processes {
    port: Port,
    slots: Vec<Option<Process>>,
    segments: Segments,
    /// Processes with threads that can run; the first one has its turn.
    queue: VecDeque<u16>,
    slice: Milliseconds,
    slice_start: Milliseconds,
    /// Processes go first that waited for a packet of FLIP's.
    is_boosting: bool,
    /// Those of them that have not gone first yet.
    unblocked: VecDeque<u16>,
    waiters: Vec<Waiter>,
    next_sweep: Milliseconds,
    /// Runnable threads times 1024, averaged over some seconds.
    load: u32,
    checkpoints: u32,
    /// Processes that are gone because contents of segments did not come, by the numbers that protected them, and why.
    unloaded: VecDeque<(Port, Status)>,
    events: VecDeque<Event>,
}

impl Processes {
    /// No processes yet. Their capabilities name the server at the put-port `port`.
    pub fn new(port: Port, slice: Milliseconds) -> Processes {
        Processes {
            port,
            slots: Vec::new(),
            segments: Segments::new(port),
            queue: VecDeque::new(),
            slice,
            slice_start: 0,
            is_boosting: false,
            unblocked: VecDeque::new(),
            waiters: Vec::new(),
            next_sweep: 0,
            load: 0,
            checkpoints: 0,
            unloaded: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The same, but a process goes before all others when a packet of FLIP's has come for which one of its threads waited.
    #[must_use]
    pub fn boosting(mut self, is_boosting: bool) -> Processes {
        self.is_boosting = is_boosting;
        self
    }

    /// The put-port of the server of processes and segments.
    pub const fn port(&self) -> Port {
        self.port
    }

    /// What has to be done outside, in order.
    pub fn poll(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The segments of this machine.
    pub const fn segments(&self) -> &Segments {
        &self.segments
    }

    /// The segments of this machine.
    pub const fn segments_mut(&mut self) -> &mut Segments {
        &mut self.segments
    }

    /// The average number of threads that can run, times 1024.
    pub const fn load(&self) -> u32 {
        self.load
    }

    /// The number that protects a process's capability; `None` if there is no such process.
    pub fn check(&self, slot: u16) -> Option<Port> {
        Some(self.slots.get(usize::from(slot))?.as_ref()?.check)
    }

    /// Physical address of the page directory of a thread's process.
    ///
    /// # Panics
    /// If there is no such process, as all of this.
    pub fn directory(&self, id: ThreadId) -> u32 {
        self.process(id.process).space.directory()
    }

    /// The registers of a thread.
    pub fn frame(&self, id: ThreadId) -> &Frame {
        &self.thread(id).frame
    }

    /// Takes note of a thread's registers after it ran.
    pub fn set_frame(&mut self, id: ThreadId, frame: &Frame) {
        self.thread_mut(id).frame = *frame;
    }

    /// Who is told when the process stops.
    pub fn owner(&self, slot: u16) -> Capability {
        self.process(slot).owner
    }

    /// Changes who is told when the process stops.
    pub fn set_owner(&mut self, slot: u16, owner: Capability) {
        self.process_mut(slot).owner = owner;
    }

    /// The comment on a process.
    pub fn comment(&self, slot: u16) -> &str {
        &self.process(slot).comment
    }

    /// Changes the comment on a process.
    pub fn set_comment(&mut self, slot: u16, comment: &str) {
        self.process_mut(slot).comment = String::from(comment);
    }

    /// What a process is doing, in three letters, as its server describes it: it runs, it has stopped, it ends.
    pub fn condition(&self, slot: u16) -> &'static str {
        match self.process(slot).phase {
            Phase::Running | Phase::Loading => "Run",
            Phase::Stopping {
                cause: Cause::Normal, ..
            }
            | Phase::Stopped {
                cause: Cause::Normal, ..
            } => "Die",
            Phase::Stopping { .. } | Phase::Stopped { .. } | Phase::Leaving | Phase::Arrived => "Stp",
        }
    }

    /// Whether a process is on its way to another machine, or from one: what is changed of it now would not be changed of the one that
    /// goes on.
    pub fn is_between_machines(&self, slot: u16) -> bool {
        let process = self.process(slot);
        process.phase == Phase::Leaving || process.journey.is_some()
    }

    /// Whether contents of segments of a process are still to come.
    pub fn is_loading(&self, slot: u16) -> bool {
        let process = self.slots.get(usize::from(slot)).and_then(Option::as_ref);
        process.is_some_and(|process| matches!(process.phase, Phase::Loading))
    }

    /// Why the process is gone that this number protected, if contents of its segments did not come; told once.
    pub fn take_load_failure(&mut self, check: Port) -> Option<Status> {
        let place = self.unloaded.iter().position(|(gone, _)| *gone == check)?;
        let (_, status) = self.unloaded.remove(place)?;
        Some(status)
    }

    /// Slots of all processes, with the number of their threads.
    pub fn list(&self) -> impl Iterator<Item = (u16, usize)> {
        let slots = (0..).zip(&self.slots);
        slots.filter_map(|(slot, process)| Some((slot, process.as_ref()?.threads.iter().flatten().count())))
    }

    /// The capability with all rights on a process.
    pub fn capability(&self, slot: u16) -> Capability {
        Capability {
            port: self.port,
            private: Private::owner(Object::Process(slot).number(), self.process(slot).check),
        }
    }

    fn process(&self, slot: u16) -> &Process {
        self.slots[usize::from(slot)]
            .as_ref()
            .expect("a process that is there")
    }

    fn process_mut(&mut self, slot: u16) -> &mut Process {
        self.slots[usize::from(slot)]
            .as_mut()
            .expect("a process that is there")
    }

    fn thread(&self, id: ThreadId) -> &Thread {
        self.process(id.process).threads[usize::from(id.thread)]
            .as_ref()
            .expect("a thread that is there")
    }

    fn thread_mut(&mut self, id: ThreadId) -> &mut Thread {
        self.process_mut(id.process).threads[usize::from(id.thread)]
            .as_mut()
            .expect("a thread that is there")
    }

    /// Whether the thread is there.
    pub fn has(&self, id: ThreadId) -> bool {
        let process = self.slots.get(usize::from(id.process)).and_then(Option::as_ref);
        process.is_some_and(|process| {
            process
                .threads
                .get(usize::from(id.thread))
                .is_some_and(Option::is_some)
        })
    }

    /// Numbers of a process's threads.
    fn threads(&self, slot: u16) -> Vec<ThreadId> {
        let threads = (0..).zip(&self.process(slot).threads);
        threads
            .filter(|(_, thread)| thread.is_some())
            .map(|(thread, _)| ThreadId {
                process: slot,
                thread,
            })
            .collect()
    }

    /// Threads of all processes.
    fn thread_count(&self) -> usize {
        self.list().map(|(_, threads)| threads).sum()
    }

    /// Takes a process apart: threads, address space, its own segments.
    fn destroy(&mut self, machine: &mut impl Machine, slot: u16) {
        for id in self.threads(slot) {
            self.forget_wait(id);
        }
        self.queue.retain(|queued| *queued != slot);
        let process = self.slots[usize::from(slot)]
            .take()
            .expect("a process that is there");
        process.space.destroy(machine);
        for mapping in process.mappings.into_iter().flatten() {
            if mapping.is_own {
                self.segments.destroy(machine, mapping.segment);
            }
            self.segments.let_go(machine, mapping.segment);
        }
    }
}
