//! The registers of the 16550A, bit by bit (National PC16550D data sheet, table II).

use bitflags::bitflags;

bitflags! {
    /// IER.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct InterruptEnable: u8 {
        /// ERBFI, with the character timeout in FIFO mode.
        const RECEIVED_DATA = 0x01;
        /// ETBEI.
        const TRANSMITTER_EMPTY = 0x02;
        /// ELSI.
        const LINE_STATUS = 0x04;
        /// EDSSI.
        const MODEM_STATUS = 0x08;
    }
}

bitflags! {
    /// FCR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct FifoControl: u8 {
        const ENABLE = 0x01;
        const CLEAR_RECEIVER = 0x02;
        const CLEAR_TRANSMITTER = 0x04;
        /// How RXRDY and TXRDY, which a PC leaves open, behave.
        const DMA_MODE = 0x08;
        const TRIGGER = 0xC0;
    }
}

impl FifoControl {
    /// How many characters in the receiver FIFO make an interrupt.
    pub(super) fn trigger(self) -> usize {
        match (self & Self::TRIGGER).bits() >> 6 {
            0 => 1,
            1 => 4,
            2 => 8,
            _ => 14,
        }
    }
}

bitflags! {
    /// LCR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct LineControl: u8 {
        /// WLS1 and WLS0: data bits less 5.
        const WORD_LENGTH = 0x03;
        /// STB: 2 stop bits (1.5 with 5 data bits).
        const STOP_BITS = 0x04;
        /// PEN.
        const PARITY = 0x08;
        /// EPS.
        const EVEN_PARITY = 0x10;
        /// Stick parity.
        const STICK_PARITY = 0x20;
        /// Holds the line at the spacing level.
        const BREAK = 0x40;
        /// DLAB: offsets 0 and 1 are the divisor.
        const DIVISOR_ACCESS = 0x80;
    }
}

impl LineControl {
    fn data_bits(self) -> u64 {
        5 + u64::from((self & Self::WORD_LENGTH).bits())
    }

    /// The data bits of a character.
    pub(super) fn data_mask(self) -> u8 {
        0xFF >> (8 - self.data_bits())
    }

    /// The length of the stop bits in half bit times.
    pub(super) fn stop_half_bits(self) -> u64 {
        match (self.contains(Self::STOP_BITS), self.data_bits()) {
            (false, _) => 2,
            (true, 5) => 3,
            (true, _) => 4,
        }
    }

    /// The length of a character in half bit times: start, data, parity and stop bits.
    pub(super) fn half_bits(self) -> u64 {
        let parity = u64::from(self.contains(Self::PARITY));
        2 * (1 + self.data_bits() + parity) + self.stop_half_bits()
    }
}

bitflags! {
    /// MCR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct ModemControl: u8 {
        const DATA_TERMINAL_READY = 0x01;
        const REQUEST_TO_SEND = 0x02;
        const OUT1 = 0x04;
        /// On a PC it lets the interrupt through to the bus.
        const OUT2 = 0x08;
        const LOOPBACK = 0x10;
    }
}

bitflags! {
    /// LSR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct LineStatus: u8 {
        /// DR.
        const DATA_READY = 0x01;
        /// OE.
        const OVERRUN_ERROR = 0x02;
        /// PE.
        const PARITY_ERROR = 0x04;
        /// FE.
        const FRAMING_ERROR = 0x08;
        /// BI.
        const BREAK_INTERRUPT = 0x10;
        /// THRE.
        const TRANSMITTER_HOLDING_EMPTY = 0x20;
        /// TEMT.
        const TRANSMITTER_EMPTY = 0x40;
        /// In FIFO mode: a character with an error is in the FIFO, or its error has not been read.
        const ERROR_IN_FIFO = 0x80;
    }
}

bitflags! {
    /// MSR: the levels of the modem's lines in the upper half, what changed in the lower half.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct ModemStatus: u8 {
        const DELTA_CLEAR_TO_SEND = 0x01;
        const DELTA_DATA_SET_READY = 0x02;
        const TRAILING_EDGE_RING = 0x04;
        const DELTA_CARRIER_DETECT = 0x08;
        const CLEAR_TO_SEND = 0x10;
        const DATA_SET_READY = 0x20;
        const RING_INDICATOR = 0x40;
        const CARRIER_DETECT = 0x80;
        const DELTAS = 0x0F;
    }
}

/// The sources of an interrupt by priority, with what IIR says of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    ReceiverLineStatus,
    ReceivedData,
    CharacterTimeout,
    TransmitterEmpty,
    ModemStatus,
}

/// IIR while nothing is pending.
pub(super) const NO_INTERRUPT_PENDING: u8 = 0x01;
/// IIR in FIFO mode.
pub(super) const FIFOS_ENABLED: u8 = 0xC0;

impl Source {
    pub(super) fn identification(self) -> u8 {
        match self {
            Self::ReceiverLineStatus => 0x06,
            Self::ReceivedData => 0x04,
            Self::CharacterTimeout => 0x0C,
            Self::TransmitterEmpty => 0x02,
            Self::ModemStatus => 0x00,
        }
    }
}
