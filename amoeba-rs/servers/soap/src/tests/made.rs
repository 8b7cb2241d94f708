//! Super files that were made on the host, and what a look at them finds.

use super::lab::{Lab, empty_directory, identity};
use super::model::{MASKS, file, lookup};
use crate::check::{Problem, check};
use crate::make::{NewDirectory, NewRow, Target, make};
use crate::{Disk, World};
use alloc::vec;
use alloc::vec::Vec;
use proto::capability_set::CapabilitySet;
use proto::soap::Failure;
use proto::soap::super_file::{BLOCK, Commit, Pair, emit_pairs, parse_pairs};
use proto::standard::Status;

fn row(name: &[u8], target: Target) -> NewRow {
    NewRow {
        name: name.to_vec(),
        target,
        masks: MASKS,
    }
}

/// The root with a directory each for programs and users, and a program in both.
fn graph() -> Vec<NewDirectory> {
    let program = || Target::Object(CapabilitySet::single(file(5)));
    let mut directories = vec![empty_directory(); 4];
    directories[0].rows = vec![
        row(b"bin", Target::Directory(1)),
        row(b"users", Target::Directory(2)),
    ];
    directories[1].rows = vec![row(b"ls", program())];
    directories[2].rows = vec![
        row(b"ast", Target::Directory(3)),
        row(b"all", Target::Directory(0)),
    ];
    directories[3].rows = vec![row(b"ls", program())];
    directories
}

fn problems(lab: &Lab) -> Vec<Problem> {
    let (mut disk, mut files) = (lab.machine(0), lab.machine(0));
    check(&mut disk, &mut files)
        .expect("the super file can be used")
        .problems
}

fn made() -> Lab {
    let (lab, _) = Lab::made(2, 3, &graph());
    lab.state.borrow_mut().is_on = [true; 2];
    lab
}

#[test]
fn directories_that_were_made_are_found_by_their_paths() {
    let (mut lab, made) = Lab::made(2, 3, &graph());
    lab.switch_on(0);
    lab.switch_on(1);
    lab.recover();
    assert_eq!(problems(&lab), vec![]);
    let root = lab.root;
    assert_eq!(root, made.directories[0]);
    assert_eq!(root.private.object(), 1);
    for path in [&b"bin/ls"[..], b"users/ast/ls", b"users/all/bin/ls"] {
        for server in 0..2 {
            assert_eq!(lookup(&mut lab, server, &root, path), Ok(file(5)));
        }
    }
    assert_eq!(lookup(&mut lab, 0, &root, b"users/ast"), Ok(made.directories[3]));
    assert_eq!(lab.engine(0).public_capability(), made.server);
}

#[test]
fn what_cannot_be_made_is_refused() {
    let lab = made();
    let (mut files, mut chance) = (lab.machine(0), lab.machine(0));
    let mut refused = |blocks: u16, directories: &[NewDirectory]| -> Result<(), Failure> {
        make(&identity(2), blocks, directories, (&mut files, 2), 1, || {
            chance.random().expect("there is always one")
        })
        .map(drop)
    };
    let with = |rows: Vec<NewRow>| {
        let mut directory = empty_directory();
        directory.rows = rows;
        [directory]
    };
    let object = || Target::Object(CapabilitySet::single(file(1)));
    let bad = Err(Failure::Standard(Status::BadArgument));
    assert_eq!(refused(3, &with(vec![row(b"", object())])), bad);
    assert_eq!(refused(3, &with(vec![row(b"a/b", object())])), bad);
    assert_eq!(refused(3, &with(vec![row(b"a", Target::Directory(1))])), bad);
    let twice = with(vec![row(b"a", object()), row(b"a", object())]);
    assert_eq!(refused(3, &twice), Err(Failure::Standard(Status::Exists)));
    let no_space = Err(Failure::Standard(Status::NoSpace));
    assert_eq!(refused(2, &vec![empty_directory(); 16]), no_space);
    assert_eq!(refused(2, &vec![empty_directory(); 15]), Ok(()));
    assert_eq!(refused(1, &[]), no_space);
    assert_eq!(refused(0x8000, &[]), no_space);
}

