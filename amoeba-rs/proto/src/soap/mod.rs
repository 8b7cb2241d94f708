//! The directory server SOAP: its commands, what a directory is, and what lies on its disks.
//!
//! A directory is a table: each row has a name, a set of capabilities of one object, and a mask of rights for each of the
//! directory's one to four columns. Who holds a column is given the capabilities with the rights of its mask.
//!
//! A tour: [`wire`] are the buffers of requests and replies; [`directory`] is the file of a directory, [`super_file`] the
//! disk from which everything is found; [`peer`] is what the two servers say to each other. Kernels understand some of the
//! same commands for the directory of their own servers.

pub mod directory;
pub mod peer;
pub mod super_file;
pub mod wire;

use crate::capability::Rights;
use crate::standard;

codes! {
    /// A command of the directory server. [`wire`] says what its buffers hold.
    Command: u16 {
        /// Make a directory with these columns; extra holds [`wire::ENCRYPTED`] or nothing. The reply's header is its
        /// capability.
        Create = 2100,
        /// Remove an empty directory.
        Discard = 2101,
        /// Tell the rows from the one that extra says; the reply's extra is the next one, or zero.
        List = 2102,
        /// Add a row: name, set, masks.
        Append = 2103,
        /// Change a row's masks: name, masks.
        ChangeMasks = 2104,
        /// Remove a row: name.
        Delete = 2105,
        /// Follow a path as far as this server's directories lead: path; reply: the rest of it, set.
        Lookup = 2106,
        /// Look several names up: pairs of set of a directory and name; reply: an entry for each.
        SetLookup = 2107,
        /// Replace sets of several rows, all or none.
        Install = 2108,
        /// Change a row's type: name, capability.
        PutType = 2109,
        /// Replace a row's set: name, set.
        Replace = 2110,
        /// Tell a row's masks: name.
        GetMasks = 2111,
        /// Tell the directory's sequence number: two numbers of four bytes, the more significant one first.
        GetSequence = 2112,
    }
}

codes! {
    /// Why a command of the directory server failed, where no standard code says it.
    Status: i16 {
        /// The server is not ready, or its stores of files are away.
        Unavailable = -2101,
        /// The directory has rows.
        NotEmpty = -2102,
        /// The server of an object cannot be reached.
        Unreachable = -2103,
        /// A row has changed meanwhile.
        Clash = -2104,
    }
}

/// Why a command failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A standard code.
    Standard(standard::Status),
    /// One of the directory server's own.
    Directory(Status),
}

impl Failure {
    /// The code in a reply.
    pub const fn code(self) -> i16 {
        match self {
            Failure::Standard(status) => status.code(),
            Failure::Directory(status) => status.code(),
        }
    }

    /// What a reply's code means for the caller; a code that nobody knows is a fault of the server.
    pub fn check(code: i16) -> Result<(), Failure> {
        match (standard::Status::from_code(code), Status::from_code(code)) {
            (Some(standard::Status::Ok), _) => Ok(()),
            (Some(status), _) => Err(Failure::Standard(status)),
            (None, Some(status)) => Err(Failure::Directory(status)),
            (None, None) => Err(Failure::Standard(standard::Status::SystemError)),
        }
    }
}

impl From<standard::Status> for Failure {
    fn from(status: standard::Status) -> Failure {
        Failure::Standard(status)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        Failure::Directory(status)
    }
}

impl core::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Failure::Standard(status) => write!(formatter, "{status}"),
            Failure::Directory(status) => write!(formatter, "{status:?} ({})", status.code()),
        }
    }
}

impl core::error::Error for Failure {}

/// The most columns of a directory.
pub const MOST_COLUMNS: usize = 4;
/// The rights of the columns: bit n is column n.
pub const COLUMNS: Rights = Rights(0x0f);
/// Needed to change a directory.
pub const MODIFY: Rights = Rights(0x40);
/// Needed to remove a directory.
pub const DELETE: Rights = Rights(0x80);
/// The columns of most directories.
pub const USUAL_COLUMNS: [&[u8]; 3] = [b"owner", b"group", b"other"];

/// The most bytes of a name.
pub const LONGEST_NAME: usize = 255;
/// The most bytes of a path.
pub const LONGEST_PATH: usize = 255;
/// The most rows of a directory.
pub const MOST_ROWS: usize = 5000;
/// The most bytes of a directory's file.
pub const LARGEST_DIRECTORY: usize = 120_000;
/// The most bytes of a request or a reply.
pub const LARGEST_BUFFER: usize = 8192;
/// How often a client tries what may be done twice.
pub const TRIES: usize = 3;
/// How many times everything must have been counted older ([`standard::Command::Age`]) until a directory that nobody has
/// touched goes.
pub const LIFETIME: u8 = 48;

/// A mask of rights for each column.
pub type Masks = [Rights; MOST_COLUMNS];

/// The rights that the columns held by `rights` give together.
pub fn granted(masks: &Masks, rights: Rights) -> Rights {
    let held = (0..MOST_COLUMNS).filter(|column| rights.0 & 1 << column != 0);
    Rights(held.fold(0, |sum, column| sum | masks[column].0))
}

#[cfg(test)]
mod tests {
    use super::{Command, Failure, Status, granted};
    use crate::capability::Rights;
    use crate::standard;

    #[test]
    fn commands_are_2100_to_2112_and_errors_their_negatives() {
        assert!(Command::ALL.iter().map(|command| command.code()).eq(2100..=2112));
        assert!(Status::ALL.iter().map(|status| -status.code()).eq(2101..=2104));
    }

    #[test]
    fn a_reply_says_what_failed_in_its_own_or_in_standard_codes() {
        assert_eq!(Failure::check(0), Ok(()));
        for failure in [
            Failure::Directory(Status::Clash),
            Failure::Standard(standard::Status::Exists),
        ] {
            assert_eq!(Failure::check(failure.code()), Err(failure));
        }
        assert_eq!(
            Failure::check(-9999),
            Err(Failure::Standard(standard::Status::SystemError))
        );
    }

    #[test]
    fn columns_give_their_masks_together() {
        let masks = [Rights(0xff), Rights(0x0f), Rights(0x02), Rights(0x10)];
        for rights in 0..=255_u8 {
            let expected = (0..4)
                .filter(|column| rights >> column & 1 == 1)
                .fold(0, |sum, column| sum | masks[column].0);
            assert_eq!(granted(&masks, Rights(rights)), Rights(expected));
        }
        assert_eq!(granted(&masks, Rights(0x0c)), Rights(0x12));
        assert_eq!(granted(&masks, Rights(0xf0)), Rights(0));
    }
}
