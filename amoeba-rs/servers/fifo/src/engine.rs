//! Fifos and their ends as objects, and requests to them.

mod standard;

use crate::fifo::{Fifo, Over, Ticket};
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private, Rights};
use proto::fifo::{Command, Failure, LARGEST_BUFFER, LIFETIME, Make, Open, USUAL_BUFFER, right};
use proto::message::Header;
use proto::one_way::one_way;
use proto::standard::Status;
use proto::terminal::Command as Sequence;

/// The most fifos and ends together.
pub const MOST_OBJECTS: usize = 512;

/// A reply: its header, and what comes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The header.
    pub header: Header,
    /// The data.
    pub data: Vec<u8>,
}

/// What comes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The reply.
    Reply(Reply),
    /// The reply comes later ([`Engine::over`]); within so many milliseconds, if the client has said it.
    Wait(Ticket, Option<u32>),
}

/// An end of a fifo.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    check: Port,
    /// The number of the fifo.
    fifo: u32,
    how: Open,
    holders: u32,
    lives: u8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Object {
    Fifo(Fifo),
    End(End),
}

/// A request that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    ticket: Ticket,
    /// The number of the fifo.
    fifo: u32,
    /// The client has said how long it is to wait.
    is_timed: bool,
}

/// The server.
#[derive(Clone, Debug)]
pub struct Engine {
    port: Port,
    put_port: Port,
    check: Port,
    /// What new check fields come from: a key, and how many were made.
    key: Port,
    made: u64,
    /// Objects by their numbers less one.
    objects: Vec<Option<Object>>,
    next_ticket: Ticket,
    /// Requests that wait, the oldest first.
    waiting: Vec<Waiting>,
    /// Replies to requests that waited.
    over: Vec<(Ticket, Reply)>,
}

/// A request whose capability is good.
struct Request<'a> {
    header: &'a Header,
    data: &'a [u8],
    number: u32,
    rights: Rights,
}

impl Request<'_> {
    fn need(&self, needed: Rights) -> Result<(), Status> {
        self.rights.include(needed).then_some(()).ok_or(Status::Denied)
    }
}

impl Engine {
    /// A server on the get-port `port`, protected by `check`; fifos and ends are protected by numbers that follow from `key`, and are as
    /// hard to guess.
    pub fn new(port: Port, check: Port, key: Port) -> Engine {
        Engine {
            port,
            put_port: one_way(port),
            check,
            key,
            made: 0,
            objects: Vec::new(),
            next_ticket: 0,
            waiting: Vec::new(),
            over: Vec::new(),
        }
    }

    /// The get-port.
    pub fn port(&self) -> Port {
        self.port
    }

    /// The capability with all rights on the server.
    pub fn capability(&self) -> Capability {
        self.capability_of(0, self.check)
    }

    fn capability_of(&self, number: u32, check: Port) -> Capability {
        Capability {
            port: self.put_port,
            private: Private::owner(number, check),
        }
    }

    /// Requests that waited and are over, with their replies.
    pub fn over(&mut self) -> Vec<(Ticket, Reply)> {
        core::mem::take(&mut self.over)
    }

    /// The request that has waited longest.
    pub fn oldest(&self) -> Option<Ticket> {
        self.waiting.first().map(|waiting| waiting.ticket)
    }

    /// A request is to wait no longer: the reply is among those that are [`Engine::over`]. A write of which a part has gone tells how
    /// much, a read whose client has set the time has read nothing, and an end that was opened is not.
    pub fn give_up(&mut self, ticket: Ticket) {
        let Some(place) = self.waiting.iter().position(|waiting| waiting.ticket == ticket) else {
            return;
        };
        let waiting = self.waiting.remove(place);
        let number = waiting.fifo;
        let Some(fifo) = self.fifo(number) else {
            return;
        };
        let (done, end) = fifo.forget(ticket);
        let reply = match done {
            0 if waiting.is_timed => sized(0, 0),
            0 => failed(Status::NotNow.into()),
            done => sized(done, 0),
        };
        self.over.push((ticket, reply));
        match end {
            Some(end) => self.remove(end),
            None => self.settle(number),
        }
    }

    fn object(&mut self, number: u32) -> Option<&mut Object> {
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        self.objects.get_mut(place)?.as_mut()
    }

