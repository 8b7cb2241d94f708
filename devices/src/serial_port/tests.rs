//! The section names are those of the National PC16550D data sheet.

use clock::Span;
use proptest::prelude::proptest;

use super::*;
use crate::bench::{Bench, Step, any_step};

const DATA: u16 = 0;
const IER: u16 = 1;
const IIR: u16 = 2;
const FCR: u16 = 2;
const LCR: u16 = 3;
const MCR: u16 = 4;
const LSR: u16 = 5;
const MSR: u16 = 6;

/// COM1 at 115200 bit/s (divisor 1), 8N1, with OUT2 on: a character takes 160 crystal periods.
fn port() -> (SerialPort, Bench) {
    let (mut port, mut bench) = (SerialPort::new(4), Bench::new());
    let setting = [(LCR, 0x80), (0, 1), (1, 0), (LCR, 0x03), (MCR, 0x0B)];
    for (offset, value) in setting {
        bench.call(|cx| port.write(offset, value, cx));
    }
    (port, bench)
}

fn write(port: &mut SerialPort, bench: &mut Bench, offset: u16, value: u8) {
    bench.call(|cx| port.write(offset, value, cx));
}

fn read(port: &mut SerialPort, bench: &mut Bench, offset: u16) -> u8 {
    bench.call(|cx| port.read(offset, cx))
}

fn pass_to_tick(port: &mut SerialPort, bench: &mut Bench, tick: u64) {
    let span = CRYSTAL.instant(tick).since(bench.now);
    bench.pass(span, |cx| port.wake(cx));
}

fn receive(port: &mut SerialPort, bench: &mut Bench, bytes: &[u8]) {
    for &byte in bytes {
        bench.call(|cx| port.receive(byte, cx));
    }
}

fn outputs(bench: &Bench) -> Vec<(Instant, u8)> {
    let mut outputs = Vec::new();
    for (at, effect) in &bench.log {
        if let Effect::SerialOutput(byte) = effect {
            outputs.push((*at, *byte));
        }
    }
    outputs
}

#[test]
fn a_character_leaves_when_its_last_bit_has() {
    // The shift register starts on the crystal's next edge, tick 1.
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, DATA, b'A');
    pass_to_tick(&mut port, &mut bench, 160);
    assert!(port.is_sending());
    bench.pass(Span::from_seconds(1), |cx| port.wake(cx));
    assert_eq!(outputs(&bench), [(CRYSTAL.instant(161), b'A')]);
    assert!(!port.is_sending());
}

#[test]
fn a_thousand_characters_back_to_back_keep_the_baud_rate_exactly() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, DATA, 0);
    for n in 1..1000u64 {
        pass_to_tick(&mut port, &mut bench, n * 160);
        assert_eq!(read(&mut port, &mut bench, LSR) & 0x20, 0x20);
        write(&mut port, &mut bench, DATA, n as u8);
    }
    bench.pass(Span::from_seconds(1), |cx| port.wake(cx));
    let expected = (0..1000u64).map(|n| (CRYSTAL.instant(161 + n * 160), n as u8));
    assert!(outputs(&bench).into_iter().eq(expected));
}

#[test]
fn the_line_control_register_sets_the_length_of_a_character() {
    // LCR, half bit times: 5N1, 5N1.5, 8N1, 8E1, 8E2.
    for (lcr, half_bits) in [(0x00, 14), (0x04, 15), (0x03, 20), (0x1B, 22), (0x1F, 24)] {
        let (mut port, mut bench) = port();
        write(&mut port, &mut bench, LCR, lcr);
        write(&mut port, &mut bench, DATA, 0x1F);
        bench.pass(Span::from_seconds(1), |cx| port.wake(cx));
        assert_eq!(outputs(&bench), [(CRYSTAL.instant(1 + half_bits * 8), 0x1F)]);
    }
}

