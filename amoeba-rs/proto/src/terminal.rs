//! Terminals: the commands of their server, what it tells its clients, and their settings.
//!
//! The codes are Amoeba's. What the facts at hand leave open is chosen here: settings are four words of flags, the control
//! characters in the order of [`Character`], and the speed; a window size is four numbers of two bytes.

use crate::Error;
use crate::marshal::{Reader, Writer};
use bitflags::bitflags;

codes! {
    /// A command for files that are read and written in sequence.
    Command: u16 {
        /// Make one.
        Create = 4051,
        /// Read at most as many bytes as the header's size says; in the reply extra is 1 at the end of the file.
        Read = 4052,
        /// Write what comes with the request; the reply's size says how much was written.
        Write = 4053,
        /// Give it another name.
        Link = 4054,
        /// It is no longer used.
        Close = 4055,
        /// Tell how it is: offset in the reply is how many bytes can be read at once, extra is 1 after a hang-up.
        Status = 4056,
        /// Control it.
        Control = 4057,
        /// Copy it.
        Copy = 4058,
        /// Say whom to tell of interrupts: the capability comes with the request; a null one is nobody.
        SetInterrupt = 4059,
        /// Read, but wait no longer than the header's offset says, in milliseconds.
        TimedRead = 4060,
    }
}

codes! {
    /// A command for the settings of a terminal.
    SettingsCommand: u16 {
        /// Tell the settings.
        GetAttributes = 3200,
        /// Change the settings; the header's extra field says [`When`].
        SetAttributes = 3201,
        /// Send a break, of as many milliseconds as the header's offset says, 0 for a quarter of a second.
        SendBreak = 3202,
        /// Wait until all output has gone.
        Drain = 3203,
        /// Forget what has not been read or sent; the header's extra field says [`Queue`].
        Flush = 3204,
        /// Stop or go on; the header's extra field says [`Flow`].
        Flow = 3205,
        /// Tell the size of the window.
        GetWindowSize = 3206,
        /// Change the size of the window.
        SetWindowSize = 3207,
    }
}

codes! {
    /// What a terminal tells the server whose capability it was given. The header's extra field holds the [`Signal`].
    Notice: u16 {
        /// The interrupt character was typed, on a terminal with settings.
        SettingsInterrupt = 3201,
        /// The interrupt character was typed, on a terminal without.
        Interrupt = 4001,
        /// The line was hung up.
        Hangup = 4002,
        /// The interrupt character was typed while somebody was in a transaction with the terminal.
        Interrupted = 4003,
        /// The size of the window has changed.
        WindowSize = 4004,
        /// A character for another signal was typed.
        Signal = 4005,
    }
}

codes! {
    /// Signals, by their numbers in Unix.
    Signal: u16 {
        /// The line was hung up (SIGHUP).
        Hangup = 1,
        /// The interrupt character was typed (SIGINT).
        Interrupt = 2,
        /// The quit character was typed (SIGQUIT).
        Quit = 3,
        /// The suspend character was typed (SIGTSTP).
        Suspend = 20,
        /// The window has another size (SIGWINCH).
        WindowSize = 28,
    }
}

codes! {
    /// When settings change.
    When: u16 {
        /// At once.
        Now = 0,
        /// After all output has gone.
        Drained = 1,
        /// After all output has gone; what has not been read is forgotten.
        Flushed = 2,
    }
}

codes! {
    /// What is to be forgotten.
    Queue: u16 {
        /// What has not been read.
        Input = 0,
        /// What has not been sent.
        Output = 1,
        /// Both.
        Both = 2,
    }
}

codes! {
    /// What is to stop or go on.
    Flow: u16 {
        /// Output stops.
        StopOutput = 0,
        /// Output goes on.
        StartOutput = 1,
        /// The other side is asked to stop.
        StopInput = 2,
        /// The other side is asked to go on.
        StartInput = 3,
    }
}

bitflags! {
    /// What is done with characters that come in (POSIX 1003.1, section 11.2.2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct InputFlags: u32 {
        /// A break is an interrupt (BRKINT).
        const BREAK_INTERRUPTS = 0x0001;
        /// A carriage return becomes a line feed (ICRNL).
        const RETURN_TO_LINE_FEED = 0x0002;
        /// A break is nothing (IGNBRK).
        const IGNORE_BREAK = 0x0004;
        /// A carriage return is nothing (IGNCR).
        const IGNORE_RETURN = 0x0008;
        /// A damaged character is nothing (IGNPAR).
        const IGNORE_DAMAGED = 0x0010;
        /// A line feed becomes a carriage return (INLCR).
        const LINE_FEED_TO_RETURN = 0x0020;
        /// Damaged characters are noticed (INPCK).
        const CHECK_PARITY = 0x0040;
        /// Characters lose their highest bit (ISTRIP).
        const STRIP = 0x0080;
        /// The other side is asked to stop before there is no more room (IXOFF).
        const STOP_SENDER = 0x0100;
        /// Its stop and start characters stop and start output (IXON).
        const STOPPED_BY_RECEIVER = 0x0200;
        /// Damaged characters are marked: FFh, 0, the character (PARMRK).
        const MARK_DAMAGED = 0x0400;
        /// Any character starts output again (IXANY).
        const ANY_STARTS = 0x0800;
        /// A character for which there is no room rings the bell (IMAXBEL).
        const BELL_WHEN_FULL = 0x1000;
    }
}

