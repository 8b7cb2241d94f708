//! What processors of another maker always do in another way than the crate `cpu`, where the 386's manual allows both or does not say.
//!
//! A course can be taken with such habits: the model then executes other bytes in the instruction's place, which do the same but for the
//! habit, with all checks and faults.

use cpu::State;
use iced_x86::{Code, Instruction, Mnemonic};

const SS: usize = 2;
const ESP: usize = 4;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// PUSH of a segment register as a dword accesses and writes all four bytes, the upper two of them zero. The crate `cpu` accesses and
    /// writes the lower two.
    WholeSegmentPush,
    /// F2h in front of LOOPE makes it LOOPNE, F3h in front of LOOPNE makes it LOOPE. On the crate `cpu` these prefixes do nothing there.
    LoopByPrefix,
    /// Where the first push of ENTER wraps a stack pointer of 16 bits, the upper word of the frame pointer is that of ESP. On the crate
    /// `cpu` the frame pointer is ESP less 4, with a borrow from the upper word.
    FrameWithoutBorrow,
    /// INT1 saves its own EIP, as a fault does. The crate `cpu` saves that behind it.
    Int1AtItself,
}

/// What is executed in an instruction's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instead {
    /// As many bytes.
    pub(super) text: Vec<u8>,
    /// EAX, meanwhile.
    pub(super) eax: Option<u32>,
    /// By how much ESP is larger, meanwhile.
    pub(super) esp_above: u32,
}

impl Habit {
    /// The habit that matters for an instruction.
    pub(super) fn of(instruction: &Instruction) -> Option<Self> {
        match instruction.mnemonic() {
            Mnemonic::Push if pushes_segment_as_dword(instruction) => Some(Self::WholeSegmentPush),
            Mnemonic::Loope if instruction.has_repne_prefix() => Some(Self::LoopByPrefix),
            Mnemonic::Loopne if instruction.has_rep_prefix() => Some(Self::LoopByPrefix),
            Mnemonic::Enter if instruction.code() == Code::Enterd_imm16_imm8 => {
                Some(Self::FrameWithoutBorrow)
            }
            Mnemonic::Int1 => Some(Self::Int1AtItself),
            _ => None,
        }
    }

    /// What a model executes in the place of an instruction, of which these are the bytes, to do what a processor with the habit does;
    /// nothing else if the instruction does the same itself. `state` is that in front of it.
    pub(super) fn instead(self, instruction: &Instruction, text: &[u8], state: &State) -> Option<Instead> {
        const PUSH_EAX: u8 = 0x50;
        /// A prefix that means nothing to PUSH.
        const DS: u8 = 0x3E;
        const LOOPE_OR_LOOPNE: u8 = 1;
        let mut text = text.to_vec();
        let mut esp_above = 0;
        let selector = |instruction: &Instruction| {
            let register = instruction.op0_register().number();
            Some(u32::from(state.segments[register].selector))
        };
        let eax = match (self, &mut text[..]) {
            (Self::WholeSegmentPush, [.., escape @ 0x0F, opcode]) => {
                (*escape, *opcode) = (DS, PUSH_EAX);
                selector(instruction)
            }
            (Self::WholeSegmentPush, [.., opcode]) => {
                *opcode = PUSH_EAX;
                selector(instruction)
            }
            (Self::LoopByPrefix, [.., opcode, _distance]) => {
                *opcode ^= LOOPE_OR_LOOPNE;
                None
            }
            (Self::FrameWithoutBorrow, _) if first_push_wraps(state) => {
                esp_above = 0x1_0000;
                None
            }
            _ => return None,
        };
        Some(Instead { text, eax, esp_above })
    }
}

fn pushes_segment_as_dword(instruction: &Instruction) -> bool {
    instruction.op0_register().is_segment_register() && instruction.stack_pointer_increment() == -4
}

