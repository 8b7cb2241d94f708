//! The bytes of an instruction of a form, and operands where it will find them.

use super::values::{offset_in, value};
use super::{DS, SS, Sizes, Writer};
use crate::silicon::forms::{Form, Immediate, ModRm, Setup};
use crate::silicon::layout::{self, image_offset};

/// Prefix bytes of segments, by segment number.
const OVERRIDES: [u8; 6] = [0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65];

impl Writer<'_> {
    /// Prefixes, and what they mean.
    pub(super) fn prefixes(&mut self, form: &Form) -> (Vec<u8>, Sizes) {
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
    pub(super) fn modrm(&mut self, bytes: &mut Vec<u8>, form: &Form, sizes: Sizes, next: u32) {
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

    pub(super) fn immediate(&mut self, bytes: &mut Vec<u8>, form: &Form, sizes: Sizes, next: u32) {
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
}
