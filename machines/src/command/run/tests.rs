use serde_json::Value;

use crate::command::exit::Exit;
use crate::command::testing::{Act, Bench, SAMPLE, call};

/// A bench on which both machines get ready.
fn good_bench() -> Bench {
    let mut bench = Bench::new();
    bench.script = vec![
        (100, Act::Say(0, "booting\r\nkernel ready\r\n")),
        (200, Act::Frame),
        (7_412_000, Act::Say(1, "kernel ready\r\n$ ")),
    ];
    bench
}

/// `amlab run` of that bench into the folder `run`.
fn run(bench: &Bench, words: &[&str]) -> (Exit, String, String) {
    let (lab, out) = (bench.file("lab.toml", SAMPLE), bench.path("run"));
    let words: Vec<&str> = ["run", &lab, "--out", &out]
        .iter()
        .chain(words)
        .copied()
        .collect();
    call(bench, &words)
}

/// Host times and folders differ from run to run, and the bench's trace hash means nothing.
fn settled(bench: &Bench, text: &str) -> String {
    let text = text.replace(&bench.path("run"), "RUN");
    let host_time = regex::Regex::new(r"in \d+\.\d s   \d+(\.\d)?x real time").unwrap();
    let text = host_time.replace_all(&text, "in HOST s   FACTORx real time");
    let trace = regex::Regex::new(r"b3:[0-9a-f]{16}\.").unwrap();
    trace.replace_all(&text, "b3:TRACE.").into_owned()
}

