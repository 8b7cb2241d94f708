//! `amlab check`, `amlab show` and `amlab schema`: what lab files say, without running them.

use std::path::Path;

use serde_json::{Value, json};

use super::arguments::{CheckArguments, Format, ShowArguments};
use super::exit::Exit;
use super::failure::Failure;
use super::seam::{LabText, Loaded, Workshop};
use super::terminal::{Importance, Paint, Terminal};
use super::time_text::plural;
use super::timing;
use crate::lab::Lab;

/// Reads the text of a lab file.
pub(crate) fn read_lab(path: &Path) -> Result<LabText, Failure> {
    let text = std::fs::read_to_string(path).map_err(|reason| Failure::Usage {
        code: "lab::unreadable",
        message: format!(
            "cannot read {}: {reason}; name a lab file, as in amlab run labs/pair.toml",
            path.display()
        ),
    })?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok(LabText {
        name: path.display().to_string(),
        text,
        folder: parent.unwrap_or(Path::new(".")).into(),
    })
}

/// Reads a lab file and what `--set` says, for a command that goes on only if all is well. Warnings are printed.
pub(crate) fn load(
    workshop: &dyn Workshop,
    text: &LabText,
    overrides: &[String],
    terminal: &mut Terminal,
) -> Result<Lab, Failure> {
    let loaded = workshop.load(text, overrides).map_err(|mut refusal| {
        refusal.text = format!(
            "{}\n{}",
            refusal.text.trim_end(),
            verdict_line(refusal.count, &text.name)
        );
        Failure::Lab(refusal)
    })?;
    for warning in &loaded.warnings {
        terminal.warn(warning);
    }
    Ok(loaded.lab)
}

/// `amlab check`: every file is checked, whatever the one before was.
pub(crate) fn check(workshop: &dyn Workshop, arguments: &CheckArguments, terminal: &mut Terminal) -> Exit {
    let mut files = Vec::new();
    let mut exit = Exit::Good;
    for path in &arguments.lab {
        let (report, is_good) = check_one(workshop, path, &arguments.set, terminal);
        files.push(report);
        if !is_good {
            exit = Exit::BadInput;
        }
    }
    match terminal.format() {
        Format::Human => {}
        Format::Json => terminal.result(&format!("{:#}\n", json!({ "files": files }))),
        Format::Csv => terminal.result(&check_table(&files)),
    }
    exit
}

fn check_one(workshop: &dyn Workshop, path: &Path, set: &[String], terminal: &mut Terminal) -> (Value, bool) {
    let name = path.display().to_string();
    let outcome = match read_lab(path) {
        Ok(text) => workshop
            .load(&text, set)
            .map_err(|refusal| (refusal.text, refusal.count, refusal.json)),
        Err(failure) => {
            let error = json!({ "code": "lab::unreadable", "message": failure.to_string() });
            Err((failure.to_string(), 1, vec![error]))
        }
    };
    match outcome {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                terminal.warn(warning);
            }
            let good = terminal.painted(Paint::Good, "ok");
            terminal.line(Importance::Result, &format!("{good}: {}", in_short(&loaded.lab)));
            (good_report(&name, &loaded), true)
        }
        Err((text, count, errors)) => {
            if terminal.format() == Format::Human {
                terminal.complain(&format!("{}\n{}", text.trim_end(), verdict_line(count, &name)));
            }
            (
                json!({ "file": name, "ok": false, "errors": errors, "warnings": [] }),
                false,
            )
        }
    }
}

fn good_report(name: &str, loaded: &Loaded) -> Value {
    json!({
        "file": name,
        "ok": true,
        "errors": [],
        "warnings": loaded.warnings,
        "lab": loaded.lab.name,
        "machines": loaded.lab.machines.len(),
        "segments": loaded.lab.segments.len(),
        "expectations": loaded.lab.expectations.len(),
        "placeholder_timing_constants": timing::placeholders(&loaded.lab),
    })
}

fn check_table(files: &[Value]) -> String {
    let mut table = String::from("file,ok,errors,warnings\n");
    for file in files {
        let count = |key: &str| file[key].as_array().map_or(0, Vec::len);
        let name = csv_field(file["file"].as_str().unwrap_or_default());
        table += &format!(
            "{name},{},{},{}\n",
            file["ok"],
            count("errors"),
            count("warnings")
        );
    }
    table
}

fn verdict_line(count: usize, name: &str) -> String {
    format!("amlab: {} in {name}; nothing was run", plural(count, "error"))
}

