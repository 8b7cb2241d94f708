//! Labs in which processes are taken from machine to machine, and the frames by which that is done.

use crate::{Memory, lab};
use clock::{Instant, Span};
use machines::image::ImageBytes;
use machines::lab::Lab;
use machines::machine::{PowerEvent, TornSector};
use machines::runtime::{Happening, Observer, Runtime, What};
use proto::process::server::Command;
use std::ops::ControlFlow;
use wire::{Chance, Deed, FaultRule, Matcher, Place, Record, Turns};

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
    machines_with_copies(options, &[], programs)
}

/// Such machines, whose programs may have other names: pairs of a name and the program of which it is one.
fn machines_with_copies(options: &str, copies: &[(&str, &str)], programs: &[&[Program<'_>]]) -> Lab {
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
        let copied = copies.iter().find(|(copy, _)| *copy == name);
        let program = copied.map_or(name, |(_, program)| program);
        text += &format!("[image.{name}]\npath = \"builtin:{program}\"\n");
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

/// Whether a frame is the first of a request with this command.
fn is_request(bytes: &[u8], command: Command) -> bool {
    bytes.get(KIND) == Some(&REQUEST)
        && bytes.get(COMMAND..COMMAND + 2) == Some(&command.code().to_le_bytes())
}

/// Runs until the first frame of a request with this command has been on the cable, or to `limit`; what happens is added to `memory`. Whether
/// there was one.
pub fn run_to_request(runtime: &mut Runtime, memory: &mut Memory, limit: Instant, command: Command) -> bool {
    struct Watch<'a> {
        memory: &'a mut Memory,
        command: Command,
        is_seen: bool,
    }
    impl Observer for Watch<'_> {
        fn window(&mut self, now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
            self.is_seen |= happenings.iter().any(|happening| match &happening.what {
                What::Wire {
                    record: Record::Frame { frame, .. },
                    ..
                } => is_request(frame.bytes(), self.command),
                _ => false,
            });
            let flow = self.memory.window(now, happenings);
            if self.is_seen {
                ControlFlow::Break(())
            } else {
                flow
            }
        }
    }
    let mut watch = Watch {
        memory,
        command,
        is_seen: false,
    };
    runtime.run(limit, 1, &mut watch);
    watch.is_seen
}

/// A lab with its images.
pub struct Stage {
    lab: Lab,
    images: Vec<ImageBytes>,
}

impl Stage {
    /// The lab that [`machines()`] describes.
    ///
    /// # Panics
    /// If a program is not built in.
    #[must_use]
    pub fn new(options: &str, programs: &[&[Program<'_>]]) -> Stage {
        Stage::with_copies(options, &[], programs)
    }

    /// Such a lab whose programs may have other names: pairs of a name and the program of which it is one.
    ///
    /// # Panics
    /// If a program is not built in.
    #[must_use]
    pub fn with_copies(options: &str, copies: &[(&str, &str)], programs: &[&[Program<'_>]]) -> Stage {
        let lab = machines_with_copies(options, copies, programs);
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

    /// The lab in which [`THIRD`] is switched on late.
    #[must_use]
    pub fn start_third_at(&self, milliseconds: u64) -> Runtime {
        let mut runtime = self.start();
        let on = Instant::START + Span::from_milliseconds(milliseconds);
        runtime.schedule_power(THIRD, Instant::START, PowerEvent::Off(TornSector::Old));
        runtime.schedule_power(THIRD, on, PowerEvent::On);
        runtime
    }
}

/// What the machines have printed.
#[derive(Clone, Debug, Default)]
pub struct Consoles(Vec<String>);

impl Observer for Consoles {
    fn window(&mut self, _now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        for happening in happenings {
            if let What::Console { machine, byte } = happening.what {
                if self.0.len() <= machine {
                    self.0.resize(machine + 1, String::new());
                }
                self.0[machine].push(char::from(byte));
            }
        }
        ControlFlow::Continue(())
    }
}

impl Consoles {
    /// What a machine has printed.
    #[must_use]
    pub fn of(&self, machine: usize) -> &str {
        self.0.get(machine).map_or("", String::as_str)
    }

    /// How often a machine has printed a line that ends so.
    #[must_use]
    pub fn count(&self, machine: usize, end: &str) -> usize {
        self.of(machine)
            .lines()
            .filter(|line| line.ends_with(end))
            .count()
    }
}

/// How often it is seen whether something holds.
const STEP: Span = Span::from_milliseconds(250);

/// Runs until this holds, or to `limit`; what is printed is added to `consoles`.
pub fn run_until(
    runtime: &mut Runtime,
    consoles: &mut Consoles,
    limit: Instant,
    is_over: impl Fn(&Consoles) -> bool,
) {
    while runtime.now() < limit && !is_over(consoles) {
        let next = (runtime.now() + STEP).min(limit);
        runtime.run(next, 1, consoles);
    }
}

/// A migration, and the frames by which it is done.
pub struct Journey {
    /// The lab before the first of the frames.
    before: Moment,
    /// From the first request to when all have been told; each is the first instant of a frame.
    pub frames: Vec<Instant>,
}

/// A lab in the middle of a run.
#[derive(Clone)]
struct Moment {
    runtime: Runtime,
    consoles: Consoles,
}

/// How long before a frame a lab is copied: longer than a window, so that nothing of the frame is certain.
const BEFORE: Span = Span::from_microseconds(200);
/// Longer than the longest frame, with [`BEFORE`].
const PAUSE: Span = Span::from_microseconds(1500);

impl Journey {
    /// Goes once through the migration that the program `migrate` of this lab asks for; it is over when each of these machines has
    /// printed this text.
    ///
    /// # Panics
    /// If there is none within 20 s.
    #[must_use]
    pub fn new(start: impl Fn() -> Runtime, ends: &[(usize, &str)]) -> Journey {
        let (mut runtime, mut memory) = (start(), Memory::default());
        let limit = Instant::START + Span::from_milliseconds(20_000);
        let is_over = |memory: &Memory| {
            let mut ends = ends.iter();
            ends.all(|(machine, text)| memory.console(*machine).contains(text))
        };
        while runtime.now() < limit && !is_over(&memory) {
            runtime.run(runtime.now() + STEP, 1, &mut memory);
        }
        let ends = ends.iter().map(|(machine, text)| told(&memory, *machine, text));
        let end = ends.max().expect("something that is told");
        let frames = frames(&memory);
        let asks = |bytes: &[u8]| {
            [Command::Migrate, Command::MigrationStun]
                .iter()
                .any(|command| is_request(bytes, *command))
        };
        let first = frames.iter().find(|(_, bytes)| asks(bytes));
        let begin = first.expect("a request to take a process away").0;
        let (mut runtime, mut consoles) = (start(), Consoles::default());
        runtime.run(begin - BEFORE, 1, &mut consoles);
        let starts = frames.iter().map(|(start, _)| *start);
        Journey {
            before: Moment { runtime, consoles },
            frames: starts.filter(|start| (begin..end).contains(start)).collect(),
        }
    }

    /// The lab before the first frame.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        self.before.runtime.clone()
    }

    /// What the machines had printed by then.
    #[must_use]
    pub fn consoles(&self) -> &Consoles {
        &self.before.consoles
    }

    /// Has something happen at each frame in turn, each time in a copy of the lab.
    pub fn at_each_frame(&self, mut action: impl FnMut(At<'_>)) {
        let mut moment = self.before.clone();
        let (mut first, mut last) = (0, None);
        for (place, start) in self.frames.iter().enumerate() {
            // Copied is where no frame is on the cable, so that frames can be counted from there.
            if last.is_some_and(|last| start.since(last) > PAUSE) {
                moment.runtime.run(*start - BEFORE, 1, &mut moment.consoles);
                first = place;
            }
            last = Some(*start);
            action(At {
                number: place + 1,
                moment: &moment,
                turn: (place - first + 1) as u64,
                start: *start,
            });
        }
    }
}

/// A frame of a journey, and a lab shortly before.
pub struct At<'a> {
    /// The frame's number; the first is 1.
    pub number: usize,
    moment: &'a Moment,
    /// Which frame it is from then on.
    turn: u64,
    start: Instant,
}

/// What happens at a frame.
#[derive(Clone, Copy, Debug)]
pub enum Disturbance {
    /// It is lost.
    Lost,
    /// A machine loses its power while the frame is on the cable.
    Off(usize),
}

/// Nobody waits for a machine longer than this without a frame on the cable: the longest pauses are the 20 s between two questions of a
/// client and the 30 s of a server's that waits for an acknowledgement, with what FLIP needs to look for the other for 5.2 s.
const SILENCE: Span = Span::from_milliseconds(40_000);

/// What the machines print, and when the last frame began.
struct Watch<'a> {
    consoles: &'a mut Consoles,
    last: Instant,
}

impl Observer for Watch<'_> {
    fn window(&mut self, now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        for happening in happenings {
            if let What::Wire {
                record: Record::Frame { start, .. },
                ..
            } = &happening.what
            {
                self.last = self.last.max(*start);
            }
        }
        self.consoles.window(now, happenings)
    }
}

/// How long a lab is watched after everything that was expected has happened: long enough for whatever happens twice to happen again.
const AFTERWARDS: Span = Span::from_milliseconds(20_000);

impl At<'_> {
    /// What the machines print, until this holds, until all has been silent so long that nothing more will come, or for `limit`; and in
    /// the time that follows.
    #[must_use]
    pub fn go_on(
        &self,
        disturbance: Disturbance,
        limit: Span,
        is_over: impl Fn(&Consoles) -> bool,
    ) -> Consoles {
        let Moment {
            mut runtime,
            mut consoles,
        } = self.moment.clone();
        match disturbance {
            Disturbance::Lost => runtime.add_fault(0, lost(self.turn)),
            Disturbance::Off(machine) => {
                let at = self.start + Span::from_nanoseconds(20_000);
                runtime.schedule_power(machine, at, PowerEvent::Off(TornSector::Old));
            }
        }
        let mut watch = Watch {
            consoles: &mut consoles,
            last: runtime.now(),
        };
        let limit = runtime.now() + limit;
        while runtime.now() < limit && runtime.now().since(watch.last) <= SILENCE && !is_over(watch.consoles)
        {
            runtime.run(runtime.now() + STEP, 1, &mut watch);
        }
        runtime.run(runtime.now() + AFTERWARDS, 1, &mut watch);
        consoles
    }
}

/// Loses a frame; 1 is the next one.
fn lost(turn: u64) -> FaultRule {
    FaultRule {
        name: String::from("lost"),
        from: Instant::START,
        until: Instant::NEVER,
        matcher: Matcher::default(),
        turns: Turns::Only(turn),
        chance: Chance::CERTAIN,
        place: Place::Cable,
        deed: Deed::Lose,
        seed: 0,
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
