mod arbitration;
mod overflow;
mod rarities;

use super::*;
use wire::{CheckSequence, End, Frame, Outcome};

const STATION: [u8; 6] = [0x02, 0x60, 0x8C, 1, 2, 3];
const GOOD: Outcome = Outcome {
    collisions: 0,
    deferred: false,
    late: false,
    end: End::Good,
};

const CR: u8 = 0;
const TSR: u8 = 4;
const NCR: u8 = 5;
const ISR: u8 = 7;
const RSR: u8 = 12;

/// A controller with 8 KB of memory at page 20h and a clock that the test moves.
struct Bench {
    chip: Dp8390,
    memory: LocalMemory,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        Self {
            chip: Dp8390::new(),
            memory: LocalMemory::new(0x20, 0x20),
            now: Instant::START + Span::from_milliseconds(1),
        }
    }

    /// Running, ring 26h to 3Fh, byte-wide, threshold 4 bytes, all interrupts enabled.
    fn running() -> Self {
        let mut bench = Self::new();
        bench.write(0x0, 0x21);
        for (offset, value) in [(14, 0x28), (1, 0x26), (2, 0x40), (3, 0x26), (15, 0x7F), (7, 0xFF)] {
            bench.write(offset, value);
        }
        bench.write(0x0, 0x61);
        for (offset, value) in (1..).zip(STATION) {
            bench.write(offset, value);
        }
        bench.write(7, 0x27);
        bench.write(0x0, 0x22);
        bench
    }

    fn read(&mut self, offset: u8) -> u8 {
        self.chip.read(offset, self.now)
    }

    fn write(&mut self, offset: u8, value: u8) {
        self.chip.write(offset, value, self.now, &self.memory);
    }

    /// Register 7 of page 1.
    fn current(&self) -> u8 {
        self.chip.current
    }

    fn wait(&mut self, span: Span) {
        self.now += span;
        self.chip.advance(self.now, &mut self.memory);
    }

    fn receive_at(&mut self, at: Instant, frame: Frame) {
        let begin = at - BYTE_TIME * frame.length();
        self.chip.received(at, begin, frame, self.now);
    }

    /// A frame that ends now, and the time that its last bytes take into memory.
    fn receive(&mut self, frame: Frame) {
        self.wait(Span::from_milliseconds(2));
        self.receive_at(self.now, frame);
        self.wait(Span::from_microseconds(10));
    }

    fn send(&mut self, count: u16) {
        let [low, high] = count.to_le_bytes();
        for (offset, value) in [(4, 0x20), (5, low), (6, high), (0, 0x26)] {
            self.write(offset, value);
        }
    }

    fn finish_sending(&mut self, outcome: Outcome) {
        self.wait(Span::from_milliseconds(2));
        self.chip.sent(self.now, outcome);
    }

    /// The next byte of a remote read, taken when it is ready.
    fn remote_read(&mut self) -> Option<u8> {
        let (value, wait) = self.chip.remote_read(self.now, &self.memory)?;
        self.now += wait;
        Some(value as u8)
    }

    /// The next byte of a remote write, and how long it waits.
    fn remote_write(&mut self, value: u8) -> Option<Span> {
        let wait = self
            .chip
            .remote_write(u16::from(value), self.now, &mut self.memory)?;
        self.now += wait;
        Some(wait)
    }

    fn page(&self, page: u8) -> Vec<u8> {
        self.memory.fetch(page, 256)
    }
}

/// A frame to `destination` that is `length` bytes long with its check sequence.
fn frame_to(destination: [u8; 6], length: usize) -> Frame {
    frame_with(destination, length, CheckSequence::Right)
}

fn frame_with(destination: [u8; 6], length: usize, check: CheckSequence) -> Frame {
    let mut bytes: Vec<u8> = (0..length - 4).map(|i| (i * 7 + length) as u8).collect();
    bytes[..6].copy_from_slice(&destination);
    Frame::new(&bytes, check)
}

// The register file (section 10).

#[test]
fn power_leaves_the_chip_stopped_with_remote_dma_aborted_and_only_rst_up() {
    let mut bench = Bench::new();
    assert_eq!(bench.read(CR), 0x21);
    assert_eq!(bench.read(ISR), 0x80);
    assert!(!bench.chip.is_interrupting());
}

