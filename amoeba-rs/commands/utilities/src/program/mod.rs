//! The commands themselves.

mod directories;
mod objects;
mod texts;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{Display, Write};
use libamoeba::directory::Names;
use libamoeba::stream::{Input, Output};
use libamoeba::system::Kernel;
use libamoeba::system::start::Arguments;
use libamoeba::{directory, eprintln, explain};
use proto::capability::Capability;
use proto::capability_set::CapabilitySet;
use proto::soap::Failure;
use proto::standard::Status;
use utilities::NAMES;
use utilities::options::Options;

/// The status of a command that was called wrongly.
const USAGE: i32 = 2;

/// What a command works with.
struct Session<'a> {
    name: &'static str,
    words: Vec<&'static str>,
    arguments: &'a Arguments,
    names: Option<Names>,
    output: Output,
    status: i32,
}

/// Why a command goes no further: it has told what is wrong, or nobody takes its output.
struct Stopped;

type Outcome = Result<(), Stopped>;

pub(super) fn main(arguments: &Arguments) -> i32 {
    let mut words: Vec<&'static str> = arguments.words().collect();
    let base = |word: &'static str| word.rsplit('/').next().unwrap_or(word);
    // Called by its own name it is told which command it shall be.
    if words.first().is_some_and(|word| !NAMES.contains(&base(word))) && words.len() > 1 {
        words.remove(0);
    }
    let name = words.first().map_or("utilities", |word| base(word));
    let mut session = Session {
        name,
        words: words.get(1..).unwrap_or_default().to_vec(),
        arguments,
        names: Names::from_environment(|name| arguments.capability(name)),
        output: Output::new(arguments.stream("STDOUT")),
        status: 0,
    };
    let Some(command) = command(name) else {
        eprintln!("usage: utilities {}", NAMES.join("|"));
        return USAGE;
    };
    let outcome = command(&mut session);
    let written = session.output.flush(&mut Kernel);
    match (outcome, written) {
        (Ok(()), Ok(())) => session.status,
        _ => session.status.max(1),
    }
}

type Command = fn(&mut Session<'_>) -> Outcome;

fn command(name: &str) -> Option<Command> {
    Some(match name {
        "bfsck" => objects::check,
        "bsize" => objects::size,
        "cat" => texts::cat,
        "chm" => directories::change_masks,
        "cp" => objects::copy_file,
        "del" => directories::delete,
        "dir" => directories::list,
        "echo" => texts::echo,
        "get" => directories::get,
        "grep" => texts::grep,
        "mkd" => directories::make,
        "put" => directories::put,
        "sleep" => texts::sleep,
        "sort" => texts::sort,
        "std_age" => objects::age,
        "std_copy" => objects::copy,
        "std_destroy" => objects::destroy,
        "std_info" => objects::info,
        "std_restrict" => objects::restrict,
        "std_status" => objects::status,
        "std_touch" => objects::touch,
        "tail" => texts::tail,
        "wc" => texts::count,
        _ => return None,
    })
}

impl Session<'_> {
    /// Tells what is wrong with something, and goes on.
    fn complain(&mut self, what: &str, why: impl Display) {
        // What was written before stands before it.
        let _ = self.output.flush(&mut Kernel);
        eprintln!("{}: {what}: {why}", self.name);
        self.status = self.status.max(1);
    }

    /// Tells of an error, and goes on.
    fn fail(&mut self, what: &str, failure: impl Into<Failure>) {
        self.complain(what, explain(failure));
    }

    /// Tells of an error if there is one.
    fn tried<T>(&mut self, what: &str, result: Result<T, impl Into<Failure>>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(failure) => {
                self.fail(what, failure);
                None
            }
        }
    }

    fn usage(&mut self, text: &str) -> Stopped {
        eprintln!("usage: {} {text}", self.name);
        self.status = USAGE;
        Stopped
    }

    /// The options, and operands of which there are `least` to `most`.
    fn options(
        &mut self,
        known: &str,
        (least, most): (usize, usize),
        usage: &str,
    ) -> Result<Options<'static>, Stopped> {
        let words = core::mem::take(&mut self.words);
        match Options::parse(&words, known) {
            Ok(options) if (least..=most).contains(&options.operands.len()) => Ok(options),
            _ => Err(self.usage(usage)),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Outcome {
        self.output.write(&mut Kernel, bytes).map_err(|_| Stopped)
    }

    fn print(&mut self, text: core::fmt::Arguments<'_>) -> Outcome {
        let kernel = &mut Kernel;
        let mut writer = self.output.writer(kernel);
        writer.write_fmt(text).map_err(|_| Stopped)
    }

    fn names(&self) -> Result<&Names, Failure> {
        self.names.as_ref().ok_or(Failure::Standard(Status::NotFound))
    }

    fn lookup(&self, path: &str) -> Result<CapabilitySet, Failure> {
        self.names()?.lookup(&mut Kernel, path.as_bytes())
    }

    /// The first capability at a path.
    fn object(&self, path: &str) -> Result<Capability, Failure> {
        let set = self.lookup(path)?;
        Ok(directory::object(&mut Kernel, &set)?)
    }

    /// The capability at a path; if there is none that is told.
    fn named(&mut self, path: &str) -> Option<Capability> {
        let object = self.object(path);
        self.tried(path, object)
    }

    /// The file server: that of the environment, or the default one.
    fn file_server(&self) -> Result<Capability, Failure> {
        match self.arguments.capability("BULLET") {
            Some(server) => Ok(server),
            None => self.object("/profile/cap/bulletsvr/default"),
        }
    }

    /// Enters an object at a path; in place of what is there if that is wanted.
    fn enter(
        &mut self,
        path: &str,
        set: &CapabilitySet,
        masks: &proto::soap::Masks,
        replaces: bool,
    ) -> Result<(), Failure> {
        let names = self.names()?;
        match names.append(&mut Kernel, path.as_bytes(), set, masks) {
            Err(Failure::Standard(Status::Exists)) if replaces => {
                names.replace(&mut Kernel, path.as_bytes(), set)
            }
            done => done,
        }
    }

    /// The streams of files, and their names; without names the program's input.
    fn inputs(&mut self, paths: &[&'static str]) -> Vec<(&'static str, Input)> {
        let own = Input::new(self.arguments.stream("STDIN"));
        if paths.is_empty() {
            return Vec::from([("-", own)]);
        }
        let mut inputs = Vec::new();
        for path in paths {
            if *path == "-" {
                inputs.push((*path, own.clone()));
            } else if let Some(object) = self.named(path) {
                inputs.push((*path, Input::new(object)));
            }
        }
        inputs
    }

    /// The line that tells what an object is.
    fn line(&self, object: &Capability) -> Result<String, Status> {
        let mut buffer = [0; 256];
        match libamoeba::standard::info(&mut Kernel, object, &mut buffer) {
            Ok(length) => Ok(String::from_utf8_lossy(&buffer[..length]).trim_end().to_string()),
            Err(Status::Overflow) => Ok(String::from_utf8_lossy(&buffer).into_owned() + "..."),
            Err(status) => Err(status),
        }
    }
}
