use clock::{Instant, Span};
use wire::{CheckSequence, End, Frame, Notice, Outcome};

use crate::slot::{Slot, settings};
use crate::{Model, Settings};

const TRANSMIT_PAGE: u8 = 0x20;
const RING_START: u8 = 0x26;
const RING_STOP: u8 = 0x40;

/// What a driver sees of its card: a base, a window, and an interrupt.
struct Driver {
    slot: Slot,
    base: u16,
    address: [u8; 6],
    next: u8,
    received: Vec<Vec<u8>>,
    sent: u32,
    is_sending: bool,
}

impl Driver {
    /// Finds the card by its jumper registers, reads its address and starts it, register by register as Amoeba's
    /// driver for the 3C503 does.
    fn start(station: u8) -> Self {
        let address = [0x02, 0x60, 0x8C, 0, 0, station];
        let mut slot = Slot::new(&Settings {
            station_address: address,
            ..settings()
        });
        let base = 0x280;
        assert_eq!((slot.read(base + 0x403), slot.read(base + 0x404)), (0x04, 0x20));
        for control in [0x01, 0x00, 0x00] {
            slot.write(base + 0x406, control);
            slot.wait(Span::from_milliseconds(5));
        }
        slot.write(base + 0x406, 0x06);
        let address = std::array::from_fn(|i| slot.read(base + i as u16));
        slot.write(base + 0x406, 0x02);
        for (register, value) in [
            (5, 0x49),
            (0, RING_START),
            (1, RING_STOP),
            (0xB, 0xFF),
            (0xC, 0xFF),
            (0xD, 0x00),
            (8, 0x20),
        ] {
            slot.write(base + 0x400 + register, value);
        }
        let mut driver = Self {
            slot,
            base,
            address,
            next: RING_START + 1,
            received: Vec::new(),
            sent: 0,
            is_sending: false,
        };
        driver.start_controller();
        driver
    }

    fn start_controller(&mut self) {
        for (register, value) in [
            (0x0, 0x21),
            (0xE, 0x28),
            (0xA, 0),
            (0xB, 0),
            (0xC, 0x20),
            (0xD, 0x02),
            (0x4, TRANSMIT_PAGE),
            (0x1, RING_START),
            (0x2, RING_STOP),
            (0x3, RING_START),
            (0x7, 0xFF),
            (0xF, 0x13),
            (0x0, 0x61),
        ] {
            self.slot.write(self.base + register, value);
        }
        for (register, value) in (1..).zip(self.address) {
            self.slot.write(self.base + register, value);
        }
        for register in 8..16 {
            self.slot.write(self.base + register, 0xFF);
        }
        for (register, value) in [(0x7, RING_START + 1), (0x0, 0x22), (0xD, 0x10), (0xC, 0x0C)] {
            self.slot.write(self.base + register, value);
        }
    }

    /// Copies a frame into the one transmit buffer and sends it.
    fn send(&mut self, frame: &[u8]) {
        assert!(!self.is_sending);
        for (offset, byte) in (0..).zip(frame) {
            self.slot.memory_write(offset, *byte);
        }
        let [low, high] = (frame.len() as u16).to_le_bytes();
        for (register, value) in [(5, low), (6, high), (0, 0x26)] {
            self.slot.write(self.base + register, value);
        }
        self.is_sending = true;
    }

    /// The interrupt routine, if line 3 is high: until ISR reads zero.
    fn interrupt(&mut self) {
        if self.slot.lines != 1 << 3 {
            return;
        }
        loop {
            let status = self.slot.read(self.base + 7);
            if status == 0 {
                break;
            }
            self.slot.write(self.base + 7, status);
            assert_eq!(status & 0x10, 0, "the ring never overflows in this test");
            if status & 0x02 != 0 {
                self.is_sending = false;
                self.sent += 1;
            }
            if status & 0x01 != 0 {
                self.drain();
            }
        }
        assert_eq!(self.slot.lines, 0, "the interrupt is acknowledged");
    }

    fn drain(&mut self) {
        while self.current() != self.next {
            let at = self.window_offset(self.next);
            let header: [u8; 4] = std::array::from_fn(|i| self.slot.memory_read(at + i as u32));
            let count = u32::from(u16::from_le_bytes([header[2], header[3]])) - 4;
            assert_eq!(header[0] & 0x0F, 0x01);
            let end = u32::from(RING_STOP - TRANSMIT_PAGE) << 8;
            let data = (at + 4..at + 4 + count)
                .map(|offset| {
                    if offset < end {
                        offset
                    } else {
                        offset - end + 0x600
                    }
                })
                .map(|offset| self.slot.memory_read(offset))
                .collect();
            self.received.push(data);
            self.next = header[1];
            let boundary = if self.next == RING_START {
                RING_STOP - 1
            } else {
                self.next - 1
            };
            self.slot.write(self.base + 3, boundary);
        }
    }

    fn current(&mut self) -> u8 {
        self.slot.write(self.base, 0x62);
        let current = self.slot.read(self.base + 7);
        self.slot.write(self.base, 0x22);
        current
    }

    fn window_offset(&self, page: u8) -> u32 {
        u32::from(page - TRANSMIT_PAGE) << 8
    }
}

