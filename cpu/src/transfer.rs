//! Far jumps, calls and returns (PRM sections 6.3.3 and 6.3.4, and the instruction pages of JMP, CALL and RET).
//!
//! Everything is read and checked first; registers change last. The time to fetch the first instruction at the target is the
//! run loop's.

use crate::clocks;
use crate::core::Core;
use crate::descriptor::{Descriptor, Kind, Selector};
use crate::memory::Reach;
use crate::paging::Level;
use crate::task::Reason;
use crate::unit::Unit;
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
    /// What a frame that does not fit raises: #SS, which names the selector of a new stack (PRM section 9.8.12).
    pub(crate) fault: Fault,
}

const ESP: usize = crate::Register::Esp as usize;

/// Items in the frame of a call to an inner level, without parameters.
const INNER_CALL: usize = 4;
/// The same with as many parameters as there can be, which makes the largest frame.
const INNER_CALL_WITH_PARAMETERS: usize = INNER_CALL + 31;

/// At most `N` values to push together: checked as a whole, then written.
#[derive(Clone, Debug)]
pub(crate) struct Frame<const N: usize> {
    items: [u32; N],
    count: usize,
    size: Width,
}

impl<const N: usize> Frame<N> {
    /// An empty frame of words or dwords.
    #[inline]
    pub(crate) fn new(size: Width) -> Self {
        Self {
            items: [0; N],
            count: 0,
            size,
        }
    }

    /// Adds what is pushed next.
    #[inline]
    pub(crate) fn push(&mut self, value: u32) {
        self.items[self.count] = value;
        self.count += 1;
    }

    #[inline]
    fn values(&self) -> &[u32] {
        &self.items[..self.count]
    }

    #[inline]
    fn bytes(&self) -> u32 {
        self.count as u32 * self.size.bytes()
    }
}

impl FarTarget {
    /// What `clocks` a pointer in memory adds; one in the instruction none.
    fn if_in_memory(self, clocks: Cycle) -> Cycle {
        if self.is_in_memory { clocks } else { 0 }
    }
}

impl Core {
    /// JMP far.
    #[inline]
    pub(crate) fn far_jump<B: Bus>(&mut self, bus: &mut B, target: FarTarget) -> Result<(), Fault> {
        if !self.is_protected() || self.is_virtual_8086() {
            self.check_offset_8086(target.offset)?;
            self.enter_8086(target.selector, target.offset);
            bus.charge(
                &mut self.cycles,
                clocks::FAR_JUMP.real + target.if_in_memory(clocks::FAR_JUMP.real_memory),
            );
            return Ok(());
        }
        self.transfer(bus, target, Transfer::Jump)
    }

