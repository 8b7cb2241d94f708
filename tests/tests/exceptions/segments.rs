//! Loads of segment and system registers, and accesses through them.

use cpu::{Fault, Register, Segment, Vector};

use crate::setup::{BEYOND, CODE, CODE_0, DATA_0, FREE, LOCAL, OTHER, Setup, TASK};
use crate::{IN_LOCAL, Row, UD, check, gp, load_data, load_stack, np, plain, ss, stack};

const NM: Fault = plain(Vector::NoCoprocessor);

// PRM 6.3, 9.8.11 to 9.8.13, and the page of MOV.
const SEGMENT_LOADS: &[Row] = &[
    (
        "DS: beyond the global table",
        |s| s.load(Segment::Ds, BEYOND | 3),
        gp(BEYOND),
    ),
    (
        "DS: beyond the local table",
        |s| s.load(Segment::Ds, BEYOND | 4),
        gp(BEYOND | 4),
    ),
    (
        "DS: partly beyond the table",
        |s| {
            s.state.gdtr.limit = FREE + 6;
            load_data(s, 0x92, 0);
        },
        gp(FREE),
    ),
    (
        "DS: a local descriptor without a local table",
        |s| {
            s.state.ldtr = Default::default();
            s.load(Segment::Ds, IN_LOCAL);
        },
        gp(IN_LOCAL),
    ),
    ("DS: a task", |s| s.load(Segment::Ds, OTHER), gp(OTHER)),
    ("DS: a local table", |s| s.load(Segment::Ds, LOCAL), gp(LOCAL)),
    ("DS: a gate", |s| load_data(s, 0x8C, 0), gp(FREE)),
    (
        "DS: code that cannot be read",
        |s| load_data(s, 0x98, 0),
        gp(FREE),
    ),
    (
        "DS: conforming code that cannot be read",
        |s| load_data(s, 0x9C, 0),
        gp(FREE),
    ),
    ("DS: RPL beyond DPL", |s| load_data(s, 0x92, 1), gp(FREE)),
    (
        "DS: CPL beyond DPL",
        |s| {
            s.user();
            load_data(s, 0xD2, 0);
        },
        gp(FREE),
    ),
    (
        "DS: code of an inner level",
        |s| {
            s.user();
            load_data(s, 0x9A, 0);
        },
        gp(FREE),
    ),
    ("DS: not present", |s| load_data(s, 0x12, 0), np(FREE)),
    (
        "DS: not present and in the local table",
        |s| {
            s.segment(IN_LOCAL, 0, 0xFFFF, 0x12);
            s.load(Segment::Ds, IN_LOCAL);
        },
        np(IN_LOCAL),
    ),
    (
        "ES by POP: not present",
        |s| {
            s.segment(FREE, 0, 0, 0x12);
            s.stack(&[FREE.into()]);
            s.code(&[0x07]);
        },
        np(FREE),
    ),
    (
        "LDS: beyond the table",
        |s| {
            s.dword(0x5000, 0);
            s.dword(0x5004, BEYOND.into());
            s.code(&[0xC5, 0x05, 0, 0x50, 0, 0]);
        },
        gp(BEYOND),
    ),
    (
        "LGS: not present",
        |s| {
            s.segment(FREE, 0, 0, 0x12);
            s.dword(0x5004, FREE.into());
            s.code(&[0x0F, 0xB5, 0x05, 0, 0x50, 0, 0]);
        },
        np(FREE),
    ),
    ("SS: null", |s| s.load(Segment::Ss, 0), gp(0)),
    (
        "SS: null with RPL",
        |s| {
            s.user();
            s.load(Segment::Ss, 3);
        },
        gp(0),
    ),
    (
        "SS: beyond the table",
        |s| s.load(Segment::Ss, BEYOND),
        gp(BEYOND),
    ),
    ("SS: RPL is not CPL", |s| load_stack(s, 0x92, 3), gp(FREE)),
    ("SS: DPL is not CPL", |s| load_stack(s, 0xF2, 0), gp(FREE)),
    (
        "SS: RPL is not CPL at level 3",
        |s| {
            s.user();
            load_stack(s, 0xF2, 0);
        },
        gp(FREE),
    ),
    (
        "SS: data that cannot be written",
        |s| load_stack(s, 0x90, 0),
        gp(FREE),
    ),
    ("SS: code", |s| load_stack(s, 0x9A, 0), gp(FREE)),
    ("SS: a task", |s| s.load(Segment::Ss, OTHER), gp(OTHER)),
    ("SS: not present", |s| load_stack(s, 0x12, 0), ss(FREE)),
    (
        "SS by POP: not present",
        |s| {
            s.segment(FREE, 0, 0, 0x12);
            s.stack(&[FREE.into()]);
            s.code(&[0x17]);
        },
        ss(FREE),
    ),
    (
        "LSS: not present",
        |s| {
            s.segment(FREE, 0, 0, 0x12);
            s.dword(0x5004, FREE.into());
            s.code(&[0x0F, 0xB2, 0x05, 0, 0x50, 0, 0]);
        },
        ss(FREE),
    ),
    (
        "LSS: null",
        |s| {
            s.dword(0x5004, 0);
            s.code(&[0x0F, 0xB2, 0x05, 0, 0x50, 0, 0]);
        },
        gp(0),
    ),
    (
        "FS by POP: RPL beyond DPL",
        |s| {
            s.segment(FREE, 0, 0, 0x92);
            s.stack(&[(FREE | 3).into()]);
            s.code(&[0x0F, 0xA1]);
        },
        gp(FREE),
    ),
    (
        "SS: conforming code that can be read",
        |s| load_stack(s, 0x9E, 0),
        gp(FREE),
    ),
    ("MOV to CS", |s| s.load(Segment::Cs, CODE_0), UD),
    ("MOV to a seventh segment register", |s| s.code(&[0x8E, 0xF0]), UD),
    ("LDS from a register", |s| s.code(&[0xC5, 0xC0]), UD),
];

