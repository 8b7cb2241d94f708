//! The server of processes and segments.

use super::migration::Migrations;
use super::{Answer, Call, Ports, Reply, Request, Server, Ticket, World};
use crate::machine::{Machine, Milliseconds};
use crate::memory::PAGE;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use proto::capability::{CAPABILITY_LENGTH, Capability, Port, Private};
use proto::message::{Header, LARGEST_BUFFER};
use proto::process::Descriptor;
use proto::process::server::{
    Command, LARGEST_REQUEST, LONGEST_COMMENT, Object, PAGE_SHIFT, SERVER_OBJECT, USER_PAGES, file, right,
};
use proto::standard::{self, Status};

/// How many migrations, and processes that are not complete, may be waited for by clients of other machines.
const MOST_PUT_OFF: usize = 64;

/// The server.
#[derive(Clone, Debug)]
pub struct ProcessServer {
    ports: Ports,
    check: Port,
    /// What allows processes to be started, beside the server's own capability: the last two that were given out.
    exec_checks: [Port; 2],
    /// Those are good in this generation of the reservation only.
    generation: u32,
    load_calls: u32,
    kips: u16,
    migrations: Migrations,
    /// Clients whose processes are not complete yet: the slot, and the number that protects the process.
    loading: Vec<(Ticket, u16, Port)>,
}

impl ProcessServer {
    /// The server on the get-port `port`, protected by `check`, on a machine that does so many thousand turns of a
    /// loop a second.
    pub fn new(port: Port, check: Port, kips: u16) -> ProcessServer {
        ProcessServer {
            ports: Ports::of(port),
            check,
            exec_checks: [check; 2],
            generation: 0,
            load_calls: 0,
            kips,
            migrations: Migrations::default(),
            loading: Vec::new(),
        }
    }

    /// Has calls in which threads wait go on when their process is taken to another machine.
    pub fn let_calls_go_on(&mut self) {
        self.migrations.calls_go_on = true;
    }

    /// The capability with all rights on the server itself.
    pub fn capability(&self) -> Capability {
        self.with(Private::owner(SERVER_OBJECT, self.check))
    }

    fn with(&self, private: Private) -> Capability {
        Capability {
            port: self.ports.put,
            private,
        }
    }

    fn server_command<M: Machine>(
        &mut self,
        world: &mut World<'_, M>,
        request: &Request<'_>,
        command: Command,
    ) -> Result<Answer, Status> {
        let reply = match command {
            Command::Exec => {
                request.need(right::EXEC)?;
                return self.exec(world, request);
            }
            Command::GetDefaults => Reply {
                header: Header {
                    extra: USER_PAGES.start as u16,
                    offset: USER_PAGES.end.cast_signed(),
                    size: PAGE_SHIFT,
                    ..Header::default()
                },
                ..Reply::default()
            },
            Command::GetLoad => self.load(world),
            Command::SecureGetLoad => {
                request.need(right::EXEC)?;
                self.secure_load(world)
            }
            Command::SegmentCreate => {
                request.need(right::CREATE)?;
                create(world, request)?
            }
            _ => return Err(Status::BadCommand),
        };
        Ok(reply.into())
    }

    /// Starts a process. Its client learns of it when the contents of all its segments are there, or not.
    fn exec<M: Machine>(
        &mut self,
        world: &mut World<'_, M>,
        request: &Request<'_>,
    ) -> Result<Answer, Status> {
        let descriptor = Descriptor::parse(request.data).map_err(|_| Status::BadArgument)?;
        let slot = world.processes.exec(world.machine, &descriptor)?;
        let capability = world.processes.capability(slot);
        if !world.processes.is_loading(slot) {
            return Ok(Reply::capability(&capability).into());
        }
        self.loading
            .push((request.ticket, slot, capability.private.check));
        Ok(Answer::Later)
    }

    /// The capability that a process had.
    fn gone(&self, slot: u16, check: Port) -> Capability {
        self.with(Private::owner(Object::Process(slot).number(), check))
    }

    fn load<M: Machine>(&self, world: &World<'_, M>) -> Reply {
        let free = u64::from(world.machine.free_pages()) * u64::from(PAGE);
        Reply {
            header: Header {
                extra: self.kips,
                size: u16::try_from(world.processes.load()).unwrap_or(u16::MAX),
                offset: i32::try_from(free).unwrap_or(i32::MAX),
                ..Header::default()
            },
            ..Reply::default()
        }
    }

