//! Requests that must be refused, and change nothing.

use alloc::vec;
use libamoeba::classes::disk;
use libamoeba::system::Kernel;
use libamoeba::system::trial::equal;
use libamoeba::{Transactions, standard};
use proto::capability::{Capability, Rights};
use proto::disk::SECTOR;
use proto::disk::server::{Command, Control, LARGEST_TRANSFER, RIGHT_CONTROL, RIGHT_READ, RIGHT_WRITE};
use proto::message::Header;
use proto::standard::Status;

/// A request as it stands: its status.
fn ask(disk: &Capability, command: Command, fields: Header, data: &[u8]) -> Option<Status> {
    let header = Header {
        port: disk.port,
        private: disk.private.emit(),
        command: command.code(),
        ..fields
    };
    match Kernel.trans(&header, data, &mut []) {
        Ok((reply, _)) => reply.status(),
        Err(why) => Some(why),
    }
}

fn blocks(size: u16, first: i32, count: u16) -> Header {
    Header {
        size,
        offset: first,
        extra: count,
        ..Header::default()
    }
}

pub(crate) fn run(disk: &Capability) {
    let Ok(sectors) = disk::size(&mut Kernel, disk, 9) else {
        return;
    };
    let mut before = vec![0; SECTOR];
    let last = sectors - 1;
    equal(
        disk::read(&mut Kernel, disk, 9, last, &mut before),
        Ok(()),
        "the last sector",
    );
    arguments(disk, sectors.cast_signed());
    rights(disk);
    let mut after = vec![0; SECTOR];
    equal(
        disk::read(&mut Kernel, disk, 9, last, &mut after),
        Ok(()),
        "the last sector again",
    );
    equal(before == after, true, "nothing has changed");
}

/// Extents that there are not.
fn arguments(disk: &Capability, sectors: i32) {
    let refused = Some(Status::BadArgument);
    for (size, first, count, what) in [
        (8, 0, 1, "blocks of 256 bytes"),
        (32, 0, 1, "blocks of 4 GB"),
        (9, 0, 0, "no blocks"),
        (9, -1, 1, "a block before the disk"),
        (9, sectors, 1, "a block behind the disk"),
        (9, sectors - 1, 2, "a block half behind the disk"),
        (9, i32::MAX, 1, "a block far behind the disk"),
        (31, i32::MAX, 1, "a block whose bytes cannot be numbered"),
        (9, 0, 59, "more than 29 KB"),
        (15, 0, 1, "a block of more than 29 KB"),
    ] {
        equal(
            ask(disk, Command::Read, blocks(size, first, count), &[]),
            refused,
            what,
        );
        let length = (usize::from(count) << size.min(16)).min(LARGEST_TRANSFER);
        let data = vec![0x55; length];
        equal(
            ask(disk, Command::Write, blocks(size, first, count), &data),
            refused,
            what,
        );
    }
    for length in [0, 511, 513, 1024] {
        let data = vec![0x55; length];
        let place = blocks(9, sectors - 1, 1);
        equal(
            ask(disk, Command::Write, place, &data),
            refused,
            "data of another length",
        );
    }
    let far = ask(disk, Command::Control, blocks(0, 0, 9), &[]);
    equal(far, refused, "a control that there is not");
}

/// Each command with all rights but its own.
fn rights(disk: &Capability) {
    let without =
        |rights: Rights| standard::restrict(&mut Kernel, disk, Rights(!rights.0)).unwrap_or(Capability::NULL);
    let denied = Some(Status::Denied);
    let data = vec![0x55; SECTOR];
    let read = ask(&without(RIGHT_READ), Command::Read, blocks(9, 0, 1), &[]);
    equal(read, denied, "DS_READ without the right");
    let write = ask(&without(RIGHT_WRITE), Command::Write, blocks(9, 0, 1), &data);
    equal(write, denied, "DS_WRITE without the right");
    let control = ask(&without(RIGHT_CONTROL), Command::Control, blocks(0, 0, 1), &[]);
    equal(control, denied, "DS_CONTROL without the right");
    let eject = disk::control(&mut Kernel, disk, Control::Eject);
    equal(eject, Err(Status::BadCommand), "a hard disk cannot be ejected");
    let mut forged = without(RIGHT_READ);
    forged.private.rights = Rights::ALL;
    let read = ask(&forged, Command::Read, blocks(9, 0, 1), &[]);
    equal(read, Some(Status::BadCapability), "a forged right");
}
