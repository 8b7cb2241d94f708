//! The choice of a host.

use super::{Engine, Outcome, failed, succeeded};
use crate::host::{Condition, Host, Milliseconds};
use crate::pool::Reading;
use crate::suitability::{equivalent, needed, suitability};
use alloc::vec;
use alloc::vec::Vec;
use proto::marshal::Writer;
use proto::message::Header;
use proto::process::Descriptor;
use proto::run::{Choice, Failure, LARGEST_DESCRIPTORS, Status as Own, padded};
use proto::standard::Status;

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// This host's capability.
    Host(usize),
    /// A host of the pool for one of the programs.
    Any(usize, Vec<Program>),
}

/// What a program needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Program {
    architecture: [u8; 8],
    bytes: u32,
}

/// A host that would do, for one of the programs.
#[derive(Clone, Copy)]
struct Candidate {
    host: usize,
    index: u16,
    suitability: u64,
}

impl Wanted {
    pub(super) fn host(host: usize) -> Wanted {
        Wanted(Kind::Host(host))
    }

    /// Reads as many descriptors as there shall be.
    pub(super) fn parse(pool: usize, count: u16, data: &[u8]) -> Result<Wanted, Failure> {
        if count == 0 || data.len() > LARGEST_DESCRIPTORS {
            return Err(Status::BadArgument.into());
        }
        let (mut programs, mut rest) = (Vec::new(), data);
        for _ in 0..count {
            let descriptor = Descriptor::parse(rest).map_err(|_| Status::BadArgument)?;
            programs.push(Program {
                architecture: descriptor.head.architecture,
                bytes: needed(&descriptor),
            });
            rest = &rest[descriptor.length()..];
        }
        Ok(Wanted(Kind::Any(pool, programs)))
    }
}

impl Engine {
    /// Chooses a host, or says that a host must answer before.
    pub fn choose(&mut self, wanted: Wanted, now: Milliseconds) -> Outcome {
        let result = match &wanted.0 {
            Kind::Host(host) => match self.needs_answer(*host, now) {
                true => Ok(Next::Wait(*host)),
                false => self.exec_capability(*host, now).map(Next::Reply),
            },
            Kind::Any(pool, programs) => self.best(*pool, programs, now),
        };
        match result {
            Ok(Next::Reply(outcome)) => outcome,
            Ok(Next::Wait(host)) => {
                self.hosts[host].want(now);
                Outcome::Wait(wanted)
            }
            Err(failure) => failed(failure),
        }
    }

    /// Whether a host is to answer before a program is placed on it, and may still do so in time.
    fn needs_answer(&self, host: usize, now: Milliseconds) -> bool {
        let host = &self.hosts[host];
        !host.is_fresh(now) && !host.is_silent(now)
    }

    fn exec_capability(&self, host: usize, now: Milliseconds) -> Result<Outcome, Failure> {
        let answer = self.hosts[host]
            .answer
            .filter(|_| !self.hosts[host].is_silent(now));
        let answer = answer.ok_or(Own::HostsDown)?;
        let header = Header {
            port: answer.exec.port,
            private: answer.exec.private.emit(),
            ..Header::default()
        };
        Ok(succeeded(header, Vec::new()))
    }

    fn place(&mut self, best: Candidate, programs: &[Program]) -> Result<Outcome, Failure> {
        let host = &mut self.hosts[best.host];
        host.place(programs[usize::from(best.index)].bytes);
        let choice = Choice {
            index: best.index,
            name: padded(&host.name),
            host: host.answer.ok_or(Own::HostsDown)?.exec,
        };
        let mut data = vec![0; Choice::LENGTH];
        let written = choice.emit(&mut Writer::new(&mut data));
        written.map_err(|_| Status::SystemError)?;
        let header = Header {
            extra: best.index,
            ..Header::default()
        };
        Ok(succeeded(header, data))
    }

    /// One of the hosts that suit best, by chance; or a host of which nothing is known, or nothing certain.
    fn best(&mut self, pool: usize, programs: &[Program], now: Milliseconds) -> Result<Next, Failure> {
        let mut suited = Vec::new();
        let (mut is_known, mut is_up) = (false, false);
        for number in self.numbers(pool)? {
            let host = &self.hosts[number];
            let runs = |(_, program): &(usize, &Program)| program.architecture == host.architecture;
            for (index, program) in programs.iter().enumerate().filter(runs) {
                is_known = true;
                if host.is_silent(now) {
                    continue;
                }
                if host.condition == Condition::Unknown || host.is_guessed(now) {
                    return Ok(Next::Wait(number));
                }
                is_up |= host.condition == Condition::Up;
                let suitability = self.suitability(host, program);
                suited.extend(suitability.map(|suitability| Candidate {
                    host: number,
                    index: index as u16,
                    suitability,
                }));
            }
        }
        let best = suited.iter().map(|candidate| candidate.suitability).max();
        let best = best.ok_or(match (is_known, is_up) {
            (false, _) => Own::BadArchitecture,
            (true, false) => Own::HostsDown,
            (true, true) => Own::NoHost,
        })?;
        let least = equivalent(&self.policy, best);
        suited.retain(|candidate| candidate.suitability >= least);
        let chosen = suited[self.draw(suited.len())];
        if self.needs_answer(chosen.host, now) {
            return Ok(Next::Wait(chosen.host));
        }
        self.place(chosen, programs).map(Next::Reply)
    }

    /// Numbers of a pool's hosts.
    fn numbers(&self, pool: usize) -> Result<Vec<usize>, Failure> {
        let pool = self.pools.get(pool).and_then(Option::as_ref);
        let pool = pool.ok_or(Status::BadCapability)?;
        let numbers: Vec<usize> = pool.hosts().collect();
        match pool.reading {
            Reading::None if numbers.is_empty() => Err(Own::NoPoolDirectory.into()),
            Reading::Bad if numbers.is_empty() => Err(Own::BadPoolDirectory.into()),
            _ => Ok(numbers),
        }
    }

    fn suitability(&self, host: &Host, program: &Program) -> Option<u64> {
        let preference = self.preference(&program.architecture);
        suitability(&self.policy, preference, &host.figures()?, program.bytes)
    }

    /// A number below `count` by chance (xorshift, Marsaglia 2003, with the shifts 13, 7, 17).
    fn draw(&mut self, count: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        ((self.random >> 33) % count as u64) as usize
    }
}

/// What the choice has come to.
enum Next {
    /// This host is to answer first.
    Wait(usize),
    /// The reply.
    Reply(Outcome),
}
