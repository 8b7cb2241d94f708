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

/// The card of a word that this version has.
pub(super) fn model_of(word: &str) -> Option<Model> {
    let is_due = CARD_TYPES.iter().any(|card| card.is_due && card.word == word);
    let model = Model::ALL.iter().copied().find(|model| model.name() == word);
    model.filter(|_| is_due)
}

/// Offsets and lengths of the I/O ranges: the DP8390 and, on the 3C503, the gate array 400h above it.
pub(super) const fn io_ranges(model: Model) -> &'static [(u32, u32)] {
    match model {
        Model::EtherLinkII | Model::EtherLinkII16 => &[(0, 0x10), (0x400, 0x10)],
        Model::Ne1000 | Model::Ne2000 => &[(0, 0x20)],
    }
}
