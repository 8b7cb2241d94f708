//! What the engine runs on in the program: a virtual disk, the kernel's random bytes, and libamoeba's threads.

use bullet::{Disk, Host, State};
use libamoeba::classes::{disk, random};
use libamoeba::system::Kernel;
use libamoeba::system::mutex::{Mutex, Semaphore};
use proto::capability::{Capability, Port};
use proto::disk::server::LEAST_BLOCK;
use proto::standard::Status;

/// How many random numbers are fetched at once.
const POOL: usize = 32;
const NUMBER: usize = 6;

/// Random bytes that were fetched and not used yet.
#[derive(Debug)]
struct Pool {
    bytes: [u8; POOL * NUMBER],
    left: usize,
}

/// Events so far, and threads that wait for the next one.
#[derive(Debug, Default)]
struct Events {
    count: u32,
    waiting: u32,
}

/// The machine under the program.
#[derive(Debug)]
pub(crate) struct Machine {
    disk: Capability,
    random: Capability,
    pool: Mutex<Pool>,
    events: Mutex<Events>,
    happened: Semaphore,
}

impl Machine {
    /// A machine with that virtual disk and that server of random bytes.
    pub(crate) fn new(disk: Capability, random: Capability) -> Machine {
        Machine {
            disk,
            random,
            pool: Mutex::new(Pool {
                bytes: [0; POOL * NUMBER],
                left: 0,
            }),
            events: Mutex::new(Events::default()),
            happened: Semaphore::new(0),
        }
    }
}

/// The number of a sector for the disk's server.
fn block(sector: u64) -> Result<u32, Status> {
    u32::try_from(sector).map_err(|_| Status::BadArgument)
}

impl Disk for Machine {
    fn sectors(&self) -> Result<u64, Status> {
        disk::size(&mut Kernel, &self.disk, LEAST_BLOCK).map(u64::from)
    }

    fn read(&self, sector: u64, memory: &mut [u8]) -> Result<(), Status> {
        disk::read(&mut Kernel, &self.disk, LEAST_BLOCK, block(sector)?, memory)
    }

    fn write(&self, sector: u64, memory: &[u8]) -> Result<(), Status> {
        disk::write(&mut Kernel, &self.disk, LEAST_BLOCK, block(sector)?, memory)
    }
}

impl Host for Machine {
    type Lock = Mutex<State>;
    type Client = Kernel;

    fn lock(&self, state: State) -> Mutex<State> {
        Mutex::new(state)
    }

    fn with<R>(&self, lock: &Mutex<State>, action: impl FnOnce(&mut State) -> R) -> R {
        action(&mut lock.lock())
    }

    fn events(&self) -> u32 {
        self.events.lock().count
    }

    fn wait(&self, seen: u32) {
        {
            let mut events = self.events.lock();
            if events.count != seen {
                return;
            }
            events.waiting += 1;
        }
        self.happened.down();
    }

    fn notify(&self) {
        let mut events = self.events.lock();
        events.count = events.count.wrapping_add(1);
        let waiting = core::mem::take(&mut events.waiting);
        drop(events);
        // The semaphore lets threads through in the order in which they came, so each one that waited gets through.
        self.happened.up_many(waiting);
    }

    fn random(&self) -> Port {
        let mut pool = self.pool.lock();
        let mut port = Port::NULL;
        while port == Port::NULL {
            while pool.left < NUMBER {
                // Without random numbers there can be no files; the kernel always has some.
                if random::fill(&mut Kernel, &self.random, &mut pool.bytes).is_ok() {
                    pool.left = POOL * NUMBER;
                }
            }
            pool.left -= NUMBER;
            let start = pool.left;
            port.0.copy_from_slice(&pool.bytes[start..start + NUMBER]);
        }
        port
    }

    fn client(&self) -> Kernel {
        Kernel
    }
}
