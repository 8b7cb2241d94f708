//! The section names are those of the Intel 8259A data sheet.

use proptest::prelude::{Strategy, any, prop_oneof, proptest};

use super::*;

const MASTER: u16 = 0x20;
const SLAVE: u16 = 0xA0;
const END: u8 = 0x20;
const READ_IRR: u8 = 0x0A;
const READ_ISR: u8 = 0x0B;

fn initialized(icw1: u8, icw4: u8) -> InterruptControllers {
    let mut pair = InterruptControllers::new();
    for (port, base, icw3) in [(MASTER, 0x20, 0x04), (SLAVE, 0x28, 0x02)] {
        pair.write(port, icw1);
        pair.write(port + 1, base);
        pair.write(port + 1, icw3);
        pair.write(port + 1, icw4);
    }
    pair
}

fn edge_triggered() -> InterruptControllers {
    initialized(0x11, 0x01)
}

fn pulse(pair: &mut InterruptControllers, line: u8) {
    pair.set_line(line, false);
    pair.set_line(line, true);
}

fn register(pair: &mut InterruptControllers, port: u16, select: u8) -> u8 {
    pair.write(port, select);
    pair.read(port)
}

#[test]
fn every_line_gives_its_own_vector() {
    for line in (0..16).filter(|&line| line != 2) {
        let mut pair = edge_triggered();
        pair.set_line(line, true);
        assert!(pair.is_requesting());
        assert_eq!(pair.acknowledge(), 0x20 + line);
        assert!(!pair.is_requesting());
    }
}

#[test]
fn irq_2_of_the_bus_is_irq_9_of_the_at() {
    let mut pair = edge_triggered();
    pair.set_line(2, true);
    assert_eq!(pair.acknowledge(), 0x29);
}

#[test]
fn nothing_is_requested_before_the_initialization_is_complete() {
    let mut pair = InterruptControllers::new();
    pair.write(0x21, 0);
    for value in [0x11, 0x20, 0x04] {
        pair.write(if value == 0x11 { 0x20 } else { 0x21 }, value);
        pulse(&mut pair, 1);
        assert!(!pair.is_requesting());
    }
    pair.write(0x21, 0x01);
    assert!(pair.is_requesting());
}

#[test]
fn word_1_clears_the_mask_and_the_edges() {
    let mut pair = edge_triggered();
    pair.write(0x21, 0xAA);
    pair.set_line(0, true);
    pair.write(0x20, 0x11);
    for value in [0x20, 0x04, 0x01] {
        pair.write(0x21, value);
    }
    assert_eq!(pair.read(0x21), 0);
    assert_eq!(pair.read(0x20), 0);
    assert!(!pair.is_requesting());
}

#[test]
fn an_edge_is_served_once_and_a_level_as_long_as_it_lasts() {
    for (icw1, again) in [(0x11, false), (0x19, true)] {
        let mut pair = initialized(icw1, 0x01);
        pair.set_line(5, true);
        pair.acknowledge();
        pair.write(0x20, END);
        assert_eq!(pair.is_requesting(), again);
    }
}

#[test]
fn a_request_that_goes_away_is_answered_with_level_7_and_sets_no_in_service_bit() {
    let mut pair = edge_triggered();
    pair.set_line(3, true);
    pair.set_line(3, false);
    assert_eq!(pair.acknowledge(), 0x27);
    assert_eq!(register(&mut pair, MASTER, READ_ISR), 0);
}

#[test]
fn a_slave_request_that_goes_away_during_the_acknowledgement_is_irq_15_and_leaves_the_masters_bit_2() {
    let mut pair = edge_triggered();
    pair.set_line(10, true);
    // The line falls between the two acknowledge cycles: the master has already chosen the slave.
    pair.slave.set_input(2, false);
    assert_eq!(pair.acknowledge(), 0x2F);
    assert_eq!(register(&mut pair, SLAVE, READ_ISR), 0);
    assert_eq!(register(&mut pair, MASTER, READ_ISR), 0x04);
}

