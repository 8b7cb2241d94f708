//! FLIP itself, for programs with protocols of their own (`rawflip`).

use super::calls;
use proto::flip::Address;
use proto::raw_flip::{Block, Operation, Outcome, USER_SPACE, Upcall};
use proto::system_call::Call;

/// How a message is to be sent.
pub mod flag {
    /// What is known of the destination's place is wrong.
    pub const INVALIDATE: u32 = 1;
    /// Wait until the message has gone, or its destination was not found.
    pub const SYNC: u32 = 2;
    /// Over trusted networks only.
    pub const SECURITY: u32 = 4;
    /// A multicast does not come back to its sender's endpoint.
    pub const SKIP_SOURCE: u32 = 8;
}

/// A private address in the programs' space that these seven bytes make, which should be random.
pub const fn private_address([a, b, c, d, e, f, g]: [u8; 7]) -> Address {
    Address([a, b, c, d, e, f, g, USER_SPACE])
}

/// Carries out what a block says: what the call gives.
pub fn call(block: &mut Block, operation: Operation) -> i32 {
    block.operation = operation.code();
    let mut bytes = block.emit();
    // SAFETY: the kernel reads and writes the block and the buffer that it names, which its maker has lent for the call.
    let value = unsafe {
        calls::call(
            Call::RawFlip,
            [bytes.as_mut_ptr().expose_provenance() as u32, 0, 0, 0],
        )
    };
    // The kernel has written through the address.
    if let Ok(changed) = Block::parse(core::hint::black_box(&bytes)) {
        *block = changed;
    }
    value
}

/// A call's result as what it gives or why it failed.
fn outcome(value: i32) -> Result<u32, Outcome> {
    u32::try_from(value).map_err(|_| Outcome::from_code(value).unwrap_or(Outcome::Fail))
}

/// Where a message goes.
#[derive(Clone, Copy, Debug)]
pub enum Destination {
    /// To one that has registered the address.
    One(Address),
    /// To all that have registered the address, once so many are known.
    Group(Address, u32),
    /// To all that have registered null, as far as so many hops lead: 3 are one Ethernet.
    All(u32),
}

/// An interface, which ends with this value.
#[derive(Debug)]
pub struct Interface(u32);

/// What has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// So many bytes are in the buffer: a piece of a message, which the block describes.
    Received(usize),
    /// A message did not reach its destination.
    NotDelivered,
    /// The interface has been ended.
    Exit,
    /// A signal has ended the wait.
    Aborted,
}

impl Interface {
    /// A new interface; upcalls tell `identification`.
    ///
    /// # Errors
    /// [`Outcome::Fail`] if this process or the kernel has too many.
    pub fn new(identification: u32) -> Result<Interface, Outcome> {
        let mut block = Block {
            number: identification,
            ..Block::default()
        };
        outcome(call(&mut block, Operation::Init)).map(Interface)
    }

    /// Its number.
    pub const fn number(&self) -> u32 {
        self.0
    }

    fn block(&self) -> Block {
        Block {
            interface: self.0,
            ..Block::default()
        }
    }

    /// Receives what is sent to the public address of `private`, or, if it is null, what is broadcast: the endpoint's number.
    ///
    /// # Errors
    /// [`Outcome::Fail`] for an address outside of the programs' space, or if there are too many.
    pub fn register(&self, private: Address) -> Result<u32, Outcome> {
        let mut block = Block {
            destination: private,
            ..self.block()
        };
        outcome(call(&mut block, Operation::Register))
    }

    /// Ends an endpoint.
    ///
    /// # Errors
    /// [`Outcome::Fail`] if there is no such one.
    pub fn unregister(&self, endpoint: u32) -> Result<(), Outcome> {
        let mut block = Block {
            endpoint,
            ..self.block()
        };
        outcome(call(&mut block, Operation::Unregister)).map(drop)
    }

    /// Sends a message of 30000 bytes at most, looking for its destination for so many milliseconds: its number.
    ///
    /// # Errors
    /// What the kernel says; without [`flag::SYNC`] a destination that is not found is an event.
    pub fn send(
        &self,
        endpoint: u32,
        to: Destination,
        flags: u32,
        locate: u32,
        data: &[u8],
    ) -> Result<u32, Outcome> {
        let (operation, destination, number) = match to {
            Destination::One(address) => (Operation::Unicast, address, 0),
            Destination::Group(address, listeners) => (Operation::Multicast, address, listeners),
            Destination::All(hops) => (Operation::Broadcast, Address::NULL, hops),
        };
        let mut block = Block {
            endpoint,
            flags,
            destination,
            number,
            buffer: data.as_ptr().expose_provenance() as u32,
            length: data.len() as u32,
            time: locate,
            ..self.block()
        };
        outcome(call(&mut block, operation))?;
        Ok(block.message)
    }

    /// Waits for what comes next.
    ///
    /// # Errors
    /// [`Outcome::Fail`] if another thread waits already, or without room.
    pub fn wait(&self, room: &mut [u8]) -> Result<(Event, Block), Outcome> {
        let mut block = Block {
            buffer: room.as_mut_ptr().expose_provenance() as u32,
            length: room.len() as u32,
            ..self.block()
        };
        let value = call(&mut block, Operation::Upcall);
        let event = match Upcall::from_code(value) {
            Some(Upcall::Received) => Event::Received(block.length as usize),
            Some(Upcall::NotDelivered) => Event::NotDelivered,
            Some(Upcall::Exit) => Event::Exit,
            Some(Upcall::Aborted) => Event::Aborted,
            None => return Err(Outcome::from_code(value).unwrap_or(Outcome::Fail)),
        };
        Ok((event, block))
    }

    /// Ends the interface before this value goes: what a thread waits for becomes [`Event::Exit`]. False if it has ended.
    pub fn end(&self) -> bool {
        call(&mut self.block(), Operation::End) == 0
    }
}

impl Drop for Interface {
    fn drop(&mut self) {
        self.end();
    }
}
