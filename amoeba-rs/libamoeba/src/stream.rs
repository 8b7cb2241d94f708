//! Streams: what a program reads from its `STDIN` and writes to its `STDOUT` and `STDERR`, whatever their capabilities lead to.
//!
//! What an object is its server tells by the mark of its information line. Files of a Bullet server are read by position and
//! are not written to: who redirects the output of a program gives it an object that takes what comes in sequence. Everything else, terminals and
//! fifos among them, understands the commands of [`proto::terminal::Command`]. The null capability is a stream that is empty
//! and takes everything.

#[cfg(test)]
mod tests;

use crate::classes::bullet;
use crate::{Transactions, standard, terminal};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use proto::capability::Capability;
use proto::standard::{ObjectMark, Status};

/// What is read or written at once, in bytes.
pub const BLOCK: usize = 8192;

/// How a stream is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Empty, and takes everything.
    Null,
    /// A file, read by position.
    File,
    /// A person reads along: a line is written when it is complete.
    Terminal,
    /// Anything else that is read and written in sequence.
    Sequence,
}

impl Kind {
    /// What a capability leads to.
    ///
    /// # Errors
    /// What transaction and server may answer.
    pub fn of(transactions: &mut impl Transactions, capability: &Capability) -> Result<Kind, Status> {
        if *capability == Capability::NULL {
            return Ok(Kind::Null);
        }
        let mut mark = [0];
        match standard::info(transactions, capability, &mut mark) {
            Ok(_) | Err(Status::Overflow) => {}
            Err(status) => return Err(status),
        }
        Ok(match ObjectMark::from_code(mark[0]) {
            Some(ObjectMark::File) => Kind::File,
            Some(ObjectMark::Terminal) => Kind::Terminal,
            _ => Kind::Sequence,
        })
    }
}

/// A stream that is read, in blocks.
#[derive(Clone, Debug)]
pub struct Input {
    capability: Capability,
    kind: Option<Kind>,
    /// How much of a file has been read.
    position: u32,
    block: Vec<u8>,
    /// What of the block was taken.
    taken: usize,
    is_end: bool,
}

impl Input {
    /// The stream of a capability. Nothing is asked before something is read.
    pub fn new(capability: Capability) -> Input {
        Input {
            capability,
            kind: None,
            position: 0,
            block: Vec::new(),
            taken: 0,
            is_end: false,
        }
    }

    /// What can be taken: empty only at the end.
    ///
    /// # Errors
    /// What transactions and servers may answer; [`Status::Interrupted`] if a signal came first on a terminal.
    pub fn fill(&mut self, transactions: &mut impl Transactions) -> Result<&[u8], Status> {
        while self.taken == self.block.len() && !self.is_end {
            self.read_block(transactions)?;
        }
        Ok(&self.block[self.taken..])
    }

    /// Takes so many bytes of what [`Input::fill`] has shown.
    pub fn take(&mut self, length: usize) {
        self.taken = (self.taken + length).min(self.block.len());
    }

    fn read_block(&mut self, transactions: &mut impl Transactions) -> Result<(), Status> {
        let kind = match self.kind {
            Some(kind) => kind,
            None => *self.kind.insert(Kind::of(transactions, &self.capability)?),
        };
        self.block.resize(BLOCK, 0);
        self.taken = BLOCK;
        let (length, is_end) = match kind {
            Kind::Null => (0, true),
            Kind::File => {
                let length = bullet::read(transactions, &self.capability, self.position, &mut self.block)?;
                self.position += length as u32;
                (length, length < BLOCK)
            }
            // What the end of a terminal's input is followed by is another reader's.
            Kind::Terminal | Kind::Sequence => {
                let read = patiently(|| terminal::read(transactions, &self.capability, &mut self.block))?;
                (read.length, read.is_end)
            }
        };
        self.block.truncate(length);
        (self.taken, self.is_end) = (0, is_end);
        Ok(())
    }

    /// Adds the next line, with its line feed, to `line`; false if there is none.
    ///
    /// # Errors
    /// As [`Input::fill`].
    pub fn read_line(
        &mut self,
        transactions: &mut impl Transactions,
        line: &mut Vec<u8>,
    ) -> Result<bool, Status> {
        let before = line.len();
        loop {
            let there = self.fill(transactions)?;
            let end = there.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(there.len(), |end| end + 1);
            line.extend_from_slice(&there[..length]);
            self.take(length);
            if end.is_some() || length == 0 {
                return Ok(line.len() > before);
            }
        }
    }

