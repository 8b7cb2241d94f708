//! The execution state that every handler sees: registers, hidden parts, cycle counter. The decode cache lives beside
//! it (in `Cpu`), so that a handler can be given the core mutably and its decoded instruction at the same time.
//!
//! The one compare that every instruction pays, `cycles >= until`, serves all rare events: [`Core::until`] is the
//! board's deadline, or zero when the run loop must look round first ([`Core::ask_attention`]): an interrupt can be taken,
//! decoded code was written, the memory map changed, a debug condition is pending.

use crate::debug::STATUS_ONES;
use crate::descriptor::Selector;
use crate::flags::Status;
use crate::known::{KnownSegment, KnownSegments};
use crate::memory::{CodeLines, Reach, Shortcuts, Ways};
use crate::op::Op;
use crate::paging::{Level, Tlb};
use crate::target::Target;
use crate::trail::{Context, Trail};
use crate::{Bus, Control, Cycle, Fault, Flags, Segment, SegmentRegister, State, TableRegister, Vector};

/// DH is the 3 of the 386, DL the stepping (D1): EDX after reset (80386 data sheet, section 2.10).
const IDENTIFIER_AND_STEPPING: u32 = 0x0308;
/// Cycles of the longest chain of handlers.
const LONGEST_CHAIN: Cycle = 1024;
/// As many general registers as a byte can number.
const REGISTERS: usize = 256;
/// Where the first instruction is fetched: FFFF FFF0h, through CS = F000h with base FFFF 0000h.
const RESET_EIP: u32 = 0xFFF0;

/// Registers and counters of the processor.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    /// EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI. All others are always zero: the ninth stands for the base or index that an
    /// address has not, and with as many as a byte can number no index needs a check.
    pub(crate) general: [u32; REGISTERS],
    /// The address of the next instruction, between two instructions. Handlers do not keep it up: see `Op::next_eip`.
    pub(crate) eip: u32,
    /// EIP at the beginning of the page that decoded code is executed from, or of an instruction that was decoded singly.
    pub(crate) page_eip: u32,
    /// The first byte of that page's frame in [`Bus::memory`].
    pub(crate) code_base: u32,
    /// The linear address of that page.
    pub(crate) code_page: u32,
    /// That page is decoded as 32-bit code.
    pub(crate) is_code_32_bit: bool,
    /// The chain of handlers comes back to the run loop at this cycle: [`Core::until`], or sooner if that is far away.
    pub(crate) pause: Cycle,
    /// Instructions completed in the page since the run loop last counted them, less the `Op::number` of the next one.
    pub(crate) uncounted: u64,
    pub(crate) trail: Trail,
    /// The fault of an instruction, on its way to the run loop.
    pub(crate) fault: Fault,
    /// EFLAGS without the arithmetic flags, which are in `status`.
    eflags: u32,
    /// The arithmetic flags.
    pub(crate) status: Status,
    /// The next instruction is the target of a jump, whose clocks include its components.
    pub(crate) is_refilling: bool,
    /// The prefetch queue is empty: the next instruction is fetched while the processor waits (see `exec::fetch`).
    pub(crate) is_queue_empty: bool,
    /// When the prefetch of the next block of code could begin.
    pub(crate) prefetch_begun: Cycle,
    /// Wait states of the rest of a jump target's block, which the next block has to bear.
    pub(crate) prefetch_owed: u32,
    /// The next instruction is a repeated one that was left between two iterations: it does not start anew.
    pub(crate) is_repeating: bool,
    /// ES, CS, SS, DS, FS, GS with their hidden parts. Change one through [`Core::set_segment`] only.
    pub(crate) segments: [SegmentRegister; 6],
    /// What the fast path of an access needs from `segments`.
    pub(crate) reach: [Reach; 6],
    /// What the fastest one needs from `segments` and `level`.
    pub(crate) ways: Ways,
    /// FFFF FFFFh with a 32-bit stack segment, FFFFh with a 16-bit one.
    pub(crate) stack_mask: u32,
    pub(crate) known: KnownSegments,
    /// Where a passage leads that is under way to another stack.
    pub(crate) target: Target,
    pub(crate) ldtr: SegmentRegister,
    pub(crate) tr: SegmentRegister,
    pub(crate) gdtr: TableRegister,
    pub(crate) idtr: TableRegister,
    pub(crate) cr0: Control,
    pub(crate) cr2: u32,
    pub(crate) cr3: u32,
    pub(crate) debug: [u32; 8],
    pub(crate) test: [u32; 2],
    pub(crate) tlb: Tlb,
    pub(crate) shortcuts: Shortcuts,
    /// Which lines of memory hold decoded code.
    pub(crate) code_lines: CodeLines,
    privilege: u8,
    /// What `privilege` is to paging.
    level: Level,
    /// Cycles since power-on.
    pub(crate) cycles: Cycle,
    /// No instruction begins at or after this cycle without a look round: [`Core::deadline`], or zero.
    pub(crate) until: Cycle,
    /// From `Pins`: the board's own deadline.
    pub(crate) deadline: Cycle,
    /// From `Pins`: INTR.
    pub(crate) is_interrupt_requested: bool,
    /// From `Pins`: NMI has risen.
    pub(crate) is_nmi_requested: bool,
    /// From `Pins`: what `shortcuts` were made for.
    pub(crate) map_generation: u32,
    /// The run loop must look round before the next instruction.
    pub(crate) needs_attention: bool,
    /// Instructions completed since power-on.
    pub(crate) instructions: u64,
    pub(crate) is_halted: bool,
    pub(crate) is_shut_down: bool,
    pub(crate) is_nmi_blocked: bool,
    pub(crate) is_in_shadow: bool,
    /// The instruction that is being executed, or was executed last, loads SS: no debug exception follows it.
    pub(crate) is_loading_stack: bool,
    /// Bits of DR6 whose condition the current instruction has met: a debug trap is due when it ends.
    pub(crate) debug_pending: u32,
    /// A task switch has happened, and a fault after it belongs to the new task.
    pub(crate) is_in_new_task: bool,
}

