//! A process on its way to another machine. What its threads are doing is taken out of the tables as plain values, and
//! put into those of the machine where it goes on, or back into these.
//!
//! While it is away its address stays busy here, so that FLIP turns back what is sent to it. Transactions between its threads and
//! others of this machine become such as go over the network: both sides know each other by their addresses
//! afterwards. Who looks for a port on which it served is told its address all the same. From when it leaves first it has
//! numbers of its own for its transactions, which go with it: see [`super::numbers`].

use super::limits::{ENQUIRE_PAUSE, MOVES, RETRIES, SHORTEST_ROUND_TRIP};
use super::message::Payload;
use super::numbers::Numbers;
use super::thread::{Client, Marks, NEVER, Phase, Server, Service, Transaction};
use super::{Misuse, Rpc, Size, ThreadId};
use crate::flip::types::{Below, Error, Milliseconds};
use alloc::vec::Vec;
use proto::flip::Address;
use proto::message::Header;
use proto::process::migration::{self, Asked, Counter, Window};
use proto::rpc::{Flags, Kind};

/// What a thread was doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its number.
    pub thread: u16,
    /// The request that it serves.
    pub service: Option<migration::Service>,
    /// How its transaction stands with its server, if it has one.
    pub asked: Option<Asked>,
}

impl<D: Payload> Rpc<D> {
    /// From now on what comes for a process is turned back, to be sent again later. What has come already is still to
    /// be handed to [`Rpc::event`] before the process is taken out.
    pub fn hold(&mut self, below: &mut impl Below<D>, process: u16) -> Result<(), Error> {
        let endpoint = self.process(process).ok_or(Error::Fail)?.endpoint;
        below.set_busy(self.interface, endpoint, true)
    }

    /// What is sent to a process that was held reaches it again.
    pub fn let_go(&mut self, below: &mut impl Below<D>, process: u16) -> Result<(), Error> {
        let known = self.process_mut(process).ok_or(Error::Fail)?;
        known.is_away = false;
        known.ports.clear();
        let endpoint = known.endpoint;
        below.set_busy(self.interface, endpoint, false)
    }

    /// The private address of a process.
    pub fn private_address(&self, process: u16) -> Option<Address> {
        Some(self.process(process)?.private)
    }

    /// Takes out what the threads of a process that is held are doing. Nothing of it is told to anybody, and calls do not
    /// end. Only what had come to an end and waited for FLIP to have read a thread's memory is told now.
    pub fn take_out(&mut self, below: &mut impl Below<D>, process: u16) -> Vec<Taken> {
        let Some(known) = self.process_mut(process) else {
            return Vec::new();
        };
        known.is_away = true;
        known.assembling.clear();
        known.numbers.get_or_insert(Numbers::new(known.address.0));
        let threads = known.threads.len() as u16;
        for thread in 0..threads {
            self.meet_over_the_network(ThreadId { process, thread });
        }
        let taken = (0..threads).map(|thread| self.take_thread(below, ThreadId { process, thread }));
        let taken: Vec<Taken> = taken
            .collect::<Vec<_>>()
            .into_iter()
            .filter(|taken| taken.service.is_some() || taken.asked.is_some())
            .collect();
        let mut asked = taken.iter().filter_map(|taken| taken.asked);
        if asked.any(|asked| !asked.has_request && asked.kernel == self.numbers.name()) {
            // How long it takes to arrive is not seen here any more.
            self.numbers.rename();
        }
        taken
    }

    /// By which numbers a process that was taken out counts its transactions.
    pub fn counter(&self, process: u16) -> Option<Counter> {
        Some(self.process(process)?.numbers?.counter())
    }

    /// A process that has come from another machine counts its transactions as it did there.
    pub fn count_on(&mut self, process: u16, counter: &Counter) {
        if let Some(known) = self.process_mut(process) {
            known.numbers = Some(Numbers::from(counter));
        }
    }

    /// A thread's partners of this machine become partners over the network.
    fn meet_over_the_network(&mut self, id: ThreadId) {
        if let Some(Transaction {
            server: Server::Local(server),
            ..
        }) = self.transaction_mut(id)
        {
            let server = *server;
            self.part(id, server);
        }
        let service = self.thread_mut(id).and_then(|thread| thread.service.as_ref());
        if let Some(Service {
            client: Client::Local(client),
            ..
        }) = service
        {
            let client = *client;
            self.part(client, id);
        }
    }

    /// Makes a transaction between two threads of this machine one that goes over the network. Its server has the request.
    fn part(&mut self, client: ThreadId, server: ThreadId) {
        let (Some(from), Some(to)) = (
            self.process(client.process).map(|process| process.address),
            self.process(server.process).map(|process| process.address),
        ) else {
            return;
        };
        let (kernel, number) = self.next_number(client.process);
        self.history.execute(&kernel, number);
        if let Some(transaction) = self.transaction_mut(client) {
            transaction.server = Server::Remote {
                address: to,
                thread: server.thread,
            };
            (transaction.kernel, transaction.number) = (kernel, number);
            transaction.round_trip = SHORTEST_ROUND_TRIP;
            transaction.phase = Phase::Waiting;
            transaction.marks |= Marks::RETRANSMISSION;
            // The server has told nothing yet, so the pause before the first question has just begun.
            transaction.deadline = transaction.since + ENQUIRE_PAUSE;
            let deadline = transaction.deadline;
            self.set_due(deadline);
        }
        if let Some(service) = self.thread_mut(server).and_then(|thread| thread.service.as_mut()) {
            service.client = Client::Remote {
                address: from,
                thread: client.thread,
                kernel,
                number,
                round_trip: SHORTEST_ROUND_TRIP,
            };
        }
    }

