//! One PC: a processor on a board, run alone up to a horizon of virtual time.

mod disks;
mod multiboot;
mod power;
mod report;
mod typing;
mod whereabouts;

pub use devices::{SectorWrite, TornSector};
pub use multiboot::LoadError;
pub use power::PowerEvent;
pub(crate) use power::{Origin, Switch};
pub use whereabouts::{Activity, Whereabouts};

pub use crate::board::BoardError;
pub use crate::rom::RomError;

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use clock::{Instant, Rate};
use cpu::{Bus as _, Cpu, Cycle, Stop};
use thiserror::Error;
use wire::LEAST_ATTEMPT;

use crate::board::{Board, Output, Roms};
use crate::image::ImageBytes;
use crate::lab::{self, Shutdown};
use crate::media::Media;
use crate::runtime::{CardStatistics, MachineStatistics, ResetCause, StopCause, StopReport};

/// What a machine starts from.
#[derive(Clone, Debug)]
pub enum Start {
    /// A kernel that the loader puts into memory.
    Kernel {
        /// A Multiboot kernel.
        image: ImageBytes,
        /// Its command line, without the kernel's name.
        command_line: String,
        /// Programs beside it, each with its name and arguments.
        modules: Vec<(ImageBytes, String)>,
    },
    /// A ROM in the board's socket.
    Rom {
        /// Its bytes.
        image: ImageBytes,
        /// What a triple fault does.
        shutdown: Shutdown,
    },
}

/// What is put into a machine before it is switched on.
#[derive(Clone, Debug)]
pub struct Fittings {
    /// What it starts from.
    pub start: Start,
    /// The bytes of its option ROMs, in the order of [`lab::Machine::option_roms`].
    pub option_roms: Vec<ImageBytes>,
    /// What is in its drives.
    pub media: Media,
}

/// Why a machine has nothing to start from.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StartError {
    /// The loader cannot load the kernel.
    #[error(transparent)]
    Kernel(#[from] LoadError),
    /// The board does not take a ROM or a disk.
    #[error(transparent)]
    Board(#[from] BoardError),
}

/// One PC.
#[derive(Debug)]
pub struct Machine {
    description: lab::Machine,
    start: Start,
    clock: Rate,
    cpu: Cpu<Board>,
    board: Board,
    /// The processor's last word was a halt.
    is_halted: bool,
    /// Cycles in which it did not execute: halted, stopped or without power.
    halted_cycles: u64,
    stopped: Option<StopCause>,
    /// What is to be told of a stop.
    report: Option<(Instant, StopReport)>,
    /// It has no power.
    is_off: bool,
    /// What will happen at its switches, in order.
    switches: VecDeque<(Instant, Origin, Switch)>,
    typist: typing::Typist,
    /// It has run in the window that is under way.
    has_run: bool,
    outputs: Vec<(Instant, Output)>,
    trace: Trace,
}

/// From the end of a reset pulse to the first instruction: 350 to 450 periods of CLK2, twice the processor's clock (Intel
/// 386DX data sheet, initialization; the figure is quoted from memory, the document was not at hand).
const RESET_CYCLES: Cycle = 200;

/// A window of virtual time, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Where the window begins.
    pub(crate) start: Instant,
    /// No instruction begins at or after this instant.
    pub(crate) end: Instant,
    /// Everything outside a machine is known before this instant, at or after `end`.
    pub(crate) settled: Instant,
    /// It ends the window, so that registers become part of the trace here.
    pub(crate) ends_window: bool,
}

/// What happened on a machine since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct MachineEvents {
    /// Characters and codes that left it.
    pub(crate) outputs: Vec<(Instant, Output)>,
    /// What its cards ask of their segments: those of each card in order, with its number.
    pub(crate) requests: Vec<(usize, wire::Request)>,
    /// Set when it stopped by itself.
    pub(crate) stop: Option<(Instant, StopReport)>,
}