bitflags! {
    /// What is done with characters that go out.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OutputFlags: u32 {
        /// All of the following (OPOST).
        const PROCESS = 0x0001;
        /// A carriage return goes before a line feed (ONLCR).
        const LINE_FEED_TO_BOTH = 0x0002;
        /// A carriage return becomes a line feed (OCRNL).
        const RETURN_TO_LINE_FEED = 0x0004;
        /// A carriage return in the first column is nothing (ONOCR).
        const NO_RETURN_AT_START = 0x0008;
        /// A line feed leads to the first column by itself (ONLRET).
        const LINE_FEED_RETURNS = 0x0010;
        /// Tabs become spaces (XTABS).
        const EXPAND_TABS = 0x0020;
    }
}

bitflags! {
    /// The line itself.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ControlFlags: u32 {
        /// There is no modem whose carrier matters (CLOCAL).
        const LOCAL = 0x0001;
        /// Characters are received (CREAD).
        const RECEIVE = 0x0002;
        /// Seven bits (CS7).
        const SEVEN_BITS = 0x0010;
        /// Eight bits (CS8).
        const EIGHT_BITS = 0x0030;
        /// Two stop bits (CSTOPB).
        const TWO_STOP_BITS = 0x0040;
        /// Hang up with the last close (HUPCL).
        const HANG_UP = 0x0080;
        /// A parity bit (PARENB).
        const PARITY = 0x0100;
        /// It is odd (PARODD).
        const ODD_PARITY = 0x0200;
    }
}

bitflags! {
    /// How lines are edited and echoed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LocalFlags: u32 {
        /// What is typed is shown (ECHO).
        const ECHO = 0x0001;
        /// What is erased vanishes from the screen (ECHOE).
        const ECHO_ERASE = 0x0002;
        /// A new line is begun after a line was killed (ECHOK).
        const ECHO_KILL = 0x0004;
        /// A line feed is shown even if nothing else is (ECHONL).
        const ECHO_LINE_FEED = 0x0008;
        /// Lines are edited and read whole (ICANON).
        const CANONICAL = 0x0010;
        /// More control characters are known (IEXTEN).
        const EXTENDED = 0x0020;
        /// Control characters give signals (ISIG).
        const SIGNALS = 0x0040;
        /// A signal forgets nothing (NOFLSH).
        const NO_FLUSH = 0x0080;
        /// Background processes may not write (TOSTOP); for those who keep process groups.
        const STOP_BACKGROUND = 0x0100;
        /// Control characters are shown as `^X` (ECHOCTL).
        const ECHO_CONTROL = 0x0200;
    }
}

/// Control characters, by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Character {
    /// Ends what is typed without a line feed (VEOF).
    EndOfFile,
    /// Ends a line, too (VEOL).
    EndOfLine,
    /// Erases a character (VERASE).
    Erase,
    /// Gives the signal interrupt (VINTR).
    Interrupt,
    /// Erases the line (VKILL).
    Kill,
    /// A read is over with so many characters (VMIN).
    Minimum,
    /// Gives the signal quit (VQUIT).
    Quit,
    /// Gives the signal suspend (VSUSP).
    Suspend,
    /// A read is over after so many tenths of a second (VTIME).
    Time,
    /// Starts output again (VSTART).
    Start,
    /// Stops output (VSTOP).
    Stop,
    /// Erases a word (VWERASE).
    EraseWord,
    /// Shows the line again (VREPRINT).
    Reprint,
    /// Takes the next character as it is (VLNEXT).
    LiteralNext,
}

/// How many control characters there are.
pub const CHARACTERS: usize = 14;
/// A control character that is never typed (_POSIX_VDISABLE).
pub const DISABLED: u8 = 0;

/// The settings of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What comes in.
    pub input: InputFlags,
    /// What goes out.
    pub output: OutputFlags,
    /// The line.
    pub control: ControlFlags,
    /// Editing and echo.
    pub local: LocalFlags,
    /// The control characters, by [`Character`].
    pub characters: [u8; CHARACTERS],
    /// Bits a second.
    pub speed: u32,
}

impl Settings {
    /// Bytes of the settings in a request or reply.
    pub const LENGTH: usize = 4 * 4 + CHARACTERS + 4;

