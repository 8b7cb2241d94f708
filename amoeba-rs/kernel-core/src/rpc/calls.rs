//! What threads ask for.

use super::limits::{LOCATE_TIMEOUT, MOVES, RETRIES, THREADS};
use super::message::{Buffer, Payload, copy};
use super::port_cache::Place;
use super::thread::{Answer, Client, Listening, Marks, NEVER, Phase, Reply, Server, Thread, Transaction};
use super::{Notice, Rpc, ThreadId};
use crate::flip::types::{Below, Milliseconds, SendFlags};
use proto::capability::Port;
use proto::flip::Address;
use proto::message::{Header, LARGEST_BUFFER};
use proto::rpc::Kind;
use proto::standard::Status;

/// A call that makes no sense: the kernel raises an exception in the thread, which goes on with
/// [`Status::RpcFailure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// There is no such process, or threads do not have such numbers.
    UnknownThread,
    /// A buffer of more than 30000 bytes in a call that has such a limit.
    TooLong,
    /// The thread waits in a call already.
    IsWaiting,
    /// `getreq` while a request is being served.
    IsServing,
    /// `putrep` or `forward` without a request.
    IsNotServing,
}

/// Which of the two families of calls it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// `trans`, `getreq` and `putrep`: at most 30000 bytes.
    Short,
    /// `rpc_trans`, `rpc_getreq` and `rpc_putrep`: no limit.
    Long,
}

impl Size {
    pub(super) fn check(self, buffer: &impl Buffer) -> Result<(), Misuse> {
        match self {
            Size::Short if buffer.length() > LARGEST_BUFFER as u32 => Err(Misuse::TooLong),
            Size::Short | Size::Long => Ok(()),
        }
    }
}

impl<D: Payload> Rpc<D> {
    /// `trans`: sends a request to a server that listens on the put-port `header.port` and waits for its reply, of which
    /// as much as there is room for goes into `reply`. [`Notice::Transaction`] follows, with an error if there is no
    /// server ([`Status::RpcNotFound`]), only untrusted networks lead to it ([`Status::RpcUnsafe`]), it was lost
    /// ([`Status::RpcFailure`]), the port is null ([`Status::RpcBadPort`]), or the call was aborted.
    #[allow(clippy::too_many_arguments)]
    pub fn trans(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        size: Size,
        header: &Header,
        request: D::Buffer,
        reply: D::Buffer,
    ) -> Result<(), Misuse> {
        let kernel = self.numbers.name();
        let thread = self.thread_in_call(id)?;
        if thread.is_waiting() {
            return Err(Misuse::IsWaiting);
        }
        size.check(&request)?;
        size.check(&reply)?;
        thread.transaction = Some(Transaction {
            phase: Phase::Pausing,
            header: *header,
            request,
            reply,
            kernel,
            number: 0,
            server: Server::Unknown,
            round_trip: 0,
            retries: RETRIES,
            moves: MOVES,
            silences: RETRIES,
            searched: 0,
            since: now,
            deadline: NEVER,
            marks: Marks::empty(),
            message: None,
            assembly: None,
        });
        if header.port == Port::NULL {
            self.end_transaction(id, Err(Status::RpcBadPort));
        } else {
            self.look_up(now, below, id);
        }
        Ok(())
    }

    /// `getreq`: waits for a request on the put-port of `get_port`. [`Notice::Request`] follows, with
    /// [`Status::RpcBadPort`] for the null port.
    pub fn getreq(
        &mut self,
        id: ThreadId,
        size: Size,
        get_port: Port,
        buffer: D::Buffer,
    ) -> Result<(), Misuse> {
        let port = self.put_ports.put_port(get_port);
        let thread = self.thread_in_call(id)?;
        if thread.is_waiting() {
            return Err(Misuse::IsWaiting);
        }
        if thread.service.is_some() {
            return Err(Misuse::IsServing);
        }
        size.check(&buffer)?;
        if port == Port::NULL {
            let outcome = Err(Status::RpcBadPort);
            self.tell(
                id,
                Notice::Request {
                    thread: id,
                    outcome,
                    buffer,
                },
            );
            return Ok(());
        }
        thread.port = port;
        thread.listening = Some(Listening {
            port,
            buffer,
            assembly: None,
        });
        self.ports.install(port, Place::Local(id));
        self.serve_searching(port);
        Ok(())
    }

