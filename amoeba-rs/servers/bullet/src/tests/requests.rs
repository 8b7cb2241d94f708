//! Requests: what they need, and how they are refused.

use super::world::{Client, Counters, GET_PORT, Medium, OWN, World, answer, pattern, serve};
use crate::engine::Engine;
use libamoeba::classes::bullet;
use libamoeba::standard::{self, request};
use libamoeba::{Transactions, put_port};
use proto::bullet::{Command, Commit, right};
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::standard::{Command as Standard, Status};
use std::vec;

fn disk() -> Medium {
    Medium::formatted(200, 9, 40)
}

/// What a bare command answers.
fn status(client: &mut impl Transactions, capability: &Capability, command: u16) -> Status {
    let (reply, _) = client
        .trans(&request(capability, command), &[0; 16], &mut [])
        .unwrap();
    reply.status().unwrap()
}

#[test]
fn the_server_has_the_capability_of_the_superblock() {
    serve(&disk(), 50, |client, server, _| {
        assert_eq!(server.port, put_port(GET_PORT));
        assert_eq!(server.private, Private::owner(0, OWN));
        assert_eq!(client.0.get_port(), GET_PORT);
        let mut text = [0; 40];
        let length = standard::info(client, server, &mut text).unwrap();
        assert_eq!(&text[..length], b"bullet server");
        let banner = client.0.banner();
        assert!(
            banner.contains("inodes free 39") && banner.contains("buffer cache 25600"),
            "{banner}"
        );
    });
}

#[test]
fn a_files_line_tells_its_size() {
    serve(&disk(), 50, |client, server, _| {
        let file = bullet::create(client, server, &[1; 777], Commit::COMMIT).unwrap();
        let mut text = [0; 40];
        let length = standard::info(client, &file, &mut text).unwrap();
        assert_eq!(&text[..length], b"- 777 bytes");
        assert_eq!(
            standard::info(client, &file, &mut text[..4]),
            Err(Status::Overflow)
        );
    });
}

#[test]
fn every_command_needs_its_right() {
    serve(&disk(), 50, |client, server, _| {
        let file = bullet::create(client, server, b"text", Commit::COMMIT).unwrap();
        let needs = [
            (Command::Create.code(), server, right::CREATE),
            (Command::Check.code(), server, right::ADMIN),
            (Command::Compact.code(), server, right::ADMIN),
            (Command::Sync.code(), server, right::ADMIN),
            (Standard::Age.code(), server, right::ADMIN),
            (Standard::Copy.code(), server, right::CREATE),
            (Standard::Status.code(), server, right::READ),
            (Command::Create.code(), &file, right::CREATE),
            (Command::Create.code(), &file, right::READ),
            (Command::Read.code(), &file, right::READ),
            (Command::Size.code(), &file, right::READ),
            (Command::Modify.code(), &file, right::MODIFY),
            (Command::Modify.code(), &file, right::READ),
            (Command::Insert.code(), &file, right::MODIFY),
            (Command::Delete.code(), &file, right::MODIFY),
            (Standard::Destroy.code(), &file, right::DESTROY),
        ];
        for (command, object, needed) in needs {
            let restricted = standard::restrict(client, object, Rights(!needed.0)).unwrap();
            assert_eq!(
                status(client, &restricted, command),
                Status::Denied,
                "{command} without {needed:?}"
            );
        }
        let mut data = [0; 4];
        assert_eq!(bullet::read(client, &file, 0, &mut data), Ok(4));
        assert_eq!(&data, b"text");
        // Nothing else is needed.
        let read_only = standard::restrict(client, &file, right::READ).unwrap();
        assert_eq!(bullet::read(client, &read_only, 0, &mut data), Ok(4));
        let draft = bullet::create(client, server, b"draft", Commit::empty()).unwrap();
        let modify_only = standard::restrict(client, &draft, right::MODIFY).unwrap();
        assert!(bullet::modify(client, &modify_only, 0, b"D", Commit::empty()).is_ok());
        let destroy_only = standard::restrict(client, &draft, right::DESTROY).unwrap();
        assert_eq!(
            bullet::modify(client, &destroy_only, 0, b"D", Commit::empty()),
            Err(Status::Denied)
        );
        assert_eq!(standard::destroy(client, &destroy_only), Ok(()));
    });
}

