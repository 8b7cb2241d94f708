//! Tasks (PRM chapter 7): the task state segments of the 386 and the 286, the switch between tasks, the stacks of inner
//! levels, the I/O permission map.
//!
//! A switch has three parts. Up to the moment when the new state has been read, a fault belongs to the old task and
//! nothing has changed. Then the old state is stored and the new one taken over. From there on (loading LDTR and the
//! segment registers) a fault belongs to the new task: `Core::is_in_new_task` says so to whoever delivers it.

use crate::core::Core;
use crate::debug::{CONTROL_LOCAL, STATUS_TASK_SWITCH};
use crate::descriptor::{Descriptor, Kind, Selector};
use crate::paging::Level;
use crate::{Bus, Control, Cycle, Fault, Flags, Segment, SegmentRegister, Vector};

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

/// The clocks of a switch, without what the instruction adds (PRM chapter 17, table of task switch times).
fn switch_clocks(reason: Reason, from: Mode, to: Mode, is_through_gate: bool) -> Cycle {
    let column = match to {
        Mode::Task32 => 0,
        Mode::Virtual8086 => 1,
        Mode::Task16 => 2,
    };
    let row: [Cycle; 3] = match (reason, from) {
        (Reason::Call, Mode::Task16) => [298, 217, 273],
        (Reason::Call, _) => [300, 217, 273],
        (Reason::Jump, Mode::Task16) => [301, 218, 274],
        (Reason::Jump, _) => [303, 220, 276],
        (Reason::Interrupt, Mode::Task32) => [300, 217, 273],
        (Reason::Interrupt, Mode::Virtual8086) => [305, 222, 278],
        (Reason::Interrupt, Mode::Task16) => [298, 215, 271],
        (Reason::Return, Mode::Task16) => [265, 214, 232],
        (Reason::Return, _) => [275, 224, 271],
    };
    row[column] + if is_through_gate { 9 } else { 0 }
}

/// What the clocks of a switch depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Task32,
    Virtual8086,
    Task16,
}

impl Mode {
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
    pub(crate) fn is_task_32_bit(&self) -> bool {
        self.tr.access & 8 != 0
    }

    /// SS and ESP of a level 0 to 2 from the current task state segment.
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
        !self.is_protected() || (!self.is_virtual_8086() && self.privilege <= self.io_privilege())
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
        let (descriptor, layout) = self.check_task(bus, selector, reason)?;
        let register = descriptor.to_register(selector);
        let old_layout = Layout::of(self.is_task_32_bit());
        let old_mode = Mode::of(old_layout.is_32_bit, self.eflags().bits());
        self.check_switch(bus, old_layout, register, layout, reason)?;
        let state = self.read_task(bus, register.base, layout)?;
        self.leave_task(bus, old_layout, reason)?;
        if reason.is_nesting() {
            self.write_linear(bus, register.base, self.tr.selector, Level::Supervisor)?;
        }
        if reason != Reason::Return {
            self.set_busy(bus, selector, true)?;
        }
        let new_mode = Mode::of(layout.is_32_bit, state.flags);
        self.cycles += switch_clocks(reason, old_mode, new_mode, is_through_gate);
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

    /// The descriptor of the task to switch to, if it may be switched to.
    fn check_task<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
        reason: Reason,
    ) -> Result<(Descriptor, Layout), Fault> {
        let blame = match reason {
            Reason::Return => Vector::InvalidTss,
            _ => Vector::GeneralProtection,
        };
        if selector.is_null() || selector.is_local() {
            return Err(selector.fault(blame));
        }
        let descriptor = self.descriptor(bus, selector, blame)?;
        let Kind::TaskState { is_32_bit, is_busy } = descriptor.kind() else {
            return Err(selector.fault(blame));
        };
        if is_busy != (reason == Reason::Return) {
            return Err(selector.fault(blame));
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
        for register in self.general {
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
        self.privilege = if self.is_virtual_8086() {
            3
        } else {
            Selector(state.selectors[Segment::Cs as usize]).requested_privilege()
        };
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
                self.stack_descriptor(bus, stack, self.privilege, Vector::InvalidTss)?;
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
    use super::{Mode, Reason, switch_clocks};

    #[test]
    fn a_call_between_386_tasks_takes_300_clocks_and_through_a_gate_309() {
        assert_eq!(
            switch_clocks(Reason::Call, Mode::Task32, Mode::Task32, false),
            300
        );
        assert_eq!(switch_clocks(Reason::Call, Mode::Task32, Mode::Task32, true), 309);
    }
}
