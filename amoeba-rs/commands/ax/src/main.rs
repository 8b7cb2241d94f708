//! `ax [-n] [-p POOL] [-c NAME=PATH]... [-e NAME=VALUE]... HOST PROGRAM [ARGUMENT]...`: runs a program on a host.
//!
//! HOST is a name in `/profile/hosts`, a path of a kernel's directory, the station address of a machine's first card, or `-`: then the run
//! server of POOL chooses one. PROGRAM is a path, or a name that is looked for in the directories of the variable `PATH`, or the name of a
//! file in the environment of capabilities. The program is given this one's environments, changed as the options say: -c puts the object
//! at PATH into the environment of capabilities, -e sets a variable. This command owns the program: it waits for its end and ends with the
//! same status. With -n nobody owns it, and nobody waits. The terminal's interrupt is passed on to the program.

#![no_std]
#![no_main]

extern crate alloc;

mod options;
mod placing;

use alloc::string::String;
use alloc::vec::Vec;
use libamoeba::classes::process;
use libamoeba::directory::Names;
use libamoeba::eprintln;
use libamoeba::owner::{End, News, Owner};
use libamoeba::program::{self, File, Start};
use libamoeba::system::interrupts::{self, Target};
use libamoeba::system::ownership::{self, Inbox};
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, identity};
use libamoeba::terminal;
use options::Options;
use placing::{Error, Place};
use proto::capability::{Capability, Port};
use proto::process::server::LONGEST_COMMENT;
use proto::terminal::Signal;

libamoeba::program!(main);

/// How often a host is looked for on which the program can be started: one may go down after it was chosen.
const TRIES: u32 = 3;
/// The exit status if the program was not run, or did not end by itself.
const FAILED: i32 = 255;
/// The exit status if the terminal's interrupt ended the program.
const INTERRUPTED: i32 = 128 + Signal::Interrupt as i32;
/// The capability to which a program says where it listens to interrupts.
const SIGNALS: &str = "SIGNALS";

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let name = words.next().unwrap_or("ax");
    let words: Vec<&str> = words.collect();
    let Some(options) = Options::parse(&words) else {
        eprintln!(
            "usage: {name} [-n] [-p pool] [-c name=path]... [-e name=value]... host program [argument]..."
        );
        return FAILED;
    };
    match run(arguments, &options) {
        Ok(None) => 0,
        Ok(Some(End::Exited(status))) => status,
        Ok(Some(End::Stunned(_))) if interrupts::take() => INTERRUPTED,
        Ok(Some(end)) => {
            eprintln!("{name}: {}: {end}", options.program);
            FAILED
        }
        Err(error) => {
            eprintln!("{name}: {error}");
            FAILED
        }
    }
}

fn run(arguments: &Arguments, options: &Options<'_>) -> Result<Option<End>, Error> {
    let names = Names::from_environment(|name| arguments.capability(name));
    let file = placing::file(arguments, names.as_ref(), options.program)?;
    let descriptor = placing::descriptor(&file, options.program)?;
    let owner = if options.is_left {
        None
    } else {
        Some(owner(arguments)?)
    };
    let environment = options.environment(arguments);
    let mut capabilities = capabilities(arguments, names.as_ref(), options)?;
    capabilities.retain(|(name, _)| name != SIGNALS);
    if owner.is_some() {
        listen(arguments)?;
    }
    let place = Place::find(arguments, names.as_ref(), options)?;
    let mut last = None;
    for number in 1..=TRIES {
        let (host, server) = place.server(&descriptor)?;
        let signals = owner.map(|(owner, _)| (SIGNALS, owner.signals(number)));
        let all = capabilities.iter().map(|(name, value)| (&**name, *value));
        let start = Start {
            arguments: &options.words,
            environment: &environment,
            capabilities: &all.chain(signals).collect::<Vec<_>>(),
            owner: owner.map_or(Capability::NULL, |(owner, _)| owner.of(number)),
        };
        match program::exec(&mut Kernel, &server, File::At(&descriptor, file), &start) {
            Ok(process) => {
                name(&process, options.program);
                return Ok(owner.map(|(_, inbox)| wait(inbox, number, process)));
            }
            Err(failure) => last = Some(Error::new(&host, failure)),
        }
        if !place.is_chosen() {
            break;
        }
    }
    Err(last.unwrap_or_else(|| Error::new(options.program, "not started")))
}

/// A port that nobody else knows.
fn port(arguments: &Arguments) -> Result<Port, Error> {
    let random = arguments
        .capability("RANDOM")
        .ok_or_else(|| Error::new("RANDOM", "not in the environment"))?;
    identity::port(&random).map_err(|status| Error::new("random numbers", status))
}

/// Who owns the program, and what is told of it.
fn owner(arguments: &Arguments) -> Result<(Owner, &'static Inbox), Error> {
    let owner = Owner::new(port(arguments)?, port(arguments)?);
    let inbox = ownership::listen(owner);
    let inbox = inbox.ok_or_else(|| Error::new("a thread that hears of the end", "no room"))?;
    Ok((owner, inbox))
}

/// Has this command told of the terminal's interrupt, if its parent knows how.
fn listen(arguments: &Arguments) -> Result<(), Error> {
    let Some(signals) = arguments.capability(SIGNALS) else {
        return Ok(());
    };
    let port = port(arguments)?;
    if interrupts::listen(port) {
        // Without it the interrupt ends this command alone.
        let _ = terminal::set_interrupt(&mut Kernel, &signals, &interrupts::capability(port));
    }
    Ok(())
}

/// The environment of capabilities that the program gets.
fn capabilities(
    arguments: &Arguments,
    names: Option<&Names>,
    options: &Options<'_>,
) -> Result<Vec<(String, Capability)>, Error> {
    let mut all: Vec<(String, Capability)> = Vec::new();
    for (name, path) in &options.capabilities {
        all.push((String::from(*name), placing::object(names, path)?));
    }
    for (name, capability) in arguments.capabilities() {
        if all.iter().all(|(known, _)| known != name) {
            all.push((String::from(name), capability));
        }
    }
    Ok(all)
}

/// Gives the process the program's name as its comment, by which it is told from others.
fn name(process: &Capability, program: &str) {
    let name = program.rsplit('/').next().unwrap_or(program);
    let end = name.floor_char_boundary(LONGEST_COMMENT);
    // It may have ended already.
    let _ = process::set_comment(&mut Kernel, process, &name[..end]);
}

/// Waits for the end of the process that was started with this number. It may end on another machine.
fn wait(inbox: &Inbox, number: u32, process: Capability) -> End {
    let mut target = Target {
        process,
        listener: None,
    };
    loop {
        interrupts::set_foreground(Vec::from([target]));
        match inbox.next() {
            (told_of, _) if told_of != number => {}
            (_, News::Ended(_, end)) => return end,
            (_, News::Moved(swap)) => target.process = swap.new,
            (_, News::Listens(listener)) => {
                target.listener = Some(listener).filter(|listener| *listener != Capability::NULL);
            }
        }
    }
}