#[test]
fn every_writable_register_reads_back_where_the_register_map_puts_it() {
    let mut bench = Bench::new();
    let read_back = |bench: &mut Bench, write_page: u8, offset, value, read_page: u8, at| {
        bench.write(CR, 0x21 | write_page << 6);
        bench.write(offset, value);
        bench.write(CR, 0x21 | read_page << 6);
        bench.read(at)
    };
    for offset in 1..=15 {
        assert_eq!(
            read_back(&mut bench, 1, offset, 0xA0 | offset, 1, offset),
            0xA0 | offset,
            "page 1, {offset}"
        );
    }
    for (offset, value, page, at) in [
        (1, 0x26, 2, 1),
        (2, 0x40, 2, 2),
        (3, 0x27, 0, 3),
        (4, 0x20, 2, 4),
        (8, 0x34, 0, 8),
        (9, 0x12, 0, 9),
        (12, 0x3F, 2, 12),
        (13, 0x1F, 2, 13),
        (14, 0x7F, 2, 14),
        (15, 0x7F, 2, 15),
    ] {
        assert_eq!(
            read_back(&mut bench, 0, offset, value, page, at),
            value,
            "page 0, {offset}"
        );
    }
}

#[test]
fn the_command_register_is_at_offset_0_of_every_page() {
    let mut bench = Bench::new();
    for command in [0x21, 0x61, 0xA1, 0xE1] {
        bench.write(CR, command);
        assert_eq!(bench.read(CR), command);
    }
}

#[test]
fn page_3_is_for_the_factory() {
    let mut bench = Bench::running();
    let before = bench.chip.clone();
    bench.write(CR, 0xE2);
    for offset in 1..16 {
        bench.write(offset, 0x55);
        assert_eq!(bench.read(offset), 0xFF);
    }
    bench.write(CR, 0x22);
    assert_eq!(bench.chip, before);
}

#[test]
fn a_command_without_stp_and_sta_changes_neither() {
    let mut bench = Bench::running();
    bench.write(CR, 0x60);
    assert_eq!(bench.read(CR), 0x62);
    assert!(bench.chip.is_listening());
}

#[test]
fn stp_wins_over_sta() {
    let mut bench = Bench::running();
    bench.write(CR, 0x23);
    assert!(!bench.chip.is_listening());
    assert_eq!(bench.read(ISR), 0x80);
}

#[test]
fn a_start_command_takes_rst_away() {
    let mut bench = Bench::running();
    assert_eq!(bench.read(ISR), 0);
    bench.write(CR, 0x21);
    assert_eq!(bench.read(ISR), 0x80);
}

#[test]
fn a_one_clears_an_interrupt_bit_but_never_rst() {
    let mut bench = Bench::new();
    bench.chip.interrupts = Interrupts::all() - Interrupts::RESET;
    bench.write(ISR, 0x83);
    assert_eq!(bench.read(ISR), 0xFC);
    bench.write(ISR, 0xFF);
    assert_eq!(bench.read(ISR), 0x80);
}

#[test]
fn the_interrupt_pin_is_high_while_an_enabled_bit_is_set() {
    let mut bench = Bench::new();
    for bit in 0..8 {
        bench.chip.interrupts = Interrupts::from_bits_retain(1 << bit) - Interrupts::RESET;
        for mask in 0..=255 {
            bench.write(15, mask);
            assert_eq!(bench.chip.is_interrupting(), bit < 7 && mask >> bit & 1 == 1);
        }
    }
}

#[test]
fn reset_disables_interrupts_and_loopback_and_keeps_the_addresses() {
    let mut bench = Bench::running();
    bench.write(13, 0x1F);
    bench.chip.reset(bench.now);
    assert_eq!(bench.read(CR), 0x21);
    assert_eq!(bench.read(ISR), 0x80);
    assert_eq!(bench.chip.interrupt_mask, Interrupts::empty());
    assert_eq!(bench.chip.transmit_configuration.loopback(), Loopback::Off);
    assert_eq!(bench.chip.physical_address, STATION);
}

// Transmission (section 8).

#[test]
fn txp_sends_as_many_bytes_as_tbcr_says_from_page_tpsr() {
    let mut bench = Bench::running();
    for i in 0..300 {
        bench.memory.write(0x2000 + i, i as u8);
    }
    bench.send(300);
    let bytes: Vec<u8> = (0..300).map(|i| i as u8).collect();
    let ready = bench.now + DMA_TRANSFER * 4;
    let frame = Frame::new(&bytes, CheckSequence::Right);
    assert_eq!(bench.chip.take_requests(), [Request::Transmit { ready, frame }]);
}

