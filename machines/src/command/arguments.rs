//! The command line. Every option can also come from the environment as `AMLAB_<OPTION>`.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use clock::Span;

use super::bench::{files, migration};
use super::control::protocol::{CableState, PowerState};
use super::time_text::{parse_decimal, parse_span};
use crate::lab::Speed;

const EXIT_CODES: &str = "\
Exit codes: 0 good, 1 an expectation or tolerance failed, 2 bad command line or lab file,
3 a guest stopped by itself, 4 a time limit ran out, 5 a host file or device failed,
6 two runs that should be equal differ, 70 a fault in amlab itself, 130 interrupted.

Without a command, amlab runs its built-in lab of two PCs until every expectation is met.
Every option can also be given in the environment, as AMLAB_ and its name: AMLAB_SEED=7.";

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

/// As in a lab file, whose whole numbers have 63 bits.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// A laboratory of emulated 386 PCs on one shared Ethernet
#[derive(Debug, Parser)]
#[command(name = "amlab", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// How much is printed, and in which form.
#[derive(Clone, Debug, Args)]
pub(crate) struct OutputArguments {
    /// How results are printed
    #[arg(
        long,
        global = true,
        env = "AMLAB_FORMAT",
        default_value = "human",
        display_order = 1
    )]
    pub(crate) format: Format,
    /// Less output (repeat: -qq prints only errors)
    #[arg(short, long, global = true, action = ArgAction::Count, env = "AMLAB_QUIET", hide_env = true)]
    #[arg(display_order = 20)]
    pub(crate) quiet: u8,
    /// More output (repeat for device traces)
    #[arg(short, long, global = true, action = ArgAction::Count, env = "AMLAB_VERBOSE", hide_env = true)]
    #[arg(display_order = 22)]
    pub(crate) verbose: u8,
    /// Colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        env = "AMLAB_COLOR",
        default_value = "auto"
    )]
    #[arg(hide_possible_values = true, display_order = 23)]
    pub(crate) color: Colour,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Human,
    Json,
    Csv,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a lab file without running it
    Check(CheckArguments),
    /// Print what a lab file means once profiles, counts and defaults are filled in
    Show(ShowArguments),
    /// Print the JSON schema of lab files
    Schema,
    /// Run a lab
    Run(RunArguments),
    /// Attach this terminal to one machine's console
    Console(ConsoleArguments),
    /// Steer a running lab: pause, resume, step, until, status, type, wait, power, cable
    Ctl(CtlArguments),
    /// Run again from a run folder and check that nothing differs
    Verify(VerifyArguments),
    /// Make a disk with the file systems of Amoeba from a description
    Mkdisk(MkdiskArguments),
    /// Look over disks with the file systems of Amoeba
    Fsck(FsckArguments),
    /// Measure in virtual time what the machines' programs need, beside what was published
    Bench(BenchArguments),
    /// Install the Wireshark dissectors for Amoeba, or shell completions
    Install(InstallArguments),
    /// Look for what is missing on this host (Wireshark, gdb)
    Doctor,
}

/// Arguments of `amlab console`.
#[derive(Debug, Args)]
#[command(after_help = "Ctrl-] leaves; the lab goes on.")]
pub(crate) struct ConsoleArguments {
    /// The run folder of a running lab, or its name in runs
    pub(crate) run: PathBuf,
    /// The machine
    pub(crate) machine: String,
    /// Be its keyboard and show its VGA screen, in place of the terminal at COM1
    #[arg(long, env = "AMLAB_KEYBOARD", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) keyboard: bool,
}

/// Arguments of `amlab ctl`.
#[derive(Debug, Args)]
pub(crate) struct CtlArguments {
    /// The run folder of a running lab, or its name in runs
    pub(crate) run: PathBuf,
    #[command(subcommand)]
    pub(crate) word: CtlWord,
}

/// What a running lab can be asked for.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CtlWord {
    /// Where the lab is and what its machines do
    Status,
    /// Virtual time stands still
    Pause,
    /// It goes on
    Resume,
    /// It goes on for so long, then stands still
    Step {
        /// Virtual time, such as 1ms
        span: String,
    },
    /// It goes on until then, then stands still
    Until {
        /// Virtual time since the lab was switched on, such as 41.2s
        time: String,
    },
    /// Type on a machine
    Type {
        /// The machine
        machine: String,
        /// What: \\n is the Enter key, \\e Escape, \\x03 Ctrl-C
        text: String,
        /// On its keyboard, in place of the terminal at COM1
        #[arg(long)]
        keyboard: bool,
    },
    /// Wait for a text that a machine prints after the last type or wait
    Wait {
        /// The machine
        machine: String,
        /// A regular expression that a line matches
        pattern: String,
        /// Virtual time, such as 30s; for ever if it is not given
        within: Option<String>,
    },
    /// Switch a machine off or on, or press its reset button
    Power {
        /// The machine
        machine: String,
        /// How
        state: PowerState,
    },
    /// Take a machine off its cables, or put it back
    Cable {
        /// The machine, or one interface such as pool1/el0
        station: String,
        /// Which
        state: CableState,
    },
    /// Print the text on a machine's VGA screen
    Screen {
        /// The machine
        machine: String,
    },
    /// Print what the lab has counted
    Stats,
    /// End the run
    Quit,
}

