//! Stopping a process: all its threads come to rest, its owner is told by a checkpoint, and what the owner answers
//! decides whether it goes on. A process that others stop does all that when it has its turn, as an [`Errand`].
//!
//! A stop waits for transactions and replies that are under way, so that nothing of them is lost; sleeping, waiting for
//! a mutex and waiting for a request end. An emergency, which is a stun with a negative code, ends those too.

use super::{Errand, Event, Phase, Processes, Thread, ThreadId, Wait, registers};
use crate::machine::Machine;
use alloc::vec;
use alloc::vec::Vec;
use proto::capability::Capability;
use proto::process::server::Cause;
use proto::process::{self, Descriptor, Head, I80386, Segment, ThreadState};
use proto::standard::Status;

/// What the owner of a stopped process is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The process.
    pub process: u16,
    /// Number of the checkpoint: an answer to another one is no longer wanted.
    pub number: u32,
    /// Who is told.
    pub owner: Capability,
    /// Why the process stopped.
    pub cause: Cause,
    /// Exit status, stun code or exception.
    pub detail: i32,
    /// The process's descriptor.
    pub descriptor: Vec<u8>,
}

impl Processes {
    /// Stuns a process: a negative code is an emergency.
    ///
    /// # Errors
    /// [`Status::NotNow`] if it has stopped already and this is no emergency, or is not complete yet.
    pub fn stun(&mut self, machine: &mut impl Machine, slot: u16, code: i32) -> Result<(), Status> {
        let is_emergency = code < 0;
        match self.process(slot).phase {
            Phase::Loading | Phase::Leaving | Phase::Arrived => return Err(Status::NotNow),
            Phase::Running => {}
            Phase::Stopping { .. } | Phase::Stopped { .. } if !is_emergency => return Err(Status::NotNow),
            Phase::Stopping {
                cause: Cause::Normal, ..
            }
            | Phase::Stopped {
                cause: Cause::Normal, ..
            } => {
                return Err(Status::NotNow);
            }
            Phase::Stopping { .. } | Phase::Stopped { .. } => {}
        }
        self.halt_all(slot, Cause::Stunned, code);
        self.report_in_turn(machine, slot);
        Ok(())
    }

    /// Ends a process by its own will.
    pub(super) fn exit(&mut self, machine: &mut impl Machine, slot: u16, status: i32) {
        self.stop(machine, slot, Cause::Normal, status);
    }

    /// Stops a process by what one of its threads does that has its turn.
    pub(super) fn stop(&mut self, machine: &mut impl Machine, slot: u16, cause: Cause, detail: i32) {
        self.halt_all(slot, cause, detail);
        self.report(machine, slot);
    }

    /// Has all threads come to rest.
    fn halt_all(&mut self, slot: u16, cause: Cause, detail: i32) {
        let is_hard = cause == Cause::Normal || cause == Cause::Stunned && detail < 0;
        let process = self.process_mut(slot);
        process.phase = Phase::Stopping { cause, detail };
        self.dequeue(slot);
        for id in self.threads(slot) {
            if is_hard {
                self.abort(id);
            } else if matches!(self.thread(id).wait, Some(Wait::Transaction(_))) {
                self.events.push_back(Event::Signal(id));
            } else {
                self.halt(id);
            }
        }
    }

    /// None of a process's threads can run any more.
    pub(super) fn dequeue(&mut self, slot: u16) {
        let process = self.process_mut(slot);
        process.ready.clear();
        process.errand = None;
        process.used = 0;
        process.is_ahead = false;
        process.is_interrupted = false;
        process.is_queued = false;
        self.queue.retain(|queued| *queued != slot);
    }

