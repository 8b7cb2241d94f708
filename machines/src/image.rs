//! The bytes of the images that a lab names: files, and those that are part of this program.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::lab::{Image, ImageSource, Lab};

/// The names of the images that are part of this program (`path = "builtin:kernel"`).
pub(crate) const BUILTIN_NAMES: [&str; 2] = ["kernel", "benchmark"];

/// Their bytes, in the same order.
static BUILTINS: [&[u8]; 2] = [
    include_bytes!(concat!(env!("OUT_DIR"), "/kernel.elf")),
    include_bytes!(concat!(env!("OUT_DIR"), "/benchmark.elf")),
];

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
    #[error("image `{name}`: this program has no `builtin:{builtin}`; it has {names}", names = BUILTIN_NAMES.join(" and "))]
    UnknownBuiltin {
        /// The image's name in the lab file.
        name: String,
        /// The name after `builtin:`.
        builtin: String,
    },
}

/// The bytes of the built-in image of that name, if there is one.
#[must_use]
pub fn builtin(name: &str) -> Option<&'static [u8]> {
    let place = BUILTIN_NAMES.iter().position(|known| *known == name)?;
    Some(BUILTINS[place])
}

/// The bytes of one image.
///
/// # Errors
/// The file cannot be read, or there is no built-in image of that name.
pub fn load(image: &Image) -> Result<Arc<[u8]>, ImageError> {
    match &image.source {
        ImageSource::Builtin(name) => {
            let bytes = builtin(name).ok_or_else(|| ImageError::UnknownBuiltin {
                name: image.name.clone(),
                builtin: name.clone(),
            })?;
            Ok(bytes.into())
        }
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
