//! The course of a case on the crate `cpu`: which instructions are executed, whatever jumps led to them, and which flags are
//! undefined at the end.
//!
//! Now and then there is more than one right way to go on: an instruction reads a flag that another has left undefined, or asks for
//! what only Linux knows. There the course asks a [`Question`]. The first answer is that of the crate `cpu`; [`Courses`] goes through all
//! the others, too, so that an outcome can be told to be right with one of them.
//!
//! A course may be taken with [`Habit`]s that the crate `cpu` does not have.

use cpu::State;
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

use super::case::LONGEST;
use super::habit::{Habit, Instead};
use super::layout::CODE;
use super::model::{Model, PROCESSOR_NUMBER, Step};
use super::undefined::{ZERO, decode, flags_read, shift_count, undefined_behind};
use super::{Case, Outcome};

/// Courses of one case that are tried. What needs more is told as a difference.
const MOST_COURSES: usize = 10_000;
/// Numbers of processors, from 0, that LSL may tell.
const PROCESSORS: u32 = 0x1000;
/// What LAR may tell: 32-bit data that expand down, as [`Model`] has it, or 16-bit, or those that were never accessed.
const RIGHTS: [u32; 3] = [0x0040_F500, 0x0000_F500, 0x0000_F400];
/// How often it is asked in one course whether a loop at the limit faults.
const MOST_LOOPS: usize = 8;
const CS: usize = 1;
const TRAP: u32 = 1 << 8;
/// Vector of INT1.
const DEBUG: u32 = 1;

/// Where more than one way to go on is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// An instruction that is executed reads flags that are undefined; the answers are all their values.
    UndefinedFlags,
    /// LSL or LAR of the segment in whose limit Linux keeps the number of the processor; the answers are all numbers, or the rights that
    /// one or the other Linux has given it.
    ProcessorSegment,
    /// LOOP, LOOPE or LOOPNE ends where its code segment ends; the answers are that it is executed, and #GP(0).
    LoopAtLimit,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::UndefinedFlags, Self::ProcessorSegment, Self::LoopAtLimit];
}

/// An instruction that was executed, at least in part.
#[derive(Clone, Copy, Debug)]
pub struct Executed {
    /// Its linear address.
    pub linear: u32,
    /// The code is 32-bit code.
    pub is_32_bit: bool,
    /// The instruction, as far as iced knows it.
    pub instruction: Instruction,
    /// Of a shift, its count.
    pub count: Option<u8>,
}

/// What a case does on the crate `cpu`.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// What came of it; none if it does not end.
    pub outcome: Option<Outcome>,
    /// Flags that are undefined at the end.
    pub undefined: u32,
    /// The instructions, each once.
    pub executed: Vec<Executed>,
    /// What was asked, in this order, how many answers there are, and which was given.
    questions: Vec<(Question, u32, u32)>,
    /// Those with which it was taken.
    habits: Vec<Habit>,
    /// Those that would have mattered, too.
    missed: Vec<Habit>,
    /// The instruction that was executed last began with TF.
    is_traced: bool,
    /// What INT1, the last instruction, saves as EIP by habit.
    saved: Option<u32>,
}

impl Course {
    /// The course that the crate `cpu` takes by itself.
    #[must_use]
    pub fn of(case: &Case, model: &mut Model) -> Self {
        Self::with_habits(case, model, &[])
    }

    /// The course that the crate `cpu` takes with these habits.
    #[must_use]
    pub fn with_habits(case: &Case, model: &mut Model, habits: &[Habit]) -> Self {
        Self::with_answers(case, model, habits, &Question::ALL, &[])
    }

    /// The habits with which it was taken.
    #[must_use]
    pub fn habits(&self) -> &[Habit] {
        &self.habits
    }

    /// Whether it came to where another habit would have mattered.
    #[must_use]
    pub fn misses(&self, habit: Habit) -> bool {
        self.missed.contains(&habit)
    }

    /// Whether it came to a question.
    #[must_use]
    pub fn asks(&self, question: Question) -> bool {
        self.questions.iter().any(|(asked, _, _)| *asked == question)
    }

