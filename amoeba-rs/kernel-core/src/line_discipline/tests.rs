extern crate std;

mod editing;
mod raw;

use super::{LineDiscipline, Reader, Reading, Received};
use crate::machine::Milliseconds;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proto::terminal::{
    CHARACTERS, ControlFlags, Flow, InputFlags, LocalFlags, OutputFlags, Queue, Settings, Signal,
};
use std::string::String;
use std::vec::Vec;

/// A terminal with the usual settings, changed.
fn terminal(change: impl FnOnce(&mut Settings)) -> LineDiscipline {
    let mut settings = Settings::USUAL;
    change(&mut settings);
    LineDiscipline::new(settings)
}

fn type_in(terminal: &mut LineDiscipline, bytes: &[u8]) {
    for byte in bytes {
        terminal.receive(0, Received::Byte(*byte));
    }
}

/// All that goes to the line now.
fn shown(terminal: &mut LineDiscipline) -> String {
    let bytes: Vec<u8> = core::iter::from_fn(|| terminal.next_output()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a read of up to 1000 bytes gives at once, and whether it is the end.
fn read(terminal: &mut LineDiscipline) -> Option<(String, bool)> {
    read_at(terminal, 0, 1000)
}

fn read_at(terminal: &mut LineDiscipline, now: Milliseconds, wanted: usize) -> Option<(String, bool)> {
    let reader = Reader {
        wanted,
        began: 0,
        deadline: Milliseconds::MAX,
    };
    match terminal.read(now, &reader) {
        Reading::Done { bytes, is_end } => Some((String::from_utf8_lossy(&bytes).into_owned(), is_end)),
        Reading::Waits(_) => None,
    }
}

fn line(text: &str) -> Option<(String, bool)> {
    Some((text.into(), false))
}

#[test]
fn signals_are_typed_shown_and_forget_what_waits() {
    let mut terminal = terminal(|_| ());
    type_in(&mut terminal, b"one\nhal\x03two\n");
    assert_eq!(terminal.signal(), Some(Signal::Interrupt));
    assert_eq!(terminal.signal(), None);
    assert_eq!(
        shown(&mut terminal),
        "^Ctwo\r\n",
        "what was shown before is forgotten too"
    );
    assert_eq!(read(&mut terminal), line("two\n"));
    type_in(&mut terminal, b"\x1c\x1a\x1a");
    assert_eq!(terminal.signal(), Some(Signal::Quit));
    assert_eq!(terminal.signal(), Some(Signal::Suspend));
    assert_eq!(terminal.signal(), None);
}

#[test]
fn a_signal_forgets_nothing_with_noflsh_and_is_a_character_without_isig() {
    let mut keeping = terminal(|settings| settings.local |= LocalFlags::NO_FLUSH);
    type_in(&mut keeping, b"a\x03b\n");
    assert_eq!(keeping.signal(), Some(Signal::Interrupt));
    assert_eq!(read(&mut keeping), line("ab\n"));
    let mut without = terminal(|settings| settings.local -= LocalFlags::SIGNALS);
    type_in(&mut without, b"a\x03b\n");
    assert_eq!(without.signal(), None);
    assert_eq!(read(&mut without), line("a\x03b\n"));
}

#[test]
fn stop_and_start_stop_and_start_output() {
    let mut terminal = terminal(|_| ());
    terminal.write(b"ab");
    type_in(&mut terminal, b"\x13");
    assert!(!terminal.has_output() && !terminal.is_drained());
    assert_eq!(shown(&mut terminal), "");
    type_in(&mut terminal, b"x");
    assert_eq!(shown(&mut terminal), "");
    type_in(&mut terminal, b"\x11");
    assert_eq!(shown(&mut terminal), "abx");
    assert!(terminal.is_drained());
    terminal.flow(Flow::StopOutput);
    terminal.write(b"c");
    type_in(&mut terminal, b"\x11");
    assert_eq!(
        shown(&mut terminal),
        "",
        "a command's stop lasts until a command's start"
    );
    terminal.flow(Flow::StartOutput);
    assert_eq!(shown(&mut terminal), "c");
}

#[test]
fn any_character_starts_output_with_ixany_and_is_taken() {
    let mut terminal = terminal(|settings| settings.input |= InputFlags::ANY_STARTS);
    type_in(&mut terminal, b"\x13\n");
    assert_eq!(shown(&mut terminal), "\r\n");
    assert_eq!(read(&mut terminal), line("\n"));
}

#[test]
fn the_sender_is_stopped_at_three_quarters_and_started_at_one() {
    let mut terminal = terminal(|settings| {
        settings.input |= InputFlags::STOP_SENDER;
        settings.local -= LocalFlags::ECHO;
    });
    let mut typed = 0;
    while !terminal.has_output() {
        type_in(&mut terminal, b"0123456\n");
        typed += 8;
    }
    assert_eq!(typed, super::HIGH_WATER);
    assert_eq!(shown(&mut terminal), "\x13");
    while !terminal.has_output() {
        assert_eq!(read(&mut terminal), line("0123456\n"));
        typed -= 8;
    }
    assert_eq!(typed, super::LOW_WATER);
    assert_eq!(shown(&mut terminal), "\x11");
}

#[test]
fn what_has_no_room_rings_the_bell() {
    let mut terminal = terminal(|_| ());
    for _ in 0..300 {
        type_in(&mut terminal, b"x");
    }
    let text = shown(&mut terminal);
    assert_eq!(text, "x".repeat(255) + &"\x07".repeat(45));
    type_in(&mut terminal, b"\n");
    assert_eq!(read(&mut terminal), line(&("x".repeat(255) + "\n")));
}

#[test]
fn breaks_and_damaged_characters_are_what_the_flags_say() {
    let after = |flags: InputFlags, received: Received| {
        let mut terminal = terminal(|settings| {
            settings.input = flags;
            settings.local = LocalFlags::SIGNALS;
        });
        terminal.receive(0, received);
        let bytes = read(&mut terminal).map(|(text, _)| text);
        (bytes, terminal.signal())
    };
    let none = InputFlags::empty();
    let check = InputFlags::CHECK_PARITY;
    let text = |text: &str| (Some(text.into()), None);
    assert_eq!(after(none, Received::Break), text("\0"));
    assert_eq!(after(InputFlags::IGNORE_BREAK, Received::Break), (None, None));
    assert_eq!(
        after(InputFlags::BREAK_INTERRUPTS, Received::Break),
        (None, Some(Signal::Interrupt))
    );
    assert_eq!(after(none, Received::Damaged(b'a')), text("a"));
    assert_eq!(after(check, Received::Damaged(b'a')), text("\0"));
    assert_eq!(
        after(check | InputFlags::IGNORE_DAMAGED, Received::Damaged(b'a')),
        (None, None)
    );
    let marked = after(check | InputFlags::MARK_DAMAGED, Received::Damaged(b'a'));
    assert_eq!(marked, text("\u{fffd}\0a"));
    let doubled = after(InputFlags::MARK_DAMAGED, Received::Byte(0xff));
    assert_eq!(doubled, text("\u{fffd}\u{fffd}"));
    assert_eq!(after(InputFlags::STRIP, Received::Byte(0xe1)), text("a"));
}

#[test]
fn returns_and_line_feeds_are_translated_both_ways() {
    let typed = |flags: InputFlags, bytes: &[u8]| {
        let mut terminal = terminal(|settings| {
            settings.input = flags;
            settings.local -= LocalFlags::CANONICAL;
        });
        type_in(&mut terminal, bytes);
        read(&mut terminal).map(|(text, _)| text)
    };
    let both = InputFlags::LINE_FEED_TO_RETURN | InputFlags::RETURN_TO_LINE_FEED;
    assert_eq!(typed(InputFlags::empty(), b"\r\n"), Some("\r\n".into()));
    assert_eq!(
        typed(InputFlags::RETURN_TO_LINE_FEED, b"\r\n"),
        Some("\n\n".into())
    );
    assert_eq!(typed(both, b"\r\n"), Some("\n\r".into()));
    assert_eq!(
        typed(both | InputFlags::IGNORE_RETURN, b"\r\n"),
        Some("\r".into())
    );
    let written = |flags: OutputFlags, bytes: &[u8]| {
        let mut terminal = terminal(|settings| settings.output = flags);
        terminal.write(bytes);
        shown(&mut terminal)
    };
    let process = OutputFlags::PROCESS;
    assert_eq!(written(OutputFlags::LINE_FEED_TO_BOTH, b"a\n"), "a\n");
    assert_eq!(written(process | OutputFlags::LINE_FEED_TO_BOTH, b"a\n"), "a\r\n");
    assert_eq!(written(process | OutputFlags::RETURN_TO_LINE_FEED, b"a\r"), "a\n");
    assert_eq!(
        written(process | OutputFlags::NO_RETURN_AT_START, b"\r\ra\r\r"),
        "a\r"
    );
    assert_eq!(
        written(process | OutputFlags::EXPAND_TABS, b"ab\tc\r\td"),
        "ab      c\r        d"
    );
    assert_eq!(
        written(
            process | OutputFlags::LINE_FEED_RETURNS | OutputFlags::EXPAND_TABS,
            b"ab\n\tc"
        ),
        "ab\n        c"
    );
}

#[test]
fn a_hung_up_line_ends_every_read_and_takes_every_write() {
    let mut terminal = terminal(|_| ());
    type_in(&mut terminal, b"last\nhalf");
    terminal.hang_up();
    terminal.hang_up();
    assert_eq!(terminal.signal(), Some(Signal::Hangup));
    assert_eq!(terminal.signal(), None);
    assert_eq!(terminal.write(&[b'x'; 5000]), 5000);
    assert!(terminal.is_drained());
    type_in(&mut terminal, b"\nmore\n");
    assert_eq!(read(&mut terminal), line("last\n"));
    assert_eq!(read(&mut terminal), Some((String::new(), true)));
    terminal.pick_up();
    type_in(&mut terminal, b"\n");
    assert_eq!(read(&mut terminal), line("half\n"));
}

#[test]
fn a_writer_gets_in_what_there_is_room_for() {
    let mut terminal = terminal(|settings| settings.output = OutputFlags::empty());
    let text = [b'a'; 5000];
    assert_eq!(terminal.write(&text), super::MOST_OUTPUT);
    assert_eq!(terminal.write(&text), 0);
    type_in(&mut terminal, b"b");
    assert_eq!(terminal.next_output(), Some(b'a'));
    assert_eq!(terminal.next_output(), Some(b'a'));
    assert_eq!(terminal.write(&text), 1);
    terminal.flush(Queue::Output);
    assert!(terminal.is_drained());
}

fn settings() -> impl Strategy<Value = Settings> {
    let characters = proptest::collection::vec(0_u8..32, CHARACTERS);
    (any::<[u32; 4]>(), characters).prop_map(|(words, characters)| {
        let mut settings = Settings::USUAL;
        settings.input = InputFlags::from_bits_truncate(words[0]);
        settings.output = OutputFlags::from_bits_truncate(words[1]);
        settings.control = ControlFlags::from_bits_truncate(words[2] | 2);
        settings.local = LocalFlags::from_bits_truncate(words[3]);
        settings.characters.copy_from_slice(&characters);
        settings
    })
}

#[derive(Clone, Debug)]
enum Deed {
    Type(Vec<u8>),
    Damage(Received),
    Write(Vec<u8>),
    Read(usize, u64),
    Send(usize),
    Change(Settings),
    Flush(usize),
    Flow(usize),
    HangUp(bool),
}

fn deed() -> impl Strategy<Value = Deed> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..200);
    let controls = proptest::collection::vec(0_u8..35, 0..50);
    let damage = any::<u8>().prop_map(|byte| match byte {
        0..30 => Received::Break,
        _ => Received::Damaged(byte),
    });
    proptest::prop_oneof![
        bytes().prop_map(Deed::Type),
        controls.prop_map(Deed::Type),
        damage.prop_map(Deed::Damage),
        bytes().prop_map(Deed::Write),
        (0_usize..400, 0_u64..2000).prop_map(|(wanted, time)| Deed::Read(wanted, time)),
        (0_usize..3000).prop_map(Deed::Send),
        settings().prop_map(Deed::Change),
        (0_usize..3).prop_map(Deed::Flush),
        (0_usize..4).prop_map(Deed::Flow),
        any::<bool>().prop_map(Deed::HangUp),
    ]
}

