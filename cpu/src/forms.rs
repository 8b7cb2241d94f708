//! The table of instruction forms: one row a form. A row names the form as iced-x86 does, its clocks from chapter 17 of
//! the Programmer's Reference Manual, and its handler with the handler's type arguments.
//!
//! * `2/7` are the clocks with `r/m` in a register and in memory; the handler has an instance for each, whose first
//!   argument is the place.
//! * One number alone: the form has no `r/m`, or only in memory.
//! * `lock`: LOCK is allowed when `r/m` is in memory.
//! * `repeated`: a string instruction; the handler has an instance without and one with a repeat prefix.
//!
//! The manual prints OR, SBB, SUB and XOR with the figures of `r/m, r` and `r, r/m` exchanged against ADD, ADC and AND. The
//! order of the latter is taken for all. Clocks that depend on operands or on the mode stand in `clocks`, and handlers add them;
//! 0 is the figure of a form whose clocks are all there.

use iced_x86::{Code, FlowControl};

use crate::Bus;
use crate::exec::arithmetic::{Adc, Add, And, Dec, Inc, Neg, Not, Or, Sbb, Sub, Xor};
use crate::exec::bits::{Clear, Flip, Set};
use crate::exec::control::{Always, WhileEqual, WhileNotEqual};
use crate::exec::data::{InCs, InDs, InEs, InFs, InGs, InSs};
use crate::exec::multiply::{Signed, Unsigned};
use crate::exec::operand::{AtBase, AtIndex, Cl, Immediate, InMemory, InRegister, One, Reg};
use crate::exec::port::{Fixed, InDx};
use crate::exec::shift::{Rcl, Rcr, Rol, Ror, Sar, Shl, Shld, Shr, Shrd};
use crate::exec::string::{Once, Repeated};
use crate::exec::system::{Global, Interrupts};
use crate::exec::{arithmetic, bits, control, data, flag, multiply, port, shift, stack, string, system};
use crate::flags::{
    Above, AboveOrEqual, Below, BelowOrEqual, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NoOverflow,
    NoParity, NoSign, NotEqual, Overflow, Parity, Sign,
};
use crate::op::{self, Exit, Handler, begin, go_on};
use crate::passage::{FarCall, FarJump, FarReturn, InterruptReturn, SoftwareInterrupt, pass};
use crate::quick::Quick;

/// What the slots of a form are for: as many as there are, the others are not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slots {
    /// All the same.
    One,
    /// `r/m` in a register, in memory, at a base in memory.
    RegisterMemory,
    /// Without and with a repeat prefix.
    OnceRepeated,
}

/// A row of the table without its handlers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    code: Code,
    /// What tells the slots apart.
    pub(crate) slots: Slots,
    /// Clocks of each slot. Those of repeated string instructions are all added by the handler.
    pub(crate) clocks: [u8; 2],
    /// LOCK is allowed with `r/m` in memory.
    pub(crate) is_lockable: bool,
}

/// The form of the end of decoded code.
pub(crate) const END_OF_CODE: usize = 0;
/// The form of the place where a block of code begins.
pub(crate) const BLOCK: usize = 1;
/// The form of everything that raises #UD.
pub(crate) const UNDEFINED: usize = 2;
/// The form of instructions that are too long.
pub(crate) const TOO_LONG: usize = 3;

/// The slot of `r/m` in a register.
pub(crate) const IN_REGISTER: usize = 0;
/// The slot of `r/m` in memory.
pub(crate) const IN_MEMORY: usize = 1;
/// The slot of `r/m` at a base in memory.
pub(crate) const AT_BASE: usize = 2;
/// The slot of `r/m` at an index in memory.
pub(crate) const AT_INDEX: usize = 3;
/// Slots of a form.
const SLOTS: usize = 4;
/// More than iced-x86 has codes.
const CODES: usize = 8192;

