//! The battery-backed memory of an AT (Motorola MC146818 data sheet; IBM PC/AT Technical Reference, section 1).

use kernel_core::calendar::ClockRegisters;
use platform::processor::Port;

// SAFETY: bit 7 of the index port masks the NMI; it is left clear, as at reset.
const INDEX: Port = unsafe { Port::new(0x70) };
// SAFETY: only memory of the chip itself is read.
const DATA: Port = unsafe { Port::new(0x71) };
const CLOCK: [u8; 6] = [0x00, 0x02, 0x04, 0x07, 0x08, 0x09];
const STATUS_A: u8 = 0x0a;
const UPDATING: u8 = 0x80;
const STATUS_B: u8 = 0x0b;
const FLOPPIES: u8 = 0x10;
const EXTENDED_LOW: u8 = 0x17;
const EXTENDED_HIGH: u8 = 0x18;

/// Memory above 1 MB in KB, as the set-up program stored it.
pub(crate) fn extended_memory_kib() -> u16 {
    u16::from_le_bytes([EXTENDED_LOW, EXTENDED_HIGH].map(read))
}

/// The kinds of both floppy drives, as the set-up program stored them.
pub(crate) fn floppy_drives() -> [u8; 2] {
    let kinds = read(FLOPPIES);
    [kinds >> 4, kinds & 0x0f]
}

/// The clock, read while it does not change: seconds are the same before and after, and no update is under way.
pub(crate) fn clock() -> ClockRegisters {
    const LOOKS: u32 = 10_000;
    for _ in 0..LOOKS {
        if read(STATUS_A) & UPDATING == 0 {
            let date = CLOCK.map(read);
            if read(CLOCK[0]) == date[0] {
                return ClockRegisters {
                    date,
                    format: read(STATUS_B),
                };
            }
        }
    }
    // There is no clock, or one that never stops changing.
    ClockRegisters {
        date: [0, 0, 0, 1, 1, 70],
        format: 0x06,
    }
}

fn read(register: u8) -> u8 {
    INDEX.write(register);
    DATA.read()
}
