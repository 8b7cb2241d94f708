//! `mkhost`, `ping`, `printbuf` and `reboot`.

use super::{Command, Error};
use alloc::string::String;
use alloc::vec;
use hosts::ring;
use libamoeba::classes::system;
use libamoeba::system::{Kernel, calls};
use libamoeba::{host, println, standard};
use proto::capability::{Capability, Rights};
use proto::capability_set::CapabilitySet;
use proto::ethernet::Address;
use proto::message::LARGEST_BUFFER;
use proto::soap::{Failure, Masks};
use proto::standard::Status;

/// The masks of a host in a directory: group and others look up, each in their column.
const MASKS: Masks = [Rights::ALL, Rights(0x02), Rights(0x04), Rights(0x08)];
/// How often a server is asked if nothing is said.
const USUAL_COUNT: u32 = 5;
/// Milliseconds between two questions.
const PAUSE: u32 = 1000;
/// Milliseconds between two looks for a host that boots.
const LOOK_PAUSE: u32 = 500;
/// Looks before it is given up.
const LOOKS: u32 = 40;

/// Enters the capability of a host in a directory.
pub(super) fn make_host(command: &Command<'_>) -> Result<(), Error> {
    const USAGE: Error = Error::Usage("mkhost station path");
    let [station, path] = command.words.as_slice() else {
        return Err(USAGE);
    };
    let station: Address = station.parse().map_err(|_| USAGE)?;
    let set = CapabilitySet::single(host::host(station));
    let wrong = |why: Failure| Error::of(path, why);
    let names = command.names.ok_or_else(|| wrong(Status::NotFound.into()))?;
    names
        .append(&mut Kernel, path.as_bytes(), &set, &MASKS)
        .map_err(wrong)
}

/// Asks what an object is, again and again.
pub(super) fn ping(command: &Command<'_>) -> Result<(), Error> {
    const USAGE: Error = Error::Usage("ping [-c count] object");
    let (count, word) = match command.words.as_slice() {
        ["-c", count, word] => (count.parse().map_err(|_| USAGE)?, *word),
        [word] => (USUAL_COUNT, *word),
        _ => return Err(USAGE),
    };
    let object = command.object(word)?;
    let (mut answers, mut total) = (0, 0);
    for turn in 0..count {
        if turn > 0 {
            calls::sleep(PAUSE);
        }
        let (start, mut line) = (calls::milliseconds(), [0; 80]);
        let answer = standard::info(&mut Kernel, &object, &mut line);
        let time = calls::milliseconds().wrapping_sub(start);
        match answer {
            Ok(length) => {
                let line = String::from_utf8_lossy(&line[..length]);
                println!("{word}: {line}: {time} ms");
            }
            // The line is longer than there is room for, and still an answer.
            Err(Status::Overflow) => println!("{word}: {time} ms"),
            Err(why) => {
                println!("{word}: {why}: {time} ms");
                continue;
            }
        }
        answers += 1;
        total += time;
    }
    println!("{answers} of {count} answered in {total} ms");
    if answers == 0 {
        return Err(Error::new(word, "no answer"));
    }
    Ok(())
}

/// Tells what a kernel has printed.
pub(super) fn print_buffer(command: &Command<'_>) -> Result<(), Error> {
    let [word] = command.words.as_slice() else {
        return Err(Error::Usage("printbuf host"));
    };
    let server = command.of_host(word, "printbuf")?;
    let mut buffer = vec![0; LARGEST_BUFFER];
    let told = system::print_buffer(&mut Kernel, &server, &mut buffer);
    let (length, position) = told.map_err(|why| Error::of(word, why))?;
    let text = ring::text(&buffer[..length], position);
    for line in String::from_utf8_lossy(&text).lines() {
        println!("{line}");
    }
    Ok(())
}

/// Has a host boot.
pub(super) fn reboot(command: &Command<'_>) -> Result<(), Error> {
    let (has_to_wait, words) = match command.words.as_slice() {
        ["-w", words @ ..] => (true, words),
        words => (false, words),
    };
    let [word, rest @ ..] = words else {
        return Err(Error::Usage("reboot [-w] host [image [argument]...]"));
    };
    let server = command.of_host(word, "sys")?;
    let line = rest.get(1..).unwrap_or_default().join(" ");
    let image = match rest.first() {
        Some(path) => Some(command.object(path)?),
        None => None,
    };
    let image = image.as_ref().map(|image| (image, line.as_str()));
    system::boot(&mut Kernel, &server, image).map_err(|why| Error::of(word, why))?;
    if has_to_wait {
        await_kernel(command, word, &server)?;
        println!("{word} is up");
    }
    Ok(())
}

/// Waits for the host's next kernel, whose system server has another capability than the former one's.
fn await_kernel(command: &Command<'_>, word: &str, former: &Capability) -> Result<(), Error> {
    for _ in 0..LOOKS {
        calls::sleep(LOOK_PAUSE);
        let now = command.of_host(word, "sys");
        if now.is_ok_and(|now| now != *former) {
            return Ok(());
        }
    }
    Err(Error::new(word, "is not up again"))
}
