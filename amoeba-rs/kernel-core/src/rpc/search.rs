//! Looking for a server: LOCATE broadcasts that go further and further, and HEREIS, their answer.

use super::limits::{LOCATE_HOPS, LOCATE_INTERVAL, SWEEP, round_trip};
use super::message::{Message, Payload};
use super::port_cache::Place;
use super::thread::{Phase, Server};
use super::{Rpc, ThreadId};
use crate::flip::types::{Below, Endpoint, Milliseconds, SendFlags};
use alloc::vec::Vec;
use proto::capability::Port;
use proto::flip::Address;
use proto::rpc::{self, Kind, Protocol};
use proto::standard::Status;

impl<D: Payload> Rpc<D> {
    /// Sends a thread's request to a place that is known, or looks for one.
    pub(super) fn look_up(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let Some(transaction) = self.transaction_mut(id) else {
            return;
        };
        let port = transaction.header.port;
        match self.ports.find(port) {
            Some(Place::Local(server)) => self.hand_over(id, server),
            Some(Place::Remote { address, round_trip }) => {
                if let Some(transaction) = self.transaction_mut(id) {
                    transaction.server = Server::Remote { address, thread: 0 };
                    transaction.round_trip = round_trip;
                }
                self.put_request(now, below, id);
            }
            None => self.search(now, below, id),
        }
    }

    /// Begins to look for a server, if there is time left for it.
    fn search(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        let locate_timeout = thread.locate_timeout;
        let Some(transaction) = &mut thread.transaction else {
            return;
        };
        if transaction.searched >= locate_timeout && transaction.searched > 0 {
            self.end_transaction(id, Err(Status::RpcNotFound));
            return;
        }
        transaction.server = Server::Unknown;
        transaction.since = now;
        transaction.phase = Phase::Locating {
            step: 0,
            interval: LOCATE_INTERVAL,
        };
        self.searching.push(id);
        self.ask_for_port(now, below, id);
    }

    /// Nobody has answered in time: asks further away, or gives up.
    pub(super) fn search_on(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        let locate_timeout = thread.locate_timeout;
        let Some(transaction) = &mut thread.transaction else {
            return;
        };
        let Phase::Locating { step, interval } = &mut transaction.phase else {
            return;
        };
        transaction.searched += now - transaction.since;
        transaction.since = now;
        if transaction.searched >= locate_timeout {
            self.end_transaction(id, Err(Status::RpcNotFound));
            return;
        }
        if usize::from(*step) + 1 < LOCATE_HOPS.len() {
            *step += 1;
        } else {
            *interval *= 2;
        }
        let port = transaction.header.port;
        if self.ports.knows(port) {
            self.stop_searching(now, below, id);
        } else {
            self.ask_for_port(now, below, id);
        }
    }

    fn ask_for_port(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let mut header = self.header(Kind::Locate, now as u32, 0, id.thread);
        let interface = self.interface;
        let Some(process) = self.process_mut(id.process) else {
            return;
        };
        let endpoint = process.endpoint;
        let thread = &mut process.threads[usize::from(id.thread)];
        let Some(transaction) = &mut thread.transaction else {
            return;
        };
        let Phase::Locating { step, interval } = transaction.phase else {
            return;
        };
        header.port = transaction.header.port;
        let left = thread.locate_timeout.saturating_sub(transaction.searched);
        let deadline = now + interval.min(left);
        transaction.deadline = deadline;
        let mut head = [0; rpc::PROTOCOL_LENGTH + rpc::LENGTH];
        head[..rpc::PROTOCOL_LENGTH].copy_from_slice(&Protocol::Rpc.emit());
        head[rpc::PROTOCOL_LENGTH..].copy_from_slice(&header.emit());
        let data = D::from_message(Message::control(&head));
        let hops = LOCATE_HOPS[usize::from(step)];
        // A broadcast that could not be sent is as good as a lost one.
        let _ = below.broadcast(now, interface, endpoint, hops, data);
        self.counters.locates = self.counters.locates.wrapping_add(1);
        self.set_due(deadline);
    }

    /// A place is known now: a searching thread sends its request there.
    fn stop_searching(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        self.searching.retain(|&searching| searching != id);
        if let Some(transaction) = self.transaction_mut(id) {
            transaction.searched += (now - transaction.since).max(SWEEP);
            transaction.phase = Phase::Pausing;
        }
        self.look_up(now, below, id);
    }

    /// Whether a thread asks for `port`.
    fn searches(&self, id: ThreadId, port: Port) -> bool {
        self.process(id.process)
            .and_then(|process| process.threads.get(usize::from(id.thread)))
            .and_then(|thread| thread.transaction.as_ref())
            .is_some_and(|transaction| transaction.header.port == port)
    }

    /// HEREIS: some process listens on a port. One that nobody has asked for is not believed.
    pub(super) fn here_is(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        from: Address,
        header: &rpc::Header,
    ) {
        let port = header.port;
        let waiting: Vec<ThreadId> = self
            .searching
            .iter()
            .copied()
            .filter(|&id| self.searches(id, port))
            .collect();
        if waiting.is_empty() && !self.ports.knows(port) || self.local_process(from).is_some() {
            return;
        }
        let measured = (now as u32).wrapping_sub(header.transaction);
        let place = Place::Remote {
            address: from,
            round_trip: round_trip(measured.into()),
        };
        self.ports.install(port, place);
        for id in waiting {
            self.stop_searching(now, below, id);
        }
    }

    /// LOCATE: somebody asks for a port. A process with a thread that waits for requests on it answers, or one that was taken out to
    /// go elsewhere if a thread of it did last: a request waits until it is there.
    pub(super) fn answer_locate(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        from: Address,
        asked: &rpc::Header,
    ) {
        if self.local_process(from).is_some() {
            return;
        }
        let (endpoint, thread) = match self.ports.listener(asked.port, None) {
            Some(id) => (
                self.process(id.process).map(|process| process.endpoint),
                id.thread,
            ),
            None => (self.server_on_its_way(asked.port), 0),
        };
        let Some(endpoint) = endpoint else {
            return;
        };
        let mut header = self.header(Kind::HereIs, asked.transaction, asked.source, thread);
        header.port = asked.port;
        self.control(now, below, endpoint, from, &header, SendFlags::empty());
    }

    /// Where the address of a process is registered that serves on a port and was taken out.
    fn server_on_its_way(&self, port: Port) -> Option<Endpoint> {
        let mut processes = self.processes.iter().flatten();
        let process = processes.find(|process| process.ports.contains(&port) && !process.is_ending)?;
        Some(process.endpoint)
    }

    /// A thread has begun to wait for requests on `port`: a client of this machine that searched for it need not any
    /// more, the one that began first.
    pub(super) fn serve_searching(&mut self, port: Port) {
        let found = (0..self.searching.len()).find(|&place| self.searches(self.searching[place], port));
        let Some(place) = found else {
            return;
        };
        let client = self.searching.remove(place);
        if let Some(server) = self.ports.listener(port, None) {
            self.hand_over(client, server);
        }
    }
}
