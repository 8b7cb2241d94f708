//! The order of events, compared with INET's half-duplex Ethernet station (its modules EtherMac and EthernetCsmaMac).
//!
//! The same in both: a station that finds the cable silent starts at once; one that hears carrier waits for its end and
//! then for the gap; who sends and hears another stops its frame and jams; the back-off begins when the jam has ended;
//! its slots are drawn from 0 ..= 2^n - 1, n up to 10; the carrier after a collision lasts until the last fragment has
//! passed, and only then the others' gap begins.
//!
//! Where INET departs from the standard we follow the standard: INET
//!
//! * jams at once, where the standard finishes the preamble first (4.2.3.2.4);
//! * begins the gap when the back-off has ended, where in the standard it runs beside it (`BackOff` and `Deference` are
//!   processes of their own, 4.2.8): its stations start 9.6 us later after a back-off that ends on a silent cable;
//! * does not listen in any part of the gap, where ours heeds carrier in its first two thirds (4.2.3.2.2);
//! * discards a frame at its seventeenth collision, the standard at the sixteenth (`attemptLimit`, 4.4.2).

use super::*;

/// What the cable and its stations do, in order, with the time since 10 us in tenths of a microsecond (bit times).
fn events(run: &Run) -> Vec<(u64, String)> {
    let bits = |at: Instant| at.since(us(10)) / BIT;
    let of_record = |record: &Record| match record {
        Record::Frame { start, station, .. } => Some((*start, format!("{} starts", station.0))),
        Record::Collision { at, parties, .. } => {
            let stations: Vec<_> = parties.iter().map(|party| party.station.0).collect();
            Some((*at, format!("{stations:?} collide")))
        }
        Record::Deferral { at, station, .. } => Some((*at, format!("{} defers", station.0))),
        _ => None,
    };
    let of_notice = |(station, notice): &(StationId, Notice)| match notice {
        Notice::Sent { at, .. } => (*at, format!("{} is done", station.0)),
        Notice::Received { at, .. } => (*at, format!("{} receives", station.0)),
        Notice::Arriving { .. } | Notice::Leaving { .. } => unreachable!("nobody asked for them"),
    };
    let records = run.records.iter().filter_map(of_record);
    let mut events: Vec<_> = records.chain(run.notices.iter().map(of_notice)).collect();
    events.sort();
    events.into_iter().map(|(at, what)| (bits(at), what)).collect()
}

fn script(stations: &[(u64, u64)], bytes: usize, seed: u64) -> Script {
    let task = |nanoseconds| Task {
        pause: Span::from_nanoseconds(nanoseconds),
        bytes,
    };
    Script {
        settings: settings(Kind::TenBase5, Model::CsmaCd, 500_000),
        seed,
        stations: stations
            .iter()
            .map(|(position, nanoseconds)| (*position, vec![task(*nanoseconds)]))
            .collect(),
        resets: Vec::new(),
        connects: Vec::new(),
        rules: Vec::new(),
        changes: Vec::new(),
    }
}

fn named(events: &[(u64, &str)]) -> Vec<(u64, String)> {
    events
        .iter()
        .map(|(at, what)| (*at, (*what).to_owned()))
        .collect()
}

#[test]
fn a_station_on_a_silent_cable_starts_at_once_and_the_next_waits_for_carrier_and_gap() {
    let run = script(&[(0, 10_000), (0, 20_000)], 60, 1).run(SHORTEST, us(500));
    let expected = [
        (0, "0 starts"),
        (100, "1 defers"),
        (576, "0 is done"),
        (576, "1 receives"),
        (672, "1 starts"),
        (1248, "0 receives"),
        (1248, "1 is done"),
    ];
    assert_eq!(events(&run), named(&expected));
}

