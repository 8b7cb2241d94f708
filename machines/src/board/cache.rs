//! The external cache's effect on time: tags only, direct mapped, write-through with posted writes, as boards of the
//! time had behind a 386DX-40 (the data stay in memory, only hits and misses are told apart).

use cpu::{Cycle, Moves};

/// Wait states of memory accesses.
#[derive(Clone, Debug)]
pub(crate) struct MemoryTiming {
    /// The number of the line that is in each place of the cache, or [`EMPTY`]: as many places as the largest cache has, so that an index needs
    /// no check. A smaller cache uses the first of them, and few lines of the host's cache.
    tags: Box<[u32; MOST_LINES]>,
    has_cache: bool,
    /// The bits of a line's number that tell its place.
    place_mask: u32,
    read_wait: u32,
    write_wait: u32,
    /// Where memory ends and the ROM begins.
    rom_start: u32,
    rom_wait: u32,
}

/// What each access waits, in processor cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waits {
    /// A read that misses the cache, or any where there is none.
    pub(crate) read: u32,
    /// A posted write.
    pub(crate) write: u32,
    /// A read from the ROM, which is never cached.
    pub(crate) rom: u32,
}

/// No line has this number.
const EMPTY: u32 = u32::MAX;
/// Bytes in a line.
const LINE_SHIFT: u32 = 4;
/// In a cache of 1 MB, the largest that a lab file can ask for.
const MOST_LINES: usize = (1 << 20) >> LINE_SHIFT;

impl MemoryTiming {
    /// A board with `cache_kilobytes` of cache (0, or a power of two), and a ROM from byte `rom_start` of its memory on.
    pub(crate) fn new(cache_kilobytes: u32, waits: Waits, rom_start: u32) -> Self {
        let lines = (cache_kilobytes * 1024) >> LINE_SHIFT;
        Self {
            tags: vec![EMPTY; MOST_LINES].try_into().expect("as many as there are"),
            has_cache: lines > 0,
            place_mask: lines.saturating_sub(1),
            read_wait: waits.read,
            write_wait: waits.write,
            rom_start,
            rom_wait: waits.rom,
        }
    }

    /// The wait states of one access, in processor cycles; a read that misses fills its line.
    #[inline]
    pub(crate) fn wait(&mut self, address: u32, is_write: bool) -> u32 {
        if is_write {
            return self.write_wait;
        }
        self.reads_wait(address, 1)
    }

    /// Whether a read hits the cache.
    #[inline]
    pub(crate) fn is_ready(&self, address: u32) -> bool {
        let line = address >> LINE_SHIFT;
        self.tags[self.place(line)] == line
    }

    /// The only place of the cache where a line can be.
    #[inline]
    fn place(&self, line: u32) -> usize {
        usize::from((line & self.place_mask) as u16)
    }

    /// The wait states of `count` reads in a row inside one line, in processor cycles: with a cache only the first can miss.
    #[inline]
    pub(crate) fn reads_wait(&mut self, address: u32, count: u32) -> u32 {
        if address >= self.rom_start {
            return self.rom_wait * count;
        }
        if self.is_ready(address) {
            return 0;
        }
        if !self.has_cache {
            return self.read_wait * count;
        }
        self.fill(address >> LINE_SHIFT);
        self.read_wait
    }

    /// A line displaces what is in its place.
    fn fill(&mut self, line: u32) {
        let place = self.place(line);
        self.tags[place] = line;
    }

    /// Somebody else has written the byte at `address`: the cache snoops on the bus and drops the line.
    pub(crate) fn forget(&mut self, address: u32) {
        if self.is_ready(address) {
            let place = self.place(address >> LINE_SHIFT);
            self.tags[place] = EMPTY;
        }
    }

    /// [`cpu::Bus::moves`], a line at a time where there is room for all of it.
    pub(crate) fn moves(&mut self, moves: Moves) -> (u32, Cycle) {
        let each = moves.clocks + Cycle::from(self.write_wait);
        // Sizes are powers of two, and a shift is much quicker than a division.
        let shift = moves.size.trailing_zeros();
        let (mut done, mut cycles) = (0, 0);
        while done < moves.count && (done == 0 || cycles < moves.room) {
            let address = moves.from + (done << shift);
            let left_in_line = ((1 << LINE_SHIFT) - address % (1 << LINE_SHIFT)) >> shift;
            let together = left_in_line.min(moves.count - done);
            let waits = self.reads_wait(address, together);
            let all = each * Cycle::from(together) + Cycle::from(waits);
            if cycles + all < moves.room {
                cycles += all;
                done += together;
            } else {
                let (part, spent) = self.moves_to_the_end(
                    address,
                    together,
                    waits,
                    each,
                    moves.room - cycles.min(moves.room),
                );
                return (done + part, cycles + spent);
            }
        }
        (done, cycles)
    }

