//! What is known of a host, and when it is asked next.

use crate::suitability::Figures;
use alloc::vec::Vec;
use proto::capability::Capability;
use proto::standard::Status;

/// Time, in milliseconds since any beginning; it comes round.
pub type Milliseconds = u32;

/// Time between two questions to a host that is up. As every second one changes the capability that starts processes, such a
/// capability is good for this long at least, unless programs are placed on the host more often.
pub const UP_INTERVAL: Milliseconds = 3000;
/// Time between two questions to a host that is down.
pub const DOWN_INTERVAL: Milliseconds = 10_000;
/// Programs are placed by figures that are not older.
pub const FRESH: Milliseconds = 1000;
/// How long a client waits for the answer of a host. The question itself may go on for many times as long: transactions do not give up
/// a server soon that was there before.
pub const PATIENCE: Milliseconds = 1500;

/// Whether a host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It has not been asked yet.
    Unknown,
    /// It answered the last question.
    Up,
    /// It did not.
    Down,
}

/// What a host answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its process server, with the rights that its directory gives.
    pub server: Capability,
    /// The process server for one who may start processes.
    pub exec: Capability,
    /// How it fares.
    pub figures: Figures,
}

/// A host of one or more pools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: Vec<u8>,
    /// Its architecture, padded with zero bytes.
    pub architecture: [u8; 8],
    /// The directory of its kernel.
    pub directory: Capability,
    /// Whether it runs.
    pub condition: Condition,
    /// The last answer.
    pub answer: Option<Answer>,
    /// When it was asked last.
    asked: Milliseconds,
    /// When it came up, or was found down.
    pub since: Milliseconds,
    /// Since when somebody asks it.
    asked_since: Option<Milliseconds>,
    /// Since when somebody waits for its answer.
    wanted_since: Option<Milliseconds>,
    /// What was placed on it since it answered: programs, and bytes that they need.
    placed: (u32, u32),
    /// How many programs were placed on it.
    pub total: u32,
    /// Why it is down.
    pub why: Option<Status>,
}

impl Host {
    /// A host of which nothing is known.
    pub fn new(name: &[u8], architecture: [u8; 8], directory: Capability) -> Host {
        Host {
            name: name.to_vec(),
            architecture,
            directory,
            condition: Condition::Unknown,
            answer: None,
            asked: 0,
            since: 0,
            asked_since: None,
            wanted_since: None,
            placed: (0, 0),
            total: 0,
            why: None,
        }
    }

    /// Whether it is to be asked.
    pub fn is_due(&self, now: Milliseconds) -> bool {
        let interval = match self.condition {
            Condition::Unknown => 0,
            Condition::Up => UP_INTERVAL,
            Condition::Down => DOWN_INTERVAL,
        };
        let is_time = self.wanted_since.is_some() || now.wrapping_sub(self.asked) >= interval;
        self.asked_since.is_none() && is_time
    }

    /// Somebody waits for its answer from now on.
    pub fn want(&mut self, now: Milliseconds) {
        self.wanted_since.get_or_insert(now);
    }

    /// Whether it was asked, or its answer was awaited, for longer than anybody waits.
    pub fn is_silent(&self, now: Milliseconds) -> bool {
        let is_past = |since: Milliseconds| now.wrapping_sub(since) >= PATIENCE;
        self.asked_since.is_some_and(is_past) || self.wanted_since.is_some_and(is_past)
    }

    /// Whether what is known of it is so new that a program may be placed by it.
    pub fn is_fresh(&self, now: Milliseconds) -> bool {
        self.condition != Condition::Unknown && now.wrapping_sub(self.asked) < FRESH
    }

    /// Somebody begins to ask it.
    pub fn ask(&mut self, now: Milliseconds) {
        self.asked_since = Some(now);
    }

    /// It answered, or not.
    pub fn answered(&mut self, now: Milliseconds, answer: Result<Answer, Status>) {
        let former = self.condition;
        (self.asked_since, self.wanted_since) = (None, None);
        self.asked = now;
        match answer {
            Ok(answer) => {
                self.condition = Condition::Up;
                self.answer = Some(answer);
                self.placed = (0, 0);
                self.why = None;
            }
            Err(why) => {
                self.condition = Condition::Down;
                self.answer = None;
                self.why = Some(why);
            }
        }
        if self.condition != former {
            self.since = now;
        }
    }

