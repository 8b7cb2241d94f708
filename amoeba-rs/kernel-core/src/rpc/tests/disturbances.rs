//! Transactions that something comes between: what is asked, when, and which error there is in the end.

use super::card::{INTERFACE, Memory, Told};
use super::exchanges::deliver_header;
use super::lab::{GET_PORT, Lab, pattern, reply, request, thread};
use super::network::{Faults, GOOD};
use crate::flip::types::{Error, Event, MessageId, Milliseconds, ReportFlags};
use crate::rpc::limits;
use proto::flip::Address;
use proto::one_way::one_way;
use proto::rpc::{Flags, Kind};
use proto::standard::Status;
use std::vec::Vec;

/// A lab in which machine 0 knows the way to machine 1, where a thread waits for requests.
pub(super) fn acquainted() -> Lab {
    let mut lab = Lab::new(3);
    lab.transact();
    lab.getreq(1, thread(0));
    lab.messages();
    lab.network.broadcasts.clear();
    lab
}

/// Loses every packet, or none.
pub(super) fn lose(lab: &mut Lab, all: bool) {
    let lost = if all { 100 } else { 0 };
    lab.network.faults = Faults { lost, ..GOOD };
}

pub(super) fn begin(lab: &mut Lab) -> Milliseconds {
    lab.trans(0, thread(0), request(1), Memory::default());
    lab.now()
}

/// Waits for the end of the transaction: its error, and milliseconds since `start`.
pub(super) fn end(lab: &mut Lab, start: Milliseconds) -> (Status, Milliseconds) {
    let outcome = lab.wait_for_reply().0.unwrap_err();
    (outcome, lab.now() - start)
}

#[test]
fn locate_broadcasts_go_further_and_then_become_rare() {
    let mut lab = Lab::new(2);
    let start = begin(&mut lab);
    assert_eq!(end(&mut lab, start), (Status::RpcNotFound, 5200));
    let broadcasts: Vec<(Milliseconds, u16)> = lab
        .network
        .broadcasts
        .iter()
        .map(|(time, hops)| (time - start, *hops))
        .collect();
    let expected = [
        (0, 1),
        (100, 3),
        (200, 7),
        (300, 15),
        (400, 25),
        (500, 25),
        (700, 25),
        (1100, 25),
        (1900, 25),
        (3500, 25),
    ];
    assert_eq!(broadcasts, expected);
}

#[test]
fn timeout_says_how_long_a_server_is_looked_for() {
    let mut lab = Lab::new(2);
    let rpc = &mut lab.network.machines[0].rpc;
    assert_eq!(rpc.timeout(thread(0), 1230), Ok(5200));
    assert_eq!(rpc.timeout(thread(0), 1230), Ok(1230));
    let start = begin(&mut lab);
    assert_eq!(end(&mut lab, start), (Status::RpcNotFound, 1230));
}

