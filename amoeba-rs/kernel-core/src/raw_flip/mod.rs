//! FLIP for programs: the interfaces of processes, by the system call `rawflip`.
//!
//! As everything on FLIP this is plain state: threads' calls ([`RawFlip::call`]) and FLIP's events ([`RawFlip::event`]) come in, and
//! what has ended is asked for ([`RawFlip::poll`]). `upcalls` is what waits for a program's thread to take it; [`limits`] is how
//! much of the kernel programs get.
//!
//! A program says where a message goes and what it holds; headers are FLIP's. Its addresses lie in a space of their own, so that
//! the transaction layer believes nothing that a program made up.

pub mod limits;
#[cfg(test)]
mod tests;
mod upcalls;

use crate::flip::types::{
    Below, Data, Endpoint, Error, Event, Interface, MessageId, Milliseconds, Priority, SendFlags,
};
use crate::flip::{Flip, MOST_HOPS};
use crate::process::ThreadId;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use proto::raw_flip::{Block, LARGEST_MESSAGE, Operation, Outcome, is_users};
use upcalls::Upcalls;

/// What has ended for a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The thread.
    pub thread: ThreadId,
    /// What its call gives.
    pub value: i32,
    /// What its parameter block becomes, if it changes.
    pub block: Option<Block>,
    /// What goes into its buffer.
    pub data: Vec<u8>,
}

impl Done {
    fn value(thread: ThreadId, value: i32) -> Done {
        Done {
            thread,
            value,
            block: None,
            data: Vec::new(),
        }
    }
}

/// An own message that FLIP has not done with.
#[derive(Debug)]
struct Outstanding {
    message: MessageId,
    endpoint: Endpoint,
    length: usize,
    /// The thread that waits for the outcome.
    waiter: Option<ThreadId>,
}

/// An interface of a process.
#[derive(Debug)]
struct Row<D> {
    interface: Interface,
    /// Slot of the process.
    owner: u16,
    endpoints: Vec<Endpoint>,
    sent: Vec<Outstanding>,
    upcalls: Upcalls<D>,
}

/// The interfaces of all processes.
#[derive(Debug)]
pub struct RawFlip<D> {
    rows: Vec<Row<D>>,
    done: VecDeque<Done>,
    /// Upcalls that found no room.
    dropped: u32,
}

impl<D> Default for RawFlip<D> {
    fn default() -> RawFlip<D> {
        RawFlip {
            rows: Vec::new(),
            done: VecDeque::new(),
            dropped: 0,
        }
    }
}

/// A call that fails gives this.
fn code(error: Error) -> i32 {
    let outcome = match error {
        Error::Fail => Outcome::Fail,
        Error::Timeout => Outcome::Timeout,
        Error::NoPacket => Outcome::NoPacket,
        Error::Unknown => Outcome::Unknown,
        Error::Unsafe => Outcome::Unsafe,
    };
    outcome.code()
}

impl<D: Data + Clone> RawFlip<D> {
    /// The next thing that has ended.
    pub fn poll(&mut self) -> Option<Done> {
        self.done.pop_front()
    }

    /// Whether an interface is one of these.
    pub fn has(&self, interface: Interface) -> bool {
        self.rows.iter().any(|row| row.interface == interface)
    }

    /// Upcalls that were dropped because their programs did not take them.
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Carries out what a thread asks for; `data` is what it sends. What comes of it is told by [`RawFlip::poll`], at once or
    /// later.
    pub fn call(
        &mut self,
        now: Milliseconds,
        flip: &mut Flip<D>,
        thread: ThreadId,
        block: &Block,
        data: Option<D>,
    ) {
        match self.carry_out(now, flip, thread, block, data) {
            Ok(Some(value)) => self.done.push_back(Done::value(thread, value)),
            Ok(None) => {}
            Err(error) => self.done.push_back(Done::value(thread, code(error))),
        }
    }