/// Arguments of `amlab mkdisk`.
#[derive(Debug, Args)]
pub(crate) struct MkdiskArguments {
    /// The description, a TOML file
    pub(crate) description: PathBuf,
    /// The image, which is written anew
    pub(crate) image: PathBuf,
    /// Which of the description's disks [default: its only one]
    #[arg(long, value_name = "NAME", env = "AMLAB_DISK", hide_env = true)]
    pub(crate) disk: Option<String>,
}

/// Arguments of `amlab fsck`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 nothing is wrong, 1 something is, 2 a description is none, 5 a file cannot be read.
Disks of one system are looked over together, so that copies and names can be followed.")]
pub(crate) struct FsckArguments {
    /// Images, or descriptions (*.toml) whose disks are made for it
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,
    /// What a run has written to the first disk, to the second one, and so on: files such as server-disk0.overlay
    #[arg(long, value_name = "FILE", env = "AMLAB_OVERLAY", hide_env = true)]
    pub(crate) overlay: Vec<PathBuf>,
}

/// Arguments of `amlab install`.
#[derive(Debug, Args)]
pub(crate) struct InstallArguments {
    #[command(subcommand)]
    pub(crate) what: Install,
}

/// What is installed.
#[derive(Debug, Subcommand)]
pub(crate) enum Install {
    /// The Wireshark dissectors for Amoeba, into your own plug-in folder
    Wireshark(WiresharkArguments),
    /// Print a script that makes a shell complete amlab's words
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Arguments of `amlab install wireshark`.
#[derive(Debug, Args)]
pub(crate) struct WiresharkArguments {
    /// Folder for the scripts [default: where tshark says that yours are]
    #[arg(long, value_name = "DIR", env = "AMLAB_DIR", hide_env = true)]
    pub(crate) dir: Option<PathBuf>,
}

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

/// Arguments of `amlab bench migration`.
#[derive(Debug, Args)]
#[command(after_help = migration::tolerances())]
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
    /// Kernel of the machines (default: the built-in one)
    #[arg(long, value_name = "FILE", env = "AMLAB_KERNEL", hide_env = true)]
    pub(crate) kernel: Option<PathBuf>,
    /// Folder for migration.csv, migration.json and migration.svg
    #[arg(
        short,
        long,
        value_name = "DIR",
        default_value = "bench-migration",
        env = "AMLAB_OUT",
        hide_env = true
    )]
    pub(crate) out: PathBuf,
    /// Host threads (results do not depend on it) [default: as many as the host has]
    #[arg(short = 'j', long, value_name = "N", value_parser = parse_threads, env = "AMLAB_THREADS", hide_env = true)]
    pub(crate) threads: Option<usize>,
}

/// Arguments of `amlab bench files`.
#[derive(Debug, Args)]
#[command(after_help = files::tolerances())]
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
    pub(crate) card: Vec<RpcCard>,
    /// Tell what machines do while the largest files are read from the cache, and during the same transactions without files
    #[arg(long, env = "AMLAB_BREAKDOWN", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) breakdown: bool,
    /// Exit code 0 even if measurements lie outside the limits
    #[arg(long, env = "AMLAB_NO_FAIL", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) no_fail: bool,
    /// Kernel of the machines (default: the built-in one)
    #[arg(long, value_name = "FILE", env = "AMLAB_KERNEL", hide_env = true)]
    pub(crate) kernel: Option<PathBuf>,
    /// Folder for files.csv, files.json and files.svg
    #[arg(
        short,
        long,
        value_name = "DIR",
        default_value = "bench-files",
        env = "AMLAB_OUT",
        hide_env = true
    )]
    pub(crate) out: PathBuf,
    /// Host threads (results do not depend on it)
    #[arg(
        short = 'j',
        long,
        value_name = "N",
        default_value = "1",
        value_parser = parse_threads,
        env = "AMLAB_THREADS",
        hide_env = true
    )]
    pub(crate) threads: usize,
}

