//! What a machine can do to others' transactions that puts any frame it likes on their cable: packets of transactions that are made up,
//! with and without what can be overheard, and frames that were overheard and are sent again. Two machines that know nothing of it call
//! and serve meanwhile, and count what was executed.

use std::sync::Arc;

use clock::Span;
use proto::flip::{self, Address};
use proto::fragment_control;
use proto::rpc::{Flags, Header, Kind};
use tests::Memory;
use tests::intruder::{Answer, Pattern, Timed, listener, sender};
use tests::overheard::{
    DATA, ETHERNET, FLIP, Heard, MESSAGE, Side, cut_off, flip_frame, gone_back, heard, packet,
};
use tests::untrusted::{
    BEGINNING, CLIENT, INTRUDER, Pair, Plan, SERVER, STRANGER, assert_that_all_goes_on, counts, times,
};

/// Calls of the client, which is busy for some seconds, and when all has long ended.
const CALLS: usize = 700;
const PLAN: Plan = Plan {
    calls: CALLS,
    late_starts: Span::from_seconds(600),
};
const END: Span = Span::from_seconds(620);

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
    let pair = PLAN.overheard();
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
            copied: None,
        });
    }
    let memory = PLAN.run(listener(&requests(&pair), &answers), END);
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
            copied: None,
        }
    };
    let answers: Vec<Answer> = (0..count).map(answer).collect();
    listener(&requests(pair), &answers)
}

#[test]
fn who_overhears_transactions_can_answer_them_and_disturbs_no_others() {
    let pair = PLAN.overheard();
    let (server, client) = (pair.server, pair.client);
    let list = [
        (server, client, Kind::Reply, Flags::empty()),
        (server, client, Kind::Fail, Flags::REQUEST | Flags::REPLY),
        (server, client, Kind::Forward, Flags::empty()),
        (client, server, Kind::Fail, Flags::REQUEST),
    ];
    let memory = PLAN.run(knowing(&pair, &list, server.address, 40), END);
    assert_that_all_goes_on(&memory);
    assert_eq!(counts(&memory, CLIENT)[0], CALLS);
    assert_hits(&memory, 1, &[Kind::Reply, Kind::Fail, Kind::Forward], |_, _| true);
}

/// What stops, leads astray or confuses a transaction that is heard of, and never has it executed twice (FORWARD would: it is another
/// transaction for whom the request is sent on to): packets of it, as if from the sender's own station and from the intruder's.
fn disturbing(pair: &Pair) -> Vec<Answer> {
    let (server, client) = (pair.server, pair.client);
    let nobody = Side {
        address: STRANGER.address,
        ..server
    };
    let none = Flags::empty();
    let list = [
        (server, client, Kind::Refuse, none),
        (server, client, Kind::Acknowledge, none),
        (server, client, Kind::Alive, none),
        (server, client, Kind::Enquire, none),
        (server, client, Kind::Received, Flags::REQUEST),
        (server, client, Kind::Received, Flags::REPLY),
        (server, client, Kind::Fail, none),
        (server, client, Kind::Fail, Flags::REPLY),
        (nobody, client, Kind::HereIs, none),
        (client, server, Kind::Acknowledge, none),
        (client, server, Kind::Refuse, none),
        (client, server, Kind::Fail, none),
        (client, server, Kind::Reply, none),
        (client, server, Kind::Received, Flags::REPLY),
        (client, server, Kind::Enquire, Flags::SIGNAL),
    ];
    let mut frames: Vec<(Vec<u8>, Option<u32>)> = Vec::new();
    for station in [None, Some(STRANGER.station)] {
        let from = |side: Side| Side {
            station: station.unwrap_or(side.station),
            ..side
        };
        let said = |(sender, to, kind, flags): (Side, Side, Kind, Flags)| {
            let mut header = pair.header(kind, flags, &sender, &to);
            header.port = pair.port;
            packet(&from(sender), &to, &header, STRANGER.address)
        };
        frames.extend(list.map(|words| (said(words), None)));
        frames.push((cut_off(said((server, client, Kind::Reply, none))), None));
        let request = |to: Side| {
            let mut header = pair.header(Kind::Request, none, &client, &to);
            header.port = pair.port;
            packet(&client, &to, &header, STRANGER.address)
        };
        for kind in [flip::Kind::NotHere, flip::Kind::Busy] {
            frames.push((gone_back(request(from(server)), kind), Some(MESSAGE)));
        }
        let control = fragment_control::Header {
            kind: fragment_control::Kind::Data,
            count: 0,
        };
        for kind in [flip::Kind::HereIs, flip::Kind::Locate] {
            frames.push((
                flip_frame(&from(server), &client, control, kind, frames.len() as u32),
                None,
            ));
        }
    }
    let answer = |(bytes, copied)| Answer {
        bytes,
        offset: 0,
        copied,
    };
    frames.into_iter().map(answer).collect()
}

