//! Standard commands, and those on files of a file server.

use super::{Outcome, Session};
use alloc::format;
use alloc::string::ToString;
use libamoeba::classes::bullet;
use libamoeba::stream::Kind;
use libamoeba::system::Kernel;
use libamoeba::{directory, standard};
use proto::capability::Capability;
use proto::capability_set::CapabilitySet;
use proto::message::LARGEST_BUFFER;
use proto::soap::Failure;
use proto::standard::Status;
use utilities::masks;

/// Does something with all copies of the object at each path; what is wrong is told.
fn each_copy(
    session: &mut Session<'_>,
    mut action: impl FnMut(&Capability) -> Result<(), Status>,
) -> Outcome {
    let options = session.options("", (1, usize::MAX), "path...")?;
    for path in options.operands {
        let copies = session.lookup(path);
        if let Some(copies) = session.tried(path, copies) {
            let result = directory::every_copy(&copies, &mut action);
            session.tried(path, result);
        }
    }
    Ok(())
}

/// `std_info PATH...`: what objects are; the names, too, if there are several.
pub(super) fn info(session: &mut Session<'_>) -> Outcome {
    let options = session.options("", (1, usize::MAX), "path...")?;
    let is_several = options.operands.len() > 1;
    for path in options.operands {
        let Some(object) = session.named(path) else {
            continue;
        };
        let line = session.line(&object);
        let Some(line) = session.tried(path, line) else {
            continue;
        };
        let prefix = if is_several {
            format!("{path}: ")
        } else {
            "".to_string()
        };
        session.print(format_args!("{prefix}{line}\n"))?;
    }
    Ok(())
}

/// `std_status PATH...`: what servers tell of how they fare.
pub(super) fn status(session: &mut Session<'_>) -> Outcome {
    let options = session.options("", (1, usize::MAX), "path...")?;
    let mut buffer = alloc::vec![0; LARGEST_BUFFER];
    for path in options.operands {
        let Some(object) = session.named(path) else {
            continue;
        };
        let told = standard::status(&mut Kernel, &object, &mut buffer);
        if let Some(length) = session.tried(path, told) {
            let text = buffer[..length].trim_ascii_end();
            session.write(text)?;
            session.write(b"\n")?;
        }
    }
    Ok(())
}

/// `std_destroy PATH...`: with all their copies.
pub(super) fn destroy(session: &mut Session<'_>) -> Outcome {
    each_copy(session, |object| standard::destroy(&mut Kernel, object))
}

/// `std_touch PATH...`: and all their copies.
pub(super) fn touch(session: &mut Session<'_>) -> Outcome {
    each_copy(session, |object| standard::touch(&mut Kernel, object))
}

/// `std_age SERVER...`
pub(super) fn age(session: &mut Session<'_>) -> Outcome {
    each_copy(session, |object| standard::age(&mut Kernel, object))
}

/// `std_copy [-m MASKS] SERVER ORIGINAL COPY`: has a server copy an object, and enters the copy.
pub(super) fn copy(session: &mut Session<'_>) -> Outcome {
    let usage = "[-m masks] server original copy";
    let options = session.options("m:", (3, 3), usage)?;
    let Some(masks) = options.value('m').map_or(Some(masks::FILE), masks::parse) else {
        return Err(session.usage(usage));
    };
    let [server, original] = [options.operands[0], options.operands[1]].map(|path| session.named(path));
    let (Some(server), Some(original)) = (server, original) else {
        return Ok(());
    };
    let made = standard::copy(&mut Kernel, &server, &original);
    if let Some(made) = session.tried(options.operands[1], made) {
        enter(session, options.operands[2], &made, &masks, false);
    }
    Ok(())
}

/// Enters what was made; if that fails it goes.
fn enter(
    session: &mut Session<'_>,
    path: &str,
    made: &Capability,
    masks: &proto::soap::Masks,
    replaces: bool,
) {
    let entered = session.enter(path, &CapabilitySet::single(*made), masks, replaces);
    if session.tried(path, entered).is_none() {
        let _ = standard::destroy(&mut Kernel, made);
    }
}

