//! What the command needs from the rest of the program, in one place: reading lab files, building and running labs,
//! writing captures. A test puts a laboratory of its own in their stead.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::PathBuf;

use clock::Instant;

use crate::lab::Lab;
use crate::runtime::{Observer, RunEnd, Statistics};

/// A lab file's text and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LabText {
    /// As named in messages: the path as given, or `builtin:<name>`.
    pub(crate) name: String,
    /// The text.
    pub(crate) text: String,
    /// Relative paths in it start here.
    pub(crate) folder: PathBuf,
}

/// A lab file that was understood.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// What it means.
    pub(crate) lab: Lab,
    /// What is odd about it, each laid out for people.
    pub(crate) warnings: Vec<String>,
}

/// Why a lab file was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Refusal {
    /// How many errors.
    pub(crate) count: usize,
    /// All of them, laid out for people.
    pub(crate) text: String,
    /// Each of them for programs: code, message, place, help.
    pub(crate) json: Vec<serde_json::Value>,
}

/// An image as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoadedImage {
    /// Its name in the lab file.
    pub(crate) name: String,
    /// Its path, or `builtin:<name>`.
    pub(crate) source: String,
    /// Its bytes.
    pub(crate) bytes: Cow<'static, [u8]>,
}

/// What a capture says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaptureHead {
    /// The lab's name.
    pub(crate) lab: String,
    /// The seed.
    pub(crate) seed: u64,
    /// Seconds from 1970 to the start of virtual time.
    pub(crate) epoch_seconds: i64,
    /// The segment's name.
    pub(crate) segment: String,
    /// Bits per second.
    pub(crate) bits_per_second: u64,
    /// The stations' interfaces, in the order of attachment.
    pub(crate) interfaces: Vec<String>,
    /// Which wire events become records.
    pub(crate) events: wire::CaptureEvents,
}

/// A lab that runs.
pub(crate) trait Laboratory {
    /// Runs until `limit` or until the observer ends it. Called again it goes on as if it had never been left: the
    /// command leaves and returns to print progress.
    fn run(&mut self, limit: Instant, threads: usize, observer: &mut dyn Observer) -> RunEnd;
    /// Virtual time reached.
    fn now(&self) -> Instant;
    /// What was counted so far.
    fn statistics(&self) -> Statistics;
    /// The trace hash so far.
    fn trace_hash(&self) -> [u8; 32];
}

/// A capture being written.
pub(crate) trait CaptureWriter {
    /// One more record.
    fn record(&mut self, record: &wire::Record) -> io::Result<()>;
    /// The last record was written.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// The rest of the program, as the command sees it.
pub(crate) trait Workshop {
    /// The lab that runs when none is named.
    fn default_lab(&self) -> LabText;
    /// Reads a lab file; `overrides` are `PATH=VALUE`.
    fn load(&self, text: &LabText, overrides: &[String]) -> Result<Loaded, Refusal>;
    /// A lab for people, everything filled in.
    fn show(&self, lab: &Lab) -> String;
    /// A lab's timing constants for people.
    fn show_timing(&self, lab: &Lab) -> String;
    /// The JSON schema of lab files.
    fn schema(&self) -> String;
    /// An image that is part of this program.
    fn builtin_image(&self, name: &str) -> Option<&'static [u8]>;
    /// A lab, switched on; `images` in the order of the lab. The error says what is wrong with which image.
    fn build(&self, lab: &Lab, images: &[LoadedImage]) -> Result<Box<dyn Laboratory>, String>;
    /// Begins a capture.
    fn capture(&self, writer: Box<dyn Write>, head: &CaptureHead) -> io::Result<Box<dyn CaptureWriter>>;
}
