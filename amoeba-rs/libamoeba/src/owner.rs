//! Owning processes: who starts a process is told when it stops, and here has it end.

use crate::Transactions;
use crate::checkpoint::{Answer, Report, Swap};
use crate::ports::put_port;
use alloc::vec;
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::process::server::{Cause, LARGEST_REQUEST};
use proto::standard::Status;
use proto::terminal::Command;

/// The number of the object that owns, where one is enough.
const OBJECT: u32 = 1;
/// The right of a process itself: to say where it listens.
const SIGNALS: Rights = Rights(0x01);

/// How a process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this exit status.
    Exited(i32),
    /// It was stunned with this code.
    Stunned(i32),
    /// By an exception, whose number is negative.
    Exception(i32),
}

impl End {
    /// What a report says.
    pub fn of(report: &Report) -> End {
        match report.cause {
            Cause::Normal => End::Exited(report.detail),
            Cause::Stunned => End::Stunned(report.detail),
            Cause::Exception => End::Exception(report.detail),
        }
    }
}

impl core::fmt::Display for End {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            End::Exited(status) => write!(formatter, "exited with status {status}"),
            End::Stunned(code) => write!(formatter, "stunned ({code})"),
            End::Exception(number) => write!(formatter, "exception {number}"),
        }
    }
}

/// What an owner is told of one of its processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It goes on as another one, on another machine.
    Moved(Swap),
    /// It has stopped, and ends: which one, by the capability that it had, and how.
    Ended(Capability, End),
    /// It wants to be told there of the terminal's interrupt, rather than be stunned; null if no longer.
    Listens(Capability),
}

/// An owner: a port at which kernels tell of its processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    port: Port,
    check: Port,
}

impl Owner {
    /// An owner with this get-port and check field, which nobody else knows.
    pub const fn new(port: Port, check: Port) -> Owner {
        Owner { port, check }
    }

    /// What processes are given as their owner.
    pub fn capability(&self) -> Capability {
        self.of(OBJECT)
    }

    /// What the process of this number, which is not 0, is given as its owner: what is told of it names the number.
    pub fn of(&self, number: u32) -> Capability {
        Capability {
            port: put_port(self.port),
            private: Private::owner(number, self.check),
        }
    }

    /// What the process of this number is given as `SIGNALS`: to it the process says where it listens to the terminal's interrupt, if it
    /// does.
    pub fn signals(&self, number: u32) -> Capability {
        let mut capability = self.of(number);
        capability.private = capability.private.restrict(SIGNALS, self.check);
        capability
    }

    /// Waits until one of its processes stops, and lets it end: which one, by the capability that it had, and how.
    ///
    /// # Errors
    /// [`Status::RpcAborted`] if a signal ended the wait, and other errors of transactions.
    pub fn wait(&self, transactions: &mut impl Transactions) -> Result<(Capability, End), Status> {
        loop {
            if let (_, News::Ended(process, end)) = self.hear(transactions)? {
                return Ok((process, end));
            }
        }
    }

    /// Waits until it is told of one of its processes: the number under which it owns it, and what. One that stops is let end. That a
    /// process has moved may be told after its end. Nobody listens while this waits for the acknowledgement of its answer, which
    /// takes most of a minute if that is without power: `system::ownership` has others listen meanwhile.
    ///
    /// # Errors
    /// As [`Owner::wait`].
    pub fn hear(&self, transactions: &mut impl Transactions) -> Result<(u32, News), Status> {
        let mut data = vec![0; LARGEST_REQUEST];
        loop {
            let (header, length) = transactions.getreq(self.port, &mut data)?;
            let (reply, news) = self.answer(&header, &data[..length]);
            transactions.putrep(&reply, &[]);
            if let Some(news) = news {
                return Ok(news);
            }
        }
    }

    /// The get-port.
    pub fn port(&self) -> Port {
        self.port
    }

