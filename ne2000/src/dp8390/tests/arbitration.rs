//! Who waits for whom on the local bus (data sheet, section 9; DP83902A, section 13; AN-475).

use super::*;

const BURST_OF_FOUR: Span = Span::from_nanoseconds(800);

/// A chip with this DCR while a packet of `length` bytes comes in, and the end of the packet's start delimiter.
fn receiving(dcr: u8, length: usize) -> (Bench, Instant) {
    let mut bench = Bench::running();
    bench.write(14, dcr);
    bench.wait(Span::from_milliseconds(1));
    let first = bench.now;
    bench
        .chip
        .packet_arrives(first, &frame_to(STATION, length), first);
    (bench, first)
}

/// When burst `number` of a packet that comes in is wanted, in byte mode and from the second burst on.
fn request(first: Instant, threshold: u64, number: u64) -> Instant {
    first + BYTE_TIME * (threshold * number + threshold + 1)
}

fn access(bench: &mut Bench, at: Instant) -> Span {
    bench.chip.access_memory(at, DMA_TRANSFER)
}

#[test]
fn end_of_packet_processing_takes_as_long_as_the_st_nics_table_says() {
    // Mode and threshold, bytes that make a burst wanted with the packet's last one, nanoseconds of the table at 20 MHz.
    for (dcr, length, nanoseconds) in [
        (0x08, 65, 3600),
        (0x28, 65, 4200),
        (0x48, 65, 5000),
        (0x09, 66, 3000),
        (0x29, 66, 3200),
        (0x49, 66, 3600),
    ] {
        let mut bench = Bench::running();
        bench.write(14, dcr);
        bench.wait(Span::from_milliseconds(1));
        bench.receive_at(bench.now, frame_to(STATION, length));
        let held = bench.chip.next_event().since(bench.now).nanoseconds();
        // The table's longest case may have one byte more in the FIFO.
        assert!(
            held == nanoseconds || held + 200 == nanoseconds,
            "DCR {dcr:02X}: {held}"
        );
    }
}

#[test]
fn the_host_waits_for_the_end_of_the_end_of_packet_processing() {
    let mut bench = Bench::running();
    bench.wait(Span::from_milliseconds(1));
    bench.receive_at(bench.now, frame_to(STATION, 64));
    let done = bench.chip.next_event();
    let at = bench.now + Span::from_microseconds(1);
    assert_eq!(access(&mut bench, at), done.since(at));
    let later = done + Span::from_microseconds(1);
    assert_eq!(access(&mut bench, later), Span::ZERO);
}

#[test]
fn the_host_waits_for_the_rest_of_a_burst_and_no_longer() {
    for nanoseconds in [0, 100, 700, 800, 1500] {
        let (mut bench, first) = receiving(0x28, 1518);
        let at = request(first, 4, 20) + Span::from_nanoseconds(nanoseconds);
        let rest = BURST_OF_FOUR.saturating_sub(Span::from_nanoseconds(nanoseconds));
        assert_eq!(access(&mut bench, at), rest, "{nanoseconds} ns into the burst");
    }
}

#[test]
fn the_first_burst_of_a_reception_is_wanted_7_8_us_after_the_start_delimiter() {
    for (nanoseconds, rest) in [(7799, 0), (7800, 400), (7900, 300)] {
        let (mut bench, first) = receiving(0x08, 1518);
        let at = first + Span::from_nanoseconds(nanoseconds);
        assert_eq!(access(&mut bench, at).nanoseconds(), rest);
    }
}

#[test]
fn a_packet_for_somebody_else_costs_no_memory_bandwidth() {
    let mut bench = Bench::running();
    bench.wait(Span::from_milliseconds(1));
    let first = bench.now;
    bench.chip.packet_arrives(first, &frame_to([2; 6], 1518), first);
    for microseconds in 0..1214 {
        let at = first + Span::from_microseconds(microseconds);
        assert_eq!(access(&mut bench, at), Span::ZERO);
    }
}

#[test]
fn in_word_mode_a_burst_takes_half_the_time_and_is_wanted_with_two_bytes_more() {
    let (mut bench, first) = receiving(0x29, 1518);
    let at = first + BYTE_TIME * (4 * 20 + 4 + 2);
    assert_eq!(access(&mut bench, at).nanoseconds(), 400);
}

