//! Restricted capabilities do only what they may, columns show only what they should, and forged ones nothing.

use super::lab::{COLUMNS, Lab};
use super::model::{append, bytes, capability, file, header, list, lookup, name};
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private, Rights};
use proto::capability_set::CapabilitySet;
use proto::message::Header;
use proto::soap::directory::emit_masks;
use proto::soap::wire::{ENCRYPTED, Installation};
use proto::soap::{Command, Failure, Masks};
use proto::standard::{self, Status};

const DENIED: Result<(), Failure> = Err(Failure::Standard(Status::Denied));
const NOT_FOUND: Failure = Failure::Standard(Status::NotFound);
const FORGED: Failure = Failure::Standard(Status::BadCapability);

fn restricted(capability: &Capability, rights: u8) -> Capability {
    Capability {
        private: capability
            .private
            .restrict(Rights(rights), capability.private.check),
        ..*capability
    }
}

/// What a server answers to a command on a directory.
fn ask(lab: &mut Lab, directory: &Capability, command: Command, data: &[u8]) -> Result<(), Failure> {
    let reply = lab.request(0, &header(directory, command), data);
    reply.expect("the server is on").result()
}

/// A directory with one row for each set of columns that may see it.
fn full(flags: u16) -> (Lab, Capability) {
    let mut lab = Lab::new(2, 3);
    let directory = create(&mut lab, flags);
    for visible in 0..8_u8 {
        let masks: Masks = core::array::from_fn(|column| {
            Rights(if visible >> column & 1 == 1 {
                1 << column | 0x80
            } else {
                0
            })
        });
        let row = append(&[b'a' + visible], &file(visible.into()), &masks);
        assert_eq!(ask(&mut lab, &directory, Command::Append, &row), Ok(()));
    }
    (lab, directory)
}

fn create(lab: &mut Lab, flags: u16) -> Capability {
    let names = bytes(|writer| COLUMNS.iter().try_for_each(|name| writer.string(name)));
    let header = Header {
        extra: flags,
        ..header(&lab.root, Command::Create)
    };
    let reply = lab.request(0, &header, &names).expect("the server is on");
    reply.result().expect("a directory");
    capability(&reply)
}

#[test]
fn each_set_of_columns_finds_its_rows_with_the_rights_of_their_masks() {
    for flags in [0, ENCRYPTED] {
        let (mut lab, directory) = full(flags);
        for columns in 1..8_u8 {
            let held = restricted(&directory, columns);
            let shown = list(&mut lab, 1, &held).expect("a column is enough");
            for visible in 0..8_u8 {
                let row = [b'a' + visible];
                let listed = shown.iter().find(|(name, _)| *name == row);
                let found = lookup(&mut lab, 1, &held, &row);
                let common = visible & columns;
                if common == 0 {
                    assert_eq!(found, Err(NOT_FOUND));
                    // Who holds all columns also sees rows that show nothing.
                    assert_eq!(listed.is_some(), columns == 7);
                    continue;
                }
                let rights = Rights(common | 0x80);
                assert_eq!(found, Ok(restricted(&file(visible.into()), rights.0)));
                let (_, masks) = listed.expect("what can be found is listed");
                for (column, mask) in masks[..3].iter().enumerate() {
                    let is_shown = common >> column & 1 == 1;
                    let expected = if is_shown { 1 << column | 0x80 } else { 0 };
                    assert_eq!(*mask, Rights(expected), "column {column} of {columns:b}");
                }
            }
        }
    }
}

#[test]
fn without_a_column_nothing_is_shown() {
    let (mut lab, directory) = full(0);
    let held = restricted(&directory, 0xf8);
    for (command, data) in [
        (Command::List, Vec::new()),
        (Command::Lookup, name(b"h")),
        (Command::GetMasks, name(b"h")),
    ] {
        assert_eq!(ask(&mut lab, &held, command, &data), DENIED, "{command:?}");
    }
    assert_eq!(ask(&mut lab, &held, Command::GetSequence, &[]), Ok(()));
}

