use super::*;
use crate::slot::{STATION, Slot, settings};
use clock::Span;
use wire::{CheckSequence, Connection, End, Frame, Notice, Outcome, Request};

const NIC: u16 = 0x280;
const PSTR: u16 = 0x680;
const PSPR: u16 = 0x681;
const DQTR: u16 = 0x682;
const BCFR: u16 = 0x683;
const PCFR: u16 = 0x684;
const GACFR: u16 = 0x685;
const CTRL: u16 = 0x686;
const STREG: u16 = 0x687;
const IDCFR: u16 = 0x688;
const DAMSB: u16 = 0x689;
const DALSB: u16 = 0x68A;
const VPTR2: u16 = 0x68B;
const RFMSB: u16 = 0x68E;
const RFLSB: u16 = 0x68F;

fn slot() -> Slot {
    Slot::new(&settings())
}

/// A card whose controller answers and whose window shows memory.
fn running() -> Slot {
    let mut slot = slot();
    slot.write(CTRL, 0x02);
    slot.write(GACFR, 0x49);
    slot
}

/// A card whose controller holds its interrupt up: a remote read of no bytes raises RDC.
fn interrupting() -> Slot {
    let mut slot = running();
    slot.write(NIC, 0x22);
    slot.write(NIC + 15, 0x40);
    slot.write(NIC, 0x0A);
    slot
}

#[test]
fn the_card_answers_sixteen_ports_at_its_base_and_sixteen_400h_above() {
    let mut slot = running();
    assert_eq!(slot.card.ports(), [0x280..0x290, 0x680..0x690]);
    assert_eq!(slot.read(0x290), 0xFF);
    slot.write(0x290, 0);
    assert_eq!(slot.read(NIC), 0x21);
}

#[test]
fn the_jumper_registers_are_one_hot() {
    for (base, jumper) in [
        (0x300, 0x80),
        (0x310, 0x40),
        (0x330, 0x20),
        (0x350, 0x10),
        (0x250, 0x08),
        (0x280, 0x04),
        (0x2A0, 0x02),
        (0x2E0, 0x01),
    ] {
        let mut slot = Slot::new(&Settings {
            io_base: base,
            ..settings()
        });
        assert_eq!(slot.read(base + 0x403), jumper);
    }
    for (base, jumper) in [
        (Some(0xDC000), 0x80),
        (Some(0xD8000), 0x40),
        (Some(0xCC000), 0x20),
        (Some(0xC8000), 0x10),
        (None, 0),
    ] {
        let mut slot = Slot::new(&Settings {
            memory_base: base,
            ..settings()
        });
        assert_eq!(slot.read(PCFR), jumper);
        assert_eq!(slot.card.memory_window(), base.map(|base| base..base + 0x2000));
    }
}

#[test]
fn the_jumper_registers_show_at_the_end_of_the_window_while_the_prom_is_mapped() {
    let mut slot = slot();
    assert_eq!((slot.memory_read(0x1FFE), slot.memory_read(0x1FFF)), (0x04, 0x20));
    assert_eq!(slot.memory_read(0x1FFD), 0xFF);
}

#[test]
fn the_jumper_registers_cannot_be_written() {
    let mut slot = slot();
    slot.write(BCFR, 0xFF);
    slot.write(PCFR, 0xFF);
    slot.write(STREG, 0xFF);
    assert_eq!(
        (slot.read(BCFR), slot.read(PCFR), slot.read(STREG)),
        (0x04, 0x20, GATE_ARRAY_REVISION)
    );
}

#[test]
fn the_writable_registers_read_back() {
    let mut slot = slot();
    for port in [PSTR, PSPR, 0x682, GACFR, IDCFR, DAMSB, DALSB, VPTR2, 0x68C, 0x68D] {
        slot.write(port, port as u8 ^ 0x5A);
        assert_eq!(slot.read(port), port as u8 ^ 0x5A, "{port:X}");
    }
    slot.write(CTRL, 0x72);
    assert_eq!(slot.read(CTRL), 0x72);
}

#[test]
fn a_present_card_reads_other_than_ff_at_408h() {
    assert_ne!(slot().read(IDCFR), 0xFF);
}

