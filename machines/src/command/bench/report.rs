//! The rows of a measurement as a table, CSV, JSON and a plot, with the published figures.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Value, json};

/// One measurement.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) card: &'static str,
    /// `remote` or `local`.
    pub(super) place: &'static str,
    pub(super) pairs: usize,
    pub(super) request_bytes: u32,
    pub(super) reply_bytes: u32,
    /// Mean time of a transaction.
    pub(super) milliseconds: f64,
    /// Thousand bytes a second, of all pairs together.
    pub(super) kbytes_per_second: f64,
}

/// All measurements.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
}

/// A figure that somebody has published.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    #[serde(rename = "where")]
    place: String,
    #[serde(default = "one")]
    pairs: usize,
    bytes: u32,
    ms: Option<f64>,
    kbytes_per_s: Option<f64>,
    machine: String,
    citation: String,
}

#[derive(Debug, Deserialize)]
struct Published {
    figure: Vec<Figure>,
}

const fn one() -> usize {
    1
}

/// The published figures.
fn published() -> Vec<Figure> {
    let text = include_str!("../../../published/rpc.toml");
    let published: Published = toml::from_str(text).expect("the file of published figures");
    published.figure
}

impl Figure {
    fn value(&self) -> String {
        match (self.ms, self.kbytes_per_s) {
            (Some(time), _) => format!("{time} ms"),
            (None, Some(rate)) => format!("{rate} Kbytes/s"),
            (None, None) => String::new(),
        }
    }
}

impl Report {
    /// The table for people.
    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "{:<8} {:<7} {:>5} {:>8} {:>8} {:>10} {:>10}\n",
            "card", "where", "pairs", "request", "reply", "ms", "Kbytes/s"
        );
        for row in &self.rows {
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "{:<8} {:<7} {:>5} {:>8} {:>8} {:>10.2} {:>10.1}",
                row.card,
                row.place,
                row.pairs,
                row.request_bytes,
                row.reply_bytes,
                row.milliseconds,
                row.kbytes_per_second
            );
        }
        text += "\npublished (other hardware where it says so; a Kbyte is 1000 bytes)\n";
        for figure in published() {
            let _ = writeln!(
                text,
                "{:<7} {} pairs {:>6} bytes {:>14}  {}; {}",
                figure.place,
                figure.pairs,
                figure.bytes,
                figure.value(),
                figure.machine,
                figure.citation
            );
        }
        text
    }

    /// A line for each row.
    pub(super) fn csv(&self) -> String {
        let mut text = String::from("card,where,pairs,request_bytes,reply_bytes,ms,kbytes_per_s\n");
        for row in &self.rows {
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "{},{},{},{},{},{:.3},{:.3}",
                row.card,
                row.place,
                row.pairs,
                row.request_bytes,
                row.reply_bytes,
                row.milliseconds,
                row.kbytes_per_second
            );
        }
        text
    }

    /// The rows, and the published figures.
    pub(super) fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "card": row.card,
                    "where": row.place,
                    "pairs": row.pairs,
                    "request_bytes": row.request_bytes,
                    "reply_bytes": row.reply_bytes,
                    "ms": row.milliseconds,
                    "kbytes_per_s": row.kbytes_per_second,
                })
            })
            .collect();
        let published: Vec<Value> = published()
            .iter()
            .map(|figure| {
                json!({
                    "where": figure.place,
                    "pairs": figure.pairs,
                    "bytes": figure.bytes,
                    "ms": figure.ms,
                    "kbytes_per_s": figure.kbytes_per_s,
                    "machine": figure.machine,
                    "citation": figure.citation,
                })
            })
            .collect();
        json!({ "rows": rows, "published": published })
    }

    /// A bar for the rate of each remote row that carries data, and lines where published rates are.
    pub(super) fn svg(&self) -> String {
        const WIDTH: f64 = 800.0;
        const LEFT: f64 = 230.0;
        const STEP: f64 = 18.0;
        const TOP: f64 = 40.0;
        let rows: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| row.place == "remote" && row.kbytes_per_second > 0.0)
            .collect();
        let height = TOP + STEP * rows.len() as f64 + 30.0;
        let scale = (WIDTH - LEFT - 70.0) / 1250.0;
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"10\" y=\"20\">Remote procedure \
             calls: Kbytes/s of all pairs together (the cable's own rate is 1250)</text>\n"
        );
        for (place, row) in rows.iter().enumerate() {
            let y = TOP + STEP * place as f64;
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "<text x=\"10\" y=\"{:.1}\">{}, {} pairs, {} bytes</text><rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" \
                 height=\"13\" fill=\"steelblue\"/><text x=\"{:.1}\" y=\"{:.1}\">{:.0}</text>",
                y + 11.0,
                row.card,
                row.pairs,
                row.request_bytes + row.reply_bytes,
                row.kbytes_per_second * scale,
                LEFT + row.kbytes_per_second * scale + 5.0,
                y + 11.0,
                row.kbytes_per_second
            );
        }
        for figure in published() {
            if let Some(rate) = figure.kbytes_per_s {
                let x = LEFT + rate * scale;
                let _ = writeln!(
                    text,
                    "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\" stroke=\"firebrick\" \
                     stroke-dasharray=\"4\"><title>{}: {}</title></line>",
                    height - 20.0,
                    figure.machine,
                    figure.value()
                );
            }
        }
        text + "</svg>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let row = Row {
            card: "3c503",
            place: "remote",
            pairs: 2,
            request_bytes: 30_000,
            reply_bytes: 0,
            milliseconds: 111.5,
            kbytes_per_second: 269.06,
        };
        Report { rows: vec![row] }
    }

    #[test]
    fn a_row_has_the_same_figures_in_every_form() {
        let report = report();
        assert_eq!(
            report.csv().lines().nth(1),
            Some("3c503,remote,2,30000,0,111.500,269.060")
        );
        let row = &report.json()["rows"][0];
        for (field, value) in [
            ("card", json!("3c503")),
            ("where", json!("remote")),
            ("pairs", json!(2)),
            ("request_bytes", json!(30_000)),
            ("reply_bytes", json!(0)),
            ("ms", json!(111.5)),
            ("kbytes_per_s", json!(269.06)),
        ] {
            assert_eq!(row[field], value, "{field}");
        }
        assert!(report.table().contains("111.50      269.1"), "{}", report.table());
        assert!(report.svg().contains(">269</text>"));
    }

    #[test]
    fn every_published_figure_is_a_time_or_a_rate_with_a_citation() {
        for figure in published() {
            assert!(figure.ms.is_some() != figure.kbytes_per_s.is_some(), "{figure:?}");
            assert!(
                !figure.citation.is_empty() && !figure.machine.is_empty(),
                "{figure:?}"
            );
        }
    }
}
