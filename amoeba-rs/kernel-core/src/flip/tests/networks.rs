//! Several Ethernets, joined by machines with several cards.

use super::{Kernel, LARGE_RING, SMALL_RING, Told, World, bytes, private, public};
use crate::flip::types::{Below, Priority, ReportFlags, SendFlags};
use proto::flip::{Address, Kind};
use std::vec;
use std::vec::Vec;

/// A chain of `length` Ethernets; the kernels at its ends have the addresses 1 and 2, those between are routers.
fn chain(length: usize, ring: u16) -> (World, crate::flip::types::Endpoint) {
    let mut kernels = vec![Kernel::new(10, &[ring])];
    let mut cables = Vec::new();
    for link in 0..length {
        let is_last = link + 1 == length;
        kernels.push(Kernel::new(
            20 + 10 * link as u8,
            &[ring, ring][..if is_last { 1 } else { 2 }],
        ));
        cables.push(vec![(link, if link == 0 { 1 } else { 2 }), (link + 1, 1)]);
    }
    let one = kernels[0].register(1);
    kernels[length].register(2);
    (World::new(kernels, cables), one)
}

#[test]
fn a_message_crosses_routers_after_as_many_locates_as_its_way_has_hops() {
    for length in 1..=8 {
        let (mut world, one) = chain(length, SMALL_RING);
        world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(10_000, 3));
        world.run(5000);
        assert_eq!(world.messages(length), [bytes(10_000, 3).0], "{length} networks");
        let locates = world.packets(0);
        let furthest = locates
            .iter()
            .filter(|(_, header)| header.kind == Kind::Locate)
            .map(|(_, header)| header.maximum_hops)
            .max();
        assert_eq!(furthest, Some(3 * length as u16));
    }
}

#[test]
fn nine_networks_are_more_than_25_hops() {
    let (mut world, one) = chain(9, SMALL_RING);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(10, 3));
    world.run(10_000);
    assert!(matches!(
        world.told[0][..],
        [(5000, Told::NotDelivered { flags, has_data: true, .. })] if flags == ReportFlags::empty()
    ));
}

#[test]
fn a_locate_in_a_loop_of_routers_is_sent_once_by_each() {
    // Three Ethernets in a triangle, a router at each corner.
    let mut kernels: Vec<Kernel> = [10, 20, 30]
        .map(|number| Kernel::new(number, &[SMALL_RING, SMALL_RING]))
        .into();
    let one = kernels[0].register(1);
    let cables = vec![vec![(0, 1), (1, 1)], vec![(1, 2), (2, 1)], vec![(2, 2), (0, 2)]];
    let mut world = World::new(kernels, cables);
    let interface = world.kernels[0].interface;
    world.kernels[0]
        .flip
        .broadcast(0, interface, one, 25, bytes(100, 0))
        .unwrap();
    world.run(2000);
    // The first sends on both of its cables, the others pass it on to each other's once.
    assert_eq!(world.sent.len(), 4);
    world.kernels[0].unicast(2000, one, 9, SendFlags::INVALIDATE, bytes(1, 0));
    world.run(2050);
    assert_eq!(world.sent.len(), 8);
}

#[test]
fn a_message_takes_the_shorter_way_and_the_other_when_that_is_cut() {
    // 0 and 1 share a cable, and 2 joins both by two more.
    let mut kernels: Vec<Kernel> = [10, 20, 30]
        .map(|number| Kernel::new(number, &[LARGE_RING, LARGE_RING]))
        .into();
    let one = kernels[0].register(1);
    kernels[1].register(2);
    let cables = vec![vec![(0, 1), (1, 1)], vec![(0, 2), (2, 1)], vec![(2, 2), (1, 2)]];
    let mut world = World::new(kernels, cables);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(100, 1));
    world.run(1000);
    let unidata = |world: &World, cable: usize| {
        let kinds = world.kinds(cable);
        kinds.iter().filter(|kind| **kind == Kind::Unidata).count()
    };
    assert_eq!((unidata(&world, 0), unidata(&world, 1)), (1, 0));
    world.cables[0].clear();
    // The caller notices nothing came back and looks again.
    world.kernels[0].unicast(1000, one, 2, SendFlags::INVALIDATE, bytes(100, 2));
    world.run(2000);
    assert_eq!((unidata(&world, 1), unidata(&world, 2)), (1, 1));
    assert_eq!(world.messages(1), [bytes(100, 1).0, bytes(100, 2).0]);
}

