//! What is to be measured, by the command line.

use super::lab::{Setup, Trial};
use super::series::{Mechanism, Workload};
use crate::command::arguments::MigrationArguments;
use crate::command::bench::rpc::Point;
use crate::command::bench::usage;
use crate::command::failure::Failure;

/// Sizes that are measured unless others are asked for, in Kbytes.
const SIZES: [u32; 5] = [32, 64, 128, 512, 2048];
/// The size whose time is broken down.
const BREAKDOWN_SIZE: u32 = 512;
/// Those of the short form.
const SHORT_SIZES: [u32; 3] = [32, 256, 1024];
/// The seed of the built-in labs.
const SHORT_SEED: u64 = 1995;
/// The smallest process that can be made: code, data and a stack.
const LEAST_KBYTES: u32 = 32;
/// Kbytes of a page, of which a process consists.
const PAGE_KBYTES: u32 = 4;
/// The most Kbytes of all processes together.
const MOST_KBYTES: u32 = 12 << 10;
/// The most processes.
const MOST_SIZES: usize = 20;
/// The most repetitions.
const MOST_REPETITIONS: u32 = 1000;
const WORKLOADS: [Workload; 3] = [Workload::Idle, Workload::Compute, Workload::Rpc];
const MECHANISMS: [Mechanism; 2] = [Mechanism::Kernel, Mechanism::User];

/// What is to be measured.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The lab of the paper, and labs with something else.
    pub(super) setups: Vec<Setup>,
    workloads: Vec<Workload>,
    mechanisms: Vec<Mechanism>,
    repetitions: u32,
    /// Host threads.
    pub(super) threads: usize,
}

/// As many as the host has.
fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Plan {
    /// What the command line asks for.
    pub(super) fn new(arguments: &MigrationArguments) -> Result<Self, Failure> {
        let sizes = match &arguments.kbytes[..] {
            [] if arguments.breakdown => vec![BREAKDOWN_SIZE],
            [] => SIZES.into(),
            sizes => sizes.to_vec(),
        };
        check_sizes(&sizes)?;
        if !(1..=MOST_REPETITIONS).contains(&arguments.repetitions) {
            return Err(usage(format!(
                "--repetitions {}: there are 1 to {MOST_REPETITIONS}",
                arguments.repetitions
            )));
        }
        let setup = |what_if| Setup {
            what_if,
            sizes: sizes.clone(),
            seed: arguments.seed,
            kernel: arguments.common.kernel.clone(),
        };
        let changes = arguments.what_if.iter().copied().map(Some);
        let chosen = |all: usize| if arguments.breakdown { 1 } else { all };
        let or_all = |given: &[Workload]| match given {
            [] => WORKLOADS[..chosen(WORKLOADS.len())].to_vec(),
            given => given.to_vec(),
        };
        Ok(Self {
            setups: [None].into_iter().chain(changes).map(setup).collect(),
            workloads: or_all(&arguments.workload),
            mechanisms: match &arguments.mechanism[..] {
                [] => MECHANISMS[..chosen(MECHANISMS.len())].to_vec(),
                given => given.to_vec(),
            },
            repetitions: arguments.repetitions,
            threads: arguments.common.threads.unwrap_or_else(default_threads),
        })
    }

    /// Three sizes, once each.
    pub(super) fn short() -> Self {
        Self {
            setups: vec![Setup {
                what_if: None,
                sizes: SHORT_SIZES.into(),
                seed: SHORT_SEED,
                kernel: None,
            }],
            workloads: WORKLOADS.into(),
            mechanisms: MECHANISMS.into(),
            repetitions: 1,
            threads: default_threads(),
        }
    }

    /// All series, in their order.
    pub(super) fn series(&self) -> impl Iterator<Item = (Workload, Mechanism)> {
        let with = |workload: &Workload| {
            let workload = *workload;
            self.mechanisms
                .iter()
                .map(move |mechanism| (workload, *mechanism))
        };
        self.workloads.iter().flat_map(with)
    }

    /// For people.
    pub(super) fn describe(&self, job: &Job) -> String {
        match job {
            Job::Trial(setup, trial) if self.setups.len() > 1 => {
                format!("{}, {trial}", self.setups[*setup].name())
            }
            Job::Trial(_, trial) => trial.to_string(),
            Job::Transactions(point) => format!("transactions, {point}"),
        }
    }

    /// All runs, those of busy machines first: they take the longest, and so all threads have something to do to the end.
    pub(super) fn jobs(&self) -> Vec<Job> {
        let mut jobs = vec![
            Job::Transactions(Point::NULL_PAIR),
            Job::Transactions(Point::THROUGHPUT),
        ];
        for setup in 0..self.setups.len() {
            let series: Vec<_> = self.series().collect();
            for (workload, mechanism) in series.into_iter().rev() {
                let job = |repetition| {
                    let trial = Trial {
                        workload,
                        mechanism,
                        repetition,
                    };
                    Job::Trial(setup, trial)
                };
                jobs.extend((1..=self.repetitions).map(job));
            }
        }
        jobs
    }
}

fn check_sizes(sizes: &[u32]) -> Result<(), Failure> {
    if let Some(size) = sizes
        .iter()
        .find(|size| **size < LEAST_KBYTES || !size.is_multiple_of(PAGE_KBYTES))
    {
        return Err(usage(format!(
            "--kbytes {size}: a process has at least {LEAST_KBYTES} Kbytes, in pages of {PAGE_KBYTES}"
        )));
    }
    let sum: u64 = sizes.iter().map(|size| u64::from(*size)).sum();
    if sizes.len() > MOST_SIZES || sum > u64::from(MOST_KBYTES) {
        return Err(usage(format!(
            "--kbytes: there are {MOST_SIZES} sizes at most, {MOST_KBYTES} Kbytes together"
        )));
    }
    let mut sorted = sizes.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(usage(format!("--kbytes: {} is there twice", pair[0]))),
        None => Ok(()),
    }
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Job {
    /// Migrations in the setup of this number.
    Trial(usize, Trial),
    /// Transactions, for comparison.
    Transactions(Point),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_no_process_can_have_are_refused() {
        for sizes in [&[28][..], &[33], &[8192, 8192], &[64, 64], &[12_000, 1000]] {
            assert!(check_sizes(sizes).is_err(), "{sizes:?}");
        }
        assert!(check_sizes(&SIZES).is_ok());
        assert!(check_sizes(&SHORT_SIZES).is_ok());
    }

    #[test]
    fn the_short_form_has_a_run_for_each_series() {
        let plan = Plan::short();
        let series: Vec<_> = plan.series().collect();
        assert_eq!(series.len(), 6);
        let jobs = plan.jobs();
        for (workload, mechanism) in series {
            let trial = Trial {
                workload,
                mechanism,
                repetition: 1,
            };
            assert!(jobs.contains(&Job::Trial(0, trial)));
        }
        assert_eq!(jobs.len(), 8);
    }
}
