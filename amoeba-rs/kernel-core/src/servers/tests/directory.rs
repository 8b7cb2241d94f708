//! The kernel's directory, asked as a directory server is asked.

use super::{Kernel, capability, ok, size, weak};
use crate::servers::directory::host;
use proptest::prelude::{any, prop_assert, proptest};
use proto::capability::{Capability, Port, Rights};
use proto::capability_set::CapabilitySet;
use proto::marshal::{Reader, Writer};
use proto::message::Header;
use proto::soap::{Command, LARGEST_BUFFER};
use proto::standard::Status;
use std::string::String;
use std::vec;
use std::vec::Vec;

const LIST: u16 = Command::List.code();
const LOOKUP: u16 = Command::Lookup.code();
const LOOKUP_SET: u16 = Command::SetLookup.code();
const GET_MASKS: u16 = Command::GetMasks.code();
/// Commands that would change what is the kernel's own, and the one about sequence numbers.
const OTHERS: [u16; 6] = [2100, 2101, 2104, 2108, 2109, 2112];

/// The rest of a path and what its beginning stands for.
fn look_up(
    kernel: &mut Kernel,
    directory: &Capability,
    path: &[u8],
) -> Result<(Vec<u8>, Capability), Status> {
    let mut data = path.to_vec();
    data.push(0);
    let reply = kernel.ask(directory, LOOKUP, size(data.len() as u16), &data)?;
    let mut reader = Reader::new(&reply.data);
    let rest = reader.string().unwrap().to_vec();
    let set = CapabilitySet::parse(&mut reader).unwrap();
    assert!(reader.rest().is_empty());
    let members: Vec<_> = set.members().map(|member| member.capability).collect();
    assert_eq!((set.wanted, members.len()), (1, 1));
    Ok((rest, members[0]))
}

/// The name and the masks of a row.
type Row = (String, Vec<u32>);

/// The rows of a directory from one on, and the number of the next one to ask for.
fn list(kernel: &mut Kernel, directory: &Capability, first: u16) -> Result<(Vec<Row>, u16), Status> {
    let header = Header {
        extra: first,
        ..Header::default()
    };
    let reply = kernel.ask(directory, LIST, header, &[])?;
    assert!(reply.data.len() <= LARGEST_BUFFER);
    let mut reader = Reader::new(&reply.data);
    assert_eq!(reader.i16(), Ok(3));
    let rows = reader.i16().unwrap();
    for column in ["owner", "group", "other"] {
        assert_eq!(reader.string(), Ok(column.as_bytes()));
    }
    let rows = (0..rows)
        .map(|_| {
            let name = String::from_utf8(reader.string().unwrap().to_vec()).unwrap();
            (name, (0..3).map(|_| reader.u32().unwrap()).collect())
        })
        .collect();
    assert!(reader.rest().is_empty());
    Ok((rows, reply.header.extra))
}

#[test]
fn whoever_knows_the_secret_makes_the_capability() {
    let mut kernel = Kernel::new();
    let directory = host(Port([11; 6]));
    assert_eq!(directory, kernel.directory);
    assert_eq!(
        look_up(&mut kernel, &directory, b"proc"),
        Ok((vec![], kernel.process))
    );
    let wrong = Capability {
        private: host(Port([13; 6])).private,
        ..directory
    };
    assert_eq!(look_up(&mut kernel, &wrong, b"proc"), Err(Status::BadCapability));
}

#[test]
fn rows_are_listed_with_the_masks_of_their_columns() {
    let mut kernel = Kernel::new();
    let directory = kernel.directory;
    let row = |name: &str, masks: [u32; 3]| (String::from(name), masks.to_vec());
    let rows = vec![
        row("ps", [0xff, 0x02, 0x04]),
        row("proc", [0xff, 0x3f, 0x3f]),
        row("sys", [0xff, 1, 1]),
        row("printbuf", [1, 1, 1]),
    ];
    assert_eq!(list(&mut kernel, &directory, 0), Ok((rows.clone(), 0)));
    assert_eq!(list(&mut kernel, &directory, 3), Ok((rows[3..].to_vec(), 0)));
    assert_eq!(list(&mut kernel, &directory, 4), Ok((vec![], 0)));
    assert_eq!(list(&mut kernel, &directory, 5), Err(Status::BadArgument));
    let masks = kernel.ask(&directory, GET_MASKS, size(5), b"proc\0").unwrap();
    assert_eq!(masks.data, [0xff, 0, 0, 0, 0x3f, 0, 0, 0, 0x3f, 0, 0, 0]);
}

#[test]
fn a_column_gives_its_rights_and_no_column_none() {
    let mut kernel = Kernel::new();
    let directory = kernel.directory;
    let sys = kernel.system;
    let group = weak(&directory, Rights(0x02));
    assert_eq!(
        look_up(&mut kernel, &group, b"sys"),
        Ok((vec![], weak(&sys, Rights(0x01))))
    );
    let modify = weak(&directory, Rights(0xc0));
    assert_eq!(look_up(&mut kernel, &modify, b"sys"), Err(Status::Denied));
    assert_eq!(list(&mut kernel, &modify, 0), Err(Status::Denied));
    assert_eq!(
        kernel.ask(&modify, GET_MASKS, size(4), b"sys\0"),
        Err(Status::Denied)
    );
    let (_, processes) = look_up(&mut kernel, &group, b"ps").unwrap();
    assert_eq!(
        processes.private.rights,
        Rights(0x02),
        "a column of a directory leads to the same column"
    );
}

