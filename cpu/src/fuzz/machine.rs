//! Random machines: any descriptor tables, task state segments and page tables in memory, and any state of the processor that
//! its own instructions can lead to.

use super::choices::Choices;
use super::field::{DEVICE_PAGE, Field, MEMORY_BYTES};
use crate::{Control, Flags, Segment, SegmentRegister, State, TableRegister, Translation, Translations};

/// Where random code lies, so that jumps, gates and tasks meet it.
const CODE: u32 = 0x1_0000;
const CODE_BYTES: u32 = 0x2000;
const GLOBAL_TABLE: u32 = 0x2000;
const LOCAL_TABLE: u32 = 0x2400;
const INTERRUPT_TABLE: u32 = 0x2800;
/// Task state segments, 256 bytes each.
const TASKS: u32 = 0x3000;
const DIRECTORY: u32 = 0x4000;
const TABLE: u32 = 0x5000;
/// Descriptors in the global and the local table.
const DESCRIPTORS: u32 = 32;
const VECTORS: u32 = 64;

/// Access byte bits that cases put together.
const PRESENT: u16 = 0x80;
const NOT_SYSTEM: u16 = 0x10;
const CODE_SEGMENT: u16 = 0x08;
const BIG_AND_GRANULAR: [u16; 4] = [0, 0x4000, 0x8000, 0xC000];

/// A byte of code: opcodes of two bytes, prefixes, short jumps, system instructions and far transfers are more frequent than
/// chance makes them.
fn code_byte(choices: &mut Choices<'_>) -> u8 {
    const FREQUENT: [u8; 24] = [
        0x0F, 0x66, 0x67, 0xF3, 0x75, 0xEB, 0xE2, 0x00, 0x01, 0xA5, 0x8B, 0x89, 0x8E, 0xCF, 0xCB, 0xCD, 0x22,
        0x26, 0xEE, 0xAA, 0xC4, 0x9D, 0xFF, 0x20,
    ];
    if choices.once_in(3) {
        choices.pick(&FREQUENT)
    } else {
        choices.byte()
    }
}

/// Mostly where something is, now and then anywhere.
fn address(choices: &mut Choices<'_>) -> u32 {
    match choices.below(16) {
        0 => choices.dword(),
        1 => choices.dword() | 0xFFFF_F000,
        2 => DEVICE_PAGE << 12 | choices.below(0x1000),
        3..=5 => choices.below(0x1_0000),
        6 => MEMORY_BYTES as u32 - choices.below(0x100),
        _ => CODE + choices.below(CODE_BYTES),
    }
}

/// A selector: mostly of a descriptor.
fn selector(choices: &mut Choices<'_>) -> u16 {
    match choices.below(8) {
        0 => choices.word(),
        1 => choices.word() & 3,
        _ => (choices.below(DESCRIPTORS) << 3) as u16 | choices.word() & 7,
    }
}

fn limit(choices: &mut Choices<'_>) -> u32 {
    match choices.below(8) {
        0 => choices.below(0x200),
        1 => CODE + choices.below(CODE_BYTES),
        2 => choices.dword() & 0xF_FFFF,
        3 => 0xFFFF,
        _ => 0xF_FFFF,
    }
}

fn segment_base(choices: &mut Choices<'_>) -> u32 {
    match choices.below(8) {
        0 => choices.dword(),
        1 => CODE - choices.below(0x200),
        2 => choices.dword() & 0x3_FFF0,
        _ => 0,
    }
}

/// A gate's offset, with `high` for its attributes.
fn gate(choices: &mut Choices<'_>, access: u32) -> [u32; 2] {
    let offset = CODE + choices.below(CODE_BYTES);
    let parameters = u32::from(choices.byte());
    [
        u32::from(selector(choices)) << 16 | offset & 0xFFFF,
        offset & 0xFFFF_0000 | access << 8 | parameters,
    ]
}

/// Any descriptor: code, data, tables, tasks, gates, reserved types.
fn descriptor(choices: &mut Choices<'_>) -> [u32; 2] {
    let mut access = u32::from(choices.byte());
    if !choices.once_in(8) {
        access |= u32::from(PRESENT);
    }
    match access & 0x1F {
        4..=7 | 12 | 14 | 15 => return gate(choices, access),
        1 | 3 | 9 | 11 => {
            let base = TASKS + choices.below(4) * 0x100;
            let limit = choices.pick(&[0x2B, 0x67, 0x68, 0x80, 0x2000, 0xFFF]);
            return [base << 16 | limit, base >> 16 & 0xFF | access << 8];
        }
        _ => {}
    }
    let (base, limit) = (segment_base(choices), limit(choices));
    let size = u32::from(choices.byte()) & 0xF0;
    [
        base << 16 | limit & 0xFFFF,
        base & 0xFF00_0000 | base >> 16 & 0xFF | limit & 0xF_0000 | size << 16 | access << 8,
    ]
}