/// A dword that is pushed wraps the stack pointer, of 16 bits.
fn first_push_wraps(state: &State) -> bool {
    const BIG: u16 = 0x4000;
    state.segments[SS].access & BIG == 0 && state.general[ESP] & 0xFFFF < 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::silicon::model::Model;
    use crate::silicon::undefined::decode;

    fn habit(text: &[u8], is_32_bit: bool) -> Option<Habit> {
        Habit::of(&decode(text, 0, is_32_bit))
    }

    fn instead(text: &[u8]) -> Option<(Vec<u8>, Option<u32>)> {
        let instruction = decode(text, 0, true);
        let mut state = Model::new().state();
        for (register, selector) in state.segments.iter_mut().zip(1..) {
            register.selector = selector;
        }
        let habit = Habit::of(&instruction)?;
        habit
            .instead(&instruction, text, &state)
            .map(|instead| (instead.text, instead.eax))
    }

    #[test]
    fn only_a_segment_register_that_is_pushed_as_a_dword_is_a_matter_of_habit() {
        let all: [&[u8]; 6] = [&[0x06], &[0x0E], &[0x16], &[0x1E], &[0x0F, 0xA0], &[0x0F, 0xA8]];
        for text in all {
            assert_eq!(habit(text, true), Some(Habit::WholeSegmentPush), "{text:X?}");
            assert_eq!(habit(text, false), None, "{text:X?}");
            let other = [&[0x66], text].concat();
            assert_eq!(habit(&other, true), None, "{text:X?}");
            assert_eq!(habit(&other, false), Some(Habit::WholeSegmentPush), "{text:X?}");
        }
        let others: [&[u8]; 4] = [&[0x50], &[0x68, 0, 0, 0, 0], &[0x07], &[0x8C, 0xD8]];
        assert!(others.iter().all(|text| habit(text, true).is_none()));
    }

    #[test]
    fn the_last_of_two_prefixes_decides_of_a_loop() {
        const BY_PREFIX: Option<Habit> = Some(Habit::LoopByPrefix);
        assert_eq!(habit(&[0xF2, 0xE1, 0], true), BY_PREFIX);
        assert_eq!(habit(&[0xF3, 0xF2, 0xE1, 0], true), BY_PREFIX);
        assert_eq!(habit(&[0xF2, 0x66, 0xE1, 0], true), BY_PREFIX);
        assert_eq!(habit(&[0xF3, 0xE0, 0], false), BY_PREFIX);
        assert_eq!(habit(&[0xF2, 0xF3, 0xE0, 0], true), BY_PREFIX);
        let as_they_say: [&[u8]; 8] = [
            &[0xE0, 0],
            &[0xE1, 0],
            &[0xF3, 0xE1, 0],
            &[0xF2, 0xE0, 0],
            &[0xF2, 0xF3, 0xE1, 0],
            &[0xF3, 0xF2, 0xE0, 0],
            &[0xF2, 0xE2, 0],
            &[0xF3, 0xE3, 0],
        ];
        assert!(as_they_say.iter().all(|text| habit(text, true).is_none()));
    }

    #[test]
    fn what_is_executed_instead_is_as_long() {
        assert_eq!(instead(&[0x06]), Some((vec![0x50], Some(1))));
        assert_eq!(instead(&[0x2E, 0x0E]), Some((vec![0x2E, 0x50], Some(2))));
        assert_eq!(instead(&[0x16]), Some((vec![0x50], Some(3))));
        assert_eq!(instead(&[0x1E]), Some((vec![0x50], Some(4))));
        assert_eq!(instead(&[0x0F, 0xA0]), Some((vec![0x3E, 0x50], Some(5))));
        assert_eq!(
            instead(&[0xF3, 0x0F, 0xA8]),
            Some((vec![0xF3, 0x3E, 0x50], Some(6)))
        );
        assert_eq!(instead(&[0xF2, 0xE1, 7]), Some((vec![0xF2, 0xE0, 7], None)));
        assert_eq!(instead(&[0xF3, 0xE0, 7]), Some((vec![0xF3, 0xE1, 7], None)));
        assert_eq!(
            instead(&[0xF1]),
            None,
            "INT1 does the same, but for what it saves"
        );
    }
}
