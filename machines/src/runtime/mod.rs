//! The lab runtime: machines in windows of virtual time, cables settled between them.
//!
//! [`Runtime::run`] repeats three steps. First every machine that has anything to do runs alone up to the window's
//! end, on any number of host threads (`crew`). Then each segment is given what its stations asked for and settles
//! everything up to the window's end. Last the notices go to the machines' inboxes, at their exact instants: all of the
//! next [`wire::Segment::window`] (57.6 us unless a cable is very long). Nothing that a thread does can reach another
//! machine within a window, so the result is the same for any number of threads.
//!
//! A machine stops between two instructions, and the last one may reach over the window's end. Windows are therefore
//! shorter than what is settled by the length of an access to a card: whatever such an instruction meets is known. So
//! where windows begin and end shows nowhere in the result but in the trace, which is taken at their ends; and where they lie follows from
//! the lab alone (`windows`). Those in which nothing is due are passed over.
//!
//! Traffic generators are stations without a machine: they run between windows, up to where the cables are settled.
//! The lab file's faults are known from the beginning: the cables and machines that they concern have them before the lab runs. What is typed, and
//! whatever else is done from outside, happens at an instant beyond what has been settled (`inputs`).
//!
//! A limit that lies within a window only interrupts it: the next call goes on as if it had never been left.

mod crew;
mod faults;
mod generators;
mod happening;
mod inputs;
mod statistics;
mod windows;

pub use happening::{Happening, ResetCause, StopCause, StopReport, What};
pub use inputs::Deed;
pub use statistics::{CardStatistics, GeneratorStatistics, MachineStatistics, SegmentStatistics, Statistics};

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use clock::{Instant, Rate};
use thiserror::Error;
use wire::{FaultRule, Request, Segment, Settlement, StationId};

use crate::board::Output;
use crate::image::ImageBytes;
use crate::lab::{self, Access, Boot, Image, ImageSource, Lab};
use crate::machine::{
    Fittings, Machine, MachineEvents, Origin, PowerEvent, Start, StartError, Stretch, Switch,
};
use crate::media::{DiskImage, Media};
use crew::{Coordinator, Crew};
use generators::Generator;
use inputs::Script;
use windows::Windows;

/// Watches a running lab from outside. It cannot change what happens in virtual time, only end the run.
pub trait Observer {
    /// One window has been settled: virtual time has reached `now`, and `happenings` is what became known since the
    /// last call, in the order of its instants. A frame becomes known at its end and carries the instant of its
    /// beginning. `Break` ends the run here.
    fn window(&mut self, now: Instant, happenings: &[Happening]) -> ControlFlow<()>;
}

/// Why [`Runtime::run`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The limit in virtual time was reached.
    Limit,
    /// The observer ended the run.
    Observer,
    /// Every machine has stopped by itself.
    AllStopped,
}

/// Why a lab cannot be built.
#[derive(Debug, Error)]
pub enum BuildError {
    /// A machine cannot start from its kernel or ROM.
    #[error("machine `{machine}` cannot boot image `{image}`: {source}")]
    Load {
        /// The machine's name.
        machine: String,
        /// The image's name in the lab file.
        image: String,
        /// Why.
        source: StartError,
    },
    /// A boot PROM is larger than its socket takes.
    #[error("the image `{image}` has {bytes} bytes, too many for the boot PROM of {interface}")]
    Prom {
        /// The card's interface.
        interface: String,
        /// The image's name in the lab file.
        image: String,
        /// Its size.
        bytes: usize,
    },
    /// The image of a drive cannot be opened.
    #[error("machine `{machine}` cannot have image `{image}` in a drive: {source}")]
    Disk {
        /// The machine's name.
        machine: String,
        /// The image's name in the lab file.
        image: String,
        /// Why.
        source: io::Error,
    },
}

/// A lab that can run. A clone goes on by itself from where the lab is, as the lab would; what a drive writes to a file stays with the
/// original, and the clone has its own copy of it in memory.
#[derive(Clone, Debug)]
pub struct Runtime {
    machines: Vec<Machine>,
    cables: Vec<Cable>,
    generators: Vec<Generator>,
    /// Where each card of each machine is attached: the cable and its station there.
    taps: Vec<Vec<(usize, StationId)>>,
    now: Instant,
    /// The cables are settled up to here: never beyond `now`, and behind it while nothing is due.
    settled: Instant,
    windows: Windows,
    /// The window that a limit has interrupted.
    interrupted: Option<Stretch>,
    settlement: Settlement,
    /// What the lab types when it sees a text, for each machine.
    scripts: Vec<Script>,
    /// What is to be typed for what machines printed in the window that has just ended.
    answers: Vec<(usize, Instant, Switch)>,
    /// A buffer for what generators ask for.
    requests: Vec<Request>,
    happenings: Vec<Happening>,
}

