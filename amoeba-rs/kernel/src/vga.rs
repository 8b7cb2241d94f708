//! The VGA in its colour text mode: cells at B8000h, and the cursor's place in the CRT controller's registers
//! 0Eh and 0Fh (IBM PS/2 Hardware Interface Technical Reference, Video Subsystem). The mode itself is as the
//! BIOS left it.

use crate::paging;
use kernel_core::screen::{COLUMNS, Display, ROWS};
use platform::processor::Port;

const CELLS: u32 = 0xb8000;
const CELLS_LENGTH: u32 = 0x1000;

// SAFETY: the CRT controller touches no memory but its own.
const CRT_INDEX: Port = unsafe { Port::new(0x3d4) };
// SAFETY: see CRT_INDEX.
const CRT_DATA: Port = unsafe { Port::new(0x3d5) };
const CURSOR_HIGH: u8 = 0x0e;
const CURSOR_LOW: u8 = 0x0f;

/// The display; there is one, once its memory is mapped.
pub(crate) struct Vga(());

impl Vga {
    /// Maps the display's memory.
    pub(crate) fn start() -> Vga {
        paging::map_device(CELLS, CELLS_LENGTH);
        Vga(())
    }
}

impl Display for Vga {
    fn set(&mut self, place: usize, cell: u16) {
        assert!(place < COLUMNS * ROWS, "a cell outside the screen");
        // SAFETY: the display's memory is mapped at its own address, and the place is one of its 2000 cells.
        unsafe { (CELLS as *mut u16).add(place).write_volatile(cell) }
    }

    fn move_cursor(&mut self, place: usize) {
        let [high, low] = (place as u16).to_be_bytes();
        CRT_INDEX.write(CURSOR_HIGH);
        CRT_DATA.write(high);
        CRT_INDEX.write(CURSOR_LOW);
        CRT_DATA.write(low);
    }
}