    /// CALL far.
    #[inline]
    pub(crate) fn far_call<B: Bus>(&mut self, bus: &mut B, target: FarTarget) -> Result<(), Fault> {
        if !self.is_protected() || self.is_virtual_8086() {
            self.check_offset_8086(target.offset)?;
            self.push_return_address(bus, target.size)?;
            self.enter_8086(target.selector, target.offset);
            bus.charge(
                &mut self.cycles,
                clocks::FAR_CALL.real + target.if_in_memory(clocks::FAR_CALL.real_memory),
            );
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

    fn return_address(&self, size: Width) -> Frame<2> {
        let mut frame = Frame::new(size);
        frame.push(u32::from(self.segment(Segment::Cs).selector));
        frame.push(self.eip);
        frame
    }

    #[inline]
    fn push_return_address<B: Bus>(&mut self, bus: &mut B, size: Width) -> Result<(), Fault> {
        let frame = self.return_address(size);
        self.push_frame(bus, &frame)
    }

    #[inline]
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
                bus.charge(&mut self.cycles, target.if_in_memory(clocks::FAR_MEMORY));
                self.transfer_through_gate(bus, descriptor, is_32_bit, transfer)
            }
            Kind::TaskGate => {
                self.check_gate(selector, descriptor)?;
                bus.charge(&mut self.cycles, target.if_in_memory(clocks::TASK_MEMORY));
                let task = descriptor.gate_selector();
                self.switch_task(bus, task, transfer.reason(), true)
            }
            Kind::TaskState { .. } => {
                let needed = self.privilege().max(selector.requested_privilege());
                if descriptor.privilege() < needed {
                    return Err(selector.fault(Vector::GeneralProtection));
                }
                bus.charge(&mut self.cycles, target.if_in_memory(clocks::TASK_MEMORY));
                self.switch_task(bus, selector, transfer.reason(), false)
            }
            _ => Err(selector.fault(Vector::GeneralProtection)),
        }
    }

    /// A call or task gate may be used by code as privileged as its DPL or more, and must be present.
    #[inline]
    fn check_gate(&self, selector: Selector, gate: Descriptor) -> Result<(), Fault> {
        if gate.privilege() < self.privilege().max(selector.requested_privilege()) {
            return Err(selector.fault(Vector::GeneralProtection));
        }
        if !gate.is_present() {
            return Err(selector.fault(Vector::NotPresent));
        }
        Ok(())
    }

    #[inline]
    fn transfer_direct<B: Bus>(
        &mut self,
        bus: &mut B,
        target: FarTarget,
        descriptor: Descriptor,
        transfer: Transfer,
    ) -> Result<(), Fault> {
        let selector = Selector(target.selector);
        let is_allowed = if descriptor.is_conforming() {
            descriptor.privilege() <= self.privilege()
        } else {
            selector.requested_privilege() <= self.privilege() && descriptor.privilege() == self.privilege()
        };
        if !is_allowed {
            return Err(selector.fault(Vector::GeneralProtection));
        }
        if transfer == Transfer::Call && descriptor.is_present() {
            // Room on the stack comes before the offset's check (PRM, page of CALL).
            let frame = self.return_address(target.size);
            self.check_current_frame(bus, &frame)?;
        }
        let entry = self.code_entry(bus, selector, descriptor, target.offset, self.privilege())?;
        if transfer == Transfer::Call {
            self.push_return_address(bus, target.size)?;
        }
        self.enter(entry);
        bus.charge(
            &mut self.cycles,
            transfer.clocks().direct + target.if_in_memory(clocks::FAR_MEMORY),
        );
        Ok(())
    }

    #[inline]
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
        let is_same_level = code.is_conforming() || code.privilege() == self.privilege();
        let is_allowed = matches!(code.kind(), Kind::Code)
            && code.privilege() <= self.privilege()
            && (is_same_level || transfer == Transfer::Call);
        if !is_allowed {
            return Err(selector.fault(Vector::GeneralProtection));
        }
        if is_same_level {
            let entry = self.code_entry(bus, selector, code, offset, self.privilege())?;
            if transfer == Transfer::Call {
                self.push_return_address(bus, size)?;
            }
            self.enter(entry);
            bus.charge(&mut self.cycles, transfer.clocks().same_level);
            return Ok(());
        }
        let entry = self.code_entry(bus, selector, code, offset, code.privilege())?;
        match gate.gate_parameters() {
            0 => self.call_inner::<B, INNER_CALL>(bus, entry, size, 0),
            parameters => self.call_inner::<B, INNER_CALL_WITH_PARAMETERS>(bus, entry, size, parameters),
        }
    }

    /// A call through a gate to an inner level: new stack from the task state segment, parameters copied.
    #[inline]
    fn call_inner<B: Bus, const N: usize>(
        &mut self,
        bus: &mut B,
        entry: Entry,
        size: Width,
        parameters: u32,
    ) -> Result<(), Fault> {
        let stack = self.inner_stack(bus, entry.privilege)?;
        let mut frame = Frame::<N>::new(size);
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
        bus.charge(&mut self.cycles, clocks::inner_call(parameters));
        Ok(())
    }

    /// The checks that end every load of CS: present, offset within the limit. `privilege` is the level to run at.
    #[inline(always)]
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
    #[inline(always)]
    pub(crate) fn enter(&mut self, entry: Entry) {
        self.set_segment(Segment::Cs, entry.register);
        self.set_privilege(entry.privilege);
        self.eip = entry.offset;
    }

    /// The stack of an inner level, from the current task state segment.
    #[inline(always)]
    pub(crate) fn inner_stack<B: Bus>(&mut self, bus: &mut B, privilege: u8) -> Result<NewStack, Fault> {
        let (selector, top) = self.stack_in_task(bus, privilege)?;
        let (selector, descriptor) = self.stack_descriptor(bus, selector, privilege, Vector::InvalidTss)?;
        Ok(NewStack {
            register: descriptor.to_register(selector),
            top,
            fault: selector.fault(Vector::Stack),
        })
    }

    /// Pushes a frame on the current stack: all or nothing.
    #[inline(always)]
    pub(crate) fn push_frame<B: Bus, const N: usize>(
        &mut self,
        bus: &mut B,
        frame: &Frame<N>,
    ) -> Result<(), Fault> {
        let (reach, mask) = (self.reach[Segment::Ss as usize], self.stack_mask);
        let esp = self.general[ESP];
        if let Some(esp) = self.push_plain_frame(bus, &reach, mask, esp, self.level(), frame) {
            self.general[ESP] = esp;
            return Ok(());
        }
        self.push_frame_slowly(bus, frame)
    }

    /// Pushes a frame of dwords that lies in one page of plain memory, inside the stack segment. Returns the new ESP, or nothing
    /// where nothing happens.
    #[inline(always)]
    fn push_plain_frame<B: Bus, const N: usize>(
        &mut self,
        bus: &mut B,
        stack: &Reach,
        mask: u32,
        esp: u32,
        level: Level,
        frame: &Frame<N>,
    ) -> Option<u32> {
        if frame.size != Width::Dword {
            return None;
        }
        let top = (esp & mask).checked_sub(frame.bytes())?;
        let (address, units) = self.plain_run_in::<u32>(stack, top, mask, true, level)?;
        if (units as usize) < frame.count {
            return None;
        }
        for number in 0..frame.count as u32 {
            let wait = bus.memory_wait(address + 4 * number, true);
            bus.charge(&mut self.cycles, Cycle::from(wait));
        }
        let room = &mut bus.memory()[address as usize..][..frame.bytes() as usize];
        for (item, value) in room.rchunks_exact_mut(4).zip(frame.values()) {
            value.store(item);
        }
        Some(esp & !mask | top)
    }

    #[inline(never)]
    fn push_frame_slowly<B: Bus, const N: usize>(
        &mut self,
        bus: &mut B,
        frame: &Frame<N>,
    ) -> Result<(), Fault> {
        let esp = self.write_frame(bus, self.current_stack(), frame, self.level())?;
        self.general[crate::Register::Esp as usize] = esp;
        Ok(())
    }

    fn current_stack(&self) -> NewStack {
        NewStack {
            register: *self.segment(Segment::Ss),
            top: self.general[crate::Register::Esp as usize],
            fault: Fault::with_code(Vector::Stack, 0),
        }
    }

    /// Checks that a frame can be pushed on the current stack.
    fn check_current_frame<B: Bus, const N: usize>(
        &mut self,
        bus: &mut B,
        frame: &Frame<N>,
    ) -> Result<(), Fault> {
        let stack = self.current_stack();
        let mask = stack.register.stack_mask();
        self.check_frame(bus, stack, frame, mask, self.level())?;
        Ok(())
    }

    /// Pushes a frame on a stack as code of a privilege level, and makes it the current stack: all or nothing.
    #[inline(always)]
    pub(crate) fn push_on_new_stack<B: Bus, const N: usize>(
        &mut self,
        bus: &mut B,
        stack: NewStack,
        frame: &Frame<N>,
        privilege: u8,
    ) -> Result<(), Fault> {
        let level = Level::of(privilege);
        let (reach, mask) = (Reach::of_stack(&stack.register), stack.register.stack_mask());
        let esp = match self.push_plain_frame(bus, &reach, mask, stack.top, level, frame) {
            Some(esp) => esp,
            None => self.write_frame(bus, stack, frame, level)?,
        };
        self.set_segment(Segment::Ss, stack.register);
        self.general[ESP] = esp;
        Ok(())
    }

    /// Writes a frame below the top of a stack, all or nothing; returns ESP as it is then.
    #[inline(never)]
    fn write_frame<B: Bus, const N: usize>(
        &mut self,
        bus: &mut B,
        stack: NewStack,
        frame: &Frame<N>,
        level: Level,
    ) -> Result<u32, Fault> {
        let mask = stack.register.stack_mask();
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
        Ok((stack.top & !mask) | top)
    }

    /// Checks that a frame can be pushed; returns the top of the stack with it.
    #[inline(never)]
    fn check_frame<B: Bus, const N: usize>(
        &mut self,
        bus: &mut B,
        stack: NewStack,
        frame: &Frame<N>,
        mask: u32,
        level: Level,
    ) -> Result<u32, Fault> {
        let bytes = frame.size.bytes();
        let first = stack.top & mask;
        if let Some(top) = first.checked_sub(frame.bytes())
            && stack.register.is_writable()
            && stack.register.holds(top, frame.bytes())
            && self
                .check_write_linear(bus, stack.register.base.wrapping_add(top), frame.bytes(), level)
                .is_ok()
        {
            return Ok(top);
        }
        // Item by item, so that the first that does not fit raises its own fault with its own address.
        let mut top = first;
        for _ in 0..frame.count {
            top = top.wrapping_sub(bytes) & mask;
            if !stack.register.is_writable() || !stack.register.holds(top, bytes) {
                return Err(stack.fault);
            }
            self.check_write_linear(bus, stack.register.base.wrapping_add(top), bytes, level)?;
        }
        Ok(top)
    }

    /// RET far; `release` is how many bytes of parameters it takes off.
    #[inline]
    pub(crate) fn far_return<B: Bus>(&mut self, bus: &mut B, size: Width, release: u32) -> Result<(), Fault> {
        let (offset, selector) = (self.peek_sized(bus, size, 0)?, self.peek_sized(bus, size, 1)?);
        let selector = selector as u16;
        let taken = 2 * size.bytes();
        if !self.is_protected() || self.is_virtual_8086() {
            self.check_offset_8086(offset)?;
            self.set_stack_pointer::<B>(
                self.stack_pointer::<B>()
                    .wrapping_add(taken)
                    .wrapping_add(release),
            );
            self.enter_8086(selector, offset);
            bus.charge(&mut self.cycles, clocks::FAR_RETURN_REAL);
            return Ok(());
        }
        let selector = Selector(selector);
        let is_outer = selector.requested_privilege() > self.privilege();
        let entry = self.return_entry(bus, selector, offset)?;
        if !is_outer {
            self.set_stack_pointer::<B>(
                self.stack_pointer::<B>()
                    .wrapping_add(taken)
                    .wrapping_add(release),
            );
            self.enter(entry);
            bus.charge(&mut self.cycles, clocks::FAR_RETURN);
            return Ok(());
        }
        let above = taken.wrapping_add(release);
        self.return_outer(bus, entry, size, above)?;
        self.set_stack_pointer::<B>(self.stack_pointer::<B>().wrapping_add(release));
        bus.charge(&mut self.cycles, clocks::FAR_RETURN_OUTER);
        Ok(())
    }

    /// Reads the operand-sized item number `number` from the top of the stack.
    #[inline]
    pub(crate) fn peek_sized<B: Bus>(&mut self, bus: &mut B, size: Width, number: u32) -> Result<u32, Fault> {
        let above = number * size.bytes();
        match size {
            Width::Dword => self.peek::<u32, B>(bus, above),
            _ => Ok(u32::from(self.peek::<u16, B>(bus, above)?)),
        }
    }

    /// The checks of a return address, for RET and IRET.
    #[inline(always)]
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
        if !matches!(descriptor.kind(), Kind::Code) || requested < self.privilege() || !is_level_right {
            return Err(selector.fault(Vector::GeneralProtection));
        }
        self.code_entry(bus, selector, descriptor, offset, requested)
    }

    /// Takes SS:ESP from `above` bytes above the top of the stack and leaves for the outer level. A 16-bit stack gets SP only:
    /// the upper half of ESP stays, as on all x86 processors (systems that hide it from their users tell of it; the manual
    /// is silent).
    #[inline]
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
            Width::Dword if self.stack_mask == u32::MAX => top,
            _ => (self.general[esp] & 0xFFFF_0000) | (top & 0xFFFF),
        };
        self.enter(entry);
        self.drop_inner_segments();
        Ok(())
    }

    /// The part of IRET that RET shares: takes CS:EIP and a third item, and for an outer level SS:ESP too. Returns whether it
    /// went to an outer level.
    #[inline]
    pub(crate) fn return_from_handler<B: Bus>(&mut self, bus: &mut B, size: Width) -> Result<bool, Fault> {
        let (offset, selector) = (self.peek_sized(bus, size, 0)?, self.peek_sized(bus, size, 1)?);
        let selector = Selector(selector as u16);
        let is_outer = selector.requested_privilege() > self.privilege();
        let entry = self.return_entry(bus, selector, offset)?;
        let taken = 3 * size.bytes();
        if is_outer {
            self.return_outer(bus, entry, size, taken)?;
        } else {
            self.set_stack_pointer::<B>(self.stack_pointer::<B>().wrapping_add(taken));
            self.enter(entry);
        }
        Ok(is_outer)
    }

    /// The part of a real-mode IRET that RET shares.
    pub(crate) fn return_from_handler_8086<B: Bus>(&mut self, bus: &mut B, size: Width) -> Result<(), Fault> {
        let offset = self.peek_sized(bus, size, 0)?;
        let selector = self.peek_sized(bus, size, 1)? as u16;
        self.check_offset_8086(offset)?;
        self.set_stack_pointer::<B>(self.stack_pointer::<B>().wrapping_add(3 * size.bytes()));
        self.enter_8086(selector, offset);
        Ok(())
    }
}

