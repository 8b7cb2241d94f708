//! A station on the cable that overhears transactions and makes up packets of them, with the right addresses, kernels and numbers:
//! whatever it sends, every call ends in bounded time, and when it is silent all is as ever.

mod forgeries;

use super::card::Memory;
use super::lab::{GET_PORT, pattern, reply, thread};
use super::over_flip::{Cable, SMALL_RING};
use crate::flip::types::Milliseconds;
use crate::rpc::{Notice, Size, ThreadId, limits};
use forgeries::{Forgery, Goal, Heard, Name, plausible};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, proptest};
use proptest::prop_oneof;
use proto::flip;
use proto::message::Header;
use proto::one_way::one_way;
use proto::rpc::{Flags, Kind};
use proto::standard::Status;
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

const CLIENT: usize = 0;
const SERVER: usize = 1;
/// Threads of the server's process.
const THREADS: u16 = 2;
/// The one that serves, which has waited last; the client knows it from the acknowledgement.
const SERVING: u16 = THREADS - 1;
/// Bytes of the longest message, and of a request and its reply: three fragments.
const ROOM: usize = 4000;
/// What a client learns of a server that is gone, when FLIP looks for it with every message; or that it waits for one in vain.
const LONGEST: Milliseconds = limits::longest_search(limits::LOCATE_TIMEOUT)
    + limits::LONGEST_SILENCE
    + (limits::RETRIES as Milliseconds + 2) * limits::LOCATE_TIMEOUT;

/// How a call has ended, when, and how often it was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    result: Result<(), Status>,
    time: Milliseconds,
    executed: u32,
}

/// A client that makes one call after the other, a server, and the intruder.
struct Scene {
    cable: Cable,
    /// When the server's threads answer.
    answers: BTreeMap<(Milliseconds, u16), usize>,
    /// How long the server works on a request.
    work: Milliseconds,
    executed: BTreeMap<u32, u32>,
    calls: u32,
    /// What the intruder sends, the next one last; and when, milliseconds after what it hears.
    forgeries: Vec<(Forgery, Milliseconds)>,
    /// Frames that wait for their time.
    forged: Vec<(Milliseconds, usize, Vec<u8>)>,
    last_forged: Milliseconds,
    /// The next request does not reach the server.
    is_request_lost: bool,
}

impl Scene {
    fn new(work: Milliseconds, mut forgeries: Vec<(Forgery, Milliseconds)>) -> Scene {
        forgeries.reverse();
        let mut scene = Scene {
            cable: Cable::new(2, SMALL_RING),
            answers: BTreeMap::new(),
            work,
            executed: BTreeMap::new(),
            calls: 0,
            forgeries: Vec::new(),
            forged: Vec::new(),
            last_forged: 0,
            is_request_lost: false,
        };
        for server in 0..THREADS {
            scene.getreq(server);
        }
        assert_eq!(scene.call(0).result, Ok(()));
        scene.forgeries = forgeries;
        scene
    }

    fn getreq(&mut self, server: u16) {
        let buffer = Memory(vec![0; ROOM]);
        let rpc = &mut self.cable.kernels[SERVER].rpc;
        rpc.getreq(thread(server), Size::Long, GET_PORT, buffer).unwrap();
    }

    /// A call with so many bytes to and fro, to its end.
    fn call(&mut self, length: usize) -> End {
        self.calls += 1;
        let header = Header {
            port: one_way(GET_PORT),
            offset: self.calls.cast_signed(),
            ..Header::default()
        };
        let (now, kernel) = (self.cable.now, &mut self.cable.kernels[CLIENT]);
        let (request, room) = (pattern(length), Memory(vec![0; ROOM]));
        kernel
            .rpc
            .trans(
                now,
                &mut kernel.flip,
                thread(0),
                Size::Long,
                &header,
                request,
                room,
            )
            .unwrap();
        let result = loop {
            if let Some(result) = self.step(length) {
                break result;
            }
            let quiet_since = now.max(self.last_forged);
            assert!(self.cable.now - quiet_since <= LONGEST, "a call waits still");
        };
        End {
            result,
            time: self.cable.now - now,
            executed: self.executed.get(&self.calls).copied().unwrap_or(0),
        }
    }

