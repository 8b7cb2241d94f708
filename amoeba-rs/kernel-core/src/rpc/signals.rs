//! Signals and aborted calls.

use super::limits::{LINGER, request_pause};
use super::message::Payload;
use super::thread::{Client, Marks, Phase, Server, Service};
use super::{Notice, Rpc, ThreadId};
use crate::flip::types::{Below, Milliseconds, SendFlags};
use proto::rpc::{Flags, Kind};
use proto::standard::Status;

impl<D: Payload> Rpc<D> {
    /// A thread was sent a signal. A transaction without a server, and waiting for requests, are aborted; a server at
    /// work is told.
    pub fn signal(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        if thread.listening.is_some() {
            self.abort(now, below, id);
            return;
        }
        let Some(transaction) = &mut thread.transaction else {
            return;
        };
        match (transaction.phase, transaction.server) {
            (Phase::Locating { .. } | Phase::Pausing | Phase::Withdrawing, _) => {
                self.abort(now, below, id);
            }
            (_, Server::Local(server)) => self.notices.push_back(Notice::Signal { thread: server }),
            _ => {
                transaction.marks |= Marks::SIGNAL;
                self.pass_signal(now, below, id);
            }
        }
    }

    /// Ends the call in which a thread waits, if any: `trans` and `getreq` with [`Status::RpcAborted`].
    pub fn abort(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        self.leave_server(now, below, id);
        self.end_transaction(id, Err(Status::RpcAborted));
        self.stop_listening(id);
        if self.thread_mut(id).is_some_and(|thread| thread.reply.is_some()) {
            self.end_service(id);
        }
    }

    /// Tells the server of a thread's transaction that the client does not wait any more.
    fn leave_server(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let Some(transaction) = self.transaction_mut(id) else {
            return;
        };
        let (kernel, number) = (transaction.kernel, transaction.number);
        match transaction.server {
            Server::Remote { address, thread } if !matches!(transaction.phase, Phase::Locating { .. }) => {
                let mut header = self.header(Kind::Fail, number, thread, id.thread);
                header.kernel = kernel;
                self.control_from(now, below, id.process, address, &header, SendFlags::empty());
                // If that is lost, the server will offer its reply.
                if let Some(process) = self.process_mut(id.process) {
                    process.is_asked_for(now, LINGER);
                }
            }
            Server::Local(server) => {
                if let Some(Service { client, .. }) =
                    self.thread_mut(server).and_then(|thread| thread.service.as_mut())
                {
                    *client = Client::Gone;
                }
            }
            _ => {}
        }
    }

    fn stop_listening(&mut self, id: ThreadId) {
        let Some(listening) = self.thread_mut(id).and_then(|thread| thread.listening.take()) else {
            return;
        };
        self.ports.remove_local(listening.port, id);
        self.forget_assembly(id);
        let notice = Notice::Request {
            thread: id,
            outcome: Err(Status::RpcAborted),
            buffer: listening.buffer,
        };
        self.tell(id, notice);
    }

    /// Passes a signal on to the server of a thread's transaction, unless the request has not gone out yet.
    pub(super) fn pass_signal(&mut self, now: Milliseconds, below: &mut impl Below<D>, id: ThreadId) {
        let Some(thread) = self.thread_mut(id).filter(|thread| thread.sending.is_none()) else {
            return;
        };
        let Some(transaction) = &mut thread.transaction else {
            return;
        };
        let Server::Remote { address, thread } = transaction.server else {
            return;
        };
        let (kernel, number) = (transaction.kernel, transaction.number);
        // If no answer comes it is asked again as soon as about a request.
        let deadline = now + request_pause(transaction.round_trip);
        transaction.deadline = transaction.deadline.min(deadline);
        self.set_due(deadline);
        let mut header = self.header(Kind::Enquire, number, thread, id.thread);
        header.kernel = kernel;
        header.flags |= Flags::SIGNAL;
        self.control_from(now, below, id.process, address, &header, SendFlags::empty());
    }
}
