use super::{Event, Exchange, Failure, MOST_PEERS, Tally};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proto::ethernet::{Address, ETHERTYPE_EXPERIMENT, LONGEST};
use proto::exchange::{Header, Kind, PAYLOAD_START, frame_length, xorshift};
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

fn address(number: usize) -> Address {
    Address([0x02, 0x60, 0x8c, 0, 0, number as u8])
}

/// A wire on which frames are lost, doubled and delayed, in percent and milliseconds.
#[derive(Clone, Copy, Debug)]
struct Mishaps {
    lost: u32,
    doubled: u32,
    longest_delay: u32,
}

const NONE: Mishaps = Mishaps {
    lost: 0,
    doubled: 0,
    longest_delay: 1,
};

struct Network {
    machines: Vec<Exchange>,
    events: Vec<Vec<Event>>,
    on_the_wire: BTreeMap<(u32, u32), Vec<u8>>,
    mishaps: Mishaps,
    random: u32,
    sent: u32,
}

impl Network {
    fn new(count: usize, peers: usize, frames: u32, mishaps: Mishaps, seed: u32) -> Network {
        let machines = (0..count)
            .map(|number| Exchange::new(address(number), peers, frames, 0))
            .collect();
        let events = vec![Vec::new(); count];
        Network {
            machines,
            events,
            on_the_wire: BTreeMap::new(),
            mishaps,
            random: seed | 1,
            sent: 0,
        }
    }

    fn chance(&mut self, below: u32) -> u32 {
        self.random = xorshift(self.random);
        self.random % below
    }

    fn send(&mut self, frame: &[u8], now: u32) {
        let copies = if self.chance(100) < self.mishaps.doubled {
            2
        } else {
            1
        };
        for _ in 0..copies {
            self.sent += 1;
            if self.chance(100) >= self.mishaps.lost {
                let arrival = now + 1 + self.chance(self.mishaps.longest_delay);
                self.on_the_wire.insert((arrival, self.sent), frame.to_vec());
            }
        }
    }

    fn deliver(&mut self, now: u32) {
        while let Some(entry) = self
            .on_the_wire
            .first_entry()
            .filter(|entry| entry.key().0 <= now)
        {
            let frame = entry.remove();
            let destination = Address(frame[..6].try_into().unwrap());
            for (number, machine) in self.machines.iter_mut().enumerate() {
                if destination == Address::BROADCAST || destination == address(number) {
                    machine.receive(&frame, now);
                }
            }
        }
    }

    /// Lets `milliseconds` go by, with a look at each machine every 10 ms.
    fn run(&mut self, milliseconds: u32) {
        let mut buffer = [0; LONGEST];
        for now in (0..milliseconds).step_by(10) {
            self.deliver(now);
            for number in 0..self.machines.len() {
                while let Some(event) = self.machines[number].poll(now) {
                    self.events[number].push(event);
                }
                while let Some(length) = self.machines[number].transmit(&mut buffer, now) {
                    self.send(&buffer[..length], now);
                }
            }
        }
    }

    fn outcomes(&self) -> Vec<Option<Event>> {
        self.events.iter().map(|events| events.get(1).copied()).collect()
    }
}

fn bytes(frames: u32) -> u64 {
    (0..frames).map(|sequence| frame_length(sequence) as u64).sum()
}

fn data(source: Address, sequence: u32) -> Vec<u8> {
    let mut frame = vec![0; frame_length(sequence)];
    Header {
        destination: address(0),
        source,
        kind: Kind::Data,
        sequence,
    }
    .emit(&mut frame);
    frame
}

#[test]
fn two_machines_on_a_good_wire_exchange_everything_without_sending_again() {
    let mut network = Network::new(2, 1, 1000, NONE, 1);
    network.run(20_000);
    let tally = Tally {
        sent: 1000,
        received: 1000,
        bytes: bytes(1000),
        resent: 0,
        bad: 0,
    };
    assert_eq!(network.outcomes(), [Some(Event::Done(tally)); 2]);
}

#[test]
fn neighbours_by_address_are_partners() {
    let mut network = Network::new(4, 3, 1, NONE, 1);
    network.run(1000);
    for (number, partner) in [(0, 1), (1, 0), (2, 3), (3, 2)] {
        assert_eq!(
            network.events[number][0],
            Event::Found {
                peers: 3,
                partner: Some(address(partner))
            }
        );
    }
}

#[test]
fn the_last_of_an_odd_number_answers_only() {
    let mut network = Network::new(3, 2, 10, NONE, 1);
    network.run(2000);
    assert_eq!(
        network.events[2],
        [Event::Found {
            peers: 2,
            partner: None
        }]
    );
    assert!(matches!(
        network.outcomes()[..2],
        [Some(Event::Done(_)), Some(Event::Done(_))]
    ));
}

#[test]
fn an_exchange_has_timers_until_its_outcome_is_told() {
    let mut network = Network::new(2, 1, 10, NONE, 1);
    assert!(network.machines.iter().all(Exchange::has_timers));
    network.run(20);
    assert!(network.machines.iter().all(Exchange::has_timers));
    network.run(2000);
    assert!(network.outcomes().iter().all(Option::is_some));
    assert!(!network.machines.iter().any(Exchange::has_timers));
}

