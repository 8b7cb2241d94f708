//! The memory beside the controller, as its local bus sees it.

use std::fmt;
use std::ops::Range;

/// Bytes in a page, the unit in which the controller's buffers are counted (data sheet, section 7).
pub(crate) const PAGE: usize = 256;

/// What lies on the controller's local bus of 16 address bits. Where nothing answers, reads give FFh and writes are
/// lost.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalMemory {
    decoder: Decoder,
    bytes: Vec<u8>,
}

/// Which addresses reach the RAM.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Decoder {
    /// Those from this one on.
    From(u16),
    /// Those whose bit of the RAM's size is set, whatever the bits above it; the others reach this PROM, over and over.
    BesideProm(Vec<u8>),
}

impl LocalMemory {
    /// RAM of `pages` pages from page `first_page` on, all zero. Panics if it does not fit into the 256 pages of the
    /// local bus.
    #[must_use]
    pub fn new(first_page: u8, pages: usize) -> Self {
        assert!(
            usize::from(first_page) + pages <= 256,
            "the local bus has 256 pages"
        );
        Self {
            decoder: Decoder::From(u16::from(first_page) << 8),
            bytes: vec![0; pages * PAGE],
        }
    }

    /// RAM of `pages` pages, all zero, at the address that is its size, and a PROM from address 0 on. Panics if the
    /// pages are no power of two below 256, or the PROM is empty.
    #[must_use]
    pub fn beside_prom(pages: usize, prom: Vec<u8>) -> Self {
        assert!(pages.is_power_of_two() && pages < 256, "an address bit selects");
        assert!(!prom.is_empty(), "a PROM has bytes");
        Self {
            decoder: Decoder::BesideProm(prom),
            bytes: vec![0; pages * PAGE],
        }
    }

    /// The byte at a local address.
    #[must_use]
    pub fn read(&self, address: u16) -> u8 {
        match (self.index(address), &self.decoder) {
            (Some(index), _) => self.bytes[index],
            (None, Decoder::From(_)) => 0xFF,
            (None, Decoder::BesideProm(prom)) => prom[usize::from(address) % prom.len()],
        }
    }

    /// Stores a byte at a local address.
    pub fn write(&mut self, address: u16, value: u8) {
        if let Some(index) = self.index(address) {
            self.bytes[index] = value;
        }
    }

    /// `count` bytes from a local address on, if RAM answers at each of them and they lie there in their order.
    pub(crate) fn run(&mut self, address: u16, count: u16) -> Option<&mut [u8]> {
        let last = address.checked_add(count.checked_sub(1)?)?;
        let (first, last) = (self.index(address)?, self.index(last)?);
        (last.checked_sub(first)? == usize::from(count) - 1).then(|| &mut self.bytes[first..=last])
    }

    /// `count` bytes from a page on, as the transmit DMA fetches them; the address wraps at 64 KB.
    pub(crate) fn fetch(&self, page: u8, count: u16) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(usize::from(count));
        let mut page = page;
        while bytes.len() < usize::from(count) {
            let length = PAGE.min(usize::from(count) - bytes.len());
            match self.within_page(page, 0, length) {
                Some(range) => bytes.extend_from_slice(&self.bytes[range]),
                None => {
                    let first = u16::from(page) << 8;
                    bytes.extend((0..length as u16).map(|offset| self.read(first | offset)));
                }
            }
            page = page.wrapping_add(1);
        }
        bytes
    }

    /// Stores bytes inside one page, from `offset` on.
    pub(crate) fn store(&mut self, page: u8, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= PAGE, "a store stays inside its page");
        if let Some(range) = self.within_page(page, offset, bytes.len()) {
            self.bytes[range].copy_from_slice(bytes);
        }
    }

    fn within_page(&self, page: u8, offset: usize, length: usize) -> Option<Range<usize>> {
        let start = self.index(u16::from(page) << 8)? + offset;
        Some(start..start + length)
    }

    fn index(&self, address: u16) -> Option<usize> {
        let (address, size) = (usize::from(address), self.bytes.len());
        match self.decoder {
            Decoder::From(first) => address
                .checked_sub(usize::from(first))
                .filter(|index| *index < size),
            Decoder::BesideProm(_) => (address & size != 0).then_some(address & (size - 1)),
        }
    }
}

/// Without the bytes, which would hide everything round them.
impl fmt::Debug for LocalMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalMemory")
            .field("decoder", &self.decoder)
            .field("size", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_answers_reads_give_ff_and_writes_are_lost() {
        let mut memory = LocalMemory::new(0x20, 0x20);
        for address in [0x0000, 0x1FFF, 0x4000, 0xFFFF] {
            memory.write(address, 0);
            assert_eq!(memory.read(address), 0xFF, "{address:04X}");
        }
        assert_eq!(memory, LocalMemory::new(0x20, 0x20));
    }

    #[test]
    fn beside_a_prom_one_address_bit_selects_the_ram() {
        let mut memory = LocalMemory::beside_prom(0x40, vec![1, 2, 3, 4]);
        memory.write(0x4005, 7);
        memory.write(0x0001, 9);
        assert_eq!((memory.read(0x4005), memory.read(0xC005)), (7, 7));
        assert_eq!((memory.read(0x0001), memory.read(0x8006)), (2, 3));
        assert_eq!(memory.fetch(0x00, 5), [1, 2, 3, 4, 1]);
    }

    #[test]
    fn a_fetch_runs_from_page_to_page_and_off_the_end_of_the_ram() {
        let mut memory = LocalMemory::new(0x20, 0x20);
        memory.write(0x3F00, 1);
        memory.write(0x3FFF, 2);
        let bytes = memory.fetch(0x3F, 258);
        assert_eq!((bytes[0], bytes[255]), (1, 2));
        assert_eq!(bytes[256..], [0xFF, 0xFF]);
    }
}
