//! A machine that boots another kernel from a file of the Bullet server, as its system server is asked to by a program elsewhere.

use clock::Span;
use machines::image::builtin;
use proto::capability::{Capability, Port, Private};
use proto::one_way::one_way;
use tests::amoeba::{Laboratory, Pc};
use tests::labelled_disk::file_server;

/// A file, with its server's get-port and its check field.
fn file(port: &[u8; 6], number: u32, check: &[u8; 6]) -> Capability {
    Capability {
        port: one_way(Port(*port)),
        private: Private::owner(number, Port(*check)),
    }
}

/// The kernel that the server has.
fn kernel() -> Capability {
    file(b"bullet", 1, b"secret")
}

/// What the target and the client tell when the client has the target boot, with these arguments of `reboot`. File 1 is a kernel, and
/// file 2 none.
fn consoles(arguments: &str, seconds: u64) -> [String; 2] {
    let files = [builtin("kernel").expect("a kernel"), &[b'x'; 3000]];
    let lab = Laboratory::new([
        Pc::new("server")
            .memory(8)
            .disk("disk", file_server(&files))
            .program("bullet", "vdisk:01"),
        Pc::new("target"),
        Pc::new("client").program("hosts", format!("reboot -w 02:60:8c:00:00:02 {arguments}")),
    ]);
    let memory = lab.run(Span::from_seconds(seconds));
    [1, 2].map(|machine| memory.console(machine))
}

#[test]
fn a_machine_boots_a_kernel_file_with_its_command_line_and_is_on_the_network_again() {
    let [target, client] = consoles(&format!("{} kernel peers=0 slice=50", kernel()), 10);
    assert!(target.contains("KB from a file"), "{target}");
    assert_eq!(target.matches("kernel ready").count(), 2, "{target}");
    // The second kernel is told the size of memory, but has no map of it.
    let size = "memory 4096 KB by Multiboot";
    assert!(target.lines().any(|line| line.trim_end() == size), "{target}");
    for line in ["02:60:8c:00:00:02 is up", "hosts exited with status 0"] {
        assert!(client.contains(line), "{line}: {client}");
    }
}

#[test]
fn a_command_line_changes_the_kernel_that_is_booted() {
    // A secure kernel is not found by its station address.
    let [target, client] = consoles(&format!("{} kernel peers=0 secure=1", kernel()), 10);
    assert_eq!(target.matches("kernel ready").count(), 2, "{target}");
    assert!(!client.contains("is up"), "{client}");
}

#[test]
fn a_file_that_is_no_kernel_leaves_the_machine_as_it_is() {
    let [target, _] = consoles(&file(b"bullet", 2, b"secret").to_string(), 6);
    let reason = "cannot boot: the file is no ELF executable for the 386";
    assert!(target.contains(reason), "{target}");
    assert_eq!(target.matches("kernel ready").count(), 1, "{target}");
}

#[test]
fn a_file_that_nobody_has_leaves_the_machine_as_it_is() {
    let bad = "BadCapability (-1000)";
    for (image, reason) in [
        (file(b"bullet", 3, b"secret"), bad),
        (file(b"bullet", 1, b"wrong\0"), bad),
        (file(b"nobody", 1, b"secret"), "RpcNotFound (-2)"),
    ] {
        let [target, _] = consoles(&image.to_string(), 8);
        let line = format!("cannot boot: the file cannot be read: {reason}");
        assert!(target.contains(&line), "{image}: {target}");
        assert_eq!(target.matches("kernel ready").count(), 1, "{target}");
    }
}

#[test]
fn without_a_file_a_machine_boots_as_after_a_reset() {
    let [target, client] = consoles("", 6);
    assert_eq!(target.matches("kernel ready").count(), 2, "{target}");
    assert!(client.contains("02:60:8c:00:00:02 is up"), "{client}");
}
