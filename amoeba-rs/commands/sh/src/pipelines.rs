//! Commands that run beside this shell: pipelines, those in the background, and those whose output is wanted.

use crate::builtins::Builtin;
use crate::expansion;
use crate::jobs::told;
use crate::shell::{Outcome, Shell};
use crate::syntax::{self, Command, Item, Kind, List, Word};
use crate::world::{End, Failure, Process, Start, Streams, World};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A command of a pipeline.
enum Part {
    /// A program: its words, and assignments in front of it.
    Program(Vec<String>, Vec<(String, String)>),
    /// The text for another shell.
    Text(String),
}

/// What was started of a pipeline.
struct Started {
    /// Names and processes; the status where there is none.
    parts: Vec<(String, Result<Process, i32>)>,
}

impl Started {
    fn processes(&self) -> Vec<Process> {
        self.parts.iter().filter_map(|(_, part)| part.ok()).collect()
    }
}

/// Words that stand for themselves.
fn quoted(texts: &[String]) -> Vec<Word> {
    texts
        .iter()
        .map(|text| Word([syntax::Part::Quoted(text.clone())].into()))
        .collect()
}

impl<W: World> Shell<W> {
    /// Starts another shell with commands.
    pub(crate) fn start_shell(
        &mut self,
        text: &str,
        streams: Streams<W::Stream>,
        closed: &[W::Stream],
    ) -> Result<Process, Failure> {
        let environment = self.environment(&[]);
        let mut words = Vec::from([self.name.clone()]);
        words.extend_from_slice(&self.arguments);
        let path = self.path();
        self.world.start(&Start {
            words: &words,
            environment: &environment,
            path: &path,
            streams,
            closed,
            script: Some(text),
        })
    }

    /// Several commands, each of which reads what the one before it writes.
    pub(crate) fn pipeline(&mut self, commands: &[Command]) -> Outcome {
        let (started, opened) = self.start_all(commands, self.streams, false);
        let ends = self.world.wait(&started.processes());
        self.close(&opened);
        let mut ends = ends.into_iter();
        let mut status = 0;
        for (name, part) in &started.parts {
            status = match part {
                Ok(_) => {
                    let end = ends.next().unwrap_or(End::Lost);
                    match end {
                        End::Exit(_) | End::Stun(2 | -2) => end.status(),
                        _ => {
                            self.complain(&format!("{name}: {}", told(end)));
                            end.status()
                        }
                    }
                }
                Err(status) => *status,
            };
        }
        self.interrupted()?;
        Ok(status)
    }

    /// Starts commands that are joined by pipes; if nobody waits for them, what was opened is closed with them, else it is told.
    fn start_all(
        &mut self,
        commands: &[Command],
        streams: Streams<W::Stream>,
        is_background: bool,
    ) -> (Started, Vec<W::Stream>) {
        let mut started = Started { parts: Vec::new() };
        let mut opened = Vec::new();
        let mut input: Option<W::Stream> = None;
        for (place, command) in commands.iter().enumerate() {
            let mut own = streams;
            let mut closed: Vec<W::Stream> = input.take().into_iter().collect();
            if let [reader] = closed.as_slice() {
                own[0] = *reader;
            }
            if place + 1 < commands.len() {
                match self.world.pipe() {
                    Ok([reader, writer]) => {
                        (input, own[1]) = (Some(reader), writer);
                        closed.push(writer);
                    }
                    Err(what) => {
                        self.close(&closed);
                        self.complain(&what);
                        started.parts.push((String::new(), Err(1)));
                        break;
                    }
                }
            }
            let part = self.start_part(command, own, closed, is_background, &mut opened);
            started.parts.push(part);
        }
        (started, opened)
    }