macro_rules! forms {
    ($($code:ident $register:literal $(/ $memory:literal)? $($word:ident)?:
        $module:ident :: $handler:ident [$($argument:ty),*];)*) => {
        static ROWS: &[Row] = &[$(forms!(@row $code $register [$($memory)?] [$($word)?])),*];

        const fn handler_slots<B: Bus>() -> [[Handler<B>; SLOTS]; ROW_COUNT] {
            [$(forms!(@slots first [$($memory)?] [$($word)?] $module $handler [$($argument),*])),*]
        }

        const fn second_handler_slots<B: Bus>() -> [[Handler<B>; SLOTS]; ROW_COUNT] {
            [$(forms!(@slots second [$($memory)?] [$($word)?] $module $handler [$($argument),*])),*]
        }

        const fn full_handler_slots<B: Bus>() -> [[Handler<B>; SLOTS]; ROW_COUNT] {
            [$(forms!(@slots chained [$($memory)?] [$($word)?] $module $handler [$($argument),*])),*]
        }

        const ROW_COUNT: usize = [$(Code::$code),*].len();
    };
    (@row $code:ident $clocks:literal [] [repeated]) => {
        Row { code: Code::$code, slots: Slots::OnceRepeated, clocks: [$clocks, 0], is_lockable: false }
    };
    (@row $code:ident $clocks:literal [] []) => {
        Row { code: Code::$code, slots: Slots::One, clocks: [$clocks, $clocks], is_lockable: false }
    };
    (@row $code:ident $register:literal [$memory:literal] []) => {
        Row { code: Code::$code, slots: Slots::RegisterMemory, clocks: [$register, $memory], is_lockable: false }
    };
    (@row $code:ident $register:literal [$memory:literal] [lock]) => {
        Row { code: Code::$code, slots: Slots::RegisterMemory, clocks: [$register, $memory], is_lockable: true }
    };
    (@slots $way:ident [] [] $module:ident $handler:ident [$($argument:ty),*]) => {
        [forms!(@$way $module $handler [$($argument),*]); SLOTS]
    };
    (@slots $way:ident [] [repeated] $module:ident $handler:ident [$($argument:ty),*]) => {
        [
            forms!(@chained $module $handler [Once, $($argument),*]),
            forms!(@chained $module $handler [Repeated, $($argument),*]),
            forms!(@chained $module $handler [Repeated, $($argument),*]),
            forms!(@chained $module $handler [Repeated, $($argument),*]),
        ]
    };
    (@slots first [$memory:literal] [$($word:ident)?] $module:ident $handler:ident [$($argument:ty),*]) => {
        [
            forms!(@any $module $handler [InRegister, $($argument),*]),
            forms!(@any $module $handler [InMemory, $($argument),*]),
            forms!(@first $module $handler [AtBase, $($argument),*]),
            forms!(@first $module $handler [AtIndex, $($argument),*]),
        ]
    };
    (@slots second [$memory:literal] [$($word:ident)?] $module:ident $handler:ident [$($argument:ty),*]) => {
        [
            forms!(@chained $module $handler [InRegister, $($argument),*]),
            forms!(@chained $module $handler [InMemory, $($argument),*]),
            forms!(@any $module $handler [InMemory, $($argument),*]),
            forms!(@any $module $handler [InMemory, $($argument),*]),
        ]
    };
    (@slots chained [$memory:literal] [$($word:ident)?] $module:ident $handler:ident [$($argument:ty),*]) => {
        [
            forms!(@chained $module $handler [InRegister, $($argument),*]),
            forms!(@chained $module $handler [InMemory, $($argument),*]),
            forms!(@chained $module $handler [InMemory, $($argument),*]),
            forms!(@chained $module $handler [InMemory, $($argument),*]),
        ]
    };
    // Which handlers are fit for an attempt, and which of those profit from flat segments: see `quick`.
    (@first $module:ident $handler:ident $arguments:tt) => { forms!(@way first $module $handler $arguments) };
    (@second $module:ident $handler:ident $arguments:tt) => { forms!(@way any $module $handler $arguments) };
    (@any $module:ident $handler:ident $arguments:tt) => { forms!(@way any $module $handler $arguments) };
    (@way $way:ident arithmetic $handler:ident $arguments:tt) => { forms!(@flat $way arithmetic $handler $arguments) };
    (@way $way:ident bits $handler:ident $arguments:tt) => { forms!(@flat $way bits $handler $arguments) };
    (@way $way:ident shift $handler:ident $arguments:tt) => { forms!(@flat $way shift $handler $arguments) };
    (@way $way:ident multiply $handler:ident $arguments:tt) => { forms!(@flat $way multiply $handler $arguments) };
    (@way $way:ident data store $arguments:tt) => { forms!(@flat $way data store $arguments) };
    (@way $way:ident data load $arguments:tt) => { forms!(@flat $way data load $arguments) };
    (@way $way:ident data store_accumulator $arguments:tt) => { forms!(@flat $way data store_accumulator $arguments) };
    (@way $way:ident data load_accumulator $arguments:tt) => { forms!(@flat $way data load_accumulator $arguments) };
    (@way $way:ident data store_immediate $arguments:tt) => { forms!(@flat $way data store_immediate $arguments) };
    (@way $way:ident data zero_extend $arguments:tt) => { forms!(@flat $way data zero_extend $arguments) };
    (@way $way:ident data sign_extend $arguments:tt) => { forms!(@flat $way data sign_extend $arguments) };
    (@way $way:ident data exchange $arguments:tt) => { forms!(@flat $way data exchange $arguments) };
    (@way $way:ident data translate $arguments:tt) => { forms!(@quick data translate $arguments) };
    (@way $way:ident data load_immediate $arguments:tt) => { forms!(@quick data load_immediate $arguments) };
    (@way $way:ident data load_address $arguments:tt) => { forms!(@quick data load_address $arguments) };
    (@way $way:ident stack push $arguments:tt) => { forms!(@flat $way stack push $arguments) };
    (@way $way:ident stack push_register $arguments:tt) => { forms!(@flat $way stack push_register $arguments) };
    (@way $way:ident stack push_source $arguments:tt) => { forms!(@flat $way stack push_source $arguments) };
    (@way $way:ident stack pop $arguments:tt) => { forms!(@flat $way stack pop $arguments) };
    (@way $way:ident stack pop_register $arguments:tt) => { forms!(@flat $way stack pop_register $arguments) };
    (@way $way:ident stack leave $arguments:tt) => { forms!(@flat $way stack leave $arguments) };
    (@way $way:ident control jump_indirect $arguments:tt) => { forms!(@flat $way control jump_indirect $arguments) };
    (@way $way:ident control call $arguments:tt) => { forms!(@flat $way control call $arguments) };
    (@way $way:ident control call_indirect $arguments:tt) => { forms!(@flat $way control call_indirect $arguments) };
    (@way $way:ident control near_return $arguments:tt) => { forms!(@flat $way control near_return $arguments) };
    (@way $way:ident control count_and_jump $arguments:tt) => { forms!(@quick control count_and_jump $arguments) };
    (@way $way:ident control software_interrupt []) => { pass::<B, SoftwareInterrupt, u32> };
    (@way $way:ident control interrupt_return [$size:ty]) => { pass::<B, InterruptReturn, $size> };
    (@way $way:ident control far_jump [$size:ty]) => { pass::<B, FarJump, $size> };
    (@way $way:ident control far_call [$size:ty]) => { pass::<B, FarCall, $size> };
    (@way $way:ident control far_return [$size:ty]) => { pass::<B, FarReturn, $size> };
    (@way $way:ident control jump_if [$($argument:ty),*]) => { op::branch::<B, $($argument),*> };
    (@way $way:ident control jump [$size:ty]) => { op::jump_by::<B, $size> };
    (@way $way:ident op $handler:ident []) => { op::$handler::<B> };
    (@way $way:ident $module:ident $handler:ident $arguments:tt) => { forms!(@chained $module $handler $arguments) };
    (@flat first $module:ident $handler:ident $arguments:tt) => {
        forms!(@attempt true second_handler $module $handler $arguments)
    };
    (@flat any $module:ident $handler:ident $arguments:tt) => { forms!(@quick $module $handler $arguments) };
    (@quick $module:ident $handler:ident $arguments:tt) => {
        forms!(@attempt false full_handler $module $handler $arguments)
    };
    (@attempt $flat:literal $otherwise:ident $module:ident $handler:ident [$($argument:ty),* $(,)?]) => {
        |core, bus, steps, page, cycles| {
            let (op, mut quick) = match op::attempt(bus, steps, cycles) {
                Ok(begun) => begun,
                Err(bus) => return op::alone(core, bus, steps, page, cycles),
            };
            match $module::$handler::<Quick<'_, B, $flat>, $($argument),*>(core, &mut quick, op) {
                Ok(flow) => go_on(core, quick.bus, steps, page, quick.cycles, flow),
                Err(_) => op.$otherwise()(core, quick.bus, steps, page, cycles),
            }
        }
    };
    (@chained op $handler:ident []) => { op::$handler::<B> };
    (@chained $module:ident $handler:ident [$($argument:ty),* $(,)?]) => {
        |core, bus, steps, page, cycles| {
            let Some(op) = begin(core, steps, cycles) else {
                return Exit::NOWHERE;
            };
            match $module::$handler::<B, $($argument),*>(core, bus, op) {
                Ok(flow) => go_on(core, bus, steps, page, core.cycles, flow),
                Err(fault) => op::stop(core, steps, fault),
            }
        }
    };
}

