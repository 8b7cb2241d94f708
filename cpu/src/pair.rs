//! Pairs: an instruction that sets flags in front of a conditional branch on them, executed by one handler. Two of five instructions of
//! compiled code are such pairs. The branch finds its condition in machine registers, and there is one step from handler to handler less.
//!
//! A pair is still two steps. The first has the pair's handler while the second lies behind it; a jump to the second, a deadline between
//! both and a single step see two instructions, as there are two.

use std::marker::PhantomData;

use iced_x86::Code;

use crate::cache::CodePage;
use crate::core::Core;
use crate::exec::arithmetic::{Dec, Inc, Unary};
use crate::exec::operand::{General, Immediate, Reg, Source};
use crate::flags::{
    Above, AboveOrEqual, Below, BelowOrEqual, Condition, Equal, Greater, GreaterOrEqual, Less, LessOrEqual,
    NoOverflow, NoParity, NoSign, NotEqual, Overflow, Parity, Sign, Status,
};
use crate::op::{Exit, Handler, Op, Step, alone, branch_on};
use crate::{Bus, Cycle, alu, forms};

/// The first instruction of a pair: sets the flags and tells whether the condition of the second holds.
trait First {
    fn execute<C: Condition>(core: &mut Core, op: &Op) -> bool;
}

/// Two operands in registers or in the instruction.
trait Operands {
    fn of<T: General>(core: &Core, op: &Op) -> (T, T);
}

/// `r/m` and a source.
struct Member<S>(PhantomData<S>);

/// `reg` and `r/m`.
struct Register;

impl<S: Source> Operands for Member<S> {
    #[inline(always)]
    fn of<T: General>(core: &Core, op: &Op) -> (T, T) {
        (T::register(core, op.rm), S::value(core, op))
    }
}

impl Operands for Register {
    #[inline(always)]
    fn of<T: General>(core: &Core, op: &Op) -> (T, T) {
        (T::register(core, op.reg), T::register(core, op.rm))
    }
}

/// CMP.
struct Compare<T, O>(PhantomData<(T, O)>);

/// TEST.
struct Test<T, O>(PhantomData<(T, O)>);

/// INC or DEC of the 32-bit register in the opcode.
struct Count<F>(PhantomData<F>);

impl<T: General, O: Operands> First for Compare<T, O> {
    #[inline(always)]
    fn execute<C: Condition>(core: &mut Core, op: &Op) -> bool {
        let (left, right) = O::of::<T>(core, op);
        let (_, status) = alu::sub(left, right, core.status);
        core.status = status;
        C::holds_after_difference(left, right, status)
    }
}

impl<T: General, O: Operands> First for Test<T, O> {
    #[inline(always)]
    fn execute<C: Condition>(core: &mut Core, op: &Op) -> bool {
        let (left, right) = O::of::<T>(core, op);
        let (_, status) = alu::and(left, right, core.status);
        core.status = status;
        C::holds(status)
    }
}

impl<F: Unary> First for Count<F> {
    #[inline(always)]
    fn execute<C: Condition>(core: &mut Core, op: &Op) -> bool {
        let (value, status): (u32, Status) = F::apply(u32::register(core, op.rm), core.status);
        value.set_register(core, op.rm);
        core.status = status;
        C::holds(status)
    }
}

/// Executes the first two of some steps, a pair, behind which there is always one.
fn execute<B: Bus, F: First, C: Condition>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    let [first, _, _, ..] = steps else {
        return alone(core, bus, steps, page, cycles);
    };
    let cycles = cycles + Cycle::from(first.op.clocks);
    let holds = F::execute::<C>(core, &first.op);
    branch_on(core, bus, steps, page, cycles, holds)
}

macro_rules! branches {
    ($($short:ident $near:ident $condition:ident;)*) => {
        /// The conditional branches with 32-bit operand size, in the order of their opcodes.
        const BRANCHES: [[Code; 2]; 16] = [$([Code::$short, Code::$near]),*];

        /// The handlers of an instruction's pairs with them.
        const fn with_branches<B: Bus, F: First>() -> [Handler<B>; 16] {
            [$(execute::<B, F, $condition>),*]
        }
    };
}

branches! {
    Jo_rel8_32 Jo_rel32_32 Overflow;
    Jno_rel8_32 Jno_rel32_32 NoOverflow;
    Jb_rel8_32 Jb_rel32_32 Below;
    Jae_rel8_32 Jae_rel32_32 AboveOrEqual;
    Je_rel8_32 Je_rel32_32 Equal;
    Jne_rel8_32 Jne_rel32_32 NotEqual;
    Jbe_rel8_32 Jbe_rel32_32 BelowOrEqual;
    Ja_rel8_32 Ja_rel32_32 Above;
    Js_rel8_32 Js_rel32_32 Sign;
    Jns_rel8_32 Jns_rel32_32 NoSign;
    Jp_rel8_32 Jp_rel32_32 Parity;
    Jnp_rel8_32 Jnp_rel32_32 NoParity;
    Jl_rel8_32 Jl_rel32_32 Less;
    Jge_rel8_32 Jge_rel32_32 GreaterOrEqual;
    Jle_rel8_32 Jle_rel32_32 LessOrEqual;
    Jg_rel8_32 Jg_rel32_32 Greater;
}

