//! Whatever comes from the network, and in whatever order calls are made: nothing panics, and what is kept stays small.

use super::card::{Card, INTERFACE, Kernel, Memory};
use super::lab::{GET_PORT, pattern, request};
use crate::flip::packet::Packet;
use crate::flip::types::{Body, Event, MessageId, Milliseconds, ReportFlags};
use crate::rpc::{Rpc, Size, ThreadId, limits};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::prop_oneof;
use proto::capability::Port;
use proto::flip::{self, Address};
use proto::one_way::one_way;
use proto::raw_flip::USER_SPACE;
use proto::rpc::{Flags, Header};
use std::vec::Vec;

const KERNEL: [u8; 8] = [1; 8];
const STRANGER: Address = Address([7; 8]);

#[derive(Clone, Debug)]
enum Deed {
    /// A packet from a stranger: to whom, place and length of the message, what.
    Packet(Address, u32, u32, Vec<u8>),
    Sent(u32),
    NotDelivered(u32, u32),
    Trans(ThreadId, usize, usize),
    Getreq(ThreadId, usize),
    Putrep(ThreadId, usize),
    Forward(ThreadId),
    Signal(ThreadId),
    Abort(ThreadId),
    Cleanup(ThreadId),
    EndThread(ThreadId),
    EndProcess(u16),
    StartProcess(u16),
    Wait(Milliseconds),
}

fn private(process: u16) -> Address {
    Address([2 + 2 * process as u8; 8])
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        4 => (0..2_u16).prop_map(|process| private(process).public()),
        1 => any::<bool>().prop_map(|_| Address::NULL),
    ]
}

/// Headers that come close to what is awaited.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let header = (
        1..=11_u8,
        any::<u8>(),
        0..6_u32,
        0..3_u16,
        0..3_u16,
        any::<bool>(),
        any::<bool>(),
    );
    let plausible = (header, 0..1400_usize, any::<bool>()).prop_map(|(header, length, is_broadcast)| {
        let (kind, flags, transaction, destination, source, is_known_port, is_own) = header;
        let header = Header {
            kernel: if is_own { KERNEL } else { [5; 8] },
            port: if is_known_port {
                one_way(GET_PORT)
            } else {
                Port([3; 6])
            },
            kind: proto::rpc::Kind::from_code(kind).unwrap(),
            flags: Flags::from_bits_retain(flags & 0x1e),
            transaction,
            destination,
            source,
        };
        let mut bytes = Vec::new();
        if is_broadcast {
            bytes.extend([0, 0, 0, 1]);
        }
        bytes.extend(header.emit());
        bytes.extend(std::iter::repeat_n(0, length));
        bytes
    });
    prop_oneof![5 => plausible, 1 => vec(any::<u8>(), 0..100)]
}

fn packet() -> impl Strategy<Value = Deed> {
    let offset = prop_oneof![5 => 0..1_u32, 2 => 0..3000_u32, 1 => any::<u32>()];
    let extra = prop_oneof![3 => 0..1_u32, 2 => 0..3000_u32, 1 => any::<u32>()];
    (address(), offset, extra, message()).prop_map(|(to, offset, extra, bytes)| {
        let total = extra.wrapping_add(bytes.len() as u32);
        Deed::Packet(to, offset, total, bytes)
    })
}

fn deed() -> impl Strategy<Value = Deed> {
    let thread = || (0..2_u16, 0..3_u16).prop_map(|(process, thread)| ThreadId { process, thread });
    let call = prop_oneof![
        3 => (thread(), 0..4000_usize, 0..4000_usize).prop_map(|(id, n, m)| Deed::Trans(id, n, m)),
        3 => (thread(), 0..4000_usize).prop_map(|(id, n)| Deed::Getreq(id, n)),
        3 => (thread(), 0..4000_usize).prop_map(|(id, n)| Deed::Putrep(id, n)),
        1 => thread().prop_map(Deed::Forward),
        1 => thread().prop_map(Deed::Signal),
        1 => thread().prop_map(Deed::Abort),
        1 => thread().prop_map(Deed::Cleanup),
    ];
    let life = prop_oneof![
        thread().prop_map(Deed::EndThread),
        (0..2_u16).prop_map(Deed::EndProcess),
        (0..2_u16).prop_map(Deed::StartProcess),
    ];
    prop_oneof![
        8 => packet(),
        2 => (1..60_u32).prop_map(Deed::Sent),
        1 => (1..60_u32, 0..64_u32).prop_map(|(message, flags)| Deed::NotDelivered(message, flags)),
        5 => call,
        1 => life,
        3 => (0..30_000_u64).prop_map(Deed::Wait),
    ]
}

struct Victim {
    rpc: Kernel,
    card: Card,
    now: Milliseconds,
    stranger: Address,
    messages: u32,
    packets: u32,
}

impl Victim {
    fn new() -> Victim {
        let mut victim = Victim {
            rpc: Rpc::new(0, INTERFACE, KERNEL),
            card: Card::default(),
            now: 0,
            stranger: STRANGER,
            messages: 0,
            packets: 0,
        };
        victim.rpc.open(&mut victim.card).unwrap();
        victim.do_it(Deed::StartProcess(0));
        victim.do_it(Deed::StartProcess(1));
        victim
    }

