//! Random cases: one to five instructions with what they need in front of them, in random segments, with random registers.
//!
//! Values are chosen so that most instructions get through, and every limit is met from both sides. What an instruction
//! leaves undefined (`differences`) is never read by one behind it.

use super::Case;
use super::forms::{FORMS, Form, Immediate, ModRm, Setup};
use super::layout::{
    self, CODE, DATA, Descriptor, IMAGES, Random, code_selectors, data_selectors, image_offset, selectors,
    stack_selectors,
};
use super::undefined::Taint;

/// Prefix bytes of segments, by segment number.
const OVERRIDES: [u8; 6] = [0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65];
const SS: usize = 2;
const DS: usize = 3;
/// Tries before an instruction that would read something undefined is given up.
const TRIES: usize = 8;
/// A distance from every place in a sequence to INT 3 behind it.
const BEYOND: u32 = 0x60;

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

/// EFLAGS at level 3: IF and bit 1 set, arithmetic flags random, at times DF, rarely NT.
fn flags(random: &mut Random) -> u32 {
    let mut flags = random.bits() as u32 & 0x08D5 | 0x0202;
    if random.chance(25) {
        flags |= 0x0400;
    }
    flags
}

/// A value of any kind.
fn value(random: &mut Random) -> u32 {
    const EDGES: [u32; 12] = [
        0,
        1,
        0x7F,
        0x80,
        0xFF,
        0x7FFF,
        0x8000,
        0xFFFF,
        0x1_0000,
        0x7FFF_FFFF,
        0x8000_0000,
        0xFFFF_FFFF,
    ];
    match random.below(8) {
        0 => random.below(0x40),
        1 => random.pick(&EDGES),
        2 => DATA + place(random),
        3 => place(random) | (random.bits() as u32 & 0xFFFF_0000),
        4 => 0u32.wrapping_sub(random.below(0x100)),
        5 => random.pick(&EDGES).wrapping_add(random.below(8)).wrapping_sub(4),
        _ => random.bits() as u32,
    }
}

/// An offset in the window of data: in its pages, at their ends, rarely where none is.
fn place(random: &mut Random) -> u32 {
    let page = random.pick(&[0, 0, 0, 1, 1, 1, 2, 3, 4, 4, 4, 0xF, 0xF]) << 12;
    let within = if random.chance(12) {
        (0x1000 - random.below(0x14)) & 0xFFF
    } else if random.chance(12) {
        random.below(8)
    } else {
        random.below(0x1000)
    };
    page + within
}

/// An offset in a segment; mostly one that its limit allows and that leads to data.
fn offset_in(random: &mut Random, selector: u16) -> u32 {
    let Some(descriptor) = layout::descriptor(selector) else {
        return value(random);
    };
    if random.chance(7) {
        return descriptor
            .limit_bytes()
            .wrapping_add(random.below(12))
            .wrapping_sub(8);
    }
    let mut offset = 0;
    for _ in 0..6 {
        offset = (DATA + place(random)).wrapping_sub(descriptor.base);
        if descriptor.holds(offset, 4) {
            break;
        }
    }
    offset
}

