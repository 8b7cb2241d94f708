//! The command line of the benchmark program: `run=NAME` and, behind it, `turns=NUMBER`, as often as wished. Without
//! any `run=`, every workload runs its usual number of turns.

use core::fmt;

use crate::definition::Workload;

/// The most runs that one command line may ask for.
pub const LONGEST_PLAN: usize = 32;

/// A workload and its number of turns, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// What.
    pub workload: Workload,
    /// How often.
    pub turns: u32,
}

impl Run {
    fn usual(workload: Workload) -> Run {
        Run {
            workload,
            turns: workload.usual_turns(),
        }
    }
}

/// What to run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    runs: [Run; LONGEST_PLAN],
    length: usize,
}

/// Why a command line is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'line> {
    /// `run=` names no workload.
    UnknownWorkload(&'line str),
    /// `turns=` is no number from 1 to 4294967295.
    Turns(&'line str),
    /// `turns=` without a `run=` in front of it.
    TurnsOfNothing,
    /// Neither `run=` nor `turns=`.
    UnknownWord(&'line str),
    /// More runs than [`LONGEST_PLAN`].
    TooLong,
}

impl Plan {
    /// Reads a command line, whose first word is the program's own name.
    ///
    /// # Errors
    /// The first word that makes no sense.
    pub fn parse(line: &str) -> Result<Plan, Refusal<'_>> {
        let mut plan = Plan {
            runs: [Run::usual(Workload::IntegerMix); LONGEST_PLAN],
            length: 0,
        };
        for word in line.split_ascii_whitespace().skip(1) {
            match word.split_once('=') {
                Some(("run", name)) => {
                    let workload = Workload::from_name(name).ok_or(Refusal::UnknownWorkload(name))?;
                    plan.push(Run::usual(workload))?;
                }
                Some(("turns", number)) => {
                    let turns = number.parse().ok().filter(|turns| *turns > 0);
                    let turns = turns.ok_or(Refusal::Turns(number))?;
                    let last = plan.length.checked_sub(1).ok_or(Refusal::TurnsOfNothing)?;
                    plan.runs[last].turns = turns;
                }
                _ => return Err(Refusal::UnknownWord(word)),
            }
        }
        if plan.length == 0 {
            for workload in Workload::ALL {
                plan.push(Run::usual(workload))?;
            }
        }
        Ok(plan)
    }

    fn push(&mut self, run: Run) -> Result<(), Refusal<'static>> {
        *self.runs.get_mut(self.length).ok_or(Refusal::TooLong)? = run;
        self.length += 1;
        Ok(())
    }

    /// The runs, in order.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs[..self.length]
    }
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::UnknownWorkload(name) => {
                write!(formatter, "no workload `{name}`; there are")?;
                Workload::ALL
                    .iter()
                    .try_for_each(|workload| write!(formatter, " {}", workload.name()))
            }
            Refusal::Turns(number) => write!(formatter, "turns={number} is no number from 1 to {}", u32::MAX),
            Refusal::TurnsOfNothing => formatter.write_str("turns= needs a run= in front of it"),
            Refusal::UnknownWord(word) => {
                write!(formatter, "`{word}` is neither run=WORKLOAD nor turns=NUMBER")
            }
            Refusal::TooLong => write!(formatter, "more than {LONGEST_PLAN} runs"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, Refusal, Run};
    use crate::definition::Workload;
    use std::string::ToString;

    #[test]
    fn without_options_every_workload_runs_as_usual() {
        let plan = Plan::parse("/boot/benchmark").expect("a plan");
        let workloads = plan.runs().iter().map(|run| run.workload);
        assert!(workloads.eq(Workload::ALL));
    }

    #[test]
    fn turns_belong_to_the_run_in_front_of_them() {
        let plan = Plan::parse("benchmark run=crc turns=7 run=sieve").expect("a plan");
        let (workload, turns) = (Workload::Crc, 7);
        assert_eq!(plan.runs()[0], Run { workload, turns });
        assert_eq!(plan.runs()[1], Run::usual(Workload::Sieve));
        assert_eq!(plan.runs().len(), 2);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (line, refusal) in [
            ("benchmark run=crd", Refusal::UnknownWorkload("crd")),
            ("benchmark run=crc turns=0", Refusal::Turns("0")),
            ("benchmark run=crc turns=4294967296", Refusal::Turns("4294967296")),
            ("benchmark turns=1 run=crc", Refusal::TurnsOfNothing),
            ("benchmark run=crc fast", Refusal::UnknownWord("fast")),
        ] {
            assert_eq!(Plan::parse(line), Err(refusal), "{line}");
        }
    }

    #[test]
    fn a_plan_of_33_runs_is_too_long() {
        let line = std::string::String::from("benchmark") + &" run=crc".repeat(33);
        assert_eq!(Plan::parse(&line), Err(Refusal::TooLong));
    }

    #[test]
    fn an_unknown_name_is_answered_with_all_known_ones() {
        let message = Refusal::UnknownWorkload("x").to_string();
        assert!(
            Workload::ALL
                .iter()
                .all(|workload| message.contains(workload.name())),
            "{message}"
        );
    }

    #[test]
    fn every_name_leads_back_to_its_workload() {
        for workload in Workload::ALL {
            assert_eq!(Workload::from_name(workload.name()), Some(workload));
        }
    }
}