    /// Calls may be misuse, which is told and does nothing.
    fn do_it(&mut self, deed: Deed) {
        let (now, rpc, card) = (self.now, &mut self.rpc, &mut self.card);
        let interface = INTERFACE;
        let header = request(1);
        match deed {
            Deed::Packet(to, offset, total, bytes) => {
                self.messages += u32::from(offset == 0);
                self.packets += 1;
                let event = Event::Received {
                    interface,
                    to,
                    from: self.stranger,
                    message: self.messages,
                    offset,
                    length: bytes.len() as u32,
                    total,
                    flags: flip::Flags::empty(),
                    body: Body::Packet(Packet::new(&bytes)),
                };
                rpc.event(now, card, event);
            }
            Deed::Sent(message) => {
                let message = MessageId(message);
                rpc.event(now, card, Event::Sent { interface, message });
            }
            Deed::NotDelivered(message, flags) => {
                let event = Event::NotDelivered {
                    interface,
                    to: STRANGER,
                    message: MessageId(message),
                    flags: ReportFlags::from_bits_truncate(flags),
                    data: None,
                };
                rpc.event(now, card, event);
            }
            Deed::Trans(id, n, m) => {
                let _ = rpc.trans(now, card, id, Size::Short, &header, pattern(n), pattern(m));
            }
            Deed::Getreq(id, n) => {
                let _ = rpc.getreq(id, Size::Short, GET_PORT, pattern(n));
            }
            Deed::Putrep(id, n) => {
                let _ = rpc.putrep(now, card, id, Size::Short, &header, pattern(n));
            }
            Deed::Forward(id) => {
                let _ = rpc.forward(now, card, id, private(1).public());
            }
            Deed::Signal(id) => rpc.signal(now, card, id),
            Deed::Abort(id) => rpc.abort(now, card, id),
            Deed::Cleanup(id) => rpc.cleanup(now, card, id),
            Deed::EndThread(id) => rpc.end_thread(now, card, id),
            Deed::EndProcess(process) => rpc.end_process(now, card, process),
            Deed::StartProcess(process) => {
                let _ = rpc.start_process(card, process, private(process));
            }
            Deed::Wait(time) => {
                for _ in 0..time / 1000 {
                    self.now += 1000;
                    rpc.sweep(self.now, card);
                }
            }
        }
        while self.rpc.next().is_some() {}
    }
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_a_kernel_panic(deeds in vec(deed(), 0..80)) {
        let mut victim = Victim::new();
        for deed in deeds {
            victim.do_it(deed);
        }
        prop_assert_eq!(victim.card.released, victim.packets);
    }

    #[test]
    fn a_flood_of_headers_leaves_little_behind(headers in vec(message(), 500)) {
        let mut victim = Victim::new();
        victim.do_it(Deed::Getreq(ThreadId { process: 0, thread: 0 }, 100));
        for bytes in headers {
            let total = bytes.len() as u32;
            victim.do_it(Deed::Packet(private(0).public(), 0, total, bytes));
        }
        let answers = victim.card.sent.len();
        prop_assert!(answers <= 500, "{} answers to 500 packets", answers);
        prop_assert!(victim.rpc.ports.find(Port([3; 6])).is_none());
    }
}

proptest! {
    #[test]
    fn what_a_program_makes_up_is_no_transaction(headers in vec((address(), message()), 50)) {
        let mut victim = Victim::new();
        victim.stranger.0[7] = USER_SPACE;
        let (client, server) = (ThreadId { process: 0, thread: 0 }, ThreadId { process: 1, thread: 0 });
        victim.do_it(Deed::Getreq(server, 100));
        victim.do_it(Deed::Trans(client, 10, 10));
        let sent = victim.card.sent.len();
        for (to, bytes) in headers {
            let total = bytes.len() as u32;
            victim.do_it(Deed::Packet(to, 0, total, bytes));
        }
        prop_assert_eq!(victim.card.sent.len(), sent);
        prop_assert_eq!(victim.card.released, victim.packets);
    }
}

#[test]
fn fragments_beyond_the_message_and_too_many_gaps_are_ignored() {
    use crate::rpc::assembly::Assembly;
    let header = Header::parse(&{
        let mut bytes = [0; 24];
        bytes[14] = 3;
        bytes
    });
    let mut assembly = Assembly::new(STRANGER, 1, header.unwrap(), request(1), 1000);
    let mut buffer = Memory(std::vec![0; 944]);
    assembly.take(0, 0, &[0; 56], &mut buffer);
    for offset in [990, 1000, u32::MAX] {
        assembly.take(0, offset, &[1; 20], &mut buffer);
    }
    for gap in 0..2 * limits::GAPS as u32 {
        assembly.take(0, 58 + 2 * gap, &[1], &mut buffer);
    }
    assert_eq!(buffer.0.iter().filter(|byte| **byte == 1).count(), limits::GAPS);
    assembly.take(0, 56, &[2; 944], &mut buffer);
    assert!(assembly.is_whole());
    assert_eq!(buffer.0, [2; 944]);
}
