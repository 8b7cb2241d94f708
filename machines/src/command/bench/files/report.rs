//! What was measured, as tables for people and as CSV and JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::published::Published;
use super::series::{Measurement, Operation, Series};
use crate::command::bench::limits::{Check, are_good, comparison};

/// The columns of tables.
const COLUMNS: [(Operation, &str); 6] = [
    (Operation::Create, "create"),
    (Operation::Commit, "commit"),
    (Operation::Cold, "cold"),
    (Operation::Cached, "cached"),
    (Operation::Delete, "delete"),
    (Operation::Transactions, "RPC"),
];
/// What they mean.
const EXPLANATION: &str = "\
create: committed with safety, on the disk when the server answers; commit: without safety; cold: the first read after the file has gone from
the server's cache; cached: the next one; RPC: as many bytes from a server that does nothing else, in the same pieces; ratio: RPC to cached.
By exact virtual time; Kbytes of 1000 bytes.
";

/// All that was measured with a card.
#[derive(Clone, Debug)]
pub(super) struct Results {
    series: Series,
    checks: Vec<Check>,
}

/// All that was measured.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// What was published.
    pub(super) published: Published,
    results: Vec<Results>,
}

impl Report {
    /// Of measurements with each card.
    pub(super) fn new(series: Vec<Series>) -> Self {
        let published = Published::load();
        let results = |series: Series| Results {
            checks: published.compare(&series),
            series,
        };
        Self {
            results: series.into_iter().map(results).collect(),
            published,
        }
    }

    /// By card.
    pub(super) fn series(&self) -> impl Iterator<Item = &Series> {
        self.results.iter().map(|results| &results.series)
    }

    /// Whether all lies where it should.
    pub(super) fn is_good(&self) -> bool {
        self.results.iter().all(|results| are_good(&results.checks))
    }

    /// Everything for people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for Results { series, checks } in &self.results {
            add_table(&mut text, series);
            text += &comparison(checks);
            text.push('\n');
        }
        let Published {
            citation, machines, ..
        } = &self.published;
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{EXPLANATION}published: {citation}; {machines}");
        text
    }

    /// A line for each measurement.
    pub(super) fn csv(&self) -> String {
        let mut text =
            String::from("bench,card,size_bytes,operation,files,guest_ms,lab_ns,ms_per_file,kbytes_per_s\n");
        for series in self.series() {
            for measurement in &series.measurements {
                let rate = measurement.rate().map(|rate| format!("{rate:.3}"));
                // Writing to a text cannot fail.
                let _ = writeln!(
                    text,
                    "files,{},{},{},{},{},{},{:.4},{}",
                    series.card,
                    measurement.bytes,
                    measurement.operation.word(),
                    measurement.count,
                    measurement.guest,
                    measurement.lab.nanoseconds(),
                    measurement.milliseconds(),
                    rate.unwrap_or_default()
                );
            }
        }
        text
    }

    /// Everything for programs.
    pub(super) fn json(&self) -> Value {
        let rows = self.series().flat_map(|series| {
            let sizes = series.sizes().into_iter();
            sizes.map(|bytes| row_json(series, bytes))
        });
        let limits = self.series().map(|series| {
            json!({
                "card": series.card,
                "kbytes_per_s": series.limit(),
                "bench_rpc_kbytes_per_s": series.bench_rpc,
            })
        });
        let checks = self.results.iter().flat_map(|Results { series, checks }| {
            checks.iter().map(|check| {
                let mut json = check.json();
                json["card"] = json!(series.card);
                json
            })
        });
        json!({
            "bench": "files",
            "rows": rows.collect::<Vec<Value>>(),
            "limits": limits.collect::<Vec<Value>>(),
            "checks": checks.collect::<Vec<Value>>(),
            "is_good": self.is_good(),
            "published": {
                "citation": self.published.citation,
                "machines": self.published.machines,
            },
        })
    }
}

/// By how much reading a file from the cache is as fast as the same transactions.
fn ratio(series: &Series, bytes: u32) -> Option<f64> {
    let time = |operation| series.find(bytes, operation).map(Measurement::milliseconds);
    Some(time(Operation::Transactions)? / time(Operation::Cached)?)
}

