//! What is kept for each thread: the transaction it waits for, the port it listens on, the request it serves, the
//! reply it is giving. All of it is plain data, so that a process can be taken to another machine with it.

use super::assembly::Assembly;
use super::numbers::Numbers;
use super::{Notice, ThreadId};
use crate::flip::types::{Endpoint, MessageId, Milliseconds};
use alloc::vec::Vec;
use bitflags::bitflags;
use proto::capability::Port;
use proto::flip::Address;
use proto::message;
use proto::rpc::Header;

/// No timer runs.
pub(super) const NEVER: Milliseconds = Milliseconds::MAX;

/// A process with its address and threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process<B> {
    /// Its private address.
    pub(super) private: Address,
    /// Its public address.
    pub(super) address: Address,
    /// Where the address is registered.
    pub(super) endpoint: Endpoint,
    /// Others may ask about its transactions until then, even if it has ended: see [`super::process::Departed`].
    pub(super) asked_until: Milliseconds,
    /// It has ended and waits only until FLIP no longer uses its memory.
    pub(super) is_ending: bool,
    /// What its threads are doing was taken out; nothing reaches it.
    pub(super) is_away: bool,
    /// The numbers of its transactions, once it has moved; before, they are the kernel's.
    pub(super) numbers: Option<Numbers>,
    /// The ports on which its threads served, or waited last for requests.
    pub(super) ports: Vec<Port>,
    /// By index.
    pub(super) threads: Vec<Thread<B>>,
    /// Indices of the threads whose message has not come whole.
    pub(super) assembling: Vec<u16>,
}

/// A thread. It waits in at most one of the calls, but may carry out a transaction while it serves a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Thread<B> {
    /// How long its transactions look for a server.
    pub(super) locate_timeout: Milliseconds,
    /// It is in `trans`.
    pub(super) transaction: Option<Transaction<B>>,
    /// It is in `getreq`.
    pub(super) listening: Option<Listening<B>>,
    /// The port on which it waited for a request last; the null port if it never did.
    pub(super) port: Port,
    /// It is between `getreq` and the end of `putrep`.
    pub(super) service: Option<Service>,
    /// It is in `putrep`.
    pub(super) reply: Option<Reply<B>>,
    /// The message of which FLIP still reads its memory.
    pub(super) sending: Option<MessageId>,
    /// What it will be told when FLIP no longer does.
    pub(super) parked: Option<Notice<B>>,
}

/// Where a client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It asks who listens on the port (state LOCATE).
    Locating {
        /// Which of the hop limits was asked last.
        step: u8,
        /// Pause after it.
        interval: Milliseconds,
    },
    /// Its request is on the way (state PUTREQ).
    Requesting,
    /// The server refused the request; it will be sent again.
    Pausing,
    /// The server refused too often, and is asked to promise that it will not execute the request.
    Withdrawing,
    /// The server has the request (state GETREP).
    Waiting,
}

bitflags! {
    /// What else is known of a transaction.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Marks: u16 {
        /// The last word was a refusal.
        const REFUSED = 0x01;
        /// The last word was that the server cannot be reached.
        const UNREACHABLE = 0x02;
        /// This number was used in a request already.
        const RETRANSMISSION = 0x04;
        /// A signal waits to be passed on to the server.
        const SIGNAL = 0x08;
        /// The last message was the request, not a question about it.
        const REQUEST_LAST = 0x10;
        /// This server has refused the request, and so copies of it may still be on the way there.
        const LINGERING = 0x20;
        /// The server has moved to another machine since the last message.
        const MOVED = 0x40;
        /// The server was about to move when the last message went out, or when it was answered: what time goes by until then is no
        /// search, and a refusal says nothing.
        const AWAY = 0x80;
        /// The server, which was known to have the request, was asked whether it still works on it, and has not answered yet.
        const ENQUIRED = 0x100;
    }
}

/// The server of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// None yet.
    Unknown,
    /// A thread of this machine.
    Local(ThreadId),
    /// A process elsewhere, and which of its threads as far as that is known.
    Remote { address: Address, thread: u16 },
}

