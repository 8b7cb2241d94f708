//! The boot server.

use super::ask;
use crate::Transactions;
use crate::standard::request;
use proto::boot::{Command, ControlOption};
use proto::capability::Capability;
use proto::message::Header;
use proto::standard::Status;

fn command(
    transactions: &mut impl Transactions,
    server: &Capability,
    command: Command,
    extra: u16,
    data: &[u8],
) -> Result<(), Status> {
    let header = Header {
        size: u16::try_from(data.len()).map_err(|_| Status::BadArgument)?,
        extra,
        ..request(server, command.code())
    };
    ask(transactions, &header, data, &mut []).map(drop)
}

/// Has the server read its configuration again, which it does soon after its answer.
///
/// # Errors
/// [`Status::Denied`] without the right to administer, and what transactions may answer. So do all of these.
pub fn reinitialise(transactions: &mut impl Transactions, server: &Capability) -> Result<(), Status> {
    command(transactions, server, Command::Reinitialise, 0, &[])
}

/// Has all services end, and then the server itself.
///
/// # Errors
/// As [`reinitialise`].
pub fn shut_down(transactions: &mut impl Transactions, server: &Capability) -> Result<(), Status> {
    command(transactions, server, Command::ShutDown, 0, &[])
}

/// Has the server tell on this terminal what happens.
///
/// # Errors
/// As [`reinitialise`], and what the terminal answers.
pub fn set_output(
    transactions: &mut impl Transactions,
    server: &Capability,
    terminal: &Capability,
) -> Result<(), Status> {
    command(transactions, server, Command::SetOutput, 0, &terminal.emit())
}

/// Has a service run, or not.
///
/// # Errors
/// As [`reinitialise`]; [`Status::NotFound`] if there is no service of that name.
pub fn configure(
    transactions: &mut impl Transactions,
    server: &Capability,
    service: &str,
    is_wanted: bool,
) -> Result<(), Status> {
    let extra = u16::from(is_wanted);
    command(
        transactions,
        server,
        Command::Configure,
        extra,
        service.as_bytes(),
    )
}

/// Changes how much the server tells.
///
/// # Errors
/// As [`reinitialise`].
pub fn control(
    transactions: &mut impl Transactions,
    server: &Capability,
    option: ControlOption,
) -> Result<(), Status> {
    command(transactions, server, Command::Control, option.code(), &[])
}