/// Carries the one frame that `from` wants to send to `to`: preamble, frame and check sequence at 800 ns a byte.
fn carry(from: &mut Driver, to: &mut Driver) -> Frame {
    let (ready, frame) = from.slot.transmission();
    let at = ready + Span::from_nanoseconds(800) * (8 + frame.bytes().len() as u64 + 4);
    for driver in [&mut *from, &mut *to] {
        driver.slot.run_until(at);
    }
    let outcome = Outcome {
        collisions: 0,
        deferred: false,
        late: false,
        end: End::Good,
    };
    from.slot.notice(Notice::Sent { at, outcome });
    to.slot.receive(frame.clone());
    settle(from, to, at + Span::from_microseconds(5));
    frame
}

fn settle(from: &mut Driver, to: &mut Driver, then: Instant) {
    for driver in [from, to] {
        driver.slot.run_until(then);
        driver.interrupt();
    }
}

fn message(to: &Driver, from: &Driver, number: usize, length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length).map(|i| (i ^ number) as u8).collect();
    bytes[..6].copy_from_slice(&to.address);
    bytes[6..12].copy_from_slice(&from.address);
    bytes
}

#[test]
fn two_cards_exchange_frames_of_every_size_through_amoebas_driver() {
    let (mut one, mut two) = (Driver::start(1), Driver::start(2));
    assert_eq!((one.address[5], two.address[5]), (1, 2));
    for (number, length) in (60..=1514).step_by(7).enumerate() {
        let (there, back) = (
            message(&two, &one, number, length),
            message(&one, &two, number, 1574 - length),
        );
        one.send(&there);
        assert_eq!(
            carry(&mut one, &mut two),
            Frame::new(&there, CheckSequence::Right)
        );
        two.send(&back);
        carry(&mut two, &mut one);
        assert_eq!(two.received.pop().as_ref(), Some(&there), "{length} bytes");
        assert_eq!(one.received.pop().as_ref(), Some(&back), "{length} bytes");
        assert!(!one.is_sending && !two.is_sending);
    }
    let counts = one.slot.card.counts();
    assert_eq!((counts.sent, counts.received, counts.missed), (208, 208, 0));
    assert_eq!(counts, two.slot.card.counts());
}

#[test]
fn a_frame_for_somebody_else_costs_no_interrupt_and_no_alarm() {
    let (mut one, mut two) = (Driver::start(1), Driver::start(2));
    let mut frame = message(&two, &one, 0, 60);
    frame[5] = 3;
    one.send(&frame);
    let current = two.current();
    carry(&mut one, &mut two);
    assert_eq!((two.current(), two.slot.alarm), (current, Instant::NEVER));
    assert!(two.received.is_empty());
}

#[test]
fn the_receiver_learns_of_a_frame_when_its_alarm_rings_and_not_before() {
    let (mut one, mut two) = (Driver::start(1), Driver::start(2));
    let frame = Frame::new(&message(&two, &one, 0, 60), CheckSequence::Right);
    one.slot.wait(Span::from_milliseconds(1));
    two.slot.wait(Span::from_milliseconds(1));
    let at = two.slot.now;
    two.slot.receive(frame);
    assert_eq!(
        (two.slot.lines, two.slot.alarm.since(at)),
        (0, Span::from_nanoseconds(3800))
    );
    two.slot.run_until(two.slot.alarm);
    assert_eq!((two.slot.lines, two.slot.alarm), (1 << 3, Instant::NEVER));
}

#[test]
fn an_access_at_the_instant_of_the_alarm_sees_what_the_alarm_brings() {
    let (one, mut two) = (Driver::start(1), Driver::start(2));
    two.slot.wait(Span::from_milliseconds(1));
    let frame = Frame::new(&message(&two, &one, 0, 60), CheckSequence::Right);
    two.slot.receive(frame);
    two.slot.now = two.slot.alarm;
    assert_eq!(two.slot.read(two.base + 7), 0x01);
    assert_eq!((two.slot.lines, two.slot.alarm), (1 << 3, Instant::NEVER));
}

#[test]
fn a_reset_at_the_instant_of_the_alarm_comes_after_it() {
    let (one, mut two) = (Driver::start(1), Driver::start(2));
    two.slot.wait(Span::from_milliseconds(1));
    let frame = Frame::new(&message(&two, &one, 0, 60), CheckSequence::Right);
    two.slot.receive(frame);
    two.slot.now = two.slot.alarm;
    two.slot.call(crate::Card::reset);
    assert_eq!(two.slot.card.counts().received, 1);
}

#[test]
fn the_lab_checker_knows_what_the_model_can_do() {
    let model = Model::EtherLinkII;
    assert_eq!((model.name(), model.interrupts()), ("3c503", &[2, 3, 4, 5][..]));
    for io_base in model.io_bases() {
        for memory_base in model.memory_bases().iter().copied().map(Some).chain([None]) {
            let slot = Slot::new(&Settings {
                io_base: *io_base,
                memory_base,
                ..settings()
            });
            let bytes = slot
                .card
                .memory_window()
                .map_or(0, |window| window.end - window.start);
            assert_eq!(bytes, memory_base.map_or(0, |_| model.memory_window_bytes()));
        }
    }
}
