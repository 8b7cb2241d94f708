extern crate std;

use crate::Transactions;
use crate::classes::bullet;
use proto::bullet::{Command, Commit, LARGEST_PIECE, parse_length};
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::standard::Status;
use std::vec;
use std::vec::Vec;

/// A server of one file, which every change makes a new one with the next number.
#[derive(Default)]
struct Single {
    data: Vec<u8>,
    number: u32,
    requests: Vec<Header>,
    /// The request of this number fails.
    failing: Option<usize>,
}

fn capability(number: u32) -> Capability {
    Capability {
        port: Port([4; 6]),
        private: Private::owner(number, Port([5; 6])),
    }
}

impl Single {
    fn change(&mut self, request: &Header, data: &[u8]) {
        let offset = request.offset as usize;
        match Command::from_code(request.command) {
            Some(Command::Create) => self.data = data.to_vec(),
            Some(Command::Modify) => {
                self.data.truncate(offset);
                self.data.extend_from_slice(data);
            }
            Some(Command::Insert) => {
                self.data.splice(offset..offset, data.iter().copied());
            }
            Some(Command::Delete) => {
                let length = parse_length(data).unwrap() as usize;
                self.data.drain(offset..offset + length);
            }
            _ => return,
        }
        if !matches!(request.private, private if private == capability(self.number).private.emit()) {
            self.number += 1;
        }
    }
}

impl Transactions for Single {
    fn trans(&mut self, request: &Header, data: &[u8], reply: &mut [u8]) -> Result<(Header, usize), Status> {
        self.requests.push(*request);
        if self.failing == Some(self.requests.len() - 1) {
            return Err(Status::RpcFailure);
        }
        if Command::from_code(request.command) == Some(Command::Read) {
            let start = request.offset as usize;
            let length = (self.data.len() - start)
                .min(request.size.into())
                .min(reply.len());
            reply[..length].copy_from_slice(&self.data[start..start + length]);
            return Ok((Header::default(), length));
        }
        if !data.is_empty() && request.command != Command::Delete.code() {
            assert_eq!(data.len(), usize::from(request.size));
        }
        self.change(request, data);
        let file = capability(self.number);
        let reply = Header {
            port: file.port,
            private: file.private.emit(),
            offset: self.data.len() as i32,
            ..Header::default()
        };
        Ok((reply, 0))
    }

    fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        Err(Status::RpcAborted)
    }

    fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place / 7) as u8).collect()
}

/// Commands, offsets, sizes and commits of all requests.
fn sent(server: &Single) -> Vec<(u16, i32, u16, u16)> {
    let fields = |header: &Header| (header.command, header.offset, header.size, header.extra);
    server.requests.iter().map(fields).collect()
}

#[test]
fn a_long_file_is_created_in_pieces_and_the_last_one_commits() {
    let mut server = Single::default();
    let data = pattern(70_000);
    let file = bullet::create(&mut server, &capability(900), &data, Commit::all());
    assert_eq!(file, Ok(capability(1)));
    assert!(server.data == data);
    let (piece, rest) = (LARGEST_PIECE as u16, 70_000 - 2 * LARGEST_PIECE);
    let expected = [
        (2001, 0, piece, 0),
        (2005, 29_768, piece, 0),
        (2005, 59_536, rest as u16, 3),
    ];
    assert_eq!(sent(&server), expected);
    // The pieces behind the first one go to the draft.
    assert_eq!(server.requests[0].private, capability(900).private.emit());
    assert_eq!(server.requests[2].private, capability(1).private.emit());
}

#[test]
fn a_short_file_takes_one_request() {
    let mut server = Single::default();
    bullet::create(&mut server, &capability(900), b"text", Commit::COMMIT).unwrap();
    bullet::create(&mut server, &capability(900), b"", Commit::empty()).unwrap();
    assert_eq!(sent(&server), [(2001, 0, 4, 1), (2001, 0, 0, 0)]);
    let full = pattern(LARGEST_PIECE);
    bullet::create(&mut server, &capability(900), &full, Commit::COMMIT).unwrap();
    assert_eq!(server.requests.len(), 3);
}

#[test]
fn edits_of_any_length_go_in_pieces_too() {
    let mut server = Single {
        data: pattern(100),
        ..Single::default()
    };
    let data = pattern(30_000);
    let file = bullet::insert(&mut server, &capability(900), 50, &data, Commit::COMMIT).unwrap();
    let expected = [
        pattern(100)[..50].to_vec(),
        data.clone(),
        pattern(100)[50..].to_vec(),
    ]
    .concat();
    assert!(server.data == expected);
    bullet::modify(&mut server, &file, 100, &data, Commit::COMMIT).unwrap();
    assert!(server.data == [&expected[..100], &data].concat());
    bullet::delete(&mut server, &file, 100, 30_000, Commit::all()).unwrap();
    assert!(server.data == expected[..100]);
    bullet::commit(&mut server, &file, true).unwrap();
    let piece = LARGEST_PIECE as u16;
    let expected = [
        (2004, 50, piece, 0),
        (2004, 29_818, 232, 1),
        (2005, 100, piece, 0),
        (2005, 29_868, 232, 1),
        (2002, 100, 0, 3),
        (2005, 0, 0, 3),
    ];
    assert_eq!(sent(&server), expected);
}

#[test]
fn a_draft_that_cannot_be_finished_is_destroyed_but_not_the_callers_own() {
    let mut server = Single {
        failing: Some(1),
        ..Single::default()
    };
    let data = pattern(40_000);
    let created = bullet::create(&mut server, &capability(900), &data, Commit::COMMIT);
    assert_eq!(created, Err(Status::RpcFailure));
    let last = server.requests.last().unwrap();
    assert_eq!((server.requests.len(), last.command), (3, 1003));
    assert_eq!(last.private, capability(1).private.emit());
    server.failing = Some(4);
    let own = capability(server.number);
    let modified = bullet::modify(&mut server, &own, 0, &data, Commit::COMMIT);
    assert_eq!(modified, Err(Status::RpcFailure));
    assert_eq!((server.requests.len(), server.requests[4].command), (5, 2005));
}

#[test]
fn a_read_that_fails_is_repeated_once() {
    let mut server = Single {
        data: pattern(65_000),
        failing: Some(1),
        ..Single::default()
    };
    let mut data = vec![0; 70_000];
    assert_eq!(
        bullet::read(&mut server, &capability(1), 10, &mut data),
        Ok(64_990)
    );
    assert!(data[..64_990] == pattern(65_000)[10..]);
    let offsets: Vec<i32> = server.requests.iter().map(|request| request.offset).collect();
    assert_eq!(offsets, [10, 29_778, 29_778, 59_546]);
    assert_eq!(bullet::size(&mut server, &capability(1)), Ok(65_000));
    assert_eq!(
        bullet::read(&mut server, &capability(1), u32::MAX, &mut data),
        Err(Status::BadArgument)
    );
    let too_long = bullet::delete(&mut server, &capability(1), 0, u32::MAX, Commit::COMMIT);
    assert_eq!(too_long, Err(Status::BadArgument));
    assert_eq!(server.requests.len(), 5);
}

#[test]
fn administrators_ask_with_bare_commands() {
    let mut server = Single::default();
    bullet::sync(&mut server, &capability(0)).unwrap();
    bullet::check(&mut server, &capability(0)).unwrap();
    bullet::compact(&mut server, &capability(0)).unwrap();
    assert_eq!(sent(&server), [(2009, 0, 0, 0), (2003, 0, 0, 0), (2008, 0, 0, 0)]);
}
