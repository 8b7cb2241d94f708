//! Descriptors and segment registers (PRM chapters 5.1 and 6.3): what the access bits say, and loading a segment register
//! in all three modes.

use crate::core::Core;
use crate::descriptor::{Descriptor, Kind, Selector};
use crate::{Bus, Fault, Segment, SegmentRegister, Vector};

/// Access byte: the segment has been accessed.
pub(crate) const ACCESSED: u16 = 1 << 0;
/// Access byte of a data segment: writes are allowed. Of a code segment: reads are.
const WRITABLE_OR_READABLE: u16 = 1 << 1;
/// Access byte of a data segment: it expands down. Of a code segment: it is conforming.
const EXPAND_DOWN_OR_CONFORMING: u16 = 1 << 2;
/// Access byte: code, not data.
const CODE: u16 = 1 << 3;
/// Access byte: code or data, not a system segment or gate.
const NOT_SYSTEM: u16 = 1 << 4;
/// Access byte: present.
pub(crate) const PRESENT: u16 = 1 << 7;
/// D of code, B of data segments.
const BIG: u16 = 1 << 14;
/// G: the limit counts pages.
const PAGE_GRANULAR: u16 = 1 << 15;
/// A present, accessed, writable data segment of privilege level 0.
const REAL_MODE_ACCESS: u16 = 0x93;
/// The same of privilege level 3.
const VIRTUAL_8086_ACCESS: u16 = 0xF3;

impl Segment {
    /// All six, in the order of their numbers.
    pub(crate) const ALL: [Self; 6] = [Self::Es, Self::Cs, Self::Ss, Self::Ds, Self::Fs, Self::Gs];
}

impl SegmentRegister {
    /// After reset, or as a loader for real mode wants it.
    pub(crate) const fn real(selector: u16) -> Self {
        Self {
            selector,
            base: (selector as u32) << 4,
            limit: 0xFFFF,
            access: REAL_MODE_ACCESS,
        }
    }

    /// As virtual 8086 mode loads it.
    pub(crate) const fn virtual_8086(selector: u16) -> Self {
        Self {
            access: VIRTUAL_8086_ACCESS,
            ..Self::real(selector)
        }
    }

    #[inline]
    const fn has(&self, bits: u16) -> bool {
        self.access & bits == bits
    }

    /// Code or data, and present: programs can access memory through it.
    #[inline]
    const fn is_usable(&self) -> bool {
        self.has(PRESENT | NOT_SYSTEM)
    }

    /// Code that less privileged code may call without changing its own level.
    #[inline]
    pub(crate) const fn is_conforming(&self) -> bool {
        self.has(NOT_SYSTEM | CODE | EXPAND_DOWN_OR_CONFORMING)
    }

    /// Data whose offsets lie above the limit.
    #[inline]
    pub(crate) const fn is_expand_down(&self) -> bool {
        self.has(NOT_SYSTEM | EXPAND_DOWN_OR_CONFORMING) && !self.has(CODE)
    }

    /// Programs may read.
    #[inline]
    pub(crate) const fn is_readable(&self) -> bool {
        self.is_usable() && (!self.has(CODE) || self.has(WRITABLE_OR_READABLE))
    }

    /// Programs may write.
    #[inline]
    pub(crate) const fn is_writable(&self) -> bool {
        self.is_usable() && !self.has(CODE) && self.has(WRITABLE_OR_READABLE)
    }

    /// D or B: 32-bit code, 32-bit stack pointer, or an upper bound of 4 GB.
    #[inline]
    pub(crate) const fn is_big(&self) -> bool {
        self.has(BIG)
    }

    /// Of a stack segment: the bits of ESP that count.
    #[inline]
    pub(crate) const fn stack_mask(&self) -> u32 {
        if self.is_big() { u32::MAX } else { 0xFFFF }
    }

    /// DPL, 0 to 3.
    #[inline]
    pub(crate) const fn privilege(&self) -> u8 {
        ((self.access >> 5) & 3) as u8
    }

