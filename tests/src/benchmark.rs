//! The benchmark program (`builtin:benchmark`) on a machine, and what it tells.
//!
//! Whoever wants to time it gives a clock, so that none is needed here: every character is stamped with what the clock
//! says when the host sees it.

use std::ops::ControlFlow;
use std::sync::Arc;

use clock::Instant;
use machines::lab::Lab;
use machines::runtime::{Happening, Observer, Runtime, What};
use workloads::{Run, Workload};

/// A 386/40 PC with an external cache and no card that runs the benchmark program with these arguments.
///
/// # Panics
/// If `arguments` holds a quotation mark.
#[must_use]
pub fn lab(arguments: &str) -> Lab {
    crate::lab(&format!(
        r#"
format = 1
[lab]
name = "benchmark"
seed = 1
[image.benchmark]
path = "builtin:benchmark"
[machine.pc]
memory = "4MB"
cpu = {{ model = "386dx", clock = "40MHz" }}
boot = {{ from = "direct", image = "benchmark", args = "{arguments}" }}
"#
    ))
}

/// The machine of [`lab`].
///
/// # Panics
/// As there.
#[must_use]
pub fn machine(arguments: &str) -> Runtime {
    crate::runtime(&lab(arguments), &[Arc::from(image())])
}

/// The benchmark program.
///
/// # Panics
/// If `amlab` has no such image.
#[must_use]
pub fn image() -> &'static [u8] {
    machines::image::builtin("benchmark").expect("the benchmark program is part of amlab")
}

/// The arguments that ask for `runs`.
#[must_use]
pub fn arguments(runs: &[Run]) -> String {
    let words = runs
        .iter()
        .map(|run| format!("run={} turns={}", run.workload.name(), run.turns));
    words.collect::<Vec<_>>().join(" ")
}

/// What the program has told so far, with stamps.
#[derive(Clone, Debug)]
pub struct Transcript<Stamp> {
    lines: Vec<Line<Stamp>>,
    under_way: Option<Line<Stamp>>,
}

/// A line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<Stamp> {
    /// Without its end.
    pub text: String,
    /// When its first character was seen.
    pub first: Stamp,
    /// When its last character was seen.
    pub last: Stamp,
}

/// A workload that has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome<Stamp> {
    /// Which, and how often.
    pub run: Run,
    /// When its beginning was told.
    pub begin: Stamp,
    /// When its end was told.
    pub end: Stamp,
    /// What came out.
    pub result: u32,
    /// Whether the program found its result right.
    pub is_good: bool,
}

impl<Stamp> Default for Transcript<Stamp> {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            under_way: None,
        }
    }
}

impl<Stamp: Copy> Transcript<Stamp> {
    /// Takes a character that was seen at `stamp`.
    pub fn take(&mut self, byte: u8, stamp: Stamp) {
        if byte == b'\n' {
            self.lines.extend(self.under_way.take());
            return;
        }
        let line = self.under_way.get_or_insert_with(|| Line {
            text: String::new(),
            first: stamp,
            last: stamp,
        });
        line.last = stamp;
        if byte != b'\r' {
            line.text.push(char::from(byte));
        }
    }

    /// The whole lines.
    #[must_use]
    pub fn lines(&self) -> &[Line<Stamp>] {
        &self.lines
    }

    /// All text.
    #[must_use]
    pub fn text(&self) -> String {
        let lines = self.lines.iter().chain(&self.under_way);
        lines.map(|line| format!("{}\n", line.text)).collect()
    }

    /// Whether a line begins with `words`.
    #[must_use]
    pub fn tells(&self, words: &str) -> bool {
        self.lines.iter().any(|line| line.text.starts_with(words))
    }

    /// Whether the program has come to its end, good or bad.
    #[must_use]
    pub fn is_over(&self) -> bool {
        ["done", "refused", "stopped", "panic"]
            .iter()
            .any(|end| self.tells(&format!("benchmark {end}")))
    }

