//! Threads' calls on their way to the transaction layer and back.

use super::{Buffer, Network, secret_address};
use crate::clock;
use alloc::boxed::Box;
use alloc::vec::Vec;
use kernel_core::machine::Machine;
use kernel_core::process::{Communication, Event, Pinned, Processes, ThreadId, UserBuffer};
use kernel_core::rpc::{self, Misuse, Outcome, Size};
use kernel_core::servers::Reply;
use proto::capability::Port;
use proto::flip::Address;
use proto::message::Header;
use proto::process::migration::Counter;
use proto::standard::Status;

/// A thread of the kernel's, the first one; others differ in their number.
pub(super) const KERNEL: rpc::ThreadId = rpc::ThreadId {
    process: 0,
    thread: 0,
};

/// Threads in calls, and processes by their numbers in the transaction layer.
#[derive(Default)]
pub(super) struct Calls {
    /// Slots of the processes that have a number, of which the kernel's is 0; those behind it are in their order.
    processes: Vec<Place>,
    list: Vec<Call>,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Free,
    /// A process in this slot.
    Process(u16),
    /// Its process has ended, but not all of its messages have gone.
    Ending,
    /// Its process has gone to another machine, by this departure; what is sent to it is turned back.
    Gone(u16),
}

/// A call that the transaction layer has not ended.
struct Call {
    thread: rpc::ThreadId,
    /// The thread no longer waits for its end.
    is_abandoned: bool,
    /// What the thread called next, before the end of an abandoned call.
    deferred: Option<Box<Event>>,
}

impl Calls {
    /// The number of a process in the transaction layer.
    fn number(&self, slot: u16) -> Option<u16> {
        let place = self
            .processes
            .iter()
            .position(|place| *place == Place::Process(slot))?;
        Some(place as u16 + 1)
    }

    /// The thread as processes know it.
    fn thread(&self, id: rpc::ThreadId) -> Option<ThreadId> {
        let place = usize::from(id.process).checked_sub(1)?;
        match self.processes.get(place)? {
            Place::Process(process) => Some(ThreadId {
                process: *process,
                thread: id.thread,
            }),
            Place::Free | Place::Ending | Place::Gone(_) => None,
        }
    }

    fn find(&mut self, thread: rpc::ThreadId) -> Option<usize> {
        self.list.iter().position(|call| call.thread == thread)
    }
}

impl Network {
    /// The number of a process, which gets one when it first needs it.
    fn number(&mut self, machine: &mut impl Machine, slot: u16) -> Option<u16> {
        match self.calls.number(slot) {
            Some(number) => Some(number),
            None => self.start_process(slot, secret_address(machine)),
        }
    }

    /// Gives a process a number, with this address.
    fn start_process(&mut self, slot: u16, address: Address) -> Option<u16> {
        let places = &mut self.calls.processes;
        let place = match places.iter().position(|place| *place == Place::Free) {
            Some(place) => place,
            None => {
                places.push(Place::Free);
                places.len() - 1
            }
        };
        let number = place as u16 + 1;
        self.rpc.start_process(&mut self.flip, number, address).ok()?;
        self.calls.processes[place] = Place::Process(slot);
        Some(number)
    }

    /// Begins what a thread asks the transaction layer for.
    pub(crate) fn call(&mut self, processes: &mut Processes, machine: &mut impl Machine, event: Event) {
        let now = clock::uptime();
        let id = match &event {
            Event::Transaction(id, _)
            | Event::Request(id, _)
            | Event::Reply(id, ..)
            | Event::GiveUp(id)
            | Event::Signal(id)
            | Event::Abort(id)
            | Event::Serve(id, _)
            | Event::GoOn(id, ..) => *id,
            Event::Ended { process, .. } => return self.end_process(*process),
            Event::RawFlip(id, block) => return self.raw_call(processes, machine, *id, block),
            Event::Fetch(_) | Event::Checkpoint(_) => return self.start_task(processes, event),
            Event::Leave { .. }
            | Event::Part { .. }
            | Event::Return { .. }
            | Event::Gone { .. }
            | Event::Forget { .. }
            | Event::Arrive { .. } => return self.move_process(event),
        };
        if matches!(event, Event::Abort(_)) {
            self.raw.abort(id);
        }
        let begins = matches!(
            event,
            Event::Transaction(..) | Event::Request(..) | Event::Reply(..) | Event::GoOn(..)
        );
        let number = if begins {
            self.number(machine, id.process)
        } else {
            self.calls.number(id.process)
        };
        let Some(process) = number else {
            if begins {
                processes.complete(machine, id, Err(Status::RpcFailure));
            }
            return;
        };
        let thread = rpc::ThreadId {
            process,
            thread: id.thread,
        };
        match event {
            Event::Serve(_, service) => {
                let begun = self.rpc.put_service(thread, &service);
                debug_assert!(begun.is_ok());
            }
            Event::GiveUp(_) => self.rpc.cleanup(now, &mut self.flip, thread),
            Event::Signal(_) => self.rpc.signal(now, &mut self.flip, thread),
            Event::Abort(_) => {
                if let Some(place) = self.calls.find(thread) {
                    let call = &mut self.calls.list[place];
                    if call.is_abandoned {
                        call.deferred = None;
                    } else {
                        call.is_abandoned = true;
                        self.rpc.abort(now, &mut self.flip, thread);
                    }
                }
            }
            _ => {
                if let Some(place) = self.calls.find(thread) {
                    self.calls.list[place].deferred = Some(Box::new(event));
                    return;
                }
                self.begin(processes, machine, id, thread, event);
            }
        }
    }

