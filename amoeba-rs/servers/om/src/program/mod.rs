//! The manager as a program.

mod machine;

use alloc::string::String;
use alloc::vec::Vec;
use libamoeba::directory::Names;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls};
use libamoeba::{eprintln, explain, println};
use machine::Machine;
use om::{Plan, Report, round};
use proto::capability::Capability;
use proto::capability_set::CapabilitySet;
use proto::soap::Failure;
use proto::standard::Status;

libamoeba::program!(main);

/// How long servers are looked for, in milliseconds.
const LOCATE: u32 = 2000;
/// Minutes between two rounds if nothing is said.
const USUAL_PAUSE: u32 = 60;
/// Milliseconds of a minute.
const MINUTE: u32 = 60_000;
/// Minutes that the pause may have: a sleep is a number of milliseconds of four bytes.
const LONGEST_PAUSE: u32 = 24 * 60;

/// What the command line says.
struct Options<'a> {
    pause: u32,
    rounds: Option<u32>,
    aged: Vec<&'a str>,
    replicas: Vec<&'a str>,
    roots: Vec<&'a str>,
}

impl<'a> Options<'a> {
    fn parse(mut words: impl Iterator<Item = &'a str>) -> Option<Options<'a>> {
        let mut options = Options {
            pause: USUAL_PAUSE,
            rounds: None,
            aged: Vec::new(),
            replicas: Vec::new(),
            roots: Vec::new(),
        };
        while let Some(word) = words.next() {
            match word {
                "-i" => options.pause = words.next()?.parse().ok()?,
                "-n" => options.rounds = Some(words.next()?.parse().ok()?),
                "-a" => options.aged.push(words.next()?),
                "-r" => options.replicas.push(words.next()?),
                _ if word.starts_with('-') => return None,
                _ => options.roots.push(word),
            }
        }
        if options.roots.is_empty() {
            options.roots.push("/");
        }
        (1..=LONGEST_PAUSE).contains(&options.pause).then_some(options)
    }
}

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let name = words.next().unwrap_or("om");
    let Some(options) = Options::parse(words) else {
        eprintln!("usage: {name} [-i minutes] [-n rounds] [-a server]... [-r server]... [root]...");
        return 2;
    };
    let Some(names) = Names::from_environment(|name| arguments.capability(name)) else {
        eprintln!("{name}: no capability ROOT");
        return 1;
    };
    calls::timeout(LOCATE);
    let mut is_good = true;
    for number in 0_u32.. {
        if options.rounds == Some(number) {
            break;
        }
        if number > 0 {
            calls::sleep(options.pause * MINUTE);
        }
        is_good = match plan(&names, &options) {
            Ok(plan) => tell(name, &round(&mut Machine, &plan)),
            Err((path, failure)) => {
                eprintln!("{name}: {path}: {}", explain(failure));
                false
            }
        };
    }
    i32::from(!is_good)
}

/// What a round is to do. Without all of its servers and roots there is none: what could not be found would count as gone.
fn plan<'a>(names: &Names, options: &Options<'a>) -> Result<Plan, (&'a str, Failure)> {
    let look_up = |path: &'a str| -> Result<CapabilitySet, _> {
        names
            .lookup(&mut Kernel, path.as_bytes())
            .map_err(|why| (path, why))
    };
    let server = |path: &'a str| -> Result<Capability, _> {
        let set = look_up(path)?;
        let first = set.members().next().ok_or((path, Status::NotFound.into()))?;
        Ok(first.capability)
    };
    Ok(Plan {
        roots: options
            .roots
            .iter()
            .map(|path| look_up(path))
            .collect::<Result<_, _>>()?,
        aged: options
            .aged
            .iter()
            .map(|path| server(path))
            .collect::<Result<_, _>>()?,
        replicas: options
            .replicas
            .iter()
            .map(|path| server(path))
            .collect::<Result<_, _>>()?,
    })
}

/// Tells what a round has done; whether all of it went well.
fn tell(name: &str, report: &Report) -> bool {
    let Report {
        directories,
        touched,
        copied,
        aged,
        ..
    } = report;
    for (path, why) in report.unread.iter().chain(&report.failures) {
        eprintln!("{name}: {}: {}", String::from_utf8_lossy(path), explain(*why));
    }
    println!(
        "{name}: {directories} directories, {touched} objects touched, {copied} files copied, {aged} servers aged"
    );
    if !report.unread.is_empty() {
        eprintln!("{name}: not everything could be reached, so nothing was counted older");
    }
    report.unread.is_empty() && report.failures.is_empty()
}
