//! Names that are too long, tables that are too wide, and more than there is room for.

use crate::directories::{MASKS, ask, ask_with, bytes, create, object, row, standard};
use crate::{equal, fail, good};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::standard::request;
use proto::capability::Capability;
use proto::capability_set::CapabilitySet;
use proto::soap::wire::Installation;
use proto::soap::{
    Command, Failure, LARGEST_BUFFER, LARGEST_DIRECTORY, LONGEST_NAME, LONGEST_PATH, Status as Own,
};
use proto::standard::Status;

/// Directories that one installation reaches at most.
const INSTALLED: usize = 11;
/// Members of a set at most.
const MEMBERS: i16 = 8;

pub(crate) fn run(root: &Capability, kept: &Capability, entries: usize) {
    names(kept);
    columns(root);
    sets_and_masks(kept);
    requests(kept);
    installations(root);
    full_super_file(root, entries);
    full_directory(root);
}

fn append(directory: &Capability, data: &[u8]) -> Result<(), Failure> {
    ask(directory, Command::Append.code(), data)
}

/// The data of a request with a name alone.
fn name(name: &[u8]) -> Vec<u8> {
    bytes(|writer| writer.string(name))
}

fn names(kept: &Capability) {
    let bad: [&[u8]; 4] = [b"", b"/", b"a/b", &[b'x'; LONGEST_NAME + 1]];
    for bad in bad {
        let answer = append(kept, &row(bad, &object(1), &MASKS));
        equal(("a name", bad.len()), answer, standard(Status::BadArgument));
    }
    let longest = [b'x'; LONGEST_NAME];
    good(
        "the longest name",
        append(kept, &row(&longest, &object(1), &MASKS)),
    );
    let again = append(kept, &row(&longest, &object(2), &MASKS));
    equal("a name that is there", again, standard(Status::Exists));
    good(
        "a name that goes",
        ask(kept, Command::Delete.code(), &name(&longest)),
    );
    for (length, expected) in [
        (LONGEST_PATH, Status::NotFound),
        (LONGEST_PATH + 1, Status::BadArgument),
    ] {
        let answer = ask(kept, Command::Lookup.code(), &name(&vec![b'a'; length]));
        equal(("a path", length), answer, standard(expected));
    }
    for command in [
        Command::Lookup,
        Command::Append,
        Command::Delete,
        Command::GetMasks,
    ] {
        let answer = ask(kept, command.code(), b"without an end");
        equal(
            ("a text without an end", command),
            answer,
            standard(Status::BadArgument),
        );
    }
}

fn columns(root: &Capability) {
    for count in [0, 5, 40] {
        let data = bytes(|writer| (0..count).try_for_each(|_| writer.string(b"column")));
        let answer = ask(root, Command::Create.code(), &data);
        equal(("columns", count), answer, standard(Status::BadArgument));
    }
}

/// The data of a request for a row with a set of so many capabilities, and these masks.
fn wide(name: &[u8], members: i16, mask: u32) -> Vec<u8> {
    bytes(|writer| {
        writer.string(name)?;
        writer.i16(1)?;
        writer.i16(members)?;
        (0..members.max(0)).try_for_each(|number| {
            writer.capability(&object(number as u8))?;
            writer.i16(1)
        })?;
        (0..3).try_for_each(|_| writer.u32(mask))
    })
}

fn sets_and_masks(kept: &Capability) {
    for (members, mask) in [(MEMBERS + 1, 0xff), (-1, 0xff), (1, 0x100), (1, u32::MAX)] {
        let answer = append(kept, &wide(b"wide", members, mask));
        equal(("a row", members, mask), answer, standard(Status::BadArgument));
    }
    let whole = wide(b"wide", 1, 0xff);
    for length in 0..whole.len() {
        let answer = append(kept, &whole[..length]);
        equal(("a part of a row", length), answer, standard(Status::BadArgument));
    }
}