    fn fifo(&mut self, number: u32) -> Option<&mut Fifo> {
        match self.object(number)? {
            Object::Fifo(fifo) => Some(fifo),
            Object::End(_) => None,
        }
    }

    fn end(&mut self, number: u32) -> Option<&mut End> {
        match self.object(number)? {
            Object::End(end) => Some(end),
            Object::Fifo(_) => None,
        }
    }

    fn check_of(&mut self, number: u32) -> Option<Port> {
        if number == 0 {
            return Some(self.check);
        }
        Some(match self.object(number)? {
            Object::Fifo(fifo) => fifo.check,
            Object::End(end) => end.check,
        })
    }

    /// Whoever asks for an object makes use of it, and of the fifo of an end.
    fn touch(&mut self, number: u32) {
        let fifo = match self.object(number) {
            Some(Object::End(end)) => {
                end.lives = LIFETIME;
                end.fifo
            }
            _ => number,
        };
        if let Some(fifo) = self.fifo(fifo) {
            fifo.lives = LIFETIME;
        }
    }

    /// What comes of a request.
    pub fn request(&mut self, header: &Header, data: &[u8]) -> Outcome {
        self.dispatch(header, data)
            .unwrap_or_else(|failure| Outcome::Reply(failed(failure)))
    }

    fn dispatch(&mut self, header: &Header, data: &[u8]) -> Result<Outcome, Failure> {
        let private = Private::parse(&header.private).map_err(|_| Status::BadCapability)?;
        let number = private.object();
        let check = self.check_of(number).ok_or(Status::BadCapability)?;
        let rights = private.proven_rights(check).ok_or(Status::BadCapability)?;
        self.touch(number);
        let request = Request {
            header,
            data,
            number,
            rights,
        };
        if let Some(command) = header.standard_command() {
            return Ok(Outcome::Reply(self.standard(command, &request, check)?));
        }
        if let Some(command) = Command::from_code(header.command) {
            return self.own(command, &request);
        }
        match Sequence::from_code(header.command) {
            Some(Sequence::Read) => self.read(&request, None),
            Some(Sequence::TimedRead) => self.read(&request, Some(header.offset)),
            Some(Sequence::Write) => self.write(&request),
            Some(Sequence::Close) => self.close(&request),
            Some(Sequence::Status) => self.condition(number),
            _ => Err(Status::BadCommand.into()),
        }
    }

    fn own(&mut self, command: Command, request: &Request<'_>) -> Result<Outcome, Failure> {
        match command {
            Command::Create => self.create(request),
            Command::Open => self.open(request),
            Command::Share => {
                request.need(right::CLOSE)?;
                let more = u32::from(request.header.extra.max(1));
                let end = self.end(request.number).ok_or(Status::BadCommand)?;
                end.holders = end.holders.checked_add(more).ok_or(Status::NoSpace)?;
                Ok(Outcome::Reply(sized(0, 0)))
            }
            Command::Close => self.close(request),
            Command::BufferSize => {
                let number = self.end(request.number).map_or(request.number, |end| end.fifo);
                let fifo = self.fifo(number).ok_or(Status::BadCommand)?;
                Ok(Outcome::Reply(Reply {
                    header: Header {
                        offset: fifo.capacity as i32,
                        ..sized(0, 0).header
                    },
                    data: Vec::new(),
                }))
            }
        }
    }

    fn create(&mut self, request: &Request<'_>) -> Result<Outcome, Failure> {
        if request.number != 0 {
            return Err(Status::BadCommand.into());
        }
        request.need(right::CREATE)?;
        let capacity = match u32::try_from(request.header.offset) {
            Ok(0) => USUAL_BUFFER,
            Ok(capacity @ 1..=LARGEST_BUFFER) => capacity,
            _ => return Err(Status::BadArgument.into()),
        };
        let how = Make::from_bits(request.header.extra).ok_or(Status::BadArgument)?;
        let check = self.new_check();
        let fifo = Fifo::new(check, capacity as usize, how.contains(Make::TEMPORARY));
        let number = self.add(Object::Fifo(fifo))?;
        Ok(Outcome::Reply(naming(&self.capability_of(number, check))))
    }

