//! Migrations of which any frame is lost, or in the middle of which any machine loses its power: a process runs on one machine at
//! most, and only on none if it was lost with its machine. Each run begins with a copy of the lab as it was just before.

use clock::{Instant, Span};
use machines::machine::{PowerEvent, TornSector};
use machines::runtime::Runtime;
use tests::Memory;
use tests::moves::{BETWEEN, DESTINATION, Journey, PEER, SOURCE, Stage, THIRD, count};
use wire::{Chance, Deed, FaultRule, Matcher, Place, Turns};

/// How long others may need until they know what has become of a machine.
const LONGEST: Span = Span::from_milliseconds(240_000);

/// A migration of a process without more memory than it needs, which tells that it lives at the beginning and after half a second.
fn small(way: &str) -> Journey {
    let arguments = format!("{way} ballast {BETWEEN}");
    let stage = Stage::new("", &[&[("ballast", "0 2")], &[], &[("migrate", &arguments)]]);
    let journey = Journey::new(&stage);
    assert!(journey.frames.len() > 30, "{}", journey.frames.len());
    journey
}

/// Whether the process has told that it lives for the last time. Its owner is told how it ends, so the console may not be.
fn is_through(memory: &Memory) -> bool {
    count(memory, SOURCE, "turn 1, 0 Kbytes are as they were") > 0
}

/// How often the process has ended well, on any machine.
fn ends(memory: &Memory) -> usize {
    [SOURCE, DESTINATION]
        .map(|machine| count(memory, machine, "ballast exited with status 0"))
        .iter()
        .sum()
}

/// Each of its turns was seen once at most, and the last one was seen.
fn check_turns(memory: &Memory, what: &str) {
    let source = memory.console(SOURCE);
    for turn in 0..2 {
        let line = format!("turn {turn}, 0 Kbytes are as they were");
        assert!(count(memory, SOURCE, &line) <= 1, "{what}: {source}");
    }
    assert!(is_through(memory), "{what}: {source}");
    assert!(ends(memory) <= 1, "{what}: {source}");
}

/// Loses frame `number` from now on; the first is 1.
fn lose(runtime: &mut Runtime, number: usize) {
    let rule = FaultRule {
        name: String::from("lost"),
        from: Instant::START,
        until: Instant::NEVER,
        matcher: Matcher::default(),
        turns: Turns::Only(number as u64),
        chance: Chance::CERTAIN,
        place: Place::Cable,
        deed: Deed::Lose,
        seed: 0,
    };
    runtime.add_fault(0, rule);
}

/// Switches a machine off within a frame that begins at this instant.
fn switch_off(runtime: &mut Runtime, machine: usize, start: Instant) {
    let at = start + Span::from_nanoseconds(20_000);
    runtime.schedule_power(machine, at, PowerEvent::Off(TornSector::Old));
}

#[test]
fn a_copy_of_a_lab_goes_on_as_the_lab_does() {
    let arguments = format!("ballast {BETWEEN}");
    let stage = Stage::new("", &[&[("ballast", "0 2")], &[], &[("migrate", &arguments)]]);
    let journey = Journey::new(&stage);
    let end = Instant::START + Span::from_milliseconds(1500);
    let hash = |mut runtime: Runtime| {
        runtime.run(end, 1, &mut Memory::default());
        runtime.trace_hash()
    };
    let whole = hash(stage.start());
    assert_eq!(hash(journey.runtime()), whole);
    assert_eq!(hash(journey.runtime()), whole, "a copy changes nothing");
}

#[test]
fn a_process_exists_once_whichever_frame_is_lost() {
    for way in ["", "-u"] {
        let journey = small(way);
        for number in 1..=journey.frames.len() {
            let memory = journey.go_on(
                Span::from_milliseconds(60_000),
                |runtime| lose(runtime, number),
                |memory| is_through(memory) && ends(memory) > 0,
            );
            check_turns(&memory, &format!("{way} {number}"));
            // One that stayed may have ended while the migration server still owned it. Who owns a process is told of its end.
            let had_another_owner = way == "-u" && memory.console(THIRD).contains("migrate: BadCapability");
            assert!(ends(&memory) == 1 || had_another_owner, "{way} {number}");
        }
    }
}