#[test]
fn changes_take_the_right_to_modify_and_removal_the_right_to_delete() {
    let (mut lab, directory) = full(0);
    let held = restricted(&directory, 0xbf);
    let masks = [Rights(0); 4];
    let replace = bytes(|writer| {
        writer.string(b"h")?;
        CapabilitySet::single(file(1)).emit(writer)
    });
    let install = bytes(|writer| {
        let installation = Installation {
            directory: CapabilitySet::single(held),
            name: b"h",
            set: CapabilitySet::single(file(1)),
            old: Capability::NULL,
        };
        installation.emit(writer)
    });
    let change = bytes(|writer| {
        writer.string(b"h")?;
        emit_masks(&masks, 3, writer)
    });
    let kind = bytes(|writer| {
        writer.string(b"h")?;
        writer.capability(&file(1))
    });
    for (command, data) in [
        (Command::Append, append(b"new", &file(1), &masks)),
        (Command::Delete, name(b"h")),
        (Command::Replace, replace),
        (Command::ChangeMasks, change),
        (Command::PutType, kind),
        (Command::Install, install),
    ] {
        assert_eq!(ask(&mut lab, &held, command, &data), DENIED, "{command:?}");
    }
    let empty = create(&mut lab, 0);
    assert_eq!(
        ask(&mut lab, &restricted(&empty, 0x7f), Command::Discard, &[]),
        DENIED
    );
    assert_eq!(
        ask(&mut lab, &restricted(&empty, 0x80), Command::Discard, &[]),
        Ok(())
    );
    assert_eq!(ask(&mut lab, &empty, Command::List, &[]), Err(FORGED));
}

#[test]
fn who_holds_one_column_cannot_give_it_rights_that_it_does_not_have() {
    let (mut lab, directory) = full(0);
    let held = restricted(&directory, 0x44);
    let change = |low: u8| {
        bytes(|writer| {
            writer.string(b"h")?;
            emit_masks(&[Rights(0x81), Rights(0x82), Rights(low), Rights(0)], 3, writer)
        })
    };
    assert_eq!(ask(&mut lab, &held, Command::ChangeMasks, &change(0xff)), DENIED);
    assert_eq!(ask(&mut lab, &held, Command::ChangeMasks, &change(0x85)), DENIED);
    assert_eq!(ask(&mut lab, &held, Command::ChangeMasks, &change(0x80)), Ok(()));
    assert_eq!(lookup(&mut lab, 1, &held, b"h"), Ok(restricted(&file(7), 0x80)));
    assert_eq!(
        ask(&mut lab, &directory, Command::ChangeMasks, &change(0xff)),
        Ok(())
    );
    assert_eq!(lookup(&mut lab, 1, &held, b"h"), Ok(file(7)));
}

#[test]
fn the_server_restricts_as_the_holder_of_all_rights_would() {
    for flags in [0, ENCRYPTED] {
        let mut lab = Lab::new(2, 3);
        let directory = create(&mut lab, flags);
        for (first, mask) in [(0xff, 0x47), (0x47, 0x05), (0x05, 0xf0), (0xc3, 0x00)] {
            let held = restricted(&directory, first);
            let request = Header {
                command: standard::Command::Restrict.code(),
                offset: mask,
                ..header(&held, Command::List)
            };
            let reply = lab.request(1, &request, &[]).expect("the server is on");
            assert_eq!(reply.result(), Ok(()));
            assert_eq!(capability(&reply), restricted(&directory, first & mask as u8));
        }
    }
}

#[test]
fn a_million_forged_check_fields_are_refused() {
    let (mut lab, directory) = full(0);
    let sealed = create(&mut lab, ENCRYPTED);
    let mut seed = 1_u64;
    let engine = lab.engine(0);
    for count in 0..1_000_000_u64 {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let bytes = seed.to_le_bytes();
        let target = if count % 4 == 0 { sealed } else { directory };
        let mut private = target.private.emit();
        private[3] = bytes[0];
        private[4..10].copy_from_slice(&bytes[2..8]);
        let request = Header {
            private,
            ..header(&target, Command::GetSequence)
        };
        match engine.request(&request, &[]) {
            crate::Outcome::Reply(reply) => assert_eq!(reply.result(), Err(FORGED)),
            outcome => panic!("{outcome:?}"),
        }
    }
}

