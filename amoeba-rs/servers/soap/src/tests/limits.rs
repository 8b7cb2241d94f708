//! Names too long, tables too wide, full tables: each gets its error, and what was stored before stays.

use super::lab::Lab;
use super::model::{Client, MASKS, Operation, append, bytes, file, header, list, lookup, name};
use alloc::vec;
use alloc::vec::Vec;
use proto::capability::{Capability, Rights};
use proto::capability_set::CapabilitySet;
use proto::marshal::Writer;
use proto::soap::wire::Installation;
use proto::soap::{Command, Failure, Status as Own};
use proto::standard::Status;

const BAD_ARGUMENT: Result<(), Failure> = Err(Failure::Standard(Status::BadArgument));
const NO_SPACE: Result<(), Failure> = Err(Failure::Standard(Status::NoSpace));

fn ask(lab: &mut Lab, directory: &Capability, command: Command, data: &[u8]) -> Result<(), Failure> {
    let reply = lab.request(0, &header(directory, command), data);
    reply.expect("the server is on").result()
}

#[test]
fn a_name_has_255_bytes_at_most_and_no_slash() {
    let mut lab = Lab::new(1, 3);
    let root = lab.root;
    let longest = [b'x'; 255];
    assert_eq!(
        ask(
            &mut lab,
            &root,
            Command::Append,
            &append(&longest, &file(1), &MASKS)
        ),
        Ok(())
    );
    for bad in [&[b'x'; 256][..], b"", b"a/b", b"/"] {
        let data = append(bad, &file(1), &MASKS);
        assert_eq!(ask(&mut lab, &root, Command::Append, &data), BAD_ARGUMENT);
    }
    assert_eq!(lookup(&mut lab, 0, &root, &longest), Ok(file(1)));
    assert_eq!(list(&mut lab, 0, &root).map(|rows| rows.len()), Ok(1));
}

#[test]
fn a_path_of_256_bytes_is_a_bad_argument() {
    let mut lab = Lab::new(1, 3);
    let root = lab.root;
    for (length, expected) in [
        (255, Err(Failure::Standard(Status::NotFound))),
        (256, BAD_ARGUMENT),
    ] {
        let path = name(&vec![b'a'; length]);
        assert_eq!(ask(&mut lab, &root, Command::Lookup, &path), expected);
    }
    assert_eq!(ask(&mut lab, &root, Command::Lookup, &name(b"")), BAD_ARGUMENT);
    assert_eq!(
        ask(&mut lab, &root, Command::Lookup, b"without an end"),
        BAD_ARGUMENT
    );
}

#[test]
fn a_directory_has_one_to_four_columns() {
    let mut lab = Lab::new(1, 3);
    let root = lab.root;
    for count in 0..7 {
        let data = bytes(|writer| (0..count).try_for_each(|_| writer.string(b"column")));
        let expected = if (1..=4).contains(&count) {
            Ok(())
        } else {
            BAD_ARGUMENT
        };
        assert_eq!(ask(&mut lab, &root, Command::Create, &data), expected, "{count}");
    }
}

#[test]
fn a_full_super_file_takes_no_directory_until_one_goes() {
    let mut lab = Lab::new(2, 3);
    let mut client = Client(vec![lab.root]);
    // Two blocks have 32 entries, of which entry 0 is nobody's and entry 1 the root's.
    for count in 0..30 {
        assert_eq!(
            client.carry_out(&mut lab, count % 2, &Operation::Create),
            Some(Ok(()))
        );
    }
    for server in 0..2 {
        assert_eq!(
            client.carry_out(&mut lab, server, &Operation::Create),
            Some(NO_SPACE)
        );
    }
    assert_eq!(
        client.carry_out(&mut lab, 0, &Operation::Discard(17)),
        Some(Ok(()))
    );
    assert_eq!(client.carry_out(&mut lab, 1, &Operation::Create), Some(Ok(())));
    assert_eq!(client.0[31].private.object(), client.0[17].private.object());
    assert_ne!(client.0[31].private.check, client.0[17].private.check);
    let told = client.read(&mut lab, 0).expect("it serves");
    assert_eq!(told.0.iter().filter(|rows| rows.is_none()).count(), 1);
}

#[test]
fn a_directory_ends_at_120_000_bytes_and_keeps_what_it_had() {
    let mut lab = Lab::new(1, 3);
    let root = lab.root;
    let long = |number: u32| {
        let mut name = vec![b'n'; 250];
        name[..5].copy_from_slice(alloc::format!("{number:05}").as_bytes());
        name
    };
    // Header and columns take 26 + 18 bytes; a row 251 + 16 + 4 + 22 + 12.
    let most = (120_000 - 26 - 18) / 305;
    for number in 0..most {
        let data = append(&long(number), &file(number), &MASKS);
        assert_eq!(ask(&mut lab, &root, Command::Append, &data), Ok(()));
    }
    let data = append(&long(most), &file(1), &MASKS);
    assert_eq!(ask(&mut lab, &root, Command::Append, &data), NO_SPACE);
    let rows = list(&mut lab, 0, &root).expect("a column");
    assert!(rows.iter().map(|(name, _)| name.clone()).eq((0..most).map(long)));
    assert_eq!(lookup(&mut lab, 0, &root, &long(most - 1)), Ok(file(most - 1)));
    // A set of eight instead of one would make it too large.
    let eight = bytes(|writer| {
        writer.string(&long(0))?;
        writer.i16(8)?;
        writer.i16(8)?;
        (0..8).try_for_each(|number| {
            writer.capability(&file(number))?;
            writer.i16(1)
        })
    });
    assert_eq!(ask(&mut lab, &root, Command::Replace, &eight), NO_SPACE);
    assert_eq!(lookup(&mut lab, 0, &root, &long(0)), Ok(file(0)));
}