#[test]
fn a_lost_request_is_asked_for_and_sent_again_when_it_is_refused() {
    let mut lab = acquainted();
    lose(&mut lab, true);
    let start = begin(&mut lab);
    lab.run(5);
    lose(&mut lab, false);
    lab.wait_for_request();
    // The round trip of 2 ms and a second; two sweeps, and two more journeys there and back.
    let time = lab.now() - start;
    assert!((1002..1030).contains(&time), "{time}");
    let trace = core::mem::take(&mut lab.network.trace);
    let kinds: Vec<(Kind, Flags)> = trace
        .iter()
        .map(|(header, _)| (header.kind, header.flags))
        .collect();
    let expected = [
        (Kind::Request, Flags::empty()),
        (Kind::Received, Flags::REQUEST),
        (Kind::Refuse, Flags::empty()),
        (Kind::Request, Flags::RETRANSMISSION),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(trace[0].0.transaction, trace[3].0.transaction);
}

#[test]
fn a_lost_fragment_makes_the_whole_request_go_out_again() {
    for fragment in 0..7 {
        let mut lab = acquainted();
        lab.network.lose_packet = Some(fragment);
        lab.trans(0, thread(0), request(1), pattern(10_000));
        let (_, _, _, data) = lab.wait_for_request();
        assert_eq!(data, pattern(10_000).0);
        let requests = lab.kinds().iter().filter(|kind| **kind == Kind::Request).count();
        assert_eq!(requests, 2, "fragment {fragment}");
        assert_eq!(
            lab.network.machines[1].rpc.counters().incomplete,
            u32::from(fragment > 0)
        );
    }
}

#[test]
fn a_lost_fragment_makes_the_whole_reply_go_out_again() {
    for fragment in 0..7 {
        let mut lab = acquainted();
        begin(&mut lab);
        lab.wait_for_request();
        lab.messages();
        lab.network.lose_packet = Some(fragment);
        lab.putrep(1, thread(0), reply(2), pattern(10_000));
        assert_eq!(lab.wait_for_reply().1, pattern(10_000).0);
        let replies = lab.kinds().iter().filter(|kind| **kind == Kind::Reply).count();
        assert_eq!(replies, 2, "fragment {fragment}");
    }
}

#[test]
fn a_request_whose_rest_does_not_come_is_given_up_after_four_seconds() {
    let mut lab = acquainted();
    lab.network.lose_packet = Some(1);
    lab.trans(0, thread(0), request(1), pattern(3000));
    lab.run(10);
    lab.network.power_off(0);
    lab.run(3980);
    let listener = |lab: &Lab| lab.network.machines[1].rpc.ports.listener(request(1).port, None);
    assert_eq!(listener(&lab), None);
    lab.run(20);
    assert_eq!(listener(&lab), Some(thread(0)));
}

#[test]
fn a_lost_reply_is_asked_for_by_the_server() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    lose(&mut lab, true);
    let start = lab.now();
    lab.putrep(1, thread(0), reply(2), Memory::default());
    lab.run(5);
    lose(&mut lab, false);
    lab.messages();
    assert_eq!(lab.wait_for_reply().0, Ok((reply(2), 0)));
    assert!((32..60).contains(&(lab.now() - start)), "{}", lab.now() - start);
    lab.run(100);
    assert_eq!(
        lab.kinds(),
        [Kind::Received, Kind::Refuse, Kind::Reply, Kind::Acknowledge]
    );
}

#[test]
fn a_lost_acknowledgement_is_asked_for() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    lab.putrep(1, thread(0), reply(2), Memory::default());
    lose(&mut lab, true);
    assert_eq!(lab.wait_for_reply().0, Ok((reply(2), 0)));
    lab.run(3);
    lose(&mut lab, false);
    lab.messages();
    assert!(matches!(lab.wait(), (1, Told::Replied { .. })));
    assert_eq!(lab.kinds(), [Kind::Received, Kind::Acknowledge]);
}

#[test]
fn a_long_service_is_enquired_about_every_twenty_seconds() {
    let mut lab = acquainted();
    let start = begin(&mut lab);
    lab.wait_for_request();
    lab.messages();
    lab.run(70_000 - (lab.now() - start));
    let expected = [
        Kind::Received,
        Kind::Acknowledge,
        Kind::Enquire,
        Kind::Alive,
        Kind::Enquire,
        Kind::Alive,
        Kind::Enquire,
        Kind::Alive,
    ];
    assert_eq!(lab.kinds(), expected);
    lab.putrep(1, thread(0), reply(2), Memory::default());
    assert_eq!(lab.wait_for_reply().0, Ok((reply(2), 0)));
}

#[test]
fn a_refused_request_is_sent_five_times_withdrawn_and_offered_to_others() {
    let mut lab = acquainted();
    // The only thread of machine 1 serves somebody else.
    lab.trans(2, thread(0), request(9), Memory::default());
    lab.wait_for_request();
    lab.messages();
    begin(&mut lab);
    lab.run(90);
    let trace = core::mem::take(&mut lab.network.trace);
    let kinds: Vec<Kind> = trace.iter().map(|(header, _)| header.kind).collect();
    let tries = [Kind::Request, Kind::Refuse].repeat(5);
    assert_eq!(kinds, [&tries[..], &[Kind::Fail, Kind::Fail]].concat());
    assert_eq!(trace[10].0.flags, Flags::REQUEST);
    assert_eq!(trace[11].0.flags, Flags::REQUEST | Flags::REPLY);
    lab.getreq(2, thread(1));
    let (machine, server, header, _) = lab.wait_for_request();
    assert_eq!((machine, server, header.command), (2, thread(1), 1));
    let number = |place: usize| lab.network.trace[place].0.transaction;
    let last = lab.network.trace.len() - 1;
    assert!(number(last) > trace[0].0.transaction);
}

