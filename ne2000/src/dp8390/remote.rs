//! Remote DMA (data sheet, section 9): a port of the card moves bytes to or from local memory through a latch, which
//! holds one byte or in word mode one word. The 3C503 has no such port; there a started transfer waits for ever.
//!
//! The next byte of a read is fetched as soon as the latch has been emptied, the last one of a write is stored as soon
//! as it is in the latch; both in one transfer of the local bus, before which local DMA's bursts go. Who comes sooner
//! waits. In word mode addresses are even and the count goes down by two.

use clock::{Instant, Span};

use super::registers::{DataConfiguration, Interrupts, RemoteCommand};
use super::{DMA_TRANSFER, Dp8390, LocalMemory, high, low, set_high, set_low};

/// The remote DMA channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Remote {
    transfer: Transfer,
    /// RSAR as it is written, CRDA as it is read.
    address: u16,
    /// RBCR, counting down.
    count: u16,
    /// When the latch is filled, or emptied.
    ready: Instant,
    /// The remote next packet pointer: where BNRY goes when the packet is sent.
    next_packet: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Transfer {
    #[default]
    None,
    Read,
    Write,
    SendPacket,
}

impl Remote {
    pub(super) fn abort(&mut self) {
        self.transfer = Transfer::None;
    }

    pub(super) fn address(&self) -> u16 {
        self.address
    }

    pub(super) fn next_packet(&self) -> u8 {
        self.next_packet
    }

    pub(super) fn set_next_packet(&mut self, page: u8) {
        self.next_packet = page;
    }

    /// Writes RSAR0, RSAR1, RBCR0 or RBCR1 (offsets 8 to 11 of page 0).
    pub(super) fn write_register(&mut self, offset: u8, value: u8) {
        match offset {
            0x8 => set_low(&mut self.address, value),
            0x9 => set_high(&mut self.address, value),
            0xA => set_low(&mut self.count, value),
            _ => set_high(&mut self.count, value),
        }
    }
}

impl Dp8390 {
    /// The card's port takes the next byte of a remote read, or in word mode the next word, and waits for so long;
    /// `None` if no remote read is under way. In byte mode the upper byte is FFh.
    pub fn remote_read(&mut self, now: Instant, memory: &LocalMemory) -> Option<(u16, Span)> {
        if !matches!(self.remote.transfer, Transfer::Read | Transfer::SendPacket) {
            return None;
        }
        let address = self.remote.address;
        let value = if self.is_word_wide() {
            [memory.read(address & !1), memory.read(address | 1)]
        } else {
            [memory.read(address), 0xFF]
        };
        let wait = self.remote.ready.since(now);
        self.step_remote(now);
        if self.remote.transfer != Transfer::None {
            self.move_latch(now + wait);
        }
        Some((u16::from_le_bytes(value), wait))
    }

    /// The card's port gives the next byte of a remote write, or in word mode the next word, and waits for so long;
    /// `None` if no remote write is under way.
    pub fn remote_write(&mut self, value: u16, now: Instant, memory: &mut LocalMemory) -> Option<Span> {
        if self.remote.transfer != Transfer::Write {
            return None;
        }
        let address = self.remote.address;
        if self.is_word_wide() {
            memory.write(address & !1, low(value));
            memory.write(address | 1, high(value));
        } else {
            memory.write(address, low(value));
        }
        let wait = self.remote.ready.since(now);
        self.move_latch(now + wait);
        self.step_remote(now);
        Some(wait)
    }

    /// One transfer between the latch and memory, wanted at `at`.
    fn move_latch(&mut self, at: Instant) {
        self.remote.ready = self.local_bus.grant_to_controller(at, DMA_TRANSFER) + DMA_TRANSFER;
    }

    pub(super) fn command_remote(&mut self, command: RemoteCommand, now: Instant, memory: &LocalMemory) {
        match command {
            RemoteCommand::NotAllowed => {}
            RemoteCommand::Abort => self.remote.abort(),
            RemoteCommand::Read => self.start_remote(Transfer::Read, now),
            RemoteCommand::Write => self.start_remote(Transfer::Write, now),
            RemoteCommand::SendPacket => self.send_packet(now, memory),
        }
    }

    /// A transfer of no bytes is complete at once.
    fn start_remote(&mut self, transfer: Transfer, now: Instant) {
        if self.remote.count == 0 {
            self.finish_remote(now);
            return;
        }
        self.remote.transfer = transfer;
        if transfer != Transfer::Write {
            self.move_latch(now);
        }
    }

    /// The send-packet command, which DCR.ARM enables: the packet at BNRY, header first, as many bytes as the header
    /// says, so that the check sequence stays behind.
    fn send_packet(&mut self, now: Instant, memory: &LocalMemory) {
        if !self
            .data_configuration
            .contains(DataConfiguration::AUTO_INITIALIZE_REMOTE)
        {
            log::debug!("DP8390: send-packet command without DCR.ARM");
            return;
        }
        if self.remote.transfer == Transfer::SendPacket {
            return;
        }
        let header = u16::from(self.boundary) << 8;
        let next = header | u16::from(!self.is_word_swapped());
        self.remote.address = header;
        self.remote.next_packet = memory.read(next);
        self.remote.count = u16::from_le_bytes([memory.read(header | 2), memory.read(header | 3)]);
        self.remote.transfer = Transfer::SendPacket;
        self.start_remote(Transfer::SendPacket, now);
    }

    /// The address goes round in the receive ring; everywhere else it goes on.
    fn step_remote(&mut self, now: Instant) {
        let width = if self.is_word_wide() { 2 } else { 1 };
        let address = self.remote.address & !(width - 1);
        self.remote.address = address.wrapping_add(width);
        if low(self.remote.address) == 0 && high(self.remote.address) == self.page_stop {
            self.remote.address = u16::from(self.page_start) << 8;
        }
        self.remote.count = self.remote.count.saturating_sub(width);
        if self.remote.count == 0 {
            self.finish_remote(now);
        }
    }

    fn finish_remote(&mut self, now: Instant) {
        if self.remote.transfer == Transfer::SendPacket {
            self.look_for_overflow(now);
            self.boundary = self.remote.next_packet;
            self.receiver.make_room();
        }
        self.remote.transfer = Transfer::None;
        self.interrupts |= Interrupts::REMOTE_COMPLETE;
    }
}