fn requests(kept: &Capability) {
    for command in Command::ALL {
        let answer = ask(kept, command.code(), &[0; LARGEST_BUFFER + 1]);
        equal(
            ("a long request", *command),
            answer,
            standard(Status::BadArgument),
        );
    }
    for code in [0, 999, 1002, 1011, 2099, 2113, 2131, u16::MAX] {
        let answer = ask_with(&request(kept, code), &[]);
        equal(("no command", code), answer, standard(Status::BadCommand));
    }
}

/// Removes rows `row`, and the directories themselves.
fn remove(directories: &[Capability]) {
    for directory in directories {
        // There may be no such row.
        let _ = ask(directory, Command::Delete.code(), &name(b"row"));
        good(
            "a directory that goes",
            ask(directory, Command::Discard.code(), &[]),
        );
    }
}

fn installations(root: &Capability) {
    let made: Vec<Capability> = (0..=INSTALLED).filter_map(|_| create(root, false)).collect();
    for directory in &made {
        good("a row", append(directory, &row(b"row", &object(1), &MASKS)));
    }
    let install = |count: usize, number: u8, old: Capability| {
        let data = bytes(|writer| {
            made[..count].iter().try_for_each(|directory| {
                let installation = Installation {
                    directory: CapabilitySet::single(*directory),
                    name: b"row",
                    set: CapabilitySet::single(object(number)),
                    old,
                };
                installation.emit(writer)
            })
        });
        ask(root, Command::Install.code(), &data)
    };
    let all = install(made.len(), 2, object(1));
    equal(
        "an installation in twelve directories",
        all,
        standard(Status::NoSpace),
    );
    let clash = install(3, 2, object(7));
    equal("over another object", clash, Err(Failure::Directory(Own::Clash)));
    // None was changed, or this would clash.
    good("an installation in eleven", install(INSTALLED, 2, object(1)));
    remove(&made);
}

/// One directory more than there are entries for.
fn full_super_file(root: &Capability, entries: usize) {
    let mut made = Vec::new();
    let data = bytes(|writer| writer.string(b"column"));
    let mut last = Ok(());
    while last.is_ok() && made.len() <= entries {
        // The first byte says that it may be tried again.
        match libamoeba::directory::create(
            &mut libamoeba::system::Kernel,
            &CapabilitySet::single(*root),
            &[b"column"],
            false,
        ) {
            Ok(directory) => made.push(directory),
            Err(why) => last = Err(why),
        }
    }
    equal("a full super file", last, standard(Status::NoSpace));
    let again = ask(root, Command::Create.code(), &data);
    equal("a full super file", again, standard(Status::NoSpace));
    if made.is_empty() {
        fail(&"a super file that is full at once", &entries);
    }
    remove(&made);
}

/// Rows until the directory has no room.
fn full_directory(root: &Capability) {
    let Some(directory) = create(root, false) else {
        return;
    };
    good("its name", append(root, &row(b"full", &directory, &MASKS)));
    let long = |number: usize| {
        let mut name = vec![b'n'; LONGEST_NAME];
        name[..3].copy_from_slice(format!("{number:03}").as_bytes());
        name
    };
    let mut rows = 0;
    let last = loop {
        match append(&directory, &wide(&long(rows), MEMBERS, 0xff)) {
            Ok(()) if rows < 999 => rows += 1,
            last => break last,
        }
    };
    equal("a full directory", last, standard(Status::NoSpace));
    // A row: name, type, time, set and masks; there is a head besides.
    let length = LONGEST_NAME + 1 + 16 + 4 + (4 + 18 * MEMBERS as usize) + 3 * 4;
    let most = LARGEST_DIRECTORY / length;
    equal(
        "rows of a full directory",
        (most - 1..=most).contains(&rows),
        true,
    );
    let set = CapabilitySet::single(directory);
    let listed = libamoeba::directory::list(&mut libamoeba::system::Kernel, &set).unwrap_or_default();
    let is_whole = (0..rows).all(|number| listed.rows[number].0 == long(number));
    equal("its rows", (listed.rows.len(), is_whole), (rows, true));
    equal(
        "a directory with rows",
        ask(&directory, Command::Discard.code(), &[]),
        Err(Failure::Directory(Own::NotEmpty)),
    );
}
