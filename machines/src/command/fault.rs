//! A fault in amlab itself: what is said when it panics, and what to report.

use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

/// The folder of the run that is going on, for the message.
static RUN_FOLDER: Mutex<Option<PathBuf>> = Mutex::new(None);

/// A fault from now on concerns this run.
pub(crate) fn remember_folder(folder: &Path) {
    *RUN_FOLDER.lock() = Some(folder.into());
}

/// Makes every panic say what to report, instead of what a programmer wants to know.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo| {
        let place = info
            .location()
            .map_or_else(|| "an unknown place".into(), ToString::to_string);
        let what = info.payload_as_str().unwrap_or("no message");
        eprintln!("\n{}", message(what, &place, RUN_FOLDER.lock().as_deref()));
    }));
}

fn message(what: &str, place: &str, folder: Option<&Path>) -> String {
    let files = match folder {
        Some(folder) => format!(", and manifest.json and lab.toml from {}", folder.display()),
        None => ", and the lab file".to_owned(),
    };
    format!(
        "amlab::fault: a fault in amlab itself: {what} ({place})\n  \
         help: please report this message, the output of `amlab doctor`, the command line{files}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_what_to_report() {
        let message = message(
            "index out of bounds",
            "wire/src/lib.rs:1:2",
            Some(Path::new("runs/pair-1")),
        );
        insta::assert_snapshot!(message, @r"
        amlab::fault: a fault in amlab itself: index out of bounds (wire/src/lib.rs:1:2)
          help: please report this message, the output of `amlab doctor`, the command line, and manifest.json and lab.toml from runs/pair-1
        ");
    }
}
