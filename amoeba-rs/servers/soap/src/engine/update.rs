//! Updates: what the two servers do so that both have them or none.
//!
//! The new files are made first. Then the other server is asked to put the intentions into its commit block; when it has, this
//! server's own commit block is written, and the update has happened. If the other server does not answer, or has not the
//! directories yet, this one goes on alone, which its commit block says.
//!
//! When both servers ask each other at the same time, server 1 gives way: it takes the intentions of server 0, whose own
//! answer to server 1 is that it is busy, and plans its update anew.

use super::change::{Change, Plan, Work};
use super::{Engine, Failure, Message, Outcome, Own, Status, Unreachable, World};
use crate::message::written;
use alloc::vec::Vec;
use proto::message::Header;
use proto::soap::LIFETIME;
use proto::soap::peer::{Activity, Command, Condition, Proposal};
use proto::soap::super_file::{CopyMode, Intention, Intentions, Pair};

/// How often another server that is busy is asked again.
const MOST_ROUNDS: u32 = 100;

/// An update that waits for the other server.
#[derive(Debug)]
pub(super) struct Pending {
    work: Work,
    plan: Plan,
    pairs: Vec<(u32, Pair)>,
    question: Message,
    /// How often it was planned or asked.
    rounds: u32,
    /// An update of the other server has come first.
    pub(super) is_overtaken: bool,
}

impl<W: World> Engine<W> {
    /// Begins an update.
    pub(super) fn begin(&mut self, work: Work) -> Outcome {
        if self.pending.is_some() {
            return Outcome::Reply(Message::status(Err(Status::NotNow.into())));
        }
        self.try_update(work, 0)
            .unwrap_or_else(|failure| Outcome::Reply(Message::status(Err(failure))))
    }

    fn try_update(&mut self, work: Work, rounds: u32) -> Result<Outcome, Failure> {
        let plan = self.plan(&work)?;
        if plan.changes.is_empty() {
            return Ok(Outcome::Reply(plan.reply));
        }
        let pairs = self.make_files(&plan)?;
        if self.table.commit().mode == CopyMode::One {
            return self.happen(&plan, &pairs, CopyMode::One).map(Outcome::Reply);
        }
        let question = self.question(&plan, &pairs)?;
        self.pending = Some(Pending {
            work,
            plan,
            pairs,
            question: question.clone(),
            rounds,
            is_overtaken: false,
        });
        Ok(Outcome::Ask(question))
    }

    fn proposal(&self, plan: &Plan, pairs: &[(u32, Pair)]) -> Result<Proposal, Failure> {
        let list: Vec<Intention> = pairs
            .iter()
            .map(|(object, pair)| Intention {
                object: *object,
                pair: *pair,
            })
            .collect();
        Ok(Proposal {
            sequence: self.table.commit().sequence + 1,
            directory_sequence: plan.directory_sequence,
            intentions: Intentions::new(&list).map_err(|_| Status::NoSpace)?,
        })
    }

    fn question(&self, plan: &Plan, pairs: &[(u32, Pair)]) -> Result<Message, Failure> {
        let proposal = self.proposal(plan, pairs)?;
        Ok(Message {
            header: self.question_header(Command::Intentions),
            data: written(|writer| proposal.emit(writer))?,
        })
    }

    /// The header of a question to the other server.
    pub(super) fn question_header(&self, command: Command) -> Header {
        let peer = &self.table.commit().private[1 - self.number];
        Header {
            port: proto::one_way::one_way(peer.port),
            private: peer.private.emit(),
            command: command.code(),
            ..Header::default()
        }
    }

    /// The answer to the question that the last outcome asked: what comes of the request now.
    pub fn answered(&mut self, answer: Result<Message, Unreachable>) -> Outcome {
        let Some(pending) = self.pending.take() else {
            return Outcome::Reply(Message::status(Err(Own::Unavailable.into())));
        };
        self.decide(pending, answer)
            .unwrap_or_else(|failure| Outcome::Reply(Message::status(Err(failure))))
    }