impl Transfer {
    fn clocks(self) -> clocks::Far {
        match self {
            Self::Jump => clocks::FAR_JUMP,
            Self::Call => clocks::FAR_CALL,
        }
    }

    fn reason(self) -> Reason {
        match self {
            Self::Jump => Reason::Jump,
            Self::Call => Reason::Call,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FarTarget;
    use crate::core::Core;
    use crate::test_board::{Board, CODE_0, CODE_3, DATA_0, DATA_3, FREE, GDT, protected, user};
    use crate::{Fault, Register, Segment, SegmentRegister, Vector, Width};

    const ESP: usize = Register::Esp as usize;
    const GATE: u16 = 0x48;

    fn to(selector: u16, offset: u32) -> FarTarget {
        FarTarget {
            selector,
            offset,
            size: Width::Dword,
            is_in_memory: false,
        }
    }

    fn blame(vector: Vector, code: u16) -> Result<(), Fault> {
        Err(Fault::with_code(vector, code))
    }

    #[test]
    fn real_mode_calls_push_and_returns_pop_words() {
        let mut board = Board::new();
        let mut core = Core::new();
        core.set_segment(Segment::Cs, SegmentRegister::real(0x0100));
        core.general[ESP] = 0x8000;
        core.eip = 0x0023;
        let target = FarTarget {
            size: Width::Word,
            ..to(0x0200, 0x0010)
        };
        core.far_call(&mut board, target).expect("real mode");
        assert_eq!((core.segment(Segment::Cs).base, core.eip), (0x2000, 0x0010));
        assert_eq!([board.word(0x7FFC), board.word(0x7FFE)], [0x0023, 0x0100]);
        core.far_return(&mut board, Width::Word, 6).expect("real mode");
        assert_eq!((core.segment(Segment::Cs).base, core.eip), (0x1000, 0x0023));
        assert_eq!(core.general[ESP], 0x8006);
        assert_eq!(core.cycles, 17 + 18);
    }

    #[test]
    fn who_may_jump_directly_to_which_code() {
        let refused = Some(Vector::GeneralProtection);
        let cases = [
            (0xC09A, 0, 0, None),
            (0xC09A, 3, 0, refused),
            (0xC0FA, 0, 0, refused),
            (0xC0FE, 0, 0, refused),
            (0xC09A, 3, 3, refused),
            (0xC09E, 3, 3, None),
            (0xC0FA, 0, 3, None),
            (0xC01A, 0, 0, Some(Vector::NotPresent)),
            (0xC092, 0, 0, refused),
            (0x0082, 0, 0, refused),
        ];
        for (access, rpl, privilege, vector) in cases {
            let mut board = Board::new();
            let mut core = if privilege == 3 {
                user(&mut board)
            } else {
                protected(&mut board)
            };
            board.set_segment(FREE, 0, 0xF_FFFF, access);
            let outcome = core.far_jump(&mut board, to(FREE | rpl, 0x1234));
            let expected = vector.map_or(Ok(()), |vector| blame(vector, FREE));
            assert_eq!(outcome, expected, "{access:#x} rpl {rpl} cpl {privilege}");
            if vector.is_none() {
                assert_eq!(core.segment(Segment::Cs).selector, FREE | privilege);
                assert_eq!((core.eip, core.cycles), (0x1234, 27));
            }
        }
    }

    #[test]
    fn a_jump_beyond_the_limit_of_its_target_faults_with_code_zero() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.set_segment(FREE, 0, 0x0FFF, 0x409B);
        assert_eq!(core.far_jump(&mut board, to(FREE, 0x0FFF)), Ok(()));
        let outcome = core.far_jump(&mut board, to(FREE, 0x1000));
        assert_eq!(outcome, blame(Vector::GeneralProtection, 0));
        assert_eq!(
            core.far_jump(&mut board, to(0, 0)),
            blame(Vector::GeneralProtection, 0)
        );
    }

    #[test]
    fn a_call_gate_to_an_inner_level_copies_parameters_in_order_and_the_return_releases_them() {
        let mut board = Board::new();
        let mut core = user(&mut board);
        board.set_gate(GDT + u32::from(GATE), CODE_0, 0x0001_2345, 0xEC, 3);
        core.eip = 0x1111;
        for parameter in [0xA1, 0xA2, 0xA3_u32] {
            core.push(&mut board, parameter).expect("stack");
        }
        core.far_call(&mut board, to(GATE | 3, 0))
            .expect("a gate for users");
        assert_eq!((core.privilege(), core.eip), (0, 0x0001_2345));
        let top = core.general[ESP];
        assert_eq!(top, 0x7000 - 28);
        let frame: [u32; 7] = std::array::from_fn(|number| board.dword(top + number as u32 * 4));
        let outer = 0x9000 - 12;
        assert_eq!(
            frame,
            [
                0x1111,
                u32::from(CODE_3),
                0xA3,
                0xA2,
                0xA1,
                outer,
                u32::from(DATA_3)
            ]
        );
        assert_eq!(core.cycles, 94 + 4 * 3);
        core.far_return(&mut board, Width::Dword, 12).expect("the frame");
        assert_eq!(
            (core.privilege(), core.eip, core.general[ESP]),
            (3, 0x1111, 0x9000)
        );
        assert_eq!(core.segment(Segment::Ss).selector, DATA_3);
        assert_eq!(core.cycles, 94 + 4 * 3 + 68);
    }

    #[test]
    fn a_jump_through_a_gate_cannot_change_the_level() {
        let mut board = Board::new();
        let mut core = user(&mut board);
        board.set_gate(GDT + u32::from(GATE), CODE_0, 0x1000, 0xEC, 0);
        let outcome = core.far_jump(&mut board, to(GATE | 3, 0));
        assert_eq!(outcome, blame(Vector::GeneralProtection, CODE_0));
        board.set_gate(GDT + u32::from(GATE), CODE_3, 0x1000, 0xEC, 0);
        assert_eq!(core.far_jump(&mut board, to(GATE | 3, 0)), Ok(()));
        assert_eq!((core.privilege(), core.eip, core.cycles), (3, 0x1000, 45));
    }

    #[test]
    fn gates_are_blamed_for_their_own_level_and_absence_and_their_target_for_its() {
        let cases = [
            (CODE_0, 0x8C, Vector::GeneralProtection, GATE),
            (CODE_0, 0x6C, Vector::NotPresent, GATE),
            (0, 0xEC, Vector::GeneralProtection, 0),
            (DATA_0, 0xEC, Vector::GeneralProtection, DATA_0),
            (0x1000, 0xEC, Vector::GeneralProtection, 0x1000),
        ];
        for (selector, access, vector, code) in cases {
            let mut board = Board::new();
            let mut core = user(&mut board);
            board.set_gate(GDT + u32::from(GATE), selector, 0x1000, access, 0);
            let outcome = core.far_call(&mut board, to(GATE | 3, 0));
            assert_eq!(outcome, blame(vector, code), "{selector:#x} {access:#x}");
        }
    }

    #[test]
    fn a_286_gate_pushes_words_and_uses_a_16_bit_offset() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.set_gate(GDT + u32::from(GATE), CODE_0, 0x0001_2345, 0x84, 0);
        core.eip = 0x1111;
        core.far_call(&mut board, to(GATE, 0)).expect("a gate");
        assert_eq!((core.eip, core.general[ESP], core.cycles), (0x2345, 0x7FFC, 52));
        assert_eq!(board.dword(0x7FFC), u32::from(CODE_0) << 16 | 0x1111);
    }

