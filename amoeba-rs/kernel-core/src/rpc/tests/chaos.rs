//! Random runs: whatever the network does and whoever is switched off, no request is executed twice, what succeeds
//! was executed once, and nobody waits longer than is documented.

use super::card::{Memory, Told};
use super::lab::{GET_PORT, pattern, thread};
use super::network::{Faults, GOOD, Network};
use crate::flip::types::Milliseconds;
use crate::rpc::{Size, ThreadId, limits};
use proptest::prelude::{Strategy, any, proptest};
use proptest::strategy::Just;
use proto::message::Header;
use proto::one_way::one_way;
use proto::standard::Status;
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

/// FLIP of these tests looks for a lost address so long, with every message.
const FLIP: Milliseconds = (limits::RETRIES as Milliseconds + 2) * limits::LOCATE_TIMEOUT;
/// The longest service, longer than the pause between enquiries.
const LONGEST_SERVICE: Milliseconds = 30_000;
/// The longest transaction: the search for a server, its service, the silence of one that is gone.
const LONGEST_TRANSACTION: Milliseconds =
    limits::longest_search(limits::LOCATE_TIMEOUT) + limits::LONGEST_SILENCE + LONGEST_SERVICE + 2 * FLIP;
const LONGEST_REPLY: Milliseconds = limits::LONGEST_REPLY + FLIP;

/// What somebody does at some time.
#[derive(Clone, Copy, Debug)]
enum Action {
    Call(ThreadId),
    Reply {
        server: ThreadId,
        call: u32,
        length: u32,
    },
    Forward {
        server: ThreadId,
        to: usize,
    },
    PowerOff,
    PowerOn,
    Replace,
    Cut(usize),
    Heal,
    Signal(ThreadId),
    Abort(ThreadId),
}

#[derive(Clone, Debug)]
struct Plan {
    machines: usize,
    servers: u16,
    clients: u16,
    calls: u32,
    faults: Faults,
    largest: u32,
    /// Whether machines with servers, all but the first, have clients too.
    are_servers_clients: bool,
    /// Whether some services take long.
    is_slow: bool,
    seed: u64,
    /// When, on which machine, what.
    events: Vec<(Milliseconds, usize, Action)>,
}

struct Run {
    network: Network,
    plan: Plan,
    actions: BTreeMap<(Milliseconds, u32), (usize, u32, Action)>,
    planned: u32,
    /// Starts and replacements of each machine's process, so that actions of an earlier one come to nothing.
    lives: Vec<u32>,
    last_call: u32,
    calls: BTreeMap<(usize, ThreadId), (u32, Milliseconds)>,
    replies: BTreeMap<(usize, ThreadId), Milliseconds>,
    executed: BTreeMap<u32, u32>,
    succeeded: u32,
    failures: Vec<Status>,
}

fn length(call: u32, largest: u32) -> u32 {
    call.wrapping_mul(0x9e37_79b9) % (largest + 1)
}

impl Run {
    fn new(plan: Plan) -> Run {
        let mut run = Run {
            network: Network::new(plan.machines, plan.faults, plan.seed),
            lives: vec![0; plan.machines],
            actions: BTreeMap::new(),
            planned: 0,
            last_call: 0,
            calls: BTreeMap::new(),
            replies: BTreeMap::new(),
            executed: BTreeMap::new(),
            succeeded: 0,
            failures: Vec::new(),
            plan,
        };
        run.network.is_traced = false;
        for machine in 0..run.plan.machines {
            run.begin(machine);
        }
        for (time, machine, action) in run.plan.events.clone() {
            run.plan_at(run.network.now + time, machine, u32::MAX, action);
        }
        run
    }

    fn plan_at(&mut self, time: Milliseconds, machine: usize, life: u32, action: Action) {
        self.planned += 1;
        self.actions.insert((time, self.planned), (machine, life, action));
    }

    fn soon(&mut self, delay: Milliseconds, machine: usize, action: Action) {
        let life = self.lives[machine];
        self.plan_at(self.network.now + delay, machine, life, action);
    }

