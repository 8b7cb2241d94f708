//! The super file, in memory and on its disk.
//!
//! The table in memory holds what the last update made of it. On the disk the entries of that update may be missing: its
//! intentions, in the commit block, say what they are, until [`Table::roll_forward`] has written them. Writing a commit block is
//! what makes an update happen; so before the next one the entries are written.
//!
//! A power cut can leave one block that cannot be read. If it is one of entries and there is another server with everything that this one has had, the
//! super file begins anew as a copy of that server's.

use crate::world::Disk;
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use proto::soap::super_file::{
    BLOCK, BLOCK_ENTRIES, Commit, CopyMode, Intentions, Pair, emit_pairs, parse_pairs, place,
};
use proto::standard::Status;

/// Why a super file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Its disk cannot be read or written.
    Disk(Status),
    /// Its commit block is none.
    Commit(proto::Error),
}

impl core::fmt::Display for Unusable {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Unusable::Disk(status) => write!(formatter, "the disk of the super file: {status}"),
            Unusable::Commit(error) => write!(formatter, "the commit block of the super file: {error}"),
        }
    }
}

impl core::error::Error for Unusable {}

/// The super file.
#[derive(Clone, Debug)]
pub struct Table {
    commit: Commit,
    intentions: Intentions,
    pairs: Vec<Pair>,
    /// For each block the update that changed it last.
    changed: Vec<u32>,
    /// Blocks whose entries are not on the disk yet.
    unwritten: BTreeSet<u32>,
}

