//! What does not fit, and disks that fail: the documented error, and nothing that is stored is lost.

use super::world::{Client, Medium, pattern, serve};
use crate::check::check;
use libamoeba::classes::bullet;
use libamoeba::standard;
use proto::bullet::Commit;
use proto::bullet::disk::SECTOR;
use proto::capability::Capability;
use proto::standard::Status;
use std::vec;
use std::vec::Vec;

fn assert_whole(client: &mut Client<'_, '_>, file: &Capability, data: &[u8]) {
    let mut there = vec![0; data.len() + 1];
    assert_eq!(bullet::read(client, file, 0, &mut there), Ok(data.len()));
    assert!(there[..data.len()] == *data);
}

#[test]
fn a_file_larger_than_the_cache_is_no_memory() {
    let disk = Medium::formatted(1000, 9, 60);
    serve(&disk, 100, |client, server, _| {
        let kept = pattern(1, 100 * SECTOR);
        let file = bullet::create(client, server, &kept, Commit::all()).unwrap();
        for length in [100 * SECTOR + 1, 70_000] {
            for commit in [Commit::empty(), Commit::COMMIT, Commit::all()] {
                let created = bullet::create(client, server, &pattern(2, length), commit);
                assert_eq!(created, Err(Status::NoMemory), "{length} {commit:?}");
            }
        }
        let more = bullet::insert(client, &file, 0, b"x", Commit::COMMIT);
        assert_eq!(more, Err(Status::NoMemory));
        assert_whole(client, &file, &kept);
        // A draft that would become too large stays as it is.
        let draft = bullet::create(client, server, &kept[..51_199], Commit::empty()).unwrap();
        assert_eq!(
            bullet::modify(client, &draft, 51_199, b"yz", Commit::COMMIT),
            Err(Status::NoMemory)
        );
        assert_eq!(
            bullet::modify(client, &draft, 51_199, &kept[51_199..], Commit::COMMIT),
            Ok(draft)
        );
        assert_whole(client, &draft, &kept);
        // Nothing is left of those that failed.
        bullet::sync(client, server).unwrap();
        assert_eq!(check(&disk, false).unwrap().files(), 2);
    });
    // A server with less memory cannot read it, but it stays.
    serve(&disk, 99, |client, server, checked| {
        assert_eq!(checked.files(), 2);
        let file = checked.inodes.iter().position(|inode| inode.size > 0).unwrap();
        let owner = Capability {
            private: proto::capability::Private::owner(file as u32, checked.inodes[file].random),
            ..*server
        };
        assert_eq!(bullet::size(client, &owner), Ok(51_200));
        assert_eq!(
            bullet::read(client, &owner, 0, &mut [0; 10]),
            Err(Status::NoMemory)
        );
        assert_eq!(
            bullet::modify(client, &owner, 0, b"x", Commit::COMMIT),
            Err(Status::NoMemory)
        );
        assert!(bullet::create(client, server, &[0; 50_000], Commit::COMMIT).is_ok());
    });
}

#[test]
fn drafts_that_fill_the_cache_leave_no_memory_for_others() {
    let disk = Medium::formatted(1000, 9, 60);
    serve(&disk, 100, |client, server, _| {
        let stored = pattern(3, 20_000);
        let file = bullet::create(client, server, &stored, Commit::COMMIT).unwrap();
        let draft = bullet::create(client, server, &pattern(4, 30_000), Commit::empty()).unwrap();
        assert_whole(client, &file, &stored);
        let second = bullet::create(client, server, &pattern(5, 20_000), Commit::empty()).unwrap();
        assert_eq!(bullet::read(client, &file, 0, &mut [0; 1]), Err(Status::NoMemory));
        assert_eq!(
            bullet::create(client, server, &[1; 2000], Commit::all()),
            Err(Status::NoMemory)
        );
        standard::destroy(client, &draft).unwrap();
        assert_whole(client, &file, &stored);
        assert_eq!(bullet::commit(client, &second, true), Ok(second));
        assert_whole(client, &second, &pattern(5, 20_000));
    });
}

