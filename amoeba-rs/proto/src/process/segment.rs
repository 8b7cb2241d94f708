//! A part of an address space, in a process descriptor: 32 bytes.

use crate::capability::{CAPABILITY_LENGTH, Capability};

/// Bytes of the segment's entry.
pub const LENGTH: usize = CAPABILITY_LENGTH + 16;
/// What a stack whose entry has length zero gets.
pub const DEFAULT_STACK: u32 = 16 << 10;
/// What must be left of a stack behind the arguments.
pub const LEAST_STACK: u32 = 13 << 10;

bitflags::bitflags! {
    /// How a segment is to be mapped. Bits 0 to 3 say how it may grow, 4 to 7 what it holds, 8 to 11 what may be
    /// done with it; the rest are single flags.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SegmentKind: u32 {
        /// It may grow at its end.
        const GROWS_UP = 0x1;
        /// It may grow at its beginning.
        const GROWS_DOWN = 0x2;
        /// Code.
        const TEXT = 0x10;
        /// Data.
        const DATA = 0x20;
        /// To be read and executed.
        const READ_ONLY = 0x100;
        /// To be read and written. The flag includes [`SegmentKind::READ_ONLY`].
        const READ_WRITE = 0x300;
        /// Map the segment itself, not a copy of it.
        const IN_PLACE = 0x0100_0000;
        /// Copy the original, then destroy it.
        const DESTROY_ORIGINAL = 0x0200_0000;
        /// In a file: a new kind of symbol table, not to be loaded.
        const NEW_SYMBOLS = 0x2000_0000;
        /// In a file: a symbol table, not to be loaded.
        const SYMBOLS = 0x4000_0000;
        /// In a file: the stack, which gets the arguments.
        const SYSTEM = 0x8000_0000;
        const _ = !0;
    }
}

impl SegmentKind {
    /// What may be done with the segment: the protection bits alone.
    pub const PROTECTION: SegmentKind = SegmentKind::from_bits_retain(0xf00);
    /// How it may grow: the growth bits alone.
    pub const GROWTH: SegmentKind = SegmentKind::from_bits_retain(0x00f);

    /// Whether it may be written.
    pub const fn is_writable(self) -> bool {
        self.contains(SegmentKind::READ_WRITE)
    }
}

/// An entry of a process descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where the contents are: a segment or a file. With a null capability the contents are in the executable file
    /// itself, or zeros if the offset is zero too.
    pub capability: Capability,
    /// First byte of the contents in that object.
    pub offset: u32,
    /// First virtual address.
    pub address: u32,
    /// Bytes.
    pub length: u32,
    /// How it is mapped.
    pub kind: SegmentKind,
}

impl Segment {
    /// Reads an entry.
    pub fn parse(bytes: &[u8; LENGTH]) -> Segment {
        let [capability, numbers] = *bytes.as_chunks::<CAPABILITY_LENGTH>().0 else {
            unreachable!("an entry is two times sixteen bytes");
        };
        let [offset, address, length, kind] = *numbers.as_chunks::<4>().0 else {
            unreachable!("sixteen bytes are four times four");
        };
        Segment {
            capability: Capability::from_bytes(&capability),
            offset: u32::from_le_bytes(offset),
            address: u32::from_le_bytes(address),
            length: u32::from_le_bytes(length),
            kind: SegmentKind::from_bits_retain(u32::from_le_bytes(kind)),
        }
    }

    /// The bytes of the entry.
    pub fn emit(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..CAPABILITY_LENGTH].copy_from_slice(&self.capability.emit());
        let numbers = [self.offset, self.address, self.length, self.kind.bits()];
        for (place, number) in bytes[CAPABILITY_LENGTH..]
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .zip(numbers)
        {
            *place = number.to_le_bytes();
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, Segment, SegmentKind};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn only_read_write_is_writable() {
        assert!(!SegmentKind::READ_ONLY.is_writable());
        assert!(SegmentKind::READ_WRITE.is_writable());
    }

    proptest! {
        #[test]
        fn an_entry_reads_back(bytes in any::<[u8; LENGTH]>()) {
            prop_assert_eq!(Segment::parse(&bytes).emit(), bytes);
        }
    }
}
