//! The system server: figures, networks, booting and reservations.

use super::{Kernel, capability, offset, ok, weak};
use crate::flip::Change;
use crate::servers::system::{
    BOOT, CHANGE_CAPABILITIES, LONGEST_LINE, NETWORK_CONTROL, OBJECT, RIGHT_BOOT, RIGHT_CONTROL, STATISTICS,
    letters,
};
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::process::server::Command;
use proto::standard::{self, Status};
use std::string::String;
use std::vec::Vec;

fn figures(kernel: &mut Kernel, letter: char) -> Result<String, Status> {
    let header = Header {
        extra: letter as u16,
        ..Header::default()
    };
    let system = kernel.system;
    let reply = kernel.ask(&system, STATISTICS, header, &[])?;
    Ok(String::from_utf8(reply.data).unwrap())
}

#[test]
fn every_letter_of_the_list_has_figures_and_no_other() {
    let mut kernel = Kernel::new();
    let list: Vec<char> = letters().map(|(letter, _)| letter).collect();
    assert_eq!(list.iter().collect::<String>(), "?CEFINSbcefikmnpsuv");
    let text = figures(&mut kernel, '?').unwrap();
    assert_eq!(text.lines().count(), list.len());
    for letter in (0..=255_u8).map(char::from) {
        let answer = figures(&mut kernel, letter);
        assert_eq!(answer.is_ok(), list.contains(&letter), "{letter}");
    }
    assert_eq!(figures(&mut kernel, 'F'), Ok("F at 500\n".into()));
    assert_eq!(figures(&mut kernel, 'u'), Ok("0 seconds up\n".into()));
    let bits = figures(&mut kernel, 'b').unwrap();
    assert!(bits.starts_with("64 seed bits, "), "{bits}");
}

#[test]
fn a_network_is_changed_as_far_as_numbers_are_not_minus_one() {
    let mut kernel = Kernel::new();
    let system = kernel.system;
    let bytes = |numbers: [i16; 5]| numbers.map(i16::to_le_bytes).concat();
    let data = bytes([1, 250, -1, 0, 1]);
    let reply = kernel
        .ask(&system, NETWORK_CONTROL, Header::default(), &data)
        .unwrap();
    assert_eq!(reply.data, [0x34, 0x12, 5, 0, 1, 0, 0, 0]);
    let change = Change {
        delay: Some(250),
        loss: None,
        is_on: Some(false),
        is_trusted: Some(true),
    };
    assert_eq!(kernel.surroundings.changes, [(1, change)]);
    for bad in [
        bytes([1, -2, 0, 0, 0]),
        bytes([1, 0, 300, 0, 0]),
        bytes([2, 0, 0, 0, 0]),
    ] {
        let result = kernel.ask(&system, NETWORK_CONTROL, Header::default(), &bad);
        assert_eq!(result, Err(Status::BadArgument));
    }
    let short = kernel.ask(&system, NETWORK_CONTROL, Header::default(), &data[..9]);
    assert_eq!(short, Err(Status::BadArgument));
    let without = weak(&system, Rights(!RIGHT_CONTROL.0));
    let denied = kernel.ask(&without, NETWORK_CONTROL, Header::default(), &data);
    assert_eq!(denied, Err(Status::Denied));
}

#[test]
fn booting_takes_a_capability_and_a_command_line_or_neither() {
    let mut kernel = Kernel::new();
    let system = kernel.system;
    let image = Capability {
        port: Port([3; 6]),
        private: Private::owner(7, Port([4; 6])),
    };
    let with = |capability: &Capability, line: &[u8]| [&capability.emit()[..], line].concat();
    let long = with(&image, &[b'x'; LONGEST_LINE + 1]);
    for good in [
        with(&image, b"slice=50\0junk"),
        with(&Capability::NULL, b""),
        Vec::new(),
    ] {
        assert_eq!(kernel.ask(&system, BOOT, Header::default(), &good), Ok(ok()));
    }
    assert_eq!(
        kernel.surroundings.boots,
        [Some((image, "slice=50".into())), None, None]
    );
    for bad in [long, with(&image, b"\xff"), with(&image, b"")[..15].to_vec()] {
        let result = kernel.ask(&system, BOOT, Header::default(), &bad);
        assert_eq!(result, Err(Status::BadArgument));
    }
    let without = weak(&system, Rights(!RIGHT_BOOT.0));
    let denied = kernel.ask(&without, BOOT, Header::default(), &[]);
    assert_eq!(denied, Err(Status::Denied));
    assert_eq!(kernel.surroundings.boots.len(), 3);
}

