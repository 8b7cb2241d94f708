//! IN and OUT.

use super::Done;
use super::operand::{General, Source};
use crate::core::Core;
use crate::op::{Flow, Op};
use crate::paging::BUS_CYCLE_CLOCKS;
use crate::unit::Unit;
use crate::{Bus, Cycle, Register};

/// Picks from the manual's three figures for an I/O instruction: real mode; protected mode with CPL <= IOPL; the permission
/// bit map is consulted (CPL > IOPL, or virtual 8086 mode).
pub(crate) fn charge(core: &Core, clocks: [Cycle; 3]) -> Cycle {
    let consults_map = core.is_virtual_8086() || core.privilege > core.io_privilege();
    match core.is_protected() {
        false => clocks[0],
        true if !consults_map => clocks[1],
        true => clocks[2],
    }
}

/// Reads a port. A transfer that crosses a dword boundary takes a second bus cycle, and is given to the board as bytes.
pub(crate) fn input<B: Bus, T: Unit>(core: &mut Core, bus: &mut B, port: u16) -> T {
    let reply = if is_whole::<T>(port) {
        let reply = bus.input(core.cycles, port, T::WIDTH);
        core.cycles += Cycle::from(reply.wait);
        reply.value
    } else {
        (0..T::BYTES).fold(0, |value, number| {
            let port = port.wrapping_add(number as u16);
            core.cycles += crossing_clocks(port, number);
            let reply = bus.input(core.cycles, port, crate::Width::Byte);
            core.cycles += Cycle::from(reply.wait);
            value | (reply.value & 0xFF) << (8 * number)
        })
    };
    core.look_at_pins(bus);
    T::from_u32(reply)
}

/// Writes a port.
pub(crate) fn output<B: Bus, T: Unit>(core: &mut Core, bus: &mut B, port: u16, value: T) {
    let value = value.to_u32();
    if is_whole::<T>(port) {
        core.cycles += Cycle::from(bus.output(core.cycles, port, T::WIDTH, value));
    } else {
        for number in 0..T::BYTES {
            let (port, part) = (port.wrapping_add(number as u16), value >> (8 * number) & 0xFF);
            core.cycles += crossing_clocks(port, number);
            core.cycles += Cycle::from(bus.output(core.cycles, port, crate::Width::Byte, part));
        }
    }
    core.look_at_pins(bus);
}

/// What byte `number` of a transfer adds where a second dword begins.
fn crossing_clocks(port: u16, number: u32) -> Cycle {
    if number > 0 && port & 3 == 0 { BUS_CYCLE_CLOCKS } else { 0 }
}

fn is_whole<T: Unit>(port: u16) -> bool {
    u32::from(port & 3) + T::BYTES <= 4
}

/// Where the port's number is, as a type.
pub(crate) trait PortNumber {
    /// Clocks of IN and OUT, each for the three cases of [`charge`].
    const CLOCKS: [[Cycle; 3]; 2];
    /// The number.
    fn number(core: &Core, op: &Op) -> u16;
}

/// In the instruction.
pub(crate) struct Fixed;

/// In DX.
pub(crate) struct InDx;

impl PortNumber for Fixed {
    const CLOCKS: [[Cycle; 3]; 2] = [[12, 6, 26], [10, 4, 24]];

    fn number(core: &Core, op: &Op) -> u16 {
        u16::from(super::operand::Immediate::value::<u8>(core, op))
    }
}

impl PortNumber for InDx {
    const CLOCKS: [[Cycle; 3]; 2] = [[13, 7, 27], [11, 5, 25]];

    fn number(core: &Core, _: &Op) -> u16 {
        u16::register(core, Register::Edx as u8)
    }
}

/// IN.
pub(crate) fn read<B: Bus, N: PortNumber, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let port = N::number(core, op);
    core.check_io(bus, port, T::BYTES)?;
    core.cycles += charge(core, N::CLOCKS[0]);
    let value: T = input(core, bus, port);
    value.set_register(core, 0);
    Ok(Flow::Next)
}

/// OUT.
pub(crate) fn write<B: Bus, N: PortNumber, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let port = N::number(core, op);
    core.check_io(bus, port, T::BYTES)?;
    core.cycles += charge(core, N::CLOCKS[1]);
    output(core, bus, port, T::register(core, 0));
    Ok(Flow::Next)
}
