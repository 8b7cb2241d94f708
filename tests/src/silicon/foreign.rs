//! Instructions that no case has, as the table of differences tells: where a jump into the middle of an instruction makes one of its
//! bytes, nothing is compared.

use iced_x86::{Code, CpuidFeature, Instruction, Mnemonic, OpKind, Register};

use super::course::Executed;

/// Numbers of the control and debug registers that cases name.
const CONTROL: [usize; 3] = [0, 2, 3];
const DEBUG: [usize; 4] = [0, 1, 2, 3];

/// Whether the generator makes no such instruction, because a later processor does something else with it.
pub(super) fn is_foreign(executed: &Executed) -> bool {
    const UNTOUCHED: &[Mnemonic] = &[
        Mnemonic::Wait,
        Mnemonic::Sgdt,
        Mnemonic::Sidt,
        Mnemonic::Sldt,
        Mnemonic::Str,
        Mnemonic::Smsw,
    ];
    let instruction = &executed.instruction;
    instruction.code() == Code::INVALID
        || UNTOUCHED.contains(&instruction.mnemonic())
        || !is_of_the_386(instruction)
        || is_system_call(instruction)
        || is_long_double_shift(executed)
        || moves_another_special_register(instruction)
}

/// An instruction that the 386 has without a coprocessor. (REP BSF and REP BSR are TZCNT and LZCNT.)
fn is_of_the_386(instruction: &Instruction) -> bool {
    let features = instruction.cpuid_features();
    features.iter().all(|feature| {
        matches!(
            feature,
            CpuidFeature::INTEL8086
                | CpuidFeature::INTEL8086_ONLY
                | CpuidFeature::INTEL186
                | CpuidFeature::INTEL286
                | CpuidFeature::INTEL386
        )
    })
}

/// INT 80h.
fn is_system_call(instruction: &Instruction) -> bool {
    instruction.mnemonic() == Mnemonic::Int && instruction.immediate8() == 0x80
}

/// SHLD or SHRD of words by more than 16.
pub(super) fn is_long_double_shift(executed: &Executed) -> bool {
    let instruction = &executed.instruction;
    matches!(instruction.mnemonic(), Mnemonic::Shld | Mnemonic::Shrd)
        && instruction.op1_register().size() == 2
        && executed.count.is_some_and(|count| count > 16)
}

/// MOV of a control or debug register that cases do not name, or of a test register.
fn moves_another_special_register(instruction: &Instruction) -> bool {
    let registers = [0, 1].map(|operand| match instruction.op_kind(operand) {
        OpKind::Register => instruction.op_register(operand),
        _ => Register::None,
    });
    instruction.mnemonic() == Mnemonic::Mov
        && registers.iter().any(|register| {
            register.is_cr() && !CONTROL.contains(&register.number())
                || register.is_dr() && !DEBUG.contains(&register.number())
                || register.is_tr()
        })
}
