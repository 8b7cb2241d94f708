//! Processes come and go.

use super::arrival::is_withdrawal;
use super::history::Past;
use super::limits::{LINGER, LINGERING};
use super::message::Payload;
use super::server::failure_flags;
use super::thread::{Client, Process};
use super::{Notice, Rpc, ThreadId};
use crate::flip::types::{Below, Endpoint, Error, Milliseconds, SendFlags};
use alloc::vec::Vec;
use proto::flip::Address;
use proto::rpc::{Flags, Header, Kind};

/// The address of a process that ended while it served requests, after it refused some, or before it was certain that its
/// servers knew that it had their replies. It is kept for a while, so that clients that missed the news are told, that copies
/// of refused requests are not taken for lost ones, and that no server's thread goes on asking for an acknowledgement that
/// was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Departed {
    address: Address,
    endpoint: Endpoint,
    until: Milliseconds,
}

impl<D: Payload> Rpc<D> {
    /// Begins to hear broadcasts. To be called once, before all else.
    pub fn open(&mut self, below: &mut impl Below<D>) -> Result<(), Error> {
        below.register(self.interface, Address::NULL).map(|_| ())
    }

    /// Gives a process its address, of which `private` is the secret. Process numbers are places in the kernel's table; one is free again after [`Notice::Ended`].
    /// [`Error::Fail`] if it is taken.
    pub fn start_process(
        &mut self,
        below: &mut impl Below<D>,
        process: u16,
        private: Address,
    ) -> Result<(), Error> {
        let place = usize::from(process);
        if self.processes.len() <= place {
            self.processes.resize(place + 1, None);
        }
        if self.processes[place].is_some() {
            return Err(Error::Fail);
        }
        let endpoint = below.register(self.interface, private)?;
        self.processes[place] = Some(Process::new(private, endpoint));
        Ok(())
    }

    /// Ends a process: clients and servers of its threads are told, and nothing is told to the threads any more.
    /// [`Notice::Ended`] follows as soon as FLIP no longer reads its memory.
    pub fn end_process(&mut self, now: Milliseconds, below: &mut impl Below<D>, process: u16) {
        let Some(known) = self.process(process).filter(|known| !known.is_ending) else {
            return;
        };
        let (address, endpoint) = (known.address, known.endpoint);
        let threads = known.threads.len() as u16;
        let is_serving = known.threads.iter().any(|thread| {
            thread
                .service
                .as_ref()
                .is_some_and(|service| matches!(service.client, Client::Remote { .. }))
        });
        for thread in 0..threads {
            self.end_thread(now, below, ThreadId { process, thread });
        }
        if is_serving && let Some(known) = self.process_mut(process) {
            known.is_asked_for(now, LINGER);
        }
        let mut until = 0;
        if let Some(known) = self.process_mut(process) {
            known.is_ending = true;
            until = known.asked_until;
        }
        if now < until {
            self.linger(below, address, endpoint, until);
        } else {
            self.give_address_up(below, address, endpoint);
        }
        self.finish_ending(process);
    }

    /// Ends a thread, or what it has begun: its client and its server are told, and nothing is told to it any more.
    pub fn end_thread(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        self.cleanup(now, below, id);
        self.abort(now, below, id);
        if let Some(thread) = self.thread_mut(id) {
            thread.parked = None;
            thread.reply = None;
            thread.locate_timeout = super::limits::LOCATE_TIMEOUT;
        }
        self.notices.retain(|notice| notice.thread() != Some(id));
    }

    /// The process with an address.
    pub(super) fn local_process(&self, address: Address) -> Option<u16> {
        let is_it = |process: &Option<Process<D::Buffer>>| {
            process
                .as_ref()
                .is_some_and(|process| process.address == address && !process.is_ending && !process.is_away)
        };
        self.processes.iter().position(is_it).map(|place| place as u16)
    }

