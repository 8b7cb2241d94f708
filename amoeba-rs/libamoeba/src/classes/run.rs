//! The run server: who places programs on the machines of a pool.
//!
//! What starts a program reads its descriptor, asks [`find_host`] for a machine, and hands [`Choice::host`](proto::run::Choice) to
//! [`program::exec`](crate::program::exec) as the process server. That capability is good for a while (until the run server has asked
//! the machine twice for how it fares), so it is used at once and not kept.

use super::capability;
use crate::Transactions;
use crate::standard::request;
use alloc::vec::Vec;
use proto::capability::Capability;
use proto::marshal::Reader;
use proto::message::Header;
use proto::run::{Choice, Command, Failure, LARGEST_DESCRIPTORS};
use proto::soap::LONGEST_NAME;
use proto::standard::Status;

/// A request that succeeds: the reply's header, and how many bytes came.
fn ask(
    transactions: &mut impl Transactions,
    header: &Header,
    data: &[u8],
    reply_data: &mut [u8],
) -> Result<(Header, usize), Failure> {
    let header = Header {
        size: data.len() as u16,
        ..*header
    };
    let (reply, length) = transactions.trans(&header, data, reply_data)?;
    Failure::check(reply.command.cast_signed())?;
    Ok((reply, length))
}

/// Chooses a host of `pool` for a program of which there is one executable file for each architecture: `descriptors` are their
/// process descriptors ([`proto::process`]). [`Choice::index`] is the one that the host can run.
///
/// # Errors
/// [`proto::run::Status`] if there is no such host; [`Status::BadArgument`] for no descriptor, or more than fit into a request.
pub fn find_host(
    transactions: &mut impl Transactions,
    pool: &Capability,
    descriptors: &[&[u8]],
) -> Result<Choice, Failure> {
    let data: Vec<u8> = descriptors.concat();
    if descriptors.is_empty() || data.len() > LARGEST_DESCRIPTORS {
        return Err(Status::BadArgument.into());
    }
    let header = Header {
        extra: descriptors.len() as u16,
        ..request(pool, Command::FindHost.code())
    };
    let mut answer = [0; Choice::LENGTH];
    let (reply, length) = ask(transactions, &header, &data, &mut answer)?;
    let choice = Choice::parse(reply.extra, &mut Reader::new(&answer[..length]));
    match choice {
        Ok(choice) if usize::from(choice.index) < descriptors.len() => Ok(choice),
        _ => Err(Status::SystemError.into()),
    }
}

/// The capability of a host's process server with which processes can be started, by the host's name in the pool.
///
/// # Errors
/// [`Status::NotFound`] for no such host, [`proto::run::Status::HostsDown`] if it does not answer.
pub fn exec_capability(
    transactions: &mut impl Transactions,
    pool: &Capability,
    name: &[u8],
) -> Result<Capability, Failure> {
    if name.len() > LONGEST_NAME || name.contains(&0) {
        return Err(Status::BadArgument.into());
    }
    let data = [name, &[0]].concat();
    let header = request(pool, Command::GetExecCapability.code());
    let (reply, _) = ask(transactions, &header, &data, &mut [])?;
    Ok(capability(&reply)?)
}

/// Makes a pool from a directory, which has a directory of hosts for each architecture: the pool's capability.
///
/// # Errors
/// [`proto::run::Status::BadPoolDirectory`] if it cannot be read; [`Status::Denied`].
pub fn create(
    transactions: &mut impl Transactions,
    server: &Capability,
    directory: &Capability,
) -> Result<Capability, Failure> {
    let header = request(server, Command::Create.code());
    let (reply, _) = ask(transactions, &header, &directory.emit(), &mut [])?;
    Ok(capability(&reply)?)
}
