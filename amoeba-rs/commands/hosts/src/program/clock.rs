//! `date`.

use super::{Command, Error};
use hosts::calendar::Date;
use libamoeba::classes::time;
use libamoeba::println;
use libamoeba::system::Kernel;

const USAGE: &str = "date [MMDDhhmm[[CC]YY][.ss]]";
/// The server of the time of day if the environment has none.
const SERVER: &str = "/profile/cap/todsvr/default";

/// Tells the time, or sets it.
pub(super) fn date(command: &Command<'_>) -> Result<(), Error> {
    let server = match command.arguments.capability("TOD") {
        Some(server) => server,
        None => command.object(SERVER)?,
    };
    let wrong = |why| Error::new("time of day", why);
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
