//! Servers as a client calls them: files of a Bullet server, the run server, the boot server, pipes, and the kernel's servers of processes, segments,
//! disks, the time of day, random bytes and what was printed.

pub mod process;

use crate::Transactions;
use crate::standard::{request, succeed};
use proto::capability::{Capability, Private};
use proto::message::Header;
use proto::standard::Status;

pub mod boot;
pub mod bullet;
pub mod disk;
pub mod fifo;
pub mod run;

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
pub(crate) fn capability(reply: &Header) -> Result<Capability, Status> {
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
    use proto::capability::{CAPABILITY_LENGTH, Port};
    use proto::marshal::{Reader, Writer};

    const PRINT_BUFFER: u16 = 2500;
    const STATISTICS: u16 = 2501;
    const NETWORK_CONTROL: u16 = 2503;
    const BOOT: u16 = 2504;
    const CHANGE_CAPABILITIES: u16 = 2505;
    /// The most characters of a kernel's command line.
    const LONGEST_LINE: usize = 255;

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

    /// How a network is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Conditions {
        /// How late packets come from it, in milliseconds.
        pub delay: u16,
        /// How many of a hundred packets do not come.
        pub loss: u16,
        /// Whether anything goes over it.
        pub is_on: bool,
        /// Whether it is trusted.
        pub is_trusted: bool,
    }

    /// Changes how a network (the first card's is 1) is, as far as there is a value: how it is then.
    pub fn control_network(
        transactions: &mut impl Transactions,
        server: &Capability,
        network: u16,
        delay: Option<i16>,
        loss: Option<i16>,
        is_on: Option<bool>,
        is_trusted: Option<bool>,
    ) -> Result<Conditions, Status> {
        let mut data = [0; 10];
        let mut writer = Writer::new(&mut data);
        let flag = |value: Option<bool>| value.map(i16::from);
        let values = [delay, loss, flag(is_on), flag(is_trusted)];
        let written = writer.u16(network).and_then(|()| {
            let mut values = values.iter();
            values.try_for_each(|value| writer.i16(value.unwrap_or(-1)))
        });
        written.map_err(|_| Status::SystemError)?;
        let mut answer = [0; 8];
        let (_, length) = ask(
            transactions,
            &request(server, NETWORK_CONTROL),
            &data,
            &mut answer,
        )?;
        let mut reader = Reader::new(&answer[..length]);
        let mut number = || reader.u16().map_err(|_| Status::SystemError);
        Ok(Conditions {
            delay: number()?,
            loss: number()?,
            is_on: number()? != 0,
            is_trusted: number()? != 0,
        })
    }

    /// Boots from an image with a command line of at most 255 characters, or as after a reset.
    pub fn boot(
        transactions: &mut impl Transactions,
        server: &Capability,
        image: Option<(&Capability, &str)>,
    ) -> Result<(), Status> {
        let (capability, line) = image.unwrap_or((&Capability::NULL, ""));
        let mut data = [0; CAPABILITY_LENGTH + LONGEST_LINE + 1];
        let mut writer = Writer::new(&mut data);
        let written = writer.capability(capability);
        let written = written.and_then(|()| writer.string(line.as_bytes()));
        written.map_err(|_| Status::BadArgument)?;
        let length = writer.length();
        ask(transactions, &request(server, BOOT), &data[..length], &mut []).map(drop)
    }

    /// Has other check fields protect directory, system server and process server for so many seconds; without any the own
    /// ones again.
    pub fn reserve(
        transactions: &mut impl Transactions,
        server: &Capability,
        seconds: u32,
        checks: Option<[Port; 3]>,
    ) -> Result<(), Status> {
        let header = Header {
            offset: i32::try_from(seconds).map_err(|_| Status::BadArgument)?,
            ..request(server, CHANGE_CAPABILITIES)
        };
        let mut data = [0; 18];
        let mut writer = Writer::new(&mut data);
        let mut checks = checks.unwrap_or([Port::NULL; 3]).into_iter();
        let written = checks.try_for_each(|check| writer.port(check));
        written.map_err(|_| Status::SystemError)?;
        ask(transactions, &header, &data, &mut []).map(drop)
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
