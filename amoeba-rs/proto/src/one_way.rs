//! The one-way function that turns a get-port into its put-port and protects the rights of a capability.
//!
//! Amoeba uses a variant of DES on 48-bit blocks with permutation tables of its own. The facts at hand do
//! not give those tables, so this is standard DES (FIPS 46-3): the 48 bits of the port, six to a byte, are
//! the key, the plaintext is zero, and the first 48 bits of the ciphertext are the result. Ports made here
//! therefore differ from those of the original, which a closed system cannot see.

use crate::capability::Port;

/// The put-port of a get-port. The null port stays null, and no other port becomes null.
pub fn one_way(port: Port) -> Port {
    if port == Port::NULL {
        return Port::NULL;
    }
    let mut port_bits = [0; 8];
    port_bits[..6].copy_from_slice(&port.0);
    let port_bits = u64::from_le_bytes(port_bits);
    // DES ignores the lowest bit of each key byte, so the six bits lie above it.
    let key = core::array::from_fn(|place| ((port_bits >> (6 * place)) as u8 & 0x3f) << 1);
    let ciphertext = encrypt(u64::from_be_bytes(key), 0).to_be_bytes();
    let mut result = Port::NULL;
    result.0.copy_from_slice(&ciphertext[..6]);
    if result == Port::NULL {
        result.0[0] = 1;
    }
    result
}

/// The put-ports of get-ports that were used lately: 32 sets of two, as the function takes a 386 about a millisecond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Get-port and put-port, in each set the one used last first. Null leads to null.
    sets: [[(Port, Port); 2]; 32],
}

impl Cache {
    /// An empty cache.
    pub const fn new() -> Cache {
        Cache {
            sets: [[(Port::NULL, Port::NULL); 2]; 32],
        }
    }

    /// The put-port of a get-port: [`one_way`].
    pub fn put_port(&mut self, get_port: Port) -> Port {
        let place = get_port.0.iter().fold(0, |sum, byte| sum ^ byte) % 32;
        let set = &mut self.sets[usize::from(place)];
        if set[0].0 != get_port {
            set.swap(0, 1);
            if set[0].0 != get_port {
                set[0] = (get_port, one_way(get_port));
            }
        }
        set[0].1
    }
}

impl Default for Cache {
    fn default() -> Cache {
        Cache::new()
    }
}

/// One block of DES.
pub(crate) fn encrypt(key: u64, plaintext: u64) -> u64 {
    let block = permute_block(plaintext, &INITIAL_PERMUTATION);
    let (mut left, mut right) = ((block >> 32) as u32, block as u32);
    let halves = permute_block(key, &PERMUTED_CHOICE_1);
    let mut halves = [(halves >> 28) as u32, halves as u32 & HALF_KEY];
    for shift in SHIFTS {
        halves = halves.map(|half| (half << shift | half >> (28 - shift)) & HALF_KEY);
        let round_key = [choose(halves[0], &CHOICES[0]), choose(halves[1], &CHOICES[1])];
        (left, right) = (right, left ^ scramble(right, round_key));
    }
    permute_block(u64::from(right) << 32 | u64::from(left), &FINAL_PERMUTATION)
}

/// The 28 bits of half a key.
const HALF_KEY: u32 = 0xfff_ffff;

/// The function of a round: expand, mix with the key, substitute, permute. Expanded, every four bits have their
/// neighbours beside them. Written out, because the compiler, told to save space, would make slow loops of it.
fn scramble(half: u32, [left, right]: [u32; 2]) -> u32 {
    let half = half.rotate_right(1);
    let six = |turned: u32, key: u32| ((turned >> 26 ^ key) & 0x3f) as usize;
    BOXES[0][six(half, left >> 18)]
        | BOXES[1][six(half.rotate_left(4), left >> 12)]
        | BOXES[2][six(half.rotate_left(8), left >> 6)]
        | BOXES[3][six(half.rotate_left(12), left)]
        | BOXES[4][six(half.rotate_left(16), right >> 18)]
        | BOXES[5][six(half.rotate_left(20), right >> 12)]
        | BOXES[6][six(half.rotate_left(24), right >> 6)]
        | BOXES[7][six(half.rotate_left(28), right)]
}

/// Half a round key from half of the key's bits, by seven bits at a time.
fn choose(half: u32, choices: &[[u32; 128]; 4]) -> u32 {
    let seven = |bits: u32| (bits & 0x7f) as usize;
    choices[0][seven(half >> 21)]
        | choices[1][seven(half >> 14)]
        | choices[2][seven(half >> 7)]
        | choices[3][seven(half)]
}

