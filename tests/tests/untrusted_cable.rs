//! What a machine can do to others' transactions that puts any frame it likes on their cable: packets of transactions that are made up,
//! with and without what can be overheard, and frames that were overheard and are sent again. Two machines that know nothing of it call
//! and serve meanwhile, and count what was executed.

use std::sync::Arc;

use clock::Span;
use machines::lab::Lab;
use machines::runtime::Runtime;
use proto::capability::Port;
use proto::flip::{self, Address};
use proto::fragment_control;
use proto::rpc::{Flags, Header, Kind};
use tests::intruder::{Answer, Pattern, Timed, listener, sender};
use tests::overheard::{DATA, ETHERNET, FLIP, Heard, Side, flip_frame, heard, packet};
use tests::{Memory, lab, run_for};

const SERVER: usize = 0;
const CLIENT: usize = 1;
/// A client that begins when all is over.
const LATE: usize = 2;
/// The machine that sends what it likes.
const INTRUDER: usize = 3;

/// Calls of the client and of the late one. The client is busy for some seconds.
const CALLS: usize = 700;
const LATE_CALLS: usize = 30;
/// When the intruder begins, and when the late client's machine is switched on.
const BEGINNING: Span = Span::from_milliseconds(1000);
const LATE_STARTS: Span = Span::from_seconds(600);
const END: Span = Span::from_seconds(620);

fn counting_lab() -> Lab {
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
        LATE_STARTS.picoseconds() / 1_000_000_000_000
    );
    let machines = [
        ("server", format!("-s count 2 {CALLS}")),
        ("client", format!("count 0 {CALLS}")),
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
            let module = format!("[[machine.{name}.module]]\nimage = \"counting\"\nargs = \"{arguments}\"\n");
            [String::new(), module]
        };
        text += &format!(
            "[machine.{name}]\nextends = \"pc\"\nnic = {{ mac = \"02:60:8c:00:00:0{number}\" }}\n{boot}\
             [[machine.{name}.card]]\nsegment = \"ether0\"\ntype = \"3c503\"\nio = 0x280\nirq = 3\nram = 0xCC000\n{module}"
        );
    }
    lab(&text)
}

/// Runs the lab for a time with this intruder.
fn run(intruder: Arc<[u8]>, time: Span) -> Memory {
    let lab = counting_lab();
    let mut images = machines::image::load_all(&lab).expect("built-in programs");
    let own = lab.images.iter().position(|image| image.name == "intruder");
    images[own.expect("the intruder's image")] = intruder.into();
    let mut runtime = Runtime::build(&lab, &images).expect("a lab that can be built");
    run_for(&mut runtime, time, 1).1
}

/// Somebody who is not there.
const STRANGER: Side = Side {
    station: [0x02, 0x60, 0x8C, 0, 0, 3],
    address: Address([0x13, 0x57, 0x9B, 0xDF, 0x24, 0x68, 0xAC, 0]),
    thread: 0,
};
/// A port on which nobody listens.
const NOWHERE: Port = Port(*b"nobody");

/// What can be overheard of a client and its server.
struct Pair {
    client: Side,
    server: Side,
    kernel: [u8; 8],
    port: Port,
}