#[test]
fn fully_nested_lower_levels_wait_for_the_end_of_interrupt_and_higher_ones_do_not() {
    let mut pair = edge_triggered();
    pulse(&mut pair, 4);
    pair.acknowledge();
    pulse(&mut pair, 6);
    assert!(!pair.is_requesting());
    pulse(&mut pair, 1);
    assert_eq!(pair.acknowledge(), 0x21);
    pair.write(0x20, END);
    assert!(!pair.is_requesting());
    pair.write(0x20, END);
    assert_eq!(pair.acknowledge(), 0x26);
}

#[test]
fn irr_and_isr_read_back() {
    let mut pair = edge_triggered();
    pulse(&mut pair, 4);
    pulse(&mut pair, 6);
    assert_eq!(register(&mut pair, MASTER, READ_IRR), 0x50);
    pair.acknowledge();
    assert_eq!(register(&mut pair, MASTER, READ_ISR), 0x10);
    assert_eq!(register(&mut pair, MASTER, READ_IRR), 0x40);
}

#[test]
fn a_specific_end_of_interrupt_ends_the_level_it_names() {
    let mut pair = edge_triggered();
    pulse(&mut pair, 4);
    pair.acknowledge();
    pulse(&mut pair, 1);
    pair.acknowledge();
    pair.write(0x20, 0x60 | 4);
    assert_eq!(register(&mut pair, MASTER, READ_ISR), 0x02);
}

#[test]
fn a_rotating_end_of_interrupt_gives_the_served_level_the_lowest_priority() {
    let mut pair = edge_triggered();
    pulse(&mut pair, 4);
    pair.acknowledge();
    pair.write(0x20, 0xA0);
    pulse(&mut pair, 4);
    pulse(&mut pair, 6);
    assert_eq!(pair.acknowledge(), 0x26);
}

#[test]
fn a_rotating_specific_end_of_interrupt_does_both_for_the_level_it_names() {
    let mut pair = edge_triggered();
    pulse(&mut pair, 0);
    pair.acknowledge();
    pair.write(0x20, 0xE0);
    pulse(&mut pair, 0);
    pulse(&mut pair, 7);
    assert_eq!(pair.acknowledge(), 0x27);
}

#[test]
fn set_priority_rotates_without_an_end_of_interrupt() {
    let mut pair = edge_triggered();
    pair.write(0x20, 0xC0 | 5);
    pulse(&mut pair, 0);
    pulse(&mut pair, 6);
    assert_eq!(pair.acknowledge(), 0x26);
}

#[test]
fn an_automatic_end_of_interrupt_leaves_no_in_service_bit_and_can_rotate() {
    let mut pair = initialized(0x11, 0x03);
    pair.write(0x20, 0x80);
    pulse(&mut pair, 3);
    assert_eq!(pair.acknowledge(), 0x23);
    assert_eq!(register(&mut pair, MASTER, READ_ISR), 0);
    pulse(&mut pair, 3);
    pulse(&mut pair, 4);
    assert_eq!(pair.acknowledge(), 0x24);
}

#[test]
fn the_special_mask_mode_lets_lower_levels_through_a_masked_one_in_service() {
    let mut pair = edge_triggered();
    pulse(&mut pair, 3);
    pair.acknowledge();
    pair.write(0x21, 0x08);
    pulse(&mut pair, 6);
    assert!(!pair.is_requesting());
    pair.write(0x20, 0x68);
    assert_eq!(pair.acknowledge(), 0x26);
}

#[test]
fn a_nonspecific_end_does_not_clear_a_masked_level_in_the_special_mask_mode() {
    let mut pair = edge_triggered();
    pulse(&mut pair, 3);
    pair.acknowledge();
    pair.write(0x21, 0x08);
    pair.write(0x20, 0x68);
    pair.write(0x20, END);
    assert_eq!(register(&mut pair, MASTER, READ_ISR), 0x08);
}

#[test]
fn in_the_special_fully_nested_mode_a_slave_in_service_can_interrupt_itself() {
    for (icw4, nests) in [(0x01, false), (0x11, true)] {
        let mut pair = initialized(0x11, icw4);
        pulse(&mut pair, 12);
        pair.acknowledge();
        pulse(&mut pair, 8);
        assert_eq!(pair.is_requesting(), nests);
    }
}

