//! What is on disks that were made: read back with the servers' own libraries.

use super::{ONE, made_from, program, sources};
use crate::layout;
use crate::store::Store;
use proto::boot::{Extent, Header, LONGEST_CONFIGURATION, Program};
use proto::capability::{Capability, Port, Private, Rights};
use proto::one_way::one_way;
use soap::directory::{Directory, Row};
use soap::table::Table;

/// A system's only disk, by its virtual disks.
struct System {
    image: Vec<u8>,
    root: Capability,
}

struct Blocks<'a>(&'a [u8]);

impl soap::Disk for Blocks<'_> {
    fn read_block(&mut self, number: u32, block: &mut [u8; 512]) -> Result<(), proto::standard::Status> {
        block.copy_from_slice(&self.0[number as usize * 512..][..512]);
        Ok(())
    }

    fn write_block(&mut self, _number: u32, _block: &[u8; 512]) -> Result<(), proto::standard::Status> {
        panic!("nothing writes");
    }
}

impl System {
    fn made(text: &str) -> Self {
        let (made, mut images) = made_from(text, &sources()).expect("good disks");
        Self {
            image: images.remove("server").expect("the disk"),
            root: made.root.expect("a directory server"),
        }
    }

    fn part(&self, object: u32) -> &[u8] {
        let (disks, faults) = layout::read(&self.image);
        assert_eq!(faults, []);
        let disk = disks
            .iter()
            .find(|disk| disk.object == object)
            .expect("the virtual disk");
        &self.image[disk.bytes()]
    }

    fn store(&self) -> Store<'_> {
        Store::open(self.part(1)).expect("a file system")
    }

    fn directory(&self, capability: &Capability) -> Directory {
        let table = Table::load(&mut Blocks(self.part(2))).expect("a super file");
        assert_eq!(capability.port, one_way(table.commit().public.port));
        let pair = table.pair(capability.private.object()).expect("a directory");
        let store = self.store();
        let bytes = store.read(&pair.0[0]).expect("its file");
        let directory = Directory::parse(bytes).expect("a directory's file");
        assert_eq!(
            capability.private.proven_rights(directory.check),
            Some(Rights::ALL)
        );
        directory
    }

    fn row(&self, path: &str) -> Row {
        let (mut directory, mut found) = (self.root, None);
        for name in path.split('/').skip(1) {
            let rows = self.directory(&directory);
            let row = rows.rows().iter().find(|row| row.name == name.as_bytes());
            let row = row.unwrap_or_else(|| panic!("{path}: no {name}")).clone();
            directory = row.set.members().next().expect("a capability").capability;
            found = Some(row);
        }
        found.expect("a path of names")
    }

    fn find(&self, path: &str) -> Capability {
        self.row(path)
            .set
            .members()
            .next()
            .expect("a capability")
            .capability
    }
}

#[test]
fn files_are_found_by_their_names_and_read_as_they_were() {
    let system = System::made(ONE);
    let store = system.store();
    for (path, contents) in [
        ("/super/unixroot/bin/ls", program()),
        ("/bin/ls", program()),
        ("/super/admin/kernel/at386", b"\x7FELF".to_vec()),
        ("/etc/motd", b"welcome".to_vec()),
        ("/super/unixroot/etc/empty", Vec::new()),
    ] {
        assert_eq!(store.read(&system.find(path)).expect(path), contents, "{path}");
    }
    let kernels = system.directory(&system.find("/bin"));
    assert_eq!(kernels.rows().len(), 1, "a kernel is no program");
    assert_eq!(system.row("/bin/ls").time, 801_824_400);
    let masks = system.row("/bin/ls").masks.map(|mask| mask.0);
    assert_eq!(masks, [0xff, 2, 2, 0]);
}

#[test]
fn hosts_are_kernel_directories_by_their_station_addresses() {
    let system = System::made(ONE);
    let secret = Port([2, 0x60, 0x8c, 0, 1, 0]);
    let kernel = Capability {
        port: one_way(secret),
        private: Private::owner(1, secret),
    };
    assert_eq!(system.find("/super/hosts/pool1"), kernel);
    assert_eq!(system.find("/profile/pool/i80386/pool1"), kernel);
    let pool = system.directory(&system.find("/profile/pool/i80386"));
    let names: Vec<&[u8]> = pool.rows().iter().map(|row| row.name.as_slice()).collect();
    assert_eq!(names, [b"pool0", b"pool1"]);
}

#[test]
fn servers_have_their_default_names() {
    let system = System::made(ONE);
    let store = system.store();
    let own = store.checked.superblock.capability;
    let bullet = system.find("/profile/cap/bulletsvr/default");
    assert_eq!((bullet.port, bullet.private), (one_way(own.port), own.private));
    assert_eq!(
        system.find("/profile/pool/.run"),
        system.find("/super/cap/runsvr/default")
    );
    assert_eq!(
        system.row("/profile/pool/.run").masks.map(|mask| mask.0),
        [0xff, 0x0f, 0x0f, 0]
    );
    let far = system.row("/home/ast/far");
    assert_eq!(far.masks.map(|mask| mask.0), [3, 1, 0, 0]);
    assert_eq!(
        system.find("/home/ast/far").to_string(),
        "1:2:3:4:5:6/7(3)/8:9:a:b:c:d"
    );
}

#[test]
fn the_boot_server_is_told_capabilities_by_their_paths() {
    let system = System::made(ONE);
    let (header, text) = crate::boot::read(system.part(3)).expect("a header");
    let run = system.find("/super/cap/runsvr/default");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], format!("cap ROOT = {};", system.root));
    let own = lines[1]
        .strip_prefix("cap RUN = ")
        .and_then(|rest| rest.strip_suffix(';'));
    let own = own.and_then(proto::capability_text::parse).expect("a capability");
    assert_eq!((one_way(own.port), own.private), (run.port, run.private));
    assert_eq!(header.binary, system.find("/bin/ls"));
    let boot = system.find("/super/cap/bootsvr/default");
    assert_eq!(
        (one_way(header.server.port), header.server.private),
        (boot.port, boot.private)
    );
    assert_eq!(Header::parse(system.part(3)), Ok(header));
}