/// Changes the pairs of the first block of disk 0.
fn change(lab: &Lab, action: impl FnOnce(&mut [Pair; 16])) {
    let mut disk = lab.machine(0);
    let mut block = [0; BLOCK];
    disk.read_block(1, &mut block).expect("the disk is on");
    let mut pairs = parse_pairs(&block);
    action(&mut pairs);
    disk.write_block(1, &emit_pairs(&pairs)).expect("the disk is on");
}

/// Changes the file of a directory on a store.
fn edit(lab: &Lab, store: usize, object: u32, action: impl FnOnce(&mut Vec<u8>)) {
    let mut state = lab.state.borrow_mut();
    // Directory n was the n-th file that was made.
    let (_, bytes) = state.stores[store].files.get_mut(&object).expect("a file");
    action(bytes);
}

#[test]
fn a_copy_that_is_gone_is_found() {
    let lab = made();
    lab.state.borrow_mut().stores[1].files.remove(&2);
    let expected = Problem::Unreadable {
        object: 2,
        store: 1,
        status: Status::BadCapability,
    };
    assert_eq!(problems(&lab), vec![expected]);
}

#[test]
fn copies_that_differ_are_found() {
    let lab = made();
    edit(&lab, 1, 4, |bytes| bytes[26] = b'O');
    assert_eq!(problems(&lab), vec![Problem::CopiesDiffer(4)]);
}

#[test]
fn a_file_that_is_no_directory_is_found() {
    let lab = made();
    for store in 0..2 {
        edit(&lab, store, 4, |bytes| bytes.truncate(30));
    }
    let expected = Problem::NoDirectory {
        object: 4,
        error: proto::Error::Truncated,
    };
    assert_eq!(problems(&lab), vec![expected]);
}

#[test]
fn rows_that_lead_nowhere_are_found() {
    let lab = made();
    change(&lab, |pairs| pairs[4] = Pair::NULL);
    let dangling = Problem::Dangling {
        object: 3,
        name: "ast".into(),
        target: 4,
    };
    assert_eq!(problems(&lab), vec![dangling]);
    // A capability that proves nothing, as the check field is another one now.
    let lab = made();
    for store in 0..2 {
        edit(&lab, store, 2, |bytes| bytes[8] ^= 1);
    }
    let dangling = Problem::Dangling {
        object: 1,
        name: "bin".into(),
        target: 2,
    };
    assert_eq!(problems(&lab), vec![dangling]);
}

#[test]
fn directories_that_nothing_leads_to_are_found() {
    let lab = made();
    change(&lab, |pairs| pairs[9] = pairs[4]);
    assert_eq!(problems(&lab), vec![Problem::Unreached(9)]);
}

#[test]
fn sequence_numbers_and_names_that_cannot_be_are_found() {
    let lab = made();
    for store in 0..2 {
        edit(&lab, store, 3, |bytes| bytes[22] = 200);
        edit(&lab, store, 4, |bytes| {
            let place = bytes
                .windows(3)
                .position(|bytes| bytes == b"ls\0")
                .expect("a row");
            bytes[place] = b'/';
        });
    }
    let name = Problem::Name {
        object: 4,
        name: "/s".into(),
    };
    assert_eq!(problems(&lab), vec![Problem::Sequence(3), name]);
}

#[test]
fn a_look_changes_nothing() {
    let lab = made();
    let before = lab.state.borrow().writes;
    problems(&lab);
    assert_eq!(lab.state.borrow().writes, before);
    let commit = Commit::parse(&lab.state.borrow().disks[0][0])
        .expect("a commit block")
        .0;
    assert_eq!((commit.sequence, commit.directory_sequence), (1, 4));
}
