//! Commands that consist of others.

use crate::expansion;
use crate::pattern;
use crate::shell::{Outcome, Shell, Stop};
use crate::syntax::{Kind, List, Word};
use crate::world::World;
use alloc::vec::Vec;

impl<W: World> Shell<W> {
    fn condition(&mut self, list: &List) -> Outcome {
        let before = core::mem::replace(&mut self.is_condition, true);
        let outcome = self.list(list);
        self.is_condition = before;
        outcome
    }

    pub(super) fn compound(&mut self, kind: &Kind) -> Outcome {
        match kind {
            Kind::Simple { .. } => Ok(0),
            Kind::Group(list) => self.list(list),
            Kind::Subshell(list) => self.subshell(list),
            Kind::If(branches, otherwise) => {
                for (condition, body) in branches {
                    if self.condition(condition)? == 0 {
                        return self.list(body);
                    }
                }
                otherwise.as_ref().map_or(Ok(0), |list| self.list(list))
            }
            Kind::Loop {
                is_until,
                condition,
                body,
            } => self.repeat(*is_until, condition, body),
            Kind::For(name, words, body) => self.each(name, words.as_deref(), body),
            Kind::Case(word, arms) => self.choose(word, arms),
            Kind::Function(name, body) => {
                self.functions.insert(name.clone(), (**body).clone());
                Ok(0)
            }
        }
    }

    /// Whether a loop goes on after a turn that went so.
    fn goes_on(outcome: Outcome, status: &mut i32) -> Result<bool, Stop> {
        match outcome {
            Ok(turn) => {
                *status = turn;
                Ok(true)
            }
            Err(Stop::Break(1)) => Ok(false),
            Err(Stop::Continue(1)) => Ok(true),
            Err(Stop::Break(loops)) => Err(Stop::Break(loops - 1)),
            Err(Stop::Continue(loops)) => Err(Stop::Continue(loops - 1)),
            Err(stop) => Err(stop),
        }
    }

    fn repeat(&mut self, is_until: bool, condition: &List, body: &List) -> Outcome {
        let mut status = 0;
        loop {
            let mut met = 0;
            let outcome = self.condition(condition);
            if !Self::goes_on(outcome, &mut met)? || (met == 0) == is_until {
                return Ok(status);
            }
            let outcome = self.list(body);
            if !Self::goes_on(outcome, &mut status)? {
                return Ok(0);
            }
        }
    }

    fn each(&mut self, name: &str, words: Option<&[Word]>, body: &List) -> Outcome {
        let values = match words {
            Some(words) => self.fields(words)?,
            None => self.arguments.clone(),
        };
        let mut status = 0;
        for value in values {
            self.assigned(name, &value)?;
            let outcome = self.list(body);
            if !Self::goes_on(outcome, &mut status)? {
                return Ok(0);
            }
        }
        Ok(status)
    }

    fn choose(&mut self, word: &Word, arms: &[(Vec<Word>, List)]) -> Outcome {
        let text = expansion::text(self, word);
        let text = self.expanded(text)?;
        for (patterns, list) in arms {
            for word in patterns {
                let pattern = expansion::pattern(self, word);
                if pattern::fits(&self.expanded(pattern)?, &text) {
                    return self.list(list);
                }
            }
        }
        Ok(0)
    }
}