fn write_tables(field: &mut Field, choices: &mut Choices<'_>) {
    for table in [GLOBAL_TABLE, LOCAL_TABLE] {
        for number in 0..DESCRIPTORS {
            let [low, high] = descriptor(choices);
            field.set_dword(table + number * 8, low);
            field.set_dword(table + number * 8 + 4, high);
        }
    }
    for vector in 0..VECTORS {
        let access =
            u32::from(choices.pick(&[0x8E_u8, 0x8F, 0xEE, 0xEF, 0x86, 0xE7, 0x85, 0xE5, 0x0E, 0x84]));
        let [low, high] = gate(choices, access);
        field.set_dword(INTERRUPT_TABLE + vector * 8, low);
        field.set_dword(INTERRUPT_TABLE + vector * 8 + 4, high);
        field.set_dword(vector * 4, low & 0xFFFF | (CODE >> 4) << 16);
    }
}

fn write_tasks(field: &mut Field, choices: &mut Choices<'_>) {
    for task in 0..4 {
        let base = TASKS + task * 0x100;
        for word in (0..0x80).filter(|word| word & 1 == 0 || *word >= 0x30) {
            let value = match word {
                0x10 => CODE + choices.below(CODE_BYTES),
                0x12 => u32::from(choices.word()) | u32::from(choices.once_in(4)) << 17,
                0x0E => DIRECTORY,
                0x32 => u32::from(choices.word() & 1),
                0x33 => choices.pick(&[0x68, 0x60, 0x67, 0x100, 0xFFFF]),
                0x34.. => u32::from(choices.byte()),
                _ if choices.once_in(2) => u32::from(selector(choices)),
                _ => address(choices),
            };
            let bytes = value.to_le_bytes();
            let is_dword = word < 0x30;
            field.set_bytes(base + word * 2, &bytes[..if is_dword { 4 } else { 2 }]);
        }
    }
}

/// Mostly each page to itself, with any rights; the tables themselves are mapped, too, and so can change under the walk.
fn write_pages(field: &mut Field, choices: &mut Choices<'_>) {
    for number in 0..1024 {
        field.set_dword(DIRECTORY + number * 4, TABLE | 7);
    }
    for _ in 0..choices.below(4) {
        let entry = DIRECTORY + choices.below(1024) * 4;
        field.set_dword(entry, choices.dword() & 0x7_FFFF);
    }
    field.set_dword(DIRECTORY, TABLE | (7 - choices.pick(&[0, 0, 0, 2, 4, 1])));
    for page in 0..1024 {
        let is_odd = choices.once_in(8);
        let frame = if is_odd { choices.below(0x60) } else { page & 0x3F };
        let bits = if choices.once_in(4) {
            choices.dword() & 0xFFF
        } else {
            0x67
        };
        field.set_dword(TABLE + page * 4, frame << 12 | bits);
    }
}

/// A data segment that a load accepts at a level: any size and direction, or nothing.
fn data_register(choices: &mut Choices<'_>, privilege: u8) -> SegmentRegister {
    let mut access = PRESENT | NOT_SYSTEM | choices.word() & 0x0F | 1;
    if access & CODE_SEGMENT != 0 {
        access |= 2;
    }
    if choices.once_in(8) {
        return SegmentRegister {
            selector: choices.word() & 3,
            ..SegmentRegister::default()
        };
    }
    access |= u16::from(privilege.max(choices.byte() & 3)) << 5;
    register(choices, access)
}

fn register(choices: &mut Choices<'_>, access: u16) -> SegmentRegister {
    let size = choices.pick(&BIG_AND_GRANULAR);
    let limit = limit(choices);
    SegmentRegister {
        selector: selector(choices),
        base: segment_base(choices),
        limit: if size & 0x8000 != 0 {
            limit << 12 | 0xFFF
        } else {
            limit
        },
        access: access | size,
    }
}

/// Protected mode at a level, with segments that its loads accept.
fn enter_protected(state: &mut State, choices: &mut Choices<'_>) {
    state.cr0 |= Control::PROTECTION.bits();
    state.privilege = choices.byte() & 3;
    let level = u16::from(state.privilege);
    for segment in Segment::ALL {
        state.segments[segment as usize] = data_register(choices, state.privilege);
    }
    let stack = PRESENT | NOT_SYSTEM | 3 | choices.word() & 4 | level << 5;
    state.segments[Segment::Ss as usize] = register(choices, stack);
    let is_conforming = choices.once_in(4);
    let privilege = if is_conforming {
        choices.word() & level
    } else {
        level
    };
    let code = PRESENT | NOT_SYSTEM | CODE_SEGMENT | 1 | choices.word() & 2 | u16::from(is_conforming) << 2;
    let mut code = register(choices, code | privilege << 5);
    code.selector = code.selector & !3 | level;
    state.segments[Segment::Cs as usize] = code;
    let code = &state.segments[Segment::Cs as usize];
    state.eip = state.eip.wrapping_sub(code.base).min(code.limit);
}