#[test]
fn ealo_puts_the_station_address_in_the_controllers_place() {
    let mut slot = slot();
    slot.write(CTRL, 0x06);
    let address: Vec<u8> = (0..6).map(|offset| slot.read(NIC + offset)).collect();
    assert_eq!(address, STATION);
    slot.write(CTRL, 0x02);
    assert_eq!(slot.read(NIC), 0x21, "the controller's command register");
}

#[test]
fn eahi_shows_the_other_half_of_the_prom() {
    let mut slot = slot();
    slot.write(CTRL, 0x0A);
    assert!((0..16).all(|offset| slot.read(NIC + offset) == 0xFF));
}

#[test]
fn writes_do_not_reach_a_controller_behind_the_prom() {
    let mut slot = slot();
    slot.write(CTRL, 0x06);
    slot.write(NIC, 0x22);
    slot.write(CTRL, 0x02);
    assert_eq!(slot.read(NIC), 0x21);
}

#[test]
fn rst_holds_the_controller_and_the_gate_array_in_reset() {
    let mut slot = interrupting();
    slot.write(IDCFR, 0x20);
    assert_eq!(slot.lines, 1 << 3);
    slot.write(CTRL, 0x03);
    slot.write(NIC, 0x22);
    assert_eq!(
        (slot.lines, slot.read(IDCFR), slot.read(GACFR), slot.read(CTRL)),
        (0, 0, 0, 0x03)
    );
    assert_eq!(slot.read(NIC), 0x21);
    slot.write(CTRL, 0x02);
    slot.write(NIC, 0x22);
    assert_eq!(slot.read(NIC), 0x22);
}

#[test]
fn memory_keeps_its_contents_through_every_reset() {
    let mut slot = running();
    slot.memory_write(5, 0x77);
    slot.write(CTRL, 0x03);
    slot.write(CTRL, 0x02);
    slot.call(crate::Card::reset);
    slot.write(GACFR, 0x49);
    assert_eq!(slot.memory_read(5), 0x77);
}

#[test]
fn a_reset_of_the_bus_puts_the_card_back_as_it_was_at_power_on() {
    let mut slot = interrupting();
    slot.write(IDCFR, 0x20);
    slot.call(crate::Card::reset);
    assert_eq!((slot.lines, slot.read(CTRL)), (0, 0x0A));
    for port in [PSTR, PSPR, 0x682, GACFR, IDCFR, DAMSB, DALSB, VPTR2, 0x68C, 0x68D] {
        assert_eq!(slot.read(port), 0);
    }
}

#[test]
fn a_reset_ends_a_transmission_and_its_completion_means_nothing_any_more() {
    let mut slot = running();
    for (offset, value) in [(0, 0x22), (4, 0x20), (5, 60), (6, 0), (0, 0x26)] {
        slot.write(NIC + offset, value);
    }
    slot.transmission();
    slot.write(CTRL, 0x03);
    assert_eq!(
        slot.card.take_requests(),
        [wire::Request::Withdraw { at: slot.now }]
    );
    slot.write(CTRL, 0x02);
    slot.wait(Span::from_milliseconds(1));
    slot.notice(Notice::Sent {
        at: slot.now,
        outcome: Outcome {
            collisions: 0,
            deferred: false,
            late: false,
            end: End::Good,
        },
    });
    assert_eq!(slot.read(NIC + 7), 0x80);
}

#[test]
fn each_interrupt_leaves_on_the_line_that_idcfr_selects() {
    for (selection, lines) in [
        (0x10, 1 << 9),
        (0x20, 1 << 3),
        (0x40, 1 << 4),
        (0x80, 1 << 5),
        (0x00, 0),
        (0x0F, 0),
    ] {
        let mut slot = interrupting();
        slot.write(IDCFR, selection);
        assert_eq!(slot.lines, lines, "IDCFR {selection:02X}");
        slot.write(NIC + 7, 0x40);
        assert_eq!(slot.lines, 0);
    }
}

#[test]
fn another_selection_moves_the_level() {
    let mut slot = interrupting();
    slot.write(IDCFR, 0x20);
    slot.write(IDCFR, 0x80);
    assert_eq!(slot.lines, 1 << 5);
}

