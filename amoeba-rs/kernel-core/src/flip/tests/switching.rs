//! What the switch does with each type of packet.

use super::{Kernel, LARGE_RING, SMALL_RING, Told, bytes, header, packet_frame, station};
use crate::flip::types::{Below, SendFlags};
use crate::flip::{FRAGMENT, Network};
use proto::ethernet::Address as Station;
use proto::flip::{Address, Header, Kind};
use std::vec::Vec;

const BROADCAST: Station = Station::BROADCAST;

/// A router with the stations 10 and 11 on two Ethernets.
pub(super) fn router() -> Kernel {
    Kernel::new(10, &[LARGE_RING, LARGE_RING])
}

/// Gives a packet from a station to the card of a network.
pub(super) fn offer(kernel: &mut Kernel, network: u8, from: u8, header: Header, data: &[u8]) {
    let to = match header.kind {
        Kind::Locate | Kind::Multidata => BROADCAST,
        _ => station(9 + network),
    };
    kernel.receive(0, network, &packet_frame(to, station(from), header, data));
}

/// Lets a kernel know that an address is at a station, `hops` away.
pub(super) fn learn(kernel: &mut Kernel, network: u8, from: u8, address: u8, hops: u16) {
    let hello = header(Kind::Unidata, address, 99, (hops, 25), 0);
    offer(kernel, network, from, hello, &[]);
    kernel.frames(0, network);
}

pub(super) fn only(packets: Vec<(Station, Header)>) -> (Station, Header) {
    assert_eq!(packets.len(), 1, "{packets:?}");
    packets[0]
}

#[test]
fn unidata_goes_to_the_network_of_its_destination_and_costs_its_weight() {
    let mut router = router();
    learn(&mut router, 2, 30, 2, 3);
    offer(
        &mut router,
        1,
        20,
        header(Kind::Unidata, 1, 2, (3, 25), 2),
        &[1, 2],
    );
    let (to, forwarded) = only(router.packets(0, 2));
    assert_eq!(to, station(30));
    let expected = Header {
        actual_hops: 6,
        ..header(Kind::Unidata, 1, 2, (3, 25), 2)
    };
    assert_eq!(forwarded, expected);
    assert!(router.frames(0, 1).is_empty());
}

#[test]
fn unidata_does_not_go_back_to_the_network_it_came_from() {
    let mut router = router();
    learn(&mut router, 1, 30, 2, 3);
    offer(&mut router, 1, 20, header(Kind::Unidata, 1, 2, (3, 25), 0), &[]);
    assert_eq!(only(router.packets(0, 1)).1.kind, Kind::NotHere);
}

#[test]
fn unidata_that_may_not_make_so_many_hops_is_not_here() {
    let mut router = router();
    learn(&mut router, 2, 30, 2, 9);
    offer(&mut router, 1, 20, header(Kind::Unidata, 1, 2, (3, 11), 0), &[]);
    assert_eq!(only(router.packets(0, 1)).1.kind, Kind::NotHere);
    offer(&mut router, 1, 20, header(Kind::Unidata, 1, 2, (3, 12), 0), &[]);
    assert_eq!(only(router.packets(0, 2)).1.actual_hops, 6);
}

#[test]
fn a_locate_from_an_address_that_has_moved_replaces_its_route() {
    let mut router = router();
    learn(&mut router, 1, 20, 1, 3);
    offer(&mut router, 2, 30, header(Kind::Locate, 1, 5, (3, 4), 0), &[]);
    router.frames(0, 1);
    offer(&mut router, 1, 40, header(Kind::Unidata, 6, 1, (3, 25), 0), &[]);
    assert_eq!(only(router.packets(0, 2)).0, station(30));
}

#[test]
fn a_locate_goes_on_as_far_as_it_may_and_once() {
    let mut router = router();
    let locate = |hops| header(Kind::Locate, 1, 5, (3, hops), 0);
    offer(&mut router, 1, 20, locate(5), &[]);
    assert!(router.frames(0, 2).is_empty());
    let next = Header {
        message: 2,
        ..locate(6)
    };
    offer(&mut router, 1, 20, next, &[]);
    offer(&mut router, 1, 20, next, &[]);
    let (to, passed) = only(router.packets(0, 2));
    assert_eq!((to, passed.actual_hops), (BROADCAST, 6));
    assert_eq!(router.flip.statistics().seen_before, 1);
}

