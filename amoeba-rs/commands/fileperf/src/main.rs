//! `fileperf -c KBYTES SERVER PORT SIZE...`: how fast a Bullet server is. SERVER is its capability, in writing and with all rights, KBYTES the size of
//! its cache; an `rpc_server` at the get-port of the name PORT, on the same machine, shows what transactions alone take. For each size, of
//! up to 1 Mbyte, it makes files, reads them cold and cached, and destroys them; it tells bytes, what it did, how often, and milliseconds.
//!
//! * Files have 1 Mbyte together, but there are 20 at most and one at least. They lie one behind the other on the disk.
//! * `create` has the server commit files with safety, so that they are on its disk when it answers; `commit` without.
//! * `cold` is the first read of each file after a file as large as the cache has been read, for which all others had to go; `cached` is the next
//!   one. The server's own figures must confirm both.
//! * `delete` destroys the files that `create` has made.
//! * `transactions` has the `rpc_server` send as many bytes as reading the files, in the same pieces. At the end there are 25 with the most
//!   bytes that a transaction carries.
//!
//! What is measured lies between two marks on the cable (`proto::mark`).

#![no_std]
#![no_main]

extern crate alloc;

mod plan;

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use libamoeba::classes::bullet;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls};
use libamoeba::{Transactions, println, standard};
use plan::{LARGEST, Plan, plan};
use proto::bullet::{Commit, LARGEST_PIECE};
use proto::capability::Capability;
use proto::mark;
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::Status;

libamoeba::program!(main);

/// The most files of one size.
const MOST_FILES: usize = 20;
/// Transactions with the most bytes.
const LONGEST: usize = 25;
/// Time for the console to write a line, in milliseconds: at 9600 bit/s 200 characters.
const PAUSE: u32 = 200;

/// Why nothing is measured.
enum Trouble {
    /// A transaction has failed, or a server has refused something.
    Status(Status),
    /// Contents are not what was written.
    Contents,
    /// The server has read so many files from its disk instead of so many.
    Misses(u32, u32),
    /// The server does not tell how many.
    NoFigures,
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Trouble {
        Trouble::Status(status)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Status(status) => status.fmt(formatter),
            Trouble::Contents => formatter.write_str("a file has other contents than were written"),
            Trouble::Misses(there, expected) => write!(
                formatter,
                "the server has read {there} files from its disk instead of {expected}"
            ),
            Trouble::NoFigures => formatter.write_str("the server's status does not tell its misses"),
        }
    }
}

/// What is measured, and on what.
struct Measurement<'a> {
    plan: &'a Plan,
    /// Contents of files: a file has as much of it as its size.
    contents: Vec<u8>,
    /// Where files are read to.
    there: Vec<u8>,
}

