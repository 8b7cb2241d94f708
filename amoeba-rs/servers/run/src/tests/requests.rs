//! Rights, standard commands and pools.

use super::hosts::{CHECK, Lab, PORT, busy, object, program};
use crate::engine::Outcome;
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::process::I80386;
use proto::run::{Command, Failure, LIFETIME, right};
use proto::standard::{Command as Standard, Status};
use std::string::String;

const ALL: Rights = Rights::ALL;

#[test]
fn only_who_may_is_served() {
    let mut lab = Lab::new(&[I80386]);
    let directory = object(9).emit();
    let descriptor = program(I80386, 4096);
    let cases: [(u16, u16, &[u8], Rights); 7] = [
        (Command::FindHost.code(), 1, &descriptor, right::PLACE),
        (Command::GetExecCapability.code(), 0, b"pool0\0", right::PLACE),
        (Command::Create.code(), 0, &directory, right::CREATE),
        (Standard::Age.code(), 0, &[], right::ADMIN),
        (
            Standard::SetParameters.code(),
            0,
            b"EQUIVPERC\x005\0",
            right::ADMIN,
        ),
        (Standard::Info.code(), 0, &[], Rights(0)),
        (Standard::GetParameters.code(), 0, &[], Rights(0)),
    ];
    for (command, extra, data, needed) in cases {
        assert!(lab.ask(needed, command, extra, data).is_ok(), "{command}");
        if needed != Rights(0) {
            let others = Rights(!needed.0);
            let refused = lab.ask(others, command, extra, data);
            assert_eq!(refused, Err(Status::Denied.into()), "{command}");
        }
    }
}

#[test]
fn forged_capabilities_and_unknown_commands_are_refused() {
    let mut lab = Lab::new(&[I80386]);
    for number in 0..2000_u32 {
        let mut check = CHECK;
        check.0[number as usize % 6] ^= (number / 6 + 1) as u8;
        let object = number % 3;
        let forged = Capability {
            port: PORT,
            private: Private::owner(object, check),
        };
        if check != CHECK {
            let header = libamoeba::standard::request(&forged, Standard::Info.code());
            let (reply, _) = lab.request(&header, &[]);
            assert_eq!(reply.status(), Some(Status::BadCapability));
        }
    }
    for (command, status) in [
        (2999, Status::BadCommand),
        (3003, Status::BadCommand),
        (Standard::Copy.code(), Status::BadCommand),
        (Standard::Destroy.code(), Status::Denied),
    ] {
        assert_eq!(lab.ask(ALL, command, 0, &[]), Err(status.into()));
    }
}

#[test]
fn bad_arguments_are_refused() {
    let mut lab = Lab::new(&[I80386]);
    let long = [0; 6001];
    let find = Command::FindHost.code();
    let descriptor = program(I80386, 4096);
    let cut = &descriptor[..descriptor.len() - 1];
    for (command, extra, data) in [
        (find, 0, &descriptor[..]),
        (find, 2, &descriptor),
        (find, 1, cut),
        (find, 1, &long),
        (Command::GetExecCapability.code(), 0, b"pool0"),
        (Command::Create.code(), 0, b"short"),
    ] {
        let refused = lab.ask(ALL, command, extra, data);
        assert_eq!(refused, Err(Status::BadArgument.into()));
    }
}

#[test]
fn a_host_is_known_by_its_name() {
    let mut lab = Lab::new(&[I80386; 2]);
    let get = Command::GetExecCapability.code();
    let (header, _) = lab.ask(ALL, get, 0, b"pool1\0").unwrap();
    assert_eq!(header.port, object(0x81).port);
    assert_eq!(header.private, object(0x81).private.emit());
    let unknown = lab.ask(ALL, get, 0, b"pool2\0");
    assert_eq!(unknown, Err(Status::NotFound.into()));
    lab.hosts[1] = None;
    lab.now += 1000;
    let down = lab.ask(ALL, get, 0, b"pool1\0");
    assert_eq!(down, Err(Failure::Run(proto::run::Status::HostsDown)));
}

