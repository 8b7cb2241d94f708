//! Links a user's program with the layout of `program.ld`.
//!
//! It is the build script of each such program; cargo runs it in that program's folder.

fn main() {
    let layout = concat!(env!("CARGO_MANIFEST_DIR"), "/../../libamoeba/program.ld");
    println!("cargo::rerun-if-changed={layout}");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "none") {
        println!("cargo::rustc-link-arg-bins=-T{layout}");
        println!("cargo::rustc-link-arg-bins=--build-id=none");
    }
}
