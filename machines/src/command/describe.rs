//! `amlab check`, `amlab show` and `amlab schema`: what lab files say, without running them.

use std::path::Path;

use serde_json::{Value, json};

use super::arguments::{CheckArguments, Format, ShowArguments};
use super::exit::Exit;
use super::failure::Failure;
use super::terminal::{Importance, Paint, Terminal};
use super::time_text::plural;
use super::timing;
use crate::lab::{self, Lab, LabErrors, LabSource, Loaded, Override};

/// What `--set` says.
pub(crate) fn overrides(set: &[String]) -> Result<Vec<Override>, Failure> {
    let parse = |setting: &String| {
        Override::parse(setting).map_err(|error| Failure::Usage {
            code: "set::syntax",
            message: format!("--set: {error}"),
        })
    };
    set.iter().map(parse).collect()
}

/// Reads a lab file and what `--set` says, for a command that goes on only if all is well. Warnings are printed.
pub(crate) fn load(source: LabSource, set: &[String], terminal: &mut Terminal) -> Result<Loaded, Failure> {
    let name = source_name(&source);
    let loaded = lab::load(source, &overrides(set)?).map_err(|errors| Failure::Lab { name, errors })?;
    warn(&loaded, terminal);
    Ok(loaded)
}

/// What a lab file is called in messages.
pub(crate) fn source_name(source: &LabSource) -> String {
    match source {
        LabSource::File(path) => path.display().to_string(),
        LabSource::Text { name, .. } => name.clone(),
    }
}

fn warn(loaded: &Loaded, terminal: &mut Terminal) {
    if !loaded.warnings.is_empty() {
        terminal.warn(&loaded.warnings.render(terminal.has_coloured_messages()));
    }
}

/// Prints all that is wrong with a lab file.
pub(crate) fn complain(name: &str, errors: &LabErrors, terminal: &mut Terminal) {
    let messages = errors.messages();
    let text = messages.render(terminal.has_coloured_messages());
    let count = plural(messages.errors(), "error");
    terminal.complain(&format!(
        "{}\n\namlab: {count} in {name}; nothing was run",
        text.trim_end()
    ));
}

/// `amlab check`: every file is checked, whatever the one before was.
pub(crate) fn check(arguments: &CheckArguments, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let overrides = overrides(&arguments.overrides.set)?;
    let mut files = Vec::new();
    let mut exit = Exit::Good;
    for path in &arguments.lab {
        let outcome = lab::load(LabSource::File(path.clone()), &overrides);
        if outcome.is_err() {
            exit = Exit::BadInput;
        }
        files.push(report(path, &outcome, terminal));
    }
    match terminal.format() {
        Format::Human => {}
        Format::Json => terminal.result(&format!("{:#}\n", json!({ "files": files }))),
        Format::Csv => terminal.result(&check_table(&files)),
    }
    Ok(exit)
}

/// Prints for people what a check found, and returns it for programs.
fn report(path: &Path, outcome: &Result<Loaded, LabErrors>, terminal: &mut Terminal) -> Value {
    let name = path.display().to_string();
    let is_human = terminal.format() == Format::Human;
    match outcome {
        Ok(loaded) => {
            if is_human {
                warn(loaded, terminal);
            }
            let good = terminal.painted(Paint::Good, "ok");
            terminal.line(Importance::Result, &format!("{good}: {}", in_short(&loaded.lab)));
            json!({
                "file": name,
                "ok": true,
                "messages": loaded.warnings.to_json(),
                "lab": loaded.lab.name,
                "machines": loaded.lab.machines.len(),
                "segments": loaded.lab.segments.len(),
                "expectations": loaded.lab.expectations.len(),
                "placeholder_timing_constants": timing::placeholders(&loaded.lab),
            })
        }
        Err(errors) => {
            if is_human {
                complain(&name, errors, terminal);
            }
            json!({ "file": name, "ok": false, "messages": errors.messages().to_json() })
        }
    }
}

