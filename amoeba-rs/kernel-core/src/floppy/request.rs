//! What a drive is to do, besides what every driver notes of a request.

use super::Direction;
use crate::disk_requests;

/// What a drive is to do, and how far it has got. Of the purpose [`Purpose::Format`] tracks are counted, as soon as it is known how many.
pub(super) type Request = disk_requests::Request<Work>;

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

/// What is to be done, and what has become of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) purpose: Purpose,
    pub(super) wanted: Wanted,
    /// Seeks that have failed on its account.
    pub(super) lost: u32,
    /// Something has been moved: it is for the disk that is in the drive now, and no other.
    pub(super) has_begun: bool,
}

impl Work {
    /// One that has not begun.
    pub(super) const fn new(purpose: Purpose, wanted: Wanted) -> Work {
        Work {
            purpose,
            wanted,
            lost: 0,
            has_begun: false,
        }
    }
}