    /// Whether all of `bytes` bytes (at least one) from an offset lie within the limit.
    #[inline]
    pub(crate) fn holds(&self, offset: u32, bytes: u32) -> bool {
        let Some(last) = offset.checked_add(bytes - 1) else {
            return false;
        };
        if !self.is_expand_down() {
            return last <= self.limit;
        }
        let upper = if self.is_big() { u32::MAX } else { 0xFFFF };
        offset > self.limit && last <= upper
    }
}

impl Core {
    /// Loads a segment register other than CS, with all checks of the mode.
    pub(crate) fn load_segment<B: Bus>(
        &mut self,
        bus: &mut B,
        segment: Segment,
        selector: u16,
    ) -> Result<(), Fault> {
        if !self.is_protected() || self.is_virtual_8086() {
            self.load_segment_8086(segment, selector);
            return Ok(());
        }
        let selector = Selector(selector);
        let register = if segment == Segment::Ss {
            let (selector, descriptor) =
                self.stack_descriptor(bus, selector, self.privilege(), Vector::GeneralProtection)?;
            descriptor.to_register(selector)
        } else {
            self.data_register(bus, selector, Vector::GeneralProtection)?
        };
        self.set_segment(segment, register);
        Ok(())
    }

    /// Real and virtual 8086 mode: the base is 16 times the selector. In real mode limit and size stay as they are,
    /// which makes 4 GB segments in real mode possible.
    pub(crate) fn load_segment_8086(&mut self, segment: Segment, selector: u16) {
        let register = if self.is_virtual_8086() {
            SegmentRegister::virtual_8086(selector)
        } else {
            let old = self.segment(segment);
            SegmentRegister {
                limit: old.limit,
                access: (old.access & (BIG | PAGE_GRANULAR)) | REAL_MODE_ACCESS,
                ..SegmentRegister::real(selector)
            }
        };
        self.set_segment(segment, register);
    }

    /// The contents of DS, ES, FS or GS for a selector; `blame` is #GP, or #TS in a task switch.
    pub(crate) fn data_register<B: Bus>(
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
        let descriptor = self.descriptor(bus, selector, blame)?;
        let is_fit = match descriptor.kind() {
            Kind::Data => true,
            Kind::Code => descriptor.is_readable_or_writable(),
            _ => false,
        };
        let needed = selector.requested_privilege().max(self.privilege());
        if !is_fit || !is_open_to(descriptor, needed) {
            return Err(selector.fault(blame));
        }
        if !descriptor.is_present() {
            return Err(selector.fault(Vector::NotPresent));
        }
        Ok(self
            .mark_accessed(bus, selector, descriptor)?
            .to_register(selector))
    }

    /// A stack segment for a privilege level, with its accessed bit set; `blame` is #GP, or #TS in a task switch or for an
    /// inner stack.
    #[inline(always)]
    pub(crate) fn stack_descriptor<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
        privilege: u8,
        blame: Vector,
    ) -> Result<(Selector, Descriptor), Fault> {
        if selector.is_null() {
            return Err(Fault::with_code(blame, 0));
        }
        let descriptor = self.descriptor(bus, selector, blame)?;
        let is_fit = matches!(descriptor.kind(), Kind::Data) && descriptor.is_readable_or_writable();
        if selector.requested_privilege() != privilege || !is_fit || descriptor.privilege() != privilege {
            return Err(selector.fault(blame));
        }
        if !descriptor.is_present() {
            return Err(selector.fault(Vector::Stack));
        }
        Ok((selector, self.mark_accessed(bus, selector, descriptor)?))
    }

    /// After a return to an outer level: data segments that the new level may not use become null (PRM section 6.3.4.2).
    #[inline(always)]
    pub(crate) fn drop_inner_segments(&mut self) {
        for segment in [Segment::Es, Segment::Ds, Segment::Fs, Segment::Gs] {
            let register = self.segment(segment);
            if register.privilege() < self.privilege()
                && !register.is_conforming()
                && *register != SegmentRegister::default()
            {
                self.set_segment(segment, SegmentRegister::default());
            }
        }
    }
}

