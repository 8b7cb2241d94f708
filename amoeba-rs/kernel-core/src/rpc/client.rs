//! A client's side of a transaction once a server is known.

use super::limits::{
    ENQUIRE_PAUSE, FIRST_LOCATE, MOVED_TIMEOUT, MOVES, RETRIES, SHORTEST_ROUND_TRIP, SWEEP, request_pause,
};
use super::message::{Message, Payload, copy};
use super::thread::{Client, Marks, NEVER, Phase, Server, Service, Transaction};
use super::{Notice, Rpc, ThreadId};
use crate::flip::types::{Below, Data, Error, Milliseconds, Priority, SendFlags};
use proto::flip::Address;
use proto::rpc::{Flags, Header, Kind};
use proto::standard::Status;

impl<D: Payload> Rpc<D> {
    /// Gives a request to a thread of the same machine that waits for it.
    pub(super) fn hand_over(&mut self, client: ThreadId, server: ThreadId) {
        let Some(mut listening) = self.thread_mut(server).and_then(|thread| thread.listening.take()) else {
            return;
        };
        self.ports.remove_local(listening.port, server);
        let Some(transaction) = self.transaction_mut(client) else {
            return;
        };
        transaction.phase = Phase::Waiting;
        transaction.server = Server::Local(server);
        transaction.deadline = NEVER;
        let header = transaction.header;
        let length = copy(&transaction.request, &mut listening.buffer);
        if let Some(thread) = self.thread_mut(server) {
            thread.service = Some(Service {
                client: Client::Local(client),
                port: listening.port,
            });
        }
        self.notices.push_back(Notice::Request {
            thread: server,
            outcome: Ok((header, length)),
            buffer: listening.buffer,
        });
    }

    /// Sends a thread's request to its server.
    pub(super) fn put_request(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let interface = self.interface;
        if self.thread_mut(id).is_some_and(|thread| thread.sending.is_some()) {
            // FLIP still reads the last copy; two would only make the matter worse.
            if let Some(transaction) = self.transaction_mut(id) {
                transaction.note_absence(below);
                transaction.pause(now, SWEEP);
                self.set_due(now + SWEEP);
            }
            return;
        }
        let next = self.number_for(id);
        let Some(process) = self.processes[usize::from(id.process)].as_mut() else {
            return;
        };
        let endpoint = process.endpoint;
        let thread = &mut process.threads[usize::from(id.thread)];
        let Some(transaction) = &mut thread.transaction else {
            return;
        };
        let Server::Remote { address, .. } = transaction.server else {
            return;
        };
        let mut flags = Flags::empty();
        if let Some(next) = next {
            (transaction.kernel, transaction.number) = next;
        } else {
            flags |= Flags::RETRANSMISSION;
            self.counters.retransmissions = self.counters.retransmissions.wrapping_add(1);
        }
        let deadline = transaction.ask(now, Phase::Requesting);
        transaction.note_absence(below);
        transaction.marks |= Marks::RETRANSMISSION | Marks::REQUEST_LAST;
        let header = Header {
            kernel: transaction.kernel,
            port: transaction.header.port,
            kind: Kind::Request,
            flags,
            transaction: transaction.number,
            destination: transaction.round_trip,
            source: id.thread,
        };
        let data = D::from_message(Message::with_data(
            &header,
            &transaction.header,
            &transaction.request,
        ));
        let flags = SendFlags::SECURITY | transaction.disbelief();
        let priority = Priority::Normal;
        let locate = if transaction.marks.contains(Marks::MOVED) {
            MOVED_TIMEOUT
        } else {
            thread.locate_timeout
        };
        let sent = below.unicast(now, interface, endpoint, flags, address, locate, priority, data);
        self.due = self.due.min(deadline);
        match sent {
            Ok(message) => {
                transaction.message = Some(message);
                transaction.marks.remove(Marks::MOVED);
                thread.sending = Some(message);
                self.sending.push((message, id));
            }
            Err(Error::Unsafe) => self.end_transaction(id, Err(Status::RpcUnsafe)),
            // Nothing was sent: the timer asks for it, and the server will say that it has nothing.
            Err(_) => {}
        }
    }

