//! The same kernel image on another emulator: two ISA PCs of QEMU, each with an NE2000, carry out transactions over QEMU's own
//! network, and one reads and writes a disk. So the kernel owes nothing to a peculiarity of our board, and the card's driver works on a model that nobody here wrote.
//!
//! Where QEMU is not installed the test says so and passes, unless `AMLAB_REQUIRE_QEMU` is set, as CI does.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use machines::image::builtin;
use tests::labelled_disk::{image, part};
use tests::tell;

const QEMU: &str = "qemu-system-i386";
/// How often a console is looked at before QEMU is taken for dead, a tenth of a second apart.
const LOOKS: u32 = 1200;

/// A running QEMU, which ends with this.
struct Pc(Child);

impl Drop for Pc {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether QEMU is there; if not, says what to install.
fn is_there() -> bool {
    let found = Command::new(QEMU).arg("--version").stdout(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return true;
    }
    let advice = "apt-get install qemu-system-x86";
    assert!(
        std::env::var_os("AMLAB_REQUIRE_QEMU").is_none(),
        "QEMU is missing: {advice}"
    );
    tell(&format!("skipped: QEMU is not installed: {advice}\n"));
    false
}

/// Starts a PC whose files lie in `folder`: a station number, a program with its arguments, and words of QEMU about its devices.
fn start(folder: &Path, station: u8, program: &str, devices: &[&str]) -> Pc {
    let board = "-M isapc -cpu 486 -m 16 -display none -no-reboot -kernel kernel -append peers=0";
    let child = Command::new(QEMU)
        .current_dir(folder)
        .args(board.split(' '))
        .args(["-initrd", program])
        .args(["-serial", &format!("file:console{station}")])
        .args(devices)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("QEMU starts");
    Pc(child)
}

/// The same with an NE2000 and its end of the network.
fn start_at_cable(folder: &Path, station: u8, program: &str, end: &str) -> Pc {
    let network = format!("stream,id=net,{end},addr.type=unix,addr.path=cable");
    let card = format!("ne2k_isa,netdev=net,iobase=0x300,irq=5,mac=02:60:8c:00:00:{station:02}");
    start(folder, station, program, &["-netdev", &network, "-device", &card])
}

fn console(folder: &Path, station: u8) -> String {
    let bytes = std::fs::read(folder.join(format!("console{station}"))).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits until a PC has printed `text`; returns all that it has printed.
fn await_text(folder: &Path, station: u8, text: &str) -> String {
    for _ in 0..LOOKS {
        let console = console(folder, station);
        if console.contains(text) {
            return console;
        }
        sleep(Duration::from_millis(100));
    }
    panic!(
        "PC {station} has not printed {text:?}, but:\n{}",
        console(folder, station)
    );
}

/// The microseconds of a transaction that a client told.
fn response_time(console: &str) -> u32 {
    let line = console
        .lines()
        .find_map(|line| line.strip_prefix("rpc_client: response time "));
    let words = line.unwrap_or_else(|| panic!("no time in:\n{console}"));
    let number = words.split(' ').next().and_then(|word| word.parse().ok());
    number.expect("a number of microseconds")
}

/// A server on one PC, and a client with these arguments on another: what the client printed.
fn transactions(client: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for image in ["kernel", "rpc_server", "rpc_client"] {
        let bytes = builtin(image).expect("an image of this program");
        std::fs::write(folder.join(image), bytes).expect("the folder can be written");
    }
    let _server = start_at_cable(folder, 1, "rpc_server perf 30000", "server=on");
    let served = await_text(folder, 1, "rpc_server: serving");
    assert!(
        served.contains("NE2000 at 300h irq 5 station 02:60:8c:00:00:01"),
        "{served}"
    );
    let _client = start_at_cable(folder, 2, &format!("rpc_client {client}"), "server=off");
    let called = await_text(folder, 2, "rpc_client exited with status");
    assert!(called.contains("rpc_client exited with status 0"), "{called}");
    called
}

#[test]
fn two_kernels_on_qemu_carry_out_transactions_over_its_network() {
    if is_there() {
        let called = transactions("perf 1400 200");
        assert!(called.contains("rpc_client: 200 calls, 280000 bytes"), "{called}");
    }
}

/// There a request arrives before its server is back from the last reply. A refusal in the middle of it must not cost the second
/// after which a lost request is asked for.
#[test]
fn the_longest_requests_are_not_held_up_on_qemu_by_a_server_that_is_not_ready() {
    if is_there() {
        let called = transactions("perf 30000 50");
        let time = response_time(&called);
        assert!(time < 300_000, "{called}");
    }
}

#[test]
fn a_kernel_on_qemu_reads_and_writes_its_disks() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for image in ["kernel", "disk_test"] {
        let bytes = builtin(image).expect("an image of this program");
        std::fs::write(folder.join(image), bytes).expect("the folder can be written");
    }
    let first = image(4, &[part(1, 1, 2000, 0, 2)]);
    let second = image(3, &[part(1, 1, 20, 1, 2)]);
    for (name, bytes) in [("first", &first), ("second", &second)] {
        std::fs::write(folder.join(name), bytes).expect("the folder can be written");
    }
    let devices = [
        "-nic",
        "none",
        "-drive",
        "file=first,format=raw,if=ide,index=0",
        "-drive",
        "file=second,format=raw,if=ide,index=1",
    ];
    let _pc = start(folder, 1, "disk_test vdisk:01", &devices);
    let console = await_text(folder, 1, "disk_test exited");
    assert!(
        console.contains("disk 1: QEMU HARDDISK, 3024 sectors"),
        "{console}"
    );
    assert!(
        console.contains("vdisk:01: 2020 sectors in 2 pieces"),
        "{console}"
    );
    assert!(console.contains("TEST OK"), "{console}");
    let written = std::fs::read(folder.join("second")).expect("the image");
    assert!(written != second, "something is on the disk");
}
