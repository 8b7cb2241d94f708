//! Labs in which processes are taken from machine to machine, and the frames by which that is done.

use crate::{Memory, lab};
use clock::{Instant, Span};
use machines::image::ImageBytes;
use machines::lab::Lab;
use machines::runtime::{Runtime, What};
use proto::process::server::Command;
use wire::Record;

/// The machine where a process begins.
pub const SOURCE: usize = 0;
/// The one where it goes.
pub const DESTINATION: usize = 1;
/// The one whose program `migrate` asks for it.
pub const THIRD: usize = 2;
/// Another one.
pub const PEER: usize = 3;

/// The station addresses of source and destination.
pub const BETWEEN: &str = "02:60:8c:00:00:01 02:60:8c:00:00:02";

/// A program and its arguments.
pub type Program<'a> = (&'a str, &'a str);

/// Where a frame holds the header of a transaction: behind the Ethernet header, the fragment control and FLIP's header.
const TRANSACTION: usize = 14 + 2 + 40;
/// Where its type is, and what type a request has.
const KIND: usize = TRANSACTION + 14;
const REQUEST: u8 = 3;
/// Where the command is: behind port, signature and private part of the message's header.
const COMMAND: usize = TRANSACTION + 24 + 22;

/// Machines with these programs, and kernels with these options.
#[must_use]
pub fn machines(options: &str, programs: &[&[Program<'_>]]) -> Lab {
    let mut text = format!(
        r#"
format = 1
[lab]
name = "migration"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "4MB"
cpu = {{ model = "386dx", clock = "40MHz", fpu = "none" }}
boot = {{ from = "direct", image = "kernel", args = "peers=0 {options}" }}
[[profile.pc.card]]
segment = "ether0"
type = "3c503"
io = 0x280
irq = 3
ram = 0xCC000
"#
    );
    let mut names: Vec<&str> = programs
        .iter()
        .copied()
        .flatten()
        .map(|(name, _)| *name)
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        text += &format!("[image.{name}]\npath = \"builtin:{name}\"\n");
    }
    for (number, programs) in programs.iter().enumerate() {
        text += &format!(
            "[machine.m{number}]\nextends = \"pc\"\nnic = {{ mac = \"02:60:8c:00:00:0{}\" }}\n",
            number + 1
        );
        for (program, arguments) in *programs {
            text += &format!("[[machine.m{number}.module]]\nimage = \"{program}\"\nargs = \"{arguments}\"\n");
        }
    }
    lab(&text)
}

/// A lab with its images.
pub struct Stage {
    lab: Lab,
    images: Vec<ImageBytes>,
}

impl Stage {
    /// The lab that [`machines`] describes.
    ///
    /// # Panics
    /// If a program is not built in.
    #[must_use]
    pub fn new(options: &str, programs: &[&[Program<'_>]]) -> Stage {
        let lab = machines(options, programs);
        let images = machines::image::load_all(&lab).expect("built-in programs");
        Stage { lab, images }
    }

    /// The lab, switched on.
    ///
    /// # Panics
    /// If it cannot be built.
    #[must_use]
    pub fn start(&self) -> Runtime {
        Runtime::build(&self.lab, &self.images).expect("a lab that can be built")
    }
}

/// Runs until this holds, or to `limit`; what happens is added to `memory`.
pub fn run_until(
    runtime: &mut Runtime,
    memory: &mut Memory,
    limit: Instant,
    is_over: impl Fn(&Memory) -> bool,
) {
    while runtime.now() < limit && !is_over(memory) {
        let next = (runtime.now() + Span::from_milliseconds(250)).min(limit);
        runtime.run(next, 1, memory);
    }
}

/// How often a machine has printed a line that ends so.
#[must_use]
pub fn count(memory: &Memory, machine: usize, end: &str) -> usize {
    let console = memory.console(machine);
    console.lines().filter(|line| line.ends_with(end)).count()
}

/// A lab just before a process is taken to another machine, and when the frames begin by which that is done.
pub struct Journey {
    fork: Runtime,
    before: Memory,
    /// From the request to the end of the program that asks for it; each is the first instant of a frame.
    pub frames: Vec<Instant>,
}

/// How long before the first frame the lab is kept: longer than a window, so that nothing of the frame is certain.
const BEFORE: Span = Span::from_microseconds(200);

impl Journey {
    /// Goes once through the migration that the stage's program `migrate` asks for.
    ///
    /// # Panics
    /// If there is none within 20 s.
    #[must_use]
    pub fn new(stage: &Stage) -> Journey {
        let is_over = |memory: &Memory| memory.console(THIRD).contains("migrate exited");
        let mut memory = Memory::default();
        let limit = Instant::START + Span::from_milliseconds(20_000);
        run_until(&mut stage.start(), &mut memory, limit, is_over);
        let end = told(&memory, THIRD, "migrate: ");
        let frames = frames(&memory);
        let asks = |bytes: &[u8]| {
            let command = bytes.get(COMMAND..COMMAND + 2);
            bytes.get(KIND) == Some(&REQUEST)
                && [Command::Migrate, Command::GetOwner]
                    .iter()
                    .any(|asked| command == Some(&asked.code().to_le_bytes()))
        };
        let first = frames.iter().find(|(_, bytes)| asks(bytes));
        let begin = first.expect("a request to take a process away").0;
        let starts = frames.iter().map(|(start, _)| *start);
        let (mut fork, mut before) = (stage.start(), Memory::default());
        fork.run(begin - BEFORE, 1, &mut before);
        Journey {
            fork,
            before,
            frames: starts.filter(|start| (begin..end).contains(start)).collect(),
        }
    }

    /// The lab from there on.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        self.fork.clone()
    }

    /// What happened before and what happens from there on, with a disturbance, until this holds or for `limit`, and in the second
    /// that follows.
    #[must_use]
    pub fn go_on(
        &self,
        limit: Span,
        disturb: impl FnOnce(&mut Runtime),
        is_over: impl Fn(&Memory) -> bool,
    ) -> Memory {
        let mut runtime = self.runtime();
        disturb(&mut runtime);
        let mut memory = self.before.clone();
        let limit = runtime.now() + limit;
        run_until(&mut runtime, &mut memory, limit, is_over);
        runtime.run(runtime.now() + Span::from_milliseconds(1000), 1, &mut memory);
        memory
    }
}

/// All frames, with the instants at which they begin.
fn frames(memory: &Memory) -> Vec<(Instant, &[u8])> {
    let happenings = memory.happenings.iter();
    let frames = happenings.filter_map(|happening| match &happening.what {
        What::Wire {
            record: Record::Frame { start, frame, .. },
            ..
        } => Some((*start, frame.bytes())),
        _ => None,
    });
    frames.collect()
}

/// When a machine had printed this text.
fn told(memory: &Memory, wanted_machine: usize, wanted: &str) -> Instant {
    let mut text = String::new();
    for happening in &memory.happenings {
        if let What::Console { machine, byte } = happening.what
            && machine == wanted_machine
        {
            text.push(char::from(byte));
            if text.ends_with(wanted) {
                return happening.at;
            }
        }
    }
    panic!("{wanted} is not in {text}");
}
