//! Instructions for systems (PRM chapters 10 to 12 and their pages in chapter 17): table registers, control, debug and
//! test registers, questions about selectors, EFLAGS with its privileges, HLT.
//!
//! Operands and static clocks are the callers'; here is the meaning and who may do it.

use crate::core::Core;
use crate::debug::{CONTROL_GENERAL_DETECT, STATUS_ACCESS_DETECTED, STATUS_BITS, STATUS_ONES};
use crate::descriptor::{Descriptor, Kind, Selector};
use crate::paging::Translation;
use crate::{Bus, Control, Fault, Flags, TableRegister, Vector, Width};

/// The bits of CR0 that LMSW can change.
const MACHINE_STATUS: Control = Control::PROTECTION
    .union(Control::MONITOR_COPROCESSOR)
    .union(Control::EMULATE_COPROCESSOR)
    .union(Control::TASK_SWITCHED);
/// What LAR shows of a descriptor's high dword.
const ACCESS_RIGHTS: u32 = 0x00FF_FF00;

/// TR6, the test command register (PRM section 10.6.2).
const TEST_IS_LOOKUP: u32 = 1 << 0;
const TEST_WRITABLE: u32 = 1 << 6;
const TEST_USER: u32 = 1 << 8;
const TEST_DIRTY: u32 = 1 << 10;
const TEST_VALID: u32 = 1 << 11;
/// TR7, the test data register: hit, and the way to use or found.
const TEST_HIT: u32 = 1 << 4;
const TEST_WAY_SHIFT: u32 = 2;
const TEST_PAGE: u32 = 0xFFFF_F000;

fn general_protection() -> Fault {
    Fault::with_code(Vector::GeneralProtection, 0)
}

impl Core {
    /// #GP(0) unless at privilege level 0.
    pub(crate) fn require_privilege_0(&self) -> Result<(), Fault> {
        if self.privilege() == 0 {
            Ok(())
        } else {
            Err(general_protection())
        }
    }

    /// #UD in real and virtual 8086 mode, for the instructions that these do not have.
    pub(crate) fn require_protected(&self) -> Result<(), Fault> {
        if self.is_protected() && !self.is_virtual_8086() {
            Ok(())
        } else {
            Err(Fault::plain(Vector::InvalidOpcode))
        }
    }

    /// LGDT. With a 16-bit operand the caller has masked the base to 24 bits.
    pub(crate) fn load_gdt(&mut self, table: TableRegister) -> Result<(), Fault> {
        self.require_privilege_0()?;
        self.gdtr = table;
        Ok(())
    }

    /// LIDT.
    pub(crate) fn load_idt(&mut self, table: TableRegister) -> Result<(), Fault> {
        self.require_privilege_0()?;
        self.idtr = table;
        Ok(())
    }

    /// LLDT.
    pub(crate) fn load_local_table<B: Bus>(&mut self, bus: &mut B, selector: u16) -> Result<(), Fault> {
        self.require_protected()?;
        self.require_privilege_0()?;
        self.ldtr = self.local_table_register(bus, Selector(selector), Vector::GeneralProtection)?;
        Ok(())
    }

    /// SLDT.
    pub(crate) fn store_local_table(&self) -> Result<u16, Fault> {
        self.require_protected()?;
        Ok(self.ldtr.selector)
    }

    /// STR.
    pub(crate) fn store_task_register(&self) -> Result<u16, Fault> {
        self.require_protected()?;
        Ok(self.tr.selector)
    }