fn overheard() -> Pair {
    let frames = heard(&run(sender(&[]), BEGINNING));
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

impl Pair {
    fn header(&self, kind: Kind, flags: Flags, from: &Side, to: &Side) -> Header {
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

/// All flags of which a kind of packet asks something.
const FLAGS: [Flags; 4] = [
    Flags::empty(),
    Flags::REQUEST,
    Flags::REPLY,
    Flags::REQUEST.union(Flags::REPLY),
];

/// Milliseconds from the lab's beginning to the intruder's, and for how many of them it is busy.
const FIRST: u32 = (BEGINNING.picoseconds() / 1_000_000_000) as u32;
const BUSY: u32 = 4000;
/// Packets of an intruder that guesses: some for every kind, flag, direction and guess.
const ANSWERS: usize = 528;

/// What the clients have told: calls, failures, executions in vain, losses, repetitions.
fn counts(memory: &Memory, machine: usize) -> [usize; 5] {
    let console = memory.console(machine);
    let line = console.lines().find(|line| line.starts_with("counting: "));
    let numbers: Vec<usize> = line
        .unwrap_or_else(|| panic!("{machine}: {console}"))
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    numbers.try_into().expect("five numbers")
}

/// No kernel has died, and whoever comes later finds all as ever.
fn assert_that_all_goes_on(memory: &Memory) {
    for machine in [SERVER, CLIENT, LATE] {
        let console = memory.console(machine);
        assert_eq!(console.matches("kernel ready").count(), 1, "{machine}: {console}");
        for word in ["kernel stopped", "panicked", "exception"] {
            assert!(!console.contains(word), "{machine}: {console}");
        }
    }
    assert_eq!(counts(memory, LATE), [LATE_CALLS, 0, 0, 0, 0]);
}

/// How many of the intruder's packets named the transaction that was just under way, as `is_it` says.
fn hits(memory: &Memory, is_it: impl Fn(&flip::Header, &Header) -> bool) -> usize {
    let mut under_way = None;
    let mut hits = 0;
    for frame in heard(memory) {
        if let Some((_, request)) = frame.is(CLIENT, Kind::Request) {
            under_way = Some(request.transaction);
        } else if frame.is(SERVER, Kind::Reply).is_some() {
            under_way = None;
        } else if frame.station == INTRUDER
            && let Some((flip, header)) = frame.headers()
        {
            hits += usize::from(under_way == Some(header.transaction) && is_it(&flip, &header));
        }
    }
    hits
}

/// Asserts that the intruder hit every kind of packet's transaction at least so often.
fn assert_hits(
    memory: &Memory,
    least: usize,
    kinds: &[Kind],
    is_it: impl Fn(&flip::Header, &Header) -> bool,
) {
    for kind in kinds {
        let count = hits(memory, |flip, header| header.kind == *kind && is_it(flip, header));
        assert!(count >= least, "{kind:?}: {count}");
    }
}

/// What an intruder gets wrong who knows the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guess {
    /// The client's kernel.
    Kernel,
    /// The transaction: it is over.
    Number,
    /// Whose packets they are to be.
    Source,
}

/// The client's requests, as an intruder hears them.
fn requests(pair: &Pair) -> Pattern {
    let [first, second] = FLIP.to_be_bytes();
    Pattern {
        bytes: [
            (11, pair.client.station[5]),
            (12, first),
            (13, second),
            (ETHERNET as u32, fragment_control::Kind::Data.code()),
            (DATA as u32 + 14, Kind::Request.code()),
        ],
        number: DATA as u32 + 16,
        begin: FIRST,
    }
}

#[test]
fn packets_that_get_kernel_number_or_source_wrong_change_nothing() {
    let pair = overheard();
    let mut answers = Vec::new();
    for turn in 0..ANSWERS {
        // Every kind in both directions with every wrong guess, then the same with other flags.
        let kind = Kind::ALL[turn % Kind::ALL.len()];
        let [both, round] = [turn / Kind::ALL.len(), turn / Kind::ALL.len() / 6];
        let guess = [Guess::Kernel, Guess::Number, Guess::Source][both % 3];
        let (from, to) = match both / 3 % 2 {
            0 => (pair.server, pair.client),
            _ => (pair.client, pair.server),
        };
        let mut header = pair.header(kind, FLAGS[round % FLAGS.len()], &from, &to);
        let (mut sender, mut offset) = (from, 0);
        match guess {
            Guess::Kernel => header.kernel[turn % 8] ^= 0x10,
            Guess::Number => offset = -1 - (turn % 80) as i32,
            Guess::Source => (sender.station, sender.address) = (STRANGER.station, STRANGER.address),
        }
        // A withdrawal is believed of whoever names kernel and number.
        if kind == Kind::Fail && guess == Guess::Source {
            header.flags = FLAGS[round % 2 * 2];
        }
        answers.push(Answer {
            bytes: packet(&sender, &to, &header, STRANGER.address),
            offset,
        });
    }
    let memory = run(listener(&requests(&pair), &answers), END);
    assert_that_all_goes_on(&memory);
    assert_eq!(counts(&memory, CLIENT), [CALLS, 0, 0, 0, 0]);
    assert_hits(&memory, 4, Kind::ALL, |flip, _| flip.source == STRANGER.address);
    assert_hits(&memory, 4, Kind::ALL, |_, header| header.kernel != pair.kernel);
}

/// A packet of each of these sorts for each transaction in turn, as if from the sender's own station and from the intruder's in turn.
fn knowing(pair: &Pair, list: &[(Side, Side, Kind, Flags)], forward: Address, count: usize) -> Arc<[u8]> {
    let answer = |turn: usize| {
        let (mut from, to, kind, flags) = list[turn % list.len()];
        let mut header = pair.header(kind, flags, &from, &to);
        header.port = pair.port;
        if turn % 2 == 1 {
            from.station = STRANGER.station;
        }
        if kind == Kind::HereIs {
            from.address = STRANGER.address;
        }
        Answer {
            bytes: packet(&from, &to, &header, forward),
            offset: 0,
        }
    };
    let answers: Vec<Answer> = (0..count).map(answer).collect();
    listener(&requests(pair), &answers)
}

#[test]
fn who_overhears_transactions_can_answer_them_and_disturbs_no_others() {
    let pair = overheard();
    let (server, client) = (pair.server, pair.client);
    let list = [
        (server, client, Kind::Reply, Flags::empty()),
        (server, client, Kind::Fail, Flags::REQUEST | Flags::REPLY),
        (server, client, Kind::Forward, Flags::empty()),
        (client, server, Kind::Fail, Flags::REQUEST),
    ];
    let memory = run(knowing(&pair, &list, server.address, 40), END);
    assert_that_all_goes_on(&memory);
    assert_eq!(counts(&memory, CLIENT)[0], CALLS);
    assert_hits(&memory, 1, &[Kind::Reply, Kind::Fail, Kind::Forward], |_, _| true);
}

#[test]
fn frames_that_are_sent_again_have_nothing_executed_twice() {
    let frames = heard(&run(sender(&[]), BEGINNING));
    assert!(frames.len() > 200, "{}", frames.len());
    let kinds = [
        Kind::Locate,
        Kind::HereIs,
        Kind::Request,
        Kind::Reply,
        Kind::Acknowledge,
    ];
    for kind in kinds {
        let is_it = |frame: &&Heard| {
            let packet = frame.bytes.get(DATA..).unwrap_or_default();
            // A LOCATE is broadcast, with the number of its protocol before the header.
            let header = Header::parse(packet).or_else(|_| Header::parse(&packet[4..]));
            header.is_ok_and(|header| header.kind == kind)
        };
        assert!(frames.iter().any(|frame| is_it(&frame)), "{kind:?}");
    }
    // Once while the same client goes on, and once more when it has ended, in the same order and in the opposite one.
    let again = frames
        .iter()
        .zip(FIRST..)
        .chain(frames.iter().rev().zip(FIRST + 8000..));
    let sent: Vec<Timed> = again
        .map(|(frame, due)| Timed {
            due,
            bytes: frame.bytes.clone(),
        })
        .collect();
    let memory = run(sender(&sent), END);
    let repeated = heard(&memory)
        .iter()
        .filter(|frame| frame.station == INTRUDER)
        .count();
    assert_eq!(repeated, 2 * frames.len());
    assert_that_all_goes_on(&memory);
    assert_eq!(counts(&memory, CLIENT), [CALLS, 0, 0, 0, 0]);
    let server = memory.console(SERVER);
    assert!(!server.contains("executed again"), "{server}");
}

#[test]
fn packets_and_credits_of_flip_that_are_made_up_delay_transactions_at_most() {
    /// Milliseconds from one frame to the next.
    const PACE: u32 = 7;
    let pair = overheard();
    let counts = [0, 1, 8, 255];
    let mut frames: Vec<Timed> = Vec::new();
    while frames.len() < (BUSY / PACE) as usize {
        let turn = frames.len() as u32;
        let sides = [(pair.server, pair.client), (pair.client, pair.server)];
        let (from, to) = sides[turn as usize % 2];
        let kinds = [fragment_control::Kind::ALL.len(), flip::Kind::ALL.len()];
        let place = turn as usize / 2 % (kinds[0] + kinds[1]);
        let (control, kind) = match place.checked_sub(kinds[0]) {
            None => (fragment_control::Kind::ALL[place], flip::Kind::Unidata),
            Some(place) => (fragment_control::Kind::Data, flip::Kind::ALL[place]),
        };
        let control = fragment_control::Header {
            kind: control,
            count: counts[turn as usize / 32 % counts.len()],
        };
        frames.push(Timed {
            due: FIRST + PACE * turn,
            bytes: flip_frame(&from, &to, control, kind, turn),
        });
    }
    let memory = run(sender(&frames), END);
    let sent = heard(&memory)
        .iter()
        .filter(|frame| frame.station == INTRUDER)
        .count();
    assert_eq!(sent, frames.len());
    assert_that_all_goes_on(&memory);
    assert_eq!(self::counts(&memory, CLIENT), [CALLS, 0, 0, 0, 0]);
}
