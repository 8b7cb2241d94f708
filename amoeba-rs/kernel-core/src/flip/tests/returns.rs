//! Packets that go back: NOTHERE, UNTRUSTED and HEREIS on their way, and whom the switch trusts.

use super::switching::{learn, offer, only, router};
use super::{Kernel, LARGE_RING, SMALL_RING, Told, bytes, header, packet, public, station};
use crate::flip::Network;
use crate::flip::types::{Error, ReportFlags, SendFlags};
use proto::ByteOrder;
use proto::flip::{Counts, Flags, Header, Kind};

#[test]
fn unidata_for_nobody_comes_back_as_not_here_with_its_data() {
    let mut router = router();
    offer(
        &mut router,
        1,
        20,
        header(Kind::Unidata, 1, 2, (3, 25), 2),
        &[1, 2],
    );
    let frames = router.frames(0, 1);
    let (to, back) = packet(&frames[0]).unwrap();
    assert_eq!((to, back.kind, back.actual_hops), (station(20), Kind::NotHere, 0));
    assert_eq!((back.source, back.destination), (public(1), public(2)));
    assert_eq!(frames[0][56..58], [1, 2]);
}

#[test]
fn secure_unidata_without_a_trusted_way_comes_back_as_untrusted() {
    let mut router = router();
    router.flip.set_trusted(Network(2), false);
    learn(&mut router, 2, 30, 2, 3);
    let mut secret = header(Kind::Unidata, 1, 2, (3, 25), 0);
    secret.flags = Flags::SECURITY;
    offer(&mut router, 1, 20, secret, &[]);
    let (_, back) = only(router.packets(0, 1));
    assert_eq!(back.kind, Kind::Untrusted);
    assert_eq!(back.flags, Flags::SECURITY | Flags::UNREACHABLE);
    // Others go, and carry that they have crossed it.
    offer(&mut router, 1, 20, header(Kind::Unidata, 1, 2, (3, 25), 0), &[]);
    assert_eq!(only(router.packets(0, 2)).1.flags, Flags::UNSAFE);
}

#[test]
fn who_sends_unsafe_packets_is_no_destination_for_secure_ones() {
    let mut router = router();
    let mut hello = header(Kind::Unidata, 2, 99, (3, 25), 0);
    hello.flags = Flags::UNSAFE;
    offer(&mut router, 2, 30, hello, &[]);
    router.frames(0, 2);
    let mut secret = header(Kind::Unidata, 1, 2, (3, 25), 0);
    secret.flags = Flags::SECURITY;
    offer(&mut router, 1, 20, secret, &[]);
    assert_eq!(only(router.packets(0, 1)).1.kind, Kind::Untrusted);
}

#[test]
fn not_here_goes_back_to_the_source_and_the_route_is_forgotten() {
    let mut router = router();
    learn(&mut router, 1, 20, 1, 3);
    learn(&mut router, 2, 30, 2, 3);
    offer(&mut router, 2, 30, header(Kind::NotHere, 1, 2, (3, 25), 1), &[7]);
    let frames = router.frames(0, 1);
    let (to, back) = packet(&frames[0]).unwrap();
    assert_eq!((to, back.kind, back.actual_hops), (station(20), Kind::NotHere, 0));
    assert_eq!(frames[0][56], 7);
    offer(&mut router, 1, 20, header(Kind::Unidata, 1, 2, (3, 25), 0), &[]);
    assert_eq!(only(router.packets(0, 1)).1.kind, Kind::NotHere);
}

#[test]
fn not_here_becomes_unidata_again_where_there_is_another_way() {
    let mut router = Kernel::new(10, &[LARGE_RING; 3]);
    learn(&mut router, 1, 20, 1, 3);
    learn(&mut router, 2, 30, 2, 3);
    learn(&mut router, 3, 40, 2, 6);
    offer(&mut router, 2, 30, header(Kind::NotHere, 1, 2, (3, 25), 1), &[7]);
    let (to, again) = only(router.packets(0, 3));
    assert_eq!(
        (to, again.kind, again.actual_hops),
        (station(40), Kind::Unidata, 6)
    );
    assert!(router.frames(0, 1).is_empty());
}

#[test]
fn untrusted_makes_the_way_unsafe_and_takes_another_or_goes_back() {
    let mut router = Kernel::new(10, &[LARGE_RING; 3]);
    learn(&mut router, 1, 20, 1, 3);
    learn(&mut router, 2, 30, 2, 3);
    let mut back = header(Kind::Untrusted, 1, 2, (3, 25), 0);
    back.flags = Flags::SECURITY | Flags::UNREACHABLE;
    offer(&mut router, 2, 30, back, &[]);
    assert_eq!(only(router.packets(0, 1)).1.kind, Kind::Untrusted);
    let mut secret = header(Kind::Unidata, 1, 2, (3, 25), 0);
    secret.flags = Flags::SECURITY;
    offer(&mut router, 1, 20, secret, &[]);
    assert_eq!(only(router.packets(0, 1)).1.kind, Kind::Untrusted);
    learn(&mut router, 3, 40, 2, 6);
    offer(&mut router, 2, 30, back, &[]);
    let (_, again) = only(router.packets(0, 3));
    assert_eq!((again.kind, again.flags), (Kind::Unidata, Flags::SECURITY));
    assert!(router.frames(0, 1).is_empty());
}

