//! The bytes of the images that a lab names: files, and those that are part of this program.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use memmap2::{Mmap, MmapMut};
use thiserror::Error;

use crate::lab::{Image, ImageSource, Lab};
use crate::made_disk;
use crate::media::{MappedFile, blank};

/// The images that are part of this program (`path = "builtin:kernel"`), with their names.
static BUILTINS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

/// Their names.
pub(crate) fn builtin_names() -> Vec<&'static str> {
    BUILTINS.iter().map(|(name, _)| *name).collect()
}

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
    /// The host has no memory for a blank image.
    #[error("image `{name}`: cannot have {bytes} blank bytes: {source}")]
    NoMemory {
        /// The image's name in the lab file.
        name: String,
        /// Its length.
        bytes: u64,
        /// Why.
        source: std::io::Error,
    },
    /// A disk cannot be made.
    #[error("image `{name}`: {source}")]
    NotMade {
        /// The image's name in the lab file.
        name: String,
        /// Why.
        source: made_disk::Error,
    },
    /// The program has no image of that name.
    #[error("image `{name}`: this program has no `builtin:{builtin}`; it has {names}", names = builtin_names().join(", "))]
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
    let (_, bytes) = BUILTINS.iter().find(|(known, _)| *known == name)?;
    Some(bytes)
}

/// The bytes of an image, for everything that uses it.
#[derive(Clone, Debug)]
pub struct ImageBytes(Bytes);

#[derive(Clone, Debug)]
enum Bytes {
    Memory(Arc<[u8]>),
    /// Too much to be copied, or not worth it.
    File(Arc<MappedFile>),
    /// Memory that takes no room where it is zeros.
    Sparse(Arc<Mmap>),
}

impl ImageBytes {
    /// The bytes of `file`, which stay in it.
    ///
    /// # Errors
    /// The host cannot map it.
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self(Bytes::File(Arc::new(MappedFile::new(file, length)?))))
    }

    /// So many zeros.
    ///
    /// # Errors
    /// The host has no room for them.
    pub(crate) fn blank(length: u64) -> io::Result<Self> {
        Ok(Self(Bytes::Sparse(Arc::new(blank(length)?.make_read_only()?))))
    }

    /// What is in that memory.
    ///
    /// # Errors
    /// The host refuses to protect it.
    pub(crate) fn sparse(memory: MmapMut) -> io::Result<Self> {
        Ok(Self(Bytes::Sparse(Arc::new(memory.make_read_only()?))))
    }
}

impl From<Arc<[u8]>> for ImageBytes {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self(Bytes::Memory(bytes))
    }
}

impl Deref for ImageBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Memory(bytes) => bytes,
            Bytes::File(file) => file,
            Bytes::Sparse(memory) => memory,
        }
    }
}

/// The bytes of one image; those of a disk stay in their file.
fn load(image: &Image, is_disk: bool) -> Result<ImageBytes, ImageError> {
    match &image.source {
        ImageSource::Builtin(name) => {
            let bytes = builtin(name).ok_or_else(|| ImageError::UnknownBuiltin {
                name: image.name.clone(),
                builtin: name.clone(),
            })?;
            Ok(Arc::<[u8]>::from(bytes).into())
        }
        ImageSource::Made(made) => {
            made_disk::make(&made.description, &made.disk).map_err(|source| ImageError::NotMade {
                name: image.name.clone(),
                source,
            })
        }
        ImageSource::Blank(bytes) => ImageBytes::blank(*bytes).map_err(|source| ImageError::NoMemory {
            name: image.name.clone(),
            bytes: *bytes,
            source,
        }),
        ImageSource::File(path) => {
            let bytes = if is_disk {
                File::open(path).and_then(|file| ImageBytes::map(&file))
            } else {
                std::fs::read(path).map(ImageBytes::from)
            };
            bytes.map_err(|source| ImageError::Unreadable {
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
/// For the first image that cannot be had: the file cannot be read, or there is no built-in image of that name.
pub fn load_all(lab: &Lab) -> Result<Vec<ImageBytes>, ImageError> {
    let images = lab.images.iter().enumerate();
    images
        .map(|(index, image)| load(image, lab.is_disk(index)))
        .collect()
}