#[test]
fn the_rest_of_a_long_request_is_not_sent_when_its_beginning_is_refused() {
    let mut lab = acquainted();
    lab.trans(2, thread(0), request(9), Memory::default());
    lab.wait_for_request();
    lab.messages();
    let start = lab.now();
    lab.trans(0, thread(0), request(1), pattern(30_000));
    lab.run(5);
    // The first copy was refused on its way, and the second one went out at once.
    assert_eq!(lab.kinds()[..3], [Kind::Request, Kind::Refuse, Kind::Request]);
    lab.putrep(1, thread(0), reply(0), Memory::default());
    lab.run(4);
    lab.told.clear();
    lab.getreq(1, thread(0));
    let (_, _, header, data) = lab.wait_for_request();
    assert_eq!((header.command, data), (1, pattern(30_000).0));
    let time = lab.now() - start;
    assert!(time < 60, "{time}");
    assert!(lab.network.machines[0].card.unsent.is_empty());
}

#[test]
fn a_client_of_a_server_that_is_always_busy_is_told_that_there_is_none() {
    let mut lab = acquainted();
    lab.trans(2, thread(0), request(9), Memory::default());
    lab.wait_for_request();
    let start = begin(&mut lab);
    let (error, time) = end(&mut lab, start);
    assert_eq!(error, Status::RpcNotFound);
    // Short waits count as a sweep each.
    assert!((5000..limits::longest_search(5200)).contains(&time), "{time}");
}

#[test]
fn a_copy_of_a_withdrawn_request_is_never_executed() {
    let mut lab = acquainted();
    lab.trans(2, thread(0), request(9), Memory::default());
    lab.wait_for_request();
    lab.messages();
    begin(&mut lab);
    lab.run(90);
    let (copy, _) = lab.network.trace[0];
    lab.putrep(1, thread(0), reply(0), Memory::default());
    lab.run(10);
    let now = lab.now();
    let machine = &mut lab.network.machines[0];
    machine.rpc.abort(now, &mut machine.card, thread(0));
    lab.getreq(1, thread(0));
    let from = lab.network.machines[0].card.endpoints[1].unwrap();
    for flags in [Flags::empty(), Flags::RETRANSMISSION] {
        deliver_header(&mut lab, 1, from, &proto::rpc::Header { flags, ..copy });
    }
    assert!(
        lab.told
            .iter()
            .all(|(_, _, told)| !matches!(told, Told::Request { .. }))
    );
}

#[test]
fn untrusted_networks_only_are_an_error_of_their_own() {
    let mut lab = acquainted();
    lab.network.machines[0].card.failing = Some(Error::Unsafe);
    begin(&mut lab);
    assert_eq!(lab.wait_for_reply().0, Err(Status::RpcUnsafe));

    let mut lab = acquainted();
    begin(&mut lab);
    let server = lab.network.machines[1].card.endpoints[1].unwrap();
    report(&mut lab, server, ReportFlags::UNTRUSTED);
    assert_eq!(lab.wait_for_reply().0, Err(Status::RpcUnsafe));
}

/// FLIP says that the request on its way has not come where it was sent.
fn report(lab: &mut Lab, to: Address, flags: ReportFlags) {
    let now = lab.now();
    let machine = &mut lab.network.machines[0];
    let (message, _) = machine.rpc.sending[0];
    let event = Event::NotDelivered {
        interface: INTERFACE,
        to,
        message,
        flags,
        data: None,
    };
    machine.rpc.event(now, &mut machine.card, event);
    lab.look();
}

#[test]
fn a_report_that_names_another_destination_than_the_servers_is_not_believed() {
    for flags in [ReportFlags::empty(), ReportFlags::NOTHERE, ReportFlags::UNTRUSTED] {
        let mut lab = acquainted();
        begin(&mut lab);
        let other = lab.network.machines[2].card.endpoints[1].unwrap();
        report(&mut lab, other, flags);
        lab.wait_for_request();
        lab.putrep(1, thread(0), reply(2), Memory::default());
        assert_eq!(lab.wait_for_reply().0, Ok((reply(2), 0)));
        assert_eq!(lab.kinds(), [Kind::Request, Kind::Reply, Kind::Acknowledge]);
    }
}

/// A client that believes that its server has the request, which has not come there.
fn deceived(lab: &mut Lab) -> Milliseconds {
    lose(lab, true);
    let start = begin(lab);
    lab.run(5);
    lose(lab, false);
    let (number, kernel) = {
        let transaction = lab.network.machines[0].rpc.transaction_mut(thread(0)).unwrap();
        (transaction.number, transaction.kernel)
    };
    let server = lab.network.machines[1].card.endpoints[1].unwrap();
    let mut header = lab.network.machines[1]
        .rpc
        .header(Kind::Acknowledge, number, 0, 0);
    header.kernel = kernel;
    deliver_header(lab, 0, server, &header);
    start
}

