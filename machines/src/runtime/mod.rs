//! The lab runtime: machines in windows of virtual time, cables settled between them.

mod happening;
mod statistics;

pub use happening::{Happening, StopCause, StopReport, What};
pub use statistics::{CardStatistics, MachineStatistics, SegmentStatistics, Statistics};

use std::ops::ControlFlow;

use clock::Instant;

/// Watches a running lab from outside. It cannot change what happens in virtual time, only end the run.
pub trait Observer {
    /// One window has been settled: virtual time has reached `now`, and `happenings` is what took place since the
    /// last call, in time order. `Break` ends the run here.
    fn window(&mut self, now: Instant, happenings: &[Happening]) -> ControlFlow<()>;
}

/// Why [`Runtime::run`](crate::runtime) came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The limit in virtual time was reached.
    Limit,
    /// The observer ended the run.
    Observer,
    /// Every machine has stopped by itself.
    AllStopped,
}
