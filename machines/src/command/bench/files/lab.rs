//! The lab: a file server and a machine of the pool, as in the paper on migration, on one Ethernet.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use amoeba_disks::Description;
use proto::capability::Capability;

use super::plan::Plan;
use crate::command::arguments::BenchCard;
use crate::command::bench::migration::lab::{address, module};
use crate::image::ImageBytes;
use crate::made_disk;

/// The disk: a Bullet file system without files.
const DISK: &str = "format = 1\nseed = 1995\n[disk.server]\nsize = \"100MB\"\nbullet = { vdisk = 1 }\n";
/// Its name there.
const DISK_NAME: &str = "server";
/// The server's cache, in Kbytes: the smallest with which Amoeba's own server starts.
const CACHE_KBYTES: u32 = 3072;
/// The port of the server of transactions.
const PORT: &str = "perf";
/// The name of the machine that asks, and the last byte of its station address.
pub(super) const POOL: (&str, u8) = ("pool", 0x10);
/// The same of the server.
const SERVER: (&str, u8) = ("server", 1);

/// What both machines have.
const HEAD: &str = r#"
format = 1
[lab]
name = "bench-files"
seed = 1995
[time]
rtc = "1995-05-30T09:00:00Z"
[segment.ether0]
kind = "10base2"
length = "30m"
[image.bullet]
path = "builtin:bullet"
[image.rpc_server]
path = "builtin:rpc_server"
[image.fileperf]
path = "builtin:fileperf"
[profile.pc]
memory = "8MB"
cpu = { model = "386dx", clock = "40MHz", fpu = "none" }
isa = { clock = "8MHz" }
boot = { from = "direct", image = "kernel", args = "peers=0" }
"#;

/// What makes the server a 386/33 with an ST3120A.
const SERVER_PARTS: &str = r#"cpu = { clock = "33MHz" }
isa = { clock = "25/3MHz" }
[[machine.server.disk]]
image = "disk"
model = "st3120a"
"#;

/// The image of the disk in the lab.
pub(super) const DISK_IMAGE: &str = "disk";

/// The server's disk, and the capability of its Bullet server.
pub(super) struct Disk {
    /// What is on it.
    pub(super) image: ImageBytes,
    server: Capability,
}

impl Disk {
    /// Makes it.
    ///
    /// # Errors
    /// The host has no memory for it.
    pub(super) fn new() -> Result<Self, made_disk::Error> {
        let description = Description::parse(DISK).expect("a good description");
        let (mut images, made) = made_disk::make_described(&description, Path::new("disk.toml"))?;
        let memory = images.remove(DISK_NAME).expect("the described disk");
        Ok(Self {
            image: ImageBytes::sparse(memory).map_err(made_disk::Error::Memory)?,
            server: made.stores[0],
        })
    }

    /// The lab file with that disk as a blank one, for which its image is to stand in.
    pub(super) fn lab(&self, plan: &Plan, card: BenchCard) -> String {
        let kernel = plan
            .kernel
            .as_ref()
            .map_or_else(|| PathBuf::from("builtin:kernel"), Clone::clone);
        let mut text = HEAD.to_owned();
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "[image.kernel]\npath = {:?}\n[image.{DISK_IMAGE}]\nblank = \"{}B\"\n\
             [[profile.pc.card]]\ntype = \"{}\"\nsegment = \"ether0\"\nirq = 3\n{}\n",
            kernel.to_string_lossy(),
            self.image.len(),
            card.word(),
            card.settings()
        );
        for ((name, number), parts) in [(SERVER, SERVER_PARTS), (POOL, "")] {
            let _ = write!(
                text,
                "[machine.{name}]\nextends = \"pc\"\nnic = {{ mac = \"{}\" }}\n{parts}",
                address(number)
            );
        }
        module(
            &mut text,
            SERVER.0,
            "bullet",
            &format!("-c {CACHE_KBYTES} vdisk:01"),
        );
        module(&mut text, SERVER.0, "rpc_server", &format!("{PORT} 30000"));
        let sizes: Vec<String> = plan.sizes.iter().map(u32::to_string).collect();
        let arguments = format!("-c {CACHE_KBYTES} {} {PORT} {}", self.server, sizes.join(" "));
        module(&mut text, POOL.0, "fileperf", &arguments);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{LabSource, load};

    #[test]
    fn every_card_has_a_good_lab_with_a_disk_of_the_same_size() {
        let disk = Disk::new().expect("memory");
        for card in [BenchCard::EtherLink2, BenchCard::Ne1000, BenchCard::Ne2000] {
            let source = LabSource::Text {
                name: "bench".into(),
                text: disk.lab(&Plan::of(&[1, 4096]), card),
                folder: "".into(),
            };
            let lab = load(source, &[])
                .unwrap_or_else(|errors| panic!("{}", errors.messages().render(false)))
                .lab;
            let names: Vec<&str> = lab.machines.iter().map(|machine| &*machine.name).collect();
            assert_eq!(names, [SERVER.0, POOL.0]);
            let blank = lab.images.iter().find(|image| image.name == DISK_IMAGE);
            let length = disk.image.len() as u64;
            assert_eq!(
                blank.map(|image| &image.source),
                Some(&crate::lab::ImageSource::Blank(length))
            );
        }
    }
}
