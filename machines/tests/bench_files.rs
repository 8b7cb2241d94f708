//! `amlab bench files` as its users meet it: the real program, with a few small files.

mod support;

use std::path::Path;
use std::process::Output;

use serde_json::Value;

fn bench_files(folder: &Path, words: &[&str]) -> Output {
    let words = [&["bench", "files"], words].concat();
    support::amlab(folder, &words).output().expect("amlab starts")
}

const FILES: [&str; 3] = [
    "bench-files/files.csv",
    "bench-files/files.json",
    "bench-files/files.svg",
];

/// The three files of a measurement, and its exit code.
fn measured(words: &[&str]) -> ([String; 3], Option<i32>) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = bench_files(folder.path(), words);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let read = |name: &str| {
        std::fs::read_to_string(folder.path().join(name)).unwrap_or_else(|error| panic!("{error}: {told}"))
    };
    (FILES.map(read), output.status.code())
}

#[test]
fn files_are_read_from_the_cache_nearly_as_fast_as_transactions_carry_bytes() {
    let ([_, json, _], code) = measured(&["--card", "ne2000", "--bytes", "1,262144"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let rows = json["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    for (row, (bytes, files)) in rows.iter().zip([(1, 20), (262_144, 4)]) {
        assert_eq!(
            (row["bytes"].as_u64(), row["files"].as_u64()),
            (Some(bytes), Some(files))
        );
        let value = |field: &str| row[field].as_f64().unwrap_or_else(|| panic!("{field}: {row}"));
        let time = |operation: &str| value(&format!("{operation}_ms"));
        // The cable alone takes 0.8 us for a byte.
        let cable = bytes as f64 * 0.8e-3;
        assert!(time("transactions") > cable, "{row}");
        // The server does more for a file than for a mere transaction, and more for one on the disk.
        assert!(time("cached") > time("transactions"), "{row}");
        assert!(time("cold") > time("cached"), "{row}");
        assert!(time("create") > time("commit"), "{row}");
        assert!(time("commit") > cable, "{row}");
        for operation in ["create", "commit", "cold", "cached", "delete", "transactions"] {
            // The guest's clock has ticks of 10 ms, and there are so many files.
            let difference = value(&format!("{operation}_guest_ms")) - time(operation);
            assert!(difference.abs() < 21.0 / files as f64, "{operation}: {row}");
        }
        assert!(value("cached_of_transactions") > 0.7, "{row}");
    }
    let checks = json["checks"].as_array().expect("checks");
    let check = |name: &str| checks.iter().find(|check| check["name"] == name).expect(name);
    for name in ["cached-of-limit", "cached-of-bench-rpc"] {
        assert!(check(name)["value"].as_f64() > Some(95.0), "{checks:#?}");
    }
    // There was no such file.
    assert_eq!(check("1-mbyte")["verdict"], "missing");
    let is_good = json["is_good"].as_bool().expect("a verdict");
    assert_eq!(code, Some(if is_good { 0 } else { 1 }), "{json:#}");
}

#[test]
fn results_do_not_depend_on_threads() {
    let few = ["--no-fail", "--bytes", "256"];
    let with = |threads: &str| {
        let words: Vec<&str> = few.into_iter().chain(["-j", threads]).collect();
        let (files, code) = measured(&words);
        assert_eq!(code, Some(0));
        files
    };
    let one = with("1");
    assert_eq!(one, with("2"));
    // Both cards, six operations and the longest transactions.
    assert_eq!(one[0].lines().count(), 1 + 2 * 7, "{}", one[0]);
}

#[test]
fn help_tells_the_limits_and_bad_words_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = bench_files(folder.path(), &["--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(
        help.contains("transactions of 30000 bytes: 95 or more %"),
        "{help}"
    );
    for words in [
        &["--bytes", "0"][..],
        &["--bytes", "1048577"],
        &["--bytes", "16,16"],
        &["--card", "ne3000"],
        &["-j", "0"],
    ] {
        assert_eq!(
            bench_files(folder.path(), words).status.code(),
            Some(2),
            "{words:?}"
        );
    }
}

#[test]
fn a_breakdown_tells_what_both_machines_do_with_and_without_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = bench_files(
        folder.path(),
        &["--breakdown", "--card", "ne2000", "--bytes", "16384"],
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for words in [
        "ne2000, cached of 16384 bytes",
        "ne2000, transactions of 16384 bytes",
        "copy into the card",
        "cable busy",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}
