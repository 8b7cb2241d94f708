//! What is in the drives of a machine: images whose sectors drives read and write.
//!
//! `readonly` refuses writes. `overlay` keeps every written sector beside the image, in memory until
//! `DiskImage::keep_in` names a file for them, and never touches the image. `direct` writes to the image's file.
//!
//! # Snapshots
//!
//! A clone of a [`DiskImage`] is what a snapshot holds of a disk: a reference to the image, which the run folder names with
//! its BLAKE3 hash, and the sectors that have been written since the lab began, detached from any file. The drive's own
//! state (head, buffer, sectors that a power cut has torn) is the chip's. What `direct` has written is in the image itself
//! and in no snapshot: one of a lab with such a disk is good only as long as nobody writes to the image.
//!
//! The trace hash covers every write, in order, with its sector and data (`DiskImage::trace_hash`).

mod mapped;
mod overlay;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use devices::{Medium, SECTOR_BYTES, Sector};

use crate::image::ImageBytes;
pub(crate) use mapped::{MappedFile, blank};
use overlay::Overlay;
pub(crate) use overlay::apply;

/// What is in the drives of a machine.
#[derive(Clone, Debug, Default)]
pub struct Media {
    /// The disks in floppy drives 0 and 1.
    pub floppies: [Option<DiskImage>; 2],
    /// Fixed disks 0 and 1.
    pub disks: [Option<DiskImage>; 2],
}

/// Where written sectors go.
#[derive(Debug)]
enum Writes {
    /// Nowhere: the medium is write protected.
    Refused,
    /// Beside the image, in memory.
    Memory,
    /// Beside the image, in a file.
    Overlay(Overlay),
    /// To the image's file.
    Direct(File),
}

/// An image in a drive.
#[derive(Debug)]
pub struct DiskImage {
    image: ImageBytes,
    writes: Writes,
    /// Written sectors that are in no file.
    written: BTreeMap<u32, Box<Sector>>,
    /// Over every write.
    trace: blake3::Hasher,
    /// Why a write did not reach its file. It is kept in memory all the same.
    trouble: Option<io::Error>,
}

impl DiskImage {
    /// A write protected medium.
    #[must_use]
    pub fn read_only(image: ImageBytes) -> Self {
        Self::new(image, Writes::Refused)
    }

    /// A medium whose written sectors stay beside the image, in memory.
    #[must_use]
    pub fn overlay(image: ImageBytes) -> Self {
        Self::new(image, Writes::Memory)
    }

    /// A medium that is the file at `path`.
    ///
    /// # Errors
    /// The host cannot open or map it, or another lab has it.
    pub fn direct(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::ResourceBusy, "another lab writes to it")
            }
            std::fs::TryLockError::Error(error) => error,
        })?;
        let image = ImageBytes::map(&file)?;
        Ok(Self::new(image, Writes::Direct(file)))
    }

    fn new(image: ImageBytes, writes: Writes) -> Self {
        Self {
            image,
            writes,
            written: BTreeMap::new(),
            trace: blake3::Hasher::new(),
            trouble: None,
        }
    }

    /// Keeps the written sectors of an overlay in the file `path` from now on, sparse, in the image's places. Behind them
    /// lies a bit for each sector, which says whether it was written. Does nothing for a medium that is no overlay.
    ///
    /// # Errors
    /// The host refuses, or there is such a file.
    pub(crate) fn keep_in(&mut self, path: &Path) -> io::Result<()> {
        if !matches!(self.writes, Writes::Memory) {
            return Ok(());
        }
        let mut overlay = Overlay::create(path, self.sectors())?;
        for (&sector, data) in &self.written {
            overlay.write(sector, data)?;
        }
        self.written.clear();
        self.writes = Writes::Overlay(overlay);
        Ok(())
    }

    /// Whether it is an overlay.
    pub(crate) fn is_overlay(&self) -> bool {
        matches!(self.writes, Writes::Memory | Writes::Overlay(_))
    }

    /// A hash over every write since the lab began.
    pub(crate) fn trace_hash(&self) -> [u8; 32] {
        self.trace.finalize().into()
    }

    /// Why a write did not reach its file, if one did not. The lab itself does not notice.
    pub(crate) fn trouble(&self) -> Option<&io::Error> {
        self.trouble.as_ref()
    }

    /// Every sector, in order, with what was written to it last.
    #[must_use]
    pub fn contents(&self) -> Vec<u8> {
        let mut contents = vec![0; self.sectors() as usize * SECTOR_BYTES];
        let (sectors, _) = contents.as_chunks_mut::<SECTOR_BYTES>();
        for (number, sector) in (0..).zip(sectors) {
            self.read(number, sector);
        }
        contents
    }

    fn image_sector(&self, sector: u32) -> &[u8] {
        let start = sector as usize * SECTOR_BYTES;
        &self.image[start..start + SECTOR_BYTES]
    }
}

