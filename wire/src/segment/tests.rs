//! Facts about the cable, and properties over random scripts.

mod announcements;
mod connections;
mod fairness;
mod faults;
mod order;
mod traffic;

use std::collections::VecDeque;

use clock::{Instant, Rate, Span};
use proptest::prelude::*;

use super::reference::{Clash, Reference, Task};
use super::timing::Timing;
use super::*;
use crate::{CheckSequence, FaultRule, Frame};
use connections::Change;

const BIT: Span = Span::from_nanoseconds(100);
const SHORTEST: Span = Span::from_nanoseconds(57_600);

fn settings(kind: Kind, model: Model, length_millimetres: u64) -> Settings {
    Settings {
        kind,
        model,
        bit_rate: Rate::hertz(10_000_000),
        length_millimetres,
    }
}

fn us(n: u64) -> Instant {
    Instant::START + Span::from_microseconds(n)
}

/// A machine: sends its frames one after another, each a pause after the last was sent, and is reset at times.
#[derive(Clone, Debug, Default)]
struct Machine {
    tasks: VecDeque<Task>,
    resets: VecDeque<Instant>,
    sent: VecDeque<Instant>,
    /// The next request: when the program makes it, and when its frame is ready.
    planned: Option<(Instant, Task)>,
    outstanding: Option<Instant>,
}

impl Machine {
    fn new(tasks: &[Task], resets: &[Instant]) -> Self {
        let mut machine = Self {
            tasks: tasks.iter().copied().collect(),
            resets: resets.iter().copied().collect(),
            ..Self::default()
        };
        machine.plan(Instant::START);
        machine
    }

    fn plan(&mut self, told: Instant) {
        if self.planned.is_none() {
            self.planned = self
                .tasks
                .pop_front()
                .map(|task| (told + task.pause - LEAST_FILL, task));
        }
    }

    /// Runs alone to `until` and returns what it asked for.
    fn run(&mut self, until: Instant) -> Vec<Request> {
        let mut requests = Vec::new();
        loop {
            let planned = self.planned.map_or(Instant::NEVER, |(at, _)| at);
            let reset = self.resets.front().copied().unwrap_or(Instant::NEVER);
            let sent = self.sent.front().copied().unwrap_or(Instant::NEVER);
            let next = planned.min(reset).min(sent);
            if next >= until {
                return requests;
            }
            if next == sent {
                self.sent.pop_front();
                if self.outstanding.is_some_and(|ready| sent >= ready + SHORTEST) {
                    self.outstanding = None;
                    self.plan(sent);
                }
            } else if next == reset {
                self.resets.pop_front();
                requests.push(Request::Withdraw { at: reset });
                self.outstanding = None;
                self.plan(reset + LEAST_FILL);
            } else if let Some((made, task)) = self.planned.take() {
                let ready = made + LEAST_FILL;
                requests.push(Request::Transmit {
                    ready,
                    frame: task.frame(),
                });
                self.outstanding = Some(ready);
            }
        }
    }
}

#[derive(Debug, Default, PartialEq)]
struct Run {
    notices: Vec<(StationId, Notice)>,
    /// Of frames that are under way.
    announcements: Vec<(StationId, Notice)>,
    records: Vec<Record>,
    statistics: Statistics,
    asked: usize,
    resets: usize,
}

#[derive(Clone, Debug)]
struct Script {
    settings: Settings,
    seed: u64,
    stations: Vec<(u64, Vec<Task>)>,
    resets: Vec<Vec<Instant>>,
    /// What each station's card leads it to, and when it says so.
    connects: Vec<Vec<(Instant, Connection)>>,
    rules: Vec<FaultRule>,
    changes: Vec<Change>,
}

impl Script {
    fn segment(&self) -> Segment {
        let mut segment = Segment::new(&self.settings, self.seed);
        for (position, _) in &self.stations {
            segment.attach(*position);
        }
        for rule in &self.rules {
            segment.add_fault(rule.clone());
        }
        segment.record_receptions();
        segment.announce_frames();
        segment
    }

    /// Runs the machines in windows of `cadence` (at most the segment's own), and checks the window rule.
    fn run(&self, cadence: Span, until: Instant) -> Run {
        self.run_ahead(cadence, until, Span::from_milliseconds(1_000_000))
    }

