//! Random cases: one to five instructions with what they need in front of them, in random segments, with random registers.
//!
//! Values are chosen so that most instructions get through, and every limit is met from both sides. What an instruction
//! leaves undefined (`differences`) is never read by one behind it.

mod encoding;
mod preparation;
mod values;

use self::preparation::must_be_before;
use self::values::{flags, offset_in, stack_pointer, value};
use super::Case;
use super::forms::{FORMS, Form, Setup};
use super::layout::{
    self, CODE, Descriptor, IMAGES, Random, code_selectors, data_selectors, selectors, stack_selectors,
};
use super::undefined::Taint;

const SS: usize = 2;
const DS: usize = 3;
/// Tries before an instruction that would read something undefined is given up.
const TRIES: usize = 8;

/// Makes cases. Each number of a seed is one case.
#[derive(Clone, Debug)]
pub struct Generator {
    seed: u64,
    code: Vec<u16>,
    stack: Vec<u16>,
    data: Vec<u16>,
    all: Vec<u16>,
    weights: u32,
}

impl Generator {
    /// The cases of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            code: code_selectors(),
            stack: stack_selectors(),
            data: data_selectors(),
            all: selectors(),
            weights: FORMS.iter().map(|form| form.weight).sum(),
        }
    }

    /// Case `number`.
    #[must_use]
    pub fn case(&self, number: u64) -> Case {
        let mut random = Random(self.seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ number);
        random.bits();
        let case = self.state(&mut random);
        let is_32_bit = case.is_32_bit();
        let mut writer = Writer {
            lists: self,
            taint: Taint::new(is_32_bit),
            offset: case.eip,
            is_32_bit,
            random,
            case,
        };
        let count = writer.random.pick(&[1, 1, 1, 2, 2, 3, 4, 5]);
        for _ in 0..count {
            let form = self.form(&mut writer.random);
            if !writer.form(form) {
                break;
            }
        }
        writer.case
    }

    fn form(&self, random: &mut Random) -> &'static Form {
        let mut left = random.below(self.weights);
        FORMS
            .iter()
            .find(|form| {
                let is_it = left < form.weight;
                left = left.wrapping_sub(form.weight);
                is_it
            })
            .unwrap_or(&FORMS[0])
    }

    /// Registers, flags and segments.
    fn state(&self, random: &mut Random) -> Case {
        let data = |random: &mut Random| random.pick(&self.data);
        let flat = 10 << 3 | 7;
        let mut segments = [0; 6].map(|_: u16| data(random));
        segments[1] = random.pick(&self.code);
        segments[SS] = random.pick(&self.stack);
        for number in [SS, DS, 0] {
            if random.chance(30) {
                segments[number] = flat;
            }
        }
        let mut general = [0; 8].map(|_: u32| value(random));
        general[4] = stack_pointer(random, segments[SS]);
        if random.chance(60) {
            general[5] = stack_pointer(random, segments[SS]);
        }
        if random.chance(60) {
            general[6] = offset_in(random, segments[DS]);
            general[7] = offset_in(random, segments[0]);
        }
        if random.chance(40) {
            general[1] = random.below(0x14);
        }
        if random.chance(30) {
            general[3] = offset_in(random, segments[DS]);
        }
        let cs = layout::descriptor(segments[1]);
        let limit = cs.map_or(0, Descriptor::limit_bytes).min(0xFFF);
        let offset = if random.chance(6) {
            limit - random.below(0x14)
        } else {
            random.below(0x600)
        };
        let is_flat = cs.is_some_and(|cs| cs.base == 0);
        Case {
            image: random.below(u32::from(IMAGES)) as u8,
            general,
            eip: offset + if is_flat { CODE } else { 0 },
            flags: flags(random),
            segments,
            pokes: Vec::new(),
            instructions: Vec::new(),
        }
    }
}

/// Writes the instructions of one case.
struct Writer<'a> {
    lists: &'a Generator,
    taint: Taint,
    /// Of the next instruction, in CS.
    offset: u32,
    is_32_bit: bool,
    random: Random,
    case: Case,
}

/// The sizes and the segment that an instruction's prefixes give it.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    is_operand_32: bool,
    is_address_32: bool,
    segment: Option<usize>,
}

impl Writer<'_> {
    /// Adds an instruction if what it reads is defined.
    fn add(&mut self, bytes: Vec<u8>) -> bool {
        if !self.taint.follow(&bytes, self.offset) {
            return false;
        }
        self.offset = self.offset.wrapping_add(bytes.len() as u32);
        self.case.instructions.push(bytes);
        true
    }

    /// Adds an instruction of a form, with what it needs. False if the sequence ends here.
    fn form(&mut self, form: &Form) -> bool {
        for _ in 0..TRIES {
            let (before, bytes) = self.encode(form);
            let mut trial = self.taint.clone();
            let mut offset = self.offset;
            let is_good = before.iter().chain([&bytes]).all(|bytes| {
                let is_good = trial.follow(bytes, offset);
                offset = offset.wrapping_add(bytes.len() as u32);
                is_good
            });
            if is_good {
                return before.into_iter().chain([bytes]).all(|bytes| self.add(bytes)) && !ends(form);
            }
        }
        true
    }

    /// One instruction of a form, and those in front of it.
    fn encode(&mut self, form: &Form) -> (Vec<Vec<u8>>, Vec<u8>) {
        let (prefixes, sizes) = self.prefixes(form);
        let needs_flags = matches!(form.setup, Setup::PopFlags | Setup::InterruptReturn);
        let before = if needs_flags || self.random.chance(85) {
            self.before(form, sizes, prefixes.len() as u32)
        } else {
            must_be_before(form, &mut self.random)
        };
        let ahead: usize = before.iter().map(Vec::len).sum();
        let mut bytes = prefixes;
        let opcode = form.first + self.random.below(u32::from(form.last - form.first) + 1) as u16;
        if opcode > 0xFF {
            bytes.push(0x0F);
        }
        bytes.push(opcode as u8);
        let next = self.offset.wrapping_add((ahead + bytes.len()) as u32);
        self.modrm(&mut bytes, form, sizes, next);
        self.immediate(&mut bytes, form, sizes, next);
        (before, bytes)
    }
}

/// Behind these the code size may be another, or memory undefined.
fn ends(form: &Form) -> bool {
    matches!(
        form.setup,
        Setup::FarBranch
            | Setup::FarReturn
            | Setup::InterruptReturn
            | Setup::CodePointer
            | Setup::PushSegment
    )
}
