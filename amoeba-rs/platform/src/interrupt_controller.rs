//! The two 8259A interrupt controllers of an AT: lines 0 to 7 give vectors 20h to 27h, lines 8 to 15 give
//! 28h to 2Fh (Intel 8259A data sheet, "Programming the 8259A").

use crate::processor::{Port, without_interrupts};

/// Vector of line 0.
pub const FIRST_VECTOR: u32 = 0x20;
/// Lines of both controllers.
pub const LINES: u32 = 16;

// SAFETY: the interrupt controllers touch no memory.
const MASTER_COMMAND: Port = unsafe { Port::new(0x20) };
// SAFETY: see MASTER_COMMAND.
const MASTER_DATA: Port = unsafe { Port::new(0x21) };
// SAFETY: see MASTER_COMMAND.
const SLAVE_COMMAND: Port = unsafe { Port::new(0xa0) };
// SAFETY: see MASTER_COMMAND.
const SLAVE_DATA: Port = unsafe { Port::new(0xa1) };

const INITIALISE_EDGE_TRIGGERED_CASCADE: u8 = 0x11;
const MODE_8086: u8 = 0x01;
const END_OF_INTERRUPT: u8 = 0x20;
const READ_REQUESTS: u8 = 0x0a;
const READ_IN_SERVICE: u8 = 0x0b;
const CASCADE_LINE: u8 = 2;
const LOWEST_LINE: u8 = 7;

/// Programs both controllers, with every line masked but the one between them.
pub fn start() {
    let controllers = [
        (MASTER_COMMAND, MASTER_DATA, 0, 1 << CASCADE_LINE),
        (SLAVE_COMMAND, SLAVE_DATA, 8, CASCADE_LINE),
    ];
    for (command, data, first_line, cascade) in controllers {
        command.write(INITIALISE_EDGE_TRIGGERED_CASCADE);
        data.write(FIRST_VECTOR as u8 + first_line);
        data.write(cascade);
        data.write(MODE_8086);
        data.write(0xff);
    }
    unmask(CASCADE_LINE);
}

/// Lets interrupts of `line` through.
pub fn unmask(line: u8) {
    let port = if line < 8 { MASTER_DATA } else { SLAVE_DATA };
    without_interrupts(|| port.write(port.read() & !(1 << (line % 8))));
}

/// The lines on which an interrupt is requested, a bit each, masked or not.
pub fn requests() -> u16 {
    without_interrupts(|| {
        let read = |command: Port| {
            command.write(READ_REQUESTS);
            command.read()
        };
        u16::from_le_bytes([read(MASTER_COMMAND), read(SLAVE_COMMAND)])
    })
}

/// Whether an interrupt of `line` is a real one. A request that goes away before it is acknowledged appears as
/// the lowest line of its controller, without a bit in the in-service register; the master has then seen a real
/// request of the slave, which must be ended.
pub fn is_real(line: u8) -> bool {
    if line % 8 != LOWEST_LINE {
        return true;
    }
    let command = if line < 8 { MASTER_COMMAND } else { SLAVE_COMMAND };
    command.write(READ_IN_SERVICE);
    let in_service = command.read() & 1 << LOWEST_LINE != 0;
    if !in_service && line >= 8 {
        MASTER_COMMAND.write(END_OF_INTERRUPT);
    }
    in_service
}

/// Ends the interrupt of `line`, so that others may follow.
pub fn end(line: u8) {
    if line >= 8 {
        SLAVE_COMMAND.write(END_OF_INTERRUPT);
    }
    MASTER_COMMAND.write(END_OF_INTERRUPT);
}