/// A segment and who is attached to it.
#[derive(Clone, Debug)]
struct Cable {
    name: String,
    segment: Segment,
    /// By station number.
    stations: Vec<Station>,
    /// Running hash of its frames, in the order of their beginnings.
    frames: blake3::Hasher,
}

/// Who is at a tap.
#[derive(Clone, Copy, Debug)]
enum Station {
    /// A card of a machine.
    Card { machine: usize, card: usize },
    /// A traffic generator.
    Generator(usize),
}

impl Cable {
    /// Cable `index` of the lab, without stations.
    fn new(lab: &Lab, index: usize, described: &lab::Segment) -> Self {
        let mut segment = Segment::new(&described.settings, lab.seed.wrapping_add(index as u64));
        // A controller's clocks are made for this rate: at another it does not know when bytes come.
        if described.settings.bit_rate == TEN_MEGABITS {
            segment.announce_frames();
        }
        Self {
            name: described.name.clone(),
            segment,
            stations: Vec::new(),
            frames: blake3::Hasher::new(),
        }
    }

    fn attach(&mut self, position_millimetres: u64, station: Station) -> StationId {
        self.stations.push(station);
        self.segment.attach(position_millimetres)
    }
}

/// The bit rate of every 10BASE medium.
const TEN_MEGABITS: Rate = Rate::hertz(10_000_000);

