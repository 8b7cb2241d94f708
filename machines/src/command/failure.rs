//! Why a command could not do its job, each with a stable code.

use super::exit::Exit;
use crate::folder::HostError;
use crate::lab::LabErrors;
use crate::runtime::BuildError;

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
    /// The lab file is wrong.
    #[error("{errors}")]
    Lab {
        /// Its name as given.
        name: String,
        /// All that is wrong.
        errors: LabErrors,
    },
    /// The lab cannot be built: an image is not what it should be.
    #[error("lab::build: {0}")]
    Build(String),
    /// The host refused.
    #[error("host::file: {0}")]
    Host(#[from] HostError),
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::Build(error.to_string())
    }
}

impl Failure {
    /// Its exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::Lab { .. } | Self::Build(_) => Exit::BadInput,
            Self::Host(_) => Exit::HostTrouble,
        }
    }
}