#[test]
fn the_transmitter_is_ready_when_the_fifo_is_filled_to_its_threshold() {
    let mut least = Span::from_seconds(1);
    for (dcr, transfers) in [
        (0x08, 2),
        (0x28, 4),
        (0x48, 8),
        (0x68, 12),
        (0x09, 1),
        (0x29, 2),
        (0x49, 4),
        (0x69, 6),
    ] {
        let mut bench = Bench::running();
        bench.write(14, dcr);
        bench.send(60);
        let [Request::Transmit { ready, .. }] = bench.chip.take_requests()[..] else {
            panic!()
        };
        assert_eq!(ready.since(bench.now), DMA_TRANSFER * transfers, "DCR {dcr:02X}");
        least = least.min(ready.since(bench.now));
    }
    assert_eq!(least, SHORTEST_FIFO_FILL);
}

#[test]
fn txp_reads_as_one_until_the_packet_is_sent_and_cannot_be_cleared() {
    let mut bench = Bench::running();
    bench.send(60);
    bench.write(CR, 0x22);
    assert_eq!(bench.read(CR), 0x26);
    bench.finish_sending(GOOD);
    assert_eq!(bench.read(CR), 0x22);
}

#[test]
fn exactly_one_packet_is_sent_at_a_time() {
    let mut bench = Bench::running();
    bench.send(60);
    bench.send(61);
    assert_eq!(bench.chip.take_requests().len(), 1);
}

#[test]
fn txp_is_set_in_vain_while_the_chip_is_stopped() {
    let mut bench = Bench::running();
    bench.write(CR, 0x21);
    bench.write(CR, 0x25);
    assert_eq!(bench.read(CR), 0x21);
    assert_eq!(bench.chip.take_requests(), []);
}

#[test]
fn a_packet_of_no_bytes_is_an_underrun() {
    let mut bench = Bench::running();
    bench.send(0);
    assert_eq!((bench.read(ISR), bench.read(TSR)), (0x08, 0x20));
    assert_eq!(bench.chip.take_requests(), []);
}

#[test]
fn a_sent_packet_raises_ptx_and_leaves_the_number_of_its_collisions() {
    for collisions in 0..16 {
        let mut bench = Bench::running();
        bench.send(60);
        bench.finish_sending(Outcome { collisions, ..GOOD });
        let status = if collisions == 0 { 0x01 } else { 0x05 };
        assert_eq!(
            (bench.read(ISR), bench.read(TSR), bench.read(NCR)),
            (0x02, status, collisions)
        );
        assert_eq!(bench.chip.counts().sent, 1);
    }
}

#[test]
fn after_sixteen_collisions_abt_and_txe_are_set_and_ncr_is_zero() {
    let mut bench = Bench::running();
    bench.send(60);
    bench.finish_sending(Outcome {
        collisions: 16,
        end: End::TooManyCollisions,
        ..GOOD
    });
    assert_eq!(
        (bench.read(ISR), bench.read(TSR), bench.read(NCR)),
        (0x08, 0x0C, 0)
    );
    assert_eq!(bench.chip.counts().sent, 0);
}

#[test]
fn a_collision_out_of_the_window_is_told_with_the_end_of_the_packet() {
    for (collisions, end, expected) in [
        (3, End::Good, (0x02, 0x85, 3)),
        (16, End::TooManyCollisions, (0x08, 0x8C, 0)),
    ] {
        let mut bench = Bench::running();
        bench.send(60);
        bench.chip.take_requests();
        bench.finish_sending(Outcome {
            collisions,
            deferred: false,
            late: true,
            end,
        });
        assert!(
            bench.chip.take_requests().is_empty(),
            "the cable has sent it again"
        );
        assert_eq!((bench.read(ISR), bench.read(TSR), bench.read(NCR)), expected);
    }
}

#[test]
fn with_the_crc_inhibited_software_sends_the_check_sequence() {
    let data: Vec<u8> = (0..60).collect();
    for (damage, check) in [(0, CheckSequence::Right), (1, CheckSequence::Wrong)] {
        let mut bench = Bench::running();
        let mut packet = [&data[..], &crate::check_sequence::of(&data)].concat();
        packet[63] ^= damage;
        bench.memory.store(0x20, 0, &packet);
        bench.write(13, 0x01);
        bench.send(64);
        let [Request::Transmit { ref frame, .. }] = bench.chip.take_requests()[..] else {
            panic!()
        };
        assert_eq!(*frame, Frame::new(&data, check));
    }
}

