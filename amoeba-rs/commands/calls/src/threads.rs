//! Threads, mutexes, semaphores, priorities.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use libamoeba::system::mutex::{Mutex, RawMutex, Semaphore};
use libamoeba::system::trial::{check, equal};
use libamoeba::system::{calls, thread};

const STACK: usize = 4096;

/// A value for threads that live on their own: it stays to the program's end.
fn shared<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

pub(crate) fn run() {
    order_of_threads();
    exclusion();
    patience();
    semaphore();
    // From here on threads take turns.
    preemption();
    priorities();
    urgency();
}

/// Without preemption a thread runs until it waits.
fn order_of_threads() {
    let seen = shared(Mutex::new(Vec::new()));
    for number in 0..5 {
        check(
            thread::spawn(STACK, move || seen.lock().push(number)),
            "newthread",
        );
    }
    check(seen.lock().is_empty(), "new threads run only when this one waits");
    calls::switch();
    equal(
        seen.lock().as_slice(),
        &[0, 1, 2, 3, 4],
        "new threads run in their order",
    );
}

/// Those who wait for a mutex get it in their order.
fn exclusion() {
    let shared = shared((Mutex::new(Vec::new()), RawMutex::new_locked()));
    for number in 0..4 {
        thread::spawn(STACK, move || {
            shared.1.lock();
            shared.0.lock().push(number);
            shared.1.unlock();
        });
    }
    calls::switch();
    check(shared.0.lock().is_empty(), "a locked mutex holds threads up");
    shared.1.unlock();
    shared.1.lock();
    equal(
        shared.0.lock().as_slice(),
        &[0, 1, 2, 3],
        "a mutex goes to those who wait in their order",
    );
}

fn patience() {
    let mutex = RawMutex::new_locked();
    check(!mutex.lock_within(0), "a locked mutex cannot be locked");
    let start = calls::milliseconds();
    check(!mutex.lock_within(200), "waiting for a mutex ends");
    let waited = calls::milliseconds() - start;
    check(
        (200..=800).contains(&waited),
        "waiting for a mutex ends in its time",
    );
    mutex.unlock();
    check(mutex.lock_within(0), "a free mutex can be locked");
}

fn semaphore() {
    let semaphore = shared((Semaphore::new(0), Semaphore::new(0)));
    check(
        !semaphore.0.down_within(0),
        "a semaphore of level 0 cannot be lowered",
    );
    let other = semaphore;
    thread::spawn(STACK, move || {
        for _ in 0..10 {
            other.0.down();
            other.1.up();
        }
    });
    semaphore.0.up_many(10);
    for _ in 0..10 {
        semaphore.1.down();
    }
    equal(
        (semaphore.0.level(), semaphore.1.level()),
        (0, 0),
        "levels of semaphores",
    );
    semaphore.0.up_many(5);
    equal(semaphore.0.down_many(3), 3, "lowering a semaphore by 3");
    equal(semaphore.0.down_many(3), 2, "lowering a semaphore by what it has");
    equal(
        semaphore.0.down_many_within(3, 0),
        None,
        "lowering a semaphore of level 0 without waiting",
    );
    semaphore.0.up_many(7);
    equal(
        semaphore.0.down_many_within(3, 0),
        Some(3),
        "lowering a semaphore without waiting",
    );
    equal(semaphore.0.level(), 4, "the level that is left");
}

/// A thread that computes does not keep others of its process from running any more.
fn preemption() {
    equal(calls::maximum_priority(), 7, "get_max_prio");
    equal(calls::set_priority(3), Some(0), "set_priority");
    equal(
        calls::set_priority(0),
        Some(3),
        "set_priority tells the former one",
    );
    calls::enable_preemption();
    let done = shared(Semaphore::new(0));
    let other = done;
    thread::spawn(STACK, move || other.up());
    let start = calls::milliseconds();
    while done.level() == 0 && calls::milliseconds() - start < 2000 {}
    check(done.level() == 1, "threads take turns");
    let low = done;
    thread::spawn(STACK, move || {
        calls::set_priority(0);
        low.up();
    });
    calls::set_priority(1);
    calls::switch();
    equal(
        done.level(),
        1,
        "a thread of a lower priority does not run before this one waits",
    );
    calls::sleep(100);
    equal(
        done.level(),
        2,
        "a thread of a lower priority runs when this one waits",
    );
    calls::set_priority(0);
}

/// With preemption a mutex goes to the highest of the eight priorities.
fn priorities() {
    let shared = shared((RawMutex::new_locked(), Mutex::new(Vec::new()), Semaphore::new(0)));
    for priority in [3, 0, 7, 5, 1, 6, 2, 4] {
        let made = thread::spawn(STACK, move || {
            calls::set_priority(priority);
            shared.0.lock();
            shared.1.lock().push(priority);
            shared.0.unlock();
            shared.2.up();
        });
        check(made, "a thread for each priority");
    }
    // All of them come to wait.
    calls::sleep(300);
    calls::set_priority(7);
    shared.0.unlock();
    for _ in 0..8 {
        shared.2.down();
    }
    equal(
        shared.1.lock().as_slice(),
        &[7, 6, 5, 4, 3, 2, 1, 0],
        "a mutex goes to the highest priority",
    );
    equal(calls::set_priority(0), Some(7), "the highest priority");
}

/// A thread of a higher priority runs as soon as it can, whatever a lower one computes.
fn urgency() {
    let seen = shared(AtomicU32::new(0));
    thread::spawn(STACK, move || {
        calls::set_priority(5);
        for _ in 0..3 {
            calls::sleep(100);
            seen.store(seen.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    });
    calls::sleep(100);
    let start = calls::milliseconds();
    while seen.load(Ordering::Relaxed) < 3 && calls::milliseconds() - start < 2000 {
        (0..1000).for_each(|turn| _ = core::hint::black_box(turn));
    }
    equal(
        seen.load(Ordering::Relaxed),
        3,
        "a thread of a higher priority runs when its sleep is over",
    );
    check(
        calls::milliseconds() - start <= 1000,
        "a thread of a higher priority runs at once",
    );
}