#[test]
fn a_poll_acknowledges_the_highest_level_and_names_it() {
    let mut pair = edge_triggered();
    pulse(&mut pair, 6);
    assert_eq!(register(&mut pair, MASTER, 0x0C), 0x86);
    assert_eq!(register(&mut pair, MASTER, READ_ISR), 0x40);
    assert_eq!(register(&mut pair, MASTER, 0x0C), 0);
}

#[test]
fn a_slave_with_two_requests_interrupts_again_after_both_ends_of_interrupt() {
    let mut pair = edge_triggered();
    pulse(&mut pair, 9);
    pulse(&mut pair, 14);
    assert_eq!(pair.acknowledge(), 0x29);
    pair.write(0xA0, END);
    pair.write(0x20, END);
    assert_eq!(pair.acknowledge(), 0x2E);
}

#[test]
fn a_slave_in_automatic_end_mode_makes_a_new_edge_for_each_request() {
    let mut pair = initialized(0x11, 0x03);
    pulse(&mut pair, 9);
    pulse(&mut pair, 14);
    assert_eq!([pair.acknowledge(), pair.acknowledge()], [0x29, 0x2E]);
}

#[test]
fn a_masked_level_requests_when_it_is_unmasked() {
    let mut pair = edge_triggered();
    pair.write(0x21, 0x02);
    pulse(&mut pair, 1);
    assert!(!pair.is_requesting());
    pair.write(0x21, 0x00);
    assert_eq!(pair.acknowledge(), 0x21);
}

#[test]
fn without_word_4_the_vector_is_the_low_byte_of_an_mcs_80_call() {
    let mut pair = InterruptControllers::new();
    for (port, value) in [(0x20, 0x16 | 0xA0), (0x21, 0x12)] {
        pair.write(port, value);
    }
    pulse(&mut pair, 3);
    assert_eq!(pair.acknowledge(), 0xA0 | 3 << 2);
}

#[test]
fn a_slave_with_another_identity_does_not_answer() {
    let mut pair = edge_triggered();
    for (port, value) in [(0xA0, 0x11), (0xA1, 0x28), (0xA1, 0x05), (0xA1, 0x01)] {
        pair.write(port, value);
    }
    pulse(&mut pair, 12);
    assert_eq!(pair.acknowledge(), 0xFF);
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Read(u16),
    Write(u16, u8),
    Line(u8, bool),
    Acknowledge,
}

fn any_action() -> impl Strategy<Value = Action> {
    let port = || proptest::sample::select(&[0x20u16, 0x21, 0xA0, 0xA1][..]);
    prop_oneof![
        port().prop_map(Action::Read),
        (port(), any::<u8>()).prop_map(|(port, value)| Action::Write(port, value)),
        (0..16u8, any::<bool>()).prop_map(|(line, high)| Action::Line(line, high)),
        proptest::strategy::Just(Action::Acknowledge),
    ]
}

proptest! {
    #[test]
    fn a_request_needs_a_high_line_and_intr_an_unmasked_request(
        from_initialized in any::<bool>(),
        actions in proptest::collection::vec(any_action(), 0..200),
    ) {
        let mut pair = if from_initialized { edge_triggered() } else { InterruptControllers::new() };
        let mut lines = 0u16;
        for action in actions {
            match action {
                Action::Read(port) => { pair.read(port); }
                Action::Write(port, value) => pair.write(port, value),
                Action::Line(line, is_high) => {
                    let line = if line == 2 { 9 } else { line };
                    lines = lines & !(1 << line) | u16::from(is_high) << line;
                    pair.set_line(line, is_high);
                }
                Action::Acknowledge => {
                    let before = (pair.slave.clone(), pair.is_requesting());
                    pair.acknowledge();
                    assert!(before.1 || pair.slave == before.0, "a spurious interrupt changes nothing");
                }
            }
            let mut observed = pair.clone();
            for port in [0x20, 0xA0] {
                // A pending poll would answer in place of the register; a read takes it away.
                observed.read(port);
            }
            let is_requesting = observed.is_requesting();
            let [master, slave] = [0x20, 0xA0].map(|port| register(&mut observed, port, READ_IRR));
            assert_eq!(u16::from_le_bytes([master & !0x04, slave]) & !lines, 0);
            assert!(!is_requesting || master & !observed.read(0x21) != 0);
        }
    }
}
