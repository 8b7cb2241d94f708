//! The super file: a disk of its own for each directory server, from which the server finds the files of all directories.
//!
//! Block 0 is the commit block. Every block behind it holds sixteen entries of 32 bytes: entry n of the whole file, counted
//! from the beginning of block 1, belongs to directory n, and is the pair of capabilities of the two copies of its file.
//! A directory without copies does not exist. Entry 0 stands for the server itself and stays empty.
//!
//! The commit block, least significant byte first:
//!
//! | bytes | field |
//! |---|---|
//! | 4 | magic number |
//! | 4 + 4 | highest sequence number of a directory |
//! | 4 | offset of a list of modifications, or -1 |
//! | 16 | capability of that list; this server has none |
//! | 4 | nothing |
//! | 16 + 16 | capabilities under which the two servers talk to each other, with their get-ports |
//! | 16 | the server's public capability, with its get-port |
//! | 4 | sequence number of the last update; 0 while the super file is being copied and holds nothing whole |
//! | 2 | copies that are kept: 1 or 2 |
//! | 2 | blocks of the super file |
//! | 2 | intentions that follow, at most eleven |
//! | 36 each | number of a directory, and the pair that it is to have |

use super::directory::{emit_sequence, parse_sequence};
use crate::Error;
use crate::capability::Capability;
use crate::marshal::{Reader, Writer};

/// Bytes of a block.
pub const BLOCK: usize = 512;
/// Entries of a block.
pub const BLOCK_ENTRIES: u32 = 16;
/// The most intentions of a commit block.
pub const MOST_INTENTIONS: usize = 11;
/// The magic number of the version with sequence numbers of directories.
pub const MAGIC: u32 = 0x0548_6219;
/// The most blocks of a super file.
pub const MOST_BLOCKS: u16 = 0x7fff;

/// The copies of a directory's file, on the first and on the second store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(pub [Capability; 2]);

impl Pair {
    /// Bytes of a pair.
    pub const LENGTH: usize = 32;
    /// No directory.
    pub const NULL: Pair = Pair([Capability::NULL; 2]);

    /// The copies that there are, with the number of their store.
    pub fn copies(&self) -> impl Iterator<Item = (usize, &Capability)> {
        let places = self.0.iter().enumerate();
        places.filter(|(_, copy)| **copy != Capability::NULL)
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Pair, Error> {
        Ok(Pair([reader.capability()?, reader.capability()?]))
    }

    fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        self.0.iter().try_for_each(|copy| writer.capability(copy))
    }
}

/// Where in the super file a directory's entry lies: block, and entry in it.
pub const fn place(object: u32) -> (u32, usize) {
    (1 + object / BLOCK_ENTRIES, (object % BLOCK_ENTRIES) as usize)
}

/// The pairs of a block.
pub fn parse_pairs(block: &[u8; BLOCK]) -> [Pair; BLOCK_ENTRIES as usize] {
    let mut reader = Reader::new(block);
    core::array::from_fn(|_| Pair::parse(&mut reader).unwrap_or(Pair::NULL))
}

/// The block of these pairs; those that are missing at its end are null.
pub fn emit_pairs(pairs: &[Pair]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut writer = Writer::new(&mut block);
    for pair in pairs.iter().take(BLOCK_ENTRIES as usize) {
        // A block has room for sixteen.
        let _ = pair.emit(&mut writer);
    }
    block
}

/// What an update makes of a directory's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intention {
    /// The directory.
    pub object: u32,
    /// Its copies from now on; [`Pair::NULL`] if the directory goes.
    pub pair: Pair,
}

impl Intention {
    /// Reads an intention.
    pub fn parse(reader: &mut Reader<'_>) -> Result<Intention, Error> {
        Ok(Intention {
            object: reader.object()?,
            pair: Pair::parse(reader)?,
        })
    }

    /// Writes the intention.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        writer.object(self.object)?;
        self.pair.emit(writer)
    }
}

