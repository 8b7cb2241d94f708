//! What is noted of a request besides what every driver notes.

use super::Direction;
use crate::disk_requests;

/// What a drive is to do, and how far it has got.
pub(super) type Request = disk_requests::Request<Move>;

/// Moving sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) direction: Direction,
    /// Where a try last got further than those before.
    pub(super) furthest: u32,
}