    #[test]
    fn a_return_to_an_inner_level_is_refused() {
        let mut board = Board::new();
        let mut core = user(&mut board);
        board.set_dword(0x9004, u32::from(CODE_0));
        let outcome = core.far_return(&mut board, Width::Dword, 0);
        assert_eq!(outcome, blame(Vector::GeneralProtection, CODE_0));
        assert_eq!(core.general[ESP], 0x9000);
    }

    #[test]
    fn a_return_to_an_outer_level_checks_the_stack_it_brings() {
        let cases = [
            (0, 0xF3, Vector::GeneralProtection, 0),
            (0x1003, 0xF3, Vector::GeneralProtection, 0x1000),
            (FREE, 0xF3, Vector::GeneralProtection, FREE),
            (FREE | 3, 0x93, Vector::GeneralProtection, FREE),
            (FREE | 3, 0xF1, Vector::GeneralProtection, FREE),
            (FREE | 3, 0x73, Vector::Stack, FREE),
        ];
        for (selector, access, vector, code) in cases {
            let mut board = Board::new();
            let mut core = protected(&mut board);
            board.set_segment(FREE, 0, 0xFFFF, access);
            board.set_dword(0x8004, u32::from(CODE_3));
            board.set_dword(0x800C, u32::from(selector));
            let outcome = core.far_return(&mut board, Width::Dword, 0);
            assert_eq!(outcome, blame(vector, code), "{selector:#x} {access:#x}");
            assert_eq!((core.privilege(), core.general[ESP]), (0, 0x8000));
        }
    }