    /// LAR: the access rights, where the selector is valid and visible (ZF). Also those of interrupt and trap gates, as the
    /// 386's manual lists them; manuals of later processors do not.
    pub(crate) fn load_access_rights<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: u16,
    ) -> Result<Option<u32>, Fault> {
        let visible = self.visible_descriptor(bus, Selector(selector))?;
        Ok(visible.map(|descriptor| descriptor.high & ACCESS_RIGHTS))
    }

    /// LSL: the limit in bytes, where the selector is valid and visible and its descriptor has a limit (ZF). The second is
    /// whether the limit counts pages, on which the clocks depend.
    pub(crate) fn load_segment_limit<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: u16,
    ) -> Result<Option<(u32, bool)>, Fault> {
        let visible = self.visible_descriptor(bus, Selector(selector))?;
        Ok(visible
            .filter(|descriptor| {
                matches!(
                    descriptor.kind(),
                    Kind::Code | Kind::Data | Kind::LocalTable | Kind::TaskState { .. }
                )
            })
            .map(|descriptor| (descriptor.limit(), descriptor.is_page_granular())))
    }

    /// VERR: whether the segment can be read from here.
    pub(crate) fn verify_read<B: Bus>(&mut self, bus: &mut B, selector: u16) -> Result<bool, Fault> {
        let visible = self.visible_descriptor(bus, Selector(selector))?;
        Ok(visible.is_some_and(|descriptor| match descriptor.kind() {
            Kind::Data => true,
            Kind::Code => descriptor.is_readable_or_writable(),
            _ => false,
        }))
    }

    /// VERW: whether the segment can be written from here.
    pub(crate) fn verify_write<B: Bus>(&mut self, bus: &mut B, selector: u16) -> Result<bool, Fault> {
        let visible = self.visible_descriptor(bus, Selector(selector))?;
        Ok(visible.is_some_and(|descriptor| {
            descriptor.kind() == Kind::Data && descriptor.is_readable_or_writable()
        }))
    }

    /// The descriptor of a selector that is not null, lies in its table and is open to the current and requested privilege.
    fn visible_descriptor<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
    ) -> Result<Option<Descriptor>, Fault> {
        self.require_protected()?;
        if selector.is_null() {
            return Ok(None);
        }
        let Some(descriptor) = self.find_descriptor(bus, selector)? else {
            return Ok(None);
        };
        let needed = self.privilege().max(selector.requested_privilege());
        let is_conforming = descriptor.kind() == Kind::Code && descriptor.is_conforming();
        let is_visible = is_conforming || needed <= descriptor.privilege();
        Ok((is_visible && descriptor.kind() != Kind::Reserved).then_some(descriptor))
    }

    /// ARPL: the selector with its RPL raised to that of `source`, if it is less (ZF).
    pub(crate) fn adjust_privilege(&self, selector: u16, source: u16) -> Result<Option<u16>, Fault> {
        self.require_protected()?;
        let raised = Selector(source).requested_privilege();
        let selector = Selector(selector);
        Ok((selector.requested_privilege() < raised).then(|| selector.with_privilege(raised).0))
    }

    /// LMSW: cannot clear PE.
    pub(crate) fn load_machine_status(&mut self, value: u16) -> Result<(), Fault> {
        self.require_privilege_0()?;
        let new = Control::from_bits_truncate(u32::from(value)) & MACHINE_STATUS;
        let kept = self.cr0 - (MACHINE_STATUS - Control::PROTECTION);
        self.set_control_0(kept | new);
        Ok(())
    }

    /// SMSW, and the 32-bit register form, which shows all of CR0.
    pub(crate) fn store_machine_status(&self) -> u32 {
        self.cr0.bits()
    }

    /// CLTS.
    pub(crate) fn clear_task_switched(&mut self) -> Result<(), Fault> {
        self.require_privilege_0()?;
        self.set_control_0(self.cr0 - Control::TASK_SWITCHED);
        Ok(())
    }

    /// The one place where CR0 changes.
    fn set_control_0(&mut self, new: Control) {
        let changed = self.cr0 ^ new;
        self.cr0 = new;
        if changed.intersects(Control::PAGING | Control::PROTECTION) {
            self.shortcuts.clear();
            self.ask_attention();
        }
    }

    /// MOV to CR0, CR2 or CR3.
    pub(crate) fn move_to_control(&mut self, number: u8, value: u32) -> Result<(), Fault> {
        self.require_control(number)?;
        match number {
            0 => {
                let new = Control::from_bits_truncate(value);
                if new.contains(Control::PAGING) && !new.contains(Control::PROTECTION) {
                    return Err(general_protection());
                }
                self.set_control_0(new);
            }
            2 => self.cr2 = value,
            _ => {
                self.cr3 = value;
                self.forget_translations();
                self.ask_attention();
            }
        }
        Ok(())
    }

    /// MOV from CR0, CR2 or CR3.
    pub(crate) fn move_from_control(&self, number: u8) -> Result<u32, Fault> {
        self.require_control(number)?;
        Ok(match number {
            0 => self.cr0.bits(),
            2 => self.cr2,
            _ => self.cr3,
        })
    }

    fn require_control(&self, number: u8) -> Result<(), Fault> {
        if !matches!(number, 0 | 2 | 3) {
            return Err(Fault::plain(Vector::InvalidOpcode));
        }
        self.require_privilege_0()
    }

    /// MOV to a debug register. DR4 and DR5 are other names of DR6 and DR7.
    pub(crate) fn move_to_debug(&mut self, number: u8, value: u32) -> Result<(), Fault> {
        let number = self.require_debug(number)?;
        self.debug[number] = match number {
            6 => (value & STATUS_BITS) | STATUS_ONES,
            _ => value,
        };
        self.shortcuts.clear();
        self.ask_attention();
        Ok(())
    }

    /// MOV from a debug register.
    pub(crate) fn move_from_debug(&mut self, number: u8) -> Result<u32, Fault> {
        let number = self.require_debug(number)?;
        Ok(self.debug[number])
    }

    fn require_debug(&mut self, number: u8) -> Result<usize, Fault> {
        self.require_privilege_0()?;
        if self.debug[7] & CONTROL_GENERAL_DETECT != 0 {
            self.debug[7] &= !CONTROL_GENERAL_DETECT;
            self.debug[6] |= STATUS_ACCESS_DETECTED;
            return Err(Fault::plain(Vector::Debug));
        }
        Ok(match number & 7 {
            4 => 6,
            5 => 7,
            other => usize::from(other),
        })
    }

    /// MOV to TR6 or TR7. Writing TR6 writes an entry of the translation lookaside buffer from both, or looks one up.
    pub(crate) fn move_to_test(&mut self, number: u8, value: u32) -> Result<(), Fault> {
        self.test[self.require_test(number)?] = value;
        if number == 6 {
            if value & TEST_IS_LOOKUP != 0 {
                self.look_up_translation(value);
            } else {
                self.write_translation(value);
            }
        }
        Ok(())
    }

    /// MOV from TR6 or TR7.
    pub(crate) fn move_from_test(&self, number: u8) -> Result<u32, Fault> {
        Ok(self.test[self.require_test(number)?])
    }

    fn require_test(&self, number: u8) -> Result<usize, Fault> {
        if !matches!(number, 6 | 7) {
            return Err(Fault::plain(Vector::InvalidOpcode));
        }
        self.require_privilege_0()?;
        Ok(usize::from(number - 6))
    }

    fn write_translation(&mut self, command: u32) {
        let data = self.test[1];
        let way = (data >> TEST_WAY_SHIFT) & 3;
        let translation = Translation {
            page: command >> 12,
            frame: data >> 12,
            is_valid: command & TEST_VALID != 0,
            is_user: command & TEST_USER != 0,
            is_writable: command & TEST_WRITABLE != 0,
            is_dirty: command & TEST_DIRTY != 0,
        };
        self.tlb.set_way(way as usize, translation);
        self.shortcuts.clear();
        self.ask_attention();
    }

    /// The hit bit tells whether an entry has the page and the attributes that TR6 asks for: each attribute's bit and its
    /// complement bit, of which both set match either value.
    fn look_up_translation(&mut self, command: u32) {
        let page = command >> 12;
        let matches = |bit: u32, is_set: bool| {
            let complement = bit >> 1;
            command & (if is_set { bit } else { complement }) != 0
        };
        let hit = self.tlb.find(page).filter(|entry| {
            matches(TEST_DIRTY, entry.is_dirty)
                && matches(TEST_USER, entry.is_user)
                && matches(TEST_WRITABLE, entry.is_writable)
        });
        self.test[1] = match (hit, self.tlb.way_of(page)) {
            (Some(entry), Some(way)) => {
                (entry.frame << 12) & TEST_PAGE | TEST_HIT | (way as u32) << TEST_WAY_SHIFT
            }
            _ => self.test[1] & !TEST_HIT,
        };
    }

    /// POPF and POPFD: IOPL changes only at level 0, IF only where IOPL allows it, VM and RF never.
    pub(crate) fn set_eflags_from_pop(&mut self, image: u32, size: Width) -> Result<(), Fault> {
        self.require_flags_privilege()?;
        let mut may_change = Flags::ARITHMETIC | Flags::TRAP | Flags::DIRECTION | Flags::NESTED;
        if self.privilege() == 0 {
            may_change |= Flags::IO_PRIVILEGE;
        }
        if self.privilege() <= self.io_privilege() {
            may_change |= Flags::INTERRUPT;
        }
        let image = match size {
            Width::Dword => image,
            _ => image & 0xFFFF,
        };
        let image = Flags::from_bits_truncate(image);
        self.set_eflags((self.control_flags() - may_change) | (image & may_change));
        Ok(())
    }

    /// What PUSHF and PUSHFD push: VM and RF read as zero.
    pub(crate) fn eflags_to_push(&self) -> Result<u32, Fault> {
        self.require_flags_privilege()?;
        Ok((self.eflags() - Flags::VIRTUAL_8086 - Flags::RESUME).bits())
    }

    /// #GP(0) for PUSHF and POPF in virtual 8086 mode with IOPL below 3.
    pub(crate) fn require_flags_privilege(&self) -> Result<(), Fault> {
        if self.is_virtual_8086() && self.io_privilege() < 3 {
            return Err(general_protection());
        }
        Ok(())
    }

    /// CLI and STI: allowed where IOPL is not less than the privilege level. After STI that sets IF one more instruction runs
    /// before an interrupt is taken.
    pub(crate) fn set_interrupt_flag(&mut self, is_enabled: bool) -> Result<(), Fault> {
        if self.privilege() > self.io_privilege() && self.is_protected() {
            return Err(general_protection());
        }
        if is_enabled {
            self.is_in_shadow |= !self.has(Flags::INTERRUPT);
            self.set_eflags(self.eflags() | Flags::INTERRUPT);
        } else {
            self.clear_control_flags(Flags::INTERRUPT);
        }
        if self.is_in_shadow {
            self.ask_attention();
        }
        Ok(())
    }

    /// HLT.
    pub(crate) fn halt(&mut self) -> Result<(), Fault> {
        self.require_privilege_0()?;
        self.is_halted = true;
        self.ask_attention();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::test_board::{Board, CODE_3, DATA_0, DATA_3, FREE, GDT, TASK, protected, user};
    use crate::{Control, Fault, Flags, Segment, TableRegister, Vector, Width};

    const REFUSED: Fault = Fault::with_code(Vector::GeneralProtection, 0);
    const INVALID: Fault = Fault::plain(Vector::InvalidOpcode);

    #[test]
    fn level_3_may_not_touch_the_system_registers() {
        let mut board = Board::new();
        let mut core = user(&mut board);
        let table = TableRegister::default();
        assert_eq!(core.load_gdt(table), Err(REFUSED));
        assert_eq!(core.load_idt(table), Err(REFUSED));
        assert_eq!(core.load_local_table(&mut board, 0), Err(REFUSED));
        assert_eq!(core.load_task_register(&mut board, TASK), Err(REFUSED));
        assert_eq!(core.load_machine_status(0), Err(REFUSED));
        assert_eq!(core.clear_task_switched(), Err(REFUSED));
        assert_eq!(core.move_to_control(3, 0), Err(REFUSED));
        assert_eq!(core.move_from_control(0), Err(REFUSED));
        assert_eq!(core.move_to_debug(7, 0), Err(REFUSED));
        assert_eq!(core.move_to_test(6, 0), Err(REFUSED));
        assert_eq!(core.set_interrupt_flag(true), Err(REFUSED));
        assert_eq!(core.halt(), Err(REFUSED));
        assert_eq!(core.store_task_register(), Ok(TASK));
    }

    #[test]
    fn real_mode_has_no_selector_instructions() {
        let mut board = Board::new();
        let mut core = crate::core::Core::new();
        assert_eq!(core.load_access_rights(&mut board, 8), Err(INVALID));
        assert_eq!(core.load_segment_limit(&mut board, 8), Err(INVALID));
        assert_eq!(core.verify_read(&mut board, 8), Err(INVALID));
        assert_eq!(core.verify_write(&mut board, 8), Err(INVALID));
        assert_eq!(core.adjust_privilege(0, 3), Err(INVALID));
        assert_eq!(core.load_local_table(&mut board, 0), Err(INVALID));
        assert_eq!(core.store_local_table(), Err(INVALID));
        assert_eq!(core.store_task_register(), Err(INVALID));
    }

    #[test]
    fn lar_and_lsl_accept_what_the_manual_lists() {
        // (access byte, LAR, LSL), at level 0.
        let cases = [
            (0x80, false, false),
            (0x81, true, true),
            (0x82, true, true),
            (0x83, true, true),
            (0x84, true, false),
            (0x85, true, false),
            (0x86, true, false),
            (0x87, true, false),
            (0x88, false, false),
            (0x89, true, true),
            (0x8A, false, false),
            (0x8B, true, true),
            (0x8C, true, false),
            (0x8D, false, false),
            (0x8E, true, false),
            (0x8F, true, false),
            (0x92, true, true),
            (0x98, true, true),
        ];
        for (access, has_rights, has_limit) in cases {
            let mut board = Board::new();
            let mut core = protected(&mut board);
            board.set_segment(FREE, 0, 0x1_2345, 0x8000 | access);
            let rights = core.load_access_rights(&mut board, FREE).expect("protected mode");
            let expected = board.dword(GDT + u32::from(FREE) + 4) & 0x00FF_FF00;
            assert_eq!(rights, has_rights.then_some(expected), "LAR {access:#x}");
            let limit = core.load_segment_limit(&mut board, FREE).expect("protected mode");
            assert_eq!(limit, has_limit.then_some((0x1234_5FFF, true)), "LSL {access:#x}");
        }
    }

    #[test]
    fn questions_about_a_selector_obey_privilege_unless_the_code_conforms() {
        let cases = [
            (0x92, false),
            (0xF2, true),
            (0x9A, false),
            (0x9E, true),
            (0xFA, true),
        ];
        for (access, is_visible) in cases {
            let mut board = Board::new();
            let mut core = user(&mut board);
            board.set_segment(FREE, 0, 0xFFFF, access);
            let rights = core.load_access_rights(&mut board, FREE).expect("protected mode");
            assert_eq!(rights.is_some(), is_visible, "{access:#x}");
            assert_eq!(core.verify_read(&mut board, FREE), Ok(is_visible));
        }
    }

    #[test]
    fn verr_and_verw_tell_readable_and_writable() {
        let cases = [
            (0x90, true, false),
            (0x92, true, true),
            (0x98, false, false),
            (0x9A, true, false),
            (0x82, false, false),
        ];
        for (access, is_readable, is_writable) in cases {
            let mut board = Board::new();
            let mut core = protected(&mut board);
            board.set_segment(FREE, 0, 0xFFFF, access);
            assert_eq!(core.verify_read(&mut board, FREE), Ok(is_readable), "{access:#x}");
            assert_eq!(
                core.verify_write(&mut board, FREE),
                Ok(is_writable),
                "{access:#x}"
            );
        }
        let mut board = Board::new();
        let mut core = protected(&mut board);
        assert_eq!(core.verify_read(&mut board, 0), Ok(false));
        assert_eq!(core.verify_read(&mut board, 0x1000), Ok(false));
    }

    #[test]
    fn arpl_raises_a_lower_rpl_only() {
        let mut board = Board::new();
        let core = protected(&mut board);
        assert_eq!(core.adjust_privilege(DATA_0, CODE_3), Ok(Some(DATA_0 | 3)));
        assert_eq!(core.adjust_privilege(DATA_3, DATA_0), Ok(None));
        assert_eq!(core.adjust_privilege(DATA_3, CODE_3), Ok(None));
    }

    #[test]
    fn lmsw_sets_but_cannot_clear_pe_and_reaches_no_other_bit() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.load_machine_status(0xFFFE).expect("level 0");
        let expected = Control::PROTECTION
            | Control::MONITOR_COPROCESSOR
            | Control::EMULATE_COPROCESSOR
            | Control::TASK_SWITCHED;
        assert_eq!(core.cr0, expected);
        core.load_machine_status(0).expect("level 0");
        assert_eq!(core.cr0, Control::PROTECTION);
    }

    #[test]
    fn popf_changes_iopl_at_level_0_only_and_if_where_iopl_allows() {
        let all = u32::MAX;
        let common = Flags::ARITHMETIC | Flags::TRAP | Flags::DIRECTION | Flags::NESTED | Flags::ALWAYS;
        for (privilege, io_privilege, more) in [
            (0, 0, Flags::INTERRUPT | Flags::IO_PRIVILEGE),
            (3, 0, Flags::empty()),
            (3, 3, Flags::INTERRUPT | Flags::IO_PRIVILEGE),
            (2, 1, Flags::from_bits_truncate(1 << 12)),
        ] {
            let mut board = Board::new();
            let mut core = protected(&mut board);
            core.set_privilege(privilege);
            core.set_eflags(Flags::from_bits_truncate(io_privilege << 12));
            core.set_eflags_from_pop(all, Width::Dword)
                .expect("not virtual 8086 mode");
            assert_eq!(
                core.eflags(),
                common | more,
                "level {privilege} iopl {io_privilege}"
            );
        }
    }

    #[test]
    fn flags_instructions_in_virtual_8086_mode_need_iopl_3() {
        let mut board = Board::new();
        let mut core = user(&mut board);
        core.set_eflags(Flags::VIRTUAL_8086 | Flags::from_bits_truncate(2 << 12));
        assert_eq!(core.eflags_to_push(), Err(REFUSED));
        assert_eq!(core.set_eflags_from_pop(0, Width::Word), Err(REFUSED));
        assert_eq!(core.set_interrupt_flag(false), Err(REFUSED));
        core.set_eflags(Flags::VIRTUAL_8086 | Flags::IO_PRIVILEGE);
        assert_eq!(core.eflags_to_push(), Ok(0x3002));
        assert_eq!(core.set_interrupt_flag(true), Ok(()));
    }

    #[test]
    fn sti_makes_a_shadow_only_if_it_sets_if() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.set_interrupt_flag(true).expect("level 0");
        assert!(core.is_in_shadow);
        core.is_in_shadow = false;
        core.set_interrupt_flag(true).expect("level 0");
        assert!(!core.is_in_shadow);
    }

    #[test]
    fn the_test_registers_write_and_find_translations() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        // Data: frame 00077, way 2. Command: page 12345, valid, dirty, user, writable.
        core.move_to_test(7, 0x0007_7000 | 1 << 4 | 2 << 2)
            .expect("level 0");
        core.move_to_test(6, 0x1234_5000 | 1 << 11 | 1 << 10 | 1 << 8 | 1 << 6)
            .expect("level 0");
        core.move_to_test(7, 0).expect("level 0");
        core.move_to_test(6, 0x1234_5000 | 1 << 11 | 1 << 10 | 1 << 8 | 1 << 6 | 1)
            .expect("level 0");
        assert_eq!(core.move_from_test(7), Ok(0x0007_7000 | 1 << 4 | 2 << 2));
        // Not dirty is asked for, so this misses.
        core.move_to_test(6, 0x1234_5000 | 1 << 11 | 1 << 9 | 1 << 8 | 1 << 6 | 1)
            .expect("level 0");
        assert_eq!(core.move_from_test(7).map(|data| data & 1 << 4), Ok(0));
    }

    #[test]
    fn general_detect_traps_a_touch_of_a_debug_register_once() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.move_to_debug(7, 1 << 13).expect("not yet set");
        assert_eq!(core.move_from_debug(0), Err(Fault::plain(Vector::Debug)));
        assert_eq!(
            core.move_from_debug(6).map(|status| status & 1 << 13),
            Ok(1 << 13)
        );
    }

    #[test]
    fn data_breakpoints_note_their_accesses_on_a_page_with_or_without_a_shortcut() {
        // (LEN and R/W, write, offset, bytes) -> met.
        let cases = [
            (0b1101, true, 0x5004, true),
            (0b1101, false, 0x5004, false),
            (0b1111, false, 0x5004, true),
            (0b1111, false, 0x5008, false),
            (0b1111, false, 0x5001, true),
            (0b1111, false, 0x5000, false),
            (0b0001, true, 0x5003, true),
            (0b0001, true, 0x5005, false),
        ];
        for (kind, is_write, offset, is_met) in cases {
            let mut board = Board::new();
            let mut core = protected(&mut board);
            core.write(&mut board, Segment::Ds, 0x5000, 0u32).expect("memory");
            core.move_to_debug(0, 0x5004).expect("level 0");
            core.move_to_debug(7, 2 | kind << 16).expect("level 0");
            for _ in 0..2 {
                core.debug_pending = 0;
                if is_write {
                    core.write(&mut board, Segment::Ds, offset, 0u32).expect("memory");
                } else {
                    core.read::<u32, _>(&mut board, Segment::Ds, offset)
                        .expect("memory");
                }
                assert_eq!(core.debug_pending == 1, is_met, "{kind:#b} {offset:#x}");
            }
        }
    }

    #[test]
    fn an_instruction_breakpoint_matches_its_own_address_only() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.move_to_debug(2, 0x1235).expect("level 0");
        core.move_to_debug(7, 0x20).expect("level 0");
        assert!(core.has_code_breakpoints());
        assert_eq!(
            [0x1234, 0x1235, 0x1236].map(|at| core.code_breakpoints_at(at)),
            [0, 4, 0]
        );
    }
}
