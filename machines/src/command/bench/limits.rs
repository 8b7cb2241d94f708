//! Published figures with limits, and whether measurements lie within them.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Value, json};

/// One published figure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Figure {
    /// Names it.
    pub(super) name: String,
    /// What it is.
    pub(super) about: String,
    /// Its unit.
    pub(super) unit: String,
    /// It, unless only words were published.
    pub(super) value: Option<f64>,
    /// The least that a measurement may be.
    pub(super) low: Option<f64>,
    /// The most that it may be.
    pub(super) high: Option<f64>,
    /// Where it stands.
    #[serde(rename = "where")]
    pub(super) place: String,
}

impl Figure {
    /// The limits in words, if there are any.
    fn limits(&self) -> Option<String> {
        match (self.low, self.high) {
            (Some(low), Some(high)) => Some(format!("{low} to {high}")),
            (Some(low), None) => Some(format!("{low} or more")),
            (None, Some(high)) => Some(format!("{high} or less")),
            (None, None) => None,
        }
    }
}

/// Where a measurement lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// Where it should.
    Within,
    /// So much below the least that it may be.
    Below(f64),
    /// So much above the most that it may be.
    Above(f64),
    /// There is no limit.
    Told,
    /// It was not measured.
    Missing,
}

impl Verdict {
    fn of(figure: &Figure, value: Option<f64>) -> Self {
        match (value, figure.low, figure.high) {
            (None, ..) => Self::Missing,
            (Some(value), Some(low), _) if value < low => Self::Below(low - value),
            (Some(value), _, Some(high)) if value > high => Self::Above(value - high),
            (Some(_), None, None) => Self::Told,
            (Some(_), ..) => Self::Within,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Within => "within".into(),
            Self::Below(by) => format!("OUT: {by:.2} too low"),
            Self::Above(by) => format!("OUT: {by:.2} too high"),
            Self::Told | Self::Missing => String::new(),
        }
    }

    /// In JSON.
    const fn word(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Below(_) => "below",
            Self::Above(_) => "above",
            Self::Told => "told",
            Self::Missing => "missing",
        }
    }
}

/// A published figure and what was measured.
#[derive(Clone, Debug)]
pub(super) struct Check {
    /// What was published.
    pub(super) figure: Figure,
    /// What was measured.
    pub(super) value: Option<f64>,
    /// What to know of the measurement.
    pub(super) note: String,
    /// Where it lies.
    pub(super) verdict: Verdict,
}

impl Check {
    /// Compares a figure with a measurement, of which there may be something to know.
    pub(super) fn of(figure: &Figure, measured: Option<(f64, String)>) -> Self {
        let (value, note) = match measured {
            Some((value, note)) => (Some(value), note),
            None => (None, String::new()),
        };
        Self {
            verdict: Verdict::of(figure, value),
            figure: figure.clone(),
            value,
            note,
        }
    }

    /// Whether it lies where it should, as far as it was measured and there is a limit.
    pub(super) fn is_good(&self) -> bool {
        !matches!(self.verdict, Verdict::Below(_) | Verdict::Above(_))
    }

    /// Everything for programs.
    pub(super) fn json(&self) -> Value {
        let figure = &self.figure;
        json!({
            "name": figure.name,
            "about": figure.about,
            "unit": figure.unit,
            "value": self.value,
            "published": figure.value,
            "low": figure.low,
            "high": figure.high,
            "verdict": self.verdict.word(),
            "note": self.note,
            "where": figure.place,
        })
    }
}

/// Whether all lie where they should.
pub(super) fn are_good(checks: &[Check]) -> bool {
    checks.iter().all(Check::is_good)
}

/// A line for each figure that was measured.
pub(super) fn comparison(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let (figure, Some(value)) = (&check.figure, check.value) else {
            continue;
        };
        let limits = figure.limits().unwrap_or_else(|| "no limit".into());
        let published = figure.value.map_or("-".into(), |value| value.to_string());
        let line = format!(
            "{:<62} {value:>9.2} {:<9} published {published:>6}, {limits:<12} {}   {}",
            figure.about,
            figure.unit,
            check.verdict.words(),
            check.note
        );
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// What measurements must be, for `--help`.
pub(super) fn tolerances(figures: &[Figure]) -> String {
    let mut text = String::from("Exit code 1 if a measurement lies outside:\n");
    for figure in figures {
        if let Some(limits) = figure.limits() {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "  {}: {limits} {}", figure.about, figure.unit);
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(low: Option<f64>, high: Option<f64>) -> Figure {
        Figure {
            name: "rate".into(),
            about: "rate of reads".into(),
            unit: "%".into(),
            value: None,
            low,
            high,
            place: "section 1".into(),
        }
    }

    #[test]
    fn one_limit_is_enough_and_both_ends_belong_to_it() {
        let verdict = |low, high, value| Check::of(&figure(low, high), Some((value, String::new()))).verdict;
        assert_eq!(verdict(Some(95.0), None, 95.0), Verdict::Within);
        assert_eq!(verdict(Some(95.0), None, 94.5), Verdict::Below(0.5));
        assert_eq!(verdict(None, Some(95.0), 96.0), Verdict::Above(1.0));
        assert_eq!(verdict(None, None, 96.0), Verdict::Told);
        assert_eq!(
            Check::of(&figure(Some(95.0), None), None).verdict,
            Verdict::Missing
        );
    }

    #[test]
    fn help_names_limits_of_every_kind_and_no_figure_without() {
        let figures = [
            figure(Some(95.0), None),
            figure(None, Some(5.5)),
            figure(Some(1.0), Some(2.0)),
            figure(None, None),
        ];
        assert_eq!(
            tolerances(&figures),
            "Exit code 1 if a measurement lies outside:\n  rate of reads: 95 or more %\n  rate of reads: 5.5 or less %\n  \
             rate of reads: 1 to 2 %"
        );
    }

    #[test]
    fn a_line_says_by_how_much_a_measurement_is_out() {
        let low = Check::of(&figure(Some(95.0), None), Some((90.0, "of one".into())));
        let missing = Check::of(&figure(Some(95.0), None), None);
        let text = comparison(&[low, missing]);
        assert!(
            text.ends_with("95 or more   OUT: 5.00 too low   of one\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
