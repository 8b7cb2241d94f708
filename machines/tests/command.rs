//! The command `amlab` as its users meet it: the real program, its exit codes, its output and its run folders.

mod support;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use self::support::amlab;

/// Two PCs that exchange frames; the default lab, as a file.
const PAIR: &str = include_str!("../labs/pair.toml");

/// What came of a call.
struct Answer {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

fn call(folder: &TempDir, words: &[&str]) -> Answer {
    amlab(folder, words).output().expect("amlab starts").into()
}

/// A new folder with these files.
fn folder_with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("a file");
    }
    folder
}

fn read(folder: &TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn json(folder: &TempDir, name: &str) -> Value {
    serde_json::from_str(&read(folder, name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Everything that a run folder holds whatever happens, whole.
fn assert_is_complete(folder: &TempDir, run: &str, code: i32, reason: &str) {
    let manifest = json(folder, &format!("{run}/manifest.json"));
    assert_eq!(manifest["outcome"]["exit_code"], code);
    assert_eq!(manifest["outcome"]["reason"], reason);
    assert_eq!(manifest["captures"][0]["file"], "wire.pcapng");
    let capture = std::fs::read(folder.path().join(run).join("wire.pcapng")).expect("a capture");
    assert_eq!(manifest["captures"][0]["bytes"], capture.len());
    assert_eq!(&capture[..4], [0x0A, 0x0D, 0x0D, 0x0A], "pcapng");
    let events = read(folder, &format!("{run}/events.jsonl"));
    let last: Value = serde_json::from_str(events.lines().last().expect("an event")).expect("JSON");
    assert_eq!((&last["event"], &last["reason"]), (&"end".into(), &reason.into()));
    let statistics = json(folder, &format!("{run}/stats.json"));
    assert!(statistics["machines"][0]["busy_percent"].is_u64());
    assert!(read(folder, &format!("{run}/expect.xml")).ends_with("</testsuite>\n"));
    assert!(read(folder, &format!("{run}/inputs.log")).starts_with('#'));
    for machine in ["pc0", "pc1"] {
        let stamps = read(folder, &format!("{run}/console/{machine}.ts"));
        assert!(stamps.ends_with('\n'));
        assert!(Path::new(&folder.path().join(run).join(format!("console/{machine}.log"))).is_file());
    }
}

/// A Multiboot kernel as an ELF32 file with one segment: its header, then `code`, from 1 MB on.
fn kernel(code: &[u8]) -> Vec<u8> {
    const LOAD: u32 = 0x10_0000;
    const HEADERS: u32 = 52 + 32;
    const MAGIC: u32 = 0x1BAD_B002;
    let segment_bytes = 12 + u32::try_from(code.len()).expect("a small kernel");
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0".to_vec();
    let words = |file: &mut Vec<u8>, words: &[u32]| {
        file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    };
    // Version, entry, program headers' place, section headers' place, flags.
    words(&mut file, &[1, LOAD + 12, 52, 0, 0]);
    // Sizes of the file's header, of a program header and their count, of a section header, their count and names.
    file.extend([52, 0, 32, 0, 1, 0, 40, 0, 0, 0, 0, 0]);
    // Type "load", offset, virtual and physical address, size in the file and in memory, flags, alignment.
    words(
        &mut file,
        &[1, HEADERS, LOAD, LOAD, segment_bytes, segment_bytes, 7, 4],
    );
    words(&mut file, &[MAGIC, 0, MAGIC.wrapping_neg()]);
    file.extend(code);
    file
}

/// The pair lab, and beside it a machine `odd` that boots `odd.elf`.
fn pair_and_odd_one() -> String {
    let image = "[image.odd]\npath = \"odd.elf\"\n\n[segment.ether0]";
    let machine = "[machine.odd]\nboot = { from = \"direct\", image = \"odd\" }\n\n[[expect]]";
    PAIR.replacen("[segment.ether0]", image, 1)
        .replacen("[[expect]]", machine, 1)
}

#[test]
fn without_a_command_the_built_in_lab_runs_and_the_environment_counts() {
    let folder = folder_with(&[]);
    let output = amlab(&folder, &[]).env("AMLAB_UNTIL", "150ms").output();
    let answer = Answer::from(output.expect("amlab starts"));
    assert_eq!(answer.code, Some(4), "{}", answer.err);
    assert!(
        answer
            .out
            .starts_with("lab      pair   2 machines   seed 1995   "),
        "{}",
        answer.out
    );
    assert!(answer.out.contains("pc0  met: kernel ready"), "{}", answer.out);
    assert!(!answer.out.contains('\u{1b}'), "no colours off a terminal");
    assert_eq!(
        answer.err,
        "amlab: the end time was reached with 2 expectations still open\n"
    );
    assert_is_complete(&folder, "runs/pair-1", 4, "until");
    assert_eq!(
        json(&folder, "runs/pair-1/manifest.json")["environment"][0],
        "AMLAB_UNTIL=150ms"
    );
    assert!(read(&folder, "runs/pair-1/console/pc0.log").contains("kernel ready\r\n"));
}

/// A PC that starts in `test.rom`, of which a POST code is expected.
const ROM_LAB: &str = r#"
format = 1
[lab]
name = "rom"
[image.rom]
path = "test.rom"
[machine.pc]
bios = { image = "rom" }
post_port = 0x190
[[expect]]
machine = "pc"
post = 0xFF
within = "1s"
"#;

/// A ROM of 4 KB: MOV DX, 190h; MOV AL, `code`; OUT DX, AL; CLI; HLT.
fn rom(code: u8) -> Vec<u8> {
    let mut rom = vec![0xFF; 0x1000];
    rom[0xFF0..0xFF8].copy_from_slice(&[0xBA, 0x90, 0x01, 0xB0, code, 0xEE, 0xFA, 0xF4]);
    rom
}

#[test]
fn a_test_rom_that_halts_after_its_last_post_code_is_a_good_run() {
    let folder = folder_with(&[("lab.toml", ROM_LAB.as_bytes()), ("test.rom", &rom(0xFF))]);
    let answer = call(&folder, &["run", "lab.toml", "-v"]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    assert!(answer.out.contains("pc  met: post ff\n"), "{}", answer.out);
    assert!(
        answer.out.contains("pc  ended: halt with interrupts off"),
        "{}",
        answer.out
    );
    assert!(answer.err.contains("pc ff"), "{}", answer.err);
    let events = read(&folder, "runs/rom-1/events.jsonl");
    for part in [
        r#""event":"post","machine":"pc","code":255"#,
        r#""event":"met","machine":"pc","post":255,"absent":false"#,
        r#""report":"faults/pc-1.txt","expected":true"#,
    ] {
        assert!(events.contains(part), "no {part} in {events}");
    }
    assert!(read(&folder, "runs/rom-1/faults/pc-1.txt").contains(", post ff\n"));
    std::fs::write(folder.path().join("test.rom"), rom(0xFE)).expect("a file");
    let answer = call(&folder, &["verify", "runs/rom-1"]);
    assert_eq!(answer.code, Some(6));
    assert!(
        answer.err.contains("verify::image: image `rom` ("),
        "{}",
        answer.err
    );
}

#[test]
fn a_test_rom_that_halts_before_its_last_post_code_gives_3_and_says_which_came_last() {
    let folder = folder_with(&[("lab.toml", ROM_LAB.as_bytes()), ("test.rom", &rom(0x0E))]);
    let answer = call(&folder, &["run", "lab.toml"]);
    assert_eq!(answer.code, Some(3));
    assert!(
        answer
            .out
            .contains("missed: post ff (the machine stopped before)"),
        "{}",
        answer.out
    );
    assert!(
        answer.err.contains("cr2 00000000, post 0e; registers in"),
        "{}",
        answer.err
    );
}

#[test]
fn expectations_that_are_met_give_0_and_json_says_all() {
    let only_ready = PAIR
        .split("[[expect]]")
        .take(2)
        .collect::<Vec<_>>()
        .join("[[expect]]");
    let folder = folder_with(&[("lab.toml", only_ready.as_bytes())]);
    let answer = call(
        &folder,
        &[
            "run",
            "--until-expected",
            "--out",
            "run",
            "--capture",
            "--format",
            "json",
        ],
    );
    assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&answer.out).expect("JSON");
    assert_eq!(report["end"], "expected");
    assert_eq!(report["expectations"][1]["result"], "met");
    assert_is_complete(&folder, "run", 0, "expected");
}

#[test]
fn an_expectation_that_is_missed_gives_1() {
    let folder = folder_with(&[(
        "lab.toml",
        PAIR.replace("kernel ready", "another kernel").as_bytes(),
    )]);
    let set = "expect.0.within=20ms";
    let answer = call(&folder, &["run", "-q", "--set", set, "--until", "30ms"]);
    assert_eq!(answer.code, Some(1), "{}{}", answer.out, answer.err);
    assert!(
        answer
            .err
            .contains("2 expectations missed; see runs/pair-1/expect.xml"),
        "{}",
        answer.err
    );
    assert!(read(&folder, "runs/pair-1/expect.xml").contains("<failure message=\"not seen within"));
}

#[test]
fn check_tells_good_labs_from_bad_ones() {
    let bad = PAIR
        .replace("irq     = 3", "irqq    = 3")
        .replace("\"4MB\"", "\"4MHz\"");
    let folder = folder_with(&[("good.toml", PAIR.as_bytes()), ("bad.toml", bad.as_bytes())]);
    let good = call(&folder, &["check", "good.toml"]);
    assert_eq!(good.out, "ok: pair: 2 machines, 1 segment, 2 expectations\n");
    assert_eq!(good.code, Some(0));
    let bad = call(&folder, &["check", "good.toml", "bad.toml"]);
    assert_eq!(bad.code, Some(2));
    assert!(
        bad.err.contains("lab::unknown-field") && bad.err.contains("lab::wrong-unit"),
        "{}",
        bad.err
    );
    assert!(
        bad.err.contains("did you mean `irq`?") && bad.err.contains("bad.toml:46:1"),
        "{}",
        bad.err
    );
    assert!(
        bad.err
            .ends_with("amlab: 2 errors in bad.toml; nothing was run\n"),
        "{}",
        bad.err
    );
}

#[test]
fn a_bad_command_line_or_lab_file_gives_2_and_runs_nothing() {
    let no_kernel = PAIR.replace("builtin:kernel", "noise.elf");
    let folder = folder_with(&[
        ("lab.toml", PAIR.as_bytes()),
        ("no-kernel.toml", no_kernel.as_bytes()),
        ("noise.elf", &[0x5A; 64]),
    ]);
    for words in [
        &["run", "--nope"][..],
        &["run", "--until", "50"],
        &["run", "nowhere.toml"],
        &["run", "--set", "machine.pc.memory=4MHz"],
        &["run", "--console", "pc7"],
        &["run", "--capture=ether7=w.pcapng"],
        &["run", "no-kernel.toml"],
        &["verify", "nowhere"],
    ] {
        let answer = call(&folder, words);
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (Some(2), ""),
            "{words:?}: {}",
            answer.err
        );
    }
    assert!(!folder.path().join("runs").exists());
    let answer = call(&folder, &["run", "--console", "pc7", "--format", "json"]);
    let report: Value = serde_json::from_str(&answer.out).expect("JSON");
    assert_eq!(report["messages"][0]["code"], "run::unknown-machine");
}

#[test]
fn a_machine_that_stops_gives_3_with_a_report_and_the_others_go_on() {
    // CLI, HLT; and LIDT from zeroes, INT3.
    for (code, why, instruction) in [
        (&b"\xfa\xf4"[..], "guest::halted", "hlt"),
        (b"\x0f\x01\x1d\0\0\x20\0\xcc", "guest::triple-fault", "lidt"),
    ] {
        let folder = folder_with(&[
            ("lab.toml", pair_and_odd_one().as_bytes()),
            ("odd.elf", &kernel(code)),
        ]);
        let answer = call(&folder, &["run", "--until", "150ms", "--out", "run"]);
        assert_eq!(answer.code, Some(3), "{}", answer.err);
        assert!(answer.out.contains("pc1  met: kernel ready"), "{}", answer.out);
        assert!(
            answer.err.starts_with(&format!("{why} odd at 0.000 s, ")),
            "{}",
            answer.err
        );
        assert!(
            answer.err.contains("; registers in run/faults/odd-1.txt\n"),
            "{}",
            answer.err
        );
        let report = read(&folder, "run/faults/odd-1.txt");
        assert!(report.starts_with(&format!("{why} odd at 0.0000")), "{report}");
        assert!(
            report.contains("eax 2badb002") && report.contains(instruction),
            "{report}"
        );
        assert!(read(&folder, "run/expect.xml").contains("errors=\"1\""));
        assert_is_complete(&folder, "run", 3, "until");
    }
}

#[test]
fn the_host_time_limit_gives_4() {
    let folder = folder_with(&[("lab.toml", PAIR.as_bytes())]);
    let answer = call(&folder, &["run", "-q", "--wall-limit", "1ms", "--out", "run"]);
    assert_eq!(answer.code, Some(4), "{}", answer.err);
    assert_is_complete(&folder, "run", 4, "wall-limit");
}

#[test]
fn a_host_that_refuses_a_file_gives_5() {
    let folder = folder_with(&[("lab.toml", PAIR.as_bytes()), ("file", b"")]);
    let answer = call(&folder, &["run", "--out", "file/run"]);
    assert_eq!(answer.code, Some(5));
    assert!(
        answer
            .err
            .starts_with("amlab: host::file: cannot create folder file/run: "),
        "{}",
        answer.err
    );
    let answer = call(&folder, &["run", "--out", "."]);
    assert_eq!(answer.code, Some(5));
    assert!(
        answer.err.contains("it is not empty; name another with --out"),
        "{}",
        answer.err
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_gives_5_and_a_folder_that_says_so() {
    let folder = folder_with(&[("lab.toml", PAIR.as_bytes())]);
    let words = [
        "run",
        "--until",
        "60ms",
        "--out",
        "run",
        "--capture=ether0=/dev/full",
    ];
    let answer = call(&folder, &words);
    assert_eq!(answer.code, Some(5), "{}", answer.err);
    assert!(
        answer.err.contains("amlab: host::file: cannot write /dev/full: "),
        "{}",
        answer.err
    );
    assert_eq!(json(&folder, "run/manifest.json")["outcome"]["exit_code"], 5);
}

#[test]
fn a_run_with_traffic_is_the_same_with_one_thread_and_with_two() {
    let folder = folder_with(&[("lab.toml", PAIR.as_bytes())]);
    call(
        &folder,
        &["run", "-q", "--until", "150ms", "--seed", "7", "--out", "run"],
    );
    let statistics = json(&folder, "run/stats.json");
    assert!(
        statistics["machines"][1]["cards"][0]["received"].as_u64() > Some(5),
        "{statistics}"
    );
    let answer = call(&folder, &["verify", "run", "--threads", "1,2"]);
    assert_eq!(
        (answer.code, answer.err.as_str()),
        (Some(0), ""),
        "{}",
        answer.out
    );
    let lines: Vec<&str> = answer.out.lines().collect();
    assert!(lines[0].starts_with("threads 1   same ") && lines[1].starts_with("threads 2   same "));
}

#[test]
fn a_run_folder_that_was_tampered_with_gives_6() {
    let folder = folder_with(&[("lab.toml", PAIR.as_bytes())]);
    call(&folder, &["run", "-q", "--until", "60ms", "--out", "run"]);
    let lab = read(&folder, "run/lab.toml");
    std::fs::write(
        folder.path().join("run/lab.toml"),
        lab.replace("frames=1000", "frames=1001"),
    )
    .expect("a file");
    let answer = call(&folder, &["verify", "run", "--format", "json"]);
    assert_eq!(answer.code, Some(6), "{}", answer.err);
    assert!(
        answer
            .err
            .starts_with("amlab: verify::differs: with 1 threads, the trace hash is b3:")
    );
    let report: Value = serde_json::from_str(&answer.out).expect("JSON");
    assert_eq!(report["same"], false);
}

/// Waits for a run's first event, so that a signal meets the run and not its beginning.
#[cfg(unix)]
fn wait_for_progress(child: &mut Child) {
    use std::io::BufRead;
    let out = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let met = out
        .lines()
        .find(|line| line.as_ref().is_ok_and(|line| line.contains("met: kernel ready")));
    assert!(met.is_some(), "the run ended before its signal");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_gives_130_and_leaves_a_complete_folder_that_can_be_verified() {
    let folder = folder_with(&[("lab.toml", PAIR.as_bytes())]);
    let mut command = amlab(&folder, &["run", "--speed", "0.05", "--out", "run"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("amlab starts");
    wait_for_progress(&mut child);
    let signal = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(signal.expect("kill starts").success());
    assert_eq!(child.wait().expect("amlab ends").code(), Some(130));
    assert_is_complete(&folder, "run", 130, "interrupted");
    assert_eq!(call(&folder, &["verify", "run"]).code, Some(0));
}

/// Waits for a run's control socket.
fn wait_for_socket(folder: &TempDir, run: &str) {
    let path = folder.path().join(run).join("control.sock");
    for _ in 0..1_000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("no socket at {}", path.display());
}

/// Starts a run that is steered, in the folder `run`.
fn steered(folder: &TempDir, words: &str) -> std::process::Child {
    let words: Vec<_> = words.split(' ').collect();
    let child = amlab(folder, &words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("amlab starts");
    wait_for_socket(folder, "run");
    child
}

/// What `amlab ctl run` answers, which must go well.
fn ctl(folder: &TempDir, words: &[&str]) -> String {
    let answer = call(folder, &[&["ctl", "run"], words].concat());
    assert_eq!(answer.code, Some(0), "{words:?}: {}{}", answer.out, answer.err);
    answer.out
}

/// Attaches to a machine's console, types and leaves.
fn type_at_console(folder: &TempDir, machine: &str, keys: &[u8]) {
    let mut console = amlab(folder, &["console", "run", machine])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("amlab starts");
    let mut input = console.stdin.take().expect("a standard input");
    std::io::Write::write_all(&mut input, keys).expect("someone reads");
    let left = Answer::from(console.wait_with_output().expect("it leaves"));
    assert_eq!(left.code, Some(0), "{}", left.err);
    assert!(
        left.out.contains("kernel ready"),
        "what was printed last: {}",
        left.out
    );
}

/// What was done to a run from outside, without the times.
fn inputs(folder: &TempDir) -> Vec<String> {
    let text = read(folder, "run/inputs.log");
    let lines = text.lines().skip(1);
    lines
        .map(|line| line.split_once(' ').expect("a time").1.to_owned())
        .collect()
}

#[test]
fn a_run_that_was_steered_and_typed_to_is_repeated_bit_for_bit() {
    let folder = folder_with(&[("pair.toml", PAIR.as_bytes())]);
    let words = "run pair.toml --paused --keep --out run --until 400ms --wall-limit 120s";
    let mut child = steered(&folder, words);
    let ctl = |words: &[&str]| ctl(&folder, words);
    assert!(ctl(&["status"]).contains("0.000 s  paused"));
    ctl(&["until", "200ms"]);
    ctl(&["wait", "pc0", "kernel ready"]);
    ctl(&["type", "pc0", "\\x03hello\\n"]);
    ctl(&["type", "pc1", "ls\\n", "--keyboard"]);
    ctl(&["cable", "pc1", "out"]);
    assert!(ctl(&["step", "50ms"]).contains("0.250 s  paused"));
    ctl(&["cable", "pc1", "in"]);
    ctl(&["power", "pc0", "reset"]);
    type_at_console(&folder, "pc1", b"typed\x1d");
    // Whoever wants it to go further than its end is told that it is kept there.
    assert!(ctl(&["until", "500ms"]).contains("0.400 s  paused"));
    assert!(ctl(&["status"]).contains("0.400 s"), "it is kept at its end");
    let stats: Value = serde_json::from_str(&ctl(&["stats"])).expect("JSON");
    assert_eq!(stats["machines"][1]["name"], "pc1");
    assert!(ctl(&["screen", "pc0"]).lines().count() <= 25);
    ctl(&["quit"]);
    assert_eq!(
        child.wait().expect("it ends").code(),
        Some(4),
        "expectations were open"
    );

    assert_eq!(
        inputs(&folder),
        [
            r#"pc0 com1 "\x03hello\n""#,
            r#"pc1 keyboard "ls\n""#,
            "pc1/el0 cable out",
            "pc1/el0 cable in",
            "pc0 reset",
            r#"pc1 com1 "typed""#,
        ]
    );
    let verified = call(&folder, &["verify", "run", "--threads", "1,2"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
}

#[test]
fn what_is_expected_of_a_machine_that_stays_off_is_missed() {
    let off = "[[fault]]\nkind = \"power-off\"\nmachine = \"pc*\"\nfrom = \"5ms\"\n";
    let folder = folder_with(&[("pair.toml", (PAIR.to_owned() + off).as_bytes())]);
    let answer = call(&folder, &["run", "pair.toml", "--until-expected", "--out", "run"]);
    assert_eq!(answer.code, Some(1), "{}{}", answer.out, answer.err);
    let junit = read(&folder, "run/expect.xml");
    assert!(junit.contains("failures=\"4\""), "{junit}");
}

#[test]
fn a_lab_whose_machines_are_all_switched_off_by_hand_goes_on_and_is_repeated_bit_for_bit() {
    let folder = folder_with(&[("pair.toml", PAIR.as_bytes())]);
    let words = "run pair.toml --paused --out run --until 300ms --wall-limit 120s";
    let mut child = steered(&folder, words);
    let ctl = |words: &[&str]| ctl(&folder, words);
    ctl(&["until", "90ms"]);
    ctl(&["power", "pc0", "off"]);
    ctl(&["power", "pc1", "off"]);
    assert!(ctl(&["step", "1ms"]).contains("0.091 s  paused"));
    assert!(ctl(&["until", "100ms"]).contains("0.100 s  paused"));
    ctl(&["power", "pc0", "on"]);
    ctl(&["resume"]);
    let end = child.wait().expect("it ends").code();
    assert_eq!(end, Some(4), "expectations were open at its end");
    let console = read(&folder, "run/console/pc0.log");
    assert_eq!(console.matches("kernel ready").count(), 2, "{console}");
    let verified = call(&folder, &["verify", "run"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
}

#[test]
fn whoever_wants_a_lab_to_go_on_in_which_every_machine_has_stopped_is_told_that_time_stands_still() {
    // CLI; HLT where an 80386 begins.
    let mut rom = vec![0; 0x1000];
    rom[0xFF0..0xFF2].copy_from_slice(&[0xFA, 0xF4]);
    let lab = r#"
format = 1
[lab]
name = "halts"
seed = 1
[image.rom]
path = "halts.rom"
[machine.pc]
cpu = { model = "386dx", clock = "33MHz" }
bios = { image = "rom" }
"#;
    let folder = folder_with(&[("lab.toml", lab.as_bytes()), ("halts.rom", &rom)]);
    let words = "run lab.toml --paused --keep --out run --until 300ms --wall-limit 60s";
    let mut child = steered(&folder, words);
    let ctl = |words: &[&str]| ctl(&folder, words);
    // It stops in the first step.
    assert!(ctl(&["step", "1ms"]).contains("0.000 s  paused"));
    assert!(ctl(&["step", "1ms"]).contains("0.000 s  paused"));
    assert!(ctl(&["until", "10ms"]).contains("0.000 s  paused"));
    ctl(&["quit"]);
    assert_eq!(child.wait().expect("it ends").code(), Some(3), "a guest stopped");
}

#[test]
fn show_prints_a_lab_file_that_means_the_same_and_timing_with_sources() {
    let folder = folder_with(&[("lab.toml", PAIR.as_bytes())]);
    let shown = call(&folder, &["show"]);
    std::fs::write(folder.path().join("shown.toml"), &shown.out).expect("a file");
    assert_eq!(call(&folder, &["show", "shown.toml"]).out, shown.out);
    let timing = call(&folder, &["show", "--timing"]).out;
    assert!(
        timing.contains("pc0..pc1  isa_8bit ") && timing.contains("placeholder: "),
        "{timing}"
    );
    let table = call(&folder, &["show", "--timing", "--format", "csv"]).out;
    assert!(
        table.starts_with("machine,constant,value,unit,source,note\npc0,isa_8bit,"),
        "{table}"
    );
    let schema: Value = serde_json::from_str(&call(&folder, &["schema"]).out).expect("JSON");
    assert!(schema["properties"]["machine"].is_object());
}

/// Two PCs, two traffic generators and a fault of each kind.
const DISTURBED: &str = r#"
format = 1
[lab]
name = "disturbed"
seed = 3
[time]
stop = "60ms"
[image.kernel]
path = "builtin:kernel"
[segment.ether0]
kind = "10base2"
length = "30m"
[segment.ether1]
kind = "10base2"
length = "30m"
[machine.pc]
count = 2
memory = "2MB"
boot = { from = "direct", image = "kernel" }
nic = { mac = "02:60:8c:00:00:01" }
[[machine.pc.card]]
type = "ne2000"
segment = "ether1"
io = 0x300
irq = 3
[traffic.one]
segment = "ether0"
mac = "02:00:00:00:00:01"
length = 100
interval = "1ms"
[traffic.two]
segment = "ether0"
mac = "02:00:00:00:00:02"
length = 400
interval = "3ms"
[[fault]]
kind = "loss"
segment = "ether0"
every = 7
[[fault]]
kind = "duplication"
segment = "ether0"
every = 6
[[fault]]
kind = "delay"
segment = "ether0"
every = 5
least = "1ms"
[[fault]]
kind = "reordering"
segment = "ether0"
every = 4
[[fault]]
kind = "bit-errors"
segment = "ether0"
every = 3
[[fault]]
kind = "misalignment"
segment = "ether0"
every = 2
[[fault]]
kind = "truncation"
segment = "ether0"
length = 30
[[fault]]
kind = "partition"
segment = "ether1"
at = "10m"
from = "20ms"
until = "30ms"
[[fault]]
kind = "unplug"
station = "two"
from = "20ms"
until = "30ms"
[[fault]]
kind = "power-off"
machine = "pc0"
from = "20ms"
until = "30ms"
[[fault]]
kind = "reset"
machine = "pc1"
from = "40ms"
"#;

#[test]
fn a_run_with_faults_of_all_kinds_tells_them_in_its_events_and_captures_and_can_be_repeated() {
    let folder = folder_with(&[("lab.toml", DISTURBED.as_bytes())]);
    let answer = call(&folder, &["run", "--capture", "-j", "2"]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    assert!(answer.out.contains("2 traffic generators"), "{}", answer.out);
    let events = read(&folder, "runs/disturbed-1/events.jsonl");
    let events: Vec<Value> = events
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let has = |event: &str, key: &str, value: Value| {
        let found = events
            .iter()
            .any(|line| line["event"] == event && line[key] == value);
        assert!(found, "{event} {value}");
    };
    for kind in [
        "loss",
        "duplication",
        "delay",
        "reordering",
        "bit-errors",
        "misalignment",
        "truncation",
    ] {
        has("frame-fault", "kind", kind.into());
    }
    has("cut", "position_mm", 10_000.into());
    has("joined", "at_ns", 30_000_000.into());
    has("unplugged", "interface", "two".into());
    has("plugged", "segment", "ether0".into());
    has("power", "on", false.into());
    has("power", "on", true.into());
    has("reset", "cause", "reset button".into());
    let capture =
        |name: &str| std::fs::read(folder.path().join("runs/disturbed-1").join(name)).expect("a capture");
    let has = |capture: &[u8], text: &str| {
        capture
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    let (first, second) = (capture("ether0.pcapng"), capture("ether1.pcapng"));
    assert!(has(&first, "one") && has(&first, "two") && has(&first, "fault0") && has(&first, "fault6"));
    assert!(has(&second, "pc1/el0") && !has(&second, "fault0"));
    let statistics = json(&folder, "runs/disturbed-1/stats.json");
    assert_eq!(statistics["generators"][0]["sent"], 60);
    let answer = call(&folder, &["verify", "runs/disturbed-1", "--threads", "1"]);
    assert_eq!(answer.code, Some(0), "{}{}", answer.out, answer.err);
}
