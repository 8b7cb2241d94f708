//! Tasks (PRM chapter 7): the task state segments of the 386 and the 286, the switch between tasks, the stacks of inner
//! levels, the I/O permission map.
//!
//! A switch has three parts. Up to the moment when the new state has been read, a fault belongs to the old task and
//! nothing has changed. Then the old state is stored and the new one taken over. From there on (loading LDTR and the
//! segment registers) a fault belongs to the new task: `Core::is_in_new_task` says so to whoever delivers it.

use crate::clocks::{self, TaskKind};
use crate::core::Core;
use crate::debug::{CONTROL_LOCAL, STATUS_TASK_SWITCH};
use crate::descriptor::{Descriptor, Kind, Selector};
use crate::paging::Level;
use crate::{Bus, Control, Fault, Flags, Segment, SegmentRegister, Vector};

/// Bytes of state in a task state segment of the 386: limits below 103 are too small.
const STATE_BYTES_32: u32 = 104;
/// The same of the 286.
const STATE_BYTES_16: u32 = 44;
/// Offset of the word that says where the I/O permission map begins.
const MAP_BASE: u32 = 0x66;
/// Offset of the word with the T bit.
const TRAP_WORD: u32 = 0x64;

/// Why a task is switched to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// JMP: the old task ends its busy state.
    Jump,
    /// CALL: the new task is nested in the old.
    Call,
    /// An interrupt or exception: nested too.
    Interrupt,
    /// IRET with NT set: back to the task of the link.
    Return,
}

impl Reason {
    fn is_nesting(self) -> bool {
        matches!(self, Self::Call | Self::Interrupt)
    }
}

/// The part of a task's state that a switch stores and loads.
#[derive(Clone, Copy, Debug)]
struct TaskState {
    page_directory: Option<u32>,
    eip: u32,
    flags: u32,
    general: [u32; 8],
    /// ES, CS, SS, DS, FS, GS.
    selectors: [u16; 6],
    local_table: u16,
    has_trap: bool,
}

/// Offsets in a task state segment.
#[derive(Clone, Copy, Debug)]
struct Layout {
    is_32_bit: bool,
    eip: u32,
    flags: u32,
    general: u32,
    selectors: u32,
    selector_count: u32,
    local_table: u32,
    bytes: u32,
}

/// PRM figure 7-1.
const LAYOUT_32: Layout = Layout {
    is_32_bit: true,
    eip: 0x20,
    flags: 0x24,
    general: 0x28,
    selectors: 0x48,
    selector_count: 6,
    local_table: 0x60,
    bytes: STATE_BYTES_32,
};

/// The 286's Programmer's Reference Manual, figure 8-2.
const LAYOUT_16: Layout = Layout {
    is_32_bit: false,
    eip: 0x0E,
    flags: 0x10,
    general: 0x12,
    selectors: 0x22,
    selector_count: 4,
    local_table: 0x2A,
    bytes: STATE_BYTES_16,
};

impl Layout {
    fn of(is_32_bit: bool) -> Self {
        if is_32_bit { LAYOUT_32 } else { LAYOUT_16 }
    }

    fn step(&self) -> u32 {
        if self.is_32_bit { 4 } else { 2 }
    }
}

impl Reason {
    /// The clocks of its switches.
    fn clocks(self) -> &'static clocks::Switches {
        match self {
            Self::Jump => &clocks::SWITCH_BY_JUMP,
            Self::Call => &clocks::SWITCH_BY_CALL,
            Self::Interrupt => &clocks::SWITCH_BY_INTERRUPT,
            Self::Return => &clocks::SWITCH_BY_RETURN,
        }
    }
}

impl TaskKind {
    fn of(is_32_bit: bool, flags: u32) -> Self {
        match (is_32_bit, flags & Flags::VIRTUAL_8086.bits() != 0) {
            (false, _) => Self::Task16,
            (true, true) => Self::Virtual8086,
            (true, false) => Self::Task32,
        }
    }
}

impl Core {
    /// Whether the current task state segment is one of the 386.
    #[inline]
    pub(crate) fn is_task_32_bit(&self) -> bool {
        self.tr.access & 8 != 0
    }

