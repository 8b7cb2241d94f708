//! The directory servers on whole machines, started by boot servers from disks that were made for it: a program elsewhere uses them, and
//! goes on when one of two machines loses its power. The disks are good afterwards.

use amoeba_disks::check;
use clock::{Instant, Span};
use machines::machine::{PowerEvent, TornSector};
use tests::amoeba::{Laboratory, Pc};
use tests::servers::{one_disk, server, two_disks};
use tests::{Memory, run_for};

/// The machine of a program that uses the directory servers.
fn client(arguments: &str) -> Pc {
    Pc::new("client")
        .memory(8)
        .station(9)
        .program("soap_test", arguments)
}

fn expect(memory: &Memory, machine: usize, lines: &[&str]) {
    memory.assert_told(machine, lines);
    memory.assert_sound(machine);
    let console = memory.console(machine);
    assert!(!console.contains("exception"), "{console}");
}

#[test]
fn a_program_elsewhere_makes_changes_and_removes_directories() {
    let (made, disk) = one_disk();
    let root = made.root.expect("a directory server").to_string();
    let stage = Laboratory::new([server("a", disk), client(&root)]).stage();
    let memory = run_for(&mut stage.start(), Span::from_seconds(20), 1).1;
    expect(
        &memory,
        0,
        &[
            "boot: bullet is up",
            "soap: serving",
            "boot: soap is up",
            "amoeba ready",
        ],
    );
    expect(&memory, 1, &["TEST OK", "soap_test exited with status 0"]);
    assert_eq!(check(&[("a", &stage.disk("a"))]).findings, []);
}

/// The number that stands before `word` in a line of the client's.
fn number_before(console: &str, word: &str) -> u32 {
    let words: Vec<&str> = console.split_whitespace().collect();
    let place = words.windows(2).position(|pair| pair[1] == word);
    let number = place.and_then(|place| words[place].parse().ok());
    number.unwrap_or_else(|| panic!("a number before {word}: {console}"))
}

/// One machine of two loses its power while names are added, and gets it back; then the other one does.
#[test]
fn updates_and_lookups_go_on_with_one_server_of_two_and_the_other_catches_up() {
    let (made, disks) = two_disks();
    let root = made.root.expect("a directory server");
    let [first, second] = ["a", "b"].map(|name| server(name, disks[name].clone()));
    let stage = Laboratory::new([first, second, client(&format!("-t 120 {root}"))]).stage();
    let mut runtime = stage.start();
    for (machine, off, on) in [(0, 15, 60), (1, 90, 105)] {
        let at = |seconds| Instant::START + Span::from_seconds(seconds);
        runtime.schedule_power(machine, at(off), PowerEvent::Off(TornSector::Old));
        runtime.schedule_power(machine, at(on), PowerEvent::On);
    }
    let memory = run_for(&mut runtime, Span::from_seconds(170), 1).1;
    expect(&memory, 2, &["TEST OK", "soap_test exited with status 0"]);
    for machine in 0..2 {
        let console = memory.console(machine);
        let served = console.lines().filter(|line| *line == "soap: serving").count();
        assert_eq!(served, 2, "it serves again after the cut: {console}");
    }
    let console = memory.console(2);
    // A client's kernel notices a silent server in some 13 s, its server the other one in three tries of 10 s each.
    let longest: Vec<u32> = console
        .lines()
        .filter(|line| line.contains("the longest update"))
        .flat_map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()))
        .collect();
    let [names, update, lookup] = longest[..] else {
        panic!("{console}")
    };
    assert_eq!(names, number_before(&console, "names,"));
    assert!(names > 60, "{console}");
    assert!((20_000..60_000).contains(&update), "{console}");
    assert!(lookup < 30_000, "{console}");
    let [first, second] = ["a", "b"].map(|name| stage.disk(name));
    assert_eq!(check(&[("a", &first), ("b", &second)]).findings, []);
}