    /// The reply to a request, which has no data, and what the owner is told by it: the number of a process, and what. A process that stops
    /// is let end.
    pub fn answer(&self, header: &Header, data: &[u8]) -> (Header, Option<(u32, News)>) {
        match self.read(header, data) {
            Ok((number, news)) => {
                let reply = match news {
                    News::Ended(..) => Answer::Kill.reply().0,
                    News::Moved(_) | News::Listens(_) => answer(Status::Ok),
                };
                (reply, Some((number, news)))
            }
            Err(status) => (answer(status), None),
        }
    }

    fn read(&self, header: &Header, data: &[u8]) -> Result<(u32, News), Status> {
        let private = Private::parse(&header.private).map_err(|_| Status::BadCapability)?;
        let rights = private.proven_rights(self.check).ok_or(Status::BadCapability)?;
        if header.command == Command::SetInterrupt.code() && rights.include(SIGNALS) {
            let listener = Capability::parse(data).map_err(|_| Status::BadArgument)?;
            return Ok((private.object(), News::Listens(listener)));
        }
        if rights != Rights::ALL {
            return Err(Status::Denied);
        }
        let news = if let Some(swap) = Swap::parse(header, data) {
            News::Moved(swap)
        } else {
            let report = Report::parse(header, data).ok_or(Status::BadCommand)?;
            News::Ended(report.image.head.own, End::of(&report))
        };
        Ok((private.object(), news))
    }
}

