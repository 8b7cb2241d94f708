//! A system that comes up from its disk: `server` has files, directories and a shell at COM1, which is typed at, and other machines stand beside
//! it.

use clock::{Instant, Span};
use machines::runtime::Runtime;

use crate::Memory;
use crate::amoeba::{Laboratory, Pc};
use crate::made_disks::made;

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
const UTILITIES: [&str; 18] = [
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
    "std_destroy",
    "std_info",
    "std_restrict",
    "std_status",
    "std_touch",
    "wc",
];

/// What the file server is told.
const BULLET: &str = "-c 1024 -t 6 vdisk:01";

/// What every system's disk description begins with.
const DISK: &str = r#"
format = 1
seed = 1995
time = "1995-05-30T09:00:00Z"
[disk.server]
size = "8MB"
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
    /// The server's loader brings the kernel alone, which starts what the server's disk has.
    pub has_kernel_alone: bool,
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
    run_disturbed(more, steps, seconds, |_, _| ())
}

/// As [`run`], where the beginning is up to `disturb`: it may run the lab to where something is to happen, with that memory, and have it happen.
///
/// # Panics
/// As there.
#[must_use]
pub fn run_disturbed(
    more: &More<'_>,
    steps: &[Step<'_>],
    seconds: u64,
    disturb: impl FnOnce(&mut Runtime, &mut Memory),
) -> System {
    let boot = BOOT.to_owned() + more.boot;
    let texts = [("boot.conf", &*boot), ("fruit", "cherry\napple\nbanana\n")];
    let (_, mut images) = made(&(disk(more.has_kernel_alone) + more.disk), &texts);
    let disk = images.remove("server").unwrap_or_default();
    let server = Pc::new("server").memory(8).disk("server", disk);
    let server = if more.has_kernel_alone {
        server
    } else {
        server.program("bullet", BULLET).program("boot", "")
    };
    let pcs = [server].into_iter().chain(more.pcs.iter().cloned());
    let mut lab = Laboratory::new(pcs)
        .rename("boot_server", "boot")
        .tables(more.tables);
    for (place, step) in steps.iter().enumerate() {
        lab = step.add(lab, place == 0);
    }
    let stage = lab.stage();
    let (mut runtime, mut memory) = (stage.start(), Memory::default());
    disturb(&mut runtime, &mut memory);
    runtime.run(Instant::START + Span::from_seconds(seconds), 1, &mut memory);
    let told = told(&memory.console(0).replace('\r', ""), steps);
    System {
        runtime,
        memory,
        told,
    }
}

fn disk(has_programs: bool) -> String {
    let mut text = DISK.to_owned() + "[disk.server.boot]\nvdisk = 3\nconfiguration = \"boot.conf\"\n";
    if has_programs {
        let line = format!("bullet {BULLET}");
        for (program, line) in [("bullet", line.as_str()), ("boot_server", "boot")] {
            text +=
                &format!("[[disk.server.boot.programs]]\nfrom = \"builtin:{program}\"\nline = \"{line}\"\n");
        }
    }
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
