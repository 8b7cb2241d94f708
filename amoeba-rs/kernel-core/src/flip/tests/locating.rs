//! How destinations are found.

use super::{Kernel, SMALL_RING, Told, World, bytes, header, packet_frame, private, public, station};
use crate::flip::types::{Below, Error, Milliseconds, Priority, ReportFlags, SendFlags};
use crate::flip::{MOST_HOPS, Network};
use proto::ethernet;
use proto::flip::{Counts, Kind};
use std::vec::Vec;

/// Times and reach of the LOCATEs of a kernel that nobody answers.
fn locates(flags: SendFlags, listeners: u32, end: Milliseconds) -> Vec<(Milliseconds, u16)> {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    let endpoint = kernel.register(1);
    let interface = kernel.interface;
    kernel
        .flip
        .multicast(
            0,
            interface,
            endpoint,
            flags,
            public(2),
            listeners,
            end,
            bytes(1, 0),
        )
        .unwrap();
    let mut seen = Vec::new();
    let mut now = 0;
    while now < end {
        for (to, header) in kernel.packets(now, 1) {
            assert_eq!((to, header.kind), (ethernet::Address::BROADCAST, Kind::Locate));
            seen.push((now, header.maximum_hops));
        }
        now = kernel.flip.next_sweep();
        kernel.flip.sweep(now);
    }
    seen
}

#[test]
fn each_locate_reaches_a_hop_further_and_the_first_on_the_wire_goes_after_200_ms() {
    let mut expected: Vec<(Milliseconds, u16)> =
        (3..=25).map(|hops| ((hops - 1) * 100, hops as u16)).collect();
    expected.extend([(2500, 25), (2700, 25), (3100, 25), (3900, 25), (5500, 25)]);
    assert_eq!(locates(SendFlags::empty(), 1, 6000), expected);
}

#[test]
fn invalidation_begins_with_26_hops_at_once() {
    let expected = [(0, 26), (100, 26), (300, 26), (700, 26), (1500, 26)];
    assert_eq!(locates(SendFlags::INVALIDATE, 1, 2000), expected);
}

#[test]
fn a_large_group_is_given_more_time_after_two_hops() {
    let expected = [(200, 3), (300, 4), (500, 5), (900, 6), (1700, 7), (2700, 8)];
    assert_eq!(locates(SendFlags::empty(), 17, 3000), expected);
    assert_eq!(locates(SendFlags::empty(), 16, 500).len(), 3);
}

#[test]
fn a_destination_on_the_same_ethernet_is_reached_after_200_ms() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    let message = world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(10, 0));
    world.run(1000);
    assert_eq!(world.kinds(0), [Kind::Locate, Kind::HereIs, Kind::Unidata]);
    assert_eq!(world.told[0], [(202, Told::Sent(message))]);
    assert_eq!(world.messages(1), [bytes(10, 0).0]);
}

#[test]
fn a_known_destination_needs_no_locate() {
    let (mut world, one, two) = World::pair(SMALL_RING);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(10, 0));
    world.run(1000);
    let sent = world.sent.len();
    world.kernels[0].unicast(1000, one, 2, SendFlags::empty(), bytes(10, 0));
    // The answer too: the packets have told the other side where the sender is.
    world.kernels[1].unicast(1000, two, 1, SendFlags::empty(), bytes(10, 0));
    world.run(1010);
    let kinds = &world.kinds(0)[sent..];
    assert_eq!(kinds, [Kind::Unidata, Kind::Unidata]);
}

#[test]
fn messages_to_one_destination_wait_for_the_same_locates() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    for seed in 0..3 {
        world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(10, seed));
    }
    world.run(1000);
    let locates = world
        .kinds(0)
        .iter()
        .filter(|kind| **kind == Kind::Locate)
        .count();
    assert_eq!(locates, 1);
    let expected: Vec<_> = (0..3).map(|seed| bytes(10, seed).0).collect();
    assert_eq!(world.messages(1), expected);
}

