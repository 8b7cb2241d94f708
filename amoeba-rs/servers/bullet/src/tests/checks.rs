//! The check of a disk, by itself and at the start of a server.

use super::world::{Medium, pattern, serve, superblock, try_serve};
use crate::check::{Error, Finding, Problem, check};
use crate::disk::Disk;
use crate::make::{layout, make};
use libamoeba::classes::bullet;
use libamoeba::standard;
use proto::bullet::Commit;
use proto::bullet::disk::{Geometry, INODE_LENGTH, Inode, InodeFlags, SECTOR};
use proto::capability::{Capability, Port};
use proto::standard::Status;
use std::vec;
use std::vec::Vec;

const SECTORS: usize = 300;

/// A disk with four files of 600 bytes, two sectors each: inodes 1 to 4 from sector 4 on.
fn disk() -> (Medium, Vec<Capability>) {
    let medium = Medium::formatted(SECTORS, 9, 70);
    let files = serve(&medium, 50, |client, server, _| {
        (0..4)
            .map(|number| bullet::create(client, server, &pattern(number, 600), Commit::all()).unwrap())
            .collect()
    });
    (medium, files)
}

fn change(medium: &Medium, object: usize, change: impl FnOnce(&mut Inode)) {
    medium.change(|bytes| {
        let place = &mut bytes[SECTOR + object * INODE_LENGTH..][..INODE_LENGTH];
        let mut inode = Inode::parse(place).unwrap();
        change(&mut inode);
        place.copy_from_slice(&inode.emit());
    });
}

/// What is found after a change of inode 2, beside which the others stay.
fn found(by: impl FnOnce(&mut Inode)) -> Vec<(u32, Problem)> {
    let (medium, files) = disk();
    change(&medium, 2, by);
    let before = medium.contents();
    let checked = check(&medium, false).unwrap();
    assert!(medium.contents() == before, "only who repairs writes");
    let found = checked
        .findings
        .iter()
        .map(|finding| (finding.object, finding.problem))
        .collect();
    serve(&medium, 50, |client, _, at_start| {
        assert_eq!(at_start.findings, checked.findings);
        for (object, file) in (1..).zip(&files) {
            let is_bad = checked.findings.iter().any(|finding| finding.object == object);
            let mut data = [0; 600];
            let read = bullet::read(client, file, 0, &mut data);
            assert!(if is_bad {
                read == Err(Status::BadCapability)
            } else {
                data[..] == pattern(object - 1, 600)
            });
        }
    });
    assert_eq!(check(&medium, false).unwrap().findings, []);
    found
}

#[test]
fn a_good_disk_has_nothing_to_find() {
    let (medium, _) = disk();
    let checked = check(&medium, false).unwrap();
    assert_eq!(
        (checked.findings.len(), checked.files(), checked.used_blocks()),
        (0, 4, 8)
    );
    assert_eq!(checked.inodes[1].address, 4);
    assert_eq!(checked.inodes[4].address, 10);
}

#[test]
fn of_one_sector_of_inodes_that_cannot_be_read_all_are_free_and_the_other_files_stay() {
    let medium = Medium::formatted(SECTORS, 9, 70);
    let files: Vec<Capability> = serve(&medium, 50, |client, server, _| {
        (0..40)
            .map(|number| bullet::create(client, server, &pattern(number, 600), Commit::all()).unwrap())
            .collect()
    });
    // Sector 0 is the superblock, 1 to 3 hold inodes.
    medium.spoil(1);
    assert_eq!(check(&medium, false).unwrap().unreadable, Some(0));
    serve(&medium, 50, |client, server, at_start| {
        assert_eq!((at_start.unreadable, &at_start.findings[..]), (Some(0), &[][..]));
        for (object, file) in (1..).zip(&files) {
            let mut data = [0; 600];
            let read = bullet::read(client, file, 0, &mut data);
            assert!(if object < 32 {
                read == Err(Status::BadCapability)
            } else {
                data[..] == pattern(object - 1, 600)
            });
        }
        assert_eq!(bullet::check(client, server), Ok(()));
    });
    let healed = check(&medium, false).unwrap();
    assert_eq!((healed.unreadable, healed.files()), (None, 9));
}

