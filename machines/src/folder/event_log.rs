//! `events.jsonl`: one JSON object per event, in the order in which they became known. That is the order of virtual
//! time, but for a lost frame: it is known at its end and carries the time of its beginning.

use clock::Instant;
use serde::Serialize;

use super::{HostError, OutputFile, RunFolder};
use crate::lab::Sign;

/// An event, under its name in `events.jsonl`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event<'a> {
    /// An expectation was met (for an absent one: its time passed without the text).
    Met {
        /// The machine.
        machine: &'a str,
        /// What had to appear.
        #[serde(flatten)]
        sign: SignRecord<'a>,
        /// True if it had to stay away.
        absent: bool,
    },
    /// An expectation was missed.
    Missed {
        /// The machine.
        machine: &'a str,
        /// What had to appear.
        #[serde(flatten)]
        sign: SignRecord<'a>,
        /// True if it had to stay away.
        absent: bool,
        /// Why, for people.
        reason: &'a str,
    },
    /// A machine's processor was reset.
    Reset {
        /// The machine.
        machine: &'a str,
        /// Why: `reset pin` or `triple fault`.
        cause: &'a str,
    },
    /// A machine's power was switched.
    Power {
        /// The machine.
        machine: &'a str,
        /// Whether it is on from now on.
        on: bool,
    },
    /// A fault rule had its way with a frame. The time is that of the frame's first bit at its sender.
    FrameFault {
        /// The segment.
        segment: &'a str,
        /// The fault's name in the lab file.
        fault: &'a str,
        /// Its kind, such as `loss`.
        kind: &'a str,
        /// The interface of the frame's sender.
        interface: &'a str,
        /// The interfaces that it concerns.
        receivers: Vec<&'a str>,
    },
    /// More frames met faults than are kept.
    FrameFaultOmitted {
        /// The segment.
        segment: &'a str,
        /// How many are not listed.
        count: u64,
    },
    /// A station was taken off its cable.
    Unplugged {
        /// The segment.
        segment: &'a str,
        /// The station's interface.
        interface: &'a str,
    },
    /// A station was put back.
    Plugged {
        /// The segment.
        segment: &'a str,
        /// The station's interface.
        interface: &'a str,
    },
    /// A cable was cut in two.
    Cut {
        /// The segment.
        segment: &'a str,
        /// Where, in millimetres from its end.
        position_mm: u64,
    },
    /// Its parts were joined again.
    Joined {
        /// The segment.
        segment: &'a str,
        /// Where, in millimetres from its end.
        position_mm: u64,
    },
    /// More resets came than are kept.
    ResetOmitted {
        /// The machine.
        machine: &'a str,
        /// How many are not listed.
        count: u64,
    },
    /// A machine stopped by itself.
    GuestStop {
        /// The machine.
        machine: &'a str,
        /// The stable code, such as `guest::halted`.
        code: &'a str,
        /// One line for people.
        summary: &'a str,
        /// The report, in the run folder.
        report: &'a str,
        /// True if it halted after the POST code that was expected of it.
        expected: bool,
    },
    /// A machine wrote its POST port.
    Post {
        /// The machine.
        machine: &'a str,
        /// The value.
        code: u8,
    },
    /// More POST codes came than are kept.
    PostOmitted {
        /// The machine.
        machine: &'a str,
        /// How many are not listed.
        count: u64,
    },
    /// A cable on which nearly everything collides.
    CollisionStorm {
        /// The segment.
        segment: &'a str,
        /// Collisions so far in this tenth of a second.
        collisions: u32,
    },
    /// A frame that its sender gave up.
    FrameLost {
        /// The segment.
        segment: &'a str,
        /// The sender's interface.
        interface: &'a str,
        /// Why, for people.
        reason: &'a str,
    },
    /// The run ended.
    End {
        /// Why: `expected`, `until`, `wall-limit`, `interrupted`, `all-stopped`, `asleep`, `quit` or
        /// `host-trouble`.
        reason: &'a str,
    },
}

/// What an expectation is about, as programs read it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignRecord<'a> {
    /// The regular expression of a console's line.
    Pattern(&'a str),
    /// A POST code.
    Post(u8),
}

impl<'a> From<&'a Sign> for SignRecord<'a> {
    fn from(sign: &'a Sign) -> Self {
        match sign {
            Sign::Console(pattern) => Self::Pattern(pattern),
            Sign::Post(code) => Self::Post(*code),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    at_ns: u64,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

/// The file.
#[derive(Debug)]
pub struct EventLog {
    file: OutputFile,
}

impl EventLog {
    /// Creates it.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn create(folder: &RunFolder) -> Result<Self, HostError> {
        Ok(Self {
            file: OutputFile::create(&folder.file("events.jsonl"))?,
        })
    }

    /// Appends one event.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn append(&mut self, at: Instant, event: &Event) -> Result<(), HostError> {
        let line = Line {
            at_ns: at.nanoseconds(),
            event,
        };
        let mut text = serde_json::to_string(&line).expect("events hold only texts and numbers");
        text.push('\n');
        self.file.append(text.as_bytes())
    }

    /// Hands everything to the host.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn finish(&mut self) -> Result<(), HostError> {
        self.file.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_with_its_virtual_time_first() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create_at(&parent.path().join("run")).unwrap();
        let mut log = EventLog::create(&folder).unwrap();
        let at = Instant::from_picoseconds(41_000_999);
        let event = Event::Missed {
            machine: "pool0",
            sign: SignRecord::Pattern("kernel \"ready\""),
            absent: false,
            reason: "not seen in time",
        };
        log.append(at, &event).unwrap();
        log.append(
            at,
            &Event::Post {
                machine: "pool0",
                code: 0x55,
            },
        )
        .unwrap();
        log.finish().unwrap();
        insta::assert_snapshot!(folder.read("events.jsonl").unwrap(), @r#"
        {"at_ns":41000,"event":"missed","machine":"pool0","pattern":"kernel \"ready\"","absent":false,"reason":"not seen in time"}
        {"at_ns":41000,"event":"post","machine":"pool0","code":85}
        "#);
    }
}
