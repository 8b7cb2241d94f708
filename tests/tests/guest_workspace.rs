//! The guest's own tests, which its workspace runs on the host: formats, protocol logic, server loop.

use std::path::Path;
use std::process::Command;

#[test]
fn the_tests_of_the_guests_host_crates_pass() {
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../amoeba-rs/Cargo.toml");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("amoeba-rs");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "test",
            "--locked",
            "--quiet",
            "--workspace",
            "--exclude",
            "kernel",
            "--exclude",
            "platform",
            "--exclude",
            "benchmark",
            "--exclude",
            "spin",
            "--exclude",
            "dhrystone",
            "--exclude",
            "calls",
            "--exclude",
            "rpc_server",
            "--exclude",
            "rpc_client",
            "--exclude",
            "disk_test",
            "--exclude",
            "diskperf",
            "--exclude",
            "bullet_test",
            "--manifest-path",
        ])
        .arg(guest);
    cargo.arg("--target-dir").arg(target);
    for (name, _) in std::env::vars_os() {
        let own = name.to_string_lossy().starts_with("CARGO_") && name != "CARGO_HOME";
        if own || name == "RUSTFLAGS" || name == "RUSTC_WRAPPER" || name == "RUSTC_WORKSPACE_WRAPPER" {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output().expect("cargo starts");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
