extern crate std;

mod floppies;
mod kernel;
mod properties;

use super::super::{Answer, Reply, Ticket};
use super::MOST_JOBS;
use crate::ata::tests::drive::Drive;
use kernel::{Kernel, blocks, part, partitioned, pattern, sector_of, two};
use proto::capability::{Capability, Port, Private, Rights};
use proto::disk::server::{Command, LARGEST_TRANSFER, Piece};
use proto::disk::{PartitionTable, SECTOR, partition_table};
use proto::marshal::Reader;
use proto::message::Header;
use proto::one_way::one_way;
use proto::standard::{self, Status};
use std::vec;
use std::vec::Vec;

#[test]
fn disks_of_partitions_and_whole_drives_are_published() {
    let kernel = Kernel::new(two());
    assert_eq!(kernel.names(), ["bootp:00", "bootp:01", "vdisk:01", "vdisk:02"]);
    assert_eq!(
        kernel.printed(),
        "disk 0: TEST, 800 sectors, LBA\ndisk 1: TEST, 400 sectors, LBA\n\
         vdisk:01: 300 sectors in 1 piece\nvdisk:02: 150 sectors in 2 pieces\n"
    );
    let disk = kernel.disk("vdisk:02");
    assert_eq!(disk.port, one_way(Port([1; 6])));
    assert_eq!(
        disk.private,
        Private::owner(2, Port([5; 6])),
        "number and secret are the label's"
    );
    assert_eq!(kernel.servers.listeners().count(), 3);
    assert!(
        kernel
            .servers
            .listeners()
            .all(|listener| listener.room > LARGEST_TRANSFER)
    );
}

#[test]
fn an_information_tells_the_name_and_the_size() {
    let mut kernel = Kernel::new(two());
    let disk = kernel.disk("vdisk:02");
    let room = Header {
        size: 100,
        ..Header::default()
    };
    let reply = kernel
        .ask(&disk, standard::Command::Info.code(), room, &[])
        .unwrap();
    assert_eq!(reply.data, b"@ vdisk:02 75 KB");
    let status = standard::Command::Status.code();
    let reply = kernel.ask(&disk, status, room, &[]).unwrap();
    assert_eq!(
        reply.data, b"3 commands, 0 errors, 0 resets, 0 requests under way\n",
        "the first sectors of both drives and of the partition"
    );
    let unable = Capability {
        private: disk.private.restrict(Rights(0xfd), Port([5; 6])),
        ..disk
    };
    assert_eq!(kernel.ask(&unable, status, room, &[]), Err(Status::Denied));
}

#[test]
fn blocks_are_where_the_label_says() {
    let mut kernel = Kernel::new(two());
    let (one, two) = (kernel.disk("vdisk:01"), kernel.disk("vdisk:02"));
    assert_eq!(kernel.read(&one, 9, 0, 3), Ok(kernel.on_drive(0, 41, 3)));
    assert_eq!(kernel.read(&one, 11, 5, 2), Ok(kernel.on_drive(0, 41 + 20, 8)));
    let both = [kernel.on_drive(0, 480, 10), kernel.on_drive(1, 8, 14)].concat();
    assert_eq!(kernel.read(&two, 12, 5, 3), Ok(both));
    let data = pattern(24 * SECTOR, 1);
    kernel.write(&two, 12, 5, 3, &data).unwrap();
    assert_eq!(
        [kernel.on_drive(0, 480, 10), kernel.on_drive(1, 8, 14)].concat(),
        data
    );
    assert_eq!(kernel.read(&two, 9, 40, 24), Ok(data));
    let whole = kernel.disk("bootp:00");
    assert_eq!(kernel.read(&whole, 9, 0, 1), Ok(kernel.on_drive(0, 0, 1)));
}

#[test]
fn the_largest_transfer_is_29_kilobytes() {
    let mut kernel = Kernel::new(two());
    let disk = kernel.disk("vdisk:01");
    assert_eq!(kernel.read(&disk, 9, 0, 58).map(|data| data.len()), Ok(29 * 1024));
    assert_eq!(kernel.read(&disk, 9, 0, 59), Err(Status::BadArgument));
    assert_eq!(kernel.read(&disk, 14, 0, 1).map(|data| data.len()), Ok(1 << 14));
    assert_eq!(kernel.read(&disk, 14, 0, 2), Err(Status::BadArgument));
    assert_eq!(kernel.read(&disk, 15, 0, 1), Err(Status::BadArgument));
    assert_eq!(
        kernel.read(&disk, 31, i32::MAX, u16::MAX),
        Err(Status::BadArgument)
    );
    let data = pattern(29 * 1024, 2);
    kernel.write(&disk, 10, 1, 29, &data).unwrap();
    assert_eq!(kernel.on_drive(0, 43, 58), data);
}

