//! A file, or a blank disk, as a slice of bytes: the one place of this crate with unsafe code.

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::{Mmap, MmapMut, MmapOptions};

/// The bytes of a file, read through a mapping of it. What is written to the file shows here.
#[derive(Debug)]
pub(crate) struct MappedFile(Mmap);

impl MappedFile {
    /// Maps the first `length` bytes of `file`, all of which it must have.
    ///
    /// # Errors
    /// The host refuses, or the file is shorter.
    pub(crate) fn new(file: &File, length: u64) -> io::Result<Self> {
        if file.metadata()?.len() < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let length = usize::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        // SAFETY: The bytes are only ever read, as plain numbers and by copying them out, so that a change by another
        // program or by our own writes to the file can alter what is read but break nothing: every value of a byte is
        // one. A file that another program makes shorter would end this one by a signal, as it would any that maps
        // files; that is the price of images that need not fit into memory, and README.md says so.
        let map = unsafe { MmapOptions::new().len(length).map(file) }?;
        Ok(Self(map))
    }
}

/// `length` zeros, which take no memory where nobody writes: the host shows the same page of zeros for all of them.
///
/// # Errors
/// The host refuses.
pub(crate) fn blank(length: u64) -> io::Result<MmapMut> {
    let length = usize::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    MmapOptions::new().len(length).map_anon()
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