/// A stack pointer; the upper half is random where the segment does not use it.
fn stack_pointer(random: &mut Random, selector: u16) -> u32 {
    let offset = offset_in(random, selector);
    let aligned = if random.chance(75) { offset & !3 } else { offset };
    let is_big = layout::descriptor(selector).is_some_and(|stack| stack.is_big);
    if is_big {
        aligned
    } else {
        aligned & 0xFFFF | (random.bits() as u32 & 0xFFFF_0000)
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

    /// Prefixes, and what they mean.
    fn prefixes(&mut self, form: &Form) -> (Vec<u8>, Sizes) {
        let random = &mut self.random;
        let mut bytes = Vec::new();
        let mut sizes = Sizes {
            is_operand_32: self.is_32_bit,
            is_address_32: self.is_32_bit,
            segment: None,
        };
        if random.chance(30) {
            bytes.push(0x66);
            sizes.is_operand_32 = !self.is_32_bit;
        }
        if random.chance(20) {
            bytes.push(0x67);
            sizes.is_address_32 = !self.is_32_bit;
        }
        if random.chance(20) {
            let segment = random.below(6) as usize;
            sizes.segment = Some(segment);
            bytes.push(OVERRIDES[segment]);
        }
        let repeats = if form.setup == Setup::String { 60 } else { 2 };
        let is_scan = form.first & 0xFFFE == 0x0FBC;
        if random.chance(repeats) && !is_scan {
            bytes.push(random.pick(&[0xF2, 0xF3]));
        }
        if random.chance(2) {
            bytes.push(0xF0);
        }
        if random.chance(1) && !bytes.is_empty() {
            let first = bytes[0];
            bytes.extend(std::iter::repeat_n(first, random.below(16) as usize));
        }
        let count = bytes.len() as u32;
        if count > 1 {
            // The last segment prefix counts; they are never different ones, so any order will do.
            let other = random.below(count) as usize;
            bytes.swap(0, other);
        }
        (bytes, sizes)
    }

    /// ModRM, SIB and displacement.
    fn modrm(&mut self, bytes: &mut Vec<u8>, form: &Form, sizes: Sizes, next: u32) {
        let random = &mut self.random;
        let (reg, is_memory) = match form.modrm {
            ModRm::No => return,
            ModRm::Any(count) => (random.below(u32::from(count)) as u8, random.chance(60)),
            ModRm::Group(first, last) => (
                first + random.below(u32::from(last - first) + 1) as u8,
                random.chance(60),
            ),
            ModRm::Memory => (random.below(8) as u8, true),
            ModRm::MemoryGroup(first, last) => {
                (first + random.below(u32::from(last - first) + 1) as u8, true)
            }
            ModRm::Control => (random.pick(&[0, 2, 3]), false),
        };
        if !is_memory {
            bytes.push(0xC0 | reg << 3 | random.below(8) as u8);
            return;
        }
        let operand = if sizes.is_address_32 {
            self.address_32(bytes, reg, sizes)
        } else {
            self.address_16(bytes, reg, sizes)
        };
        self.poke_operand(form, sizes, operand, next);
    }

    /// An operand of 32-bit addressing. Returns segment and offset.
    fn address_32(&mut self, bytes: &mut Vec<u8>, reg: u8, sizes: Sizes) -> (usize, u32) {
        let random = &mut self.random;
        let mode = random.pick(&[0u8, 1, 2, 2, 2]);
        let rm = random.below(8) as u8;
        bytes.push(mode << 6 | reg << 3 | rm);
        let general = &self.case.general;
        let (mut base, mut sum) = (Some(rm), 0u32);
        if rm == 4 {
            let sib = random.bits() as u8;
            bytes.push(sib);
            base = Some(sib & 7);
            let index = sib >> 3 & 7;
            if index != 4 {
                sum = general[usize::from(index)] << (sib >> 6);
            }
        }
        if mode == 0 && base == Some(5) {
            base = None;
        }
        sum = sum.wrapping_add(base.map_or(0, |base| general[usize::from(base)]));
        let default = if matches!(base, Some(4 | 5)) { SS } else { DS };
        let segment = sizes.segment.unwrap_or(default);
        let wanted = offset_in(random, self.case.segments[segment]);
        let displacement = match (mode, base) {
            (1, _) => {
                let byte = random.bits() as i8;
                bytes.push(byte as u8);
                byte as u32
            }
            (2, _) | (0, None) => {
                let displacement = wanted.wrapping_sub(sum);
                bytes.extend(displacement.to_le_bytes());
                displacement
            }
            _ => 0,
        };
        (segment, sum.wrapping_add(displacement))
    }

    /// An operand of 16-bit addressing.
    fn address_16(&mut self, bytes: &mut Vec<u8>, reg: u8, sizes: Sizes) -> (usize, u32) {
        const REGISTERS: [(usize, Option<usize>); 8] = [
            (3, Some(6)),
            (3, Some(7)),
            (5, Some(6)),
            (5, Some(7)),
            (6, None),
            (7, None),
            (5, None),
            (3, None),
        ];
        let random = &mut self.random;
        let mode = random.pick(&[0u8, 1, 2, 2, 2]);
        let rm = random.below(8) as u8;
        bytes.push(mode << 6 | reg << 3 | rm);
        let is_direct = mode == 0 && rm == 6;
        let (base, index) = REGISTERS[usize::from(rm)];
        let general = &self.case.general;
        let mut sum = general[base].wrapping_add(index.map_or(0, |index| general[index]));
        if is_direct {
            sum = 0;
        }
        let default = if base == 5 && !is_direct { SS } else { DS };
        let segment = sizes.segment.unwrap_or(default);
        let wanted = offset_in(random, self.case.segments[segment]);
        let displacement = if mode == 2 || is_direct {
            let displacement = wanted.wrapping_sub(sum) & 0xFFFF;
            bytes.extend((displacement as u16).to_le_bytes());
            displacement
        } else if mode == 1 {
            let byte = random.bits() as i8;
            bytes.push(byte as u8);
            byte as u32
        } else {
            0
        };
        (segment, sum.wrapping_add(displacement) & 0xFFFF)
    }

    /// Puts something sensible where the operand will be found.
    fn poke_operand(&mut self, form: &Form, sizes: Sizes, operand: (usize, u32), next: u32) {
        let offset = self.landing(next, 6);
        let size = if sizes.is_operand_32 { 4 } else { 2 };
        let selector = match form.setup {
            Setup::CodePointer => self.code_selector(),
            _ => self.random.pick(&self.lists.all),
        };
        let mut bytes = offset.to_le_bytes()[..size].to_vec();
        match form.setup {
            Setup::Selector => bytes = selector.to_le_bytes().to_vec(),
            Setup::DataPointer | Setup::CodePointer => bytes.extend(selector.to_le_bytes()),
            Setup::CodeOffset => {}
            _ => return,
        }
        let (segment, at) = operand;
        let base = layout::descriptor(self.case.segments[segment]).map_or(0, |found| found.base);
        self.poke(base.wrapping_add(at), &bytes);
    }

    fn poke(&mut self, linear: u32, bytes: &[u8]) {
        for (number, byte) in (0..).zip(bytes) {
            if let Some(at) = image_offset(linear.wrapping_add(number)) {
                self.case.pokes.retain(|(old, _)| usize::from(*old) != at);
                self.case.pokes.push((at as u16, *byte));
            }
        }
    }

    /// A place to go to from an instruction that has about `length` bytes left: the next instruction, or INT 3 behind all, or anywhere.
    fn landing(&mut self, next: u32, length: u32) -> u32 {
        match self.random.below(10) {
            0 => value(&mut self.random),
            1..=3 => next.wrapping_add(length),
            _ => next.wrapping_add(BEYOND),
        }
    }

    fn code_selector(&mut self) -> u16 {
        if self.random.chance(60) {
            self.case.segments[1]
        } else {
            self.random.pick(&self.lists.all)
        }
    }

    fn immediate(&mut self, bytes: &mut Vec<u8>, form: &Form, sizes: Sizes, next: u32) {
        let full = |bytes: &mut Vec<u8>, value: u32, is_32: bool| {
            bytes.extend(&value.to_le_bytes()[..if is_32 { 4 } else { 2 }]);
        };
        let any = value(&mut self.random);
        match (form.immediate, form.setup) {
            (Immediate::No, _) => {}
            (Immediate::Byte, Setup::Interrupt) => bytes.push(self.vector()),
            (Immediate::Byte, Setup::DoubleShift) => {
                let most = if sizes.is_operand_32 { 256 } else { 17 };
                bytes.push(self.random.below(most) as u8);
            }
            (Immediate::Byte, Setup::Branch) => bytes.push(self.distance() as u8),
            (Immediate::Full, Setup::Branch) => {
                let distance = self.distance();
                full(bytes, distance, sizes.is_operand_32);
            }
            (Immediate::Full, Setup::FarBranch) => {
                let offset = self.landing(next, if sizes.is_operand_32 { 6 } else { 4 });
                full(bytes, offset, sizes.is_operand_32);
                bytes.extend(self.code_selector().to_le_bytes());
            }
            (Immediate::Byte, _) => bytes.push(any as u8),
            (Immediate::Word, _) => {
                let small = self.random.pick(&[0, 4, 8, any]);
                full(bytes, small, false);
            }
            (Immediate::Full, _) => full(bytes, any, sizes.is_operand_32),
            (Immediate::Offset, _) => {
                let segment = self.case.segments[sizes.segment.unwrap_or(DS)];
                let offset = offset_in(&mut self.random, segment);
                full(bytes, offset, sizes.is_address_32);
            }
            (Immediate::Enter, _) => {
                let space = self.random.pick(&[0, 4, 0x20, any]);
                full(bytes, space, false);
                bytes.push(self.random.pick(&[0, 0, 1, 2, 3, any as u8]));
            }
        }
    }

    fn vector(&mut self) -> u8 {
        const LINUX_SYSTEM_CALL: u8 = 0x80;
        match self.random.bits() as u8 {
            LINUX_SYSTEM_CALL => 3,
            vector => vector,
        }
    }

    fn distance(&mut self) -> u32 {
        match self.random.below(10) {
            0 => value(&mut self.random) & 0x7FFF_FFFF,
            1..=4 => 0,
            _ => BEYOND + self.random.below(0x10),
        }
    }

    /// What lets the form get through: instructions in front of it.
    fn before(&mut self, form: &Form, sizes: Sizes, prefix_bytes: u32) -> Vec<Vec<u8>> {
        let selector = self.random.pick(&self.lists.all);
        let small = self.random.below(0x20) as u8;
        match form.setup {
            Setup::PopSegment => vec![self.push(sizes, u32::from(selector))],
            Setup::PopFlags => vec![self.push_flags(sizes)],
            Setup::Return => {
                let landing = self.return_address(sizes, 1, prefix_bytes);
                vec![self.push(sizes, landing)]
            }
            Setup::FarReturn => {
                let landing = self.return_address(sizes, 2, prefix_bytes);
                let cs = u32::from(self.code_selector());
                vec![self.push(sizes, cs), self.push(sizes, landing)]
            }
            Setup::InterruptReturn => {
                let landing = self.return_address(sizes, 3, prefix_bytes);
                let cs = u32::from(self.code_selector());
                vec![
                    self.push_flags(sizes),
                    self.push(sizes, cs),
                    self.push(sizes, landing),
                ]
            }
            Setup::Divide if self.random.chance(50) => {
                let clear_high = if sizes.is_operand_32 == self.is_32_bit {
                    vec![0x31, 0xD2]
                } else {
                    vec![0x66, 0x31, 0xD2]
                };
                vec![vec![0xB4, small], clear_high]
            }
            Setup::Selector => {
                let register = self.random.pick(&[0u8, 1, 2, 3, 6, 7]);
                let low = selector.to_le_bytes();
                let mut bytes = if self.is_32_bit { vec![0x66] } else { Vec::new() };
                bytes.extend([0xB8 | register, low[0], low[1]]);
                vec![bytes]
            }
            _ => must_be_before(form, &mut self.random),
        }
    }

    /// PUSH of a value, of the size that an instruction with `sizes` pops.
    fn push(&self, sizes: Sizes, value: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        if sizes.is_operand_32 != self.is_32_bit {
            bytes.push(0x66);
        }
        bytes.push(0x68);
        bytes.extend(&value.to_le_bytes()[..if sizes.is_operand_32 { 4 } else { 2 }]);
        bytes
    }

    /// PUSH of flags: without the bits that only later processors have, rarely with TF and NT.
    fn push_flags(&mut self, sizes: Sizes) -> Vec<u8> {
        const KNOWN: u32 = 0xFFC2_BEFF;
        const LATER: u32 = 0x003C_0000;
        const TRAP: u32 = 0x0100;
        const NESTED: u32 = 0x4000;
        let mut flags = self.random.bits() as u32 & KNOWN & !LATER;
        if self.random.chance(12) {
            flags |= TRAP;
        }
        if self.random.chance(5) {
            flags |= NESTED;
        }
        self.push(sizes, flags)
    }

    /// Where a return behind `count` pushes goes to.
    fn return_address(&mut self, sizes: Sizes, count: u32, prefix_bytes: u32) -> u32 {
        let push = self.push(sizes, 0).len() as u32;
        let next = self.offset.wrapping_add(push * count + prefix_bytes);
        self.landing(next, 1)
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

/// What a form cannot do without: its result is undefined otherwise, or it would set flags of later processors.
fn must_be_before(form: &Form, random: &mut Random) -> Vec<Vec<u8>> {
    match form.setup {
        Setup::DoubleShift => vec![vec![0xB1, random.below(17) as u8]],
        _ => Vec::new(),
    }
}
