//! Files that do not fit, and arguments without sense.

use crate::{equal, fail, file_rights, good};
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::classes::bullet;
use libamoeba::standard::{self, request};
use libamoeba::system::Kernel;
use libamoeba::{Transactions, println};
use proto::bullet::{Command, Commit};
use proto::capability::Capability;
use proto::message::Header;
use proto::standard::{Command as Standard, Status};

/// Bytes of the files that are kept, the last of which takes more than one request.
const KEPT: [usize; 4] = [0, 1, 5000, 29_769];
/// Bytes of files that fill the disk.
const LARGE: usize = 20_000;

/// The contents of file `number` that is kept.
fn pattern(number: usize, length: usize) -> Vec<u8> {
    (0..length).map(|place| (place * 7 + number) as u8).collect()
}

/// Files that are kept, and their contents.
pub(crate) struct Kept(Vec<(Capability, Vec<u8>)>);

impl Kept {
    fn make(server: &Capability) -> Kept {
        let make = |(number, length): (usize, &usize)| {
            let data = pattern(number, *length);
            let file = bullet::create(&mut Kernel, server, &data, Commit::all());
            Some((good("a file", file)?, data))
        };
        Kept(KEPT.iter().enumerate().filter_map(make).collect())
    }

    /// All of them are as they were made.
    pub(crate) fn check(&self, when: &str) {
        equal((when, "the files"), self.0.len(), KEPT.len());
        for (file, data) in &self.0 {
            let mut there = vec![0; data.len() + 1];
            let length = bullet::read(&mut Kernel, file, 0, &mut there);
            equal((when, data.len()), length, Ok(data.len()));
            equal((when, data.len()), there[..data.len()] == **data, true);
        }
    }

    /// One of several thousand bytes.
    pub(crate) fn one(&self) -> Option<&Capability> {
        self.0.get(2).map(|(file, _)| file)
    }
}

pub(crate) fn run(server: &Capability, cache: usize, inodes: usize) {
    let kept = Kept::make(server);
    let Some(file) = kept.one() else { return };
    larger_than_the_cache(server, file, cache);
    kept.check("files too large");
    full_disk(server, file);
    kept.check("a full disk");
    full_table(server, file, inodes);
    kept.check("a full table");
    arguments(server, file);
    kept.check("bad arguments");
    file_rights::run(server, file);
    kept.check("all that was denied");
    equal("the server's check", bullet::check(&mut Kernel, server), Ok(()));
    println!("refusals: {} files are kept", KEPT.len());
}

fn larger_than_the_cache(server: &Capability, file: &Capability, cache: usize) {
    let data = vec![1; cache + 1];
    for commit in [Commit::empty(), Commit::COMMIT, Commit::all()] {
        let made = bullet::create(&mut Kernel, server, &data, commit);
        equal(
            ("a file larger than the cache", commit),
            made,
            Err(Status::NoMemory),
        );
    }
    let more = bullet::insert(&mut Kernel, file, 1, &data[..cache - 4999], Commit::all());
    equal(
        "a file that becomes larger than the cache",
        more,
        Err(Status::NoMemory),
    );
}

/// Makes files until there is an error: the files, and the error.
fn fill(server: &Capability, data: &[u8]) -> (Vec<Capability>, Option<Status>) {
    let mut files = Vec::new();
    for _ in 0..2000 {
        match bullet::create(&mut Kernel, server, data, Commit::all()) {
            Ok(file) => files.push(file),
            Err(why) => return (files, Some(why)),
        }
    }
    (files, None)
}

fn destroy(files: &[Capability]) {
    for file in files {
        good("a file that goes", standard::destroy(&mut Kernel, file));
        let size = bullet::size(&mut Kernel, file);
        equal("a file that is gone", size, Err(Status::BadCapability));
    }
}

fn full_disk(server: &Capability, file: &Capability) {
    let kernel = &mut Kernel;
    let (mut files, why) = fill(server, &[2; LARGE]);
    equal("a full disk", why, Some(Status::NoSpace));
    let (small, why) = fill(server, &[3; 4096]);
    equal("a full disk", why, Some(Status::NoSpace));
    files.extend(small);
    let changed = bullet::modify(kernel, file, 0, b"x", Commit::all());
    equal("a copy on a full disk", changed, Err(Status::NoSpace));
    // A draft needs no disk, and can be committed when there is room.
    let draft = bullet::create(kernel, server, &[4; LARGE], Commit::empty());
    let Some(draft) = good("a draft", draft) else {
        return;
    };
    equal(
        "its commit",
        bullet::commit(kernel, &draft, true),
        Err(Status::NoSpace),
    );
    match files.first() {
        Some(first) => destroy(core::slice::from_ref(first)),
        None => fail(&"a disk that is full at once", &why),
    }
    equal("its commit", bullet::commit(kernel, &draft, true), Ok(draft));
    let mut there = vec![0; LARGE];
    equal("its size", bullet::read(kernel, &draft, 0, &mut there), Ok(LARGE));
    equal("its contents", there.iter().all(|byte| *byte == 4), true);
    destroy(&files[1..]);
    destroy(&[draft]);
}

fn full_table(server: &Capability, file: &Capability, inodes: usize) {
    let (files, why) = fill(server, b"x");
    equal("a full table of inodes", why, Some(Status::NoSpace));
    // Number 0 is no file.
    equal("files of a full table", files.len() + KEPT.len(), inodes - 1);
    let changed = bullet::modify(&mut Kernel, file, 0, b"x", Commit::COMMIT);
    equal("a copy without an inode", changed, Err(Status::NoSpace));
    destroy(&files);
}

/// What a server says to a request with these words in its header.
pub(crate) fn status(
    capability: &Capability,
    command: u16,
    (offset, size): (i32, u16),
    data: &[u8],
) -> Status {
    let header = Header {
        offset,
        size,
        ..request(capability, command)
    };
    match Kernel.trans(&header, data, &mut [0; 512]) {
        Ok((reply, _)) => reply.status().unwrap_or(Status::SystemError),
        Err(why) => why,
    }
}

fn arguments(server: &Capability, file: &Capability) {
    let minus = (-1_i32).to_le_bytes();
    let bad: [(Command, i32, u16, &[u8]); 10] = [
        (Command::Read, -1, 10, &[]),
        (Command::Read, 5001, 10, &[]),
        (Command::Read, i32::MAX, 10, &[]),
        (Command::Modify, -1, 1, b"x"),
        (Command::Modify, 0, 2, b"x"),
        (Command::Modify, 5001, 1, b"x"),
        (Command::Insert, i32::MIN, 1, b"x"),
        (Command::Delete, 0, 0, &[]),
        (Command::Delete, 0, 0, &minus),
        (Command::Create, 0, 1, &[]),
    ];
    for (command, offset, size, data) in bad {
        let answer = status(file, command.code(), (offset, size), data);
        equal((command, offset, size), answer, Status::BadArgument);
    }
    for (command, size, data) in [
        (Standard::TouchMany, 2, &[0; 19][..]),
        (Standard::Copy, 0, &[0; 15]),
    ] {
        let answer = status(server, command.code(), (0, size), data);
        equal((command, size), answer, Status::BadArgument);
    }
    for command in [
        0,
        1,
        999,
        1000,
        1008,
        1009,
        1011,
        2000,
        2010,
        2100,
        2303,
        u16::MAX,
    ] {
        for object in [server, file] {
            let answer = status(object, command, (0, 0), &[]);
            equal(("no command", command), answer, Status::BadCommand);
        }
    }
}
