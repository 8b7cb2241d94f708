//! Output: what is printed goes to the stream `STDOUT` that the program was given, or else to its terminal, a line at a time; what is told of
//! errors goes to `STDERR` likewise. A program that writes much does so by a [`stream`](crate::stream).

use super::Kernel;
use super::mutex::Mutex;
use crate::stream;
use core::fmt;
use proto::capability::Capability;

/// What is printed at once.
const LONGEST_LINE: usize = 160;

struct Console {
    stream: Capability,
    line: [u8; LONGEST_LINE],
    length: usize,
}

impl Console {
    const fn new() -> Console {
        Console {
            stream: Capability::NULL,
            line: [0; LONGEST_LINE],
            length: 0,
        }
    }
}

static OUTPUT: Mutex<Console> = Mutex::new(Console::new());
static ERRORS: Mutex<Console> = Mutex::new(Console::new());

/// Has output and what is told of errors go to these streams; the null capability takes everything.
pub fn set(output: &Capability, errors: &Capability) {
    OUTPUT.lock().stream = *output;
    ERRORS.lock().stream = *errors;
}

impl Console {
    /// Writes what has gathered. Output that nobody takes is lost.
    fn flush(&mut self) {
        if self.length > 0 && self.stream != Capability::NULL {
            let _ = stream::write(&mut Kernel, &self.stream, &self.line[..self.length]);
        }
        self.length = 0;
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.line[self.length] = byte;
            self.length += 1;
            if byte == b'\n' || self.length == LONGEST_LINE {
                self.flush();
            }
        }
        Ok(())
    }
}

/// Writes what has been printed since the last end of a line.
pub fn flush() {
    OUTPUT.lock().flush();
}

/// Prints; called by [`println`](crate::println).
pub fn print(arguments: fmt::Arguments<'_>) {
    // The console takes everything.
    let _ = fmt::Write::write_fmt(&mut *OUTPUT.lock(), arguments);
}

/// Tells of an error; called by [`eprintln`](crate::eprintln).
pub fn print_error(arguments: fmt::Arguments<'_>) {
    // What was printed before stands before it.
    flush();
    let _ = fmt::Write::write_fmt(&mut *ERRORS.lock(), arguments);
}

/// Prints on the program's output, at once.
#[macro_export]
macro_rules! print {
    ($($arguments:tt)*) => {{
        $crate::system::console::print(format_args!($($arguments)*));
        $crate::system::console::flush();
    }};
}

/// Prints a line on the program's output.
#[macro_export]
macro_rules! println {
    ($($arguments:tt)*) => {
        $crate::system::console::print(format_args!("{}\n", format_args!($($arguments)*)))
    };
}

/// Tells of an error in a line.
#[macro_export]
macro_rules! eprintln {
    ($($arguments:tt)*) => {
        $crate::system::console::print_error(format_args!("{}\n", format_args!($($arguments)*)))
    };
}
