//! Interrupts and exceptions (PRM chapter 9, and the instruction pages of INT and IRET): delivery through the vector
//! table of real mode or the gates of protected mode, double faults, shutdown, and the return.

use crate::core::Core;
use crate::descriptor::{Descriptor, Kind, Selector};
use crate::paging::Level;
use crate::task::Reason;
use crate::transfer::Frame;
use crate::{Bus, Cycle, Fault, Flags, Segment, SegmentRegister, Vector, Width};

/// EXT in an error code: something outside the program was being served.
const EXTERNAL: u16 = 1;
/// IDT in an error code: the index is one of the interrupt table.
const IN_INTERRUPT_TABLE: u16 = 2;

/// What asks for an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// INTR or NMI.
    External,
    /// INT n: obeys the gate's DPL, and IOPL in virtual 8086 mode.
    Software,
    /// INT 3 and INTO: obeys the gate's DPL.
    Trap,
    /// An exception found by the processor.
    Exception,
}

impl Source {
    /// What delivery itself adds to error codes.
    fn external_bit(self) -> u16 {
        match self {
            Self::External | Self::Exception => EXTERNAL,
            Self::Software | Self::Trap => 0,
        }
    }

    fn is_program(self) -> bool {
        matches!(self, Self::Software | Self::Trap)
    }
}

/// One interrupt on its way to its handler.
#[derive(Clone, Copy, Debug)]
struct Delivery {
    vector: u8,
    source: Source,
    error_code: Option<u16>,
    /// EFLAGS as the handler will find it on its stack.
    flags: Flags,
}

impl Delivery {
    /// The error code that blames the vector's gate.
    fn gate_fault(&self, vector: Vector) -> Fault {
        let index = u16::from(self.vector) << 3;
        Fault::with_code(vector, index | IN_INTERRUPT_TABLE)
    }

    /// The clocks of an instruction or event that enters a handler at the same level: INT 3 is a byte shorter than INT n,
    /// which real mode shows.
    fn real_clocks(&self) -> Cycle {
        match (self.source, self.vector) {
            (Source::Trap, 3) => 33,
            (Source::Trap, _) => 35,
            _ => 37,
        }
    }
}

/// What two faults in a row make (PRM table 9-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Benign,
    Contributory,
    Page,
    Double,
}

impl Vector {
    fn class(self) -> Class {
        match self {
            Self::DivideError
            | Self::CoprocessorOverrun
            | Self::InvalidTss
            | Self::NotPresent
            | Self::Stack
            | Self::GeneralProtection => Class::Contributory,
            Self::Page => Class::Page,
            Self::DoubleFault => Class::Double,
            _ => Class::Benign,
        }
    }
}

/// The fault to deliver when delivering `first` has ended in `second`; none means shutdown.
fn combine(first: Vector, second: Fault) -> Option<Fault> {
    match (first.class(), second.vector.class()) {
        (Class::Double, _) => None,
        (Class::Contributory, Class::Contributory) | (Class::Page, Class::Contributory | Class::Page) => {
            Some(Fault::with_code(Vector::DoubleFault, 0))
        }
        _ => Some(second),
    }
}

impl Core {
    /// Delivers the fault of an instruction that began at `start`. After a task switch it is the new task that faults, at its
    /// own EIP.
    pub(crate) fn raise_at<B: Bus>(&mut self, bus: &mut B, fault: Fault, start: u32) {
        if !std::mem::take(&mut self.is_in_new_task) {
            self.eip = start;
        }
        self.raise(bus, fault);
    }

    /// Delivers an exception to its handler; faults on the way make a double fault or shutdown. EIP is that of the
    /// instruction to blame.
    pub(crate) fn raise<B: Bus>(&mut self, bus: &mut B, fault: Fault) {
        let mut current = fault;
        loop {
            let delivery = Delivery {
                vector: current.vector as u8,
                source: Source::Exception,
                error_code: current.error_code,
                flags: self.flags_of_fault(current),
            };
            let outcome = self.deliver(bus, delivery);
            self.is_in_new_task = false;
            let Err(second) = outcome else { return };
            let Some(next) = combine(current.vector, second) else {
                self.is_shut_down = true;
                self.ask_attention();
                return;
            };
            current = next;
        }
    }

    /// EFLAGS in the handler's frame: RF is set, so that the instruction can be repeated without meeting its
    /// breakpoint again, except where the breakpoint itself is reported, and after aborts.
    fn flags_of_fault(&self, fault: Fault) -> Flags {
        match fault.vector {
            Vector::Debug | Vector::DoubleFault | Vector::Breakpoint | Vector::Overflow => self.eflags(),
            _ => self.eflags() | Flags::RESUME,
        }
    }

