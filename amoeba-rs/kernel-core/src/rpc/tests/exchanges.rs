//! Transactions on a good network.

use super::card::{INTERFACE, Memory, Sent, Told, bytes};
use super::lab::{GET_PORT, Lab, pattern, reply, request, thread};
use crate::flip::packet::Packet;
use crate::flip::types::{Body, Event, Priority, SendFlags};
use crate::rpc::{Misuse, Size, ThreadId};
use proto::ByteOrder;
use proto::capability::Port;
use proto::flip::{self, Address};
use proto::message::Header;
use proto::one_way::one_way;
use proto::rpc::{self, Flags, Kind};
use proto::standard::Status;
use std::vec;

#[test]
fn a_transaction_takes_three_messages() {
    let mut lab = Lab::new(2);
    lab.transact();
    lab.messages();
    lab.transact();
    let expected = [(Kind::Request, 56), (Kind::Reply, 56), (Kind::Acknowledge, 24)];
    assert_eq!(lab.messages(), expected);
}

#[test]
fn the_first_transaction_asks_for_the_port() {
    let mut lab = Lab::new(2);
    lab.transact();
    let expected = [Kind::HereIs, Kind::Request, Kind::Reply, Kind::Acknowledge];
    assert_eq!(lab.kinds(), expected);
    let hops: vec::Vec<u16> = lab.network.broadcasts.iter().map(|(_, hops)| *hops).collect();
    assert_eq!(hops, [1, 3]);
}

#[test]
fn header_and_data_arrive() {
    let mut lab = Lab::new(2);
    lab.getreq(1, thread(0));
    let asked = Header {
        private: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        offset: -5,
        size: 6,
        extra: 7,
        ..request(1234)
    };
    lab.trans(0, thread(0), asked, pattern(100));
    let (machine, server, header, data) = lab.wait_for_request();
    assert_eq!((machine, server, header), (1, thread(0), asked));
    assert_eq!(data, pattern(100).0);
    lab.putrep(1, server, reply(9), pattern(50));
    let (outcome, data) = lab.wait_for_reply();
    assert_eq!(outcome, Ok((reply(9), 50)));
    assert_eq!(data, pattern(50).0);
}

#[test]
fn a_request_of_several_fragments_is_acknowledged_when_it_is_whole() {
    let mut lab = Lab::new(2);
    lab.transact();
    lab.messages();
    lab.getreq(1, thread(0));
    lab.trans(0, thread(0), request(1), pattern(30_000));
    let (_, server, _, data) = lab.wait_for_request();
    assert_eq!(data, pattern(30_000).0);
    lab.putrep(1, server, reply(0), pattern(29_000));
    let (_, data) = lab.wait_for_reply();
    assert_eq!(data, pattern(29_000).0);
    lab.run(100);
    let expected = [
        (Kind::Request, 30_056),
        (Kind::Acknowledge, 24),
        (Kind::Reply, 29_056),
        (Kind::Acknowledge, 24),
    ];
    assert_eq!(lab.messages(), expected);
}

#[test]
fn what_does_not_fit_is_cut_off() {
    for length in [20, 5000] {
        let mut lab = Lab::new(2);
        lab.getreq_on(1, thread(0), GET_PORT, 10);
        lab.trans(0, thread(0), request(1), pattern(length));
        let (_, _, _, data) = lab.wait_for_request();
        assert_eq!(data, pattern(10).0);
    }
}

#[test]
fn a_request_on_the_wire_has_these_bytes() {
    let mut lab = Lab::new(2);
    lab.transact();
    lab.getreq(1, thread(0));
    let now = lab.now();
    let machine = &mut lab.network.machines[0];
    let asked = Header {
        command: 0x0102,
        offset: 0x0304_0506,
        size: 0x0708,
        extra: 0x090a,
        ..request(0)
    };
    machine
        .rpc
        .trans(
            now,
            &mut machine.card,
            thread(5),
            Size::Short,
            &asked,
            pattern(2),
            Memory::default(),
        )
        .unwrap();
    let Some(Sent::Unicast(outgoing, _)) = machine.card.sent.pop() else {
        panic!("nothing was sent");
    };
    let port = one_way(GET_PORT).0;
    let mut expected = vec![0, 1, 0, 0, 0, 0xc0, 0xc0, 0xc0];
    expected.extend(port);
    expected.extend([3, 0, 2, 0, 0, 0, 2, 0, 5, 0]);
    expected.extend(port);
    expected.extend([0; 16]);
    expected.extend([2, 1, 6, 5, 4, 3, 8, 7, 10, 9]);
    expected.extend([0, 1]);
    assert_eq!(bytes(&outgoing.data), expected);
    assert_eq!(outgoing.flags, SendFlags::SECURITY);
    assert_eq!(outgoing.priority, Some(Priority::Normal));
}