#[test]
fn nim_masks_the_controllers_interrupt() {
    let mut slot = interrupting();
    slot.write(IDCFR, 0x20);
    slot.write(GACFR, 0xC9);
    assert_eq!(slot.lines, 0);
    slot.write(GACFR, 0x49);
    assert_eq!(slot.lines, 1 << 3);
}

#[test]
fn bank_1_of_the_window_is_the_controllers_pages_20h_to_3fh_and_no_other_bank_has_memory() {
    let mut slot = running();
    for offset in 0..0x2000 {
        slot.memory_write(offset, (offset >> 8 ^ offset) as u8);
    }
    for mbs in 0..8_u8 {
        slot.write(GACFR, 0x48 | mbs);
        for offset in 0..0x2000 {
            let there = if mbs == 1 {
                (offset >> 8 ^ offset) as u8
            } else {
                0xFF
            };
            assert_eq!(slot.memory_read(offset), there);
        }
    }
    slot.write(DAMSB, 0x26);
    slot.wait(Span::from_milliseconds(100));
    slot.write(CTRL, 0x82);
    slot.wait(DMA_TRANSFER);
    assert_eq!(slot.read(RFMSB), 0x06, "the first byte of page 26h");
}

#[test]
fn the_window_takes_no_writes_while_the_prom_is_mapped() {
    let mut slot = running();
    slot.write(GACFR, 0x41);
    slot.memory_write(0, 0x12);
    assert_eq!(slot.memory_read(0), 0xFF);
    slot.write(GACFR, 0x49);
    assert_eq!(slot.memory_read(0), 0);
}

#[test]
fn a_read_of_the_address_in_vptr_maps_the_prom() {
    let mut slot = running();
    // CC123h: bits 19 to 12, 11 to 4, and 3 to 0 in the upper nibble.
    for (port, value) in [(VPTR2, 0xCC), (0x68C, 0x12), (0x68D, 0x30)] {
        slot.write(port, value);
    }
    assert_eq!((slot.memory_read(0x122), slot.memory_read(0x124)), (0, 0));
    assert_eq!(slot.read(GACFR), 0x49);
    assert_eq!(slot.memory_read(0x123), 0xFF);
    assert_eq!(slot.read(GACFR), 0x41);
}

#[test]
fn the_fifo_moves_bytes_to_the_card_while_dprdy_is_set() {
    let mut slot = running();
    slot.write(DAMSB, 0x20);
    slot.write(DALSB, 0x10);
    assert_eq!(slot.read(STREG) & 0x80, 0);
    slot.write(CTRL, 0xC2);
    assert_eq!(slot.read(STREG) & 0x80, 0x80);
    for (port, value) in [(RFMSB, 1), (RFLSB, 2), (RFMSB, 3), (RFMSB, 4)] {
        slot.write(port, value);
    }
    slot.write(CTRL, 0x02);
    assert_eq!(slot.read(STREG) & 0x80, 0);
    let stored: Vec<u8> = (0x10..0x14).map(|offset| slot.memory_read(offset)).collect();
    assert_eq!(stored, [1, 2, 3, 4]);
}

#[test]
fn the_fifos_address_goes_round_in_the_ring_from_pspr_to_pstr() {
    let mut slot = running();
    slot.write(PSTR, 0x26);
    slot.write(PSPR, 0x40);
    slot.memory_write(0x1FFF, 7);
    slot.memory_write(0x0600, 8);
    slot.write(DAMSB, 0x3F);
    slot.write(DALSB, 0xFF);
    slot.wait(Span::from_milliseconds(1));
    slot.write(CTRL, 0x82);
    slot.wait(DMA_TRANSFER * 2);
    assert_eq!((slot.read(RFMSB), slot.read(RFLSB)), (7, 8));
    assert_eq!((slot.read(DAMSB), slot.read(DALSB)), (0x26, 0x01));
}

#[test]
fn moving_data_against_the_transfer_sets_uflw_and_oflw_until_the_next_start() {
    let mut slot = running();
    assert_eq!(slot.read(RFMSB), 0xFF);
    slot.write(RFMSB, 1);
    assert_eq!(slot.read(STREG) & 0x60, 0x60);
    slot.write(CTRL, 0x82);
    assert_eq!(slot.read(STREG) & 0x60, 0);
    slot.write(RFMSB, 1);
    assert_eq!(slot.read(STREG) & 0x60, 0x20);
}

