//! Credits between neighbours.

use super::{
    Kernel, LARGE_RING, SMALL_RING, Told, World, bytes, control, control_frame, header, packet, packet_frame,
    public, station,
};
use crate::flip::FRAGMENT;
use crate::flip::types::{Below, Body, Event, Priority, ReportFlags, SendFlags};
use proto::flip::{Flags, Kind};
use proto::fragment_control::Kind as Control;
use std::vec::Vec;

/// A kernel that knows the address 2 at station 20 and sends it messages of so many fragments.
fn sender(ring: u16, messages: &[u32]) -> Kernel {
    let mut kernel = Kernel::new(10, &[ring]);
    let one = kernel.register(1);
    learn(&mut kernel, 20, 2);
    for fragments in messages {
        kernel.unicast(
            0,
            one,
            2,
            SendFlags::empty(),
            bytes((fragments * FRAGMENT) as usize, 0),
        );
    }
    kernel
}

fn learn(kernel: &mut Kernel, from: u8, address: u8) {
    let hello = header(Kind::Unidata, address, 1, (3, 25), 0);
    kernel.receive(0, 1, &packet_frame(station(10), station(from), hello, &[]));
    kernel.events();
}

fn give(kernel: &mut Kernel, kind: Control, count: u8) {
    kernel.receive(0, 1, &control_frame(station(10), station(20), kind, count, &[]));
}

/// Offers the receiver with station 10 a fragment of a long message; its event is left to the test.
fn fragment(kernel: &mut Kernel, number: u32) {
    let mut header = header(Kind::Unidata, 2, 1, (3, 25), FRAGMENT);
    header.offset = number * FRAGMENT;
    header.total = 100 * FRAGMENT;
    let frame = packet_frame(station(10), station(20), header, &bytes(FRAGMENT as usize, 0).0);
    kernel.receive(0, 1, &frame);
}

#[test]
fn the_ring_decides_on_the_credits() {
    for (ring, credits) in [(0, 1), (3, 1), (4, 1), (7, 1), (8, 8), (9, 8), (40, 8)] {
        assert_eq!(sender(ring, &[20]).frames(0, 1).len(), credits, "ring of {ring}");
    }
}

#[test]
fn with_one_credit_every_fragment_waits_for_the_one_before() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(4 * 1458, 0));
    world.run(1000);
    let frames: Vec<Control> = world.sent[2..]
        .iter()
        .map(|(_, _, frame)| control(frame).kind)
        .collect();
    let expected = [Control::Data, Control::Credit].repeat(4);
    assert_eq!(frames, expected);
    assert_eq!(world.messages(1), [bytes(4 * 1458, 0).0]);
}

#[test]
fn messages_of_one_fragment_cost_nothing() {
    let mut kernel = sender(SMALL_RING, &[1, 1, 1]);
    assert_eq!(kernel.frames(0, 1).len(), 3);
}

#[test]
fn credits_are_added_up_to_what_the_station_began_with() {
    let mut kernel = sender(LARGE_RING, &[100]);
    kernel.frames(0, 1);
    give(&mut kernel, Control::Credit, 6);
    assert_eq!(kernel.frames(0, 1).len(), 6);
    give(&mut kernel, Control::Credit, 200);
    assert_eq!(kernel.frames(0, 1).len(), 8);
}

#[test]
fn absolute_credits_replace_what_there_was() {
    let mut kernel = sender(LARGE_RING, &[100]);
    give(&mut kernel, Control::AbsoluteCredit, 3);
    assert_eq!(kernel.frames(0, 1).len(), 3);
    // A neighbour with a larger ring than this machine's.
    let mut kernel = sender(SMALL_RING, &[100]);
    kernel.frames(0, 1);
    give(&mut kernel, Control::AbsoluteCredit, 8);
    assert_eq!(kernel.frames(0, 1).len(), 8);
    give(&mut kernel, Control::Credit, 6);
    assert_eq!(kernel.frames(0, 1).len(), 6);
}

#[test]
fn credits_ride_along_with_data() {
    let mut kernel = sender(SMALL_RING, &[3]);
    assert_eq!(kernel.frames(0, 1).len(), 1);
    let reply = header(Kind::Unidata, 2, 1, (3, 25), 0);
    let mut frame = packet_frame(station(10), station(20), reply, &[]);
    frame[15] = 1;
    kernel.receive(0, 1, &frame);
    assert_eq!(kernel.frames(0, 1).len(), 1);

    fragment(&mut kernel, 0);
    kernel.events();
    give(&mut kernel, Control::Credit, 1);
    let one = crate::flip::types::Endpoint(0);
    kernel.unicast(0, one, 2, SendFlags::empty(), bytes(1, 0));
    // The credit is due, so it goes alone; with a large ring it waits for data.
    let mut kernel = sender(LARGE_RING, &[]);
    fragment(&mut kernel, 0);
    fragment(&mut kernel, 1);
    kernel.events();
    assert!(kernel.frames(0, 1).is_empty());
    kernel.unicast(0, one, 2, SendFlags::empty(), bytes(1, 0));
    let frames = kernel.frames(0, 1);
    assert_eq!(frames.len(), 1);
    assert_eq!(control(&frames[0]).count, 2);
}