fn in_short(lab: &Lab) -> String {
    [
        lab.name.clone() + ":",
        plural(lab.machines.len(), "machine") + ",",
        plural(lab.segments.len(), "segment") + ",",
        plural(lab.expectations.len(), "expectation"),
    ]
    .join(" ")
}

/// `amlab show`.
pub(crate) fn show(
    workshop: &dyn Workshop,
    arguments: &ShowArguments,
    terminal: &mut Terminal,
) -> Result<Exit, Failure> {
    let text = read_lab(&arguments.lab)?;
    let lab = load(workshop, &text, &arguments.set, terminal)?;
    let shown = match (arguments.timing, terminal.format()) {
        (true, Format::Human) => workshop.show_timing(&lab),
        (true, Format::Json) => format!("{:#}\n", json!({ "lab": lab.name, "timing": timing::rows(&lab) })),
        (true, Format::Csv) => timing_table(&lab),
        (false, Format::Json) => format!("{:#}\n", resolved(&lab, &workshop.show(&lab))),
        (false, Format::Human) => workshop.show(&lab),
        (false, Format::Csv) => {
            return Err(Failure::Usage {
                code: "show::format",
                message: "a lab is no table; use --format json, or --timing with --format csv".into(),
            });
        }
    };
    terminal.result(&format!("{}\n", shown.trim_end()));
    Ok(Exit::Good)
}

/// The resolved lab as JSON: what `show` prints is TOML, and TOML is JSON with another face.
fn resolved(lab: &Lab, shown: &str) -> Value {
    let value = toml::from_str::<Value>(shown).unwrap_or_else(|_| Value::from(shown));
    json!({ "lab": lab.name, "resolved": value })
}

fn timing_table(lab: &Lab) -> String {
    let mut table = String::from("machine,constant,value,source,note\n");
    for row in timing::rows(lab) {
        let (machine, note) = (csv_field(row.machine), csv_field(row.note));
        table += &format!("{machine},{},{},{},{note}\n", row.constant, row.value, row.source);
    }
    table
}

/// A field of a CSV table (RFC 4180).
pub(crate) fn csv_field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// `amlab schema`.
pub(crate) fn schema(workshop: &dyn Workshop, terminal: &mut Terminal) -> Exit {
    terminal.result(&format!("{}\n", workshop.schema().trim_end()));
    Exit::Good
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, call};
    use super::*;

    #[test]
    fn check_looks_at_every_file_and_gives_2_if_one_is_bad() {
        let bench = Bench::new();
        let (good, bad) = (bench.file("good.toml", "good"), bench.file("bad.toml", "bad"));
        let (exit, out, err) = call(&bench, &["check", &bad, &good]);
        assert_eq!(exit, Exit::BadInput);
        assert_eq!(out, "ok: sample: 2 machines, 1 segment, 2 expectations\n");
        assert!(err.contains("bad.toml; nothing was run"), "{err}");
    }

    #[test]
    fn check_reports_every_file_as_json() {
        let bench = Bench::new();
        let (good, bad) = (bench.file("good.toml", "good"), bench.file("bad.toml", "bad"));
        let (_, out, _) = call(&bench, &["check", "--format", "json", &good, &bad]);
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["files"][0]["ok"], true);
        assert_eq!(report["files"][0]["machines"], 2);
        assert_eq!(report["files"][1]["errors"][0]["code"], "lab::test");
    }

    #[test]
    fn a_lab_file_that_is_not_there_gives_2_and_says_what_to_do() {
        let (exit, _, err) = call(&Bench::new(), &["show", "nowhere/lab.toml"]);
        assert_eq!(exit, Exit::BadInput);
        assert!(
            err.starts_with("amlab: lab::unreadable: cannot read nowhere/lab.toml"),
            "{err}"
        );
    }

    #[test]
    fn the_timing_table_quotes_notes_with_commas() {
        let bench = Bench::new();
        let lab = bench.file("good.toml", "good");
        let (_, out, _) = call(&bench, &["show", "--timing", "--format", "csv", &lab]);
        assert_eq!(out.lines().next(), Some("machine,constant,value,source,note"));
        assert!(
            out.contains("pc0,dram_read_wait,1,placeholder,\"board manual, not found\""),
            "{out}"
        );
    }

    #[test]
    fn a_lab_is_shown_to_programs_as_json() {
        let bench = Bench::new();
        let lab = bench.file("good.toml", "good");
        let (_, out, _) = call(&bench, &["show", "--format", "json", &lab]);
        let shown: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(shown["resolved"]["lab"]["name"], "sample");
    }
}
