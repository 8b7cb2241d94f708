//! Terminals as a client calls them.

use crate::Transactions;
use crate::standard::{request, succeed};
use proto::capability::Capability;
use proto::marshal::{Reader, Writer};
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::Status;
use proto::terminal::{Command, Flow, Queue, Settings, SettingsCommand, When, WindowSize};

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// How many bytes.
    pub length: usize,
    /// Nothing comes behind them.
    pub is_end: bool,
}

/// Reads what comes next: a line, or what the settings say. [`Status::Interrupted`] if a signal came first.
pub fn read(
    transactions: &mut impl Transactions,
    terminal: &Capability,
    buffer: &mut [u8],
) -> Result<Read, Status> {
    read_with(transactions, terminal, Command::Read, 0, buffer)
}

/// Reads what comes next within so many milliseconds.
pub fn read_within(
    transactions: &mut impl Transactions,
    terminal: &Capability,
    milliseconds: i32,
    buffer: &mut [u8],
) -> Result<Read, Status> {
    read_with(transactions, terminal, Command::TimedRead, milliseconds, buffer)
}

fn read_with(
    transactions: &mut impl Transactions,
    terminal: &Capability,
    command: Command,
    offset: i32,
    buffer: &mut [u8],
) -> Result<Read, Status> {
    let room = buffer.len().min(LARGEST_BUFFER);
    let header = Header {
        offset,
        size: room as u16,
        ..request(terminal, command.code())
    };
    let (reply, length) = transactions.trans(&header, &[], &mut buffer[..room])?;
    succeed(&reply)?;
    let is_end = reply.extra != 0;
    Ok(Read { length, is_end })
}

/// Writes, in as many requests as it takes.
pub fn write(
    transactions: &mut impl Transactions,
    terminal: &Capability,
    bytes: &[u8],
) -> Result<(), Status> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = write_some(transactions, terminal, rest)?;
        rest = &rest[written..];
    }
    Ok(())
}

/// Writes with one request, at least a byte of some: how many.
pub fn write_some(
    transactions: &mut impl Transactions,
    terminal: &Capability,
    bytes: &[u8],
) -> Result<usize, Status> {
    let chunk = &bytes[..bytes.len().min(LARGEST_BUFFER)];
    let header = Header {
        size: chunk.len() as u16,
        ..request(terminal, Command::Write.code())
    };
    let (reply, _) = transactions.trans(&header, chunk, &mut [])?;
    succeed(&reply)?;
    let written = usize::from(reply.size);
    if written == 0 || written > chunk.len() {
        return Err(Status::SystemError);
    }
    Ok(written)
}

/// Says whom to tell of interrupts; the null capability is nobody.
pub fn set_interrupt(
    transactions: &mut impl Transactions,
    terminal: &Capability,
    listener: &Capability,
) -> Result<(), Status> {
    let header = request(terminal, Command::SetInterrupt.code());
    let (reply, _) = transactions.trans(&header, &listener.emit(), &mut [])?;
    succeed(&reply)
}

/// The settings.
pub fn settings(transactions: &mut impl Transactions, terminal: &Capability) -> Result<Settings, Status> {
    let header = request(terminal, SettingsCommand::GetAttributes.code());
    let mut bytes = [0; Settings::LENGTH];
    let (reply, length) = transactions.trans(&header, &[], &mut bytes)?;
    succeed(&reply)?;
    Settings::parse(&mut Reader::new(&bytes[..length])).map_err(|_| Status::SystemError)
}

/// Changes the settings.
pub fn set_settings(
    transactions: &mut impl Transactions,
    terminal: &Capability,
    when: When,
    settings: &Settings,
) -> Result<(), Status> {
    let mut bytes = [0; Settings::LENGTH];
    let written = settings.emit(&mut Writer::new(&mut bytes));
    written.map_err(|_| Status::SystemError)?;
    control(
        transactions,
        terminal,
        SettingsCommand::SetAttributes,
        when.code(),
        0,
        &bytes,
    )
}

/// Sends a break of so many milliseconds, 0 for the usual one.
pub fn send_break(
    transactions: &mut impl Transactions,
    terminal: &Capability,
    milliseconds: i32,
) -> Result<(), Status> {
    let command = SettingsCommand::SendBreak;
    control(transactions, terminal, command, 0, milliseconds, &[])
}

/// Waits until all output has gone.
pub fn drain(transactions: &mut impl Transactions, terminal: &Capability) -> Result<(), Status> {
    control(transactions, terminal, SettingsCommand::Drain, 0, 0, &[])
}

/// Forgets what has not been read or sent.
pub fn flush(
    transactions: &mut impl Transactions,
    terminal: &Capability,
    queue: Queue,
) -> Result<(), Status> {
    control(
        transactions,
        terminal,
        SettingsCommand::Flush,
        queue.code(),
        0,
        &[],
    )
}

/// Stops or goes on.
pub fn flow(transactions: &mut impl Transactions, terminal: &Capability, flow: Flow) -> Result<(), Status> {
    control(transactions, terminal, SettingsCommand::Flow, flow.code(), 0, &[])
}

/// The size of the window.
pub fn window_size(
    transactions: &mut impl Transactions,
    terminal: &Capability,
) -> Result<WindowSize, Status> {
    let header = request(terminal, SettingsCommand::GetWindowSize.code());
    let mut bytes = [0; WindowSize::LENGTH];
    let (reply, length) = transactions.trans(&header, &[], &mut bytes)?;
    succeed(&reply)?;
    WindowSize::parse(&mut Reader::new(&bytes[..length])).map_err(|_| Status::SystemError)
}

/// Changes the size of the window.
pub fn set_window_size(
    transactions: &mut impl Transactions,
    terminal: &Capability,
    size: &WindowSize,
) -> Result<(), Status> {
    let mut bytes = [0; WindowSize::LENGTH];
    let written = size.emit(&mut Writer::new(&mut bytes));
    written.map_err(|_| Status::SystemError)?;
    control(
        transactions,
        terminal,
        SettingsCommand::SetWindowSize,
        0,
        0,
        &bytes,
    )
}

fn control(
    transactions: &mut impl Transactions,
    terminal: &Capability,
    command: SettingsCommand,
    extra: u16,
    offset: i32,
    data: &[u8],
) -> Result<(), Status> {
    let header = Header {
        extra,
        offset,
        size: data.len() as u16,
        ..request(terminal, command.code())
    };
    let (reply, _) = transactions.trans(&header, data, &mut [])?;
    succeed(&reply)
}

#[cfg(test)]
mod tests;
