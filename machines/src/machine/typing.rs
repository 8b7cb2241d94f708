//! What is typed on a machine: characters that a terminal sends to COM1, and keys of its keyboard.
//!
//! COM1 receives at the speed that its port is programmed for. The keyboard's typist presses a key every 20 ms; the codes take
//! their time on the keyboard's line, and who does not fetch them loses some, as on any AT. A machine that is off or has
//! stopped hears nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use clock::{Instant, Span};

use super::Machine;
use super::power::{Origin, Switch};
use crate::keyboard_layout::{self, Stroke};
use crate::lab::InputDevice;

/// From one keystroke to the next: a fast typist's pace, and time enough for the six codes of a key with shift (5.3 ms).
const STROKE_INTERVAL: Span = Span::from_milliseconds(20);

/// Someone at a machine's keyboard.
#[derive(Clone, Debug, Default)]
pub(super) struct Typist {
    strokes: VecDeque<Stroke>,
    /// The next keystroke has its instant.
    is_typing: bool,
}

impl Machine {
    /// `text` is typed at `at`, after what is still being typed on that device. Bytes that no key is for are left out.
    pub(super) fn type_text(&mut self, at: Instant, device: InputDevice, text: &Arc<[u8]>) {
        match device {
            InputDevice::Com1 => {
                if self.is_running() {
                    let now = self.board.seen(self.now().max(at));
                    self.board.receive_serial(now, text);
                }
            }
            InputDevice::Keyboard => {
                let mut rest = &text[..];
                while !rest.is_empty() {
                    match keyboard_layout::strokes(rest) {
                        Ok(strokes) => {
                            self.typist.strokes.extend(strokes);
                            break;
                        }
                        Err(place) => {
                            let known = keyboard_layout::strokes(&rest[..place]);
                            self.typist.strokes.extend(known.into_iter().flatten());
                            rest = &rest[place + 1..];
                        }
                    }
                }
                if !self.typist.is_typing {
                    self.typist.is_typing = true;
                    self.press_next_key(at);
                }
            }
        }
    }

    /// The typist's next keystroke, if there is one.
    pub(super) fn press_next_key(&mut self, at: Instant) {
        let Some(stroke) = self.typist.strokes.pop_front() else {
            self.typist.is_typing = false;
            return;
        };
        if self.is_running() {
            let now = self.board.seen(self.now().max(at));
            self.board.press_keys(now, &stroke);
        }
        self.schedule(at + STROKE_INTERVAL, Origin::Lab, Switch::NextKey);
    }
}
