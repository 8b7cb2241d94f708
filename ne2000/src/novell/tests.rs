use crate::slot::{STATION, Slot, settings};
use crate::{BusCycle, Card, DMA_TRANSFER, Model, Settings, Width};
use clock::Span;

const BASE: u16 = 0x300;
const DATA: u16 = BASE + 0x10;
const RESET: u16 = BASE + 0x1F;

/// A card whose controller runs, in byte mode.
fn slot(model: Model) -> Slot {
    let mut slot = Slot::of(model);
    slot.write(BASE, 0x21);
    slot.write(BASE + 14, 0x48);
    slot.write(BASE, 0x22);
    slot
}

/// Sets remote DMA up.
fn remote(slot: &mut Slot, address: u16, count: u16, command: u8) {
    let ([a0, a1], [c0, c1]) = (address.to_le_bytes(), count.to_le_bytes());
    for (offset, value) in [(10, c0), (11, c1), (8, a0), (9, a1), (0, command)] {
        slot.write(BASE + offset, value);
    }
    slot.wait(Span::from_microseconds(1));
}

fn read(slot: &mut Slot, address: u16, count: u16) -> Vec<u8> {
    remote(slot, address, count, 0x0A);
    (0..count)
        .map(|_| {
            slot.wait(Span::from_microseconds(1));
            slot.read(DATA)
        })
        .collect()
}

fn write(slot: &mut Slot, address: u16, bytes: &[u8]) {
    remote(slot, address, bytes.len() as u16, 0x12);
    for byte in bytes {
        slot.wait(Span::from_microseconds(1));
        slot.write(DATA, *byte);
    }
}

#[test]
fn the_card_answers_32_ports() {
    for model in [Model::Ne1000, Model::Ne2000] {
        let mut slot = slot(model);
        assert_eq!(slot.card.ports(), [0x300..0x320, 0x320..0x320]);
        assert_eq!((slot.read(0x320), slot.read(0x2FF)), (0xFF, 0xFF));
        slot.write(0x320, 0x21);
        assert_eq!(slot.read(BASE), 0x22);
    }
}

#[test]
fn the_ne1000s_prom_has_the_address_once_and_the_signature_at_its_end() {
    let prom = read(&mut slot(Model::Ne1000), 0, 16);
    assert_eq!(prom[..6], STATION);
    assert_eq!(prom[14..], [0x57, 0x57]);
}

#[test]
fn every_byte_of_the_ne2000s_prom_appears_twice() {
    let prom = read(&mut slot(Model::Ne2000), 0, 32);
    assert!(prom.chunks(2).all(|pair| pair[0] == pair[1]));
    let once: Vec<u8> = prom.iter().step_by(2).copied().collect();
    assert_eq!(once[..6], STATION);
    assert_eq!(once[14..], [0x57, 0x57]);
}

#[test]
fn the_prom_takes_no_writes() {
    let mut slot = slot(Model::Ne2000);
    write(&mut slot, 0, &[1, 2, 3, 4]);
    assert_eq!(read(&mut slot, 0, 2), [STATION[0]; 2]);
}

#[test]
fn memory_lies_at_2000h_on_the_ne1000_and_at_4000h_on_the_ne2000() {
    for (model, first, last) in [(Model::Ne1000, 0x2000, 0x3FFF), (Model::Ne2000, 0x4000, 0x7FFF)] {
        let mut slot = slot(model);
        write(&mut slot, first, &[1, 2]);
        write(&mut slot, last - 1, &[3, 4]);
        assert_eq!(read(&mut slot, first, 2), [1, 2]);
        assert_eq!(read(&mut slot, last - 1, 2), [3, 4]);
        assert_eq!(read(&mut slot, first | 0x8000, 2), [1, 2], "A15 is not decoded");
    }
}

#[test]
fn remote_dma_runs_from_pstop_to_pstart() {
    let mut slot = slot(Model::Ne2000);
    write(&mut slot, 0x7FFF, &[1]);
    write(&mut slot, 0x4C00, &[2]);
    slot.write(BASE + 1, 0x4C);
    slot.write(BASE + 2, 0x80);
    assert_eq!(read(&mut slot, 0x7FFF, 2), [1, 2]);
}

