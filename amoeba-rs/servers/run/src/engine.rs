//! Requests to the run server.

mod choice;
mod settings;

use crate::host::{Answer, Condition, Host, Milliseconds};
use crate::poll::Poll;
use crate::pool::{Member, Pool, Reading};
use crate::suitability::{Figures, Policy};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
pub use choice::Wanted;
use core::fmt::Write;
use proto::capability::{Capability, Port, Private, Rights};
use proto::marshal::Reader;
use proto::message::Header;
use proto::one_way::one_way;
use proto::run::{Command, Failure, SERVER_OBJECT, right};
use proto::standard::{self, Status};

/// The most pools.
const MOST_POOLS: usize = 64;

/// A reply: its header, and what comes with it.
pub type Reply = (Header, Vec<u8>);

/// What comes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The reply.
    Reply(Header, Vec<u8>),
    /// A host is to answer: when one has, or after some time, [`Engine::choose`] goes on.
    Wait(Wanted),
    /// A pool's directory is to be read; then [`Engine::make_pool`] goes on.
    Read(Capability),
}

/// The server.
#[derive(Clone, Debug)]
pub struct Engine {
    /// The get-port.
    port: Port,
    hosts: Vec<Host>,
    pools: Vec<Option<Pool>>,
    policy: Policy,
    preferences: Vec<([u8; 8], u8)>,
    /// The state of the random choice.
    random: u64,
}

impl Engine {
    /// A server on the get-port `port`, whose own object, the first pool, is protected by `check`. That pool has a directory, if any. Choices
    /// follow from `seed`.
    pub fn new(port: Port, check: Port, directory: Option<Capability>, seed: u64) -> Engine {
        Engine {
            port,
            hosts: Vec::new(),
            pools: [Some(Pool::new(check, directory))].into(),
            policy: Policy::default(),
            preferences: Vec::new(),
            // The generator stays at zero for ever.
            random: seed | 1,
        }
    }

    /// The get-port.
    pub fn port(&self) -> Port {
        self.port
    }

    /// The capability with all rights on the server, which is its first pool.
    pub fn capability(&self) -> Capability {
        self.pool_capability(SERVER_OBJECT as usize)
            .unwrap_or(Capability::NULL)
    }

    fn pool_capability(&self, number: usize) -> Option<Capability> {
        let check = self.pools.get(number)?.as_ref()?.check;
        Some(Capability {
            port: one_way(self.port),
            private: Private::owner(number as u32, check),
        })
    }

    /// Hosts, by number.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Adds a host to the first pool.
    pub fn add_host(&mut self, member: &Member) {
        let host = self.host(member);
        if let Some(pool) = &mut self.pools[SERVER_OBJECT as usize]
            && !pool.given.contains(&host)
        {
            pool.given.push(host);
        }
    }

    /// The number of a host, which is new if nobody knows it yet.
    fn host(&mut self, member: &Member) -> usize {
        let known = self.hosts.iter().position(|host| {
            (host.directory, host.architecture) == (member.directory, member.architecture)
                && host.name == member.name
        });
        known.unwrap_or_else(|| {
            let host = Host::new(&member.name, member.architecture, member.directory);
            self.hosts.push(host);
            self.hosts.len() - 1
        })
    }

    /// The first pool has this directory from now on.
    pub fn set_directory(&mut self, directory: Capability) {
        if let Some(pool) = &mut self.pools[SERVER_OBJECT as usize] {
            pool.directory = Some(directory);
            if pool.reading == Reading::None {
                pool.reading = Reading::Bad;
            }
        }
    }

    /// Directories of pools: numbers of the pools and the directories.
    pub fn directories(&self) -> Vec<(usize, Capability)> {
        let pools = self.pools.iter().enumerate();
        let directory = |(number, pool): (usize, &Option<Pool>)| Some((number, pool.as_ref()?.directory?));
        pools.filter_map(directory).collect()
    }

    /// The directory of a pool was read, or could not be: then what it told before holds.
    pub fn was_read(&mut self, pool: usize, members: Option<&[Member]>) {
        let Some(members) = members else {
            return;
        };
        let hosts: Vec<usize> = members.iter().map(|member| self.host(member)).collect();
        if let Some(Some(pool)) = self.pools.get_mut(pool) {
            pool.listed = hosts;
            pool.reading = Reading::Good;
        }
    }

