//! Intel 8042 keyboard controller of an AT at ports 60h and 64h, with a keyboard behind it, interrupt on IRQ 1.
//!
//! Source: IBM PC AT Technical Reference, "Keyboard Controller": status register, command byte, commands, input and
//! output port. It also wires the A20 gate and the processor's reset to its output port.
//!
//! The keyboard's line takes its time: 11 bits for a byte, each way. While the controller sends a byte and waits for the
//! response that the keyboard owes to each, it takes nothing more from the system: what is written then stays in the
//! input buffer, which shows full, and another write goes over it. At any other time it takes a byte and carries it out
//! at once; the few instructions of its program that this needs are not timed.
//!
//! A controller that disables the keyboard, has its output buffer full or wants to send itself holds the line's clock
//! low, which breaks off what the keyboard sends. It does so in whatever bit, where a real keyboard finishes a byte of
//! which it has sent ten bits.
//!
//! Left out: the password and mouse of the PS/2; pulses on output port bits other than the reset, which last 6 us; the
//! diagnostic dump; and the time-outs and the FEh of a keyboard that does not respond, as this one does during its test:
//! the controller stops waiting and says nothing.

mod keyboard;
mod translation;

use bitflags::bitflags;
use clock::{Instant, Span};
use keyboard::Keyboard;
use translation::set_2_to_set_1;

use crate::alarm::Alarm;
use crate::interrupt_line::InterruptLine;
use crate::{Context, Effect};

/// A byte on the keyboard's line has 11 bits (start, 8 data, odd parity, stop); the keyboard's clock has 10 to
/// 16.7 kHz, here 12.5 kHz.
const BYTE_TIME: Span = Span::from_microseconds(11 * 80);

/// How long the controller waits for the keyboard's response to a byte ("Sending Data to the Keyboard").
const RESPONSE_LIMIT: Span = Span::from_milliseconds(25);

bitflags! {
    /// The status register, port 64h.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct Status: u8 {
        const OUTPUT_BUFFER_FULL = 0x01;
        const INPUT_BUFFER_FULL = 0x02;
        /// The self test has passed.
        const SYSTEM_FLAG = 0x04;
        /// The last write was a command (port 64h).
        const WAS_COMMAND = 0x08;
        /// The keyboard lock is open.
        const NOT_INHIBITED = 0x10;
    }
}

bitflags! {
    /// The command byte, which is byte 0 of the controller's RAM.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct CommandByte: u8 {
        const INTERRUPT = 0x01;
        const SYSTEM_FLAG = 0x04;
        const INHIBIT_OVERRIDE = 0x08;
        const DISABLE_KEYBOARD = 0x10;
        /// Scan set 2 is translated into scan set 1.
        const TRANSLATE = 0x40;
    }
}

bitflags! {
    /// The output port.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct OutputPort: u8 {
        /// The processor runs; low resets it.
        const NOT_RESET = 0x01;
        const GATE_A20 = 0x02;
        const OUTPUT_BUFFER_FULL = 0x10;
        const INPUT_BUFFER_EMPTY = 0x20;
        const KEYBOARD_CLOCK = 0x40;
        const KEYBOARD_DATA = 0x80;
    }
}

/// The input port of an AT: the keyboard is not locked (80h), the display is colour (bit 6 clear), no manufacturing
/// jumper (20h), and 512 KiB on the system board (10h).
const INPUT_PORT: u8 = 0xB0;

/// The test inputs: T0 keyboard clock and T1 keyboard data, both high on an idle line.
const TEST_INPUTS: u8 = 0x03;

const SELF_TEST_PASSED: u8 = 0x55;
const INTERFACE_TEST_PASSED: u8 = 0x00;

/// The prefix of a released key in scan set 2.
const RELEASE: u8 = 0xF0;

/// Bytes of the controller's RAM that a program can reach.
const RAM_BYTES: usize = 32;

/// A command for the controller, port 64h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Command {
    ReadRam(u8),
    WriteRam(u8),
    SelfTest,
    InterfaceTest,
    DisableKeyboard,
    EnableKeyboard,
    ReadInputPort,
    ReadOutputPort,
    WriteOutputPort,
    WriteKeyboardOutputBuffer,
    ReadTestInputs,
    /// Pulls the output port bits low that are 0 in it.
    PulseOutputPort(u8),
}

