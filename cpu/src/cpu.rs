//! The processor as the board sees it, and its run loop.
//!
//! The loop executes decoded code of one page after the other. What is rare (interrupts, single steps, written code) asks for
//! attention, which ends the inner loop through its only compare, and is looked at between two instructions.

use std::ops::Range;

use crate::cache::DecodeCache;
use crate::core::Core;
use crate::debug::STATUS_SINGLE_STEP;
use crate::decode::LONGEST;
use crate::forms;
use crate::interrupt::Source;
use crate::memory::CodePage;
use crate::op::{Flow, Op};
use crate::trail::{Stretch, Trail};
use crate::{Bus, Cycle, Fault, Flags, Segment, State, Vector};

/// Vector of the non-maskable interrupt.
const NMI: u8 = 2;

/// Why [`Cpu::run`] has come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The cycle that `Pins::until` names has come.
    Reached,
    /// HLT, and no interrupt that could be taken.
    Halted,
    /// A fault could not be delivered; only a reset helps.
    ShutDown,
}

/// An 80386DX.
#[derive(Clone, Debug)]
pub struct Cpu {
    core: Core,
    cache: DecodeCache,
    window: Option<Window>,
    trail: Trail,
}

/// The page of code that is being executed. It stays while execution stays in the linear page, however that is cut by
/// deadlines of the inner loop, so that translation clocks do not depend on what is cached.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// Linear address bits 31 to 12.
    page: u32,
    is_32_bit: bool,
    map_generation: u32,
    code: Code,
}

#[derive(Clone, Copy, Debug)]
enum Code {
    /// Decoded ops: the frame and the number of its page in the cache.
    Cached { frame: u32, number: usize },
    /// A device, or a page in which the code segment ends: one instruction at a time.
    Single,
}

/// What the run loop does after looking round.
enum Attention {
    Run,
    Step,
    LookAgain,
    Halted,
}

impl Default for Cpu {
    fn default() -> Self {
        Self::new()
    }
}

