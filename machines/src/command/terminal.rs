//! What is printed and where: results on standard output, progress and messages on standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;

use super::arguments::{Colour, Format, OutputArguments};
use crate::folder::HostError;

/// How much `-q` it takes to hide a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Importance {
    /// Hidden by `-q`.
    Detail,
    /// Hidden by `-qq`.
    Result,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgressStyle {
    /// One line at the bottom of a terminal this many characters wide, redrawn.
    BottomLine {
        /// Characters.
        width: usize,
    },
    /// Plain lines at growing intervals.
    PlainLines,
    /// None.
    Off,
}

/// What a colour means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Worth a look.
    Odd,
}

/// The two streams and how they are used.
pub(crate) struct Terminal {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    format: Format,
    quiet: u8,
    is_coloured: bool,
    has_coloured_messages: bool,
    progress: ProgressStyle,
    has_bottom_line: bool,
    trouble: Option<io::Error>,
}

impl Terminal {
    /// The process's own streams.
    pub(crate) fn standard(arguments: &OutputArguments) -> Self {
        let is_bottom_line = io::stderr().is_terminal() && arguments.verbose == 0;
        let progress = match (arguments.quiet, is_bottom_line) {
            (1.., _) => ProgressStyle::Off,
            (0, true) => ProgressStyle::BottomLine {
                width: terminal_width(),
            },
            (0, false) => ProgressStyle::PlainLines,
        };
        let mut terminal = Self::with_streams(Box::new(io::stdout()), Box::new(io::stderr()), arguments);
        terminal.progress = progress;
        let is_coloured = |is_terminal| match arguments.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => is_terminal && environment_allows_colour(),
        };
        terminal.is_coloured = is_coloured(io::stdout().is_terminal());
        terminal.has_coloured_messages = is_coloured(io::stderr().is_terminal());
        terminal
    }

    /// Any two streams, without colour or progress.
    pub(crate) fn with_streams(
        out: Box<dyn Write>,
        err: Box<dyn Write>,
        arguments: &OutputArguments,
    ) -> Self {
        Self {
            out,
            err,
            format: arguments.format,
            quiet: arguments.quiet,
            is_coloured: false,
            has_coloured_messages: false,
            progress: ProgressStyle::Off,
            has_bottom_line: false,
            trouble: None,
        }
    }

    /// How results are printed.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// How progress is shown.
    pub(crate) fn progress_style(&self) -> ProgressStyle {
        self.progress
    }

    /// Whether messages on standard error are coloured.
    pub(crate) fn has_coloured_messages(&self) -> bool {
        self.has_coloured_messages
    }

    /// `text` in the colour of its meaning, if there is colour.
    pub(crate) fn painted(&self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Good => 32,
            Paint::Bad => 31,
            Paint::Odd => 33,
        };
        if self.is_coloured {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Prints what was asked for, in whatever format, whatever `-q` says.
    pub(crate) fn result(&mut self, text: &str) {
        self.clear_bottom_line();
        self.write_out(text);
    }

    /// Prints a line for people; in the formats for programs it is left out.
    pub(crate) fn line(&mut self, importance: Importance, text: &str) {
        if self.format == Format::Human && !self.hides(importance) {
            self.clear_bottom_line();
            self.write_out(text);
            self.write_out("\n");
        }
    }

    /// Prints a line of a guest's console; beside the formats for programs it goes to standard error.
    pub(crate) fn console(&mut self, text: &str) {
        if self.hides(Importance::Result) {
            return;
        }
        self.clear_bottom_line();
        if self.format == Format::Human {
            self.write_out(text);
            self.write_out("\n");
        } else {
            self.write_err(&format!("{text}\n"));
        }
    }

    /// Prints a message about something wrong, whatever `-q` says.
    pub(crate) fn complain(&mut self, text: &str) {
        self.clear_bottom_line();
        self.write_err(&format!("{}\n", text.trim_end()));
    }

    /// Prints a message about something odd, unless `-q`.
    pub(crate) fn warn(&mut self, text: &str) {
        if !self.hides(Importance::Detail) {
            self.complain(text);
        }
    }

    /// Shows how far things are.
    pub(crate) fn progress(&mut self, text: &str) {
        match self.progress {
            ProgressStyle::Off => {}
            ProgressStyle::PlainLines => self.write_err(&format!("{text}\n")),
            ProgressStyle::BottomLine { width } => {
                let cut: String = text.chars().take(width.saturating_sub(1)).collect();
                self.write_err(&format!("\r\x1b[K{cut}"));
                self.has_bottom_line = true;
            }
        }
    }

    /// Takes the bottom line away.
    pub(crate) fn clear_bottom_line(&mut self) {
        if self.has_bottom_line {
            self.write_err("\r\x1b[K");
            self.has_bottom_line = false;
        }
    }

    /// Hands everything to the host. A reader who has gone away is no trouble, a full disk is.
    pub(crate) fn finish(&mut self) -> Result<(), HostError> {
        self.clear_bottom_line();
        let flushed = self.out.flush();
        self.note(flushed);
        match self.trouble.take() {
            Some(reason) if reason.kind() != ErrorKind::BrokenPipe => {
                Err(HostError::new("write", Path::new("standard output"), reason))
            }
            _ => Ok(()),
        }
    }

    fn hides(&self, importance: Importance) -> bool {
        match importance {
            Importance::Detail => self.quiet >= 1,
            Importance::Result => self.quiet >= 2,
        }
    }

    fn write_out(&mut self, text: &str) {
        if self.trouble.is_none() {
            let written = self
                .out
                .write_all(text.as_bytes())
                .and_then(|()| self.out.flush());
            self.note(written);
        }
    }

    /// Standard error is where trouble is told: when it fails there is no one left to tell.
    fn write_err(&mut self, text: &str) {
        let _ = self
            .err
            .write_all(text.as_bytes())
            .and_then(|()| self.err.flush());
    }

    fn note(&mut self, written: io::Result<()>) {
        if let Err(reason) = written {
            self.trouble.get_or_insert(reason);
        }
    }
}

