//! What stands for `host` where no x86-64 Linux runs: cases cannot be run here.

use super::{Case, Runs};

/// Why no case can be run on silicon here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no silicon to compare with: {0}")]
pub struct Unavailable(pub String);

/// Runs cases in a helper process.
///
/// # Errors
/// Always: this is no x86-64 Linux.
pub fn run(_: &[Case]) -> Result<Runs, Unavailable> {
    Err(Unavailable("this host is no x86-64 Linux".into()))
}