#[test]
fn an_access_holds_the_next_burst_off() {
    let (mut bench, first) = receiving(0x28, 1518);
    let at = request(first, 4, 20) - Span::from_nanoseconds(100);
    assert_eq!(access(&mut bench, at), Span::ZERO);
    // It begins 100 ns late and so ends 100 ns late.
    let into = request(first, 4, 20) + Span::from_nanoseconds(400);
    assert_eq!(access(&mut bench, into).nanoseconds(), 500);
}

#[test]
fn the_fifo_overruns_when_local_dma_is_held_off_until_a_fourteenth_byte() {
    // With a threshold of 8 bytes the ninth asks for the bus, and the fourteenth comes 4 us later.
    for (nanoseconds, is_overrun) in [(4000, false), (4001, true)] {
        let (mut bench, first) = receiving(0x48, 1518);
        let begin = request(first, 8, 20);
        bench.chip.access_memory(
            begin - Span::from_picoseconds(1),
            Span::from_nanoseconds(nanoseconds),
        );
        bench.now = first + BYTE_TIME * 1518;
        bench.receive_at(bench.now, frame_to(STATION, 1518));
        bench.wait(Span::from_microseconds(20));
        let (isr, rsr, current) = if is_overrun {
            (0x04, 0x08, 0x27)
        } else {
            (0x01, 0x01, 0x2D)
        };
        assert_eq!(
            (bench.read(ISR), bench.read(RSR), bench.current()),
            (isr, rsr, current),
            "{nanoseconds} ns"
        );
    }
}

#[test]
fn a_threshold_of_six_words_asks_for_the_bus_when_the_fifo_has_overrun() {
    let mut bench = Bench::running();
    bench.write(14, 0x69);
    bench.receive(frame_to(STATION, 64));
    assert_eq!((bench.read(ISR), bench.read(RSR)), (0x04, 0x08));
}

#[test]
fn the_fill_of_the_transmitters_fifo_waits_for_the_host_and_the_host_for_it() {
    let mut bench = Bench::running();
    bench.wait(Span::from_milliseconds(1));
    bench.chip.access_memory(bench.now, Span::from_nanoseconds(300));
    bench.send(60);
    let [Request::Transmit { ready, .. }] = bench.chip.take_requests()[..] else {
        panic!()
    };
    assert_eq!(ready.since(bench.now).nanoseconds(), 300 + 800);
    let at = bench.now + Span::from_nanoseconds(500);
    assert_eq!(access(&mut bench, at).nanoseconds(), 600);
}

#[test]
fn a_long_address_costs_each_burst_four_bus_clocks_more() {
    let mut bench = Bench::running();
    bench.write(14, 0x2C);
    bench.wait(Span::from_milliseconds(1));
    bench.send(60);
    let [Request::Transmit { ready, .. }] = bench.chip.take_requests()[..] else {
        panic!()
    };
    assert_eq!(ready.since(bench.now), BURST_OF_FOUR + DMA_TRANSFER);
}

/// A chip whose packet of 1000 bytes has begun, and the end of its start delimiter.
fn sending(dcr: u8) -> (Bench, Instant) {
    let mut bench = Bench::running();
    bench.write(14, dcr);
    bench.wait(Span::from_milliseconds(1));
    bench.send(1000);
    bench.chip.take_requests();
    let begin = bench.now + Span::from_microseconds(10);
    bench.now = begin;
    bench.chip.packet_leaves(begin, begin);
    (bench, begin + BYTE_TIME * 8)
}

#[test]
fn the_transmitter_wants_the_bus_after_the_start_delimiter_while_a_burst_has_room() {
    // The FIFO holds four bytes, so three bursts follow at once, one after the other.
    let (mut bench, first) = sending(0x28);
    assert_eq!(access(&mut bench, first - DMA_TRANSFER), Span::ZERO);
    assert_eq!(access(&mut bench, first), BURST_OF_FOUR);
    // Then one whenever four bytes have left.
    let (mut bench, first) = sending(0x28);
    let at = first + BYTE_TIME * (4 * 100 - 1);
    assert_eq!(access(&mut bench, at), BURST_OF_FOUR);
    assert_eq!(access(&mut bench, at + BURST_OF_FOUR + DMA_TRANSFER), Span::ZERO);
}

