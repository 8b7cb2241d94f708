//! A machine's disks as seen from outside.

use devices::SectorWrite;

use super::Machine;
use crate::media::DiskImage;

impl Machine {
    /// What is on fixed disk `number`, 0 or 1, up to the machine's own time; a sector that a power cut has made unreadable as it was before.
    /// `None` without such a disk.
    #[must_use]
    pub fn disk(&self, number: usize) -> Option<&DiskImage> {
        self.board.disk(number)
    }

    /// The sector that is being written to a fixed disk, or is written next, of those whose data a disk has.
    #[must_use]
    pub fn next_disk_write(&self) -> Option<SectorWrite> {
        self.board.next_disk_write()
    }
}
