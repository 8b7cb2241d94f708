//! What the lab file must know of a card: its name, its jumpers and its ranges.

use ne2000::Model;

use super::fields::Word;

/// The words of a card's `type`.
pub(super) const CARD_TYPES: &[Word] = &[
    Word {
        word: "3c503",
        about: "3Com EtherLink II, 8 bit, 8 KB",
        is_due: true,
    },
    Word {
        word: "3c503/16",
        about: "3Com EtherLink II/16, 16 bit, 16 KB",
        is_due: false,
    },
    Word {
        word: "ne1000",
        about: "Novell NE1000",
        is_due: false,
    },
    Word {
        word: "ne2000",
        about: "Novell NE2000",
        is_due: false,
    },
    Word {
        word: "serial",
        about: "a second serial port",
        is_due: false,
    },
];

/// The word for a card.
pub(super) const fn word_of(model: Model) -> &'static str {
    match model {
        Model::EtherLinkII => "3c503",
    }
}

/// The card of a word.
pub(super) fn model_of(word: &str) -> Option<Model> {
    [Model::EtherLinkII]
        .into_iter()
        .find(|&model| word_of(model) == word)
}

/// Interrupts that the card can drive (3C503: IDCFR).
pub(super) const fn interrupts(model: Model) -> &'static [u8] {
    match model {
        Model::EtherLinkII => &[2, 3, 4, 5],
    }
}

/// Settings of the I/O base jumper (3C503: BCFR).
pub(super) const fn io_bases(model: Model) -> &'static [u16] {
    match model {
        Model::EtherLinkII => &[0x250, 0x280, 0x2A0, 0x2E0, 0x300, 0x310, 0x330, 0x350],
    }
}

/// Settings of the memory window jumper (3C503: PCFR).
pub(super) const fn memory_bases(model: Model) -> &'static [u32] {
    match model {
        Model::EtherLinkII => &[0xC_8000, 0xC_C000, 0xD_8000, 0xD_C000],
    }
}

/// Bytes of the memory window.
pub(super) const fn window_bytes(model: Model) -> u32 {
    match model {
        Model::EtherLinkII => 8 << 10,
    }
}

/// Offsets and lengths of the I/O ranges: the DP8390 and, on the 3C503, the gate array 400h above it.
pub(super) const fn io_ranges(model: Model) -> &'static [(u32, u32)] {
    match model {
        Model::EtherLinkII => &[(0, 0x10), (0x400, 0x10)],
    }
}
