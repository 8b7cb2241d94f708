//! The memory beside the controller, as its local bus sees it.

use std::ops::Range;

/// Bytes in a page, the unit in which the controller's buffers are counted (data sheet, section 7).
pub(crate) const PAGE: usize = 256;

/// RAM on the controller's local bus of 16 address bits: whole pages from one address on. Where nothing answers,
/// reads give FFh and writes are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalMemory {
    first: u16,
    bytes: Vec<u8>,
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
            first: u16::from(first_page) << 8,
            bytes: vec![0; pages * PAGE],
        }
    }

    /// The byte at a local address.
    #[must_use]
    pub fn read(&self, address: u16) -> u8 {
        self.index(address).map_or(0xFF, |index| self.bytes[index])
    }

    /// Stores a byte at a local address.
    pub fn write(&mut self, address: u16, value: u8) {
        if let Some(index) = self.index(address) {
            self.bytes[index] = value;
        }
    }

    /// `count` bytes from a page on, as the transmit DMA fetches them; the address wraps at 64 KB.
    pub(crate) fn fetch(&self, page: u8, count: u16) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(usize::from(count));
        let mut page = page;
        while bytes.len() < usize::from(count) {
            let length = PAGE.min(usize::from(count) - bytes.len());
            match self.within_page(page, 0, length) {
                Some(range) => bytes.extend_from_slice(&self.bytes[range]),
                None => bytes.resize(bytes.len() + length, 0xFF),
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
        let index = usize::from(address.checked_sub(self.first)?);
        (index < self.bytes.len()).then_some(index)
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
    fn a_fetch_runs_from_page_to_page_and_off_the_end_of_the_ram() {
        let mut memory = LocalMemory::new(0x20, 0x20);
        memory.write(0x3F00, 1);
        memory.write(0x3FFF, 2);
        let bytes = memory.fetch(0x3F, 258);
        assert_eq!((bytes[0], bytes[255]), (1, 2));
        assert_eq!(bytes[256..], [0xFF, 0xFF]);
    }
}
