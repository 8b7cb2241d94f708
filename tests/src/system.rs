//! A system that comes up from its disk: `server` has files, directories and a shell at COM1, which is typed at, and other machines stand beside
//! it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use amoeba_disks::{Description, Made, Sources, make};
use clock::Span;
use machines::image::{builtin, load_all};
use machines::lab::{self, LabSource};
use machines::runtime::Runtime;

use crate::{Memory, run_for};

/// Programs of the system's disk, and the names of the two that have several.
const PROGRAMS: [&str; 11] = [
    "ax",
    "calls",
    "fifo",
    "hosts",
    "kstat",
    "om",
    "run",
    "sh",
    "soap",
    "spin",
    "utilities",
];
const HOSTS: [&str; 13] = [
    "aps",
    "boot_conf",
    "boot_config",
    "boot_ctl",
    "boot_reinit",
    "boot_setio",
    "boot_shutdown",
    "date",
    "mkhost",
    "printbuf",
    "random",
    "reboot",
    "stun",
];
const UTILITIES: [&str; 16] = [
    "cat",
    "cp",
    "del",
    "dir",
    "get",
    "grep",
    "mkd",
    "put",
    "sleep",
    "sort",
    "std_age",
    "std_copy",
    "std_info",
    "std_restrict",
    "std_status",
    "wc",
];

/// What every system's disk description begins with.
const DISK: &str = r#"
format = 1
seed = 1995
time = "1995-05-30T09:00:00Z"
[disk.server]
size = "8MB"
boot = { vdisk = 3, configuration = "boot.conf" }
soap = { vdisk = 2, blocks = 9 }
bullet = { vdisk = 1 }
[[host]]
name = "server"
mac = "02:60:8c:00:00:01"
[[directory]]
name = "/home"
[[file]]
name = "/etc/fruit"
from = "fruit"
"#;

/// What every configuration of a boot server begins with.
const BOOT: &str = r"
cap ROOT = ${/};
cap BULLET = ${/super/cap/bulletsvr/default};
CORE_DIR = /dev/dead;
publish /super/cap/todsvr/default = HOST/tod;
publish /super/cap/randomsvr/default = HOST/random;
bullet { pollcap = BULLET; }
soap {
    after = bullet; bootrate = 5000; pollcap = ROOT;
    program ${/bin/soap} {
        argv { soap 0 }
        capv { SOAP_SUPER = vdisk:02; BULLET0 = BULLET; RANDOM; TOD; TTY; }
    }
}
shell {
    after = soap; bootrate = 1000;
    program /bin/sh {
        argv { sh -i }
        environ { PATH = /bin; HOME = /home; }
        capv { ROOT; WORK = /home; BULLET; TTY; STDIN = TTY; STDOUT = TTY; STDERR = TTY; RANDOM; TOD; PROC; }
    }
}
";

const LAB: &str = r#"
format = 1
[lab]
name = "system"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[image.bullet]
path = "builtin:bullet"
[image.boot]
path = "builtin:boot_server"
[image.server]
path = "server.img"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "4MB"
cpu = { model = "386dx", clock = "40MHz", fpu = "none" }
boot = { from = "direct", image = "kernel", args = "peers=0" }
[[profile.pc.card]]
type = "3c503"
segment = "ether0"
io = 0x280
irq = 3
ram = 0xCC000
[machine.server]
extends = "pc"
memory = "8MB"
nic = { mac = "02:60:8c:00:00:01" }
[[machine.server.disk]]
image = "server"
[[machine.server.module]]
image = "bullet"
args = "-c 1024 -t 6 vdisk:01"
[[machine.server.module]]
image = "boot"
"#;

/// What a disk is made from: programs, and texts by their names.
struct Texts<'a>(&'a BTreeMap<&'a str, String>);

impl Sources for Texts<'_> {
    fn builtin(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        builtin(name).map(Cow::Borrowed)
    }

    fn builtins(&self) -> Vec<String> {
        Vec::new()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let text = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(text.as_bytes().to_vec())
    }

    fn list(&self, _folder: &str) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// Makes the one disk of a description, `NAME.img` in a folder.
