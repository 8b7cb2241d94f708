//! The CRC-32 of IEEE 802.3 (clause 3.2.9) in its two uses: a frame's check sequence, and the hash of the multicast
//! filter (DP8390D data sheet, section 10, Multicast Address Registers).

use wire::{CheckSequence, Frame};

/// Length of a frame's check sequence in bytes.
pub(crate) const LENGTH: usize = 4;

/// The check sequence of `bytes`, in the order in which its bytes cross the cable.
pub(crate) fn of(bytes: &[u8]) -> [u8; LENGTH] {
    crc32fast::hash(bytes).to_le_bytes()
}

/// All that crosses the cable between the start delimiter and the end of `frame`: its bytes and its check sequence.
///
/// The cable does not keep the bytes of a wrong sequence; here they are the complement of the right ones.
pub(crate) fn with_sequence(frame: &Frame) -> Vec<u8> {
    let mut sequence = of(frame.bytes());
    if frame.check() == CheckSequence::Wrong {
        sequence = sequence.map(|byte| !byte);
    }
    [frame.bytes(), &sequence].concat()
}

/// The frame that lies on the cable when a transmitter sends `bytes`, whose last four are the check sequence.
pub(crate) fn frame_of(bytes: &[u8]) -> Frame {
    let (data, sequence) = bytes.split_at(bytes.len().saturating_sub(LENGTH));
    let check = if of(data) == *sequence {
        CheckSequence::Right
    } else {
        CheckSequence::Wrong
    };
    Frame::new(data, check)
}

/// Which of the 64 bits of the multicast filter a destination address selects: the upper six bits that the CRC
/// register holds after the address.
pub(crate) fn multicast_index(address: [u8; 6]) -> usize {
    let register = (!crc32fast::hash(&address)).reverse_bits();
    (register >> 26) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The CRC register of the standard, shifted a bit at a time.
    fn shift_register(bytes: &[u8]) -> u32 {
        let mut register = u32::MAX;
        for byte in bytes {
            for bit in 0..8 {
                let feedback = (register >> 31) ^ u32::from(byte >> bit & 1);
                register <<= 1;
                if feedback == 1 {
                    register ^= 0x04C1_1DB7;
                }
            }
        }
        register
    }

    #[test]
    fn the_check_value_of_crc_32_comes_out() {
        assert_eq!(of(b"123456789"), 0xCBF4_3926_u32.to_le_bytes());
    }

    #[test]
    fn the_multicast_index_is_the_upper_six_bits_of_the_shift_register() {
        for address in [
            [0x01, 0, 0x5E, 0, 0, 1],
            [0xFF; 6],
            [0x03, 1, 2, 3, 4, 5],
            [0x09, 0, 0x2B, 0, 0, 4],
        ] {
            assert_eq!(
                multicast_index(address),
                (shift_register(&address) >> 26) as usize
            );
        }
    }

    #[test]
    fn a_frame_survives_its_way_over_the_cable_with_its_check() {
        for check in [CheckSequence::Right, CheckSequence::Wrong] {
            let frame = Frame::new(b"destination, source, type and data", check);
            assert_eq!(frame_of(&with_sequence(&frame)), frame);
        }
    }

    #[test]
    fn fewer_bytes_than_a_check_sequence_are_a_wrong_one() {
        assert_eq!(frame_of(&[1, 2, 3]), Frame::new(&[], CheckSequence::Wrong));
    }
}