/// A client's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transaction<B> {
    pub(super) phase: Phase,
    pub(super) header: message::Header,
    pub(super) request: B,
    pub(super) reply: B,
    /// Who counts it: a kernel, or its own process if that has moved.
    pub(super) kernel: [u8; 8],
    /// Its number there.
    pub(super) number: u32,
    pub(super) server: Server,
    /// Milliseconds to the server and back.
    pub(super) round_trip: u16,
    /// Tries left with this server.
    pub(super) retries: u8,
    /// How often the server may still move.
    pub(super) moves: u8,
    /// Silences that may still occur before a server has the request.
    pub(super) silences: u8,
    /// Milliseconds spent on looking for a server that takes the request.
    pub(super) searched: Milliseconds,
    /// When the present phase began or the last question was asked.
    pub(super) since: Milliseconds,
    /// When to do something about it.
    pub(super) deadline: Milliseconds,
    pub(super) marks: Marks,
    /// The last message about it.
    pub(super) message: Option<MessageId>,
    /// The reply as far as it has come.
    pub(super) assembly: Option<Assembly>,
}

/// A server that waits for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listening<B> {
    /// The put-port.
    pub(super) port: Port,
    pub(super) buffer: B,
    /// A request as far as it has come.
    pub(super) assembly: Option<Assembly>,
}

/// The client of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// A thread of this machine.
    Local(ThreadId),
    /// A thread elsewhere.
    Remote {
        address: Address,
        thread: u16,
        kernel: [u8; 8],
        /// The number of the transaction.
        number: u32,
        /// Milliseconds to it and back, as it measured.
        round_trip: u16,
    },
    /// It does not wait any more.
    Gone,
}

/// A request that is being served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) client: Client,
    pub(super) port: Port,
}

/// What the client is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer<B> {
    Reply { header: message::Header, data: B },
    Forward(Address),
}

/// An answer that the client has not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply<B> {
    pub(super) answer: Answer<B>,
    pub(super) retries: u8,
    pub(super) deadline: Milliseconds,
    /// The client was asked for it since it went out.
    pub(super) is_asked: bool,
    /// The last message about it.
    pub(super) message: Option<MessageId>,
    /// The client has moved to another machine since then.
    pub(super) has_moved: bool,
    /// How often it may still do so.
    pub(super) moves: u8,
}

impl<B> Thread<B> {
    pub(super) fn new(locate_timeout: Milliseconds) -> Thread<B> {
        Thread {
            locate_timeout,
            transaction: None,
            listening: None,
            port: Port::NULL,
            service: None,
            reply: None,
            sending: None,
            parked: None,
        }
    }

    /// Whether it waits in a call.
    pub(super) fn is_waiting(&self) -> bool {
        self.transaction.is_some()
            || self.listening.is_some()
            || self.reply.is_some()
            || self.parked.is_some()
    }

    /// When something is to be done about it.
    pub(super) fn deadline(&self) -> Milliseconds {
        let transaction = self.transaction.as_ref().map(|transaction| transaction.deadline);
        let reply = self.reply.as_ref().map(|reply| reply.deadline);
        let listening = self
            .listening
            .as_ref()
            .and_then(|listening| listening.assembly.as_ref())
            .map(|assembly| assembly.deadline);
        [transaction, reply, listening]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(NEVER)
    }

    /// Whether it serves, or answers, the transaction of a client elsewhere that a message is about. Its number is one of
    /// the kernel that counted it: those of a client that has moved may repeat.
    pub(super) fn serves(&self, from: Address, header: &Header) -> bool {
        matches!(
            self.service,
            Some(Service { client: Client::Remote { address, kernel, number, .. }, .. })
                if address == from && kernel == header.kernel && number == header.transaction
        )
    }

    /// The transaction that a message is about, if it is under way with this server.
    pub(super) fn transaction_with(&mut self, from: Address, header: &Header) -> Option<&mut Transaction<B>> {
        self.transaction.as_mut().filter(|transaction| {
            (transaction.kernel, transaction.number) == (header.kernel, header.transaction)
                && transaction.is_with(from)
        })
    }
}

impl<B> Transaction<B> {
    /// Whether its server is the process elsewhere with this address.
    pub(super) fn is_with(&self, server: Address) -> bool {
        matches!(self.server, Server::Remote { address, .. } if address == server)
    }
}