    /// The threads of a machine's process begin: servers wait for requests, clients call.
    fn begin(&mut self, machine: usize) {
        self.lives[machine] += 1;
        self.calls.retain(|(place, _), _| *place != machine);
        self.replies.retain(|(place, _), _| *place != machine);
        let servers = if machine == 0 { 0 } else { self.plan.servers };
        for server in 0..servers {
            self.getreq(machine, thread(server));
        }
        let is_client = machine == 0 || self.plan.are_servers_clients;
        for client in 0..if is_client { self.plan.clients } else { 0 } {
            let pause = self.network.chance(50).into();
            self.soon(pause, machine, Action::Call(thread(100 + client)));
        }
    }

    fn getreq(&mut self, machine: usize, server: ThreadId) {
        let buffer = Memory(vec![0; self.plan.largest as usize]);
        let rpc = &mut self.network.machines[machine].rpc;
        rpc.getreq(server, Size::Long, GET_PORT, buffer).unwrap();
    }

    fn call(&mut self, machine: usize, client: ThreadId) {
        if self.last_call == self.plan.calls {
            return;
        }
        self.last_call += 1;
        let header = Header {
            port: one_way(GET_PORT),
            offset: self.last_call.cast_signed(),
            ..Header::default()
        };
        let length = length(self.last_call, self.plan.largest) as usize;
        let room = Memory(vec![0; self.plan.largest as usize]);
        let now = self.network.now;
        self.calls.insert((machine, client), (self.last_call, now));
        let machine = &mut self.network.machines[machine];
        machine
            .rpc
            .trans(
                now,
                &mut machine.card,
                client,
                Size::Long,
                &header,
                pattern(length),
                room,
            )
            .unwrap();
    }

    fn act(&mut self, machine: usize, life: u32, action: Action) {
        let is_event = life == u32::MAX;
        let is_stale = !is_event && life != self.lives[machine];
        let is_on = self.network.machines[machine].is_on;
        if is_stale || !is_on && !matches!(action, Action::PowerOn | Action::Heal) {
            return;
        }
        let now = self.network.now;
        match action {
            Action::Call(client) => self.call(machine, client),
            Action::PowerOff => {
                self.network.power_off(machine);
                self.lives[machine] += 1;
                self.calls.retain(|(place, _), _| *place != machine);
                self.replies.retain(|(place, _), _| *place != machine);
            }
            Action::PowerOn if !is_on => {
                self.network.start(machine);
                self.begin(machine);
            }
            Action::PowerOn => {}
            Action::Cut(other) => {
                self.network.cuts.insert((machine, other));
                self.network.cuts.insert((other, machine));
            }
            Action::Heal => self.network.cuts.clear(),
            Action::Replace => {
                let here = &mut self.network.machines[machine];
                here.rpc.end_process(now, &mut here.card, 0);
                self.lives[machine] += 1;
                self.calls.retain(|(place, _), _| *place != machine);
                self.replies.retain(|(place, _), _| *place != machine);
            }
            Action::Reply { server, call, length } => {
                self.replies.insert((machine, server), now);
                let header = Header {
                    offset: !call.cast_signed(),
                    ..Header::default()
                };
                let here = &mut self.network.machines[machine];
                here.rpc
                    .putrep(
                        now,
                        &mut here.card,
                        server,
                        Size::Long,
                        &header,
                        pattern(length as usize),
                    )
                    .unwrap();
            }
            Action::Forward { server, to } => {
                self.replies.insert((machine, server), now);
                let to = self.network.machines[to].card.endpoints.last().copied().flatten();
                let here = &mut self.network.machines[machine];
                here.rpc
                    .forward(now, &mut here.card, server, to.unwrap_or_default())
                    .unwrap();
            }
            Action::Signal(client) => {
                let here = &mut self.network.machines[machine];
                here.rpc.signal(now, &mut here.card, client);
            }
            Action::Abort(client) => {
                let here = &mut self.network.machines[machine];
                here.rpc.abort(now, &mut here.card, client);
            }
        }
    }

