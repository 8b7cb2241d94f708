//! `amlab run`: plans a run, watches it, and leaves a run folder.

mod counts;
mod echo;
mod expectations;
mod interrupt;
mod pace;
mod plan;
mod progress;
mod report;
mod storm;
mod watcher;

use std::path::Path;

use clock::Instant;

pub(crate) use counts::Counts;
pub(crate) use interrupt::Interrupt;

use self::expectations::Expectations;
use self::pace::Pace;
use self::plan::Plan;
use self::progress::Progress;
use self::report::Report;
use self::watcher::{EndReason, Findings, Setting, Watcher};
use super::arguments::RunArguments;
use super::captures::Captures;
use super::control::{Control, SOCKET, Server};
use super::exit::Exit;
use super::failure::Failure;
use super::seam::{Build, Laboratory};
use super::terminal::{ProgressStyle, Terminal};
use crate::folder::{HostError, Manifest, OutcomeRecord, RunFolder};
use crate::runtime::RunEnd;

/// Where run folders go if `--out` does not say.
pub(crate) const RUNS: &str = "runs";

/// What a run needs from the process.
pub(crate) struct Host<'a> {
    /// How a lab is switched on.
    pub(crate) build: Build<'a>,
    /// The command line, for the manifest.
    pub(crate) flags: &'a [String],
    /// Ctrl-C.
    pub(crate) interrupt: Interrupt,
}

/// `amlab run`; the default lab if `is_default`.
pub(crate) fn run(
    host: &Host,
    arguments: &RunArguments,
    is_default: bool,
    terminal: &mut Terminal,
) -> Result<Exit, Failure> {
    let plan = Plan::new(arguments, is_default, terminal)?;
    let expectations = Expectations::new(&plan.lab).map_err(|message| Failure::Usage {
        code: "run::pattern",
        message: format!("an expectation is no regular expression: {message}"),
    })?;
    let mut laboratory = (host.build)(&plan.lab, &plan.images)?;
    let folder = match &arguments.out {
        Some(path) => RunFolder::create_at(path)?,
        None => RunFolder::create_next(Path::new(RUNS), &plan.lab.name)?,
    };
    super::fault::remember_folder(folder.path());
    let mut manifest = plan.manifest(host.flags);
    manifest.write(&folder)?;
    folder.write("lab.toml", &plan.text)?;
    laboratory
        .keep_overlays(folder.path())
        .map_err(|(file, error)| HostError::new("create", &folder.file(&file), error))?;
    report::announce(&plan, folder.path(), terminal);

    let control = Control::new(&plan.lab, &folder, server(&folder, terminal), plan.is_paused)?;
    let setting = Setting {
        lab: &plan.lab,
        folder: &folder,
        captures: Captures::create(&plan.lab, &plan.captures, &folder)?,
        pace: Pace::start(
            plan.speed,
            plan.end.wall_limit,
            host.interrupt.clone(),
            control.bell(),
            terminal.progress_style(),
        ),
        control,
        terminal,
        end: plan.end,
        is_echoed: &plan.is_echoed,
        expectations,
    };
    let mut watcher = Watcher::new(setting)?;
    let reason = carry_out(laboratory.as_mut(), &plan, &mut watcher);
    let end = laboratory.now();
    let findings = watcher.finish(end, reason, &mut manifest.captures);
    conclude(
        &plan,
        &folder,
        manifest,
        laboratory.as_ref(),
        reason,
        findings,
        terminal,
    )
}

/// The control socket in the run folder. A run without one is a run that cannot be steered, and nothing worse.
fn server(folder: &RunFolder, terminal: &mut Terminal) -> Server {
    let path = folder.file(SOCKET);
    Server::listen(&path).unwrap_or_else(|reason| {
        let path = path.display();
        terminal.warn(&format!(
            "amlab: run::no-socket: this run cannot be steered: cannot listen at {path}: {reason}"
        ));
        Server::deaf()
    })
}

