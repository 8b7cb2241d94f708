//! Paths, and several names at once.

use super::lab::Lab;
use super::model::{Client, MASKS, Operation, append, bytes, file, header, lookup, name};
use crate::Message;
use alloc::vec;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private, Rights};
use proto::capability_set::{CapabilitySet, Member};
use proto::marshal::Reader;
use proto::soap::wire::Found;
use proto::soap::{Command, Failure, Status as Own};
use proto::standard::Status;

const ALL: [Rights; 4] = [Rights::ALL; 4];

/// Directories a, a/b, a/b/c behind the root.
fn nested() -> (Lab, Client) {
    let mut lab = Lab::new(2, 3);
    let mut client = Client(vec![lab.root]);
    for (place, row) in [b"a", b"b", b"c"].iter().enumerate() {
        client.carry_out(&mut lab, 0, &Operation::Create);
        let data = append(*row, &client.0[place + 1], &ALL);
        ask(&mut lab, &client.0[place], Command::Append, &data);
    }
    (lab, client)
}

fn ask(lab: &mut Lab, directory: &Capability, command: Command, data: &[u8]) -> Message {
    let reply = lab.request(0, &header(directory, command), data);
    reply.expect("the server is on")
}

#[test]
fn a_path_leads_through_directories_of_this_server() {
    let (mut lab, client) = nested();
    for (path, place) in [(&b"a"[..], 1), (b"a/b", 2), (b"a/b/c", 3), (b"/a//b/c/", 3)] {
        assert_eq!(lookup(&mut lab, 1, &client.0[0], path), Ok(client.0[place]));
    }
    let missing = Err(Failure::Standard(Status::NotFound));
    assert_eq!(lookup(&mut lab, 1, &client.0[0], b"a/x/c"), missing);
    assert_eq!(lookup(&mut lab, 1, &client.0[0], b"a/b/c/d"), missing);
}

#[test]
fn rights_on_a_directory_are_those_of_all_masks_on_the_way() {
    let (mut lab, client) = nested();
    let secret = append(
        b"f",
        &file(1),
        &[Rights::ALL, Rights(0x0c), Rights(0x05), Rights(0)],
    );
    ask(&mut lab, &client.0[1], Command::Append, &secret);
    // The row of a gives columns 1 and 2 to the owner's column here.
    let narrow = append(
        b"narrow",
        &client.0[1],
        &[Rights(0x06), Rights(0x04), Rights(0), Rights(0)],
    );
    ask(&mut lab, &client.0[0], Command::Append, &narrow);
    let found = lookup(&mut lab, 0, &client.0[0], b"narrow/f").expect("two columns");
    assert_eq!(found.private.rights, Rights(0x0d));
    let root = client.0[0];
    let group = Capability {
        private: root.private.restrict(Rights(0x02), root.private.check),
        ..root
    };
    let found = lookup(&mut lab, 0, &group, b"narrow/f").expect("one column");
    assert_eq!(found.private.rights, Rights(0x05));
}

#[test]
fn a_path_that_leads_to_another_server_comes_back_with_its_rest() {
    let (mut lab, client) = nested();
    let row = append(b"elsewhere", &file(9), &ALL);
    ask(&mut lab, &client.0[2], Command::Append, &row);
    let reply = ask(
        &mut lab,
        &client.0[0],
        Command::Lookup,
        &name(b"a/b/elsewhere/x//y"),
    );
    assert_eq!(reply.result(), Ok(()));
    let mut reader = Reader::new(&reply.data);
    assert_eq!(reader.string(), Ok(&b"x/y"[..]));
    assert_eq!(
        CapabilitySet::parse(&mut reader),
        Ok(CapabilitySet::single(file(9)))
    );
}

/// A capability without all rights, which only its own server can restrict.
fn weak(port: u8) -> Capability {
    let check = Port([1; 6]);
    Capability {
        port: Port([port; 6]),
        private: Private::owner(3, check).restrict(Rights(0x3f), check),
    }
}

