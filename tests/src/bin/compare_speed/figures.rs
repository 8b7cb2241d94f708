//! What the times mean: figures in the units of each workload, medians, and what is required.

use std::fmt;

use workloads::{Run, Turn, Workload};

/// How many turns of a workload to time: some tenths of a second of QEMU on a PC of the 2020s. All are hundreds.
pub(crate) fn turns(workload: Workload) -> u32 {
    match workload {
        Workload::IntegerMix => 1_500_000,
        Workload::Crc => 4_000,
        Workload::Sieve => 800,
        Workload::Copy => 10_000,
        Workload::Calls => 4_000_000,
        Workload::Pages => 100_000,
        Workload::Interrupt => 2_000_000,
        Workload::RingInterrupt | Workload::RingCall => 1_500_000,
        Workload::Ports => 500_000,
        Workload::Timer => 2_000,
    }
}

/// The unit in which people compare a workload's speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Of instructions a second.
    Millions,
    /// Thousands of millions of bytes a second.
    Gigabytes,
    /// Nanoseconds a turn.
    Nanoseconds,
}

impl Unit {
    fn of(workload: Workload) -> Unit {
        match workload {
            Workload::IntegerMix | Workload::Crc | Workload::Sieve | Workload::Calls => Unit::Millions,
            Workload::Copy => Unit::Gigabytes,
            _ => Unit::Nanoseconds,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Unit::Millions => "million instructions/s",
            Unit::Gigabytes => "GB/s",
            Unit::Nanoseconds => "ns/turn",
        }
    }
}

/// A workload's times on both, in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) run: Run,
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

impl Comparison {
    /// The table's first lines.
    pub(crate) const HEAD: &str = "\n\
        workload              turns       amlab        QEMU  unit                    amlab's speed / QEMU's";

    pub(crate) fn new(run: Run) -> Self {
        Self {
            run,
            ours: Vec::new(),
            theirs: Vec::new(),
        }
    }

    /// Adds the times of one repetition.
    pub(crate) fn add(&mut self, ours: f64, theirs: f64) {
        self.ours.push(ours);
        self.theirs.push(theirs);
    }

    /// Amlab's speed in parts of QEMU's.
    fn ratio(&self) -> f64 {
        let ratios = self
            .ours
            .iter()
            .zip(&self.theirs)
            .map(|(ours, theirs)| theirs / ours);
        median(ratios.collect())
    }

    fn figure(&self, times: &[f64]) -> f64 {
        let seconds_a_turn = median(times.to_vec()) / f64::from(self.run.turns);
        let amount = match self.run.workload.turn() {
            Turn::Instructions(amount) | Turn::Bytes(amount) => f64::from(amount),
            Turn::Event => 1.0,
        };
        match Unit::of(self.run.workload) {
            Unit::Millions => amount / seconds_a_turn / 1e6,
            Unit::Gigabytes => amount / seconds_a_turn / 1e9,
            Unit::Nanoseconds => seconds_a_turn * 1e9,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:<15} {:>11} {:>11.2} {:>11.2}  {:<22} {:>8.2}",
            self.run.workload.name(),
            self.run.turns,
            self.figure(&self.ours),
            self.figure(&self.theirs),
            Unit::of(self.run.workload).name(),
            self.ratio()
        )
    }
}

/// The middle value, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}

/// What a workload's speed must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Requirement {
    /// At least so much of QEMU's speed.
    PartOfQemu(f64),
    /// At least so many GB/s.
    Gigabytes(f64),
    /// At most so many nanoseconds a turn.
    Nanoseconds(f64),
}

impl Requirement {
    /// The requirement of a workload, if it has one: the figures of the best comparable emulators.
    pub(crate) fn of(workload: Workload) -> Option<Requirement> {
        match workload {
            Workload::IntegerMix => Some(Requirement::PartOfQemu(0.35)),
            Workload::Copy => Some(Requirement::Gigabytes(2.5)),
            Workload::Interrupt => Some(Requirement::Nanoseconds(105.0)),
            Workload::RingInterrupt | Workload::RingCall => Some(Requirement::Nanoseconds(150.0)),
            Workload::Pages => Some(Requirement::Nanoseconds(2000.0)),
            _ => None,
        }
    }

    pub(crate) fn is_met(self, comparison: &Comparison) -> bool {
        match self {
            Requirement::PartOfQemu(part) => comparison.ratio() >= part,
            Requirement::Gigabytes(least) => comparison.figure(&comparison.ours) >= least,
            Requirement::Nanoseconds(most) => comparison.figure(&comparison.ours) <= most,
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Requirement::PartOfQemu(part) => write!(formatter, "at least {part:.2} times QEMU"),
            Requirement::Gigabytes(least) => write!(formatter, "at least {least} GB/s"),
            Requirement::Nanoseconds(most) => write!(formatter, "at most {most} ns a turn"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Requirement, median};
    use workloads::{Run, Workload};

    fn comparison(workload: Workload, turns: u32, ours: f64, theirs: f64) -> Comparison {
        let mut comparison = Comparison::new(Run { workload, turns });
        comparison.add(ours, theirs);
        comparison
    }

    #[test]
    fn the_median_is_the_middle_value() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn a_million_turns_of_100_instructions_in_half_a_second_are_200_million_a_second() {
        let comparison = comparison(Workload::IntegerMix, 1_000_000, 0.5, 0.25);
        assert_eq!(comparison.figure(&comparison.ours), 200.0);
        assert_eq!(comparison.ratio(), 0.5);
    }

    #[test]
    fn slowness_counts_against_the_limit_in_nanoseconds() {
        let requirement = Requirement::of(Workload::Interrupt).expect("a requirement");
        assert!(requirement.is_met(&comparison(Workload::Interrupt, 1_000_000, 0.105, 1.0)));
        assert!(!requirement.is_met(&comparison(Workload::Interrupt, 1_000_000, 0.106, 1.0)));
    }

    #[test]
    fn the_ratio_is_taken_within_each_repetition() {
        let mut comparison = comparison(Workload::IntegerMix, 1, 1.0, 0.5);
        comparison.add(10.0, 5.0);
        comparison.add(2.0, 1.0);
        assert_eq!(comparison.ratio(), 0.5);
    }
}
