//! What FLIP has received: whose it is, and what it says.

use super::limits::THREADS;
use super::message::{HEAD_LENGTH, Payload};
use super::{Rpc, ThreadId};
use crate::flip::types::{Below, Body, Event, Milliseconds};
use proto::flip::Address;
use proto::raw_flip::USER_SPACE;
use proto::rpc::{self, Flags, Header, Kind, Protocol};

/// Where a fragment comes from and which part of a message it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    pub(super) to: Address,
    pub(super) from: Address,
    /// The sender's number of the message.
    pub(super) message: u32,
    /// Its place in the message, in bytes.
    pub(super) offset: u32,
    /// Bytes of the message.
    pub(super) total: u32,
}

impl<D: Payload> Rpc<D> {
    /// Takes what FLIP tells about this module's interface.
    pub fn event(&mut self, now: Milliseconds, below: &mut impl Below<D>, event: Event<D>) {
        match event {
            // What a program sends by itself is no transaction of a kernel's.
            Event::Received { from, body, .. } if from.space() == USER_SPACE => {
                self.counters.malformed = self.counters.malformed.wrapping_add(1);
                if let Body::Packet(packet) = body {
                    below.release(packet);
                }
            }
            Event::Received {
                to,
                from,
                message,
                offset,
                total,
                body,
                ..
            } => {
                let fragment = Fragment {
                    to,
                    from,
                    message,
                    offset,
                    total,
                };
                match body {
                    Body::Packet(packet) => {
                        self.fragment(now, below, &fragment, packet.data());
                        below.release(packet);
                    }
                    Body::Local(data) => self.local_message(now, below, &fragment, &data),
                }
            }
            Event::NotDelivered {
                to, message, flags, ..
            } => self.not_delivered(now, below, to, message, flags),
            Event::Sent { message, .. } => self.sent(now, below, message),
        }
    }

    /// A whole message of the same machine, in pieces as they lie in memory; the headers come first, in one piece.
    fn local_message(&mut self, now: Milliseconds, below: &mut impl Below<D>, whole: &Fragment, data: &D) {
        let mut head = [0; rpc::PROTOCOL_LENGTH + HEAD_LENGTH];
        let room = if whole.to == Address::NULL {
            head.len()
        } else {
            HEAD_LENGTH
        };
        let length = data.length().min(room as u32);
        let mut filled = 0;
        data.parts(0, length, &mut |part| {
            head[filled..filled + part.len()].copy_from_slice(part);
            filled += part.len();
        });
        let total = data.length();
        let mut fragment = Fragment { total, ..*whole };
        self.fragment(now, below, &fragment, &head[..filled]);
        fragment.offset = length;
        if length < total {
            data.parts(length, total - length, &mut |part| {
                self.fragment(now, below, &fragment, part);
                fragment.offset += part.len() as u32;
            });
        }
    }

    fn fragment(&mut self, now: Milliseconds, below: &mut impl Below<D>, fragment: &Fragment, bytes: &[u8]) {
        if fragment.to == Address::NULL {
            self.broadcast(now, below, fragment, bytes);
            return;
        }
        let process = self.local_process(fragment.to);
        if fragment.offset > 0 {
            if let Some(process) = process {
                self.further_fragment(now, below, process, fragment, bytes);
            }
            return;
        }
        let Ok(header) = Header::parse(bytes) else {
            self.counters.malformed = self.counters.malformed.wrapping_add(1);
            return;
        };
        match process {
            Some(process) if is_complete(&header, fragment, bytes) => {
                self.message(now, below, process, fragment, &header, bytes);
            }
            Some(_) => self.counters.malformed = self.counters.malformed.wrapping_add(1),
            None => self.message_to_departed(now, below, fragment, &header),
        }
    }

    /// A broadcast begins with the number of its protocol; of this one's only LOCATE is broadcast.
    fn broadcast(&mut self, now: Milliseconds, below: &mut impl Below<D>, fragment: &Fragment, bytes: &[u8]) {
        let is_ours = fragment.offset == 0 && Protocol::parse(bytes) == Ok(Protocol::Rpc);
        let header = bytes.get(rpc::PROTOCOL_LENGTH..).map(Header::parse);
        match header {
            Some(Ok(header)) if is_ours && header.kind == Kind::Locate => {
                self.answer_locate(now, below, fragment.from, &header);
            }
            _ => self.counters.malformed = self.counters.malformed.wrapping_add(1),
        }
    }

