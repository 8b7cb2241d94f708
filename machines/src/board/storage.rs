//! Drives on the board: the floppy and the ATA controller with what is in their drives.

use std::io;
use std::path::Path;

use clock::Instant;
use devices::{
    AtaChannel, AtaController, AtaDriveSettings, FloppyController, Medium as _, SectorWrite, TornSector,
};

use super::{Board, BoardError, Chip};
use crate::lab;
use crate::media::DiskImage;

/// The port of which bit 7 is the floppy controller's and the others are the disks'.
const SHARED_PORT: u16 = 0x3F7;

/// The floppy controller with the drives of `machine`, empty.
pub(super) fn floppy_controller(machine: &lab::Machine) -> FloppyController {
    let controller = FloppyController::new(machine.floppies.map(|floppy| Some(floppy?.kind)));
    if machine.assists_floppy_firmware {
        controller.assist_firmware()
    } else {
        controller
    }
}

/// The ATA channel with the disks of `machine`.
pub(super) fn ata_controller(machine: &lab::Machine, disks: &[Option<DiskImage>; 2]) -> AtaController {
    let settings = [0, 1].map(|drive| {
        let (disk, medium) = (machine.disks[drive]?, disks[drive].as_ref()?);
        Some(AtaDriveSettings {
            model: disk.model,
            sectors: medium.sectors(),
            geometry: disk.geometry,
            serial_number: format!("{:.18}-{drive}", machine.name),
        })
    });
    let controller = AtaController::new(AtaChannel::Primary, settings);
    if machine.assists_disk_firmware {
        controller.assist_firmware()
    } else {
        controller
    }
}

impl Board {
    /// Puts the floppies into their drives, when the power comes on.
    pub(super) fn insert_floppies(&mut self) -> Result<(), BoardError> {
        for drive in 0..self.floppies.len() {
            if self.floppies[drive].is_none() {
                continue;
            }
            let (inserted, _) = self.call(Instant::START, Chip::Floppy, |board, cx| {
                board.floppy.insert(drive, &mut board.floppies, cx)
            });
            inserted.map_err(|source| BoardError::Floppy { drive, source })?;
        }
        Ok(())
    }

    pub(super) fn has_disks(&self) -> bool {
        self.disks.iter().any(Option::is_some)
    }

    pub(super) fn read_shared_port(&mut self, now: Instant) -> u8 {
        let (floppy, _) = self.call(now, Chip::Floppy, |board, cx| {
            board.floppy.read(SHARED_PORT, &mut board.floppies, cx)
        });
        let (disk, _) = self.call(now, Chip::Ata, |board, cx| {
            board.ata.read(SHARED_PORT, &mut board.disks, cx)
        });
        floppy & disk
    }

    /// The disks lose their power at `now`; see [`AtaController::power_cut`].
    pub(super) fn cut_disk_power(&mut self, now: Instant, torn: TornSector) {
        self.call(now, Chip::Ata, |board, cx| {
            board.ata.power_cut(torn, &mut board.disks, cx);
        });
    }

    /// The power comes back to the disks at `now`.
    pub(super) fn restore_disk_power(&mut self, now: Instant) {
        self.call(now, Chip::Ata, |board, cx| {
            board.ata.power_on(&mut board.disks, cx)
        });
    }

    /// What is in fixed disk `number`.
    pub(crate) fn disk(&self, number: usize) -> Option<&DiskImage> {
        self.disks.get(number)?.as_ref()
    }

    /// The sector that is written to a fixed disk now or next.
    pub(crate) fn next_disk_write(&self) -> Option<SectorWrite> {
        self.ata.next_write()
    }

    /// All media with their names.
    fn media_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut DiskImage)> {
        let floppies = ["floppy0", "floppy1"].into_iter().zip(&mut self.floppies);
        let disks = ["disk0", "disk1"].into_iter().zip(&mut self.disks);
        floppies
            .chain(disks)
            .filter_map(|(name, medium)| Some((name, medium.as_mut()?)))
    }

    /// Keeps what is written to overlays in files of `folder` whose names begin with `prefix`.
    pub(crate) fn keep_overlays(&mut self, folder: &Path, prefix: &str) -> Result<(), (String, io::Error)> {
        for (name, medium) in self.media_mut().filter(|(_, medium)| medium.is_overlay()) {
            let file = format!("{prefix}-{name}.overlay");
            if let Err(error) = medium.keep_in(&folder.join(&file)) {
                return Err((file, error));
            }
        }
        Ok(())
    }

    /// What the trace tells of the media: a hash of each that is there.
    pub(crate) fn media_hashes(&self) -> impl Iterator<Item = [u8; 32]> {
        let media = self.floppies.iter().chain(&self.disks);
        media.flatten().map(DiskImage::trace_hash)
    }

    /// The first write to a file that the host refused.
    pub(crate) fn media_trouble(&self) -> Option<&io::Error> {
        let mut media = self.floppies.iter().chain(&self.disks);
        media.find_map(|medium| medium.as_ref()?.trouble())
    }
}
