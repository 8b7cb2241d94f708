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
            at = limit.min(at + looks.next_span());
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

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::command::seam;
    use crate::lab::{LabSource, load};
    use crate::runtime::Happening;

    /// Time counts from the beginning on.
    struct Always;

    impl Observer for Always {
        fn window(&mut self, _now: Instant, _happenings: &[Happening]) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
    }

    impl Measured for Always {
        fn stretch(&self) -> (Option<Instant>, Option<Instant>) {
            (Some(Instant::START), None)
        }
    }

    #[test]
    fn looking_changes_nothing_and_sees_what_machines_do() {
        let source = LabSource::Text {
            name: "pair.toml".into(),
            text: include_str!("../../../labs/pair.toml").into(),
            folder: "".into(),
        };
        let lab = load(source, &[]).expect("a good lab file").lab;
        let images = crate::image::load_all(&lab).expect("the built-in kernel");
        let limit = Instant::START + Span::from_milliseconds(200);
        let mut alone = seam::build(&lab, &images).expect("a lab that can be built");
        alone.run(limit, 1, &mut Always);
        let mut watched = seam::build(&lab, &images).expect("a lab that can be built");
        let mut breakdown = Breakdown::new(&lab, &images);
        breakdown.run(&mut *watched, limit, 1, &mut Always);
        assert_eq!(watched.trace_hash(), alone.trace_hash());
        let text = breakdown.text(1, 1);
        for (_, profile) in &breakdown.machines {
            let looks = profile.looks();
            assert!((8000..12_000).contains(&looks), "{looks} in 200 ms");
            let sum: f64 = profile.shares().map(|(_, share)| share).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{sum}");
            let seen: Vec<Work> = profile.shares().map(|(work, _)| work).collect();
            for work in [
                Work::Idle,
                Work::CopyToDevice,
                Work::CopyFromDevice,
                Work::Ports,
                Work::Driver,
            ] {
                assert!(seen.contains(&work), "{work:?}: {text}");
            }
        }
    }
}
