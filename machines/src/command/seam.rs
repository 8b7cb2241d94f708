//! A running lab as the command sees it: the runtime, or in tests a stage that plays a script.

use std::sync::Arc;

use clock::Instant;

use crate::lab::Lab;
use crate::runtime::{BuildError, Observer, RunEnd, Runtime, Statistics};

/// A lab that runs.
pub(crate) trait Laboratory {
    /// Runs until `limit` or until the observer ends it. Called again it goes on as if it had never been left: the
    /// command leaves and returns to print progress.
    fn run(&mut self, limit: Instant, threads: usize, observer: &mut dyn Observer) -> RunEnd;
    /// Virtual time reached.
    fn now(&self) -> Instant;
    /// What was counted so far.
    fn statistics(&self) -> Statistics;
    /// The trace hash so far.
    fn trace_hash(&self) -> [u8; 32];
}

/// Switches a lab on; the bytes of its images in the order of the lab.
pub(crate) type Build<'a> = &'a dyn Fn(&Lab, &[Arc<[u8]>]) -> Result<Box<dyn Laboratory>, BuildError>;

/// The real thing.
pub(crate) fn build(lab: &Lab, images: &[Arc<[u8]>]) -> Result<Box<dyn Laboratory>, BuildError> {
    Ok(Box::new(Runtime::build(lab, images)?))
}

impl Laboratory for Runtime {
    fn run(&mut self, limit: Instant, threads: usize, observer: &mut dyn Observer) -> RunEnd {
        Self::run(self, limit, threads, observer)
    }

    fn now(&self) -> Instant {
        Self::now(self)
    }

    fn statistics(&self) -> Statistics {
        Self::statistics(self)
    }

    fn trace_hash(&self) -> [u8; 32] {
        Self::trace_hash(self)
    }
}
