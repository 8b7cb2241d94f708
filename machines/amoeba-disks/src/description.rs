//! What the TOML file of a set of disks says.
//!
//! README.md tells its keys. Names of fields here are those keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;

use crate::SECTOR;

/// A set of disks that belong together, and the names that are found on them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The format's number.
    #[serde(deserialize_with = "one")]
    pub(crate) format: u32,
    /// All ports and check fields are drawn from it.
    pub(crate) seed: u64,
    /// When the rows of directories were entered, in seconds since 1970.
    #[serde(default, deserialize_with = "moment")]
    pub(crate) time: u32,
    /// The disks by their names.
    pub(crate) disk: BTreeMap<String, Disk>,
    /// Machines whose kernel directories have names.
    #[serde(default)]
    pub(crate) host: Vec<Host>,
    /// Files.
    #[serde(default)]
    pub(crate) file: Vec<File>,
    /// Programs and folders of files.
    #[serde(default)]
    pub(crate) folder: Vec<Folder>,
    /// Directories.
    #[serde(default)]
    pub(crate) directory: Vec<Directory>,
    /// Further names.
    #[serde(default)]
    pub(crate) link: Vec<Link>,
    /// Servers whose ports are drawn.
    #[serde(default)]
    pub(crate) server: Vec<Server>,
}

/// A disk of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Disk {
    /// Bytes, rounded down to whole cylinders.
    #[serde(deserialize_with = "size")]
    pub(crate) size: u64,
    #[serde(default = "heads")]
    pub(crate) heads: u16,
    #[serde(default = "track")]
    pub(crate) sectors: u16,
    pub(crate) bullet: Option<Bullet>,
    pub(crate) soap: Option<Soap>,
    pub(crate) boot: Option<Boot>,
}

/// A virtual disk with a Bullet file system.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bullet {
    pub(crate) vdisk: u32,
    /// Which store of the directory servers it is, 0 or 1.
    #[serde(default)]
    pub(crate) store: usize,
    /// Bytes; what the disk's other virtual disks leave if it is not given.
    #[serde(default, deserialize_with = "optional_size")]
    pub(crate) size: Option<u64>,
    /// Bytes of a block.
    #[serde(default = "block", deserialize_with = "size")]
    pub(crate) block: u64,
    pub(crate) inodes: Option<u32>,
}

/// A virtual disk with a super file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Soap {
    pub(crate) vdisk: u32,
    /// Which of the two directory servers it is for.
    #[serde(default)]
    pub(crate) number: usize,
    /// Blocks of the super file, of which all but one hold sixteen directories each.
    #[serde(default = "soap_blocks")]
    pub(crate) blocks: u16,
}

/// A virtual disk of the boot server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Boot {
    pub(crate) vdisk: u32,
    /// The path of the boot server's executable file in the name space.
    pub(crate) binary: Option<String>,
    /// The configuration's file, from the description's folder.
    pub(crate) configuration: String,
    /// What the machine's kernel starts if its loader brings nothing.
    #[serde(default)]
    pub(crate) programs: Vec<Program>,
}

/// A program that lies on a virtual disk of the boot server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Program {
    /// `builtin:NAME`, or a file from the description's folder.
    pub(crate) from: String,
    /// Its name and arguments.
    pub(crate) line: String,
}

/// Machines with consecutive station addresses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Host {
    pub(crate) name: String,
    #[serde(deserialize_with = "station")]
    pub(crate) mac: [u8; 6],
    /// Several machines: the name and a number from 0 on, and the addresses behind the first.
    pub(crate) count: Option<u32>,
    /// The architecture of the pool that they belong to, such as `i80386`.
    pub(crate) pool: Option<String>,
}

/// A file of the name space.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) name: String,
    /// `builtin:NAME`, or a file from the description's folder.
    pub(crate) from: String,
}

/// A directory of files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Folder {
    pub(crate) name: String,
    /// `builtin` for all programs of amlab's, or a folder from the description's.
    pub(crate) from: String,
}

/// A directory of the name space.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Directory {
    pub(crate) name: String,
}