impl Clone for DiskImage {
    fn clone(&self) -> Self {
        let mut written = self.written.clone();
        let writes = match &self.writes {
            Writes::Refused => Writes::Refused,
            Writes::Memory | Writes::Direct(_) => Writes::Memory,
            Writes::Overlay(overlay) => {
                for sector in overlay.written() {
                    let mut data = Box::new([0; SECTOR_BYTES]);
                    overlay.read(sector, &mut data);
                    written.entry(sector).or_insert(data);
                }
                Writes::Memory
            }
        };
        Self {
            image: self.image.clone(),
            writes,
            written,
            trace: self.trace.clone(),
            trouble: None,
        }
    }
}

impl Medium for DiskImage {
    fn sectors(&self) -> u32 {
        u32::try_from(self.image.len() / SECTOR_BYTES).unwrap_or(u32::MAX)
    }

    fn is_write_protected(&self) -> bool {
        matches!(self.writes, Writes::Refused)
    }

    fn read(&self, sector: u32, data: &mut Sector) {
        if let Some(written) = self.written.get(&sector) {
            *data = **written;
            return;
        }
        match &self.writes {
            Writes::Overlay(overlay) if overlay.has(sector) => overlay.read(sector, data),
            _ => data.copy_from_slice(self.image_sector(sector)),
        }
    }

    fn write(&mut self, sector: u32, data: &Sector) {
        self.trace.update(&sector.to_le_bytes()).update(data);
        let done = match &mut self.writes {
            Writes::Refused => return log::debug!("a write protected disk is written"),
            Writes::Memory => {
                self.written.insert(sector, Box::new(*data));
                return;
            }
            Writes::Overlay(overlay) => overlay.write(sector, data),
            Writes::Direct(file) => file.write_all_at(data, u64::from(sector) * SECTOR_BYTES as u64),
        };
        match done {
            Ok(()) => drop(self.written.remove(&sector)),
            Err(error) => {
                self.written.insert(sector, Box::new(*data));
                self.trouble.get_or_insert(error);
            }
        }
    }
}

