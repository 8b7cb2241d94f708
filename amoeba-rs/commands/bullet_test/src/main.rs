//! `bullet_test PORT SECRET`: tries out the Bullet server at the get-port PORT, whose own object SECRET protects (both are names
//! of up to six characters), with good and with bad requests, and says `TEST OK` or what went wrong.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;
use libamoeba::classes::bullet;
use libamoeba::system::Kernel;
use libamoeba::system::start::Arguments;
use libamoeba::system::trial::{self, equal};
use libamoeba::{named_port, println, put_port, standard};
use proto::bullet::{Commit, right};
use proto::capability::{Capability, Port, Private, Rights};
use proto::standard::Status;

libamoeba::program!(main);

fn pattern(seed: u32, length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|place| (place.wrapping_mul(31) ^ place >> 8 ^ seed) as u8)
        .collect()
}

/// Whether a file has these contents.
fn is_whole(file: &Capability, data: &[u8]) -> Result<bool, Status> {
    let mut there = vec![0; bullet::size(&mut Kernel, file)? as usize];
    let length = bullet::read(&mut Kernel, file, 0, &mut there)?;
    Ok(length == data.len() && there == data)
}

fn good(server: &Capability) -> Result<(), Status> {
    let kernel = &mut Kernel;
    for length in [0, 1, 512, 29_768, 29_769, 100_000] {
        let data = pattern(length as u32, length);
        for commit in [Commit::COMMIT, Commit::all()] {
            let file = bullet::create(kernel, server, &data, commit)?;
            equal(is_whole(&file, &data), Ok(true), "what was written");
            standard::destroy(kernel, &file)?;
            equal(
                bullet::size(kernel, &file),
                Err(Status::BadCapability),
                "a destroyed file",
            );
        }
    }
    let draft = bullet::create(kernel, server, b"a draft", Commit::empty())?;
    bullet::insert(kernel, &draft, 2, b"better ", Commit::empty())?;
    bullet::modify(kernel, &draft, 14, b"!", Commit::empty())?;
    bullet::delete(kernel, &draft, 0, 2, Commit::empty())?;
    equal(bullet::commit(kernel, &draft, true), Ok(draft), "a commit");
    equal(is_whole(&draft, b"better draft!"), Ok(true), "an edited draft");
    let changed = bullet::modify(kernel, &draft, 0, b"B", Commit::COMMIT)?;
    equal(is_whole(&changed, b"Better draft!"), Ok(true), "a changed copy");
    equal(
        is_whole(&draft, b"better draft!"),
        Ok(true),
        "a file of which there is a changed copy",
    );
    let same = bullet::create(kernel, &draft, b"better draft!", Commit::COMMIT)?;
    equal(same, draft, "the same contents again");
    let copy = standard::copy(kernel, server, &draft)?;
    equal(is_whole(&copy, b"better draft!"), Ok(true), "a copy");
    equal(
        standard::touch_many(kernel, server, &[copy.private, draft.private]),
        Ok(2),
        "touched files",
    );
    bullet::sync(kernel, server)?;
    bullet::compact(kernel, server)?;
    equal(bullet::check(kernel, server), Ok(()), "the check");
    let mut text = [0; 200];
    let length = standard::info(kernel, &draft, &mut text)?;
    equal(&text[..length], b"- 13 bytes", "a file's line");
    for file in [draft, changed, copy] {
        standard::destroy(kernel, &file)?;
    }
    Ok(())
}

fn bad(server: &Capability) -> Result<(), Status> {
    let kernel = &mut Kernel;
    let file = bullet::create(kernel, server, b"text", Commit::COMMIT)?;
    let denied = Err(Status::Denied);
    let restrict = |capability: &Capability, mask| standard::restrict(&mut Kernel, capability, mask);
    let read_only = restrict(&file, right::READ)?;
    equal(is_whole(&read_only, b"text"), Ok(true), "the right to read");
    equal(
        bullet::modify(kernel, &read_only, 0, b"T", Commit::COMMIT),
        denied,
        "modify",
    );
    equal(
        standard::destroy(kernel, &read_only),
        Err(Status::Denied),
        "destroy",
    );
    let unreadable = restrict(&file, Rights(!right::READ.0))?;
    equal(
        bullet::read(kernel, &unreadable, 0, &mut [0; 4]),
        Err(Status::Denied),
        "read",
    );
    let weak = restrict(server, Rights(!(right::ADMIN.0 | right::CREATE.0)))?;
    equal(
        bullet::create(kernel, &weak, b"x", Commit::COMMIT),
        denied,
        "create",
    );
    equal(standard::age(kernel, &weak), Err(Status::Denied), "age");
    let mut forged = read_only;
    forged.private.rights = Rights::ALL;
    equal(
        bullet::size(kernel, &forged),
        Err(Status::BadCapability),
        "forged rights",
    );
    equal(
        bullet::size(kernel, server),
        Err(Status::BadCapability),
        "the server as a file",
    );
    equal(
        bullet::read(kernel, &file, 5, &mut [0; 1]),
        Err(Status::BadArgument),
        "read behind the end",
    );
    let draft = bullet::create(kernel, server, b"draft", Commit::empty())?;
    equal(
        bullet::size(kernel, &draft),
        Err(Status::BadCapability),
        "a draft's size",
    );
    standard::destroy(kernel, &draft)?;
    standard::destroy(kernel, &file)
}

fn run(server: &Capability) -> Result<(), Status> {
    good(server)?;
    bad(server)
}

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words().skip(1);
    let [port, secret] = [words.next(), words.next()].map(|name| name.and_then(named_port));
    let (Some(port), Some(secret), None) = (port, secret, words.next()) else {
        println!("usage: bullet_test port secret");
        return 1;
    };
    let server = capability(port, secret);
    if let Err(status) = run(&server) {
        trial::fail(status);
    }
    trial::verdict()
}

fn capability(port: Port, secret: Port) -> Capability {
    Capability {
        port: put_port(port),
        private: Private::owner(0, secret),
    }
}
