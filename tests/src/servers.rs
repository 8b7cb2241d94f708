//! Machines that keep files and directories: disks made for them, on which Bullet, Soap and a boot server have what is theirs.

use std::collections::BTreeMap;

use amoeba_disks::Made;

use crate::amoeba::Pc;
use crate::made_disks::made;

/// A disk with every file system, and Soap's program in a file.
const ONE: &str = r#"
format = 1
seed = 1
[disk.a]
size = "4MB"
boot = { vdisk = 3, configuration = "boot0" }
soap = { vdisk = 2, blocks = 9 }
bullet = { vdisk = 1 }
[[file]]
name = "/bin/soap"
from = "builtin:soap"
"#;

/// A second disk, with the other copies.
const OTHER: &str = r#"
[disk.b]
size = "4MB"
boot = { vdisk = 3, configuration = "boot1" }
soap = { vdisk = 2, number = 1, blocks = 9 }
bullet = { vdisk = 1, store = 1 }
"#;

/// What the boot server of a machine without another one starts.
pub const ALONE: &str = r#"
cap ROOT = ${/};
cap BULLET0 = ${/super/cap/bulletsvr/bullet0};
bullet { pollcap = BULLET0; }
soap {
    after = bullet; bootrate = 3000; pollcap = ROOT;
    program ${/bin/soap} {
        argv { soap 0 }
        capv { SOAP_SUPER = vdisk:02; BULLET0; RANDOM; TOD; TTY; }
    }
}
"#;

/// What that of one of two starts.
const ONE_OF_TWO: &str = r#"
cap BULLET0 = ${/super/cap/bulletsvr/bullet0};
cap BULLET1 = ${/super/cap/bulletsvr/bullet1};
bullet { pollcap = HOST/bullet; }
soap {
    after = bullet; bootrate = 3000;
    program ${/bin/soap} {
        argv { soap NUMBER }
        capv { SOAP_SUPER = vdisk:02; BULLET0; BULLET1; RANDOM; TOD; TTY; }
    }
}
"#;

/// The disk `a` of a machine that keeps everything.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn one_disk() -> (Made, Vec<u8>) {
    let boot = ALONE.to_owned() + "publish /super/cap/todsvr/default = TOD;\n";
    let (made, mut disks) = made(ONE, &[("boot0", &boot)]);
    (made, disks.remove("a").expect("the disk of the description"))
}

/// The disks `a` and `b` of two machines that keep everything together.
///
/// # Panics
/// If they cannot be made.
#[must_use]
pub fn two_disks() -> (Made, BTreeMap<String, Vec<u8>>) {
    let [first, second] = ["0", "1"].map(|number| ONE_OF_TWO.replace("NUMBER", number));
    let texts = [("boot0", first.as_str()), ("boot1", second.as_str())];
    made(&(ONE.to_owned() + OTHER), &texts)
}

/// A machine with such a disk, and the Bullet and the boot server.
#[must_use]
pub fn server(name: &str, disk: Vec<u8>) -> Pc {
    Pc::new(name)
        .memory(8)
        .disk(name, disk)
        .program("bullet", "-c 1024 -t 6 vdisk:01")
        .program("boot_server", "")
}
