//! Far jumps, calls and returns (PRM sections 6.3.3 and 6.3.4, and the instruction pages of JMP, CALL and RET).
//!
//! Everything is read and checked first; registers change last. Clocks are those of `facts` for the form with an
//! immediate operand; an operand in memory costs what [`FarTarget::memory_clocks`] says. The time to fetch the first
//! instruction at the target is the run loop's.

use crate::core::Core;
use crate::descriptor::{Descriptor, Kind, Selector};
use crate::paging::Level;
use crate::task::Reason;
use crate::{Bus, Cycle, Fault, Segment, SegmentRegister, Vector, Width};

/// Where a far jump or call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FarTarget {
    /// Selector, or segment.
    pub(crate) selector: u16,
    /// Offset, zero-extended.
    pub(crate) offset: u32,
    /// Operand size: word or dword.
    pub(crate) size: Width,
    /// The pointer was read from memory, not from the instruction.
    pub(crate) is_in_memory: bool,
}

/// The two far transfers that take a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transfer {
    Jump,
    Call,
}

/// A code segment that has passed all checks, and the offset in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    register: SegmentRegister,
    offset: u32,
    privilege: u8,
}

/// A stack segment that is about to be used, and the offset of its top.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewStack {
    /// SS.
    pub(crate) register: SegmentRegister,
    /// ESP.
    pub(crate) top: u32,
}

/// The largest frame: a call with 31 parameters to an inner level.
const FRAME_ITEMS: usize = 35;

/// Values to push together: checked as a whole, then written.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    items: [u32; FRAME_ITEMS],
    count: usize,
    size: Width,
}

impl Frame {
    /// An empty frame of words or dwords.
    pub(crate) fn new(size: Width) -> Self {
        Self {
            items: [0; FRAME_ITEMS],
            count: 0,
            size,
        }
    }

    /// Adds what is pushed next.
    pub(crate) fn push(&mut self, value: u32) {
        self.items[self.count] = value;
        self.count += 1;
    }

    fn values(&self) -> &[u32] {
        &self.items[..self.count]
    }

    fn bytes(&self) -> u32 {
        self.count as u32 * self.size.bytes()
    }
}

impl FarTarget {
    /// What reading the pointer from memory adds to a transfer inside a code segment in protected mode, or in real mode.
    fn memory_clocks(self, transfer: Transfer, is_protected: bool) -> Cycle {
        match (self.is_in_memory, transfer, is_protected) {
            (false, _, _) => 0,
            (true, _, true) => 4,
            (true, Transfer::Call, false) => 5,
            (true, Transfer::Jump, false) => 31,
        }
    }

    /// What reading the pointer from memory adds to a task switch.
    fn memory_clocks_of_task(self) -> Cycle {
        if self.is_in_memory { 5 } else { 0 }
    }
}

impl Core {
    /// JMP far.
    pub(crate) fn far_jump<B: Bus>(&mut self, bus: &mut B, target: FarTarget) -> Result<(), Fault> {
        if !self.is_protected() || self.is_virtual_8086() {
            self.check_offset_8086(target.offset)?;
            self.enter_8086(target.selector, target.offset);
            self.cycles += 12 + target.memory_clocks(Transfer::Jump, false);
            return Ok(());
        }
        self.transfer(bus, target, Transfer::Jump)
    }

    /// CALL far.
    pub(crate) fn far_call<B: Bus>(&mut self, bus: &mut B, target: FarTarget) -> Result<(), Fault> {
        if !self.is_protected() || self.is_virtual_8086() {
            self.check_offset_8086(target.offset)?;
            self.push_return_address(bus, target.size)?;
            self.enter_8086(target.selector, target.offset);
            self.cycles += 17 + target.memory_clocks(Transfer::Call, false);
            return Ok(());
        }
        self.transfer(bus, target, Transfer::Call)
    }