#[test]
fn a_disk_of_which_two_sectors_of_inodes_cannot_be_read_fails_and_stays_as_it_is() {
    let (medium, _) = disk();
    let before = medium.contents();
    medium.spoil(2);
    medium.spoil(3);
    let failed = Err(Error::Disk(Status::SystemError));
    assert_eq!(check(&medium, true).map(drop), failed);
    assert!(medium.contents() == before);
}

#[test]
fn each_bad_inode_is_named_and_freed() {
    assert_eq!(found(|_| {}), []);
    assert_eq!(found(|inode| inode.address = 3), [(2, Problem::Address)]);
    assert_eq!(found(|inode| inode.address = 299), [(2, Problem::Address)]);
    assert_eq!(found(|inode| inode.address = u32::MAX), [(2, Problem::Address)]);
    assert_eq!(found(|inode| inode.size = u32::MAX), [(2, Problem::Address)]);
    assert_eq!(found(|inode| inode.address = 0), [(2, Problem::Address)]);
    assert_eq!(found(|inode| inode.size = 0), [(2, Problem::EmptyWithAddress)]);
    assert_eq!(
        found(|inode| inode.random = Port::NULL),
        [(2, Problem::Unprotected)]
    );
    assert_eq!(
        found(|inode| inode.flags = InodeFlags::empty()),
        [(2, Problem::Flags)]
    );
    assert_eq!(
        found(|inode| inode.flags |= InodeFlags::INTENT),
        [(2, Problem::Flags)]
    );
    assert_eq!(
        found(|inode| inode.flags |= InodeFlags::LOCKED),
        [(2, Problem::Flags)]
    );
    assert_eq!(found(|inode| inode.lifetime = 0), [(2, Problem::Remains)]);
    // The last place that is good, and ages of an older server.
    assert_eq!(found(|inode| inode.lifetime = 1), []);
}

#[test]
fn files_that_overlap_are_both_destroyed() {
    assert_eq!(
        found(|inode| inode.size = 1025),
        [(2, Problem::Overlap(3)), (3, Problem::Overlap(2))]
    );
    assert_eq!(
        found(|inode| inode.address = 5),
        [(1, Problem::Overlap(2)), (2, Problem::Overlap(1))]
    );
    assert_eq!(
        found(|inode| inode.size = 512 * 6),
        [
            (2, Problem::Overlap(3)),
            (3, Problem::Overlap(2)),
            (4, Problem::Overlap(2))
        ]
    );
    // An inode that is bad by itself overlaps with nobody.
    assert_eq!(found(|inode| inode.size = 512 * 500), [(2, Problem::Address)]);
}

#[test]
fn an_inode_of_number_0_is_no_file() {
    let (medium, _) = disk();
    change(&medium, 0, |inode| inode.lifetime = 24);
    let finding = Finding {
        object: 0,
        problem: Problem::Remains,
    };
    assert_eq!(check(&medium, true).unwrap().findings, [finding]);
    assert_eq!(check(&medium, false).unwrap().findings, []);
}

