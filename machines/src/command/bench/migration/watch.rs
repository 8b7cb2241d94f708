//! Watches a run: consoles and cable, and makes measurements of them.

use std::ops::ControlFlow;

use clock::{Instant, Span};
use proto::process::server::Command;
use wire::Record;

use super::lab::{FIRST, STATIONS};
use super::series::Measurement;
use crate::command::bench::traffic::{Message, Traffic, end_of};
use crate::runtime::{Happening, Observer, What};

/// Index of the machine that asks for migrations, in the lab.
const THIRD: usize = 3;
/// What its console says when nothing more will come.
const ENDS: [&str; 4] = [
    "migrate exited",
    "migrate: exception",
    "cannot start",
    "kernel stopped",
];
/// With what a migration begins on the cable.
const FIRST_COMMANDS: [Command; 2] = [Command::Migrate, Command::MigrationStun];

/// A migration that was seen.
#[derive(Clone, Debug)]
pub(super) struct Journey {
    /// The process.
    pub(super) name: String,
    /// Milliseconds as the guest tells.
    pub(super) guest: u32,
    /// First bit of the first request.
    pub(super) begin: Instant,
    /// Last bit of the last reply.
    pub(super) end: Instant,
    /// The messages of that time.
    pub(super) messages: Vec<Message>,
    /// Frames of that time: when each begins and ends.
    pub(super) frames: Vec<(Instant, Instant)>,
    /// Collisions of that time.
    pub(super) collisions: usize,
}

impl Journey {
    /// As a measurement of a process of that size.
    pub(super) fn measurement(&self, kbytes: u32, repetition: u32) -> Measurement {
        Measurement {
            kbytes,
            repetition,
            guest: self.guest,
            lab: self.end.since(self.begin),
            frames: self.frames.len(),
            collisions: self.collisions,
        }
    }
}

/// What the machines' consoles and the cable show.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The third machine's console.
    console: String,
    /// Where its last line begins, and when that was written.
    line: (usize, Instant),
    traffic: Traffic,
    frames: Vec<(Instant, Instant)>,
    collisions: Vec<Instant>,
    journeys: Vec<Journey>,
    has_ended: bool,
}

impl Watch {
    /// The migrations that were seen, without the first one; or why not all of `expected` were.
    pub(super) fn journeys(self, expected: &[(String, u32)]) -> Result<Vec<Journey>, String> {
        let is_seen = self.journeys.len() == expected.len()
            && self
                .journeys
                .iter()
                .zip(expected)
                .all(|(journey, (name, _))| journey.name == *name);
        if !is_seen {
            let last = self.console.lines().rev().find(|line| line.contains("migrate"));
            return Err(last.unwrap_or("nobody has migrated anything").to_owned());
        }
        Ok(self
            .journeys
            .into_iter()
            .filter(|journey| journey.name != FIRST)
            .collect())
    }

    fn character(&mut self, at: Instant, byte: u8) {
        if self.line.0 == self.console.len() {
            self.line.1 = at;
        }
        self.console.push(char::from(byte));
        if byte == b'\n' {
            let line = self.console[self.line.0..].trim_end().to_owned();
            self.line.0 = self.console.len();
            self.look_at(&line);
        }
    }

    /// Looks at a line of the third machine, which has come to its end.
    fn look_at(&mut self, line: &str) {
        self.has_ended |= ENDS.iter().any(|end| line.contains(end));
        let Some((name, guest)) = arrival(line) else {
            return;
        };
        let told = self.line.1;
        let before = self.journeys.last().map_or(Instant::START, |journey| journey.end);
        let third = STATIONS[THIRD].1;
        let is_first = |message: &&Message| {
            let is_wanted = FIRST_COMMANDS
                .iter()
                .any(|command| command.code() == message.command);
            message.is_request && message.from == third && message.start >= before && is_wanted
        };
        let is_last = |message: &&Message| !message.is_request && message.to == third && message.end <= told;
        let messages = self.traffic.messages();
        let first = messages.iter().find(is_first);
        let last = messages.iter().rev().find(is_last);
        let (Some(first), Some(last)) = (first, last) else {
            return;
        };
        let time = first.start..=last.end;
        let journey = Journey {
            name: name.to_owned(),
            guest,
            begin: first.start,
            end: last.end,
            messages: messages
                .iter()
                .filter(|message| time.contains(&message.start))
                .copied()
                .collect(),
            frames: self
                .frames
                .iter()
                .filter(|(start, _)| time.contains(start))
                .copied()
                .collect(),
            collisions: self.collisions.iter().filter(|at| time.contains(at)).count(),
        };
        self.journeys.push(journey);
    }
}

/// What `migrate` says of a process that has come to where it goes: its name, and the milliseconds.
fn arrival(line: &str) -> Option<(&str, u32)> {
    let (name, rest) = line.strip_prefix("migrate: ")?.split_once(" is on ")?;
    let time = rest.strip_suffix(" ms")?.rsplit(' ').next()?;
    Some((name, time.parse().ok()?))
}