impl Cpu {
    /// A processor whose RESET pin has just been released, at cycle 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            core: Core::new(),
            cache: DecodeCache::default(),
            window: None,
            trail: Trail::default(),
        }
    }

    /// What a pulse at the RESET pin does. Cycles and instructions go on counting.
    pub fn reset(&mut self) {
        self.trail.leave(self.core.eip);
        self.core.reset();
        self.window = None;
    }

    /// Cycles since power-on.
    #[must_use]
    pub fn cycles(&self) -> Cycle {
        self.core.cycles
    }

    /// Lets time pass without execution, as a halted processor does. A cycle in the past changes nothing.
    pub fn skip_to(&mut self, cycle: Cycle) {
        self.core.cycles = self.core.cycles.max(cycle);
    }

    /// Bytes of [`Bus::memory`] have been written by someone else (DMA, a loader): code decoded from them is dropped.
    pub fn invalidate(&mut self, bytes: Range<u32>) {
        let length = bytes.end.saturating_sub(bytes.start);
        self.core.note_outside_write(bytes.start, length);
    }

    /// The programmer's model, for a snapshot or a report.
    #[must_use]
    pub fn state(&self) -> State {
        self.core.state()
    }

    /// Takes over a state; everything derived is derived anew.
    pub fn restore(&mut self, state: &State) {
        self.core.restore(state);
        self.cache = DecodeCache::default();
        self.window = None;
        self.trail = Trail::default();
    }

    /// The last stretches of code that were executed between jumps, oldest first.
    #[must_use]
    pub fn trail(&self) -> Vec<Stretch> {
        let mut trail = self.trail.clone();
        trail.leave_if_open(self.core.eip);
        trail.list()
    }

    /// Runs until the board's deadline, a halt or shutdown.
    pub fn run<B: Bus>(&mut self, bus: &mut B) -> Stop {
        self.window = None;
        self.core.look_at_pins(bus);
        loop {
            if self.core.is_shut_down {
                return Stop::ShutDown;
            }
            if self.core.cycles >= self.core.deadline {
                return Stop::Reached;
            }
            let attention = if self.core.needs_attention {
                self.attend(bus)
            } else {
                Attention::Run
            };
            match attention {
                Attention::Run => self.run_pages(bus),
                Attention::Step => self.step(bus),
                Attention::LookAgain => {}
                Attention::Halted => return Stop::Halted,
            }
        }
    }

    /// Looks at everything that can come between two instructions, in the order of its priority.
    fn attend<B: Bus>(&mut self, bus: &mut B) -> Attention {
        if self.core.has_written_code() {
            for line in self.core.take_written_code() {
                self.cache.drop_line(line);
            }
        }
        let core = &mut self.core;
        if core.debug_pending != 0 {
            core.debug[6] |= std::mem::take(&mut core.debug_pending);
            let eip = core.eip;
            self.fault(bus, Fault::plain(Vector::Debug), eip);
            return Attention::LookAgain;
        }
        if core.is_in_shadow {
            return Attention::Step;
        }
        if core.is_nmi_requested && !core.is_nmi_blocked {
            bus.nmi_taken();
            core.look_at_pins(bus);
            core.is_nmi_blocked = true;
            self.deliver(bus, NMI);
            return Attention::LookAgain;
        }
        if core.is_interrupt_requested && core.has(Flags::INTERRUPT) {
            let reply = bus.acknowledge(core.cycles);
            core.cycles += Cycle::from(reply.wait);
            core.look_at_pins(bus);
            self.deliver(bus, reply.value as u8);
            return Attention::LookAgain;
        }
        if core.is_halted {
            return Attention::Halted;
        }
        let is_stepping = core.has(Flags::TRAP) || core.has(Flags::RESUME) || core.has_code_breakpoints();
        if is_stepping {
            return Attention::Step;
        }
        core.end_attention();
        Attention::Run
    }

    /// Takes an interrupt from outside.
    fn deliver<B: Bus>(&mut self, bus: &mut B, vector: u8) {
        self.leave_program();
        if let Err(fault) = self.core.interrupt(bus, vector, Source::External) {
            self.core.raise(bus, fault);
        }
    }

    /// Takes the fault of the instruction at `start`.
    fn fault<B: Bus>(&mut self, bus: &mut B, fault: Fault, start: u32) {
        self.leave_program();
        self.core.raise_at(bus, fault, start);
    }

    /// Something other than a jump takes execution elsewhere.
    fn leave_program(&mut self) {
        self.trail.leave_if_open(self.core.eip);
        self.core.is_refilling = false;
        self.core.is_repeating = false;
        self.window = None;
    }

    /// One instruction with all that the inner loop leaves out: breakpoints, RF, single step, shadows.
    fn step<B: Bus>(&mut self, bus: &mut B) {
        let core = &mut self.core;
        core.is_in_shadow = false;
        let flags = core.eflags();
        if flags.contains(Flags::RESUME) {
            core.set_eflags(flags - Flags::RESUME);
        } else if core.has_code_breakpoints() {
            let linear = core.segment(Segment::Cs).base.wrapping_add(core.eip);
            let met = core.code_breakpoints_at(linear);
            if met != 0 {
                core.debug[6] |= met;
                let eip = core.eip;
                self.fault(bus, Fault::plain(Vector::Debug), eip);
                return;
            }
        }
        let is_interrupt = self.execute_single(bus);
        if flags.contains(Flags::TRAP) && is_interrupt == Some(false) {
            self.core.debug_pending |= STATUS_SINGLE_STEP;
            self.core.ask_attention();
        }
    }

    /// Fetches and executes one instruction without the cache. Tells whether it was a software interrupt; nothing if it
    /// faulted.
    fn execute_single<B: Bus>(&mut self, bus: &mut B) -> Option<bool> {
        let start = self.core.eip;
        self.open_trail();
        let op = match self.fetch(bus) {
            Ok(op) => op,
            Err(fault) => {
                self.fault(bus, fault, start);
                return None;
            }
        };
        let core = &mut self.core;
        if std::mem::take(&mut core.is_refilling) {
            core.cycles += Cycle::from(op.components);
        }
        core.eip = start.wrapping_add(u32::from(op.length));
        core.cycles += Cycle::from(op.clocks);
        let behind = core.eip;
        let handlers = forms::handlers::<B>();
        match handlers[usize::from(op.handler) % forms::HANDLERS](core, bus, &op) {
            Ok(flow) => {
                core.instructions += u64::from(flow != Flow::Again);
                self.follow(flow, start, behind);
                Some(forms::is_software_interrupt(op.handler))
            }
            Err(fault) => {
                self.fault(bus, fault, start);
                None
            }
        }
    }

    /// What an executed instruction's flow means outside the inner loop.
    fn follow(&mut self, flow: Flow, start: u32, behind: u32) {
        match flow {
            Flow::Next | Flow::Leave => {}
            Flow::Again => self.core.eip = start,
            Flow::Jump | Flow::FarJump => {
                self.core.is_refilling = true;
                self.trail.leave(behind);
                if flow == Flow::FarJump {
                    self.window = None;
                }
            }
            Flow::Transfer => {
                self.trail.leave(behind);
                self.window = None;
            }
        }
    }

    /// Gets and decodes the instruction at CS:EIP, wherever its bytes are.
    fn fetch<B: Bus>(&mut self, bus: &mut B) -> Result<Op, Fault> {
        let cs = *self.core.segment(Segment::Cs);
        let eip = self.core.eip;
        let mut bytes = [0; LONGEST];
        let mut count = 0;
        loop {
            let offset = eip.wrapping_add(count as u32);
            if offset > cs.limit {
                return Err(Fault::with_code(Vector::GeneralProtection, 0));
            }
            let linear = cs.base.wrapping_add(offset);
            match self.core.code_page(bus, linear)? {
                CodePage::Memory { frame } => {
                    let first = (frame << 12 | linear & 0xFFF) as usize;
                    let to_limit = usize::try_from(cs.limit - offset)
                        .unwrap_or(usize::MAX)
                        .saturating_add(1);
                    let to_page_end = 0x1000 - (linear & 0xFFF) as usize;
                    let part = to_page_end.min(to_limit).min(LONGEST - count);
                    bytes[count..count + part].copy_from_slice(&bus.memory()[first..first + part]);
                    count += part;
                }
                CodePage::Device => {
                    bytes[count] = self.core.fetch_byte(bus, linear)?;
                    count += 1;
                }
            }
            let start = cs.base.wrapping_add(eip);
            if let Some(op) = self.cache.decode_single(&bytes[..count], start, cs.is_big()) {
                return Ok(op);
            }
        }
    }

    /// Executes until something must be looked at.
    fn run_pages<B: Bus>(&mut self, bus: &mut B) {
        while self.core.cycles < self.core.until {
            let window = match self.find_window(bus) {
                Ok(window) => window,
                Err(fault) => {
                    let eip = self.core.eip;
                    self.fault(bus, fault, eip);
                    continue;
                }
            };
            match self.find_ops(bus, window) {
                Some((number, index)) => self.run_ops(bus, window, number, index),
                None => {
                    self.execute_single(bus);
                }
            }
        }
    }

    /// The page of code at CS:EIP.
    fn find_window<B: Bus>(&mut self, bus: &mut B) -> Result<Window, Fault> {
        let cs = self.core.segment(Segment::Cs);
        let (eip, limit, is_32_bit) = (self.core.eip, cs.limit, cs.is_big());
        let linear = cs.base.wrapping_add(eip);
        if let Some(window) = self.window
            && window.page == linear >> 12
            && window.map_generation == self.core.map_generation
        {
            return Ok(window);
        }
        if eip > limit {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        let code = match self.core.code_page(bus, linear)? {
            CodePage::Memory { frame } if limit - eip >= 0xFFF - (linear & 0xFFF) => {
                let number = self.cache.page_of(&mut self.core, frame, is_32_bit);
                Code::Cached { frame, number }
            }
            _ => Code::Single,
        };
        let window = Window {
            page: linear >> 12,
            is_32_bit,
            map_generation: self.core.map_generation,
            code,
        };
        self.window = Some(window);
        Ok(window)
    }

    /// Page and index of the op at CS:EIP; none where the instruction must be fetched by itself.
    fn find_ops<B: Bus>(&mut self, bus: &mut B, window: Window) -> Option<(usize, usize)> {
        let Code::Cached { frame, number } = window.code else {
            return None;
        };
        let offset = self.core.segment(Segment::Cs).base.wrapping_add(self.core.eip) & 0xFFF;
        let index = match self.cache.page(number).find(offset) {
            Some(index) => index,
            None => {
                let address = frame << 12 | offset;
                self.cache
                    .decode(&mut self.core, bus, number, address, window.is_32_bit)?
            }
        };
        Some((number, index))
    }

    /// A new stretch of code begins at CS:EIP, unless one is under way.
    fn open_trail(&mut self) {
        if !self.trail.is_open() {
            let cs = self.core.segment(Segment::Cs);
            self.trail.enter(stretch(&self.core, cs.is_big()));
        }
    }

    /// The inner loop: ops of one page.
    fn run_ops<B: Bus>(&mut self, bus: &mut B, window: Window, number: usize, mut index: usize) {
        self.open_trail();
        let handlers = forms::handlers::<B>();
        let core = &mut self.core;
        let page = self.cache.page(number);
        let ops = &page.ops[..];
        let mut executed = 0;
        if std::mem::take(&mut core.is_refilling) {
            core.cycles += Cycle::from(ops[index].components);
        }
        loop {
            let op = &ops[index];
            let start = core.eip;
            let behind = start.wrapping_add(u32::from(op.length));
            core.eip = behind;
            core.cycles += Cycle::from(op.clocks);
            match handlers[usize::from(op.handler) % forms::HANDLERS](core, bus, op) {
                Ok(Flow::Next) => {
                    executed += 1;
                    index += 1;
                    if core.cycles < core.until {
                        continue;
                    }
                }
                Ok(Flow::Jump) => {
                    executed += 1;
                    let linear = core.segments[Segment::Cs as usize].base.wrapping_add(core.eip);
                    if linear >> 12 == window.page
                        && core.cycles < core.until
                        && let Some(target) = page.find(linear & 0xFFF)
                    {
                        self.trail.leave(behind);
                        self.trail.enter(stretch(core, window.is_32_bit));
                        index = target;
                        core.cycles += Cycle::from(ops[index].components);
                        continue;
                    }
                    core.instructions += executed;
                    self.follow(Flow::Jump, start, behind);
                    return;
                }
                Ok(flow) => {
                    core.instructions += executed + u64::from(matches!(flow, Flow::FarJump | Flow::Transfer));
                    self.follow(flow, start, behind);
                    return;
                }
                Err(fault) => {
                    core.instructions += executed;
                    self.fault(bus, fault, start);
                    return;
                }
            }
            core.instructions += executed;
            return;
        }
    }
}

fn stretch(core: &Core, is_32_bit: bool) -> Stretch {
    let cs = core.segment(Segment::Cs);
    Stretch {
        linear: cs.base.wrapping_add(core.eip),
        selector: cs.selector,
        start: core.eip,
        end: core.eip,
        is_32_bit,
    }
}