    /// What happens in a millisecond; how the call has ended, if it has.
    fn step(&mut self, length: usize) -> Option<Result<(), Status>> {
        self.cable.step();
        self.overhear();
        self.forge();
        let mut result = None;
        let mut is_quiet = self.cable.told.is_empty();
        for (_, notice) in core::mem::take(&mut self.cable.told) {
            match notice {
                Notice::Request {
                    thread: server,
                    outcome,
                    buffer,
                } => self.execute(server, outcome.unwrap(), &buffer.0, length),
                Notice::Replied { thread: server } => self.getreq(server.thread),
                Notice::Transaction { outcome, buffer, .. } => {
                    if let Ok((_, got)) = outcome
                        && got > 0
                    {
                        assert_eq!(buffer.0[..got as usize], pattern(length).0);
                    }
                    result = Some(outcome.map(|_| ()));
                }
                // Somebody has passed one on to the server in the client's name.
                Notice::Signal { .. } => {}
                Notice::Ended { .. } => panic!("no process has ended"),
            }
        }
        let now = self.cable.now;
        while let Some(entry) = self.answers.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((_, server), length) = entry.remove_entry();
            let kernel = &mut self.cable.kernels[SERVER];
            let data = pattern(length);
            let (rpc, flip) = (&mut kernel.rpc, &mut kernel.flip);
            rpc.putrep(now, flip, thread(server), Size::Long, &reply(0), data)
                .unwrap();
            is_quiet = false;
        }
        if is_quiet {
            let planned = self.answers.first_key_value().map(|((when, _), _)| *when);
            let forged = self.forged.iter().map(|(when, ..)| *when).min();
            let next = planned.into_iter().chain(forged).min();
            self.cable.skip(next.unwrap_or(now + LONGEST));
        }
        result
    }

    /// A thread has a request: of a call, whose data is as it was sent, or one that was made up.
    fn execute(&mut self, server: ThreadId, (header, got): (Header, u32), data: &[u8], length: usize) {
        let call = header.offset.cast_unsigned();
        let is_call = call == self.calls && got as usize == length;
        if is_call {
            assert_eq!(data[..length], pattern(length).0);
            *self.executed.entry(call).or_default() += 1;
        }
        let when = self.cable.now + self.work;
        self.answers
            .insert((when, server.thread), if is_call { length } else { 0 });
    }

    /// The intruder listens for the client's requests, and has something to say to each.
    fn overhear(&mut self) {
        for frame in core::mem::take(&mut self.cable.frames) {
            if let Some(heard) = Heard::request(&frame) {
                if let Some((forgery, delay)) = self.forgeries.pop() {
                    let (to, forged) = forgery.frame(&heard);
                    self.forged.push((self.cable.now + delay, to, forged));
                }
                if core::mem::take(&mut self.is_request_lost) {
                    self.cable.lose(SERVER, &frame);
                }
            }
        }
    }

    fn forge(&mut self) {
        let now = self.cable.now;
        let (due, rest) = core::mem::take(&mut self.forged)
            .into_iter()
            .partition::<Vec<_>, _>(|(when, ..)| *when <= now);
        self.forged = rest;
        for (_, to, frame) in due {
            self.last_forged = now;
            self.cable.inject(to, frame);
        }
    }

    /// The intruder is silent from now on: nothing is left of what it did, but for calls that it has led astray, and then all is as ever.
    fn recover(&mut self) {
        self.forgeries.clear();
        self.forged.clear();
        let end = self.cable.now + LONGEST;
        while self.cable.now < end {
            assert_eq!(self.step(0), None);
            self.cable.skip(end);
        }
        let succeeds = (0..3).any(|_| self.call(ROOM - 100).result.is_ok());
        assert!(succeeds, "three calls failed");
        let end = self.cable.now + limits::LINGER;
        while self.cable.now < end {
            assert_eq!(self.step(0), None);
            self.cable.skip(end);
        }
        for kernel in &self.cable.kernels {
            assert!(kernel.rpc.sending.is_empty() && kernel.rpc.searching.is_empty());
            assert_eq!(kernel.flip.free_packets(), crate::flip::PACKETS);
            let process = kernel.rpc.process(0).unwrap();
            assert!(process.assembling.is_empty());
        }
        let threads = &self.cable.kernels[SERVER].rpc.process(0).unwrap().threads;
        assert!(threads.iter().all(|thread| thread.listening.is_some()));
    }
}

