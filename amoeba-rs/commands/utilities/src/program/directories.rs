//! Commands on directories.

use super::{Outcome, Session, Stopped};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use libamoeba::directory;
use libamoeba::standard;
use libamoeba::stream::{Input, Kind};
use libamoeba::system::Kernel;
use proto::capability::{CAPABILITY_LENGTH, Capability};
use proto::capability_set::CapabilitySet;
use proto::soap::{Failure, USUAL_COLUMNS};
use proto::standard::Status;
use utilities::masks;

/// `dir [-cdl] [PATH]...`: `-l` with what each object is, `-c` with the masks, `-d` the directories themselves.
pub(super) fn list(session: &mut Session<'_>) -> Outcome {
    let options = session.options("cdl", (0, usize::MAX), "[-cdl] [path]...")?;
    let mut paths = options.operands.clone();
    if paths.is_empty() {
        paths.push(".");
    }
    let is_several = paths.len() > 1;
    for path in paths {
        let found = session.lookup(path);
        let Some(set) = session.tried(path, found) else {
            continue;
        };
        let listing = match options.has('d') {
            true => Err(Failure::Standard(Status::BadCommand)),
            false => directory::list(&mut Kernel, &set),
        };
        match listing {
            Ok(listing) => {
                if is_several {
                    session.print(format_args!("{path}:\n"))?;
                }
                show(session, &set, &listing, options.has('l'), options.has('c'))?;
            }
            // It is no directory, but there.
            Err(Failure::Standard(Status::BadCommand | Status::BadCapability)) => {
                let line = if options.has('l') {
                    describe(session, &set)
                } else {
                    String::new()
                };
                session.print(format_args!("{path}{line}\n"))?;
            }
            Err(failure) => session.fail(path, failure),
        }
    }
    Ok(())
}

/// What an object is, behind its name.
fn describe(session: &Session<'_>, set: &CapabilitySet) -> String {
    let Some(member) = set.members().next() else {
        return String::from("  (nothing)");
    };
    match session.line(&member.capability) {
        Ok(line) => format!("  {line}"),
        Err(status) => format!("  ({})", libamoeba::explain(status)),
    }
}

fn show(
    session: &mut Session<'_>,
    directory: &CapabilitySet,
    listing: &directory::Listing,
    with_lines: bool,
    with_masks: bool,
) -> Outcome {
    let mut rows: Vec<_> = listing.rows.iter().collect();
    rows.sort_by(|left, right| left.0.cmp(&right.0));
    let longest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, row) in rows {
        let name = String::from_utf8_lossy(name);
        if !with_lines && !with_masks {
            session.print(format_args!("{name}\n"))?;
            continue;
        }
        let masks = if with_masks {
            format!("  {}", masks::print(row, listing.columns.len()))
        } else {
            String::new()
        };
        let line = if with_lines {
            let asked = [(*directory, name.as_bytes())];
            match directory::lookup_names(&mut Kernel, &asked).map(|mut found| found.pop()) {
                Ok(Some(Ok(found))) => describe(session, &found.set),
                Ok(Some(Err(failure))) | Err(failure) => format!("  ({})", libamoeba::explain(failure)),
                Ok(None) => String::new(),
            }
        } else {
            String::new()
        };
        session.print(format_args!("{name:longest$}{masks}{line}\n"))?;
    }
    Ok(())
}

/// `mkd [-e] PATH...`: `-e` makes directories whose files nobody can read without their capabilities.
pub(super) fn make(session: &mut Session<'_>) -> Outcome {
    let options = session.options("e", (1, usize::MAX), "[-e] path...")?;
    for path in options.operands.iter().copied() {
        let made = make_one(session, path, options.has('e'));
        session.tried(path, made);
    }
    Ok(())
}

