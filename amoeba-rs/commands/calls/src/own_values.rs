//! Threads' own values, parameters and ends.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::Cell;
use core::sync::atomic::{AtomicU32, Ordering};
use libamoeba::system::calls;
use libamoeba::system::mutex::Semaphore;
use libamoeba::system::thread::{LEAST_STACK, Local, SLOTS, exit, spawn, spawn_with};
use libamoeba::system::trial::{check, equal};

const STACK: usize = 4096;

static COUNT: Local<Cell<u32>> = Local::new(|| Cell::new(1));
static GONE: AtomicU32 = AtomicU32::new(0);

/// Counts how many of it have gone.
struct Counted(u32);

impl Drop for Counted {
    fn drop(&mut self) {
        GONE.store(GONE.load(Ordering::Relaxed) + self.0, Ordering::Relaxed);
    }
}

static COUNTED: Local<Rc<Counted>> = Local::new(|| Rc::new(Counted(1)));

fn gone() -> u32 {
    GONE.load(Ordering::Relaxed)
}

pub(crate) fn run() {
    values();
    parameters();
    ends();
    small_stacks();
    all_slots();
}

fn values() {
    let done: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
    COUNT.with(|count| count.set(7));
    for number in 0..3 {
        spawn(STACK, move || {
            let first = COUNT.with(Cell::get);
            COUNT.with(|count| count.set(count.get() + number));
            calls::switch();
            let second = COUNT.with(Cell::get);
            equal(
                (first, second),
                (Some(1), Some(1 + number)),
                "a thread's own value",
            );
            COUNTED.with(|_| ());
            done.up();
        });
    }
    for _ in 0..3 {
        done.down();
    }
    calls::switch();
    equal(COUNT.with(Cell::get), Some(7), "the first thread's own value");
    equal(gone(), 3, "own values go with their threads");
}

/// What a thread is given goes with it, in whatever way it ends.
fn parameters() {
    spawn_with(STACK, Box::new(Counted(10)), |given| given.0 += 10);
    calls::switch();
    equal(gone(), 23, "a parameter is freed");
    spawn_with(STACK, Box::new(Counted(100)), |_| exit());
    calls::switch();
    equal(gone(), 123, "a parameter is freed at thread_exit");
}

/// Stacks and places of threads that have ended are used again.
fn ends() {
    let many: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
    for _ in 0..600 {
        let made = spawn(64 << 10, move || {
            many.up();
            exit();
        });
        check(made, "newthread after others have ended");
        many.down();
        calls::switch();
    }
}

fn small_stacks() {
    let done: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
    check(spawn(0, move || done.up()), "newthread with the least stack");
    done.down();
    check(LEAST_STACK >= 512, "the least stack");
}

fn all_slots() {
    let fill: fn() -> u32 = || 5;
    let slots: [Local<u32>; SLOTS] = [const { Local::new(|| 5) }; SLOTS];
    let values = slots
        .iter()
        .filter(|slot| slot.with(|value| *value) == Some(fill()));
    // Two were taken above.
    equal(values.count(), SLOTS - 2, "values of a thread");
}
