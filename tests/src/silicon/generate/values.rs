//! Values that registers and memory begin with.

use crate::silicon::layout::{self, DATA, Random};

/// EFLAGS at level 3: IF and bit 1 set, arithmetic flags random, at times DF, rarely NT.
pub(super) fn flags(random: &mut Random) -> u32 {
    let mut flags = random.bits() as u32 & 0x08D5 | 0x0202;
    if random.chance(25) {
        flags |= 0x0400;
    }
    flags
}

/// A value of any kind.
pub(super) fn value(random: &mut Random) -> u32 {
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
pub(super) fn offset_in(random: &mut Random, selector: u16) -> u32 {
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
pub(super) fn stack_pointer(random: &mut Random, selector: u16) -> u32 {
    let offset = offset_in(random, selector);
    let aligned = if random.chance(75) { offset & !3 } else { offset };
    let is_big = layout::descriptor(selector).is_some_and(|stack| stack.is_big);
    if is_big {
        aligned
    } else {
        aligned & 0xFFFF | (random.bits() as u32 & 0xFFFF_0000)
    }
}
