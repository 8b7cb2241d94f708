//! A server's side: requests that come, and replies until they are acknowledged.

use super::arrival::Fragment;
use super::assembly::{Assembly, write};
use super::history::Past;
use super::limits::{LINGER, LONGEST_ROUND_TRIP};
use super::message::{Buffer, HEAD_LENGTH, Payload};
use super::port_cache::Place;
use super::thread::{Client, Service};
use super::{Notice, Rpc, ThreadId};
use crate::flip::types::{Below, Milliseconds, SendFlags};
use proto::flip::Address;
use proto::message;
use proto::rpc::{self, Flags, Header, Kind};

impl<D: Payload> Rpc<D> {
    /// REQUEST, whole or the first fragment of it, to a process.
    pub(super) fn request(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        process: u16,
        fragment: &Fragment,
        header: &Header,
        bytes: &[u8],
    ) {
        let is_repeated = header.flags.contains(Flags::RETRANSMISSION);
        match self.history.past(&header.kernel, header.transaction) {
            Past::New => {}
            past => {
                self.counters.duplicates = self.counters.duplicates.wrapping_add(1);
                if is_repeated {
                    self.tell_past(now, below, process, fragment.from, header, past);
                }
                return;
            }
        }
        let order = header.flags.byte_order();
        let Ok(user) = message::Header::parse(&bytes[rpc::LENGTH..], order) else {
            return;
        };
        if let Some(thread) = self.assembling_request(process, header) {
            let is_known = self
                .request_assembly(thread)
                .is_some_and(|known| known.is_of(fragment.from, fragment.message, fragment.total));
            if is_known {
                return;
            }
            self.drop_request_assembly(thread);
        }
        let Some(thread) = self.ports.listener(header.port, Some(process)) else {
            self.counters.refused = self.counters.refused.wrapping_add(1);
            if let Some(process) = self.process_mut(process) {
                process.is_asked_for(now, LINGER);
            }
            self.respond(now, below, process, fragment.from, header, Kind::Refuse);
            return;
        };
        self.ports.remove_local(header.port, thread);
        let Some(listening) = self
            .thread_mut(thread)
            .and_then(|thread| thread.listening.as_mut())
        else {
            return;
        };
        if bytes.len() as u32 == fragment.total {
            write(0, bytes, &mut listening.buffer);
            let length = (fragment.total - HEAD_LENGTH as u32).min(listening.buffer.length());
            self.begin_service(thread, fragment.from, header, &user, length);
        } else {
            let mut assembly = Assembly::new(fragment.from, fragment.message, *header, user, fragment.total);
            assembly.take(now, 0, bytes, &mut listening.buffer);
            let deadline = assembly.deadline;
            listening.assembly = Some(assembly);
            self.set_due(deadline);
            self.note_assembly(thread);
        }
    }

    /// A request is there whole: the thread that waited for it goes on.
    pub(super) fn begin_service(
        &mut self,
        id: ThreadId,
        from: Address,
        header: &Header,
        user: &message::Header,
        length: u32,
    ) {
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        let Some(listening) = thread.listening.take() else {
            return;
        };
        thread.service = Some(Service {
            client: Client::Remote {
                address: from,
                thread: header.source,
                kernel: header.kernel,
                number: header.transaction,
                round_trip: header.destination.min(LONGEST_ROUND_TRIP),
            },
            port: listening.port,
        });
        self.history.execute(&header.kernel, header.transaction);
        self.counters.requests = self.counters.requests.wrapping_add(1);
        let notice = Notice::Request {
            thread: id,
            outcome: Ok((*user, length)),
            buffer: listening.buffer,
        };
        self.tell(id, notice);
    }

    /// RECEIVED, flag REQUEST: did the request arrive? What has not come whole by now has lost something.
    pub(super) fn asked_about_request(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        process: u16,
        from: Address,
        header: &Header,
    ) {
        match self.history.past(&header.kernel, header.transaction) {
            Past::New => {
                if let Some(thread) = self.assembling_request(process, header) {
                    self.drop_request_assembly(thread);
                }
                self.respond(now, below, process, from, header, Kind::Refuse);
            }
            past => self.tell_past(now, below, process, from, header, past),
        }
    }