    /// The next host that is to be asked of those that are up, or of the others. It counts as asked until it has [`Engine::answered`].
    pub fn next_poll(&mut self, is_up: bool, now: Milliseconds) -> Option<Poll> {
        let is_wanted = |host: &Host| (host.condition == Condition::Up) == is_up && host.is_due(now);
        let in_use = |number: usize| {
            let mut pools = self.pools.iter().flatten();
            pools.any(|pool| pool.hosts().any(|host| host == number))
        };
        let number =
            (0..self.hosts.len()).find(|number| is_wanted(&self.hosts[*number]) && in_use(*number))?;
        let host = &mut self.hosts[number];
        host.ask(now);
        Some(Poll {
            host: number,
            directory: host.directory,
            server: host.answer.map(|answer| answer.server),
        })
    }

    /// A host answered, or not; whether it came up or went down.
    pub fn answered(
        &mut self,
        host: usize,
        now: Milliseconds,
        answer: Result<Answer, Status>,
    ) -> Option<Condition> {
        let host = &mut self.hosts[host];
        let former = host.condition;
        host.answered(now, answer);
        (host.condition != former).then_some(host.condition)
    }

    /// What comes of a request.
    pub fn request(&mut self, header: &Header, data: &[u8], now: Milliseconds) -> Outcome {
        match self.dispatch(header, data, now) {
            Ok(outcome) => outcome,
            Err(failure) => failed(failure),
        }
    }

    fn dispatch(&mut self, header: &Header, data: &[u8], now: Milliseconds) -> Result<Outcome, Failure> {
        let private = Private::parse(&header.private).map_err(|_| Status::BadCapability)?;
        let number = private.object() as usize;
        let pool = self.pools.get_mut(number).and_then(Option::as_mut);
        let pool = pool.ok_or(Status::BadCapability)?;
        let rights = private.proven_rights(pool.check).ok_or(Status::BadCapability)?;
        pool.lives = proto::run::LIFETIME;
        let need = |needed| {
            let has = rights.include(needed);
            has.then_some(()).ok_or(Failure::from(Status::Denied))
        };
        if let Some(command) = header.standard_command() {
            return Ok(self.standard(command, header, data, (number, rights))?);
        }
        match Command::from_code(header.command).ok_or(Status::BadCommand)? {
            Command::GetExecCapability => {
                need(right::PLACE)?;
                let name = Reader::new(data).string().map_err(|_| Status::BadArgument)?;
                let host = self.by_name(number, name)?;
                Ok(self.choose(Wanted::host(host), now))
            }
            Command::FindHost => {
                need(right::PLACE)?;
                let wanted = Wanted::parse(number, header.extra, data)?;
                Ok(self.choose(wanted, now))
            }
            Command::Create => {
                need(right::CREATE)?;
                let directory = Capability::parse(data).map_err(|_| Status::BadArgument)?;
                Ok(Outcome::Read(directory))
            }
        }
    }

    fn by_name(&self, pool: usize, name: &[u8]) -> Result<usize, Failure> {
        let pool = self.pools[pool].as_ref();
        let mut hosts = pool.into_iter().flat_map(Pool::hosts);
        let host = hosts.find(|host| self.hosts[*host].name == name);
        Ok(host.ok_or(Status::NotFound)?)
    }

    /// Makes a pool of a directory that was read, or could not be; `check` is a random number.
    pub fn make_pool(&mut self, directory: Capability, check: Port, members: Option<&[Member]>) -> Outcome {
        if members.is_none() {
            return failed(proto::run::Status::BadPoolDirectory.into());
        }
        let free = self.pools.iter().position(Option::is_none);
        let number = free.unwrap_or(self.pools.len());
        if number == MOST_POOLS {
            return failed(Status::NoSpace.into());
        }
        if number == self.pools.len() {
            self.pools.push(None);
        }
        self.pools[number] = Some(Pool::new(check, Some(directory)));
        self.was_read(number, members);
        let capability = self.pool_capability(number).unwrap_or(Capability::NULL);
        succeeded(
            Header {
                port: capability.port,
                private: capability.private.emit(),
                ..Header::default()
            },
            Vec::new(),
        )
    }

