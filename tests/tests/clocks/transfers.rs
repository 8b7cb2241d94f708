//! Far transfers within a task, interrupts and returns, each to targets of several numbers of components: m counts where the
//! figure has it, and nowhere else.

use cpu::{Cycle, Flags, Register, Segment};

use super::figures::Letters;
use super::form::{Case, Form};
use super::world::{
    CODE_0, CODE_3, DATA_0, DATA_3, GATE, GDT, IDT, LANDING, Mode, OPERAND, STACK, VECTOR, World, targets,
};

/// Call gates of the 286 and the 386, and what else a gate can be.
const CALL_GATES: [u32; 2] = [0x4, 0xC];
const INTERRUPT_GATES: [u32; 4] = [0x6, 0x7, 0xE, 0xF];

pub(crate) fn forms() -> Vec<Form> {
    let mut forms = direct();
    forms.extend(through_gates());
    forms.extend(returns());
    forms.extend(interrupts());
    forms.extend(interrupt_returns());
    forms
}

/// A transfer to [`LANDING`] with each target.
pub(crate) fn cases(world: &World, code: &[u8], lands_in_32_bit: bool, x: Cycle, ts: Cycle) -> Vec<Case> {
    targets(lands_in_32_bit)
        .iter()
        .map(|target| Case {
            alternative: 0,
            letters: Letters {
                n: 0,
                m: target.components,
                x,
                ts,
            },
            clocks: world.clocks_to(code, LANDING, target),
        })
        .collect()
}

