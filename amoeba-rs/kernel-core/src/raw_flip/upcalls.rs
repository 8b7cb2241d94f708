//! What waits for a thread of a program to take it: fragments that have arrived, and reports of what did not.

use super::{Done, limits};
use crate::flip::Flip;
use crate::flip::types::{Below, Body, Data, Error, Event};
use crate::process::ThreadId;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use proto::raw_flip::{Block, Upcall};

/// An upcall.
#[derive(Debug)]
struct Waiting<D> {
    kind: Upcall,
    /// What the program's block becomes.
    block: Block,
    body: Option<Body<D>>,
    /// Bytes that were taken already: a program's room may be smaller than a fragment.
    taken: u32,
}

/// The upcalls of an interface.
#[derive(Debug)]
pub(super) struct Upcalls<D> {
    identification: u32,
    queue: VecDeque<Waiting<D>>,
    /// The thread that waits for the next one, and how much room it has.
    thread: Option<(ThreadId, u32)>,
}

/// Gives back the buffer of an event that nobody wants.
pub(super) fn release<D: Data + Clone>(flip: &mut Flip<D>, event: Event<D>) {
    if let Event::Received {
        body: Body::Packet(packet),
        ..
    } = event
    {
        flip.release(packet);
    }
}

impl<D: Data + Clone> Upcalls<D> {
    pub(super) const fn new(identification: u32) -> Upcalls<D> {
        Upcalls {
            identification,
            queue: VecDeque::new(),
            thread: None,
        }
    }

    /// Has a thread wait for the next upcall. One at a time may.
    pub(super) fn wait(&mut self, thread: ThreadId, room: u32) -> Result<(), Error> {
        if self.thread.is_some() || room == 0 {
            return Err(Error::Fail);
        }
        self.thread = Some((thread, room));
        Ok(())
    }

    /// That thread waits no more.
    pub(super) fn abort(&mut self, thread: ThreadId) {
        self.thread = self.thread.filter(|(waiter, _)| *waiter != thread);
    }

    /// What the thread that waits is told when the interface has been ended.
    pub(super) fn exit(&mut self) -> Option<Done> {
        let (thread, _) = self.thread.take()?;
        Some(Done::value(thread, Upcall::Exit.code()))
    }

    /// Packets and bytes of local messages that are held.
    pub(super) fn held(&self) -> (usize, usize) {
        let bodies = self.queue.iter().filter_map(|waiting| waiting.body.as_ref());
        bodies.fold((0, 0), |(packets, bytes), body| match body {
            Body::Packet(_) => (packets + 1, bytes),
            Body::Local(data) => (packets, bytes + data.length() as usize),
        })
    }

    /// Keeps an upcall, unless too many wait here, or too much of this kind everywhere; false if it was dropped.
    pub(super) fn add(&mut self, flip: &mut Flip<D>, event: Event<D>, packets: usize, bytes: usize) -> bool {
        let fits = match &event {
            Event::Received {
                body: Body::Packet(_),
                ..
            } => packets < limits::PACKETS,
            Event::Received {
                body: Body::Local(data),
                ..
            } => bytes + data.length() as usize <= limits::LOCAL_BYTES,
            Event::NotDelivered { .. } | Event::Sent { .. } => true,
        };
        if !fits || self.queue.len() >= limits::UPCALLS {
            release(flip, event);
            return false;
        }
        let number = self.identification;
        let waiting = match event {
            Event::Received {
                interface,
                to,
                from,
                message,
                offset,
                length,
                total,
                flags,
                body,
            } => Waiting {
                kind: Upcall::Received,
                block: Block {
                    interface: u32::from(interface.0),
                    flags: u32::from(flags.bits()),
                    destination: to,
                    source: from,
                    length,
                    message,
                    offset,
                    total,
                    number,
                    ..Block::default()
                },
                body: Some(body),
                taken: 0,
            },
            Event::NotDelivered {
                interface,
                to,
                message,
                flags,
                data,
            } => Waiting {
                kind: Upcall::NotDelivered,
                block: Block {
                    interface: u32::from(interface.0),
                    flags: flags.bits(),
                    destination: to,
                    message: message.0,
                    total: data.map_or(0, |data| data.length()),
                    number,
                    ..Block::default()
                },
                body: None,
                taken: 0,
            },
            Event::Sent { .. } => return true,
        };
        self.queue.push_back(waiting);
        true
    }

    /// The next upcall, or its next piece, for the thread that waits.
    pub(super) fn take(&mut self, flip: &mut Flip<D>) -> Option<Done> {
        let (thread, room) = self.thread?;
        let waiting = self.queue.front_mut()?;
        self.thread = None;
        let data = waiting.piece(room);
        let block = Block {
            operation: 0,
            offset: waiting.block.offset.wrapping_add(waiting.taken),
            length: data.len() as u32,
            ..waiting.block
        };
        let kind = waiting.kind;
        waiting.taken += data.len() as u32;
        if waiting.body.is_none() || waiting.taken >= waiting.length() {
            self.drop_first(flip);
        }
        Some(Done {
            thread,
            value: kind.code(),
            block: Some(block),
            data,
        })
    }

    fn drop_first(&mut self, flip: &mut Flip<D>) {
        if let Some(Waiting {
            body: Some(Body::Packet(packet)),
            ..
        }) = self.queue.pop_front()
        {
            flip.release(packet);
        }
    }

    /// Gives all buffers back.
    pub(super) fn drop_all(&mut self, flip: &mut Flip<D>) {
        while !self.queue.is_empty() {
            self.drop_first(flip);
        }
    }
}

impl<D: Data> Waiting<D> {
    /// Bytes of the fragment.
    fn length(&self) -> u32 {
        match &self.body {
            Some(Body::Packet(packet)) => packet.data().len() as u32,
            Some(Body::Local(data)) => data.length(),
            None => 0,
        }
    }

    /// The bytes that come next, at most so many.
    fn piece(&self, room: u32) -> Vec<u8> {
        let count = room.min(self.length() - self.taken);
        let start = self.taken;
        match &self.body {
            Some(Body::Packet(packet)) => packet.data()[start as usize..(start + count) as usize].to_vec(),
            Some(Body::Local(data)) => {
                let mut bytes = Vec::with_capacity(count as usize);
                data.parts(start, count, &mut |part| bytes.extend_from_slice(part));
                bytes
            }
            None => Vec::new(),
        }
    }
}