    fn told(&mut self, machine: usize, told: Told) {
        let now = self.network.now;
        match told {
            Told::Request {
                thread: server,
                outcome,
                buffer,
            } => match outcome {
                Ok((header, length)) => self.execute(machine, server, &header, &buffer.0[..length as usize]),
                Err(_) => self.getreq(machine, server),
            },
            Told::Replied { thread: server } => {
                if let Some(began) = self.replies.remove(&(machine, server)) {
                    assert!(now - began <= LONGEST_REPLY, "a reply took {} ms", now - began);
                }
                self.getreq(machine, server);
            }
            Told::Transaction {
                thread: client,
                outcome,
                buffer,
            } => {
                let (call, began) = self.calls.remove(&(machine, client)).expect("a call ends once");
                assert!(
                    now - began <= LONGEST_TRANSACTION,
                    "call {call} took {} ms",
                    now - began
                );
                match outcome {
                    Ok((header, length)) => self.succeed(call, &header, &buffer.0[..length as usize]),
                    Err(status) => self.failures.push(status),
                }
                let pause = self.network.chance(20).into();
                self.soon(pause, machine, Action::Call(client));
            }
            Told::Signal { .. } => {}
            Told::Ended { process } => {
                self.network.start_process(machine, process);
                self.begin(machine);
            }
        }
    }

    fn execute(&mut self, machine: usize, server: ThreadId, header: &Header, data: &[u8]) {
        let call = header.offset.cast_unsigned();
        assert_eq!(
            data,
            pattern(length(call, self.plan.largest) as usize).0,
            "call {call}"
        );
        let work = match self.network.chance(50) {
            0 if self.plan.is_slow => LONGEST_SERVICE,
            1..10 => 0,
            _ => self.network.chance(40).into(),
        };
        let other = self.network.chance(self.plan.machines as u32 * 10) as usize;
        let action = if (1..self.plan.machines).contains(&other) && other != machine {
            Action::Forward { server, to: other }
        } else {
            let count = self.executed.entry(call).or_default();
            *count += 1;
            assert_eq!(*count, 1, "call {call} was executed again on machine {machine}");
            Action::Reply {
                server,
                call,
                length: length(!call, self.plan.largest),
            }
        };
        self.soon(work, machine, action);
    }

    fn succeed(&mut self, call: u32, header: &Header, data: &[u8]) {
        assert_eq!(self.executed.get(&call), Some(&1), "call {call} succeeded");
        assert_eq!(header.offset, !call.cast_signed(), "the reply is of another call");
        assert_eq!(data, pattern(length(!call, self.plan.largest) as usize).0);
        self.succeeded += 1;
    }

