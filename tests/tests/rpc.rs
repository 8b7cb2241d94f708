//! Transactions between machines: programs on two PCs, over FLIP on their cards, seen at their consoles and on the cable.

use clock::Span;
use tests::Memory;
use tests::amoeba::{Card, Laboratory, Pc};

const FLIP: u16 = 0x8146;
/// The kind of a fragment-control header before a packet.
const DATA: u8 = 0;

const CLIENT: usize = 1;

/// A server and a client with these arguments, and these cards.
fn pair(card: Card, server: &str, client: &str) -> [Pc; 2] {
    [
        Pc::new("server").card(card).program("rpc_server", server),
        Pc::new("client").card(card).program("rpc_client", client),
    ]
}

fn run(pcs: impl IntoIterator<Item = Pc>, milliseconds: u64) -> Memory {
    Laboratory::new(pcs).run(Span::from_milliseconds(milliseconds))
}

/// What went over the cable in frames of FLIP: the station that sent it, and what followed the Ethernet header.
fn frames(memory: &Memory) -> Vec<(u16, Vec<u8>)> {
    memory
        .frames()
        .filter(|(_, _, frame)| frame.ethertype() == Some(FLIP))
        .map(|(_, station, frame)| (station.0, frame.bytes()[14..].to_vec()))
        .collect()
}

/// The lengths of packets behind the Ethernet header; a frame may be longer, as the shortest has 46 bytes there.
fn lengths(frames: &[(u16, Vec<u8>)]) -> Vec<usize> {
    let packets = frames.iter().filter(|(_, bytes)| bytes[0] == DATA);
    packets.map(|(_, bytes)| bytes.len()).collect()
}

#[test]
fn a_null_transaction_is_three_frames_of_98_98_and_66_bytes() {
    for card in [Card::EtherLink, Card::Ne1000, Card::Ne2000] {
        let memory = run(pair(card, "perf 100", "perf 0 50"), 1_000);
        let console = memory.console(CLIENT);
        assert!(console.contains("rpc_client: 50 calls, 0 bytes in"), "{console}");
        assert!(console.contains("rpc_client exited with status 0"), "{console}");
        let lengths = lengths(&frames(&memory));
        let rounds = lengths.windows(3).filter(|round| *round == [98, 98, 66]).count();
        assert!(rounds >= 49, "{lengths:?}");
    }
}

/// A frame of the sort that gives credits; its count is the next byte.
const CREDIT: u8 = 2;

/// The most fragments that were under way at a time without having been given back, of those that `sender` sent.
fn most_under_way(frames: &[(u16, Vec<u8>)], sender: u16) -> u8 {
    let (mut under_way, mut most) = (0_u8, 0);
    for (station, bytes) in frames {
        let total = bytes.get(38..42).and_then(|bytes| bytes.first_chunk());
        let is_long = total.is_some_and(|total| u32::from_le_bytes(*total) > 1458);
        if *station == sender && bytes[0] == DATA && is_long {
            under_way += 1;
        } else if *station != sender && matches!(bytes[0], DATA | CREDIT) {
            under_way = under_way.saturating_sub(bytes[1]);
        }
        most = most.max(under_way);
    }
    most
}

/// Runs 20 transactions of 30000 bytes, whose sender has so many credits: how many frames gave credits back.
fn credits(card: Card, arguments: &str, all: u8) -> usize {
    let memory = run(pair(card, "perf 30000", arguments), 10_000);
    let console = memory.console(CLIENT);
    assert!(console.contains("20 calls, 600000 bytes in"), "{console}");
    assert!(console.contains("rpc_client exited with status 0"), "{console}");
    let frames = frames(&memory);
    let full = frames.iter().filter(|(_, bytes)| bytes.len() == 1500).count();
    let last = frames.iter().filter(|(_, bytes)| bytes.len() == 938).count();
    assert_eq!((full, last), (20 * 20, 20));
    let sender = frames.iter().find(|(_, bytes)| bytes.len() == 1500);
    let sender = sender.expect("a fragment").0;
    // Six of eight come back while the seventh is on the cable.
    let most = most_under_way(&frames, sender);
    assert!(
        (all.div_ceil(2)..=all).contains(&most),
        "{most} of {all} credits were used"
    );
    frames
        .iter()
        .filter(|(station, bytes)| *station != sender && bytes[0] != DATA)
        .count()
}

