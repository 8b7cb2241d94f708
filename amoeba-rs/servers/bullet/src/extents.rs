//! A map of free space: of the disk's blocks, and of the cache's memory.

use alloc::collections::BTreeMap;
use core::ops::Range;

/// Free places in a row of numbered units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extents {
    /// First unit of each free extent, and how many there are. No two of them touch.
    free: BTreeMap<u32, u32>,
    total: u32,
}

impl Extents {
    /// All of `range` is free.
    pub(crate) fn new(range: Range<u32>) -> Extents {
        let mut extents = Extents::default();
        extents.give(range.start, range.end - range.start);
        extents
    }

    /// How much is free.
    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    /// How many extents there are.
    pub(crate) fn count(&self) -> usize {
        self.free.len()
    }

    /// The greatest extent.
    pub(crate) fn largest(&self) -> u32 {
        self.free.values().copied().max().unwrap_or(0)
    }

    /// Takes the first `length` units that lie in one piece.
    pub(crate) fn take(&mut self, length: u32) -> Option<u32> {
        let (&start, _) = self.free.iter().find(|(_, there)| **there >= length)?;
        self.take_at(start, length).then_some(start)
    }

    /// Takes these units; false if one of them is not free.
    pub(crate) fn take_at(&mut self, start: u32, length: u32) -> bool {
        let Some((&first, &there)) = self.free.range(..=start).next_back() else {
            return false;
        };
        let before = start - first;
        if before > there || there - before < length {
            return false;
        }
        if before == 0 {
            self.free.remove(&first);
        } else {
            self.free.insert(first, before);
        }
        let behind = there - before - length;
        if behind > 0 {
            self.free.insert(start + length, behind);
        }
        self.total -= length;
        true
    }

    /// Gives units back, none of which is free.
    ///
    /// # Panics
    /// If one is.
    pub(crate) fn give(&mut self, start: u32, length: u32) {
        if length == 0 {
            return;
        }
        let (mut first, mut end) = (start, start + length);
        if let Some((&before, &there)) = self.free.range(..start).next_back() {
            assert!(before + there <= start, "units {start} to {end} are free already");
            if before + there == start {
                first = before;
            }
        }
        if let Some((&behind, &there)) = self.free.range(start..).next() {
            assert!(behind >= end, "units {start} to {end} are free already");
            if behind == end {
                self.free.remove(&behind);
                end += there;
            }
        }
        self.free.insert(first, end - first);
        self.total += length;
    }

    /// The free extent that ends where `unit` begins.
    pub(crate) fn ending_at(&self, unit: u32) -> Option<Range<u32>> {
        let (&start, &length) = self.free.range(..unit).next_back()?;
        (start + length == unit).then_some(start..unit)
    }
}

#[cfg(test)]
mod tests {
    use super::Extents;
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use std::vec::Vec;

    const UNITS: usize = 60;

    /// The first `length` free units in a row.
    fn first_fit(is_free: &[bool], length: usize) -> Option<usize> {
        (0..=UNITS - length).find(|&start| is_free[start..start + length].iter().all(|free| *free))
    }

    proptest! {
        /// The model is a row of flags.
        #[test]
        fn units_are_taken_where_they_are_free(steps in vec((0..3_u8, 0..UNITS, 1..20_usize, any::<usize>()), 1..80)) {
            let mut is_free = [true; UNITS];
            let mut extents = Extents::new(0..UNITS as u32);
            let mut taken: Vec<(usize, usize)> = Vec::new();
            for (kind, start, length, which) in steps {
                let found = match kind {
                    0 => {
                        let found = first_fit(&is_free, length);
                        prop_assert_eq!(extents.take(length as u32), found.map(|start| start as u32));
                        found
                    }
                    1 => {
                        let fits = is_free.get(start..start + length).is_some_and(|part| part.iter().all(|free| *free));
                        prop_assert_eq!(extents.take_at(start as u32, length as u32), fits);
                        fits.then_some(start)
                    }
                    _ => {
                        if !taken.is_empty() {
                            let (start, length) = taken.swap_remove(which % taken.len());
                            extents.give(start as u32, length as u32);
                            is_free[start..start + length].fill(true);
                        }
                        None
                    }
                };
                if let Some(start) = found {
                    is_free[start..start + length].fill(false);
                    taken.push((start, length));
                }
                let runs: Vec<usize> = is_free.split(|free| !free).map(<[bool]>::len).filter(|run| *run > 0).collect();
                prop_assert_eq!(extents.total() as usize, runs.iter().sum::<usize>());
                prop_assert_eq!(extents.count(), runs.len());
                prop_assert_eq!(extents.largest() as usize, runs.iter().copied().max().unwrap_or(0));
                for unit in 1..=UNITS {
                    let begins = is_free[..unit].iter().rposition(|free| !free).map_or(0, |last| last + 1);
                    let expected = (begins < unit && is_free.get(unit) != Some(&true)).then_some(begins as u32..unit as u32);
                    prop_assert_eq!(extents.ending_at(unit as u32), expected);
                }
            }
            prop_assert!(extents.total() <= UNITS as u32);
        }
    }
}