    /// SS and ESP of a level 0 to 2 from the current task state segment.
    #[inline]
    pub(crate) fn stack_in_task<B: Bus>(
        &mut self,
        bus: &mut B,
        privilege: u8,
    ) -> Result<(Selector, u32), Fault> {
        let number = u32::from(privilege);
        let (offset, bytes) = if self.is_task_32_bit() {
            (4 + 8 * number, 4)
        } else {
            (2 + 4 * number, 2)
        };
        if offset + bytes + 1 > self.tr.limit {
            return Err(Selector(self.tr.selector).fault(Vector::InvalidTss));
        }
        let at = self.tr.base.wrapping_add(offset);
        let top = self.read_item(bus, at, bytes == 4)?;
        let selector = self.read_linear(bus, at.wrapping_add(bytes), Level::Supervisor)?;
        Ok((Selector(selector), top))
    }

    /// Whether I/O needs no look at the permission map: IOPL allows it.
    pub(crate) fn is_io_allowed_by_privilege(&self) -> bool {
        !self.is_protected() || (!self.is_virtual_8086() && self.privilege() <= self.io_privilege())
    }

    /// Checks the right to use `bytes` ports from `port` (PRM section 8.3).
    pub(crate) fn check_io<B: Bus>(&mut self, bus: &mut B, port: u16, bytes: u32) -> Result<(), Fault> {
        if self.is_io_allowed_by_privilege() {
            return Ok(());
        }
        let refused = Fault::with_code(Vector::GeneralProtection, 0);
        if !self.is_task_32_bit() || self.tr.limit < STATE_BYTES_32 - 1 {
            return Err(refused);
        }
        let base = self.tr.base;
        let map: u16 = self.read_linear(bus, base.wrapping_add(MAP_BASE), Level::Supervisor)?;
        let offset = u32::from(map) + u32::from(port) / 8;
        if offset + 1 > self.tr.limit {
            return Err(refused);
        }
        let bits: u16 = self.read_linear(bus, base.wrapping_add(offset), Level::Supervisor)?;
        let asked = (1u16 << bytes) - 1;
        if (bits >> (port & 7)) & asked != 0 {
            return Err(refused);
        }
        Ok(())
    }

    /// IRET with NT set: back to the task in the link field.
    pub(crate) fn return_to_task<B: Bus>(&mut self, bus: &mut B) -> Result<(), Fault> {
        let link: u16 = self.read_linear(bus, self.tr.base, Level::Supervisor)?;
        self.switch_task(bus, Selector(link), Reason::Return, false)
    }

