//! The command `amlab`.
//!
//! A tour: [`main`] reads the command line (`arguments`), chooses a command and turns what came of it into an exit code
//! (`exit`, `failure`; a panic is `fault`). `run` plans a run, watches it and leaves a run folder ([`crate::folder`]);
//! `verify` repeats one; `describe` holds `check`, `show` and `schema`; `bench` measures; `control` steers a
//! lab while it runs, which `ctl` and `console` ask for; `install` writes what other programs need; `disks` makes disks and looks them over; `doctor` looks at the host. Everything printed
//! goes through `terminal`. `seam` is a running lab as the command sees it; tests put a stage of their own in its stead.

mod arguments;
mod bench;
mod captures;
mod console;
mod control;
mod ctl;
mod describe;
mod disks;
mod doctor;
mod exit;
mod failure;
mod fault;
mod host_clock;
mod images;
mod install;
mod run;
mod seam;
mod terminal;
#[cfg(test)]
mod testing;
mod time_text;
mod timing;
mod verify;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use self::arguments::{Arguments, Bench, Colour, Command, Format, Install, OutputArguments};
use self::exit::Exit;
use self::run::{Host, Interrupt};
use self::terminal::Terminal;
use crate::folder::HostError;

/// The command with these words (the first is its own name), on the process's own streams and signals.
pub fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    fault::install_hook();
    let words: Vec<OsString> = words.into_iter().collect();
    ExitCode::from(guarded(|| answer(&words)).code())
}

/// A panic is a fault of ours, with an exit code of its own.
fn guarded(work: impl FnOnce() -> Exit) -> Exit {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Exit::OwnFault)
}

fn answer(words: &[OsString]) -> Exit {
    let order = match Order::read(words) {
        Ok(order) => order,
        Err(error) => {
            // Help that cannot be printed helps no one, and there is no one to tell.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::BadInput
            } else {
                Exit::Good
            };
        }
    };
    start_log(&order.output);
    let mut terminal = Terminal::standard(&order.output);
    // A command that writes nothing may end at once.
    let listens = matches!(
        order.command,
        Command::Run(_) | Command::Verify(_) | Command::Bench(_)
    );
    let interrupt = if listens {
        Interrupt::listen()
    } else {
        Ok(Interrupt::default())
    };
    let interrupt = match interrupt {
        Ok(interrupt) => interrupt,
        Err(reason) => {
            let error = HostError::new("listen to", Path::new("signals"), reason);
            terminal.complain(&format!("amlab: host::signal: {error}"));
            return Exit::HostTrouble;
        }
    };
    let flags: Vec<String> = words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let host = Host {
        build: &seam::build,
        flags: &flags,
        interrupt,
    };
    carry_out(&host, &order, &mut terminal)
}

/// A command line that was understood.
struct Order {
    output: OutputArguments,
    command: Command,
    is_default: bool,
}

impl Order {
    /// Without a command the words mean `run` of the default lab, so that the environment counts there too.
    fn read(words: &[OsString]) -> Result<Self, clap::Error> {
        let arguments = Arguments::try_parse_from(words)?;
        if let Some(command) = arguments.command {
            return Ok(Self {
                output: arguments.output,
                command,
                is_default: false,
            });
        }
        let words = words.iter().cloned().chain([OsString::from("run")]);
        let arguments = Arguments::try_parse_from(words)?;
        let command = arguments.command.expect("the last word is a command");
        Ok(Self {
            output: arguments.output,
            command,
            is_default: true,
        })
    }
}

fn carry_out(host: &Host, order: &Order, terminal: &mut Terminal) -> Exit {
    let outcome = match &order.command {
        Command::Check(arguments) => describe::check(arguments, terminal),
        Command::Show(arguments) => describe::show(arguments, terminal),
        Command::Schema => Ok(describe::schema(terminal)),
        Command::Run(arguments) => run::run(host, arguments, order.is_default, terminal).and_then(|exit| {
            if order.is_default && exit == Exit::Good && terminal.format() == Format::Human {
                bench::migration::short(host, terminal)
            } else {
                Ok(exit)
            }
        }),
        Command::Verify(arguments) => verify::verify(host, arguments, terminal),
        Command::Bench(arguments) => match &arguments.what {
            Bench::Rpc(arguments) => bench::rpc(host, arguments, terminal),
            Bench::Migration(arguments) => bench::migration::migration(host, arguments, terminal),
            Bench::Files(arguments) => bench::files::files(host, arguments, terminal),
        },
        Command::Mkdisk(arguments) => disks::mkdisk(arguments, terminal),
        Command::Fsck(arguments) => disks::fsck(arguments, terminal),
        Command::Console(arguments) => console::console(arguments, terminal),
        Command::Ctl(arguments) => ctl::ctl(arguments, terminal),
        Command::Install(arguments) => match &arguments.what {
            Install::Wireshark(arguments) => install::wireshark(arguments, terminal),
            Install::Completions { shell } => Ok(install::completions(*shell, terminal)),
        },
        Command::Doctor => Ok(doctor::doctor(terminal)),
    };
    let exit = outcome.unwrap_or_else(|failure| {
        match &failure {
            failure::Failure::Lab { name, errors } => describe::complain(name, errors, terminal),
            other => terminal.complain(&format!("amlab: {other}")),
        }
        if terminal.format() == Format::Json {
            terminal.result(&format!("{:#}\n", failure.json()));
        }
        failure.exit()
    });
    match terminal.finish() {
        Ok(()) => exit,
        Err(trouble) => {
            terminal.complain(&format!("amlab: host::file: {trouble}"));
            exit.max(Exit::HostTrouble)
        }
    }
}

/// `-v` shows what amlab does, `-vv` and `-vvv` what the devices do; `AMLAB_LOG` chooses by module.
fn start_log(output: &OutputArguments) {
    let level = match (output.quiet, output.verbose) {
        (1.., _) => log::LevelFilter::Error,
        (0, 0) => log::LevelFilter::Warn,
        (0, 1) => log::LevelFilter::Info,
        (0, 2) => log::LevelFilter::Debug,
        (0, _) => log::LevelFilter::Trace,
    };
    let style = match output.color {
        Colour::Auto => env_logger::WriteStyle::Auto,
        Colour::Always => env_logger::WriteStyle::Always,
        Colour::Never => env_logger::WriteStyle::Never,
    };
    let mut builder = env_logger::Builder::new();
    builder
        .filter_level(level)
        .write_style(style)
        .format_timestamp(None)
        .parse_env("AMLAB_LOG");
    if builder.try_init().is_err() {
        log::debug!("a log is kept already");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(words: &[&str]) -> Order {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        Order::read(&words).unwrap()
    }

    #[test]
    fn no_command_at_all_means_a_run_of_the_default_lab() {
        let order = order(&["amlab", "-q"]);
        assert!(order.is_default);
        assert!(matches!(order.command, Command::Run(_)));
        assert_eq!(order.output.quiet, 1);
    }

    #[test]
    fn a_panic_gives_70() {
        assert_eq!(guarded(|| panic!("this panic belongs to a test")).code(), 70);
    }

    #[test]
    fn a_run_that_is_asked_for_is_not_the_default() {
        assert!(!order(&["amlab", "run"]).is_default);
    }
}
