//! What the host refused: the deed, the file, the reason.

use std::io;
use std::path::{Path, PathBuf};

/// The host refused something. Ends the command with exit code 5.
#[derive(Debug, thiserror::Error)]
#[error("cannot {deed} {}: {reason}", path.display())]
pub struct HostError {
    deed: &'static str,
    path: PathBuf,
    reason: io::Error,
}

impl HostError {
    /// `deed` is what was tried, as in "cannot write".
    #[must_use]
    pub fn new(deed: &'static str, path: &Path, reason: io::Error) -> Self {
        Self {
            deed,
            path: path.into(),
            reason,
        }
    }

    /// What the host said.
    #[must_use]
    pub fn reason(&self) -> &io::Error {
        &self.reason
    }
}
