use std::collections::VecDeque;

use clock::{Instant, Span};
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use wire::{CheckSequence, End, Frame, LEAST_ATTEMPT, Notice, Outcome, Request};

use crate::dp8390::BYTE_TIME;
use crate::slot::{STATION, Slot, settings};
use crate::{Card, Dp8390, LocalMemory};

/// Something that a machine, a program or a cable may do to a card at any time.
#[derive(Clone, Debug)]
enum Act {
    Read(u16),
    Write(u16, u8),
    MemoryRead(u32),
    MemoryWrite(u32, u8),
    /// Starts the controller with a ring; without it arbitrary writes seldom do.
    Start,
    Transmit(u16),
    Wait(u64),
    Wake,
    Reset,
    Sent(Outcome),
    Received(Frame),
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![0x280..0x290_u16, 0x680..0x690_u16, any::<u16>()]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let end = prop_oneof![
        Just(End::Good),
        Just(End::TooManyCollisions),
        Just(End::CarrierLost)
    ];
    (0..=16_u8, any::<bool>(), any::<bool>(), end).prop_map(|(collisions, deferred, late, end)| Outcome {
        collisions,
        deferred,
        late,
        end,
    })
}

fn frame() -> impl Strategy<Value = Frame> {
    let destination = prop_oneof![Just(STATION), Just([0xFF; 6]), any::<[u8; 6]>()];
    let check = prop_oneof![3 => Just(CheckSequence::Right), 1 => Just(CheckSequence::Wrong)];
    let length = prop_oneof![0..80_usize, 0..1600_usize, Just(70_000_usize)];
    (destination, length, check).prop_map(|(destination, length, check)| {
        let mut bytes = destination.to_vec();
        bytes.resize(length, 0x5A);
        Frame::new(&bytes, check)
    })
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => port().prop_map(Act::Read),
        8 => (port(), any::<u8>()).prop_map(|(port, value)| Act::Write(port, value)),
        2 => any::<u32>().prop_map(Act::MemoryRead),
        2 => (any::<u32>(), any::<u8>()).prop_map(|(offset, value)| Act::MemoryWrite(offset, value)),
        2 => Just(Act::Start),
        3 => prop_oneof![0..2000_u16, any::<u16>()].prop_map(Act::Transmit),
        4 => (0..3_000_000_u64).prop_map(Act::Wait),
        1 => Just(Act::Wake),
        1 => Just(Act::Reset),
        4 => outcome().prop_map(Act::Sent),
        6 => frame().prop_map(Act::Received),
    ]
}

fn perform(slot: &mut Slot, act: Act) {
    match act {
        Act::Read(port) => {
            slot.read(port);
        }
        Act::Write(port, value) => slot.write(port, value),
        Act::MemoryRead(offset) => {
            slot.memory_read(offset);
        }
        Act::MemoryWrite(offset, value) => slot.memory_write(offset, value),
        Act::Start => start(slot),
        Act::Transmit(count) => {
            let [low, high] = count.to_le_bytes();
            for (port, value) in [(0x285, low), (0x286, high), (0x280, 0x26)] {
                slot.write(port, value);
            }
        }
        Act::Wait(nanoseconds) => slot.wait(Span::from_nanoseconds(nanoseconds)),
        Act::Wake => slot.call(Card::wake),
        Act::Reset => slot.call(Card::reset),
        Act::Sent(outcome) => slot.notice(Notice::Sent {
            at: slot.now,
            outcome,
        }),
        Act::Received(frame) => slot.receive(frame),
    }
}

fn start(slot: &mut Slot) {
    for (port, value) in [(0x686, 0x02), (0x685, 0x49), (0x688, 0x20), (0x280, 0x21)] {
        slot.write(port, value);
    }
    for (register, value) in [
        (14, 0x28),
        (12, 0x1F),
        (13, 0),
        (1, 0x26),
        (2, 0x40),
        (3, 0x26),
        (15, 0x7F),
    ] {
        slot.write(0x280 + register, value);
    }
    for (port, value) in [(0x280, 0x61), (0x287, 0x27), (0x280, 0x22)] {
        slot.write(port, value);
    }
}

/// The cable's side: what is outstanding.
#[derive(Default)]
struct Cable {
    outstanding: Option<Instant>,
}

