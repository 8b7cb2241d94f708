//! A card of any kind in the hands of any machine and any cable, for the suite and for `cargo fuzz` (see `fuzz/` in this
//! crate): nothing may panic, levels are told by their edges, alarms lie in the future, no call has many effects, and
//! the cable is asked for one transmission at a time and not for the past.

use clock::{Instant, Span};
use wire::{CheckSequence, End, Frame, LEAST_ATTEMPT, Notice, Outcome, Request};

use crate::dp8390::BYTE_TIME;
use crate::slot::{STATION, Slot};
use crate::{Card, Model, SHORTEST_FIFO_FILL};

/// Lines that a card may drive: interrupts 3, 4, 5 and 9, DMA requests 1 to 3.
const INTERRUPTS: u16 = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9;
const DMA_REQUESTS: u8 = 1 << 1 | 1 << 2 | 1 << 3;

/// The bytes from which everything is chosen; behind their end all are zero.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, others)) = self.0.split_first() else {
            return 0;
        };
        self.0 = others;
        *first
    }

    fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// Mostly one of the card's ports.
    fn port(&mut self, slot: &Slot) -> u16 {
        let [low, high] = slot.card.ports();
        match self.byte() {
            offset @ 0..0x80 => low.start + u16::from(offset % 32),
            offset @ 0x80..0xF0 => high.start + u16::from(offset % 16),
            _ => self.word(),
        }
    }

    fn frame(&mut self) -> Frame {
        let kind = self.byte();
        let length = match kind & 3 {
            0 => usize::from(self.byte()),
            1 => 60,
            2 => 1514,
            _ => usize::from(self.word()),
        };
        let mut bytes = match kind >> 2 & 3 {
            0 => STATION,
            1 => [0xFF; 6],
            2 => [1, 0, 0x5E, 0, self.byte(), self.byte()],
            _ => [2; 6],
        }
        .to_vec();
        bytes.resize(length, kind);
        let check = if kind & 0x10 == 0 {
            CheckSequence::Right
        } else {
            CheckSequence::Wrong
        };
        Frame::new(&bytes, check).with_dribble_bits(kind >> 5)
    }

    fn outcome(&mut self) -> Outcome {
        let choice = self.byte();
        Outcome {
            collisions: choice >> 3 & 0x0F,
            deferred: choice & 4 == 4,
            late: choice & 3 == 2,
            end: match choice & 3 {
                0 | 2 => End::Good,
                1 => End::TooManyCollisions,
                _ => End::CarrierLost,
            },
        }
    }
}

/// What is outstanding on the cable.
#[derive(Default)]
struct Cable {
    ready: Option<Instant>,
}

impl Cable {
    fn answer(&mut self, now: Instant) {
        if self.ready.is_some_and(|ready| ready + LEAST_ATTEMPT <= now) {
            self.ready = None;
        }
    }

    fn take(&mut self, requests: Vec<Request>, since: Instant) {
        for request in requests {
            match request {
                Request::Transmit { ready, .. } => {
                    assert!(ready >= since + SHORTEST_FIFO_FILL, "a request for the past");
                    assert!(self.ready.is_none(), "one transmission at a time");
                    self.ready = Some(ready);
                }
                Request::Withdraw { at } => {
                    assert!(at >= since && self.ready.take().is_some(), "nothing to withdraw");
                }
                Request::OffsetBackoff { at, .. } | Request::Connect { at, .. } => assert!(at >= since),
            }
        }
    }
}

/// One card's life, as `bytes` choose it.
///
/// # Panics
///
/// If the card does something that no card may do.
pub fn card(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let model = Model::ALL[usize::from(choices.byte()) % Model::ALL.len()];
    let mut slot = Slot::of(model);
    let mut cable = Cable::default();
    while !choices.0.is_empty() {
        let since = slot.now;
        if act(&mut choices, &mut slot) {
            cable.answer(slot.now);
        }
        cable.take(slot.card.take_requests(), since);
        assert_eq!((slot.lines & !INTERRUPTS, slot.dma_lines & !DMA_REQUESTS), (0, 0));
        assert!(
            slot.alarm > slot.now || slot.alarm >= since,
            "an alarm in the past"
        );
    }
}

