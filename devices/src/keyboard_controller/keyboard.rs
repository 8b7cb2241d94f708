//! The keyboard at the other end of the cable: an IBM enhanced (MF2) keyboard as far as its commands go.
//!
//! Source: IBM PC AT Technical Reference (1986 edition), "Keyboard": commands from and to the system, 16-byte buffer,
//! basic assurance test. What the controller breaks off on the line is kept and sent again. Left out: scan set 3 itself
//! (a program can select it, and the scan codes come as given), and the repetition of held keys, which is up to whoever
//! presses them.

use std::collections::VecDeque;

use clock::{Instant, Span};

use super::translation::set_2_to_set_1;

/// Scan codes that wait for the line or are on it; one more and there is only room for the overrun code.
const BUFFER: usize = 16;

/// Answers that wait for the line, which take no room in the buffer ("Keyboard Buffer"). A controller that takes them
/// leaves three at most; a system that writes on without reading gets so many, and then none of them.
const ANSWERS: usize = 16;

/// The basic assurance test takes 300 to 500 ms.
const ASSURANCE_TEST: Span = Span::from_milliseconds(300);

/// What a keyboard says.
mod answer {
    pub(super) const OVERRUN_SET_1: u8 = 0xFF;
    pub(super) const OVERRUN: u8 = 0x00;
    pub(super) const ASSURANCE_TEST_PASSED: u8 = 0xAA;
    pub(super) const ECHO: u8 = 0xEE;
    pub(super) const ACKNOWLEDGE: u8 = 0xFA;
    pub(super) const RESEND: u8 = 0xFE;
    /// An MF2 keyboard.
    pub(super) const IDENTITY: [u8; 2] = [0xAB, 0x83];
}

/// The prefix of a released key in scan sets 2 and 3.
const RELEASE: u8 = 0xF0;

/// A command of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Command {
    SetIndicators,
    Echo,
    SelectScanSet,
    ReadIdentity,
    SetTypematic,
    Enable,
    DefaultAndDisable,
    SetDefault,
    /// Makes all keys of scan set 3 of one type.
    SetAllKeys,
    /// Changes the type of single keys of scan set 3; the keys follow.
    SetKey,
    Resend,
    Reset,
}

impl Command {
    fn parse(byte: u8) -> Option<Self> {
        Some(match byte {
            0xED => Self::SetIndicators,
            0xEE => Self::Echo,
            0xF0 => Self::SelectScanSet,
            0xF2 => Self::ReadIdentity,
            0xF3 => Self::SetTypematic,
            0xF4 => Self::Enable,
            0xF5 => Self::DefaultAndDisable,
            0xF6 => Self::SetDefault,
            0xF7..=0xFA => Self::SetAllKeys,
            0xFB..=0xFD => Self::SetKey,
            0xFE => Self::Resend,
            0xFF => Self::Reset,
            _ => return None,
        })
    }
}

/// The keyboard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Keyboard {
    /// Answers to commands, which go before scan codes.
    answers: VecDeque<u8>,
    buffer: VecDeque<u8>,
    has_overrun: bool,
    last_sent: u8,
    /// A command that waits for its option byte.
    awaits: Option<Command>,
    is_scanning: bool,
    scan_set: u8,
    /// A release prefix was taken, to be merged into the next code (scan set 1).
    is_release: bool,
    indicators: u8,
    /// The basic assurance test goes on until then.
    test_until: Option<Instant>,
}

impl Keyboard {
    pub(super) fn new() -> Self {
        Self {
            answers: VecDeque::new(),
            buffer: VecDeque::new(),
            has_overrun: false,
            last_sent: 0,
            awaits: None,
            is_scanning: true,
            scan_set: 2,
            is_release: false,
            indicators: 0,
            test_until: None,
        }
    }

    /// The indicators: bit 0 scroll lock, 1 num lock, 2 caps lock.
    pub(super) fn indicators(&self) -> u8 {
        self.indicators
    }

    /// A key makes or breaks: one byte of its code in scan set 2.
    pub(super) fn key(&mut self, scancode: u8) {
        if !self.is_scanning || self.test_until.is_some() {
            return;
        }
        if self.scan_set != 1 {
            self.store(scancode);
        } else if scancode == RELEASE {
            self.is_release = true;
        } else {
            let release = if core::mem::take(&mut self.is_release) {
                0x80
            } else {
                0
            };
            self.store(set_2_to_set_1(scancode) | release);
        }
    }

