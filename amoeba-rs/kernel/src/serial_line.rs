//! COM1 by interrupts: what the kernel prints and what the terminal on it sends go out one behind the other, as the
//! transmitter empties, and what comes in is kept until the terminal's server looks (National Semiconductor, PC16550D data
//! sheet, sections 8 and 8.6). A 16550A is given as many characters at a time as its FIFO holds, any other chip one.
//!
//! Before [`start`], and after [`stop`], everything is sent by polling.

use core::sync::atomic::{AtomicBool, Ordering};
use kernel_core::line_discipline::Received;
use kernel_core::news::News;
use kernel_core::ring::Ring;
use kernel_core::servers::terminal::Line;
use platform::interrupt_controller;
use platform::processor::{Port, without_interrupts};
use platform::serial;
use platform::shared::Shared;
use proto::terminal::ControlFlags;

/// Its interrupt.
pub(crate) const LINE: u8 = 4;

// SAFETY: the ports of a serial line touch no memory.
const DATA: Port = unsafe { Port::new(0x3f8) };
// SAFETY: see DATA.
const INTERRUPT_ENABLE: Port = unsafe { Port::new(0x3f9) };
// SAFETY: see DATA.
const INTERRUPT_CAUSE: Port = unsafe { Port::new(0x3fa) };
// SAFETY: see DATA.
const LINE_CONTROL: Port = unsafe { Port::new(0x3fb) };
// SAFETY: see DATA.
const MODEM_CONTROL: Port = unsafe { Port::new(0x3fc) };
// SAFETY: see DATA.
const LINE_STATUS: Port = unsafe { Port::new(0x3fd) };
// SAFETY: see DATA.
const MODEM_STATUS: Port = unsafe { Port::new(0x3fe) };

/// Received data, transmitter empty, line status, modem status.
const ALL_CAUSES: u8 = 0x0f;
const NOTHING_PENDING: u8 = 0x01;
const FIFOS_WORK: u8 = 0xc0;
/// Terminal ready, request to send, and OUT2, which lets interrupts through.
const CONNECTED: u8 = 0x0b;
const DATA_READY: u8 = 0x01;
const PARITY_ERROR: u8 = 0x04;
const FRAMING_ERROR: u8 = 0x08;
const BREAK: u8 = 0x10;
const HOLDING_REGISTER_EMPTY: u8 = 0x20;
const TRANSMITTER_EMPTY: u8 = 0x40;
const SEND_BREAK: u8 = 0x40;
const DIVISOR_ACCESS: u8 = 0x80;
const CARRIER: u8 = 0x80;
/// Bits a second with divisor 1.
const FASTEST: u32 = 115_200;
/// Characters in the FIFO of a 16550A.
const FIFO: usize = 16;
/// Characters of a terminal that wait for the transmitter at most.
const AHEAD: usize = 4 * FIFO;
/// Causes that one interrupt deals with at most.
const MOST_CAUSES: usize = 256;

struct State {
    is_started: bool,
    /// Characters that the transmitter takes at a time.
    batch: usize,
    outgoing: Ring<u8, 4096>,
    incoming: Ring<Received, 1024>,
}

static STATE: Shared<State> = Shared::new(State {
    is_started: false,
    batch: 1,
    outgoing: Ring::new(0),
    incoming: Ring::new(Received::Break),
});
/// An interrupt has come that the main program has not seen.
static NEWS: News = News::none();

/// The transmitter will tell when it is empty.
static SENDING: AtomicBool = AtomicBool::new(false);

/// Runs `action` on the state.
fn with<T>(action: impl FnOnce(&mut State) -> T) -> T {
    // SAFETY: interrupts are off, and no action calls this again, so it is the only reference.
    without_interrupts(|| action(unsafe { &mut *STATE.get() }))
}

/// Begins to use interrupts.
pub(crate) fn start() {
    serial::drain();
    with(|state| {
        state.is_started = true;
        state.batch = if INTERRUPT_CAUSE.read() & FIFOS_WORK == FIFOS_WORK {
            FIFO
        } else {
            1
        };
        MODEM_CONTROL.write(CONNECTED);
        INTERRUPT_ENABLE.write(ALL_CAUSES);
    });
    interrupt_controller::unmask(LINE);
}

/// Ends the use of interrupts, for whoever will not let any through: what waits goes out at once.
pub(crate) fn stop() {
    with(|state| {
        while let Some(byte) = state.outgoing.pop() {
            serial::send(byte);
        }
        state.is_started = false;
    });
    serial::drain();
}

