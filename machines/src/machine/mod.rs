//! One PC: a processor on a board, run alone up to a horizon of virtual time.

mod multiboot;
mod report;

pub use multiboot::LoadError;

pub use crate::rom::RomError;

use std::collections::VecDeque;
use std::sync::Arc;

use clock::{Instant, Rate};
use cpu::{Bus as _, Cpu, Cycle, Flags, Stop};
use thiserror::Error;
use wire::LEAST_ATTEMPT;

use crate::board::{Board, Output, at_or_after};
use crate::lab::{self, Shutdown};
use crate::runtime::{CardStatistics, MachineStatistics, ResetCause, StopCause, StopReport};

/// What a machine starts from.
#[derive(Clone, Debug)]
pub enum Start {
    /// A kernel that the loader puts into memory.
    Kernel {
        /// A Multiboot kernel.
        image: Arc<[u8]>,
        /// Its command line, without the kernel's name.
        command_line: String,
    },
    /// A ROM in the board's socket.
    Rom {
        /// Its bytes.
        image: Arc<[u8]>,
        /// What a triple fault does.
        shutdown: Shutdown,
    },
}

/// Why a machine has nothing to start from.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StartError {
    /// The loader cannot load the kernel.
    #[error(transparent)]
    Kernel(#[from] LoadError),
    /// The socket does not take the ROM.
    #[error(transparent)]
    Rom(#[from] RomError),
}

/// One PC.
#[derive(Debug)]
pub struct Machine {
    description: lab::Machine,
    start: Start,
    clock: Rate,
    cpu: Cpu,
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
    switches: VecDeque<(Instant, Switch)>,
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
    /// No instruction begins at or after this instant.
    pub(crate) end: Instant,
    /// Everything outside a machine is known before this instant, at or after `end`.
    pub(crate) settled: Instant,
    /// It ends the window, so that registers become part of the trace here.
    pub(crate) ends_window: bool,
}

/// What can be done to a machine from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// The power fails.
    Off,
    /// It comes back.
    On,
    /// The reset button is pressed.
    Reset,
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

impl Machine {
    /// A machine as `description` says, at the lab's start, with its kernel loaded or its processor at the reset vector.
    ///
    /// # Errors
    /// The kernel is no Multiboot image or does not fit into this machine's memory, or the ROM has an odd size.
    pub fn new(description: &lab::Machine, epoch_seconds: i64, start: Start) -> Result<Self, StartError> {
        let rom = match &start {
            Start::Rom { image, .. } => Some(&image[..]),
            Start::Kernel { .. } => None,
        };
        let mut machine = Self {
            clock: description.cpu_clock,
            cpu: Cpu::new(),
            board: Board::new(description, epoch_seconds, rom)?,
            description: description.clone(),
            start,
            is_halted: false,
            halted_cycles: 0,
            stopped: None,
            report: None,
            is_off: false,
            switches: VecDeque::new(),
            has_run: false,
            outputs: Vec::new(),
            trace: Trace::default(),
        };
        machine.load()?;
        Ok(machine)
    }

    /// Puts the kernel into memory, if that is how this machine starts.
    fn load(&mut self) -> Result<(), LoadError> {
        let Start::Kernel { image, command_line } = &self.start else {
            return Ok(());
        };
        self.board.hand_over_from_bios(self.board.seen(self.now()));
        let command_line = format!("kernel {command_line}");
        let start = multiboot::load(self.board.memory_mut(), image, command_line.trim_end())?;
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

    /// Something will be done to one of its switches at `at`. Nothing has run yet.
    pub(crate) fn schedule(&mut self, at: Instant, switch: Switch) {
        let place = self.switches.partition_point(|(other, _)| *other <= at);
        self.switches.insert(place, (at, switch));
    }

    /// When something is next done to one of its switches.
    fn next_switch(&self) -> Instant {
        self.switches.front().map_or(Instant::NEVER, |(at, _)| *at)
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

    /// Whether it does nothing any more, whatever happens.
    pub(crate) fn has_ended(&self) -> bool {
        !self.is_running() && self.switches.is_empty()
    }

    /// Gives a card of this machine a notice from its segment. What reaches one that does not run is forgotten when it
    /// runs again, and a machine that has ended takes no more of them.
    pub(crate) fn post_notice(&mut self, card: usize, notice: wire::Notice) {
        if self.has_ended() {
            return;
        }
        if !self.is_running() {
            // Nothing of the window that is over will be asked for any more; this one is of the next.
            self.board.forget_notices(notice.at() - LEAST_ATTEMPT);
        }
        self.board.post_notice(card, notice);
    }

    /// Runs to the end of `stretch`.
    pub(crate) fn run(&mut self, stretch: Stretch) -> MachineEvents {
        self.has_run = true;
        loop {
            let end = self.next_switch().min(stretch.end);
            self.run_to(end, stretch.settled);
            if end == stretch.end {
                break;
            }
            if let Some((at, switch)) = self.switches.pop_front() {
                self.operate(at, switch);
            }
        }
        if stretch.ends_window || !self.is_running() {
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

    /// Runs until no instruction may begin any more.
    fn run_to(&mut self, end: Instant, settled: Instant) {
        self.board.set_end(end, settled);
        while self.is_running() {
            self.board.ring_alarms(self.now());
            if self.board.is_reset_requested() {
                self.reset(ResetCause::Pin);
            }
            if self.now() >= end {
                break;
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

    /// Somebody uses a switch at `at`, or as soon as the instruction that is being executed then has ended.
    fn operate(&mut self, at: Instant, switch: Switch) {
        if !self.is_running() {
            let cycle = at_or_after(self.clock, at);
            self.halted_cycles += cycle.saturating_sub(self.cpu.cycles());
            self.cpu.skip_to(cycle);
        }
        let now = self.board.seen(self.now().max(at));
        match switch {
            Switch::Off if !self.is_off => self.switch_off(now),
            Switch::On if self.is_off => self.switch_on(now),
            Switch::Reset if !self.is_off => {
                self.stopped = None;
                self.board.forget_until(now);
                self.reset(ResetCause::Button);
            }
            Switch::Off | Switch::On | Switch::Reset => {}
        }
    }

    /// The machine stops dead.
    fn switch_off(&mut self, now: Instant) {
        self.outputs.extend(self.board.take_outputs());
        self.outputs.push((now, Output::Power(false)));
        self.board.power_off(now);
        self.is_off = true;
        self.is_halted = false;
        self.stopped = None;
    }

    /// The machine starts cold.
    fn switch_on(&mut self, now: Instant) {
        self.outputs.push((now, Output::Power(true)));
        self.board.power_on(&self.description, now);
        self.is_off = false;
        self.cpu.invalidate(0..self.description.memory_bytes);
        self.start_again();
    }

    /// A halted processor's time passes at once, up to the next alarm or the horizon. With interrupts off nothing
    /// but a reset can wake it, and no chip resets a machine by itself: it has stopped for good, once the last of what
    /// it has written to COM1 has left.
    fn pass_halted_time(&mut self) {
        let is_off = self.cpu.state().eflags & Flags::INTERRUPT.bits() == 0;
        if is_off && !self.board.is_sending() {
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

    /// A hash over every boundary at which this machine came back, and over its registers and memory now.
    pub(crate) fn trace_hash(&self) -> [u8; 32] {
        let mut trace = self.trace.clone();
        trace.boundary(&self.cpu);
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
    fn boundary(&mut self, cpu: &Cpu) {
        let state = cpu.state();
        self.pending.extend_from_slice(&state.cycles.to_le_bytes());
        self.pending.extend_from_slice(&state.instructions.to_le_bytes());
        let others = [state.eip, state.eflags, state.cr0, state.cr2, state.cr3];
        let selectors = state.segments.iter().map(|segment| u32::from(segment.selector));
        for word in state.general.into_iter().chain(others).chain(selectors) {
            self.pending.extend_from_slice(&word.to_le_bytes());
        }
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
