//! What goes with a process to another machine beside its descriptor and the contents of its segments: its FLIP address
//! and how its threads stand with other processes (Steketee, Socko and Kiepuszewski 1996, section 5.1). The layout is
//! this project's own.
//!
//! All of it is written by [`marshal`](crate::marshal): a [`Head`], then the [`Thread`]s in the order of the descriptor, then the
//! [`Window`]s.

use crate::capability::{Capability, Port};
use crate::flip::Address;
use crate::marshal::{Reader, Writer};
use crate::message::{self, Header};
use crate::{ByteOrder, Error};

const MAGIC: u32 = u32::from_le_bytes(*b"AMG2");
/// The most bytes of a name.
pub const LONGEST_NAME: usize = super::server::LONGEST_COMMENT;
/// The most signals that wait for the end of a thread's call.
pub const SIGNALS: usize = 8;
/// Words of 32 transactions in a window.
pub const WINDOW_WORDS: usize = 16;

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// Names the process's departure at the machine that it comes from.
    pub departure: Capability,
    /// Its address, the private one.
    pub address: Address,
    /// How it counts its transactions.
    pub counter: Counter,
    /// Whether its threads preempt each other.
    pub is_preemptive: bool,
    /// The comment on it.
    pub name: &'a [u8],
    /// How many threads follow.
    pub threads: u16,
    /// How many windows follow them.
    pub windows: u16,
}

/// How a process that has moved counts its transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// What stands in the place of a kernel's name in their headers.
    pub name: [u8; 8],
    /// The number of the last one.
    pub last: u32,
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its number, by which others know it.
    pub number: u16,
    /// Its priority.
    pub priority: u16,
    /// Signals that wait for the end of its call, in order; 0 for none.
    pub signals: [i32; SIGNALS],
    /// The request that it serves.
    pub service: Option<Service>,
    /// The call in which it waits, if that is to go on.
    pub call: Option<Call>,
}

/// A request that was taken and not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The put-port.
    pub port: Port,
    /// Who waits for the answer; nobody any more if it gave up.
    pub client: Option<Client>,
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its process.
    pub address: Address,
    /// Its thread.
    pub thread: u16,
    /// Who counts the transaction: a kernel, or a client that has moved.
    pub kernel: [u8; 8],
    /// The transaction's number.
    pub number: u32,
    /// Milliseconds to it and back.
    pub round_trip: u16,
}

/// A part of the process's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Its virtual address.
    pub address: u32,
    /// Bytes.
    pub length: u32,
}

/// A call in which a thread waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// It sleeps for so many milliseconds more.
    Sleep(u32),
    /// It wants a mutex.
    Mutex {
        /// Address of its word.
        address: u32,
        /// Milliseconds after which it gives up; negative for never.
        patience: i32,
        /// How many of the process's threads began to wait for a mutex before it.
        rank: u16,
    },
    /// It waits for a request.
    Request {
        /// The get-port.
        port: Port,
        /// Where the header goes.
        header: u32,
        /// Where the data goes.
        data: Memory,
    },
    /// It waits for the reply to its own request.
    Transaction(Transaction),
    /// It waits until its reply has arrived.
    Reply {
        /// The reply's header.
        header: Header,
        /// Its data.
        data: Memory,
    },
}

/// A transaction that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The request's header.
    pub header: Header,
    /// Its data.
    pub request: Memory,
    /// Where the reply's header goes.
    pub reply_header: u32,
    /// Where its data goes.
    pub reply: Memory,
    /// How long to look for a server, in milliseconds.
    pub timeout: u32,
    /// The server that was asked; none if none is known.
    pub asked: Option<Asked>,
}

/// How a transaction stands with its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who counts the transaction: a kernel, or a client that has moved.
    pub kernel: [u8; 8],
    /// The transaction's number.
    pub number: u32,
    /// The server's process.
    pub server: Address,
    /// Its thread, as far as that is known.
    pub thread: u16,
    /// Milliseconds to it and back.
    pub round_trip: u16,
    /// Whether the server is known to have the request.
    pub has_request: bool,
    /// Whether the server has refused the request, so that copies of it may still be on the way there.
    pub is_lingering: bool,
}

