//! Instructions for systems (PRM chapters 10 to 12 and their pages in chapter 17): table registers, control, debug and
//! test registers, questions about selectors, EFLAGS with its privileges, HLT.
//!
//! Operands and static clocks are the callers'; here is the meaning and who may do it.

use crate::core::Core;
use crate::debug::{CONTROL_GENERAL_DETECT, STATUS_ACCESS_DETECTED};
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
        if self.privilege == 0 {
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

    /// LAR: the access rights, where the selector is valid and visible (ZF).
    pub(crate) fn load_access_rights<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: u16,
    ) -> Result<Option<u32>, Fault> {
        let visible = self.visible_descriptor(bus, Selector(selector))?;
        Ok(visible
            .filter(|descriptor| !matches!(descriptor.kind(), Kind::InterruptGate { .. }))
            .map(|descriptor| descriptor.high & ACCESS_RIGHTS))
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
        let needed = self.privilege.max(selector.requested_privilege());
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
        self.debug[number] = value;
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
        if self.privilege == 0 {
            may_change |= Flags::IO_PRIVILEGE;
        }
        if self.privilege <= self.io_privilege() {
            may_change |= Flags::INTERRUPT;
        }
        let image = match size {
            Width::Dword => image,
            _ => image & 0xFFFF,
        };
        let image = Flags::from_bits_truncate(image);
        self.set_eflags((self.eflags() - may_change) | (image & may_change));
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
        if self.privilege > self.io_privilege() && self.is_protected() {
            return Err(general_protection());
        }
        if is_enabled {
            self.is_in_shadow |= !self.has(Flags::INTERRUPT);
            self.set_eflags(self.eflags() | Flags::INTERRUPT);
        } else {
            self.set_eflags(self.eflags() - Flags::INTERRUPT);
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
