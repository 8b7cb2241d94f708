//! The fault frame of an i386: all that a processor knows about a user's thread, in the order in which the kernel
//! finds it on its stack.

use crate::{Error, array};

/// Bytes of the frame.
pub const LENGTH: usize = 80;

/// Names the registers once, in their order.
macro_rules! registers {
    ($($(#[$attribute:meta])* $name:ident,)*) => {
        /// The registers of a user's thread.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[repr(C)]
        pub struct Frame {
            $($(#[$attribute])* pub $name: u32,)*
        }

        impl Frame {
            /// Reads the frame at the start of `bytes`.
            pub fn parse(bytes: &[u8]) -> Result<Frame, Error> {
                let bytes = array::<LENGTH>(bytes, 0)?;
                let mut words = bytes.as_chunks::<4>().0.iter().copied().map(u32::from_le_bytes);
                Ok(Frame { $($name: words.next().ok_or(Error::Truncated)?,)* })
            }

            /// The bytes of the frame.
            pub fn emit(&self) -> [u8; LENGTH] {
                let mut bytes = [0; LENGTH];
                for (place, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip([$(self.$name,)*]) {
                    *place = word.to_le_bytes();
                }
                bytes
            }
        }
    };
}

registers! {
    /// The page directory.
    cr3,
    /// A segment register.
    gs,
    /// A segment register.
    fs,
    /// A segment register.
    es,
    /// The data segment.
    ds,
    /// A general register.
    edi,
    /// A general register.
    esi,
    /// A general register.
    ebp,
    /// The address whose access made a page fault.
    fault_address,
    /// A general register.
    ebx,
    /// A general register.
    edx,
    /// A general register.
    ecx,
    /// A general register.
    eax,
    /// The number of the exception or interrupt that left the user's program.
    trap,
    /// The error code of an exception.
    error,
    /// The next instruction.
    eip,
    /// The code segment.
    cs,
    /// The flags.
    eflags,
    /// The stack pointer.
    esp,
    /// The stack segment.
    ss,
}

#[cfg(test)]
mod tests {
    use super::{Frame, LENGTH};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn the_frame_is_twenty_longwords() {
        assert_eq!(size_of::<Frame>(), LENGTH);
        assert_eq!(core::mem::offset_of!(Frame, trap), 52);
        assert_eq!(core::mem::offset_of!(Frame, ss), 76);
    }

    proptest! {
        #[test]
        fn a_frame_reads_back(bytes in any::<[u8; LENGTH]>()) {
            prop_assert_eq!(Frame::parse(&bytes).map(|frame| frame.emit()), Ok(bytes));
        }
    }
}