    /// The same, with changes of the cable that are asked for at the end of time less this, or at their last moment.
    fn run_ahead(&self, cadence: Span, until: Instant, ahead: Span) -> Run {
        let mut segment = self.segment();
        let mut changes = self.changes.clone();
        let connects = self.connects.iter().cloned().map(VecDeque::from);
        let mut connects: Vec<_> = connects.collect();
        let window = segment.window();
        let cadence = cadence.min(window);
        let no_resets = Vec::new();
        let mut machines: Vec<_> = self
            .stations
            .iter()
            .enumerate()
            .map(|(index, (_, tasks))| Machine::new(tasks, self.resets.get(index).unwrap_or(&no_resets)))
            .collect();
        let mut run = Run::default();
        let mut settlement = Settlement::default();
        let mut end = Instant::START;
        while end < until {
            end = (end + cadence).min(until);
            for (index, connects) in connects.iter_mut().enumerate().take(machines.len()) {
                while let Some((at, connection)) = connects.pop_front_if(|(at, _)| *at < end) {
                    segment.request(id(index), Request::Connect { at, connection });
                }
            }
            for (index, machine) in machines.iter_mut().enumerate() {
                for request in machine.run(end) {
                    run.asked += usize::from(matches!(request, Request::Transmit { .. }));
                    run.resets += usize::from(matches!(request, Request::Withdraw { .. }));
                    segment.request(id(index), request);
                }
            }
            let last_moment = end + LEAST_FILL + segment.timing.shortest + segment.reach + segment.reach;
            changes
                .extract_if(.., |change| change.at() < last_moment + ahead)
                .for_each(|change| change.apply(&mut segment));
            segment.settle(end, &mut settlement);
            for (station, notice) in &settlement.notices {
                assert!(
                    notice.at() >= end && notice.at() < end + window,
                    "{end} {notice:?}"
                );
                if let Notice::Sent { at, .. } = notice {
                    machines[usize::from(station.0)].sent.push_back(*at);
                }
            }
            let is_announcement = |(_, notice): &mut (StationId, Notice)| notice.is_announcement();
            run.announcements
                .extend(settlement.notices.extract_if(.., is_announcement));
            run.notices.append(&mut settlement.notices);
            run.records.append(&mut settlement.records);
        }
        run.statistics = segment.statistics();
        run
    }
}

fn saturating(stations: usize, bytes: usize, model: Model, seed: u64) -> Script {
    let task = Task {
        pause: LEAST_FILL,
        bytes,
    };
    let length = 185_000;
    let position = |index: usize| length * index as u64 / stations.max(2) as u64;
    Script {
        settings: settings(Kind::TenBase2, model, length),
        seed,
        stations: (0..stations)
            .map(|index| (position(index), vec![task; 15_000]))
            .collect(),
        resets: Vec::new(),
        connects: Vec::new(),
        rules: Vec::new(),
        changes: Vec::new(),
    }
}

fn frames(run: &Run) -> Vec<(Instant, StationId, Outcome, u64)> {
    let frame = |record: &Record| match record {
        Record::Frame {
            start,
            station,
            frame,
            outcome,
        } => Some((*start, *station, *outcome, frame.length())),
        _ => None,
    };
    run.records.iter().filter_map(frame).collect()
}

fn parties(run: &Run) -> Vec<Party> {
    let parties = |record: &Record| match record {
        Record::Collision { parties, .. } => parties.clone(),
        _ => Vec::new(),
    };
    run.records.iter().flat_map(parties).collect()
}

fn outcomes(run: &Run) -> Vec<(StationId, Instant, Outcome)> {
    let outcome = |(station, notice): &(StationId, Notice)| match notice {
        Notice::Sent { at, outcome } => Some((*station, *at, *outcome)),
        _ => None,
    };
    run.notices.iter().filter_map(outcome).collect()
}

fn outcomes_of(run: &Run, station: StationId) -> impl Iterator<Item = Outcome> {
    let outcomes = outcomes(run).into_iter();
    outcomes
        .filter(move |(of, ..)| *of == station)
        .map(|(_, _, outcome)| outcome)
}

// Facts.

#[test]
fn one_saturating_sender_reaches_the_ceiling_of_its_frame_size() {
    // Bytes with check sequence and frames a second (interframe gap 96 bits, preamble 64 bits).
    let ceilings = [
        (64, 14_881),
        (128, 8_446),
        (256, 4_529),
        (512, 2_350),
        (1024, 1_197),
        (1518, 813),
        (1536, 803),
    ];
    for model in [Model::CsmaCd, Model::Fifo, Model::Ideal] {
        for (bytes, ceiling) in ceilings {
            let run = saturating(1, bytes - 4, model, 1).run(SHORTEST, us(1_000_000));
            let frames = frames(&run);
            let first = frames.first().expect("it sends").0;
            let last = frames.last().expect("it sends").0;
            let intervals = frames.len() as u64 - 1;
            let elapsed = last.since(first).picoseconds();
            let second = Span::from_seconds(1).picoseconds();
            let per_second = (2 * intervals * second + elapsed) / (2 * elapsed);
            assert_eq!(per_second, ceiling, "{model:?} {bytes}");
            assert!(elapsed > second * 99 / 100);
        }
    }
}

/// Metcalfe and Boggs 1976: with `stations` always ready and packets of `bits`, the share of time in packets, in
/// millionths, when every contention interval lasts a slot.
fn metcalfe_boggs(stations: u64, bits: u64) -> u64 {
    let million = 1_000_000;
    let acquisition = (1..stations).fold(million * million, |a, _| a * (stations - 1) / stations) / million;
    // P / (P + (1 - A) / A * slot)
    million * bits * acquisition / (bits * acquisition + (million - acquisition) * 512)
}

