//! What clients ask terminals for.

use super::{
    Answer, Kernel, Outgoing, RIGHT_CONTROL, RIGHT_READ, RIGHT_WRITE, Reply, Request, SettingsCommand,
    Terminal, Waiting,
};
use crate::line_discipline::Reader;
use crate::machine::Milliseconds;
use alloc::vec;
use proto::Error;
use proto::capability::{CAPABILITY_LENGTH, Capability};
use proto::marshal::{Reader as Values, Writer};
use proto::message::LARGEST_BUFFER;
use proto::standard::Status;
use proto::terminal::{Command, Flow, Queue, Settings, Signal, When, WindowSize};

/// How long a break is of whose length nothing is said.
const BREAK: Milliseconds = 250;
/// The longest break.
const LONGEST_BREAK: Milliseconds = 10_000;
/// How many requests may wait for a terminal in each direction.
const MOST_WAITING: usize = 64;

/// Carries out a request; [`Answer::Later`] if it has joined those that wait.
pub(super) fn carry_out(
    terminal: &mut Terminal,
    now: Milliseconds,
    kernel: &mut dyn Kernel,
    request: &Request<'_>,
) -> Result<Answer, Status> {
    if let Some(command) = SettingsCommand::from_code(request.header.command) {
        return settings_command(terminal, now, kernel, request, command);
    }
    match Command::from_code(request.header.command).ok_or(Status::BadCommand)? {
        Command::Read => read(terminal, now, request, Milliseconds::MAX),
        Command::TimedRead => {
            let time = u64::try_from(request.header.offset).map_err(|_| Status::BadArgument)?;
            read(terminal, now, request, now + time)
        }
        Command::Write => {
            request.need(RIGHT_WRITE)?;
            join_outgoing(terminal, request, Outgoing::Write(request.data.to_vec(), 0))
        }
        Command::Close => Ok(Reply::default().into()),
        Command::Status => {
            let mut reply = Reply::default();
            reply.header.offset = terminal.discipline.readable() as i32;
            reply.header.extra = terminal.discipline.is_hung_up().into();
            Ok(reply.into())
        }
        Command::SetInterrupt => {
            request.need(RIGHT_CONTROL)?;
            let capability = request.data.first_chunk::<CAPABILITY_LENGTH>();
            terminal.interrupt = Capability::from_bytes(capability.ok_or(Status::BadArgument)?);
            Ok(Reply::default().into())
        }
        Command::Create | Command::Link | Command::Control | Command::Copy => Err(Status::BadCommand),
    }
}

fn read(
    terminal: &mut Terminal,
    now: Milliseconds,
    request: &Request<'_>,
    deadline: Milliseconds,
) -> Result<Answer, Status> {
    request.need(RIGHT_READ)?;
    if terminal.readers.len() >= MOST_WAITING {
        return Err(Status::NotNow);
    }
    let what = Reader {
        wanted: usize::from(request.header.size).min(LARGEST_BUFFER),
        began: now,
        deadline,
    };
    terminal.readers.push_back(Waiting {
        ticket: request.ticket,
        what,
        is_interrupted: false,
    });
    Ok(Answer::Later)
}

fn join_outgoing(terminal: &mut Terminal, request: &Request<'_>, what: Outgoing) -> Result<Answer, Status> {
    if terminal.outgoing.len() >= MOST_WAITING {
        return Err(Status::NotNow);
    }
    terminal.outgoing.push_back(Waiting {
        ticket: request.ticket,
        what,
        is_interrupted: false,
    });
    Ok(Answer::Later)
}

fn settings_command(
    terminal: &mut Terminal,
    now: Milliseconds,
    kernel: &mut dyn Kernel,
    request: &Request<'_>,
    command: SettingsCommand,
) -> Result<Answer, Status> {
    let (header, bad) = (request.header, Status::BadArgument);
    match command {
        SettingsCommand::GetAttributes => {
            let settings = *terminal.discipline.settings();
            return reply(Settings::LENGTH, |writer| settings.emit(writer));
        }
        SettingsCommand::GetWindowSize => {
            let window = terminal.window;
            return reply(WindowSize::LENGTH, |writer| window.emit(writer));
        }
        _ => request.need(RIGHT_CONTROL)?,
    }
    let mut values = Values::new(request.data);
    match command {
        SettingsCommand::SetAttributes => {
            let settings = Settings::parse(&mut values).map_err(|_| bad)?;
            let when = When::from_code(header.extra).ok_or(bad)?;
            if when != When::Now {
                return join_outgoing(terminal, request, Outgoing::Set(settings, when));
            }
            terminal.set(&settings, when).map(Answer::Now)
        }
        SettingsCommand::SendBreak => {
            let length = match Milliseconds::try_from(header.offset).map_err(|_| bad)? {
                0 => BREAK,
                length if length <= LONGEST_BREAK => length,
                _ => return Err(bad),
            };
            join_outgoing(terminal, request, Outgoing::Break(length, None))
        }
        SettingsCommand::Drain => join_outgoing(terminal, request, Outgoing::Drain),
        SettingsCommand::Flush => {
            terminal
                .discipline
                .flush(Queue::from_code(header.extra).ok_or(bad)?);
            Ok(Reply::default().into())
        }
        SettingsCommand::Flow => {
            terminal
                .discipline
                .flow(Flow::from_code(header.extra).ok_or(bad)?);
            Ok(Reply::default().into())
        }
        SettingsCommand::SetWindowSize => {
            let window = WindowSize::parse(&mut values).map_err(|_| bad)?;
            if core::mem::replace(&mut terminal.window, window) != window {
                terminal.tell(now, kernel, Signal::WindowSize);
            }
            Ok(Reply::default().into())
        }
        SettingsCommand::GetAttributes | SettingsCommand::GetWindowSize => Err(Status::BadCommand),
    }
}

/// A reply of this many bytes.
fn reply(length: usize, write: impl FnOnce(&mut Writer<'_>) -> Result<(), Error>) -> Result<Answer, Status> {
    let mut bytes = vec![0; length];
    write(&mut Writer::new(&mut bytes)).map_err(|_| Status::SystemError)?;
    Ok(Reply::data(bytes).into())
}
