//! Programs on the machine: they run at the lowest privilege in an address space of their own, system calls do what they
//! say, and nothing that a program does harms its kernel or another program.

use clock::Span;
use tests::amoeba::{Laboratory, Pc};
use tests::{build, lab_file, run_for};

/// What a PC without a card shows whose kernel has these options and these programs with their arguments.
fn console(options: &str, programs: &[(&str, &str)], milliseconds: u64) -> String {
    let pc = Pc::new("pc").without_card().options(options);
    let lab = Laboratory::new([pc.programs(programs.iter().copied())]);
    lab.run(Span::from_milliseconds(milliseconds)).console(0)
}

#[test]
fn every_system_call_does_what_it_says_with_good_and_bad_arguments() {
    let console = console("", &[("calls", ""), ("spin", "500")], 16_000);
    for line in [
        "TEST OK",
        "calls exited with status 0",
        "spin exited with status 0",
    ] {
        assert!(console.lines().any(|told| told == line), "{line}: {console}");
    }
}

#[test]
fn what_a_program_may_not_do_ends_it_and_nobody_else() {
    let ends = [
        ("null", "exception Access (-9)"),
        ("kernel", "exception Access (-9)"),
        ("jump", "exception Access (-9)"),
        ("hlt", "exception Access (-9)"),
        ("divide", "exception Division (-7)"),
        ("stack", "exception Access (-9)"),
        ("argument", "exception Argument (-11)"),
        ("call", "exception SystemCall (-10)"),
        ("stackless", "exception Access (-9)"),
        ("exit", "exited with status 42"),
    ];
    for (name, end) in ends {
        let arguments = format!("-x {name}");
        let console = console("", &[("calls", &arguments), ("spin", "200")], 2_000);
        let told = |line: &str| line.starts_with("calls") && line.contains(end);
        assert!(console.lines().any(told), "{name}: {console}");
        assert!(console.contains("spin exited with status 0"), "{name}: {console}");
    }
}

/// Thousand turns that each of several programs that compute at the same time has made.
fn turns(options: &str, count: usize) -> Vec<u64> {
    let programs = vec![("spin", "1200"); count];
    let console = console(options, &programs, 3_000);
    let told = console.lines().filter_map(|line| line.strip_prefix("spin: "));
    let turns: Vec<u64> = told
        .map(|line| {
            line.split(' ')
                .next()
                .and_then(|number| number.parse().ok())
                .expect("a number")
        })
        .collect();
    assert_eq!(turns.len(), count, "{console}");
    turns
}

#[test]
fn programs_that_compute_share_the_processor() {
    let alone = turns("", 1)[0];
    let shared = turns("", 3);
    let sum: u64 = shared.iter().sum();
    // Each looks at the clock when it has its turn, so that together they run a little longer than one alone.
    assert!(
        (alone * 9 / 10..alone * 5 / 4).contains(&sum),
        "{alone} alone, {shared:?}"
    );
    for turns in &shared {
        assert!((sum / 5..sum / 2).contains(turns), "{shared:?}");
    }
}

#[test]
fn dhrystone_counts_its_turns() {
    let console = console("", &[("dhrystone", "2000")], 3_000);
    let line = console
        .lines()
        .find_map(|line| line.strip_prefix("dhrystone: 2000 turns in "));
    assert!(line.is_some_and(|line| line.ends_with(" a second")), "{console}");
    assert!(console.contains("dhrystone exited with status 0"), "{console}");
}

#[test]
fn the_time_slice_is_an_option_of_the_kernel() {
    let alone = turns("", 1)[0];
    let halves = turns("", 2);
    assert!(
        halves.iter().all(|turns| *turns < alone * 2 / 3),
        "{alone} alone, {halves:?}"
    );
    // With a slice longer than all of a program's time, one after the other has the processor for itself.
    let wholes = turns("slice=5000", 2);
    assert!(
        wholes.iter().all(|turns| *turns > alone * 9 / 10),
        "{alone} alone, {wholes:?}"
    );
}

#[test]
fn a_file_that_is_no_program_is_refused() {
    let console = console("", &[("kernel", "")], 500);
    assert!(console.contains("cannot start kernel: BadArgument"), "{console}");
}

#[test]
fn the_lab_of_programs_meets_its_expectations() {
    let memory = run_for(&mut build(&lab_file("calls")), Span::from_seconds(18), 1).1;
    for (machine, name) in [(0, "good"), (1, "bad")] {
        let console = memory.console(machine);
        assert!(!console.contains("FAILED"), "{name}: {console}");
        assert!(!console.contains("cannot start"), "{name}: {console}");
    }
    assert!(memory.console(0).contains("TEST OK"));
    assert!(memory.console(1).contains("calls exited with status 42"));
}
