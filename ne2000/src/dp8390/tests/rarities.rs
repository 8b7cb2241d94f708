//! What drivers seldom meet: alignment errors, transmitters that others disable, the 68000's byte order.

use super::*;

/// A frame with a wrong check sequence and bits behind its last byte.
fn misaligned(length: usize) -> Frame {
    frame_with(STATION, length, CheckSequence::Wrong).with_dribble_bits(3)
}

/// A multicast address whose index in the filter is this.
fn address_with_index(index: usize) -> [u8; 6] {
    (0..=u16::MAX)
        .map(|number| [0x01, 0, 0x5E, 0, number.to_be_bytes()[0], number.to_be_bytes()[1]])
        .find(|address| crate::check_sequence::multicast_index(*address) == index)
        .expect("every index has an address")
}

/// A chip that takes every multicast packet, with TCR.ATD set.
fn obedient() -> Bench {
    let mut bench = Bench::running();
    bench.write(12, 0x08);
    bench.chip.multicast_filter = [0xFF; 8];
    bench.write(13, 0x08);
    bench
}

#[test]
fn an_alignment_error_sets_fae_and_crc_and_counts_in_cntr0() {
    let mut bench = Bench::running();
    bench.receive(misaligned(64));
    assert_eq!((bench.read(ISR), bench.read(RSR)), (0x04, 0x06));
    assert_eq!(
        [bench.read(13), bench.read(14), bench.read(15), bench.read(13)],
        [1, 0, 0, 0]
    );
    assert_eq!(bench.current(), 0x27);
}

#[test]
fn a_packet_with_an_alignment_error_is_kept_with_sep() {
    let mut bench = Bench::running();
    bench.write(12, 0x01);
    bench.receive(misaligned(64));
    assert_eq!((bench.page(0x27)[0], bench.current()), (0x06, 0x28));
}

#[test]
fn bits_behind_a_right_check_sequence_are_dropped() {
    let mut bench = Bench::running();
    bench.receive(frame_to(STATION, 64).with_dribble_bits(3));
    assert_eq!((bench.read(ISR), bench.read(RSR)), (0x01, 0x01));
}

#[test]
fn a_lost_carrier_sets_crs_and_cdh_and_the_packet_counts_as_sent() {
    let mut bench = Bench::running();
    bench.send(60);
    bench.finish_sending(Outcome {
        end: End::CarrierLost,
        ..GOOD
    });
    assert_eq!((bench.read(ISR), bench.read(TSR)), (0x02, 0x51));
}

#[test]
fn ofst_tells_the_cable_of_another_back_off_when_it_changes() {
    let mut bench = Bench::running();
    for (tcr, told) in [
        (0x10, Some(true)),
        (0x10, None),
        (0x00, Some(false)),
        (0x00, None),
    ] {
        bench.write(13, tcr);
        let at = bench.now;
        let expected: Vec<Request> = told
            .into_iter()
            .map(|is_enabled| Request::OffsetBackoff { at, is_enabled })
            .collect();
        assert_eq!(bench.chip.take_requests(), expected, "TCR {tcr:02X}");
    }
}

#[test]
fn power_that_comes_back_takes_nothing_of_what_was_asked_and_ends_the_offset() {
    let mut bench = obedient();
    bench.write(13, 0x10);
    bench.send(60);
    let begun = bench.chip.take_requests();
    assert!(matches!(
        begun[..],
        [Request::OffsetBackoff { .. }, Request::Transmit { .. }]
    ));
    let at = bench.now;
    bench.chip.reset(at);
    let mut next = Dp8390::new();
    next.take_over(bench.chip, at);
    let is_enabled = false;
    assert_eq!(
        next.take_requests(),
        [
            Request::Withdraw { at },
            Request::OffsetBackoff { at, is_enabled }
        ]
    );
    let mut last = Dp8390::new();
    last.take_over(next, at);
    assert_eq!(last.take_requests(), [], "nothing was set");
}

#[test]
fn with_atd_multicast_index_62_holds_the_transmitter_until_63_comes() {
    let mut bench = obedient();
    bench.receive(frame_to(address_with_index(62), 64));
    bench.send(60);
    assert_eq!(bench.chip.take_requests(), []);
    assert_eq!(bench.read(CR), 0x26);
    bench.receive(frame_to(address_with_index(61), 64));
    assert_eq!(bench.chip.take_requests(), []);
    bench.receive(frame_to(address_with_index(63), 64));
    assert_eq!(bench.chip.take_requests().len(), 1);
    bench.finish_sending(GOOD);
    assert_eq!(bench.read(CR), 0x22);
}

#[test]
fn a_held_transmission_is_sent_when_atd_is_cleared() {
    let mut bench = obedient();
    bench.receive(frame_to(address_with_index(62), 64));
    bench.send(60);
    bench.write(13, 0x00);
    assert_eq!(bench.chip.take_requests().len(), 1);
}

#[test]
fn reset_makes_txp_low_and_forgets_a_held_transmission() {
    // Section 11, Initialization.
    let mut bench = obedient();
    bench.receive(frame_to(address_with_index(62), 64));
    bench.send(60);
    assert_eq!(bench.read(CR), 0x26);
    bench.chip.reset(bench.now);
    assert_eq!(bench.read(CR), 0x21);
    bench.write(CR, 0x22);
    bench.write(13, 0);
    assert_eq!((bench.read(CR), bench.chip.take_requests()), (0x22, vec![]));
}

