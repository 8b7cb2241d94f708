//! A disk in memory, a host, and a client.

use super::turns::Turns;
use crate::check::{Checked, Error};
use crate::disk::Disk;
use crate::engine::{Engine, Host};
use crate::make::{layout, make};
use crate::state::State;
use libamoeba::Transactions;
use proto::bullet::disk::{SECTOR, Superblock};
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::standard::Status;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::vec;
use std::vec::Vec;

/// The get-port of the server.
pub(super) const GET_PORT: Port = Port([1, 2, 3, 4, 5, 6]);
/// What protects the server's own object.
pub(super) const OWN: Port = Port([9, 8, 7, 6, 5, 4]);

/// What there is of a disk.
#[derive(Debug)]
struct Platter {
    bytes: Vec<u8>,
    /// Sectors that can be written before the power fails.
    power: u64,
    written: u64,
    /// Whether it has failed.
    is_dead: bool,
    is_failing: bool,
    /// Whether the power's failing makes the sector that would be written next unreadable.
    tears: bool,
    /// Sectors that cannot be read until they are written.
    unreadable: BTreeSet<usize>,
}

/// A disk in memory.
#[derive(Debug)]
pub(super) struct Medium(Mutex<Platter>);

impl Medium {
    /// A disk of zeros.
    pub(super) fn new(sectors: usize) -> Medium {
        Medium::holding(vec![0; sectors * SECTOR])
    }

    /// A disk that holds this.
    pub(super) fn holding(bytes: Vec<u8>) -> Medium {
        Medium(Mutex::new(Platter {
            bytes,
            power: u64::MAX,
            written: 0,
            is_dead: false,
            is_failing: false,
            tears: false,
            unreadable: BTreeSet::new(),
        }))
    }

    /// A disk with an empty file system.
    pub(super) fn formatted(sectors: usize, block_shift: u32, inodes: u32) -> Medium {
        let medium = Medium::new(sectors);
        let geometry = layout(sectors as u64, block_shift, Some(inodes)).expect("a good layout");
        make(&medium, &superblock(geometry)).expect("a disk that works");
        medium
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().expect("no test has failed")
    }

    /// The power fails after so many sectors.
    pub(super) fn cut_after(&self, sectors: u64) {
        let mut platter = self.platter();
        platter.power = sectors;
        (platter.written, platter.is_dead, platter.tears) = (0, false, false);
    }

    /// As [`Medium::cut_after`], and the sector behind them cannot be read afterwards.
    pub(super) fn tear_after(&self, sectors: u64) {
        self.cut_after(sectors);
        self.platter().tears = true;
    }

    /// A sector that cannot be read.
    pub(super) fn spoil(&self, sector: usize) {
        self.platter().unreadable.insert(sector);
    }

    /// The sectors that cannot be read.
    pub(super) fn unreadable(&self) -> Vec<usize> {
        self.platter().unreadable.iter().copied().collect()
    }

    /// Sectors that were written since [`Medium::cut_after`].
    pub(super) fn written(&self) -> u64 {
        self.platter().written
    }

    /// Every access fails from now on, or none does any more.
    pub(super) fn fail(&self, is_failing: bool) {
        self.platter().is_failing = is_failing;
    }

    /// What the disk holds.
    pub(super) fn contents(&self) -> Vec<u8> {
        self.platter().bytes.clone()
    }

    /// Changes what the disk holds.
    pub(super) fn change(&self, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut self.platter().bytes);
    }
}

/// A superblock of the test's server.
pub(super) fn superblock(geometry: proto::bullet::disk::Geometry) -> Superblock {
    Superblock {
        geometry,
        capability: Capability {
            port: GET_PORT,
            private: Private::owner(0, OWN),
        },
    }
}

impl Disk for Medium {
    fn sectors(&self) -> Result<u64, Status> {
        Ok((self.platter().bytes.len() / SECTOR) as u64)
    }

    fn read(&self, sector: u64, memory: &mut [u8]) -> Result<(), Status> {
        let platter = self.platter();
        if platter.is_failing || platter.is_dead {
            return Err(Status::RpcFailure);
        }
        let first = sector as usize;
        let last = first + memory.len() / SECTOR;
        if platter.unreadable.range(first..last).next().is_some() {
            return Err(Status::SystemError);
        }
        let start = first * SECTOR;
        memory.copy_from_slice(&platter.bytes[start..start + memory.len()]);
        Ok(())
    }

    fn write(&self, sector: u64, memory: &[u8]) -> Result<(), Status> {
        let mut platter = self.platter();
        if platter.is_failing {
            return Err(Status::RpcFailure);
        }
        for (place, bytes) in (sector as usize..).zip(memory.chunks_exact(SECTOR)) {
            if platter.power == 0 {
                platter.is_dead = true;
                if platter.tears {
                    platter.unreadable.insert(place);
                }
                return Err(Status::RpcFailure);
            }
            platter.power -= 1;
            platter.written += 1;
            platter.unreadable.remove(&place);
            platter.bytes[place * SECTOR..][..SECTOR].copy_from_slice(bytes);
        }
        Ok(())
    }
}

/// Another server: what it answers.
type Peer<'w> = &'w (dyn Fn(&Header, &[u8], &mut [u8]) -> (Header, usize) + Sync);

