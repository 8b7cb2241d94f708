//! Machines that are switched off in the middle of a transaction, at every frame of it and between all of them: the other side is told
//! so, or goes on, in bounded virtual time.

use clock::{Instant, Span};
use machines::machine::{PowerEvent, TornSector};
use machines::runtime::Runtime;
use tests::amoeba::{Laboratory, Pc, Stage};
use tests::{Memory, run_for, run_until};

const SERVER: usize = 0;
const CLIENT: usize = 1;
/// A machine with another client, which is off at first.
const SECOND: usize = 2;

/// When the second client's machine is switched on. A server is free again long before: what a reply's last question waits for
/// follows from the round trip, which is a few milliseconds here.
const SECOND_STARTS: Span = Span::from_milliseconds(60_000);
/// How long a client may wait for a server that is gone: `LONGEST_SILENCE` of the transaction layer, and the time before the cut.
const PATIENCE: Span = Span::from_milliseconds(226_000);

/// A server and a client, and a second client with messages as long.
struct Cuts(Stage);

impl Cuts {
    fn new(size: u32) -> Cuts {
        let lab = Laboratory::new([
            Pc::new("server").program("rpc_server", "perf 30000"),
            Pc::new("client").program("rpc_client", format!("perf {size} 100000")),
            Pc::new("second").program("rpc_client", format!("perf {size} 2")),
        ]);
        Cuts(lab.stage())
    }

    fn start(&self) -> Runtime {
        let mut runtime = self.0.start();
        runtime.schedule_power(SECOND, Instant::START, PowerEvent::Off(TornSector::Old));
        runtime
    }

    /// Beginnings and ends of the frames of the client's second transaction, which needs no search.
    fn frames(&self, count: usize) -> Vec<(Instant, Instant)> {
        let memory = run_for(&mut self.start(), Span::from_milliseconds(1000), 1).1;
        let frames = memory.frames().map(|(start, _, frame)| (start, frame.bytes()));
        let frames: Vec<_> = frames.filter(|(_, bytes)| bytes[0] & 1 == 0).collect();
        // Data of a message that is 56 bytes of headers or more and begins at 0, from the client: a request.
        let is_request =
            |bytes: &[u8]| bytes[14] == 0 && bytes[17] == 3 && bytes[56 + 14] == 3 && bytes[48..52] == [0; 4];
        let requests: Vec<usize> = (0..frames.len())
            .filter(|place| is_request(frames[*place].1))
            .collect();
        let (begin, end) = (requests[1], requests[2]);
        assert_eq!(end - begin, count, "frames of a transaction");
        // A byte takes 0.8 us; preamble and check sequence are 12 bytes.
        let end_of =
            |start: Instant, bytes: &[u8]| start + Span::from_nanoseconds((bytes.len() as u64 + 12) * 800);
        frames[begin..end]
            .iter()
            .map(|(start, bytes)| (*start, end_of(*start, bytes)))
            .collect()
    }

    /// Instants in a transaction of so many frames: within each frame, and half-way to the next one.
    fn instants(&self, count: usize) -> Vec<Instant> {
        let frames = self.frames(count);
        let middle = |(one, other): (Instant, Instant)| {
            one + Span::from_picoseconds(other.since(one).picoseconds() / 2)
        };
        let within = frames.iter().copied().map(middle);
        let between = frames.windows(2).map(|pair| middle((pair[0].1, pair[1].0)));
        within.chain(between).collect()
    }
}

/// Runs until a console has this text, but no longer than to `limit`.
fn await_text(runtime: &mut Runtime, machine: usize, text: &str, limit: Instant) -> Memory {
    let mut memory = Memory::of_consoles();
    run_until(runtime, &mut memory, limit, 1, |memory| {
        memory.console(machine).contains(text)
    });
    memory
}

/// Switches the server off at each of these instants: its client gets an error.
fn cut_server(cuts: &Cuts, instants: &[Instant]) {
    for at in instants {
        let mut runtime = cuts.start();
        runtime.schedule_power(SERVER, *at, PowerEvent::Off(TornSector::Old));
        let memory = await_text(&mut runtime, CLIENT, "exited", *at + PATIENCE);
        let console = memory.console(CLIENT);
        let is_told = console.contains(": RpcFailure (-1)") || console.contains(": RpcNotFound (-2)");
        assert!(is_told, "{at:?}: {console}");
    }
}

/// Switches the client off at each of these instants: the server serves others soon.
fn cut_client(cuts: &Cuts, instants: &[Instant]) {
    for at in instants {
        let mut runtime = cuts.start();
        runtime.schedule_power(CLIENT, *at, PowerEvent::Off(TornSector::Old));
        runtime.schedule_power(SECOND, Instant::START + SECOND_STARTS, PowerEvent::On);
        let limit = Instant::START + SECOND_STARTS + Span::from_milliseconds(15_000);
        let memory = await_text(&mut runtime, SECOND, "exited", limit);
        let console = memory.console(SECOND);
        assert!(console.contains("rpc_client: 2 calls"), "{at:?}: {console}");
    }
}

/// Frames of a transaction without data.
const SHORT: usize = 3;
/// Of one with 30000 bytes in the request: 21 fragments with a credit for each, an acknowledgement, and two more.
const LONG: usize = 21 + 21 + 3;

#[test]
fn a_client_is_told_that_its_server_has_no_power_whenever_that_happens() {
    let cuts = Cuts::new(0);
    let instants = cuts.instants(SHORT);
    assert_eq!(instants.len(), 2 * SHORT - 1);
    cut_server(&cuts, &instants);
}

#[test]
fn a_server_whose_client_has_no_power_serves_others_whenever_that_happens() {
    let cuts = Cuts::new(0);
    cut_client(&cuts, &cuts.instants(SHORT));
}

#[test]
fn a_client_in_the_middle_of_a_long_request_is_told_that_its_server_has_no_power() {
    let cuts = Cuts::new(30_000);
    cut_server(&cuts, &cuts.instants(LONG));
}

#[test]
fn a_server_whose_client_loses_power_in_the_middle_of_a_long_request_serves_others() {
    let cuts = Cuts::new(30_000);
    cut_client(&cuts, &cuts.instants(LONG));
}
