//! The bits of the gate array's registers.

use bitflags::bitflags;

bitflags! {
    /// Gate array configuration register, GACFR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Configuration: u8 {
        /// MBS: which 8 KB of card memory the window shows.
        const BANK = 0x07;
        /// RSEL: the window shows memory; otherwise the boot PROM.
        const RAM = 0x08;
        /// TEST.
        const TEST = 0x10;
        /// OWS: accesses to the gate array without wait states.
        const ZERO_WAIT = 0x20;
        /// TCM: the interrupt at the end of a DMA transfer is masked.
        const MASK_TERMINAL_COUNT = 0x40;
        /// NIM: the controller's interrupt is masked.
        const MASK_INTERRUPT = 0x80;
    }

    /// Control register, CTRL.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Control: u8 {
        /// RST: the board is held in reset.
        const RESET = 0x01;
        /// XSEL: the transceiver on the board, not the one at the 15-pin connector.
        const INTERNAL_TRANSCEIVER = 0x02;
        /// EALO: PROM bytes 0 to 15 in the controller's place.
        const PROM_LOW = 0x04;
        /// EAHI: PROM bytes 16 to 31 in the controller's place.
        const PROM_HIGH = 0x08;
        /// SHARE: the interrupt line is shared.
        const SHARE = 0x10;
        /// DBSEL: double buffering of the FIFO.
        const DOUBLE_BUFFER = 0x20;
        /// DDIR: data go from host to card.
        const TO_CARD = 0x40;
        /// START: a transfer is under way.
        const START = 0x80;
    }

    /// Status register, STREG, without the revision in bits 2 to 0.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Status: u8 {
        /// DIP.
        const DMA_IN_PROGRESS = 0x08;
        /// DTC.
        const TERMINAL_COUNT = 0x10;
        /// OFLW.
        const OVERFLOW = 0x20;
        /// UFLW.
        const UNDERFLOW = 0x40;
        /// DPRDY: eight bytes may be moved.
        const DATA_READY = 0x80;
    }

    /// Interrupt and DMA configuration register, IDCFR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Selection: u8 {
        const DMA_1 = 0x01;
        const DMA_2 = 0x02;
        const DMA_3 = 0x04;
        /// Line 9 of an AT.
        const INTERRUPT_2 = 0x10;
        const INTERRUPT_3 = 0x20;
        const INTERRUPT_4 = 0x40;
        const INTERRUPT_5 = 0x80;
    }
}

impl Selection {
    pub(super) fn wants_dma(self) -> bool {
        self.intersects(Self::DMA_1 | Self::DMA_2 | Self::DMA_3)
    }

    /// The DMA request lines that are selected, a bit each: DRQ1 to DRQ3.
    pub(super) fn dma_lines(self) -> u8 {
        (self & (Self::DMA_1 | Self::DMA_2 | Self::DMA_3)).bits() << 1
    }

    /// The AT's interrupt lines that are selected, a bit each.
    pub(super) fn lines(self) -> u16 {
        [
            (Self::INTERRUPT_2, 9),
            (Self::INTERRUPT_3, 3),
            (Self::INTERRUPT_4, 4),
            (Self::INTERRUPT_5, 5),
        ]
        .into_iter()
        .filter(|(bit, _)| self.contains(*bit))
        .fold(0, |lines, (_, line)| lines | 1 << line)
    }
}
