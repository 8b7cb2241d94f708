//! At-most-once semantics on the machines themselves: clients on two PCs call a counting server on a third, over a cable that loses,
//! doubles, reorders and delays frames. Each client compares in the end how its calls ended with how often each was executed.

use clock::{Instant, Span};
use machines::lab::Lab;
use machines::runtime::Runtime;
use tests::{Memory, lab, tell};

/// Client programs, half of them on either of two machines.
const CLIENTS: usize = 8;

/// What a cable does to frames, each rule to those that the ones before have left alone.
const FAULTS: &str = r#"
[[fault]]
kind = "loss"
ethertype = 0x8146
chance = "20%"
[[fault]]
kind = "duplication"
ethertype = 0x8146
chance = "10%"
apart = "3ms"
[[fault]]
kind = "delay"
ethertype = 0x8146
chance = "10%"
least = "1ms"
most = "30ms"
[[fault]]
kind = "reordering"
ethertype = 0x8146
chance = "10%"
"#;

fn counting_lab(calls: usize, card: &str, seed: u64) -> Lab {
    let mut text = format!(
        r#"
format = 1
[lab]
name = "counting"
seed = {seed}
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[image.counting]
path = "builtin:counting"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "4MB"
cpu = {{ model = "386dx", clock = "40MHz", fpu = "none" }}
boot = {{ from = "direct", image = "kernel", args = "peers=0" }}
{FAULTS}"#
    );
    let mut add = |name: &str, number: usize, programs: &[String]| {
        text += &format!(
            "[machine.{name}]\nextends = \"pc\"\nnic = {{ mac = \"02:60:8c:00:00:0{number}\" }}\n\
             [[machine.{name}.card]]\nsegment = \"ether0\"\n{card}\n"
        );
        for arguments in programs {
            text += &format!("[[machine.{name}.module]]\nimage = \"counting\"\nargs = \"{arguments}\"\n");
        }
    };
    add("server", 1, &[format!("-s count {CLIENTS} {calls}")]);
    for machine in 0..2 {
        let clients = (0..CLIENTS).filter(|client| client % 2 == machine);
        let programs: Vec<String> = clients.map(|client| format!("count {client} {calls}")).collect();
        add(["one", "two"][machine], machine + 2, &programs);
    }
    lab(&text)
}

/// Runs until all clients have ended, a minute of virtual time after the other: their last words.
fn run(lab: &Lab) -> Vec<String> {
    let images = machines::image::load_all(lab).expect("built-in programs");
    let mut runtime = Runtime::build(lab, &images).expect("a lab that can be built");
    let mut words = Vec::new();
    let (mut memory, mut limit) = (Memory::default(), Instant::START);
    let last = limit + Span::from_seconds(200_000);
    while words.len() < CLIENTS && limit < last {
        limit += Span::from_seconds(60);
        runtime.run(limit, 1, &mut memory);
        for machine in 0..3 {
            let console = memory.console(machine);
            assert!(!console.contains("kernel stopped"), "{console}");
        }
        let consoles = [1, 2].map(|machine| memory.console(machine));
        let lines = consoles.iter().flat_map(|console| console.lines());
        words = lines
            .filter(|line| line.starts_with("counting:"))
            .map(str::to_owned)
            .collect();
        // Frames are not looked at, and there are very many of them.
        memory
            .happenings
            .retain(|happening| matches!(happening.what, machines::runtime::What::Console { .. }));
    }
    tell(&format!(
        "{} s virtual: {words:#?}\n",
        runtime.now().since(Instant::START).picoseconds() / 1_000_000_000_000
    ));
    words
}

fn check(calls: usize, card: &str, seed: u64) {
    let words = run(&counting_lab(calls, card, seed));
    assert_eq!(words.len(), CLIENTS, "{words:?}");
    let mut failed = 0;
    for line in &words {
        let numbers: Vec<usize> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [all, failures, in_vain, lost, repeated] = numbers[..] else {
            panic!("{line}");
        };
        assert_eq!((all, lost, repeated), (calls, 0, 0), "{line}");
        assert!(in_vain <= failures, "{line}");
        failed += failures;
    }
    assert!(failed * 20 < calls * CLIENTS, "{failed} calls failed");
}

#[test]
fn calls_over_a_bad_cable_are_executed_exactly_once_or_fail() {
    check(60, "type = \"3c503\"\nio = 0x280\nirq = 3\nram = 0xCC000", 1);
    check(60, "type = \"ne2000\"\nio = 0x300\nirq = 5", 2);
}

/// 100 000 calls; some minutes.
#[test]
#[ignore = "takes some minutes: run it with --ignored"]
fn a_hundred_thousand_calls_over_a_bad_cable_are_executed_exactly_once_or_fail() {
    check(6_250, "type = \"3c503\"\nio = 0x280\nirq = 3\nram = 0xCC000", 3);
    check(6_250, "type = \"ne2000\"\nio = 0x300\nirq = 5", 4);
}
