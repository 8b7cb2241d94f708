//! The console: COM1, and the screen once its memory is mapped.

use crate::serial_line;
use crate::vga::Vga;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering};
use kernel_core::print_buffer::PrintBuffer;
use kernel_core::screen::Screen;
use platform::processor::without_interrupts;
use platform::shared::Shared;

struct Picture {
    log: PrintBuffer,
    screen: Screen,
    vga: Option<Vga>,
}

static PICTURE: Shared<Picture> = Shared::new(Picture {
    log: PrintBuffer::new(),
    screen: Screen::new(),
    vga: None,
});
/// Whether someone draws. Set again only by a fault while drawing, whose report then goes to COM1 alone.
static DRAWING: AtomicBool = AtomicBool::new(false);

/// Runs `action` on the picture, unless someone is already at it.
fn draw(action: impl FnOnce(&mut Picture)) {
    without_interrupts(|| {
        if !DRAWING.load(Ordering::Relaxed) {
            DRAWING.store(true, Ordering::Relaxed);
            // SAFETY: interrupts are off and the flag was clear, so this is the only reference.
            action(unsafe { &mut *PICTURE.get() });
            DRAWING.store(false, Ordering::Relaxed);
        }
    });
}

/// Adds the screen to the console.
pub(crate) fn show_on(mut vga: Vga) {
    draw(|picture| {
        picture.screen.clear(&mut vga);
        picture.vga = Some(vga);
    });
}

/// Shows a byte of a terminal on the screen, and only there.
pub(crate) fn show(byte: u8) {
    draw(|picture| {
        if let Some(vga) = &mut picture.vga {
            picture.screen.put(byte, vga);
        }
    });
}

/// What was printed last, and where the next character goes.
pub(crate) fn printed() -> (Vec<u8>, usize) {
    let mut printed = (Vec::new(), 0);
    draw(|picture| printed = (picture.log.bytes(), picture.log.position()));
    printed
}

/// The console as something to write to.
pub(crate) struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                serial_line::put(b'\r');
            }
            serial_line::put(byte);
            draw(|picture| {
                picture.log.put(byte);
                if let Some(vga) = &mut picture.vga {
                    picture.screen.put(byte, vga);
                }
            });
        }
        Ok(())
    }
}

/// Prints a line on the console.
macro_rules! line {
    ($($arguments:tt)*) => {{
        use core::fmt::Write;
        // The console takes everything.
        let _ = writeln!($crate::console::Console, $($arguments)*);
    }};
}
pub(crate) use line;