/// What each box substitutes for six bits, where the round's permutation puts it.
static BOXES: [[u32; 64]; 8] = {
    let mut boxes = [[0; 64]; 8];
    let mut number = 0;
    while number < 8 {
        let mut six = 0;
        while six < 64 {
            let place = (six >> 4 & 2 | six & 1) * 16 + (six >> 1 & 15);
            let substituted = (SUBSTITUTIONS[number][place] as u64) << (28 - 4 * number);
            boxes[number][six] = permute(substituted, 32, &ROUND_PERMUTATION) as u32;
            six += 1;
        }
        number += 1;
    }
    boxes
};

/// What each seven bits of either half of a key bring into its half of a round key.
static CHOICES: [[[u32; 128]; 4]; 2] = {
    let mut choices = [[[0; 128]; 4]; 2];
    let mut group = 0;
    while group < 8 {
        let mut seven = 0;
        while seven < 128 {
            let chosen = permute((seven as u64) << (49 - 7 * group), 56, &PERMUTED_CHOICE_2);
            choices[group / 4][group % 4][seven] = (chosen >> (24 * (1 - group / 4))) as u32 & 0xff_ffff;
            seven += 1;
        }
        group += 1;
    }
    choices
};

/// Picks bits of a block, as [`permute`] does, by its bytes: shifts of 64 bits are slow on a 386.
fn permute_block(block: u64, table: &[u8]) -> u64 {
    let bytes = block.to_be_bytes();
    table.iter().fold(0, |result, &place| {
        let place = usize::from(place - 1);
        result << 1 | u64::from(bytes[place / 8] >> (7 - place % 8) & 1)
    })
}

/// Picks bits of a `width`-bit value; a table counts from 1 at the most significant bit, as the standard does.
const fn permute(value: u64, width: u8, table: &[u8]) -> u64 {
    let (mut result, mut place) = (0, 0);
    while place < table.len() {
        result = result << 1 | value >> (width - table[place]) & 1;
        place += 1;
    }
    result
}

const SHIFTS: [u32; 16] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];

#[rustfmt::skip]
const INITIAL_PERMUTATION: [u8; 64] = [
    58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4,
    62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8,
    57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3,
    61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
];

#[rustfmt::skip]
const FINAL_PERMUTATION: [u8; 64] = [
    40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31,
    38, 6, 46, 14, 54, 22, 62, 30, 37, 5, 45, 13, 53, 21, 61, 29,
    36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27,
    34, 2, 42, 10, 50, 18, 58, 26, 33, 1, 41, 9, 49, 17, 57, 25,
];

#[rustfmt::skip]
const ROUND_PERMUTATION: [u8; 32] = [
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
    2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
];

#[rustfmt::skip]
const PERMUTED_CHOICE_1: [u8; 56] = [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
    63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
];

#[rustfmt::skip]
const PERMUTED_CHOICE_2: [u8; 48] = [
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
    41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];

#[rustfmt::skip]
const SUBSTITUTIONS: [[u8; 64]; 8] = [
    [
        14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8,
        4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13,
    ],
    [
        15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5,
        0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9,
    ],
    [
        10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1,
        13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12,
    ],
    [
        7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9,
        10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14,
    ],
    [
        2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6,
        4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3,
    ],
    [
        12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8,
        9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13,
    ],
    [
        4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6,
        1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12,
    ],
    [
        13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2,
        7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11,
    ],
];

#[cfg(test)]
mod tests {
    use super::{Cache, encrypt, one_way};
    use crate::capability::Port;
    use proptest::prelude::{prop_assert_ne, proptest};

    #[test]
    fn des_gives_the_published_ciphertexts() {
        assert_eq!(
            encrypt(0x1334_5779_9bbc_dff1, 0x0123_4567_89ab_cdef),
            0x85e8_1354_0f0a_b405
        );
        assert_eq!(encrypt(0, 0), 0x8ca6_4de9_c1b1_23a7);
        assert_eq!(encrypt(!0, !0), 0x7359_b216_3e4e_dc58);
    }

    #[test]
    fn the_null_port_stays_null() {
        assert_eq!(one_way(Port::NULL), Port::NULL);
    }

    proptest! {
        #[test]
        fn the_cache_gives_what_the_function_gives(ports in proptest::collection::vec(0..200_u8, 0..200)) {
            let mut cache = Cache::new();
            for number in ports {
                let port = Port([number, number / 3, 0, 0, 0, 0]);
                proptest::prop_assert_eq!(cache.put_port(port), one_way(port));
            }
        }

        #[test]
        fn ports_that_differ_in_one_bit_have_different_put_ports(bytes: [u8; 6], bit in 0..48_usize) {
            let mut other = bytes;
            other[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(one_way(Port(bytes)), one_way(Port(other)));
        }
    }
}
