//! Files as a client sees them.

use super::world::{Medium, pattern, serve};
use libamoeba::classes::bullet;
use libamoeba::{Transactions, standard};
use proto::bullet::{Commit, LARGEST_PIECE};
use proto::capability::{Capability, Rights};
use proto::standard::Status;
use std::vec;
use std::vec::Vec;

fn disk() -> Medium {
    Medium::formatted(400, 9, 60)
}

fn whole(client: &mut impl Transactions, file: &Capability) -> Result<Vec<u8>, Status> {
    let mut data = vec![0; bullet::size(client, file)? as usize];
    let length = bullet::read(client, file, 0, &mut data)?;
    assert_eq!(length, data.len());
    Ok(data)
}

#[test]
fn what_is_committed_is_read_back() {
    let disk = disk();
    serve(&disk, 200, |client, server, _| {
        for length in [
            0,
            1,
            511,
            512,
            513,
            5000,
            LARGEST_PIECE,
            LARGEST_PIECE + 1,
            70_000,
        ] {
            let data = pattern(length as u32, length);
            for commit in [Commit::COMMIT, Commit::all()] {
                let file = bullet::create(client, server, &data, commit).unwrap();
                assert_eq!(file.private.rights, Rights::ALL);
                assert_eq!(whole(client, &file).as_ref(), Ok(&data), "{length} bytes");
                standard::destroy(client, &file).unwrap();
                assert_eq!(bullet::size(client, &file), Err(Status::BadCapability));
            }
        }
    });
}

#[test]
fn a_part_of_a_file_is_read_up_to_its_end() {
    let disk = disk();
    serve(&disk, 200, |client, server, _| {
        let data = pattern(3, 1000);
        let file = bullet::create(client, server, &data, Commit::COMMIT).unwrap();
        let mut part = [0; 300];
        assert_eq!(bullet::read(client, &file, 100, &mut part), Ok(300));
        assert_eq!(part, data[100..400]);
        assert_eq!(bullet::read(client, &file, 900, &mut part), Ok(100));
        assert_eq!(part[..100], data[900..]);
        assert_eq!(bullet::read(client, &file, 1000, &mut part), Ok(0));
        assert_eq!(
            bullet::read(client, &file, 1001, &mut part),
            Err(Status::BadArgument)
        );
    });
}

#[test]
fn a_draft_takes_changes_and_nothing_else() {
    let disk = disk();
    serve(&disk, 200, |client, server, _| {
        let none = Commit::empty();
        let draft = bullet::create(client, server, b"hello world", none).unwrap();
        assert_eq!(
            bullet::modify(client, &draft, 6, b"moon and stars", none),
            Ok(draft)
        );
        assert_eq!(bullet::insert(client, &draft, 5, b", dear", none), Ok(draft));
        assert_eq!(bullet::delete(client, &draft, 16, 4, none), Ok(draft));
        assert_eq!(
            bullet::modify(client, &draft, 99, b"far", none),
            Err(Status::BadArgument)
        );
        let mut text = [0; 40];
        assert_eq!(
            bullet::read(client, &draft, 0, &mut text),
            Err(Status::BadCapability)
        );
        assert_eq!(bullet::size(client, &draft), Err(Status::BadCapability));
        assert_eq!(
            standard::info(client, &draft, &mut text),
            Err(Status::BadCapability)
        );
        assert_eq!(standard::touch(client, &draft), Err(Status::BadCapability));
        assert_eq!(standard::copy(client, server, &draft), Err(Status::BadCapability));
        assert_eq!(standard::touch_many(client, server, &[draft.private]), Ok(0));
        assert_eq!(bullet::commit(client, &draft, true), Ok(draft));
        assert_eq!(whole(client, &draft).unwrap(), b"hello, dear moon stars");
        let other = bullet::create(client, server, b"gone", none).unwrap();
        standard::destroy(client, &other).unwrap();
        assert_eq!(bullet::commit(client, &other, true), Err(Status::BadCapability));
    });
}

#[test]
fn a_committed_file_never_changes() {
    let disk = disk();
    serve(&disk, 200, |client, server, _| {
        let old = bullet::create(client, server, b"immutable", Commit::all()).unwrap();
        let changed = bullet::modify(client, &old, 9, b", really", Commit::COMMIT).unwrap();
        let shorter = bullet::delete(client, &changed, 0, 2, Commit::COMMIT).unwrap();
        let longer = bullet::insert(client, &shorter, 0, b"per", Commit::COMMIT).unwrap();
        let same = bullet::commit(client, &longer, false).unwrap();
        let all = [old, changed, shorter, longer, same];
        for (one, text) in all.iter().zip([
            "immutable",
            "immutable, really",
            "mutable, really",
            "permutable, really",
        ]) {
            assert_eq!(whole(client, one).unwrap(), text.as_bytes());
        }
        assert_eq!(whole(client, &same), whole(client, &longer));
        for (place, one) in all.iter().enumerate() {
            assert!(all[..place].iter().all(|other| other != one));
        }
        // Changes that reach behind the end take what there is.
        let cut = bullet::delete(client, &old, 2, 1000, Commit::COMMIT).unwrap();
        assert_eq!(whole(client, &cut).unwrap(), b"im");
        let none = bullet::delete(client, &old, 0, 9, Commit::all()).unwrap();
        assert_eq!(whole(client, &none).unwrap(), b"");
        assert_eq!(
            bullet::delete(client, &old, 10, 1, Commit::COMMIT),
            Err(Status::BadArgument)
        );
        assert_eq!(
            bullet::insert(client, &old, 10, b"x", Commit::COMMIT),
            Err(Status::BadArgument)
        );
    });
}

