//! The external cache's effect on time: tags only, direct mapped, write-through with posted writes, as boards of the
//! time had behind a 386DX-40 (the data stay in memory, only hits and misses are told apart).

/// Wait states of memory accesses.
#[derive(Clone, Debug)]
pub(crate) struct MemoryTiming {
    /// One tag a line, the line's address above the index plus one; zero is empty. No tags: no cache fitted.
    tags: Vec<u32>,
    read_wait: u32,
    write_wait: u32,
}

/// Bytes in a line.
const LINE_SHIFT: u32 = 4;

impl MemoryTiming {
    /// A board with `cache_kilobytes` of cache (0, or a power of two) and these wait states for DRAM reads that miss
    /// and for writes.
    pub(crate) fn new(cache_kilobytes: u32, read_wait: u32, write_wait: u32) -> Self {
        let lines = (cache_kilobytes * 1024) >> LINE_SHIFT;
        Self {
            tags: vec![0; lines as usize],
            read_wait,
            write_wait,
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

    /// The wait states of `count` writes.
    #[inline]
    pub(crate) fn writes_wait(&self, count: u32) -> u32 {
        self.write_wait * count
    }

    /// The wait states of `count` reads in a row inside one line, in processor cycles: with a cache only the first can miss.
    #[inline]
    pub(crate) fn reads_wait(&mut self, address: u32, count: u32) -> u32 {
        let line = address >> LINE_SHIFT;
        let index = line as usize & self.tags.len().wrapping_sub(1);
        match self.tags.get_mut(index) {
            Some(tag) if *tag == line + 1 => 0,
            Some(tag) => {
                *tag = line + 1;
                self.read_wait
            }
            None => self.read_wait * count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_read_of_a_line_hits() {
        let mut timing = MemoryTiming::new(64, 4, 0);
        assert_eq!(timing.wait(0x1234, false), 4);
        assert_eq!(timing.wait(0x123C, false), 0);
    }

    #[test]
    fn lines_one_cache_size_apart_displace_each_other() {
        let mut timing = MemoryTiming::new(64, 4, 0);
        timing.wait(0x1000, false);
        assert_eq!(timing.wait(0x1000 + 64 * 1024, false), 4);
        assert_eq!(timing.wait(0x1000, false), 4);
    }

    #[test]
    fn writes_are_posted_and_do_not_fill() {
        let mut timing = MemoryTiming::new(64, 4, 1);
        assert_eq!(timing.wait(0x2000, true), 1);
        assert_eq!(timing.wait(0x2000, false), 4);
    }

    #[test]
    fn without_a_cache_every_read_waits() {
        let mut timing = MemoryTiming::new(0, 4, 0);
        assert_eq!(timing.wait(0, false), 4);
        assert_eq!(timing.wait(0, false), 4);
    }
}
