//! Destinations that are about to move.

use super::{Kernel, LARGE_RING, SMALL_RING, Told, World, bytes, header, packet, packet_frame, station};
use crate::flip::Network;
use crate::flip::types::{Below, Endpoint, Milliseconds, ReportFlags, SendFlags};
use proto::flip::Kind;
use std::vec::Vec;

/// Two kernels that know each other; the second's endpoint is busy from 1000 ms on.
fn busy_pair(ring: u16) -> (World, Endpoint, Endpoint) {
    let (mut world, one, two) = World::pair(ring);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(1, 0));
    world.run(1000);
    set_busy(&mut world, 1, two, true);
    (world, one, two)
}

fn set_busy(world: &mut World, kernel: usize, endpoint: Endpoint, busy: bool) {
    let kernel = &mut world.kernels[kernel];
    let interface = kernel.interface;
    kernel.flip.set_busy(interface, endpoint, busy).unwrap();
}

fn since(world: &World, since: Milliseconds) -> Vec<Kind> {
    let packets = world.packets(0).into_iter();
    packets
        .filter(|(when, _)| *when >= since)
        .map(|(_, header)| header.kind)
        .collect()
}

#[test]
fn a_busy_destination_turns_unidata_back_with_its_data() {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    let one = kernel.register(1);
    let interface = kernel.interface;
    kernel.flip.set_busy(interface, one, true).unwrap();
    let frame = packet_frame(
        station(10),
        station(20),
        header(Kind::Unidata, 2, 1, (3, 25), 2),
        &[5, 6],
    );
    kernel.receive(0, 1, &frame);
    let frames = kernel.frames(0, 1);
    let (to, back) = packet(&frames[0]).unwrap();
    assert_eq!((to, back.kind, back.actual_hops), (station(20), Kind::Busy, 0));
    assert_eq!(frames[0][56..58], [5, 6]);
    assert!(kernel.events().is_empty());
    // It is still here for those who look for it.
    let mut locate = header(Kind::Locate, 2, 1, (3, 3), 0);
    locate.message = 9;
    let broadcast = proto::ethernet::Address::BROADCAST;
    kernel.receive(0, 1, &packet_frame(broadcast, station(20), locate, &[]));
    assert_eq!(kernel.packets(0, 1)[0].1.kind, Kind::HereIs);
}

#[test]
fn what_a_busy_destination_turns_back_arrives_when_it_is_busy_no_more() {
    let (mut world, one, two) = busy_pair(SMALL_RING);
    world.kernels[0].unicast(1000, one, 2, SendFlags::empty(), bytes(9, 9));
    world.run(1450);
    let tries = [Kind::Unidata, Kind::Busy].repeat(5);
    assert_eq!(since(&world, 1000), tries);
    assert_eq!(world.messages(1).len(), 1);
    set_busy(&mut world, 1, two, false);
    world.run(1600);
    assert_eq!(world.messages(1)[1], bytes(9, 9).0);
    // Whoever sent it has noticed nothing.
    let reports = world.told[0]
        .iter()
        .filter(|(_, told)| !matches!(told, Told::Sent(_)));
    assert_eq!(reports.count(), 0);
}

#[test]
fn a_long_message_waits_fragment_by_fragment_and_arrives_whole() {
    for (ring, under_way) in [(SMALL_RING, 1), (LARGE_RING, 8)] {
        let (mut world, one, two) = busy_pair(ring);
        world.kernels[0].unicast(1000, one, 2, SendFlags::empty(), bytes(30_000, 9));
        world.run(1050);
        assert_eq!(since(&world, 1000).len(), 2 * under_way);
        assert_eq!(world.kernels[0].flip.free_packets(), 80 - under_way);
        world.run(3000);
        set_busy(&mut world, 1, two, false);
        world.run(6000);
        assert_eq!(world.messages(1)[1], bytes(30_000, 9).0);
        assert_eq!(world.kernels[0].flip.free_packets(), 80);
    }
}

#[test]
fn messages_that_follow_wait_behind_those_that_were_turned_back() {
    let (mut world, one, two) = busy_pair(SMALL_RING);
    for seed in 0..3 {
        world.kernels[0].unicast(1000, one, 2, SendFlags::empty(), bytes(5, seed));
        world.run(1010);
    }
    world.kernels[0].unicast(1010, one, 2, SendFlags::empty(), bytes(5, 3));
    world.run(1050);
    assert_eq!(since(&world, 1010), []);
    set_busy(&mut world, 1, two, false);
    world.run(1500);
    let expected: Vec<_> = (0..4).map(|seed| bytes(5, seed).0).collect();
    assert_eq!(world.messages(1)[1..], expected);
}

