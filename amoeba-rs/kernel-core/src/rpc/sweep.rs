//! Timers that run out, and messages that have gone out or could not be delivered.

use super::limits::{CLIENT_SWEEP, FIRST_LOCATE, MOVES, PORT_SWEEP, request_pause};
use super::message::Payload;
use super::thread::{Client, Marks, NEVER, Phase, Server, Thread};
use super::{Rpc, ThreadId};
use crate::flip::types::{Below, Data, MessageId, Milliseconds, ReportFlags};
use proto::flip::Address;
use proto::rpc::{Flags, Kind};
use proto::standard::Status;

impl<D: Payload> Rpc<D> {
    /// Does what is due. The kernel calls it every [`SWEEP`](super::limits::SWEEP) milliseconds.
    pub fn sweep(&mut self, now: Milliseconds, below: &mut impl Below<D>) {
        if now < self.due {
            return;
        }
        self.due = NEVER;
        if now >= self.port_sweep {
            self.port_sweep = now + PORT_SWEEP;
            self.ports.age();
        }
        if now >= self.client_sweep {
            self.client_sweep = now + CLIENT_SWEEP;
            self.history.age();
        }
        self.forget_departed(now, below);
        for process in 0..self.processes.len() as u16 {
            self.sweep_process(now, below, process);
        }
        self.due = self
            .processes
            .iter()
            .flatten()
            .map(super::Process::deadline)
            .chain(self.departed_due())
            .chain([self.port_sweep, self.client_sweep])
            .min()
            .unwrap_or(NEVER);
    }

    fn sweep_process(&mut self, now: Milliseconds, below: &mut impl Below<D>, process: u16) {
        let threads = self
            .process(process)
            .map_or(0, |process| process.threads.len() as u16);
        for thread in 0..threads {
            let id = ThreadId { process, thread };
            if self.thread_mut(id).is_some_and(|thread| thread.deadline() <= now) {
                self.expire(now, below, id);
            }
        }
    }

    /// A thread's timer has run out.
    fn expire(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        if thread.listening.is_some() {
            self.drop_request_assembly(id);
        } else if thread.reply.is_some() {
            self.ask_client(now, below, id);
        } else if let Some(transaction) = &mut thread.transaction {
            match transaction.phase {
                Phase::Locating { .. } => self.search_on(now, below, id),
                Phase::Pausing => {
                    transaction.add_search(now, below);
                    self.put_request(now, below, id);
                }
                Phase::Requesting | Phase::Withdrawing => self.silence(now, below, id),
                Phase::Waiting => self.enquire(now, below, id),
            }
        }
    }

    /// Nothing was heard of a request: the server is asked, unless that was tried often enough.
    fn silence(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        let is_sending = thread.sending.is_some();
        let Some(transaction) = &mut thread.transaction else {
            return;
        };
        let phase = transaction.phase;
        if is_sending || transaction.is_away(below) {
            let deadline = transaction.ask(now, phase);
            self.set_due(deadline);
            return;
        }
        transaction.retries = transaction.retries.saturating_sub(1);
        transaction.silences = transaction.silences.saturating_sub(1);
        if transaction.retries == 0 || transaction.silences == 0 {
            let outcome = Err(transaction.last_word());
            self.give_up(id, outcome);
        } else if phase == Phase::Withdrawing {
            self.ask_server(now, below, id, Kind::Fail, Flags::REQUEST, phase);
        } else {
            self.ask_server(now, below, id, Kind::Received, Flags::REQUEST, phase);
        }
    }

    /// Nothing was heard of a server at work, or its reply did not come whole: it is asked.
    fn enquire(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        self.drop_reply_assembly(id);
        let Some(transaction) = self.transaction_mut(id) else {
            return;
        };
        if transaction.is_away(below) {
            let deadline = transaction.ask(now, Phase::Waiting);
            self.set_due(deadline);
            return;
        }
        transaction.retries = transaction.retries.saturating_sub(1);
        let flags = if transaction.marks.contains(Marks::SIGNAL) {
            Flags::SIGNAL
        } else {
            Flags::empty()
        };
        if transaction.retries == 0 {
            let outcome = Err(transaction.last_word());
            self.give_up(id, outcome);
        } else {
            transaction.marks |= Marks::ENQUIRED;
            self.ask_server(now, below, id, Kind::Enquire, flags, Phase::Waiting);
        }
    }

    /// A transaction has come to nothing. What is known of the server's place is no longer believed.
    fn give_up(&mut self, id: ThreadId, outcome: super::Outcome) {
        if let Some(transaction) = self.transaction_mut(id)
            && let Server::Remote { address, .. } = transaction.server
        {
            let port = transaction.header.port;
            self.ports.remove_remote(port, address);
        }
        self.end_transaction(id, outcome);
    }

    /// FLIP no longer reads a message's data: the thread may be told what waits for that, and the answer's time runs.
    pub(super) fn sent(&mut self, now: Milliseconds, below: &mut impl Below<D>, message: MessageId) {
        let Some(id) = self.release(message) else {
            return;
        };
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        let mut deadline = NEVER;
        let mut has_signal = false;
        if let Some(transaction) = &mut thread.transaction
            && transaction.phase == Phase::Requesting
            && transaction.message == Some(message)
        {
            transaction.deadline = now + request_pause(transaction.round_trip);
            deadline = transaction.deadline;
            has_signal = transaction.marks.contains(Marks::SIGNAL);
        }
        self.set_due(deadline);
        if has_signal {
            self.pass_signal(now, below, id);
        }
    }