/// What an engine of a test runs on.
#[derive(Clone, Copy)]
pub(super) struct World<'w> {
    pub(super) medium: &'w Medium,
    /// Whose turn it is, if there are several threads.
    pub(super) turns: Option<&'w Turns>,
    pub(super) counters: &'w Counters,
    pub(super) peer: Option<Peer<'w>>,
}

/// What changes of a world.
#[derive(Debug, Default)]
pub(super) struct Counters {
    random: AtomicU32,
    events: AtomicU32,
    is_locked: AtomicBool,
}

impl World<'_> {
    /// Other threads may have their turns; nobody may hold the lock meanwhile.
    fn give_way(&self) {
        assert!(
            !self.counters.is_locked.load(Ordering::SeqCst),
            "nobody waits with the lock"
        );
        if let Some(turns) = self.turns {
            turns.pass();
        }
    }
}

impl Disk for World<'_> {
    fn sectors(&self) -> Result<u64, Status> {
        self.medium.sectors()
    }

    fn read(&self, sector: u64, memory: &mut [u8]) -> Result<(), Status> {
        self.give_way();
        let result = self.medium.read(sector, memory);
        self.give_way();
        result
    }

    fn write(&self, sector: u64, memory: &[u8]) -> Result<(), Status> {
        self.give_way();
        let result = self.medium.write(sector, memory);
        self.give_way();
        result
    }
}

impl<'w> Host for World<'w> {
    type Lock = Mutex<State>;
    type Client = Other<'w>;

    fn lock(&self, state: State) -> Mutex<State> {
        Mutex::new(state)
    }

    fn with<R>(&self, lock: &Mutex<State>, action: impl FnOnce(&mut State) -> R) -> R {
        let mut state = lock.try_lock().expect("one thread at a time");
        self.counters.is_locked.store(true, Ordering::SeqCst);
        let result = action(&mut state);
        self.counters.is_locked.store(false, Ordering::SeqCst);
        result
    }

    fn events(&self) -> u32 {
        self.counters.events.load(Ordering::SeqCst)
    }

    fn wait(&self, seen: u32) {
        assert!(
            !self.counters.is_locked.load(Ordering::SeqCst),
            "nobody waits with the lock"
        );
        let turns = self.turns.expect("a single thread has nobody to wait for");
        turns.wait(|| self.events() != seen);
    }

    fn notify(&self) {
        self.counters.events.fetch_add(1, Ordering::SeqCst);
    }

    fn random(&self) -> Port {
        let number = self.counters.random.fetch_add(1, Ordering::SeqCst).to_le_bytes();
        Port([number[0], number[1], number[2], 0x55, 0xaa, 0x77])
    }

    fn client(&self) -> Other<'w> {
        Other(self.peer)
    }
}

/// A client of the other server.
pub(super) struct Other<'w>(Option<Peer<'w>>);

impl Transactions for Other<'_> {
    fn trans(&mut self, request: &Header, data: &[u8], reply: &mut [u8]) -> Result<(Header, usize), Status> {
        self.0
            .map(|peer| peer(request, data, reply))
            .ok_or(Status::RpcNotFound)
    }

    fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        Err(Status::RpcAborted)
    }

    fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
}

/// A client of an engine.
pub(super) struct Client<'e, 'w>(pub(super) &'e Engine<'e, World<'w>>);

/// The reply of an engine.
pub(super) fn answer(
    engine: &Engine<'_, World<'_>>,
    request: &Header,
    data: &[u8],
    reply: &mut [u8],
) -> (Header, usize) {
    engine.serve(request, data, |header, bytes| {
        if let Some(turns) = engine.host().turns {
            turns.pass();
        }
        let length = bytes.len().min(reply.len());
        reply[..length].copy_from_slice(&bytes[..length]);
        (*header, length)
    })
}

impl Transactions for Client<'_, '_> {
    fn trans(&mut self, request: &Header, data: &[u8], reply: &mut [u8]) -> Result<(Header, usize), Status> {
        Ok(answer(self.0, request, data, reply))
    }

    fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        Err(Status::RpcAborted)
    }

    fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
}

/// A server of one thread on a disk, with a cache of so many sectors, for `action`: its client, the server's own capability and
/// what the check found.
pub(super) fn serve<R>(
    medium: &Medium,
    cache: usize,
    action: impl FnOnce(&mut Client<'_, '_>, &Capability, &Checked) -> R,
) -> R {
    try_serve(medium, cache, action).expect("a good file system")
}

/// As [`serve`], for a disk that may be bad.
pub(super) fn try_serve<R>(
    medium: &Medium,
    cache: usize,
    action: impl FnOnce(&mut Client<'_, '_>, &Capability, &Checked) -> R,
) -> Result<R, Error> {
    let counters = Counters::default();
    counters
        .random
        .store(medium.contents().len() as u32, Ordering::SeqCst);
    let world = World {
        medium,
        turns: None,
        counters: &counters,
        peer: None,
    };
    let mut memory = vec![0xee; cache * SECTOR];
    let (engine, checked) = Engine::start(world, &mut memory)?;
    let own = engine.capability();
    let result = action(&mut Client(&engine), &own, &checked);
    engine.assert_idle();
    Ok(result)
}

/// Contents that tell where they come from.
pub(super) fn pattern(seed: u32, length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|place| (place.wrapping_mul(31) ^ (place >> 8) ^ seed.wrapping_mul(97)) as u8)
        .collect()
}
