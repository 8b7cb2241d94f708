//! Builds what the laboratory's machines run: the kernel of `amoeba-rs/`, as `kernel.elf` in `OUT_DIR`.

#[path = "build/guest.rs"]
mod guest;
#[path = "build/instruction_set.rs"]
mod instruction_set;

use std::path::{Path, PathBuf};
use std::{env, fs, process};

/// Packages of the guest, each with the name of its image.
const IMAGES: [(&str, &str); 1] = [("kernel", "kernel.elf")];

fn main() {
    if let Err(message) = run() {
        for line in message.lines() {
            println!("cargo::error={line}");
        }
        process::exit(1);
    }
}

fn run() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let guest = guest::Guest::new()?;
    guest.watch()?;
    for (package, name) in IMAGES {
        let built = guest.build(package)?;
        let image = fs::read(&built).map_err(|error| format!("cannot read {}: {error}", built.display()))?;
        check(&built, &image)?;
        let copy = out.join(name);
        fs::write(&copy, image).map_err(|error| format!("cannot write {}: {error}", copy.display()))?;
    }
    Ok(())
}

/// Refuses an image that a 386 cannot execute.
fn check(path: &Path, image: &[u8]) -> Result<(), String> {
    let found = instruction_set::foreign_instructions(image)
        .map_err(|error| format!("{} is no ELF image: {error}", path.display()))?;
    if found.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = found.iter().map(ToString::to_string).collect();
    Err(format!(
        "{} holds {} instructions that a 386 without 387 lacks:\n{}",
        path.display(),
        list.len(),
        list.join("\n")
    ))
}
