//! Host time during a run: when to show progress, when to give up, when to wait for real time.

use std::time::Duration;

use clock::Instant;

use super::interrupt::Interrupt;
use crate::command::control::Bell;
use crate::command::host_clock::HostClock;
use crate::command::terminal::ProgressStyle;
use crate::lab::Speed;

/// The longest sleep, so that Ctrl-C is heard.
const LONGEST_NAP: Duration = Duration::from_millis(50);
/// Shorter naps are saved up.
const SHORTEST_NAP: Duration = Duration::from_millis(1);

/// What the host's clock asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Go on.
    GoOn,
    /// It is time to show progress.
    Progress,
    /// Someone wants to steer the lab.
    Orders,
    /// The host time limit has run out.
    WallLimit,
    /// Ctrl-C.
    Interrupted,
}

/// Host time during a run.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    clock: HostClock,
    speed: Speed,
    wall_limit: Option<Duration>,
    interrupt: Interrupt,
    bell: Bell,
    /// Host time in which virtual time stood still.
    paused: Duration,
    style: ProgressStyle,
    next_progress: Duration,
}

impl Pace {
    /// Starts now.
    pub(crate) fn start(
        speed: Speed,
        wall_limit: Option<Duration>,
        interrupt: Interrupt,
        bell: Bell,
        style: ProgressStyle,
    ) -> Self {
        Self {
            clock: HostClock::start(),
            speed,
            wall_limit,
            interrupt,
            bell,
            paused: Duration::ZERO,
            style,
            next_progress: Duration::from_secs(1),
        }
    }

    /// Host time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Virtual time has reached `now`: waits for real time if asked to, and says what is due.
    pub(crate) fn reached(&mut self, now: Instant) -> Call {
        loop {
            let elapsed = self.clock.elapsed();
            if self.interrupt.is_raised() {
                return Call::Interrupted;
            }
            if self.wall_limit.is_some_and(|limit| elapsed >= limit) {
                return Call::WallLimit;
            }
            if self.style != ProgressStyle::Off && elapsed >= self.next_progress {
                self.next_progress = next_progress(self.style, elapsed);
                return Call::Progress;
            }
            if self.bell.is_ringing() {
                return Call::Orders;
            }
            let nap = nap(now, elapsed.saturating_sub(self.paused), self.speed);
            if nap < SHORTEST_NAP {
                return Call::GoOn;
            }
            self.bell.wait(nap.min(LONGEST_NAP));
        }
    }

    /// Waits, while virtual time stands still, for an order or something else that is due.
    pub(crate) fn stand_still(&mut self) -> Call {
        let since = self.clock.elapsed();
        let call = loop {
            if self.interrupt.is_raised() {
                break Call::Interrupted;
            }
            if self.wall_limit.is_some_and(|limit| self.clock.elapsed() >= limit) {
                break Call::WallLimit;
            }
            if self.bell.is_ringing() {
                break Call::Orders;
            }
            self.bell.wait(LONGEST_NAP);
        };
        self.paused += self.clock.elapsed().saturating_sub(since);
        call
    }
}

/// How long virtual time has to wait for the host's.
fn nap(now: Instant, elapsed: Duration, speed: Speed) -> Duration {
    let Speed::Thousandths(thousandths) = speed else {
        return Duration::ZERO;
    };
    let due = u128::from(now.nanoseconds()) * 1000 / u128::from(thousandths.max(1));
    Duration::from_nanos(u64::try_from(due).unwrap_or(u64::MAX)).saturating_sub(elapsed)
}

/// On a terminal every second; elsewhere after 1, 2, 5, 10, 20, 50, 100, ... seconds.
fn next_progress(style: ProgressStyle, elapsed: Duration) -> Duration {
    if matches!(style, ProgressStyle::BottomLine { .. }) {
        return Duration::from_secs(elapsed.as_secs() + 1);
    }
    let mut decade = 1;
    loop {
        for step in [1, 2, 5] {
            let next = Duration::from_secs(decade * step);
            if next > elapsed {
                return next;
            }
        }
        decade *= 10;
    }
}

#[cfg(test)]
mod tests {
    use clock::Span;

    use super::*;

    #[test]
    fn plain_progress_lines_come_at_growing_intervals() {
        let mut elapsed = Duration::ZERO;
        let times: Vec<u64> = std::iter::repeat_with(|| {
            elapsed = next_progress(ProgressStyle::PlainLines, elapsed);
            elapsed.as_secs()
        })
        .take(8)
        .collect();
        assert_eq!(times, [1, 2, 5, 10, 20, 50, 100, 200]);
    }

    #[test]
    fn half_speed_waits_twice_as_long() {
        let now = Instant::START + Span::from_seconds(3);
        assert_eq!(
            nap(now, Duration::from_secs(1), Speed::Thousandths(500)),
            Duration::from_secs(5)
        );
        assert_eq!(
            nap(now, Duration::from_secs(7), Speed::Thousandths(500)),
            Duration::ZERO
        );
        assert_eq!(nap(now, Duration::ZERO, Speed::Max), Duration::ZERO);
    }

    #[test]
    fn an_interruption_is_heard_during_a_long_wait() {
        let interrupt = Interrupt::default();
        interrupt.raise();
        let speed = Speed::Thousandths(1000);
        let mut pace = Pace::start(speed, None, interrupt, Bell::silent(), ProgressStyle::Off);
        assert_eq!(
            pace.reached(Instant::START + Span::from_seconds(3600)),
            Call::Interrupted
        );
    }

    #[test]
    fn the_host_time_limit_runs_out() {
        let limit = Some(Duration::ZERO);
        let interrupt = Interrupt::default();
        let mut pace = Pace::start(Speed::Max, limit, interrupt, Bell::silent(), ProgressStyle::Off);
        assert_eq!(pace.reached(Instant::START), Call::WallLimit);
    }
}