/// Bytes that are an image, for tests and for labs that are not made of files.
impl From<Vec<u8>> for ImageBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Arc::<[u8]>::from(bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTORS: u32 = 40;

    fn image() -> Vec<u8> {
        (0..SECTORS as usize * SECTOR_BYTES)
            .map(|index| (index / SECTOR_BYTES) as u8)
            .collect()
    }

    fn sector(medium: &DiskImage, number: u32) -> u8 {
        let mut data = [0xEE; SECTOR_BYTES];
        medium.read(number, &mut data);
        assert_eq!(data, [data[0]; SECTOR_BYTES]);
        data[0]
    }

    fn host(folder: &tempfile::TempDir) -> std::path::PathBuf {
        let path = folder.path().join("disk.img");
        std::fs::write(&path, image()).expect("a file");
        path
    }

    #[test]
    fn a_read_only_image_is_write_protected() {
        let medium = DiskImage::read_only(image().into());
        assert!(medium.is_write_protected());
        assert_eq!((medium.sectors(), sector(&medium, 7)), (SECTORS, 7));
    }

    #[test]
    fn an_overlay_shows_what_was_written_and_its_image_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = host(&folder);
        let file = File::open(&path).expect("the file");
        let mut medium = DiskImage::overlay(ImageBytes::map(&file).expect("a mapping"));
        medium.write(3, &[0x33; SECTOR_BYTES]);
        let kept = folder.path().join("kept");
        medium.keep_in(&kept).expect("a file");
        medium.write(39, &[0; SECTOR_BYTES]);
        assert_eq!(
            [3, 4, 39].map(|number| sector(&medium, number)),
            [0x33, 4, 0],
            "a sector of zeros is not a hole"
        );
        assert_eq!(std::fs::read(&path).expect("the image"), image());
        let bytes = std::fs::read(&kept).expect("the overlay");
        let map = SECTORS as usize * SECTOR_BYTES;
        assert_eq!(bytes[map..], [1 << 3, 0, 0, 0, 1 << 7]);
        assert_eq!(bytes[3 * SECTOR_BYTES], 0x33);
    }

    #[test]
    fn a_blank_disk_holds_zeros_until_it_is_written() {
        let blank = ImageBytes::blank(u64::from(SECTORS) * SECTOR_BYTES as u64).expect("memory");
        let mut medium = DiskImage::overlay(blank);
        assert_eq!((medium.sectors(), sector(&medium, 39)), (SECTORS, 0));
        medium.write(39, &[0x39; SECTOR_BYTES]);
        assert_eq!([38, 39].map(|number| sector(&medium, number)), [0, 0x39]);
    }

    #[test]
    fn a_direct_image_is_its_file_and_no_second_lab_takes_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = host(&folder);
        let mut medium = DiskImage::direct(&path).expect("the file");
        medium.write(5, &[0x55; SECTOR_BYTES]);
        assert_eq!(sector(&medium, 5), 0x55);
        assert_eq!(std::fs::read(&path).expect("the image")[5 * SECTOR_BYTES], 0x55);
        let refused = DiskImage::direct(&path).expect_err("a lock");
        assert_eq!(refused.to_string(), "another lab writes to it");
    }

    #[test]
    fn a_clone_keeps_what_was_written_and_no_longer_follows() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut medium = DiskImage::overlay(image().into());
        medium.keep_in(&folder.path().join("kept")).expect("a file");
        medium.write(1, &[0x11; SECTOR_BYTES]);
        let clone = medium.clone();
        medium.write(1, &[0x22; SECTOR_BYTES]);
        medium.write(2, &[0x22; SECTOR_BYTES]);
        assert_eq!([1, 2].map(|number| sector(&clone, number)), [0x11, 2]);
        let contents = clone.contents();
        let firsts: Vec<u8> = contents.iter().step_by(SECTOR_BYTES).copied().collect();
        assert_eq!(
            (firsts.len(), &firsts[..3]),
            (SECTORS as usize, &[0, 0x11, 2][..])
        );
    }

    #[test]
    fn the_trace_tells_writes_apart_by_place_data_and_order() {
        let trace = |writes: &[(u32, u8)]| {
            let mut medium = DiskImage::overlay(image().into());
            for &(sector, byte) in writes {
                medium.write(sector, &[byte; SECTOR_BYTES]);
            }
            medium.trace_hash()
        };
        let traces = [
            trace(&[]),
            trace(&[(1, 1)]),
            trace(&[(2, 1)]),
            trace(&[(1, 2), (1, 1)]),
            trace(&[(1, 1), (1, 2)]),
        ];
        for (index, one) in traces.iter().enumerate() {
            assert!(!traces[..index].contains(one), "{index}");
        }
    }
}
