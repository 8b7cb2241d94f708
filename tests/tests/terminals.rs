//! Terminals of the kernel: what is typed on COM1 or the keyboard, as a program reads it, and what is shown.

use clock::Span;
use machines::runtime::Runtime;
use tests::amoeba::{Laboratory, Pc};
use tests::{Memory, run_for};

/// A machine whose program tells what comes from a terminal; text is typed after a text has been seen.
fn run(arguments: &str, device: &str, inputs: &[(&str, &str)], span: Span) -> (Runtime, Memory) {
    let lab = Laboratory::new([Pc::new("pc").program("tty_test", arguments)]);
    let lab = inputs.iter().fold(lab, |lab, (after, text)| {
        lab.types("pc", device, after, Span::from_milliseconds(1), text)
    });
    let mut runtime = lab.stage().start();
    let memory = run_for(&mut runtime, span, 1).1;
    memory.assert_sound(0);
    (runtime, memory)
}

/// The lines are on the console in this order.
fn assert_in_order(console: &str, lines: &[&str]) {
    let mut rest = console;
    for line in lines {
        let place = rest.find(line);
        assert!(place.is_some(), "no `{line}` where it should be in {console}");
        rest = &rest[place.unwrap_or(0) + line.len()..];
    }
}

#[test]
fn lines_are_edited_on_com1_and_control_characters_are_signals_and_ends() {
    // What is typed behind an interrupt waits for its notice, for it forgets what was shown or typed before.
    let inputs = [
        ("(?m)^lines", "hellp\x08o wrold\x17world\r"),
        ("line .hello", "second\x03"),
        ("notice", "third\r\x04"),
        ("(?m)^keys", "a"),
        ("key 61", "b\x1C"),
        ("notice 4005", "\x1Bq"),
    ];
    let (_, memory) = run("", "com1", &inputs, Span::from_seconds(3));
    let console = memory.console(0);
    assert_in_order(
        &console,
        &[
            "lines\r\n",
            "hellp\x08 \x08o wrold\x08 \x08",
            "world\r\n",
            "line \"hello world\\n\"",
            "^C",
            "notice 3201 signal 2",
            "line \"third\\n\"",
            "keys",
            "key 61",
            "notice 4005 signal 3",
            "key 1b",
            "key 71",
            "0 bytes in time",
            "tty_test done",
            "tty_test exited with status 0",
        ],
    );
    assert_eq!(console.matches("notice ").count(), 2, "{console}");
    assert!(!console.contains("key 62"), "{console}");
    assert!(!console.contains("second\\n"), "{console}");
}

#[test]
fn the_keyboard_and_the_screen_are_a_terminal_too() {
    let (runtime, memory) = run(
        "02:60:8c:00:00:01 tty:01",
        "keyboard",
        &[("(?m)^lines", "Hi, 9!\x08x\n"), ("line .Hi", "\x04")],
        Span::from_seconds(3),
    );
    let console = memory.console(0);
    assert_in_order(&console, &["lines", "line \"Hi, 9x\\n\"", "keys"]);
    let screen = runtime.machines()[0].screen();
    assert!(screen.iter().any(|row| row.trim_end() == "Hi, 9x"), "{screen:?}");
}

#[test]
fn a_program_that_writes_much_holds_nobody_up_and_nothing_is_lost() {
    let typed = "x\r".repeat(100);
    let (_, memory) = run("", "com1", &[("(?m)^lines", &typed)], Span::from_seconds(6));
    let console = memory.console(0);
    assert_eq!(console.matches("line \"x\\n\"").count(), 100, "{console}");
}
