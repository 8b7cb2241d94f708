//! Threads of which one runs at a time: at every access to the disk, at every reply and at every wait a seed chooses who goes on.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::vec;
use std::vec::Vec;

std::thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thread {
    Ready,
    Waiting,
    Ended,
}

#[derive(Debug)]
struct Order {
    threads: Vec<Thread>,
    current: usize,
    seed: u64,
    has_failed: bool,
}

/// Whose turn it is.
#[derive(Debug)]
pub(super) struct Turns {
    order: Mutex<Order>,
    changed: Condvar,
}

impl Order {
    fn random(&mut self, below: usize) -> usize {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) as usize % below
    }

    /// Chooses who goes on; those that wait look again what they wait for.
    fn choose(&mut self) {
        let alive: Vec<usize> = (0..self.threads.len())
            .filter(|&number| self.threads[number] != Thread::Ended)
            .collect();
        if !alive.is_empty() {
            self.current = alive[self.random(alive.len())];
        }
    }
}

impl Turns {
    /// So many threads, in an order that follows from `seed`.
    pub(super) fn new(threads: usize, seed: u64) -> Turns {
        Turns {
            order: Mutex::new(Order {
                threads: vec![Thread::Ready; threads],
                current: 0,
                seed,
                has_failed: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits for this thread's turn.
    fn take<'o>(&self, mut order: MutexGuard<'o, Order>) -> MutexGuard<'o, Order> {
        let me = NUMBER.get();
        self.changed.notify_all();
        while order.current != me && !order.has_failed {
            order = self
                .changed
                .wait(order)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        order
    }

    /// Another thread may go on.
    pub(super) fn pass(&self) {
        let mut order = self.order();
        order.choose();
        let order = self.take(order);
        assert!(!order.has_failed, "another thread has failed");
    }

    /// Others go on until something is so.
    ///
    /// # Panics
    /// If nobody is left who could change that.
    pub(super) fn wait(&self, is_so: impl Fn() -> bool) {
        let me = NUMBER.get();
        let mut order = self.order();
        while !is_so() {
            order.threads[me] = Thread::Waiting;
            let is_stuck = order.threads.iter().all(|thread| *thread != Thread::Ready);
            order.has_failed |= is_stuck;
            assert!(!is_stuck, "all threads wait for each other");
            order.choose();
            order = self.take(order);
            assert!(!order.has_failed, "another thread has failed");
        }
        // What has happened may concern the others that wait too.
        for thread in &mut order.threads {
            if *thread == Thread::Waiting {
                *thread = Thread::Ready;
            }
        }
    }

    fn end(&self) {
        let mut order = self.order();
        order.threads[NUMBER.get()] = Thread::Ended;
        order.has_failed |= thread::panicking();
        for thread in &mut order.threads {
            if *thread == Thread::Waiting {
                *thread = Thread::Ready;
            }
        }
        order.choose();
        self.changed.notify_all();
    }

    /// Runs `action` with each number in a thread of its own, until all have ended.
    pub(super) fn run(&self, count: usize, action: impl Fn(usize) + Sync) {
        struct End<'t>(&'t Turns);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.end();
            }
        }
        thread::scope(|scope| {
            for number in 0..count {
                let action = &action;
                scope.spawn(move || {
                    NUMBER.set(number);
                    let _end = End(self);
                    drop(self.take(self.order()));
                    action(number);
                });
            }
        });
    }
}
