//! Programs: where their files are, and on which machine they run.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::classes::{bullet, process, run};
use libamoeba::explain;
use libamoeba::program::{self, File, Image, Start};
use libamoeba::stream::Kind;
use libamoeba::system::Kernel;
use proto::capability::Capability;
use proto::process as format_of;
use shell::world::Failure;

/// The longest beginning of a file in which its descriptor is looked for, in bytes.
const LONGEST_HEAD: usize = 2048;

/// An executable file.
pub(super) struct Program {
    file: Capability,
    /// Its descriptor.
    head: Vec<u8>,
}

/// What a file is.
pub(super) enum Found {
    Program(Program),
    /// No executable: commands, one must suppose.
    Text,
}

/// Reads the beginning of a file.
pub(super) fn read(file: &Capability) -> Result<Found, Failure> {
    let not_run = |what: String| Failure::NotRun(what);
    let kind = Kind::of(&mut Kernel, file).map_err(|status| not_run(explain(status).to_string()))?;
    if kind != Kind::File {
        return Err(not_run("is no file".to_string()));
    }
    let mut head = vec![0; LONGEST_HEAD];
    let length = bullet::read(&mut Kernel, file, 0, &mut head)
        .map_err(|status| not_run(explain(status).to_string()))?;
    head.truncate(length);
    let Some(image) = Image::parse(&head) else {
        return Ok(Found::Text);
    };
    head.truncate(format_of::length(image.segments.len(), &image.threads));
    Ok(Found::Program(Program { file: *file, head }))
}

/// Starts a program on a machine that the run server chooses, or else on this one.
pub(super) fn start(
    program: &Program,
    start: &Start<'_>,
    run_server: Option<Capability>,
    own: Option<Capability>,
) -> Result<Capability, Failure> {
    let file = File::At(&program.head, program.file);
    let mut failure = "no machine runs programs".to_string();
    if let Some(server) = run_server {
        match run::find_host(&mut Kernel, &server, &[&program.head]) {
            Ok(choice) => match program::exec(&mut Kernel, &choice.host, file, start) {
                Ok(process) => return Ok(process),
                Err(why) => failure = why.to_string(),
            },
            Err(why) => failure = format!("the run server: {why:?}"),
        }
    }
    if let Some(own) = own {
        match program::exec(&mut Kernel, &own, file, start) {
            Ok(process) => return Ok(process),
            Err(why) => failure = why.to_string(),
        }
    }
    Err(Failure::NotRun(failure))
}

/// Gives a process a comment that tells what it is.
pub(super) fn comment(capability: &Capability, name: &str) {
    let longest = format_of::server::LONGEST_COMMENT;
    let short: String = name.chars().take(longest).filter(char::is_ascii).collect();
    // It is only for people.
    let _ = process::set_comment(&mut Kernel, capability, &short);
}
