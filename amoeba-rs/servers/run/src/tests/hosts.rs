//! A run server whose hosts answer as the tests say.

use crate::engine::{Engine, Outcome, Reply};
use crate::host::Answer;
use crate::poll::Poll;
use crate::pool::Member;
use crate::suitability::Figures;
use proto::capability::{Capability, Port, Private, Rights};
use proto::marshal::Reader;
use proto::message::Header;
use proto::process::{self, Head, I80386, Segment, SegmentKind};
use proto::run::{Choice, Command, Failure};
use proto::standard::Status;
use std::vec;
use std::vec::Vec;

pub(super) const PORT: Port = Port(*b"runsvr");
pub(super) const CHECK: Port = Port(*b"secret");
pub(super) const SPARC: [u8; 8] = *b"sparc\0\0\0";

pub(super) fn object(number: u8) -> Capability {
    Capability {
        port: Port([number; 6]),
        private: Private::owner(number.into(), Port([0x33; 6])),
    }
}

/// A descriptor of a program of one segment.
pub(super) fn program(architecture: [u8; 8], length: u32) -> Vec<u8> {
    let segment = Segment {
        capability: Capability::NULL,
        offset: 0,
        address: 0,
        length,
        kind: SegmentKind::TEXT,
    };
    let head = Head {
        architecture,
        own: Capability::NULL,
        owner: Capability::NULL,
    };
    let mut bytes = vec![0; 200];
    let length = process::emit(&head, &[segment], &[], &mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

/// The world: hosts, how they fare, and the time.
pub(super) struct Lab {
    pub(super) engine: Engine,
    /// How the host of each number fares; `None` for one that is off.
    pub(super) hosts: Vec<Option<Figures>>,
    pub(super) now: u32,
    /// Questions to hosts so far.
    pub(super) asked: u32,
}

pub(super) const IDLE: Figures = Figures {
    speed: 300,
    load: 0,
    free: 2 << 20,
};

/// How a host fares on which so many threads run.
pub(super) fn busy(threads: u32) -> Figures {
    Figures {
        load: 1024 * threads,
        ..IDLE
    }
}

impl Lab {
    /// So many hosts of these architectures, which are called `pool0` and so on.
    pub(super) fn new(architectures: &[[u8; 8]]) -> Lab {
        let mut engine = Engine::new(PORT, CHECK, None, 1995);
        for (number, architecture) in (0_u8..).zip(architectures) {
            engine.add_host(&member(number, *architecture));
        }
        Lab {
            engine,
            hosts: vec![Some(IDLE); architectures.len()],
            now: 0,
            asked: 0,
        }
    }

    pub(super) fn answer(&mut self, poll: &Poll) -> Result<Answer, Status> {
        self.asked += 1;
        self.answer_of(poll.host)
    }

    /// What a host answers.
    pub(super) fn answer_of(&self, host: usize) -> Result<Answer, Status> {
        let figures = self.hosts[host].ok_or(Status::RpcNotFound)?;
        let number = host as u8;
        Ok(Answer {
            server: object(0x40 + number),
            exec: object(0x80 + number),
            figures,
        })
    }

    /// Carries a request out as the program does.
    pub(super) fn request(&mut self, header: &Header, data: &[u8]) -> Reply {
        let mut outcome = self.engine.request(header, data, self.now);
        loop {
            match outcome {
                Outcome::Reply(header, data) => return (header, data),
                Outcome::Wait(wanted) => {
                    let asked = self.asked;
                    self.poll();
                    // Those who ask hosts are all busy.
                    if self.asked == asked {
                        self.now += 100;
                    }
                    outcome = self.engine.choose(wanted, self.now);
                }
                Outcome::Read(directory) => {
                    outcome = self.engine.make_pool(directory, Port(*b"madeup"), Some(&[]));
                }
            }
        }
    }

    /// A request with these rights.
    pub(super) fn ask(
        &mut self,
        rights: Rights,
        command: u16,
        extra: u16,
        data: &[u8],
    ) -> Result<Reply, Failure> {
        let capability = self.engine.capability();
        let private = capability.private.restrict(rights, CHECK);
        let header = Header {
            extra,
            size: 2000,
            ..libamoeba::standard::request(
                &Capability {
                    private,
                    ..capability
                },
                command,
            )
        };
        let reply = self.request(&header, data);
        Failure::check(reply.0.command.cast_signed()).map(|()| reply)
    }

    /// Has these programs placed.
    pub(super) fn find(&mut self, programs: &[Vec<u8>]) -> Result<Choice, Failure> {
        let count = programs.len() as u16;
        let data = programs.concat();
        let (header, data) = self.ask(proto::run::right::PLACE, Command::FindHost.code(), count, &data)?;
        Ok(Choice::parse(header.extra, &mut Reader::new(&data)).unwrap())
    }

    /// Places a small program: the number of the host.
    pub(super) fn place(&mut self) -> Result<u8, Failure> {
        let choice = self.find(&[program(I80386, 4096)])?;
        let number = choice.host.port.0[0] - 0x80;
        assert_eq!(choice.name(), std::format!("pool{number}").as_bytes());
        assert_eq!(choice.host, object(0x80 + number));
        Ok(number)
    }

    /// All polls that are due are carried out.
    pub(super) fn poll(&mut self) {
        for is_up in [true, false] {
            while let Some(poll) = self.engine.next_poll(is_up, self.now) {
                let answer = self.answer(&poll);
                self.engine.answered(poll.host, self.now, answer);
            }
        }
    }
}

pub(super) fn member(number: u8, architecture: [u8; 8]) -> Member {
    Member {
        name: std::format!("pool{number}").into_bytes(),
        architecture,
        directory: object(number),
    }
}
