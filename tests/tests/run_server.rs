//! The run server, pipes, and commands about hosts and processes, between machines.

use clock::Span;
use machines::runtime::Runtime;
use tests::system::Step::{Interrupt, Line};
use tests::system::{self, More};
use tests::{Memory, lab, run_for};

/// A machine: its name, the last byte of its station address, and its programs with their arguments.
type Machine<'a> = (&'a str, u8, &'a [(&'a str, &'a str)]);

/// Runs a lab of these machines for so many milliseconds.
fn run(list: &[Machine<'_>], more: &str, milliseconds: u64) -> Memory {
    let mut text = String::from(
        r#"
format = 1
[lab]
name = "run_server"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "4MB"
cpu = { model = "386dx", clock = "40MHz", fpu = "none" }
isa = { clock = "8MHz" }
boot = { from = "direct", image = "kernel", args = "peers=0" }
[[profile.pc.card]]
type = "3c503"
segment = "ether0"
port = "bnc"
io = 0x280
irq = 3
ram = 0xCC000
"#,
    );
    for program in ["run", "run_test", "fifo", "fifo_test", "hosts", "spin"] {
        text += &format!("[image.{program}]\npath = \"builtin:{program}\"\n");
    }
    for (name, station, programs) in list {
        text += &format!(
            "[machine.{name}]\nextends = \"pc\"\nnic = {{ mac = \"02:60:8c:00:00:{station:02x}\" }}\n"
        );
        for (image, arguments) in *programs {
            text += &format!("[[machine.{name}.module]]\nimage = \"{image}\"\nargs = \"{arguments}\"\n");
        }
    }
    let lab = lab(&(text + more));
    let images = machines::image::load_all(&lab).expect("built-in programs");
    let mut runtime = Runtime::build(&lab, &images).expect("a lab that can be built");
    let memory = run_for(&mut runtime, Span::from_milliseconds(milliseconds), 2).1;
    for machine in 0..lab.machines.len() {
        let console = memory.console(machine);
        assert!(console.contains("kernel ready"), "{console}");
        assert!(!console.contains("panicked"), "{console}");
        assert!(!console.contains("kernel stopped"), "{console}");
    }
    memory
}

fn told(memory: &Memory, machine: usize, line: &str) {
    let console = memory.console(machine);
    assert!(console.lines().any(|told| told == line), "{line}: {console}");
}

#[test]
fn programs_are_placed_on_the_idle_host_and_elsewhere_while_it_is_off() {
    let hosts = "-p pool busy=02:60:8c:00:00:02 idle=02:60:8c:00:00:03";
    let off = "
[[fault]]
kind = \"power-off\"
machine = \"idle\"
from = \"6s\"
until = \"12s\"
";
    let machines: [Machine<'_>; 3] = [
        ("home", 1, &[("run", hosts), ("run_test", "pool 10 1500")]),
        ("busy", 2, &[("spin", "")]),
        ("idle", 3, &[]),
    ];
    let memory = run(&machines, off, 30_000);
    told(&memory, 0, "run: busy is up");
    told(&memory, 0, "run_test exited with status 0");
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
    let memory = run(
        &[
            ("server", 1, &[("fifo", "-p pipes")]),
            ("client", 2, &[("fifo_test", "pipes")]),
        ],
        "",
        15_000,
    );
    told(&memory, 0, "fifo: serving");
    told(&memory, 1, "TEST OK");
    told(&memory, 1, "fifo_test exited with status 0");
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
    let programs: Vec<(&str, &str)> = arguments.iter().map(|line| ("hosts", line.as_str())).collect();
    let memory = run(
        &[
            ("here", 1, &programs),
            ("there", 2, &[("spin", "")]),
            ("elsewhere", 3, &[("spin", "")]),
        ],
        "",
        20_000,
    );
    for line in [
        "HOST              PS PROCESS",
        "Tue May 30 09:05:30 GMT 1995",
        "started spin",
        "hosts exited with status 1",
    ] {
        told(&memory, 0, line);
    }
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
    told(&memory, 2, "spin was stunned: 7");
}

/// What a system with a processor pool has beside others: a run server that enters itself in directories. The host `sun` is listed under another architecture than its own.
const POOL: More<'_> = More {
    disk: r#"
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
"#,
    boot: "
run {
    after = soap; pollcap = /super/cap/runsvr/default;
    program /bin/run {
        argv { run -d /profile/pool -e /profile/pool/.run -e /super/cap/runsvr/default }
        capv { ROOT; RANDOM; TOD; TTY; }
    }
}
",
    lab: r#"
[machine.pool]
extends = "pc"
count = 2
nic = { mac = "02:60:8c:00:00:10" }
[machine.small]
extends = "pc"
memory = "2MB"
nic = { mac = "02:60:8c:00:00:20" }
[machine.sun]
extends = "pc"
nic = { mac = "02:60:8c:00:00:30" }
"#,
};

/// Lists the processes of all hosts; the program that does so is among them.
const PROCESSES: &str =
    "for host in pool0 pool1 small sun; do echo $host; done > /home/hosts; aps $(cat /home/hosts)";

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
        processes("stun pool0/ps/0 pool0/ps/1; sleep 6"),
        processes("reboot pool1; ax -n pool0 spin; sleep 8"),
        "std_status /profile/pool/.run".to_owned(),
        "reboot pool0 /super/admin/kernel/at386 peers=0 slice=50; sleep 6; kstat pool0 u".to_owned(),
        processes("true"),
    ];
    let steps: Vec<_> = lines.iter().map(|line| Line(line)).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let system = system::run(folder.path(), &POOL, &steps, 90);
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
    let folder = tempfile::tempdir().expect("a folder");
    let told = system::run(folder.path(), &POOL, &steps, 45).told;
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
