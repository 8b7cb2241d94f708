//! The process server's part in migrations, at both ends.
//!
//! At the source a departure begins with `MIGRATE`, when this server sees to all of it, or with `MIGRATION_STUN`, when a
//! migration server elsewhere does: its capability comes with that request. It is told by a checkpoint, whose answer is either the
//! capability of the process where it is now, or anything else, upon which the process goes on here. The process's owner stays who
//! it is, so that a migration server that fails owes nobody anything.
//!
//! At the destination `MIGRATION_EXEC` makes a process that waits. The source decides: as soon as it knows that the process is
//! complete there, it destroys its own and says `MIGRATION_START`. A destination that hears nothing asks the departure, a
//! capability that came with the process, what has become of it. Then the process's owner is told its new capability (`SWAP_PROCESS`). Therefore the process runs in one place at most at any time, and
//! nowhere only if a machine that had it has failed. Who wants to know when it runs is answered then (`MIGRATION_WAIT`).

use super::{Answer, Call, Reply, Request, Ticket, World};
use crate::machine::{Machine, Milliseconds, TICK};
use crate::process::Departed;
use crate::rpc::limits::LONGEST_SILENCE;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use proto::capability::{CAPABILITY_LENGTH, Capability, Port, Private};
use proto::message::{Header, LARGEST_BUFFER};
use proto::process::server::{Cause, Command, Departure as Fate, Object, right};
use proto::standard::Status;

/// How long the other side of a migration is looked for.
const TIMEOUT: Milliseconds = 5_000;
/// How long a migration server, or an owner, is looked for.
const OWNER_TIMEOUT: Milliseconds = 10_000;
/// Pause before a question or a message is repeated.
const PAUSE: Milliseconds = 1_000;
/// How often that is done when nobody answers: as long in all as a client waits for a server that has fallen silent.
const TRIES: u8 = (LONGEST_SILENCE / (TIMEOUT + PAUSE)) as u8;
/// How long a complete process waits before the source is asked.
const PATIENCE: Milliseconds = 2_000;
/// How long a destination may neither answer nor read anything of the process before the departure is called off. It is far longer
/// than what the network takes to make good for lost frames; and as it is the source that decides, nothing but time is lost if a
/// destination is only slow.
const SILENCE: Milliseconds = 10_000;
/// The most departures, and the most arrivals, at a time.
pub(super) const MOST: usize = 32;
/// The stun code of a process that is stopped to be taken away.
pub const STUN_CODE: i32 = -2320;

/// Who sees to a departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// This server; the process goes to the machine with this process server.
    Kernel(Capability),
    /// A migration server, which is told by a checkpoint.
    Server(Capability),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// Communication is still to be taken out.
    Stopping,
    /// The destination, or the migration server, has been asked by this call. At `next` it is looked whether anything was heard of them.
    Asked { call: u32, next: Milliseconds },
    /// The migration server has answered; the process waits for its turn to do what follows from it.
    Answered(Result<Capability, Status>),
    /// The process is gone; the destination is to be told.
    Gone {
        process: Capability,
        /// What it was here.
        was: Capability,
        /// Who is told of both; null for nobody.
        owner: Capability,
        tries: u8,
        next: Milliseconds,
        call: Option<u32>,
    },
}

#[derive(Clone, Copy, Debug)]
struct Departure {
    number: u16,
    check: Port,
    slot: u16,
    way: Way,
    stage: Leaving,
    ticket: Option<Ticket>,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    slot: u16,
    /// Protects the process; with another one the slot holds another process.
    check: Port,
    departure: Capability,
    ticket: Option<Ticket>,
    tries: u8,
    /// When the source is asked next.
    next: Milliseconds,
    call: Option<u32>,
}

/// Migrations from and to this machine.
#[derive(Clone, Debug, Default)]
pub struct Migrations {
    /// Calls in which threads wait go on after a migration instead of being aborted.
    pub calls_go_on: bool,
    departures: Vec<Departure>,
    arrivals: Vec<Arrival>,
    /// Who waits for arrivals to run: the processes and what protects them.
    waiting: Vec<(Ticket, u16, Port)>,
    last_departure: u16,
    last_call: u32,
    /// When it was seen last how migrations stand.
    looked: Milliseconds,
    calls: VecDeque<Call>,
    answers: VecDeque<(Ticket, Result<Reply, Status>)>,
}

impl Migrations {
    /// The number that protects a departure.
    pub fn check(&self, number: u16) -> Option<Port> {
        let departure = self
            .departures
            .iter()
            .find(|departure| departure.number == number);
        departure.map(|departure| departure.check)
    }

