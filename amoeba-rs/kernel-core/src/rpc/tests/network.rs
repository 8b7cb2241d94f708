//! Machines with this module on a network that loses, doubles, delays and reorders packets, as a stand-in for FLIP.

use super::card::{Card, INTERFACE, Kernel, Memory, Outgoing, Sent, Told, bytes};
use crate::flip::packet::Packet;
use crate::flip::types::{Body, Event, MessageId, Milliseconds, ReportFlags, SendFlags};
use crate::rpc::{Message, Rpc};
use proto::flip::{Address, Flags};
use proto::rpc::Header;
use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

/// Bytes of a packet's data.
const FRAGMENT: u32 = 1458;

/// What the network does to packets, in percent and milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    pub(super) lost: u32,
    pub(super) doubled: u32,
    /// Packets take between one millisecond and this, so they overtake each other.
    pub(super) slowest: u32,
}

pub(super) const GOOD: Faults = Faults {
    lost: 0,
    doubled: 0,
    slowest: 1,
};

#[derive(Clone, Debug)]
struct Packed {
    sender: usize,
    /// Which of its starts sent it.
    sender_start: u32,
    to: Address,
    from: Address,
    message: MessageId,
    /// When it leaves the sender.
    departure: Milliseconds,
    offset: u32,
    total: u32,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Happening {
    Packet {
        machine: usize,
        packed: Packed,
    },
    Gone {
        machine: usize,
        message: MessageId,
    },
    Undelivered {
        machine: usize,
        to: Address,
        message: MessageId,
        flags: ReportFlags,
    },
}

pub(super) struct Machine {
    pub(super) rpc: Kernel,
    pub(super) card: Card,
    /// Counts the machine's starts, so that what is meant for an earlier one is lost.
    start: u32,
    pub(super) is_on: bool,
}

/// The machines and their network.
pub(super) struct Network {
    pub(super) now: Milliseconds,
    pub(super) machines: Vec<Machine>,
    pub(super) faults: Faults,
    /// The packet that is lost, counted from the next one, which is 0.
    pub(super) lose_packet: Option<u32>,
    /// Pairs that do not hear each other.
    pub(super) cuts: BTreeSet<(usize, usize)>,
    happenings: BTreeMap<(Milliseconds, u64), (u32, Happening)>,
    count: u64,
    random: u64,
    /// Headers of all unicast messages, in order, with their length.
    pub(super) trace: Vec<(Header, u32)>,
    pub(super) is_traced: bool,
    /// How far the broadcasts went, and when.
    pub(super) broadcasts: Vec<(Milliseconds, u16)>,
}

impl Network {
    pub(super) fn new(machines: usize, faults: Faults, seed: u64) -> Network {
        let mut network = Network {
            now: 1000,
            machines: Vec::new(),
            faults,
            lose_packet: None,
            cuts: BTreeSet::new(),
            happenings: BTreeMap::new(),
            count: 0,
            random: seed.wrapping_mul(2) | 1,
            trace: Vec::new(),
            is_traced: true,
            broadcasts: Vec::new(),
        };
        for number in 0..machines {
            network.machines.push(Machine {
                rpc: Rpc::new(0, INTERFACE, [number as u8; 8]),
                card: Card::default(),
                start: 0,
                is_on: false,
            });
            network.start(number);
        }
        network
    }

    /// Switches a machine on, with one process.
    pub(super) fn start(&mut self, number: usize) {
        let machine = &mut self.machines[number];
        let start = machine.start + 1;
        let mut kernel = [0xc0; 8];
        kernel[0] = number as u8;
        kernel[1..5].copy_from_slice(&start.to_le_bytes());
        *machine = Machine {
            rpc: Rpc::new(self.now, INTERFACE, kernel),
            card: Card::default(),
            start,
            is_on: true,
        };
        machine.rpc.open(&mut machine.card).unwrap();
        self.start_process(number, 0);
    }

    pub(super) fn start_process(&mut self, number: usize, process: u16) {
        let private = self.private();
        let machine = &mut self.machines[number];
        machine
            .rpc
            .start_process(&mut machine.card, process, private)
            .unwrap();
    }

    /// A private address that no process has had. The lowest bit of each byte of a DES key does not count.
    fn private(&mut self) -> Address {
        self.count += 1;
        let digits = [0, 7, 14, 21].map(|shift| (self.count >> shift) as u8 & 0x7f);
        let [a, b, c, d] = digits.map(|digit| digit << 1);
        Address([a, b, c, d, 2, 0, 0, 0])
    }