#[test]
fn a_collision_is_followed_by_jam_back_off_and_the_next_attempt() {
    // The seed at which the first draws 0 slots, the second 1.
    let winner = |seed| {
        let mut draws = [
            Generator::new(seed, StationId(0)),
            Generator::new(seed, StationId(1)),
        ];
        draws.each_mut().map(|draws| draws.slots(1)) == [0, 1]
    };
    let seed = (0..100).find(|seed| winner(*seed)).expect("one in four does");
    let run = script(&[(0, 10_000), (0, 10_000)], 60, seed).run(SHORTEST, us(500));
    // Preamble and jam are 96 bits. The first waits for the gap alone, from there on. The second one's slot ends while
    // it sends.
    let expected = [
        (0, "[0, 1] collide"),
        (192, "0 starts"),
        (768, "0 is done"),
        (768, "1 receives"),
        (864, "1 starts"),
        (1440, "0 receives"),
        (1440, "1 is done"),
    ];
    assert_eq!(events(&run), named(&expected));
}

#[test]
fn the_gap_runs_beside_the_back_off() {
    let draw = |seed| {
        let mut draws = [
            Generator::new(seed, StationId(0)),
            Generator::new(seed, StationId(1)),
        ];
        draws.each_mut().map(|draws| draws.slots(1))
    };
    // Both draw one slot and collide again, a slot (not a slot and a gap) after the first jam.
    let seed = (0..100)
        .find(|seed| draw(*seed) == [1, 1])
        .expect("one in four does");
    let run = script(&[(0, 10_000), (0, 10_000)], 60, seed).run(SHORTEST, us(100));
    assert_eq!(events(&run)[1], (96 + 512, "[0, 1] collide".to_owned()));
}

#[test]
fn the_second_to_start_hears_the_first_and_jams_before_the_first_hears_it() {
    let (run, delay) = race(500_000, Span::from_microseconds(1), 60);
    let Some(Record::Collision { at, start, .. }) = run.records.first() else {
        panic!("they collide: {:?}", run.records);
    };
    // The later one notices when the first signal arrives.
    assert_eq!((*start, *at), (us(10), us(10) + delay));
}

#[test]
fn a_collision_in_the_preamble_is_jammed_behind_it_and_one_in_the_frame_at_once() {
    // The later start reaches the first station within its preamble, or 10 us after its first bit.
    for (length, later, is_in_preamble) in [
        (500_000, Span::from_microseconds(1), true),
        (2_308_000, Span::from_nanoseconds(1), false),
    ] {
        let (run, delay) = race(length, later, 60);
        let begun = (delay + later).picoseconds().div_ceil(BIT.picoseconds());
        assert_eq!(begun < 64, is_in_preamble);
        let first = &parties(&run)[0];
        assert_eq!(u64::from(first.bytes_sent), (begun.max(64) - 64) / 8);
        let slots = first.backoff_slots.expect("it tries again");
        let jam_end = us(10) + BIT * (begun.max(64) + 32);
        // Its next attempt, or the next that it waits for, begins no sooner than its back-off and its gap allow.
        let next = run.records.iter().find_map(|record| match record {
            Record::Frame { start, station, .. } if station.0 == 0 => Some(*start),
            _ => None,
        });
        let wait = (BIT * 512 * u64::from(slots)).max(BIT * 96);
        assert!(next.is_some_and(|next| next >= jam_end + wait));
    }
}

#[test]
fn those_who_listened_wait_for_the_last_fragment_and_the_gap() {
    // Two at the ends collide; the third between them is ready while they jam.
    let run = script(&[(0, 10_000), (500_000, 10_000), (250_000, 14_000)], 60, 1).run(SHORTEST, us(300));
    let fragments_end = us(10) + BIT * 96 + Kind::TenBase5.delay(250_000);
    let third = frames(&run).into_iter().find(|frame| frame.1 == StationId(2));
    let attempt = parties(&run)
        .into_iter()
        .find(|party| party.station == StationId(2));
    if let Some((start, ..)) = third.filter(|_| attempt.is_none()) {
        assert!(start >= fragments_end + BIT * 96);
    }
    let deferrals = run.records.iter().filter_map(|record| match record {
        Record::Deferral { at, station, .. } => Some((*at, station.0)),
        _ => None,
    });
    let deferrals: Vec<_> = deferrals.collect();
    assert_eq!(deferrals[0], (us(14), 2));
}
