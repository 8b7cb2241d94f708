//! Calls on the machines of a network, and what comes of them.

use super::card::{Memory, Told};
use super::network::{Faults, GOOD, Network};
use crate::flip::types::Milliseconds;
use crate::rpc::{Outcome, Size, ThreadId};
use proto::capability::Port;
use proto::message::Header;
use proto::one_way::one_way;
use proto::rpc::Kind;
use std::vec;
use std::vec::Vec;

pub(super) const GET_PORT: Port = Port([1, 2, 3, 4, 5, 6]);
/// Room for every message of the tests that do not look at room.
pub(super) const ROOM: usize = 40_000;

pub(super) struct Lab {
    pub(super) network: Network,
    /// All notices since the last look.
    pub(super) told: Vec<(Milliseconds, usize, Told)>,
}

pub(super) fn thread(thread: u16) -> ThreadId {
    ThreadId { process: 0, thread }
}

/// A request to the server of [`GET_PORT`].
pub(super) fn request(command: u16) -> Header {
    Header {
        port: one_way(GET_PORT),
        command,
        ..Header::default()
    }
}

pub(super) fn reply(status: u16) -> Header {
    Header {
        command: status,
        ..Header::default()
    }
}

/// Bytes that tell their place.
pub(super) fn pattern(length: usize) -> Memory {
    Memory((0..length).map(|place| (place ^ place >> 8) as u8).collect())
}

impl Lab {
    pub(super) fn new(machines: usize) -> Lab {
        Lab::with(machines, GOOD, 1)
    }

    pub(super) fn with(machines: usize, faults: Faults, seed: u64) -> Lab {
        Lab {
            network: Network::new(machines, faults, seed),
            told: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Milliseconds {
        self.network.now
    }

    pub(super) fn trans(&mut self, machine: usize, id: ThreadId, header: Header, data: Memory) {
        let reply = Memory(vec![0; ROOM]);
        let now = self.network.now;
        let machine = &mut self.network.machines[machine];
        machine
            .rpc
            .trans(now, &mut machine.card, id, Size::Long, &header, data, reply)
            .unwrap();
        self.look();
    }

    pub(super) fn getreq(&mut self, machine: usize, id: ThreadId) {
        self.getreq_on(machine, id, GET_PORT, ROOM);
    }

    pub(super) fn getreq_on(&mut self, machine: usize, id: ThreadId, port: Port, room: usize) {
        let buffer = Memory(vec![0; room]);
        self.network.machines[machine]
            .rpc
            .getreq(id, Size::Long, port, buffer)
            .unwrap();
        self.look();
    }

    pub(super) fn putrep(&mut self, machine: usize, id: ThreadId, header: Header, data: Memory) {
        let now = self.network.now;
        let machine = &mut self.network.machines[machine];
        machine
            .rpc
            .putrep(now, &mut machine.card, id, Size::Long, &header, data)
            .unwrap();
        self.look();
    }

    pub(super) fn signal(&mut self, machine: usize, id: ThreadId) {
        let now = self.network.now;
        let machine = &mut self.network.machines[machine];
        machine.rpc.signal(now, &mut machine.card, id);
        self.look();
    }

    pub(super) fn end_process(&mut self, machine: usize, process: u16) {
        let now = self.network.now;
        let machine = &mut self.network.machines[machine];
        machine.rpc.end_process(now, &mut machine.card, process);
        self.look();
    }

    pub(super) fn look(&mut self) {
        self.network.collect();
        let now = self.network.now;
        for (machine, notice) in self.network.notices() {
            self.told.push((now, machine, notice));
        }
    }

    /// Lets time go by.
    pub(super) fn run(&mut self, milliseconds: Milliseconds) {
        let end = self.now() + milliseconds;
        while self.now() < end {
            self.network.step(end);
            self.look();
        }
    }

    /// Lets time go by until somebody is told something: who, and what.
    pub(super) fn wait(&mut self) -> (usize, Told) {
        let end = self.now() + 1_000_000;
        while self.told.is_empty() {
            assert!(self.now() < end, "nothing is told to anybody");
            self.network.step(end);
            self.look();
        }
        let (_, machine, notice) = self.told.remove(0);
        (machine, notice)
    }

    /// Waits for a request: on which machine and thread, its header, data.
    pub(super) fn wait_for_request(&mut self) -> (usize, ThreadId, Header, Vec<u8>) {
        match self.wait() {
            (
                machine,
                Told::Request {
                    thread,
                    outcome: Ok((header, length)),
                    buffer,
                },
            ) => (machine, thread, header, buffer.0[..length as usize].to_vec()),
            other => panic!("{other:?} is no request"),
        }
    }

    /// Waits for the end of a transaction: the outcome, and the data of the reply.
    pub(super) fn wait_for_reply(&mut self) -> (Outcome, Vec<u8>) {
        loop {
            match self.wait() {
                (_, Told::Transaction { outcome, buffer, .. }) => {
                    let length = outcome.map_or(0, |(_, length)| length) as usize;
                    return (outcome, buffer.0[..length].to_vec());
                }
                (_, Told::Replied { .. }) => {}
                other => panic!("{other:?} is no end of a transaction"),
            }
        }
    }

    /// A whole transaction of a client on machine 0 with a server on machine 1, both in their thread 0.
    pub(super) fn transact(&mut self) {
        self.getreq(1, thread(0));
        self.trans(0, thread(0), request(7), Memory::default());
        self.wait_for_request();
        self.putrep(1, thread(0), reply(8), Memory::default());
        self.run(100);
        assert_eq!(self.told.len(), 2, "{:?}", self.told);
        self.told.clear();
    }

    /// The kinds and lengths of the messages sent since the last look.
    pub(super) fn messages(&mut self) -> Vec<(Kind, u32)> {
        let trace = std::mem::take(&mut self.network.trace);
        trace
            .iter()
            .map(|(header, length)| (header.kind, *length))
            .collect()
    }

    pub(super) fn kinds(&mut self) -> Vec<Kind> {
        self.messages().iter().map(|(kind, _)| *kind).collect()
    }
}