#[test]
fn processes_are_found_by_their_slots() {
    let mut kernel = Kernel::new();
    let (directory, server) = (kernel.directory, kernel.process);
    let processes = [kernel.exec(&server).unwrap(), kernel.exec(&server).unwrap()];
    let (rest, found) = look_up(&mut kernel, &directory, b"ps//1").unwrap();
    assert_eq!(rest, b"1");
    assert_eq!(look_up(&mut kernel, &found, &rest), Ok((vec![], processes[1])));
    let names: Vec<_> = list(&mut kernel, &found, 0).unwrap().0;
    assert_eq!(
        names,
        [
            ("0".into(), vec![0xff, 0xf, 0xf]),
            ("1".into(), vec![0xff, 0xf, 0xf])
        ]
    );
    assert_eq!(look_up(&mut kernel, &found, b"2"), Err(Status::NotFound));
    let other = weak(&found, Rights(0x04));
    let (_, process) = look_up(&mut kernel, &other, b"0").unwrap();
    let stun = kernel.ask(&process, 2300, size(0), &[]);
    assert_eq!(stun, Err(Status::Denied));
    assert_eq!(kernel.ask(&processes[0], 2300, size(0), &[]), Ok(ok()));
}

#[test]
fn a_path_without_names_is_the_directory_and_a_bad_one_an_error() {
    let mut kernel = Kernel::new();
    let directory = weak(&kernel.directory.clone(), Rights(0x04));
    assert_eq!(look_up(&mut kernel, &directory, b"//"), Ok((vec![], directory)));
    assert_eq!(
        look_up(&mut kernel, &directory, b"/sys/a/b").unwrap().0,
        b"a/b",
        "the rest is the client's to ask for"
    );
    assert_eq!(
        look_up(&mut kernel, &directory, b"nothing"),
        Err(Status::NotFound)
    );
    assert_eq!(
        look_up(&mut kernel, &directory, &[b'x'; 256]),
        Err(Status::BadArgument)
    );
    let endless = kernel.ask(&directory, LOOKUP, size(4), b"proc");
    assert_eq!(endless, Err(Status::BadArgument));
    for command in OTHERS {
        let directory = kernel.directory;
        let result = kernel.ask(&directory, command, size(0), b"proc\0");
        assert_eq!(result, Err(Status::BadCommand), "{command}");
    }
}

#[test]
fn many_names_are_looked_up_at_once_and_fail_alone() {
    let mut kernel = Kernel::new();
    let (directory, process) = (kernel.directory, kernel.process);
    let mut data = [0; 400];
    let mut writer = Writer::new(&mut data);
    let stranger = Capability {
        port: Port([99; 6]),
        ..directory
    };
    for (which, name) in [
        (directory, &b"proc"[..]),
        (directory, b"none"),
        (weak(&directory, Rights(0x80)), b"proc"),
        (stranger, b"proc"),
    ] {
        CapabilitySet::single(which).emit(&mut writer).unwrap();
        writer.string(name).unwrap();
    }
    let length = writer.length();
    let reply = kernel
        .ask(&directory, LOOKUP_SET, size(length as u16), &data[..length])
        .unwrap();
    let mut reader = Reader::new(&reply.data);
    assert_eq!(reader.i16(), Ok(Status::Ok.code()));
    assert_eq!(reader.capability(), Ok(Capability::NULL));
    assert_eq!(reader.i32(), Ok(801_824_400));
    let found = CapabilitySet::parse(&mut reader).unwrap();
    assert_eq!(found, CapabilitySet::single(process));
    for status in [Status::NotFound, Status::Denied, Status::BadCapability] {
        assert_eq!(reader.i16(), Ok(status.code()));
    }
    assert!(reader.rest().is_empty());
    let cut = kernel.ask(&directory, LOOKUP_SET, size(9), &data[..9]);
    assert_eq!(cut, Err(Status::BadArgument));
    // More than a reply holds.
    let one = CapabilitySet::single(directory);
    let mut data = [0; LARGEST_BUFFER];
    let mut writer = Writer::new(&mut data);
    while one.emit(&mut writer).and_then(|()| writer.string(b"ps")).is_ok() {}
    let whole = writer.length() / 25 * 25;
    let much = kernel.ask(&directory, LOOKUP_SET, size(0), &data[..whole]);
    assert_eq!(much, Err(Status::Overflow));
}

#[test]
fn the_directory_of_processes_has_a_secret_of_its_own() {
    let mut kernel = Kernel::new();
    let directory = kernel.directory;
    let (_, found) = look_up(&mut kernel, &weak(&directory, Rights(0x04)), b"ps").unwrap();
    let forged = Capability {
        private: proto::capability::Private::owner(2, directory.private.check),
        ..directory
    };
    assert_ne!(found.private.check, forged.private.check);
    assert_eq!(look_up(&mut kernel, &forged, b"0"), Err(Status::BadCapability));
    assert_eq!(
        capability(&kernel.ask(&found, 1005, size(0), &[]).unwrap())
            .private
            .object(),
        2
    );
}

