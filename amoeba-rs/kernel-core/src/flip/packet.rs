//! Packet buffers: a fixed number of them, each as long as the longest frame and what goes in front of it. A
//! buffer moves from the card to whoever works on it and comes back to the pool; nothing is copied on the way.

use super::location::Location;
use alloc::boxed::Box;
use alloc::vec::Vec;
use proto::{ethernet, flip, fragment_control};

/// Bytes of a buffer.
pub const BUFFER_LENGTH: usize = 1560;
/// Place of a packet's data in the frame: behind the Ethernet, fragment-control and FLIP headers.
pub const DATA_START: usize = ethernet::HEADER_LENGTH + fragment_control::LENGTH + flip::LENGTH;

/// A packet in its buffer.
#[derive(Debug)]
#[must_use = "a packet goes back to its pool"]
pub struct Packet {
    buffer: Box<[u8; BUFFER_LENGTH]>,
    /// Bytes of data.
    length: u16,
    /// What its sender lent for it.
    pub(super) credit: Option<Credit>,
}

/// A credit that goes back to a neighbour when the packet is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Credit {
    /// Index of the network.
    pub(super) network: u8,
    /// The neighbour on it.
    pub(super) location: Location,
}

impl Packet {
    fn empty() -> Packet {
        Packet {
            buffer: Box::new([0; BUFFER_LENGTH]),
            length: 0,
            credit: None,
        }
    }

    /// A packet of no pool that holds `data`.
    ///
    /// # Panics
    /// If `data` is longer than a buffer has room for.
    pub fn new(data: &[u8]) -> Packet {
        let mut packet = Packet::empty();
        packet.buffer[DATA_START..DATA_START + data.len()].copy_from_slice(data);
        packet.length = data.len() as u16;
        packet
    }

    /// The data.
    pub fn data(&self) -> &[u8] {
        &self.buffer[DATA_START..DATA_START + usize::from(self.length)]
    }

    /// Room for a frame as a card gives it, from its Ethernet header on.
    pub fn frame(&mut self) -> &mut [u8; ethernet::LONGEST] {
        self.buffer
            .first_chunk_mut()
            .expect("a buffer is longer than a frame")
    }

    /// The same, to be read.
    pub(super) fn received(&self, length: usize) -> &[u8] {
        &self.buffer[..length]
    }

    /// Says how much of the frame is data.
    ///
    /// # Panics
    /// If the buffer has no room for it.
    pub(super) fn set_length(&mut self, length: usize) {
        assert!(length <= BUFFER_LENGTH - DATA_START, "longer than the buffer");
        self.length = length as u16;
    }

    /// Makes this packet hold what `other` holds.
    pub(super) fn copy_data(&mut self, other: &Packet) {
        let end = DATA_START + usize::from(other.length);
        self.buffer[DATA_START..end].copy_from_slice(&other.buffer[DATA_START..end]);
        self.length = other.length;
    }
}

/// The buffers that nobody uses.
#[derive(Debug)]
pub(super) struct Pool {
    free: Vec<Packet>,
}

impl Pool {
    /// A pool of `count` buffers.
    pub(super) fn new(count: usize) -> Pool {
        Pool {
            free: (0..count).map(|_| Packet::empty()).collect(),
        }
    }

    /// A buffer, if one is free.
    pub(super) fn take(&mut self) -> Option<Packet> {
        self.free.pop()
    }

    /// Takes a buffer back; one that comes from elsewhere finds no room and goes.
    pub(super) fn put(&mut self, mut packet: Packet) {
        packet.length = 0;
        packet.credit = None;
        if self.free.len() < self.free.capacity() {
            self.free.push(packet);
        }
    }

    /// How many are free.
    pub(super) fn free(&self) -> usize {
        self.free.len()
    }
}