    /// Delivers an interrupt that is no exception. EIP is that of the next instruction.
    pub(crate) fn interrupt<B: Bus>(&mut self, bus: &mut B, vector: u8, source: Source) -> Result<(), Fault> {
        if source == Source::Software && self.is_virtual_8086() && self.io_privilege() < 3 {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        let delivery = Delivery {
            vector,
            source,
            error_code: None,
            flags: self.eflags(),
        };
        self.deliver(bus, delivery)
    }

    fn deliver<B: Bus>(&mut self, bus: &mut B, delivery: Delivery) -> Result<(), Fault> {
        self.is_halted = false;
        if !self.is_protected() {
            return self.deliver_real(bus, delivery);
        }
        let external = delivery.source.external_bit();
        self.deliver_protected(bus, delivery)
            .map_err(|fault| match fault.vector {
                Vector::Page => fault,
                _ => Fault {
                    error_code: fault.error_code.map(|code| code | external),
                    ..fault
                },
            })
    }

    fn deliver_real<B: Bus>(&mut self, bus: &mut B, delivery: Delivery) -> Result<(), Fault> {
        let offset = u32::from(delivery.vector) * 4;
        if offset + 3 > u32::from(self.idtr.limit) {
            return Err(Fault::with_code(Vector::DoubleFault, 0));
        }
        let pointer: u32 = self.read_linear(bus, self.idtr.base.wrapping_add(offset), Level::Supervisor)?;
        let mut frame = Frame::new(Width::Word);
        frame.push(delivery.flags.bits());
        frame.push(u32::from(self.segment(Segment::Cs).selector));
        frame.push(self.eip);
        self.push_frame(bus, &frame)?;
        self.load_segment_8086(Segment::Cs, (pointer >> 16) as u16);
        self.eip = pointer & 0xFFFF;
        self.set_eflags(self.eflags() - (Flags::INTERRUPT | Flags::TRAP | Flags::RESUME));
        self.cycles += delivery.real_clocks();
        Ok(())
    }

    fn deliver_protected<B: Bus>(&mut self, bus: &mut B, delivery: Delivery) -> Result<(), Fault> {
        let offset = u32::from(delivery.vector) * 8;
        if offset + 7 > u32::from(self.idtr.limit) {
            return Err(delivery.gate_fault(Vector::GeneralProtection));
        }
        let gate = self.read_descriptor(bus, self.idtr.base.wrapping_add(offset))?;
        let kind = gate.kind();
        if !matches!(kind, Kind::TaskGate | Kind::InterruptGate { .. })
            || (delivery.source.is_program() && gate.privilege() < self.privilege)
        {
            return Err(delivery.gate_fault(Vector::GeneralProtection));
        }
        if !gate.is_present() {
            return Err(delivery.gate_fault(Vector::NotPresent));
        }
        match kind {
            Kind::InterruptGate { is_32_bit, is_trap } => {
                let size = if is_32_bit { Width::Dword } else { Width::Word };
                self.deliver_through_gate(bus, delivery, gate, size, is_trap)
            }
            _ => self.deliver_to_task(bus, delivery, gate.gate_selector()),
        }
    }

    fn deliver_to_task<B: Bus>(
        &mut self,
        bus: &mut B,
        delivery: Delivery,
        task: Selector,
    ) -> Result<(), Fault> {
        let resume = self.eflags();
        self.set_eflags(delivery.flags);
        let outcome = self.switch_task(bus, task, Reason::Interrupt, true);
        if outcome.is_err() && !self.is_in_new_task {
            self.set_eflags(resume);
        }
        outcome?;
        if let Some(code) = delivery.error_code {
            let size = if self.is_task_32_bit() {
                Width::Dword
            } else {
                Width::Word
            };
            let mut frame = Frame::new(size);
            frame.push(u32::from(code));
            self.push_frame(bus, &frame)
                .inspect_err(|_| self.is_in_new_task = true)?;
        }
        Ok(())
    }

    fn deliver_through_gate<B: Bus>(
        &mut self,
        bus: &mut B,
        delivery: Delivery,
        gate: Descriptor,
        size: Width,
        is_trap: bool,
    ) -> Result<(), Fault> {
        let selector = gate.gate_selector();
        if selector.is_null() {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        let code = self.descriptor(bus, selector, Vector::GeneralProtection)?;
        let from_8086 = self.is_virtual_8086();
        let is_inner = !code.is_conforming() && code.privilege() < self.privilege;
        let is_level_right = match (from_8086, is_inner) {
            (true, true) => code.privilege() == 0,
            (true, false) => false,
            (false, _) => code.privilege() <= self.privilege,
        };
        if code.kind() != Kind::Code || !is_level_right {
            return Err(selector.fault(Vector::GeneralProtection));
        }
        let privilege = if is_inner {
            code.privilege()
        } else {
            self.privilege
        };
        let entry = self.code_entry(
            bus,
            selector,
            code,
            gate.gate_offset(size == Width::Dword),
            privilege,
        )?;
        let mut frame = Frame::new(size);
        if is_inner {
            let stack = self.inner_stack(bus, privilege)?;
            if from_8086 {
                for segment in [Segment::Gs, Segment::Fs, Segment::Ds, Segment::Es] {
                    frame.push(u32::from(self.segment(segment).selector));
                }
            }
            frame.push(u32::from(self.segment(Segment::Ss).selector));
            frame.push(self.general[crate::Register::Esp as usize]);
            self.add_return_frame(&mut frame, delivery);
            self.push_on_new_stack(bus, stack, &frame, privilege)?;
        } else {
            self.add_return_frame(&mut frame, delivery);
            self.push_frame(bus, &frame)?;
        }
        self.enter(entry);
        self.enter_handler_flags(is_trap, from_8086);
        self.cycles += match (from_8086, is_inner) {
            (true, _) => 119,
            (false, true) => 99,
            (false, false) => 59,
        };
        Ok(())
    }

    fn add_return_frame(&self, frame: &mut Frame, delivery: Delivery) {
        frame.push(delivery.flags.bits());
        frame.push(u32::from(self.segment(Segment::Cs).selector));
        frame.push(self.eip);
        if let Some(code) = delivery.error_code {
            frame.push(u32::from(code));
        }
    }

    fn enter_handler_flags(&mut self, is_trap: bool, from_8086: bool) {
        let mut cleared = Flags::TRAP | Flags::NESTED | Flags::RESUME | Flags::VIRTUAL_8086;
        if !is_trap {
            cleared |= Flags::INTERRUPT;
        }
        self.set_eflags(self.eflags() - cleared);
        if from_8086 {
            for segment in [Segment::Es, Segment::Ds, Segment::Fs, Segment::Gs] {
                self.set_segment(segment, SegmentRegister::default());
            }
        }
    }

    /// IRET and IRETD.
    pub(crate) fn interrupt_return<B: Bus>(&mut self, bus: &mut B, size: Width) -> Result<(), Fault> {
        if self.is_virtual_8086() && self.io_privilege() < 3 {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        if self.is_protected() && !self.is_virtual_8086() {
            self.return_protected(bus, size)?;
        } else {
            let flags = self.peek_sized(bus, size, 2)?;
            self.return_from_handler_8086(bus, size)?;
            self.merge_returned_flags(flags, size, self.privilege);
            self.cycles += 22;
        }
        self.is_nmi_blocked = false;
        self.ask_attention();
        Ok(())
    }

    fn return_protected<B: Bus>(&mut self, bus: &mut B, size: Width) -> Result<(), Fault> {
        if self.has(Flags::NESTED) {
            return self.return_to_task(bus);
        }
        let flags = self.peek_sized(bus, size, 2)?;
        let to_8086 = size == Width::Dword && flags & Flags::VIRTUAL_8086.bits() != 0;
        if to_8086 && self.privilege == 0 {
            return self.return_to_8086(bus, flags);
        }
        let privilege = self.privilege;
        let is_outer = self.return_from_handler(bus, size)?;
        self.merge_returned_flags(flags, size, privilege);
        self.cycles += if is_outer { 82 } else { 38 };
        Ok(())
    }

    /// The privilege that counts is that of the code that returned.
    fn merge_returned_flags(&mut self, image: u32, size: Width, privilege: u8) {
        let mut may_change = Flags::ARITHMETIC | Flags::TRAP | Flags::DIRECTION | Flags::NESTED;
        if privilege == 0 {
            may_change |= Flags::IO_PRIVILEGE;
        }
        if privilege <= self.io_privilege() {
            may_change |= Flags::INTERRUPT;
        }
        if size == Width::Dword {
            may_change |= Flags::RESUME;
        }
        let image = Flags::from_bits_truncate(image);
        self.set_eflags((self.eflags() - may_change) | (image & may_change));
    }

    /// EIP, CS, EFLAGS, ESP, SS, ES, DS, FS and GS lie on the stack as dwords.
    fn return_to_8086<B: Bus>(&mut self, bus: &mut B, flags: u32) -> Result<(), Fault> {
        let mut items = [0; 9];
        for (number, item) in items.iter_mut().enumerate() {
            *item = self.peek::<u32, B>(bus, number as u32 * 4)?;
        }
        let [eip, cs, _, esp, ss, es, ds, fs, gs] = items;
        if eip > 0xFFFF {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        self.set_eflags(Flags::from_bits_truncate(flags));
        self.privilege = 3;
        let selectors = [
            (Segment::Cs, cs),
            (Segment::Ss, ss),
            (Segment::Es, es),
            (Segment::Ds, ds),
            (Segment::Fs, fs),
            (Segment::Gs, gs),
        ];
        for (segment, selector) in selectors {
            self.load_segment_8086(segment, selector as u16);
        }
        self.general[crate::Register::Esp as usize] = esp;
        self.eip = eip;
        self.cycles += 60;
        Ok(())
    }
}