    pub(super) fn power_off(&mut self, number: usize) {
        self.machines[number].is_on = false;
        self.machines[number].card = Card::default();
    }

    pub(super) fn chance(&mut self, below: u32) -> u32 {
        // xorshift64 (Marsaglia 2003, shifts 13, 7, 17).
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        ((self.random >> 32) % u64::from(below.max(1))) as u32
    }

    fn later(&mut self, delay: Milliseconds, machine: usize, happening: Happening) {
        self.count += 1;
        let start = self.machines[machine].start;
        self.happenings
            .insert((self.now + delay, self.count), (start, happening));
    }

    /// Who has an address: itself, if it is on.
    fn owner(&self, address: Address) -> Option<usize> {
        self.machines
            .iter()
            .position(|machine| machine.is_on && machine.card.endpoints.contains(&Some(address)))
    }

    /// Takes what the machines have sent since.
    pub(super) fn collect(&mut self) {
        for sender in 0..self.machines.len() {
            for sent in std::mem::take(&mut self.machines[sender].card.sent) {
                match sent {
                    Sent::Unicast(outgoing, to) => self.unicast(sender, outgoing, to),
                    Sent::Broadcast(outgoing, hops) => self.broadcast(sender, outgoing, hops),
                }
            }
            for message in std::mem::take(&mut self.machines[sender].card.cancelled) {
                self.take_back(sender, message);
            }
        }
    }

    /// What has not left the sender of a message does not, and it hears nothing more of it.
    fn take_back(&mut self, sender: usize, message: MessageId) {
        let (now, own_start) = (self.now, self.machines[sender].start);
        self.happenings.retain(|_, (start, happening)| match happening {
            Happening::Packet { packed, .. } => {
                let is_of =
                    (packed.sender, packed.sender_start, packed.message) == (sender, own_start, message);
                !is_of || packed.departure <= now
            }
            Happening::Gone { machine, message: of }
            | Happening::Undelivered {
                machine, message: of, ..
            } => (*machine, *start, *of) != (sender, own_start, message),
        });
    }

    fn unicast(&mut self, sender: usize, outgoing: Outgoing, to: Address) {
        let all = bytes(&outgoing.data);
        if self.is_traced {
            self.trace.push((Header::parse(&all).unwrap(), all.len() as u32));
        }
        let message = outgoing.message;
        let owner = self.owner(to);
        let is_lost = owner.is_none_or(|owner| self.cuts.contains(&(sender, owner)));
        if is_lost && (owner.is_none() || outgoing.flags.contains(SendFlags::INVALIDATE)) {
            // FLIP looks for the address in vain. Of an address it does not hear of it does not know that it is gone.
            let flags = ReportFlags::empty();
            self.later(
                outgoing.locate,
                sender,
                Happening::Undelivered {
                    machine: sender,
                    to,
                    message,
                    flags,
                },
            );
            return;
        }
        let total = all.len() as u32;
        let fragments: Milliseconds = total.div_ceil(FRAGMENT).into();
        self.later(
            fragments,
            sender,
            Happening::Gone {
                machine: sender,
                message,
            },
        );
        let Some(owner) = owner.filter(|_| !is_lost) else {
            return;
        };
        for (place, part) in (0..).zip(all.chunks(FRAGMENT as usize)) {
            let packed = Packed {
                sender,
                sender_start: self.machines[sender].start,
                to,
                from: outgoing.from,
                message,
                departure: self.now + place,
                offset: place as u32 * FRAGMENT,
                total,
                bytes: part.to_vec(),
            };
            self.carry(owner, packed, place);
        }
    }

    /// Brings a packet to a machine, perhaps.
    fn carry(&mut self, machine: usize, packed: Packed, after: Milliseconds) {
        if let Some(place) = self.lose_packet {
            self.lose_packet = place.checked_sub(1);
            if place == 0 {
                return;
            }
        }
        let copies = 1 + u32::from(self.chance(100) < self.faults.doubled);
        for _ in 0..copies {
            if self.chance(100) >= self.faults.lost {
                let delay = after + 1 + Milliseconds::from(self.chance(self.faults.slowest));
                let packed = packed.clone();
                self.later(delay, machine, Happening::Packet { machine, packed });
            }
        }
    }

