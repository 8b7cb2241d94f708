//! The system server: what the kernel has printed, how it fares, how its networks are, who may use it, and booting.

use super::{Answer, Ports, Reply, Request, Server, World};
use crate::flip::Change;
use crate::flip::report::LETTERS as FLIP_LETTERS;
use crate::machine::Machine;
use crate::memory::PAGE;
use crate::rpc::report::LETTERS as RPC_LETTERS;
use alloc::format;
use alloc::string::String;
use core::fmt::Write;
use proto::Error;
use proto::capability::{CAPABILITY_LENGTH, Capability, Port, Private, Rights};
use proto::marshal::{Reader, Writer};
use proto::message::LARGEST_BUFFER;
use proto::standard::Status;

/// The command: give what the kernel has printed; the reply's offset is where its next character goes.
pub const PRINT_BUFFER: u16 = 2500;
/// The command: give figures, by the letter in the header's extra field.
pub const STATISTICS: u16 = 2501;
/// The command: change how a network is. Five numbers of two bytes: the network, delay in milliseconds, loss in percent, on,
/// trusted, each but the first -1 to leave it as it is; the reply holds the last four.
pub const NETWORK_CONTROL: u16 = 2503;
/// The command: boot from the file whose capability comes with the request and the command line behind it; without a
/// capability, or with a null one, as after a reset.
pub const BOOT: u16 = 2504;
/// The command: for as many seconds as the offset says, three other check fields protect the directory, this server and the
/// process server; a null one first ends that.
pub const CHANGE_CAPABILITIES: u16 = 2505;
/// Needed for what only tells.
pub const RIGHT_READ: Rights = Rights(0x01);
/// Needed to change networks and check fields.
pub const RIGHT_CONTROL: Rights = Rights(0x02);
/// Needed to boot.
pub const RIGHT_BOOT: Rights = Rights(0x10);
/// The most characters of a kernel's command line.
pub const LONGEST_LINE: usize = 255;

/// The number of the server's object.
pub const OBJECT: u32 = 1;

/// Letters beside those of FLIP and transactions, and what they mean.
const LETTERS: [(char, &str); 7] = [
    ('?', "this list"),
    ('b', "seed bits of secret numbers"),
    ('e', "cards"),
    ('m', "processes and threads"),
    ('s', "segments"),
    ('u', "uptime"),
    ('v', "version"),
];

/// All letters, in their order.
pub fn letters() -> impl Iterator<Item = (char, &'static str)> {
    let mut last = None;
    core::iter::from_fn(move || {
        let all = LETTERS.iter().chain(&FLIP_LETTERS).chain(&RPC_LETTERS);
        let next = all.filter(|(letter, _)| Some(*letter) > last).min()?;
        last = Some(next.0);
        Some(*next)
    })
}

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
                for (letter, meaning) in letters() {
                    let _ = writeln!(text, "{letter}  {meaning}");
                }
            }
            'b' => {
                let (bits, numbers) = world.machine.seed_bits();
                text = format!("{bits} seed bits, {numbers} numbers made of them\n");
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
            _ if letters().any(|(known, _)| known == letter) => {
                world.kernel.report(world.now, letter, &mut text);
            }
            _ => return None,
        }
        text.truncate(text.floor_char_boundary(LARGEST_BUFFER));
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
            NETWORK_CONTROL => {
                request.need(RIGHT_CONTROL)?;
                change_network(world, request)
            }
            BOOT => {
                request.need(RIGHT_BOOT)?;
                let image = boot_image(request.data)?;
                world.kernel.boot(world.now, image)?;
                Ok(Reply::default().into())
            }
            CHANGE_CAPABILITIES => {
                request.need(RIGHT_CONTROL)?;
                change_capabilities(world, request)?;
                Ok(Reply::default().into())
            }
            _ => Err(Status::BadCommand),
        }
    }
}

fn change_network<M>(world: &mut World<'_, M>, request: &Request<'_>) -> Result<Answer, Status> {
    let (number, change) = network_change(request.data).map_err(|_| Status::BadArgument)?;
    let conditions = world.kernel.change_network(number, change);
    let now = conditions.ok_or(Status::BadArgument)?;
    let numbers = [
        now.delay,
        u16::from(now.loss),
        u16::from(now.is_on),
        u16::from(now.is_trusted),
    ];
    let mut bytes = [0; 8];
    let mut writer = Writer::new(&mut bytes);
    let written = numbers.iter().try_for_each(|number| writer.u16(*number));
    written.map_err(|_| Status::SystemError)?;
    Ok(Reply::data(bytes.into()).into())
}

/// Which network is to be changed, and how.
fn network_change(data: &[u8]) -> Result<(u16, Change), Error> {
    let mut reader = Reader::new(data);
    let network = reader.u16()?;
    // Minus one leaves it as it is; what is negative otherwise is no value.
    let mut value = || match reader.i16()? {
        -1 => Ok(None),
        value => u16::try_from(value).map(Some).map_err(|_| Error::Length),
    };
    let (delay, loss) = (value()?, value()?);
    let loss = loss.map(u8::try_from).transpose().map_err(|_| Error::Length)?;
    let is_on = value()?.map(|on| on != 0);
    let is_trusted = value()?.map(|trusted| trusted != 0);
    let change = Change {
        delay,
        loss,
        is_on,
        is_trusted,
    };
    Ok((network, change))
}

/// What a request to boot names: an image and its command line, or nothing.
fn boot_image(data: &[u8]) -> Result<Option<(Capability, String)>, Status> {
    let Some((capability, line)) = data.split_first_chunk::<CAPABILITY_LENGTH>() else {
        return if data.is_empty() {
            Ok(None)
        } else {
            Err(Status::BadArgument)
        };
    };
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let line = core::str::from_utf8(line).map_err(|_| Status::BadArgument)?;
    if line.len() > LONGEST_LINE {
        return Err(Status::BadArgument);
    }
    let capability = Capability::from_bytes(capability);
    Ok((capability != Capability::NULL).then(|| (capability, String::from(line))))
}

fn change_capabilities<M>(world: &mut World<'_, M>, request: &Request<'_>) -> Result<(), Status> {
    let mut reader = Reader::new(request.data);
    let mut check = || reader.port().map_err(|_| Status::BadArgument);
    let first = check()?;
    if first == Port::NULL {
        world.reservation.end();
        return Ok(());
    }
    let checks = [first, check()?, check()?];
    let seconds = u64::try_from(request.header.offset).map_err(|_| Status::BadArgument)?;
    if checks.contains(&Port::NULL) || seconds == 0 {
        return Err(Status::BadArgument);
    }
    world.reservation.begin(checks, world.now + seconds * 1000);
    Ok(())
}