/// LLDT AX or LTR AX.
fn load_system(setup: &mut Setup, modrm: u8, selector: u16) {
    setup.set(Register::Eax, selector.into());
    setup.code(&[0x0F, 0x00, modrm]);
}

const LLDT: u8 = 0xD0;
const LTR: u8 = 0xD8;

const SYSTEM_REGISTER_LOADS: &[Row] = &[
    (
        "LLDT at level 3",
        |s| {
            s.user();
            load_system(s, LLDT, LOCAL);
        },
        gp(0),
    ),
    (
        "LLDT: in the local table",
        |s| load_system(s, LLDT, IN_LOCAL),
        gp(IN_LOCAL),
    ),
    (
        "LLDT: beyond the table",
        |s| load_system(s, LLDT, BEYOND),
        gp(BEYOND),
    ),
    ("LLDT: data", |s| load_system(s, LLDT, DATA_0), gp(DATA_0)),
    ("LLDT: a task", |s| load_system(s, LLDT, OTHER), gp(OTHER)),
    (
        "LLDT: not present",
        |s| {
            s.segment(FREE, 0, 7, 0x02);
            load_system(s, LLDT, FREE);
        },
        np(FREE),
    ),
    (
        "LTR at level 3",
        |s| {
            s.user();
            load_system(s, LTR, OTHER);
        },
        gp(0),
    ),
    ("LTR: null", |s| load_system(s, LTR, 0), gp(0)),
    (
        "LTR: in the local table",
        |s| load_system(s, LTR, IN_LOCAL),
        gp(IN_LOCAL),
    ),
    (
        "LTR: beyond the table",
        |s| load_system(s, LTR, BEYOND),
        gp(BEYOND),
    ),
    ("LTR: a local table", |s| load_system(s, LTR, LOCAL), gp(LOCAL)),
    ("LTR: a busy task", |s| load_system(s, LTR, TASK), gp(TASK)),
    (
        "LTR: not present",
        |s| {
            s.segment(FREE, 0, 0x67, 0x09);
            load_system(s, LTR, FREE);
        },
        np(FREE),
    ),
    (
        "LGDT at level 3",
        |s| {
            s.user();
            s.code(&[0x0F, 0x01, 0x10]);
        },
        gp(0),
    ),
    (
        "LIDT at level 3",
        |s| {
            s.user();
            s.code(&[0x0F, 0x01, 0x18]);
        },
        gp(0),
    ),
    ("LGDT from a register", |s| s.code(&[0x0F, 0x01, 0xD0]), UD),
    ("SIDT to a register", |s| s.code(&[0x0F, 0x01, 0xC8]), UD),
    (
        "LMSW at level 3",
        |s| {
            s.user();
            s.code(&[0x0F, 0x01, 0xF0]);
        },
        gp(0),
    ),
    (
        "CLTS at level 3",
        |s| {
            s.user();
            s.code(&[0x0F, 0x06]);
        },
        gp(0),
    ),
    (
        "MOV from CR0 at level 3",
        |s| {
            s.user();
            s.code(&[0x0F, 0x20, 0xC0]);
        },
        gp(0),
    ),
    (
        "MOV to CR3 at level 3",
        |s| {
            s.user();
            s.code(&[0x0F, 0x22, 0xD8]);
        },
        gp(0),
    ),
    (
        "MOV to DR7 at level 3",
        |s| {
            s.user();
            s.code(&[0x0F, 0x23, 0xF8]);
        },
        gp(0),
    ),
    (
        "MOV to TR6 at level 3",
        |s| {
            s.user();
            s.code(&[0x0F, 0x26, 0xF0]);
        },
        gp(0),
    ),
    ("MOV to CR1", |s| s.code(&[0x0F, 0x22, 0xC8]), UD),
    (
        "MOV to CR0 with PG and without PE",
        |s| {
            s.set(Register::Eax, 0x8000_0000);
            s.code(&[0x0F, 0x22, 0xC0]);
        },
        gp(0),
    ),
    ("MOV to TR5", |s| s.code(&[0x0F, 0x26, 0xE8]), UD),
    (
        "MOV from TR7 at level 3",
        |s| {
            s.user();
            s.code(&[0x0F, 0x24, 0xF8]);
        },
        gp(0),
    ),
    (
        "MOV from DR6 at level 3",
        |s| {
            s.user();
            s.code(&[0x0F, 0x21, 0xF0]);
        },
        gp(0),
    ),
    (
        "MOV from a debug register with GD",
        |s| {
            s.state.debug[7] = 1 << 13;
            s.code(&[0x0F, 0x21, 0xC0]);
        },
        plain(Vector::Debug),
    ),
    (
        "HLT at level 3",
        |s| {
            s.user();
            s.code(&[0xF4]);
        },
        gp(0),
    ),
    (
        "CLI without IOPL",
        |s| {
            s.user();
            s.code(&[0xFA]);
        },
        gp(0),
    ),
    (
        "STI without IOPL",
        |s| {
            s.user();
            s.code(&[0xFB]);
        },
        gp(0),
    ),
    (
        "IN without IOPL and map",
        |s| {
            s.user();
            s.code(&[0xEC]);
        },
        gp(0),
    ),
    (
        "OUT without IOPL and map",
        |s| {
            s.user();
            s.code(&[0xE6, 0x80]);
        },
        gp(0),
    ),
    (
        "INSB without IOPL and map",
        |s| {
            s.user();
            s.code(&[0x6C]);
        },
        gp(0),
    ),
    (
        "OUTSD without IOPL and map",
        |s| {
            s.user();
            s.code(&[0x6F]);
        },
        gp(0),
    ),
];

