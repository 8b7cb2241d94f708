//! What is done now and then: second copies of files, word to file servers that files are in use, and an end to
//! directories that nobody uses.
//!
//! A directory lives as long as it was touched on one of the servers since everything was counted older 48 times. So before one
//! goes, the other server is asked.

use super::change::Work;
use super::{Engine, Message, Outcome, Unreachable, World};
use crate::message::written;
use alloc::vec::Vec;
use proto::soap::LIFETIME;
use proto::soap::peer::Command;
use proto::soap::super_file::{CopyMode, MOST_INTENTIONS, Pair};
use proto::standard::Status;

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Errands {
    /// The other server must count directories older too.
    pub(super) has_counted: bool,
    /// Stores on which no file could be made; they are tried again in the next round.
    pub(super) stores_away: [bool; 2],
    /// The server is to stop.
    pub(super) is_stopping: bool,
    /// All files are to be touched: their servers may have counted them older too.
    must_touch: bool,
    /// The directory whose files are touched next.
    next: u32,
}

/// How many directories' files are touched at once.
const TOUCHED_AT_ONCE: usize = 16;

impl<W: World> Engine<W> {
    /// Counts all directories older.
    pub(super) fn count_older(&mut self) {
        let all: Vec<u32> = self.table.directories().map(|(object, _)| object).collect();
        for object in all {
            let life = self.lives.entry(object).or_insert(LIFETIME);
            *life = life.saturating_sub(1);
        }
        self.begin_touching();
    }

    /// From now on all files are to be touched once.
    pub fn begin_touching(&mut self) {
        self.errands.must_touch = true;
        self.errands.next = 0;
    }

    /// Gives files with one copy a second one: an update as any other; the reply means nothing.
    pub fn copy_files(&mut self) -> Outcome {
        self.upkeep(Work::Copies)
    }

    fn upkeep(&mut self, work: Work) -> Outcome {
        if self.phase == super::Phase::Serving {
            self.begin(work)
        } else {
            Outcome::Reply(Message::status(Err(Status::NotNow.into())))
        }
    }

    /// Tries again to make files on stores that were away.
    pub fn begin_round(&mut self) {
        self.errands.stores_away = [false; 2];
    }

    /// Tells file servers that some more of the directories' files are in use; false when there are no more to tell.
    pub fn touch_files(&mut self) -> bool {
        if !self.errands.must_touch {
            return false;
        }
        let start = self.errands.next;
        let some: Vec<(u32, Pair)> = self
            .table
            .directories()
            .filter(|(object, _)| *object >= start)
            .take(TOUCHED_AT_ONCE)
            .collect();
        for (object, pair) in &some {
            for (store, file) in pair.copies() {
                if let Err(Status::BadCapability | Status::NotFound) = self.world.touch(file) {
                    self.lost.insert((*object, store));
                }
            }
        }
        self.errands.next = some.last().map_or(0, |(object, _)| object + 1);
        self.errands.must_touch = self.errands.next != 0;
        self.errands.must_touch
    }

    /// What the other server must be told about the age of directories.
    pub fn errand(&mut self) -> Option<Message> {
        let is_due = self.errands.has_counted && self.table.commit().mode == CopyMode::Two;
        self.errands.has_counted = false;
        is_due.then(|| Message {
            header: self.question_header(Command::Age),
            data: Vec::new(),
        })
    }

    /// Directories that have grown too old here, at most eleven, and what to ask the other server about them.
    pub fn expiring(&self) -> Option<(Vec<u32>, Option<Message>)> {
        let old = self.lives.iter().filter(|(_, life)| **life == 0);
        let old: Vec<u32> = old.map(|(object, _)| *object).take(MOST_INTENTIONS).collect();
        if old.is_empty() {
            return None;
        }
        let data = written(|writer| old.iter().try_for_each(|object| writer.object(*object)));
        let question = match (self.table.commit().mode, data) {
            (CopyMode::Two, Ok(data)) => Some(Message {
                header: self.question_header(Command::Expire),
                data,
            }),
            _ => None,
        };
        Some((old, question))
    }

    /// Removes directories that have grown too old, but for those that were used where `lives`, the other server's answer, says so. Without an
    /// answer from a server that should give one nothing goes.
    pub fn expire(&mut self, old: &[u32], lives: Option<Result<Message, Unreachable>>) -> Outcome {
        let lives = match lives {
            None => Vec::new(),
            Some(Ok(answer)) if answer.result().is_ok() && answer.data.len() == old.len() => answer.data,
            Some(_) => return Outcome::Reply(Message::status(Err(Status::NotNow.into()))),
        };
        for (object, life) in old.iter().zip(&lives) {
            self.lives.insert(*object, *life);
        }
        let is_old = |object: &&u32| self.lives.get(object) == Some(&0);
        let gone: Vec<u32> = old.iter().filter(is_old).copied().collect();
        self.upkeep(Work::Expire(gone))
    }

    /// Whether who runs the server has said that it is to stop.
    pub fn is_stopping(&self) -> bool {
        self.errands.is_stopping
    }

    /// Rolls forward and, if there is another server, tells it that this one stops: the question, if any.
    pub fn shut_down(&mut self) -> Option<Message> {
        self.settle();
        let is_two = self.phase == super::Phase::Serving && self.table.commit().mode == CopyMode::Two;
        self.phase = super::Phase::Failed;
        is_two.then(|| Message {
            header: self.question_header(Command::ShutDown),
            data: Vec::new(),
        })
    }
}