#[test]
fn credits_go_back_six_at_a_time_out_of_eight() {
    let mut kernel = Kernel::new(10, &[LARGE_RING]);
    kernel.register(1);
    for number in 0..6 {
        assert!(kernel.frames(0, 1).is_empty());
        fragment(&mut kernel, number);
        kernel.events();
    }
    let frames = kernel.frames(0, 1);
    assert_eq!(frames.len(), 1);
    assert_eq!(
        (control(&frames[0]).kind, control(&frames[0]).count),
        (Control::Credit, 6)
    );
}

#[test]
fn a_credit_goes_back_when_the_buffer_is_given_back() {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    kernel.register(1);
    fragment(&mut kernel, 0);
    let Some(Event::Received {
        body: Body::Packet(packet),
        ..
    }) = kernel.flip.event()
    else {
        panic!("a fragment");
    };
    assert!(kernel.frames(0, 1).is_empty());
    kernel.flip.release(packet);
    assert_eq!(kernel.frames(0, 1).len(), 1);
}

#[test]
fn who_asks_is_told_the_credits_less_the_packets_in_use() {
    let mut kernel = Kernel::new(10, &[LARGE_RING]);
    kernel.register(1);
    for number in 0..3 {
        fragment(&mut kernel, number);
    }
    give(&mut kernel, Control::RequestCredit, 0);
    let frames = kernel.frames(0, 1);
    let answer = control(&frames[0]);
    assert_eq!((answer.kind, answer.count), (Control::AbsoluteCredit, 5));
}

#[test]
fn a_neighbour_is_asked_after_two_seconds_and_given_up_after_five_questions() {
    let mut kernel = sender(SMALL_RING, &[3]);
    let mut seen = Vec::new();
    let mut now = 0;
    while now < 20_000 {
        for frame in kernel.frames(now, 1) {
            seen.push((now, control(&frame).kind));
        }
        now = kernel.flip.next_sweep();
        kernel.flip.sweep(now);
    }
    let mut expected = std::vec![(0, Control::Data)];
    expected.extend((1..=5).map(|number| (number * 2000, Control::RequestCredit)));
    assert_eq!(seen, expected);
    let events = kernel.events();
    assert!(
        matches!(
            events[..],
            [Told::NotDelivered {
                flags,
                has_data: true,
                ..
            }] if flags == ReportFlags::empty()
        ),
        "{events:?}"
    );
    assert_eq!(kernel.flip.statistics().no_credit, 1);
}

#[test]
fn an_answer_makes_the_questions_count_from_the_start() {
    let mut kernel = sender(SMALL_RING, &[3]);
    kernel.frames(0, 1);
    let mut now = 0;
    while now < 60_000 {
        let frames = kernel.frames(now, 1);
        if frames
            .iter()
            .any(|frame| control(frame).kind == Control::RequestCredit)
        {
            give(&mut kernel, Control::AbsoluteCredit, 0);
        }
        now = kernel.flip.next_sweep();
        kernel.flip.sweep(now);
    }
    assert!(kernel.events().is_empty());
    give(&mut kernel, Control::AbsoluteCredit, 1);
    assert_eq!(kernel.frames(now, 1).len(), 1);
}

#[test]
fn a_lost_credit_comes_back() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(5 * 1458, 2));
    let mut frame = 0;
    world.run_with(20_000, &mut || {
        frame += 1;
        // LOCATE, HEREIS, data, its credit.
        if frame == 4 { Vec::new() } else { std::vec![1] }
    });
    assert_eq!(world.messages(1), [bytes(5 * 1458, 2).0]);
    let end = world.sent.last().unwrap().0;
    assert!((2000..3500).contains(&end), "{end}");
}

#[test]
fn neighbours_and_then_addresses_take_turns_fragment_by_fragment() {
    let mut kernel = Kernel::new(10, &[LARGE_RING]);
    let one = kernel.register(1);
    learn(&mut kernel, 20, 2);
    learn(&mut kernel, 20, 3);
    learn(&mut kernel, 30, 4);
    for to in [2, 3, 4] {
        kernel.unicast(0, one, to, SendFlags::empty(), bytes(3 * 1458, 0));
    }
    let order: Vec<_> = kernel
        .packets(0, 1)
        .into_iter()
        .map(|(_, header)| header.destination)
        .collect();
    let expected = [2, 4, 3, 4, 2, 4, 3, 2, 3].map(public);
    assert_eq!(order, expected);
}

