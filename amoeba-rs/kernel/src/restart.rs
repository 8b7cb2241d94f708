//! Starting the machine anew.

use crate::serial_line;
use platform::processor::{self, Port};

// SAFETY: the keyboard controller touches no memory.
const CONTROLLER: Port = unsafe { Port::new(0x64) };
/// Pulses the processor's reset line (Intel 8042; IBM PC/AT Technical Reference, section 1).
const PULSE_RESET: u8 = 0xfe;

/// Resets the processor.
pub(crate) fn reset() -> ! {
    processor::disable_interrupts();
    serial_line::stop();
    CONTROLLER.write(PULSE_RESET);
    processor::halt()
}
