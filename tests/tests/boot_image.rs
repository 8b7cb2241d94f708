//! A machine that boots another kernel from a file of the Bullet server, as its system server is asked to by a program elsewhere.

use clock::Span;
use machines::image::builtin;
use tests::amoeba::{Laboratory, Pc};
use tests::labelled_disk::file_server;

/// What the target and the client tell when the client has the target boot, with these arguments of `boot`. File 1 is a kernel, and
/// file 2 none.
fn consoles(arguments: &str, seconds: u64) -> [String; 2] {
    let files = [builtin("kernel").expect("a kernel"), &[b'x'; 3000]];
    let lab = Laboratory::new([
        Pc::new("server")
            .memory(8)
            .disk("disk", file_server(&files))
            .program("bullet", "vdisk:01"),
        Pc::new("target"),
        Pc::new("client").program("boot", format!("02:60:8c:00:00:02 {arguments}")),
    ]);
    let memory = lab.run(Span::from_seconds(seconds));
    [1, 2].map(|machine| memory.console(machine))
}

#[test]
fn a_machine_boots_a_kernel_file_with_its_command_line_and_is_on_the_network_again() {
    let [target, client] = consoles("bullet 1 secret kernel peers=0 slice=50", 10);
    assert!(target.contains("KB from a file"), "{target}");
    assert_eq!(target.matches("kernel ready").count(), 2, "{target}");
    // The second kernel is told the size of memory, but has no map of it.
    let size = "memory 4096 KB by Multiboot";
    assert!(target.lines().any(|line| line.trim_end() == size), "{target}");
    for line in ["boot: 02:60:8c:00:00:02 is up", "boot exited with status 0"] {
        assert!(client.contains(line), "{line}: {client}");
    }
}

#[test]
fn a_command_line_changes_the_kernel_that_is_booted() {
    // A secure kernel is not found by its station address.
    let [target, client] = consoles("bullet 1 secret kernel peers=0 secure=1", 10);
    assert_eq!(target.matches("kernel ready").count(), 2, "{target}");
    assert!(!client.contains("is up"), "{client}");
}

#[test]
fn a_file_that_is_no_kernel_leaves_the_machine_as_it_is() {
    let [target, _] = consoles("bullet 2 secret", 6);
    let reason = "cannot boot: the file is no ELF executable for the 386";
    assert!(target.contains(reason), "{target}");
    assert_eq!(target.matches("kernel ready").count(), 1, "{target}");
}

#[test]
fn a_file_that_nobody_has_leaves_the_machine_as_it_is() {
    for (arguments, reason) in [
        (
            "bullet 3 secret",
            "cannot boot: the file cannot be read: BadCapability (-1000)",
        ),
        (
            "bullet 1 wrong",
            "cannot boot: the file cannot be read: BadCapability (-1000)",
        ),
        (
            "nobody 1 secret",
            "cannot boot: the file cannot be read: RpcNotFound (-2)",
        ),
    ] {
        let [target, _] = consoles(arguments, 8);
        assert!(target.contains(reason), "{arguments}: {target}");
        assert_eq!(target.matches("kernel ready").count(), 1, "{target}");
    }
}

#[test]
fn without_a_file_a_machine_boots_as_after_a_reset() {
    let [target, client] = consoles("", 6);
    assert_eq!(target.matches("kernel ready").count(), 2, "{target}");
    assert!(client.contains("boot: 02:60:8c:00:00:02 is up"), "{client}");
}