#[test]
fn the_bound_of_metcalfe_and_boggs_is_computed_as_published() {
    let published = [
        (2, 512, 500),
        (5, 512, 410),
        (32, 512, 374),
        (2, 8192, 941),
        (10, 8192, 910),
        (32, 12144, 934),
    ];
    for (stations, bits, thousandths) in published {
        assert_eq!(
            (metcalfe_boggs(stations, bits) + 500) / 1000,
            thousandths,
            "{stations} {bits}"
        );
    }
}

#[test]
fn saturating_senders_stay_above_the_bound_of_metcalfe_and_boggs() {
    let tenths = 3;
    for stations in 2..=32 {
        for bytes in [64, 128, 512, 1518] {
            let run = saturating(stations, bytes - 4, Model::CsmaCd, 1).run(SHORTEST, us(100_000 * tenths));
            // Each frame with its preamble and one gap, as the channel is used (Boggs, Mogul, Kent 1988).
            let used = BIT * (8 * bytes as u64 + 160) * run.statistics.frames;
            let share = 10 * (used / Span::from_microseconds(1)) / tenths;
            let bound = metcalfe_boggs(stations as u64, 8 * bytes as u64);
            assert!(
                share >= bound,
                "{stations} stations, {bytes} bytes: {share} of {bound}"
            );
            assert!(share <= 1_002_000, "{stations} stations, {bytes} bytes: {share}");
        }
    }
}

#[test]
fn after_sixteen_collisions_a_frame_is_discarded() {
    let settings = settings(Kind::TenBase2, Model::CsmaCd, 1_000);
    let mut segment = Segment::new(&settings, 5);
    let (victim, adversary) = (segment.attach(0), segment.attach(0));
    let task = Task {
        pause: LEAST_FILL,
        bytes: 60,
    };
    // The adversary, on the same tap, is ready whenever the victim's back-off and gap are over, and is reset after it
    // has spoilt the attempt: preamble and jam are 96 bits, and so is the gap.
    let mut draws = Generator::new(5, victim);
    let mut start = us(10);
    let mut script = vec![(start, start)];
    for collisions in 1..16 {
        let slots = u64::from(draws.slots(collisions));
        start = start + BIT * 96 + (BIT * 512 * slots).max(BIT * 96);
        script.push((start, start));
    }
    segment.request(
        victim,
        Request::Transmit {
            ready: us(10),
            frame: task.frame(),
        },
    );
    for (ready, at) in script {
        segment.request(
            adversary,
            Request::Transmit {
                ready,
                frame: task.frame(),
            },
        );
        segment.request(adversary, Request::Withdraw { at });
    }
    let mut run = Run::default();
    let mut settlement = Settlement::default();
    while segment.next_event() != Instant::NEVER {
        segment.settle(segment.next_event(), &mut settlement);
        run.notices.append(&mut settlement.notices);
        run.records.append(&mut settlement.records);
    }
    let outcome = Outcome {
        collisions: 16,
        deferred: false,
        late: false,
        end: End::TooManyCollisions,
    };
    // The last attempt is told 576 bit times after its start.
    assert_eq!(
        run.notices,
        [(
            victim,
            Notice::Sent {
                at: start + SHORTEST,
                outcome
            }
        )]
    );
    let attempts: Vec<_> = parties(&run)
        .iter()
        .filter(|party| party.station == victim)
        .map(|party| (party.attempt, party.backoff_slots.is_some()))
        .collect();
    assert_eq!(attempts, (1..=16).map(|n| (n, n < 16)).collect::<Vec<_>>());
    assert_eq!(segment.statistics().collisions, 16);
    assert_eq!(segment.statistics().busy, BIT * 96 * 16);
}

