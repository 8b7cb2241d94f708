//! The external cache's effect on time: tags only, direct mapped, write-through with posted writes, as boards of the
//! time had behind a 386DX-40 (the data stay in memory, only hits and misses are told apart).

/// Wait states of memory accesses.
#[derive(Clone, Debug)]
pub(crate) struct MemoryTiming {
    /// One tag a line, the line's address above the index plus one; zero is empty. No tags: no cache fitted.
    tags: Vec<u32>,
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

/// Bytes in a line.
const LINE_SHIFT: u32 = 4;

impl MemoryTiming {
    /// A board with `cache_kilobytes` of cache (0, or a power of two), and a ROM from byte `rom_start` of its memory on.
    pub(crate) fn new(cache_kilobytes: u32, waits: Waits, rom_start: u32) -> Self {
        let lines = (cache_kilobytes * 1024) >> LINE_SHIFT;
        Self {
            tags: vec![0; lines as usize],
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
        if self.tags.is_empty() {
            return self.miss(address);
        }
        let line = address >> LINE_SHIFT;
        let index = line as usize & (self.tags.len() - 1);
        if self.tags[index] == line + 1 {
            return 0;
        }
        if address < self.rom_start {
            self.tags[index] = line + 1;
        }
        self.miss(address)
    }

    fn miss(&self, address: u32) -> u32 {
        if address < self.rom_start {
            self.read_wait
        } else {
            self.rom_wait
        }
    }
}

#[cfg(test)]
mod tests {
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
    fn without_a_cache_every_read_waits() {
        let mut board = timing(0, 4, 0);
        assert_eq!(board.wait(0, false), 4);
        assert_eq!(board.wait(0, false), 4);
    }
}