/// Whether data of this segment may be used by code of a privilege level: conforming code segments are open to all.
fn is_open_to(descriptor: Descriptor, privilege: u8) -> bool {
    let is_conforming = descriptor.kind() == Kind::Code && descriptor.is_conforming();
    is_conforming || privilege <= descriptor.privilege()
}

#[cfg(test)]
mod tests {
    use crate::core::Core;
    use crate::test_board::{Board, CODE_3, DATA_0, DATA_3, FREE, GDT, TASK, protected, user};
    use crate::{Fault, Flags, Segment, SegmentRegister, Vector};

    /// Loads `segment` with [`FREE`] and RPL `rpl` while it describes `access`, at a privilege level.
    fn load(segment: Segment, access: u16, rpl: u16, privilege: u8) -> (Result<(), Fault>, Board, Core) {
        let mut board = Board::new();
        let mut core = if privilege == 3 {
            user(&mut board)
        } else {
            protected(&mut board)
        };
        board.set_segment(FREE, 0x1_2345, 0xF_FFFF, access);
        let outcome = core.load_segment(&mut board, segment, FREE | rpl);
        (outcome, board, core)
    }

    #[test]
    fn what_each_data_segment_register_accepts() {
        let refused = Some(Vector::GeneralProtection);
        // (access byte, RPL, CPL) -> fault with the selector as error code.
        let cases = [
            (0x92, 0, 0, None),
            (0x90, 0, 0, None),
            (0x9A, 0, 0, None),
            (0x98, 0, 0, refused),
            (0x92, 3, 0, refused),
            (0x92, 0, 3, refused),
            (0xB2, 0, 3, refused),
            (0xF2, 0, 3, None),
            (0xF2, 3, 3, None),
            (0xFA, 3, 3, None),
            (0x9A, 3, 3, refused),
            (0x9E, 3, 3, None),
            (0x9C, 0, 0, refused),
            (0x12, 0, 0, Some(Vector::NotPresent)),
            (0x82, 0, 0, refused),
            (0x89, 0, 0, refused),
            (0x8C, 0, 0, refused),
        ];
        for segment in [Segment::Es, Segment::Ds, Segment::Fs, Segment::Gs] {
            for (access, rpl, privilege, vector) in cases {
                let (outcome, _, core) = load(segment, access, rpl, privilege);
                let expected = vector.map_or(Ok(()), |vector| Err(Fault::with_code(vector, FREE)));
                assert_eq!(
                    outcome, expected,
                    "{segment:?} {access:#x} rpl {rpl} cpl {privilege}"
                );
                let selector = core.segment(segment).selector;
                assert_eq!(selector == FREE | rpl, vector.is_none());
            }
        }
    }

    #[test]
    fn what_the_stack_segment_register_accepts() {
        let refused = Some(Vector::GeneralProtection);
        let cases = [
            (0x92, 0, 0, None),
            (0x96, 0, 0, None),
            (0x90, 0, 0, refused),
            (0x9A, 0, 0, refused),
            (0x92, 3, 0, refused),
            (0xF2, 0, 0, refused),
            (0xF2, 3, 3, None),
            (0xF2, 0, 3, refused),
            (0x12, 0, 0, Some(Vector::Stack)),
            (0x82, 0, 0, refused),
        ];
        for (access, rpl, privilege, vector) in cases {
            let (outcome, _, _) = load(Segment::Ss, access, rpl, privilege);
            let expected = vector.map_or(Ok(()), |vector| Err(Fault::with_code(vector, FREE)));
            assert_eq!(outcome, expected, "{access:#x} rpl {rpl} cpl {privilege}");
        }
    }

