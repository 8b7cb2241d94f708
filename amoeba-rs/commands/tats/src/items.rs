//! What happens within one process.

use crate::measure;
use alloc::boxed::Box;
use core::hint::black_box;
use libamoeba::system::mutex::{RawMutex, Semaphore};
use libamoeba::system::{calls, thread};
use proto::capability::Port;
use proto::one_way::one_way;

const STACK: usize = 4096;
/// Calls of a quick item, of one that takes some threads, and of a slow one.
const QUICK: u32 = 1000;
const MIDDLE: u32 = 300;
const SLOW: u32 = 100;

/// A value for threads that live on their own.
fn shared<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// Measures all of them; false if one fails.
pub(crate) fn run(multiplier: u32) -> bool {
    let times = |count: u32| count.saturating_mul(multiplier);
    measure("getms", times(QUICK), || {
        black_box(calls::milliseconds());
        true
    }) & measure("null call", times(QUICK), || calls::null() == 0)
        & measure("timeout", times(QUICK), || calls::timeout(5200) == 5200)
        & measure("one_way", times(SLOW), || {
            black_box(one_way(black_box(Port([1, 2, 3, 4, 5, 6])))) != Port::NULL
        })
        & synchronisation(times(MIDDLE))
        & switch(times(MIDDLE))
        & mutex(times(QUICK))
        & measure("newthread", times(SLOW), || {
            let made = thread::spawn(STACK, || {});
            calls::switch();
            made
        })
}

/// Two threads wait for each other in turn.
fn synchronisation(count: u32) -> bool {
    let pair = shared((Semaphore::new(0), Semaphore::new(0)));
    let made = thread::spawn(STACK, move || {
        for _ in 0..count {
            pair.0.down();
            pair.1.up();
        }
    });
    made && measure("thread synchronisation", count, || {
        pair.0.up();
        pair.1.down();
        true
    })
}

/// From this thread to another one and back.
fn switch(count: u32) -> bool {
    let made = thread::spawn(STACK, move || {
        for _ in 0..=count {
            calls::switch();
        }
    });
    made && measure("thread switch, there and back", count, || {
        calls::switch();
        true
    })
}

fn mutex(count: u32) -> bool {
    let mutex = RawMutex::new();
    measure("mutex lock and unlock", count, || {
        mutex.lock();
        mutex.unlock();
        true
    })
}