    /// `putrep`: answers the request that the thread serves. [`Notice::Replied`] follows when the client's kernel has
    /// acknowledged the reply, or does not.
    pub fn putrep(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        size: Size,
        header: &Header,
        data: D::Buffer,
    ) -> Result<(), Misuse> {
        let client = self.client_in_call(id)?;
        size.check(&data)?;
        match client {
            Client::Remote { .. } => self.answer(
                now,
                below,
                id,
                Answer::Reply {
                    header: *header,
                    data,
                },
            ),
            Client::Local(client) => {
                self.end_service(id);
                if let Some(transaction) = self.transaction_mut(client) {
                    let length = copy(&data, &mut transaction.reply);
                    self.counters.local = self.counters.local.wrapping_add(1);
                    self.end_transaction(client, Ok((*header, length)));
                }
            }
            Client::Gone => self.end_service(id),
        }
        Ok(())
    }

    /// Hands the request that the thread serves to the process with the address `to`, as `putrep` would answer it.
    pub fn forward(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        to: Address,
    ) -> Result<(), Misuse> {
        match self.client_in_call(id)? {
            Client::Remote { .. } => self.answer(now, below, id, Answer::Forward(to)),
            Client::Local(client) => {
                self.end_service(id);
                self.go_to(now, below, client, to);
            }
            Client::Gone => self.end_service(id),
        }
        Ok(())
    }

    /// `cleanup`: the thread will not answer the request that it serves; its client is told.
    pub fn cleanup(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let Some(service) = self.thread_mut(id).and_then(|thread| thread.service.take()) else {
            return;
        };
        match service.client {
            Client::Local(client) => self.end_transaction(client, Err(Status::RpcFailure)),
            Client::Remote {
                address,
                thread,
                kernel,
                number,
                ..
            } => {
                let mut header = self.header(Kind::Fail, number, thread, id.thread);
                header.kernel = kernel;
                self.control_from(now, below, id.process, address, &header, SendFlags::empty());
            }
            Client::Gone => {}
        }
    }

    /// `timeout`: how long the thread's transactions look for a server from now on, in milliseconds; the value until now.
    pub fn timeout(&mut self, id: ThreadId, locate: Milliseconds) -> Result<Milliseconds, Misuse> {
        let thread = self.thread_in_call(id)?;
        Ok(core::mem::replace(&mut thread.locate_timeout, locate))
    }

    /// Ends a thread's service, and `putrep` or `forward` with it.
    pub(super) fn end_service(&mut self, id: ThreadId) {
        if let Some(thread) = self.thread_mut(id) {
            thread.service = None;
            thread.reply = None;
            self.tell(id, Notice::Replied { thread: id });
        }
    }

    fn answer(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        answer: Answer<D::Buffer>,
    ) {
        if let Some(thread) = self.thread_mut(id) {
            thread.reply = Some(Reply {
                answer,
                retries: RETRIES,
                deadline: NEVER,
                is_asked: false,
                message: None,
                has_moved: false,
                moves: MOVES,
            });
        }
        self.put_reply(now, below, id);
    }

    pub(super) fn transaction_mut(&mut self, id: ThreadId) -> Option<&mut Transaction<D::Buffer>> {
        self.thread_mut(id)?.transaction.as_mut()
    }

    /// The client of the request that a thread serves, when the thread may answer it.
    fn client_in_call(&mut self, id: ThreadId) -> Result<Client, Misuse> {
        let thread = self.thread_in_call(id)?;
        if thread.is_waiting() {
            return Err(Misuse::IsWaiting);
        }
        let service = thread.service.as_ref().ok_or(Misuse::IsNotServing)?;
        Ok(service.client)
    }

    /// The thread that calls. Threads need not be announced.
    pub(super) fn thread_in_call(&mut self, id: ThreadId) -> Result<&mut Thread<D::Buffer>, Misuse> {
        let process = self
            .process_mut(id.process)
            .filter(|process| !process.is_ending && id.thread < THREADS)
            .ok_or(Misuse::UnknownThread)?;
        let index = usize::from(id.thread);
        while process.threads.len() <= index {
            process.threads.push(Thread::new(LOCATE_TIMEOUT));
        }
        Ok(&mut process.threads[index])
    }

    /// Sends headers from a process's address.
    pub(super) fn control_from(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        process: u16,
        to: Address,
        header: &proto::rpc::Header,
        flags: SendFlags,
    ) -> Option<crate::flip::types::MessageId> {
        let endpoint = self.process(process)?.endpoint;
        self.control(now, below, endpoint, to, header, flags)
    }
}
