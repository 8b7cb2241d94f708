//! Forms whose clocks depend on their operands: bit scans, products, ENTER, repeated strings, control registers.

use cpu::{Cycle, Register};

use super::form::{Case, Form, counted};
use super::world::{Mode, OPERAND, World};

/// Real mode, and protected mode at level 0.
const MODES: [Mode; 2] = [Mode::Real, Mode::Kernel];

pub(crate) fn forms() -> Vec<Form> {
    let mut forms = Vec::new();
    for mode in MODES {
        let is_protected = mode == Mode::Kernel;
        let mut add = |name: &str, figure, cases| forms.push(Form::new(name, is_protected, figure, cases));
        for bits in [16, 32] {
            add(&format!("BSF r{bits}"), "10+3n", scans(mode, bits, false));
            add(&format!("BSR r{bits}"), "10+3n", scans(mode, bits, true));
            add(
                &format!("IMUL2 {bits}"),
                "6+n/9+n",
                products(mode, Product::Two(bits)),
            );
            add(
                &format!("IMUL imm8 {bits}"),
                "6+n/9+n",
                products(mode, Product::Byte(bits)),
            );
            add(
                &format!("IMUL imm {bits}"),
                "6+n/9+n",
                products(mode, Product::Full(bits)),
            );
        }
        for bits in [8, 16, 32] {
            add(
                &format!("MUL {bits}"),
                "6+n/9+n",
                products(mode, Product::Unsigned(bits)),
            );
            add(
                &format!("IMUL {bits}"),
                "6+n/9+n",
                products(mode, Product::Signed(bits)),
            );
        }
        add("ENTER", "15+4(n-1)", levels(mode));
        add("REP MOVS", "5+4n", repeated(mode, 0xF3, 0xA4));
        add("REP STOS", "5+5n", repeated(mode, 0xF3, 0xAA));
        add("REP LODS", "5+5n", repeated(mode, 0xF3, 0xAC));
        add("REP CMPS", "5+9n", compared(mode, 0xA6));
        add("REP SCAS", "5+8n", compared(mode, 0xAE));
        add("MOV CR", "10/4/5", control_registers(mode));
        add("LOCK", "0", locked(mode));
    }
    forms
}

/// The operand size prefix, if an operand of that many bits needs it.
fn prefix(mode: Mode, bits: u32) -> &'static [u8] {
    let native = if mode.is_32_bit() { 32 } else { 16 };
    if bits == 8 || bits == native { &[] } else { &[0x66] }
}

/// ModRM of a register operand, ECX, and of [EBX] or [BX].
fn places(mode: Mode, reg: u8) -> [u8; 2] {
    let memory = if mode.is_32_bit() { 3 } else { 7 };
    [0xC1 | reg << 3, memory | reg << 3]
}

/// A world whose operand, in ECX and in memory, has a value.
fn with_operand(mode: Mode, value: u32) -> World {
    let mut world = World::new(mode);
    world.register(Register::Ecx, value).set_dword(OPERAND, value);
    world
}

/// Every number of zeros, with ones behind the found bit too, and nothing but zeros.
fn scans(mode: Mode, bits: u32, is_reverse: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    let mask = u32::MAX >> (32 - bits);
    for zeros in 0..=bits {
        let all = u64::from(mask);
        let value = if is_reverse {
            all >> zeros
        } else {
            all << zeros & all
        } as u32;
        let world = with_operand(mode, value);
        for modrm in places(mode, 0) {
            let opcode = if is_reverse { 0xBD } else { 0xBC };
            let code = [prefix(mode, bits), &[0x0F, opcode, modrm]].concat();
            cases.push(counted(0, u64::from(zeros), world.clocks(&code)));
        }
    }
    cases
}

#[derive(Clone, Copy, Debug)]
enum Product {
    Unsigned(u32),
    Signed(u32),
    /// The destination is the multiplier.
    Two(u32),
    /// The immediate is.
    Byte(u32),
    Full(u32),
}

/// Multipliers whose magnitude needs every number of bits, just and just not, and zero. `bits` bounds them.
fn multipliers(bits: u32, is_signed: bool) -> Vec<i64> {
    let powers = (0..=bits).map(|power| 1i64 << power);
    let values = powers.flat_map(|power| [power - 1, power, power + 1, -power, -power - 1]);
    let range = if is_signed {
        -(1i64 << (bits - 1))..1 << (bits - 1)
    } else {
        0..1 << bits
    };
    values.filter(|value| range.contains(value)).collect()
}