    /// The beginning of a message to a process.
    fn message(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        process: u16,
        fragment: &Fragment,
        header: &Header,
        bytes: &[u8],
    ) {
        let from = fragment.from;
        let id = ThreadId {
            process,
            thread: header.destination,
        };
        // Some kinds go both ways. Servers say in their answers whose kernel's transaction it is.
        let is_own = self
            .thread_mut(id)
            .and_then(|thread| thread.transaction_with(from, header))
            .is_some();
        match header.kind {
            Kind::Locate => {}
            Kind::HereIs => self.here_is(now, below, from, header),
            Kind::Request => self.request(now, below, process, fragment, header, bytes),
            Kind::Reply => self.reply(now, below, id, fragment, header, bytes),
            Kind::Acknowledge if is_own => self.server_has_it(now, below, id, from, header),
            Kind::Alive => self.server_has_it(now, below, id, from, header),
            Kind::Acknowledge => self.client_is_done(id, from, header),
            Kind::Refuse if is_own => self.request_refused(now, below, id, from, header),
            Kind::Refuse => self.reply_refused(now, below, id, header, from),
            Kind::Enquire => self.enquired(now, below, process, from, header),
            Kind::Received if header.flags.contains(Flags::REPLY) => {
                self.asked_about_reply(now, below, id, from, header);
            }
            Kind::Received => self.asked_about_request(now, below, process, from, header),
            Kind::Forward => {
                if let Ok(to) = rpc::parse_forward(bytes) {
                    self.forwarded(now, below, id, from, header, to);
                }
            }
            Kind::Fail if is_own => self.failed(now, below, id, from, header),
            Kind::Fail if is_withdrawal(header) => self.withdraw(now, below, process, from, header),
            Kind::Fail => self.client_is_done(id, from, header),
        }
    }

    /// Another fragment of a message whose first one has come.
    fn further_fragment(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        process: u16,
        fragment: &Fragment,
        bytes: &[u8],
    ) {
        let Some(known) = self.process_mut(process) else {
            return;
        };
        for place in 0..known.assembling.len() {
            let index = known.assembling[place];
            let id = ThreadId {
                process,
                thread: index,
            };
            let thread = &mut known.threads[usize::from(index)];
            let (assembly, buffer) = match (&mut thread.listening, &mut thread.transaction) {
                (Some(listening), _) => (&mut listening.assembly, &mut listening.buffer),
                (None, Some(transaction)) => (&mut transaction.assembly, &mut transaction.reply),
                (None, None) => continue,
            };
            let Some(assembly) = assembly
                .as_mut()
                .filter(|assembly| assembly.is_of(fragment.from, fragment.message, fragment.total))
            else {
                continue;
            };
            assembly.take(now, fragment.offset, bytes, buffer);
            let (is_whole, deadline) = (assembly.is_whole(), assembly.deadline);
            if is_whole {
                self.assembled(now, below, id);
            } else if let Some(transaction) = &mut thread.transaction {
                transaction.deadline = deadline;
            }
            return;
        }
    }

    /// A message of several fragments is whole.
    fn assembled(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        self.forget_assembly(id);
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        if let Some(listening) = &mut thread.listening {
            let room = super::Buffer::length(&listening.buffer);
            if let Some(assembly) = listening.assembly.take() {
                let (from, header) = (assembly.from, assembly.header);
                self.begin_service(id, from, &header, &assembly.user, assembly.length(room));
                self.respond_from(now, below, id, from, &header, Kind::Acknowledge);
            }
        } else if let Some(transaction) = &mut thread.transaction {
            let room = super::Buffer::length(&transaction.reply);
            if let Some(assembly) = transaction.assembly.take() {
                self.acknowledge_reply(now, below, id, assembly.from, &assembly.header);
                self.counters.replies = self.counters.replies.wrapping_add(1);
                self.end_transaction(id, Ok((assembly.user, assembly.length(room))));
            }
        }
    }

    /// The thread has a message under reassembly.
    pub(super) fn note_assembly(&mut self, id: ThreadId) {
        debug_assert!(id.thread < THREADS, "the table of threads ends there");
        if let Some(process) = self.process_mut(id.process)
            && !process.assembling.contains(&id.thread)
        {
            process.assembling.push(id.thread);
        }
    }
}

/// Whether a FAIL asks never to execute a request. The answer has flag REPLY, so that no two kernels answer each other.
pub(super) fn is_withdrawal(header: &Header) -> bool {
    header.flags.contains(Flags::REQUEST) && !header.flags.contains(Flags::REPLY)
}

/// Whether the first fragment of a message holds all its headers.
fn is_complete(header: &Header, fragment: &Fragment, bytes: &[u8]) -> bool {
    let headers = match header.kind {
        Kind::Request | Kind::Reply => HEAD_LENGTH,
        Kind::Forward => rpc::LENGTH + rpc::FORWARD_LENGTH,
        _ => rpc::LENGTH,
    };
    bytes.len() >= headers && bytes.len() as u64 <= u64::from(fragment.total)
}