/// Which transactions of a kernel, or of a process that has moved, were seen, so that none is executed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Who counts them.
    pub kernel: [u8; 8],
    /// The first one of the window; older ones count as seen.
    pub base: u32,
    /// By the last nine bits of the number: those that were seen.
    pub seen: [u32; WINDOW_WORDS],
    /// Those of them that will never be executed.
    pub withdrawn: [u32; WINDOW_WORDS],
}

impl<'a> Head<'a> {
    /// Reads what comes first.
    ///
    /// # Errors
    /// [`Error::Magic`] if it is something else, [`Error::Length`] for a name that is too long, [`Error::Truncated`].
    pub fn parse(reader: &mut Reader<'a>) -> Result<Head<'a>, Error> {
        if reader.u32()? != MAGIC {
            return Err(Error::Magic);
        }
        let head = Head {
            departure: reader.capability()?,
            address: address(reader)?,
            counter: Counter {
                name: eight(reader)?,
                last: reader.u32()?,
            },
            is_preemptive: reader.u16()? != 0,
            name: reader.string()?,
            threads: reader.u16()?,
            windows: reader.u16()?,
        };
        if head.name.len() > LONGEST_NAME {
            return Err(Error::Length);
        }
        Ok(head)
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`Error::Truncated`] for too little room.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        writer.u32(MAGIC)?;
        writer.capability(&self.departure)?;
        writer.bytes(&self.address.0)?;
        writer.bytes(&self.counter.name)?;
        writer.u32(self.counter.last)?;
        writer.u16(u16::from(self.is_preemptive))?;
        writer.string(self.name)?;
        writer.u16(self.threads)?;
        writer.u16(self.windows)
    }
}

impl Thread {
    /// Reads a thread.
    ///
    /// # Errors
    /// [`Error::Kind`] for a call that does not exist, [`Error::Truncated`].
    pub fn parse(reader: &mut Reader<'_>) -> Result<Thread, Error> {
        let (number, priority) = (reader.u16()?, reader.u16()?);
        let mut signals = [0; SIGNALS];
        for signal in &mut signals {
            *signal = reader.i32()?;
        }
        let service = match reader.u16()? {
            0 => None,
            kind => Some(Service {
                port: reader.port()?,
                client: match kind {
                    1 => None,
                    _ => Some(client(reader)?),
                },
            }),
        };
        Ok(Thread {
            number,
            priority,
            signals,
            service,
            call: call(reader)?,
        })
    }

    /// Writes a thread.
    ///
    /// # Errors
    /// [`Error::Truncated`] for too little room.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        writer.u16(self.number)?;
        writer.u16(self.priority)?;
        for signal in self.signals {
            writer.i32(signal)?;
        }
        match self.service {
            None => writer.u16(0)?,
            Some(Service { port, client }) => {
                writer.u16(if client.is_some() { 2 } else { 1 })?;
                writer.port(port)?;
                if let Some(client) = client {
                    writer.bytes(&client.address.0)?;
                    writer.u16(client.thread)?;
                    writer.bytes(&client.kernel)?;
                    writer.u32(client.number)?;
                    writer.u16(client.round_trip)?;
                }
            }
        }
        emit_call(self.call.as_ref(), writer)
    }
}

impl Window {
    /// Reads a window.
    ///
    /// # Errors
    /// [`Error::Truncated`].
    pub fn parse(reader: &mut Reader<'_>) -> Result<Window, Error> {
        let mut window = Window {
            kernel: eight(reader)?,
            base: reader.u32()?,
            seen: [0; WINDOW_WORDS],
            withdrawn: [0; WINDOW_WORDS],
        };
        for word in window.seen.iter_mut().chain(&mut window.withdrawn) {
            *word = reader.u32()?;
        }
        Ok(window)
    }

    /// Writes a window.
    ///
    /// # Errors
    /// [`Error::Truncated`] for too little room.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        writer.bytes(&self.kernel)?;
        writer.u32(self.base)?;
        for word in self.seen.iter().chain(&self.withdrawn) {
            writer.u32(*word)?;
        }
        Ok(())
    }
}

fn eight(reader: &mut Reader<'_>) -> Result<[u8; 8], Error> {
    crate::array(reader.bytes(8)?, 0)
}

fn address(reader: &mut Reader<'_>) -> Result<Address, Error> {
    eight(reader).map(Address)
}

