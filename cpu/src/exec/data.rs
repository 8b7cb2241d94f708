//! Moves, extensions, exchanges, addresses, segment registers.

use super::Done;
use super::operand::{General, InMemory, InRegister, Place};
use crate::clocks;
use crate::core::Core;
use crate::op::{Flow, Op};
use crate::{Bus, Cycle, Fault, Segment, Vector};

/// `r/m = reg`.
#[inline(always)]
pub(crate) fn store<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let value = T::register(core, op.reg);
    P::set(core, bus, op, value)?;
    Ok(Flow::Next)
}

/// `reg = r/m`.
#[inline(always)]
pub(crate) fn load<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let value: T = P::get(core, bus, op)?;
    value.set_register(core, op.reg);
    Ok(Flow::Next)
}

/// `[offset] = accumulator`.
#[inline(always)]
pub(crate) fn store_accumulator<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    store::<B, InMemory, T>(core, bus, op)
}

/// `accumulator = [offset]`.
#[inline(always)]
pub(crate) fn load_accumulator<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    load::<B, InMemory, T>(core, bus, op)
}

/// `r/m = immediate`.
#[inline(always)]
pub(crate) fn store_immediate<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    P::set(core, bus, op, T::from_u32(op.immediate))?;
    Ok(Flow::Next)
}

/// `register = immediate`, the register in the opcode.
#[inline(always)]
pub(crate) fn load_immediate<B: Bus, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    store_immediate::<B, InRegister, T>(core, bus, op)
}

/// MOVZX.
#[inline(always)]
pub(crate) fn zero_extend<B: Bus, P: Place, From: General, To: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let value: From = P::get(core, bus, op)?;
    To::from_u32(value.to_u32()).set_register(core, op.reg);
    Ok(Flow::Next)
}

/// MOVSX.
#[inline(always)]
pub(crate) fn sign_extend<B: Bus, P: Place, From: General, To: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let value: From = P::get(core, bus, op)?;
    To::from_u32(value.to_i32() as u32).set_register(core, op.reg);
    Ok(Flow::Next)
}

/// LEA. A register operand has no address.
#[inline(always)]
pub(crate) fn load_address<B: Bus, P: Place, T: General>(core: &mut Core, _: &mut B, op: &Op) -> Done {
    if !P::IS_MEMORY {
        return Err(Fault::plain(Vector::InvalidOpcode));
    }
    T::from_u32(op.offset(core)).set_register(core, op.reg);
    Ok(Flow::Next)
}

/// XCHG.
#[inline(always)]
pub(crate) fn exchange<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let new = T::register(core, op.reg);
    let mut old = new;
    P::update(core, bus, op, |value, status| {
        old = value;
        (new, status)
    })?;
    old.set_register(core, op.reg);
    Ok(Flow::Next)
}

/// XCHG of the accumulator with the register in the opcode.
#[inline(always)]
pub(crate) fn exchange_accumulator<B: Bus, T: General>(core: &mut Core, _: &mut B, op: &Op) -> Done {
    let (accumulator, other) = (T::register(core, 0), T::register(core, op.rm));
    accumulator.set_register(core, op.rm);
    other.set_register(core, 0);
    Ok(Flow::Next)
}

/// XLAT.
#[inline(always)]
pub(crate) fn translate<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let offset = u32::register(core, 3).wrapping_add(u32::from(u8::register(core, 0))) & op.address_mask();
    let value: u8 = core.read(bus, op.segment, offset)?;
    value.set_register(core, 0);
    Ok(Flow::Next)
}

/// CBW, CWDE: the accumulator's lower half extended into all of `T`.
#[inline(always)]
pub(crate) fn widen_accumulator<B: Bus, Half: General, T: General>(
    core: &mut Core,
    _: &mut B,
    _: &Op,
) -> Done {
    T::from_u32(Half::register(core, 0).to_i32() as u32).set_register(core, 0);
    Ok(Flow::Next)
}

/// CWD, CDQ: the accumulator's sign into all of (E)DX.
#[inline(always)]
pub(crate) fn sign_into_dx<B: Bus, T: General>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    T::from_u32((T::register(core, 0).to_i32() >> 31) as u32).set_register(core, 2);
    Ok(Flow::Next)
}

