//! What the kernel has printed last: a ring of characters.

use alloc::vec::Vec;

/// Characters that are kept.
pub const LENGTH: usize = 30_000;

/// The ring.
pub struct PrintBuffer {
    bytes: [u8; LENGTH],
    /// Where the next character goes.
    position: usize,
}

impl Default for PrintBuffer {
    fn default() -> PrintBuffer {
        PrintBuffer::new()
    }
}

impl PrintBuffer {
    /// Nothing has been printed.
    pub const fn new() -> PrintBuffer {
        PrintBuffer {
            bytes: [0; LENGTH],
            position: 0,
        }
    }

    /// Keeps a character; of those before, the oldest goes.
    pub fn put(&mut self, byte: u8) {
        self.bytes[self.position] = byte;
        self.position = (self.position + 1) % LENGTH;
    }

    /// Where the next character goes.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// The ring as it stands: the oldest character is at the position, unless there is none yet.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, PrintBuffer};

    #[test]
    fn the_ring_begins_again_at_its_end() {
        let mut buffer = PrintBuffer::new();
        for number in 0..LENGTH + 3 {
            buffer.put(number as u8);
        }
        assert_eq!(buffer.position(), 3);
        assert_eq!(
            buffer.bytes()[..4],
            [LENGTH as u8, (LENGTH + 1) as u8, (LENGTH + 2) as u8, 3]
        );
        assert_eq!(buffer.bytes().len(), LENGTH);
    }
}
