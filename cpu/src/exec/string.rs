//! String instructions. With a repeat prefix each iteration is committed by itself, and the instruction may stop between
//! two, at a fault, an interrupt or the board's deadline, with (E)IP at the instruction.

use super::Done;
use super::operand::General;
use super::port;
use crate::alu;
use crate::core::Core;
use crate::op::{Flow, Op, Repeat};
use crate::unit::Unit;
use crate::{Bus, Cycle, Fault, Flags, Register, Segment};

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

/// Does `iteration` once, or as often as (E)CX says while it returns true. Repeated, `start` clocks begin it and `each` follow
/// for an iteration; once, the instruction's own clocks are all.
fn iterate<B: Bus, R: Times>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
    (start, each): (Cycle, Cycle),
    iteration: impl Fn(&mut Core, &mut B) -> Result<bool, Fault>,
) -> Done {
    if !R::IS_REPEATED {
        iteration(core, bus)?;
        return Ok(Flow::Next);
    }
    if !std::mem::take(&mut core.is_repeating) {
        core.cycles += start;
    }
    let mask = op.address_mask;
    while core.general[CX] & mask != 0 {
        let goes_on = iteration(core, bus)?;
        core.cycles += each;
        core.general[CX] = core.general[CX] & !mask | core.general[CX].wrapping_sub(1) & mask;
        if !goes_on {
            break;
        }
        if core.cycles >= core.until && core.general[CX] & mask != 0 && core.must_stop_repeating() {
            core.is_repeating = true;
            return Ok(Flow::Again);
        }
    }
    Ok(Flow::Next)
}

/// Start-up clocks of repeated MOVS, STOS, LODS, CMPS and SCAS.
const START: Cycle = 5;

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
    core.read(bus, op.segment, core.general[SI] & op.address_mask)
}

#[inline(always)]
fn read_destination<B: Bus, T: Unit>(core: &mut Core, bus: &mut B, op: &Op) -> Result<T, Fault> {
    core.read(bus, Segment::Es, core.general[DI] & op.address_mask)
}

#[inline(always)]
fn write_destination<B: Bus, T: Unit>(core: &mut Core, bus: &mut B, op: &Op, value: T) -> Result<(), Fault> {
    core.write(bus, Segment::Es, core.general[DI] & op.address_mask, value)
}

/// Whether the repeat prefix lets a comparison go on.
fn wants(op: &Op, zero: bool) -> bool {
    zero == (op.repeat == Repeat::WhileEqual)
}

/// MOVS.
pub(crate) fn moves<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    iterate::<B, R>(core, bus, op, (START, 4), |core, bus| {
        let value: T = read_source(core, bus, op)?;
        write_destination(core, bus, op, value)?;
        advance::<T>(core, SI, op.address_mask);
        advance::<T>(core, DI, op.address_mask);
        Ok(true)
    })
}

/// STOS.
pub(crate) fn stores<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    iterate::<B, R>(core, bus, op, (START, 5), |core, bus| {
        write_destination(core, bus, op, T::register(core, 0))?;
        advance::<T>(core, DI, op.address_mask);
        Ok(true)
    })
}

/// LODS. The manual gives no figure for the repeated form; an iteration is taken to cost what the plain one does.
pub(crate) fn loads<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    iterate::<B, R>(core, bus, op, (START, 5), |core, bus| {
        let value: T = read_source(core, bus, op)?;
        value.set_register(core, 0);
        advance::<T>(core, SI, op.address_mask);
        Ok(true)
    })
}

/// CMPS.
pub(crate) fn compares<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    iterate::<B, R>(core, bus, op, (START, 9), |core, bus| {
        let left: T = read_source(core, bus, op)?;
        let right = read_destination(core, bus, op)?;
        core.status = alu::sub(left, right, core.status).1;
        advance::<T>(core, SI, op.address_mask);
        advance::<T>(core, DI, op.address_mask);
        Ok(wants(op, core.status.zero()))
    })
}

/// SCAS.
pub(crate) fn scans<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    iterate::<B, R>(core, bus, op, (START, 8), |core, bus| {
        let right = read_destination(core, bus, op)?;
        core.status = alu::sub(T::register(core, 0), right, core.status).1;
        advance::<T>(core, DI, op.address_mask);
        Ok(wants(op, core.status.zero()))
    })
}

/// INS. The destination is checked before the port is read, for reading a port can change a device.
pub(crate) fn inputs<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let port = u16::register(core, Register::Edx as u8);
    core.check_io(bus, port, T::BYTES)?;
    charge_once::<R>(core, [15, 9, 29]);
    let start = port::charge(core, [13, 7, 27]);
    iterate::<B, R>(core, bus, op, (start, 6), |core, bus| {
        core.check_write(bus, Segment::Es, core.general[DI] & op.address_mask, T::BYTES)?;
        let value: T = port::input(core, bus, port);
        write_destination(core, bus, op, value)?;
        advance::<T>(core, DI, op.address_mask);
        Ok(true)
    })
}

/// OUTS.
pub(crate) fn outputs<B: Bus, R: Times, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let port = u16::register(core, Register::Edx as u8);
    core.check_io(bus, port, T::BYTES)?;
    charge_once::<R>(core, [14, 8, 28]);
    let start = port::charge(core, [5, 6, 26]);
    let each = if core.is_protected() { 5 } else { 12 };
    iterate::<B, R>(core, bus, op, (start, each), |core, bus| {
        let value: T = read_source(core, bus, op)?;
        port::output(core, bus, port, value);
        advance::<T>(core, SI, op.address_mask);
        Ok(true)
    })
}

fn charge_once<R: Times>(core: &mut Core, clocks: [Cycle; 3]) {
    if !R::IS_REPEATED {
        core.cycles += port::charge(core, clocks);
    }
}