proptest! {
    #[test]
    fn any_request_gets_an_answer(
        command in 2090_u16..2120,
        rights in any::<u8>(),
        extra in any::<u16>(),
        data in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut kernel = Kernel::new();
        let directory = weak(&kernel.directory.clone(), Rights(rights));
        let header = Header { extra, size: data.len() as u16, ..Header::default() };
        let answer = kernel.ask(&directory, command, header, &data);
        prop_assert!(answer.is_err() || [LIST, LOOKUP, LOOKUP_SET, GET_MASKS].contains(&command));
    }
}

/// Enters, replaces or deletes a row.
fn change(
    kernel: &mut Kernel,
    directory: &Capability,
    command: Command,
    name: &[u8],
    object: &Capability,
) -> Result<(), Status> {
    let mut data = vec![0; 600];
    let mut writer = Writer::new(&mut data);
    writer.string(name).unwrap();
    if command != Command::Delete {
        CapabilitySet::single(*object).emit(&mut writer).unwrap();
    }
    if command == Command::Append {
        for mask in [0xff, 0x0f, 0x01] {
            writer.rights(Rights(mask)).unwrap();
        }
    }
    let length = writer.length();
    kernel
        .ask(directory, command.code(), size(length as u16), &data[..length])
        .map(drop)
}

fn guest(number: u8) -> Capability {
    Capability {
        port: Port([number; 6]),
        private: proto::capability::Private::owner(0, Port([number + 1; 6])),
    }
}

#[test]
fn other_servers_of_the_machine_are_listed_behind_the_kernels() {
    let mut kernel = Kernel::new();
    let directory = kernel.directory;
    let before = list(&mut kernel, &directory, 0).unwrap().0;
    let append = Command::Append;
    assert_eq!(
        change(&mut kernel, &directory, append, b"bullet", &guest(3)),
        Ok(())
    );
    assert_eq!(
        look_up(&mut kernel, &directory, b"bullet"),
        Ok((vec![], guest(3)))
    );
    let mut rows = list(&mut kernel, &directory, 0).unwrap().0;
    assert_eq!(rows.pop(), Some((String::from("bullet"), vec![0xff, 0x0f, 0x01])));
    assert_eq!(rows, before);
    // Others get the rights of their column.
    let others = weak(&directory, Rights(0x04));
    let (_, found) = look_up(&mut kernel, &others, b"bullet").unwrap();
    assert_eq!(
        found.private.proven_rights(guest(3).private.check),
        Some(Rights(0x01))
    );
    assert_eq!(
        change(&mut kernel, &directory, append, b"bullet", &guest(4)),
        Err(Status::Exists)
    );
    assert_eq!(
        change(&mut kernel, &directory, Command::Replace, b"bullet", &guest(4)),
        Ok(())
    );
    assert_eq!(
        look_up(&mut kernel, &directory, b"bullet"),
        Ok((vec![], guest(4)))
    );
    assert_eq!(
        change(&mut kernel, &directory, Command::Delete, b"bullet", &guest(4)),
        Ok(())
    );
    assert_eq!(list(&mut kernel, &directory, 0).unwrap().0, before);
}

#[test]
fn what_is_the_kernels_own_cannot_be_changed_and_there_are_few_others() {
    let mut kernel = Kernel::new();
    let directory = kernel.directory;
    let mut refused = |directory: &Capability, command, name: &[u8], object: &Capability| {
        change(&mut kernel, directory, command, name, object).err()
    };
    for command in [Command::Append, Command::Replace, Command::Delete] {
        assert_eq!(
            refused(&directory, command, b"proc", &guest(1)),
            Some(Status::Exists)
        );
        assert_eq!(
            refused(&directory, command, b"a/b", &guest(1)),
            Some(Status::BadArgument)
        );
        assert_eq!(
            refused(&directory, command, b"", &guest(1)),
            Some(Status::BadArgument)
        );
        assert_eq!(
            refused(&directory, command, &[b'x'; 33], &guest(1)),
            Some(Status::BadArgument)
        );
        assert_eq!(
            refused(&weak(&directory, Rights(0xbf)), command, b"a", &guest(1)),
            Some(Status::Denied)
        );
    }
    for command in [Command::Replace, Command::Delete] {
        assert_eq!(
            refused(&directory, command, b"a", &guest(1)),
            Some(Status::NotFound)
        );
    }
    let restricted = weak(&guest(1), Rights(0x0f));
    assert_eq!(
        refused(&directory, Command::Append, b"a", &restricted),
        Some(Status::BadArgument)
    );
    for number in 0..16 {
        assert_eq!(
            refused(&directory, Command::Append, &[b'a' + number], &guest(1)),
            None
        );
    }
    assert_eq!(
        refused(&directory, Command::Append, b"z", &guest(1)),
        Some(Status::NoSpace)
    );
}