fn memory(reader: &mut Reader<'_>) -> Result<Memory, Error> {
    Ok(Memory {
        address: reader.u32()?,
        length: reader.u32()?,
    })
}

fn header(reader: &mut Reader<'_>) -> Result<Header, Error> {
    Header::parse(reader.bytes(message::LENGTH)?, ByteOrder::Little)
}

fn client(reader: &mut Reader<'_>) -> Result<Client, Error> {
    Ok(Client {
        address: address(reader)?,
        thread: reader.u16()?,
        kernel: eight(reader)?,
        number: reader.u32()?,
        round_trip: reader.u16()?,
    })
}

fn call(reader: &mut Reader<'_>) -> Result<Option<Call>, Error> {
    Ok(Some(match reader.u16()? {
        0 => return Ok(None),
        1 => Call::Sleep(reader.u32()?),
        2 => Call::Mutex {
            address: reader.u32()?,
            patience: reader.i32()?,
            rank: reader.u16()?,
        },
        3 => Call::Request {
            port: reader.port()?,
            header: reader.u32()?,
            data: memory(reader)?,
        },
        4 => Call::Transaction(Transaction {
            header: header(reader)?,
            request: memory(reader)?,
            reply_header: reader.u32()?,
            reply: memory(reader)?,
            timeout: reader.u32()?,
            asked: match reader.u16()? {
                0 => None,
                _ => Some(Asked {
                    kernel: eight(reader)?,
                    number: reader.u32()?,
                    server: address(reader)?,
                    thread: reader.u16()?,
                    round_trip: reader.u16()?,
                    has_request: reader.u16()? != 0,
                    is_lingering: reader.u16()? != 0,
                }),
            },
        }),
        5 => Call::Reply {
            header: header(reader)?,
            data: memory(reader)?,
        },
        kind => return Err(Error::Kind(kind.min(255) as u8)),
    }))
}

fn emit_memory(memory: Memory, writer: &mut Writer<'_>) -> Result<(), Error> {
    writer.u32(memory.address)?;
    writer.u32(memory.length)
}

