extern crate std;

use super::{host, host_lookup, list};
use crate::Transactions;
use proto::Error;
use proto::capability::{Capability, Port, Private};
use proto::capability_set::CapabilitySet;
use proto::ethernet::Address;
use proto::marshal::{Reader, Writer};
use proto::message::Header;
use proto::standard::Status;
use std::string::String;
use std::vec::Vec;

const STATION: Address = Address([2, 0x60, 0x8c, 0, 0, 9]);

/// A directory that lists one row a time and resolves the names `ps` and `3`, each to an object of that many letters.
#[derive(Default)]
struct Directory {
    asked: Vec<(Capability, Vec<u8>)>,
    /// It claims to have resolved nothing of a path.
    is_stuck: bool,
}

fn object(number: u32) -> Capability {
    Capability {
        port: Port([7; 6]),
        private: Private::owner(number, Port([8; 6])),
    }
}

const ROWS: [&str; 3] = ["proc", "sys", "tod"];

impl Transactions for Directory {
    fn trans(&mut self, request: &Header, data: &[u8], reply: &mut [u8]) -> Result<(Header, usize), Status> {
        let mut header = Header::default();
        let mut writer = Writer::new(reply);
        if request.command == 2102 {
            let rows = ROWS.get(usize::from(request.extra)..).unwrap_or_default();
            let row = rows.first();
            writer.u16(1).unwrap();
            writer.u16(row.is_some().into()).unwrap();
            writer.string(b"owner").unwrap();
            if let Some(name) = row {
                writer.string(name.as_bytes()).unwrap();
                writer.u32(0xff).unwrap();
            }
            let next = request.extra + 1;
            header.extra = if rows.len() > 1 { next } else { 0 };
            return Ok((header, writer.length()));
        }
        let private = Private::parse(&request.private).unwrap();
        let port = request.port;
        self.asked.push((Capability { port, private }, data.to_vec()));
        let path = Reader::new(data).string().unwrap();
        let (name, rest) = match path.iter().position(|byte| *byte == b'/') {
            Some(place) => (&path[..place], &path[place + 1..]),
            None => (path, &[][..]),
        };
        if !matches!(name, b"ps" | b"3") {
            header.set_status(Status::NotFound);
            return Ok((header, 0));
        }
        writer.string(if self.is_stuck { path } else { rest }).unwrap();
        let found = CapabilitySet::single(object(name.len() as u32));
        found.emit(&mut writer).unwrap();
        Ok((header, writer.length()))
    }

    fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        Err(Status::RpcAborted)
    }

    fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
}

#[test]
fn a_path_is_resolved_name_by_name_by_whoever_has_the_next_directory() {
    let mut directory = Directory::default();
    assert_eq!(host_lookup(&mut directory, STATION, "ps/3"), Ok(object(1)));
    let expected = [(host(STATION), b"ps/3\0".to_vec()), (object(2), b"3\0".to_vec())];
    assert_eq!(directory.asked, expected);
    assert_eq!(host_lookup(&mut directory, STATION, ""), Ok(host(STATION)));
    assert_eq!(directory.asked.len(), 2);
}

#[test]
fn a_path_that_leads_nowhere_is_an_error() {
    let mut directory = Directory::default();
    let mut look_up = |path: &str| host_lookup(&mut directory, STATION, path);
    assert_eq!(look_up("proc"), Err(Status::NotFound));
    assert_eq!(look_up(&"x".repeat(256)), Err(Status::BadArgument));
    assert_eq!(look_up("p\0s"), Err(Status::BadArgument));
    let mut stuck = Directory {
        is_stuck: true,
        ..Directory::default()
    };
    assert_eq!(host_lookup(&mut stuck, STATION, "ps"), Err(Status::SystemError));
    assert_eq!(stuck.asked.len(), 1);
}

#[test]
fn a_list_is_asked_for_until_its_end() {
    let mut names: Vec<String> = Vec::new();
    let row = |name: &[u8]| names.push(String::from_utf8(name.to_vec()).unwrap());
    list(&mut Directory::default(), &host(STATION), &mut [0; 100], row).unwrap();
    assert_eq!(names, ROWS);
    assert_eq!(
        super::rows(&[1, 0, 1, 0, b'a'], &mut |_| ()),
        Err(Error::Truncated)
    );
}
