//! Reading a pool's directory, and asking a host.

use super::hosts::{Lab, SPARC, member, object, program};
use crate::engine::Engine;
use crate::poll::{Poll, ask};
use crate::pool::{Member, read};
use libamoeba::Transactions;
use proto::Error;
use proto::capability::{Capability, Port, Rights};
use proto::capability_set::CapabilitySet;
use proto::marshal::{Reader, Writer};
use proto::message::Header;
use proto::process::I80386;
use proto::soap::Command;
use proto::soap::wire::{Found, List};
use proto::standard::Status;
use std::vec::Vec;

/// Servers behind ports: directories, which are lists of names and objects, and one process server.
#[derive(Default)]
struct World {
    directories: Vec<(Capability, Vec<(&'static str, Capability)>)>,
    /// The port at which the process server listens.
    server: Port,
    asked: Vec<u16>,
}

impl World {
    fn rows(&self, port: Port) -> Option<&[(&'static str, Capability)]> {
        let mut directories = self.directories.iter();
        let found = directories.find(|(capability, _)| capability.port == port)?;
        Some(&found.1)
    }

    fn answer(&self, request: &Header, data: &[u8], reply: &mut [u8]) -> Result<usize, Error> {
        let rows = self.rows(request.port).unwrap_or_default();
        let find = |name: &[u8]| rows.iter().find(|(known, _)| known.as_bytes() == name);
        let mut reader = Reader::new(data);
        let mut writer = Writer::new(reply);
        match Command::from_code(request.command) {
            Some(Command::List) => {
                let list = List {
                    columns: 1,
                    rows: rows.len() as u16,
                };
                list.emit(&mut writer)?;
                writer.string(b"owner")?;
                for (name, _) in rows {
                    writer.string(name.as_bytes())?;
                    writer.rights(Rights::ALL)?;
                }
            }
            Some(Command::SetLookup) => {
                while !reader.rest().is_empty() {
                    let _ = CapabilitySet::parse(&mut reader)?;
                    let found = find(reader.string()?).map(|(_, object)| Found {
                        kind: Capability::NULL,
                        time: 0,
                        set: CapabilitySet::single(*object),
                    });
                    Found::emit(&found.ok_or(-1008), &mut writer)?;
                }
            }
            _ => {
                let name = reader.string()?;
                writer.string(b"")?;
                let found = find(name).ok_or(Error::Check)?.1;
                CapabilitySet::single(found).emit(&mut writer)?;
            }
        }
        Ok(writer.length())
    }
}

impl Transactions for World {
    fn trans(&mut self, request: &Header, data: &[u8], reply: &mut [u8]) -> Result<(Header, usize), Status> {
        self.asked.push(request.command);
        let mut header = Header::default();
        if request.port == self.server {
            let exec = object(99);
            header = Header {
                port: exec.port,
                private: exec.private.emit(),
                extra: 321,
                size: 1024,
                offset: 5000,
                ..header
            };
            return Ok((header, 0));
        }
        if self.rows(request.port).is_none() {
            return Err(Status::RpcNotFound);
        }
        match self.answer(request, data, reply) {
            Ok(length) => Ok((header, length)),
            Err(_) => {
                header.set_status(Status::NotFound);
                Ok((header, 0))
            }
        }
    }

    fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        Err(Status::RpcAborted)
    }

    fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
}

fn pool() -> World {
    World {
        directories: [
            (
                object(50),
                [
                    (".run", object(60)),
                    ("i80386", object(51)),
                    ("sparc", object(52)),
                ]
                .into(),
            ),
            (object(51), [("pool0", object(0)), ("pool1", object(1))].into()),
            (object(52), [("pool2", object(2))].into()),
        ]
        .into(),
        ..World::default()
    }
}

#[test]
fn a_pool_has_a_directory_for_each_architecture() {
    let members = read(&mut pool(), &object(50)).unwrap();
    assert_eq!(members, [member(0, I80386), member(1, I80386), member(2, SPARC)]);
    assert_eq!(read(&mut pool(), &object(49)), None);
    // One of the architectures is away.
    let mut world = pool();
    world.directories.remove(1);
    assert_eq!(read(&mut world, &object(50)), Some([member(2, SPARC)].into()));
}

#[test]
fn a_large_pool_is_looked_up_in_pieces() {
    let names: Vec<&'static str> = (0..100)
        .map(|number| &*std::format!("host{number}").leak())
        .collect();
    let rows = names.iter().map(|name| (*name, object(3))).collect();
    let mut world = World {
        directories: [(object(50), [("i80386", object(51))].into()), (object(51), rows)].into(),
        ..World::default()
    };
    let members = read(&mut world, &object(50)).unwrap();
    assert!(
        members
            .iter()
            .map(|member| member.name.as_slice())
            .eq(names.iter().map(|name| name.as_bytes()))
    );
}

#[test]
fn hosts_that_leave_the_directory_are_not_asked_any_more() {
    let mut engine = Engine::new(Port([1; 6]), Port([2; 6]), Some(object(50)), 7);
    let members: Vec<Member> = read(&mut pool(), &object(50)).unwrap();
    engine.was_read(0, Some(&members));
    let polls = |engine: &mut Engine| {
        let mut polls = Vec::new();
        while let Some(poll) = engine.next_poll(false, 0) {
            polls.push(poll.host);
        }
        for host in &polls {
            engine.answered(*host, 0, Err(Status::RpcNotFound));
        }
        polls
    };
    assert_eq!(polls(&mut engine), [0, 1, 2]);
    engine.was_read(0, Some(&members[1..]));
    // The directory cannot be read for a while.
    engine.was_read(0, None);
    let mut later = Vec::new();
    while let Some(poll) = engine.next_poll(false, 20_000) {
        later.push(poll.host);
    }
    assert_eq!(later, [1, 2]);
}

#[test]
fn before_its_directory_was_read_a_pool_has_no_hosts() {
    let mut lab = Lab::new(&[]);
    lab.engine = Engine::new(Port(*b"runsvr"), Port(*b"secret"), Some(object(50)), 7);
    let descriptor = [program(I80386, 4096)];
    let bad = proto::run::Status::BadPoolDirectory;
    assert_eq!(lab.find(&descriptor), Err(bad.into()));
    lab.engine.was_read(0, Some(&[]));
    let none = proto::run::Status::BadArchitecture;
    assert_eq!(lab.find(&descriptor), Err(none.into()));
}

#[test]
fn a_kernel_that_started_anew_is_looked_up_again() {
    let mut world = World {
        directories: [(object(1), [("proc", object(71))].into())].into(),
        server: object(71).port,
        ..World::default()
    };
    let poll = |server| Poll {
        host: 0,
        directory: object(1),
        server,
    };
    for former in [None, Some(object(70))] {
        world.asked.clear();
        let answer = ask(&mut world, &poll(former)).unwrap();
        assert_eq!((answer.server, answer.exec), (object(71), object(99)));
        assert_eq!((answer.figures.speed, answer.figures.free), (321, 5000));
        assert_eq!(answer.figures.load, 1024);
    }
    assert_eq!(world.asked, [2312, 2106, 2312]);
    world.asked.clear();
    ask(&mut world, &poll(Some(object(71)))).unwrap();
    assert_eq!(world.asked, [2312]);
    world.directories.clear();
    let gone = ask(&mut world, &poll(Some(object(70))));
    assert_eq!(gone, Err(Status::RpcNotFound));
}