/// Arguments of `amlab bench rpc`.
#[derive(Debug, Args)]
pub(crate) struct RpcArguments {
    /// Cards of the machines
    #[arg(
        long,
        value_name = "CARDS",
        value_delimiter = ',',
        default_value = "3c503,ne1000,ne2000"
    )]
    #[arg(env = "AMLAB_CARD", hide_env = true)]
    pub(crate) card: Vec<RpcCard>,
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
    /// Kernel of the machines (default: the built-in one)
    #[arg(long, value_name = "FILE", env = "AMLAB_KERNEL", hide_env = true)]
    pub(crate) kernel: Option<PathBuf>,
    /// Folder for rpc.csv, rpc.json and rpc.svg
    #[arg(
        short,
        long,
        value_name = "DIR",
        default_value = "bench-rpc",
        env = "AMLAB_OUT",
        hide_env = true
    )]
    pub(crate) out: PathBuf,
    /// Host threads (results do not depend on it)
    #[arg(
        short = 'j',
        long,
        value_name = "N",
        default_value = "1",
        env = "AMLAB_THREADS",
        hide_env = true
    )]
    pub(crate) threads: usize,
}

/// A card of `amlab bench rpc` and `amlab bench files`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RpcCard {
    #[value(name = "3c503")]
    EtherLink2,
    Ne1000,
    Ne2000,
}

impl RpcCard {
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

/// Arguments of `amlab check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    #[arg(default_value = "lab.toml")]
    pub(crate) lab: Vec<PathBuf>,
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

/// Arguments of `amlab show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    #[arg(default_value = "lab.toml")]
    pub(crate) lab: PathBuf,
    /// Print every timing constant with its source instead
    #[arg(long, env = "AMLAB_TIMING", hide_env = true, value_parser = FalseyValueParser::new())]
    #[arg(display_order = 24)]
    pub(crate) timing: bool,
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
    /// Override one setting, e.g. --set profile.at386.cpu.clock=33MHz
    #[arg(
        long,
        value_name = "PATH=VALUE",
        env = "AMLAB_SET",
        hide_env = true,
        display_order = 21
    )]
    pub(crate) set: Vec<String>,
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

fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("write a number from 1 to 1024".into()),
    }
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
    use clap::CommandFactory;

    use super::*;

    fn help(command: &str) -> String {
        let mut all = Arguments::command();
        all.build();
        let chosen = match command {
            "" => &mut all,
            name => all.find_subcommand_mut(name).unwrap(),
        };
        chosen.clone().term_width(100).render_help().to_string()
    }

    fn run(arguments: &[&str]) -> RunArguments {
        let words = ["amlab", "run"].iter().chain(arguments);
        match Arguments::try_parse_from(words).unwrap().command {
            Some(Command::Run(run)) => run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_reads_as_agreed() {
        insta::assert_snapshot!("help", help(""));
        insta::assert_snapshot!("help-run", help("run"));
        insta::assert_snapshot!("help-verify", help("verify"));
        insta::assert_snapshot!("help-show", help("show"));
        insta::assert_snapshot!("help-check", help("check"));
        insta::assert_snapshot!("help-console", help("console"));
        insta::assert_snapshot!("help-ctl", help("ctl"));
        insta::assert_snapshot!("help-install", help("install"));
        insta::assert_snapshot!("help-mkdisk", help("mkdisk"));
        insta::assert_snapshot!("help-fsck", help("fsck"));
    }

    #[test]
    fn a_bare_capture_does_not_swallow_the_lab_file() {
        let run = run(&["--capture", "pair.toml"]);
        assert_eq!(run.lab, PathBuf::from("pair.toml"));
        assert_eq!(run.capture, [""]);
    }

    #[test]
    fn a_capture_takes_its_value_after_an_equals_sign() {
        assert_eq!(run(&["--capture=ether0=w.pcapng"]).capture, ["ether0=w.pcapng"]);
    }

    #[test]
    fn the_lab_file_is_lab_toml_unless_named() {
        assert_eq!(run(&[]).lab, PathBuf::from("lab.toml"));
    }

    #[test]
    fn quiet_and_verbose_count() {
        let arguments = Arguments::try_parse_from(["amlab", "doctor", "-qq", "-v"]).unwrap();
        assert_eq!((arguments.output.quiet, arguments.output.verbose), (2, 1));
    }

    #[test]
    fn speed_is_max_realtime_or_a_factor() {
        assert_eq!(parse_speed("max"), Ok(Speed::Max));
        assert_eq!(parse_speed("realtime"), Ok(Speed::Thousandths(1000)));
        assert_eq!(parse_speed("0.5"), Ok(Speed::Thousandths(500)));
        assert!(parse_speed("0").is_err());
        assert!(parse_speed("fast").is_err());
    }

    #[test]
    fn a_seed_that_no_lab_file_could_hold_is_refused() {
        assert_eq!(run(&["--seed", "9223372036854775807"]).seed, Some(LARGEST_SEED));
        assert!(Arguments::try_parse_from(["amlab", "run", "--seed", "9223372036854775808"]).is_err());
    }

    #[test]
    fn no_threads_at_all_are_refused() {
        assert!(Arguments::try_parse_from(["amlab", "run", "-j", "0"]).is_err());
    }
}
