//! Multicasts, and groups of stations that listen to one Ethernet address.

use super::{
    Bytes, Kernel, SMALL_RING, Told, World, bytes, control, control_frame, header, packet, packet_frame,
    public, station,
};
use crate::flip::Network;
use crate::flip::types::{Below, Endpoint, MessageId, Milliseconds, SendFlags};
use proto::ByteOrder;
use proto::ethernet;
use proto::flip::{Address, Counts, Kind};
use proto::fragment_control::{Kind as Control, MulticastRequest};
use std::vec::Vec;

/// Three kernels on a cable, of which the second and the third have the address 7, the first 1.
fn group() -> (World, Endpoint) {
    let mut kernels: Vec<Kernel> = [10, 20, 30]
        .map(|number| Kernel::new(number, &[SMALL_RING]))
        .into();
    let one = kernels[0].register(1);
    kernels[1].register(7);
    kernels[2].register(7);
    let cable = std::vec![(0, 1), (1, 1), (2, 1)];
    (World::new(kernels, std::vec![cable]), one)
}

fn multicast(world: &mut World, endpoint: Endpoint, flags: SendFlags, data: Bytes) -> MessageId {
    let (now, kernel) = (world.now, &mut world.kernels[0]);
    let interface = kernel.interface;
    kernel
        .flip
        .multicast(now, interface, endpoint, flags, public(7), 2, 5000, data)
        .unwrap()
}

fn multidata(world: &World, since: Milliseconds) -> Vec<ethernet::Address> {
    let frames = world.sent.iter().filter(|(when, ..)| *when >= since);
    frames
        .filter_map(|(_, _, frame)| packet(frame))
        .filter(|(_, header)| header.kind == Kind::Multidata)
        .map(|(to, _)| to)
        .collect()
}

#[test]
fn at_first_every_member_gets_a_frame_and_then_one_goes_to_all_that_listen() {
    let (mut world, one) = group();
    multicast(&mut world, one, SendFlags::empty(), bytes(5, 1));
    world.run(1000);
    let mut first = multidata(&world, 0);
    first.sort();
    assert_eq!(first, [station(20), station(30)]);
    let message = multicast(&mut world, one, SendFlags::empty(), bytes(3000, 2));
    world.run(2000);
    assert_eq!(multidata(&world, 1000), [public(7).ethernet_group(); 3]);
    for member in 1..3 {
        assert_eq!(world.messages(member), [bytes(5, 1).0, bytes(3000, 2).0]);
    }
    let told = world.told[0]
        .iter()
        .filter(|(_, told)| *told == Told::Sent(message));
    assert_eq!(told.count(), 1);
}

#[test]
fn a_member_listens_only_to_groups_of_addresses_it_knows() {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    let member = kernel.register(7);
    let ask = |kernel: &mut Kernel, address: Address, group| {
        let request = MulticastRequest { group, address };
        let frame = control_frame(
            station(10),
            station(20),
            Control::MulticastRequest,
            0,
            &request.emit(),
        );
        kernel.receive(0, 1, &frame);
        let frames = kernel.frames(0, 1);
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0][16..24], address.0);
        control(&frames[0]).kind
    };
    let group = public(7).ethernet_group();
    assert_eq!(
        ask(&mut kernel, public(8), public(8).ethernet_group()),
        Control::MulticastRefuse
    );
    assert_eq!(ask(&mut kernel, public(7), station(1)), Control::MulticastRefuse);
    assert_eq!(ask(&mut kernel, public(7), group), Control::MulticastAcknowledge);
    assert_eq!(kernel.flip.groups(Network(1)).collect::<Vec<_>>(), [group]);
    let frame = packet_frame(
        group,
        station(20),
        header(Kind::Multidata, 1, 7, (3, 25), 1),
        &[1],
    );
    kernel.receive(0, 1, &frame);
    assert_eq!(kernel.events().len(), 1);
    let interface = kernel.interface;
    kernel.flip.unregister(interface, member).unwrap();
    assert_eq!(kernel.flip.groups(Network(1)).count(), 0);
    kernel.receive(0, 1, &frame);
    assert!(kernel.events().is_empty());
    assert_eq!(kernel.flip.statistics().not_for_us, 1);
}