    /// Ends the call in which a thread waits, as a stop does.
    fn halt(&mut self, id: ThreadId) {
        let value = match self.thread(id).wait {
            Some(Wait::Sleep { .. }) => -1,
            Some(Wait::Mutex { .. }) => {
                self.leave_mutex(id);
                -1
            }
            Some(Wait::Request(_)) => {
                self.events.push_back(Event::Abort(id));
                i32::from(Status::RpcAborted.code())
            }
            Some(Wait::RawFlip { is_upcall, .. }) => {
                self.events.push_back(Event::Abort(id));
                Processes::aborted_raw_flip(is_upcall)
            }
            None | Some(Wait::Transaction(_) | Wait::Reply(..) | Wait::Fetch { .. }) => return,
        };
        let thread = self.thread_mut(id);
        thread.wait = None;
        thread.frame.eax = value.cast_unsigned();
    }

    /// Ends any call in which a thread waits.
    pub(super) fn abort(&mut self, id: ThreadId) {
        self.halt(id);
        if self.forget_wait(id) {
            let thread = self.thread_mut(id);
            thread.frame.eax = i32::from(Status::RpcAborted.code()).cast_unsigned();
        }
    }

    /// Takes a thread out of whatever it waits for; true if it waited.
    pub(super) fn forget_wait(&mut self, id: ThreadId) -> bool {
        let Some(wait) = self.thread_mut(id).wait.take() else {
            return false;
        };
        match wait {
            Wait::Mutex { .. } => self.leave_mutex(id),
            Wait::Request(_) | Wait::Transaction(_) | Wait::Reply(..) | Wait::RawFlip { .. } => {
                self.events.push_back(Event::Abort(id))
            }
            Wait::Sleep { .. } | Wait::Fetch { .. } => {}
        }
        true
    }

    /// Why a process stops in which no thread waits for anything any more.
    fn stopping(&self, slot: u16) -> Option<(Cause, i32)> {
        let Phase::Stopping { cause, detail } = self.process(slot).phase else {
            return None;
        };
        let mut threads = self.process(slot).threads.iter().flatten();
        threads
            .all(|thread| thread.wait.is_none())
            .then_some((cause, detail))
    }

    /// Has the last thread of a stopping process tell the owner when it has its turn. Without an owner there is nothing to tell.
    pub(super) fn report_in_turn(&mut self, machine: &mut impl Machine, slot: u16) {
        match self.stopping(slot) {
            Some(_) if self.process(slot).owner == Capability::NULL => self.report(machine, slot),
            Some(_) => self.send_on(slot, Errand::Report),
            None => {}
        }
    }

    /// Tells the owner, if no thread waits for anything any more.
    pub(super) fn report(&mut self, machine: &mut impl Machine, slot: u16) {
        let Some((cause, detail)) = self.stopping(slot) else {
            return;
        };
        if cause == Cause::Normal {
            for id in self.threads(slot) {
                if self.thread(id).is_serving {
                    self.events.push_back(Event::GiveUp(id));
                }
            }
            self.process_mut(slot).threads.clear();
        }
        let owner = self.process(slot).owner;
        if owner == Capability::NULL {
            self.end(machine, slot, cause, detail);
            return;
        }
        self.checkpoints = self.checkpoints.wrapping_add(1);
        let number = self.checkpoints;
        self.process_mut(slot).phase = Phase::Stopped {
            cause,
            detail,
            checkpoint: number,
        };
        let descriptor = self.describe(slot);
        self.events.push_back(Event::Checkpoint(Checkpoint {
            process: slot,
            number,
            owner,
            cause,
            detail,
            descriptor,
        }));
    }

    /// Ends a stopped process.
    fn end(&mut self, machine: &mut impl Machine, slot: u16, cause: Cause, detail: i32) {
        let faulty = self
            .threads(slot)
            .into_iter()
            .map(|id| self.thread(id))
            .find(|thread| thread.is_faulty);
        let place = faulty.map(|thread| (thread.frame.eip, thread.frame.fault_address));
        let process = self.process_mut(slot);
        let is_owned = process.owner != Capability::NULL;
        let name = core::mem::take(&mut process.comment);
        for id in self.threads(slot) {
            if self.thread(id).is_serving {
                self.events.push_back(Event::GiveUp(id));
            }
        }
        self.destroy(machine, slot);
        self.events.push_back(Event::Ended {
            process: slot,
            name,
            is_owned,
            cause,
            detail,
            place,
        });
    }