#[test]
fn the_servers_object_is_no_file_and_files_are_no_server() {
    serve(&disk(), 50, |client, server, _| {
        let file = bullet::create(client, server, b"text", Commit::COMMIT).unwrap();
        let of_files = [2002, 2004, 2005, 2006, 2007, 1003];
        for command in of_files {
            assert_eq!(
                status(client, server, command),
                Status::BadCapability,
                "{command}"
            );
        }
        for command in [2003, 2008, 2009, 1001, 1002, 1006] {
            assert_eq!(status(client, &file, command), Status::BadCapability, "{command}");
        }
        for command in [0, 1, 1000, 1008, 1009, 1011, 2000, 2010, 2100, 65_535] {
            assert_eq!(status(client, server, command), Status::BadCommand, "{command}");
        }
        for object in [39, 40, 41, Private::LARGEST_OBJECT] {
            let nothing = Capability {
                private: Private::owner(object, Port::NULL),
                ..*server
            };
            assert_eq!(status(client, &nothing, 2006), Status::BadCapability, "{object}");
        }
    });
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    serve(&disk(), 50, |client, server, _| {
        let file = bullet::create(client, server, b"text", Commit::COMMIT).unwrap();
        let mut refused = |command: u16, offset: i32, size: u16, data: &[u8]| {
            let header = Header {
                offset,
                size,
                ..request(&file, command)
            };
            let (reply, _) = client.trans(&header, data, &mut []).unwrap();
            assert_eq!(
                reply.status(),
                Some(Status::BadArgument),
                "{command} {offset} {size}"
            );
        };
        refused(2006, -1, 10, &[]);
        refused(2006, 5, 10, &[]);
        refused(2006, i32::MAX, 10, &[]);
        refused(2005, -1, 1, b"x");
        refused(2005, 0, 2, b"x");
        refused(2004, i32::MIN, 1, b"x");
        refused(2002, 0, 0, &[]);
        refused(2002, 0, 0, &(-1_i32).to_le_bytes());
        refused(2001, 0, 1, &[]);
        let header = Header {
            size: 2,
            ..request(server, Standard::TouchMany.code())
        };
        let (reply, _) = client.trans(&header, &[0; 19], &mut []).unwrap();
        assert_eq!(reply.status(), Some(Status::BadArgument));
        let (reply, _) = client
            .trans(&request(server, Standard::Copy.code()), &[0; 15], &mut [])
            .unwrap();
        assert_eq!(reply.status(), Some(Status::BadArgument));
    });
}

#[test]
fn a_million_forged_check_fields_are_refused() {
    serve(&disk(), 50, |client, server, _| {
        let data = pattern(5, 2000);
        let file = bullet::create(client, server, &data, Commit::all()).unwrap();
        let restricted = standard::restrict(client, &file, right::READ).unwrap();
        let mut header = request(&file, Command::Read.code());
        header.size = 100;
        let mut reply = [0; 100];
        let mut number = 0x1234_5678_9abc_u64;
        let mut accepted = 0;
        for turn in 0..1_000_000_u32 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let mut private = if turn % 2 == 0 {
                file.private
            } else {
                restricted.private
            };
            private.check = Port(*(number >> 8).to_le_bytes().first_chunk().unwrap());
            if turn % 3 == 0 {
                // Nearly right: one bit is wrong.
                private.check = if turn % 2 == 0 {
                    file.private.check
                } else {
                    restricted.private.check
                };
                private.check.0[turn as usize / 3 % 6] ^= 1 << (turn / 18 % 8);
            }
            header.private = private.emit();
            let (answer, length) = answer(client.0, &header, &[], &mut reply);
            accepted += u32::from(answer.status() != Some(Status::BadCapability) || length != 0);
        }
        assert_eq!(accepted, 0);
        let mut there = vec![0; 2000];
        assert_eq!(bullet::read(client, &restricted, 0, &mut there), Ok(2000));
        assert_eq!(there, data);
    });
}

#[test]
fn a_server_copies_files_of_another_one() {
    let data = pattern(9, 65_000);
    let (here, there) = (Medium::formatted(400, 9, 40), disk());
    let counters = [Counters::default(), Counters::default()];
    let (mut memory, mut other_memory) = (vec![0; 150 << 9], vec![0; 150 << 9]);
    let world = |medium, counters, peer| World {
        medium,
        turns: None,
        counters,
        peer,
    };
    let (other, _) = Engine::start(world(&there, &counters[0], None), &mut other_memory).unwrap();
    let peer = |header: &Header, data: &[u8], reply: &mut [u8]| {
        // The other server's port, as the network finds it.
        assert_eq!(header.port, Port([7; 6]));
        answer(&other, header, data, reply)
    };
    let (engine, _) = Engine::start(world(&here, &counters[1], Some(&peer)), &mut memory).unwrap();
    let server = engine.capability();
    let mut client = Client(&engine);
    let original = bullet::create(&mut Client(&other), &other.capability(), &data, Commit::all()).unwrap();
    let abroad = |capability: Capability| Capability {
        port: Port([7; 6]),
        ..capability
    };
    let copy = standard::copy(&mut client, &server, &abroad(original)).unwrap();
    let mut copied = vec![0; data.len()];
    assert_eq!(bullet::read(&mut client, &copy, 0, &mut copied), Ok(data.len()));
    assert!(copied == data);
    // A copy is on the disk, and has its own random number.
    assert_eq!(crate::check::check(&here, false).unwrap().files(), 1);
    let second = standard::copy(&mut client, &server, &copy).unwrap();
    assert_ne!(second, copy);
    assert_eq!(bullet::size(&mut client, &second), Ok(65_000));
    let mut forged = abroad(original);
    forged.private.check.0[0] ^= 1;
    assert_eq!(
        standard::copy(&mut client, &server, &forged),
        Err(Status::BadCapability)
    );
    let unreadable = standard::restrict(&mut client, &copy, Rights(!right::READ.0)).unwrap();
    assert_eq!(
        standard::copy(&mut client, &server, &unreadable),
        Err(Status::Denied)
    );
    engine.assert_idle();
}