#[test]
fn a_fifo_that_runs_empty_breaks_the_transmission_off_with_fu_and_txe() {
    for (microseconds, is_underrun) in [(9, false), (13, true)] {
        let (mut bench, first) = sending(0x28);
        let at = first + Span::from_microseconds(100);
        bench
            .chip
            .access_memory(at, Span::from_microseconds(microseconds));
        bench.now = at + Span::from_microseconds(30);
        access(&mut bench, at + Span::from_microseconds(30));
        let (isr, tsr, cr) = if is_underrun {
            (0x08, 0x20, 0x22)
        } else {
            (0, 0, 0x26)
        };
        assert_eq!(
            (bench.read(ISR), bench.read(TSR), bench.read(CR)),
            (isr, tsr, cr),
            "{microseconds} us"
        );
        assert_eq!(!bench.chip.take_requests().is_empty(), is_underrun);
    }
}

#[test]
fn registers_answer_when_dma_is_done_with_the_bus() {
    let (mut bench, first) = receiving(0x28, 1518);
    let begin = request(first, 4, 20);
    for (nanoseconds, wait) in [(100, 700), (900, 0)] {
        let at = begin + Span::from_nanoseconds(nanoseconds);
        assert_eq!(bench.chip.register_wait(at).nanoseconds(), wait);
    }
    // The host's own access does not keep the chip from answering.
    let at = begin + Span::from_nanoseconds(1000);
    bench.chip.access_memory(at, Span::from_nanoseconds(500));
    assert_eq!(bench.chip.register_wait(at), Span::ZERO);
}

#[test]
fn clda_follows_the_packet_into_memory_and_dfr_shows_its_carrier() {
    let (mut bench, first) = receiving(0x28, 1518);
    assert_eq!(bench.read(RSR) & 0x80, 0x80);
    for burst in [2_u64, 10, 62, 100] {
        bench.now = request(first, 4, burst);
        let address = u16::from_le_bytes([bench.read(1), bench.read(2)]);
        assert_eq!(u64::from(address), 0x2700 + 4 + 4 * (burst + 1));
    }
    bench.now = first + BYTE_TIME * 1518;
    assert_eq!(bench.read(RSR) & 0x80, 0);
}

#[test]
fn remote_dma_fetches_the_next_byte_while_the_host_is_busy_with_the_last() {
    let mut bench = Bench::running();
    bench.wait(Span::from_milliseconds(1));
    remote(&mut bench, 0x2000, 100, 0x0A);
    let mut take = |nanoseconds| {
        bench.now += Span::from_nanoseconds(nanoseconds);
        let (_, wait) = bench.chip.remote_read(bench.now, &bench.memory).unwrap();
        bench.now += wait;
        wait.nanoseconds()
    };
    assert_eq!([0, 150, 200, 1000].map(&mut take), [200, 50, 0, 0]);
}

#[test]
fn remote_dma_stores_the_last_byte_while_the_host_fetches_the_next() {
    let mut bench = Bench::running();
    bench.wait(Span::from_milliseconds(1));
    remote(&mut bench, 0x2000, 100, 0x12);
    let mut give = |nanoseconds| {
        bench.now += Span::from_nanoseconds(nanoseconds);
        bench.remote_write(1).unwrap().nanoseconds()
    };
    assert_eq!([0, 0, 150, 1000].map(&mut give), [0, 200, 50, 0]);
}

#[test]
fn a_burst_of_local_dma_goes_before_remote_dma() {
    let (mut bench, first) = receiving(0x28, 1518);
    let begin = request(first, 4, 20);
    bench.now = begin - Span::from_nanoseconds(300);
    remote(&mut bench, 0x2000, 100, 0x0A);
    // The first byte is there before the burst; the next is wanted in its midst.
    bench.now = begin + Span::from_nanoseconds(100);
    assert_eq!(
        bench.chip.remote_read(bench.now, &bench.memory).unwrap().1,
        Span::ZERO
    );
    let (_, wait) = bench.chip.remote_read(bench.now, &bench.memory).unwrap();
    assert_eq!(wait.nanoseconds(), 700 + 200);
}
