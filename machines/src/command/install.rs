//! `amlab install`: the Wireshark dissectors for Amoeba, and completions for shells.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use clap::CommandFactory;
use clap_complete::Shell;

use super::arguments::{Arguments, WiresharkArguments};
use super::exit::Exit;
use super::failure::Failure;
use super::terminal::{Importance, Terminal};
use crate::folder::HostError;

/// The dissectors: their file names and what is in them.
pub(crate) const DISSECTORS: [(&str, &str); 4] = [
    (
        "amflip.lua",
        include_str!("../../../scripts/wireshark/amflip.lua"),
    ),
    (
        "amgroup.lua",
        include_str!("../../../scripts/wireshark/amgroup.lua"),
    ),
    (
        "amheader.lua",
        include_str!("../../../scripts/wireshark/amheader.lua"),
    ),
    ("amrpc.lua", include_str!("../../../scripts/wireshark/amrpc.lua")),
];

/// What each of them says of itself, and so does every earlier version.
const SIGN: &str = "author = \"amlab\"";

/// Writes the dissectors into the folder from which Wireshark loads a user's own scripts.
pub(crate) fn wireshark(arguments: &WiresharkArguments, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let folder = arguments
        .dir
        .clone()
        .or_else(plugin_folder)
        .ok_or_else(|| Failure::Usage {
            code: "install::no-folder",
            message: "no home folder is known; name the folder with --dir".into(),
        })?;
    let strangers: Vec<String> = DISSECTORS
        .iter()
        .map(|(name, _)| folder.join(name))
        .filter(|path| fs::read_to_string(path).is_ok_and(|text| !text.contains(SIGN)))
        .map(|path| path.display().to_string())
        .collect();
    if !strangers.is_empty() {
        return Err(Failure::Usage {
            code: "install::not-ours",
            message: format!(
                "not written by amlab: {}; move it away first",
                strangers.join(", ")
            ),
        });
    }
    fs::create_dir_all(&folder).map_err(|reason| HostError::new("create folder", &folder, reason))?;
    for (name, text) in DISSECTORS {
        let path = folder.join(name);
        let word = match fs::read_to_string(&path) {
            Ok(there) if there == text => "unchanged",
            Ok(_) => "replaced",
            Err(error) if error.kind() == ErrorKind::NotFound => "wrote",
            Err(reason) => return Err(HostError::new("read", &path, reason).into()),
        };
        fs::write(&path, text).map_err(|reason| HostError::new("write", &path, reason))?;
        terminal.line(Importance::Result, &format!("{word:<9} {}", path.display()));
    }
    Ok(Exit::Good)
}

/// Whether this version's dissectors are in the folder from which Wireshark would load them, and which folder that is.
pub(crate) fn installed() -> (bool, Option<PathBuf>) {
    let folder = plugin_folder();
    let has_all = folder.as_deref().is_some_and(|folder| {
        let is_there = |(name, text): &(&str, &str)| {
            fs::read_to_string(folder.join(name)).is_ok_and(|there| there == *text)
        };
        DISSECTORS.iter().all(is_there)
    });
    (has_all, folder)
}

/// The folder for a user's own scripts, as tshark names it; without tshark, where Wireshark has it by default.
fn plugin_folder() -> Option<PathBuf> {
    let said = Process::new("tshark").args(["-G", "folders"]).output().ok();
    let named = said.and_then(|output| named_folder(&String::from_utf8_lossy(&output.stdout)));
    named.or_else(|| default_folder(env::var_os("HOME").as_deref()))
}

/// The folder in the list that tshark prints; versions before 4 have one folder for all plug-ins.
fn named_folder(list: &str) -> Option<PathBuf> {
    let named = |wanted: &str| {
        list.lines().find_map(|line| {
            let (name, folder) = line.split_once(':')?;
            let folder = folder.trim();
            (name == wanted && !folder.is_empty()).then(|| PathBuf::from(folder))
        })
    };
    named("Personal Lua Plugins").or_else(|| named("Personal Plugins"))
}

fn default_folder(home: Option<&OsStr>) -> Option<PathBuf> {
    let home = home.filter(|home| !home.is_empty())?;
    Some(Path::new(home).join(".local/lib/wireshark/plugins"))
}

/// Prints what makes a shell complete amlab's words.
pub(crate) fn completions(shell: Shell, terminal: &mut Terminal) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "amlab", &mut script);
    terminal.result(&String::from_utf8_lossy(&script));
    Exit::Good
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, call};
    use super::*;

    #[test]
    fn the_folder_for_scripts_is_the_one_that_tshark_names() {
        let list = "Temp:                \t/tmp\nPersonal Plugins:    \t/h/plugins/4.0\n\
                    Personal Lua Plugins:\t/h/plugins\nExtcap path:         \t/x\n";
        assert_eq!(named_folder(list), Some("/h/plugins".into()));
        let older = list.replace("Personal Lua", "Global Lua");
        assert_eq!(named_folder(&older), Some("/h/plugins/4.0".into()));
        assert_eq!(named_folder("Personal Lua Plugins:\t\n"), None);
    }

    #[test]
    fn without_tshark_it_lies_below_the_home_folder() {
        let folder = default_folder(Some(OsStr::new("/home/me")));
        assert_eq!(folder, Some("/home/me/.local/lib/wireshark/plugins".into()));
        assert_eq!(default_folder(Some(OsStr::new(""))), None);
        assert_eq!(default_folder(None), None);
    }

    #[test]
    fn every_dissector_carries_the_sign_by_which_it_is_known() {
        for (name, text) in DISSECTORS {
            assert!(text.contains(SIGN), "{name}");
        }
    }

    #[test]
    fn dissectors_are_written_replaced_and_left_alone() {
        let bench = Bench::new();
        let folder = bench.path("plugins");
        let install = || call(&bench, &["install", "wireshark", "--dir", &folder]);
        let (exit, out, _) = install();
        assert_eq!((exit, out.matches("wrote").count()), (Exit::Good, 4), "{out}");
        assert_eq!(bench.read("plugins/amrpc.lua"), DISSECTORS[3].1);
        bench.file("plugins/amrpc.lua", format!("-- older\n-- {SIGN}\n"));
        let (exit, out, _) = install();
        assert_eq!(exit, Exit::Good);
        assert_eq!(
            (out.matches("replaced").count(), out.matches("unchanged").count()),
            (1, 3),
            "{out}"
        );
        assert_eq!(bench.read("plugins/amrpc.lua"), DISSECTORS[3].1);
    }

    #[test]
    fn a_file_of_someone_else_s_is_not_touched_and_nothing_is_written() {
        let bench = Bench::new();
        std::fs::create_dir(bench.folder.path().join("plugins")).unwrap();
        bench.file("plugins/amflip.lua", "-- my own\n");
        let (exit, _, err) = call(&bench, &["install", "wireshark", "--dir", &bench.path("plugins")]);
        assert_eq!(exit, Exit::BadInput);
        assert!(
            err.contains("install::not-ours") && err.contains("amflip.lua"),
            "{err}"
        );
        assert_eq!(bench.read("plugins/amflip.lua"), "-- my own\n");
        assert!(!bench.folder.path().join("plugins/amrpc.lua").exists());
    }

    #[test]
    fn completions_know_the_commands() {
        for shell in ["bash", "zsh", "fish"] {
            let (exit, out, _) = call(&Bench::new(), &["install", "completions", shell]);
            assert_eq!(exit, Exit::Good);
            assert!(
                out.contains("verify") && out.contains("until-expected"),
                "{shell}"
            );
        }
    }
}