/// A client learns within 224 s that a server is gone that had its request; FLIP looks for that one for 5.2 s.
const LONGEST_CALL: Span = Span::from_milliseconds(224_110 + 5_200);

#[test]
fn calls_end_in_their_time_whatever_an_intruder_answers() {
    let plan = Plan {
        calls: 240,
        late_starts: Span::from_seconds(2000),
    };
    let pair = plan.overheard();
    let answers = disturbing(&pair);
    let memory = plan.run_until_late(listener(&requests(&pair), &answers));
    assert_that_all_goes_on(&memory);
    let [calls, _, _, lost, repeated] = counts(&memory, CLIENT);
    assert_eq!([calls, lost, repeated], [plan.calls, 0, 0]);
    let times = times(&memory, plan.calls);
    assert_eq!(times.iter().map(|(calls, _)| calls).sum::<usize>(), plan.calls);
    for (calls, time) in &times {
        assert!(*time <= LONGEST_CALL * *calls as u64, "{calls} calls in {time:?}");
    }
    let sent = heard(&memory)
        .iter()
        .filter(|frame| frame.station == INTRUDER)
        .count();
    assert_eq!(sent, answers.len());
    let kinds = [
        Kind::Refuse,
        Kind::Acknowledge,
        Kind::Alive,
        Kind::Fail,
        Kind::Reply,
        Kind::Received,
        Kind::Enquire,
    ];
    assert_hits(&memory, 1, &kinds, |_, _| true);
}

#[test]
fn a_client_fails_soon_with_each_call_to_a_server_that_was_told_of_later_ones() {
    /// As far as numbers go forward.
    const LATER: i32 = i32::MAX - 1000;
    /// Then the client asks, and the server says that the call was executed.
    const SILENCE: Span = Span::from_milliseconds(1000);
    let plan = Plan {
        calls: 400,
        late_starts: Span::from_seconds(700),
    };
    let pair = plan.overheard();
    let header = pair.header(Kind::Fail, Flags::REQUEST, &pair.client, &pair.server);
    let withdrawal = Answer {
        bytes: packet(&pair.client, &pair.server, &header, STRANGER.address),
        offset: LATER,
        copied: None,
    };
    let memory = plan.run_until_late(listener(&requests(&pair), &[withdrawal]));
    assert_that_all_goes_on(&memory);
    let console = memory.console(CLIENT);
    assert!(console.contains("counting: no report"), "{console}");
    let times = times(&memory, plan.calls);
    let slow = times.iter().filter(|(_, time)| *time >= SILENCE);
    assert!(slow.count() > 1, "{times:?}");
    for (calls, time) in &times {
        assert!(*calls == 1 && *time < SILENCE * 2, "{calls} calls in {time:?}");
    }
}

#[test]
fn who_says_that_the_way_is_not_trusted_ends_a_call_at_once() {
    let plan = Plan {
        calls: 200,
        late_starts: Span::from_seconds(30),
    };
    let pair = plan.overheard();
    let mut header = pair.header(Kind::Request, Flags::empty(), &pair.client, &pair.server);
    header.port = pair.port;
    let request = packet(&pair.client, &pair.server, &header, STRANGER.address);
    let answer = Answer {
        bytes: gone_back(request, flip::Kind::Untrusted),
        offset: 0,
        copied: Some(MESSAGE),
    };
    let memory = plan.run_until_late(listener(&requests(&pair), &[answer]));
    assert_that_all_goes_on(&memory);
    let console = memory.console(CLIENT);
    assert!(console.contains(": RpcUnsafe"), "{console}");
}

#[test]
fn frames_that_are_sent_again_have_nothing_executed_twice() {
    let frames = heard(&PLAN.run(sender(&[]), BEGINNING));
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
    let memory = PLAN.run(sender(&sent), END);
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
    let pair = PLAN.overheard();
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
    let memory = PLAN.run(sender(&frames), END);
    let sent = heard(&memory)
        .iter()
        .filter(|frame| frame.station == INTRUDER)
        .count();
    assert_eq!(sent, frames.len());
    assert_that_all_goes_on(&memory);
    assert_eq!(self::counts(&memory, CLIENT), [CALLS, 0, 0, 0, 0]);
}
