//! Remote procedure calls: the kernel's side of `trans`, `getreq` and `putrep`, on FLIP.
//!
//! A client's request goes to a process that listens on the port, found by broadcasts and remembered in a cache; the
//! reply comes back, and an acknowledgement of it ends the transaction: three messages. Messages are never sent again
//! blindly. After a silence the other side is asked whether it has them, and only a refusal makes them go out once more.
//! Every transaction is executed at most once, whatever the network does.
//!
//! * [`limits`]: every time and count.
//! * `calls`: what threads ask for; `signals`: calls cut short. `process`: processes come and go.
//! * `search`, `client` and `awaited`: a client looks for a server, sends its request, gets the reply.
//! * `server` and `reply`: a server gets a request, and answers it.
//! * `arrival`: messages of the network; `assembly`: those of several fragments. `message`: messages for the network.
//! * `sweep`: timers, and what FLIP could not deliver.
//! * `migration`: a process goes to another machine.
//! * `port_cache`: who listens on which port. `numbers`: those of transactions. `history`: which were executed.
//!
//! This module does no I/O and has no clock. FLIP lies below it ([`Below`]) and tells it what has come
//! ([`Rpc::event`]); the kernel calls [`Rpc::sweep`] every [`limits::SWEEP`] milliseconds, and asks with [`Rpc::next`]
//! which threads are to go on. A thread's memory is a [`Buffer`], which is handed over with a call.
//!
//! Not written on a wire by the first Amoeba: a client that a server has refused five times, and that is going to try
//! another, first asks the refusing one with FAIL, flag REQUEST, never to execute the request, and waits for FAIL, flags
//! REQUEST and REPLY. Otherwise a copy of the request that was delayed in the network could be executed there as well.

mod arrival;
mod assembly;
mod awaited;
mod calls;
mod chains;
mod client;
mod history;
pub mod limits;
mod message;
mod migration;
mod numbers;
mod port_cache;
mod process;
mod reply;
pub mod report;
mod search;
mod server;
mod signals;
mod sweep;
#[cfg(test)]
mod tests;
mod thread;

pub use calls::{Misuse, Size};
pub use message::{Buffer, Message, Payload};
pub use migration::Taken;

use crate::flip::types::{Below, Endpoint, Interface, MessageId, Milliseconds, Priority, SendFlags};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use history::History;
use limits::{CLIENT_SWEEP, PORT_SWEEP};
use numbers::Numbers;
use port_cache::PortCache;
use process::Departed;
use proto::flip::Address;
use proto::one_way;
use proto::standard::Status;
use proto::{message as user, rpc};
use thread::{NEVER, Process, Thread};

/// A thread: its process's place in the kernel's table, and its own in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId {
    /// The process.
    pub process: u16,
    /// The thread.
    pub thread: u16,
}

/// What came of a call: the header, and how many bytes were put into the buffer.
pub type Outcome = Result<(user::Header, u32), Status>;

/// What the kernel is to do for a thread or process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice<B> {
    /// `trans` ends.
    Transaction {
        /// Whose.
        thread: ThreadId,
        /// The reply, or why there is none.
        outcome: Outcome,
        /// The buffer for replies.
        buffer: B,
    },
    /// `getreq` ends.
    Request {
        /// Whose.
        thread: ThreadId,
        /// The request, or [`Status::RpcAborted`].
        outcome: Outcome,
        /// The buffer for requests.
        buffer: B,
    },
    /// `putrep` ends, whether the reply has arrived or not.
    Replied {
        /// Whose.
        thread: ThreadId,
    },
    /// The client of the request that the thread serves was sent a signal: the thread gets `SIG_TRANS`.
    Signal {
        /// Which.
        thread: ThreadId,
    },
    /// An ended process's memory is no longer used, and its place in the table is free.
    Ended {
        /// Which.
        process: u16,
    },
}

/// What was seen, for the kernel's statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that were received.
    pub requests: u32,
    /// Replies that were received.
    pub replies: u32,
    /// Transactions within the machine.
    pub local: u32,
    /// Requests that were sent again.
    pub retransmissions: u32,
    /// Questions whether a message arrived, and enquiries.
    pub questions: u32,
    /// LOCATE broadcasts sent.
    pub locates: u32,
    /// Requests refused because no thread waited.
    pub refused: u32,
    /// Requests that were executed already, and dropped.
    pub duplicates: u32,
    /// Messages that are none of this protocol.
    pub malformed: u32,
    /// Messages of several fragments that did not come whole.
    pub incomplete: u32,
}

/// The protocol's state.
#[derive(Clone, Debug)]
pub struct Rpc<D: Payload> {
    interface: Interface,
    /// Those of the transactions of processes that have never moved. Their name is that of this kernel, eight random bytes.
    numbers: Numbers,
    processes: Vec<Option<Process<D::Buffer>>>,
    departed: Vec<Departed>,
    ports: PortCache,
    put_ports: one_way::Cache,
    history: History,
    /// Threads in the phase Locating, the first one first.
    searching: Vec<ThreadId>,
    /// Messages whose data FLIP still reads.
    sending: Vec<(MessageId, ThreadId)>,
    notices: VecDeque<Notice<D::Buffer>>,
    /// When a timer runs out at the earliest.
    due: Milliseconds,
    port_sweep: Milliseconds,
    client_sweep: Milliseconds,
    counters: Counters,
}

