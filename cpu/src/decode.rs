//! From bytes to an [`Op`], through iced-x86. Prefixes are read here as well, because a 386 has rules of its own for LOCK,
//! for prefixes that do nothing and for length, and because the coprocessor's opcodes all count as one.

use iced_x86::{Code, Decoder, DecoderError, DecoderOptions, Instruction, OpKind, Register};

use crate::Segment;
use crate::clocks;
use crate::forms::{self, Slots};
use crate::op::{Op, Traits};

/// The longest instruction, prefixes included; a longer one is a general protection fault.
pub(crate) const LONGEST: usize = 15;

const OPTIONS: u32 = DecoderOptions::NO_INVALID_CHECK
    | DecoderOptions::MOV_TR
    | DecoderOptions::NO_PAUSE
    | DecoderOptions::NO_MPFX_0FBC
    | DecoderOptions::NO_MPFX_0FBD;

/// The bytes end before the instruction does, and more bytes could complete it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incomplete;

/// What stands before the opcode.
#[derive(Clone, Copy, Debug)]
struct Prefixes {
    bytes: usize,
    is_locked: bool,
    has_operand_size: bool,
    has_address_size: bool,
    /// The repeat prefix, if there is one.
    repeat: Traits,
}

fn prefixes(bytes: &[u8]) -> Prefixes {
    let mut found = Prefixes {
        bytes: 0,
        is_locked: false,
        has_operand_size: false,
        has_address_size: false,
        repeat: Traits::empty(),
    };
    for &byte in bytes {
        match byte {
            0x26 | 0x2E | 0x36 | 0x3E | 0x64 | 0x65 => {}
            0x66 => found.has_operand_size = true,
            0x67 => found.has_address_size = true,
            0xF0 => found.is_locked = true,
            0xF2 => found.repeat = Traits::WHILE_NOT_EQUAL,
            0xF3 => found.repeat = Traits::WHILE_EQUAL,
            _ => break,
        }
        found.bytes += 1;
    }
    found
}

/// Opcodes that a ModRM byte follows, as far as a 386 knows them.
fn has_modrm(is_two_byte: bool, opcode: u8) -> bool {
    if is_two_byte {
        matches!(opcode, 0x00..=0x03 | 0x20..=0x26 | 0x90..=0x9F | 0xA3..=0xA5 | 0xAB..=0xAD | 0xAF | 0xB2..=0xB7
            | 0xBA..=0xBF)
    } else {
        matches!(opcode, 0x62 | 0x63 | 0x69 | 0x6B | 0x80..=0x8F | 0xC0 | 0xC1 | 0xC4..=0xC7 | 0xD0..=0xD3
            | 0xD8..=0xDF | 0xF6 | 0xF7 | 0xFE | 0xFF)
            || opcode < 0x40 && opcode & 7 < 4
    }
}

/// Opcodes whose low three bits name a register.
fn names_register(is_two_byte: bool, opcode: u8) -> bool {
    !is_two_byte && matches!(opcode, 0x40..=0x5F | 0x90..=0x97 | 0xB0..=0xBF)
}

/// Whether an instruction that could not be decoded from [`LONGEST`] bytes goes on behind them: its length without the
/// prefixes that do not change it, and all of its prefixes.
fn is_too_long(bytes: &[u8], is_32_bit: bool, found: Prefixes) -> bool {
    let sizes = [(found.has_operand_size, 0x66), (found.has_address_size, 0x67)];
    let kept = sizes
        .iter()
        .filter(|(has_it, _)| *has_it)
        .map(|(_, prefix)| *prefix);
    let mut copy: Vec<u8> = kept.chain(bytes[found.bytes..].iter().copied()).collect();
    let kept = copy.len() - (bytes.len() - found.bytes);
    copy.resize(LONGEST, 0);
    let instruction = Decoder::new(if is_32_bit { 32 } else { 16 }, &copy, OPTIONS).decode();
    !instruction.is_invalid() && instruction.len() - kept + found.bytes > LONGEST
}