#[test]
fn what_makes_no_sense_is_a_bad_argument() {
    let mut kernel = Kernel::new(two());
    let disk = kernel.disk("vdisk:01");
    let before = kernel.on_drive(0, 0, 800);
    for (size, first, count) in [
        (8, 0, 1),
        (32, 0, 1),
        (0, 0, 1),
        (u16::MAX, 0, 1),
        (9, 0, 0),
        (9, -1, 1),
        (9, 300, 1),
        (9, 299, 2),
        (10, 149, 2),
        (9, i32::MAX, 1),
    ] {
        assert_eq!(
            kernel.read(&disk, size, first, count),
            Err(Status::BadArgument),
            "{size} {first} {count}"
        );
        let data = vec![1; usize::from(count) << size.min(11)];
        assert_eq!(
            kernel.write(&disk, size, first, count, &data),
            Err(Status::BadArgument)
        );
    }
    for length in [0, 511, 513, 1024, LARGEST_TRANSFER + 1] {
        assert_eq!(
            kernel.write(&disk, 9, 0, 1, &vec![1; length]),
            Err(Status::BadArgument),
            "{length}"
        );
    }
    assert!(kernel.on_drive(0, 0, 800) == before);
}

#[test]
fn a_size_is_in_whole_blocks_of_the_clients() {
    let mut kernel = Kernel::new(two());
    let disk = kernel.disk("vdisk:01");
    let size = |kernel: &mut Kernel, size: u16| {
        let reply = kernel.ask(&disk, Command::Size.code(), blocks(size, 0, 0), &[]);
        reply.map(|reply| reply.header.offset)
    };
    for (logarithm, expected) in [(9, 300), (10, 150), (11, 75), (12, 37), (17, 1), (18, 0), (31, 0)] {
        assert_eq!(size(&mut kernel, logarithm), Ok(expected));
    }
    for wrong in [8, 32] {
        assert_eq!(size(&mut kernel, wrong), Err(Status::BadArgument));
    }
}

#[test]
fn information_and_geometry_tell_pieces_and_shape() {
    let mut kernel = Kernel::new(two());
    let disk = kernel.disk("vdisk:02");
    let reply = kernel
        .ask(&disk, Command::Info.code(), Header::default(), &[])
        .unwrap();
    let mut reader = Reader::new(&reply.data);
    let pieces = [0, 1].map(|_| Piece::parse(&mut reader).unwrap());
    let piece = |unit, first, count| Piece { unit, first, count };
    assert_eq!(pieces, [piece(0, 440, 50), piece(1, 8, 100)]);
    assert_eq!((reply.header.size, reader.rest().len()), (24, 0));
    let reply = kernel
        .ask(&disk, Command::GetGeometry.code(), Header::default(), &[])
        .unwrap();
    assert_eq!(reply.data, [0, 20, 0, 2, 20, 0, 0, 0, 4, 0, 10, 0]);
}

#[test]
fn each_command_takes_its_right() {
    let mut kernel = Kernel::new(two());
    let disk = kernel.disk("vdisk:01");
    let with = |rights: u8| Capability {
        private: disk.private.restrict(Rights(rights), Port([5; 6])),
        ..disk
    };
    let data = pattern(SECTOR, 3);
    assert_eq!(kernel.read(&with(0xfd), 9, 0, 1), Err(Status::Denied));
    assert_eq!(kernel.write(&with(0xfb), 9, 0, 1, &data), Err(Status::Denied));
    kernel.write(&with(0x04), 9, 0, 1, &data).unwrap();
    assert_eq!(kernel.read(&with(0x02), 9, 0, 1), Ok(data));
    let control = |kernel: &mut Kernel, rights, what| {
        kernel.ask(&with(rights), Command::Control.code(), blocks(0, 0, what), &[])
    };
    assert_eq!(control(&mut kernel, 0xf7, 1), Err(Status::Denied));
    assert_eq!(control(&mut kernel, 0x08, 1), Err(Status::BadCommand));
    assert_eq!(control(&mut kernel, 0x08, 2), Err(Status::BadCommand));
    assert_eq!(control(&mut kernel, 0x08, 3), Err(Status::BadArgument));
    assert_eq!(
        kernel.ask(&with(0xff), 2207, Header::default(), &[]),
        Err(Status::BadCommand)
    );
    let forged = Capability {
        private: Private::owner(1, Port([6; 6])),
        ..disk
    };
    assert_eq!(kernel.read(&forged, 9, 0, 1), Err(Status::BadCapability));
    let nowhere = Capability {
        private: Private::owner(77, Port([5; 6])),
        ..disk
    };
    assert_eq!(kernel.read(&nowhere, 9, 0, 1), Err(Status::BadCapability));
}

