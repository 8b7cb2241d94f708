//! Escape sequences, as a VT100 knows them (ANSI X3.64): which of them the screen carries out. All others are taken and have no
//! effect.

/// The most numbers of a sequence; further ones have no effect.
const NUMBERS: usize = 8;

/// What has been seen of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// Nothing.
    None,
    /// The escape character.
    Begun,
    /// The introducer, and numbers.
    Numbers(Numbers),
}

/// Numbers of a sequence; one that was left out is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    values: [u16; NUMBERS],
    count: usize,
}

impl Numbers {
    /// The number in a place, where 0 means `otherwise`.
    pub(super) fn get(&self, place: usize, otherwise: u16) -> usize {
        let value = self.values.get(place).copied().unwrap_or(0);
        usize::from(if value == 0 { otherwise } else { value })
    }

    /// All of them, at least one.
    pub(super) fn all(&self) -> impl Iterator<Item = u16> {
        self.values
            .into_iter()
            .take(self.count.saturating_add(1).min(NUMBERS))
    }

    fn digit(&mut self, digit: u8) {
        if let Some(value) = self.values.get_mut(self.count) {
            *value = value.saturating_mul(10).saturating_add(u16::from(digit - b'0'));
        }
    }
}

/// What a byte leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is to be shown.
    Show(u8),
    /// It is part of a sequence.
    Nothing,
    /// It ends a sequence, whose command it is.
    Command(u8, Numbers),
}

impl Escape {
    /// Takes a byte.
    pub(super) fn take(&mut self, byte: u8) -> Meaning {
        match (*self, byte) {
            (_, 0x1b) => *self = Escape::Begun,
            (Escape::None, _) => return Meaning::Show(byte),
            (Escape::Begun, b'[') => *self = Escape::Numbers(Numbers::default()),
            // Another byte ends the sequence.
            (Escape::Begun, b' '..=b'/') => {}
            (Escape::Begun, _) => *self = Escape::None,
            (Escape::Numbers(mut numbers), b'0'..=b';') => {
                match byte {
                    b'0'..=b'9' => numbers.digit(byte),
                    _ => numbers.count = numbers.count.saturating_add(1),
                }
                *self = Escape::Numbers(numbers);
            }
            (Escape::Numbers(_), b' '..=b'?') => {}
            (Escape::Numbers(numbers), b'@'..=b'~') => {
                *self = Escape::None;
                return Meaning::Command(byte, numbers);
            }
            (Escape::Numbers(_), _) => {
                *self = Escape::None;
                return Meaning::Show(byte);
            }
        }
        Meaning::Nothing
    }
}
