//! Facts of the IBM PC AT Technical Reference, "Keyboard Controller" and "Keyboard".

use proptest::prelude::{any, prop_assert_eq, proptest};

use super::*;
use crate::bench::{Bench, Step, any_step};

fn write(controller: &mut KeyboardController, bench: &mut Bench, writes: &[(u16, u8)]) {
    for &(port, value) in writes {
        bench.call(|cx| controller.write(port, value, cx));
    }
}

fn read(controller: &mut KeyboardController, bench: &mut Bench, port: u16) -> u8 {
    bench.call(|cx| controller.read(port, cx))
}

/// The bytes that arrive within `span`, each read as soon as it is there.
fn bytes(controller: &mut KeyboardController, bench: &mut Bench, span: Span) -> Vec<u8> {
    let end = bench.now + span;
    let mut bytes = Vec::new();
    loop {
        if read(controller, bench, 0x64) & 1 != 0 {
            bytes.push(read(controller, bench, 0x60));
        } else if bench.alarm > end {
            return bytes;
        }
        if bench.alarm != Instant::NEVER {
            bench.pass(bench.alarm.since(bench.now), |cx| controller.wake(cx));
        }
    }
}

/// As a BIOS leaves it: interrupt on, translation on.
fn posted() -> (KeyboardController, Bench) {
    let (mut controller, mut bench) = (KeyboardController::new(), Bench::new());
    write(&mut controller, &mut bench, &[(0x64, 0xAA)]);
    assert_eq!(read(&mut controller, &mut bench, 0x60), 0x55);
    write(&mut controller, &mut bench, &[(0x64, 0x60), (0x60, 0x45)]);
    (controller, bench)
}

/// The same without translation.
fn untranslated() -> (KeyboardController, Bench) {
    let (mut controller, mut bench) = posted();
    write(&mut controller, &mut bench, &[(0x64, 0x60), (0x60, 0x05)]);
    (controller, bench)
}

fn effects(bench: &Bench) -> Vec<Effect> {
    let is_outside = |effect: &Effect| !matches!(effect, Effect::Wake(_) | Effect::InterruptRequest { .. });
    bench
        .log
        .iter()
        .map(|(_, effect)| *effect)
        .filter(is_outside)
        .collect()
}

/// Waits until status bit 1 is clear; tells for how long.
fn wait_for_input(controller: &mut KeyboardController, bench: &mut Bench) -> Span {
    let begin = bench.now;
    while read(controller, bench, 0x64) & 2 != 0 {
        assert_ne!(
            bench.alarm,
            Instant::NEVER,
            "the input buffer stays full for ever"
        );
        bench.pass(bench.alarm.since(bench.now), |cx| controller.wake(cx));
    }
    bench.now.since(begin)
}

/// Writes each byte once the input buffer is empty, as programs do.
fn write_polling(controller: &mut KeyboardController, bench: &mut Bench, writes: &[(u16, u8)]) {
    for &(port, value) in writes {
        wait_for_input(controller, bench);
        write(controller, bench, &[(port, value)]);
    }
}

/// A part of the time of a byte.
const PART: Span = Span::from_microseconds(300);

const SECOND: Span = Span::from_seconds(1);

#[test]
fn the_self_test_answers_55h_and_sets_the_system_flag() {
    let (mut controller, mut bench) = (KeyboardController::new(), Bench::new());
    assert_eq!(read(&mut controller, &mut bench, 0x64), 0x10);
    write(&mut controller, &mut bench, &[(0x64, 0xAA)]);
    assert_eq!(read(&mut controller, &mut bench, 0x64), 0x1D);
    assert_eq!(read(&mut controller, &mut bench, 0x60), 0x55);
    assert_eq!(read(&mut controller, &mut bench, 0x64), 0x1C);
}

#[test]
fn the_command_byte_reads_back() {
    let (mut controller, mut bench) = posted();
    write(&mut controller, &mut bench, &[(0x64, 0x20)]);
    assert_eq!(read(&mut controller, &mut bench, 0x60), 0x45);
}

#[test]
fn d1_drives_the_a20_gate_and_d0_reads_the_output_port() {
    let (mut controller, mut bench) = posted();
    write(
        &mut controller,
        &mut bench,
        &[(0x64, 0xD1), (0x60, 0xDF), (0x64, 0xD0)],
    );
    assert_eq!(read(&mut controller, &mut bench, 0x60) & 0x03, 0x03);
    write(&mut controller, &mut bench, &[(0x64, 0xD1), (0x60, 0xDD)]);
    assert_eq!(effects(&bench), [true, false].map(Effect::KeyboardA20));
}

