//! Characters from the line, one by one: what is special about them, and the editing of lines.

use super::{HIGH_WATER, LONGEST_LINE, LOW_WATER, LineDiscipline, MOST_INPUT, Ready, Received};
use crate::machine::Milliseconds;
use proto::terminal::{Character, ControlFlags, DISABLED, Flow, InputFlags, LocalFlags, Queue, Signal};

const BELL: u8 = 0x07;
const LINE_FEED: u8 = b'\n';
const RETURN: u8 = b'\r';
const DELETE: u8 = 0x7f;

impl LineDiscipline {
    /// Something has come from the line.
    pub fn receive(&mut self, now: Milliseconds, received: Received) {
        if self.is_hung_up || !self.settings.control.contains(ControlFlags::RECEIVE) {
            return;
        }
        self.last_input = now;
        let flags = self.settings.input;
        match received {
            Received::Byte(byte) => self.take(byte),
            Received::Break if flags.contains(InputFlags::IGNORE_BREAK) => {}
            Received::Break if flags.contains(InputFlags::BREAK_INTERRUPTS) => {
                self.flush(Queue::Both);
                self.raise(Signal::Interrupt);
            }
            Received::Break => self.take_damaged(0),
            Received::Damaged(_) if flags.contains(InputFlags::IGNORE_DAMAGED) => {}
            Received::Damaged(byte) if !flags.contains(InputFlags::CHECK_PARITY) => self.take(byte),
            Received::Damaged(byte) => self.take_damaged(byte),
        }
        self.look_at_room();
    }

    /// A character that is not what was sent: it means nothing, and readers see a zero or the mark.
    fn take_damaged(&mut self, byte: u8) {
        if self.settings.input.contains(InputFlags::MARK_DAMAGED) {
            for byte in [0xff, 0, byte] {
                self.keep(byte);
            }
        } else {
            self.keep(0);
        }
    }

    fn take(&mut self, byte: u8) {
        let flags = self.settings.input;
        let byte = if flags.contains(InputFlags::STRIP) {
            byte & 0x7f
        } else {
            byte
        };
        if core::mem::take(&mut self.is_literal) {
            return self.keep_and_echo(byte);
        }
        if self.take_flow_control(byte) || self.take_signal(byte) {
            return;
        }
        let byte = match byte {
            RETURN if flags.contains(InputFlags::IGNORE_RETURN) => return,
            RETURN if flags.contains(InputFlags::RETURN_TO_LINE_FEED) => LINE_FEED,
            LINE_FEED if flags.contains(InputFlags::LINE_FEED_TO_RETURN) => RETURN,
            byte => byte,
        };
        if self.has(LocalFlags::CANONICAL) {
            self.edit(byte);
        } else {
            self.keep_marked(byte);
        }
    }

    /// Whether a byte is this control character.
    fn is(&self, byte: u8, character: Character) -> bool {
        byte != DISABLED && byte == self.settings.character(character)
    }

    /// Stop and start; true if the character was one of them.
    fn take_flow_control(&mut self, byte: u8) -> bool {
        let flags = self.settings.input;
        if !flags.contains(InputFlags::STOPPED_BY_RECEIVER) {
            return false;
        }
        let (stop, start) = (self.is(byte, Character::Stop), self.is(byte, Character::Start));
        if stop && start {
            self.is_stopped = !self.is_stopped;
        } else if stop {
            self.is_stopped = true;
        } else if start || flags.contains(InputFlags::ANY_STARTS) {
            self.is_stopped = false;
        }
        stop || start
    }

    /// Interrupt, quit, suspend; true if the character was one of them.
    fn take_signal(&mut self, byte: u8) -> bool {
        if !self.has(LocalFlags::SIGNALS) {
            return false;
        }
        let signal = if self.is(byte, Character::Interrupt) {
            Signal::Interrupt
        } else if self.is(byte, Character::Quit) {
            Signal::Quit
        } else if self.is(byte, Character::Suspend) {
            Signal::Suspend
        } else {
            return false;
        };
        if !self.has(LocalFlags::NO_FLUSH) {
            // Whoever suspends wants to see what comes, later.
            self.flush(if signal == Signal::Suspend {
                Queue::Input
            } else {
                Queue::Both
            });
            self.is_stopped = false;
        }
        self.echo(byte);
        self.edit_column = self.column;
        self.raise(signal);
        true
    }

