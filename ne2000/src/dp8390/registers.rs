//! The bits of the controller's registers, named as in the data sheet's section 10.

use bitflags::bitflags;

bitflags! {
    /// Command register, CR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Command: u8 {
        /// STP: leave the network.
        const STOP = 0x01;
        /// STA: join it.
        const START = 0x02;
        /// TXP: send a packet; reads as one until it is sent.
        const TRANSMIT = 0x04;
        /// RD0.
        const REMOTE_0 = 0x08;
        /// RD1.
        const REMOTE_1 = 0x10;
        /// RD2: abort or complete remote DMA, whatever RD1 and RD0 say.
        const REMOTE_ABORT = 0x20;
        /// PS0.
        const PAGE_0 = 0x40;
        /// PS1.
        const PAGE_1 = 0x80;
    }

    /// Interrupt status and interrupt mask registers, ISR and IMR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Interrupts: u8 {
        /// PRX: a packet was received without error.
        const PACKET_RECEIVED = 0x01;
        /// PTX: a packet was sent without error.
        const PACKET_TRANSMITTED = 0x02;
        /// RXE: a packet was received with an error, or missed.
        const RECEIVE_ERROR = 0x04;
        /// TXE: a transmission was given up.
        const TRANSMIT_ERROR = 0x08;
        /// OVW: the receive ring was full.
        const OVERWRITE_WARNING = 0x10;
        /// CNT: a tally counter's upper bit has been set.
        const COUNTER_OVERFLOW = 0x20;
        /// RDC: remote DMA is complete.
        const REMOTE_COMPLETE = 0x40;
        /// RST: in the reset state; a status only, never an interrupt.
        const RESET = 0x80;
    }

    /// Data configuration register, DCR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct DataConfiguration: u8 {
        /// WTS: word-wide DMA transfers.
        const WORD_TRANSFER = 0x01;
        /// BOS: the bytes of a word in the 68000's order.
        const BYTE_ORDER = 0x02;
        /// LAS: remote DMA addresses of 32 bits.
        const LONG_ADDRESS = 0x04;
        /// LS: zero for loopback.
        const NORMAL_OPERATION = 0x08;
        /// ARM: the send-packet command is executed.
        const AUTO_INITIALIZE_REMOTE = 0x10;
        /// FT0.
        const THRESHOLD_0 = 0x20;
        /// FT1.
        const THRESHOLD_1 = 0x40;
    }

    /// Transmit configuration register, TCR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct TransmitConfiguration: u8 {
        /// CRC: software appends the check sequence.
        const INHIBIT_CHECK = 0x01;
        /// LB0.
        const LOOPBACK_0 = 0x02;
        /// LB1.
        const LOOPBACK_1 = 0x04;
        /// ATD: certain multicast frames disable and enable the transmitter.
        const AUTO_DISABLE = 0x08;
        /// OFST: another back-off policy.
        const COLLISION_OFFSET = 0x10;
    }

    /// Transmit status register, TSR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct TransmitStatus: u8 {
        /// PTX: sent without error.
        const PACKET_TRANSMITTED = 0x01;
        /// COL: collided at least once.
        const COLLIDED = 0x04;
        /// ABT: given up after sixteen collisions.
        const ABORTED = 0x08;
        /// CRS: the carrier was lost while sending.
        const CARRIER_LOST = 0x10;
        /// FU: the FIFO ran empty.
        const FIFO_UNDERRUN = 0x20;
        /// CDH: no heartbeat from the transceiver.
        const NO_HEARTBEAT = 0x40;
        /// OWC: a collision after the slot time.
        const OUT_OF_WINDOW = 0x80;
    }

    /// Receive configuration register, RCR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct ReceiveConfiguration: u8 {
        /// SEP: keep packets with errors.
        const SAVE_ERRORED = 0x01;
        /// AR: keep packets of fewer than 64 bytes.
        const ACCEPT_RUNT = 0x02;
        /// AB.
        const ACCEPT_BROADCAST = 0x04;
        /// AM: accept multicast addresses that pass the hash filter.
        const ACCEPT_MULTICAST = 0x08;
        /// PRO: accept every physical address.
        const PROMISCUOUS = 0x10;
        /// MON: check and count packets, store none.
        const MONITOR = 0x20;
    }

    /// Receive status register, RSR; also the first byte of a stored packet.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct ReceiveStatus: u8 {
        /// PRX: received intact.
        const INTACT = 0x01;
        /// CRC: the check sequence is wrong.
        const CHECK_ERROR = 0x02;
        /// FAE: no whole number of bytes, and a wrong check sequence.
        const ALIGNMENT_ERROR = 0x04;
        /// FO: the FIFO overran.
        const FIFO_OVERRUN = 0x08;
        /// MPA: missed for want of buffers, or because of monitor mode.
        const MISSED = 0x10;
        /// PHY: the address was a broadcast or multicast address.
        const GROUP_ADDRESS = 0x20;
        /// DIS: the receiver is in monitor mode.
        const DISABLED = 0x40;
        /// DFR: there is a carrier on the cable.
        const DEFERRING = 0x80;
    }
}

/// Which registers answer at offsets 1 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Zero,
    One,
    Two,
    /// For the factory's tests.
    Three,
}

/// What bits RD2 to RD0 ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RemoteCommand {
    /// 000, which the data sheet does not allow; remote DMA goes on as it was.
    NotAllowed,
    Read,
    Write,
    SendPacket,
    Abort,
}

/// Which way a transmitted packet takes, by bits LB1 and LB0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loopback {
    /// Mode 0: none, normal operation.
    Off,
    /// Mode 1: inside the controller.
    Controller,
    /// Mode 2: through the encoder (DP8391).
    Encoder,
    /// Mode 3: through the transceiver, and so onto the cable.
    Transceiver,
}

impl Command {
    /// If both bits are one, STP wins.
    pub(crate) fn is_running(self) -> bool {
        self.contains(Self::START) && !self.contains(Self::STOP)
    }

    pub(crate) fn page(self) -> Page {
        match (self.contains(Self::PAGE_1), self.contains(Self::PAGE_0)) {
            (false, false) => Page::Zero,
            (false, true) => Page::One,
            (true, false) => Page::Two,
            (true, true) => Page::Three,
        }
    }

    pub(crate) fn remote(self) -> RemoteCommand {
        if self.contains(Self::REMOTE_ABORT) {
            return RemoteCommand::Abort;
        }
        match (self.contains(Self::REMOTE_1), self.contains(Self::REMOTE_0)) {
            (false, false) => RemoteCommand::NotAllowed,
            (false, true) => RemoteCommand::Read,
            (true, false) => RemoteCommand::Write,
            (true, true) => RemoteCommand::SendPacket,
        }
    }
}

impl DataConfiguration {
    /// The FIFO threshold in bytes: 2, 4, 8 or 12.
    pub(crate) fn threshold(self) -> u64 {
        match (self.contains(Self::THRESHOLD_1), self.contains(Self::THRESHOLD_0)) {
            (false, false) => 2,
            (false, true) => 4,
            (true, false) => 8,
            (true, true) => 12,
        }
    }
}

impl TransmitConfiguration {
    pub(crate) fn loopback(self) -> Loopback {
        match (self.contains(Self::LOOPBACK_1), self.contains(Self::LOOPBACK_0)) {
            (false, false) => Loopback::Off,
            (false, true) => Loopback::Controller,
            (true, false) => Loopback::Encoder,
            (true, true) => Loopback::Transceiver,
        }
    }
}
