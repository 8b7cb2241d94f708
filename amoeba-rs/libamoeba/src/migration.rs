//! Taking processes from one machine to another, in both ways of Steketee, Socko and Kiepuszewski (1996, section 6): the kernel's
//! process servers see to all of it, or the program that asks for it does, as a migration server.

use crate::checkpoint::Swap;
use crate::classes::{capability, process};
use crate::standard::{self, request, succeed};
use crate::{Transactions, put_port};
use alloc::vec;
use proto::capability::{Capability, Port, Private};
use proto::message::{Header, LARGEST_BUFFER};
use proto::process::server::Command;
use proto::standard::Status;

/// How often a process is asked whether it runs; one question takes some milliseconds.
const QUESTIONS: u32 = 10_000;

/// Has the process server of `process` take it to the machine of the process server `destination`: its capability there.
/// The process's owner is told it, too: [`Swap`].
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

/// Takes a process to the machine of the process server `destination` oneself: its capability there. For that time this
/// thread is the process's owner; `port` is a get-port of its own.
///
/// # Errors
/// As [`by_kernel`].
pub fn by_user(
    transactions: &mut impl Transactions,
    port: Port,
    source: &Capability,
    destination: &Capability,
) -> Result<Capability, Status> {
    let owner = process::owner(transactions, source)?;
    let server = Capability {
        port: put_port(port),
        private: Private::owner(1, port),
    };
    process::set_owner(transactions, source, &server)?;
    let result = take(transactions, port, source, destination).and_then(|process| {
        wait_until_it_runs(transactions, &process)?;
        Ok(process)
    });
    let process = result.as_ref().unwrap_or(source);
    process::set_owner(transactions, process, &owner)?;
    if let Ok(new) = result
        && owner != Capability::NULL
    {
        // An owner that does not hear of it, or does not know what it means, still owns the process.
        let swap = Swap { old: *source, new };
        let _ = swap.tell(transactions, &owner);
    }
    result
}

/// The source has been told where its process is; it sees to it that the process goes on there.
fn wait_until_it_runs(transactions: &mut impl Transactions, process: &Capability) -> Result<(), Status> {
    let mut line = [0; 80];
    for _ in 0..QUESTIONS {
        let length = standard::info(transactions, process, &mut line)?;
        if line[..length].starts_with(b"! Run") {
            return Ok(());
        }
    }
    Err(Status::NotNow)
}

fn take(
    transactions: &mut impl Transactions,
    port: Port,
    source: &Capability,
    destination: &Capability,
) -> Result<Capability, Status> {
    let header = request(source, Command::MigrationStun.code());
    let (reply, _) = transactions.trans(&header, &[], &mut [])?;
    succeed(&reply)?;
    let mut message = vec![0; LARGEST_BUFFER];
    let length = loop {
        let (header, length) = transactions.getreq(port, &mut message)?;
        if header.command == Command::Checkpoint.code() {
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