impl Cable {
    /// What the card has asked for since then.
    fn take(&mut self, slot: &mut Slot, since: Instant, was_answered: bool) -> Result<(), TestCaseError> {
        if was_answered
            && self
                .outstanding
                .is_some_and(|ready| ready + LEAST_ATTEMPT <= slot.now)
        {
            self.outstanding = None;
        }
        for request in slot.card.take_requests() {
            match request {
                Request::Transmit { ready, .. } => {
                    prop_assert!(self.outstanding.is_none(), "one transmission at a time");
                    prop_assert!(ready >= since + crate::SHORTEST_FIFO_FILL);
                    self.outstanding = Some(ready);
                }
                Request::Withdraw { at } => {
                    prop_assert!(
                        self.outstanding.take().is_some(),
                        "only what was asked for is withdrawn"
                    );
                    prop_assert_eq!(at, slot.now);
                }
                Request::OffsetBackoff { at, .. } | Request::Connect { at, .. } => {
                    prop_assert_eq!(at, slot.now);
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn whatever_is_done_to_a_card_it_drives_its_own_lines_and_asks_for_one_transmission_at_a_time(
        acts in prop::collection::vec(act(), 1..200),
    ) {
        let mut slot = Slot::new(&settings());
        let mut cable = Cable::default();
        for act in acts {
            let (was_answered, since) = (matches!(act, Act::Sent(_)), slot.now);
            perform(&mut slot, act);
            cable.take(&mut slot, since, was_answered)?;
            let own_lines = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9;
            prop_assert_eq!(slot.lines & !own_lines, 0);
            let nothing = Frame::new(&[], CheckSequence::Wrong);
            slot.receive(nothing.clone());
            let copy = slot.card.clone();
            slot.receive(nothing);
            prop_assert!(slot.card == copy, "a frame of no bytes is nothing");
        }
    }

    #[test]
    fn a_card_does_the_same_when_its_alarm_rings_late(
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let mut punctual = Slot::new(&settings());
        let mut late = punctual.clone();
        for act in acts {
            if let Act::Wait(nanoseconds) = act {
                late.now += Span::from_nanoseconds(nanoseconds);
            } else if !matches!(act, Act::Wake) {
                perform(&mut late, act.clone());
            }
            perform(&mut punctual, act);
        }
        late.call(Card::wake);
        punctual.call(Card::wake);
        prop_assert!(late.card == punctual.card, "the cards differ");
        prop_assert_eq!(late.lines, punctual.lines);
    }
}

/// Where a driver leaves BNRY when it has removed packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    /// At the first packet that it has not read (data sheet, section 7).
    FirstUnread,
    /// One page before it, as most drivers do.
    PageBefore,
}

#[derive(Clone, Debug)]
enum Step {
    /// A frame of so many bytes, check sequence included.
    Arrive(usize),
    /// The driver removes so many packets, if there are so many.
    Remove(usize),
}

/// A receive ring in use: the chip's side, the driver's, and what must be in it.
struct Ring {
    chip: Dp8390,
    memory: LocalMemory,
    now: Instant,
    start: u8,
    stop: u8,
    policy: Policy,
    next: u8,
    unread: VecDeque<(Frame, usize)>,
    has_overflowed: bool,
}

impl Ring {
    fn new(start: u8, stop: u8, policy: Policy, first: u8) -> Self {
        let (chip, memory) = (Dp8390::new(), LocalMemory::new(0x20, 0x20));
        let mut ring = Self {
            chip,
            memory,
            now: Instant::START + Span::from_seconds(1),
            start,
            stop,
            policy,
            next: first,
            unread: VecDeque::new(),
            has_overflowed: false,
        };
        let boundary = ring.boundary();
        for (offset, value) in [
            (0, 0x21),
            (14, 0x28),
            (12, 0x10),
            (1, start),
            (2, stop),
            (3, boundary),
            (0, 0x61),
            (7, first),
            (0, 0x22),
        ] {
            ring.write(offset, value);
        }
        ring
    }

    fn write(&mut self, offset: u8, value: u8) {
        self.chip.write(offset, value, self.now, &self.memory);
    }

    fn boundary(&self) -> u8 {
        match self.policy {
            Policy::FirstUnread => self.next,
            Policy::PageBefore if self.next == self.start => self.stop - 1,
            Policy::PageBefore => self.next - 1,
        }
    }

    fn current(&mut self) -> u8 {
        self.write(0, 0x62);
        let current = self.chip.read(7, self.now);
        self.write(0, 0x22);
        current
    }

    fn arrive(&mut self, length: usize, number: usize) -> Result<(), TestCaseError> {
        let mut bytes: Vec<u8> = (0..length - 4)
            .map(|i| (i.wrapping_mul(31) ^ number.wrapping_mul(7)) as u8)
            .collect();
        bytes[0] = 2;
        let frame = Frame::new(&bytes, CheckSequence::Right);
        let before = self.chip.counts();
        self.now += Span::from_milliseconds(2);
        let begin = self.now - BYTE_TIME * frame.length();
        self.chip.received(self.now, begin, frame.clone(), self.now);
        self.now += Span::from_microseconds(10);
        self.chip.advance(self.now, &mut self.memory);
        let pages = (length + 4).div_ceil(256);
        let used: usize = self.unread.iter().map(|(_, pages)| pages).sum();
        let reserved = usize::from(self.policy == Policy::PageBefore);
        let fits = used + reserved + pages <= usize::from(self.stop - self.start);
        let is_stored = self.chip.counts().received > before.received;
        prop_assert_eq!(is_stored, fits && !self.has_overflowed);
        prop_assert_eq!(self.chip.counts().missed > before.missed, !is_stored);
        if is_stored {
            self.unread.push_back((frame, pages));
        } else {
            self.has_overflowed = true;
        }
        prop_assert_eq!(self.chip.read(7, self.now) & 0x80 != 0, self.has_overflowed);
        Ok(())
    }

    /// Follows the headers from the first unread packet to CURR and compares every packet.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let mut page = self.next;
        for (frame, _) in &self.unread {
            let header = u16::from(page) << 8;
            let count = u16::from_le_bytes([self.memory.read(header | 2), self.memory.read(header | 3)]);
            prop_assert_eq!(usize::from(count), frame.bytes().len() + 4);
            let end = u16::from(self.stop) << 8;
            let round = u16::from(self.stop - self.start) << 8;
            let data: Vec<u8> = (header + 4..header + count)
                .map(|address| {
                    self.memory
                        .read(if address < end { address } else { address - round })
                })
                .collect();
            prop_assert!(data == frame.bytes(), "a packet in the ring has changed");
            page = self.memory.read(header | 1);
            prop_assert!(
                (self.start..self.stop).contains(&page),
                "the next packet lies in the ring"
            );
        }
        prop_assert_eq!(page, self.current());
        Ok(())
    }

    fn remove(&mut self, packets: usize) {
        for _ in 0..packets.min(self.unread.len()) {
            self.next = self.memory.read(u16::from(self.next) << 8 | 1);
            self.unread.pop_front();
        }
        let boundary = self.boundary();
        self.write(3, boundary);
        self.has_overflowed = false;
    }
}

fn ring() -> impl Strategy<Value = (u8, u8, Policy, u8)> {
    let policy = prop_oneof![Just(Policy::FirstUnread), Just(Policy::PageBefore)];
    (0x20..0x39_u8, 8..=0x20_u8, policy, any::<u8>()).prop_map(|(start, pages, policy, first)| {
        let stop = (start + pages).min(0x40);
        (start, stop, policy, start + first % (stop - start))
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop_oneof![64..=1518_usize, (0..6_usize).prop_map(|pages| 252 + 256 * pages)].prop_map(Step::Arrive),
        2 => (1..4_usize).prop_map(Step::Remove),
    ]
}

proptest! {
    #[test]
    fn what_the_ring_has_room_for_is_read_back_as_it_arrived_and_never_stored_over(
        (start, stop, policy, first) in ring(),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut ring = Ring::new(start, stop, policy, first);
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Arrive(length) => ring.arrive(length, number)?,
                // A driver that finds nothing to read does not touch BNRY.
                Step::Remove(_) if ring.unread.is_empty() && !ring.has_overflowed => {}
                Step::Remove(packets) => ring.remove(packets),
            }
            ring.check()?;
        }
    }
}
