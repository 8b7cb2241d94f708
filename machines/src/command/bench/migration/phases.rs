//! What a migration consists of, by the messages on the cable.

use clock::Instant;
use proto::process::server::{Command, file};

use super::lab::STATIONS;
use super::watch::Journey;
use crate::command::bench::traffic::Message;

/// A part of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Phase {
    /// What happens.
    pub(super) name: &'static str,
    /// When it begins.
    pub(super) begin: Instant,
    /// When the next one begins.
    pub(super) end: Instant,
}

/// The name of the phase in which the contents of memory cross the cable.
pub(super) const MEMORY: &str = "contents of memory";
/// What comes before the checkpoint, or without one before the process is made.
const STUN: &str = "stun; state written down";
const TAKEN: &str = "checkpoint taken";
/// What is behind the last message that has a meaning of its own.
const REST: &str = "reply";

/// With what a phase ends.
enum Mark {
    /// The first request of that command, from its first bit on.
    Asked(u16),
    /// The last reply to that command, to its last bit.
    Answered(u16),
}

/// All phases in their order. What does not occur in a mechanism is left out, so the time before it belongs to the next one.
const PHASES: [(&str, Mark); 7] = [
    (STUN, Mark::Asked(Command::Checkpoint.code())),
    (TAKEN, Mark::Asked(Command::MigrationExec.code())),
    ("process made at destination", Mark::Asked(file::READ)),
    (MEMORY, Mark::Answered(file::READ)),
    (
        "destination has all",
        Mark::Answered(Command::MigrationExec.code()),
    ),
    ("checkpoint answered", Mark::Answered(Command::Checkpoint.code())),
    (
        "killed at source, started",
        Mark::Answered(Command::MigrationStart.code()),
    ),
];

/// The phases of a migration, without gaps.
pub(super) fn phases(journey: &Journey) -> Vec<Phase> {
    let mut phases = Vec::new();
    let mut begin = journey.begin;
    let mut is_stunned = false;
    for (name, mark) in &PHASES {
        let Some(end) = instant(&journey.messages, mark).filter(|end| *end >= begin) else {
            continue;
        };
        let name = match *name {
            TAKEN if !is_stunned => STUN,
            name => name,
        };
        is_stunned |= name == STUN;
        phases.push(Phase { name, begin, end });
        begin = end;
    }
    phases.push(Phase {
        name: REST,
        begin,
        end: journey.end.max(begin),
    });
    phases
}

fn instant(messages: &[Message], mark: &Mark) -> Option<Instant> {
    match mark {
        Mark::Asked(command) => messages
            .iter()
            .find(|message| message.is_request && message.command == *command)
            .map(|message| message.start),
        Mark::Answered(command) => messages
            .iter()
            .filter(|message| !message.is_request && message.command == *command)
            .map(|message| message.end)
            .max(),
    }
}

/// Frames and bytes that carried contents of memory from the source.
pub(super) fn contents(journey: &Journey) -> (u32, u32) {
    let source = STATIONS[1].1;
    let replies = journey
        .messages
        .iter()
        .filter(|message| !message.is_request && message.from == source && message.command == file::READ);
    replies.fold((0, 0), |(frames, bytes), message| {
        (frames + message.frames, bytes + message.bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::bench::traffic::{Traffic, tests::packet};
    use clock::Span;
    use proto::rpc::Kind;

    /// A journey whose requests and replies take turns of 10 ms, each request answered at the time that is given.
    fn journey(calls: &[([u8; 2], u16, u64, u64)]) -> Journey {
        let at = |milliseconds| Instant::START + Span::from_milliseconds(milliseconds);
        let mut frames = Vec::new();
        for (number, ([from, to], command, asked, answered)) in (1..).zip(calls) {
            let number = number * 10;
            frames.push((
                at(*asked),
                packet([*from, *to], Kind::Request, *command, [number, 0, 56]),
            ));
            frames.push((
                at(*answered),
                packet([*to, *from], Kind::Reply, 0, [number + 1, 0, 56]),
            ));
        }
        frames.sort_by_key(|(start, _)| *start);
        let mut traffic = Traffic::default();
        for (start, frame) in &frames {
            traffic.frame(*start, frame);
        }
        let messages = traffic.messages().to_vec();
        Journey {
            name: "weight64".into(),
            guest: 100,
            begin: messages[0].start,
            end: messages[messages.len() - 1].end,
            messages,
            frames: Vec::new(),
            collisions: 0,
        }
    }

    fn named(phases: &[Phase]) -> Vec<(&'static str, u64)> {
        phases
            .iter()
            .map(|phase| (phase.name, phase.end.since(phase.begin).nanoseconds() / 1_000_000))
            .collect()
    }

    #[test]
    fn the_kernels_migration_has_its_phases_without_gaps() {
        let journey = journey(&[
            ([4, 2], Command::Migrate.code(), 0, 90),
            ([2, 3], Command::MigrationExec.code(), 5, 70),
            ([3, 2], file::READ, 10, 30),
            ([3, 2], file::READ, 40, 60),
            ([2, 3], Command::MigrationStart.code(), 75, 80),
        ]);
        let phases = phases(&journey);
        let expected = [
            (STUN, 5),
            ("process made at destination", 5),
            (MEMORY, 50),
            ("destination has all", 10),
            ("killed at source, started", 10),
            (REST, 10),
        ];
        assert_eq!(named(&phases), expected);
        assert!(phases.windows(2).all(|pair| pair[0].end == pair[1].begin));
        assert_eq!(contents(&journey), (2, 112));
    }

    #[test]
    fn the_migration_servers_has_its_own_besides() {
        let journey = journey(&[
            ([4, 2], Command::MigrationStun.code(), 0, 2),
            ([2, 4], Command::Checkpoint.code(), 20, 80),
            ([4, 3], Command::MigrationExec.code(), 25, 70),
            ([3, 2], file::READ, 30, 60),
            ([2, 3], Command::MigrationStart.code(), 85, 90),
        ]);
        let names: Vec<&str> = phases(&journey).iter().map(|phase| phase.name).collect();
        let expected = [
            STUN,
            TAKEN,
            "process made at destination",
            MEMORY,
            "destination has all",
            "checkpoint answered",
            "killed at source, started",
            REST,
        ];
        assert_eq!(names, expected);
    }
}
