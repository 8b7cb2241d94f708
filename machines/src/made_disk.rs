//! Disks of Amoeba's that are made from a description, in memory: `make = "disk.toml"` in a lab file, and `amlab mkdisk`.
//!
//! What a disk is made of is `amoeba-disks`; here are the files that it wants, and the programs that are part of this one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use amoeba_disks::{Description, DescriptionError, Made, MakeError, Sources};
use memmap2::MmapMut;

use crate::image::{ImageBytes, builtin, builtin_names};
use crate::media::blank;

/// Why a disk cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host cannot read the description.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// The description.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The description is none.
    #[error("{path}: {source}", path = path.display())]
    Description {
        /// The description.
        path: PathBuf,
        /// What is wrong.
        source: DescriptionError,
    },
    /// It must be said which disk, or there is no such one.
    #[error("{path} {what}", path = path.display())]
    Disk {
        /// The description.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The disk cannot be as the description says.
    #[error("{path}: {source}", path = path.display())]
    Make {
        /// The description.
        path: PathBuf,
        /// Why.
        source: MakeError,
    },
    /// The host has no memory for the disk.
    #[error("no memory for a disk: {0}")]
    Memory(io::Error),
}

/// Files from a folder, and the programs that are part of this one.
struct Host<'a>(&'a Path);

impl Sources for Host<'_> {
    fn builtin(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        builtin(name).map(Cow::Borrowed)
    }

    fn builtins(&self) -> Vec<String> {
        builtin_names().into_iter().map(str::to_owned).collect()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(self.0.join(path))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.0.join(folder))? {
            let entry = entry?;
            if entry.path().is_file() {
                let name = entry.file_name().into_string();
                names.push(name.map_err(|_| io::Error::other("a file's name is no UTF-8"))?);
            }
        }
        names.sort();
        Ok(names)
    }
}

fn read(path: &Path) -> Result<Description, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Unreadable {
        path: path.into(),
        source,
    })?;
    Description::parse(&text).map_err(|source| Error::Description {
        path: path.into(),
        source,
    })
}

/// The name of the disk that is wanted, or of the only one, and its bytes.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::Description`], [`Error::Disk`].
pub(crate) fn find(path: &Path, wanted: Option<&str>) -> Result<(String, u64), Error> {
    let description = read(path)?;
    let disks: Vec<&str> = description.disks().collect();
    let list = disks.join(", ");
    let bad = |what: String| Error::Disk {
        path: path.into(),
        what,
    };
    let name = match (wanted, &disks[..]) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, []) => return Err(bad("has no disk".into())),
        (None, _) => return Err(bad(format!("has disks {list}: say which"))),
    };
    let bytes = description
        .bytes(name)
        .ok_or_else(|| bad(format!("has no disk `{name}`; it has {list}")))?;
    if bytes == 0 {
        return Err(bad(format!("says no whole cylinder for disk `{name}`")));
    }
    Ok((name.to_owned(), bytes))
}

/// All disks of a description, by their names.
///
/// # Errors
/// Any.
pub(crate) fn make_all(path: &Path) -> Result<BTreeMap<String, MmapMut>, Error> {
    make_described(&read(path)?, path).map(|(images, _)| images)
}

/// All disks of a description that is in the file `path` or would be, by their names, and what was made on them.
///
/// # Errors
/// Any but [`Error::Unreadable`] and [`Error::Description`].
pub(crate) fn make_described(
    description: &Description,
    path: &Path,
) -> Result<(BTreeMap<String, MmapMut>, Made), Error> {
    let mut images = BTreeMap::new();
    for name in description.disks() {
        let bytes = description.bytes(name).unwrap_or(0);
        let memory = blank(bytes.max(1)).map_err(Error::Memory)?;
        images.insert(name.to_owned(), memory);
    }
    let borrowed = images.iter_mut().map(|(name, memory)| {
        let bytes = description.bytes(name).unwrap_or(0) as usize;
        (name.as_str(), &mut memory[..bytes])
    });
    let folder = path.parent().unwrap_or(Path::new(""));
    let made =
        amoeba_disks::make(description, &Host(folder), borrowed.collect()).map_err(|source| Error::Make {
            path: path.into(),
            source,
        })?;
    Ok((images, made))
}

/// A disk of a description.
///
/// # Errors
/// Any.
pub fn make(path: &Path, disk: &str) -> Result<ImageBytes, Error> {
    let image = make_all(path)?.remove(disk).ok_or_else(|| Error::Disk {
        path: path.into(),
        what: format!("has no disk `{disk}`"),
    })?;
    ImageBytes::sparse(image).map_err(Error::Memory)
}