    /// How it fares with what was placed on it since it answered; `None` unless it is up. A program that was just placed need not show
    /// in the host's load yet, and each counts as one that runs.
    pub fn figures(&self) -> Option<Figures> {
        let figures = self.answer?.figures;
        let (programs, bytes) = self.placed;
        Some(Figures {
            load: figures.load.saturating_add(programs.saturating_mul(1024)),
            free: figures.free.saturating_sub(bytes),
            ..figures
        })
    }

    /// Whether what is known of it is a guess: programs were placed on it since it answered, and by now it could tell what has become
    /// of them.
    pub fn is_guessed(&self, now: Milliseconds) -> bool {
        self.condition == Condition::Up && self.placed.0 > 0 && !self.is_fresh(now)
    }

    /// A program that needs so many bytes is placed on it.
    pub fn place(&mut self, bytes: u32) {
        self.placed.0 += 1;
        self.placed.1 = self.placed.1.saturating_add(bytes);
        self.total = self.total.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Condition, DOWN_INTERVAL, Host, PATIENCE, UP_INTERVAL};
    use crate::suitability::Figures;
    use proto::capability::Capability;
    use proto::process::I80386;
    use proto::standard::Status;

    fn answer(load: u32) -> Answer {
        Answer {
            server: Capability::NULL,
            exec: Capability::NULL,
            figures: Figures {
                speed: 400,
                load,
                free: 1 << 20,
            },
        }
    }

    #[test]
    fn a_host_is_asked_at_once_then_often_and_seldom_when_it_is_down() {
        let mut host = Host::new(b"pool1", I80386, Capability::NULL);
        assert!(host.is_due(7) && host.figures().is_none());
        host.ask(7);
        assert!(!host.is_due(7));
        host.answered(10, Ok(answer(0)));
        assert!(!host.is_due(9 + UP_INTERVAL) && host.is_due(10 + UP_INTERVAL));
        host.answered(20, Err(Status::RpcNotFound));
        assert_eq!((host.condition, host.since), (Condition::Down, 20));
        assert!(!host.is_due(19 + DOWN_INTERVAL) && host.is_due(20 + DOWN_INTERVAL));
        assert_eq!(host.figures(), None);
        host.answered(u32::MAX, Ok(answer(0)));
        assert!(!host.is_due(UP_INTERVAL - 2) && host.is_due(UP_INTERVAL - 1));
    }

    #[test]
    fn a_host_whose_answer_is_wanted_is_asked_before_its_time_and_silent_after_a_while() {
        let mut host = Host::new(b"pool1", I80386, Capability::NULL);
        host.answered(0, Ok(answer(0)));
        assert!(!host.is_due(100));
        host.want(100);
        host.want(1000);
        assert!(host.is_due(100) && !host.is_silent(99 + PATIENCE) && host.is_silent(100 + PATIENCE));
        host.ask(200);
        assert!(!host.is_due(5000));
        host.answered(5000, Ok(answer(0)));
        assert!(!host.is_silent(5000) && !host.is_due(5001));
    }

    #[test]
    fn what_was_placed_counts_until_the_host_tells_itself() {
        let mut host = Host::new(b"pool1", I80386, Capability::NULL);
        host.answered(0, Ok(answer(512)));
        host.place(1 << 10);
        host.place(2 << 20);
        let figures = host.figures().unwrap();
        assert_eq!((figures.load, figures.free), (512 + 2048, 0));
        host.answered(1, Ok(answer(2048)));
        assert_eq!(host.figures(), Some(answer(2048).figures));
        assert_eq!(host.total, 2);
    }

    #[test]
    fn programs_are_placed_by_new_figures_only() {
        let mut host = Host::new(b"pool1", I80386, Capability::NULL);
        host.answered(0, Ok(answer(0)));
        assert!(host.is_fresh(999) && !host.is_fresh(1000));
        host.answered(1000, Err(Status::RpcNotFound));
        assert!(host.is_fresh(1000) && host.figures().is_none());
    }
}
