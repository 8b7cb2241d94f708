//! Requests that wait for a drive, in the order in which they are carried out.
//!
//! The arm goes in one direction: next comes the request with the least sector at or behind the place where the last one
//! ended, and when there is none the arm goes back to the least sector of all (the one-way elevator). With a seek of 6 to 30 ms beside
//! half a turn of 8 ms, several clients are served a good deal sooner than in the order of their coming, and none waits for
//! longer than two sweeps: what comes behind the arm, such as the same sector again, waits for the next one. Nobody relies on an order of
//! requests that are under way at the same time: a client that does waits for the answer first.

use super::{Direction, Failure, RequestId};
use alloc::vec::Vec;
use proto::disk::SECTOR;

/// What a drive is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) drive: usize,
    pub(super) sector: u32,
    pub(super) count: u32,
    pub(super) direction: Direction,
    /// What is written, or room for what is read, as soon as it is read.
    pub(super) data: Vec<u8>,
    /// Sectors that have been moved.
    pub(super) done: u32,
    /// Where a try last got further than those before.
    pub(super) furthest: u32,
    /// Tries that have failed there.
    pub(super) tries: u32,
    /// Resets on its account.
    pub(super) resets: u32,
}

impl Request {
    /// The data of `count` sectors from `first` of the request on.
    pub(super) fn bytes(&mut self, first: u32, count: u32) -> &mut [u8] {
        &mut self.data[first as usize * SECTOR..][..count as usize * SECTOR]
    }
}

/// A request that has ended.
pub(super) type Done = (RequestId, Result<Vec<u8>, Failure>);

/// The requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(Vec<Request>);

impl Queue {
    pub(super) fn add(&mut self, request: Request) {
        self.0.push(request);
    }

    /// Whether requests wait for this drive.
    pub(super) fn has(&self, drive: usize) -> bool {
        self.0.iter().any(|request| request.drive == drive)
    }

    /// Takes the request of a drive that comes next if its arm is at `position`.
    pub(super) fn next(&mut self, drive: usize, position: u32) -> Option<Request> {
        let waiting = self.0.iter().enumerate();
        let of_drive = waiting.filter(|(_, request)| request.drive == drive);
        let order = |request: &Request| (request.sector < position, request.sector);
        let (place, _) = of_drive.min_by_key(|(_, request)| order(request))?;
        Some(self.0.remove(place))
    }

    /// Takes any request of a drive.
    pub(super) fn any(&mut self, drive: usize) -> Option<Request> {
        self.next(drive, 0)
    }

    /// Forgets a request.
    pub(super) fn cancel(&mut self, id: RequestId) {
        self.0.retain(|request| request.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::{Queue, Request};
    use crate::ata::{Direction, RequestId};
    use std::vec::Vec;

    fn request(id: u32, drive: usize, sector: u32) -> Request {
        Request {
            id: RequestId(id),
            drive,
            sector,
            count: 1,
            direction: Direction::Read,
            data: Vec::new(),
            done: 0,
            furthest: 0,
            tries: 0,
            resets: 0,
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
            position = next.sector + next.count;
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