/// CALL and JMP, with a pointer in the instruction and in memory at EBX. The offset means nothing to a gate.
pub(crate) fn pointers(mode: Mode, selector: u16) -> [(&'static str, Vec<u8>); 4] {
    let offset = LANDING.to_le_bytes();
    let offset = if mode.is_32_bit() {
        &offset[..]
    } else {
        &offset[..2]
    };
    let with = |opcode: u8| [&[opcode], offset, &selector.to_le_bytes()].concat();
    let memory = if mode.is_32_bit() { 3 } else { 7 };
    [
        ("CALL ptr", with(0x9A)),
        ("CALL m", vec![0xFF, 0x18 | memory]),
        ("JMP ptr", with(0xEA)),
        ("JMP m", vec![0xFF, 0x28 | memory]),
    ]
}

/// A world with the pointer that [`pointers`] reads from memory.
pub(crate) fn with_pointer(mode: Mode, selector: u16) -> World {
    let mut world = World::new(mode);
    world.set_dword(OPERAND, LANDING);
    let selector_at = if mode.is_32_bit() { 4 } else { 2 };
    world.set_words(OPERAND + selector_at, &[selector]);
    world
}

fn direct() -> Vec<Form> {
    let figures = [
        ["17+m", "34+m"],
        ["22+m", "38+m"],
        ["12+m", "27+m"],
        ["43+m", "31+m"],
    ];
    let mut forms = Vec::new();
    for mode in Mode::ALL {
        let selector = match mode {
            Mode::Kernel => CODE_0,
            Mode::User => CODE_3,
            _ => 0,
        };
        let world = with_pointer(mode, selector);
        for ((name, code), figure) in pointers(mode, selector).into_iter().zip(figures) {
            // Virtual 8086 mode reads no descriptors: it costs what real mode does.
            let is_protected = mode.is_32_bit();
            let cases = cases(&world, &code, is_protected, 0, 0);
            let name = format!("{name} direct");
            forms.push(Form::new(
                &name,
                is_protected,
                figure[usize::from(is_protected)],
                cases,
            ));
        }
    }
    forms
}

fn through_gates() -> Vec<Form> {
    let same_level = ["52+m", "56+m", "45+m", "49+m"];
    let mut forms = Vec::new();
    for gate in CALL_GATES {
        let mut world = with_pointer(Mode::Kernel, GATE);
        world.set_gate(GDT + u32::from(GATE), CODE_0, gate, 0);
        for ((name, code), figure) in pointers(Mode::Kernel, GATE).into_iter().zip(same_level) {
            let cases = cases(&world, &code, true, 0, 0);
            forms.push(Form::new(&format!("{name} same"), true, figure, cases));
        }
        let mut with_parameters = [Vec::new(), Vec::new()];
        for x in 0..32 {
            let mut world = with_pointer(Mode::User, GATE);
            world.set_gate(GDT + u32::from(GATE), CODE_0, gate, x);
            let calls = pointers(Mode::User, GATE).into_iter().take(2);
            for (number, (name, code)) in calls.enumerate() {
                let cases = cases(&world, &code, true, x.into(), 0);
                if x == 0 {
                    let figure = ["86+m", "90+m"][number];
                    forms.push(Form::new(&format!("{name} inner"), true, figure, cases));
                } else {
                    with_parameters[number].extend(cases);
                }
            }
        }
        let [direct, memory] = with_parameters;
        forms.push(Form::new("CALL ptr inner x", true, "94+4x+m", direct));
        forms.push(Form::new("CALL m inner x", true, "98+4x+m", memory));
    }
    forms
}

/// RETF, and with the immediate, which releases 8 bytes between the return address and an outer stack pointer.
fn returns() -> Vec<Form> {
    let mut forms = Vec::new();
    for (name, code, released) in [("RETF", &[0xCB][..], 0), ("RETF imm", &[0xCA, 8, 0], 8)] {
        for mode in [Mode::Real, Mode::Virtual8086] {
            let mut world = World::new(mode);
            world.set_words(STACK, &[LANDING as u16, 0]);
            forms.push(Form::new(
                &format!("{name} same"),
                false,
                "18+m",
                cases(&world, code, false, 0, 0),
            ));
        }
        let mut world = World::new(Mode::Kernel);
        world.set_dwords(STACK, &[LANDING, CODE_0.into()]);
        let same = cases(&world, code, true, 0, 0);
        forms.push(Form::new(&format!("{name} same"), true, "32+m", same));
        world.set_dwords(STACK, &[LANDING, CODE_3.into()]);
        world.set_dwords(STACK + 8 + released, &[STACK, DATA_3.into()]);
        let outer = cases(&world, code, true, 0, 0);
        forms.push(Form::new(&format!("{name} outer"), true, "68", outer));
    }
    forms
}

/// INT n, INT 3 and INTO.
pub(crate) const INSTRUCTIONS: [(&str, &[u8], u8); 3] = [
    ("INT n", &[0xCD, VECTOR], VECTOR),
    ("INT3", &[0xCC], 3),
    ("INTO", &[0xCE], 4),
];

fn interrupts() -> Vec<Form> {
    let mut forms = Vec::new();
    for ((name, code, vector), real) in INSTRUCTIONS.into_iter().zip(["37", "33", "35"]) {
        let mut world = with_overflow(Mode::Real);
        world.set_dword(u32::from(vector) * 4, LANDING);
        forms.push(Form::new(
            &format!("{name} same"),
            false,
            real,
            cases(&world, code, false, 0, 0),
        ));
        let ways = [
            (Mode::Kernel, CODE_0, "same", "59"),
            (Mode::User, CODE_3, "same", "59"),
            (Mode::User, CODE_0, "inner", "99"),
            (Mode::Virtual8086, CODE_0, "V86", "119"),
        ];
        for (mode, selector, way, figure) in ways {
            for gate in INTERRUPT_GATES {
                let mut world = with_overflow(mode);
                world.set_gate(IDT + u32::from(vector) * 8, selector, gate, 0);
                let cases = cases(&world, code, true, 0, 0);
                forms.push(Form::new(&format!("{name} {way}"), true, figure, cases));
            }
        }
    }
    forms
}

/// A world in which INTO interrupts.
pub(crate) fn with_overflow(mode: Mode) -> World {
    let mut world = World::new(mode);
    world.state.eflags |= Flags::OVERFLOW.bits();
    world
}

fn interrupt_returns() -> Vec<Form> {
    const IRET: &[u8] = &[0xCF];
    let mut forms = Vec::new();
    for mode in [Mode::Real, Mode::Virtual8086] {
        let mut world = World::new(mode);
        world.set_words(STACK, &[LANDING as u16, 0, 2]);
        let cases = cases(&world, IRET, false, 0, 0);
        forms.push(Form::new("IRET same", false, "22", cases));
    }
    let mut world = World::new(Mode::Kernel);
    world.set_dwords(STACK, &[LANDING, CODE_0.into(), 2]);
    let same = cases(&world, IRET, true, 0, 0);
    forms.push(Form::new("IRET same", true, "38", same));
    world.set_dwords(STACK, &[LANDING, CODE_3.into(), 2, STACK, DATA_3.into()]);
    let outer = cases(&world, IRET, true, 0, 0);
    forms.push(Form::new("IRET outer", true, "82", outer));
    let flags = Flags::VIRTUAL_8086.bits() | 2;
    world.set_dwords(STACK, &[LANDING, 0, flags, STACK, 0, 0, 0, 0, 0]);
    let to_8086 = cases(&world, IRET, false, 0, 0);
    forms.push(Form::new("IRET V86", true, "60", to_8086));
    forms
}

#[test]
fn an_exception_costs_what_int_n_does_after_what_its_instruction_has_cost() {
    // (mode, selector, clocks): DIV by zero in a register, 14 clocks of its own; UD2, which a 386 lacks, none.
    let ways = [
        (Mode::Kernel, CODE_0, 59),
        (Mode::User, CODE_0, 99),
        (Mode::Virtual8086, CODE_0, 119),
        (Mode::Real, 0, 37),
    ];
    for (mode, selector, clocks) in ways {
        for (code, vector, own) in [(&[0xF6, 0xF2][..], 0u32, 14), (&[0x0F, 0x0B], 6, 0)] {
            let mut world = World::new(mode);
            match mode {
                Mode::Real => world.set_dword(vector * 4, LANDING),
                _ => world.set_gate(IDT + vector * 8, selector, 0xF, 0),
            }
            let target = &targets(mode != Mode::Real)[0];
            // The run ends behind the target: a fault completes no instruction.
            world.board.write_bytes(LANDING, &[0x90]);
            let (both, state) = world.run_anywhere(code);
            assert_eq!(state.eip, LANDING + 1, "{mode:?} {code:02x?}");
            assert_eq!(both, own + clocks + 3, "{mode:?} {code:02x?} {target:?}");
        }
    }
}

#[test]
fn a_frame_on_an_odd_stack_costs_a_second_bus_cycle_for_each_item() {
    let mut world = World::new(Mode::Kernel);
    world.set_gate(IDT + u32::from(VECTOR) * 8, CODE_0, 0xF, 0);
    let target = &targets(true)[0];
    let even = world.clocks_to(&[0xCD, VECTOR], LANDING, target);
    world.register(Register::Esp, STACK + 1);
    assert_eq!(world.clocks_to(&[0xCD, VECTOR], LANDING, target), even + 3 * 2);
    assert_eq!(world.state.segments[Segment::Ss as usize].selector, DATA_0);
}
