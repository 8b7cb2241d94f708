//! Everything that is done with directories, once.

use crate::{MASKS, fail, good};
use alloc::vec::Vec;
use libamoeba::directory::{self, Names};
use libamoeba::standard;
use libamoeba::system::Kernel;
use libamoeba::system::trial::equal;
use proto::capability::{Capability, Rights};
use proto::capability_set::CapabilitySet;
use proto::soap::wire::Installation;
use proto::soap::{Failure, Status as Own, USUAL_COLUMNS};
use proto::standard::Status;

const BAD_NAMES: [&[u8]; 3] = [b"", b"a/b", &[b'x'; 256]];

fn standard<T>(status: Status) -> Result<T, Failure> {
    Err(Failure::Standard(status))
}

/// An object that no server knows: what directories hold need not exist.
fn object(root: &CapabilitySet, number: u32) -> Option<CapabilitySet> {
    let root = root.members().next()?.capability;
    let mut bytes = root.emit();
    bytes[..6].copy_from_slice(b"nobody");
    bytes[6..9].copy_from_slice(&number.to_le_bytes()[..3]);
    Capability::parse(&bytes).ok().map(CapabilitySet::single)
}

/// Tries everything.
pub(crate) fn run(root: &CapabilitySet) {
    let names = Names {
        root: *root,
        work: *root,
    };
    let kernel = &mut Kernel;
    let made = directory::create(kernel, root, &USUAL_COLUMNS, false);
    let Some(new) = good(made, "a new directory").map(CapabilitySet::single) else {
        return;
    };
    good(names.append(kernel, b"/test", &new, &MASKS), "its name");
    equal(
        &names.append(kernel, b"/test", &new, &MASKS),
        &standard(Status::Exists),
        "a name that is there",
    );
    equal(&names.lookup(kernel, b"/test"), &Ok(new), "what was entered");
    rows(&new, &names);
    rights(&new);
    installations(&new);
    encrypted(&new);
    // Only an empty directory goes.
    equal(
        &directory::discard(kernel, &new),
        &Err(Failure::Directory(Own::NotEmpty)),
        "a directory with rows",
    );
    for name in [&b"two"[..], b"three"] {
        good(directory::delete(kernel, &new, name), "a row that goes");
    }
    good(directory::discard(kernel, &new), "an empty directory");
    equal(
        &directory::list(kernel, &new).map(drop),
        &standard(Status::BadCapability),
        "a directory that is gone",
    );
    good(names.delete(kernel, b"/test"), "a name that goes");
    equal(
        &names.lookup(kernel, b"/test"),
        &standard(Status::NotFound),
        "a name that is gone",
    );
}

fn rows(new: &CapabilitySet, names: &Names) {
    let kernel = &mut Kernel;
    let objects: Vec<CapabilitySet> = (1..=3).filter_map(|number| object(new, number)).collect();
    let [first, second, third] = objects[..] else {
        return fail("capabilities of nobody", &objects);
    };
    for (name, set) in [(&b"one"[..], first), (b"two", second)] {
        good(directory::append(kernel, new, name, &set, &MASKS), "a row");
    }
    for name in BAD_NAMES {
        equal(
            &directory::append(kernel, new, name, &first, &MASKS),
            &standard(Status::BadArgument),
            "a bad name",
        );
    }
    equal(&names.lookup(kernel, b"/test/two"), &Ok(second), "a path");
    equal(
        &names.lookup(kernel, b"/test/./../test//one"),
        &Ok(first),
        "a long path",
    );
    good(directory::replace(kernel, new, b"one", &third), "another object");
    equal(
        &names.lookup(kernel, b"/test/one"),
        &Ok(third),
        "what was replaced",
    );
    good(directory::delete(kernel, new, b"one"), "a row that goes");
    equal(
        &directory::delete(kernel, new, b"one"),
        &standard(Status::NotFound),
        "a row that is gone",
    );
    let before = directory::sequence(kernel, new);
    good(
        directory::append(kernel, new, b"three", &third, &MASKS),
        "one more row",
    );
    let after = directory::sequence(kernel, new);
    if !matches!((before, after), (Ok(before), Ok(after)) if before < after) {
        fail("sequence numbers", &(before, after));
    }
    let listed = good(directory::list(kernel, new), "a list").unwrap_or_default();
    let shown: Vec<&[u8]> = listed.rows.iter().map(|(name, _)| name.as_slice()).collect();
    equal(&shown, &[&b"two"[..], b"three"].to_vec(), "the rows");
    equal(&listed.columns.len(), &3, "the columns");
}