/// `std_restrict PATH RIGHTS NEW`: enters a capability of the object with only these rights.
pub(super) fn restrict(session: &mut Session<'_>) -> Outcome {
    let usage = "path rights new";
    let options = session.options("", (3, 3), usage)?;
    let Some(rights) = masks::rights(options.operands[1]) else {
        return Err(session.usage(usage));
    };
    let Some(object) = session.named(options.operands[0]) else {
        return Ok(());
    };
    let restricted = standard::restrict(&mut Kernel, &object, rights);
    if let Some(restricted) = session.tried(options.operands[0], restricted) {
        let set = CapabilitySet::single(restricted);
        let entered = session.enter(options.operands[2], &set, &masks::DIRECTORY, false);
        session.tried(options.operands[2], entered);
    }
    Ok(())
}

/// `bsize FILE...`: sizes in bytes.
pub(super) fn size(session: &mut Session<'_>) -> Outcome {
    let options = session.options("", (1, usize::MAX), "file...")?;
    let is_several = options.operands.len() > 1;
    for path in options.operands {
        let Some(file) = session.named(path) else {
            continue;
        };
        let size = bullet::size(&mut Kernel, &file);
        if let Some(size) = session.tried(path, size) {
            let prefix = if is_several {
                format!("{path}: ")
            } else {
                "".to_string()
            };
            session.print(format_args!("{prefix}{size}\n"))?;
        }
    }
    Ok(())
}

/// `bfsck [SERVER]...`: has file servers check their file systems.
pub(super) fn check(session: &mut Session<'_>) -> Outcome {
    let options = session.options("", (0, usize::MAX), "[server]...")?;
    let mut servers = alloc::vec::Vec::new();
    if options.operands.is_empty() {
        let server = session.file_server();
        servers.extend(
            session
                .tried("the file server", server)
                .map(|server| ("the file server", server)),
        );
    }
    for path in options.operands {
        servers.extend(session.named(path).map(|server| (path, server)));
    }
    for (name, server) in servers {
        match bullet::check(&mut Kernel, &server) {
            Ok(()) => session.print(format_args!("{name}: the file system is good\n"))?,
            Err(Status::SystemError) => session.complain(name, "the file system was not good"),
            Err(status) => session.fail(name, status),
        }
    }
    Ok(())
}

/// `cp FILE COPY`, `cp FILE... DIRECTORY`: copies are made by the file server and take the place of what has their name.
pub(super) fn copy_file(session: &mut Session<'_>) -> Outcome {
    let options = session.options("", (2, usize::MAX), "file copy, or file... directory")?;
    let Some((last, files)) = options.operands.split_last() else {
        return Ok(());
    };
    let target = session.object(last);
    let is_directory = target.is_ok_and(|target| {
        session
            .line(&target)
            .is_ok_and(|line| line.starts_with(['/', '%']))
    });
    if !is_directory && files.len() > 1 {
        session.complain(last, "is no directory");
        return Ok(());
    }
    for path in files {
        let copied = copy_one(session, path);
        let Some(made) = session.tried(path, copied) else {
            continue;
        };
        let Some(made) = made else {
            session.complain(path, "is no file");
            continue;
        };
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
        let place = if is_directory {
            format!("{}/{name}", last.trim_end_matches('/'))
        } else {
            last.to_string()
        };
        enter(session, &place, &made, &masks::FILE, true);
    }
    Ok(())
}

/// A copy of a file; `None` for what is no file.
fn copy_one(session: &Session<'_>, path: &str) -> Result<Option<Capability>, Failure> {
    let original = session.object(path)?;
    if Kind::of(&mut Kernel, &original)? != Kind::File {
        return Ok(None);
    }
    let server = session.file_server()?;
    Ok(Some(standard::copy(&mut Kernel, &server, &original)?))
}