    fn begin(
        &mut self,
        processes: &mut Processes,
        machine: &mut impl Machine,
        id: ThreadId,
        thread: rpc::ThreadId,
        event: Event,
    ) {
        let result = self.begin_call(processes, id, thread, event);
        match result {
            Ok(()) => self.calls.list.push(Call {
                thread,
                is_abandoned: false,
                deferred: None,
            }),
            Err(status) => processes.complete(machine, id, Err(status)),
        }
    }

    /// Lengths were checked when the thread called, and other kinds of misuse too: what is still refused is a failure.
    fn begin_call(
        &mut self,
        processes: &Processes,
        id: ThreadId,
        thread: rpc::ThreadId,
        event: Event,
    ) -> Result<(), Status> {
        let now = clock::uptime();
        let buffer = |place: UserBuffer, to_write: bool| {
            let pinned: Option<Pinned> = processes.pinned(id.process, place, to_write);
            pinned.map(Buffer::User).ok_or(Status::RpcBadAddress)
        };
        let begun = match event {
            Event::Transaction(_, transaction) => {
                let request = buffer(transaction.request, false)?;
                let reply = buffer(transaction.reply, true)?;
                let timeout = u64::from(transaction.timeout);
                let header = &transaction.header;
                self.rpc.timeout(thread, timeout).and_then(|_| {
                    self.rpc
                        .trans(now, &mut self.flip, thread, Size::Long, header, request, reply)
                })
            }
            Event::GoOn(_, transaction, asked) => {
                let request = buffer(transaction.request, false)?;
                let reply = buffer(transaction.reply, true)?;
                let header = &transaction.header;
                let timeout = u64::from(transaction.timeout);
                self.rpc.timeout(thread, timeout).and_then(|_| {
                    self.rpc.go_on(
                        now,
                        &mut self.flip,
                        thread,
                        Size::Long,
                        header,
                        request,
                        reply,
                        &asked,
                    )
                })
            }
            Event::Request(_, receive) => {
                let data = buffer(receive.data, true)?;
                self.rpc.getreq(thread, Size::Long, receive.port, data)
            }
            Event::Reply(_, header, data) => {
                let data = buffer(data, false)?;
                self.rpc
                    .putrep(now, &mut self.flip, thread, Size::Long, &header, data)
            }
            _ => Ok(()),
        };
        begun.map_err(|_: Misuse| Status::RpcFailure)
    }

    /// A process comes from another machine, or goes there.
    fn move_process(&mut self, event: Event) {
        match event {
            Event::Leave { process } => {
                if let Some(number) = self.calls.number(process) {
                    let held = self.rpc.hold(&mut self.flip, number);
                    debug_assert!(held.is_ok());
                }
            }
            Event::Return { process } => {
                if let Some(number) = self.calls.number(process) {
                    let back = self.rpc.let_go(&mut self.flip, number);
                    debug_assert!(back.is_ok());
                }
            }
            Event::Gone { process, departure } => {
                self.raw.end_process(&mut self.flip, process);
                if let Some(number) = self.calls.number(process) {
                    self.calls.processes[usize::from(number) - 1] = Place::Gone(departure);
                }
            }
            Event::Forget { departure } => {
                let gone = Place::Gone(departure);
                if let Some(place) = self.calls.processes.iter().position(|place| *place == gone) {
                    self.calls.processes[place] = Place::Ending;
                    self.rpc.leave(&mut self.flip, place as u16 + 1);
                }
            }
            Event::Arrive {
                process,
                address,
                counter,
                windows,
            } => {
                if let Some(number) = self.start_process(process, address) {
                    self.rpc.count_on(number, &counter);
                }
                for window in &windows {
                    self.rpc.add_window(window);
                }
            }
            _ => {}
        }
    }