impl<D: Payload> Rpc<D> {
    /// A kernel without processes. `interface` is this module's connection with FLIP; `kernel` are random bytes that no
    /// other kernel, and not this one after its next start, has.
    pub fn new(now: Milliseconds, interface: Interface, kernel: [u8; 8]) -> Rpc<D> {
        Rpc {
            interface,
            numbers: Numbers::new(kernel),
            processes: Vec::new(),
            departed: Vec::new(),
            ports: PortCache::new(),
            put_ports: one_way::Cache::new(),
            history: History::new(),
            searching: Vec::new(),
            sending: Vec::new(),
            notices: VecDeque::new(),
            due: now + PORT_SWEEP,
            port_sweep: now + PORT_SWEEP,
            client_sweep: now + CLIENT_SWEEP,
            counters: Counters::default(),
        }
    }

    /// What a thread or the kernel is to do next.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Notice<D::Buffer>> {
        self.notices.pop_front()
    }

    /// When a timer runs out at the earliest; [`Rpc::sweep`] does nothing before.
    pub fn due(&self) -> Milliseconds {
        self.due
    }

    /// What was seen so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn process(&self, process: u16) -> Option<&Process<D::Buffer>> {
        self.processes.get(usize::from(process))?.as_ref()
    }

    fn process_mut(&mut self, process: u16) -> Option<&mut Process<D::Buffer>> {
        self.processes.get_mut(usize::from(process))?.as_mut()
    }

    fn thread_mut(&mut self, id: ThreadId) -> Option<&mut Thread<D::Buffer>> {
        self.process_mut(id.process)?
            .threads
            .get_mut(usize::from(id.thread))
    }

    /// Sees to it that timers are looked at then.
    fn set_due(&mut self, deadline: Milliseconds) {
        self.due = self.due.min(deadline);
    }

    /// A header with what most messages have in common; `port` and `kernel` are filled in where they have a meaning.
    fn header(&self, kind: rpc::Kind, number: u32, destination: u16, source: u16) -> rpc::Header {
        rpc::Header {
            kernel: self.numbers.name(),
            port: proto::capability::Port::NULL,
            kind,
            flags: rpc::Flags::empty(),
            transaction: number,
            destination,
            source,
        }
    }

    /// Sends headers only, ahead of all that waits for the same address. A failure is as good as a loss: the timers see to it.
    fn control(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        endpoint: Endpoint,
        to: Address,
        header: &rpc::Header,
        flags: SendFlags,
    ) -> Option<MessageId> {
        let data = D::from_message(Message::control(&header.emit()));
        let flags = flags | SendFlags::SECURITY;
        let priority = Priority::Control;
        below
            .unicast(
                now,
                self.interface,
                endpoint,
                flags,
                to,
                limits::LOCATE_TIMEOUT,
                priority,
                data,
            )
            .ok()
    }

    /// Tells a thread something as soon as FLIP no longer reads its memory.
    fn tell(&mut self, id: ThreadId, notice: Notice<D::Buffer>) {
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        if thread.sending.is_some() {
            thread.parked = Some(notice);
        } else {
            self.notices.push_back(notice);
        }
    }

    /// Ends a thread's transaction.
    fn end_transaction(&mut self, id: ThreadId, outcome: Outcome) {
        let Some(transaction) = self.thread_mut(id).and_then(|thread| thread.transaction.take()) else {
            return;
        };
        if transaction.assembly.is_some() {
            self.forget_assembly(id);
        }
        if matches!(transaction.phase, thread::Phase::Locating { .. }) {
            self.searching.retain(|&searching| searching != id);
        }
        let buffer = transaction.reply;
        self.tell(
            id,
            Notice::Transaction {
                thread: id,
                outcome,
                buffer,
            },
        );
    }

    /// The thread has no longer a message under reassembly.
    fn forget_assembly(&mut self, id: ThreadId) {
        if let Some(process) = self.process_mut(id.process) {
            process.assembling.retain(|&thread| thread != id.thread);
        }
    }
}

impl<B> Process<B> {
    fn new(private: Address, endpoint: Endpoint) -> Process<B> {
        Process {
            private,
            address: private.public(),
            endpoint,
            asked_until: 0,
            is_ending: false,
            is_away: false,
            numbers: None,
            ports: Vec::new(),
            threads: Vec::new(),
            assembling: Vec::new(),
        }
    }

    /// Others may ask about its transactions for so long.
    fn is_asked_for(&mut self, now: Milliseconds, time: Milliseconds) {
        self.asked_until = self.asked_until.max(now + time);
    }

    /// When something is to be done about one of its threads.
    fn deadline(&self) -> Milliseconds {
        self.threads.iter().map(Thread::deadline).min().unwrap_or(NEVER)
    }
}