#[test]
fn a_stop_lets_the_packet_out_before_rst_rises() {
    let mut bench = Bench::running();
    bench.send(60);
    bench.write(CR, 0x21);
    assert_eq!(bench.read(ISR), 0);
    bench.finish_sending(GOOD);
    assert_eq!(bench.read(ISR), 0x82);
}

#[test]
fn a_stopped_chip_in_loopback_mode_1_gives_its_packet_up() {
    let mut bench = Bench::running();
    bench.send(60);
    bench.chip.take_requests();
    bench.write(CR, 0x21);
    bench.write(13, 0x02);
    assert_eq!((bench.read(CR), bench.read(ISR)), (0x21, 0x80));
    assert_eq!(bench.chip.take_requests(), [Request::Withdraw { at: bench.now }]);
}

#[test]
fn reset_withdraws_the_packet_and_its_late_answer_is_ignored() {
    let mut bench = Bench::running();
    bench.send(60);
    bench.chip.reset(bench.now);
    assert!(matches!(
        bench.chip.take_requests()[..],
        [Request::Transmit { .. }, Request::Withdraw { .. }]
    ));
    bench.write(CR, 0x22);
    bench.chip.sent(bench.now, GOOD);
    assert_eq!((bench.read(CR), bench.read(ISR)), (0x22, 0));
    bench.send(60);
    bench.chip.sent(bench.now, GOOD);
    assert_eq!((bench.read(CR), bench.read(ISR)), (0x26, 0));
}

// Address recognition (section 10, RCR).

fn is_received(bench: &mut Bench, destination: [u8; 6]) -> bool {
    let before = bench.chip.counts().received;
    bench.receive(frame_to(destination, 64));
    bench.write(3, bench.current().wrapping_sub(1));
    bench.chip.counts().received > before
}

#[test]
fn the_receiver_takes_its_own_address_and_no_other_whatever_rcr_says_short_of_promiscuous() {
    let mut other = STATION;
    other[5] ^= 1;
    for rcr in 0..0x10 {
        let mut bench = Bench::running();
        bench.write(12, rcr);
        assert!(is_received(&mut bench, STATION));
        assert!(!is_received(&mut bench, other));
    }
}

#[test]
fn promiscuous_mode_takes_every_physical_address_and_no_group() {
    let mut bench = Bench::running();
    bench.write(12, 0x10);
    assert!(is_received(&mut bench, [0x02, 9, 9, 9, 9, 9]));
    assert!(!is_received(&mut bench, [0xFF; 6]));
    assert!(!is_received(&mut bench, [0x03, 9, 9, 9, 9, 9]));
}

#[test]
fn a_broadcast_needs_ab_or_its_place_in_the_multicast_filter() {
    for (rcr, filter, taken) in [
        (0x00, 0xFF, false),
        (0x04, 0, true),
        (0x08, 0, false),
        (0x08, 0xFF, true),
    ] {
        let mut bench = Bench::running();
        bench.chip.multicast_filter = [filter; 8];
        bench.write(12, rcr);
        assert_eq!(
            is_received(&mut bench, [0xFF; 6]),
            taken,
            "RCR {rcr:02X}, MAR {filter:02X}"
        );
    }
}

#[test]
fn each_of_the_64_filter_bits_opens_for_its_addresses_alone() {
    for last in 0..=255 {
        let address = [0x01, 0, 0x5E, 0, 0, last];
        let index = crate::check_sequence::multicast_index(address);
        let mut bench = Bench::running();
        bench.write(12, 0x08);
        bench.chip.multicast_filter[index / 8] = 1 << (index % 8);
        assert!(is_received(&mut bench, address));
        bench.chip.multicast_filter = bench.chip.multicast_filter.map(|bits| !bits);
        assert!(!is_received(&mut bench, address));
    }
}

#[test]
fn monitor_mode_counts_what_it_recognises_and_stores_nothing() {
    let mut bench = Bench::running();
    bench.write(12, 0x20);
    let before = bench.memory.clone();
    bench.receive(frame_to(STATION, 64));
    bench.receive(frame_to([2; 6], 64));
    assert_eq!(bench.memory, before);
    assert_eq!(bench.read(RSR), 0x50);
    assert_eq!(bench.read(15), 1);
    assert_eq!(bench.current(), 0x27);
}