    /// A message has left FLIP, one way or the other: whose it was.
    pub(super) fn release(&mut self, message: MessageId) -> Option<ThreadId> {
        let place = self.sending.iter().position(|(known, _)| *known == message)?;
        let (_, id) = self.sending.swap_remove(place);
        if let Some(thread) = self.thread_mut(id) {
            thread.sending = None;
            if let Some(notice) = thread.parked.take() {
                self.notices.push_back(notice);
            }
        }
        self.finish_ending(id.process);
        Some(id)
    }

    /// A message did not reach its destination. If it was the only copy of a request, it is not executed there, and another
    /// server may get it; otherwise the timers see to it. A report that names another destination is about none of these messages.
    pub(super) fn not_delivered(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        to: Address,
        message: MessageId,
        flags: ReportFlags,
    ) {
        self.release(message);
        if flags.contains(ReportFlags::NOTHERE) && self.follow(now, below, to, message) {
            return;
        }
        self.mark_unreachable(to);
        let Some(id) = self.thread_of(to, message) else {
            return;
        };
        if flags.contains(ReportFlags::UNTRUSTED) {
            self.give_up(id, Err(Status::RpcUnsafe));
            return;
        }
        let Some(transaction) = self.transaction_mut(id) else {
            return;
        };
        let was_request =
            transaction.phase == Phase::Requesting && transaction.marks.contains(Marks::REQUEST_LAST);
        if was_request && !transaction.marks.contains(Marks::LINGERING) {
            self.leave_for_another(now, below, id, to);
        }
    }

    /// The process that a message was for is no longer where it was. It may have moved to another machine: it is looked for
    /// there, and that counts as no try. False if it has moved too often, or the message is an old one.
    fn follow(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        to: Address,
        message: MessageId,
    ) -> bool {
        if let Some(id) = self.thread_of(to, message) {
            let Some(transaction) = self.transaction_mut(id).filter(|known| known.moves > 0) else {
                return false;
            };
            transaction.moves = match transaction.is_away(below) {
                true => MOVES,
                false => transaction.moves - 1,
            };
            transaction.marks |= Marks::MOVED;
            match transaction.phase {
                Phase::Requesting if transaction.marks.contains(Marks::REQUEST_LAST) => {
                    self.put_request(now, below, id);
                }
                Phase::Requesting => {
                    self.ask_server(now, below, id, Kind::Received, Flags::REQUEST, Phase::Requesting);
                }
                Phase::Withdrawing => {
                    self.ask_server(now, below, id, Kind::Fail, Flags::REQUEST, Phase::Withdrawing);
                }
                Phase::Waiting => {
                    self.ask_server(now, below, id, Kind::Enquire, Flags::empty(), Phase::Waiting);
                }
                Phase::Locating { .. } | Phase::Pausing => {}
            }
            return true;
        }
        let Some(id) = self.thread_replying_with(to, message) else {
            return false;
        };
        let reply = self.thread_mut(id).and_then(|thread| thread.reply.as_mut());
        let Some(reply) = reply.filter(|reply| reply.moves > 0) else {
            return false;
        };
        reply.moves = if below.is_busy(to) { MOVES } else { reply.moves - 1 };
        reply.has_moved = true;
        // The question that did not arrive is asked again, if it was one.
        if reply.is_asked {
            reply.retries += 1;
        }
        self.ask_client(now, below, id);
        true
    }

    /// The thread whose reply was last the subject of this message to its client.
    fn thread_replying_with(&self, to: Address, message: MessageId) -> Option<ThreadId> {
        self.find_thread(|thread| {
            let is_last = thread
                .reply
                .as_ref()
                .is_some_and(|reply| reply.message == Some(message));
            is_last
                && thread.service.as_ref().is_some_and(
                    |service| matches!(service.client, Client::Remote { address, .. } if address == to),
                )
        })
    }

    /// The first thread of which this holds.
    fn find_thread(&self, is_it: impl Fn(&Thread<D::Buffer>) -> bool) -> Option<ThreadId> {
        self.processes.iter().enumerate().find_map(|(process, known)| {
            let thread = known.as_ref()?.threads.iter().position(&is_it)?;
            Some(ThreadId {
                process: process as u16,
                thread: thread as u16,
            })
        })
    }

    /// The last word of all transactions with this server is that it cannot be reached.
    fn mark_unreachable(&mut self, to: Address) {
        for thread in self
            .processes
            .iter_mut()
            .flatten()
            .flat_map(|process| &mut process.threads)
        {
            if let Some(transaction) = &mut thread.transaction
                && transaction.is_with(to)
            {
                transaction.marks |= Marks::UNREACHABLE;
                transaction.marks.remove(Marks::REFUSED);
            }
        }
    }

    /// The thread whose transaction sent this message to its server last.
    fn thread_of(&self, to: Address, message: MessageId) -> Option<ThreadId> {
        self.find_thread(|thread| {
            thread
                .transaction
                .as_ref()
                .is_some_and(|transaction| transaction.message == Some(message) && transaction.is_with(to))
        })
    }
}

impl<B> super::thread::Transaction<B> {
    /// Whether the server is about to move: its silence says nothing, and a question would only wait too.
    pub(super) fn is_away<D: Data>(&self, below: &impl Below<D>) -> bool {
        matches!(self.server, Server::Remote { address, .. } if below.is_busy(address))
    }

    /// The error that says what was heard last.
    fn last_word(&self) -> Status {
        if self.marks.intersects(Marks::REFUSED | Marks::UNREACHABLE) {
            Status::RpcNotFound
        } else {
            Status::RpcFailure
        }
    }
}

const _: () = assert!(
    FIRST_LOCATE < super::limits::RETRIES,
    "a first try believes what is known"
);
