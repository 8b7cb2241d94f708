//! Frames to the byte.

use super::{Kernel, LARGE_RING, SMALL_RING, Told, World, bytes, control, packet, public, station};
use crate::flip::types::{Below, SendFlags};
use proto::ethernet;
use proto::flip::{Flags, Kind};
use std::vec;
use std::vec::Vec;

#[test]
fn a_locate_is_a_broadcast_of_sixty_bytes() {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    let endpoint = kernel.register(1);
    kernel.unicast(0, endpoint, 2, SendFlags::empty(), bytes(5, 0));
    kernel.flip.sweep(100);
    kernel.flip.sweep(200);
    let mut expected = vec![0xff; 6];
    expected.extend([2, 0x60, 0x8c, 0, 0, 10, 0x81, 0x46]);
    // Data without credits; version, LOCATE, no flags; 3 of 3 hops; to, from; the interface's fourth message.
    expected.extend([0, 0, 1, 1, 0, 0, 3, 0, 3, 0]);
    expected.extend(public(2).0);
    expected.extend(public(1).0);
    expected.extend([4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expected.resize(60, 0);
    assert_eq!(kernel.frames(200, 1), [expected]);
}

#[test]
fn a_here_is_names_one_place_that_is_trusted() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(5, 0));
    world.run(202);
    let here_is = &world.sent[1].2;
    let mut expected = vec![2, 0x60, 0x8c, 0, 0, 10, 2, 0x60, 0x8c, 0, 0, 20, 0x81, 0x46];
    // The hops are counted back to 0 of 3; the addresses are those of the LOCATE.
    expected.extend([0, 0, 1, 2, 0, 0, 0, 0, 3, 0]);
    expected.extend(public(2).0);
    expected.extend(public(1).0);
    expected.extend([4, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0]);
    expected.extend([1, 0, 1, 0]);
    assert_eq!(here_is, &expected);
}

#[test]
fn a_short_message_is_one_unidata_with_its_number() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    let message = world.kernels[0].unicast(0, one, 2, SendFlags::SECURITY, bytes(98 - 42, 3));
    world.run(210);
    let unidata = &world.sent[2].2;
    assert_eq!(unidata.len(), 14 + 98);
    let (to, header) = packet(unidata).unwrap();
    assert_eq!(to, station(20));
    assert_eq!(
        (header.kind, header.flags, header.message, header.total),
        (Kind::Unidata, Flags::SECURITY, message.0, 56)
    );
    assert_eq!((header.actual_hops, header.maximum_hops), (3, 25));
    assert_eq!(unidata[14 + 42..], bytes(56, 3).0);
}

#[test]
fn thirty_thousand_bytes_with_headers_are_21_fragments_the_last_of_896() {
    let (mut world, one, _) = World::pair(LARGE_RING);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(30_056, 1));
    world.run(1000);
    let packets = world.packets(0);
    let fragments: Vec<(u32, u32)> = packets
        .iter()
        .filter(|(_, header)| header.kind == Kind::Unidata)
        .map(|(_, header)| (header.offset, header.length))
        .collect();
    let mut expected: Vec<(u32, u32)> = (0..20).map(|number| (number * 1458, 1458)).collect();
    expected.push((29_160, 896));
    assert_eq!(fragments, expected);
    assert_eq!(world.messages(1), [bytes(30_056, 1).0]);
    let longest = world.sent.iter().map(|(_, _, frame)| frame.len()).max();
    assert_eq!(longest, Some(ethernet::LONGEST));
}

#[test]
fn a_message_of_no_bytes_is_a_packet_too() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    let message = world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(0, 0));
    world.run(300);
    assert_eq!(world.messages(1), [Vec::<u8>::new()]);
    assert!(world.told[0].iter().any(|(_, told)| *told == Told::Sent(message)));
}

#[test]
fn frames_end_with_the_packet_and_padding_is_no_data() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(1, 9));
    world.run(300);
    assert_eq!(world.sent[2].2.len(), 60);
    assert_eq!(world.messages(1), [[9]]);
}

#[test]
fn a_big_endian_packet_is_understood_and_goes_on_in_little_endian() {
    let mut router = Kernel::new(10, &[SMALL_RING, SMALL_RING]);
    let here = super::header(Kind::Unidata, 2, 9, (3, 25), 1);
    router.receive(0, 2, &super::packet_frame(station(11), station(30), here, &[1]));
    router.frames(0, 2);
    let mut header = super::header(Kind::Unidata, 1, 2, (3, 25), 2);
    header.flags = Flags::BIG_ENDIAN;
    header.message = 0x0102_0304;
    router.receive(
        0,
        1,
        &super::packet_frame(station(10), station(20), header, &[1, 2]),
    );
    let frames = router.frames(0, 2);
    let (_, forwarded) = packet(&frames[0]).unwrap();
    assert_eq!(forwarded.flags, Flags::empty());
    assert_eq!(
        (forwarded.message, forwarded.actual_hops, forwarded.total),
        (0x0102_0304, 6, 2)
    );
    assert_eq!(control(&frames[0]).count, 0);
}

#[test]
fn a_credit_is_two_bytes_in_sixty() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(1459, 0));
    world.run(300);
    let mut expected = vec![2, 0x60, 0x8c, 0, 0, 10, 2, 0x60, 0x8c, 0, 0, 20, 0x81, 0x46, 2, 1];
    expected.resize(60, 0);
    assert_eq!(world.sent[3].2, expected);
}

#[test]
fn a_multicast_request_names_the_group_of_stations_and_the_address() {
    let mut kernels: Vec<Kernel> = [10, 20, 30]
        .map(|number| Kernel::new(number, &[SMALL_RING]))
        .into();
    let one = kernels[0].register(1);
    kernels[1].register(7);
    kernels[2].register(7);
    let mut world = World::new(kernels, vec![vec![(0, 1), (1, 1), (2, 1)]]);
    let (now, interface) = (0, world.kernels[0].interface);
    let flags = SendFlags::empty();
    let flip = &mut world.kernels[0].flip;
    flip.multicast(now, interface, one, flags, public(7), 2, 5000, bytes(1, 0))
        .unwrap();
    world.run(300);
    let request = world.sent.iter().find(|(_, _, frame)| frame[14] == 3).unwrap();
    let [_, _, a, b, c, d, ..] = public(7).0;
    let mut expected = vec![3, 0, 0x55, 0x55, a, b, c, d, 0, 0];
    expected.extend(public(7).0);
    assert_eq!(request.2[14..32], expected);
    let answer = world.sent.iter().find(|(_, _, frame)| frame[14] == 4).unwrap();
    expected = vec![4, 0];
    expected.extend(public(7).0);
    assert_eq!(answer.2[14..24], expected);
}