/// What the holder of the second column may do.
fn rights(new: &CapabilitySet) {
    let kernel = &mut Kernel;
    let own = new.members().next().map(|member| member.capability);
    let Some(own) = own else { return };
    let Some(group) = good(
        standard::restrict(kernel, &own, Rights(0x02)).map_err(Failure::Standard),
        "a restricted capability",
    ) else {
        return;
    };
    let set = CapabilitySet::single(group);
    let names = Names { root: set, work: set };
    let found = good(names.lookup(kernel, b"two"), "what the group finds");
    let rights = found.and_then(|set| {
        set.members()
            .next()
            .map(|member| member.capability.private.rights)
    });
    equal(&rights, &Some(Rights(0x02)), "the group's rights");
    let denied = standard(Status::Denied);
    equal(
        &directory::append(kernel, &set, b"four", &set, &MASKS),
        &denied,
        "a row of the group's",
    );
    equal(
        &directory::delete(kernel, &set, b"two"),
        &denied,
        "a row that the group deletes",
    );
    let mut forged = group;
    forged.private.rights = Rights::ALL;
    let forged = CapabilitySet::single(forged);
    let bad = standard(Status::BadCapability);
    equal(
        &directory::list(kernel, &forged).map(drop),
        &bad,
        "a forged capability",
    );
}

/// Several rows at once, or none.
fn installations(new: &CapabilitySet) {
    let kernel = &mut Kernel;
    let (Some(seven), Some(eight)) = (object(new, 7), object(new, 8)) else {
        return;
    };
    let row = |name, set, old| Installation {
        directory: *new,
        name,
        set,
        old,
    };
    let other = seven
        .members()
        .next()
        .map_or(Capability::NULL, |member| member.capability);
    let clash = [row(b"two", seven, Capability::NULL), row(b"three", eight, other)];
    equal(
        &directory::install(kernel, &clash),
        &Err(Failure::Directory(Own::Clash)),
        "an installation over another object",
    );
    let names = Names {
        root: *new,
        work: *new,
    };
    let untouched = object(new, 2).map(Ok);
    equal(
        &Some(names.lookup(kernel, b"two")),
        &untouched,
        "what was not installed",
    );
    let both = [
        row(b"two", seven, Capability::NULL),
        row(b"three", eight, Capability::NULL),
    ];
    good(directory::install(kernel, &both), "an installation");
    equal(
        &names.lookup(kernel, b"two"),
        &Ok(seven),
        "the first row installed",
    );
    equal(
        &names.lookup(kernel, b"three"),
        &Ok(eight),
        "the second row installed",
    );
}

fn encrypted(new: &CapabilitySet) {
    let kernel = &mut Kernel;
    let made = directory::create(kernel, new, &USUAL_COLUMNS, true);
    let Some(sealed) = good(made, "an encrypted directory").map(CapabilitySet::single) else {
        return;
    };
    good(
        directory::append(kernel, &sealed, b"secret", new, &MASKS),
        "a row of it",
    );
    let names = Names {
        root: sealed,
        work: sealed,
    };
    equal(&names.lookup(kernel, b"secret"), &Ok(*new), "what it holds");
    good(
        directory::delete(kernel, &sealed, b"secret"),
        "a row of it that goes",
    );
    good(
        directory::discard(kernel, &sealed),
        "an encrypted directory that goes",
    );
}