///
/// # Panics
/// If the description has an error.
pub fn make_disk(folder: &Path, name: &str, description: &str, texts: &BTreeMap<&str, String>) -> Made {
    let description = Description::parse(description).expect("a description");
    let mut image = vec![0; description.bytes(name).expect("a disk") as usize];
    let images = BTreeMap::from([(name, image.as_mut_slice())]);
    let made = make(&description, &Texts(texts), images).expect("a disk with room");
    std::fs::write(folder.join(format!("{name}.img")), image).expect("the folder can be written");
    made
}

/// What happens at the terminal.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// A line is typed, after a prompt.
    Line(&'a str),
    /// `^C` is typed, 2.5 s after the line before it.
    Interrupt,
}

impl Step<'_> {
    /// The step as an input of the lab.
    fn input(self, is_first: bool) -> String {
        let (after, text, delay) = match self {
            Step::Line(line) if is_first => ("amoeba ready", format!("{line}\r"), 100),
            Step::Line(line) => ("^[$>] ", format!("{line}\r"), 100),
            Step::Interrupt => (".", "\x03".to_owned(), 2500),
        };
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        let text = text.replace('\r', "\\r").replace('\x03', "\\u0003");
        format!(
            "[[input]]\nmachine = \"server\"\nafter = '{after}'\ntext = \"{text}\"\ndevice = \"com1\"\ndelay = \"{delay}ms\"\n"
        )
    }
}

/// What is beside what every system has, each part the text of what it is added to.
#[derive(Clone, Copy, Debug, Default)]
pub struct More<'a> {
    /// The description of the server's disk.
    pub disk: &'a str,
    /// The configuration of its boot server.
    pub boot: &'a str,
    /// The lab.
    pub lab: &'a str,
}

/// A system that has run.
#[derive(Debug)]
pub struct System {
    /// The lab.
    pub runtime: Runtime,
    /// What happened.
    pub memory: Memory,
    /// What was shown behind each line that was typed.
    pub told: Vec<String>,
}

/// Runs a system with its other disks in `folder` for so many seconds.
///
/// # Panics
/// If one of the texts has an error, or a line was not typed.
#[must_use]
pub fn run(folder: &Path, more: &More<'_>, steps: &[Step<'_>], seconds: u64) -> System {
    let texts = BTreeMap::from([
        ("boot.conf", BOOT.to_owned() + more.boot),
        ("fruit", "cherry\napple\nbanana\n".to_owned()),
    ]);
    make_disk(folder, "server", &(disk() + more.disk), &texts);
    let mut text = LAB.to_owned() + more.lab;
    for (place, step) in steps.iter().enumerate() {
        text += &step.input(place == 0);
    }
    let source = LabSource::Text {
        name: "system.toml".into(),
        text,
        folder: folder.into(),
    };
    let lab = match lab::load(source, &[]) {
        Ok(loaded) => loaded.lab,
        Err(errors) => panic!("{}", errors.messages().render(false)),
    };
    let images = load_all(&lab).expect("images that are there");
    let mut runtime = Runtime::build(&lab, &images).expect("a lab that can be built");
    let memory = run_for(&mut runtime, Span::from_seconds(seconds), 1).1;
    let told = told(&memory.console(0).replace('\r', ""), steps);
    System {
        runtime,
        memory,
        told,
    }
}

fn disk() -> String {
    let mut text = DISK.to_owned();
    for program in PROGRAMS {
        text += &format!("[[file]]\nname = \"/bin/{program}\"\nfrom = \"builtin:{program}\"\n");
    }
    for (names, program) in [(&HOSTS[..], "hosts"), (&UTILITIES[..], "utilities")] {
        for name in names {
            text += &format!("[[link]]\nname = \"/bin/{name}\"\nto = \"/bin/{program}\"\n");
        }
    }
    text
}

/// What stands behind each line, up to the next one.
fn told(console: &str, steps: &[Step<'_>]) -> Vec<String> {
    let mut rest = console;
    let mut told: Vec<String> = Vec::new();
    for step in steps {
        let Step::Line(line) = step else { continue };
        let shown = format!("{line}\n");
        let (before, behind) = rest
            .split_once(&shown)
            .unwrap_or_else(|| panic!("not typed: {line}: {console}"));
        if let Some(last) = told.last_mut() {
            *last = before.trim_end_matches("$ ").to_owned();
        }
        told.push(String::new());
        rest = behind;
    }
    if let Some(last) = told.last_mut() {
        *last = rest.trim_end_matches("$ ").to_owned();
    }
    told
}
