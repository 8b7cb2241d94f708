//! COM1, a 16450 or 16550, as the console: 115200 bits per second, eight bits, no parity, one stop bit,
//! written by polling (National Semiconductor, PC16550D data sheet, section 8).

use crate::processor::Port;

// SAFETY: the ports of a serial line touch no memory.
const DATA: Port = unsafe { Port::new(0x3f8) };
// SAFETY: see DATA.
const INTERRUPT_ENABLE: Port = unsafe { Port::new(0x3f9) };
// SAFETY: see DATA.
const FIFO_CONTROL: Port = unsafe { Port::new(0x3fa) };
// SAFETY: see DATA.
const LINE_CONTROL: Port = unsafe { Port::new(0x3fb) };
// SAFETY: see DATA.
const MODEM_CONTROL: Port = unsafe { Port::new(0x3fc) };
// SAFETY: see DATA.
const LINE_STATUS: Port = unsafe { Port::new(0x3fd) };

const EIGHT_BITS: u8 = 0x03;
const DIVISOR_ACCESS: u8 = 0x80;
const ENABLE_AND_CLEAR_FIFOS: u8 = 0x07;
const TERMINAL_READY_AND_REQUEST_TO_SEND: u8 = 0x03;
const HOLDING_REGISTER_EMPTY: u8 = 0x20;
const TRANSMITTER_EMPTY: u8 = 0x40;
/// A character takes 87 us and a look at the status about 1 us; after this many looks there is no UART.
const PATIENCE: u32 = 10_000;

/// Sets the line up.
pub fn start() {
    INTERRUPT_ENABLE.write(0);
    LINE_CONTROL.write(DIVISOR_ACCESS | EIGHT_BITS);
    DATA.write(1);
    INTERRUPT_ENABLE.write(0);
    LINE_CONTROL.write(EIGHT_BITS);
    FIFO_CONTROL.write(ENABLE_AND_CLEAR_FIFOS);
    MODEM_CONTROL.write(TERMINAL_READY_AND_REQUEST_TO_SEND);
}

/// Sends a byte once the one before it is on its way.
pub fn send(byte: u8) {
    for _ in 0..PATIENCE {
        if LINE_STATUS.read() & HOLDING_REGISTER_EMPTY != 0 {
            DATA.write(byte);
            return;
        }
    }
}

/// Waits until the last byte has left.
pub fn drain() {
    for _ in 0..PATIENCE {
        if LINE_STATUS.read() & TRANSMITTER_EMPTY != 0 {
            return;
        }
    }
}