/// One more name of an object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    pub(crate) name: String,
    /// A path, or a capability in writing.
    pub(crate) to: String,
    /// Rights for owner, group and others, in hexadecimal, such as `ff:0f:0f`.
    #[serde(default, deserialize_with = "rights")]
    pub(crate) rights: Option<[u8; 3]>,
}

/// A server whose ports are drawn and told to it by the boot server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) name: String,
    /// As for a [`Link`].
    #[serde(default, deserialize_with = "rights")]
    pub(crate) rights: Option<[u8; 3]>,
}

fn heads() -> u16 {
    16
}

fn track() -> u16 {
    63
}

fn block() -> u64 {
    SECTOR as u64
}

fn soap_blocks() -> u16 {
    65
}

/// Why a description is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct DescriptionError(String);

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn parse(text: &str) -> Result<Self, DescriptionError> {
        toml::from_str(text).map_err(|error| DescriptionError(error.to_string().trim_end().to_owned()))
    }

    /// The names of its disks.
    pub fn disks(&self) -> impl Iterator<Item = &str> {
        self.disk.keys().map(String::as_str)
    }

    /// The bytes of a disk, whole cylinders; `None` if there is none of that name.
    #[must_use]
    pub fn bytes(&self, disk: &str) -> Option<u64> {
        self.disk.get(disk).map(Disk::bytes)
    }

    /// All hosts, counts unrolled: name, station address, architecture of their pool.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (String, [u8; 6], Option<&str>)> {
        self.host.iter().flat_map(|host| {
            (0..host.count.unwrap_or(1)).map(move |number| {
                let name = match host.count {
                    Some(_) => format!("{}{number}", host.name),
                    None => host.name.clone(),
                };
                (name, add(host.mac, number), host.pool.as_deref())
            })
        })
    }
}

impl Disk {
    pub(crate) fn cylinder(&self) -> u64 {
        u64::from(self.heads) * u64::from(self.sectors)
    }

    pub(crate) fn cylinders(&self) -> u64 {
        let bytes = self.cylinder() * SECTOR as u64;
        self.size.checked_div(bytes).unwrap_or(0)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.cylinders() * self.cylinder() * SECTOR as u64
    }
}

/// The station address so many behind another one.
fn add(mac: [u8; 6], number: u32) -> [u8; 6] {
    let mut bytes = [0; 8];
    bytes[2..].copy_from_slice(&mac);
    let [_, _, sum @ ..] = (u64::from_be_bytes(bytes) + u64::from(number)).to_be_bytes();
    sum
}

fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        1 => Ok(1),
        other => Err(de::Error::custom(format!("format {other} is unknown, this is 1"))),
    }
}

fn text<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    expected: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    read(&text).ok_or_else(|| de::Error::custom(format!("`{text}` is not {expected}")))
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    text(deserializer, "a size such as \"64KB\" or \"100MB\"", parse_size)
}

fn optional_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    size(deserializer).map(Some)
}

fn parse_size(text: &str) -> Option<u64> {
    let units = [("GB", 30), ("MB", 20), ("KB", 10), ("B", 0)];
    let (number, shift) = units
        .iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)))?;
    let number: u64 = number.trim_end().parse().ok()?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    text(
        deserializer,
        "a point of UTC time such as \"1995-05-30T09:00:00Z\"",
        |text| {
            let moment: jiff::Timestamp = text.parse().ok()?;
            u32::try_from(moment.as_second()).ok()
        },
    )
}

fn station<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 6], D::Error> {
    text(
        deserializer,
        "a station address such as \"02:60:8c:00:00:01\"",
        |text| {
            let port = proto::capability_text::parse_port(text)?;
            (port.0[0] & 1 == 0).then_some(port.0)
        },
    )
}

fn rights<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[u8; 3]>, D::Error> {
    text(deserializer, "rights such as \"ff:0f:0f\"", |text| {
        let mut rights = [0; 3];
        let mut words = text.split(':');
        for mask in &mut rights {
            *mask = u8::from_str_radix(words.next()?, 16).ok()?;
        }
        words.next().is_none().then_some(rights)
    })
    .map(Some)
}