    /// All that is left.
    ///
    /// # Errors
    /// As [`Input::fill`].
    pub fn read_all(&mut self, transactions: &mut impl Transactions) -> Result<Vec<u8>, Status> {
        let mut all = Vec::new();
        loop {
            let there = self.fill(transactions)?;
            if there.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(there);
            let length = there.len();
            self.take(length);
        }
    }
}

/// A stream that is written, in blocks, or in lines if a person reads along.
#[derive(Clone, Debug)]
pub struct Output {
    capability: Capability,
    kind: Option<Kind>,
    waiting: Vec<u8>,
}

impl Output {
    /// The stream of a capability. Nothing is asked before something is written.
    pub fn new(capability: Capability) -> Output {
        Output {
            capability,
            kind: None,
            waiting: Vec::new(),
        }
    }

    /// Writes. What does not end a line or fill a block waits.
    ///
    /// # Errors
    /// What transactions and servers may answer; [`Status::WriteProtected`] for a file.
    pub fn write(&mut self, transactions: &mut impl Transactions, bytes: &[u8]) -> Result<(), Status> {
        self.waiting.extend_from_slice(bytes);
        let kind = match self.kind {
            Some(kind) => kind,
            None => *self.kind.insert(Kind::of(transactions, &self.capability)?),
        };
        if self.waiting.len() >= BLOCK || kind == Kind::Terminal && bytes.contains(&b'\n') {
            self.flush(transactions)?;
        }
        Ok(())
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// As [`Output::write`]; what could not be written is lost.
    pub fn flush(&mut self, transactions: &mut impl Transactions) -> Result<(), Status> {
        let waiting = core::mem::take(&mut self.waiting);
        match self.kind {
            None | Some(Kind::Null) => Ok(()),
            Some(Kind::File) => Err(Status::WriteProtected),
            Some(Kind::Terminal | Kind::Sequence) => write(transactions, &self.capability, &waiting),
        }
    }

    /// The stream as a target of `write!`. What goes wrong there is told by [`Writer::finish`].
    pub fn writer<'a, T: Transactions>(&'a mut self, transactions: &'a mut T) -> Writer<'a, T> {
        Writer {
            output: self,
            transactions,
            result: Ok(()),
        }
    }
}

/// Does again what a server did not come to: a fifo's readers and writers wait for each other for as long as it takes.
fn patiently<T>(mut action: impl FnMut() -> Result<T, Status>) -> Result<T, Status> {
    loop {
        match action() {
            Err(Status::NotNow) => {}
            done => return done,
        }
    }
}

/// Writes to a terminal or a fifo, without waiting for a line or a block to be complete.
///
/// # Errors
/// What transactions and servers may answer.
pub fn write(transactions: &mut impl Transactions, stream: &Capability, bytes: &[u8]) -> Result<(), Status> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let block = &rest[..rest.len().min(BLOCK)];
        let written = patiently(|| terminal::write_some(transactions, stream, block))?;
        rest = &rest[written..];
    }
    Ok(())
}

/// An [`Output`] as a target of `write!`.
#[derive(Debug)]
pub struct Writer<'a, T> {
    output: &'a mut Output,
    transactions: &'a mut T,
    result: Result<(), Status>,
}

impl<T: Transactions> Writer<'_, T> {
    /// How it went.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn finish(self) -> Result<(), Status> {
        self.result
    }
}

impl<T: Transactions> fmt::Write for Writer<'_, T> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.result.is_ok() {
            self.result = self.output.write(self.transactions, text.as_bytes());
        }
        self.result.map_err(|_| fmt::Error)
    }
}

/// A whole file, as [`Input::read_all`] would read it, with its size known in advance.
///
/// # Errors
/// What transactions and the file server may answer.
pub fn file(transactions: &mut impl Transactions, file: &Capability) -> Result<Vec<u8>, Status> {
    let mut contents = vec![0; bullet::size(transactions, file)? as usize];
    let length = bullet::read(transactions, file, 0, &mut contents)?;
    contents.truncate(length);
    Ok(contents)
}
