//! The program itself, as its users start it.

use std::path::Path;
use std::process::{Command, Stdio};

/// `amlab` in a folder with these words, without input and without settings from this process's environment.
pub(crate) fn amlab(folder: impl AsRef<Path>, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_amlab"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AMLAB_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).args(words).stdin(Stdio::null());
    command
}
