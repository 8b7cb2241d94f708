//! Written sectors in a sparse file of their own: each in its place in the image, and behind the image's end one bit for
//! each sector, lowest bit first, which is 1 if the sector was written.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use devices::{SECTOR_BYTES, Sector};

use super::MappedFile;

/// The file and which of its sectors are there.
#[derive(Debug)]
pub(super) struct Overlay {
    file: File,
    map: MappedFile,
    sectors: u32,
    written: Vec<u8>,
}

/// Puts the sectors that the overlay at `path` holds into an image.
///
/// # Errors
/// The host refuses, or the file is no overlay of an image of that size.
pub(crate) fn apply(path: &Path, image: &mut [u8]) -> io::Result<()> {
    let bytes = std::fs::read(path)?;
    let sectors = image.len() / SECTOR_BYTES;
    let (data, written) = bytes
        .split_at_checked(sectors * SECTOR_BYTES)
        .filter(|(_, written)| written.len() == sectors.div_ceil(8))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no overlay of a disk of that size"))?;
    for sector in (0..sectors).filter(|sector| written[sector / 8] >> (sector % 8) & 1 == 1) {
        let place = sector * SECTOR_BYTES..(sector + 1) * SECTOR_BYTES;
        image[place.clone()].copy_from_slice(&data[place]);
    }
    Ok(())
}

impl Overlay {
    /// A new file at `path` for an image of `sectors` sectors.
    ///
    /// # Errors
    /// The host refuses, or there is such a file.
    pub(super) fn create(path: &Path, sectors: u32) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)?;
        let data = u64::from(sectors) * SECTOR_BYTES as u64;
        let written = vec![0; sectors.div_ceil(8) as usize];
        file.set_len(data + written.len() as u64)?;
        Ok(Self {
            map: MappedFile::new(&file, data)?,
            file,
            sectors,
            written,
        })
    }

    /// Whether `sector` was written.
    pub(super) fn has(&self, sector: u32) -> bool {
        let byte = self.written.get((sector / 8) as usize).copied().unwrap_or(0);
        byte >> (sector % 8) & 1 == 1
    }

    /// The sectors that were written, in order.
    pub(super) fn written(&self) -> impl Iterator<Item = u32> {
        (0..self.sectors).filter(|&sector| self.has(sector))
    }

    pub(super) fn read(&self, sector: u32, data: &mut Sector) {
        let start = sector as usize * SECTOR_BYTES;
        data.copy_from_slice(&self.map[start..start + SECTOR_BYTES]);
    }

    /// The data first and then the bit, so that a sector with a bit is whole.
    pub(super) fn write(&mut self, sector: u32, data: &Sector) -> io::Result<()> {
        self.file
            .write_all_at(data, u64::from(sector) * SECTOR_BYTES as u64)?;
        if !self.has(sector) {
            let index = (sector / 8) as usize;
            let byte = self.written[index] | 1 << (sector % 8);
            let place = u64::from(self.sectors) * SECTOR_BYTES as u64 + index as u64;
            self.file.write_all_at(&[byte], place)?;
            self.written[index] = byte;
        }
        Ok(())
    }
}