#[test]
fn a_capability_without_all_rights_is_restricted_by_its_own_server() {
    let (mut lab, client) = nested();
    ask(
        &mut lab,
        &client.0[0],
        Command::Append,
        &append(b"weak", &weak(0xcc), &MASKS),
    );
    let root = client.0[0];
    let group = Capability {
        private: root.private.restrict(Rights(0x02), root.private.check),
        ..root
    };
    let found = lookup(&mut lab, 0, &group, b"weak").expect("a column");
    assert_eq!(
        found,
        super::lab::restrict(&weak(0xcc), Rights(0x0f)).expect("it answers")
    );
    // A mask that takes nothing away needs nobody.
    assert_eq!(lookup(&mut lab, 0, &root, b"weak"), Ok(weak(0xcc)));
}

#[test]
fn members_whose_server_is_away_are_left_out_and_none_left_is_unreachable() {
    let (mut lab, client) = nested();
    let mut set = CapabilitySet::single(weak(0xdd));
    let both = |set: &CapabilitySet, row: &[u8]| {
        bytes(|writer| {
            writer.string(row)?;
            set.emit(writer)?;
            (0..3).try_for_each(|_| writer.rights(Rights(0x0f)))
        })
    };
    ask(&mut lab, &client.0[0], Command::Append, &both(&set, b"away"));
    let member = Member {
        capability: file(5),
        is_current: false,
    };
    set.add(member).expect("room for eight");
    ask(&mut lab, &client.0[0], Command::Append, &both(&set, b"half"));
    let unreachable = Err(Failure::Directory(Own::Unreachable));
    assert_eq!(lookup(&mut lab, 0, &client.0[0], b"away"), unreachable);
    let found = lookup(&mut lab, 0, &client.0[0], b"half").expect("one answers");
    assert_eq!((found.port, found.private.rights), (file(5).port, Rights(0x0f)));
}

#[test]
fn several_names_are_answered_each_for_itself() {
    let (mut lab, client) = nested();
    ask(
        &mut lab,
        &client.0[3],
        Command::Append,
        &append(b"f", &file(1), &MASKS),
    );
    let kind = bytes(|writer| {
        writer.string(b"f")?;
        writer.capability(&file(77))
    });
    assert_eq!(
        ask(&mut lab, &client.0[3], Command::PutType, &kind).result(),
        Ok(())
    );
    let forged = Capability {
        private: Private::owner(2, Port([7; 6])),
        ..client.0[0]
    };
    let asked: [(Capability, &[u8]); 5] = [
        (client.0[3], b"f"),
        (client.0[3], b"g"),
        (forged, b"f"),
        (file(1), b"f"),
        (client.0[0], b"a"),
    ];
    let data = bytes(|writer| {
        asked.iter().try_for_each(|(directory, row)| {
            CapabilitySet::single(*directory).emit(writer)?;
            writer.string(row)
        })
    });
    let reply = ask(&mut lab, &client.0[0], Command::SetLookup, &data);
    let mut reader = Reader::new(&reply.data);
    let told: Vec<Result<Found, i16>> = asked
        .iter()
        .map(|_| Found::parse(&mut reader).expect("the reply is whole"))
        .collect();
    let time = lab.state.borrow().seconds;
    let found = |kind: Capability, capability: Capability| {
        let set = CapabilitySet::single(capability);
        Ok(Found { kind, time, set })
    };
    assert_eq!(
        told,
        [
            found(file(77), file(1)),
            Err(Status::NotFound.code()),
            Err(Status::BadCapability.code()),
            Err(Status::BadCapability.code()),
            found(Capability::NULL, client.0[1]),
        ]
    );
    assert!(reader.rest().is_empty());
}

#[test]
fn sequence_numbers_of_directories_rise_with_every_change() {
    let (mut lab, client) = nested();
    let mut last = 0;
    for row in [b"p", b"q", b"r"] {
        for place in 0..4 {
            ask(
                &mut lab,
                &client.0[place],
                Command::Append,
                &append(row, &file(1), &MASKS),
            );
            let reply = ask(&mut lab, &client.0[place], Command::GetSequence, &[]);
            let mut reader = Reader::new(&reply.data);
            let sequence = proto::soap::directory::parse_sequence(&mut reader).expect("eight bytes");
            assert!(sequence > last);
            last = sequence;
        }
    }
}