#[test]
fn thirty_thousand_bytes_are_21_fragments_with_a_credit_for_each() {
    for (card, arguments) in [
        (Card::EtherLink, "perf 30000 20"),
        (Card::EtherLink, "-r perf 30000 20"),
        (Card::Ne1000, "perf 30000 20"),
    ] {
        let credits = credits(card, arguments, 1);
        assert!((20 * 20..=20 * 22).contains(&credits), "{credits} credits");
    }
}

#[test]
fn an_ne2000_gives_several_of_its_eight_credits_back_at_once() {
    for arguments in ["perf 30000 20", "-r perf 30000 20"] {
        let credits = credits(Card::Ne2000, arguments, 8);
        assert!((20..=20 * 5).contains(&credits), "{credits} credits");
    }
}

#[test]
fn four_machines_are_ready_within_two_seconds() {
    let more = [Card::EtherLink, Card::Ne1000].map(|card| {
        Pc::new(&format!("more-{card:?}").to_lowercase())
            .card(card)
            .program("rpc_server", "more 100")
    });
    let memory = run(
        pair(Card::EtherLink, "perf 100", "perf 0 1")
            .into_iter()
            .chain(more),
        2_000,
    );
    for machine in 0..4 {
        let console = memory.console(machine);
        assert!(console.contains("kernel ready"), "{machine}: {console}");
    }
}

#[test]
fn a_machine_with_two_cards_leads_from_one_cable_to_the_other() {
    let other_cable = "[segment.ether1]\nkind = \"10base2\"\nlength = \"30m\"";
    let gateway = Pc::new("gateway")
        .station(0x11)
        .second_card(Card::Ne2000, "ether1", 0x12);
    for (arguments, bytes) in [
        ("perf 1500 5", 7500),
        ("-r perf 1500 5", 7500),
        ("perf 30000 5", 150_000),
        ("-r perf 30000 5", 150_000),
    ] {
        let [server, client] = pair(Card::EtherLink, "perf 30000", arguments);
        let lab = Laboratory::new([server.cable("ether1"), client, gateway.clone()]).tables(other_cable);
        let console = lab.run(Span::from_seconds(6)).console(CLIENT);
        assert!(
            console.contains(&format!("5 calls, {bytes} bytes in")),
            "{arguments}: {console}"
        );
        assert!(
            console.contains("rpc_client exited with status 0"),
            "{arguments}: {console}"
        );
    }
}

#[test]
fn what_a_client_sends_all_comes_and_what_it_asks_for_too() {
    for size in [1, 1401, 1402, 1403, 2860, 8192] {
        for direction in ["", "-r "] {
            let arguments = format!("{direction}perf {size} 3");
            let console = run(pair(Card::EtherLink, "perf 30000", &arguments), 2_000).console(CLIENT);
            assert!(
                console.contains("rpc_client exited with status 0"),
                "{size}: {console}"
            );
        }
    }
}

#[test]
fn without_a_server_a_client_is_told_that_none_was_found() {
    let console = run(pair(Card::EtherLink, "other 100", "perf 0 1"), 8_000).console(CLIENT);
    assert!(
        console.contains("rpc_client: transaction 1: RpcNotFound (-2)"),
        "{console}"
    );
}

#[test]
fn a_signal_to_a_client_reaches_its_server_on_another_machine() {
    let pcs = [("server", "-s"), ("client", "-c")].map(|(name, way)| Pc::new(name).program("calls", way));
    let memory = Laboratory::new(pcs).run(Span::from_seconds(4));
    for machine in [0, 1] {
        memory.assert_told(machine, &["TEST OK", "calls exited with status 0"]);
    }
}

#[test]
fn the_client_of_a_server_without_power_is_told_so_in_bounded_time() {
    let lab = Laboratory::new(pair(Card::EtherLink, "perf 100", "perf 0 100000"));
    let lab = lab.power_off("server", "1s", None);
    let console = lab.run(Span::from_seconds(60)).console(CLIENT);
    assert!(
        console.contains(": RpcFailure (-1)") || console.contains(": RpcNotFound (-2)"),
        "{console}"
    );
}
