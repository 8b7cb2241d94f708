//! Networks that lose and delay packets on purpose, and what is told of a kernel's tables.

use super::{Bytes, LARGE_RING, Told, World, bytes};
use crate::flip::report::LETTERS;
use crate::flip::types::{Endpoint, Milliseconds, SendFlags};
use crate::flip::{Change, LONGEST_DELAY};
use std::string::String;
use std::vec::Vec;

fn change(world: &mut World, change: Change) {
    let flip = &mut world.kernels[1].flip;
    let network = flip.networks().next().unwrap();
    assert!(flip.change(network, change).is_some());
}

/// Sends a message of each of these lengths to kernel 1, half a second after the other.
fn send(world: &mut World, from: Endpoint, lengths: &[usize]) -> Vec<Bytes> {
    let mut sent = Vec::new();
    for (seed, length) in (0..).zip(lengths) {
        let message = bytes(*length, seed);
        world.kernels[0].unicast(world.now, from, 2, SendFlags::empty(), message.clone());
        sent.push(message);
        world.run(world.now + 500);
    }
    sent
}

/// When kernel 1 received something.
fn arrivals(world: &World) -> Vec<Milliseconds> {
    let told = world.told[1].iter();
    told.filter(|(_, told)| matches!(told, Told::Received { .. }))
        .map(|(when, _)| *when)
        .collect()
}

#[test]
fn a_delay_puts_every_packet_off_and_keeps_their_order() {
    let (mut world, one, _) = World::pair(LARGE_RING);
    send(&mut world, one, &[10]);
    let start = world.now;
    change(
        &mut world,
        Change {
            delay: Some(70),
            ..Change::default()
        },
    );
    let sent = send(&mut world, one, &[4000]);
    assert!(
        arrivals(&world)[1..].iter().all(|when| *when >= start + 70),
        "{:?}",
        arrivals(&world)
    );
    assert_eq!(world.messages(1)[1], sent[0].0);
    assert_eq!(world.kernels[1].flip.free_packets(), crate::flip::PACKETS);
}

#[test]
fn of_a_hundred_packets_as_many_are_lost_as_was_said() {
    let (mut world, one, _) = World::pair(LARGE_RING);
    send(&mut world, one, &[10]);
    let loss = |loss| Change {
        loss: Some(loss),
        ..Change::default()
    };
    change(&mut world, loss(30));
    send(&mut world, one, &[10; 400]);
    let lost = world.kernels[1].flip.statistics().lost;
    assert!((80..=160).contains(&lost), "{lost} of 400");
    assert_eq!(arrivals(&world).len() as u32, 401 - lost);
    change(&mut world, loss(100));
    send(&mut world, one, &[10; 20]);
    assert_eq!(arrivals(&world).len() as u32, 401 - lost);
    change(&mut world, loss(0));
    send(&mut world, one, &[10; 20]);
    assert_eq!(arrivals(&world).len() as u32, 421 - lost);
    assert_eq!(world.kernels[1].flip.free_packets(), crate::flip::PACKETS);
}

#[test]
fn values_that_are_too_large_change_nothing() {
    let (mut world, ..) = World::pair(LARGE_RING);
    let flip = &mut world.kernels[0].flip;
    let network = flip.networks().next().unwrap();
    let before = flip.conditions(network);
    for (delay, loss) in [(LONGEST_DELAY + 1, 0), (1, 101)] {
        let change = Change {
            delay: Some(delay),
            loss: Some(loss),
            is_on: Some(false),
            is_trusted: Some(false),
        };
        assert_eq!(flip.change(network, change), None);
    }
    assert_eq!(flip.conditions(network), before);
    assert_eq!(flip.networks().count(), 1);
}

#[test]
fn packets_that_are_late_are_not_taken_from_a_network_that_is_off() {
    let (mut world, one, _) = World::pair(LARGE_RING);
    send(&mut world, one, &[10]);
    change(
        &mut world,
        Change {
            delay: Some(300),
            ..Change::default()
        },
    );
    let message = bytes(10, 9);
    world.kernels[0].unicast(world.now, one, 2, SendFlags::empty(), message);
    world.run(world.now + 100);
    change(
        &mut world,
        Change {
            is_on: Some(false),
            ..Change::default()
        },
    );
    world.run(world.now + 1000);
    assert_eq!(arrivals(&world).len(), 1);
    assert_eq!(world.kernels[1].flip.free_packets(), crate::flip::PACKETS);
}

#[test]
fn every_letter_tells_something_of_a_kernel_at_work() {
    let (mut world, one, _) = World::pair(LARGE_RING);
    send(&mut world, one, &[4000]);
    let message = bytes(10, 1);
    world.kernels[0].unicast(world.now, one, 3, SendFlags::empty(), message);
    let report = |letter| {
        let mut text = String::new();
        let flip = &world.kernels[0].flip;
        flip.report(world.now, letter, &mut text).unwrap();
        text
    };
    for (letter, _) in LETTERS {
        assert!(!report(letter).is_empty(), "{letter}");
    }
    assert_eq!(report('x'), "");
    assert!(report('N').contains("1  3 hops  Ethernet "), "{}", report('N'));
    assert!(report('F').contains("network 1"), "{}", report('F'));
    assert!(report('E').contains("credits "), "{}", report('E'));
}
