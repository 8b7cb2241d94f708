//! Captures: what `[capture]` and `--capture` ask for, and the files they become.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::folder::{CaptureRecord, HostError, RunFolder, SharedFile, file_name};
use crate::lab::Lab;
use wire::{Capture, CaptureError, CaptureInfo};

/// Files of the run folder that a capture may not be.
const TAKEN: [&str; 11] = [
    "manifest.json",
    "lab.toml",
    "inputs.log",
    "events.jsonl",
    "stats.json",
    "expect.xml",
    "console",
    "faults",
    "snapshots",
    "gdb",
    "control.sock",
];

/// What `--capture` records beside frames.
const COLLISIONS: wire::CaptureEvents = wire::CaptureEvents {
    collisions: true,
    jams: false,
    deferrals: false,
};

/// A capture that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CapturePlan {
    /// Index of the segment in the lab.
    pub(crate) segment: usize,
    /// Where it goes; relative paths lie in the run folder.
    pub(crate) file: PathBuf,
    /// Which wire events become records.
    pub(crate) events: wire::CaptureEvents,
}

/// What the lab file and `--capture` ask for, in this order.
pub(crate) fn plan(lab: &Lab, options: &[String]) -> Result<Vec<CapturePlan>, Failure> {
    let mut plans = Vec::new();
    for capture in &lab.captures {
        let name = file_name(&capture.file);
        if TAKEN.contains(&name.as_str()) {
            return Err(refused(format!(
                "capture `{}` may not be the run folder's {name}; give it another file",
                capture.name
            )));
        }
        plans.push(CapturePlan {
            segment: capture.segment,
            file: name.into(),
            events: capture.events,
        });
    }
    for option in options {
        match option.split_once('=') {
            _ if option.is_empty() => plan_missing_segments(lab, &mut plans),
            Some((segment, file)) if !file.is_empty() => plans.push(CapturePlan {
                segment: find_segment(lab, segment)?,
                file: std::path::absolute(file)
                    .map_err(|reason| HostError::new("find", Path::new(file), reason))?,
                events: COLLISIONS,
            }),
            _ => {
                return Err(refused(format!(
                    "--capture={option} names no segment and file; write --capture or --capture=SEGMENT=FILE"
                )));
            }
        }
    }
    match twice(&plans) {
        Some(file) => Err(refused(format!(
            "two captures go to {}; give one another file",
            file.display()
        ))),
        None => Ok(plans),
    }
}

/// A bare `--capture`: every segment that is not captured already, in the run folder.
fn plan_missing_segments(lab: &Lab, plans: &mut Vec<CapturePlan>) {
    for (segment, description) in lab.segments.iter().enumerate() {
        if plans.iter().any(|plan| plan.segment == segment) {
            continue;
        }
        let name = match lab.segments.len() {
            1 => "wire.pcapng".to_owned(),
            _ => format!("{}.pcapng", file_name(&description.name)),
        };
        plans.push(CapturePlan {
            segment,
            file: name.into(),
            events: COLLISIONS,
        });
    }
}

fn twice(plans: &[CapturePlan]) -> Option<&Path> {
    let mut seen = BTreeSet::new();
    plans
        .iter()
        .map(|plan| plan.file.as_path())
        .find(|file| !seen.insert(*file))
}

fn find_segment(lab: &Lab, name: &str) -> Result<usize, Failure> {
    let known: Vec<&str> = lab.segments.iter().map(|segment| segment.name.as_str()).collect();
    known.iter().position(|segment| *segment == name).ok_or_else(|| {
        refused(format!(
            "--capture: there is no segment `{name}`; this lab has {}",
            known.join(", ")
        ))
    })
}

fn refused(message: String) -> Failure {
    Failure::Usage {
        code: "run::capture",
        message,
    }
}

/// What a capture says about itself.
fn info(lab: &Lab, plan: &CapturePlan) -> CaptureInfo {
    let segment = &lab.segments[plan.segment];
    CaptureInfo {
        program: format!("amlab {}", env!("CARGO_PKG_VERSION")),
        lab: lab.name.clone(),
        seed: lab.seed,
        // The format knows no time before 1970, and no CMOS clock shows one.
        epoch_seconds: u64::try_from(lab.epoch_seconds).unwrap_or(0),
        segment: segment.name.clone(),
        bit_rate: segment.settings.bit_rate,
        interfaces: lab
            .station_names(plan.segment)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        events: plan.events,
    }
}

/// What the manifest says about a capture before it is finished.
pub(crate) fn record(lab: &Lab, plan: &CapturePlan) -> CaptureRecord {
    let words = [
        (plan.events.collisions, "collision"),
        (plan.events.jams, "jam"),
        (plan.events.deferrals, "deferral"),
    ];
    CaptureRecord {
        segment: lab.segments[plan.segment].name.clone(),
        file: plan.file.clone(),
        events: words
            .iter()
            .filter(|(is_on, _)| *is_on)
            .map(|(_, word)| (*word).to_owned())
            .collect(),
        bytes: None,
        blake3: None,
    }
}

/// What the manifest of an earlier run asked for.
pub(crate) fn replan(lab: &Lab, record: &CaptureRecord) -> Result<CapturePlan, Failure> {
    let has = |word: &str| record.events.iter().any(|event| event == word);
    Ok(CapturePlan {
        segment: find_segment(lab, &record.segment)?,
        file: record.file.clone(),
        events: wire::CaptureEvents {
            collisions: has("collision"),
            jams: has("jam"),
            deferrals: has("deferral"),
        },
    })
}