/// Does one thing to the card; true if the cable has answered a transmission.
fn act(choices: &mut Choices, slot: &mut Slot) -> bool {
    match choices.byte() % 16 {
        0 | 1 => {
            let port = choices.port(slot);
            slot.read(port);
        }
        2..=4 => {
            let port = choices.port(slot);
            slot.write(port, choices.byte());
        }
        5 => access_words(choices, slot),
        6 => access_window(choices, slot),
        7 => access_dma(choices, slot),
        8 => start(choices, slot),
        9 => transmit(choices, slot),
        10 => slot.wait(Span::from_nanoseconds(u64::from(choices.word()) * 40)),
        11 => rare(choices, slot),
        12 => {
            let (at, outcome) = (slot.now, choices.outcome());
            slot.notice(Notice::Sent { at, outcome });
            return true;
        }
        13 | 14 => {
            let (at, frame) = (slot.now, choices.frame());
            let late = Span::from_nanoseconds(200 * u64::from(choices.byte()));
            let begin = at - BYTE_TIME * frame.length() - late;
            slot.notice(Notice::Received { at, begin, frame });
        }
        _ => tell_early(choices, slot),
    }
    false
}

fn access_words(choices: &mut Choices, slot: &mut Slot) {
    let port = choices.port(slot);
    let value = choices.word();
    if value & 1 == 0 {
        slot.read_word(port);
    } else {
        slot.write_word(port, value);
    }
}

fn access_window(choices: &mut Choices, slot: &mut Slot) {
    let offset = u32::from(choices.word()) | u32::from(choices.byte()) << 13;
    match choices.byte() % 4 {
        0 => {
            slot.memory_read(offset);
        }
        1 => slot.memory_write(offset, 0xA5),
        2 => {
            slot.call(|card, cx| card.memory_read_word(offset, cx));
        }
        _ => slot.call(|card, cx| card.memory_write_word(offset, 0xA55A, cx)),
    }
}

fn access_dma(choices: &mut Choices, slot: &mut Slot) {
    let choice = choices.byte();
    let is_last = choice & 0xF0 == 0;
    if choice & 1 == 0 {
        slot.call(|card, cx| card.dma_read(is_last, cx));
    } else {
        slot.call(|card, cx| card.dma_write(choice, is_last, cx));
    }
}

/// Starts the controller with a ring; without it arbitrary writes seldom do.
fn start(choices: &mut Choices, slot: &mut Slot) {
    let [base, gate_array] = slot.card.ports().map(|range| range.start);
    let (ring, stop) = (choices.byte() % 0x80, choices.byte() % 0x81);
    for (port, value) in [(6, 0x02), (5, 0x49), (8, 0x21)] {
        slot.write(gate_array + port, value);
    }
    for (register, value) in [
        (0, 0x21),
        (14, choices.byte()),
        (12, choices.byte()),
        (13, choices.byte() & 0x18),
        (1, ring),
        (2, stop),
        (3, ring),
        (15, 0x7F),
        (0, 0x61),
        (7, ring.wrapping_add(1)),
        (8, choices.byte()),
        (15, choices.byte()),
        (0, 0x22),
    ] {
        slot.write(base + register, value);
    }
}

fn transmit(choices: &mut Choices, slot: &mut Slot) {
    let [base, _] = slot.card.ports().map(|range| range.start);
    let [low, high] = choices.word().to_le_bytes();
    for (register, value) in [(5, low), (6, high & 7), (0, 0x26)] {
        slot.write(base + register, value);
    }
}

fn rare(choices: &mut Choices, slot: &mut Slot) {
    match choices.byte() % 4 {
        0 => slot.call(Card::reset),
        1 => slot.call(Card::wake),
        2 => slot.card.watched_address_is_read(),
        _ => assert!(
            slot.card
                .watched_address()
                .is_none_or(|address| address < 1 << 20)
        ),
    }
}

/// The cable tells of a frame before its end.
fn tell_early(choices: &mut Choices, slot: &mut Slot) {
    let at = slot.now;
    let begin = at - Span::from_nanoseconds(u64::from(choices.word()));
    slot.notice(if choices.byte() & 1 == 0 {
        let frame = choices.frame();
        Notice::Arriving { at, begin, frame }
    } else {
        Notice::Leaving { at, begin }
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    proptest! {
        #[test]
        fn whatever_is_done_to_a_card_of_any_kind_it_behaves_like_a_card(
            bytes in prop::collection::vec(any::<u8>(), 0..1500),
        ) {
            super::card(&bytes);
        }
    }
}
