//! Signals and exceptions: what reaches a thread beside its own instructions.
//!
//! A thread may give the kernel a vector of [`Handler`]s. Signals have positive numbers; one that no handler takes
//! is forgotten. Exceptions have negative numbers; one that no handler takes stops the process.

use crate::{Error, array};

/// The signal that a client's signal becomes in its server.
pub const TRANSACTION: i32 = 1;

codes! {
    /// An exception.
    Exception: i32 {
        /// An instruction that there is none.
        Illegal = -2,
        /// An address that is not aligned.
        Odd = -3,
        /// Memory that does not answer.
        Memory = -4,
        /// A breakpoint, or a single step.
        Breakpoint = -5,
        /// An instruction that this machine does not carry out.
        Instruction = -6,
        /// A division by zero, an overflow, an index out of its bounds.
        Division = -7,
        /// A floating-point fault.
        FloatingPoint = -8,
        /// An access to what is not the process's.
        Access = -9,
        /// A system call that does not exist or not at this moment.
        SystemCall = -10,
        /// A bad argument of a system call.
        Argument = -11,
        /// A fault in emulation.
        Emulation = -12,
        /// The program gave up.
        Abort = -13,
    }
}

impl Exception {
    /// The exception that a trap of the processor becomes in a user's program; `None` for traps that are no
    /// fault of the program's (the NMI, a double fault).
    pub const fn of_trap(vector: u32) -> Option<Exception> {
        match vector {
            0 | 4 | 5 | 16 => Some(Exception::Division),
            1 | 3 => Some(Exception::Breakpoint),
            6 | 7 | 17 => Some(Exception::Instruction),
            9..=14 => Some(Exception::Access),
            _ => None,
        }
    }
}

/// Bytes of an entry of a signal vector.
pub const HANDLER_LENGTH: usize = 16;
/// The most entries of a signal vector.
pub const MOST_HANDLERS: u32 = 64;

/// An entry of a signal vector.
///
/// The handler at `counter` finds on its stack, as arguments of a C function: the signal, the address of the
/// interrupted thread's [`Frame`](crate::process::Frame), and both words of the entry. It ends with the system call
/// `sigret` for that frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handler {
    /// The signal or exception.
    pub signal: i32,
    /// First instruction of the handler.
    pub counter: u32,
    /// Its third argument.
    pub third: u32,
    /// Its fourth argument.
    pub fourth: u32,
}

impl Handler {
    /// Reads the entry at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Handler, Error> {
        let word = |offset| array(bytes, offset).map(u32::from_le_bytes);
        Ok(Handler {
            signal: word(0)?.cast_signed(),
            counter: word(4)?,
            third: word(8)?,
            fourth: word(12)?,
        })
    }

    /// The bytes of the entry.
    pub fn emit(&self) -> [u8; HANDLER_LENGTH] {
        let mut bytes = [0; HANDLER_LENGTH];
        let words = [self.signal.cast_unsigned(), self.counter, self.third, self.fourth];
        for (place, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{Exception, HANDLER_LENGTH, Handler};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn a_page_fault_is_a_bad_access_and_an_unknown_opcode_a_bad_instruction() {
        assert_eq!(Exception::of_trap(14), Some(Exception::Access));
        assert_eq!(Exception::of_trap(6), Some(Exception::Instruction));
        assert_eq!(Exception::of_trap(2), None);
        assert_eq!(Exception::of_trap(8), None);
    }

    proptest! {
        #[test]
        fn an_entry_reads_back(bytes in any::<[u8; HANDLER_LENGTH]>()) {
            prop_assert_eq!(Handler::parse(&bytes).map(|handler| handler.emit()), Ok(bytes));
        }
    }
}
