//! Where the time of a measurement goes: for each machine the time of a transaction by kinds of work, and the cable's.

use std::fmt::Write as _;

use clock::{Instant, Span};

use crate::command::seam::Laboratory;
use crate::image::ImageBytes;
use crate::lab::{Boot, Lab};
use crate::profile::{Looks, Profile, Symbols, Work};
use crate::runtime::{Observer, RunEnd};

/// Mean time between two looks at the processors: of a measurement of one second the error of a share is below 0.3 %.
const INTERVAL: Span = Span::from_microseconds(20);
/// Functions that are named.
const FUNCTIONS: usize = 12;

/// An observer that knows when the time that counts has begun and ended.
pub(super) trait Measured: Observer {
    /// When it has begun and, once it has, ended.
    fn stretch(&self) -> (Option<Instant>, Option<Instant>);
}

/// What was seen of a lab.
#[derive(Debug)]
pub(super) struct Breakdown {
    machines: Vec<(String, Profile)>,
    /// How long it was looked at.
    time: Span,
    /// How long cables were busy meanwhile.
    busy: Span,
}

impl Breakdown {
    /// Of the machines of `lab`, whose images these are.
    pub(super) fn new(lab: &Lab, images: &[ImageBytes]) -> Self {
        let machine = |machine: &crate::lab::Machine| {
            let symbols = match &machine.boot {
                Boot::Direct { image, .. } => Symbols::of(&images[*image]),
                Boot::Bios { .. } => Symbols::default(),
            };
            (machine.name.clone(), Profile::new(symbols))
        };
        Self {
            machines: lab.machines.iter().map(machine).collect(),
            time: Span::from_picoseconds(0),
            busy: Span::from_picoseconds(0),
        }
    }

    /// Runs the lab until `limit` or until the observer ends it, and looks at the processors.
    pub(super) fn run(
        &mut self,
        laboratory: &mut dyn Laboratory,
        limit: Instant,
        threads: usize,
        observer: &mut dyn Measured,
    ) {
        let mut looks = Looks::every(INTERVAL);
        let mut at = Instant::START;
        let mut busy_before = None;
        while at < limit {
            at = at + looks.next_span();
            if laboratory.run(at, threads, observer) != RunEnd::Limit {
                break;
            }
            let (Some(begin), None) = observer.stretch() else {
                continue;
            };
            let busy = busy(laboratory);
            self.busy = busy.saturating_sub(*busy_before.get_or_insert(busy));
            self.time = at.since(begin);
            for ((_, profile), seen) in self.machines.iter_mut().zip(laboratory.whereabouts()) {
                profile.count(&seen);
            }
        }
    }

    /// A table for each machine, of the time of one of `count` transactions, each of which takes so many fragments.
    pub(super) fn text(&self, count: u32, fragments: u32) -> String {
        let each = self.time.picoseconds() as f64 / 1e9 / f64::from(count);
        let busy = self.busy.picoseconds() as f64 / 1e9 / f64::from(count);
        let per_fragment = 1000.0 / f64::from(fragments);
        let mut text = String::new();
        for (name, profile) in &self.machines {
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "{name:<24} {:>14} {:>14} {:>7}   of {} looks",
                "ms/transaction",
                "us/fragment",
                "share",
                profile.looks()
            );
            for (work, share) in profile.shares() {
                let time = each * share;
                let percent = 100.0 * share;
                let name = Work::name(work);
                let _ = writeln!(
                    text,
                    "  {name:<22} {time:>14.3} {:>14.1} {percent:>6.1}%",
                    time * per_fragment
                );
            }
            let functions = profile.functions();
            for (function, share) in functions.iter().take(FUNCTIONS) {
                let _ = writeln!(
                    text,
                    "    {function:<56} {:>8.1} {:>6.1}%",
                    each * share * per_fragment,
                    100.0 * share
                );
            }
        }
        let _ = writeln!(
            text,
            "{:<24} {busy:>14.3} {:>14.1} {:>6.1}%",
            "cable busy",
            busy * per_fragment,
            100.0 * busy / each
        );
        let _ = writeln!(text, "{:<24} {each:>14.3} {:>14.1}", "all", each * per_fragment);
        text
    }
}

/// How long all cables were busy.
fn busy(laboratory: &dyn Laboratory) -> Span {
    let segments = laboratory.statistics().segments;
    Span::from_picoseconds(segments.iter().map(|segment| segment.busy_picoseconds).sum())
}
