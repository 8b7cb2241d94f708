//! Instructions for systems: their operands. The meaning is in the modules `system`, `segment` and `task`.

use super::Done;
use super::operand::{General, Place};
use crate::clocks;
use crate::core::Core;
use crate::op::{Flow, Op};
use crate::unit::Unit;
use crate::{Bus, Control, Fault, TableRegister, Vector};

/// The end of decoded code. No instruction: the run loop asks the cache what comes next.
pub(crate) fn end_of_code<B: Bus>(_: &mut Core, _: &mut B, _: &Op) -> Done {
    Ok(Flow::Leave)
}

/// What a 386 does not know.
pub(crate) fn undefined<B: Bus>(_: &mut Core, _: &mut B, _: &Op) -> Done {
    Err(Fault::plain(Vector::InvalidOpcode))
}

/// An instruction of more than 15 bytes.
pub(crate) fn too_long<B: Bus>(_: &mut Core, _: &mut B, _: &Op) -> Done {
    Err(Fault::with_code(Vector::GeneralProtection, 0))
}

/// NOP.
pub(crate) fn no_operation<B: Bus>(_: &mut Core, _: &mut B, _: &Op) -> Done {
    Ok(Flow::Next)
}

/// HLT.
pub(crate) fn halt<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    core.halt()?;
    Ok(Flow::Next)
}

/// Any instruction of the coprocessor. None is fitted: unless EM or TS asks for a trap, nothing answers, and neither memory nor
/// registers change. The processor looks by itself whether the first word or doubleword of an operand in memory is within its segment
/// (Intel387 DX data sheet, table 2.6, interrupts 7 and 13); no page is accessed, as nothing is transferred.
pub(crate) fn escape<B: Bus>(core: &mut Core, _: &mut B, op: &Op) -> Done {
    if core
        .cr0
        .intersects(Control::EMULATE_COPROCESSOR | Control::TASK_SWITCHED)
    {
        return Err(Fault::plain(Vector::NoCoprocessor));
    }
    let first_item_bytes = op.immediate;
    if first_item_bytes != 0 {
        core.check_rights(op.segment, op.offset(core), first_item_bytes, false)?;
    }
    Ok(Flow::Next)
}

/// WAIT. BUSY# is inactive for ever.
pub(crate) fn wait<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    if core
        .cr0
        .contains(Control::MONITOR_COPROCESSOR | Control::TASK_SWITCHED)
    {
        return Err(Fault::plain(Vector::NoCoprocessor));
    }
    Ok(Flow::Next)
}

/// GDTR or IDTR, as a type.
pub(crate) trait Table {
    /// Loads it.
    fn load(core: &mut Core, table: TableRegister) -> Result<(), Fault>;
    /// Its value.
    fn value(core: &Core) -> TableRegister;
}

/// GDTR.
pub(crate) struct Global;

/// IDTR.
pub(crate) struct Interrupts;

impl Table for Global {
    fn load(core: &mut Core, table: TableRegister) -> Result<(), Fault> {
        core.load_gdt(table)
    }

    fn value(core: &Core) -> TableRegister {
        core.gdtr
    }
}

impl Table for Interrupts {
    fn load(core: &mut Core, table: TableRegister) -> Result<(), Fault> {
        core.load_idt(table)
    }

    fn value(core: &Core) -> TableRegister {
        core.idtr
    }
}

/// A 16-bit operand has a base of 24 bits.
fn base_mask<T: Unit>() -> u32 {
    if T::BYTES == 2 { 0x00FF_FFFF } else { u32::MAX }
}

/// LGDT, LIDT.
pub(crate) fn load_table<B: Bus, R: Table, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.require_privilege_0()?;
    let at = op.offset(core);
    let limit = core.read(bus, op.segment, at)?;
    let base: u32 = core.read(bus, op.segment, at.wrapping_add(2) & op.address_mask())?;
    R::load(
        core,
        TableRegister {
            base: base & base_mask::<T>(),
            limit,
        },
    )?;
    Ok(Flow::Next)
}

