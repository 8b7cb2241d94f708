//! Random machines for the suite and for `cargo fuzz` (see `fuzz/` at the top of the repository): any code bytes and any
//! descriptor tables. Nothing a guest does may panic or keep the host, and neither what is cached nor how a run is cut
//! may show.

mod choices;
mod field;
mod machine;

use crate::{Cpu, State, Stop};
use choices::Choices;
use field::Field;

const SLICES: u64 = 8;
const SLICE_CYCLES: u64 = 300;
/// Calls of the bus that a cycle may cost the host, on the average of a slice with its last instruction.
const CALLS_PER_CYCLE: u64 = 8;
/// The longest instruction, a task switch with all its walks through slow memory, takes fewer cycles than this.
const LONGEST_CYCLES: u64 = 6000;

/// What happens to a machine from outside between two slices.
#[derive(Clone, Debug)]
enum Event {
    Nothing,
    Interrupt,
    NonMaskableInterrupt,
    AddressGate,
    /// Somebody writes memory.
    Transfer(u32, [u8; 4]),
    Restore(Box<State>),
    Reset,
}

fn event(choices: &mut Choices<'_>) -> Event {
    match choices.below(12) {
        0 | 1 => Event::Interrupt,
        2 => Event::NonMaskableInterrupt,
        3 => Event::AddressGate,
        4 | 5 => {
            let address = 0x1_0000 + choices.below(0x2000);
            Event::Transfer(address, choices.dword().to_le_bytes())
        }
        6 => Event::Restore(Box::new(machine::any_state(choices))),
        7 if choices.once_in(4) => Event::Reset,
        _ => Event::Nothing,
    }
}

fn apply(event: &Event, cpu: &mut Cpu<Field>, field: &mut Field) {
    match event {
        Event::Nothing => {}
        Event::Interrupt => field.pins.interrupt = true,
        Event::NonMaskableInterrupt => field.pins.nmi = true,
        Event::AddressGate => field.toggle_gate(),
        Event::Transfer(address, bytes) => {
            field.set_bytes(*address, bytes);
            cpu.invalidate(*address..*address + 4);
        }
        Event::Restore(state) => {
            let old = cpu.state();
            cpu.restore(&State {
                cycles: old.cycles,
                instructions: old.instructions,
                map_generation: old.map_generation,
                ..(**state).clone()
            });
        }
        Event::Reset => cpu.reset(),
    }
}

/// How a slice is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// As a board does it.
    Whole,
    /// Coming back after every instruction, with nothing cached.
    Cut,
    /// Each instruction fetched by itself.
    Single,
}

fn run_slice(way: Way, cpu: &mut Cpu<Field>, field: &mut Field, until: u64) -> Stop {
    match way {
        Way::Whole => {
            field.pins.until = until;
            cpu.run(field)
        }
        Way::Single => {
            field.pins.until = until;
            cpu.run_singly(field)
        }
        Way::Cut => loop {
            field.pins.until = until.min(cpu.cycles() + 1);
            let state = cpu.state();
            if !state.is_repeating {
                // A repeated instruction would be fetched anew, and may have overwritten itself.
                cpu.restore(&state);
            }
            let stop = cpu.run(field);
            if stop != Stop::Reached || cpu.cycles() >= until {
                return stop;
            }
        },
    }
}

/// Runs a machine, with an event before each slice; checks that it makes progress at a price.
fn run(way: Way, start: &State, field: &Field, events: &[Event]) -> (Vec<(Stop, State)>, Field) {
    let (mut cpu, mut field) = (Cpu::new(), field.clone());
    cpu.restore(start);
    let mut history = Vec::new();
    for event in events {
        apply(event, &mut cpu, &mut field);
        let begin = cpu.cycles();
        field.calls.set(0);
        let until = begin + SLICE_CYCLES;
        let stop = run_slice(way, &mut cpu, &mut field, until);
        let spent = cpu.cycles() - begin;
        match stop {
            Stop::Reached => assert!(spent >= SLICE_CYCLES, "time has passed"),
            Stop::Halted | Stop::ShutDown => {}
        }
        assert!(spent < SLICE_CYCLES + LONGEST_CYCLES, "a slice of {spent} cycles");
        let calls = field.calls.get();
        assert!(
            way == Way::Cut || calls <= CALLS_PER_CYCLE * (spent + 100),
            "{calls} calls of the bus in {spent} cycles"
        );
        history.push((stop, cpu.state()));
        cpu.skip_to(until);
    }
    (history, field)
}

/// Runs a machine in all ways, which must agree. Returns how many instructions it has executed.
fn compare(choices: &mut Choices<'_>, (start, field): (State, Field)) -> u64 {
    let events: Vec<Event> = (0..SLICES).map(|_| event(choices)).collect();
    let (whole, whole_field) = run(Way::Whole, &start, &field, &events);
    for way in [Way::Cut, Way::Single] {
        let (other, other_field) = run(way, &start, &field, &events);
        for (slice, (whole, other)) in whole.iter().zip(&other).enumerate() {
            assert_eq!(whole, other, "{way:?} against Whole in slice {slice}");
        }
        assert!(whole_field == other_field, "{way:?}: memory or devices differ");
    }
    whole.last().map_or(0, |(_, state)| state.instructions)
}

/// A machine of which the bytes decide everything: code, tables, registers, and what happens from outside.
///
/// # Panics
///
/// On any mistake of the processor that the module's description names.
pub fn machine_state(bytes: &[u8]) {
    let mut choices = Choices::of_bytes(bytes);
    let machine = machine::any(&mut choices);
    compare(&mut choices, machine);
}

/// An orderly machine in one of six modes, which the first byte chooses, in front of code that the others decide.
///
/// # Panics
///
/// As [`machine_state`].
pub fn code(bytes: &[u8]) {
    let mut choices = Choices::of_bytes(bytes);
    let machine = machine::with_code(&mut choices);
    compare(&mut choices, machine);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number is the seed of its case, so that a failure can be repeated.
    const CASES: u64 = 600;

    fn run_all(machine: fn(&mut Choices<'_>) -> (State, Field)) {
        let mut instructions = 0;
        for seed in 0..CASES {
            println!("seed {seed}");
            let mut choices = Choices::of_seed(seed);
            let machine = machine(&mut choices);
            instructions += compare(&mut choices, machine);
        }
        assert!(
            instructions > 10 * CASES,
            "the cases do run: {instructions} instructions"
        );
    }

    #[test]
    fn random_machines_neither_panic_nor_keep_the_host_and_run_the_same_however_they_are_executed() {
        run_all(machine::any);
    }

    #[test]
    fn random_code_in_orderly_machines_runs_the_same_however_it_is_executed() {
        run_all(machine::with_code);
    }

    #[test]
    fn the_bytes_of_a_fuzzer_decide_as_long_as_they_last() {
        machine_state(&[]);
        machine_state(&[0xFF; 0x100]);
        code(&[]);
        code(&[1, 0xEB, 0xFE]);
    }
}