/// How a call of one fragment ends, to whose request the intruder has this to say while the server works on it for 20 ms, or if the
/// request is lost.
fn disturbed(forgery: Forgery, is_request_lost: bool) -> End {
    let mut scene = Scene::new(20, vec![(forgery, 0)]);
    scene.is_request_lost = is_request_lost;
    let end = scene.call(0);
    assert!(scene.forgeries.is_empty(), "{forgery:?} was not sent");
    scene.recover();
    end
}

fn of_server(kind: Kind, flags: Flags) -> Forgery {
    Forgery::of(kind, flags, Name::Server)
}

fn of_client(kind: Kind, flags: Flags) -> Forgery {
    Forgery::of(kind, flags, Name::Client)
}

type Case = (Forgery, Result<(), Status>, u32, Milliseconds);

/// Asserts that calls end so, were executed so often, and took no longer than so many milliseconds, and not less than nine tenths of
/// that if it is more than a second.
fn assert_ends(cases: &[Case], is_request_lost: bool) {
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|case| {
            let (forgery, result, executed, longest) = *case;
            let end = disturbed(forgery, is_request_lost);
            let shortest = if longest > 1000 { longest / 10 * 9 } else { 0 };
            let is_right =
                (end.result, end.executed) == (result, executed) && (shortest..=longest).contains(&end.time);
            (!is_right).then_some((forgery, end))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The client asks a server once whether it has the request.
const ONE_SILENCE: Milliseconds = 1100;

#[test]
fn a_call_that_is_served_ends_as_ever_unless_the_intruder_ends_it() {
    let none = Flags::empty();
    let both = Flags::REQUEST | Flags::REPLY;
    let cases = [
        (of_server(Kind::HereIs, none), Ok(()), 1, 100),
        (of_server(Kind::Acknowledge, none), Ok(()), 1, 100),
        (of_server(Kind::Alive, none), Ok(()), 1, 100),
        (of_server(Kind::Enquire, none), Ok(()), 1, 100),
        (of_server(Kind::Received, Flags::REQUEST), Ok(()), 1, 100),
        (of_server(Kind::Received, Flags::REPLY), Ok(()), 1, 100),
        (of_server(Kind::Refuse, none), Ok(()), 1, 100),
        (of_server(Kind::Reply, none).cut(), Ok(()), 1, 100),
        (of_server(Kind::Reply, none), Ok(()), 1, 100),
        (of_server(Kind::Fail, none), Err(Status::RpcFailure), 1, 100),
        (of_server(Kind::Fail, both), Ok(()), 2, 300),
        (of_server(Kind::Forward, none).to(Goal::Server), Ok(()), 2, 100),
        (of_server(Kind::Forward, none), Ok(()), 2, 5500),
        (
            of_server(Kind::Forward, none).to(Goal::Null),
            Err(Status::RpcFailure),
            1,
            10_200,
        ),
        (of_client(Kind::Acknowledge, none), Ok(()), 1, 100),
        (of_client(Kind::Refuse, none), Ok(()), 1, 100),
        (of_client(Kind::Reply, none), Ok(()), 1, 100),
        (of_client(Kind::Received, Flags::REPLY), Ok(()), 1, 100),
        (of_client(Kind::Enquire, Flags::SIGNAL), Ok(()), 1, 100),
        (of_client(Kind::Fail, Flags::REQUEST), Ok(()), 1, 100),
        (
            of_client(Kind::Fail, none),
            Err(Status::RpcFailure),
            1,
            ONE_SILENCE,
        ),
        (Forgery::packet(flip::Kind::NotHere), Ok(()), 1, 300),
        (Forgery::packet(flip::Kind::Busy), Ok(()), 1, 300),
        (
            Forgery::packet(flip::Kind::Untrusted),
            Err(Status::RpcUnsafe),
            1,
            100,
        ),
        (Forgery::packet(flip::Kind::HereIs).astray(), Ok(()), 1, 100),
    ];
    assert_ends(&cases, false);
}

#[test]
fn a_call_whose_request_is_lost_ends_in_its_time_whatever_the_intruder_says_of_it() {
    let none = Flags::empty();
    let both = Flags::REQUEST | Flags::REPLY;
    let failure = Err(Status::RpcFailure);
    // The server does not know of what it was said to have when it is asked again.
    let enquiry = limits::ENQUIRE_PAUSE + 100;
    // Enquiries go to the intruder until the server is looked for anew.
    let astray = Milliseconds::from(limits::RETRIES - limits::FIRST_LOCATE) * (limits::ENQUIRE_PAUSE + 100);
    let cases = [
        (of_server(Kind::HereIs, none), Ok(()), 1, ONE_SILENCE),
        (of_server(Kind::Refuse, none), Ok(()), 1, 100),
        (of_server(Kind::Acknowledge, none), failure, 0, enquiry),
        (of_server(Kind::Alive, none), failure, 0, enquiry),
        (of_server(Kind::Received, Flags::REPLY), failure, 0, enquiry),
        (of_server(Kind::Acknowledge, none).astray(), failure, 0, astray),
        (of_server(Kind::Alive, none).astray(), failure, 0, astray),
        (
            of_server(Kind::Reply, none).cut(),
            failure,
            0,
            limits::REASSEMBLY + 100,
        ),
        (of_server(Kind::Fail, none), failure, 0, 100),
        (of_server(Kind::Fail, both), Ok(()), 1, 300),
        (of_server(Kind::Forward, none).to(Goal::Server), Ok(()), 1, 100),
        (of_server(Kind::Forward, none), Ok(()), 1, 5500),
        (of_client(Kind::Fail, Flags::REQUEST), Ok(()), 1, 300),
        (Forgery::packet(flip::Kind::NotHere), Ok(()), 1, 300),
        (Forgery::packet(flip::Kind::Busy), Ok(()), 1, 300),
        (
            Forgery::packet(flip::Kind::Untrusted),
            Err(Status::RpcUnsafe),
            0,
            100,
        ),
    ];
    assert_ends(&cases, true);
}

#[test]
fn behind_a_number_far_ahead_calls_fail_after_a_silence() {
    for forgery in [
        of_client(Kind::Fail, Flags::REQUEST),
        of_client(Kind::Request, Flags::empty()),
    ] {
        let mut scene = Scene::new(20, vec![(forgery.later(1_000_000), 0)]);
        scene.call(0);
        for _ in 0..5 {
            let end = scene.call(0);
            assert_eq!(
                (end.result, end.executed),
                (Err(Status::RpcFailure), 0),
                "{forgery:?}"
            );
            assert!((1000..=ONE_SILENCE).contains(&end.time), "{end:?}");
        }
    }
}

fn delay() -> impl Strategy<Value = Milliseconds> {
    prop_oneof![4 => 0..30_u64, 1 => 0..3000_u64]
}

proptest! {
    #[test]
    fn whatever_an_intruder_says_calls_end_and_afterwards_all_is_as_ever(
        forgeries in vec((plausible(), delay()), 1..12),
        lost in vec(proptest::bool::weighted(0.2), 40),
        work in 0..40_u64,
        is_long in vec(any::<bool>(), 40),
    ) {
        let may_repeat = forgeries.iter().any(|(forgery, _)| forgery.may_repeat());
        let is_believed = forgeries.iter().any(|(forgery, _)| forgery.is_believed());
        let mut scene = Scene::new(work, forgeries);
        for (is_long, is_lost) in is_long.into_iter().zip(lost) {
            scene.is_request_lost = is_lost;
            let end = scene.call(if is_long { ROOM - 100 } else { 0 });
            match end.result {
                Ok(()) => prop_assert!(end.executed > 0 || is_believed, "{end:?}"),
                Err(why) => prop_assert!(
                    matches!(why, Status::RpcFailure | Status::RpcNotFound | Status::RpcUnsafe),
                    "{end:?}"
                ),
            }
            prop_assert!(end.executed < 2 || may_repeat, "{end:?}");
            if scene.forgeries.is_empty() {
                break;
            }
        }
        scene.is_request_lost = false;
        scene.recover();
    }
}
