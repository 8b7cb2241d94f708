//! The three integer sizes that instructions work on.

use crate::Width;

/// An operand of 8, 16 or 32 bits.
pub(crate) trait Unit: Copy + Eq + core::fmt::Debug + 'static {
    /// Its width.
    const WIDTH: Width;
    /// Bytes in it.
    const BYTES: u32 = Self::WIDTH.bytes();
    /// Bits in it.
    const BITS: u32 = Self::BYTES * 8;

    /// The low bits of `value`.
    fn from_u32(value: u32) -> Self;
    /// Zero-extended.
    fn to_u32(self) -> u32;
    /// Sign-extended.
    fn to_i32(self) -> i32;
    /// Reads it, little endian, from exactly [`Unit::BYTES`] bytes.
    fn load(bytes: &[u8]) -> Self;
    /// Writes it, little endian, to exactly [`Unit::BYTES`] bytes.
    fn store(self, bytes: &mut [u8]);
}

macro_rules! unit {
    ($unsigned:ty, $signed:ty, $width:expr) => {
        impl Unit for $unsigned {
            const WIDTH: Width = $width;

            #[inline(always)]
            fn from_u32(value: u32) -> Self {
                value as Self
            }

            #[inline(always)]
            fn to_u32(self) -> u32 {
                u32::from(self)
            }

            #[inline(always)]
            fn to_i32(self) -> i32 {
                i32::from(self as $signed)
            }

            #[inline(always)]
            fn load(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("a slice of the unit's size"))
            }

            #[inline(always)]
            fn store(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }
        }
    };
}

unit!(u8, i8, Width::Byte);
unit!(u16, i16, Width::Word);
unit!(u32, i32, Width::Dword);
