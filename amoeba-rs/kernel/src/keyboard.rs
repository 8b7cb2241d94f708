//! The keyboard behind the 8042, and the screen, as a terminal (IBM PC/AT Technical Reference, "Keyboard Controller" and
//! "Keyboard").

use crate::console;
use kernel_core::keyboard::{Keyboard, Lights};
use kernel_core::line_discipline::Received;
use kernel_core::news::News;
use kernel_core::ring::Ring;
use kernel_core::servers::terminal::Line;
use platform::interrupt_controller;
use platform::processor::{Port, without_interrupts};
use platform::shared::Shared;
use proto::terminal::ControlFlags;

/// Its interrupt.
pub(crate) const LINE: u8 = 1;

// SAFETY: the keyboard and its controller touch no memory.
const DATA: Port = unsafe { Port::new(0x60) };
// SAFETY: see DATA; of the commands that reset the processor or move A20 none is given here.
const CONTROLLER: Port = unsafe { Port::new(0x64) };
const OUTPUT_FULL: u8 = 0x01;
const INPUT_FULL: u8 = 0x02;
const WRITE_COMMAND_BYTE: u8 = 0x60;
const ENABLE_KEYBOARD: u8 = 0xae;
/// Interrupts, the flag of a passed self test, and scan codes translated to set 1.
const COMMAND_BYTE: u8 = 0x45;
const SET_LIGHTS: u8 = 0xed;
const ACKNOWLEDGE: u8 = 0xfa;
/// From here on a byte answers a command, or says that something is wrong; E0h and E1h are below.
const FIRST_ANSWER: u8 = 0xee;
/// A look takes about 1 us; the controller sends a byte on and has the response within 2000.
const PATIENCE: u32 = 10_000;

struct State {
    codes: Ring<u8, 64>,
    /// What the keyboard is to be told once it has acknowledged the command before.
    lights: Option<Lights>,
}

static STATE: Shared<State> = Shared::new(State {
    codes: Ring::new(0),
    lights: None,
});
static NEWS: News = News::none();

fn with<T>(action: impl FnOnce(&mut State) -> T) -> T {
    // SAFETY: interrupts are off, and no action calls this again, so it is the only reference.
    without_interrupts(|| action(unsafe { &mut *STATE.get() }))
}

/// Writes to the controller once it has taken what was written before.
fn write(port: Port, value: u8) {
    let is_free = (0..PATIENCE).any(|_| CONTROLLER.read() & INPUT_FULL == 0);
    if is_free {
        port.write(value);
    }
}

/// Has the keyboard interrupt.
pub(crate) fn start() {
    with(|_| {
        write(CONTROLLER, WRITE_COMMAND_BYTE);
        write(DATA, COMMAND_BYTE);
        write(CONTROLLER, ENABLE_KEYBOARD);
        // What was typed before is not for anybody.
        for _ in 0..FIRST_ANSWER {
            if CONTROLLER.read() & OUTPUT_FULL == 0 {
                break;
            }
            DATA.read();
        }
    });
    interrupt_controller::unmask(LINE);
}

/// Whether an interrupt has come since the last call.
pub(crate) fn take_news() -> bool {
    NEWS.take()
}

/// Takes what the keyboard has sent; called with interrupts off by the handler of its interrupt.
pub(crate) fn interrupt() {
    with(|state| {
        if CONTROLLER.read() & OUTPUT_FULL == 0 {
            return;
        }
        match DATA.read() {
            ACKNOWLEDGE => {
                if let Some(lights) = state.lights.take() {
                    write(DATA, lights.0);
                }
            }
            FIRST_ANSWER.. | 0 => state.lights = None,
            code => {
                state.codes.push(code);
                NEWS.bring();
            }
        }
    });
}

/// Keyboard and screen as a terminal.
pub(crate) struct ScreenLine {
    keyboard: Keyboard,
    /// What a key has sent and nobody has taken.
    typed: Ring<u8, 16>,
}

impl ScreenLine {
    pub(crate) fn new() -> ScreenLine {
        ScreenLine {
            keyboard: Keyboard::default(),
            typed: Ring::new(0),
        }
    }

    fn look_at_lights(&self, before: Lights) {
        let lights = self.keyboard.lights();
        if lights != before {
            with(|state| {
                state.lights = Some(lights);
                write(DATA, SET_LIGHTS);
            });
        }
    }
}

impl Line for ScreenLine {
    fn receive(&mut self) -> Option<Received> {
        while self.typed.is_empty() {
            let code = with(|state| state.codes.pop())?;
            let before = self.keyboard.lights();
            let typed = &mut self.typed;
            self.keyboard.scan(code, |byte| typed.push(byte));
            self.look_at_lights(before);
        }
        self.typed.pop().map(Received::Byte)
    }

    fn room(&self) -> usize {
        1
    }

    fn send(&mut self, byte: u8) {
        console::show(byte);
    }

    fn is_idle(&self) -> bool {
        true
    }

    fn set_break(&mut self, _is_on: bool) {}

    /// A screen has neither bits a second nor a format.
    fn set(&mut self, _speed: u32, _format: ControlFlags) -> bool {
        true
    }

    fn has_carrier(&self) -> bool {
        true
    }
}
