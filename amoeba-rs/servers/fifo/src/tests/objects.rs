//! Fifos and ends as objects: rights, ages, and their going.

use super::clients::{Lab, capability, restricted};
use crate::engine::MOST_OBJECTS;
use proto::capability::{Capability, Port, Private, Rights};
use proto::fifo::{Command, LIFETIME, Make, Open, right};
use proto::standard::{Command as Standard, Status};
use std::string::String;

fn info(lab: &mut Lab, object: &Capability) -> Result<String, proto::fifo::Failure> {
    let reply = lab.ask(object, Standard::Info.code(), (0, 200, 0))?;
    Ok(String::from_utf8(reply.data).unwrap())
}

fn is_gone(lab: &mut Lab, object: &Capability) -> bool {
    info(lab, object) == Err(Status::BadCapability.into())
}

#[test]
fn objects_tell_what_they_are() {
    let mut lab = Lab::new();
    let server = lab.engine.capability();
    let fifo = lab.create(0, Make::empty());
    let reader = lab.open(&fifo, Open::READ);
    let writer = lab.open(&fifo, Open::WRITE);
    let both = lab.open(&fifo, Open::READ | Open::WRITE);
    for (object, line) in [
        (server, "fifo server"),
        (fifo, "| fifo: 2 readers, 2 writers"),
        (reader, "| end of a fifo for reading"),
        (writer, "| end of a fifo for writing"),
        (both, "| end of a fifo for reading and writing"),
    ] {
        assert_eq!(info(&mut lab, &object).as_deref(), Ok(line));
    }
    lab.read(&reader, 9).unwrap_err();
    let figures = lab.ask(&server, Standard::Status.code(), (0, 99, 0)).unwrap();
    assert_eq!(figures.data, b"1 fifos, 3 ends, 1 requests wait\n");
    let cut = lab.ask(&server, Standard::Info.code(), (0, 4, 0)).unwrap();
    assert_eq!((cut.header.size, cut.data.as_slice()), (11, &b"fifo"[..]));
}

#[test]
fn each_request_needs_its_right() {
    let mut lab = Lab::new();
    let server = lab.engine.capability();
    let fifo = lab.create(0, Make::empty());
    let reader = lab.open(&fifo, Open::READ);
    let writer = lab.open(&fifo, Open::WRITE);
    let cases = [
        (server, Command::Create.code(), 0, right::CREATE),
        (server, Standard::Age.code(), 0, right::ADMIN),
        (fifo, Command::Open.code(), 1 | 4, right::READ),
        (fifo, Command::Open.code(), 2 | 4, right::WRITE),
        (reader, 4052, 0, right::READ),
        (writer, 4053, 0, right::WRITE),
        (reader, Command::Share.code(), 0, right::CLOSE),
        (reader, Command::Close.code(), 0, right::CLOSE),
        (reader, 4055, 0, right::CLOSE),
        (fifo, Standard::Destroy.code(), 0, right::CLOSE),
    ];
    for (object, command, extra, needed) in cases {
        let others = restricted(&object, Rights(!needed.0));
        let refused = lab.ask(&others, command, (0, 0, extra));
        assert_eq!(refused, Err(Status::Denied.into()), "{command}");
        let own = restricted(&object, needed);
        assert!(lab.ask(&own, command, (0, 0, extra)).is_ok(), "{command}");
    }
}

#[test]
fn an_end_is_for_its_side_only_and_wrong_requests_are_refused() {
    let mut lab = Lab::new();
    let server = lab.engine.capability();
    let fifo = lab.create(0, Make::empty());
    let reader = lab.open(&fifo, Open::READ);
    let writer = lab.open(&fifo, Open::WRITE);
    let read = lab.read(&writer, 1).unwrap();
    assert_eq!(read, Err(Status::Denied.into()));
    let written = lab.write(&reader, b"x").unwrap();
    assert_eq!(written, Err(Status::Denied.into()));
    let open = Command::Open.code();
    for (object, command, fields, status) in [
        (fifo, open, (0, 0, 4), Status::BadArgument),
        (fifo, open, (0, 0, 9), Status::BadArgument),
        (fifo, 4052, (0, 1, 0), Status::BadCommand),
        (reader, open, (0, 0, 1), Status::BadCommand),
        (server, open, (0, 0, 1), Status::BadCommand),
        (fifo, Command::Create.code(), (0, 0, 0), Status::BadCommand),
        (server, Command::Create.code(), (-1, 0, 0), Status::BadArgument),
        (server, Command::Create.code(), (65537, 0, 0), Status::BadArgument),
        (server, Command::Create.code(), (0, 0, 2), Status::BadArgument),
        (fifo, Command::Close.code(), (0, 0, 0), Status::BadCommand),
        (server, Standard::Destroy.code(), (0, 0, 0), Status::Denied),
        (server, 4205, (0, 0, 0), Status::BadCommand),
        (writer, 4053, (0, 5, 0), Status::BadArgument),
    ] {
        assert_eq!(
            lab.ask(&object, command, fields),
            Err(status.into()),
            "{command} {fields:?}"
        );
    }
    for object in [fifo, writer] {
        let size = lab.ask(&object, Command::BufferSize.code(), (0, 0, 0));
        assert_eq!(size.unwrap().header.offset, 8192);
    }
}