#[test]
fn a_machine_that_starts_late_is_answered() {
    let mut network = Network::new(1, 0, 0, NONE, 1);
    network.run(1000);
    network.machines.push(Exchange::new(address(1), 1, 0, 0));
    network.events.push(Vec::new());
    network.run(1000);
    assert_eq!(
        network.events[1][0],
        Event::Found {
            peers: 1,
            partner: Some(address(0))
        }
    );
}

#[test]
fn hellos_do_not_keep_the_same_step() {
    let mut buffer = [0; LONGEST];
    let mut times = |number| -> Vec<u32> {
        let mut machine = Exchange::new(address(number), 1, 1, 0);
        (0..2000)
            .filter(|now| machine.transmit(&mut buffer, *now).is_some())
            .collect()
    };
    let (first, second) = (times(1), times(2));
    assert!((16..=25).contains(&first.len()));
    assert_ne!(first, second);
}

#[test]
fn a_frame_with_a_wrong_length_is_bad_and_not_acknowledged() {
    let mut machine = Exchange::new(address(0), 2, 1, 0);
    let mut frame = data(address(1), 5);
    frame[22] = 6;
    machine.receive(&frame, 0);
    assert_eq!((machine.bad, machine.peers[0].owed_acknowledgement), (1, false));
}

#[test]
fn a_damaged_frame_makes_the_exchange_fail() {
    let mut network = Network::new(2, 1, 10, NONE, 1);
    let mut frame = data(address(1), 0);
    frame[PAYLOAD_START] ^= 1;
    network.machines[0].receive(&frame, 0);
    network.run(2000);
    assert!(matches!(
        network.outcomes()[0],
        Some(Event::Failed(Failure::BadFrames, Tally { bad: 1, .. }))
    ));
    assert!(matches!(network.outcomes()[1], Some(Event::Done(_))));
}

#[test]
fn a_partner_that_vanishes_is_reported() {
    let mut machine = Exchange::new(address(0), 1, 5, 0);
    machine.receive(&data(address(1), 0), 0);
    let mut buffer = [0; LONGEST];
    let mut events = Vec::new();
    for now in (0..100_000).step_by(10) {
        events.extend(machine.poll(now));
        while machine.transmit(&mut buffer, now).is_some() {}
    }
    assert!(matches!(
        events[1],
        Event::Failed(
            Failure::NotAcknowledged,
            Tally {
                sent: 0,
                received: 1,
                ..
            }
        )
    ));
    assert_eq!(events.len(), 2);
}

#[test]
fn a_partner_that_only_acknowledges_is_reported() {
    let mut network = Network::new(2, 1, 5, NONE, 1);
    network.machines[1] = Exchange::new(address(1), 1, 0, 0);
    network.run(70_000);
    assert!(matches!(
        network.outcomes()[0],
        Some(Event::Failed(Failure::Silence, Tally { sent: 5, .. }))
    ));
}

#[test]
fn more_machines_than_can_be_remembered_are_ignored() {
    let mut machine = Exchange::new(address(0), MOST_PEERS, 1, 0);
    for number in 1..=MOST_PEERS + 5 {
        machine.receive(&data(address(number), 0), 0);
    }
    assert_eq!(machine.known, MOST_PEERS);
}

#[test]
fn the_outcome_is_told_in_a_line() {
    let tally = Tally {
        sent: 1000,
        received: 999,
        bytes: 787_000,
        resent: 3,
        bad: 0,
    };
    let expected = "exchange ok: 1000 frames sent, 999 received, 787000 bytes, 3 resent, 0 bad";
    assert_eq!(std::format!("{}", Event::Done(tally)), expected);
}

proptest! {
    #[test]
    fn whatever_the_wire_does_everything_arrives_once(
        machines in 2..=7_usize, lost in 0..30_u32, doubled in 0..30_u32, longest_delay in 1..300_u32, seed: u32,
    ) {
        let mut network = Network::new(machines, machines - 1, 25, Mishaps { lost, doubled, longest_delay }, seed);
        network.run(200_000);
        for outcome in &network.outcomes()[..machines / 2 * 2] {
            let Some(Event::Done(tally)) = outcome else { panic!("{outcome:?}") };
            prop_assert_eq!((tally.sent, tally.received, tally.bytes, tally.bad), (25, 25, bytes(25), 0));
        }
    }

    #[test]
    fn no_frame_makes_a_machine_panic(
        frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..120), 0..50), typed: bool,
    ) {
        let mut machine = Exchange::new(address(0), 1, 10, 0);
        let mut buffer = [0; LONGEST];
        for (now, mut frame) in (0..).zip(frames) {
            if typed && frame.len() > 18 {
                frame[12..14].copy_from_slice(&ETHERTYPE_EXPERIMENT.to_be_bytes());
                frame[14..18].copy_from_slice(&proto::exchange::MAGIC.to_le_bytes());
            }
            machine.receive(&frame, now);
            machine.poll(now);
            while let Some(length) = machine.transmit(&mut buffer, now) {
                prop_assert!((60..=LONGEST).contains(&length));
            }
        }
    }
}
