//! Instructions that are about single flags.

use super::Done;
use super::operand::General;
use crate::core::Core;
use crate::flags::Status;
use crate::op::{Flow, Op};
use crate::{Bus, Flags};

/// LAHF: SF, ZF, AF, PF, CF and bit 1 to AH.
#[inline(always)]
pub(crate) fn load_ah<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    ((core.status.flags() | Flags::ALWAYS).bits() as u8).set_register(core, 4);
    Ok(Flow::Next)
}

/// SAHF: the same back; OF stays.
#[inline(always)]
pub(crate) fn store_ah<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    let flags = Flags::from_bits_truncate(u32::from(u8::register(core, 4)));
    let overflow = core.status.overflow();
    let status = Status::from_flags(flags);
    core.status = status.with_carry_and_overflow(status.carry(), overflow);
    Ok(Flow::Next)
}

/// CLC.
#[inline(always)]
pub(crate) fn clear_carry<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    core.status = core.status.with_carry(false);
    Ok(Flow::Next)
}

/// STC.
#[inline(always)]
pub(crate) fn set_carry<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    core.status = core.status.with_carry(true);
    Ok(Flow::Next)
}

/// CMC.
#[inline(always)]
pub(crate) fn complement_carry<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    core.status = core.status.with_carry(!core.status.carry());
    Ok(Flow::Next)
}

/// CLD.
#[inline(always)]
pub(crate) fn clear_direction<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    core.set_eflags(core.eflags().difference(Flags::DIRECTION));
    Ok(Flow::Next)
}

/// STD.
#[inline(always)]
pub(crate) fn set_direction<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    core.set_eflags(core.eflags() | Flags::DIRECTION);
    Ok(Flow::Next)
}

/// CLI.
#[inline(always)]
pub(crate) fn disable_interrupts<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    core.set_interrupt_flag(false)?;
    Ok(Flow::Next)
}

/// STI: interrupts are taken after the next instruction, if they were disabled before.
#[inline(always)]
pub(crate) fn enable_interrupts<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    core.set_interrupt_flag(true)?;
    Ok(Flow::Next)
}
