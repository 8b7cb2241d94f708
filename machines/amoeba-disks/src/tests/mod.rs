//! Disks that are made and looked over, and what cannot be made.

mod checks;
mod descriptions;
mod made;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use proto::capability::Capability;
use proto::process::{Head, I80386, Segment, SegmentKind, Thread, emit};

use crate::{Description, Made, MakeError, Sources, make_in_memory};

/// One built-in program, one built-in kernel, and a few files.
pub(super) struct Test(pub(super) BTreeMap<&'static str, &'static str>);

/// What the built-in program's file holds.
pub(super) fn program() -> Vec<u8> {
    let segment = Segment {
        capability: Capability::NULL,
        offset: 0x400,
        address: 0x0400_0000,
        length: 4,
        kind: SegmentKind::TEXT | SegmentKind::READ_ONLY,
    };
    let head = Head {
        architecture: I80386,
        own: Capability::NULL,
        owner: Capability::NULL,
    };
    let mut bytes = vec![0x90; 0x404];
    emit(&head, &[segment], &[Thread::start(0x0400_0000, 0)], &mut bytes).expect("room");
    bytes
}

impl Sources for Test {
    fn builtin(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        match name {
            "ls" => Some(program().into()),
            "kernel" => Some(b"\x7FELF".as_slice().into()),
            _ => None,
        }
    }

    fn builtins(&self) -> Vec<String> {
        vec!["kernel".into(), "ls".into()]
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let text = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(text.as_bytes().to_vec())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let folder = format!("{folder}/");
        Ok(self
            .0
            .keys()
            .filter_map(|path| path.strip_prefix(&folder))
            .map(str::to_owned)
            .collect())
    }
}

/// A description with everything, on one disk.
pub(super) const ONE: &str = r#"
format = 1
seed = 1995
time = "1995-05-30T09:00:00Z"
[disk.server]
size = "8MB"
bullet = { vdisk = 1 }
soap = { vdisk = 2, blocks = 9 }
boot = { vdisk = 3, binary = "/bin/ls", configuration = "boot.conf" }
[[host]]
name = "server"
mac = "02:60:8c:00:00:01"
[[host]]
name = "pool"
mac = "02:60:8c:00:00:ff"
count = 2
pool = "i80386"
[[folder]]
name = "/super/unixroot/bin"
from = "builtin"
[[file]]
name = "/super/admin/kernel/at386"
from = "builtin:kernel"
[[folder]]
name = "/etc"
from = "etc"
[[directory]]
name = "/home/ast"
[[server]]
name = "/super/cap/runsvr/default"
[[link]]
name = "/profile/pool/.run"
to = "/profile/cap/runsvr/default"
[[link]]
name = "/home/ast/far"
to = "1:2:3:4:5:6/7(3)/8:9:a:b:c:d"
rights = "3:1:0"
"#;

pub(super) fn sources() -> Test {
    Test(BTreeMap::from([
        (
            "boot.conf",
            "cap ROOT = ${/};\ncap RUN = ${get:/super/cap/runsvr/default};\n",
        ),
        ("etc/motd", "welcome"),
        ("etc/empty", ""),
    ]))
}

/// Makes the disks of a text, by their names.
pub(super) fn made_from(text: &str, sources: &Test) -> Result<(Made, BTreeMap<String, Vec<u8>>), MakeError> {
    make_in_memory(&Description::parse(text).expect("a description"), sources)
}