#[test]
fn equal_seeds_give_equal_results_and_another_seed_another_backoff() {
    let run = |seed| saturating(3, 60, Model::CsmaCd, seed).run(SHORTEST, us(20_000));
    let slots = |run: &Run| {
        parties(run)
            .iter()
            .map(|party| party.backoff_slots)
            .collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(slots(&run(1)), slots(&run(2)));
}

/// Settles a cable whose stations ask for nothing more, until nothing happens before `until`.
fn drain(segment: &mut Segment, until: Instant) -> Run {
    let mut run = Run::default();
    let mut settlement = Settlement::default();
    while segment.next_event() < until {
        segment.settle(segment.next_event(), &mut settlement);
        run.notices.append(&mut settlement.notices);
        run.records.append(&mut settlement.records);
    }
    segment.settle(until, &mut settlement);
    run.notices.append(&mut settlement.notices);
    run.records.append(&mut settlement.records);
    run.statistics = segment.statistics();
    run
}

/// Two stations at the ends of a cable; the second is ready `later` than the first.
fn race(length_millimetres: u64, later: Span, bytes: usize) -> (Run, Span) {
    let task = |pause| Task { pause, bytes };
    let first = Span::from_microseconds(10);
    let script = Script {
        settings: settings(Kind::TenBase5, Model::CsmaCd, length_millimetres),
        seed: 3,
        stations: vec![
            (0, vec![task(first)]),
            (length_millimetres, vec![task(first + later)]),
        ],
        resets: Vec::new(),
        connects: Vec::new(),
        rules: Vec::new(),
        changes: Vec::new(),
    };
    let delay = Kind::TenBase5.delay(length_millimetres);
    (script.run(SHORTEST, us(20_000)), delay)
}

#[test]
fn a_station_that_starts_before_it_hears_the_other_collides_and_one_that_starts_after_defers() {
    let delay = Kind::TenBase5.delay(500_000);
    let (before, _) = race(500_000, delay, 60);
    let Some(Record::Collision {
        at,
        start,
        parties,
        jam,
    }) = before.records.first()
    else {
        panic!("they collide: {:?}", before.records);
    };
    assert_eq!((*start, *at, *jam), (us(10), us(10) + delay, BIT * 32));
    assert_eq!(
        parties
            .iter()
            .map(|party| (party.station.0, party.bytes_sent))
            .collect::<Vec<_>>(),
        [(0, 0), (1, 0)]
    );

    let (after, _) = race(500_000, delay + Span::from_picoseconds(1), 60);
    assert_eq!(after.statistics.collisions, 0);
    let deferral = us(10) + delay + Span::from_picoseconds(1);
    assert!(after.records.contains(&Record::Deferral {
        at: deferral,
        station: StationId(1),
        frame: Frame::new(&[0; 60], CheckSequence::Right),
    }));
    // It hears the end of the last bit a delay after it left, and leaves the gap.
    assert_eq!(frames(&after)[1].0, us(10) + SHORTEST + delay + BIT * 96);
    assert!(outcomes(&after)[1].2.deferred && !outcomes(&after)[0].2.deferred);
}

#[test]
fn a_frame_arrives_everywhere_but_at_its_sender_a_delay_after_its_last_bit() {
    let task = Task {
        pause: Span::from_microseconds(10),
        bytes: 60,
    };
    let script = Script {
        settings: settings(Kind::TenBase5, Model::CsmaCd, 500_000),
        seed: 0,
        stations: vec![(100_000, vec![task]), (0, vec![]), (500_000, vec![])],
        resets: Vec::new(),
        connects: Vec::new(),
        rules: Vec::new(),
        changes: Vec::new(),
    };
    let run = script.run(SHORTEST, us(200));
    let end = us(10) + SHORTEST;
    let received = |metres: u64| Notice::Received {
        at: end + Kind::TenBase5.delay(metres * 1000),
        begin: us(10) + BIT * 64 + Kind::TenBase5.delay(metres * 1000),
        frame: task.frame(),
    };
    let outcome = Outcome {
        collisions: 0,
        deferred: false,
        late: false,
        end: End::Good,
    };
    let sent = (StationId(0), Notice::Sent { at: end, outcome });
    assert_eq!(
        run.notices,
        [sent, (StationId(1), received(100)), (StationId(2), received(400))]
    );
    let statistics = Statistics {
        frames: 1,
        bytes: 64,
        collisions: 0,
        busy: SHORTEST,
    };
    assert_eq!(run.statistics, statistics);
}

#[test]
fn a_collision_after_the_slot_time_is_late_and_the_frame_is_sent_again() {
    // 25.6 us are 512 bits there and back; the standard's cables are a tenth of this.
    let (run, delay) = race(6_500_000, Kind::TenBase5.delay(6_500_000), 1_000);
    assert!(delay + delay > BIT * 512);
    let jam_bits = (delay + delay).picoseconds().div_ceil(BIT.picoseconds()) + 32;
    let late = &parties(&run)[0];
    assert_eq!(
        (late.bytes_sent, late.attempt),
        (u32::try_from((jam_bits - 96) / 8).unwrap(), 1)
    );
    assert!(late.backoff_slots.is_some_and(|slots| slots < 2));
    let outcomes = outcomes(&run);
    assert_eq!(outcomes.len(), 2);
    for (_, _, outcome) in outcomes {
        assert!(outcome.collisions > 0 && outcome.end == End::Good);
    }
    assert!(outcomes_of(&run, StationId(0)).all(|outcome| outcome.late));
}

/// Two stations on one tap collide from 0 to 9.6 us (preamble and jam), a third on that tap waits for the gap behind
/// them, and a fourth, 10 us away, has begun `start` ns after them. Who is in the first collision?
fn who_meets_a_signal_in_the_gap(start: u64) -> Vec<u16> {
    let length = 2_308_000;
    let begin = us(10);
    let mut segment = Segment::new(&settings(Kind::TenBase5, Model::CsmaCd, length), 1);
    for (position, nanoseconds) in [(0, 0), (0, 0), (0, 5_000), (length, start)] {
        let station = segment.attach(position);
        let ready = begin + Span::from_nanoseconds(nanoseconds);
        let frame = Frame::new(&[0; 60], CheckSequence::Right);
        segment.request(station, Request::Transmit { ready, frame });
    }
    let mut run = Run::default();
    let mut settlement = Settlement::default();
    while segment.next_event() < us(10_000) {
        segment.settle(segment.next_event(), &mut settlement);
        run.records.append(&mut settlement.records);
    }
    let is_collision = |record: &&Record| matches!(record, Record::Collision { .. });
    let Some(Record::Collision { parties, .. }) = run.records.iter().find(is_collision) else {
        panic!("the first two collide");
    };
    parties.iter().map(|party| party.station.0).collect()
}

#[test]
fn carrier_in_the_first_64_bits_of_the_gap_starts_it_anew_and_in_the_last_32_is_ignored() {
    // It arrives 5 us into the gap of 9.6 us, or 8 us.
    assert!(!who_meets_a_signal_in_the_gap(4_600).contains(&2));
    assert!(who_meets_a_signal_in_the_gap(7_600).contains(&2));
}

#[test]
fn runts_that_meet_between_their_senders_are_spoilt_only_where_they_overlap() {
    // Preamble and check sequence last 9.6 us, and the way from end to end 10 us.
    let length = 2_308_000;
    let runt = Task {
        pause: Span::from_microseconds(10),
        bytes: 0,
    };
    let script = Script {
        settings: settings(Kind::TenBase5, Model::CsmaCd, length),
        seed: 0,
        stations: vec![(0, vec![runt]), (length / 2, vec![]), (length, vec![runt])],
        resets: Vec::new(),
        connects: Vec::new(),
        rules: Vec::new(),
        changes: Vec::new(),
    };
    let run = script.run(SHORTEST, us(200));
    let is_received = |notice: &Notice| matches!(notice, Notice::Received { .. });
    let receivers = run.notices.iter().filter(|(_, notice)| is_received(notice));
    assert_eq!(
        receivers.map(|(station, _)| station.0).collect::<Vec<_>>(),
        [0, 2]
    );
    assert!(
        outcomes(&run)
            .iter()
            .all(|(_, _, outcome)| outcome.end == End::Good)
    );
}

#[test]
fn a_runt_is_told_when_the_shortest_frame_would_have_been() {
    let (run, delay) = race(500_000, Span::from_milliseconds(1), 10);
    assert_eq!(run.notices[0].1.at(), us(10) + SHORTEST);
    assert_eq!(run.notices[1].1.at(), us(10) + SHORTEST + delay);
    assert_eq!(run.statistics.busy, BIT * 2 * (64 + 8 * 14));
}

#[test]
fn windows_are_shortened_by_what_the_cable_takes_longer_than_the_fifo() {
    let window = |positions: [u64; 2]| {
        let mut segment = Segment::new(&settings(Kind::TenBase5, Model::CsmaCd, 500_000), 0);
        for position in positions {
            segment.attach(position);
        }
        segment.window()
    };
    assert_eq!(window([0, 40_000]), SHORTEST);
    let delay = Kind::TenBase5.delay(500_000);
    assert_eq!(
        window([0, 500_000]),
        SHORTEST.saturating_sub(delay.saturating_sub(LEAST_FILL))
    );
}

#[test]
fn a_copy_of_a_busy_segment_goes_on_like_the_original() {
    let mut segment = saturating(5, 60, Model::CsmaCd, 1).segment();
    for station in 0..5 {
        let frame = Frame::new(&[0; 60], CheckSequence::Right);
        segment.request(id(station), Request::Transmit { ready: us(1), frame });
    }
    let (mut ours, mut theirs) = (Settlement::default(), Settlement::default());
    segment.settle(us(50), &mut ours);
    let mut copy = segment.clone();
    while segment.next_event() != Instant::NEVER {
        segment.settle(segment.next_event(), &mut ours);
        copy.settle(copy.next_event(), &mut theirs);
        assert_eq!((&segment, &ours), (&copy, &theirs));
    }
    assert_eq!(segment.statistics().frames, 5);
}

#[test]
fn a_silent_cable_does_nothing() {
    let mut segment = saturating(4, 60, Model::CsmaCd, 1).segment();
    assert_eq!(segment.next_event(), Instant::NEVER);
    let mut settlement = Settlement::default();
    segment.settle(us(1_000_000), &mut settlement);
    assert_eq!(
        (settlement, segment.next_event()),
        (Settlement::default(), Instant::NEVER)
    );
}

#[test]
fn a_station_that_waits_does_not_send_after_a_reset() {
    let task = |pause| Task { pause, bytes: 60 };
    let mut script = saturating(2, 60, Model::CsmaCd, 1);
    script.stations[0].1 = vec![task(Span::from_microseconds(10))];
    script.stations[1].1 = vec![task(Span::from_microseconds(20))];
    script.resets = vec![vec![], vec![us(30)]];
    let run = script.run(SHORTEST, us(1_000));
    assert_eq!(
        outcomes(&run).iter().map(|sent| sent.0.0).collect::<Vec<_>>(),
        [0]
    );
}

#[test]
fn a_reset_breaks_a_frame_off_at_the_next_bit() {
    let mut script = saturating(2, 60, Model::CsmaCd, 1);
    script.stations[0].1 = vec![Task {
        pause: Span::from_microseconds(10),
        bytes: 1514,
    }];
    script.stations[1].1 = vec![];
    script.resets = vec![vec![us(100) + Span::from_nanoseconds(1)]];
    let run = script.run(SHORTEST, us(2_000));
    assert_eq!((run.notices.len(), run.records.len()), (0, 0));
    assert_eq!(
        run.statistics.busy,
        Span::from_microseconds(90) + LEAST_FILL + BIT
    );
}

#[test]
fn frames_wait_in_line_under_fifo_and_pass_one_another_under_ideal() {
    let starts = |model| {
        let run = saturating(3, 60, model, 1).run(SHORTEST, us(200));
        assert_eq!(run.statistics.collisions, 0);
        frames(&run)
            .iter()
            .take(3)
            .map(|frame| frame.0)
            .collect::<Vec<_>>()
    };
    let first = Instant::START + LEAST_FILL;
    assert_eq!(starts(Model::Ideal), [first; 3]);
    let delay = |millimetres| Kind::TenBase2.delay(millimetres);
    let second = first + SHORTEST + delay(61_666) + BIT * 96;
    let third = second + SHORTEST + delay(61_667) + BIT * 96;
    assert_eq!(starts(Model::Fifo), [first, second, third]);
}

// Properties.

fn a_cable(longest: u64) -> impl Strategy<Value = (Kind, u64)> {
    prop_oneof![
        3 => Just((Kind::TenBase2, 185_000)),
        3 => Just((Kind::TenBase5, 500_000)),
        1 => (1..longest).prop_map(|length| (Kind::TenBase5, length)),
    ]
}

/// Pauses that make frames meet often, in whole bits, whole nanoseconds or picoseconds.
fn a_pause() -> impl Strategy<Value = Span> {
    prop_oneof![
        Just(LEAST_FILL),
        (4_u64..1_000).prop_map(|bits| BIT * bits),
        (200_u64..100_000).prop_map(Span::from_nanoseconds),
        (200_000_u64..300_000_000).prop_map(Span::from_picoseconds),
    ]
}

/// The longest cable with a round trip shorter than the shortest transmission (9.6 us).
const SHORT_FOR_RUNTS: u64 = 1_100_000;
/// The longest cable with a round trip shorter than the shortest frame (57.6 us); longer than for late collisions.
const SHORT_FOR_FRAMES: u64 = 6_600_000;
/// Nearly the longest cable that a segment takes.
const ANY: u64 = 11_000_000;

/// With frames of at least `shortest` bytes (60 without check sequence are allowed), on a cable of the standard's
/// length or, sometimes, of any up to `longest` millimetres.
fn a_script(shortest: usize, longest: u64) -> impl Strategy<Value = Script> {
    let bytes = prop_oneof![3 => shortest..=64_usize, 1 => shortest..=300, 1 => shortest..=1514];
    let task = (a_pause(), bytes).prop_map(|(pause, bytes)| Task { pause, bytes });
    let tasks = prop::collection::vec(task, 0..6);
    let resets = prop::collection::btree_set(1_u64..3_000_000, 0..3);
    let stations = prop::collection::vec((0_u64..=1_000, tasks, resets), 1..7);
    (a_cable(longest), any::<u64>(), stations).prop_map(|((kind, length), seed, stations)| Script {
        settings: settings(kind, Model::CsmaCd, length),
        seed,
        resets: stations
            .iter()
            .map(|(_, _, resets)| {
                resets
                    .iter()
                    .map(|nanoseconds| Instant::START + Span::from_nanoseconds(*nanoseconds))
                    .collect()
            })
            .collect(),
        stations: stations
            .into_iter()
            .map(|(thousandth, tasks, _)| (length * thousandth / 1_000, tasks))
            .collect(),
        connects: Vec::new(),
        rules: Vec::new(),
        changes: Vec::new(),
    })
}

/// With fault rules, with cards that lead their stations elsewhere, and with stations that come and go and a cable that
/// is cut.
fn a_disturbed_script(shortest: usize, longest: u64) -> impl Strategy<Value = Script> {
    let rules = prop::collection::vec(faults::a_rule(), 0..3);
    let connects = prop::collection::vec(connections::connects(), 0..7);
    let changes = prop::collection::vec(connections::a_change(), 0..6);
    (a_script(shortest, longest), rules, connects, changes).prop_map(|(script, rules, connects, changes)| {
        Script {
            connects,
            rules,
            changes,
            ..script
        }
    })
}

fn without_resets(mut script: Script) -> Script {
    script.resets.clear();
    script
}

/// Long enough for a few frames of a few stations with their back-offs, mostly.
const LONG: Instant = Instant::from_picoseconds(20_000_000_000);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_cadence_of_settling_gives_the_same_notices_and_records(
        script in prop_oneof![a_script(0, ANY), a_disturbed_script(0, ANY)],
    ) {
        let whole = script.run(SHORTEST, LONG);
        prop_assert_eq!(&whole, &script.run(Span::from_nanoseconds(5_760), LONG));
        prop_assert_eq!(&whole, &script.run(BIT, LONG));
    }

    #[test]
    fn a_change_of_the_cable_does_the_same_whenever_it_is_asked_for(script in a_disturbed_script(0, ANY)) {
        let known = script.run(SHORTEST, LONG);
        prop_assert_eq!(&known, &script.run_ahead(SHORTEST, LONG, Span::ZERO));
        prop_assert_eq!(&known, &script.run_ahead(BIT, LONG, Span::ZERO));
    }

    #[test]
    fn the_other_models_do_not_depend_on_the_cadence_either(
        mut script in a_disturbed_script(0, ANY),
        model in prop_oneof![Just(Model::Fifo), Just(Model::Ideal)],
    ) {
        script.settings.model = model;
        let whole = script.run(SHORTEST, LONG);
        prop_assert_eq!(&whole, &script.run(Span::from_nanoseconds(5_760), LONG));
        prop_assert_eq!(whole.statistics.collisions, 0);
    }

    #[test]
    fn notices_and_records_come_in_order(script in a_disturbed_script(0, ANY)) {
        let run = script.run(SHORTEST, LONG);
        prop_assert!(run.notices.is_sorted_by_key(|(station, notice)| (notice.at(), *station)));
        prop_assert!(run.records.is_sorted_by_key(Record::at));
    }

    #[test]
    fn the_cable_agrees_with_the_processes_of_the_standard(
        script in prop_oneof![a_script(0, SHORT_FOR_RUNTS), a_script(60, SHORT_FOR_FRAMES)].prop_map(without_resets),
    ) {
        let run = script.run(SHORTEST, LONG);
        let mut reference = Reference::new(&script.settings, script.seed, &script.stations);
        reference.run(LONG + SHORTEST);
        let certain = LONG;
        let sorted = |notices: &[(StationId, Notice)]| {
            let early = notices.iter().filter(|(_, notice)| notice.at() < certain);
            let mut early: Vec<_> = early.map(|(to, notice)| (notice.at(), *to, format!("{notice:?}"))).collect();
            early.sort();
            early
        };
        prop_assert_eq!(sorted(&run.notices), sorted(&reference.notices));
        let mut clashes: Vec<_> = parties(&run).into_iter().map(|party| Clash {
            station: party.station,
            attempt: party.attempt,
            backoff_slots: party.backoff_slots,
        }).collect();
        let by_station = |clashes: &mut Vec<Clash>| clashes.sort_by_key(|clash| clash.station);
        by_station(&mut clashes);
        by_station(&mut reference.clashes);
        // Sorting is stable, and one may have seen a little more of the end.
        for station in 0..script.stations.len() {
            let of = |clashes: &[Clash]| {
                clashes.iter().filter(|clash| clash.station == id(station)).cloned().collect::<Vec<_>>()
            };
            let (ours, theirs) = (of(&clashes), of(&reference.clashes));
            let both = ours.len().min(theirs.len());
            prop_assert!(ours.len().abs_diff(theirs.len()) <= 1);
            prop_assert_eq!(&ours[..both], &theirs[..both]);
        }
    }

    #[test]
    fn what_is_received_is_recorded(script in a_disturbed_script(0, ANY)) {
        let run = script.run(SHORTEST, us(1_000_000));
        let mut noticed: Vec<_> = run.notices.iter().filter_map(|(to, notice)| match notice {
            Notice::Received { frame, .. } => Some((*to, format!("{frame:?}"))),
            _ => None,
        }).collect();
        let mut recorded: Vec<_> = run.records.iter().filter_map(|record| match record {
            Record::Reception { station, frame, .. } => Some((*station, format!("{frame:?}"))),
            _ => None,
        }).collect();
        noticed.sort();
        recorded.sort();
        prop_assert_eq!(noticed, recorded);
    }

    #[test]
    fn rules_touch_neither_the_cable_nor_its_senders(script in a_disturbed_script(0, ANY)) {
        let without_rules = Script { rules: Vec::new(), ..script.clone() };
        let (with, without) = (script.run(SHORTEST, LONG), without_rules.run(SHORTEST, LONG));
        prop_assert_eq!(outcomes(&with), outcomes(&without));
        prop_assert_eq!(frames(&with), frames(&without));
        prop_assert_eq!(with.statistics, without.statistics);
    }

    #[test]
    fn each_part_of_a_cut_cable_is_like_a_cable_of_its_own(script in a_script(0, ANY), thousandth in 1_u64..1_000) {
        let position = script.settings.length_millimetres * thousandth / 1_000;
        let cut = Change::Cut(thousandth, Instant::START, Instant::NEVER);
        let whole = Script { changes: vec![cut], ..script.clone() }.run(SHORTEST, LONG);
        for is_left in [true, false] {
            let is_here = |station: usize| (script.stations[station].0 < position) == is_left;
            let mut part = script.clone();
            for station in (0..part.stations.len()).filter(|station| !is_here(*station)) {
                part.stations[station].1.clear();
                if let Some(resets) = part.resets.get_mut(station) {
                    resets.clear();
                }
            }
            let part = part.run(SHORTEST, LONG);
            let of_part = |run: &Run| {
                let here = run.notices.iter().filter(|(station, _)| is_here(usize::from(station.0)));
                here.cloned().collect::<Vec<_>>()
            };
            prop_assert_eq!(of_part(&whole), of_part(&part));
        }
    }

    #[test]
    fn a_station_off_its_cable_is_as_if_it_were_silent(script in a_script(0, ANY)) {
        prop_assume!(script.settings.kind == Kind::TenBase5);
        let absent = vec![Change::Unplug(0, Instant::START)];
        let without = Script { changes: absent, ..script.clone() }.run(SHORTEST, LONG);
        let mut silent = script.clone();
        silent.stations[0].1.clear();
        silent.resets[0].clear();
        let silent = silent.run(SHORTEST, LONG);
        let others = |run: &Run| {
            let others = run.notices.iter().filter(|(station, _)| station.0 > 0);
            others.cloned().collect::<Vec<_>>()
        };
        prop_assert_eq!(others(&without), others(&silent));
        prop_assert_eq!(without.statistics, silent.statistics);
    }

    #[test]
    fn frames_keep_their_distance_at_every_tap(script in a_script(60, ANY)) {
        prop_assume!(script.settings.length_millimetres <= 500_000);
        let run = script.run(SHORTEST, LONG);
        let segment = script.segment();
        let timing = Timing::new(script.settings.bit_rate);
        for pair in frames(&run).windows(2) {
            let ((start, from, _, bytes), (next, to, ..)) = (pair[0], pair[1]);
            let end = start + BIT * (64 + 8 * bytes);
            let delays = |station: StationId| &segment.delays[usize::from(station.0)];
            // At the tap of the next sender a whole gap, elsewhere no overlap.
            prop_assert!(next >= end + delays(from)[usize::from(to.0)] + timing.gap);
            for tap in 0..script.stations.len() {
                prop_assert!(next + delays(to)[tap] >= end + delays(from)[tap]);
            }
        }
    }

    #[test]
    fn attempts_and_backoffs_stay_in_range(script in a_script(60, ANY)) {
        for party in parties(&script.run(SHORTEST, LONG)) {
            prop_assert!((1..=16).contains(&party.attempt));
            if let Some(slots) = party.backoff_slots {
                prop_assert!(slots < 1 << party.attempt.min(10) && party.attempt < 16);
            }
        }
    }

    #[test]
    fn every_transmission_is_answered_once(script in a_disturbed_script(0, ANY).prop_map(without_resets)) {
        // Sixteen attempts on an open connector take 0.37 s at most, and a station has five frames.
        let run = script.run(SHORTEST, us(2_000_000));
        prop_assert_eq!(run.asked, script.stations.iter().map(|station| station.1.len()).sum::<usize>());
        let sent = outcomes(&run);
        prop_assert_eq!(sent.len(), run.asked);
        let ended = |end| sent.iter().filter(|sent| sent.2.end == end).count();
        prop_assert_eq!(ended(End::Good) + ended(End::CarrierLost), frames(&run).len());
        prop_assert_eq!(ended(End::Good) as u64, run.statistics.frames);
    }
}

#[test]
fn a_frame_with_a_wrong_check_sequence_arrives_as_such() {
    let mut segment = saturating(2, 60, Model::CsmaCd, 1).segment();
    let frame = Frame::new(&[1; 60], CheckSequence::Wrong);
    segment.request(
        StationId(0),
        Request::Transmit {
            ready: us(1),
            frame: frame.clone(),
        },
    );
    let mut settlement = Settlement::default();
    segment.settle(us(50), &mut settlement);
    let received = settlement
        .notices
        .iter()
        .find(|(station, _)| *station == StationId(1));
    assert!(matches!(received, Some((_, Notice::Received { frame: arrived, .. })) if *arrived == frame));
}