#[test]
fn the_boot_servers_disk_has_programs_for_the_kernel_behind_room_for_another_configuration() {
    let table = "\n[[disk.server.boot.programs]]\nfrom = \"builtin:ls\"\nline = ";
    let boot = "boot = { vdisk = 3, binary = \"/bin/ls\", configuration = \"boot.conf\" }\n";
    let own = format!(
        "[disk.server.boot]\nvdisk = 3\nbinary = \"/bin/ls\"\nconfiguration = \"boot.conf\"{table}\"ls -l /bin\"{table}\"ls\"\n"
    );
    let (without, with) = (System::made(ONE), System::made(&ONE.replace(boot, &own)));
    let part = with.part(3);
    let (header, text) = crate::boot::read(part).expect("a header");
    let (plain, same) = crate::boot::read(without.part(3)).expect("a header");
    assert_eq!((plain.programs, text), (Extent::default(), same));
    assert_eq!(crate::boot::lines(&plain, without.part(3)), Ok(vec![]));
    assert_eq!(crate::boot::lines(&header, part), Ok(vec!["ls -l /bin", "ls"]));
    let Extent { size, block } = header.programs;
    let file = &part[block as usize * 512..][..size as usize];
    let programs = Program::parse_list(file, size).expect("a list");
    let programs: Vec<Program<'_>> = programs.into_iter().flatten().collect();
    assert_eq!(programs.len(), 2);
    for Program { size, offset, .. } in programs {
        assert_eq!(file[offset as usize..][..size as usize], program());
    }
    let longest = LONGEST_CONFIGURATION - 4096;
    let blocks = part.len() as u64 / 512;
    assert!(header.with_configuration(longest, blocks).is_some());
    let report = crate::check(&[("server", &with.image)]);
    assert_eq!(report.findings, []);
    let line = "server, vdisk:03: its kernel starts ls -l /bin";
    assert!(report.contents.iter().any(|told| told == line), "{report:?}");
    // A program that cannot be one is told of.
    let mut image = with.image.clone();
    let (disks, _) = layout::read(&image);
    let disk = disks
        .iter()
        .find(|disk| disk.object == 3)
        .expect("the virtual disk");
    let start = disk.bytes().start + block as usize * 512 + 512;
    image[start..start + 512].fill(0xff);
    let findings = crate::check(&[("server", &image)]).findings;
    let [finding] = &findings[..] else {
        panic!("{findings:?}");
    };
    assert!(
        finding.what.starts_with("the programs that its kernel starts: "),
        "{finding}"
    );
}

#[test]
fn the_same_seed_makes_the_same_disks_and_another_one_others() {
    let other = ONE.replace("seed = 1995", "seed = 1996");
    let [one, again, other] = [ONE, ONE, &other].map(System::made);
    assert!(one.image == again.image);
    assert!(one.image != other.image);
    assert_ne!(one.root, other.root);
    // One more file leaves the capabilities of the others as they were.
    let more = ONE.replace(
        "[[directory]]",
        "[[file]]\nname = \"/a\"\nfrom = \"etc/motd\"\n[[directory]]",
    );
    let more = System::made(&more);
    let (before, after) = (one.find("/bin/ls"), more.find("/bin/ls"));
    assert_eq!(
        (before.port, before.private.check),
        (after.port, after.private.check)
    );
}

#[test]
fn two_disks_have_copies_of_everything() {
    let text = r#"
format = 1
seed = 7
[disk.a]
size = "4MB"
bullet = { vdisk = 1 }
soap = { vdisk = 2, blocks = 9 }
boot = { vdisk = 3, configuration = "own.conf" }
[disk.b]
size = "2MB"
boot = { vdisk = 3, configuration = "own.conf" }
bullet = { vdisk = 1, store = 1, block = "1KB" }
soap = { vdisk = 2, number = 1, blocks = 9 }
[[file]]
name = "/motd"
from = "etc/motd"
"#;
    let mut sources = sources();
    sources.0.insert("own.conf", "cap M = ${/motd};");
    let (made, images) = made_from(text, &sources).expect("good disks");
    assert_eq!((made.stores.len(), made.files), (2, 1));
    let disks: Vec<(&str, &[u8])> = images
        .iter()
        .map(|(name, image)| (name.as_str(), &image[..]))
        .collect();
    for (number, (_, image)) in disks.iter().enumerate() {
        // Each machine's boot server has its own copies of files.
        let (parts, _) = layout::read(image);
        let part = parts
            .iter()
            .find(|part| part.object == 3)
            .expect("the boot server's");
        let (_, text) = crate::boot::read(&image[part.bytes()]).expect("a header");
        let motd = text
            .strip_prefix("cap M = ")
            .and_then(|rest| rest.strip_suffix(';'));
        let motd = motd
            .and_then(proto::capability_text::parse)
            .expect("a capability");
        assert_eq!(motd.port, made.stores[number].port);
    }
    let report = crate::check(&disks);
    assert_eq!(report.findings, []);
    assert!(
        report
            .contents
            .iter()
            .any(|line| line.contains("0 with one copy")),
        "{report:?}"
    );
    // With one of them alone the other's copies cannot be read, and nothing else is wrong.
    let report = crate::check(&disks[..1]);
    assert!(!report.findings.is_empty());
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.what.contains("on store 1 cannot be read"))
    );
}
