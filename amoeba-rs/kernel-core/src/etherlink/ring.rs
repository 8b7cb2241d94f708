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

/// Where a page begins in the window.
pub const fn offset(page: u8) -> usize {
    (page - TRANSMIT_PAGE) as usize * 256
}

/// The page that tells the card that everything before `next` is released.
pub const fn boundary(next: u8) -> u8 {
    if next == START { STOP - 1 } else { next - 1 }
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
    pub fn parse(header: [u8; HEADER_LENGTH], page: u8) -> Option<Frame> {
        let [status, next, low, high] = header;
        let count = usize::from(u16::from_le_bytes([low, high]));
        let length = count.checked_sub(CHECK_LENGTH)?;
        let plausible = status & STATUS_RECEIVED_INTACT != 0
            && (START..STOP).contains(&next)
            && (ethernet::SHORTEST..=ethernet::LONGEST).contains(&length);
        if !plausible {
            return None;
        }
        // A card may start the next frame a page further than the length asks for.
        let pages = ((HEADER_LENGTH + length) / 256 + 1) as u8;
        let fits = [pages, pages + 1].iter().any(|pages| advance(page, *pages) == next);
        fits.then_some(Frame { length, next })
    }

    /// Where the bytes of the frame at `page` lie: an offset in the window and a length, then the length of
    /// the rest, which lies at the ring's start.
    pub fn pieces(&self, page: u8) -> (usize, usize, usize) {
        let start = offset(page) + HEADER_LENGTH;
        let first = self.length.min(WINDOW_LENGTH - start);
        (start, first, self.length - first)
    }
}

/// The page that lies `pages` behind `page` in the ring.
fn advance(page: u8, pages: u8) -> u8 {
    let further = page + pages;
    if further >= STOP { further - (STOP - START) } else { further }
}

#[cfg(test)]
mod tests {
    use super::{Frame, START, STOP, WINDOW_LENGTH, boundary, offset};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    #[test]
    fn a_frame_of_1514_bytes_takes_six_pages() {
        let header = [0x01, 0x2c, 0xee, 0x05];
        assert_eq!(Frame::parse(header, 0x26), Some(Frame { length: 1514, next: 0x2c }));
    }

    #[test]
    fn the_shortest_frame_takes_one_page() {
        assert_eq!(Frame::parse([0x01, 0x27, 64, 0], 0x26), Some(Frame { length: 60, next: 0x27 }));
    }

    #[test]
    fn a_next_page_that_the_length_does_not_lead_to_is_refused() {
        assert_eq!(Frame::parse([0x01, 0x29, 64, 0], 0x26), None);
        assert_eq!(Frame::parse([0x01, 0x26, 64, 0], 0x26), None);
    }

    #[test]
    fn a_damaged_frame_is_refused() {
        assert_eq!(Frame::parse([0x02, 0x27, 64, 0], 0x26), None);
    }

    #[test]
    fn the_boundary_before_the_first_page_is_the_last_page() {
        assert_eq!((boundary(START), boundary(START + 1)), (STOP - 1, START));
    }

    proptest! {
        #[test]
        fn the_pieces_of_an_accepted_frame_lie_in_the_ring(header: [u8; 4], page in START..STOP) {
            if let Some(frame) = Frame::parse(header, page) {
                let (start, first, rest) = frame.pieces(page);
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
            prop_assert_eq!(Frame::parse([0x21, next, low, high], page), Some(Frame { length, next }));
        }
    }
}
