//! The processor as the board sees it, and its run loop.
//!
//! The loop executes decoded code of one page after the other. What is rare (interrupts, single steps, written code) asks for
//! attention, which ends the inner loop through its only compare, and is looked at between two instructions.

use std::ops::Range;

use crate::cache::DecodeCache;
use crate::core::Core;
use crate::debug::STATUS_SINGLE_STEP;
use crate::decode::{LONGEST, decode, encode_repeated};
use crate::exec::fetch::block_within;
use crate::forms;
use crate::interrupt::Source;
use crate::memory::CodePage;
use crate::op::{End, Flow, Op, Step, Traits};
use crate::trail::Stretch;
use crate::{Bus, Cycle, ExecutedPage, Fault, Flags, RepeatedInstruction, Segment, State, Vector};

/// Vector of the non-maskable interrupt.
const NMI: u8 = 2;

/// Why [`Cpu::run`] has come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The cycle that `Pins::until` names has come.
    Reached,
    /// HLT, and no interrupt that could be taken.
    Halted,
    /// A fault could not be delivered; only an NMI or a reset helps.
    ShutDown,
}

/// An 80386DX on a kind of board.
#[derive(Debug)]
pub struct Cpu<B: Bus> {
    core: Core,
    cache: DecodeCache<B>,
    window: Option<Window>,
    /// The repeated instruction that stopped between two iterations: it goes on as it was fetched, even if it has overwritten
    /// itself, or comes from a device.
    repeated: Option<Op>,
    known: [Known; KNOWN],
}

/// Pages of the cache whose numbers are remembered.
const KNOWN: usize = 32;

/// The number of a page of the cache, so that the way to a handler and back need not ask for it.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Frame and code size, or [`Known::NOTHING`].
    key: u32,
    number: usize,
}

impl Known {
    const NOTHING: Self = Self {
        key: u32::MAX,
        number: 0,
    };

    #[inline]
    fn key(frame: u32, is_32_bit: bool) -> u32 {
        frame << 1 | u32::from(is_32_bit)
    }
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
    /// As a restored state has it: memory of this frame, or one instruction at a time.
    Restored { frame: Option<u32> },
}

impl Window {
    fn state(self) -> ExecutedPage {
        ExecutedPage {
            page: self.page,
            frame: match self.code {
                Code::Cached { frame, .. } => Some(frame),
                Code::Single => None,
                Code::Restored { frame } => frame,
            },
        }
    }
}

/// What the run loop does after looking round.
enum Attention {
    Run,
    Step,
    LookAgain,
    Halted,
}