#[test]
fn a_process_that_moves_is_found_again_after_not_here() {
    let mut kernels: Vec<Kernel> = [10, 20, 30]
        .map(|number| Kernel::new(number, &[SMALL_RING]))
        .into();
    let one = kernels[0].register(1);
    let two = kernels[1].register(2);
    let mut world = World::new(kernels, vec![vec![(0, 1), (1, 1), (2, 1)]]);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(10, 1));
    world.run(1000);
    let interface = world.kernels[1].interface;
    world.kernels[1].flip.unregister(interface, two).unwrap();
    world.kernels[2].register(2);
    let lost = world.kernels[0].unicast(1000, one, 2, SendFlags::empty(), bytes(10, 2));
    world.run(1100);
    let report = Told::NotDelivered {
        message: lost,
        flags: ReportFlags::NOTHERE,
        has_data: false,
    };
    assert_eq!(world.told[0].last().unwrap().1, report);
    world.kernels[0].unicast(1100, one, 2, SendFlags::empty(), bytes(10, 3));
    world.run(2000);
    assert_eq!(world.messages(2), [bytes(10, 3).0]);
}

#[test]
fn secure_messages_avoid_a_shorter_way_that_is_not_trusted() {
    let mut kernels: Vec<Kernel> = [10, 20, 30]
        .map(|number| Kernel::new(number, &[LARGE_RING, LARGE_RING]))
        .into();
    let one = kernels[0].register(1);
    kernels[1].register(2);
    let cables = vec![vec![(0, 1), (1, 1)], vec![(0, 2), (2, 1)], vec![(2, 2), (1, 2)]];
    let mut world = World::new(kernels, cables);
    for kernel in 0..2 {
        world.kernels[kernel]
            .flip
            .set_trusted(crate::flip::Network(1), false);
    }
    world.kernels[0].unicast(0, one, 2, SendFlags::SECURITY, bytes(5000, 1));
    world.run(2000);
    assert_eq!(world.messages(1), [bytes(5000, 1).0]);
    assert!(!world.kinds(0).contains(&Kind::Unidata));
}

#[test]
fn large_rings_and_small_ones_talk_with_each_other() {
    for rings in [[SMALL_RING, LARGE_RING], [LARGE_RING, SMALL_RING]] {
        let mut kernels = vec![Kernel::new(10, &rings[..1]), Kernel::new(20, &rings[1..])];
        let one = kernels[0].register(1);
        kernels[1].register(2);
        let mut world = World::new(kernels, vec![vec![(0, 1), (1, 1)]]);
        for seed in 0..3 {
            world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(30_000, seed));
        }
        world.run(6000);
        let expected: Vec<_> = (0..3).map(|seed| bytes(30_000, seed).0).collect();
        assert_eq!(world.messages(1), expected);
    }
}

#[test]
fn forty_eight_machines_survive_a_storm_of_broadcasts() {
    let mut kernels: Vec<Kernel> = (0..48).map(|number| Kernel::new(number, &[SMALL_RING])).collect();
    let mut senders = Vec::new();
    for (number, kernel) in (1..).zip(&mut kernels) {
        let interface = kernel.interface;
        kernel.flip.register(interface, Address::NULL).unwrap();
        senders.push(kernel.register(number));
    }
    let cable = (0..48).map(|kernel| (kernel, 1)).collect();
    let mut world = World::new(kernels, vec![cable]);
    for round in 0..20 {
        for (kernel, endpoint) in senders.iter().enumerate() {
            let interface = world.kernels[kernel].interface;
            let flip = &mut world.kernels[kernel].flip;
            let _ = flip.broadcast(world.now, interface, *endpoint, 25, bytes(60, round));
        }
        world.run(world.now + 1);
    }
    for kernel in 0..48 {
        let others = world.told[kernel]
            .iter()
            .filter(|(_, told)| matches!(told, Told::Received { local: false, .. }));
        assert!(others.count() <= 100);
        assert_eq!(world.kernels[kernel].flip.free_packets(), 80);
    }
    // Messages for one still get through.
    let interface = world.kernels[0].interface;
    let now = world.now;
    world.kernels[0]
        .flip
        .unicast(
            now,
            interface,
            senders[0],
            SendFlags::empty(),
            public(48),
            5000,
            Priority::Normal,
            bytes(77, 0),
        )
        .unwrap();
    world.run(now + 3000);
    assert!(world.messages(47).contains(&bytes(77, 0).0));
    assert_eq!(private(48).public(), public(48));
}
