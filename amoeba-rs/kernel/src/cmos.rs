//! The battery-backed memory of an AT (Motorola MC146818 data sheet; IBM PC/AT Technical Reference, section 1).

use platform::processor::Port;

// SAFETY: bit 7 of the index port masks the NMI; it is left clear, as at reset.
const INDEX: Port = unsafe { Port::new(0x70) };
// SAFETY: only memory of the chip itself is read.
const DATA: Port = unsafe { Port::new(0x71) };
const CLOCK: [u8; 6] = [0x00, 0x02, 0x04, 0x07, 0x08, 0x09];
const EXTENDED_LOW: u8 = 0x17;
const EXTENDED_HIGH: u8 = 0x18;

/// Memory above 1 MB in KB, as the set-up program stored it.
pub(crate) fn extended_memory_kib() -> u16 {
    u16::from_le_bytes([EXTENDED_LOW, EXTENDED_HIGH].map(read))
}

/// The clock's registers as they stand: seconds, minutes, hours, day, month, year.
pub(crate) fn clock_registers() -> [u8; 6] {
    CLOCK.map(read)
}

fn read(register: u8) -> u8 {
    INDEX.write(register);
    DATA.read()
}