impl Clone for Machine {
    /// The same machine in the same state. Code is decoded anew, which shows nowhere.
    fn clone(&self) -> Self {
        let mut cpu = Cpu::new();
        cpu.restore(&self.cpu.state());
        Self {
            description: self.description.clone(),
            start: self.start.clone(),
            clock: self.clock,
            cpu,
            board: self.board.clone(),
            is_halted: self.is_halted,
            halted_cycles: self.halted_cycles,
            stopped: self.stopped,
            report: self.report.clone(),
            is_off: self.is_off,
            switches: self.switches.clone(),
            typist: self.typist.clone(),
            has_run: self.has_run,
            outputs: self.outputs.clone(),
            trace: self.trace.clone(),
        }
    }
}

impl MachineEvents {
    /// Nothing happened.
    pub(crate) fn is_empty(&self) -> bool {
        self.outputs.is_empty() && self.requests.is_empty() && self.stop.is_none()
    }
}

impl Machine {
    /// A machine as `description` says, at the lab's start, with its kernel loaded or its processor at the reset vector.
    ///
    /// # Errors
    /// The kernel is no Multiboot image or does not fit into this machine's memory, the ROM has an odd size, or a disk
    /// does not belong into its drive.
    pub fn new(
        description: &lab::Machine,
        epoch_seconds: i64,
        fittings: Fittings,
    ) -> Result<Self, StartError> {
        let Fittings {
            start,
            option_roms,
            media,
        } = fittings;
        let addresses = description.option_roms.iter().map(|rom| rom.address);
        let roms = Roms {
            bios: match &start {
                Start::Rom { image, .. } => Some(&image[..]),
                Start::Kernel { .. } => None,
            },
            options: addresses
                .zip(option_roms.iter().map(|image| &image[..]))
                .collect(),
        };
        let mut machine = Self {
            clock: description.cpu_clock,
            cpu: Cpu::new(),
            board: Board::new(description, epoch_seconds, &roms, media)?,
            description: description.clone(),
            start,
            is_halted: false,
            halted_cycles: 0,
            stopped: None,
            report: None,
            is_off: false,
            switches: VecDeque::new(),
            typist: typing::Typist::default(),
            has_run: false,
            outputs: Vec::new(),
            trace: Trace::default(),
        };
        machine.load()?;
        Ok(machine)
    }

    /// Puts the kernel into memory, if that is how this machine starts.
    fn load(&mut self) -> Result<(), LoadError> {
        let Start::Kernel {
            image,
            command_line,
            modules,
        } = &self.start
        else {
            return Ok(());
        };
        self.board.hand_over_from_bios(self.board.seen(self.now()));
        let command_line = format!("kernel {command_line}");
        let modules: Vec<_> = modules
            .iter()
            .map(|(bytes, line)| (&bytes[..], line.as_str()))
            .collect();
        let start = multiboot::load(self.board.memory_mut(), image, command_line.trim_end(), &modules)?;
        let mut state = self.cpu.state();
        multiboot::enter(&mut state, start);
        // Forgets all decoded code, too.
        self.cpu.restore(&state);
        Ok(())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.description.name
    }