/// SALC, undocumented: AL = FFh or 0, as CF says.
#[inline(always)]
pub(crate) fn set_al_from_carry<B: Bus>(core: &mut Core, _: &mut B, _: &Op) -> Done {
    let value = if core.status.carry() { 0xFFu8 } else { 0 };
    value.set_register(core, 0);
    Ok(Flow::Next)
}

/// Segment registers by the number in ModRM's `reg` field; 6 and 7 name none.
fn segment_named(op: &Op) -> Result<Segment, Fault> {
    Segment::ALL
        .get(usize::from(op.reg))
        .copied()
        .ok_or(Fault::plain(Vector::InvalidOpcode))
}

/// MOV from a segment register. To memory always 16 bits; a 32-bit register gets it zero-extended (undefined in the
/// manual).
pub(crate) fn store_segment<B: Bus, P: Place, T: General>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let selector = core.segment(segment_named(op)?).selector;
    if P::IS_MEMORY {
        P::set(core, bus, op, selector)?;
    } else {
        T::from_u32(u32::from(selector)).set_register(core, op.rm);
    }
    Ok(Flow::Next)
}

/// MOV to a segment register: not to CS. After SS one instruction follows without interrupt.
pub(crate) fn move_to_segment<B: Bus, P: Place>(core: &mut Core, bus: &mut B, op: &Op) -> Done {
    let segment = segment_named(op)?;
    if segment == Segment::Cs {
        return Err(Fault::plain(Vector::InvalidOpcode));
    }
    let selector = P::get(core, bus, op)?;
    core.load_segment(bus, segment, selector)?;
    let clocks = if P::IS_MEMORY {
        clocks::DESCRIPTOR_BY_MEMORY
    } else {
        clocks::DESCRIPTOR_BY_REGISTER
    };
    charge_descriptor(core, clocks);
    if segment == Segment::Ss {
        core.begin_shadow();
    }
    Ok(Flow::Next)
}

/// Adds what loading a segment register costs more in protected mode, where a descriptor is read.
pub(crate) fn charge_descriptor(core: &mut Core, clocks: Cycle) {
    if core.is_protected() && !core.is_virtual_8086() {
        core.cycles += clocks;
    }
}

/// A segment register as a type.
pub(crate) trait SegmentName {
    /// Which one.
    const SEGMENT: Segment;
}

macro_rules! segment_names {
    ($($name:ident = $segment:ident;)*) => {
        $(
            #[doc = concat!("`Segment::", stringify!($segment), "`.")]
            pub(crate) struct $name;

            impl SegmentName for $name {
                const SEGMENT: Segment = Segment::$segment;
            }
        )*
    };
}

segment_names! {
    InEs = Es; InCs = Cs; InSs = Ss; InDs = Ds; InFs = Fs; InGs = Gs;
}

/// LDS, LES, LFS, LGS, LSS.
pub(crate) fn load_far_pointer<B: Bus, S: SegmentName, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Done {
    let (offset, selector) = far_pointer::<B, T>(core, bus, op)?;
    core.load_segment(bus, S::SEGMENT, selector)?;
    let is_newer = matches!(S::SEGMENT, Segment::Fs | Segment::Gs);
    let clocks = if is_newer {
        clocks::DESCRIPTOR_BY_NEWER_POINTER
    } else {
        clocks::DESCRIPTOR_BY_POINTER
    };
    charge_descriptor(core, clocks);
    offset.set_register(core, op.reg);
    Ok(Flow::Next)
}

/// The operand of a far indirect transfer: an offset and behind it a selector.
pub(crate) fn far_pointer<B: Bus, T: General>(
    core: &mut Core,
    bus: &mut B,
    op: &Op,
) -> Result<(T, u16), Fault> {
    let at = op.offset(core);
    let offset = core.read(bus, op.segment, at)?;
    let selector = core.read(bus, op.segment, at.wrapping_add(T::BYTES) & op.address_mask())?;
    Ok((offset, selector))
}
