//! `sh [-efiux] [-C NAME=CAPABILITY]... [-c TEXT | FILE] [ARGUMENT]...`: the shell.
//!
//! Without a text or a file it reads commands from its input; a person is asked for them by `PS1`. `-C` adds a capability, which is written out
//! or the name of another one, to those of its environment, which programs are given too. These have a meaning for it: `ROOT`, from which paths
//! begin, and `WORK`, where relative ones do; `STDIN`, `STDOUT`, `STDERR` and `TTY`; `PROC`, which runs programs for
//! which there is no run server; `RANDOM`; `BULLET`, `RUN_SERVER` and `FIFO`, the servers of files, hosts and pipes, which it otherwise
//! looks for at `/profile/cap`; `SCRIPT`, by which one shell gives another commands; `SIGNALS`, to which it says that it wants to be told
//! of the terminal's interrupt.

mod hosts;
mod machine;
mod processes;
mod starting;
mod streams;

use crate::program::machine::{Machine, Stream};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use libamoeba::stream::Kind;
use libamoeba::system::Kernel;
use libamoeba::system::start::Arguments;
use libamoeba::{stream, terminal};
use proto::capability::Capability;
use shell::world::How;
use shell::{Shell, Text, World};

/// The status of a shell that was called wrongly.
const USAGE: i32 = 2;

/// What the command line says.
#[derive(Default)]
struct Options {
    letters: String,
    text: Option<String>,
    file: Option<String>,
    capabilities: Vec<(String, Capability)>,
    /// Name and arguments of what is run.
    words: Vec<String>,
}

fn options(arguments: &Arguments) -> Option<Options> {
    let mut words = arguments.words();
    let mut options = Options::default();
    let name = words.next().unwrap_or("sh");
    options
        .words
        .push(name.rsplit('/').next().unwrap_or(name).to_string());
    let mut wants_text = false;
    let mut rest = words.peekable();
    while let Some(word) = rest.next_if(|word| word.len() > 1 && word.starts_with('-')) {
        match word {
            "-C" => {
                let (name, text) = rest.next()?.split_once('=')?;
                options
                    .capabilities
                    .push((name.to_string(), arguments.reference(text)?));
            }
            "-c" => wants_text = true,
            _ => options.letters += &word[1..],
        }
    }
    // Commands of another shell come with all words of that one.
    let is_given = arguments.capability("SCRIPT").is_some();
    if wants_text {
        options.text = Some(rest.next()?.to_string());
        if let Some(name) = rest.next() {
            options.words[0] = name.to_string();
        }
    } else if !is_given && let Some(file) = rest.next() {
        options.file = Some(file.to_string());
        options.words[0] = file.to_string();
    }
    options.words.extend(rest.map(ToString::to_string));
    Some(options)
}

pub(super) fn main(arguments: &Arguments) -> i32 {
    let Some(mut options) = options(arguments) else {
        libamoeba::eprintln!("usage: sh [-efiux] [-C name=capability]... [-c text | file] [argument]...");
        return USAGE;
    };
    let script = arguments.capability("SCRIPT");
    let capabilities = arguments
        .capabilities()
        .map(|(name, value)| (name.to_string(), value));
    let mut all: Vec<(String, Capability)> = capabilities.collect();
    for (name, value) in core::mem::take(&mut options.capabilities) {
        all.retain(|(own, _)| *own != name);
        all.push((name, value));
    }
    let streams = ["STDIN", "STDOUT", "STDERR"].map(|name| {
        let found = all.iter().find(|(own, _)| own == name);
        let found = found.map(|(_, value)| *value);
        Stream::Given(found.unwrap_or_else(|| arguments.stream(name)))
    });
    let machine = match Machine::new(all) {
        Ok(machine) => machine,
        Err(what) => {
            libamoeba::eprintln!("sh: {what}");
            return 1;
        }
    };
    let mut shell = Shell::new(
        machine,
        (&options.words[0], &options.words[1..]),
        streams,
        arguments.environment(),
    );
    for (name, value) in [
        ("HOME", "/home"),
        ("OPTIND", "1"),
        ("PATH", "/bin:/super/unixroot/bin"),
        ("PS1", "$ "),
        ("PS2", "> "),
        ("PWD", "/"),
    ] {
        shell.set_default(name, value);
    }
    for letter in options.letters.chars() {
        if !shell.options().switch(letter, true) {
            shell.complain(&format!("-{letter}: no such option"));
            return USAGE;
        }
    }
    let status = if let Some(script) = script {
        match stream::Input::new(script).read_all(&mut Kernel) {
            Ok(text) => run_text(&mut shell, &String::from_utf8_lossy(&text)),
            Err(status) => {
                shell.complain(&status.to_string());
                1
            }
        }
    } else if let Some(text) = &options.text {
        run_text(&mut shell, text)
    } else if let Some(file) = &options.file {
        run_file(&mut shell, file)
    } else {
        run_input(&mut shell, streams)
    };
    let status = shell.finish(status);
    processes::linger();
    status
}

fn run_text(shell: &mut Shell<Machine>, text: &str) -> i32 {
    let mut lines = text.lines();
    run(shell, |_, _| Ok(lines.next().map(ToString::to_string)))
}

fn run_file(shell: &mut Shell<Machine>, file: &str) -> i32 {
    let opened = shell.world().open(file, How::Read);
    let stream = match opened {
        Ok(stream) => stream,
        Err(what) => {
            shell.complain(&format!("{file}: {what}"));
            return 127;
        }
    };
    let status = run(shell, |shell, _| shell.world().read_line(stream));
    let _ = shell.world().close(stream);
    status
}

/// Commands from the input, where a person may be asked for them.
fn run_input(shell: &mut Shell<Machine>, [input, _, errors]: [Stream; 3]) -> i32 {
    let terminal = input.capability();
    let is_terminal = Kind::of(&mut Kernel, &terminal) == Ok(Kind::Terminal);
    shell.options().is_interactive |= is_terminal;
    if !shell.options().is_interactive {
        return run(shell, |shell, _| shell.world().read_line(input));
    }
    let status = run(shell, |shell, is_open| {
        let world = shell.world();
        world.listen(&terminal);
        world.is_interrupted();
        let prompt = shell
            .variable(if is_open { "PS2" } else { "PS1" })
            .unwrap_or_default()
            .to_string();
        let world = shell.world();
        let _ = world.write(errors, &prompt);
        world.read_line(input)
    });
    let _ = terminal::set_interrupt(&mut Kernel, &terminal, &Capability::NULL);
    status
}

/// Carries out lines up to the last.
fn run(
    shell: &mut Shell<Machine>,
    mut next: impl FnMut(&mut Shell<Machine>, bool) -> Result<Option<String>, String>,
) -> i32 {
    let mut text = Text::default();
    loop {
        let line = match next(shell, text.is_open()) {
            Ok(Some(line)) => line,
            Ok(None) if text.is_open() => {
                shell.complain("syntax error: unexpected end");
                return USAGE;
            }
            Ok(None) => return shell.status(),
            Err(_) if shell.world().is_interrupted() => {
                shell.end_line();
                text.clear();
                match shell.interrupt_at_prompt() {
                    Some(status) => return status,
                    None => continue,
                }
            }
            Err(what) => {
                shell.complain(&what);
                return 1;
            }
        };
        match text.line(&line) {
            Ok(Some(list)) => {
                if let Some(status) = shell.run(&list) {
                    return status;
                }
            }
            Ok(None) => {}
            Err(error) => {
                shell.complain(&error.to_string());
                if !shell.options().is_interactive {
                    return USAGE;
                }
            }
        }
    }
}
