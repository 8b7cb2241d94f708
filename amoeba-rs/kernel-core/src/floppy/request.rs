//! What a drive is to do, and how far it has got.

use super::{Direction, RequestId};
use crate::disk_requests::Waiting;
use alloc::vec::Vec;
use proto::disk::SECTOR;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Moving sectors.
    Move(Direction),
    /// Finding out which disk there is.
    Look,
    /// Formatting all tracks.
    Format,
}

/// Which disk a request means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Whichever is in the drive.
    Any,
    /// The one that was in it at the last [`remember`](super::Controller::remember).
    Remembered,
}

#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) drive: usize,
    pub(super) sector: u32,
    /// Sectors, or tracks to be formatted as soon as it is known how many.
    pub(super) count: u32,
    pub(super) purpose: Purpose,
    pub(super) wanted: Wanted,
    /// What is written, or room for what is read, as soon as it is read.
    pub(super) data: Vec<u8>,
    /// Sectors that have been moved, or tracks that have been formatted.
    pub(super) done: u32,
    /// Tries that have failed at the next one.
    pub(super) tries: u32,
    /// Seeks that have failed on its account.
    pub(super) lost: u32,
    /// Resets on its account.
    pub(super) resets: u32,
    /// Something has been moved: it is for the disk that is in the drive now, and no other.
    pub(super) has_begun: bool,
}

impl Request {
    pub(super) fn new(drive: usize, purpose: Purpose) -> Request {
        Request {
            id: RequestId(0),
            drive,
            sector: 0,
            count: 0,
            purpose,
            wanted: Wanted::Any,
            data: Vec::new(),
            done: 0,
            tries: 0,
            lost: 0,
            resets: 0,
            has_begun: false,
        }
    }

    /// The data of the next `count` sectors.
    pub(super) fn bytes(&mut self, count: u32) -> &mut [u8] {
        &mut self.data[self.done as usize * SECTOR..][..count as usize * SECTOR]
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
