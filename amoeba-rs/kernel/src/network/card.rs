//! The 3C503 on this machine's ports and memory.

use crate::console::line;
use crate::{clock, paging};
use core::sync::atomic::{AtomicU8, AtomicU16, Ordering};
use kernel_core::command_line::Options;
use kernel_core::etherlink::{self, Bus, Causes, Location, Ports, ring};
use platform::interrupt_controller;
use platform::processor::{Port, copy_bytes, without_interrupts};

/// I/O base of the card whose interrupt is handled; 0 while there is none.
static INTERRUPTING_BASE: AtomicU16 = AtomicU16::new(0);
/// What its interrupts told and the main program has not yet seen.
static CAUSES: AtomicU8 = AtomicU8::new(0);

/// The machine's I/O ports, as the card's driver uses them.
struct MachinePorts;

impl Ports for MachinePorts {
    fn read(&mut self, port: u16) -> u8 {
        // SAFETY: the driver asks for ports of the 3C503, or where one may be; none of them touches memory.
        unsafe { Port::new(port) }.read()
    }

    fn write(&mut self, port: u16, value: u8) {
        // SAFETY: the driver writes to a card that it has found. The card's DMA is never programmed.
        unsafe { Port::new(port) }.write(value);
    }
}

/// A card that runs.
pub(super) type Card = etherlink::Card<Machine>;

/// The machine, with the card's memory window mapped at its own address.
pub(super) struct Machine {
    window: u32,
}

impl Machine {
    /// Where `length` bytes at `offset` of the window are.
    fn window(&self, offset: usize, length: usize) -> *mut u8 {
        assert!(
            offset <= ring::WINDOW_LENGTH && length <= ring::WINDOW_LENGTH - offset,
            "outside the window"
        );
        (self.window as usize + offset) as *mut u8
    }
}

impl Ports for Machine {
    fn read(&mut self, port: u16) -> u8 {
        MachinePorts.read(port)
    }

    fn write(&mut self, port: u16, value: u8) {
        MachinePorts.write(port, value);
    }
}

impl Bus for Machine {
    fn wait(&mut self, microseconds: u32) {
        clock::wait(microseconds);
    }

    fn without_interrupts<R>(&mut self, action: impl FnOnce(&mut Self) -> R) -> R {
        without_interrupts(|| action(self))
    }

    fn copy_from_window(&mut self, offset: usize, to: &mut [u8]) {
        let from = self.window(offset, to.len());
        // SAFETY: the bytes lie in the mapped window, which is no memory of Rust's.
        unsafe { copy_bytes(from, to.as_mut_ptr(), to.len()) }
    }

    fn copy_to_window(&mut self, offset: usize, from: &[u8]) {
        let to = self.window(offset, from.len());
        // SAFETY: the bytes lie in the mapped window, which is no memory of Rust's.
        unsafe { copy_bytes(from.as_ptr(), to, from.len()) }
    }
}

/// Called by the interrupt handler, with interrupts off.
pub(crate) fn interrupt() {
    let base = INTERRUPTING_BASE.load(Ordering::Relaxed);
    if base != 0 {
        let causes = etherlink::collect(&mut MachinePorts, base);
        CAUSES.store(CAUSES.load(Ordering::Relaxed) | causes.bits(), Ordering::Relaxed);
    }
}

/// Whether an interrupt told something that the main program has not seen.
pub(crate) fn has_news() -> bool {
    CAUSES.load(Ordering::Relaxed) != 0
}

/// What interrupts have told since this was asked last.
pub(super) fn take_causes() -> Causes {
    without_interrupts(|| {
        let causes = CAUSES.load(Ordering::Relaxed);
        CAUSES.store(0, Ordering::Relaxed);
        Causes::from_bits_retain(causes)
    })
}

/// Looks for the card and starts it.
pub(super) fn start(options: &Options) -> Option<Card> {
    let Some(Location { base, window }) = etherlink::find(&mut MachinePorts) else {
        line!("no 3C503 found");
        return None;
    };
    let irq = options.interrupt_line;
    paging::map_device(window, ring::WINDOW_LENGTH as u32);
    let Some(card) = etherlink::Card::start(Machine { window }, base, irq) else {
        line!("3C503 at {base:x}h has no station address");
        return None;
    };
    line!(
        "3C503 at {base:x}h irq {irq} memory {window:x}h station {}",
        card.address()
    );
    INTERRUPTING_BASE.store(base, Ordering::Relaxed);
    // On an AT the bus's line 2 leads to line 9.
    interrupt_controller::unmask(if irq == 2 { 9 } else { irq });
    Some(card)
}
