//! A queue of bytes, and who waits at it.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use proto::capability::Port;
use proto::fifo::{LIFETIME, Open};

/// A request that waits.
pub type Ticket = u32;

/// Why a request that waited is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// These bytes were read.
    Read(Vec<u8>),
    /// It is empty, and nobody writes.
    End,
    /// So many bytes were written.
    Written(usize),
    /// Nobody reads.
    Broken,
    /// Both sides are open: the number of the end.
    Open(u32),
    /// The end has been closed.
    Closed,
}

/// A read that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reading {
    ticket: Ticket,
    end: u32,
    room: usize,
}

/// A write that waits, and how much of it is in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Writing {
    ticket: Ticket,
    end: u32,
    bytes: Vec<u8>,
    done: usize,
}

/// Somebody who has opened one side and waits for the other one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Opening {
    ticket: Ticket,
    end: u32,
    how: Open,
}

/// A fifo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fifo {
    /// What protects it.
    pub check: Port,
    /// Bytes that it holds at most.
    pub capacity: usize,
    /// It goes with the last of its ends.
    pub is_temporary: bool,
    /// How many times it may still grow older.
    pub lives: u8,
    bytes: VecDeque<u8>,
    /// Ends that are open for reading, and for writing.
    readers: u32,
    writers: u32,
    ends: u32,
    readings: VecDeque<Reading>,
    writings: VecDeque<Writing>,
    openings: VecDeque<Opening>,
}

impl Fifo {
    /// An empty fifo for so many bytes.
    pub fn new(check: Port, capacity: usize, is_temporary: bool) -> Fifo {
        Fifo {
            check,
            capacity,
            is_temporary,
            lives: LIFETIME,
            bytes: VecDeque::new(),
            readers: 0,
            writers: 0,
            ends: 0,
            readings: VecDeque::new(),
            writings: VecDeque::new(),
            openings: VecDeque::new(),
        }
    }

    /// Bytes that can be read.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Ends that are open for reading, and for writing.
    pub fn sides(&self) -> [u32; 2] {
        [self.readers, self.writers]
    }

    /// Whether any end is open.
    pub fn is_open(&self) -> bool {
        self.ends > 0
    }

    /// Another end is opened.
    pub fn open(&mut self, how: Open) {
        self.ends += 1;
        self.readers += u32::from(how.contains(Open::READ));
        self.writers += u32::from(how.contains(Open::WRITE));
    }

    /// An end is closed: what waited there is over.
    pub fn close(&mut self, end: u32, how: Open) -> Vec<(Ticket, Over)> {
        self.ends -= 1;
        self.readers -= u32::from(how.contains(Open::READ));
        self.writers -= u32::from(how.contains(Open::WRITE));
        let mut over = Vec::new();
        let mut closed = |ticket| over.push((ticket, Over::Closed));
        self.readings.retain(|reading| {
            let stays = reading.end != end;
            (!stays).then(|| closed(reading.ticket));
            stays
        });
        self.writings.retain(|writing| {
            let stays = writing.end != end;
            (!stays).then(|| closed(writing.ticket));
            stays
        });
        self.openings.retain(|opening| {
            let stays = opening.end != end;
            (!stays).then(|| closed(opening.ticket));
            stays
        });
        over
    }

    /// Somebody waits until the other side is open, too.
    pub fn wait_for_other(&mut self, ticket: Ticket, end: u32, how: Open) {
        self.openings.push_back(Opening { ticket, end, how });
    }

    /// Somebody wants to read so many bytes at most.
    pub fn read(&mut self, ticket: Ticket, end: u32, room: usize) {
        self.readings.push_back(Reading { ticket, end, room });
    }

    /// Somebody wants to write.
    pub fn write(&mut self, ticket: Ticket, end: u32, bytes: &[u8]) {
        self.writings.push_back(Writing {
            ticket,
            end,
            bytes: bytes.to_vec(),
            done: 0,
        });
    }

    /// A request waits no longer: how many bytes of it were written, and the end that was opened, if it did.
    pub fn forget(&mut self, ticket: Ticket) -> (usize, Option<u32>) {
        self.readings.retain(|reading| reading.ticket != ticket);
        let writing = self.writings.iter().find(|writing| writing.ticket == ticket);
        let done = writing.map_or(0, |writing| writing.done);
        self.writings.retain(|writing| writing.ticket != ticket);
        let opening = self.openings.iter().find(|opening| opening.ticket == ticket);
        let end = opening.map(|opening| opening.end);
        self.openings.retain(|opening| opening.ticket != ticket);
        (done, end)
    }

    /// Carries out what can be: what is over.
    pub fn settle(&mut self) -> Vec<(Ticket, Over)> {
        let mut over = Vec::new();
        self.settle_openings(&mut over);
        loop {
            let before = over.len();
            let moved = self.fill(&mut over) | self.empty(&mut over);
            if over.len() == before && !moved {
                return over;
            }
        }
    }

    fn settle_openings(&mut self, over: &mut Vec<(Ticket, Over)>) {
        let (readers, writers) = (self.readers, self.writers);
        self.openings.retain(|opening| {
            let is_there = if opening.how.contains(Open::READ) {
                writers > 0
            } else {
                readers > 0
            };
            is_there.then(|| over.push((opening.ticket, Over::Open(opening.end))));
            !is_there
        });
    }

    /// The first write goes into the queue, as far as it may; whether any byte did.
    fn fill(&mut self, over: &mut Vec<(Ticket, Over)>) -> bool {
        if self.readers == 0 {
            let broken = self.writings.drain(..);
            over.extend(broken.map(|writing| (writing.ticket, Over::Broken)));
            return false;
        }
        let room = self.capacity - self.bytes.len();
        let Some(writing) = self.writings.front_mut() else {
            return false;
        };
        let rest = &writing.bytes[writing.done..];
        // What fits into an empty queue goes in as a whole, so that it is not mixed with what others write.
        let is_whole = writing.bytes.len() <= self.capacity;
        let count = match rest.len() {
            length if length <= room => length,
            _ if is_whole => 0,
            _ => room,
        };
        self.bytes.extend(&rest[..count]);
        writing.done += count;
        if writing.done == writing.bytes.len() {
            over.push((writing.ticket, Over::Written(writing.done)));
            self.writings.pop_front();
        }
        count > 0
    }

    /// The first read takes what there is; whether it took any byte.
    fn empty(&mut self, over: &mut Vec<(Ticket, Over)>) -> bool {
        let is_end = self.bytes.is_empty() && self.writers == 0;
        let Some(reading) = self.readings.front() else {
            return false;
        };
        if self.bytes.is_empty() && !is_end && reading.room > 0 {
            return false;
        }
        let count = reading.room.min(self.bytes.len());
        let what = match self.bytes.drain(..count).collect() {
            _ if is_end => Over::End,
            bytes => Over::Read(bytes),
        };
        over.push((reading.ticket, what));
        self.readings.pop_front();
        count > 0
    }
}