    /// Switches to the task of a selector. The right to use the gate or descriptor has been checked.
    pub(crate) fn switch_task<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
        reason: Reason,
        is_through_gate: bool,
    ) -> Result<(), Fault> {
        let (descriptor, layout) = self.check_task(bus, selector, reason, is_through_gate)?;
        let register = descriptor.to_register(selector);
        let old_layout = Layout::of(self.is_task_32_bit());
        let old_kind = TaskKind::of(old_layout.is_32_bit, self.eflags().bits());
        self.check_switch(bus, old_layout, register, layout, reason)?;
        let state = self.read_task(bus, register.base, layout)?;
        self.leave_task(bus, old_layout, reason)?;
        if reason.is_nesting() {
            self.write_linear(bus, register.base, self.tr.selector, Level::Supervisor)?;
        }
        if reason != Reason::Return {
            self.set_busy(bus, selector, true)?;
        }
        let new_kind = TaskKind::of(layout.is_32_bit, state.flags);
        self.cycles += clocks::task_switch(reason.clocks(), old_kind, new_kind, is_through_gate);
        self.tr = SegmentRegister {
            access: register.access | 2,
            ..register
        };
        self.is_in_new_task = true;
        self.take_over(&state, reason, layout);
        self.load_task_segments(bus, &state)?;
        self.is_in_new_task = false;
        if state.has_trap {
            self.debug_pending |= STATUS_TASK_SWITCH;
        }
        self.ask_attention();
        Ok(())
    }

    /// The descriptor of the task to switch to, if it may be switched to. A gate or link that names no task is an invalid
    /// TSS, an instruction's own operand a protection fault (pages of CALL and IRET); so is a busy task (section 9.8.13).
    fn check_task<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
        reason: Reason,
        is_through_gate: bool,
    ) -> Result<(Descriptor, Layout), Fault> {
        let blame = if is_through_gate || reason == Reason::Return {
            Vector::InvalidTss
        } else {
            Vector::GeneralProtection
        };
        if selector.is_null() || selector.is_local() {
            return Err(selector.fault(blame));
        }
        let descriptor = self.descriptor(bus, selector, blame)?;
        let Kind::TaskState { is_32_bit, is_busy } = descriptor.kind() else {
            return Err(selector.fault(blame));
        };
        match (reason, is_busy) {
            (Reason::Return, false) => return Err(selector.fault(Vector::InvalidTss)),
            (Reason::Jump | Reason::Call | Reason::Interrupt, true) => {
                return Err(selector.fault(Vector::GeneralProtection));
            }
            _ => {}
        }
        if !descriptor.is_present() {
            return Err(selector.fault(Vector::NotPresent));
        }
        let layout = Layout::of(is_32_bit);
        if descriptor.limit() < layout.bytes - 1 {
            return Err(selector.fault(Vector::InvalidTss));
        }
        Ok((descriptor, layout))
    }

    /// Whether all that a switch reads and writes is there, so that it can be done as a whole.
    fn check_switch<B: Bus>(
        &mut self,
        bus: &mut B,
        old_layout: Layout,
        new: SegmentRegister,
        layout: Layout,
        reason: Reason,
    ) -> Result<(), Fault> {
        let old = Selector(self.tr.selector);
        if self.tr.limit < old_layout.bytes - 1 {
            return Err(old.fault(Vector::InvalidTss));
        }
        self.check_pages(bus, self.tr.base, old_layout.bytes, true, Level::Supervisor)?;
        self.check_pages(
            bus,
            new.base,
            layout.bytes,
            reason.is_nesting(),
            Level::Supervisor,
        )?;
        for selector in [old, Selector(new.selector)] {
            if let Some(address) = self.descriptor_address(selector) {
                self.check_pages(bus, address, 8, true, Level::Supervisor)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn read_item<B: Bus>(&mut self, bus: &mut B, address: u32, is_32_bit: bool) -> Result<u32, Fault> {
        if is_32_bit {
            self.read_linear(bus, address, Level::Supervisor)
        } else {
            Ok(u32::from(self.read_linear::<u16, B>(
                bus,
                address,
                Level::Supervisor,
            )?))
        }
    }

    fn write_item<B: Bus>(
        &mut self,
        bus: &mut B,
        address: u32,
        value: u32,
        is_32_bit: bool,
    ) -> Result<(), Fault> {
        if is_32_bit {
            self.write_linear(bus, address, value, Level::Supervisor)
        } else {
            self.write_linear(bus, address, value as u16, Level::Supervisor)
        }
    }

    fn read_task<B: Bus>(&mut self, bus: &mut B, base: u32, layout: Layout) -> Result<TaskState, Fault> {
        let is_32_bit = layout.is_32_bit;
        let mut state = TaskState {
            page_directory: None,
            eip: self.read_item(bus, base.wrapping_add(layout.eip), is_32_bit)?,
            flags: self.read_item(bus, base.wrapping_add(layout.flags), is_32_bit)?,
            general: [0; 8],
            selectors: [0; 6],
            local_table: self.read_linear(bus, base.wrapping_add(layout.local_table), Level::Supervisor)?,
            has_trap: false,
        };
        let mut at = base.wrapping_add(layout.general);
        for register in &mut state.general {
            *register = self.read_item(bus, at, is_32_bit)?;
            if !is_32_bit {
                *register |= 0xFFFF_0000;
            }
            at = at.wrapping_add(layout.step());
        }
        let mut at = base.wrapping_add(layout.selectors);
        for selector in state.selectors.iter_mut().take(layout.selector_count as usize) {
            *selector = self.read_linear(bus, at, Level::Supervisor)?;
            at = at.wrapping_add(layout.step());
        }
        if is_32_bit {
            state.page_directory = Some(self.read_item(bus, base.wrapping_add(0x1C), true)?);
            let word: u16 = self.read_linear(bus, base.wrapping_add(TRAP_WORD), Level::Supervisor)?;
            state.has_trap = word & 1 != 0;
        }
        Ok(state)
    }

    /// Stores the old task's state; only the fields that change while a task runs.
    fn leave_task<B: Bus>(&mut self, bus: &mut B, layout: Layout, reason: Reason) -> Result<(), Fault> {
        let is_32_bit = layout.is_32_bit;
        let base = self.tr.base;
        let mut flags = self.eflags();
        if reason == Reason::Return {
            flags -= Flags::NESTED;
        }
        self.write_item(bus, base.wrapping_add(layout.eip), self.eip, is_32_bit)?;
        self.write_item(bus, base.wrapping_add(layout.flags), flags.bits(), is_32_bit)?;
        let mut at = base.wrapping_add(layout.general);
        for register in self.general.into_iter().take(8) {
            self.write_item(bus, at, register, is_32_bit)?;
            at = at.wrapping_add(layout.step());
        }
        let mut at = base.wrapping_add(layout.selectors);
        for number in 0..layout.selector_count as usize {
            let selector = self.segments[number].selector;
            self.write_linear(bus, at, selector, Level::Supervisor)?;
            at = at.wrapping_add(layout.step());
        }
        if !reason.is_nesting() {
            self.set_busy(bus, Selector(self.tr.selector), false)?;
        }
        Ok(())
    }

    /// Everything of the new state that cannot fault. The segment registers get their selectors, but no descriptor yet.
    fn take_over(&mut self, state: &TaskState, reason: Reason, layout: Layout) {
        if let Some(directory) = state.page_directory
            && self.cr0.contains(Control::PAGING)
        {
            self.cr3 = directory;
            self.forget_translations();
        }
        self.cr0 |= Control::TASK_SWITCHED;
        self.debug[7] &= !CONTROL_LOCAL;
        self.shortcuts.clear();
        let flags = if layout.is_32_bit {
            state.flags
        } else {
            state.flags & 0xFFFF
        };
        let mut flags = Flags::from_bits_truncate(flags);
        if reason.is_nesting() {
            flags |= Flags::NESTED;
        }
        self.set_eflags(flags);
        self.eip = state.eip;
        self.general[..8].copy_from_slice(&state.general);
        self.set_privilege(if self.is_virtual_8086() {
            3
        } else {
            Selector(state.selectors[Segment::Cs as usize]).requested_privilege()
        });
        for (segment, selector) in Segment::ALL.into_iter().zip(state.selectors) {
            self.set_segment(
                segment,
                SegmentRegister {
                    selector,
                    ..SegmentRegister::default()
                },
            );
        }
        self.ldtr = SegmentRegister {
            selector: state.local_table,
            ..SegmentRegister::default()
        };
    }

    /// Loads LDTR and the segment registers for the selectors that the new task brought.
    fn load_task_segments<B: Bus>(&mut self, bus: &mut B, state: &TaskState) -> Result<(), Fault> {
        self.ldtr = self.local_table_register(bus, Selector(state.local_table), Vector::InvalidTss)?;
        if self.is_virtual_8086() {
            for (segment, selector) in Segment::ALL.into_iter().zip(state.selectors) {
                self.load_segment_8086(segment, selector);
            }
        } else {
            self.load_task_code(bus, Selector(state.selectors[Segment::Cs as usize]))?;
            let stack = Selector(state.selectors[Segment::Ss as usize]);
            let (selector, descriptor) =
                self.stack_descriptor(bus, stack, self.privilege(), Vector::InvalidTss)?;
            self.set_segment(Segment::Ss, descriptor.to_register(selector));
            for segment in [Segment::Es, Segment::Ds, Segment::Fs, Segment::Gs] {
                let selector = Selector(state.selectors[segment as usize]);
                let register = self.data_register(bus, selector, Vector::InvalidTss)?;
                self.set_segment(segment, register);
            }
        }
        if self.eip > self.segment(Segment::Cs).limit {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        Ok(())
    }

    fn load_task_code<B: Bus>(&mut self, bus: &mut B, selector: Selector) -> Result<(), Fault> {
        if selector.is_null() {
            return Err(selector.fault(Vector::InvalidTss));
        }
        let descriptor = self.descriptor(bus, selector, Vector::InvalidTss)?;
        let requested = selector.requested_privilege();
        let is_level_right = if descriptor.is_conforming() {
            descriptor.privilege() <= requested
        } else {
            descriptor.privilege() == requested
        };
        if descriptor.kind() != Kind::Code || !is_level_right {
            return Err(selector.fault(Vector::InvalidTss));
        }
        if !descriptor.is_present() {
            return Err(selector.fault(Vector::NotPresent));
        }
        let descriptor = self.mark_accessed(bus, selector, descriptor)?;
        self.set_segment(Segment::Cs, descriptor.to_register(selector));
        Ok(())
    }

    /// The contents of LDTR for a selector; `blame` is #GP, or #TS in a task switch, which blames an absent table too.
    pub(crate) fn local_table_register<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
        blame: Vector,
    ) -> Result<SegmentRegister, Fault> {
        if selector.is_null() {
            return Ok(SegmentRegister {
                selector: selector.0,
                ..SegmentRegister::default()
            });
        }
        if selector.is_local() {
            return Err(selector.fault(blame));
        }
        let descriptor = self.descriptor(bus, selector, blame)?;
        if descriptor.kind() != Kind::LocalTable {
            return Err(selector.fault(blame));
        }
        if !descriptor.is_present() {
            let absent = match blame {
                Vector::InvalidTss => Vector::InvalidTss,
                _ => Vector::NotPresent,
            };
            return Err(selector.fault(absent));
        }
        Ok(descriptor.to_register(selector))
    }

    /// LTR.
    pub(crate) fn load_task_register<B: Bus>(&mut self, bus: &mut B, selector: u16) -> Result<(), Fault> {
        self.require_protected()?;
        self.require_privilege_0()?;
        let selector = Selector(selector);
        if selector.is_null() || selector.is_local() {
            return Err(selector.fault(Vector::GeneralProtection));
        }
        let descriptor = self.descriptor(bus, selector, Vector::GeneralProtection)?;
        if !matches!(descriptor.kind(), Kind::TaskState { is_busy: false, .. }) {
            return Err(selector.fault(Vector::GeneralProtection));
        }
        if !descriptor.is_present() {
            return Err(selector.fault(Vector::NotPresent));
        }
        self.set_busy(bus, selector, true)?;
        let register = descriptor.to_register(selector);
        self.tr = SegmentRegister {
            access: register.access | 2,
            ..register
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::core::Core;
    use crate::debug::STATUS_TASK_SWITCH;
    use crate::descriptor::Selector;
    use crate::interrupt::Source;
    use crate::test_board::{
        Board, CODE_0, CODE_3, DATA_0, DATA_3, FREE, GDT, IDT, TASK, TASK_BASE, protected, user,
    };
    use crate::transfer::FarTarget;
    use crate::{Control, Fault, Flags, Register, Segment, Vector, Width};

    const OTHER: u16 = FREE;
    const OTHER_BASE: u32 = 0x6000;
    const GATE: u16 = 0x48;
    const LOCAL: u16 = 0x50;
    const AVAILABLE: u16 = 0x89;
    const BUSY: u16 = 0x8B;
    const ESP: usize = Register::Esp as usize;

    /// A second task of the 386, whose registers are 0xE0 and on, at level 3.
    fn other_task(board: &mut Board) {
        board.set_segment(OTHER, OTHER_BASE, 0x67, AVAILABLE);
        board.set_dword(OTHER_BASE + 0x20, 0x4444);
        board.set_dword(OTHER_BASE + 0x24, Flags::ALWAYS.bits() | Flags::CARRY.bits());
        for register in 0..8 {
            board.set_dword(OTHER_BASE + 0x28 + register * 4, 0xE0 + register);
        }
        for (number, selector) in [DATA_3, CODE_3, DATA_3, DATA_3, 0, 0].into_iter().enumerate() {
            board.set_dword(OTHER_BASE + 0x48 + number as u32 * 4, u32::from(selector));
        }
    }

    fn tasks() -> (Core, Board) {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        other_task(&mut board);
        core.eip = 0x1111;
        (core, board)
    }

    fn to(selector: u16) -> FarTarget {
        FarTarget {
            selector,
            offset: 0,
            size: Width::Dword,
            is_in_memory: false,
        }
    }

    fn access(board: &Board, selector: u16) -> u16 {
        board.word(GDT + u32::from(selector & !7) + 5) & 0xFF
    }

    #[test]
    fn a_jump_to_a_task_stores_the_old_state_loads_the_new_and_moves_the_busy_bit() {
        let (mut core, mut board) = tasks();
        core.general[0] = 0xAAAA;
        core.far_jump(&mut board, to(OTHER)).expect("a task");
        assert_eq!((core.eip, core.privilege()), (0x4444, 3));
        assert_eq!(
            core.general[..8],
            [0xE0, 0xE1, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7]
        );
        assert_eq!(core.segment(Segment::Cs).selector, CODE_3);
        assert_eq!(core.segment(Segment::Ss).selector, DATA_3);
        assert_eq!(core.eflags(), Flags::ALWAYS | Flags::CARRY);
        assert!(core.cr0.contains(Control::TASK_SWITCHED));
        assert_eq!(core.tr.selector, OTHER);
        assert_eq!((access(&board, OTHER), access(&board, TASK)), (BUSY, AVAILABLE));
        assert_eq!(board.dword(TASK_BASE + 0x20), 0x1111);
        assert_eq!(board.dword(TASK_BASE + 0x28), 0xAAAA);
        assert_eq!(board.word(TASK_BASE + 0x4C), CODE_0);
        assert_eq!(core.cycles, 303);
    }

    #[test]
    fn a_call_nests_the_new_task_and_iret_returns_to_the_old() {
        let (mut core, mut board) = tasks();
        core.far_call(&mut board, to(OTHER)).expect("a task");
        assert!(core.has(Flags::NESTED));
        assert_eq!(board.word(OTHER_BASE), TASK);
        assert_eq!((access(&board, OTHER), access(&board, TASK)), (BUSY, BUSY));
        core.eip = 0x5555;
        core.interrupt_return(&mut board, Width::Dword).expect("the link");
        assert_eq!(
            (core.eip, core.privilege(), core.general[ESP]),
            (0x1111, 0, 0x8000)
        );
        assert_eq!(core.tr.selector, TASK);
        assert_eq!((access(&board, OTHER), access(&board, TASK)), (AVAILABLE, BUSY));
        assert_eq!(board.dword(OTHER_BASE + 0x20), 0x5555);
        assert_eq!(board.dword(OTHER_BASE + 0x24) & Flags::NESTED.bits(), 0);
        assert_eq!(core.cycles, 300 + 275);
    }

    #[test]
    fn an_exception_through_a_task_gate_pushes_its_code_on_the_new_stack() {
        let (mut core, mut board) = tasks();
        board.set_gate(IDT + 13 * 8, OTHER, 0, 0x85, 0);
        board.set_dword(OTHER_BASE + 0x38, 0x9000);
        core.raise_at(
            &mut board,
            Fault::with_code(Vector::GeneralProtection, 0x1238),
            0x2222,
        );
        assert_eq!(core.eip, 0x4444);
        assert_eq!(core.general[ESP], 0x8FFC);
        assert_eq!(board.dword(0x8FFC), 0x1238);
        assert_eq!(board.dword(TASK_BASE + 0x20), 0x2222);
        assert_ne!(board.dword(TASK_BASE + 0x24) & Flags::RESUME.bits(), 0);
        assert_eq!(core.cycles, 309);
    }

    #[test]
    fn who_may_switch_to_which_task() {
        // (access of the task, RPL, CPL) -> fault that names the task.
        let cases = [
            (0x89, 0, 0, None),
            (0x8B, 0, 0, Some(Vector::GeneralProtection)),
            (0x09, 0, 0, Some(Vector::NotPresent)),
            (0x89, 3, 0, Some(Vector::GeneralProtection)),
            (0x89, 0, 3, Some(Vector::GeneralProtection)),
            (0xE9, 3, 3, None),
        ];
        for (access, rpl, privilege, vector) in cases {
            let mut board = Board::new();
            let mut core = if privilege == 3 {
                user(&mut board)
            } else {
                protected(&mut board)
            };
            other_task(&mut board);
            board.set_segment(OTHER, OTHER_BASE, 0x67, access);
            let outcome = core.far_call(&mut board, to(OTHER | rpl));
            let expected = vector.map_or(Ok(()), |vector| Err(Fault::with_code(vector, OTHER)));
            assert_eq!(outcome, expected, "{access:#x} rpl {rpl} cpl {privilege}");
            assert!(!core.is_in_new_task);
        }
    }

    #[test]
    fn a_task_gate_opens_a_task_of_level_0_to_users() {
        let mut board = Board::new();
        let mut core = user(&mut board);
        other_task(&mut board);
        board.set_gate(GDT + u32::from(GATE), OTHER, 0, 0xE5, 0);
        core.far_call(&mut board, to(GATE | 3)).expect("a gate for users");
        assert_eq!((core.tr.selector, core.cycles), (OTHER, 309));
    }

    #[test]
    fn a_task_gate_that_names_no_global_task_is_an_invalid_tss() {
        for (selector, code) in [(OTHER | 4, OTHER | 4), (DATA_0, DATA_0), (0x1000, 0x1000), (0, 0)] {
            let (mut core, mut board) = tasks();
            board.set_gate(GDT + u32::from(GATE), selector, 0, 0xE5, 0);
            let outcome = core.far_jump(&mut board, to(GATE));
            assert_eq!(outcome, Err(Fault::with_code(Vector::InvalidTss, code)));
        }
    }

    #[test]
    fn a_task_segment_below_104_bytes_is_refused_before_anything_changes() {
        let (mut core, mut board) = tasks();
        board.set_segment(OTHER, OTHER_BASE, 0x66, AVAILABLE);
        let outcome = core.far_jump(&mut board, to(OTHER));
        assert_eq!(outcome, Err(Fault::with_code(Vector::InvalidTss, OTHER)));
        assert_eq!((core.eip, core.tr.selector), (0x1111, TASK));
        assert_eq!(board.dword(TASK_BASE + 0x20), 0);
    }

    #[test]
    fn faults_in_the_new_state_belong_to_the_new_task() {
        type Change = fn(&mut Board);
        let cases: [(Change, Vector, u16); 9] = [
            (
                |board| board.set_dword(OTHER_BASE + 0x60, 0x1000),
                Vector::InvalidTss,
                0x1000,
            ),
            (
                |board| board.set_dword(OTHER_BASE + 0x60, u32::from(DATA_0)),
                Vector::InvalidTss,
                DATA_0,
            ),
            (
                |board| board.set_dword(OTHER_BASE + 0x4C, 0x1003),
                Vector::InvalidTss,
                0x1000,
            ),
            (
                |board| board.set_dword(OTHER_BASE + 0x4C, 0x23),
                Vector::InvalidTss,
                0x20,
            ),
            (
                |board| board.set_dword(OTHER_BASE + 0x50, 0x10),
                Vector::InvalidTss,
                0x10,
            ),
            (
                |board| board.set_dword(OTHER_BASE + 0x54, 0x10),
                Vector::InvalidTss,
                0x10,
            ),
            (
                |board| board.set_dword(OTHER_BASE + 0x48, u32::from(TASK)),
                Vector::InvalidTss,
                TASK,
            ),
            (
                |board| {
                    board.set_segment(LOCAL, 0, 0xFFFF, 0x73);
                    board.set_dword(OTHER_BASE + 0x54, u32::from(LOCAL | 3));
                },
                Vector::NotPresent,
                LOCAL,
            ),
            (
                |board| {
                    board.set_segment(LOCAL, 0, 0xFFFF, 0x73);
                    board.set_dword(OTHER_BASE + 0x50, u32::from(LOCAL | 3));
                },
                Vector::Stack,
                LOCAL,
            ),
        ];
        for (number, (change, vector, code)) in cases.into_iter().enumerate() {
            let (mut core, mut board) = tasks();
            change(&mut board);
            let fault = core.far_jump(&mut board, to(OTHER)).expect_err("a bad state");
            assert_eq!(fault, Fault::with_code(vector, code), "case {number}");
            assert!(core.is_in_new_task);
            board.set_gate(IDT + vector as u32 * 8, CODE_0, 0x7777, 0x8F, 0);
            board.set_dword(OTHER_BASE + 4, 0x7000);
            board.set_dword(OTHER_BASE + 8, u32::from(DATA_0));
            core.raise_at(&mut board, fault, 0x1111);
            assert_eq!(core.eip, 0x7777, "case {number}");
            assert_eq!(board.dword(core.general[ESP] + 4), 0x4444, "case {number}");
            assert!(!core.is_in_new_task);
        }
    }

    #[test]
    fn a_286_task_loads_16_bit_registers_and_four_selectors() {
        let (mut core, mut board) = tasks();
        board.set_segment(OTHER, OTHER_BASE, 0x2B, 0x81);
        for offset in 0..0x2C_u32 {
            board.set_bytes(OTHER_BASE + offset, &[0]);
        }
        board.set_bytes(OTHER_BASE + 0x0E, &[0x34, 0x12, 0x03, 0x00, 0xEE, 0xAA]);
        for (number, selector) in [DATA_0, CODE_0, DATA_0, DATA_0].into_iter().enumerate() {
            board.set_bytes(OTHER_BASE + 0x22 + number as u32 * 2, &selector.to_le_bytes());
        }
        core.far_jump(&mut board, to(OTHER)).expect("a task");
        assert_eq!((core.eip, core.general[0] & 0xFFFF), (0x1234, 0xAAEE));
        assert_eq!(core.segment(Segment::Fs).selector, 0);
        assert!(core.has(Flags::CARRY));
        assert_eq!(core.cycles, 276);
        assert!(!core.is_task_32_bit());
    }

    #[test]
    fn the_t_bit_asks_for_a_debug_trap() {
        let (mut core, mut board) = tasks();
        board.set_dword(OTHER_BASE + 0x64, 1);
        core.far_jump(&mut board, to(OTHER)).expect("a task");
        assert_eq!(core.debug_pending, STATUS_TASK_SWITCH);
    }

    #[test]
    fn a_switch_ends_local_breakpoints_and_keeps_global_ones() {
        let (mut core, mut board) = tasks();
        core.debug[7] = 0x3FF;
        core.far_jump(&mut board, to(OTHER)).expect("a task");
        assert_eq!(core.debug[7], 0x2AA);
    }

    #[test]
    fn the_permission_map_decides_where_iopl_does_not() {
        let mut board = Board::new();
        let mut core = user(&mut board);
        board.set_dword(TASK_BASE + 0x64, 0x0068_0000);
        for port in 0..8 * 0x1F_u32 {
            let byte = TASK_BASE + 0x68 + port / 8;
            board.set_bytes(byte, &[0]);
        }
        board.set_bytes(TASK_BASE + 0x68 + 7, &[0b0001_0000]);
        let refused = Err(Fault::with_code(Vector::GeneralProtection, 0));
        assert_eq!(core.check_io(&mut board, 0x3B, 1), Ok(()));
        assert_eq!(core.check_io(&mut board, 0x3C, 1), refused);
        assert_eq!(core.check_io(&mut board, 0x39, 4), refused);
        assert_eq!(core.check_io(&mut board, 0x38, 4), Ok(()));
        assert_eq!(core.check_io(&mut board, 0x3D, 2), Ok(()));
        // The limit of the segment is 87h, and the byte after the port's must lie within it.
        assert_eq!(core.check_io(&mut board, 0x1E * 8 + 7, 1), Ok(()));
        assert_eq!(core.check_io(&mut board, 0x1F * 8, 1), refused);
        core.set_eflags(Flags::IO_PRIVILEGE);
        assert_eq!(core.check_io(&mut board, 0x3C, 1), Ok(()));
    }

    #[test]
    fn a_link_to_a_task_that_is_not_busy_is_an_invalid_tss() {
        let (mut core, mut board) = tasks();
        board.set_dword(TASK_BASE, u32::from(OTHER));
        core.set_eflags(Flags::NESTED);
        let outcome = core.interrupt_return(&mut board, Width::Dword);
        assert_eq!(outcome, Err(Fault::with_code(Vector::InvalidTss, OTHER)));
    }

    #[test]
    fn an_interrupt_through_a_gate_to_the_running_task_is_refused() {
        let (mut core, mut board) = tasks();
        board.set_gate(IDT + 0x30 * 8, TASK, 0, 0x85, 0);
        let outcome = core.interrupt(&mut board, 0x30, Source::External);
        assert_eq!(
            outcome,
            Err(Fault::with_code(Vector::GeneralProtection, TASK | 1))
        );
    }

    #[test]
    fn a_switch_into_virtual_8086_mode_loads_segments_as_there() {
        let (mut core, mut board) = tasks();
        board.set_dword(OTHER_BASE + 0x24, Flags::VIRTUAL_8086.bits());
        core.far_jump(&mut board, to(OTHER)).expect("a task");
        assert_eq!(core.segment(Segment::Cs).base, u32::from(CODE_3) << 4);
        assert_eq!((core.privilege(), core.cycles), (3, 220));
    }

    #[test]
    fn loading_the_task_register_wants_an_available_task_and_marks_it_busy() {
        let (mut core, mut board) = tasks();
        let refuse = |vector, code| Err(Fault::with_code(vector, code));
        for selector in [0, DATA_0, TASK, OTHER | 4] {
            let outcome = core.load_task_register(&mut board, selector);
            assert_eq!(outcome, refuse(Vector::GeneralProtection, selector));
        }
        assert_eq!(core.load_task_register(&mut board, OTHER), Ok(()));
        assert_eq!(access(&board, OTHER), BUSY);
        assert!(Selector(core.tr.selector) == Selector(OTHER));
    }
}
