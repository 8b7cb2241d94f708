//! The state of a shell, and words as it expands them.

use crate::builtins::Position;
use crate::execution::INTERRUPTED;
use crate::expansion::{self, Context};
use crate::jobs::Jobs;
use crate::syntax::{Command, Direction, Kind, List, Part, Redirection, Word};
use crate::traps::{self, Traps};
use crate::variables::Variables;
use crate::world::{How, Streams, World};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// How deeply functions may call each other.
pub(crate) const DEEPEST: u32 = 25;

/// What `set` switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `-e`: it ends when a command goes wrong.
    pub ends_on_failure: bool,
    /// `-u`: a parameter without a value is an error.
    pub is_strict: bool,
    /// `-x`: commands are told before they are carried out.
    pub tells: bool,
    /// `-f`: wildcards stand for themselves.
    pub has_no_wildcards: bool,
    /// `-i`: a person types the commands.
    pub is_interactive: bool,
}

impl Options {
    /// The options that are on, as letters.
    pub fn letters(self) -> String {
        let all = [
            ('e', self.ends_on_failure),
            ('f', self.has_no_wildcards),
            ('i', self.is_interactive),
            ('u', self.is_strict),
            ('x', self.tells),
        ];
        all.iter()
            .filter(|(_, is_on)| *is_on)
            .map(|(letter, _)| *letter)
            .collect()
    }

    /// Switches the option of a letter; false if there is none.
    pub fn switch(&mut self, letter: char, is_on: bool) -> bool {
        match letter {
            'e' => self.ends_on_failure = is_on,
            'f' => self.has_no_wildcards = is_on,
            'i' => self.is_interactive = is_on,
            'u' => self.is_strict = is_on,
            'x' => self.tells = is_on,
            _ => return false,
        }
        true
    }
}

/// Why what follows is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// So many loops end.
    Break(u32),
    /// So many loops less one end, and the next goes on.
    Continue(u32),
    /// The function or file ends.
    Return(i32),
    /// The shell ends.
    Exit(i32),
    /// The interrupt came, or the command cannot go on: the shell waits for the next one.
    Abandon(i32),
}

/// Streams with redirections, and those of them that were opened.
pub(crate) type Redirected<S> = (Streams<S>, Vec<S>);

/// How a command went.
pub(crate) type Outcome = Result<i32, Stop>;

/// A shell.
#[derive(Debug)]
pub struct Shell<W: World> {
    pub(crate) world: W,
    pub(crate) variables: Variables,
    pub(crate) functions: BTreeMap<String, Command>,
    /// `$0`.
    pub(crate) name: String,
    pub(crate) arguments: Vec<String>,
    /// `$?`
    pub(crate) status: i32,
    pub(crate) options: Options,
    pub(crate) jobs: Jobs,
    pub(crate) traps: Traps,
    /// How far `getopts` has come.
    pub(crate) position: Position,
    pub(crate) streams: Streams<W::Stream>,
    /// What `exec` has opened.
    pub(crate) kept: Vec<W::Stream>,
    /// Functions and files that call each other.
    pub(crate) depth: u32,
    /// The status of what was last substituted.
    pub(crate) substituted: Option<i32>,
    /// Whether a failure ends nothing, because it is a condition.
    pub(crate) is_condition: bool,
}

