//! Why a command could not do its job, each with a stable code.

use super::exit::Exit;
use super::seam::Refusal;
use crate::folder::HostError;

/// Why a command could not do its job.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line asks for something that does not exist or makes no sense.
    #[error("{code}: {message}")]
    Usage {
        /// The stable code.
        code: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// The lab file is wrong: messages for people, already laid out.
    #[error("{0}")]
    Lab(Refusal),
    /// The lab cannot be built: an image is not what it should be.
    #[error("lab::build: {0}")]
    Build(String),
    /// The host refused.
    #[error("host::file: {0}")]
    Host(#[from] HostError),
}

impl Failure {
    /// Its exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::Lab(_) | Self::Build(_) => Exit::BadInput,
            Self::Host(_) => Exit::HostTrouble,
        }
    }
}