fn check_table(files: &[Value]) -> String {
    let mut table = String::from("file,ok,errors,warnings\n");
    for file in files {
        let messages = file["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let count = |severity| {
            messages
                .iter()
                .filter(|message| message["severity"] == severity)
                .count()
        };
        let name = csv_field(file["file"].as_str().unwrap_or_default());
        table += &format!("{name},{},{},{}\n", file["ok"], count("error"), count("warning"));
    }
    table
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
pub(crate) fn show(arguments: &ShowArguments, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let lab = load(
        LabSource::File(arguments.lab.clone()),
        &arguments.overrides.set,
        terminal,
    )?
    .lab;
    let shown = match (arguments.timing, terminal.format()) {
        (true, Format::Human) => lab::show_timing(&lab),
        (true, Format::Json) => format!("{:#}", lab::show_timing_json(&lab)),
        (true, Format::Csv) => timing::table(&lab),
        (false, Format::Human) => lab::show(&lab),
        (false, Format::Json) => format!("{:#}", lab::show_json(&lab)),
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

/// A field of a CSV table (RFC 4180).
pub(crate) fn csv_field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// `amlab schema`.
pub(crate) fn schema(terminal: &mut Terminal) -> Exit {
    terminal.result(&format!("{:#}\n", lab::schema()));
    Exit::Good
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, SAMPLE, call};
    use super::*;

    #[test]
    fn check_looks_at_every_file_and_gives_2_if_one_is_bad() {
        let bench = Bench::new();
        let (good, bad) = (
            bench.file("good.toml", SAMPLE),
            bench.file("bad.toml", "format = 9"),
        );
        let (exit, out, err) = call(&bench, &["check", &bad, &good]);
        assert_eq!(exit, Exit::BadInput);
        assert_eq!(out, "ok: sample: 2 machines, 1 segment, 1 expectation\n");
        assert!(err.contains("bad.toml; nothing was run"), "{err}");
    }

    #[test]
    fn check_reports_every_file_as_json() {
        let bench = Bench::new();
        let (good, bad) = (
            bench.file("good.toml", SAMPLE),
            bench.file("bad.toml", "formt = 1"),
        );
        let (_, out, err) = call(&bench, &["check", "--format", "json", &good, &bad]);
        assert_eq!(err, "");
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["files"][0]["ok"], true);
        assert_eq!(report["files"][0]["machines"], 2);
        let messages = report["files"][1]["messages"].as_array().unwrap();
        assert!(
            messages
                .iter()
                .any(|message| message["code"] == "lab::unknown-field"),
            "{out}"
        );
    }

    #[test]
    fn check_counts_messages_in_a_table() {
        let bench = Bench::new();
        let good = bench.file("good.toml", SAMPLE);
        let (_, out, _) = call(&bench, &["check", "--format", "csv", &good]);
        assert_eq!(out, format!("file,ok,errors,warnings\n{good},true,0,0\n"));
    }

    #[test]
    fn a_lab_file_that_is_not_there_gives_2() {
        let (exit, _, err) = call(&Bench::new(), &["show", "nowhere/lab.toml"]);
        assert_eq!(exit, Exit::BadInput);
        assert!(err.contains("cannot read nowhere/lab.toml"), "{err}");
    }

    #[test]
    fn a_setting_without_a_value_gives_2() {
        let bench = Bench::new();
        let lab = bench.file("good.toml", SAMPLE);
        let (exit, _, err) = call(&bench, &["show", &lab, "--set", "lab.seed"]);
        assert_eq!(exit, Exit::BadInput);
        assert!(
            err.starts_with("amlab: set::syntax: --set: `lab.seed` is not PATH=VALUE"),
            "{err}"
        );
    }

    #[test]
    fn a_lab_is_shown_with_the_settings_of_the_command_line() {
        let bench = Bench::new();
        let lab = bench.file("good.toml", SAMPLE);
        let (_, out, _) = call(&bench, &["show", "--format", "json", &lab, "--set", "lab.seed=8"]);
        let shown: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(shown["lab"]["seed"], 8, "{out}");
    }

    #[test]
    fn the_schema_is_json() {
        let (exit, out, _) = call(&Bench::new(), &["schema"]);
        assert_eq!(exit, Exit::Good);
        assert!(serde_json::from_str::<Value>(&out).unwrap().is_object());
    }
}
