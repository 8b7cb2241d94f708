//! Waits of random length that are finer than the kernel's clock, so that what follows them begins anywhere between two ticks of any
//! clock.

use core::hint::black_box;
use libamoeba::system::calls;

/// What every wait has at least; it lets others finish what they are at.
const PAUSE: u32 = 100;
/// The random part of a wait: 0 to this many milliseconds. It is the time slice of processes, and the period in which the kernel looks at
/// those who sleep.
const SPREAD: u32 = 100;
/// How long the loop is timed.
const TRIAL: u32 = 100;

/// Waits whose lengths follow from a seed.
pub(crate) struct Phases {
    random: u64,
    /// Turns of the loop in `SPREAD`.
    turns: u32,
}

impl Phases {
    /// Times the loop first.
    pub(crate) fn new(seed: u64) -> Phases {
        Phases {
            random: seed,
            turns: turns(),
        }
    }

    /// Waits.
    pub(crate) fn wait(&mut self) {
        calls::sleep(PAUSE);
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let part = (mixed ^ (mixed >> 31)) >> 32;
        spin(((part * u64::from(self.turns)) >> 32) as u32);
    }
}

fn spin(turns: u32) {
    for turn in 0..turns {
        black_box(turn);
    }
}

/// Turns of the loop in `SPREAD`.
fn turns() -> u32 {
    const BATCH: u32 = 2000;
    let start = calls::milliseconds();
    let mut begin = start;
    while begin == start {
        begin = calls::milliseconds();
    }
    let mut batches = 0_u32;
    while calls::milliseconds().wrapping_sub(begin) < TRIAL {
        spin(BATCH);
        batches += 1;
    }
    batches * BATCH / TRIAL * SPREAD
}
