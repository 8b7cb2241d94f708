//! What a drive is to do, and how far it has got.

use super::{Direction, RequestId};
use crate::disk_requests::Waiting;
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

impl Waiting for Request {
    fn id(&self) -> RequestId {
        self.id
    }

    fn drive(&self) -> usize {
        self.drive
    }

    fn sector(&self) -> u32 {
        self.sector
    }
}
