//! The section names are those of the Intel 8237A data sheet (231466); what concerns the board is in the IBM PC AT
//! Technical Reference, "DMA Controllers".

use proptest::prelude::{Strategy, any, prop_oneof, proptest};

use super::*;

const DEMAND: u8 = 0x00;
const SINGLE: u8 = 0x40;
const BLOCK: u8 = 0x80;
const CASCADE_MODE: u8 = 0xC0;
const WRITE: u8 = 0x04;
const READ: u8 = 0x08;
const AUTOINITIALIZE: u8 = 0x10;
const DECREMENT: u8 = 0x20;

/// A pair whose cascade is open, as a BIOS sets it up.
fn pair() -> DmaControllers {
    let mut dma = DmaControllers::new();
    dma.write(0xD6, CASCADE_MODE);
    dma.write(0xD4, 0x00);
    dma
}

/// Programs one of the channels 0 to 3 or 5 to 7 and unmasks it. `count` is the number of units less one.
fn program(dma: &mut DmaControllers, channel: u8, mode: u8, page: u8, address: u16, count: u16) {
    let (base, shift) = if channel < 4 { (0x00, 0) } else { (0xC0, 1) };
    let number = channel & 3;
    let port = |register: u16| base + (register << shift);
    let pages = [0x87, 0x83, 0x81, 0x82, 0x8F, 0x8B, 0x89, 0x8A];
    dma.write(port(12), 0);
    dma.write(port(11), mode | number);
    for (register, word) in [(0, address), (1, count)] {
        for byte in word.to_le_bytes() {
            dma.write(port(2 * u16::from(number) + register), byte);
        }
    }
    dma.write(pages[usize::from(channel)], page);
    dma.write(port(10), number);
}

fn word(dma: &mut DmaControllers, port: u16) -> u16 {
    dma.write(0x0C, 0);
    u16::from_le_bytes([dma.read(port), dma.read(port)])
}

fn addresses(dma: &mut DmaControllers, units: usize) -> Vec<u32> {
    (0..units)
        .map(|_| dma.serve().expect("a request").address)
        .collect()
}

#[test]
fn every_channel_has_the_page_register_that_the_at_gives_it() {
    for (channel, page_port) in [
        (0, 0x87),
        (1, 0x83),
        (2, 0x81),
        (3, 0x82),
        (5, 0x8B),
        (6, 0x89),
        (7, 0x8A),
    ] {
        let mut dma = pair();
        program(&mut dma, channel, SINGLE | WRITE, 0, 0, 0);
        dma.write(page_port, 0x12);
        dma.set_request(channel, true);
        let transfer = dma.serve().expect("a request");
        assert_eq!((transfer.channel, transfer.address), (channel, 0x12_0000));
    }
}

#[test]
fn all_sixteen_page_registers_read_back() {
    let mut dma = pair();
    for port in 0x80..=0x8F {
        dma.write(port, port as u8 ^ 0x5A);
    }
    for port in 0x80..=0x8F {
        assert_eq!(dma.read(port), port as u8 ^ 0x5A);
    }
}

#[test]
fn a_count_of_n_moves_n_plus_1_units_and_then_masks_the_channel() {
    let mut dma = pair();
    program(&mut dma, 2, SINGLE | WRITE, 0x01, 0x2345, 2);
    dma.set_request(2, true);
    let transfers: Vec<_> = core::iter::from_fn(|| dma.serve()).collect();
    let ends: Vec<_> = transfers
        .iter()
        .map(|transfer| transfer.is_terminal_count)
        .collect();
    assert_eq!(ends, [false, false, true]);
    assert_eq!(transfers[2].address, 0x1_2347);
    assert_eq!(word(&mut dma, 0x05), 0xFFFF);
    assert!(!dma.is_requesting_bus());
}