forms! {
    // No instructions; their places are END_OF_CODE, BLOCK, UNDEFINED and TOO_LONG
    INVALID 0: system::end_of_code[];
    INVALID 0: op::enter_block[];
    INVALID 0: system::undefined[];
    INVALID 0: system::too_long[];

    // Addition, subtraction, comparison, logic
    Add_rm8_r8 2/7 lock: arithmetic::binary[Add, u8, Reg];
    Add_rm16_r16 2/7 lock: arithmetic::binary[Add, u16, Reg];
    Add_rm32_r32 2/7 lock: arithmetic::binary[Add, u32, Reg];
    Add_r8_rm8 2/6: arithmetic::binary_to_register[Add, u8];
    Add_r16_rm16 2/6: arithmetic::binary_to_register[Add, u16];
    Add_r32_rm32 2/6: arithmetic::binary_to_register[Add, u32];
    Add_AL_imm8 2: arithmetic::accumulate[Add, u8, Immediate];
    Add_AX_imm16 2: arithmetic::accumulate[Add, u16, Immediate];
    Add_EAX_imm32 2: arithmetic::accumulate[Add, u32, Immediate];
    Add_rm8_imm8 2/7 lock: arithmetic::binary[Add, u8, Immediate];
    Add_rm16_imm16 2/7 lock: arithmetic::binary[Add, u16, Immediate];
    Add_rm32_imm32 2/7 lock: arithmetic::binary[Add, u32, Immediate];
    Add_rm8_imm8_82 2/7 lock: arithmetic::binary[Add, u8, Immediate];
    Add_rm16_imm8 2/7 lock: arithmetic::binary[Add, u16, Immediate];
    Add_rm32_imm8 2/7 lock: arithmetic::binary[Add, u32, Immediate];
    Or_rm8_r8 2/7 lock: arithmetic::binary[Or, u8, Reg];
    Or_rm16_r16 2/7 lock: arithmetic::binary[Or, u16, Reg];
    Or_rm32_r32 2/7 lock: arithmetic::binary[Or, u32, Reg];
    Or_r8_rm8 2/6: arithmetic::binary_to_register[Or, u8];
    Or_r16_rm16 2/6: arithmetic::binary_to_register[Or, u16];
    Or_r32_rm32 2/6: arithmetic::binary_to_register[Or, u32];
    Or_AL_imm8 2: arithmetic::accumulate[Or, u8, Immediate];
    Or_AX_imm16 2: arithmetic::accumulate[Or, u16, Immediate];
    Or_EAX_imm32 2: arithmetic::accumulate[Or, u32, Immediate];
    Or_rm8_imm8 2/7 lock: arithmetic::binary[Or, u8, Immediate];
    Or_rm16_imm16 2/7 lock: arithmetic::binary[Or, u16, Immediate];
    Or_rm32_imm32 2/7 lock: arithmetic::binary[Or, u32, Immediate];
    Or_rm8_imm8_82 2/7 lock: arithmetic::binary[Or, u8, Immediate];
    Or_rm16_imm8 2/7 lock: arithmetic::binary[Or, u16, Immediate];
    Or_rm32_imm8 2/7 lock: arithmetic::binary[Or, u32, Immediate];
    Adc_rm8_r8 2/7 lock: arithmetic::binary[Adc, u8, Reg];
    Adc_rm16_r16 2/7 lock: arithmetic::binary[Adc, u16, Reg];
    Adc_rm32_r32 2/7 lock: arithmetic::binary[Adc, u32, Reg];
    Adc_r8_rm8 2/6: arithmetic::binary_to_register[Adc, u8];
    Adc_r16_rm16 2/6: arithmetic::binary_to_register[Adc, u16];
    Adc_r32_rm32 2/6: arithmetic::binary_to_register[Adc, u32];
    Adc_AL_imm8 2: arithmetic::accumulate[Adc, u8, Immediate];
    Adc_AX_imm16 2: arithmetic::accumulate[Adc, u16, Immediate];
    Adc_EAX_imm32 2: arithmetic::accumulate[Adc, u32, Immediate];
    Adc_rm8_imm8 2/7 lock: arithmetic::binary[Adc, u8, Immediate];
    Adc_rm16_imm16 2/7 lock: arithmetic::binary[Adc, u16, Immediate];
    Adc_rm32_imm32 2/7 lock: arithmetic::binary[Adc, u32, Immediate];
    Adc_rm8_imm8_82 2/7 lock: arithmetic::binary[Adc, u8, Immediate];
    Adc_rm16_imm8 2/7 lock: arithmetic::binary[Adc, u16, Immediate];
    Adc_rm32_imm8 2/7 lock: arithmetic::binary[Adc, u32, Immediate];
    Sbb_rm8_r8 2/7 lock: arithmetic::binary[Sbb, u8, Reg];
    Sbb_rm16_r16 2/7 lock: arithmetic::binary[Sbb, u16, Reg];
    Sbb_rm32_r32 2/7 lock: arithmetic::binary[Sbb, u32, Reg];
    Sbb_r8_rm8 2/6: arithmetic::binary_to_register[Sbb, u8];
    Sbb_r16_rm16 2/6: arithmetic::binary_to_register[Sbb, u16];
    Sbb_r32_rm32 2/6: arithmetic::binary_to_register[Sbb, u32];
    Sbb_AL_imm8 2: arithmetic::accumulate[Sbb, u8, Immediate];
    Sbb_AX_imm16 2: arithmetic::accumulate[Sbb, u16, Immediate];
    Sbb_EAX_imm32 2: arithmetic::accumulate[Sbb, u32, Immediate];
    Sbb_rm8_imm8 2/7 lock: arithmetic::binary[Sbb, u8, Immediate];
    Sbb_rm16_imm16 2/7 lock: arithmetic::binary[Sbb, u16, Immediate];
    Sbb_rm32_imm32 2/7 lock: arithmetic::binary[Sbb, u32, Immediate];
    Sbb_rm8_imm8_82 2/7 lock: arithmetic::binary[Sbb, u8, Immediate];
    Sbb_rm16_imm8 2/7 lock: arithmetic::binary[Sbb, u16, Immediate];
    Sbb_rm32_imm8 2/7 lock: arithmetic::binary[Sbb, u32, Immediate];
    And_rm8_r8 2/7 lock: arithmetic::binary[And, u8, Reg];
    And_rm16_r16 2/7 lock: arithmetic::binary[And, u16, Reg];
    And_rm32_r32 2/7 lock: arithmetic::binary[And, u32, Reg];
    And_r8_rm8 2/6: arithmetic::binary_to_register[And, u8];
    And_r16_rm16 2/6: arithmetic::binary_to_register[And, u16];
    And_r32_rm32 2/6: arithmetic::binary_to_register[And, u32];
    And_AL_imm8 2: arithmetic::accumulate[And, u8, Immediate];
    And_AX_imm16 2: arithmetic::accumulate[And, u16, Immediate];
    And_EAX_imm32 2: arithmetic::accumulate[And, u32, Immediate];
    And_rm8_imm8 2/7 lock: arithmetic::binary[And, u8, Immediate];
    And_rm16_imm16 2/7 lock: arithmetic::binary[And, u16, Immediate];
    And_rm32_imm32 2/7 lock: arithmetic::binary[And, u32, Immediate];
    And_rm8_imm8_82 2/7 lock: arithmetic::binary[And, u8, Immediate];
    And_rm16_imm8 2/7 lock: arithmetic::binary[And, u16, Immediate];
    And_rm32_imm8 2/7 lock: arithmetic::binary[And, u32, Immediate];
    Sub_rm8_r8 2/7 lock: arithmetic::binary[Sub, u8, Reg];
    Sub_rm16_r16 2/7 lock: arithmetic::binary[Sub, u16, Reg];
    Sub_rm32_r32 2/7 lock: arithmetic::binary[Sub, u32, Reg];
    Sub_r8_rm8 2/6: arithmetic::binary_to_register[Sub, u8];
    Sub_r16_rm16 2/6: arithmetic::binary_to_register[Sub, u16];
    Sub_r32_rm32 2/6: arithmetic::binary_to_register[Sub, u32];
    Sub_AL_imm8 2: arithmetic::accumulate[Sub, u8, Immediate];
    Sub_AX_imm16 2: arithmetic::accumulate[Sub, u16, Immediate];
    Sub_EAX_imm32 2: arithmetic::accumulate[Sub, u32, Immediate];
    Sub_rm8_imm8 2/7 lock: arithmetic::binary[Sub, u8, Immediate];
    Sub_rm16_imm16 2/7 lock: arithmetic::binary[Sub, u16, Immediate];
    Sub_rm32_imm32 2/7 lock: arithmetic::binary[Sub, u32, Immediate];
    Sub_rm8_imm8_82 2/7 lock: arithmetic::binary[Sub, u8, Immediate];
    Sub_rm16_imm8 2/7 lock: arithmetic::binary[Sub, u16, Immediate];
    Sub_rm32_imm8 2/7 lock: arithmetic::binary[Sub, u32, Immediate];
    Xor_rm8_r8 2/7 lock: arithmetic::binary[Xor, u8, Reg];
    Xor_rm16_r16 2/7 lock: arithmetic::binary[Xor, u16, Reg];
    Xor_rm32_r32 2/7 lock: arithmetic::binary[Xor, u32, Reg];
    Xor_r8_rm8 2/6: arithmetic::binary_to_register[Xor, u8];
    Xor_r16_rm16 2/6: arithmetic::binary_to_register[Xor, u16];
    Xor_r32_rm32 2/6: arithmetic::binary_to_register[Xor, u32];
    Xor_AL_imm8 2: arithmetic::accumulate[Xor, u8, Immediate];
    Xor_AX_imm16 2: arithmetic::accumulate[Xor, u16, Immediate];
    Xor_EAX_imm32 2: arithmetic::accumulate[Xor, u32, Immediate];
    Xor_rm8_imm8 2/7 lock: arithmetic::binary[Xor, u8, Immediate];
    Xor_rm16_imm16 2/7 lock: arithmetic::binary[Xor, u16, Immediate];
    Xor_rm32_imm32 2/7 lock: arithmetic::binary[Xor, u32, Immediate];
    Xor_rm8_imm8_82 2/7 lock: arithmetic::binary[Xor, u8, Immediate];
    Xor_rm16_imm8 2/7 lock: arithmetic::binary[Xor, u16, Immediate];
    Xor_rm32_imm8 2/7 lock: arithmetic::binary[Xor, u32, Immediate];
    Cmp_rm8_r8 2/5: arithmetic::compare[Sub, u8, Reg];
    Cmp_rm16_r16 2/5: arithmetic::compare[Sub, u16, Reg];
    Cmp_rm32_r32 2/5: arithmetic::compare[Sub, u32, Reg];
    Cmp_r8_rm8 2/6: arithmetic::compare_register[Sub, u8];
    Cmp_r16_rm16 2/6: arithmetic::compare_register[Sub, u16];
    Cmp_r32_rm32 2/6: arithmetic::compare_register[Sub, u32];
    Cmp_AL_imm8 2: arithmetic::compare_accumulator[Sub, u8, Immediate];
    Cmp_AX_imm16 2: arithmetic::compare_accumulator[Sub, u16, Immediate];
    Cmp_EAX_imm32 2: arithmetic::compare_accumulator[Sub, u32, Immediate];
    Cmp_rm8_imm8 2/5: arithmetic::compare[Sub, u8, Immediate];
    Cmp_rm16_imm16 2/5: arithmetic::compare[Sub, u16, Immediate];
    Cmp_rm32_imm32 2/5: arithmetic::compare[Sub, u32, Immediate];
    Cmp_rm8_imm8_82 2/5: arithmetic::compare[Sub, u8, Immediate];
    Cmp_rm16_imm8 2/5: arithmetic::compare[Sub, u16, Immediate];
    Cmp_rm32_imm8 2/5: arithmetic::compare[Sub, u32, Immediate];
    Test_rm8_r8 2/5: arithmetic::compare[And, u8, Reg];
    Test_rm16_r16 2/5: arithmetic::compare[And, u16, Reg];
    Test_rm32_r32 2/5: arithmetic::compare[And, u32, Reg];
    Test_AL_imm8 2: arithmetic::compare_accumulator[And, u8, Immediate];
    Test_AX_imm16 2: arithmetic::compare_accumulator[And, u16, Immediate];
    Test_EAX_imm32 2: arithmetic::compare_accumulator[And, u32, Immediate];
    Test_rm8_imm8 2/5: arithmetic::compare[And, u8, Immediate];
    Test_rm8_imm8_F6r1 2/5: arithmetic::compare[And, u8, Immediate];
    Test_rm16_imm16 2/5: arithmetic::compare[And, u16, Immediate];
    Test_rm16_imm16_F7r1 2/5: arithmetic::compare[And, u16, Immediate];
    Test_rm32_imm32 2/5: arithmetic::compare[And, u32, Immediate];
    Test_rm32_imm32_F7r1 2/5: arithmetic::compare[And, u32, Immediate];
    Inc_rm8 2/6 lock: arithmetic::unary[Inc, u8];
    Inc_rm16 2/6 lock: arithmetic::unary[Inc, u16];
    Inc_rm32 2/6 lock: arithmetic::unary[Inc, u32];
    Inc_r16 2: arithmetic::unary_register[Inc, u16];
    Inc_r32 2: arithmetic::unary_register[Inc, u32];
    Dec_rm8 2/6 lock: arithmetic::unary[Dec, u8];
    Dec_rm16 2/6 lock: arithmetic::unary[Dec, u16];
    Dec_rm32 2/6 lock: arithmetic::unary[Dec, u32];
    Dec_r16 2: arithmetic::unary_register[Dec, u16];
    Dec_r32 2: arithmetic::unary_register[Dec, u32];
    Neg_rm8 2/6 lock: arithmetic::unary[Neg, u8];
    Neg_rm16 2/6 lock: arithmetic::unary[Neg, u16];
    Neg_rm32 2/6 lock: arithmetic::unary[Neg, u32];
    Not_rm8 2/6 lock: arithmetic::unary[Not, u8];
    Not_rm16 2/6 lock: arithmetic::unary[Not, u16];
    Not_rm32 2/6 lock: arithmetic::unary[Not, u32];
    Daa 4: arithmetic::daa[];
    Das 4: arithmetic::das[];
    Aaa 4: arithmetic::aaa[];
    Aas 4: arithmetic::aas[];
    Aam_imm8 17: arithmetic::aam[];
    Aad_imm8 19: arithmetic::aad[];

    // Multiplication and division; the multiplier adds to its least figure
    Mul_rm8 9/12: multiply::multiply[Unsigned, u8];
    Mul_rm16 9/12: multiply::multiply[Unsigned, u16];
    Mul_rm32 9/12: multiply::multiply[Unsigned, u32];
    Imul_rm8 9/12: multiply::multiply[Signed, u8];
    Imul_rm16 9/12: multiply::multiply[Signed, u16];
    Imul_rm32 9/12: multiply::multiply[Signed, u32];
    Imul_r16_rm16 9/12: multiply::multiply_to_register[u16];
    Imul_r32_rm32 9/12: multiply::multiply_to_register[u32];
    Imul_r16_rm16_imm8 9/12: multiply::multiply_immediate[u16];
    Imul_r16_rm16_imm16 9/12: multiply::multiply_immediate[u16];
    Imul_r32_rm32_imm8 9/12: multiply::multiply_immediate[u32];
    Imul_r32_rm32_imm32 9/12: multiply::multiply_immediate[u32];
    Div_rm8 14/17: multiply::divide[Unsigned, u8];
    Div_rm16 22/25: multiply::divide[Unsigned, u16];
    Div_rm32 38/41: multiply::divide[Unsigned, u32];
    Idiv_rm8 19/22: multiply::divide[Signed, u8];
    Idiv_rm16 27/30: multiply::divide[Signed, u16];
    Idiv_rm32 43/46: multiply::divide[Signed, u32];

    // Shifts and rotates; SAL stands for the undocumented /6
    Rol_rm8_1 3/7: shift::shift[Rol, u8, One];
    Rol_rm8_CL 3/7: shift::shift[Rol, u8, Cl];
    Rol_rm8_imm8 3/7: shift::shift[Rol, u8, Immediate];
    Rol_rm16_1 3/7: shift::shift[Rol, u16, One];
    Rol_rm16_CL 3/7: shift::shift[Rol, u16, Cl];
    Rol_rm16_imm8 3/7: shift::shift[Rol, u16, Immediate];
    Rol_rm32_1 3/7: shift::shift[Rol, u32, One];
    Rol_rm32_CL 3/7: shift::shift[Rol, u32, Cl];
    Rol_rm32_imm8 3/7: shift::shift[Rol, u32, Immediate];
    Ror_rm8_1 3/7: shift::shift[Ror, u8, One];
    Ror_rm8_CL 3/7: shift::shift[Ror, u8, Cl];
    Ror_rm8_imm8 3/7: shift::shift[Ror, u8, Immediate];
    Ror_rm16_1 3/7: shift::shift[Ror, u16, One];
    Ror_rm16_CL 3/7: shift::shift[Ror, u16, Cl];
    Ror_rm16_imm8 3/7: shift::shift[Ror, u16, Immediate];
    Ror_rm32_1 3/7: shift::shift[Ror, u32, One];
    Ror_rm32_CL 3/7: shift::shift[Ror, u32, Cl];
    Ror_rm32_imm8 3/7: shift::shift[Ror, u32, Immediate];
    Rcl_rm8_1 9/10: shift::shift[Rcl, u8, One];
    Rcl_rm8_CL 9/10: shift::shift[Rcl, u8, Cl];
    Rcl_rm8_imm8 9/10: shift::shift[Rcl, u8, Immediate];
    Rcl_rm16_1 9/10: shift::shift[Rcl, u16, One];
    Rcl_rm16_CL 9/10: shift::shift[Rcl, u16, Cl];
    Rcl_rm16_imm8 9/10: shift::shift[Rcl, u16, Immediate];
    Rcl_rm32_1 9/10: shift::shift[Rcl, u32, One];
    Rcl_rm32_CL 9/10: shift::shift[Rcl, u32, Cl];
    Rcl_rm32_imm8 9/10: shift::shift[Rcl, u32, Immediate];
    Rcr_rm8_1 9/10: shift::shift[Rcr, u8, One];
    Rcr_rm8_CL 9/10: shift::shift[Rcr, u8, Cl];
    Rcr_rm8_imm8 9/10: shift::shift[Rcr, u8, Immediate];
    Rcr_rm16_1 9/10: shift::shift[Rcr, u16, One];
    Rcr_rm16_CL 9/10: shift::shift[Rcr, u16, Cl];
    Rcr_rm16_imm8 9/10: shift::shift[Rcr, u16, Immediate];
    Rcr_rm32_1 9/10: shift::shift[Rcr, u32, One];
    Rcr_rm32_CL 9/10: shift::shift[Rcr, u32, Cl];
    Rcr_rm32_imm8 9/10: shift::shift[Rcr, u32, Immediate];
    Shl_rm8_1 3/7: shift::shift[Shl, u8, One];
    Shl_rm8_CL 3/7: shift::shift[Shl, u8, Cl];
    Shl_rm8_imm8 3/7: shift::shift[Shl, u8, Immediate];
    Shl_rm16_1 3/7: shift::shift[Shl, u16, One];
    Shl_rm16_CL 3/7: shift::shift[Shl, u16, Cl];
    Shl_rm16_imm8 3/7: shift::shift[Shl, u16, Immediate];
    Shl_rm32_1 3/7: shift::shift[Shl, u32, One];
    Shl_rm32_CL 3/7: shift::shift[Shl, u32, Cl];
    Shl_rm32_imm8 3/7: shift::shift[Shl, u32, Immediate];
    Shr_rm8_1 3/7: shift::shift[Shr, u8, One];
    Shr_rm8_CL 3/7: shift::shift[Shr, u8, Cl];
    Shr_rm8_imm8 3/7: shift::shift[Shr, u8, Immediate];
    Shr_rm16_1 3/7: shift::shift[Shr, u16, One];
    Shr_rm16_CL 3/7: shift::shift[Shr, u16, Cl];
    Shr_rm16_imm8 3/7: shift::shift[Shr, u16, Immediate];
    Shr_rm32_1 3/7: shift::shift[Shr, u32, One];
    Shr_rm32_CL 3/7: shift::shift[Shr, u32, Cl];
    Shr_rm32_imm8 3/7: shift::shift[Shr, u32, Immediate];
    Sal_rm8_1 3/7: shift::shift[Shl, u8, One];
    Sal_rm8_CL 3/7: shift::shift[Shl, u8, Cl];
    Sal_rm8_imm8 3/7: shift::shift[Shl, u8, Immediate];
    Sal_rm16_1 3/7: shift::shift[Shl, u16, One];
    Sal_rm16_CL 3/7: shift::shift[Shl, u16, Cl];
    Sal_rm16_imm8 3/7: shift::shift[Shl, u16, Immediate];
    Sal_rm32_1 3/7: shift::shift[Shl, u32, One];
    Sal_rm32_CL 3/7: shift::shift[Shl, u32, Cl];
    Sal_rm32_imm8 3/7: shift::shift[Shl, u32, Immediate];
    Sar_rm8_1 3/7: shift::shift[Sar, u8, One];
    Sar_rm8_CL 3/7: shift::shift[Sar, u8, Cl];
    Sar_rm8_imm8 3/7: shift::shift[Sar, u8, Immediate];
    Sar_rm16_1 3/7: shift::shift[Sar, u16, One];
    Sar_rm16_CL 3/7: shift::shift[Sar, u16, Cl];
    Sar_rm16_imm8 3/7: shift::shift[Sar, u16, Immediate];
    Sar_rm32_1 3/7: shift::shift[Sar, u32, One];
    Sar_rm32_CL 3/7: shift::shift[Sar, u32, Cl];
    Sar_rm32_imm8 3/7: shift::shift[Sar, u32, Immediate];
    Shld_rm16_r16_imm8 3/7: shift::double_shift[Shld, u16, Immediate];
    Shld_rm16_r16_CL 3/7: shift::double_shift[Shld, u16, Cl];
    Shld_rm32_r32_imm8 3/7: shift::double_shift[Shld, u32, Immediate];
    Shld_rm32_r32_CL 3/7: shift::double_shift[Shld, u32, Cl];
    Shrd_rm16_r16_imm8 3/7: shift::double_shift[Shrd, u16, Immediate];
    Shrd_rm16_r16_CL 3/7: shift::double_shift[Shrd, u16, Cl];
    Shrd_rm32_r32_imm8 3/7: shift::double_shift[Shrd, u32, Immediate];
    Shrd_rm32_r32_CL 3/7: shift::double_shift[Shrd, u32, Cl];

    // Bits
    Bt_rm16_r16 3/12 lock: bits::test[u16];
    Bt_rm16_imm8 3/6 lock: bits::test_immediate[u16];
    Bts_rm16_r16 6/13 lock: bits::change[Set, u16];
    Bts_rm16_imm8 6/8 lock: bits::change_immediate[Set, u16];
    Btr_rm16_r16 6/13 lock: bits::change[Clear, u16];
    Btr_rm16_imm8 6/8 lock: bits::change_immediate[Clear, u16];
    Btc_rm16_r16 6/13 lock: bits::change[Flip, u16];
    Btc_rm16_imm8 6/8 lock: bits::change_immediate[Flip, u16];
    Bsf_r16_rm16 10/10: bits::scan_forward[u16];
    Bsr_r16_rm16 10/10: bits::scan_reverse[u16];
    Bt_rm32_r32 3/12 lock: bits::test[u32];
    Bt_rm32_imm8 3/6 lock: bits::test_immediate[u32];
    Bts_rm32_r32 6/13 lock: bits::change[Set, u32];
    Bts_rm32_imm8 6/8 lock: bits::change_immediate[Set, u32];
    Btr_rm32_r32 6/13 lock: bits::change[Clear, u32];
    Btr_rm32_imm8 6/8 lock: bits::change_immediate[Clear, u32];
    Btc_rm32_r32 6/13 lock: bits::change[Flip, u32];
    Btc_rm32_imm8 6/8 lock: bits::change_immediate[Flip, u32];
    Bsf_r32_rm32 10/10: bits::scan_forward[u32];
    Bsr_r32_rm32 10/10: bits::scan_reverse[u32];
    Seto_rm8 4/5: bits::set_if[Overflow];
    Setno_rm8 4/5: bits::set_if[NoOverflow];
    Setb_rm8 4/5: bits::set_if[Below];
    Setae_rm8 4/5: bits::set_if[AboveOrEqual];
    Sete_rm8 4/5: bits::set_if[Equal];
    Setne_rm8 4/5: bits::set_if[NotEqual];
    Setbe_rm8 4/5: bits::set_if[BelowOrEqual];
    Seta_rm8 4/5: bits::set_if[Above];
    Sets_rm8 4/5: bits::set_if[Sign];
    Setns_rm8 4/5: bits::set_if[NoSign];
    Setp_rm8 4/5: bits::set_if[Parity];
    Setnp_rm8 4/5: bits::set_if[NoParity];
    Setl_rm8 4/5: bits::set_if[Less];
    Setge_rm8 4/5: bits::set_if[GreaterOrEqual];
    Setle_rm8 4/5: bits::set_if[LessOrEqual];
    Setg_rm8 4/5: bits::set_if[Greater];

    // Moves
    Mov_rm8_r8 2/2: data::store[u8];
    Mov_rm16_r16 2/2: data::store[u16];
    Mov_rm32_r32 2/2: data::store[u32];
    Mov_r8_rm8 2/4: data::load[u8];
    Mov_r16_rm16 2/4: data::load[u16];
    Mov_r32_rm32 2/4: data::load[u32];
    Mov_rm8_imm8 2/2: data::store_immediate[u8];
    Mov_rm16_imm16 2/2: data::store_immediate[u16];
    Mov_rm32_imm32 2/2: data::store_immediate[u32];
    Mov_r8_imm8 2: data::load_immediate[u8];
    Mov_r16_imm16 2: data::load_immediate[u16];
    Mov_r32_imm32 2: data::load_immediate[u32];
    Mov_AL_moffs8 4: data::load_accumulator[u8];
    Mov_moffs8_AL 2: data::store_accumulator[u8];
    Mov_AX_moffs16 4: data::load_accumulator[u16];
    Mov_moffs16_AX 2: data::store_accumulator[u16];
    Mov_EAX_moffs32 4: data::load_accumulator[u32];
    Mov_moffs32_EAX 2: data::store_accumulator[u32];
    Movzx_r16_rm8 3/6: data::zero_extend[u8, u16];
    Movzx_r32_rm8 3/6: data::zero_extend[u8, u32];
    Movzx_r16_rm16 3/6: data::zero_extend[u16, u16];
    Movzx_r32_rm16 3/6: data::zero_extend[u16, u32];
    Movsx_r16_rm8 3/6: data::sign_extend[u8, u16];
    Movsx_r32_rm8 3/6: data::sign_extend[u8, u32];
    Movsx_r16_rm16 3/6: data::sign_extend[u16, u16];
    Movsx_r32_rm16 3/6: data::sign_extend[u16, u32];
    Lea_r16_m 2/2: data::load_address[u16];
    Lea_r32_m 2/2: data::load_address[u32];
    Xchg_rm8_r8 3/5 lock: data::exchange[u8];
    Xchg_rm16_r16 3/5 lock: data::exchange[u16];
    Xchg_rm32_r32 3/5 lock: data::exchange[u32];
    Xchg_r16_AX 3: data::exchange_accumulator[u16];
    Xchg_r32_EAX 3: data::exchange_accumulator[u32];
    Nopw 3: system::no_operation[];
    Nopd 3: system::no_operation[];
    Xlat_m8 5: data::translate[];
    Cbw 3: data::widen_accumulator[u8, u16];
    Cwde 3: data::widen_accumulator[u16, u32];
    Cwd 2: data::sign_into_dx[u16];
    Cdq 2: data::sign_into_dx[u32];
    Salc 3: data::set_al_from_carry[];

    // Segment registers; in protected mode the load adds its own clocks
    Mov_rm16_Sreg 2/2: data::store_segment[u16];
    Mov_r32m16_Sreg 2/2: data::store_segment[u32];
    Mov_Sreg_rm16 2/5: data::move_to_segment[];
    Mov_Sreg_r32m16 2/5: data::move_to_segment[];
    Les_r16_m1616 7: data::load_far_pointer[InEs, u16];
    Les_r32_m1632 7: data::load_far_pointer[InEs, u32];
    Lds_r16_m1616 7: data::load_far_pointer[InDs, u16];
    Lds_r32_m1632 7: data::load_far_pointer[InDs, u32];
    Lfs_r16_m1616 7: data::load_far_pointer[InFs, u16];
    Lfs_r32_m1632 7: data::load_far_pointer[InFs, u32];
    Lgs_r16_m1616 7: data::load_far_pointer[InGs, u16];
    Lgs_r32_m1632 7: data::load_far_pointer[InGs, u32];
    Lss_r16_m1616 7: data::load_far_pointer[InSs, u16];
    Lss_r32_m1632 7: data::load_far_pointer[InSs, u32];

    // Stack
    Pushw_ES 2: stack::push_segment[InEs, u16];
    Pushd_ES 2: stack::push_segment[InEs, u32];
    Pushw_CS 2: stack::push_segment[InCs, u16];
    Pushd_CS 2: stack::push_segment[InCs, u32];
    Pushw_SS 2: stack::push_segment[InSs, u16];
    Pushd_SS 2: stack::push_segment[InSs, u32];
    Pushw_DS 2: stack::push_segment[InDs, u16];
    Pushd_DS 2: stack::push_segment[InDs, u32];
    Pushw_FS 2: stack::push_segment[InFs, u16];
    Pushd_FS 2: stack::push_segment[InFs, u32];
    Pushw_GS 2: stack::push_segment[InGs, u16];
    Pushd_GS 2: stack::push_segment[InGs, u32];
    Popw_ES 7: stack::pop_segment[InEs, u16];
    Popd_ES 7: stack::pop_segment[InEs, u32];
    Popw_SS 7: stack::pop_segment[InSs, u16];
    Popd_SS 7: stack::pop_segment[InSs, u32];
    Popw_DS 7: stack::pop_segment[InDs, u16];
    Popd_DS 7: stack::pop_segment[InDs, u32];
    Popw_FS 7: stack::pop_segment[InFs, u16];
    Popd_FS 7: stack::pop_segment[InFs, u32];
    Popw_GS 7: stack::pop_segment[InGs, u16];
    Popd_GS 7: stack::pop_segment[InGs, u32];
    Push_r16 2: stack::push_register[u16];
    Pop_r16 4: stack::pop_register[u16];
    Push_rm16 2/5: stack::push[u16];
    Pop_rm16 4/5: stack::pop[u16];
    Push_r32 2: stack::push_register[u32];
    Pop_r32 4: stack::pop_register[u32];
    Push_rm32 2/5: stack::push[u32];
    Pop_rm32 4/5: stack::pop[u32];
    Push_imm16 2: stack::push_source[u16, Immediate];
    Pushd_imm32 2: stack::push_source[u32, Immediate];
    Pushw_imm8 2: stack::push_source[u16, Immediate];
    Pushd_imm8 2: stack::push_source[u32, Immediate];
    Pushaw 18: stack::push_all[u16];
    Popaw 24: stack::pop_all[u16];
    Pushfw 4: stack::push_flags[u16];
    Popfw 5: stack::pop_flags[u16];
    Enterw_imm16_imm8 10: stack::enter[u16];
    Leavew 4: stack::leave[u16];
    Pushad 18: stack::push_all[u32];
    Popad 24: stack::pop_all[u32];
    Pushfd 4: stack::push_flags[u32];
    Popfd 5: stack::pop_flags[u32];
    Enterd_imm16_imm8 10: stack::enter[u32];
    Leaved 4: stack::leave[u32];

    // Flags
    Lahf 2: flag::load_ah[];
    Sahf 3: flag::store_ah[];
    Clc 2: flag::clear_carry[];
    Stc 2: flag::set_carry[];
    Cmc 2: flag::complement_carry[];
    Cld 2: flag::clear_direction[];
    Std 2: flag::set_direction[];
    Cli 3: flag::disable_interrupts[];
    Sti 3: flag::enable_interrupts[];

    // Jumps, calls, loops. A taken jump adds the components of its target, far transfers all their clocks
    Jmp_rel8_16 7: control::jump[u16];
    Jmp_rel8_32 7: control::jump[u32];
    Jmp_rel16 7: control::jump[u16];
    Jmp_rel32_32 7: control::jump[u32];
    Call_rel16 7: control::call[u16];
    Call_rel32_32 7: control::call[u32];
    Jo_rel8_16 3: control::jump_if[Overflow, u16];
    Jo_rel8_32 3: control::jump_if[Overflow, u32];
    Jo_rel16 3: control::jump_if[Overflow, u16];
    Jo_rel32_32 3: control::jump_if[Overflow, u32];
    Jno_rel8_16 3: control::jump_if[NoOverflow, u16];
    Jno_rel8_32 3: control::jump_if[NoOverflow, u32];
    Jno_rel16 3: control::jump_if[NoOverflow, u16];
    Jno_rel32_32 3: control::jump_if[NoOverflow, u32];
    Jb_rel8_16 3: control::jump_if[Below, u16];
    Jb_rel8_32 3: control::jump_if[Below, u32];
    Jb_rel16 3: control::jump_if[Below, u16];
    Jb_rel32_32 3: control::jump_if[Below, u32];
    Jae_rel8_16 3: control::jump_if[AboveOrEqual, u16];
    Jae_rel8_32 3: control::jump_if[AboveOrEqual, u32];
    Jae_rel16 3: control::jump_if[AboveOrEqual, u16];
    Jae_rel32_32 3: control::jump_if[AboveOrEqual, u32];
    Je_rel8_16 3: control::jump_if[Equal, u16];
    Je_rel8_32 3: control::jump_if[Equal, u32];
    Je_rel16 3: control::jump_if[Equal, u16];
    Je_rel32_32 3: control::jump_if[Equal, u32];
    Jne_rel8_16 3: control::jump_if[NotEqual, u16];
    Jne_rel8_32 3: control::jump_if[NotEqual, u32];
    Jne_rel16 3: control::jump_if[NotEqual, u16];
    Jne_rel32_32 3: control::jump_if[NotEqual, u32];
    Jbe_rel8_16 3: control::jump_if[BelowOrEqual, u16];
    Jbe_rel8_32 3: control::jump_if[BelowOrEqual, u32];
    Jbe_rel16 3: control::jump_if[BelowOrEqual, u16];
    Jbe_rel32_32 3: control::jump_if[BelowOrEqual, u32];
    Ja_rel8_16 3: control::jump_if[Above, u16];
    Ja_rel8_32 3: control::jump_if[Above, u32];
    Ja_rel16 3: control::jump_if[Above, u16];
    Ja_rel32_32 3: control::jump_if[Above, u32];
    Js_rel8_16 3: control::jump_if[Sign, u16];
    Js_rel8_32 3: control::jump_if[Sign, u32];
    Js_rel16 3: control::jump_if[Sign, u16];
    Js_rel32_32 3: control::jump_if[Sign, u32];
    Jns_rel8_16 3: control::jump_if[NoSign, u16];
    Jns_rel8_32 3: control::jump_if[NoSign, u32];
    Jns_rel16 3: control::jump_if[NoSign, u16];
    Jns_rel32_32 3: control::jump_if[NoSign, u32];
    Jp_rel8_16 3: control::jump_if[Parity, u16];
    Jp_rel8_32 3: control::jump_if[Parity, u32];
    Jp_rel16 3: control::jump_if[Parity, u16];
    Jp_rel32_32 3: control::jump_if[Parity, u32];
    Jnp_rel8_16 3: control::jump_if[NoParity, u16];
    Jnp_rel8_32 3: control::jump_if[NoParity, u32];
    Jnp_rel16 3: control::jump_if[NoParity, u16];
    Jnp_rel32_32 3: control::jump_if[NoParity, u32];
    Jl_rel8_16 3: control::jump_if[Less, u16];
    Jl_rel8_32 3: control::jump_if[Less, u32];
    Jl_rel16 3: control::jump_if[Less, u16];
    Jl_rel32_32 3: control::jump_if[Less, u32];
    Jge_rel8_16 3: control::jump_if[GreaterOrEqual, u16];
    Jge_rel8_32 3: control::jump_if[GreaterOrEqual, u32];
    Jge_rel16 3: control::jump_if[GreaterOrEqual, u16];
    Jge_rel32_32 3: control::jump_if[GreaterOrEqual, u32];
    Jle_rel8_16 3: control::jump_if[LessOrEqual, u16];
    Jle_rel8_32 3: control::jump_if[LessOrEqual, u32];
    Jle_rel16 3: control::jump_if[LessOrEqual, u16];
    Jle_rel32_32 3: control::jump_if[LessOrEqual, u32];
    Jg_rel8_16 3: control::jump_if[Greater, u16];
    Jg_rel8_32 3: control::jump_if[Greater, u32];
    Jg_rel16 3: control::jump_if[Greater, u16];
    Jg_rel32_32 3: control::jump_if[Greater, u32];
    Jmp_rm16 7/10: control::jump_indirect[u16];
    Call_rm16 7/10: control::call_indirect[u16];
    Jmp_rm32 7/10: control::jump_indirect[u32];
    Call_rm32 7/10: control::call_indirect[u32];
    Retnw 10: control::near_return[u16];
    Retnw_imm16 10: control::near_return[u16];
    Retnd 10: control::near_return[u32];
    Retnd_imm16 10: control::near_return[u32];
    Loop_rel8_16_CX 11: control::count_and_jump[Always, u16, u16];
    Loop_rel8_16_ECX 11: control::count_and_jump[Always, u32, u16];
    Loop_rel8_32_CX 11: control::count_and_jump[Always, u16, u32];
    Loop_rel8_32_ECX 11: control::count_and_jump[Always, u32, u32];
    Loope_rel8_16_CX 11: control::count_and_jump[WhileEqual, u16, u16];
    Loope_rel8_16_ECX 11: control::count_and_jump[WhileEqual, u32, u16];
    Loope_rel8_32_CX 11: control::count_and_jump[WhileEqual, u16, u32];
    Loope_rel8_32_ECX 11: control::count_and_jump[WhileEqual, u32, u32];
    Loopne_rel8_16_CX 11: control::count_and_jump[WhileNotEqual, u16, u16];
    Loopne_rel8_16_ECX 11: control::count_and_jump[WhileNotEqual, u32, u16];
    Loopne_rel8_32_CX 11: control::count_and_jump[WhileNotEqual, u16, u32];
    Loopne_rel8_32_ECX 11: control::count_and_jump[WhileNotEqual, u32, u32];
    Jcxz_rel8_16 5: control::jump_if_no_count[u16, u16];
    Jecxz_rel8_16 5: control::jump_if_no_count[u32, u16];
    Jcxz_rel8_32 5: control::jump_if_no_count[u16, u32];
    Jecxz_rel8_32 5: control::jump_if_no_count[u32, u32];
    Jmp_ptr1616 0: control::far_jump[u16];
    Jmp_m1616 0: control::far_jump_indirect[u16];
    Call_ptr1616 0: control::far_call[u16];
    Call_m1616 0: control::far_call_indirect[u16];
    Jmp_ptr1632 0: control::far_jump[u32];
    Jmp_m1632 0: control::far_jump_indirect[u32];
    Call_ptr1632 0: control::far_call[u32];
    Call_m1632 0: control::far_call_indirect[u32];
    Retfw 0: control::far_return[u16];
    Retfw_imm16 0: control::far_return[u16];
    Iretw 0: control::interrupt_return[u16];
    Retfd 0: control::far_return[u32];
    Retfd_imm16 0: control::far_return[u32];
    Iretd 0: control::interrupt_return[u32];
    Int3 0: control::breakpoint[];
    Int_imm8 0: control::software_interrupt[];
    Into 0: control::interrupt_on_overflow[];
    Int1 0: control::ice_breakpoint[];
    Bound_r16_m1616 10: control::check_bounds[u16];
    Bound_r32_m3232 10: control::check_bounds[u32];

    // Strings: once, and the start-up of the repeated form (which its handler charges)
    Movsb_m8_m8 7 repeated: string::moves[u8];
    Movsw_m16_m16 7 repeated: string::moves[u16];
    Movsd_m32_m32 7 repeated: string::moves[u32];
    Cmpsb_m8_m8 10 repeated: string::compares[u8];
    Cmpsw_m16_m16 10 repeated: string::compares[u16];
    Cmpsd_m32_m32 10 repeated: string::compares[u32];
    Stosb_m8_AL 4 repeated: string::stores[u8];
    Stosw_m16_AX 4 repeated: string::stores[u16];
    Stosd_m32_EAX 4 repeated: string::stores[u32];
    Lodsb_AL_m8 5 repeated: string::loads[u8];
    Lodsw_AX_m16 5 repeated: string::loads[u16];
    Lodsd_EAX_m32 5 repeated: string::loads[u32];
    Scasb_AL_m8 7 repeated: string::scans[u8];
    Scasw_AX_m16 7 repeated: string::scans[u16];
    Scasd_EAX_m32 7 repeated: string::scans[u32];
    Insb_m8_DX 0 repeated: string::inputs[u8];
    Outsb_DX_m8 0 repeated: string::outputs[u8];
    Insw_m16_DX 0 repeated: string::inputs[u16];
    Outsw_DX_m16 0 repeated: string::outputs[u16];
    Insd_m32_DX 0 repeated: string::inputs[u32];
    Outsd_DX_m32 0 repeated: string::outputs[u32];

    // Ports: the clocks depend on mode and privilege
    In_AL_imm8 0: port::read[Fixed, u8];
    In_AL_DX 0: port::read[InDx, u8];
    Out_imm8_AL 0: port::write[Fixed, u8];
    Out_DX_AL 0: port::write[InDx, u8];
    In_AX_imm8 0: port::read[Fixed, u16];
    In_AX_DX 0: port::read[InDx, u16];
    Out_imm8_AX 0: port::write[Fixed, u16];
    Out_DX_AX 0: port::write[InDx, u16];
    In_EAX_imm8 0: port::read[Fixed, u32];
    In_EAX_DX 0: port::read[InDx, u32];
    Out_imm8_EAX 0: port::write[Fixed, u32];
    Out_DX_EAX 0: port::write[InDx, u32];

    // Protection, control, coprocessor
    Hlt 5: system::halt[];
    Wait 6: system::wait[];
    Fnop 2: system::escape[];
    Lgdt_m1632_16 11: system::load_table[Global, u16];
    Lgdt_m1632 11: system::load_table[Global, u32];
    Lidt_m1632_16 11: system::load_table[Interrupts, u16];
    Lidt_m1632 11: system::load_table[Interrupts, u32];
    Sgdt_m1632_16 9: system::store_table[Global];
    Sgdt_m1632 9: system::store_table[Global];
    Sidt_m1632_16 9: system::store_table[Interrupts];
    Sidt_m1632 9: system::store_table[Interrupts];
    Lldt_rm16 20/20: system::load_local_table[];
    Lldt_r32m16 20/20: system::load_local_table[];
    Ltr_rm16 23/27: system::load_task_register[];
    Ltr_r32m16 23/27: system::load_task_register[];
    Sldt_rm16 2/2: system::store_local_table[u16];
    Sldt_r32m16 2/2: system::store_local_table[u32];
    Str_rm16 23/27: system::store_task_register[u16];
    Str_r32m16 23/27: system::store_task_register[u32];
    Smsw_rm16 2/2: system::store_machine_status[u16];
    Smsw_r32m16 2/2: system::store_machine_status[u32];
    Lmsw_rm16 10/13: system::load_machine_status[];
    Lmsw_r32m16 10/13: system::load_machine_status[];
    Clts 5: system::clear_task_switched[];
    Lar_r16_rm16 15/16: system::load_access_rights[u16];
    Lar_r32_r32m16 15/16: system::load_access_rights[u32];
    Lsl_r16_rm16 20/21: system::load_segment_limit[u16];
    Lsl_r32_r32m16 20/21: system::load_segment_limit[u32];
    Verr_rm16 10/11: system::verify_read[];
    Verr_r32m16 10/11: system::verify_read[];
    Verw_rm16 15/16: system::verify_write[];
    Verw_r32m16 15/16: system::verify_write[];
    Arpl_rm16_r16 20/21: system::adjust_privilege[];
    Arpl_r32m16_r32 20/21: system::adjust_privilege[];
    Mov_cr_r32 0: system::move_to_control[];
    Mov_r32_cr 6: system::move_from_control[];
    Mov_dr_r32 0: system::move_to_debug[];
    Mov_r32_dr 0: system::move_from_debug[];
    Mov_tr_r32 12: system::move_to_test[];
    Mov_r32_tr 12: system::move_from_test[];
}