impl Observer for Watch {
    fn window(&mut self, _now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        for happening in happenings {
            match &happening.what {
                What::Console { machine: THIRD, byte } => self.character(happening.at, *byte),
                What::Stopped { machine: THIRD, .. } => self.has_ended = true,
                What::Wire { record, .. } => match record {
                    Record::Frame { start, frame, .. } => {
                        self.frames.push((*start, end_of(*start, frame)));
                        self.traffic.frame(*start, frame);
                    }
                    Record::Collision { at, .. } => self.collisions.push(*at),
                    _ => {}
                },
                _ => {}
            }
        }
        if self.has_ended {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// How long the cable carried frames between two instants.
pub(super) fn busy(frames: &[(Instant, Instant)], from: Instant, to: Instant) -> Span {
    let part = |(start, end): &(Instant, Instant)| {
        let (start, end) = ((*start).max(from), (*end).min(to));
        if start < end { end.since(start) } else { Span::ZERO }
    };
    frames.iter().map(part).fold(Span::ZERO, |sum, part| sum + part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::bench::traffic::tests::packet;
    use proto::rpc::Kind;
    use wire::{End, Outcome, StationId};

    fn at(milliseconds: u64) -> Instant {
        Instant::START + Span::from_milliseconds(milliseconds)
    }

    fn say(watch: &mut Watch, milliseconds: u64, text: &str) {
        for byte in text.bytes() {
            watch.character(at(milliseconds), byte);
        }
    }

    fn send(watch: &mut Watch, milliseconds: u64, stations: [u8; 2], kind: Kind, command: u16, number: u32) {
        let frame = packet(stations, kind, command, [number, 0, 56]);
        watch
            .frames
            .push((at(milliseconds), end_of(at(milliseconds), &frame)));
        watch.traffic.frame(at(milliseconds), &frame);
    }

    /// A migration of `name` that takes from `begin` to about `end`, with a question before that does not belong to it.
    fn migrate(watch: &mut Watch, name: &str, begin: u64, end: u64) {
        let number = begin as u32 * 100;
        let comment = Command::GetComment.code();
        send(watch, begin - 10, [4, 2], Kind::Request, comment, number);
        send(watch, begin - 9, [2, 4], Kind::Reply, 0, number + 1);
        let migrate = Command::Migrate.code();
        send(watch, begin, [4, 2], Kind::Request, migrate, number + 10);
        send(watch, end, [2, 4], Kind::Reply, 0, number + 11);
        let line = format!(
            "migrate: {name} is on 02:60:8c:00:00:03 after {} ms\r\n",
            end - begin
        );
        say(watch, end + 2, &line);
    }

    #[test]
    fn a_migration_lasts_from_its_request_to_the_last_reply_before_it_is_told() {
        let mut watch = Watch::default();
        say(&mut watch, 1, "started migrate\r\n");
        migrate(&mut watch, FIRST, 100, 400);
        migrate(&mut watch, "weight64", 700, 1000);
        let expected = [(FIRST.to_owned(), 32), ("weight64".to_owned(), 64)];
        let journeys = watch.journeys(&expected).unwrap();
        let [journey] = &journeys[..] else {
            panic!("{journeys:?}");
        };
        assert_eq!(journey.begin, at(700));
        assert_eq!(journey.guest, 300);
        let measurement = journey.measurement(64, 2);
        // A frame of 114 bytes with its preamble and check sequence.
        let frame = Span::from_nanoseconds((112 + 4 + 8) * 800);
        assert_eq!(measurement.lab, Span::from_milliseconds(300) + frame);
        assert_eq!(measurement.frames, 2);
        assert_eq!(busy(&journey.frames, at(0), at(5000)), frame + frame);
        assert_eq!(busy(&journey.frames, at(700), at(701)), frame);
    }

    #[test]
    fn migrations_that_did_not_happen_are_told() {
        let mut watch = Watch::default();
        migrate(&mut watch, FIRST, 100, 400);
        say(
            &mut watch,
            500,
            "migrate: NotFound (-1007)\r\nmigrate exited with status 1\r\n",
        );
        assert!(watch.has_ended);
        let why = watch
            .journeys(&[(FIRST.to_owned(), 32), ("weight64".to_owned(), 64)])
            .unwrap_err();
        assert_eq!(why, "migrate exited with status 1");
    }

    #[test]
    fn collisions_and_frames_of_the_cable_are_seen() {
        let mut watch = Watch::default();
        let frame = packet([4, 2], Kind::Request, Command::Migrate.code(), [10, 0, 56]);
        let record = Record::Frame {
            start: at(3),
            station: StationId(0),
            frame,
            outcome: Outcome {
                collisions: 0,
                deferred: false,
                late: false,
                end: End::Good,
            },
        };
        let what = What::Wire { segment: 0, record };
        let go_on = watch.window(at(4), &[Happening { at: at(3), what }]);
        assert_eq!(go_on, ControlFlow::Continue(()));
        assert_eq!(watch.traffic.messages().len(), 1);
        assert_eq!(watch.frames.len(), 1);
    }
}