#[test]
fn check_fields_that_differ_in_one_bit_are_refused_by_every_command() {
    let (mut lab, directory) = full(0);
    let sealed = create(&mut lab, ENCRYPTED);
    for target in [directory, sealed, lab.server] {
        for bit in 0..48 {
            let mut check = target.private.check;
            check.0[bit / 8] ^= 1 << (bit % 8);
            let forged = Capability {
                private: Private::owner(target.private.object(), check),
                ..target
            };
            for command in Command::ALL {
                if matches!(command, Command::Install | Command::SetLookup) {
                    continue;
                }
                let result = ask(&mut lab, &forged, *command, &name(b"h"));
                assert_eq!(result, Err(FORGED), "{command:?}");
            }
        }
    }
}

#[test]
fn an_encrypted_directory_shows_nothing_of_itself_in_its_file() {
    let mut lab = Lab::new(2, 3);
    let directory = create(&mut lab, ENCRYPTED);
    let secret = Capability {
        port: Port(*b"hidden"),
        private: Private::owner(5, Port(*b"secret")),
    };
    let row = append(b"confidential", &secret, &[Rights::ALL; 4]);
    assert_eq!(ask(&mut lab, &directory, Command::Append, &row), Ok(()));
    lab.copy_files(0);
    let state = lab.state.borrow();
    let contains = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    for store in &state.stores {
        assert!(!store.files.is_empty());
        for (_, file) in store.files.values() {
            for hidden in [
                &b"confidential"[..],
                b"hidden",
                b"secret",
                &directory.private.check.0,
            ] {
                assert!(!contains(file, hidden));
            }
        }
    }
    drop(state);
    assert_eq!(lookup(&mut lab, 1, &directory, b"confidential"), Ok(secret));
    // The same directory opens with fewer rights, through a row of a plain one as well.
    let root = lab.root;
    let row = append(
        b"vault",
        &directory,
        &[Rights(0x01), Rights(0), Rights(0), Rights(0)],
    );
    assert_eq!(ask(&mut lab, &root, Command::Append, &row), Ok(()));
    assert_eq!(lookup(&mut lab, 1, &root, b"vault/confidential"), Ok(secret));
    let vault = lookup(&mut lab, 1, &root, b"vault").expect("a directory");
    assert_eq!(vault.private.rights, Rights(0x01));
    assert_eq!(
        ask(&mut lab, &vault, Command::Delete, &name(b"confidential")),
        DENIED
    );
}

#[test]
fn only_who_runs_the_server_counts_directories_older_or_stops_it() {
    let mut lab = Lab::new(2, 3);
    let request = |capability: &Capability, command: u16| Header {
        command,
        ..header(capability, Command::List)
    };
    for command in [
        standard::Command::Age.code(),
        proto::soap::peer::Command::ShutDown.code(),
    ] {
        let (server, root) = (lab.server, lab.root);
        for weak in [restricted(&server, 0x7f), restricted(&server, 0xbf)] {
            let reply = lab.request(0, &request(&weak, command), &[]);
            assert_eq!(reply.map(|reply| reply.result()), Some(DENIED));
        }
        let reply = lab
            .request(0, &request(&root, command), &[])
            .expect("the server is on");
        assert!(reply.result().is_err());
        let reply = lab.request(0, &request(&server, command), &[]);
        assert_eq!(reply.map(|reply| reply.result()), Some(Ok(())));
    }
    assert!(lab.engine(0).is_stopping());
}

#[test]
fn what_servers_say_to_each_other_takes_their_private_capability() {
    let mut lab = Lab::new(2, 3);
    let question = lab.engine(0).tick_question().expect("it serves");
    assert_eq!(lab.engine(1).peer_request(&question.header, &[]).result(), Ok(()));
    for place in 4..10 {
        let mut header = question.header;
        header.private[place] ^= 1;
        assert_eq!(lab.engine(1).peer_request(&header, &[]).result(), Err(FORGED));
    }
    assert_eq!(
        lab.engine(0).peer_request(&question.header, &[]).result(),
        Err(FORGED)
    );
}