/// Whether an interrupt has come since the last call.
pub(crate) fn take_news() -> bool {
    NEWS.take()
}

/// Deals with all that the chip has; called with interrupts off by the handler of its interrupt.
pub(crate) fn interrupt() {
    with(|state| {
        NEWS.bring();
        for _ in 0..MOST_CAUSES {
            let status = LINE_STATUS.read();
            if status & DATA_READY != 0 {
                state.receive(status);
            } else if status & HOLDING_REGISTER_EMPTY != 0 && is_sending() {
                state.fill();
            } else {
                MODEM_STATUS.read();
                if INTERRUPT_CAUSE.read() & NOTHING_PENDING != 0 {
                    break;
                }
            }
        }
    });
}

/// Whether [`tick`] is to be called at the next tick of the clock.
pub(crate) fn is_sending() -> bool {
    SENDING.load(Ordering::Relaxed)
}

/// Looks at the chip without an interrupt, for one that was lost.
pub(crate) fn tick() {
    if is_sending() && LINE_STATUS.read() & HOLDING_REGISTER_EMPTY != 0 {
        interrupt();
    }
}

/// Sends a character of the kernel's own, behind those that wait. Without room it waits for the transmitter.
pub(crate) fn put(byte: u8) {
    with(|state| {
        if !state.is_started {
            return serial::send(byte);
        }
        while state.outgoing.room() == 0 {
            if let Some(first) = state.outgoing.pop() {
                serial::send(first);
            }
        }
        state.queue(byte);
    });
}

impl State {
    fn queue(&mut self, byte: u8) {
        self.outgoing.push(byte);
        if !is_sending() && LINE_STATUS.read() & HOLDING_REGISTER_EMPTY != 0 {
            self.fill();
        }
        // Otherwise it tells when it is empty, or a tick finds it so.
        SENDING.store(true, Ordering::Relaxed);
    }

    fn fill(&mut self) {
        for _ in 0..self.batch {
            match self.outgoing.pop() {
                Some(byte) => DATA.write(byte),
                None => break,
            }
        }
        SENDING.store(!self.outgoing.is_empty(), Ordering::Relaxed);
    }

    fn receive(&mut self, status: u8) {
        let byte = DATA.read();
        self.incoming.push(if status & BREAK != 0 {
            Received::Break
        } else if status & (PARITY_ERROR | FRAMING_ERROR) != 0 {
            Received::Damaged(byte)
        } else {
            Received::Byte(byte)
        });
    }
}

/// The line as a terminal.
pub(crate) struct SerialLine;

impl Line for SerialLine {
    fn receive(&mut self) -> Option<Received> {
        with(|state| state.incoming.pop())
    }

    /// Little goes ahead of the transmitter, so that a stop is obeyed soon; the rest of the queue is for what the kernel prints.
    fn room(&self) -> usize {
        with(|state| (AHEAD + state.outgoing.room()).saturating_sub(state.outgoing.size()))
    }

    fn send(&mut self, byte: u8) {
        with(|state| state.queue(byte));
    }

    fn is_idle(&self) -> bool {
        with(|state| state.outgoing.is_empty() && LINE_STATUS.read() & TRANSMITTER_EMPTY != 0)
    }

    fn set_break(&mut self, is_on: bool) {
        with(|_| {
            let control = LINE_CONTROL.read() & !SEND_BREAK;
            LINE_CONTROL.write(if is_on { control | SEND_BREAK } else { control });
        });
    }

    fn set(&mut self, speed: u32, format: ControlFlags) -> bool {
        let divisor = match FASTEST.checked_div(speed) {
            Some(divisor @ 1..=0xffff) => divisor as u16,
            _ => return false,
        };
        let mut control = ((format & ControlFlags::EIGHT_BITS).bits() >> 4) as u8;
        for (flag, bit) in [(ControlFlags::TWO_STOP_BITS, 0x04), (ControlFlags::PARITY, 0x08)] {
            control |= if format.contains(flag) { bit } else { 0 };
        }
        if !format.contains(ControlFlags::ODD_PARITY) {
            control |= 0x10;
        }
        with(|_| {
            let [low, high] = divisor.to_le_bytes();
            LINE_CONTROL.write(control | DIVISOR_ACCESS);
            DATA.write(low);
            INTERRUPT_ENABLE.write(high);
            LINE_CONTROL.write(control);
        });
        true
    }

    fn has_carrier(&self) -> bool {
        MODEM_STATUS.read() & CARRIER != 0
    }
}
