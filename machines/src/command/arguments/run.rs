//! The commands that take a lab file or repeat its run.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;
use clock::Span;

use super::{LARGEST_SEED, parse_threads};
use crate::command::time_text::{parse_decimal, parse_span};
use crate::lab::Speed;

const RUN_END: &str = "\
When a run ends:
  The first of these ends it: the time of --until (else the lab file's stop), --wall-limit, Ctrl-C,
  every machine having stopped by itself, and with --until-expected the moment at which every
  expectation is decided. A lab without stop and --until ends as with --until-expected; if it
  expects nothing either, it runs until it is interrupted.

  Reaching the time of --until or stop is good (0) unless an expectation was still open (4);
  --wall-limit always gives 4. A missed expectation gives 1, a machine that stopped by itself 3
  even if the others went on. If several codes apply, the first of 70, 5, 130, 3, 1, 4 is given.

Files named by --capture lie where the name says; everything else goes to the run folder.";

/// What differs from the lab file.
#[derive(Debug, Args)]
pub(crate) struct Overrides {
    /// Override one setting, e.g. --set profile.at386.cpu.clock=33MHz
    #[arg(
        long,
        value_name = "PATH=VALUE",
        env = "AMLAB_SET",
        hide_env = true,
        display_order = 21
    )]
    pub(crate) set: Vec<String>,
}

/// Arguments of `amlab check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    #[arg(default_value = "lab.toml")]
    pub(crate) lab: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
}

/// Arguments of `amlab show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    #[arg(default_value = "lab.toml")]
    pub(crate) lab: PathBuf,
    /// Print every timing constant with its source instead
    #[arg(long, env = "AMLAB_TIMING", hide_env = true, value_parser = FalseyValueParser::new())]
    #[arg(display_order = 24)]
    pub(crate) timing: bool,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
}

/// Arguments of `amlab run`.
#[derive(Debug, Args)]
#[command(after_help = RUN_END)]
pub(crate) struct RunArguments {
    #[arg(default_value = "lab.toml")]
    pub(crate) lab: PathBuf,
    /// Folder for everything the run writes [default: runs/<lab>-<n>]
    #[arg(
        short,
        long,
        value_name = "DIR",
        env = "AMLAB_OUT",
        hide_env = true,
        display_order = 10
    )]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
    /// Seed for every random choice
    #[arg(long, env = "AMLAB_SEED", hide_env = true, display_order = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=LARGEST_SEED))]
    pub(crate) seed: Option<u64>,
    /// Stop at this virtual time
    #[arg(long, value_name = "TIME", value_parser = parse_span, env = "AMLAB_UNTIL", hide_env = true)]
    #[arg(display_order = 31)]
    pub(crate) until: Option<Span>,
    /// Stop when every expectation in the lab file is met
    #[arg(long, env = "AMLAB_UNTIL_EXPECTED", hide_env = true, value_parser = FalseyValueParser::new())]
    #[arg(display_order = 32)]
    pub(crate) until_expected: bool,
    /// Stop after this much host time
    #[arg(long, value_name = "TIME", value_parser = parse_span, env = "AMLAB_WALL_LIMIT", hide_env = true)]
    #[arg(display_order = 33)]
    pub(crate) wall_limit: Option<Span>,
    /// max, realtime, or a factor
    #[arg(long, value_parser = parse_speed, env = "AMLAB_SPEED", hide_env = true, display_order = 34)]
    pub(crate) speed: Option<Speed>,
    /// Host threads (results do not depend on it)
    #[arg(short = 'j', long, value_name = "N", value_parser = parse_threads, env = "AMLAB_THREADS")]
    #[arg(hide_env = true, display_order = 35)]
    pub(crate) threads: Option<usize>,
    /// Also write consoles to this terminal, as `name | text` (`all` for every machine)
    #[arg(
        long,
        value_name = "MACHINE",
        env = "AMLAB_CONSOLE",
        hide_env = true,
        display_order = 36
    )]
    pub(crate) console: Vec<String>,
    /// Capture a segment to a file
    #[arg(long, value_name = "SEGMENT=FILE", env = "AMLAB_CAPTURE", hide_env = true)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "", display_order = 37)]
    pub(crate) capture: Vec<String>,
    /// Do not start machines until `amlab ctl RUN resume` says so
    #[arg(long, env = "AMLAB_PAUSED", hide_env = true, value_parser = FalseyValueParser::new())]
    #[arg(display_order = 38)]
    pub(crate) paused: bool,
    /// Stay up after the end condition
    #[arg(long, env = "AMLAB_KEEP", hide_env = true, value_parser = FalseyValueParser::new())]
    #[arg(display_order = 39)]
    pub(crate) keep: bool,
}

/// Arguments of `amlab verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The run folder
    pub(crate) run: PathBuf,
    /// Run once with each of these numbers of host threads
    #[arg(
        short = 'j',
        long,
        value_name = "N,...",
        value_delimiter = ',',
        default_value = "1"
    )]
    #[arg(value_parser = parse_threads, env = "AMLAB_THREADS", hide_env = true, display_order = 35)]
    pub(crate) threads: Vec<usize>,
}

fn parse_speed(text: &str) -> Result<Speed, String> {
    match text {
        "max" => return Ok(Speed::Max),
        "realtime" => return Ok(Speed::Thousandths(1000)),
        _ => {}
    }
    parse_decimal(text)
        .and_then(|(numerator, denominator)| u64::try_from(numerator * 1000 / denominator).ok())
        .filter(|thousandths| *thousandths > 0)
        .map(Speed::Thousandths)
        .ok_or_else(|| "write max, realtime, or a factor of at least 0.001 such as 0.5".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_is_max_realtime_or_a_factor() {
        assert_eq!(parse_speed("max"), Ok(Speed::Max));
        assert_eq!(parse_speed("realtime"), Ok(Speed::Thousandths(1000)));
        assert_eq!(parse_speed("0.5"), Ok(Speed::Thousandths(500)));
        assert!(parse_speed("0").is_err());
        assert!(parse_speed("fast").is_err());
    }
}
