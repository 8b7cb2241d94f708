//! Far jumps, calls and returns: code segments, call gates and the stacks that they bring.

use cpu::{Fault, Register};

use crate::setup::{BEYOND, CODE, CODE_0, CODE_3, DATA_0, DATA_3, FREE, GATE, LOCAL, OTHER, Setup, TASK};
use crate::{CALL, IRETD, JMP, Row, UD, check, gate_with_stack, gp, np, ss, stack, ts};

const RETF: u8 = 0xCB;

/// A far transfer to a descriptor of that access.
fn transfer(setup: &mut Setup, opcode: u8, access: u16, rpl: u16) {
    setup.segment(FREE, 0, 0xFFFF, access);
    setup.far(opcode, FREE | rpl, 0x5000);
}

// The pages of JMP and CALL.
const FAR_TRANSFERS: &[Row] = &[
    ("JMP: null", |s| s.far(JMP, 0, 0x5000), gp(0)),
    (
        "JMP: beyond the table",
        |s| s.far(JMP, BEYOND, 0x5000),
        gp(BEYOND),
    ),
    ("JMP: data", |s| transfer(s, JMP, 0x92, 0), gp(FREE)),
    ("JMP: a local table", |s| s.far(JMP, LOCAL, 0), gp(LOCAL)),
    ("JMP: an interrupt gate", |s| transfer(s, JMP, 0x8E, 0), gp(FREE)),
    ("JMP: RPL beyond CPL", |s| transfer(s, JMP, 0x409A, 1), gp(FREE)),
    ("JMP: DPL beyond CPL", |s| transfer(s, JMP, 0x40FA, 0), gp(FREE)),
    (
        "JMP: DPL below CPL",
        |s| {
            s.user();
            transfer(s, JMP, 0x409A, 3);
        },
        gp(FREE),
    ),
    (
        "JMP: conforming code with DPL beyond CPL",
        |s| transfer(s, JMP, 0x40FE, 0),
        gp(FREE),
    ),
    ("JMP: not present", |s| transfer(s, JMP, 0x401A, 0), np(FREE)),
    (
        "JMP: beyond the code's limit",
        |s| {
            s.segment(FREE, 0, 0x4FFF, 0x409A);
            s.far(JMP, FREE, 0x5000);
        },
        gp(0),
    ),
    ("JMP from a register", |s| s.code(&[0xFF, 0xE8]), UD),
    ("CALL: null", |s| s.far(CALL, 3, 0x5000), gp(0)),
    (
        "CALL: beyond the table",
        |s| s.far(CALL, BEYOND, 0x5000),
        gp(BEYOND),
    ),
    ("CALL: data", |s| transfer(s, CALL, 0x92, 0), gp(FREE)),
    ("CALL: DPL is not CPL", |s| transfer(s, CALL, 0x40FA, 0), gp(FREE)),
    ("CALL: not present", |s| transfer(s, CALL, 0x401A, 0), np(FREE)),
    (
        "CALL: beyond the code's limit",
        |s| {
            s.segment(FREE, 0, 0x4FFF, 0x409A);
            s.far(CALL, FREE, 0x5000);
        },
        gp(0),
    ),
    (
        "CALL: no room for the return address",
        |s| {
            stack(s, 0x7FFF, 0x40F7, 0, &[]);
            s.set(Register::Esp, 0x8004);
            s.far(CALL, CODE_3, CODE);
        },
        ss(0),
    ),
    ("CALL from a register", |s| s.code(&[0xFF, 0xD8]), UD),
];

/// A call gate with that target, from level 3.
fn gate(setup: &mut Setup, opcode: u8, target: u16, access: u8) {
    setup.user();
    setup.gate(GATE, target, access, 0);
    setup.far(opcode, GATE | 3, 0);
}