    /// Every second call changes the capability that allows processes to be started; the last two are good.
    fn secure_load<M: Machine>(&mut self, world: &mut World<'_, M>) -> Reply {
        let generation = world.reservation.generation();
        if generation != self.generation {
            self.generation = generation;
            self.exec_checks = [world.machine.random_port(); 2];
        } else if self.load_calls.is_multiple_of(2) {
            self.exec_checks = [world.machine.random_port(), self.exec_checks[0]];
        }
        self.load_calls = self.load_calls.wrapping_add(1);
        let mut reply = self.load(world);
        let private = Private::owner(SERVER_OBJECT, self.exec_checks[0]);
        let private = private.restrict(right::START, self.exec_checks[0]);
        reply.header.port = self.ports.put;
        reply.header.private = private.emit();
        reply
    }
}

impl<M: Machine> Server<M> for ProcessServer {
    fn ports(&self) -> Ports {
        self.ports
    }

    fn threads(&self) -> usize {
        4
    }

    fn most_put_off(&self) -> usize {
        MOST_PUT_OFF
    }

    fn room(&self) -> usize {
        LARGEST_BUFFER
    }

    fn check(&self, world: &World<'_, M>, object: u32) -> Option<Port> {
        match Object::from_number(object)? {
            Object::Server => Some(self.check),
            Object::Process(slot) => world.processes.check(slot),
            Object::Segment(number) => world.processes.segments().check(number),
            Object::Departure(number) => self.migrations.check(number),
        }
    }

    fn other_check(&self, world: &World<'_, M>, private: &Private) -> Option<Port> {
        let is_good = |check: &Port| private.proven_rights(*check) == Some(right::START);
        let is_server =
            private.object() == SERVER_OBJECT && self.generation == world.reservation.generation();
        self.exec_checks
            .iter()
            .copied()
            .find(|check| is_server && is_good(check))
    }

    fn info(&self, world: &World<'_, M>, object: u32) -> String {
        match Object::from_number(object) {
            Some(Object::Process(slot)) => {
                format!(
                    "! {}: {}",
                    world.processes.condition(slot),
                    world.processes.comment(slot)
                )
            }
            Some(Object::Segment(_)) => String::from("in-core segment"),
            _ => String::from("process server"),
        }
    }

    fn command(&mut self, world: &mut World<'_, M>, request: &Request<'_>) -> Result<Answer, Status> {
        let command = Command::from_code(request.header.command);
        if request.data.len() > LARGEST_REQUEST && command != Some(Command::MigrationExec) {
            return Err(Status::BadArgument);
        }
        let object = Object::from_number(request.object).ok_or(Status::BadCapability)?;
        if let Some(command) = command
            && let Some(answer) = self
                .migrations
                .command(self.ports.put, world, request, object, command)
        {
            return answer;
        }
        let reply = match object {
            Object::Server => {
                return self.server_command(world, request, command.ok_or(Status::BadCommand)?);
            }
            Object::Process(slot) => {
                process_command(world, request, slot, command.ok_or(Status::BadCommand)?)
            }
            Object::Segment(number) => segment_command(world, request, number),
            Object::Departure(_) => Err(Status::BadCommand),
        };
        reply.map(Answer::Now)
    }

    fn due(&self) -> Milliseconds {
        self.migrations.due()
    }

    fn work(&mut self, world: &mut World<'_, M>) {
        self.migrations.work(self.ports.put, world);
    }

    fn next_call(&mut self) -> Option<Call> {
        self.migrations.next_call()
    }

    fn call_ended(&mut self, world: &mut World<'_, M>, number: u32, outcome: Result<Reply, Status>) {
        self.migrations.call_ended(self.ports.put, world, number, outcome);
    }

    fn next_answer(&mut self, world: &mut World<'_, M>) -> Option<(Ticket, Result<Reply, Status>)> {
        let is_settled = |(_, slot, check): &(Ticket, u16, Port)| {
            world.processes.check(*slot) != Some(*check) || !world.processes.is_loading(*slot)
        };
        let Some(place) = self.loading.iter().position(is_settled) else {
            return self.migrations.next_answer();
        };
        let (ticket, slot, check) = self.loading.swap_remove(place);
        let result = match world.processes.take_load_failure(check) {
            Some(status) => Err(status),
            None if world.processes.check(slot) == Some(check) => {
                Ok(Reply::capability(&world.processes.capability(slot)))
            }
            // It has run and is gone already.
            None => Ok(Reply::capability(&self.gone(slot, check))),
        };
        Some((ticket, result))
    }

