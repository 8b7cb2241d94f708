//! Interrupts and exceptions that cannot reach their handler.

use cpu::{Fault, Flags, Segment, Vector};

use crate::setup::{
    BEYOND, CODE_0, CODE_3, DATA_0, FREE, IDT, KERNEL_GATE, OTHER, OTHER_BASE, Setup, USER_GATE,
};
use crate::{
    CODE_1, IN_INTERRUPT_TABLE, JMP, OF_KERNEL_GATE, Row, check, gate_with_stack, gp, int, load_data,
    load_stack, np, ss, ts, with_code,
};

/// EXT of an error code: the processor was serving something other than the program.
const EXTERNAL: u16 = 1;

/// The error code that blames the gate.
const OF_USER_GATE: u16 = USER_GATE as u16 * 8 + IN_INTERRUPT_TABLE;

const DF: Fault = with_code(Vector::DoubleFault, 0);

/// An undefined opcode, whose gate leads to that target: an exception of no class, so that a second is no double fault.
fn undefined(setup: &mut Setup, target: u16, access: u8) {
    setup.interrupt_gate(6, target, 0x5000, access);
    setup.code(&[0x0F, 0xFF]);
}

/// INT from level 3 to level 1, whose stack is FREE.
fn int_with_stack(setup: &mut Setup, selector: u16, access: u16, esp: u32) {
    gate_with_stack(setup, selector, access, esp);
    int(setup, CODE_1, 0xEE);
}

// The page of INT, and PRM 9.5 to 9.7.
const INTERRUPTS: &[Row] = &[
    (
        "INT: beyond the table",
        |s| s.code(&[0xCD, 0x20]),
        gp(0x20 * 8 + IN_INTERRUPT_TABLE),
    ),
    ("INT: no gate", |s| int(s, CODE_0, 0x8C), gp(OF_USER_GATE)),
    ("INT: empty descriptor", |s| int(s, 0, 0), gp(OF_USER_GATE)),
    (
        "INT: a gate of an inner level",
        |s| {
            s.user();
            s.code(&[0xCD, KERNEL_GATE]);
        },
        gp(OF_KERNEL_GATE),
    ),
    (
        "INT 3: a gate of an inner level",
        |s| {
            s.user();
            s.code(&[0xCC]);
        },
        gp(3 * 8 + IN_INTERRUPT_TABLE),
    ),
    (
        "INTO: a gate of an inner level",
        |s| {
            s.user();
            s.state.eflags |= Flags::OVERFLOW.bits();
            s.code(&[0xCE]);
        },
        gp(4 * 8 + IN_INTERRUPT_TABLE),
    ),
    ("INT: not present", |s| int(s, CODE_0, 0x6E), np(OF_USER_GATE)),
    ("INT: to null", |s| int(s, 0, 0xEE), gp(0)),
    (
        "INT: beyond the global table",
        |s| int(s, BEYOND, 0xEE),
        gp(BEYOND),
    ),
    ("INT: to data", |s| int(s, DATA_0, 0xEE), gp(DATA_0)),
    (
        "INT: to an outer level",
        |s| int(s, CODE_3, 0xEE),
        gp(CODE_3 & !3),
    ),
    (
        "INT: to code that is not present",
        |s| {
            s.segment(FREE, 0, 0xFFFF, 0x401A);
            int(s, FREE, 0xEE);
        },
        np(FREE),
    ),
    (
        "INT: beyond its code's limit",
        |s| {
            s.segment(FREE, 0, 0x4FFF, 0x409A);
            int(s, FREE, 0xEE);
        },
        gp(0),
    ),
    (
        "INT: inner stack null",
        |s| int_with_stack(s, 0, 0xB2, 0x6000),
        ts(0),
    ),
    (
        "INT: inner stack beyond the table",
        |s| int_with_stack(s, BEYOND | 1, 0xB2, 0x6000),
        ts(BEYOND),
    ),
    (
        "INT: inner stack with the wrong RPL",
        |s| int_with_stack(s, FREE, 0xB2, 0x6000),
        ts(FREE),
    ),
    (
        "INT: inner stack with the wrong DPL",
        |s| int_with_stack(s, FREE | 1, 0xD2, 0x6000),
        ts(FREE),
    ),
    (
        "INT: inner stack cannot be written",
        |s| int_with_stack(s, FREE | 1, 0xB0, 0x6000),
        ts(FREE),
    ),
    (
        "INT: inner stack not present",
        |s| int_with_stack(s, FREE | 1, 0x32, 0x6000),
        ss(FREE),
    ),
    (
        "INT: inner stack without room",
        |s| int_with_stack(s, FREE | 1, 0x40B2, 16),
        ss(FREE),
    ),
    (
        "an exception: no gate",
        |s| undefined(s, CODE_0, 0x8C),
        gp(6 * 8 + IN_INTERRUPT_TABLE + EXTERNAL),
    ),
    (
        "an exception: not present",
        |s| undefined(s, CODE_0, 0x0E),
        np(6 * 8 + IN_INTERRUPT_TABLE + EXTERNAL),
    ),
    ("an exception: to null", |s| undefined(s, 0, 0x8E), gp(EXTERNAL)),
    (
        "an exception: to data",
        |s| undefined(s, DATA_0, 0x8E),
        gp(DATA_0 | EXTERNAL),
    ),
    (
        "an exception: to code that is not present",
        |s| {
            s.segment(FREE, 0, 0xFFFF, 0x401A);
            undefined(s, FREE, 0x8E);
        },
        np(FREE | EXTERNAL),
    ),
    (
        "an exception: inner stack null",
        |s| {
            int_with_stack(s, 0, 0xB2, 0x6000);
            undefined(s, CODE_1, 0x8E);
        },
        ts(EXTERNAL),
    ),
    (
        "an exception: inner stack not present",
        |s| {
            int_with_stack(s, FREE | 1, 0x32, 0x6000);
            undefined(s, CODE_1, 0x8E);
        },
        ss(FREE | EXTERNAL),
    ),
    (
        "an exception: to a task that is not present",
        |s| {
            s.segment(OTHER, OTHER_BASE, 0x67, 0x09);
            undefined(s, OTHER, 0x85);
        },
        np(OTHER | EXTERNAL),
    ),
];

