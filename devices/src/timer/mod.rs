//! Intel 8254 programmable interval timer at 1.193182 MHz, ports 40h to 43h.
//!
//! Source: Intel 8254 data sheet (231164), "Operational Description" and "Mode Definitions"; IBM PC AT Technical
//! Reference for the clock and the wiring: the output of counter 0 is IRQ 0, the gates of counters 0 and 1 are tied
//! high, the gate of counter 2 is bit 0 of port 61h.
//!
//! Nothing happens per tick: each counter knows in closed form where it is at any tick. Only the edges of counter 0
//! wake the board. If the board comes late, edges that nobody saw are told as one pulse at most.

mod counter;

use clock::{Instant, Rate};
use counter::{ControlWord, Counter};

use crate::Context;
use crate::alarm::Alarm;
use crate::interrupt_line::InterruptLine;

/// How many events of counter 0 are told one by one when the board comes late.
const EVENTS_TOLD: u32 = 4;

/// The control word's two top bits, when they name no counter: read-back (8254 data sheet, figure 11).
const READ_BACK: u8 = 3;

/// The 8254.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timer {
    counters: [Counter; 3],
    interrupt: InterruptLine,
    alarm: Alarm,
}

impl Default for Timer {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer {
    /// The clock of all three counters: a twelfth of 14.31818 MHz.
    pub const RATE: Rate = Rate::hertz(1_193_182);

    /// As it powers up: no counter is programmed and all outputs are low. (The data sheet leaves the state open.)
    #[must_use]
    pub fn new() -> Self {
        Self {
            counters: [Counter::new(true), Counter::new(true), Counter::new(false)],
            interrupt: InterruptLine::new(0),
            alarm: Alarm::none(),
        }
    }

    /// Reads a counter (40h to 42h). The control port (43h) drives nothing on a read and gives FFh, as do others.
    pub fn read(&mut self, port: u16, cx: &mut Context<'_>) -> u8 {
        self.advance(cx);
        match port {
            0x40..=0x42 => self.counters[usize::from(port - 0x40)].read(),
            _ => 0xFF,
        }
    }

    /// Writes a count (40h to 42h) or a control word (43h).
    pub fn write(&mut self, port: u16, value: u8, cx: &mut Context<'_>) {
        self.advance(cx);
        match port {
            0x40..=0x42 => self.counters[usize::from(port - 0x40)].write(value),
            0x43 => self.control(value),
            _ => log::debug!("the 8254 has no port {port:#x}"),
        }
        self.settle(cx);
    }

    /// Drives the gate of counter 2 (see [`Effect::Timer2Gate`](crate::Effect::Timer2Gate)).
    pub fn set_gate_2(&mut self, is_high: bool, cx: &mut Context<'_>) {
        self.advance(cx);
        self.counters[2].set_gate(is_high);
        self.settle(cx);
    }

    /// The output of `counter` (0 to 2) at `now`, which must not lie before the last call.
    #[must_use]
    pub fn output(&self, counter: usize, now: Instant) -> bool {
        let mut counter = self.counters[counter].clone();
        counter.advance(Self::RATE.ticks_at(now));
        counter.output()
    }

    /// The alarm set with [`Effect::Wake`](crate::Effect::Wake) rings.
    pub fn wake(&mut self, cx: &mut Context<'_>) {
        self.alarm.ring(cx.now());
        self.advance(cx);
        self.settle(cx);
    }

    /// Back to the power-up state. (The chip has no reset pin and an AT's reset line leaves it alone.)
    pub fn reset(&mut self, cx: &mut Context<'_>) {
        self.advance(cx);
        let tick = Self::RATE.ticks_at(cx.now());
        for counter in &mut self.counters {
            counter.reset(tick);
        }
        self.settle(cx);
    }

    fn control(&mut self, value: u8) {
        if value >> 6 == READ_BACK {
            let command = ReadBack::from_bits_retain(value);
            for (index, counter) in self.counters.iter_mut().enumerate() {
                if value & (2 << index) != 0 {
                    if !command.contains(ReadBack::KEEP_STATUS) {
                        counter.latch_status();
                    }
                    if !command.contains(ReadBack::KEEP_COUNT) {
                        counter.latch_count();
                    }
                }
            }
            return;
        }
        let counter = &mut self.counters[usize::from(value >> 6)];
        match ControlWord::parse(value) {
            Some(word) => counter.program(word),
            None => counter.latch_count(),
        }
    }

    /// Brings all counters to the present and tells the edges of counter 0 on the way.
    fn advance(&mut self, cx: &mut Context<'_>) {
        let now = Self::RATE.ticks_at(cx.now());
        for _ in 0..EVENTS_TOLD {
            match self.counters[0].next_event() {
                Some(tick) if tick <= now => self.counters[0].advance(tick),
                _ => break,
            }
            self.interrupt.drive(self.counters[0].output(), cx);
        }
        for counter in &mut self.counters {
            counter.advance(now);
        }
        self.settle(cx);
    }

    fn settle(&mut self, cx: &mut Context<'_>) {
        self.interrupt.drive(self.counters[0].output(), cx);
        let event = self.counters[0].next_event();
        self.alarm
            .set(event.map_or(Instant::NEVER, |tick| Self::RATE.instant(tick)), cx);
    }
}

bitflags::bitflags! {
    /// The read-back command (8254 data sheet, figure 11). Bits 1 to 3 select counters 0 to 2.
    #[derive(Clone, Copy, Debug)]
    struct ReadBack: u8 {
        /// The status of the selected counters is not latched.
        const KEEP_STATUS = 0x10;
        /// The count of the selected counters is not latched.
        const KEEP_COUNT = 0x20;
    }
}

#[cfg(test)]
mod tests;
