//! A drive that tests make, break and look into.

use proto::disk::SECTOR;
use std::collections::BTreeMap;
use std::vec::Vec;

pub(super) const BUSY: u8 = 0x80;
pub(super) const READY: u8 = 0x40;
pub(super) const WRITE_FAULT: u8 = 0x20;
pub(super) const DATA_REQUEST: u8 = 0x08;
pub(super) const ERROR: u8 = 0x01;

/// From a command to its first block or its end, and from block to block, in microseconds.
pub(crate) const WORK: u64 = 3_000;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Then {
    Done,
    Fail(u8),
    Offer,
    Ask,
    Silence,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Activity {
    Idle,
    Busy(u64, Then),
    ToHost(usize),
    FromHost(usize),
}

/// A drive.
pub(crate) struct Drive {
    pub(crate) disk: Vec<u8>,
    pub(crate) has_lba: bool,
    pub(crate) multiple: u8,
    /// Cylinders, heads, sectors of a track, as it says.
    pub(crate) shape: [u16; 3],
    /// Sectors that fail so many times.
    pub(crate) bad: BTreeMap<u32, u32>,
    pub(crate) is_write_protected: bool,
    /// So many commands that move data get no answer.
    pub(crate) silences: u32,
    /// It is busy until then, in microseconds.
    pub(crate) busy_until: u64,
    /// An error in a block of several sectors ends the block before it; otherwise the block comes with the error.
    pub(crate) ends_blocks_early: bool,
    /// Commands that move data: their first sector and how many.
    pub(crate) moved: Vec<(u8, u32, u32)>,
    pub(super) heads: u16,
    pub(super) track_sectors: u16,
    pub(super) current_multiple: u8,
    pub(super) activity: Activity,
    pub(super) status: u8,
    pub(super) error: u8,
    pub(super) block: Vec<u8>,
    pub(super) sector: u32,
    pub(super) left: u32,
    pub(super) block_sectors: u32,
    pub(super) writes: bool,
}

impl Drive {
    pub(crate) fn new(sectors: u32) -> Drive {
        let track = (0..sectors).flat_map(|sector| {
            let [low, high, ..] = sector.to_le_bytes();
            (0..SECTOR).map(move |place| low.wrapping_mul(3) ^ high ^ place as u8)
        });
        Drive {
            disk: track.collect(),
            has_lba: true,
            multiple: 8,
            shape: [(sectors / 40) as u16, 4, 10],
            bad: BTreeMap::new(),
            is_write_protected: false,
            silences: 0,
            busy_until: 0,
            ends_blocks_early: false,
            moved: Vec::new(),
            // What a BIOS has left.
            heads: 3,
            track_sectors: 7,
            current_multiple: 0,
            activity: Activity::Idle,
            status: READY,
            error: 1,
            block: Vec::new(),
            sector: 0,
            left: 0,
            block_sectors: 1,
            writes: false,
        }
    }

    pub(crate) fn sectors(&self) -> u32 {
        (self.disk.len() / SECTOR) as u32
    }

    pub(super) fn identity(&self) -> Vec<u8> {
        let mut words = [0u16; SECTOR / 2];
        [words[1], words[3], words[6]] = self.shape;
        words[27..30].copy_from_slice(&[0x5445, 0x5354, 0x2020]);
        words[47] = self.multiple.into();
        if self.has_lba {
            words[49] = 0x0200;
            [words[60], words[61]] = [self.sectors() as u16, (self.sectors() >> 16) as u16];
        }
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    pub(super) fn fails(&mut self, sector: u32) -> bool {
        match self.bad.get_mut(&sector) {
            Some(times) if *times > 0 => {
                *times -= 1;
                true
            }
            _ => false,
        }
    }

    pub(super) fn bytes(&mut self, sector: u32) -> &mut [u8] {
        &mut self.disk[sector as usize * SECTOR..][..SECTOR]
    }
}
