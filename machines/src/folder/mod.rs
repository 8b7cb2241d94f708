//! The run folder: everything that a run leaves behind, and enough to repeat it.
//!
//! | file | holds |
//! |---|---|
//! | `manifest.json` | what was run, how, and how it ended ([`Manifest`]); written at the start and again at the end |
//! | `lab.toml` | the lab file, byte for byte |
//! | `inputs.log` | everything that came in from outside, with virtual times ([`InputLog`]) |
//! | `events.jsonl` | one JSON object per event, in virtual time ([`EventLog`]) |
//! | `stats.json` | what the lab counted |
//! | `console/<machine>.log`, `.ts` | each console and when its lines came ([`ConsoleLog`]) |
//! | `faults/<machine>-<n>.txt` | registers of a machine that stopped by itself |
//! | `expect.xml` | the expectations as JUnit ([`junit`]) |
//!
//! Captures lie here too, under the names that the lab file gives them. Nothing is lost silently: every write and
//! every flush reports the file and the reason ([`HostError`]).

mod console_log;
mod event_log;
mod host_error;
mod input_log;
pub mod junit;
mod manifest;
mod output_file;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use console_log::ConsoleLog;
pub use event_log::{Event, EventLog, SignRecord};
pub use host_error::HostError;
pub use input_log::{InputLog, typed_bytes};
pub use manifest::{CaptureRecord, HostRecord, ImageRecord, LabRecord, Manifest, OutcomeRecord};
pub use output_file::{OutputFile, SharedFile};

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates `<parent>/<lab>-<n>` with the smallest free `n`. Two runs that start together get different folders.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn create_next(parent: &Path, lab: &str) -> Result<Self, HostError> {
        fs::create_dir_all(parent).map_err(|reason| HostError::new("create folder", parent, reason))?;
        let stem = file_name(lab);
        let mut number = 1_u64;
        loop {
            let path = parent.join(format!("{stem}-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => return Self { path }.furnished(),
                Err(reason) if reason.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(reason) => return Err(HostError::new("create folder", &path, reason)),
            }
        }
    }

    /// Creates the folder `path`, which may exist if it is empty.
    ///
    /// # Errors
    /// If the host refuses, or if the folder holds something already.
    pub fn create_at(path: &Path) -> Result<Self, HostError> {
        let refused = |reason| HostError::new("create folder", path, reason);
        fs::create_dir_all(path).map_err(refused)?;
        if fs::read_dir(path).map_err(refused)?.next().is_some() {
            return Err(HostError::new(
                "use folder",
                path,
                std::io::Error::new(
                    ErrorKind::DirectoryNotEmpty,
                    "it is not empty; name another with --out",
                ),
            ));
        }
        Self { path: path.into() }.furnished()
    }

    /// The folder of an earlier run.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        Self { path: path.into() }
    }

    fn furnished(self) -> Result<Self, HostError> {
        for name in ["console", "faults"] {
            let path = self.file(name);
            fs::create_dir(&path).map_err(|reason| HostError::new("create folder", &path, reason))?;
        }
        self.write("inputs.log", input_log::HEADER)?;
        Ok(self)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The place of a file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a whole file.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn write(&self, name: &str, text: &str) -> Result<(), HostError> {
        let path = self.file(name);
        fs::write(&path, text).map_err(|reason| HostError::new("write", &path, reason))
    }

    /// Replaces a whole file at once: a reader sees the old text or the new, never half of it.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn replace(&self, name: &str, text: &str) -> Result<(), HostError> {
        let unfinished = format!("{name}.part");
        self.write(&unfinished, text)?;
        let path = self.file(name);
        fs::rename(self.file(&unfinished), &path).map_err(|reason| HostError::new("write", &path, reason))
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// If the host refuses or the file is no text.
    pub fn read(&self, name: &str) -> Result<String, HostError> {
        let path = self.file(name);
        fs::read_to_string(&path).map_err(|reason| HostError::new("read", &path, reason))
    }

    /// Writes the report of a machine that stopped, the `number`-th of this run for this machine, and says where.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn write_fault(&self, machine: &str, number: u32, text: &str) -> Result<PathBuf, HostError> {
        let name = format!("faults/{}-{number}.txt", file_name(machine));
        self.write(&name, text)?;
        Ok(self.file(&name))
    }
}

/// `name` with everything that could mean something to a file system replaced by `_`.
#[must_use]
pub fn file_name(name: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let text: String = name.chars().map(|c| if kept(c) { c } else { '_' }).collect();
    match text.as_str() {
        "" | "." | ".." => "_".to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_free_number_is_taken() {
        let parent = tempfile::tempdir().unwrap();
        let first = RunFolder::create_next(&parent.path().join("runs"), "pair").unwrap();
        let second = RunFolder::create_next(&parent.path().join("runs"), "pair").unwrap();
        assert!(first.path().ends_with("runs/pair-1"));
        assert!(second.path().ends_with("runs/pair-2"));
    }

    #[test]
    fn a_new_folder_has_an_empty_input_log_with_a_header() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create_at(&parent.path().join("here")).unwrap();
        assert_eq!(folder.read("inputs.log").unwrap(), input_log::HEADER);
    }

    #[test]
    fn a_folder_with_something_in_it_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("notes"), "mine").unwrap();
        let error = RunFolder::create_at(parent.path()).unwrap_err();
        assert!(error.to_string().contains("--out"), "{error}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let error = RunFolder::create_next(&file.join("runs"), "pair").unwrap_err();
        assert!(error.to_string().contains("file/runs"), "{error}");
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        assert_eq!(file_name("../etc/passwd"), ".._etc_passwd");
        assert_eq!(file_name(".."), "_");
        assert_eq!(file_name("pool0"), "pool0");
    }
}