/// A seed for number `number` of things of a `kind` that follows from the lab's: the increments of SplitMix64's
/// sequence, which its generator mixes.
fn seed_for(lab: u64, kind: u64, number: u64) -> u64 {
    (lab ^ kind).wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// A machine of `lab` with what it starts from.
fn machine(lab: &Lab, description: &lab::Machine, images: &[ImageBytes]) -> Result<Machine, BuildError> {
    let (image, start) = match &description.boot {
        Boot::Direct {
            image,
            command_line,
            modules,
        } => {
            let module = |module: &lab::Module| {
                let name = &lab.images[module.image].name;
                let line = format!("{name} {}", module.arguments);
                (images[module.image].clone(), line.trim_end().to_owned())
            };
            let start = Start::Kernel {
                image: images[*image].clone(),
                command_line: command_line.clone(),
                modules: modules.iter().map(module).collect(),
            };
            (image, start)
        }
        Boot::Bios { image, shutdown, .. } => {
            let start = Start::Rom {
                image: images[*image].clone(),
                shutdown: *shutdown,
            };
            (image, start)
        }
    };
    let fittings = Fittings {
        start,
        option_roms: description
            .option_roms
            .iter()
            .map(|rom| images[rom.image].clone())
            .collect(),
        media: media(lab, description, images)?,
    };
    let description = with_boot_proms(lab, description, images)?;
    Machine::new(&description, lab.epoch_seconds, fittings).map_err(|source| BuildError::Load {
        machine: description.name.clone(),
        image: lab.images[*image].name.clone(),
        source,
    })
}

/// `description` with the bytes of its cards' boot PROMs.
fn with_boot_proms(
    lab: &Lab,
    description: &lab::Machine,
    images: &[ImageBytes],
) -> Result<lab::Machine, BuildError> {
    let mut description = description.clone();
    for card in &mut description.cards {
        let Some(image) = card.prom else { continue };
        let bytes = &images[image];
        if bytes.len() > card.settings.model.memory_window_bytes() as usize {
            return Err(BuildError::Prom {
                interface: card.interface.clone(),
                image: lab.images[image].name.clone(),
                bytes: bytes.len(),
            });
        }
        card.settings.boot_prom = Some(Arc::from(&bytes[..]));
    }
    Ok(description)
}

/// What is in the drives of a machine.
fn media(lab: &Lab, description: &lab::Machine, images: &[ImageBytes]) -> Result<Media, BuildError> {
    let medium = |image: usize| {
        let bytes = images[image].clone();
        let Image { access, source, name } = &lab.images[image];
        match (access, source) {
            (Access::ReadOnly, _) => Ok(DiskImage::read_only(bytes)),
            (Access::Direct, ImageSource::File(path)) => {
                DiskImage::direct(path).map_err(|source| BuildError::Disk {
                    machine: description.name.clone(),
                    image: name.clone(),
                    source,
                })
            }
            (Access::Overlay | Access::Direct, _) => Ok(DiskImage::overlay(bytes)),
        }
    };
    let mut media = Media::default();
    for (drive, floppy) in description.floppies.iter().enumerate() {
        let image = floppy.and_then(|floppy| floppy.image);
        media.floppies[drive] = image.map(medium).transpose()?;
    }
    for (drive, disk) in description.disks.iter().enumerate() {
        media.disks[drive] = disk.map(|disk| medium(disk.image)).transpose()?;
    }
    Ok(media)
}

impl Runtime {
    /// Builds `lab`; `images` holds the bytes of [`Lab::images`], in that order.
    ///
    /// # Errors
    /// A machine cannot start from its kernel or ROM, or cannot have a disk.
    ///
    /// # Panics
    /// If `images` does not have one entry for each image of the lab.
    pub fn build(lab: &Lab, images: &[ImageBytes]) -> Result<Self, BuildError> {
        let cables = lab.segments.iter().enumerate();
        let mut cables: Vec<Cable> = cables
            .map(|(index, described)| Cable::new(lab, index, described))
            .collect();
        let mut machines = Vec::new();
        let mut taps = Vec::new();
        for (number, description) in lab.machines.iter().enumerate() {
            let mut machine_taps = Vec::new();
            for (card, described) in description.cards.iter().enumerate() {
                let who = Station::Card {
                    machine: number,
                    card,
                };
                let station = cables[described.segment].attach(described.position_millimetres, who);
                machine_taps.push((described.segment, station));
            }
            taps.push(machine_taps);
            machines.push(machine(lab, description, images)?);
        }
        let mut generators = Vec::new();
        for (number, described) in lab.generators.iter().enumerate() {
            let cable = &mut cables[described.segment];
            let station = cable.attach(described.position_millimetres, Station::Generator(number));
            generators.push(Generator::new(lab, number as u64, described, station));
        }
        faults::prepare(lab, &mut cables, &mut machines);
        let scripts = inputs::prepare(lab, &mut machines);
        Ok(Self {
            windows: Windows::of(&cables),
            machines,
            cables,
            generators,
            taps,
            now: Instant::START,
            settled: Instant::START,
            interrupted: None,
            settlement: Settlement::default(),
            scripts,
            answers: Vec::new(),
            requests: Vec::new(),
            happenings: Vec::new(),
        })
    }

    /// Keeps what the machines write to overlays in files of `folder` from now on: `MACHINE-disk0.overlay` and so on. Until
    /// then, and without this call, it is in memory.
    ///
    /// # Errors
    /// The host refuses a file, which is named.
    pub fn keep_overlays(&mut self, folder: &Path) -> Result<(), (String, io::Error)> {
        let mut machines = self.machines.iter_mut();
        machines.try_for_each(|machine| machine.keep_overlays(folder))
    }

    /// Lets the power of machine `machine` (its number in the lab) fail or come back at `at`, or now if that is past. A
    /// window that a limit has interrupted still counts with it.
    ///
    /// # Panics
    /// If there is no such machine.
    pub fn schedule_power(&mut self, machine: usize, at: Instant, event: PowerEvent) {
        self.machines[machine].schedule(at, Origin::Outside, Switch::Power(event));
    }

    /// Adds a rule for the frames of segment `segment` (its number in the lab), beside those of the lab file. It counts the frames that
    /// begin when it is there.
    ///
    /// # Panics
    /// If there is no such segment.
    pub fn add_fault(&mut self, segment: usize, rule: FaultRule) {
        self.cables[segment].segment.add_fault(rule);
    }

    /// Of each machine of which a write did not reach its file, the name and why the host refused.
    pub fn media_troubles(&self) -> impl Iterator<Item = (&str, &io::Error)> {
        let troubles = |machine| Some((Machine::name(machine), Machine::media_trouble(machine)?));
        self.machines.iter().filter_map(troubles)
    }

    /// Virtual time up to which everything is settled.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The machines, in the order of the lab.
    #[must_use]
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// Runs on `threads` host threads until `limit`, until `observer` says so or until every machine has stopped.
    /// The result does not depend on `threads`.
    pub fn run(&mut self, limit: Instant, threads: usize, observer: &mut dyn Observer) -> RunEnd {
        let threads = threads.clamp(1, self.machines.len().max(1));
        let crew = Crew::new(std::mem::take(&mut self.machines), threads);
        let helpers = threads - 1;
        let end = std::thread::scope(|scope| {
            let crew = &crew;
            for thread in 1..=helpers {
                scope.spawn(move || crew.help(thread));
            }
            // Sent home even if a model panics here, or the scope would wait for them for ever.
            let _dismissal = crew.dismissal();
            self.run_windows(limit, &mut Coordinator::new(crew, helpers), observer)
        });
        self.machines = crew.into_machines();
        end
    }

    fn run_windows(
        &mut self,
        limit: Instant,
        crew: &mut Coordinator<'_>,
        observer: &mut dyn Observer,
    ) -> RunEnd {
        loop {
            let window = match self.interrupted.take() {
                Some(window) => window,
                None => match self.next_window(limit, crew) {
                    Ok(window) => window,
                    Err(end) => return end,
                },
            };
            let end = window.end.min(limit);
            if end <= self.now {
                self.interrupted = Some(window);
                return RunEnd::Limit;
            }
            let ends_window = end == window.end;
            let stretch = Stretch {
                end,
                ends_window,
                ..window
            };
            crew.run_window(stretch, |number, events| self.collect(number, events));
            for (machine, at, switch) in self.answers.drain(..) {
                crew.schedule(machine, at, switch);
            }
            self.settle(end, crew);
            self.now = end;
            self.interrupted = (!ends_window).then_some(window);
            self.happenings.sort_by_key(|happening| happening.at);
            let flow = observer.window(end, &self.happenings);
            self.happenings.clear();
            if flow.is_break() {
                return RunEnd::Observer;
            }
        }
    }

    /// Where the next window lies; or, if there is none before `limit`, how the run ends.
    fn next_window(&mut self, limit: Instant, crew: &mut Coordinator<'_>) -> Result<Stretch, RunEnd> {
        let cables = self.cables.iter().map(|cable| cable.segment.next_event());
        let generators = self.generators.iter().map(Generator::next_request);
        let earliest = cables.chain(generators).fold(crew.earliest_event(), Instant::min);
        if earliest == Instant::NEVER {
            // Nothing will ever happen again. What the cables still carried has been told.
            if crew.all_stopped() {
                return Err(RunEnd::AllStopped);
            }
            if limit == Instant::NEVER {
                return Err(RunEnd::Limit);
            }
        }
        let next = earliest.max(self.now);
        if next >= limit {
            self.now = self.now.max(limit);
            return Err(RunEnd::Limit);
        }
        let window = self.windows.around(next);
        if window.start > self.settled {
            // Nobody asks for anything before, so the cables can tell what lies in the window from its beginning.
            self.settle(window.start, crew);
        }
        Ok(window)
    }

    /// Takes over what a machine let out during the window.
    fn collect(&mut self, machine: usize, events: MachineEvents) {
        for (at, output) in events.outputs {
            if let Output::Console(byte) = output
                && let Some((at, switch)) = self.scripts[machine].byte(at, byte)
            {
                self.answers.push((machine, at, switch));
            }
            let what = match output {
                Output::Console(byte) => What::Console { machine, byte },
                Output::Post(code) => What::Post { machine, code },
                Output::Reset(cause) => What::Reset { machine, cause },
                Output::Power(is_on) => What::Power { machine, is_on },
            };
            self.happenings.push(Happening { at, what });
        }
        for (card, request) in events.requests {
            let (cable, station) = self.taps[machine][card];
            self.cables[cable].segment.request(station, request);
        }
        if let Some((at, report)) = events.stop {
            let what = What::Stopped {
                machine,
                report: Box::new(report),
            };
            self.happenings.push(Happening { at, what });
        }
    }

    /// Lets the generators run up to `until`, settles the segments up to there and carries the notices to the stations.
    fn settle(&mut self, until: Instant, crew: &mut Coordinator<'_>) {
        self.settled = until;
        for generator in &mut self.generators {
            let segment = &mut self.cables[generator.cable].segment;
            generator.run(until, segment, &mut self.requests);
        }
        for (index, cable) in self.cables.iter_mut().enumerate() {
            cable.segment.settle(until, &mut self.settlement);
            for (station, notice) in self.settlement.notices.drain(..) {
                match cable.stations[usize::from(station.0)] {
                    Station::Card { machine, card } => crew.post_notice(machine, card, notice),
                    Station::Generator(number) => self.generators[number].notice(&notice),
                }
            }
            for record in self.settlement.records.drain(..) {
                if let wire::Record::Frame {
                    start,
                    station,
                    frame,
                    ..
                } = &record
                {
                    cable.frames.update(&start.picoseconds().to_le_bytes());
                    cable.frames.update(&station.0.to_le_bytes());
                    cable.frames.update(&(frame.bytes().len() as u64).to_le_bytes());
                    cable.frames.update(frame.bytes());
                }
                self.happenings.push(Happening {
                    at: record.at(),
                    what: What::Wire {
                        segment: index,
                        record,
                    },
                });
            }
        }
    }

    /// What the lab counted so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let segments = self.cables.iter().map(|cable| {
            let counts = cable.segment.statistics();
            SegmentStatistics {
                name: cable.name.clone(),
                frames: counts.frames,
                bytes: counts.bytes,
                collisions: counts.collisions,
                busy_picoseconds: counts.busy.picoseconds(),
            }
        });
        Statistics {
            virtual_nanoseconds: self.now.nanoseconds(),
            machines: self
                .machines
                .iter()
                .map(|machine| machine.statistics(self.now))
                .collect(),
            generators: self.generators.iter().map(Generator::statistics).collect(),
            segments: segments.collect(),
        }
    }

    /// The trace hash: over every machine's boundaries and memory, every frame, and the time reached. Equal for equal
    /// lab and seed, on every host and for any number of threads.
    #[must_use]
    pub fn trace_hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.now.picoseconds().to_le_bytes());
        for machine in &self.machines {
            hasher.update(&machine.trace_hash());
        }
        for cable in &self.cables {
            hasher.update(cable.frames.finalize().as_bytes());
        }
        hasher.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{self, LabSource};
    use clock::Span;

    /// The pair lab, in which two kernels find one another and exchange frames.
    fn pair() -> Runtime {
        let source = LabSource::Text {
            name: "pair.toml".into(),
            text: include_str!("../../labs/pair.toml").into(),
            folder: "".into(),
        };
        let lab = lab::load(source, &[]).expect("a good lab file").lab;
        let images = crate::image::load_all(&lab).expect("the built-in kernel");
        Runtime::build(&lab, &images).expect("a lab that can be built")
    }

    /// Remembers frames and characters, each with its instant.
    #[derive(Debug, Default)]
    struct Memory {
        frames: Vec<Happening>,
        characters: [Vec<Happening>; 2],
    }

    impl Observer for Memory {
        fn window(&mut self, _now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
            for happening in happenings {
                match &happening.what {
                    What::Wire { .. } => self.frames.push(happening.clone()),
                    What::Console { machine, .. } => self.characters[*machine].push(happening.clone()),
                    _ => {}
                }
            }
            ControlFlow::Continue(())
        }
    }

    fn run(window: Option<Span>) -> Memory {
        let mut runtime = pair();
        runtime.windows = window.map_or(runtime.windows, Windows::settled_ahead);
        let mut memory = Memory::default();
        let limit = Instant::START + Span::from_milliseconds(400);
        assert_eq!(runtime.run(limit, 1, &mut memory), RunEnd::Limit);
        memory
    }

    #[test]
    fn the_length_of_windows_shows_neither_on_the_cable_nor_on_the_consoles() {
        let usual = run(None);
        assert!(usual.frames.len() > 50, "only {} frames", usual.frames.len());
        for nanoseconds in [40_009, 17_003] {
            let short = run(Some(Span::from_nanoseconds(nanoseconds)));
            assert_eq!(short.frames, usual.frames, "windows of {nanoseconds} ns");
            assert_eq!(short.characters, usual.characters, "windows of {nanoseconds} ns");
        }
    }

    #[test]
    fn a_limit_in_the_past_does_not_turn_time_back() {
        let mut runtime = pair();
        let limit = Instant::START + Span::from_microseconds(130);
        runtime.run(limit, 1, &mut Memory::default());
        let earlier = Instant::START + Span::from_microseconds(10);
        assert_eq!(runtime.run(earlier, 1, &mut Memory::default()), RunEnd::Limit);
        assert_eq!(runtime.now(), limit);
    }

    #[test]
    #[should_panic]
    fn a_panic_of_a_model_ends_the_run_on_whatever_thread_it_happens() {
        let mut runtime = pair();
        for machine in &mut runtime.machines {
            // A notice for a card that the machine does not have, due in the second window.
            let outcome = wire::Outcome {
                collisions: 0,
                deferred: false,
                late: false,
                end: wire::End::Good,
            };
            let at = Instant::START + Span::from_microseconds(70);
            machine.post_notice(7, wire::Notice::Sent { at, outcome });
        }
        runtime.run(
            Instant::START + Span::from_milliseconds(1),
            2,
            &mut Memory::default(),
        );
    }
}
