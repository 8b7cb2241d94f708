//! The host's clock, for progress, limits and throttling only: nothing here reaches a model.

#![expect(
    clippy::disallowed_types,
    reason = "the one place where the command looks at the host's clock"
)]

use std::time::{Duration, Instant};

/// Host time since a start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostClock(Instant);

impl HostClock {
    /// Starts now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Host time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
