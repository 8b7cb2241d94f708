//! The kernel's servers as programs on other machines find and use them.

use clock::Span;
use machines::lab::Lab;
use machines::runtime::Runtime;
use tests::{Memory, lab, run_for};

const SERVER: usize = 0;
const CLIENT: usize = 1;

/// Two machines on a cable, of which one has these modules (image and arguments).
fn pair(modules: &[(&str, &str)]) -> Lab {
    pair_with(modules, "", "")
}

/// The same with more arguments for the kernel of the other, and with more tables.
fn pair_with(modules: &[(&str, &str)], arguments: &str, tables: &str) -> Lab {
    let head = r#"
format = 1
[lab]
name = "kernel-servers"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[image.kstat]
path = "builtin:kstat"
[image.control_test]
path = "builtin:control_test"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "4MB"
cpu = { model = "386dx", clock = "40MHz", fpu = "none" }
boot = { from = "direct", image = "kernel", args = "peers=0" }
"#;
    let mut text = String::from(head);
    for (name, number) in [("server", 1), ("client", 2)] {
        text += &format!(
            r#"
[machine.{name}]
extends = "pc"
nic = {{ mac = "02:60:8c:00:00:0{number}" }}
[[machine.{name}.card]]
segment = "ether0"
type = "3c503"
io = 0x280
irq = 3
ram = 0xCC000
"#
        );
    }
    for (image, arguments) in modules {
        text += &format!("[[machine.client.module]]\nimage = \"{image}\"\nargs = \"{arguments}\"\n");
    }
    text += &format!(
        "[machine.server.boot]\nfrom = \"direct\"\nimage = \"kernel\"\nargs = \"peers=0 {arguments}\"\n{tables}"
    );
    lab(&text)
}

fn run(lab: &Lab, milliseconds: u64) -> Memory {
    let images = machines::image::load_all(lab).expect("built-in programs");
    let mut runtime = Runtime::build(lab, &images).expect("a lab that can be built");
    let memory = run_for(&mut runtime, Span::from_milliseconds(milliseconds), 1).1;
    for machine in [SERVER, CLIENT] {
        let console = memory.console(machine);
        assert!(!console.contains("kernel stopped"), "{console}");
    }
    memory
}

#[test]
fn a_program_finds_the_servers_of_another_machine_by_its_station_address() {
    let memory = run(&pair(&[("kstat", "02:60:8c:00:00:01")]), 3_000);
    let console = memory.console(CLIENT);
    for line in [
        "ps        % directory of processes",
        "proc      process server",
        "sys       system server",
        "tod       time of day server",
        "random    ? random number server",
        "tty:00    + console",
        " seconds since 1970",
        "kstat exited with status 0",
    ] {
        assert!(console.contains(line), "{line}: {console}");
    }
    assert!(console.contains("8018244"), "the server's clock: {console}");
}

#[test]
fn a_station_that_is_not_there_has_no_servers() {
    let memory = run(&pair(&[("kstat", "02:60:8c:00:00:77 u")]), 12_000);
    let console = memory.console(CLIENT);
    assert!(
        console.contains("kstat: 02:60:8c:00:00:77: RpcNotFound (-2)"),
        "{console}"
    );
}

#[test]
fn figures_of_another_machine_are_told_by_letter() {
    let memory = run(&pair(&[("kstat", "02:60:8c:00:00:01 uv")]), 3_000);
    let console = memory.console(CLIENT);
    assert!(console.contains(" seconds up"), "{console}");
    assert!(console.matches("amoeba-rs ").count() >= 2, "{console}");
}

#[test]
fn networks_are_changed_and_machines_reserved_from_elsewhere() {
    let memory = run(&pair(&[("control_test", "02:60:8c:00:00:01")]), 40_000);
    let console = memory.console(CLIENT);
    for line in ["TEST OK", "control_test exited with status 0"] {
        assert!(console.contains(line), "{line}: {console}");
    }
}

#[test]
fn the_station_address_leads_to_no_server_of_a_secure_kernel() {
    let lab = pair_with(&[("kstat", "02:60:8c:00:00:01 u")], "secure=1", "");
    let console = run(&lab, 12_000).console(CLIENT);
    let line = "kstat: 02:60:8c:00:00:01: RpcNotFound (-2)";
    assert!(console.contains(line), "{console}");
}

/// Frames of FLIP's type whose bytes count up: headers of every type, with addresses and lengths that mean nothing.
const NOISE: &str = r#"
[traffic.noise]
segment = "ether0"
mac = "02:60:8c:00:01:00"
destination = "02:60:8c:00:00:01"
ethertype = 0x8146
lengths = [64, 200, 1518]
interval = "2ms"
"#;

#[test]
fn frames_that_only_look_like_flip_are_counted_and_do_no_harm() {
    let lab = pair_with(
        &[
            ("control_test", "02:60:8c:00:00:01"),
            ("kstat", "02:60:8c:00:00:01 n"),
        ],
        "",
        NOISE,
    );
    let console = run(&lab, 60_000).console(CLIENT);
    for line in ["TEST OK", "kstat exited with status 0"] {
        assert!(console.contains(line), "{line}: {console}");
    }
    let counted = console
        .lines()
        .find_map(|line| line.trim().strip_suffix("  malformed"));
    let counted: u32 = counted.and_then(|count| count.trim().parse().ok()).unwrap_or(0);
    assert!(counted > 0, "{console}");
}
