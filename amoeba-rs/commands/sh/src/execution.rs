//! Commands as they are carried out by this shell itself.

mod compound;

use crate::builtins::Builtin;
use crate::expansion::{self, Context};
use crate::jobs::told;
use crate::shell::{DEEPEST, Outcome, Shell, Stop};
use crate::syntax::{Command, Condition, Item, Kind, List, Pipeline, Redirection, Word};
use crate::world::{End, Failure, Start, World};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The status of a program that there is not, and of one that cannot be run.
const NOT_FOUND: i32 = 127;
const NOT_RUN: i32 = 126;
/// The status after the terminal's interrupt.
pub(crate) const INTERRUPTED: i32 = 130;
/// Where programs are if `PATH` does not say it.
pub(crate) const USUAL_PATH: &str = "/bin:/super/unixroot/bin";

impl<W: World> Shell<W> {
    pub(crate) fn list(&mut self, list: &List) -> Outcome {
        let mut status = 0;
        for item in &list.0 {
            self.interrupted()?;
            status = self.item(item)?;
            self.status = status;
        }
        Ok(status)
    }

    fn item(&mut self, item: &Item) -> Outcome {
        if item.is_background {
            return Ok(self.background(item));
        }
        let mut last = &item.first;
        let mut status = self.tested(&item.first, !item.rest.is_empty())?;
        for (place, (condition, pipeline)) in item.rest.iter().enumerate() {
            if (*condition == Condition::Success) == (status == 0) {
                self.status = status;
                status = self.tested(pipeline, place + 1 < item.rest.len())?;
                last = pipeline;
            }
        }
        let is_last = item
            .rest
            .last()
            .is_none_or(|(_, pipeline)| core::ptr::eq(pipeline, last));
        let counts = is_last && !last.is_negated && !self.is_condition;
        if self.options.ends_on_failure && counts && status != 0 {
            return Err(Stop::Exit(status));
        }
        Ok(status)
    }

    /// A pipeline whose failure is a condition of something else, or not.
    fn tested(&mut self, pipeline: &Pipeline, is_condition: bool) -> Outcome {
        let before = self.is_condition;
        self.is_condition |= is_condition || pipeline.is_negated;
        let outcome = match pipeline.commands.as_slice() {
            [command] => self.command(command),
            commands => self.pipeline(commands),
        };
        self.is_condition = before;
        let status = outcome?;
        Ok(if pipeline.is_negated {
            i32::from(status == 0)
        } else {
            status
        })
    }

    fn command(&mut self, command: &Command) -> Outcome {
        if let Kind::Simple { assignments, words } = &command.kind {
            return self.simple(assignments, words, &command.redirections);
        }
        self.with_redirections(&command.redirections, |shell| shell.compound(&command.kind))
    }

    /// Does something with other streams.
    fn with_redirections(
        &mut self,
        redirections: &[Redirection],
        action: impl FnOnce(&mut Self) -> Outcome,
    ) -> Outcome {
        let (streams, opened) = match self.redirect(redirections, self.streams) {
            Ok(redirected) => redirected,
            Err(what) => {
                self.complain(&what);
                return Ok(1);
            }
        };
        let before = core::mem::replace(&mut self.streams, streams);
        let outcome = action(self);
        self.streams = before;
        let is_good = self.close(&opened);
        match outcome {
            Ok(0) if !is_good => Ok(1),
            outcome => outcome,
        }
    }

    /// What an expansion gave; if something was wrong, the command is given up.
    pub(crate) fn expanded<T>(&mut self, result: Result<T, String>) -> Result<T, Stop> {
        result.map_err(|what| {
            self.complain(&what);
            Stop::Abandon(1)
        })
    }

    pub(crate) fn fields(&mut self, words: &[Word]) -> Result<Vec<String>, Stop> {
        let fields = expansion::fields(self, words);
        self.expanded(fields)
    }

    fn assigned(&mut self, name: &str, value: &str) -> Result<(), Stop> {
        let result = self.assign(name, value);
        self.expanded(result)
    }

    fn values(&mut self, assignments: &[(String, Word)]) -> Result<Vec<(String, String)>, Stop> {
        let mut values = Vec::new();
        for (name, word) in assignments {
            let value = expansion::text(self, word);
            values.push((name.clone(), self.expanded(value)?));
        }
        Ok(values)
    }

    /// Tells a command that is about to be carried out.
    fn trace(&mut self, values: &[(String, String)], words: &[String]) {
        if self.options.tells {
            let values = values.iter().map(|(name, value)| format!("{name}={value}"));
            let all: Vec<String> = values.chain(words.iter().cloned()).collect();
            let line = format!("+ {}\n", all.join(" "));
            let _ = self.world.write(self.streams[2], &line);
        }
    }