#[test]
fn a_server_that_does_not_know_the_request_it_was_said_to_have_is_a_failure() {
    let mut lab = acquainted();
    let start = deceived(&mut lab);
    let (error, time) = end(&mut lab, start);
    assert_eq!(error, Status::RpcFailure);
    let enquired = limits::ENQUIRE_PAUSE;
    assert!((enquired..enquired + 100).contains(&time), "{time}");
}

#[test]
fn a_refusal_that_nobody_asked_for_does_not_end_what_a_server_works_on() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    // The server knows that the request has come, and the client asks whether it has.
    lab.run(1500);
    let number = lab.network.machines[0].rpc.numbers.counter().last;
    let mut header = lab.network.machines[0].rpc.header(Kind::Refuse, number, 0, 0);
    header.kernel = lab.network.machines[0].rpc.numbers.name();
    let server = lab.network.machines[1].card.endpoints[1].unwrap();
    deliver_header(&mut lab, 0, server, &header);
    lab.run(1000);
    lab.putrep(1, thread(0), reply(2), Memory::default());
    assert_eq!(lab.wait_for_reply().0, Ok((reply(2), 0)));
}

#[test]
fn a_thread_goes_on_only_when_its_memory_is_no_longer_read() {
    let mut lab = acquainted();
    begin(&mut lab);
    let now = lab.now();
    let machine = &mut lab.network.machines[0];
    machine.rpc.abort(now, &mut machine.card, thread(0));
    assert_eq!(machine.rpc.next(), None);
    let interface = INTERFACE;
    let message = MessageId(machine.rpc.sending[0].0.0);
    machine
        .rpc
        .event(now, &mut machine.card, Event::Sent { interface, message });
    assert!(matches!(machine.rpc.next(), Some(Told::Transaction { .. })));
}

#[test]
fn a_full_network_is_as_good_as_a_loss() {
    let mut lab = acquainted();
    lab.network.machines[0].card.failing = Some(Error::NoPacket);
    begin(&mut lab);
    lab.network.machines[0].card.failing = None;
    lab.wait_for_request();
}

#[test]
fn a_repeated_request_is_acknowledged_while_it_is_served_and_failed_afterwards() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    let (first, _) = core::mem::take(&mut lab.network.trace)[0];
    let from = lab.network.machines[0].card.endpoints[1].unwrap();
    let repeated = proto::rpc::Header {
        flags: Flags::RETRANSMISSION,
        ..first
    };
    let answers = |lab: &mut Lab, header| {
        deliver_header(lab, 1, from, header);
        lab.network.collect();
        lab.kinds()
    };
    assert_eq!(answers(&mut lab, &repeated), [Kind::Acknowledge]);
    assert_eq!(answers(&mut lab, &first), []);
    lab.putrep(1, thread(0), reply(2), Memory::default());
    lab.run(10);
    lab.messages();
    lab.getreq(1, thread(0));
    lab.told.clear();
    assert_eq!(answers(&mut lab, &repeated), [Kind::Fail]);
    assert_eq!(answers(&mut lab, &first), []);
    assert_eq!(lab.network.machines[1].rpc.counters().duplicates, 4);
    assert!(lab.told.is_empty());
}

#[test]
fn a_place_for_a_port_that_nobody_asked_for_is_not_believed() {
    let mut lab = Lab::new(2);
    let from = lab.network.machines[1].card.endpoints[1].unwrap();
    let header = proto::rpc::Header {
        kernel: [1; 8],
        port: one_way(GET_PORT),
        kind: Kind::HereIs,
        flags: Flags::empty(),
        transaction: 0,
        destination: 0,
        source: 0,
    };
    deliver_header(&mut lab, 0, from, &header);
    begin(&mut lab);
    lab.network.collect();
    assert_eq!(lab.network.broadcasts.len(), 1);
    assert!(lab.kinds().is_empty());
}

#[test]
fn an_acknowledgement_of_a_reply_that_was_not_given_is_nothing() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    let (request, _) = core::mem::take(&mut lab.network.trace)[0];
    let from = lab.network.machines[0].card.endpoints[1].unwrap();
    let acknowledgement = proto::rpc::Header {
        kind: Kind::Acknowledge,
        destination: 0,
        source: request.source,
        ..request
    };
    deliver_header(&mut lab, 1, from, &acknowledgement);
    lab.putrep(1, thread(0), reply(7), Memory::default());
    let (outcome, _) = lab.wait_for_reply();
    assert_eq!(outcome.map(|(header, _)| header.command), Ok(7));
}
