//! Taking processes from one machine to another, in both ways of Steketee, Socko and Kiepuszewski (1996, section 6): the kernel's
//! process servers see to all of it, or the program that asks for it does, as a migration server.

#[cfg(test)]
mod tests;

use crate::classes::capability;
use crate::standard::{request, succeed};
use crate::{Transactions, put_port};
use alloc::vec;
use proto::capability::{Capability, Port, Private};
use proto::message::{Header, LARGEST_BUFFER};
use proto::process::server::Command;
use proto::standard::Status;

/// Has the process server of `process` take it to the machine of the process server `destination`: its capability there.
/// The process's owner is told it, too: [`Swap`](crate::checkpoint::Swap).
///
/// # Errors
/// [`Status::Denied`], [`Status::NotNow`], or why the destination did not take it: then it goes on where it was. An error of the network
/// may also mean that the destination has failed after it had taken the process.
pub fn by_kernel(
    transactions: &mut impl Transactions,
    process: &Capability,
    destination: &Capability,
) -> Result<Capability, Status> {
    let header = request(process, Command::Migrate.code());
    let (reply, _) = transactions.trans(&header, &destination.emit(), &mut [])?;
    succeed(&reply)?;
    capability(&reply)
}

/// Takes a process to the machine of the process server `destination` oneself: its capability there. `port` is a get-port of this
/// thread's own, at which the source's process server tells it of the process. The process's owner stays who it is, and is told as by
/// [`by_kernel`].
///
/// # Errors
/// As [`by_kernel`]. [`Status::BadCapability`] also if the process had ended when it was asked whether it runs;
/// [`Status::NoSpace`] also if too many wait at the destination for such an answer: then it goes on there.
pub fn by_user(
    transactions: &mut impl Transactions,
    port: Port,
    source: &Capability,
    destination: &Capability,
) -> Result<Capability, Status> {
    let process = take(transactions, port, source, destination)?;
    // The source has been told where its process is; it sees to it that the process goes on there.
    let header = request(&process, Command::MigrationWait.code());
    let (reply, _) = transactions.trans(&header, &[], &mut [])?;
    succeed(&reply)?;
    Ok(process)
}

fn take(
    transactions: &mut impl Transactions,
    port: Port,
    source: &Capability,
    destination: &Capability,
) -> Result<Capability, Status> {
    let server = Capability {
        port: put_port(port),
        // It tells nothing of the get-port.
        private: Private::owner(1, put_port(put_port(port))),
    };
    let header = request(source, Command::MigrationStun.code());
    let (reply, _) = transactions.trans(&header, &server.emit(), &mut [])?;
    succeed(&reply)?;
    let mut message = vec![0; LARGEST_BUFFER];
    let length = loop {
        let (header, length) = transactions.getreq(port, &mut message)?;
        if header.command == Command::Checkpoint.code() && header.private == server.private.emit() {
            break length;
        }
        let mut reply = Header::default();
        reply.set_status(Status::BadCommand);
        transactions.putrep(&reply, &[]);
    };
    let header = request(destination, Command::MigrationExec.code());
    let taken = transactions
        .trans(&header, &message[..length], &mut [])
        .and_then(|(reply, _)| {
            succeed(&reply)?;
            capability(&reply)
        });
    // The source goes on with the process unless it is told where it is.
    let mut answer = Header::default();
    match &taken {
        Ok(process) => {
            answer.set_status(Status::Ok);
            transactions.putrep(&answer, &process.emit());
        }
        Err(_) => {
            answer.set_status(Status::NotNow);
            transactions.putrep(&answer, &[]);
        }
    }
    taken
}
