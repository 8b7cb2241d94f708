//! The server of the time of day.

use super::{Answer, Ports, Reply, Request, Server, World};
use crate::machine::{Machine, Milliseconds};
use alloc::string::String;
use proto::capability::{Capability, Port, Private, Rights};
use proto::standard::Status;

/// The command: tell the time. The reply's offset holds seconds since 1970, its size milliseconds, and its extra field
/// whether it is summer time.
pub const GET_TIME: u16 = 2400;
/// The command: set the time, given as the reply to the other one gives it.
pub const SET_TIME: u16 = 2401;
/// Needed to set the time.
pub const RIGHT_SET: Rights = Rights(0x02);

const OBJECT: u32 = 0;

/// The server. It counts on from what the clock chip said when the kernel started.
#[derive(Clone, Debug)]
pub struct TimeOfDay {
    ports: Ports,
    check: Port,
    /// Milliseconds since 1970 when the kernel started.
    start: i64,
    is_summer: u16,
}

impl TimeOfDay {
    /// The server on the get-port `port`, protected by `check`; it is so many seconds since 1970 at `now`.
    pub fn new(port: Port, check: Port, seconds: i64, now: Milliseconds) -> TimeOfDay {
        TimeOfDay {
            ports: Ports::of(port),
            check,
            start: seconds * 1000 - now.cast_signed(),
            is_summer: 0,
        }
    }

    /// The capability with all rights.
    pub fn capability(&self) -> Capability {
        Capability {
            port: self.ports.put,
            private: Private::owner(OBJECT, self.check),
        }
    }
}

impl<M: Machine> Server<M> for TimeOfDay {
    fn ports(&self) -> Ports {
        self.ports
    }

    fn check(&self, _world: &World<'_, M>, object: u32) -> Option<Port> {
        (object == OBJECT).then_some(self.check)
    }

    fn info(&self, _world: &World<'_, M>, _object: u32) -> String {
        String::from("time of day server")
    }

    fn command(&mut self, world: &mut World<'_, M>, request: &Request<'_>) -> Result<Answer, Status> {
        match request.header.command {
            GET_TIME => {
                let time = self.start + world.now.cast_signed();
                let mut reply = Reply::default();
                // As long as 32 bits of seconds reach.
                reply.header.offset = i32::try_from(time.div_euclid(1000)).map_err(|_| Status::Overflow)?;
                reply.header.size = time.rem_euclid(1000) as u16;
                reply.header.extra = self.is_summer;
                Ok(reply.into())
            }
            SET_TIME => {
                request.need(RIGHT_SET)?;
                let header = request.header;
                if header.size >= 1000 || header.offset < 0 {
                    return Err(Status::BadArgument);
                }
                let time = i64::from(header.offset) * 1000 + i64::from(header.size);
                self.start = time - world.now.cast_signed();
                self.is_summer = header.extra;
                Ok(Reply::default().into())
            }
            _ => Err(Status::BadCommand),
        }
    }
}