    fn standard(
        &mut self,
        command: standard::Command,
        header: &Header,
        data: &[u8],
        (number, rights): (usize, Rights),
    ) -> Result<Outcome, Status> {
        let need = |needed| rights.include(needed).then_some(()).ok_or(Status::Denied);
        match command {
            standard::Command::Info => Ok(told(header, &self.info(number))),
            standard::Command::Status => Ok(told(header, &self.table(number))),
            standard::Command::Touch => Ok(succeeded(Header::default(), Vec::new())),
            standard::Command::TouchMany => self.touch_many(header, data),
            standard::Command::Age => {
                need(right::ADMIN)?;
                self.age();
                Ok(succeeded(Header::default(), Vec::new()))
            }
            standard::Command::Destroy => {
                need(right::ADMIN)?;
                if number == SERVER_OBJECT as usize {
                    return Err(Status::Denied);
                }
                self.pools[number] = None;
                Ok(succeeded(Header::default(), Vec::new()))
            }
            standard::Command::Restrict => self.restrict(header),
            standard::Command::GetParameters => {
                let data = self.parameters()?;
                Ok(succeeded(Header::default(), data))
            }
            standard::Command::SetParameters => {
                need(right::ADMIN)?;
                self.set_parameter(data)?;
                Ok(succeeded(Header::default(), Vec::new()))
            }
            standard::Command::Monitor | standard::Command::Copy => Err(Status::BadCommand),
        }
    }

    fn restrict(&self, header: &Header) -> Result<Outcome, Status> {
        let private = Private::parse(&header.private).map_err(|_| Status::BadCapability)?;
        let pool = self.pools[private.object() as usize].as_ref();
        let check = pool.ok_or(Status::BadCapability)?.check;
        // The mask travels in the low byte of the offset.
        let private = private.restrict(Rights(header.offset as u8), check);
        let reply = Header {
            port: header.port,
            private: private.emit(),
            ..Header::default()
        };
        Ok(succeeded(reply, Vec::new()))
    }

    fn touch_many(&mut self, header: &Header, data: &[u8]) -> Result<Outcome, Status> {
        let mut reader = Reader::new(data);
        let mut touched = 0;
        for _ in 0..header.size {
            let private = reader.private().map_err(|_| Status::BadArgument)?;
            let pool = self.pools.get_mut(private.object() as usize);
            if let Some(Some(pool)) = pool
                && private.proven_rights(pool.check).is_some()
            {
                pool.lives = proto::run::LIFETIME;
                touched += 1;
            }
        }
        let header = Header {
            extra: touched,
            ..Header::default()
        };
        Ok(succeeded(header, Vec::new()))
    }

    /// All pools but the first one grow older.
    fn age(&mut self) {
        for place in self.pools.iter_mut().skip(1) {
            if let Some(pool) = place {
                pool.lives -= 1;
                if pool.lives == 0 {
                    *place = None;
                }
            }
        }
    }

    fn members(&self, number: usize) -> impl Iterator<Item = &Host> {
        let pool = self.pools.get(number).and_then(Option::as_ref);
        pool.into_iter()
            .flat_map(Pool::hosts)
            .map(|host| &self.hosts[host])
    }

    fn info(&self, number: usize) -> String {
        let up = self
            .members(number)
            .filter(|host| host.condition == Condition::Up);
        let (up, all) = (up.count(), self.members(number).count());
        format!("run server: {up} of {all} hosts up")
    }

    /// A line for each host.
    fn table(&self, number: usize) -> String {
        let mut table = String::from("HOST             ARCH     STATE     KIPS   LOAD KBYTES FREE  PLACED\n");
        for host in self.members(number) {
            let state = match host.condition {
                Condition::Unknown => "unknown",
                Condition::Up => "up",
                Condition::Down => "down",
            };
            let Figures { speed, load, free } = host.figures().unwrap_or_default();
            let hundredths = u64::from(load) * 100 / 1024;
            let load = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            let text = |bytes: &[u8]| {
                let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
                String::from_utf8_lossy(bytes).into_owned()
            };
            let (name, architecture) = (text(&host.name), text(&host.architecture));
            // A string takes everything.
            let _ = writeln!(
                table,
                "{name:16} {architecture:8} {state:8} {speed:5} {load:>6} {:11} {:7}",
                free >> 10,
                host.total,
            );
        }
        table
    }
}

fn failed(failure: Failure) -> Outcome {
    let header = Header {
        command: failure.code().cast_unsigned(),
        ..Header::default()
    };
    Outcome::Reply(header, Vec::new())
}

fn succeeded(mut header: Header, data: Vec<u8>) -> Outcome {
    header.set_status(Status::Ok);
    header.size = header.size.max(data.len() as u16);
    Outcome::Reply(header, data)
}

/// As much of a text as the client has room for, and its whole length.
fn told(request: &Header, text: &str) -> Outcome {
    let length = text.len().min(usize::from(request.size));
    let header = Header {
        size: text.len() as u16,
        ..Header::default()
    };
    succeeded(header, text.as_bytes()[..length].to_vec())
}