impl<B: Bus> Default for Cpu<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Bus> Cpu<B> {
    /// A processor whose RESET pin has just been released, at cycle 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            core: Core::new(),
            cache: DecodeCache::default(),
            window: None,
            repeated: None,
            known: [Known::NOTHING; KNOWN],
        }
    }

    /// What a pulse at the RESET pin does. Cycles and instructions go on counting.
    pub fn reset(&mut self) {
        self.core.trail.leave(self.core.eip);
        self.core.reset();
        self.window = None;
    }

    /// Cycles since power-on.
    #[must_use]
    pub fn cycles(&self) -> Cycle {
        self.core.cycles
    }

    /// Whether the interrupt flag is set, so that a halted processor wakes when its INTR pin is asserted.
    #[must_use]
    pub fn is_interruptible(&self) -> bool {
        self.core.has(Flags::INTERRUPT)
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
        State {
            executed_page: self.window.map(Window::state),
            repeated: self.repeated_instruction(),
            ..self.core.state()
        }
    }

    /// What a trace compares: cycles and instructions (the lower half first), EAX to EDI, EIP, EFLAGS, CR0, CR2, CR3, and the selectors of ES, CS,
    /// SS, DS, FS and GS. The same as in [`Cpu::state`], without the rest of it.
    #[must_use]
    pub fn registers(&self) -> [u32; 23] {
        let core = &self.core;
        let halves = |count: u64| [count as u32, (count >> 32) as u32];
        let mut words = [0; 23];
        words[..2].copy_from_slice(&halves(core.cycles));
        words[2..4].copy_from_slice(&halves(core.instructions));
        words[4..12].copy_from_slice(&core.general[..8]);
        let others = [
            core.eip,
            core.eflags().bits(),
            core.cr0.bits(),
            core.cr2,
            core.cr3,
        ];
        words[12..17].copy_from_slice(&others);
        for (word, segment) in words[17..].iter_mut().zip(&core.segments) {
            *word = u32::from(segment.selector);
        }
        words
    }

    /// Takes over a state; everything derived is derived anew.
    pub fn restore(&mut self, state: &State) {
        self.core.restore(state);
        self.cache = DecodeCache::default();
        self.repeated = state.repeated.and_then(|repeated| {
            let mut code = [0; LONGEST];
            code[..repeated.code.len()].copy_from_slice(&repeated.code);
            let op = decode(&code, self.core.segment(Segment::Cs).is_big()).ok()?;
            forms::is_repeatable(op.handler).then_some(Op {
                length: repeated.length,
                end: u16::from(repeated.length),
                ..op
            })
        });
        self.known = [Known::NOTHING; KNOWN];
        self.window = state.executed_page.map(|executed| Window {
            page: executed.page,
            is_32_bit: self.core.segment(Segment::Cs).is_big(),
            map_generation: state.map_generation,
            code: Code::Restored {
                frame: executed.frame,
            },
        });
    }

    /// The last stretches of code that were executed between jumps, oldest first.
    #[must_use]
    pub fn trail(&self) -> Vec<Stretch> {
        let mut trail = self.core.trail.clone();
        trail.leave_if_open(self.core.eip);
        trail.list()
    }

    /// Runs until the board's deadline, a halt or shutdown.
    pub fn run(&mut self, bus: &mut B) -> Stop {
        self.core.look_at_pins(bus);
        loop {
            if self.core.is_shut_down && !self.core.can_take_nmi() {
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
    fn attend(&mut self, bus: &mut B) -> Attention {
        if self.core.has_written_code() {
            for line in self.core.take_written_code() {
                self.cache.drop_line(line);
            }
        }
        let core = &mut self.core;
        if core.debug_pending != 0 && !core.masks_debug() {
            core.debug[6] |= std::mem::take(&mut core.debug_pending);
            self.deliver(bus, Vector::Debug as u8, Source::Exception);
            return Attention::LookAgain;
        }
        if core.is_in_shadow {
            return Attention::Step;
        }
        if core.can_take_nmi() {
            bus.nmi_taken();
            core.look_at_pins(bus);
            core.is_nmi_blocked = true;
            self.deliver(bus, NMI, Source::External);
            return Attention::LookAgain;
        }
        if core.is_interrupt_requested && core.has(Flags::INTERRUPT) {
            let reply = bus.acknowledge(core.cycles);
            core.cycles += Cycle::from(reply.wait);
            core.look_at_pins(bus);
            self.deliver(bus, reply.value as u8, Source::External);
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

    /// Takes what comes between two instructions: an interrupt from outside, a debug trap.
    fn deliver(&mut self, bus: &mut B, vector: u8, source: Source) {
        self.leave_program();
        if let Err(fault) = self.core.interrupt(bus, vector, source) {
            self.core.raise(bus, fault);
        }
    }

    /// Takes the fault of the instruction at `start`.
    #[cold]
    fn fault(&mut self, bus: &mut B, fault: Fault, start: u32) {
        self.leave_program();
        self.core.raise_at(bus, fault, start);
    }

    /// Something other than a jump takes execution elsewhere.
    fn leave_program(&mut self) {
        self.core.trail.leave_if_open(self.core.eip);
        self.core.is_refilling = false;
        self.core.is_queue_empty = true;
        self.core.is_repeating = false;
        self.window = None;
    }

    /// One instruction with all that the inner loop leaves out: breakpoints, RF, single step, shadows.
    fn step(&mut self, bus: &mut B) {
        let core = &mut self.core;
        let masks_debug = core.masks_debug();
        core.is_in_shadow = false;
        let flags = core.eflags();
        if flags.contains(Flags::RESUME) {
            core.set_eflags(flags - Flags::RESUME);
        } else if core.has_code_breakpoints() && !masks_debug {
            let linear = core.segment(Segment::Cs).base.wrapping_add(core.eip);
            let met = core.code_breakpoints_at(linear);
            if met != 0 {
                core.debug[6] |= met;
                let eip = core.eip;
                self.fault(bus, Fault::plain(Vector::Debug), eip);
                return;
            }
        }
        self.core.is_loading_stack = false;
        let is_interrupt = self.execute_one(bus);
        let traps = is_interrupt == Some(false) && !self.core.is_loading_stack;
        if flags.contains(Flags::TRAP) && traps {
            self.core.debug_pending |= STATUS_SINGLE_STEP;
            self.core.ask_attention();
        }
        if self.core.is_repeating && flags.contains(Flags::RESUME) {
            // RF ends with the instruction, which goes on after this iteration.
            self.core.set_eflags(self.core.eflags() | Flags::RESUME);
        }
    }

    /// Executes one instruction of the page that code is executed from, or fetched where that does not hold all of it. Returns
    /// as [`Cpu::execute_single`].
    fn execute_one(&mut self, bus: &mut B) -> Option<bool> {
        if let Some(op) = self.take_repeated() {
            return self.execute(bus, op, Places::default());
        }
        let eip = self.core.eip;
        let window = match self.find_window(bus) {
            Ok(window) => window,
            Err(fault) => {
                self.fault(bus, fault, eip);
                return None;
            }
        };
        if let Code::Cached { frame, number } = window.code {
            let offset = self.core.segment(Segment::Cs).base.wrapping_add(eip) & 0xFFF;
            let page = self.cache.page(number);
            let op = match page.find(offset) {
                Some(index) => Some(page.steps[index].op),
                None => {
                    let bytes = &bus.memory()[(frame << 12) as usize..][..0x1000];
                    decode(&bytes[offset as usize..], window.is_32_bit).ok()
                }
            };
            if let Some(op) = op {
                self.core.open_trail();
                return self.execute(bus, op, Places::at(frame << 12 | offset));
            }
        }
        self.execute_single(bus)
    }

    /// Fetches and executes one instruction without the cache. Tells whether it has taken a software interrupt; nothing if it
    /// faulted.
    fn execute_single(&mut self, bus: &mut B) -> Option<bool> {
        let start = self.core.eip;
        self.core.open_trail();
        match self.fetch(bus) {
            Ok((op, places)) => self.execute(bus, op, places),
            Err(fault) => {
                self.fault(bus, fault, start);
                None
            }
        }
    }

    /// What [`State::repeated`] says of [`Cpu::repeated`].
    fn repeated_instruction(&self) -> Option<RepeatedInstruction> {
        let op = self.repeated.filter(|_| self.core.is_repeating)?;
        Some(RepeatedInstruction {
            code: encode_repeated(&op, self.core.segment(Segment::Cs).is_big())?,
            length: op.length,
        })
    }

    /// The instruction to go on with, if it stopped between two iterations.
    fn take_repeated(&mut self) -> Option<Op> {
        self.repeated.take().filter(|_| self.core.is_repeating)
    }

    /// Executes the instruction at CS:EIP, which has been fetched.
    fn execute(&mut self, bus: &mut B, op: Op, places: Places) -> Option<bool> {
        let core = &mut self.core;
        let start = core.eip;
        if std::mem::take(&mut core.is_refilling) {
            core.cycles += Cycle::from(op.components);
        }
        places.charge(core, bus, u32::from(op.length));
        let behind = start.wrapping_add(u32::from(op.length));
        core.page_eip = behind.wrapping_sub(u32::from(op.end));
        let step = Step::of(op);
        let steps = std::slice::from_ref(&step);
        let exit = (step.handler)(core, bus, steps, &self.cache.nowhere, core.cycles);
        match exit.end() {
            End::Flow(flow) => {
                core.instructions += u64::from(flow != Flow::Again);
                self.follow(flow, start, behind);
                self.repeated = (flow == Flow::Again).then_some(op);
                Some(flow == Flow::Transfer && forms::is_software_interrupt(op.handler))
            }
            End::Fault => {
                let fault = core.fault;
                self.core.trail.leave(behind);
                self.fault(bus, fault, start);
                None
            }
        }
    }

    /// What the flow of an instruction means that ended a chain of handlers.
    #[inline]
    fn follow(&mut self, flow: Flow, start: u32, behind: u32) {
        match flow {
            Flow::Next | Flow::Leave => self.core.eip = behind,
            Flow::Again => self.core.eip = start,
            Flow::Reopen => {
                self.core.eip = behind;
                self.core.trail.leave(behind);
                self.window = None;
            }
            Flow::Jump | Flow::FarJump => {
                self.core.is_refilling = true;
                self.core.is_queue_empty = true;
                self.core.trail.leave(behind);
                if flow == Flow::FarJump {
                    self.window = None;
                }
            }
            Flow::Transfer => {
                self.core.is_queue_empty = true;
                self.core.trail.leave(behind);
                self.window = None;
            }
        }
    }

    /// Gets and decodes the instruction at CS:EIP, wherever its bytes are.
    fn fetch(&mut self, bus: &mut B) -> Result<(Op, Places), Fault> {
        let cs = *self.core.segment(Segment::Cs);
        let eip = self.core.eip;
        let start = cs.base.wrapping_add(eip);
        let mut places = Places::default();
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
                    let address = frame << 12 | linear & 0xFFF;
                    let first = address as usize;
                    let to_limit = usize::try_from(cs.limit - offset)
                        .unwrap_or(usize::MAX)
                        .saturating_add(1);
                    let to_page_end = 0x1000 - (linear & 0xFFF) as usize;
                    let part = to_page_end.min(to_limit).min(LONGEST - count);
                    bytes[count..count + part].copy_from_slice(&bus.memory()[first..first + part]);
                    places.add(count as u32, address);
                    count += part;
                }
                CodePage::Device => {
                    bytes[count] = self.core.fetch_byte(bus, linear)?;
                    count += 1;
                }
            }
            if let Some(op) = self.cache.decode_single(&bytes[..count], start, cs.is_big()) {
                return Ok((op, places));
            }
        }
    }

    /// Executes until something must be looked at.
    fn run_pages(&mut self, bus: &mut B) {
        if let Some(op) = self.take_repeated() {
            self.execute(bus, op, Places::default());
        }
        while self.core.cycles < self.core.until {
            let found = match self.find_known_ops() {
                Some(known) => Some(known),
                None => match self.find_window(bus) {
                    Ok(window) => self.find_ops(bus, window),
                    Err(fault) => {
                        let eip = self.core.eip;
                        self.fault(bus, fault, eip);
                        continue;
                    }
                },
            };
            match found {
                Some((number, index)) => self.run_ops(bus, number, index),
                None => {
                    self.execute_single(bus);
                }
            }
        }
    }

    /// Page and index of the op at CS:EIP, where nothing has to be translated, numbered or decoded for it. Otherwise nothing
    /// changes.
    #[inline]
    fn find_known_ops(&mut self) -> Option<(usize, usize)> {
        let core = &mut self.core;
        let cs = core.segment(Segment::Cs);
        let (eip, limit, is_32_bit) = (core.eip, cs.limit, cs.is_big());
        let linear = cs.base.wrapping_add(eip);
        let offset = linear & 0xFFF;
        let (page, map_generation) = (linear >> 12, core.map_generation);
        let (frame, number) = match self.window {
            Some(window) if window.page == page && window.map_generation == map_generation => {
                let Code::Cached { frame, number } = window.code else {
                    return None;
                };
                (frame, number)
            }
            _ => {
                if eip > limit || limit - eip < 0xFFF - offset {
                    return None;
                }
                let frame = core.known_code_frame(linear)?;
                let known = &self.known[frame as usize % KNOWN];
                if known.key != Known::key(frame, is_32_bit) {
                    return None;
                }
                (frame, known.number)
            }
        };
        let index = self.cache.page(number).find(offset)?;
        core.code_base = frame << 12;
        core.code_page = page << 12;
        core.is_code_32_bit = is_32_bit;
        core.page_eip = eip.wrapping_sub(offset);
        self.window = Some(Window {
            page,
            is_32_bit,
            map_generation,
            code: Code::Cached { frame, number },
        });
        Some((number, index))
    }

    /// The page of code at CS:EIP.
    fn find_window(&mut self, bus: &mut B) -> Result<Window, Fault> {
        let cs = self.core.segment(Segment::Cs);
        let (eip, limit, is_32_bit) = (self.core.eip, cs.limit, cs.is_big());
        let linear = cs.base.wrapping_add(eip);
        if let Some(window) = self.window
            && window.page == linear >> 12
            && window.map_generation == self.core.map_generation
        {
            return Ok(self.open_restored(bus, window));
        }
        if eip > limit {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        let code = match self.core.code_page(bus, linear)? {
            CodePage::Memory { frame } if limit - eip >= 0xFFF - (linear & 0xFFF) => {
                let number = self.number_of(frame, is_32_bit);
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

    /// The number of a frame's page in the cache.
    #[inline]
    fn number_of(&mut self, frame: u32, is_32_bit: bool) -> usize {
        let key = Known::key(frame, is_32_bit);
        let known = self.known[frame as usize % KNOWN];
        if known.key == key {
            return known.number;
        }
        self.look_up_number(frame, is_32_bit)
    }

    #[inline(never)]
    fn look_up_number(&mut self, frame: u32, is_32_bit: bool) -> usize {
        let number = self.cache.page_of(&mut self.core, frame, is_32_bit);
        if number == 0 {
            // The cache may have started over, and this is its first page.
            self.known = [Known::NOTHING; KNOWN];
        }
        self.known[frame as usize % KNOWN] = Known {
            key: Known::key(frame, is_32_bit),
            number,
        };
        number
    }

    /// Goes on in the page of a restored state, without translating its address again.
    #[inline]
    fn open_restored(&mut self, bus: &mut B, window: Window) -> Window {
        match window.code {
            Code::Restored { frame } => self.open_restored_frame(bus, window, frame),
            _ => window,
        }
    }

    #[cold]
    fn open_restored_frame(&mut self, bus: &mut B, window: Window, frame: Option<u32>) -> Window {
        let frames = bus.memory().len() / 0x1000;
        let code = match frame.filter(|frame| (*frame as usize) < frames) {
            Some(frame) => Code::Cached {
                frame,
                number: self.number_of(frame, window.is_32_bit),
            },
            None => Code::Single,
        };
        let opened = Window { code, ..window };
        self.window = Some(opened);
        opened
    }

    /// Page and index of the op at CS:EIP; none where the instruction must be fetched by itself.
    fn find_ops(&mut self, bus: &mut B, window: Window) -> Option<(usize, usize)> {
        let Code::Cached { frame, number } = window.code else {
            return None;
        };
        let core = &mut self.core;
        let offset = core.segment(Segment::Cs).base.wrapping_add(core.eip) & 0xFFF;
        core.code_base = frame << 12;
        core.code_page = window.page << 12;
        core.is_code_32_bit = window.is_32_bit;
        core.page_eip = core.eip.wrapping_sub(offset);
        let index = match self.cache.page(number).find(offset) {
            Some(index) => index,
            None => {
                let address = frame << 12 | offset;
                self.cache.decode(core, bus, number, address, window.is_32_bit)?
            }
        };
        Some((number, index))
    }

    /// The inner loop: ops of one page, from one jump to the next.
    #[inline]
    fn run_ops(&mut self, bus: &mut B, number: usize, index: usize) {
        self.core.open_trail();
        let core = &mut self.core;
        let page = self.cache.page(number);
        let mut index = index;
        if std::mem::take(&mut core.is_queue_empty) {
            let op = &page.steps[index].op;
            if std::mem::take(&mut core.is_refilling) {
                core.cycles += Cycle::from(op.components);
            }
            let offset = core.eip.wrapping_sub(core.page_eip);
            if !op.traits.contains(Traits::IN_TWO_BLOCKS) && core.has_target_at_once(bus, offset) {
                core.prefetch_begun = core.cycles;
            } else {
                core.fetch_target(bus, core.code_base | offset, u32::from(op.length));
            }
        } else if !core.is_repeating {
            index = page.straight_to(index);
        }
        let steps = &page.steps[index..];
        let first = &steps[0];
        core.uncounted = u64::from(first.op.number).wrapping_neg();
        core.begin_chain();
        let exit = (first.handler)(core, bus, steps, page, core.cycles);
        let last = &page.steps[page.steps.len() - 1 - exit.left()].op;
        core.instructions = core
            .instructions
            .wrapping_add(core.uncounted)
            .wrapping_add(u64::from(last.number));
        let behind = last.next_eip(core);
        let start = behind.wrapping_sub(u32::from(last.length));
        match exit.end() {
            End::Flow(flow) => {
                core.instructions += u64::from(!matches!(flow, Flow::Again | Flow::Leave));
                if flow == Flow::Again {
                    self.repeated = Some(*last);
                }
                self.follow(flow, start, behind);
            }
            End::Fault => {
                let fault = core.fault;
                core.trail.leave(behind);
                self.fault(bus, fault, start);
            }
        }
    }
}

/// Where in [`Bus::memory`] the parts of a singly fetched instruction lie, by how many of its bytes stand before them.
#[derive(Clone, Copy, Debug, Default)]
struct Places {
    parts: [Option<(u32, u32)>; 2],
}

impl Places {
    /// Of an instruction whose bytes all lie together.
    fn at(address: u32) -> Self {
        Self {
            parts: [Some((0, address)), None],
        }
    }

    fn add(&mut self, before: u32, address: u32) {
        let part = usize::from(self.parts[0].is_some());
        self.parts[part] = Some((before, address));
    }

    /// Charges the fetch of the instruction's `length` bytes, as far as they lie in memory and it does not merely go on.
    fn charge<B: Bus>(self, core: &mut Core, bus: &mut B, length: u32) {
        if core.is_repeating {
            return;
        }
        let is_queue_empty = std::mem::take(&mut core.is_queue_empty);
        for (before, address) in self.parts.into_iter().flatten() {
            let bytes = length.saturating_sub(before).min(0x1000 - (address & 0xFFF));
            if bytes == 0 {
                continue;
            }
            if is_queue_empty {
                core.fetch_target(bus, address, bytes);
            } else if let Some(block) = block_within(address, bytes) {
                core.fetch_block(bus, block);
            }
        }
    }
}

#[cfg(any(test, fuzzing))]
impl<B: Bus> Cpu<B> {
    /// As [`Cpu::run`], but every instruction is decoded by itself.
    pub(crate) fn run_singly(&mut self, bus: &mut B) -> Stop {
        self.core.look_at_pins(bus);
        loop {
            if self.core.is_shut_down && !self.core.can_take_nmi() {
                return Stop::ShutDown;
            }
            if self.core.cycles >= self.core.deadline {
                return Stop::Reached;
            }
            match self.attend(bus) {
                Attention::Run => {
                    self.execute_one(bus);
                }
                Attention::Step => self.step(bus),
                Attention::LookAgain => {}
                Attention::Halted => return Stop::Halted,
            }
        }
    }
}

#[cfg(test)]
impl<B: Bus> Cpu<B> {
    /// A processor with this core, for tests.
    pub(crate) fn with_core(core: Core) -> Self {
        Self { core, ..Self::new() }
    }

    /// Its core, for tests.
    pub(crate) fn core_mut(&mut self) -> &mut Core {
        &mut self.core
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_board::{Board, CODE_0, IDT, protected};
    use crate::{Register, SegmentRegister};

    /// Where the tests' code lies.
    const CODE: u32 = 0x1_0000;

    /// A processor in flat protected mode in front of `code`.
    fn machine(code: &[u8]) -> (Cpu<Board>, Board) {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.set_bytes(CODE, code);
        core.eip = CODE;
        (Cpu::with_core(core), board)
    }

    /// Runs until HLT.
    fn run(code: &[u8]) -> (Cpu<Board>, Board) {
        let (mut cpu, mut board) = machine(code);
        board.pins.until = 1_000_000;
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        (cpu, board)
    }

    fn register(cpu: &Cpu<Board>, register: Register) -> u32 {
        cpu.state().general[register as usize]
    }

    #[test]
    fn reset_fetches_16_bytes_below_the_top_of_the_address_space() {
        let cpu = Cpu::<Board>::new();
        let cs = cpu.state().segments[Segment::Cs as usize];
        assert_eq!(cs.base.wrapping_add(cpu.state().eip), 0xFFFF_FFF0);
    }

    #[test]
    fn a_loop_runs_as_often_as_its_counter_says() {
        // xor eax,eax; mov ecx,10; l: add eax,ecx; dec ecx; jnz l; hlt
        let (cpu, _) = run(&[0x31, 0xC0, 0xB9, 10, 0, 0, 0, 0x01, 0xC8, 0x49, 0x75, 0xFB, 0xF4]);
        assert_eq!(register(&cpu, Register::Eax), 55);
        assert_eq!(cpu.state().instructions, 2 + 30 + 1);
    }

    #[test]
    fn the_clocks_of_a_loop_are_those_of_the_manual() {
        // mov ecx,10; l: dec ecx; jns l; hlt
        let (cpu, _) = run(&[0xB9, 10, 0, 0, 0, 0x49, 0x79, 0xFD, 0xF4]);
        // 2, eleven times DEC (2), ten times JNS taken (7 + 1 component of DEC), once not taken (3), HLT (5).
        assert_eq!(cpu.cycles(), 2 + 11 * 2 + 10 * 8 + 3 + 5);
    }

    #[test]
    fn a_call_returns_behind_itself() {
        // call f; inc eax; hlt; f: mov eax,41; ret
        let (cpu, _) = run(&[0xE8, 2, 0, 0, 0, 0x40, 0xF4, 0xB8, 41, 0, 0, 0, 0xC3]);
        assert_eq!(register(&cpu, Register::Eax), 42);
        assert_eq!(register(&cpu, Register::Esp), 0x8000);
    }

    #[test]
    fn code_that_writes_the_instruction_behind_a_jump_executes_what_it_wrote() {
        // mov byte [l+1],7; jmp l; l: mov al,1; hlt
        let (cpu, _) = run(&[0xC6, 0x05, 10, 0, 1, 0, 7, 0xEB, 0, 0xB0, 1, 0xF4]);
        assert_eq!(register(&cpu, Register::Eax) & 0xFF, 7);
    }

    #[test]
    fn code_that_was_executed_and_is_then_written_executes_as_written() {
        // mov ecx,3; l: mov al,1; add bl,al; add byte [l+1],1; loop l; hlt
        let code = [
            0xB9, 3, 0, 0, 0, 0xB0, 1, 0x00, 0xC3, 0x80, 0x05, 6, 0, 1, 0, 1, 0xE2, 0xF3, 0xF4,
        ];
        let (cpu, _) = run(&code);
        assert_eq!(register(&cpu, Register::Ebx) & 0xFF, 1 + 2 + 3);
    }

    #[test]
    fn code_that_someone_else_has_written_executes_after_invalidate() {
        // l: mov al,1; hlt; jmp l
        let (mut cpu, mut board) = machine(&[0xB0, 1, 0xF4, 0xEB, 0xFB]);
        board.set_gate(IDT + 2 * 8, CODE_0, CODE, 0x8E, 0);
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        board.set_bytes(CODE + 1, &[9]);
        cpu.invalidate(CODE + 1..CODE + 2);
        board.pins.nmi = true;
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(register(&cpu, Register::Eax) & 0xFF, 9);
    }

    #[test]
    fn an_instruction_may_straddle_two_pages() {
        let (mut cpu, mut board) = machine(&[]);
        // mov eax,12345678h; hlt, three bytes before a page's end
        board.set_bytes(CODE + 0xFFD, &[0xB8, 0x78, 0x56, 0x34, 0x12, 0xF4]);
        cpu.core_mut().eip = CODE + 0xFFD;
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(register(&cpu, Register::Eax), 0x1234_5678);
    }

    #[test]
    fn no_instruction_begins_at_the_deadline() {
        let (mut cpu, mut board) = machine(&[0x90, 0x90, 0x90, 0xF4]);
        board.pins.until = 6;
        assert_eq!(cpu.run(&mut board), Stop::Reached);
        assert_eq!((cpu.cycles(), cpu.state().eip), (6, CODE + 2));
        board.pins.until = 7;
        assert_eq!(cpu.run(&mut board), Stop::Reached);
        assert_eq!((cpu.cycles(), cpu.state().eip), (9, CODE + 3));
    }

    #[test]
    fn a_repeated_string_instruction_stops_at_the_deadline_and_goes_on_without_starting_anew() {
        // mov ecx,100; rep stosb; hlt
        let code = [0xB9, 100, 0, 0, 0, 0xF3, 0xAA, 0xF4];
        let (mut cpu, mut board) = machine(&code);
        cpu.core_mut().general[Register::Edi as usize] = 0x2_0000;
        board.pins.until = 50;
        assert_eq!(cpu.run(&mut board), Stop::Reached);
        assert_eq!(cpu.state().eip, CODE + 5);
        let state = cpu.state();
        cpu.restore(&state);
        board.pins.until = Cycle::MAX;
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(cpu.cycles(), 2 + 5 + 5 * 100 + 5);
        assert_eq!(register(&cpu, Register::Edi), 0x2_0064);
    }

    #[test]
    fn an_interrupt_waits_for_the_instruction_behind_sti() {
        // sti; inc eax; inc eax; hlt
        let (mut cpu, mut board) = machine(&[0xFB, 0x40, 0x40, 0xF4]);
        board.set_gate(IDT + 0x30 * 8, CODE_0, CODE + 3, 0x8E, 0);
        board.answer = 0x30;
        board.pins.interrupt = true;
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(register(&cpu, Register::Eax), 1);
        assert_eq!(board.dword(0x8000 - 12), CODE + 2);
    }

    #[test]
    fn an_interrupt_wakes_a_halted_processor() {
        // sti; hlt; inc eax; hlt. The handler: pop the frame's interrupt request by iretd
        let (mut cpu, mut board) = machine(&[0xFB, 0xF4, 0x40, 0xFA, 0xF4]);
        board.set_gate(IDT + 0x30 * 8, CODE_0, CODE + 0x100, 0x8E, 0);
        board.set_bytes(CODE + 0x100, &[0xBB, 5, 0, 0, 0, 0xCF]);
        board.answer = 0x30;
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        board.pins.interrupt = true;
        board.pins.until = cpu.cycles() + 65;
        assert_eq!(cpu.run(&mut board), Stop::Reached);
        board.pins.interrupt = false;
        board.pins.until = Cycle::MAX;
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(
            (register(&cpu, Register::Ebx), register(&cpu, Register::Eax)),
            (5, 1)
        );
    }

    #[test]
    fn a_fault_is_reported_with_the_address_of_its_instruction() {
        // nop; bswap eax (a 486 instruction)
        let (mut cpu, mut board) = machine(&[0x90, 0x0F, 0xC8]);
        board.set_gate(IDT + 6 * 8, CODE_0, CODE + 0x100, 0x8E, 0);
        board.set_bytes(CODE + 0x100, &[0xF4]);
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(board.dword(0x8000 - 12), CODE + 1);
    }

    #[test]
    fn a_fault_without_any_handler_shuts_the_processor_down() {
        let (mut cpu, mut board) = machine(&[0x0F, 0x0B]);
        assert_eq!(cpu.run(&mut board), Stop::ShutDown);
        assert_eq!(cpu.run(&mut board), Stop::ShutDown);
    }

    #[test]
    fn single_step_traps_behind_each_instruction() {
        // pushfd; or byte [esp+1],1; popfd; inc eax; pushfd; and byte [esp+1],0FEh; popfd; inc eax; hlt
        let set = [0x9C, 0x80, 0x4C, 0x24, 1, 1, 0x9D, 0x40];
        let clear = [0x9C, 0x80, 0x64, 0x24, 1, 0xFE, 0x9D, 0x40, 0xF4];
        let (mut cpu, mut board) = machine(&[&set[..], &clear[..]].concat());
        board.set_gate(IDT + 8, CODE_0, CODE + 0x100, 0x8E, 0);
        board.set_bytes(CODE + 0x100, &[0x43, 0xCF]);
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        // The instruction that sets TF is not stepped, the one that clears it is.
        assert_eq!(
            (register(&cpu, Register::Eax), register(&cpu, Register::Ebx)),
            (2, 4)
        );
    }

    #[test]
    fn a_single_step_keeps_the_page_that_it_executes_from() {
        // rep stosb behind STI's shadow, cut by the deadline
        let (mut cpu, mut board) = machine(&[0xF3, 0xAA, 0xF4]);
        cpu.core_mut().is_in_shadow = true;
        cpu.core_mut().general[Register::Ecx as usize] = 100;
        cpu.core_mut().general[Register::Edi as usize] = 0x2_0000;
        board.pins.until = 50;
        assert_eq!(cpu.run(&mut board), Stop::Reached);
        let page = cpu.state().executed_page.map(|executed| executed.page);
        assert_eq!(page, Some(CODE >> 12));
    }

    /// Handler of debug exceptions: counts in EBX and returns with RF as the frame has it.
    fn count_debug_exceptions(board: &mut Board) {
        board.set_gate(IDT + 8, CODE_0, CODE + 0x100, 0x8E, 0);
        board.set_bytes(CODE + 0x100, &[0x43, 0xCF]);
    }

    #[test]
    fn single_step_traps_behind_into_that_does_not_interrupt() {
        let (mut cpu, mut board) = machine(&[0xCE]);
        board.set_gate(IDT + 8, CODE_0, CODE + 0x100, 0x8E, 0);
        board.set_bytes(CODE + 0x100, &[0xF4]);
        cpu.core_mut().set_eflags(Flags::TRAP);
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(board.dword(0x8000 - 12), CODE + 1);
    }

    #[test]
    fn an_instruction_breakpoint_sets_rf_in_its_frame_so_that_iretd_goes_on() {
        // inc eax; hlt, with a breakpoint on each
        let (mut cpu, mut board) = machine(&[0x40, 0xF4]);
        count_debug_exceptions(&mut board);
        cpu.core_mut().debug = [CODE, CODE + 1, 0, 0, 0, 0, 0, 0b1010];
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(
            (register(&cpu, Register::Eax), register(&cpu, Register::Ebx)),
            (1, 2)
        );
        assert_eq!(cpu.state().debug[6] & 3, 3);
    }

    #[test]
    fn a_repeated_instruction_meets_its_breakpoint_once_however_it_is_cut() {
        // rep stosb; hlt
        let (mut cpu, mut board) = machine(&[0xF3, 0xAA, 0xF4]);
        count_debug_exceptions(&mut board);
        cpu.core_mut().debug = [CODE, 0, 0, 0, 0, 0, 0, 0b10];
        cpu.core_mut().general[Register::Ecx as usize] = 20;
        cpu.core_mut().general[Register::Edi as usize] = 0x2_0000;
        board.pins.until = 0;
        while cpu.run(&mut board) == Stop::Reached {
            board.pins.until += 7;
        }
        assert_eq!(register(&cpu, Register::Ebx), 1);
        assert_eq!(register(&cpu, Register::Edi), 0x2_0014);
    }

    #[test]
    fn a_repeated_instruction_that_overwrites_itself_goes_on_however_it_is_cut() {
        // rep stosb, from itself on; hlt at its end
        let (mut cpu, mut board) = machine(&[0xF3, 0xAA]);
        board.set_bytes(CODE + 40, &[0xF4]);
        cpu.core_mut().general[Register::Eax as usize] = 0x90;
        cpu.core_mut().general[Register::Ecx as usize] = 40;
        cpu.core_mut().general[Register::Edi as usize] = CODE;
        board.pins.until = 0;
        while cpu.run(&mut board) == Stop::Reached {
            board.pins.until += 7;
        }
        assert_eq!(register(&cpu, Register::Ecx), 0);
        assert_eq!(cpu.state().eip, CODE + 41);
    }

    #[test]
    fn debug_exceptions_wait_behind_a_load_of_ss_for_the_next_instruction() {
        // mov ss,[5000h]; inc eax; inc eax; hlt, with breakpoints on the data and on the first INC
        let (mut cpu, mut board) = machine(&[0x8E, 0x15, 0, 0x50, 0, 0, 0x40, 0x40, 0xF4]);
        board.set_dword(0x5000, u32::from(crate::test_board::DATA_0));
        board.set_gate(IDT + 8, CODE_0, CODE + 0x100, 0x8E, 0);
        board.set_bytes(CODE + 0x100, &[0xF4]);
        cpu.core_mut().debug = [0x5000, CODE + 6, 0, 0, 0, 0, 0, 0b1010 | 3 << 16];
        board.pins.until = 1;
        assert_eq!(cpu.run(&mut board), Stop::Reached);
        let state = cpu.state();
        cpu.restore(&state);
        board.pins.until = Cycle::MAX;
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(register(&cpu, Register::Eax), 1);
        assert_eq!(board.dword(0x8000 - 12), CODE + 7);
        assert_eq!(cpu.state().debug[6] & 3, 1);
    }

    #[test]
    fn the_instruction_behind_sti_meets_its_breakpoint() {
        // sti; inc eax; hlt
        let (mut cpu, mut board) = machine(&[0xFB, 0x40, 0xF4]);
        count_debug_exceptions(&mut board);
        cpu.core_mut().debug = [CODE + 1, 0, 0, 0, 0, 0, 0, 0b10];
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(
            (register(&cpu, Register::Eax), register(&cpu, Register::Ebx)),
            (1, 1)
        );
    }

    #[test]
    fn code_in_more_pages_than_are_kept_decoded_runs_from_all_of_them() {
        // In each page: inc eax; jmp to the next page. In the last: loop to the first; hlt
        let mut board = Board::new();
        let mut core = protected(&mut board);
        const PAGES: u32 = 40;
        for page in 0..PAGES {
            board.set_bytes(CODE + page * 0x1000, &[0x40, 0xE9, 0xFA, 0x0F, 0, 0]);
        }
        let last = CODE + PAGES * 0x1000;
        let back = CODE.wrapping_sub(last + 7).to_le_bytes();
        board.set_bytes(
            last,
            &[0x49, 0x0F, 0x85, back[0], back[1], back[2], back[3], 0xF4],
        );
        core.general[Register::Ecx as usize] = 3;
        core.eip = CODE;
        let mut cpu = Cpu::with_core(core);
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(register(&cpu, Register::Eax), 3 * PAGES);
        assert_eq!(cpu.state().instructions, u64::from(3 * (2 * PAGES + 2) + 1));
    }

    #[test]
    fn code_that_is_rewritten_over_and_over_runs_as_it_was_written_last() {
        // xor edx,edx; mov ecx,200; l: inc byte [l + 7]; mov al,0; add edx,eax; dec ecx; jnz l; hlt
        let at = (CODE + 7 + 7).to_le_bytes();
        let mut code = vec![0x31, 0xD2, 0xB9, 200, 0, 0, 0];
        code.extend([0xFE, 0x05, at[0], at[1], at[2], at[3], 0xB0, 0]);
        code.extend([0x01, 0xC2, 0x49, 0x75, 0xF3, 0xF4]);
        let (cpu, _) = run(&code);
        // The constant of MOV AL is 1, 2, … 200.
        assert_eq!(register(&cpu, Register::Edx), 200 * 201 / 2);
    }

    #[test]
    fn an_nmi_ends_a_shutdown_unless_it_is_blocked() {
        let (mut cpu, mut board) = machine(&[0x0F, 0xFF]);
        board.set_gate(IDT + 2 * 8, CODE_0, CODE + 0x100, 0x8E, 0);
        board.set_bytes(CODE + 0x100, &[0xF4]);
        assert_eq!(cpu.run(&mut board), Stop::ShutDown);
        let mut blocked = Cpu::new();
        blocked.restore(&cpu.state());
        blocked.core_mut().is_nmi_blocked = true;
        board.pins.nmi = true;
        assert_eq!(blocked.run(&mut board), Stop::ShutDown);
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert!(!cpu.state().is_shut_down);
        assert_eq!(board.dword(0x8000 - 12), CODE);
    }

    #[test]
    fn a_word_at_offset_ffff_in_real_mode_is_interrupt_13_or_12_without_an_error_code() {
        for (code, vector) in [(&[0xA1, 0xFF, 0xFF][..], 13), (&[0x8B, 0x46, 0x00], 12)] {
            let (mut cpu, mut board) = (Cpu::new(), Board::new());
            for segment in Segment::ALL {
                cpu.core_mut().set_segment(segment, SegmentRegister::real(0x1000));
            }
            board.set_bytes(CODE + 0x200, code);
            board.set_bytes(CODE + 0x300, &[0xF4]);
            board.set_dword(vector * 4, 0x1000_0300);
            cpu.core_mut().eip = 0x200;
            cpu.core_mut().general[Register::Esp as usize] = 0x8000;
            cpu.core_mut().general[Register::Ebp as usize] = 0xFFFF;
            assert_eq!(cpu.run(&mut board), Stop::Halted);
            assert_eq!(cpu.state().eip, 0x301, "vector {vector}");
            assert_eq!(register(&cpu, Register::Esp), 0x7FFA);
            assert_eq!(board.dword(CODE + 0x7FFA), 0x1000_0200);
        }
    }

    #[test]
    fn no_single_step_trap_comes_between_a_load_of_ss_and_the_next_instruction() {
        // pushfd; or byte [esp+1],1; popfd; mov ax,ss; mov ss,ax; nop; pushfd; and byte [esp+1],0FEh; popfd; hlt
        let set = [0x9C, 0x80, 0x4C, 0x24, 1, 1, 0x9D, 0x8C, 0xD0, 0x8E, 0xD0, 0x90];
        let clear = [0x9C, 0x80, 0x64, 0x24, 1, 0xFE, 0x9D, 0xF4];
        let (mut cpu, mut board) = machine(&[&set[..], &clear[..]].concat());
        board.set_gate(IDT + 8, CODE_0, CODE + 0x100, 0x8E, 0);
        board.set_bytes(CODE + 0x100, &[0x43, 0xCF]);
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(register(&cpu, Register::Ebx), 5);
    }

    #[test]
    fn real_mode_runs_from_the_reset_vector() {
        let (mut cpu, mut board) = (Cpu::new(), Board::new());
        let mut state = cpu.state();
        state.segments[Segment::Cs as usize].base = 0xF_0000;
        cpu.restore(&state);
        // jmp far F000:E000; there: mov ax,1234h; mov ds,ax; mov [5],al; hlt
        board.set_bytes(0xF_FFF0, &[0xEA, 0x00, 0xE0, 0x00, 0xF0]);
        board.set_bytes(0xF_E000, &[0xB8, 0x34, 0x12, 0x8E, 0xD8, 0xA2, 0x05, 0x00, 0xF4]);
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        assert_eq!(board.dword(0x1_2345) & 0xFF, 0x34);
    }

    #[test]
    fn the_trail_tells_the_last_stretches() {
        // jmp l; l: jmp m; m: hlt
        let (cpu, _) = run(&[0xEB, 0, 0xEB, 0, 0xF4]);
        let trail = cpu.trail();
        let stretches: Vec<_> = trail.iter().map(|stretch| (stretch.start, stretch.end)).collect();
        assert_eq!(
            stretches,
            [(CODE, CODE + 2), (CODE + 2, CODE + 4), (CODE + 4, CODE + 5)]
        );
    }
}