#[test]
fn a_full_disk_is_no_space() {
    let disk = Medium::formatted(120, 9, 60);
    serve(&disk, 300, |client, server, _| {
        let kept: Vec<(Capability, Vec<u8>)> = (0..11)
            .map(|number| {
                let data = pattern(number, 5000);
                (
                    bullet::create(client, server, &data, Commit::all()).unwrap(),
                    data,
                )
            })
            .collect();
        // Seven blocks are left.
        for commit in [Commit::COMMIT, Commit::all()] {
            assert_eq!(
                bullet::create(client, server, &[1; 4000], commit),
                Err(Status::NoSpace)
            );
        }
        assert_eq!(
            bullet::modify(client, &kept[0].0, 0, b"x", Commit::all()),
            Err(Status::NoSpace)
        );
        // The draft stays, and can be committed when there is room.
        let draft = bullet::create(client, server, &pattern(99, 4000), Commit::empty()).unwrap();
        assert_eq!(bullet::commit(client, &draft, true), Err(Status::NoSpace));
        for (file, data) in &kept {
            assert_whole(client, file, data);
        }
        standard::destroy(client, &kept[5].0).unwrap();
        assert_eq!(bullet::commit(client, &draft, true), Ok(draft));
        assert_whole(client, &draft, &pattern(99, 4000));
        // There are blocks enough, but not in one piece, until the disk is compacted.
        standard::destroy(client, &kept[9].0).unwrap();
        let large = pattern(98, 12 * SECTOR);
        assert_eq!(
            bullet::create(client, server, &large, Commit::all()),
            Err(Status::NoSpace)
        );
        bullet::compact(client, server).unwrap();
        let file = bullet::create(client, server, &large, Commit::all()).unwrap();
        assert_whole(client, &file, &large);
        for (number, (file, data)) in kept.iter().enumerate() {
            if ![5, 9].contains(&number) {
                assert_whole(client, file, data);
            }
        }
    });
    assert_eq!(check(&disk, false).unwrap().files(), 11);
}

#[test]
fn a_full_table_of_inodes_is_no_space() {
    let disk = Medium::formatted(200, 9, 8);
    serve(&disk, 100, |client, server, _| {
        let mut files: Vec<Capability> = (0..7)
            .map(|_| bullet::create(client, server, b"x", Commit::COMMIT).unwrap())
            .collect();
        assert_eq!(
            bullet::create(client, server, b"y", Commit::COMMIT),
            Err(Status::NoSpace)
        );
        assert_eq!(
            bullet::modify(client, &files[0], 0, b"y", Commit::COMMIT),
            Err(Status::NoSpace)
        );
        // A number is used again, but with another random number.
        let gone = files.remove(3);
        standard::destroy(client, &gone).unwrap();
        let next = bullet::create(client, server, b"z", Commit::COMMIT).unwrap();
        assert_eq!(next.private.object(), gone.private.object());
        assert_eq!(bullet::size(client, &gone), Err(Status::BadCapability));
        for file in &files {
            assert_whole(client, file, b"x");
        }
    });
}

#[test]
fn what_a_failing_disk_has_not_taken_is_written_later() {
    let disk = Medium::formatted(300, 9, 60);
    let (data, other) = (pattern(1, 3000), pattern(2, 4000));
    let (late, draft) = serve(&disk, 100, |client, server, _| {
        let old = bullet::create(client, server, &data, Commit::all()).unwrap();
        let gone = bullet::create(client, server, &other, Commit::all()).unwrap();
        let draft = bullet::create(client, server, &other, Commit::empty()).unwrap();
        disk.fail(true);
        assert_eq!(
            bullet::create(client, server, &data, Commit::all()),
            Err(Status::SystemError)
        );
        // Without safety nobody has to wait for the disk.
        let late = bullet::create(client, server, &data, Commit::COMMIT).unwrap();
        assert_eq!(bullet::commit(client, &draft, true), Err(Status::SystemError));
        assert_eq!(standard::destroy(client, &gone), Err(Status::SystemError));
        assert_eq!(bullet::sync(client, server), Err(Status::SystemError));
        assert_eq!(bullet::check(client, server), Err(Status::SystemError));
        assert_eq!(bullet::compact(client, server), Err(Status::SystemError));
        // What is in the cache is there.
        assert_whole(client, &old, &data);
        assert_whole(client, &draft, &other);
        client.0.assert_idle();
        disk.fail(false);
        client.0.sweep();
        let mut text = [0; 2000];
        let length = standard::status(client, server, &mut text).unwrap();
        let text = core::str::from_utf8(&text[..length]).unwrap();
        assert!(text.contains("0 not yet written"), "{text}");
        (late, draft)
    });
    serve(&disk, 100, |client, _, checked| {
        assert_eq!((checked.findings.len(), checked.files()), (0, 3));
        assert_whole(client, &late, &data);
        assert_whole(client, &draft, &other);
        disk.fail(true);
    });
    disk.fail(false);
    serve(&disk, 100, |client, _, _| {
        disk.fail(true);
        assert_eq!(
            bullet::read(client, &late, 0, &mut [0; 10]),
            Err(Status::SystemError)
        );
        disk.fail(false);
        assert_whole(client, &late, &data);
    });
}

#[test]
fn a_request_of_30000_bytes_is_the_largest() {
    let disk = Medium::formatted(300, 9, 60);
    serve(&disk, 200, |client, server, _| {
        let data = pattern(7, 60_000);
        let file = bullet::create(client, server, &data, Commit::COMMIT).unwrap();
        let header = proto::message::Header {
            size: u16::MAX,
            ..standard::request(&file, 2006)
        };
        let mut reply = vec![0; 65_535];
        let (answer, length) = super::world::answer(client.0, &header, &[], &mut reply);
        assert_eq!((answer.size, length), (30_000, 30_000));
        assert!(reply[..30_000] == data[..30_000]);
    });
}