/// Decodes the instruction at the start of `bytes`. Whatever a 386 does not know decodes to the op that raises #UD, and
/// what is longer than [`LONGEST`] to the op that raises #GP.
pub(crate) fn decode(bytes: &[u8], is_32_bit: bool) -> Result<Op, Incomplete> {
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    let found = prefixes(bytes);
    let incomplete = |op| {
        if bytes.len() < LONGEST {
            Err(Incomplete)
        } else {
            Ok(op)
        }
    };
    let Some(&opcode) = bytes.get(found.bytes) else {
        return incomplete(special(forms::TOO_LONG, found.bytes, found));
    };
    let mut copy = [0; LONGEST];
    let copy = &mut copy[..bytes.len()];
    copy.copy_from_slice(bytes);
    let is_escape = matches!(opcode, 0xD8..=0xDF);
    if is_escape {
        // TEST r/m8, r8 has the same shape, and iced knows all its encodings.
        copy[found.bytes] = 0x84;
    }
    let mut decoder = Decoder::new(if is_32_bit { 32 } else { 16 }, copy, OPTIONS);
    let instruction = decoder.decode();
    if decoder.last_error() == DecoderError::NoMoreBytes {
        return incomplete(special(forms::TOO_LONG, LONGEST, found));
    }
    let code = if is_escape { Code::Fnop } else { instruction.code() };
    let Some(form) = forms::of(code) else {
        if bytes.len() == LONGEST && is_too_long(bytes, is_32_bit, found) {
            return Ok(special(forms::TOO_LONG, LONGEST, found));
        }
        // All bytes count as its own: a change of any may make it another instruction.
        return Ok(special(forms::UNDEFINED, bytes.len(), found));
    };
    let constants = decoder.get_constant_offsets(&instruction);
    let immediate_bytes = constants.immediate_size() + constants.immediate_size2();
    let displacement_bytes = constants.displacement_size();
    let constant_components = usize::from(immediate_bytes > 0) + usize::from(displacement_bytes > 0);
    let mut op = special(form, instruction.len(), found);
    op.components = (instruction.len() + constant_components - immediate_bytes - displacement_bytes) as u8;
    operands(&mut op, &bytes[found.bytes..], &instruction);
    if is_escape && has_memory_operand(&instruction) {
        op.immediate = first_item_bytes(opcode, op.reg, is_32_bit != found.has_operand_size);
    }
    address(
        &mut op,
        &instruction,
        is_32_bit != found.has_address_size,
        displacement_bytes > 0,
    );
    Ok(finish(op, form, has_memory_operand(&instruction), found))
}

/// An op with nothing but handler and length.
fn special(form: usize, length: usize, found: Prefixes) -> Op {
    Op {
        length: length as u8,
        components: length as u8,
        traits: found.repeat,
        ..Op::marker(form, length, 0)
    }
}

fn has_memory_operand(instruction: &Instruction) -> bool {
    (0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::Memory)
}

/// Bytes of the first item of a coprocessor's operand in memory: a doubleword, unless the operand is a word or an image of words.
fn first_item_bytes(opcode: u8, reg: u8, is_operand_32: bool) -> u32 {
    match (opcode, reg) {
        // FLDCW, FSTCW, FSTSW, integers of 16 bits.
        (0xD9, 5 | 7) | (0xDD, 7) | (0xDE, _) | (0xDF, 0..=3) => 2,
        // FLDENV, FSTENV, FRSTOR, FSAVE.
        (0xD9 | 0xDD, 4 | 6) if !is_operand_32 => 2,
        _ => 4,
    }
}

/// Registers and immediates. `code` begins with the opcode.
fn operands(op: &mut Op, code: &[u8], instruction: &Instruction) {
    let is_two_byte = code[0] == 0x0F;
    let code = &code[usize::from(is_two_byte)..];
    if has_modrm(is_two_byte, code[0]) {
        op.rm = code[1] & 7;
        op.reg = code[1] >> 3 & 7;
    } else if names_register(is_two_byte, code[0]) {
        op.rm = code[0] & 7;
        op.reg = op.rm;
    }
    for operand in 0..instruction.op_count() {
        match instruction.op_kind(operand) {
            OpKind::NearBranch16 => {
                let distance = instruction.near_branch16().wrapping_sub(instruction.len() as u16);
                op.immediate = i32::from(distance as i16) as u32;
            }
            OpKind::NearBranch32 => {
                op.immediate = instruction.near_branch32().wrapping_sub(instruction.len() as u32);
            }
            OpKind::FarBranch16 => {
                op.immediate = u32::from(instruction.far_branch16());
                op.displacement = u32::from(instruction.far_branch_selector());
            }
            OpKind::FarBranch32 => {
                op.immediate = instruction.far_branch32();
                op.displacement = u32::from(instruction.far_branch_selector());
            }
            OpKind::Immediate8_2nd => op.displacement = u32::from(instruction.immediate8_2nd()),
            OpKind::Immediate8
            | OpKind::Immediate16
            | OpKind::Immediate32
            | OpKind::Immediate8to16
            | OpKind::Immediate8to32 => op.immediate = instruction.immediate(operand) as u32,
            _ => {}
        }
    }
}

