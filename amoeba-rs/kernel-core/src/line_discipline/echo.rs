//! What of the input is shown, and how what was shown vanishes again.

use super::output::next_tab;
use super::{ECHO_ROOM, LineDiscipline, MOST_OUTPUT};
use proto::terminal::{Character, LocalFlags, OutputFlags};

const BACKSPACE: u8 = 0x08;

impl LineDiscipline {
    /// Shows a character that was typed.
    pub(super) fn echo(&mut self, byte: u8) {
        if !self.has(LocalFlags::ECHO) {
            return;
        }
        if self.is_shown_with_caret(byte) {
            self.put_echo(b'^');
            self.put_echo(byte ^ 0x40);
        } else {
            self.put_echo(byte);
        }
    }

    /// Shows the end of a line.
    pub(super) fn echo_end(&mut self, byte: u8) {
        let only_line_feeds = LocalFlags::ECHO_LINE_FEED;
        if byte == b'\n' && (self.has(LocalFlags::ECHO) || self.has(only_line_feeds)) {
            self.put_echo(byte);
        } else {
            self.echo(byte);
        }
    }

    /// Control characters are, but for those that move the cursor as they should.
    fn is_shown_with_caret(&self, byte: u8) -> bool {
        let is_control = byte < b' ' || byte == 0x7f;
        is_control && !matches!(byte, b'\t' | b'\n') && self.has(LocalFlags::ECHO_CONTROL)
    }

    /// How many columns the cursor moves when a byte is shown in a column.
    fn width(&self, byte: u8, column: usize) -> usize {
        match byte {
            b'\t' => next_tab(column) - column,
            _ if self.is_shown_with_caret(byte) => 2,
            // What is no character of its own takes no place: control characters, and the bytes of UTF-8 behind the first.
            0..0x20 | 0x7f..0xc0 => 0,
            _ => 1,
        }
    }

    /// The column behind the first `count` characters of the line that is being edited.
    fn column_behind(&self, count: usize) -> usize {
        let edited = self.edited[..count].iter();
        edited.fold(self.edit_column, |column, byte| {
            column + self.width(*byte, column)
        })
    }

    pub(super) fn erase_last(&mut self) {
        self.erase(1);
    }

    /// Erases the word before the cursor, and the spaces behind it.
    pub(super) fn erase_word(&mut self) {
        let is_space = |byte: &&u8| matches!(**byte, b' ' | b'\t');
        let spaces = self.edited.iter().rev().take_while(is_space).count();
        let rest = &self.edited[..self.edited.len() - spaces];
        let word = rest.iter().rev().take_while(|byte| !is_space(byte)).count();
        self.erase(spaces + word);
    }

    pub(super) fn kill(&mut self) {
        let is_erased = self.has(LocalFlags::ECHO_ERASE) && !self.has(LocalFlags::ECHO_KILL);
        if is_erased {
            return self.erase(self.edited.len());
        }
        self.edited.clear();
        let kill = self.settings.character(Character::Kill);
        self.echo(kill);
        if self.has(LocalFlags::ECHO) && self.has(LocalFlags::ECHO_KILL) {
            self.put_echo(b'\n');
        }
        self.edit_column = self.column;
    }

    /// Erases characters at the end of the line, and on the screen.
    fn erase(&mut self, count: usize) {
        let left = self.edited.len().saturating_sub(count);
        if left == self.edited.len() {
            return;
        }
        let (before, after) = (self.column_behind(self.edited.len()), self.column_behind(left));
        self.edited.truncate(left);
        if !self.has(LocalFlags::ECHO) {
            return;
        }
        if !self.has(LocalFlags::ECHO_ERASE) {
            let erase = self.settings.character(Character::Erase);
            return self.echo(erase);
        }
        for _ in after..before {
            for byte in [BACKSPACE, b' ', BACKSPACE] {
                self.put_echo(byte);
            }
        }
    }

    /// Shows the line that is being edited on a new one.
    pub(super) fn reprint(&mut self, byte: u8) {
        if !self.has(LocalFlags::ECHO) {
            return;
        }
        self.echo(byte);
        self.put_echo(b'\n');
        self.edit_column = self.column;
        for place in 0..self.edited.len() {
            let byte = self.edited[place];
            self.echo(byte);
        }
    }

    /// Puts a byte out for an echo; without room it is not shown.
    pub(super) fn put_echo(&mut self, byte: u8) {
        if self.output.len() < MOST_OUTPUT + ECHO_ROOM {
            let processes = self.settings.output.contains(OutputFlags::PROCESS);
            if byte == b'\n' && !processes {
                // An echoed line feed leads to a new line for whoever types.
                self.put(b'\r');
            }
            self.put(byte);
        }
    }
}
