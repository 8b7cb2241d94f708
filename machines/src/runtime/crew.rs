//! Host threads that run machines side by side within a window.
//!
//! The coordinator (the thread that owns the [`Coordinator`]) lists the machines that have something to do and cuts the
//! list into one share for every two threads, itself included. Of the two, one works through their share from its beginning and the
//! other from its end, so that from window to window a machine stays where its memory is in the host's caches, but for the few where
//! they meet; then they help with what others have not begun. What the machines of a thread let out and wait for lies together in the
//! thread's report, so that the coordinator need not touch the machines. Between windows helpers spin for a moment, because the next window usually follows within microseconds, and then
//! sleep. Which thread runs which machine never matters.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use clock::Instant;
use parking_lot::{Condvar, Mutex, RwLock};

use crate::machine::{Machine, MachineEvents, Origin, Stretch, Switch};

/// The machines, and the window that they are running through.
#[derive(Debug)]
pub(super) struct Crew {
    seats: Vec<Mutex<Machine>>,
    /// What each thread has to tell of the window, its own to write.
    reports: Vec<Mutex<Report>>,
    /// Written by the coordinator only, while nobody works.
    window: RwLock<Window>,
    /// Counts windows that have work for helpers, so that they can wait for the next without a lock.
    windows: AtomicU64,
    /// Helpers that have not finished this window, so that the coordinator can wait without a lock.
    working: AtomicUsize,
    /// A model panicked on a helper's thread.
    has_failed: AtomicBool,
    is_over: AtomicBool,
    /// Held while someone goes to sleep or is woken.
    bell: Mutex<()>,
    has_work: Condvar,
    is_done: Condvar,
}

/// Of machines that one thread has run through a window.
#[derive(Debug, Default)]
struct Report {
    /// What is to be known of each.
    prospects: Vec<(usize, Prospect)>,
    /// What those let out that let out anything.
    events: Vec<(usize, MachineEvents)>,
}

#[derive(Debug, Default)]
struct Window {
    /// What the machines have to run through.
    stretch: Option<Stretch>,
    /// Numbers of the machines that have something to do, in ascending order.
    due: Vec<usize>,
    shares: Vec<Share>,
}

/// Two threads' part of the list of machines that are due.
#[derive(Debug)]
struct Share {
    /// The places in the list that nobody has taken: the first in the lower half, the end in the upper one.
    left: AtomicU64,
}

impl Share {
    fn new(places: Range<usize>) -> Self {
        Self {
            left: AtomicU64::new(places.start as u64 | (places.end as u64) << 32),
        }
    }

    /// Takes places from the beginning or the end: a quarter of what is left, so that two threads seldom meet over it and yet
    /// finish together.
    fn take(&self, from_end: bool) -> Option<Range<usize>> {
        let split = |left: u64| {
            let (first, end) = (left & u64::from(u32::MAX), left >> 32);
            let taken = (end - first).div_ceil(4);
            if from_end {
                (first..end - taken, end - taken..end)
            } else {
                (first + taken..end, first..first + taken)
            }
        };
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                let (rest, taken) = split(left);
                (!taken.is_empty()).then_some(rest.start | rest.end << 32)
            });
        let (_, taken) = split(taken.ok()?);
        Some(taken.start as usize..taken.end as usize)
    }
}

/// How often a thread looks for what it waits for before it goes to sleep: some tens of microseconds.
const LOOKS_BEFORE_SLEEP: u32 = 4_000;

impl Window {
    /// Takes machines that nobody has begun, first from the share of `thread`.
    fn take(&self, thread: usize) -> Option<&[usize]> {
        let shares = self.shares.len();
        (0..shares).find_map(|step| {
            let share = &self.shares[(thread / 2 + step) % shares];
            share.take(thread % 2 == 1).map(|places| &self.due[places])
        })
    }

    /// Cuts the list into a share for every two of `threads` threads, as long as befits their number.
    fn share_out(&mut self, threads: usize) {
        let due = self.due.len();
        self.shares.clear();
        self.shares.extend((0..threads).step_by(2).map(|first| {
            let behind = (first + 2).min(threads);
            Share::new(due * first / threads..due * behind / threads)
        }));
    }
}

