//! `amlab bench`.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Arg, Args, Subcommand, ValueEnum};

use super::{LARGEST_SEED, parse_threads};
use crate::command::bench::{files, migration};

/// Arguments of `amlab bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    #[command(subcommand)]
    pub(crate) what: Bench,
}

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Remote procedure calls: time and rate by card, size and number of pairs
    Rpc(RpcArguments),
    /// Process migration: time by size, workload of the source and mechanism
    Migration(MigrationArguments),
    /// Files of a Bullet server: time and rate of making, reading and destroying them, by card and size
    Files(FilesArguments),
}

/// What every benchmark can be told. The folder's default is each one's own: [`usually`].
#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// Kernel of the machines (default: the built-in one)
    #[arg(long, value_name = "FILE", env = "AMLAB_KERNEL", hide_env = true)]
    pub(crate) kernel: Option<PathBuf>,
    /// Folder for the results as CSV, JSON and SVG
    #[arg(short, long, value_name = "DIR", env = "AMLAB_OUT", hide_env = true)]
    pub(crate) out: PathBuf,
    /// Host threads (results do not depend on it) [default: 1]
    #[arg(short = 'j', long, value_name = "N", value_parser = parse_threads, env = "AMLAB_THREADS", hide_env = true)]
    pub(crate) threads: Option<usize>,
}

/// Gives `--out` this default.
fn usually(folder: &'static str) -> impl FnOnce(Arg) -> Arg {
    move |out| out.required(false).default_value(folder)
}

/// How `--threads` reads where all of the host's are the default.
const ALL_THREADS: &str = "Host threads (results do not depend on it) [default: as many as the host has]";

/// Arguments of `amlab bench migration`.
#[derive(Debug, Args)]
#[command(after_help = migration::tolerances())]
#[command(mut_arg("out", usually("bench-migration")))]
#[command(mut_arg("threads", |threads| threads.help(ALL_THREADS)))]
pub(crate) struct MigrationArguments {
    /// Sizes of the processes [default: 32,64,128,512,2048; with --breakdown 512]
    #[arg(
        long,
        value_name = "SIZES",
        value_delimiter = ',',
        env = "AMLAB_KBYTES",
        hide_env = true
    )]
    pub(crate) kbytes: Vec<u32>,
    /// How often each size is measured, each time with other phases of all clocks
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        default_value = "10",
        env = "AMLAB_REPETITIONS",
        hide_env = true
    )]
    pub(crate) repetitions: u32,
    /// What the source is busy with besides [default: all; with --breakdown idle]
    #[arg(
        long,
        value_name = "WORDS",
        value_delimiter = ',',
        env = "AMLAB_WORKLOAD",
        hide_env = true
    )]
    pub(crate) workload: Vec<migration::Workload>,
    /// Who sees to migrations: the kernels, or a user process on a third machine [default: both; with --breakdown kernel]
    #[arg(
        long,
        value_name = "WORDS",
        value_delimiter = ',',
        env = "AMLAB_MECHANISM",
        hide_env = true
    )]
    pub(crate) mechanism: Vec<migration::Mechanism>,
    /// Measure this too, in a table beside the default: scheduler (who waited for a FLIP packet goes first), ne2000, credits8,
    /// clock=MHZ, no-cache
    #[arg(long, value_name = "CHANGE", env = "AMLAB_WHAT_IF", hide_env = true)]
    pub(crate) what_if: Vec<migration::WhatIf>,
    /// Tell for one migration in which phases it spends its time, and with what
    #[arg(long, env = "AMLAB_BREAKDOWN", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) breakdown: bool,
    /// Seed of all phases
    #[arg(long, default_value = "1995", env = "AMLAB_SEED", hide_env = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=LARGEST_SEED))]
    pub(crate) seed: u64,
    /// Exit code 0 even if measurements lie outside the limits
    #[arg(long, env = "AMLAB_NO_FAIL", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) no_fail: bool,
    #[command(flatten)]
    pub(crate) common: BenchOptions,
}