// The receive ring (section 7).

#[test]
fn a_packet_lies_behind_a_header_of_status_next_page_and_count_with_its_check_sequence() {
    let mut bench = Bench::running();
    let frame = frame_to(STATION, 64);
    bench.receive(frame.clone());
    let page = bench.page(0x27);
    assert_eq!(page[..4], [0x01, 0x28, 64, 0]);
    assert_eq!(page[4..64], *frame.bytes());
    assert_eq!(page[64..68], crate::check_sequence::of(frame.bytes()));
    assert_eq!(
        (bench.current(), bench.read(ISR), bench.read(RSR)),
        (0x28, 0x01, 0x01)
    );
}

#[test]
fn phy_is_set_in_the_status_of_a_group_address() {
    let mut bench = Bench::running();
    bench.write(12, 0x04);
    bench.receive(frame_to([0xFF; 6], 64));
    assert_eq!((bench.page(0x27)[0], bench.read(RSR)), (0x21, 0x21));
}

#[test]
fn a_packet_takes_as_many_pages_as_it_fills_with_its_header() {
    for (length, pages) in [
        (64, 1),
        (252, 1),
        (253, 2),
        (508, 2),
        (509, 3),
        (1518, 6),
        (1532, 6),
        (1533, 7),
    ] {
        let mut bench = Bench::running();
        bench.receive(frame_to(STATION, length));
        assert_eq!(bench.current(), 0x27 + pages, "{length} bytes");
        let [low, high] = (length as u16).to_le_bytes();
        assert_eq!(bench.page(0x27)[1..4], [0x27 + pages, low, high]);
    }
}

#[test]
fn the_ring_goes_on_at_pstart_when_it_reaches_pstop() {
    let mut bench = Bench::running();
    bench.chip.current = 0x3F;
    bench.write(3, 0x3E);
    let frame = frame_to(STATION, 400);
    bench.receive(frame.clone());
    assert_eq!(bench.page(0x3F)[1], 0x27);
    assert_eq!(bench.page(0x3F)[4..], frame.bytes()[..252]);
    assert_eq!(bench.page(0x26)[..144], frame.bytes()[252..]);
    assert_eq!(bench.current(), 0x27);
}

#[test]
fn a_packet_that_would_cross_bnry_is_dropped_with_ovw_rst_and_a_count_of_missed() {
    let mut bench = Bench::running();
    bench.write(3, 0x28);
    let kept = bench.page(0x28);
    bench.receive(frame_to(STATION, 300));
    assert_eq!(bench.page(0x28), kept);
    assert_eq!(
        (bench.current(), bench.read(ISR), bench.read(RSR)),
        (0x27, 0x94, 0x10)
    );
    assert_eq!(
        bench.chip.counts(),
        Counts {
            missed: 1,
            ..Counts::default()
        }
    );
    assert_eq!(bench.read(15), 1);
}

#[test]
fn after_an_overflow_nothing_is_stored_until_packets_are_removed() {
    let mut bench = Bench::running();
    bench.write(3, 0x28);
    bench.receive(frame_to(STATION, 300));
    bench.receive(frame_to(STATION, 64));
    assert_eq!(bench.current(), 0x27);
    bench.write(3, 0x26);
    bench.write(ISR, 0xFF);
    assert_eq!(bench.read(ISR), 0);
    bench.receive(frame_to(STATION, 64));
    assert_eq!((bench.current(), bench.read(ISR)), (0x28, 0x01));
}

#[test]
fn nationals_recovery_brings_the_receiver_back() {
    let mut bench = Bench::running();
    bench.write(3, 0x28);
    bench.receive(frame_to(STATION, 300));
    for (offset, value) in [
        (CR, 0x21),
        (10, 0),
        (11, 0),
        (13, 0x02),
        (CR, 0x22),
        (3, 0x26),
        (ISR, 0x10),
        (13, 0),
    ] {
        bench.wait(Span::from_microseconds(1600));
        bench.write(offset, value);
    }
    bench.write(ISR, 0xFF);
    bench.receive(frame_to(STATION, 300));
    assert_eq!((bench.current(), bench.read(ISR)), (0x29, 0x01));
}

