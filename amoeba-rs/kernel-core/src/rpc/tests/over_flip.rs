//! Transactions over FLIP itself: kernels with a card each on one cable.

use super::card::Memory;
use super::lab::{GET_PORT, ROOM, pattern, reply, request, thread};
use crate::flip::types::{Interface, Milliseconds};
use crate::flip::{Flip, Network, Settings, Sizes};
use crate::rpc::{Message, Notice, Outcome, Rpc, Size, limits};
use proptest::prelude::{any, prop_assert_eq, proptest};
use proto::flip::Address;
use proto::standard::Status;
use proto::{ethernet, exchange::xorshift, fragment_control};
use std::vec;
use std::vec::Vec;

/// Frames in the receive ring of a 3C503: one credit.
pub(super) const SMALL_RING: u16 = 4;
/// Frames in that of an NE2000: eight credits.
pub(super) const LARGE_RING: u16 = 9;

pub(super) struct Kernel {
    pub(super) flip: Flip<Message<Memory>>,
    pub(super) rpc: Rpc<Message<Memory>>,
    network: Network,
    pub(super) is_on: bool,
}

pub(super) struct Cable {
    pub(super) now: Milliseconds,
    pub(super) kernels: Vec<Kernel>,
    /// When, to whom, what.
    under_way: Vec<(Milliseconds, usize, Vec<u8>)>,
    /// All frames sent.
    pub(super) frames: Vec<Vec<u8>>,
    pub(super) lost_percent: u32,
    pub(super) doubled_percent: u32,
    /// The longest that a frame takes, in milliseconds; frames that take longer than others come behind them.
    pub(super) slowest: u32,
    pub(super) random: u32,
    pub(super) told: Vec<(usize, Notice<Memory>)>,
    processes: u8,
}

impl Cable {
    pub(super) fn new(kernels: usize, ring_packets: u16) -> Cable {
        let mut cable = Cable {
            now: 0,
            kernels: Vec::new(),
            under_way: Vec::new(),
            frames: Vec::new(),
            lost_percent: 0,
            doubled_percent: 0,
            slowest: 1,
            random: 1,
            told: Vec::new(),
            processes: 0,
        };
        for number in 0..kernels as u8 {
            let mut flip = Flip::new(Sizes::STANDARD);
            let station = ethernet::Address([2, 0x60, 0x8c, 0, 0, number]);
            let network = flip
                .attach(Settings {
                    station,
                    ring_packets,
                })
                .unwrap();
            let interface: Interface = flip.open().unwrap();
            let mut rpc = Rpc::new(0, interface, [number; 8]);
            rpc.open(&mut flip).unwrap();
            let is_on = true;
            cable.kernels.push(Kernel {
                flip,
                rpc,
                network,
                is_on,
            });
            cable.start_process(number.into());
        }
        cable
    }

    /// The place of [`Address`] bytes that differ is above the lowest bit, which a DES key does not count.
    fn start_process(&mut self, number: usize) {
        self.processes += 1;
        let private = Address([self.processes << 1, 2, 4, 6, 8, 10, 12, 0]);
        let kernel = &mut self.kernels[number];
        kernel.rpc.start_process(&mut kernel.flip, 0, private).unwrap();
    }

    fn trans(&mut self, number: usize, data: Memory) {
        let kernel = &mut self.kernels[number];
        let room = Memory(vec![0; ROOM]);
        let header = request(1);
        kernel
            .rpc
            .trans(
                self.now,
                &mut kernel.flip,
                thread(0),
                Size::Long,
                &header,
                data,
                room,
            )
            .unwrap();
    }

    fn getreq(&mut self, number: usize) {
        let buffer = Memory(vec![0; ROOM]);
        let rpc = &mut self.kernels[number].rpc;
        rpc.getreq(thread(0), Size::Long, GET_PORT, buffer).unwrap();
    }

    fn putrep(&mut self, number: usize, data: Memory) {
        let kernel = &mut self.kernels[number];
        kernel
            .rpc
            .putrep(self.now, &mut kernel.flip, thread(0), Size::Long, &reply(0), data)
            .unwrap();
    }

    pub(super) fn step(&mut self) {
        let now = self.now;
        let (due, rest) = core::mem::take(&mut self.under_way)
            .into_iter()
            .partition::<Vec<_>, _>(|(when, ..)| *when <= now);
        self.under_way = rest;
        for (_, number, frame) in due {
            let kernel = &mut self.kernels[number];
            kernel.flip.receive_frame(now, kernel.network, &frame);
        }
        for number in 0..self.kernels.len() {
            if self.kernels[number].is_on {
                self.step_kernel(number);
            }
        }
        self.now += 1;
    }

