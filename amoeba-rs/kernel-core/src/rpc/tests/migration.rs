//! Processes that go to other machines in the middle of their transactions, and back.

use super::card::Memory;
use super::lab::{GET_PORT, ROOM, pattern, reply, request, thread};
use super::over_flip::{Cable, LARGE_RING, SMALL_RING};
use crate::rpc::limits::LOCATE_TIMEOUT;
use crate::rpc::{Notice, Size, Taken};
use proptest::prelude::{any, prop_assert, proptest};
use proto::flip::Address;
use proto::process::migration::Window;
use std::vec;
use std::vec::Vec;

/// The place of test processes in the kernels' tables; another process of the cable's is the first.
const PROCESS: u16 = 1;

/// What the thread of a process is doing.
#[derive(Clone, Debug, PartialEq)]
enum Call {
    Running,
    Transaction(Memory),
    Request,
    Reply(Memory),
}

/// A process with one thread.
struct Process {
    place: u16,
    kernel: usize,
    private: Address,
    call: Call,
    /// Since when it is away, how long, and where it goes.
    journey: Option<Journey>,
}

struct Journey {
    to: usize,
    end: u64,
    taken: Vec<Taken>,
    windows: Vec<Window>,
}

struct World {
    cable: Cable,
    processes: [Process; 2],
    /// How often each call was executed, and what came of those that have ended.
    executed: Vec<u32>,
    outcomes: Vec<bool>,
    sizes: (usize, usize),
}

const CLIENT: usize = 0;
const SERVER: usize = 1;

impl World {
    fn new(ring: u16, places: (usize, usize), sizes: (usize, usize)) -> World {
        let mut cable = Cable::new(4, ring);
        let mut start = |place: u16, kernel: usize| {
            let private = Address([0x80 + 2 * place as u8, 2, 4, 6, 8, 10, 12, 0]);
            let known = &mut cable.kernels[kernel];
            known.rpc.start_process(&mut known.flip, place, private).unwrap();
            Process {
                place,
                kernel,
                private,
                call: Call::Running,
                journey: None,
            }
        };
        let processes = [start(PROCESS, places.0), start(PROCESS + 1, places.1)];
        World {
            cable,
            processes,
            executed: Vec::new(),
            outcomes: Vec::new(),
            sizes,
        }
    }

    fn id(&self, which: usize) -> crate::rpc::ThreadId {
        crate::rpc::ThreadId {
            process: self.processes[which].place,
            ..thread(0)
        }
    }

    /// Begins the call that the thread is in, or goes on with it.
    fn call(&mut self, which: usize, taken: Option<&Taken>) {
        let id = self.id(which);
        let process = &self.processes[which];
        let now = self.cable.now;
        let kernel = &mut self.cable.kernels[process.kernel];
        let (rpc, flip) = (&mut kernel.rpc, &mut kernel.flip);
        if let Some(service) = taken.and_then(|taken| taken.service) {
            rpc.put_service(id, &service).unwrap();
        }
        match (&process.call, taken.and_then(|taken| taken.asked)) {
            (Call::Running, _) => {}
            (Call::Request, _) => rpc
                .getreq(id, Size::Long, GET_PORT, Memory(vec![0; ROOM]))
                .unwrap(),
            (Call::Reply(data), _) => rpc
                .putrep(now, flip, id, Size::Long, &reply(0), data.clone())
                .unwrap(),
            (Call::Transaction(data), None) => {
                let room = Memory(vec![0; ROOM]);
                rpc.trans(now, flip, id, Size::Long, &request(1), data.clone(), room)
                    .unwrap();
            }
            (Call::Transaction(data), Some(asked)) => {
                let room = Memory(vec![0; ROOM]);
                rpc.go_on(now, flip, id, Size::Long, &request(1), data.clone(), room, &asked)
                    .unwrap();
            }
        }
    }

