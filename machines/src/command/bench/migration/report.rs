//! What was measured, as tables for people and as CSV and JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::fit::Fit;
use super::published::Published;
use super::series::{Mean, Measurement, Series, find};
use crate::command::bench::limits::{self, Check, are_good};

/// By what time is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// The clock of the machine that asks for migrations.
    Guest,
    /// Virtual time, exact.
    Lab,
}

/// All series of one setup.
#[derive(Clone, Debug, Default)]
pub(super) struct Results {
    /// `default`, or what is other than in the paper.
    pub(super) name: String,
    /// The series.
    pub(super) series: Vec<Series>,
}

/// All that was measured.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// What was published.
    pub(super) published: Published,
    /// The seed of all phases.
    pub(super) seed: u64,
    /// Series of the lab of the paper, and of labs with something else.
    pub(super) results: Vec<Results>,
    /// Published figures and measurements.
    pub(super) checks: Vec<Check>,
}

impl Report {
    /// The series of the lab of the paper.
    pub(super) fn default_series(&self) -> &[Series] {
        self.results.first().map_or(&[], |results| &results.series)
    }

    /// Everything for people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for series in self.default_series() {
            self.add_series(&mut text, series);
        }
        text += &self.fits(&[Clock::Guest, Clock::Lab]);
        text += "\n";
        text += &self.comparison();
        text
    }

    /// A line for each size: the lab of the paper, what was published, and beside it the other labs by the guest's clock.
    fn add_series(&self, text: &mut String, series: &Series) {
        let (workload, mechanism) = (series.workload, series.mechanism);
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "{} source, {} level\n{:>8} {:>10} {:>7} {:>11} {:>8} {:>10} {:>7}",
            workload.word(),
            mechanism.word(),
            "Kbytes",
            "guest ms",
            "sd",
            "lab ms",
            "sd",
            "published",
            "ratio"
        );
        let others = self.results.get(1..).unwrap_or_default();
        let others: Vec<(&str, Vec<Mean>)> = others
            .iter()
            .filter_map(|results| {
                let series = find(&results.series, workload, mechanism)?;
                Some((&*results.name, series.means()))
            })
            .collect();
        for (name, _) in &others {
            let _ = write!(text, " {name:>10}");
        }
        text.push('\n');
        for mean in series.means() {
            let published = self.published.time(workload, mechanism, f64::from(mean.kbytes));
            let _ = write!(
                text,
                "{:>8} {:>10.1} {:>7.1} {:>11.3} {:>8.3} {published:>10.1} {:>7.3}",
                mean.kbytes,
                mean.guest.0,
                mean.guest.1,
                mean.lab.0,
                mean.lab.1,
                mean.guest.0 / published
            );
            for (_, means) in &others {
                let other = means.iter().find(|other| other.kbytes == mean.kbytes);
                let other = other.map_or("-".into(), |other| format!("{:.1}", other.guest.0));
                let _ = write!(text, " {other:>10}");
            }
            text.push('\n');
        }
        text.push('\n');
    }

    /// The lines through all series, by these clocks.
    pub(super) fn fits(&self, clocks: &[Clock]) -> String {
        let mut text = format!(
            "{:<12} {:<8} {:<7} {:<6} {:>9} {:>7}   {:>9} {:>7}   {:>8} {:>7} {:>7}   T = a + b m, 95 % confidence\n",
            "lab", "source", "level", "clock", "a ms", "±", "b ms/KB", "±", "r2", "sd ms", "worst"
        );
        for results in &self.results {
            for series in &results.series {
                for clock in clocks {
                    let (clock, fit) = match clock {
                        Clock::Guest => ("guest", series.guest_fit()),
                        Clock::Lab => ("lab", series.lab_fit()),
                    };
                    let Some(fit) = fit else { continue };
                    // Writing to a text cannot fail.
                    let _ = writeln!(
                        text,
                        "{:<12} {:<8} {:<7} {clock:<6} {:>9.1} {:>7.1}   {:>9.3} {:>7.3}   {:>8.6} {:>7.1} {:>7.1}",
                        results.name,
                        series.workload.word(),
                        series.mechanism.word(),
                        fit.offset,
                        fit.offset_error,
                        fit.slope,
                        fit.slope_error,
                        fit.r2,
                        fit.deviation,
                        fit.worst
                    );
                }
            }
        }
        let line = &self.published.line;
        let _ = writeln!(
            text,
            "{:<12} {:<8} {:<7} {:<6} {:>9.1} {:>7}   {:>9.3}",
            "published", "idle", "kernel", "guest", line.offset_ms, "", line.slope_ms_per_kbyte
        );
        text
    }

    /// A line for each published figure.
    pub(super) fn comparison(&self) -> String {
        let mut text = limits::comparison(&self.checks);
        let Published {
            citation, machines, ..
        } = &self.published;
        // Writing to a text cannot fail.
        let _ = writeln!(text, "published: {citation}; {machines}");
        text
    }

    /// A line for each migration.
    pub(super) fn csv(&self) -> String {
        let mut text = String::from(
            "bench,lab,workload,mechanism,size_bytes,repeat,guest_ms,lab_ns,frames,collisions,published_ms,ratio\n",
        );
        for results in &self.results {
            for series in &results.series {
                for point in &series.points {
                    let published = self.time(series, point);
                    // Writing to a text cannot fail.
                    let _ = writeln!(
                        text,
                        "migration,{},{},{},{},{},{},{},{},{},{published:.1},{:.4}",
                        results.name,
                        series.workload.word(),
                        series.mechanism.word(),
                        u64::from(point.kbytes) * 1024,
                        point.repetition,
                        point.guest,
                        point.lab.nanoseconds(),
                        point.frames,
                        point.collisions,
                        f64::from(point.guest) / published
                    );
                }
            }
        }
        text
    }

    fn time(&self, series: &Series, point: &Measurement) -> f64 {
        self.published
            .time(series.workload, series.mechanism, f64::from(point.kbytes))
    }

    /// Everything for programs.
    pub(super) fn json(&self) -> Value {
        let series = self.results.iter().flat_map(|results| {
            let with_name = |series| self.series_json(&results.name, series);
            results.series.iter().map(with_name)
        });
        let checks: Vec<Value> = self.checks.iter().map(Check::json).collect();
        json!({
            "bench": "migration",
            "seed": self.seed,
            "series": series.collect::<Vec<Value>>(),
            "checks": checks,
            "is_good": are_good(&self.checks),
            "published": {
                "citation": self.published.citation,
                "machines": self.published.machines,
                "offset_ms": self.published.line.offset_ms,
                "slope_ms_per_kbyte": self.published.line.slope_ms_per_kbyte,
            },
        })
    }

    fn series_json(&self, name: &str, series: &Series) -> Value {
        let fit = series.guest_fit();
        let points: Vec<Value> = series
            .points
            .iter()
            .map(|point| {
                let guest = f64::from(point.guest);
                json!({
                    "kbytes": point.kbytes,
                    "repetition": point.repetition,
                    "guest_ms": point.guest,
                    "lab_ms": point.lab_milliseconds(),
                    "frames": point.frames,
                    "collisions": point.collisions,
                    "published_ms": self.time(series, point),
                    "residual_ms": fit.map(|fit| guest - fit.at(f64::from(point.kbytes))),
                })
            })
            .collect();
        json!({
            "lab": name,
            "workload": series.workload.word(),
            "mechanism": series.mechanism.word(),
            "fit": fit.as_ref().map(fit_json),
            "fit_lab": series.lab_fit().as_ref().map(fit_json),
            "points": points,
        })
    }
}