#[test]
fn a_request_with_its_most_significant_bytes_first_is_understood() {
    let mut lab = Lab::new(2);
    lab.getreq(1, thread(0));
    let asked = Header {
        offset: 0x0102_0304,
        size: 0x0506,
        extra: 0x0708,
        ..request(0x0910)
    };
    let header = rpc::Header {
        kernel: [9; 8],
        port: asked.port,
        kind: Kind::Request,
        flags: Flags::BIG_ENDIAN,
        transaction: 0x0a0b_0c0d,
        destination: 20,
        source: 0x0102,
    };
    let mut message = header.emit().to_vec();
    message.extend(asked.emit(ByteOrder::Big));
    deliver(&mut lab, 1, Address([7; 8]), &message);
    let (_, _, understood, _) = lab.wait_for_request();
    assert_eq!(understood, asked);
    lab.putrep(1, thread(0), reply(0), Memory::default());
    let (answer, _) = lab.network.trace.pop().unwrap();
    assert_eq!((answer.transaction, answer.destination), (0x0a0b_0c0d, 0x0102));
}

/// Hands a machine's process 0 a message of a header, and for a request an empty one.
pub(super) fn deliver_header(lab: &mut Lab, machine: usize, from: Address, header: &rpc::Header) {
    let mut message = header.emit().to_vec();
    if header.kind == Kind::Request {
        message.extend([0; 32]);
    }
    deliver(lab, machine, from, &message);
}

/// Hands a machine's process 0 a message of one fragment.
fn deliver(lab: &mut Lab, machine: usize, from: Address, message: &[u8]) {
    let now = lab.now();
    let machine = &mut lab.network.machines[machine];
    let to = machine.card.endpoints[1].unwrap();
    let event = Event::Received {
        interface: INTERFACE,
        to,
        from,
        message: 1,
        offset: 0,
        length: message.len() as u32,
        total: message.len() as u32,
        flags: flip::Flags::empty(),
        body: Body::Packet(Packet::new(message)),
    };
    machine.rpc.event(now, &mut machine.card, event);
    lab.look();
}

#[test]
fn clients_and_servers_of_one_machine_need_no_network() {
    let mut lab = Lab::new(1);
    lab.network.start_process(0, 1);
    let server = ThreadId {
        process: 1,
        thread: 3,
    };
    lab.getreq(0, server);
    lab.trans(0, thread(0), request(1), pattern(5000));
    let (_, woken, _, data) = lab.wait_for_request();
    assert_eq!((woken, data), (server, pattern(5000).0));
    lab.putrep(0, server, reply(2), pattern(40));
    assert_eq!(lab.told[0].2, Told::Replied { thread: server });
    let (outcome, data) = lab.wait_for_reply();
    assert_eq!((outcome, data), (Ok((reply(2), 40)), pattern(40).0));
    assert!(lab.network.trace.is_empty() && lab.network.broadcasts.is_empty());
}

#[test]
fn a_searching_client_of_the_same_machine_is_served_when_the_server_comes() {
    let mut lab = Lab::new(1);
    lab.trans(0, thread(0), request(1), Memory::default());
    lab.trans(0, thread(1), request(2), Memory::default());
    lab.run(50);
    lab.getreq(0, thread(2));
    let (_, _, header, _) = lab.wait_for_request();
    assert_eq!(header.command, 1);
}

#[test]
fn a_request_goes_to_a_thread_that_waits_on_its_port_only() {
    let mut lab = Lab::new(2);
    lab.getreq_on(1, thread(0), Port([6; 6]), 10);
    lab.getreq(1, thread(1));
    lab.trans(0, thread(0), request(1), Memory::default());
    assert_eq!(lab.wait_for_request().1, thread(1));
}

#[test]
fn a_thread_may_carry_out_a_transaction_while_it_serves() {
    let mut lab = Lab::new(3);
    lab.getreq(1, thread(0));
    lab.trans(0, thread(0), request(1), Memory::default());
    lab.wait_for_request();
    lab.getreq_on(2, thread(0), Port([6; 6]), 10);
    let nested = Header {
        port: one_way(Port([6; 6])),
        ..request(2)
    };
    lab.trans(1, thread(0), nested, Memory::default());
    assert_eq!(lab.wait_for_request().0, 2);
    lab.putrep(2, thread(0), reply(3), Memory::default());
    assert_eq!(lab.wait_for_reply().0, Ok((reply(3), 0)));
    lab.putrep(1, thread(0), reply(4), Memory::default());
    assert_eq!(lab.wait_for_reply().0, Ok((reply(4), 0)));
}