    fn carry_out(
        &mut self,
        now: Milliseconds,
        flip: &mut Flip<D>,
        thread: ThreadId,
        block: &Block,
        data: Option<D>,
    ) -> Result<Option<i32>, Error> {
        let operation = Operation::from_code(block.operation).ok_or(Error::Fail)?;
        if operation == Operation::Init {
            return self.init(flip, thread.process, block.number).map(Some);
        }
        let own = |row: &Row<D>| row.owner == thread.process && u32::from(row.interface.0) == block.interface;
        let place = self.rows.iter().position(own).ok_or(Error::Fail)?;
        match operation {
            Operation::Upcall => {
                self.rows[place].upcalls.wait(thread, block.length)?;
                self.serve(flip, place);
                Ok(None)
            }
            Operation::End => {
                self.end(flip, place);
                Ok(Some(0))
            }
            Operation::Register => {
                let count: usize = self.rows.iter().map(|row| row.endpoints.len()).sum();
                if !is_users(block.destination) || count >= limits::ADDRESSES {
                    return Err(Error::Fail);
                }
                let endpoint = flip.register(self.rows[place].interface, block.destination)?;
                self.rows[place].endpoints.push(endpoint);
                Ok(Some(i32::from(endpoint.0)))
            }
            Operation::Unregister => {
                let endpoint = self.rows[place].endpoint(block)?;
                self.unregister(flip, place, endpoint)?;
                Ok(Some(0))
            }
            _ => self.send(
                now,
                flip,
                thread,
                place,
                (operation, block),
                data.ok_or(Error::Fail)?,
            ),
        }
    }

    fn init(&mut self, flip: &mut Flip<D>, owner: u16, identification: u32) -> Result<i32, Error> {
        let count = self.rows.iter().filter(|row| row.owner == owner).count();
        if count >= limits::INTERFACES_OF_PROCESS {
            return Err(Error::Fail);
        }
        let interface = flip.open()?;
        self.rows.push(Row {
            interface,
            owner,
            endpoints: Vec::new(),
            sent: Vec::new(),
            upcalls: Upcalls::new(identification),
        });
        Ok(i32::from(interface.0))
    }

    fn unregister(&mut self, flip: &mut Flip<D>, place: usize, endpoint: Endpoint) -> Result<(), Error> {
        let row = &mut self.rows[place];
        flip.unregister(row.interface, endpoint)?;
        row.endpoints.retain(|own| *own != endpoint);
        // FLIP forgets the endpoint's messages and tells nothing more of them.
        let gone = row.sent.extract_if(.., |sent| sent.endpoint == endpoint);
        let waiters = gone.filter_map(|sent| sent.waiter);
        self.done
            .extend(waiters.map(|thread| Done::value(thread, Outcome::Fail.code())));
        Ok(())
    }

    /// Ends an interface; threads that wait for something of it are told so.
    fn end(&mut self, flip: &mut Flip<D>, place: usize) {
        let mut row = self.rows.swap_remove(place);
        let closed = flip.close(row.interface);
        debug_assert!(closed.is_ok());
        row.upcalls.drop_all(flip);
        let waiters = row.sent.iter().filter_map(|sent| sent.waiter);
        self.done
            .extend(waiters.map(|thread| Done::value(thread, Outcome::Fail.code())));
        self.done.extend(row.upcalls.exit());
    }

    fn send(
        &mut self,
        now: Milliseconds,
        flip: &mut Flip<D>,
        thread: ThreadId,
        place: usize,
        (operation, block): (Operation, &Block),
        data: D,
    ) -> Result<Option<i32>, Error> {
        let length = data.length() as usize;
        let flags = SendFlags::from_bits(block.flags).ok_or(Error::Fail)?;
        let endpoint = self.rows[place].endpoint(block)?;
        if length > LARGEST_MESSAGE {
            return Err(Error::Fail);
        }
        if !self.has_room(thread.process, length) {
            return Err(Error::NoPacket);
        }
        let interface = self.rows[place].interface;
        let (to, locate) = (block.destination, Milliseconds::from(block.time));
        let message = match operation {
            Operation::Broadcast => {
                let hops = u16::try_from(block.number).unwrap_or(MOST_HOPS);
                flip.broadcast(now, interface, endpoint, hops, data)?
            }
            Operation::Multicast => {
                flip.multicast(now, interface, endpoint, flags, to, block.number, locate, data)?
            }
            _ => flip.unicast(
                now,
                interface,
                endpoint,
                flags,
                to,
                locate,
                Priority::Normal,
                data,
            )?,
        };
        let waits = flags.contains(SendFlags::SYNC) && operation != Operation::Broadcast;
        self.rows[place].sent.push(Outstanding {
            message,
            endpoint,
            length,
            waiter: waits.then_some(thread),
        });
        if !waits {
            self.done.push_back(Done {
                block: Some(Block {
                    message: message.0,
                    ..*block
                }),
                ..Done::value(thread, Outcome::Ok.code())
            });
        }
        Ok(None)
    }