#[test]
fn who_is_not_found_in_time_is_reported_with_the_message() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    let message = world.kernels[0].unicast(0, one, 3, SendFlags::empty(), bytes(10, 0));
    world.run(10_000);
    let report = Told::NotDelivered {
        message,
        flags: ReportFlags::empty(),
        has_data: true,
    };
    assert_eq!(world.told[0], [(5000, report)]);
}

#[test]
fn who_is_found_over_untrusted_networks_only_is_reported_as_untrusted() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    world.kernels[0].flip.set_trusted(Network(1), false);
    let secret = world.kernels[0].unicast(0, one, 2, SendFlags::SECURITY, bytes(10, 0));
    let open = world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(11, 0));
    world.run(10_000);
    let report = Told::NotDelivered {
        message: secret,
        flags: ReportFlags::UNTRUSTED,
        has_data: true,
    };
    assert_eq!(world.told[0], [(202, Told::Sent(open)), (5000, report)]);
    assert_eq!(world.messages(1), [bytes(11, 0).0]);
}

#[test]
fn a_group_gets_a_message_once_enough_of_it_is_known() {
    let mut kernels: Vec<Kernel> = [10, 20, 30]
        .map(|number| Kernel::new(number, &[SMALL_RING]))
        .into();
    let one = kernels[0].register(1);
    kernels[1].register(7);
    let mut world = World::new(kernels, std::vec![std::vec![(0, 1), (1, 1), (2, 1)]]);
    let interface = world.kernels[0].interface;
    let message = world.kernels[0]
        .flip
        .multicast(
            0,
            interface,
            one,
            SendFlags::empty(),
            public(7),
            2,
            5000,
            bytes(9, 9),
        )
        .unwrap();
    world.run(1000);
    assert!(world.told[0].is_empty() && world.messages(1).is_empty());
    world.kernels[2].register(7);
    world.run(1200);
    assert_eq!(world.messages(1), [bytes(9, 9).0]);
    assert_eq!(world.messages(2), [bytes(9, 9).0]);
    assert!(world.told[0].iter().any(|(_, told)| *told == Told::Sent(message)));
}

#[test]
fn an_exact_locate_is_answered_from_the_table_and_a_longer_one_only_by_the_machine_itself() {
    let mut kernel = Kernel::new(10, &[SMALL_RING, SMALL_RING]);
    let here = header(Kind::Unidata, 2, 9, (3, 25), 0);
    kernel.receive(0, 2, &packet_frame(station(11), station(30), here, &[]));
    kernel.frames(0, 2);
    let broadcast = ethernet::Address::BROADCAST;
    let exact = header(Kind::Locate, 1, 2, (3, 3), 0);
    kernel.receive(0, 1, &packet_frame(broadcast, station(20), exact, &[]));
    let frames = kernel.frames(0, 1);
    let (to, answer) = super::packet(&frames[0]).unwrap();
    assert_eq!((to, answer.kind), (station(20), Kind::HereIs));
    // 3 hops back, 3 more to the destination.
    assert_eq!((answer.actual_hops, answer.maximum_hops), (0, 6));
    assert!(kernel.frames(0, 2).is_empty());

    let mut longer = header(Kind::Locate, 1, 2, (3, 6), 0);
    longer.message = 2;
    kernel.receive(0, 1, &packet_frame(broadcast, station(20), longer, &[]));
    assert!(kernel.frames(0, 1).is_empty());
    let passed = kernel.packets(0, 2);
    assert_eq!(passed.len(), 1);
    assert_eq!((passed[0].1.kind, passed[0].1.actual_hops), (Kind::Locate, 6));

    // What was known of the destination is forgotten.
    let mut again = exact;
    again.message = 3;
    kernel.receive(0, 1, &packet_frame(broadcast, station(20), again, &[]));
    assert!(kernel.frames(0, 1).is_empty() && kernel.frames(0, 2).is_empty());
}

