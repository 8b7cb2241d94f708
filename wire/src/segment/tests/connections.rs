//! Stations off their cable, cables in two parts, and transceivers that have jabbered.

use super::*;
use crate::CableChange;

/// Stations at these places of a cable; each sends one frame of `bytes` when it is ready.
fn cable(kind: Kind, stations: &[(u64, Option<(Instant, usize)>)]) -> Segment {
    let settings = settings(kind, Model::CsmaCd, kind.longest_millimetres());
    let mut segment = Segment::new(&settings, 3);
    for (position, _) in stations {
        segment.attach(*position);
    }
    for (index, (_, job)) in stations.iter().enumerate() {
        if let Some((ready, bytes)) = *job {
            segment.request(id(index), transmit(ready, bytes));
        }
    }
    segment
}

fn transmit(ready: Instant, bytes: usize) -> Request {
    let frame = Frame::new(&vec![0; bytes], CheckSequence::Right);
    Request::Transmit { ready, frame }
}

fn receivers(run: &Run) -> Vec<u16> {
    let is_reception = |(_, notice): &&(StationId, Notice)| matches!(notice, Notice::Received { .. });
    run.notices
        .iter()
        .filter(is_reception)
        .map(|(station, _)| station.0)
        .collect()
}

const A: StationId = StationId(0);
const B: StationId = StationId(1);

#[test]
fn a_station_off_the_cable_receives_nothing_and_the_others_go_on() {
    let mut segment = cable(
        Kind::TenBase2,
        &[(0, Some((us(10), 60))), (20_000, None), (40_000, None)],
    );
    segment.unplug(B, us(5));
    let run = drain(&mut segment, us(10_000));
    assert_eq!(receivers(&run), [2]);
    assert_eq!(
        run.records[0],
        Record::Cable {
            at: us(5),
            change: CableChange::Unplugged(B)
        }
    );
}

#[test]
fn an_open_10base2_transceiver_tells_of_a_collision_at_each_of_sixteen_attempts() {
    let mut segment = cable(Kind::TenBase2, &[(0, Some((us(10), 60))), (20_000, None)]);
    segment.unplug(A, us(5));
    let run = drain(&mut segment, us(1_000_000));
    let (_, _, outcome) = outcomes(&run)[0];
    assert_eq!((outcome.end, outcome.collisions), (End::TooManyCollisions, 16));
    assert_eq!(receivers(&run), []);
    let parties = parties(&run);
    assert_eq!(
        parties.iter().map(|party| party.attempt).collect::<Vec<_>>(),
        (1..=16).collect::<Vec<_>>()
    );
    // Each attempt is a preamble and a jam, and the cable knows nothing of it.
    let starts = run.records.iter().filter_map(|record| match record {
        Record::Collision { start, .. } => Some(*start),
        _ => None,
    });
    let starts: Vec<_> = starts.collect();
    for (pair, party) in starts.windows(2).zip(&parties) {
        let slots = u64::from(party.backoff_slots.expect("it tries again"));
        assert_eq!(
            pair[1].since(pair[0]),
            BIT * 96 + (BIT * 512 * slots).max(BIT * 96)
        );
    }
    assert_eq!(run.statistics, Statistics::default());
}

#[test]
fn a_10base5_station_without_its_transceiver_sends_without_carrier() {
    let mut segment = cable(Kind::TenBase5, &[(0, Some((us(10), 60))), (20_000, None)]);
    segment.unplug(A, us(5));
    let run = drain(&mut segment, us(10_000));
    let outcome = Outcome {
        collisions: 0,
        deferred: false,
        late: false,
        end: End::CarrierLost,
    };
    assert_eq!(outcomes(&run), [(A, us(10) + SHORTEST, outcome)]);
    assert_eq!((receivers(&run), run.statistics.frames), (vec![], 0));
}