/// Row of each code, plus one; 0 where there is none.
static INDEX: [u16; CODES] = index();

const fn index() -> [u16; CODES] {
    let mut index = [0; CODES];
    let mut row = TOO_LONG + 1;
    while row < ROW_COUNT {
        let code = ROWS[row].code as usize;
        assert!(index[code] == 0, "a form has one row");
        index[code] = row as u16 + 1;
        row += 1;
    }
    index
}

/// The form of an iced-x86 code, where a 386 has it.
pub(crate) fn of(code: Code) -> Option<usize> {
    match INDEX[code as usize] {
        0 => None,
        row => Some(usize::from(row) - 1),
    }
}

/// The row of a form.
pub(crate) fn row(form: usize) -> &'static Row {
    &ROWS[form]
}

/// How many forms there are.
#[cfg(test)]
pub(crate) fn count() -> usize {
    ROW_COUNT
}

/// The form of a handler.
pub(crate) fn of_handler(handler: u16) -> usize {
    usize::from(handler) / SLOTS
}

/// How the instruction of a handler's form changes the flow of execution.
pub(crate) fn flow(handler: u16) -> FlowControl {
    row(of_handler(handler)).code.flow_control()
}

/// The iced-x86 code of a handler's form.
pub(crate) fn code(handler: u16) -> Code {
    row(of_handler(handler)).code
}

