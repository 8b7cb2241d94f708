//! Same lab, same seed, same bits: for any number of host threads.

use std::ops::ControlFlow;

use clock::{Instant, Span};
use machines::lab::Lab;
use machines::runtime::{Happening, Observer, What};
use tests::{build, capture, lab_file};
use wire::Capture;

/// Writes the first segment's capture to memory.
struct Recorder {
    capture: Capture<Vec<u8>>,
}

impl Observer for Recorder {
    fn window(&mut self, _now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        for happening in happenings {
            if let What::Wire { segment: 0, record } = &happening.what {
                self.capture.record(record).expect("writing to memory");
            }
        }
        ControlFlow::Continue(())
    }
}

struct Outcome {
    hash: [u8; 32],
    capture: Vec<u8>,
    frames: u64,
    collisions: u64,
}

/// The lab file of that name with another seed.
fn reseeded(name: &str, seed: u64) -> Lab {
    Lab {
        seed,
        ..lab_file(name)
    }
}

fn run(lab: &Lab, span: Span, threads: usize) -> Outcome {
    let mut runtime = build(lab);
    let mut recorder = Recorder {
        capture: capture(lab),
    };
    runtime.run(Instant::START + span, threads, &mut recorder);
    let statistics = runtime.statistics();
    Outcome {
        hash: runtime.trace_hash(),
        capture: recorder.capture.finish().expect("writing to memory"),
        frames: statistics.segments[0].frames,
        collisions: statistics.segments[0].collisions,
    }
}

#[test]
fn the_pair_lab_gives_the_same_hash_and_the_same_capture_with_one_thread_and_with_two() {
    let lab = lab_file("pair");
    let (one, two) = (
        run(&lab, Span::from_milliseconds(1500), 1),
        run(&lab, Span::from_milliseconds(1500), 2),
    );
    assert!(one.frames > 100, "the lab exchanged only {} frames", one.frames);
    assert_eq!(one.hash, two.hash);
    assert_eq!(one.capture, two.capture);
}

#[test]
fn sixteen_machines_collide_the_same_way_with_one_thread_and_with_three() {
    let lab = lab_file("sixteen");
    let (one, three) = (
        run(&lab, Span::from_milliseconds(700), 1),
        run(&lab, Span::from_milliseconds(700), 3),
    );
    assert!(one.collisions > 0, "{} frames without a collision", one.frames);
    assert_eq!(one.hash, three.hash);
    assert_eq!(one.capture, three.capture);
}

#[test]
fn another_seed_changes_the_back_off_and_so_the_hash() {
    let span = Span::from_milliseconds(700);
    let first = run(&lab_file("sixteen"), span, 2);
    let second = run(&reseeded("sixteen", 77), span, 2);
    assert!(first.collisions > 0 && second.collisions > 0);
    assert_ne!(first.hash, second.hash);
}
