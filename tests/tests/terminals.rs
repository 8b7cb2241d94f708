//! Terminals of the kernel: what is typed on COM1 or the keyboard, as a program reads it, and what is shown.

use clock::Span;
use machines::runtime::Runtime;
use tests::{Memory, lab, run_for};

/// A machine whose program tells what comes from a terminal; text is typed after a text has been seen.
fn run(arguments: &str, device: &str, inputs: &[(&str, &str)], milliseconds: u64) -> (Runtime, Memory) {
    let mut text = format!(
        r#"
format = 1
[lab]
name = "terminals"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[image.tty_test]
path = "builtin:tty_test"
[segment.ether0]
kind = "10base2"
length = "30m"
[machine.pc]
memory = "4MB"
cpu = {{ model = "386dx", clock = "40MHz", fpu = "none" }}
nic = {{ mac = "02:60:8c:00:00:01" }}
boot = {{ from = "direct", image = "kernel", args = "peers=0" }}
[[machine.pc.card]]
segment = "ether0"
type = "3c503"
io = 0x280
irq = 3
ram = 0xCC000
[[machine.pc.module]]
image = "tty_test"
args = "{arguments}"
"#
    );
    for (after, typed) in inputs {
        text += &format!(
            "[[input]]\nmachine = \"pc\"\nafter = '{after}'\ntext = \"{typed}\"\ndevice = \"{device}\"\n"
        );
    }
    let lab = lab(&text);
    let images = machines::image::load_all(&lab).expect("built-in programs");
    let mut runtime = Runtime::build(&lab, &images).expect("a lab that can be built");
    let memory = run_for(&mut runtime, Span::from_milliseconds(milliseconds), 1).1;
    let console = memory.console(0);
    assert!(!console.contains("kernel stopped"), "{console}");
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
        ("(?m)^lines", r"hellp\bo wrold\u0017world\r"),
        ("line .hello", r"second\u0003"),
        ("notice", r"third\r\u0004"),
        ("(?m)^keys", "a"),
        ("key 61", r"b\u001C"),
        ("notice 4005", r"\u001Bq"),
    ];
    let (_, memory) = run("", "com1", &inputs, 3_000);
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
        &[("(?m)^lines", r"Hi, 9!\bx\n"), ("line .Hi", r"\u0004")],
        3_000,
    );
    let console = memory.console(0);
    assert_in_order(&console, &["lines", "line \"Hi, 9x\\n\"", "keys"]);
    let screen = runtime.machines()[0].screen();
    assert!(screen.iter().any(|row| row.trim_end() == "Hi, 9x"), "{screen:?}");
}

#[test]
fn a_program_that_writes_much_holds_nobody_up_and_nothing_is_lost() {
    let (_, memory) = run("", "com1", &[("(?m)^lines", &r"x\r".repeat(100))], 6_000);
    let console = memory.console(0);
    assert_eq!(console.matches("line \"x\\n\"").count(), 100, "{console}");
}