#[test]
fn a_station_off_the_cable_leaves_the_gap_between_its_own_frames() {
    for kind in [Kind::TenBase2, Kind::TenBase5] {
        let mut segment = cable(kind, &[(0, Some((us(10), 60))), (20_000, None)]);
        segment.request(A, transmit(us(11), 60));
        segment.unplug(A, us(5));
        let run = drain(&mut segment, us(2_000_000));
        let told: Vec<_> = outcomes(&run).iter().map(|sent| sent.1).collect();
        assert_eq!(told.len(), 2);
        if kind == Kind::TenBase5 {
            assert_eq!(told[1].since(told[0]), SHORTEST + BIT * 96);
        }
    }
}

#[test]
fn a_frame_whose_10base2_sender_is_taken_off_meets_a_late_collision_and_is_given_up() {
    let mut segment = cable(Kind::TenBase2, &[(0, Some((us(10), 1514))), (20_000, None)]);
    segment.unplug(A, us(500));
    let run = drain(&mut segment, us(1_000_000));
    let outcome = outcomes(&run)[0].2;
    assert_eq!((outcome.end, outcome.late), (End::TooManyCollisions, true));
    let at = run.records.iter().find_map(|record| match record {
        Record::Collision { at, .. } => Some(*at),
        _ => None,
    });
    assert_eq!(at, Some(us(500)));
    assert_eq!(receivers(&run), []);
    assert_eq!(run.statistics.busy, Span::from_microseconds(490));
}

#[test]
fn a_frame_whose_10base5_sender_is_taken_off_ends_for_it_without_carrier() {
    let mut segment = cable(Kind::TenBase5, &[(0, Some((us(10), 1514))), (20_000, None)]);
    segment.unplug(A, us(500));
    let run = drain(&mut segment, us(10_000));
    let end = us(10) + BIT * (64 + 8 * 1518);
    assert_eq!(
        (outcomes(&run)[0].1, outcomes(&run)[0].2.end),
        (end, End::CarrierLost)
    );
    assert_eq!(receivers(&run), []);
    assert_eq!(run.statistics.busy, Span::from_microseconds(490));
}

#[test]
fn who_waits_for_a_frame_goes_on_a_gap_after_its_sender_was_taken_off() {
    for kind in [Kind::TenBase2, Kind::TenBase5] {
        let mut segment = cable(
            kind,
            &[(0, Some((us(10), 1514))), (0, Some((us(100), 60))), (0, None)],
        );
        segment.unplug(A, us(500));
        let run = drain(&mut segment, us(10_000));
        let of_the_other = |(station, ..): &(StationId, Instant, Outcome)| *station == StationId(1);
        let (_, at, outcome) = outcomes(&run).into_iter().find(of_the_other).unwrap();
        assert_eq!((at, outcome.deferred), (us(500) + BIT * 96 + SHORTEST, true));
        assert_eq!(receivers(&run), [2]);
    }
}

#[test]
fn a_receiver_must_be_on_the_cable_from_the_first_bit_to_the_last() {
    let delay = Kind::TenBase2.delay(20_000);
    let last_bit = us(10) + SHORTEST + delay;
    let picosecond = Span::from_picoseconds(1);
    for (off, is_received) in [(us(30), false), (last_bit - picosecond, false), (last_bit, true)] {
        let mut segment = cable(Kind::TenBase2, &[(0, Some((us(10), 60))), (20_000, None)]);
        segment.unplug(B, off);
        assert_eq!(
            receivers(&drain(&mut segment, us(1_000))).len(),
            usize::from(is_received)
        );
    }
    for (on, is_received) in [(us(10), true), (us(10) + picosecond, false)] {
        let mut segment = cable(Kind::TenBase2, &[(0, Some((us(10), 60))), (20_000, None)]);
        segment.unplug(B, us(1));
        segment.plug(B, on);
        assert_eq!(
            receivers(&drain(&mut segment, us(1_000))).len(),
            usize::from(is_received)
        );
    }
}

