//! Which card it is, its jumpers and its station address.

/// The cards of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// 3Com EtherLink II, 8 bit, 8 KB (3C503).
    EtherLinkII,
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