#[test]
fn a_hundred_broadcasts_a_second_are_taken_from_a_network() {
    let mut kernel = Kernel::new(10, &[SMALL_RING, SMALL_RING]);
    let storm = |kernel: &mut Kernel, now, network: u8, first: u32| {
        for number in 0..150 {
            let locate = Header {
                message: first + number,
                ..header(Kind::Locate, 1, 5, (3, 25), 0)
            };
            let frame = packet_frame(BROADCAST, station(20), locate, &[]);
            kernel.receive(now, network, &frame);
            if network == 1 {
                kernel.frames(now, 2);
            }
        }
        kernel.flip.statistics().flooded
    };
    assert_eq!(storm(&mut kernel, 10, 1, 0), 50);
    // The other network has its own count.
    assert_eq!(storm(&mut kernel, 20, 2, 10_000), 100);
    assert_eq!(storm(&mut kernel, 999, 1, 20_000), 250);
    assert_eq!(storm(&mut kernel, 2000, 1, 30_000), 300);
}

#[test]
fn packets_that_have_gone_too_far_are_dropped() {
    let mut router = router();
    router.register(5);
    learn(&mut router, 2, 30, 2, 3);
    offer(&mut router, 1, 20, header(Kind::Unidata, 1, 5, (26, 25), 0), &[]);
    offer(&mut router, 1, 20, header(Kind::Unidata, 1, 5, (3, 26), 0), &[]);
    offer(&mut router, 1, 20, header(Kind::Locate, 1, 5, (27, 26), 0), &[]);
    assert_eq!(router.flip.statistics().too_many_hops, 3);
    offer(&mut router, 1, 20, header(Kind::Locate, 1, 5, (3, 26), 0), &[]);
    assert_eq!(only(router.packets(0, 1)).1.kind, Kind::HereIs);
    offer(&mut router, 1, 20, header(Kind::Unidata, 1, 5, (25, 25), 0), &[]);
    assert_eq!(router.events().len(), 1);
}

#[test]
fn null_addresses_neither_ask_nor_are_asked_for() {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    kernel.register(5);
    for kind in [Kind::Locate, Kind::Unidata] {
        let mut from_null = header(kind, 1, 5, (3, 25), 0);
        from_null.source = Address::NULL;
        offer(&mut kernel, 1, 20, from_null, &[]);
        let mut to_null = header(kind, 1, 5, (3, 25), 0);
        to_null.destination = Address::NULL;
        offer(&mut kernel, 1, 20, to_null, &[]);
    }
    assert_eq!(kernel.flip.statistics().bad_address, 4);
    assert!(kernel.frames(0, 1).is_empty() && kernel.events().is_empty());
}

#[test]
fn nobody_else_can_speak_for_an_address_of_this_machine() {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    kernel.register(1);
    let two = kernel.register(2);
    for kind in [Kind::Locate, Kind::Unidata, Kind::Multidata] {
        offer(&mut kernel, 1, 66, header(kind, 1, 2, (3, 25), 0), &[]);
    }
    assert_eq!(kernel.flip.statistics().bad_address, 3);
    kernel.unicast(0, two, 1, SendFlags::empty(), bytes(3, 0));
    assert_eq!(kernel.events().len(), 2);
    assert!(kernel.frames(0, 1).is_empty());
}

#[test]
fn a_router_delivers_a_broadcast_to_its_own_listeners_and_passes_it_on() {
    let mut router = router();
    let interface = router.interface;
    router.flip.register(interface, Address::NULL).unwrap();
    router.flip.register(interface, Address::NULL).unwrap();
    let mut message = header(Kind::Multidata, 1, 2, (3, 25), 3);
    message.destination = Address::NULL;
    offer(&mut router, 1, 20, message, &[1, 2, 3]);
    offer(&mut router, 1, 20, message, &[1, 2, 3]);
    let events = router.events();
    assert_eq!(events.len(), 2);
    assert!(matches!(&events[0], Told::Received { bytes, .. } if *bytes == [1, 2, 3]));
    let (to, passed) = only(router.packets(0, 2));
    assert_eq!((to, passed.actual_hops), (BROADCAST, 6));
    assert_eq!(router.flip.free_packets(), 80);
}