/// The same object, protected by another check field.
fn reserved(capability: &Capability, check: u8) -> Capability {
    Capability {
        private: Private::owner(capability.private.object(), Port([check; 6])),
        ..*capability
    }
}

fn touch(kernel: &mut Kernel, capability: &Capability) -> Result<(), Status> {
    let touch = standard::Command::Touch.code();
    kernel.ask(capability, touch, offset(0), &[]).map(|_| ())
}

fn reserve(kernel: &mut Kernel, seconds: i32, checks: [u8; 3]) -> Result<(), Status> {
    let data = checks.map(|check| [check; 6]).concat();
    let system = kernel.system;
    let reply = kernel.ask(&system, CHANGE_CAPABILITIES, offset(seconds), &data);
    reply.map(|_| ())
}

#[test]
fn a_reserved_machine_takes_the_new_capabilities_until_the_time_is_over() {
    let mut kernel = Kernel::new();
    let own = [kernel.directory, kernel.system, kernel.process];
    let held: Vec<_> = own
        .iter()
        .zip([51, 52, 53])
        .map(|(own, check)| reserved(own, check))
        .collect();
    let terminal = kernel.terminal;
    assert_eq!(reserve(&mut kernel, 2, [51, 52, 53]), Ok(()));
    for (own, held) in own.iter().zip(&held) {
        assert_eq!(touch(&mut kernel, own), Err(Status::BadCapability));
        assert_eq!(touch(&mut kernel, held), Ok(()));
        assert_eq!(touch(&mut kernel, &weak(held, Rights(1))), Ok(()));
    }
    assert_eq!(touch(&mut kernel, &terminal), Ok(()));
    // The directory gives out what is good now.
    let reply = kernel.ask(&held[0], 2106, offset(0), b"proc\0").unwrap();
    assert_eq!(Capability::parse(&reply.data[5..]).unwrap(), held[2]);
    kernel.now += 1999;
    assert_eq!(touch(&mut kernel, &held[1]), Ok(()));
    kernel.now += 1;
    for (own, held) in own.iter().zip(&held) {
        assert_eq!(touch(&mut kernel, own), Ok(()));
        assert_eq!(touch(&mut kernel, held), Err(Status::BadCapability));
    }
}

#[test]
fn a_reservation_ends_with_a_null_check_field() {
    let mut kernel = Kernel::new();
    let own = kernel.system;
    for bad in [(0, [1, 2, 3]), (-1, [1, 2, 3]), (5, [1, 0, 3])] {
        assert_eq!(reserve(&mut kernel, bad.0, bad.1), Err(Status::BadArgument));
    }
    assert_eq!(reserve(&mut kernel, 100, [1, 2, 3]), Ok(()));
    let held = reserved(&own, 2);
    assert_eq!(held.private.object(), OBJECT);
    let end = kernel.ask(&held, CHANGE_CAPABILITIES, offset(0), &[0; 6]);
    assert_eq!(end, Ok(ok()));
    assert_eq!(touch(&mut kernel, &own), Ok(()));
    let without = weak(&own, Rights(!RIGHT_CONTROL.0));
    let denied = kernel.ask(&without, CHANGE_CAPABILITIES, offset(0), &[0; 6]);
    assert_eq!(denied, Err(Status::Denied));
}

#[test]
fn capabilities_to_start_processes_end_with_the_reservation_and_begin_anew_in_it() {
    let mut kernel = Kernel::new();
    let server = kernel.process;
    let load = Command::SecureGetLoad.code();
    let before = capability(&kernel.ask(&server, load, offset(0), &[]).unwrap());
    assert!(kernel.exec(&before).is_ok());
    reserve(&mut kernel, 1, [1, 2, 3]).unwrap();
    assert_eq!(kernel.exec(&before), Err(Status::BadCapability));
    let held = reserved(&server, 3);
    let within = capability(&kernel.ask(&held, load, offset(0), &[]).unwrap());
    assert!(kernel.exec(&within).is_ok());
    kernel.now += 1000;
    for old in [before, within] {
        assert_eq!(kernel.exec(&old), Err(Status::BadCapability));
    }
    let after = capability(&kernel.ask(&server, load, offset(0), &[]).unwrap());
    assert!(kernel.exec(&after).is_ok());
}
