//! Making a process from its descriptor.

use super::{Event, MOST_PROCESSES, MOST_THREADS, Phase, Process, Processes, Thread, registers};
use crate::address_space::AddressSpace;
use crate::machine::Machine;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use proto::capability::Capability;
use proto::process::segment::DEFAULT_STACK;
use proto::process::{self, Descriptor, I80386, Segment, SegmentKind, ThreadState};
use proto::standard::Status;

impl Processes {
    /// Makes a process: its slot. It runs as soon as the contents of all its segments are there.
    ///
    /// # Errors
    /// [`Status::BadArgument`] for another architecture, no thread, or segments that cannot be;
    /// [`Status::Exists`] for segments that overlap; what is wrong with a segment's capability;
    /// [`Status::NoSpace`] for too many processes or threads; [`Status::NoMemory`].
    pub fn exec(&mut self, machine: &mut impl Machine, descriptor: &Descriptor<'_>) -> Result<u16, Status> {
        let states: Vec<process::Thread> = descriptor.threads().collect();
        let threads = states
            .iter()
            .map(thread)
            .collect::<Option<Vec<_>>>()
            .ok_or(Status::BadArgument)?;
        let threads = threads.into_iter().map(Some).collect();
        let slot = self.create(machine, descriptor, threads)?;
        self.process_mut(slot).ready = order(&states);
        if !self.fetch_next(slot) {
            self.begin(machine, slot);
        }
        Ok(slot)
    }

    /// Makes a process that does not run: its slot. [`Processes::fetch_next`] has the contents of its segments read.
    pub(super) fn create(
        &mut self,
        machine: &mut impl Machine,
        descriptor: &Descriptor<'_>,
        threads: Vec<Option<Thread>>,
    ) -> Result<u16, Status> {
        let count = threads.iter().flatten().count();
        if descriptor.head.architecture != I80386 || count == 0 {
            return Err(Status::BadArgument);
        }
        if self.thread_count() + count > MOST_THREADS {
            return Err(Status::NoSpace);
        }
        let slot = self.empty_slot()?;
        let space = AddressSpace::new(machine).map_err(|_| Status::NoMemory)?;
        self.slots[usize::from(slot)] = Some(Process {
            check: machine.random_port(),
            owner: descriptor.head.owner,
            comment: String::new(),
            space,
            mappings: Vec::new(),
            last_mapping: Cell::new(0),
            threads,
            ready: VecDeque::new(),
            current: 0,
            is_queued: false,
            used: 0,
            is_ahead: false,
            is_interrupted: false,
            is_preemptive: false,
            profile: None,
            phase: Phase::Loading,
            errand: None,
            fetches: VecDeque::new(),
            journey: None,
        });
        if let Err(status) = self.map_all(machine, slot, descriptor) {
            self.destroy(machine, slot);
            return Err(status);
        }
        Ok(slot)
    }

    /// Has the contents of the next segment of a new process read; false if there is none left.
    pub(super) fn fetch_next(&mut self, slot: u16) -> bool {
        let next = self.process_mut(slot).fetches.pop_front();
        let is_some = next.is_some();
        self.events.extend(next.map(Event::Fetch));
        is_some
    }

    fn empty_slot(&mut self) -> Result<u16, Status> {
        if let Some(slot) = self.slots.iter().position(Option::is_none) {
            return Ok(slot as u16);
        }
        if self.slots.len() == MOST_PROCESSES {
            return Err(Status::NoSpace);
        }
        self.slots.push(None);
        Ok(self.slots.len() as u16 - 1)
    }

    /// Maps all segments.
    fn map_all(
        &mut self,
        machine: &mut impl Machine,
        slot: u16,
        descriptor: &Descriptor<'_>,
    ) -> Result<(), Status> {
        for mut segment in descriptor.segments() {
            if segment
                .kind
                .intersects(SegmentKind::SYMBOLS | SegmentKind::NEW_SYMBOLS)
            {
                continue;
            }
            prepare(&mut segment)?;
            self.map_object(machine, slot, None, &segment)?;
        }
        Ok(())
    }

    /// Lets the threads of a complete process run.
    pub(super) fn begin(&mut self, machine: &mut impl Machine, slot: u16) {
        let process = self.process_mut(slot);
        process.phase = Phase::Running;
        process.is_queued = true;
        self.queue.push_back(slot);
        for id in self.threads(slot) {
            self.deliver_pending(machine, id);
        }
    }

    /// The contents of a segment of a new process have come, or not.
    pub(super) fn loaded(&mut self, machine: &mut impl Machine, slot: u16, result: Result<(), Status>) {
        let process = self.slots.get(usize::from(slot)).and_then(Option::as_ref);
        if process.is_none_or(|process| process.phase != Phase::Loading) {
            return;
        }
        match result {
            Ok(()) if self.fetch_next(slot) => {}
            Ok(()) if self.process(slot).journey.is_some() => self.process_mut(slot).phase = Phase::Arrived,
            Ok(()) => self.begin(machine, slot),
            Err(status) => {
                // Nobody may ask.
                if self.unloaded.len() == MOST_PROCESSES {
                    self.unloaded.pop_front();
                }
                let check = self.process(slot).check;
                self.unloaded.push_back((check, status));
                self.destroy(machine, slot);
            }
        }
    }
}

/// Completes what an entry may leave open, and refuses one that a loader should have completed.
fn prepare(segment: &mut Segment) -> Result<(), Status> {
    let is_stack = segment.kind.contains(SegmentKind::SYSTEM);
    if is_stack && segment.length == 0 && segment.capability == Capability::NULL {
        segment.length = DEFAULT_STACK;
    }
    if segment.capability == Capability::NULL && segment.offset != 0 {
        return Err(Status::BadArgument);
    }
    segment.kind.remove(SegmentKind::SYSTEM);
    Ok(())
}

/// The order in which threads begin: those first that say so.
fn order(states: &[process::Thread]) -> VecDeque<u16> {
    let goes_first = |thread: &u16| states[usize::from(*thread)].state.contains(ThreadState::FIRST);
    let threads = 0..states.len() as u16;
    let first = threads.clone().filter(goes_first);
    first
        .chain(threads.filter(|thread| !goes_first(thread)))
        .collect()
}

/// A thread as its descriptor says; `None` if it does not say where it is.
pub(super) fn thread(state: &process::Thread) -> Option<Thread> {
    let frame = match (&state.user, &state.idle) {
        (Some(frame), _) => registers::for_user(frame),
        (None, Some(idle)) => registers::start(idle.counter, idle.stack),
        (None, None) => return None,
    };
    let kernel = state.kernel.unwrap_or_default();
    let mut thread = Thread::new(frame, kernel);
    if kernel.signal != 0 {
        thread.pending.push_back(kernel.signal.cast_signed());
    }
    Some(thread)
}