    /// Carries out a command that has to do with migrations; `None` if it is another one.
    pub fn command<M: Machine>(
        &mut self,
        port: Port,
        world: &mut World<'_, M>,
        request: &Request<'_>,
        object: Object,
        command: Command,
    ) -> Option<Result<Answer, Status>> {
        Some(match (command, object) {
            (Command::Migrate, Object::Process(slot)) => self.migrate(port, world, request, slot),
            (Command::MigrationStun, Object::Process(slot)) => self.stun(world, request, slot),
            (Command::MigrationExec, Object::Server) => self.exec(world, request),
            (Command::MigrationStart, Object::Process(slot)) => self.start(world, request, slot),
            (Command::MigrationState, Object::Departure(number)) => self.state(number),
            (Command::MigrationWait, Object::Process(slot)) => self.wait(world, request, slot),
            _ => return None,
        })
    }

    fn migrate<M: Machine>(
        &mut self,
        port: Port,
        world: &mut World<'_, M>,
        request: &Request<'_>,
        slot: u16,
    ) -> Result<Answer, Status> {
        request.need(right::KILL)?;
        let destination = Capability::parse(request.data).map_err(|_| Status::BadArgument)?;
        if destination.port == port {
            return Err(Status::BadArgument);
        }
        self.depart(world, slot, Way::Kernel(destination), Some(request.ticket))?;
        Ok(Answer::Later)
    }

    fn stun<M: Machine>(
        &mut self,
        world: &mut World<'_, M>,
        request: &Request<'_>,
        slot: u16,
    ) -> Result<Answer, Status> {
        request.need(right::KILL)?;
        let server = Capability::parse(request.data).map_err(|_| Status::BadArgument)?;
        if server == Capability::NULL {
            return Err(Status::BadArgument);
        }
        self.depart(world, slot, Way::Server(server), None)?;
        Ok(Reply::default().into())
    }

    fn depart<M: Machine>(
        &mut self,
        world: &mut World<'_, M>,
        slot: u16,
        way: Way,
        ticket: Option<Ticket>,
    ) -> Result<(), Status> {
        if self.departures.len() == MOST {
            return Err(Status::NoSpace);
        }
        let in_turn = matches!(way, Way::Server(_));
        world.processes.depart(slot, self.calls_go_on, in_turn)?;
        self.last_departure = self.last_departure.wrapping_add(1);
        self.departures.push(Departure {
            number: self.last_departure,
            check: world.machine.random_port(),
            slot,
            way,
            stage: Leaving::Stopping,
            ticket,
        });
        Ok(())
    }

    fn exec<M: Machine>(
        &mut self,
        world: &mut World<'_, M>,
        request: &Request<'_>,
    ) -> Result<Answer, Status> {
        request.need(right::EXEC)?;
        if self.arrivals.len() == MOST {
            return Err(Status::NoSpace);
        }
        let (slot, departure) = world.processes.arrive(world.machine, request.data)?;
        let check = world.processes.check(slot).ok_or(Status::SystemError)?;
        self.arrivals.push(Arrival {
            slot,
            check,
            departure,
            ticket: Some(request.ticket),
            tries: TRIES,
            next: Milliseconds::MAX,
            call: None,
        });
        self.settle_arrivals(world);
        Ok(Answer::Later)
    }

    fn start<M: Machine>(
        &mut self,
        world: &mut World<'_, M>,
        request: &Request<'_>,
        slot: u16,
    ) -> Result<Answer, Status> {
        request.need(right::KILL)?;
        if world.processes.is_arriving(slot) && !world.processes.has_arrived(slot) {
            return Err(Status::NotNow);
        }
        // A second time nothing is left to do: it runs.
        self.start_arrived(world, slot);
        Ok(Reply::default().into())
    }

    /// Who asks is answered as soon as the process runs here; with `BadCapability` if it comes to nothing.
    fn wait<M: Machine>(
        &mut self,
        world: &mut World<'_, M>,
        request: &Request<'_>,
        slot: u16,
    ) -> Result<Answer, Status> {
        let check = world.processes.check(slot).ok_or(Status::BadCapability)?;
        if !world.processes.is_arriving(slot) {
            return Ok(Reply::default().into());
        }
        if self.waiting.len() == MOST {
            return Err(Status::NoSpace);
        }
        self.waiting.push((request.ticket, slot, check));
        Ok(Answer::Later)
    }