/// The memory operand: registers, scale, displacement, segment, address size, and the clock of the three-part form.
fn address(op: &mut Op, instruction: &Instruction, is_32_bit: bool, has_displacement: bool) {
    op.traits.set(Traits::SHORT_ADDRESSES, !is_32_bit);
    op.segment = match instruction.memory_segment() {
        Register::ES => Segment::Es,
        Register::CS => Segment::Cs,
        Register::SS => Segment::Ss,
        Register::FS => Segment::Fs,
        Register::GS => Segment::Gs,
        _ => Segment::Ds,
    };
    if !has_memory_operand(instruction) {
        return;
    }
    let number = |register: Register| {
        if register == Register::None {
            Op::NO_REGISTER
        } else {
            register.number() as u8
        }
    };
    op.base = number(instruction.memory_base());
    op.index = number(instruction.memory_index());
    op.scale = instruction.memory_index_scale() as u8;
    op.displacement = instruction.memory_displacement32();
    let has_both = op.base != Op::NO_REGISTER && op.index != Op::NO_REGISTER;
    if has_both && has_displacement {
        op.clocks = clocks::THREE_PART_ADDRESS;
    }
}

/// Code that decodes to a string instruction, whatever prefixes in whatever order the original had.
pub(crate) fn encode_repeated(op: &Op, is_32_bit: bool) -> Option<[u8; 5]> {
    const OPCODES: [u8; 14] = [
        0x6C, 0x6D, 0x6E, 0x6F, 0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF,
    ];
    const SEGMENTS: [&[u8]; 7] = [&[], &[0x26], &[0x2E], &[0x36], &[0x3E], &[0x64], &[0x65]];
    const SIZES: [&[u8]; 4] = [&[], &[0x66], &[0x67], &[0x66, 0x67]];
    let repeat: &[u8] = if op.traits.contains(Traits::WHILE_EQUAL) {
        &[0xF3]
    } else if op.traits.contains(Traits::WHILE_NOT_EQUAL) {
        &[0xF2]
    } else {
        &[]
    };
    for segment in SEGMENTS {
        for sizes in SIZES {
            for opcode in OPCODES {
                let mut code = [0; LONGEST];
                let bytes = segment.iter().chain(sizes).chain(repeat).chain([&opcode]);
                for (place, byte) in code.iter_mut().zip(bytes) {
                    *place = *byte;
                }
                let is_same = |other: Op| {
                    (other.handler, other.segment, other.address_mask())
                        == (op.handler, op.segment, op.address_mask())
                };
                if decode(&code, is_32_bit).is_ok_and(is_same) {
                    return code[..5].try_into().ok();
                }
            }
        }
    }
    None
}

/// The slot of a memory operand, by how its offset is worked out.
fn memory_slot(op: &Op) -> usize {
    match (op.address_mask(), op.index) {
        (u32::MAX, Op::NO_REGISTER) => forms::AT_BASE,
        (u32::MAX, _) => forms::AT_INDEX,
        _ => forms::IN_MEMORY,
    }
}

