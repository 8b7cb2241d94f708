//! `aps` and `stun`.

use super::{Command, Error};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::classes::process;
use libamoeba::system::Kernel;
use libamoeba::{directory, eprintln, host, println, standard};
use proto::capability::Capability;
use proto::soap::{Failure, LARGEST_BUFFER, LONGEST_NAME};
use proto::standard::Status;

/// Where hosts are if none is named.
const HOSTS: &str = "/profile/hosts";
/// The code if none is given.
const USUAL_CODE: i32 = 1;

/// Lists the processes of hosts.
pub(super) fn list(command: &Command<'_>) -> Result<(), Error> {
    let hosts: Vec<String> = if command.words.is_empty() {
        all_hosts(command)?
    } else {
        command.words.iter().copied().map(String::from).collect()
    };
    println!("HOST              PS PROCESS");
    let mut has_failed = false;
    for word in &hosts {
        let told = command
            .host(word)
            .and_then(|kernel| list_host(word, &kernel).map_err(|why| Error::of(word, why)));
        if let Err(error) = told {
            eprintln!("aps: {error}");
            has_failed = true;
        }
    }
    if has_failed {
        return Err(Error::new("some hosts", "not told"));
    }
    Ok(())
}

fn all_hosts(command: &Command<'_>) -> Result<Vec<String>, Error> {
    let wrong = |why: Failure| Error::of(HOSTS, why);
    let names = command.names.ok_or_else(|| wrong(Status::NotFound.into()))?;
    let set = names.lookup(&mut Kernel, HOSTS.as_bytes()).map_err(wrong)?;
    let listing = directory::list(&mut Kernel, &set).map_err(wrong)?;
    let names = listing.rows.iter();
    Ok(names
        .map(|(name, _)| String::from_utf8_lossy(name).into_owned())
        .collect())
}

fn list_host(word: &str, kernel: &Capability) -> Result<(), Status> {
    let directory = host::lookup(&mut Kernel, kernel, "ps")?;
    let (mut room, mut slots) = (vec![0; LARGEST_BUFFER], Vec::new());
    host::list(&mut Kernel, &directory, &mut room, |row| {
        slots.push(String::from_utf8_lossy(row).into_owned());
    })?;
    for slot in slots {
        // It may have ended meanwhile.
        let Ok(process) = host::lookup(&mut Kernel, kernel, &format!("ps/{slot}")) else {
            continue;
        };
        let mut line = [0; LONGEST_NAME];
        let Ok(length) = standard::info(&mut Kernel, &process, &mut line) else {
            continue;
        };
        let line = String::from_utf8_lossy(&line[..length]);
        println!("{word:17} {slot:>2} {}", line.trim_start_matches("! "));
    }
    Ok(())
}

/// Stuns processes.
pub(super) fn stun(command: &Command<'_>) -> Result<(), Error> {
    const USAGE: Error = Error::Usage("stun [-s code] process...");
    let (code, processes) = match command.words.as_slice() {
        ["-s", code, rest @ ..] => (code.parse().map_err(|_| USAGE)?, rest),
        rest => (USUAL_CODE, rest),
    };
    if processes.is_empty() {
        return Err(USAGE);
    }
    for word in processes {
        let process = command.object(word)?;
        process::stun(&mut Kernel, &process, code).map_err(|why| Error::of(word, why))?;
    }
    Ok(())
}
