//! Which part of a disk is which virtual disk, and its bytes.

use super::{MakeError, impossible};
use crate::description::Disk;
use crate::drawn::Drawn;
use crate::layout::{self, VirtualDisk};
use crate::{SECTOR, boot};

/// The virtual disks of a disk.
pub(super) struct Division {
    boot: Option<VirtualDisk>,
    soap: Option<VirtualDisk>,
    bullet: Option<VirtualDisk>,
}

impl Division {
    /// By their numbers.
    pub(super) fn all(&self) -> Vec<VirtualDisk> {
        let mut all: Vec<VirtualDisk> = [&self.boot, &self.soap, &self.bullet]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        all.sort_by_key(|disk| disk.object);
        all
    }
}

/// Divides a disk: the label, then the boot server's part with this file of programs, the super file, and the files.
pub(super) fn divide(name: &str, disk: &Disk, programs: &[u8], drawn: Drawn) -> Result<Division, MakeError> {
    if disk.cylinder() == 0 || disk.cylinders() == 0 {
        return Err(impossible(format!("disk `{name}` has not even one cylinder")));
    }
    let end = disk.cylinders() * disk.cylinder();
    let mut next = layout::partition(disk) + 1;
    let mut take = |object: u32, sectors: u64, what: &str| {
        if object == 0 || object > 99 {
            return Err(impossible(format!(
                "disk `{name}`: virtual disks have numbers from 1 to 99"
            )));
        }
        let start = next;
        next = start
            .checked_add(sectors)
            .filter(|next| sectors > 0 && *next <= end)
            .ok_or_else(|| MakeError::NoRoom {
                disk: name.to_owned(),
                what: what.to_owned(),
            })?;
        Ok(VirtualDisk {
            object,
            check: drawn.port(&format!("check of vdisk {object} of {name}")),
            sectors: start..next,
        })
    };
    let sectors = boot::SECTORS + programs.len().div_ceil(SECTOR) as u64;
    let boot = disk
        .boot
        .as_ref()
        .map(|boot| take(boot.vdisk, sectors, "the boot server"));
    let boot = boot.transpose()?;
    let soap = disk
        .soap
        .as_ref()
        .map(|soap| take(soap.vdisk, soap.blocks.into(), "the super file"));
    let soap = soap.transpose()?;
    let used = [&boot, &soap]
        .into_iter()
        .flatten()
        .map(|disk| disk.sectors.end)
        .max();
    let left = end.saturating_sub(used.unwrap_or(layout::partition(disk) + 1));
    let bullet = disk.bullet.as_ref().map(|bullet| {
        let sectors = bullet.size.map_or(left, |bytes| bytes / SECTOR as u64);
        take(bullet.vdisk, sectors, "the file system")
    });
    let division = Division {
        boot,
        soap,
        bullet: bullet.transpose()?,
    };
    let all = division.all();
    if all.windows(2).any(|pair| pair[0].object == pair[1].object) {
        return Err(impossible(format!(
            "disk `{name}`: two virtual disks have the same number"
        )));
    }
    Ok(division)
}

/// The bytes of a disk's virtual disks.
pub(super) struct Parts<'a> {
    pub(super) boot: Option<&'a mut [u8]>,
    pub(super) soap: Option<&'a mut [u8]>,
    pub(super) bullet: Option<&'a mut [u8]>,
}

impl<'a> Parts<'a> {
    /// They lie one behind the other, in this order.
    pub(super) fn of(image: &'a mut [u8], division: &Division) -> Self {
        let (mut rest, mut start) = (image, 0);
        let mut cut = |disk: &Option<VirtualDisk>| {
            let place = disk.as_ref()?.bytes();
            let (_, behind) = std::mem::take(&mut rest).split_at_mut(place.start - start);
            let (part, behind) = behind.split_at_mut(place.len());
            (rest, start) = (behind, place.end);
            Some(part)
        };
        Self {
            boot: cut(&division.boot),
            soap: cut(&division.soap),
            bullet: cut(&division.bullet),
        }
    }
}