#[test]
fn who_comes_back_onto_a_busy_cable_waits() {
    let mut segment = cable(
        Kind::TenBase5,
        &[(0, Some((us(10), 1514))), (20_000, Some((us(600), 60)))],
    );
    segment.unplug(B, us(1));
    segment.plug(B, us(500));
    let run = drain(&mut segment, us(10_000));
    let end = us(10) + BIT * (64 + 8 * 1518);
    let delay = Kind::TenBase5.delay(20_000);
    assert_eq!(frames(&run)[1].0, end + delay + BIT * 96);
    assert_eq!(run.statistics.collisions, 0);
}

#[test]
fn an_attempt_that_began_off_the_cable_stays_off_it() {
    // Its second attempt is made on the cable.
    let mut segment = cable(Kind::TenBase2, &[(0, Some((us(10), 60))), (20_000, None)]);
    segment.unplug(A, us(5));
    segment.plug(A, us(12));
    let run = drain(&mut segment, us(10_000));
    assert_eq!(receivers(&run), [1]);
    let (_, _, outcome) = outcomes(&run)[0];
    assert_eq!((outcome.end, outcome.collisions), (End::Good, 1));
}

#[test]
fn nothing_passes_a_cut_and_each_part_is_a_cable_of_its_own() {
    let job = Some((us(10), 60));
    let mut segment = cable(
        Kind::TenBase2,
        &[(0, job), (10_000, None), (100_000, job), (110_000, None)],
    );
    segment.cut(50_000, us(1), us(5_000));
    segment.request(A, transmit(us(6_000), 60));
    let run = drain(&mut segment, us(20_000));
    assert_eq!(run.statistics.collisions, 0);
    assert_eq!(receivers(&run), [1, 3, 1, 2, 3]);
    let changes = run.records.iter().filter_map(|record| match record {
        Record::Cable { at, change } => Some((*at, *change)),
        _ => None,
    });
    let changes: Vec<_> = changes.collect();
    assert_eq!(
        changes,
        [
            (us(1), CableChange::Cut(50_000)),
            (us(5_000), CableChange::Joined(50_000))
        ]
    );
}