    /// Goes to the next millisecond in which something happens, but not beyond `limit`.
    pub(super) fn skip(&mut self, limit: Milliseconds) {
        let frames = self.under_way.iter().map(|(when, ..)| *when);
        let kernels = self.kernels.iter().filter(|kernel| kernel.is_on);
        let sweeps = kernels.map(|kernel| {
            let rpc = kernel.rpc.due().next_multiple_of(limits::SWEEP);
            kernel.flip.next_sweep().min(rpc)
        });
        let next = frames.chain(sweeps).min().unwrap_or(limit);
        self.now = next.clamp(self.now, limit.max(self.now));
    }

    /// Puts a frame onto the cable for one kernel.
    pub(super) fn inject(&mut self, number: usize, frame: Vec<u8>) {
        self.under_way.push((self.now + 1, number, frame));
    }

    /// A frame that is on its way to a kernel is lost.
    pub(super) fn lose(&mut self, number: usize, frame: &[u8]) {
        self.under_way
            .retain(|(_, to, known)| *to != number || known != frame);
    }

    fn step_kernel(&mut self, number: usize) {
        let now = self.now;
        let Kernel {
            flip, rpc, network, ..
        } = &mut self.kernels[number];
        flip.sweep(now);
        if now.is_multiple_of(limits::SWEEP) {
            rpc.sweep(now, flip);
        }
        let mut frames = Vec::new();
        loop {
            while let Some(event) = flip.event() {
                rpc.event(now, flip, event);
            }
            let Some(frame) = flip.next_frame(now, *network) else {
                break;
            };
            let mut bytes = Vec::new();
            frame.parts(&mut |part| bytes.extend_from_slice(part));
            flip.transmitted(*network);
            frames.push(bytes);
        }
        while let Some(notice) = rpc.next() {
            self.told.push((number, notice));
        }
        for frame in frames {
            for other in (0..self.kernels.len()).filter(|other| *other != number) {
                if self.chance(100) < self.lost_percent || !self.kernels[other].is_on {
                    continue;
                }
                let copies = 1 + u32::from(self.chance(100) < self.doubled_percent);
                for _ in 0..copies {
                    let time = 1 + self.chance(self.slowest);
                    self.under_way
                        .push((now + Milliseconds::from(time), other, frame.clone()));
                }
            }
            self.frames.push(frame);
        }
    }

    /// A number from 0 to below `most`.
    fn chance(&mut self, most: u32) -> u32 {
        self.random = xorshift(self.random);
        self.random % most
    }

    /// Waits until some thread is told something.
    fn wait(&mut self) -> (usize, Notice<Memory>) {
        let end = self.now + 2_000_000;
        while self.told.is_empty() {
            assert!(self.now < end, "nothing is told to anybody");
            self.step();
        }
        self.told.remove(0)
    }

    /// A client on kernel 0 calls a server on kernel 1; the outcome, and what both got.
    fn transact(&mut self, asked: usize, answered: usize) -> (Outcome, u32) {
        self.getreq(1);
        self.trans(0, pattern(asked));
        let mut executed = 0;
        let mut outcome = None;
        let mut has_replied = false;
        while outcome.is_none() || executed > 0 && !has_replied {
            match self.wait() {
                (1, Notice::Request { outcome, buffer, .. }) => {
                    let length = outcome.map_or(0, |(_, length)| length) as usize;
                    assert_eq!(buffer.0[..length], pattern(asked).0);
                    executed += 1;
                    self.putrep(1, pattern(answered));
                }
                (1, Notice::Replied { .. }) => has_replied = true,
                (
                    0,
                    Notice::Transaction {
                        outcome: result,
                        buffer,
                        ..
                    },
                ) => {
                    if let Ok((_, length)) = result {
                        assert_eq!(buffer.0[..length as usize], pattern(answered).0);
                    }
                    outcome = Some(result);
                }
                other => panic!("{other:?} was not awaited"),
            }
        }
        if executed == 0 {
            let kernel = &mut self.kernels[1];
            kernel.rpc.abort(self.now, &mut kernel.flip, thread(0));
            while kernel.rpc.next().is_some() {}
        }
        (outcome.expect("it has ended"), executed)
    }

    /// Bytes of the frames behind the Ethernet header, without padding, that carry FLIP packets.
    fn lengths(&mut self) -> Vec<usize> {
        core::mem::take(&mut self.frames)
            .iter()
            .filter(|frame| frame[14] == fragment_control::Kind::Data.code())
            .map(|frame| frame.len() - ethernet::HEADER_LENGTH)
            .collect()
    }
}

#[test]
fn a_null_transaction_is_three_frames_of_98_98_and_66_bytes() {
    let mut cable = Cable::new(2, SMALL_RING);
    assert_eq!(cable.transact(0, 0).0, Ok((reply(0), 0)));
    cable.frames.clear();
    assert_eq!(cable.transact(0, 0).0, Ok((reply(0), 0)));
    assert_eq!(cable.lengths(), [98, 98, 66]);
}

