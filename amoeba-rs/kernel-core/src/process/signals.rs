//! Signals and exceptions: a thread's handler is called on its own stack, or what has happened has its course.

use super::{Event, Phase, Processes, ThreadId, UserBuffer, Wait, registers};
use crate::machine::Machine;
use proto::process::server::Cause;
use proto::process::{Frame, frame};
use proto::signal::{Exception, HANDLER_LENGTH, Handler};
use proto::standard::Status;

impl Processes {
    /// The handler that a thread has for a signal or an exception.
    fn handler(&self, machine: &impl Machine, id: ThreadId, signal: i32) -> Option<Handler> {
        let kernel = &self.thread(id).kernel;
        let length = HANDLER_LENGTH as u32 * kernel.vector_length;
        let vector = UserBuffer {
            address: kernel.vector,
            length,
        };
        let bytes = self.bytes(machine, id.process, vector)?;
        let mut handlers = bytes
            .chunks_exact(HANDLER_LENGTH)
            .filter_map(|bytes| Handler::parse(bytes).ok());
        handlers.find(|handler| handler.signal == signal)
    }

    /// Has a thread, which is not in a call, go on in its handler. False if it has none, or no stack for it.
    fn deliver(&mut self, machine: &mut impl Machine, id: ThreadId, signal: i32) -> bool {
        let Some(handler) = self.handler(machine, id, signal) else {
            return false;
        };
        let interrupted = self.thread(id).frame;
        let saved = interrupted.esp.wrapping_sub(frame::LENGTH as u32) & !3;
        // A return address that leads nowhere, and the handler's four arguments.
        let arguments = [0, signal.cast_unsigned(), saved, handler.third, handler.fourth];
        let stack = saved.wrapping_sub(4 * arguments.len() as u32);
        let written = self
            .write(machine, id.process, saved, &interrupted.emit())
            .and_then(|()| {
                (0..).step_by(4).zip(arguments).try_for_each(|(offset, word)| {
                    self.write(machine, id.process, stack + offset, &word.to_le_bytes())
                })
            });
        if written.is_err() {
            return false;
        }
        let registers = registers::for_user(&interrupted);
        self.thread_mut(id).frame = Frame {
            eip: handler.counter,
            esp: stack,
            // A function begins so, whatever the thread was moving (System V ABI, Intel386 supplement, chapter 3).
            eflags: registers.eflags & !registers::DIRECTION,
            ..registers
        };
        true
    }

    /// `sigret`: goes on with the registers at `address`.
    pub(super) fn return_from_signal(
        &mut self,
        machine: &mut impl Machine,
        id: ThreadId,
        address: u32,
    ) -> Result<(), Exception> {
        let bytes = self.read::<{ frame::LENGTH }>(machine, id.process, address)?;
        let frame = Frame::parse(&bytes).map_err(|_| Exception::Argument)?;
        self.thread_mut(id).frame = registers::for_user(&frame);
        Ok(())
    }

    /// A thread that was running has made an exception. Without a handler its process stops.
    pub(super) fn raise_exception(&mut self, machine: &mut impl Machine, id: ThreadId, exception: Exception) {
        if !self.deliver(machine, id, exception.code()) {
            self.thread_mut(id).is_faulty = true;
            self.stop(machine, id.process, Cause::Exception, exception.code());
        }
    }

    /// A signal for all threads of a process.
    pub fn raise(&mut self, machine: &mut impl Machine, slot: u16, signal: i32) {
        for id in self.threads(slot) {
            self.signal(machine, id, signal);
        }
    }

    /// A signal for a thread. A call in which it waits ends, but for a transaction: its server gets the signal. A
    /// signal that the thread does not handle is forgotten.
    pub fn signal(&mut self, machine: &mut impl Machine, id: ThreadId, signal: i32) {
        if !self.has(id)
            || self.process(id.process).phase != Phase::Running
            || self.handler(machine, id, signal).is_none()
        {
            return;
        }
        match self.thread(id).wait {
            None => {
                self.deliver_or_stop(machine, id, signal);
                return;
            }
            Some(Wait::Transaction(_)) => self.events.push_back(Event::Signal(id)),
            Some(_) => {}
        }
        self.thread_mut(id).pending.push_back(signal);
        self.interrupt(machine, id);
    }

    /// Ends the call in which a thread waits, if that is a kind that a signal ends.
    pub(super) fn interrupt(&mut self, machine: &mut impl Machine, id: ThreadId) {
        match self.thread(id).wait {
            Some(Wait::Sleep { .. }) => self.wake(machine, id, -1),
            Some(Wait::Mutex { .. }) => {
                self.leave_mutex(id);
                self.wake(machine, id, -1);
            }
            Some(Wait::Request(_)) => {
                self.events.push_back(Event::Abort(id));
                self.wake(machine, id, i32::from(Status::RpcAborted.code()));
            }
            Some(Wait::RawFlip { is_upcall, .. }) => {
                self.events.push_back(Event::Abort(id));
                self.wake(machine, id, Processes::aborted_raw_flip(is_upcall));
            }
            None | Some(Wait::Transaction(_) | Wait::Reply(..) | Wait::Fetch { .. }) => {}
        }
    }

    /// Delivers what came while the thread waited.
    pub(super) fn deliver_pending(&mut self, machine: &mut impl Machine, id: ThreadId) {
        while self.has(id)
            && self.process(id.process).phase == Phase::Running
            && let Some(signal) = self.thread_mut(id).pending.pop_front()
        {
            self.deliver_or_stop(machine, id, signal);
        }
    }

    /// Delivers a signal. A thread that has a handler but no stack to run it on has made an exception.
    fn deliver_or_stop(&mut self, machine: &mut impl Machine, id: ThreadId, signal: i32) {
        if !self.deliver(machine, id, signal) && self.handler(machine, id, signal).is_some() {
            self.thread_mut(id).is_faulty = true;
            self.stop(machine, id.process, Cause::Exception, Exception::Access.code());
        }
    }
}