#[test]
fn collisions_in_both_parts_of_a_cable_are_two() {
    let job = Some((us(10), 60));
    let mut segment = cable(
        Kind::TenBase2,
        &[(0, job), (10_000, job), (100_000, job), (110_000, job)],
    );
    segment.cut(50_000, us(1), us(60));
    let run = drain(&mut segment, us(25));
    let sizes = run.records.iter().filter_map(|record| match record {
        Record::Collision { parties, .. } => Some(parties.len()),
        _ => None,
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn a_frame_that_is_under_way_when_the_cable_is_cut_stays_in_its_part() {
    let mut segment = cable(
        Kind::TenBase2,
        &[
            (0, Some((us(10), 1514))),
            (10_000, None),
            (100_000, Some((us(300), 60))),
        ],
    );
    segment.cut(50_000, us(200), Instant::NEVER);
    let run = drain(&mut segment, us(20_000));
    assert_eq!(receivers(&run), [1]);
    assert!(outcomes(&run).iter().all(|sent| sent.2.end == End::Good));
    assert_eq!(frames(&run)[1].0, us(300));
}

#[test]
fn a_change_can_be_asked_for_while_the_lab_runs_a_little_ahead() {
    let mut segment = cable(Kind::TenBase2, &[(0, Some((us(10), 1514))), (20_000, None)]);
    let mut settlement = Settlement::default();
    segment.settle(us(50), &mut settlement);
    let from = segment.changes_from();
    assert_eq!(
        from,
        us(50) + LEAST_FILL + SHORTEST + segment.reach + segment.reach
    );
    segment.unplug(A, from);
    let run = drain(&mut segment, us(1_000_000));
    assert!(outcomes(&run)[0].2.late);
}

#[test]
#[should_panic(expected = "the cable changes at")]
fn a_change_cannot_be_asked_for_too_late() {
    let mut segment = cable(Kind::TenBase2, &[(0, None)]);
    segment.settle(us(50), &mut Settlement::default());
    segment.unplug(A, us(60));
}

#[test]
fn a_transceiver_stops_after_twenty_milliseconds_and_stays_silent_for_half_a_second() {
    // 25000 bytes last 20 ms.
    let mut segment = cable(Kind::TenBase5, &[(0, Some((us(10), 30_000))), (20_000, None)]);
    let jabber = us(20_010);
    segment.request(A, transmit(us(100_000), 60));
    segment.request(A, transmit(us(3_000_000), 60));
    let run = drain(&mut segment, us(4_000_000));
    let ends: Vec<_> = outcomes(&run).iter().map(|sent| sent.2.end).collect();
    assert_eq!(ends, [End::TooManyCollisions, End::TooManyCollisions, End::Good]);
    let late: Vec<_> = outcomes(&run).iter().map(|sent| sent.2.late).collect();
    assert_eq!(late, [true, false, false]);
    assert!(matches!(run.records[0], Record::Collision { at, .. } if at == jabber));
    assert_eq!(receivers(&run), [1]);
    assert_eq!(run.statistics.busy, Span::from_milliseconds(20) + SHORTEST);
}

#[test]
fn a_frame_of_twenty_milliseconds_is_no_jabber() {
    let bytes = 25_000 - 8 - 4;
    let mut segment = cable(Kind::TenBase5, &[(0, Some((us(10), bytes))), (20_000, None)]);
    let run = drain(&mut segment, us(100_000));
    assert_eq!((outcomes(&run)[0].2.end, receivers(&run)), (End::Good, vec![1]));
}

#[test]
fn a_station_with_an_offset_waits_longer_after_its_first_three_collisions() {
    let greatest = |is_enabled| {
        let mut greatest = [0; 5];
        for seed in 0..200 {
            let settings = settings(Kind::TenBase2, Model::CsmaCd, 1_000);
            let mut segment = Segment::new(&settings, seed);
            let station = segment.attach(0);
            segment.unplug(station, Instant::START);
            let at = Instant::START;
            segment.request(station, Request::OffsetBackoff { at, is_enabled });
            segment.request(station, transmit(us(1), 60));
            let run = drain(&mut segment, us(1_000_000));
            for party in parties(&run).iter().take(5) {
                let slots = &mut greatest[usize::from(party.attempt) - 1];
                *slots = party.backoff_slots.unwrap_or(0).max(*slots);
            }
        }
        greatest
    };
    assert_eq!(greatest(false), [1, 3, 7, 15, 31]);
    assert_eq!(greatest(true), [15, 31, 63, 15, 31]);
}

#[test]
fn a_card_that_leads_its_controller_to_an_open_connector_sends_into_nothing_or_collides() {
    for kind in [Kind::TenBase2, Kind::TenBase5] {
        for (connection, collisions, end) in [
            (Connection::OpenAui, 0, End::CarrierLost),
            (Connection::OpenCoax, 16, End::TooManyCollisions),
        ] {
            // The other station sends all the time; it is not heard, and nobody waits.
            let mut segment = cable(kind, &[(0, Some((us(10), 60))), (20_000, Some((us(1), 1514)))]);
            segment.request(
                A,
                Request::Connect {
                    at: us(1),
                    connection,
                },
            );
            let run = drain(&mut segment, us(1_000_000));
            let (_, at, outcome) = *outcomes(&run).iter().find(|sent| sent.0 == A).unwrap();
            let expected = Outcome {
                collisions,
                deferred: false,
                late: false,
                end,
            };
            assert_eq!(outcome, expected);
            if connection == Connection::OpenAui {
                assert_eq!(at, us(10) + SHORTEST);
            }
            let (_, _, other) = *outcomes(&run).iter().find(|sent| sent.0 == B).unwrap();
            assert_eq!((other.end, other.collisions), (End::Good, 0));
            // That it does not receive is its card's part.
            assert_eq!(receivers(&run), [0]);
        }
    }
}

#[test]
fn what_a_card_leads_its_controller_to_holds_for_attempts_that_begin_a_fill_later() {
    let picosecond = Span::from_picoseconds(1);
    for (ready, end) in [
        (us(10) + LEAST_FILL - picosecond, End::Good),
        (us(10) + LEAST_FILL, End::CarrierLost),
    ] {
        let mut segment = cable(Kind::TenBase2, &[(0, Some((ready, 1514))), (20_000, None)]);
        let connection = Connection::OpenAui;
        segment.request(
            A,
            Request::Connect {
                at: us(10),
                connection,
            },
        );
        let run = drain(&mut segment, us(10_000));
        assert_eq!(outcomes(&run)[0].2.end, end);
        assert_eq!(receivers(&run).len(), usize::from(end == End::Good));
    }
}

#[test]
fn who_is_led_back_to_a_busy_cable_waits() {
    let mut segment = cable(
        Kind::TenBase2,
        &[(0, Some((us(10), 1514))), (20_000, Some((us(500), 60)))],
    );
    for (at, connection) in [(us(1), Connection::OpenAui), (us(400), Connection::Cable)] {
        segment.request(B, Request::Connect { at, connection });
    }
    let run = drain(&mut segment, us(10_000));
    let end = us(10) + BIT * (64 + 8 * 1518);
    let delay = Kind::TenBase2.delay(20_000);
    assert_eq!(frames(&run)[1].0, end + delay + BIT * 96);
}

/// What a card leads its station to, in order.
pub(super) fn connects() -> impl Strategy<Value = Vec<(Instant, Connection)>> {
    let connection = prop_oneof![
        Just(Connection::Cable),
        Just(Connection::OpenAui),
        Just(Connection::OpenCoax)
    ];
    prop::collection::vec((0_u64..3_000_000_000, connection), 0..3).prop_map(|mut connects| {
        connects.sort_by_key(|(at, _)| *at);
        let connects = connects.into_iter();
        connects
            .map(|(at, connection)| (Instant::from_picoseconds(at), connection))
            .collect()
    })
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Unplug(u16, Instant),
    Plug(u16, Instant),
    Cut(u64, Instant, Instant),
}

impl Change {
    /// When it begins.
    pub(super) fn at(&self) -> Instant {
        match *self {
            Self::Unplug(_, at) | Self::Plug(_, at) | Self::Cut(_, at, _) => at,
        }
    }

    pub(super) fn apply(&self, segment: &mut Segment) {
        let stations = segment.stations.len() as u16;
        match *self {
            Self::Unplug(station, at) => segment.unplug(StationId(station % stations), at),
            Self::Plug(station, at) => segment.plug(StationId(station % stations), at),
            Self::Cut(thousandth, from, until) => {
                let position = segment.length_millimetres * thousandth / 1_000;
                segment.cut(position, from, until);
            }
        }
    }
}

pub(super) fn a_change() -> impl Strategy<Value = Change> {
    let instant = || {
        let bits = (0_u64..30_000).prop_map(|bits| Instant::START + BIT * bits);
        let picoseconds = (0_u64..3_000_000_000).prop_map(Instant::from_picoseconds);
        prop_oneof![bits, picoseconds]
    };
    let cut = (0_u64..=1_000, instant(), 1_u64..3_000_000);
    prop_oneof![
        2 => (0_u16..7, instant()).prop_map(|(station, at)| Change::Unplug(station, at)),
        2 => (0_u16..7, instant()).prop_map(|(station, at)| Change::Plug(station, at)),
        1 => cut.prop_map(|(place, from, nanoseconds)| {
            Change::Cut(place, from, from + Span::from_nanoseconds(nanoseconds))
        }),
    ]
}