    fn broadcast(&mut self, sender: usize, outgoing: Outgoing, hops: u16) {
        self.broadcasts.push((self.now, hops));
        let all = bytes(&outgoing.data);
        for machine in 0..self.machines.len() {
            let is_near = machine != sender && hops >= 3 && self.machines[machine].is_on;
            if is_near && !self.cuts.contains(&(sender, machine)) {
                let packed = Packed {
                    sender,
                    sender_start: self.machines[sender].start,
                    to: Address::NULL,
                    from: outgoing.from,
                    message: outgoing.message,
                    departure: self.now,
                    offset: 0,
                    total: all.len() as u32,
                    bytes: all.clone(),
                };
                self.carry(machine, packed, 0);
            }
        }
    }

    /// When something happens next, at the latest.
    fn next_instant(&self) -> Milliseconds {
        let sweep = self
            .machines
            .iter()
            .filter(|machine| machine.is_on)
            .map(|machine| machine.rpc.due().next_multiple_of(10))
            .min();
        let happening = self.happenings.first_key_value().map(|((time, _), _)| *time);
        sweep
            .into_iter()
            .chain(happening)
            .min()
            .unwrap_or(Milliseconds::MAX)
    }

    /// Goes to the next instant at which something happens, but not beyond `limit`, and lets it happen.
    pub(super) fn step(&mut self, limit: Milliseconds) {
        self.collect();
        self.now = self.next_instant().clamp(self.now, limit);
        while let Some(entry) = self
            .happenings
            .first_entry()
            .filter(|entry| entry.key().0 <= self.now)
        {
            let (start, happening) = entry.remove();
            self.happen(start, happening);
        }
        if self.now.is_multiple_of(10) {
            for machine in self.machines.iter_mut().filter(|machine| machine.is_on) {
                machine.rpc.sweep(self.now, &mut machine.card);
            }
        }
        self.collect();
    }

    fn happen(&mut self, start: u32, happening: Happening) {
        let (number, event) = match happening {
            Happening::Packet { machine, packed } => {
                let Some(event) = self.arrive(machine, start, packed) else {
                    return;
                };
                (machine, event)
            }
            Happening::Gone { machine, message } => {
                let interface = INTERFACE;
                (machine, Event::Sent { interface, message })
            }
            Happening::Undelivered {
                machine,
                to,
                message,
                flags,
            } => {
                let interface = INTERFACE;
                let data = None;
                (
                    machine,
                    Event::NotDelivered {
                        interface,
                        to,
                        message,
                        flags,
                        data,
                    },
                )
            }
        };
        let machine = &mut self.machines[number];
        if machine.is_on && machine.start == start {
            if let Event::Sent { message, .. } | Event::NotDelivered { message, .. } = &event {
                machine.card.unsent.remove(&message.0);
            }
            machine.rpc.event(self.now, &mut machine.card, event);
        }
    }

    /// A packet comes to a machine. If its process is gone, the packet goes back.
    fn arrive(&mut self, number: usize, start: u32, packed: Packed) -> Option<Event<Message<Memory>>> {
        let machine = &self.machines[number];
        let is_cut = self.cuts.contains(&(packed.sender, number));
        if !machine.is_on || machine.start != start || is_cut {
            return None;
        }
        let is_here = machine.card.endpoints.contains(&Some(packed.to));
        if !is_here {
            let is_same = self.machines[packed.sender].start == packed.sender_start;
            if is_same && self.chance(100) >= self.faults.lost {
                let happening = Happening::Undelivered {
                    machine: packed.sender,
                    to: packed.to,
                    message: packed.message,
                    flags: ReportFlags::NOTHERE,
                };
                self.later(1, packed.sender, happening);
            }
            return None;
        }
        Some(Event::Received {
            interface: INTERFACE,
            to: packed.to,
            from: packed.from,
            message: packed.message.0,
            offset: packed.offset,
            length: packed.bytes.len() as u32,
            total: packed.total,
            flags: Flags::empty(),
            body: Body::Packet(Packet::new(&packed.bytes)),
        })
    }

    /// What the machines' threads are told, with the machine's number.
    pub(super) fn notices(&mut self) -> Vec<(usize, Told)> {
        let mut notices = Vec::new();
        for (number, machine) in self.machines.iter_mut().enumerate() {
            while let Some(notice) = machine.rpc.next().filter(|_| machine.is_on) {
                notices.push((number, notice));
            }
        }
        notices
    }
}
