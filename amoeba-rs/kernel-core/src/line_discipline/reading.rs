//! When a read is over, and with what.

use super::{LineDiscipline, Ready};
use crate::machine::Milliseconds;
use alloc::vec::Vec;
use proto::terminal::{Character, LocalFlags};

/// A tenth of a second.
const TENTH: Milliseconds = 100;

/// Somebody who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// How many bytes there is room for.
    pub wanted: usize,
    /// When the read began.
    pub began: Milliseconds,
    /// When it is over even with nothing.
    pub deadline: Milliseconds,
}

/// How a read stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It is over: what there was, and whether that is the end of the file.
    Done {
        /// The bytes.
        bytes: Vec<u8>,
        /// Nothing comes behind them.
        is_end: bool,
    },
    /// It is not over before something comes, or before this time.
    Waits(Milliseconds),
}

impl LineDiscipline {
    /// Gives a reader what it can have.
    pub fn read(&mut self, now: Milliseconds, reader: &Reader) -> Reading {
        if reader.wanted == 0 {
            return self.take_bytes(0);
        }
        let over = self.over(reader);
        if over <= now {
            let count = reader.wanted.min(self.ready.len());
            return if self.has(LocalFlags::CANONICAL) {
                self.take_line(reader.wanted)
            } else {
                self.take_bytes(count)
            };
        }
        if self.is_hung_up {
            return Reading::Done {
                bytes: Vec::new(),
                is_end: true,
            };
        }
        Reading::Waits(over)
    }

    /// When a read is over, as things stand; 0 for at once.
    pub fn due(&self, reader: &Reader) -> Milliseconds {
        if reader.wanted == 0 || self.is_hung_up {
            0
        } else {
            self.over(reader)
        }
    }

    fn over(&self, reader: &Reader) -> Milliseconds {
        if self.has(LocalFlags::CANONICAL) {
            return if self.lines > 0 { 0 } else { reader.deadline };
        }
        let setting = |character| self.settings.character(character);
        let minimum = usize::from(setting(Character::Minimum));
        let time = Milliseconds::from(setting(Character::Time)) * TENTH;
        let count = self.ready.len();
        let over = match (minimum, time) {
            _ if count > 0 && count >= minimum.min(reader.wanted) => 0,
            (0, time) => reader.began + time,
            (_, 0) => Milliseconds::MAX,
            // The time between characters counts from the first one on.
            (_, time) if count > 0 => reader.began.max(self.last_input) + time,
            _ => Milliseconds::MAX,
        };
        over.min(reader.deadline)
    }

    /// A line, or as much of it as there is room for; nothing if none is whole.
    fn take_line(&mut self, wanted: usize) -> Reading {
        let mut bytes = Vec::new();
        let mut is_end = false;
        while self.lines > 0 && bytes.len() < wanted {
            match self.ready.pop_front() {
                Some(Ready::Byte(byte)) => bytes.push(byte),
                Some(Ready::Last(byte)) => {
                    bytes.push(byte);
                    self.lines -= 1;
                    break;
                }
                Some(Ready::End) => {
                    is_end = bytes.is_empty();
                    self.lines -= 1;
                    break;
                }
                None => break,
            }
        }
        // An end behind exactly as many bytes as were wanted ends them, and not the file.
        if !bytes.is_empty() && self.ready.front() == Some(&Ready::End) && bytes.len() == wanted {
            self.ready.pop_front();
            self.lines -= 1;
        }
        self.look_at_room();
        Reading::Done { bytes, is_end }
    }

    fn take_bytes(&mut self, count: usize) -> Reading {
        let mut bytes = Vec::new();
        for ready in self.ready.drain(..count) {
            // Lines and ends from before the settings changed lose their meaning.
            match ready {
                Ready::Byte(byte) => bytes.push(byte),
                Ready::Last(byte) => {
                    bytes.push(byte);
                    self.lines -= 1;
                }
                Ready::End => self.lines -= 1,
            }
        }
        self.look_at_room();
        Reading::Done { bytes, is_end: false }
    }
}