    /// The machine's own virtual time: the end of the last instruction, at or a little after the last horizon.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.instant(self.cpu.cycles())
    }

    /// The earliest instant at which this machine does anything: now while it computes, its next alarm while it is
    /// halted, and when one of its switches is used. [`Instant::NEVER`] once it has stopped for good.
    pub(crate) fn next_event(&self) -> Instant {
        let own = if !self.is_running() {
            Instant::NEVER
        } else if self.is_halted && !self.board.pins().interrupt {
            self.board.next_alarm()
        } else {
            // An instruction may have taken the processor past alarms that are still to come.
            self.now().min(self.board.next_alarm())
        };
        own.min(self.next_switch())
    }

    /// Whether it has run in the window that is under way. Whoever has runs to the window's end, so that it comes back in
    /// the same state however the window was divided.
    pub(crate) fn has_run(&self) -> bool {
        self.has_run
    }

    /// Whether it has power and has not stopped by itself.
    pub(crate) fn is_running(&self) -> bool {
        self.stopped.is_none() && !self.is_off
    }

    /// Whether it has stopped by itself and nobody is going to use one of its switches. One that has been switched off waits for its power.
    pub(crate) fn has_ended(&self) -> bool {
        self.stopped.is_some() && self.switches.is_empty()
    }

    /// Gives a card of this machine a notice from its segment. What reaches one that does not run is forgotten when it
    /// runs again.
    pub(crate) fn post_notice(&mut self, card: usize, notice: wire::Notice) {
        if !self.is_running() {
            // Nothing of the window that is over will be asked for any more; this one is of the next.
            self.board.forget_notices(notice.at() - LEAST_ATTEMPT);
        }
        self.board.post_notice(card, notice);
    }

    /// Runs to the end of `stretch`.
    pub(crate) fn run(&mut self, stretch: Stretch) -> MachineEvents {
        self.has_run = true;
        while let Some((at, switch)) = self.take_switch(stretch.end) {
            self.run_to(at, stretch.settled);
            self.operate(at, switch);
        }
        self.run_to(stretch.end, stretch.settled);
        // One that has ended is not run to the window's end.
        if stretch.ends_window || self.has_ended() {
            self.trace.boundary(&self.cpu);
            self.has_run = false;
        }
        self.outputs.extend(self.board.take_outputs());
        MachineEvents {
            outputs: std::mem::take(&mut self.outputs),
            requests: self.board.take_requests(),
            stop: self.report.take(),
        }
    }

    /// Runs to `end`; everything outside is known before `settled`.
    fn run_to(&mut self, end: Instant, settled: Instant) {
        self.board.set_end(end, settled);
        while self.is_running() {
            self.board.ring_alarms(self.now());
            self.notice_dma();
            if self.board.is_reset_requested() {
                self.reset(ResetCause::Pin);
            }
            if self.now() >= end {
                break;
            }
            if self.now() >= self.board.next_alarm() {
                continue;
            }
            let stop = self.cpu.run(&mut self.board);
            self.is_halted = stop == Stop::Halted;
            match stop {
                Stop::Reached => {}
                Stop::Halted => self.pass_halted_time(),
                Stop::ShutDown => self.shut_down(),
            }
        }
    }

    fn stop(&mut self, cause: StopCause) {
        self.stopped = Some(cause);
        self.report = Some((self.now(), report::write(cause, &self.cpu, &self.board)));
    }

    /// DMA has held the processor, and may have written where it has decoded code.
    fn notice_dma(&mut self) {
        let held = self.board.take_held_cycles();
        if held > 0 {
            self.cpu.skip_to(self.cpu.cycles() + held);
            if self.is_halted {
                self.halted_cycles += held;
            }
        }
        for bytes in self.board.take_dma_writes() {
            self.cpu.invalidate(bytes);
        }
    }

    /// Keeps what is written to the overlays of its drives in files of `folder` from now on, which are named after it.
    ///
    /// # Errors
    /// The host refuses a file, which is named.
    pub(crate) fn keep_overlays(&mut self, folder: &Path) -> Result<(), (String, io::Error)> {
        self.board.keep_overlays(folder, &self.description.name)
    }

    /// The first write to an overlay's or an image's file that the host refused. The lab goes on as if it had not.
    pub(crate) fn media_trouble(&self) -> Option<&io::Error> {
        self.board.media_trouble()
    }

    /// A halted processor's time passes at once, up to the next alarm or the horizon. With interrupts off nothing
    /// but a reset can wake it, and no chip resets a machine unless it was told to: it has stopped for good, once the last
    /// of what it has written to COM1 has left and to the keyboard controller has been taken.
    fn pass_halted_time(&mut self) {
        if !self.cpu.is_interruptible() && !self.board.is_sending() && !self.board.may_reset() {
            self.stop(StopCause::HaltedForGood);
            return;
        }
        let from = self.cpu.cycles();
        let until = self.board.until();
        if until > from {
            self.cpu.skip_to(until);
            self.halted_cycles += until - from;
        }
    }

    /// A fault in the double fault handler. The board of an AT answers the processor's shutdown cycle with a reset.
    fn shut_down(&mut self) {
        match self.start {
            Start::Rom {
                shutdown: Shutdown::Reset,
                ..
            } => self.reset(ResetCause::TripleFault),
            _ => self.stop(StopCause::TripleFault),
        }
    }

    /// A pulse on the processor's reset pin: only the processor notices, and starts in the ROM again. The reset button
    /// reaches the whole board. A machine that is booted directly has no firmware to run: its loader starts it again from
    /// the same kernel, with every chip as at power-on, whatever the cause.
    fn reset(&mut self, cause: ResetCause) {
        let now = self.board.seen(self.now());
        self.outputs.extend(self.board.take_outputs());
        self.outputs.push((now, Output::Reset(cause)));
        if matches!(self.start, Start::Kernel { .. }) || cause == ResetCause::Button {
            self.board.reset(now);
        }
        self.start_again();
    }

    /// The processor begins anew, on a board that is ready for it.
    fn start_again(&mut self) {
        self.cpu.reset();
        self.is_halted = false;
        match self.start {
            Start::Kernel { .. } => self
                .load()
                .expect("a kernel that was loaded once can be loaded again"),
            Start::Rom { .. } => {
                self.board.end_processor_reset();
                self.cpu.skip_to(self.cpu.cycles() + RESET_CYCLES);
            }
        }
    }

    /// What it counted up to `now`. A halted processor's time is counted although it has not passed here yet; that of
    /// a machine that has stopped by itself ended then.
    pub(crate) fn statistics(&self, now: Instant) -> MachineStatistics {
        let cycles = self.cpu.cycles();
        let still_halted = if self.is_off || (self.is_halted && self.is_running()) {
            self.clock.ticks_at(now).saturating_sub(cycles)
        } else {
            0
        };
        let cards = self
            .description
            .cards
            .iter()
            .zip(self.board.cards())
            .map(|(described, card)| {
                let counts = card.counts();
                CardStatistics {
                    interface: described.interface.clone(),
                    sent: counts.sent,
                    received: counts.received,
                    missed: counts.missed,
                }
            });
        MachineStatistics {
            name: self.description.name.clone(),
            instructions: self.cpu.state().instructions,
            cycles: cycles + still_halted,
            halted_cycles: self.halted_cycles + still_halted,
            interrupts: self.board.interrupts_acknowledged(),
            cards: cards.collect(),
        }
    }

    /// The visible VGA text.
    #[must_use]
    pub fn screen(&self) -> [String; 25] {
        self.board.screen()
    }

    /// A hash over every boundary at which this machine came back, over its registers and memory now, and over what it
    /// has written to its drives.
    pub(crate) fn trace_hash(&self) -> [u8; 32] {
        let mut trace = self.trace.clone();
        trace.boundary(&self.cpu);
        for hash in self.board.media_hashes() {
            trace.pending.extend_from_slice(&hash);
        }
        trace.hash_with(self.board.memory())
    }
}

/// The running hash of a machine: cycle count, instruction count and registers at every boundary.
#[derive(Clone, Debug, Default)]
struct Trace {
    hasher: blake3::Hasher,
    /// Not hashed yet: BLAKE3 is fastest on long pieces.
    pending: Vec<u8>,
}

/// Bytes that are collected before they are hashed.
const TRACE_PIECE: usize = 16 * 1024;

impl Trace {
    fn boundary(&mut self, cpu: &Cpu<Board>) {
        let registers = cpu.registers().map(u32::to_le_bytes);
        self.pending.extend_from_slice(registers.as_flattened());
        if self.pending.len() >= TRACE_PIECE {
            self.hasher.update(&self.pending);
            self.pending.clear();
        }
    }

    fn hash_with(&self, memory: &[u8]) -> [u8; 32] {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.pending);
        hasher.update(memory);
        hasher.finalize().into()
    }
}