impl Command {
    fn parse(value: u8) -> Option<Self> {
        Some(match value {
            0x20..=0x3F => Self::ReadRam(value & 0x1F),
            0x60..=0x7F => Self::WriteRam(value & 0x1F),
            0xAA => Self::SelfTest,
            0xAB => Self::InterfaceTest,
            0xAD => Self::DisableKeyboard,
            0xAE => Self::EnableKeyboard,
            0xC0 => Self::ReadInputPort,
            0xD0 => Self::ReadOutputPort,
            0xD1 => Self::WriteOutputPort,
            0xD2 => Self::WriteKeyboardOutputBuffer,
            0xE0 => Self::ReadTestInputs,
            0xF0..=0xFF => Self::PulseOutputPort(value & 0x0F),
            _ => return None,
        })
    }
}

/// What is on the keyboard's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Line {
    Idle,
    /// The byte is the keyboard's until `end`.
    ToController {
        end: Instant,
    },
    ToKeyboard {
        byte: u8,
        end: Instant,
    },
}

/// The 8042 and its keyboard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyboardController {
    interrupt: InterruptLine,
    alarm: Alarm,
    /// Byte 0 is the command byte.
    ram: [u8; RAM_BYTES],
    output_port: OutputPort,
    output_buffer: u8,
    is_output_full: bool,
    /// What the controller has not taken yet; `was_command` tells the port.
    input_buffer: Option<u8>,
    was_command: bool,
    /// A command that waits for its data byte at port 60h.
    awaits: Option<Command>,
    line: Line,
    /// The keyboard owes a response, for which the controller waits until then.
    response_until: Option<Instant>,
    /// The translation has taken a release prefix.
    is_release: bool,
    keyboard: Keyboard,
}

impl Default for KeyboardController {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyboardController {
    /// As it powers up: the keyboard is disabled, A20 is off; the keyboard has passed its own test. A BIOS then runs the
    /// self test (AAh at 64h, read 60h) and writes the command byte (60h at 64h, 45h at 60h: interrupt on, self test
    /// passed, translation on).
    #[must_use]
    pub fn new() -> Self {
        let mut ram = [0; RAM_BYTES];
        ram[0] = CommandByte::DISABLE_KEYBOARD.bits();
        Self {
            interrupt: InterruptLine::new(1),
            alarm: Alarm::none(),
            ram,
            output_port: OutputPort::NOT_RESET | OutputPort::KEYBOARD_CLOCK | OutputPort::KEYBOARD_DATA,
            output_buffer: 0,
            is_output_full: false,
            input_buffer: None,
            was_command: false,
            awaits: None,
            line: Line::Idle,
            response_until: None,
            is_release: false,
            keyboard: Keyboard::new(),
        }
    }

    /// Reads port 60h (data) or 64h (status); others give FFh.
    pub fn read(&mut self, port: u16, cx: &mut Context<'_>) -> u8 {
        self.advance(cx);
        let value = match port {
            0x60 => {
                self.is_output_full = false;
                self.output_buffer
            }
            0x64 => self.status().bits(),
            _ => 0xFF,
        };
        self.settle(cx);
        value
    }

    /// Writes port 60h (data) or 64h (command): into the input buffer, over whatever was there.
    pub fn write(&mut self, port: u16, value: u8, cx: &mut Context<'_>) {
        self.advance(cx);
        match port {
            0x60 | 0x64 => {
                self.input_buffer = Some(value);
                self.was_command = port == 0x64;
            }
            _ => log::debug!("the 8042 has no port {port:#x}"),
        }
        self.settle(cx);
    }

    /// A key makes or breaks: one byte of its code in scan set 2, the keyboard's own (F0h first for a release). The
    /// keyboard keeps 16.
    pub fn key(&mut self, scancode: u8, cx: &mut Context<'_>) {
        self.advance(cx);
        self.keyboard.key(scancode);
        self.settle(cx);
    }

    /// Whether the controller has still to take what the system wrote last, which may be a reset of the processor.
    #[must_use]
    pub fn has_input(&self) -> bool {
        self.input_buffer.is_some()
    }

    /// The keyboard's indicators: bit 0 scroll lock, 1 num lock, 2 caps lock.
    #[must_use]
    pub fn indicators(&self) -> u8 {
        self.keyboard.indicators()
    }

