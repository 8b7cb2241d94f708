//! A cable with a server and two clients that count what was executed, and an intruder.

use std::sync::Arc;

use clock::{Instant, Span};
use machines::lab::Lab;
use machines::runtime::Runtime;
use proto::capability::Port;
use proto::flip::Address;
use proto::message;
use proto::rpc::{self, Flags, Header, Kind};

use crate::intruder::sender;
use crate::overheard::{DATA, Side, heard};
use crate::{Memory, lab, run_for, run_until};

/// The server.
pub const SERVER: usize = 0;
/// A client.
pub const CLIENT: usize = 1;
/// A client that begins when all is over.
pub const LATE: usize = 2;
/// The machine that sends what it likes.
pub const INTRUDER: usize = 3;

/// Calls of the late client.
pub const LATE_CALLS: usize = 30;
/// When the intruder begins. The client is busy from before that on.
pub const BEGINNING: Span = Span::from_milliseconds(1000);

/// How long it all lasts.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Calls of the client.
    pub calls: usize,
    /// When the late client's machine is switched on.
    pub late_starts: Span,
}

/// Somebody who is not there.
pub const STRANGER: Side = Side {
    station: [0x02, 0x60, 0x8C, 0, 0, 3],
    address: Address([0x13, 0x57, 0x9B, 0xDF, 0x24, 0x68, 0xAC, 0]),
    thread: 0,
};
/// A port on which nobody listens.
pub const NOWHERE: Port = Port(*b"nobody");

/// What can be overheard of a client and its server.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The client's side.
    pub client: Side,
    /// The server's side.
    pub server: Side,
    /// The client's kernel.
    pub kernel: [u8; 8],
    /// The server's port.
    pub port: Port,
}

impl Plan {
    /// The lab, in which the late machine is off at first.
    fn lab(self) -> Lab {
        let mut text = format!(
            r#"
format = 1
[lab]
name = "untrusted"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[image.intruder]
path = "builtin:kernel"
[image.counting]
path = "builtin:counting"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "4MB"
cpu = {{ model = "386dx", clock = "40MHz", fpu = "none" }}
boot = {{ from = "direct", image = "kernel", args = "peers=0" }}
[[fault]]
kind = "power-off"
machine = "late"
from = "0s"
until = "{}s"
"#,
            self.late_starts.picoseconds() / 1_000_000_000_000
        );
        let calls = self.calls;
        let machines = [
            ("server", format!("-s count 2 {calls}")),
            ("client", format!("count 0 {calls}")),
            ("late", format!("count 1 {LATE_CALLS}")),
            ("intruder", String::new()),
        ];
        for (number, (name, arguments)) in machines.iter().enumerate() {
            let [boot, module] = if number == INTRUDER {
                [
                    "boot = { from = \"direct\", image = \"intruder\" }\n".into(),
                    String::new(),
                ]
            } else {
                let module =
                    format!("[[machine.{name}.module]]\nimage = \"counting\"\nargs = \"{arguments}\"\n");
                [String::new(), module]
            };
            text += &format!(
                "[machine.{name}]\nextends = \"pc\"\nnic = {{ mac = \"02:60:8c:00:00:0{number}\" }}\n{boot}\
                 [[machine.{name}.card]]\nsegment = \"ether0\"\ntype = \"3c503\"\nio = 0x280\nirq = 3\nram = 0xCC000\n{module}"
            );
        }
        lab(&text)
    }

    /// The lab with this intruder.
    ///
    /// # Panics
    /// If it cannot be built.
    #[must_use]
    pub fn runtime(self, intruder: Arc<[u8]>) -> Runtime {
        let lab = self.lab();
        let mut images = machines::image::load_all(&lab).expect("built-in programs");
        let own = lab.images.iter().position(|image| image.name == "intruder");
        images[own.expect("the intruder's image")] = intruder.into();
        Runtime::build(&lab, &images).expect("a lab that can be built")
    }

    /// What happens in it in a time with this intruder.
    #[must_use]
    pub fn run(self, intruder: Arc<[u8]>, time: Span) -> Memory {
        run_for(&mut self.runtime(intruder), time, 1).1
    }