/// Whether a handler's slot is that of `r/m` in a register, or the only one.
pub(crate) fn is_in_register(handler: u16) -> bool {
    usize::from(handler) % SLOTS == IN_REGISTER
}

/// Whether a handler's form is a string instruction, which can be repeated.
pub(crate) fn is_repeatable(handler: u16) -> bool {
    matches!(row(of_handler(handler)).slots, Slots::OnceRepeated)
}

/// Whether a handler's form is INT n, INT 3, INTO or ICEBP.
pub(crate) fn is_software_interrupt(handler: u16) -> bool {
    flow(handler) == FlowControl::Interrupt
}

/// The index into [`handlers`] of a form's slot.
pub(crate) const fn slot(form: usize, slot: usize) -> u16 {
    (form * SLOTS + slot) as u16
}

struct Table<B>(std::marker::PhantomData<B>);

impl<B: Bus> Table<B> {
    const HANDLERS: [[Handler<B>; SLOTS]; ROW_COUNT] = handler_slots::<B>();
    const SECOND_HANDLERS: [[Handler<B>; SLOTS]; ROW_COUNT] = second_handler_slots::<B>();
    const FULL_HANDLERS: [[Handler<B>; SLOTS]; ROW_COUNT] = full_handler_slots::<B>();
}

/// For the slots of all forms, what executes them where the first attempt of [`handlers`] fails.
pub(crate) const fn second_handlers<'a, B: Bus + 'a>() -> &'a [Handler<B>] {
    const { Table::<B>::SECOND_HANDLERS.as_flattened() }
}

