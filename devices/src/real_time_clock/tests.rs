//! The section names are those of the Motorola MC146818A data sheet.

use clock::Span;
use proptest::prelude::{any, proptest};

use super::*;
use crate::bench::{Bench, Step, any_step};

/// Thu Dec 1 1994, 23:59:58.
const EVE: i64 = 786_240_000 + 86_398;

fn get(clock: &mut RealTimeClock, bench: &mut Bench, index: u8) -> u8 {
    bench.call(|cx| clock.write(0x70, index | 0x80, cx));
    bench.call(|cx| clock.read(0x71, cx))
}

fn put(clock: &mut RealTimeClock, bench: &mut Bench, index: u8, value: u8) {
    bench.call(|cx| clock.write(0x70, index | 0x80, cx));
    bench.call(|cx| clock.write(0x71, value, cx));
}

fn pass(clock: &mut RealTimeClock, bench: &mut Bench, span: Span) {
    bench.pass(span, |cx| clock.wake(cx));
}

/// Register C's flags are set at the end of update cycle `n`, counted from 1.
fn update_end(n: u64) -> Instant {
    OSCILLATOR.instant(n * TICKS_PER_SECOND + UPDATE_TICKS)
}

#[test]
fn time_is_in_bcd_and_carries_into_the_next_day() {
    let (mut clock, mut bench) = (RealTimeClock::new(EVE), Bench::new());
    let time = |clock: &mut RealTimeClock, bench: &mut Bench| {
        [9, 8, 7, 6, 4, 2, 0, 0x32].map(|index| get(clock, bench, index))
    };
    let before = time(&mut clock, &mut bench);
    assert_eq!(before, [0x94, 0x12, 0x01, 5, 0x23, 0x59, 0x58, 0x19]);
    pass(&mut clock, &mut bench, Span::from_milliseconds(2_100));
    let after = time(&mut clock, &mut bench);
    assert_eq!(after, [0x94, 0x12, 0x02, 6, 0x00, 0x00, 0x00, 0x19]);
}

#[test]
fn an_update_in_progress_shows_244_us_before_the_cycle_and_for_its_1984_us() {
    let (mut clock, mut bench) = (RealTimeClock::new(EVE), Bench::new());
    let mut edges = Vec::new();
    let mut last = 0;
    for microsecond in 990_000..1_010_000u64 {
        bench.now = Instant::START + Span::from_microseconds(microsecond);
        let uip = get(&mut clock, &mut bench, 0x0A) & 0x80;
        if uip != last {
            edges.push(microsecond);
        }
        last = uip;
    }
    assert_eq!(edges, [1_000_000 - 244, 1_000_000 + 1984]);
}

#[test]
fn the_time_changes_when_the_update_in_progress_bit_falls() {
    let (mut clock, mut bench) = (RealTimeClock::new(EVE), Bench::new());
    bench.now = update_end(1) - Span::from_picoseconds(1);
    assert_eq!(get(&mut clock, &mut bench, 0), 0x58);
    assert_eq!(get(&mut clock, &mut bench, 0x0A) & 0x80, 0x80);
    bench.now = update_end(1);
    assert_eq!(get(&mut clock, &mut bench, 0), 0x59);
    assert_eq!(get(&mut clock, &mut bench, 0x0A) & 0x80, 0);
}

#[test]
fn set_stops_the_time_and_clears_the_update_interrupt_enable() {
    let (mut clock, mut bench) = (RealTimeClock::new(EVE), Bench::new());
    put(&mut clock, &mut bench, 0x0B, 0x92);
    assert_eq!(get(&mut clock, &mut bench, 0x0B), 0x82);
    pass(&mut clock, &mut bench, Span::from_milliseconds(5_500));
    assert_eq!(get(&mut clock, &mut bench, 0), 0x58);
    assert_eq!(get(&mut clock, &mut bench, 0x0C) & 0x10, 0);
    put(&mut clock, &mut bench, 0x0B, 0x02);
    pass(&mut clock, &mut bench, Span::from_milliseconds(1_010));
    assert_eq!(get(&mut clock, &mut bench, 0), 0x59);
}

#[test]
fn the_first_update_after_a_divider_reset_begins_half_a_second_later() {
    let (mut clock, mut bench) = (RealTimeClock::new(EVE), Bench::new());
    put(&mut clock, &mut bench, 0x0A, 0x70);
    pass(&mut clock, &mut bench, Span::from_seconds(10));
    assert_eq!(get(&mut clock, &mut bench, 0), 0x58);
    put(&mut clock, &mut bench, 0x0A, 0x20);
    pass(&mut clock, &mut bench, Span::from_milliseconds(501));
    assert_eq!(get(&mut clock, &mut bench, 0), 0x58);
    pass(&mut clock, &mut bench, Span::from_milliseconds(1));
    assert_eq!(get(&mut clock, &mut bench, 0), 0x59);
}

