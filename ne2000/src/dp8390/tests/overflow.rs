//! When local DMA meets BNRY (data sheet, section 7, Linking Receive Buffer Pages and Buffer Ring Overflow): it gives up there and then.

use super::*;

/// A chip with a ring from 26h to 3Fh, CURR at 27h and this BNRY, and the end of the start delimiter of a packet of 1518 bytes
/// that comes in: six pages, to 2Ch.
fn receiving(boundary: u8) -> (Bench, Instant) {
    let mut bench = Bench::running();
    bench.write(3, boundary);
    bench.wait(Span::from_milliseconds(1));
    let first = bench.now;
    bench.chip.packet_arrives(first, &long(), first);
    (bench, first)
}

fn long() -> Frame {
    frame_to(STATION, 1518)
}

/// When the burst is wanted that brings byte `count` to memory, with a threshold of four bytes and nobody else on the bus.
fn burst_of(first: Instant, count: u64) -> Instant {
    first + BYTE_TIME * ((count - 1) / 4 * 4 + 5)
}

fn end(bench: &mut Bench, first: Instant) {
    bench.wait((first + BYTE_TIME * 1518).since(bench.now));
    bench.receive_at(bench.now, long());
    bench.wait(Span::from_microseconds(10));
}

fn wait_until(bench: &mut Bench, at: Instant) {
    bench.wait(at.since(bench.now));
}

#[test]
fn room_that_is_made_after_local_dma_has_met_bnry_comes_too_late() {
    // The 253rd byte goes to page 28h, the 509th to 29h.
    for (boundary, byte) in [(0x28, 253), (0x29, 509), (0x2C, 1277)] {
        for (early, is_received) in [(Span::from_picoseconds(1), true), (Span::ZERO, false)] {
            let (mut bench, first) = receiving(boundary);
            wait_until(&mut bench, burst_of(first, byte) - early);
            assert_eq!(bench.read(ISR), 0);
            bench.write(3, 0x26);
            let ovw_and_rxe = if is_received { 0 } else { 0x14 };
            assert_eq!(bench.read(ISR), ovw_and_rxe, "BNRY {boundary:02X}");
            end(&mut bench, first);
            let (current, missed) = if is_received { (0x2D, 0) } else { (0x27, 1) };
            assert_eq!((bench.current(), bench.read(15)), (current, missed));
            assert_eq!(bench.read(ISR) & 0x01 == 0x01, is_received);
        }
    }
}

#[test]
fn after_a_packet_that_was_given_up_the_next_is_received() {
    let (mut bench, first) = receiving(0x28);
    wait_until(&mut bench, burst_of(first, 1000));
    bench.write(3, 0x26);
    end(&mut bench, first);
    bench.receive(frame_to(STATION, 300));
    assert_eq!((bench.current(), bench.chip.counts().received), (0x29, 1));
}

#[test]
fn a_packet_that_nobody_makes_room_for_is_told_of_at_its_end() {
    let (mut bench, first) = receiving(0x28);
    wait_until(&mut bench, burst_of(first, 1000));
    assert_eq!(bench.read(ISR), 0);
    end(&mut bench, first);
    assert_eq!((bench.read(ISR), bench.read(15)), (0x94, 1));
    assert_eq!(bench.chip.counts().missed, 1);
}

#[test]
fn room_that_is_taken_where_local_dma_has_passed_is_not_met() {
    let (mut bench, first) = receiving(0x26);
    wait_until(&mut bench, burst_of(first, 700));
    bench.write(3, 0x29);
    end(&mut bench, first);
    assert_eq!((bench.current(), bench.read(ISR)), (0x2D, 0x01));
}

#[test]
fn a_full_ring_is_met_with_the_first_burst() {
    let first_burst = Span::from_nanoseconds(7800);
    for (early, is_received) in [(Span::from_picoseconds(1), true), (Span::ZERO, false)] {
        let mut bench = Bench::running();
        bench.write(3, 0x28);
        bench.receive(frame_to(STATION, 64));
        bench.write(ISR, 0xFF);
        bench.wait(Span::from_milliseconds(1));
        let first = bench.now;
        bench.chip.packet_arrives(first, &long(), first);
        wait_until(&mut bench, first + first_burst - early);
        bench.write(3, 0x27);
        end(&mut bench, first);
        assert_eq!(bench.current() == 0x2E, is_received);
    }
}

#[test]
fn a_packet_that_met_bnry_before_a_stop_is_counted_as_missed() {
    // The counter is off while the chip is stopped (DP83902A, section 7).
    for (byte, missed) in [(200, 0), (300, 1)] {
        let (mut bench, first) = receiving(0x28);
        wait_until(&mut bench, burst_of(first, byte));
        bench.write(CR, 0x21);
        end(&mut bench, first);
        assert_eq!((bench.read(15), bench.read(ISR) & 0x10), (missed, 0x10));
    }
}

#[test]
fn room_that_is_made_during_end_of_packet_processing_comes_too_late_too() {
    let (mut bench, first) = receiving(0x2C);
    wait_until(&mut bench, first + BYTE_TIME * 1518);
    bench.receive_at(bench.now, long());
    bench.wait(Span::from_microseconds(1));
    bench.write(3, 0x26);
    bench.wait(Span::from_microseconds(10));
    assert_eq!((bench.read(ISR), bench.current()), (0x14, 0x27));
    bench.receive(frame_to(STATION, 64));
    assert_eq!(bench.current(), 0x28);
}

#[test]
fn in_monitor_mode_no_packet_meets_bnry() {
    let (mut bench, first) = receiving(0x28);
    bench.write(12, 0x20);
    wait_until(&mut bench, burst_of(first, 1000));
    bench.write(3, 0x26);
    end(&mut bench, first);
    assert_eq!(bench.read(ISR) & 0x10, 0);
}
