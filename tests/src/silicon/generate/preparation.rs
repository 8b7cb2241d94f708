//! What stands in front of an instruction so that it gets through, and where it goes to.

use super::values::value;
use super::{Sizes, Writer};
use crate::silicon::forms::{Form, Setup};
use crate::silicon::layout::Random;

/// A distance from every place in a sequence to INT 3 behind it.
const BEYOND: u32 = 0x60;

impl Writer<'_> {
    /// What lets the form get through: instructions in front of it.
    pub(super) fn before(&mut self, form: &Form, sizes: Sizes, prefix_bytes: u32) -> Vec<Vec<u8>> {
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

    /// A place to go to from an instruction that has about `length` bytes left: the next instruction, or INT 3 behind all, or anywhere.
    pub(super) fn landing(&mut self, next: u32, length: u32) -> u32 {
        match self.random.below(10) {
            0 => value(&mut self.random),
            1..=3 => next.wrapping_add(length),
            _ => next.wrapping_add(BEYOND),
        }
    }

    pub(super) fn code_selector(&mut self) -> u16 {
        if self.random.chance(60) {
            self.case.segments[1]
        } else {
            self.random.pick(&self.lists.all)
        }
    }

    pub(super) fn distance(&mut self) -> u32 {
        match self.random.below(10) {
            0 => value(&mut self.random) & 0x7FFF_FFFF,
            1..=4 => 0,
            _ => BEYOND + self.random.below(0x10),
        }
    }
}

/// What a form cannot do without: its result is undefined otherwise, or it would set flags of later processors.
pub(super) fn must_be_before(form: &Form, random: &mut Random) -> Vec<Vec<u8>> {
    match form.setup {
        Setup::DoubleShift => vec![vec![0xB1, random.below(17) as u8]],
        _ => Vec::new(),
    }
}
