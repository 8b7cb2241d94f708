//! How a server comes to serve.
//!
//! One that was alone, as its commit block says, serves at once. Any other must hear from its partner first: if that serves,
//! everything is copied from it, and then it is told so. If neither serves, the one with the later update begins, or else server 0.

use super::{Engine, Message, Unreachable, World};
use alloc::vec::Vec;
use proto::marshal::Reader;
use proto::soap::Failure;
use proto::soap::peer::{Activity, Command, Condition, Copied};
use proto::soap::super_file::{BLOCK, Commit, CopyMode};
use proto::standard::Status;

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It asks how the other one fares.
    Ask,
    /// It copies what updates later than `since` have changed, from block `from` on; the other server had done update
    /// `beginning` when this round began.
    Copy {
        /// Updates that it has.
        since: u32,
        /// The next block.
        from: u16,
        /// Update of the other server at the beginning of the round.
        beginning: Option<u32>,
    },
    /// It has copied everything, and tells the other one.
    Tell,
    /// It serves.
    Serving,
    /// Its disk has failed, or is not as large as the other one's.
    Failed,
}

/// Whether to ask the next question at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once.
    Now,
    /// After a while.
    Later,
}

impl<W: World> Engine<W> {
    /// What to ask the other server before this one can serve; `None` if it serves, or never will.
    pub fn recovery_question(&self) -> Option<Message> {
        if !self.has_peer() {
            return None;
        }
        let header = match self.phase {
            Phase::Ask => self.question_header(Command::Sequence),
            Phase::Copy { since, from, .. } => {
                let mut header = self.question_header(Command::Copy);
                header.offset = since.cast_signed();
                header.extra = from;
                header
            }
            Phase::Tell => {
                let mut header = self.question_header(Command::Copied);
                header.offset = self.table.commit().sequence.cast_signed();
                header
            }
            Phase::Serving | Phase::Failed => return None,
        };
        Some(Message {
            header,
            data: Vec::new(),
        })
    }

    /// Takes the answer to the last question.
    pub fn recovery_answer(&mut self, answer: Result<Message, Unreachable>) -> Next {
        let Ok(answer) = answer else {
            self.ask_again();
            return Next::Later;
        };
        let Ok(condition) = Condition::parse(&answer.header) else {
            return Next::Later;
        };
        match self.phase {
            Phase::Ask => self.heard(&answer, condition),
            Phase::Copy { beginning, .. } => {
                let beginning = beginning.unwrap_or(condition.sequence);
                self.received(&answer, condition, beginning)
            }
            Phase::Tell => self.told(&answer),
            Phase::Serving | Phase::Failed => Next::Later,
        }
    }

    fn ask_again(&mut self) {
        if !matches!(self.phase, Phase::Serving | Phase::Failed) {
            self.phase = Phase::Ask;
        }
    }

    /// This server has missed something, or its partner says so: it copies everything before it serves again.
    pub(super) fn recover(&mut self) {
        if self.phase != Phase::Failed {
            self.pending = None;
            self.phase = Phase::Ask;
        }
    }

    fn heard(&mut self, answer: &Message, condition: Condition) -> Next {
        if answer.result().is_err() {
            return Next::Later;
        }
        match condition.activity {
            Activity::Serving => {
                if self.table.begin_copy(&mut self.world).is_err() {
                    self.fail();
                    return Next::Later;
                }
                self.forget();
                self.phase = Phase::Copy {
                    since: 0,
                    from: 1,
                    beginning: None,
                };
                Next::Now
            }
            Activity::Recovering => {
                if comes_first(self.table.commit(), &condition, self.number) {
                    self.phase = Phase::Serving;
                }
                Next::Later
            }
        }
    }

    /// Everything in memory that comes from the super file is out of date.
    fn forget(&mut self) {
        self.cache.clear();
        self.lives.clear();
        self.lost.clear();
        self.retired.clear();
    }

    /// Blocks of the other super file.
    fn received(&mut self, answer: &Message, condition: Condition, beginning: u32) -> Next {
        if answer.result().is_err() {
            self.ask_again();
            return Next::Later;
        }
        let mut reader = Reader::new(&answer.data);
        let Ok(copied) = Copied::parse(&mut reader) else {
            self.ask_again();
            return Next::Later;
        };
        if copied.blocks != self.table.commit().blocks || self.take_blocks(&mut reader, copied.count).is_err()
        {
            self.fail();
            return Next::Later;
        }
        if copied.next != 0 {
            if let Phase::Copy { since, .. } = self.phase {
                self.phase = Phase::Copy {
                    since,
                    from: copied.next,
                    beginning: Some(beginning),
                };
            }
            return Next::Now;
        }
        if condition.sequence != beginning {
            // There were updates meanwhile.
            self.phase = Phase::Copy {
                since: beginning,
                from: 1,
                beginning: None,
            };
            return Next::Now;
        }
        let ended = self
            .table
            .end_copy(&mut self.world, condition.sequence, copied.directory_sequence);
        if ended.is_err() {
            self.fail();
            return Next::Later;
        }
        self.phase = Phase::Tell;
        Next::Now
    }

    fn take_blocks(&mut self, reader: &mut Reader<'_>, count: u16) -> Result<(), Status> {
        for _ in 0..count {
            let number = reader.u16().map_err(|_| Status::BadArgument)?;
            let bytes = reader.bytes(BLOCK).map_err(|_| Status::BadArgument)?;
            let mut block = [0; BLOCK];
            block.copy_from_slice(bytes);
            self.table.copy_block(&mut self.world, number, &block)?;
        }
        Ok(())
    }

    /// What the other server says to everything having been copied.
    fn told(&mut self, answer: &Message) -> Next {
        match answer.result() {
            Ok(()) => self.phase = Phase::Serving,
            Err(Failure::Standard(Status::NotNow)) => {}
            Err(_) => self.phase = Phase::Ask,
        }
        Next::Later
    }

    /// What to ask a partner from time to time while this server serves.
    pub fn tick_question(&self) -> Option<Message> {
        let is_due = self.phase == Phase::Serving && self.has_peer();
        is_due.then(|| Message {
            header: self.question_header(Command::Tick),
            data: Vec::new(),
        })
    }

    /// Takes the answer to a tick: when the partner has gone on alone, this server has missed something.
    pub fn tick_answer(&mut self, answer: Result<Message, Unreachable>) {
        let condition = answer.map(|answer| Condition::parse(&answer.header));
        let Ok(Ok(condition)) = condition else {
            return;
        };
        let is_alone = condition.activity == Activity::Serving && condition.mode == CopyMode::One;
        let gives_way = self.table.commit().mode == CopyMode::Two || self.number == 1;
        if is_alone && gives_way && self.phase == Phase::Serving && self.pending.is_none() {
            self.recover();
        }
    }
}

/// Whether, of two servers that do not serve, the one with this commit block is to begin: neither was alone, or it would serve.
fn comes_first(own: &Commit, other: &Condition, number: usize) -> bool {
    let is_later = own.sequence > other.sequence || own.sequence == other.sequence && number == 0;
    own.sequence != 0 && is_later
}
