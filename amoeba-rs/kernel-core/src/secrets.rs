//! Numbers that nobody outside can guess, made by the one-way function of a key and a counter: whoever sees some of them
//! learns nothing of the others. The key is only as good as what is stirred into it.

use proto::capability::Port;
use proto::one_way::one_way;

/// A source of secret numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    key: Port,
    counter: u64,
    /// Bits that were stirred in.
    stirred: u32,
}

impl Default for Secrets {
    fn default() -> Secrets {
        Secrets::new()
    }
}

impl Secrets {
    /// A source with a key that everybody knows.
    pub const fn new() -> Secrets {
        Secrets {
            key: Port([1; 6]),
            counter: 0,
            stirred: 0,
        }
    }

    /// Makes the key depend on `bytes`, too.
    pub fn stir(&mut self, bytes: &[u8]) {
        self.stirred = self.stirred.saturating_add(8 * bytes.len() as u32);
        for chunk in bytes.chunks(6) {
            for (place, byte) in self.key.0.iter_mut().zip(chunk) {
                *place ^= byte;
            }
            self.key = one_way(self.key);
        }
    }

    /// How many bits the key was made of, whatever they are worth, and how many numbers have been made with it.
    pub const fn count(&self) -> (u32, u64) {
        (self.stirred, self.counter)
    }

    /// One more number.
    pub fn number(&mut self) -> Port {
        self.counter = self.counter.wrapping_add(1);
        let counter = self.counter.to_le_bytes();
        one_way(Port(core::array::from_fn(|place| {
            self.key.0[place] ^ counter[place]
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::Secrets;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_do_not_repeat() {
        let mut secrets = Secrets::new();
        let numbers: BTreeSet<_> = (0..1000).map(|_| secrets.number()).collect();
        assert_eq!(numbers.len(), 1000);
    }

    #[test]
    fn what_is_stirred_in_changes_all_numbers_and_in_order() {
        let first = |stirred: &[&[u8]]| {
            let mut secrets = Secrets::new();
            for bytes in stirred {
                secrets.stir(bytes);
            }
            secrets.number()
        };
        let numbers = [
            first(&[]),
            first(&[b"a"]),
            first(&[b"b"]),
            first(&[b"a", b"b"]),
            first(&[b"b", b"a"]),
        ];
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 5);
    }
}