const CALL_GATES: &[Row] = &[
    (
        "a gate of an inner level",
        |s| gate(s, CALL, CODE_0, 0x8C),
        gp(GATE),
    ),
    (
        "a gate whose DPL is below RPL",
        |s| {
            s.gate(GATE, CODE_0, 0x8C, 0);
            s.far(CALL, GATE | 1, 0);
        },
        gp(GATE),
    ),
    (
        "a gate that is not present",
        |s| gate(s, CALL, CODE_0, 0x6C),
        np(GATE),
    ),
    (
        "a gate of an inner level that is not present",
        |s| gate(s, CALL, CODE_0, 0x0C),
        gp(GATE),
    ),
    ("a gate to null", |s| gate(s, CALL, 0, 0xEC), gp(0)),
    (
        "a gate beyond the table",
        |s| gate(s, CALL, BEYOND, 0xEC),
        gp(BEYOND),
    ),
    ("a gate to data", |s| gate(s, CALL, DATA_0, 0xEC), gp(DATA_0)),
    ("a gate to a task", |s| gate(s, CALL, OTHER, 0xEC), gp(OTHER)),
    (
        "a gate to an outer level",
        |s| {
            s.gate(GATE, CODE_3, 0xEC, 0);
            s.far(CALL, GATE, 0);
        },
        gp(CODE_3 & !3),
    ),
    (
        "a gate to code that is not present",
        |s| {
            gate(s, CALL, FREE, 0xEC);
            s.segment(FREE, 0, 0xFFFF, 0x401A);
        },
        np(FREE),
    ),
    (
        "a gate beyond its code's limit",
        |s| {
            gate(s, CALL, FREE, 0xEC);
            s.segment(FREE, 0, 0x4FFF, 0x40FA);
        },
        gp(0),
    ),
    (
        "JMP through a gate to an inner level",
        |s| gate(s, JMP, CODE_0, 0xEC),
        gp(CODE_0),
    ),
    (
        "JMP through a gate of an inner level",
        |s| gate(s, JMP, CODE_3, 0x8C),
        gp(GATE),
    ),
    (
        "JMP through a gate that is not present",
        |s| gate(s, JMP, CODE_3, 0x6C),
        np(GATE),
    ),
    (
        "inner stack: null",
        |s| gate_with_stack(s, 0, 0xB2, 0x6000),
        ts(0),
    ),
    (
        "inner stack: beyond the table",
        |s| gate_with_stack(s, BEYOND | 1, 0xB2, 0x6000),
        ts(BEYOND),
    ),
    (
        "inner stack: RPL is not the new CPL",
        |s| gate_with_stack(s, FREE | 2, 0xB2, 0x6000),
        ts(FREE),
    ),
    (
        "inner stack: DPL is not the new CPL",
        |s| gate_with_stack(s, FREE | 1, 0x92, 0x6000),
        ts(FREE),
    ),
    (
        "inner stack: cannot be written",
        |s| gate_with_stack(s, FREE | 1, 0xB0, 0x6000),
        ts(FREE),
    ),
    (
        "inner stack: code",
        |s| gate_with_stack(s, FREE | 1, 0xBA, 0x6000),
        ts(FREE),
    ),
    (
        "inner stack: not present",
        |s| gate_with_stack(s, FREE | 1, 0x32, 0x6000),
        ss(FREE),
    ),
    (
        "inner stack: no room for frame and parameters",
        |s| gate_with_stack(s, FREE | 1, 0x40B2, 28),
        ss(FREE),
    ),
    (
        "inner stack: beyond the task's limit",
        |s| {
            gate_with_stack(s, FREE | 1, 0xB2, 0x6000);
            s.state.tr.limit = 0x10;
        },
        ts(TASK),
    ),
];

/// RETF or IRETD with that CS on the stack, and that SS for an outer level.
fn ret(setup: &mut Setup, opcode: u8, cs: u16, outer_ss: u16) {
    let flags = (opcode == IRETD).then_some(2);
    let frame = [0x5000, cs.into()]
        .into_iter()
        .chain(flags)
        .chain([0x6000, outer_ss.into()]);
    setup.stack(&frame.collect::<Vec<_>>());
    setup.code(&[opcode]);
}

