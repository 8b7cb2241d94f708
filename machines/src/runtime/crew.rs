//! Host threads that run machines side by side within a window.
//!
//! The coordinator (the thread that owns the [`Coordinator`]) lists the machines that have something to do, and every thread, itself included,
//! has a share of them: those among as many machines, so that from window to window a machine stays where its memory is in the host's caches. Who is
//! done helps with what others have not begun, from the end of their share, but not with the last few: he would have to fetch the memory of each
//! machine first, and its own thread would in the next window. What the machines of a thread let out and wait for lies together in the
//! thread's report, so that the coordinator need not touch the machines. What threads write lies in lines of their own, for a line that two of them
//! write goes to and fro between their caches. Between windows helpers spin for a moment, because the next window usually follows within microseconds, and then
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
    reports: Vec<Apart<Mutex<Report>>>,
    /// Written by the coordinator only, while nobody works.
    window: RwLock<Window>,
    /// Counts windows that have work for helpers, so that they can wait for the next without a lock.
    windows: Apart<AtomicU64>,
    /// Helpers that have not finished this window, so that the coordinator can wait without a lock.
    working: Apart<AtomicUsize>,
    /// A model panicked on a helper's thread.
    has_failed: AtomicBool,
    is_over: AtomicBool,
    /// Held while someone goes to sleep or is woken.
    bell: Mutex<()>,
    has_work: Condvar,
    is_done: Condvar,
}

/// What one thread writes while others write beside it: in two lines of 64 bytes, as hosts fetch them, for itself.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

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
    /// One for each thread.
    shares: Vec<Apart<Share>>,
    /// As few places as this of another thread's share are left to it.
    few: usize,
}

/// A thread's part of the list of machines that are due.
#[derive(Debug)]
struct Share {
    /// The places in the list that nobody has taken: the first in the lower half of the word, the end in the upper one.
    left: AtomicU64,
}

/// A thread leaves the last places of another's share to it, up to an eighth of what each has on average: the window takes longer by so much at most.
const LEFT_ALONE: usize = 8;

/// Who takes places of a share.
#[derive(Clone, Copy, Debug)]
enum Taker {
    /// The thread whose share it is.
    Owner,
    /// Another, which takes nothing if only so many are left.
    Helper { few: usize },
}

impl Share {
    fn new(places: Range<usize>) -> Self {
        Self {
            left: AtomicU64::new(places.start as u64 | (places.end as u64) << 32),
        }
    }

