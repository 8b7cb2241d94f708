//! The console: COM1.

use core::fmt::{self, Write};
use platform::serial;

/// The console as something to write to.
pub(crate) struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                serial::send(b'\r');
            }
            serial::send(byte);
        }
        Ok(())
    }
}

/// Prints a line on the console.
macro_rules! line {
    ($($arguments:tt)*) => {{
        use core::fmt::Write;
        // The console takes everything.
        let _ = writeln!($crate::console::Console, $($arguments)*);
    }};
}
pub(crate) use line;
