//! Processes and those who own them, on one machine and on others: what becomes of a process that is started elsewhere, stopped,
//! changed and moved; and what a program cannot do that owns nothing.

use clock::Span;
use machines::lab::Lab;
use machines::runtime::Runtime;
use tests::{Memory, lab, run_for};

const ETHERLINK: &str = "type = \"3c503\"\nio = 0x280\nirq = 3\nram = 0xCC000";
const NE2000: &str = "type = \"ne2000\"\nio = 0x300\nirq = 5";

/// A machine: its name, the last byte of its station address, its card, and a program with its arguments.
type Machine<'a> = (&'a str, u8, &'a str, Option<(&'a str, &'a str)>);

fn machines(list: &[Machine<'_>], more: &str) -> Lab {
    let mut text = String::from(
        r#"
format = 1
[lab]
name = "owners"
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
"#,
    );
    for program in ["owner", "tats", "intruder", "rpc_server", "rpc_client", "calls"] {
        text += &format!("[image.{program}]\npath = \"builtin:{program}\"\n");
    }
    for (name, station, card, program) in list {
        text += &format!(
            r#"
[machine.{name}]
extends = "pc"
nic = {{ mac = "02:60:8c:00:00:{station:02x}" }}
[[machine.{name}.card]]
{card}
segment = "ether0"
port = "bnc"
"#
        );
        if let Some((image, arguments)) = program {
            text += &format!("[[machine.{name}.module]]\nimage = \"{image}\"\nargs = \"{arguments}\"\n");
        }
    }
    lab(&(text + more))
}

fn run(lab: &Lab, milliseconds: u64) -> Memory {
    let images = machines::image::load_all(lab).expect("built-in programs");
    let mut runtime = Runtime::build(lab, &images).expect("a lab that can be built");
    let memory = run_for(&mut runtime, Span::from_milliseconds(milliseconds), 2).1;
    for machine in 0..lab.machines.len() {
        let console = memory.console(machine);
        assert!(console.contains("kernel ready"), "{console}");
        assert!(!console.contains("kernel stopped"), "{console}");
        assert!(!console.contains("FAILED"), "{console}");
        assert!(!console.contains("panicked"), "{console}");
    }
    memory
}

fn told(memory: &Memory, machine: usize, line: &str) {
    let console = memory.console(machine);
    assert!(console.lines().any(|told| told == line), "{line}: {console}");
}

#[test]
fn processes_are_started_stopped_changed_and_moved_by_their_owner_on_another_machine() {
    let stations = "02:60:8c:00:00:02 02:60:8c:00:00:03";
    let lab = machines(
        &[
            ("home", 1, ETHERLINK, Some(("owner", stations))),
            ("first", 2, ETHERLINK, None),
            ("second", 3, NE2000, None),
        ],
        "",
    );
    let memory = run(&lab, 130_000);
    told(&memory, 0, "owner: machine 2");
    told(&memory, 0, "owner: from machine to machine");
    told(&memory, 0, "TEST OK");
    told(&memory, 0, "owner exited with status 0");
    // Of what ran elsewhere only the process without an owner is told there.
    for machine in [1, 2] {
        told(&memory, machine, "a process was stunned: 5");
    }
}

/// What a line of `tats` tells: the item, calls, milliseconds in all, microseconds per call.
fn item(line: &str) -> Option<(&str, u32, u32, u32)> {
    let (before, each) = line.split_once(" sec ")?;
    let (before, seconds) = before.rsplit_once(' ')?;
    let (name, calls) = before.trim().strip_suffix(" calls")?.rsplit_once(' ')?;
    let thousandths = |text: &str| text.trim().replace('.', "").parse().ok();
    Some((
        name.trim(),
        calls.parse().ok()?,
        thousandths(seconds)?,
        thousandths(each.strip_suffix(" msec/call")?)?,
    ))
}

#[test]
fn tats_measures_calls_threads_and_transactions_here_and_with_another_machine() {
    let lab = machines(
        &[
            ("here", 1, ETHERLINK, Some(("tats", ""))),
            (
                "client",
                2,
                ETHERLINK,
                Some(("tats", "-i -m 02:60:8c:00:00:03 2")),
            ),
            ("server", 3, ETHERLINK, None),
        ],
        "",
    );
    let memory = run(&lab, 15_000);
    for (machine, items, factor) in [(0, 20, 1), (1, 6, 2)] {
        let console = memory.console(machine);
        let found: Vec<_> = console.lines().filter_map(item).collect();
        assert_eq!(found.len(), items, "{console}");
        told(&memory, machine, "tats exited with status 0");
        for (name, calls, time, each) in &found {
            assert_eq!(
                *each,
                (u64::from(*time) * 1000 / u64::from(*calls)) as u32,
                "{name}"
            );
        }
        let of = |name: &str| {
            let (_, calls, _, each) = found.iter().find(|(item, ..)| *item == name).expect(name);
            (*calls, *each)
        };
        let (calls, null) = of("inter-process trans 0/0");
        assert_eq!(calls, 100 * factor);
        let (_, long) = of("inter-process trans 30000/0");
        assert!(long > null, "{console}");
        if machine == 0 {
            assert!(of("null call").1 < of("thread synchronisation").1, "{console}");
            assert!(of("mutex lock and unlock").1 < of("null call").1, "{console}");
        }
    }
    // A transaction with another machine takes longer.
    let null = |machine: usize| {
        let console = memory.console(machine);
        let found = console
            .lines()
            .filter_map(item)
            .find(|(name, ..)| *name == "inter-process trans 0/0");
        found.expect("a null transaction").3
    };
    assert!(null(1) > null(0));
}

#[test]
fn an_intruder_gets_errors_and_disturbs_nobody() {
    let stations = "02:60:8c:00:00:01 02:60:8c:00:00:03";
    // The client starts when the intruder already listens.
    let later = r#"
[[fault]]
kind = "power-off"
machine = "client"
from = "0s"
until = "400ms"
"#;
    let lab = machines(
        &[
            ("server", 1, ETHERLINK, Some(("rpc_server", "perf 30000"))),
            ("client", 2, NE2000, Some(("rpc_client", "perf 1000 1500"))),
            ("bad", 3, ETHERLINK, Some(("intruder", stations))),
        ],
        later,
    );
    let memory = run(&lab, 40_000);
    told(&memory, 2, "intruder: 0 breaches");
    let bad = memory.console(2);
    let heard = bad.lines().find_map(|line| line.strip_prefix("intruder: heard "));
    let heard: u32 = heard
        .and_then(|rest| rest.split(' ').next()?.parse().ok())
        .expect("a number");
    assert!(heard > 0, "{bad}");
    // A pair that does not know of it goes on as ever, and no kernel has started anew.
    told(&memory, 1, "rpc_client exited with status 0");
    let server = memory.console(0);
    assert_eq!(server.matches("kernel ready").count(), 1, "{server}");
    assert!(!server.contains("exited"), "{server}");
}