    fn simple(
        &mut self,
        assignments: &[(String, Word)],
        words: &[Word],
        redirections: &[Redirection],
    ) -> Outcome {
        self.substituted = None;
        let words = self.fields(words)?;
        let Some(name) = words.first() else {
            // Each value may use the one before.
            for (name, word) in assignments {
                let value = expansion::text(self, word);
                let value = self.expanded(value)?;
                self.trace(&[(name.clone(), value.clone())], &[]);
                self.assigned(name, &value)?;
            }
            let status = self.substituted.unwrap_or(0);
            return self.with_redirections(redirections, |_| Ok(status));
        };
        let values = self.values(assignments)?;
        self.trace(&values, &words);
        if let Some(body) = self.functions.get(name).cloned() {
            for (name, value) in &values {
                self.assigned(name, value)?;
            }
            return self.with_redirections(redirections, |shell| shell.call(&body, &words[1..]));
        }
        let Some(builtin) = Builtin::named(name) else {
            return self.program(&values, &words, redirections);
        };
        if builtin == Builtin::Exec {
            return self.exec(&values, &words[1..], redirections);
        }
        let former: Vec<_> = values
            .iter()
            .map(|(name, _)| (name.clone(), self.variables.get(name).map(ToString::to_string)))
            .collect();
        for (name, value) in &values {
            self.assigned(name, value)?;
        }
        let outcome = self.with_redirections(redirections, |shell| shell.builtin(builtin, &words[1..]));
        if !builtin.keeps_assignments() {
            for (name, value) in former {
                let _ = match value {
                    Some(value) => self.variables.set(&name, &value),
                    None => self.variables.remove(&name),
                };
            }
        }
        outcome
    }

    /// Calls a function.
    fn call(&mut self, body: &Command, arguments: &[String]) -> Outcome {
        if self.depth >= DEEPEST {
            self.complain("functions call each other too deeply");
            return Err(Stop::Abandon(1));
        }
        let before = core::mem::replace(&mut self.arguments, arguments.to_vec());
        self.depth += 1;
        let outcome = self.command(body);
        self.depth -= 1;
        self.arguments = before;
        match outcome {
            Err(Stop::Return(status)) => Ok(status),
            outcome => outcome,
        }
    }

    /// `exec`: redirections hold from now on, and a program is the last thing that is done.
    fn exec(
        &mut self,
        values: &[(String, String)],
        words: &[String],
        redirections: &[Redirection],
    ) -> Outcome {
        if !words.is_empty() {
            self.forget_exit();
            let status = self.program(values, words, redirections)?;
            return Err(Stop::Exit(status));
        }
        match self.redirect(redirections, self.streams) {
            Ok((streams, opened)) => {
                self.streams = streams;
                self.kept.extend(opened);
                Ok(0)
            }
            Err(what) => {
                self.complain(&what);
                Ok(1)
            }
        }
    }

    /// The environment of a program with assignments in front of it.
    pub(crate) fn environment(&self, values: &[(String, String)]) -> Vec<String> {
        let mut environment = self.variables.environment();
        for (name, value) in values {
            environment.retain(|text| text.split_once('=').is_none_or(|(other, _)| other != name));
            environment.push(format!("{name}={value}"));
        }
        environment
    }

    /// Runs a program and waits for it.
    fn program(
        &mut self,
        values: &[(String, String)],
        words: &[String],
        redirections: &[Redirection],
    ) -> Outcome {
        let environment = self.environment(values);
        let path = self.path();
        let words = words.to_vec();
        self.with_redirections(redirections, |shell| {
            let start = Start {
                words: &words,
                environment: &environment,
                path: &path,
                streams: shell.streams,
                closed: &[],
                script: None,
            };
            match shell.world.start(&start) {
                Ok(process) => {
                    let ends = shell.world.wait(&[process]);
                    shell.after(&words[0], ends.last().copied().unwrap_or(End::Lost))
                }
                Err(failure) => Ok(shell.not_started(&words[0], &failure)),
            }
        })
    }

    pub(crate) fn path(&self) -> String {
        self.variables.get("PATH").unwrap_or(USUAL_PATH).to_string()
    }

    pub(crate) fn not_started(&mut self, name: &str, failure: &Failure) -> i32 {
        match failure {
            Failure::NotFound => {
                self.complain(&format!("{name}: not found"));
                NOT_FOUND
            }
            Failure::NotRun(what) => {
                self.complain(&format!("{name}: {what}"));
                NOT_RUN
            }
        }
    }

    /// Tells of an end that is no exit; the status of a command that ended so. The terminal's interrupt ends more than the command.
    pub(crate) fn after(&mut self, name: &str, end: End) -> Outcome {
        let is_interrupted = self.world.is_interrupted();
        match end {
            End::Exit(_) => {}
            End::Stun(2 | -2) if is_interrupted => {}
            _ => self.complain(&format!("{name}: {}", told(end))),
        }
        if is_interrupted {
            self.interrupt()?;
        }
        Ok(end.status())
    }

    /// A list that another shell carries out while this one waits.
    fn subshell(&mut self, list: &List) -> Outcome {
        let text = format!("{}{list}\n", self.prologue());
        match self.start_shell(&text, self.streams, &[]) {
            Ok(process) => {
                let ends = self.world.wait(&[process]);
                self.after("subshell", ends.last().copied().unwrap_or(End::Lost))
            }
            Err(failure) => Ok(self.not_started("subshell", &failure)),
        }
    }
}
