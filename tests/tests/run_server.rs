//! The run server, pipes, and commands about hosts and processes, between machines.

use clock::Span;
use machines::runtime::Runtime;
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