    /// Opens the A20 gate, as a BIOS or loader has done before it starts a 32-bit kernel.
    pub fn enable_a20(&mut self, cx: &mut Context<'_>) {
        self.set_output_port(self.output_port | OutputPort::GATE_A20, cx);
    }

    /// The alarm set with [`Effect::Wake`] rings.
    pub fn wake(&mut self, cx: &mut Context<'_>) {
        self.alarm.ring(cx.now());
        self.advance(cx);
        self.settle(cx);
    }

    /// The reset line: back to the power-up state, with A20 off. The keyboard, which has no reset line, starts anew
    /// with its controller all the same.
    pub fn reset(&mut self, cx: &mut Context<'_>) {
        self.set_output_port(self.output_port - OutputPort::GATE_A20, cx);
        *self = Self {
            interrupt: self.interrupt.clone(),
            alarm: self.alarm.clone(),
            ..Self::new()
        };
        self.settle(cx);
    }

    fn command_byte(&self) -> CommandByte {
        CommandByte::from_bits_retain(self.ram[0])
    }

    fn set_command_byte(&mut self, bit: CommandByte, is_set: bool) {
        let mut byte = self.command_byte();
        byte.set(bit, is_set);
        self.ram[0] = byte.bits();
    }

    fn status(&self) -> Status {
        let mut status = Status::NOT_INHIBITED;
        status.set(Status::OUTPUT_BUFFER_FULL, self.is_output_full);
        status.set(Status::INPUT_BUFFER_FULL, self.has_input());
        let is_tested = self.command_byte().contains(CommandByte::SYSTEM_FLAG);
        status.set(Status::SYSTEM_FLAG, is_tested);
        status.set(Status::WAS_COMMAND, self.was_command);
        status
    }

    /// Whether the controller takes nothing from the system: it sends a byte to the keyboard or waits for the response.
    /// None can come while its output buffer is full.
    fn is_busy(&self) -> bool {
        let is_waiting = self.response_until.is_some() && !self.is_output_full;
        is_waiting || matches!(self.line, Line::ToKeyboard { .. })
    }

    /// Takes at `now` what is in the input buffer if there is anything and the controller is not busy.
    fn take_input(&mut self, now: Instant, cx: &mut Context<'_>) {
        if self.is_busy() {
            return;
        }
        let Some(value) = self.input_buffer.take() else {
            return;
        };
        self.response_until = None;
        if !self.was_command {
            self.take_data(value, now, cx);
            return;
        }
        self.awaits = None;
        match Command::parse(value) {
            Some(command) => self.execute(command, cx),
            None => log::debug!("the 8042 has no command {value:02x}"),
        }
    }

    fn take_data(&mut self, value: u8, now: Instant, cx: &mut Context<'_>) {
        match self.awaits.take() {
            Some(Command::WriteRam(index)) => self.ram[usize::from(index)] = value,
            Some(Command::WriteOutputPort) => {
                self.set_output_port(OutputPort::from_bits_retain(value), cx);
            }
            Some(Command::WriteKeyboardOutputBuffer) => self.put(value),
            // A byte for the keyboard also enables its line, and breaks off what the keyboard sends.
            _ => {
                self.set_command_byte(CommandByte::DISABLE_KEYBOARD, false);
                self.line = Line::ToKeyboard {
                    byte: value,
                    end: now + BYTE_TIME,
                };
            }
        }
    }

    fn execute(&mut self, command: Command, cx: &mut Context<'_>) {
        match command {
            Command::ReadRam(index) => self.put(self.ram[usize::from(index)]),
            Command::WriteRam(_) | Command::WriteOutputPort | Command::WriteKeyboardOutputBuffer => {
                self.awaits = Some(command);
            }
            Command::SelfTest => {
                self.ram[0] = (CommandByte::DISABLE_KEYBOARD | CommandByte::SYSTEM_FLAG).bits();
                self.put(SELF_TEST_PASSED);
            }
            Command::InterfaceTest => self.put(INTERFACE_TEST_PASSED),
            Command::DisableKeyboard => self.set_command_byte(CommandByte::DISABLE_KEYBOARD, true),
            Command::EnableKeyboard => self.set_command_byte(CommandByte::DISABLE_KEYBOARD, false),
            Command::ReadInputPort => self.put(INPUT_PORT),
            Command::ReadOutputPort => {
                let mut value = self.output_port | OutputPort::INPUT_BUFFER_EMPTY;
                value.set(OutputPort::OUTPUT_BUFFER_FULL, self.is_output_full);
                self.put(value.bits());
            }
            Command::ReadTestInputs => self.put(TEST_INPUTS),
            Command::PulseOutputPort(high) => {
                if !OutputPort::from_bits_retain(high).contains(OutputPort::NOT_RESET) {
                    cx.emit(Effect::ResetProcessor);
                }
            }
        }
    }