// Transfers of the gate array (facts of the drivers: Linux, iPXE, Crynwr, MINIX).

#[test]
fn dprdy_rises_when_eight_bytes_are_in_the_fifo() {
    let mut slot = running();
    slot.write(CTRL, 0x82);
    slot.wait((DMA_TRANSFER * 8).saturating_sub(Span::from_picoseconds(1)));
    assert_eq!(slot.read(STREG) & 0x80, 0);
    slot.wait(Span::from_picoseconds(1));
    assert_eq!(slot.read(STREG) & 0x80, 0x80);
}

#[test]
fn dprdy_falls_while_fewer_than_eight_bytes_fit_into_the_fifo() {
    let mut slot = running();
    slot.write(CTRL, 0xC2);
    for _ in 0..10 {
        slot.write(RFMSB, 0x11);
    }
    assert_eq!(slot.read(STREG) & 0x80, 0);
    slot.wait(DMA_TRANSFER * 2);
    assert_eq!(slot.read(STREG) & 0x80, 0x80);
}

#[test]
fn a_host_that_fills_the_fifo_faster_than_it_drains_sets_oflw() {
    let mut slot = running();
    slot.write(CTRL, 0xC2);
    for _ in 0..16 {
        slot.write(RFMSB, 0x11);
    }
    assert_eq!(slot.read(STREG) & 0x20, 0);
    slot.write(RFMSB, 0x11);
    assert_eq!(slot.read(STREG) & 0x20, 0x20);
}

#[test]
fn the_gate_arrays_transfers_hold_window_accesses_up() {
    let mut slot = running();
    slot.write(CTRL, 0x82);
    slot.wait(Span::from_nanoseconds(50));
    slot.memory_read(0);
    assert_eq!(slot.held.nanoseconds(), 150);
}

/// A card that moves bytes by DMA channel 3, in bursts of eight.
fn moving(control: u8) -> Slot {
    let mut slot = running();
    for (port, value) in [(DQTR, 8), (IDCFR, 0x24), (DAMSB, 0x26), (DALSB, 0x00)] {
        slot.write(port, value);
    }
    slot.write(CTRL, control);
    slot
}

#[test]
fn each_dma_channel_is_requested_on_the_line_that_idcfr_selects() {
    for (selection, lines) in [
        (0x01, 1 << 1),
        (0x02, 1 << 2),
        (0x04, 1 << 3),
        (0x08, 0),
        (0xF0, 0),
    ] {
        let mut slot = running();
        slot.write(IDCFR, selection);
        slot.write(CTRL, 0xC2);
        assert_eq!(slot.dma_lines, lines, "IDCFR {selection:02X}");
        for channel in 0..8 {
            assert_eq!(slot.card.answers_dma(channel), lines >> channel & 1 == 1);
        }
        slot.write(CTRL, 0x02);
        assert_eq!(slot.dma_lines, 0);
    }
}

#[test]
fn drq_rises_when_a_burst_is_in_the_fifo_and_stays_for_all_of_it() {
    let mut slot = moving(0x82);
    assert_eq!(slot.dma_lines, 0);
    slot.wait(DMA_TRANSFER * 8);
    assert_eq!(slot.dma_lines, 1 << 3);
    for byte in 0..8 {
        assert_eq!(slot.dma_lines, 1 << 3, "byte {byte}");
        slot.call(|card, cx| card.dma_read(false, cx));
    }
    assert_eq!(slot.dma_lines, 0, "the next burst has still to come");
    slot.wait(DMA_TRANSFER * 8);
    assert_eq!(slot.dma_lines, 1 << 3);
}

#[test]
fn dip_is_set_during_a_transfer_by_dma_and_dprdy_is_not() {
    let mut slot = moving(0x82);
    slot.wait(Span::from_microseconds(10));
    assert_eq!(slot.read(STREG) & 0x98, 0x08);
}

