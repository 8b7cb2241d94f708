//! `diskperf [-w] [-k KBYTES] [-n COUNT] NAME`: how fast the virtual disk NAME is. It reads the first KBYTES (default 512) one
//! behind the other in requests of several sizes, and COUNT times (default 50) from places all over the disk; with `-w` it writes to the
//! same places what it has read there. It tells bytes, seconds, the rate, and the time of one request.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use libamoeba::classes::disk;
use libamoeba::println;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls};
use proto::capability::Capability;
use proto::disk::SECTOR;
use proto::disk::server::LARGEST_TRANSFER;
use proto::standard::Status;

libamoeba::program!(main);

/// Logarithm of a sector's size.
const SECTOR_SIZE: u16 = 9;
/// Sectors of a request, when they come one behind the other.
const SEQUENTIAL: [u32; 4] = [1, 8, 16, (LARGEST_TRANSFER / SECTOR) as u32];
/// Sectors of a request, when they come from all over the disk.
const RANDOM: [u32; 2] = [1, 16];

/// What the arguments ask for.
struct Plan {
    disk: Capability,
    sectors: u32,
    count: u32,
    writes: bool,
    name: &'static str,
}

fn plan(arguments: &Arguments) -> Option<Plan> {
    let mut words = arguments.words().skip(1);
    let (mut kbytes, mut count, mut writes): (u32, u32, bool) = (512, 50, false);
    let name = loop {
        match words.next()? {
            "-w" => writes = true,
            "-k" => kbytes = words.next()?.parse().ok()?,
            "-n" => count = words.next()?.parse().ok()?,
            name => break name,
        }
    };
    if words.next().is_some() || kbytes == 0 || kbytes > 1 << 20 || count == 0 {
        return None;
    }
    Some(Plan {
        disk: arguments.capability(name)?,
        sectors: 2 * kbytes,
        count,
        writes,
        name,
    })
}

/// Places all over a disk, the same in every run (the generator of ANSI C's example).
#[derive(Clone)]
struct Places {
    state: u32,
    limit: u32,
}

impl Iterator for Places {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.state = self.state.wrapping_mul(1_103_515_245).wrapping_add(12345);
        Some((self.state >> 8) % self.limit)
    }
}

/// Reads, and with `-w` writes back, `length` sectors at each place.
fn measure(
    plan: &Plan,
    how: &str,
    length: u32,
    places: impl Iterator<Item = u32> + Clone,
) -> Result<(), Status> {
    let mut data = vec![0; length as usize * SECTOR];
    for writes in [false, true] {
        if writes && !plan.writes {
            continue;
        }
        let (mut count, mut passed) = (0, 0);
        for place in places.clone() {
            if writes {
                disk::read(&mut Kernel, &plan.disk, SECTOR_SIZE, place, &mut data)?;
            }
            let start = calls::milliseconds();
            if writes {
                disk::write(&mut Kernel, &plan.disk, SECTOR_SIZE, place, &data)?;
            } else {
                disk::read(&mut Kernel, &plan.disk, SECTOR_SIZE, place, &mut data)?;
            }
            passed += calls::milliseconds().wrapping_sub(start);
            count += 1;
        }
        tell(how, writes, data.len() as u32, count, passed);
    }
    Ok(())
}

fn tell(how: &str, writes: bool, length: u32, count: u32, milliseconds: u32) {
    let what = if writes { "write" } else { "read" };
    let bytes = u64::from(length) * u64::from(count);
    let rate = (bytes * 1000).checked_div(milliseconds.into()).unwrap_or(0);
    println!(
        "{how} {what} of {length}: {bytes} bytes in {}.{:03} seconds, {rate} bytes/second, {} microseconds a request",
        milliseconds / 1000,
        milliseconds % 1000,
        u64::from(milliseconds) * 1000 / u64::from(count.max(1))
    );
}

fn run(plan: &Plan) -> Result<(), Status> {
    let size = disk::size(&mut Kernel, &plan.disk, SECTOR_SIZE)?;
    println!("{}: {size} sectors", plan.name);
    for length in SEQUENTIAL {
        let end = plan.sectors.min(size) / length * length;
        measure(plan, "sequential", length, (0..end).step_by(length as usize))?;
    }
    for length in RANDOM {
        let limit = size.checked_sub(length).ok_or(Status::NoSpace)?;
        let places = Places {
            state: length,
            limit: limit.max(1),
        };
        measure(plan, "random", length, places.take(plan.count as usize))?;
    }
    Ok(())
}

fn main(arguments: &Arguments) -> i32 {
    let Some(plan) = plan(arguments) else {
        println!("usage: diskperf [-w] [-k kbytes] [-n count] name-of-disk");
        return 1;
    };
    if let Err(why) = run(&plan) {
        println!("diskperf: {why}");
        return 1;
    }
    0
}