#[test]
fn a_set_of_nine_and_a_mask_of_nine_bits_are_bad_arguments() {
    let mut lab = Lab::new(1, 3);
    let root = lab.root;
    let row = |count: i16, mask: u32| {
        bytes(|writer: &mut Writer<'_>| {
            writer.string(b"row")?;
            writer.i16(1)?;
            writer.i16(count)?;
            (0..count.max(0)).try_for_each(|number| {
                writer.capability(&file(number as u32))?;
                writer.i16(1)
            })?;
            (0..3).try_for_each(|_| writer.u32(mask))
        })
    };
    for (count, mask) in [(9, 0xff), (-1, 0xff), (1, 0x100)] {
        assert_eq!(
            ask(&mut lab, &root, Command::Append, &row(count, mask)),
            BAD_ARGUMENT
        );
    }
    assert_eq!(ask(&mut lab, &root, Command::Append, &row(8, 0xff)), Ok(()));
    let short = &row(1, 0xff)[..30];
    assert_eq!(ask(&mut lab, &root, Command::Append, short), BAD_ARGUMENT);
}

#[test]
fn an_installation_reaches_eleven_directories_and_a_twelfth_changes_none() {
    let mut lab = Lab::new(2, 3);
    let mut client = Client(vec![lab.root]);
    for place in 1..=12 {
        client.carry_out(&mut lab, 0, &Operation::Create);
        assert_eq!(
            client.carry_out(&mut lab, 0, &Operation::Append(place, "row", 1)),
            Some(Ok(()))
        );
    }
    let install =
        |count: usize| Operation::Install((1..=count).map(|place| (place, "row", 2, Some(1))).collect());
    assert_eq!(client.carry_out(&mut lab, 1, &install(12)), Some(NO_SPACE));
    assert_eq!(client.carry_out(&mut lab, 1, &install(11)), Some(Ok(())));
    let told = client.read(&mut lab, 0).expect("it serves");
    let now: Vec<Capability> = told.0[1..]
        .iter()
        .flatten()
        .map(|rows| rows[&b"row"[..]].0)
        .collect();
    assert!(now[..11].iter().all(|capability| *capability == file(2)));
    assert_eq!(now[11], file(1));
    // One that clashes changes none either.
    assert_eq!(
        client.carry_out(&mut lab, 1, &install(3)),
        Some(Err(Own::Clash.into()))
    );
}

#[test]
fn a_request_of_more_than_8_kbytes_is_a_bad_argument() {
    let mut lab = Lab::new(1, 3);
    let root = lab.root;
    for command in Command::ALL {
        assert_eq!(
            ask(&mut lab, &root, *command, &[0; 8193]),
            BAD_ARGUMENT,
            "{command:?}"
        );
    }
    let one = Installation {
        directory: CapabilitySet::single(root),
        name: b"row",
        set: CapabilitySet::single(file(1)),
        old: Capability::NULL,
    };
    let data = bytes(|writer| (0..120).try_for_each(|_| one.emit(writer)));
    assert_eq!(
        ask(&mut lab, &root, Command::Install, &data),
        Err(Status::NotFound.into())
    );
}

#[test]
fn long_lists_come_in_pieces() {
    let mut lab = Lab::new(1, 3);
    let root = lab.root;
    for number in 0..300_u32 {
        let name = alloc::format!("{number:0>60}");
        let data = append(name.as_bytes(), &file(number), &[Rights(number as u8 | 1); 4]);
        assert_eq!(ask(&mut lab, &root, Command::Append, &data), Ok(()));
    }
    let rows = list(&mut lab, 0, &root).expect("a column");
    for (number, (name, masks)) in (0..300_u32).zip(&rows) {
        assert_eq!(*name, alloc::format!("{number:0>60}").into_bytes());
        assert_eq!(masks[..3], [Rights(number as u8 | 1); 3]);
    }
    assert_eq!(rows.len(), 300);
}

#[test]
fn commands_that_there_are_not_are_refused() {
    let mut lab = Lab::new(1, 3);
    let root = lab.root;
    for code in [0, 999, 1002, 1011, 2099, 2113, 2120, 2121, 2131, 65535] {
        let mut request = header(&root, Command::List);
        request.command = code;
        let reply = lab.request(0, &request, &[]).expect("the server is on");
        assert_eq!(
            reply.result(),
            Err(Failure::Standard(Status::BadCommand)),
            "{code}"
        );
    }
}
