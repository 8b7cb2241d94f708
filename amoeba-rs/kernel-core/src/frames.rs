//! The frame allocator: which pages of memory are free. Areas are whole pages and contiguous.

use crate::memory::{LARGEST, PAGE};

const WORD_BITS: u32 = 32;
const WORDS: usize = (LARGEST / PAGE / WORD_BITS) as usize;

/// The free pages of memory below [`LARGEST`], one bit each.
#[derive(Clone, Debug)]
pub struct Frames {
    free: [u32; WORDS],
    count: u32,
    /// Where the search for the next area begins: behind the last one.
    next: u32,
}

impl Default for Frames {
    fn default() -> Frames {
        Frames::new()
    }
}

impl Frames {
    /// No page is free.
    pub const fn new() -> Frames {
        Frames {
            free: [0; WORDS],
            count: 0,
            next: 0,
        }
    }

    /// Free pages.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Makes the whole pages between `start` and `end` free.
    ///
    /// # Panics
    /// If the area lies above [`LARGEST`].
    pub fn add(&mut self, start: u32, end: u32) {
        assert!(end <= LARGEST, "memory that the allocator does not know");
        for page in start.div_ceil(PAGE)..end / PAGE {
            if !self.is_free(page) {
                self.set(page, true);
            }
        }
    }

    /// Takes every page that has a byte between `start` and `end`, free or not.
    pub fn reserve(&mut self, start: u32, end: u32) {
        for page in start / PAGE..end.min(LARGEST).div_ceil(PAGE) {
            if self.is_free(page) {
                self.set(page, false);
            }
        }
    }

    /// Takes an area of `pages` pages: its first address.
    pub fn allocate(&mut self, pages: u32) -> Option<u32> {
        if pages == 0 || pages > self.count {
            return None;
        }
        let end = LARGEST / PAGE;
        let first = self
            .find(self.next..end, pages)
            .or_else(|| self.find(0..self.next.saturating_add(pages).min(end), pages))?;
        for page in first..first + pages {
            self.set(page, false);
        }
        self.next = first + pages;
        Some(first * PAGE)
    }

    /// Takes an area of `pages` pages that ends at `end` at most and crosses no multiple of `boundary`, both in bytes and whole pages: its
    /// first address.
    pub fn allocate_within(&mut self, pages: u32, boundary: u32, end: u32) -> Option<u32> {
        let (boundary, end) = (boundary / PAGE, end.min(LARGEST) / PAGE);
        if pages == 0 {
            return None;
        }
        let first = (0..end)
            .step_by(boundary as usize)
            .find_map(|start| self.find(start..(start + boundary).min(end), pages))?;
        for page in first..first + pages {
            self.set(page, false);
        }
        Some(first * PAGE)
    }

    /// Gives an area back.
    ///
    /// # Panics
    /// If a page of it is free already.
    pub fn release(&mut self, start: u32, pages: u32) {
        for page in start / PAGE..start / PAGE + pages {
            assert!(!self.is_free(page), "a page is released twice");
            self.set(page, true);
        }
    }

    /// Takes the `pages` pages from `start`, if all are free.
    pub fn extend(&mut self, start: u32, pages: u32) -> bool {
        let first = start / PAGE;
        let fits = first + pages <= LARGEST / PAGE && (first..first + pages).all(|page| self.is_free(page));
        if fits {
            for page in first..first + pages {
                self.set(page, false);
            }
        }
        fits
    }

    /// The first area of that many free pages in a range of pages.
    fn find(&self, range: core::ops::Range<u32>, pages: u32) -> Option<u32> {
        let mut page = range.start;
        let mut length = 0;
        while page < range.end {
            if page.is_multiple_of(WORD_BITS) && self.free[(page / WORD_BITS) as usize] == 0 {
                length = 0;
                page += WORD_BITS;
                continue;
            }
            length = if self.is_free(page) { length + 1 } else { 0 };
            page += 1;
            if length == pages {
                return Some(page - pages);
            }
        }
        None
    }