    /// Answers those who wait for what has arrived, or never will.
    fn answer_waiting<M: Machine>(&mut self, world: &World<'_, M>) {
        let answers = &mut self.answers;
        self.waiting.retain(|(ticket, slot, check)| {
            let is_there = world.processes.check(*slot) == Some(*check);
            if is_there && world.processes.is_arriving(*slot) {
                return true;
            }
            let answer = if is_there {
                Ok(Reply::default())
            } else {
                Err(Status::BadCapability)
            };
            answers.push_back((*ticket, answer));
            false
        });
    }

    fn state(&self, number: u16) -> Result<Answer, Status> {
        let departure = self
            .departures
            .iter()
            .find(|departure| departure.number == number);
        let departure = departure.ok_or(Status::BadCapability)?;
        let mut reply = Reply::default();
        reply.header.extra = match departure.stage {
            Leaving::Gone { .. } => Fate::Gone.code(),
            Leaving::Stopping | Leaving::Asked { .. } | Leaving::Answered(_) => Fate::Open.code(),
        };
        Ok(reply.into())
    }

    fn start_arrived<M: Machine>(&mut self, world: &mut World<'_, M>, slot: u16) {
        if world.processes.start_arrived(world.machine, slot, world.now) {
            self.arrivals.retain(|arrival| arrival.slot != slot);
            self.answer_waiting(world);
        }
    }

    /// When something is to be done by itself. What processes do is looked at once a tick while a migration waits for that; what calls
    /// lead to comes with their ends.
    pub fn due(&self) -> Milliseconds {
        let tick = self.looked + TICK;
        let departures = self.departures.iter().map(|departure| match departure.stage {
            Leaving::Stopping | Leaving::Answered(_) => tick,
            Leaving::Asked { next, .. } | Leaving::Gone { next, call: None, .. } => next,
            Leaving::Gone { call: Some(_), .. } => Milliseconds::MAX,
        });
        // It is told of contents that have come. An arrival may be killed meanwhile.
        let arrivals = self.arrivals.iter().map(|arrival| match arrival.call {
            None => arrival.next.min(self.looked + PAUSE),
            Some(_) => self.looked + PAUSE,
        });
        departures.chain(arrivals).min().unwrap_or(Milliseconds::MAX)
    }

    /// Does what time, and what has happened to processes, bring.
    pub fn work<M: Machine>(&mut self, port: Port, world: &mut World<'_, M>) {
        self.looked = world.now;
        let mut place = 0;
        while let Some(departure) = self.departures.get(place) {
            let number = departure.number;
            self.settle_departure(port, world, place);
            // It may have been called off.
            let is_there = self.departures.get(place).map(|departure| departure.number) == Some(number);
            place += usize::from(is_there);
        }
        self.settle_arrivals(world);
    }

    fn settle_departure<M: Machine>(&mut self, port: Port, world: &mut World<'_, M>, place: usize) {
        let departure = self.departures[place];
        match departure.stage {
            Leaving::Stopping if world.processes.has_departed(departure.slot) == Departed::Ready => {
                self.ask(port, world, place);
            }
            Leaving::Asked { call, next } if next <= world.now => {
                let next = world.processes.last_read(departure.slot) + SILENCE;
                if next <= world.now {
                    // What comes of the call later is for nobody.
                    self.call_off(world, place, Status::RpcFailure);
                } else {
                    self.departures[place].stage = Leaving::Asked { call, next };
                }
            }
            Leaving::Answered(process) if world.processes.has_parted(departure.slot) => {
                self.decide(port, world, place, process);
            }
            Leaving::Gone {
                process,
                was,
                owner,
                tries,
                next,
                call: None,
            } if next <= world.now => {
                let call = self.call(&process, Command::MigrationStart, Vec::new(), TIMEOUT, 0);
                self.departures[place].stage = Leaving::Gone {
                    process,
                    was,
                    owner,
                    tries,
                    next,
                    call: Some(call),
                };
            }
            _ => {}
        }
    }