    /// Asks a server about a transaction: `kind` is `Received`, `Fail` (with flag REQUEST) or `Enquire`.
    pub(super) fn ask_server(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        kind: Kind,
        flags: Flags,
        phase: Phase,
    ) {
        let Some(transaction) = self.transaction_mut(id) else {
            return;
        };
        let Server::Remote { address, thread } = transaction.server else {
            return;
        };
        let deadline = transaction.ask(now, phase);
        transaction.note_absence(below);
        transaction.marks.remove(Marks::REQUEST_LAST);
        let (kernel, number, disbelief, port) = (
            transaction.kernel,
            transaction.number,
            transaction.disbelief(),
            transaction.header.port,
        );
        self.set_due(deadline);
        let mut header = self.header(kind, number, thread, id.thread);
        header.kernel = kernel;
        header.flags = flags;
        header.port = port;
        self.counters.questions = self.counters.questions.wrapping_add(1);
        let message = self.control_from(now, below, id.process, address, &header, disbelief);
        if let Some(transaction) = self.transaction_mut(id) {
            transaction.message = message;
            transaction.marks.remove(Marks::MOVED);
        }
    }

    /// ACK or ALIVE: the server has the request.
    pub(super) fn server_has_it(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        from: Address,
        header: &Header,
    ) {
        let Some(transaction) = self
            .thread_mut(id)
            .and_then(|thread| thread.transaction_with(from, header))
        else {
            return;
        };
        transaction.server = Server::Remote {
            address: from,
            thread: header.source,
        };
        transaction.retries = RETRIES;
        transaction
            .marks
            .remove(Marks::REFUSED | Marks::UNREACHABLE | Marks::ENQUIRED);
        let was_waiting = transaction.phase == Phase::Waiting;
        if transaction.assembly.is_none() {
            let deadline = transaction.ask(now, Phase::Waiting);
            self.set_due(deadline);
        }
        let Some(transaction) = self.transaction_mut(id) else {
            return;
        };
        if header.kind == Kind::Alive {
            transaction.marks.remove(Marks::SIGNAL);
        } else if !was_waiting && transaction.marks.contains(Marks::SIGNAL) {
            self.pass_signal(now, below, id);
        }
    }

    /// NAK: the server has not got the request. When it is the answer to the request itself, no thread waits for one, and
    /// the fragments that have not gone yet need not go. As the answer to an enquiry it ends the transaction: whoever said before that
    /// the server has the request was wrong, or the server has forgotten it, and may have executed it.
    pub(super) fn request_refused(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        from: Address,
        header: &Header,
    ) {
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        if thread
            .transaction_with(from, header)
            .is_some_and(|transaction| transaction.is_disowned())
        {
            self.end_transaction(id, Err(Status::RpcFailure));
            return;
        }
        let (sending, locate_timeout) = (thread.sending, thread.locate_timeout);
        let Some(transaction) = thread.transaction_with(from, header).filter(|transaction| {
            let is_answer = sending.is_none() || transaction.marks.contains(Marks::REQUEST_LAST);
            transaction.phase == Phase::Requesting && is_answer
        }) else {
            return;
        };
        transaction.marks |= Marks::REFUSED | Marks::LINGERING;
        transaction.marks.remove(Marks::UNREACHABLE);
        transaction.moves = MOVES;
        if !transaction.marks.contains(Marks::REQUEST_LAST) {
            // The request was lost. The silence before the question has been counted already.
            self.put_request(now, below, id);
            return;
        }
        transaction.add_search(now, below);
        let is_away = transaction.marks.contains(Marks::AWAY);
        if !is_away {
            transaction.retries = transaction.retries.saturating_sub(1);
        }
        let (retries, searched) = (transaction.retries, transaction.searched);
        if let Some(message) = sending
            && below.cancel(self.interface, message).is_some()
        {
            self.release(message);
        }
        if searched >= locate_timeout {
            self.end_transaction(id, Err(Status::RpcNotFound));
        } else if retries <= FIRST_LOCATE {
            self.ask_server(now, below, id, Kind::Fail, Flags::REQUEST, Phase::Withdrawing);
        } else if retries == RETRIES - 1 && !is_away {
            self.put_request(now, below, id);
        } else {
            let pause = SWEEP * Milliseconds::from((RETRIES - 1).saturating_sub(retries)).max(1);
            if let Some(transaction) = self.transaction_mut(id) {
                transaction.pause(now, pause);
            }
            self.set_due(now + pause);
        }
    }

    /// FAIL: the transaction is lost; with flag REQUEST, the server will never execute the request.
    pub(super) fn failed(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        from: Address,
        header: &Header,
    ) {
        let Some(transaction) = self
            .thread_mut(id)
            .and_then(|thread| thread.transaction_with(from, header))
        else {
            return;
        };
        if header.flags.contains(Flags::REQUEST) && transaction.phase != Phase::Waiting {
            transaction.marks.remove(Marks::RETRANSMISSION);
            self.leave_for_another(now, below, id, from);
        } else {
            self.end_transaction(id, Err(Status::RpcFailure));
        }
    }

