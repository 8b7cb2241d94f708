//! At-most-once semantics on the machines themselves: clients on two PCs call a counting server on a third, over a cable that loses,
//! doubles, reorders and delays frames. Each client compares in the end how its calls ended with how often each was executed.

use clock::{Instant, Span};
use tests::amoeba::{Card, Laboratory, Pc};
use tests::{Memory, run_until, tell};

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

fn counting_lab(calls: usize, card: Card, seed: u64) -> Laboratory {
    let server = Pc::new("server").program("counting", format!("-s count {CLIENTS} {calls}"));
    let clients = [("one", 0), ("two", 1)].map(|(name, first)| {
        let clients = (first..CLIENTS).step_by(2);
        Pc::new(name).programs(clients.map(|client| ("counting", format!("count {client} {calls}"))))
    });
    let pcs = [server].into_iter().chain(clients);
    Laboratory::new(pcs.map(|pc| pc.card(card)))
        .seed(seed)
        .tables(FAULTS)
}

/// What the clients have said.
fn words(memory: &Memory) -> Vec<String> {
    let consoles = [1, 2].map(|machine| memory.console(machine));
    let lines = consoles.iter().flat_map(|console| console.split_inclusive('\n'));
    lines
        .filter(|line| line.starts_with("counting:") && line.ends_with('\n'))
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Runs until all clients have ended: their last words.
fn run(lab: &Laboratory) -> Vec<String> {
    let (mut runtime, mut memory) = (lab.stage().start(), Memory::of_consoles());
    let limit = Instant::START + Span::from_seconds(200_000);
    run_until(&mut runtime, &mut memory, limit, 1, |memory| {
        words(memory).len() >= CLIENTS
    });
    for machine in 0..3 {
        memory.assert_sound(machine);
    }
    let words = words(&memory);
    tell(&format!(
        "{} s virtual: {words:#?}\n",
        runtime.now().since(Instant::START).picoseconds() / 1_000_000_000_000
    ));
    words
}

fn check(calls: usize, card: Card, seed: u64) {
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
    check(60, Card::EtherLink, 1);
    check(60, Card::Ne2000, 2);
}

/// 100 000 calls; some minutes.
#[test]
#[ignore = "takes some minutes: run it with --ignored"]
fn a_hundred_thousand_calls_over_a_bad_cable_are_executed_exactly_once_or_fail() {
    check(6_250, Card::EtherLink, 3);
    check(6_250, Card::Ne2000, 4);
}
