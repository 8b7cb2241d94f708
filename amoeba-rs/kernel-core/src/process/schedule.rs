//! Who runs: processes in turn, each for a time slice; threads of a process one until it waits, or, once the process
//! asks for it, by priority and in turn. (The kernel's own work comes before any of them.)

use super::{Errand, Event, Phase, Process, Processes, ThreadId, Wait};
use crate::machine::{Machine, Milliseconds};

/// Milliseconds from one look at sleeping threads to the next, which is how exact their times are.
pub const SWEEP: Milliseconds = 100;
/// The load average forgets in so many sweeps.
const LOAD_SWEEPS: u32 = 32;
/// One thread that can run all the time is this load.
pub const LOAD_UNIT: u32 = 1024;

impl Process {
    /// The thread that has the process's turn.
    fn first(&self) -> Option<u16> {
        if !self.is_preemptive {
            return self.ready.front().copied();
        }
        let priority = |thread: &u16| {
            self.threads[usize::from(*thread)]
                .as_ref()
                .map(|thread| thread.priority)
        };
        let highest = self.ready.iter().filter_map(priority).max()?;
        self.ready
            .iter()
            .copied()
            .find(|thread| priority(thread) == Some(highest))
    }

    /// Puts the thread that ran last behind all others.
    pub(super) fn yield_turn(&mut self) {
        if let Some(place) = self.ready.iter().position(|thread| *thread == self.current)
            && let Some(thread) = self.ready.remove(place)
        {
            self.ready.push_back(thread);
        }
    }
}

impl Processes {
    /// The process that has its turn, if any wants one.
    fn turn(&mut self, now: Milliseconds) -> Option<u16> {
        self.boost(now);
        loop {
            let slot = *self.queue.front()?;
            let is_over = now.saturating_sub(self.slice_start) >= self.slice;
            let process = self.process_mut(slot);
            if process.ready.is_empty() && process.errand.is_none() {
                process.is_queued = false;
                self.end_turn(now);
                self.queue.pop_front();
                self.begin_turn(now);
                continue;
            }
            if is_over {
                if process.is_preemptive {
                    process.yield_turn();
                }
                self.end_turn(now);
                self.queue.rotate_left(1);
                self.begin_turn(now);
                continue;
            }
            return Some(slot);
        }
    }

    /// The first process begins its turn, or goes on with one that was interrupted.
    fn begin_turn(&mut self, now: Milliseconds) {
        let mut used = 0;
        if let Some(first) = self.queue.front().copied() {
            let process = self.process_mut(first);
            if !core::mem::take(&mut process.is_interrupted) {
                process.used = 0;
            }
            used = process.used;
        }
        self.slice_start = now.saturating_sub(used);
    }

    /// The turn of the first process has ended. What it had ahead of its turn counts until it has a turn in the queue's order.
    fn end_turn(&mut self, now: Milliseconds) {
        let used = now.saturating_sub(self.slice_start);
        if let Some(first) = self.queue.front().copied() {
            let process = self.process_mut(first);
            process.used = if core::mem::take(&mut process.is_ahead) {
                used
            } else {
                0
            };
        }
    }

    /// A process can do something because a packet of FLIP's has come, or has gone. With a kernel that boosts, it goes first.
    pub fn unblocked_by_packet(&mut self, slot: u16) {
        if self.is_boosting && !self.unblocked.contains(&slot) {
            self.unblocked.push_back(slot);
        }
    }

    /// Puts those in front who waited for packets, until they have had one slice ahead of their turn. Whoever they interrupt has the
    /// rest of his slice behind them.
    fn boost(&mut self, now: Milliseconds) {
        while let Some(slot) = self.unblocked.pop_back() {
            let process = self.slots.get(usize::from(slot)).and_then(Option::as_ref);
            let used = process
                .filter(|process| process.is_queued)
                .map(|process| process.used);
            let first = self.queue.front().copied().filter(|first| *first != slot);
            let (Some(used), Some(first)) = (used.filter(|used| *used < self.slice), first) else {
                continue;
            };
            let interrupted = now.saturating_sub(self.slice_start);
            let process = self.process_mut(first);
            process.used = interrupted;
            process.is_interrupted = true;
            self.queue.retain(|queued| *queued != slot);
            self.queue.push_front(slot);
            let process = self.process_mut(slot);
            process.is_ahead = true;
            process.is_interrupted = false;
            self.slice_start = now.saturating_sub(used);
        }
    }