codes! {
    /// How many servers keep the directories.
    CopyMode: u16 {
        /// This one alone: the other one has missed something, and must copy before it serves.
        One = 1,
        /// Both.
        Two = 2,
    }
}

/// What the commit block holds besides its intentions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The highest sequence number that a directory has had.
    pub directory_sequence: u64,
    /// Under which the servers talk to each other: get-port and check field of each. Null for a server that there is not.
    pub private: [Capability; 2],
    /// The server itself: get-port and check field.
    pub public: Capability,
    /// Number of the last update; 0 for a super file whose copying has not come to its end.
    pub sequence: u32,
    /// Whether both servers have had that update.
    pub mode: CopyMode,
    /// Blocks of the super file.
    pub blocks: u16,
}

/// The intentions of a commit block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intentions {
    list: [Intention; MOST_INTENTIONS],
    length: usize,
}

impl Intentions {
    /// None.
    pub const NONE: Intentions = Intentions {
        list: [Intention {
            object: 0,
            pair: Pair::NULL,
        }; MOST_INTENTIONS],
        length: 0,
    };

    /// These; [`Error::Length`] if they are more than eleven.
    pub fn new(intentions: &[Intention]) -> Result<Intentions, Error> {
        let mut all = Intentions::NONE;
        let list = all.list.get_mut(..intentions.len()).ok_or(Error::Length)?;
        list.copy_from_slice(intentions);
        all.length = intentions.len();
        Ok(all)
    }

    /// The intentions.
    pub fn as_slice(&self) -> &[Intention] {
        &self.list[..self.length]
    }

    /// Reads their number and them.
    pub fn parse(reader: &mut Reader<'_>) -> Result<Intentions, Error> {
        let mut all = Intentions::NONE;
        all.length = usize::try_from(reader.i16()?).map_err(|_| Error::Length)?;
        for intention in all.list.get_mut(..all.length).ok_or(Error::Length)? {
            *intention = Intention::parse(reader)?;
        }
        Ok(all)
    }

    /// Writes their number and them.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        writer.u16(self.length as u16)?;
        self.as_slice()
            .iter()
            .try_for_each(|intention| intention.emit(writer))
    }
}

impl Commit {
    /// Reads a commit block. [`Error::Magic`] if it is none, or of another version; [`Error::Length`] if its numbers cannot be.
    pub fn parse(block: &[u8; BLOCK]) -> Result<(Commit, Intentions), Error> {
        let mut reader = Reader::new(block);
        if reader.u32()? != MAGIC {
            return Err(Error::Magic);
        }
        let directory_sequence = parse_sequence(&mut reader)?;
        reader.bytes(24)?;
        let private = [reader.capability()?, reader.capability()?];
        let public = reader.capability()?;
        let sequence = reader.u32()?;
        let mode = CopyMode::from_code(reader.u16()?).ok_or(Error::Length)?;
        let blocks = reader.u16()?;
        if !(2..=MOST_BLOCKS).contains(&blocks) {
            return Err(Error::Length);
        }
        let commit = Commit {
            directory_sequence,
            private,
            public,
            sequence,
            mode,
            blocks,
        };
        let intentions = Intentions::parse(&mut reader)?;
        let are_inside = |intention: &Intention| (1..commit.entries()).contains(&intention.object);
        if !intentions.as_slice().iter().all(are_inside) {
            return Err(Error::Length);
        }
        Ok((commit, intentions))
    }

