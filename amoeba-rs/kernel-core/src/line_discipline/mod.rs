//! What lies between a line and those who read and write a terminal: editing of lines, echo, signals, flow control, and
//! translations both ways, as POSIX 1003.1, chapter 11 ("General Terminal Interface"), describes them.
//!
//! It is plain state. Characters of the line come in ([`LineDiscipline::receive`]), what goes to the line is asked for
//! ([`LineDiscipline::next_output`]), so are signals ([`LineDiscipline::signal`]); readers ask whether there is something
//! for them ([`LineDiscipline::read`], in `reading`), and writers give as much as there is room for ([`LineDiscipline::write`], in `output`).
//!
//! Beside the characters of POSIX there are those that terminals of the time had: erase a word, show the line again, take
//! the next character as it is. Delete erases a character whatever the setting. Left out: delays after control
//! characters, for which no terminal is slow enough any more, and process groups, which are for who keeps them.

mod echo;
mod input;
mod output;
mod reading;
#[cfg(test)]
mod tests;

use crate::machine::Milliseconds;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use proto::terminal::{InputFlags, LocalFlags, Queue, Settings, Signal};
pub use reading::{Reader, Reading};

/// Characters that wait for readers at most, the line that is being edited included (MAX_INPUT).
pub const MOST_INPUT: usize = 1024;
/// The most characters of a line, its end not counted (MAX_CANON).
pub const LONGEST_LINE: usize = 255;
/// How much of the output may wait before writers have to.
pub const MOST_OUTPUT: usize = 2048;
/// Room beyond that for echoes.
const ECHO_ROOM: usize = 512;
/// From so many characters that wait on, the other side is asked to stop.
const HIGH_WATER: usize = MOST_INPUT * 3 / 4;
/// When no more than so many wait, it is asked to go on.
const LOW_WATER: usize = MOST_INPUT / 4;

/// What has come from the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A character.
    Byte(u8),
    /// A character with a wrong parity or stop bit.
    Damaged(u8),
    /// A break.
    Break,
}

/// What waits for readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    /// A character.
    Byte(u8),
    /// The last character of a line.
    Last(u8),
    /// The end of the file, which is no character.
    End,
}

/// A terminal's line discipline.
#[derive(Clone, Debug)]
pub struct LineDiscipline {
    settings: Settings,
    /// What readers can have.
    ready: VecDeque<Ready>,
    /// How many lines of it are whole.
    lines: usize,
    /// The line that is being edited.
    edited: Vec<u8>,
    /// In which column of the screen it began.
    edit_column: usize,
    /// The next character is taken as it is.
    is_literal: bool,
    /// When the last character came.
    last_input: Milliseconds,
    /// What goes to the line.
    output: VecDeque<u8>,
    /// Goes before it, even while output is stopped.
    urgent: Option<u8>,
    /// The column of the screen in which output goes on.
    column: usize,
    /// Output was stopped by the stop character.
    is_stopped: bool,
    /// Output was stopped by a command.
    is_suspended: bool,
    /// The other side was asked to stop.
    has_stopped_sender: bool,
    is_hung_up: bool,
    signals: VecDeque<Signal>,
}

impl LineDiscipline {
    /// A terminal on which nothing has happened.
    pub fn new(settings: Settings) -> LineDiscipline {
        LineDiscipline {
            settings,
            ready: VecDeque::new(),
            lines: 0,
            edited: Vec::new(),
            edit_column: 0,
            is_literal: false,
            last_input: 0,
            output: VecDeque::new(),
            urgent: None,
            column: 0,
            is_stopped: false,
            is_suspended: false,
            has_stopped_sender: false,
            is_hung_up: false,
            signals: VecDeque::new(),
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes the settings. A line that is being edited can be read at once when lines are edited no more, and what has
    /// no end yet is edited on when they are from now on.
    pub fn set_settings(&mut self, settings: Settings) {
        let was_canonical = self.has(LocalFlags::CANONICAL);
        self.settings = settings;
        let is_canonical = self.has(LocalFlags::CANONICAL);
        if was_canonical && !is_canonical {
            let edited = core::mem::take(&mut self.edited);
            self.ready.extend(edited.into_iter().map(Ready::Byte));
            self.is_literal = false;
        } else if is_canonical && !was_canonical {
            self.edit_column = self.column;
            while let Some(Ready::Byte(byte)) = self.ready.back().copied() {
                self.ready.pop_back();
                self.edited.insert(0, byte);
            }
        }
        if !self.settings.input.contains(InputFlags::STOPPED_BY_RECEIVER) {
            self.is_stopped = false;
        }
        self.look_at_room();
    }

    /// The next signal that was typed.
    pub fn signal(&mut self) -> Option<Signal> {
        self.signals.pop_front()
    }

    /// One signal of each kind is enough while nobody looks.
    fn raise(&mut self, signal: Signal) {
        if !self.signals.contains(&signal) {
            self.signals.push_back(signal);
        }
    }

    /// Forgets what has not been read or sent.
    pub fn flush(&mut self, queue: Queue) {
        if queue != Queue::Output {
            self.ready.clear();
            self.lines = 0;
            self.edited.clear();
            self.is_literal = false;
            self.look_at_room();
        }
        if queue != Queue::Input {
            self.output.clear();
        }
    }

    /// The line was hung up: everything ends.
    pub fn hang_up(&mut self) {
        if !core::mem::replace(&mut self.is_hung_up, true) {
            self.flush(Queue::Output);
            self.raise(Signal::Hangup);
        }
    }

    /// Somebody has called again.
    pub fn pick_up(&mut self) {
        self.is_hung_up = false;
    }

    /// Whether the line was hung up.
    pub fn is_hung_up(&self) -> bool {
        self.is_hung_up
    }

    /// How many characters wait for readers, the line that is being edited not counted.
    pub fn readable(&self) -> usize {
        let is_byte = |ready: &&Ready| **ready != Ready::End;
        self.ready.iter().filter(is_byte).count()
    }

    fn has(&self, flags: LocalFlags) -> bool {
        self.settings.local.contains(flags)
    }
}
