//! What becomes of files that nobody uses.

use super::world::{Medium, pattern, serve};
use libamoeba::classes::bullet;
use libamoeba::standard;
use proto::bullet::{Commit, LIFETIME};
use proto::capability::{Capability, Private};
use proto::standard::Status;
use std::vec::Vec;

fn disk() -> Medium {
    Medium::formatted(300, 9, 100)
}

#[test]
fn a_file_that_nobody_touches_dies_of_its_24th_age() {
    let disk = disk();
    let file = serve(&disk, 50, |client, server, _| {
        let file = bullet::create(client, server, b"old", Commit::all()).unwrap();
        for _ in 1..LIFETIME {
            standard::age(client, server).unwrap();
        }
        file
    });
    // Ages are not kept over a restart.
    serve(&disk, 50, |client, server, _| {
        for _ in 1..LIFETIME {
            standard::age(client, server).unwrap();
        }
        assert_eq!(client.0.host().medium.contents().len(), 300 << 9);
        assert_eq!(
            crate::check::check(client.0.host().medium, false)
                .unwrap()
                .files(),
            1
        );
        standard::age(client, server).unwrap();
        // The disk says so when the reply comes.
        assert_eq!(
            crate::check::check(client.0.host().medium, false)
                .unwrap()
                .files(),
            0
        );
        assert_eq!(bullet::size(client, &file), Err(Status::BadCapability));
    });
}

#[test]
fn any_use_makes_a_file_young_again() {
    let disk = disk();
    serve(&disk, 50, |client, server, _| {
        let files: Vec<Capability> = (0..6)
            .map(|number| bullet::create(client, server, &pattern(number, 700), Commit::COMMIT).unwrap())
            .collect();
        let [touched, listed, read, sized, told, forgotten] = *files.as_slice() else {
            panic!("six files");
        };
        let mut forged = listed.private;
        forged.check.0[0] ^= 1;
        for _ in 0..2 * LIFETIME {
            standard::age(client, server).unwrap();
            standard::touch(client, &touched).unwrap();
            let some: [Private; 3] = [listed.private, server.private, forged];
            assert_eq!(standard::touch_many(client, server, &some), Ok(1));
            bullet::read(client, &read, 0, &mut [0; 10]).unwrap();
            bullet::size(client, &sized).unwrap();
            standard::info(client, &told, &mut [0; 30]).unwrap();
        }
        for file in [touched, listed, read, sized, told] {
            assert_eq!(bullet::size(client, &file), Ok(700));
        }
        assert_eq!(bullet::size(client, &forgotten), Err(Status::BadCapability));
    });
}

#[test]
fn many_files_are_touched_with_several_requests() {
    let disk = disk();
    serve(&disk, 50, |client, server, _| {
        let files: Vec<Private> = (0..80)
            .map(|_| {
                bullet::create(client, server, b"x", Commit::COMMIT)
                    .unwrap()
                    .private
            })
            .collect();
        assert_eq!(standard::touch_many(client, server, &files), Ok(80));
    });
}

#[test]
fn a_draft_lives_for_ten_sweeps_after_its_last_change() {
    let disk = disk();
    serve(&disk, 50, |client, server, _| {
        let none = Commit::empty();
        let draft = bullet::create(client, server, b"draft", none).unwrap();
        for _ in 0..9 {
            client.0.sweep();
        }
        bullet::modify(client, &draft, 0, &[], none).unwrap();
        // Ages do not concern it.
        for _ in 0..=LIFETIME {
            standard::age(client, server).unwrap();
        }
        for _ in 0..9 {
            client.0.sweep();
        }
        bullet::modify(client, &draft, 5, b"!", none).unwrap();
        for _ in 0..10 {
            client.0.sweep();
        }
        assert_eq!(bullet::commit(client, &draft, false), Err(Status::BadCapability));
    });
}

#[test]
fn an_idle_server_compacts_its_cache() {
    let disk = disk();
    serve(&disk, 30, |client, server, _| {
        let files: Vec<Capability> = (0..10)
            .map(|number| bullet::create(client, server, &pattern(number, 1536), Commit::COMMIT).unwrap())
            .collect();
        bullet::sync(client, server).unwrap();
        for file in files.iter().step_by(2) {
            standard::destroy(client, file).unwrap();
        }
        let mut text = [0; 1000];
        let mut holes = |client: &mut _| {
            let length = standard::status(client, server, &mut text).unwrap();
            let text = core::str::from_utf8(&text[..length]).unwrap();
            let line = text.lines().find(|line| line.starts_with("cache")).unwrap();
            std::string::String::from(line)
        };
        assert_eq!(holes(client), "cache:     15 KB, 7 free in 5 holes; 5 files");
        client.0.sweep();
        assert_eq!(holes(client), "cache:     15 KB, 7 free in 1 holes; 5 files");
        for (number, file) in (0..).zip(&files) {
            let mut data = [0; 1536];
            let expected = if number % 2 == 0 {
                Err(Status::BadCapability)
            } else {
                Ok(1536)
            };
            assert_eq!(bullet::read(client, file, 0, &mut data), expected);
            assert!(expected.is_err() || data[..] == pattern(number, 1536));
        }
    });
}