impl Crew {
    /// For `threads` threads in all.
    pub(super) fn new(machines: Vec<Machine>, threads: usize) -> Self {
        Self {
            seats: machines.into_iter().map(Mutex::new).collect(),
            reports: (0..threads).map(|_| Mutex::default()).collect(),
            window: RwLock::default(),
            windows: AtomicU64::new(0),
            working: AtomicUsize::new(0),
            has_failed: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            bell: Mutex::new(()),
            has_work: Condvar::new(),
            is_done: Condvar::new(),
        }
    }

    /// Gives the machines back. Every helper has gone home.
    pub(super) fn into_machines(self) -> Vec<Machine> {
        self.seats.into_iter().map(Mutex::into_inner).collect()
    }

    /// Runs machines of the current window until none is left that nobody has begun.
    fn work(&self, thread: usize) {
        let window = self.window.read();
        let Some(stretch) = window.stretch else {
            return;
        };
        let mut report = self.reports[thread].lock();
        while let Some(numbers) = window.take(thread) {
            for &number in numbers {
                let mut machine = self.seats[number].lock();
                let events = machine.run(stretch);
                report.prospects.push((number, Prospect::of(&machine)));
                if !events.is_empty() {
                    report.events.push((number, events));
                }
            }
        }
    }

    /// Has the helpers begin a window.
    fn ring(&self, helpers: usize) {
        self.working.store(helpers, Ordering::Release);
        self.windows.fetch_add(1, Ordering::Release);
        let _bell = self.bell.lock();
        self.has_work.notify_all();
    }

    fn wait_for_helpers(&self) {
        for _ in 0..LOOKS_BEFORE_SLEEP {
            if self.working.load(Ordering::Acquire) == 0 {
                return;
            }
            std::hint::spin_loop();
        }
        let mut bell = self.bell.lock();
        while self.working.load(Ordering::Acquire) > 0 {
            self.is_done.wait(&mut bell);
        }
    }

    /// The life of helper `thread` (from 1 on): works on each window until the crew is dismissed.
    pub(super) fn help(&self, thread: usize) {
        let mut seen = 0;
        while self.wait_for_window(&mut seen) {
            let _turn = Turn(self);
            self.work(thread);
        }
    }

    /// Waits for a window that this helper has not seen; false once the crew is dismissed.
    fn wait_for_window(&self, seen: &mut u64) -> bool {
        let is_awaited =
            |seen: u64| self.windows.load(Ordering::Acquire) != seen || self.is_over.load(Ordering::Acquire);
        for _ in 0..LOOKS_BEFORE_SLEEP {
            if is_awaited(*seen) {
                break;
            }
            std::hint::spin_loop();
        }
        if !is_awaited(*seen) {
            let mut bell = self.bell.lock();
            while !is_awaited(*seen) {
                self.has_work.wait(&mut bell);
            }
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
        self.0.is_over.store(true, Ordering::Release);
        let _bell = self.0.bell.lock();
        self.0.has_work.notify_all();
    }
}

/// A helper's turn in a window. It ends when this goes out of scope, also by a panic, so that the coordinator never waits
/// for a helper that does not come back.
struct Turn<'a>(&'a Crew);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.has_failed.store(true, Ordering::Release);
        }
        if self.0.working.fetch_sub(1, Ordering::AcqRel) == 1 {
            let _bell = self.0.bell.lock();
            self.0.is_done.notify_one();
        }
    }
}

/// The thread that decides on windows. It alone knows what the machines wait for, so that it need not ask them.
#[derive(Debug)]
pub(super) struct Coordinator<'a> {
    crew: &'a Crew,
    helpers: usize,
    prospects: Vec<Prospect>,
    /// What machines let out in the window that has just ended.
    events: Vec<(usize, MachineEvents)>,
}

/// What the coordinator knows of a machine between windows.
#[derive(Clone, Copy, Debug)]
struct Prospect {
    /// When it next does something by itself.
    next_event: Instant,
    /// It has run in the window that is under way, and so runs to its end.
    has_run: bool,
    /// It executes, or would if it were not halted.
    is_running: bool,
    /// It does not, and nothing will start it again.
    has_ended: bool,
}

impl Prospect {
    fn of(machine: &Machine) -> Self {
        Self {
            next_event: machine.next_event(),
            has_run: machine.has_run(),
            is_running: machine.is_running(),
            has_ended: machine.has_ended(),
        }
    }
}

