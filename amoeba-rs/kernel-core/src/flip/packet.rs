//! Packet buffers: a fixed number of them, each as long as the longest frame and what goes in front of it. A
//! buffer moves from the card to whoever works on it and comes back to the pool; nothing is copied on the way.

use alloc::boxed::Box;
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
}

impl Packet {
    fn empty() -> Packet {
        Packet {
            buffer: Box::new([0; BUFFER_LENGTH]),
            length: 0,
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
}
