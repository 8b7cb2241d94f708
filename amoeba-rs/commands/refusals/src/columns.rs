//! What a directory shows to those who hold some of its columns.

use crate::directories::{ask, create, object, restricted, row};
use crate::{equal, good};
use libamoeba::directory::{self, Names};
use libamoeba::system::Kernel;
use proto::capability::{Capability, Rights};
use proto::capability_set::CapabilitySet;
use proto::soap::{Command, Failure, Masks};
use proto::standard::Status;

/// Sets of the three columns.
const SETS: u8 = 8;
/// A right beside that of the column itself.
const OTHER: u8 = 0x80;

/// The name of the row that is for these columns.
fn name(visible: u8) -> [u8; 1] {
    [b'a' + visible]
}

/// A directory with a row for each set of columns that may see it.
fn full(root: &Capability, is_encrypted: bool) -> Option<Capability> {
    let directory = create(root, is_encrypted)?;
    for visible in 0..SETS {
        let masks: Masks = core::array::from_fn(|column| match visible >> column & 1 {
            1 => Rights(1 << column | OTHER),
            _ => Rights(0),
        });
        let data = row(&name(visible), &object(visible), &masks);
        good("a row", ask(&directory, Command::Append.code(), &data))?;
    }
    Some(directory)
}

pub(crate) fn run(root: &Capability, is_encrypted: bool) {
    let Some(directory) = full(root, is_encrypted) else {
        return;
    };
    for columns in 1..SETS {
        shown(&directory, columns);
    }
    for visible in 0..SETS {
        let data = super::directories::bytes(|writer| writer.string(&name(visible)));
        good("a row that goes", ask(&directory, Command::Delete.code(), &data));
    }
    good(
        "a directory that goes",
        ask(&directory, Command::Discard.code(), &[]),
    );
}

/// Each row is there for who holds one of its columns, with the rights of those columns' masks together.
fn shown(directory: &Capability, columns: u8) {
    let set = CapabilitySet::single(restricted(directory, columns));
    let names = Names { root: set, work: set };
    let Some(listed) = good("a list", directory::list(&mut Kernel, &set)) else {
        return;
    };
    for visible in 0..SETS {
        let common = visible & columns;
        let found = names.lookup(&mut Kernel, &name(visible));
        let masks = directory::masks(&mut Kernel, &set, &name(visible));
        let row = listed.rows.iter().find(|(listed, _)| *listed == name(visible));
        let expected: Masks = core::array::from_fn(|column| match common >> column & 1 {
            1 => Rights(1 << column | OTHER),
            _ => Rights(0),
        });
        let case = (columns, visible);
        if common == 0 {
            equal(case, found, Err(Failure::Standard(Status::NotFound)));
            // Who holds all columns also sees rows that show nothing.
            equal(case, row.is_some(), columns == SETS - 1);
        } else {
            let rights = restricted(&object(visible), common | OTHER);
            equal(case, found, Ok(CapabilitySet::single(rights)));
            equal(case, row.map(|(_, masks)| *masks), Some(expected));
            equal(case, masks.map(|(masks, _)| masks), Ok(expected));
        }
    }
}
