//! The server of random bytes: one object, which hands out up to 1024 bytes a request.
//!
//! The bytes are the one-way function of a key, which whoever starts the server supplies, mixed with a counter:
//! they are as hard to guess as that key.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use libamoeba::{Request, Server};
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::one_way::one_way;
use proto::standard::Status;

/// The command: fill as many bytes as the header's size says.
pub const GET_RANDOM: u16 = 2600;
/// The most bytes of one request.
pub const MOST_BYTES: usize = 1024;
/// Needed to be given random bytes.
pub const READ: Rights = Rights(0x01);

const OBJECT: u32 = 0;

/// The server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    port: Port,
    check: Port,
    key: Port,
    counter: u64,
}

impl Random {
    /// A server on the get-port `port`, whose object is protected by `check` and whose bytes follow from `key`.
    pub fn new(port: Port, check: Port, key: Port) -> Random {
        Random {
            port,
            check,
            key,
            counter: 0,
        }
    }

    /// The capability with all rights on the server's object.
    pub fn capability(&self) -> Capability {
        Capability {
            port: one_way(self.port),
            private: Private::owner(OBJECT, self.check),
        }
    }

    /// The next six bytes: the one-way function of key and counter.
    fn block(&mut self) -> [u8; 6] {
        self.counter = self.counter.wrapping_add(1);
        let counter = self.counter.to_le_bytes();
        one_way(Port(core::array::from_fn(|place| {
            self.key.0[place] ^ counter[place]
        })))
        .0
    }
}

impl Server for Random {
    fn port(&self) -> Port {
        self.port
    }

    fn random(&self, object: u32) -> Option<Port> {
        (object == OBJECT).then_some(self.check)
    }

    fn info(&self, _object: u32) -> &str {
        "? random number server"
    }

    fn touch(&mut self, _object: u32) {}

    fn command(
        &mut self,
        request: Request<'_>,
        reply: &mut Header,
        data: &mut [u8],
    ) -> Result<usize, Status> {
        if request.header.command != GET_RANDOM {
            return Err(Status::BadCommand);
        }
        if !request.rights.include(READ) {
            return Err(Status::Denied);
        }
        let length = usize::from(request.header.size);
        if length > MOST_BYTES || length > data.len() {
            return Err(Status::BadArgument);
        }
        for bytes in data[..length].chunks_mut(6) {
            bytes.copy_from_slice(&self.block()[..bytes.len()]);
        }
        reply.size = request.header.size;
        Ok(length)
    }
}
