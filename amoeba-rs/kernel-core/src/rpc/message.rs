//! Messages as FLIP sends them: headers, and behind them a piece of a thread's memory, which is read only when a
//! fragment goes out.

use crate::flip::types::Data;
use proto::{message, rpc};

/// Bytes in front of the data of a request or reply.
pub(super) const HEAD_LENGTH: usize = rpc::LENGTH + message::LENGTH;

/// A piece of a thread's memory. The kernel's are address and length, those of tests hold the bytes.
pub trait Buffer: Clone {
    /// Bytes in it.
    fn length(&self) -> u32;

    /// Hands the bytes `offset .. offset + length`, all of which exist, to `each`, in order, in as many slices as
    /// they lie in.
    fn read(&self, offset: u32, length: u32, each: &mut dyn FnMut(&[u8]));

    /// Writes `bytes` from `offset` on; there is room for all of them.
    fn write(&mut self, offset: u32, bytes: &[u8]);
}

/// What FLIP carries: messages of this module, and perhaps those of other protocols.
pub trait Payload: Data {
    /// The memory of threads.
    type Buffer: Buffer;

    /// A message of this module.
    fn from_message(message: Message<Self::Buffer>) -> Self;
}

/// A message of this module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<B> {
    head: [u8; HEAD_LENGTH],
    head_length: u8,
    data: Option<B>,
}

impl<B: Buffer> Message<B> {
    /// A message of another protocol, which shares FLIP with this module.
    pub fn foreign(data: B) -> Message<B> {
        Message {
            head: [0; HEAD_LENGTH],
            head_length: 0,
            data: Some(data),
        }
    }

    /// Only headers.
    ///
    /// # Panics
    /// If they are longer than those of a request.
    pub(super) fn control(head: &[u8]) -> Message<B> {
        let mut message = Message {
            head: [0; HEAD_LENGTH],
            head_length: head.len() as u8,
            data: None,
        };
        message.head[..head.len()].copy_from_slice(head);
        message
    }

    /// A request or reply.
    pub(super) fn with_data(header: &rpc::Header, user: &message::Header, data: &B) -> Message<B> {
        let mut head = [0; HEAD_LENGTH];
        head[..rpc::LENGTH].copy_from_slice(&header.emit());
        head[rpc::LENGTH..].copy_from_slice(&user.emit(header.flags.byte_order()));
        Message {
            head,
            head_length: HEAD_LENGTH as u8,
            data: Some(data.clone()),
        }
    }
}

impl<B: Buffer> Data for Message<B> {
    fn length(&self) -> u32 {
        u32::from(self.head_length) + self.data.as_ref().map_or(0, Buffer::length)
    }

    fn parts(&self, offset: u32, length: u32, each: &mut dyn FnMut(&[u8])) {
        let head_length = u32::from(self.head_length);
        let end = offset + length;
        if offset < head_length {
            each(&self.head[offset as usize..end.min(head_length) as usize]);
        }
        if let Some(data) = &self.data
            && end > head_length
        {
            let start = offset.max(head_length);
            data.read(start - head_length, end - start, each);
        }
    }
}

impl<B: Buffer> Payload for Message<B> {
    type Buffer = B;

    fn from_message(message: Message<B>) -> Message<B> {
        message
    }
}

/// Copies as much of one thread's memory into another's as it has room for: how many bytes.
pub(super) fn copy<B: Buffer>(from: &B, to: &mut B) -> u32 {
    let length = from.length().min(to.length());
    let mut at = 0;
    if length > 0 {
        from.read(0, length, &mut |part| {
            to.write(at, part);
            at += part.len() as u32;
        });
    }
    length
}
