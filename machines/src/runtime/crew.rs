//! Host threads that run machines side by side within a window.
//!
//! The coordinator (the thread that calls [`Crew::run_window`]) puts the machines that have something to do on a list
//! and works on it itself; helpers take from the same list. Between windows helpers spin for a moment, because the
//! next window usually follows within microseconds, and then sleep. Which thread runs which machine never matters.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use clock::Instant;
use parking_lot::{Condvar, Mutex};

use crate::machine::{Machine, MachineEvents, Stretch};

/// The machines and the work list of the current window.
#[derive(Debug)]
pub(super) struct Crew {
    machines: Vec<Mutex<Machine>>,
    window: Mutex<Window>,
    /// Counts windows that have work for helpers, so that they can wait for the next without the lock.
    windows: AtomicU64,
    /// Machines of this window that are not back yet, so that the coordinator can wait without the lock.
    outstanding: AtomicUsize,
    is_over: AtomicBool,
    has_work: Condvar,
    is_done: Condvar,
}

#[derive(Debug, Default)]
struct Window {
    /// What they have to run through; set before there are any waiting.
    stretch: Option<Stretch>,
    /// Numbers of machines nobody has taken yet.
    waiting: Vec<usize>,
    /// A model panicked on a helper's thread.
    has_failed: bool,
    /// What the machines that are back let out, by their number.
    finished: BTreeMap<usize, MachineEvents>,
}

/// How often a thread looks for what it waits for before it goes to sleep: some tens of microseconds.
const LOOKS_BEFORE_SLEEP: u32 = 4_000;

impl Crew {
    pub(super) fn new(machines: Vec<Machine>) -> Self {
        Self {
            machines: machines.into_iter().map(Mutex::new).collect(),
            window: Mutex::default(),
            windows: AtomicU64::new(0),
            outstanding: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            has_work: Condvar::new(),
            is_done: Condvar::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.machines.len()
    }

    /// Gives the machines back. Every helper has gone home.
    pub(super) fn into_machines(self) -> Vec<Machine> {
        self.machines.into_iter().map(Mutex::into_inner).collect()
    }

    /// The earliest instant at which any machine does something.
    pub(super) fn earliest_event(&self) -> Instant {
        self.machines
            .iter()
            .map(|machine| machine.lock().next_event())
            .min()
            .unwrap_or(Instant::NEVER)
    }

    /// Whether every machine has stopped by itself (true of a lab without machines).
    pub(super) fn all_stopped(&self) -> bool {
        self.machines.iter().all(|machine| machine.lock().is_stopped())
    }

    /// Does something with one machine, between windows.
    pub(super) fn with<R>(&self, number: usize, act: impl FnOnce(&mut Machine) -> R) -> R {
        act(&mut self.machines[number].lock())
    }

    /// Runs every machine that has something to do in `stretch` to its end and hands on what each let out, in the order
    /// of their numbers.
    pub(super) fn run_window(
        &self,
        stretch: Stretch,
        helpers: usize,
        mut collect: impl FnMut(usize, MachineEvents),
    ) {
        let due: Vec<usize> = (0..self.len())
            .rev()
            .filter(|&n| self.machines[n].lock().is_due(stretch.end))
            .collect();
        if helpers == 0 || due.len() < 2 {
            for &number in due.iter().rev() {
                collect(number, self.machines[number].lock().run(stretch));
            }
            return;
        }
        {
            let mut window = self.window.lock();
            window.stretch = Some(stretch);
            self.outstanding.store(due.len(), Ordering::Release);
            window.waiting = due;
            self.windows.fetch_add(1, Ordering::Release);
            self.has_work.notify_all();
        }
        self.work();
        self.wait_for_stragglers();
        let mut window = self.window.lock();
        assert!(!window.has_failed, "a machine's model panicked on another thread");
        for (number, events) in std::mem::take(&mut window.finished) {
            collect(number, events);
        }
    }

    /// Takes machines off the list and runs them until the list is empty.
    fn work(&self) {
        let mut window = self.window.lock();
        while let (Some(stretch), Some(number)) = (window.stretch, window.waiting.pop()) {
            drop(window);
            let mut turn = Turn {
                crew: self,
                number,
                events: None,
            };
            turn.events = Some(self.machines[number].lock().run(stretch));
            drop(turn);
            window = self.window.lock();
        }
    }

    fn wait_for_stragglers(&self) {
        for _ in 0..LOOKS_BEFORE_SLEEP {
            if self.outstanding.load(Ordering::Acquire) == 0 {
                return;
            }
            std::hint::spin_loop();
        }
        let mut window = self.window.lock();
        while self.outstanding.load(Ordering::Acquire) > 0 {
            self.is_done.wait(&mut window);
        }
    }

    /// A helper's life: works on each window until the crew is dismissed.
    pub(super) fn help(&self) {
        let mut seen = 0;
        while self.wait_for_window(&mut seen) {
            self.work();
        }
    }

    /// Waits for a window that this helper has not seen; false once the crew is dismissed.
    fn wait_for_window(&self, seen: &mut u64) -> bool {
        for _ in 0..LOOKS_BEFORE_SLEEP {
            let windows = self.windows.load(Ordering::Acquire);
            if windows != *seen || self.is_over.load(Ordering::Acquire) {
                *seen = windows;
                return !self.is_over.load(Ordering::Acquire);
            }
            std::hint::spin_loop();
        }
        let mut window = self.window.lock();
        while self.windows.load(Ordering::Acquire) == *seen && !self.is_over.load(Ordering::Acquire) {
            self.has_work.wait(&mut window);
        }
        *seen = self.windows.load(Ordering::Acquire);
        !self.is_over.load(Ordering::Acquire)
    }

    /// Sends the helpers home when it goes out of scope.
    pub(super) fn dismissal(&self) -> Dismissal<'_> {
        Dismissal(self)
    }
}

/// See [`Crew::dismissal`].
pub(super) struct Dismissal<'a>(&'a Crew);

impl Drop for Dismissal<'_> {
    fn drop(&mut self) {
        let _window = self.0.window.lock();
        self.0.is_over.store(true, Ordering::Release);
        self.0.has_work.notify_all();
    }
}

/// One machine's turn in a window. It ends when this goes out of scope, also by a panic, so that the coordinator never
/// waits for a machine that does not come back.
struct Turn<'a> {
    crew: &'a Crew,
    number: usize,
    events: Option<MachineEvents>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut window = self.crew.window.lock();
        match self.events.take() {
            Some(events) => drop(window.finished.insert(self.number, events)),
            None => window.has_failed = true,
        }
        if self.crew.outstanding.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.crew.is_done.notify_one();
        }
    }
}
