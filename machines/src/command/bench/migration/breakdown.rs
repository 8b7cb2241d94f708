//! Where the time of one migration goes: its phases, and what processors and cable do in each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clock::{Instant, Span};

use super::lab::{STATIONS, Setup, Trial};
use super::phases::{MEMORY, Phase, contents, phases};
use super::watch::{Journey, Watch, busy};
use super::{Prepared, prepare};
use crate::command::failure::Failure;
use crate::lab::{Boot, Lab};
use crate::profile::{Looks, Profile, Symbols, Work};
use crate::runtime::{Happening, Observer, RunEnd};

/// Mean time between two looks at the processors.
const INTERVAL: Span = Span::from_microseconds(20);

/// What was seen of one migration.
#[derive(Debug)]
pub(super) struct Breakdown {
    title: String,
    journey: Journey,
    phases: Vec<Phase>,
    /// By phase, then machine.
    profiles: Vec<Vec<Profile>>,
}

/// Nobody watches: it has been seen before.
struct Unwatched;

impl Observer for Unwatched {
    fn window(&mut self, _now: Instant, _happenings: &[Happening]) -> std::ops::ControlFlow<()> {
        std::ops::ControlFlow::Continue(())
    }
}

/// Runs the lab twice: first to see when each phase begins, then with looks at the processors, which change nothing. Of several
/// sizes the last counts. Inside it says why there is nothing to tell.
pub(super) fn breakdown(setup: &Setup, trial: Trial) -> Result<Result<Breakdown, String>, Failure> {
    let Prepared { lab, images, limit } = prepare(setup, trial)?;
    let build = || crate::command::seam::build(&lab, &images);
    let mut watch = Watch::default();
    build()?.run(limit, 1, &mut watch);
    let journey = match watch.journeys(&Trial::processes(setup)) {
        Ok(mut journeys) => journeys.pop().expect("a process besides the first"),
        Err(why) => return Ok(Err(why)),
    };
    let phases = phases(&journey);
    let mut profiles: Vec<Vec<Profile>> = phases.iter().map(|_| machines(&lab, &images)).collect();
    let mut laboratory = build()?;
    let mut looks = Looks::every(INTERVAL);
    let mut at = journey.begin;
    while at < journey.end && laboratory.run(at, 1, &mut Unwatched) == RunEnd::Limit {
        let phase = phases.iter().rposition(|phase| phase.begin <= at).unwrap_or(0);
        for (profile, seen) in profiles[phase].iter_mut().zip(laboratory.whereabouts()) {
            profile.count(&seen);
        }
        at += looks.next_span();
    }
    Ok(Ok(Breakdown {
        title: format!(
            "one migration of {} Kbytes, {} source, {} level",
            setup.sizes.last().copied().unwrap_or_default(),
            trial.workload.word(),
            trial.mechanism.word()
        ),
        journey,
        phases,
        profiles,
    }))
}

fn machines(lab: &Lab, images: &[crate::image::ImageBytes]) -> Vec<Profile> {
    let symbols = |machine: &crate::lab::Machine| match &machine.boot {
        Boot::Direct { image, .. } => Symbols::of(&images[*image]),
        Boot::Bios { .. } => Symbols::default(),
    };
    lab.machines
        .iter()
        .map(|machine| Profile::new(symbols(machine)))
        .collect()
}

fn milliseconds(span: Span) -> f64 {
    span.picoseconds() as f64 / 1e9
}

/// The machines that are told of: all but the server.
const TOLD: std::ops::Range<usize> = 1..STATIONS.len();

impl Breakdown {
    /// Tables of it.
    pub(super) fn text(&self, kbytes: u32) -> String {
        let all = milliseconds(self.journey.end.since(self.journey.begin));
        let mut text = format!(
            "{}: {all:.3} ms (guest's clock: {} ms), {} frames\n",
            self.title,
            self.journey.guest,
            self.journey.frames.len()
        );
        self.add_phases(&mut text, all);
        let memory: Vec<usize> = self.places(|phase| phase.name == MEMORY);
        let others: Vec<usize> = self.places(|phase| phase.name != MEMORY);
        let (fragments, bytes) = contents(&self.journey);
        let span: f64 = memory.iter().map(|place| self.length(*place)).sum();
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "\n{MEMORY}: {fragments} fragments, {bytes} bytes; us for each fragment, {:.3} ms for each Kbyte of the process",
            span / f64::from(kbytes)
        );
        self.add_works(&mut text, &memory, 1000.0 / f64::from(fragments.max(1)));
        let _ = writeln!(text, "\neverything else: ms");
        self.add_works(&mut text, &others, 1.0);
        text
    }

    fn places(&self, is_wanted: impl Fn(&Phase) -> bool) -> Vec<usize> {
        (0..self.phases.len())
            .filter(|place| is_wanted(&self.phases[*place]))
            .collect()
    }

    /// Milliseconds of a phase.
    fn length(&self, place: usize) -> f64 {
        let phase = &self.phases[place];
        milliseconds(phase.end.since(phase.begin))
    }

    /// A line for each phase: how long it takes, and how much of that machines and cable are busy.
    fn add_phases(&self, text: &mut String, all: f64) {
        // Writing to a text cannot fail.
        let _ = write!(text, "{:<28} {:>10} {:>7}", "phase", "ms", "share");
        for (name, _) in &STATIONS[TOLD] {
            let _ = write!(text, " {name:>12}");
        }
        let _ = writeln!(text, " {:>8}   (busy ms)", "cable");
        for (place, phase) in self.phases.iter().enumerate() {
            let length = self.length(place);
            let _ = write!(
                text,
                "{:<28} {length:>10.3} {:>6.1}%",
                phase.name,
                100.0 * length / all
            );
            for profile in &self.profiles[place][TOLD] {
                let idle: f64 = profile
                    .shares()
                    .filter_map(|(work, share)| (work == Work::Idle).then_some(share))
                    .sum();
                let _ = write!(
                    text,
                    " {:>12.3}",
                    if profile.looks() > 0 {
                        length * (1.0 - idle)
                    } else {
                        0.0
                    }
                );
            }
            let cable = milliseconds(busy(&self.journey.frames, phase.begin, phase.end));
            let _ = writeln!(text, " {cable:>8.3}");
        }
    }

    /// A line for each kind of work in these phases: the time of each machine, times `unit`.
    fn add_works(&self, text: &mut String, places: &[usize], unit: f64) {
        let mut works: BTreeMap<Work, [f64; STATIONS.len()]> = BTreeMap::new();
        for place in places {
            let length = self.length(*place);
            for (machine, profile) in self.profiles[*place].iter().enumerate() {
                for (work, share) in profile.shares() {
                    works.entry(work).or_default()[machine] += length * share;
                }
            }
        }
        // Writing to a text cannot fail.
        let _ = write!(text, "{:<28}", "work");
        for (name, _) in &STATIONS[TOLD] {
            let _ = write!(text, " {name:>12}");
        }
        text.push('\n');
        for (work, times) in works {
            let _ = write!(text, "{:<28}", work.name());
            for time in &times[TOLD] {
                let _ = write!(text, " {:>12.3}", time * unit);
            }
            text.push('\n');
        }
        let cable: f64 = places
            .iter()
            .map(|place| &self.phases[*place])
            .map(|phase| milliseconds(busy(&self.journey.frames, phase.begin, phase.end)))
            .sum();
        let all: f64 = places.iter().map(|place| self.length(*place)).sum();
        let _ = writeln!(text, "{:<28} {:>12.3}", "cable busy", cable * unit);
        let _ = writeln!(text, "{:<28} {:>12.3}", "all", all * unit);
    }
}