#[test]
fn a_good_run_reads_as_agreed() {
    let bench = good_bench();
    let (exit, out, err) = run(&bench, &["--until-expected", "-j", "1"]);
    assert_eq!((exit, err.as_str()), (Exit::Good, ""));
    insta::assert_snapshot!(settled(&bench, &out), @r"
    lab      sample   2 machines   seed 1995   1 thread   5 placeholder timing constants
    folder   RUN
      pc0  386/40    4 MB   3c503 02:60:8c:00:00:01   kernel put into memory (its boot time means nothing)
      pc1  386/40    4 MB   3c503 02:60:8c:00:00:02   kernel put into memory (its boot time means nothing)
         0.000 s  pc0  met: kernel ready
         7.412 s  pc1  met: kernel ready
    done     7.412 s virtual in HOST s   FACTORx real time   1 204 frames, 7 collisions
    trace    b3:TRACE...  (same on every host and thread count)
    ");
}

#[test]
fn the_run_folder_holds_everything() {
    let bench = good_bench();
    run(
        &bench,
        &[
            "--until-expected",
            "--capture",
            "--set",
            "lab.description=changed",
            "--seed",
            "7",
        ],
    );
    assert_eq!(bench.read("run/console/pc1.log"), "kernel ready\r\n$ ");
    assert_eq!(bench.read("run/console/pc1.ts").lines().count(), 3);
    assert_eq!(bench.read("run/lab.toml"), SAMPLE);
    assert!(bench.read("run/inputs.log").starts_with('#'));
    assert!(
        bench
            .read("run/expect.xml")
            .contains("tests=\"2\" failures=\"0\"")
    );
    let stats: Value = serde_json::from_str(&bench.read("run/stats.json")).unwrap();
    assert_eq!(stats["machines"][1]["interrupts"], 7);
    let manifest: Value = serde_json::from_str(&bench.read("run/manifest.json")).unwrap();
    assert_eq!(manifest["seed"], 7);
    assert_eq!(manifest["lab"]["overrides"][0], "lab.description=changed");
    assert!(manifest["lab"]["resolved"].as_str().unwrap().contains("changed"));
    assert_eq!(manifest["images"][0]["source"], "builtin:kernel");
    assert_eq!(manifest["images"][0]["blake3"].as_str().map(str::len), Some(64));
    assert_eq!(manifest["outcome"]["exit_code"], 0);
    let capture = blake3::hash(&bench.bytes("run/wire.pcapng"));
    assert_eq!(manifest["captures"][0]["blake3"], capture.to_hex().as_str());
}

#[test]
fn events_come_in_the_order_of_virtual_time() {
    let mut bench = good_bench();
    bench.script.insert(2, (300, Act::Post(1, 1)));
    run(&bench, &["--until-expected"]);
    insta::assert_snapshot!(bench.read("run/events.jsonl"), @r#"
    {"at_ns":100000,"event":"met","machine":"pc0","pattern":"kernel ready","absent":false}
    {"at_ns":300000,"event":"post","machine":"pc1","code":0}
    {"at_ns":7412000000,"event":"met","machine":"pc1","pattern":"kernel ready","absent":false}
    {"at_ns":7412025600,"event":"end","reason":"expected"}
    "#);
}

#[test]
fn post_codes_without_end_do_not_fill_the_disk() {
    let mut bench = good_bench();
    bench.script.insert(0, (50, Act::Post(0, 5000)));
    run(&bench, &["--until-expected"]);
    let events = bench.read("run/events.jsonl");
    assert_eq!(
        events.lines().filter(|line| line.contains("\"post\"")).count(),
        4096
    );
    assert!(
        events.contains("\"event\":\"post-omitted\",\"machine\":\"pc0\",\"count\":904"),
        "{events}"
    );
}

#[test]
fn programs_get_one_json_object() {
    let bench = good_bench();
    let (_, out, _) = run(&bench, &["--until-expected", "--format", "json"]);
    let object: Value = serde_json::from_str(&out).unwrap();
    let keys: Vec<&String> = object.as_object().unwrap().keys().collect();
    insta::assert_snapshot!(format!("{keys:?}"), @r#"["end", "exit_code", "expectations", "folder", "host_seconds", "lab", "placeholder_timing_constants", "seed", "statistics", "stops", "threads", "trace", "virtual_ns"]"#);
    assert_eq!(object["expectations"][1]["at_ns"], 7_412_000_000_u64);
    assert_eq!(object["expectations"][1]["result"], "met");
    assert_eq!(object["end"], "expected");
}

#[test]
fn spreadsheets_get_one_table() {
    let bench = good_bench();
    let (_, out, _) = run(&bench, &["--until-expected", "--format", "csv"]);
    insta::assert_snapshot!(out, @r"
    machine,instructions,cycles,halted_cycles,busy_percent,interrupts,sent,received,missed
    pc0,40,1000,250,75,7,1,2,0
    pc1,40,1000,250,75,7,1,2,0
    ");
}

#[test]
fn a_missed_expectation_gives_1_and_is_told() {
    let mut bench = good_bench();
    bench.script.truncate(2);
    let (exit, out, err) = run(&bench, &["--until-expected"]);
    assert_eq!(exit, Exit::Missed);
    assert!(
        out.contains("    60.000 s  pc1  missed: kernel ready (not seen within 60.000 s)\n"),
        "{out}"
    );
    assert!(err.starts_with("amlab: 1 expectation missed; see "), "{err}");
    assert!(
        bench
            .read("run/expect.xml")
            .contains("<failure message=\"not seen within 60.000 s\"/>")
    );
}

#[test]
fn waiting_ends_with_the_last_deadline_even_if_the_lab_has_no_end() {
    let mut bench = good_bench();
    bench.script.truncate(2);
    let lab = bench.file("endless.toml", SAMPLE.replace("stop = \"600s\"", ""));
    let (exit, out, _) = call(&bench, &["run", &lab, "--out", &bench.path("run")]);
    assert_eq!(exit, Exit::Missed);
    assert!(out.contains("\ndone     60.000 s virtual"), "{out}");
    assert!(!out.contains("\nend "), "{out}");
}

#[test]
fn reaching_the_end_time_is_good_unless_something_was_still_awaited() {
    let (exit, out, _) = run(&good_bench(), &["--until", "8s"]);
    assert_eq!(exit, Exit::Good);
    assert!(
        out.contains("end      the end time was reached\ndone     8.000 s virtual"),
        "{out}"
    );
    let (exit, _, err) = run(&good_bench(), &["--until", "5s"]);
    assert_eq!(exit, Exit::TimeLimit);
    assert_eq!(
        err,
        "amlab: the end time was reached with 1 expectation still open\n"
    );
}

#[test]
fn the_host_time_limit_gives_4() {
    let bench = good_bench();
    let (exit, _, _) = run(&bench, &["--wall-limit", "0s"]);
    assert_eq!(exit, Exit::TimeLimit);
    assert!(bench.read("run/events.jsonl").contains("wall-limit"));
}

#[test]
fn an_interruption_leaves_a_complete_run_folder() {
    let bench = good_bench();
    bench.interrupt.raise();
    let (exit, _, _) = run(&bench, &["--capture"]);
    assert_eq!(exit, Exit::Interrupted);
    let manifest: Value = serde_json::from_str(&bench.read("run/manifest.json")).unwrap();
    assert_eq!(manifest["outcome"]["exit_code"], 130);
    assert!(manifest["captures"][0]["blake3"].is_string());
    assert!(
        bench
            .read("run/expect.xml")
            .contains("<skipped message=\"undecided: interrupted\"/>")
    );
    assert!(bench.read("run/stats.json").ends_with("}\n"));
}

#[test]
fn a_guest_that_stops_gives_3_and_leaves_its_registers() {
    let mut bench = good_bench();
    bench.script.insert(2, (41_000, Act::Stop(0)));
    let (exit, out, err) = run(&bench, &["--until-expected"]);
    assert_eq!(exit, Exit::GuestStopped);
    assert!(
        out.contains("     0.041 s  pc0  stopped: hlt with interrupts off"),
        "{out}"
    );
    assert!(out.contains("pc1  met: kernel ready"), "the other goes on: {out}");
    let registers = bench.path("run/faults/pc0-1.txt");
    let message = "guest::halted pc0 at 0.041 s, hlt with interrupts off, cs:eip 0008:c0012f3a";
    assert_eq!(err, format!("{message}; registers in {registers}\n"));
    assert!(bench.read("run/faults/pc0-1.txt").ends_with("eax=00000000"));
    assert!(
        bench
            .read("run/events.jsonl")
            .contains("\"report\":\"faults/pc0-1.txt\"")
    );
}

#[test]
fn a_lab_whose_machines_have_all_stopped_ends() {
    let mut bench = good_bench();
    bench
        .script
        .extend([(7_500_000, Act::Stop(0)), (7_600_000, Act::Stop(1))]);
    let (exit, out, _) = run(&bench, &[]);
    assert_eq!(exit, Exit::GuestStopped);
    assert!(out.contains("end      every machine has stopped"), "{out}");
}

#[test]
fn consoles_are_written_to_the_terminal_with_their_names() {
    let (_, out, _) = run(&good_bench(), &["--until-expected", "--console", "pc1", "-q"]);
    assert!(out.contains("\npc1 | kernel ready\n"), "{out}");
    assert!(out.contains("\npc1 | $ \n"), "{out}");
    assert!(!out.contains("pc0"), "{out}");
}

#[test]
fn two_q_leave_nothing_of_a_good_run() {
    let (exit, out, err) = run(&good_bench(), &["--until-expected", "-qq"]);
    assert_eq!((exit, out.as_str(), err.as_str()), (Exit::Good, "", ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_gives_5_and_names_the_file() {
    let mut bench = good_bench();
    bench
        .script
        .extend(std::iter::repeat_n((8_000_000, Act::Frame), 1000));
    let (exit, _, err) = run(&bench, &["--until", "9s", "--capture=ether0=/dev/full"]);
    assert_eq!(exit, Exit::HostTrouble);
    assert!(
        err.contains("amlab: host::file: cannot write /dev/full: "),
        "{err}"
    );
    let manifest: Value = serde_json::from_str(&bench.read("run/manifest.json")).unwrap();
    assert_eq!(manifest["outcome"]["exit_code"], 5);
    assert_eq!(manifest["outcome"]["reason"], "host-trouble");
}

#[test]
fn a_bad_lab_file_runs_nothing_and_gives_2() {
    let bench = Bench::new();
    let (lab, out) = (bench.file("bad.toml", "format = 1"), bench.path("run"));
    let (exit, _, err) = call(&bench, &["run", &lab, "--out", &out]);
    assert_eq!(exit, Exit::BadInput);
    assert!(err.ends_with("; nothing was run\n"), "{err}");
    assert!(!std::path::Path::new(&out).exists());
}
