//! What was published about process migration, from `published/migration.toml`.

use serde::Deserialize;

use super::series::{Mechanism, Workload};
use crate::command::bench::limits::{self, Figure};

/// The file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Published {
    /// The paper.
    pub(super) citation: String,
    /// On what it was measured.
    pub(super) machines: String,
    /// The line of the kernel-level mechanism with an idle source.
    pub(super) line: Line,
    above: Above,
    figure: Vec<Figure>,
}

/// A straight line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// Milliseconds of a process without memory.
    pub(super) offset_ms: f64,
    /// Milliseconds for each Kbyte.
    pub(super) slope_ms_per_kbyte: f64,
    #[serde(rename = "where")]
    #[expect(dead_code, reason = "for readers of the file")]
    place: String,
}

/// How far the other series lie above the line, in milliseconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Above {
    kernel_compute_ms: f64,
    kernel_rpc_ms: f64,
    user_idle_ms: f64,
    user_compute_ms: f64,
    user_rpc_ms: f64,
    #[serde(rename = "where")]
    #[expect(dead_code, reason = "for readers of the file")]
    place: String,
}

impl Published {
    /// What the program carries.
    pub(super) fn load() -> Self {
        let text = include_str!("../../../../published/migration.toml");
        toml::from_str(text).expect("the file of published figures")
    }

    /// The published line of a series, at a size in Kbytes: milliseconds.
    pub(super) fn time(&self, workload: Workload, mechanism: Mechanism, kbytes: f64) -> f64 {
        let above = match (mechanism, workload) {
            (Mechanism::Kernel, Workload::Idle) => 0.0,
            (Mechanism::Kernel, Workload::Compute) => self.above.kernel_compute_ms,
            (Mechanism::Kernel, Workload::Rpc) => self.above.kernel_rpc_ms,
            (Mechanism::User, Workload::Idle) => self.above.user_idle_ms,
            (Mechanism::User, Workload::Compute) => self.above.user_compute_ms,
            (Mechanism::User, Workload::Rpc) => self.above.user_rpc_ms,
        };
        self.line.offset_ms + self.line.slope_ms_per_kbyte * kbytes + above
    }

    /// All figures.
    pub(super) fn figures(&self) -> &[Figure] {
        &self.figure
    }
}

/// What a measurement must be, for `--help`.
pub(crate) fn tolerances() -> String {
    limits::tolerances(Published::load().figures())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_lie_about_what_was_published() {
        let published = Published::load();
        for figure in published.figures() {
            assert_eq!(figure.low.is_some(), figure.high.is_some(), "{figure:?}");
            assert!(!figure.place.is_empty(), "{figure:?}");
            if let (Some(low), Some(value), Some(high)) = (figure.low, figure.value, figure.high) {
                assert!((low..=high).contains(&value), "{figure:?}");
            }
        }
    }

    #[test]
    fn the_line_gives_the_papers_own_examples() {
        let published = Published::load();
        let time = |workload, mechanism, kbytes| published.time(workload, mechanism, kbytes);
        // "For 100 Kbyte processes: Amoeba 430 ms".
        let hundred = time(Workload::Idle, Mechanism::Kernel, 100.0);
        assert!((425.0..435.0).contains(&hundred), "{hundred}");
        let above = time(Workload::Compute, Mechanism::User, 100.0) - hundred;
        assert!((above - 1500.0).abs() < 1e-9, "{above}");
    }

    #[test]
    fn help_names_every_limit() {
        let text = tolerances();
        assert!(
            text.contains("slope, kernel level, idle source: 3.42 to 4.18 ms/Kbyte"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 7, "{text}");
    }
}