    /// The course with these answers to the first questions of some kinds, and the first answer to all behind.
    fn with_answers(
        case: &Case,
        model: &mut Model,
        habits: &[Habit],
        kinds: &[Question],
        answers: &[u32],
    ) -> Self {
        let mut course = Self {
            habits: habits.to_vec(),
            ..Self::default()
        };
        model.begin(case);
        loop {
            match course.step(model, kinds, answers) {
                Step::Done => {}
                Step::Halted => break,
                Step::Endless => return course,
            }
        }
        let mut outcome = model.outcome(case);
        if outcome.vector == DEBUG {
            outcome.eip = course.saved.unwrap_or(outcome.eip);
        }
        course.outcome = Some(outcome);
        course
    }

    /// One step, with the questions before and behind it.
    fn step(&mut self, model: &mut Model, kinds: &[Question], answers: &[u32]) -> Step {
        let mut before = model.state();
        let Some(next) = next_instruction(&before, model) else {
            return model.step();
        };
        let instruction = next.instruction;
        let asked = self.questions.len();
        let read = self.undefined & flags_read(&instruction);
        if read != 0 && kinds.contains(&Question::UndefinedFlags) {
            let answer = self.ask(Question::UndefinedFlags, 1 << read.count_ones(), answers);
            if answer != 0 {
                before.eflags ^= subset(read, answer);
                model.set_state(&before);
            }
        }
        let is_answered = self.questions.len() > asked;
        let answers_behind = kinds
            .contains(&Question::ProcessorSegment)
            .then(|| answers_of_processor_segment(&instruction, &before, model));
        self.note(next);
        let step = if kinds.contains(&Question::LoopAtLimit) && self.is_refused(&next, &before, answers) {
            model.step_instead(next.linear, &refused(&instruction))
        } else {
            self.execute(&next, &before, model)
        };
        let after = model.state();
        if after.instructions == before.instructions && !after.is_repeating {
            // It has faulted, perhaps because of an answer; the flags are as before.
            return step;
        }
        if is_answered {
            self.undefined &= !read;
        }
        self.undefined = undefined_behind(&instruction, self.undefined, Some(before.general[1]));
        let results = answers_behind.unwrap_or_default();
        if !results.is_empty() && after.eflags & ZERO != 0 {
            let answer = self.ask(Question::ProcessorSegment, results.len() as u32, answers);
            if answer != 0 {
                model.set_state(&with_result(after, &instruction, results[answer as usize]));
            }
        }
        step
    }

    /// Executes an instruction, with the habits there are.
    fn execute(&mut self, next: &Executed, before: &State, model: &mut Model) -> Step {
        let was_traced = std::mem::replace(&mut self.is_traced, before.eflags & TRAP != 0);
        let instruction = &next.instruction;
        let Some(habit) = Habit::of(instruction) else {
            return model.step();
        };
        if habit == Habit::Int1AtItself && was_traced {
            // If a processor stops here, it may be for the instruction in front of it.
            return model.step();
        }
        if !self.habits.contains(&habit) {
            if !self.missed.contains(&habit) {
                self.missed.push(habit);
            }
            return model.step();
        }
        if habit == Habit::Int1AtItself {
            self.saved = Some(before.eip);
        }
        let at = |offset| model.byte(next.linear.wrapping_add(offset));
        let text: Vec<u8> = (0..instruction.len() as u32).map_while(at).collect();
        match habit.instead(instruction, &text, before) {
            Some(instead) => model.step_instead(next.linear, &instead),
            None => model.step(),
        }
    }

    /// Whether an instruction that is a loop at the limit is to fault.
    fn is_refused(&mut self, next: &Executed, state: &State, answers: &[u32]) -> bool {
        let asked = self.questions.iter();
        let loops = asked.filter(|(question, _, _)| *question == Question::LoopAtLimit);
        loops.count() < MOST_LOOPS
            && is_loop_at_limit(&next.instruction, state)
            && self.ask(Question::LoopAtLimit, 2, answers) != 0
    }

    /// The answer to a new question.
    fn ask(&mut self, question: Question, answers: u32, given: &[u32]) -> u32 {
        let answer = given.get(self.questions.len()).copied().unwrap_or(0);
        self.questions.push((question, answers, answer));
        answer
    }

    fn note(&mut self, next: Executed) {
        let is_known = |known: &Executed| (known.linear, known.count) == (next.linear, next.count);
        if !self.executed.iter().any(is_known) {
            self.executed.push(next);
        }
    }
}

/// All courses of a case that differ in their answers to questions of some kinds.
pub struct Courses<'a> {
    case: &'a Case,
    model: Model,
    habits: &'a [Habit],
    kinds: &'a [Question],
    /// The answers of the next course; none behind the last.
    answers: Option<Vec<u32>>,
    left: usize,
}