#[test]
fn however_many_messages_follow_none_is_lost() {
    let (mut world, one, two) = busy_pair(SMALL_RING);
    for seed in 0..60 {
        world.kernels[0].unicast(1000, one, 2, SendFlags::empty(), bytes(5, seed));
        if seed == 0 {
            world.run(1010);
        }
    }
    world.run(2000);
    set_busy(&mut world, 1, two, false);
    world.run(2500);
    let expected: Vec<_> = (0..60).map(|seed| bytes(5, seed).0).collect();
    assert_eq!(world.messages(1)[1..], expected);
    assert_eq!(world.kernels[0].flip.statistics().no_room, 0);
}

#[test]
fn who_has_moved_meanwhile_is_reported_as_not_here() {
    let (mut world, one, two) = busy_pair(SMALL_RING);
    let message = world.kernels[0].unicast(1000, one, 2, SendFlags::empty(), bytes(9, 9));
    world.run(1250);
    let interface = world.kernels[1].interface;
    world.kernels[1].flip.unregister(interface, two).unwrap();
    world.run(2000);
    let report = Told::NotDelivered {
        message,
        flags: ReportFlags::NOTHERE,
        has_data: false,
    };
    assert_eq!(world.told[0].last().unwrap().1, report);
    assert_eq!(world.kernels[0].flip.free_packets(), 80);
}

#[test]
fn a_message_of_which_a_packet_came_back_and_finds_no_way_any_more_is_given_up_whole() {
    let (mut world, one, _) = busy_pair(SMALL_RING);
    let message = world.kernels[0].unicast(1000, one, 2, SendFlags::empty(), bytes(30_000, 9));
    world.run(1050);
    // What is learnt over a network is forgotten when it is switched.
    world.kernels[0].flip.set_enabled(Network(1), true);
    world.run(2000);
    let report = Told::NotDelivered {
        message,
        flags: ReportFlags::NOTHERE,
        has_data: true,
    };
    assert_eq!(world.told[0].last().unwrap().1, report);
    let reports = world.told[0]
        .iter()
        .filter(|(_, told)| matches!(told, Told::NotDelivered { .. }));
    assert_eq!(reports.count(), 1);
    assert_eq!(world.kernels[0].flip.free_packets(), 80);
}

#[test]
fn a_router_passes_busy_back_to_the_source_and_keeps_the_route() {
    let mut router = Kernel::new(10, &[LARGE_RING, LARGE_RING]);
    super::switching::learn(&mut router, 1, 20, 1, 3);
    super::switching::learn(&mut router, 2, 30, 2, 3);
    super::switching::offer(&mut router, 2, 30, header(Kind::Busy, 1, 2, (3, 25), 0), &[]);
    let (to, back) = super::switching::only(router.packets(0, 1));
    assert_eq!((to, back.kind), (station(20), Kind::Busy));
    super::switching::offer(&mut router, 1, 20, header(Kind::Unidata, 1, 2, (3, 25), 0), &[]);
    assert_eq!(router.packets(0, 2).len(), 1);
}

#[test]
fn a_message_to_a_busy_process_of_the_same_machine_waits_beyond_its_time() {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    let one = kernel.register(1);
    let two = kernel.register(2);
    let interface = kernel.interface;
    kernel.flip.set_busy(interface, two, true).unwrap();
    kernel.unicast(0, one, 2, SendFlags::empty(), bytes(9, 9));
    for now in (0..20_000).step_by(100) {
        kernel.flip.sweep(now);
    }
    assert!(kernel.events().is_empty() && kernel.frames(20_000, 1).is_empty());
    kernel.flip.set_busy(interface, two, false).unwrap();
    kernel.flip.sweep(20_100);
    assert_eq!(kernel.events().len(), 2);
}

#[test]
fn sixteen_packets_are_kept_and_further_ones_are_lost() {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    kernel.register(1);
    for message in 0..40 {
        let mut back = header(Kind::Busy, 1, 2, (0, 25), 1);
        back.message = message;
        kernel.receive(0, 1, &packet_frame(station(10), station(20), back, &[0]));
    }
    assert_eq!(kernel.flip.free_packets(), 80 - 16);
    assert_eq!(kernel.flip.statistics().no_room, 24);
    // Nobody knows the way to the address.
    kernel.flip.sweep(100);
    assert_eq!(kernel.events().len(), 16);
    assert_eq!(kernel.flip.free_packets(), 80);
}
