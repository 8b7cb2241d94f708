//! What is left of a program that failed: an executable file of its descriptor and the contents of its segments, in the directory
//! `CORE_DIR`, under its service's name. The file server is the capability `BULLET` of the configuration.

use super::with;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use boot_server::configuration::Reference;
use libamoeba::checkpoint::Report;
use libamoeba::classes::{bullet, process};
use libamoeba::directory;
use libamoeba::println;
use libamoeba::standard;
use libamoeba::system::Kernel;
use proto::bullet::Commit;
use proto::capability::{Capability, Rights};
use proto::capability_set::CapabilitySet;
use proto::soap::Failure;
use proto::standard::Status;

/// Bytes that are copied at a time.
const PIECE: u32 = 16 << 10;
/// Contents of segments begin at multiples of this.
const ALIGNMENT: u32 = 4096;

/// Writes what is left of a service's process, if there is a place for it.
pub(super) fn write(name: &str, report: &Report) {
    let (configuration, environment) =
        with(|shared| (shared.configuration.clone(), shared.environment.clone()));
    let Some(place) = &configuration.core_directory else {
        return;
    };
    let server = Reference::Named("BULLET".into(), String::new());
    let written = environment.resolve(&configuration, place).and_then(|place| {
        let server = environment.resolve(&configuration, &server)?;
        let file = dump(&server, report).map_err(|status| format!("{status}"))?;
        enter(place, name, file).map_err(|failure| format!("{failure}"))
    });
    match written {
        Ok(()) => println!("boot: {name} lies in {place}"),
        Err(why) => println!("boot: {name} cannot be kept: {why}"),
    }
}

fn dump(server: &Capability, report: &Report) -> Result<Capability, Status> {
    let mut image = report.image.clone();
    let head = image.emit().ok_or(Status::BadArgument)?;
    let mut end = (head.len() as u32).next_multiple_of(ALIGNMENT);
    for segment in &mut image.segments {
        segment.capability = Capability::NULL;
        segment.offset = end;
        end = end
            .checked_add(segment.length)
            .and_then(|end| end.checked_next_multiple_of(ALIGNMENT))
            .ok_or(Status::NoSpace)?;
    }
    let mut head = image.emit().ok_or(Status::BadArgument)?;
    head.resize(head.len().next_multiple_of(ALIGNMENT as usize), 0);
    let mut file = bullet::create(&mut Kernel, server, &head, Commit::empty())?;
    let mut piece = vec![0; PIECE as usize];
    for (segment, from) in image.segments.iter().zip(&report.image.segments) {
        for start in (0..segment.length).step_by(PIECE as usize) {
            let piece = &mut piece[..PIECE.min(segment.length - start) as usize];
            let done = process::read(&mut Kernel, &from.capability, start, piece)?;
            piece[done..].fill(0);
            file = bullet::modify(&mut Kernel, &file, segment.offset + start, piece, Commit::empty())?;
        }
        let end = segment.offset + segment.length;
        let gap = vec![0; (end.next_multiple_of(ALIGNMENT) - end) as usize];
        if !gap.is_empty() {
            file = bullet::modify(&mut Kernel, &file, end, &gap, Commit::empty())?;
        }
    }
    let done = bullet::modify(&mut Kernel, &file, 0, &[], Commit::all());
    if done.is_err() {
        // A file that is not committed goes by itself, but sooner is better.
        let _ = standard::destroy(&mut Kernel, &file);
    }
    done
}

/// Enters the file; what an earlier failure left goes.
fn enter(directory: Capability, name: &str, file: Capability) -> Result<(), Failure> {
    let (directory, file) = (CapabilitySet::single(directory), CapabilitySet::single(file));
    let masks = [Rights::ALL, Rights(0x02), Rights(0x02), Rights(0)];
    match directory::append(&mut Kernel, &directory, name.as_bytes(), &file, &masks) {
        Err(Failure::Standard(Status::Exists)) => {
            directory::replace(&mut Kernel, &directory, name.as_bytes(), &file)
        }
        done => done,
    }
}
