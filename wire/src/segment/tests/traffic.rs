//! Traffic generators on a cable.

use super::*;
use crate::{Length, Pace, TrafficGenerator, TrafficSettings};

fn generator(number: u8, pace: Pace) -> TrafficSettings {
    TrafficSettings {
        source: [2, 0, 0, 0, 0, number],
        destination: [0xFF; 6],
        ethertype: 0x8146,
        length: Length::Fixed(64),
        pace,
        start: us(10),
        count: None,
        seed: u64::from(number),
    }
}

const ALWAYS: Pace = Pace::Saturating { pause: Span::ZERO };

/// Runs generators on one cable in windows of `cadence`.
fn run(settings_of: &[TrafficSettings], cadence: Span, until: Instant) -> (Vec<TrafficGenerator>, Run) {
    let length = 185_000;
    let settings = settings(Kind::TenBase2, Model::CsmaCd, length);
    let mut segment = Segment::new(&settings, 1);
    let mut generators: Vec<_> = settings_of.iter().cloned().map(TrafficGenerator::new).collect();
    for index in 0..generators.len() {
        segment.attach(length * index as u64 / generators.len() as u64);
    }
    let (mut run, mut settlement) = (Run::default(), Settlement::default());
    let mut now = Instant::START;
    while now < until {
        now = (now + cadence.min(segment.window())).min(until);
        for (index, generator) in generators.iter_mut().enumerate() {
            let mut requests = Vec::new();
            generator.run(now, &mut requests);
            for request in requests {
                segment.request(id(index), request);
            }
        }
        segment.settle(now, &mut settlement);
        for (station, notice) in &settlement.notices {
            generators[usize::from(station.0)].notice(notice);
        }
        run.notices.append(&mut settlement.notices);
        run.records.append(&mut settlement.records);
    }
    run.statistics = segment.statistics();
    (generators, run)
}

fn starts(run: &Run) -> Vec<Instant> {
    frames(run).iter().map(|frame| frame.0).collect()
}

#[test]
fn a_saturating_generator_fills_the_cable() {
    let (generators, run) = run(&[generator(0, ALWAYS)], SHORTEST, us(1_000_000));
    let counts = generators[0].counts();
    assert!((14_875..=14_881).contains(&counts.sent), "{counts:?}");
    assert_eq!(counts.sent_bytes, 64 * counts.sent);
    assert!(frames(&run).len() as u64 - counts.sent <= 1);
}

#[test]
fn a_pause_is_left_between_a_frames_end_and_the_next_request() {
    let pause = Span::from_microseconds(500);
    let (_, run) = run(&[generator(0, Pace::Saturating { pause })], SHORTEST, us(10_000));
    for pair in starts(&run).windows(2) {
        assert_eq!(pair[1].since(pair[0]), SHORTEST + pause + LEAST_FILL);
    }
}

#[test]
fn an_interval_holds_from_start_to_start_on_a_free_cable() {
    let interval = Span::from_milliseconds(1);
    let (_, run) = run(&[generator(0, Pace::Interval(interval))], SHORTEST, us(20_000));
    let starts = starts(&run);
    assert_eq!((starts.len(), starts[0]), (20, us(10) + LEAST_FILL));
    assert!(starts.windows(2).all(|pair| pair[1].since(pair[0]) == interval));
}

#[test]
fn frames_that_come_due_too_fast_wait_and_none_is_forgotten() {
    let fast = TrafficSettings {
        count: Some(50),
        ..generator(0, Pace::Interval(Span::from_microseconds(10)))
    };
    let (generators, run) = run(&[fast], SHORTEST, us(10_000));
    assert_eq!(generators[0].counts().sent, 50);
    let starts = starts(&run);
    for pair in starts.windows(2) {
        assert_eq!(pair[1].since(pair[0]), SHORTEST + BIT * 96);
    }
}

