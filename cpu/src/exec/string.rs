//! String instructions. With a repeat prefix each iteration is committed by itself, and the instruction may stop between
//! two, at a fault, an interrupt or the board's deadline, with (E)IP at the instruction.

use super::Done;
use super::operand::General;
use super::port;
use crate::alu;
use crate::clocks;
use crate::core::Core;
use crate::op::{Flow, Op, Traits};
use crate::unit::Unit;
use crate::{Bus, Cycle, Fault, Flags, Moves, Register, Segment};

const CX: usize = Register::Ecx as usize;
const SI: usize = Register::Esi as usize;
const DI: usize = Register::Edi as usize;

/// With or without a repeat prefix, as a type.
pub(crate) trait Times {
    /// Whether there is a prefix.
    const IS_REPEATED: bool;
}

/// Without.
pub(crate) struct Once;

/// With.
pub(crate) struct Repeated;

impl Times for Once {
    const IS_REPEATED: bool = false;
}

impl Times for Repeated {
    const IS_REPEATED: bool = true;
}

/// Does `iteration` once, or as often as (E)CX says while it returns true. Repeated, its clocks are those given; once, the
/// instruction's own clocks are all.
#[inline(always)]
fn iterate<B: Bus, R: Times>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
    clocks: clocks::Repeated,
    iteration: impl Fn(&mut Core, &mut B) -> Result<bool, Fault>,
) -> Done {
    iterate_blocks::<B, R>(core, bus, op, clocks, |_, _, _| 0, iteration)
}

/// As [`iterate`], but first tries `block`, which does as many of the given number of iterations as it can together, with
/// all their clocks, and tells how many; it stops early at the first one that ends at or after `Core::until`.
#[inline(always)]
fn iterate_blocks<B: Bus, R: Times>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
    (start, each): clocks::Repeated,
    block: impl Fn(&mut Core, &mut B, u32) -> u32,
    iteration: impl Fn(&mut Core, &mut B) -> Result<bool, Fault>,
) -> Done {
    if !R::IS_REPEATED {
        iteration(core, bus)?;
        return Ok(Flow::Next);
    }
    if !std::mem::take(&mut core.is_repeating) {
        core.cycles += start;
    }
    let mask = op.address_mask();
    loop {
        let count = core.general[CX];
        if count & mask == 0 {
            return Ok(Flow::Next);
        }
        let mut done = block(core, bus, count & mask);
        let mut goes_on = true;
        if done == 0 {
            goes_on = iteration(core, bus)?;
            core.cycles += each;
            done = 1;
        }
        core.general[CX] = count & !mask | count.wrapping_sub(done) & mask;
        if !goes_on {
            return Ok(Flow::Next);
        }
        if core.cycles >= core.until && core.general[CX] & mask != 0 && core.must_stop_repeating() {
            core.is_repeating = true;
            return Ok(Flow::Again);
        }
    }
}

/// Moves an index register on by the operand's size, in the direction that DF says.
#[inline(always)]
fn advance<T: Unit>(core: &mut Core, register: usize, mask: u32) {
    let step = if core.has(Flags::DIRECTION) {
        T::BYTES.wrapping_neg()
    } else {
        T::BYTES
    };
    let value = core.general[register];
    core.general[register] = value & !mask | value.wrapping_add(step) & mask;
}

#[inline(always)]
fn read_source<B: Bus, T: Unit>(core: &mut Core, bus: &mut B, op: &Op) -> Result<T, Fault> {
    core.read(bus, op.segment, core.general[SI] & op.address_mask())
}

#[inline(always)]
fn read_destination<B: Bus, T: Unit>(core: &mut Core, bus: &mut B, op: &Op) -> Result<T, Fault> {
    core.read(bus, Segment::Es, core.general[DI] & op.address_mask())
}

#[inline(always)]
fn write_destination<B: Bus, T: Unit>(core: &mut Core, bus: &mut B, op: &Op, value: T) -> Result<(), Fault> {
    core.write(bus, Segment::Es, core.general[DI] & op.address_mask(), value)
}

/// Whether the repeat prefix lets a comparison go on.
fn wants(op: &Op, zero: bool) -> bool {
    zero == op.traits.contains(Traits::WHILE_EQUAL)
}

/// How many iterations end before `until`, or the first that does not; with their clocks.
#[inline(always)]
fn count_until(core: &mut Core, most: u32, mut clocks: impl FnMut(u32) -> Cycle) -> u32 {
    let mut done = 0;
    let mut cycles = core.cycles;
    while done < most {
        cycles += clocks(done);
        done += 1;
        if cycles >= core.until {
            break;
        }
    }
    core.cycles = cycles;
    done
}