#[test]
fn bnry_equal_to_curr_is_an_empty_ring_if_bnry_came_last_and_a_full_one_if_curr_did() {
    let mut bench = Bench::running();
    bench.write(3, 0x27);
    bench.receive(frame_to(STATION, 64));
    assert_eq!(bench.current(), 0x28);
    bench.write(3, 0x29);
    bench.receive(frame_to(STATION, 64));
    assert_eq!(bench.current(), 0x29);
    let kept = bench.page(0x29);
    bench.receive(frame_to(STATION, 64));
    assert_eq!((bench.current(), bench.page(0x29)), (0x29, kept));
    assert_eq!(bench.read(ISR) & 0x10, 0x10);
}

#[test]
fn runts_are_stored_with_ar_if_they_have_eight_bytes() {
    for (length, rcr, stored) in [(63, 0, false), (64, 0, true), (63, 2, true), (12, 2, true)] {
        let mut bench = Bench::running();
        bench.write(12, rcr);
        bench.receive(frame_to(STATION, length));
        assert_eq!(
            bench.chip.counts().received == 1,
            stored,
            "{length} bytes, RCR {rcr:02X}"
        );
    }
    for length in 0..4 {
        let mut bench = Bench::running();
        bench.write(12, 0x12);
        bench.receive(Frame::new(&vec![2; length], CheckSequence::Right));
        assert_eq!(bench.chip, {
            let mut quiet = Bench::running();
            quiet.write(12, 0x12);
            quiet.chip
        });
    }
}

#[test]
fn a_wrong_check_sequence_is_counted_and_stored_only_with_sep() {
    for (rcr, status) in [(0, None), (1, Some(0x02))] {
        let mut bench = Bench::running();
        bench.write(12, rcr);
        bench.receive(frame_with(STATION, 64, CheckSequence::Wrong));
        assert_eq!(
            (bench.read(ISR), bench.read(RSR), bench.read(14)),
            (0x04, 0x02, 1)
        );
        assert_eq!(bench.chip.counts().received == 1, status.is_some());
        assert_eq!(bench.page(0x27)[0], status.unwrap_or(0));
    }
}

#[test]
fn a_tally_counter_raises_cnt_at_80h_stops_at_c0h_and_is_cleared_by_reading() {
    let mut bench = Bench::running();
    bench.write(12, 0x20);
    for count in 1..=300_u16 {
        bench.receive(frame_to(STATION, 64));
        assert_eq!(bench.read(ISR) & 0x20 != 0, count >= 0x80);
    }
    assert_eq!(bench.read(15), 0xC0);
    assert_eq!(bench.read(15), 0);
}

// Time (section 9; AN-475).

#[test]
fn the_interrupt_rises_when_local_dma_has_emptied_the_fifo_and_written_the_header() {
    // Threshold, length, nanoseconds: what is left of the last burst, the rest, the processing, the header.
    for (dcr, length, nanoseconds) in [
        (0x28, 64, 800 + 2200 + 800),
        (0x28, 65, 800 + 200 + 2200 + 800),
        (0x48, 64, 8 * 200 + 2200 + 800),
        (0x48, 65, 1600 + 200 + 2200 + 800),
        (0x48, 66, 800 + 400 + 2200 + 800),
        (0x68, 73, 2400 + 200 + 2200 + 800),
        (0x29, 66, 400 + 200 + 2200 + 400),
    ] {
        let mut bench = Bench::running();
        bench.write(14, dcr);
        bench.wait(Span::from_milliseconds(1));
        bench.receive_at(bench.now, frame_to(STATION, length));
        let due = bench.chip.next_event();
        assert_eq!(
            due.since(bench.now),
            Span::from_nanoseconds(nanoseconds),
            "DCR {dcr:02X}, {length} bytes"
        );
        bench
            .chip
            .advance(due - Span::from_picoseconds(1), &mut bench.memory);
        assert!(!bench.chip.is_interrupting());
        bench.chip.advance(due, &mut bench.memory);
        assert!(bench.chip.is_interrupting());
    }
}

#[test]
fn packets_that_arrive_faster_than_they_are_stored_are_stored_one_after_the_other() {
    let mut bench = Bench::running();
    bench.wait(Span::from_milliseconds(1));
    for length in [64, 65, 66] {
        bench.receive_at(bench.now, frame_to(STATION, length));
    }
    let mut stored = Vec::new();
    while bench.chip.next_event() != Instant::NEVER {
        let due = bench.chip.next_event();
        bench.chip.advance(due, &mut bench.memory);
        stored.push((due.since(bench.now).nanoseconds(), bench.current()));
    }
    assert_eq!(stored, [(3800, 0x28), (7000, 0x29), (10_400, 0x2A)]);
}

