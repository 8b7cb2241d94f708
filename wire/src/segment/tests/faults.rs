//! What fault rules do, and that they keep what holds without them.

use super::*;
use crate::{Chance, Deed, FaultRule, Matcher, Place, Turns};

pub(super) fn rule(deed: Deed) -> FaultRule {
    FaultRule {
        name: "test".to_owned(),
        from: Instant::START,
        until: Instant::NEVER,
        matcher: Matcher::default(),
        turns: Turns::Every,
        chance: Chance::CERTAIN,
        place: Place::Cable,
        deed,
        seed: 1,
    }
}

/// Station 0 of `stations`, all at its tap, sends frames of 64 bytes a millisecond apart, from 10 us on; frame n is
/// full of n.
fn numbered(stations: u16, frames: u8, rules: Vec<FaultRule>) -> Run {
    let settings = settings(Kind::TenBase2, Model::CsmaCd, 185_000);
    let mut segment = Segment::new(&settings, 1);
    for _ in 0..stations {
        segment.attach(0);
    }
    for rule in rules {
        segment.add_fault(rule);
    }
    segment.record_receptions();
    for number in 0..frames {
        let ready = sent_at(number);
        let frame = Frame::new(&[number; 60], CheckSequence::Right);
        segment.request(StationId(0), Request::Transmit { ready, frame });
    }
    drain(&mut segment, us(1_000_000))
}

fn sent_at(number: u8) -> Instant {
    us(10) + Span::from_milliseconds(1) * u64::from(number)
}

fn told_at(number: u8) -> Instant {
    sent_at(number) + SHORTEST
}

/// What a station received: when, and the first byte.
fn received(run: &Run, station: u16) -> Vec<(Instant, u8)> {
    let reception = |(to, notice): &(StationId, Notice)| match notice {
        Notice::Received { at, frame, .. } if to.0 == station => Some((*at, frame.bytes()[0])),
        _ => None,
    };
    run.notices.iter().filter_map(reception).collect()
}

fn numbers(run: &Run, station: u16) -> Vec<u8> {
    received(run, station).iter().map(|(_, number)| *number).collect()
}

fn only_frame(run: &Run, station: u16) -> Frame {
    let mut frames = run.notices.iter().filter_map(|(to, notice)| match notice {
        Notice::Received { frame, .. } if to.0 == station => Some(frame.clone()),
        _ => None,
    });
    let frame = frames.next().expect("it receives a frame");
    assert_eq!(frames.next(), None);
    frame
}

#[test]
fn a_lost_frame_is_sent_and_captured_but_not_received() {
    let run = numbered(3, 1, vec![rule(Deed::Lose)]);
    assert_eq!((numbers(&run, 1), numbers(&run, 2)), (vec![], vec![]));
    assert_eq!(outcomes(&run)[0].2.end, End::Good);
    assert_eq!(run.statistics.frames, 1);
    let [Record::Frame { .. }, fault] = &run.records[..] else {
        panic!("a frame and a fault: {:?}", run.records);
    };
    let expected = Record::Fault {
        start: sent_at(0),
        station: StationId(0),
        frame: Frame::new(&[0; 60], CheckSequence::Right),
        rule: "test".into(),
        deed: Deed::Lose,
        receivers: vec![StationId(1), StationId(2)],
    };
    assert_eq!(*fault, expected);
}

#[test]
fn a_matcher_names_receivers_and_senders() {
    let for_receiver = FaultRule {
        matcher: Matcher {
            receivers: Some(vec![StationId(2)]),
            ..Matcher::default()
        },
        ..rule(Deed::Lose)
    };
    let run = numbered(3, 1, vec![for_receiver]);
    assert_eq!((numbers(&run, 1), numbers(&run, 2)), (vec![0], vec![]));
    let of_sender = FaultRule {
        matcher: Matcher {
            senders: Some(vec![StationId(1)]),
            ..Matcher::default()
        },
        ..rule(Deed::Lose)
    };
    assert_eq!(numbers(&numbered(3, 1, vec![of_sender]), 1), [0]);
}

#[test]
fn a_matcher_looks_at_addresses_type_and_length() {
    // Frame 2 is from and to 02:02:02:02:02:02, of type 0202h, and 64 bytes long.
    let matchers = [
        Matcher {
            ethertype: Some(0x0202),
            ..Matcher::default()
        },
        Matcher {
            destination: Some([2; 6]),
            ..Matcher::default()
        },
        Matcher {
            source: Some([2; 6]),
            ..Matcher::default()
        },
    ];
    for matcher in matchers {
        let rule = FaultRule {
            matcher,
            ..rule(Deed::Lose)
        };
        assert_eq!(numbers(&numbered(2, 4, vec![rule]), 1), [0, 1, 3]);
    }
    for (length, left) in [(64..=64, 0), (65..=1518, 4), (0..=63, 4)] {
        let matcher = Matcher {
            length: Some(length),
            ..Matcher::default()
        };
        let rule = FaultRule {
            matcher,
            ..rule(Deed::Lose)
        };
        assert_eq!(numbers(&numbered(2, 4, vec![rule]), 1).len(), left);
    }
}

