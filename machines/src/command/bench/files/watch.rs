//! Watches a run: the console of the machine that asks, and its marks on the cable.

use std::ops::ControlFlow;

use clock::Instant;
use proto::mark;
use wire::Record;

use super::lab::POOL;
use super::series::{Measurement, Operation};
use crate::command::bench::breakdown::Measured;
use crate::command::bench::traffic::{Message, Traffic};
use crate::runtime::{Happening, Observer, What};

/// Index of the machine that asks, in the lab.
const ASKING: usize = 1;
/// What its console says when nothing more will come.
const ENDS: [&str; 3] = ["fileperf exited", "fileperf: exception", "kernel stopped"];
/// What it says at a good end.
const GOOD: &str = "fileperf exited with status 0";

/// What lies between marks.
#[derive(Clone, Debug, Default)]
struct Stretches {
    /// Messages that have been looked at.
    seen: usize,
    /// Whether the mark at the beginning was the last request.
    is_begun: bool,
    /// The first bit of the first request behind it.
    start: Option<Instant>,
    /// The former ones: the first bit of the first request, and that of the mark at the end.
    done: Vec<(Instant, Instant)>,
}

impl Stretches {
    fn look_at(&mut self, messages: &[Message]) {
        for message in &messages[self.seen..] {
            if message.is_request && message.from == POOL.1 {
                match mark::Command::from_code(message.command) {
                    Some(mark::Command::Begin) => (self.is_begun, self.start) = (true, None),
                    Some(mark::Command::End) => {
                        self.is_begun = false;
                        let stretch = self.start.take().map(|start| (start, message.start));
                        self.done.extend(stretch);
                    }
                    None if self.is_begun => {
                        self.is_begun = false;
                        self.start = Some(message.start);
                    }
                    None => {}
                }
            }
        }
        self.seen = messages.len();
    }

    /// When the stretch of that number has begun and, once it has, ended.
    fn of(&self, number: usize) -> (Option<Instant>, Option<Instant>) {
        match self.done.get(number) {
            Some((start, end)) => (Some(*start), Some(*end)),
            None if self.done.len() == number => (self.start, None),
            None => (None, None),
        }
    }
}

/// What the console and the cable show.
#[derive(Debug, Default)]
pub(super) struct Watch {
    console: String,
    traffic: Traffic,
    stretches: Stretches,
    /// The number of the measurement after which nothing more is of interest.
    last: Option<usize>,
    has_ended: bool,
}

impl Watch {
    /// Of a run that is left when the measurement of that number has ended, which is what counts of it.
    pub(super) fn until(number: usize) -> Self {
        Self {
            last: Some(number),
            ..Self::default()
        }
    }

    /// All that was measured of files of these sizes, or why it was not.
    pub(super) fn measurements(self, sizes: &[u32]) -> Result<Vec<Measurement>, String> {
        let lines: Vec<Line> = self.console.lines().filter_map(Line::read).collect();
        let of_size = |size: &u32| Operation::ALL.map(|operation| (*size, operation));
        let expected: Vec<(u32, Operation)> = sizes.iter().flat_map(of_size).collect();
        let are_told = lines.iter().map(|line| (line.bytes, line.operation));
        let is_whole = lines.len() == expected.len() + 1
            && self.stretches.done.len() == lines.len()
            && self.console.contains(GOOD);
        if !is_whole || !are_told.zip(&expected).all(|(told, expected)| told == *expected) {
            let mut words = self.console.lines().rev();
            let word = words.find(|line| line.starts_with("fileperf: ") && Line::read(line).is_none());
            return Err(word
                .unwrap_or("the program that measures has not ended")
                .to_owned());
        }
        let stretches = self.stretches.done.iter();
        let measurement = |(line, (start, end)): (&Line, &(Instant, Instant))| Measurement {
            bytes: line.bytes,
            operation: line.operation,
            count: line.count,
            guest: line.milliseconds,
            lab: end.since(*start),
        };
        Ok(lines.iter().zip(stretches).map(measurement).collect())
    }

    /// Transactions of the measurement of which only that was watched, if it came so far.
    pub(super) fn transactions(&self) -> Option<u32> {
        let (Some(start), Some(end)) = self.stretch() else {
            return None;
        };
        let messages = self.traffic.messages().iter();
        let of_it =
            messages.filter(|message| message.is_request && message.start >= start && message.start < end);
        u32::try_from(of_it.count()).ok()
    }

    fn character(&mut self, byte: u8) {
        self.console.push(char::from(byte));
        if byte == b'\n' {
            let line = self.console.lines().next_back().unwrap_or_default();
            self.has_ended |= ENDS.iter().any(|end| line.contains(end));
        }
    }
}

/// What the program tells of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    bytes: u32,
    operation: Operation,
    count: u32,
    milliseconds: u32,
}

impl Line {
    /// Of `fileperf: 4096 bytes: cold 20 in 230 ms`.
    fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.strip_prefix("fileperf: ")?.split_whitespace().collect();
        let [bytes, "bytes:", word, count, "in", milliseconds, "ms"] = words[..] else {
            return None;
        };
        let count = count.parse().ok().filter(|count| *count > 0)?;
        Some(Self {
            bytes: bytes.parse().ok()?,
            operation: Operation::ALL
                .into_iter()
                .find(|operation| operation.word() == word)?,
            count,
            milliseconds: milliseconds.parse().ok()?,
        })
    }
}