macro_rules! firsts {
    ($($($code:ident)*: $first:ty;)*) => {
        /// Forms that begin pairs, with `r/m` in a register; those of a row do the same with the same fields of an op.
        const FIRSTS: &[&[Code]] = &[$(&[$(Code::$code),*]),*];

        struct Table<B>(PhantomData<B>);

        impl<B: Bus> Table<B> {
            const PAIRS: [[Handler<B>; 16]; FIRSTS.len()] = [$(with_branches::<B, $first>()),*];
        }
    };
}

firsts! {
    Cmp_rm32_r32: Compare<u32, Member<Reg>>;
    Cmp_r32_rm32: Compare<u32, Register>;
    Cmp_rm32_imm8 Cmp_rm32_imm32 Cmp_EAX_imm32: Compare<u32, Member<Immediate>>;
    Cmp_rm8_r8: Compare<u8, Member<Reg>>;
    Cmp_r8_rm8: Compare<u8, Register>;
    Cmp_rm8_imm8 Cmp_AL_imm8: Compare<u8, Member<Immediate>>;
    Test_rm32_r32: Test<u32, Member<Reg>>;
    Test_rm32_imm32 Test_EAX_imm32: Test<u32, Member<Immediate>>;
    Test_rm8_r8: Test<u8, Member<Reg>>;
    Test_rm8_imm8 Test_AL_imm8: Test<u8, Member<Immediate>>;
    Inc_r32: Count<Inc>;
    Dec_r32: Count<Dec>;
}

/// The handler of two ops that follow each other, if they are a pair.
pub(crate) fn handler<B: Bus>(first: &Op, second: &Op) -> Option<Handler<B>> {
    let second = forms::code(second.handler);
    let branch = BRANCHES.iter().position(|codes| codes.contains(&second))?;
    if !forms::is_in_register(first.handler) {
        return None;
    }
    let first = forms::code(first.handler);
    let row = FIRSTS.iter().position(|codes| codes.contains(&first))?;
    Some(const { &Table::<B>::PAIRS }[row][branch])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode;
    use crate::op::End;
    use crate::test_board::{Board, protected};
    use crate::{Flags, Register as Name};

    const VALUES: [u32; 8] = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF_FFFF, 0x8000_0000];

    /// `first` in front of each of the 16 branches, between all pairs of values: the pair goes where its two instructions go one by one, with
    /// the same registers and flags.
    fn compare_with_single_instructions(first: &[u8]) {
        for (condition, left, right) in (0..16).flat_map(|at| {
            VALUES
                .into_iter()
                .flat_map(move |left| VALUES.map(|right| (at, left, right)))
        }) {
            for flags in [
                Flags::ALWAYS,
                Flags::ALWAYS | Flags::CARRY | Flags::OVERFLOW | Flags::SIGN,
            ] {
                let mut board = Board::new();
                let mut core = protected(&mut board);
                core.set_eflags(flags);
                core.general[Name::Eax as usize] = left;
                core.general[Name::Ebx as usize] = right;
                let outcomes = [false, true].map(|is_pair| {
                    let mut core = core.clone();
                    let end = run(&mut core, first, condition, is_pair);
                    (end, core.general, core.eflags(), core.cycles)
                });
                assert!(
                    outcomes[0] == outcomes[1],
                    "{first:x?} condition {condition:x} {left:x} {right:x}"
                );
            }
        }
    }

    /// Executes `first` and a branch; tells whether it was taken.
    fn run(core: &mut Core, first: &[u8], condition: u8, is_pair: bool) -> bool {
        let mut board = Board::new();
        let mut code = [0x90; 32];
        code[..first.len()].copy_from_slice(first);
        code[first.len()..][..2].copy_from_slice(&[0x70 | condition, 0x40]);
        let first_op = decode(&code, true).expect("the first");
        let second_op = decode(&code[first.len()..], true).expect("the branch");
        let steps = [first_op, second_op, decode(&[0x90; 15], true).expect("NOP")].map(Step::<Board>::of);
        let pair = handler::<Board>(&first_op, &second_op).expect("a pair");
        let nowhere = CodePage::new();
        core.pause = core.cycles + 1;
        let mut at = 0;
        if is_pair {
            core.pause = core.cycles + u64::from(first_op.clocks) + 1;
            let exit = pair(core, &mut board, &steps, &nowhere, core.cycles);
            assert_eq!(exit.left(), 1);
            return exit.end() != End::Flow(crate::op::Flow::Next);
        }
        loop {
            let exit = (steps[at].handler)(core, &mut board, &steps[at..], &nowhere, core.cycles);
            if at == 1 {
                return exit.end() != End::Flow(crate::op::Flow::Next);
            }
            core.pause = core.cycles + 1;
            at = 1;
        }
    }

    #[test]
    fn a_pair_does_what_its_instructions_do() {
        let firsts: [&[u8]; 20] = [
            &[0x39, 0xD8],
            &[0x3B, 0xC3],
            &[0x83, 0xF8, 0x80],
            &[0x81, 0xF8, 0, 0, 0, 0x80],
            &[0x3D, 1, 0, 0, 0],
            &[0x38, 0xD8],
            &[0x3A, 0xC3],
            &[0x80, 0xF8, 0x7F],
            &[0x3C, 0x80],
            &[0x38, 0xDC],
            &[0x85, 0xD8],
            &[0xF7, 0xC0, 0, 0, 0, 0x80],
            &[0xA9, 0x80, 0, 0, 0],
            &[0x84, 0xD8],
            &[0xF6, 0xC0, 0x80],
            &[0xA8, 0x0F],
            &[0x40],
            &[0x43],
            &[0x48],
            &[0x4B],
        ];
        firsts.into_iter().for_each(compare_with_single_instructions);
    }
}
