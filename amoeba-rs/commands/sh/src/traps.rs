//! `trap`: what is done when the shell ends, and when the terminal's interrupt comes.
//!
//! The other signals of POSIX have names here, so that scripts run, but no such signal ever comes: whoever stuns a shell ends it.

use crate::execution::INTERRUPTED;
use crate::shell::{Outcome, Shell, Stop};
use crate::syntax::{Part, Word};
use crate::world::World;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

/// When something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    Exit,
    Hangup,
    Interrupt,
    Quit,
    Terminate,
}

/// Conditions with their numbers and names.
const CONDITIONS: [(Condition, &str, &str); 5] = [
    (Condition::Exit, "0", "EXIT"),
    (Condition::Hangup, "1", "HUP"),
    (Condition::Interrupt, "2", "INT"),
    (Condition::Quit, "3", "QUIT"),
    (Condition::Terminate, "15", "TERM"),
];

impl Condition {
    fn parse(word: &str) -> Option<Condition> {
        let name = word.strip_prefix("SIG").unwrap_or(word);
        let mut all = CONDITIONS.iter();
        all.find_map(|(condition, number, own)| (word == *number || name == *own).then_some(*condition))
    }

    fn name(self) -> &'static str {
        let mut all = CONDITIONS.iter();
        all.find(|(condition, ..)| *condition == self)
            .map_or("", |(.., name)| name)
    }
}

/// Commands for conditions; empty ones have the condition be nothing.
pub(crate) type Traps = BTreeMap<Condition, String>;

fn line(condition: Condition, commands: &str) -> String {
    let quoted = Word([Part::Quoted(commands.to_string())].into());
    format!("trap -- {quoted} {}\n", condition.name())
}

/// The commands by which another shell lets those conditions be nothing that are nothing here.
pub(crate) fn ignored(traps: &Traps) -> String {
    let ignored = traps.iter().filter(|(_, commands)| commands.is_empty());
    ignored
        .map(|(condition, commands)| line(*condition, commands))
        .collect()
}

impl<W: World> Shell<W> {
    /// `trap [-] CONDITION...`, `trap COMMANDS CONDITION...`, `trap`.
    pub(crate) fn trap(&mut self, words: &[String]) -> i32 {
        let words = match words.split_first() {
            Some((first, rest)) if first == "--" => rest,
            _ => words,
        };
        let Some((first, rest)) = words.split_first() else {
            let lines: String = self
                .traps
                .iter()
                .map(|(condition, commands)| line(*condition, commands))
                .collect();
            return self.say(&lines);
        };
        // A number instead of commands: all words are conditions.
        let is_reset = first.parse::<u32>().is_ok() || rest.is_empty();
        let (commands, conditions) = if is_reset {
            (None, words)
        } else {
            (Some(first).filter(|first| *first != "-"), rest)
        };
        for word in conditions {
            let Some(condition) = Condition::parse(word) else {
                return self.usage(&format!("trap: {word}: no such condition"));
            };
            match commands {
                Some(commands) => _ = self.traps.insert(condition, commands.clone()),
                None => _ = self.traps.remove(&condition),
            }
        }
        let interrupt = self.traps.get(&Condition::Interrupt);
        let is_ignored = interrupt.is_some_and(String::is_empty);
        self.world.ignore_interrupts(is_ignored);
        0
    }

    /// If the interrupt has come: the commands for it, or else the end of what is being done.
    pub(crate) fn interrupted(&mut self) -> Result<(), Stop> {
        if self.world.is_interrupted() {
            return self.interrupt();
        }
        Ok(())
    }

    /// The commands for the interrupt, or else the end of what is being done.
    pub(crate) fn interrupt(&mut self) -> Result<(), Stop> {
        match self.traps.get(&Condition::Interrupt).cloned() {
            None => Err(Stop::Abandon(INTERRUPTED)),
            Some(commands) => self.trapped(&commands).map(drop),
        }
    }

    /// What the interrupt does to a shell that waits for commands: `Some` status if it is to end.
    pub fn interrupt_at_prompt(&mut self) -> Option<i32> {
        match self.interrupt() {
            Err(Stop::Exit(status)) => Some(status),
            _ => None,
        }
    }

    /// Commands of a trap, which leave `$?` as it was.
    fn trapped(&mut self, commands: &str) -> Outcome {
        let status = self.status;
        let outcome = self.eval(commands);
        self.status = status;
        outcome
    }

    /// The commands for the end of a shell that ends with this status: the status with which it ends then.
    pub(crate) fn exit_trap(&mut self, status: i32) -> i32 {
        self.status = status;
        let Some(commands) = self.traps.remove(&Condition::Exit) else {
            return status;
        };
        match self.trapped(&commands) {
            Err(Stop::Exit(status)) => status,
            _ => status,
        }
    }

    /// The shell gives its place to a program: nothing is done at its end.
    pub(crate) fn forget_exit(&mut self) {
        self.traps.remove(&Condition::Exit);
    }
}
