//! The kernel's servers as programs on other machines find and use them.

use clock::Span;
use tests::amoeba::{Laboratory, Pc};

const CLIENT: usize = 1;

/// A server, whose kernel has these options, and a client with this program.
fn pair(options: &str, program: &str, arguments: &str) -> Laboratory {
    Laboratory::new([
        Pc::new("server").options(options),
        Pc::new("client").program(program, arguments),
    ])
}

#[test]
fn a_program_finds_the_servers_of_another_machine_by_its_station_address() {
    let memory = pair("", "kstat", "02:60:8c:00:00:01").run(Span::from_seconds(3));
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
    let memory = pair("", "kstat", "02:60:8c:00:00:77 u").run(Span::from_seconds(12));
    let console = memory.console(CLIENT);
    assert!(
        console.contains("kstat: 02:60:8c:00:00:77: RpcNotFound (-2)"),
        "{console}"
    );
}

#[test]
fn figures_of_another_machine_are_told_by_letter() {
    let memory = pair("", "kstat", "02:60:8c:00:00:01 uv").run(Span::from_seconds(3));
    let console = memory.console(CLIENT);
    assert!(console.contains(" seconds up"), "{console}");
    assert!(console.matches("amoeba-rs ").count() >= 2, "{console}");
}

#[test]
fn networks_are_changed_and_machines_reserved_from_elsewhere() {
    let memory = pair("", "control_test", "02:60:8c:00:00:01").run(Span::from_seconds(40));
    memory.assert_told(CLIENT, &["TEST OK", "control_test exited with status 0"]);
}

#[test]
fn the_station_address_leads_to_no_server_of_a_secure_kernel() {
    let lab = pair("secure=1", "kstat", "02:60:8c:00:00:01 u");
    let console = lab.run(Span::from_seconds(12)).console(CLIENT);
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
    let client = Pc::new("client")
        .program("control_test", "02:60:8c:00:00:01")
        .program("kstat", "02:60:8c:00:00:01 n");
    let lab = Laboratory::new([Pc::new("server"), client]).tables(NOISE);
    let memory = lab.run(Span::from_seconds(60));
    memory.assert_told(CLIENT, &["TEST OK", "kstat exited with status 0"]);
    let console = memory.console(CLIENT);
    let counted = console
        .lines()
        .find_map(|line| line.trim().strip_suffix("  malformed"));
    let counted: u32 = counted.and_then(|count| count.trim().parse().ok()).unwrap_or(0);
    assert!(counted > 0, "{console}");
}