fn emit_call(call: Option<&Call>, writer: &mut Writer<'_>) -> Result<(), Error> {
    match call {
        None => writer.u16(0),
        Some(Call::Sleep(remaining)) => {
            writer.u16(1)?;
            writer.u32(*remaining)
        }
        Some(Call::Mutex {
            address,
            patience,
            rank,
        }) => {
            writer.u16(2)?;
            writer.u32(*address)?;
            writer.i32(*patience)?;
            writer.u16(*rank)
        }
        Some(Call::Request { port, header, data }) => {
            writer.u16(3)?;
            writer.port(*port)?;
            writer.u32(*header)?;
            emit_memory(*data, writer)
        }
        Some(Call::Transaction(transaction)) => {
            writer.u16(4)?;
            writer.bytes(&transaction.header.emit(ByteOrder::Little))?;
            emit_memory(transaction.request, writer)?;
            writer.u32(transaction.reply_header)?;
            emit_memory(transaction.reply, writer)?;
            writer.u32(transaction.timeout)?;
            let Some(asked) = transaction.asked else {
                return writer.u16(0);
            };
            writer.u16(1)?;
            writer.bytes(&asked.kernel)?;
            writer.u32(asked.number)?;
            writer.bytes(&asked.server.0)?;
            writer.u16(asked.thread)?;
            writer.u16(asked.round_trip)?;
            writer.u16(u16::from(asked.has_request))?;
            writer.u16(u16::from(asked.is_lingering))
        }
        Some(Call::Reply { header, data }) => {
            writer.u16(5)?;
            writer.bytes(&header.emit(ByteOrder::Little))?;
            emit_memory(*data, writer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Call, Client, Counter, Head, Memory, Service, Thread, Transaction, Window};
    use crate::Error;
    use crate::capability::{Capability, Port, Private};
    use crate::flip::Address;
    use crate::marshal::{Reader, Writer};
    use crate::message::Header;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    const HEAD: Head<'static> = Head {
        departure: Capability::NULL,
        address: Address([1, 2, 3, 4, 5, 6, 7, 0]),
        counter: Counter {
            name: [8, 7, 6, 5, 4, 3, 2, 1],
            last: 0x0908_0706,
        },
        is_preemptive: true,
        name: b"counter",
        threads: 3,
        windows: 2,
    };
    const MEMORY: Memory = Memory {
        address: 0x0400_1000,
        length: 30_000,
    };

    fn calls() -> [Option<Call>; 7] {
        let header = Header {
            port: Port([9; 6]),
            command: 77,
            offset: -5,
            ..Header::default()
        };
        let transaction = |asked| {
            Some(Call::Transaction(Transaction {
                header,
                request: MEMORY,
                reply_header: 0x0500_0000,
                reply: MEMORY,
                timeout: 5200,
                asked,
            }))
        };
        [
            None,
            Some(Call::Sleep(1234)),
            Some(Call::Mutex {
                address: 0x0400_0004,
                patience: -1,
                rank: 3,
            }),
            Some(Call::Request {
                port: Port([3; 6]),
                header: 0x0400_0010,
                data: MEMORY,
            }),
            transaction(None),
            transaction(Some(Asked {
                kernel: [5; 8],
                number: 99,
                server: Address([8; 8]),
                thread: 4,
                round_trip: 10,
                has_request: true,
                is_lingering: false,
            })),
            Some(Call::Reply { header, data: MEMORY }),
        ]
    }

    fn services() -> [Option<Service>; 3] {
        let client = Client {
            address: Address([6; 8]),
            thread: 7,
            kernel: [1; 8],
            number: 1 << 30,
            round_trip: 12,
        };
        let service = |client| {
            Some(Service {
                port: Port([2; 6]),
                client,
            })
        };
        [None, service(None), service(Some(client))]
    }

    #[test]
    fn what_is_written_reads_back_and_every_shorter_one_is_truncated() {
        let mut buffer = [0; 400];
        for service in services() {
            for call in calls() {
                let thread = Thread {
                    number: 9,
                    priority: 7,
                    signals: [1, 2, 0, 0, 0, 0, 0, 9],
                    service,
                    call,
                };
                let mut writer = Writer::new(&mut buffer);
                thread.emit(&mut writer).unwrap();
                let length = writer.length();
                let mut reader = Reader::new(&buffer[..length]);
                assert_eq!(Thread::parse(&mut reader), Ok(thread.clone()));
                assert!(reader.rest().is_empty());
                for short in 0..length {
                    let mut reader = Reader::new(&buffer[..short]);
                    assert_eq!(Thread::parse(&mut reader), Err(Error::Truncated), "{short}");
                    let mut small = [0; 400];
                    assert_eq!(
                        thread.emit(&mut Writer::new(&mut small[..short])),
                        Err(Error::Truncated)
                    );
                }
            }
        }
    }

    #[test]
    fn the_head_reads_back_and_another_magic_is_refused() {
        let head = Head {
            departure: Capability {
                port: Port([4; 6]),
                private: Private::owner(0x4d_0001, Port([5; 6])),
            },
            ..HEAD
        };
        let mut buffer = [0; 100];
        let mut writer = Writer::new(&mut buffer);
        head.emit(&mut writer).unwrap();
        assert_eq!(Head::parse(&mut Reader::new(&buffer)), Ok(head));
        buffer[0] ^= 1;
        assert_eq!(Head::parse(&mut Reader::new(&buffer)), Err(Error::Magic));
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        let head = Head {
            name: &[b'x'; 32],
            ..HEAD
        };
        let mut buffer = [0; 100];
        head.emit(&mut Writer::new(&mut buffer)).unwrap();
        assert_eq!(Head::parse(&mut Reader::new(&buffer)), Err(Error::Length));
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut buffer = [0; 400];
            if let Ok(thread) = Thread::parse(&mut Reader::new(&bytes)) {
                let mut writer = Writer::new(&mut buffer);
                thread.emit(&mut writer).unwrap();
                prop_assert_eq!(Thread::parse(&mut Reader::new(&buffer)), Ok(thread));
            }
            let _ = Head::parse(&mut Reader::new(&bytes));
        }

        #[test]
        fn a_window_reads_back(kernel: [u8; 8], base: u32, seen: [u32; 16], withdrawn: [u32; 16]) {
            let window = Window { kernel, base, seen, withdrawn };
            let mut buffer = [0; 140];
            window.emit(&mut Writer::new(&mut buffer)).unwrap();
            prop_assert_eq!(Window::parse(&mut Reader::new(&buffer)), Ok(window));
        }
    }
}
