//! Registers of the 3C503: the DP8390's sixteen at the card's base, and the gate array's 400h above.
//! From National Semiconductor's DP8390D data sheet (section 10, "Internal registers") and from what is known
//! of 3Com's EtherLink II Adapter Technical Reference.

use bitflags::bitflags;

/// The DP8390's registers, by offset from the card's base.
pub(super) mod nic {
    /// Command, on every page.
    pub(crate) const COMMAND: u16 = 0x0;
    /// First page of the receive ring.
    pub(crate) const PAGE_START: u16 = 0x1;
    /// Page behind the receive ring.
    pub(crate) const PAGE_STOP: u16 = 0x2;
    /// Last page that the host has released.
    pub(crate) const BOUNDARY: u16 = 0x3;
    /// First page of the frame to transmit.
    pub(crate) const TRANSMIT_PAGE: u16 = 0x4;
    /// Low byte of its length.
    pub(crate) const TRANSMIT_COUNT_LOW: u16 = 0x5;
    /// High byte of its length.
    pub(crate) const TRANSMIT_COUNT_HIGH: u16 = 0x6;
    /// Interrupt status; writing ones clears.
    pub(crate) const INTERRUPT_STATUS: u16 = 0x7;
    /// Low byte of the remote DMA's address.
    pub(crate) const REMOTE_START_LOW: u16 = 0x8;
    /// High byte of the remote DMA's address.
    pub(crate) const REMOTE_START_HIGH: u16 = 0x9;
    /// Low byte of the remote DMA's count.
    pub(crate) const REMOTE_COUNT_LOW: u16 = 0xa;
    /// High byte of the remote DMA's count.
    pub(crate) const REMOTE_COUNT_HIGH: u16 = 0xb;
    /// Receive configuration.
    pub(crate) const RECEIVE_CONFIGURATION: u16 = 0xc;
    /// Transmit configuration.
    pub(crate) const TRANSMIT_CONFIGURATION: u16 = 0xd;
    /// Data configuration.
    pub(crate) const DATA_CONFIGURATION: u16 = 0xe;
    /// Interrupt mask.
    pub(crate) const INTERRUPT_MASK: u16 = 0xf;
    /// First of the six bytes of the station address, on page 1.
    pub(crate) const STATION_ADDRESS: u16 = 0x1;
    /// Page that the next frame will be written to, on page 1.
    pub(crate) const CURRENT_PAGE: u16 = 0x7;
    /// First of the eight bytes of the multicast filter, on page 1.
    pub(crate) const MULTICAST: u16 = 0x8;
}

/// The gate array's registers, by offset from the card's base.
pub(super) mod gate_array {
    /// First page of the receive ring.
    pub(crate) const PAGE_START: u16 = 0x400;
    /// Page behind the receive ring.
    pub(crate) const PAGE_STOP: u16 = 0x401;
    /// The jumper that sets the I/O base.
    pub(crate) const BASE_JUMPER: u16 = 0x403;
    /// The jumper that sets the memory window.
    pub(crate) const WINDOW_JUMPER: u16 = 0x404;
    /// Configuration.
    pub(crate) const CONFIGURATION: u16 = 0x405;
    /// Control.
    pub(crate) const CONTROL: u16 = 0x406;
    /// Which interrupt and DMA request lines the card drives.
    pub(crate) const LINES: u16 = 0x408;
    /// High byte of the address at which the boot PROM appears; the middle and low bytes follow.
    pub(crate) const VECTOR: u16 = 0x40b;
}

bitflags! {
    /// The DP8390's command register. Every command but those that begin remote DMA aborts or completes it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Command: u8 {
        const STOP = 0x01;
        const START = 0x02;
        const TRANSMIT = 0x04;
        const REMOTE_READ = 0x08;
        const REMOTE_WRITE = 0x10;
        const ABORT_REMOTE_DMA = 0x20;
        const PAGE_1 = 0x40;
        const _ = !0;
    }

    /// Interrupt causes, in the interrupt status and mask registers.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Causes: u8 {
        /// A frame was received.
        const RECEIVED = 0x01;
        /// A frame was transmitted.
        const TRANSMITTED = 0x02;
        /// A frame could not be transmitted.
        const TRANSMIT_ERROR = 0x08;
        /// The receive ring is full.
        const OVERFLOW = 0x10;
        /// Causes that this driver does not enable.
        const _ = !0;
    }
}

/// The causes that interrupt.
pub(super) const ENABLED: Causes = Causes::RECEIVED
    .union(Causes::TRANSMITTED)
    .union(Causes::TRANSMIT_ERROR)
    .union(Causes::OVERFLOW);

/// Data configuration: byte-wide transfers, normal operation, FIFO threshold of 4 bytes.
pub(super) const BYTE_WIDE: u8 = 0x28;
/// Data configuration: word-wide transfers, normal operation, FIFO threshold of 4 words.
pub(super) const WORD_WIDE: u8 = 0x49;
/// Interrupt status: remote DMA has come to its end.
pub(super) const REMOTE_DMA_COMPLETE: u8 = 0x40;
/// Interrupt status: the controller is in reset.
pub(super) const IN_RESET: u8 = 0x80;
/// Receive configuration: broadcast and multicast beside the own address.
pub(super) const ACCEPT_BROADCAST_AND_MULTICAST: u8 = 0x0c;
/// Receive configuration: store nothing.
pub(super) const MONITOR: u8 = 0x20;
/// Transmit configuration: normal operation, with the alternative back-off (OFST) as Amoeba's driver sets it.
pub(super) const ONTO_THE_WIRE: u8 = 0x10;
/// Transmit configuration: loopback inside the DP8390.
pub(super) const LOOPBACK: u8 = 0x02;

/// Gate array configuration: card memory in the window, bank 1 (8390 pages 20h to 3Fh), no terminal-count
/// interrupt, the 8390's interrupt let through.
pub(super) const WINDOW_SHOWS_MEMORY: u8 = 0x49;
/// Gate array control: hold the card in reset.
pub(super) const RESET: u8 = 0x01;
/// Gate array control: the transceiver on the card, not the one at the AUI connector. Kept set during reset too, which else may
/// hang a card without the latter.
pub(super) const ON_BOARD_TRANSCEIVER: u8 = 0x02;
/// Gate array control: the address PROM in place of the 8390's registers.
pub(super) const ADDRESS_PROM: u8 = 0x04;
