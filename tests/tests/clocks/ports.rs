//! Port instructions: in real mode, with CPL <= IOPL, with the permission map at level 3 and in virtual 8086 mode.

use cpu::{Flags, Register};

use super::form::{Case, Form, counted};
use super::world::{Mode, World};

/// A byte with and without its repeat prefix, words and dwords; and the figures in real and protected mode.
type Row = (&'static str, &'static [u8], bool, [&'static str; 2]);

const ROWS: [Row; 8] = [
    ("IN imm8", &[0xE4, 0x60], false, ["12", "6/26"]),
    ("IN DX", &[0xEC], false, ["13", "7/27"]),
    ("OUT imm8", &[0xE6, 0x60], false, ["10", "4/24"]),
    ("OUT DX", &[0xEE], false, ["11", "5/25"]),
    ("INS", &[0x6C], false, ["15", "9/29"]),
    ("OUTS", &[0x6E], false, ["14", "8/28"]),
    ("REP INS", &[0x6C], true, ["13+6n", "7+6n/27+6n"]),
    ("REP OUTS", &[0x6E], true, ["5+12n", "6+5n/26+5n"]),
];

pub(crate) fn forms() -> Vec<Form> {
    let mut forms = Vec::new();
    for (name, code, is_repeated, figures) in ROWS {
        let real = cases(World::new(Mode::Real), 0, code, is_repeated);
        forms.push(Form::new(name, false, figures[0], real));
        let mut allowed = World::new(Mode::User);
        allowed.state.eflags |= Flags::IO_PRIVILEGE.bits();
        let mut without_right = World::new(Mode::Virtual8086);
        without_right.state.eflags &= !Flags::IO_PRIVILEGE.bits();
        let protected = [
            cases(World::new(Mode::Kernel), 0, code, is_repeated),
            cases(allowed, 0, code, is_repeated),
            cases(World::new(Mode::User), 1, code, is_repeated),
            cases(World::new(Mode::Virtual8086), 1, code, is_repeated),
            cases(without_right, 1, code, is_repeated),
        ];
        forms.push(Form::new(name, true, figures[1], protected.concat()));
    }
    forms
}

fn cases(mut world: World, alternative: usize, code: &[u8], is_repeated: bool) -> Vec<Case> {
    world.register(Register::Edx, 0x60);
    let counts: &[u32] = if is_repeated { &[0, 1, 2, 7] } else { &[1] };
    let mut cases = Vec::new();
    for n in counts {
        world.register(Register::Ecx, *n);
        for (prefix, wide) in [(&[][..], 0), (&[], 1), (&[0x66], 1)] {
            let mut code = code.to_vec();
            code[0] |= wide;
            let repeat: &[u8] = if is_repeated { &[0xF3] } else { &[] };
            let code = [repeat, prefix, &code].concat();
            cases.push(counted(alternative, u64::from(*n), world.clocks(&code)));
        }
    }
    cases
}