#[test]
fn the_board_can_open_a20_and_a_reset_closes_it() {
    let (mut controller, mut bench) = posted();
    bench.call(|cx| controller.enable_a20(cx));
    bench.call(|cx| controller.reset(cx));
    assert_eq!(effects(&bench), [true, false].map(Effect::KeyboardA20));
}

#[test]
fn feh_pulses_the_reset_and_ffh_pulses_nothing() {
    let (mut controller, mut bench) = posted();
    write(&mut controller, &mut bench, &[(0x64, 0xFF), (0x64, 0xFE)]);
    assert_eq!(effects(&bench), [Effect::ResetProcessor]);
}

#[test]
fn output_port_bit_0_low_resets_the_processor() {
    let (mut controller, mut bench) = posted();
    write(&mut controller, &mut bench, &[(0x64, 0xD1), (0x60, 0x00)]);
    assert_eq!(effects(&bench), [Effect::ResetProcessor]);
}

#[test]
fn d2_puts_a_byte_into_the_output_buffer_as_if_from_the_keyboard() {
    let (mut controller, mut bench) = posted();
    write(&mut controller, &mut bench, &[(0x64, 0xD2), (0x60, 0x77)]);
    assert!(bench.lines[1]);
    assert_eq!(read(&mut controller, &mut bench, 0x60), 0x77);
    assert!(!bench.lines[1]);
}

#[test]
fn a_key_arrives_11_bit_times_later_with_irq_1_until_it_is_read() {
    let (mut controller, mut bench) = posted();
    bench.call(|cx| controller.key(0x1C, cx));
    bench.pass(SECOND, |cx| controller.wake(cx));
    assert_eq!(bench.rises(1).last(), Some(&(Instant::START + BYTE_TIME)));
    assert!(bench.lines[1]);
    assert_eq!(read(&mut controller, &mut bench, 0x60), 0x1E);
    assert!(!bench.lines[1]);
}

#[test]
fn translation_merges_the_release_prefix_into_bit_7() {
    let (mut controller, mut bench) = posted();
    for byte in [0x1C, 0xF0, 0x1C, 0xE0, 0xF0, 0x75] {
        bench.call(|cx| controller.key(byte, cx));
    }
    assert_eq!(
        bytes(&mut controller, &mut bench, SECOND),
        [0x1E, 0x9E, 0xE0, 0xC8]
    );
}

#[test]
fn without_translation_scan_set_2_comes_through() {
    let (mut controller, mut bench) = untranslated();
    for byte in [0x1C, 0xF0, 0x1C] {
        bench.call(|cx| controller.key(byte, cx));
    }
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0x1C, 0xF0, 0x1C]);
}

#[test]
fn no_two_keys_share_a_translation() {
    let mut codes: Vec<_> = (1..0x80).map(set_2_to_set_1).collect();
    codes.sort_unstable();
    codes.dedup();
    // F7 (83h) is 41h and Alt with Print Screen (84h) is 54h: both repeat the codes of 02h and 7Fh.
    assert_eq!(codes.len(), 0x7F);
}

#[test]
fn the_keyboard_answers_reset_with_acknowledge_and_300_ms_later_with_aah() {
    let (mut controller, mut bench) = untranslated();
    write(&mut controller, &mut bench, &[(0x60, 0xFF)]);
    assert_eq!(
        bytes(&mut controller, &mut bench, Span::from_milliseconds(300)),
        [0xFA]
    );
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0xAA]);
}

#[test]
fn the_keyboard_identifies_as_an_mf2_keyboard() {
    let (mut controller, mut bench) = untranslated();
    write(&mut controller, &mut bench, &[(0x60, 0xF2)]);
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0xFA, 0xAB, 0x83]);
}

#[test]
fn commands_with_an_option_acknowledge_both_bytes() {
    let (mut controller, mut bench) = untranslated();
    for (command, option, answer) in [
        (0xED, 0x07, &[0xFA][..]),
        (0xF3, 0x20, &[0xFA]),
        (0xF0, 0x00, &[0xFA, 2]),
    ] {
        write(&mut controller, &mut bench, &[(0x60, command)]);
        assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0xFA]);
        write(&mut controller, &mut bench, &[(0x60, option)]);
        assert_eq!(bytes(&mut controller, &mut bench, SECOND), answer);
    }
    assert_eq!(controller.indicators(), 7);
}

