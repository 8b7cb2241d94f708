//! What a run is going to be: the lab, what the command line makes of it, and when it ends.

use std::path::PathBuf;
use std::time::Duration;

use clock::{Instant, Span};

use crate::command::arguments::RunArguments;
use crate::command::captures::{self, CapturePlan};
use crate::command::failure::Failure;
use crate::command::terminal::Terminal;
use crate::command::{describe, images, timing};
use crate::folder::{HostRecord, LabRecord, Manifest};
use crate::image::ImageBytes;
use crate::lab::{self, Lab, LabSource, Loaded, Speed};

/// When a run ends, besides by itself or by Ctrl-C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndRule {
    /// Virtual time, [`Instant::NEVER`] for none.
    pub(crate) limit: Instant,
    /// End when every expectation is decided.
    pub(crate) is_until_expected: bool,
    /// Host time.
    pub(crate) wall_limit: Option<Duration>,
}

/// A run, planned and not begun.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The lab, seed replaced.
    pub(crate) lab: Lab,
    /// The lab file, byte for byte.
    pub(crate) text: String,
    /// What it is called, and where its relative paths start.
    pub(crate) source: (String, PathBuf),
    /// `--set`.
    pub(crate) overrides: Vec<String>,
    /// Every image, in the order of the lab.
    pub(crate) images: Vec<ImageBytes>,
    /// When it ends.
    pub(crate) end: EndRule,
    /// How fast virtual time may pass.
    pub(crate) speed: Speed,
    /// Host threads.
    pub(crate) threads: usize,
    /// Whose console goes to the terminal, in the order of the lab.
    pub(crate) is_echoed: Vec<bool>,
    /// It stays up when it has come to its end.
    pub(crate) is_kept: bool,
    /// It begins paused.
    pub(crate) is_paused: bool,
    /// Captures.
    pub(crate) captures: Vec<CapturePlan>,
    /// Timing constants whose value is a placeholder.
    pub(crate) placeholders: usize,
}

impl Plan {
    /// Reads everything that the run needs; nothing is written yet.
    pub(crate) fn new(
        arguments: &RunArguments,
        is_default: bool,
        terminal: &mut Terminal,
    ) -> Result<Self, Failure> {
        let source = if is_default {
            LabSource::builtin()
        } else {
            LabSource::File(arguments.lab.clone())
        };
        let named = (describe::source_name(&source), source_folder(&source));
        let Loaded { mut lab, text, .. } = describe::load(source, &arguments.overrides.set, terminal)?;
        lab.seed = arguments.seed.unwrap_or(lab.seed);
        Ok(Self {
            end: end_rule(&lab, arguments, is_default)?,
            is_echoed: echoes(&lab, &arguments.console)?,
            captures: captures::plan(&lab, &arguments.capture)?,
            images: images::load(&lab)?,
            speed: arguments.speed.unwrap_or(lab.speed),
            threads: arguments.threads.unwrap_or_else(|| default_threads(&lab)),
            placeholders: timing::placeholders(&lab),
            is_kept: arguments.keep,
            is_paused: arguments.paused,
            overrides: arguments.overrides.set.clone(),
            text,
            source: named,
            lab,
        })
    }

    /// The manifest as it stands before the run.
    pub(crate) fn manifest(&self, flags: &[String]) -> Manifest {
        let (source, folder) = self.source.clone();
        Manifest {
            format: Manifest::FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            lab: LabRecord {
                name: self.lab.name.clone(),
                source,
                folder,
                overrides: self.overrides.clone(),
                resolved: lab::show(&self.lab),
            },
            images: images::records(&self.lab, &self.images),
            seed: self.lab.seed,
            threads: self.threads,
            flags: flags.to_vec(),
            environment: environment(),
            host: HostRecord {
                os: std::env::consts::OS.into(),
                arch: std::env::consts::ARCH.into(),
            },
            placeholder_timing_constants: self.placeholders,
            captures: self
                .captures
                .iter()
                .map(|plan| captures::record(&self.lab, plan))
                .collect(),
            outcome: None,
        }
    }
}

/// The variables that amlab reads.
fn environment() -> Vec<String> {
    let mut settings: Vec<String> = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
        .filter(|(name, _)| name.starts_with("AMLAB_"))
        .map(|(name, value)| format!("{name}={}", value.to_string_lossy()))
        .collect();
    settings.sort();
    settings
}