/// Milliseconds and rates by size.
fn add_table(text: &mut String, series: &Series) {
    // Writing to a text cannot fail.
    let _ = write!(
        text,
        "{}: a 386/40 asks the Bullet server of a 386/33 with an ST3120A\n{:>8} {:>5}",
        series.card, "bytes", "files"
    );
    for (_, name) in COLUMNS {
        let _ = write!(text, " {name:>9}");
    }
    text.push_str("     ratio   ms for a file\n");
    for bytes in series.sizes() {
        let count = series.find(bytes, Operation::Create);
        let _ = write!(
            text,
            "{bytes:>8} {:>5}",
            count.map_or(0, |measurement| measurement.count)
        );
        for (operation, _) in COLUMNS {
            add_cell(
                text,
                series.find(bytes, operation).map(Measurement::milliseconds),
                2,
            );
        }
        add_cell(text, ratio(series, bytes), 3);
        text.push('\n');
    }
    let _ = write!(text, "{:>14}", "");
    for (_, name) in COLUMNS {
        let _ = write!(text, " {name:>9}");
    }
    text.push_str("             Kbytes/s\n");
    for bytes in series.sizes() {
        let _ = write!(text, "{bytes:>8} {:>5}", "");
        for (operation, _) in COLUMNS {
            let rate = series.find(bytes, operation).and_then(Measurement::rate);
            add_cell(text, rate, 1);
        }
        text.push('\n');
    }
    if let Some(last) = series.measurements.last() {
        let rate = last.rate().unwrap_or_default();
        let _ = writeln!(
            text,
            "transactions of {} bytes: {:.2} ms, {rate:.1} Kbytes/s",
            last.bytes,
            last.milliseconds()
        );
    }
}

fn add_cell(text: &mut String, value: Option<f64>, digits: usize) {
    // Writing to a text cannot fail.
    let _ = match value {
        Some(value) => write!(text, " {value:>9.digits$}"),
        None => write!(text, " {:>9}", "-"),
    };
}

fn row_json(series: &Series, bytes: u32) -> Value {
    let mut row = json!({
        "card": series.card,
        "bytes": bytes,
        "cached_of_transactions": ratio(series, bytes),
    });
    for operation in Operation::ALL {
        let Some(measurement) = series.find(bytes, operation) else {
            continue;
        };
        let word = operation.word();
        row["files"] = json!(measurement.count);
        row[format!("{word}_ms")] = json!(measurement.milliseconds());
        row[format!("{word}_guest_ms")] = json!(f64::from(measurement.guest) / f64::from(measurement.count));
        if let Some(rate) = measurement.rate() {
            row[format!("{word}_kbytes_per_s")] = json!(rate);
        }
    }
    row
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::series::tests::made_up;
    use super::*;

    /// Two cards, of which the second is read at so many Kbytes a second.
    pub(in crate::command::bench::files) fn report(rate: u64) -> Report {
        Report::new(vec![made_up("3c503", 290), made_up("ne2000", rate)])
    }

    #[test]
    fn tables_read_as_agreed() {
        insta::assert_snapshot!("files-text", report(200).text());
    }

    #[test]
    fn a_measurement_is_a_line_of_the_csv() {
        let csv = report(290).csv();
        assert_eq!(csv.lines().count(), 1 + 2 * 13);
        assert_eq!(
            csv.lines().nth(2),
            Some("files,3c503,4096,cold,2,80,80000000,40.0000,102.400")
        );
        assert_eq!(
            csv.lines().nth(4),
            Some("files,3c503,4096,delete,2,20,20000000,10.0000,")
        );
    }

    #[test]
    fn json_has_a_row_for_every_card_and_size() {
        let json = report(290).json();
        let rows = json["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 4);
        assert_eq!(
            (&rows[2]["card"], &rows[2]["bytes"]),
            (&json!("ne2000"), &json!(4096))
        );
        assert_eq!(rows[0]["files"], 2);
        assert_eq!(rows[0]["cached_ms"], 20.0);
        assert_eq!(rows[0]["cached_guest_ms"], 20.0);
        assert_eq!(rows[0]["cached_kbytes_per_s"], 204.8);
        assert_eq!(rows[0]["cached_of_transactions"], 0.8);
        assert!(rows[0]["delete_kbytes_per_s"].is_null());
        assert_eq!(json["limits"][1]["kbytes_per_s"], 300.0);
        assert_eq!(json["is_good"], true);
        let bad = report(200).json();
        assert_eq!(bad["is_good"], false);
        let verdicts: Vec<&Value> = bad["checks"].as_array().unwrap().iter().collect();
        assert_eq!(verdicts[0]["verdict"], "within");
        let of_ne2000 = verdicts.iter().find(|check| check["card"] == "ne2000").unwrap();
        assert_eq!(
            (&of_ne2000["name"], &of_ne2000["verdict"]),
            (&json!("cached-of-limit"), &json!("below"))
        );
    }
}