impl<W: World> Shell<W> {
    /// A shell with its name, its arguments, its streams and its environment.
    pub fn new<'a>(
        world: W,
        words: (&str, &[String]),
        streams: Streams<W::Stream>,
        environment: impl Iterator<Item = &'a str>,
    ) -> Shell<W> {
        let mut variables = Variables::default();
        for (name, value) in environment.filter_map(|text| text.split_once('=')) {
            // Nothing is constant yet.
            let _ = variables.set(name, value);
            variables.export(name);
        }
        Shell {
            world,
            variables,
            functions: BTreeMap::new(),
            name: words.0.to_string(),
            arguments: words.1.to_vec(),
            status: 0,
            options: Options::default(),
            jobs: Jobs::default(),
            traps: Traps::new(),
            position: Position::default(),
            streams,
            kept: Vec::new(),
            depth: 0,
            substituted: None,
            is_condition: false,
        }
    }

    /// What `set` has switched.
    pub fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    /// The system.
    pub fn world(&mut self) -> &mut W {
        &mut self.world
    }

    /// A variable's value.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name)
    }

    /// Gives a variable a value if it has none.
    pub fn set_default(&mut self, name: &str, value: &str) {
        if self.variables.get(name).is_none() {
            let _ = self.variables.set(name, value);
        }
    }

    /// `$?`
    pub fn status(&self) -> i32 {
        self.status
    }

    /// Tells of an error on the stream for errors.
    pub fn complain(&mut self, what: &str) {
        let text = format!("{}: {what}\n", self.name);
        // There is nobody else to tell.
        let _ = self.world.write(self.streams[2], &text);
    }

    /// Carries commands out: `Some` status if the shell is to end.
    pub fn run(&mut self, list: &List) -> Option<i32> {
        let outcome = self.list(list);
        self.tell_jobs();
        match outcome {
            Ok(status) => {
                self.status = status;
                None
            }
            Err(Stop::Exit(status)) => {
                self.status = status;
                Some(status)
            }
            Err(Stop::Return(status)) => {
                self.status = status;
                (!self.options.is_interactive).then_some(status)
            }
            Err(Stop::Abandon(status)) => {
                self.status = status;
                if status == INTERRUPTED {
                    self.end_line();
                }
                (!self.options.is_interactive).then_some(status)
            }
            Err(Stop::Break(_) | Stop::Continue(_)) => None,
        }
    }

    /// Begins a line behind what the terminal shows of its interrupt.
    pub fn end_line(&mut self) {
        if self.options.is_interactive {
            let _ = self.world.write(self.streams[2], "\n");
        }
    }

    /// Ends a shell that is to end with this status: carries out what shall be done at its end and closes what `exec` has opened. The
    /// status with which it ends.
    pub fn finish(&mut self, status: i32) -> i32 {
        let status = self.exit_trap(status);
        let kept = core::mem::take(&mut self.kept);
        self.close(&kept);
        status
    }

    /// What has to stand in front of a part of a program so that another shell carries it out as this one would.
    pub(crate) fn prologue(&self) -> String {
        let mut text = String::new();
        let quoted = |value: &str| Word([Part::Quoted(value.to_string())].into()).to_string();
        for (name, value) in self.variables.own() {
            text += &format!("{name}={}\n", quoted(value));
        }
        for (name, body) in &self.functions {
            let function = Kind::Function(name.clone(), body.clone().into());
            text += &format!("{function}\n");
        }
        text += &traps::ignored(&self.traps);
        let mut options = self.options;
        options.is_interactive = false;
        if options != Options::default() {
            text += &format!("set -{}\n", options.letters());
        }
        if self.status != 0 {
            text += &format!("(exit {}) 2>&-\n", self.status);
        }
        text
    }

    /// The streams with redirections, and those of them that were opened.
    pub(crate) fn redirect(
        &mut self,
        redirections: &[Redirection],
        mut streams: Streams<W::Stream>,
    ) -> Result<Redirected<W::Stream>, String> {
        let mut opened = Vec::new();
        for redirection in redirections {
            let result = self.redirected(redirection, &streams);
            let stream = usize::from(redirection.stream);
            match result {
                Ok((found, is_new)) if stream < streams.len() => {
                    if is_new {
                        opened.push(found);
                    }
                    streams[stream] = found;
                }
                Ok(_) => {
                    self.close(&opened);
                    return Err(format!("{stream}: there is no such stream"));
                }
                Err(what) => {
                    self.close(&opened);
                    return Err(what);
                }
            }
        }
        Ok((streams, opened))
    }

    /// Where a redirection leads, and whether that was opened for it.
    fn redirected(
        &mut self,
        redirection: &Redirection,
        streams: &Streams<W::Stream>,
    ) -> Result<(W::Stream, bool), String> {
        let text = expansion::text(self, &redirection.target)?;
        let how = match redirection.kind {
            Direction::Text => return Ok((self.world.text(&format!("{text}\n"))?, true)),
            Direction::Duplicate if text == "-" => return Ok((self.world.null(), false)),
            Direction::Duplicate => {
                let number: Option<usize> = text.parse().ok();
                let stream = number.and_then(|number| streams.get(number));
                let stream = stream.ok_or_else(|| format!("{text}: there is no such stream"))?;
                return Ok((*stream, false));
            }
            Direction::Input => How::Read,
            Direction::Output => How::Write,
            Direction::Append => How::Append,
        };
        let opened = self.world.open(&text, how);
        Ok((opened.map_err(|what| format!("{text}: {what}"))?, true))
    }

    /// Closes streams, and tells what was lost.
    pub(crate) fn close(&mut self, streams: &[W::Stream]) -> bool {
        let mut is_good = true;
        for stream in streams {
            if let Err(what) = self.world.close(*stream) {
                self.complain(&what);
                is_good = false;
            }
        }
        is_good
    }
}

impl<W: World> Context for Shell<W> {
    fn parameter(&self, name: &str) -> Option<String> {
        let number = |place: &str| place.parse::<usize>().ok();
        match name {
            "?" => Some(self.status.to_string()),
            "#" => Some(self.arguments.len().to_string()),
            "-" => Some(self.options.letters()),
            "$" => Some(self.jobs.own_number().to_string()),
            "!" => self.jobs.last().map(|process| process.to_string()),
            "0" => Some(self.name.clone()),
            _ if name.starts_with(|first: char| first.is_ascii_digit()) => {
                self.arguments.get(number(name)?.checked_sub(1)?).cloned()
            }
            _ => self.variables.get(name).map(ToString::to_string),
        }
    }

    fn arguments(&self) -> &[String] {
        &self.arguments
    }

    fn assign(&mut self, name: &str, value: &str) -> Result<(), String> {
        if !crate::parser::is_name(name) {
            return Err(format!("{name}: cannot have a value"));
        }
        self.variables.set(name, value)
    }

    fn substitute(&mut self, list: &List) -> Result<String, String> {
        self.output(list)
    }

    fn names(&mut self, directory: &str) -> Vec<String> {
        if self.options.has_no_wildcards {
            return Vec::new();
        }
        self.world.names(directory)
    }

    fn exists(&mut self, path: &str) -> bool {
        self.world.mark(path).is_some()
    }

    fn is_strict(&self) -> bool {
        self.options.is_strict
    }
}