    /// The process leaves its machine, for so many milliseconds.
    fn leave(&mut self, which: usize, to: usize, time: u64) {
        let place = self.processes[which].place;
        let kernel = &mut self.cable.kernels[self.processes[which].kernel];
        kernel.rpc.hold(&mut kernel.flip, place).unwrap();
        // What has come already reaches it.
        let now = self.cable.now;
        while let Some(event) = kernel.flip.event() {
            kernel.rpc.event(now, &mut kernel.flip, event);
        }
        let number = self.processes[which].kernel;
        while let Some(notice) = self.cable.kernels[number].rpc.next() {
            self.cable.told.push((number, notice));
        }
        self.hear();
        let kernel = &mut self.cable.kernels[number];
        let taken = kernel.rpc.take_out(&mut kernel.flip, place);
        let windows = kernel.rpc.windows();
        self.processes[which].journey = Some(Journey {
            to,
            end: now + time,
            taken,
            windows,
        });
        // What had ended and waited for the card only is told now.
        while let Some(notice) = self.cable.kernels[number].rpc.next() {
            self.cable.told.push((number, notice));
        }
        self.hear();
    }

    fn arrive(&mut self, which: usize) {
        let Some(journey) = self.processes[which].journey.take() else {
            return;
        };
        let (from, place) = (self.processes[which].kernel, self.processes[which].place);
        if journey.to == from {
            let kernel = &mut self.cable.kernels[from];
            kernel.rpc.let_go(&mut kernel.flip, place).unwrap();
        } else {
            let kernel = &mut self.cable.kernels[from];
            kernel.rpc.leave(&mut kernel.flip, place);
            let private = self.processes[which].private;
            let kernel = &mut self.cable.kernels[journey.to];
            kernel
                .rpc
                .start_process(&mut kernel.flip, place, private)
                .unwrap();
            for window in &journey.windows {
                kernel.rpc.add_window(window);
            }
            self.processes[which].kernel = journey.to;
        }
        self.call(which, journey.taken.first());
    }

    /// Threads that were told something go on: the server answers, the client calls again.
    fn hear(&mut self) {
        let mut woken = Vec::new();
        for (number, notice) in core::mem::take(&mut self.cable.told) {
            let known = (0..2).find(|which| {
                self.processes[*which].kernel == number
                    && notice
                        .thread()
                        .is_some_and(|id| id.process == self.processes[*which].place)
            });
            let Some(which) = known else { continue };
            match notice {
                Notice::Request {
                    outcome: Ok((_, length)),
                    buffer,
                    ..
                } => {
                    let call = u32::from_le_bytes(buffer.0[..4].try_into().unwrap()) as usize;
                    assert_eq!(length as usize, self.sizes.0.max(4));
                    self.executed[call] += 1;
                    self.processes[which].call = Call::Reply(pattern(self.sizes.1));
                }
                Notice::Replied { .. } => self.processes[which].call = Call::Request,
                Notice::Transaction { outcome, buffer, .. } => {
                    if let Ok((_, length)) = outcome {
                        assert_eq!(buffer.0[..length as usize], pattern(self.sizes.1).0);
                    }
                    self.outcomes.push(outcome.is_ok());
                    self.processes[which].call = self.next_transaction();
                }
                _ => continue,
            }
            woken.push(which);
        }
        for which in woken {
            if self.processes[which].journey.is_none() {
                self.call(which, None);
            }
        }
    }

    /// A request whose first bytes are its number.
    fn next_transaction(&mut self) -> Call {
        let mut data = pattern(self.sizes.0.max(4));
        data.0[..4].copy_from_slice(&(self.executed.len() as u32).to_le_bytes());
        self.executed.push(0);
        Call::Transaction(data)
    }

    fn begin(&mut self) {
        self.processes[SERVER].call = Call::Request;
        self.call(SERVER, None);
        self.processes[CLIENT].call = self.next_transaction();
        self.call(CLIENT, None);
    }

    /// Goes on until so many calls have ended; processes arrive in their time.
    fn run(&mut self, calls: usize) {
        let end = self.cable.now + 2_000_000;
        while self.outcomes.len() < calls {
            assert!(self.cable.now < end, "{:?} calls have ended", self.outcomes.len());
            self.step();
        }
    }