#[test]
fn a_table_tells_how_all_hosts_fare() {
    let mut lab = Lab::new(&[I80386; 3]);
    lab.hosts[1] = Some(busy(1));
    lab.hosts[2] = None;
    assert_eq!(lab.place(), Ok(0));
    let told = |lab: &mut Lab, command: Standard| {
        let (header, data) = lab.ask(ALL, command.code(), 0, &[]).unwrap();
        assert_eq!(usize::from(header.size), data.len());
        String::from_utf8(data).unwrap()
    };
    assert_eq!(told(&mut lab, Standard::Info), "run server: 2 of 3 hosts up");
    let expected = "\
HOST             ARCH     STATE     KIPS   LOAD KBYTES FREE  PLACED
pool0            i80386   up         300   1.00        2044       1
pool1            i80386   up         300   1.00        2048       0
pool2            i80386   down         0   0.00           0       0
";
    assert_eq!(told(&mut lab, Standard::Status), expected);
    let parameters = told(&mut lab, Standard::GetParameters);
    assert!(parameters.starts_with("EQUIVPERC\0integer\0"), "{parameters}");
    assert!(parameters.ends_with("\x001024\0"), "{parameters}");
}

#[test]
fn a_text_is_cut_off_where_the_client_has_no_room() {
    let mut lab = Lab::new(&[]);
    let header = Header {
        size: 10,
        ..libamoeba::standard::request(&lab.engine.capability(), Standard::Info.code())
    };
    let (header, data) = lab.request(&header, &[]);
    assert_eq!((header.size, data.as_slice()), (27, &b"run server"[..]));
}

/// A pool that was made: its capability.
fn pool(lab: &mut Lab) -> Capability {
    let directory = object(9);
    let (header, _) = lab
        .ask(ALL, Command::Create.code(), 0, &directory.emit())
        .unwrap();
    Capability {
        port: header.port,
        private: Private::parse(&header.private).unwrap(),
    }
}

fn info(lab: &mut Lab, pool: &Capability) -> Option<Status> {
    let header = libamoeba::standard::request(pool, Standard::Info.code());
    lab.request(&header, &[]).0.status()
}

#[test]
fn a_pool_lives_until_nobody_has_used_it_for_24_ages() {
    let mut lab = Lab::new(&[I80386]);
    let (first, second) = (pool(&mut lab), pool(&mut lab));
    assert_eq!((first.private.object(), second.private.object()), (1, 2));
    assert_eq!(lab.engine.directories(), [(1, object(9)), (2, object(9))]);
    for _ in 1..LIFETIME {
        lab.ask(ALL, Standard::Age.code(), 0, &[]).unwrap();
    }
    let both = [first.private.emit(), [0; 10]].concat();
    let header = Header {
        size: 2,
        ..libamoeba::standard::request(&lab.engine.capability(), Standard::TouchMany.code())
    };
    let (header, _) = lab.request(&header, &both);
    assert_eq!(header.extra, 1);
    lab.ask(ALL, Standard::Age.code(), 0, &[]).unwrap();
    assert_eq!(info(&mut lab, &first), Some(Status::Ok));
    assert_eq!(info(&mut lab, &second), Some(Status::BadCapability));
    let header = libamoeba::standard::request(&first, Standard::Destroy.code());
    assert_eq!(lab.request(&header, &[]).0.status(), Some(Status::Ok));
    assert_eq!(info(&mut lab, &first), Some(Status::BadCapability));
    // Its number is free again.
    assert_eq!(pool(&mut lab).private.object(), 1);
}

#[test]
fn a_restricted_capability_does_what_is_left_to_it() {
    let mut lab = Lab::new(&[I80386]);
    let capability = lab.engine.capability();
    let header = Header {
        offset: i32::from(right::PLACE.0),
        ..libamoeba::standard::request(&capability, Standard::Restrict.code())
    };
    let (reply, _) = lab.request(&header, &[]);
    let private = Private::parse(&reply.private).unwrap();
    assert_eq!(private.proven_rights(CHECK), Some(right::PLACE));
}

#[test]
fn a_directory_that_cannot_be_read_makes_no_pool_and_there_are_64_at_most() {
    let mut lab = Lab::new(&[]);
    let make = |lab: &mut Lab, members| match lab.engine.make_pool(object(9), Port([1; 6]), members) {
        Outcome::Reply(header, _) => Failure::check(header.command.cast_signed()),
        other => panic!("{other:?}"),
    };
    let bad = make(&mut lab, None);
    assert_eq!(bad, Err(proto::run::Status::BadPoolDirectory.into()));
    for _ in 1..64 {
        assert_eq!(make(&mut lab, Some(&[])), Ok(()));
    }
    assert_eq!(make(&mut lab, Some(&[])), Err(Status::NoSpace.into()));
}