impl Measured for Watch {
    fn stretch(&self) -> (Option<Instant>, Option<Instant>) {
        self.last.map_or((None, None), |last| self.stretches.of(last))
    }
}

impl Observer for Watch {
    fn window(&mut self, _now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        for happening in happenings {
            match &happening.what {
                What::Console {
                    machine: ASKING,
                    byte,
                } => self.character(*byte),
                What::Stopped { machine: ASKING, .. } => self.has_ended = true,
                What::Wire {
                    record: Record::Frame { start, frame, .. },
                    ..
                } => self.traffic.frame(*start, frame),
                _ => {}
            }
        }
        self.stretches.look_at(self.traffic.messages());
        if self.has_ended || self.stretch().1.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::bench::traffic::tests::packet;
    use clock::Span;
    use proto::bullet;
    use proto::rpc::Kind;

    fn at(milliseconds: u64) -> Instant {
        Instant::START + Span::from_milliseconds(milliseconds)
    }

    /// A transaction that begins at that millisecond and takes one.
    fn transact(watch: &mut Watch, milliseconds: u64, command: u16) {
        let number = milliseconds as u32 * 10;
        let pool = POOL.1;
        let request = packet([pool, 1], Kind::Request, command, [number, 0, 56]);
        let reply = packet([1, pool], Kind::Reply, 0, [number + 1, 0, 56]);
        watch.traffic.frame(at(milliseconds), &request);
        watch.traffic.frame(at(milliseconds + 1), &reply);
        watch.stretches.look_at(watch.traffic.messages());
    }

    /// A measurement from one millisecond to another, with two transactions in it.
    fn measure(watch: &mut Watch, from: u64, to: u64) {
        transact(watch, from - 20, mark::Command::Begin.code());
        transact(watch, from, bullet::Command::Read.code());
        transact(watch, to - 5, bullet::Command::Read.code());
        transact(watch, to, mark::Command::End.code());
    }

    /// All measurements of one size, and the last one: each takes 100 ms more than the one before.
    fn whole_run() -> Watch {
        let mut watch = Watch::default();
        let operations = Operation::ALL.into_iter().map(|operation| (16, operation));
        let last = [(30_000, Operation::Transactions)];
        for (number, (bytes, operation)) in (1..).zip(operations.chain(last)) {
            let from = 1000 * number;
            // Asking the server for its figures is no part of it.
            transact(&mut watch, from - 50, 1006);
            measure(&mut watch, from, from + 100 * number);
            let line = format!(
                "fileperf: {bytes} bytes: {} 2 in {}0 ms\r\n",
                operation.word(),
                number
            );
            line.bytes().for_each(|byte| watch.character(byte));
        }
        watch
    }

    fn say(watch: &mut Watch, text: &str) {
        text.bytes().for_each(|byte| watch.character(byte));
    }

    #[test]
    fn a_measurement_lasts_from_its_first_request_to_the_mark_behind_it() {
        let mut watch = whole_run();
        assert!(!watch.has_ended);
        say(&mut watch, "fileperf exited with status 0\r\n");
        assert!(watch.has_ended);
        let measurements = watch.measurements(&[16]).unwrap();
        assert_eq!(measurements.len(), 7);
        for (number, measurement) in (1..).zip(&measurements) {
            assert_eq!(measurement.lab, Span::from_milliseconds(100 * number));
            assert_eq!(u64::from(measurement.guest), 10 * number);
            assert_eq!(measurement.count, 2);
        }
        assert_eq!(measurements[2].operation, Operation::Cached);
        assert_eq!(measurements[6].bytes, 30_000);
    }

    #[test]
    fn what_was_not_measured_is_told_in_the_programs_words() {
        let mut watch = whole_run();
        say(
            &mut watch,
            "fileperf: the server has read 3 files from its disk instead of 2\r\nfileperf exited with status 1\r\n",
        );
        let why = watch.measurements(&[16]).unwrap_err();
        assert_eq!(
            why,
            "fileperf: the server has read 3 files from its disk instead of 2"
        );
        // All that it tells is good, but it has not ended, or other sizes were wanted.
        assert!(whole_run().measurements(&[16]).is_err());
        let mut watch = whole_run();
        say(&mut watch, "fileperf exited with status 0\r\n");
        assert!(watch.measurements(&[17]).is_err());
    }

    #[test]
    fn one_measurement_can_be_watched_alone() {
        let mut watch = Watch::until(1);
        measure(&mut watch, 1000, 1100);
        assert_eq!(watch.stretch(), (None, None));
        transact(&mut watch, 2000, mark::Command::Begin.code());
        transact(&mut watch, 2010, bullet::Command::Read.code());
        assert_eq!(watch.stretch(), (Some(at(2010)), None));
        transact(&mut watch, 2030, mark::Command::End.code());
        assert_eq!(watch.stretch(), (Some(at(2010)), Some(at(2030))));
        assert_eq!(watch.transactions(), Some(1));
    }

    #[test]
    fn only_whole_lines_of_measurements_are_read() {
        let good = "fileperf: 4096 bytes: cold 20 in 230 ms";
        assert_eq!(Line::read(good).map(|line| line.count), Some(20));
        for line in [
            "fileperf: 4096 bytes: cold 20 in 230",
            "fileperf: 4096 bytes: warm 20 in 230 ms",
            "fileperf: 4096 bytes: cold 0 in 230 ms",
            "diskperf: 4096 bytes: cold 20 in 230 ms",
        ] {
            assert_eq!(Line::read(line), None, "{line}");
        }
    }
}
