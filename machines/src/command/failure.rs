//! Why a command could not do its job, each with a stable code.

use serde_json::{Value, json};

use super::exit::Exit;
use crate::folder::HostError;
use crate::lab::LabErrors;
use crate::runtime::BuildError;

/// The stable code of a lab that cannot be built.
const BUILD: &str = "lab::build";
/// The stable code of a host that refused.
const HOST: &str = "host::file";

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
    #[error("{BUILD}: {0}")]
    Build(String),
    /// The host refused.
    #[error("{HOST}: {0}")]
    Host(#[from] HostError),
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::Build(error.to_string())
    }
}

impl Failure {
    /// For programs: the messages, as `amlab check` has them, and the exit code.
    pub(crate) fn json(&self) -> Value {
        let messages = match self {
            Self::Lab { errors, .. } => errors.messages().to_json(),
            Self::Usage { code, message } => single(code, message),
            Self::Build(message) => single(BUILD, message),
            Self::Host(error) => single(HOST, &error.to_string()),
        };
        json!({ "messages": messages, "exit_code": self.exit().code() })
    }

    /// Its exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::Lab { .. } | Self::Build(_) => Exit::BadInput,
            Self::Host(_) => Exit::HostTrouble,
        }
    }
}

fn single(code: &str, message: &str) -> Value {
    json!([{ "code": code, "severity": "error", "message": message }])
}