    /// FAIL, flag REQUEST: the request shall never be executed, if it is not being executed yet.
    pub(super) fn withdraw(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        process: u16,
        from: Address,
        header: &Header,
    ) {
        if self.history.past(&header.kernel, header.transaction) == Past::New {
            if let Some(thread) = self.assembling_request(process, header) {
                self.drop_request_assembly(thread);
            }
            self.history.withdraw(&header.kernel, header.transaction);
        }
        let past = self.history.past(&header.kernel, header.transaction);
        self.tell_past(now, below, process, from, header, past);
    }

    /// ENQUIRE: is the server still working on it? A signal comes with it.
    pub(super) fn enquired(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        process: u16,
        from: Address,
        header: &Header,
    ) {
        if let Some(thread) = self.serving(process, from, header) {
            self.respond_from(now, below, thread, from, header, Kind::Alive);
            let is_working = self
                .thread_mut(thread)
                .is_some_and(|thread| thread.reply.is_none());
            if is_working && header.flags.contains(Flags::SIGNAL) {
                self.notices.push_back(Notice::Signal { thread });
            }
            return;
        }
        self.asked_about_request(now, below, process, from, header);
    }

    /// Tells a client what became of a transaction that is not new.
    fn tell_past(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        process: u16,
        from: Address,
        header: &Header,
        past: Past,
    ) {
        if let Some(thread) = self.serving(process, from, header) {
            self.respond_from(now, below, thread, from, header, Kind::Acknowledge);
            return;
        }
        let mut answer = self.header(Kind::Fail, header.transaction, header.source, 0);
        answer.kernel = header.kernel;
        answer.flags = failure_flags(past);
        self.control_from(now, below, process, from, &answer, SendFlags::empty());
    }

    /// Answers a client on behalf of a process.
    fn respond(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        process: u16,
        to: Address,
        header: &Header,
        kind: Kind,
    ) {
        self.respond_from(now, below, ThreadId { process, thread: 0 }, to, header, kind);
    }

    /// Answers a client on behalf of a thread.
    pub(super) fn respond_from(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        to: Address,
        header: &Header,
        kind: Kind,
    ) {
        let mut answer = self.header(kind, header.transaction, header.source, id.thread);
        answer.kernel = header.kernel;
        self.control_from(now, below, id.process, to, &answer, SendFlags::empty());
    }

    /// The thread of a process that serves, or answers, a client elsewhere.
    fn serving(&self, process: u16, from: Address, header: &Header) -> Option<ThreadId> {
        let threads = &self.process(process)?.threads;
        let index = threads.iter().position(|thread| thread.serves(from, header))?;
        Some(ThreadId {
            process,
            thread: index as u16,
        })
    }

    /// The thread of a process into whose memory a request is coming.
    fn assembling_request(&self, process: u16, header: &Header) -> Option<ThreadId> {
        let known = self.process(process)?;
        known
            .assembling
            .iter()
            .copied()
            .map(|thread| ThreadId { process, thread })
            .find(|&id| {
                self.request_assembly(id).is_some_and(|assembly| {
                    assembly.header.kernel == header.kernel
                        && assembly.header.transaction == header.transaction
                })
            })
    }

    fn request_assembly(&self, id: ThreadId) -> Option<&Assembly> {
        let thread = self.process(id.process)?.threads.get(usize::from(id.thread))?;
        thread.listening.as_ref()?.assembly.as_ref()
    }

    /// What has come of a request is of no use: the thread waits for another.
    pub(super) fn drop_request_assembly(&mut self, id: ThreadId) {
        let Some(listening) = self.thread_mut(id).and_then(|thread| thread.listening.as_mut()) else {
            return;
        };
        listening.assembly = None;
        let port = listening.port;
        self.counters.incomplete = self.counters.incomplete.wrapping_add(1);
        self.forget_assembly(id);
        self.ports.install(port, Place::Local(id));
        self.serve_searching(port);
    }
}

/// Flags of a FAIL for a transaction that became this.
pub(super) fn failure_flags(past: Past) -> Flags {
    match past {
        Past::Withdrawn => Flags::REQUEST | Flags::REPLY,
        Past::New | Past::Executed => Flags::REPLY,
    }
}
