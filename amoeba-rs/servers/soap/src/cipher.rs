//! ChaCha20 (RFC 8439, 2.4): a stream of bytes that only the key's holder can make. It needs additions, rotations and
//! exclusive ors of 32 bits alone, so that a 386 makes it quickly.

/// Bytes of a key.
pub const KEY: usize = 32;
/// Bytes of a number that is used once with a key.
pub const NONCE: usize = 12;

const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Mixes `bytes` with the stream of key and nonce: encrypts, and decrypts when done again.
pub fn mix(key: &[u8; KEY], nonce: &[u8; NONCE], bytes: &mut [u8]) {
    for (counter, chunk) in (0..).zip(bytes.chunks_mut(64)) {
        let stream = block(key, counter, nonce);
        chunk
            .iter_mut()
            .zip(stream)
            .for_each(|(byte, mask)| *byte ^= mask);
    }
}

fn word(bytes: &[u8], place: usize) -> u32 {
    let four = &bytes[4 * place..4 * place + 4];
    u32::from_le_bytes([four[0], four[1], four[2], four[3]])
}

fn block(key: &[u8; KEY], counter: u32, nonce: &[u8; NONCE]) -> [u8; 64] {
    let start: [u32; 16] = core::array::from_fn(|place| match place {
        0..4 => CONSTANTS[place],
        4..12 => word(key, place - 4),
        12 => counter,
        _ => word(nonce, place - 13),
    });
    let mut state = start;
    for _ in 0..10 {
        for column in 0..4 {
            quarter(&mut state, [column, column + 4, column + 8, column + 12]);
        }
        for row in 0..4 {
            quarter(
                &mut state,
                [row, 4 + (row + 1) % 4, 8 + (row + 2) % 4, 12 + (row + 3) % 4],
            );
        }
    }
    let mut bytes = [0; 64];
    for (place, chunk) in bytes.chunks_mut(4).enumerate() {
        chunk.copy_from_slice(&state[place].wrapping_add(start[place]).to_le_bytes());
    }
    bytes
}

/// A quarter round.
fn quarter(state: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    for (target, source, mixed, turn) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        state[target] = state[target].wrapping_add(state[source]);
        state[mixed] = (state[mixed] ^ state[target]).rotate_left(turn);
    }
}

#[cfg(test)]
mod tests {
    use super::{block, mix};

    #[test]
    fn the_block_of_rfc_8439_2_3_2_comes_out() {
        let key = core::array::from_fn(|place| place as u8);
        let nonce = [0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0];
        let stream = block(&key, 1, &nonce);
        assert_eq!(
            stream[..16],
            [
                0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71,
                0xc4
            ]
        );
        assert_eq!(
            stream[48..],
            [
                0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c,
                0x4e
            ]
        );
    }

    #[test]
    fn mixing_twice_gives_the_bytes_back() {
        let bytes: [u8; 200] = core::array::from_fn(|place| place as u8);
        let mut mixed = bytes;
        mix(&[7; 32], &[1; 12], &mut mixed);
        assert!(
            bytes
                .iter()
                .zip(&mixed)
                .filter(|(one, other)| one == other)
                .count()
                < 10
        );
        mix(&[7; 32], &[1; 12], &mut mixed);
        assert_eq!(mixed, bytes);
    }
}
