//! The one alarm that a chip has on its board.

use clock::Instant;

use crate::{Context, Effect};

/// What the chip last asked for, so that it asks again only when the answer changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Alarm {
    at: Instant,
}

impl Alarm {
    pub(crate) const fn none() -> Self {
        Self { at: Instant::NEVER }
    }

    /// Asks to be woken at `at` ([`Instant::NEVER`]: not at all) in place of what was asked before.
    pub(crate) fn set(&mut self, at: Instant, cx: &mut Context<'_>) {
        assert!(at > cx.now(), "an alarm lies in the future");
        if self.at != at {
            self.at = at;
            cx.emit(Effect::Wake(at));
        }
    }

    /// To be called first in a wake-up: an alarm that has rung is no longer on the board's agenda.
    pub(crate) fn ring(&mut self, now: Instant) {
        if self.at <= now {
            self.at = Instant::NEVER;
        }
    }
}