    /// The workloads that have run, in order.
    #[must_use]
    pub fn outcomes(&self) -> Vec<Outcome<Stamp>> {
        self.lines.windows(3).filter_map(outcome_of).collect()
    }
}

/// The outcome that three lines tell, if they are those of one workload.
fn outcome_of<Stamp: Copy>(lines: &[Line<Stamp>]) -> Option<Outcome<Stamp>> {
    let [begin, end, verdict] = lines else {
        return None;
    };
    let (name, turns) = begin.text.strip_prefix("begin ")?.split_once(' ')?;
    let (ended, result) = end.text.strip_prefix("end ")?.split_once(' ')?;
    if ended != name {
        return None;
    }
    Some(Outcome {
        run: Run {
            workload: Workload::from_name(name)?,
            turns: turns.parse().ok()?,
        },
        begin: begin.last,
        end: end.first,
        result: u32::from_str_radix(result, 16).ok()?,
        is_good: verdict.text == format!("good {name}"),
    })
}

/// Lets the program run until a line begins with one of `words`, or until the machine has stopped; `clock` gives the stamps, from
/// the instants at which the characters left the machine.
pub fn run_until<Stamp: Copy>(
    runtime: &mut Runtime,
    words: &[&str],
    clock: impl FnMut(Instant) -> Stamp,
) -> Transcript<Stamp> {
    let mut watch = Watch {
        transcript: Transcript::default(),
        words,
        clock,
    };
    let _ = runtime.run(Instant::NEVER, 1, &mut watch);
    watch.transcript
}

struct Watch<'words, Stamp, Clock> {
    transcript: Transcript<Stamp>,
    words: &'words [&'words str],
    clock: Clock,
}

impl<Stamp: Copy, Clock: FnMut(Instant) -> Stamp> Observer for Watch<'_, Stamp, Clock> {
    fn window(&mut self, _now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        let lines = self.transcript.lines.len();
        for happening in happenings {
            if let What::Console { byte, .. } = happening.what {
                let stamp = (self.clock)(happening.at);
                self.transcript.take(byte, stamp);
            }
        }
        let fresh = &self.transcript.lines[lines..];
        let is_met = |line: &Line<Stamp>| self.words.iter().any(|words| line.text.starts_with(words));
        if fresh.iter().any(is_met) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Transcript;
    use workloads::{Run, Workload};

    fn transcript(text: &str) -> Transcript<usize> {
        let mut transcript = Transcript::default();
        for (stamp, byte) in text.bytes().enumerate() {
            transcript.take(byte, stamp);
        }
        transcript
    }

    #[test]
    fn a_workload_lasts_from_the_last_character_of_its_beginning_to_the_first_of_its_end() {
        let outcomes = transcript("begin crc 10\r\nend crc 0000abcd\r\ngood crc\r\n").outcomes();
        assert_eq!(outcomes.len(), 1);
        let outcome = outcomes[0];
        let (workload, turns) = (Workload::Crc, 10);
        assert_eq!(outcome.run, Run { workload, turns });
        assert_eq!((outcome.begin, outcome.end), (12, 14));
        assert_eq!((outcome.result, outcome.is_good), (0xabcd, true));
    }

    #[test]
    fn a_verdict_other_than_good_is_bad() {
        let outcomes = transcript("begin crc 1\nend crc 1\nbad crc: 2 is right\n").outcomes();
        assert!(!outcomes[0].is_good);
    }

    #[test]
    fn the_end_of_another_workload_is_no_outcome() {
        assert_eq!(
            transcript("begin crc 1\nend sieve 1\ngood sieve\n").outcomes(),
            []
        );
    }

    #[test]
    fn a_line_counts_once_it_is_whole() {
        assert!(!transcript("benchmark done: 1 good, 0 bad").is_over());
        assert!(transcript("benchmark done: 1 good, 0 bad\n").is_over());
    }
}
