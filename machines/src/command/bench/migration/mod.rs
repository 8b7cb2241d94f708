//! `amlab bench migration`: the experiment of Steketee, Socko and Kiepuszewski.
//!
//! A tour: `plan` says what is to be measured and `lab` writes the lab of one run, in which a process of each size moves once;
//! `watch` makes measurements of what consoles say and what is seen on the cable; `series` and `fit` bring them together; `checks` compares them
//! with what was `published`; `report` and `figure` show it; `breakdown` tells where the time of one migration goes, by its `phases`.

mod breakdown;
mod checks;
mod figure;
mod fit;
pub(super) mod lab;
mod phases;
mod plan;
mod published;
mod report;
mod series;
mod watch;

use clock::{Instant, Span};

pub(crate) use lab::WhatIf;
pub(crate) use published::tolerances;
pub(crate) use series::{Mechanism, Workload};

use self::checks::Context;
use self::lab::{Setup, Trial};
use self::plan::{Job, Plan};
use self::published::Published;
use self::report::{Clock, Report, Results};
use self::series::{Measurement, Series};
use self::watch::Watch;
use super::limits::are_good;
use super::pool;
use super::rpc::Point;
use super::{Forms, conclude};
use crate::command::arguments::MigrationArguments;
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::run::Host;
use crate::command::terminal::{Importance, Terminal};
use crate::command::{images, seam};
use crate::image::ImageBytes;
use crate::lab::{Lab, LabSource};

/// Virtual time in which a lab starts, and that which a migration takes at most, for each process and each Kbyte.
const START: Span = Span::from_seconds(20);
const EACH: Span = Span::from_seconds(10);
const EACH_KBYTE: Span = Span::from_milliseconds(40);

/// `amlab bench migration`.
pub(crate) fn migration(
    host: &Host,
    arguments: &MigrationArguments,
    terminal: &mut Terminal,
) -> Result<Exit, Failure> {
    let plan = Plan::new(arguments)?;
    if arguments.breakdown {
        return tell_breakdowns(host, &plan, terminal);
    }
    let Some((report, exit)) = measure(host, &plan, terminal)? else {
        return Ok(Exit::Interrupted);
    };
    let forms = Forms {
        text: report.text(),
        csv: report.csv(),
        json: report.json(),
        svg: figure::svg(report.default_series(), &report.published),
    };
    forms.deliver("migration", &arguments.common.out, terminal)?;
    Ok(conclude(exit, arguments.no_fail || are_good(&report.checks)))
}

/// The short form for the default run: three sizes, once.
pub(crate) fn short(host: &Host, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let plan = Plan::short();
    let Some((report, exit)) = measure(host, &plan, terminal)? else {
        return Ok(Exit::Interrupted);
    };
    let sizes: Vec<String> = plan.setups[0].sizes.iter().map(u32::to_string).collect();
    let sizes = sizes.join(", ");
    let text = format!(
        "\nprocess migration, {sizes} Kbytes, once each (all of it: amlab bench migration)\n{}{}",
        report.fits(&[Clock::Guest]),
        report.comparison()
    );
    terminal.line(Importance::Detail, text.trim_end());
    Ok(exit)
}

/// What came of a run, or why nothing did.
enum Outcome {
    Trial(Result<Vec<Measurement>, String>),
    Rpc(Result<super::report::Row, String>),
}

/// Carries out all runs; `None` if it was interrupted. A run that failed is told, and gives the exit code.
fn measure(host: &Host, plan: &Plan, terminal: &mut Terminal) -> Result<Option<(Report, Exit)>, Failure> {
    let jobs = plan.jobs();
    let outcomes = pool::carry_out(
        &jobs,
        plan.threads,
        &host.interrupt,
        |job| carry_out(plan, job),
        |done, job| terminal.progress(&format!("{done} of {} runs: {}", jobs.len(), plan.describe(job))),
    );
    terminal.clear_bottom_line();
    let Some(outcomes) = outcomes else {
        return Ok(None);
    };
    let names = plan.setups.iter().map(Setup::name);
    let empty = || {
        plan.series().map(|(workload, mechanism)| Series {
            workload,
            mechanism,
            points: Vec::new(),
        })
    };
    let mut results: Vec<Results> = names
        .map(|name| Results {
            name,
            series: empty().collect(),
        })
        .collect();
    let mut context = Context::default();
    let mut exit = Exit::Good;
    for (job, outcome) in jobs.iter().zip(outcomes) {
        let trouble = match (job, outcome?) {
            (Job::Trial(setup, trial), Outcome::Trial(Ok(points))) => {
                let mut series = results[*setup].series.iter_mut();
                let is_wanted = |series: &&mut Series| {
                    series.workload == trial.workload && series.mechanism == trial.mechanism
                };
                let series = series.find(is_wanted).expect("a series for every run");
                series.points.extend(points);
                continue;
            }
            (Job::Transactions(point), Outcome::Rpc(Ok(row))) => {
                if *point == Point::THROUGHPUT {
                    context.throughput = Some(row.kbytes_per_second);
                } else {
                    context.null_per_second = Some(1000.0 / row.milliseconds);
                }
                continue;
            }
            (_, Outcome::Trial(Err(why)) | Outcome::Rpc(Err(why))) => why,
            (Job::Trial(..), Outcome::Rpc(_)) | (Job::Transactions(_), Outcome::Trial(_)) => {
                unreachable!("a run gives what it is for")
            }
        };
        terminal.complain(&format!("amlab: {}: {trouble}", plan.describe(job)));
        exit = Exit::Missed;
    }
    let published = Published::load();
    let report = Report {
        checks: checks::compare(&published, &results[0].series, &context),
        published,
        seed: plan.setups[0].seed,
        results,
    };
    Ok(Some((report, exit)))
}

