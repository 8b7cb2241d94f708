//! A message of several fragments on its way into a thread's memory. Fragments may come in any order behind the
//! first, and more than once.

use super::limits::{GAPS, REASSEMBLY};
use super::message::{Buffer, HEAD_LENGTH};
use crate::flip::types::Milliseconds;
use alloc::vec::Vec;
use proto::flip::Address;
use proto::{message, rpc};

/// A message of which the first fragment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assembly {
    pub(super) from: Address,
    /// The sender's number of the message.
    pub(super) message: u32,
    pub(super) header: rpc::Header,
    pub(super) user: message::Header,
    /// Bytes of the message, headers included.
    pub(super) total: u32,
    /// When it is given up.
    pub(super) deadline: Milliseconds,
    /// All bytes before this one have come.
    complete_to: u32,
    /// What has come behind it: first byte and the one behind the last, in order, apart from each other.
    beyond: Vec<(u32, u32)>,
}

impl Assembly {
    pub(super) fn new(
        from: Address,
        message: u32,
        header: rpc::Header,
        user: message::Header,
        total: u32,
    ) -> Assembly {
        Assembly {
            from,
            message,
            header,
            user,
            total,
            deadline: 0,
            complete_to: 0,
            beyond: Vec::new(),
        }
    }

    /// Whether a fragment belongs to this message.
    pub(super) fn is_of(&self, from: Address, message: u32, total: u32) -> bool {
        self.from == from && self.message == message && self.total == total
    }

    /// Takes a fragment that begins at `offset`: what fits into the buffer is written there, the rest is cut off.
    /// Bytes that would go beyond the message, or leave too many gaps, are ignored.
    pub(super) fn take(&mut self, now: Milliseconds, offset: u32, bytes: &[u8], buffer: &mut impl Buffer) {
        let Some(end) = offset
            .checked_add(bytes.len() as u32)
            .filter(|&end| end <= self.total)
        else {
            return;
        };
        if !self.note(offset, end) {
            return;
        }
        self.deadline = now + REASSEMBLY;
        write(offset, bytes, buffer);
    }

    /// Whether all of it is there.
    pub(super) fn is_whole(&self) -> bool {
        self.complete_to == self.total
    }

    /// Bytes of data that were put into a buffer of this length.
    pub(super) fn length(&self, room: u32) -> u32 {
        (self.total - HEAD_LENGTH as u32).min(room)
    }

    /// Notes that the bytes `start .. end` have come. Not so if they leave too many gaps.
    fn note(&mut self, start: u32, end: u32) -> bool {
        if start <= self.complete_to {
            self.complete_to = self.complete_to.max(end);
        } else {
            if self.beyond.len() == GAPS {
                return false;
            }
            let place = self.beyond.partition_point(|range| range.0 < start);
            self.beyond.insert(place, (start, end));
        }
        let mut reached = self.complete_to;
        self.beyond.retain(|range| {
            let joins = range.0 <= reached;
            if joins {
                reached = reached.max(range.1);
            }
            !joins
        });
        self.complete_to = reached;
        true
    }
}

/// Writes a fragment's bytes behind the headers to their place in the buffer, as far as there is room.
pub(super) fn write(offset: u32, bytes: &[u8], buffer: &mut impl Buffer) {
    let head = (HEAD_LENGTH as u32).saturating_sub(offset) as usize;
    let Some(data) = bytes.get(head..).filter(|data| !data.is_empty()) else {
        return;
    };
    let at = offset.max(HEAD_LENGTH as u32) - HEAD_LENGTH as u32;
    let room = buffer.length().saturating_sub(at) as usize;
    if room > 0 {
        buffer.write(at, &data[..data.len().min(room)]);
    }
}
