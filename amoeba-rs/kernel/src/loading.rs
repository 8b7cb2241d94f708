//! Clients whose new processes are not complete yet: they are told when all contents of segments have come, or that they have
//! not, so that whoever moves a process knows when the original may go.

use alloc::vec::Vec;
use kernel_core::process::{Processes, ThreadId, Transaction};
use kernel_core::rpc;
use kernel_core::servers::Reply;
use proto::capability::Private;
use proto::message::Header;
use proto::process::server::{Command, Object};
use proto::standard::Status;

/// Who waits for a reply of the process server.
pub(crate) enum Client {
    /// A thread of this machine.
    Thread(ThreadId, Transaction),
    /// A client of another machine, by the kernel's thread that serves it.
    Remote(rpc::ThreadId),
}

/// Those who wait, each for the process in a slot.
#[derive(Default)]
pub(crate) struct Loading {
    list: Vec<(u16, Client, Reply)>,
}

/// The process that a reply to this request names and that is not complete yet.
pub(crate) fn incomplete(processes: &Processes, request: &Header, reply: &Reply) -> Option<u16> {
    let is_exec = request.command == Command::Exec.code() && reply.header.status() == Some(Status::Ok);
    let is_here = reply.header.port == processes.port();
    let private = Private::parse(&reply.header.private).ok()?;
    match Object::from_number(private.object()) {
        Some(Object::Process(slot)) if is_exec && is_here && processes.is_loading(slot) => Some(slot),
        _ => None,
    }
}

impl Loading {
    /// Has a client wait until the process in this slot is complete.
    pub(crate) fn add(&mut self, slot: u16, client: Client, reply: Reply) {
        self.list.push((slot, client, reply));
    }

    /// The process in this slot is complete, or gone: who waits for it, and what they are told.
    pub(crate) fn take(&mut self, slot: u16, result: Result<(), Status>) -> Option<(Client, Reply)> {
        let place = self.list.iter().position(|(waited, ..)| *waited == slot)?;
        let (_, client, mut reply) = self.list.swap_remove(place);
        if let Err(status) = result {
            reply = Reply::default();
            reply.header.set_status(status);
        }
        Some((client, reply))
    }

    /// A thread waits no more.
    pub(crate) fn forget(&mut self, thread: ThreadId) {
        self.list
            .retain(|(_, client, _)| !matches!(client, Client::Thread(id, _) if *id == thread));
    }
}