    /// The process can be taken away: the destination, or the migration server, is told.
    fn ask<M: Machine>(&mut self, port: Port, world: &mut World<'_, M>, place: usize) {
        let Departure {
            number,
            check,
            slot,
            way,
            ..
        } = self.departures[place];
        let own = Capability {
            port,
            private: Private::owner(Object::Departure(number).number(), check),
        };
        let Some(message) = world.processes.departure_message(slot, &own) else {
            self.call_off(world, place, Status::Overflow);
            return;
        };
        let call = match way {
            Way::Kernel(destination) => self.call(&destination, Command::MigrationExec, message, TIMEOUT, 0),
            Way::Server(server) => {
                let room = CAPABILITY_LENGTH;
                let call = self.call(&server, Command::Checkpoint, message, OWNER_TIMEOUT, room);
                if let Some(call) = self.calls.back_mut() {
                    call.header.extra = Cause::Stunned.code();
                    call.header.offset = STUN_CODE;
                }
                call
            }
        };
        self.departures[place].stage = Leaving::Asked {
            call,
            next: world.now + SILENCE,
        };
    }

    /// The process goes on where it is.
    fn call_off<M: Machine>(&mut self, world: &mut World<'_, M>, place: usize, status: Status) {
        let departure = self.departures.remove(place);
        world
            .processes
            .come_back(world.machine, departure.slot, world.now);
        if let Some(ticket) = departure.ticket {
            self.answers.push_back((ticket, Err(status)));
        }
    }

    fn settle_arrivals<M: Machine>(&mut self, world: &mut World<'_, M>) {
        let mut place = 0;
        while let Some(arrival) = self.arrivals.get(place).copied() {
            let is_there = world.processes.check(arrival.slot) == Some(arrival.check);
            if !is_there || !world.processes.is_arriving(arrival.slot) {
                self.arrivals.remove(place);
                if let Some(ticket) = arrival.ticket {
                    // The contents of its segments did not come.
                    self.answers.push_back((ticket, Err(Status::RpcFailure)));
                }
                continue;
            }
            if world.processes.has_arrived(arrival.slot) {
                if let Some(ticket) = self.arrivals[place].ticket.take() {
                    let capability = world.processes.capability(arrival.slot);
                    self.answers
                        .push_back((ticket, Ok(Reply::capability(&capability))));
                    self.arrivals[place].next = world.now + PATIENCE;
                } else if arrival.next <= world.now && arrival.call.is_none() {
                    let call = self.call(
                        &arrival.departure,
                        Command::MigrationState,
                        Vec::new(),
                        TIMEOUT,
                        0,
                    );
                    self.arrivals[place].call = Some(call);
                }
            }
            place += 1;
        }
        self.answer_waiting(world);
    }

    /// Wants a transaction: its number.
    fn call(
        &mut self,
        to: &Capability,
        command: Command,
        data: Vec<u8>,
        timeout: Milliseconds,
        room: usize,
    ) -> u32 {
        debug_assert!(data.len() <= LARGEST_BUFFER);
        self.last_call = self.last_call.wrapping_add(1);
        let header = Header {
            port: to.port,
            private: to.private.emit(),
            command: command.code(),
            size: data.len() as u16,
            ..Header::default()
        };
        self.calls.push_back(Call {
            number: self.last_call,
            timeout,
            header,
            data,
            room,
        });
        self.last_call
    }

    /// The next transaction that is wanted.
    pub fn next_call(&mut self) -> Option<Call> {
        self.calls.pop_front()
    }

    /// The next answer that was put off.
    pub fn next_answer(&mut self) -> Option<(Ticket, Result<Reply, Status>)> {
        self.answers.pop_front()
    }

    /// The client of a migration does not wait any more; the migration goes on.
    pub fn abandon(&mut self, ticket: Ticket) {
        for departure in &mut self.departures {
            departure.ticket = departure.ticket.filter(|own| *own != ticket);
        }
        for arrival in &mut self.arrivals {
            arrival.ticket = arrival.ticket.filter(|own| *own != ticket);
        }
        self.waiting.retain(|(own, ..)| *own != ticket);
        self.answers.retain(|(own, _)| *own != ticket);
    }

    /// A transaction has ended.
    pub fn call_ended<M: Machine>(
        &mut self,
        port: Port,
        world: &mut World<'_, M>,
        number: u32,
        outcome: Result<Reply, Status>,
    ) {
        let departure = self
            .departures
            .iter()
            .position(|departure| match departure.stage {
                Leaving::Asked { call, .. } => call == number,
                Leaving::Gone { call, .. } => call == Some(number),
                Leaving::Stopping | Leaving::Answered(_) => false,
            });
        if let Some(place) = departure {
            match self.departures[place].stage {
                Leaving::Gone { .. } => self.told(world, place, outcome),
                Leaving::Stopping | Leaving::Asked { .. } | Leaving::Answered(_) => {
                    self.taken_over(port, world, place, outcome);
                }
            }
        } else if let Some(place) = self
            .arrivals
            .iter()
            .position(|arrival| arrival.call == Some(number))
        {
            self.source_has_said(world, place, outcome);
        }
    }