#[test]
fn echo_echoes_resend_repeats_and_nonsense_asks_for_a_resend() {
    let (mut controller, mut bench) = untranslated();
    for (command, answer) in [(0xEE, 0xEE), (0xFE, 0xEE), (0x55, 0xFE)] {
        write(&mut controller, &mut bench, &[(0x60, command)]);
        assert_eq!(bytes(&mut controller, &mut bench, SECOND), [answer]);
    }
}

#[test]
fn in_scan_set_1_the_keyboard_itself_translates() {
    let (mut controller, mut bench) = untranslated();
    for option in [0xF0, 0x01] {
        write(&mut controller, &mut bench, &[(0x60, option)]);
        bytes(&mut controller, &mut bench, SECOND);
    }
    for byte in [0x1C, 0xF0, 0x1C] {
        bench.call(|cx| controller.key(byte, cx));
    }
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0x1E, 0x9E]);
}

#[test]
fn a_disabled_keyboard_keeps_16_codes_and_an_overrun_code() {
    let (mut controller, mut bench) = untranslated();
    write(&mut controller, &mut bench, &[(0x64, 0xAD)]);
    for code in 1..30 {
        bench.call(|cx| controller.key(code, cx));
    }
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), []);
    write(&mut controller, &mut bench, &[(0x64, 0xAE)]);
    let kept: Vec<u8> = (1..=16).chain([0]).collect();
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), kept);
}

#[test]
fn an_answer_of_the_controller_does_not_lose_the_key_that_is_on_the_line() {
    let (mut controller, mut bench) = untranslated();
    bench.call(|cx| controller.key(0x1C, cx));
    write(&mut controller, &mut bench, &[(0x64, 0x20)]);
    bench.pass(SECOND, |cx| controller.wake(cx));
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0x05, 0x1C]);
}

#[test]
fn a_keyboard_with_scanning_off_sends_no_codes() {
    let (mut controller, mut bench) = untranslated();
    write(&mut controller, &mut bench, &[(0x60, 0xF5)]);
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0xFA]);
    bench.call(|cx| controller.key(0x1C, cx));
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), []);
}

/// "Status Register", bit 1, and "Sending Data to the Keyboard": the keyboard is required to respond to all bytes.
#[test]
fn the_input_buffer_is_full_while_the_controller_sends_a_byte_and_waits_for_the_response() {
    let (mut controller, mut bench) = untranslated();
    write(&mut controller, &mut bench, &[(0x60, 0xED)]);
    assert_eq!(read(&mut controller, &mut bench, 0x64) & 2, 0);
    write(&mut controller, &mut bench, &[(0x60, 0x07)]);
    assert_eq!(read(&mut controller, &mut bench, 0x64) & 2, 2);
    assert_eq!(wait_for_input(&mut controller, &mut bench), BYTE_TIME + BYTE_TIME);
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0xFA, 0xFA]);
    assert_eq!(controller.indicators(), 7);
}

#[test]
fn a_program_that_polls_the_input_buffer_and_reads_in_its_interrupt_gets_every_acknowledgement() {
    let (mut controller, mut bench) = posted();
    let mut answers = Vec::new();
    for byte in [0xED, 0x07, 0xF3, 0x20] {
        while read(&mut controller, &mut bench, 0x64) & 2 != 0 {
            bench.pass(Span::from_microseconds(1), |cx| controller.wake(cx));
            if bench.lines[1] {
                answers.push(read(&mut controller, &mut bench, 0x60));
            }
        }
        write(&mut controller, &mut bench, &[(0x60, byte)]);
    }
    answers.extend(bytes(&mut controller, &mut bench, SECOND));
    assert_eq!(answers, [0xFA; 4]);
    assert_eq!(controller.indicators(), 7);
}

#[test]
fn a_program_that_polls_the_input_buffer_and_reads_last_of_all_gets_every_acknowledgement() {
    for stale in [false, true] {
        let (mut controller, mut bench) = untranslated();
        let mut expected = vec![0xFA; 4];
        if stale {
            bench.call(|cx| controller.key(0x1C, cx));
            bench.pass(SECOND, |cx| controller.wake(cx));
            expected.insert(0, 0x1C);
        }
        let writes = [0xED, 0x07, 0xF3, 0x20].map(|byte| (0x60, byte));
        write_polling(&mut controller, &mut bench, &writes);
        bench.pass(SECOND, |cx| controller.wake(cx));
        assert_eq!(bytes(&mut controller, &mut bench, SECOND), expected);
        assert_eq!(controller.indicators(), 7);
    }
}