#[test]
fn a_file_created_like_another_one_is_that_one() {
    let disk = disk();
    serve(&disk, 200, |client, server, _| {
        let data = pattern(1, 40_000);
        let first = bullet::create(client, server, &data, Commit::all()).unwrap();
        let restricted = standard::restrict(client, &first, Rights(0x03)).unwrap();
        assert_eq!(bullet::create(client, &first, &data, Commit::all()), Ok(first));
        assert_eq!(
            bullet::create(client, &restricted, &data, Commit::COMMIT),
            Ok(restricted)
        );
        let mut other = data.clone();
        other[39_999] ^= 1;
        let second = bullet::create(client, &first, &other, Commit::COMMIT).unwrap();
        assert_ne!(second.private.object(), first.private.object());
        assert_eq!(whole(client, &second), Ok(other));
        let third = bullet::create(client, &first, &data[..39_999], Commit::COMMIT).unwrap();
        assert_ne!(third.private.object(), first.private.object());
        let unreadable = standard::restrict(client, &first, Rights(0x01)).unwrap();
        assert_eq!(
            bullet::create(client, &unreadable, &data, Commit::COMMIT),
            Err(Status::Denied)
        );
        // The first file goes while the next one is a draft.
        let draft = bullet::create(client, &first, &data, Commit::empty()).unwrap();
        standard::destroy(client, &first).unwrap();
        assert_eq!(bullet::commit(client, &draft, false), Ok(draft));
        let empty = bullet::create(client, server, &[], Commit::COMMIT).unwrap();
        assert_eq!(bullet::create(client, &empty, &[], Commit::COMMIT), Ok(empty));
    });
}

#[test]
fn files_are_there_after_a_restart_if_they_are_on_the_disk() {
    let disk = disk();
    let data = pattern(8, 3000);
    let (safe, empty) = serve(&disk, 200, |client, server, _| {
        let safe = bullet::create(client, server, &data, Commit::all()).unwrap();
        let empty = bullet::create(client, server, &[], Commit::all()).unwrap();
        let late = bullet::create(client, server, &data, Commit::COMMIT).unwrap();
        assert_eq!(whole(client, &late).as_ref(), Ok(&data));
        (safe, empty)
    });
    let late = serve(&disk, 200, |client, server, checked| {
        assert_eq!(
            (checked.findings.len(), checked.files(), checked.used_blocks()),
            (0, 2, 6)
        );
        assert_eq!(whole(client, &safe).as_ref(), Ok(&data));
        assert_eq!(whole(client, &empty).as_deref(), Ok(&[][..]));
        let late = bullet::create(client, server, &data, Commit::COMMIT).unwrap();
        bullet::sync(client, server).unwrap();
        late
    });
    let swept = serve(&disk, 200, |client, server, checked| {
        assert_eq!(checked.files(), 3);
        assert_eq!(whole(client, &late).as_ref(), Ok(&data));
        let swept = bullet::create(client, server, &data, Commit::COMMIT).unwrap();
        client.0.sweep();
        swept
    });
    serve(&disk, 200, |client, _, _| {
        assert_eq!(whole(client, &swept).as_ref(), Ok(&data));
        standard::destroy(client, &swept).unwrap();
    });
    serve(&disk, 200, |client, _, checked| {
        assert_eq!(checked.files(), 3);
        assert_eq!(whole(client, &swept), Err(Status::BadCapability));
    });
}

#[test]
fn a_small_cache_serves_many_files() {
    let disk = disk();
    serve(&disk, 12, |client, server, _| {
        let files: Vec<(Capability, Vec<u8>)> = (0..30)
            .map(|number| {
                let data = pattern(number, 200 * number as usize);
                (
                    bullet::create(client, server, &data, Commit::COMMIT).unwrap(),
                    data,
                )
            })
            .collect();
        for round in 0..3 {
            for (number, (file, data)) in files.iter().enumerate() {
                assert_eq!(
                    whole(client, file).as_ref(),
                    Ok(data),
                    "file {number} in round {round}"
                );
            }
        }
        let mut text = [0; 2000];
        let length = standard::status(client, server, &mut text).unwrap();
        let text = std::str::from_utf8(&text[..length]).unwrap();
        assert!(text.contains("Create 30"), "{text}");
        assert!(!text.contains(" 0 evictions"), "{text}");
    });
}