impl<'a> Courses<'a> {
    /// The first of them is the crate's own.
    #[must_use]
    pub fn new(case: &'a Case, kinds: &'a [Question]) -> Self {
        Self::with_habits(case, &[], kinds)
    }

    /// All of them have these habits.
    #[must_use]
    pub fn with_habits(case: &'a Case, habits: &'a [Habit], kinds: &'a [Question]) -> Self {
        Self {
            case,
            model: Model::new(),
            habits,
            kinds,
            answers: Some(Vec::new()),
            left: MOST_COURSES,
        }
    }
}

impl Iterator for Courses<'_> {
    type Item = Course;

    fn next(&mut self) -> Option<Course> {
        self.left = self.left.checked_sub(1)?;
        let answers = self.answers.take()?;
        let course = Course::with_answers(self.case, &mut self.model, self.habits, self.kinds, &answers);
        let questions = &course.questions;
        let open = questions
            .iter()
            .rposition(|(_, answers, answer)| answer + 1 < *answers);
        self.answers = open.map(|last| {
            let mut next: Vec<u32> = questions[..=last].iter().map(|(_, _, answer)| *answer).collect();
            next[last] += 1;
            next
        });
        Some(course)
    }
}

/// The instruction that is executed next, if the case has not ended and its first byte is code.
fn next_instruction(state: &State, model: &Model) -> Option<Executed> {
    let cs = &state.segments[CS];
    let is_32_bit = cs.access & 0x4000 != 0;
    let linear = cs.base.wrapping_add(state.eip);
    let is_trap_first = state.debug_pending != 0 && !state.masks_debug;
    let is_code = state.privilege == 3 && linear & !0xFFF == CODE && !is_trap_first;
    let bytes: Vec<u8> = (0..LONGEST as u32)
        .map_while(|at| model.byte(linear.wrapping_add(at)))
        .collect();
    is_code.then(|| {
        let instruction = decode(&bytes, state.eip, is_32_bit);
        Executed {
            linear,
            is_32_bit,
            instruction,
            count: shift_count(&instruction, Some(state.general[1])),
        }
    })
}

/// LOOP, LOOPE or LOOPNE whose last byte is the last one of its code segment.
fn is_loop_at_limit(instruction: &Instruction, state: &State) -> bool {
    const LOOPS: [Mnemonic; 3] = [Mnemonic::Loop, Mnemonic::Loope, Mnemonic::Loopne];
    let last = state.eip.wrapping_add(instruction.len() as u32 - 1);
    LOOPS.contains(&instruction.mnemonic()) && last == state.segments[CS].limit
}

/// What faults with #GP(0) in the place of an instruction: HLT.
fn refused(instruction: &Instruction) -> Instead {
    const HLT: u8 = 0xF4;
    Instead {
        text: vec![HLT; instruction.len()],
        eax: None,
        esp_above: 0,
    }
}

/// The bits of `flags` that the bits of `choice` choose, from the lowest of each.
fn subset(flags: u32, choice: u32) -> u32 {
    let bits = (0..u32::BITS).filter(|bit| flags >> bit & 1 != 0);
    bits.enumerate()
        .filter(|(number, _)| choice >> number & 1 != 0)
        .fold(0, |all, (_, bit)| all | 1 << bit)
}

/// What LSL or LAR of [`PROCESSOR_NUMBER`] may tell; nothing if it is no such instruction.
fn answers_of_processor_segment(instruction: &Instruction, state: &State, model: &Model) -> Vec<u32> {
    let is_of_segment = || {
        selector_operand(instruction, state, model).is_some_and(|selector| selector & !3 == PROCESSOR_NUMBER)
    };
    match instruction.mnemonic() {
        Mnemonic::Lsl if is_of_segment() => (0..PROCESSORS).collect(),
        Mnemonic::Lar if is_of_segment() => RIGHTS.to_vec(),
        _ => Vec::new(),
    }
}

/// The second operand of LSL or LAR.
fn selector_operand(instruction: &Instruction, state: &State, model: &Model) -> Option<u16> {
    let value = |register: Register, _, _| Some(u64::from(value_of(register, state)));
    if instruction.op1_kind() == OpKind::Register {
        return Some(value_of(instruction.op1_register(), state) as u16);
    }
    let linear = instruction.virtual_address(1, 0, value)? as u32;
    let bytes = [model.byte(linear)?, model.byte(linear.wrapping_add(1))?];
    Some(u16::from_le_bytes(bytes))
}

