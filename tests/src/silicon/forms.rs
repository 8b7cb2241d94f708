//! The instruction forms that cases are made of, by opcode. What is missing here is in `differences::DIFFERENCES`.

/// The ModRM byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModRm {
    /// None.
    No,
    /// Register or memory; the `reg` field below this many.
    Any(u8),
    /// Register or memory; the `reg` field is part of the opcode, from the first to the last.
    Group(u8, u8),
    /// Memory only.
    Memory,
    /// Memory only, and a `reg` field that is part of the opcode.
    MemoryGroup(u8, u8),
    /// Registers only; the `reg` field is one of those that CR0, CR2, CR3 and DR0 to DR3 have.
    Control,
}

/// What follows the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Immediate {
    /// Nothing.
    No,
    /// A byte.
    Byte,
    /// A word.
    Word,
    /// A word or a dword, by operand size.
    Full,
    /// A word or a dword, by address size.
    Offset,
    /// ENTER's word and byte.
    Enter,
}

use Immediate::{Byte, Full, No, Offset, Word};
use ModRm::{Any, Group, Memory, MemoryGroup};

/// What a form needs in front of it or around it to get beyond its first check often enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setup {
    /// Nothing.
    Plain,
    /// ESI, EDI, ECX.
    String,
    /// The operand is a selector.
    Selector,
    /// The operand in memory is a far pointer to data.
    DataPointer,
    /// The operand in memory is a far pointer to code.
    CodePointer,
    /// The operand is an offset of code.
    CodeOffset,
    /// A dividend that is not too large; the number is the operand's size where it is one byte.
    Divide,
    /// A selector on the stack.
    PopSegment,
    /// Nothing, but it may leave undefined bytes on the stack.
    PushSegment,
    /// Flags on the stack.
    PopFlags,
    /// A return address on the stack.
    Return,
    /// A far one.
    FarReturn,
    /// A far one, and flags.
    InterruptReturn,
    /// A distance of code.
    Branch,
    /// An immediate far pointer.
    FarBranch,
    /// CL of at most 16.
    DoubleShift,
    /// A vector.
    Interrupt,
}

use Setup::{
    Branch, CodeOffset, CodePointer, DataPointer, Divide, DoubleShift, FarBranch, FarReturn, Interrupt,
    InterruptReturn, Plain, PopFlags, PopSegment, PushSegment, Return, Selector,
};

/// Instructions with consecutive opcodes that are alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// First opcode; 0Fxxh has two bytes.
    pub(super) first: u16,
    /// Last opcode.
    pub(super) last: u16,
    pub(super) modrm: ModRm,
    pub(super) immediate: Immediate,
    pub(super) setup: Setup,
    /// How often, compared with others.
    pub(super) weight: u32,
}

const fn form(first: u16, last: u16, modrm: ModRm, immediate: Immediate, setup: Setup, weight: u32) -> Form {
    Form {
        first,
        last,
        modrm,
        immediate,
        setup,
        weight,
    }
}

const NONE: ModRm = ModRm::No;