#[test]
fn a_disk_that_is_none_is_not_served_and_stays_as_it_is() {
    let refused = |change: fn(&mut Vec<u8>)| {
        let (medium, _) = disk();
        medium.change(change);
        let before = medium.contents();
        let error = try_serve(&medium, 50, |_, _, _| ()).unwrap_err();
        assert!(medium.contents() == before);
        error
    };
    assert_eq!(
        refused(|bytes| bytes[0] ^= 1),
        Error::Superblock(proto::Error::Magic)
    );
    assert_eq!(
        refused(|bytes| bytes[100] ^= 1),
        Error::Superblock(proto::Error::Check)
    );
    let short = Error::Short {
        needed: 300,
        there: 299,
    };
    assert_eq!(refused(|bytes| bytes.truncate(299 * SECTOR)), short);
    assert_eq!(
        std::format!("{short}"),
        "the file system has 300 sectors and the disk only 299"
    );
    let (medium, _) = disk();
    medium.fail(true);
    assert_eq!(check(&medium, true), Err(Error::Disk(Status::RpcFailure)));
}

#[test]
fn a_disk_that_was_made_is_empty_and_good() {
    for (sectors, shift, inodes) in [
        (64, 9, None),
        (100, 9, Some(2)),
        (5000, 12, None),
        (300, 10, Some(200)),
    ] {
        let medium = Medium::holding(vec![0xa5; sectors * SECTOR]);
        let geometry = layout(sectors as u64, shift, inodes).unwrap();
        make(&medium, &superblock(geometry)).unwrap();
        let checked = check(&medium, false).unwrap();
        assert_eq!((checked.findings.len(), checked.files()), (0, 0));
        assert_eq!(checked.superblock, superblock(geometry));
        serve(&medium, 50, |client, server, _| {
            let file = bullet::create(client, server, &[1; 1500], Commit::all()).unwrap();
            assert_eq!(bullet::size(client, &file), Ok(1500));
        });
    }
    assert_eq!(layout(5000, 9, None).map(|geometry| geometry.inodes), Ok(156));
    for (sectors, shift) in [(1, 9), (1000, 8), (1000, 32), (1000, 19), (0, 9)] {
        assert_eq!(
            layout(sectors, shift, None),
            Err(proto::Error::Length),
            "{sectors} {shift}"
        );
    }
    let medium = Medium::new(99);
    let geometry = Geometry {
        block_shift: 9,
        inodes: 10,
        blocks: 100,
    };
    let short = Error::Short {
        needed: 100,
        there: 99,
    };
    assert_eq!(make(&medium, &superblock(geometry)), Err(short));
}

#[test]
fn while_a_disk_is_made_there_is_no_file_system() {
    let geometry = layout(SECTORS as u64, 9, Some(70)).unwrap();
    for power in 0.. {
        let (medium, _) = disk();
        medium.cut_after(power);
        let made = make(&medium, &superblock(geometry));
        let is_made = made.is_ok();
        medium.cut_after(u64::MAX);
        match check(&medium, false) {
            Ok(checked) => assert_eq!(checked.files(), if power == 0 { 4 } else { 0 }),
            Err(error) => assert_eq!(error, Error::Superblock(proto::Error::Magic)),
        }
        if is_made {
            assert_eq!(power, 5);
            break;
        }
    }
}

#[test]
fn a_running_server_repairs_what_its_disk_says_wrongly() {
    let (medium, files) = disk();
    serve(&medium, 50, |client, server, _| {
        let late = bullet::create(client, server, b"late", Commit::COMMIT).unwrap();
        assert_eq!(bullet::check(client, server), Ok(()));
        assert_eq!(check(&medium, false).unwrap().files(), 5);
        change(&medium, 2, |inode| inode.size = 1025);
        change(&medium, 69, |inode| inode.lifetime = 3);
        assert_eq!(bullet::check(client, server), Err(Status::SystemError));
        assert_eq!(bullet::check(client, server), Ok(()));
        assert_eq!(bullet::size(client, &late), Ok(4));
        for file in &files {
            standard::destroy(client, file).unwrap();
        }
    });
    let checked = check(&medium, false).unwrap();
    assert_eq!((checked.findings.len(), checked.files()), (0, 1));
    let mut sector = [0; SECTOR];
    assert_eq!(medium.read(3, &mut sector), Ok(()));
    assert_eq!(sector, [0; SECTOR]);
}