fn answer(status: Status) -> Header {
    let mut reply = Header::default();
    reply.set_status(status);
    reply
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::{End, News, Owner};
    use crate::Transactions;
    use crate::checkpoint::Swap;
    use proto::capability::{Capability, Port, Private, Rights};
    use proto::message::Header;
    use proto::process::{self, Head, I80386};
    use proto::standard::Status;
    use std::vec;
    use std::vec::Vec;

    const OWNER: (Port, Port) = (Port([1; 6]), Port([2; 6]));

    /// A kernel with requests to the owner, and the statuses that it was answered.
    struct Kernel(Vec<(Header, Vec<u8>)>, Vec<Option<Status>>);

    impl Transactions for Kernel {
        fn trans(&mut self, _: &Header, _: &[u8], _: &mut [u8]) -> Result<(Header, usize), Status> {
            Err(Status::RpcFailure)
        }

        fn getreq(&mut self, port: Port, data: &mut [u8]) -> Result<(Header, usize), Status> {
            assert_eq!(port, OWNER.0);
            if self.0.is_empty() {
                return Err(Status::RpcAborted);
            }
            let (header, bytes) = self.0.remove(0);
            data[..bytes.len()].copy_from_slice(&bytes);
            Ok((header, bytes.len()))
        }

        fn putrep(&mut self, reply: &Header, _: &[u8]) {
            self.1.push(reply.status());
        }
    }

    fn process() -> Capability {
        Capability {
            port: Port([3; 6]),
            private: Private::owner(0x50_0001, Port([4; 6])),
        }
    }

    fn descriptor() -> Vec<u8> {
        let head = Head {
            architecture: I80386,
            own: process(),
            owner: Capability::NULL,
        };
        let mut bytes = vec![0; 100];
        let length = process::emit(&head, &[], &[], &mut bytes).unwrap();
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn the_end_of_a_process_is_told_by_its_kernel_and_by_nobody_else() {
        let owner = Owner::new(OWNER.0, OWNER.1);
        let checkpoint = |check, cause, detail| Header {
            private: Private::owner(1, check).emit(),
            command: 2308,
            extra: cause,
            offset: detail,
            ..Header::default()
        };
        let other = Header {
            command: 1004,
            ..checkpoint(OWNER.1, 0, 0)
        };
        let mut kernel = Kernel(
            vec![
                (checkpoint(Port([9; 6]), 0, 5), descriptor()),
                (other, vec![]),
                (checkpoint(OWNER.1, 0, 7), descriptor()),
                (checkpoint(OWNER.1, 1, -3), descriptor()),
                (checkpoint(OWNER.1, 2, -6), descriptor()),
            ],
            vec![],
        );
        let ends: Vec<_> = core::iter::from_fn(|| owner.wait(&mut kernel).ok()).collect();
        let expected = [End::Exited(7), End::Stunned(-3), End::Exception(-6)];
        assert_eq!(ends, expected.map(|end| (process(), end)));
        let answered = [
            Status::BadCapability,
            Status::BadCommand,
            Status::Interrupted,
            Status::Interrupted,
            Status::Interrupted,
        ];
        assert_eq!(kernel.1, answered.map(Some));
        assert_eq!(owner.wait(&mut kernel), Err(Status::RpcAborted));
    }

    #[test]
    fn an_owner_hears_of_moves_and_ends_by_the_number_of_the_process() {
        let owner = Owner::new(OWNER.0, OWNER.1);
        let header = |number, check, command| Header {
            private: Private::owner(number, check).emit(),
            command,
            offset: 4,
            ..Header::default()
        };
        let moved = Capability {
            port: Port([5; 6]),
            ..process()
        };
        let swap = [process().emit(), moved.emit()].concat();
        let mut kernel = Kernel(
            vec![
                (header(8, Port([9; 6]), 2311), swap.clone()),
                (header(8, OWNER.1, 2311), swap[..31].to_vec()),
                (header(8, OWNER.1, 2311), swap.clone()),
                (header(9, OWNER.1, 2308), descriptor()),
                (header(8, OWNER.1, 2311), swap),
                (header(9, OWNER.1, 2308), descriptor()),
            ],
            vec![],
        );
        let moved = News::Moved(Swap {
            old: process(),
            new: moved,
        });
        assert_eq!(owner.hear(&mut kernel), Ok((8, moved)));
        let ended = News::Ended(process(), End::Exited(4));
        assert_eq!(owner.hear(&mut kernel), Ok((9, ended)));
        assert_eq!(
            owner.wait(&mut kernel),
            Ok((process(), End::Exited(4))),
            "only ends"
        );
        let answered = [
            Status::BadCapability,
            Status::BadCommand,
            Status::Ok,
            Status::Interrupted,
            Status::Ok,
            Status::Interrupted,
        ];
        assert_eq!(kernel.1, answered.map(Some));
    }

    #[test]
    fn a_process_says_where_it_listens_and_can_say_no_more_with_the_same_capability() {
        let owner = Owner::new(OWNER.0, OWNER.1);
        let signals = owner.signals(3);
        assert_eq!(signals.port, owner.capability().port);
        let request = |private: Private, command| Header {
            private: private.emit(),
            command,
            ..Header::default()
        };
        let listener = process().emit().to_vec();
        let mut kernel = Kernel(
            vec![
                (request(signals.private, 4059), listener[..15].to_vec()),
                (request(signals.private, 2308), descriptor()),
                (
                    request(signals.private.restrict(Rights(0), OWNER.1), 4059),
                    listener.clone(),
                ),
                (request(Private::owner(1, Port([9; 6])), 4059), listener.clone()),
                (request(signals.private, 4059), listener),
            ],
            vec![],
        );
        assert_eq!(owner.hear(&mut kernel), Ok((3, News::Listens(process()))));
        let answered = [
            Status::BadArgument,
            Status::Denied,
            Status::Denied,
            Status::BadCapability,
            Status::Ok,
        ];
        assert_eq!(kernel.1, answered.map(Some));
    }

    #[test]
    fn an_end_is_told_in_words() {
        use std::string::ToString;
        assert_eq!(End::Exited(3).to_string(), "exited with status 3");
        assert_eq!(End::Stunned(-1).to_string(), "stunned (-1)");
        assert_eq!(End::Exception(-7).to_string(), "exception -7");
    }
}
