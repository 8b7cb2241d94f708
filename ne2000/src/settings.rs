//! Which card it is, its jumpers, its station address and its boot PROM.

use std::sync::Arc;

/// The cards of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// 3Com EtherLink II, 8 bit, 8 KB (3C503).
    EtherLinkII,
    /// 3Com EtherLink II/16, 16 bit, 16 KB (3C503/16).
    EtherLinkII16,
    /// Novell NE1000, 8 bit, 8 KB.
    Ne1000,
    /// Novell NE2000, 16 bit, 16 KB.
    Ne2000,
}

impl Model {
    /// Every model.
    pub const ALL: &[Self] = &[Self::EtherLinkII, Self::EtherLinkII16, Self::Ne1000, Self::Ne2000];

    /// What lab files call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EtherLinkII => "3c503",
            Self::EtherLinkII16 => "3c503-16",
            Self::Ne1000 => "ne1000",
            Self::Ne2000 => "ne2000",
        }
    }

    /// The interrupts that it can drive, as its documents number them: 2 is line 9 of an AT.
    #[must_use]
    pub const fn interrupts(self) -> &'static [u8] {
        &[2, 3, 4, 5]
    }

    /// The I/O bases that can be jumpered, the factory's first.
    #[must_use]
    pub const fn io_bases(self) -> &'static [u16] {
        match self {
            Self::EtherLinkII | Self::EtherLinkII16 => {
                &[0x300, 0x310, 0x330, 0x350, 0x250, 0x280, 0x2A0, 0x2E0]
            }
            Self::Ne1000 | Self::Ne2000 => &[0x300, 0x320, 0x340, 0x360],
        }
    }

    /// The physical addresses at which the memory window can be jumpered; Novell's cards show only a boot PROM there.
    #[must_use]
    pub const fn memory_bases(self) -> &'static [u32] {
        match self {
            Self::EtherLinkII | Self::EtherLinkII16 => &[0xDC000, 0xD8000, 0xCC000, 0xC8000],
            Self::Ne1000 | Self::Ne2000 => &[0xC8000, 0xCC000, 0xD0000, 0xD4000],
        }
    }

    /// The size of the memory window in bytes, which is the most that a boot PROM has.
    #[must_use]
    pub const fn memory_window_bytes(self) -> u32 {
        match self {
            Self::EtherLinkII | Self::EtherLinkII16 => 0x2000,
            Self::Ne1000 | Self::Ne2000 => 0x4000,
        }
    }
}

/// Where a cable comes to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connector {
    /// Thin cable, at the card's own transceiver.
    Bnc,
    /// The 15-pin connector, for the transceiver on a thick cable.
    Aui,
}

/// A card as it lies in its slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which card.
    pub model: Model,
    /// I/O base jumper.
    pub io_base: u16,
    /// Memory window jumper, the physical address; `None` for programmed I/O only.
    pub memory_base: Option<u32>,
    /// The interrupt that the lab file gives the card: on Novell's a jumper (2, 3, 4 or 5), on the 3C503 what its
    /// driver is expected to select in IDCFR.
    pub interrupt: u8,
    /// The connector that the cable is on. On the 3C503 software selects one of them (CTRL.XSEL); Novell's cards have a
    /// jumper, which is set to this.
    pub connector: Connector,
    /// Station address in the PROM.
    pub station_address: [u8; 6],
    /// What is in the boot PROM's socket, at most [`Model::memory_window_bytes`]; `None` if it is empty.
    pub boot_prom: Option<Arc<[u8]>>,
}
