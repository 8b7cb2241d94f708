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
/// Whoever is placed on a host gets figures that are not older.
pub const FRESH: Milliseconds = 1000;

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
    /// Somebody asks it.
    is_asked: bool,
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
            is_asked: false,
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
        !self.is_asked && now.wrapping_sub(self.asked) >= interval
    }

    /// Whether its figures are so new that a program may be placed by them.
    pub fn is_fresh(&self, now: Milliseconds) -> bool {
        self.condition == Condition::Up && now.wrapping_sub(self.asked) < FRESH
    }

    /// Somebody begins to ask it.
    pub fn ask(&mut self) {
        self.is_asked = true;
    }

    /// It answered, or not.
    pub fn answered(&mut self, now: Milliseconds, answer: Result<Answer, Status>) {
        let former = self.condition;
        self.is_asked = false;
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

    /// A program that needs so many bytes is placed on it.
    pub fn place(&mut self, bytes: u32) {
        self.placed.0 += 1;
        self.placed.1 = self.placed.1.saturating_add(bytes);
        self.total = self.total.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Condition, DOWN_INTERVAL, Host, UP_INTERVAL};
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
        host.ask();
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
        assert!(!host.is_fresh(1000));
    }
}
