//! Files that are written bit by bit, and whose last flush is checked.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::HostError;

/// A file being written. [`OutputFile::finish`] must be called: it is where a full disk shows.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    writer: BufWriter<File>,
}

impl OutputFile {
    /// Creates or empties the file.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn create(path: &Path) -> Result<Self, HostError> {
        let file = File::create(path).map_err(|reason| HostError::new("create", path, reason))?;
        Ok(Self {
            path: path.into(),
            writer: BufWriter::new(file),
        })
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        self.writer
            .write_all(bytes)
            .map_err(|reason| HostError::new("write", &self.path, reason))
    }

    /// Hands everything to the host.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn finish(&mut self) -> Result<(), HostError> {
        self.writer
            .flush()
            .map_err(|reason| HostError::new("write", &self.path, reason))
    }
}

/// A file that a capture writes to while its owner can still flush it and look at its digest.
#[derive(Clone, Debug)]
pub struct SharedFile {
    path: PathBuf,
    inner: Arc<Mutex<Digested>>,
}

#[derive(Debug)]
struct Digested {
    writer: BufWriter<File>,
    hasher: blake3::Hasher,
    length: u64,
}

impl SharedFile {
    /// Creates or empties the file.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn create(path: &Path) -> Result<Self, HostError> {
        let file = File::create(path).map_err(|reason| HostError::new("create", path, reason))?;
        let inner = Digested {
            writer: BufWriter::new(file),
            hasher: blake3::Hasher::new(),
            length: 0,
        };
        Ok(Self {
            path: path.into(),
            inner: Arc::new(Mutex::new(inner)),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hands everything to the host; returns the length and the BLAKE3 hash of what was written.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn finish(&self) -> Result<(u64, blake3::Hash), HostError> {
        let mut inner = self.inner.lock();
        inner
            .writer
            .flush()
            .map_err(|reason| HostError::new("write", &self.path, reason))?;
        Ok((inner.length, inner.hasher.finalize()))
    }
}

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.inner.lock();
        let written = inner.writer.write(bytes)?;
        inner.hasher.update(&bytes[..written]);
        inner.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.lock().writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_shows_at_the_latest_when_the_file_is_finished() {
        let mut file = OutputFile::create(Path::new("/dev/full")).unwrap();
        let error = file.append(b"text").and_then(|()| file.finish()).unwrap_err();
        assert!(
            error.to_string().starts_with("cannot write /dev/full: "),
            "{error}"
        );
    }

    #[test]
    fn a_shared_file_knows_the_hash_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let file = SharedFile::create(&folder.path().join("w.pcapng")).unwrap();
        file.clone().write_all(b"abc").unwrap();
        assert_eq!(file.finish().unwrap(), (3, blake3::hash(b"abc")));
        assert_eq!(std::fs::read(file.path()).unwrap(), b"abc");
    }
}