#[test]
fn without_atd_no_multicast_touches_the_transmitter() {
    let mut bench = obedient();
    bench.write(13, 0x00);
    bench.receive(frame_to(address_with_index(62), 64));
    bench.send(60);
    assert_eq!(bench.chip.take_requests().len(), 1);
}

#[test]
fn a_damaged_multicast_packet_does_not_disable_the_transmitter() {
    let mut bench = obedient();
    bench.receive(frame_with(address_with_index(62), 64, CheckSequence::Wrong));
    bench.send(60);
    assert_eq!(bench.chip.take_requests().len(), 1);
}

#[test]
fn bos_exchanges_the_bytes_of_each_word_but_not_those_of_the_count() {
    let mut bench = Bench::running();
    bench.write(14, 0x2B);
    let frame = frame_to(STATION, 65);
    bench.receive(frame.clone());
    let page = bench.page(0x27);
    assert_eq!(page[..4], [0x28, 0x01, 65, 0]);
    let swapped: Vec<u8> = frame.bytes()[..60]
        .chunks(2)
        .flat_map(|word| [word[1], word[0]])
        .collect();
    assert_eq!(page[4..64], swapped);
}

#[test]
fn bos_exchanges_the_bytes_of_each_word_that_is_sent() {
    for count in [60, 61] {
        let mut bench = Bench::running();
        bench.write(14, 0x2B);
        let data: Vec<u8> = (0..62).collect();
        bench.memory.store(0x20, 0, &data);
        bench.send(count);
        let mut sent: Vec<u8> = data.chunks(2).flat_map(|word| [word[1], word[0]]).collect();
        sent.truncate(usize::from(count));
        let [Request::Transmit { frame, .. }] = &bench.chip.take_requests()[..] else {
            panic!()
        };
        assert_eq!(frame.bytes(), sent);
    }
}

#[test]
fn in_byte_mode_bos_means_nothing() {
    let mut bench = Bench::running();
    bench.write(14, 0x2A);
    bench.receive(frame_to(STATION, 64));
    assert_eq!(bench.page(0x27)[..4], [0x01, 0x28, 64, 0]);
}

#[test]
fn in_word_mode_loopback_sends_one_lane_of_each_word() {
    let data: Vec<u8> = (0..120).collect();
    for (dcr, lane) in [(0x21, 1), (0x23, 0)] {
        let mut bench = Bench::running();
        bench.write(14, dcr);
        bench.write(13, 0x02);
        bench.memory.store(0x20, 0, &data);
        bench.send(120);
        bench.wait(Span::from_milliseconds(1));
        let sent: Vec<u8> = data.iter().skip(lane).step_by(2).copied().collect();
        let sequence = crate::check_sequence::of(&sent);
        let fifo: Vec<u8> = (0..8).map(|_| bench.read(6)).collect();
        let expected = [&[64, 0, 0, sent[59]], &sequence[..]].concat();
        assert_eq!(fifo, expected, "DCR {dcr:02X}");
    }
}

#[test]
fn a_card_that_is_wired_for_words_reads_wts_as_one() {
    let mut chip = Dp8390::wired_for_words();
    let memory = LocalMemory::new(0, 0x40);
    let now = Instant::START;
    for (offset, value) in [(14, 0x48), (CR, 0xA1)] {
        chip.write(offset, value, now, &memory);
    }
    assert_eq!(chip.read(14, now), 0x49);
}

#[test]
fn word_wide_remote_dma_moves_words_at_even_addresses() {
    let mut bench = Bench::running();
    bench.write(14, 0x29);
    bench.memory.store(0x20, 0, &[1, 2, 3, 4]);
    remote(&mut bench, 0x2001, 3, 0x0A);
    let words: Vec<u16> = std::iter::from_fn(|| {
        bench.wait(Span::from_microseconds(1));
        Some(bench.chip.remote_read(bench.now, &bench.memory)?.0)
    })
    .collect();
    assert_eq!((words, bench.read(ISR)), (vec![0x0201, 0x0403], 0x40));
    remote(&mut bench, 0x2000, 2, 0x12);
    assert!(
        bench
            .chip
            .remote_write(0x0605, bench.now, &mut bench.memory)
            .is_some()
    );
    assert_eq!(bench.page(0x20)[..2], [5, 6]);
}

#[test]
fn a_transmission_that_the_recovery_from_an_overflow_broke_off_is_sent_again_by_its_driver() {
    let mut bench = Bench::running();
    bench.write(3, 0x28);
    bench.receive(frame_to(STATION, 300));
    bench.send(60);
    assert_eq!(bench.read(CR) & 0x04, 0x04, "step 1");
    bench.write(CR, 0x21);
    bench.wait(Span::from_microseconds(1600));
    assert_eq!(bench.read(ISR) & 0x0A, 0, "step 5: neither PTX nor TXE");
    for (offset, value) in [
        (13, 0x02),
        (CR, 0x22),
        (3, 0x26),
        (ISR, 0x10),
        (13, 0),
        (CR, 0x26),
    ] {
        bench.write(offset, value);
    }
    let requests = bench.chip.take_requests();
    assert!(
        matches!(
            requests[..],
            [
                Request::Transmit { .. },
                Request::Withdraw { .. },
                Request::Transmit { .. }
            ]
        ),
        "{requests:?}"
    );
    bench.finish_sending(GOOD);
    assert_eq!((bench.read(TSR), bench.read(ISR) & 0x02), (0x01, 0x02));
}