#[test]
fn dma_moves_bytes_from_the_card_until_the_terminal_count() {
    let mut slot = running();
    for offset in 0..100 {
        slot.memory_write(0x600 + offset, offset as u8);
    }
    slot.wait(Span::from_milliseconds(1));
    for (port, value) in [
        (DQTR, 8),
        (IDCFR, 0x24),
        (DAMSB, 0x26),
        (DALSB, 0x00),
        (CTRL, 0x82),
    ] {
        slot.write(port, value);
    }
    for byte in 0..100 {
        slot.wait(Span::from_microseconds(1));
        assert_eq!(slot.call(|card, cx| card.dma_read(byte == 99, cx)), byte);
    }
    slot.wait(Span::from_microseconds(10));
    assert_eq!((slot.read(STREG) & 0x78, slot.dma_lines), (0x10, 0));
}

#[test]
fn dma_moves_bytes_to_the_card() {
    let mut slot = moving(0xC2);
    for byte in 0..100 {
        slot.wait(Span::from_microseconds(1));
        slot.call(|card, cx| card.dma_write(byte, byte == 99, cx));
    }
    slot.write(CTRL, 0x02);
    let stored: Vec<u8> = (0..100).map(|offset| slot.memory_read(0x600 + offset)).collect();
    assert_eq!(stored, (0..100).collect::<Vec<u8>>());
}

#[test]
fn the_terminal_count_interrupts_unless_tcm_is_set_until_start_is_cleared() {
    for (gacfr, lines) in [(0x09, 1 << 3), (0x49, 0), (0x89, 1 << 3)] {
        let mut slot = moving(0xC2);
        slot.write(GACFR, gacfr);
        assert_eq!(slot.lines, 0);
        slot.call(|card, cx| card.dma_write(1, true, cx));
        assert_eq!(
            (slot.lines, slot.read(STREG) & 0x10),
            (lines, 0x10),
            "{gacfr:02X}"
        );
        slot.write(CTRL, 0x02);
        assert_eq!((slot.lines, slot.read(STREG) & 0x10), (0, 0));
    }
}

// The boot PROM's socket.

fn with_prom() -> Slot {
    let image: Vec<u8> = (0..0x2000).map(|offset: u32| (offset >> 5) as u8).collect();
    let mut slot = Slot::new(&Settings {
        boot_prom: Some(image.into()),
        ..settings()
    });
    slot.write(CTRL, 0x02);
    slot
}

#[test]
fn the_boot_prom_shows_in_the_window_while_rsel_is_clear() {
    let mut slot = with_prom();
    let seen: Vec<u8> = (0..0x1FFE).map(|offset| slot.memory_read(offset)).collect();
    assert!((0..0x1FFE_u32).all(|offset| seen[offset as usize] == (offset >> 5) as u8));
    assert_eq!((slot.memory_read(0x1FFE), slot.memory_read(0x1FFF)), (0x04, 0x20));
    slot.write(GACFR, 0x49);
    assert_eq!(slot.memory_read(0x20), 0);
}

#[test]
fn the_boot_prom_does_not_wait_for_local_dma() {
    let mut slot = with_prom();
    slot.write(CTRL, 0x82);
    slot.memory_read(0);
    assert_eq!(slot.held, Span::ZERO);
}

#[test]
fn a_read_of_the_reset_vector_brings_the_prom_back() {
    let mut slot = with_prom();
    for (port, value) in [(VPTR2, 0xFF), (0x68C, 0xFF), (0x68D, 0x00), (GACFR, 0x49)] {
        slot.write(port, value);
    }
    assert_eq!(slot.card.watched_address(), Some(0xFFFF0));
    slot.card.watched_address_is_read();
    assert_eq!((slot.read(GACFR), slot.memory_read(0x20)), (0x41, 1));
    assert_eq!(
        slot.card.watched_address(),
        None,
        "there is nothing left to switch"
    );
}

#[test]
fn without_a_window_no_address_is_watched() {
    let mut slot = Slot::new(&Settings {
        memory_base: None,
        ..settings()
    });
    slot.write(GACFR, 0x49);
    assert_eq!(slot.card.watched_address(), None);
}

#[test]
#[should_panic(expected = "the boot PROM fits its window")]
fn a_boot_prom_has_at_most_8_kb() {
    Slot::new(&Settings {
        boot_prom: Some(vec![0; 0x2001].into()),
        ..settings()
    });
}

// Bus cycles.

