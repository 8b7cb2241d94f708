//! What two directory servers say to each other, on ports of their own. Which buffers the commands have is this project's
//! choice; their names and order are SOAP's.
//!
//! Every reply tells how its sender fares ([`Condition`]): offset is the sequence number of its last update, extra what it
//! does ([`Activity`]), size the copies that it keeps.
//!
//! | command | request | reply |
//! |---|---|---|
//! | sequence, tick | | |
//! | copy | offset: updates that the asker has; extra: the first block that it wants | size: copies; data: [`Copied`] |
//! | new store | extra: which store; data: its capability | |
//! | age | | |
//! | expire | data: directories, 4 bytes each | data: what is left of the life of each, 1 byte each |
//! | copied | offset: sequence number up to which everything was copied | |
//! | intentions | [`Proposal`] | |
//! | shut down | | |

use super::super_file::{BLOCK, CopyMode, Intentions};
use crate::Error;
use crate::marshal::{Reader, Writer};
use crate::message::Header;

codes! {
    /// A command between directory servers.
    Command: u16 {
        /// Tell how far you are.
        Sequence = 2122,
        /// Tell what has changed in your super file.
        Copy = 2123,
        /// Tell whether all is well.
        Tick = 2124,
        /// Keep files on another store from now on.
        NewStore = 2125,
        /// Count all directories older.
        Age = 2126,
        /// Tell whether these directories were used lately.
        Expire = 2127,
        /// The sender has copied everything.
        Copied = 2128,
        /// This is to be done to the super file.
        Intentions = 2129,
        /// The sender stops.
        ShutDown = 2130,
    }
}

codes! {
    /// What a server does.
    Activity: u16 {
        /// It does not serve: it must hear from the other one first.
        Recovering = 0,
        /// It serves.
        Serving = 1,
    }
}

/// How a server fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Number of its last update.
    pub sequence: u32,
    /// What it does.
    pub activity: Activity,
    /// Whether both servers had that update.
    pub mode: CopyMode,
}

impl Condition {
    /// Reads a reply's header; [`Error::Length`] if it makes no sense.
    pub fn parse(header: &Header) -> Result<Condition, Error> {
        Ok(Condition {
            sequence: header.offset.cast_unsigned(),
            activity: Activity::from_code(header.extra).ok_or(Error::Length)?,
            mode: CopyMode::from_code(header.size).ok_or(Error::Length)?,
        })
    }

    /// Writes it into a reply's header.
    pub fn emit(&self, header: &mut Header) {
        header.offset = self.sequence.cast_signed();
        header.extra = self.activity.code();
        header.size = self.mode.code();
    }
}

/// What is to be done to the super files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The number that this update will have.
    pub sequence: u32,
    /// The highest sequence number of a directory after it.
    pub directory_sequence: u64,
    /// What changes.
    pub intentions: Intentions,
}

impl Proposal {
    /// The most bytes of a proposal.
    pub const LENGTH: usize = 14 + 36 * super::super_file::MOST_INTENTIONS;

    /// Reads a proposal.
    pub fn parse(reader: &mut Reader<'_>) -> Result<Proposal, Error> {
        Ok(Proposal {
            sequence: reader.u32()?,
            directory_sequence: super::directory::parse_sequence(reader)?,
            intentions: Intentions::parse(reader)?,
        })
    }

    /// Writes the proposal.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        writer.u32(self.sequence)?;
        super::directory::emit_sequence(self.directory_sequence, writer)?;
        self.intentions.emit(writer)
    }
}

/// What the answer to a copy begins with; behind it come the blocks, each behind its number of two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The highest sequence number of a directory.
    pub directory_sequence: u64,
    /// Blocks of the super file.
    pub blocks: u16,
    /// The block with which the next question is to begin; zero if these were the last ones.
    pub next: u16,
    /// Blocks that follow.
    pub count: u16,
}

impl Copied {
    /// The most blocks of an answer.
    pub const MOST: usize = 15;
    /// The most bytes of an answer.
    pub const LENGTH: usize = 14 + Copied::MOST * (2 + BLOCK);

    /// Reads it.
    pub fn parse(reader: &mut Reader<'_>) -> Result<Copied, Error> {
        Ok(Copied {
            directory_sequence: super::directory::parse_sequence(reader)?,
            blocks: reader.u16()?,
            next: reader.u16()?,
            count: reader.u16()?,
        })
    }

    /// Writes it.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        super::directory::emit_sequence(self.directory_sequence, writer)?;
        writer.u16(self.blocks)?;
        writer.u16(self.next)?;
        writer.u16(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::{Activity, Condition, Copied, Proposal};
    use crate::capability::{Capability, Port, Private};
    use crate::marshal::{Reader, Writer};
    use crate::message::Header;
    use crate::soap::super_file::{CopyMode, Intention, Intentions, Pair};

    #[test]
    fn a_condition_reads_back_from_a_header() {
        let condition = Condition {
            sequence: 0xffff_fff0,
            activity: Activity::Serving,
            mode: CopyMode::One,
        };
        let mut header = Header::default();
        condition.emit(&mut header);
        assert_eq!((header.offset, header.extra, header.size), (-16, 1, 1));
        assert_eq!(Condition::parse(&header), Ok(condition));
        header.size = 0;
        assert!(Condition::parse(&header).is_err());
    }

    #[test]
    fn a_proposal_of_eleven_intentions_takes_410_bytes() {
        let intention = Intention {
            object: 5,
            pair: Pair(
                [Capability {
                    port: Port([1; 6]),
                    private: Private::owner(2, Port([3; 6])),
                }; 2],
            ),
        };
        let proposal = Proposal {
            sequence: 7,
            directory_sequence: 9,
            intentions: Intentions::new(&[intention; 11]).unwrap(),
        };
        let mut buffer = [0; Proposal::LENGTH];
        let mut writer = Writer::new(&mut buffer);
        proposal.emit(&mut writer).unwrap();
        assert_eq!(writer.length(), 410);
        assert_eq!(Proposal::parse(&mut Reader::new(&buffer)), Ok(proposal));
    }

    #[test]
    fn fifteen_blocks_fit_into_a_reply() {
        const { assert!(Copied::LENGTH <= crate::soap::LARGEST_BUFFER) };
        let copied = Copied {
            directory_sequence: 1 << 40,
            blocks: 300,
            next: 17,
            count: 15,
        };
        let mut buffer = [0; 14];
        copied.emit(&mut Writer::new(&mut buffer)).unwrap();
        assert_eq!(Copied::parse(&mut Reader::new(&buffer)), Ok(copied));
    }
}
