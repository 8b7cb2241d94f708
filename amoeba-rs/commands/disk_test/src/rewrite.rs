//! Sectors that are written again and again, each time with the next number, so that after a power cut it shows how far the
//! writing had got: a sector is old, new or cannot be read, and nothing else.

use alloc::vec;
use alloc::vec::Vec;
use libamoeba::classes::disk;
use libamoeba::println;
use libamoeba::system::Kernel;
use proto::capability::Capability;
use proto::disk::SECTOR;
use proto::standard::Status;

/// Sectors that are written, in one request after the other.
const SECTORS: u32 = 116;

/// What a sector holds in a round of writing; before the first round it holds zeros.
fn contents(sector: u32, round: u32) -> Vec<u8> {
    if round == 0 {
        return vec![0; SECTOR];
    }
    let words = (0..SECTOR as u32 / 4).map(|place| match place % 3 {
        0 => round,
        1 => sector,
        _ => round.wrapping_mul(31) ^ sector << 8 ^ place,
    });
    words.flat_map(u32::to_le_bytes).collect()
}

/// The rounds in which sectors were written last; `None` for one that cannot be read.
fn rounds(disk: &Capability) -> Result<Vec<Option<u32>>, Status> {
    let mut rounds = Vec::new();
    let mut data = vec![0; SECTOR];
    for sector in 0..SECTORS {
        match disk::read(&mut Kernel, disk, 9, sector, &mut data) {
            Ok(()) => {
                let round = data.first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
                if data != contents(sector, round) {
                    println!("TEST FAILED: sector {sector} is neither old nor new");
                    return Err(Status::SystemError);
                }
                rounds.push(Some(round));
            }
            Err(Status::SystemError) => rounds.push(None),
            Err(why) => return Err(why),
        }
    }
    Ok(rounds)
}

/// Tells what is there, and in which round to go on; an error if there is what no power cut leaves.
fn inspect(disk: &Capability) -> Result<u32, Status> {
    let rounds = rounds(disk)?;
    let known = rounds.iter().flatten();
    let (oldest, newest) = (known.clone().min().unwrap_or(&0), known.max().unwrap_or(&0));
    let count = |wanted: Option<u32>| rounds.iter().filter(|round| **round == wanted).count();
    println!(
        "disk_test: {} sectors of round {newest}, {} of round {oldest}, {} unreadable",
        count(Some(*newest)),
        if oldest == newest { 0 } else { count(Some(*oldest)) },
        count(None)
    );
    let is_step = newest - oldest <= 1;
    // The newer ones come first, for they are written in this order.
    let first_old = rounds
        .iter()
        .position(|round| *round == Some(*oldest))
        .unwrap_or(0);
    let is_in_order = oldest == newest || rounds[first_old..].iter().all(|round| *round != Some(*newest));
    if !is_step || !is_in_order || count(None) > 1 {
        println!("TEST FAILED: no power cut leaves a disk so");
        return Err(Status::SystemError);
    }
    Ok(*newest)
}

fn write_for_ever(disk: &Capability, mut round: u32) -> Result<(), Status> {
    loop {
        round += 1;
        let data: Vec<u8> = (0..SECTORS).flat_map(|sector| contents(sector, round)).collect();
        disk::write(&mut Kernel, disk, 9, 0, &data)?;
    }
}

pub(crate) fn run(disk: &Capability) -> i32 {
    let done = inspect(disk).and_then(|round| write_for_ever(disk, round));
    if let Err(why) = done {
        println!("disk_test: {why}");
    }
    1
}
