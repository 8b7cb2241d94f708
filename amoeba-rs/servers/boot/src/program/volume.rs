//! The boot server's virtual disk.

use super::names::Environment;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use boot_server::{Configuration, processes};
use libamoeba::classes::disk;
use libamoeba::println;
use libamoeba::system::Kernel;
use proto::boot::{Extent, Header};
use proto::capability::Capability;
use proto::disk::SECTOR;
use proto::disk::server::LEAST_BLOCK;
use proto::standard::Status;

/// Virtual disks have numbers up to this one.
const LAST_DISK: u32 = 99;

/// The disk, and what it begins with.
pub(super) struct Volume {
    disk: Capability,
    pub(super) header: Header,
}

fn header(disk: &Capability) -> Result<Header, String> {
    let mut sector = [0; SECTOR];
    disk::read(&mut Kernel, disk, LEAST_BLOCK, 0, &mut sector).map_err(|status| format!("{status}"))?;
    Header::parse(&sector).map_err(|error| format!("{error}"))
}

impl Volume {
    /// The disk of that name, or else the first that is a boot server's.
    pub(super) fn open(environment: &Environment, name: Option<&str>) -> Result<Volume, String> {
        if let Some(name) = name {
            let disk = environment
                .given(name)
                .ok_or_else(|| format!("there is no {name}"))?;
            let header = header(&disk).map_err(|why| format!("{name}: {why}"))?;
            return Ok(Volume { disk, header });
        }
        let names = (1..=LAST_DISK).map(|number| format!("vdisk:{number:02}"));
        let mut disks = names.filter_map(|name| environment.given(&name));
        let found = disks.find_map(|disk| Some((disk, header(&disk).ok()?)));
        let (disk, header) = found.ok_or("no virtual disk begins as a boot server's does")?;
        Ok(Volume { disk, header })
    }

    /// The first sector of a file, and how many it has.
    fn place(&self, extent: Extent) -> Result<(u32, usize), Status> {
        let shift = self.header.block_shift - u32::from(LEAST_BLOCK);
        let first = extent.block.checked_mul(1 << shift).ok_or(Status::BadArgument)?;
        Ok((first, (extent.size as usize).div_ceil(SECTOR)))
    }

    fn read(&self, extent: Extent) -> Result<Vec<u8>, Status> {
        let (first, sectors) = self.place(extent)?;
        let mut bytes = vec![0; sectors * SECTOR];
        disk::read(&mut Kernel, &self.disk, LEAST_BLOCK, first, &mut bytes)?;
        bytes.truncate(extent.size as usize);
        Ok(bytes)
    }

    /// The configuration, as the disk holds it now.
    pub(super) fn configuration(&self) -> Result<Configuration, String> {
        let header = header(&self.disk)?;
        let bytes = self
            .read(header.configuration)
            .map_err(|status| format!("the configuration: {status}"))?;
        let text = core::str::from_utf8(&bytes).map_err(|_| "the configuration is no text")?;
        Configuration::parse(text).map_err(|error| format!("the configuration: {error}"))
    }

    /// What was written down about processes.
    pub(super) fn processes(&self) -> Vec<(String, Capability)> {
        self.read(self.header.processes)
            .map_or_else(|_| Vec::new(), |bytes| processes::parse(&bytes))
    }

    /// Writes down which processes run.
    pub(super) fn write_processes(&self, running: &[(String, Capability)]) {
        let all = running.iter().map(|(name, process)| (name.as_str(), *process));
        let written = processes::emit(all, self.header.processes.size as usize)
            .ok_or(Status::NoSpace)
            .and_then(|mut bytes| {
                // Sectors behind the last entry do not matter.
                let length: usize = running.iter().map(|(name, _)| name.len() + 17).sum();
                bytes.truncate((length + 2).next_multiple_of(SECTOR).min(bytes.len()));
                let (first, _) = self.place(self.header.processes)?;
                disk::write(&mut Kernel, &self.disk, LEAST_BLOCK, first, &bytes)
            });
        if let Err(status) = written {
            println!("boot: processes cannot be written down: {status}");
        }
    }
}
