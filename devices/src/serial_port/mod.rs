//! National 16550A serial port, eight registers at 3F8h (IRQ 4) or 2F8h (IRQ 3).
//!
//! Sources: National Semiconductor PC16550D data sheet, "Registers" and "FIFO Interrupt Mode Operation"; IBM PC AT
//! Technical Reference (serial adapter) for the 1.8432 MHz crystal and for OUT2, which lets the interrupt through.
//!
//! A character takes its real time: the divisor times 16 crystal periods for each of its bits. The line at the other
//! end keeps the same format and speed. With divisor 0 nothing moves.
//! Left out: the level of the parity bit (the other end says which characters are damaged), and the length of a break;
//! a character that is sent while a break is on the line is lost.

mod registers;

use std::collections::VecDeque;

use clock::{Instant, Rate};
use registers::{
    FIFOS_ENABLED, FifoControl, InterruptEnable, LineControl, LineStatus, ModemControl, ModemStatus,
    NO_INTERRUPT_PENDING, Source,
};

use crate::alarm::Alarm;
use crate::interrupt_line::InterruptLine;
use crate::{Context, Effect};

const CRYSTAL: Rate = Rate::hertz(1_843_200);

/// Crystal periods in half a bit time, for divisor 1.
const TICKS_PER_HALF_BIT: u64 = 8;

/// Characters in each FIFO.
const FIFO_DEPTH: usize = 16;

/// The character timeout, in character times.
const TIMEOUT_CHARACTERS: u64 = 4;

/// 9600 bit/s. The chip's divisor is undefined at power-up; this is what a BIOS sets.
const DIVISOR_9600: u16 = 12;

/// What happened to a character on the line (data sheet, "Line Status Register").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineError {
    /// Its parity bit is wrong. A port that expects no parity bit does not notice.
    Parity,
    /// It has no stop bit.
    Framing,
    /// The line stayed at the spacing level for longer than a character.
    Break,
}

/// A line from the modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModemLine {
    /// CTS.
    ClearToSend,
    /// DSR.
    DataSetReady,
    /// RI.
    RingIndicator,
    /// DCD.
    CarrierDetect,
}

/// A character that has been received, with its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Character {
    byte: u8,
    errors: LineStatus,
}

/// A register, by its offset and the divisor access bit (data sheet, table I).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Register {
    /// RBR and THR.
    Data,
    DivisorLow,
    InterruptEnable,
    DivisorHigh,
    /// IIR and FCR.
    InterruptIdentification,
    LineControl,
    ModemControl,
    LineStatus,
    ModemStatus,
    Scratch,
}

/// A 16550A.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SerialPort {
    interrupt: InterruptLine,
    alarm: Alarm,
    interrupt_enable: InterruptEnable,
    fifo_control: FifoControl,
    line_control: LineControl,
    modem_control: ModemControl,
    modem_status: ModemStatus,
    /// The levels of the modem's lines, whatever the loopback shows.
    modem_lines: ModemStatus,
    scratch: u8,
    divisor: u16,
    /// The crystal's tick up to which everything is true.
    tick: u64,
    transmitter: Transmitter,
    receiver: Receiver,
}

/// The transmitter holding register or FIFO and the shift register.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Transmitter {
    queue: VecDeque<u8>,
    /// The character on the line and the tick at which it ends.
    shifting: Option<(u8, u64)>,
    /// THRE has not been shown since the last write. It is shown at this tick.
    shows_empty_at: Option<u64>,
    /// There were two characters in the FIFO at once since THRE was last shown.
    had_two: bool,
    /// THRE interrupts.
    is_interrupting: bool,
}

/// The line, the receiver buffer register or FIFO, and the character timeout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Receiver {
    /// Characters that the other end is still sending, the first of them now.
    line: VecDeque<Character>,
    /// When the first character of `line` has arrived.
    arrives_at: Option<u64>,
    queue: VecDeque<Character>,
    /// The errors of characters that have come to the top of the FIFO, until LSR is read.
    errors: LineStatus,
    last_read: u8,
    has_overrun: bool,
    times_out_at: Option<u64>,
    is_timed_out: bool,
}

