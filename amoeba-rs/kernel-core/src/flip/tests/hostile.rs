//! Whatever bytes arrive: nothing panics, no buffer is lost, no table grows, and what is ours still works.

use super::{
    Kernel, LARGE_RING, SMALL_RING, Told, World, bytes, control_frame, header, packet_frame, public, station,
};
use crate::flip::types::{Below, ReportFlags, SendFlags};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proto::ethernet;
use proto::flip::{Address, Flags, Header, Kind};
use proto::fragment_control;
use std::vec::Vec;

fn victim() -> Kernel {
    let mut kernel = Kernel::new(10, &[SMALL_RING, LARGE_RING]);
    kernel.register(1);
    kernel.register(7);
    let interface = kernel.interface;
    kernel.flip.register(interface, Address::NULL).unwrap();
    kernel
}

/// Offers frames to a kernel that also has messages of its own, and lets time pass.
fn attack(frames: &[(u8, u64, Vec<u8>)]) -> Kernel {
    let mut kernel = victim();
    let mut now = 0;
    for (network, pause, frame) in frames {
        now += pause;
        kernel.flip.sweep(now);
        kernel.receive(now, *network, frame);
        if pause % 3 == 0 {
            kernel.frame(now, 1);
            kernel.frame(now, 2);
        }
        kernel.events();
    }
    // Everything ends: unanswered questions, busy destinations, searches.
    while now < 2_000_000 && (now < 60_000 || kernel.flip.free_packets() < 80) {
        kernel.frames(now, 1);
        kernel.frames(now, 2);
        kernel.events();
        now += 500;
        kernel.flip.sweep(now);
    }
    kernel
}

fn plausible_header() -> impl Strategy<Value = Header> {
    let kind = proptest::sample::select(Kind::ALL.to_vec());
    let number = prop_oneof![Just(1), Just(2), Just(7), any::<u8>()];
    let lengths = prop_oneof![
        Just((0, 0, 0)),
        Just((4, 0, 4)),
        Just((1458, 0, 1458)),
        Just((1458, 1458, 30_000)),
        any::<(u32, u32, u32)>()
    ];
    let hops = (0..30_u16, 0..30_u16);
    let null = (proptest::bool::weighted(0.1), proptest::bool::weighted(0.1));
    (
        kind,
        any::<u8>(),
        number.clone(),
        number,
        hops,
        0..40_u32,
        lengths,
        null,
    )
        .prop_map(
            |(kind, flags, from, to, hops, message, (length, offset, total), null)| Header {
                flags: Flags::from_bits_retain(flags),
                message,
                length,
                offset,
                total,
                source: if null.0 { Address::NULL } else { public(from) },
                destination: if null.1 { Address::NULL } else { public(to) },
                ..header(kind, from, to, hops, length)
            },
        )
}

fn plausible_frame() -> impl Strategy<Value = (u8, u64, Vec<u8>)> {
    let network = 1..=2_u8;
    let from = prop_oneof![Just(20_u8), Just(30_u8), any::<u8>()];
    let packet = (plausible_header(), 0..1500_usize);
    let control = (
        proptest::sample::select(fragment_control::Kind::ALL.to_vec()),
        any::<u8>(),
        vec(any::<u8>(), 0..40),
    );
    (
        network,
        0..400_u64,
        from,
        any::<bool>(),
        any::<bool>(),
        packet,
        control,
    )
        .prop_map(
            |(network, pause, from, is_group, is_packet, (header, length), (kind, count, body))| {
                let to = if is_group {
                    ethernet::Address::BROADCAST
                } else {
                    station(9 + network)
                };
                let length = length.min(1458);
                let frame = if is_packet {
                    packet_frame(to, station(from), header, &bytes(length, 0).0)
                } else {
                    control_frame(to, station(from), kind, count, &body)
                };
                (network, pause, frame)
            },
        )
}

proptest! {
    #[test]
    fn any_bytes_as_frames_do_no_harm(
        frames in vec((1..=2_u8, 0..400_u64, vec(any::<u8>(), 0..100)), 0..60),
    ) {
        prop_assert_eq!(attack(&frames).flip.free_packets(), 80);
    }

    #[test]
    fn any_plausible_packets_do_no_harm(frames in vec(plausible_frame(), 0..80)) {
        let mut kernel = attack(&frames);
        prop_assert_eq!(kernel.flip.free_packets(), 80);
        let one = crate::flip::types::Endpoint(0);
        let local = kernel.unicast(2_000_000, one, 7, SendFlags::empty(), bytes(3, 3));
        let told = kernel.events();
        prop_assert!(told.contains(&Told::Sent(local)), "{:?}", told);
    }

    #[test]
    fn a_frame_cut_anywhere_does_no_harm(header in plausible_header(), length in 0..1514_usize) {
        let mut frame = packet_frame(station(10), station(20), header, &bytes(1458, 0).0);
        frame.truncate(length);
        prop_assert_eq!(attack(&[(1, 0, frame)]).flip.free_packets(), 80);
    }
}

