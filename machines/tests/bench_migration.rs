//! `amlab bench migration` as its users meet it: the real program, with a few small processes.

mod support;

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

/// Two sizes; the compute-intensive process is at the source or it is idle.
const SMALL: [&str; 6] = [
    "bench",
    "migration",
    "--kbytes",
    "32,64",
    "--workload",
    "idle,compute",
];

fn amlab(folder: &Path, words: &[&str]) -> Output {
    support::amlab(folder, words).output().expect("amlab starts")
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The small measurement, with so many threads: the folder and the exit code.
fn measured(more: &[&str]) -> (TempDir, Option<i32>) {
    let folder = tempfile::tempdir().expect("a folder");
    let words: Vec<&str> = SMALL.iter().chain(more).copied().collect();
    let output = amlab(folder.path(), &words);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(folder.path().join("bench-migration").exists(), "{told}");
    (folder, output.status.code())
}

const FILES: [&str; 3] = [
    "bench-migration/migration.csv",
    "bench-migration/migration.json",
    "bench-migration/migration.svg",
];

#[test]
fn processes_move_in_every_series_and_the_exit_code_says_whether_it_is_as_published() {
    let (folder, code) = measured(&["-j", "2", "-n", "2"]);
    let json: Value = serde_json::from_str(&read(folder.path(), FILES[1])).expect("JSON");
    let series = json["series"].as_array().expect("series");
    let named: Vec<(&str, &str)> = series
        .iter()
        .map(|series| {
            let word = |field: &str| series[field].as_str().expect("a word");
            (word("workload"), word("mechanism"))
        })
        .collect();
    let expected = [
        ("idle", "kernel"),
        ("idle", "user"),
        ("compute", "kernel"),
        ("compute", "user"),
    ];
    assert_eq!(named, expected);
    for series in series {
        let points = series["points"].as_array().expect("points");
        let sizes: Vec<_> = points.iter().map(|point| point["kbytes"].as_u64()).collect();
        assert_eq!(sizes, [Some(32), Some(64), Some(32), Some(64)]);
        for point in points {
            let (guest, lab) = (&point["guest_ms"], &point["lab_ms"]);
            let (guest, lab) = (guest.as_f64().expect("ms"), lab.as_f64().expect("ms"));
            // No faster than the cable, which takes 0.85 ms for a Kbyte; the guest's clock has ticks of 10 ms.
            assert!(lab > 0.85 * point["kbytes"].as_f64().expect("a size"), "{point}");
            assert!((guest - lab).abs() < 21.0, "{point}");
            assert!(point["frames"].as_u64() > Some(30), "{point}");
        }
        // Phases differ, so exact times do.
        assert_ne!(points[0]["lab_ms"], points[2]["lab_ms"]);
        assert!(
            series["fit"]["slope_ms_per_kbyte"].as_f64() > Some(0.0),
            "{series}"
        );
    }
    let is_good = json["is_good"].as_bool().expect("a verdict");
    assert_eq!(code, Some(if is_good { 0 } else { 1 }), "{json:#}");
    let checks = json["checks"].as_array().expect("checks");
    let value = |name: &str| {
        let check = checks.iter().find(|check| check["name"] == name);
        check.and_then(|check| check["value"].as_f64()).expect(name)
    };
    assert!((200.0..320.0).contains(&value("throughput")), "{checks:#?}");
    assert!(value("null-transactions") > 50.0, "{checks:#?}");
}

#[test]
fn results_do_not_depend_on_threads_but_on_the_seed() {
    let few = ["--no-fail", "--mechanism", "kernel", "-n", "1"];
    let with = |more: &[&str]| {
        let words: Vec<&str> = few.iter().chain(more).copied().collect();
        let (folder, code) = measured(&words);
        assert_eq!(code, Some(0));
        FILES.map(|name| read(folder.path(), name))
    };
    let one = with(&["-j", "1"]);
    assert_eq!(one, with(&["-j", "3"]));
    assert_ne!(one[0], with(&["-j", "3", "--seed", "7"])[0]);
}

#[test]
fn help_tells_the_limits_and_bad_sizes_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = amlab(folder.path(), &["bench", "migration", "--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.contains("3.42 to 4.18 ms/Kbyte"), "{help}");
    for words in [
        &["--kbytes", "30"][..],
        &["--what-if", "magic"],
        &["--repetitions", "0"],
    ] {
        let words: Vec<&str> = ["bench", "migration"].iter().chain(words).copied().collect();
        assert_eq!(amlab(folder.path(), &words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn a_breakdown_tells_every_phase_and_what_machines_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = [
        "bench",
        "migration",
        "--breakdown",
        "--kbytes",
        "64",
        "--mechanism",
        "kernel,user",
    ];
    let output = amlab(folder.path(), &words);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for words in [
        "one migration of 64 Kbytes, idle source, kernel level",
        "one migration of 64 Kbytes, idle source, user level",
        "stun; state written down",
        "checkpoint answered",
        "killed at source, started",
        "copy out of the card",
        "cable busy",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}