    /// The request is not and will not be executed at `from`: another server is looked for.
    pub(super) fn leave_for_another(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        from: Address,
    ) {
        let Some(transaction) = self.transaction_mut(id) else {
            return;
        };
        transaction.since = transaction.since.min(now.saturating_sub(SWEEP));
        transaction.add_search(now, below);
        transaction.retries = RETRIES;
        transaction.phase = Phase::Pausing;
        transaction.marks.remove(Marks::LINGERING);
        transaction.message = None;
        let port = transaction.header.port;
        self.ports.remove_remote(port, from);
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        let locate_timeout = thread.locate_timeout;
        if thread
            .transaction
            .as_ref()
            .is_some_and(|transaction| transaction.searched >= locate_timeout)
        {
            self.end_transaction(id, Err(Status::RpcNotFound));
        } else {
            self.look_up(now, below, id);
        }
    }

    /// FORWARD: the server has handed the request on to the process with the address `to`.
    pub(super) fn forwarded(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        from: Address,
        header: &Header,
        to: Address,
    ) {
        self.acknowledge_reply(now, below, id, from, header);
        let is_ours = self
            .thread_mut(id)
            .and_then(|thread| thread.transaction_with(from, header))
            .is_some();
        if is_ours {
            self.drop_reply_assembly(id);
            self.go_to(now, below, id, to);
        }
    }

    /// Sends a thread's request to the process with the address `to`, which may be one of this machine.
    pub(super) fn go_to(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId, to: Address) {
        let Some(transaction) = self.transaction_mut(id) else {
            return;
        };
        transaction.retries = RETRIES;
        // For the next server it is a new transaction: both may be processes of one machine.
        transaction.marks &= Marks::SIGNAL;
        transaction.message = None;
        transaction.phase = Phase::Pausing;
        transaction.since = now;
        transaction.round_trip = transaction.round_trip.max(SHORTEST_ROUND_TRIP);
        let port = transaction.header.port;
        if let Some(process) = self.local_process(to) {
            match self.ports.listener(port, Some(process)) {
                Some(server) => self.hand_over(id, server),
                None => self.leave_for_another(now, below, id, to),
            }
            return;
        }
        if let Some(transaction) = self.transaction_mut(id) {
            transaction.server = Server::Remote {
                address: to,
                thread: 0,
            };
        }
        self.put_request(now, below, id);
    }
}

impl<B> Transaction<B> {
    /// A message to the server goes out now: when to ask again.
    pub(super) fn ask(&mut self, now: Milliseconds, phase: Phase) -> Milliseconds {
        self.phase = phase;
        self.since = now;
        self.deadline = match phase {
            Phase::Waiting => now + ENQUIRE_PAUSE,
            _ => now + request_pause(self.round_trip),
        };
        self.deadline
    }

    /// Whether a NAK of the server says that it knows nothing of a request that it was believed to have. One that it sent before it
    /// had the request may come late, but not that late.
    fn is_disowned(&self) -> bool {
        self.phase == Phase::Waiting && self.marks.contains(Marks::ENQUIRED)
    }

    /// The request is to be sent again after a pause.
    fn pause(&mut self, now: Milliseconds, pause: Milliseconds) {
        self.phase = Phase::Pausing;
        self.since = now;
        self.deadline = now + pause;
    }

    /// Notes whether the server is about to move, as a message goes out.
    fn note_absence<D: Data>(&mut self, below: &impl Below<D>) {
        let is_away = self.is_away(below);
        self.marks.set(Marks::AWAY, is_away);
    }

    /// The time since the last message was spent on looking for a server, unless the server was on its way to another machine: that
    /// is no error, however long it takes.
    pub(super) fn add_search<D: Data>(&mut self, now: Milliseconds, below: &impl Below<D>) {
        if self.is_away(below) {
            self.marks |= Marks::AWAY;
        }
        if !self.marks.contains(Marks::AWAY) {
            self.searched += now - self.since;
        }
        self.since = now;
    }

    /// Whether FLIP shall look for the server's address anew.
    fn disbelief(&self) -> SendFlags {
        if self.retries <= FIRST_LOCATE || self.marks.contains(Marks::MOVED) {
            SendFlags::INVALIDATE
        } else {
            SendFlags::empty()
        }
    }
}
