//! Task switches: task descriptors, task gates, the state that a task brings, and the way back.

use cpu::Flags;

use crate::setup::{
    BEYOND, CODE_0, CODE_3, DATA_0, DATA_3, FREE, GATE, OTHER, OTHER_BASE, OTHER_EIP, Setup, TASK, TASK_BASE,
};
use crate::{CALL, IN_LOCAL, IRETD, JMP, Row, check, gp, np, ss, ts};

/// IRETD in a task with NT set and that link.
fn nested(setup: &mut Setup, link: u16) {
    setup.state.eflags |= Flags::NESTED.bits();
    setup.dword(TASK_BASE, link.into());
    setup.code(&[IRETD]);
}

const TASK_RETURNS: &[Row] = &[
    ("link: in the local table", |s| nested(s, IN_LOCAL), ts(IN_LOCAL)),
    ("link: beyond the table", |s| nested(s, BEYOND), ts(BEYOND)),
    ("link: no task", |s| nested(s, DATA_0), ts(DATA_0)),
    ("link: a task that is not busy", |s| nested(s, OTHER), ts(OTHER)),
    (
        "link: not present",
        |s| {
            s.segment(OTHER, OTHER_BASE, 0x67, 0x0B);
            nested(s, OTHER);
        },
        np(OTHER),
    ),
    (
        "link: too short",
        |s| {
            s.segment(OTHER, OTHER_BASE, 0x66, 0x8B);
            nested(s, OTHER);
        },
        ts(OTHER),
    ),
];

/// JMP to the other task with one dword of its state changed.
fn switch(setup: &mut Setup, offset: u32, value: u16) {
    setup.dword(OTHER_BASE + offset, value.into());
    setup.far(JMP, OTHER, 0);
    setup.blamed = Some(OTHER_EIP);
}

/// The same with a selector of FREE with that access.
fn switch_with(setup: &mut Setup, offset: u32, access: u16, rpl: u16) {
    setup.segment(FREE, 0, 0xFFFF, access);
    switch(setup, offset, FREE | rpl);
}

/// A far transfer to the other task whose descriptor has that access and limit.
fn task(setup: &mut Setup, opcode: u8, access: u16, limit: u32) {
    setup.segment(OTHER, OTHER_BASE, limit, access);
    setup.far(opcode, OTHER, 0);
}

/// A far transfer through a task gate.
fn task_gate(setup: &mut Setup, opcode: u8, target: u16, access: u8) {
    setup.gate(GATE, target, access, 0);
    setup.far(opcode, GATE, 0);
}

/// Offsets of selectors in a task state segment.
const TASK_ES: u32 = 0x48;

const TASK_CS: u32 = 0x4C;
const TASK_SS: u32 = 0x50;
const TASK_GS: u32 = 0x5C;
const TASK_LDT: u32 = 0x60;

