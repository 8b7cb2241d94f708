//! Times labs of 48 machines with one host thread and with two, in turns, and compares.
//!
//! `cargo run -p tests --release --bin compare_threads`
//!
//! In each repetition the same lab goes on for a span of virtual time with one thread, then for another with two, and then two labs of
//! half as many machines, which have nothing to do with each other, go on side by side, each with one thread. What these gain
//! is what the host's processors have to give: it may be less than twice as much, as they share caches, memory and, on virtual machines,
//! the processor itself with others. The figures are medians over the repetitions; a gain is the median of the repetitions' gains,
//! so that what slows all three down at the same time counts least.

#![expect(clippy::disallowed_types, reason = "host time is what this program measures")]

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use clock::Span;
use machines::runtime::Runtime;
use tests::crowds::Work;
use tests::run_for;

/// Machines of a whole lab.
const MACHINES: usize = 48;

/// Labs of 48 machines timed with one host thread and with two
#[derive(Debug, Parser)]
struct Arguments {
    /// How often each is timed
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    repetitions: u32,
    /// Virtual time of each run of computing machines in milliseconds; idle ones run ten times as long
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    milliseconds: u32,
}

/// What is required of a lab of 48 machines.
struct Requirement {
    work: Work,
    name: &'static str,
    /// Threads with which it must be so fast.
    threads: usize,
    /// Virtual seconds in each second of host time.
    speed: f64,
    /// How much faster two threads must be than one. Of machines that are idle only few have something to do at a time.
    gain: Option<f64>,
}

const REQUIREMENTS: [Requirement; 2] = [
    Requirement {
        work: Work::Idle,
        name: "idle",
        threads: 1,
        speed: 20.0,
        gain: None,
    },
    Requirement {
        work: Work::Computing,
        name: "computing",
        threads: 2,
        speed: 0.5,
        gain: Some(1.7),
    },
];

/// Host time in seconds that a virtual second took in each repetition.
#[derive(Default)]
struct Times {
    one: Vec<f64>,
    two: Vec<f64>,
    apart: Vec<f64>,
}

fn seconds(span: Span, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64() / (span.picoseconds() as f64 / 1e12)
}

fn go_on(runtime: &mut Runtime, span: Span, threads: usize) {
    let _ = run_for(runtime, span, threads);
}

impl Times {
    fn measure(work: Work, span: Span, repetitions: u32) -> Self {
        let mut whole = work.begun(MACHINES);
        let mut halves = [work.begun(MACHINES / 2), work.begun(MACHINES / 2)];
        let mut times = Self::default();
        for _ in 0..repetitions {
            times.one.push(seconds(span, || go_on(&mut whole, span, 1)));
            times.two.push(seconds(span, || go_on(&mut whole, span, 2)));
            times.apart.push(seconds(span, || {
                std::thread::scope(|scope| {
                    for half in &mut halves {
                        scope.spawn(move || go_on(half, span, 1));
                    }
                });
            }));
        }
        times
    }
}

/// # Panics
/// If there is no value.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

fn gain(one: &[f64], other: &[f64]) -> f64 {
    median(one.iter().zip(other).map(|(one, other)| one / other))
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "pass" } else { "FAIL" }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut are_met = true;
    let mut verdicts = String::new();
    println!(
        "{:<22} {:>10} {:>11} {:>14} {:>6} {:>15}",
        "host ms/virtual second", "one thread", "two threads", "two labs apart", "gain", "gain of the two"
    );
    for requirement in REQUIREMENTS {
        let milliseconds = u64::from(arguments.milliseconds);
        let span = Span::from_milliseconds(match requirement.work {
            Work::Idle => 10 * milliseconds,
            Work::Computing => milliseconds,
        });
        let times = Times::measure(requirement.work, span, arguments.repetitions);
        let [one, two, apart] =
            [&times.one, &times.two, &times.apart].map(|times| median(times.iter().copied()));
        let (ours, theirs) = (gain(&times.one, &times.two), gain(&times.one, &times.apart));
        println!(
            "{:<22} {:>10.1} {:>11.1} {:>14.1} {ours:>6.2} {theirs:>15.2}",
            format!("{MACHINES} {}", requirement.name),
            one * 1e3,
            two * 1e3,
            apart * 1e3
        );
        let host = if requirement.threads == 1 { one } else { two };
        let is_fast = 1.0 / host >= requirement.speed;
        verdicts += &format!(
            "{}  {:<9} {:.2} virtual seconds a second with {} thread(s), {} wanted\n",
            verdict(is_fast),
            requirement.name,
            1.0 / host,
            requirement.threads,
            requirement.speed
        );
        are_met &= is_fast;
        if let Some(wanted) = requirement.gain {
            verdicts += &format!(
                "{}  {:<9} {ours:.2} times as fast with two threads, {wanted} wanted\n",
                verdict(ours >= wanted),
                requirement.name
            );
            are_met &= ours >= wanted;
        }
    }
    print!("\n{verdicts}");
    if are_met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
