//! Exceptions as values. A handler that cannot go on returns one and has changed nothing.

/// A processor exception (80386 Programmer's Reference Manual, chapter 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Interrupt vector, 0 to 31.
    pub vector: Vector,
    /// The error code that is pushed, where the vector has one. A page fault's address is in CR2 already.
    pub error_code: Option<u16>,
}

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

impl Fault {
    /// An exception without an error code.
    pub(crate) const fn plain(vector: Vector) -> Self {
        Self {
            vector,
            error_code: None,
        }
    }

    /// An exception with an error code.
    pub(crate) const fn with_code(vector: Vector, error_code: u16) -> Self {
        Self {
            vector,
            error_code: Some(error_code),
        }
    }
}
