use super::*;
use crate::command::testing::{Act, Bench, SAMPLE, call};

/// A bench and a finished run with a capture in its folder `run`.
fn bench_with_run() -> Bench {
    let mut bench = Bench::new();
    bench.script = vec![
        (100, Act::Say(0, "kernel ready\n")),
        (200, Act::Frame),
        (7_412_000, Act::Say(1, "kernel ready\n")),
    ];
    let (lab, out) = (bench.file("lab.toml", SAMPLE), bench.path("run"));
    let (exit, ..) = call(
        &bench,
        &[
            "run",
            &lab,
            "--out",
            &out,
            "--until-expected",
            "--capture",
            "--seed",
            "7",
            "-j1",
        ],
    );
    assert_eq!(exit, Exit::Good);
    bench
}

fn verify(bench: &Bench, words: &[&str]) -> (Exit, String, String) {
    let run = bench.path("run");
    let words: Vec<&str> = ["verify", &run].iter().chain(words).copied().collect();
    call(bench, &words)
}

#[test]
fn a_run_that_repeats_itself_is_the_same_with_every_number_of_threads() {
    let (exit, out, err) = verify(&bench_with_run(), &["--threads", "1,2"]);
    assert_eq!((exit, err.as_str()), (Exit::Good, ""));
    assert_eq!(out.lines().count(), 2);
    assert!(out.lines().all(|line| line.contains("same")), "{out}");
}

#[test]
fn a_trace_that_depends_on_threads_gives_6() {
    let mut bench = bench_with_run();
    bench.is_racy = true;
    let (exit, out, err) = verify(&bench, &["--threads", "2"]);
    assert_eq!(exit, Exit::Differs);
    assert!(out.starts_with("threads 2   differs"), "{out}");
    assert!(
        err.starts_with("amlab: verify::differs: with 2 threads, the trace hash is b3:"),
        "{err}"
    );
}

#[test]
fn a_capture_that_differs_is_told_with_the_first_byte() {
    let bench = bench_with_run();
    let mut capture = bench.bytes("run/wire.pcapng");
    capture[12] ^= 1;
    bench.file("run/wire.pcapng", capture);
    let (exit, _, err) = verify(&bench, &[]);
    assert_eq!(exit, Exit::Differs);
    assert!(err.contains("wire.pcapng differs at byte 12\n"), "{err}");
}

#[test]
fn a_capture_that_is_longer_differs_where_the_new_one_ends() {
    let bench = bench_with_run();
    let mut capture = bench.bytes("run/wire.pcapng");
    capture.push(0);
    bench.file("run/wire.pcapng", &capture);
    let (_, _, err) = verify(&bench, &[]);
    assert!(
        err.contains(&format!("wire.pcapng differs at byte {}\n", capture.len() - 1)),
        "{err}"
    );
}

#[test]
fn a_capture_that_was_moved_away_is_compared_by_its_hash() {
    let bench = bench_with_run();
    std::fs::remove_file(bench.path("run/wire.pcapng")).unwrap();
    assert_eq!(verify(&bench, &[]).0, Exit::Good);
}

#[test]
fn the_first_count_that_differs_is_named() {
    let bench = bench_with_run();
    let stats = bench.read("run/stats.json");
    bench.file(
        "run/stats.json",
        stats.replacen("\"interrupts\": 7", "\"interrupts\": 8", 1),
    );
    let (exit, _, err) = verify(&bench, &[]);
    assert_eq!(exit, Exit::Differs);
    assert!(
        err.contains("stats.json: machines[0]: interrupts is 7, it was 8"),
        "{err}"
    );
}

#[test]
fn a_changed_image_gives_6_before_anything_is_run() {
    let bench = Bench::new();
    bench.file("kernel.elf", "kernel");
    let lab = bench.file("lab.toml", SAMPLE.replace("builtin:kernel", "kernel.elf"));
    call(
        &bench,
        &["run", &lab, "--out", &bench.path("run"), "--until", "1s"],
    );
    bench.file("kernel.elf", "another kernel");
    let (exit, out, err) = verify(&bench, &[]);
    assert_eq!((exit, out.as_str()), (Exit::Differs, ""));
    assert!(err.starts_with("amlab: verify::image: image `kernel` ("), "{err}");
    assert!(err.contains("has changed: b3:"), "{err}");
}

#[test]
fn a_folder_without_a_run_gives_2() {
    let (exit, _, err) = verify(&Bench::new(), &[]);
    assert_eq!(exit, Exit::BadInput);
    assert!(err.contains("it has no manifest.json"), "{err}");
}

#[test]
fn programs_get_the_repetitions_as_json() {
    let (_, out, _) = verify(&bench_with_run(), &["--threads", "1,2", "--format", "json"]);
    let object: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(object["same"], true);
    assert_eq!(object["repetitions"][1]["threads"], 2);
    assert_eq!(object["exit_code"], 0);
}