    /// Has the process whose turn it is do what it has to do in the kernel; false if it has nothing to do there.
    pub fn run_errand(&mut self, machine: &mut impl Machine, now: Milliseconds) -> bool {
        let Some(slot) = self.turn(now) else {
            return false;
        };
        let Some(errand) = self.process_mut(slot).errand.take() else {
            return false;
        };
        match errand {
            Errand::Report => self.report(machine, slot),
            Errand::Obey(answer) => self.obey(machine, slot, answer.as_deref()),
            Errand::Leave => self.events.push_back(Event::Leave { process: slot }),
            Errand::Part => self.events.push_back(Event::Part { process: slot }),
        }
        true
    }

    /// The thread that runs now, if any can.
    pub fn next(&mut self, now: Milliseconds) -> Option<ThreadId> {
        let slot = self.turn(now)?;
        let process = self.process_mut(slot);
        let thread = process.first()?;
        process.current = thread;
        Some(ThreadId {
            process: slot,
            thread,
        })
    }

    /// Has a process that has stopped do something when it has its turn.
    pub(super) fn send_on(&mut self, slot: u16, errand: Errand) {
        self.process_mut(slot).errand = Some(errand);
        self.enqueue(slot);
    }

    fn enqueue(&mut self, slot: u16) {
        let process = self.process_mut(slot);
        if !process.is_queued {
            process.is_queued = true;
            self.queue.push_back(slot);
        }
    }

    /// Lets a thread run that can.
    pub(super) fn make_ready(&mut self, id: ThreadId, goes_first: bool) {
        let process = self.process_mut(id.process);
        if process.phase != Phase::Running {
            return;
        }
        if goes_first {
            process.ready.push_front(id.thread);
        } else {
            process.ready.push_back(id.thread);
        }
        self.enqueue(id.process);
    }

    /// Has a thread wait.
    pub(super) fn block(&mut self, id: ThreadId, wait: Wait) {
        self.thread_mut(id).wait = Some(wait);
        let ready = &mut self.process_mut(id.process).ready;
        // Mostly it is the one whose turn it is.
        if ready.front() == Some(&id.thread) {
            ready.pop_front();
        } else {
            ready.retain(|ready| *ready != id.thread);
        }
    }

    /// Ends a thread's wait: its call gives `value`. Signals that came meanwhile are delivered.
    pub(super) fn wake(&mut self, machine: &mut impl Machine, id: ThreadId, value: i32) {
        let thread = self.thread_mut(id);
        thread.wait = None;
        thread.frame.eax = value.cast_unsigned();
        match self.process(id.process).phase {
            Phase::Running => {
                self.make_ready(id, false);
                self.deliver_pending(machine, id);
            }
            Phase::Stopping { .. } => self.report_in_turn(machine, id.process),
            Phase::Loading | Phase::Stopped { .. } | Phase::Leaving | Phase::Arrived => {}
        }
    }

    /// Has the kernel do what comes with time: sleeps and waits that are over, the load average. It is called before anything else
    /// is done at `now`.
    pub fn sweep(&mut self, machine: &mut impl Machine, now: Milliseconds) {
        if self.next_sweep > now {
            return;
        }
        if self.is_still() {
            // Sweeps would have found nothing since; the next one keeps their beat.
            self.next_sweep += (now - self.next_sweep) / SWEEP * SWEEP + SWEEP;
        }
        while self.next_sweep <= now {
            self.next_sweep += SWEEP;
            self.segments.collect(machine);
            let runnable: usize = self
                .slots
                .iter()
                .flatten()
                .map(|process| process.ready.len())
                .sum();
            let grown = self.load * (LOAD_SWEEPS - 1) + runnable as u32 * LOAD_UNIT;
            self.load = grown / LOAD_SWEEPS;
            let swept = self.next_sweep - SWEEP;
            for slot in 0..self.slots.len() as u16 {
                if self.slots[usize::from(slot)].is_some() {
                    self.sweep_process(machine, slot, swept);
                }
            }
        }
    }

    fn sweep_process(&mut self, machine: &mut impl Machine, slot: u16, now: Milliseconds) {
        for id in self.threads(slot) {
            match self.thread(id).wait {
                Some(Wait::Sleep { until }) if until <= now => self.wake(machine, id, 0),
                Some(Wait::Mutex {
                    until: Some(until), ..
                }) if until <= now => {
                    self.leave_mutex(id);
                    self.wake(machine, id, -1);
                }
                _ => {}
            }
            if self.slots[usize::from(slot)].is_none() {
                return;
            }
        }
    }

    /// Whether sweeps change nothing until something else happens: there are no processes, the average of the load knows of none, and
    /// no memory waits to be freed.
    fn is_still(&self) -> bool {
        self.load == 0 && !self.segments.has_lingering() && self.slots.iter().all(Option::is_none)
    }

    /// When something is to be done next because of the time, if nothing else happens before.
    pub fn next_sweep(&self) -> Milliseconds {
        if self.is_still() {
            Milliseconds::MAX
        } else {
            self.next_sweep
        }
    }
}
