//! Migrations between two machines whose transactions may be lost at every point, and that may fail.

use super::{Kernel, capability, descriptor, offset};
use crate::machine::Machine;
use crate::process::{Communication, Event};
use crate::rpc::limits::LONGEST_SILENCE;
use crate::servers::migration::MOST;
use crate::servers::{Answer, Call, Ticket, World};
use proptest::prelude::{any, prop_assert, proptest};
use proto::capability::{Capability, Port};
use proto::flip::Address;
use proto::message::Header;
use proto::process::migration::Counter;
use proto::process::server::{Command, file};
use proto::standard::Status;
use std::vec;
use std::vec::Vec;

/// What becomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Good,
    /// The server never hears of it.
    RequestLost,
    /// The client never hears of what came of it.
    ReplyLost,
}

/// Who is told what has come of a transaction.
#[derive(Clone, Copy, Debug)]
struct Caller {
    machine: usize,
    number: u32,
    fate: Fate,
}

/// A call on its way.
struct Waiting {
    /// Where it is served, by which name.
    server: usize,
    ticket: u32,
    caller: Option<Caller>,
}

/// Two machines, and a network that loses what it is told to lose.
struct Pair {
    machines: [Kernel; 2],
    is_on: [bool; 2],
    fates: Vec<Fate>,
    waiting: Vec<Waiting>,
    tickets: u32,
    /// Where the process has run, in order.
    ran: Vec<usize>,
    /// Requests to servers of other machines: port, command and data.
    strangers: Vec<(Port, u16, Vec<u8>)>,
    /// What those were told who are no kernels.
    told: Vec<Option<Status>>,
}

impl Pair {
    fn new(fates: Vec<Fate>) -> Pair {
        Pair {
            machines: [Kernel::numbered(0), Kernel::numbered(100)],
            is_on: [true; 2],
            fates,
            waiting: Vec::new(),
            tickets: 0,
            ran: vec![0],
            strangers: Vec::new(),
            told: Vec::new(),
        }
    }

    fn fate(&mut self) -> Fate {
        self.fates.pop().unwrap_or(Fate::Good)
    }

