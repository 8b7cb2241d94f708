//! Processes that go from machine to machine in the middle of their transactions.

use super::card::Memory;
use super::lab::{GET_PORT, ROOM, pattern, reply, request, thread};
use super::over_flip::Cable;
use crate::rpc::{Notice, Size, Taken};
use proto::flip::Address;
use proto::process::migration::{Counter, Window};
use proto::standard::Status;
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

/// The place of test processes in the kernels' tables; another process of the cable's is the first.
const PROCESS: u16 = 1;

/// What the thread of a process is doing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    Running,
    Transaction(Memory),
    Request,
    Reply(Memory),
}

/// A process with one thread.
pub(super) struct Process {
    place: u16,
    pub(super) kernel: usize,
    private: Address,
    pub(super) call: Call,
    /// Since when it is away, how long, and where it goes.
    journey: Option<Journey>,
    /// The number of its call.
    number: usize,
}

struct Journey {
    to: usize,
    end: u64,
    taken: Vec<Taken>,
    windows: Vec<Window>,
    counter: Counter,
}

pub(super) struct World {
    pub(super) cable: Cable,
    pub(super) processes: Vec<Process>,
    /// How often each call was executed, and what came of those that have ended.
    executed: Vec<u32>,
    pub(super) outcomes: BTreeMap<usize, Result<(), Status>>,
    sizes: (usize, usize),
    /// How long a process's address stays busy where it has left after it has arrived.
    pub(super) overlap: u64,
    /// Transactions by which the machine where it arrives reads its memory.
    pub(super) reads: u32,
    /// Until when, on which machine, which process's place.
    left: Vec<(u64, usize, u16)>,
}

pub(super) const CLIENT: usize = 0;
pub(super) const SERVER: usize = 1;

impl World {
    pub(super) fn new(ring: u16, places: (usize, usize), sizes: (usize, usize)) -> World {
        let mut world = World {
            cable: Cable::new(4, ring),
            processes: Vec::new(),
            executed: Vec::new(),
            outcomes: BTreeMap::new(),
            sizes,
            overlap: 0,
            reads: 0,
            left: Vec::new(),
        };
        world.start(places.0);
        world.start(places.1);
        world
    }

    /// Another process; its number.
    pub(super) fn start(&mut self, kernel: usize) -> usize {
        let place = PROCESS + self.processes.len() as u16;
        let private = Address([0x80 + 2 * place as u8, 2, 4, 6, 8, 10, 12, 0]);
        let known = &mut self.cable.kernels[kernel];
        known.rpc.start_process(&mut known.flip, place, private).unwrap();
        self.processes.push(Process {
            place,
            kernel,
            private,
            call: Call::Running,
            journey: None,
            number: 0,
        });
        self.processes.len() - 1
    }

    fn id(&self, which: usize) -> crate::rpc::ThreadId {
        crate::rpc::ThreadId {
            process: self.processes[which].place,
            ..thread(0)
        }
    }

    /// Begins the call that the thread is in, or goes on with it.
    pub(super) fn call(&mut self, which: usize, taken: Option<&Taken>) {
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
    pub(super) fn leave(&mut self, which: usize, to: usize, time: u64) {
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
        let counter = kernel.rpc.counter(place).unwrap();
        self.processes[which].journey = Some(Journey {
            to,
            end: now + time,
            taken,
            windows,
            counter,
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
            // The contents of its memory are read by transactions, too.
            self.count(journey.to, &[from], self.reads);
            self.left.push((self.cable.now + self.overlap, from, place));
            self.part();
            let private = self.processes[which].private;
            let kernel = &mut self.cable.kernels[journey.to];
            kernel
                .rpc
                .start_process(&mut kernel.flip, place, private)
                .unwrap();
            kernel.rpc.count_on(place, &journey.counter);
            for window in &journey.windows {
                kernel.rpc.add_window(window);
            }
            self.processes[which].kernel = journey.to;
        }
        self.call(which, journey.taken.first());
    }

    /// Processes that have arrived elsewhere are no longer known where they were.
    fn part(&mut self) {
        let now = self.cable.now;
        for (_, kernel, place) in self.left.extract_if(.., |(end, ..)| *end <= now) {
            let kernel = &mut self.cable.kernels[kernel];
            kernel.rpc.leave(&mut kernel.flip, place);
        }
    }

    /// Threads that were told something go on: the server answers, the client calls again.
    fn hear(&mut self) {
        let mut woken = Vec::new();
        for (number, notice) in core::mem::take(&mut self.cable.told) {
            let known = (0..self.processes.len()).find(|which| {
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
                    let number = self.processes[which].number;
                    self.outcomes.insert(number, outcome.map(|_| ()));
                    self.next_transaction(which);
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

    /// Whether a process is on its way.
    pub(super) fn is_away(&self, which: usize) -> bool {
        self.processes[which].journey.is_some()
    }

    /// Other transactions of a kernel, so many, which some kernels see.
    pub(super) fn count(&mut self, kernel: usize, seen: &[usize], count: u32) {
        for _ in 0..count {
            let (name, number) = self.cable.kernels[kernel].rpc.next_number(0);
            for other in seen {
                self.cable.kernels[*other].rpc.history.execute(&name, number);
            }
        }
    }

    /// A process goes over to a request whose first bytes are its number.
    fn next_transaction(&mut self, which: usize) {
        let mut data = pattern(self.sizes.0.max(4));
        data.0[..4].copy_from_slice(&(self.executed.len() as u32).to_le_bytes());
        self.processes[which].number = self.executed.len();
        self.processes[which].call = Call::Transaction(data);
        self.executed.push(0);
    }

    pub(super) fn begin_client(&mut self, which: usize) {
        self.next_transaction(which);
        self.call(which, None);
    }

    pub(super) fn begin(&mut self) {
        self.processes[SERVER].call = Call::Request;
        self.call(SERVER, None);
        self.begin_client(CLIENT);
    }

    pub(super) fn failures(&self) -> Vec<(usize, Status, u32)> {
        let failed = |(call, outcome): (&usize, &Result<(), Status>)| {
            outcome.err().map(|why| (*call, why, self.executed[*call]))
        };
        self.outcomes.iter().filter_map(failed).collect()
    }

    /// Goes on until so many calls have ended; processes arrive in their time.
    pub(super) fn run(&mut self, calls: usize) {
        let end = self.cable.now + 2_000_000;
        while self.outcomes.len() < calls {
            assert!(self.cable.now < end, "{:?} calls have ended", self.outcomes.len());
            self.step();
        }
    }

    pub(super) fn step(&mut self) {
        self.cable.step();
        self.hear();
        self.part();
        for which in 0..self.processes.len() {
            let journey = self.processes[which].journey.as_ref();
            if journey.is_some_and(|journey| journey.end <= self.cable.now) {
                self.arrive(which);
            }
        }
    }

    pub(super) fn check(&self) {
        for (call, outcome) in &self.outcomes {
            let executed = self.executed[*call];
            assert!(executed <= 1, "call {call} was executed {executed} times");
            assert!(
                outcome.is_err() || executed == 1,
                "call {call} succeeded and was not executed"
            );
        }
    }
}