#[test]
fn thirty_thousand_bytes_are_the_limit_of_the_short_calls() {
    let mut lab = Lab::new(1);
    let now = lab.now();
    let machine = &mut lab.network.machines[0];
    let (rpc, card) = (&mut machine.rpc, &mut machine.card);
    let header = request(1);
    let none = Memory::default;
    let mut trans = |size, request, room| {
        let outcome = rpc.trans(
            now,
            card,
            thread(0),
            size,
            &header,
            pattern(request),
            pattern(room),
        );
        rpc.abort(now, card, thread(0));
        outcome
    };
    assert_eq!(trans(Size::Short, 30_000, 30_000), Ok(()));
    assert_eq!(trans(Size::Short, 30_001, 0), Err(Misuse::TooLong));
    assert_eq!(trans(Size::Short, 0, 30_001), Err(Misuse::TooLong));
    assert_eq!(trans(Size::Long, 300_000, 30_001), Ok(()));
    let port = GET_PORT;
    assert_eq!(
        rpc.getreq(thread(0), Size::Short, port, pattern(30_001)),
        Err(Misuse::TooLong)
    );
    assert_eq!(rpc.getreq(thread(0), Size::Long, port, pattern(30_001)), Ok(()));
    rpc.trans(now, card, thread(1), Size::Short, &header, none(), none())
        .unwrap();
    let too_long = rpc.putrep(now, card, thread(0), Size::Short, &reply(0), pattern(30_001));
    assert_eq!(too_long, Err(Misuse::TooLong));
}

#[test]
fn calls_out_of_order_are_misuse() {
    let mut lab = Lab::new(1);
    let now = lab.now();
    let machine = &mut lab.network.machines[0];
    let (rpc, card) = (&mut machine.rpc, &mut machine.card);
    let none = Memory::default;
    let putrep = rpc.putrep(now, card, thread(0), Size::Short, &reply(0), none());
    assert_eq!(putrep, Err(Misuse::IsNotServing));
    rpc.getreq(thread(0), Size::Short, GET_PORT, none()).unwrap();
    assert_eq!(
        rpc.getreq(thread(0), Size::Short, GET_PORT, none()),
        Err(Misuse::IsWaiting)
    );
    rpc.trans(now, card, thread(1), Size::Short, &request(0), none(), none())
        .unwrap();
    assert_eq!(
        rpc.getreq(thread(0), Size::Short, GET_PORT, none()),
        Err(Misuse::IsServing)
    );
    let nobody = ThreadId {
        process: 9,
        thread: 0,
    };
    assert_eq!(rpc.timeout(nobody, 5), Err(Misuse::UnknownThread));
    assert_eq!(rpc.timeout(thread(256), 5), Err(Misuse::UnknownThread));
}

#[test]
fn the_null_port_is_a_bad_port() {
    let mut lab = Lab::new(1);
    lab.trans(0, thread(0), Header::default(), Memory::default());
    assert_eq!(lab.wait_for_reply().0, Err(Status::RpcBadPort));
    lab.getreq_on(0, thread(0), Port::NULL, 0);
    let (_, told) = lab.wait();
    assert!(matches!(
        told,
        Told::Request {
            outcome: Err(Status::RpcBadPort),
            ..
        }
    ));
}

#[test]
fn a_forwarded_request_is_served_by_the_other_process() {
    let mut lab = Lab::new(3);
    lab.getreq(1, thread(0));
    lab.trans(0, thread(0), request(1), pattern(3000));
    lab.wait_for_request();
    lab.getreq(2, thread(4));
    let to = lab.network.machines[2].card.endpoints[1].unwrap();
    lab.messages();
    let now = lab.now();
    let machine = &mut lab.network.machines[1];
    machine
        .rpc
        .forward(now, &mut machine.card, thread(0), to)
        .unwrap();
    assert!(matches!(lab.wait(), (1, Told::Replied { .. })));
    let (machine, server, header, data) = lab.wait_for_request();
    assert_eq!((machine, server, header), (2, thread(4), request(1)));
    assert_eq!(data, pattern(3000).0);
    lab.putrep(2, thread(4), reply(3), Memory::default());
    assert_eq!(lab.wait_for_reply().0, Ok((reply(3), 0)));
    assert_eq!(
        lab.messages()[..2],
        [(Kind::Forward, 32), (Kind::Acknowledge, 24)]
    );
}

#[test]
fn a_message_of_the_same_machine_is_taken_whole() {
    let mut lab = Lab::new(2);
    lab.getreq(1, thread(0));
    lab.trans(0, thread(0), request(1), Memory::default());
    lab.run(150);
    lab.told.clear();
    // FLIP hands over a message to the same machine as it was given it.
    lab.getreq(0, thread(1));
    lab.messages();
    let from = Address([9; 8]);
    let now = lab.now();
    let machine = &mut lab.network.machines[0];
    let to = machine.card.endpoints[1].unwrap();
    let header = rpc::Header {
        kernel: [8; 8],
        port: one_way(GET_PORT),
        kind: Kind::Request,
        flags: Flags::empty(),
        transaction: 1,
        destination: 10,
        source: 0,
    };
    let data = crate::rpc::Message::with_data(&header, &request(5), &pattern(4000));
    let event = Event::Received {
        interface: INTERFACE,
        to,
        from,
        message: 1,
        offset: 0,
        length: 4056,
        total: 4056,
        flags: flip::Flags::empty(),
        body: Body::Local(data),
    };
    machine.rpc.event(now, &mut machine.card, event);
    let (_, _, header, data) = lab.wait_for_request();
    assert_eq!((header, data), (request(5), pattern(4000).0));
}