    /// Takes a quarter of the places that are left, so that two threads seldom meet over them and yet finish together: its thread from the beginning,
    /// others from the end.
    fn take(&self, taker: Taker) -> Option<Range<usize>> {
        let split = |left: u64| {
            let (first, end) = (left & u64::from(u32::MAX), left >> 32);
            let taken = (end - first).div_ceil(4);
            match taker {
                Taker::Owner => (first + taken..end, first..first + taken),
                Taker::Helper { few } if end - first <= few as u64 => (first..end, end..end),
                Taker::Helper { .. } => (first..end - taken, end - taken..end),
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
        let threads = self.shares.len();
        let places = (0..threads).find_map(|step| {
            let taker = match step {
                0 => Taker::Owner,
                _ => Taker::Helper { few: self.few },
            };
            self.shares[(thread + step) % threads].0.take(taker)
        });
        places.map(|places| &self.due[places])
    }

    /// Gives each of `threads` threads its share of the list, of `machines` machines in all.
    fn share_out(&mut self, threads: usize, machines: usize) {
        let due = &self.due;
        let place = |thread: usize| due.partition_point(|number| *number < machines * thread / threads);
        self.shares.clear();
        let shares = (0..threads).map(|thread| Apart(Share::new(place(thread)..place(thread + 1))));
        self.shares.extend(shares);
        self.few = due.len() / threads / LEFT_ALONE;
    }
}

impl Crew {
    /// For `threads` threads in all.
    pub(super) fn new(machines: Vec<Machine>, threads: usize) -> Self {
        Self {
            seats: machines.into_iter().map(Mutex::new).collect(),
            reports: (0..threads).map(|_| Apart::default()).collect(),
            window: RwLock::default(),
            windows: Apart::default(),
            working: Apart::default(),
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
        let mut report = self.reports[thread].0.lock();
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
        self.working.0.store(helpers, Ordering::Release);
        self.windows.0.fetch_add(1, Ordering::Release);
        let _bell = self.bell.lock();
        self.has_work.notify_all();
    }

    fn wait_for_helpers(&self) {
        for _ in 0..LOOKS_BEFORE_SLEEP {
            if self.working.0.load(Ordering::Acquire) == 0 {
                return;
            }
            std::hint::spin_loop();
        }
        let mut bell = self.bell.lock();
        while self.working.0.load(Ordering::Acquire) > 0 {
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
        let is_awaited = |seen: u64| {
            self.windows.0.load(Ordering::Acquire) != seen || self.is_over.load(Ordering::Acquire)
        };
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
        *seen = self.windows.0.load(Ordering::Acquire);
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
        if self.0.working.0.fetch_sub(1, Ordering::AcqRel) == 1 {
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
    /// It has stopped by itself, and nothing will start it again.
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
            window.share_out(self.helpers + 1, crew.seats.len());
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
            let mut report = report.0.lock();
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

    /// How many places a taker gets out of a share in all.
    fn all_of(share: &Share, taker: Taker) -> usize {
        let taken = std::iter::from_fn(|| share.take(taker));
        taken.map(|places| places.len()).sum()
    }

    #[test]
    fn a_thread_and_its_helper_take_every_place_of_a_share_once_each_from_its_own_end() {
        for length in 0..50 {
            let share = Share::new(7..7 + length);
            let (mut low, mut high) = (Vec::new(), Vec::new());
            // Three turns of the thread for each of the helper.
            for turn in 0.. {
                let is_helper = turn % 4 == 3;
                let taker = if is_helper {
                    Taker::Helper { few: 0 }
                } else {
                    Taker::Owner
                };
                match share.take(taker) {
                    Some(places) if is_helper => high.splice(0..0, places).for_each(drop),
                    Some(places) => low.extend(places),
                    None => break,
                }
            }
            low.extend(high);
            assert_eq!(low, (7..7 + length).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_helper_leaves_the_last_few_places_to_the_thread_whose_they_are() {
        let share = Share::new(0..24);
        assert_eq!(all_of(&share, Taker::Helper { few: 3 }), 21);
        assert_eq!(all_of(&share, Taker::Owner), 3);
        assert_eq!(all_of(&share, Taker::Owner), 0);
    }

    fn window(due: impl IntoIterator<Item = usize>, threads: usize, machines: usize) -> Window {
        let mut window = Window {
            due: due.into_iter().collect(),
            ..Window::default()
        };
        window.share_out(threads, machines);
        window
    }

    #[test]
    fn every_machine_that_is_due_is_run_by_its_thread_or_by_a_helper() {
        for threads in 1..6 {
            let window = window(100..110, threads, 200);
            let mut taken = Vec::new();
            for thread in 0..threads {
                while let Some(numbers) = window.take(thread) {
                    taken.extend_from_slice(numbers);
                }
            }
            taken.sort_unstable();
            assert_eq!(taken, window.due);
        }
    }

    #[test]
    fn a_machine_is_of_the_same_thread_whichever_others_are_due() {
        let all = window(0..48, 2, 48);
        assert_eq!(all.take(0).map(|numbers| numbers[0]), Some(0));
        assert_eq!(all.take(1).map(|numbers| numbers[0]), Some(24));
        let some = window([1, 20, 22, 30, 47], 2, 48);
        assert_eq!(some.take(0).map(|numbers| numbers[0]), Some(1));
        assert_eq!(some.take(1).map(|numbers| numbers[0]), Some(30));
    }
}