/// Moves an index register upwards.
fn skip(core: &mut Core, register: usize, mask: u32, bytes: u32) {
    let value = core.general[register];
    core.general[register] = value & !mask | value.wrapping_add(bytes) & mask;
}

/// As many iterations of an upward MOVS as both operands lie in plain memory for.
fn move_block<B: Bus, T: Unit>(core: &mut Core, bus: &mut B, op: &Op, most: u32) -> u32 {
    let mask = op.address_mask();
    if core.has(Flags::DIRECTION) {
        return 0;
    }
    let Some((from, readable)) = core.plain_run::<T>(op.segment, core.general[SI] & mask, mask, false) else {
        return 0;
    };
    let Some((to, writable)) = core.plain_run::<T>(Segment::Es, core.general[DI] & mask, mask, true) else {
        return 0;
    };
    let moves = Moves {
        from,
        to,
        size: T::BYTES,
        count: most.min(readable).min(writable),
        clocks: clocks::REPEATED_MOVS.1,
        room: core.until.saturating_sub(core.cycles),
    };
    let (done, cycles) = bus.moves(moves);
    core.cycles += cycles;
    let bytes = done * T::BYTES;
    let (source, target) = (from as usize..(from + bytes) as usize, to as usize);
    let memory = bus.memory();
    if from < to && to < from + bytes {
        // Units that have been written are read again: a pattern repeats.
        for at in source.step_by(T::BYTES as usize) {
            let size = T::BYTES as usize;
            memory.copy_within(at..at + size, target + at - from as usize);
        }
    } else {
        memory.copy_within(source, target);
    }
    skip(core, SI, mask, bytes);
    skip(core, DI, mask, bytes);
    done
}

/// MOVS.
pub(crate) fn moves<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let block = |core: &mut Core, bus: &mut B, most| move_block::<B, T>(core, bus, op, most);
    iterate_blocks::<B, R>(core, bus, op, clocks::REPEATED_MOVS, block, |core, bus| {
        let value: T = read_source(core, bus, op)?;
        write_destination(core, bus, op, value)?;
        advance::<T>(core, SI, op.address_mask());
        advance::<T>(core, DI, op.address_mask());
        Ok(true)
    })
}

/// As many iterations of an upward STOS as its operand lies in plain memory for.
fn store_block<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op, most: u32) -> u32 {
    let mask = op.address_mask();
    if core.has(Flags::DIRECTION) {
        return 0;
    }
    let Some((to, writable)) = core.plain_run::<T>(Segment::Es, core.general[DI] & mask, mask, true) else {
        return 0;
    };
    let done = count_until(core, most.min(writable), |number| {
        clocks::REPEATED_STOS.1 + Cycle::from(bus.memory_wait(to + number * T::BYTES, true))
    });
    let bytes = done * T::BYTES;
    let value = T::register(core, 0);
    for unit in bus.memory()[to as usize..(to + bytes) as usize].chunks_exact_mut(T::BYTES as usize) {
        value.store(unit);
    }
    skip(core, DI, mask, bytes);
    done
}

/// STOS.
pub(crate) fn stores<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let block = |core: &mut Core, bus: &mut B, most| store_block::<B, T>(core, bus, op, most);
    iterate_blocks::<B, R>(core, bus, op, clocks::REPEATED_STOS, block, |core, bus| {
        write_destination(core, bus, op, T::register(core, 0))?;
        advance::<T>(core, DI, op.address_mask());
        Ok(true)
    })
}

/// LODS.
pub(crate) fn loads<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    iterate::<B, R>(core, bus, op, clocks::REPEATED_LODS, |core, bus| {
        let value: T = read_source(core, bus, op)?;
        value.set_register(core, 0);
        advance::<T>(core, SI, op.address_mask());
        Ok(true)
    })
}

/// CMPS.
pub(crate) fn compares<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    iterate::<B, R>(core, bus, op, clocks::REPEATED_CMPS, |core, bus| {
        let left: T = read_source(core, bus, op)?;
        let right = read_destination(core, bus, op)?;
        core.status = alu::sub(left, right, core.status).1;
        advance::<T>(core, SI, op.address_mask());
        advance::<T>(core, DI, op.address_mask());
        Ok(wants(op, core.status.zero()))
    })
}

