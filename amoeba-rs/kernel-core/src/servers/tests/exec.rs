//! Processes whose segments' contents are elsewhere: their client learns of them when all have come.

use super::{Kernel, TEXT, capability, descriptor_of, weak};
use crate::memory::PAGE;
use crate::process::{Event, Fetch};
use crate::servers::{Answer, Reply, Ticket};
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::process::server::{Command, right};
use proto::process::{Segment, SegmentKind};
use proto::standard::Status;
use std::vec::Vec;

fn file() -> Capability {
    Capability {
        port: Port([0x33; 6]),
        private: Private::owner(5, Port([4; 6])),
    }
}

/// A process of which two segments are a file's.
fn descriptor(destroys: bool) -> Vec<u8> {
    let kind = SegmentKind::TEXT | SegmentKind::READ_ONLY;
    let segments = [0, 1].map(|number| Segment {
        capability: file(),
        offset: 0x1000 * (number + 1),
        address: TEXT + number * 2 * PAGE,
        length: PAGE,
        kind: if destroys {
            kind | SegmentKind::DESTROY_ORIGINAL
        } else {
            kind
        },
    });
    descriptor_of(&segments)
}

impl Kernel {
    fn exec_later(&mut self, ticket: u32, data: &[u8]) -> Option<Answer> {
        let header = Header {
            port: self.process.port,
            private: self.process.private.emit(),
            command: Command::Exec.code(),
            ..Header::default()
        };
        let (servers, mut world) = self.world();
        servers.answer(&mut world, Ticket(ticket), &header, data)
    }

    fn next_answer(&mut self) -> Option<(Ticket, Reply)> {
        let (servers, mut world) = self.world();
        servers.next_answer(&mut world)
    }

    /// Contents that are being read now.
    fn fetches(&mut self) -> Vec<Fetch> {
        let events = core::iter::from_fn(|| self.processes.poll());
        events
            .filter_map(|event| match event {
                Event::Fetch(fetch) => Some(fetch),
                _ => None,
            })
            .collect()
    }

    /// The only contents that are being read now.
    fn fetch(&mut self) -> Fetch {
        let fetches = self.fetches();
        assert_eq!(fetches.len(), 1, "one after the other");
        fetches[0].clone()
    }

    fn fetched(&mut self, fetch: &Fetch, result: Result<(), Status>) {
        self.processes.fetched(&mut self.machine, fetch, result);
    }
}

#[test]
fn exec_is_answered_when_the_last_contents_have_come() {
    let mut kernel = Kernel::new();
    assert_eq!(kernel.exec_later(7, &descriptor(false)), Some(Answer::Later));
    let first = kernel.fetch();
    assert_eq!((first.offset, first.destroys), (0x1000, false));
    kernel.fetched(&first, Ok(()));
    assert_eq!(kernel.next_answer(), None);
    let second = kernel.fetch();
    assert_eq!((second.offset, second.destroys), (0x2000, false));
    kernel.fetched(&second, Ok(()));
    let (ticket, reply) = kernel.next_answer().unwrap();
    assert_eq!((ticket, reply.header.status()), (Ticket(7), Some(Status::Ok)));
    let process = capability(&reply);
    assert_eq!(process, kernel.processes.capability(0));
    assert_eq!(kernel.next_answer(), None);
}

#[test]
fn exec_fails_with_the_status_for_which_contents_did_not_come() {
    let mut kernel = Kernel::new();
    let free = kernel.processes.segments().numbers().count();
    kernel.exec_later(7, &descriptor(false));
    let fetch = kernel.fetch();
    kernel.fetched(&fetch, Err(Status::RpcNotFound));
    let (ticket, reply) = kernel.next_answer().unwrap();
    assert_eq!(
        (ticket, reply.header.status()),
        (Ticket(7), Some(Status::RpcNotFound))
    );
    // Nothing more is read, what comes late is for nobody, and nothing is left.
    assert!(kernel.fetches().is_empty());
    kernel.fetched(&fetch, Ok(()));
    assert_eq!(kernel.next_answer(), None);
    assert_eq!(kernel.processes.list().count(), 0);
    assert_eq!(kernel.processes.segments().numbers().count(), free);
}

#[test]
fn a_process_that_has_ended_before_its_client_was_told_is_told_all_the_same() {
    let mut kernel = Kernel::new();
    kernel.exec_later(7, &descriptor(false));
    for _ in 0..2 {
        let fetch = kernel.fetch();
        kernel.fetched(&fetch, Ok(()));
    }
    let own = kernel.processes.capability(0);
    kernel.processes.stun(&mut kernel.machine, 0, -1).unwrap();
    let (_, reply) = kernel.next_answer().unwrap();
    assert_eq!(
        (reply.header.status(), capability(&reply)),
        (Some(Status::Ok), own)
    );
}

#[test]
fn a_client_that_is_gone_is_not_told() {
    let mut kernel = Kernel::new();
    kernel.exec_later(7, &descriptor(false));
    kernel.servers.abandon(Ticket(7));
    for _ in 0..2 {
        let fetch = kernel.fetch();
        kernel.fetched(&fetch, Ok(()));
    }
    assert_eq!(kernel.next_answer(), None);
    assert_eq!(kernel.processes.list().count(), 1, "the process runs");
}

#[test]
fn several_clients_wait_at_a_time() {
    let mut kernel = Kernel::new();
    kernel.exec_later(1, &descriptor(false));
    let first = kernel.fetch();
    kernel.exec_later(2, &descriptor(false));
    for _ in 0..2 {
        let fetch = kernel.fetch();
        assert_eq!(fetch.process, 1);
        kernel.fetched(&fetch, Ok(()));
    }
    assert_eq!(kernel.next_answer().unwrap().0, Ticket(2));
    kernel.fetched(&first, Err(Status::BadCapability));
    let (ticket, reply) = kernel.next_answer().unwrap();
    assert_eq!(
        (ticket, reply.header.status()),
        (Ticket(1), Some(Status::BadCapability))
    );
}

#[test]
fn originals_that_are_to_go_are_told_apart() {
    let mut kernel = Kernel::new();
    kernel.exec_later(1, &descriptor(true));
    assert!(kernel.fetches().iter().all(|fetch| fetch.destroys));
}

#[test]
fn exec_needs_its_right_before_anything_is_fetched() {
    let mut kernel = Kernel::new();
    let weak = weak(&kernel.process, right::CREATE);
    let denied = kernel.ask(&weak, Command::Exec.code(), Header::default(), &descriptor(false));
    assert_eq!(denied, Err(Status::Denied));
    assert!(kernel.fetches().is_empty());
}
