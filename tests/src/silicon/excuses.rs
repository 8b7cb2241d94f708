//! What the table of differences asks of a finding.

use iced_x86::{Decoder, DecoderError, DecoderOptions, Mnemonic};

use super::Outcome;
use super::case::LONGEST;
use super::course::{Courses, Question};
use super::finding::Finding;
use super::foreign::is_foreign;
use super::layout::PAGE;
use super::undefined::decode;

const PAGE_FAULT: u32 = 14;
const GENERAL_PROTECTION: u32 = 13;
/// The error code of such a page fault, without what a 386 does not tell.
const USER_READ_OF_ABSENT_PAGE: u32 = 4;
/// Bytes that the silicon looks at before it finds an instruction too long: less than two blocks of 16.
const FETCHED_AHEAD: usize = 31;

impl Finding<'_> {
    pub(super) fn stopped_at_one_of(&self, mnemonics: &[Mnemonic]) -> bool {
        mnemonics.contains(&self.stopped_at().mnemonic())
    }

    /// LOCK BT is where the silicon stopped.
    pub(super) fn stopped_at_locked_bit_test(&self) -> bool {
        let bytes = self.code_at(self.silicon, LONGEST);
        let (prefixes, rest) = split_prefixes(&bytes);
        let is_locked = prefixes.contains(&0xF0);
        let kept = prefixes.iter().filter(|byte| **byte != 0xF0);
        let without: Vec<u8> = kept.chain(rest).copied().collect();
        is_locked && decode(&without, 0, Self::is_32_bit(self.silicon)).mnemonic() == Mnemonic::Bt
    }

    /// One of the two calls an instruction undefined that the other finds cut by a limit or a page's end, or too long.
    pub(super) fn is_about_a_cut_undefined_instruction(&self) -> bool {
        let vectors = [self.silicon.vector, self.model.vector];
        let length = self.text_at(self.silicon.eip).map_or(0, <[u8]>::len);
        let is_at_limit = self.silicon.eip & 0x7FF >= 0x7E0;
        vectors.contains(&6)
            && (vectors.contains(&GENERAL_PROTECTION) || vectors.contains(&PAGE_FAULT))
            && self.silicon.eip == self.model.eip
            && (is_at_limit || length > 13)
    }

    /// An instruction of more than 15 bytes, which the crate `cpu` refuses, and which reaches over the end of its page into one that is
    /// not there: the silicon has fetched that page, as far as it looks ahead.
    pub(super) fn is_too_long_in_front_of_an_absent_page(&self) -> bool {
        let Finding { silicon, model, .. } = self;
        let bytes = self.code_at(silicon, FETCHED_AHEAD);
        let page_end = Self::linear(silicon).wrapping_add(bytes.len() as u32);
        let fetches_absent_page = silicon.vector == PAGE_FAULT
            && silicon.error_code & 7 == USER_READ_OF_ABSENT_PAGE
            && silicon.address == page_end
            && page_end.is_multiple_of(PAGE as u32);
        let is_32_bit = Self::is_32_bit(silicon);
        fetches_absent_page
            && model.vector == GENERAL_PROTECTION
            && model.error_code == 0
            && bytes.len() >= LONGEST
            && decode(&bytes[..LONGEST], silicon.eip, is_32_bit).is_invalid()
            && is_unfinished(&without_repeated_prefixes(&bytes), is_32_bit)
    }

    /// The course of the crate `cpu` meets an instruction that no case has: a jump led to the middle of another one, or to code of
    /// another size.
    pub(super) fn executes_foreign_instructions(&self) -> bool {
        let base = self.case.base();
        self.course.executed.iter().any(|executed| {
            let begins = self.text_at(executed.linear.wrapping_sub(base)).is_some();
            let is_of_case = begins && executed.is_32_bit == self.case.is_32_bit();
            !is_of_case && is_foreign(executed)
        })
    }

    /// The outcome of the silicon is one that the crate `cpu` comes to with other answers to questions of these kinds, the first of
    /// which is asked.
    pub(super) fn is_explained_by(&self, kinds: &[Question]) -> bool {
        self.course.asks(kinds[0])
            && Courses::new(self.case, kinds).any(|course| {
                course.outcome.is_some_and(|model| {
                    let finding = Finding {
                        model: &model,
                        course: &course,
                        ..*self
                    };
                    finding.differing().is_empty()
                })
            })
    }

    /// Whether both outcomes are the same when some of them is forgotten.
    pub(super) fn is_same_but(&self, forget: impl Fn(&mut Outcome)) -> bool {
        let (mut silicon, mut model) = (*self.silicon, *self.model);
        forget(&mut silicon);
        forget(&mut model);
        let forgotten = Finding {
            silicon: &silicon,
            model: &model,
            ..*self
        };
        forgotten.differing().is_empty()
    }
}

