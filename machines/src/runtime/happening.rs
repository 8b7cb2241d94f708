//! What a running lab tells its observer, in virtual time.

use clock::Instant;

/// Something that happened in a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// When.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A character left a machine's COM1.
    Console {
        /// Index of the machine in the lab.
        machine: usize,
        /// The character.
        byte: u8,
    },
    /// A machine wrote its POST port.
    Post {
        /// Index of the machine in the lab.
        machine: usize,
        /// The code.
        code: u8,
    },
    /// A machine's processor was reset and starts again.
    Reset {
        /// Index of the machine in the lab.
        machine: usize,
        /// Why.
        cause: ResetCause,
    },
    /// A machine's power was switched. It stops dead, or starts cold.
    Power {
        /// Index of the machine in the lab.
        machine: usize,
        /// Whether it is on from now on.
        is_on: bool,
    },
    /// A machine stopped by itself and takes no further part, unless a fault of the lab starts it again.
    Stopped {
        /// Index of the machine in the lab.
        machine: usize,
        /// Why, and what it looked like.
        report: Box<StopReport>,
    },
    /// Something on a cable: a frame, a collision, a deferral.
    Wire {
        /// Index of the segment in the lab.
        segment: usize,
        /// What it was.
        record: wire::Record,
    },
}

/// Why a machine stopped by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// A fault in the double fault handler.
    TripleFault,
    /// HLT with interrupts off: how a guest's panic ends.
    HaltedForGood,
}

impl StopCause {
    /// The stable code of the event, as in `guest::triple-fault`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TripleFault => "guest::triple-fault",
            Self::HaltedForGood => "guest::halted",
        }
    }
}

/// Why a processor was reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetCause {
    /// A pulse from the keyboard controller or port 92h.
    Pin,
    /// A fault in the double fault handler, on a board that answers it with a reset.
    TripleFault,
    /// The reset button of the case: a fault of the lab.
    Button,
}

impl ResetCause {
    /// The word of the event.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pin => "reset pin",
            Self::TripleFault => "triple fault",
            Self::Button => "reset button",
        }
    }
}

/// A machine that stopped, for people: written to `faults/<machine>-<n>.txt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopReport {
    /// Why.
    pub cause: StopCause,
    /// One line: cause, cs:eip, what came before.
    pub summary: String,
    /// Registers, the last instructions disassembled, the VGA screen.
    pub text: String,
}