    fn open(&mut self, request: &Request<'_>) -> Result<Outcome, Failure> {
        let how = Open::from_bits(request.header.extra).ok_or(Status::BadArgument)?;
        if !how.intersects(Open::READ | Open::WRITE) {
            return Err(Status::BadArgument.into());
        }
        for (side, needed) in [(Open::READ, right::READ), (Open::WRITE, right::WRITE)] {
            if how.contains(side) {
                request.need(needed)?;
            }
        }
        let number = request.number;
        self.fifo(number).ok_or(Status::BadCommand)?;
        let check = self.new_check();
        let end = self.add(Object::End(End {
            check,
            fifo: number,
            how,
            holders: 1,
            lives: LIFETIME,
        }))?;
        let waits = !how.contains(Open::NO_WAIT) && !how.contains(Open::READ | Open::WRITE);
        let ticket = if waits {
            Some(self.wait(number, false))
        } else {
            None
        };
        let fifo = self.fifo(number).ok_or(Status::BadCommand)?;
        fifo.open(how);
        if let Some(ticket) = ticket {
            fifo.wait_for_other(ticket, end, how);
            return Ok(self.settled(number, ticket, None));
        }
        self.settle(number);
        Ok(Outcome::Reply(naming(&self.capability_of(end, check))))
    }

    /// The fifo of an end that is open as `side` says.
    fn side(&mut self, number: u32, side: Open) -> Result<u32, Status> {
        let end = self.end(number).ok_or(Status::BadCommand)?;
        if end.how.contains(side) {
            Ok(end.fifo)
        } else {
            Err(Status::Denied)
        }
    }

    fn read(&mut self, request: &Request<'_>, limit: Option<i32>) -> Result<Outcome, Failure> {
        let number = self.side(request.number, Open::READ)?;
        request.need(right::READ)?;
        let ticket = self.wait(number, limit.is_some());
        let room = usize::from(request.header.size).min(proto::message::LARGEST_BUFFER);
        if let Some(fifo) = self.fifo(number) {
            fifo.read(ticket, request.number, room);
        }
        let limit = limit.map(|limit| u32::try_from(limit).unwrap_or(0));
        Ok(self.settled(number, ticket, limit))
    }

    fn write(&mut self, request: &Request<'_>) -> Result<Outcome, Failure> {
        let number = self.side(request.number, Open::WRITE)?;
        request.need(right::WRITE)?;
        let length = usize::from(request.header.size);
        let bytes = request.data.get(..length).ok_or(Status::BadArgument)?;
        let ticket = self.wait(number, false);
        if let Some(fifo) = self.fifo(number) {
            fifo.write(ticket, request.number, bytes);
        }
        Ok(self.settled(number, ticket, None))
    }

    fn close(&mut self, request: &Request<'_>) -> Result<Outcome, Failure> {
        request.need(right::CLOSE)?;
        let end = self.end(request.number).ok_or(Status::BadCommand)?;
        end.holders -= 1;
        if end.holders == 0 {
            self.remove(request.number);
        }
        Ok(Outcome::Reply(sized(0, 0)))
    }

    fn condition(&mut self, number: u32) -> Result<Outcome, Failure> {
        let number = self.end(number).ok_or(Status::BadCommand)?.fifo;
        let fifo = self.fifo(number).ok_or(Status::BadCapability)?;
        let [_, writers] = fifo.sides();
        Ok(Outcome::Reply(Reply {
            header: Header {
                offset: fifo.length() as i32,
                ..sized(0, u16::from(writers == 0)).header
            },
            data: Vec::new(),
        }))
    }

