//! Task switches: every instruction, every kind of old and new task, with and without a gate.

use cpu::{Cycle, Flags};

use super::form::Form;
use super::transfers::{INSTRUCTIONS, cases, pointers, with_overflow, with_pointer};
use super::world::{CODE_0, DATA_0, GATE, GDT, IDT, LANDING, Mode, NEW, NEW_TASK, OLD_TASK, STACK, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Task32,
    Virtual8086,
    Task16,
}

use Kind::{Task16, Task32, Virtual8086};

/// A way to switch, the old task, and the clocks to a 386 task, to virtual 8086 mode and to a 286 task: each without and with a
/// gate, 0 where there is no such way (PRM chapter 17, task switch times).
type Row = (Way, Kind, [[Cycle; 2]; 3]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Call,
    Jump,
    Interrupt,
    Return,
}

const ROWS: [Row; 9] = [
    (Way::Call, Task32, [[300, 309], [217, 226], [273, 282]]),
    (Way::Call, Task16, [[298, 307], [217, 226], [273, 282]]),
    (Way::Jump, Task32, [[303, 312], [220, 229], [276, 285]]),
    (Way::Jump, Task16, [[301, 310], [218, 227], [274, 283]]),
    (Way::Interrupt, Task32, [[0, 309], [0, 226], [0, 282]]),
    (Way::Interrupt, Virtual8086, [[0, 314], [0, 231], [0, 287]]),
    (Way::Interrupt, Task16, [[0, 307], [0, 224], [0, 280]]),
    (Way::Return, Task32, [[275, 0], [224, 0], [271, 0]]),
    (Way::Return, Task16, [[265, 0], [214, 0], [232, 0]]),
];

pub(crate) fn forms() -> Vec<Form> {
    let mut forms = Vec::new();
    for (way, from, row) in ROWS {
        for (to, columns) in [Task32, Virtual8086, Task16].into_iter().zip(row) {
            for (has_gate, clocks) in [false, true].into_iter().zip(columns) {
                if clocks > 0 {
                    forms.extend(switches(way, from, to, has_gate, clocks));
                }
            }
        }
    }
    forms
}

fn switches(way: Way, from: Kind, to: Kind, has_gate: bool, clocks: Cycle) -> Vec<Form> {
    let lands_in_32_bit = to != Virtual8086;
    let form = |name: &str, figure, mut world: World, code: &[u8]| {
        world.set_running_task(from != Task16);
        prepare(&mut world, to, way == Way::Return);
        if has_gate {
            world.set_gate(GDT + u32::from(GATE), NEW, 0x5, 0);
        }
        let cases = cases(&world, code, lands_in_32_bit, 0, clocks);
        Form::new(name, true, figure, cases)
    };
    let pointer_forms = |range: std::ops::Range<usize>| {
        let selector = if has_gate { GATE } else { NEW };
        let pointers = pointers(Mode::Kernel, selector);
        let forms = pointers[range].iter().map(|(name, code)| {
            let figure = if name.ends_with(" m") { "5+ts" } else { "ts" };
            let world = with_pointer(Mode::Kernel, selector);
            form(&format!("{name} task"), figure, world, code)
        });
        forms.collect()
    };
    match way {
        Way::Call => pointer_forms(0..2),
        Way::Jump => pointer_forms(2..4),
        Way::Interrupt => INSTRUCTIONS
            .iter()
            .map(|(name, code, vector)| {
                let mode = if from == Virtual8086 {
                    Mode::Virtual8086
                } else {
                    Mode::Kernel
                };
                let mut world = with_overflow(mode);
                world.set_gate(IDT + u32::from(*vector) * 8, NEW, 0x5, 0);
                form(&format!("{name} task"), "ts", world, code)
            })
            .collect(),
        Way::Return => {
            let mut world = World::new(Mode::Kernel);
            world.state.eflags |= Flags::NESTED.bits();
            vec![form("IRET task", "ts", world, &[0xCF])]
        }
    }
}

/// The new task's segment and descriptor; busy, and linked from the running one, if it is to be returned to.
fn prepare(world: &mut World, to: Kind, is_busy: bool) {
    let busy = if is_busy { 2 } else { 0 };
    if is_busy {
        world.set_words(OLD_TASK, &[NEW]);
    }
    if to == Task16 {
        world.set_segment(NEW, NEW_TASK, 0x2B, 0x81 | busy);
        world.set_words(NEW_TASK + 0x0E, &[LANDING as u16, 2]);
        world.set_words(NEW_TASK + 0x1A, &[STACK as u16]);
        world.set_words(NEW_TASK + 0x22, &[DATA_0, CODE_0, DATA_0, DATA_0]);
        return;
    }
    world.set_segment(NEW, NEW_TASK, 0x67, 0x89 | busy);
    let (flags, code, data) = if to == Virtual8086 {
        (Flags::VIRTUAL_8086.bits() | 2, 0, 0)
    } else {
        (2, CODE_0.into(), DATA_0.into())
    };
    world.set_dwords(NEW_TASK + 0x20, &[LANDING, flags]);
    world.set_dword(NEW_TASK + 0x38, STACK);
    world.set_dwords(NEW_TASK + 0x48, &[data, code, data, data, data, data]);
}
