//! What was published about the Bullet server, from `published/files.toml`, and what was measured beside it.

use serde::Deserialize;

use super::series::{Operation, Series};
use crate::command::bench::limits::{self, Check, Figure};

/// Of smaller files the last piece, which is shorter than the others, is a good part of the transactions, so their rate is not compared with
/// that of the longest transactions.
const LEAST_LARGE: u32 = 1 << 18;

/// The file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Published {
    /// The paper.
    pub(super) citation: String,
    /// On what it was measured.
    pub(super) machines: String,
    figure: Vec<Figure>,
}

impl Published {
    /// What the program carries.
    pub(super) fn load() -> Self {
        let text = include_str!("../../../../published/files.toml");
        toml::from_str(text).expect("the file of published figures")
    }

    /// Published cached reads: bytes, and thousand bytes a second.
    pub(super) fn reads(&self) -> Vec<(u32, f64)> {
        let rate = |name: &str, bytes: u32, per_second: f64| {
            let figure = self.figure.iter().find(|figure| figure.name == name)?;
            Some((bytes, f64::from(bytes) / 1000.0 * per_second / figure.value?))
        };
        [rate("4-kbytes", 4096, 1000.0), rate("1-mbyte", 1 << 20, 1.0)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Compares all figures with what was measured with a card.
    pub(super) fn compare(&self, series: &Series) -> Vec<Check> {
        let check = |figure: &Figure| Check::of(figure, measured(&figure.name, series));
        self.figure.iter().map(check).collect()
    }
}

/// The measurement of that name and a note on it, by exact time.
fn measured(name: &str, series: &Series) -> Option<(f64, String)> {
    let cached = |bytes| series.find(bytes, Operation::Cached);
    let largest = || series.sizes().into_iter().max();
    let share = |of: Option<f64>| {
        let bytes = largest().filter(|bytes| *bytes >= LEAST_LARGE)?;
        let (rate, of) = (cached(bytes)?.rate()?, of?);
        let note = format!("{bytes} bytes: {rate:.1} of {of:.1} Kbytes/s");
        Some((100.0 * rate / of, note))
    };
    let plain = |value| Some((value, String::new()));
    match name {
        "cached-of-limit" => share(series.limit()),
        "cached-of-bench-rpc" => share(series.bench_rpc),
        "cached-rate" => {
            let bytes = largest()?;
            Some((cached(bytes)?.rate()?, format!("{bytes} bytes")))
        }
        "4-kbytes" => plain(cached(4096)?.milliseconds()),
        "1-mbyte" => plain(cached(1 << 20)?.milliseconds() / 1000.0),
        _ => None,
    }
}

/// What a measurement must be, for `--help`.
pub(crate) fn tolerances() -> String {
    limits::tolerances(&Published::load().figure)
}

#[cfg(test)]
mod tests {
    use super::super::series::tests::made_up;
    use super::*;
    use crate::command::bench::limits::{Verdict, are_good};

    fn value(checks: &[Check], name: &str) -> f64 {
        let check = checks.iter().find(|check| check.figure.name == name);
        check.and_then(|check| check.value).expect(name)
    }

    #[test]
    fn every_figure_can_be_measured_and_says_where_it_stands() {
        let checks = Published::load().compare(&made_up("3c503", 290));
        for check in &checks {
            assert!(check.value.is_some(), "{check:?}");
            assert!(!check.figure.place.is_empty(), "{check:?}");
        }
        assert!(are_good(&checks), "{checks:?}");
        assert!((value(&checks, "4-kbytes") - 20.0).abs() < 1e-9);
        // 1 Mbyte in 3615 ms.
        assert!((value(&checks, "cached-rate") - 290.06).abs() < 0.01);
        assert!((value(&checks, "1-mbyte") - 3.615).abs() < 1e-9);
        assert!((value(&checks, "cached-of-limit") - 96.69).abs() < 0.01);
    }

    #[test]
    fn reads_below_95_percent_of_transactions_are_out() {
        let checks = Published::load().compare(&made_up("3c503", 284));
        let share = &checks[0];
        assert!(
            matches!(share.verdict, Verdict::Below(by) if by < 0.5),
            "{share:?}"
        );
        // Of those with a slower machine it is enough.
        assert_eq!(checks[1].verdict, Verdict::Within);
    }

    #[test]
    fn small_files_are_not_compared_with_large_transactions() {
        let mut series = made_up("3c503", 290);
        series
            .measurements
            .retain(|measurement| measurement.bytes != 1 << 20);
        let checks = Published::load().compare(&series);
        assert_eq!(checks[0].verdict, Verdict::Missing);
        assert_eq!(checks[2].note, "4096 bytes");
    }

    #[test]
    fn published_reads_are_rates() {
        let reads = Published::load().reads();
        let [(4096, small), (1_048_576, large)] = reads[..] else {
            panic!("{reads:?}");
        };
        assert!(
            (small - 585.14).abs() < 0.01 && (large - 655.36).abs() < 0.01,
            "{reads:?}"
        );
    }

    #[test]
    fn help_names_both_limits() {
        assert_eq!(
            tolerances().matches(": 95 or more %").count(),
            2,
            "{}",
            tolerances()
        );
    }
}
