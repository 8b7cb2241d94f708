//! `amlab bench files`: how fast a Bullet server makes, sends and destroys files, beside what was published and beside what
//! transactions of the same lab achieve.
//!
//! A tour: `plan` says what is to be measured and `lab` writes the lab, in which the program `fileperf` measures all sizes with one card; `watch`
//! makes measurements (`series`) of what it says and of its marks on the cable; `published` compares them; `report` and `figure` show them.

mod figure;
mod lab;
mod plan;
mod published;
mod report;
mod series;
mod watch;

use std::fmt;

use clock::{Instant, Span};
use proto::bullet::LARGEST_PIECE;

pub(crate) use published::tolerances;

use self::lab::{DISK_IMAGE, Disk};
use self::plan::Plan;
use self::report::Report;
use self::series::{Measurement, Operation, Series};
use self::watch::Watch;
use super::breakdown::Breakdown;
use super::rpc::{Point, fragments};
use super::{Forms, Prepared, conclude, pool, prepare, transactions};
use crate::command::arguments::{BenchCard, FilesArguments};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::run::Host;
use crate::command::seam;
use crate::command::terminal::{Importance, Terminal};

/// Longer than all measurements with one card take in virtual time.
const LIMIT: Span = Span::from_seconds(3600);

/// `amlab bench files`.
pub(crate) fn files(
    host: &Host,
    arguments: &FilesArguments,
    terminal: &mut Terminal,
) -> Result<Exit, Failure> {
    let plan = Plan::new(arguments)?;
    let threads = arguments.common.threads.unwrap_or(1);
    let disk = Disk::new().map_err(|error| Failure::Build(error.to_string()))?;
    if arguments.breakdown {
        return tell_breakdowns(host, (&plan, &disk), threads, terminal);
    }
    let Some((series, exit)) = measure(host, (&plan, &disk), threads, terminal)? else {
        return Ok(Exit::Interrupted);
    };
    let report = Report::new(series);
    let forms = Forms {
        text: report.text(),
        csv: report.csv(),
        json: report.json(),
        svg: figure::svg(&report),
    };
    forms.deliver("files", &arguments.common.out, terminal)?;
    Ok(conclude(exit, arguments.no_fail || report.is_good()))
}

/// One run.
#[derive(Clone, Copy, Debug)]
enum Job {
    /// Files, with that card.
    Files(BenchCard),
    /// Transactions, for comparison.
    Transactions(Point),
}

impl fmt::Display for Job {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(card) => write!(formatter, "files, {}", card.word()),
            Self::Transactions(point) => write!(formatter, "transactions, {point}"),
        }
    }
}

/// What came of a run, or why nothing did.
enum Outcome {
    Files(Result<Vec<Measurement>, String>),
    Transactions(Result<f64, String>),
}

/// Carries out all runs; `None` if it was interrupted. A run that failed is told, and gives the exit code.
fn measure(
    host: &Host,
    (plan, disk): (&Plan, &Disk),
    threads: usize,
    terminal: &mut Terminal,
) -> Result<Option<(Vec<Series>, Exit)>, Failure> {
    let of_card = |card: &BenchCard| [Job::Files(*card), Job::Transactions(Point::replies(*card))];
    let jobs: Vec<Job> = plan.cards.iter().flat_map(of_card).collect();
    let outcomes = pool::carry_out(
        &jobs,
        threads,
        &host.interrupt,
        |job| carry_out((plan, disk), *job),
        |done, job| terminal.progress(&format!("{done} of {} runs: {job}", jobs.len())),
    );
    terminal.clear_bottom_line();
    let Some(outcomes) = outcomes else {
        return Ok(None);
    };
    let mut all: Vec<Series> = Vec::new();
    let mut exit = Exit::Good;
    for (job, outcome) in jobs.iter().zip(outcomes) {
        let trouble = match (job, outcome?) {
            (Job::Files(card), Outcome::Files(Ok(measurements))) => {
                all.push(Series {
                    card: card.word(),
                    measurements,
                    bench_rpc: None,
                });
                continue;
            }
            (Job::Transactions(point), Outcome::Transactions(Ok(rate))) => {
                let of_card = all.iter_mut().find(|series| Some(series.card) == point.card());
                if let Some(series) = of_card {
                    series.bench_rpc = Some(rate);
                }
                continue;
            }
            (_, Outcome::Files(Err(why)) | Outcome::Transactions(Err(why))) => why,
            (Job::Files(_), Outcome::Transactions(_)) | (Job::Transactions(_), Outcome::Files(_)) => {
                unreachable!("a run gives what it is for")
            }
        };
        terminal.complain(&format!("amlab: {job}: {trouble}"));
        exit = Exit::Missed;
    }
    Ok(Some((all, exit)))
}

fn carry_out((plan, disk): (&Plan, &Disk), job: Job) -> Result<Outcome, Failure> {
    Ok(match job {
        Job::Files(card) => {
            let Prepared { lab, images } = lab_of((plan, disk), card)?;
            let mut watch = Watch::default();
            seam::build(&lab, &images)?.run(Instant::START + LIMIT, 1, &mut watch);
            Outcome::Files(watch.measurements(&plan.sizes))
        }
        Job::Transactions(point) => {
            let row = transactions(&point, plan.kernel.as_deref())?;
            Outcome::Transactions(row.map(|row| row.kbytes_per_second))
        }
    })
}

/// The lab with a card, its disk in its place.
fn lab_of((plan, disk): (&Plan, &Disk), card: BenchCard) -> Result<Prepared, Failure> {
    let mut prepared = prepare(disk.lab(plan, card))?;
    let images = prepared.lab.images.iter().zip(&mut prepared.images);
    for (image, bytes) in images {
        if image.name == DISK_IMAGE {
            *bytes = disk.image.clone();
        }
    }
    Ok(prepared)
}

/// Tells for cached reads of the largest files, and for the same transactions, what machines do meanwhile.
fn tell_breakdowns(
    host: &Host,
    (plan, disk): (&Plan, &Disk),
    threads: usize,
    terminal: &mut Terminal,
) -> Result<Exit, Failure> {
    let Some(bytes) = plan.sizes.iter().max() else {
        return Ok(Exit::Good);
    };
    let alone = Plan {
        sizes: vec![*bytes],
        ..plan.clone()
    };
    let mut exit = Exit::Good;
    for card in &plan.cards {
        for (number, operation) in Operation::ALL.into_iter().enumerate() {
            if !matches!(operation, Operation::Cached | Operation::Transactions) {
                continue;
            }
            if host.interrupt.is_raised() {
                return Ok(Exit::Interrupted);
            }
            let title = format!("{}, {} of {bytes} bytes", card.word(), operation.word());
            terminal.progress(&title);
            let Prepared { lab, images } = lab_of((&alone, disk), *card)?;
            let mut watch = Watch::until(number);
            let mut breakdown = Breakdown::new(&lab, &images);
            let mut laboratory = (host.build)(&lab, &images)?;
            breakdown.run(&mut *laboratory, Instant::START + LIMIT, threads, &mut watch);
            match watch.transactions() {
                Some(count) => {
                    let text = breakdown.text(count, fragments((*bytes).min(LARGEST_PIECE as u32)));
                    terminal.line(Importance::Result, &format!("{title}, for each piece\n{text}"));
                }
                None => {
                    terminal.complain(&format!("amlab: {title}: it did not come so far"));
                    exit = Exit::Missed;
                }
            }
        }
    }
    Ok(exit)
}
