//! What a kernel has printed, which it keeps as a ring.

use alloc::vec::Vec;

/// The text in a ring whose next character would stand at `position`, from its oldest one on. Places that were never written hold zeros,
/// and a line of which the beginning was overwritten is left out.
pub fn text(ring: &[u8], position: usize) -> Vec<u8> {
    let (newer, older) = ring.split_at(position.min(ring.len()));
    let is_full = older.iter().all(|byte| *byte != 0) && !older.is_empty();
    let mut text: Vec<u8> = older
        .iter()
        .chain(newer)
        .copied()
        .filter(|byte| *byte != 0)
        .collect();
    if is_full {
        let first_line = text.iter().position(|byte| *byte == b'\n');
        text.drain(..first_line.map_or(0, |end| end + 1));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_ring_that_is_not_full_begins_at_its_beginning() {
        assert_eq!(text(b"one\ntwo\n\0\0\0\0", 8), b"one\ntwo\n");
        assert_eq!(text(b"\0\0\0\0", 0), b"");
    }

    #[test]
    fn a_full_ring_begins_with_the_oldest_whole_line() {
        assert_eq!(text(b"ree\ne\ntwo\nth", 4), b"two\nthree\n");
        assert_eq!(text(b"half", 0), b"half");
    }

    #[test]
    fn a_position_outside_counts_as_the_end() {
        assert_eq!(text(b"abc\n", 99), b"abc\n");
        assert_eq!(text(b"", 3), b"");
    }
}
