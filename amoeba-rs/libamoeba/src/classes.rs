//! The kernel's servers as a client calls them: processes, segments, the time of day, random bytes, what was printed.

pub mod process;

use crate::Transactions;
use crate::standard::{request, succeed};
use proto::capability::{Capability, Private};
use proto::message::Header;
use proto::standard::Status;

/// A request that succeeds: the reply's header, and how many bytes came.
fn ask(
    transactions: &mut impl Transactions,
    header: &Header,
    data: &[u8],
    reply_data: &mut [u8],
) -> Result<(Header, usize), Status> {
    let (reply, length) = transactions.trans(header, data, reply_data)?;
    succeed(&reply)?;
    Ok((reply, length))
}

/// The capability in a reply's header.
fn capability(reply: &Header) -> Result<Capability, Status> {
    Ok(Capability {
        port: reply.port,
        private: Private::parse(&reply.private).map_err(|_| Status::SystemError)?,
    })
}

/// The time of day.
pub mod time {
    use super::{Capability, Header, Status, Transactions, ask, request};

    const GET_TIME: u16 = 2400;
    const SET_TIME: u16 = 2401;

    /// A time of day.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Time {
        /// Seconds since the beginning of 1970.
        pub seconds: u32,
        /// Milliseconds of this second.
        pub milliseconds: u16,
        /// Whether it is summer time.
        pub is_summer: bool,
    }

    /// What time it is.
    pub fn get(transactions: &mut impl Transactions, server: &Capability) -> Result<Time, Status> {
        let (reply, _) = ask(transactions, &request(server, GET_TIME), &[], &mut [])?;
        Ok(Time {
            seconds: u32::try_from(reply.offset).map_err(|_| Status::SystemError)?,
            milliseconds: reply.size,
            is_summer: reply.extra != 0,
        })
    }

    /// Sets the time.
    pub fn set(transactions: &mut impl Transactions, server: &Capability, time: &Time) -> Result<(), Status> {
        let header = Header {
            offset: i32::try_from(time.seconds).map_err(|_| Status::BadArgument)?,
            size: time.milliseconds,
            extra: u16::from(time.is_summer),
            ..request(server, SET_TIME)
        };
        ask(transactions, &header, &[], &mut []).map(drop)
    }
}

/// Random bytes.
pub mod random {
    use super::{Capability, Header, Status, Transactions, ask, request};

    const GET_RANDOM: u16 = 2600;
    const MOST_BYTES: usize = 1024;

    /// Fills `bytes`, in as many requests as it takes.
    pub fn fill(
        transactions: &mut impl Transactions,
        server: &Capability,
        bytes: &mut [u8],
    ) -> Result<(), Status> {
        for chunk in bytes.chunks_mut(MOST_BYTES) {
            let header = Header {
                size: chunk.len() as u16,
                ..request(server, GET_RANDOM)
            };
            let wanted = chunk.len();
            let (_, length) = ask(transactions, &header, &[], chunk)?;
            if length != wanted {
                return Err(Status::SystemError);
            }
        }
        Ok(())
    }
}

/// The kernel's own figures.
pub mod system {
    use super::{Capability, Header, Status, Transactions, ask, request};

    const PRINT_BUFFER: u16 = 2500;
    const STATISTICS: u16 = 2501;

    /// The figures of a letter, `?` for the list of letters: how many bytes they take.
    pub fn statistics(
        transactions: &mut impl Transactions,
        server: &Capability,
        letter: u8,
        text: &mut [u8],
    ) -> Result<usize, Status> {
        let header = Header {
            extra: u16::from(letter),
            ..request(server, STATISTICS)
        };
        ask(transactions, &header, &[], text).map(|(_, length)| length)
    }

    /// What the kernel has printed, as a ring: its length, and where in it the next character will be.
    pub fn print_buffer(
        transactions: &mut impl Transactions,
        server: &Capability,
        text: &mut [u8],
    ) -> Result<(usize, usize), Status> {
        let (reply, length) = ask(transactions, &request(server, PRINT_BUFFER), &[], text)?;
        let position = usize::try_from(reply.offset).map_err(|_| Status::SystemError)?;
        Ok((length, position))
    }
}

#[cfg(test)]
mod tests;