/// Absolute, so that the run can be repeated from anywhere.
fn source_folder(source: &LabSource) -> PathBuf {
    let folder = match source {
        LabSource::File(path) => path.parent().map(PathBuf::from).unwrap_or_default(),
        LabSource::Text { folder, .. } => folder.clone(),
    };
    match folder.as_os_str().is_empty() {
        true => std::env::current_dir().unwrap_or(folder),
        false => std::path::absolute(&folder).unwrap_or(folder),
    }
}

fn end_rule(lab: &Lab, arguments: &RunArguments, is_default: bool) -> Result<EndRule, Failure> {
    let until_expected = arguments.until_expected || is_default;
    if until_expected && lab.expectations.is_empty() {
        return Err(Failure::Usage {
            code: "run::nothing-expected",
            message: format!(
                "--until-expected: lab {} has no [[expect]]; add one, or end the run with --until",
                lab.name
            ),
        });
    }
    let end = arguments.until.or(lab.stop);
    let is_until_expected = until_expected || (end.is_none() && !lab.expectations.is_empty());
    let last_deadline = last_deadline(lab).filter(|_| is_until_expected);
    let limit = [end, last_deadline].into_iter().flatten().min();
    Ok(EndRule {
        limit: limit.map_or(Instant::NEVER, |span| Instant::START + span),
        is_until_expected,
        wall_limit: arguments
            .wall_limit
            .map(|span| Duration::from_nanos(span.nanoseconds())),
    })
}

/// When everything that is waited for is decided at the latest.
fn last_deadline(lab: &Lab) -> Option<Span> {
    let has_positive = lab.expectations.iter().any(|expectation| !expectation.is_absent);
    let awaited = lab
        .expectations
        .iter()
        .filter(|expectation| expectation.is_absent != has_positive);
    awaited.map(|expectation| expectation.within).max()
}

fn echoes(lab: &Lab, names: &[String]) -> Result<Vec<bool>, Failure> {
    let mut echoes = vec![false; lab.machines.len()];
    for name in names {
        if name == "all" {
            echoes.fill(true);
            continue;
        }
        match lab.machines.iter().position(|machine| machine.name == *name) {
            Some(machine) => echoes[machine] = true,
            None => return Err(unknown_machine(lab, name)),
        }
    }
    Ok(echoes)
}

fn unknown_machine(lab: &Lab, name: &str) -> Failure {
    let nearest = lab
        .machines
        .iter()
        .map(|machine| (strsim::damerau_levenshtein(&machine.name, name), &machine.name))
        .min()
        .map_or_else(String::new, |(_, nearest)| format!("; did you mean `{nearest}`?"));
    Failure::Usage {
        code: "run::unknown-machine",
        message: format!(
            "--console: there is no machine `{name}` in lab {}{nearest}",
            lab.name
        ),
    }
}

fn default_threads(lab: &Lab) -> usize {
    let host = std::thread::available_parallelism().map_or(1, usize::from);
    host.min(lab.machines.len()).max(1)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::command::arguments::{Arguments, Command};
    use crate::command::testing::sample_lab;

    fn arguments(words: &[&str]) -> RunArguments {
        match Arguments::parse_from(["amlab", "run"].iter().chain(words)).command {
            Some(Command::Run(arguments)) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn until_replaces_the_stop_of_the_lab() {
        let mut lab = sample_lab();
        lab.stop = Some(Span::from_seconds(600));
        let rule = end_rule(&lab, &arguments(&["--until", "20min"]), false).unwrap();
        assert_eq!(rule.limit, Instant::START + Span::from_seconds(1200));
        assert!(!rule.is_until_expected);
    }

    #[test]
    fn a_lab_without_an_end_ends_when_its_expectations_are_decided() {
        let mut lab = sample_lab();
        lab.stop = None;
        assert!(end_rule(&lab, &arguments(&[]), false).unwrap().is_until_expected);
    }

    #[test]
    fn waiting_for_nothing_is_refused() {
        let mut lab = sample_lab();
        lab.expectations.clear();
        let error = end_rule(&lab, &arguments(&["--until-expected"]), false).unwrap_err();
        assert!(
            error.to_string().starts_with("run::nothing-expected: "),
            "{error}"
        );
    }

    #[test]
    fn a_misspelt_machine_gets_a_suggestion() {
        let error = echoes(&sample_lab(), &["pc11".into()]).unwrap_err();
        assert!(error.to_string().ends_with("did you mean `pc1`?"), "{error}");
        assert_eq!(echoes(&sample_lab(), &["all".into()]).unwrap(), [true, true]);
    }
}