#[test]
fn holding_register_empty_comes_at_once_and_transmitter_empty_after_the_character() {
    let (mut port, mut bench) = port();
    assert_eq!(read(&mut port, &mut bench, LSR), 0x60);
    write(&mut port, &mut bench, DATA, 1);
    assert_eq!(read(&mut port, &mut bench, LSR), 0x20);
    write(&mut port, &mut bench, DATA, 2);
    assert_eq!(read(&mut port, &mut bench, LSR), 0x00);
    pass_to_tick(&mut port, &mut bench, 161);
    assert_eq!(read(&mut port, &mut bench, LSR), 0x20);
    pass_to_tick(&mut port, &mut bench, 320);
    assert_eq!(read(&mut port, &mut bench, LSR), 0x20);
    pass_to_tick(&mut port, &mut bench, 321);
    assert_eq!(read(&mut port, &mut bench, LSR), 0x60);
}

#[test]
fn in_fifo_mode_a_lone_character_shows_an_empty_fifo_a_character_less_the_stop_bit_later() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, FCR, 0x01);
    // The first one after FCR0 changed is immediate.
    write(&mut port, &mut bench, DATA, 1);
    assert_eq!(read(&mut port, &mut bench, LSR), 0x20);
    pass_to_tick(&mut port, &mut bench, 200);
    write(&mut port, &mut bench, DATA, 2);
    pass_to_tick(&mut port, &mut bench, 201 + 160 - 16 - 1);
    assert_eq!(read(&mut port, &mut bench, LSR), 0x00);
    pass_to_tick(&mut port, &mut bench, 201 + 160 - 16);
    assert_eq!(read(&mut port, &mut bench, LSR), 0x20);
}

#[test]
fn the_transmitter_fifo_holds_16_characters_and_loses_the_17th() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, FCR, 0x01);
    for n in 0..18 {
        write(&mut port, &mut bench, DATA, n);
    }
    bench.pass(Span::from_seconds(1), |cx| port.wake(cx));
    let bytes: Vec<_> = outputs(&bench).into_iter().map(|(_, byte)| byte).collect();
    assert!(bytes.into_iter().eq(0..17));
}

#[test]
fn enabling_the_transmitter_interrupt_while_it_is_empty_interrupts_until_iir_is_read() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, IER, 0x02);
    assert!(bench.lines[4]);
    assert_eq!(read(&mut port, &mut bench, IIR), 0x02);
    assert!(!bench.lines[4]);
    assert_eq!(read(&mut port, &mut bench, IIR), 0x01);
}

#[test]
fn out2_gates_the_interrupt() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, MCR, 0x03);
    write(&mut port, &mut bench, IER, 0x02);
    assert!(!bench.lines[4]);
    write(&mut port, &mut bench, MCR, 0x0B);
    assert!(bench.lines[4]);
}

#[test]
fn received_characters_come_one_per_character_time() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, IER, 0x01);
    receive(&mut port, &mut bench, b"ab");
    pass_to_tick(&mut port, &mut bench, 160);
    assert!(!bench.lines[4]);
    pass_to_tick(&mut port, &mut bench, 161);
    assert!(bench.lines[4]);
    assert_eq!(read(&mut port, &mut bench, DATA), b'a');
    assert!(!bench.lines[4]);
    pass_to_tick(&mut port, &mut bench, 321);
    assert_eq!(read(&mut port, &mut bench, DATA), b'b');
}

#[test]
fn without_fifos_an_unread_character_is_overwritten_with_an_overrun_error() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, IER, 0x04);
    receive(&mut port, &mut bench, b"ab");
    pass_to_tick(&mut port, &mut bench, 400);
    assert_eq!(read(&mut port, &mut bench, IIR), 0x06);
    assert_eq!(read(&mut port, &mut bench, LSR) & 0x03, 0x03);
    assert_eq!(read(&mut port, &mut bench, LSR) & 0x03, 0x01);
    assert_eq!(read(&mut port, &mut bench, DATA), b'b');
}

