//! Interrupts of the timer: channel 0 of the 8254 as a rate generator (Intel 8254 data sheet, mode 2).

use core::arch::naked_asm;
use platform::descriptors;
use platform::interrupt_controller::{FIRST_VECTOR, unmask};
use platform::processor::{Port, disable_interrupts, enable_interrupts};
use platform::shared::Shared;

// SAFETY: the timer touches no memory.
const CHANNEL_0: Port = unsafe { Port::new(0x40) };
// SAFETY: see CHANNEL_0.
const MODE: Port = unsafe { Port::new(0x43) };
const CHANNEL_0_RATE_GENERATOR: u8 = 0x34;
/// 100.6 us of 1.193182 MHz.
const DIVISOR: u16 = 120;
const LINE: u8 = 0;

/// Interrupts still to come.
static LEFT: Shared<u32> = Shared::new(0);
/// The sum of what was left at each interrupt.
static SUM: Shared<u32> = Shared::new(0);

/// Sets up the gate of the timer's interrupt.
pub(crate) fn start() {
    // SAFETY: the handler is written for an interrupt.
    unsafe { descriptors::set_interrupt_gate(FIRST_VECTOR as u8 + LINE, tick as *const () as u32) };
}

/// Waits for so many interrupts and returns the sum of what was left at each of them.
pub(crate) fn await_interrupts(turns: u32) -> u32 {
    // SAFETY: interrupts are off.
    unsafe {
        LEFT.get().write_volatile(turns);
        SUM.get().write_volatile(0);
    }
    MODE.write(CHANNEL_0_RATE_GENERATOR);
    let [low, high] = DIVISOR.to_le_bytes();
    CHANNEL_0.write(low);
    CHANNEL_0.write(high);
    unmask(LINE);
    enable_interrupts();
    // SAFETY: the handler changes nothing but the two words.
    unsafe { wait() };
    disable_interrupts();
    // SAFETY: interrupts are off.
    unsafe { SUM.get().read_volatile() }
}

/// Returns when nothing is left.
#[unsafe(naked)]
unsafe extern "C" fn wait() {
    naked_asm!("2:", "cmp dword ptr [{left}], 0", "jne 2b", "ret", left = sym LEFT)
}

/// An interrupt of the timer. The last one masks it.
#[unsafe(naked)]
unsafe extern "C" fn tick() {
    naked_asm!(
        "push eax",
        "mov eax, [{left}]",
        "add [{sum}], eax",
        "mov al, 0x20", // end of interrupt
        "out 0x20, al",
        "dec dword ptr [{left}]",
        "jnz 2f",
        "mov al, 0xff",
        "out 0x21, al",
        "2:",
        "pop eax",
        "iretd",
        left = sym LEFT,
        sum = sym SUM,
    )
}
