//! Two machines on a cable: a frame's bytes and times, and the interrupt that it causes.

use std::sync::Arc;

use clock::{Instant, Span};
use iced_x86::code_asm::{al, byte_ptr, ecx, edi, esi};
use machines::runtime::What;
use tests::{
    Memory, guest, handle, input, output, post, prepare_interrupts, run_for, sleep, start_card, transmit,
    two_kernels,
};
use wire::{Frame, Record};

/// Length of the frame without its check sequence.
const LENGTH: u16 = 60;
/// Where the card has its transmit buffer, and where it puts the first frame: behind the first four bytes of page 27h.
const TRANSMIT_BUFFER: u32 = 0xC_C000;
const FIRST_FRAME: u32 = 0xC_C000 + 0x700 + 4;

/// Sends one frame of bytes 2, 3, 4, ... half a millisecond after its start, when the other is listening.
fn sender() -> Arc<[u8]> {
    guest(|a| {
        start_card(a)?;
        for index in 0..u32::from(LENGTH) {
            a.mov(byte_ptr(TRANSMIT_BUFFER + index), index + 2)?;
        }
        for _ in 0..500 {
            a.in_(al, 0x61)?;
        }
        transmit(a, LENGTH)?;
        output(a, 0x21, 0xFF)?;
        sleep(a)
    })
}

/// Sleeps until its card's interrupt; posts FFh, the card's interrupt status and the bytes of the frame.
fn receiver() -> Arc<[u8]> {
    guest(|a| {
        prepare_interrupts(a, 1 << 3)?;
        handle(a, 0x0B, |a| {
            let mut next = a.create_label();
            a.mov(al, 0xFF)?;
            post(a)?;
            input(a, 0x287)?;
            post(a)?;
            a.mov(esi, FIRST_FRAME)?;
            a.mov(ecx, u32::from(LENGTH))?;
            a.set_label(&mut next)?;
            a.lodsb()?;
            post(a)?;
            a.dec(ecx)?;
            a.jne(next)?;
            output(a, 0x287, 0xFF)?;
            output(a, 0x20, 0x20)?;
            a.iretd()
        })?;
        start_card(a)?;
        sleep(a)
    })
}

fn frames(memory: &Memory) -> Vec<(Instant, Frame)> {
    let of = |what: &What| match what {
        What::Wire {
            record: Record::Frame { start, frame, .. },
            ..
        } => Some((*start, frame.clone())),
        _ => None,
    };
    memory
        .happenings
        .iter()
        .filter_map(|happening| of(&happening.what))
        .collect()
}

#[test]
fn a_frame_arrives_in_the_others_ring_byte_by_byte() {
    let (_, memory) = run_for(
        &mut two_kernels(sender(), receiver()),
        Span::from_milliseconds(3),
        2,
    );
    let frames = frames(&memory);
    assert_eq!(frames.len(), 1);
    let codes = memory.codes(1);
    assert_eq!(codes[..2], [0xFF, 0x01], "an interrupt, for a packet received");
    let sent: Vec<u8> = (2..LENGTH as u8 + 2).collect();
    assert_eq!(codes[2..], sent);
    assert_eq!(frames[0].1.bytes()[..sent.len()], sent);
}

#[test]
fn a_halted_receiver_is_woken_when_the_last_bit_has_arrived() {
    let (_, memory) = run_for(
        &mut two_kernels(sender(), receiver()),
        Span::from_milliseconds(3),
        1,
    );
    let (start, _) = frames(&memory)[0];
    let woken = memory.posts(1)[0].0;
    // 8 bytes of preamble, 64 of frame at 10 Mbit/s.
    let after = woken.since(start).nanoseconds();
    // The card then moves the last bytes and its header to its memory, the processor takes two acknowledge cycles of
    // 6 bus clocks and some 60 clocks to the handler; the cable adds its 30 m at most.
    assert!((57_600..57_600 + 12_000).contains(&after), "{after} ns");
}

#[test]
fn a_station_does_not_receive_what_it_sends() {
    let mut runtime = two_kernels(sender(), receiver());
    let _ = run_for(&mut runtime, Span::from_milliseconds(3), 1);
    let statistics = runtime.statistics();
    let counts = |machine: usize| {
        let card = &statistics.machines[machine].cards[0];
        (card.sent, card.received, card.missed)
    };
    assert_eq!([counts(0), counts(1)], [(1, 0, 0), (0, 1, 0)]);
}

#[test]
fn a_frame_on_the_cable_when_all_machines_have_stopped_is_still_told() {
    let stopper = |is_sender: bool| {
        guest(|a| {
            a.mov(edi, 0)?;
            if is_sender {
                start_card(a)?;
                transmit(a, 1000)?;
            }
            a.cli()?;
            a.hlt()
        })
    };
    let (_, memory) = run_for(
        &mut two_kernels(stopper(true), stopper(false)),
        Span::from_milliseconds(3),
        1,
    );
    assert_eq!((memory.stops(), frames(&memory).len()), (2, 1));
}
