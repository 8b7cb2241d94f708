//! One decoded instruction: what its handler needs, taken apart once.

use crate::core::Core;
use crate::{Fault, Segment};

/// What executes an [`Op`]. On entry `Core::eip` is the next instruction's address.
pub(crate) type Handler<B> = fn(&mut Core, &mut B, &Op) -> Result<Flow, Fault>;

/// Where execution goes after an instruction that did not fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// To the instruction behind it.
    Next,
    /// To `Core::eip`, by a jump whose clocks include the components of the target instruction.
    Jump,
    /// As [`Flow::Jump`], but CS may have changed.
    FarJump,
    /// To `Core::eip`, which has changed (or what it leads to has) in a way that charges nothing
    /// for the target.
    Transfer,
    /// To the same instruction again: a repeated string instruction that stopped between two iterations.
    Again,
    /// Nowhere: this was no instruction but the end of decoded code.
    Leave,
}

/// Which repeat prefix an instruction has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// None.
    None,
    /// F3: REP, or REPE for CMPS and SCAS.
    WhileEqual,
    /// F2: REPNE.
    WhileNotEqual,
}

/// A decoded instruction. Compact: the cache lays ops out one behind the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// Index into `forms::handlers`.
    pub(crate) handler: u16,
    /// Bytes of code.
    pub(crate) length: u8,
    /// Clocks that are known before it executes.
    pub(crate) clocks: u8,
    /// Components, which a jump to it costs: `m` of the manual's clock tables.
    pub(crate) components: u8,
    /// The register that the `reg` field of ModRM names; or the field itself.
    pub(crate) reg: u8,
    /// The register that the `r/m` field names, or the opcode's low bits, or 0, the accumulator.
    pub(crate) rm: u8,
    /// Segment of the memory operand.
    pub(crate) segment: Segment,
    /// Base register, or [`Op::NO_REGISTER`].
    pub(crate) base: u8,
    /// Index register, or [`Op::NO_REGISTER`].
    pub(crate) index: u8,
    /// Left shift of the index: 0 to 3.
    pub(crate) scale: u8,
    /// Repeat prefix.
    pub(crate) repeat: Repeat,
    /// Displacement; of ENTER the level; of a far pointer the selector.
    pub(crate) displacement: u32,
    /// Immediate, sign-extended as the instruction wants it; of a relative branch the distance from its end.
    pub(crate) immediate: u32,
    /// Address size: FFFFh or FFFF_FFFFh.
    pub(crate) address_mask: u32,
}

impl Op {
    /// The slot of `Core::general` that is always zero.
    pub(crate) const NO_REGISTER: u8 = 8;

    /// Offset of the memory operand.
    #[inline(always)]
    pub(crate) fn offset(&self, core: &Core) -> u32 {
        core.general[usize::from(self.base & 15)]
            .wrapping_add(core.general[usize::from(self.index & 15)] << (self.scale & 3))
            .wrapping_add(self.displacement)
            & self.address_mask
    }
}