proptest! {
    /// Whatever is typed and set, queues keep their bounds, reads give no more than was wanted, and what the discipline says of
    /// itself is so.
    #[test]
    fn nothing_upsets_it(first in settings(), deeds in proptest::collection::vec(deed(), 0..60)) {
        let mut terminal = LineDiscipline::new(first);
        let mut now = 0;
        for deed in deeds {
            match deed {
                Deed::Type(bytes) => bytes.iter().for_each(|byte| terminal.receive(now, Received::Byte(*byte))),
                Deed::Damage(received) => terminal.receive(now, received),
                Deed::Write(bytes) => prop_assert!(terminal.write(&bytes) <= bytes.len()),
                Deed::Read(wanted, time) => {
                    let reader = Reader { wanted, began: now, deadline: now + time };
                    let readable = terminal.readable();
                    match terminal.read(now, &reader) {
                        Reading::Done { bytes, .. } => {
                            prop_assert!(bytes.len() <= wanted);
                            prop_assert_eq!(terminal.readable() + bytes.len(), readable);
                        }
                        Reading::Waits(until) => {
                            prop_assert!(until > now && until <= now + time);
                            now = until;
                            let over = matches!(terminal.read(now, &reader), Reading::Done { .. });
                            prop_assert!(over);
                        }
                    }
                }
                Deed::Send(count) => {
                    for _ in 0..count {
                        let has_output = terminal.has_output();
                        prop_assert_eq!(terminal.next_output().is_some(), has_output);
                    }
                }
                Deed::Change(settings) => terminal.set_settings(settings),
                Deed::Flush(which) => terminal.flush(Queue::ALL[which]),
                Deed::Flow(which) => terminal.flow(Flow::ALL[which]),
                Deed::HangUp(true) => terminal.hang_up(),
                Deed::HangUp(false) => terminal.pick_up(),
            }
            prop_assert!(terminal.waiting() <= super::MOST_INPUT + 1);
            prop_assert!(terminal.output.len() <= super::MOST_OUTPUT + super::ECHO_ROOM + 8);
            prop_assert!(terminal.signals.len() <= 4);
            let ends = terminal.ready.iter().filter(|ready| !matches!(ready, super::Ready::Byte(_))).count();
            prop_assert_eq!(ends, terminal.lines);
        }
    }
}