    /// Starts one command with these streams: its name, and the process or the status where there is none. What is in `closed` is closed
    /// with it.
    fn start_part(
        &mut self,
        command: &Command,
        streams: Streams<W::Stream>,
        mut closed: Vec<W::Stream>,
        is_background: bool,
        opened: &mut Vec<W::Stream>,
    ) -> (String, Result<Process, i32>) {
        let mut own = Vec::new();
        let (name, process) = match self.expand_part(command) {
            Err(what) => {
                self.complain(&what);
                (String::new(), Err(1))
            }
            Ok(Part::Text(text)) => {
                let process = self.start_shell(&text, streams, &closed);
                let process = process.map_err(|failure| self.not_started("subshell", &failure));
                ("subshell".to_string(), process)
            }
            Ok(Part::Program(words, values)) => match self.redirect(&command.redirections, streams) {
                Err(what) => {
                    self.complain(&what);
                    (words[0].clone(), Err(1))
                }
                Ok((streams, redirected)) => {
                    if is_background {
                        closed.extend(&redirected);
                    } else {
                        own = redirected;
                    }
                    let process = self.start_program(&words, &values, streams, &closed);
                    (words[0].clone(), process)
                }
            },
        };
        if process.is_err() {
            self.close(&closed);
        }
        opened.extend(own);
        (name, process)
    }

    fn start_program(
        &mut self,
        words: &[String],
        values: &[(String, String)],
        streams: Streams<W::Stream>,
        closed: &[W::Stream],
    ) -> Result<Process, i32> {
        let (environment, path) = (self.environment(values), self.path());
        let process = self.world.start(&Start {
            words,
            environment: &environment,
            path: &path,
            streams,
            closed,
            script: None,
        });
        process.map_err(|failure| {
            // The command's own stream for errors.
            let before = core::mem::replace(&mut self.streams, streams);
            let status = self.not_started(&words[0], &failure);
            self.streams = before;
            status
        })
    }

    /// What a command is when its words are expanded.
    fn expand_part(&mut self, command: &Command) -> Result<Part, String> {
        let mut command = command.clone();
        if let Kind::Simple { assignments, words } = &mut command.kind {
            let expanded = expansion::fields(self, words)?;
            // Words are expanded once, also for another shell.
            *words = quoted(&expanded);
            let is_own = |name: &String| self.functions.contains_key(name) || Builtin::named(name).is_some();
            match (expanded.first(), words.first_mut()) {
                (Some(name), Some(word)) if is_own(name) => {
                    *word = Word([syntax::Part::Text(name.clone())].into());
                }
                (Some(_), _) => {
                    let mut values = Vec::new();
                    for (name, word) in assignments {
                        values.push((name.clone(), expansion::text(self, word)?));
                    }
                    return Ok(Part::Program(expanded, values));
                }
                _ => {}
            }
        }
        Ok(Part::Text(format!("{}{command}\n", self.prologue())))
    }

    /// Starts a command for which nobody waits, without input unless it has its own: the status.
    pub(crate) fn background(&mut self, item: &Item) -> i32 {
        let mut item = item.clone();
        item.is_background = false;
        let text = item.to_string();
        let mut streams = self.streams;
        streams[0] = self.world.null();
        let processes = if item.rest.is_empty() && !item.first.is_negated {
            self.start_all(&item.first.commands, streams, true).0.processes()
        } else {
            let text = format!("{}{item}\n", self.prologue());
            match self.start_shell(&text, streams, &[]) {
                Ok(process) => [process].into(),
                Err(failure) => {
                    self.not_started("subshell", &failure);
                    Vec::new()
                }
            }
        };
        if processes.is_empty() {
            return 1;
        }
        self.start_job(&processes, text);
        0
    }

    /// What a list writes.
    pub(crate) fn output(&mut self, list: &List) -> Result<String, String> {
        let collector = self.world.collector()?;
        let mut streams = self.streams;
        streams[1] = collector;
        let commands = match list.0.as_slice() {
            [item] if item.rest.is_empty() && !item.is_background && !item.first.is_negated => {
                item.first.commands.clone()
            }
            _ => Vec::from([Command {
                kind: Kind::Group(list.clone()),
                redirections: Vec::new(),
            }]),
        };
        let before = core::mem::replace(&mut self.streams, streams);
        let outcome = if list.0.is_empty() {
            Ok(0)
        } else {
            self.pipeline(&commands)
        };
        self.streams = before;
        let text = self.world.collected(collector);
        match outcome {
            Ok(status) => {
                self.substituted = Some(status);
                Ok(text)
            }
            Err(_) => Err("interrupted".to_string()),
        }
    }
}