#[test]
fn a_machine_listens_to_256_groups() {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    let mut answers = Vec::new();
    for number in 0..=256_u16 {
        if number % 100 == 0 {
            kernel.interface = kernel.flip.open().unwrap();
        }
        let [a, b] = number.to_le_bytes();
        let private = Address([a << 1, b << 1 | a & 0x80, 5, 5, 5, 5, 5, 0]);
        let interface = kernel.interface;
        kernel.flip.register(interface, private).unwrap();
        let address = private.public();
        let request = MulticastRequest {
            group: address.ethernet_group(),
            address,
        };
        let kind = Control::MulticastRequest;
        kernel.receive(
            0,
            1,
            &control_frame(station(10), station(20), kind, 0, &request.emit()),
        );
        answers.extend(kernel.frames(0, 1).iter().map(|frame| control(frame).kind));
    }
    assert_eq!(answers[..256], [Control::MulticastAcknowledge; 256]);
    assert_eq!(answers[256], Control::MulticastRefuse);
}

#[test]
fn a_refusal_leaves_the_group_to_frames_of_its_own() {
    let (mut world, one) = group();
    multicast(&mut world, one, SendFlags::empty(), bytes(5, 1));
    world.run(1000);
    let refusal = control_frame(
        station(10),
        station(30),
        Control::MulticastRefuse,
        0,
        &public(7).0,
    );
    world.kernels[0].receive(1000, 1, &refusal);
    multicast(&mut world, one, SendFlags::empty(), bytes(6, 1));
    world.run(2000);
    assert_eq!(multidata(&world, 1000).len(), 2);
    assert!(multidata(&world, 1000).iter().all(|to| !to.is_group()));
}

#[test]
fn a_member_in_the_own_machine_gets_a_copy_unless_it_is_the_sender_and_skipped() {
    let (mut world, _) = group();
    let member = world.kernels[0].register(7);
    let other = world.kernels[0].register(7);
    assert_ne!(member, other);
    multicast(&mut world, member, SendFlags::empty(), bytes(5, 1));
    world.run(500);
    let copies = |world: &World| {
        let told = world.told[0].iter();
        told.filter(|(_, told)| matches!(told, Told::Received { local: true, .. }))
            .count()
    };
    assert_eq!(copies(&world), 2);
    multicast(&mut world, member, SendFlags::SKIP_SOURCE, bytes(5, 1));
    world.run(1000);
    assert_eq!(copies(&world), 3);
}

#[test]
fn a_multicast_to_nobody_known_is_dropped_silently_on_its_way() {
    let mut router = Kernel::new(10, &[SMALL_RING, SMALL_RING]);
    let frame = packet_frame(
        station(10),
        station(20),
        header(Kind::Multidata, 1, 7, (3, 25), 1),
        &[1],
    );
    router.receive(0, 1, &frame);
    assert!(router.frames(0, 1).is_empty() && router.frames(0, 2).is_empty());
    assert_eq!(router.flip.free_packets(), 80);
}

#[test]
fn a_router_sends_a_multicast_once_to_every_place_beyond() {
    let mut router = Kernel::new(10, &[SMALL_RING; 3]);
    router.register(7);
    let counts = Counts {
        locations: 1,
        trusted: 1,
    };
    for (network, from) in [(1, 25), (2, 30), (2, 31), (3, 40)] {
        let here_is = header(Kind::HereIs, 1, 7, (3, 6), 4);
        let frame = packet_frame(
            station(9 + network),
            station(from),
            here_is,
            &counts.emit(ByteOrder::Little),
        );
        router.receive(0, network, &frame);
    }
    let message = header(Kind::Multidata, 1, 7, (3, 25), 2);
    let frame = packet_frame(station(10), station(20), message, &[8, 9]);
    router.receive(0, 1, &frame);
    assert_eq!(router.events().len(), 1);
    let places = |router: &mut Kernel, network| {
        let packets = router.packets(0, network).into_iter();
        let mut places: Vec<_> = packets.map(|(to, _)| to).collect();
        places.sort();
        places
    };
    assert!(places(&mut router, 1).is_empty());
    assert_eq!(places(&mut router, 2), [station(30), station(31)]);
    assert_eq!(places(&mut router, 3), [station(40)]);
    assert_eq!(router.flip.free_packets(), 80);
}
