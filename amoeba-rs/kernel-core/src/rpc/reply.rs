//! A server's side once it has answered: the answer until it is acknowledged.

use super::limits::{FIRST_LOCATE, reply_pause};
use super::message::{Buffer, Message, Payload};
use super::thread::{Answer, Client, Reply};
use super::{Rpc, ThreadId};
use crate::flip::types::{Below, Milliseconds, Priority, SendFlags};
use proto::flip::Address;
use proto::rpc::{self, Flags, Header, Kind};

impl<D: Payload> Rpc<D> {
    /// Sends a thread's answer to its client.
    pub(super) fn put_reply(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let interface = self.interface;
        let Some(process) = self.processes[usize::from(id.process)].as_mut() else {
            return;
        };
        let endpoint = process.endpoint;
        let thread = &mut process.threads[usize::from(id.thread)];
        let (Some(reply), Some(service)) = (&mut thread.reply, &thread.service) else {
            return;
        };
        let Client::Remote {
            address,
            thread: client,
            kernel,
            number,
            round_trip,
        } = service.client
        else {
            return;
        };
        reply.deadline = now + reply_pause(round_trip);
        self.due = self.due.min(reply.deadline);
        if thread.sending.is_some() {
            return;
        }
        let header = Header {
            kernel,
            port: service.port,
            kind: reply.answer.kind(),
            flags: Flags::empty(),
            transaction: number,
            destination: client,
            source: id.thread,
        };
        let data = D::from_message(reply.message(&header));
        let flags = SendFlags::SECURITY | reply.disbelief();
        let (locate, priority) = (super::limits::LOCATE_TIMEOUT, Priority::Normal);
        // What could not be sent is as good as lost: the client will refuse it when it is asked.
        if let Ok(message) = below.unicast(now, interface, endpoint, flags, address, locate, priority, data) {
            reply.message = Some(message);
            reply.has_moved = false;
            thread.sending = Some(message);
            self.sending.push((message, id));
        }
    }

    /// Asks a client whether the answer has arrived, if there are tries left.
    pub(super) fn ask_client(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        let mut is_held = thread.sending.is_some();
        let (Some(reply), Some(service)) = (&mut thread.reply, &thread.service) else {
            return;
        };
        let Client::Remote {
            address,
            thread: client,
            kernel,
            number,
            round_trip,
        } = service.client
        else {
            return;
        };
        reply.deadline = now + reply_pause(round_trip);
        let deadline = reply.deadline;
        // The client's silence says nothing while what is sent to it waits below.
        is_held |= below.holds(address);
        if !is_held {
            reply.retries -= 1;
            reply.is_asked = true;
        }
        let (retries, disbelief) = (reply.retries, reply.disbelief());
        self.set_due(deadline);
        if retries == 0 {
            self.end_service(id);
        } else if !is_held {
            let mut header = self.header(Kind::Received, number, client, id.thread);
            header.kernel = kernel;
            header.flags = Flags::REPLY;
            self.counters.questions = self.counters.questions.wrapping_add(1);
            let message = self.control_from(now, below, id.process, address, &header, disbelief);
            if let Some(reply) = self.thread_mut(id).and_then(|thread| thread.reply.as_mut()) {
                reply.message = message;
                reply.has_moved = false;
            }
        }
    }

    /// NAK: the client has not got the answer. Only one that was asked for counts, so that nobody can make it go out again
    /// and again.
    pub(super) fn reply_refused(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        header: &Header,
        from: Address,
    ) {
        let Some(thread) = self
            .thread_mut(id)
            .filter(|thread| thread.serves(from, header) && thread.sending.is_none())
        else {
            return;
        };
        if let Some(reply) = &mut thread.reply
            && core::mem::take(&mut reply.is_asked)
        {
            self.put_reply(now, below, id);
        }
    }

    /// ACK or FAIL: the client has the answer, or does not want it any more. Nobody has an answer that was not given yet.
    pub(super) fn client_is_done(&mut self, id: ThreadId, from: Address, header: &Header) {
        let Some(thread) = self.thread_mut(id).filter(|thread| thread.serves(from, header)) else {
            return;
        };
        if thread.reply.is_some() {
            self.end_service(id);
        } else if header.kind == Kind::Fail
            && let Some(service) = &mut thread.service
        {
            service.client = Client::Gone;
        }
    }
}

impl<B> Answer<B> {
    fn kind(&self) -> Kind {
        match self {
            Answer::Reply { .. } => Kind::Reply,
            Answer::Forward(_) => Kind::Forward,
        }
    }
}

impl<B: Buffer> Reply<B> {
    fn message(&self, header: &Header) -> Message<B> {
        match &self.answer {
            Answer::Reply { header: user, data } => Message::with_data(header, user, data),
            Answer::Forward(to) => {
                let mut head = [0; rpc::LENGTH + rpc::FORWARD_LENGTH];
                head[..rpc::LENGTH].copy_from_slice(&header.emit());
                head[rpc::LENGTH..].copy_from_slice(&to.0);
                Message::control(&head)
            }
        }
    }

    /// Whether FLIP shall look for the client's address anew.
    fn disbelief(&self) -> SendFlags {
        if self.retries <= FIRST_LOCATE || self.has_moved {
            SendFlags::INVALIDATE
        } else {
            SendFlags::empty()
        }
    }
}
