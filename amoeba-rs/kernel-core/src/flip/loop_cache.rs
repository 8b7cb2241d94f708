//! What was broadcast lately: packets go round in networks that form a loop, and each is taken once only.
//! 1024 entries, each found by the packet's source, message and offset, and overwritten by the next one that
//! falls on its place.

use alloc::boxed::Box;
use proto::flip::{Address, Header};

/// Entries.
const SIZE: usize = 1024;

/// The cache.
#[derive(Clone, Debug)]
pub(super) struct LoopCache {
    seen: Box<[Option<(Address, u32, u32)>]>,
}

impl LoopCache {
    pub(super) fn new() -> LoopCache {
        LoopCache {
            seen: alloc::vec![None; SIZE].into_boxed_slice(),
        }
    }

    /// Whether a packet was seen before; from now on it was.
    pub(super) fn is_known(&mut self, header: &Header) -> bool {
        let [a, b, c, d, ..] = header.source.0;
        let hash = u32::from_le_bytes([a, b, c, d])
            .wrapping_add(header.message)
            .wrapping_add(header.offset);
        let key = Some((header.source, header.message, header.offset));
        let place = &mut self.seen[(hash ^ hash >> 16) as usize % SIZE];
        core::mem::replace(place, key) == key
    }
}

#[cfg(test)]
mod tests {
    use super::LoopCache;
    use proto::flip::{Address, Flags, Header, Kind};

    fn header(source: u8, message: u32, offset: u32) -> Header {
        Header {
            kind: Kind::Locate,
            flags: Flags::empty(),
            reserved: 0,
            actual_hops: 0,
            maximum_hops: 1,
            destination: Address([9; 8]),
            source: Address([source; 8]),
            message,
            length: 0,
            offset,
            total: 0,
        }
    }

    #[test]
    fn a_packet_is_known_from_the_second_time_on() {
        let mut cache = LoopCache::new();
        assert!(!cache.is_known(&header(1, 5, 0)));
        assert!(cache.is_known(&header(1, 5, 0)) && cache.is_known(&header(1, 5, 0)));
    }

    #[test]
    fn another_source_message_or_offset_is_another_packet() {
        let mut cache = LoopCache::new();
        assert!(!cache.is_known(&header(1, 5, 0)));
        assert!(!cache.is_known(&header(2, 5, 0)));
        assert!(!cache.is_known(&header(1, 6, 0)));
        assert!(!cache.is_known(&header(1, 5, 1458)));
    }

    #[test]
    fn the_last_thousand_messages_of_a_source_are_known() {
        let mut cache = LoopCache::new();
        for message in 0..1024 {
            assert!(!cache.is_known(&header(1, message, 0)));
        }
        for message in 24..1024 {
            assert!(cache.is_known(&header(1, message, 0)), "{message}");
        }
    }
}