    /// A ticket for a request that may have to wait at a fifo.
    fn wait(&mut self, fifo: u32, is_timed: bool) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket = ticket.wrapping_add(1);
        self.waiting.push(Waiting {
            ticket,
            fifo,
            is_timed,
        });
        ticket
    }

    /// Carries out what can be at a fifo; the outcome of the request with this ticket.
    fn settled(&mut self, number: u32, ticket: Ticket, limit: Option<u32>) -> Outcome {
        self.settle(number);
        match self.over.iter().position(|(over, _)| *over == ticket) {
            Some(place) => Outcome::Reply(self.over.remove(place).1),
            None => Outcome::Wait(ticket, limit),
        }
    }

    fn settle(&mut self, number: u32) {
        let over = self.fifo(number).map(Fifo::settle);
        self.end_all(over.unwrap_or_default());
    }

    fn end_all(&mut self, over: Vec<(Ticket, Over)>) {
        for (ticket, what) in over {
            self.waiting.retain(|waiting| waiting.ticket != ticket);
            let reply = self.reply(what);
            self.over.push((ticket, reply));
        }
    }

    fn reply(&mut self, over: Over) -> Reply {
        match over {
            Over::Read(data) => Reply {
                header: sized(data.len(), 0).header,
                data,
            },
            Over::End => sized(0, 1),
            Over::Written(length) => sized(length, 0),
            Over::Broken => failed(proto::fifo::Status::NoReader.into()),
            Over::Open(end) => match self.check_of(end) {
                Some(check) => naming(&self.capability_of(end, check)),
                None => failed(Status::BadCapability.into()),
            },
            Over::Closed => failed(Status::BadCapability.into()),
        }
    }

    fn new_check(&mut self) -> Port {
        let mut check = Port::NULL;
        while check == Port::NULL {
            self.made += 1;
            let made = self.made.to_le_bytes();
            check = one_way(Port(core::array::from_fn(|place| {
                self.key.0[place] ^ made[place]
            })));
        }
        check
    }

    fn add(&mut self, object: Object) -> Result<u32, Status> {
        let free = self.objects.iter().position(Option::is_none);
        let place = free.unwrap_or(self.objects.len());
        if place == MOST_OBJECTS {
            return Err(Status::NoSpace);
        }
        if place == self.objects.len() {
            self.objects.push(None);
        }
        self.objects[place] = Some(object);
        Ok(place as u32 + 1)
    }

    /// An end or a fifo goes, and with a fifo its ends.
    fn remove(&mut self, number: u32) {
        let Some(place) = number.checked_sub(1) else {
            return;
        };
        let removed = self.objects.get_mut(place as usize).and_then(Option::take);
        match removed {
            Some(Object::End(end)) => {
                let Some(fifo) = self.fifo(end.fifo) else {
                    return;
                };
                let over = fifo.close(number, end.how);
                let goes = fifo.is_temporary && !fifo.is_open();
                self.end_all(over);
                if goes {
                    self.remove(end.fifo);
                } else {
                    self.settle(end.fifo);
                }
            }
            Some(Object::Fifo(mut fifo)) => {
                for end in self.ends_of(number) {
                    if let Some(Some(Object::End(gone))) =
                        self.objects.get_mut(end as usize - 1).map(Option::take)
                    {
                        let over = fifo.close(end, gone.how);
                        self.end_all(over);
                    }
                }
            }
            None => {}
        }
    }

    fn ends_of(&self, fifo: u32) -> Vec<u32> {
        let numbered = (1..).zip(&self.objects);
        let is_own = |object: &Option<Object>| matches!(object, Some(Object::End(end)) if end.fifo == fifo);
        let own = numbered.filter(|(_, object)| is_own(object));
        own.map(|(number, _)| number).collect()
    }

    /// Ends grow older; one that has come to its end is closed, whoever held it.
    pub fn age_ends(&mut self) {
        for number in 1..=self.objects.len() as u32 {
            let Some(end) = self.end(number) else {
                continue;
            };
            end.lives -= 1;
            if end.lives == 0 {
                self.remove(number);
            }
        }
    }

    /// Fifos that are not open grow older.
    fn age_fifos(&mut self) {
        for number in 1..=self.objects.len() as u32 {
            let Some(fifo) = self.fifo(number).filter(|fifo| !fifo.is_open()) else {
                continue;
            };
            fifo.lives -= 1;
            if fifo.lives == 0 {
                self.remove(number);
            }
        }
    }
}

fn failed(failure: Failure) -> Reply {
    Reply {
        header: Header {
            command: failure.code().cast_unsigned(),
            ..Header::default()
        },
        data: Vec::new(),
    }
}

/// Success with a size and an extra field.
fn sized(size: usize, extra: u16) -> Reply {
    let mut header = Header {
        size: size as u16,
        extra,
        ..Header::default()
    };
    header.set_status(Status::Ok);
    Reply {
        header,
        data: Vec::new(),
    }
}

/// Success with a capability.
fn naming(capability: &Capability) -> Reply {
    Reply {
        header: Header {
            port: capability.port,
            private: capability.private.emit(),
            ..sized(0, 0).header
        },
        data: Vec::new(),
    }
}
