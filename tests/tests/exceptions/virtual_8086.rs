//! Virtual 8086 mode.

use cpu::Register;

use crate::setup::{CODE, CODE_3, FREE, KERNEL_GATE, Setup, USER_GATE};
use crate::{IN_INTERRUPT_TABLE, IRETD, OF_KERNEL_GATE, Row, UD, check, gp, int, ss};

/// An instruction of virtual 8086 mode.
fn virtual_8086(setup: &mut Setup, io_privilege: u32, code: &[u8]) {
    setup.virtual_8086(io_privilege);
    setup.code(code);
}

// PRM chapter 15.
const VIRTUAL_8086: &[Row] = &[
    ("CLI", |s| virtual_8086(s, 2, &[0xFA]), gp(0)),
    ("STI", |s| virtual_8086(s, 2, &[0xFB]), gp(0)),
    ("PUSHF", |s| virtual_8086(s, 2, &[0x9C]), gp(0)),
    ("PUSHFD", |s| virtual_8086(s, 2, &[0x66, 0x9C]), gp(0)),
    ("POPF", |s| virtual_8086(s, 2, &[0x9D]), gp(0)),
    ("INT n", |s| virtual_8086(s, 2, &[0xCD, USER_GATE]), gp(0)),
    ("INT 3 by two bytes", |s| virtual_8086(s, 2, &[0xCD, 3]), gp(0)),
    ("IRET", |s| virtual_8086(s, 2, &[0xCF]), gp(0)),
    ("IRETD", |s| virtual_8086(s, 2, &[0x66, 0xCF]), gp(0)),
    (
        "IN without a map, with IOPL 3",
        |s| virtual_8086(s, 3, &[0xE4, 0x80]),
        gp(0),
    ),
    (
        "OUT without a map, with IOPL 3",
        |s| virtual_8086(s, 3, &[0xEF]),
        gp(0),
    ),
    ("INSB without a map", |s| virtual_8086(s, 3, &[0x6C]), gp(0)),
    ("HLT", |s| virtual_8086(s, 3, &[0xF4]), gp(0)),
    ("LGDT", |s| virtual_8086(s, 3, &[0x0F, 0x01, 0x16, 0, 0]), gp(0)),
    ("LMSW", |s| virtual_8086(s, 3, &[0x0F, 0x01, 0xF0]), gp(0)),
    ("CLTS", |s| virtual_8086(s, 3, &[0x0F, 0x06]), gp(0)),
    ("MOV from CR0", |s| virtual_8086(s, 3, &[0x0F, 0x20, 0xC0]), gp(0)),
    ("MOV to DR7", |s| virtual_8086(s, 3, &[0x0F, 0x23, 0xF8]), gp(0)),
    ("SLDT", |s| virtual_8086(s, 3, &[0x0F, 0x00, 0xC0]), UD),
    ("STR", |s| virtual_8086(s, 3, &[0x0F, 0x00, 0xC8]), UD),
    ("LLDT", |s| virtual_8086(s, 3, &[0x0F, 0x00, 0xD0]), UD),
    ("LTR", |s| virtual_8086(s, 3, &[0x0F, 0x00, 0xD8]), UD),
    ("VERR", |s| virtual_8086(s, 3, &[0x0F, 0x00, 0xE0]), UD),
    ("VERW", |s| virtual_8086(s, 3, &[0x0F, 0x00, 0xE8]), UD),
    ("LAR", |s| virtual_8086(s, 3, &[0x0F, 0x02, 0xC0]), UD),
    ("LSL", |s| virtual_8086(s, 3, &[0x0F, 0x03, 0xC0]), UD),
    ("ARPL", |s| virtual_8086(s, 3, &[0x63, 0xC0]), UD),
    (
        "a word at offset FFFFh",
        |s| virtual_8086(s, 3, &[0xA1, 0xFF, 0xFF]),
        gp(0),
    ),
    (
        "a byte above offset FFFFh",
        |s| virtual_8086(s, 3, &[0x67, 0xA0, 0, 0, 1, 0]),
        gp(0),
    ),
    (
        "a word at offset FFFFh of the stack",
        |s| {
            virtual_8086(s, 3, &[0x8B, 0x46, 0]);
            s.set(Register::Ebp, 0xFFFF);
        },
        ss(0),
    ),
    (
        "a jump beyond 64 KB",
        |s| virtual_8086(s, 3, &[0x66, 0xE9, 0, 0, 1, 0]),
        gp(0),
    ),
    (
        "INT n to conforming code",
        |s| {
            virtual_8086(s, 3, &[]);
            s.segment(FREE, 0, 0xF_FFFF, 0xC09F);
            int(s, FREE, 0xEE);
        },
        gp(FREE),
    ),
    (
        "INT n to level 1",
        |s| {
            virtual_8086(s, 3, &[]);
            s.segment(FREE, 0, 0xF_FFFF, 0xC0BB);
            int(s, FREE, 0xEE);
        },
        gp(FREE),
    ),
    (
        "INT n to level 3",
        |s| {
            virtual_8086(s, 3, &[]);
            int(s, CODE_3, 0xEE);
        },
        gp(CODE_3 & !3),
    ),
    (
        "INT n to a gate of an inner level",
        |s| virtual_8086(s, 3, &[0xCD, KERNEL_GATE]),
        gp(OF_KERNEL_GATE),
    ),
    (
        "INT 3 to a gate of an inner level",
        |s| virtual_8086(s, 0, &[0xCC]),
        gp(3 * 8 + IN_INTERRUPT_TABLE),
    ),
    (
        "INTO to a gate of an inner level",
        |s| {
            virtual_8086(s, 0, &[0xCE]);
            s.state.eflags |= cpu::Flags::OVERFLOW.bits();
        },
        gp(4 * 8 + IN_INTERRUPT_TABLE),
    ),
    (
        "an exception to level 1",
        |s| {
            virtual_8086(s, 3, &[0x0F, 0xFF]);
            s.segment(FREE, 0, 0xF_FFFF, 0xC0BB);
            s.interrupt_gate(6, FREE, 0x5000, 0x8E);
        },
        gp(FREE | 1),
    ),
    (
        "an exception to conforming code",
        |s| {
            virtual_8086(s, 3, &[0x0F, 0xFF]);
            s.segment(FREE, 0, 0xF_FFFF, 0xC09F);
            s.interrupt_gate(6, FREE, 0x5000, 0x8E);
        },
        gp(FREE | 1),
    ),
    ("MOV from TR6", |s| virtual_8086(s, 3, &[0x0F, 0x24, 0xF0]), gp(0)),
    (
        "an instruction that ends beyond offset FFFFh",
        |s| {
            virtual_8086(s, 3, &[]);
            s.state.eip = 0xFFFF;
            s.bytes(CODE + 0xFFFF, &[0xB8]);
        },
        gp(0),
    ),
    (
        "IRETD into virtual 8086 mode beyond 64 KB",
        |s| {
            s.stack(&[0x1_0000, 0x1000, 0x2_0002, 0, 0, 0, 0, 0, 0]);
            s.code(&[IRETD]);
        },
        gp(0),
    ),
];

#[test]
fn virtual_8086_mode_faults_as_the_manual_lists() {
    check(VIRTUAL_8086);
}
