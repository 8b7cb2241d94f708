//! Exceptions as values. A handler that cannot go on returns one and has changed nothing.

/// A processor exception (80386 Programmer's Reference Manual, chapter 9): its vector and, where the vector has one, the error
/// code that is pushed. A page fault's address is in CR2 already.
///
/// One number, so that the results of handlers and memory accesses travel in registers: the vector in bits 7-0, whether there
/// is a code in bit 8, the code in bits 31-16. It is wider than any operand: where both had one size, the compiler kept fault and
/// operand in the same place and looked again which of them it was.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fault(u64);

/// The exceptions of a 386.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Vector {
    /// Divide error.
    DivideError = 0,
    /// Debug exception.
    Debug = 1,
    /// Breakpoint (INT 3).
    Breakpoint = 3,
    /// Overflow (INTO).
    Overflow = 4,
    /// BOUND range exceeded.
    BoundRange = 5,
    /// Invalid opcode.
    InvalidOpcode = 6,
    /// Coprocessor not available.
    NoCoprocessor = 7,
    /// Double fault.
    DoubleFault = 8,
    /// Coprocessor segment overrun.
    CoprocessorOverrun = 9,
    /// Invalid task state segment.
    InvalidTss = 10,
    /// Segment not present.
    NotPresent = 11,
    /// Stack exception.
    Stack = 12,
    /// General protection.
    GeneralProtection = 13,
    /// Page fault.
    Page = 14,
    /// Coprocessor error.
    CoprocessorError = 16,
}

const HAS_CODE: u64 = 1 << 8;

impl Vector {
    const ALL: [Self; 15] = [
        Self::DivideError,
        Self::Debug,
        Self::Breakpoint,
        Self::Overflow,
        Self::BoundRange,
        Self::InvalidOpcode,
        Self::NoCoprocessor,
        Self::DoubleFault,
        Self::CoprocessorOverrun,
        Self::InvalidTss,
        Self::NotPresent,
        Self::Stack,
        Self::GeneralProtection,
        Self::Page,
        Self::CoprocessorError,
    ];
}

impl Fault {
    /// No exception: the attempt at an instruction has found an operand that is not at hand (see `quick`).
    pub(crate) const NOT_AT_ONCE: Self = Self(u64::MAX);

    /// An exception without an error code.
    #[must_use]
    pub const fn plain(vector: Vector) -> Self {
        Self(vector as u64)
    }

    /// An exception with an error code.
    #[must_use]
    pub const fn with_code(vector: Vector, error_code: u16) -> Self {
        Self(vector as u64 | HAS_CODE | (error_code as u64) << 16)
    }

    /// Its vector.
    #[must_use]
    pub fn vector(self) -> Vector {
        let number = self.0 as u8;
        let vector = Vector::ALL.into_iter().find(|vector| *vector as u8 == number);
        vector.expect("made from a vector")
    }

    /// Its error code.
    #[must_use]
    pub fn error_code(self) -> Option<u16> {
        (self.0 & HAS_CODE != 0).then_some((self.0 >> 16) as u16)
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Fault")
            .field("vector", &self.vector())
            .field("error_code", &self.error_code())
            .finish()
    }
}
