//! Remote DMA (data sheet, section 9): a port of the card moves bytes to or from local memory. The 3C503 has no such
//! port; there a started transfer waits for ever.

use super::registers::{DataConfiguration, Interrupts, RemoteCommand};
use super::{Dp8390, LocalMemory, high, low, set_high, set_low};

/// The remote DMA channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Remote {
    transfer: Transfer,
    /// RSAR as it is written, CRDA as it is read.
    address: u16,
    /// RBCR, counting down.
    count: u16,
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
    /// The card's port takes the next byte of a remote read; `None` if no remote read is under way.
    pub fn remote_read(&mut self, memory: &LocalMemory) -> Option<u8> {
        if !matches!(self.remote.transfer, Transfer::Read | Transfer::SendPacket) {
            return None;
        }
        let value = memory.read(self.remote.address);
        self.step_remote();
        Some(value)
    }

    /// The card's port gives the next byte of a remote write; false if no remote write is under way.
    pub fn remote_write(&mut self, value: u8, memory: &mut LocalMemory) -> bool {
        if self.remote.transfer != Transfer::Write {
            return false;
        }
        memory.write(self.remote.address, value);
        self.step_remote();
        true
    }

    pub(super) fn command_remote(&mut self, command: RemoteCommand, memory: &LocalMemory) {
        match command {
            RemoteCommand::NotAllowed => {}
            RemoteCommand::Abort => self.remote.abort(),
            RemoteCommand::Read => self.start_remote(Transfer::Read),
            RemoteCommand::Write => self.start_remote(Transfer::Write),
            RemoteCommand::SendPacket => self.send_packet(memory),
        }
    }

    /// A transfer of no bytes is complete at once.
    fn start_remote(&mut self, transfer: Transfer) {
        if self.remote.count == 0 {
            self.finish_remote();
        } else {
            self.remote.transfer = transfer;
        }
    }

    /// The send-packet command, which DCR.ARM enables: the packet at BNRY, header first, as many bytes as the header
    /// says, so that the check sequence stays behind.
    fn send_packet(&mut self, memory: &LocalMemory) {
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
        self.remote.address = header;
        self.remote.next_packet = memory.read(header | 1);
        self.remote.count = u16::from_le_bytes([memory.read(header | 2), memory.read(header | 3)]);
        self.remote.transfer = Transfer::SendPacket;
        if self.remote.count == 0 {
            self.finish_remote();
        }
    }

    /// The address goes round in the receive ring; everywhere else it goes on.
    fn step_remote(&mut self) {
        self.remote.address = self.remote.address.wrapping_add(1);
        if low(self.remote.address) == 0 && high(self.remote.address) == self.page_stop {
            self.remote.address = u16::from(self.page_start) << 8;
        }
        self.remote.count -= 1;
        if self.remote.count == 0 {
            self.finish_remote();
        }
    }

    fn finish_remote(&mut self) {
        if self.remote.transfer == Transfer::SendPacket {
            self.boundary = self.remote.next_packet;
            self.receiver.make_room();
        }
        self.remote.transfer = Transfer::None;
        self.interrupts |= Interrupts::REMOTE_COMPLETE;
    }
}
