//! Interrupts and exceptions (PRM chapter 9, and the instruction pages of INT and IRET): delivery through the vector
//! table of real mode or the gates of protected mode, double faults, shutdown, and the return.

use crate::clocks;
use crate::core::Core;
use crate::debug::STATUS_BREAKPOINTS;
use crate::descriptor::{Descriptor, Kind, Selector};
use crate::paging::Level;
use crate::task::Reason;
use crate::transfer::Frame;
use crate::{Bus, Cycle, Fault, Flags, Segment, SegmentRegister, Vector, Width};

/// EXT in an error code: something outside the program was being served.
const EXTERNAL: u16 = 1;
/// IDT in an error code: the index is one of the interrupt table.
const IN_INTERRUPT_TABLE: u16 = 2;

/// Items in the frame of an exception in virtual 8086 mode: four segments, SS:ESP, EFLAGS, CS:EIP, error code.
const LARGEST_FRAME: usize = 10;

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

    /// The clocks of an instruction or event that enters a handler in real mode.
    fn real_clocks(&self) -> Cycle {
        match (self.source, self.vector) {
            (Source::Trap, 3) => clocks::BREAKPOINT_REAL,
            (Source::Trap, _) => clocks::OVERFLOW_REAL,
            _ => clocks::INTERRUPT_REAL,
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
    match (first.class(), second.vector().class()) {
        (Class::Double, _) => None,
        (Class::Contributory, Class::Contributory) | (Class::Page, Class::Contributory | Class::Page) => {
            Some(Fault::with_code(Vector::DoubleFault, 0))
        }
        _ => Some(second),
    }
}

/// What entering a handler clears.
#[inline(always)]
pub(crate) fn cleared_flags(is_trap: bool) -> Flags {
    let cleared = Flags::TRAP | Flags::NESTED | Flags::RESUME | Flags::VIRTUAL_8086;
    if is_trap {
        cleared
    } else {
        cleared | Flags::INTERRUPT
    }
}

impl Core {
    /// Delivers the fault of an instruction that began at `start`. After a task switch it is the new task that faults, at its
    /// own EIP. Data breakpoints that the instruction has met are forgotten: it will meet them again.
    pub(crate) fn raise_at<B: Bus>(&mut self, bus: &mut B, fault: Fault, start: u32) {
        self.debug_pending &= !STATUS_BREAKPOINTS;
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
                vector: current.vector() as u8,
                source: Source::Exception,
                error_code: current.error_code(),
                flags: self.flags_of_fault(current),
            };
            let outcome = self.deliver(bus, delivery);
            self.is_in_new_task = false;
            let Err(second) = outcome else { return };
            let Some(next) = combine(current.vector(), second) else {
                self.is_shut_down = true;
                self.is_in_shadow = false;
                self.debug_pending = 0;
                self.ask_attention();
                return;
            };
            current = next;
        }
    }

    /// EFLAGS in the handler's frame: RF is set, so that the instruction can be repeated without meeting its
    /// breakpoint again (PRM section 12.3.1.1), except after aborts.
    fn flags_of_fault(&self, fault: Fault) -> Flags {
        match fault.vector() {
            Vector::DoubleFault => self.eflags(),
            _ => self.eflags() | Flags::RESUME,
        }
    }

    /// Delivers an interrupt that is no exception. EIP is that of the next instruction.
    #[inline]
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

    #[inline]
    fn deliver<B: Bus>(&mut self, bus: &mut B, delivery: Delivery) -> Result<(), Fault> {
        self.is_halted = false;
        self.is_shut_down = false;
        if !self.is_protected() {
            return self.deliver_real(bus, delivery);
        }
        let external = delivery.source.external_bit();
        self.deliver_protected(bus, delivery)
            .map_err(|fault| match (fault.vector(), fault.error_code()) {
                (Vector::Page, _) | (_, None) => fault,
                (vector, Some(code)) => Fault::with_code(vector, code | external),
            })
    }

    #[inline(never)]
    fn deliver_real<B: Bus>(&mut self, bus: &mut B, delivery: Delivery) -> Result<(), Fault> {
        let offset = u32::from(delivery.vector) * 4;
        if offset + 3 > u32::from(self.idtr.limit) {
            return Err(Fault::with_code(Vector::DoubleFault, 0));
        }
        let pointer: u32 = self.read_linear(bus, self.idtr.base.wrapping_add(offset), Level::Supervisor)?;
        let mut frame = Frame::<3>::new(Width::Word);
        frame.push(delivery.flags.bits());
        frame.push(u32::from(self.segment(Segment::Cs).selector));
        frame.push(self.eip);
        self.push_frame(bus, &frame)?;
        self.load_segment_8086(Segment::Cs, (pointer >> 16) as u16);
        self.eip = pointer & 0xFFFF;
        self.clear_control_flags(Flags::INTERRUPT | Flags::TRAP | Flags::RESUME);
        bus.charge(&mut self.cycles, delivery.real_clocks());
        Ok(())
    }

    #[inline]
    fn deliver_protected<B: Bus>(&mut self, bus: &mut B, delivery: Delivery) -> Result<(), Fault> {
        let offset = u32::from(delivery.vector) * 8;
        if offset + 7 > u32::from(self.idtr.limit) {
            return Err(delivery.gate_fault(Vector::GeneralProtection));
        }
        let gate = self.read_descriptor(bus, self.idtr.base.wrapping_add(offset))?;
        let kind = gate.kind();
        if !matches!(kind, Kind::TaskGate | Kind::InterruptGate { .. })
            || (delivery.source.is_program() && gate.privilege() < self.privilege())
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

    #[inline(never)]
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
            let mut frame = Frame::<1>::new(size);
            frame.push(u32::from(code));
            self.push_frame(bus, &frame)
                .inspect_err(|_| self.is_in_new_task = true)?;
        }
        Ok(())
    }

    #[inline(always)]
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
        let is_inner = !code.is_conforming() && code.privilege() < self.privilege();
        let is_level_right = match (from_8086, is_inner) {
            (true, true) => code.privilege() == 0,
            (true, false) => false,
            (false, _) => code.privilege() <= self.privilege(),
        };
        if !matches!(code.kind(), Kind::Code) || !is_level_right {
            return Err(selector.fault(Vector::GeneralProtection));
        }
        let privilege = if is_inner {
            code.privilege()
        } else {
            self.privilege()
        };
        let entry = self.code_entry(
            bus,
            selector,
            code,
            gate.gate_offset(size == Width::Dword),
            privilege,
        )?;
        let mut frame = Frame::<LARGEST_FRAME>::new(size);
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
        bus.charge(
            &mut self.cycles,
            match (from_8086, is_inner) {
                (true, _) => clocks::INTERRUPT_FROM_8086,
                (false, true) => clocks::INTERRUPT_INNER,
                (false, false) => clocks::INTERRUPT,
            },
        );
        Ok(())
    }

    #[inline(always)]
    fn add_return_frame(&self, frame: &mut Frame<LARGEST_FRAME>, delivery: Delivery) {
        frame.push(delivery.flags.bits());
        frame.push(u32::from(self.segment(Segment::Cs).selector));
        frame.push(self.eip);
        if let Some(code) = delivery.error_code {
            frame.push(u32::from(code));
        }
    }

    #[inline(always)]
    fn enter_handler_flags(&mut self, is_trap: bool, from_8086: bool) {
        self.clear_control_flags(cleared_flags(is_trap));
        if from_8086 {
            for segment in [Segment::Es, Segment::Ds, Segment::Fs, Segment::Gs] {
                self.set_segment(segment, SegmentRegister::default());
            }
        }
    }

    /// IRET and IRETD.
    #[inline]
    pub(crate) fn interrupt_return<B: Bus>(&mut self, bus: &mut B, size: Width) -> Result<(), Fault> {
        if self.is_virtual_8086() && self.io_privilege() < 3 {
            return Err(Fault::with_code(Vector::GeneralProtection, 0));
        }
        if self.is_protected() && !self.is_virtual_8086() {
            self.return_protected(bus, size)?;
        } else {
            let flags = self.peek_sized(bus, size, 2)?;
            self.return_from_handler_8086(bus, size)?;
            self.merge_returned_flags(flags, size, self.privilege());
            bus.charge(&mut self.cycles, clocks::INTERRUPT_RETURN_REAL);
        }
        if std::mem::take(&mut self.is_nmi_blocked) {
            self.ask_attention();
        }
        Ok(())
    }

    #[inline]
    fn return_protected<B: Bus>(&mut self, bus: &mut B, size: Width) -> Result<(), Fault> {
        if self.has(Flags::NESTED) {
            return self.return_to_task(bus);
        }
        let flags = self.peek_sized(bus, size, 2)?;
        let to_8086 = size == Width::Dword && flags & Flags::VIRTUAL_8086.bits() != 0;
        if to_8086 && self.privilege() == 0 {
            return self.return_to_8086(bus, flags);
        }
        let privilege = self.privilege();
        let is_outer = self.return_from_handler(bus, size)?;
        self.merge_returned_flags(flags, size, privilege);
        bus.charge(
            &mut self.cycles,
            if is_outer {
                clocks::INTERRUPT_RETURN_OUTER
            } else {
                clocks::INTERRUPT_RETURN
            },
        );
        Ok(())
    }

    /// The privilege that counts is that of the code that returned.
    #[inline(always)]
    pub(crate) fn merge_returned_flags(&mut self, image: u32, size: Width, privilege: u8) {
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
        self.set_eflags((self.control_flags() - may_change) | (image & may_change));
    }

    /// EIP, CS, EFLAGS, ESP, SS, ES, DS, FS and GS lie on the stack as dwords.
    #[inline(never)]
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
        self.set_privilege(3);
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
        bus.charge(&mut self.cycles, clocks::INTERRUPT_RETURN_TO_8086);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Source;
    use crate::core::Core;
    use crate::test_board::{Board, CODE_0, CODE_3, DATA_0, DATA_3, FREE, IDT, TASK_BASE, protected, user};
    use crate::{Fault, Flags, Register, Segment, SegmentRegister, Vector, Width};

    const TRAP_GATE: u8 = 0x8F;
    const INTERRUPT_GATE: u8 = 0x8E;
    const USER_TRAP_GATE: u8 = 0xEF;
    const ESP: usize = Register::Esp as usize;

    fn gate(board: &mut Board, vector: u32, selector: u16, access: u8) {
        board.set_gate(IDT + vector * 8, selector, 0x0001_4000 + vector, access, 0);
    }

    fn stack<const N: usize>(board: &Board, top: u32) -> [u32; N] {
        std::array::from_fn(|number| board.dword(top + number as u32 * 4))
    }

    #[test]
    fn real_mode_pushes_three_words_and_clears_if_and_tf() {
        let mut board = Board::new();
        let mut core = Core::new();
        core.set_segment(Segment::Cs, SegmentRegister::real(0x0100));
        core.eip = 0x0234;
        core.general[ESP] = 0x8000;
        core.set_eflags(Flags::INTERRUPT | Flags::CARRY | Flags::DIRECTION);
        board.set_dword(0x21 * 4, 0x4567_89AB);
        let before = core.cycles;
        core.interrupt(&mut board, 0x21, Source::Software)
            .expect("a vector");
        assert_eq!((core.segment(Segment::Cs).base, core.eip), (0x4_5670, 0x89AB));
        assert_eq!(
            [board.word(0x7FFA), board.word(0x7FFC), board.word(0x7FFE)],
            [0x0234, 0x0100, 0x0603]
        );
        assert_eq!(core.eflags(), Flags::CARRY | Flags::DIRECTION | Flags::ALWAYS);
        assert_eq!(core.cycles - before, 37);
        core.interrupt_return(&mut board, Width::Word).expect("the frame");
        assert_eq!((core.segment(Segment::Cs).base, core.eip), (0x1000, 0x0234));
        assert!(core.has(Flags::INTERRUPT));
        assert_eq!(core.general[ESP], 0x8000);
        assert_eq!(core.cycles - before, 37 + 22);
    }

    #[test]
    fn real_mode_without_room_on_the_stack_shuts_down() {
        for top in [1, 3, 5] {
            let mut board = Board::new();
            let mut core = Core::new();
            core.general[ESP] = top;
            let fault = core
                .interrupt(&mut board, 0x21, Source::Software)
                .expect_err("no room");
            assert_eq!(fault.vector(), Vector::Stack);
            core.raise_at(&mut board, fault, 0);
            assert!(core.is_shut_down);
        }
    }

    #[test]
    fn a_real_mode_vector_beyond_the_table_is_exception_8() {
        let mut board = Board::new();
        let mut core = Core::new();
        core.idtr.limit = 0x3FF - 4;
        core.general[ESP] = 0x8000;
        board.set_dword(8 * 4, 0x0000_0808);
        let fault = core
            .interrupt(&mut board, 0xFF, Source::Software)
            .expect_err("beyond");
        core.raise_at(&mut board, fault, 0x55);
        assert_eq!(core.eip, 0x0808);
        assert_eq!(board.word(0x7FFA), 0x55);
    }

    #[test]
    fn an_interrupt_gate_of_the_same_level_pushes_three_dwords_and_clears_if() {
        for (access, keeps_if) in [(INTERRUPT_GATE, false), (TRAP_GATE, true)] {
            let mut board = Board::new();
            let mut core = protected(&mut board);
            gate(&mut board, 0x30, CODE_0, access);
            core.eip = 0x1234;
            core.set_eflags(Flags::INTERRUPT | Flags::NESTED | Flags::ZERO);
            core.interrupt(&mut board, 0x30, Source::External)
                .expect("a gate");
            assert_eq!(core.eip, 0x0001_4030);
            assert_eq!(core.general[ESP], 0x7FF4);
            let flags = Flags::INTERRUPT | Flags::NESTED | Flags::ZERO | Flags::ALWAYS;
            assert_eq!(stack(&board, 0x7FF4), [0x1234, u32::from(CODE_0), flags.bits()]);
            assert_eq!(core.has(Flags::INTERRUPT), keeps_if);
            assert!(core.has(Flags::ZERO) && !core.has(Flags::NESTED));
            assert_eq!(core.cycles, 59);
        }
    }

    #[test]
    fn a_gate_to_an_inner_level_takes_the_stack_of_the_task_and_iret_comes_back() {
        let mut board = Board::new();
        let mut core = user(&mut board);
        gate(&mut board, 0x80, CODE_0, USER_TRAP_GATE);
        core.eip = 0x1234;
        core.interrupt(&mut board, 0x80, Source::Software)
            .expect("a gate for users");
        assert_eq!(core.privilege(), 0);
        assert_eq!(core.segment(Segment::Cs).selector, CODE_0);
        assert_eq!(core.segment(Segment::Ss).selector, DATA_0);
        assert_eq!(core.general[ESP], 0x7000 - 20);
        let expected = [0x1234, u32::from(CODE_3), 2, 0x9000, u32::from(DATA_3)];
        assert_eq!(stack(&board, 0x7000 - 20), expected);
        assert_eq!(core.cycles, 99);
        core.interrupt_return(&mut board, Width::Dword)
            .expect("the frame");
        assert_eq!(
            (core.privilege(), core.eip, core.general[ESP]),
            (3, 0x1234, 0x9000)
        );
        assert_eq!(core.segment(Segment::Ss).selector, DATA_3);
        assert_eq!(core.cycles, 99 + 82);
    }

    #[test]
    fn a_program_may_not_use_a_gate_of_an_inner_level_but_a_fault_may() {
        let mut board = Board::new();
        let mut core = user(&mut board);
        gate(&mut board, 13, CODE_0, TRAP_GATE);
        let refused = Fault::with_code(Vector::GeneralProtection, 13 * 8 + 2);
        assert_eq!(core.interrupt(&mut board, 13, Source::Software), Err(refused));
        assert_eq!(core.interrupt(&mut board, 13, Source::Trap), Err(refused));
        core.raise_at(&mut board, refused, 0x1111);
        assert_eq!(core.privilege(), 0);
        assert_eq!(
            stack(&board, core.general[ESP]),
            [u32::from(refused.error_code().unwrap_or(0)), 0x1111]
        );
    }

    #[test]
    fn a_fault_sets_rf_in_its_frame_and_a_trap_does_not() {
        for vector in [Vector::InvalidOpcode, Vector::DivideError, Vector::Debug] {
            for is_trap in [false, true] {
                let mut board = Board::new();
                let mut core = protected(&mut board);
                gate(&mut board, vector as u32, CODE_0, TRAP_GATE);
                if is_trap {
                    let outcome = core.interrupt(&mut board, vector as u8, Source::Exception);
                    outcome.expect("a gate");
                } else {
                    core.raise_at(&mut board, Fault::plain(vector), 0x1111);
                }
                let [_, _, flags] = stack(&board, core.general[ESP]);
                assert_eq!(flags & Flags::RESUME.bits() == 0, is_trap);
                assert!(!core.has(Flags::RESUME));
            }
        }
    }

    #[test]
    fn delivery_blames_the_gate_or_the_segment_with_ext_for_outside_events() {
        type Change = fn(&mut Board);
        let gate_code = 0x30 * 8 + 2;
        let cases: [(Change, Vector, u16); 8] = [
            (
                |board| gate(board, 0x30, CODE_0, 0x80),
                Vector::GeneralProtection,
                gate_code,
            ),
            (
                |board| gate(board, 0x30, CODE_0, 0x0E),
                Vector::NotPresent,
                gate_code,
            ),
            (|board| gate(board, 0x30, 0, 0x8E), Vector::GeneralProtection, 0),
            (
                |board| gate(board, 0x30, DATA_0, 0x8E),
                Vector::GeneralProtection,
                DATA_0,
            ),
            (
                |board| gate(board, 0x30, CODE_3, 0x8E),
                Vector::GeneralProtection,
                CODE_3 & !3,
            ),
            (
                |board| gate(board, 0x30, 0x1000, 0x8E),
                Vector::GeneralProtection,
                0x1000,
            ),
            (
                |board| {
                    board.set_segment(FREE, 0, 0xF_FFFF, 0xC01B);
                    gate(board, 0x30, FREE, 0x8E);
                },
                Vector::NotPresent,
                FREE,
            ),
            (
                |board| {
                    board.set_segment(FREE, 0, 0xFF, 0x409B);
                    gate(board, 0x30, FREE, 0x8E);
                },
                Vector::GeneralProtection,
                0,
            ),
        ];
        for (number, (change, vector, code)) in cases.into_iter().enumerate() {
            for (source, external) in [(Source::Software, 0), (Source::External, 1)] {
                let mut board = Board::new();
                let mut core = protected(&mut board);
                change(&mut board);
                let outcome = core.interrupt(&mut board, 0x30, source);
                assert_eq!(
                    outcome,
                    Err(Fault::with_code(vector, code | external)),
                    "case {number}"
                );
                assert_eq!(core.general[ESP], 0x8000);
            }
        }
    }

    #[test]
    fn a_bad_stack_in_the_task_is_an_invalid_tss_that_names_it() {
        // (SS0, descriptor of FREE) -> vector and code.
        let cases = [
            (0, 0x93, Vector::InvalidTss, 0),
            (0x1000, 0x93, Vector::InvalidTss, 0x1000),
            (FREE | 3, 0x93, Vector::InvalidTss, FREE),
            (FREE, 0xF3, Vector::InvalidTss, FREE),
            (FREE, 0x91, Vector::InvalidTss, FREE),
            (FREE, 0x13, Vector::Stack, FREE),
            (FREE, 0x93, Vector::Stack, FREE),
        ];
        for (selector, access, vector, code) in cases {
            let mut board = Board::new();
            let mut core = user(&mut board);
            gate(&mut board, 0x80, CODE_0, USER_TRAP_GATE);
            board.set_dword(TASK_BASE + 8, u32::from(selector));
            board.set_segment(FREE, 0, 0x0FFF, access);
            let outcome = core.interrupt(&mut board, 0x80, Source::Software);
            assert_eq!(
                outcome,
                Err(Fault::with_code(vector, code)),
                "{selector:#x} {access:#x}"
            );
            assert_eq!((core.privilege(), core.general[ESP]), (3, 0x9000));
        }
    }

    #[test]
    fn a_fault_while_delivering_a_fault_is_a_double_fault_and_a_third_shuts_down() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        gate(&mut board, 8, CODE_0, TRAP_GATE);
        let fault = Fault::with_code(Vector::GeneralProtection, 0x18);
        core.raise_at(&mut board, fault, 0x1111);
        assert!(!core.is_shut_down);
        assert_eq!(core.eip, 0x0001_4008);
        assert_eq!(
            stack(&board, core.general[ESP]),
            [0, 0x1111, u32::from(CODE_0), 2]
        );
        gate(&mut board, 8, CODE_0, 0);
        core.raise_at(&mut board, fault, 0x1111);
        assert!(core.is_shut_down);
    }

    #[test]
    fn a_fault_while_delivering_a_benign_exception_is_delivered_itself() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        gate(&mut board, 13, CODE_0, TRAP_GATE);
        core.raise_at(&mut board, Fault::plain(Vector::InvalidOpcode), 0x1111);
        assert_eq!(core.eip, 0x0001_400D);
        assert_eq!(stack(&board, core.general[ESP]), [6 * 8 + 2 + 1, 0x1111]);
    }

    fn virtual_8086(board: &mut Board, io_privilege: u32) -> Core {
        let mut core = user(board);
        core.set_eflags(Flags::VIRTUAL_8086 | Flags::from_bits_truncate(io_privilege << 12));
        for (segment, selector) in [
            (Segment::Cs, 0x0100),
            (Segment::Ss, 0x0200),
            (Segment::Ds, 0x0300),
            (Segment::Es, 0x0400),
            (Segment::Fs, 0x0500),
            (Segment::Gs, 0x0600),
        ] {
            core.load_segment_8086(segment, selector);
        }
        core
    }

    #[test]
    fn an_interrupt_in_virtual_8086_mode_saves_nine_dwords_and_iretd_restores_them() {
        let mut board = Board::new();
        let mut core = virtual_8086(&mut board, 3);
        gate(&mut board, 0x80, CODE_0, USER_TRAP_GATE);
        core.eip = 0x1234;
        let before = core.state();
        core.interrupt(&mut board, 0x80, Source::Software)
            .expect("IOPL 3");
        assert!(!core.is_virtual_8086());
        assert_eq!(core.general[ESP], 0x7000 - 36);
        let expected = [
            0x1234,
            0x0100,
            before.eflags,
            0x9000,
            0x0200,
            0x0400,
            0x0300,
            0x0500,
            0x0600,
        ];
        assert_eq!(stack(&board, 0x7000 - 36), expected);
        assert_eq!(core.segment(Segment::Ds), &SegmentRegister::default());
        assert_eq!(core.cycles, 119);
        core.interrupt_return(&mut board, Width::Dword)
            .expect("the frame");
        let after = core.state();
        assert_eq!(after.segments, before.segments);
        assert_eq!(
            (after.eflags, after.eip, after.general),
            (before.eflags, before.eip, before.general)
        );
        assert_eq!((core.privilege(), core.cycles), (3, 119 + 60));
    }

    #[test]
    fn in_virtual_8086_mode_int_n_and_iret_need_iopl_3_but_int_3_does_not() {
        let mut board = Board::new();
        let mut core = virtual_8086(&mut board, 2);
        gate(&mut board, 3, CODE_0, USER_TRAP_GATE);
        let refused = Err(Fault::with_code(Vector::GeneralProtection, 0));
        assert_eq!(core.interrupt(&mut board, 3, Source::Software), refused);
        assert_eq!(core.interrupt_return(&mut board, Width::Word), refused);
        assert_eq!(core.interrupt(&mut board, 3, Source::Trap), Ok(()));
    }

    #[test]
    fn from_virtual_8086_mode_only_level_0_may_be_entered() {
        let mut board = Board::new();
        let mut core = virtual_8086(&mut board, 3);
        board.set_segment(FREE, 0, 0xF_FFFF, 0xC0BB);
        for selector in [FREE, CODE_3 & !3] {
            gate(&mut board, 0x80, selector, USER_TRAP_GATE);
            let outcome = core.interrupt(&mut board, 0x80, Source::Software);
            assert_eq!(
                outcome,
                Err(Fault::with_code(Vector::GeneralProtection, selector))
            );
        }
    }

    #[test]
    fn iret_at_level_3_changes_neither_iopl_nor_if() {
        let mut board = Board::new();
        let mut core = user(&mut board);
        let all = Flags::INTERRUPT | Flags::IO_PRIVILEGE | Flags::CARRY | Flags::VIRTUAL_8086;
        board.set_dword(0x9000, 0x4444);
        board.set_dword(0x9004, u32::from(CODE_3));
        board.set_dword(0x9008, all.bits());
        core.interrupt_return(&mut board, Width::Dword)
            .expect("the frame");
        assert_eq!(core.eflags(), Flags::CARRY | Flags::ALWAYS);
        assert_eq!(core.eip, 0x4444);
        assert_eq!(core.cycles, 38);
    }

    #[test]
    fn an_iret_ends_the_block_of_nmi() {
        let mut board = Board::new();
        let mut core = Core::new();
        core.is_nmi_blocked = true;
        core.interrupt_return(&mut board, Width::Word).expect("zeros");
        assert!(!core.is_nmi_blocked);
    }
}
