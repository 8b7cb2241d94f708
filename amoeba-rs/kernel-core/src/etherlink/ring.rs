//! Arithmetic of the receive ring: pages of 256 bytes in the card's memory, which the host sees in a window
//! that begins with page 20h (DP8390D data sheet, section 7, "Packet reception").

use proto::ethernet;

/// First page in the window, and of the transmit buffer.
pub const TRANSMIT_PAGE: u8 = 0x20;
/// First page of the ring.
pub const START: u8 = 0x26;
/// Page behind the ring.
pub const STOP: u8 = 0x40;
/// Bytes of the window.
pub const WINDOW_LENGTH: usize = offset(STOP);
/// Bytes of the header in front of a received frame.
pub const HEADER_LENGTH: usize = 4;
/// Bytes of the frame check sequence, which the card stores behind a frame.
const CHECK_LENGTH: usize = 4;
const STATUS_RECEIVED_INTACT: u8 = 0x01;

/// How a card's memory is divided: transmit buffers of six pages, and behind them the receive ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// First page of the memory, and of the first transmit buffer.
    pub transmit: u8,
    /// First page of the ring, behind the last transmit buffer.
    pub start: u8,
    /// Page behind the ring.
    pub stop: u8,
}

impl Ring {
    /// The 8 KB of a 3C503 or NE1000.
    pub const SMALL: Ring = Ring {
        transmit: TRANSMIT_PAGE,
        start: START,
        stop: STOP,
    };
    /// The 16 KB of an NE2000, with two transmit buffers. The ring is still long enough for all credits.
    pub const LARGE: Ring = Ring {
        transmit: 0x40,
        start: 0x4c,
        stop: 0x80,
    };
    /// Pages that the longest frame takes.
    const LONGEST_FRAME: u8 = 6;

    /// First page of the second transmit buffer, if there is one.
    pub const fn second_buffer(&self) -> Option<u8> {
        let second = self.transmit + Ring::LONGEST_FRAME;
        if second < self.start { Some(second) } else { None }
    }

    /// Where a page begins in the memory.
    pub const fn offset(&self, page: u8) -> usize {
        (page - self.transmit) as usize * 256
    }

    /// Bytes of the memory.
    pub const fn length(&self) -> usize {
        self.offset(self.stop)
    }

    /// How many of the longest frames the ring takes.
    pub const fn frames(&self) -> u16 {
        ((self.stop - self.start) / Ring::LONGEST_FRAME) as u16
    }

    /// The page that tells the card that everything before `next` is released.
    pub const fn boundary(&self, next: u8) -> u8 {
        if next == self.start {
            self.stop - 1
        } else {
            next - 1
        }
    }

    /// The page that lies `pages` behind `page` in the ring.
    fn advance(&self, page: u8, pages: u8) -> u8 {
        let further = page + pages;
        if further >= self.stop {
            further - (self.stop - self.start)
        } else {
            further
        }
    }
}

/// Where a page begins in the window of a card with a small ring.
pub const fn offset(page: u8) -> usize {
    (page - TRANSMIT_PAGE) as usize * 256
}

/// A received frame in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Bytes of the frame without its check sequence.
    pub length: usize,
    /// Page of the next frame.
    pub next: u8,
}

impl Frame {
    /// Reads the header that the card put at the start of `page`; `None` if it cannot be true, as happens when
    /// the card and the driver disagree about the ring.
    pub fn parse(ring: &Ring, header: [u8; HEADER_LENGTH], page: u8) -> Option<Frame> {
        let [status, next, low, high] = header;
        let count = usize::from(u16::from_le_bytes([low, high]));
        let length = count.checked_sub(CHECK_LENGTH)?;
        let plausible = status & STATUS_RECEIVED_INTACT != 0
            && (ring.start..ring.stop).contains(&next)
            && (ethernet::SHORTEST..=ethernet::LONGEST).contains(&length);
        if !plausible {
            return None;
        }
        // A card may start the next frame a page further than the length asks for.
        let pages = ((HEADER_LENGTH + length) / 256 + 1) as u8;
        let fits = [pages, pages + 1]
            .iter()
            .any(|pages| ring.advance(page, *pages) == next);
        fits.then_some(Frame { length, next })
    }

    /// Where the bytes of the frame at `page` lie: an offset in the window and a length, then the length of
    /// the rest, which lies at the ring's start.
    pub fn pieces(&self, ring: &Ring, page: u8) -> (usize, usize, usize) {
        let start = ring.offset(page) + HEADER_LENGTH;
        let first = self.length.min(ring.length() - start);
        (start, first, self.length - first)
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, Ring, START, STOP, WINDOW_LENGTH, offset};

    const SMALL: Ring = Ring::SMALL;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    #[test]
    fn a_ring_takes_four_of_the_longest_frames_or_eight() {
        assert_eq!((Ring::SMALL.frames(), Ring::LARGE.frames()), (4, 8));
        assert_eq!((Ring::SMALL.length(), Ring::LARGE.length()), (8 << 10, 16 << 10));
    }

    #[test]
    fn a_frame_of_1514_bytes_takes_six_pages() {
        let header = [0x01, 0x2c, 0xee, 0x05];
        assert_eq!(
            Frame::parse(&SMALL, header, 0x26),
            Some(Frame {
                length: 1514,
                next: 0x2c
            })
        );
    }

    #[test]
    fn the_shortest_frame_takes_one_page() {
        assert_eq!(
            Frame::parse(&SMALL, [0x01, 0x27, 64, 0], 0x26),
            Some(Frame {
                length: 60,
                next: 0x27
            })
        );
    }

    #[test]
    fn a_next_page_that_the_length_does_not_lead_to_is_refused() {
        assert_eq!(Frame::parse(&SMALL, [0x01, 0x29, 64, 0], 0x26), None);
        assert_eq!(Frame::parse(&SMALL, [0x01, 0x26, 64, 0], 0x26), None);
    }

    #[test]
    fn a_damaged_frame_is_refused() {
        assert_eq!(Frame::parse(&SMALL, [0x02, 0x27, 64, 0], 0x26), None);
    }

    #[test]
    fn the_boundary_before_the_first_page_is_the_last_page() {
        assert_eq!(
            (SMALL.boundary(START), SMALL.boundary(START + 1)),
            (STOP - 1, START)
        );
    }

    proptest! {
        #[test]
        fn the_pieces_of_an_accepted_frame_lie_in_the_ring(header: [u8; 4], page in START..STOP) {
            if let Some(frame) = Frame::parse(&SMALL, header, page) {
                let (start, first, rest) = frame.pieces(&SMALL, page);
                prop_assert_eq!(first + rest, frame.length);
                prop_assert!(start + first <= WINDOW_LENGTH);
                prop_assert!(offset(START) + rest <= offset(page));
            }
        }

        #[test]
        fn what_a_card_stores_is_accepted(page in START..STOP, length in 60..=1514_usize, late in any::<bool>()) {
            let stored = 4 + length + 4;
            let pages = stored.div_ceil(256) + usize::from(late && stored % 256 == 0);
            let ring = usize::from(STOP - START);
            let next = START + ((usize::from(page - START) + pages) % ring) as u8;
            let [low, high] = (length as u16 + 4).to_le_bytes();
            prop_assert_eq!(Frame::parse(&SMALL, [0x21, next, low, high], page), Some(Frame { length, next }));
        }
    }
}
