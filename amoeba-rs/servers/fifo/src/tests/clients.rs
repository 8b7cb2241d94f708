//! Clients of an engine.

use crate::engine::{Engine, Outcome, Reply};
use crate::fifo::Ticket;
use proto::capability::{Capability, Port, Private, Rights};
use proto::fifo::{Command, Failure, Make, Open};
use proto::message::Header;
use std::vec::Vec;

pub(super) struct Lab {
    pub(super) engine: Engine,
    /// Replies to requests that waited.
    pub(super) over: Vec<(Ticket, Reply)>,
}

pub(super) type Answer = Result<Reply, Failure>;

fn checked(reply: Reply) -> Answer {
    Failure::check(reply.header.command.cast_signed()).map(|()| reply)
}

pub(super) fn capability(reply: &Reply) -> Capability {
    Capability {
        port: reply.header.port,
        private: Private::parse(&reply.header.private).unwrap(),
    }
}

impl Lab {
    pub(super) fn new() -> Lab {
        Lab {
            engine: Engine::new(Port(*b"fifosv"), Port(*b"secret"), Port(*b"random")),
            over: Vec::new(),
        }
    }

    /// A request with header fields: the reply, or the ticket of one that waits.
    pub(super) fn start(
        &mut self,
        object: &Capability,
        command: u16,
        fields: (i32, u16, u16),
        data: &[u8],
    ) -> Result<Answer, Ticket> {
        let (offset, size, extra) = fields;
        let header = Header {
            offset,
            size,
            extra,
            ..libamoeba::standard::request(object, command)
        };
        let outcome = self.engine.request(&header, data);
        self.over.extend(self.engine.over());
        match outcome {
            Outcome::Reply(reply) => Ok(checked(reply)),
            Outcome::Wait(ticket, _) => Err(ticket),
        }
    }

    /// A request that does not wait.
    pub(super) fn ask(&mut self, object: &Capability, command: u16, fields: (i32, u16, u16)) -> Answer {
        self.start(object, command, fields, &[])
            .expect("it does not wait")
    }

    /// A new fifo.
    pub(super) fn create(&mut self, bytes: i32, how: Make) -> Capability {
        let server = self.engine.capability();
        let reply = self.ask(&server, Command::Create.code(), (bytes, 0, how.bits()));
        capability(&reply.unwrap())
    }

    /// An end that is opened without waiting.
    pub(super) fn open(&mut self, fifo: &Capability, how: Open) -> Capability {
        let how = how | Open::NO_WAIT;
        let reply = self.ask(fifo, Command::Open.code(), (0, 0, how.bits()));
        capability(&reply.unwrap())
    }

    /// The ends of a temporary fifo for so many bytes.
    pub(super) fn pipe(&mut self, bytes: i32) -> [Capability; 2] {
        let fifo = self.create(bytes, Make::TEMPORARY);
        [Open::READ, Open::WRITE].map(|how| self.open(&fifo, how))
    }

    pub(super) fn read(&mut self, end: &Capability, room: u16) -> Result<Answer, Ticket> {
        self.start(end, 4052, (0, room, 0), &[])
    }

    pub(super) fn write(&mut self, end: &Capability, bytes: &[u8]) -> Result<Answer, Ticket> {
        self.start(end, 4053, (0, bytes.len() as u16, 0), bytes)
    }

    pub(super) fn close(&mut self, end: &Capability) -> Answer {
        self.ask(end, Command::Close.code(), (0, 0, 0))
    }

    /// What a request that waited was answered, if it is over.
    pub(super) fn answer(&mut self, ticket: Ticket) -> Option<Answer> {
        let place = self.over.iter().position(|(over, _)| *over == ticket)?;
        Some(checked(self.over.remove(place).1))
    }

    pub(super) fn give_up(&mut self, ticket: Ticket) -> Answer {
        self.engine.give_up(ticket);
        self.over.extend(self.engine.over());
        self.answer(ticket).expect("it waited")
    }
}

/// What was read: bytes, and whether it is the end.
pub(super) fn bytes(answer: Answer) -> (Vec<u8>, bool) {
    let reply = answer.unwrap();
    assert_eq!(usize::from(reply.header.size), reply.data.len());
    (reply.data, reply.header.extra == 1)
}

/// The same object with these rights.
pub(super) fn restricted(capability: &Capability, rights: Rights) -> Capability {
    let private = capability.private;
    Capability {
        private: private.restrict(rights, private.check),
        ..*capability
    }
}