    fn edit(&mut self, byte: u8) {
        let extended = self.has(LocalFlags::EXTENDED);
        if self.is(byte, Character::Erase) || byte == DELETE {
            self.erase_last();
        } else if self.is(byte, Character::Kill) {
            self.kill();
        } else if extended && self.is(byte, Character::EraseWord) {
            self.erase_word();
        } else if extended && self.is(byte, Character::Reprint) {
            self.reprint(byte);
        } else if extended && self.is(byte, Character::LiteralNext) {
            self.is_literal = true;
        } else if self.is(byte, Character::EndOfFile) {
            self.end_line(Ready::End);
        } else if byte == LINE_FEED || self.is(byte, Character::EndOfLine) {
            self.echo_end(byte);
            self.end_line(Ready::Last(byte));
        } else {
            self.keep_marked(byte);
        }
    }

    /// An ordinary character. FFh is doubled where it could be the beginning of a mark.
    fn keep_marked(&mut self, byte: u8) {
        let flags = self.settings.input;
        if byte == 0xff && flags.contains(InputFlags::MARK_DAMAGED) && !flags.contains(InputFlags::STRIP) {
            self.keep(byte);
        }
        self.keep_and_echo(byte);
    }

    fn keep_and_echo(&mut self, byte: u8) {
        if self.edited.is_empty() {
            self.edit_column = self.column;
        }
        if self.keep(byte) {
            self.echo(byte);
        }
    }

    /// Keeps a character for readers, if there is room.
    fn keep(&mut self, byte: u8) -> bool {
        let is_canonical = self.has(LocalFlags::CANONICAL);
        let has_room = self.waiting() < MOST_INPUT && (!is_canonical || self.edited.len() < LONGEST_LINE);
        if !has_room {
            self.refuse();
        } else if is_canonical {
            self.edited.push(byte);
        } else {
            self.ready.push_back(Ready::Byte(byte));
        }
        has_room
    }

    fn refuse(&mut self) {
        if self.settings.input.contains(InputFlags::BELL_WHEN_FULL) {
            self.put_echo(BELL);
        }
    }

    /// The line is whole, if there is room for its end.
    fn end_line(&mut self, end: Ready) {
        if self.waiting() > MOST_INPUT {
            return self.refuse();
        }
        let edited = core::mem::take(&mut self.edited);
        self.ready.extend(edited.into_iter().map(Ready::Byte));
        self.ready.push_back(end);
        self.lines += 1;
        self.edit_column = self.column;
    }

    pub(super) fn waiting(&self) -> usize {
        self.ready.len() + self.edited.len()
    }

    /// Asks the other side to stop when there is little room, and to go on when there is much again.
    pub(super) fn look_at_room(&mut self) {
        let wants = self.settings.input.contains(InputFlags::STOP_SENDER);
        let waiting = self.waiting();
        // A line that is being edited must be able to end.
        let can_be_read = !self.has(LocalFlags::CANONICAL) || self.lines > 0;
        if !self.has_stopped_sender && wants && waiting >= HIGH_WATER && can_be_read {
            self.flow(Flow::StopInput);
        } else if self.has_stopped_sender && (waiting <= LOW_WATER || !can_be_read) {
            self.flow(Flow::StartInput);
        }
    }

    /// Stops or goes on.
    pub fn flow(&mut self, flow: Flow) {
        match flow {
            Flow::StopOutput => self.is_suspended = true,
            Flow::StartOutput => self.is_suspended = false,
            Flow::StopInput | Flow::StartInput => {
                let stops = flow == Flow::StopInput;
                self.has_stopped_sender = stops;
                let character = if stops { Character::Stop } else { Character::Start };
                let byte = self.settings.character(character);
                self.urgent = (byte != DISABLED).then_some(byte);
            }
        }
    }
}
