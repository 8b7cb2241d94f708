//! `amlab console`: this terminal becomes the terminal of a machine, or its keyboard and screen.
//!
//! Whatever is typed goes to the machine as it is; Ctrl-] leaves. The lab goes on.

use std::io::{self, IsTerminal, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use serde_json::Value;

use super::arguments::ConsoleArguments;
use super::control::protocol::{Request, to_bytes, to_text};
use super::ctl::{Link, say};
use super::exit::Exit;
use super::failure::Failure;
use super::terminal::{Importance, Terminal};
use crate::lab::InputDevice;

/// Ctrl-].
const LEAVE: u8 = 0x1D;
/// How often the screen is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A terminal that hands every key over as it is, until this goes.
struct RawMode(Option<Termios>);

impl RawMode {
    /// Of the standard input, if it is a terminal.
    fn enter() -> Self {
        let stdin = io::stdin();
        let Ok(before) = tcgetattr(&stdin) else {
            return Self(None);
        };
        let mut raw = before.clone();
        raw.make_raw();
        let is_raw = tcsetattr(&stdin, OptionalActions::Drain, &raw).is_ok();
        Self(is_raw.then_some(before))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // There is nobody to tell if the terminal is gone.
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, before);
        }
    }
}

/// Attaches this terminal to a machine until Ctrl-], the end of the input or of the run.
pub(crate) fn console(arguments: &ConsoleArguments, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let mut link = Link::connect(&arguments.run)?;
    let machine = arguments.machine.clone();
    let first = if arguments.keyboard {
        Request::Screen { machine }
    } else {
        Request::Attach { machine }
    };
    let answer = link.ask(first)?.unwrap_or_default();
    if answer["ok"] != true {
        return Err(Failure::Usage {
            code: "console::machine",
            message: answer["message"]
                .as_str()
                .unwrap_or("the run has ended")
                .to_owned(),
        });
    }
    if io::stdin().is_terminal() {
        let line = format!("attached to {}; leave with Ctrl-]", arguments.machine);
        terminal.line(Importance::Result, &line);
    }
    let raw = RawMode::enter();
    let device = if arguments.keyboard {
        InputDevice::Keyboard
    } else {
        InputDevice::Com1
    };
    let (machine, writer) = (arguments.machine.clone(), link.writer()?);
    let typist = std::thread::spawn(move || hand_over_keys(&machine, device, writer));
    let shown = if arguments.keyboard {
        show_screen(&mut link, &arguments.machine)
    } else {
        show_console(&mut link)
    };
    drop(raw);
    shown?;
    let has_left = typist.is_finished();
    terminal.line(
        Importance::Result,
        if has_left {
            "left; the lab goes on"
        } else {
            "the run has ended"
        },
    );
    Ok(Exit::Good)
}

/// Hands every key to the lab, until Ctrl-] or the end of the input; then the connection ends.
fn hand_over_keys(machine: &str, device: InputDevice, mut writer: UnixStream) {
    let mut stdin = io::stdin().lock();
    let mut keys = [0; 1024];
    while let Ok(count @ 1..) = stdin.read(&mut keys) {
        let typed = &keys[..count];
        let (typed, leaves) = match typed.iter().position(|key| *key == LEAVE) {
            Some(place) => (&typed[..place], true),
            None => (typed, false),
        };
        let request = Request::Type {
            machine: machine.to_owned(),
            text: String::new(),
            bytes: to_text(typed),
            device,
        };
        if (!typed.is_empty() && say(&mut writer, request).is_err()) || leaves {
            break;
        }
    }
    // The lab ends the connection when it has done all this, and whoever shows what the machine prints leaves too.
    let _ = writer.shutdown(Shutdown::Write);
}

/// Writes what the machine prints, as it is.
fn show_console(link: &mut Link) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    while let Some(line) = link.hear()? {
        if line["event"] != "console" {
            continue;
        }
        let bytes = line["bytes"].as_str().and_then(to_bytes).unwrap_or_default();
        if out.write_all(&bytes).and_then(|()| out.flush()).is_err() {
            break;
        }
    }
    Ok(())
}

/// Draws the machine's screen whenever it changes.
fn show_screen(link: &mut Link, machine: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let mut before = Value::Null;
    loop {
        let request = Request::Screen {
            machine: machine.to_owned(),
        };
        // A connection that cannot be written to has been left.
        let Ok(Some(answer)) = link.ask(request) else {
            return Ok(());
        };
        if answer["lines"] != before {
            before = answer["lines"].clone();
            if out
                .write_all(drawn(&before).as_bytes())
                .and_then(|()| out.flush())
                .is_err()
            {
                return Ok(());
            }
        }
        std::thread::sleep(LOOK);
    }
}

/// The sequences that draw a screen: from its first line on, each line's rest cleared.
fn drawn(lines: &Value) -> String {
    let lines = lines.as_array().map_or(&[][..], Vec::as_slice);
    let mut text = String::from("\x1b[H");
    for line in lines.iter().filter_map(Value::as_str) {
        text.push_str(line.trim_end());
        text.push_str("\x1b[K\r\n");
    }
    text.push_str("\x1b[J");
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_screen_is_drawn_from_its_corner_and_clears_what_was_there() {
        let text = drawn(&json!(["a  ", "", "b"]));
        assert_eq!(text, "\x1b[Ha\x1b[K\r\n\x1b[K\r\nb\x1b[K\r\n\x1b[J");
    }
}