#[test]
fn autoinitialize_reloads_address_and_count_and_leaves_the_channel_open() {
    let mut dma = pair();
    program(&mut dma, 1, SINGLE | READ | AUTOINITIALIZE, 0, 0x100, 1);
    dma.set_request(1, true);
    assert_eq!(addresses(&mut dma, 5), [0x100, 0x101, 0x100, 0x101, 0x100]);
}

#[test]
fn decrement_counts_the_address_down() {
    let mut dma = pair();
    program(&mut dma, 3, SINGLE | WRITE | DECREMENT, 0, 0x0001, 2);
    dma.set_request(3, true);
    assert_eq!(addresses(&mut dma, 3), [1, 0, 0xFFFF]);
}

#[test]
fn an_address_wraps_within_64_kib_and_does_not_carry_into_the_page() {
    let mut dma = pair();
    program(&mut dma, 2, SINGLE | WRITE, 0x05, 0xFFFF, 1);
    dma.set_request(2, true);
    assert_eq!(addresses(&mut dma, 2), [0x5_FFFF, 0x5_0000]);
}

#[test]
fn a_word_channel_shifts_its_address_ignores_page_bit_0_and_wraps_within_128_kib() {
    let mut dma = pair();
    program(&mut dma, 5, SINGLE | WRITE, 0x13, 0xFFFF, 1);
    dma.set_request(5, true);
    let first = dma.serve().expect("a request");
    assert!(first.is_word);
    assert_eq!(first.address, 0x13_FFFE);
    assert_eq!(addresses(&mut dma, 1), [0x12_0000]);
}

#[test]
fn the_mode_register_says_what_is_moved() {
    for (mode, kind) in [
        (0x00, TransferKind::Verify),
        (WRITE, TransferKind::DeviceToMemory),
        (READ, TransferKind::MemoryToDevice),
    ] {
        let mut dma = pair();
        program(&mut dma, 2, SINGLE | mode, 0, 0, 0);
        dma.set_request(2, true);
        assert_eq!(dma.serve().map(|transfer| transfer.kind), Some(kind));
    }
}

#[test]
fn a_cascade_channel_makes_the_device_master_of_the_bus_and_counts_nothing() {
    let mut dma = pair();
    program(&mut dma, 6, CASCADE_MODE, 0, 0x1234, 5);
    dma.set_request(6, true);
    let transfer = dma.serve().expect("a request");
    assert_eq!((transfer.channel, transfer.kind), (6, TransferKind::BusMaster));
    assert!(transfer.is_bus_kept);
    dma.write(0xD8, 0);
    assert_eq!([dma.read(0xC8), dma.read(0xC8)], [0x34, 0x12]);
    dma.set_request(6, false);
    assert!(!dma.is_requesting_bus());
}

#[test]
fn single_mode_gives_the_bus_back_after_each_unit() {
    let mut dma = pair();
    program(&mut dma, 1, SINGLE | WRITE, 0, 0, 9);
    dma.set_request(1, true);
    assert!(!dma.serve().expect("a request").is_bus_kept);
    assert!(dma.is_requesting_bus());
    dma.set_request(1, false);
    assert!(!dma.is_requesting_bus());
}

#[test]
fn demand_mode_keeps_the_bus_while_dreq_is_active_and_goes_on_from_there_later() {
    let mut dma = pair();
    program(&mut dma, 1, DEMAND | WRITE, 0, 0, 9);
    dma.set_request(1, true);
    assert!(dma.serve().expect("a request").is_bus_kept);
    dma.set_request(1, false);
    assert_eq!(dma.serve(), None);
    dma.set_request(1, true);
    assert_eq!(addresses(&mut dma, 2), [1, 2]);
}

#[test]
fn block_mode_goes_on_to_the_terminal_count_without_dreq() {
    let mut dma = pair();
    program(&mut dma, 1, BLOCK | WRITE, 0, 0, 3);
    dma.set_request(1, true);
    dma.serve();
    dma.set_request(1, false);
    assert_eq!(addresses(&mut dma, 3), [1, 2, 3]);
    assert_eq!(dma.serve(), None);
}

