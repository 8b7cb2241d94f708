//! What is there: a line for each file and each row.
//!
//! ```text
//! store 0 sound                          or the status of its check
//! file 3 900 bytes whole                 or torn, or the status
//! row /base/passwd ff:02:04: 3 3         for each capability the file's number, or the status
//! row /base/bin ff:02:04: directory
//! ```

use crate::contents::read;
use crate::script::{BEGINNING, Known};
use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;
use libamoeba::classes::bullet;
use libamoeba::directory;
use libamoeba::println;
use libamoeba::system::Kernel;
use proto::capability_set::CapabilitySet;
use proto::soap::Masks;

/// All files that were ever made, and the file servers' checks.
pub(crate) fn files(known: &Known) {
    for (number, store) in known.stores.iter().enumerate() {
        match bullet::check(&mut Kernel, store) {
            Ok(()) => println!("store {number} sound"),
            Err(status) => println!("store {number} {status}"),
        }
    }
    for (number, file) in &known.files {
        match read(file) {
            Ok(found) => {
                let state = if found.is_whole { "whole" } else { "torn" };
                println!("file {number} {} bytes {state}, {}", found.length, found.number);
            }
            Err(status) => println!("file {number} {status}"),
        }
    }
}

/// The directories that the script has made, by their names.
pub(crate) fn directories(root: &CapabilitySet) {
    let listed = match directory::list(&mut Kernel, root) {
        Ok(listed) => listed,
        Err(failure) => return println!("row / {failure}"),
    };
    // The other rows are no business of the script's.
    let own = listed
        .rows
        .iter()
        .filter(|(name, _)| name == BEGINNING.as_bytes());
    for (name, masks) in own {
        row(root, "", name, masks);
    }
}

/// A row, and the rows of the directory to which it leads.
fn row(directory: &CapabilitySet, path: &str, name: &[u8], masks: &Masks) {
    let path = format!("{path}/{}", String::from_utf8_lossy(name));
    let [owner, group, others, _] = masks;
    let mut line = format!("row {path} {:02x}:{:02x}:{:02x}:", owner.0, group.0, others.0);
    let names = directory::Names {
        root: *directory,
        work: *directory,
    };
    let set = match names.lookup(&mut Kernel, name) {
        Ok(set) => set,
        Err(failure) => return println!("{line} {failure}"),
    };
    if is_directory(directory, &set) {
        println!("{line} directory");
        match directory::list(&mut Kernel, &set) {
            Ok(listed) => {
                for (name, masks) in &listed.rows {
                    row(&set, &path, name, masks);
                }
            }
            Err(failure) => println!("row {path}/ {failure}"),
        }
        return;
    }
    for member in set.members() {
        // What cannot be written is no line.
        let _ = match read(&member.capability) {
            Ok(found) if found.is_whole => write!(line, " {}", found.number),
            Ok(_) => write!(line, " torn"),
            Err(status) => write!(line, " {status}"),
        };
    }
    println!("{line}");
}

/// Whether what lies in a directory is one of the same service.
fn is_directory(directory: &CapabilitySet, set: &CapabilitySet) -> bool {
    let port = |set: &CapabilitySet| set.members().next().map(|member| member.capability.port);
    port(directory) == port(set)
}
