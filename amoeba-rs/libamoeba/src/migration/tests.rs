extern crate std;

use super::by_user;
use crate::Transactions;
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::process::server::Command;
use proto::standard::Status;
use std::vec::Vec;

const GET_PORT: Port = Port([1, 2, 3, 4, 5, 6]);

fn process() -> Capability {
    Capability {
        port: Port([6, 5, 4, 3, 2, 1]),
        private: Private::owner(7, Port([9, 9, 9, 9, 9, 9])),
    }
}

/// A source that gives a process away, and a destination that takes it, at which others have waited so often.
struct Machines {
    busy: u32,
    outcome: Status,
    server: Option<Capability>,
}

impl Transactions for Machines {
    fn trans(
        &mut self,
        request: &Header,
        request_data: &[u8],
        _reply_data: &mut [u8],
    ) -> Result<(Header, usize), Status> {
        let mut reply = Header::default();
        if request.command == Command::MigrationStun.code() {
            self.server = Capability::parse(request_data).ok();
        } else if request.command == Command::MigrationExec.code() {
            reply.port = process().port;
            reply.private = process().private.emit();
        } else {
            assert_eq!(request.command, Command::MigrationWait.code());
            assert_eq!(request.private, process().private.emit());
            let is_busy = self.busy > 0;
            self.busy = self.busy.saturating_sub(1);
            reply.set_status(if is_busy { Status::NotNow } else { self.outcome });
        }
        Ok((reply, 0))
    }

    fn getreq(&mut self, port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        assert_eq!(port, GET_PORT);
        let server = self.server.expect("a source that was asked");
        let header = Header {
            command: Command::Checkpoint.code(),
            private: server.private.emit(),
            ..Header::default()
        };
        Ok((header, 0))
    }

    fn putrep(&mut self, reply: &Header, data: &[u8]) {
        assert_eq!(reply.status(), Some(Status::Ok));
        assert_eq!(data, process().emit());
    }
}

/// How a migration ends, and the rests until then.
fn migrate(busy: u32, outcome: Status) -> (Result<Capability, Status>, Vec<u32>) {
    let mut machines = Machines {
        busy,
        outcome,
        server: None,
    };
    let mut rests = Vec::new();
    let outcome = by_user(
        &mut machines,
        |time| rests.push(time),
        GET_PORT,
        &process(),
        &process(),
    );
    (outcome, rests)
}

#[test]
fn a_process_that_runs_is_told_at_once() {
    assert_eq!(migrate(0, Status::Ok), (Ok(process()), Vec::new()));
}

#[test]
fn a_process_that_has_come_to_nothing_is_told() {
    let outcome = (Err(Status::BadCapability), Vec::new());
    assert_eq!(migrate(0, Status::BadCapability), outcome);
}

#[test]
fn while_another_waits_there_it_is_asked_once_a_second() {
    let (outcome, rests) = migrate(3, Status::Ok);
    assert_eq!(outcome, Ok(process()));
    assert_eq!(rests, [1000; 3]);
}

#[test]
fn who_always_finds_another_waiting_gives_up_at_last() {
    let (outcome, rests) = migrate(u32::MAX, Status::Ok);
    assert_eq!(outcome, Err(Status::NotNow));
    assert_eq!(rests.iter().sum::<u32>(), 300_000);
}