impl Core {
    /// A processor whose RESET pin has just been released, with all counters at zero.
    pub(crate) fn new() -> Self {
        let mut core = Self {
            general: [0; REGISTERS],
            eip: 0,
            page_eip: 0,
            code_base: 0,
            code_page: 0,
            is_code_32_bit: false,
            pause: 0,
            uncounted: 0,
            trail: Trail::default(),
            fault: Fault::plain(Vector::InvalidOpcode),
            eflags: 0,
            status: Status::default(),
            is_refilling: false,
            is_queue_empty: true,
            prefetch_begun: 0,
            prefetch_owed: 0,
            is_repeating: false,
            segments: [SegmentRegister::default(); 6],
            reach: [Reach::default(); 6],
            ways: Ways::default(),
            stack_mask: 0xFFFF,
            known: KnownSegments::default(),
            target: Target::default(),
            ldtr: SegmentRegister::default(),
            tr: SegmentRegister::default(),
            gdtr: TableRegister::default(),
            idtr: TableRegister::default(),
            cr0: Control::empty(),
            cr2: 0,
            cr3: 0,
            debug: [0; 8],
            test: [0; 2],
            tlb: Tlb::default(),
            shortcuts: Shortcuts::default(),
            code_lines: CodeLines::default(),
            privilege: 0,
            level: Level::Supervisor,
            cycles: 0,
            until: 0,
            deadline: 0,
            is_interrupt_requested: false,
            is_nmi_requested: false,
            map_generation: 0,
            needs_attention: true,
            instructions: 0,
            is_halted: false,
            is_shut_down: false,
            is_nmi_blocked: false,
            is_in_shadow: false,
            is_loading_stack: false,
            debug_pending: 0,
            is_in_new_task: false,
        };
        core.reset();
        core
    }

    /// What the RESET pin does (PRM section 10.1). The counters go on.
    pub(crate) fn reset(&mut self) {
        self.general = [0; REGISTERS];
        self.is_refilling = false;
        self.is_queue_empty = true;
        self.is_repeating = false;
        self.general[crate::Register::Edx as usize] = IDENTIFIER_AND_STEPPING;
        self.eip = RESET_EIP;
        self.cr0 = Control::empty();
        self.cr2 = 0;
        self.cr3 = 0;
        self.debug = [0; 8];
        self.debug[6] = STATUS_ONES;
        self.test = [0; 2];
        self.set_eflags(Flags::ALWAYS);
        for segment in Segment::ALL {
            self.set_segment(segment, SegmentRegister::real(0));
        }
        self.set_segment(
            Segment::Cs,
            SegmentRegister {
                selector: 0xF000,
                base: 0xFFFF_0000,
                ..SegmentRegister::real(0)
            },
        );
        self.ldtr = SegmentRegister::default();
        self.tr = SegmentRegister::default();
        self.gdtr = TableRegister {
            base: 0,
            limit: 0xFFFF,
        };
        self.idtr = TableRegister {
            base: 0,
            limit: 0x03FF,
        };
        self.set_privilege(0);
        self.is_halted = false;
        self.is_shut_down = false;
        self.is_nmi_blocked = false;
        self.is_in_shadow = false;
        self.is_loading_stack = false;
        self.debug_pending = 0;
        self.is_in_new_task = false;
        self.forget_translations();
        self.ask_attention();
    }

