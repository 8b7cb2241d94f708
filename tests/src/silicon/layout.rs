//! What both sides see: linear memory, the local descriptor table and the images that memory begins with.
//!
//! Changing anything here makes `tests/corpus/silicon.txt` void; record it anew.

use std::sync::OnceLock;

/// Linear address of the page of code. Filled with INT 3, read and executed, never written.
pub const CODE: u32 = 0x2000_0000;
/// Linear address of the window of 64 KB of data.
pub const DATA: u32 = 0x2001_0000;
/// Linear address of two pages that the helper process needs, one of code and one of data, and that the model lacks.
pub const STUB: u32 = 0x3F00_0000;
/// Their bytes.
pub const STUB_BYTES: u32 = 0x2000;
/// Bytes in a page.
pub const PAGE: usize = 0x1000;
/// Pages of the window that exist, by their number; all others are not present.
pub const DATA_PAGES: [u32; 5] = [0x0, 0x1, 0x4, 0xF, 0x2];
/// How many of [`DATA_PAGES`], from the first, can be written.
pub const WRITABLE_PAGES: usize = 4;
/// Different contents that memory begins with.
pub const IMAGES: u8 = 16;

/// The contents of the data pages, in the order of [`DATA_PAGES`].
pub type Image = [u8; DATA_PAGES.len() * PAGE];

/// Where a linear address lies in an [`Image`].
#[must_use]
pub fn image_offset(linear: u32) -> Option<usize> {
    let page = linear.wrapping_sub(DATA) >> 12;
    let number = DATA_PAGES.iter().position(|known| *known == page)?;
    Some(number * PAGE + (linear & 0xFFF) as usize)
}

/// The linear address of a byte of an [`Image`].
#[must_use]
pub fn linear_of(offset: usize) -> u32 {
    DATA + DATA_PAGES[offset / PAGE] * 0x1000 + (offset % PAGE) as u32
}

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 to `limit` - 1.
    pub fn below(&mut self, limit: u32) -> u32 {
        (((self.bits() >> 32) * u64::from(limit)) >> 32) as u32
    }

    /// True `percent` times of 100.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    ///
    /// # Panics
    /// If there are none.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u32) as usize]
    }
}

/// Memory image `number`.
#[must_use]
pub fn image(number: u8) -> &'static Image {
    static ALL: OnceLock<Vec<Image>> = OnceLock::new();
    &ALL.get_or_init(|| (0..IMAGES).map(make_image).collect())[usize::from(number % IMAGES)]
}

fn make_image(number: u8) -> Image {
    let mut random = Random(0x0386_0000 + u64::from(number));
    let mut image = [0; DATA_PAGES.len() * PAGE];
    for dword in image.chunks_exact_mut(4) {
        let value = match random.below(8) {
            0 => 0,
            1 => random.below(0x40),
            2 => DATA + random.below(0x1_0000),
            3 => u32::from(random.pick(&selectors())) | random.below(0x1_0000) << 16,
            4 => 0u32.wrapping_sub(random.below(0x40)),
            _ => random.bits() as u32,
        };
        dword.copy_from_slice(&value.to_le_bytes());
    }
    image
}

/// What a descriptor of code or data allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Data; offsets up to the limit.
    Data,
    /// Data; offsets above the limit.
    ExpandDown,
    /// Code.
    Code,
    /// Conforming code; Linux allows it only where it is not present.
    Conforming,
}

/// One descriptor, as Linux's `modify_ldt` describes it. Its privilege level is 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Base address.
    pub base: u32,
    /// The 20 bits of the limit.
    pub limit: u32,
    /// What it is.
    pub contents: Contents,
    /// D of code, B of data.
    pub is_big: bool,
    /// Code can be read, data written.
    pub is_open: bool,
    /// The limit counts pages.
    pub in_pages: bool,
    /// It can be used.
    pub is_present: bool,
}

impl Descriptor {
    const fn new(contents: Contents, base: u32, limit: u32) -> Self {
        Self {
            base,
            limit,
            contents,
            is_big: false,
            is_open: true,
            in_pages: false,
            is_present: true,
        }
    }

    const fn big(self) -> Self {
        Self { is_big: true, ..self }
    }

    const fn pages(self) -> Self {
        Self {
            in_pages: true,
            ..self
        }
    }

    const fn closed(self) -> Self {
        Self {
            is_open: false,
            ..self
        }
    }

    const fn absent(self) -> Self {
        Self {
            is_present: false,
            ..self
        }
    }

    /// Bytes 5 and 6 (without the limit's bits) as a word, as a segment register keeps them. The accessed bit is set.
    #[must_use]
    pub const fn access(self) -> u16 {
        let kind = match self.contents {
            Contents::Data => 0x11,
            Contents::ExpandDown => 0x15,
            Contents::Code => 0x19,
            Contents::Conforming => 0x1D,
        };
        0x60 | kind
            | (self.is_open as u16) << 1
            | (self.is_present as u16) << 7
            | (self.is_big as u16) << 14
            | (self.in_pages as u16) << 15
    }

    /// The descriptor in memory.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        let low = self.limit as u64 & 0xFFFF | (self.base as u64 & 0xFF_FFFF) << 16;
        let high = (self.base as u64 >> 24) << 56 | (self.limit as u64 & 0xF_0000) << 32;
        low | high | (self.access() as u64) << 40
    }

    /// The limit in bytes.
    #[must_use]
    pub const fn limit_bytes(self) -> u32 {
        if self.in_pages {
            self.limit << 12 | 0xFFF
        } else {
            self.limit
        }
    }

    /// Whether all of `bytes` bytes from an offset can be accessed.
    #[must_use]
    pub fn holds(self, offset: u32, bytes: u32) -> bool {
        let last = u64::from(offset) + u64::from(bytes) - 1;
        let upper = if self.is_big { u64::from(u32::MAX) } else { 0xFFFF };
        match self.contents {
            Contents::ExpandDown => offset > self.limit_bytes() && last <= upper,
            _ => last <= u64::from(self.limit_bytes()),
        }
    }
}