/// For the slots of all forms, what executes them where all attempts fail.
pub(crate) const fn full_handlers<'a, B: Bus + 'a>() -> &'a [Handler<B>] {
    const { Table::<B>::FULL_HANDLERS.as_flattened() }
}

/// The handlers of all slots for one kind of bus.
pub(crate) const fn handlers<'a, B: Bus + 'a>() -> &'a [Handler<B>] {
    const { Table::<B>::HANDLERS.as_flattened() }
}

#[cfg(test)]
mod tests {
    use crate::test_board::{Board, protected};
    use crate::{Cpu, Flags};

    const CODE: u32 = 0x1_0000;

    /// Clocks of one instruction in flat protected mode: EBX points to a dword of 0000_0100h, ESI and EDI beyond it; EAX is
    /// 0000_0100h, ECX 3, EDX 0. The instruction behind it, at the target of a short jump too, is NOP: one component.
    fn clocks(code: &[u8], flags: Flags) -> u64 {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.set_dword(0x5000, 0x100);
        board.set_bytes(CODE, code);
        board.set_bytes(CODE + code.len() as u32, &[0x90; 16]);
        core.general[..4].copy_from_slice(&[0x100, 3, 0, 0x5000]);
        core.general[6..8].copy_from_slice(&[0x5100, 0x5200]);
        core.set_eflags(flags);
        core.eip = CODE;
        let mut cpu = Cpu::with_core(core);
        while cpu.state().eip == CODE {
            board.pins.until = cpu.cycles() + 1;
            cpu.run(&mut board);
        }
        // The target's components are charged with the target.
        let spent = cpu.cycles();
        let is_jump = cpu.state().is_refilling;
        spent + u64::from(is_jump)
    }

