//! What the files of the script hold: bytes that follow from the file's number alone, so that whoever reads one knows which it is and
//! whether it is whole. The first byte is the number.

use alloc::vec::Vec;
use libamoeba::stream;
use libamoeba::system::Kernel;
use proto::capability::Capability;
use proto::standard::Status;

/// The contents of file `number` with `length` bytes, one at least.
pub(crate) fn contents(number: u8, length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|place| (place.wrapping_mul(31) ^ place >> 8 ^ u32::from(number)) as u8)
        .collect()
}

/// A file that was read.
pub(crate) struct Found {
    pub(crate) number: u8,
    pub(crate) length: usize,
    /// Whether every byte is as it was written.
    pub(crate) is_whole: bool,
}

/// Reads a file.
///
/// # Errors
/// What its server says; [`Status::SystemError`] if it is empty, which no file of the script is.
pub(crate) fn read(file: &Capability) -> Result<Found, Status> {
    let bytes = stream::file(&mut Kernel, file)?;
    let number = *bytes.first().ok_or(Status::SystemError)?;
    Ok(Found {
        number,
        length: bytes.len(),
        is_whole: bytes == contents(number, bytes.len()),
    })
}