/// Runs to the end. Now and then the watcher leaves the lab, to show how far it is and to do what those want who steer it.
fn carry_out(laboratory: &mut dyn Laboratory, plan: &Plan, watcher: &mut Watcher) -> EndReason {
    let mut progress = Progress::default();
    let mut limit = plan.end.limit;
    let mut kept = None;
    loop {
        if let Some(reason) = watcher.attend(laboratory) {
            let is_asked_for = matches!(reason, EndReason::Interrupted | EndReason::Quit);
            return kept.filter(|_| is_asked_for).unwrap_or(reason);
        }
        let goal = watcher.control().goal();
        let end = laboratory.run(limit.min(goal), plan.threads, watcher);
        let reason = match (watcher.reason(), end) {
            (Some(reason), _) => reason,
            (None, RunEnd::Limit) if goal < limit => {
                watcher.control().reach_goal(laboratory.now());
                continue;
            }
            (None, RunEnd::Limit) if limit == Instant::NEVER => EndReason::Asleep,
            (None, RunEnd::Limit) => watcher.reason_at_limit(),
            (None, RunEnd::AllStopped) => EndReason::AllStopped,
            (None, RunEnd::Observer) if !watcher.take_progress() => continue,
            (None, RunEnd::Observer) => {
                let width = match watcher.terminal().progress_style() {
                    ProgressStyle::BottomLine { width } => Some(width),
                    ProgressStyle::PlainLines | ProgressStyle::Off => None,
                };
                let line = progress.line(&laboratory.statistics(), watcher.elapsed(), width);
                watcher.terminal().progress(&line);
                continue;
            }
        };
        if !plan.is_kept || !reason.is_by_itself() {
            return kept
                .filter(|_| reason == EndReason::Interrupted)
                .unwrap_or(reason);
        }
        kept = kept.or(Some(reason));
        limit = Instant::NEVER;
        watcher.keep(laboratory.now(), reason);
        // Time stands still before the goal, and whoever wanted it is told where.
        watcher.control().reach_goal(laboratory.now());
    }
}

/// Completes the run folder and prints the result.
fn conclude(
    plan: &Plan,
    folder: &RunFolder,
    mut manifest: Manifest,
    laboratory: &dyn Laboratory,
    reason: EndReason,
    findings: Findings,
    terminal: &mut Terminal,
) -> Result<Exit, Failure> {
    let statistics = laboratory.statistics();
    let report = Report {
        plan,
        folder: folder.path(),
        reason,
        end: laboratory.now(),
        elapsed: findings.elapsed,
        watches: findings.expectations.watches(),
        stops: &findings.stops,
        statistics: &statistics,
        trace: trace_text(laboratory.trace_hash()),
    };
    let mut exit = report.exit();
    let table = serde_json::to_string_pretty(&Counts::new(&statistics))
        .expect("statistics hold only texts and numbers");
    let written = [
        folder.write("stats.json", &(table + "\n")),
        folder.write("expect.xml", &report.junit()),
    ];
    let mut troubles: Vec<HostError> = findings
        .trouble
        .into_iter()
        .chain(written.into_iter().filter_map(Result::err))
        .collect();
    let media = laboratory.media_troubles();
    if !troubles.is_empty() || !media.is_empty() {
        exit = exit.max(Exit::HostTrouble);
    }
    manifest.outcome = Some(outcome(&report, exit));
    if let Err(error) = manifest.write(folder) {
        exit = exit.max(Exit::HostTrouble);
        troubles.push(error);
    }
    report.print(exit, terminal);
    for trouble in &troubles {
        terminal.complain(&format!("amlab: host::file: {trouble}"));
    }
    for trouble in &media {
        terminal.complain(&format!("amlab: host::file: {trouble}"));
    }
    Ok(exit)
}

fn outcome(report: &Report, exit: Exit) -> OutcomeRecord {
    OutcomeRecord {
        exit_code: exit.code(),
        reason: report.reason.word().into(),
        virtual_picoseconds: report.end.since(Instant::START).picoseconds(),
        host_seconds: report.elapsed.as_secs_f64(),
        trace: report.trace.clone(),
    }
}

/// A trace hash as it is written everywhere.
pub(crate) fn trace_text(hash: [u8; 32]) -> String {
    format!("b3:{}", blake3::Hash::from_bytes(hash).to_hex())
}

#[cfg(test)]
mod tests;