#[test]
fn with_fifos_an_overrun_keeps_the_16_characters_and_loses_the_new_one() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, FCR, 0x01);
    receive(&mut port, &mut bench, b"0123456789abcdefgh");
    pass_to_tick(&mut port, &mut bench, 18 * 160 + 1);
    assert_eq!(read(&mut port, &mut bench, LSR) & 0x02, 0x02);
    let received: Vec<_> = (0..16).map(|_| read(&mut port, &mut bench, DATA)).collect();
    assert_eq!(received, b"0123456789abcdef");
    assert_eq!(read(&mut port, &mut bench, LSR) & 0x01, 0x00);
}

#[test]
fn the_receiver_interrupts_at_its_trigger_level() {
    for (fcr, trigger) in [(0x01, 1u8), (0x41, 4), (0x81, 8), (0xC1, 14)] {
        let (mut port, mut bench) = port();
        write(&mut port, &mut bench, FCR, fcr);
        write(&mut port, &mut bench, IER, 0x01);
        receive(&mut port, &mut bench, &[0; 16]);
        let tick = u64::from(trigger) * 160 + 1;
        pass_to_tick(&mut port, &mut bench, tick - 1);
        assert!(!bench.lines[4]);
        pass_to_tick(&mut port, &mut bench, tick);
        assert_eq!(read(&mut port, &mut bench, IIR), 0xC4);
    }
}

#[test]
fn characters_below_the_trigger_level_time_out_after_four_character_times() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, FCR, 0x81);
    write(&mut port, &mut bench, IER, 0x01);
    receive(&mut port, &mut bench, b"ab");
    let last = 2 * 160 + 1;
    pass_to_tick(&mut port, &mut bench, last + 4 * 160 - 1);
    assert_eq!(read(&mut port, &mut bench, IIR), 0xC1);
    pass_to_tick(&mut port, &mut bench, last + 4 * 160);
    assert_eq!(read(&mut port, &mut bench, IIR), 0xCC);
    read(&mut port, &mut bench, DATA);
    assert_eq!(read(&mut port, &mut bench, IIR), 0xC1);
    pass_to_tick(&mut port, &mut bench, last + 8 * 160);
    assert_eq!(read(&mut port, &mut bench, IIR), 0xCC);
}

#[test]
fn loopback_returns_characters_and_modem_lines_and_lets_no_interrupt_out() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, IER, 0x0F);
    write(&mut port, &mut bench, MCR, 0x1F);
    assert!(!bench.lines[4]);
    assert_eq!(read(&mut port, &mut bench, MSR) & 0xF0, 0xF0);
    write(&mut port, &mut bench, MCR, 0x10);
    assert_eq!(read(&mut port, &mut bench, MSR), 0x0F);
    write(&mut port, &mut bench, DATA, 0x5A);
    pass_to_tick(&mut port, &mut bench, 1000);
    assert_eq!(read(&mut port, &mut bench, DATA), 0x5A);
    assert_eq!(outputs(&bench), []);
}

#[test]
fn interrupts_are_named_by_priority() {
    let (mut port, mut bench) = port();
    receive(&mut port, &mut bench, b"ab");
    pass_to_tick(&mut port, &mut bench, 400);
    write(&mut port, &mut bench, MCR, 0x1B);
    write(&mut port, &mut bench, MCR, 0x10);
    write(&mut port, &mut bench, IER, 0x0F);
    assert_eq!(read(&mut port, &mut bench, IIR), 0x06);
    read(&mut port, &mut bench, LSR);
    assert_eq!(read(&mut port, &mut bench, IIR), 0x04);
    read(&mut port, &mut bench, DATA);
    assert_eq!(read(&mut port, &mut bench, IIR), 0x02);
    assert_eq!(read(&mut port, &mut bench, IIR), 0x00);
    read(&mut port, &mut bench, MSR);
    assert_eq!(read(&mut port, &mut bench, IIR), 0x01);
}