/// What happens when the handler of a first fault cannot be reached (PRM table 9-3).
const DOUBLE_FAULTS: &[Row] = &[
    (
        "a divide error, then not present",
        |s| {
            s.interrupt_gate(0, CODE_0, 0, 0x0E);
            s.code(&[0xD4, 0]);
        },
        DF,
    ),
    (
        "a protection fault, then not present",
        |s| {
            s.interrupt_gate(13, CODE_0, 0, 0x0E);
            s.load(Segment::Ds, BEYOND);
        },
        DF,
    ),
    (
        "not present, then a protection fault",
        |s| {
            s.interrupt_gate(11, DATA_0, 0, 0x8E);
            load_data(s, 0x12, 0);
        },
        DF,
    ),
    (
        "a stack fault, then not present",
        |s| {
            s.interrupt_gate(12, CODE_0, 0, 0x0E);
            load_stack(s, 0x12, 0);
        },
        DF,
    ),
    (
        "an invalid TSS, then not present",
        |s| {
            s.interrupt_gate(10, CODE_0, 0, 0x0E);
            s.segment(OTHER, OTHER_BASE, 0x66, 0x89);
            s.far(JMP, OTHER, 0);
        },
        DF,
    ),
    (
        "a page fault, then not present",
        |s| {
            s.paging();
            s.page(5, 0);
            s.interrupt_gate(14, CODE_0, 0, 0x0E);
            s.code(&[0xA1, 0, 0x50, 0, 0]);
        },
        DF,
    ),
    (
        "a page fault, then a page fault",
        |s| {
            s.paging();
            s.page(5, 0);
            // The table's descriptors above vector 13 lie in another page than those up to it, which is not there.
            s.state.idtr.base = 0xA_1000 - 14 * 8;
            s.page(0xA1, 0);
            s.copy(IDT, 0xA_1000 - 14 * 8, 14 * 8);
            s.code(&[0xA1, 0, 0x50, 0, 0]);
        },
        DF,
    ),
];

#[test]
fn interrupts_and_exceptions_blame_gate_and_target_as_the_manual_lists() {
    check(INTERRUPTS);
}

#[test]
fn two_faults_in_a_row_make_a_double_fault_as_the_manual_lists() {
    check(DOUBLE_FAULTS);
}