#[test]
fn a_rule_holds_for_frames_that_begin_in_its_window() {
    let rule = FaultRule {
        from: sent_at(1),
        until: sent_at(3),
        ..rule(Deed::Lose)
    };
    assert_eq!(numbers(&numbered(2, 5, vec![rule]), 1), [0, 3, 4]);
}

#[test]
fn a_rule_acts_on_one_frame_or_on_each_nth_of_those_that_fit() {
    let with = |turns| FaultRule {
        turns,
        ..rule(Deed::Lose)
    };
    let left = |turns| numbers(&numbered(2, 7, vec![with(turns)]), 1);
    assert_eq!(left(Turns::Only(3)), [0, 1, 3, 4, 5, 6]);
    assert_eq!(left(Turns::EachNth(3)), [0, 1, 3, 4, 6]);
    assert_eq!(left(Turns::EachNth(0)).len(), 7);
}

#[test]
fn the_first_rule_with_an_opinion_decides_and_the_others_go_on_counting() {
    let named = |name: &str, turns, deed| FaultRule {
        name: name.to_owned(),
        turns,
        ..rule(deed)
    };
    let run = numbered(
        2,
        6,
        vec![
            named("second", Turns::EachNth(2), Deed::Lose),
            named(
                "third",
                Turns::EachNth(3),
                Deed::Duplicate {
                    copies: 1,
                    apart: BIT,
                },
            ),
        ],
    );
    // Frames 2, 4 and 6 are lost, of 3 and 6 only 3 is doubled.
    assert_eq!(numbers(&run, 1), [0, 2, 2, 4]);
    let names = run.records.iter().filter_map(|record| match record {
        Record::Fault { rule, .. } => Some(&**rule),
        _ => None,
    });
    let names: Vec<_> = names.collect();
    assert_eq!(names, ["second", "third", "second", "second"]);
}

#[test]
fn a_chance_on_the_cable_is_one_for_all_and_at_receivers_one_for_each() {
    let with = |place| FaultRule {
        chance: Chance::per_million(500_000),
        place,
        ..rule(Deed::Lose)
    };
    let cable = numbered(3, 100, vec![with(Place::Cable)]);
    assert_eq!(numbers(&cable, 1), numbers(&cable, 2));
    // Five standard deviations of a hundred tosses.
    assert!((25..=75).contains(&numbers(&cable, 1).len()));
    let receivers = numbered(3, 100, vec![with(Place::Receiver)]);
    assert_ne!(numbers(&receivers, 1), numbers(&receivers, 2));
}

#[test]
fn a_rules_luck_follows_from_its_seed_alone() {
    let lossy = |seed| FaultRule {
        chance: Chance::per_million(500_000),
        seed,
        ..rule(Deed::Lose)
    };
    let doubling = rule(Deed::Duplicate {
        copies: 1,
        apart: BIT,
    });
    let lost = |rules| {
        let run = numbered(2, 100, rules);
        (0..100)
            .filter(|number| !numbers(&run, 1).contains(number))
            .collect::<Vec<_>>()
    };
    let alone = lost(vec![lossy(1)]);
    assert_ne!(alone, lost(vec![lossy(2)]));
    assert_eq!(alone, lost(vec![lossy(1), doubling]));
}

#[test]
fn so_many_bits_are_flipped_and_the_check_sequence_is_what_the_rule_says() {
    for check in [CheckSequence::Wrong, CheckSequence::Right] {
        for count in [0, 1, 3, 480, 1_000] {
            let run = numbered(2, 1, vec![rule(Deed::FlipBits { count, check })]);
            let frame = only_frame(&run, 1);
            let flipped: u32 = frame.bytes().iter().map(|byte| byte.count_ones()).sum();
            assert_eq!((flipped, frame.check()), (count.clamp(1, 480), check));
            assert!(!frame.is_misaligned());
        }
    }
}

#[test]
fn a_frame_with_dribble_bits_has_an_alignment_error() {
    let frame = only_frame(&numbered(2, 1, vec![rule(Deed::Misalign { dribble_bits: 3 })]), 1);
    assert_eq!((frame.dribble_bits(), frame.is_misaligned()), (3, true));
    // With a right check sequence at the last byte boundary it has none.
    let dribble = Frame::new(&[0; 60], CheckSequence::Right).with_dribble_bits(3);
    assert!(!dribble.is_misaligned());
}

