//! The bytes of the images that a lab names: files, and the kernel that is part of this program.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::lab::{Image, ImageSource, Lab};

/// The kernel that this program was built with (`path = "builtin:kernel"`).
static KERNEL: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kernel.elf"));

/// Why an image cannot be had.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The host cannot read the file.
    #[error("image `{name}`: cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// The image's name in the lab file.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The program has no image of that name.
    #[error("image `{name}`: this program has no `builtin:{builtin}`; it has `builtin:kernel`")]
    UnknownBuiltin {
        /// The image's name in the lab file.
        name: String,
        /// The name after `builtin:`.
        builtin: String,
    },
}

/// The bytes of one image.
///
/// # Errors
/// The file cannot be read, or there is no built-in image of that name.
pub fn load(image: &Image) -> Result<Arc<[u8]>, ImageError> {
    match &image.source {
        ImageSource::Builtin(builtin) if builtin == "kernel" => Ok(KERNEL.into()),
        ImageSource::Builtin(builtin) => Err(ImageError::UnknownBuiltin {
            name: image.name.clone(),
            builtin: builtin.clone(),
        }),
        ImageSource::File(path) => {
            std::fs::read(path)
                .map(Into::into)
                .map_err(|source| ImageError::Unreadable {
                    name: image.name.clone(),
                    path: path.clone(),
                    source,
                })
        }
    }
}

/// The bytes of every image of `lab`, in order.
///
/// # Errors
/// As [`load`], for the first image that cannot be had.
pub fn load_all(lab: &Lab) -> Result<Vec<Arc<[u8]>>, ImageError> {
    lab.images.iter().map(load).collect()
}