    /// The whole of EFLAGS, bit 1 set.
    #[inline]
    pub(crate) fn eflags(&self) -> Flags {
        Flags::from_bits_truncate(self.eflags) | self.status.flags() | Flags::ALWAYS
    }

    /// Sets the whole of EFLAGS; the caller has decided which bits may change.
    #[inline]
    pub(crate) fn set_eflags(&mut self, flags: Flags) {
        self.eflags = (flags.difference(Flags::ARITHMETIC) | Flags::ALWAYS).bits();
        self.status = Status::from_flags(flags);
        let may_interrupt = self.is_interrupt_requested && flags.contains(Flags::INTERRUPT);
        if may_interrupt || flags.intersects(Flags::TRAP | Flags::RESUME) {
            self.ask_attention();
        }
    }

    /// EFLAGS without the arithmetic flags.
    #[inline]
    pub(crate) fn control_flags(&self) -> Flags {
        Flags::from_bits_truncate(self.eflags)
    }

    /// Clears flags other than the arithmetic ones.
    #[inline]
    pub(crate) fn clear_control_flags(&mut self, flags: Flags) {
        self.eflags &= !flags.bits();
    }

    /// Whether all of `flags` are set.
    #[inline]
    pub(crate) fn has(&self, flags: Flags) -> bool {
        let others = Flags::from_bits_truncate(self.eflags);
        if flags.intersects(Flags::ARITHMETIC) {
            self.eflags().contains(flags)
        } else {
            others.contains(flags)
        }
    }

    /// The segment register with its hidden part.
    #[inline]
    pub(crate) fn segment(&self, segment: Segment) -> &SegmentRegister {
        &self.segments[segment as usize]
    }

    /// Sets a segment register with its hidden part, and what is derived from it.
    #[inline(always)]
    pub(crate) fn set_segment(&mut self, segment: Segment, register: SegmentRegister) {
        if self.segments[segment as usize] == register {
            return;
        }
        self.segments[segment as usize] = register;
        self.reach[segment as usize] = Reach::of(segment, &register);
        self.ways
            .set_segment(segment, &self.reach[segment as usize], self.level);
        if segment == Segment::Ss {
            self.stack_mask = register.stack_mask();
        }
    }

    /// Loads CS with a known segment.
    #[inline(always)]
    pub(crate) fn load_known_code(&mut self, selector: Selector) {
        let known = *self.known.code(selector);
        self.set_known_segment(Segment::Cs, &known);
    }

    /// Loads SS with a known segment.
    #[inline(always)]
    pub(crate) fn load_known_stack(&mut self, selector: Selector) {
        let known = *self.known.stack(selector);
        self.set_known_segment(Segment::Ss, &known);
        self.stack_mask = u32::MAX;
    }

    #[inline(always)]
    fn set_known_segment(&mut self, segment: Segment, known: &KnownSegment) {
        if self.segments[segment as usize] != known.register {
            self.segments[segment as usize] = known.register;
            self.reach[segment as usize] = known.reach;
            self.ways.set_segment(segment, &known.reach, self.level);
        }
    }

    /// PE is set.
    #[inline]
    pub(crate) fn is_protected(&self) -> bool {
        self.cr0.contains(Control::PROTECTION)
    }

    /// VM is set.
    #[inline]
    pub(crate) fn is_virtual_8086(&self) -> bool {
        self.eflags & Flags::VIRTUAL_8086.bits() != 0
    }

    /// IOPL, 0 to 3.
    #[inline]
    pub(crate) fn io_privilege(&self) -> u8 {
        ((self.eflags >> 12) & 3) as u8
    }

