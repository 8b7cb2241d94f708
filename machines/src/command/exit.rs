//! Exit codes, and which one wins when several apply.

/// How a command ended, by exit code.
///
/// When several apply, the one that comes later in the order of declaration wins: a fault in amlab puts everything
/// else in doubt, host trouble means that the run folder may not be whole, an interruption means that the rest was
/// never tried; then come a difference between runs, a guest that stopped, a missed expectation and a time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Good.
    Good,
    /// A virtual or host time limit ran out.
    TimeLimit,
    /// An expectation was missed.
    Missed,
    /// A guest stopped by itself.
    GuestStopped,
    /// Two runs that should be equal differ.
    Differs,
    /// Interrupted.
    Interrupted,
    /// Bad command line or bad lab file; nothing was run.
    BadInput,
    /// A host file or device failed.
    HostTrouble,
    /// A fault in amlab itself.
    OwnFault,
}

impl Exit {
    /// What the operating system gets.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Missed => 1,
            Self::BadInput => 2,
            Self::GuestStopped => 3,
            Self::TimeLimit => 4,
            Self::HostTrouble => 5,
            Self::Differs => 6,
            Self::OwnFault => 70,
            Self::Interrupted => 130,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_trouble_outranks_an_interruption_because_the_folder_may_not_be_whole() {
        assert_eq!(Exit::Interrupted.max(Exit::HostTrouble).code(), 5);
    }

    #[test]
    fn a_guest_stop_outranks_a_missed_expectation_and_that_a_time_limit() {
        assert_eq!(Exit::Missed.max(Exit::GuestStopped).code(), 3);
        assert_eq!(Exit::TimeLimit.max(Exit::Missed).code(), 1);
    }
}