    #[test]
    fn a_return_to_a_16_bit_stack_of_an_outer_level_leaves_the_upper_half_of_esp() {
        for (access, esp) in [(0x00F3, 0x0001_4568), (0x40F3, 0x1234_4568)] {
            let mut board = Board::new();
            let mut core = protected(&mut board);
            board.set_segment(FREE, 0, 0xFFFF, access);
            core.general[ESP] = 0x1_8000;
            for (above, item) in [0x5000, u32::from(CODE_3), 0x1234_4560, u32::from(FREE | 3)]
                .into_iter()
                .enumerate()
            {
                let above = above as u32 + if above < 2 { 0 } else { 2 };
                board.set_dword(0x1_8000 + above * 4, item);
            }
            assert_eq!(core.far_return(&mut board, Width::Dword, 8), Ok(()));
            assert_eq!(core.general[ESP], esp);
        }
    }

    #[test]
    fn a_far_call_without_room_is_a_stack_fault_even_if_its_target_is_beyond_the_limit() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.set_segment(FREE, 0, 0xFFF, 0x409B);
        core.general[ESP] = 4;
        assert_eq!(
            core.far_call(&mut board, to(FREE, 0x1000)),
            blame(Vector::GeneralProtection, 0),
            "the stack wraps round in its 4 GB"
        );
        let short = SegmentRegister {
            limit: 0xFFF,
            ..*core.segment(Segment::Ss)
        };
        core.set_segment(Segment::Ss, short);
        assert_eq!(
            core.far_call(&mut board, to(FREE, 0x1000)),
            blame(Vector::Stack, 0)
        );
    }

    #[test]
    fn a_page_fault_of_a_far_call_names_what_is_pushed_first() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        let (directory, table) = (0x4_0000, 0x4_1000);
        board.set_dword(directory, table | 7);
        board.set_dword(table + 4, 0x1000 | 7);
        core.move_to_control(3, directory).expect("level 0 may");
        core.move_to_control(0, 0x8000_0001).expect("level 0 may");
        let outcome = core.far_call(&mut board, to(CODE_0, 0x1000));
        assert_eq!(outcome, blame(Vector::Page, 2));
        assert_eq!(core.cr2, 0x7FFC);
    }

    #[test]
    fn a_call_without_room_for_the_return_address_changes_nothing() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.set_segment(FREE, 0, 0x7FFB, 0x4093);
        core.load_segment(&mut board, Segment::Ss, FREE).expect("a stack");
        core.general[ESP] = 0x8000;
        let outcome = core.far_call(&mut board, to(CODE_0, 0x1000));
        assert_eq!(outcome, blame(Vector::Stack, 0));
        assert_eq!((core.general[ESP], core.eip), (0x8000, 0xFFF0));
    }
}
