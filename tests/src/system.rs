//! A system that comes up from its disk: `server` has files, directories and a shell at COM1, which is typed at, and other machines stand beside
//! it.

use clock::Span;
use machines::runtime::Runtime;

use crate::amoeba::{Laboratory, Pc};
use crate::made_disks::made;
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

/// What happens at the terminal.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// A line is typed, after a prompt.
    Line(&'a str),
    /// `^C` is typed, 2.5 s after the line before it.
    Interrupt,
}

impl Step<'_> {
    /// The lab in which it happens.
    fn add(self, lab: Laboratory, is_first: bool) -> Laboratory {
        let (after, text, delay) = match self {
            Step::Line(line) if is_first => ("amoeba ready", format!("{line}\r"), 100),
            Step::Line(line) => ("^[$>] ", format!("{line}\r"), 100),
            Step::Interrupt => (".", "\x03".to_owned(), 2500),
        };
        lab.types("server", "com1", after, Span::from_milliseconds(delay), &text)
    }
}

/// What is beside what every system has.
#[derive(Clone, Debug, Default)]
pub struct More<'a> {
    /// Tables of the description of the server's disk.
    pub disk: &'a str,
    /// The end of the configuration of its boot server.
    pub boot: &'a str,
    /// Other machines.
    pub pcs: Vec<Pc>,
    /// Tables of the lab file.
    pub tables: &'a str,
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

/// Runs a system for so many seconds.
///
/// # Panics
/// If one of the texts has an error, or a line was not typed.
#[must_use]
pub fn run(more: &More<'_>, steps: &[Step<'_>], seconds: u64) -> System {
    let boot = BOOT.to_owned() + more.boot;
    let texts = [("boot.conf", &*boot), ("fruit", "cherry\napple\nbanana\n")];
    let (_, mut images) = made(&(disk() + more.disk), &texts);
    let server = Pc::new("server")
        .memory(8)
        .program("bullet", "-c 1024 -t 6 vdisk:01")
        .program("boot", "")
        .disk("server", images.remove("server").unwrap_or_default());
    let pcs = [server].into_iter().chain(more.pcs.iter().cloned());
    let mut lab = Laboratory::new(pcs)
        .rename("boot_server", "boot")
        .tables(more.tables);
    for (place, step) in steps.iter().enumerate() {
        lab = step.add(lab, place == 0);
    }
    let stage = lab.stage();
    let mut runtime = stage.start();
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
