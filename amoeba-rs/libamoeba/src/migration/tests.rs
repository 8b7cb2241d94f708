extern crate std;

use super::by_user;
use crate::Transactions;
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::process::server::Command;
use proto::standard::Status;

const GET_PORT: Port = Port([1, 2, 3, 4, 5, 6]);

fn process() -> Capability {
    Capability {
        port: Port([6, 5, 4, 3, 2, 1]),
        private: Private::owner(7, Port([9, 9, 9, 9, 9, 9])),
    }
}

/// A source that gives a process away, and a destination that takes it.
struct Machines {
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
            reply.set_status(self.outcome);
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

/// How a migration ends if the destination says this of the process.
fn migrate(outcome: Status) -> Result<Capability, Status> {
    let mut machines = Machines {
        outcome,
        server: None,
    };
    by_user(&mut machines, GET_PORT, &process(), &process())
}

#[test]
fn a_process_that_runs_is_told() {
    assert_eq!(migrate(Status::Ok), Ok(process()));
}

#[test]
fn a_process_that_has_come_to_nothing_is_told() {
    assert_eq!(migrate(Status::BadCapability), Err(Status::BadCapability));
}