#[test]
fn what_a_drive_cannot_do_is_told() {
    let mut kernel = Kernel::new(two());
    let (one, both) = (kernel.disk("vdisk:01"), kernel.disk("vdisk:02"));
    let with = |kernel: &Kernel, change: &dyn Fn(&mut Drive)| {
        change(kernel.shared.0.borrow_mut().drives[0].as_mut().unwrap());
    };
    with(&kernel, &|drive| {
        drive.bad.insert(45, u32::MAX);
    });
    assert_eq!(kernel.read(&one, 9, 0, 10), Err(Status::SystemError));
    with(&kernel, &|drive| drive.is_write_protected = true);
    let data = pattern(10 * SECTOR, 4);
    assert_eq!(kernel.write(&one, 9, 100, 10, &data), Err(Status::WriteProtected));
    assert_eq!(kernel.write(&both, 9, 45, 10, &data), Err(Status::WriteProtected));
    with(&kernel, &|drive| drive.silences = u32::MAX);
    assert_eq!(kernel.read(&both, 9, 45, 10), Err(Status::NoMedium));
    assert!(kernel.printed().ends_with("disk 0 answers no more\n"));
    assert_eq!(kernel.read(&one, 9, 100, 1), Err(Status::NoMedium));
    assert_eq!(kernel.read(&both, 9, 50, 1), Ok(kernel.on_drive(1, 8, 1)));
}

#[test]
fn a_label_that_cannot_be_read_is_told_and_others_are_used() {
    let [Some(mut one), other] = two() else {
        unreachable!();
    };
    one.bad.insert(40, u32::MAX);
    let kernel = Kernel::new([Some(one), other]);
    assert_eq!(kernel.names(), ["bootp:00", "bootp:01"]);
    let printed = kernel.printed();
    assert!(
        printed.contains("disk 0: cannot read sector 40, where a label may be\n"),
        "{printed}"
    );
    assert!(
        printed.contains("vdisk:02 is not used: it is not complete\n"),
        "{printed}"
    );
}

#[test]
fn a_drive_without_a_label_is_only_a_drive() {
    let kernel = Kernel::new([None, Some(Drive::new(80))]);
    assert_eq!(kernel.names(), ["bootp:01"]);
}

#[test]
fn partitions_that_leave_the_drive_are_cut_at_its_end() {
    let mut drive = partitioned(&[part(1, 1, 700, 0, 1), part(2, 1, 759, 0, 1)]);
    let mut table = PartitionTable::parse(sector_of(&mut drive, 0)).unwrap();
    table.0[2].sectors = 5000;
    table.0[0] = partition_table::Partition {
        first: 900,
        ..table.0[2]
    };
    table.emit(sector_of(&mut drive, 0));
    let kernel = Kernel::new([Some(drive), None]);
    assert_eq!(kernel.names(), ["bootp:00", "vdisk:01", "vdisk:02"]);
}

#[test]
fn requests_of_many_clients_are_under_way_together_up_to_a_bound() {
    let mut kernel = Kernel::new(two());
    let disk = kernel.disk("vdisk:01");
    let header = |first| Header {
        port: disk.port,
        private: disk.private.emit(),
        command: Command::Read.code(),
        ..blocks(9, first, 1)
    };
    let tickets: Vec<Ticket> = (0..MOST_JOBS as i32)
        .map(|number| {
            let (ticket, answer) = kernel.begin(&header(100 - number), &[]);
            assert_eq!(answer, Answer::Later);
            ticket
        })
        .collect();
    let (_, answer) = kernel.begin(&header(0), &[]);
    assert_eq!(answer, Answer::Now(Reply::failure(Status::NotNow)));
    kernel.world(|servers, _| servers.abandon(tickets[3]));
    kernel.world(|servers, _| servers.abandon(tickets[0]));
    let mut answered: Vec<Ticket> = (2..MOST_JOBS).map(|_| kernel.finish().0).collect();
    answered.sort();
    let expected: Vec<Ticket> = [&tickets[1..3], &tickets[4..]].concat();
    assert_eq!(answered, expected);
    for _ in 0..100 {
        kernel.tick();
        assert!(
            kernel
                .world(|servers, world| servers.next_answer(world))
                .is_none()
        );
    }
}