use Contents::{Code, Conforming, Data, ExpandDown};

/// The local descriptor table. Entry 0 is left out, as entry `n` is `TABLE[n]`; none are empty ones.
pub const TABLE: [Option<Descriptor>; 34] = [
    None,
    Some(Descriptor::new(Code, CODE, 0xFFF).big()),
    Some(Descriptor::new(Code, CODE, 0xFFF)),
    Some(Descriptor::new(Code, 0, 0xF_FFFF).big().pages()),
    Some(Descriptor::new(Code, CODE, 0xFFF).big().closed()),
    Some(Descriptor::new(Code, CODE, 0x7FF)),
    Some(Descriptor::new(Code, CODE, 0).pages()),
    Some(Descriptor::new(Code, CODE, 0xFFF).big().absent()),
    Some(Descriptor::new(Conforming, CODE, 0xFFF).big().absent()),
    None,
    Some(Descriptor::new(Data, 0, 0xF_FFFF).big().pages()),
    Some(Descriptor::new(Data, DATA, 0xFFFF).big()),
    Some(Descriptor::new(Data, DATA, 0xFFFF)),
    Some(Descriptor::new(Data, DATA, 0xFFFF).big().closed()),
    Some(Descriptor::new(Data, DATA, 0x10F).big()),
    Some(Descriptor::new(Data, DATA, 0)),
    Some(Descriptor::new(Data, DATA, 0x1FFE)),
    Some(Descriptor::new(Data, DATA, 1).pages()),
    Some(Descriptor::new(ExpandDown, DATA, 0x3FFF)),
    Some(Descriptor::new(ExpandDown, DATA, 0x3FFF).big()),
    Some(Descriptor::new(ExpandDown, DATA, 0x0F).closed()),
    Some(Descriptor::new(ExpandDown, DATA, 0xFFFF)),
    Some(Descriptor::new(ExpandDown, DATA, 3).pages()),
    Some(Descriptor::new(ExpandDown, DATA - 0x10_0000, 0xFF).big().pages()),
    Some(Descriptor::new(Data, DATA, 0xFFFF).big().absent()),
    Some(Descriptor::new(ExpandDown, DATA, 0xFFF).absent()),
    Some(Descriptor::new(Data, DATA + 3, 0x1FF0).big()),
    Some(Descriptor::new(Data, DATA + 0x4001, 0xFFE)),
    Some(Descriptor::new(Data, 0xE000_0000, 0xF_FFFF).big().pages()),
    Some(Descriptor::new(Data, DATA, 0xF_FFFF)),
    Some(Descriptor::new(Data, DATA, 0xFF).pages().closed()),
    Some(Descriptor::new(Code, DATA, 0xFFFF)),
    Some(Descriptor::new(Code, DATA, 0xFFFF).closed()),
    Some(Descriptor::new(Data, DATA + 0xF000, 0xFFF).big()),
];

/// The descriptor that a selector of the local table names.
#[must_use]
pub fn descriptor(selector: u16) -> Option<Descriptor> {
    let is_local = selector & 4 != 0;
    TABLE
        .get(usize::from(selector >> 3))
        .copied()
        .flatten()
        .filter(|_| is_local)
}

fn selectors_where(is_wanted: impl Fn(&Descriptor) -> bool) -> Vec<u16> {
    (0u16..)
        .zip(TABLE)
        .filter(|(_, entry)| entry.as_ref().is_some_and(&is_wanted))
        .map(|(number, _)| number << 3 | 7)
        .collect()
}

/// Every selector of the table, empty entries too, one beyond it, and the null selectors.
#[must_use]
pub fn selectors() -> Vec<u16> {
    let count = TABLE.len() as u16;
    (0..=count).map(|number| number << 3 | 7).chain(0..4).collect()
}

/// Where execution can begin.
#[must_use]
pub fn code_selectors() -> Vec<u16> {
    selectors_where(|entry| entry.is_present && entry.contents == Code && entry.base != DATA)
}

/// What a stack segment register accepts.
#[must_use]
pub fn stack_selectors() -> Vec<u16> {
    selectors_where(|entry| entry.is_present && entry.is_open && matches!(entry.contents, Data | ExpandDown))
}

/// What the other segment registers accept.
#[must_use]
pub fn data_selectors() -> Vec<u16> {
    let mut all = selectors_where(|entry| entry.is_present && (entry.contents != Code || entry.is_open));
    all.push(0);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_has_its_fields_where_the_manual_has_them() {
        let flat = Descriptor::new(Data, 0x1234_5678, 0xF_9ABC).big().pages();
        assert_eq!(flat.bytes(), 0x12CF_F334_5678_9ABC);
    }

    #[test]
    fn offsets_of_the_image_and_linear_addresses_go_both_ways() {
        for offset in [0, 0xFFF, 0x1000, 0x2004, 0x3FFF, 0x4000] {
            assert_eq!(image_offset(linear_of(offset)), Some(offset));
        }
        assert_eq!(image_offset(DATA + 0x3000), None);
        assert_eq!(image_offset(DATA - 1), None);
    }
}