    fn is_free(&self, page: u32) -> bool {
        self.free[(page / WORD_BITS) as usize] & 1 << (page % WORD_BITS) != 0
    }

    fn set(&mut self, page: u32, is_free: bool) {
        let bit = 1 << (page % WORD_BITS);
        let word = &mut self.free[(page / WORD_BITS) as usize];
        if is_free {
            *word |= bit;
            self.count += 1;
        } else {
            *word &= !bit;
            self.count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Frames;
    use crate::memory::{LARGEST, PAGE};
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
    use std::vec::Vec;

    #[test]
    fn only_whole_pages_become_free() {
        let mut frames = Frames::new();
        frames.add(0x1001, 0x4fff);
        assert_eq!(frames.count(), 2);
        assert_eq!(frames.allocate(2), Some(0x2000));
        assert_eq!(frames.allocate(1), None);
    }

    #[test]
    fn all_of_the_largest_memory_is_one_area() {
        let mut frames = Frames::new();
        frames.add(0, LARGEST);
        assert_eq!(frames.allocate(LARGEST / PAGE), Some(0));
    }

    #[test]
    fn an_area_that_begins_before_the_last_one_is_found_too() {
        let mut frames = Frames::new();
        frames.add(0, 10 * PAGE);
        assert_eq!(frames.allocate(6), Some(0));
        frames.release(0, 6);
        assert_eq!(frames.allocate(8), Some(0));
    }

    #[test]
    fn an_area_grows_only_into_free_pages() {
        let mut frames = Frames::new();
        frames.add(0, 4 * PAGE);
        assert_eq!(frames.allocate(1), Some(0));
        assert!(frames.extend(PAGE, 2));
        assert!(!frames.extend(2 * PAGE, 2));
        assert!(!frames.extend(3 * PAGE, 2));
        assert_eq!(frames.count(), 1);
    }

    #[test]
    fn an_area_for_dma_crosses_no_boundary_and_stays_below_the_end() {
        let mut frames = Frames::new();
        frames.add(13 * PAGE, 40 * PAGE);
        let (boundary, end) = (16 * PAGE, 36 * PAGE);
        assert_eq!(frames.allocate_within(3, boundary, end), Some(13 * PAGE));
        assert_eq!(frames.allocate_within(5, boundary, end), Some(16 * PAGE));
        assert_eq!(frames.allocate_within(12, boundary, end), None);
        assert_eq!(frames.allocate_within(11, boundary, end), Some(21 * PAGE));
        assert_eq!(frames.allocate_within(5, boundary, end), None, "36 is the end");
        assert_eq!(frames.allocate_within(4, boundary, end), Some(32 * PAGE));
        assert_eq!(frames.allocate_within(17, boundary, 40 * PAGE), None);
        assert_eq!(frames.count(), 4);
    }

    #[test]
    #[should_panic(expected = "released twice")]
    fn a_page_cannot_be_released_twice() {
        let mut frames = Frames::new();
        frames.add(0, PAGE);
        frames.release(0, 1);
    }

    proptest! {
        #[test]
        fn areas_never_overlap_and_all_comes_back(
            steps in proptest::collection::vec((1_u32..40, proptest::bool::ANY), 1..100),
        ) {
            let mut frames = Frames::new();
            frames.add(0, 200 * PAGE);
            let mut held: Vec<(u32, u32)> = Vec::new();
            for (pages, is_release) in steps {
                if is_release && !held.is_empty() {
                    let (start, pages) = held.remove(pages as usize % held.len());
                    frames.release(start, pages);
                } else if let Some(start) = frames.allocate(pages) {
                    let end = start + pages * PAGE;
                    prop_assert!(held.iter().all(|&(other, count)| other + count * PAGE <= start || end <= other));
                    held.push((start, pages));
                }
            }
            for (start, pages) in held {
                frames.release(start, pages);
            }
            prop_assert_eq!(frames.count(), 200);
            prop_assert_eq!(frames.allocate(200), Some(0));
        }
    }
}
