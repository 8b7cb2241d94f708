//! Transactions and what is known of others as text, a line for each, for whoever looks after the machine.

use super::port_cache::Place;
use super::thread::{Client, Server, Thread};
use super::{Payload, Rpc, ThreadId};
use crate::flip::types::Milliseconds;
use core::fmt::{self, Display, Formatter, Write};

/// The letters of [`Rpc::report`], and what they mean.
pub const LETTERS: [(char, &str); 4] = [
    ('C', "transactions under way"),
    ('c', "transactions counted"),
    ('k', "kernels whose requests were seen"),
    ('p', "port cache"),
];

/// Bytes in hexadecimal digits.
struct Digits<'a>(&'a [u8]);

impl Display for Digits<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl<D: Payload> Rpc<D> {
    /// Writes what a letter of [`LETTERS`] stands for; nothing for any other.
    ///
    /// # Errors
    /// Those of `text`.
    pub fn report(&self, now: Milliseconds, letter: char, text: &mut impl Write) -> fmt::Result {
        match letter {
            'C' => self.report_threads(now, text),
            'c' => {
                let counters = self.counters;
                for (count, meaning) in [
                    (counters.requests, "requests received"),
                    (counters.replies, "replies received"),
                    (counters.local, "transactions within the machine"),
                    (counters.retransmissions, "requests sent again"),
                    (counters.questions, "questions and enquiries"),
                    (counters.locates, "locate broadcasts"),
                    (counters.refused, "requests refused"),
                    (counters.duplicates, "duplicates dropped"),
                    (counters.malformed, "malformed messages"),
                    (counters.incomplete, "incomplete messages"),
                ] {
                    writeln!(text, "{count:10}  {meaning}")?;
                }
                Ok(())
            }
            'k' => self.history.each(|kernel, last, idle| {
                let kernel = Digits(kernel);
                writeln!(text, "{kernel}  window to transaction {last}  {idle} sweeps idle")
            }),
            'p' => self.ports.each(|port, place, idle| {
                write!(text, "{}  ", Digits(&port.0))?;
                match place {
                    Place::Local(thread) => write!(text, "here, {}", Name(thread))?,
                    Place::Remote { address, round_trip } => {
                        write!(text, "at {}, {round_trip} ms", Digits(&address.0))?;
                    }
                }
                writeln!(text, "  {idle} sweeps idle")
            }),
            _ => Ok(()),
        }
    }

    fn report_threads(&self, now: Milliseconds, text: &mut impl Write) -> fmt::Result {
        for (process, known) in (0..).zip(&self.processes) {
            let threads = known.iter().flat_map(|process| &process.threads);
            for (thread, state) in (0..).zip(threads) {
                report_thread(now, ThreadId { process, thread }, state, text)?;
            }
        }
        Ok(())
    }
}

/// How a thread is called.
struct Name(ThreadId);

impl Display for Name {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "process {} thread {}", self.0.process, self.0.thread)
    }
}

fn report_thread<B>(
    now: Milliseconds,
    id: ThreadId,
    thread: &Thread<B>,
    text: &mut impl Write,
) -> fmt::Result {
    let name = Name(id);
    if let Some(transaction) = &thread.transaction {
        let (number, command) = (transaction.number, transaction.header.command);
        write!(
            text,
            "{name}  trans {number}  {:?}  command {command}  ",
            transaction.phase
        )?;
        match transaction.server {
            Server::Unknown => write!(text, "port {}", Digits(&transaction.header.port.0))?,
            Server::Local(server) => write!(text, "server {}", Name(server))?,
            Server::Remote { address, .. } => write!(text, "server {}", Digits(&address.0))?,
        }
        writeln!(text, "  for {} ms", now.saturating_sub(transaction.since))?;
    }
    if let Some(listening) = &thread.listening {
        writeln!(text, "{name}  getreq  port {}", Digits(&listening.port.0))?;
    }
    if let Some(service) = &thread.service {
        let doing = if thread.reply.is_some() {
            "putrep"
        } else {
            "serving"
        };
        write!(text, "{name}  {doing}  ")?;
        match service.client {
            Client::Local(client) => writeln!(text, "client {}", Name(client))?,
            Client::Remote { address, number, .. } => {
                writeln!(text, "client {} transaction {number}", Digits(&address.0))?;
            }
            Client::Gone => writeln!(text, "client gone")?,
        }
    }
    Ok(())
}