#[test]
fn the_twelve_hour_mode_has_pm_in_bit_7_and_no_hour_zero() {
    let (mut clock, mut bench) = (RealTimeClock::new(0), Bench::new());
    put(&mut clock, &mut bench, 0x0B, 0x80);
    for (hour, next) in [
        (0x11, 0x92),
        (0x92, 0x81),
        (0x91, 0x12),
        (0x12, 0x01),
        (0x09, 0x10),
    ] {
        put(&mut clock, &mut bench, 0x0B, 0x80);
        for (index, value) in [(0, 0x59), (2, 0x59), (4, hour)] {
            put(&mut clock, &mut bench, index, value);
        }
        put(&mut clock, &mut bench, 0x0B, 0x00);
        pass(&mut clock, &mut bench, Span::from_milliseconds(1_010));
        assert_eq!(get(&mut clock, &mut bench, 4), next, "after {hour:02x}:59:59");
    }
}

#[test]
fn in_binary_mode_the_bytes_are_numbers() {
    let (mut clock, mut bench) = (RealTimeClock::new(0), Bench::new());
    for (index, value) in [
        (0x0B, 0x86),
        (0, 58),
        (2, 59),
        (4, 23),
        (7, 28),
        (8, 2),
        (9, 95),
        (0x0B, 0x06),
    ] {
        put(&mut clock, &mut bench, index, value);
    }
    pass(&mut clock, &mut bench, Span::from_milliseconds(2_100));
    let time = [9, 8, 7, 4, 2, 0].map(|index| get(&mut clock, &mut bench, index));
    assert_eq!(time, [95, 3, 1, 0, 0, 0]);
}

#[test]
fn every_periodic_rate_has_its_period() {
    // Data sheet, table 5, the column for 32.768 kHz, in oscillator ticks.
    let periods = [
        128, 256, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384,
    ];
    for (rate, period) in (1..).zip(periods) {
        let (mut clock, mut bench) = (RealTimeClock::new(0), Bench::new());
        put(&mut clock, &mut bench, 0x0A, 0x20 | rate);
        put(&mut clock, &mut bench, 0x0B, 0x42);
        pass(&mut clock, &mut bench, OSCILLATOR.span(period));
        assert_eq!(bench.rises(8), [OSCILLATOR.instant(period)]);
        assert_eq!(get(&mut clock, &mut bench, 0x0C), 0xC0);
        assert!(!bench.lines[8]);
        assert_eq!(bench.alarm, OSCILLATOR.instant(2 * period));
    }
}

#[test]
fn the_update_ended_interrupt_comes_once_a_second_if_register_c_is_read() {
    let (mut clock, mut bench) = (RealTimeClock::new(0), Bench::new());
    put(&mut clock, &mut bench, 0x0B, 0x12);
    for n in 1..5 {
        pass(&mut clock, &mut bench, Span::from_milliseconds(1_010));
        assert_eq!(bench.rises(8).len(), n);
        assert_eq!(get(&mut clock, &mut bench, 0x0C) & 0x90, 0x90);
    }
    assert!(bench.rises(8).into_iter().eq((1..5).map(update_end)));
}

#[test]
fn register_c_is_cleared_by_reading_it() {
    let (mut clock, mut bench) = (RealTimeClock::new(0), Bench::new());
    pass(&mut clock, &mut bench, Span::from_milliseconds(1_100));
    assert_eq!(get(&mut clock, &mut bench, 0x0C), 0x50);
    assert_eq!(get(&mut clock, &mut bench, 0x0C), 0x00);
}

#[test]
fn the_alarm_interrupt_comes_at_the_exact_second_and_wakes_nobody_before() {
    let (mut clock, mut bench) = (RealTimeClock::new(0), Bench::new());
    for (index, value) in [(5, 0x01), (3, 0x02), (1, 0x03), (0x0B, 0x22)] {
        put(&mut clock, &mut bench, index, value);
    }
    assert_eq!(bench.alarm, update_end(3723));
    pass(&mut clock, &mut bench, Span::from_seconds(4000));
    assert_eq!(bench.rises(8), [update_end(3723)]);
}

#[test]
fn an_alarm_byte_from_c0h_up_matches_every_hour_minute_or_second() {
    for (bytes, seconds) in [
        ([0xC0, 0xFF, 0xC0], 1),
        ([0xC0, 0xC0, 0x30], 30),
        ([0xC0, 0x05, 0x00], 300),
        ([0x02, 0xC0, 0xC0], 7200),
        ([0x00, 0x00, 0x00], 86_400),
    ] {
        let mut clock = RealTimeClock::new(0);
        for (index, byte) in [5, 3, 1].into_iter().zip(bytes) {
            clock.bytes[index] = byte;
        }
        assert_eq!(clock.updates_to_alarm(), Some(seconds));
    }
}

#[test]
fn an_alarm_that_cannot_match_wakes_nobody() {
    let (mut clock, mut bench) = (RealTimeClock::new(0), Bench::new());
    for (index, value) in [(1, 0x99), (0x0B, 0x22)] {
        put(&mut clock, &mut bench, index, value);
    }
    assert_eq!(bench.alarm, Instant::NEVER);
}