#[test]
fn the_8_bit_card_takes_8_bit_cycles_and_ows_takes_their_wait_states_away() {
    let mut slot = running();
    let cycle = |is_zero_wait| BusCycle {
        width: Width::Eight,
        is_zero_wait,
    };
    for (gacfr, is_zero_wait) in [(0x49, false), (0x69, true)] {
        slot.write(GACFR, gacfr);
        assert_eq!(slot.card.port_cycle(GACFR), cycle(is_zero_wait));
        assert_eq!(slot.card.memory_cycle(), cycle(is_zero_wait));
        assert_eq!(slot.card.port_cycle(NIC), cycle(false));
    }
}

// The 3C503/16 (Linux 3c503.h, NetBSD if_ec.c).

fn sixteen() -> Slot {
    let mut slot = Slot::new(&Settings {
        model: Model::EtherLinkII16,
        ..settings()
    });
    slot.write(CTRL, 0x02);
    slot
}

#[test]
fn the_16_bit_card_forces_wts_to_one() {
    let mut slot = sixteen();
    for (port, value) in [(NIC, 0x21), (NIC + 14, 0x48), (NIC, 0xA1)] {
        slot.write(port, value);
    }
    assert_eq!(slot.read(NIC + 14), 0x49);
}

#[test]
fn the_16_bit_cards_banks_0_and_1_are_pages_0_to_3fh() {
    let mut slot = sixteen();
    for (gacfr, value) in [(0x48, 0x11), (0x49, 0x22)] {
        slot.write(GACFR, gacfr);
        slot.memory_write(0x105, value);
    }
    slot.wait(Span::from_milliseconds(1));
    for (page, value) in [(0x01, 0x11), (0x21, 0x22)] {
        for (port, value) in [(DAMSB, page), (DALSB, 0x05), (CTRL, 0x82)] {
            slot.write(port, value);
        }
        slot.wait(DMA_TRANSFER);
        assert_eq!(slot.read(RFMSB), value);
        slot.write(CTRL, 0x02);
        slot.wait(Span::from_milliseconds(1));
    }
    slot.write(GACFR, 0x4A);
    assert_eq!(slot.memory_read(0x105), 0xFF);
}

#[test]
fn the_16_bit_cards_memory_takes_16_bit_cycles_and_its_prom_8_bit_ones() {
    let mut slot = sixteen();
    assert_eq!(slot.card.memory_cycle().width, Width::Eight);
    slot.write(GACFR, 0x49);
    assert_eq!(slot.card.memory_cycle().width, Width::Sixteen);
    assert_eq!(slot.card.port_cycle(NIC).width, Width::Eight);
    slot.call(|card, cx| card.memory_write_word(0x10, 0x1234, cx));
    assert_eq!(slot.call(|card, cx| card.memory_read_word(0x10, cx)), 0x1234);
    assert_eq!((slot.memory_read(0x10), slot.memory_read(0x11)), (0x34, 0x12));
}

#[test]
fn the_16_bit_cards_gate_array_moves_words() {
    let mut slot = sixteen();
    slot.write(CTRL, 0x82);
    slot.wait(DMA_TRANSFER * 4);
    assert_eq!(slot.read(STREG) & 0x80, 0x80);
}

// The transceivers (hardware facts of the drivers: Linux, Crynwr; 86Box for CTRL after a reset).

/// A card on a cable at this connector, with CTRL as written, whose receiver takes everything and transmitter has 60 bytes to send.
fn selecting(connector: Connector, control: u8) -> Slot {
    let mut slot = Slot::new(&Settings {
        connector,
        ..settings()
    });
    slot.write(CTRL, control);
    start_controller(&mut slot);
    slot
}

fn start_controller(slot: &mut Slot) {
    for (offset, value) in [
        (0, 0x21),
        (14, 0x48),
        (12, 0x1F),
        (13, 0),
        (1, 0x26),
        (2, 0x40),
        (3, 0x26),
        (15, 0x3F),
        (0, 0x61),
        (7, 0x27),
        (0, 0x22),
        (4, 0x20),
        (5, 60),
        (6, 0),
    ] {
        slot.write(NIC + offset, value);
    }
}

fn frame() -> Frame {
    Frame::new(&[2; 60], CheckSequence::Right)
}

/// How long a frame of 64 bytes lasts behind its start delimiter.
const FRAME_TIME: Span = Span::from_nanoseconds(64 * 800);