    #[test]
    fn loading_sets_the_accessed_bit_in_the_table_and_in_the_register() {
        let (outcome, board, core) = load(Segment::Ds, 0x4092, 0, 0);
        assert_eq!(outcome, Ok(()));
        assert_eq!(board.word(GDT + u32::from(FREE) + 5) & 0xFF, 0x93);
        let expected = SegmentRegister {
            selector: FREE,
            base: 0x1_2345,
            limit: 0xF_FFFF,
            access: 0x4093,
        };
        assert_eq!(*core.segment(Segment::Ds), expected);
    }

    #[test]
    fn a_page_granular_limit_ends_with_fff() {
        let (_, _, core) = load(Segment::Ds, 0x8092, 0, 0);
        assert_eq!(core.segment(Segment::Ds).limit, u32::MAX);
    }

    #[test]
    fn a_null_selector_loads_into_data_registers_and_faults_at_use_but_not_into_the_stack_register() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        for null in 0..=3 {
            assert_eq!(core.load_segment(&mut board, Segment::Ds, null), Ok(()));
            let fault = Fault::with_code(Vector::GeneralProtection, 0);
            assert_eq!(core.read::<u8, _>(&mut board, Segment::Ds, 0), Err(fault));
            assert_eq!(core.load_segment(&mut board, Segment::Ss, null), Err(fault));
        }
    }

    #[test]
    fn a_selector_beyond_its_table_is_a_protection_fault_that_names_it() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.gdtr.limit = DATA_0 + 6;
        for (selector, code) in [(DATA_0, DATA_0), (0x1003, 0x1000), (0x0C, 0x0C)] {
            let fault = Fault::with_code(Vector::GeneralProtection, code);
            assert_eq!(core.load_segment(&mut board, Segment::Es, selector), Err(fault));
        }
    }

    #[test]
    fn a_selector_with_ti_takes_its_descriptor_from_the_local_table() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.set_segment(FREE, 0x6000, 0x0F, 0x82);
        core.load_local_table(&mut board, FREE).expect("a local table");
        board.set_dword(0x6008, 0x1234_FFFF);
        board.set_dword(0x600C, 0x0000_9300);
        assert_eq!(core.load_segment(&mut board, Segment::Fs, 0x0C), Ok(()));
        assert_eq!(core.segment(Segment::Fs).base, 0x1234);
    }

    #[test]
    fn task_and_table_selectors_are_no_data() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        let outcome = core.load_segment(&mut board, Segment::Ds, TASK);
        assert_eq!(outcome, Err(Fault::with_code(Vector::GeneralProtection, TASK)));
    }

    #[test]
    fn real_mode_loads_the_base_and_keeps_a_large_limit() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.move_to_control(0, 0).expect("level 0");
        core.load_segment(&mut board, Segment::Ds, 0x1234)
            .expect("real mode");
        assert_eq!(core.segment(Segment::Ds).base, 0x1_2340);
        assert_eq!(core.segment(Segment::Ds).limit, u32::MAX);
    }

    #[test]
    fn virtual_8086_mode_loads_base_and_64_kilobytes() {
        let mut board = Board::new();
        let mut core = user(&mut board);
        core.set_eflags(Flags::VIRTUAL_8086);
        core.load_segment(&mut board, Segment::Ds, 0x1234)
            .expect("virtual 8086 mode");
        assert_eq!(*core.segment(Segment::Ds), SegmentRegister::virtual_8086(0x1234));
    }

    #[test]
    fn leaving_for_an_outer_level_empties_registers_of_inner_data_only() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.set_segment(FREE, 0, 0xFFFF, 0x9F);
        core.load_segment(&mut board, Segment::Es, DATA_3)
            .expect("data of level 3");
        core.load_segment(&mut board, Segment::Fs, FREE)
            .expect("conforming code");
        core.load_segment(&mut board, Segment::Gs, CODE_3)
            .expect("readable code of level 3");
        core.set_privilege(3);
        core.drop_inner_segments();
        let selectors =
            [Segment::Es, Segment::Ds, Segment::Fs, Segment::Gs].map(|at| core.segment(at).selector);
        assert_eq!(selectors, [DATA_3, 0, FREE, CODE_3]);
    }
}