    /// Whether a process may have FLIP hold one message more.
    fn has_room(&self, process: u16, length: usize) -> bool {
        let sum = |rows: &mut dyn Iterator<Item = &Row<D>>| {
            let messages = rows.flat_map(|row| &row.sent);
            messages.fold((1, length), |(count, bytes), sent| {
                (count + 1, bytes + sent.length)
            })
        };
        let own = sum(&mut self.rows.iter().filter(|row| row.owner == process));
        let all = sum(&mut self.rows.iter());
        let fits = |(count, bytes), (most, most_bytes)| count <= most && bytes <= most_bytes;
        fits(own, limits::SENT_BY_PROCESS) && fits(all, limits::SENT)
    }

    /// Takes what FLIP tells about one of these interfaces.
    pub fn event(&mut self, flip: &mut Flip<D>, event: Event<D>) {
        let Some(place) = self
            .rows
            .iter()
            .position(|row| row.interface == event.interface())
        else {
            upcalls::release(flip, event);
            return;
        };
        let row = &mut self.rows[place];
        let outcome = match &event {
            Event::Sent { message, .. } => row.settled(*message, Outcome::Ok.code()),
            Event::NotDelivered { message, flags, .. } => row.settled(*message, code(flags.error())),
            Event::Received { .. } => None,
        };
        if outcome.is_some() {
            self.done.extend(outcome);
            return;
        }
        if matches!(event, Event::Sent { .. }) {
            return;
        }
        let held = self.rows.iter().map(|row| row.upcalls.held());
        let (packets, bytes) = held.fold((0, 0), |sum, held| (sum.0 + held.0, sum.1 + held.1));
        if !self.rows[place].upcalls.add(flip, event, packets, bytes) {
            self.dropped = self.dropped.wrapping_add(1);
        }
        self.serve(flip, place);
    }

    /// Hands the next upcall to the thread that waits for one.
    fn serve(&mut self, flip: &mut Flip<D>, place: usize) {
        let done = self.rows[place].upcalls.take(flip);
        self.done.extend(done);
    }

    /// A thread no longer waits.
    pub fn abort(&mut self, thread: ThreadId) {
        for row in &mut self.rows {
            row.upcalls.abort(thread);
            for sent in &mut row.sent {
                sent.waiter = sent.waiter.filter(|waiter| *waiter != thread);
            }
        }
        self.done.retain(|done| done.thread != thread);
    }

    /// Ends all interfaces of a process that is gone.
    pub fn end_process(&mut self, flip: &mut Flip<D>, process: u16) {
        while let Some(place) = self.rows.iter().position(|row| row.owner == process) {
            self.end(flip, place);
        }
        self.done.retain(|done| done.thread.process != process);
    }
}

impl<D> Row<D> {
    /// The endpoint that a block names.
    fn endpoint(&self, block: &Block) -> Result<Endpoint, Error> {
        let own = |endpoint: &&Endpoint| u32::from(endpoint.0) == block.endpoint;
        self.endpoints.iter().find(own).copied().ok_or(Error::Fail)
    }

    /// FLIP has done with a message: what the thread is told that waits for it.
    fn settled(&mut self, message: MessageId, value: i32) -> Option<Done> {
        let place = self.sent.iter().position(|sent| sent.message == message)?;
        let waiter = self.sent.swap_remove(place).waiter?;
        Some(Done::value(waiter, value))
    }
}