/// What the lab of the paper is called.
pub(super) const DEFAULT: &str = "default";

fn fit_json(fit: &Fit) -> Value {
    json!({
        "slope_ms_per_kbyte": fit.slope,
        "slope_error": fit.slope_error,
        "offset_ms": fit.offset,
        "offset_error": fit.offset_error,
        "r2": fit.r2,
        "residual_sd_ms": fit.deviation,
        "largest_residual_ms": fit.worst,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::checks::{Context, compare, tests::as_published};
    use super::*;

    /// A report on series that were made up.
    pub(in crate::command::bench::migration) fn report(above: u32) -> Report {
        let published = Published::load();
        let context = Context {
            null_per_second: Some(612.5),
            throughput: Some(268.0),
        };
        let series = as_published(above);
        Report {
            checks: compare(&published, &series, &context),
            published,
            seed: 1995,
            results: vec![Results {
                name: DEFAULT.into(),
                series,
            }],
        }
    }

    #[test]
    fn tables_read_as_agreed() {
        insta::assert_snapshot!("migration-text", report(20).text());
    }

    #[test]
    fn another_lab_stands_beside_the_default() {
        let mut report = report(300);
        report.results.push(Results {
            name: "ne2000".into(),
            series: as_published(300)[..1].to_vec(),
        });
        let text = report.text();
        let head = text.lines().nth(1).unwrap();
        assert!(head.ends_with("published   ratio     ne2000"), "{head}");
        let row = text.lines().nth(2).unwrap();
        assert!(row.ends_with("168.6   1.038      175.0"), "{row}");
        // What was not measured there is left out.
        assert_eq!(text.matches("     ne2000\n").count(), 1, "{text}");
        assert_eq!(report.csv().matches("migration,ne2000,idle,kernel").count(), 6);
    }

    #[test]
    fn a_migration_is_a_line_of_the_csv() {
        let csv = report(300).csv();
        assert_eq!(csv.lines().count(), 1 + 6 * 6);
        assert_eq!(
            csv.lines().nth(1),
            Some("migration,default,idle,kernel,32768,1,170,167000000,32,0,168.6,1.0083")
        );
    }

    #[test]
    fn json_has_the_fields_that_programs_read() {
        let json = report(300).json();
        let series = json["series"].as_array().unwrap();
        assert_eq!(series.len(), 6);
        assert_eq!(series[3]["workload"], "compute");
        assert_eq!(series[3]["mechanism"], "user");
        let slope = series[0]["fit"]["slope_ms_per_kbyte"].as_f64().unwrap();
        assert!((slope - 3.8).abs() < 0.01, "{slope}");
        assert!(series[0]["fit"]["offset_ms"].is_f64() && series[0]["fit"]["r2"].is_f64());
        let points = series[0]["points"].as_array().unwrap();
        assert_eq!(points.len(), 6);
        assert_eq!(points[2]["kbytes"], 2048);
        assert_eq!(points[2]["guest_ms"], 7830);
        assert!(points[2]["residual_ms"].as_f64().unwrap().abs() < 20.0);
        assert_eq!(json["is_good"], true);
        assert_eq!(json["checks"][0]["verdict"], "within");
        assert_eq!(report(20).json()["is_good"], false);
    }
}