    fn world<R>(
        &mut self,
        machine: usize,
        action: impl FnOnce(&mut super::Servers<super::TestMachine>, &mut World<'_, super::TestMachine>) -> R,
    ) -> R {
        let (servers, mut world) = self.machines[machine].world();
        action(servers, &mut world)
    }

    fn machine_of(&self, port: Port) -> Option<usize> {
        (0..2).find(|machine| self.machines[*machine].process.port == port)
    }

    /// A request comes to a machine; `None` if it is off or has no such server.
    fn request(&mut self, header: &Header, data: &[u8], caller: Option<Caller>) -> bool {
        let Some(server) = self
            .machine_of(header.port)
            .filter(|machine| self.is_on[*machine])
        else {
            self.strangers.push((header.port, header.command, data.to_vec()));
            return false;
        };
        self.tickets += 1;
        let ticket = self.tickets;
        let answer = self.world(server, |servers, world| {
            servers.answer(world, Ticket(ticket), header, data)
        });
        match answer {
            Some(Answer::Now(reply)) => self.answered(caller, reply),
            Some(Answer::Later) => self.waiting.push(Waiting {
                server,
                ticket,
                caller,
            }),
            None => return false,
        }
        true
    }

    fn answered(&mut self, caller: Option<Caller>, reply: super::Reply) {
        let Some(caller) = caller else {
            self.told.push(reply.header.status());
            return;
        };
        let outcome = match (caller.fate, reply.header.status()) {
            (Fate::Good, Some(Status::Ok)) => Ok(reply),
            (Fate::Good, status) => Err(status.unwrap_or(Status::RpcFailure)),
            _ => Err(Status::RpcFailure),
        };
        self.ended(caller, outcome);
    }

    fn ended(&mut self, caller: Caller, outcome: Result<super::Reply, Status>) {
        if self.is_on[caller.machine] {
            let port = self.machines[caller.machine].process.port;
            self.world(caller.machine, |servers, world| {
                servers.call_ended(world, port, caller.number, outcome);
            });
        }
    }

    /// A tenth of a second.
    fn step(&mut self) {
        for machine in 0..2 {
            if !self.is_on[machine] {
                continue;
            }
            self.machines[machine].now += 100;
            // Between requests and events a server works only when it has said so.
            if self.machines[machine].servers.due() <= self.machines[machine].now {
                self.world(machine, |servers, world| servers.work(world));
            }
            while let Some(event) = self.machines[machine].processes.poll() {
                self.event(machine, event);
            }
            self.world(machine, |servers, world| servers.work(world));
            while let Some((_, call)) = self.machines[machine].servers.next_call() {
                let fate = self.fate();
                let caller = Caller {
                    machine,
                    number: call.number,
                    fate,
                };
                let is_heard =
                    fate != Fate::RequestLost && self.request(&call.header, &call.data, Some(caller));
                if !is_heard {
                    self.ended(caller, Err(Status::RpcNotFound));
                }
            }
            while let Some((Ticket(ticket), reply)) =
                self.world(machine, |servers, world| servers.next_answer(world))
            {
                let is_it = |waiting: &Waiting| waiting.server == machine && waiting.ticket == ticket;
                if let Some(place) = self.waiting.iter().position(is_it) {
                    let waiting = self.waiting.swap_remove(place);
                    self.answered(waiting.caller, reply);
                }
            }
            self.look(machine);
        }
    }

    fn event(&mut self, machine: usize, event: Event) {
        match event {
            Event::Leave { process } => {
                let communication = Communication {
                    address: Address([1; 8]),
                    counter: Counter {
                        name: [2; 8],
                        last: 3,
                    },
                    threads: Vec::new(),
                    windows: Vec::new(),
                };
                let now = self.machines[machine].now;
                self.machines[machine]
                    .processes
                    .departed(process, now, communication);
            }
            Event::Fetch(fetch) => {
                let header = Header {
                    port: fetch.from.port,
                    private: fetch.from.private.emit(),
                    command: file::READ,
                    size: fetch.length as u16,
                    ..Header::default()
                };
                let is_good = self.fate() == Fate::Good;
                let source = self.machine_of(header.port).filter(|source| self.is_on[*source]);
                let reply = source
                    .filter(|_| is_good)
                    .and_then(|source| self.machines[source].send(&header, &[]))
                    .filter(|reply| reply.header.status() == Some(Status::Ok));
                let result = reply.map(|_| ()).ok_or(Status::RpcFailure);
                let kernel = &mut self.machines[machine];
                kernel.processes.fetched(&mut kernel.machine, &fetch, result);
            }
            _ => {}
        }
    }

    /// Whether the process runs on a machine.
    fn runs(&self, machine: usize) -> bool {
        let processes = &self.machines[machine].processes;
        let slots: Vec<u16> = processes.list().map(|(slot, _)| slot).collect();
        assert!(slots.len() <= 1);
        slots
            .into_iter()
            .any(|slot| processes.condition(slot) == "Run" && !processes.is_loading(slot))
    }

    fn look(&mut self, machine: usize) {
        if self.runs(machine) && self.ran.last() != Some(&machine) {
            self.ran.push(machine);
        }
        let running = (0..2).filter(|machine| self.is_on[*machine] && self.runs(*machine));
        assert!(running.count() <= 1, "it runs on both machines");
    }

    /// A process of the first machine.
    fn exec(&mut self) -> Capability {
        let kernel = &mut self.machines[0];
        let server = kernel.process;
        let reply = kernel.ask(&server, Command::Exec.code(), offset(0), &descriptor());
        capability(&reply.unwrap())
    }

    /// The process that goes from the first machine to the second.
    fn begin(&mut self) -> Capability {
        let process = self.exec();
        self.send_away(&process);
        process
    }

    /// A process of the first machine goes to the second.
    fn send_away(&mut self, process: &Capability) {
        let destination = self.machines[1].process;
        let header = Header {
            port: process.port,
            private: process.private.emit(),
            command: Command::Migrate.code(),
            ..Header::default()
        };
        assert!(self.request(&header, &destination.emit(), None));
    }

    fn run(&mut self, seconds: u32) {
        for _ in 0..seconds * 10 {
            self.step();
        }
    }
}

impl Kernel {
    /// A kernel whose secrets are those of this number.
    fn numbered(number: u8) -> Kernel {
        let mut kernel = Kernel::with_ports(number);
        for _ in 0..u32::from(number) {
            kernel.machine.random_port();
        }
        kernel
    }
}

#[test]
fn a_process_goes_to_the_other_machine() {
    let mut world = Pair::new(Vec::new());
    world.begin();
    world.run(2);
    assert_eq!((world.runs(0), world.runs(1)), (false, true));
    assert_eq!(world.machines[0].processes.list().count(), 0);
    assert_eq!(world.ran, [0, 1]);
    for machine in &mut world.machines {
        assert_eq!(machine.servers.due(), u64::MAX, "nothing is left to look at");
    }
}

#[test]
fn what_the_destination_cannot_take_goes_on_at_the_source() {
    for fates in [vec![Fate::RequestLost], vec![Fate::RequestLost, Fate::Good]] {
        let mut world = Pair::new(fates);
        world.begin();
        world.run(100);
        assert_eq!((world.runs(0), world.runs(1)), (true, false));
        assert_eq!(
            world.machines[1].processes.list().count(),
            0,
            "nothing is left there"
        );
        assert_eq!(world.ran, [0]);
    }
}

#[test]
fn a_process_for_which_the_destination_has_no_memory_goes_on_at_the_source() {
    let mut world = Pair::new(Vec::new());
    world.machines[1].machine = super::TestMachine::new(2);
    let process = world.exec();
    let header = Header {
        port: process.port,
        private: process.private.emit(),
        command: Command::Migrate.code(),
        ..Header::default()
    };
    let destination = world.machines[1].process.emit();
    let asker = Caller {
        machine: 1,
        number: u32::MAX,
        fate: Fate::Good,
    };
    assert!(world.request(&header, &destination, Some(asker)));
    world.run(2);
    assert_eq!((world.runs(0), world.runs(1)), (true, false));
    assert_eq!(world.machines[1].processes.list().count(), 0);
    assert!(world.waiting.is_empty(), "who asked for it is told");
}

#[test]
fn a_process_that_has_left_is_not_stunned_killed_or_taken_away_again() {
    let mut world = Pair::new(Vec::new());
    let process = world.begin();
    for command in [Command::Stun, Command::Migrate] {
        let destination = world.machines[1].process.emit();
        let refused = world.machines[0].ask(&process, command.code(), offset(-1), &destination);
        assert_eq!(refused, Err(Status::NotNow), "{command:?}");
    }
    let nowhere = world.machines[0].ask(&process, Command::Migrate.code(), offset(0), &[1, 2, 3]);
    assert_eq!(nowhere, Err(Status::BadArgument));
    world.run(1);
    let gone = world.machines[0].ask(&process, Command::Stun.code(), offset(1), &[]);
    assert_eq!(gone, Err(Status::BadCapability));
}

#[test]
fn an_arrival_that_is_nonsense_is_refused() {
    let mut kernel = Kernel::new();
    let server = kernel.process;
    for data in [&[][..], &[0; 4], &[255; 100], &[44, 0, 0, 0, 1, 2, 3]] {
        let refused = kernel.ask(&server, Command::MigrationExec.code(), offset(0), data);
        assert_eq!(refused, Err(Status::BadArgument));
    }
    assert_eq!(kernel.processes.list().count(), 0);
}

/// What is called next by a machine, after its servers have done what has come.
fn next_call(world: &mut Pair) -> Option<Call> {
    world.world(0, |servers, world| {
        servers.work(world);
        servers.next_call().map(|(_, call)| call)
    })
}

#[test]
fn a_process_does_its_part_for_a_migration_server_when_it_has_its_turn() {
    let mut world = Pair::new(Vec::new());
    let server = world.machines[0].process;
    world.exec();
    let now = world.machines[0].now;
    assert_eq!(
        world.machines[0].processes.next(now).map(|id| id.process),
        Some(0)
    );
    let leaving = world.exec();
    let migrator = Capability {
        port: Port([200; 6]),
        ..server
    };
    let now = world.machines[0].now;
    assert_eq!(
        world.machines[0].processes.next(now).map(|id| id.process),
        Some(0)
    );
    let kernel = &mut world.machines[0];
    for nobody in [&[][..], &Capability::NULL.emit()] {
        let refused = kernel.ask(&leaving, Command::MigrationStun.code(), offset(0), nobody);
        assert_eq!(refused, Err(Status::BadArgument));
    }
    let stunned = kernel.ask(
        &leaving,
        Command::MigrationStun.code(),
        offset(0),
        &migrator.emit(),
    );
    assert!(stunned.is_ok());
    // The first process has the turn, and the second one after that.
    let turn = |world: &mut Pair| {
        let kernel = &mut world.machines[0];
        assert!(!kernel.processes.run_errand(&mut kernel.machine, kernel.now));
        kernel.now += 100;
        assert!(kernel.processes.run_errand(&mut kernel.machine, kernel.now));
        while let Some(event) = world.machines[0].processes.poll() {
            world.event(0, event);
        }
        // It needs nothing of its slice.
        let kernel = &mut world.machines[0];
        assert_eq!(kernel.processes.next(kernel.now).map(|id| id.process), Some(0));
    };
    assert_eq!(next_call(&mut world), None);
    turn(&mut world);
    let call = next_call(&mut world).unwrap();
    assert_eq!(
        (call.header.port, call.header.command),
        (migrator.port, Command::Checkpoint.code())
    );
    let elsewhere = world.machines[1].process;
    let reply = super::Reply {
        data: elsewhere.emit().to_vec(),
        ..super::Reply::default()
    };
    world.world(0, |servers, world| {
        servers.call_ended(world, server.port, call.number, Ok(reply));
    });
    assert_eq!(next_call(&mut world), None);
    assert_eq!(world.machines[0].processes.list().count(), 2);
    turn(&mut world);
    let call = next_call(&mut world).unwrap();
    assert_eq!(call.header.command, Command::MigrationStart.code());
    assert_eq!(world.machines[0].processes.list().count(), 1);
}

/// A process that has come to the second machine, where it does not run yet; and that somebody asked whether it does.
fn waited_for(fates: Vec<Fate>) -> (Pair, Capability) {
    let mut world = Pair::new(fates);
    world.begin();
    let arriving = |world: &Pair| world.machines[1].processes.is_arriving(0);
    while !arriving(&world) {
        world.step();
    }
    let process = world.machines[1].processes.capability(0);
    ask_whether_it_runs(&mut world, &process);
    assert_eq!(world.told, []);
    (world, process)
}

fn ask_whether_it_runs(world: &mut Pair, process: &Capability) {
    let header = Header {
        port: process.port,
        private: process.private.emit(),
        command: Command::MigrationWait.code(),
        ..Header::default()
    };
    assert!(world.request(&header, &[], None));
}

#[test]
fn who_asks_whether_a_process_runs_is_answered_when_it_does() {
    let (mut world, process) = waited_for(Vec::new());
    while !world.runs(1) {
        assert_eq!(world.told, []);
        world.step();
    }
    world.step();
    let of_kernels = world.told.len() - 1;
    assert_eq!(world.told[of_kernels], Some(Status::Ok));
    ask_whether_it_runs(&mut world, &process);
    assert_eq!(world.told[of_kernels + 1..], [Some(Status::Ok)], "at once");
}

#[test]
fn who_asks_whether_a_process_runs_is_told_when_it_never_will() {
    let (mut world, process) = waited_for(Vec::new());
    world.is_on[0] = false;
    world.run(LONGEST_SILENCE as u32 / 1000 + 20);
    assert_eq!(world.machines[1].processes.list().count(), 0);
    assert_eq!(world.told, [Some(Status::BadCapability)]);
    ask_whether_it_runs(&mut world, &process);
    assert_eq!(world.told.last(), Some(&Some(Status::BadCapability)));
    assert_eq!(
        world.machines[1].servers.due(),
        u64::MAX,
        "nothing is left to look at"
    );
}

#[test]
fn no_more_wait_for_processes_than_there_is_room_for() {
    let (mut world, process) = waited_for(Vec::new());
    for _ in 0..MOST {
        ask_whether_it_runs(&mut world, &process);
    }
    assert_eq!(world.told, [Some(Status::NoSpace)]);
    let asked = world.waiting.last().expect("an answer that is put off");
    world.machines[1].servers.abandon(Ticket(asked.ticket));
    world.told.clear();
    ask_whether_it_runs(&mut world, &process);
    assert_eq!(world.told, [], "one of them waits no more");
}

#[test]
fn a_departure_is_called_off_when_the_destination_has_been_silent_for_ten_seconds() {
    let mut world = Pair::new(Vec::new());
    let server = world.machines[0].process;
    // A migration server that never answers is as silent as a destination that has lost its power.
    let migrator = Capability {
        port: Port([200; 6]),
        ..server
    };
    let process = world.exec();
    let kernel = &mut world.machines[0];
    let stunned = kernel.ask(
        &process,
        Command::MigrationStun.code(),
        offset(0),
        &migrator.emit(),
    );
    assert!(stunned.is_ok());
    let later = |world: &mut Pair, milliseconds| {
        let kernel = &mut world.machines[0];
        kernel.now += milliseconds;
        while kernel.processes.run_errand(&mut kernel.machine, kernel.now) {}
        while let Some(event) = world.machines[0].processes.poll() {
            world.event(0, event);
        }
        world.world(0, |servers, world| servers.work(world));
        world.runs(0)
    };
    assert!(!later(&mut world, 0));
    let call = next_call(&mut world).unwrap();
    assert!(!later(&mut world, 9_999));
    // Whoever reads of it is there.
    let segment = world.machines[0].processes.segments().capability(0);
    let read = world.machines[0].ask(&segment, file::READ, Header { size: 9, ..offset(0) }, &[]);
    assert!(read.is_ok());
    assert!(!later(&mut world, 9_999));
    assert!(later(&mut world, 1));
    // An answer that comes too late is for nobody.
    let reply = super::Reply {
        data: migrator.emit().to_vec(),
        ..super::Reply::default()
    };
    world.world(0, |servers, world| {
        servers.call_ended(world, server.port, call.number, Ok(reply));
    });
    assert!(later(&mut world, 100_000));
}

#[test]
fn the_owner_of_a_process_is_told_what_it_is_now() {
    let mut world = Pair::new(Vec::new());
    let process = world.exec();
    let owner = Capability {
        port: Port([200; 6]),
        ..process
    };
    let set = |world: &mut Pair, owner: Capability| {
        let command = Command::SetOwner.code();
        world.machines[0].ask(&process, command, offset(0), &owner.emit())
    };
    assert!(set(&mut world, owner).is_ok());
    world.send_away(&process);
    let refused = set(&mut world, process);
    assert_eq!(
        refused,
        Err(Status::NotNow),
        "nothing is changed of one that leaves"
    );
    world.run(2);
    assert!(world.runs(1));
    let now = world.machines[1].processes.capability(0);
    let told = [process.emit(), now.emit()].concat();
    assert_eq!(world.strangers, [(owner.port, Command::SwapProcess.code(), told)]);
}

fn fate(number: u8) -> Fate {
    match number {
        0 => Fate::RequestLost,
        1 => Fate::ReplyLost,
        _ => Fate::Good,
    }
}

proptest! {
    /// Whatever is lost, the process runs on one machine at a time, and in the end on one.
    #[test]
    fn a_process_exists_exactly_once(fates in proptest::collection::vec(any::<u8>().prop_map_fate(), 0..12)) {
        let mut world = Pair::new(fates);
        world.begin();
        world.run(600);
        prop_assert!(world.runs(0) != world.runs(1));
        let left = world.machines[0].processes.list().count() + world.machines[1].processes.list().count();
        prop_assert!(left == 1);
        prop_assert!(world.ran == [0] || world.ran == [0, 1]);
    }

    /// Where a machine fails, the process is gone with it or goes on elsewhere, and never runs where it has left.
    #[test]
    fn a_machine_that_fails_takes_one_copy_at_most_with_it(
        fates in proptest::collection::vec(any::<u8>().prop_map_fate(), 0..8),
        which in 0..2_usize,
        moment in 0..60_u32,
    ) {
        let mut world = Pair::new(fates);
        world.begin();
        for _ in 0..moment {
            world.step();
        }
        world.is_on[which] = false;
        world.run(1000);
        let other = 1 - which;
        let left = world.machines[other].processes.list().count();
        prop_assert!(left == usize::from(world.runs(other)), "nothing waits for ever");
        prop_assert!(world.ran == [0] || world.ran == [0, 1]);
    }
}

/// Strategies of fates, of which one in eight is bad.
trait Fates: proptest::strategy::Strategy<Value = u8> + Sized {
    fn prop_map_fate(self) -> proptest::strategy::Map<Self, fn(u8) -> Fate> {
        self.prop_map(|number| fate(number % 6))
    }
}

impl<S: proptest::strategy::Strategy<Value = u8>> Fates for S {}
