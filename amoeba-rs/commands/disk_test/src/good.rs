//! Requests that do what they say.

use alloc::vec;
use alloc::vec::Vec;
use libamoeba::classes::disk;
use libamoeba::standard;
use libamoeba::system::Kernel;
use libamoeba::system::trial::equal;
use proto::capability::Capability;
use proto::disk::SECTOR;
use proto::disk::server::{LARGEST_TRANSFER, Piece};

/// Sectors at the end of the disk that are written.
const WRITTEN: u32 = 64;

fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length)
        .map(|place| (place / 3 + place / SECTOR * 7 + seed) as u8)
        .collect()
}

pub(crate) fn run(disk: &Capability) {
    let mut line = [0; 60];
    let length = standard::info(&mut Kernel, disk, &mut line).unwrap_or(0);
    equal(line[..length].starts_with(b"@ "), true, "STD_INFO of a disk");
    equal(standard::touch(&mut Kernel, disk), Ok(()), "STD_TOUCH");
    let Ok(sectors) = disk::size(&mut Kernel, disk, 9) else {
        equal(false, true, "DS_SIZE");
        return;
    };
    shape(disk, sectors);
    let first = sectors - WRITTEN;
    let all = pattern(WRITTEN as usize * SECTOR, 1);
    equal(
        all.len() > LARGEST_TRANSFER,
        true,
        "it takes more than one request",
    );
    equal(disk::write(&mut Kernel, disk, 9, first, &all), Ok(()), "DS_WRITE");
    let mut back = vec![0; all.len()];
    equal(
        disk::read(&mut Kernel, disk, 9, first, &mut back),
        Ok(()),
        "DS_READ",
    );
    equal(back == all, true, "what was written is read");
    // One sector in the middle, and then blocks of every size round it.
    let middle = first + 21;
    let one = pattern(SECTOR, 99);
    equal(
        disk::write(&mut Kernel, disk, 9, middle, &one),
        Ok(()),
        "one sector",
    );
    let mut all = all;
    all[21 * SECTOR..22 * SECTOR].copy_from_slice(&one);
    for size in 9..=14 {
        let block = 1_usize << size;
        // The first whole block in the part that was written.
        let number = (first as usize * SECTOR).div_ceil(block);
        let place = number * block - first as usize * SECTOR;
        let mut back = vec![0; block];
        equal(
            disk::read(&mut Kernel, disk, size, number as u32, &mut back),
            Ok(()),
            "a block",
        );
        equal(back == all[place..place + block], true, "what a block holds");
    }
}

/// What the disk says of itself agrees.
fn shape(disk: &Capability, sectors: u32) {
    for size in 9..=31 {
        let expected = u64::from(sectors) >> (size - 9);
        equal(
            disk::size(&mut Kernel, disk, size).map(u64::from),
            Ok(expected),
            "DS_SIZE in blocks",
        );
    }
    let nothing = Piece {
        unit: 0,
        first: 0,
        count: 0,
    };
    let mut pieces = [nothing; 8];
    let count = disk::info(&mut Kernel, disk, &mut pieces).unwrap_or(0);
    let sum: u32 = pieces[..count].iter().map(|piece| piece.count).sum();
    equal(sum, sectors, "DS_INFO tells all sectors");
    let geometry = disk::geometry(&mut Kernel, disk);
    let sector_bytes = geometry.map(|geometry| geometry.sector_bytes);
    equal(sector_bytes, Ok(SECTOR as u16), "DS_GETGEOMETRY");
}
