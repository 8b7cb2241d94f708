//! Lines that are edited.

use super::{LineDiscipline, line, read, read_at, shown, terminal, type_in};
use crate::line_discipline::LONGEST_LINE;
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};
use proto::terminal::{Character, LocalFlags, Settings};
use std::string::String;
use std::vec::Vec;

#[test]
fn a_line_can_be_read_when_it_is_whole() {
    let mut terminal = terminal(|_| ());
    type_in(&mut terminal, b"hel");
    assert_eq!(read(&mut terminal), None);
    type_in(&mut terminal, b"lo\rtwo\nthr");
    assert_eq!(shown(&mut terminal), "hello\r\ntwo\r\nthr");
    assert_eq!(terminal.readable(), 10);
    assert_eq!(read(&mut terminal), line("hello\n"), "a read gives one line");
    assert_eq!(read_at(&mut terminal, 0, 2), line("tw"));
    assert_eq!(
        read(&mut terminal),
        line("o\n"),
        "and the rest of it the next one"
    );
    assert_eq!(read(&mut terminal), None);
}

#[test]
fn the_end_of_file_character_ends_what_was_typed_or_the_file() {
    let mut terminal = terminal(|_| ());
    type_in(&mut terminal, b"abc\x04\x04d\n");
    assert_eq!(shown(&mut terminal), "abcd\r\n");
    assert_eq!(read(&mut terminal), line("abc"));
    assert_eq!(read(&mut terminal), Some((String::new(), true)));
    assert_eq!(read(&mut terminal), line("d\n"));
    type_in(&mut terminal, b"abc\x04d\n");
    assert_eq!(read_at(&mut terminal, 0, 3), line("abc"));
    assert_eq!(
        read(&mut terminal),
        line("d\n"),
        "no end of file comes of a read that fits"
    );
}

#[test]
fn another_character_can_end_lines_too() {
    let mut terminal = terminal(|settings| {
        settings.characters[Character::EndOfLine as usize] = b';';
    });
    type_in(&mut terminal, b"a;b\n");
    assert_eq!(read(&mut terminal), line("a;"));
    assert_eq!(read(&mut terminal), line("b\n"));
}

#[test]
fn erasing_removes_characters_words_and_lines_from_the_screen() {
    let mut terminal = terminal(|settings| settings.local -= LocalFlags::ECHO_KILL);
    type_in(&mut terminal, b"ab\x08\x7f\x08c");
    assert_eq!(shown(&mut terminal), "ab\x08 \x08\x08 \x08c");
    type_in(&mut terminal, b" two  \x17");
    assert_eq!(
        shown(&mut terminal),
        String::from(" two  ") + &"\x08 \x08".repeat(5)
    );
    type_in(&mut terminal, b"\x15d\n");
    assert_eq!(shown(&mut terminal), "\x08 \x08\x08 \x08d\r\n");
    assert_eq!(read(&mut terminal), line("d\n"));
}

#[test]
fn a_control_character_takes_two_columns_and_a_tab_as_many_as_it_does() {
    let mut terminal = terminal(|_| ());
    terminal.write(b"$ ");
    type_in(&mut terminal, b"a\x01\x08\t\x08");
    let erased = |columns| "\x08 \x08".repeat(columns);
    let expected = String::from("$ a^A") + &erased(2) + "\t" + &erased(5);
    assert_eq!(shown(&mut terminal), expected);
}

#[test]
fn killing_a_line_begins_a_new_one_with_echok() {
    let mut terminal = terminal(|_| ());
    type_in(&mut terminal, b"abc\x15d\n");
    assert_eq!(shown(&mut terminal), "abc^U\r\nd\r\n");
    assert_eq!(read(&mut terminal), line("d\n"));
}

#[test]
fn a_line_is_shown_again_and_goes_on() {
    let mut terminal = terminal(|_| ());
    type_in(&mut terminal, b"ab\x01\x12c\n");
    assert_eq!(shown(&mut terminal), "ab^A^R\r\nab^Ac\r\n");
    assert_eq!(read(&mut terminal), line("ab\x01c\n"));
}

#[test]
fn the_next_character_is_taken_as_it_is() {
    let mut terminal = terminal(|_| ());
    type_in(&mut terminal, b"\x16\x03\x16\x04\x16\n\x16\r\n");
    assert_eq!(terminal.signal(), None);
    assert_eq!(read(&mut terminal), line("\x03\x04\n\r\n"));
    let mut plain = super::terminal(|settings| settings.local -= LocalFlags::EXTENDED);
    type_in(&mut plain, b"\x16\x17\x12\n");
    assert_eq!(read(&mut plain), line("\x16\x17\x12\n"));
}

