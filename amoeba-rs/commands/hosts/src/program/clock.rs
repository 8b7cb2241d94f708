//! `date` and `random`.

use super::{Command, Error};
use hosts::calendar::Date;
use libamoeba::classes::{random as random_bytes, time};
use libamoeba::println;
use libamoeba::system::Kernel;

const USAGE: &str = "date [MMDDhhmm[[CC]YY][.ss]]";
/// The server of the time of day if the environment has none.
const SERVER: &str = "/profile/cap/todsvr/default";
/// The server of random bytes if the environment has none.
const RANDOM_SERVER: &str = "/profile/cap/randomsvr/default";

/// Tells the time, or sets it.
pub(super) fn date(command: &Command<'_>) -> Result<(), Error> {
    let server = match command.arguments.capability("TOD") {
        Some(server) => server,
        None => command.object(SERVER)?,
    };
    let wrong = |why| Error::of("time of day", why);
    let now = time::get(&mut Kernel, &server).map_err(wrong)?;
    let date = Date::from_seconds(now.seconds);
    match command.words.as_slice() {
        [] => println!("{date}"),
        [text] => {
            let date = Date::parse(text, &date).ok_or(Error::Usage(USAGE))?;
            let time = time::Time {
                seconds: date.seconds(),
                milliseconds: 0,
                ..now
            };
            time::set(&mut Kernel, &server, &time).map_err(wrong)?;
            println!("{date}");
        }
        _ => return Err(Error::Usage(USAGE)),
    }
    Ok(())
}

/// Tells random numbers, a line each.
pub(super) fn random(command: &Command<'_>) -> Result<(), Error> {
    const USAGE: Error = Error::Usage("random [count]");
    let count: u32 = match command.words.as_slice() {
        [] => 1,
        [count] => count.parse().map_err(|_| USAGE)?,
        _ => return Err(USAGE),
    };
    let server = match command.arguments.capability("RANDOM") {
        Some(server) => server,
        None => command.object(RANDOM_SERVER)?,
    };
    for _ in 0..count {
        let mut number = [0; 4];
        random_bytes::fill(&mut Kernel, &server, &mut number).map_err(|why| Error::of("random", why))?;
        println!("{}", u32::from_le_bytes(number));
    }
    Ok(())
}