    fn check_offset_8086(&self, offset: u32) -> Result<(), Fault> {
        if offset > self.segment(Segment::Cs).limit {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        Ok(())
    }

    fn enter_8086(&mut self, selector: u16, offset: u32) {
        self.load_segment_8086(Segment::Cs, selector);
        self.eip = offset;
    }

    fn push_return_address<B: Bus>(&mut self, bus: &mut B, size: Width) -> Result<(), Fault> {
        let mut frame = Frame::new(size);
        frame.push(u32::from(self.segment(Segment::Cs).selector));
        frame.push(self.eip);
        self.push_frame(bus, &frame)
    }

    fn transfer<B: Bus>(&mut self, bus: &mut B, target: FarTarget, transfer: Transfer) -> Result<(), Fault> {
        let selector = Selector(target.selector);
        if selector.is_null() {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        let descriptor = self.descriptor(bus, selector, Vector::GeneralProtection)?;
        match descriptor.kind() {
            Kind::Code => self.transfer_direct(bus, target, descriptor, transfer),
            Kind::CallGate { is_32_bit } => {
                self.check_gate(selector, descriptor)?;
                self.cycles += target.memory_clocks(transfer, true);
                self.transfer_through_gate(bus, descriptor, is_32_bit, transfer)
            }
            Kind::TaskGate => {
                self.check_gate(selector, descriptor)?;
                self.cycles += target.memory_clocks_of_task();
                let task = descriptor.gate_selector();
                self.switch_task(bus, task, transfer.reason(), true)
            }
            Kind::TaskState { .. } => {
                let needed = self.privilege.max(selector.requested_privilege());
                if descriptor.privilege() < needed {
                    return Err(selector.fault(Vector::GeneralProtection));
                }
                self.cycles += target.memory_clocks_of_task();
                self.switch_task(bus, selector, transfer.reason(), false)
            }
            _ => Err(selector.fault(Vector::GeneralProtection)),
        }
    }

    /// A call or task gate may be used by code as privileged as its DPL or more, and must be present.
    fn check_gate(&self, selector: Selector, gate: Descriptor) -> Result<(), Fault> {
        if gate.privilege() < self.privilege.max(selector.requested_privilege()) {
            return Err(selector.fault(Vector::GeneralProtection));
        }
        if !gate.is_present() {
            return Err(selector.fault(Vector::NotPresent));
        }
        Ok(())
    }

    fn transfer_direct<B: Bus>(
        &mut self,
        bus: &mut B,
        target: FarTarget,
        descriptor: Descriptor,
        transfer: Transfer,
    ) -> Result<(), Fault> {
        let selector = Selector(target.selector);
        let is_allowed = if descriptor.is_conforming() {
            descriptor.privilege() <= self.privilege
        } else {
            selector.requested_privilege() <= self.privilege && descriptor.privilege() == self.privilege
        };
        if !is_allowed {
            return Err(selector.fault(Vector::GeneralProtection));
        }
        let entry = self.code_entry(bus, selector, descriptor, target.offset, self.privilege)?;
        if transfer == Transfer::Call {
            self.push_return_address(bus, target.size)?;
        }
        self.enter(entry);
        self.cycles += target.memory_clocks(transfer, true);
        self.cycles += match transfer {
            Transfer::Jump => 27,
            Transfer::Call => 34,
        };
        Ok(())
    }

    fn transfer_through_gate<B: Bus>(
        &mut self,
        bus: &mut B,
        gate: Descriptor,
        is_32_bit: bool,
        transfer: Transfer,
    ) -> Result<(), Fault> {
        let selector = gate.gate_selector();
        let offset = gate.gate_offset(is_32_bit);
        let size = if is_32_bit { Width::Dword } else { Width::Word };
        if selector.is_null() {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        let code = self.descriptor(bus, selector, Vector::GeneralProtection)?;
        let is_same_level = code.is_conforming() || code.privilege() == self.privilege;
        let is_allowed = code.kind() == Kind::Code
            && code.privilege() <= self.privilege
            && (is_same_level || transfer == Transfer::Call);
        if !is_allowed {
            return Err(selector.fault(Vector::GeneralProtection));
        }
        if is_same_level {
            let entry = self.code_entry(bus, selector, code, offset, self.privilege)?;
            if transfer == Transfer::Call {
                self.push_return_address(bus, size)?;
            }
            self.enter(entry);
            self.cycles += match transfer {
                Transfer::Jump => 45,
                Transfer::Call => 52,
            };
            return Ok(());
        }
        let entry = self.code_entry(bus, selector, code, offset, code.privilege())?;
        self.call_inner(bus, entry, size, gate.gate_parameters())
    }

    /// A call through a gate to an inner level: new stack from the task state segment, parameters copied.
    fn call_inner<B: Bus>(
        &mut self,
        bus: &mut B,
        entry: Entry,
        size: Width,
        parameters: u32,
    ) -> Result<(), Fault> {
        let stack = self.inner_stack(bus, entry.privilege)?;
        let mut frame = Frame::new(size);
        frame.push(u32::from(self.segment(Segment::Ss).selector));
        frame.push(self.general[crate::Register::Esp as usize]);
        for number in (0..parameters).rev() {
            let above = number * size.bytes();
            let parameter = match size {
                Width::Dword => self.peek::<u32, B>(bus, above)?,
                _ => u32::from(self.peek::<u16, B>(bus, above)?),
            };
            frame.push(parameter);
        }
        frame.push(u32::from(self.segment(Segment::Cs).selector));
        frame.push(self.eip);
        self.push_on_new_stack(bus, stack, &frame, entry.privilege)?;
        self.enter(entry);
        self.cycles += if parameters == 0 {
            86
        } else {
            94 + 4 * Cycle::from(parameters)
        };
        Ok(())
    }

    /// The checks that end every load of CS: present, offset within the limit. `privilege` is the level to run at.
    pub(crate) fn code_entry<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
        descriptor: Descriptor,
        offset: u32,
        privilege: u8,
    ) -> Result<Entry, Fault> {
        if !descriptor.is_present() {
            return Err(selector.fault(Vector::NotPresent));
        }
        if offset > descriptor.limit() {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        let descriptor = self.mark_accessed(bus, selector, descriptor)?;
        Ok(Entry {
            register: descriptor.to_register(selector.with_privilege(privilege)),
            offset,
            privilege,
        })
    }

    /// Begins to run there.
    pub(crate) fn enter(&mut self, entry: Entry) {
        self.set_segment(Segment::Cs, entry.register);
        self.privilege = entry.privilege;
        self.eip = entry.offset;
    }

    /// The stack of an inner level, from the current task state segment.
    pub(crate) fn inner_stack<B: Bus>(&mut self, bus: &mut B, privilege: u8) -> Result<NewStack, Fault> {
        let (selector, top) = self.stack_in_task(bus, privilege)?;
        let (selector, descriptor) = self.stack_descriptor(bus, selector, privilege, Vector::InvalidTss)?;
        Ok(NewStack {
            register: descriptor.to_register(selector),
            top,
        })
    }

    /// Pushes a frame on the current stack: all or nothing.
    pub(crate) fn push_frame<B: Bus>(&mut self, bus: &mut B, frame: &Frame) -> Result<(), Fault> {
        let stack = NewStack {
            register: *self.segment(Segment::Ss),
            top: self.general[crate::Register::Esp as usize],
        };
        self.push_on_new_stack(bus, stack, frame, self.privilege)
    }

    /// Pushes a frame on a stack as code of a privilege level, and makes it the current stack: all or nothing.
    pub(crate) fn push_on_new_stack<B: Bus>(
        &mut self,
        bus: &mut B,
        stack: NewStack,
        frame: &Frame,
        privilege: u8,
    ) -> Result<(), Fault> {
        let level = if privilege == 3 {
            Level::User
        } else {
            Level::Supervisor
        };
        let mask = if stack.register.is_big() { u32::MAX } else { 0xFFFF };
        let top = self.check_frame(bus, stack, frame, mask, level)?;
        let mut at = stack.top & mask;
        for value in frame.values() {
            at = at.wrapping_sub(frame.size.bytes()) & mask;
            let linear = stack.register.base.wrapping_add(at);
            match frame.size {
                Width::Dword => self.write_linear(bus, linear, *value, level)?,
                _ => self.write_linear(bus, linear, *value as u16, level)?,
            }
        }
        self.set_segment(Segment::Ss, stack.register);
        let esp = crate::Register::Esp as usize;
        self.general[esp] = (stack.top & !mask) | top;
        Ok(())
    }

    /// Checks that a frame can be pushed; returns the top of the stack with it.
    fn check_frame<B: Bus>(
        &mut self,
        bus: &mut B,
        stack: NewStack,
        frame: &Frame,
        mask: u32,
        level: Level,
    ) -> Result<u32, Fault> {
        let mut top = stack.top & mask;
        let (items, bytes) = if frame.bytes() <= top {
            (1, frame.bytes())
        } else {
            (frame.count, frame.size.bytes())
        };
        for _ in 0..items {
            top = top.wrapping_sub(bytes) & mask;
            if !stack.register.is_writable() || !stack.register.holds(top, bytes) {
                return Err(Fault::with_code(Vector::Stack, 0));
            }
            self.check_write_linear(bus, stack.register.base.wrapping_add(top), bytes, level)?;
        }
        Ok(top)
    }

    /// RET far; `release` is how many bytes of parameters it takes off.
    pub(crate) fn far_return<B: Bus>(&mut self, bus: &mut B, size: Width, release: u32) -> Result<(), Fault> {
        let offset = self.peek_sized(bus, size, 0)?;
        let selector = self.peek_sized(bus, size, 1)? as u16;
        let taken = 2 * size.bytes();
        if !self.is_protected() || self.is_virtual_8086() {
            self.check_offset_8086(offset)?;
            self.set_stack_pointer(self.stack_pointer().wrapping_add(taken).wrapping_add(release));
            self.enter_8086(selector, offset);
            self.cycles += 18;
            return Ok(());
        }
        let selector = Selector(selector);
        let is_outer = selector.requested_privilege() > self.privilege;
        let entry = self.return_entry(bus, selector, offset)?;
        if !is_outer {
            self.set_stack_pointer(self.stack_pointer().wrapping_add(taken).wrapping_add(release));
            self.enter(entry);
            self.cycles += 32;
            return Ok(());
        }
        let above = taken.wrapping_add(release);
        self.return_outer(bus, entry, size, above)?;
        self.set_stack_pointer(self.stack_pointer().wrapping_add(release));
        self.cycles += 68;
        Ok(())
    }

    /// Reads the operand-sized item number `number` from the top of the stack.
    pub(crate) fn peek_sized<B: Bus>(&mut self, bus: &mut B, size: Width, number: u32) -> Result<u32, Fault> {
        let above = number * size.bytes();
        match size {
            Width::Dword => self.peek::<u32, B>(bus, above),
            _ => Ok(u32::from(self.peek::<u16, B>(bus, above)?)),
        }
    }

    /// The checks of a return address, for RET and IRET.
    fn return_entry<B: Bus>(&mut self, bus: &mut B, selector: Selector, offset: u32) -> Result<Entry, Fault> {
        if selector.is_null() {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        let descriptor = self.descriptor(bus, selector, Vector::GeneralProtection)?;
        let requested = selector.requested_privilege();
        let is_level_right = if descriptor.is_conforming() {
            descriptor.privilege() <= requested
        } else {
            descriptor.privilege() == requested
        };
        if descriptor.kind() != Kind::Code || requested < self.privilege || !is_level_right {
            return Err(selector.fault(Vector::GeneralProtection));
        }
        self.code_entry(bus, selector, descriptor, offset, requested)
    }

    /// Takes SS:ESP from `above` bytes above the top of the stack and leaves for the outer level.
    fn return_outer<B: Bus>(
        &mut self,
        bus: &mut B,
        entry: Entry,
        size: Width,
        above: u32,
    ) -> Result<(), Fault> {
        let (top, selector) = match size {
            Width::Dword => (
                self.peek::<u32, B>(bus, above)?,
                self.peek::<u16, B>(bus, above.wrapping_add(4))?,
            ),
            _ => {
                let top = self.peek::<u16, B>(bus, above)?;
                (u32::from(top), self.peek::<u16, B>(bus, above.wrapping_add(2))?)
            }
        };
        let (selector, descriptor) = self.stack_descriptor(
            bus,
            Selector(selector),
            entry.privilege,
            Vector::GeneralProtection,
        )?;
        self.set_segment(Segment::Ss, descriptor.to_register(selector));
        let esp = crate::Register::Esp as usize;
        self.general[esp] = match size {
            Width::Dword => top,
            _ => (self.general[esp] & 0xFFFF_0000) | top,
        };
        self.enter(entry);
        self.drop_inner_segments();
        Ok(())
    }

    /// The part of IRET that RET shares: takes CS:EIP and a third item, and for an outer level SS:ESP too. Returns
    /// whether it went to an outer level.
    pub(crate) fn return_from_handler<B: Bus>(&mut self, bus: &mut B, size: Width) -> Result<bool, Fault> {
        let offset = self.peek_sized(bus, size, 0)?;
        let selector = Selector(self.peek_sized(bus, size, 1)? as u16);
        let is_outer = selector.requested_privilege() > self.privilege;
        let entry = self.return_entry(bus, selector, offset)?;
        let taken = 3 * size.bytes();
        if is_outer {
            self.return_outer(bus, entry, size, taken)?;
        } else {
            self.set_stack_pointer(self.stack_pointer().wrapping_add(taken));
            self.enter(entry);
        }
        Ok(is_outer)
    }

    /// The part of a real-mode IRET that RET shares.
    pub(crate) fn return_from_handler_8086<B: Bus>(&mut self, bus: &mut B, size: Width) -> Result<(), Fault> {
        let offset = self.peek_sized(bus, size, 0)?;
        let selector = self.peek_sized(bus, size, 1)? as u16;
        self.check_offset_8086(offset)?;
        self.set_stack_pointer(self.stack_pointer().wrapping_add(3 * size.bytes()));
        self.enter_8086(selector, offset);
        Ok(())
    }
}

impl Transfer {
    fn reason(self) -> Reason {
        match self {
            Self::Jump => Reason::Jump,
            Self::Call => Reason::Call,
        }
    }
}