impl SerialPort {
    /// A port that interrupts on IRQ `line` (0 to 15), in the state after its master reset, with something ready at
    /// the other end: the carrier, data set ready and clear to send lines are on.
    #[must_use]
    pub fn new(line: u8) -> Self {
        Self::with_lines(
            line,
            ModemStatus::CARRIER_DETECT | ModemStatus::DATA_SET_READY | ModemStatus::CLEAR_TO_SEND,
        )
    }

    /// The same with nothing in its connector: all modem lines are off.
    #[must_use]
    pub fn unconnected(line: u8) -> Self {
        Self::with_lines(line, ModemStatus::empty())
    }

    fn with_lines(line: u8, modem_lines: ModemStatus) -> Self {
        Self {
            interrupt: InterruptLine::new(line),
            alarm: Alarm::none(),
            interrupt_enable: InterruptEnable::empty(),
            fifo_control: FifoControl::empty(),
            line_control: LineControl::empty(),
            modem_control: ModemControl::empty(),
            modem_status: modem_lines,
            modem_lines,
            scratch: 0,
            divisor: DIVISOR_9600,
            tick: 0,
            transmitter: Transmitter::default(),
            receiver: Receiver::new(),
        }
    }

    /// Reads the register at `offset`; its three low bits count.
    pub fn read(&mut self, offset: u16, cx: &mut Context<'_>) -> u8 {
        self.advance(cx);
        let [divisor_low, divisor_high] = self.divisor.to_le_bytes();
        let value = match self.register(offset) {
            Register::Data => self.read_data(),
            Register::DivisorLow => divisor_low,
            Register::InterruptEnable => self.interrupt_enable.bits(),
            Register::DivisorHigh => divisor_high,
            Register::InterruptIdentification => self.identify_interrupt(),
            Register::LineControl => self.line_control.bits(),
            Register::ModemControl => self.modem_control.bits(),
            Register::LineStatus => self.read_line_status(),
            Register::ModemStatus => {
                let value = self.modem_status;
                self.modem_status -= ModemStatus::DELTAS;
                value.bits()
            }
            Register::Scratch => self.scratch,
        };
        self.settle(cx);
        value
    }

    /// Writes the register at `offset`; its three low bits count.
    pub fn write(&mut self, offset: u16, value: u8, cx: &mut Context<'_>) {
        self.advance(cx);
        let [low, high] = self.divisor.to_le_bytes();
        match self.register(offset) {
            Register::Data => self.write_data(value),
            Register::DivisorLow => self.divisor = u16::from_le_bytes([value, high]),
            Register::InterruptEnable => self.enable_interrupts(InterruptEnable::from_bits_truncate(value)),
            Register::DivisorHigh => self.divisor = u16::from_le_bytes([low, value]),
            Register::InterruptIdentification => {
                self.control_fifos(FifoControl::from_bits_truncate(value));
            }
            Register::LineControl => self.line_control = LineControl::from_bits_truncate(value),
            Register::ModemControl => {
                self.modem_control = ModemControl::from_bits_truncate(value);
                self.compare_modem_lines();
            }
            Register::LineStatus | Register::ModemStatus => {
                log::debug!("16550A status register {offset} cannot be written");
            }
            Register::Scratch => self.scratch = value,
        }
        self.start(self.tick + 1);
        self.settle(cx);
    }

