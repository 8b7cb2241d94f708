//! Which card it is, its jumpers and its station address.

/// The cards of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// 3Com EtherLink II, 8 bit, 8 KB (3C503).
    EtherLinkII,
}

impl Model {
    /// Every model.
    pub const ALL: &[Self] = &[Self::EtherLinkII];

    /// What lab files call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EtherLinkII => "3c503",
        }
    }

    /// The interrupts that it can drive, as its documents number them: 2 is line 9 of an AT.
    #[must_use]
    pub const fn interrupts(self) -> &'static [u8] {
        match self {
            Self::EtherLinkII => &[2, 3, 4, 5],
        }
    }

    /// The I/O bases that can be jumpered, the factory's first.
    #[must_use]
    pub const fn io_bases(self) -> &'static [u16] {
        match self {
            Self::EtherLinkII => &[0x300, 0x310, 0x330, 0x350, 0x250, 0x280, 0x2A0, 0x2E0],
        }
    }

    /// The physical addresses at which the memory window can be jumpered.
    #[must_use]
    pub const fn memory_bases(self) -> &'static [u32] {
        match self {
            Self::EtherLinkII => &[0xDC000, 0xD8000, 0xCC000, 0xC8000],
        }
    }

    /// The size of the memory window in bytes.
    #[must_use]
    pub const fn memory_window_bytes(self) -> u32 {
        match self {
            Self::EtherLinkII => 0x2000,
        }
    }
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
    /// The interrupt that the lab file gives the card (2, 3, 4 or 5 on the 3C503, whose driver selects it in IDCFR).
    pub interrupt: u8,
    /// Station address in the PROM.
    pub station_address: [u8; 6],
}