impl Table {
    /// Reads a super file, and writes the entries that its intentions say. One with a block that cannot be read becomes one that holds
    /// nothing whole.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn read(disk: &mut impl Disk) -> Result<Table, Unusable> {
        let (mut table, missing) = Table::load_readable(disk)?;
        let prepared = match missing {
            None => table.roll_forward(disk),
            // What this server alone has had, nobody else could tell.
            Some(why) if table.commit.mode == CopyMode::One => Err(why),
            Some(_) => table.begin_copy(disk),
        };
        prepared.map_err(Unusable::Disk)?;
        Ok(table)
    }

    /// Reads a super file, and does what its intentions say in memory alone.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn load(disk: &mut impl Disk) -> Result<Table, Unusable> {
        match Table::load_readable(disk)? {
            (table, None) => Ok(table),
            (_, Some(why)) => Err(Unusable::Disk(why)),
        }
    }

    /// As [`Table::load`]; if one block of entries cannot be read its directories are missing, and why is told.
    fn load_readable(disk: &mut impl Disk) -> Result<(Table, Option<Status>), Unusable> {
        let mut block = [0; BLOCK];
        disk.read_block(0, &mut block).map_err(Unusable::Disk)?;
        let (commit, intentions) = Commit::parse(&block).map_err(Unusable::Commit)?;
        let mut pairs = Vec::with_capacity(commit.entries() as usize);
        let mut missing = None;
        for number in 1..commit.blocks {
            if let Err(why) = disk.read_block(number.into(), &mut block) {
                if missing.replace(why).is_some() {
                    // No power cut leaves two: the disk fails.
                    return Err(Unusable::Disk(why));
                }
                block = [0; BLOCK];
            }
            pairs.extend(parse_pairs(&block));
        }
        let mut table = Table {
            changed: vec![commit.sequence; commit.blocks.into()],
            commit,
            intentions,
            pairs,
            unwritten: BTreeSet::new(),
        };
        table.apply();
        Ok((table, missing))
    }

    /// What the commit block holds besides intentions.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// What the last update changed.
    pub fn intentions(&self) -> &Intentions {
        &self.intentions
    }

    /// The copies of a directory; `None` if there is no such directory.
    pub fn pair(&self, object: u32) -> Option<Pair> {
        let pair = self.pairs.get(object as usize).copied();
        pair.filter(|pair| object > 0 && *pair != Pair::NULL)
    }

    /// All directories, with their copies.
    pub fn directories(&self) -> impl Iterator<Item = (u32, Pair)> {
        let all = (0..).zip(self.pairs.iter().copied());
        all.filter(|(object, pair)| *object > 0 && *pair != Pair::NULL)
    }

    /// A number that belongs to no directory; `None` if the table is full.
    pub fn free_object(&self) -> Option<u32> {
        let all = (0..).zip(&self.pairs).skip(1);
        all.filter(|(_, pair)| **pair == Pair::NULL)
            .map(|(object, _)| object)
            .min()
    }

    /// Writes the entries of the last update.
    ///
    /// # Errors
    /// What the disk says; then it can be done again.
    pub fn roll_forward(&mut self, disk: &mut impl Disk) -> Result<(), Status> {
        while let Some(number) = self.unwritten.first().copied() {
            disk.write_block(number, &self.block(number))?;
            self.unwritten.remove(&number);
        }
        Ok(())
    }

    fn block(&self, number: u32) -> [u8; BLOCK] {
        let first = ((number - 1) * BLOCK_ENTRIES) as usize;
        emit_pairs(&self.pairs[first..first + BLOCK_ENTRIES as usize])
    }

    /// Makes an update happen.
    ///
    /// # Errors
    /// What the disk says; whether the update has happened is then unknown.
    pub fn update(
        &mut self,
        disk: &mut impl Disk,
        sequence: u32,
        directory_sequence: u64,
        mode: CopyMode,
        intentions: &Intentions,
    ) -> Result<(), Status> {
        self.roll_forward(disk)?;
        let commit = Commit {
            sequence,
            directory_sequence,
            mode,
            ..self.commit
        };
        disk.write_block(0, &commit.emit(intentions))?;
        self.commit = commit;
        self.intentions = *intentions;
        self.apply();
        Ok(())
    }

    /// Puts the intentions into the table in memory.
    fn apply(&mut self) {
        for intention in self.intentions.as_slice() {
            let (block, _) = place(intention.object);
            self.pairs[intention.object as usize] = intention.pair;
            self.changed[block as usize] = self.commit.sequence;
            self.unwritten.insert(block);
        }
    }

    /// Writes down how many copies are kept from now on.
    ///
    /// # Errors
    /// What the disk says.
    pub fn set_mode(&mut self, disk: &mut impl Disk, mode: CopyMode) -> Result<(), Status> {
        if self.commit.mode != mode {
            let commit = Commit { mode, ..self.commit };
            disk.write_block(0, &commit.emit(&self.intentions))?;
            self.commit = commit;
        }
        Ok(())
    }

    /// The first blocks from `from` on, at most `most`, that updates later than `since` have changed, and where to go on; 0 if
    /// there are no more.
    pub fn changed_since(&self, since: u32, from: u16, most: usize) -> (Vec<(u16, [u8; BLOCK])>, u16) {
        let places = from.max(1)..self.commit.blocks;
        let mut changed = places.filter(|number| self.changed[usize::from(*number)] > since);
        let numbers: Vec<u16> = changed.by_ref().take(most).collect();
        let blocks = numbers
            .into_iter()
            .map(|number| (number, self.block(number.into())));
        (blocks.collect(), changed.next().unwrap_or(0))
    }

    /// Notes on the disk that the super file holds nothing whole, before it becomes a copy of another one.
    ///
    /// # Errors
    /// What the disk says.
    pub fn begin_copy(&mut self, disk: &mut impl Disk) -> Result<(), Status> {
        let commit = Commit {
            sequence: 0,
            mode: CopyMode::Two,
            ..self.commit
        };
        disk.write_block(0, &commit.emit(&Intentions::NONE))?;
        self.commit = commit;
        self.intentions = Intentions::NONE;
        self.unwritten.clear();
        Ok(())
    }

    /// Takes over a block of the other super file; what is the same already is not written. A block that there is not is ignored.
    ///
    /// # Errors
    /// What the disk says.
    pub fn copy_block(
        &mut self,
        disk: &mut impl Disk,
        number: u16,
        block: &[u8; BLOCK],
    ) -> Result<(), Status> {
        if !(1..self.commit.blocks).contains(&number) {
            return Ok(());
        }
        let number = u32::from(number);
        // What lies on the disk may be older than what is in memory.
        let mut present = [0; BLOCK];
        let is_same = disk.read_block(number, &mut present).is_ok() && present == *block;
        if !is_same {
            disk.write_block(number, block)?;
        }
        let first = ((number - 1) * BLOCK_ENTRIES) as usize;
        self.pairs[first..first + BLOCK_ENTRIES as usize].copy_from_slice(&parse_pairs(block));
        Ok(())
    }

    /// Notes on the disk that everything was copied.
    ///
    /// # Errors
    /// What the disk says.
    pub fn end_copy(
        &mut self,
        disk: &mut impl Disk,
        sequence: u32,
        directory_sequence: u64,
    ) -> Result<(), Status> {
        let commit = Commit {
            sequence,
            directory_sequence,
            ..self.commit
        };
        disk.write_block(0, &commit.emit(&Intentions::NONE))?;
        self.commit = commit;
        self.changed.fill(sequence);
        Ok(())
    }
}