/// All of them.
pub(super) const FORMS: &[Form] = &[
    // Arithmetic and logic.
    form(0x00, 0x03, Any(8), No, Plain, 4),
    form(0x04, 0x04, NONE, Byte, Plain, 1),
    form(0x05, 0x05, NONE, Full, Plain, 1),
    form(0x08, 0x0B, Any(8), No, Plain, 4),
    form(0x0C, 0x0C, NONE, Byte, Plain, 1),
    form(0x0D, 0x0D, NONE, Full, Plain, 1),
    form(0x10, 0x13, Any(8), No, Plain, 6),
    form(0x14, 0x14, NONE, Byte, Plain, 1),
    form(0x15, 0x15, NONE, Full, Plain, 1),
    form(0x18, 0x1B, Any(8), No, Plain, 6),
    form(0x1C, 0x1C, NONE, Byte, Plain, 1),
    form(0x1D, 0x1D, NONE, Full, Plain, 1),
    form(0x20, 0x23, Any(8), No, Plain, 4),
    form(0x24, 0x24, NONE, Byte, Plain, 1),
    form(0x25, 0x25, NONE, Full, Plain, 1),
    form(0x28, 0x2B, Any(8), No, Plain, 4),
    form(0x2C, 0x2C, NONE, Byte, Plain, 1),
    form(0x2D, 0x2D, NONE, Full, Plain, 1),
    form(0x30, 0x33, Any(8), No, Plain, 4),
    form(0x34, 0x34, NONE, Byte, Plain, 1),
    form(0x35, 0x35, NONE, Full, Plain, 1),
    form(0x38, 0x3B, Any(8), No, Plain, 4),
    form(0x3C, 0x3C, NONE, Byte, Plain, 1),
    form(0x3D, 0x3D, NONE, Full, Plain, 1),
    form(0x27, 0x27, NONE, No, Plain, 2),
    form(0x2F, 0x2F, NONE, No, Plain, 2),
    form(0x37, 0x37, NONE, No, Plain, 2),
    form(0x3F, 0x3F, NONE, No, Plain, 2),
    form(0x40, 0x4F, NONE, No, Plain, 4),
    form(0x69, 0x69, Any(8), Full, Plain, 2),
    form(0x6B, 0x6B, Any(8), Byte, Plain, 2),
    form(0x80, 0x80, Group(0, 7), Byte, Plain, 6),
    form(0x81, 0x81, Group(0, 7), Full, Plain, 6),
    form(0x82, 0x83, Group(0, 7), Byte, Plain, 6),
    form(0x84, 0x85, Any(8), No, Plain, 2),
    form(0xA8, 0xA8, NONE, Byte, Plain, 1),
    form(0xA9, 0xA9, NONE, Full, Plain, 1),
    form(0xF6, 0xF6, Group(0, 1), Byte, Plain, 2),
    form(0xF7, 0xF7, Group(0, 1), Full, Plain, 2),
    form(0xF6, 0xF7, Group(2, 5), No, Plain, 10),
    form(0xF6, 0xF7, Group(6, 7), No, Divide, 8),
    form(0xFE, 0xFE, Group(0, 1), No, Plain, 2),
    form(0xFF, 0xFF, Group(0, 1), No, Plain, 2),
    form(0xD4, 0xD5, NONE, Byte, Plain, 2),
    form(0x98, 0x99, NONE, No, Plain, 2),
    form(0x0FAF, 0x0FAF, Any(8), No, Plain, 3),
    // Shifts and bits.
    form(0xC0, 0xC1, Group(0, 7), Byte, Plain, 8),
    form(0xD0, 0xD3, Group(0, 7), No, Plain, 14),
    form(0x0FA4, 0x0FA4, Any(8), Byte, DoubleShift, 3),
    form(0x0FAC, 0x0FAC, Any(8), Byte, DoubleShift, 3),
    form(0x0FA5, 0x0FA5, Any(8), No, DoubleShift, 3),
    form(0x0FAD, 0x0FAD, Any(8), No, DoubleShift, 3),
    form(0x0FA3, 0x0FA3, Any(8), No, Plain, 3),
    form(0x0FAB, 0x0FAB, Any(8), No, Plain, 3),
    form(0x0FB3, 0x0FB3, Any(8), No, Plain, 3),
    form(0x0FBB, 0x0FBB, Any(8), No, Plain, 3),
    form(0x0FBA, 0x0FBA, Group(4, 7), Byte, Plain, 4),
    form(0x0FBC, 0x0FBD, Any(8), No, Plain, 4),
    form(0x0F90, 0x0F9F, Group(0, 7), No, Plain, 4),
    form(0xD6, 0xD6, NONE, No, Plain, 1),
    // Data.
    form(0x86, 0x8B, Any(8), No, Plain, 6),
    form(0x8C, 0x8C, Any(8), No, Plain, 3),
    form(0x8D, 0x8D, Any(8), No, Plain, 3),
    form(0x8E, 0x8E, Any(8), No, Selector, 10),
    form(0x90, 0x97, NONE, No, Plain, 2),
    form(0xA0, 0xA3, NONE, Offset, Plain, 3),
    form(0xB0, 0xB7, NONE, Byte, Plain, 1),
    form(0xB8, 0xBF, NONE, Full, Plain, 1),
    form(0xC6, 0xC6, Group(0, 0), Byte, Plain, 2),
    form(0xC7, 0xC7, Group(0, 0), Full, Plain, 2),
    form(0xD7, 0xD7, NONE, No, Plain, 2),
    form(0x0FB6, 0x0FB7, Any(8), No, Plain, 3),
    form(0x0FBE, 0x0FBF, Any(8), No, Plain, 3),
    form(0xC4, 0xC5, Memory, No, DataPointer, 5),
    form(0x0FB2, 0x0FB2, Memory, No, DataPointer, 3),
    form(0x0FB4, 0x0FB5, Memory, No, DataPointer, 3),
    // Flags.
    form(0x9E, 0x9F, NONE, No, Plain, 2),
    form(0xF5, 0xF5, NONE, No, Plain, 1),
    form(0xF8, 0xF9, NONE, No, Plain, 1),
    form(0xFC, 0xFD, NONE, No, Plain, 2),
    form(0x9C, 0x9C, NONE, No, Plain, 3),
    form(0x9D, 0x9D, NONE, No, PopFlags, 4),
    // The stack.
    form(0x50, 0x5F, NONE, No, Plain, 6),
    form(0x60, 0x61, NONE, No, Plain, 5),
    form(0x68, 0x68, NONE, Full, Plain, 1),
    form(0x6A, 0x6A, NONE, Byte, Plain, 1),
    form(0x06, 0x06, NONE, No, PushSegment, 1),
    form(0x0E, 0x0E, NONE, No, PushSegment, 1),
    form(0x16, 0x16, NONE, No, PushSegment, 1),
    form(0x1E, 0x1E, NONE, No, PushSegment, 1),
    form(0x0FA0, 0x0FA0, NONE, No, PushSegment, 1),
    form(0x0FA8, 0x0FA8, NONE, No, PushSegment, 1),
    form(0x07, 0x07, NONE, No, PopSegment, 2),
    form(0x17, 0x17, NONE, No, PopSegment, 2),
    form(0x1F, 0x1F, NONE, No, PopSegment, 2),
    form(0x0FA1, 0x0FA1, NONE, No, PopSegment, 2),
    form(0x0FA9, 0x0FA9, NONE, No, PopSegment, 2),
    form(0x8F, 0x8F, Group(0, 0), No, Plain, 4),
    form(0xFF, 0xFF, Group(6, 6), No, Plain, 3),
    form(0xC8, 0xC8, NONE, Immediate::Enter, Plain, 5),
    form(0xC9, 0xC9, NONE, No, Plain, 2),
    // Strings.
    form(0xA4, 0xA7, NONE, No, Setup::String, 14),
    form(0xAA, 0xAF, NONE, No, Setup::String, 14),
    // Branches.
    form(0x70, 0x7F, NONE, Byte, Branch, 4),
    form(0x0F80, 0x0F8F, NONE, Full, Branch, 4),
    form(0xE0, 0xE3, NONE, Byte, Branch, 5),
    form(0xE8, 0xE9, NONE, Full, Branch, 3),
    form(0xEB, 0xEB, NONE, Byte, Branch, 1),
    form(0xC2, 0xC2, NONE, Word, Return, 2),
    form(0xC3, 0xC3, NONE, No, Return, 2),
    form(0xFF, 0xFF, Group(2, 2), No, CodeOffset, 3),
    form(0xFF, 0xFF, Group(4, 4), No, CodeOffset, 3),
    form(0x9A, 0x9A, NONE, Full, FarBranch, 4),
    form(0xEA, 0xEA, NONE, Full, FarBranch, 4),
    form(0xFF, 0xFF, MemoryGroup(3, 3), No, CodePointer, 4),
    form(0xFF, 0xFF, MemoryGroup(5, 5), No, CodePointer, 4),
    form(0xCA, 0xCA, NONE, Word, FarReturn, 3),
    form(0xCB, 0xCB, NONE, No, FarReturn, 3),
    form(0xCF, 0xCF, NONE, No, InterruptReturn, 5),
    form(0xCD, 0xCD, NONE, Byte, Interrupt, 2),
    form(0xCE, 0xCE, NONE, No, Plain, 2),
    form(0xF1, 0xF1, NONE, No, Plain, 1),
    form(0x62, 0x62, Memory, No, Plain, 4),
    // Protection.
    form(0x63, 0x63, Any(8), No, Selector, 4),
    form(0x0F00, 0x0F00, Group(4, 5), No, Selector, 4),
    form(0x0F02, 0x0F03, Any(8), No, Selector, 6),
    // What level 3 may not.
    form(0x6C, 0x6F, NONE, No, Plain, 2),
    form(0xE4, 0xE7, NONE, Byte, Plain, 1),
    form(0xEC, 0xEF, NONE, No, Plain, 1),
    form(0xF4, 0xF4, NONE, No, Plain, 1),
    form(0xFA, 0xFB, NONE, No, Plain, 1),
    form(0x0F00, 0x0F00, Group(2, 3), No, Selector, 1),
    form(0x0F01, 0x0F01, MemoryGroup(2, 3), No, Plain, 1),
    form(0x0F01, 0x0F01, Group(6, 6), No, Plain, 1),
    form(0x0F06, 0x0F06, NONE, No, Plain, 1),
    form(0x0F20, 0x0F23, ModRm::Control, No, Plain, 2),
    // What no processor has.
    form(0x0F0B, 0x0F0B, NONE, No, Plain, 1),
    form(0xFF, 0xFF, Group(7, 7), No, Plain, 1),
    form(0xFE, 0xFE, Group(2, 7), No, Plain, 1),
    form(0x8F, 0x8F, MemoryGroup(1, 7), No, Plain, 1),
    form(0xC6, 0xC7, MemoryGroup(1, 7), No, Plain, 1),
    form(0x0FBA, 0x0FBA, MemoryGroup(0, 3), Byte, Plain, 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_is_a_system_call() {
        for form in FORMS {
            for call in [0x0F05, 0x0F34] {
                assert!(!(form.first..=form.last).contains(&call));
            }
        }
    }
}