    fn decide(&mut self, pending: Pending, answer: Result<Message, Unreachable>) -> Result<Outcome, Failure> {
        if pending.is_overtaken {
            self.destroy_new(&pending.pairs);
            if pending.rounds >= MOST_ROUNDS {
                return Err(Status::NotNow.into());
            }
            return self.try_update(pending.work, pending.rounds + 1);
        }
        let Ok(answer) = answer else {
            return self
                .happen(&pending.plan, &pending.pairs, CopyMode::One)
                .map(Outcome::Reply);
        };
        let condition = Condition::parse(&answer.header);
        match (answer.result(), condition) {
            (Ok(()), _) => self
                .happen(&pending.plan, &pending.pairs, CopyMode::Two)
                .map(Outcome::Reply),
            (Err(_), Ok(condition)) if condition.activity == Activity::Recovering => self
                .happen(&pending.plan, &pending.pairs, CopyMode::One)
                .map(Outcome::Reply),
            (Err(Failure::Standard(Status::NotNow)), Ok(_)) if pending.rounds < MOST_ROUNDS => {
                let question = pending.question.clone();
                let rounds = pending.rounds + 1;
                self.pending = Some(Pending { rounds, ..pending });
                Ok(Outcome::AskLater(question))
            }
            (Err(Failure::Standard(Status::NotNow)), _) => {
                self.destroy_new(&pending.pairs);
                Err(Status::NotNow.into())
            }
            // It has missed something.
            (Err(_), Ok(condition))
                if condition.mode == CopyMode::Two && condition.sequence < self.table.commit().sequence =>
            {
                self.happen(&pending.plan, &pending.pairs, CopyMode::One)
                    .map(Outcome::Reply)
            }
            // This server has missed something.
            _ => {
                self.destroy_new(&pending.pairs);
                self.recover();
                Err(Own::Unavailable.into())
            }
        }
    }

    /// Makes an update happen: the reply.
    fn happen(&mut self, plan: &Plan, pairs: &[(u32, Pair)], mode: CopyMode) -> Result<Message, Failure> {
        let proposal = self.proposal(plan, pairs)?;
        self.write(&proposal, mode)?;
        for (object, change) in &plan.changes {
            if let Change::File(_, contents) = change {
                self.cache.put(*object, contents.clone());
            }
        }
        Ok(plan.reply.clone())
    }

    /// Writes an update into the super file, from here or from the other server.
    ///
    /// # Errors
    /// [`Own::Unavailable`] if the disk fails, after which nothing is served.
    pub(super) fn write(&mut self, proposal: &Proposal, mode: CopyMode) -> Result<(), Failure> {
        let intentions = proposal.intentions.as_slice();
        let former: Vec<(u32, Pair)> = intentions
            .iter()
            .filter_map(|intention| Some((intention.object, self.table.pair(intention.object)?)))
            .collect();
        let written = self.table.update(
            &mut self.world,
            proposal.sequence,
            proposal.directory_sequence,
            mode,
            &proposal.intentions,
        );
        written.map_err(|_| self.fail())?;
        for intention in intentions {
            let object = intention.object;
            self.cache.remove(object);
            self.lost.remove(&(object, 0));
            self.lost.remove(&(object, 1));
            if intention.pair == Pair::NULL {
                self.lives.remove(&object);
            } else {
                self.lives.insert(object, LIFETIME);
            }
        }
        for (object, pair) in former {
            let present = self.table.pair(object).unwrap_or(Pair::NULL);
            let gone = pair.copies().filter(|(_, file)| !present.0.contains(file));
            self.retired.extend(gone.map(|(_, file)| *file));
        }
        Ok(())
    }

    /// What can be done when a client, or the other server, has had its reply: entries of the last update are written, directories that the other
    /// server has changed are read, and files that are no longer needed are removed.
    pub fn settle(&mut self) {
        if self.phase != super::Phase::Failed && self.table.roll_forward(&mut self.world).is_err() {
            self.fail();
        }
        for object in core::mem::take(&mut self.fetched) {
            // One that cannot be read now is read when somebody asks for it.
            let _ = self.have_at_hand(object);
        }
        for file in core::mem::take(&mut self.retired) {
            self.world.destroy(&file);
        }
    }
}