fn carry_out(plan: &Plan, job: &Job) -> Result<Outcome, Failure> {
    match job {
        Job::Trial(setup, trial) => Ok(Outcome::Trial(run(&plan.setups[*setup], *trial)?)),
        Job::Transactions(point) => {
            let kernel = plan.setups[0].kernel.as_deref();
            Ok(Outcome::Rpc(super::transactions(point, kernel)?))
        }
    }
}

/// A lab that can be built.
struct Prepared {
    lab: Lab,
    images: Vec<ImageBytes>,
    /// Longer than all its migrations take.
    limit: Instant,
}

fn prepare(setup: &Setup, trial: Trial) -> Result<Prepared, Failure> {
    let name = String::from("bench");
    let source = LabSource::Text {
        name: name.clone(),
        text: trial.lab(setup),
        folder: "".into(),
    };
    let lab = crate::lab::load(source, &[])
        .map_err(|errors| Failure::Lab { name, errors })?
        .lab;
    let images = images::load(&lab)?;
    let kbytes: u32 = setup.sizes.iter().sum();
    let limit = START + EACH * (setup.sizes.len() as u64 + 1) + EACH_KBYTE * u64::from(kbytes);
    Ok(Prepared {
        lab,
        images,
        limit: Instant::START + limit,
    })
}

/// One run: a measurement for each size.
fn run(setup: &Setup, trial: Trial) -> Result<Result<Vec<Measurement>, String>, Failure> {
    let Prepared { lab, images, limit } = prepare(setup, trial)?;
    let mut watch = Watch::default();
    seam::build(&lab, &images)?.run(limit, 1, &mut watch);
    let journeys = watch.journeys(&Trial::processes(setup));
    Ok(journeys.map(|journeys| {
        let sizes = setup.sizes.iter();
        let pairs = journeys.iter().zip(sizes);
        pairs
            .map(|(journey, kbytes)| journey.measurement(*kbytes, trial.repetition))
            .collect()
    }))
}

fn tell_breakdowns(host: &Host, plan: &Plan, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let mut exit = Exit::Good;
    for setup in &plan.setups {
        for (workload, mechanism) in plan.series() {
            if host.interrupt.is_raised() {
                return Ok(Exit::Interrupted);
            }
            let trial = Trial {
                workload,
                mechanism,
                repetition: 1,
            };
            terminal.progress(&format!("{}: {trial}", setup.name()));
            match breakdown::breakdown(setup, trial)? {
                Ok(breakdown) => {
                    let kbytes = setup.sizes.last().copied().unwrap_or_default();
                    let text = breakdown.text(kbytes);
                    terminal.line(Importance::Result, &format!("{}: {text}", setup.name()));
                }
                Err(why) => {
                    terminal.complain(&format!("amlab: {trial}: {why}"));
                    exit = Exit::Missed;
                }
            }
        }
    }
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_outside_its_limits_gives_1_unless_something_worse_has_happened() {
        let good = report::tests::report(300);
        let bad = report::tests::report(20);
        let conclude = |exit, report: &Report| conclude(exit, are_good(&report.checks)).code();
        assert_eq!(conclude(Exit::Good, &good), 0);
        assert_eq!(conclude(Exit::Good, &bad), 1);
        assert_eq!(conclude(Exit::Missed, &good), 1);
        assert_eq!(conclude(Exit::HostTrouble, &bad), 5);
    }
}
