//! `manifest.json`: what was run, how, and how it ended. Together with `lab.toml` it is enough to repeat the run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{HostError, RunFolder};

/// The manifest of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this file's shape, [`Manifest::FORMAT`].
    pub format: u32,
    /// The version of amlab that ran the lab.
    pub version: String,
    /// The lab.
    pub lab: LabRecord,
    /// Every image, in the order of the lab.
    pub images: Vec<ImageRecord>,
    /// The seed of every random choice.
    pub seed: u64,
    /// Host threads; results do not depend on it.
    pub threads: usize,
    /// The command line as given.
    pub flags: Vec<String>,
    /// The options that came from the environment, as `AMLAB_<OPTION>=<value>`, sorted.
    pub environment: Vec<String>,
    /// The host.
    pub host: HostRecord,
    /// Timing constants whose value is a placeholder.
    pub placeholder_timing_constants: usize,
    /// Every capture, in the order in which it was asked for.
    pub captures: Vec<CaptureRecord>,
    /// How it ended; absent while it runs, and for good if it was killed.
    pub outcome: Option<OutcomeRecord>,
}

/// The lab of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabRecord {
    /// Its name.
    pub name: String,
    /// What was read, as named in messages: a path, or the name of a built-in lab.
    pub source: String,
    /// Relative paths in the lab file start here.
    pub folder: PathBuf,
    /// What `--set` changed, in order.
    pub overrides: Vec<String>,
    /// The lab file as resolved: what `amlab show` prints.
    pub resolved: String,
}

/// An image of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// Its name in the lab file.
    pub name: String,
    /// Its path, `builtin:<name>`, `<disk> of <description>`, or `blank`.
    pub source: String,
    /// Length in bytes.
    pub bytes: u64,
    /// BLAKE3 hash, in hexadecimal.
    pub blake3: String,
}

/// The host of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRecord {
    /// Operating system.
    pub os: String,
    /// Processor architecture.
    pub arch: String,
}

/// A capture of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureRecord {
    /// The segment.
    pub segment: String,
    /// The file, relative to the run folder or absolute.
    pub file: PathBuf,
    /// Which wire events it holds: `collision`, `jam`, `deferral`.
    pub events: Vec<String>,
    /// Length in bytes, once it is finished.
    pub bytes: Option<u64>,
    /// BLAKE3 hash in hexadecimal, once it is finished.
    pub blake3: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// Exit code of amlab.
    pub exit_code: u8,
    /// Why it ended, as in the `end` event.
    pub reason: String,
    /// Virtual time at the end, exactly.
    pub virtual_picoseconds: u64,
    /// Host time that it took, in seconds.
    pub host_seconds: f64,
    /// The trace hash, `b3:` and hexadecimal.
    pub trace: String,
}

impl Manifest {
    /// The version of this file's shape.
    pub const FORMAT: u32 = 1;

    /// Writes `manifest.json`, replacing an earlier one at once.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn write(&self, folder: &RunFolder) -> Result<(), HostError> {
        let mut text = serde_json::to_string_pretty(self).expect("a manifest holds only texts and numbers");
        text.push('\n');
        folder.replace("manifest.json", &text)
    }

    /// Reads `manifest.json`.
    ///
    /// # Errors
    /// If the host refuses or the file is not a manifest of this [`Manifest::FORMAT`].
    pub fn read(folder: &RunFolder) -> Result<Self, HostError> {
        let text = folder.read("manifest.json")?;
        let refused = |reason: String| {
            let reason = std::io::Error::new(std::io::ErrorKind::InvalidData, reason);
            HostError::new("understand", &folder.file("manifest.json"), reason)
        };
        let manifest: Self = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
        if manifest.format != Self::FORMAT {
            return Err(refused(format!(
                "its format is {}, this program reads {}; use amlab {}",
                manifest.format,
                Self::FORMAT,
                manifest.version
            )));
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        Manifest {
            format: Manifest::FORMAT,
            version: "0.1.0".into(),
            lab: LabRecord {
                name: "pair".into(),
                source: "labs/pair.toml".into(),
                folder: "labs".into(),
                overrides: vec!["lab.seed=7".into()],
                resolved: "format = 1".into(),
            },
            images: vec![],
            seed: 7,
            threads: 2,
            flags: vec!["amlab".into(), "run".into()],
            environment: vec!["AMLAB_SEED=7".into()],
            host: HostRecord {
                os: "linux".into(),
                arch: "x86_64".into(),
            },
            placeholder_timing_constants: 2,
            captures: vec![],
            outcome: None,
        }
    }

    #[test]
    fn a_manifest_comes_back_as_it_was_written() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create_at(&parent.path().join("run")).unwrap();
        sample().write(&folder).unwrap();
        assert_eq!(Manifest::read(&folder).unwrap(), sample());
        assert!(!folder.file("manifest.json.part").exists());
    }

    #[test]
    fn a_manifest_of_another_format_is_refused_with_the_version_that_can_read_it() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create_at(&parent.path().join("run")).unwrap();
        let manifest = Manifest {
            format: 9,
            version: "0.9.0".into(),
            ..sample()
        };
        manifest.write(&folder).unwrap();
        let error = Manifest::read(&folder).unwrap_err();
        assert!(error.to_string().ends_with("use amlab 0.9.0"), "{error}");
    }
}