impl<'a> Coordinator<'a> {
    /// For a crew with so many helpers, who have not begun anything.
    pub(super) fn new(crew: &'a Crew, helpers: usize) -> Self {
        let prospect = |seat: &Mutex<Machine>| Prospect::of(&seat.lock());
        Self {
            crew,
            helpers,
            prospects: crew.seats.iter().map(prospect).collect(),
            events: Vec::new(),
        }
    }

    /// The earliest instant at which any machine does something.
    pub(super) fn earliest_event(&self) -> Instant {
        let events = self.prospects.iter().map(|prospect| prospect.next_event);
        events.min().unwrap_or(Instant::NEVER)
    }

    /// Whether every machine has stopped for good (true of a lab without machines).
    pub(super) fn all_stopped(&self) -> bool {
        self.prospects.iter().all(|prospect| prospect.has_ended)
    }

    /// Gives a machine's card a notice. A machine that does not run is not woken by it.
    pub(super) fn post_notice(&mut self, number: usize, card: usize, notice: wire::Notice) {
        let prospect = &mut self.prospects[number];
        if prospect.is_running && !notice.is_announcement() {
            prospect.next_event = prospect.next_event.min(notice.at());
        }
        self.crew.seats[number].lock().post_notice(card, notice);
    }

    /// The lab does something to a machine at `at`, beyond the window that has just ended.
    pub(super) fn schedule(&mut self, number: usize, at: Instant, switch: Switch) {
        let mut machine = self.crew.seats[number].lock();
        machine.schedule(at, Origin::Lab, switch);
        self.prospects[number] = Prospect::of(&machine);
    }

    /// Runs every machine that has something to do in `stretch` to its end and hands on what each let out, in the order
    /// of their numbers.
    pub(super) fn run_window(&mut self, stretch: Stretch, mut collect: impl FnMut(usize, MachineEvents)) {
        let crew = self.crew;
        let is_due = |prospect: &Prospect| {
            prospect.next_event < stretch.end || (prospect.has_run && !prospect.has_ended)
        };
        {
            let mut window = crew.window.write();
            window.stretch = Some(stretch);
            window.due.clear();
            let due = (0..)
                .zip(&self.prospects)
                .filter(|(_, prospect)| is_due(prospect));
            window.due.extend(due.map(|(number, _)| number));
            window.share_out(self.helpers + 1);
        }
        if self.helpers > 0 && crew.window.read().due.len() > 1 {
            crew.ring(self.helpers);
            crew.work(0);
            crew.wait_for_helpers();
            let has_failed = crew.has_failed.load(Ordering::Acquire);
            assert!(!has_failed, "a machine's model panicked on another thread");
        } else {
            crew.work(0);
        }
        for report in &crew.reports {
            let mut report = report.lock();
            for (number, prospect) in report.prospects.drain(..) {
                self.prospects[number] = prospect;
            }
            self.events.append(&mut report.events);
        }
        self.events.sort_by_key(|(number, _)| *number);
        for (number, events) in self.events.drain(..) {
            collect(number, events);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_threads_of_a_share_take_every_place_once_each_from_its_own_end() {
        for length in 0..50 {
            let share = Share::new(7..7 + length);
            let (mut low, mut high) = (Vec::new(), Vec::new());
            // Three turns of one thread for each of the other.
            for turn in 0.. {
                let from_end = turn % 4 == 3;
                match share.take(from_end) {
                    Some(places) if from_end => high.splice(0..0, places).count(),
                    Some(places) => {
                        low.extend(places);
                        0
                    }
                    None => break,
                };
            }
            low.extend(high);
            assert_eq!(low, (7..7 + length).collect::<Vec<_>>());
        }
    }

    #[test]
    fn shares_cover_the_list_in_proportion_to_their_threads() {
        let mut window = Window {
            due: (100..110).collect(),
            ..Window::default()
        };
        for threads in 1..6 {
            window.share_out(threads);
            assert_eq!(window.shares.len(), threads.div_ceil(2));
            let mut taken: Vec<usize> = std::iter::from_fn(|| window.take(threads - 1))
                .flatten()
                .copied()
                .collect();
            taken.sort_unstable();
            assert_eq!(taken, window.due);
        }
        window.share_out(3);
        assert_eq!(
            window.shares[0].take(false),
            Some(0..2),
            "6 places of 10 for two threads"
        );
        assert_eq!(window.shares[1].take(false), Some(6..7), "4 for one");
    }
}