    /// The moves of a line that has no room for all of them; their reads have `waits` together.
    #[cold]
    fn moves_to_the_end(
        &self,
        address: u32,
        count: u32,
        waits: u32,
        each: Cycle,
        room: Cycle,
    ) -> (u32, Cycle) {
        // With a cache the first of them has all the waits.
        let is_shared = !self.has_cache || address >= self.rom_start;
        let mut cycles = 0;
        for number in 0..count {
            let own = match number {
                _ if is_shared => waits / count,
                0 => waits,
                _ => 0,
            };
            cycles += each + Cycle::from(own);
            if cycles >= room {
                return (number + 1, cycles);
            }
        }
        (count, cycles)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timing(cache_kilobytes: u32, read: u32, write: u32) -> MemoryTiming {
        let waits = Waits { read, write, rom: 28 };
        MemoryTiming::new(cache_kilobytes, waits, 0x10_0000)
    }

    #[test]
    fn the_rom_waits_at_every_read_and_displaces_nothing() {
        for cache in [0, 64] {
            let mut board = timing(cache, 4, 0);
            board.wait(0, false);
            assert_eq!(board.wait(0x10_0000, false), 28);
            assert_eq!(board.wait(0x10_0000, false), 28);
            assert_eq!(board.wait(0, false), if cache == 0 { 4 } else { 0 });
        }
    }

    #[test]
    fn the_second_read_of_a_line_hits() {
        let mut board = timing(64, 4, 0);
        assert_eq!(board.wait(0x1234, false), 4);
        assert_eq!(board.wait(0x123C, false), 0);
    }

    #[test]
    fn lines_one_cache_size_apart_displace_each_other() {
        let mut board = timing(64, 4, 0);
        board.wait(0x1000, false);
        assert_eq!(board.wait(0x1000 + 64 * 1024, false), 4);
        assert_eq!(board.wait(0x1000, false), 4);
    }

    #[test]
    fn writes_are_posted_and_do_not_fill() {
        let mut board = timing(64, 4, 1);
        assert_eq!(board.wait(0x2000, true), 1);
        assert_eq!(board.wait(0x2000, false), 4);
    }

    #[test]
    fn a_line_that_somebody_else_has_written_misses_and_another_in_its_place_stays() {
        let mut board = timing(64, 4, 0);
        board.wait(0x1000, false);
        board.forget(0x1000 + 64 * 1024);
        assert_eq!(board.wait(0x1000, false), 0);
        board.forget(0x100F);
        assert_eq!(board.wait(0x1000, false), 4);
    }

    #[test]
    fn without_a_cache_every_read_waits() {
        let mut board = timing(0, 4, 0);
        assert_eq!(board.wait(0, false), 4);
        assert_eq!(board.wait(0, false), 4);
    }

    /// What [`cpu::Bus::moves`] does by default.
    fn moves_one_by_one(timing: &mut MemoryTiming, moves: Moves) -> (u32, Cycle) {
        let (mut done, mut cycles) = (0, 0);
        while done < moves.count && (done == 0 || cycles < moves.room) {
            let distance = done * moves.size;
            let waits = timing.wait(moves.from + distance, false) + timing.wait(moves.to + distance, true);
            cycles += moves.clocks + Cycle::from(waits);
            done += 1;
        }
        (done, cycles)
    }

    proptest! {
        #[test]
        fn moves_taken_together_cost_what_they_cost_one_by_one(
            cache in prop::sample::select(vec![0u32, 1, 64]),
            waits in (0u32..5, 0u32..3),
            size in prop::sample::select(vec![1u32, 2, 4]),
            runs in prop::collection::vec((0u32..0x11_0000, 1u32..1200, 0u64..6000), 1..6),
        ) {
            let mut together = timing(cache, waits.0, waits.1);
            let mut one_by_one = together.clone();
            for (from, count, room) in runs {
                let moves = Moves { from: from / size * size, to: 0x2000, size, count, clocks: 4, room };
                prop_assert_eq!(together.moves(moves), moves_one_by_one(&mut one_by_one, moves));
                prop_assert_eq!(&together.tags, &one_by_one.tags);
            }
        }
    }
}
