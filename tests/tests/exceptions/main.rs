//! Protected mode from the manual: one row for each cause of an exception that the 80386 Programmer's Reference Manual
//! (1986; "PRM") lists for segment loads, transfers, gates, task switches, paging and virtual 8086 mode, with the vector
//! and the error code that it demands. Every row runs one instruction on [`cpu::Cpu`]; the handler's frame must blame
//! that instruction (or the first of the new task), and no general register may have changed.
//!
//! Where the manual contradicts itself, the chapter on exceptions (9) counts, not the pages of the instructions: faults in a new
//! task's segments are #TS (9.8.10) and not #GP (table 7-1); a busy task is #GP (table 7-1).
#![forbid(unsafe_code)]

mod interrupts;
mod pages;
mod segments;
mod setup;
mod tasks;
mod transfers;
mod virtual_8086;

use cpu::{Fault, Register, Segment, Vector};

use crate::setup::{FREE, GATE, KERNEL_GATE, Setup, TASK_BASE, USER_GATE};

/// A cause, how to bring it about, and the exception.
type Row = (&'static str, fn(&mut Setup), Fault);

const JMP: u8 = 0xEA;
const CALL: u8 = 0x9A;
const IRETD: u8 = 0xCF;
/// IDT of an error code: it blames a gate of the interrupt table.
const IN_INTERRUPT_TABLE: u16 = 2;
/// The error code that blames that gate.
const OF_KERNEL_GATE: u16 = KERNEL_GATE as u16 * 8 + IN_INTERRUPT_TABLE;

/// A selector of the local table, at its first place.
const IN_LOCAL: u16 = 4;

/// Code of level 1, where a row has set it.
const CODE_1: u16 = 0x50;

const fn with_code(vector: Vector, code: u16) -> Fault {
    Fault::with_code(vector, code)
}

const fn plain(vector: Vector) -> Fault {
    Fault::plain(vector)
}

const fn gp(code: u16) -> Fault {
    with_code(Vector::GeneralProtection, code)
}

const fn np(code: u16) -> Fault {
    with_code(Vector::NotPresent, code)
}

const fn ss(code: u16) -> Fault {
    with_code(Vector::Stack, code)
}

const fn ts(code: u16) -> Fault {
    with_code(Vector::InvalidTss, code)
}

const fn pf(code: u16) -> Fault {
    with_code(Vector::Page, code)
}

const UD: Fault = plain(Vector::InvalidOpcode);

fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for (cause, arrange, fault) in rows {
        let mut setup = Setup::new();
        arrange(&mut setup);
        let expected = setup.expected(*fault);
        let outcome = setup.run();
        if outcome != expected {
            wrong.push(format!("{cause}:\n  {outcome:x?}\n  instead of\n  {expected:x?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// MOV DS, AX with a descriptor of that access.
fn load_data(setup: &mut Setup, access: u16, rpl: u16) {
    setup.segment(FREE, 0, 0xFFFF, access);
    setup.load(Segment::Ds, FREE | rpl);
}

/// MOV SS, AX with a descriptor of that access.
fn load_stack(setup: &mut Setup, access: u16, rpl: u16) {
    setup.segment(FREE, 0, 0xFFFF, access);
    setup.load(Segment::Ss, FREE | rpl);
}

/// An instruction of level 3 whose stack segment has that limit and access, with `ebp` in EBP. The handler has a good one.
fn stack(setup: &mut Setup, limit: u32, access: u16, ebp: u32, code: &[u8]) {
    setup.user();
    let register = &mut setup.state.segments[Segment::Ss as usize];
    *register = cpu::SegmentRegister {
        selector: FREE,
        base: 0,
        limit,
        access,
    };
    setup.set(Register::Ebp, ebp);
    setup.code(code);
}

/// CALL from level 3 with four parameters through a gate to level 1, whose stack is FREE: level 0 keeps a good one for the
/// handler.
fn gate_with_stack(setup: &mut Setup, selector: u16, access: u16, esp: u32) {
    setup.user();
    setup.segment(FREE, 0, 0xFFFF, access);
    setup.segment(CODE_1, 0, 0xF_FFFF, 0xC0BB);
    setup.gate(GATE, CODE_1, 0xEC, 4);
    setup.far(CALL, GATE | 3, 0);
    setup.dword(TASK_BASE + 0x0C, esp);
    setup.dword(TASK_BASE + 0x10, selector.into());
}

/// INT of level 3's gate, which leads to that target.
fn int(setup: &mut Setup, target: u16, access: u8) {
    setup.interrupt_gate(USER_GATE, target, 0x5000, access);
    setup.code(&[0xCD, USER_GATE]);
}