    fn take_thread(&mut self, below: &mut impl Below<D>, id: ThreadId) -> Taken {
        let nothing = Taken {
            thread: id.thread,
            service: None,
            asked: None,
        };
        let interface = self.interface;
        let Some(thread) = self.thread_mut(id) else {
            return nothing;
        };
        if let Some(message) = thread.sending.take() {
            // Of what has gone to the card nothing is read any more.
            below.cancel(interface, message);
            let parked = thread.parked.take();
            self.sending.retain(|(known, _)| *known != message);
            self.notices.extend(parked);
        }
        let Some(thread) = self.thread_mut(id) else {
            return nothing;
        };
        let (transaction, listening) = (thread.transaction.take(), thread.listening.take());
        let (service, port) = (thread.service.take(), thread.port);
        thread.reply = None;
        if let Some(listening) = listening {
            self.ports.remove_local(listening.port, id);
        }
        if let Some(process) = self.process_mut(id.process) {
            process.ports.push(port);
        }
        if matches!(
            transaction,
            Some(Transaction {
                phase: Phase::Locating { .. },
                ..
            })
        ) {
            self.searching.retain(|searching| *searching != id);
        }
        Taken {
            asked: transaction.as_ref().and_then(Transaction::asked),
            service: service.as_ref().map(Service::taken),
            ..nothing
        }
    }

    /// A thread serves a request that was taken out.
    ///
    /// # Errors
    /// [`Misuse::UnknownThread`], [`Misuse::IsServing`].
    pub fn put_service(&mut self, id: ThreadId, service: &migration::Service) -> Result<(), Misuse> {
        let thread = self.thread_in_call(id)?;
        if thread.service.is_some() {
            return Err(Misuse::IsServing);
        }
        let client = service.client.map_or(Client::Gone, |client| Client::Remote {
            address: client.address,
            thread: client.thread,
            kernel: client.kernel,
            number: client.number,
            round_trip: client.round_trip,
        });
        thread.port = service.port;
        thread.service = Some(Service {
            client,
            port: service.port,
        });
        Ok(())
    }

    /// Goes on with a transaction that was taken out, as [`trans`](Rpc::trans) began it. The server is asked whether it
    /// has the request, unless it is known to have it.
    ///
    /// # Errors
    /// [`Misuse::UnknownThread`], [`Misuse::IsWaiting`], [`Misuse::TooLong`].
    #[allow(clippy::too_many_arguments)]
    pub fn go_on(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        size: Size,
        header: &Header,
        request: D::Buffer,
        reply: D::Buffer,
        asked: &Asked,
    ) -> Result<(), Misuse> {
        let thread = self.thread_in_call(id)?;
        if thread.is_waiting() {
            return Err(Misuse::IsWaiting);
        }
        size.check(&request)?;
        size.check(&reply)?;
        let mut marks = Marks::RETRANSMISSION;
        marks.set(Marks::LINGERING, asked.is_lingering);
        thread.transaction = Some(Transaction {
            phase: Phase::Waiting,
            header: *header,
            request,
            reply,
            kernel: asked.kernel,
            number: asked.number,
            server: Server::Remote {
                address: asked.server,
                thread: asked.thread,
            },
            round_trip: asked.round_trip,
            retries: RETRIES,
            moves: MOVES,
            silences: RETRIES,
            searched: 0,
            since: now,
            deadline: NEVER,
            marks,
            message: None,
            assembly: None,
        });
        if asked.has_request {
            if let Some(transaction) = self.transaction_mut(id) {
                let deadline = transaction.ask(now, Phase::Waiting);
                self.set_due(deadline);
            }
        } else {
            self.ask_server(now, below, id, Kind::Received, Flags::REQUEST, Phase::Requesting);
        }
        Ok(())
    }

    /// A process that was taken out goes on elsewhere: it ends here without a word. [`Notice::Ended`] follows at once.
    pub fn leave(&mut self, below: &mut impl Below<D>, process: u16) {
        let Some(known) = self.process_mut(process) else {
            return;
        };
        known.is_ending = true;
        let endpoint = known.endpoint;
        // FLIP gave the endpoint, so it knows it.
        let _ = below.unregister(self.interface, endpoint);
        self.notices
            .retain(|notice| notice.thread().is_none_or(|id| id.process != process));
        self.finish_ending(process);
    }

    /// What this kernel has seen of others' transactions.
    pub fn windows(&self) -> Vec<Window> {
        self.history.windows()
    }

    /// Adds what another kernel has seen: none of it is executed here again.
    pub fn add_window(&mut self, window: &Window) {
        self.history.add(window);
    }
}

impl<B> Transaction<B> {
    /// How it stands with its server; `None` if no server has heard of it.
    fn asked(&self) -> Option<Asked> {
        let Server::Remote { address, thread } = self.server else {
            return None;
        };
        let was_sent = self.marks.contains(Marks::RETRANSMISSION);
        (was_sent && !matches!(self.phase, Phase::Locating { .. })).then_some(Asked {
            kernel: self.kernel,
            number: self.number,
            server: address,
            thread,
            round_trip: self.round_trip,
            has_request: self.phase == Phase::Waiting,
            is_lingering: self.marks.contains(Marks::LINGERING),
        })
    }
}

impl Service {
    fn taken(&self) -> migration::Service {
        let client = match self.client {
            Client::Remote {
                address,
                thread,
                kernel,
                number,
                round_trip,
            } => Some(migration::Client {
                address,
                thread,
                kernel,
                number,
                round_trip,
            }),
            // Both sides know each other by their addresses before one is taken out.
            Client::Local(_) | Client::Gone => None,
        };
        migration::Service {
            port: self.port,
            client,
        }
    }
}