    /// A reset bit that is left low would hold the processor for ever; here it is a pulse.
    fn set_output_port(&mut self, value: OutputPort, cx: &mut Context<'_>) {
        let changed = self.output_port ^ value;
        self.output_port = value | OutputPort::NOT_RESET;
        if changed.contains(OutputPort::GATE_A20) {
            cx.emit(Effect::KeyboardA20(value.contains(OutputPort::GATE_A20)));
        }
        if !value.contains(OutputPort::NOT_RESET) {
            cx.emit(Effect::ResetProcessor);
        }
    }

    /// Puts a byte into the output buffer, over whatever was there: before a command that answers a system disables the
    /// keyboard and takes what it has sent.
    fn put(&mut self, byte: u8) {
        self.output_buffer = byte;
        self.is_output_full = true;
    }

    /// The instant of the next thing that happens by itself.
    fn next_event(&self) -> Instant {
        let line = match self.line {
            Line::Idle => Instant::NEVER,
            Line::ToController { end } | Line::ToKeyboard { end, .. } => end,
        };
        [self.keyboard.test_until(), self.response_until]
            .into_iter()
            .flatten()
            .fold(line, Instant::min)
    }

    fn advance(&mut self, cx: &mut Context<'_>) {
        while self.next_event() <= cx.now() && self.next_event() != Instant::NEVER {
            self.happen(self.next_event(), cx);
        }
    }

    fn happen(&mut self, now: Instant, cx: &mut Context<'_>) {
        if self.keyboard.test_until() == Some(now) {
            self.keyboard.end_test();
        }
        match self.line {
            Line::ToController { end } if end == now => {
                self.line = Line::Idle;
                self.response_until = None;
                if let Some(byte) = self.keyboard.send() {
                    self.take_from_keyboard(byte);
                }
            }
            Line::ToKeyboard { byte, end } if end == now => {
                self.line = Line::Idle;
                self.response_until = Some(now + RESPONSE_LIMIT);
                self.keyboard.receive(byte, now);
            }
            _ => {}
        }
        if self.response_until == Some(now) {
            self.response_until = None;
        }
        self.go_on(now, cx);
    }

    /// What the controller does next, at `now`: what the system wants comes before the keyboard. It holds the keyboard
    /// back while its output buffer is full or the keyboard is disabled, even in the middle of a byte.
    fn go_on(&mut self, now: Instant, cx: &mut Context<'_>) {
        self.take_input(now, cx);
        let is_held = self.is_output_full || self.command_byte().contains(CommandByte::DISABLE_KEYBOARD);
        match self.line {
            Line::ToController { .. } if is_held => self.line = Line::Idle,
            Line::Idle if !is_held && self.keyboard.has_to_send() => {
                self.line = Line::ToController { end: now + BYTE_TIME };
            }
            _ => {}
        }
    }

    fn take_from_keyboard(&mut self, byte: u8) {
        if !self.command_byte().contains(CommandByte::TRANSLATE) {
            self.put(byte);
        } else if byte == RELEASE {
            self.is_release = true;
        } else {
            let release = if core::mem::take(&mut self.is_release) {
                0x80
            } else {
                0
            };
            self.put(set_2_to_set_1(byte) | release);
        }
    }

    fn settle(&mut self, cx: &mut Context<'_>) {
        self.go_on(cx.now(), cx);
        let is_requesting = self.is_output_full && self.command_byte().contains(CommandByte::INTERRUPT);
        self.interrupt.drive(is_requesting, cx);
        self.alarm.set(self.next_event(), cx);
    }
}

#[cfg(test)]
mod tests;