/// Picks the slot of the form, checks LOCK, adds the clocks.
fn finish(mut op: Op, form: usize, is_memory: bool, found: Prefixes) -> Op {
    let row = forms::row(form);
    let slot = match row.slots {
        Slots::One => 0,
        Slots::RegisterMemory if !is_memory => forms::IN_REGISTER,
        Slots::RegisterMemory => memory_slot(&op),
        Slots::OnceRepeated => usize::from(!found.repeat.is_empty()),
    };
    if found.is_locked && !(row.is_lockable && is_memory) {
        op.handler = forms::slot(forms::UNDEFINED, 0);
        return op;
    }
    op.handler = forms::slot(form, slot);
    op.clocks += row.clocks[slot.min(1)];
    op
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form_of(bytes: &[u8], is_32_bit: bool) -> usize {
        let op = decode(bytes, is_32_bit).expect("enough bytes");
        forms::of_handler(op.handler)
    }

    fn is_undefined(bytes: &[u8]) -> bool {
        let mut padded = bytes.to_vec();
        padded.resize(LONGEST, 0);
        form_of(&padded, true) == forms::UNDEFINED
    }

    #[test]
    fn every_form_of_the_table_has_an_encoding() {
        let mut is_reached = vec![false; forms::count()];
        for opcode in 0..=0x1FFu16 {
            for modrm in 0..=255u8 {
                for prefixes in [&[][..], &[0x66], &[0x67], &[0x66, 0x67]] {
                    let mut bytes = prefixes.to_vec();
                    if opcode > 0xFF {
                        bytes.push(0x0F);
                    }
                    bytes.extend([opcode as u8, modrm]);
                    bytes.resize(LONGEST, 0);
                    is_reached[form_of(&bytes, true)] = true;
                }
            }
        }
        is_reached[forms::END_OF_CODE] = true;
        is_reached[forms::BLOCK] = true;
        is_reached[forms::TOO_LONG] = true;
        let missing: Vec<_> = (0..forms::count()).filter(|form| !is_reached[*form]).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn what_later_processors_added_is_undefined() {
        let later: [(&str, &[u8]); 20] = [
            ("BSWAP", &[0x0F, 0xC8]),
            ("CMPXCHG", &[0x0F, 0xB1, 0x08]),
            ("CMPXCHG of the first 486", &[0x0F, 0xA7, 0x08]),
            ("XADD", &[0x0F, 0xC1, 0x08]),
            ("INVD", &[0x0F, 0x08]),
            ("WBINVD", &[0x0F, 0x09]),
            ("INVLPG", &[0x0F, 0x01, 0x38]),
            ("CPUID", &[0x0F, 0xA2]),
            ("RDTSC", &[0x0F, 0x31]),
            ("RDMSR", &[0x0F, 0x32]),
            ("CMPXCHG8B", &[0x0F, 0xC7, 0x08]),
            ("RSM", &[0x0F, 0xAA]),
            ("CMOVE", &[0x0F, 0x44, 0xC0]),
            ("UD2", &[0x0F, 0x0B]),
            ("SYSENTER", &[0x0F, 0x34]),
            ("NOP r/m", &[0x0F, 0x1F, 0x00]),
            ("MOVUPS", &[0x0F, 0x10, 0x00]),
            ("POPCNT", &[0xF3, 0x0F, 0xB8, 0xC0]),
            ("PREFETCHW", &[0x0F, 0x0D, 0x08]),
            ("LDS with a register, which became VEX", &[0xC5, 0xF8, 0x77]),
        ];
        for (name, bytes) in later {
            assert!(is_undefined(bytes), "{name}");
        }
    }

    /// A 386 executes these, but Intel has never documented them, and they vary with the stepping: LOADALL and UMOV belong to
    /// the in-circuit emulator, IBTS and XBTS to the first steppings. Later processors raise #UD or took the opcodes for
    /// others, so that no program for all 386s uses them.
    #[test]
    fn undocumented_instructions_of_some_386s_are_undefined() {
        let some: [(&str, &[u8]); 7] = [
            ("LOADALL", &[0x0F, 0x07]),
            ("UMOV r/m8, r8", &[0x0F, 0x10, 0x00]),
            ("UMOV r/m32, r32", &[0x0F, 0x11, 0xC0]),
            ("UMOV r8, r/m8", &[0x0F, 0x12, 0x00]),
            ("UMOV r32, r/m32", &[0x0F, 0x13, 0xC0]),
            ("XBTS", &[0x0F, 0xA6, 0xC0]),
            ("IBTS", &[0x0F, 0xA7, 0xC0]),
        ];
        for (name, bytes) in some {
            assert!(is_undefined(bytes), "{name}");
        }
    }

    #[test]
    fn prefixes_that_later_made_other_instructions_do_nothing() {
        // REP NOP (PAUSE), REP BSF (TZCNT), REP BSR (LZCNT)
        for bytes in [
            &[0xF3, 0x90][..],
            &[0xF3, 0x0F, 0xBC, 0xC0],
            &[0xF3, 0x0F, 0xBD, 0xC0],
        ] {
            assert_eq!(form_of(bytes, true), form_of(&bytes[1..], true));
        }
    }

    #[test]
    fn lock_is_allowed_with_a_destination_in_memory_only() {
        assert!(!is_undefined(&[0xF0, 0x01, 0x00]), "ADD [EAX], EAX");
        assert!(!is_undefined(&[0xF0, 0x87, 0x00]), "XCHG [EAX], EAX");
        assert!(!is_undefined(&[0xF0, 0x0F, 0xBA, 0x28, 1]), "BTS [EAX], 1");
        assert!(is_undefined(&[0xF0, 0x01, 0xC0]), "ADD EAX, EAX");
        assert!(is_undefined(&[0xF0, 0x03, 0x00]), "ADD EAX, [EAX]");
        assert!(is_undefined(&[0xF0, 0x39, 0x00]), "CMP [EAX], EAX");
        assert!(is_undefined(&[0xF0, 0x8B, 0x00]), "MOV EAX, [EAX]");
        assert!(is_undefined(&[0xF0, 0x90]), "NOP");
    }

    #[test]
    fn an_instruction_of_15_bytes_is_the_longest() {
        let mut bytes = [0x66; 20];
        bytes[14] = 0x90;
        assert_eq!(decode(&bytes, true).map(|op| op.length), Ok(15));
        bytes[14] = 0x66;
        bytes[15] = 0x90;
        assert_eq!(form_of(&bytes, true), forms::TOO_LONG);
    }

    #[test]
    fn an_instruction_whose_operands_lie_behind_15_bytes_is_too_long() {
        // CS x 13, CALL far imm16:32; LOCK x 14, AND BH, imm8
        let mut call = [0x2E; LONGEST];
        call[13..].copy_from_slice(&[0x9A, 0x46]);
        let mut and = [0xF0; LONGEST];
        and[14] = 0x80;
        for bytes in [call, and] {
            assert_eq!(form_of(&bytes, true), forms::TOO_LONG);
        }
        let mut undefined = [0x66; LONGEST];
        undefined[13..].copy_from_slice(&[0x0F, 0x0B]);
        assert_eq!(form_of(&undefined, true), forms::UNDEFINED);
    }

    #[test]
    fn bytes_that_end_too_early_decode_to_nothing() {
        // MOV EAX, [EAX + ECX * 4 + disp32]
        let bytes = [0x8B, 0x84, 0x88, 1, 2, 3, 4];
        for length in 0..bytes.len() {
            assert_eq!(
                decode(&bytes[..length], true).err(),
                Some(Incomplete),
                "{length} bytes"
            );
        }
        let op = decode(&bytes, true).expect("the whole instruction");
        assert_eq!(
            (op.base, op.index, op.scale, op.displacement),
            (0, 1, 4, 0x0403_0201)
        );
    }

    #[test]
    fn base_index_and_displacement_cost_a_clock_and_four_components() {
        let with_all = decode(&[0x8B, 0x44, 0x88, 1], true).expect("MOV EAX, [EAX + ECX * 4 + 1]");
        let without = decode(&[0x8B, 0x04, 0x88], true).expect("MOV EAX, [EAX + ECX * 4]");
        assert_eq!((with_all.clocks, without.clocks), (5, 4));
        assert_eq!((with_all.components, without.components), (4, 3));
    }

    #[test]
    fn an_escape_has_the_length_of_its_operand() {
        let op = decode(&[0xDD, 0x84, 0x88, 1, 2, 3, 4], true).expect("FLD qword [EAX + ECX * 4 + disp32]");
        assert_eq!(op.length, 7);
        assert_eq!(decode(&[0xDF, 0xE0], true).map(|op| op.length), Ok(2));
    }

    #[test]
    fn a_relative_branch_counts_from_its_end() {
        assert_eq!(
            decode(&[0xEB, 0xFE], true).map(|op| op.immediate),
            Ok(u32::MAX - 1)
        );
        assert_eq!(
            decode(&[0xE9, 0x00, 0x80], false).map(|op| op.immediate),
            Ok(0xFFFF_8000)
        );
    }
}