    /// Whether a character is on its way out.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.transmitter.shifting.is_some()
    }

    /// The other end sends `byte`, after whatever it is still sending. It arrives a character time later.
    pub fn receive(&mut self, byte: u8, cx: &mut Context<'_>) {
        let errors = LineStatus::empty();
        self.send_from_afar(Character { byte, errors }, cx);
    }

    /// The other end sends `byte`, and it is damaged on its way.
    pub fn receive_damaged(&mut self, byte: u8, error: LineError, cx: &mut Context<'_>) {
        let character = match error {
            LineError::Parity => Character {
                byte,
                errors: LineStatus::PARITY_ERROR,
            },
            LineError::Framing => Character {
                byte,
                errors: LineStatus::FRAMING_ERROR,
            },
            // No stop bit comes either.
            LineError::Break => Character {
                byte: 0,
                errors: LineStatus::BREAK_INTERRUPT | LineStatus::FRAMING_ERROR,
            },
        };
        self.send_from_afar(character, cx);
    }

    fn send_from_afar(&mut self, character: Character, cx: &mut Context<'_>) {
        self.advance(cx);
        self.receiver.line.push_back(character);
        self.start(self.tick + 1);
        self.settle(cx);
    }

    /// The modem drives `line` on or off.
    pub fn set_modem_line(&mut self, line: ModemLine, is_on: bool, cx: &mut Context<'_>) {
        self.advance(cx);
        let line = match line {
            ModemLine::ClearToSend => ModemStatus::CLEAR_TO_SEND,
            ModemLine::DataSetReady => ModemStatus::DATA_SET_READY,
            ModemLine::RingIndicator => ModemStatus::RING_INDICATOR,
            ModemLine::CarrierDetect => ModemStatus::CARRIER_DETECT,
        };
        self.modem_lines.set(line, is_on);
        self.compare_modem_lines();
        self.settle(cx);
    }

    /// DTR at its pin: off in loopback.
    #[must_use]
    pub fn is_terminal_ready(&self) -> bool {
        self.modem_control.contains(ModemControl::DATA_TERMINAL_READY) && !self.is_looped()
    }

    /// RTS at its pin: off in loopback.
    #[must_use]
    pub fn is_requesting_to_send(&self) -> bool {
        self.modem_control.contains(ModemControl::REQUEST_TO_SEND) && !self.is_looped()
    }

    /// The alarm set with [`Effect::Wake`] rings.
    pub fn wake(&mut self, cx: &mut Context<'_>) {
        self.alarm.ring(cx.now());
        self.advance(cx);
        self.settle(cx);
    }

    /// The master reset (data sheet, table "Reset Configuration"). The divisor and the scratch register stay; what is
    /// on the line is lost.
    pub fn reset(&mut self, cx: &mut Context<'_>) {
        self.advance(cx);
        self.interrupt_enable = InterruptEnable::empty();
        self.fifo_control = FifoControl::empty();
        self.line_control = LineControl::empty();
        self.modem_control = ModemControl::empty();
        self.modem_status = self.modem_lines;
        self.transmitter = Transmitter::default();
        self.receiver = Receiver::new();
        self.settle(cx);
    }

    fn register(&self, offset: u16) -> Register {
        let is_divisor = self.line_control.contains(LineControl::DIVISOR_ACCESS);
        match offset & 7 {
            0 if is_divisor => Register::DivisorLow,
            0 => Register::Data,
            1 if is_divisor => Register::DivisorHigh,
            1 => Register::InterruptEnable,
            2 => Register::InterruptIdentification,
            3 => Register::LineControl,
            4 => Register::ModemControl,
            5 => Register::LineStatus,
            6 => Register::ModemStatus,
            _ => Register::Scratch,
        }
    }

    fn has_fifos(&self) -> bool {
        self.fifo_control.contains(FifoControl::ENABLE)
    }

    fn is_looped(&self) -> bool {
        self.modem_control.contains(ModemControl::LOOPBACK)
    }

    /// The crystal periods of `half_bits` half bit times.
    fn ticks(&self, half_bits: u64) -> u64 {
        half_bits * TICKS_PER_HALF_BIT * u64::from(self.divisor)
    }

    fn character_ticks(&self) -> u64 {
        self.ticks(self.line_control.half_bits())
    }

    /// When the character timeout is due if nothing moves after `tick`; never without FIFOs or without a baud clock.
    fn timeout_after(&self, tick: u64) -> Option<u64> {
        let is_possible = self.has_fifos() && self.divisor != 0;
        is_possible.then(|| tick + TIMEOUT_CHARACTERS * self.character_ticks())
    }

    fn read_data(&mut self) -> u8 {
        let timeout = self.timeout_after(self.tick);
        let receiver = &mut self.receiver;
        if let Some(character) = receiver.queue.pop_front() {
            receiver.last_read = character.byte;
            receiver.reveal();
        }
        receiver.is_timed_out = false;
        receiver.times_out_at = timeout.filter(|_| !receiver.queue.is_empty());
        receiver.last_read
    }

    fn write_data(&mut self, value: u8) {
        let depth = if self.has_fifos() { FIFO_DEPTH } else { 1 };
        let transmitter = &mut self.transmitter;
        transmitter.is_interrupting = false;
        transmitter.shows_empty_at = None;
        if transmitter.queue.len() == depth {
            log::debug!("16550A: a character is written to a full transmitter");
            if depth > 1 {
                return;
            }
            transmitter.queue.clear();
        }
        transmitter.queue.push_back(value);
        transmitter.had_two |= transmitter.queue.len() > 1;
    }

    fn read_line_status(&mut self) -> u8 {
        let mut status = LineStatus::empty();
        status.set(LineStatus::DATA_READY, !self.receiver.queue.is_empty());
        status.set(LineStatus::OVERRUN_ERROR, self.receiver.has_overrun);
        status |= self.receiver.errors;
        let has_errors = self.has_fifos() && self.receiver.has_errors();
        status.set(LineStatus::ERROR_IN_FIFO, has_errors);
        let is_holding_empty = self.transmitter.is_holding_empty();
        status.set(LineStatus::TRANSMITTER_HOLDING_EMPTY, is_holding_empty);
        let is_empty = is_holding_empty && self.transmitter.shifting.is_none();
        status.set(LineStatus::TRANSMITTER_EMPTY, is_empty);
        self.receiver.has_overrun = false;
        self.receiver.errors = LineStatus::empty();
        status.bits()
    }

    /// Enabling the transmitter interrupt while the transmitter is empty interrupts at once.
    fn enable_interrupts(&mut self, enable: InterruptEnable) {
        let is_new = enable.contains(InterruptEnable::TRANSMITTER_EMPTY)
            && !self.interrupt_enable.contains(InterruptEnable::TRANSMITTER_EMPTY);
        self.transmitter.is_interrupting |= is_new && self.transmitter.is_holding_empty();
        self.interrupt_enable = enable;
    }

    fn control_fifos(&mut self, control: FifoControl) {
        let is_switched = (control ^ self.fifo_control).contains(FifoControl::ENABLE);
        if !control.contains(FifoControl::ENABLE) {
            self.fifo_control = FifoControl::empty();
        } else {
            self.fifo_control = control - FifoControl::CLEAR_RECEIVER - FifoControl::CLEAR_TRANSMITTER;
        }
        let clears = |bit| is_switched || control.contains(FifoControl::ENABLE | bit);
        if clears(FifoControl::CLEAR_RECEIVER) {
            self.receiver.queue.clear();
            self.receiver.errors = LineStatus::empty();
            self.receiver.times_out_at = None;
            self.receiver.is_timed_out = false;
        }
        if clears(FifoControl::CLEAR_TRANSMITTER) && !self.transmitter.queue.is_empty() {
            self.transmitter.queue.clear();
            self.transmitter.show_empty();
        }
        // "The first transmitter interrupt after changing FCR0 will be immediate."
        self.transmitter.had_two |= is_switched;
    }

    /// The modem's lines as the port sees them: in loopback, its own outputs.
    fn seen_modem_lines(&self) -> ModemStatus {
        if !self.is_looped() {
            return self.modem_lines;
        }
        let mut lines = ModemStatus::empty();
        for (output, input) in [
            (ModemControl::REQUEST_TO_SEND, ModemStatus::CLEAR_TO_SEND),
            (ModemControl::DATA_TERMINAL_READY, ModemStatus::DATA_SET_READY),
            (ModemControl::OUT1, ModemStatus::RING_INDICATOR),
            (ModemControl::OUT2, ModemStatus::CARRIER_DETECT),
        ] {
            lines.set(input, self.modem_control.contains(output));
        }
        lines
    }

    fn compare_modem_lines(&mut self) {
        let before = self.modem_status - ModemStatus::DELTAS;
        let now = self.seen_modem_lines();
        let changed = before ^ now;
        let mut deltas = self.modem_status & ModemStatus::DELTAS;
        for (line, delta) in [
            (ModemStatus::CLEAR_TO_SEND, ModemStatus::DELTA_CLEAR_TO_SEND),
            (ModemStatus::DATA_SET_READY, ModemStatus::DELTA_DATA_SET_READY),
            (ModemStatus::CARRIER_DETECT, ModemStatus::DELTA_CARRIER_DETECT),
        ] {
            if changed.contains(line) {
                deltas |= delta;
            }
        }
        if (changed & before).contains(ModemStatus::RING_INDICATOR) {
            deltas |= ModemStatus::TRAILING_EDGE_RING;
        }
        self.modem_status = now | deltas;
    }

    /// The pending and enabled source of highest priority.
    fn source(&self) -> Option<Source> {
        let enabled = |bit| self.interrupt_enable.contains(bit);
        let trigger = if self.has_fifos() {
            self.fifo_control.trigger()
        } else {
            1
        };
        let has_line_error = self.receiver.has_overrun || !self.receiver.errors.is_empty();
        if enabled(InterruptEnable::LINE_STATUS) && has_line_error {
            Some(Source::ReceiverLineStatus)
        } else if enabled(InterruptEnable::RECEIVED_DATA) && self.receiver.queue.len() >= trigger {
            Some(Source::ReceivedData)
        } else if enabled(InterruptEnable::RECEIVED_DATA) && self.receiver.is_timed_out {
            Some(Source::CharacterTimeout)
        } else if enabled(InterruptEnable::TRANSMITTER_EMPTY) && self.transmitter.is_interrupting {
            Some(Source::TransmitterEmpty)
        } else if enabled(InterruptEnable::MODEM_STATUS) && self.modem_status.intersects(ModemStatus::DELTAS)
        {
            Some(Source::ModemStatus)
        } else {
            None
        }
    }

    /// IIR. Reading it takes the transmitter's interrupt away if that is the one it names.
    fn identify_interrupt(&mut self) -> u8 {
        let source = self.source();
        if source == Some(Source::TransmitterEmpty) {
            self.transmitter.is_interrupting = false;
        }
        let fifos = if self.has_fifos() { FIFOS_ENABLED } else { 0 };
        fifos | source.map_or(NO_INTERRUPT_PENDING, Source::identification)
    }

    /// The next tick at which something happens by itself.
    fn next_event(&self) -> Option<u64> {
        [
            self.receiver.arrives_at,
            self.transmitter.shifting.map(|(_, end)| end),
            self.transmitter.shows_empty_at,
            self.receiver.times_out_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn advance(&mut self, cx: &mut Context<'_>) {
        let now = CRYSTAL.ticks_at(cx.now());
        while let Some(tick) = self.next_event()
            && tick <= now
        {
            self.happen(tick, cx);
        }
        self.tick = self.tick.max(now);
    }

    /// Everything that happens at `tick`.
    fn happen(&mut self, tick: u64, cx: &mut Context<'_>) {
        if self.receiver.arrives_at == Some(tick) {
            self.receiver.arrives_at = None;
            let character = self.receiver.line.pop_front();
            if let Some(character) = character.filter(|_| !self.is_looped()) {
                self.accept(character, tick);
            }
        }
        if let Some((byte, end)) = self.transmitter.shifting
            && end == tick
        {
            self.transmitter.shifting = None;
            if self.is_looped() {
                let errors = LineStatus::empty();
                self.accept(Character { byte, errors }, tick);
            } else if !self.line_control.contains(LineControl::BREAK) {
                cx.emit(Effect::SerialOutput(byte));
            }
        }
        if self.transmitter.shows_empty_at == Some(tick) {
            self.transmitter.show_empty();
        }
        if self.receiver.times_out_at == Some(tick) {
            self.receiver.times_out_at = None;
            self.receiver.is_timed_out = true;
        }
        self.start(tick);
    }

    /// Starts, at `tick`, the characters for which the line is free in either direction.
    fn start(&mut self, tick: u64) {
        if self.divisor == 0 {
            return;
        }
        let end = tick + self.character_ticks();
        if self.receiver.arrives_at.is_none() && !self.receiver.line.is_empty() {
            self.receiver.arrives_at = Some(end);
        }
        if self.transmitter.shifting.is_some() {
            return;
        }
        if let Some(byte) = self.transmitter.queue.pop_front() {
            self.transmitter.shifting = Some((byte & self.line_control.data_mask(), end));
            if self.transmitter.queue.is_empty() {
                // In FIFO mode a lone character shows THRE only a character time later, less the stop bits.
                if self.has_fifos() && !self.transmitter.had_two {
                    let stop = self.ticks(self.line_control.stop_half_bits());
                    self.transmitter.shows_empty_at = Some(end - stop);
                } else {
                    self.transmitter.show_empty();
                }
            }
        }
    }

    /// A character has arrived in the receiver's shift register.
    fn accept(&mut self, mut character: Character, tick: u64) {
        let has_fifos = self.has_fifos();
        let timeout = self.timeout_after(tick);
        character.byte &= self.line_control.data_mask();
        if !self.line_control.contains(LineControl::PARITY) {
            character.errors -= LineStatus::PARITY_ERROR;
        }
        let receiver = &mut self.receiver;
        let depth = if has_fifos { FIFO_DEPTH } else { 1 };
        if receiver.queue.len() == depth {
            receiver.has_overrun = true;
            if has_fifos {
                return;
            }
            receiver.queue.clear();
        }
        receiver.queue.push_back(character);
        if receiver.queue.len() == 1 {
            receiver.reveal();
        }
        if !receiver.is_timed_out {
            receiver.times_out_at = timeout;
        }
    }

    /// Drives the interrupt and sets the alarm. In loopback OUT2 is inactive at its pin, so nothing gets through.
    fn settle(&mut self, cx: &mut Context<'_>) {
        let is_gated = self.modem_control.contains(ModemControl::OUT2) && !self.is_looped();
        let is_asserted = is_gated && self.source().is_some();
        self.interrupt.drive(is_asserted, cx);
        let event = self.next_event();
        self.alarm
            .set(event.map_or(Instant::NEVER, |tick| CRYSTAL.instant(tick)), cx);
    }
}

impl Receiver {
    fn new() -> Self {
        Self {
            line: VecDeque::new(),
            arrives_at: None,
            queue: VecDeque::new(),
            errors: LineStatus::empty(),
            last_read: 0,
            has_overrun: false,
            times_out_at: None,
            is_timed_out: false,
        }
    }

    /// A character has come to the top of the FIFO: its errors show in LSR.
    fn reveal(&mut self) {
        if let Some(character) = self.queue.front() {
            self.errors |= character.errors;
        }
    }

    /// Whether LSR has still to tell of an error.
    fn has_errors(&self) -> bool {
        let is_damaged = |character: &Character| !character.errors.is_empty();
        !self.errors.is_empty() || self.queue.iter().skip(1).any(is_damaged)
    }
}

impl Transmitter {
    /// THRE.
    fn is_holding_empty(&self) -> bool {
        self.queue.is_empty() && self.shows_empty_at.is_none()
    }

    fn show_empty(&mut self) {
        self.shows_empty_at = None;
        self.had_two = false;
        self.is_interrupting = true;
    }
}

#[cfg(test)]
mod tests;