    /// Where in the page that code is executed from CS:EIP lies, if it does, and the page can be executed as it was decoded.
    #[inline(always)]
    pub(crate) fn offset_in_code_page(&self) -> Option<u32> {
        let cs = self.segment(Segment::Cs);
        let (eip, limit) = (self.eip, cs.limit);
        let linear = cs.base.wrapping_add(eip);
        let offset = linear.wrapping_sub(self.code_page);
        if offset > 0xFFF
            || u64::from(eip) + u64::from(0xFFF - offset) > u64::from(limit)
            || cs.is_big() != self.is_code_32_bit
        {
            return None;
        }
        (self.known_code_frame(linear)? << 12 == self.code_base).then_some(offset)
    }

    /// Counts the instructions up to `op`, after which `target` comes next.
    #[inline(always)]
    pub(crate) fn count_up_to(&mut self, op: &Op, target: &Op) {
        self.uncounted = self
            .uncounted
            .wrapping_add(u64::from(op.number) + 1)
            .wrapping_sub(u64::from(target.number));
    }

    /// A new stretch of code begins at CS:EIP, unless one is under way.
    #[inline]
    pub(crate) fn open_trail(&mut self) {
        if !self.trail.is_open() {
            self.trail.enter(self.eip, self.code_context());
        }
    }

    /// The current stretch of code ends before `from`, and another one begins at CS:EIP.
    #[inline(always)]
    pub(crate) fn pass_trail(&mut self, from: u32) {
        self.trail.pass(from, self.eip, self.code_context());
    }

    #[inline(always)]
    fn code_context(&self) -> Context {
        let cs = self.segment(Segment::Cs);
        Context {
            base: cs.base,
            selector: cs.selector,
            is_32_bit: cs.is_big(),
        }
    }

    /// Has the run loop look round before the next instruction.
    #[inline]
    pub(crate) fn ask_attention(&mut self) {
        self.needs_attention = true;
        self.set_until(0);
    }

    /// MOV SS and POP SS: the next instruction boundary takes no interrupt and no debug exception (PRM section 9.2.4).
    pub(crate) fn begin_shadow(&mut self) {
        self.is_in_shadow = true;
        self.is_loading_stack = true;
        self.ask_attention();
    }

    /// Whether debug exceptions wait for the next instruction: SS has just been loaded.
    pub(crate) fn masks_debug(&self) -> bool {
        self.is_in_shadow && self.is_loading_stack
    }

    /// NMI has risen and is not blocked.
    pub(crate) fn can_take_nmi(&self) -> bool {
        self.is_nmi_requested && !self.is_nmi_blocked
    }

    /// Whether a repeated string instruction must stop between two iterations. Not for written code: the instruction has
    /// been decoded and goes on even if it overwrites itself.
    pub(crate) fn must_stop_repeating(&self) -> bool {
        self.cycles >= self.deadline
            || self.debug_pending != 0
            || self.has(Flags::TRAP)
            || self.can_take_nmi()
            || (self.is_interrupt_requested && self.has(Flags::INTERRUPT))
    }

    fn set_until(&mut self, until: Cycle) {
        self.until = until;
        self.pause = self.pause.min(until);
    }

    /// Current privilege level, 0 to 3 (0 in real mode, 3 in virtual 8086 mode).
    #[inline(always)]
    pub(crate) fn privilege(&self) -> u8 {
        self.privilege
    }

    /// Who asks when the current program accesses memory.
    #[inline(always)]
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    #[inline]
    pub(crate) fn set_privilege(&mut self, privilege: u8) {
        self.privilege = privilege;
        self.level = Level::of(privilege);
        self.ways.set_level(self.level);
    }

    /// A chain of handlers begins: it may be a thousand cycles long, for every op of it may take a place on the stack. Nothing that
    /// happens in it makes it longer.
    #[inline(always)]
    pub(crate) fn begin_chain(&mut self) {
        self.pause = self.until.min(self.cycles + LONGEST_CHAIN);
    }

    /// The run loop has looked round.
    pub(crate) fn end_attention(&mut self) {
        self.needs_attention = false;
        self.set_until(self.deadline);
    }

