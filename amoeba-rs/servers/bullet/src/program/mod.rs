//! The program: memory for the cache, threads, and the sweeper.

mod machine;

use alloc::boxed::Box;
use alloc::vec;
use bullet::Engine;
use bullet::check::{Error, superblock};
use core::num::NonZeroU32;
use libamoeba::classes::process;
use libamoeba::directory;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls, thread};
use libamoeba::{Transactions, println};
use machine::Machine;
use proto::bullet::SWEEP_MILLISECONDS;
use proto::bullet::disk::INODES_OF_SECTOR;
use proto::capability::{Capability, Rights};
use proto::capability_set::CapabilitySet;
use proto::message::LARGEST_BUFFER;
use proto::process::SegmentKind;
use proto::soap::{Failure, Masks};
use proto::standard::Status;

/// The name of the disk in the program's environment.
const DISK: &str = "BULLET_VDISK";
/// How many requests are served at a time, if their memory is not more than a third of what is free.
const THREADS: u32 = 30;
/// Stack of a thread, in bytes.
const STACK: usize = 16 << 10;
/// Memory that is left to others and to this program's heap, in bytes. On a machine with little memory it is half of that.
const RESERVE: u32 = 3 << 20;
/// What the program itself needs: for a thread, its stack, its request and what the kernel has of it; for an inode, while the disk is
/// checked; for everything else.
const THREAD_MEMORY: u32 = STACK as u32 + LARGEST_BUFFER.next_power_of_two() as u32 + (16 << 10);
const INODE_MEMORY: u32 = 128;
const OTHER_MEMORY: u32 = 512 << 10;
/// Where the cache is mapped: between heap and stack.
const CACHE: u32 = 0x6000_0000;
/// The largest cache that fits there, in bytes.
const LARGEST_CACHE: u32 = 0x1f00_0000;
/// The least cache with which the server starts, in bytes.
const LEAST_CACHE: u32 = 64 << 10;

/// What the arguments say.
struct Options<'a> {
    cache: Option<NonZeroU32>,
    threads: Option<NonZeroU32>,
    disk: &'a str,
}

fn options<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Options<'a>> {
    let mut options = Options {
        cache: None,
        threads: None,
        disk: DISK,
    };
    while let Some(word) = words.next() {
        match word {
            "-c" => options.cache = Some(words.next()?.parse().ok()?),
            "-t" => options.threads = Some(words.next()?.parse().ok()?),
            _ if word.starts_with('-') => return None,
            _ => options.disk = word,
        }
    }
    Some(options)
}

/// Memory for the cache: so many kilobytes, or of `free` bytes all but a reserve, which is `needed` bytes at least.
fn cache(kilobytes: Option<NonZeroU32>, free: u32, needed: u32) -> Option<&'static mut [u8]> {
    let reserve = (free / 2).min(RESERVE).max(needed);
    let wanted = kilobytes.map_or(free.saturating_sub(reserve), |kilobytes| {
        kilobytes.get().saturating_mul(1024)
    });
    let mut length = wanted.min(LARGEST_CACHE);
    while length >= LEAST_CACHE {
        let kind = SegmentKind::DATA | SegmentKind::READ_WRITE;
        // SAFETY: nothing else of this program lies between its heap and its stack.
        let number = unsafe { calls::map(&Capability::NULL, CACHE, length, kind) };
        if number >= 0 {
            // SAFETY: the segment is mapped there, holds zeros, and is this slice's alone as long as the program runs.
            return Some(unsafe { core::slice::from_raw_parts_mut(CACHE as *mut u8, length as usize) });
        }
        if kilobytes.is_some() {
            break;
        }
        // Free memory need not be in one piece.
        length -= length / 8;
    }
    None
}

/// Serves requests, one after the other.
fn serve(engine: &Engine<'static, Machine>) {
    let mut data = vec![0; LARGEST_BUFFER];
    loop {
        match Kernel.getreq(engine.get_port(), &mut data) {
            Ok((request, length)) => {
                engine.serve(&request, &data[..length], |reply, data| {
                    Kernel.putrep(reply, data)
                });
            }
            Err(Status::RpcAborted) => {}
            Err(why) => {
                println!("bullet: a thread ends: {why}");
                return;
            }
        }
    }
}

/// Says why a disk cannot be served.
fn refuse(error: Error) -> &'static str {
    println!("bullet: {error}");
    "not started"
}

fn start(arguments: &Arguments) -> Result<&'static Engine<'static, Machine>, &'static str> {
    let options =
        options(arguments.words().skip(1)).ok_or("usage: bullet [-c kilobytes] [-t threads] [disk]")?;
    let disk = arguments
        .capability(options.disk)
        .ok_or("there is no such disk")?;
    let random = arguments.capability("RANDOM").ok_or("there is no RANDOM")?;
    let machine = Machine::new(disk, random);
    let superblock = superblock(&machine).map_err(refuse)?;
    let processes = arguments.capability("PROC").ok_or("there is no PROC")?;
    let free = process::load(&mut Kernel, &processes)
        .map_err(|_| "nobody tells what memory is free")?
        .free;
    let few = (free / 3 / THREAD_MEMORY).clamp(1, THREADS);
    let threads = options.threads.map_or(few, NonZeroU32::get);
    let inodes = superblock.geometry.inodes.saturating_mul(INODE_MEMORY);
    let needed = OTHER_MEMORY
        .saturating_add(inodes)
        .saturating_add(threads.saturating_mul(THREAD_MEMORY));
    let memory = cache(options.cache, free, needed).ok_or("no memory for a cache")?;
    let (engine, checked) = Engine::start(machine, memory).map_err(refuse)?;
    if let Some(sector) = checked.unreadable {
        let first = sector * INODES_OF_SECTOR;
        println!(
            "bullet: inodes {first} to {} cannot be read; they are free now",
            first + INODES_OF_SECTOR - 1
        );
    }
    for finding in &checked.findings {
        println!(
            "bullet: inode {}: {}; it is free now",
            finding.object, finding.problem
        );
    }
    for line in engine.banner().lines() {
        println!("{line}");
    }
    let engine: &'static Engine<'static, Machine> = Box::leak(Box::new(engine));
    for number in 0..threads {
        if !thread::spawn(STACK, || serve(engine)) {
            println!("bullet: room for {number} threads only");
            break;
        }
    }
    Ok(engine)
}

/// The name under which the machine's directory lists the server.
const NAME: &[u8] = b"bullet";
/// Rights for owner, group and others: all but administration.
const MASKS: Masks = [Rights::ALL, Rights(0x0f), Rights(0x0f), Rights(0)];

/// Has the machine's directory list the server, if the program was given it; a former one of that name gives way.
fn publish(arguments: &Arguments, server: &Capability) {
    let Some(host) = arguments.capability("HOST").map(CapabilitySet::single) else {
        return;
    };
    let server = CapabilitySet::single(*server);
    let listed = match directory::append(&mut Kernel, &host, NAME, &server, &MASKS) {
        Err(Failure::Standard(Status::Exists)) => directory::replace(&mut Kernel, &host, NAME, &server),
        listed => listed,
    };
    if let Err(why) = listed {
        println!("bullet: the machine's directory does not list it: {why}");
    }
}

/// The program.
pub(crate) fn main(arguments: &Arguments) -> i32 {
    match start(arguments) {
        Ok(engine) => {
            publish(arguments, &engine.capability());
            println!("bullet: serving");
            loop {
                calls::sleep(SWEEP_MILLISECONDS);
                engine.sweep();
            }
        }
        Err(why) => {
            println!("bullet: {why}");
            1
        }
    }
}