#[test]
fn bit_7_of_the_index_masks_nmi() {
    let (mut clock, mut bench) = (RealTimeClock::new(0), Bench::new());
    for value in [0x8F, 0x0F, 0x00, 0x80] {
        bench.call(|cx| clock.write(0x70, value, cx));
    }
    let told: Vec<_> = bench.log.iter().map(|(_, effect)| *effect).collect();
    assert_eq!(told, [Effect::NmiMasked(false), Effect::NmiMasked(true)]);
}

#[test]
fn register_d_says_that_ram_and_time_are_valid() {
    let (mut clock, mut bench) = (RealTimeClock::new(0), Bench::new());
    put(&mut clock, &mut bench, 0x0D, 0);
    assert_eq!(get(&mut clock, &mut bench, 0x0D), 0x80);
}

#[test]
fn the_checksum_follows_the_bytes_that_the_board_sets() {
    let mut clock = RealTimeClock::new(0);
    clock.set_cmos(0x10, 0xFF);
    clock.set_cmos(0x2D, 0x03);
    clock.set_cmos(0x30, 0x77);
    assert_eq!((clock.cmos(0x2E), clock.cmos(0x2F)), (0x01, 0x02));
    assert_eq!(clock.checksum(), 0x0102);
}

#[test]
fn a_reset_disables_the_interrupts_and_keeps_time_and_ram() {
    let (mut clock, mut bench) = (RealTimeClock::new(EVE), Bench::new());
    clock.set_cmos(0x40, 9);
    put(&mut clock, &mut bench, 0x0B, 0x72);
    pass(&mut clock, &mut bench, Span::from_milliseconds(1_010));
    assert!(bench.lines[8]);
    bench.call(|cx| clock.reset(cx));
    assert!(!bench.lines[8]);
    assert_eq!(bench.alarm, Instant::NEVER);
    assert_eq!((clock.cmos(0x40), get(&mut clock, &mut bench, 0)), (9, 0x59));
}

/// Register B, DSE.
#[test]
fn with_daylight_saving_an_hour_is_left_out_in_april_and_comes_twice_in_october() {
    // Days from 1 January 1970 to 24 April and 30 October 1994.
    for (days, hours) in [(8879, [0x01, 0x03, 0x04]), (9068, [0x01, 0x01, 0x02])] {
        let (mut clock, mut bench) = (RealTimeClock::new(days * 86_400 + 2 * 3600 - 2), Bench::new());
        put(&mut clock, &mut bench, 0x0B, 0x03);
        assert_eq!(get(&mut clock, &mut bench, 6), 1, "a Sunday");
        let mut seen = Vec::new();
        for seconds in [1, 2, 3600] {
            pass(&mut clock, &mut bench, Span::from_seconds(seconds));
            seen.push(get(&mut clock, &mut bench, 4));
        }
        assert_eq!(seen, hours);
    }
}

#[test]
fn an_alarm_in_the_hour_that_comes_twice_rings_twice() {
    let (mut clock, mut bench) = (RealTimeClock::new(9068 * 86_400 + 3600), Bench::new());
    for (index, value) in [(1, 0x00), (3, 0x30), (5, 0x01), (0x0B, 0x23)] {
        put(&mut clock, &mut bench, index, value);
    }
    for minutes in [30, 60] {
        let count = bench.rises(8).len();
        pass(&mut clock, &mut bench, Span::from_seconds(minutes * 60 + 1));
        assert_eq!(bench.rises(8).len(), count + 1);
        get(&mut clock, &mut bench, 0x0C);
    }
}

proptest! {
    #[test]
    fn irq_8_is_irqf_and_time_stays_a_time_whatever_a_program_does(
        epoch in any::<i64>(),
        steps in proptest::collection::vec((any::<bool>(), any_step(0x70, 0x72)), 0..150),
    ) {
        let (mut clock, mut bench) = (RealTimeClock::new(epoch), Bench::new());
        for (is_low, step) in steps {
            match step {
                Step::Read(port) => { bench.call(|cx| clock.read(port, cx)); }
                // Most of the addresses are RAM; aim at the clock.
                Step::Write(0x70, value) if is_low => bench.call(|cx| clock.write(0x70, value & 0x8F, cx)),
                Step::Write(port, value) => bench.call(|cx| clock.write(port, value, cx)),
                Step::Poke(0) => bench.call(|cx| clock.reset(cx)),
                Step::Poke(value) => clock.set_cmos(value % 0x70 + 0x0E, value),
                Step::Pass(span) => pass(&mut clock, &mut bench, span),
                Step::Jump(span, woken) => {
                    bench.jump(span, woken, |cx| clock.wake(cx));
                    bench.call(|cx| clock.read(0x72, cx));
                }
            }
            assert!(bench.alarm > bench.now);
            let mut observed = clock.clone();
            let flags = observed.read_register(address::REGISTER_C);
            assert_eq!(bench.lines[8], flags & 0x80 != 0);
        }
    }
}