    fn store(&mut self, code: u8) {
        if self.buffer.len() < BUFFER {
            self.buffer.push_back(code);
        } else if !self.has_overrun {
            self.has_overrun = true;
            self.buffer.push_back(if self.scan_set == 1 {
                answer::OVERRUN_SET_1
            } else {
                answer::OVERRUN
            });
        }
    }

    /// A keyboard that waits for an option byte sends no scan codes.
    fn is_reporting(&self) -> bool {
        self.is_scanning && self.awaits.is_none() && self.test_until.is_none()
    }

    /// Whether a byte waits for the line or is on it.
    pub(super) fn has_to_send(&self) -> bool {
        !self.answers.is_empty() || self.is_reporting() && !self.buffer.is_empty()
    }

    /// A byte has reached the controller. Until then the keyboard keeps it, for the controller may break it off: on the
    /// line is the first of the answers, else of the buffer, and nothing comes before it meanwhile.
    pub(super) fn send(&mut self) -> Option<u8> {
        let byte = match self.answers.pop_front() {
            Some(byte) => byte,
            None if self.is_reporting() => {
                let byte = self.buffer.pop_front()?;
                self.has_overrun &= !self.buffer.is_empty();
                byte
            }
            None => return None,
        };
        self.last_sent = byte;
        Some(byte)
    }

    /// When the basic assurance test ends.
    pub(super) fn test_until(&self) -> Option<Instant> {
        self.test_until
    }

    /// The basic assurance test has passed.
    pub(super) fn end_test(&mut self) {
        self.test_until = None;
        self.answers.push_back(answer::ASSURANCE_TEST_PASSED);
    }

    /// A byte from the system has arrived at `now`. What the keyboard had still to answer goes before its answer.
    pub(super) fn receive(&mut self, byte: u8, now: Instant) {
        if self.test_until.is_some() {
            log::debug!("the keyboard hears nothing during its test");
            return;
        }
        if self.answers.len() >= ANSWERS {
            log::debug!("nobody takes the answers of the keyboard");
            self.answers.clear();
        }
        let command = Command::parse(byte);
        match (self.awaits.take(), command) {
            (Some(waiting), None) => self.take_option(waiting, byte),
            (_, Some(command)) => self.execute(command, now),
            (None, None) => self.answer(&[answer::RESEND]),
        }
    }

    fn answer(&mut self, bytes: &[u8]) {
        self.answers.extend(bytes);
    }

    fn take_option(&mut self, command: Command, option: u8) {
        match command {
            Command::SetIndicators => self.indicators = option & 7,
            Command::SetTypematic => log::debug!("typematic rate and delay {option:02x}"),
            Command::SelectScanSet if option == 0 => {
                return self.answer(&[answer::ACKNOWLEDGE, self.scan_set]);
            }
            Command::SelectScanSet if option <= 3 => {
                self.scan_set = option;
                self.buffer.clear();
            }
            // Any number of keys may follow.
            Command::SetKey => self.awaits = Some(Command::SetKey),
            _ => return self.answer(&[answer::RESEND]),
        }
        self.answer(&[answer::ACKNOWLEDGE]);
    }

    fn execute(&mut self, command: Command, now: Instant) {
        match command {
            Command::Echo => return self.answer(&[answer::ECHO]),
            Command::Resend => return self.answer(&[self.last_sent]),
            Command::ReadIdentity => {
                self.answer(&[answer::ACKNOWLEDGE]);
                return self.answer(&answer::IDENTITY);
            }
            Command::SetIndicators | Command::SelectScanSet | Command::SetTypematic => {
                self.awaits = Some(command);
            }
            Command::SetKey => {
                self.awaits = Some(command);
                self.buffer.clear();
            }
            Command::SetAllKeys => self.buffer.clear(),
            Command::Enable => {
                self.buffer.clear();
                self.is_scanning = true;
            }
            Command::SetDefault => self.set_default(true),
            Command::DefaultAndDisable => self.set_default(false),
            Command::Reset => {
                *self = Self::new();
                self.test_until = Some(now + ASSURANCE_TEST);
            }
        }
        self.answer(&[answer::ACKNOWLEDGE]);
    }

    fn set_default(&mut self, is_scanning: bool) {
        *self = Self {
            is_scanning,
            answers: core::mem::take(&mut self.answers),
            last_sent: self.last_sent,
            indicators: self.indicators,
            ..Self::new()
        };
    }
}
