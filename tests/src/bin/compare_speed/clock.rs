//! What times are taken from: the host's clock, or the processor time that a process has used, which a busy host disturbs less.

use std::fs;
use std::path::PathBuf;
use std::process;
use std::time::{Duration, Instant};

/// A clock for one process.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// The host's, since then.
    Host(Instant),
    /// The processor time of all threads of a process, by this folder of Linux's `/proc`.
    Processor(PathBuf),
}

/// Which clock is wished for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Host,
    Processor,
}

impl Clock {
    /// A clock for this process.
    pub(crate) fn for_us(kind: Kind) -> Clock {
        Clock::for_process(kind, process::id())
    }

    /// A clock for the process of that number.
    pub(crate) fn for_process(kind: Kind, number: u32) -> Clock {
        match kind {
            Kind::Host => Clock::Host(Instant::now()),
            Kind::Processor => Clock::Processor(format!("/proc/{number}/task").into()),
        }
    }

    /// Time on this clock; `None` where Linux does not tell the processor time, or the process has ended.
    pub(crate) fn now(&self) -> Option<Duration> {
        match self {
            Clock::Host(start) => Some(start.elapsed()),
            Clock::Processor(threads) => {
                let threads = fs::read_dir(threads).ok()?;
                threads
                    .map(|thread| {
                        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
                        // The first field: nanoseconds on a processor.
                        let nanoseconds = text.split_ascii_whitespace().next()?.parse().ok()?;
                        Some(Duration::from_nanos(nanoseconds))
                    })
                    .sum()
            }
        }
    }
}