#[test]
fn the_ne2000_moves_words_by_16_bit_cycles_in_word_mode() {
    let mut slot = slot(Model::Ne2000);
    slot.write(BASE + 14, 0x49);
    remote(&mut slot, 0x4000, 4, 0x12);
    for word in [0x0201, 0x0403] {
        slot.wait(Span::from_microseconds(1));
        slot.write_word(DATA, word);
    }
    assert_eq!(slot.read(BASE + 7) & 0x40, 0x40);
    remote(&mut slot, 0x4000, 4, 0x0A);
    assert_eq!(slot.read_word(DATA), 0x0201);
    slot.write(BASE + 14, 0x48);
    assert_eq!(read(&mut slot, 0x4000, 4), [1, 2, 3, 4]);
}

#[test]
fn an_8_bit_cycle_in_word_mode_takes_a_word_and_shows_its_lower_byte() {
    let mut slot = slot(Model::Ne2000);
    write(&mut slot, 0x4000, &[1, 2, 3, 4]);
    slot.write(BASE + 14, 0x49);
    remote(&mut slot, 0x4000, 4, 0x0A);
    assert_eq!([slot.read(DATA), slot.read(DATA)], [1, 3]);
}

#[test]
fn only_the_ne2000s_data_port_takes_16_bit_cycles() {
    for (model, port, width) in [
        (Model::Ne2000, DATA, Width::Sixteen),
        (Model::Ne2000, BASE, Width::Eight),
        (Model::Ne2000, RESET, Width::Eight),
        (Model::Ne1000, DATA, Width::Eight),
    ] {
        let cycle = BusCycle {
            width,
            is_zero_wait: false,
        };
        assert_eq!(Slot::of(model).card.port_cycle(port), cycle);
    }
}

#[test]
fn a_read_of_the_reset_port_resets_the_controller_and_the_write_after_it_does_no_more() {
    let mut slot = slot(Model::Ne2000);
    let value = slot.read(RESET);
    assert_eq!((slot.read(BASE), slot.read(BASE + 7)), (0x21, 0x80));
    slot.write(BASE, 0x22);
    slot.write(RESET, value);
    assert_eq!(slot.read(BASE), 0x22);
}

#[test]
fn a_data_port_without_remote_dma_gives_ff_and_takes_nothing() {
    let mut slot = slot(Model::Ne1000);
    slot.write(DATA, 0x55);
    assert_eq!((slot.read(DATA), slot.held), (0xFF, Span::ZERO));
}

#[test]
fn iochrdy_holds_the_data_port_until_the_byte_is_there() {
    let mut slot = slot(Model::Ne1000);
    for (offset, value) in [(10, 10), (11, 0), (8, 0), (9, 0x20), (0, 0x0A)] {
        slot.write(BASE + offset, value);
    }
    slot.read(DATA);
    assert_eq!(slot.held, DMA_TRANSFER);
    slot.wait(Span::from_microseconds(1));
    slot.read(DATA);
    assert_eq!(slot.held, Span::ZERO);
}

#[test]
fn the_jumper_selects_the_interrupt_line() {
    for (interrupt, line) in [(2, 9), (3, 3), (4, 4), (5, 5)] {
        let mut slot = Slot::new(&Settings {
            model: Model::Ne2000,
            io_base: BASE,
            memory_base: None,
            interrupt,
            ..settings()
        });
        for (offset, value) in [(0, 0x22), (15, 0x40), (0, 0x0A)] {
            slot.write(BASE + offset, value);
        }
        assert_eq!(slot.lines, 1 << line);
        slot.call(Card::reset);
        assert_eq!(slot.lines, 0);
    }
}

#[test]
fn a_boot_prom_shows_in_its_window_and_takes_no_writes() {
    let mut slot = Slot::new(&Settings {
        model: Model::Ne2000,
        io_base: BASE,
        memory_base: Some(0xD0000),
        boot_prom: Some(vec![0x55, 0xAA].into()),
        ..settings()
    });
    assert_eq!(slot.card.memory_window(), Some(0xD0000..0xD4000));
    slot.memory_write(0, 1);
    assert_eq!(
        [0, 1, 2].map(|offset| slot.memory_read(offset)),
        [0x55, 0xAA, 0xFF]
    );
    assert_eq!(slot.card.memory_cycle().width, Width::Eight);
}

#[test]
#[should_panic(expected = "a jumper position of the card")]
fn a_jumper_has_only_its_positions() {
    Slot::new(&Settings {
        model: Model::Ne2000,
        io_base: 0x280,
        ..settings()
    });
}
