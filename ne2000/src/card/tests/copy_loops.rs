//! What the card adds to the time of a copy loop: nothing on a quiet cable, so that a byte takes what the bus takes, and
//! a little while a packet is on its way through the card's memory.

use clock::{Instant, Span};
use wire::{CheckSequence, Frame};

use crate::slot::{STATION, Slot};
use crate::{Card, Model};

/// One bus cycle.
type Access = fn(&mut Card, &mut devices::Context);

/// How a loop moves its data: the card, the bus clocks (125 ns) from one cycle to the next, and the bytes in a cycle.
struct Loop {
    model: Model,
    clocks: u64,
    bytes: u64,
    access: Access,
}

fn read_window(card: &mut Card, cx: &mut devices::Context) {
    card.memory_read(0, cx);
}

fn read_wide_window(card: &mut Card, cx: &mut devices::Context) {
    card.memory_read_word(0, cx);
}

fn write_window(card: &mut Card, cx: &mut devices::Context) {
    card.memory_write(0, 0, cx);
}

fn read_port(card: &mut Card, cx: &mut devices::Context) {
    card.read(0x310, cx);
}

fn read_wide_port(card: &mut Card, cx: &mut devices::Context) {
    card.read_word(0x310, cx);
}

fn write_wide_port(card: &mut Card, cx: &mut devices::Context) {
    card.write_word(0x310, 0, cx);
}

/// A card whose receiver runs, with remote DMA of 1024 bytes under way in this direction.
fn ready(model: Model, remote_command: u8) -> Slot {
    let mut slot = Slot::of(model);
    let is_3com = matches!(model, Model::EtherLinkII | Model::EtherLinkII16);
    if is_3com {
        slot.write(0x706, 0x02);
        slot.write(0x705, 0x49);
    }
    let dcr = if model == Model::Ne2000 { 0x49 } else { 0x48 };
    for (register, value) in [
        (0, 0x21),
        (14, dcr),
        (12, 0x10),
        (1, 0x46),
        (2, 0x60),
        (3, 0x46),
        (10, 0x00),
        (11, 0x04),
        (8, 0x00),
        (9, 0x40),
        (0, 0x22),
        (0, if is_3com { 0x22 } else { remote_command }),
    ] {
        slot.write(0x300 + register, value);
    }
    slot.wait(Span::from_milliseconds(1));
    slot
}

/// Makes `cycles` cycles and returns the time of one byte in nanoseconds.
fn run(slot: &mut Slot, it: &Loop, cycles: u64) -> u64 {
    let begin = slot.now;
    for _ in 0..cycles {
        slot.call(it.access);
        slot.wait(Span::from_nanoseconds(it.clocks * 125) + slot.held);
    }
    slot.now.since(begin).nanoseconds() / (cycles * it.bytes)
}

#[test]
fn on_a_quiet_cable_a_byte_takes_what_the_bus_takes() {
    use Model::{EtherLinkII, EtherLinkII16, Ne1000, Ne2000};
    // Nanoseconds a byte: facts on string instructions to ISA at 8 MHz.
    let loops: [(Model, u64, u64, u8, Access, u64); 9] = [
        (EtherLinkII, 7, 1, 0, read_window, 875),
        (EtherLinkII, 8, 1, 0, read_window, 1000),
        (EtherLinkII, 8, 1, 0, write_window, 1000),
        (EtherLinkII16, 4, 2, 0, read_wide_window, 250),
        (Ne1000, 7, 1, 0x0A, read_port, 875),
        (Ne1000, 8, 1, 0x0A, read_port, 1000),
        (Ne2000, 4, 2, 0x0A, read_wide_port, 250),
        (Ne2000, 5, 2, 0x0A, read_wide_port, 312),
        (Ne2000, 4, 2, 0x12, write_wide_port, 250),
    ];
    for (model, clocks, bytes, command, access, nanoseconds) in loops {
        let it = Loop {
            model,
            clocks,
            bytes,
            access,
        };
        let mut slot = ready(model, command);
        assert_eq!(run(&mut slot, &it, 500), nanoseconds, "{:?}", it.model);
    }
}

#[test]
fn while_a_packet_comes_in_an_access_waits_a_tenth_to_four_tenths_of_a_microsecond_on_average() {
    for it in [
        Loop {
            model: Model::EtherLinkII,
            clocks: 8,
            bytes: 1,
            access: read_window,
        },
        Loop {
            model: Model::Ne1000,
            clocks: 8,
            bytes: 1,
            access: read_port,
        },
    ] {
        let mut slot = ready(it.model, 0x0A);
        let begin: Instant = slot.now;
        let mut bytes = STATION.to_vec();
        bytes.resize(1514, 0);
        bytes[0] = 2;
        let frame = Frame::new(&bytes, CheckSequence::Right);
        let at = begin;
        slot.notice(wire::Notice::Arriving { at, begin, frame });
        let nanoseconds = run(&mut slot, &it, 900);
        assert!(
            (1050..1400).contains(&nanoseconds),
            "{:?}: {nanoseconds}",
            it.model
        );
    }
}
