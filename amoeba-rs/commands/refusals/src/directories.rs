//! Every command of a directory server without each right that it needs, and capabilities that are made up.

use crate::{Numbers, columns, equal, good, tables};
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::standard::request;
use libamoeba::system::{Kernel, calls};
use libamoeba::{Transactions, directory, println};
use proto::capability::{Capability, Port, Private, Rights};
use proto::capability_set::CapabilitySet;
use proto::marshal::Writer;
use proto::message::Header;
use proto::soap::directory::emit_masks;
use proto::soap::peer;
use proto::soap::wire::Installation;
use proto::soap::{COLUMNS, Command, DELETE, Failure, MODIFY, Masks, USUAL_COLUMNS};
use proto::standard::{Command as Standard, Status};

/// Made-up check fields.
const FORGERIES: u32 = 1000;
/// How long servers are looked for, in milliseconds.
const LOCATE: u32 = 2000;
/// Room for what a request holds; more than a server takes.
const ROOM: usize = 12_000;

/// The masks of rows that all may see.
pub(crate) const MASKS: Masks = [Rights::ALL, Rights(0x0f), Rights(0x02), Rights(0)];

pub(crate) fn run(root: &Capability, entries: usize) {
    calls::timeout(LOCATE);
    let Some(kept) = Kept::make(root) else { return };
    kept.check("the beginning");
    for is_encrypted in [false, true] {
        columns::run(root, is_encrypted);
    }
    kept.check("columns");
    denied(&kept.directory);
    kept.check("all that was denied");
    forged(&kept.directory);
    kept.check("all that was made up");
    tables::run(root, &kept.directory, entries);
    kept.check("all that did not fit");
    println!("refusals: a directory is kept");
}

/// An object that no server knows: what directories hold need not exist.
pub(crate) fn object(number: u8) -> Capability {
    Capability {
        port: Port(*b"nobody"),
        private: Private::owner(number.into(), Port([number; 6])),
    }
}

/// A new directory.
pub(crate) fn create(root: &Capability, is_encrypted: bool) -> Option<Capability> {
    let set = CapabilitySet::single(*root);
    let made = directory::create(&mut Kernel, &set, &USUAL_COLUMNS, is_encrypted);
    good("a new directory", made)
}

pub(crate) fn restricted(capability: &Capability, rights: u8) -> Capability {
    Capability {
        private: capability
            .private
            .restrict(Rights(rights), capability.private.check),
        ..*capability
    }
}