    /// The destination has the process, or not. A process that has told a migration server itself acts on that when it has its turn.
    fn taken_over<M: Machine>(
        &mut self,
        port: Port,
        world: &mut World<'_, M>,
        place: usize,
        outcome: Result<Reply, Status>,
    ) {
        let departure = self.departures[place];
        let process = outcome.and_then(|reply| match departure.way {
            Way::Kernel(_) => {
                let private = Private::parse(&reply.header.private).map_err(|_| Status::BadCapability)?;
                let port = reply.header.port;
                Ok(Capability { port, private })
            }
            Way::Server(_) => Capability::parse(&reply.data).map_err(|_| Status::BadArgument),
        });
        match departure.way {
            Way::Kernel(_) => self.decide(port, world, place, process),
            Way::Server(_) => {
                self.departures[place].stage = Leaving::Answered(process);
                world.processes.part(departure.slot);
            }
        }
    }

    /// This is where it is decided on which machine a process goes on.
    fn decide<M: Machine>(
        &mut self,
        port: Port,
        world: &mut World<'_, M>,
        place: usize,
        process: Result<Capability, Status>,
    ) {
        let departure = self.departures[place];
        match process {
            Err(status) => self.call_off(world, place, status),
            Ok(process) => {
                let was = world.processes.capability(departure.slot);
                let owner = world.processes.owner(departure.slot);
                world
                    .processes
                    .gone(world.machine, departure.slot, departure.number);
                self.departures[place].stage = Leaving::Gone {
                    process,
                    was,
                    owner,
                    tries: TRIES,
                    next: world.now,
                    call: None,
                };
                self.settle_departure(port, world, place);
            }
        }
    }

    /// The destination knows that the process is gone here, or nobody has answered.
    fn told<M: Machine>(&mut self, world: &mut World<'_, M>, place: usize, outcome: Result<Reply, Status>) {
        let Departure { number, stage, .. } = self.departures[place];
        let Leaving::Gone {
            process,
            was,
            owner,
            tries,
            ..
        } = stage
        else {
            return;
        };
        // A process that has ended meanwhile has been told before.
        let is_known = matches!(outcome, Ok(_) | Err(Status::BadCapability));
        if let Some(ticket) = self.departures[place].ticket.take() {
            let answer = outcome
                .map(|_| Reply::capability(&process))
                .or_else(|status| match status {
                    Status::BadCapability => Ok(Reply::capability(&process)),
                    _ => Err(status),
                });
            self.answers.push_back((ticket, answer));
        }
        if is_known || tries == 0 {
            self.departures.remove(place);
            world.processes.forget_departure(number);
            if is_known && owner != Capability::NULL {
                let data = [was.emit(), process.emit()].concat();
                // Whether it has heard is for the owner to know.
                self.call(&owner, Command::SwapProcess, data, OWNER_TIMEOUT, 0);
            }
        } else {
            self.departures[place].stage = Leaving::Gone {
                process,
                was,
                owner,
                tries: tries - 1,
                next: world.now + PAUSE,
                call: None,
            };
        }
    }

    /// What has become of the departure of a process that waits here.
    fn source_has_said<M: Machine>(
        &mut self,
        world: &mut World<'_, M>,
        place: usize,
        outcome: Result<Reply, Status>,
    ) {
        let Arrival {
            slot, check, tries, ..
        } = self.arrivals[place];
        if world.processes.check(slot) != Some(check) {
            // It was killed meanwhile.
            self.arrivals.remove(place);
            self.answer_waiting(world);
            return;
        }
        let fate = outcome.map(|reply| Fate::from_code(reply.header.extra));
        match fate {
            Ok(Some(Fate::Gone)) => self.start_arrived(world, slot),
            // The departure was called off.
            Err(Status::BadCapability) => self.refuse(world, place),
            Err(_) if tries == 0 => self.refuse(world, place),
            Ok(_) | Err(_) => {
                let arrival = &mut self.arrivals[place];
                arrival.call = None;
                arrival.next = world.now + PAUSE;
                if fate.is_err() {
                    arrival.tries -= 1;
                }
            }
        }
    }

    fn refuse<M: Machine>(&mut self, world: &mut World<'_, M>, place: usize) {
        let arrival = self.arrivals.remove(place);
        world.processes.refuse_arrived(world.machine, arrival.slot);
        self.answer_waiting(world);
    }
}
