//! Where operands are: in registers, in memory, in the instruction itself.

use crate::core::Core;
use crate::flags::Status;
use crate::op::Op;
use crate::unit::Unit;
use crate::{Bus, Fault};

/// An operand size with its view of the general registers.
pub(crate) trait General: Unit {
    /// The part of the registers that `number` (0 to 7) names.
    fn register(core: &Core, number: u8) -> Self;
    /// Changes that part only.
    fn set_register(self, core: &mut Core, number: u8);
}

impl General for u8 {
    /// AL, CL, DL, BL, AH, CH, DH, BH.
    #[inline(always)]
    fn register(core: &Core, number: u8) -> Self {
        (core.general[usize::from(number & 3)] >> ((number & 4) * 2)) as Self
    }

    #[inline(always)]
    fn set_register(self, core: &mut Core, number: u8) {
        let shift = (number & 4) * 2;
        let register = &mut core.general[usize::from(number & 3)];
        *register = *register & !(0xFF << shift) | u32::from(self) << shift;
    }
}

impl General for u16 {
    #[inline(always)]
    fn register(core: &Core, number: u8) -> Self {
        core.general[usize::from(number)] as Self
    }

    #[inline(always)]
    fn set_register(self, core: &mut Core, number: u8) {
        let register = &mut core.general[usize::from(number)];
        *register = *register & 0xFFFF_0000 | u32::from(self);
    }
}

impl General for u32 {
    #[inline(always)]
    fn register(core: &Core, number: u8) -> Self {
        core.general[usize::from(number)]
    }

    #[inline(always)]
    fn set_register(self, core: &mut Core, number: u8) {
        core.general[usize::from(number)] = self;
    }
}

/// Where the operand is that ModRM's `r/m` field names.
pub(crate) trait Place {
    /// Whether that is in memory.
    const IS_MEMORY: bool;

    /// Reads it.
    fn get<T: General, B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Result<T, Fault>;

    /// Writes it.
    fn set<T: General, B: Bus>(core: &mut Core, bus: &mut B, op: &Op, value: T) -> Result<(), Fault>;

    /// Replaces it by what `change` makes of it and the flags, and the flags too.
    fn update<T: General, B: Bus>(
        core: &mut Core,
        bus: &mut B,
        op: &Op,
        change: impl FnOnce(T, Status) -> (T, Status),
    ) -> Result<(), Fault>;
}

/// In a register.
pub(crate) struct InRegister;

/// In memory, at an offset that is worked out in some way.
pub(crate) struct Memory<A>(std::marker::PhantomData<A>);

/// In memory, wherever ModRM can name.
pub(crate) type InMemory = Memory<AnyOffset>;

/// In memory, with 32-bit addresses and no index.
pub(crate) type AtBase = Memory<BaseOffset>;

/// In memory, with 32-bit addresses and an index.
pub(crate) type AtIndex = Memory<IndexOffset>;

/// How the offset of a memory operand is worked out.
pub(crate) trait Addressing {
    /// The offset.
    fn offset(core: &Core, op: &Op) -> u32;
}

/// From base, index, scale, displacement and address size.
pub(crate) struct AnyOffset;

impl Addressing for AnyOffset {
    #[inline(always)]
    fn offset(core: &Core, op: &Op) -> u32 {
        op.offset(core)
    }
}

/// From base and displacement.
pub(crate) struct BaseOffset;

impl Addressing for BaseOffset {
    #[inline(always)]
    fn offset(core: &Core, op: &Op) -> u32 {
        core.general[usize::from(op.base)].wrapping_add(op.displacement)
    }
}

/// From base, index, scale and displacement.
pub(crate) struct IndexOffset;

impl Addressing for IndexOffset {
    #[inline(always)]
    fn offset(core: &Core, op: &Op) -> u32 {
        op.sum(core)
    }
}

impl Place for InRegister {
    const IS_MEMORY: bool = false;

    #[inline(always)]
    fn get<T: General, B: Bus>(core: &mut Core, _: &mut B, op: &Op) -> Result<T, Fault> {
        Ok(T::register(core, op.rm))
    }

    #[inline(always)]
    fn set<T: General, B: Bus>(core: &mut Core, _: &mut B, op: &Op, value: T) -> Result<(), Fault> {
        value.set_register(core, op.rm);
        Ok(())
    }

    #[inline(always)]
    fn update<T: General, B: Bus>(
        core: &mut Core,
        _: &mut B,
        op: &Op,
        change: impl FnOnce(T, Status) -> (T, Status),
    ) -> Result<(), Fault> {
        let (value, status) = change(T::register(core, op.rm), core.status);
        value.set_register(core, op.rm);
        core.status = status;
        Ok(())
    }
}

impl<A: Addressing> Place for Memory<A> {
    const IS_MEMORY: bool = true;

    #[inline(always)]
    fn get<T: General, B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Result<T, Fault> {
        let offset = A::offset(core, op);
        core.read(bus, op.segment, offset)
    }

    #[inline(always)]
    fn set<T: General, B: Bus>(core: &mut Core, bus: &mut B, op: &Op, value: T) -> Result<(), Fault> {
        let offset = A::offset(core, op);
        core.write(bus, op.segment, offset, value)
    }

    #[inline(always)]
    fn update<T: General, B: Bus>(
        core: &mut Core,
        bus: &mut B,
        op: &Op,
        change: impl FnOnce(T, Status) -> (T, Status),
    ) -> Result<(), Fault> {
        let offset = A::offset(core, op);
        let mut status = core.status;
        core.modify(bus, op.segment, offset, |value| {
            let (value, new) = change(value, status);
            status = new;
            value
        })?;
        core.status = status;
        Ok(())
    }
}

/// Where a second operand is that needs no memory access.
pub(crate) trait Source {
    /// Its value.
    fn value<T: General>(core: &Core, op: &Op) -> T;
}

/// The register that ModRM's `reg` field names.
pub(crate) struct Reg;

/// The instruction's immediate.
pub(crate) struct Immediate;

/// The constant 1.
pub(crate) struct One;

/// CL.
pub(crate) struct Cl;

impl Source for Reg {
    #[inline(always)]
    fn value<T: General>(core: &Core, op: &Op) -> T {
        T::register(core, op.reg)
    }
}

impl Source for Immediate {
    #[inline(always)]
    fn value<T: General>(_: &Core, op: &Op) -> T {
        T::from_u32(op.immediate)
    }
}

impl Source for One {
    #[inline(always)]
    fn value<T: General>(_: &Core, _: &Op) -> T {
        T::from_u32(1)
    }
}

impl Source for Cl {
    #[inline(always)]
    fn value<T: General>(core: &Core, _: &Op) -> T {
        T::from_u32(u32::from(u8::register(core, 1)))
    }
}