fn enter_virtual_8086(state: &mut State) {
    state.cr0 |= Control::PROTECTION.bits();
    state.eflags |= Flags::VIRTUAL_8086.bits();
    state.privilege = 3;
    state.segments = [SegmentRegister::virtual_8086((CODE >> 4) as u16); 6];
    state.eip &= 0x1FFF;
}

/// Real mode, also with the large segments that protected mode leaves.
fn enter_real(state: &mut State, choices: &mut Choices<'_>) {
    for register in &mut state.segments {
        *register = SegmentRegister::real((CODE >> 4) as u16);
        if choices.once_in(4) {
            register.limit = u32::MAX;
            register.access |= 0xC000;
        }
    }
    state.eip &= 0x1FFF;
}

fn translations(choices: &mut Choices<'_>) -> Translations {
    let mut all = Translations::default();
    for (number, set) in all.sets.iter_mut().enumerate() {
        let ways = choices.below(5) as usize;
        for entry in set.iter_mut().take(ways) {
            let page = choices.below(0x40) & !7 | number as u32;
            *entry = Translation {
                page,
                frame: if choices.once_in(4) {
                    choices.below(0x50)
                } else {
                    page
                },
                is_valid: !choices.once_in(4),
                is_user: !choices.once_in(4),
                is_writable: !choices.once_in(4),
                is_dirty: choices.once_in(2),
            };
        }
    }
    all
}

fn debug_registers(state: &mut State, choices: &mut Choices<'_>) {
    for number in 0..4 {
        state.debug[number] = address(choices);
    }
    if choices.once_in(2) {
        state.debug[7] = choices.dword();
    }
    if choices.once_in(8) {
        state.debug_pending = choices.dword() & 0xC00F;
    }
}

/// Any state that instructions can lead to, with its counters at zero.
pub(super) fn any_state(choices: &mut Choices<'_>) -> State {
    let mut state = State::after_reset();
    for register in &mut state.general {
        *register = if choices.once_in(2) {
            address(choices)
        } else {
            u32::from(choices.word())
        };
    }
    state.eip = CODE + choices.below(CODE_BYTES);
    state.eflags = choices.dword() & (Flags::all() - Flags::VIRTUAL_8086).bits();
    if !choices.once_in(4) {
        state.eflags &= !(Flags::TRAP | Flags::RESUME).bits();
    }
    state.cr0 = choices.dword() & 0x1E;
    match choices.below(8) {
        0 => enter_real(&mut state, choices),
        1 | 2 => enter_virtual_8086(&mut state),
        _ => enter_protected(&mut state, choices),
    }
    if state.cr0 & 1 != 0 && choices.once_in(2) {
        state.cr0 |= Control::PAGING.bits();
    }
    state.cr3 = if choices.once_in(16) {
        choices.dword()
    } else {
        DIRECTORY
    };
    state.translations = translations(choices);
    state.gdtr = table(choices, GLOBAL_TABLE, DESCRIPTORS);
    state.idtr = if state.cr0 & 1 == 0 {
        TableRegister { base: 0, limit: 0xFF }
    } else {
        table(choices, INTERRUPT_TABLE, VECTORS)
    };
    state.ldtr = system(choices, 0x82, LOCAL_TABLE, DESCRIPTORS * 8 - 1);
    let task = choices.pick(&[0x8B, 0x8B, 0x83, 0x8B]);
    let base = TASKS + choices.below(4) * 0x100;
    let limit = choices.pick(&[0x67, 0x80, 0x2B, 0x20FF]);
    state.tr = system(choices, task, base, limit);
    debug_registers(&mut state, choices);
    state.is_halted = choices.once_in(32);
    state.is_nmi_blocked = choices.once_in(4);
    state.is_in_shadow = choices.once_in(8);
    state.masks_debug = state.is_in_shadow && choices.once_in(2);
    state.is_refilling = choices.once_in(2);
    state
}

fn table(choices: &mut Choices<'_>, base: u32, entries: u32) -> TableRegister {
    if choices.once_in(32) {
        return TableRegister {
            base: choices.dword(),
            limit: choices.word(),
        };
    }
    let limit = if choices.once_in(8) {
        choices.below(entries * 8)
    } else {
        entries * 8 - 1
    };
    TableRegister {
        base,
        limit: limit as u16,
    }
}

