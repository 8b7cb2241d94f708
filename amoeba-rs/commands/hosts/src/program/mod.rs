//! The commands.

mod clock;
mod kernels;
mod processes;
mod services;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{Display, Formatter};
use libamoeba::directory::Names;
use libamoeba::system::Kernel;
use libamoeba::system::start::Arguments;
use libamoeba::{directory, eprintln, explain, host};
use proto::capability::Capability;
use proto::capability_text;
use proto::soap::Failure;
use proto::standard::Status;

libamoeba::program!(main);

/// Why a command did not do what it should.
enum Error {
    /// It was called wrongly: how it is called.
    Usage(&'static str),
    /// Something went wrong with something.
    Failed(String),
}

impl Error {
    fn new(what: impl Display, why: impl Display) -> Error {
        Error::Failed(format!("{what}: {why}"))
    }

    /// What a server has answered about something.
    fn of(what: impl Display, failure: impl Into<Failure>) -> Error {
        Error::new(what, explain(failure))
    }
}

impl Display for Error {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::Usage(usage) => write!(formatter, "usage: {usage}"),
            Error::Failed(why) => formatter.write_str(why),
        }
    }
}

/// A command: what it finds in its environment, and its words.
struct Command<'a> {
    arguments: &'a Arguments,
    names: Option<Names>,
    words: Vec<&'a str>,
}

type Action = fn(&Command<'_>) -> Result<(), Error>;

/// Commands by their names.
const COMMANDS: [(&str, Action); 14] = [
    ("aps", processes::list),
    ("boot_conf", services::configure),
    ("boot_config", services::configuration),
    ("boot_ctl", services::control),
    ("boot_reinit", services::reinitialise),
    ("boot_setio", services::set_output),
    ("boot_shutdown", services::shut_down),
    ("date", clock::date),
    ("mkhost", kernels::make_host),
    ("ping", kernels::ping),
    ("printbuf", kernels::print_buffer),
    ("random", clock::random),
    ("reboot", kernels::reboot),
    ("stun", processes::stun),
];

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let called = words.next().unwrap_or("hosts");
    let mut name = called.rsplit('/').next().unwrap_or(called);
    if name == "hosts" {
        name = words.next().unwrap_or_default();
    }
    let Some((name, action)) = COMMANDS.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: hosts {} ...", names.join("|"));
        return 2;
    };
    let command = Command {
        arguments,
        names: Names::from_environment(|name| arguments.capability(name)),
        words: words.collect(),
    };
    match action(&command) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{name}: {error}");
            if matches!(error, Error::Usage(_)) { 2 } else { 1 }
        }
    }
}

impl Command<'_> {
    /// The kernel directory of a host.
    fn host(&self, word: &str) -> Result<Capability, Error> {
        host::named(&mut Kernel, self.names.as_ref(), word).map_err(|why| Error::of(word, why))
    }

    /// A server or a process of a host, by its path in the kernel's directory.
    fn of_host(&self, word: &str, path: &str) -> Result<Capability, Error> {
        let kernel = self.host(word)?;
        host::lookup(&mut Kernel, &kernel, path).map_err(|why| Error::of(word, why))
    }

    fn look_up(&self, path: &str) -> Result<Capability, Failure> {
        let names = self.names.as_ref().ok_or(Status::NotFound)?;
        let set = names.lookup(&mut Kernel, path.as_bytes())?;
        Ok(directory::object(&mut Kernel, &set)?)
    }

    /// An object by its capability in writing or by its path.
    fn object(&self, word: &str) -> Result<Capability, Error> {
        if let Some(capability) = capability_text::parse(word) {
            return Ok(capability);
        }
        if word.starts_with('/') {
            return self.look_up(word).map_err(|why| Error::of(word, why));
        }
        let (host, path) = word.split_once('/').unwrap_or((word, ""));
        let kernel = self.host(host)?;
        host::lookup(&mut Kernel, &kernel, path).map_err(|why| Error::of(word, why))
    }
}
