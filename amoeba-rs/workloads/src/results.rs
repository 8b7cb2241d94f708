//! What must come out of each workload, calculated from its definition, and what its memory holds at the start.

/// Words of the integer mix's table.
pub const TABLE_WORDS: usize = 1024;
/// Bytes of the message whose CRC is taken.
pub const CRC_BYTES: usize = 4096;
/// Odd numbers in the sieve, from 3 on.
pub const FLAGS: usize = 8192;
/// Pages that a turn of the copying workload writes; it reads as many, each the one in front.
pub const COPIED_PAGES: usize = 16;
/// Dwords of a page.
pub const COPIED_DWORDS: usize = 1024;
/// Pages that are read and written after each load of CR3.
pub const PAGES: usize = 16;

/// Instructions of one turn of the sieve: filling takes 3 for 4 flags, each flag 5, each prime 5 more, each number struck
/// out 4, and the turn itself 7.
pub(crate) const SIEVE_INSTRUCTIONS: u32 = {
    let (primes, struck) = sift();
    3 * (FLAGS as u32 / 4) + 5 * FLAGS as u32 + 5 * primes + 4 * struck + 7
};

/// A step of the generator of the integer mix (Numerical Recipes, 2nd edition, section 7.1: quick and dirty).
fn step(state: u32) -> u32 {
    state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
}

/// A word of the integer mix's table at the start.
#[must_use]
pub fn word_of_table(index: usize) -> u32 {
    (index as u32).wrapping_mul(0x9e37_79b9)
}

pub(crate) fn integer_mix(turns: u32) -> u32 {
    let mut table: [u32; TABLE_WORDS] = core::array::from_fn(word_of_table);
    let (mut key, mut total) = (1, 0_u32);
    for _ in 0..turns {
        key = step(key);
        let word = &mut table[(key >> 22) as usize];
        *word = word.wrapping_add(key);
        let mut place = if *word < key { *word } else { key } >> 24;
        for _ in 0..4 {
            let word = table[place as usize];
            total = total.wrapping_add(if word & 15 == 0 { word } else { word ^ key });
            let byte = total >> 8 & 0xff;
            total = total.wrapping_sub(if byte < 16 { 0 } else { byte });
            place = total % TABLE_WORDS as u32;
        }
    }
    total ^ key
}

/// An entry of the table of CRC-32 (IEEE 802.3, section 3.2.9, least significant bit first).
#[must_use]
pub fn crc_table_entry(index: usize) -> u32 {
    (0..8).fold(index as u32, |remainder, _| divide(remainder))
}

fn divide(remainder: u32) -> u32 {
    remainder >> 1 ^ if remainder & 1 == 0 { 0 } else { 0xedb8_8320 }
}

/// A byte of the message whose CRC is taken.
#[must_use]
pub fn byte_of_message(index: usize) -> u8 {
    (word_of_table(index) >> 24) as u8
}

fn crc_of(message: impl Iterator<Item = u8>) -> u32 {
    // Bit by bit, without the table.
    !message.fold(u32::MAX, |remainder, byte| {
        (0..8).fold(remainder ^ u32::from(byte), |remainder, _| divide(remainder))
    })
}

pub(crate) fn crc(turns: u32) -> u32 {
    let crc = crc_of((0..CRC_BYTES).map(byte_of_message));
    accumulate(turns, crc)
}

/// What turns that all give `value` add up to: the sum is rotated in between, so that every turn counts.
fn accumulate(turns: u32, value: u32) -> u32 {
    (0..turns).fold(0_u32, |sum, _| sum.rotate_left(1).wrapping_add(value))
}

/// Primes among the odd numbers of the sieve, and how often one of them is struck out.
const fn sift() -> (u32, u32) {
    let mut is_struck = [false; FLAGS];
    let (mut primes, mut struck, mut place) = (0, 0, 0);
    while place < FLAGS {
        if !is_struck[place] {
            primes += 1;
            let prime = 2 * place + 3;
            let mut multiple = place + prime;
            while multiple < FLAGS {
                is_struck[multiple] = true;
                struck += 1;
                multiple += prime;
            }
        }
        place += 1;
    }
    (primes, struck)
}

