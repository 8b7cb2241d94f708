//! The run server, pipes, and commands about hosts and processes, between machines.

use clock::Span;
use tests::amoeba::{Laboratory, Pc};
use tests::system::Step::{Interrupt, Line};
use tests::system::{self, More};

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

const POOL: &str = r#"
[[host]]
name = "pool"
count = 2
mac = "02:60:8c:00:00:10"
pool = "i80386"
[[host]]
name = "small"
mac = "02:60:8c:00:00:20"
pool = "i80386"
[[host]]
name = "sun"
mac = "02:60:8c:00:00:30"
pool = "sparc"
[[file]]
name = "/super/admin/kernel/at386"
from = "builtin:kernel"
"#;

/// A run server that enters itself in directories.
const RUN: &str = "
run {
    after = soap; pollcap = /super/cap/runsvr/default;
    program /bin/run {
        argv { run -d /profile/pool -e /profile/pool/.run -e /super/cap/runsvr/default }
        capv { ROOT; RANDOM; TOD; TTY; }
    }
}
";

/// A system with a processor pool. The host `sun` is listed under another architecture than its own.
fn pool() -> More<'static> {
    More {
        disk: POOL,
        boot: RUN,
        pcs: vec![
            Pc::new("pool0").station(0x10),
            Pc::new("pool1").station(0x11),
            Pc::new("small").station(0x20).memory(2),
            Pc::new("sun").station(0x30),
        ],
        ..More::default()
    }
}

/// Lists the processes of all hosts; the program that does so is among them. It is the only one that is placed for that: a program counts on its host
/// as one that computes until the host has been asked again, a second later at most, even if it has ended.
const PROCESSES: &str = "aps pool0 pool1 small sun";

/// Where a command has found itself: the host beside it in what `aps` tells.
fn host_of<'a>(told: &'a str, program: &str) -> &'a str {
    let end = format!("Run: {program}");
    let line = told.lines().find(|line| line.ends_with(&end));
    line.and_then(|line| line.split_whitespace().next())
        .unwrap_or_else(|| panic!("{program}: {told}"))
}

#[test]
fn a_program_that_is_named_without_a_host_lands_on_the_best_by_load_memory_and_architecture() {
    let processes = |before: &str| format!("{before}; {PROCESSES}");
    let lines = [
        processes("ax -n pool0 spin; ax -n pool0 spin; ax -n pool1 spin; sleep 6"),
        // A host's load is an average over 3.2 s, so that of two programs falls from 2.0 to 0.3, far below the other host's 1.0.
        processes("stun pool0/ps/0 pool0/ps/1; sleep 6"),
        processes("reboot pool1; ax -n pool0 spin; sleep 8"),
        "std_status /profile/pool/.run".to_owned(),
        "reboot pool0 /super/admin/kernel/at386 peers=0 slice=50; sleep 6; kstat pool0 u".to_owned(),
        processes("true"),
    ];
    let steps: Vec<_> = lines.iter().map(|line| Line(line)).collect();
    let system = system::run(&pool(), &steps, 90);
    let told = &system.told;
    let spinning = |told: &str| {
        let lines = told.lines().filter(|line| line.ends_with("Run: spin"));
        lines
            .map(|line| line.split_whitespace().next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    // Of those that compute the one that computes less; what is idle has no memory, or is another architecture's.
    assert_eq!(spinning(&told[0]), ["pool0", "pool0", "pool1"], "{told:?}");
    assert_eq!(host_of(&told[0], "aps"), "pool1", "{told:?}");
    assert_eq!(spinning(&told[1]), ["pool1"], "{told:?}");
    assert_eq!(host_of(&told[1], "aps"), "pool0", "{told:?}");
    // After a reset a host has no processes.
    assert_eq!(spinning(&told[2]), ["pool0"], "{told:?}");
    assert_eq!(host_of(&told[2], "aps"), "pool1", "{told:?}");
    let hosts = [
        ("pool0", "i80386", true),
        ("pool1", "i80386", true),
        ("small", "i80386", false),
        ("sun", "sparc", false),
    ];
    for (name, architecture, is_used) in hosts {
        let line = told[3]
            .lines()
            .find(|line| line.starts_with(&format!("{name}  ")));
        let columns: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
        assert_eq!(columns[..3], [name, architecture, "up"], "{told:?}");
        assert_eq!(columns.last() != Some(&"0"), is_used, "{told:?}");
    }
    // A kernel from a file has no processes of the former one.
    let console = system.memory.console(1);
    assert_eq!(console.matches("kernel ready").count(), 2, "{console}");
    assert!(console.contains(" KB from a file"), "{console}");
    assert!(told[4].ends_with(" seconds up\n"), "{told:?}");
    assert_eq!(spinning(&told[5]), [""; 0], "{told:?}");
}

#[test]
fn the_interrupt_goes_through_ax_to_the_program_that_it_runs() {
    let steps = [
        // By then the run server has told which hosts are up.
        Line("sleep 3"),
        Line("ax sun spin"),
        Interrupt,
        Line("echo $?; ax pool0 ax sun spin"),
        Interrupt,
        Line("echo $?; ax sun sh -c 'trap \"echo caught\" INT; spin; echo behind $?'"),
        Interrupt,
        Line("aps sun pool0 | grep -c spin; ax sun sh -c 'exit 7'; echo $?; ax nowhere spin; ax sun nothing"),
        Line("ax -e COLOUR=red -c PLACE=/etc sun sh -c 'echo $COLOUR'; date 05301200.30; date"),
        Line(
            "test $(random) != $(random) && random 3 | wc -l; read x < /profile/cap/randomsvr/default && echo read",
        ),
    ];
    let told = system::run(&pool(), &steps, 45).told;
    let expected = [
        "^C\n",
        "130\n^C\n",
        "130\n^Ccaught\nbehind 130\n\n",
        "0\n7\nax: nowhere: not found\nax: nothing: not found\n",
        "red\nTue May 30 12:00:30 GMT 1995\nTue May 30 12:00:30 GMT 1995\n",
        "       3\nread\n",
    ];
    assert_eq!(told[1..], expected);
}
