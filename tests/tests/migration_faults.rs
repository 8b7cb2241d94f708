//! Migrations of which any frame is lost, or in the middle of which any machine loses its power: a process runs on one machine at
//! most, and only on none if it was lost with its machine. Each run begins with a copy of the lab as it was just before.

use clock::{Instant, Span};
use machines::runtime::Runtime;
use tests::Memory;
use tests::moves::Disturbance::{Lost, Off};
use tests::moves::{BETWEEN, Consoles, DESTINATION, Disturbance, Journey, PEER, SOURCE, Stage, THIRD};

/// Who sees to a migration: the kernels, or `migrate` as a migration server.
const BY_KERNEL: &str = "";
const BY_USER: &str = "-u";

/// How long others may need until they know what has become of a machine.
const LONGEST: Span = Span::from_milliseconds(400_000);

/// How long a process may need to its end when the terminal on which it prints has lost power: each print ends after 12 s at most.
const ALONE: Span = Span::from_milliseconds(100_000);

/// How often the process tells that it lives, half a second after the other: it is moved in the middle of them.
const TURNS: usize = 5;
/// When it is moved.
const LATE: u64 = 800;

fn small_lab(way: &str) -> Stage {
    let arguments = format!("{way} ballast {BETWEEN}");
    let turns = format!("0 {TURNS}");
    Stage::new(
        "",
        &[
            &[("ballast", &turns)],
            &[],
            &[("migrate", &arguments)],
            &[("owner", "-o ballast 02:60:8c:00:00:01")],
        ],
    )
}

/// A migration of a process without more memory than it needs, whose owner, on the fourth machine, tells what it is told.
fn small(way: &str) -> Journey {
    let stage = small_lab(way);
    let ends = [(THIRD, "migrate: "), (PEER, "ballast has moved")];
    let journey = Journey::new(|| stage.start_third_at(LATE), &ends);
    assert!(journey.frames.len() > 20, "{}", journey.frames.len());
    assert!(journey.consoles().of(PEER).contains("owns ballast"));
    journey
}

/// Whether the process has ended, as its owner was told.
fn has_ended(consoles: &Consoles) -> bool {
    consoles.count(PEER, "ballast exited with status 0") > 0
}

/// The owner was told once at most that the process has moved and that it has ended, and of nothing else; each turn was seen once at
/// most, and nobody else was told. Whether it has ended.
fn check_process(consoles: &Consoles, what: &str) -> bool {
    let owner = consoles.of(PEER);
    let told = |text: &str| consoles.count(PEER, text);
    let (moves, ends) = (told("ballast has moved"), told("ballast exited with status 0"));
    assert!(moves <= 1 && ends <= 1, "{what}: {owner}");
    assert_eq!(
        owner.matches("owner: ballast").count(),
        moves + ends,
        "{what}: {owner}"
    );
    for machine in [SOURCE, DESTINATION] {
        let console = consoles.of(machine);
        assert!(!console.contains("ballast exited"), "{what}: {console}");
        for turn in 0..TURNS {
            let line = format!("turn {turn}, 0 Kbytes are as they were");
            assert!(consoles.count(machine, &line) <= 1, "{what}: {console}");
        }
    }
    ends == 1
}

#[test]
fn a_copy_of_a_lab_goes_on_as_the_lab_does() {
    let stage = small_lab(BY_KERNEL);
    let journey = small(BY_KERNEL);
    let end = Instant::START + Span::from_milliseconds(2500);
    let hash = |mut runtime: Runtime| {
        runtime.run(end, 1, &mut Memory::default());
        runtime.trace_hash()
    };
    let whole = hash(stage.start_third_at(LATE));
    assert_eq!(hash(journey.runtime()), whole);
    assert_eq!(hash(journey.runtime()), whole, "a copy changes nothing");
}

/// At each frame of a migration in turn: whether the process ended well.
fn sweep(way: &str, disturbance: Disturbance, limit: Span) -> Vec<bool> {
    let mut ended = Vec::new();
    small(way).at_each_frame(|frame| {
        let consoles = frame.go_on(disturbance, limit, has_ended);
        ended.push(check_process(
            &consoles,
            &format!("{way} {disturbance:?} {}", frame.number),
        ));
    });
    ended
}