    /// What the owner has answered to a checkpoint: a descriptor of the same length has the process go on with what it
    /// says of the threads; anything else ends it. Either happens when the process has its turn.
    pub fn answer_checkpoint(&mut self, slot: u16, number: u32, answer: Result<&[u8], Status>) {
        let process = self.slots.get(usize::from(slot)).and_then(Option::as_ref);
        if let Some(Phase::Stopped { checkpoint, .. }) = process.map(|process| process.phase)
            && checkpoint == number
        {
            self.send_on(slot, Errand::Obey(answer.ok().map(<[u8]>::to_vec)));
            self.unblocked_by_packet(slot);
        }
    }

    /// Does what the owner has answered, if it has.
    pub(super) fn obey(&mut self, machine: &mut impl Machine, slot: u16, answer: Option<&[u8]>) {
        let Phase::Stopped { cause, detail, .. } = self.process(slot).phase else {
            return;
        };
        let is_resumed =
            answer.is_some_and(|bytes| cause != Cause::Normal && self.resume(machine, slot, bytes));
        if !is_resumed {
            self.end(machine, slot, cause, detail);
        }
    }

    /// Has a stopped process go on; false if the descriptor is not one of the same process.
    fn resume(&mut self, machine: &mut impl Machine, slot: u16, bytes: &[u8]) -> bool {
        let ids = self.threads(slot);
        let Ok(descriptor) = Descriptor::parse(bytes) else {
            return false;
        };
        let states: Vec<process::Thread> = descriptor.threads().collect();
        if bytes.len() != self.describe(slot).len() || states.len() != ids.len() {
            return false;
        }
        self.process_mut(slot).phase = Phase::Running;
        for (id, state) in ids.iter().zip(&states) {
            let thread = self.thread_mut(*id);
            thread.is_faulty = false;
            if let Some(frame) = &state.user {
                thread.frame = registers::for_user(frame);
            }
            if let Some(kernel) = state.kernel {
                thread.kernel = kernel;
                if kernel.signal != 0 && thread.pending.is_empty() {
                    thread.pending.push_back(kernel.signal.cast_signed());
                }
            }
        }
        for (id, state) in ids.iter().zip(&states) {
            self.make_ready(*id, state.state.contains(ThreadState::FIRST));
        }
        for id in ids {
            self.deliver_pending(machine, id);
        }
        true
    }

    /// The descriptor of a process as it is.
    pub(super) fn describe(&self, slot: u16) -> Vec<u8> {
        let process = self.process(slot);
        let head = Head {
            architecture: I80386,
            own: self.capability(slot),
            owner: process.owner,
        };
        let mapped = process.mappings.iter().flatten();
        let segments: Vec<Segment> = mapped
            .map(|mapping| Segment {
                capability: self.segments.capability(mapping.segment),
                offset: 0,
                address: mapping.address,
                length: self.segments.get(mapping.segment).length(),
                kind: mapping.kind,
            })
            .collect();
        let threads: Vec<process::Thread> = process.threads.iter().flatten().map(describe).collect();
        let mut bytes = vec![0; process::length(segments.len(), &threads)];
        let emitted = process::emit(&head, &segments, &threads, &mut bytes);
        assert!(emitted.is_ok(), "mappings and threads are limited");
        bytes
    }
}

fn describe(thread: &Thread) -> process::Thread {
    let mut state = ThreadState::RUN;
    state.set(ThreadState::EXCEPTION, thread.is_faulty);
    state.set(ThreadState::SIGNAL, !thread.pending.is_empty());
    state.set(ThreadState::NO_SYSTEM_CALL, thread.wait.is_none());
    let signal = thread.pending.front().map_or(0, |signal| signal.cast_unsigned());
    process::Thread {
        state,
        idle: None,
        kernel: Some(process::KernelState {
            signal,
            ..thread.kernel
        }),
        user: Some(thread.frame),
    }
}