/// The same to code of that access in FREE.
fn ret_to(setup: &mut Setup, opcode: u8, access: u16, rpl: u16) {
    setup.segment(FREE, 0, 0xFFFF, access);
    ret(setup, opcode, FREE | rpl, DATA_3);
}

/// The same to level 3, whose stack is FREE.
fn ret_with_stack(setup: &mut Setup, opcode: u8, access: u16, rpl: u16) {
    setup.segment(FREE, 0, 0xFFFF, access);
    ret(setup, opcode, CODE_3, FREE | rpl);
}

/// As [`Row`], for two opcodes.
type ReturnRow = (&'static str, fn(&mut Setup, u8), Fault);

/// The causes that RET and IRET have in common.
const RETURNS: &[ReturnRow] = &[
    ("CS: null", |s, op| ret(s, op, 0, DATA_3), gp(0)),
    (
        "CS: beyond the table",
        |s, op| ret(s, op, BEYOND | 3, DATA_3),
        gp(BEYOND),
    ),
    (
        "CS: an inner level",
        |s, op| {
            s.user();
            ret(s, op, CODE_0, DATA_3);
        },
        gp(CODE_0),
    ),
    ("CS: data", |s, op| ret_to(s, op, 0x92, 0), gp(FREE)),
    ("CS: a gate", |s, op| ret_to(s, op, 0x8C, 0), gp(FREE)),
    ("CS: DPL is not RPL", |s, op| ret_to(s, op, 0x409A, 3), gp(FREE)),
    (
        "CS: conforming with DPL beyond RPL",
        |s, op| ret_to(s, op, 0x40FE, 0),
        gp(FREE),
    ),
    ("CS: not present", |s, op| ret_to(s, op, 0x401A, 0), np(FREE)),
    (
        "EIP beyond the limit",
        |s, op| {
            s.segment(FREE, 0, 0x4FFF, 0x409A);
            ret(s, op, FREE, 0);
        },
        gp(0),
    ),
    ("outer SS: null", |s, op| ret(s, op, CODE_3, 3), gp(0)),
    (
        "outer SS: beyond the table",
        |s, op| ret(s, op, CODE_3, BEYOND | 3),
        gp(BEYOND),
    ),
    (
        "outer SS: RPL is not that of CS",
        |s, op| ret_with_stack(s, op, 0xF2, 0),
        gp(FREE),
    ),
    (
        "outer SS: DPL is not RPL of CS",
        |s, op| ret_with_stack(s, op, 0x92, 3),
        gp(FREE),
    ),
    (
        "outer SS: cannot be written",
        |s, op| ret_with_stack(s, op, 0xF0, 3),
        gp(FREE),
    ),
    (
        "outer SS: not present",
        |s, op| ret_with_stack(s, op, 0x72, 3),
        ss(FREE),
    ),
    (
        "frame beyond the stack's limit",
        |s, op| {
            stack(s, 0x8005, 0x40F3, 0, &[op]);
            s.set(Register::Esp, 0x8000);
        },
        ss(0),
    ),
];

#[test]
fn far_jumps_and_calls_fault_as_the_manual_lists() {
    check(FAR_TRANSFERS);
}

#[test]
fn call_gates_fault_as_the_manual_lists() {
    check(CALL_GATES);
}

#[test]
fn returns_fault_as_the_manual_lists() {
    for opcode in [RETF, IRETD] {
        for (cause, arrange, fault) in RETURNS {
            let mut setup = Setup::new();
            arrange(&mut setup, opcode);
            let expected = setup.expected(*fault);
            assert_eq!(setup.run(), expected, "{opcode:#x}: {cause}");
        }
    }
}