/// An instruction on memory that FS describes.
fn access(setup: &mut Setup, limit: u32, access: u16, code: &[u8]) {
    let register = &mut setup.state.segments[Segment::Fs as usize];
    *register = cpu::SegmentRegister {
        selector: FREE,
        base: 0x5000,
        limit,
        access,
    };
    setup.code(code);
}

const MOV_EAX_FS_100: &[u8] = &[0x64, 0xA1, 0, 1, 0, 0];
const MOV_FS_100_EAX: &[u8] = &[0x64, 0xA3, 0, 1, 0, 0];
const FADD_FS_100: &[u8] = &[0x64, 0xD8, 0x05, 0, 1, 0, 0];
const MOV_EAX_EBP: &[u8] = &[0x8B, 0x45, 0x00];

// PRM 6.3.1 and 9.8.12, 9.8.13.
const ACCESSES: &[Row] = &[
    (
        "a read beyond the limit",
        |s| access(s, 0x102, 0x4093, MOV_EAX_FS_100),
        gp(0),
    ),
    (
        "a write beyond the limit",
        |s| access(s, 0x102, 0x4093, MOV_FS_100_EAX),
        gp(0),
    ),
    (
        "a read in the hole of data that expands down",
        |s| access(s, 0x100, 0x4097, MOV_EAX_FS_100),
        gp(0),
    ),
    (
        "a read above 64 KB of small data that expands down",
        |s| access(s, 0, 0x0097, &[0x64, 0xA1, 0xFE, 0xFF, 0, 0]),
        gp(0),
    ),
    (
        "a write to data that can only be read",
        |s| access(s, 0xFFFF, 0x4091, MOV_FS_100_EAX),
        gp(0),
    ),
    (
        "a write to code",
        |s| access(s, 0xFFFF, 0x409B, MOV_FS_100_EAX),
        gp(0),
    ),
    (
        "a read of code that can only be executed",
        |s| access(s, 0xFFFF, 0x4099, MOV_EAX_FS_100),
        gp(0),
    ),
    (
        "a write through CS",
        |s| s.code(&[0x2E, 0xA3, 0, 0x50, 0, 0]),
        gp(0),
    ),
    (
        "a change of data that can only be read",
        |s| access(s, 0xFFFF, 0x4091, &[0x64, 0xFF, 0x00]),
        gp(0),
    ),
    (
        "a read through a null selector",
        |s| access(s, 0, 0, MOV_EAX_FS_100),
        gp(0),
    ),
    (
        "a read of the stack segment beyond its limit",
        |s| stack(s, 0xFFFF, 0x40F3, 0xFFFE, MOV_EAX_EBP),
        ss(0),
    ),
    (
        "a read below a stack that expands down",
        |s| stack(s, 0x7FFF, 0x40F7, 0x7000, MOV_EAX_EBP),
        ss(0),
    ),
    (
        "a push beyond the limit",
        |s| {
            stack(s, 0x8000, 0x40F3, 0, &[0x50]);
            s.set(Register::Esp, 0x9000);
        },
        ss(0),
    ),
    (
        "a pop beyond the limit",
        |s| {
            stack(s, 0x8002, 0x40F3, 0, &[0x58]);
            s.set(Register::Esp, 0x8000);
        },
        ss(0),
    ),
    (
        "PUSHA of which a part is beyond the limit",
        |s| {
            stack(s, 0x7FFF, 0x40F7, 0, &[0x60]);
            s.set(Register::Esp, 0x8010);
        },
        ss(0),
    ),
    (
        "POPA of which a part is beyond the limit",
        |s| {
            stack(s, 0x8010, 0x40F3, 0, &[0x61]);
            s.set(Register::Esp, 0x8000);
        },
        ss(0),
    ),
    (
        "ENTER beyond the limit",
        |s| {
            stack(s, 0x7FFF, 0x40F7, 0, &[0xC8, 4, 0, 0]);
            s.set(Register::Esp, 0x8000);
        },
        ss(0),
    ),
    (
        "LEAVE beyond the limit",
        |s| stack(s, 0x7FFF, 0x40F3, 0x7FFE, &[0xC9]),
        ss(0),
    ),
    (
        "a near jump beyond the limit",
        |s| {
            s.state.segments[1].limit = CODE + 0x100;
            s.code(&[0xE9, 0, 1, 0, 0]);
        },
        gp(0),
    ),
    (
        "a near call beyond the limit",
        |s| {
            s.state.segments[1].limit = CODE + 0x100;
            s.code(&[0xE8, 0, 1, 0, 0]);
        },
        gp(0),
    ),
    (
        "a near return beyond the limit",
        |s| {
            s.state.segments[1].limit = CODE + 0x100;
            s.stack(&[CODE + 0x101]);
            s.code(&[0xC3]);
        },
        gp(0),
    ),
    (
        "an instruction of which a part is beyond the limit",
        |s| {
            s.state.segments[1].limit = CODE + 1;
            s.code(&[0xB8, 1, 0, 0, 0]);
        },
        gp(0),
    ),
    ("an instruction of 16 bytes", |s| s.code(&[0x3E; 16]), gp(0)),
    ("LOCK before what takes none", |s| s.code(&[0xF0, 0x8B, 0x00]), UD),
    ("an opcode that is none", |s| s.code(&[0x0F, 0xFF]), UD),
    (
        "BOUND outside the bounds",
        |s| {
            s.dword(0x5000, 5);
            s.dword(0x5004, 6);
            s.code(&[0x62, 0x05, 0, 0x50, 0, 0]);
        },
        plain(Vector::BoundRange),
    ),
    ("BOUND of a register", |s| s.code(&[0x62, 0xC0]), UD),
    (
        "DIV by zero",
        |s| {
            s.set(Register::Ecx, 0);
            s.code(&[0xF7, 0xF1]);
        },
        plain(Vector::DivideError),
    ),
    (
        "IDIV whose quotient is too large",
        |s| {
            s.set(Register::Edx, 0x7000_0000);
            s.code(&[0xF7, 0xF9]);
        },
        plain(Vector::DivideError),
    ),
    ("AAM by zero", |s| s.code(&[0xD4, 0]), plain(Vector::DivideError)),
    (
        "an escape with EM",
        |s| {
            s.state.cr0 |= 4;
            s.code(&[0xD9, 0xC0]);
        },
        NM,
    ),
    (
        "an escape with TS",
        |s| {
            s.state.cr0 |= 8;
            s.code(&[0xD9, 0xC0]);
        },
        NM,
    ),
    (
        "an escape whose first doubleword is beyond the limit",
        |s| {
            access(s, 0x102, 0x4093, FADD_FS_100);
        },
        gp(0),
    ),
    (
        "an escape with EM whose operand is beyond the limit",
        |s| {
            access(s, 0x102, 0x4093, FADD_FS_100);
            s.state.cr0 |= 4;
        },
        NM,
    ),
    (
        "WAIT with MP and TS",
        |s| {
            s.state.cr0 |= 10;
            s.code(&[0x9B]);
        },
        NM,
    ),
];

#[test]
fn loads_of_segment_registers_fault_as_the_manual_lists() {
    check(SEGMENT_LOADS);
}

#[test]
fn system_instructions_fault_as_the_manual_lists() {
    check(SYSTEM_REGISTER_LOADS);
}

#[test]
fn accesses_and_plain_instructions_fault_as_the_manual_lists() {
    check(ACCESSES);
}