#[test]
fn a_packet_that_began_before_the_start_command_is_not_received() {
    let mut bench = Bench::running();
    bench.write(CR, 0x21);
    bench.write(CR, 0x22);
    bench.now += BYTE_TIME * 64;
    let early = bench.now - Span::from_nanoseconds(1);
    bench.receive_at(early, frame_to(STATION, 64));
    assert_eq!(bench.chip.next_event(), Instant::NEVER);
    bench.receive_at(bench.now, frame_to(STATION, 64));
    assert_ne!(bench.chip.next_event(), Instant::NEVER);
}

#[test]
fn a_runt_that_the_cable_tells_of_late_began_when_the_cable_says() {
    // No station is told of a frame sooner than 57.6 us after its first bit (`wire`).
    let shortest = BYTE_TIME * 64;
    for (early, is_received) in [(Span::from_nanoseconds(1), false), (Span::ZERO, true)] {
        let mut bench = Bench::running();
        bench.write(12, 0x02);
        bench.write(CR, 0x21);
        bench.wait(Span::from_milliseconds(1));
        bench.write(CR, 0x22);
        let begin = bench.now - early;
        bench.wait(shortest);
        bench
            .chip
            .received(begin + shortest, begin, frame_to(STATION, 40), bench.now);
        assert_eq!(bench.chip.next_event() != Instant::NEVER, is_received);
    }
}

#[test]
fn a_packet_that_began_before_the_stop_command_is_received() {
    let mut bench = Bench::running();
    bench.wait(Span::from_milliseconds(1));
    bench.write(CR, 0x21);
    let stopped = bench.now;
    bench.now = stopped + BYTE_TIME * 64;
    bench.receive_at(bench.now, frame_to(STATION, 64));
    assert_eq!(bench.chip.next_event(), Instant::NEVER, "it began with the stop");
    bench.receive_at(bench.now, frame_to(STATION, 65));
    bench.wait(Span::from_microseconds(10));
    assert_eq!((bench.chip.counts().received, bench.read(ISR)), (1, 0x81));
}

// Loopback (section 12, AN-937).

fn loop_back(tcr: u8, count: u16) -> Bench {
    let mut bench = Bench::running();
    bench.memory.store(0x20, 0, frame_to(STATION, 260).bytes());
    bench.write(14, 0x20);
    bench.write(13, tcr);
    bench.send(count);
    bench
}

#[test]
fn modes_1_and_2_end_by_themselves_with_the_status_bits_of_an_937() {
    for (tcr, tsr) in [(0x02, 0x51), (0x04, 0x41)] {
        let mut bench = loop_back(tcr, 60);
        assert_eq!(bench.chip.take_requests(), []);
        let duration = Span::from_nanoseconds(800 + 800 * (8 + 64));
        assert_eq!(bench.chip.next_event().since(bench.now), duration);
        bench.wait(duration);
        assert_eq!(
            (bench.read(TSR), bench.read(RSR), bench.read(ISR)),
            (tsr, 0x02, 0x06)
        );
    }
}

#[test]
fn mode_3_sends_onto_the_cable() {
    let mut bench = loop_back(0x06, 60);
    assert_eq!(bench.chip.take_requests().len(), 1);
    bench.finish_sending(GOOD);
    assert_eq!(
        (bench.read(TSR), bench.read(RSR), bench.read(ISR)),
        (0x01, 0x02, 0x06)
    );
}

#[test]
fn an_address_that_does_not_match_shows_no_check_error_in_loopback() {
    let mut bench = loop_back(0x02, 60);
    bench.wait(Span::from_milliseconds(1));
    bench.write(CR, 0x62);
    bench.write(1, 0x04);
    bench.write(CR, 0x22);
    bench.write(ISR, 0xFF);
    bench.send(60);
    bench.wait(Span::from_milliseconds(1));
    assert_eq!((bench.read(RSR), bench.read(ISR)), (0x01, 0x02));
}