/// Switches a machine off within each frame of a migration and looks at what the others have after this time, if not before.
fn cut(way: &str, machine: usize, time: Span, mut look: impl FnMut(&Memory, usize)) {
    let journey = small(way);
    for (number, start) in (1..).zip(&journey.frames) {
        let memory = journey.go_on(
            time,
            |runtime| switch_off(runtime, machine, *start),
            |memory| is_through(memory) || ends(memory) > 0,
        );
        look(&memory, number);
    }
}

#[test]
fn a_process_stays_or_goes_whenever_its_migration_server_loses_power() {
    cut("-u", THIRD, LONGEST, |memory, number| {
        check_turns(memory, &number.to_string())
    });
}

#[test]
fn a_process_stays_unless_it_has_gone_when_its_destination_loses_power() {
    let (mut stayed, mut all) = (0, 0);
    cut(
        "",
        DESTINATION,
        Span::from_milliseconds(45_000),
        |memory, number| {
            all += 1;
            if is_through(memory) {
                stayed += 1;
                check_turns(memory, &number.to_string());
            }
        },
    );
    assert!(
        stayed * 10 > all * 8,
        "{stayed} of {all}: until the source knows that it has arrived it stays"
    );
}

#[test]
fn a_process_is_lost_with_its_source_or_goes_on_elsewhere() {
    // Lines for the terminal, which has no power either, take their time to fail.
    let time = Span::from_milliseconds(45_000);
    cut("", SOURCE, time, |memory, number| {
        assert!(ends(memory) <= 1, "{number}: {}", memory.console(DESTINATION));
    });
}

const CALLS: usize = 80;

/// A migration of a counting server with one client on the third machine and one on a fourth.
fn counting() -> Journey {
    let server = format!("-s count 2 {CALLS}");
    let clients = [0, 1].map(|client| format!("count {client} {CALLS}"));
    let arguments = format!("counting {BETWEEN}");
    let stage = Stage::new(
        "transparent=1",
        &[
            &[("counting", &server)],
            &[],
            &[("migrate", &arguments), ("counting", &clients[1])],
            &[("counting", &clients[0])],
        ],
    );
    Journey::new(&stage)
}

fn has_counted(memory: &Memory, machine: usize) -> bool {
    count(memory, machine, " executed twice") > 0
}

/// Every call that succeeded was executed once, and none twice: only one server has counted.
fn check_counts(memory: &Memory, machine: usize, what: &str) {
    let console = memory.console(machine);
    let line = console.lines().find(|line| line.ends_with(" executed twice"));
    let words = line.unwrap_or_default().split(' ');
    let numbers: Vec<usize> = words.filter_map(|word| word.parse().ok()).collect();
    let [all, failures, in_vain, lost, repeated] = numbers[..] else {
        panic!("{what}: {console}");
    };
    assert_eq!((all, lost, repeated), (CALLS, 0, 0), "{what}: {console}");
    assert!(in_vain <= failures, "{what}: {console}");
}

#[test]
fn calls_of_a_process_that_goes_are_executed_once_whichever_frame_is_lost() {
    let journey = counting();
    for number in 1..=journey.frames.len() {
        let memory = journey.go_on(
            Span::from_milliseconds(60_000),
            |runtime| lose(runtime, number),
            |memory| has_counted(memory, THIRD) && has_counted(memory, PEER),
        );
        for machine in [THIRD, PEER] {
            check_counts(&memory, machine, &format!("{number}"));
        }
    }
}

#[test]
fn a_server_goes_whenever_a_client_loses_power() {
    let journey = counting();
    for (number, start) in (1..).zip(&journey.frames) {
        let memory = journey.go_on(
            LONGEST,
            |runtime| switch_off(runtime, PEER, *start),
            |memory| {
                has_counted(memory, THIRD) && memory.console(THIRD).contains("migrate exited with status 0")
            },
        );
        check_counts(&memory, THIRD, &format!("{number}"));
        let third = memory.console(THIRD);
        assert!(
            third.contains("migrate exited with status 0"),
            "{number}: {third}"
        );
    }
}
