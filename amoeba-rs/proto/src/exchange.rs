//! The numbered test frames with which two kernels try out their network, in frames of the local
//! experimental type.
//!
//! After the Ethernet header come 20 bytes, least significant byte first, then the payload:
//!
//! | at | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic number |
//! | 4 | 1 | kind |
//! | 5 | 1 | reserved, zero |
//! | 6 | 2 | length of the payload in bytes |
//! | 8 | 4 | sequence number |
//! | 12 | 4 | check over the payload |
//! | 16 | 4 | reserved, zero |
//!
//! The sender is the source of the Ethernet header. A payload may be followed by padding.
//! What a frame with a given number looks like is known to both sides: [`frame_length`].

use crate::ethernet::{self, Address};
use crate::{Error, array};

/// Where the payload begins in a frame.
pub const PAYLOAD_START: usize = ethernet::HEADER_LENGTH + 20;
/// Tells these frames from other experiments.
pub const MAGIC: u32 = 0x4558_4d41;

codes! {
    /// What a test frame says.
    Kind: u8 {
        /// To everyone: I am here and still look for others.
        Hello = 1,
        /// To one that said hello: I am here too.
        Here = 2,
        /// A numbered frame with payload.
        Data = 3,
        /// I have every data frame below the sequence number.
        Acknowledge = 4,
    }
}

/// The header of a test frame, Ethernet's included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Who shall receive it.
    pub destination: Address,
    /// Who sent it.
    pub source: Address,
    /// What it says.
    pub kind: Kind,
    /// Number of a data frame, or the first number that an acknowledgement does not cover.
    pub sequence: u32,
}

impl Header {
    /// Reads a frame: its header and its payload, whose length and check are right.
    /// `None` if the frame is not of this kind at all.
    pub fn parse(frame: &[u8]) -> Option<Result<(Header, &[u8]), Error>> {
        let link = ethernet::Header::parse(frame).ok()?;
        (link.ethertype == ethernet::ETHERTYPE_EXPERIMENT).then(|| Header::parse_body(link, frame))
    }

    fn parse_body(link: ethernet::Header, frame: &[u8]) -> Result<(Header, &[u8]), Error> {
        let body = &frame[ethernet::HEADER_LENGTH..];
        if u32::from_le_bytes(array(body, 0)?) != MAGIC {
            return Err(Error::Magic);
        }
        let [kind] = array(body, 4)?;
        let kind = Kind::from_code(kind).ok_or(Error::Kind(kind))?;
        let length = usize::from(u16::from_le_bytes(array(body, 6)?));
        let sequence = u32::from_le_bytes(array(body, 8)?);
        let expected = u32::from_le_bytes(array(body, 12)?);
        let payload = frame
            .get(PAYLOAD_START..PAYLOAD_START + length)
            .ok_or(Error::Length)?;
        if check(payload) != expected {
            return Err(Error::Check);
        }
        Ok((
            Header {
                destination: link.destination,
                source: link.source,
                kind,
                sequence,
            },
            payload,
        ))
    }

    /// Writes the header in front of the payload that `frame` already holds from [`PAYLOAD_START`] to its end.
    ///
    /// # Panics
    /// If `frame` is shorter than [`PAYLOAD_START`] or longer than [`ethernet::LONGEST`].
    pub fn emit(&self, frame: &mut [u8]) {
        assert!(
            frame.len() <= ethernet::LONGEST,
            "a frame longer than Ethernet allows"
        );
        let (header, payload) = frame.split_at_mut(PAYLOAD_START);
        let link = ethernet::Header {
            destination: self.destination,
            source: self.source,
            ethertype: ethernet::ETHERTYPE_EXPERIMENT,
        };
        header.fill(0);
        header[..ethernet::HEADER_LENGTH].copy_from_slice(&link.emit());
        let body = &mut header[ethernet::HEADER_LENGTH..];
        body[0..4].copy_from_slice(&MAGIC.to_le_bytes());
        body[4] = self.kind.code();
        body[6..8].copy_from_slice(&(payload.len() as u16).to_le_bytes());
        body[8..12].copy_from_slice(&self.sequence.to_le_bytes());
        body[12..16].copy_from_slice(&check(payload).to_le_bytes());
    }
}

/// Length in bytes of the data frame with this number: the shortest and the longest come first, then sizes
/// that look random.
pub fn frame_length(sequence: u32) -> usize {
    match sequence {
        0 => ethernet::SHORTEST,
        1 => ethernet::LONGEST,
        _ => {
            let span = (ethernet::LONGEST - ethernet::SHORTEST + 1) as u32;
            ethernet::SHORTEST + (scatter(sequence) % span) as usize
        }
    }
}