#[test]
fn a_thousand_forged_sources_leave_the_tables_at_their_sizes() {
    let mut kernel = victim();
    for number in 0..1000_u32 {
        let [a, b, ..] = number.to_le_bytes();
        let mut forged = header(Kind::Unidata, 2, 1, (3, 25), 0);
        forged.source = Address([a, b, 9, 9, 9, 9, 9, 0]);
        let from = ethernet::Address([2, 9, 9, 9, a, b]);
        kernel.receive(0, 1, &packet_frame(station(10), from, forged, &[]));
        kernel.events();
        // Long ones, so that the station gets a row of its own.
        forged.total = 10_000;
        kernel.receive(0, 1, &packet_frame(station(10), from, forged, &[]));
        kernel.events();
        kernel.frames(0, 1);
    }
    assert_eq!(kernel.flip.routes(), [400, 400, 400]);
    assert_eq!(kernel.flip.free_packets(), 80);
    let one = crate::flip::types::Endpoint(0);
    let local = kernel.unicast(0, one, 7, SendFlags::empty(), bytes(3, 3));
    assert!(kernel.events().contains(&Told::Sent(local)));
}

#[test]
fn a_message_is_refused_and_not_kept_when_two_hundred_are_under_way() {
    let mut kernel = victim();
    let one = crate::flip::types::Endpoint(0);
    for _ in 0..200 {
        kernel.unicast(0, one, 50, SendFlags::empty(), bytes(3, 3));
    }
    let interface = kernel.interface;
    let refused = kernel.flip.unicast(
        0,
        interface,
        one,
        SendFlags::empty(),
        public(50),
        100,
        crate::flip::types::Priority::Normal,
        bytes(3, 3),
    );
    assert_eq!(refused, Err(crate::flip::types::Error::NoPacket));
    let mut now = 0;
    while now <= 5000 {
        now = kernel.flip.next_sweep();
        kernel.flip.sweep(now);
        kernel.frames(now, 1);
        kernel.frames(now, 2);
    }
    assert_eq!(kernel.events().len(), 200);
}

#[test]
fn forged_reports_that_nobody_reads_do_not_pile_up() {
    let mut kernel = victim();
    for message in 0..2000 {
        let mut back = header(Kind::NotHere, 1, 2, (0, 25), 0);
        back.message = message;
        kernel.receive(0, 1, &packet_frame(station(10), station(20), back, &[]));
    }
    assert_eq!(kernel.events().len(), 512);
}

#[test]
fn a_report_about_a_message_under_way_counts_only_with_its_destination() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(1, 0));
    world.run(1000);
    let kernel = &mut world.kernels[0];
    let message = kernel.unicast(1000, one, 2, SendFlags::empty(), bytes(30_000, 0));
    assert_eq!(kernel.frames(1000, 1).len(), 1);
    let mut back = header(Kind::NotHere, 1, 3, (0, 25), 0);
    back.message = message.0;
    kernel.receive(1000, 1, &packet_frame(station(10), station(20), back, &[]));
    // FLIP reads its data still.
    assert_eq!(kernel.events(), []);
    back.destination = public(2);
    kernel.receive(1000, 1, &packet_frame(station(10), station(20), back, &[]));
    let report = Told::NotDelivered {
        message,
        flags: ReportFlags::NOTHERE,
        has_data: true,
    };
    assert_eq!(kernel.events(), [report]);
}

#[test]
fn the_way_to_a_station_that_gives_no_credits_is_forgotten() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    // Another station says that it has the other's address, and takes nothing.
    let hello = header(Kind::Unidata, 2, 1, (3, 25), 0);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(1, 0));
    world.run(1000);
    world.kernels[0].receive(1000, 1, &packet_frame(station(10), station(90), hello, &[]));
    world.kernels[0].unicast(1000, one, 2, SendFlags::empty(), bytes(3000, 1));
    world.run(20_000);
    assert_eq!(world.kernels[0].flip.statistics().no_credit, 1);
    world.kernels[0].unicast(20_000, one, 2, SendFlags::empty(), bytes(3000, 2));
    world.run(21_000);
    assert_eq!(world.messages(1).last(), Some(&bytes(3000, 2).0));
}

#[test]
fn an_idle_kernel_wakes_every_25_seconds() {
    let (mut world, one, _) = World::pair(SMALL_RING);
    world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(30_000, 0));
    world.run(10_000);
    for kernel in &world.kernels {
        assert_eq!(kernel.flip.next_sweep(), 25_000);
    }
}
