//! FLIP for programs: the parameter block of the system call `rawflip`, its operations and what an upcall brings.
//!
//! The operations are those of a protocol above FLIP, by the numbers of Amoeba 5.3. A block has [`LENGTH`] bytes, little-endian;
//! its layout is this project's own. A program that wants upcalls has a thread ask for the next one with
//! [`Operation::Upcall`], which waits until there is one.
//!
//! Addresses that programs register lie in a space of their own, [`USER_SPACE`]: so kernels tell their own messages from those
//! that a program makes up.

use crate::flip::Address;
use crate::{Error, array};

/// Bytes of a block.
pub const LENGTH: usize = 60;
/// The space byte of every address that a program registers, but for the null address.
pub const USER_SPACE: u8 = 1;
/// The most bytes of a message that a program sends.
pub const LARGEST_MESSAGE: usize = 30_000;
/// The room for data that an upcall should have, which is more than a packet of any network carries.
pub const UPCALL_ROOM: usize = 2000;
/// Stack of a thread that takes upcalls, in bytes.
pub const UPCALL_STACK: usize = 65_536;

codes! {
    /// What a program wants of FLIP.
    Operation: u32 {
        /// Wait for what has come: one of [`Upcall`].
        Upcall = 0,
        /// A new interface: its number.
        Init = 1,
        /// End an interface.
        End = 2,
        /// Register a private address, or null for broadcasts: the number of the endpoint.
        Register = 3,
        /// End an endpoint.
        Unregister = 4,
        /// Send to all that have registered null.
        Broadcast = 5,
        /// Send to all that have registered an address.
        Multicast = 6,
        /// Send to one that has registered an address.
        Unicast = 7,
    }
}

codes! {
    /// What an upcall brings.
    Upcall: i32 {
        /// Data has arrived.
        Received = 1,
        /// An own message did not reach its destination.
        NotDelivered = 2,
        /// The interface has been ended.
        Exit = 3,
        /// The wait was ended by a signal or a stop.
        Aborted = 4,
    }
}

codes! {
    /// Why an operation failed, and, as 0, that it did not.
    Outcome: i32 {
        /// It is done.
        Ok = 0,
        /// A bad parameter, or a table is full.
        Fail = -1,
        /// The destination was not found in time.
        Timeout = -2,
        /// Too many messages are under way.
        NoPacket = -3,
        /// The destination is unknown.
        Unknown = -4,
        /// The destination can be reached over untrusted networks only.
        Unsafe = -5,
    }
}

/// A parameter block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// An [`Operation`].
    pub operation: u32,
    /// Number of the interface, from [`Operation::Init`].
    pub interface: u32,
    /// Number of the endpoint that sends, from [`Operation::Register`].
    pub endpoint: u32,
    /// How to send; of an upcall why a message was not delivered, or the flags of the packet.
    pub flags: u32,
    /// Where to, a public address; of [`Operation::Register`] the private one.
    pub destination: Address,
    /// Of an upcall: where from.
    pub source: Address,
    /// Address of the data, or of room for it.
    pub buffer: u32,
    /// Bytes of data, or of room.
    pub length: u32,
    /// The sender's number of the message.
    pub message: u32,
    /// Of an upcall: place of the data in the message.
    pub offset: u32,
    /// Of an upcall: bytes of the message.
    pub total: u32,
    /// The identification that upcalls tell, the most hops of a broadcast, or the least listeners of a multicast.
    pub number: u32,
    /// How long the destination is looked for, in milliseconds.
    pub time: u32,
}

impl Block {
    /// Reads the block at the start of `bytes`.
    ///
    /// # Errors
    /// [`Error::Truncated`].
    pub fn parse(bytes: &[u8]) -> Result<Block, Error> {
        let word = |offset| array(bytes, offset).map(u32::from_le_bytes);
        Ok(Block {
            operation: word(0)?,
            interface: word(4)?,
            endpoint: word(8)?,
            flags: word(12)?,
            destination: Address(array(bytes, 16)?),
            source: Address(array(bytes, 24)?),
            buffer: word(32)?,
            length: word(36)?,
            message: word(40)?,
            offset: word(44)?,
            total: word(48)?,
            number: word(52)?,
            time: word(56)?,
        })
    }

    /// The bytes of the block.
    pub fn emit(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let before = [self.operation, self.interface, self.endpoint, self.flags];
        let behind = [
            self.buffer,
            self.length,
            self.message,
            self.offset,
            self.total,
            self.number,
            self.time,
        ];
        let mut put = |start: usize, words: &[u32]| {
            for (place, word) in bytes[start..].as_chunks_mut::<4>().0.iter_mut().zip(words) {
                *place = word.to_le_bytes();
            }
        };
        put(0, &before);
        put(32, &behind);
        bytes[16..24].copy_from_slice(&self.destination.0);
        bytes[24..32].copy_from_slice(&self.source.0);
        bytes
    }
}

/// Whether programs may register this private address: it lies in their space, or is null.
pub fn is_users(private: Address) -> bool {
    private.is_null() || private.space() == USER_SPACE
}

#[cfg(test)]
mod tests {
    use super::{Block, LENGTH, Operation, USER_SPACE, Upcall, is_users};
    use crate::Error;
    use crate::flip::Address;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn numbers_are_those_of_amoeba() {
        assert_eq!(Operation::Upcall.code(), 0);
        assert_eq!(Operation::Unicast.code(), 7);
        assert_eq!(Upcall::Received.code(), 1);
        assert_eq!(Upcall::Aborted.code(), 4);
    }

    #[test]
    fn a_block_that_is_cut_off_is_none() {
        for length in 0..LENGTH {
            assert_eq!(Block::parse(&[0; LENGTH][..length]), Err(Error::Truncated));
        }
    }

    #[test]
    fn addresses_of_programs_have_a_space_of_their_own() {
        assert!(is_users(Address::NULL));
        assert!(is_users(Address([1, 2, 3, 4, 5, 6, 7, USER_SPACE])));
        assert!(!is_users(Address([1, 2, 3, 4, 5, 6, 7, 0])));
        let public = Address([1, 2, 3, 4, 5, 6, 7, USER_SPACE]).public();
        assert!(is_users(public));
    }

    proptest! {
        #[test]
        fn a_block_reads_back(bytes in any::<[u8; LENGTH]>()) {
            prop_assert_eq!(Block::parse(&bytes).map(|block| block.emit()), Ok(bytes));
        }
    }
}