#[test]
fn messages_to_one_address_go_one_after_the_other_and_urgent_ones_first() {
    let mut kernel = sender(LARGE_RING, &[3, 1]);
    assert!(kernel.frame(0, 1).is_some());
    let interface = kernel.interface;
    let urgent = kernel
        .flip
        .unicast(
            0,
            interface,
            crate::flip::types::Endpoint(0),
            SendFlags::empty(),
            public(2),
            100,
            Priority::Control,
            bytes(7, 0),
        )
        .unwrap();
    let order: Vec<(u32, u32)> = kernel
        .packets(0, 1)
        .into_iter()
        .map(|(_, header)| (header.message, header.offset))
        .collect();
    let (first, second) = (urgent.0 - 2, urgent.0 - 1);
    assert_eq!(order, [(urgent.0, 0), (first, 1458), (first, 2916), (second, 0)]);
}

#[test]
fn what_costs_no_credit_passes_what_waits_for_one() {
    let mut kernel = sender(SMALL_RING, &[3]);
    kernel.frames(0, 1);
    learn(&mut kernel, 20, 3);
    let one = crate::flip::types::Endpoint(0);
    kernel.unicast(0, one, 3, SendFlags::empty(), bytes(5, 0));
    assert_eq!(kernel.packets(0, 1)[0].1.destination, public(3));
}

#[test]
fn a_router_passes_credits_on_when_the_fragment_has_left() {
    let mut router = Kernel::new(10, &[SMALL_RING, SMALL_RING]);
    let hello = header(Kind::Unidata, 1, 9, (3, 25), 0);
    router.receive(0, 2, &packet_frame(station(11), station(30), hello, &[]));
    router.frames(0, 2);
    fragment(&mut router, 0);
    assert!(router.frames(0, 1).is_empty());
    fragment(&mut router, 1);
    let forwarded = router.frames(0, 2);
    assert_eq!(forwarded.len(), 1);
    assert_eq!(packet(&forwarded[0]).unwrap().1.flags, Flags::empty());
    let credits = router.frames(0, 1);
    assert_eq!(control(&credits[0]).kind, Control::Credit);
    assert_eq!(credits.len(), 1);
    // The other one needs a credit of the next station.
    router.receive(
        0,
        2,
        &control_frame(station(11), station(30), Control::Credit, 1, &[]),
    );
    assert_eq!(router.frames(0, 2).len(), 1);
    assert_eq!(router.frames(0, 1).len(), 1);
    assert_eq!(router.flip.free_packets(), 80);
}

#[test]
fn a_cancelled_message_sends_nothing_more_and_comes_back() {
    let mut kernel = sender(LARGE_RING, &[100]);
    assert!(kernel.frame(0, 1).is_some());
    let interface = kernel.interface;
    let message = crate::flip::types::MessageId(1);
    let data = kernel.flip.cancel(interface, message);
    assert_eq!(data, Some(bytes(145_800, 0)));
    assert!(kernel.frames(0, 1).is_empty() && kernel.events().is_empty());
    assert_eq!(kernel.flip.cancel(interface, message), None);
}

#[test]
fn an_endpoint_that_goes_takes_its_messages_along() {
    let mut kernel = sender(LARGE_RING, &[100, 1]);
    let one = crate::flip::types::Endpoint(0);
    kernel.unicast(0, one, 77, SendFlags::empty(), bytes(1, 0));
    let interface = kernel.interface;
    kernel.flip.unregister(interface, one).unwrap();
    assert!(kernel.frames(0, 1).is_empty());
    kernel.flip.sweep(10_000);
    assert!(kernel.events().is_empty());
}

#[test]
fn a_neighbour_is_forgotten_with_its_credits_after_300_seconds() {
    for (pause, credits) in [(200_000, 3), (330_000, 8)] {
        let mut kernel = sender(LARGE_RING, &[5]);
        assert_eq!(kernel.frames(0, 1).len(), 5);
        while kernel.flip.next_sweep() <= pause {
            kernel.flip.sweep(kernel.flip.next_sweep());
        }
        let one = crate::flip::types::Endpoint(0);
        kernel.unicast(pause, one, 2, SendFlags::empty(), bytes(30_000, 0));
        assert_eq!(kernel.frames(pause, 1).len(), credits, "after {pause} ms");
    }
}
