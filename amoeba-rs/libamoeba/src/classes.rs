//! Servers as a client calls them: [`bullet`] for files, and the kernel's own for processes, segments, the time of day, random bytes
//! and what was printed.

pub mod bullet;

use crate::Transactions;
use crate::standard::{request, succeed};
use proto::capability::{Capability, Private};
use proto::message::{Header, LARGEST_BUFFER};
use proto::process::server::{Command, LARGEST_REQUEST, file};
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

/// Processes and segments.
pub mod process {
    use super::{
        Capability, Command, Header, LARGEST_BUFFER, LARGEST_REQUEST, Status, Transactions, ask, capability,
        file, request,
    };

    /// How a machine fares.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Load {
        /// Thousand turns of a loop a second.
        pub speed: u16,
        /// Threads that can run, times 1024.
        pub load: u16,
        /// Free memory, in bytes.
        pub free: u32,
    }

    /// Starts a process from a descriptor: its capability.
    pub fn exec(
        transactions: &mut impl Transactions,
        server: &Capability,
        descriptor: &[u8],
    ) -> Result<Capability, Status> {
        let (reply, _) = ask(
            transactions,
            &request(server, Command::Exec.code()),
            descriptor,
            &mut [],
        )?;
        capability(&reply)
    }

    /// Stuns a process; a negative code is an emergency.
    pub fn stun(transactions: &mut impl Transactions, process: &Capability, code: i32) -> Result<(), Status> {
        let header = Header {
            offset: code,
            ..request(process, Command::Stun.code())
        };
        ask(transactions, &header, &[], &mut []).map(drop)
    }

    /// Who is told when a process stops.
    pub fn owner(transactions: &mut impl Transactions, process: &Capability) -> Result<Capability, Status> {
        let (reply, _) = ask(
            transactions,
            &request(process, Command::GetOwner.code()),
            &[],
            &mut [],
        )?;
        capability(&reply)
    }

    /// Changes who is told when a process stops.
    pub fn set_owner(
        transactions: &mut impl Transactions,
        process: &Capability,
        owner: &Capability,
    ) -> Result<(), Status> {
        let header = request(process, Command::SetOwner.code());
        ask(transactions, &header, &owner.emit(), &mut []).map(drop)
    }

    /// How the machine of a process server fares.
    pub fn load(transactions: &mut impl Transactions, server: &Capability) -> Result<Load, Status> {
        let (reply, _) = ask(
            transactions,
            &request(server, Command::GetLoad.code()),
            &[],
            &mut [],
        )?;
        Ok(Load {
            speed: reply.extra,
            load: reply.size,
            free: reply.offset.cast_unsigned(),
        })
    }

    /// Makes a segment: its capability.
    pub fn create_segment(
        transactions: &mut impl Transactions,
        server: &Capability,
        length: u32,
    ) -> Result<Capability, Status> {
        let header = Header {
            offset: i32::try_from(length).map_err(|_| Status::BadArgument)?,
            ..request(server, Command::SegmentCreate.code())
        };
        let (reply, _) = ask(transactions, &header, &[], &mut [])?;
        capability(&reply)
    }

    /// Writes to a segment, in as many requests as it takes.
    pub fn write_segment(
        transactions: &mut impl Transactions,
        segment: &Capability,
        offset: u32,
        data: &[u8],
    ) -> Result<(), Status> {
        let starts = (offset..).step_by(LARGEST_REQUEST);
        for (start, chunk) in starts.zip(data.chunks(LARGEST_REQUEST)) {
            let header = Header {
                offset: i32::try_from(start).map_err(|_| Status::BadArgument)?,
                size: chunk.len() as u16,
                ..request(segment, Command::SegmentWrite.code())
            };
            ask(transactions, &header, chunk, &mut [])?;
        }
        Ok(())
    }

    /// Reads a segment or a file from `offset` on, in as many requests as it takes: how many bytes there were.
    pub fn read(
        transactions: &mut impl Transactions,
        object: &Capability,
        offset: u32,
        data: &mut [u8],
    ) -> Result<usize, Status> {
        let mut done = 0;
        while done < data.len() {
            let room = (data.len() - done).min(LARGEST_BUFFER);
            let start = offset
                .checked_add(done as u32)
                .and_then(|start| i32::try_from(start).ok());
            let header = Header {
                offset: start.ok_or(Status::BadArgument)?,
                size: room as u16,
                ..request(object, file::READ)
            };
            let (_, length) = ask(transactions, &header, &[], &mut data[done..done + room])?;
            done += length;
            if length < room {
                break;
            }
        }
        Ok(done)
    }

    /// The size of a segment or a file.
    pub fn size(transactions: &mut impl Transactions, object: &Capability) -> Result<u32, Status> {
        let (reply, _) = ask(transactions, &request(object, file::SIZE), &[], &mut [])?;
        u32::try_from(reply.offset).map_err(|_| Status::SystemError)
    }
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
