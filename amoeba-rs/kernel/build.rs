//! Links the kernel with its own layout when it is built for the bare machine.

fn main() {
    println!("cargo::rerun-if-changed=kernel.ld");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "none") {
        println!(
            "cargo::rustc-link-arg-bins=-T{}/kernel.ld",
            env!("CARGO_MANIFEST_DIR")
        );
        println!("cargo::rustc-link-arg-bins=--build-id=none");
    }
}