fn make_one(session: &Session<'_>, path: &str, is_encrypted: bool) -> Result<(), Failure> {
    let (parent, name) = session.names()?.parent(&mut Kernel, path.as_bytes())?;
    // Nothing is made that could not be entered.
    if session.lookup(path).is_ok() {
        return Err(Status::Exists.into());
    }
    let made = directory::create(&mut Kernel, &parent, &USUAL_COLUMNS, is_encrypted)?;
    let set = CapabilitySet::single(made);
    directory::append(&mut Kernel, &parent, name, &set, &masks::DIRECTORY).inspect_err(|_| {
        let _ = directory::discard(&mut Kernel, &set);
    })
}

/// `del [-df] PATH...`: `-d` destroys the object, too; `-f` does not mind that there is none.
pub(super) fn delete(session: &mut Session<'_>) -> Outcome {
    let options = session.options("df", (1, usize::MAX), "[-df] path...")?;
    for path in options.operands.iter().copied() {
        match delete_one(session, path, options.has('d')) {
            Err(Failure::Standard(Status::NotFound)) if options.has('f') => {}
            result => _ = session.tried(path, result),
        }
    }
    Ok(())
}

fn delete_one(session: &Session<'_>, path: &str, destroys: bool) -> Result<(), Failure> {
    if destroys {
        let set = session.lookup(path)?;
        match directory::discard(&mut Kernel, &set) {
            // It is no directory.
            Err(Failure::Standard(Status::BadCommand | Status::BadCapability)) => {
                directory::every_copy(&set, |copy| standard::destroy(&mut Kernel, copy))?;
            }
            result => result?,
        }
    }
    session.names()?.delete(&mut Kernel, path.as_bytes())
}

/// `chm MASKS PATH...`
pub(super) fn change_masks(session: &mut Session<'_>) -> Outcome {
    let options = session.options("", (2, usize::MAX), "masks path...")?;
    let Some(masks) = masks::parse(options.operands[0]) else {
        session.complain(options.operands[0], "are no masks, such as ff:2:4");
        return Err(Stopped);
    };
    for path in options.operands[1..].iter().copied() {
        let names = session.names();
        let result = names.and_then(|names| names.change_masks(&mut Kernel, path.as_bytes(), &masks));
        session.tried(path, result);
    }
    Ok(())
}

/// `get [-t] PATH`: writes a capability; `-t`, or to a terminal, as text.
pub(super) fn get(session: &mut Session<'_>) -> Outcome {
    let options = session.options("t", (1, 1), "[-t] path")?;
    let Some(object) = session.named(options.operands[0]) else {
        return Ok(());
    };
    let stream = session.arguments.stream("STDOUT");
    if options.has('t') || Kind::of(&mut Kernel, &stream) == Ok(Kind::Terminal) {
        return session.print(format_args!("{object}\n"));
    }
    session.write(&object.emit())
}

/// `put [-f] [-m MASKS] PATH`: enters the capability that it reads, as bytes or as text; `-f` in place of what is there.
pub(super) fn put(session: &mut Session<'_>) -> Outcome {
    let usage = "[-f] [-m masks] path";
    let options = session.options("fm:", (1, 1), usage)?;
    let Some(masks) = options.value('m').map_or(Some(masks::DIRECTORY), masks::parse) else {
        return Err(session.usage(usage));
    };
    let mut input = Input::new(session.arguments.stream("STDIN"));
    let path = options.operands[0];
    let Some(bytes) = ({
        let read = input.read_all(&mut Kernel);
        session.tried("-", read)
    }) else {
        return Ok(());
    };
    let text = core::str::from_utf8(&bytes).ok().map(str::trim);
    let object = match bytes.first_chunk::<CAPABILITY_LENGTH>() {
        Some(bytes_of) if bytes.len() == CAPABILITY_LENGTH => Some(Capability::from_bytes(bytes_of)),
        _ => text.and_then(proto::capability_text::parse),
    };
    let Some(object) = object else {
        session.complain(path, "what was read is no capability");
        return Ok(());
    };
    let set = CapabilitySet::single(object);
    let entered = session.enter(path, &set, &masks, options.has('f'));
    session.tried(path, entered);
    Ok(())
}