#[test]
fn thirty_thousand_bytes_are_21_fragments_with_a_credit_each() {
    for (ring, most_credits) in [(SMALL_RING, 21), (LARGE_RING, 4)] {
        let mut cable = Cable::new(2, ring);
        cable.transact(0, 0).0.unwrap();
        cable.transact(30_000, 0).0.unwrap();
        cable.frames.clear();
        cable.transact(30_000, 0).0.unwrap();
        let is_credit = |frame: &&Vec<u8>| frame[14] == fragment_control::Kind::Credit.code();
        let credits = cable.frames.iter().filter(is_credit).count();
        let lengths = cable.lengths();
        let fragments = [vec![1500; 20], vec![896 + 42]].concat();
        assert_eq!(lengths[..21], fragments);
        assert_eq!(lengths[21..], [66, 98, 66]);
        assert!(
            credits <= most_credits && credits * 2 >= most_credits,
            "{credits} credits"
        );
    }
}

#[test]
fn a_server_that_was_started_again_is_found_at_its_new_address() {
    let mut cable = Cable::new(2, SMALL_RING);
    cable.transact(0, 0).0.unwrap();
    let kernel = &mut cable.kernels[1];
    kernel.rpc.end_process(cable.now, &mut kernel.flip, 0);
    assert!(matches!(cable.wait(), (1, Notice::Ended { .. })));
    cable.start_process(1);
    let start = cable.now;
    assert_eq!(cable.transact(0, 0), (Ok((reply(0), 0)), 1));
    assert!(cable.now - start < 500, "{}", cable.now - start);
}

#[test]
fn a_server_switched_off_is_a_failure_and_then_not_found() {
    let mut cable = Cable::new(2, SMALL_RING);
    cable.transact(0, 0).0.unwrap();
    cable.kernels[1].is_on = false;
    for expected in [Status::RpcFailure, Status::RpcNotFound] {
        let start = cable.now;
        cable.trans(0, Memory::default());
        let (_, told) = cable.wait();
        let Notice::Transaction { outcome, .. } = told else {
            panic!("{told:?} was not awaited");
        };
        assert_eq!(outcome, Err(expected));
        assert!(
            cable.now - start < limits::longest_search(5200),
            "{}",
            cable.now - start
        );
    }
}

#[test]
fn a_server_switched_off_at_work_is_a_failure_in_bounded_time() {
    let mut cable = Cable::new(2, SMALL_RING);
    cable.getreq(1);
    cable.trans(0, pattern(3000));
    assert!(matches!(cable.wait(), (1, Notice::Request { .. })));
    for _ in 0..100 {
        cable.step();
    }
    cable.kernels[1].is_on = false;
    let start = cable.now;
    let (_, told) = cable.wait();
    assert!(matches!(told, Notice::Transaction { outcome: Err(_), .. }));
    let flip = Milliseconds::from(limits::RETRIES) * limits::LOCATE_TIMEOUT;
    assert!(
        cable.now - start < limits::LONGEST_SILENCE + flip,
        "{}",
        cable.now - start
    );
}

#[test]
fn a_process_that_ends_while_its_message_waits_for_credits_is_gone_at_once() {
    let mut cable = Cable::new(2, SMALL_RING);
    cable.transact(0, 0).0.unwrap();
    // What it learnt of that transaction is no longer asked for.
    while cable.now < 2 * limits::LINGER {
        cable.step();
    }
    cable.kernels[1].is_on = false;
    cable.trans(0, pattern(10_000));
    for _ in 0..5 {
        cable.step();
    }
    // As after a FAIL: the thread is not told before FLIP has read its memory.
    let kernel = &mut cable.kernels[0];
    kernel.rpc.end_transaction(thread(0), Err(Status::RpcFailure));
    assert_eq!(kernel.rpc.next(), None);
    kernel.rpc.end_process(cable.now, &mut kernel.flip, 0);
    assert_eq!(kernel.rpc.next(), Some(Notice::Ended { process: 0 }));
}

proptest! {
    #[test]
    fn calls_over_a_bad_cable_are_executed_once(
        lost_percent in 0..20_u32, seed in any::<u32>(), is_small: bool,
        sizes in proptest::collection::vec((0..20_000_usize, 0..20_000_usize), 1..6),
    ) {
        let mut cable = Cable::new(2, if is_small { SMALL_RING } else { LARGE_RING });
        cable.lost_percent = lost_percent;
        cable.random = seed | 1;
        for (asked, answered) in sizes {
            let (outcome, executed) = cable.transact(asked, answered);
            if outcome.is_ok() {
                prop_assert_eq!(executed, 1);
            }
        }
    }
}