    /// The block.
    pub fn emit(&self, intentions: &Intentions) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        // 94 bytes and eleven intentions of 36 are less than a block.
        let _ = self.write(intentions, &mut Writer::new(&mut block));
        block
    }

    fn write(&self, intentions: &Intentions, writer: &mut Writer<'_>) -> Result<(), Error> {
        writer.u32(MAGIC)?;
        emit_sequence(self.directory_sequence, writer)?;
        writer.i32(-1)?;
        writer.capability(&Capability::NULL)?;
        writer.u32(0)?;
        for private in &self.private {
            writer.capability(private)?;
        }
        writer.capability(&self.public)?;
        writer.u32(self.sequence)?;
        writer.u16(self.mode.code())?;
        writer.u16(self.blocks)?;
        intentions.emit(writer)
    }

    /// Entries of the super file, with the first, which belongs to no directory.
    pub fn entries(&self) -> u32 {
        (u32::from(self.blocks) - 1) * BLOCK_ENTRIES
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Commit, CopyMode, Intention, Intentions, Pair, emit_pairs, parse_pairs, place};
    use crate::Error;
    use crate::capability::{Capability, Port, Private};

    fn capability(number: u8) -> Capability {
        Capability {
            port: Port([number; 6]),
            private: Private::owner(number.into(), Port([0x55; 6])),
        }
    }

    fn commit() -> Commit {
        Commit {
            directory_sequence: 0x0102_0304_0506_0708,
            private: [capability(1), capability(2)],
            public: capability(3),
            sequence: 0x0a0b_0c0d,
            mode: CopyMode::Two,
            blocks: 9,
        }
    }

    fn intentions(count: usize) -> Intentions {
        let list: [Intention; 11] = core::array::from_fn(|place| Intention {
            object: 117 + place as u32,
            pair: Pair([capability(10 + place as u8), Capability::NULL]),
        });
        Intentions::new(&list[..count]).unwrap()
    }

    #[test]
    fn a_commit_block_has_its_fields_in_these_places() {
        let block = commit().emit(&intentions(1));
        assert_eq!(block[..4], [0x19, 0x62, 0x48, 0x05]);
        assert_eq!(block[4..12], [4, 3, 2, 1, 8, 7, 6, 5]);
        assert_eq!(block[12..16], [0xff; 4]);
        assert_eq!(block[16..36], [0; 20]);
        assert_eq!(block[36..42], [1; 6]);
        assert_eq!(block[52..58], [2; 6]);
        assert_eq!(block[68..74], [3; 6]);
        assert_eq!(block[84..88], [0x0d, 0x0c, 0x0b, 0x0a]);
        assert_eq!(block[88..94], [2, 0, 9, 0, 1, 0]);
        assert_eq!(block[94..104], [117, 0, 0, 0, 10, 10, 10, 10, 10, 10]);
        assert_eq!(block[114..], [0; BLOCK - 114]);
    }

    #[test]
    fn eleven_intentions_fit_and_twelve_do_not() {
        let block = commit().emit(&intentions(11));
        assert_eq!(Commit::parse(&block), Ok((commit(), intentions(11))));
        assert_eq!(block[94 + 11 * 36..], [0; 22]);
        let one = intentions(1).as_slice()[0];
        assert_eq!(Intentions::new(&[one; 12]), Err(Error::Length));
        let mut block = block;
        block[92] = 12;
        assert_eq!(Commit::parse(&block), Err(Error::Length));
    }

    #[test]
    fn a_commit_block_with_impossible_numbers_is_refused() {
        let good = commit().emit(&intentions(11));
        for (place, value, error) in [
            (0, 0x18, Error::Magic),
            (88, 0, Error::Length),
            (88, 3, Error::Length),
            (90, 1, Error::Length),
            // Entry 128 lies behind nine blocks, entry 0 is no directory's.
            (90, 8, Error::Length),
            (94, 0, Error::Length),
        ] {
            let mut block = good;
            block[place] = value;
            assert_eq!(Commit::parse(&block), Err(error), "{place} {value}");
        }
    }

    #[test]
    fn directory_seventeen_is_the_second_entry_of_block_two() {
        assert_eq!(place(17), (2, 1));
        assert_eq!(place(15), (1, 15));
        let pairs = [Pair::NULL, Pair([capability(6), capability(7)])];
        let block = emit_pairs(&pairs);
        assert_eq!(block[..32], [0; 32]);
        assert_eq!(block[32..38], [6; 6]);
        assert_eq!(block[48..54], [7; 6]);
        assert_eq!(parse_pairs(&block)[..2], pairs);
        assert_eq!(parse_pairs(&block)[2..], [Pair::NULL; 14]);
    }
}