#[test]
fn a_locate_of_26_hops_is_answered_by_the_machine_of_the_destination() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    world.kernels[0].unicast(0, one, 2, SendFlags::INVALIDATE, bytes(10, 0));
    world.run(50);
    assert_eq!(world.kinds(0), [Kind::Locate, Kind::HereIs, Kind::Unidata]);
    assert_eq!(world.packets(0)[0].1.maximum_hops, MOST_HOPS + 1);
}

#[test]
fn a_message_within_the_machine_is_handed_over_whole_and_at_once() {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    let one = kernel.register(1);
    kernel.register(2);
    let message = kernel.unicast(0, one, 2, SendFlags::empty(), bytes(30_000, 4));
    let events = kernel.events();
    let Told::Received {
        to,
        from,
        local,
        bytes: data,
        ..
    } = &events[0]
    else {
        panic!("{events:?}");
    };
    assert_eq!((*to, *from, *local), (public(2), public(1), true));
    assert_eq!(*data, bytes(30_000, 4).0);
    assert_eq!(events[1..], [Told::Sent(message)]);
    assert!(kernel.frames(0, 1).is_empty());
}

#[test]
fn a_public_address_cannot_be_registered_as_such() {
    let mut kernel = Kernel::new(10, &[]);
    kernel.register(1);
    let thief = kernel.flip.register(kernel.interface, public(1)).unwrap();
    let one = kernel.register(3);
    kernel.unicast(0, one, 1, SendFlags::empty(), bytes(1, 0));
    assert_eq!(kernel.events().len(), 2);
    let interface = kernel.interface;
    assert_eq!(kernel.flip.unregister(interface, thief), Ok(()));
    assert_eq!(kernel.flip.unregister(interface, thief), Err(Error::Fail));
}

#[test]
fn nobody_sends_from_or_to_the_null_address() {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    let one = kernel.register(1);
    let interface = kernel.interface;
    let null = kernel
        .flip
        .register(interface, proto::flip::Address::NULL)
        .unwrap();
    let mut send = |endpoint, to| {
        kernel.flip.unicast(
            0,
            interface,
            endpoint,
            SendFlags::empty(),
            to,
            100,
            Priority::Normal,
            bytes(1, 0),
        )
    };
    assert_eq!(send(null, public(2)), Err(Error::Fail));
    assert_eq!(send(one, proto::flip::Address::NULL), Err(Error::Fail));
}

#[test]
fn there_are_200_interfaces_and_100_endpoints_of_each() {
    let mut kernel = Kernel::new(10, &[]);
    let interface = kernel.interface;
    for number in 0..100 {
        assert!(kernel.flip.register(interface, private(number)).is_ok());
    }
    assert_eq!(kernel.flip.register(interface, private(100)), Err(Error::Fail));
    for _ in 1..200 {
        assert!(kernel.flip.open().is_ok());
    }
    assert_eq!(kernel.flip.open(), Err(Error::Fail));
    assert_eq!(kernel.flip.close(interface), Ok(()));
    assert_eq!(kernel.flip.open(), Ok(interface));
}

#[test]
fn here_is_without_places_or_with_more_trusted_ones_than_places_is_dropped() {
    for (locations, trusted) in [(0, 0), (1, 2)] {
        let mut kernel = Kernel::new(10, &[SMALL_RING]);
        let one = kernel.register(1);
        kernel.unicast(0, one, 2, SendFlags::empty(), bytes(1, 0));
        let counts = Counts { locations, trusted };
        let answer = header(Kind::HereIs, 1, 2, (0, 3), 4);
        let data = counts.emit(proto::ByteOrder::Little);
        kernel.receive(0, 1, &packet_frame(station(10), station(20), answer, &data));
        assert!(kernel.events().is_empty());
        assert_eq!(kernel.flip.statistics().malformed, 1);
    }
}
