//! A running lab as the command sees it: the runtime, or in tests a stage that plays a script.

use std::io;
use std::path::Path;

use clock::Instant;

use crate::image::ImageBytes;
use crate::lab::Lab;
use crate::machine::{Machine, Whereabouts};
use crate::runtime::{BuildError, Deed, Observer, RunEnd, Runtime, Statistics};

/// A lab that runs.
pub(crate) trait Laboratory {
    /// Keeps what is written to overlays in files of that folder; called before it runs.
    ///
    /// # Errors
    /// The host refuses a file, which is named.
    fn keep_overlays(&mut self, folder: &Path) -> Result<(), (String, io::Error)>;
    /// Writes that did not reach their file: whose they are, and why.
    fn media_troubles(&self) -> Vec<String>;
    /// Runs until `limit` or until the observer ends it. Called again it goes on as if it had never been left: the
    /// command leaves and returns to print progress.
    fn run(&mut self, limit: Instant, threads: usize, observer: &mut dyn Observer) -> RunEnd;
    /// What each machine's processor is doing.
    fn whereabouts(&self) -> Vec<Whereabouts>;
    /// Does something to the lab from outside, as soon as possible, and says when.
    fn inject(&mut self, deed: &Deed) -> Instant;
    /// Does it again at that instant; before the lab runs, in the same order.
    fn inject_at(&mut self, at: Instant, deed: &Deed);
    /// The text on a machine's VGA screen.
    fn screen(&self, machine: usize) -> Vec<String>;
    /// Virtual time reached.
    fn now(&self) -> Instant;
    /// What was counted so far.
    fn statistics(&self) -> Statistics;
    /// The trace hash so far.
    fn trace_hash(&self) -> [u8; 32];
}

/// Switches a lab on; the bytes of its images in the order of the lab.
pub(crate) type Build<'a> = &'a dyn Fn(&Lab, &[ImageBytes]) -> Result<Box<dyn Laboratory>, BuildError>;

/// The real thing.
pub(crate) fn build(lab: &Lab, images: &[ImageBytes]) -> Result<Box<dyn Laboratory>, BuildError> {
    Ok(Box::new(Runtime::build(lab, images)?))
}

impl Laboratory for Runtime {
    fn keep_overlays(&mut self, folder: &Path) -> Result<(), (String, io::Error)> {
        Self::keep_overlays(self, folder)
    }

    fn media_troubles(&self) -> Vec<String> {
        let told = |(machine, error)| format!("a disk of {machine} could not be written: {error}");
        Self::media_troubles(self).map(told).collect()
    }

    fn run(&mut self, limit: Instant, threads: usize, observer: &mut dyn Observer) -> RunEnd {
        Self::run(self, limit, threads, observer)
    }

    fn whereabouts(&self) -> Vec<Whereabouts> {
        self.machines().iter().map(Machine::whereabouts).collect()
    }

    fn inject(&mut self, deed: &Deed) -> Instant {
        Self::inject(self, deed)
    }

    fn inject_at(&mut self, at: Instant, deed: &Deed) {
        Self::inject_at(self, at, deed);
    }

    fn screen(&self, machine: usize) -> Vec<String> {
        self.machines()[machine].screen().to_vec()
    }

    fn now(&self) -> Instant {
        Self::now(self)
    }

    fn statistics(&self) -> Statistics {
        Self::statistics(self)
    }

    fn trace_hash(&self) -> [u8; 32] {
        Self::trace_hash(self)
    }
}