/// A process ends well and its owner hears of it, whatever happens at any frame.
fn always_ends(way: &str, disturbance: Disturbance) {
    let ended = sweep(way, disturbance, LONGEST);
    assert!(ended.iter().all(|ended| *ended), "{way}: {ended:?}");
}

#[test]
fn a_process_ends_once_whichever_frame_is_lost() {
    always_ends(BY_KERNEL, Lost);
}

#[test]
fn a_process_ends_once_whichever_frame_of_its_migration_servers_is_lost() {
    always_ends(BY_USER, Lost);
}

#[test]
fn a_process_ends_once_whenever_its_migration_server_loses_power() {
    always_ends(BY_USER, Off(THIRD));
}

#[test]
fn a_process_ends_once_whenever_who_asked_for_its_migration_loses_power() {
    always_ends(BY_KERNEL, Off(THIRD));
}

/// Until a certain frame the process is on one machine, and from then on on another one: so it ends if the right one has power.
fn changes_once(ended: &[bool], before: bool, what: &str) {
    let first = ended.iter().position(|ended| *ended != before);
    let first = first.unwrap_or_else(|| panic!("{what}: it has never gone"));
    assert!(first > 0, "{what}: {ended:?}");
    assert!(
        ended[first..].iter().all(|ended| *ended != before),
        "{what}: {ended:?}"
    );
}

#[test]
fn a_process_is_lost_with_its_destination_only_after_it_has_gone() {
    let ended = sweep(BY_KERNEL, Off(DESTINATION), LONGEST);
    changes_once(&ended, true, BY_KERNEL);
}

#[test]
fn a_process_is_lost_with_its_destination_only_after_a_migration_server_has_taken_it_there() {
    let ended = sweep(BY_USER, Off(DESTINATION), LONGEST);
    changes_once(&ended, true, BY_USER);
}

#[test]
fn a_process_is_lost_with_its_source_only_before_it_has_gone() {
    let ended = sweep(BY_KERNEL, Off(SOURCE), ALONE);
    changes_once(&ended, false, BY_KERNEL);
}

#[test]
fn a_process_is_lost_with_its_source_only_before_a_migration_server_has_taken_it_away() {
    let ended = sweep(BY_USER, Off(SOURCE), ALONE);
    changes_once(&ended, false, BY_USER);
}

/// Calls of each client: they last longer than the migration.
const CALLS: usize = 80;

/// A migration of a counting server with one client on the third machine and one on a fourth.
fn counting(way: &str) -> Journey {
    let server = format!("-s count 2 {CALLS}");
    let clients = [0, 1].map(|client| format!("-q count {client} {CALLS}"));
    let arguments = format!("{way} counting {BETWEEN}");
    let stage = Stage::new(
        "transparent=1",
        &[
            &[("counting", &server)],
            &[],
            &[("migrate", &arguments), ("counting", &clients[1])],
            &[("counting", &clients[0])],
        ],
    );
    Journey::new(|| stage.start(), &[(THIRD, "migrate: ")])
}

/// How the calls of a client have ended: all of them, or those until it found no server any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    /// All were made, and the server has told how often it executed each.
    All,
    NoServer,
}

/// What a client tells in the end, if it has: its numbers, and whether it has found the server until then.
fn verdict(consoles: &Consoles, machine: usize) -> Option<(Vec<usize>, Counted)> {
    let lines = consoles.of(machine).lines();
    let mut lines = lines.filter(|line| line.starts_with("counting: ") && line.contains(" failed"));
    let line = lines.next()?;
    assert_eq!(lines.next(), None, "one verdict");
    let numbers = line.split([' ', ',']).filter_map(|word| word.parse().ok());
    let counted = if line.ends_with("no server") {
        Counted::NoServer
    } else {
        Counted::All
    };
    Some((numbers.collect(), counted))
}

