//! Times the benchmark program on the machines of amlab and on QEMU, in turns, and compares.
//!
//! `cargo run -p tests --release --bin compare_speed -- --repetitions 7`
//!
//! Both execute the same image with the same command line. In each repetition it runs from its beginning to its end
//! on the one and then on the other. A workload's time is host time from the line that tells its beginning to the line
//! that tells its end, as they arrive on COM1. The figures are medians over the repetitions; the ratio is the median of
//! the repetitions' ratios, so that what slows both down at the same time counts least.

#![expect(clippy::disallowed_types, reason = "host time is what this program measures")]

mod clock;
mod figures;
mod qemu;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tests::benchmark::{Transcript, arguments, machine, run_until};
use thiserror::Error;
use workloads::{Run, Workload};

use clock::{Clock, Kind};
use figures::{Comparison, Requirement};
use qemu::Qemu;

/// The benchmark program timed on amlab's machines and on QEMU
#[derive(Debug, Parser)]
struct Arguments {
    /// How often each of the two runs all workloads
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repetitions: u32,
    /// Only this workload; may be given several times
    #[arg(long = "workload", value_name = "NAME", value_parser = workload)]
    workloads: Vec<Workload>,
    /// Turns in percent of the usual number, which takes some tenths of a second on QEMU
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    percent: u32,
    /// Processor time in place of host time: for hosts that are busy with other things
    #[arg(long)]
    processor_time: bool,
    /// The program that QEMU's PC emulator is
    #[arg(long, default_value = "qemu-system-i386")]
    qemu: PathBuf,
}

fn workload(name: &str) -> Result<Workload, String> {
    Workload::from_name(name).ok_or_else(|| {
        let names = Workload::ALL.map(Workload::name).join(", ");
        format!("there are {names}")
    })
}

/// Why there is no comparison.
#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Qemu(#[from] qemu::Failure),
    #[error("this host does not tell the processor time of processes; leave --processor-time out")]
    NoProcessorTime,
    #[error("{which} ran something else than it was asked for:\n{text}")]
    Incomplete {
        /// Which of the two.
        which: &'static str,
        /// What it told.
        text: String,
    },
    #[error("{which}: the result of `{workload}` is wrong:\n{text}")]
    Wrong {
        /// Which of the two.
        which: &'static str,
        /// What it ran.
        workload: &'static str,
        /// What it told.
        text: String,
    },
}

/// A moment on the clock; `None` where the clock fails.
type Stamp = Option<Duration>;

/// Seconds that each workload took.
type Times = BTreeMap<&'static str, f64>;

fn main() -> ExitCode {
    match compare(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("{failure}");
            match failure {
                Failure::Qemu(qemu::Failure::Absent { .. }) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// Runs everything and prints the table; whether all requirements are met.
fn compare(arguments: &Arguments) -> Result<bool, Failure> {
    let qemu = Qemu::find(&arguments.qemu)?;
    println!("{}", qemu.version());
    let kind = if arguments.processor_time {
        Kind::Processor
    } else {
        Kind::Host
    };
    let runs = runs(arguments);
    let mut comparisons: Vec<Comparison> = runs.iter().map(|run| Comparison::new(*run)).collect();
    for repetition in 1..=arguments.repetitions {
        eprintln!("repetition {repetition} of {}", arguments.repetitions);
        let ours = times("amlab", &time_ours(kind, &runs), &runs)?;
        let theirs = times(
            "QEMU",
            &qemu.run(kind, &tests::benchmark::arguments(&runs))?,
            &runs,
        )?;
        for comparison in &mut comparisons {
            let name = comparison.run.workload.name();
            comparison.add(ours[name], theirs[name]);
        }
    }
    println!("{}", Comparison::HEAD);
    for comparison in &comparisons {
        println!("{comparison}");
    }
    println!();
    let mut are_met = true;
    for comparison in &comparisons {
        if let Some(requirement) = Requirement::of(comparison.run.workload) {
            let is_met = requirement.is_met(comparison);
            let verdict = if is_met { "pass" } else { "FAIL" };
            println!("{verdict}  {:<15} {requirement}", comparison.run.workload.name());
            are_met &= is_met;
        }
    }
    Ok(are_met)
}

fn runs(arguments: &Arguments) -> Vec<Run> {
    let is_wanted =
        |workload: &Workload| arguments.workloads.is_empty() || arguments.workloads.contains(workload);
    let wanted = Workload::ALL.into_iter().filter(is_wanted);
    wanted
        .map(|workload| Run {
            workload,
            turns: (figures::turns(workload) / 100 * arguments.percent).max(1),
        })
        .collect()
}

fn time_ours(kind: Kind, runs: &[Run]) -> Transcript<Stamp> {
    let clock = Clock::for_us(kind);
    run_until(&mut machine(&arguments(runs)), &[], |_| clock.now())
}

fn times(which: &'static str, transcript: &Transcript<Stamp>, runs: &[Run]) -> Result<Times, Failure> {
    let outcomes = transcript.outcomes();
    let text = || transcript.text();
    if !outcomes
        .iter()
        .map(|outcome| outcome.run)
        .eq(runs.iter().copied())
    {
        return Err(Failure::Incomplete { which, text: text() });
    }
    let mut times = Times::new();
    for outcome in outcomes {
        let workload = outcome.run.workload.name();
        if !outcome.is_good {
            return Err(Failure::Wrong {
                which,
                workload,
                text: text(),
            });
        }
        let (Some(begin), Some(end)) = (outcome.begin, outcome.end) else {
            return Err(Failure::NoProcessorTime);
        };
        times.insert(workload, end.saturating_sub(begin).as_secs_f64());
    }
    Ok(times)
}
