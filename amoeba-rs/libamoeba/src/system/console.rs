//! Output: what is printed goes to the terminal that the program was given, a line at a time.

use super::Kernel;
use super::mutex::Mutex;
use crate::Transactions;
use crate::standard::{request, succeed};
use core::fmt;
use proto::capability::Capability;

/// The command of a terminal: write.
const WRITE: u16 = 4053;
/// What is printed at once.
const LONGEST_LINE: usize = 160;

struct Console {
    terminal: Option<Capability>,
    line: [u8; LONGEST_LINE],
    length: usize,
}

static CONSOLE: Mutex<Console> = Mutex::new(Console {
    terminal: None,
    line: [0; LONGEST_LINE],
    length: 0,
});

/// Has output go to that terminal.
pub fn set(terminal: &Capability) {
    CONSOLE.lock().terminal = Some(*terminal);
}

impl Console {
    /// Writes what has gathered. Output that nobody takes is lost.
    fn flush(&mut self) {
        if self.length == 0 {
            return;
        }
        if let Some(terminal) = &self.terminal {
            let mut header = request(terminal, WRITE);
            header.size = self.length as u16;
            let reply = Kernel.trans(&header, &self.line[..self.length], &mut []);
            let _ = reply.and_then(|(header, _)| succeed(&header));
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
    CONSOLE.lock().flush();
}

/// Prints; called by [`println`](crate::println).
pub fn print(arguments: fmt::Arguments<'_>) {
    // The console takes everything.
    let _ = fmt::Write::write_fmt(&mut *CONSOLE.lock(), arguments);
}

/// Prints on the program's terminal, at once.
#[macro_export]
macro_rules! print {
    ($($arguments:tt)*) => {{
        $crate::system::console::print(format_args!($($arguments)*));
        $crate::system::console::flush();
    }};
}

/// Prints a line on the program's terminal.
#[macro_export]
macro_rules! println {
    ($($arguments:tt)*) => {
        $crate::system::console::print(format_args!("{}\n", format_args!($($arguments)*)))
    };
}