/// `max(ceil(log2 |m|), 3)`, counted bit by bit.
fn product_steps(multiplier: i64) -> Cycle {
    let magnitude = multiplier.unsigned_abs();
    (3..=32).find(|bits| magnitude <= 1 << bits).unwrap_or(32)
}

fn products(mode: Mode, product: Product) -> Vec<Case> {
    let (bits, multiplier_bits, is_signed) = match product {
        Product::Unsigned(bits) => (bits, bits, false),
        Product::Signed(bits) | Product::Two(bits) | Product::Full(bits) => (bits, bits, true),
        Product::Byte(bits) => (bits, 8, true),
    };
    let mut cases = Vec::new();
    for multiplier in multipliers(multiplier_bits, is_signed) {
        // The other operand has all its bits, so it would show.
        let mut world = with_operand(mode, 0x5555_5555);
        world.register(Register::Eax, multiplier as u32);
        let wide = u8::from(bits > 8);
        let constant = &multiplier.to_le_bytes()[..bits as usize / 8];
        for place in 0..2 {
            let opcode = match product {
                Product::Unsigned(_) => vec![0xF6 | wide, places(mode, 4)[place]],
                Product::Signed(_) => vec![0xF6 | wide, places(mode, 5)[place]],
                Product::Two(_) => vec![0x0F, 0xAF, places(mode, 0)[place]],
                Product::Byte(_) => vec![0x6B, places(mode, 2)[place], multiplier as u8],
                Product::Full(_) => [&[0x69, places(mode, 2)[place]], constant].concat(),
            };
            let code = [prefix(mode, bits), &opcode].concat();
            cases.push(counted(place, product_steps(multiplier), world.clocks(&code)));
        }
    }
    cases
}

/// Nesting levels from 2, where one more adds 4 clocks.
fn levels(mode: Mode) -> Vec<Case> {
    let mut world = World::new(mode);
    world.register(Register::Ebp, OPERAND + 0x200);
    (2..32)
        .map(|level| counted(0, u64::from(level), world.clocks(&[0xC8, 8, 0, level])))
        .collect()
}

/// A string instruction of every width none to several times.
fn repeated(mode: Mode, repeat: u8, opcode: u8) -> Vec<Case> {
    let mut cases = Vec::new();
    for bits in [8, 16, 32] {
        for n in [0, 1, 2, 7] {
            let mut world = World::new(mode);
            world
                .register(Register::Ecx, n)
                .register(Register::Edi, OPERAND + 0x100);
            let code = [&[repeat], prefix(mode, bits), &[opcode | u8::from(bits > 8)]].concat();
            cases.push(counted(0, n.into(), world.clocks(&code)));
        }
    }
    cases
}

/// CMPS and SCAS that end because (E)CX has, and because a comparison tells.
fn compared(mode: Mode, opcode: u8) -> Vec<Case> {
    let mut cases = repeated(mode, 0xF3, opcode);
    for (bits, different_at) in [(8, 0), (16, 2), (32, 5)] {
        let mut world = World::new(mode);
        world
            .register(Register::Ecx, 9)
            .register(Register::Edi, OPERAND + 0x100);
        world.set_dword(OPERAND + 0x100 + different_at * bits / 8, 1);
        let code = [&[0xF3], prefix(mode, bits), &[opcode | u8::from(bits > 8)]].concat();
        let (clocks, state) = world.run(&code);
        assert_eq!(state.general[Register::Ecx as usize], 9 - (different_at + 1));
        cases.push(counted(0, u64::from(different_at + 1), clocks));
    }
    // REPNE ends at the first that is equal.
    let mut world = World::new(mode);
    world.register(Register::Ecx, 9);
    cases.push(counted(0, 1, world.clocks(&[0xF2, opcode])));
    cases
}

/// CR0 with PE as it is, CR2, CR3.
fn control_registers(mode: Mode) -> Vec<Case> {
    let mut world = World::new(mode);
    let cr0 = world.state.cr0;
    world.register(Register::Eax, cr0);
    [0, 2, 3]
        .into_iter()
        .enumerate()
        .map(|(alternative, number)| counted(alternative, 0, world.clocks(&[0x0F, 0x22, 0xC0 | number << 3])))
        .collect()
}

/// What LOCK adds to ADD [EBX], CX.
fn locked(mode: Mode) -> Vec<Case> {
    let [_, modrm] = places(mode, 1);
    let world = World::new(mode);
    let clocks = world.clocks(&[0xF0, 0x01, modrm]) - world.clocks(&[0x01, modrm]);
    vec![counted(0, 0, clocks)]
}