#[test]
fn a_frame_can_be_cut_to_a_runt() {
    for (length, left) in [(40, 40), (4, 4), (0, 4), (64, 64), (100, 64)] {
        let frame = only_frame(&numbered(2, 1, vec![rule(Deed::Truncate { length })]), 1);
        assert_eq!(frame.length(), left);
        assert_eq!(frame.check() == CheckSequence::Wrong, left < 64);
    }
}

/// Two stations at a distance of 185 m. The first sends a frame of 1518 bytes at 10 us, of which the second sees `length`;
/// the first is reset at these instants.
fn cut_off(length: u64, resets: &[Instant], cadence: Span) -> Run {
    let task = Task {
        pause: Span::from_microseconds(10),
        bytes: 1_514,
    };
    Script {
        settings: settings(Kind::TenBase2, Model::CsmaCd, 185_000),
        seed: 1,
        stations: vec![(0, vec![task]), (185_000, Vec::new())],
        resets: vec![resets.to_vec(), Vec::new()],
        connects: Vec::new(),
        rules: vec![rule(Deed::Truncate { length })],
        changes: Vec::new(),
    }
    .run(cadence, us(5_000))
}

#[test]
fn a_frame_that_is_cut_off_is_told_when_its_last_bit_passes_but_not_before_the_shortest_would_be() {
    let delay = Kind::TenBase2.delay(185_000);
    for length in [4, 40, 64, 65, 500, 1_517, 1_518] {
        let run = cut_off(length, &[], SHORTEST);
        let frame = only_frame(&run, 1);
        let last = us(10) + BIT * (64 + 8 * length) + delay;
        let expected = Notice::Received {
            at: last.max(us(10) + SHORTEST + delay),
            begin: us(10) + BIT * 64 + delay,
            frame: frame.clone(),
        };
        assert!(run.notices.contains(&(StationId(1), expected)), "{length}");
        assert_eq!(frame.length(), length);
        let announced = run.announcements.iter().find_map(|(_, notice)| match notice {
            Notice::Arriving { frame, .. } => Some(frame),
            _ => None,
        });
        assert_eq!(announced, (length > 64).then_some(&frame), "{length}");
        // Its sender knows nothing of it.
        let sent = outcomes(&run)[0];
        assert_eq!((sent.1, sent.2.end), (us(10) + BIT * (64 + 8 * 1_518), End::Good));
    }
}

#[test]
fn what_was_past_recall_before_a_reset_is_received_of_a_frame_that_is_cut_off() {
    let cut_at = |length: u64| us(10) + BIT * (64 + 8 * length);
    // A reset acts LEAST_FILL later, on what has more than 576 bits to go.
    let last_chance = cut_at(500) - SHORTEST - LEAST_FILL;
    for (at, is_received) in [
        (last_chance, false),
        (last_chance + BIT, true),
        (cut_at(500), true),
    ] {
        let run = cut_off(500, &[at], SHORTEST);
        assert_eq!(numbers(&run, 1).len() == 1, is_received, "{at}");
        let faults = run.records.iter();
        let faults = faults.filter(|record| matches!(record, Record::Fault { .. }));
        assert_eq!(faults.count() == 1, is_received, "{at}");
        assert_eq!(frames(&run), []);
        assert_eq!(cut_off(500, &[at], BIT * 77), run, "{at}");
    }
}

#[test]
fn each_receiver_of_a_frame_that_is_cut_off_is_told_in_its_own_time() {
    let at_receiver = |receiver, length| FaultRule {
        matcher: Matcher {
            receivers: Some(vec![StationId(receiver)]),
            ..Matcher::default()
        },
        ..rule(Deed::Truncate { length })
    };
    let task = Task {
        pause: Span::from_microseconds(10),
        bytes: 1_514,
    };
    let run = Script {
        settings: settings(Kind::TenBase2, Model::CsmaCd, 185_000),
        seed: 1,
        stations: vec![(0, vec![task]), (0, vec![]), (0, vec![]), (0, vec![])],
        resets: Vec::new(),
        connects: Vec::new(),
        rules: vec![at_receiver(1, 1_000), at_receiver(2, 200)],
        changes: Vec::new(),
    }
    .run(SHORTEST, us(5_000));
    let times = [1, 2, 3].map(|station| received(&run, station)[0].0);
    let ends = [1_000, 200, 1_518].map(|length| us(10) + BIT * (64 + 8 * length));
    assert_eq!(times, ends);
    let starts = run.records.iter().map(Record::at);
    assert!(starts.is_sorted());
}

