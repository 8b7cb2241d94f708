//! Requests that wait for a drive, in the order in which they are carried out, and how they end. The drivers of disks ([`crate::ata`])
//! and of floppies ([`crate::floppy`]) share it.
//!
//! The arm goes in one direction: next comes the request with the least sector at or behind the place where the last one
//! ended, and when there is none the arm goes back to the least sector of all (the one-way elevator). With a seek of 6 to 30 ms beside
//! half a turn of 8 ms, several clients are served a good deal sooner than in the order of their coming, and none waits for
//! longer than two sweeps: what comes behind the arm, such as the same sector again, waits for the next one. Nobody relies on an order of
//! requests that are under way at the same time: a client that does waits for the answer first.

use alloc::vec;
use alloc::vec::Vec;
use proto::disk::SECTOR;

/// Names a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u32);

/// Where data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the disk.
    Read,
    /// To the disk.
    Write,
}

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no such drive, or it answers no more; or there is no disk in it, or another one than the one that was meant.
    NoDrive,
    /// It goes beyond the end of the disk.
    Beyond,
    /// A sector cannot be read or written.
    BadSector,
    /// The drive reports a write fault, or the disk must not be written.
    WriteProtected,
}

/// What a driver has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Commands that have moved data and gone well.
    pub commands: u32,
    /// Commands that have failed.
    pub errors: u32,
    /// Resets of the controller or channel.
    pub resets: u32,
}

/// A request that has ended: what was read, or why not.
pub type Done = (RequestId, Result<Vec<u8>, Failure>);

/// The name of a request that nobody waits for any more; no other one has it.
pub(crate) const NOBODY: RequestId = RequestId(0);

/// What a drive is to do, and how far it has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request<Work> {
    pub(crate) id: RequestId,
    pub(crate) drive: usize,
    /// The first one.
    pub(crate) sector: u32,
    /// Sectors, or whatever else the work consists of.
    pub(crate) count: u32,
    /// What is to be done, and what only its driver notes of it.
    pub(crate) work: Work,
    /// What is written, or room for what is read, as soon as it is read.
    pub(crate) data: Vec<u8>,
    /// How many of `count` have been moved or done.
    pub(crate) done: u32,
    /// Tries that have failed at the place where it is.
    pub(crate) tries: u32,
    /// Resets on its account.
    pub(crate) resets: u32,
}

impl<Work> Request<Work> {
    /// One that has not begun, of no sectors and for nobody yet.
    pub(crate) fn new(drive: usize, work: Work) -> Request<Work> {
        Request {
            id: NOBODY,
            drive,
            sector: 0,
            count: 0,
            work,
            data: Vec::new(),
            done: 0,
            tries: 0,
            resets: 0,
        }
    }

    /// Makes room for the data of all its sectors, unless there is some.
    pub(crate) fn make_room(&mut self) {
        if self.data.is_empty() {
            self.data = vec![0; self.count as usize * SECTOR];
        }
    }

    /// The data of the next `count` sectors.
    pub(crate) fn bytes(&mut self, count: u32) -> &mut [u8] {
        &mut self.data[self.done as usize * SECTOR..][..count as usize * SECTOR]
    }
}

/// The requests that wait.
#[derive(Clone, Debug)]
pub(crate) struct Queue<Work>(Vec<Request<Work>>);

impl<Work> Default for Queue<Work> {
    fn default() -> Queue<Work> {
        Queue(Vec::new())
    }
}

impl<Work> Queue<Work> {
    pub(crate) fn add(&mut self, request: Request<Work>) {
        self.0.push(request);
    }

    /// Whether requests wait for this drive.
    pub(crate) fn has(&self, drive: usize) -> bool {
        self.0.iter().any(|request| request.drive == drive)
    }

    /// Takes the request of a drive that comes next if its arm is at `position`.
    pub(crate) fn next(&mut self, drive: usize, position: u32) -> Option<Request<Work>> {
        let waiting = self.0.iter().enumerate();
        let of_drive = waiting.filter(|(_, request)| request.drive == drive);
        let order = |request: &Request<Work>| (request.sector < position, request.sector);
        let (place, _) = of_drive.min_by_key(|(_, request)| order(request))?;
        Some(self.0.remove(place))
    }

    /// Takes any request of a drive.
    pub(crate) fn any(&mut self, drive: usize) -> Option<Request<Work>> {
        self.next(drive, 0)
    }

    /// Forgets a request.
    pub(crate) fn cancel(&mut self, id: RequestId) {
        self.0.retain(|request| request.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::{Queue, Request, RequestId};
    use std::vec::Vec;

    fn request(id: u32, drive: usize, sector: u32) -> Request<()> {
        Request {
            id: RequestId(id),
            sector,
            ..Request::new(drive, ())
        }
    }

    fn order(sectors: &[u32], position: u32) -> Vec<u32> {
        let mut queue = Queue::default();
        for (id, sector) in (0..).zip(sectors) {
            queue.add(request(id, 0, *sector));
        }
        queue.add(request(99, 1, 0));
        let mut position = position;
        let order = core::iter::from_fn(|| {
            let next = queue.next(0, position)?;
            position = next.sector + 1;
            Some(next.id.0)
        });
        order.collect()
    }

    #[test]
    fn the_arm_goes_upwards_and_then_back_to_the_least() {
        assert_eq!(order(&[50, 10, 70, 40, 60], 45), [0, 4, 2, 1, 3]);
    }

    #[test]
    fn requests_for_one_sector_are_served_as_they_came() {
        assert_eq!(order(&[5, 5, 5], 0), [0, 1, 2]);
        assert_eq!(order(&[5, 5, 5], 6), [0, 1, 2]);
    }

    #[test]
    fn the_same_sector_again_and_again_keeps_nobody_from_their_turn() {
        let mut queue = Queue::default();
        queue.add(request(0, 0, 100));
        queue.add(request(1, 0, 5));
        let mut position = 0;
        let mut served = Vec::new();
        for id in 2..6 {
            let next = queue.next(0, position).unwrap();
            position = next.sector + 1;
            served.push(next.id.0);
            queue.add(request(id, 0, 5));
        }
        assert_eq!(served, [1, 0, 2, 3]);
    }

    #[test]
    fn a_cancelled_request_is_gone() {
        let mut queue = Queue::default();
        queue.add(request(0, 1, 100));
        assert!(queue.has(1) && !queue.has(0));
        queue.cancel(RequestId(0));
        assert_eq!(queue.any(1), None);
    }
}
