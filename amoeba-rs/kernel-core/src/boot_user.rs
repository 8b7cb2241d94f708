//! Starting programs without a loader that brings them: of the machine's virtual disks the first that begins as a boot server's does and has
//! programs on it ([`proto::boot`]) says what is started. Amoeba calls the thread of its kernel that does so `bootuser`.
//!
//! This is what is to be read, and what comes of it; the kernel reads, as a client of its own server of virtual disks.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use proto::boot::{Extent, Header, PROGRAMS_LENGTH, Program};
use proto::capability::Capability;
use proto::disk::SECTOR;
use proto::disk::server::{LARGEST_TRANSFER, LEAST_BLOCK};
use proto::standard::Status;

/// The most sectors that are read at a time.
const MOST_SECTORS: u32 = (LARGEST_TRANSFER / SECTOR) as u32;
const _: () = assert!(PROGRAMS_LENGTH == SECTOR);

/// Sectors that are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of this virtual disk.
    pub disk: Capability,
    /// The first one.
    pub first: u32,
    /// How many, at least one.
    pub count: u32,
}

/// What has come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A program is there whole and can be started: its name and arguments, and its executable file.
    Program(String, Vec<u8>),
    /// Something is wrong with the disk of this name: what.
    Trouble(String, String),
}

/// A program that is being read.
#[derive(Debug)]
struct Reading {
    line: String,
    first: u32,
    size: usize,
    file: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// The beginnings of disks are read.
    Looking,
    /// The list of programs is read.
    Listing { first: u32, length: u32 },
    /// Programs are read, the first of these now.
    Reading(VecDeque<Reading>),
}

/// Looks for programs, and reads them.
#[derive(Debug)]
pub struct BootUser {
    /// The disk that is read, and those behind it.
    disks: VecDeque<(String, Capability)>,
    state: State,
}

impl BootUser {
    /// Looks for them on these disks, one after the other.
    pub fn new(disks: impl IntoIterator<Item = (String, Capability)>) -> BootUser {
        BootUser {
            disks: disks.into_iter().collect(),
            state: State::Looking,
        }
    }

    /// What is to be read next; `None` if there is no more to do.
    pub fn wanted(&self) -> Option<Wanted> {
        let (_, disk) = self.disks.front()?;
        let (first, count) = match &self.state {
            State::Looking => (0, 1),
            State::Listing { first, .. } => (*first, 1),
            State::Reading(programs) => {
                let program = programs.front()?;
                let left = (program.size - program.file.len()).div_ceil(SECTOR) as u32;
                let done = (program.file.len() / SECTOR) as u32;
                (program.first + done, left.min(MOST_SECTORS))
            }
        };
        Some(Wanted {
            disk: *disk,
            first,
            count,
        })
    }

    /// What was wanted has been read, or not. Behind a disk whose programs cannot be read no other one is looked at: it is another system's.
    pub fn took(&mut self, read: Result<&[u8], Status>) -> Option<News> {
        let state = core::mem::replace(&mut self.state, State::Looking);
        match (state, read) {
            (State::Looking, Ok(sector)) => {
                self.look(sector);
                None
            }
            (State::Looking, Err(status)) => {
                let (name, _) = self.disks.pop_front()?;
                Some(News::Trouble(name, format!("{status}")))
            }
            (State::Listing { first, length }, read) => {
                let listed = read
                    .map_err(|status| format!("{status}"))
                    .and_then(|list| self.list(list, first, length));
                listed
                    .err()
                    .and_then(|why| self.give_up(format!("the list of programs: {why}")))
            }
            (State::Reading(programs), read) => self.go_on(programs, read),
        }
    }

    /// Looks at the beginning of a disk.
    fn look(&mut self, sector: &[u8]) {
        match Header::parse(sector).ok().and_then(|header| place(&header)) {
            Some((first, length)) => self.state = State::Listing { first, length },
            // Others find out what is wrong with it, if it is a boot server's.
            None => _ = self.disks.pop_front(),
        }
    }

    /// Reads the list of programs, which lie in `length` bytes from sector `first` on.
    fn list(&mut self, list: &[u8], first: u32, length: u32) -> Result<(), String> {
        let programs = Program::parse_list(list, length);
        let programs = programs.map_err(|error| format!("{error}"))?;
        let programs = programs.into_iter().flatten().map(|program| Reading {
            line: String::from(program.line),
            first: first + program.offset / SECTOR as u32,
            size: program.size as usize,
            file: Vec::new(),
        });
        self.state = State::Reading(programs.collect());
        Ok(())
    }

    /// Sectors of the first of these programs have been read, or not.
    fn go_on(&mut self, mut programs: VecDeque<Reading>, read: Result<&[u8], Status>) -> Option<News> {
        let program = programs.front_mut()?;
        let taken = read.and_then(|bytes| program.take(bytes));
        if let Err(status) = taken {
            let why = format!("{}: {status}", program.line);
            return self.give_up(why);
        }
        let news = (program.file.len() == program.size)
            .then(|| programs.pop_front())
            .flatten()
            .map(|program| News::Program(program.line, program.file));
        self.state = State::Reading(programs);
        news
    }

    fn give_up(&mut self, why: String) -> Option<News> {
        let (name, _) = self.disks.pop_front()?;
        self.disks.clear();
        Some(News::Trouble(name, why))
    }
}

impl Reading {
    /// Takes sectors behind those that it has.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Status> {
        if self.file.is_empty() {
            // It may be said to be larger than the machine's memory.
            let room = self.file.try_reserve_exact(self.size);
            room.map_err(|_| Status::NoMemory)?;
        }
        let length = bytes.len().min(self.size - self.file.len());
        if length == 0 {
            return Err(Status::SystemError);
        }
        self.file.extend_from_slice(&bytes[..length]);
        Ok(())
    }
}

/// Where the programs of a disk lie: the first sector, and how many bytes; `None` if there are none, or no disk has so many sectors.
fn place(header: &Header) -> Option<(u32, u32)> {
    let Extent { size, block } = header.programs;
    let sectors = 1_u32.checked_shl(header.block_shift - u32::from(LEAST_BLOCK))?;
    let first = block.checked_mul(sectors)?;
    first.checked_add(size.div_ceil(SECTOR as u32))?;
    (size > 0).then_some((first, size))
}

#[cfg(test)]
mod tests;