#[test]
fn untrusted_is_dropped_where_its_source_cannot_be_reached_safely() {
    let mut router = router();
    router.flip.set_trusted(Network(1), false);
    learn(&mut router, 1, 20, 1, 3);
    learn(&mut router, 2, 30, 2, 3);
    offer(&mut router, 2, 30, header(Kind::Untrusted, 1, 2, (3, 25), 0), &[]);
    assert!(router.frames(0, 1).is_empty());
    assert_eq!(router.flip.statistics().no_way, 1);
}

#[test]
fn here_is_goes_on_with_the_counts_of_all_that_is_known() {
    let mut router = Kernel::new(10, &[LARGE_RING; 3]);
    learn(&mut router, 1, 20, 1, 3);
    learn(&mut router, 3, 40, 2, 3);
    let counts = Counts {
        locations: 5,
        trusted: 4,
    };
    let answer = header(Kind::HereIs, 1, 2, (3, 6), 4);
    offer(&mut router, 2, 30, answer, &counts.emit(ByteOrder::Little));
    let frames = router.frames(0, 1);
    let (to, back) = packet(&frames[0]).unwrap();
    assert_eq!((to, back.actual_hops, back.maximum_hops), (station(20), 0, 6));
    let expected = Counts {
        locations: 6,
        trusted: 5,
    };
    assert_eq!(Counts::parse(&frames[0][56..], ByteOrder::Little), Ok(expected));
    // The destination is now known, 6 - 3 hops away.
    offer(&mut router, 1, 20, header(Kind::Unidata, 1, 2, (3, 6), 0), &[]);
    assert_eq!(only(router.packets(0, 2)).0, station(30));
}

#[test]
fn not_here_and_untrusted_for_an_own_message_are_told() {
    let mut kernel = Kernel::new(10, &[SMALL_RING]);
    let one = kernel.register(1);
    learn(&mut kernel, 1, 20, 2, 3);
    let message = kernel.unicast(0, one, 2, SendFlags::empty(), bytes(1, 0));
    kernel.frames(0, 1);
    assert_eq!(kernel.events(), [Told::Sent(message)]);
    for (kind, flags) in [
        (Kind::NotHere, ReportFlags::NOTHERE),
        (Kind::Untrusted, ReportFlags::UNTRUSTED),
    ] {
        let back = Header {
            message: message.0,
            ..header(kind, 1, 2, (0, 25), 1)
        };
        offer(&mut kernel, 1, 20, back, &[0]);
        let report = Told::NotDelivered {
            message,
            flags,
            has_data: false,
        };
        assert_eq!(kernel.events(), [report]);
    }
    assert_eq!(kernel.flip.free_packets(), 80);
}

#[test]
fn packets_that_go_back_do_not_wait_behind_fragments_without_credit() {
    let mut router = Kernel::new(10, &[SMALL_RING, SMALL_RING]);
    learn(&mut router, 1, 20, 1, 3);
    for offset in [0, 1458] {
        let fragment = Header {
            offset,
            total: 30_000,
            ..header(Kind::Unidata, 2, 1, (3, 25), 1458)
        };
        offer(&mut router, 2, 30, fragment, &bytes(1458, 0).0);
    }
    assert_eq!(only(router.packets(0, 1)).1.offset, 0);
    offer(&mut router, 2, 30, header(Kind::NotHere, 1, 3, (3, 25), 0), &[]);
    assert_eq!(only(router.packets(0, 1)).1.kind, Kind::NotHere);
}

#[test]
fn a_long_message_is_not_sent_on_to_where_its_destination_is_not() {
    let mut kernel = Kernel::new(10, &[LARGE_RING]);
    let one = kernel.register(1);
    learn(&mut kernel, 1, 20, 2, 3);
    let message = kernel.unicast(0, one, 2, SendFlags::empty(), bytes(30_000, 0));
    assert!(kernel.frame(0, 1).is_some());
    let back = Header {
        message: message.0,
        total: 30_000,
        ..header(Kind::NotHere, 1, 2, (0, 25), 1458)
    };
    offer(&mut kernel, 1, 20, back, &bytes(1458, 0).0);
    let report = Told::NotDelivered {
        message,
        flags: ReportFlags::NOTHERE,
        has_data: true,
    };
    assert_eq!(kernel.events(), [report]);
    assert!(kernel.frames(0, 1).is_empty());
}

#[test]
fn who_waits_for_the_outcome_is_told_why() {
    assert_eq!(ReportFlags::empty().error(), Error::Timeout);
    assert_eq!(ReportFlags::NOTHERE.error(), Error::Unknown);
    assert_eq!(ReportFlags::UNTRUSTED.error(), Error::Unsafe);
}