/// SGDT, SIDT. All 48 bits whatever the operand size, as the manual's page of LGDT says and later processors do; its page of
/// SGDT speaks of a zero on top.
pub(crate) fn store_table<B: Bus, R: Table>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let table = R::value(core);
    let at = op.offset(core);
    let base_at = at.wrapping_add(2) & op.address_mask();
    core.check_write(bus, op.segment, at, 2)?;
    core.check_write(bus, op.segment, base_at, 4)?;
    core.write(bus, op.segment, at, table.limit)?;
    core.write(bus, op.segment, base_at, table.base)?;
    Ok(Flow::Next)
}

/// LLDT.
pub(crate) fn load_local_table<B: Bus, P: Place>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.require_protected()?;
    core.require_privilege_0()?;
    let selector = P::get(core, bus, op)?;
    core.load_local_table(bus, selector)?;
    Ok(Flow::Next)
}

/// LTR.
pub(crate) fn load_task_register<B: Bus, P: Place>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.require_protected()?;
    core.require_privilege_0()?;
    let selector = P::get(core, bus, op)?;
    core.load_task_register(bus, selector)?;
    Ok(Flow::Next)
}

/// Stores a selector: 16 bits in memory, zero-extended in a register.
fn store_selector<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op, value: u32) -> Done {
    if P::IS_MEMORY {
        P::set(core, bus, op, value as u16)?;
    } else {
        T::from_u32(value).set_register(core, op.rm);
    }
    Ok(Flow::Next)
}

/// SLDT.
pub(crate) fn store_local_table<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let selector = core.store_local_table()?;
    store_selector::<B, P, T>(core, bus, op, u32::from(selector))
}

/// STR.
pub(crate) fn store_task_register<B: Bus, P: Place, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let selector = core.store_task_register()?;
    store_selector::<B, P, T>(core, bus, op, u32::from(selector))
}

/// SMSW.
pub(crate) fn store_machine_status<B: Bus, P: Place, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let status = core.store_machine_status();
    if P::IS_MEMORY && !core.is_protected() {
        core.cycles += clocks::REAL_SMSW_TO_MEMORY;
    }
    store_selector::<B, P, T>(core, bus, op, status)
}

/// LMSW.
pub(crate) fn load_machine_status<B: Bus, P: Place>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.require_privilege_0()?;
    let value = P::get(core, bus, op)?;
    core.load_machine_status(value)?;
    Ok(Flow::Reopen)
}

/// CLTS.
pub(crate) fn clear_task_switched<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    core.clear_task_switched()?;
    Ok(Flow::Next)
}

/// LAR.
pub(crate) fn load_access_rights<B: Bus, P: Place, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    core.require_protected()?;
    let selector = P::get(core, bus, op)?;
    let rights = core.load_access_rights(bus, selector)?;
    if let Some(rights) = rights {
        T::from_u32(rights).set_register(core, op.reg);
    }
    core.status = core.status.with_zero(rights.is_some());
    Ok(Flow::Next)
}

/// LSL.
pub(crate) fn load_segment_limit<B: Bus, P: Place, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    core.require_protected()?;
    let selector = P::get(core, bus, op)?;
    let limit = core.load_segment_limit(bus, selector)?;
    if let Some((limit, is_page_granular)) = limit {
        T::from_u32(limit).set_register(core, op.reg);
        if is_page_granular {
            core.cycles += clocks::PAGE_GRANULAR_LIMIT;
        }
    }
    core.status = core.status.with_zero(limit.is_some());
    Ok(Flow::Next)
}

/// VERR.
pub(crate) fn verify_read<B: Bus, P: Place>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.require_protected()?;
    let selector = P::get(core, bus, op)?;
    let is_readable = core.verify_read(bus, selector)?;
    core.status = core.status.with_zero(is_readable);
    Ok(Flow::Next)
}

/// VERW.
pub(crate) fn verify_write<B: Bus, P: Place>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.require_protected()?;
    let selector = P::get(core, bus, op)?;
    let is_writable = core.verify_write(bus, selector)?;
    core.status = core.status.with_zero(is_writable);
    Ok(Flow::Next)
}