/// "Input Buffer": one byte; status bit 3 goes with it.
#[test]
fn a_write_while_the_input_buffer_is_full_goes_over_the_byte_in_it() {
    let (mut controller, mut bench) = untranslated();
    write(
        &mut controller,
        &mut bench,
        &[(0x60, 0xED), (0x64, 0xAD), (0x60, 0x07)],
    );
    assert_eq!(read(&mut controller, &mut bench, 0x64) & 0x0A, 0x02);
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0xFA, 0xFA]);
    assert_eq!(controller.indicators(), 7);
    let is_disabled = controller.command_byte().contains(CommandByte::DISABLE_KEYBOARD);
    assert!(!is_disabled);
}

#[test]
fn a_command_behind_a_byte_for_the_keyboard_is_carried_out_once_the_keyboard_has_responded() {
    let (mut controller, mut bench) = untranslated();
    write(&mut controller, &mut bench, &[(0x60, 0xF4), (0x64, 0xFE)]);
    assert_eq!(read(&mut controller, &mut bench, 0x64) & 0x0A, 0x0A);
    assert_eq!(effects(&bench), []);
    assert!(controller.has_input());
    bench.pass(BYTE_TIME + BYTE_TIME, |cx| controller.wake(cx));
    assert_eq!(effects(&bench), [Effect::ResetProcessor]);
    assert!(!controller.has_input());
    assert_eq!(read(&mut controller, &mut bench, 0x60), 0xFA);
}

#[test]
fn controller_commands_alone_never_leave_the_input_buffer_full() {
    let (mut controller, mut bench) = posted();
    for write_ in [
        (0x64, 0xD1),
        (0x60, 0xDF),
        (0x64, 0xFF),
        (0x64, 0xAD),
        (0x64, 0xAE),
        (0x64, 0x20),
    ] {
        write(&mut controller, &mut bench, &[write_]);
        assert_eq!(read(&mut controller, &mut bench, 0x64) & 2, 0);
    }
    assert_eq!(effects(&bench), [Effect::KeyboardA20(true)]);
}

#[test]
fn a_byte_for_a_disabled_keyboard_enables_it_and_is_answered() {
    let (mut controller, mut bench) = untranslated();
    let writes = [
        (0x64, 0xAD),
        (0x60, 0xED),
        (0x60, 0x07),
        (0x64, 0xAD),
        (0x60, 0xEE),
    ];
    write_polling(&mut controller, &mut bench, &writes);
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0xFA, 0xFA, 0xEE]);
    write(&mut controller, &mut bench, &[(0x64, 0x20)]);
    assert_eq!(read(&mut controller, &mut bench, 0x60) & 0x10, 0);
}

/// "Sending Data to the Keyboard": 25 ms for the response.
#[test]
fn for_the_response_of_a_keyboard_that_tests_itself_the_controller_waits_25_ms() {
    let (mut controller, mut bench) = untranslated();
    write(&mut controller, &mut bench, &[(0x60, 0xFF)]);
    bench.pass(Span::from_milliseconds(5), |cx| controller.wake(cx));
    assert_eq!(read(&mut controller, &mut bench, 0x60), 0xFA);
    write(&mut controller, &mut bench, &[(0x60, 0xF4), (0x64, 0xAE)]);
    assert_eq!(
        wait_for_input(&mut controller, &mut bench),
        BYTE_TIME + RESPONSE_LIMIT
    );
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0xAA]);
}

#[test]
fn a_keyboard_whose_answers_nobody_takes_keeps_no_more_of_them_than_it_has_room_for() {
    let (mut controller, mut bench) = untranslated();
    for _ in 0..1000 {
        write_polling(&mut controller, &mut bench, &[(0x60, 0xF2)]);
    }
    let answers = bytes(&mut controller, &mut bench, SECOND);
    assert!(answers.len() < 24, "{}", answers.len());
}

