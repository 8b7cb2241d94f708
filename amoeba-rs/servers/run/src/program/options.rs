//! The command line.

use alloc::string::String;
use alloc::vec::Vec;
use proto::ethernet::Address;
use proto::process::I80386;
use run::pool::Member;

/// Where the pool is if nothing is said.
const POOL: &str = "/profile/pool";

/// What the command line says.
pub(super) struct Options {
    /// The name that the port stands for.
    pub(super) port: Option<String>,
    /// Where the server enters itself.
    pub(super) paths: Vec<String>,
    /// The directory of the first pool.
    pub(super) pool: String,
    /// Hosts by their station addresses.
    pub(super) hosts: Vec<Member>,
}

impl Options {
    /// Reads the words behind the program's name; `None` if they are wrong.
    pub(super) fn parse<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Options> {
        let mut options = Options {
            port: None,
            paths: Vec::new(),
            pool: POOL.into(),
            hosts: Vec::new(),
        };
        while let Some(word) = words.next() {
            match word {
                "-p" => options.port = Some(words.next()?.into()),
                "-e" => options.paths.push(words.next()?.into()),
                "-d" => options.pool = words.next()?.into(),
                _ => options.hosts.push(host(word)?),
            }
        }
        Some(options)
    }
}

/// A host that is given as `NAME=STATION`.
fn host(word: &str) -> Option<Member> {
    let (name, station) = word.split_once('=')?;
    let station: Address = station.parse().ok()?;
    Some(Member {
        name: name.into(),
        architecture: I80386,
        directory: libamoeba::host::host(station),
    })
}
