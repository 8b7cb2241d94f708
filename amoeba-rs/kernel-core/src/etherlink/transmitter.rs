//! The card's transmit buffers: the frame that is on the wire, the one that waits behind it, and what is done about frames that
//! do not get there.

use super::registers::{Command, nic};
use super::{Bus, Card};
use proto::ethernet;

/// How often a frame is tried again that sixteen collisions or some other mishap kept off the wire.
const TRANSMIT_TRIES: u32 = 16;
/// A transmission that takes longer is no longer believed in.
const TRANSMIT_PATIENCE_MILLISECONDS: u32 = 2000;
/// How many looks must find the transmitter idle before a missing interrupt is made up for.
const IDLE_LOOKS: u32 = 3;

/// A frame in a transmit buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loaded {
    /// First page of the buffer.
    page: u8,
    length: usize,
}

/// The frame that is being transmitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transmission {
    pub(super) frame: Loaded,
    started: u32,
    tries: u32,
    idle_looks: u32,
}

impl<B: Bus> Card<B> {
    /// Whether [`transmit`](Card::transmit) may be called.
    pub fn can_transmit(&self) -> bool {
        let has_buffer = self.transmission.is_none() || self.ring.second_buffer().is_some();
        self.loaded.is_none() && self.recovery.is_none() && has_buffer
    }

    /// First page of a transmit buffer without a frame, when [`can_transmit`](Card::can_transmit) says so.
    fn free_buffer(&self) -> u8 {
        let first = self.ring.transmit;
        let is_first_used = self
            .transmission
            .is_some_and(|transmission| transmission.frame.page == first);
        self.ring
            .second_buffer()
            .filter(|_| is_first_used)
            .unwrap_or(first)
    }

    /// Copies `frame` into the card and, if it is not busy with another one, starts its transmission, at `now` milliseconds.
    ///
    /// # Panics
    /// If no buffer is free, or the frame is too short or too long for Ethernet.
    pub fn transmit(&mut self, frame: &[u8], now: u32) {
        self.transmit_parts(|each| each(frame), now);
    }

    /// The same for a frame that lies in several slices, which `parts` hands over in order.
    ///
    /// # Panics
    /// As [`transmit`](Card::transmit).
    pub fn transmit_parts(&mut self, parts: impl FnOnce(&mut dyn FnMut(&[u8])), now: u32) {
        assert!(self.can_transmit(), "the transmit buffers are in use");
        let page = self.free_buffer();
        let mut length = 0;
        let start = self.ring.offset(page);
        let bus = &mut self.bus;
        parts(&mut |part| {
            assert!(
                part.len() <= ethernet::LONGEST - length,
                "longer than a frame may be"
            );
            bus.copy_to_window(start + length, part);
            length += part.len();
        });
        bus.finish_copy();
        assert!(length >= ethernet::SHORTEST, "shorter than a frame may be");
        self.loaded = Some(Loaded { page, length });
        self.transmit_loaded(now);
    }

    /// Starts the transmission of the frame that waits, if the card can.
    pub(super) fn transmit_loaded(&mut self, now: u32) {
        if self.transmission.is_some() || self.recovery.is_some() {
            return;
        }
        let Some(frame) = self.loaded.take() else {
            return;
        };
        self.transmission = Some(Transmission {
            frame,
            started: now,
            tries: 1,
            idle_looks: 0,
        });
        self.begin_transmission(frame);
    }

    pub(super) fn begin_transmission(&mut self, frame: Loaded) {
        let [low, high] = (frame.length as u16).to_le_bytes();
        self.write(nic::TRANSMIT_PAGE, frame.page);
        self.write(nic::TRANSMIT_COUNT_LOW, low);
        self.write(nic::TRANSMIT_COUNT_HIGH, high);
        self.command(Command::START | Command::TRANSMIT);
    }

    /// Tries the frame in the transmit buffer once more, if it was not tried too often already.
    pub(super) fn retry(&mut self, now: u32) {
        let Some(transmission) = &mut self.transmission else {
            return;
        };
        if transmission.tries == TRANSMIT_TRIES {
            self.transmission = None;
            return;
        }
        transmission.tries += 1;
        transmission.started = now;
        self.statistics.retried += 1;
        let frame = transmission.frame;
        self.begin_transmission(frame);
    }

    /// Makes up for an interrupt at a transmission's end that never came, and starts a card anew that does not
    /// come to an end.
    pub(super) fn look_after_transmission(&mut self, now: u32) {
        if self.transmission.is_none() {
            return;
        }
        let is_transmitting = self.command_register().contains(Command::TRANSMIT);
        let Some(transmission) = &mut self.transmission else {
            return;
        };
        if is_transmitting {
            transmission.idle_looks = 0;
            if now.wrapping_sub(transmission.started) > TRANSMIT_PATIENCE_MILLISECONDS {
                self.restart();
            }
        } else if self.recovery.is_none() && now != transmission.started {
            transmission.idle_looks += 1;
            if transmission.idle_looks == IDLE_LOOKS {
                self.transmission = None;
            }
        }
    }
}