/// Every call that succeeded was executed once, and none twice: only one server has counted. A client without a server has
/// one call that failed because its server went, and one for which none was found.
fn check_counts(consoles: &Consoles, machine: usize, what: &str) -> Counted {
    let console = consoles.of(machine);
    let Some((numbers, counted)) = verdict(consoles, machine) else {
        panic!("{what}: {console}");
    };
    match (counted, &numbers[..]) {
        (Counted::All, [all, failures, in_vain, lost, repeated]) => {
            assert_eq!((*all, *lost, *repeated), (CALLS, 0, 0), "{what}: {console}");
            assert!(in_vain <= failures && *failures <= 1, "{what}: {console}");
        }
        (Counted::NoServer, [all, failures]) => {
            assert!((1..=2).contains(failures) && *all < CALLS, "{what}: {console}");
        }
        _ => panic!("{what}: {console}"),
    }
    counted
}

/// At each frame of a migration in turn: how the calls of the clients on these machines ended.
fn sweep_counts(way: &str, disturbance: Disturbance, clients: &[usize]) -> Vec<Counted> {
    let mut counted = Vec::new();
    counting(way).at_each_frame(|frame| {
        let have_counted =
            |consoles: &Consoles| clients.iter().all(|client| verdict(consoles, *client).is_some());
        let consoles = frame.go_on(disturbance, LONGEST, have_counted);
        let what = format!("{way} {disturbance:?} {}", frame.number);
        let all = clients
            .iter()
            .map(|client| check_counts(&consoles, *client, &what));
        let all: Vec<Counted> = all.collect();
        assert!(all.iter().all(|counted| *counted == all[0]), "{what}: {all:?}");
        counted.push(all[0]);
    });
    counted
}

/// Whatever happens, the clients that are left have all their calls executed once.
fn always_counts(way: &str, disturbance: Disturbance, clients: &[usize]) {
    let counted = sweep_counts(way, disturbance, clients);
    assert!(
        counted.iter().all(|counted| *counted == Counted::All),
        "{way}: {counted:?}"
    );
}

#[test]
fn calls_of_a_process_that_goes_are_executed_once_whichever_frame_is_lost() {
    always_counts(BY_KERNEL, Lost, &[THIRD, PEER]);
}

#[test]
fn calls_of_a_process_that_goes_are_executed_once_whichever_frame_of_a_migration_servers_is_lost() {
    always_counts(BY_USER, Lost, &[THIRD, PEER]);
}

#[test]
fn calls_are_executed_once_whenever_another_client_loses_power() {
    always_counts(BY_KERNEL, Off(PEER), &[THIRD]);
}

#[test]
fn calls_are_executed_once_whenever_another_client_loses_power_in_a_migration_servers() {
    always_counts(BY_USER, Off(PEER), &[THIRD]);
}

#[test]
fn calls_are_executed_once_whenever_who_asked_for_the_migration_loses_power() {
    always_counts(BY_KERNEL, Off(THIRD), &[PEER]);
}

#[test]
fn calls_are_executed_once_whenever_the_migration_server_loses_power() {
    always_counts(BY_USER, Off(THIRD), &[PEER]);
}

/// Calls go on until the machine with their server has no power, and then end with an error.
fn counts_until_lost(way: &str, machine: usize, before: Counted) {
    let counted = sweep_counts(way, Off(machine), &[THIRD, PEER]);
    let all: Vec<bool> = counted.iter().map(|counted| *counted == Counted::All).collect();
    changes_once(&all, before == Counted::All, way);
}

#[test]
fn calls_end_with_an_error_if_the_source_loses_power_before_their_server_has_gone() {
    counts_until_lost(BY_KERNEL, SOURCE, Counted::NoServer);
}

#[test]
fn calls_end_with_an_error_if_the_source_loses_power_before_a_migration_server_has_taken_theirs_away() {
    counts_until_lost(BY_USER, SOURCE, Counted::NoServer);
}

#[test]
fn calls_end_with_an_error_if_the_destination_loses_power_after_their_server_has_gone() {
    counts_until_lost(BY_KERNEL, DESTINATION, Counted::All);
}

#[test]
fn calls_end_with_an_error_if_the_destination_loses_power_after_a_migration_server_has_taken_theirs_there() {
    counts_until_lost(BY_USER, DESTINATION, Counted::All);
}