/// SCAS.
pub(crate) fn scans<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    iterate::<B, R>(core, bus, op, clocks::REPEATED_SCAS, |core, bus| {
        let right = read_destination(core, bus, op)?;
        core.status = alu::sub(T::register(core, 0), right, core.status).1;
        advance::<T>(core, DI, op.address_mask());
        Ok(wants(op, core.status.zero()))
    })
}

/// INS. The destination is checked before the port is read, for reading a port can change a device.
pub(crate) fn inputs<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let port = u16::register(core, Register::Edx as u8);
    check_port::<B, T>(core, bus, port)?;
    charge_once::<R>(core, clocks::INS);
    let start = port::charge(core, clocks::REPEATED_INS);
    let each = port::charge(core, clocks::REPEATED_INS_EACH);
    iterate::<B, R>(core, bus, op, (start, each), |core, bus| {
        core.check_write(bus, Segment::Es, core.general[DI] & op.address_mask(), T::BYTES)?;
        let value: T = port::input(core, bus, port);
        write_destination(core, bus, op, value)?;
        advance::<T>(core, DI, op.address_mask());
        Ok(true)
    })
}

/// OUTS.
pub(crate) fn outputs<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let port = u16::register(core, Register::Edx as u8);
    check_port::<B, T>(core, bus, port)?;
    charge_once::<R>(core, clocks::OUTS);
    let start = port::charge(core, clocks::REPEATED_OUTS);
    let each = port::charge(core, clocks::REPEATED_OUTS_EACH);
    iterate::<B, R>(core, bus, op, (start, each), |core, bus| {
        let value: T = read_source(core, bus, op)?;
        port::output(core, bus, port, value);
        advance::<T>(core, SI, op.address_mask());
        Ok(true)
    })
}

/// Checks the right to use a port, once an instruction: one that goes on between two iterations has it.
fn check_port<B: Bus, T: Unit>(core: &mut Core, bus: &mut B, port: u16) -> Result<(), Fault> {
    if core.is_repeating {
        return Ok(());
    }
    core.check_io(bus, port, T::BYTES)
}

fn charge_once<R: Times>(core: &mut Core, clocks: clocks::Port) {
    if !R::IS_REPEATED {
        core.cycles += port::charge(core, clocks);
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::{Cpu, Stop};
    use crate::test_board::{Board, protected};
    use crate::{Bus, Register, State};
    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    const CODE: u32 = 0x1_0000;
    const DATA: u32 = 0x2_0000;

    /// Runs code on a pattern in memory with ESI and EDI beside it.
    fn run(code: &[u8], from: u32, to: u32, count: u32) -> (State, Vec<u8>) {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        let pattern: Vec<u8> = (0..0x4000u32).map(|at| (at * 7 + (at >> 8)) as u8).collect();
        board.set_bytes(DATA, &pattern);
        board.set_bytes(CODE, code);
        core.eip = CODE;
        core.general[Register::Eax as usize] = 0x1234_5678;
        core.general[Register::Esi as usize] = DATA + from;
        core.general[Register::Edi as usize] = DATA + to;
        core.general[Register::Ecx as usize] = count;
        let mut cpu = Cpu::with_core(core);
        assert_eq!(cpu.run(&mut board), Stop::Halted);
        let data = DATA as usize..DATA as usize + 0x4000;
        (cpu.state(), board.memory()[data].to_vec())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn a_repeated_instruction_leaves_what_single_ones_leave(
            from in 0xF00u32..0x1100, to in 0xF00u32..0x1100, count in 0u32..300, form in 0usize..6, down: bool,
        ) {
            let instruction = [&[0xA4][..], &[0x66, 0xA5], &[0xA5], &[0xAA], &[0x66, 0xAB], &[0xAB]][form];
            let direction = if down { 0xFD } else { 0xFC };
            let repeated = [&[direction, 0xF3][..], instruction, &[0xF4]].concat();
            let singles = [&[direction][..], &instruction.repeat(count as usize), &[0xF4]].concat();
            let (repeated, repeated_memory) = run(&repeated, from, to, count);
            let (singles, single_memory) = run(&singles, from, to, count);
            prop_assert_eq!(repeated_memory, single_memory);
            prop_assert_eq!(repeated.general[6..].to_vec(), singles.general[6..].to_vec());
            prop_assert_eq!(repeated.general[Register::Ecx as usize], 0);
        }

        #[test]
        fn an_aligned_move_takes_5_clocks_and_4_for_each_unit(count in 0u32..900) {
            let (state, _) = run(&[0xF3, 0xA5, 0xF4], 0x100, 0x2100, count);
            prop_assert_eq!(state.cycles, 5 + 4 * u64::from(count) + 5);
        }
    }
}
