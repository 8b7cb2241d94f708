//! What is run, and what came of it.

use super::layout::{Image, PAGE, descriptor, image};

/// General registers, as instructions number them.
pub const GENERAL: [&str; 8] = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
/// Segment registers, as instructions number them.
pub const SEGMENTS: [&str; 6] = ["es", "cs", "ss", "ds", "fs", "gs"];
/// Changed bytes that an [`Outcome`] lists one by one.
pub const LISTED_CHANGES: usize = 64;
/// Bytes of the longest instruction.
pub const LONGEST: usize = 15;
/// INT 3.
const BREAKPOINT: u8 = 0xCC;

/// A sequence of instructions and the state in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Which memory image ([`super::layout::image`]).
    pub image: u8,
    /// EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI.
    pub general: [u32; 8],
    /// Offset of the first instruction in CS.
    pub eip: u32,
    /// EFLAGS.
    pub flags: u32,
    /// ES, CS, SS, DS, FS, GS.
    pub segments: [u16; 6],
    /// Bytes of the image that are different: offset in the image, and value.
    pub pokes: Vec<(u16, u8)>,
    /// The instructions' bytes.
    pub instructions: Vec<Vec<u8>>,
}

impl Case {
    /// Offset in the page of code of the first instruction, wherever CS begins.
    #[must_use]
    pub fn code_offset(&self) -> usize {
        (self.eip & 0xFFF) as usize
    }

    /// All bytes of code.
    #[must_use]
    pub fn code(&self) -> Vec<u8> {
        self.instructions.concat()
    }

    /// The page of code: the instructions among INT 3.
    #[must_use]
    pub fn page(&self) -> [u8; PAGE] {
        let mut page = [BREAKPOINT; PAGE];
        let bytes = self.instructions.iter().flatten();
        for (place, byte) in page.iter_mut().skip(self.code_offset()).zip(bytes) {
            *place = *byte;
        }
        page
    }

    /// Linear address of CS's offset 0.
    #[must_use]
    pub fn base(&self) -> u32 {
        descriptor(self.segments[1]).map_or(0, |cs| cs.base)
    }

    /// The contents of the data pages.
    #[must_use]
    pub fn data(&self) -> Image {
        let mut data = *image(self.image);
        for (at, value) in &self.pokes {
            if let Some(byte) = data.get_mut(usize::from(*at)) {
                *byte = *value;
            }
        }
        data
    }

    /// CS has D.
    #[must_use]
    pub fn is_32_bit(&self) -> bool {
        descriptor(self.segments[1]).is_some_and(|cs| cs.is_big)
    }
}

/// What was found when an exception ended the sequence. INT 3 surrounds all code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Outcome {
    /// Vector of the exception.
    pub vector: u32,
    /// Its error code, or 0.
    pub error_code: u32,
    /// The linear address, of a page fault only.
    pub address: u32,
    /// EIP that the exception saved.
    pub eip: u32,
    /// EFLAGS that the exception saved.
    pub flags: u32,
    /// EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI.
    pub general: [u32; 8],
    /// ES, CS, SS, DS, FS, GS.
    pub segments: [u16; 6],
    /// How many bytes of memory are not as they were.
    pub changed: u32,
    /// FNV-1a of all changes.
    pub changes_hash: u64,
    /// The first of them, by address: offset in the image, and the new byte. The rest is zero.
    pub changes: [(u16, u8); LISTED_CHANGES],
}

impl Outcome {
    /// Nothing has happened.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            vector: 0,
            error_code: 0,
            address: 0,
            eip: 0,
            flags: 0,
            general: [0; 8],
            segments: [0; 6],
            changed: 0,
            changes_hash: 0xCBF2_9CE4_8422_2325,
            changes: [(0, 0); LISTED_CHANGES],
        }
    }

    /// Notes one more changed byte.
    pub fn note_change(&mut self, offset: u16, value: u8) {
        if let Some(slot) = self.changes.get_mut(self.changed as usize) {
            *slot = (offset, value);
        }
        self.changed += 1;
        let low = offset.to_le_bytes();
        for byte in [low[0], low[1], value] {
            self.changes_hash = (self.changes_hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    /// Notes every byte that differs between memory before and after; both have the same length.
    pub fn note_changes(&mut self, before: &[u8], after: &[u8]) {
        const STEP: usize = 64;
        for (number, (old, new)) in before.chunks(STEP).zip(after.chunks(STEP)).enumerate() {
            if old == new {
                continue;
            }
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                if old != new {
                    self.note_change((number * STEP + at) as u16, *new);
                }
            }
        }
    }

    /// The changes that are listed.
    #[must_use]
    pub fn listed(&self) -> &[(u16, u8)] {
        &self.changes[..(self.changed as usize).min(LISTED_CHANGES)]
    }
}

/// What helper processes made of some cases.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// Of each case its outcome, or how the last helper ended that died of it.
    pub outcomes: Vec<Result<Outcome, String>>,
    /// How often a helper died and another one began with the same case.
    pub repeated: u64,
}

/// Instructions in flat 32-bit segments: offset 100h of the page of code, the stack at the end of the first page of data, all
/// other general registers 0.
#[cfg(test)]
pub(super) fn of_code(code: &[&[u8]]) -> Case {
    use super::layout::{CODE, DATA};
    const FLAT_CODE: u16 = 3 << 3 | 7;
    const FLAT_DATA: u16 = 10 << 3 | 7;
    let mut segments = [FLAT_DATA; 6];
    segments[1] = FLAT_CODE;
    Case {
        image: 0,
        general: [0, 0, 0, 0, DATA + 0x1000, 0, 0, 0],
        eip: CODE + 0x100,
        flags: 0x202,
        segments,
        pokes: Vec::new(),
        instructions: code.iter().map(|bytes| bytes.to_vec()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_beyond_the_list_still_tell_two_outcomes_apart() {
        let before = [0; 0x200];
        let mut after = [1; 0x200];
        let (mut left, mut right) = (Outcome::empty(), Outcome::empty());
        left.note_changes(&before, &after);
        after[0x1FF] = 2;
        right.note_changes(&before, &after);
        assert_eq!(left.listed(), right.listed());
        assert_ne!(left, right);
    }
}