#[test]
fn a_delayed_frame_arrives_later_and_may_be_overtaken() {
    let by = Span::from_microseconds(1_500);
    let late = FaultRule {
        turns: Turns::Only(1),
        ..rule(Deed::Delay { least: by, most: by })
    };
    let run = numbered(2, 3, vec![late]);
    let expected = [(told_at(1), 1), (told_at(0) + by, 0), (told_at(2), 2)];
    assert_eq!(received(&run, 1), expected);
}

#[test]
fn delays_are_drawn_between_their_limits() {
    let (least, most) = (Span::from_microseconds(100), Span::from_microseconds(200));
    let run = numbered(2, 100, vec![rule(Deed::Delay { least, most })]);
    let delays: Vec<_> = received(&run, 1)
        .iter()
        .map(|(at, number)| at.since(told_at(*number)))
        .collect();
    assert!(delays.iter().all(|delay| (least..=most).contains(delay)));
    let early = delays
        .iter()
        .filter(|delay| **delay < Span::from_microseconds(150));
    assert!((25..=75).contains(&early.count()));
}

#[test]
fn copies_of_a_frame_come_at_their_distance() {
    let apart = Span::from_microseconds(300);
    let run = numbered(2, 1, vec![rule(Deed::Duplicate { copies: 2, apart })]);
    let times: Vec<_> = received(&run, 1)
        .iter()
        .map(|(at, _)| at.since(told_at(0)))
        .collect();
    assert_eq!(times, [Span::ZERO, apart, apart + apart]);
}

#[test]
fn a_frame_that_is_held_comes_a_gap_behind_the_one_that_overtakes_it() {
    let held = FaultRule {
        turns: Turns::Only(1),
        ..rule(Deed::Reorder {
            behind: 2,
            at_most: Span::from_milliseconds(50),
        })
    };
    let run = numbered(2, 4, vec![held]);
    assert_eq!(numbers(&run, 1), [1, 2, 0, 3]);
    assert_eq!(received(&run, 1)[2].0, told_at(2) + BIT * 96 + SHORTEST);
}

#[test]
fn a_frame_that_nothing_overtakes_is_held_no_longer_than_its_rule_says() {
    let at_most = Span::from_microseconds(700);
    let held = rule(Deed::Reorder { behind: 1, at_most });
    let run = numbered(2, 2, vec![held]);
    // Both are held, so neither overtakes the other.
    assert_eq!(
        received(&run, 1),
        [(told_at(0) + at_most, 0), (told_at(1) + at_most, 1)]
    );
}

#[test]
fn receptions_are_recorded_as_they_arrive() {
    let run = numbered(2, 1, vec![rule(Deed::Misalign { dribble_bits: 1 })]);
    let expected = Record::Reception {
        start: sent_at(0),
        station: StationId(1),
        from: StationId(0),
        frame: Frame::new(&[0; 60], CheckSequence::Wrong).with_dribble_bits(1),
    };
    assert_eq!(run.records[2], expected);
}

pub(super) fn a_rule() -> impl Strategy<Value = FaultRule> {
    let short = (0_u64..3_000).prop_map(Span::from_microseconds);
    let deed = prop_oneof![
        Just(Deed::Lose),
        (
            0_u32..20,
            prop_oneof![Just(CheckSequence::Right), Just(CheckSequence::Wrong)]
        )
            .prop_map(|(count, check)| Deed::FlipBits { count, check }),
        any::<u8>().prop_map(|dribble_bits| Deed::Misalign { dribble_bits }),
        (0_u64..2_000).prop_map(|length| Deed::Truncate { length }),
        (short.clone(), short.clone()).prop_map(|(least, most)| Deed::Delay { least, most }),
        (0_u32..3, short.clone()).prop_map(|(copies, apart)| Deed::Duplicate { copies, apart }),
        (0_u32..3, short).prop_map(|(behind, at_most)| Deed::Reorder { behind, at_most }),
    ];
    let turns = prop_oneof![
        3 => Just(Turns::Every),
        1 => (0_u64..5).prop_map(Turns::Only),
        1 => (0_u64..4).prop_map(Turns::EachNth),
    ];
    let place = prop_oneof![Just(Place::Cable), Just(Place::Receiver)];
    let receivers = prop::option::of(prop::collection::vec((0_u16..7).prop_map(StationId), 0..4));
    let window = (0_u64..10_000, 0_u64..20_000);
    (
        deed,
        turns,
        place,
        receivers,
        window,
        0_u32..1_200_000,
        any::<u64>(),
    )
        .prop_map(
            |(deed, turns, place, receivers, (from, until), chance, seed)| FaultRule {
                from: us(from),
                until: us(until),
                matcher: Matcher {
                    receivers,
                    ..Matcher::default()
                },
                turns,
                chance: Chance::per_million(chance),
                place,
                seed,
                ..rule(deed)
            },
        )
}