    /// What happens until the late client has ended, but no longer than a minute after it was switched on.
    #[must_use]
    pub fn run_until_late(self, intruder: Arc<[u8]>) -> Memory {
        let mut memory = Memory::default();
        let limit = Instant::START + self.late_starts + Span::from_seconds(60);
        run_until(&mut self.runtime(intruder), &mut memory, limit, 1, |memory| {
            memory.console(LATE).contains("executed twice\n")
        });
        memory
    }

    /// What an intruder that listens until [`BEGINNING`] knows.
    ///
    /// # Panics
    /// If there was no transaction.
    #[must_use]
    pub fn overheard(self) -> Pair {
        let frames = heard(&self.run(sender(&[]), BEGINNING));
        let asked = frames
            .iter()
            .find_map(|frame| Some((frame, frame.is(CLIENT, Kind::Request)?)));
        let (request, (to_server, asked)) = asked.expect("a request");
        let answer = frames.iter().find_map(|frame| frame.is(SERVER, Kind::Reply));
        let (to_client, answered) = answer.expect("a reply");
        assert_eq!(to_server.source, to_client.destination);
        let station = |place: usize| *request.bytes[place..].first_chunk().expect("an Ethernet header");
        Pair {
            client: Side {
                station: station(6),
                address: to_server.source,
                thread: asked.source,
            },
            server: Side {
                station: station(0),
                address: to_server.destination,
                thread: answered.source,
            },
            kernel: asked.kernel,
            port: asked.port,
        }
    }
}

impl Pair {
    /// The header of a packet of theirs, with number 0 and a port on which nobody listens.
    #[must_use]
    pub fn header(&self, kind: Kind, flags: Flags, from: &Side, to: &Side) -> Header {
        Header {
            kernel: self.kernel,
            port: NOWHERE,
            kind,
            flags,
            transaction: 0,
            destination: to.thread,
            source: from.thread,
        }
    }
}

/// What the clients have told: calls, failures, executions in vain, losses, repetitions.
///
/// # Panics
/// If they have not.
#[must_use]
pub fn counts(memory: &Memory, machine: usize) -> [usize; 5] {
    let console = memory.console(machine);
    let line = console.lines().find(|line| line.starts_with("counting: "));
    let numbers: Vec<usize> = line
        .unwrap_or_else(|| panic!("{machine}: {console}"))
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    numbers.try_into().expect("five numbers")
}

/// How long the client's calls took, of which there are so many: between their first requests. With each time the number of calls in
/// it, more than one if some had no request on the cable.
///
/// # Panics
/// If a request does not hold the call's number.
#[must_use]
pub fn times(memory: &Memory, calls: usize) -> Vec<(usize, Span)> {
    let mut first: Vec<(usize, Instant)> = Vec::new();
    for frame in heard(memory) {
        let Some((_, header)) = frame.is(CLIENT, Kind::Request) else {
            continue;
        };
        let user = &frame.bytes[DATA + rpc::LENGTH..];
        let user = message::Header::parse(user, header.flags.byte_order()).expect("a user's header");
        // When it has made its calls, it asks what was counted.
        let call = if user.command == 1 {
            user.offset as usize
        } else {
            calls
        };
        if first.last().is_none_or(|(last, _)| call > *last) {
            first.push((call, frame.start));
        }
    }
    let times = first
        .windows(2)
        .map(|pair| (pair[1].0 - pair[0].0, pair[1].1.since(pair[0].1)));
    times.collect()
}

/// No kernel has died, and whoever comes later finds all as ever.
///
/// # Panics
/// If it is not so.
pub fn assert_that_all_goes_on(memory: &Memory) {
    for machine in [SERVER, CLIENT, LATE] {
        let console = memory.console(machine);
        assert_eq!(console.matches("kernel ready").count(), 1, "{machine}: {console}");
        for word in ["kernel stopped", "panicked", "exception"] {
            assert!(!console.contains(word), "{machine}: {console}");
        }
    }
    assert_eq!(counts(memory, LATE), [LATE_CALLS, 0, 0, 0, 0]);
}
