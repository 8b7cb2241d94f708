//! Those whose requests a server of the kernel has put off.

use super::Ticket;
use crate::process::{ThreadId, Transaction};
use crate::rpc;
use alloc::vec::Vec;

/// Who waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// A thread of this machine, and where its answer goes.
    Local(ThreadId, Transaction),
    /// A client elsewhere, whose request this thread of the kernel's serves.
    Remote(rpc::ThreadId),
    /// The kernel itself, which reads what its disk has.
    BootUser,
}

/// All who wait. Each of them has one request: a thread that waits can make no other.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    last: u32,
    waiting: Vec<(Ticket, Client)>,
}

impl Clients {
    /// A name for a request.
    pub fn ticket(&mut self) -> Ticket {
        self.last = self.last.wrapping_add(1);
        Ticket(self.last)
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The answer to this request will come later.
    pub fn wait(&mut self, ticket: Ticket, client: Client) {
        self.waiting.push((ticket, client));
    }

    /// The answer has come; `None` if nobody wants it any more.
    pub fn answered(&mut self, ticket: Ticket) -> Option<Client> {
        let place = self.waiting.iter().position(|(waiting, _)| *waiting == ticket)?;
        Some(self.waiting.swap_remove(place).1)
    }

    /// The request for which a thread of this machine waits.
    pub fn local(&self, id: ThreadId) -> Option<Ticket> {
        self.find(|client| matches!(client, Client::Local(thread, _) if *thread == id))
    }

    /// The request that a thread of the kernel's serves.
    pub fn remote(&self, id: rpc::ThreadId) -> Option<Ticket> {
        self.find(|client| matches!(client, Client::Remote(thread) if *thread == id))
    }

    /// A request of a process, which has ended.
    pub fn of_process(&self, slot: u16) -> Option<Ticket> {
        self.find(|client| matches!(client, Client::Local(thread, _) if thread.process == slot))
    }

    fn find(&self, is_wanted: impl Fn(&Client) -> bool) -> Option<Ticket> {
        let mut waiting = self.waiting.iter();
        waiting
            .find(|(_, client)| is_wanted(client))
            .map(|(ticket, _)| *ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, Clients};
    use crate::process::{ThreadId, Transaction, UserBuffer};
    use crate::rpc;
    use proto::message::Header;

    const LOCAL: ThreadId = ThreadId {
        process: 3,
        thread: 1,
    };
    const REMOTE: rpc::ThreadId = rpc::ThreadId {
        process: 0,
        thread: 7,
    };

    fn transaction() -> Transaction {
        let nowhere = UserBuffer {
            address: 0,
            length: 0,
        };
        Transaction {
            header: Header::default(),
            request: nowhere,
            reply_header: 0,
            reply: nowhere,
            timeout: 0,
        }
    }

    #[test]
    fn an_answer_finds_its_client_once() {
        let mut clients = Clients::default();
        let (first, second) = (clients.ticket(), clients.ticket());
        assert_ne!(first, second);
        clients.wait(first, Client::Local(LOCAL, transaction()));
        clients.wait(second, Client::Remote(REMOTE));
        assert_eq!(clients.local(LOCAL), Some(first));
        assert_eq!(clients.remote(REMOTE), Some(second));
        assert_eq!(clients.of_process(3), Some(first));
        assert_eq!(clients.answered(first), Some(Client::Local(LOCAL, transaction())));
        assert_eq!(clients.answered(first), None);
        assert_eq!(clients.local(LOCAL), None);
        assert_eq!(clients.of_process(3), None);
        assert_eq!(clients.answered(second), Some(Client::Remote(REMOTE)));
        assert!(clients.is_empty());
    }
}