#[test]
fn the_divisor_access_bit_uncovers_the_divisor_and_reset_leaves_it() {
    let (mut port, mut bench) = port();
    for (offset, value) in [(LCR, 0x80), (0, 0x34), (1, 0x12)] {
        write(&mut port, &mut bench, offset, value);
    }
    bench.call(|cx| port.reset(cx));
    write(&mut port, &mut bench, LCR, 0x80);
    assert_eq!(
        [0, 1].map(|offset| read(&mut port, &mut bench, offset)),
        [0x34, 0x12]
    );
    write(&mut port, &mut bench, LCR, 0);
    assert_eq!(read(&mut port, &mut bench, IER), 0);
}

#[test]
fn with_divisor_0_nothing_moves_until_there_is_one() {
    let (mut port, mut bench) = port();
    for (offset, value) in [(LCR, 0x83), (0, 0), (LCR, 0x03), (DATA, 7)] {
        write(&mut port, &mut bench, offset, value);
    }
    assert_eq!(bench.alarm, Instant::NEVER);
    for (offset, value) in [(LCR, 0x83), (0, 1), (LCR, 0x03)] {
        write(&mut port, &mut bench, offset, value);
    }
    bench.pass(Span::from_seconds(1), |cx| port.wake(cx));
    assert_eq!(outputs(&bench).len(), 1);
}

/// Data sheet, "Line Status Register", bits 2 to 4 and 7.
#[test]
fn a_damaged_character_shows_its_error_when_it_is_at_the_top_of_the_fifo() {
    for (error, flags, byte) in [
        (LineError::Parity, 0x04, 0x42),
        (LineError::Framing, 0x08, 0x42),
        (LineError::Break, 0x18, 0x00),
    ] {
        let (mut port, mut bench) = port();
        write(&mut port, &mut bench, 3, 0x1B);
        write(&mut port, &mut bench, 2, 0x01);
        receive(&mut port, &mut bench, &[0x41]);
        bench.call(|cx| port.receive_damaged(0x42, error, cx));
        bench.pass(Span::from_milliseconds(100), |cx| port.wake(cx));
        assert_eq!(
            read(&mut port, &mut bench, 5) & 0x9F,
            0x81,
            "the error is in the FIFO"
        );
        assert_eq!(read(&mut port, &mut bench, 0), 0x41);
        assert_eq!(read(&mut port, &mut bench, 5) & 0x9F, 0x81 | flags);
        assert_eq!(read(&mut port, &mut bench, 5) & 0x9F, 0x01, "a read clears it");
        assert_eq!(read(&mut port, &mut bench, 0), byte);
    }
}

#[test]
fn a_line_error_interrupts_until_lsr_is_read() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, 4, 0x08);
    write(&mut port, &mut bench, 1, 0x04);
    bench.call(|cx| port.receive_damaged(0x42, LineError::Framing, cx));
    bench.pass(Span::from_milliseconds(100), |cx| port.wake(cx));
    assert!(bench.lines[4]);
    assert_eq!(read(&mut port, &mut bench, 2), 0x06);
    read(&mut port, &mut bench, 5);
    assert!(!bench.lines[4]);
}

#[test]
fn without_a_parity_bit_there_is_no_parity_error() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, 3, 0x03);
    bench.call(|cx| port.receive_damaged(0x42, LineError::Parity, cx));
    bench.pass(Span::from_milliseconds(100), |cx| port.wake(cx));
    assert_eq!(read(&mut port, &mut bench, 5) & 0x1F, 0x01);
}

/// Data sheet, "Modem Status Register": the ring indicator tells only of its trailing edge.
#[test]
fn modem_lines_show_their_level_and_that_they_changed() {
    for (line, level, delta_on, delta_off) in [
        (ModemLine::ClearToSend, 0x10, 0x01, 0x01),
        (ModemLine::DataSetReady, 0x20, 0x02, 0x02),
        (ModemLine::RingIndicator, 0x40, 0x00, 0x04),
        (ModemLine::CarrierDetect, 0x80, 0x08, 0x08),
    ] {
        let (mut port, mut bench) = port();
        bench.call(|cx| port.set_modem_line(line, false, cx));
        read(&mut port, &mut bench, 6);
        bench.call(|cx| port.set_modem_line(line, true, cx));
        assert_eq!(read(&mut port, &mut bench, 6) & (level | 0x0F), level | delta_on);
        bench.call(|cx| port.set_modem_line(line, false, cx));
        assert_eq!(read(&mut port, &mut bench, 6) & (level | 0x0F), delta_off);
        assert_eq!(
            read(&mut port, &mut bench, 6) & 0x0F,
            0,
            "a read clears the changes"
        );
    }
}

