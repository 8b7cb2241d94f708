use clock::Span;
use proptest::prelude::proptest;

use super::*;
use crate::bench::{Bench, Step, any_step};

fn write(timer: &mut Timer, bench: &mut Bench, bytes: &[(u16, u8)]) {
    for &(port, value) in bytes {
        bench.call(|cx| timer.write(port, value, cx));
    }
}

fn pass_ticks(timer: &mut Timer, bench: &mut Bench, ticks: u64) {
    let target = Timer::RATE.instant(Timer::RATE.ticks_at(bench.now) + ticks);
    bench.pass(target.since(bench.now), |cx| timer.wake(cx));
}

#[test]
fn mode_3_with_divisor_11932_raises_irq_0_every_11932_ticks_over_1000_periods() {
    let mut timer = Timer::new();
    let mut bench = Bench::new();
    let [low, high] = 11_932u16.to_le_bytes();
    write(&mut timer, &mut bench, &[(0x43, 0x36), (0x40, low), (0x40, high)]);
    bench.pass(Span::from_seconds(11), |cx| timer.wake(cx));
    let rises = bench.rises(0);
    assert!(rises.len() > 1000);
    // The control word raises the output at once; the count is loaded on tick 1.
    let expected = (0..1000).map(|n| match n {
        0 => Instant::START,
        n => Timer::RATE.instant(1 + n * 11_932),
    });
    assert!(rises.iter().copied().take(1000).eq(expected));
}

#[test]
fn an_idle_timer_wants_no_wake_up() {
    let mut timer = Timer::new();
    let mut bench = Bench::new();
    write(
        &mut timer,
        &mut bench,
        &[
            (0x43, 0x74),
            (0x41, 18),
            (0x41, 0),
            (0x43, 0xB6),
            (0x42, 9),
            (0x42, 9),
        ],
    );
    assert_eq!(bench.alarm, Instant::NEVER);
}

#[test]
fn a_latched_count_stands_still_until_both_bytes_are_read() {
    let mut timer = Timer::new();
    let mut bench = Bench::new();
    write(
        &mut timer,
        &mut bench,
        &[(0x43, 0x34), (0x40, 0x00), (0x40, 0x10)],
    );
    pass_ticks(&mut timer, &mut bench, 1 + 0x123);
    write(&mut timer, &mut bench, &[(0x43, 0x00)]);
    pass_ticks(&mut timer, &mut bench, 100);
    write(&mut timer, &mut bench, &[(0x43, 0x00)]);
    let mut read = || bench.call(|cx| timer.read(0x40, cx));
    assert_eq!([read(), read()], 0x0EDDu16.to_le_bytes());
    assert_eq!([read(), read()], (0x0EDDu16 - 100).to_le_bytes());
}

#[test]
fn read_back_latches_status_and_count_of_several_counters_and_status_is_read_first() {
    let mut timer = Timer::new();
    let mut bench = Bench::new();
    write(
        &mut timer,
        &mut bench,
        &[(0x43, 0x14), (0x40, 50), (0x43, 0x70), (0x41, 7), (0x41, 1)],
    );
    pass_ticks(&mut timer, &mut bench, 11);
    write(&mut timer, &mut bench, &[(0x43, 0xC6)]);
    pass_ticks(&mut timer, &mut bench, 5);
    let mut read = |port| bench.call(|cx| timer.read(port, cx));
    assert_eq!([read(0x40), read(0x40), read(0x40)], [0x94, 40, 35]);
    assert_eq!([read(0x41), read(0x41), read(0x41)], [0x30, 0xFD, 0x00]);
}

#[test]
fn the_null_count_bit_is_set_until_the_counting_element_takes_the_count() {
    let mut timer = Timer::new();
    let mut bench = Bench::new();
    write(&mut timer, &mut bench, &[(0x43, 0x14), (0x40, 50), (0x43, 0xE2)]);
    assert_eq!(bench.call(|cx| timer.read(0x40, cx)) & 0x40, 0x40);
    pass_ticks(&mut timer, &mut bench, 1);
    write(&mut timer, &mut bench, &[(0x43, 0xE2)]);
    assert_eq!(bench.call(|cx| timer.read(0x40, cx)) & 0x40, 0);
}

#[test]
fn a_second_latch_command_is_ignored_until_the_first_was_read() {
    let mut timer = Timer::new();
    let mut bench = Bench::new();
    write(&mut timer, &mut bench, &[(0x43, 0x14), (0x40, 50)]);
    pass_ticks(&mut timer, &mut bench, 1);
    write(&mut timer, &mut bench, &[(0x43, 0x00)]);
    pass_ticks(&mut timer, &mut bench, 1);
    write(&mut timer, &mut bench, &[(0x43, 0x00)]);
    assert_eq!(bench.call(|cx| timer.read(0x40, cx)), 50);
}

#[test]
fn the_speaker_counter_runs_only_while_its_gate_is_high() {
    let mut timer = Timer::new();
    let mut bench = Bench::new();
    write(&mut timer, &mut bench, &[(0x43, 0xB0), (0x42, 20), (0x42, 0)]);
    pass_ticks(&mut timer, &mut bench, 100);
    assert!(!timer.output(2, bench.now));
    bench.call(|cx| timer.set_gate_2(true, cx));
    pass_ticks(&mut timer, &mut bench, 19);
    assert!(!timer.output(2, bench.now));
    pass_ticks(&mut timer, &mut bench, 1);
    assert!(timer.output(2, bench.now));
}

#[test]
fn the_control_port_drives_nothing_on_a_read() {
    let mut timer = Timer::new();
    assert_eq!(Bench::new().call(|cx| timer.read(0x43, cx)), 0xFF);
}

#[test]
fn a_board_that_comes_days_late_sees_a_pulse_and_not_every_edge() {
    let mut timer = Timer::new();
    let mut bench = Bench::new();
    write(&mut timer, &mut bench, &[(0x43, 0x34), (0x40, 0), (0x40, 0)]);
    let told = bench.log.len();
    bench.jump(Span::from_seconds(200_000), true, |cx| timer.wake(cx));
    assert!((2..10).contains(&(bench.log.len() - told)));
}

proptest! {
    #[test]
    fn irq_0_is_the_output_of_counter_0_whatever_a_program_does(
        steps in proptest::collection::vec(any_step(0x40, 0x43), 0..150),
    ) {
        let mut timer = Timer::new();
        let mut bench = Bench::new();
        for step in steps {
            let is_exact = !matches!(step, Step::Jump(..));
            match step {
                Step::Read(port) => { bench.call(|cx| timer.read(port, cx)); }
                Step::Write(port, value) => bench.call(|cx| timer.write(port, value, cx)),
                Step::Poke(value) => bench.call(|cx| timer.set_gate_2(value % 2 == 0, cx)),
                Step::Pass(span) => bench.pass(span, |cx| timer.wake(cx)),
                Step::Jump(span, woken) => {
                    bench.jump(span, woken, |cx| timer.wake(cx));
                    bench.call(|cx| timer.read(0x43, cx));
                }
            }
            assert_eq!(bench.lines[0], timer.output(0, bench.now), "exact: {is_exact}");
            assert!(bench.alarm > bench.now);
        }
    }
}