    /// Runs until the time, or until all calls have ended and nothing else is planned.
    fn run(&mut self, end: Milliseconds) {
        while self.network.now < end {
            let next = self.actions.first_key_value().map_or(end, |((time, _), _)| *time);
            if self.last_call == self.plan.calls && self.is_idle() {
                return;
            }
            if next > self.network.now {
                self.network.step(next.min(end));
            } else if let Some((_, (machine, life, action))) = self.actions.pop_first() {
                self.act(machine, life, action);
            }
            self.network.collect();
            for (machine, told) in self.network.notices() {
                self.told(machine, told);
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.replies.is_empty() && self.actions.is_empty()
    }

    /// Everything is repaired: all calls end, and nothing of them is left behind.
    fn recover(&mut self) {
        self.network.faults = GOOD;
        self.network.cuts.clear();
        for machine in 0..self.plan.machines {
            self.act(machine, u32::MAX, Action::PowerOn);
        }
        let end = self.network.now + LONGEST_TRANSACTION + LONGEST_REPLY;
        self.run(end);
        assert!(self.calls.is_empty(), "{:?} wait still", self.calls);
        assert!(self.replies.is_empty(), "{:?} answer still", self.replies);
        let end = self.network.now + 60_000;
        while self.network.now < end {
            self.network.step(end);
        }
        assert!(self.network.notices().is_empty());
        for (number, machine) in self.network.machines.iter().enumerate() {
            let rpc = &machine.rpc;
            assert!(rpc.sending.is_empty() && rpc.searching.is_empty() && rpc.departed.is_empty());
            let process = rpc.process(0).expect("the machine is on");
            assert!(process.assembling.is_empty());
            for (place, thread) in process.threads.iter().enumerate() {
                let is_server = number > 0 && place < usize::from(self.plan.servers);
                assert_eq!(
                    thread.listening.is_some(),
                    is_server,
                    "thread {place} of machine {number}"
                );
                assert_eq!(
                    thread.is_waiting(),
                    is_server,
                    "thread {place} of machine {number}"
                );
                assert_eq!(thread.service, None, "thread {place} of machine {number}");
            }
        }
    }
}

/// A run to its end; the calls that succeeded, and the errors of the others.
fn run(plan: Plan, end: Milliseconds) -> (u32, Vec<Status>) {
    let mut run = Run::new(plan);
    let end = run.network.now + end;
    run.run(end);
    run.plan.calls = run.last_call;
    run.recover();
    (run.succeeded, run.failures)
}

fn faults() -> impl Strategy<Value = Faults> {
    (0..40_u32, 0..30_u32, 1..400_u32, any::<bool>()).prop_map(|(lost, doubled, slowest, is_quick)| Faults {
        lost,
        doubled,
        slowest: if is_quick { 1 + slowest % 4 } else { slowest },
    })
}

fn event(machines: usize) -> impl Strategy<Value = (Milliseconds, usize, Action)> {
    let client = (0..3_u16).prop_map(|client| thread(100 + client));
    let action = proptest::prop_oneof![
        3 => Just(Action::PowerOff),
        4 => Just(Action::PowerOn),
        3 => Just(Action::Replace),
        2 => (0..machines).prop_map(Action::Cut),
        2 => Just(Action::Heal),
        2 => client.clone().prop_map(Action::Signal),
        2 => client.prop_map(Action::Abort),
    ];
    (0..60_000_u64, 0..machines, action)
}

fn plan() -> impl Strategy<Value = Plan> {
    (2..=4_usize).prop_flat_map(|machines| {
        let events = proptest::collection::vec(event(machines), 0..12);
        let largest = proptest::prop_oneof![Just(0_u32), Just(1000), Just(6000), Just(30_000)];
        (
            Just(machines),
            1..=3_u16,
            1..=3_u16,
            faults(),
            largest,
            any::<u64>(),
            events,
        )
            .prop_map(
                |(machines, servers, clients, faults, largest, seed, events)| Plan {
                    machines,
                    servers,
                    clients,
                    calls: 60,
                    faults,
                    largest,
                    are_servers_clients: true,
                    is_slow: true,
                    seed,
                    events,
                },
            )
    })
}

fn quiet(faults: Faults) -> Plan {
    Plan {
        machines: 2,
        servers: 8,
        clients: 8,
        calls: 1000,
        faults,
        largest: 0,
        are_servers_clients: true,
        is_slow: false,
        seed: 7,
        events: Vec::new(),
    }
}

#[test]
fn on_a_good_network_every_call_succeeds() {
    let (succeeded, failures) = run(
        Plan {
            largest: 30_000,
            ..quiet(GOOD)
        },
        10_000_000,
    );
    assert_eq!((succeeded, failures), (1000, Vec::new()));
}

#[test]
fn clients_that_compete_for_one_thread_are_all_served() {
    let plan = Plan {
        servers: 1,
        machines: 4,
        clients: 2,
        ..quiet(GOOD)
    };
    let (succeeded, failures) = run(Plan { servers: 1, ..plan }, 100_000_000);
    assert!(succeeded >= 900, "{succeeded} of 1000 succeeded, {failures:?}");
}

#[test]
fn a_hundred_thousand_calls_under_twenty_percent_loss_are_executed_once() {
    let faults = Faults {
        lost: 20,
        doubled: 10,
        slowest: 30,
    };
    let plan = Plan {
        are_servers_clients: false,
        calls: 100_000,
        servers: 32,
        clients: 16,
        ..quiet(faults)
    };
    let (succeeded, failures) = run(plan, 1_000_000_000);
    assert_eq!(succeeded + failures.len() as u32, 100_000);
    assert!(succeeded > 99_000, "{succeeded} of 100000 succeeded");
}

proptest! {
    #[test]
    fn nothing_is_executed_twice_and_nobody_waits_forever(plan in plan()) {
        run(plan, 300_000);
    }
}