/// "Disable Keyboard Interface" drives the clock low; "Keyboard Data Output": the keyboard then keeps the byte.
#[test]
fn adh_breaks_off_the_byte_on_the_line_and_it_comes_after_aeh() {
    // By command and by the command byte.
    for disable in [&[(0x64, 0xAD)][..], &[(0x64, 0x60), (0x60, 0x15)]] {
        let (mut controller, mut bench) = untranslated();
        let interrupts = bench.rises(1).len();
        bench.call(|cx| controller.key(0x1C, cx));
        bench.pass(PART, |cx| controller.wake(cx));
        write(&mut controller, &mut bench, disable);
        bench.pass(SECOND, |cx| controller.wake(cx));
        assert_eq!(read(&mut controller, &mut bench, 0x64) & 1, 0);
        assert_eq!(bench.rises(1).len(), interrupts);
        let enabled = bench.now;
        write(&mut controller, &mut bench, &[(0x64, 0xAE)]);
        bench.pass(SECOND, |cx| controller.wake(cx));
        assert_eq!(bench.rises(1)[interrupts..], [enabled + BYTE_TIME]);
        assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0x1C]);
    }
}

#[test]
fn a_byte_that_was_broken_off_and_released_begins_anew() {
    let (mut controller, mut bench) = untranslated();
    bench.call(|cx| controller.key(0x1C, cx));
    bench.pass(PART, |cx| controller.wake(cx));
    write(&mut controller, &mut bench, &[(0x64, 0xAD), (0x64, 0xAE)]);
    let released = bench.now;
    bench.pass(SECOND, |cx| controller.wake(cx));
    assert_eq!(bench.rises(1).last(), Some(&(released + BYTE_TIME)));
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0x1C]);
}

#[test]
fn the_controllers_answers_after_adh_do_not_meet_the_byte_that_was_broken_off() {
    let (mut controller, mut bench) = untranslated();
    bench.call(|cx| controller.key(0x1C, cx));
    bench.pass(PART, |cx| controller.wake(cx));
    write(&mut controller, &mut bench, &[(0x64, 0xAD), (0x64, 0x20)]);
    bench.pass(SECOND, |cx| controller.wake(cx));
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0x15]);
    write(&mut controller, &mut bench, &[(0x64, 0xD0), (0x64, 0xAE)]);
    bench.pass(SECOND, |cx| controller.wake(cx));
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0xE1, 0x1C]);
}

#[test]
fn an_answer_of_the_controller_breaks_off_the_byte_on_the_line_until_it_is_read() {
    let (mut controller, mut bench) = untranslated();
    bench.call(|cx| controller.key(0x1C, cx));
    bench.pass(PART, |cx| controller.wake(cx));
    write(&mut controller, &mut bench, &[(0x64, 0x20)]);
    bench.pass(PART, |cx| controller.wake(cx));
    assert_eq!(read(&mut controller, &mut bench, 0x60), 0x05);
    let released = bench.now;
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0x1C]);
    assert_eq!(bench.rises(1).last(), Some(&(released + BYTE_TIME)));
}

#[test]
fn the_byte_that_was_broken_off_keeps_its_place_among_the_16_codes() {
    let (mut controller, mut bench) = untranslated();
    bench.call(|cx| controller.key(1, cx));
    bench.pass(PART, |cx| controller.wake(cx));
    write(&mut controller, &mut bench, &[(0x64, 0xAD)]);
    for code in 2..30 {
        bench.call(|cx| controller.key(code, cx));
    }
    write(&mut controller, &mut bench, &[(0x64, 0xAE)]);
    let kept: Vec<u8> = (1..=16).chain([0]).collect();
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), kept);
}

#[test]
fn an_answer_of_the_keyboard_that_was_broken_off_goes_on_where_it_stopped() {
    let (mut controller, mut bench) = untranslated();
    write(&mut controller, &mut bench, &[(0x60, 0xF2)]);
    bench.pass(BYTE_TIME + BYTE_TIME, |cx| controller.wake(cx));
    assert_eq!(read(&mut controller, &mut bench, 0x60), 0xFA);
    bench.pass(PART, |cx| controller.wake(cx));
    write(&mut controller, &mut bench, &[(0x64, 0xAD)]);
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), []);
    write(&mut controller, &mut bench, &[(0x64, 0xAE)]);
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0xAB, 0x83]);
}

#[test]
fn a_command_for_the_keyboard_breaks_off_a_key_which_comes_after_the_option() {
    let (mut controller, mut bench) = untranslated();
    bench.call(|cx| controller.key(0x1C, cx));
    bench.pass(PART, |cx| controller.wake(cx));
    write(&mut controller, &mut bench, &[(0x60, 0xED)]);
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0xFA]);
    write(&mut controller, &mut bench, &[(0x60, 0x02)]);
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0xFA, 0x1C]);
}