fn system(choices: &mut Choices<'_>, access: u16, base: u32, limit: u32) -> SegmentRegister {
    SegmentRegister {
        selector: (choices.below(DESCRIPTORS) << 3) as u16,
        base,
        limit,
        access,
    }
}

/// A processor in front of random code, with everything about it random.
pub(super) fn any(choices: &mut Choices<'_>) -> (State, Field) {
    let mut field = Field::new();
    let state = any_state(choices);
    let linear = state.segments[Segment::Cs as usize].base.wrapping_add(state.eip);
    // What is executed first comes first in a fuzzer's bytes.
    let first: Vec<u8> = (0..0x40).map(|_| code_byte(choices)).collect();
    write_tables(&mut field, choices);
    write_tasks(&mut field, choices);
    write_pages(&mut field, choices);
    let code: Vec<u8> = (0..CODE_BYTES).map(|_| code_byte(choices)).collect();
    field.set_bytes(CODE, &code);
    field.set_bytes(linear, &first);
    (state, field)
}

/// Access bytes of descriptors 1 to 4 of an orderly machine: code and data of level 0 and of level 3.
const FLAT: [u16; 4] = [0x9B, 0x93, 0xFB, 0xF3];
/// The descriptor of its task.
const TASK: u16 = 5;

fn write_orderly_tables(field: &mut Field, choices: &mut Choices<'_>) {
    for (number, access) in (1..).zip(FLAT) {
        field.set_dword(GLOBAL_TABLE + number * 8, 0xFFFF);
        field.set_dword(
            GLOBAL_TABLE + number * 8 + 4,
            0x00CF_0000 | u32::from(access) << 8,
        );
    }
    field.set_dword(GLOBAL_TABLE + u32::from(TASK) * 8, TASKS << 16 | 0x20FF);
    field.set_dword(GLOBAL_TABLE + u32::from(TASK) * 8 + 4, 0x8B00);
    field.set_dword(TASKS + 4, 0x8000);
    field.set_dword(TASKS + 8, 0x10);
    field.set_dword(TASKS + 0x64, 0x68 << 16);
    for vector in 0..VECTORS {
        let offset = CODE + choices.below(CODE_BYTES);
        let access = choices.pick(&[0x8E_u32, 0x8F, 0xEE, 0xEF]);
        field.set_dword(INTERRUPT_TABLE + vector * 8, 8 << 16 | offset & 0xFFFF);
        field.set_dword(
            INTERRUPT_TABLE + vector * 8 + 4,
            offset & 0xFFFF_0000 | access << 8,
        );
        field.set_dword(vector * 4, offset & 0x1FFF | (CODE >> 4) << 16);
    }
}

/// An orderly machine in one of six modes in front of any code.
pub(super) fn with_code(choices: &mut Choices<'_>) -> (State, Field) {
    let mode = choices.below(6);
    let mut field = Field::new();
    let mut state = State::after_reset();
    state.general = std::array::from_fn(|_| address(choices));
    state.general[4] = 0x9000;
    state.eip = CODE;
    let code: Vec<u8> = (0..CODE_BYTES).map(|_| choices.byte()).collect();
    field.set_bytes(CODE, &code);
    write_orderly_tables(&mut field, choices);
    state.privilege = if matches!(mode, 1 | 2) { 3 } else { 0 };
    let first = if state.privilege == 3 { 3 } else { 1 };
    let flat = |number: u16| SegmentRegister {
        selector: number << 3 | u16::from(state.privilege),
        base: 0,
        limit: u32::MAX,
        access: 0xC000 | FLAT[usize::from(number) - 1],
    };
    state.segments = [flat(first + 1); 6];
    state.segments[Segment::Cs as usize] = flat(first);
    state.gdtr = TableRegister {
        base: GLOBAL_TABLE,
        limit: 0xFF,
    };
    state.idtr = TableRegister {
        base: INTERRUPT_TABLE,
        limit: 0x1FF,
    };
    state.tr = SegmentRegister {
        selector: TASK << 3,
        base: TASKS,
        limit: 0x20FF,
        access: 0x8B,
    };
    state.cr0 = Control::PROTECTION.bits();
    match mode {
        0 => {
            state.cr0 = 0;
            state.idtr = TableRegister {
                base: 0,
                limit: 0x3FF,
            };
            enter_real(&mut state, choices);
        }
        2 => enter_virtual_8086(&mut state),
        3 => state.segments[Segment::Cs as usize].access &= !0x4000,
        4 => {
            write_pages(&mut field, choices);
            state.cr3 = DIRECTORY;
            state.cr0 |= Control::PAGING.bits();
        }
        _ => {}
    }
    (state, field)
}