    #[test]
    fn instructions_cost_the_clocks_of_the_manual() {
        let forms: [(&str, &[u8], u64); 46] = [
            ("ADD EAX, ECX", &[0x01, 0xC8], 2),
            ("ADD [EBX], ECX", &[0x01, 0x0B], 7),
            ("ADD ECX, [EBX]", &[0x03, 0x0B], 6),
            ("OR [EBX], ECX", &[0x09, 0x0B], 7),
            ("CMP [EBX], ECX", &[0x39, 0x0B], 5),
            ("CMP ECX, [EBX]", &[0x3B, 0x0B], 6),
            ("TEST [EBX], ECX", &[0x85, 0x0B], 5),
            ("INC ECX", &[0x41], 2),
            ("INC dword [EBX]", &[0xFF, 0x03], 6),
            ("NEG ECX", &[0xF7, 0xD9], 2),
            ("MOV [EBX], ECX", &[0x89, 0x0B], 2),
            ("MOV ECX, [EBX]", &[0x8B, 0x0B], 4),
            ("MOV EAX, [5000h]", &[0xA1, 0x00, 0x50, 0, 0], 4),
            ("MOVZX ECX, byte [EBX]", &[0x0F, 0xB6, 0x0B], 6),
            ("LEA ECX, [EBX+4]", &[0x8D, 0x4B, 4], 2),
            ("LEA ECX, [EBX+EAX+4]", &[0x8D, 0x4C, 0x03, 4], 3),
            ("XCHG EAX, ECX", &[0x91], 3),
            ("XCHG [EBX], ECX", &[0x87, 0x0B], 5),
            ("XLAT", &[0xD7], 5),
            ("SHL ECX, 4", &[0xC1, 0xE1, 4], 3),
            ("SHL dword [EBX], 4", &[0xC1, 0x23, 4], 7),
            ("RCL ECX, 1", &[0xD1, 0xD1], 9),
            ("RCL dword [EBX], 1", &[0xD1, 0x13], 10),
            ("SHLD ECX, EAX, 4", &[0x0F, 0xA4, 0xC1, 4], 3),
            ("BT [EBX], ECX", &[0x0F, 0xA3, 0x0B], 12),
            ("BTS [EBX], 3", &[0x0F, 0xBA, 0x2B, 3], 8),
            ("BSF ECX, [EBX], 8 zeros", &[0x0F, 0xBC, 0x0B], 34),
            ("SETZ [EBX]", &[0x0F, 0x94, 0x03], 5),
            ("MUL ECX, EAX of 8 bits", &[0xF7, 0xE1], 14),
            ("MUL dword [EBX]", &[0xF7, 0x23], 17),
            ("DIV ECX", &[0xF7, 0xF1], 38),
            ("IDIV CL", &[0xF6, 0xF9], 19),
            ("PUSH EAX", &[0x50], 2),
            ("PUSH dword [EBX]", &[0xFF, 0x33], 5),
            ("POP EAX", &[0x58], 4),
            ("PUSHA", &[0x60], 18),
            ("POPA", &[0x61], 24),
            ("ENTER 8, 0", &[0xC8, 8, 0, 0], 10),
            ("ENTER 8, 3", &[0xC8, 8, 0, 3], 23),
            ("JMP short, m = 1", &[0xEB, 0], 8),
            ("CALL near, m = 1", &[0xE8, 0, 0, 0, 0], 8),
            ("LOOP, m = 1", &[0xE2, 0], 12),
            ("LODSD", &[0xAD], 5),
            ("REP MOVSD, 3 times", &[0xF3, 0xA5], 17),
            ("REPE CMPSB, 3 times", &[0xF3, 0xA6], 32),
            ("IN AL, 60h", &[0xE4, 0x60], 6),
        ];
        for (name, code, expected) in forms {
            assert_eq!(clocks(code, Flags::ALWAYS), expected, "{name}");
        }
    }

    #[test]
    fn conditional_instructions_cost_what_they_do() {
        assert_eq!(clocks(&[0x74, 0], Flags::ZERO), 7 + 1, "JZ taken");
        assert_eq!(clocks(&[0x74, 0], Flags::ALWAYS), 3, "JZ not taken");
        assert_eq!(clocks(&[0xE3, 0], Flags::ALWAYS), 5, "JECXZ not taken");
        assert_eq!(clocks(&[0xCE], Flags::ALWAYS), 3, "INTO not taken");
    }
}