#[test]
fn resend_repeats_the_last_byte_that_arrived_and_not_one_that_was_broken_off() {
    let (mut controller, mut bench) = untranslated();
    bench.call(|cx| controller.key(0x1C, cx));
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0x1C]);
    bench.call(|cx| controller.key(0x32, cx));
    bench.pass(PART, |cx| controller.wake(cx));
    write(&mut controller, &mut bench, &[(0x60, 0xFE)]);
    assert_eq!(bytes(&mut controller, &mut bench, SECOND), [0x1C, 0x32]);
}

proptest! {
    /// Whether it reads as it goes or not, and whatever is typed meanwhile.
    #[test]
    fn a_program_that_polls_the_input_buffer_loses_nothing(
        options in proptest::collection::vec((0..8u8, any::<bool>(), any::<bool>(), 0..2_000_000u64), 1..8),
    ) {
        let (mut controller, mut bench) = untranslated();
        let mut answers = Vec::new();
        for &(option, is_typing, is_disabling, pause) in &options {
            if is_typing {
                bench.call(|cx| controller.key(0x1C, cx));
            }
            bench.pass(Span::from_nanoseconds(pause), |cx| controller.wake(cx));
            if is_disabling {
                write_polling(&mut controller, &mut bench, &[(0x64, 0xAD)]);
                wait_for_input(&mut controller, &mut bench);
                let read = bytes(&mut controller, &mut bench, PART);
                prop_assert_eq!(bench.alarm, Instant::NEVER);
                answers.extend(read);
            }
            write_polling(&mut controller, &mut bench, &[(0x60, 0xED), (0x60, option)]);
        }
        answers.extend(bytes(&mut controller, &mut bench, SECOND));
        let count = |byte| answers.iter().filter(|&&answer| answer == byte).count();
        prop_assert_eq!(count(0xFA), 2 * options.len());
        prop_assert_eq!(count(0x1C), options.iter().filter(|(_, is_typing, ..)| *is_typing).count());
        prop_assert_eq!(Some(controller.indicators()), options.last().map(|option| option.0));
    }

    #[test]
    fn irq_1_is_a_full_buffer_with_the_interrupt_on_and_bytes_keep_their_distance(
        steps in proptest::collection::vec((0..3u8, any_step(0, 1)), 0..200),
    ) {
        let (mut controller, mut bench) = posted();
        let mut arrivals = Vec::new();
        for (bias, step) in steps {
            // Port 0 stands for 60h, 1 for 64h; commands with effect are a fraction of all bytes.
            let port = |offset| if offset == 0 { 0x60 } else { 0x64 };
            match step {
                Step::Read(offset) => { read(&mut controller, &mut bench, port(offset)); }
                Step::Write(offset, value) => {
                    let value = if bias == 0 { value } else { value | 0xE0 };
                    write(&mut controller, &mut bench, &[(port(offset), value)]);
                }
                Step::Poke(code) => bench.call(|cx| controller.key(code, cx)),
                Step::Pass(span) => {
                    let is_free = !controller.is_output_full;
                    let end = bench.now + span;
                    while bench.alarm <= end {
                        bench.pass(bench.alarm.since(bench.now), |cx| controller.wake(cx));
                        if is_free && controller.is_output_full && arrivals.last() != Some(&bench.now) {
                            arrivals.push(bench.now);
                            break;
                        }
                    }
                }
                Step::Jump(span, woken) => {
                    bench.jump(span, woken, |cx| controller.wake(cx));
                    read(&mut controller, &mut bench, 0x64);
                }
            }
            assert!(bench.alarm > bench.now);
            let status = controller.status().bits();
            let is_on = controller.command_byte().contains(CommandByte::INTERRUPT);
            assert_eq!(bench.lines[1], status & 1 != 0 && is_on);
        }
        for pair in arrivals.windows(2) {
            assert!(pair[1].since(pair[0]) >= BYTE_TIME, "{pair:?}");
        }
        bench.pass(BYTE_TIME + RESPONSE_LIMIT, |cx| controller.wake(cx));
        assert_eq!(read(&mut controller, &mut bench, 0x64) & 2, 0, "the input buffer is taken at last");
    }
}
