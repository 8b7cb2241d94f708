//! The 8254 timer: channel 0 in mode 3 as the clock, 100 ticks a second; channel 2 for short waits, through
//! system control port B (Intel 8254 data sheet; IBM PC/AT Technical Reference, section 1).

use crate::post;
use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering};
use kernel_core::machine::{Milliseconds, TICK};
use platform::interrupt_controller;
use platform::processor::{Port, without_interrupts};

/// Line of the clock's interrupt.
pub(crate) const LINE: u8 = 0;

const INPUT_HZ: u32 = 1_193_182;
const DIVISOR: u16 = 11_932;
const CHANNEL_0_SQUARE_WAVE: u8 = 0x36;
const LATCH_CHANNEL_0: u8 = 0x00;
const LATCH_CHANNEL_2: u8 = 0x80;
const CHANNEL_2_ONE_SHOT: u8 = 0xb0;

// SAFETY: the timer touches no memory.
const CHANNEL_0: Port = unsafe { Port::new(0x40) };
// SAFETY: see CHANNEL_0.
const CHANNEL_2: Port = unsafe { Port::new(0x42) };
// SAFETY: see CHANNEL_0.
const MODE: Port = unsafe { Port::new(0x43) };
// SAFETY: of this port only the bits of the timer's channel 2 and the speaker are changed.
const SYSTEM_CONTROL: Port = unsafe { Port::new(0x61) };
const GATE_2: u8 = 0x01;
const SPEAKER: u8 = 0x02;
const SETTINGS: u8 = 0x0f;
const OUTPUT_2: u8 = 0x20;

static TICKS: AtomicU32 = AtomicU32::new(0);

/// Starts the clock.
pub(crate) fn start() {
    MODE.write(CHANNEL_0_SQUARE_WAVE);
    let [low, high] = DIVISOR.to_le_bytes();
    CHANNEL_0.write(low);
    CHANNEL_0.write(high);
    interrupt_controller::unmask(LINE);
    post::stage(post::Stage::Clock);
}

/// Counts a tick; called by the handler of the clock's interrupt.
pub(crate) fn tick() {
    TICKS.store(TICKS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// Milliseconds since the clock started; ticks wrap after 497 days.
pub(crate) fn uptime() -> Milliseconds {
    Milliseconds::from(TICKS.load(Ordering::Relaxed)) * TICK
}

/// How far channel 0 has counted in this tick.
pub(crate) fn fraction() -> u16 {
    without_interrupts(|| {
        MODE.write(LATCH_CHANNEL_0);
        u16::from_le_bytes([CHANNEL_0.read(), CHANNEL_0.read()])
    })
}

/// Thousand turns of a loop a second: how long some of them take, by channel 2.
pub(crate) fn loop_speed() -> u16 {
    const TURNS: u32 = 2000;
    const COUNTED: u32 = INPUT_HZ / 1000;
    without_interrupts(|| {
        start_channel_2(u16::MAX);
        for turn in 0..TURNS {
            black_box(turn);
        }
        MODE.write(LATCH_CHANNEL_2);
        let left = u16::from_le_bytes([CHANNEL_2.read(), CHANNEL_2.read()]);
        let passed = u32::from(u16::MAX - left).max(1);
        u16::try_from(TURNS * COUNTED / passed).unwrap_or(u16::MAX)
    })
}

/// Has channel 2 count down from there, once.
fn start_channel_2(count: u16) {
    let [low, high] = count.to_le_bytes();
    let settings = SYSTEM_CONTROL.read() & SETTINGS & !(GATE_2 | SPEAKER);
    SYSTEM_CONTROL.write(settings | GATE_2);
    MODE.write(CHANNEL_2_ONE_SHOT);
    CHANNEL_2.write(low);
    CHANNEL_2.write(high);
}

/// Milliseconds since the clock started; wraps after 49 days.
pub(crate) fn milliseconds() -> u32 {
    TICKS.load(Ordering::Relaxed).wrapping_mul(TICK as u32)
}

/// Waits at least `microseconds`, at most 54 000.
///
/// # Panics
/// If that is longer than the channel can count.
pub(crate) fn wait(microseconds: u32) {
    assert!(microseconds <= 54_000, "a wait too long for the timer");
    let count = (microseconds * (INPUT_HZ / 1000) / 1000 + 2) as u16;
    without_interrupts(|| start_channel_2(count));
    // A look at the port takes a bus cycle, half a microsecond or more: without a channel 2 the wait ends too.
    for _ in 0..8 * microseconds + 100 {
        if SYSTEM_CONTROL.read() & OUTPUT_2 != 0 {
            return;
        }
    }
}