// PRM 7.5 with table 7-1, 9.8.10, and the pages of JMP and CALL.
const TASK_SWITCHES: &[Row] = &[
    (
        "a task of an inner level",
        |s| {
            s.user();
            s.far(CALL, OTHER, 0);
        },
        gp(OTHER),
    ),
    (
        "RPL beyond the task's DPL",
        |s| s.far(JMP, OTHER | 1, 0),
        gp(OTHER),
    ),
    ("CALL of a busy task", |s| s.far(CALL, TASK, 0), gp(TASK)),
    ("JMP to a busy task", |s| task(s, JMP, 0x8B, 0x67), gp(OTHER)),
    (
        "a task that is not present",
        |s| task(s, CALL, 0x09, 0x67),
        np(OTHER),
    ),
    (
        "a task with a limit of 102",
        |s| task(s, JMP, 0x89, 0x66),
        ts(OTHER),
    ),
    (
        "a 286 task with a limit of 42",
        |s| task(s, JMP, 0x81, 0x2A),
        ts(OTHER),
    ),
    (
        "a task in the local table",
        |s| {
            s.segment(IN_LOCAL, OTHER_BASE, 0x67, 0x89);
            s.far(JMP, IN_LOCAL, 0);
        },
        gp(IN_LOCAL),
    ),
    (
        "a task gate of an inner level",
        |s| {
            s.user();
            task_gate(s, CALL, OTHER, 0x85);
        },
        gp(GATE),
    ),
    (
        "a task gate whose DPL is below RPL",
        |s| {
            task_gate(s, CALL, OTHER, 0x85);
            s.far(CALL, GATE | 1, 0);
        },
        gp(GATE),
    ),
    (
        "a task gate that is not present",
        |s| task_gate(s, JMP, OTHER, 0x05),
        np(GATE),
    ),
    (
        "a task gate into the local table",
        |s| task_gate(s, JMP, IN_LOCAL, 0x85),
        ts(IN_LOCAL),
    ),
    (
        "a task gate beyond the table",
        |s| task_gate(s, JMP, BEYOND, 0x85),
        ts(BEYOND),
    ),
    (
        "a task gate to data",
        |s| task_gate(s, JMP, DATA_0, 0x85),
        ts(DATA_0),
    ),
    (
        "a task gate to a task that is not present",
        |s| {
            task_gate(s, JMP, OTHER, 0x85);
            s.segment(OTHER, OTHER_BASE, 0x67, 0x09);
        },
        np(OTHER),
    ),
    (
        "new LDT: beyond the table",
        |s| switch(s, TASK_LDT, BEYOND),
        ts(BEYOND),
    ),
    (
        "new LDT: in the local table",
        |s| switch(s, TASK_LDT, IN_LOCAL),
        ts(IN_LOCAL),
    ),
    ("new LDT: data", |s| switch(s, TASK_LDT, DATA_0), ts(DATA_0)),
    (
        "new LDT: not present",
        |s| switch_with(s, TASK_LDT, 0x02, 0),
        ts(FREE),
    ),
    ("new CS: null", |s| switch(s, TASK_CS, 3), ts(0)),
    (
        "new CS: beyond the table",
        |s| switch(s, TASK_CS, BEYOND | 3),
        ts(BEYOND),
    ),
    ("new CS: data", |s| switch(s, TASK_CS, DATA_3), ts(DATA_3 & !3)),
    (
        "new CS: DPL is not RPL",
        |s| switch(s, TASK_CS, CODE_0 | 3),
        ts(CODE_0),
    ),
    (
        "new CS: conforming with DPL beyond RPL",
        |s| switch_with(s, TASK_CS, 0x40FE, 2),
        ts(FREE),
    ),
    (
        "new CS: not present",
        |s| switch_with(s, TASK_CS, 0x407A, 3),
        np(FREE),
    ),
    ("new SS: null", |s| switch(s, TASK_SS, 3), ts(0)),
    (
        "new SS: beyond the table",
        |s| switch(s, TASK_SS, BEYOND | 3),
        ts(BEYOND),
    ),
    ("new SS: code", |s| switch(s, TASK_SS, CODE_3), ts(CODE_3 & !3)),
    (
        "new SS: cannot be written",
        |s| switch_with(s, TASK_SS, 0xF0, 3),
        ts(FREE),
    ),
    (
        "new SS: RPL is not the new CPL",
        |s| switch_with(s, TASK_SS, 0xF2, 0),
        ts(FREE),
    ),
    (
        "new SS: DPL is not the new CPL",
        |s| switch_with(s, TASK_SS, 0x92, 3),
        ts(FREE),
    ),
    (
        "new SS: not present",
        |s| switch_with(s, TASK_SS, 0x72, 3),
        ss(FREE),
    ),
    (
        "new ES: beyond the table",
        |s| switch(s, TASK_ES, BEYOND | 3),
        ts(BEYOND),
    ),
    ("new ES: a task", |s| switch(s, TASK_ES, TASK), ts(TASK)),
    (
        "new ES: code that cannot be read",
        |s| switch_with(s, TASK_ES, 0xF8, 3),
        ts(FREE),
    ),
    (
        "new ES: DPL below the new CPL",
        |s| switch(s, TASK_ES, DATA_0),
        ts(DATA_0),
    ),
    (
        "new ES: not present",
        |s| switch_with(s, TASK_ES, 0x72, 3),
        np(FREE),
    ),
    (
        "new GS: not present",
        |s| switch_with(s, TASK_GS, 0x72, 3),
        np(FREE),
    ),
    (
        "new EIP beyond the limit of CS",
        |s| {
            s.segment(FREE, 0, 0x4443, 0x40FA);
            switch(s, TASK_CS, FREE | 3);
        },
        gp(0),
    ),
];

#[test]
fn task_switches_fault_as_the_manual_lists() {
    check(TASK_SWITCHES);
    check(TASK_RETURNS);
}