/// Whether an instruction begins with these bytes and needs more.
fn is_unfinished(bytes: &[u8], is_32_bit: bool) -> bool {
    let bitness = if is_32_bit { 32 } else { 16 };
    let mut decoder = Decoder::new(bitness, bytes, DecoderOptions::NONE);
    decoder.decode().is_invalid() && decoder.last_error() == DecoderError::NoMoreBytes
}

/// An instruction with each of its prefixes once.
fn without_repeated_prefixes(bytes: &[u8]) -> Vec<u8> {
    let (prefixes, rest) = split_prefixes(bytes);
    let mut kept = prefixes.to_vec();
    kept.sort_unstable();
    kept.dedup();
    kept.extend(rest);
    kept
}

/// The prefixes of an instruction, and the rest of it.
fn split_prefixes(bytes: &[u8]) -> (&[u8], &[u8]) {
    let is_prefix = |byte: &&u8| {
        matches!(
            **byte,
            0x26 | 0x2E | 0x36 | 0x3E | 0x64..=0x67 | 0xF0 | 0xF2 | 0xF3
        )
    };
    bytes.split_at(bytes.iter().take_while(is_prefix).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::silicon::Case;
    use crate::silicon::case::of_code;
    use crate::silicon::differences::{DIFFERENCES, FOREIGN};
    use crate::silicon::finding::{Mismatch, Verdict, judge, judge_dead};
    use crate::silicon::layout::CODE;
    use crate::silicon::model::Model;

    /// What is said of a case if the silicon makes of it what the crate `cpu` does, changed by `change`.
    fn verdict(case: &Case, change: impl Fn(&mut Outcome)) -> Result<&'static str, Mismatch> {
        let mut model = Model::new();
        let outcome = model.run(case).expect("it ends");
        let mut silicon = outcome;
        change(&mut silicon);
        judge(case, &silicon, &outcome, &mut model).map(|verdict| match verdict {
            Verdict::Same => "the same",
            Verdict::Skipped(entry) => DIFFERENCES[entry].name,
        })
    }

    const READ: &str = "undefined flags that are read";

    #[test]
    fn undefined_flags_are_not_compared_where_they_are_undefined_at_the_end() {
        let mul: &[u8] = &[0xF7, 0xE3];
        let other_zero = |outcome: &mut Outcome| outcome.flags ^= 1 << 6;
        assert_eq!(verdict(&of_code(&[mul]), other_zero), Ok("the same"));
        assert!(
            verdict(&of_code(&[mul, &[0x01, 0xC3]]), other_zero).is_err(),
            "ADD"
        );
        assert!(
            verdict(&of_code(&[mul]), |outcome| outcome.flags ^= 1).is_err(),
            "CF"
        );
        // The jump leads over ADD, but not over this OR.
        let jump: [&[u8]; 4] = [mul, &[0xEB, 0x02], &[0x01, 0xC3], &[0x09, 0xC3]];
        assert!(verdict(&of_code(&jump), other_zero).is_err(), "OR");
    }

    #[test]
    fn an_undefined_flag_that_is_read_explains_its_other_value_and_nothing_else() {
        // BSR leaves CF undefined; RET leads into the operand of MOV, which is SBB EAX, EAX.
        let bsr: &[u8] = &[0x0F, 0xBD, 0xEC];
        let mov: &[u8] = &[0xB9, 0x19, 0xC0, 0xCC, 0xCC];
        let case = of_code(&[bsr, &[0xEB, 0x01], mov]);
        let other = |outcome: &mut Outcome| {
            outcome.general[0] = !outcome.general[0];
            outcome.flags ^= 0xD5 & !0x40 | 0x40;
        };
        let model = Model::new().run(&case).expect("it ends");
        assert_eq!(model.general[0], 0, "CF was clear");
        let with_carry = |outcome: &mut Outcome| {
            outcome.general[0] = 0xFFFF_FFFF;
            outcome.flags = outcome.flags & !0x8D5 | 0x95;
        };
        assert_eq!(verdict(&case, with_carry), Ok(READ));
        assert!(verdict(&case, |outcome| outcome.general[0] = 1).is_err());
        assert!(verdict(&case, other).is_err(), "flags that do not fit");
        assert!(
            verdict(&case, |outcome| {
                with_carry(outcome);
                outcome.general[1] = 1;
            })
            .is_err()
        );
    }

    #[test]
    fn a_branch_on_an_undefined_flag_may_go_either_way() {
        // DIV BL; JO over INC ECX.
        let mut case = of_code(&[&[0xF6, 0xF3], &[0x70, 0x01], &[0x41]]);
        case.general[3] = 1;
        let branches = |outcome: &mut Outcome| {
            outcome.general[1] = 0;
            outcome.flags |= 1 << 11;
        };
        assert_eq!(verdict(&case, branches), Ok(READ));
        assert!(verdict(&case, |outcome| outcome.general[1] = 2).is_err());
        let mut defined = of_code(&[&[0x00, 0xDB], &[0x70, 0x01], &[0x41]]);
        defined.general[3] = 1;
        assert!(verdict(&defined, branches).is_err(), "ADD BL, BL defines OF");
    }

    #[test]
    fn lsl_of_the_processors_number_explains_a_number_and_nothing_else() {
        const NUMBER: &str = "LAR and LSL of the processor's number";
        // LSL EAX, ECX; ADD EAX, EAX.
        let mut case = of_code(&[&[0x0F, 0x03, 0xC1], &[0x8D, 0x04, 0x00]]);
        case.general[1] = 0x7B;
        assert_eq!(verdict(&case, |outcome| outcome.general[0] = 6), Ok(NUMBER));
        assert!(
            verdict(&case, |outcome| outcome.general[0] = 7).is_err(),
            "twice 3.5"
        );
        assert!(
            verdict(&case, |outcome| outcome.general[0] = 0x2000).is_err(),
            "4096"
        );
        assert!(verdict(&case, |outcome| outcome.general[3] = 1).is_err());
        assert!(verdict(&case, |outcome| outcome.flags ^= 1 << 6).is_err(), "ZF");
        case.general[1] = 0x2B;
        assert!(verdict(&case, |outcome| outcome.general[0] = 6).is_err(), "data");
    }

    #[test]
    fn an_instruction_that_no_case_has_explains_what_is_behind_a_jump_to_it() {
        // CMOVE EAX, ECX in the operand of a MOV.
        let mov: &[u8] = &[0xB9, 0x0F, 0x44, 0xC1, 0xCC];
        let into = of_code(&[&[0xEB, 0x01], mov]);
        let moves = |outcome: &mut Outcome| {
            outcome.vector = 3;
            outcome.eip += 4;
        };
        assert_eq!(verdict(&into, moves), Ok(FOREIGN));
        let over = of_code(&[&[0xEB, 0x05], mov]);
        assert!(verdict(&over, |outcome| outcome.general[0] = 1).is_err());
        let alone = of_code(&[&[0x0F, 0x44, 0xC1]]);
        assert!(verdict(&alone, moves).is_err(), "a case should not have it");
    }

    #[test]
    fn a_jump_into_an_instruction_explains_nothing_by_itself() {
        // INC ECX in the operand of MOV.
        let case = of_code(&[&[0xEB, 0x01], &[0xB8, 0x41, 0xCC, 0xCC, 0xCC]]);
        assert!(verdict(&case, |outcome| outcome.general[1] = 0).is_err());
        assert!(verdict(&case, |outcome| outcome.flags ^= 1 << 6).is_err());
    }

    /// A page fault at the page behind that of the code.
    fn fetch_behind(outcome: &mut Outcome) {
        outcome.vector = PAGE_FAULT;
        outcome.error_code = 0x14;
        outcome.address = CODE + PAGE as u32;
    }

    /// Code whose first byte lies so far in front of the end of its page.
    fn of_code_before_the_end(bytes: &[u8], distance: u32) -> Case {
        let mut case = of_code(&[bytes]);
        case.eip = CODE + PAGE as u32 - distance;
        case
    }

    #[test]
    fn a_page_may_be_fetched_behind_an_instruction_that_is_too_long() {
        const AHEAD: &str = "fetches behind an instruction that is too long";
        let long = [[0x67; 32].as_slice(), &[0x90]].concat();
        for distance in [15, 16, 31] {
            let case = of_code_before_the_end(&long, distance);
            assert_eq!(Model::new().run(&case).map(|outcome| outcome.vector), Some(13));
            assert_eq!(verdict(&case, fetch_behind), Ok(AHEAD), "at {distance}");
        }
        assert!(verdict(&of_code_before_the_end(&long, 32), fetch_behind).is_err());
        let ends_in_page = [[0x67; 15].as_slice(), &[0x90]].concat();
        assert!(verdict(&of_code_before_the_end(&ends_in_page, 16), fetch_behind).is_err());
        let operand = [[0x67; 15].as_slice(), &[0x0F, 0xAD, 0xE1]].concat();
        for (distance, expected) in [(15, true), (16, true), (17, true), (18, false)] {
            let said = verdict(&of_code_before_the_end(&operand, distance), fetch_behind);
            assert_eq!(said == Ok(AHEAD), expected, "at {distance}");
        }
        let case = of_code_before_the_end(&long, 16);
        let changes: [fn(&mut Outcome); 5] = [
            |outcome| outcome.general[0] = 1,
            |outcome| outcome.eip += 1,
            |outcome| outcome.address -= 1,
            |outcome| outcome.error_code = 0x16,
            |outcome| outcome.vector = 12,
        ];
        for change in changes {
            let both = |outcome: &mut Outcome| {
                fetch_behind(outcome);
                change(outcome);
            };
            assert!(verdict(&case, both).is_err());
        }
    }

    #[test]
    fn a_page_may_not_be_fetched_behind_an_instruction_of_fifteen_bytes() {
        let whole = [[0x67; 14].as_slice(), &[0x90]].concat();
        assert!(verdict(&of_code_before_the_end(&whole, 16), fetch_behind).is_err());
        // HLT is refused by #GP, too, but not for its length.
        assert!(verdict(&of_code_before_the_end(&[0xF4], 15), fetch_behind).is_err());
        let undefined = [[0x67; 15].as_slice(), &[0x0F, 0x0B]].concat();
        assert!(verdict(&of_code_before_the_end(&undefined, 17), fetch_behind).is_err());
    }

    #[test]
    fn a_system_call_that_kills_its_helper_is_no_difference_if_a_jump_led_to_it() {
        let of_jump = |bytes: &[u8]| {
            let case = of_code(&[&[0xEB, 0x01], bytes]);
            let mut model = Model::new();
            let outcome = model.run(&case).expect("it ends");
            judge_dead(&case, &outcome, &mut model).is_some()
        };
        assert!(of_jump(&[0xB8, 0xCD, 0x80, 0xCC, 0xCC]), "INT 80h");
        assert!(!of_jump(&[0xB8, 0xCD, 0x81, 0xCC, 0xCC]), "INT 81h");
    }
}