    /// Takes out what the threads of a leaving process are doing. Calls that have ended for them are still to be delivered,
    /// before the others are [forgotten](Network::forget_calls).
    pub(crate) fn take_out(&mut self, machine: &mut impl Machine, slot: u16) -> Communication {
        let number = self.calls.number(slot);
        if let Some(number) = number {
            // What a thread called behind an abandoned call begins elsewhere.
            let stays = |call: &Call| call.thread.process != number || !call.is_abandoned;
            self.calls.list.retain(stays);
        }
        let known = number.and_then(|number| self.rpc.private_address(number));
        let address = known.unwrap_or_else(|| secret_address(machine));
        let threads = number.map_or_else(Vec::new, |number| self.rpc.take_out(&mut self.flip, number));
        let counter = number.and_then(|number| self.rpc.counter(number));
        Communication {
            address,
            counter: counter.unwrap_or(Counter {
                name: address.public().0,
                last: 0,
            }),
            threads,
            windows: self.rpc.windows(),
        }
    }

    /// The calls of a process that was taken out do not end here.
    pub(crate) fn forget_calls(&mut self, slot: u16) {
        if let Some(number) = self.calls.number(slot) {
            self.calls.list.retain(|call| call.thread.process != number);
        }
    }

    fn end_process(&mut self, slot: u16) {
        self.raw.end_process(&mut self.flip, slot);
        let Some(number) = self.calls.number(slot) else {
            return;
        };
        self.calls.processes[usize::from(number) - 1] = Place::Ending;
        self.calls.list.retain(|call| call.thread.process != number);
        self.rpc.end_process(clock::uptime(), &mut self.flip, number);
    }

    /// Does what the transaction layer has for threads and for the kernel's own tasks; false if it was nothing.
    pub(crate) fn deliver(
        &mut self,
        processes: &mut Processes,
        machine: &mut impl Machine,
    ) -> Option<Delivery> {
        use rpc::Notice;
        if self.deliver_raw(processes, machine) {
            return Some(Delivery::Done);
        }
        loop {
            match self.notice()? {
                Notice::Ended { process } => {
                    if let Some(place) = usize::from(process).checked_sub(1) {
                        self.calls.processes[place] = Place::Free;
                    }
                }
                Notice::Signal { thread } if thread.process == KERNEL.process => {
                    return Some(Delivery::ServerSignal(thread));
                }
                Notice::Signal { thread } => {
                    if let Some(id) = self.calls.thread(thread) {
                        return Some(Delivery::Signal(id));
                    }
                }
                Notice::Request {
                    thread,
                    outcome,
                    buffer,
                } if thread.process == KERNEL.process => {
                    return Some(Delivery::Request(thread, outcome, buffer));
                }
                Notice::Replied { thread } if thread.process == KERNEL.process => self.listen(thread),
                Notice::Transaction {
                    thread,
                    outcome,
                    buffer,
                } if thread.process == KERNEL.process => {
                    return Some(self.end_task(processes, machine, thread, outcome, &buffer));
                }
                Notice::Transaction { thread, outcome, .. } | Notice::Request { thread, outcome, .. } => {
                    self.end_call(processes, machine, thread, outcome);
                    return Some(Delivery::Done);
                }
                Notice::Replied { thread } => {
                    self.end_call(processes, machine, thread, Ok((Header::default(), 0)));
                    return Some(Delivery::Done);
                }
            }
        }
    }

    fn end_call(
        &mut self,
        processes: &mut Processes,
        machine: &mut impl Machine,
        thread: rpc::ThreadId,
        outcome: Outcome,
    ) {
        let (Some(place), Some(id)) = (self.calls.find(thread), self.calls.thread(thread)) else {
            return;
        };
        let call = self.calls.list.swap_remove(place);
        if !call.is_abandoned {
            processes.complete(machine, id, outcome);
            processes.unblocked_by_packet(id.process);
        } else if let Some(event) = call.deferred {
            self.begin(processes, machine, id, thread, *event);
        }
    }
}

/// What a transaction has led to.
pub(crate) enum Delivery {
    /// It was seen to.
    Done,
    /// The contents of a segment have come, or not.
    Fetched,
    /// Bytes of the file to boot from have come, of which the first are here, or not: so many.
    Image(Result<(Vec<u8>, u32), Status>),
    /// A transaction of the server at this put-port has ended.
    Called(Port, u32, Result<Reply, Status>),
    /// A thread that serves a request gets the signal of its client's.
    Signal(ThreadId),
    /// The client of a request that a thread of the kernel's serves has got a signal.
    ServerSignal(rpc::ThreadId),
    /// A request to one of the kernel's servers.
    Request(rpc::ThreadId, Outcome, Buffer),
}
