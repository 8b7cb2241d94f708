//! Processes that go to other machines: their memory goes with them, and their transactions go on.

use clock::{Instant, Span};
use tests::moves::{BETWEEN, Consoles, DESTINATION, PEER, SOURCE, Stage, THIRD, run_until};
use tests::tell;

fn after(milliseconds: u64) -> Instant {
    Instant::START + Span::from_milliseconds(milliseconds)
}

/// How often the process has ended well, on any machine.
fn ends(consoles: &Consoles) -> usize {
    [SOURCE, DESTINATION]
        .map(|machine| consoles.count(machine, "ballast exited with status 0"))
        .iter()
        .sum()
}

#[test]
fn a_process_goes_to_and_fro_with_all_its_memory() {
    for way in ["", "-u"] {
        let arguments = format!("{way} -n 4 ballast {BETWEEN}");
        let stage = Stage::new("", &[&[("ballast", "128 12")], &[], &[("migrate", &arguments)]]);
        let mut consoles = Consoles::default();
        run_until(&mut stage.start(), &mut consoles, after(30_000), |consoles| {
            ends(consoles) > 0 && consoles.of(THIRD).contains("exited")
        });
        let third = consoles.of(THIRD);
        assert!(third.contains("migrate exited with status 0"), "{way}: {third}");
        assert_eq!(
            third.matches("ballast is on 02:60:8c:00:00:02").count(),
            2,
            "{third}"
        );
        assert_eq!(
            third.matches("ballast is on 02:60:8c:00:00:01").count(),
            2,
            "{third}"
        );
        // Its terminal is that of the machine where it began. A line that it is about to write when it is stopped is aborted.
        let source = consoles.of(SOURCE);
        let lines = source.matches("128 Kbytes are as they were").count();
        assert!((8..=12).contains(&lines), "{source}");
        assert_eq!(ends(&consoles), 1);
    }
}

/// More processes than a process server has threads leave a machine at the same time, each at the request of a program of its own.
#[test]
fn many_processes_leave_a_machine_at_the_same_time() {
    const PROCESSES: usize = 6;
    for way in ["", "-u"] {
        let names: Vec<String> = (0..PROCESSES).map(|number| format!("ballast{number}")).collect();
        let requests = names.iter().map(|name| format!("{way} {name} {BETWEEN}"));
        let requests: Vec<String> = requests.collect();
        let processes: Vec<_> = names.iter().map(|name| (name.as_str(), "0 20")).collect();
        let programs: Vec<_> = requests
            .iter()
            .map(|arguments| ("migrate", arguments.as_str()))
            .collect();
        let copies: Vec<_> = names.iter().map(|name| (name.as_str(), "ballast")).collect();
        let stage = Stage::with_copies("", &copies, &[&processes, &[], &programs]);
        let mut consoles = Consoles::default();
        let good =
            |consoles: &Consoles, machine| consoles.of(machine).matches("exited with status 0").count();
        run_until(&mut stage.start(), &mut consoles, after(30_000), |consoles| {
            good(consoles, THIRD) == PROCESSES && good(consoles, DESTINATION) == PROCESSES
        });
        let third = consoles.of(THIRD);
        assert_eq!(good(&consoles, THIRD), PROCESSES, "{way}: {third}");
        let destination = consoles.of(DESTINATION);
        assert_eq!(
            good(&consoles, DESTINATION),
            PROCESSES,
            "they end where they have gone; {way}: {destination}"
        );
    }
}

#[test]
fn clients_and_servers_go_to_and_fro_in_the_middle_of_transactions() {
    for moved in ["rpc_server", "rpc_client"] {
        let stations = match moved {
            "rpc_server" => BETWEEN,
            _ => "02:60:8c:00:00:04 02:60:8c:00:00:02",
        };
        let arguments = format!("-n 6 {moved} {stations}");
        let stage = Stage::new(
            "transparent=1",
            &[
                &[("rpc_server", "perf 30000")],
                &[],
                &[("migrate", &arguments)],
                &[("rpc_client", "perf 2000 200")],
            ],
        );
        let mut consoles = Consoles::default();
        run_until(&mut stage.start(), &mut consoles, after(60_000), |consoles| {
            consoles.of(PEER).contains("exited") || consoles.of(DESTINATION).contains("exited")
        });
        let third = consoles.of(THIRD);
        assert!(third.contains("migrate exited with status 0"), "{moved}: {third}");
        let client = consoles.of(PEER);
        assert!(client.contains("rpc_client: 200 calls"), "{moved}: {client}");
    }
}

/// A client and the server of a counting service go to and fro so many times each, at the same time, while they and a client that
/// stays do nothing but count. Between two journeys each is at rest for 100 to 200 ms, as calls need both at rest.
fn count_on_the_way(moves: u32, calls: u32) {
    let server = format!("-s count 2 {calls}");
    let clients = [0, 1].map(|client| format!("count {client} {calls}"));
    let moved = [(1, BETWEEN), (2, "02:60:8c:00:00:04 02:60:8c:00:00:02")]
        .map(|(seed, stations)| format!("-s {seed} -n {moves} counting {stations}"));
    let stage = Stage::new(
        "transparent=1",
        &[
            &[("counting", &server)],
            &[],
            &[
                ("migrate", &moved[0]),
                ("migrate", &moved[1]),
                ("counting", &clients[1]),
            ],
            &[("counting", &clients[0])],
        ],
    );
    let mut runtime = stage.start();
    let mut consoles = Consoles::default();
    let last = after(3_600_000);
    // The moved client's terminal stays where it began.
    let verdicts =
        |consoles: &Consoles| [THIRD, PEER].map(|machine| consoles.count(machine, " executed twice"));
    while runtime.now() < last && verdicts(&consoles) != [1, 1] {
        runtime.run(runtime.now() + Span::from_milliseconds(1000), 2, &mut consoles);
        if verdicts(&consoles) != [0, 0] {
            let moves = consoles.of(THIRD).matches("migrate exited").count();
            assert_eq!(moves, 2, "calls are made all the way: {}", consoles.of(THIRD));
        }
    }
    let third = consoles.of(THIRD);
    assert_eq!(
        third.matches("migrate exited with status 0").count(),
        2,
        "{third}"
    );
    assert_eq!(third.matches("counting is on").count(), 2 * moves as usize);
    let good = format!(
        "counting: {calls} calls, 0 failed, 0 of them executed, 0 succeeded without execution, 0 executed twice"
    );
    for machine in [THIRD, PEER] {
        let console = consoles.of(machine);
        assert!(console.lines().any(|line| line == good), "{console}");
    }
    let seconds = runtime.now().since(Instant::START).picoseconds() / 1_000_000_000_000;
    tell(&format!(
        "{moves} moves of a server and of its client in {seconds} s of virtual time\n"
    ));
}

#[test]
fn a_client_and_its_server_count_without_an_error_on_the_way() {
    count_on_the_way(10, 1200);
}

#[test]
#[ignore = "takes minutes"]
fn a_client_and_its_server_count_without_an_error_on_a_thousand_ways() {
    count_on_the_way(1000, 60_000);
}