#[test]
fn a_poisson_process_has_its_mean_and_its_gaps_vary_as_much() {
    let mean = Span::from_microseconds(1_000);
    let (_, run) = run(&[generator(3, Pace::Poisson { mean })], SHORTEST, us(2_000_000));
    let starts = starts(&run);
    // Five standard deviations of 2000.
    assert!((1_776..=2_224).contains(&starts.len()), "{}", starts.len());
    let long = starts.windows(2).filter(|pair| pair[1].since(pair[0]) > mean);
    // A share of 1/e, 736 of 2000.
    assert!((620..=850).contains(&long.count()));
}

#[test]
fn lengths_are_fixed_uniform_or_in_turn() {
    let lengths = |length| {
        let settings = TrafficSettings {
            length,
            count: Some(300),
            ..generator(1, ALWAYS)
        };
        let (_, run) = run(&[settings], SHORTEST, us(1_000_000));
        frames(&run).iter().map(|frame| frame.3).collect::<Vec<_>>()
    };
    assert!(lengths(Length::Fixed(1518)).iter().all(|length| *length == 1518));
    assert!(lengths(Length::Fixed(0)).iter().all(|length| *length == 18));
    let uniform = lengths(Length::Uniform(64, 66));
    for length in 64..=66 {
        // Five standard deviations of 100.
        let count = uniform.iter().filter(|drawn| **drawn == length).count();
        assert!((59..=141).contains(&count), "{count}");
    }
    assert_eq!(
        lengths(Length::Cycle(vec![64, 1518, 100]))[..4],
        [64, 1518, 100, 64]
    );
    assert_eq!(lengths(Length::Cycle(Vec::new()))[0], 64);
}

#[test]
fn frames_carry_addresses_type_and_number() {
    let settings = TrafficSettings {
        count: Some(3),
        ..generator(7, ALWAYS)
    };
    let (_, run) = run(
        &[settings, generator(8, Pace::Interval(Span::from_seconds(9)))],
        SHORTEST,
        us(1_000),
    );
    let sent = run.records.iter().filter_map(|record| match record {
        Record::Frame { station, frame, .. } if station.0 == 0 => Some(frame.clone()),
        _ => None,
    });
    for (number, frame) in (0..).zip(sent) {
        assert_eq!(frame.destination(), Some([0xFF; 6]));
        assert_eq!(frame.source(), Some([2, 0, 0, 0, 0, 7]));
        assert_eq!(frame.ethertype(), Some(0x8146));
        assert_eq!(frame.bytes()[14..18], [0, 0, 0, number]);
    }
}

#[test]
fn what_generators_send_they_receive_from_one_another() {
    let finite = |number| TrafficSettings {
        count: Some(20),
        ..generator(number, ALWAYS)
    };
    let to_the_second = TrafficSettings {
        destination: [2, 0, 0, 0, 0, 1],
        ..finite(0)
    };
    let (generators, run) = run(&[to_the_second, finite(1), finite(2)], SHORTEST, us(100_000));
    let counts: Vec<_> = generators.iter().map(TrafficGenerator::counts).collect();
    assert!(
        counts
            .iter()
            .all(|counts| counts.sent == 20 && counts.given_up == 0)
    );
    let received: Vec<_> = counts.iter().map(|counts| counts.received).collect();
    assert_eq!(received, [40, 40, 20]);
    let collisions: u64 = counts.iter().map(|counts| counts.collisions).sum();
    assert!(collisions >= 2 * run.statistics.collisions && run.statistics.collisions > 0);
}

#[test]
fn a_generator_does_the_same_in_windows_of_any_length() {
    let paces = [
        ALWAYS,
        Pace::Interval(Span::from_microseconds(70)),
        Pace::Poisson {
            mean: Span::from_microseconds(200),
        },
    ];
    let settings: Vec<_> = (0..)
        .zip(paces)
        .map(|(number, pace)| generator(number, pace))
        .collect();
    let whole = run(&settings, SHORTEST, us(20_000));
    let fine = run(&settings, Span::from_nanoseconds(1_700), us(20_000));
    assert_eq!(whole.1, fine.1);
}