#[test]
fn a_service_that_has_begun_is_not_interrupted_by_a_higher_channel() {
    let mut dma = pair();
    program(&mut dma, 0, SINGLE | WRITE, 0, 0, 9);
    program(&mut dma, 3, BLOCK | WRITE, 0, 0, 1);
    dma.set_request(3, true);
    dma.serve();
    dma.set_request(0, true);
    let channels: Vec<_> = (0..2).map(|_| dma.serve().expect("a request").channel).collect();
    assert_eq!(channels, [3, 0]);
}

#[test]
fn with_fixed_priority_channel_0_comes_first_and_the_word_channels_after_channel_3() {
    let mut dma = pair();
    for channel in [0, 1, 2, 3, 5, 6, 7] {
        program(&mut dma, channel, SINGLE | WRITE, 0, 0, 0);
        dma.set_request(channel, true);
    }
    let order: Vec<_> = core::iter::from_fn(|| dma.serve())
        .map(|transfer| transfer.channel)
        .collect();
    assert_eq!(order, [0, 1, 2, 3, 5, 6, 7]);
}

#[test]
fn with_rotating_priority_the_channel_that_was_served_comes_last() {
    let mut dma = pair();
    dma.write(0x08, 0x10);
    for channel in [1, 2] {
        program(&mut dma, channel, SINGLE | WRITE, 0, 0, 9);
        dma.set_request(channel, true);
    }
    let order: Vec<_> = (0..4).map(|_| dma.serve().expect("a request").channel).collect();
    assert_eq!(order, [1, 2, 1, 2]);
}