/// A general register, or a segment register's base.
fn value_of(register: Register, state: &State) -> u32 {
    if register.is_segment_register() {
        return state.segments[register.number()].base;
    }
    let value = state.general[register.full_register32().number()];
    if register.is_gpr16() {
        value & 0xFFFF
    } else {
        value
    }
}

/// The state behind an instruction that puts `result` into its first operand, a word or a dword register.
fn with_result(state: State, instruction: &Instruction, result: u32) -> State {
    let register = instruction.op0_register();
    let mut state = state;
    let place = &mut state.general[register.full_register32().number()];
    let mask = if register.is_gpr16() { 0xFFFF } else { u32::MAX };
    *place = *place & !mask | result & mask;
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::silicon::case::of_code;
    use crate::silicon::undefined::{ADJUST, CARRY, OVERFLOW, PARITY, SIGN};

    const EAX: usize = 0;

    fn course(code: &[&[u8]]) -> Course {
        Course::of(&of_code(code), &mut Model::new())
    }

    fn results(case: &Case, kinds: &[Question], register: usize) -> Vec<u32> {
        let outcomes = Courses::new(case, kinds).map(|course| course.outcome.expect("it ends"));
        let mut all: Vec<u32> = outcomes.map(|outcome| outcome.general[register]).collect();
        all.dedup();
        all
    }

    #[test]
    fn a_course_goes_where_the_jumps_lead() {
        // JMP to the second byte of MOV EAX, which is INC ECX.
        let course = course(&[&[0xEB, 0x01], &[0xB8, 0x41, 0xCC, 0xCC, 0xCC]]);
        let texts = course
            .executed
            .iter()
            .map(|executed| executed.instruction.mnemonic());
        assert_eq!(
            texts.collect::<Vec<_>>(),
            [Mnemonic::Jmp, Mnemonic::Inc, Mnemonic::Int3]
        );
        let outcome = course.outcome.expect("it ends");
        assert_eq!((outcome.vector, outcome.general[1]), (3, 1));
    }

    #[test]
    fn flags_are_undefined_if_what_would_set_them_is_jumped_over() {
        let (mul, add): (&[u8], &[u8]) = (&[0xF7, 0xE3], &[0x01, 0xC3]);
        let four = SIGN | ZERO | ADJUST | PARITY;
        assert_eq!(course(&[mul]).undefined, four);
        assert_eq!(course(&[mul, &[0xEB, 0x00], add]).undefined, 0);
        assert_eq!(course(&[mul, &[0xEB, 0x02], add]).undefined, four);
    }

    #[test]
    fn an_instruction_that_faults_leaves_no_flag_undefined() {
        // MUL of a byte of a page that is not there.
        let course = course(&[&[0xF6, 0x25, 0x00, 0x30, 0x01, 0x20]]);
        assert_eq!(course.outcome.map(|outcome| outcome.vector), Some(14));
        assert_eq!(course.undefined, 0);
    }

    #[test]
    fn every_value_of_an_undefined_flag_that_is_read_is_a_course() {
        // MUL EBX leaves ZF and SF undefined; SETE AL, SETS AH.
        let code: [&[u8]; 3] = [&[0xF7, 0xE3], &[0x0F, 0x94, 0xC0], &[0x0F, 0x98, 0xC4]];
        let case = of_code(&code);
        assert!(Course::of(&case, &mut Model::new()).asks(Question::UndefinedFlags));
        let mut all = results(&case, &[Question::UndefinedFlags], EAX);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 0x100, 0x101]);
        assert_eq!(results(&case, &[Question::ProcessorSegment], EAX).len(), 1);
    }

    #[test]
    fn all_flags_of_one_instruction_are_asked_for_together() {
        // DIV BL leaves six flags undefined; PUSHF; POP EAX.
        let mut case = of_code(&[&[0xF6, 0xF3], &[0x9C], &[0x58]]);
        case.general[3] = 1;
        let mut all = results(&case, &[Question::UndefinedFlags], EAX);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 64);
        let varied = all.iter().fold(0, |bits, value| bits | value ^ all[0]);
        assert_eq!(varied, CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW);
    }

    #[test]
    fn a_branch_on_an_undefined_flag_that_faults_one_way_goes_the_other_way_too() {
        // DIV BL; JO beyond the limit of the code segment, and the same with JNO.
        for opcode in [0x80, 0x81] {
            let mut case = of_code(&[&[0xF6, 0xF3], &[0x0F, opcode, 0, 0, 1, 0]]);
            case.general[3] = 1;
            case.segments[1] = 1 << 3 | 7;
            case.eip = 0x100;
            let courses = Courses::new(&case, &[Question::UndefinedFlags]);
            let outcomes = courses.map(|course| course.outcome.expect("it ends"));
            let mut vectors: Vec<u32> = outcomes.map(|outcome| outcome.vector).collect();
            vectors.sort_unstable();
            assert_eq!(vectors, [3, 13], "0F{opcode:X}h");
        }
    }

    #[test]
    fn a_flag_has_one_value_however_often_it_is_read() {
        let code: [&[u8]; 3] = [&[0xF7, 0xE3], &[0x0F, 0x94, 0xC0], &[0x0F, 0x94, 0xC4]];
        let all = results(&of_code(&code), &[Question::UndefinedFlags], EAX);
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|value| matches!(value, 0 | 0x101)), "{all:X?}");
    }

    #[test]
    fn a_defined_flag_is_no_question() {
        let code: [&[u8]; 3] = [&[0xF7, 0xE3], &[0x01, 0xC3], &[0x0F, 0x94, 0xC0]];
        let case = of_code(&code);
        assert!(!Course::of(&case, &mut Model::new()).asks(Question::UndefinedFlags));
        assert_eq!(Courses::new(&case, &Question::ALL).count(), 1);
        let carry = of_code(&[&[0xF7, 0xE3], &[0x0F, 0x92, 0xC0]]);
        assert_eq!(Courses::new(&carry, &Question::ALL).count(), 1, "MUL defines CF");
    }

    #[test]
    fn lsl_may_tell_any_number_of_a_processor() {
        let mut case = of_code(&[&[0x0F, 0x03, 0xC1]]);
        case.general[0] = 0xFFFF_FFFF;
        case.general[1] = 0x7B;
        let all = results(&case, &[Question::ProcessorSegment], EAX);
        assert_eq!(all, (0..PROCESSORS).collect::<Vec<_>>());
        let short = of_code(&[&[0x66, 0x0F, 0x03, 0xC1]]);
        let short = Case {
            general: case.general,
            ..short
        };
        assert_eq!(
            results(&short, &[Question::ProcessorSegment], EAX)[1],
            0xFFFF_0001
        );
    }

    #[test]
    fn lsl_of_a_selector_in_memory_is_asked_for_too() {
        // MOV WORD [20010000h], 78h; LSL EAX, [20010000h].
        let store: &[u8] = &[0x66, 0xC7, 0x05, 0, 0, 0x01, 0x20, 0x78, 0];
        let load: &[u8] = &[0x0F, 0x03, 0x05, 0, 0, 0x01, 0x20];
        assert!(course(&[store, load]).asks(Question::ProcessorSegment));
    }

    #[test]
    fn lar_has_few_answers_and_other_selectors_and_instructions_are_no_question() {
        for selector in [0x70, 0x7C, 0x80, 0x0F, 0] {
            let mut case = of_code(&[&[0x0F, 0x03, 0xC1]]);
            case.general[1] = selector;
            assert!(!Course::of(&case, &mut Model::new()).asks(Question::ProcessorSegment));
        }
        let mut rights = of_code(&[&[0x0F, 0x02, 0xC1]]);
        rights.general[1] = 0x7B;
        assert_eq!(
            results(&rights, &[Question::ProcessorSegment], EAX),
            RIGHTS,
            "LAR"
        );
        let mut verify = of_code(&[&[0x0F, 0x00, 0xE1]]);
        verify.general[1] = 0x7B;
        assert!(
            !Course::of(&verify, &mut Model::new()).asks(Question::ProcessorSegment),
            "VERR"
        );
    }

    #[test]
    fn a_course_comes_to_the_same_as_a_run() {
        let (generator, mut model) = (crate::silicon::generate::Generator::new(3), Model::new());
        for number in 0..400 {
            let case = generator.case(number);
            if let Some(outcome) = model.run(&case) {
                assert_eq!(Course::of(&case, &mut model).outcome, Some(outcome), "{case:?}");
            }
        }
    }
}