#[test]
fn the_receiver_checks_the_sequence_that_software_appends_in_loopback() {
    let data = frame_to(STATION, 64);
    for (damage, rsr, isr) in [(0, 0x01, 0x02), (1, 0x02, 0x06)] {
        let mut bench = loop_back(0x03, 0);
        let mut packet = crate::check_sequence::with_sequence(&data);
        packet[60] ^= damage;
        bench.memory.store(0x20, 0, &packet);
        bench.write(ISR, 0xFF);
        bench.send(64);
        bench.wait(Span::from_milliseconds(1));
        assert_eq!((bench.read(RSR), bench.read(ISR)), (rsr, isr));
    }
}

#[test]
fn the_fifo_shows_the_last_bytes_of_the_loopback_packet_and_its_count() {
    let mut bench = loop_back(0x02, 60);
    bench.wait(Span::from_milliseconds(1));
    let data = frame_to(STATION, 260).bytes()[..60].to_vec();
    let sequence = crate::check_sequence::of(&data);
    let expected = [&[64, 0, 0, data[59]], &sequence[..]].concat();
    let fifo: Vec<u8> = (0..8).map(|_| bench.read(6)).collect();
    assert_eq!(fifo, expected);
}

#[test]
fn in_loopback_nothing_is_received_from_the_cable() {
    for tcr in [0x02, 0x04, 0x06] {
        let mut bench = Bench::running();
        bench.write(13, tcr);
        assert!(!bench.chip.is_listening());
        bench.receive(frame_to(STATION, 64));
        assert_eq!(bench.read(ISR), 0);
    }
}

// Remote DMA (section 9).

fn remote(bench: &mut Bench, address: u16, count: u16, command: u8) {
    let ([a0, a1], [c0, c1]) = (address.to_le_bytes(), count.to_le_bytes());
    for (offset, value) in [(8, a0), (9, a1), (10, c0), (11, c1), (CR, command)] {
        bench.write(offset, value);
    }
}

#[test]
fn a_remote_write_and_a_remote_read_move_as_many_bytes_as_rbcr_says_and_raise_rdc() {
    let mut bench = Bench::running();
    remote(&mut bench, 0x20FE, 3, 0x12);
    for value in [1, 2, 3] {
        assert_eq!(bench.read(ISR), 0);
        assert!(bench.remote_write(value).is_some());
    }
    assert_eq!(
        (bench.read(ISR), bench.read(8), bench.read(9)),
        (0x40, 0x01, 0x21)
    );
    assert_eq!(bench.remote_write(4), None);
    bench.write(ISR, 0x40);
    remote(&mut bench, 0x20FE, 3, 0x0A);
    let read: Vec<_> = std::iter::from_fn(|| bench.remote_read()).collect();
    assert_eq!((read, bench.read(ISR)), (vec![1, 2, 3], 0x40));
}

#[test]
fn a_remote_read_of_no_bytes_raises_rdc_at_once() {
    let mut bench = Bench::running();
    remote(&mut bench, 0x2000, 0, 0x0A);
    assert_eq!(bench.read(ISR), 0x40);
}

#[test]
fn an_abort_ends_remote_dma_without_rdc() {
    let mut bench = Bench::running();
    remote(&mut bench, 0x2000, 5, 0x0A);
    bench.write(CR, 0x22);
    assert_eq!(bench.remote_read(), None);
    assert_eq!(bench.read(ISR), 0);
}

#[test]
fn remote_dma_goes_round_in_the_ring() {
    let mut bench = Bench::running();
    bench.memory.write(0x3FFF, 7);
    bench.memory.write(0x2600, 8);
    remote(&mut bench, 0x3FFF, 2, 0x0A);
    assert_eq!(bench.remote_read(), Some(7));
    assert_eq!(bench.remote_read(), Some(8));
}

#[test]
fn the_send_packet_command_removes_the_packet_at_bnry_if_arm_is_set() {
    let mut bench = Bench::running();
    bench.write(3, 0x27);
    let frame = frame_to(STATION, 300);
    bench.receive(frame.clone());
    bench.write(ISR, 0xFF);
    bench.write(11, 0x0F);
    bench.write(CR, 0x1A);
    assert_eq!(bench.remote_read(), None, "ARM is clear");
    bench.write(14, 0x38);
    bench.write(CR, 0x1A);
    let packet: Vec<u8> = std::iter::from_fn(|| bench.remote_read()).collect();
    assert_eq!(packet[4..], *frame.bytes());
    assert_eq!((bench.read(3), bench.read(ISR)), (0x29, 0x40));
}