    /// The place of an ending process is free when nothing of its memory is under way.
    pub(super) fn finish_ending(&mut self, process: u16) {
        let is_done = self.process(process).is_some_and(|known| known.is_ending)
            && self.sending.iter().all(|(_, id)| id.process != process);
        if is_done {
            self.processes[usize::from(process)] = None;
            self.notices.push_back(Notice::Ended { process });
        }
    }

    /// Keeps an address. If too many are kept, the one that would be given up first goes.
    fn linger(
        &mut self,
        below: &mut impl Below<D>,
        address: Address,
        endpoint: Endpoint,
        until: Milliseconds,
    ) {
        if self.departed.len() == LINGERING {
            let first = (0..LINGERING).min_by_key(|&place| self.departed[place].until);
            let first = self.departed.remove(first.unwrap_or(0));
            self.give_address_up(below, first.address, first.endpoint);
        }
        self.departed.push(Departed {
            address,
            endpoint,
            until,
        });
        self.set_due(until);
    }

    /// Gives up the addresses that were kept long enough.
    pub(super) fn forget_departed(&mut self, now: Milliseconds, below: &mut impl Below<D>) {
        let (over, kept): (Vec<Departed>, Vec<Departed>) =
            self.departed.iter().partition(|departed| departed.until <= now);
        self.departed = kept;
        for departed in over {
            self.give_address_up(below, departed.address, departed.endpoint);
        }
    }

    /// Gives an address up. FLIP drops what it has not sent from there, without a word: no process waits for that any more.
    fn give_address_up(&mut self, below: &mut impl Below<D>, address: Address, endpoint: Endpoint) {
        // FLIP gave the endpoint, so it knows it.
        let _ = below.unregister(self.interface, endpoint);
        let is_it = |process: &Option<Process<D::Buffer>>| {
            process
                .as_ref()
                .is_some_and(|process| process.address == address && process.is_ending)
        };
        let place = self.processes.iter().position(is_it);
        if let Some(place) = place {
            let process = place as u16;
            self.sending.retain(|(_, id)| id.process != process);
            self.finish_ending(process);
        }
    }

    /// When the first of these addresses is given up.
    pub(super) fn departed_due(&self) -> Option<Milliseconds> {
        self.departed.iter().map(|departed| departed.until).min()
    }

    /// A message to a process that has ended: what it executed is lost, and what it did not it will never execute.
    pub(super) fn message_to_departed(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        fragment: &super::arrival::Fragment,
        header: &Header,
    ) {
        let Some(departed) = self
            .departed
            .iter()
            .find(|departed| departed.address == fragment.to)
            .copied()
        else {
            return;
        };
        let is_reply = header.flags.contains(Flags::REPLY);
        let (kind, flags) = match header.kind {
            Kind::Reply => (Kind::Acknowledge, Flags::empty()),
            Kind::Received if is_reply => (Kind::Acknowledge, Flags::empty()),
            Kind::Fail if !is_withdrawal(header) => return,
            Kind::Request | Kind::Received | Kind::Enquire | Kind::Fail => {
                if self.history.past(&header.kernel, header.transaction) == Past::New {
                    self.history.withdraw(&header.kernel, header.transaction);
                }
                let past = self.history.past(&header.kernel, header.transaction);
                (Kind::Fail, failure_flags(past))
            }
            _ => return,
        };
        let mut answer = self.header(kind, header.transaction, header.source, 0);
        answer.kernel = header.kernel;
        answer.flags = flags;
        self.control(
            now,
            below,
            departed.endpoint,
            fragment.from,
            &answer,
            SendFlags::empty(),
        );
    }
}

impl<B> Notice<B> {
    /// The thread that is told.
    pub fn thread(&self) -> Option<ThreadId> {
        match self {
            Notice::Transaction { thread, .. }
            | Notice::Request { thread, .. }
            | Notice::Replied { thread }
            | Notice::Signal { thread } => Some(*thread),
            Notice::Ended { .. } => None,
        }
    }
}
