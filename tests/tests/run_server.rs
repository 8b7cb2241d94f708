//! The run server, pipes, and commands about hosts and processes, between machines.

use clock::Span;
use tests::amoeba::{Laboratory, Pc};

#[test]
fn programs_are_placed_on_the_idle_host_and_elsewhere_while_it_is_off() {
    let hosts = "-p pool busy=02:60:8c:00:00:02 idle=02:60:8c:00:00:03";
    let lab = Laboratory::new([
        Pc::new("home")
            .program("run", hosts)
            .program("run_test", "pool 10 1500"),
        Pc::new("busy").program("spin", ""),
        Pc::new("idle"),
    ])
    .power_off("idle", "6s", "12s");
    let memory = lab.run(Span::from_seconds(30));
    memory.assert_told(0, &["run: busy is up", "run_test exited with status 0"]);
    let console = memory.console(0);
    // Each program has run, and its owner was told how it ended.
    let placed = |turn: usize| {
        let (turn, end) = (format!("{turn}: "), format!(" exited with status {}", turn + 40));
        let mut lines = console.lines();
        lines
            .find_map(|line| line.strip_prefix(&*turn)?.strip_suffix(&*end))
            .unwrap_or_else(|| panic!("{turn}{console}"))
    };
    let mut hosts: Vec<&str> = (0..10).map(placed).collect();
    assert_eq!(hosts[..2], ["idle"; 2], "{console}");
    hosts.dedup();
    assert_eq!(hosts, ["idle", "busy", "idle"], "{console}");
    for (name, state) in [("busy", "up"), ("idle", "up")] {
        let line = console
            .lines()
            .find(|line| line.starts_with(&format!("{name}  ")));
        let columns: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
        assert_eq!(columns[..3], [name, "i80386", state], "{console}");
    }
}

#[test]
fn bytes_go_through_pipes_and_their_ends_are_told() {
    let lab = Laboratory::new([
        Pc::new("server").program("fifo", "-p pipes"),
        Pc::new("client").program("fifo_test", "pipes"),
    ]);
    let memory = lab.run(Span::from_seconds(15));
    memory.assert_told(0, &["fifo: serving"]);
    memory.assert_told(1, &["TEST OK", "fifo_test exited with status 0"]);
}

#[test]
fn commands_tell_of_hosts_and_stun_their_processes() {
    let host = "02:60:8c:00:00:02";
    let arguments = [
        format!("aps {host}"),
        String::from("date 05300905.30"),
        format!("ping -c 2 {host}/tod"),
        format!("printbuf {host}"),
        // All of these run at the same time, so this one has a host of its own.
        String::from("stun -s 7 02:60:8c:00:00:03/ps/0"),
        format!("aps {host} 02:60:8c:00:00:09"),
    ];
    let lab = Laboratory::new([
        Pc::new("here").programs(arguments.iter().map(|line| ("hosts", line.as_str()))),
        Pc::new("there").program("spin", ""),
        Pc::new("elsewhere").program("spin", ""),
    ]);
    let memory = lab.run(Span::from_seconds(20));
    let lines = [
        "HOST              PS PROCESS",
        "Tue May 30 09:05:30 GMT 1995",
        "started spin",
        "hosts exited with status 1",
    ];
    memory.assert_told(0, &lines);
    let console = memory.console(0);
    assert!(console.contains(&format!("{host}  0 Run: spin")), "{console}");
    assert!(
        console.contains(&format!("{host}/tod: time of day server: ")),
        "{console}"
    );
    assert!(console.contains("2 of 2 answered in "), "{console}");
    assert!(console.contains("aps: 02:60:8c:00:00:09: "), "{console}");
    let ended = console.matches("hosts exited with status 0").count();
    assert_eq!(ended, 5, "{console}");
    memory.assert_told(2, &["spin was stunned: 7"]);
}
