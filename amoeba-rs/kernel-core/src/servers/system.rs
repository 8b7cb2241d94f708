//! The system server: what the kernel has printed, and how it fares.

use super::{Answer, Ports, Reply, Request, Server, World};
use crate::machine::Machine;
use crate::memory::PAGE;
use alloc::format;
use alloc::string::String;
use core::fmt::Write;
use proto::capability::{Capability, Port, Private, Rights};
use proto::standard::Status;

/// The command: give what the kernel has printed; the reply's offset is where its next character goes.
pub const PRINT_BUFFER: u16 = 2500;
/// The command: give figures, by the letter in the header's extra field.
pub const STATISTICS: u16 = 2501;
/// Needed for both.
pub const RIGHT_READ: Rights = Rights(0x01);

const OBJECT: u32 = 1;

/// The letters that the server knows, and what they mean.
const LETTERS: [(char, &str); 5] = [
    ('?', "this list"),
    ('m', "processes and threads"),
    ('s', "segments"),
    ('u', "uptime"),
    ('v', "version"),
];

/// The server.
#[derive(Clone, Debug)]
pub struct SystemServer {
    ports: Ports,
    check: Port,
    version: &'static str,
}

impl SystemServer {
    /// The server on the get-port `port`, protected by `check`, of a kernel of that version.
    pub fn new(port: Port, check: Port, version: &'static str) -> SystemServer {
        SystemServer {
            ports: Ports::of(port),
            check,
            version,
        }
    }

    /// The capability with all rights.
    pub fn capability(&self) -> Capability {
        Capability {
            port: self.ports.put,
            private: Private::owner(OBJECT, self.check),
        }
    }

    /// The figures of a letter.
    fn statistics<M: Machine>(&self, world: &World<'_, M>, letter: char) -> Option<String> {
        let mut text = String::new();
        match letter {
            '?' => {
                for (letter, meaning) in LETTERS {
                    let _ = writeln!(text, "{letter}  {meaning}");
                }
            }
            'm' => {
                for (slot, threads) in world.processes.list() {
                    let condition = world.processes.condition(slot);
                    let comment = world.processes.comment(slot);
                    let _ = writeln!(text, "{slot:2}  {condition}  {threads:3} threads  {comment}");
                }
            }
            's' => {
                for number in world.processes.segments().numbers() {
                    let segment = world.processes.segments().get(number);
                    let _ = writeln!(
                        text,
                        "{number:4}  {:8} bytes at {:x}h",
                        segment.length(),
                        segment.start()
                    );
                }
                let _ = writeln!(text, "{} KB free", world.machine.free_pages() * (PAGE / 1024));
            }
            'u' => text = format!("{} seconds up\n", world.now / 1000),
            'v' => text = format!("{}\n", self.version),
            _ => return None,
        }
        Some(text)
    }
}

impl<M: Machine> Server<M> for SystemServer {
    fn ports(&self) -> Ports {
        self.ports
    }

    fn check(&self, _world: &World<'_, M>, object: u32) -> Option<Port> {
        (object == OBJECT).then_some(self.check)
    }

    fn info(&self, _world: &World<'_, M>, _object: u32) -> String {
        String::from("system server")
    }

    fn command(&mut self, world: &mut World<'_, M>, request: &Request<'_>) -> Result<Answer, Status> {
        match request.header.command {
            PRINT_BUFFER => {
                request.need(RIGHT_READ)?;
                let (bytes, position) = world.console.printed();
                let mut reply = Reply::data(bytes);
                reply.header.offset = position as i32;
                Ok(reply.into())
            }
            STATISTICS => {
                request.need(RIGHT_READ)?;
                let letter = char::from_u32(u32::from(request.header.extra)).unwrap_or_default();
                let text = self.statistics(world, letter).ok_or(Status::BadArgument)?;
                Ok(Reply::data(text.into_bytes()).into())
            }
            _ => Err(Status::BadCommand),
        }
    }
}
