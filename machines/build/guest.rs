//! Builds the guest with a cargo inside the host's: the same compiler, another target.
//!
//! The target has no ready-made `core`, so it is compiled too, which needs the toolchain's part `rust-src`.
//! The inner build has a target folder of its own beside the host's profiles, so that it is incremental and
//! waits for no lock that the outer cargo holds. Of the outer build's settings it sees none.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "i386-amoeba-none";

/// Where things are.
pub(crate) struct Guest {
    /// The project's folder.
    root: PathBuf,
    /// The folder of the guest's workspace.
    source: PathBuf,
    /// The guest's own target folder.
    target: PathBuf,
    /// The compiler.
    rustc: OsString,
}

impl Guest {
    /// The guest of this project, by the environment that cargo gives to a build script.
    pub(crate) fn new() -> Result<Guest, String> {
        let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
        let root = manifest
            .parent()
            .ok_or("the package lies in the root of the file system")?
            .to_path_buf();
        let out = PathBuf::from(variable("OUT_DIR")?);
        // OUT_DIR is <target>/<profile>/build/<package>-<hash>/out.
        let target = out.ancestors().nth(4).unwrap_or(&out).join("guest");
        Ok(Guest {
            source: root.join("amoeba-rs"),
            root,
            target,
            rustc: variable("RUSTC")?,
        })
    }

    /// The folder of the guest's workspace.
    pub(crate) fn source(&self) -> &Path {
        &self.source
    }

    /// Tells cargo which files the guest is made of.
    pub(crate) fn watch(&self) -> Result<(), String> {
        let complain = |error| format!("cannot list {}: {error}", self.source.display());
        for entry in self.source.read_dir().map_err(complain)? {
            let path = entry.map_err(complain)?.path();
            // Tests of the guest on the host leave their own target folder here.
            if path.file_name().is_none_or(|name| name != "target") {
                println!("cargo::rerun-if-changed={}", path.display());
            }
        }
        println!(
            "cargo::rerun-if-changed={}",
            self.root.join("rust-toolchain.toml").display()
        );
        Ok(())
    }

    /// Builds the package `package` and says where its image is.
    pub(crate) fn build(&self, package: &str) -> Result<PathBuf, String> {
        let library = self.find_library_source()?;
        let mut cargo = quiet(Command::new(variable("CARGO")?));
        cargo
            .current_dir(&self.source)
            .env("RUSTC", &self.rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(&library).join("\x1f"))
            .args(["build", "--quiet", "--release", "--locked", "--package", package])
            .args(["-Z", "build-std=core,alloc,compiler_builtins"])
            .args([
                "-Z",
                "build-std-features=compiler-builtins-mem",
                "-Z",
                "json-target-spec",
            ])
            .args([
                "--config",
                "build.rustc-wrapper=''",
                "--config",
                "build.rustc-workspace-wrapper=''",
            ])
            .arg("--target")
            .arg(self.source.join(TARGET).with_extension("json"))
            .arg("--target-dir")
            .arg(&self.target);
        let output = cargo
            .output()
            .map_err(|error| format!("cannot start cargo for the guest: {error}"))?;
        let messages = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!(
                "the guest does not build ({}):\n{messages}",
                output.status
            ));
        }
        for message in messages.lines().filter(|message| !message.trim().is_empty()) {
            println!("cargo::warning=guest: {message}");
        }
        Ok(self.target.join(TARGET).join("release").join(package))
    }

    /// Folders of this host do not belong into an image: what of it is loaded is the same everywhere.
    fn flags(&self, library: &Path) -> Vec<String> {
        let packages = env::var_os("CARGO_HOME").map(PathBuf::from);
        let packages = packages.or_else(|| Some(env::home_dir()?.join(".cargo")));
        let folders = [
            (Some(self.source.as_path()), "amoeba-rs"),
            (Some(library), "library"),
            (packages.as_deref(), "cargo"),
        ];
        let present = folders
            .into_iter()
            .filter_map(|(folder, name)| Some((folder?, name)));
        present
            .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
            .collect()
    }

    /// The source of the standard library; has rustup install it if it is not there.
    fn find_library_source(&self) -> Result<PathBuf, String> {
        let library = self.library_source()?;
        if library.join("core").is_dir() {
            return Ok(library);
        }
        println!(
            "cargo::warning=the toolchain lacks rust-src, from which the guest's core library is built: running \
             `rustup toolchain install`, which adds what rust-toolchain.toml names"
        );
        // Cargo repeats a script's warnings until the script runs again; a file that never exists makes it run again
        // with the next build.
        println!(
            "cargo::rerun-if-changed={}",
            self.target.join("toolchain-was-incomplete").display()
        );
        let why = self.install_toolchain();
        if library.join("core").is_dir() {
            return Ok(library);
        }
        Err(format!(
            "the guest cannot be built: the toolchain lacks its part rust-src\n\
             missing: {}\n\
             remedy:  run `rustup component add rust-src` in {}, or put the source of the standard library of this \
             very compiler there\n\
             tried:   `rustup toolchain install` in that folder: {why}",
            library.display(),
            self.root.display(),
        ))
    }

    fn library_source(&self) -> Result<PathBuf, String> {
        let output = Command::new(&self.rustc)
            .current_dir(&self.root)
            .args(["--print", "sysroot"])
            .output()
            .map_err(|error| format!("cannot ask the compiler for its folder: {error}"))?;
        let sysroot = String::from_utf8_lossy(&output.stdout);
        Ok(Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library"))
    }

    /// Has rustup install what rust-toolchain.toml names, and says how that went.
    fn install_toolchain(&self) -> String {
        let mut rustup = quiet(Command::new("rustup"));
        // Without the outer build's choice of a toolchain rustup reads rust-toolchain.toml; its own call stack tells
        // nobody here anything.
        rustup
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("RUST_BACKTRACE")
            .current_dir(&self.root)
            .args(["toolchain", "install"]);
        let output = rustup.output();
        match output {
            Err(error) => format!("rustup does not start ({error})"),
            Ok(output) => {
                let messages = String::from_utf8_lossy(&output.stderr);
                format!("{}\n{}", output.status, messages.trim_end())
            }
        }
    }
}

/// A variable that cargo sets for build scripts.
fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("{name} is not set: this is a build script, to be run by cargo"))
}

/// Takes the outer build's settings out of a command's environment. What says where packages come from stays.
fn quiet(mut command: Command) -> Command {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_setting_of_the_outer_build) {
            command.env_remove(name);
        }
    }
    command
}

fn is_setting_of_the_outer_build(name: &str) -> bool {
    const KEPT: [&str; 5] = [
        "CARGO_HOME",
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
    ];
    const TAKEN: [&str; 7] = [
        "CARGO",
        "__CARGO",
        "RUSTC",
        "RUSTFLAGS",
        "RUSTDOC",
        "CLIPPY",
        "MAKEFLAGS",
    ];
    const EXACTLY: [&str; 8] = [
        "TARGET",
        "HOST",
        "PROFILE",
        "OPT_LEVEL",
        "DEBUG",
        "NUM_JOBS",
        "OUT_DIR",
        "MFLAGS",
    ];
    let begins = |prefix: &&str| name.starts_with(*prefix);
    !KEPT.iter().any(begins) && (TAKEN.iter().any(begins) || EXACTLY.contains(&name))
}
