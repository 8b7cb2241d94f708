//! Frames that are told of while they are under way. That no cadence of settling changes what is told, and when, is
//! part of the properties in `tests.rs`.

use super::*;
use crate::Deed;

/// Two stations, 100 m and 400 m from a third; the third sends a frame of `bytes` at 10 us.
fn one_frame(bytes: usize) -> Run {
    one_frame_and(bytes, Vec::new())
}

/// The same on a cable with these changes.
fn one_frame_and(bytes: usize, changes: Vec<Change>) -> Run {
    let task = Task {
        pause: Span::from_microseconds(10),
        bytes,
    };
    Script {
        settings: settings(Kind::TenBase5, Model::CsmaCd, 500_000),
        seed: 1,
        stations: vec![(0, vec![task]), (100_000, Vec::new()), (400_000, Vec::new())],
        resets: Vec::new(),
        connects: Vec::new(),
        rules: Vec::new(),
        changes,
    }
    .run(SHORTEST, us(5_000))
}

#[test]
fn a_long_frame_is_announced_576_bits_after_its_first_bit_at_each_station() {
    let run = one_frame(1_514);
    let frame = Task {
        pause: Span::ZERO,
        bytes: 1_514,
    }
    .frame();
    let certain = us(10) + SHORTEST;
    let leaving = Notice::Leaving {
        at: certain,
        begin: us(10),
    };
    let arriving = |metres: u64| {
        let delay = Kind::TenBase5.delay(metres * 1_000);
        Notice::Arriving {
            at: certain + delay,
            begin: us(10) + BIT * 64 + delay,
            frame: frame.clone(),
        }
    };
    assert_eq!(
        run.announcements,
        [
            (StationId(0), leaving),
            (StationId(1), arriving(100)),
            (StationId(2), arriving(400))
        ]
    );
}

#[test]
fn the_end_of_an_announced_frame_is_a_whole_number_of_bytes_after_its_beginning() {
    let run = one_frame(1_514);
    let ends = run.notices.iter().filter_map(|(station, notice)| match notice {
        Notice::Received { at, frame, .. } => Some((*station, *at - BIT * 8 * frame.length())),
        _ => None,
    });
    let begins = run
        .announcements
        .iter()
        .filter_map(|(station, notice)| match notice {
            Notice::Arriving { begin, .. } => Some((*station, *begin)),
            _ => None,
        });
    assert!(ends.eq(begins));
}

#[test]
fn a_frame_is_announced_as_its_receiver_will_have_it_if_it_comes_at_its_time() {
    let by = Span::from_microseconds(100);
    let check = CheckSequence::Wrong;
    for (deed, announced) in [
        (Deed::Lose, 1),
        (Deed::Delay { least: by, most: by }, 1),
        (
            Deed::Reorder {
                behind: 1,
                at_most: by,
            },
            1,
        ),
        (Deed::Duplicate { copies: 1, apart: by }, 3),
        (Deed::FlipBits { count: 1, check }, 3),
        (Deed::Truncate { length: 700 }, 3),
    ] {
        let task = Task {
            pause: Span::from_microseconds(10),
            bytes: 1_514,
        };
        let run = Script {
            settings: settings(Kind::TenBase5, Model::CsmaCd, 500_000),
            seed: 1,
            stations: vec![(0, vec![task]), (100_000, Vec::new()), (400_000, Vec::new())],
            resets: Vec::new(),
            connects: Vec::new(),
            rules: vec![super::faults::rule(deed)],
            changes: Vec::new(),
        }
        .run(SHORTEST, us(5_000));
        assert_eq!(run.announcements.len(), announced, "{deed:?}");
        for (station, notice) in &run.announcements {
            let Notice::Arriving { begin, frame, .. } = notice else {
                continue;
            };
            let is_it = |(to, notice): &(StationId, Notice)| {
                to == station
                    && matches!(notice, Notice::Received { begin: b, frame: f, .. } if b == begin && f == frame)
            };
            assert!(run.notices.iter().any(is_it), "{deed:?}");
        }
    }
}

#[test]
fn the_shortest_frame_is_not_announced() {
    assert_eq!(one_frame(60).announcements, []);
    assert_eq!(one_frame(61).announcements.len(), 3);
}

#[test]
fn an_announcement_knows_nothing_of_later_changes_of_the_cable() {
    let announcements = one_frame(1_514).announcements;
    let later = us(10) + SHORTEST + Kind::TenBase5.delay(400_000);
    for change in [
        Change::Unplug(0, later),
        Change::Unplug(2, later),
        Change::Cut(500, later, Instant::NEVER),
    ] {
        let run = one_frame_and(1_514, vec![change.clone()]);
        assert_eq!(run.announcements, announcements, "{change:?}");
        let received = run.notices.iter();
        let received = received.filter(|(_, notice)| matches!(notice, Notice::Received { .. }));
        assert!(
            received.count() < 2,
            "{change:?}: it is not received where it was cut off"
        );
    }
    let sooner = us(10) + SHORTEST - BIT;
    for (station, told) in [(0, 0), (2, 2)] {
        let run = one_frame_and(1_514, vec![Change::Unplug(station, sooner)]);
        assert_eq!(run.announcements.len(), told, "{station}");
    }
}
