//! The command line. Every option can also come from the environment as `AMLAB_<OPTION>`.

pub(crate) mod bench;
mod run;

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::control::protocol::{CableState, PowerState};

pub(crate) use self::bench::{
    Bench, BenchArguments, BenchCard, FilesArguments, MigrationArguments, RpcArguments,
};
pub(crate) use self::run::{CheckArguments, RunArguments, ShowArguments, VerifyArguments};

const EXIT_CODES: &str = "\
Exit codes: 0 good, 1 an expectation or tolerance failed, 2 bad command line or lab file,
3 a guest stopped by itself, 4 a time limit ran out, 5 a host file or device failed,
6 two runs that should be equal differ, 70 a fault in amlab itself, 130 interrupted.

Without a command, amlab runs its built-in lab of two PCs until every expectation is met.
Every option can also be given in the environment, as AMLAB_ and its name: AMLAB_SEED=7.";

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

fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("write a number from 1 to 1024".into()),
    }
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
    fn a_seed_that_no_lab_file_could_hold_is_refused() {
        assert_eq!(run(&["--seed", "9223372036854775807"]).seed, Some(LARGEST_SEED));
        assert!(Arguments::try_parse_from(["amlab", "run", "--seed", "9223372036854775808"]).is_err());
    }

    #[test]
    fn no_threads_at_all_are_refused() {
        assert!(Arguments::try_parse_from(["amlab", "run", "-j", "0"]).is_err());
    }
}
