//! The run server: on which machine of a pool a program is to run.
//!
//! Where the arguments of commands stand ([`crate::message`] and [`crate::marshal`]):
//!
//! | command | request | reply |
//! |---|---|---|
//! | get exec capability | data: the host's name, a string | port and private part: the host's process server, for one who may start processes |
//! | find host | extra: how many descriptors; data: the descriptors ([`crate::process`]), one behind the other | [`Choice`] |
//! | create | data: the capability of the pool's directory | port and private part: the pool |
//!
//! The codes are Amoeba's; how arguments and replies are laid out is chosen here, but for their parts and lengths. A pool's directory
//! has a directory for each architecture (`i80386`), and that has a row for each host: its kernel's directory.

use crate::Error;
use crate::capability::{Capability, Rights};
use crate::marshal::{Reader, Writer};
use crate::standard;

codes! {
    /// A command of the run server.
    Command: u16 {
        /// Tell the capability with which processes are started on a host of the pool.
        GetExecCapability = 3000,
        /// Choose a host of the pool that can run one of the programs, which are the same for different architectures.
        FindHost = 3001,
        /// Make a pool from a directory.
        Create = 3002,
    }
}

codes! {
    /// Why the run server has not found a host, where no standard code says it.
    Status: i16 {
        /// No host of the pool has one of these architectures.
        BadArchitecture = -3001,
        /// There is no directory of the pool.
        NoPoolDirectory = -3002,
        /// The directory of the pool cannot be read.
        BadPoolDirectory = -3003,
        /// Hosts are up, but none has the memory.
        NoHost = -3004,
        /// All hosts that would do are down.
        HostsDown = -3005,
    }
}

own_failure! {
    /// Why a request to the run server failed.
    Run
}

/// Rights on pools, and on the server itself, whose object is its first pool.
pub mod right {
    use super::Rights;

    /// Have programs placed on the pool's hosts.
    pub const PLACE: Rights = Rights(0x01);
    /// Make pools.
    pub const CREATE: Rights = Rights(0x02);
    /// Destroy a pool, and change the server's settings.
    pub const ADMIN: Rights = Rights(0x80);
}

/// The number of the server's own object, its first pool.
pub const SERVER_OBJECT: u32 = 0;
/// How many times [`age`](standard::Command::Age) lets a pool live that was made and that nobody uses.
pub const LIFETIME: u8 = 24;
/// The most bytes of descriptors in a request.
pub const LARGEST_DESCRIPTORS: usize = 6000;
/// Bytes of a host's name, padded with zero bytes.
pub const NAME_LENGTH: usize = 16;

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which of the descriptors, counted from 0; in the reply's extra field.
    pub index: u16,
    /// The host's name, padded with zero bytes.
    pub name: [u8; NAME_LENGTH],
    /// The host's process server, for one who may start processes there.
    pub host: Capability,
}

impl Choice {
    /// Bytes of the reply's data: name and capability.
    pub const LENGTH: usize = NAME_LENGTH + crate::capability::CAPABILITY_LENGTH;

    /// Reads the data of a reply whose extra field is `index`.
    pub fn parse(index: u16, reader: &mut Reader<'_>) -> Result<Choice, Error> {
        Ok(Choice {
            index,
            name: *reader.bytes(NAME_LENGTH)?.first_chunk().ok_or(Error::Truncated)?,
            host: reader.capability()?,
        })
    }

    /// Writes the data of the reply.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        writer.bytes(&self.name)?;
        writer.capability(&self.host)
    }

    /// The host's name without its padding.
    pub fn name(&self) -> &[u8] {
        self.name.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

/// A host's name as it stands in a reply: cut off after 16 bytes.
pub fn padded(name: &[u8]) -> [u8; NAME_LENGTH] {
    let mut padded = [0; NAME_LENGTH];
    for (place, byte) in padded.iter_mut().zip(name) {
        *place = *byte;
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::{Choice, Command, Failure, Status, padded};
    use crate::Error;
    use crate::capability::{Capability, Port, Private};
    use crate::marshal::{Reader, Writer};
    use crate::standard;

    #[test]
    fn commands_begin_at_3000_and_errors_are_3001_to_3005() {
        assert!(Command::ALL.iter().map(|command| command.code()).eq(3000..=3002));
        assert!(Status::ALL.iter().map(|status| -status.code()).eq(3001..=3005));
    }

    #[test]
    fn a_choice_is_a_name_of_sixteen_bytes_and_a_capability() {
        let choice = Choice {
            index: 1,
            name: padded(b"pool2"),
            host: Capability {
                port: Port([1, 2, 3, 4, 5, 6]),
                private: Private::owner(0, Port([7; 6])),
            },
        };
        let mut bytes = [0xee; Choice::LENGTH];
        choice.emit(&mut Writer::new(&mut bytes)).unwrap();
        assert_eq!(
            bytes[..22],
            *b"pool2\0\0\0\0\0\0\0\0\0\0\0\x01\x02\x03\x04\x05\x06"
        );
        assert_eq!(Choice::parse(1, &mut Reader::new(&bytes)), Ok(choice));
        assert_eq!(choice.name(), b"pool2");
        let short = Choice::parse(1, &mut Reader::new(&bytes[..31]));
        assert_eq!(short, Err(Error::Truncated));
        assert_eq!(padded(b"a name of seventeen"), *b"a name of sevent");
    }

    #[test]
    fn a_reply_says_what_failed_in_its_own_or_in_standard_codes() {
        assert_eq!(Failure::check(0), Ok(()));
        assert_eq!(Failure::check(-3004), Err(Failure::Run(Status::NoHost)));
        assert_eq!(Failure::check(-1005), Err(standard::Status::Denied.into()));
        assert_eq!(Failure::check(-3006), Err(standard::Status::SystemError.into()));
        assert_eq!(Failure::Run(Status::HostsDown).code(), -3005);
    }
}