/// A capture on its way to any writer.
pub(crate) struct OpenCapture {
    segment: usize,
    place: PathBuf,
    capture: Capture<Box<dyn Write>>,
}

impl OpenCapture {
    /// Begins a capture; `place` is what messages name.
    pub(crate) fn begin(
        lab: &Lab,
        plan: &CapturePlan,
        place: &Path,
        writer: Box<dyn Write>,
    ) -> Result<Self, HostError> {
        let capture = Capture::new(writer, info(lab, plan)).map_err(|error| host_error(place, &error))?;
        Ok(Self {
            segment: plan.segment,
            place: place.into(),
            capture,
        })
    }

    /// Something was seen on a segment.
    pub(crate) fn record(&mut self, segment: usize, record: &wire::Record) -> Result<(), HostError> {
        if segment != self.segment {
            return Ok(());
        }
        let recorded = self.capture.record(record);
        recorded.map_err(|error| host_error(&self.place, &error))
    }

    /// The last record was written.
    pub(crate) fn finish(self) -> Result<(), HostError> {
        let finished = self.capture.finish();
        finished
            .map(drop)
            .map_err(|error| host_error(&self.place, &error))
    }
}

/// What the host said is buried under what the format's writer said.
fn host_error(place: &Path, error: &CaptureError) -> HostError {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let kind = cause
        .downcast_ref::<io::Error>()
        .map_or(io::ErrorKind::Other, io::Error::kind);
    HostError::new("write", place, io::Error::new(kind, cause.to_string()))
}

/// The captures of a run and their files.
pub(crate) struct Captures {
    open: Vec<OpenCapture>,
    files: Vec<SharedFile>,
}

impl Captures {
    /// Creates the files.
    pub(crate) fn create(lab: &Lab, plans: &[CapturePlan], folder: &RunFolder) -> Result<Self, HostError> {
        let (mut open, mut files) = (Vec::new(), Vec::new());
        for plan in plans {
            let file = SharedFile::create(&folder.path().join(&plan.file))?;
            let writer = Box::new(file.clone());
            open.push(OpenCapture::begin(lab, plan, file.path(), writer)?);
            files.push(file);
        }
        Ok(Self { open, files })
    }

    /// Something was seen on a segment.
    pub(crate) fn record(&mut self, segment: usize, record: &wire::Record) -> Result<(), HostError> {
        self.open
            .iter_mut()
            .try_for_each(|capture| capture.record(segment, record))
    }

    /// Closes every file and completes what the manifest says. Every file is closed, even if another fails.
    pub(crate) fn finish(self, records: &mut [CaptureRecord]) -> Result<(), HostError> {
        let mut outcome = Ok(());
        for ((capture, file), record) in self.open.into_iter().zip(self.files).zip(records) {
            match capture.finish().and_then(|()| file.finish()) {
                Ok((bytes, hash)) => {
                    record.bytes = Some(bytes);
                    record.blake3 = Some(hash.to_hex().to_string());
                }
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::sample_lab;
    use super::*;

    fn plans(options: &[&str]) -> Result<Vec<CapturePlan>, Failure> {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        plan(&sample_lab(), &options)
    }

    #[test]
    fn a_bare_capture_records_every_segment_in_the_run_folder() {
        let plans = plans(&[""]).unwrap();
        assert_eq!(plans.len(), 1);
        assert_eq!(plans[0].file, PathBuf::from("wire.pcapng"));
        assert!(plans[0].events.collisions);
    }

    #[test]
    fn a_named_capture_lies_where_its_name_says() {
        let plans = plans(&["ether0=here.pcapng"]).unwrap();
        assert_eq!(
            plans[0].file,
            std::env::current_dir().unwrap().join("here.pcapng")
        );
    }

    #[test]
    fn an_unknown_segment_is_refused_with_the_known_ones() {
        let error = plans(&["ether1=x"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "run::capture: --capture: there is no segment `ether1`; this lab has ether0"
        );
    }

    #[test]
    fn two_captures_in_one_file_are_refused() {
        assert!(plans(&["ether0=x", "ether0=x"]).is_err());
    }

    #[test]
    fn a_capture_of_the_lab_file_may_not_replace_the_manifest() {
        let mut lab = sample_lab();
        lab.captures.push(crate::lab::Capture {
            name: "wire".into(),
            segment: 0,
            file: "manifest.json".into(),
            events: COLLISIONS,
        });
        assert!(plan(&lab, &[]).is_err());
    }

    #[test]
    fn a_capture_names_the_interfaces_of_its_segment_in_the_order_of_attachment() {
        let lab = sample_lab();
        let plans = plan(&lab, &[String::new()]).unwrap();
        assert_eq!(info(&lab, &plans[0]).interfaces, ["pc0/el0", "pc1/el0"]);
    }

    #[test]
    fn a_manifest_remembers_what_a_capture_was_asked_for() {
        let lab = sample_lab();
        let plans = plan(&lab, &[String::new()]).unwrap();
        assert_eq!(replan(&lab, &record(&lab, &plans[0])).unwrap(), plans[0]);
    }
}