/// Width of the terminal behind standard error, 80 if it does not say.
fn terminal_width() -> usize {
    terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0))
}

/// `NO_COLOR` and dumb terminals.
pub(crate) fn environment_allows_colour() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Screen, output_arguments};
    use super::*;

    #[test]
    fn one_q_hides_details_and_two_hide_results_but_never_complaints() {
        let screen = Screen::default();
        let mut terminal = screen.terminal(&OutputArguments {
            quiet: 1,
            ..output_arguments()
        });
        terminal.line(Importance::Detail, "detail");
        terminal.line(Importance::Result, "result");
        assert_eq!(screen.out(), "result\n");
        let screen = Screen::default();
        let mut terminal = screen.terminal(&OutputArguments {
            quiet: 2,
            ..output_arguments()
        });
        terminal.line(Importance::Result, "result");
        terminal.complain("wrong");
        assert_eq!((screen.out(), screen.err()), (String::new(), "wrong\n".into()));
    }

    #[test]
    fn the_bottom_line_is_cut_to_the_width_and_gone_before_the_next_line() {
        let screen = Screen::default();
        let mut terminal = screen.terminal(&output_arguments());
        terminal.progress = ProgressStyle::BottomLine { width: 5 };
        terminal.progress("123456");
        terminal.line(Importance::Result, "line");
        assert_eq!(screen.err(), "\r\x1b[K1234\r\x1b[K");
        assert_eq!(screen.out(), "line\n");
    }

    #[test]
    fn a_reader_who_went_away_is_no_trouble_but_a_full_disk_is() {
        struct Broken(ErrorKind);
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for (kind, is_trouble) in [(ErrorKind::BrokenPipe, false), (ErrorKind::StorageFull, true)] {
            let out = Box::new(Broken(kind));
            let mut terminal = Terminal::with_streams(out, Box::new(io::sink()), &output_arguments());
            terminal.result("text");
            assert_eq!(terminal.finish().is_err(), is_trouble);
        }
    }
}
