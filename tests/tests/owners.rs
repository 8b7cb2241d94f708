//! Processes and those who own them, on one machine and on others: what becomes of a process that is started elsewhere, stopped,
//! changed and moved; and what a program cannot do that owns nothing.

use clock::{Instant, Span};
use machines::machine::{PowerEvent, TornSector};
use proto::process::server::Command;
use tests::amoeba::{Card, Laboratory, Pc};
use tests::moves::run_to_request;
use tests::run_until;
use tests::system::{self, More, Step};

#[test]
fn processes_are_started_stopped_changed_and_moved_by_their_owner_on_another_machine() {
    let stations = "02:60:8c:00:00:02 02:60:8c:00:00:03";
    let lab = Laboratory::new([
        Pc::new("home").program("owner", stations),
        Pc::new("first"),
        Pc::new("second").card(Card::Ne2000),
    ]);
    let memory = lab.run(Span::from_seconds(130));
    let lines = [
        "owner: machine 2",
        "owner: from machine to machine",
        "TEST OK",
        "owner exited with status 0",
    ];
    memory.assert_told(0, &lines);
    // Of what ran elsewhere only the process without an owner is told there.
    for machine in [1, 2] {
        memory.assert_told(machine, &["a process was stunned: 5"]);
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
    let lab = Laboratory::new([
        Pc::new("here").program("tats", ""),
        Pc::new("client").program("tats", "-i -m 02:60:8c:00:00:03 2"),
        Pc::new("server"),
    ]);
    let memory = lab.run(Span::from_seconds(15));
    for (machine, items, factor) in [(0, 20, 1), (1, 6, 2)] {
        let console = memory.console(machine);
        let found: Vec<_> = console.lines().filter_map(item).collect();
        assert_eq!(found.len(), items, "{console}");
        memory.assert_told(machine, &["tats exited with status 0"]);
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
    let lab = Laboratory::new([
        Pc::new("server").program("rpc_server", "perf 30000"),
        Pc::new("client")
            .card(Card::Ne2000)
            .program("rpc_client", "perf 1000 1500"),
        Pc::new("bad").program("intruder", stations),
    ])
    .power_off("client", "0s", "400ms");
    let memory = lab.run(Span::from_seconds(40));
    memory.assert_told(2, &["intruder: 0 breaches"]);
    let bad = memory.console(2);
    let heard = bad.lines().find_map(|line| line.strip_prefix("intruder: heard "));
    let heard: u32 = heard
        .and_then(|rest| rest.split(' ').next()?.parse().ok())
        .expect("a number");
    assert!(heard > 0, "{bad}");
    // A pair that does not know of it goes on as ever, and no kernel has started anew.
    memory.assert_told(1, &["rpc_client exited with status 0"]);
    let server = memory.console(0);
    assert_eq!(server.matches("kernel ready").count(), 1, "{server}");
    assert!(!server.contains("exited"), "{server}");
}

/// What is beside the server: where a process begins, where it goes, and who takes it there when it is switched on.
const SOURCE: usize = 1;
const MOVER: usize = 3;

/// What a shell tells of a program that this line runs on `SOURCE`, from where it goes: just when its kernel has told its owner of that the machine
/// loses its power.
fn told_without_the_machine_that_it_left(lines: &[Step<'_>], more: More<'_>) -> String {
    let programs = ["ballast", "migrate"]
        .map(|name| format!("[[file]]\nname = \"/bin/{name}\"\nfrom = \"builtin:{name}\"\n"));
    let more = More {
        disk: &(programs.concat() + more.disk),
        pcs: vec![
            Pc::new("source").station(0x10),
            Pc::new("destination").station(0x11),
            Pc::new("mover").program("migrate", "ballast 02:60:8c:00:00:10 02:60:8c:00:00:11"),
        ],
        ..more
    };
    let limit = Instant::START + Span::from_seconds(40);
    let mut system = system::run_disturbed(&more, lines, 55, |runtime, memory| {
        let off = PowerEvent::Off(TornSector::Old);
        runtime.schedule_power(MOVER, Instant::START, off);
        run_until(runtime, memory, limit, 1, |memory| {
            memory.console(0).contains("ballast: turn 0")
        });
        runtime.schedule_power(MOVER, runtime.now(), PowerEvent::On);
        let is_told = run_to_request(runtime, memory, limit, Command::SwapProcess);
        assert!(is_told, "{}", memory.console(0));
        // The owner's answer comes later than that.
        runtime.schedule_power(SOURCE, runtime.now() + Span::from_microseconds(50), off);
    });
    let told = system.told.pop().expect("a line");
    // What the run server tells stands where it comes.
    let told = told.replace("$ ", "");
    let told = told.lines().filter(|line| *line != "run: source is down");
    told.map(|line| line.to_owned() + "\n").collect()
}

/// Its sixteen turns, which last longer than the migration, and its end.
fn whole() -> String {
    let turns = (0..16).map(|turn| format!("ballast: turn {turn}, 0 Kbytes are as they were\n"));
    turns.collect::<String>() + "status 0\n"
}

#[test]
fn ax_hears_of_the_end_of_its_program_though_the_machine_that_it_left_loses_power_as_it_tells_of_that() {
    let lines = [Step::Line("ax 02:60:8c:00:00:10 ballast 0 16; echo status $?")];
    let told = told_without_the_machine_that_it_left(&lines, More::default());
    assert_eq!(told, whole());
}

/// A pool of one machine.
const POOL: &str = r#"
[[host]]
name = "source"
mac = "02:60:8c:00:00:10"
pool = "i80386"
"#;

const RUN: &str = "
run {
    after = soap; pollcap = /super/cap/runsvr/default;
    program /bin/run {
        argv { run -d /profile/pool -e /super/cap/runsvr/default }
        capv { ROOT; RANDOM; TOD; TTY; }
    }
}
";

#[test]
fn a_shell_hears_of_the_end_of_its_program_though_the_machine_that_it_left_loses_power_as_it_tells_of_that() {
    // By then the run server has told which hosts are up.
    let lines = ["sleep 3", "ballast 0 16; echo status $?"].map(Step::Line);
    let more = More {
        disk: POOL,
        boot: RUN,
        ..More::default()
    };
    assert_eq!(told_without_the_machine_that_it_left(&lines, more), whole());
}
