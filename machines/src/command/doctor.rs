//! `amlab doctor`: what this host has and what is missing. amlab itself needs none of it but a folder to write to.

use std::env;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use super::arguments::Format;
use super::exit::Exit;
use super::install;
use super::terminal::{Importance, Paint, Terminal, environment_allows_colour};
use crate::folder::RunFolder;

/// Below this much free disk a run with captures may not end well.
const SCARCE_DISK_BYTES: u64 = 1 << 30;

/// Programs that go well with amlab, and what for.
const PROGRAMS: [(&str, &str); 4] = [
    ("wireshark", "to look at captures"),
    ("tshark", "to read captures in scripts"),
    ("gdb", "to debug guests"),
    ("qemu-system-i386", "to boot the same kernel on another emulator"),
];

/// One thing looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    name: String,
    state: State,
    detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// There.
    Good,
    /// Not there, and amlab works without it.
    Absent,
    /// Not there, and amlab needs it.
    Needed,
}

/// Looks and prints.
pub(crate) fn doctor(terminal: &mut Terminal) -> Exit {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut findings = vec![
        host(),
        writable_folder(Path::new(".")),
        free_disk(Path::new(".")),
        screen(),
    ];
    findings.extend(
        PROGRAMS
            .iter()
            .map(|(name, purpose)| program(&path, name, purpose)),
    );
    findings.push(dissectors());
    print(&findings, terminal);
    if findings.iter().any(|finding| finding.state == State::Needed) {
        Exit::HostTrouble
    } else {
        Exit::Good
    }
}

fn print(findings: &[Finding], terminal: &mut Terminal) {
    match terminal.format() {
        Format::Json => terminal.result(&format!("{:#}\n", json!({ "findings": findings }))),
        Format::Csv => {
            let row = |finding: &Finding| {
                let detail = super::describe::csv_field(&finding.detail);
                format!("{},{},{detail}\n", finding.name, word(finding.state))
            };
            let rows: String = findings.iter().map(row).collect();
            terminal.result(&format!("name,state,detail\n{rows}"));
        }
        Format::Human => {
            for finding in findings {
                let paint = match finding.state {
                    State::Good => Paint::Good,
                    State::Absent => Paint::Odd,
                    State::Needed => Paint::Bad,
                };
                let state = terminal.painted(paint, &format!("{:<7}", word(finding.state)));
                terminal.line(
                    Importance::Result,
                    &format!("{state} {:<17} {}", finding.name, finding.detail),
                );
            }
        }
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Good => "ok",
        State::Absent => "absent",
        State::Needed => "needed",
    }
}

fn finding(name: &str, state: State, detail: impl Into<String>) -> Finding {
    Finding {
        name: name.into(),
        state,
        detail: detail.into(),
    }
}

fn host() -> Finding {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let version = env!("CARGO_PKG_VERSION");
    let (os, arch) = (env::consts::OS, env::consts::ARCH);
    finding(
        "host",
        State::Good,
        format!("amlab {version} on {os} {arch}, {threads} host threads"),
    )
}

/// Tries it: rights, mounts and quotas are too many to read.
fn writable_folder(folder: &Path) -> Finding {
    let name = format!(".amlab-doctor-{}", std::process::id());
    let probe = RunFolder::open(folder);
    let written = probe.write(&name, "");
    let _ = std::fs::remove_file(probe.file(&name));
    match written {
        Ok(()) => finding("run folder", State::Good, "this folder can be written"),
        Err(error) => finding(
            "run folder",
            State::Needed,
            format!("{error}; run elsewhere or use --out"),
        ),
    }
}

fn free_disk(folder: &Path) -> Finding {
    match fs4::available_space(folder) {
        Ok(bytes) if bytes < SCARCE_DISK_BYTES => finding(
            "disk",
            State::Absent,
            format!("{} MB free; captures can be large", bytes >> 20),
        ),
        Ok(bytes) => finding("disk", State::Good, format!("{} GB free", bytes >> 30)),
        Err(reason) => finding("disk", State::Absent, format!("free space unknown: {reason}")),
    }
}

fn screen() -> Finding {
    if !std::io::stderr().is_terminal() {
        return finding(
            "terminal",
            State::Absent,
            "output goes elsewhere; progress comes as plain lines",
        );
    }
    let colour = if environment_allows_colour() {
        "colour"
    } else {
        "no colour"
    };
    finding(
        "terminal",
        State::Good,
        format!("progress on the bottom line, {colour}"),
    )
}

fn program(path: &std::ffi::OsStr, name: &str, purpose: &str) -> Finding {
    match find_program(path, name) {
        Some(place) => finding(name, State::Good, place.display().to_string()),
        None => finding(name, State::Absent, format!("install it {purpose}")),
    }
}

fn dissectors() -> Finding {
    let name = "dissectors";
    match install::installed() {
        (true, Some(folder)) => finding(name, State::Good, folder.display().to_string()),
        _ => finding(
            name,
            State::Absent,
            "amlab install wireshark writes them, for Wireshark to read Amoeba's packets",
        ),
    }
}

fn find_program(path: &std::ffi::OsStr, name: &str) -> Option<PathBuf> {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(path)
        .map(|folder| folder.join(&name))
        .find(|place| place.is_file())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, call};
    use super::*;

    #[test]
    fn a_program_is_found_on_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(format!("gdb{}", env::consts::EXE_SUFFIX));
        std::fs::write(&program, "").unwrap();
        let path = env::join_paths([folder.path().join("nowhere"), folder.path().into()]).unwrap();
        assert_eq!(find_program(&path, "gdb"), Some(program));
        assert_eq!(find_program(&path, "tshark"), None);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(writable_folder(folder.path()).state, State::Good);
        assert_eq!(
            writable_folder(&folder.path().join("nowhere")).state,
            State::Needed
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn programs_get_the_findings_as_json() {
        let (exit, out, _) = call(&Bench::new(), &["doctor", "--format", "json"]);
        assert_eq!(exit, Exit::Good);
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        let names: Vec<_> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["name"].clone())
            .collect();
        assert_eq!(
            names,
            [
                "host",
                "run folder",
                "disk",
                "terminal",
                "wireshark",
                "tshark",
                "gdb",
                "qemu-system-i386",
                "dissectors"
            ]
        );
    }
}