/// Arguments of `amlab bench files`.
#[derive(Debug, Args)]
#[command(after_help = files::tolerances(), mut_arg("out", usually("bench-files")))]
pub(crate) struct FilesArguments {
    /// Sizes of files, up to 1 Mbyte
    #[arg(
        long,
        value_name = "SIZES",
        value_delimiter = ',',
        default_value = "1,16,256,4096,16384,65536,262144,1048576"
    )]
    #[arg(env = "AMLAB_BYTES", hide_env = true)]
    pub(crate) bytes: Vec<u32>,
    /// Cards of the machines
    #[arg(
        long,
        value_name = "CARDS",
        value_delimiter = ',',
        default_value = "3c503,ne2000",
        env = "AMLAB_CARD",
        hide_env = true
    )]
    pub(crate) card: Vec<BenchCard>,
    /// Tell what machines do while the largest files are read from the cache, and during the same transactions without files
    #[arg(long, env = "AMLAB_BREAKDOWN", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) breakdown: bool,
    /// Exit code 0 even if measurements lie outside the limits
    #[arg(long, env = "AMLAB_NO_FAIL", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) no_fail: bool,
    #[command(flatten)]
    pub(crate) common: BenchOptions,
}

/// Arguments of `amlab bench rpc`.
#[derive(Debug, Args)]
#[command(mut_arg("out", usually("bench-rpc")))]
pub(crate) struct RpcArguments {
    /// Cards of the machines
    #[arg(
        long,
        value_name = "CARDS",
        value_delimiter = ',',
        default_value = "3c503,ne1000,ne2000"
    )]
    #[arg(env = "AMLAB_CARD", hide_env = true)]
    pub(crate) card: Vec<BenchCard>,
    /// How many clients call servers of their own at the same time
    #[arg(long, value_name = "COUNTS", value_delimiter = ',', default_value = "1,2,5")]
    #[arg(env = "AMLAB_PAIRS", hide_env = true)]
    pub(crate) pairs: Vec<usize>,
    /// Bytes of the requests
    #[arg(
        long,
        value_name = "SIZES",
        value_delimiter = ',',
        default_value = "0,1,8192,30000"
    )]
    #[arg(env = "AMLAB_BYTES", hide_env = true)]
    pub(crate) bytes: Vec<u32>,
    /// Put the bytes into the replies instead
    #[arg(long, env = "AMLAB_REPLY", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) reply: bool,
    /// Tell for each machine what its time is spent on
    #[arg(long, env = "AMLAB_BREAKDOWN", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) breakdown: bool,
    #[command(flatten)]
    pub(crate) common: BenchOptions,
}

/// A card of `amlab bench rpc` and `amlab bench files`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchCard {
    #[value(name = "3c503")]
    EtherLink2,
    Ne1000,
    Ne2000,
}

impl BenchCard {
    /// Its name in lab files.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::EtherLink2 => "3c503",
            Self::Ne1000 => "ne1000",
            Self::Ne2000 => "ne2000",
        }
    }

    /// Its jumpers, as in lab files.
    pub(crate) const fn settings(self) -> &'static str {
        match self {
            Self::EtherLink2 => "io = 0x280\nram = 0xCC000",
            Self::Ne1000 | Self::Ne2000 => "io = 0x300",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::command::arguments::{Arguments, Command};

    fn common(words: &[&str]) -> Option<BenchOptions> {
        let words = ["amlab", "bench"].iter().chain(words);
        match Arguments::try_parse_from(words).ok()?.command {
            Some(Command::Bench(BenchArguments { what })) => Some(match what {
                Bench::Rpc(arguments) => arguments.common,
                Bench::Migration(arguments) => arguments.common,
                Bench::Files(arguments) => arguments.common,
            }),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_benchmark_has_a_folder_of_its_own_for_its_results() {
        for name in ["rpc", "migration", "files"] {
            let usual = common(&[name]).expect("good words");
            assert_eq!(usual.out, PathBuf::from(format!("bench-{name}")));
            assert_eq!((usual.threads, usual.kernel), (None, None));
            let other = common(&[name, "-o", "elsewhere", "-j", "2"]).expect("good words");
            assert_eq!((other.out, other.threads), (PathBuf::from("elsewhere"), Some(2)));
        }
    }

    #[test]
    fn no_benchmark_runs_on_no_threads_at_all() {
        for name in ["rpc", "migration", "files"] {
            assert!(common(&[name, "-j", "0"]).is_none());
        }
    }
}
