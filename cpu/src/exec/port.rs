//! IN and OUT.

use super::Done;
use super::operand::{General, Source};
use crate::clocks;
use crate::core::Core;
use crate::op::{Flow, Op};
use crate::unit::Unit;
use crate::{Bus, Cycle, Register};

/// Picks from the figures of an I/O instruction.
pub(crate) fn charge(core: &Core, clocks: clocks::Port) -> Cycle {
    let consults_map = core.is_virtual_8086() || core.privilege() > core.io_privilege();
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
    if number > 0 && port & 3 == 0 {
        clocks::BUS_CYCLE
    } else {
        0
    }
}

fn is_whole<T: Unit>(port: u16) -> bool {
    u32::from(port & 3) + T::BYTES <= 4
}

/// Where the port's number is, as a type.
pub(crate) trait PortNumber {
    /// Clocks of IN.
    const IN_CLOCKS: clocks::Port;
    /// Clocks of OUT.
    const OUT_CLOCKS: clocks::Port;
    /// The number.
    fn number(core: &Core, op: &Op) -> u16;
}

/// In the instruction.
pub(crate) struct Fixed;

/// In DX.
pub(crate) struct InDx;

impl PortNumber for Fixed {
    const IN_CLOCKS: clocks::Port = clocks::IN_FIXED;
    const OUT_CLOCKS: clocks::Port = clocks::OUT_FIXED;

    fn number(core: &Core, op: &Op) -> u16 {
        u16::from(super::operand::Immediate::value::<u8>(core, op))
    }
}

impl PortNumber for InDx {
    const IN_CLOCKS: clocks::Port = clocks::IN_DX;
    const OUT_CLOCKS: clocks::Port = clocks::OUT_DX;

    fn number(core: &Core, _: &Op) -> u16 {
        u16::register(core, Register::Edx as u8)
    }
}

/// IN.
pub(crate) fn read<B: Bus, N: PortNumber, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let port = N::number(core, op);
    core.check_io(bus, port, T::BYTES)?;
    core.cycles += charge(core, N::IN_CLOCKS);
    let value: T = input(core, bus, port);
    value.set_register(core, 0);
    Ok(Flow::Next)
}

/// OUT.
pub(crate) fn write<B: Bus, N: PortNumber, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let port = N::number(core, op);
    core.check_io(bus, port, T::BYTES)?;
    core.cycles += charge(core, N::OUT_CLOCKS);
    output(core, bus, port, T::register(core, 0));
    Ok(Flow::Next)
}