#[test]
fn without_echo_nothing_is_shown_but_line_feeds_with_echonl() {
    let mut silent = terminal(|settings| settings.local -= LocalFlags::ECHO);
    type_in(&mut silent, b"secret\x08\x15x\n");
    assert_eq!(shown(&mut silent), "");
    let mut breaks = terminal(|settings| {
        settings.local -= LocalFlags::ECHO;
        settings.local |= LocalFlags::ECHO_LINE_FEED;
    });
    type_in(&mut breaks, b"secret\n");
    assert_eq!(shown(&mut breaks), "\r\n");
    let mut plain = terminal(|settings| settings.local -= LocalFlags::ECHO_ERASE | LocalFlags::ECHO_CONTROL);
    type_in(&mut plain, b"a\x08\x01");
    assert_eq!(
        shown(&mut plain),
        "a\x08\x01",
        "the erase character is shown as it is"
    );
}

#[test]
fn a_line_goes_from_one_mode_to_the_other() {
    let mut terminal = terminal(|_| ());
    type_in(&mut terminal, b"one\nabc");
    let usual = Settings::USUAL;
    let mut raw = usual;
    raw.local -= LocalFlags::CANONICAL;
    terminal.set_settings(raw);
    assert_eq!(read_at(&mut terminal, 0, 5), line("one\na"));
    terminal.set_settings(usual);
    assert_eq!(read(&mut terminal), None);
    type_in(&mut terminal, b"\x08d\n");
    assert_eq!(read(&mut terminal), line("bd\n"));
}

/// What is typed at a line, and how a list of characters follows it.
#[derive(Clone, Copy, Debug)]
enum Stroke {
    Character(u8),
    Erase,
    EraseWord,
    Kill,
}

fn stroke() -> impl Strategy<Value = Stroke> {
    any::<u8>().prop_map(|byte| match byte {
        0..30 => Stroke::Erase,
        30..40 => Stroke::EraseWord,
        40..44 => Stroke::Kill,
        44..60 => Stroke::Character(b' '),
        60..66 => Stroke::Character(b'\t'),
        66..74 => Stroke::Character(1),
        _ => Stroke::Character(b'a' + byte % 26),
    })
}

fn model(strokes: &[Stroke]) -> Vec<u8> {
    let mut line: Vec<u8> = Vec::new();
    for stroke in strokes {
        let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        match stroke {
            Stroke::Character(byte) if line.len() < LONGEST_LINE => line.push(*byte),
            Stroke::Character(_) => {}
            Stroke::Erase => drop(line.pop()),
            Stroke::Kill => line.clear(),
            Stroke::EraseWord => {
                while is_space(line.last()) {
                    line.pop();
                }
                while !line.is_empty() && !is_space(line.last()) {
                    line.pop();
                }
            }
        }
    }
    line
}

fn strike(terminal: &mut LineDiscipline, strokes: &[Stroke]) {
    for stroke in strokes {
        let byte = match stroke {
            Stroke::Character(byte) => *byte,
            Stroke::Erase => 0x08,
            Stroke::EraseWord => 0x17,
            Stroke::Kill => 0x15,
        };
        type_in(terminal, &[byte]);
    }
}

/// What a screen of one endless row shows, spaces at its end left out, and where its cursor is.
fn screen(output: &str) -> (String, usize) {
    let (mut cells, mut cursor): (Vec<char>, usize) = (Vec::new(), 0);
    for character in output.chars() {
        match character {
            '\x08' => cursor = cursor.saturating_sub(1),
            '\t' => cursor = (cursor / 8 + 1) * 8,
            '\x07' => {}
            _ => {
                if cells.len() <= cursor {
                    cells.resize(cursor + 1, ' ');
                }
                cells[cursor] = character;
                cursor += 1;
            }
        }
    }
    let text: String = cells.into_iter().collect();
    (text.trim_end().into(), cursor)
}

proptest! {
    #[test]
    fn a_line_is_what_is_left_of_it(strokes in proptest::collection::vec(stroke(), 0..400)) {
        let mut terminal = terminal(|_| ());
        strike(&mut terminal, &strokes);
        type_in(&mut terminal, b"\n");
        let expected = String::from_utf8(model(&strokes)).unwrap() + "\n";
        prop_assert_eq!(read(&mut terminal), line(&expected));
    }

    /// Whatever is erased, the screen shows what is left, as if nothing else had ever been typed.
    #[test]
    fn the_screen_shows_what_is_left(prompt in "[a-z]{0,12}", strokes in proptest::collection::vec(stroke(), 0..120)) {
        let fresh = || {
            let mut fresh = terminal(|settings| settings.local -= LocalFlags::ECHO_KILL);
            fresh.write(prompt.as_bytes());
            fresh
        };
        let (mut edited, mut typed) = (fresh(), fresh());
        strike(&mut edited, &strokes);
        type_in(&mut typed, &model(&strokes));
        prop_assert_eq!(screen(&shown(&mut edited)), screen(&shown(&mut typed)));
    }
}