/// Fills the payload of the data frame with this number.
pub fn fill_payload(sequence: u32, payload: &mut [u8]) {
    let mut state = scatter(sequence) | 1;
    for bytes in payload.chunks_mut(4) {
        state = xorshift(state);
        bytes.copy_from_slice(&state.to_le_bytes()[..bytes.len()]);
    }
}

/// The next number of a xorshift generator (Marsaglia 2003, "Xorshift RNGs", shifts 13, 17, 5); zero stays zero.
pub fn xorshift(mut state: u32) -> u32 {
    state ^= state << 13;
    state ^= state >> 17;
    state ^ state << 5
}

/// Spreads neighbouring numbers over the whole range (multiplication by 2^32 divided by the golden ratio).
pub fn scatter(number: u32) -> u32 {
    let product = number.wrapping_mul(0x9e37_79b9);
    product ^ product >> 15
}

/// Fletcher's checksum with 32 bits over the bytes of a payload (Fletcher 1982), sums modulo 65535.
fn check(payload: &[u8]) -> u32 {
    let (mut sum, mut sum_of_sums) = (0xffff_u32, 0xffff_u32);
    // 256 bytes keep the sum of sums below 2^32: 65535 + 256 * (65535 + 256 * 255).
    for bytes in payload.chunks(256) {
        for byte in bytes {
            sum += u32::from(*byte);
            sum_of_sums += sum;
        }
        sum %= 0xffff;
        sum_of_sums %= 0xffff;
    }
    sum_of_sums << 16 | sum
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Header, Kind, PAYLOAD_START, fill_payload, frame_length};
    use crate::Error;
    use crate::ethernet::{Address, LONGEST, SHORTEST};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use std::vec;
    use std::vec::Vec;

    fn data(sequence: u32) -> (Header, Vec<u8>) {
        let mut frame = vec![0; frame_length(sequence)];
        fill_payload(sequence, &mut frame[PAYLOAD_START..]);
        let (destination, source) = (Address([4; 6]), Address([2; 6]));
        let header = Header {
            destination,
            source,
            kind: Kind::Data,
            sequence,
        };
        header.emit(&mut frame);
        (header, frame)
    }

    #[test]
    fn the_first_thousand_sizes_spread_from_the_shortest_to_the_longest() {
        let sizes: Vec<usize> = (0..1000).map(frame_length).collect();
        for low in (SHORTEST..LONGEST - 100).step_by(100) {
            assert!(
                sizes.iter().any(|size| (low..low + 100).contains(size)),
                "none from {low}"
            );
        }
    }

    #[test]
    fn a_frame_of_another_type_is_not_an_exchange_frame() {
        let (_, mut frame) = data(0);
        frame[12] = 0x81;
        assert_eq!(Header::parse(&frame), None);
    }

    #[test]
    fn a_frame_that_is_cut_short_is_noticed() {
        let (_, frame) = data(1);
        assert_eq!(Header::parse(&frame[..1513]), Some(Err(Error::Length)));
        assert_eq!(Header::parse(&frame[..29]), Some(Err(Error::Truncated)));
    }

    #[test]
    fn padding_is_not_payload() {
        let (header, mut frame) = data(0);
        frame.extend([0xee; 4]);
        let parsed = Header::parse(&frame).unwrap().unwrap();
        assert_eq!((parsed.0, parsed.1.len()), (header, SHORTEST - PAYLOAD_START));
    }

    proptest! {
        #[test]
        fn a_data_frame_reads_back(sequence: u32) {
            let (header, frame) = data(sequence);
            prop_assert!((SHORTEST..=LONGEST).contains(&frame.len()));
            prop_assert_eq!(Header::parse(&frame), Some(Ok((header, &frame[PAYLOAD_START..]))));
        }

        #[test]
        fn one_changed_bit_of_the_payload_is_noticed(sequence: u32, place: proptest::sample::Index, bit in 0..8_u32) {
            let (_, mut frame) = data(sequence);
            let place = PAYLOAD_START + place.index(frame.len() - PAYLOAD_START);
            frame[place] ^= 1 << bit;
            prop_assert_eq!(Header::parse(&frame), Some(Err(Error::Check)));
        }

        #[test]
        fn no_bytes_make_parsing_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut typed = bytes.clone();
            if typed.len() > 18 {
                typed[12..18].copy_from_slice(&[0x88, 0xb5, 0x41, 0x4d, 0x58, 0x45]);
            }
            prop_assert!(Header::parse(&bytes).is_none() || bytes[12..14] == [0x88, 0xb5]);
            prop_assert!(typed.len() <= 18 || Header::parse(&typed).is_some());
        }
    }
}