#[test]
fn forged_capabilities_are_refused() {
    let mut lab = Lab::new();
    let [reader, _] = lab.pipe(0);
    for number in 0..6000_u32 {
        let mut check = reader.private.check;
        check.0[number as usize % 6] ^= (number / 6 % 255 + 1) as u8;
        let forged = Capability {
            port: reader.port,
            private: Private::owner(number % 4, check),
        };
        assert!(is_gone(&mut lab, &forged));
    }
    assert!(!is_gone(&mut lab, &reader));
    let other = Capability {
        private: Private::owner(9, Port([1; 6])),
        ..reader
    };
    assert!(is_gone(&mut lab, &other));
}

#[test]
fn a_temporary_fifo_goes_with_its_last_end_and_another_stays() {
    let mut lab = Lab::new();
    for (how, goes) in [(Make::TEMPORARY, true), (Make::empty(), false)] {
        let fifo = lab.create(0, how);
        let reader = lab.open(&fifo, Open::READ);
        let writer = lab.open(&fifo, Open::WRITE);
        lab.close(&reader).unwrap();
        assert!(!is_gone(&mut lab, &fifo));
        lab.close(&writer).unwrap();
        assert_eq!(is_gone(&mut lab, &fifo), goes);
    }
}

#[test]
fn a_fifo_takes_its_ends_with_it() {
    let mut lab = Lab::new();
    let fifo = lab.create(0, Make::TEMPORARY);
    let reader = lab.open(&fifo, Open::READ);
    let writer = lab.open(&fifo, Open::WRITE);
    let waiting = lab.read(&reader, 1).unwrap_err();
    lab.ask(&fifo, Standard::Destroy.code(), (0, 0, 0)).unwrap();
    assert_eq!(lab.answer(waiting), Some(Err(Status::BadCapability.into())));
    for object in [fifo, reader, writer] {
        assert!(is_gone(&mut lab, &object));
    }
}

#[test]
fn ends_that_nobody_uses_are_closed_after_24_hours() {
    let mut lab = Lab::new();
    let [reader, writer] = lab.pipe(0);
    let waiting = lab.read(&reader, 1).unwrap_err();
    for _ in 1..LIFETIME {
        lab.engine.age_ends();
    }
    // The reader is still there; whoever had the writer is not.
    assert!(info(&mut lab, &reader).is_ok());
    lab.engine.age_ends();
    lab.over.extend(lab.engine.over());
    assert!(is_gone(&mut lab, &writer));
    assert_eq!(lab.answer(waiting).unwrap().unwrap().header.extra, 1);
    for _ in 2..LIFETIME {
        lab.engine.age_ends();
    }
    let touched = [reader.private.emit(), [0; 10]].concat();
    let server = lab.engine.capability();
    let many = Standard::TouchMany.code();
    let reply = lab.start(&server, many, (0, 2, 0), &touched).unwrap();
    assert_eq!(reply.unwrap().header.extra, 1);
    lab.engine.age_ends();
    assert!(info(&mut lab, &reader).is_ok());
}

#[test]
fn fifos_that_are_not_open_grow_old() {
    let mut lab = Lab::new();
    let server = lab.engine.capability();
    let [open, shut] = [(); 2].map(|()| lab.create(0, Make::empty()));
    let reader = lab.open(&open, Open::READ);
    let age = |lab: &mut Lab| {
        for _ in 0..LIFETIME {
            lab.ask(&server, Standard::Age.code(), (0, 0, 0)).unwrap();
        }
    };
    age(&mut lab);
    assert!(!is_gone(&mut lab, &open) && is_gone(&mut lab, &shut));
    lab.close(&reader).unwrap();
    age(&mut lab);
    assert!(is_gone(&mut lab, &open));
}

#[test]
fn there_is_room_for_so_many_objects_and_for_others_when_they_are_gone() {
    let mut lab = Lab::new();
    let server = lab.engine.capability();
    let create = Command::Create.code();
    let first = lab.create(0, Make::empty());
    for _ in 1..MOST_OBJECTS {
        lab.create(0, Make::empty());
    }
    let refused = lab.ask(&server, create, (0, 0, 0));
    assert_eq!(refused, Err(Status::NoSpace.into()));
    lab.ask(&first, Standard::Destroy.code(), (0, 0, 0)).unwrap();
    let next = capability(&lab.ask(&server, create, (0, 0, 0)).unwrap());
    assert_eq!(next.private.object(), first.private.object());
    // The old capability is not good for the new object.
    assert!(is_gone(&mut lab, &first));
}

#[test]
fn a_restricted_capability_has_the_rights_that_are_left() {
    let mut lab = Lab::new();
    let fifo = lab.create(0, Make::empty());
    let mask = i32::from(right::READ.0);
    let reply = lab.ask(&fifo, Standard::Restrict.code(), (mask, 0, 0)).unwrap();
    let restricted = capability(&reply);
    assert_eq!(restricted.private.rights, right::READ);
    assert!(lab.ask(&restricted, Command::Open.code(), (0, 0, 5)).is_ok());
    let refused = lab.ask(&restricted, Command::Open.code(), (0, 0, 6));
    assert_eq!(refused, Err(Status::Denied.into()));
}