/// "Command Register", bit 4, and "Priority".
#[test]
fn fixed_priority_holds_from_the_command_that_selects_it_and_a_later_rotation_begins_from_it() {
    let mut dma = pair();
    for channel in [1, 2] {
        program(&mut dma, channel, SINGLE | WRITE, 0, 0, 9);
        dma.set_request(channel, true);
    }
    let mut order = Vec::new();
    for (command, units) in [(0x10, 1), (0x00, 2), (0x10, 1), (0x00, 0), (0x10, 3)] {
        dma.write(0x08, command);
        order.push(
            (0..units)
                .map(|_| dma.serve().expect("a request").channel)
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(order, [vec![1], vec![1, 1], vec![1], vec![], vec![1, 2, 1]]);
}

#[test]
fn the_low_channels_need_channel_4_open_and_in_cascade_mode() {
    let mut dma = pair();
    program(&mut dma, 2, SINGLE | WRITE, 0, 0, 9);
    dma.set_request(2, true);
    dma.write(0xD4, 0x04);
    assert_eq!(dma.serve(), None);
    dma.write(0xD4, 0x00);
    dma.write(0xD6, SINGLE);
    assert_eq!(dma.serve(), None);
    dma.write(0xD6, CASCADE_MODE);
    assert!(dma.serve().is_some());
}

#[test]
fn the_status_register_shows_requests_even_of_masked_channels_and_a_read_clears_the_terminal_counts() {
    let mut dma = pair();
    program(&mut dma, 2, SINGLE | WRITE, 0, 0, 0);
    dma.set_request(2, true);
    dma.set_request(1, true);
    dma.serve();
    assert_eq!(dma.read(0x08), 0x64);
    assert_eq!(dma.read(0x08), 0x60);
}

#[test]
fn a_software_request_is_not_masked_and_is_cleared_by_the_terminal_count() {
    let mut dma = pair();
    program(&mut dma, 1, BLOCK | WRITE, 0, 0, 1);
    dma.write(0x0A, 0x05);
    dma.write(0x09, 0x05);
    assert_eq!(addresses(&mut dma, 2), [0, 1]);
    assert_eq!(dma.serve(), None);
    assert_eq!(dma.read(0x08), 0x02);
}

#[test]
fn the_mask_registers_set_one_all_or_no_mask() {
    let mut dma = pair();
    for channel in 0..4 {
        program(&mut dma, channel, SINGLE | WRITE, 0, 0, 100);
        dma.set_request(channel, true);
    }
    dma.write(0x0F, 0x0D);
    assert_eq!(dma.serve().map(|transfer| transfer.channel), Some(1));
    dma.write(0x0E, 0);
    assert_eq!(dma.serve().map(|transfer| transfer.channel), Some(0));
    dma.write(0x0A, 0x04);
    assert_eq!(dma.serve().map(|transfer| transfer.channel), Some(1));
}

#[test]
fn the_flip_flop_says_which_byte_of_a_register_comes_next_and_every_access_toggles_it() {
    let mut dma = pair();
    dma.write(0x0C, 0);
    dma.write(0x00, 0x34);
    dma.write(0x00, 0x12);
    assert_eq!([dma.read(0x00), dma.read(0x00)], [0x34, 0x12]);
    dma.read(0x00);
    assert_eq!(dma.read(0x00), 0x12);
    dma.read(0x00);
    dma.write(0x0C, 0);
    assert_eq!(dma.read(0x00), 0x34);
}

#[test]
fn master_clear_masks_all_channels_and_keeps_addresses_and_modes() {
    let mut dma = pair();
    program(&mut dma, 2, SINGLE | READ, 0, 0x1234, 9);
    dma.set_request(2, true);
    dma.write(0x08, 0x04);
    dma.write(0x0D, 0);
    assert_eq!(dma.serve(), None);
    dma.write(0x0E, 0);
    let transfer = dma.serve().expect("a request");
    assert_eq!(
        (transfer.address, transfer.kind),
        (0x1234, TransferKind::MemoryToDevice)
    );
}

#[test]
fn the_disable_bit_stops_the_controller() {
    let mut dma = pair();
    program(&mut dma, 2, SINGLE | READ, 0, 0, 9);
    dma.set_request(2, true);
    dma.write(0x08, 0x04);
    assert_eq!(dma.serve(), None);
    dma.write(0x08, 0x00);
    assert!(dma.serve().is_some());
}

#[test]
fn a_request_can_be_active_low() {
    let mut dma = pair();
    program(&mut dma, 2, SINGLE | READ, 0, 0, 9);
    dma.write(0x08, 0x40);
    assert_eq!(dma.serve().map(|transfer| transfer.channel), Some(2));
    dma.set_request(2, true);
    assert_eq!(dma.serve(), None);
}

#[test]
fn memory_to_memory_moves_channel_0_to_channel_1_through_the_temporary_register() {
    let mut dma = pair();
    dma.write(0x08, 0x01);
    program(&mut dma, 0, BLOCK | READ, 0x01, 0x1000, 2);
    program(&mut dma, 1, BLOCK | WRITE, 0x02, 0x2000, 2);
    dma.write(0x09, 0x04);
    let moved: Vec<_> = core::iter::from_fn(|| dma.serve())
        .map(|transfer| (transfer.address, transfer.kind, transfer.is_terminal_count))
        .collect();
    let to = |destination| TransferKind::MemoryToMemory { destination };
    let expected = [
        (0x1_1000, to(0x2_2000), false),
        (0x1_1001, to(0x2_2001), false),
        (0x1_1002, to(0x2_2002), true),
    ];
    assert_eq!(moved, expected);
    dma.set_temporary(0x77);
    assert_eq!(dma.read(0x0D), 0x77);
    assert_eq!(dma.read(0x08) & 0x0F, 0x02);
}

#[test]
fn the_address_of_channel_0_can_be_held_to_fill_memory() {
    let mut dma = pair();
    dma.write(0x08, 0x03);
    program(&mut dma, 0, BLOCK | READ, 0, 0x1000, 9);
    program(&mut dma, 1, BLOCK | WRITE, 0, 0x2000, 1);
    dma.write(0x09, 0x04);
    assert_eq!(addresses(&mut dma, 2), [0x1000, 0x1000]);
}

#[test]
fn a_single_byte_takes_five_dma_clocks_of_two_bus_clocks() {
    let mut dma = pair();
    program(&mut dma, 2, SINGLE | WRITE, 0, 0, 9);
    dma.set_request(2, true);
    for _ in 0..2 {
        assert_eq!(dma.serve().map(|transfer| transfer.bus_clocks), Some(10));
    }
}

#[test]
fn a_service_that_goes_on_drives_the_upper_address_only_when_it_changes() {
    let mut dma = pair();
    program(&mut dma, 2, BLOCK | WRITE, 0, 0x00FE, 3);
    dma.set_request(2, true);
    let clocks: Vec<_> = core::iter::from_fn(|| dma.serve())
        .map(|transfer| transfer.bus_clocks)
        .collect();
    assert_eq!(clocks, [10, 8, 10, 8]);
}

#[test]
fn compressed_timing_leaves_out_a_state() {
    let mut dma = pair();
    dma.write(0x08, 0x08);
    program(&mut dma, 2, SINGLE | WRITE, 0, 0, 3);
    dma.set_request(2, true);
    assert_eq!(dma.serve().map(|transfer| transfer.bus_clocks), Some(8));
}

#[test]
fn odd_and_even_addresses_of_the_word_controller_are_the_same_register() {
    let mut dma = pair();
    dma.write(0xD8, 0);
    dma.write(0xC5, 0x34);
    dma.write(0xC4, 0x12);
    assert_eq!([dma.read(0xC4), dma.read(0xC5)], [0x34, 0x12]);
}

#[test]
fn registers_that_cannot_be_read_give_ffh() {
    let mut dma = pair();
    for port in [
        0x09, 0x0A, 0x0B, 0x0C, 0x0E, 0x0F, 0xD2, 0xD4, 0xD6, 0xD8, 0xDC, 0xDE, 0x10,
    ] {
        assert_eq!(dma.read(port), 0xFF, "port {port:#x}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Read(u16),
    Write(u16, u8),
    Line(u8, bool),
    Serve,
    Reset,
}

fn any_action() -> impl Strategy<Value = Action> {
    let port = || prop_oneof![0..0x10u16, 0x80..0x90u16, 0xC0..0xE0u16, any::<u16>()];
    prop_oneof![
        3 => port().prop_map(Action::Read),
        8 => (port(), any::<u8>()).prop_map(|(port, value)| Action::Write(port, value)),
        4 => (0..7u8, any::<bool>()).prop_map(|(n, high)| Action::Line(if n < 4 { n } else { n + 1 }, high)),
        8 => proptest::strategy::Just(Action::Serve),
        1 => proptest::strategy::Just(Action::Reset),
    ]
}

proptest! {
    #[test]
    fn a_granted_bus_is_always_used_within_16_mib(actions in proptest::collection::vec(any_action(), 0..300)) {
        let mut dma = pair();
        for action in actions {
            match action {
                Action::Read(port) => { dma.read(port); }
                Action::Write(port, value) => dma.write(port, value),
                Action::Line(channel, is_high) => dma.set_request(channel, is_high),
                Action::Reset => dma.reset(),
                Action::Serve => {
                    let is_requesting = dma.is_requesting_bus();
                    let transfer = dma.serve();
                    assert_eq!(transfer.is_some(), is_requesting);
                    if let Some(transfer) = transfer {
                        assert!(transfer.address < 1 << 24 && transfer.channel < 8 && transfer.channel != 4);
                        assert!(!transfer.is_word || transfer.address % 2 == 0);
                        assert!(!transfer.is_bus_kept || dma.is_requesting_bus());
                    }
                }
            }
        }
    }
}
