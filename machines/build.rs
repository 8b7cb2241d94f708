//! Builds what the laboratory's machines run, in `OUT_DIR`: the programs of `amoeba-rs/` for the bare machine as ELF files,
//! those for users as Amoeba executables.

#[path = "build/executable.rs"]
mod executable;
#[path = "build/guest.rs"]
mod guest;
#[path = "build/instruction_set.rs"]
mod instruction_set;

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use iced_x86::Code;

/// A package of the guest that becomes an image.
struct Program {
    package: String,
    /// The name of the file that holds its image.
    image: String,
    /// Instructions that a 386 lacks and the program carries out itself, or tries out.
    foreign: Vec<Code>,
    kind: Kind,
}

/// What a program runs on.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// The bare machine.
    Machine,
    /// A kernel.
    User,
}

/// LLVM emits it for a 386 too; the kernel's handler of invalid opcodes carries it out, for itself and for programs.
const EMULATED: Code = Code::Bswap_r32;

/// The programs for the bare machine, and those for users that `amoeba-rs/programs` lists.
fn programs(list: &str) -> Result<Vec<Program>, String> {
    let machine = |name: &str, foreign| Program {
        package: name.into(),
        image: format!("{name}.elf"),
        foreign,
        kind: Kind::Machine,
    };
    let mut programs = vec![
        machine("kernel", vec![EMULATED]),
        machine("benchmark", Vec::new()),
    ];
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let Some(package) = words.next() else { continue };
        let mut foreign = vec![EMULATED];
        for word in words {
            let code = Code::values().find(|code| format!("{code:?}") == word);
            foreign.push(code.ok_or(format!(
                "amoeba-rs/programs names an instruction `{word}` that does not exist"
            ))?);
        }
        programs.push(Program {
            package: package.into(),
            image: package.into(),
            foreign,
            kind: Kind::User,
        });
    }
    Ok(programs)
}

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
    let list = guest.source().join("programs");
    let list =
        fs::read_to_string(&list).map_err(|error| format!("cannot read {}: {error}", list.display()))?;
    let programs = programs(&list)?;
    for program in &programs {
        let built = guest.build(&program.package)?;
        let image = fs::read(&built).map_err(|error| format!("cannot read {}: {error}", built.display()))?;
        check(&built, &image, &program.foreign)?;
        let image = match program.kind {
            Kind::Machine => image,
            Kind::User => executable::executable(&image)
                .map_err(|error| format!("{} cannot be made an executable: {error}", built.display()))?,
        };
        let copy = out.join(&program.image);
        fs::write(&copy, image).map_err(|error| format!("cannot write {}: {error}", copy.display()))?;
    }
    write_list(&out.join("builtins.rs"), &programs)
}

/// Writes the list of images that the program includes: name and bytes of each.
fn write_list(path: &Path, programs: &[Program]) -> Result<(), String> {
    let entries: String = programs
        .iter()
        .map(|Program { package, image, .. }| {
            format!("(\"{package}\", include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{image}\"))),\n")
        })
        .collect();
    fs::write(path, format!("&[\n{entries}]\n"))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Refuses an image that a 386 cannot execute.
fn check(path: &Path, image: &[u8], emulated: &[Code]) -> Result<(), String> {
    let found = instruction_set::foreign_instructions(image, emulated)
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