#[test]
fn xsel_selects_the_transceiver_on_the_board_or_the_one_at_the_aui_connector() {
    for (connector, control, connection) in [
        (Connector::Bnc, 0x02, Connection::Cable),
        (Connector::Bnc, 0x00, Connection::OpenAui),
        (Connector::Aui, 0x02, Connection::OpenCoax),
        (Connector::Aui, 0x00, Connection::Cable),
    ] {
        let mut slot = selecting(connector, control);
        let hears = connection == Connection::Cable;
        assert_eq!(slot.card.is_listening(), hears);
        slot.wait(Span::from_milliseconds(1));
        slot.receive(frame());
        slot.wait(Span::from_milliseconds(1));
        assert_eq!(slot.card.counts().received, u64::from(hears));
        slot.write(NIC, 0x26);
        let requests = slot.card.take_requests();
        let told = Request::Connect {
            at: slot.now,
            connection,
        };
        assert_eq!(requests[0], told, "{connector:?} {control}");
        assert!(matches!(requests[1..], [Request::Transmit { .. }]));
    }
}

#[test]
fn a_reset_of_the_bus_selects_the_transceiver_on_the_board() {
    for (connector, hears) in [(Connector::Bnc, true), (Connector::Aui, false)] {
        let mut slot = selecting(connector, 0x00);
        slot.call(crate::Card::reset);
        // The controller comes out from behind the PROM, and XSEL is as the reset has left it.
        let control = slot.read(CTRL) & !0x08;
        slot.write(CTRL, control);
        start_controller(&mut slot);
        assert_eq!(slot.card.is_listening(), hears);
    }
}

#[test]
fn a_frame_is_received_if_its_transceiver_was_selected_from_its_first_byte_to_its_last() {
    let moment = Span::from_nanoseconds(1);
    // When XSEL is cleared and set again, from the frame's first byte on.
    for (off, on, is_received) in [
        (Span::ZERO, moment, false),
        (FRAME_TIME.saturating_sub(moment), FRAME_TIME * 2, false),
        (FRAME_TIME, FRAME_TIME * 2, true),
    ] {
        let mut slot = selecting(Connector::Bnc, 0x02);
        slot.wait(Span::from_milliseconds(1));
        let begin = slot.now;
        let at = begin + FRAME_TIME;
        let mut deeds = [(begin + off, 0x00), (begin + on, 0x02)].into_iter().peekable();
        while let Some((when, control)) = deeds.next_if(|(when, _)| *when <= at) {
            slot.run_until(when);
            slot.write(CTRL, control);
        }
        slot.run_until(at);
        slot.notice(Notice::Received {
            at,
            begin,
            frame: frame(),
        });
        slot.wait(Span::from_milliseconds(1));
        assert_eq!(slot.card.counts().received == 1, is_received, "{off:?} {on:?}");
    }
}

#[test]
fn the_cable_is_told_of_another_transceiver_while_something_is_sent_and_before_the_next_is() {
    let mut slot = selecting(Connector::Bnc, 0x02);
    slot.write(CTRL, 0x00);
    slot.write(CTRL, 0x02);
    assert_eq!(slot.card.take_requests(), []);
    slot.write(NIC, 0x26);
    assert_eq!(slot.card.take_requests().len(), 2);
    slot.write(CTRL, 0x00);
    let told = Request::Connect {
        at: slot.now,
        connection: Connection::OpenAui,
    };
    assert_eq!(slot.card.take_requests(), [told]);
}

#[test]
fn an_announced_frame_that_is_no_longer_heard_holds_nobody_up() {
    let mut slot = selecting(Connector::Bnc, 0x02);
    slot.write(GACFR, 0x49);
    slot.wait(Span::from_milliseconds(1));
    let (at, begin) = (slot.now, slot.now);
    let frame = Frame::new(&[2; 1514], CheckSequence::Right);
    slot.notice(Notice::Arriving { at, begin, frame });
    slot.wait(Span::from_microseconds(100));
    slot.write(CTRL, 0x00);
    slot.wait(Span::from_microseconds(10));
    for _ in 0..100 {
        slot.wait(Span::from_nanoseconds(900));
        slot.memory_read(0);
        assert_eq!(slot.held, Span::ZERO);
    }
}