#[test]
fn a_change_of_a_modem_line_interrupts() {
    let (mut port, mut bench) = port();
    write(&mut port, &mut bench, 4, 0x08);
    write(&mut port, &mut bench, 1, 0x08);
    assert!(!bench.lines[4]);
    bench.call(|cx| port.set_modem_line(ModemLine::CarrierDetect, false, cx));
    assert!(bench.lines[4]);
    assert_eq!(read(&mut port, &mut bench, 2) & 0x0F, 0x00);
}

#[test]
fn dtr_and_rts_follow_the_modem_control_register_except_in_loopback() {
    let (mut port, mut bench) = port();
    for (value, expected) in [
        (0x01, (true, false)),
        (0x02, (false, true)),
        (0x13, (false, false)),
    ] {
        write(&mut port, &mut bench, 4, value);
        assert_eq!((port.is_terminal_ready(), port.is_requesting_to_send()), expected);
    }
}

#[test]
fn a_port_with_nothing_in_its_connector_has_all_modem_lines_off_and_still_sends() {
    let mut port = SerialPort::unconnected(3);
    let mut bench = Bench::new();
    assert_eq!(read(&mut port, &mut bench, 6), 0);
    write(&mut port, &mut bench, 4, 0x08);
    write(&mut port, &mut bench, 1, 0x02);
    assert!(bench.lines[3]);
    write(&mut port, &mut bench, 0, 0x41);
    bench.pass(Span::from_seconds(1), |cx| port.wake(cx));
    assert_eq!(read(&mut port, &mut bench, 5), 0x60);
}

proptest! {
    #[test]
    fn the_line_carries_one_character_per_character_time_and_irq_is_what_iir_says(
        steps in proptest::collection::vec(any_step(0, 8), 0..200),
    ) {
        let (mut port, mut bench) = port();
        let mut is_late = false;
        for step in steps {
            match step {
                Step::Read(offset) => { read(&mut port, &mut bench, offset); }
                Step::Write(offset, value) => write(&mut port, &mut bench, offset, value),
                Step::Poke(byte) if byte % 5 == 0 => {
                    bench.call(|cx| port.receive_damaged(byte, LineError::Framing, cx));
                }
                Step::Poke(byte) if byte % 5 == 1 => {
                    bench.call(|cx| port.set_modem_line(ModemLine::RingIndicator, byte > 127, cx));
                }
                Step::Poke(byte) => receive(&mut port, &mut bench, &[byte; 3]),
                Step::Pass(span) => bench.pass(span, |cx| port.wake(cx)),
                Step::Jump(span, woken) => {
                    is_late = true;
                    bench.jump(span, woken, |cx| port.wake(cx));
                    read(&mut port, &mut bench, 7);
                }
            }
            assert!(bench.alarm > bench.now);
            let is_pending = port.clone().identify_interrupt() & 1 == 0;
            let is_gated = port.modem_control.bits() & 0x18 == 0x08;
            assert_eq!(bench.lines[4], is_pending && is_gated);
            assert!(port.receiver.queue.len() <= 16 && port.transmitter.queue.len() <= 16);
        }
        if !is_late {
            // The shortest character of all: divisor 1, five data bits.
            let shortest = CRYSTAL.span(14 * 8 - 1);
            let outputs = outputs(&bench);
            for pair in outputs.windows(2) {
                assert!(pair[1].0.since(pair[0].0) >= shortest, "{pair:?}");
            }
        }
    }
}