/// ARPL.
pub(crate) fn adjust_privilege<B: Bus, P: Place>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    core.require_protected()?;
    let selector: u16 = P::get(core, bus, op)?;
    let adjusted = core.adjust_privilege(selector, u16::register(core, op.reg))?;
    if let Some(adjusted) = adjusted {
        P::set(core, bus, op, adjusted)?;
    }
    core.status = core.status.with_zero(adjusted.is_some());
    Ok(Flow::Next)
}

/// MOV to a control register.
pub(crate) fn move_to_control<B: Bus>(core: &mut Core, _: &mut B, op: &Op) -> Done {
    core.move_to_control(op.reg, u32::register(core, op.rm))?;
    core.cycles += clocks::to_control_register(op.reg);
    Ok(Flow::Reopen)
}

/// MOV from a control register.
pub(crate) fn move_from_control<B: Bus>(core: &mut Core, _: &mut B, op: &Op) -> Done {
    core.move_from_control(op.reg)?.set_register(core, op.rm);
    Ok(Flow::Next)
}

/// MOV to a debug register.
pub(crate) fn move_to_debug<B: Bus>(core: &mut Core, _: &mut B, op: &Op) -> Done {
    core.move_to_debug(op.reg, u32::register(core, op.rm))?;
    core.cycles += clocks::to_debug_register(op.reg);
    Ok(Flow::Next)
}

/// MOV from a debug register.
pub(crate) fn move_from_debug<B: Bus>(core: &mut Core, _: &mut B, op: &Op) -> Done {
    core.move_from_debug(op.reg)?.set_register(core, op.rm);
    core.cycles += clocks::from_debug_register(op.reg);
    Ok(Flow::Next)
}

/// MOV to a test register.
pub(crate) fn move_to_test<B: Bus>(core: &mut Core, _: &mut B, op: &Op) -> Done {
    core.move_to_test(op.reg, u32::register(core, op.rm))?;
    Ok(Flow::Reopen)
}

/// MOV from a test register.
pub(crate) fn move_from_test<B: Bus>(core: &mut Core, _: &mut B, op: &Op) -> Done {
    core.move_from_test(op.reg)?.set_register(core, op.rm);
    Ok(Flow::Next)
}

#[cfg(test)]
mod tests {
    use super::{Global, escape, load_table, store_table};
    use crate::core::Core;
    use crate::decode::decode;
    use crate::test_board::{Board, protected};
    use crate::{Control, Fault, Segment, SegmentRegister, Vector};

    /// What an instruction of the coprocessor of 32-bit code comes to whose operand lies at an offset of DS, which ends at FFFFh.
    fn escape_at(
        offset: u32,
        prefix: &[u8],
        opcode: u8,
        reg: u8,
        prepare: impl Fn(&mut Core),
    ) -> Option<Fault> {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        for segment in [Segment::Ds, Segment::Ss] {
            let short = SegmentRegister {
                limit: 0xFFFF,
                ..*core.segment(segment)
            };
            core.set_segment(segment, short);
        }
        prepare(&mut core);
        let mut code = [prefix, &[opcode, reg << 3 | 5], &offset.to_le_bytes()].concat();
        code.resize(15, 0);
        let op = decode(&code, true).expect("an escape");
        escape(&mut core, &mut board, &op).err()
    }

    /// The bytes of the operand that have to be within the segment.
    fn checked_bytes(prefix: &[u8], opcode: u8, reg: u8) -> u32 {
        let is_good = |bytes: &u32| escape_at(0x1_0000 - bytes, prefix, opcode, reg, |_| ()).is_none();
        (1..200).find(is_good).expect("a place for it")
    }

    const GENERAL_PROTECTION: Fault = Fault::with_code(Vector::GeneralProtection, 0);
    const NO_COPROCESSOR: Fault = Fault::plain(Vector::NoCoprocessor);

