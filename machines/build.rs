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
    package: &'static str,
    /// The name of its image.
    image: &'static str,
    /// Instructions that a 386 lacks and the program carries out itself.
    emulated: &'static [Code],
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

const PROGRAMS: [Program; 8] = [
    Program {
        package: "kernel",
        image: "kernel.elf",
        // LLVM emits it for a 386 too; the kernel's handler of invalid opcodes carries it out.
        emulated: &[Code::Bswap_r32],
        kind: Kind::Machine,
    },
    Program {
        package: "benchmark",
        image: "benchmark.elf",
        emulated: &[],
        kind: Kind::Machine,
    },
    Program {
        package: "spin",
        image: "spin",
        emulated: &[Code::Bswap_r32],
        kind: Kind::User,
    },
    Program {
        package: "dhrystone",
        image: "dhrystone",
        emulated: &[Code::Bswap_r32],
        kind: Kind::User,
    },
    Program {
        package: "calls",
        image: "calls",
        // It tries out what becomes of an instruction of a coprocessor.
        emulated: &[Code::Bswap_r32, Code::Fld1],
        kind: Kind::User,
    },
    Program {
        package: "rpc_server",
        image: "rpc_server",
        emulated: &[Code::Bswap_r32],
        kind: Kind::User,
    },
    Program {
        package: "rpc_client",
        image: "rpc_client",
        emulated: &[Code::Bswap_r32],
        kind: Kind::User,
    },
    Program {
        package: "soap",
        image: "soap",
        emulated: &[Code::Bswap_r32],
        kind: Kind::User,
    },
];

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
    for program in &PROGRAMS {
        let built = guest.build(program.package)?;
        let image = fs::read(&built).map_err(|error| format!("cannot read {}: {error}", built.display()))?;
        check(&built, &image, program.emulated)?;
        let image = match program.kind {
            Kind::Machine => image,
            Kind::User => executable::executable(&image)
                .map_err(|error| format!("{} cannot be made an executable: {error}", built.display()))?,
        };
        let copy = out.join(program.image);
        fs::write(&copy, image).map_err(|error| format!("cannot write {}: {error}", copy.display()))?;
    }
    Ok(())
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
