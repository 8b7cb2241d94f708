//! What the table of differences asks of a finding.

use iced_x86::{Decoder, DecoderError, DecoderOptions, Mnemonic};

use super::Outcome;
use super::case::LONGEST;
use super::course::{Course, Courses, Question};
use super::finding::{Finding, compare};
use super::foreign::{is_foreign, is_long_double_shift};
use super::habit::Habit;
use super::layout::{PAGE, STUB, STUB_BYTES};
use super::model::Model;
use super::undefined::decode;

const PAGE_FAULT: u32 = 14;
const GENERAL_PROTECTION: u32 = 13;
const INVALID_OPCODE: u32 = 6;
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

    /// The course of the crate `cpu` meets an instruction that no case has: a jump led to the middle of another one, to code of another
    /// size, or over what prepares the count of a double shift.
    pub(super) fn executes_foreign_instructions(&self) -> bool {
        let base = self.case.base();
        self.course.executed.iter().any(|executed| {
            let begins = self.text_at(executed.linear.wrapping_sub(base)).is_some();
            let is_of_case = begins && executed.is_32_bit == self.case.is_32_bit();
            !is_of_case && is_foreign(executed) || is_long_double_shift(executed)
        })
    }

    /// The outcome of the silicon is one that the crate `cpu` comes to with other answers to questions of these kinds, the first of
    /// which is asked.
    pub(super) fn is_explained_by(&self, kinds: &[Question]) -> bool {
        self.course.asks(kinds[0])
            && Courses::with_habits(self.case, self.course.habits(), kinds).any(|course| {
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

    /// With a habit that the course lacked where it mattered, the crate `cpu` comes to the outcome of the silicon, or to what the rest
    /// of the table explains, or does not end: such a case would not have been run.
    pub(super) fn is_explained_by_habit(&self, habit: Habit) -> bool {
        if !self.course.misses(habit) {
            return false;
        }
        let habits = [self.course.habits(), &[habit]].concat();
        let course = Course::with_habits(self.case, &mut Model::new(), &habits);
        course.outcome.is_none_or(|model| {
            let finding = Finding {
                model: &model,
                course: &course,
                ..*self
            };
            compare(&finding).is_ok()
        })
    }

    /// LOCK MOV of CR0, which the silicon takes for one of CR8 and forbids at this level, and the crate `cpu` finds undefined.
    pub(super) fn is_locked_move_of_cr0(&self) -> bool {
        let bytes = self.code_at(self.silicon, LONGEST);
        let (prefixes, rest) = split_prefixes(&bytes);
        let is_move_of_cr0 = matches!(rest, [0x0F, 0x20 | 0x22, operands, ..] if operands & 0x38 == 0);
        prefixes.contains(&0xF0)
            && is_move_of_cr0
            && self.silicon.vector == GENERAL_PROTECTION
            && self.model.vector == INVALID_OPCODE
            && self.is_same_but(|outcome| outcome.vector = INVALID_OPCODE)
    }

    /// An undefined instruction that the silicon finds too long, because it counts more of it: an XOP prefix in the place of POP with an
    /// opcode in its operand, or MOV with one and the immediate operand behind.
    pub(super) fn is_undefined_and_too_long(&self) -> bool {
        let bytes = self.code_at(self.silicon, 2 * LONGEST);
        let (prefixes, rest) = split_prefixes(&bytes);
        let is_32_bit = Self::is_32_bit(self.silicon);
        let counted =
            xop_bytes(prefixes, rest, is_32_bit).or_else(|| undefined_mov_bytes(prefixes, rest, is_32_bit));
        self.silicon.vector == GENERAL_PROTECTION
            && self.model.vector == INVALID_OPCODE
            && counted.is_some_and(|bytes| prefixes.len() + bytes > LONGEST)
            && self.is_same_but(|outcome| outcome.vector = INVALID_OPCODE)
    }

    /// The crate `cpu` has not found a page where the helper has one of its own. Where that cannot be written, either, all else is
    /// compared; where it can be accessed, the silicon has gone on.
    pub(super) fn is_about_memory_of_the_helper(&self) -> bool {
        const PRESENT: u32 = 1;
        let Finding { silicon, model, .. } = self;
        let is_missed = model.vector == PAGE_FAULT
            && model.error_code & PRESENT == 0
            && model.address.wrapping_sub(STUB) < STUB_BYTES;
        let is_refused = silicon.vector == PAGE_FAULT && silicon.address == model.address;
        is_missed && (!is_refused || self.is_same_but(|outcome| outcome.error_code |= PRESENT))
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

/// The most bytes that an instruction with an XOP prefix may have behind its other prefixes; none if it has no XOP prefix. Which immediate
/// operand it has is told by its map of opcodes.
fn xop_bytes(prefixes: &[u8], rest: &[u8], is_32_bit: bool) -> Option<usize> {
    const XOP_AND_OPCODE: usize = 4;
    /// MOV of a register to memory or a register.
    const MOV: u8 = 0x89;
    let [0x8F, map, _, _, operand @ ..] = rest else {
        return None;
    };
    let map = map & 0x1F;
    if map < 8 {
        return None;
    }
    let is_address_32 = is_32_bit != prefixes.contains(&0x67);
    let mov = [&[MOV], operand].concat();
    let immediate = match map {
        8 => 1,
        9 => 0,
        _ => 4,
    };
    Some(XOP_AND_OPCODE + decode(&mov, 0, is_address_32).len() - 1 + immediate)
}

/// How many bytes MOV of an immediate operand has behind its prefixes, if there is another opcode in its operand, with which it is undefined.
fn undefined_mov_bytes(prefixes: &[u8], rest: &[u8], is_32_bit: bool) -> Option<usize> {
    const OPCODE_IN_OPERAND: u8 = 0x38;
    let [mov @ (0xC6 | 0xC7), operand, behind @ ..] = rest else {
        return None;
    };
    if operand & OPCODE_IN_OPERAND == 0 {
        return None;
    }
    let is_size = |byte: &u8| matches!(byte, 0x66 | 0x67);
    let mut sizes: Vec<u8> = prefixes.iter().copied().filter(is_size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let defined = [&sizes[..], &[*mov, operand & !OPCODE_IN_OPERAND], behind].concat();
    Some(decode(&defined, 0, is_32_bit).len() - sizes.len())
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
    use crate::silicon::layout::{CODE, image};

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
    fn a_double_shift_by_too_much_explains_what_is_behind_it() {
        // SHLD WORD [20010000h], DX, CL.
        let mut case = of_code(&[&[0x66, 0x0F, 0xA5, 0x15, 0, 0, 0x01, 0x20]]);
        let other = |outcome: &mut Outcome| outcome.note_change(0, 1);
        case.general[1] = 0x31;
        assert_eq!(verdict(&case, other), Ok(FOREIGN));
        case.general[1] = 0x30;
        assert!(verdict(&case, other).is_err(), "by 16");
    }

    #[test]
    fn memory_of_the_helper_explains_what_is_found_there_and_nothing_else() {
        const HELPER: &str = "memory of the helper process";
        // MOV [EBX], AL.
        let store_at = |address| {
            let mut case = of_code(&[&[0x88, 0x03]]);
            case.general[3] = address;
            case
        };
        let refused = |outcome: &mut Outcome| outcome.error_code |= 1;
        let case = store_at(STUB + 0xFFF);
        assert_eq!(verdict(&case, refused), Ok(HELPER));
        let changes: [fn(&mut Outcome); 4] = [
            |outcome| outcome.general[2] ^= 1,
            |outcome| outcome.eip += 1,
            |outcome| outcome.segments[3] ^= 8,
            |outcome| outcome.note_change(0x30, 1),
        ];
        for change in changes {
            let both = |outcome: &mut Outcome| {
                refused(outcome);
                change(outcome);
            };
            assert!(verdict(&case, both).is_err());
        }
        let goes_on = |outcome: &mut Outcome| {
            outcome.vector = 3;
            outcome.error_code = 0;
            outcome.address = 0;
            outcome.eip += 3;
            outcome.flags &= !(1 << 16);
        };
        assert_eq!(verdict(&store_at(STUB + STUB_BYTES - 1), goes_on), Ok(HELPER));
        for address in [STUB - 1, STUB + STUB_BYTES] {
            assert!(verdict(&store_at(address), goes_on).is_err());
            assert!(verdict(&store_at(address), refused).is_err());
        }
    }

    /// That nothing may differ but what `explained` changes.
    fn is_explained_alone(case: &Case, explained: impl Fn(&mut Outcome)) {
        let changes: [fn(&mut Outcome); 8] = [
            |outcome| outcome.general[2] ^= 1,
            |outcome| outcome.general[4] ^= 4,
            |outcome| outcome.general[5] ^= 0x10_0000,
            |outcome| outcome.eip ^= 0x80,
            |outcome| outcome.flags ^= 1,
            |outcome| outcome.segments[3] ^= 8,
            |outcome| outcome.note_change(0x30, 1),
            |outcome| outcome.vector ^= 8,
        ];
        assert!(verdict(case, &explained).is_ok_and(|said| said != "the same"));
        for (number, change) in changes.iter().enumerate() {
            let both = |outcome: &mut Outcome| {
                explained(outcome);
                change(outcome);
            };
            assert!(verdict(case, both).is_err(), "change {number}");
        }
    }

    /// A case in 16-bit segments, SP as given.
    fn of_code_with_short_stack(code: &[&[u8]], esp: u32) -> Case {
        const SHORT_DATA: u16 = 12 << 3 | 7;
        let mut case = of_code(code);
        case.segments[2] = SHORT_DATA;
        case.general[4] = esp;
        case
    }

    /// What the crate `cpu` does with a habit, as a change of what it does.
    fn with(case: &Case, habit: Habit) -> impl Fn(&mut Outcome) {
        let course = Course::with_habits(case, &mut Model::new(), &[habit]);
        let outcome = course.outcome.expect("it ends");
        move |other| *other = outcome
    }

    /// The four bytes that a push wrote last, in a case of one push at the end of the first page.
    fn pushed(outcome: &Outcome) -> Vec<u8> {
        let last = |at: u16| {
            let change = outcome.listed().iter().find(|(offset, _)| *offset == at);
            change.map_or(image(0)[usize::from(at)], |(_, byte)| *byte)
        };
        (0xFFC..0x1000).map(last).collect()
    }

    const WORDS: &str = "upper word of a segment register that is pushed as a dword";

    #[test]
    fn a_segment_register_that_is_pushed_as_a_dword_explains_an_upper_word_of_zeros_and_nothing_else() {
        // MOV DWORD [20010FFCh], -1; the push.
        let fill: &[u8] = &[0xC7, 0x05, 0xFC, 0x0F, 0x01, 0x20, 0xFF, 0xFF, 0xFF, 0xFF];
        let pushes: [&[u8]; 6] = [&[0x06], &[0x0E], &[0x16], &[0x1E], &[0x0F, 0xA0], &[0x0F, 0xA8]];
        for push in pushes {
            let case = of_code(&[fill, push]);
            let model = Model::new().run(&case).expect("it ends");
            let zeros = with(&case, Habit::WholeSegmentPush);
            let mut silicon = model;
            zeros(&mut silicon);
            assert_eq!(pushed(&model)[2..], [0xFF, 0xFF], "{push:X?}");
            assert_eq!(pushed(&silicon)[..2], pushed(&model)[..2], "{push:X?}");
            assert_eq!(pushed(&silicon)[2..], [0, 0], "{push:X?}");
            assert_eq!((silicon.general, silicon.eip), (model.general, model.eip));
            assert_eq!(verdict(&case, &zeros), Ok(WORDS), "{push:X?}");
            is_explained_alone(&case, zeros);
        }
        let short = of_code(&[fill, &[0x66, 0x1E]]);
        assert!(verdict(&short, with(&of_code(&[fill, &[0x1E]]), Habit::WholeSegmentPush)).is_err());
    }

    #[test]
    fn zeros_that_were_pushed_with_a_segment_register_may_be_read() {
        // PUSH -1; POP EAX; PUSH DS; POP EAX; ADD EAX, EAX.
        let case = of_code(&[&[0x6A, 0xFF], &[0x58], &[0x1E], &[0x58], &[0x01, 0xC0]]);
        let zeros = with(&case, Habit::WholeSegmentPush);
        let (mut silicon, model) = (Outcome::empty(), Model::new().run(&case).expect("it ends"));
        zeros(&mut silicon);
        assert_eq!((silicon.general[0], model.general[0]), (0xAE, 0xFFFE_00AE));
        assert_eq!(verdict(&case, &zeros), Ok(WORDS));
        is_explained_alone(&case, zeros);
        assert!(
            verdict(&case, |outcome| outcome.general[0] = 0xAE).is_err(),
            "the flags and the stack are those of the other value"
        );
    }

    #[test]
    fn a_segment_register_that_is_pushed_as_a_dword_may_fault_at_its_upper_word() {
        // SP is 2, so that the upper word lies beyond the end of the segment.
        let case = of_code_with_short_stack(&[&[0x1E]], 2);
        let faults = with(&case, Habit::WholeSegmentPush);
        let mut silicon = Outcome::empty();
        faults(&mut silicon);
        assert_eq!((silicon.vector, silicon.general[4]), (12, 2));
        assert_eq!(silicon.general[0], 0, "EAX was used meanwhile");
        assert_eq!(verdict(&case, &faults), Ok(WORDS));
        let dword = of_code_with_short_stack(&[&[0x50]], 2);
        let model = Model::new().run(&dword).expect("it ends");
        assert_eq!((model.vector, model.general[4]), (12, 2), "PUSH EAX");
    }

    #[test]
    fn what_else_the_table_explains_is_explained_behind_a_pushed_segment_register() {
        // MOV DWORD [20010FFCh], -1; PUSH DS; MOV ESP, 20012FF0h; POPA up to a page that is not there.
        let fill: &[u8] = &[0xC7, 0x05, 0xFC, 0x0F, 0x01, 0x20, 0xFF, 0xFF, 0xFF, 0xFF];
        let case = of_code(&[fill, &[0x1E], &[0xBC, 0xF0, 0x2F, 0x01, 0x20], &[0x61]]);
        let zeros = with(&case, Habit::WholeSegmentPush);
        let registers = |outcome: &mut Outcome| {
            zeros(outcome);
            assert_eq!(outcome.vector, PAGE_FAULT);
            outcome.general[7] = 1;
        };
        assert_eq!(verdict(&case, registers), Ok(WORDS));
        let memory = |outcome: &mut Outcome| {
            registers(outcome);
            outcome.note_change(0x30, 1);
        };
        assert!(verdict(&case, memory).is_err());
    }

    #[test]
    fn a_prefix_explains_the_other_loop_and_nothing_else() {
        const LOOPS: &str = "REPNE LOOPE, REPE LOOPNE";
        let of_loop = |text: &[u8], flags| {
            // The loop leads over LEA EDX, [EDX + 4].
            let mut case = of_code(&[text, &[0x8D, 0x52, 0x04]]);
            case.general[1] = 5;
            case.flags = flags;
            case
        };
        let other_way = |outcome: &mut Outcome| outcome.general[2] ^= 4;
        for flags in [0x202, 0x242] {
            for text in [[0xF2, 0xE1, 3], [0xF3, 0xE0, 3]] {
                let case = of_loop(&text, flags);
                let other = with(&case, Habit::LoopByPrefix);
                assert_eq!(verdict(&case, &other), Ok(LOOPS), "{text:X?}");
                is_explained_alone(&case, other);
            }
            for text in [[0xF3, 0xE1, 3], [0xF2, 0xE0, 3], [0x66, 0xE1, 3]] {
                let case = of_loop(&text, flags);
                assert!(verdict(&case, other_way).is_err(), "{text:X?}");
            }
        }
    }

    #[test]
    fn a_loop_that_would_not_end_with_the_prefix_is_not_compared() {
        // A loop to itself, with ZF: LOOPNE ends at once, LOOPE goes on.
        let mut case = of_code(&[&[0xF3, 0xE0, 0xFD]]);
        case.general[1] = 0x4000_0000;
        case.flags |= 0x40;
        let through = |outcome: &mut Outcome| outcome.general[1] = 0;
        assert!(verdict(&case, through).is_ok());
        case.general[1] = 0x40;
        assert!(verdict(&case, through).is_ok());
        assert!(verdict(&case, |outcome| outcome.general[1] = 1).is_err());
        case.instructions[0][0] = 0xF2;
        case.general[1] = 0x4000_0000;
        assert!(verdict(&case, through).is_err(), "LOOPNE");
    }

    #[test]
    fn a_loop_at_the_end_of_its_segment_may_fault_and_nothing_else() {
        const LIMIT: &str = "LOOP at the end of a code segment";
        let of_loop = |text: &[u8], behind: u32| {
            let mut case = of_code(&[text]);
            case.segments[1] = 1 << 3 | 7;
            case.eip = 0x1000 - behind - text.len() as u32;
            case.general[1] = 5;
            case.flags |= 0x40;
            case
        };
        for text in [&[0xE1, 0xFE][..], &[0xE2, 0xFE], &[0x2E, 0xE1, 0xFD]] {
            let case = of_loop(text, 0);
            let model = Model::new().run(&case).expect("it ends");
            assert_eq!((model.vector, model.eip, model.general[1]), (13, 0x1000, 0));
            for left in 1..=5 {
                let faults = |outcome: &mut Outcome| {
                    outcome.eip = case.eip;
                    outcome.general[1] = left;
                };
                assert_eq!(verdict(&case, faults), Ok(LIMIT), "{text:X?} {left}");
                is_explained_alone(&case, faults);
            }
            let at_end = |outcome: &mut Outcome| outcome.eip = case.eip;
            assert!(verdict(&case, at_end).is_err(), "no iteration is left");
        }
        let before = of_loop(&[0xE1, 0xFE], 1);
        let faults = |outcome: &mut Outcome| {
            outcome.vector = 13;
            outcome.eip = before.eip;
            outcome.flags |= 1 << 16;
            outcome.general[1] = 3;
        };
        assert!(verdict(&before, faults).is_err(), "a byte is behind it");
        let mut jump = of_loop(&[0x66, 0x74, 0x10], 0);
        jump.flags &= !0x40;
        assert!(verdict(&jump, |outcome| outcome.eip = jump.eip).is_err(), "JE");
    }

    #[test]
    fn int1_may_save_its_own_eip_and_nothing_else() {
        const INT1: &str = "EIP of INT1";
        for text in [&[0xF1][..], &[0x66, 0xF1], &[0xF2, 0x2E, 0xF1]] {
            let case = of_code(&[&[0x40], text]);
            let itself = |outcome: &mut Outcome| outcome.eip -= text.len() as u32;
            assert_eq!(verdict(&case, itself), Ok(INT1), "{text:X?}");
            assert!(verdict(&case, |outcome| outcome.eip -= text.len() as u32 + 1).is_err());
            is_explained_alone(&case, itself);
        }
        let int3 = of_code(&[&[0xCC]]);
        assert!(verdict(&int3, |outcome| outcome.eip -= 1).is_err());
        // PUSH 302h; POPF sets TF; NOP; INT1: it traps behind NOP.
        let traced = of_code(&[&[0x68, 2, 3, 0, 0], &[0x9D], &[0x90], &[0xF1]]);
        let model = Model::new().run(&traced).expect("it ends");
        assert_eq!((model.vector, model.eip), (1, CODE + 0x107));
        assert!(verdict(&traced, |outcome| outcome.eip += 1).is_err());
        // Without NOP it is INT1 that saves the same.
        let int1 = of_code(&[&[0x68, 2, 3, 0, 0], &[0x9D], &[0xF1]]);
        assert_eq!(verdict(&int1, |outcome| outcome.eip -= 1), Ok(INT1));
    }

    #[test]
    fn enter_that_wraps_sp_explains_the_upper_word_of_the_frame_pointer_and_nothing_else() {
        const FRAME: &str = "frame pointer of ENTER where SP wraps";
        for level in [0, 1, 3] {
            let enter = [0xC8, 0x08, 0x00, level];
            let case = of_code_with_short_stack(&[&enter], 0x1234_0000);
            let model = Model::new().run(&case).expect("it ends");
            let other = with(&case, Habit::FrameWithoutBorrow);
            let mut silicon = model;
            other(&mut silicon);
            assert_eq!((model.general[5], silicon.general[5]), (0x1233_FFFC, 0x1234_FFFC));
            assert_eq!(silicon.general[4], model.general[4]);
            assert_eq!(verdict(&case, &other), Ok(FRAME), "level {level}");
            is_explained_alone(&case, other);
        }
        let upper = |outcome: &mut Outcome| outcome.general[5] ^= 0x7_0000;
        let unwrapped = of_code_with_short_stack(&[&[0xC8, 8, 0, 0]], 0x1234_0010);
        assert!(verdict(&unwrapped, upper).is_err());
        // A page that is not there: the fault saves ESP as it was.
        let faulting = of_code_with_short_stack(&[&[0xC8, 0, 0xD0, 0]], 0x1234_0000);
        let model = Model::new().run(&faulting).expect("it ends");
        let mut silicon = Outcome::empty();
        with(&faulting, Habit::FrameWithoutBorrow)(&mut silicon);
        assert_eq!((silicon, silicon.vector), (model, 14));
    }

    #[test]
    fn lock_mov_of_cr0_may_be_forbidden_and_nothing_else() {
        const CR0: &str = "LOCK MOV of CR0";
        let forbidden = |outcome: &mut Outcome| outcome.vector = 13;
        for opcode in [0x20, 0x22] {
            let case = of_code(&[&[0x66, 0xF0, 0x0F, opcode, 0xC3]]);
            assert_eq!(verdict(&case, forbidden), Ok(CR0));
            is_explained_alone(&case, forbidden);
            let with_code = |outcome: &mut Outcome| (outcome.vector, outcome.error_code) = (13, 8);
            assert!(verdict(&case, with_code).is_err());
            for others in [[0xF0, 0x0F, opcode, 0xD3], [0xF0, 0x0F, opcode + 1, 0xC3]] {
                assert!(verdict(&of_code(&[&others]), forbidden).is_err(), "{others:X?}");
            }
        }
    }

    const TOO_LONG: &str = "undefined instructions that are too long with their operands";

    #[test]
    fn the_immediate_operand_of_an_undefined_mov_explains_an_instruction_that_is_too_long_and_nothing_else() {
        let too_long = |outcome: &mut Outcome| outcome.vector = 13;
        let of_prefixes = |prefixes: &[u8], rest: &[u8]| {
            let (opcode, operand) = rest.split_at(2);
            of_code(&[&[prefixes, opcode].concat(), operand])
        };
        // A displacement of one byte, and four bytes.
        let dword = [0xC7, 0x48, 1, 2, 3, 4, 5];
        let byte = [0xC6, 0x48, 1, 2];
        assert_eq!(verdict(&of_prefixes(&[0x36; 9], &dword), too_long), Ok(TOO_LONG));
        is_explained_alone(&of_prefixes(&[0x36; 9], &dword), too_long);
        assert!(verdict(&of_prefixes(&[0x36; 8], &dword), too_long).is_err());
        assert!(
            verdict(&of_prefixes(&[0x66; 9], &dword), too_long).is_err(),
            "a word"
        );
        assert_eq!(verdict(&of_prefixes(&[0x66; 11], &dword), too_long), Ok(TOO_LONG));
        assert!(verdict(&of_prefixes(&[0x36; 11], &byte), too_long).is_err());
        let other = [0xFE, 0x50, 1, 2, 3, 4, 5];
        assert!(verdict(&of_prefixes(&[0x36; 9], &other), too_long).is_err());
    }

    #[test]
    fn an_xop_prefix_explains_an_instruction_that_is_too_long_and_nothing_else() {
        let too_long = |outcome: &mut Outcome| outcome.vector = 13;
        let of_prefixes = |count: usize, rest: &[u8]| {
            let prefixes = [0x65; 15][..count].to_vec();
            let (opcode, operand) = rest.split_at(2);
            of_code(&[&[prefixes, opcode.to_vec()].concat(), operand])
        };
        // Map 8 has a byte behind its operand, here a displacement of four; map 9 has none.
        let map_8 = [0x8F, 0xE8, 0x78, 0xC0, 0x83, 1, 2, 3, 4, 5];
        let map_9 = [0x8F, 0xE9, 0x78, 0xC0, 0x83, 1, 2, 3, 4, 5];
        assert_eq!(verdict(&of_prefixes(6, &map_8), too_long), Ok(TOO_LONG));
        assert!(verdict(&of_prefixes(5, &map_8), too_long).is_err());
        assert_eq!(verdict(&of_prefixes(7, &map_9), too_long), Ok(TOO_LONG));
        assert!(verdict(&of_prefixes(6, &map_9), too_long).is_err());
        is_explained_alone(&of_prefixes(6, &map_8), too_long);
        // POP with 4 in its operand would be map 0, which there is not.
        let pop = [0x8F, 0xA0, 0x78, 0xC0, 0x83, 1, 2, 3, 4, 5];
        assert!(verdict(&of_prefixes(8, &pop), too_long).is_err());
        // With 16-bit addresses the displacement has two bytes.
        let short = |count| {
            let mut case = of_prefixes(count, &map_8);
            case.instructions[0].insert(0, 0x67);
            case
        };
        assert!(verdict(&short(6), too_long).is_err());
        assert_eq!(verdict(&short(8), too_long), Ok(TOO_LONG));
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
