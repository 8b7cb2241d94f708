//! The directory servers on whole machines, started by boot servers from disks that were made for it: a program elsewhere uses them, and
//! goes on when one of two machines loses its power. The disks are good afterwards.

use std::collections::BTreeMap;
use std::path::Path;

use amoeba_disks::{Description, Made, Sources, check, make};
use clock::{Instant, Span};
use machines::image::builtin;
use machines::lab::{self, Lab, LabSource};
use machines::machine::{PowerEvent, TornSector};
use machines::runtime::Runtime;
use tests::servers::{ALONE, ONE, OTHER, both};
use tests::{Memory, run_for};

/// Files from memory, and the programs of amlab.
struct Texts(BTreeMap<&'static str, String>);

impl Sources for Texts {
    fn builtin(&self, name: &str) -> Option<std::borrow::Cow<'_, [u8]>> {
        builtin(name).map(Into::into)
    }

    fn builtins(&self) -> Vec<String> {
        Vec::new()
    }

    fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
        let text = self.0.get(path).ok_or(std::io::ErrorKind::NotFound)?;
        Ok(text.as_bytes().to_vec())
    }

    fn list(&self, _folder: &str) -> std::io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

const HEAD: &str = r#"
format = 1
[lab]
name = "soap"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[image.bullet]
path = "builtin:bullet"
[image.boot]
path = "builtin:boot_server"
[image.soap_test]
path = "builtin:soap_test"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "8MB"
cpu = { model = "386dx", clock = "40MHz", fpu = "none" }
boot = { from = "direct", image = "kernel", args = "peers=0" }
[[profile.pc.card]]
type = "3c503"
segment = "ether0"
io = 0x280
irq = 3
ram = 0xCC000
"#;

/// Makes the disks of a description in a folder.
fn make_disks(folder: &Path, description: &str, boot: [String; 2]) -> Made {
    let description = Description::parse(description).expect("a description");
    let mut images: BTreeMap<String, Vec<u8>> = description
        .disks()
        .map(|name| {
            let bytes = description.bytes(name).expect("a disk");
            (name.to_owned(), vec![0; bytes as usize])
        })
        .collect();
    let borrowed = images
        .iter_mut()
        .map(|(name, image)| (name.as_str(), image.as_mut_slice()));
    let sources = Texts(["boot0", "boot1"].into_iter().zip(boot).collect());
    let made = make(&description, &sources, borrowed.collect()).expect("good disks");
    for (name, image) in images {
        std::fs::write(folder.join(format!("{name}.img")), image).expect("the folder can be written");
    }
    made
}

/// A machine with a disk, a Bullet server and a boot server.
fn server(name: &str, number: u8) -> String {
    format!(
        r#"
[image.{name}]
path = "{name}.img"
access = "direct"
[machine.{name}]
extends = "pc"
nic = {{ mac = "02:60:8c:00:00:0{number}" }}
[[machine.{name}.disk]]
image = "{name}"
[[machine.{name}.module]]
image = "bullet"
args = "-c 1024 -t 6 vdisk:01"
[[machine.{name}.module]]
image = "boot"
"#
    )
}

fn client(arguments: &str) -> String {
    format!(
        r#"
[machine.client]
extends = "pc"
nic = {{ mac = "02:60:8c:00:00:09" }}
[[machine.client.module]]
image = "soap_test"
args = "{arguments}"
"#
    )
}

fn build(folder: &Path, parts: &[String]) -> Runtime {
    let source = LabSource::Text {
        name: "soap.toml".into(),
        text: HEAD.to_owned() + &parts.concat(),
        folder: folder.into(),
    };
    let lab: Lab = match lab::load(source, &[]) {
        Ok(loaded) => loaded.lab,
        Err(errors) => panic!("{}", errors.messages().render(false)),
    };
    let images = machines::image::load_all(&lab).expect("images that are there");
    Runtime::build(&lab, &images).expect("a lab that can be built")
}

fn expect(memory: &Memory, machine: usize, lines: &[&str]) {
    let console = memory.console(machine);
    for line in lines {
        assert!(console.lines().any(|told| told == *line), "{line}: {console}");
    }
    for word in ["FAILED", "kernel stopped", "exception", "panicked"] {
        assert!(!console.contains(word), "{console}");
    }
}

/// What is wrong with disks.
fn findings(folder: &Path, names: &[&str]) -> Vec<String> {
    let images: Vec<(&str, Vec<u8>)> = names
        .iter()
        .map(|name| {
            let image = std::fs::read(folder.join(format!("{name}.img"))).expect("an image");
            (*name, image)
        })
        .collect();
    let borrowed: Vec<(&str, &[u8])> = images.iter().map(|(name, image)| (*name, &image[..])).collect();
    let report = check(&borrowed);
    report.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_program_elsewhere_makes_changes_and_removes_directories() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = make_disks(folder.path(), ONE, [ALONE.into(), String::new()]);
    let root = made.root.expect("a directory server").to_string();
    let mut runtime = build(folder.path(), &[server("a", 1), client(&root)]);
    let memory = run_for(&mut runtime, Span::from_seconds(20), 1).1;
    expect(
        &memory,
        0,
        &[
            "boot: bullet is up",
            "soap: serving",
            "boot: soap is up",
            "amoeba ready",
        ],
    );
    expect(&memory, 1, &["TEST OK", "soap_test exited with status 0"]);
    assert_eq!(findings(folder.path(), &["a"]), [""; 0]);
}

/// The number that stands before `word` in a line of the client's.
fn number_before(console: &str, word: &str) -> u32 {
    let words: Vec<&str> = console.split_whitespace().collect();
    let place = words.windows(2).position(|pair| pair[1] == word);
    let number = place.and_then(|place| words[place].parse().ok());
    number.unwrap_or_else(|| panic!("a number before {word}: {console}"))
}

/// One machine of two loses its power while names are added, and gets it back; then the other one does.
#[test]
fn updates_and_lookups_go_on_with_one_server_of_two_and_the_other_catches_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let description = ONE.to_owned() + OTHER;
    let made = make_disks(folder.path(), &description, both());
    let root = made.root.expect("a directory server");
    let parts = [server("a", 1), server("b", 2), client(&format!("-t 120 {root}"))];
    let mut runtime = build(folder.path(), &parts);
    for (machine, off, on) in [(0, 15, 60), (1, 90, 105)] {
        let at = |seconds| Instant::START + Span::from_seconds(seconds);
        runtime.schedule_power(machine, at(off), PowerEvent::Off(TornSector::Old));
        runtime.schedule_power(machine, at(on), PowerEvent::On);
    }
    let memory = run_for(&mut runtime, Span::from_seconds(170), 1).1;
    expect(&memory, 2, &["TEST OK", "soap_test exited with status 0"]);
    for machine in 0..2 {
        let console = memory.console(machine);
        let served = console.lines().filter(|line| *line == "soap: serving").count();
        assert_eq!(served, 2, "it serves again after the cut: {console}");
    }
    let console = memory.console(2);
    // A client's kernel notices a silent server in some 13 s, its server the other one in three tries of 10 s each.
    let longest: Vec<u32> = console
        .lines()
        .filter(|line| line.contains("the longest update"))
        .flat_map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()))
        .collect();
    let [names, update, lookup] = longest[..] else {
        panic!("{console}")
    };
    assert_eq!(names, number_before(&console, "names,"));
    assert!(names > 60, "{console}");
    assert!((20_000..60_000).contains(&update), "{console}");
    assert!(lookup < 30_000, "{console}");
    assert_eq!(findings(folder.path(), &["a", "b"]), [""; 0]);
}