    /// A terminal for a person who types lines: eight bits, 115200 bits a second, echo, and the usual characters. Backspace
    /// erases; so does delete, always.
    pub const USUAL: Settings = Settings {
        input: InputFlags::BREAK_INTERRUPTS
            .union(InputFlags::RETURN_TO_LINE_FEED)
            .union(InputFlags::STOPPED_BY_RECEIVER)
            .union(InputFlags::BELL_WHEN_FULL),
        output: OutputFlags::PROCESS.union(OutputFlags::LINE_FEED_TO_BOTH),
        control: ControlFlags::LOCAL
            .union(ControlFlags::RECEIVE)
            .union(ControlFlags::EIGHT_BITS),
        local: LocalFlags::ECHO
            .union(LocalFlags::ECHO_ERASE)
            .union(LocalFlags::ECHO_KILL)
            .union(LocalFlags::CANONICAL)
            .union(LocalFlags::EXTENDED)
            .union(LocalFlags::SIGNALS)
            .union(LocalFlags::ECHO_CONTROL),
        characters: [
            0x04, DISABLED, 0x08, 0x03, 0x15, 1, 0x1c, 0x1a, 0, 0x11, 0x13, 0x17, 0x12, 0x16,
        ],
        speed: 115_200,
    };

    /// Which byte a control character is.
    pub const fn character(&self, character: Character) -> u8 {
        self.characters[character as usize]
    }

    /// Reads settings; flags that are not known are an error ([`Error::Check`]).
    pub fn parse(reader: &mut Reader<'_>) -> Result<Settings, Error> {
        let settings = Settings {
            input: InputFlags::from_bits(reader.u32()?).ok_or(Error::Check)?,
            output: OutputFlags::from_bits(reader.u32()?).ok_or(Error::Check)?,
            control: ControlFlags::from_bits(reader.u32()?).ok_or(Error::Check)?,
            local: LocalFlags::from_bits(reader.u32()?).ok_or(Error::Check)?,
            characters: *reader.bytes(CHARACTERS)?.first_chunk().ok_or(Error::Truncated)?,
            speed: reader.u32()?,
        };
        Ok(settings)
    }

    /// Writes the settings.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        writer.u32(self.input.bits())?;
        writer.u32(self.output.bits())?;
        writer.u32(self.control.bits())?;
        writer.u32(self.local.bits())?;
        writer.bytes(&self.characters)?;
        writer.u32(self.speed)
    }
}

/// The size of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowSize {
    /// Rows of characters.
    pub rows: u16,
    /// Columns of characters.
    pub columns: u16,
    /// Dots across.
    pub width: u16,
    /// Dots down.
    pub height: u16,
}

impl WindowSize {
    /// Bytes of it in a request or reply.
    pub const LENGTH: usize = 8;

    /// Reads a size.
    pub fn parse(reader: &mut Reader<'_>) -> Result<WindowSize, Error> {
        Ok(WindowSize {
            rows: reader.u16()?,
            columns: reader.u16()?,
            width: reader.u16()?,
            height: reader.u16()?,
        })
    }

    /// Writes the size.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        let numbers = [self.rows, self.columns, self.width, self.height];
        numbers.iter().try_for_each(|number| writer.u16(*number))
    }
}

#[cfg(test)]
mod tests {
    use super::{Character, Settings, WindowSize};
    use crate::Error;
    use crate::marshal::{Reader, Writer};

    #[test]
    fn settings_read_back_and_unknown_flags_are_refused() {
        let mut bytes = [0; Settings::LENGTH];
        let mut writer = Writer::new(&mut bytes);
        Settings::USUAL.emit(&mut writer).unwrap();
        assert_eq!(writer.length(), Settings::LENGTH);
        assert_eq!(Settings::parse(&mut Reader::new(&bytes)), Ok(Settings::USUAL));
        for word in 0..4 {
            let mut wrong = bytes;
            wrong[4 * word + 3] = 0x80;
            assert_eq!(Settings::parse(&mut Reader::new(&wrong)), Err(Error::Check));
        }
        let short = Settings::parse(&mut Reader::new(&bytes[1..]));
        assert!(short.is_err());
    }

    #[test]
    fn the_usual_characters_are_those_of_a_unix_terminal() {
        let usual = Settings::USUAL;
        for (character, byte) in [
            (Character::EndOfFile, 4),
            (Character::EndOfLine, 0),
            (Character::Erase, 8),
            (Character::Interrupt, 3),
            (Character::Kill, 0x15),
            (Character::Minimum, 1),
            (Character::Quit, 0x1c),
            (Character::Suspend, 0x1a),
            (Character::Time, 0),
            (Character::Start, 0x11),
            (Character::Stop, 0x13),
            (Character::EraseWord, 0x17),
            (Character::Reprint, 0x12),
            (Character::LiteralNext, 0x16),
        ] {
            assert_eq!(usual.character(character), byte, "{character:?}");
        }
    }

    #[test]
    fn a_window_size_is_four_numbers() {
        let size = WindowSize {
            rows: 25,
            columns: 80,
            width: 720,
            height: 400,
        };
        let mut bytes = [0; WindowSize::LENGTH];
        size.emit(&mut Writer::new(&mut bytes)).unwrap();
        assert_eq!(bytes, [25, 0, 80, 0, 0xd0, 2, 0x90, 1]);
        assert_eq!(WindowSize::parse(&mut Reader::new(&bytes)), Ok(size));
    }
}