#[test]
fn own_broadcasts_reach_as_far_as_their_hops_and_the_own_machine() {
    for (hops, expected) in [(0, 0), (1, 0), (2, 0), (3, 1), (25, 1)] {
        let mut kernel = Kernel::new(10, &[SMALL_RING]);
        let one = kernel.register(1);
        let interface = kernel.interface;
        kernel.flip.register(interface, Address::NULL).unwrap();
        kernel
            .flip
            .broadcast(0, interface, one, hops, bytes(4, 0))
            .unwrap();
        let frames = kernel.packets(0, 1);
        assert_eq!(frames.len(), expected, "{hops} hops");
        assert_eq!(kernel.events().len(), 2);
    }
}

#[test]
fn the_source_of_a_broadcast_is_known_from_its_first_fragment() {
    let mut router = router();
    let mut message = header(Kind::Multidata, 1, 2, (3, 25), 10);
    message.destination = Address::NULL;
    message.total = 20;
    message.offset = 10;
    offer(&mut router, 1, 20, message, &[0; 10]);
    assert_eq!(router.flip.routes(), [0, 0, 0]);
    message.offset = 0;
    offer(&mut router, 1, 20, message, &[0; 10]);
    assert_eq!(router.flip.routes(), [1, 1, 1]);
}

#[test]
fn only_locate_and_multidata_may_be_broadcast_on_the_ethernet() {
    for kind in [
        Kind::HereIs,
        Kind::Unidata,
        Kind::NotHere,
        Kind::Untrusted,
        Kind::Busy,
    ] {
        let mut kernel = Kernel::new(10, &[SMALL_RING]);
        let frame = packet_frame(BROADCAST, station(20), header(kind, 1, 2, (3, 25), 4), &[1; 4]);
        kernel.receive(0, 1, &frame);
        assert_eq!(kernel.flip.statistics().malformed, 1, "{kind:?}");
        assert!(kernel.frames(0, 1).is_empty());
    }
}

#[test]
fn a_network_that_is_off_neither_gives_nor_takes() {
    let mut router = router();
    learn(&mut router, 2, 30, 2, 3);
    router.flip.set_enabled(Network(2), false);
    offer(&mut router, 1, 20, header(Kind::Unidata, 1, 2, (3, 25), 0), &[]);
    offer(&mut router, 1, 20, header(Kind::Locate, 1, 2, (3, 25), 0), &[]);
    assert_eq!(only(router.packets(0, 1)).1.kind, Kind::NotHere);
    offer(&mut router, 2, 30, header(Kind::Unidata, 2, 1, (3, 25), 0), &[]);
    assert!(router.frames(0, 2).is_empty());
}

#[test]
fn there_are_five_networks_at_most() {
    let mut kernel = Kernel::new(10, &[SMALL_RING; 5]);
    let settings = crate::flip::Settings {
        station: station(99),
        ring_packets: SMALL_RING,
    };
    assert_eq!(kernel.flip.attach(settings), None);
}

#[test]
fn packets_for_a_dead_card_leave_buffers_for_those_that_come_in() {
    let mut router = router();
    router.register(5);
    learn(&mut router, 2, 30, 2, 3);
    for message in 0..200 {
        let packet = Header {
            message,
            ..header(Kind::Unidata, 1, 2, (3, 25), FRAGMENT)
        };
        offer(&mut router, 1, 20, packet, &[0; FRAGMENT as usize]);
    }
    assert_eq!(router.flip.free_packets(), 30);
    offer(&mut router, 1, 20, header(Kind::Unidata, 1, 5, (3, 25), 0), &[]);
    assert_eq!(router.events().len(), 1);
    assert_eq!(router.frames(0, 2).len(), 50);
    assert_eq!(router.flip.free_packets(), 80);
}
