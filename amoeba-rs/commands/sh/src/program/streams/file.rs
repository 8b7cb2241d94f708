//! A file that is being written: pieces go to the file server as a draft, which is committed and entered at the end.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use libamoeba::classes::bullet;
use libamoeba::directory;
use libamoeba::explain;
use libamoeba::standard;
use libamoeba::system::Kernel;
use proto::bullet::{Commit, LARGEST_PIECE};
use proto::capability::{Capability, Rights};
use proto::capability_set::CapabilitySet;
use proto::soap::Masks;
use proto::standard::Status;

/// What others may do with a new file: read it.
const MASKS: Masks = [
    Rights::ALL,
    proto::bullet::right::READ,
    proto::bullet::right::READ,
    Rights(0),
];

/// Where the file will be.
pub(in crate::program) struct Place {
    pub(in crate::program) directory: CapabilitySet,
    pub(in crate::program) name: Vec<u8>,
    /// Whether there is a row already.
    pub(in crate::program) exists: bool,
    /// The path, for people.
    pub(in crate::program) path: String,
}

/// A file that is being written.
pub(in crate::program) struct WrittenFile {
    place: Place,
    /// The file server, or the file that is gone on with, or the draft.
    file: Capability,
    has_draft: bool,
    /// Bytes that the file server has.
    length: u32,
    waiting: Vec<u8>,
    failure: Option<Status>,
}

impl WrittenFile {
    /// A file that begins empty, on a file server.
    pub(in crate::program) fn new(place: Place, server: Capability) -> WrittenFile {
        WrittenFile {
            place,
            file: server,
            has_draft: false,
            length: 0,
            waiting: Vec::new(),
            failure: None,
        }
    }

    /// A file that begins with what another one of so many bytes holds.
    pub(in crate::program) fn behind(place: Place, file: Capability, length: u32) -> WrittenFile {
        WrittenFile {
            length,
            ..WrittenFile::new(place, file)
        }
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Status> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= LARGEST_PIECE {
            self.send(Commit::empty())
                .inspect_err(|status| self.failure = Some(*status))?;
        }
        Ok(())
    }

    fn send(&mut self, commit: Commit) -> Result<(), Status> {
        let waiting = core::mem::take(&mut self.waiting);
        let sent = if self.has_draft || self.length > 0 {
            bullet::modify(&mut Kernel, &self.file, self.length, &waiting, commit)?
        } else {
            bullet::create(&mut Kernel, &self.file, &waiting, commit)?
        };
        self.file = sent;
        self.has_draft = true;
        self.length += waiting.len() as u32;
        Ok(())
    }

    /// Keeps the draft from growing too old.
    pub(super) fn refresh(&mut self) {
        if self.has_draft && self.failure.is_none() {
            let kept = bullet::modify(&mut Kernel, &self.file, self.length, &[], Commit::empty());
            self.failure = kept.err();
        }
    }

    /// Commits the file and enters it.
    pub(super) fn close(mut self) -> Result<(), String> {
        let path = core::mem::take(&mut self.place.path);
        let committed = match self.failure {
            Some(status) => Err(status),
            None => self.send(Commit::all()),
        };
        if let Err(status) = committed {
            if self.has_draft {
                let _ = standard::destroy(&mut Kernel, &self.file);
            }
            return Err(format!("{path}: {}", explain(status)));
        }
        let set = CapabilitySet::single(self.file);
        let (directory, name) = (&self.place.directory, &self.place.name);
        let entered = if self.place.exists {
            directory::replace(&mut Kernel, directory, name, &set)
        } else {
            directory::append(&mut Kernel, directory, name, &set, &MASKS)
        };
        entered.map_err(|failure| {
            // Nobody else knows it.
            let _ = standard::destroy(&mut Kernel, &self.file);
            format!("{path}: {}", explain(failure))
        })
    }
}