/// The data of a request.
pub(crate) fn bytes(write: impl FnOnce(&mut Writer<'_>) -> Result<(), proto::Error>) -> Vec<u8> {
    let mut buffer = vec![0; ROOM];
    let mut writer = Writer::new(&mut buffer);
    let written = write(&mut writer);
    let length = writer.length();
    equal("a request's data", written.is_ok(), true);
    buffer.truncate(length);
    buffer
}

/// What a server says to a request.
pub(crate) fn ask(directory: &Capability, command: u16, data: &[u8]) -> Result<(), Failure> {
    ask_with(&request(directory, command), data)
}

pub(crate) fn ask_with(header: &Header, data: &[u8]) -> Result<(), Failure> {
    let (reply, _) = Kernel.trans(header, data, &mut [0; 512])?;
    Failure::check(reply.command.cast_signed())
}

pub(crate) fn standard(status: Status) -> Result<(), Failure> {
    Err(Failure::Standard(status))
}

/// The data of a request to add a row.
pub(crate) fn row(name: &[u8], object: &Capability, masks: &Masks) -> Vec<u8> {
    bytes(|writer| {
        writer.string(name)?;
        CapabilitySet::single(*object).emit(writer)?;
        emit_masks(masks, USUAL_COLUMNS.len(), writer)
    })
}

/// A directory that is there all the time, as `refused` in the root, with two rows.
struct Kept {
    directory: Capability,
}

impl Kept {
    fn make(root: &Capability) -> Option<Kept> {
        let directory = create(root, false)?;
        for (name, number) in [(b"one", 1), (b"two", 2)] {
            let data = row(name, &object(number), &MASKS);
            good("a row", ask(&directory, Command::Append.code(), &data))?;
        }
        let data = row(b"refused", &directory, &MASKS);
        good("its name", ask(root, Command::Append.code(), &data))?;
        Some(Kept { directory })
    }

    /// Its rows are as they were made.
    fn check(&self, when: &str) {
        let set = CapabilitySet::single(self.directory);
        let listed = directory::list(&mut Kernel, &set).unwrap_or_default();
        let expected = vec![(b"one".to_vec(), MASKS), (b"two".to_vec(), MASKS)];
        equal((when, "rows"), listed.rows, expected);
        let names = directory::Names { root: set, work: set };
        for (name, number) in [(b"one", 1), (b"two", 2)] {
            let found = names.lookup(&mut Kernel, name);
            let expected = CapabilitySet::single(object(number));
            equal((when, number), found, Ok(expected));
        }
    }
}

/// All commands that take a name that is there, with data that is good for each.
fn commands(directory: &Capability) -> [(Command, u8, Vec<u8>); 10] {
    let name = || bytes(|writer| writer.string(b"one"));
    let masks = bytes(|writer| {
        writer.string(b"one")?;
        emit_masks(&[Rights(0); 4], 3, writer)
    });
    let replace = bytes(|writer| {
        writer.string(b"one")?;
        CapabilitySet::single(object(9)).emit(writer)
    });
    let kind = bytes(|writer| {
        writer.string(b"one")?;
        writer.capability(&object(9))
    });
    let install = bytes(|writer| {
        let installation = Installation {
            directory: CapabilitySet::single(*directory),
            name: b"one",
            set: CapabilitySet::single(object(9)),
            old: Capability::NULL,
        };
        installation.emit(writer)
    });
    [
        (Command::List, COLUMNS.0, Vec::new()),
        (Command::Lookup, COLUMNS.0, name()),
        (Command::GetMasks, COLUMNS.0, name()),
        (Command::Append, MODIFY.0, row(b"three", &object(3), &MASKS)),
        (Command::Delete, MODIFY.0, name()),
        (Command::ChangeMasks, MODIFY.0, masks),
        (Command::Replace, MODIFY.0, replace),
        (Command::PutType, MODIFY.0, kind),
        (Command::Install, MODIFY.0, install),
        (Command::Discard, DELETE.0, Vec::new()),
    ]
}

/// Every command without the rights that it needs, and with every set of the others.
fn denied(directory: &Capability) {
    for held in 0..=u8::MAX {
        // The fourth column and the two bits that mean nothing are one case.
        if ![0, 0x38].contains(&(held & 0x38)) {
            continue;
        }
        let weak = restricted(directory, held);
        for (command, needed, data) in commands(&weak) {
            if held & needed == 0 {
                let answer = ask(&weak, command.code(), &data);
                equal((command, held), answer, standard(Status::Denied));
            }
        }
        if held & DELETE.0 == 0 {
            let answer = ask(&weak, Standard::Destroy.code(), &[]);
            equal(("destroy", held), answer, standard(Status::Denied));
        }
    }
    // Only who runs the server counts directories older, stops it or names another store.
    let server = [
        Standard::Age.code(),
        peer::Command::ShutDown.code(),
        peer::Command::NewStore.code(),
    ];
    for command in server {
        let answer = ask(directory, command, &object(1).emit());
        equal(("the server's own", command), answer.is_err(), true);
    }
    // Rights that were taken do not come back.
    let weak = restricted(directory, 0x41);
    let wider = libamoeba::standard::restrict(&mut Kernel, &weak, Rights::ALL);
    equal("restricted again", wider, Ok(weak));
}

fn forged(directory: &Capability) {
    let mut numbers = Numbers(11);
    for turn in 0..FORGERIES {
        let mut made_up = *directory;
        match turn {
            // Nearly right: one bit is wrong.
            0..48 => made_up.private.check.0[turn as usize % 6] ^= 1 << (turn / 6),
            // The check field of fewer rights, with all of them.
            48..60 => {
                made_up.private = directory
                    .private
                    .restrict(Rights(turn as u8), directory.private.check);
                made_up.private.rights = Rights::ALL;
            }
            _ => {
                made_up.private = Private::owner(u32::from(numbers.next()[0]), Port(numbers.next()));
                made_up.private.rights = Rights(numbers.next()[0]);
            }
        }
        let (command, _, data) = &commands(&made_up)[turn as usize % 10];
        let answer = ask(&made_up, command.code(), data);
        equal(
            ("made up", turn, *command),
            answer,
            standard(Status::BadCapability),
        );
    }
}