    fn step(&mut self) {
        self.cable.step();
        self.hear();
        for which in 0..2 {
            let journey = self.processes[which].journey.as_ref();
            if journey.is_some_and(|journey| journey.end <= self.cable.now) {
                self.arrive(which);
            }
        }
    }

    fn check(&self) {
        for (call, is_ok) in self.outcomes.iter().enumerate() {
            let executed = self.executed[call];
            assert!(executed <= 1, "call {call} was executed {executed} times");
            assert!(
                !is_ok || executed == 1,
                "call {call} succeeded and was not executed"
            );
        }
    }
}

/// Processes leave at every millisecond of a transaction: all calls succeed, and each is executed once.
fn leave_at_every_moment(which: usize, ring: u16, places: (usize, usize), sizes: (usize, usize)) {
    for to in 0..4 {
        for moment in 0.. {
            let mut world = World::new(ring, places, sizes);
            world.begin();
            world.run(1);
            for _ in 0..moment {
                world.step();
            }
            let is_late = world.outcomes.len() > 2;
            world.leave(which, to, 30);
            world.run(6);
            assert!(world.outcomes.iter().all(|is_ok| *is_ok), "{to} {moment}");
            world.check();
            if is_late {
                break;
            }
        }
    }
}

#[test]
fn a_server_leaves_at_any_moment_of_a_short_call() {
    leave_at_every_moment(SERVER, SMALL_RING, (0, 1), (0, 0));
}

#[test]
fn a_server_leaves_at_any_moment_of_a_long_call() {
    for (ring, sizes) in [
        (SMALL_RING, (8000, 0)),
        (LARGE_RING, (0, 20_000)),
        (LARGE_RING, (20_000, 0)),
    ] {
        leave_at_every_moment(SERVER, ring, (0, 1), sizes);
    }
}

#[test]
fn a_client_leaves_at_any_moment() {
    for (ring, sizes) in [
        (SMALL_RING, (0, 0)),
        (SMALL_RING, (0, 8000)),
        (LARGE_RING, (20_000, 0)),
    ] {
        leave_at_every_moment(CLIENT, ring, (0, 1), sizes);
    }
}

#[test]
fn partners_of_one_machine_part_at_any_moment() {
    for which in [CLIENT, SERVER] {
        leave_at_every_moment(which, SMALL_RING, (2, 2), (100, 100));
    }
}

#[test]
fn a_server_is_found_while_it_is_on_its_way_however_long_that_takes() {
    for to in [1, 2] {
        let mut world = World::new(SMALL_RING, (0, 1), (0, 0));
        world.processes[SERVER].call = Call::Request;
        world.call(SERVER, None);
        world.step();
        world.leave(SERVER, to, LOCATE_TIMEOUT + 3000);
        world.processes[CLIENT].call = world.next_transaction();
        world.call(CLIENT, None);
        world.run(2);
        assert_eq!(world.outcomes, [true, true], "{to}");
        world.check();
    }
}

proptest! {
    /// Both go to and fro under load, on a cable that loses frames.
    #[test]
    fn no_call_is_executed_twice_whatever_is_lost(
        lost_percent in 0..10_u32, seed in any::<u32>(), is_small: bool,
        sizes in (0..6000_usize, 0..6000_usize),
        journeys in proptest::collection::vec((0..2_usize, 0..4_usize, 0..400_u64, 0..300_u64), 1..12),
    ) {
        let mut world = World::new(if is_small { SMALL_RING } else { LARGE_RING }, (0, 1), sizes);
        world.cable.lost_percent = lost_percent;
        world.cable.random = seed | 1;
        world.begin();
        for (which, to, pause, time) in journeys {
            for _ in 0..pause {
                world.step();
            }
            if world.processes[which].journey.is_none() {
                world.leave(which, to, time);
            }
        }
        let calls = world.outcomes.len();
        world.run(calls + 3);
        world.check();
        prop_assert!(lost_percent > 0 || world.outcomes.iter().all(|is_ok| *is_ok));
    }
}
