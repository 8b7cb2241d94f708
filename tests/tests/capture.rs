//! The capture as an independent reader sees it: tshark's frames, names and stamps are those the lab knows.
//!
//! Where tshark is not installed the test says so and passes, unless `AMLAB_REQUIRE_TSHARK` is set, as CI does.

use std::ops::ControlFlow;
use std::process::Command;

use clock::{Instant, Span};
use machines::runtime::{Happening, Observer, What};
use tests::{build, capture, lab_file};
use wire::{Capture, Record};

/// What the lab knows of a frame, in tshark's words.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    stamp: String,
    interface: String,
    length: String,
    source: String,
    destination: String,
}

struct Recorder {
    capture: Capture<Vec<u8>>,
    epoch_seconds: i64,
    interfaces: Vec<String>,
    seen: Vec<Seen>,
    collisions: usize,
}

impl Observer for Recorder {
    fn window(&mut self, _now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        for happening in happenings {
            let What::Wire { record, .. } = &happening.what else {
                continue;
            };
            self.capture.record(record).expect("writing to memory");
            match record {
                Record::Frame {
                    start,
                    station,
                    frame,
                    ..
                } => {
                    let address = |bytes: &[u8]| {
                        let parts: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                        parts.join(":")
                    };
                    let nanoseconds = start.nanoseconds();
                    let seconds =
                        self.epoch_seconds + i64::try_from(nanoseconds / 1_000_000_000).expect("a short run");
                    self.seen.push(Seen {
                        stamp: format!("{seconds}.{:09}", nanoseconds % 1_000_000_000),
                        interface: self.interfaces[usize::from(station.0)].clone(),
                        length: frame.bytes().len().to_string(),
                        destination: address(&frame.bytes()[..6]),
                        source: address(&frame.bytes()[6..12]),
                    });
                }
                Record::Collision { .. } => self.collisions += 1,
                Record::Deferral { .. }
                | Record::Fault { .. }
                | Record::Reception { .. }
                | Record::Cable { .. } => {}
            }
        }
        ControlFlow::Continue(())
    }
}

/// Runs the lab of sixteen for a short while and returns its capture beside what the lab knows.
fn record() -> (Vec<u8>, Recorder) {
    let lab = lab_file("sixteen");
    let mut recorder = Recorder {
        capture: capture(&lab),
        epoch_seconds: lab.epoch_seconds,
        interfaces: lab
            .machines
            .iter()
            .map(|machine| machine.cards[0].interface.clone())
            .collect(),
        seen: Vec::new(),
        collisions: 0,
    };
    let mut runtime = build(&lab);
    runtime.run(Instant::START + Span::from_milliseconds(700), 2, &mut recorder);
    let written = std::mem::replace(&mut recorder.capture, capture(&lab));
    (written.finish().expect("writing to memory"), recorder)
}

fn tshark(file: &std::path::Path, arguments: &[&str]) -> Vec<Vec<String>> {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        .args(arguments)
        .output()
        .expect("tshark starts");
    assert!(
        output.status.success(),
        "tshark: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("tshark writes UTF-8");
    text.lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

#[test]
fn tshark_reads_the_frames_names_and_stamps_that_the_lab_knows() {
    if Command::new("tshark").arg("--version").output().is_err() {
        assert!(
            std::env::var_os("AMLAB_REQUIRE_TSHARK").is_none(),
            "tshark is required here and not installed"
        );
        eprintln!("tshark is not installed: the capture was not compared");
        return;
    }
    let (bytes, mut recorder) = record();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("wire.pcapng");
    std::fs::write(&file, bytes).expect("a writable folder");

    let fields = [
        "-T",
        "fields",
        "-e",
        "frame.time_epoch",
        "-e",
        "frame.interface_name",
        "-e",
        "frame.len",
        "-e",
        "eth.src",
        "-e",
        "eth.dst",
        "-e",
        "frame.comment",
    ];
    let rows = tshark(&file, &fields);
    let is_event = |row: &Vec<String>| row[1].ends_with("(wire events)");
    let mut read: Vec<_> = rows
        .iter()
        .filter(|row| !is_event(row))
        .map(|row| Seen {
            stamp: row[0].clone(),
            interface: row[1].clone(),
            length: row[2].clone(),
            source: row[3].clone(),
            destination: row[4].clone(),
        })
        .collect();
    assert!(recorder.seen.len() > 100, "only {} frames", recorder.seen.len());
    read.sort();
    recorder.seen.sort();
    assert_eq!(read, recorder.seen);

    let collisions = rows
        .iter()
        .filter(|row| is_event(row) && row[5].starts_with("collision: "))
        .count();
    assert!(recorder.collisions > 0);
    assert_eq!(collisions, recorder.collisions);
    let stamps: Vec<_> = rows.iter().map(|row| row[0].clone()).collect();
    assert!(stamps.is_sorted(), "the file is in the order of time");
}
