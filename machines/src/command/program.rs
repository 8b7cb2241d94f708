//! The rest of the program, as the command sees it: lab files, the runtime, captures.

use std::io::{self, Write};
use std::path::PathBuf;

use super::seam::{CaptureHead, CaptureWriter, LabText, Laboratory, Loaded, LoadedImage, Refusal, Workshop};
use crate::lab::Lab;

/// The program itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program;

const NOT_CONNECTED: &str = "this build has no laboratory";

impl Workshop for Program {
    fn default_lab(&self) -> LabText {
        LabText {
            name: "builtin:pair".into(),
            text: String::new(),
            folder: PathBuf::from("."),
        }
    }

    fn load(&self, _: &LabText, _: &[String]) -> Result<Loaded, Refusal> {
        Err(Refusal {
            count: 1,
            text: NOT_CONNECTED.into(),
            json: vec![],
        })
    }

    fn show(&self, lab: &Lab) -> String {
        format!("{lab:#?}")
    }

    fn show_timing(&self, lab: &Lab) -> String {
        format!("{lab:#?}")
    }

    fn schema(&self) -> String {
        "{}".into()
    }

    fn builtin_image(&self, _: &str) -> Option<&'static [u8]> {
        None
    }

    fn build(&self, _: &Lab, _: &[LoadedImage]) -> Result<Box<dyn Laboratory>, String> {
        Err(NOT_CONNECTED.into())
    }

    fn capture(&self, _: Box<dyn Write>, _: &CaptureHead) -> io::Result<Box<dyn CaptureWriter>> {
        Err(io::Error::other(NOT_CONNECTED))
    }
}
