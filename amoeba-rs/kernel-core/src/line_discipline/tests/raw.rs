//! Characters that are read as they come: the four cases of MIN and TIME (POSIX 1003.1, section 11.1.7).

use super::{LineDiscipline, Reader, Reading, Received, terminal, type_in};
use crate::machine::Milliseconds;
use proto::terminal::{Character, LocalFlags};
use std::vec::Vec;

fn raw(minimum: u8, time: u8) -> LineDiscipline {
    terminal(|settings| {
        settings.local -= LocalFlags::CANONICAL | LocalFlags::ECHO;
        settings.characters[Character::Minimum as usize] = minimum;
        settings.characters[Character::Time as usize] = time;
    })
}

/// How a read of ten bytes that began at 1000 stands.
fn look(terminal: &mut LineDiscipline, now: Milliseconds) -> Result<Vec<u8>, Milliseconds> {
    let reader = Reader {
        wanted: 10,
        began: 1000,
        deadline: 90_000,
    };
    match terminal.read(now, &reader) {
        Reading::Done { bytes, is_end } => {
            assert!(!is_end);
            Ok(bytes)
        }
        Reading::Waits(until) => Err(until),
    }
}

fn type_at(terminal: &mut LineDiscipline, now: Milliseconds, bytes: &[u8]) {
    for byte in bytes {
        terminal.receive(now, Received::Byte(*byte));
    }
}

#[test]
fn with_minimum_and_time_the_time_counts_between_characters() {
    let mut terminal = raw(3, 5);
    assert_eq!(
        look(&mut terminal, 1000),
        Err(90_000),
        "no time before the first one"
    );
    type_at(&mut terminal, 2000, b"a");
    assert_eq!(look(&mut terminal, 2000), Err(2500));
    type_at(&mut terminal, 2400, b"b");
    assert_eq!(look(&mut terminal, 2500), Err(2900));
    assert_eq!(look(&mut terminal, 2900), Ok(b"ab".to_vec()));
    type_at(&mut terminal, 3000, b"abcd");
    assert_eq!(look(&mut terminal, 3000), Ok(b"abcd".to_vec()));
}

#[test]
fn with_a_minimum_alone_a_read_waits_for_that_many() {
    let mut terminal = raw(3, 0);
    type_at(&mut terminal, 1000, b"ab");
    assert_eq!(look(&mut terminal, 50_000), Err(90_000));
    type_at(&mut terminal, 50_000, b"c");
    assert_eq!(look(&mut terminal, 50_000), Ok(b"abc".to_vec()));
    // Nobody waits for more than there is room for.
    let mut large = raw(200, 0);
    type_at(&mut large, 1000, b"0123456789ab");
    assert_eq!(look(&mut large, 1000), Ok(b"0123456789".to_vec()));
}

#[test]
fn with_a_time_alone_a_read_is_over_with_a_character_or_after_it() {
    let mut terminal = raw(0, 20);
    assert_eq!(look(&mut terminal, 1000), Err(3000));
    type_at(&mut terminal, 1500, b"a");
    assert_eq!(look(&mut terminal, 1500), Ok(b"a".to_vec()));
    assert_eq!(look(&mut terminal, 3000), Ok(Vec::new()));
}

#[test]
fn with_neither_a_read_takes_what_there_is() {
    let mut terminal = raw(0, 0);
    assert_eq!(look(&mut terminal, 1000), Ok(Vec::new()));
    type_at(&mut terminal, 1000, b"a\x04\x15");
    assert_eq!(look(&mut terminal, 1000), Ok(b"a\x04\x15".to_vec()));
}

#[test]
fn a_read_with_a_deadline_is_over_then() {
    let mut terminal = raw(5, 0);
    type_at(&mut terminal, 1000, b"ab");
    assert_eq!(look(&mut terminal, 90_000), Ok(b"ab".to_vec()));
    let mut lines = super::terminal(|_| ());
    type_in(&mut lines, b"half a line");
    assert_eq!(look(&mut lines, 89_999), Err(90_000));
    assert_eq!(look(&mut lines, 90_000), Ok(Vec::new()), "half a line is no line");
    type_in(&mut lines, b"\n");
    assert_eq!(look(&mut lines, 90_000), Ok(b"half a lin".to_vec()));
}