pub(crate) fn sieve(turns: u32) -> u32 {
    const PRIMES: u32 = sift().0;
    accumulate(turns, PRIMES)
}

/// A dword of the page that is copied, at the start; every turn adds one to the first.
#[must_use]
pub fn word_of_page(index: usize) -> u32 {
    word_of_table(index) ^ 0x5555_5555
}

/// The checksum of a page whose first dword is `turns` more than `word` says.
#[must_use]
pub fn copied_checksum(word: impl Fn(usize) -> u32, turns: u32) -> u32 {
    (0..COPIED_DWORDS).fold(turns, |sum, index| {
        let shift = if index == 0 { 0 } else { index as u32 % 32 };
        sum.wrapping_add(word(index).rotate_left(shift))
    })
}

pub(crate) fn calls(turns: u32) -> u32 {
    (0..turns).fold(1_u32, |value, _| {
        value.wrapping_add(3).wrapping_add(1).wrapping_mul(3)
    })
}

/// The checksum of the counters in the pages of two directories.
#[must_use]
pub fn pages_checksum(counter: impl Fn(usize, usize) -> u32) -> u32 {
    (0..2 * PAGES).fold(0_u32, |sum, place| {
        sum.wrapping_mul(31)
            .wrapping_add(counter(place / PAGES, place % PAGES))
    })
}

pub(crate) fn pages(turns: u32) -> u32 {
    // The first directory has the odd turns.
    let turns_of = [turns.div_ceil(2), turns / 2];
    pages_checksum(|directory, _| turns_of[directory])
}

/// 1 + 2 + ... + turns.
pub(crate) fn sum_up_to(turns: u32) -> u32 {
    (u64::from(turns) * (u64::from(turns) + 1) / 2) as u32
}

pub(crate) fn masks(turns: u32) -> u32 {
    (1..=turns).fold(0_u32, |sum, turn| sum.wrapping_add(turn & 0xff | 1))
}

#[cfg(test)]
mod tests {
    use super::{SIEVE_INSTRUCTIONS, crc_of, crc_table_entry, masks, sift, sum_up_to};

    #[test]
    fn the_crc_of_the_digits_is_the_published_one() {
        assert_eq!(crc_of(b"123456789".iter().copied()), 0xcbf4_3926);
    }

    #[test]
    fn the_table_of_the_crc_begins_and_ends_as_published() {
        assert_eq!(
            [crc_table_entry(0), crc_table_entry(1), crc_table_entry(255)],
            [0, 0x7707_3096, 0x2d02_ef8d]
        );
    }

    #[test]
    fn there_are_1899_odd_primes_below_16386() {
        assert_eq!(sift().0, 1899);
    }

    #[test]
    fn a_turn_of_the_sieve_strikes_each_composite_out_once_for_each_of_its_prime_factors() {
        let primes: std::vec::Vec<u32> = (3..=16385)
            .filter(|number| {
                number % 2 == 1
                    && (2..*number)
                        .take_while(|d| d * d <= *number)
                        .all(|d| number % d != 0)
            })
            .collect();
        let strikes = primes
            .iter()
            .map(|prime| (3..=16385 / prime).filter(|factor| factor % 2 == 1).count() as u32)
            .sum::<u32>();
        assert_eq!(sift().1, strikes);
        assert_eq!(SIEVE_INSTRUCTIONS, 6144 + 40960 + 9495 + 4 * strikes + 7);
    }

    #[test]
    fn sums_are_those_of_their_terms() {
        assert_eq!(sum_up_to(100), 5050);
        assert_eq!(masks(4), 1 + 3 + 3 + 5);
    }
}