    /// Takes over what the board may have changed during a bus access (see [`Bus`]), or before a run.
    pub(crate) fn look_at_pins<B: Bus>(&mut self, bus: &B) {
        let pins = bus.pins();
        self.deadline = pins.until;
        self.is_interrupt_requested = pins.interrupt;
        self.is_nmi_requested = pins.nmi;
        if pins.map_generation != self.map_generation {
            self.map_generation = pins.map_generation;
            self.shortcuts.clear();
            self.needs_attention = true;
        }
        let may_interrupt = pins.interrupt && self.has(Flags::INTERRUPT);
        if may_interrupt || pins.nmi {
            self.needs_attention = true;
        }
        self.set_until(if self.needs_attention { 0 } else { self.deadline });
    }

    /// The programmer's model, for a snapshot; the page that code is executed from is the run loop's to add.
    pub(crate) fn state(&self) -> State {
        State {
            general: self.general[..8].try_into().expect("eight registers"),
            eip: self.eip,
            eflags: self.eflags().bits(),
            segments: self.segments,
            ldtr: self.ldtr,
            tr: self.tr,
            gdtr: self.gdtr,
            idtr: self.idtr,
            cr0: self.cr0.bits(),
            cr2: self.cr2,
            cr3: self.cr3,
            debug: self.debug,
            debug_pending: self.debug_pending,
            test: self.test,
            privilege: self.privilege(),
            translations: self.tlb.state(),
            executed_page: None,
            map_generation: self.map_generation,
            cycles: self.cycles,
            instructions: self.instructions,
            is_halted: self.is_halted,
            is_shut_down: self.is_shut_down,
            is_nmi_blocked: self.is_nmi_blocked,
            is_in_shadow: self.is_in_shadow,
            masks_debug: self.masks_debug(),
            is_refilling: self.is_refilling,
            is_queue_empty: self.is_queue_empty,
            prefetch_begun: self.prefetch_begun,
            prefetch_owed: self.prefetch_owed,
            is_repeating: self.is_repeating,
            repeated: None,
        }
    }

    /// Takes over a programmer's model and derives everything else from it. Which memory holds decoded code is
    /// forgotten: the caller drops its decoded code too.
    pub(crate) fn restore(&mut self, state: &State) {
        self.general = [0; REGISTERS];
        self.general[..8].copy_from_slice(&state.general);
        self.is_refilling = state.is_refilling;
        self.is_queue_empty = state.is_queue_empty;
        self.prefetch_begun = state.prefetch_begun;
        self.prefetch_owed = state.prefetch_owed;
        self.is_repeating = state.is_repeating;
        self.eip = state.eip;
        self.cr0 = Control::from_bits_truncate(state.cr0);
        self.cr2 = state.cr2;
        self.cr3 = state.cr3;
        self.set_eflags(Flags::from_bits_truncate(state.eflags));
        for (segment, register) in Segment::ALL.into_iter().zip(state.segments) {
            self.set_segment(segment, register);
        }
        self.ldtr = state.ldtr;
        self.tr = state.tr;
        self.gdtr = state.gdtr;
        self.idtr = state.idtr;
        self.debug = state.debug;
        self.test = state.test;
        self.set_privilege(state.privilege & 3);
        self.tlb = Tlb::from_state(&state.translations);
        self.shortcuts.clear();
        self.code_lines = CodeLines::default();
        self.map_generation = state.map_generation;
        self.cycles = state.cycles;
        self.instructions = state.instructions;
        self.is_halted = state.is_halted;
        self.is_shut_down = state.is_shut_down;
        self.is_nmi_blocked = state.is_nmi_blocked;
        self.is_in_shadow = state.is_in_shadow;
        self.is_loading_stack = state.masks_debug;
        self.debug_pending = state.debug_pending;
        self.is_in_new_task = false;
        self.trail = Trail::default();
        self.ask_attention();
    }
}

impl State {
    /// Of a processor whose RESET pin has just been released, at cycle 0.
    #[must_use]
    pub fn after_reset() -> Self {
        Core::new().state()
    }
}

#[cfg(test)]
mod tests {
    use crate::Cycle;
    use crate::test_board::{Board, protected};

    #[test]
    fn a_look_at_the_pins_makes_no_chain_of_handlers_longer() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.pins.until = Cycle::MAX;
        core.end_attention();
        core.look_at_pins(&board);
        core.begin_chain();
        let pause = core.pause;
        core.cycles += 100;
        core.look_at_pins(&board);
        assert_eq!((core.until, core.pause), (Cycle::MAX, pause));
        board.pins.until = core.cycles + 1;
        core.look_at_pins(&board);
        assert_eq!(core.pause, core.cycles + 1);
    }
}