    fn abandon(&mut self, ticket: Ticket) {
        self.loading.retain(|(waiting, ..)| *waiting != ticket);
        self.migrations.abandon(ticket);
    }
}

/// A new segment, or a copy of the one whose capability came with the request.
fn create<M: Machine>(world: &mut World<'_, M>, request: &Request<'_>) -> Result<Reply, Status> {
    let size = u32::try_from(request.header.offset).map_err(|_| Status::BadArgument)?;
    let original = match request.data {
        [] => None,
        data => Some(Capability::parse(data).map_err(|_| Status::BadArgument)?),
    };
    let segments = world.processes.segments_mut();
    let original = match original.filter(|capability| *capability != Capability::NULL) {
        Some(capability) => {
            let (number, rights) = segments.find(&capability)?.ok_or(Status::BadArgument)?;
            if !rights.include(right::READ) {
                return Err(Status::Denied);
            }
            Some(number)
        }
        None => None,
    };
    let number = segments.create(world.machine, size)?;
    if let Some(original) = original {
        let (from, to) = (segments.get(original), segments.get(number));
        world
            .machine
            .copy(from.start(), to.start(), from.length().min(size));
    }
    Ok(Reply::capability(&segments.capability(number)))
}

fn process_command<M: Machine>(
    world: &mut World<'_, M>,
    request: &Request<'_>,
    slot: u16,
    command: Command,
) -> Result<Reply, Status> {
    let processes = &mut *world.processes;
    match command {
        Command::Stun => {
            request.need(right::KILL)?;
            processes.stun(world.machine, slot, request.header.offset)?;
            Ok(Reply::default())
        }
        Command::GetOwner => {
            request.need(right::KILL)?;
            Ok(Reply::capability(&processes.owner(slot)))
        }
        Command::SetOwner | Command::SetComment if processes.is_between_machines(slot) => {
            request.need(right::KILL)?;
            Err(Status::NotNow)
        }
        Command::SetOwner => {
            request.need(right::KILL)?;
            let owner = request
                .data
                .first_chunk::<CAPABILITY_LENGTH>()
                .ok_or(Status::BadArgument)?;
            processes.set_owner(slot, Capability::from_bytes(owner));
            Ok(Reply::default())
        }
        Command::SetComment => {
            request.need(right::KILL)?;
            let text = request.data.split(|byte| *byte == 0).next().unwrap_or_default();
            let text = core::str::from_utf8(text).map_err(|_| Status::BadArgument)?;
            if text.len() > LONGEST_COMMENT {
                return Err(Status::BadArgument);
            }
            processes.set_comment(slot, text);
            Ok(Reply::default())
        }
        Command::GetComment => {
            let mut comment = processes.comment(slot).as_bytes().to_vec();
            comment.push(0);
            Ok(Reply::data(comment))
        }
        _ => Err(Status::BadCommand),
    }
}

fn segment_command<M: Machine>(
    world: &mut World<'_, M>,
    request: &Request<'_>,
    number: u16,
) -> Result<Reply, Status> {
    let offset = u32::try_from(request.header.offset).map_err(|_| Status::BadArgument);
    let segments = world.processes.segments_mut();
    match request.header.command {
        file::READ => {
            request.need(right::READ)?;
            let length = u32::from(request.header.size);
            let memory = segments.pinned(number, offset?, length);
            world.processes.is_read(number, world.now);
            Ok(Reply {
                header: Header {
                    size: memory.length as u16,
                    ..Header::default()
                },
                memory: Some(memory),
                ..Reply::default()
            })
        }
        file::SIZE => {
            request.need(right::READ)?;
            let mut reply = Reply::default();
            reply.header.offset = segments.get(number).length().cast_signed();
            Ok(reply)
        }
        command if command == Command::SegmentWrite.code() => {
            request.need(right::WRITE)?;
            segments.write(world.machine, number, offset?, request.data)?;
            Ok(Reply::default())
        }
        command if command == standard::Command::Destroy.code() => {
            request.need(right::DELETE)?;
            segments.destroy(world.machine, number);
            Ok(Reply::default())
        }
        _ => Err(Status::BadCommand),
    }
}