impl Measurement<'_> {
    /// A transaction with the `rpc_server`, which answers with as many bytes.
    fn transact(&self, command: u16, reply: &mut [u8]) -> Result<(), Status> {
        let header = Header {
            port: self.plan.port,
            command,
            size: reply.len() as u16,
            ..Header::default()
        };
        let (answer, length) = Kernel.trans(&header, &[], reply)?;
        standard::succeed(&answer)?;
        if length == reply.len() {
            Ok(())
        } else {
            Err(Status::RpcFailure)
        }
    }

    /// Carries out `action` so many times, between marks, and tells how long that took.
    fn time(
        &mut self,
        what: &str,
        (size, count): (usize, usize),
        mut action: impl FnMut(&mut Self, usize) -> Result<(), Status>,
    ) -> Result<(), Trouble> {
        self.transact(mark::Command::Begin.code(), &mut [])?;
        let start = calls::milliseconds();
        for turn in 0..count {
            action(self, turn)?;
        }
        let time = calls::milliseconds().wrapping_sub(start);
        self.transact(mark::Command::End.code(), &mut [])?;
        println!("fileperf: {size} bytes: {what} {count} in {time} ms");
        calls::sleep(PAUSE);
        Ok(())
    }

    fn create(&self, size: usize, commit: Commit) -> Result<Capability, Status> {
        bullet::create(&mut Kernel, &self.plan.server, &self.contents[..size], commit)
    }

    /// Reads a file of as many bytes.
    fn read(&mut self, file: &Capability, size: usize) -> Result<(), Status> {
        let length = bullet::read(&mut Kernel, file, 0, &mut self.there[..size])?;
        if length == size {
            Ok(())
        } else {
            Err(Status::RpcFailure)
        }
    }

    /// Reads files and sees whether so many of them came from the disk.
    fn read_all(
        &mut self,
        what: &str,
        size: usize,
        files: &[Capability],
        expected: usize,
    ) -> Result<(), Trouble> {
        let before = self.misses()?;
        self.there[..size].fill(0);
        self.time(what, (size, files.len()), |here, turn| {
            here.read(&files[turn], size)
        })?;
        if self.there[..size] != self.contents[..size] {
            return Err(Trouble::Contents);
        }
        let (misses, expected) = (self.misses()?.wrapping_sub(before), expected as u32);
        if misses == expected {
            Ok(())
        } else {
            Err(Trouble::Misses(misses, expected))
        }
    }

    /// How many files the server has read from its disk since it started.
    fn misses(&self) -> Result<u32, Trouble> {
        let mut text = [0; 1024];
        let length = standard::status(&mut Kernel, &self.plan.server, &mut text)?;
        let text = core::str::from_utf8(&text[..length]).map_err(|_| Trouble::NoFigures)?;
        let mut words = text
            .split_whitespace()
            .rev()
            .skip_while(|word| *word != "misses,");
        let number = words.nth(1).and_then(|word| word.parse().ok());
        number.ok_or(Trouble::NoFigures)
    }

    /// A file as large as the server's cache.
    fn filler(&self) -> Result<Capability, Status> {
        let mut file = self.create(LARGEST, Commit::empty())?;
        let mut offset = LARGEST;
        while offset < self.plan.cache {
            let piece = &self.contents[..LARGEST.min(self.plan.cache - offset)];
            file = bullet::modify(&mut Kernel, &file, offset as u32, piece, Commit::empty())?;
            offset += piece.len();
        }
        bullet::commit(&mut Kernel, &file, true)
    }

    /// All that is measured of files of one size.
    fn measure(&mut self, size: usize, filler: &Capability) -> Result<(), Trouble> {
        let count = (LARGEST / size).clamp(1, MOST_FILES);
        let mut files = Vec::with_capacity(count);
        self.time("create", (size, count), |here, _| {
            files.push(here.create(size, Commit::all())?);
            Ok(())
        })?;
        // The whole file comes into the cache.
        self.read(filler, 1)?;
        self.read_all("cold", size, &files, count)?;
        self.read_all("cached", size, &files, 0)?;
        self.time("delete", (size, count), |_, turn| {
            standard::destroy(&mut Kernel, &files[turn])
        })?;
        files.clear();
        self.time("commit", (size, count), |here, _| {
            files.push(here.create(size, Commit::COMMIT)?);
            Ok(())
        })?;
        for file in &files {
            standard::destroy(&mut Kernel, file)?;
        }
        self.transactions((size, count), LARGEST_PIECE)
    }

    /// Transactions whose replies carry so many bytes so many times, in pieces.
    fn transactions(&mut self, (size, count): (usize, usize), piece: usize) -> Result<(), Trouble> {
        let mut reply = vec![0; size.min(piece)];
        self.time("transactions", (size, count), |here, _| {
            let mut left = size;
            while left > 0 {
                let length = left.min(piece);
                here.transact(0, &mut reply[..length])?;
                left -= length;
            }
            Ok(())
        })
    }
}

fn run(plan: &Plan) -> Result<(), Trouble> {
    let mut measurement = Measurement {
        plan,
        contents: (0..LARGEST).map(|place| (place ^ place >> 8) as u8).collect(),
        there: vec![0; LARGEST],
    };
    let filler = measurement.filler()?;
    for size in &plan.sizes {
        measurement.measure(*size, &filler)?;
    }
    measurement.transactions((LARGEST_BUFFER, LONGEST), LARGEST_BUFFER)?;
    standard::destroy(&mut Kernel, &filler)?;
    Ok(())
}

fn main(arguments: &Arguments) -> i32 {
    let Some(plan) = plan(arguments.words().skip(1)) else {
        println!("usage: fileperf -c kbytes server port size...");
        return 1;
    };
    match run(&plan) {
        Ok(()) => 0,
        Err(trouble) => {
            println!("fileperf: {trouble}");
            1
        }
    }
}