    #[test]
    fn the_first_word_or_doubleword_of_a_coprocessors_operand_is_within_its_segment() {
        let words = [
            (0xD9, 5),
            (0xD9, 7),
            (0xDD, 7),
            (0xDE, 0),
            (0xDE, 7),
            (0xDF, 0),
            (0xDF, 3),
        ];
        for (opcode, reg) in words {
            assert_eq!(checked_bytes(&[], opcode, reg), 2, "{opcode:X} /{reg}");
        }
        let dwords = [
            (0xD8, 0),
            (0xD9, 0),
            (0xDA, 1),
            (0xDB, 5),
            (0xDB, 7),
            (0xDC, 2),
            (0xDD, 0),
            (0xDF, 7),
        ];
        for (opcode, reg) in dwords {
            assert_eq!(checked_bytes(&[], opcode, reg), 4, "{opcode:X} /{reg}");
        }
        for (opcode, reg) in [(0xD9, 4), (0xD9, 6), (0xDD, 4), (0xDD, 6)] {
            assert_eq!(checked_bytes(&[], opcode, reg), 4, "{opcode:X} /{reg}, 32 bits");
            assert_eq!(
                checked_bytes(&[0x66], opcode, reg),
                2,
                "{opcode:X} /{reg}, 16 bits"
            );
        }
    }

    #[test]
    fn an_escape_beyond_the_limit_is_a_fault_of_its_segment_behind_that_of_em_and_ts() {
        assert_eq!(escape_at(0xFFFF, &[], 0xD8, 0, |_| ()), Some(GENERAL_PROTECTION));
        let in_stack = escape_at(0xFFFF, &[0x36], 0xD8, 0, |_| ());
        assert_eq!(in_stack, Some(Fault::with_code(Vector::Stack, 0)));
        for bit in [Control::EMULATE_COPROCESSOR, Control::TASK_SWITCHED] {
            let trapped = |core: &mut Core| core.cr0 |= bit;
            assert_eq!(escape_at(0xFFFF, &[], 0xD8, 0, trapped), Some(NO_COPROCESSOR));
            assert_eq!(escape_at(0, &[], 0xD8, 0, trapped), Some(NO_COPROCESSOR));
        }
        let monitored = |core: &mut Core| core.cr0 |= Control::MONITOR_COPROCESSOR;
        assert_eq!(
            escape_at(0xFFFF, &[], 0xD8, 0, monitored),
            Some(GENERAL_PROTECTION)
        );
        assert_eq!(escape_at(0x100, &[], 0xD8, 0, monitored), None);
    }

    #[test]
    fn an_escape_with_registers_has_no_operand_to_check() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.set_segment(Segment::Ds, SegmentRegister::default());
        let mut code = [0; 15];
        code[..2].copy_from_slice(&[0xD9, 0xC0]);
        let op = decode(&code, true).expect("FLD ST");
        assert!(escape(&mut core, &mut board, &op).is_ok());
        code[1] = 0x00;
        let op = decode(&code, true).expect("FLD [EAX]");
        assert_eq!(
            escape(&mut core, &mut board, &op),
            Err(GENERAL_PROTECTION),
            "no segment"
        );
    }

    #[test]
    fn sgdt_stores_a_base_of_32_bits_with_a_16_bit_operand_too_and_lgdt_loads_24() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.gdtr.base = 0x8765_4321;
        let mut code = [0x66, 0x0F, 0x01, 0x05, 0, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let op = decode(&code, true).expect("SGDT [6000h]");
        assert!(store_table::<Board, Global>(&mut core, &mut board, &op).is_ok());
        assert_eq!(board.dword(0x6002), 0x8765_4321);
        code[3] = 0x15;
        let op = decode(&code, true).expect("LGDT [6000h]");
        assert!(load_table::<Board, Global, u16>(&mut core, &mut board, &op).is_ok());
        assert_eq!(core.gdtr.base, 0x65_4321);
    }

    #[test]
    fn a_page_fault_of_sgdt_names_the_limit_before_the_base() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        let (directory, table) = (0x4_0000, 0x4_1000);
        board.set_dword(directory, table | 7);
        core.move_to_control(3, directory).expect("level 0 may");
        core.move_to_control(0, 0x8000_0001).expect("level 0 may");
        let code = [0x0F, 0x01, 0x05, 0xFE, 0x0F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let op = decode(&code, true).expect("SGDT [0FFEh]");
        let outcome = store_table::<Board, Global>(&mut core, &mut board, &op);
        assert_eq!(outcome, Err(Fault::with_code(Vector::Page, 2)));
        assert_eq!(core.cr2, 0x0FFE);
    }
}
