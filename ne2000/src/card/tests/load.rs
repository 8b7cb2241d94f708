//! Two machines of every kind of card on one cable that send to each other as fast as they can, while one of them is
//! too slow: its ring overflows again and again, and its driver recovers by National's sequence as Linux's `lib8390`
//! does (data sheet, section 7, Buffer Ring Overflow).
//!
//! A driver is a future that does one bus access after the other; it is polled once a window and stops where what the
//! cable has settled ends.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use clock::{Instant, Rate, Span};
use wire::{Kind, Notice, Segment, Settlement, StationId};

use crate::slot::{Slot, settings};
use crate::{Card, Model, Settings, Width};

/// An 8-bit and a 16-bit bus cycle (ISA at 8 MHz: eight and four bus clocks).
const CYCLE: Span = Span::from_nanoseconds(1000);
const WIDE_CYCLE: Span = Span::from_nanoseconds(500);

/// By so much machines stop short of what is settled, so that their last access lies in it.
const MARGIN: Span = Span::from_microseconds(5);

/// What the machines have done when the load is over.
const FRAMES: usize = 60;

/// A card in its machine, its inbox, and the end of what the machine may do.
struct Machine {
    slot: RefCell<Slot>,
    inbox: RefCell<VecDeque<Notice>>,
    end: Cell<Instant>,
    received: RefCell<Vec<Vec<u8>>>,
    overflows: Cell<u32>,
    sent: Cell<usize>,
}

impl Machine {
    fn new(model: Model, station: u8) -> Rc<Self> {
        let slot = Slot::new(&Settings {
            model,
            io_base: 0x300,
            memory_base: model.memory_bases().first().copied(),
            station_address: address(station),
            ..settings()
        });
        Rc::new(Self {
            slot: RefCell::new(slot),
            inbox: RefCell::default(),
            end: Cell::new(Instant::START),
            received: RefCell::default(),
            overflows: Cell::new(0),
            sent: Cell::new(0),
        })
    }

    fn now(&self) -> Instant {
        self.slot.borrow().now
    }

    /// Waits until the machine may go on.
    async fn turn(&self) {
        std::future::poll_fn(|_| {
            if self.now() < self.end.get() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// One bus cycle.
    async fn cycle<T>(&self, length: Span, act: impl FnOnce(&mut Card, &mut devices::Context) -> T) -> T {
        self.turn().await;
        let (result, held) = {
            let mut slot = self.slot.borrow_mut();
            let result = slot.call(act);
            (result, slot.held)
        };
        self.pass_until(self.now() + length + held);
        result
    }

    /// Lets time pass up to `then`: alarms ring and notices arrive.
    fn pass_until(&self, then: Instant) {
        let mut slot = self.slot.borrow_mut();
        loop {
            let due = self.inbox.borrow().front().map_or(Instant::NEVER, Notice::at);
            if due > then {
                break;
            }
            slot.run_until(due);
            let notice = self.inbox.borrow_mut().pop_front().expect("a notice is due");
            slot.notice(notice);
        }
        slot.run_until(then);
    }

    /// Waits for an interrupt, but no longer than until `then`; false if there was none.
    async fn interrupt(&self, then: Instant) -> bool {
        loop {
            self.turn().await;
            if self.slot.borrow().lines != 0 {
                return true;
            }
            if self.now() >= then {
                return false;
            }
            let notice = self.inbox.borrow().front().map_or(Instant::NEVER, Notice::at);
            let next = notice.min(self.slot.borrow().alarm).min(then);
            self.pass_until(next.min(self.end.get()));
        }
    }

    async fn sleep(&self, span: Span) {
        let then = self.now() + span;
        while self.now() < then {
            self.turn().await;
            self.pass_until(then.min(self.end.get()));
        }
    }

    async fn read(&self, port: u16) -> u8 {
        self.cycle(CYCLE, |card, cx| card.read(port, cx)).await
    }

    async fn write(&self, port: u16, value: u8) {
        self.cycle(CYCLE, |card, cx| card.write(port, value, cx)).await;
    }
}

fn address(station: u8) -> [u8; 6] {
    [0x02, 0x60, 0x8C, 0, 0, station]
}

/// Where the driver puts things, by card.
struct Layout {
    first: u8,
    ring: u8,
    stop: u8,
    is_word: bool,
    has_window: bool,
}

fn layout(model: Model) -> Layout {
    let (first, ring, stop) = match model {
        Model::EtherLinkII | Model::Ne1000 => (0x20, 0x26, 0x40),
        Model::EtherLinkII16 => (0x00, 0x20, 0x40),
        // No more than the others have, so that it overflows too.
        Model::Ne2000 => (0x40, 0x46, 0x60),
    };
    Layout {
        first,
        ring,
        stop,
        is_word: matches!(model, Model::EtherLinkII16 | Model::Ne2000),
        has_window: matches!(model, Model::EtherLinkII | Model::EtherLinkII16),
    }
}

/// The driver of one machine.
struct Driver {
    machine: Rc<Machine>,
    layout: Layout,
    base: u16,
    station: u8,
    next: u8,
    is_sending: bool,
    /// What it does between two interrupts, beside the network.
    pause: Span,
}

impl Driver {
    fn new(machine: Rc<Machine>, model: Model, station: u8, pause: Span) -> Self {
        let layout = layout(model);
        Self {
            next: layout.ring,
            layout,
            machine,
            base: 0x300,
            station,
            is_sending: false,
            pause,
        }
    }

    async fn write(&self, register: u16, value: u8) {
        self.machine.write(self.base + register, value).await;
    }

    async fn read(&self, register: u16) -> u8 {
        self.machine.read(self.base + register).await
    }

    async fn start(&mut self) {
        if self.layout.has_window {
            for (register, value) in [
                (0x406, 0x03),
                (0x406, 0x02),
                (0x400, self.layout.ring),
                (0x401, self.layout.stop),
                (0x405, 0x49),
                (0x408, 0x20),
            ] {
                self.write(register, value).await;
            }
        } else {
            let value = self.read(0x1F).await;
            self.write(0x1F, value).await;
        }
        let dcr = 0x48 | u8::from(self.layout.is_word);
        for (register, value) in [
            (0x0, 0x21),
            (0xE, dcr),
            (0xA, 0),
            (0xB, 0),
            (0xC, 0x20),
            (0xD, 0x02),
            (0x4, self.layout.first),
            (0x1, self.layout.ring),
            (0x2, self.layout.stop),
            (0x3, self.layout.stop - 1),
            (0x7, 0xFF),
            (0x0, 0x61),
        ] {
            self.write(register, value).await;
        }
        for (register, value) in (1..).zip(address(self.station)) {
            self.write(register, value).await;
        }
        for (register, value) in [
            (0x7, self.layout.ring),
            (0x0, 0x22),
            (0x7, 0xFF),
            (0xF, 0x3F),
            (0xD, 0x00),
            (0xC, 0x04),
        ] {
            self.write(register, value).await;
        }
    }

    /// Sends frames to the other station, and serves interrupts, for ever.
    async fn run(mut self, to: u8) {
        self.start().await;
        loop {
            let then = self.machine.now() + self.pause;
            if self.machine.interrupt(then).await {
                self.serve().await;
                self.machine.sleep(self.pause).await;
            }
            let number = self.machine.sent.get();
            if !self.is_sending && number < FRAMES {
                let frame = frame(address(to), address(self.station), number);
                self.send(&frame).await;
            }
        }
    }

    async fn send(&mut self, frame: &[u8]) {
        self.store(self.layout.first, frame).await;
        let [low, high] = (frame.len() as u16).to_le_bytes();
        for (register, value) in [(4, self.layout.first), (5, low), (6, high), (0, 0x26)] {
            self.write(register, value).await;
        }
        self.is_sending = true;
    }

    async fn serve(&mut self) {
        loop {
            let status = self.read(7).await;
            if status & 0x7F == 0 {
                return;
            }
            if status & 0x10 != 0 {
                self.recover().await;
            } else if status & 0x05 != 0 {
                self.write(7, 0x05).await;
                self.receive().await;
            }
            if status & 0x0A != 0 {
                self.write(7, 0x0A).await;
                assert_eq!(self.read(4).await & 0x38, 0, "no transmission is given up");
                self.is_sending = false;
                self.machine.sent.set(self.machine.sent.get() + 1);
            }
            if status & 0x60 != 0 {
                self.write(7, 0x60).await;
            }
        }
    }

    /// National's recovery from an overflow.
    async fn recover(&mut self) {
        self.machine.overflows.set(self.machine.overflows.get() + 1);
        let was_sending = self.read(0).await & 0x04 != 0;
        self.write(0, 0x21).await;
        self.machine.sleep(Span::from_microseconds(1600)).await;
        self.write(0xA, 0).await;
        self.write(0xB, 0).await;
        let has_ended = self.read(7).await & 0x0A != 0;
        let must_resend = was_sending && !has_ended;
        self.write(0xD, 0x02).await;
        self.write(0, 0x22).await;
        self.receive().await;
        self.write(7, 0x10).await;
        self.write(0xD, 0x00).await;
        if must_resend {
            self.write(0, 0x26).await;
        }
    }

    async fn receive(&mut self) {
        loop {
            self.write(0, 0x62).await;
            let current = self.read(7).await;
            self.write(0, 0x22).await;
            if current == self.next {
                return;
            }
            let header = self.fetch(u16::from(self.next) << 8, 4).await;
            let count = usize::from(u16::from_le_bytes([header[2], header[3]]));
            assert_eq!(header[0] & 0x1F, 0x01, "only intact packets are in the ring");
            assert!((64..=1518).contains(&count));
            let data = self.packet(count - 4).await;
            self.machine.received.borrow_mut().push(data);
            self.next = header[1];
            let boundary = if self.next == self.layout.ring {
                self.layout.stop - 1
            } else {
                self.next - 1
            };
            self.write(3, boundary).await;
        }
    }

    /// The data behind the header at `next`, in two pieces if they run round the ring.
    async fn packet(&self, count: usize) -> Vec<u8> {
        let begin = (u16::from(self.next) << 8) + 4;
        let end = u16::from(self.layout.stop) << 8;
        let first = count.min(usize::from(end - begin));
        let mut data = self.fetch(begin, first).await;
        let ring = u16::from(self.layout.ring) << 8;
        data.extend(self.fetch(ring, count - first).await);
        data
    }

    async fn fetch(&self, from: u16, count: usize) -> Vec<u8> {
        if count == 0 {
            return Vec::new();
        }
        if self.layout.has_window {
            self.fetch_from_window(from, count).await
        } else {
            self.fetch_by_remote_dma(from, count).await
        }
    }

    async fn fetch_from_window(&self, from: u16, count: usize) -> Vec<u8> {
        let mut data = Vec::new();
        while data.len() < count {
            let offset = u32::from(from) % 0x2000 + data.len() as u32;
            if self.layout.is_word {
                let word = self
                    .machine
                    .cycle(WIDE_CYCLE, |card, cx| card.memory_read_word(offset, cx))
                    .await;
                data.extend(word.to_le_bytes());
            } else {
                let byte = self
                    .machine
                    .cycle(CYCLE, |card, cx| card.memory_read(offset, cx))
                    .await;
                data.push(byte);
            }
        }
        data.truncate(count);
        data
    }

    async fn remote(&self, address: u16, count: usize, command: u8) {
        let ([a0, a1], [c0, c1]) = (address.to_le_bytes(), (count as u16).to_le_bytes());
        for (register, value) in [(0, 0x22), (10, c0), (11, c1), (8, a0), (9, a1), (0, command)] {
            self.write(register, value).await;
        }
    }

    async fn fetch_by_remote_dma(&self, from: u16, count: usize) -> Vec<u8> {
        let port = self.base + 0x10;
        let count_moved = count.next_multiple_of(if self.layout.is_word { 2 } else { 1 });
        self.remote(from, count_moved, 0x0A).await;
        let mut data = Vec::new();
        while data.len() < count {
            if self.layout.is_word {
                let word = self
                    .machine
                    .cycle(WIDE_CYCLE, |card, cx| card.read_word(port, cx))
                    .await;
                data.extend(word.to_le_bytes());
            } else {
                data.push(self.machine.read(port).await);
            }
        }
        self.write(7, 0x40).await;
        data.truncate(count);
        data
    }

    async fn store(&self, page: u8, data: &[u8]) {
        let to = u16::from(page) << 8;
        if self.layout.has_window {
            self.bank(page).await;
            for (index, byte) in data.iter().enumerate() {
                let offset = u32::from(to) % 0x2000 + index as u32;
                self.machine
                    .cycle(CYCLE, |card, cx| card.memory_write(offset, *byte, cx))
                    .await;
            }
            self.bank(self.layout.ring).await;
            return;
        }
        let port = self.base + 0x10;
        assert_eq!(data.len() % 2, 0, "every frame of this test is even");
        self.remote(to, data.len(), 0x12).await;
        if self.layout.is_word {
            for word in data.chunks(2) {
                let word = u16::from_le_bytes([word[0], word[1]]);
                self.machine
                    .cycle(WIDE_CYCLE, |card, cx| card.write_word(port, word, cx))
                    .await;
            }
        } else {
            for byte in data {
                self.machine.write(port, *byte).await;
            }
        }
        self.write(7, 0x40).await;
    }

    /// Shows the bank of this page in the window.
    async fn bank(&self, page: u8) {
        self.write(0x405, 0x48 | page >> 5).await;
    }
}

/// Frame `number`, of a length of its own.
fn frame(to: [u8; 6], from: [u8; 6], number: usize) -> Vec<u8> {
    let length = 60 + (number * 362) % 1454 / 2 * 2;
    let mut bytes: Vec<u8> = (0..length).map(|i| ((i * 3) ^ number) as u8).collect();
    bytes[..6].copy_from_slice(&to);
    bytes[6..12].copy_from_slice(&from);
    bytes[12] = number as u8;
    bytes
}

/// Two machines, the second of which pauses so long after each interrupt, on 185 m of cable, until both have sent their frames.
fn load(model: Model, pause: Span) -> [Rc<Machine>; 2] {
    let mut segment = Segment::new(
        &wire::Settings {
            kind: Kind::TenBase2,
            model: wire::Model::CsmaCd,
            bit_rate: Rate::hertz(10_000_000),
            length_millimetres: 185_000,
        },
        1995,
    );
    let ids: [StationId; 2] = [0, 100_000].map(|position| segment.attach(position));
    let machines = [1, 2].map(|station| Machine::new(model, station));
    let drivers = [
        Driver::new(machines[0].clone(), model, 1, Span::from_microseconds(100)).run(2),
        Driver::new(machines[1].clone(), model, 2, pause).run(1),
    ];
    let mut drivers: Vec<Pin<Box<dyn Future<Output = ()>>>> = drivers
        .into_iter()
        .map(|driver| Box::pin(driver) as Pin<Box<dyn Future<Output = ()>>>)
        .collect();
    let mut context = Context::from_waker(Waker::noop());
    let (mut now, mut settlement) = (Instant::START, Settlement::default());
    // After the last frame there is time for the slow machine to look at it.
    let mut until = Instant::START + Span::from_seconds(2);
    while now < until {
        if machines.iter().all(|machine| machine.sent.get() == FRAMES) {
            until = until.min(now + Span::from_milliseconds(50));
        }
        segment.settle(now, &mut settlement);
        for (id, notice) in settlement.notices.drain(..) {
            let machine = &machines[usize::from(ids[1] == id)];
            machine.inbox.borrow_mut().push_back(notice);
        }
        now = now + segment.window() - MARGIN;
        for (machine, (driver, id)) in machines.iter().zip(drivers.iter_mut().zip(ids)) {
            machine.end.set(now);
            assert!(driver.as_mut().poll(&mut context).is_pending());
            for request in machine.slot.borrow_mut().card.take_requests() {
                segment.request(id, request);
            }
        }
    }
    machines
}

/// Every frame that was received is one that was sent, and they came in the order of their sending.
fn check(machine: &Machine, from: u8, to: u8) {
    let mut least = 0;
    for data in machine.received.borrow().iter() {
        let number = usize::from(data[12]);
        assert!(
            *data == frame(address(to), address(from), number),
            "frame {number}"
        );
        assert!(number >= least, "frame {number} after {least}");
        least = number;
    }
}

#[test]
fn every_card_survives_overflows_under_load_by_nationals_recovery() {
    for model in Model::ALL.iter().copied() {
        let [fast, slow] = load(model, Span::from_milliseconds(12));
        check(&slow, 1, 2);
        check(&fast, 2, 1);
        assert!(slow.overflows.get() >= 1, "{model:?} never overflows");
        assert_eq!((fast.sent.get(), slow.sent.get()), (FRAMES, FRAMES), "{model:?}");
        assert_eq!(fast.received.borrow().len(), FRAMES, "{model:?}");
        let received = slow.received.borrow().len();
        assert!((10..FRAMES).contains(&received), "{model:?}: {received}");
        let last = usize::from(slow.received.borrow().last().unwrap()[12]);
        assert!(last > 20, "{model:?}: nothing after frame {last}");
    }
}

#[test]
fn every_card_exchanges_all_frames_if_its_machine_is_fast_enough() {
    for model in Model::ALL.iter().copied() {
        let machines = load(model, Span::from_microseconds(100));
        for (machine, (from, to)) in machines.iter().zip([(2, 1), (1, 2)]) {
            check(machine, from, to);
            assert_eq!(machine.received.borrow().len(), FRAMES, "{model:?}");
            assert_eq!(machine.sent.get(), FRAMES);
        }
        let counts = machines.map(|machine| machine.slot.borrow().card.counts());
        assert_eq!(counts[0].received + counts[1].received, 2 * FRAMES as u64);
    }
}

#[test]
fn the_16_bit_cards_take_wide_cycles_for_their_data() {
    for model in Model::ALL.iter().copied() {
        let machine = Machine::new(model, 1);
        let mut slot = machine.slot.borrow_mut();
        let layout = layout(model);
        let width = if layout.has_window {
            slot.write(0x706, 0x02);
            slot.write(0x705, 0x49);
            slot.card.memory_cycle().width
        } else {
            slot.card.port_cycle(0x310).width
        };
        assert_eq!(width == Width::Sixteen, layout.is_word, "{model:?}");
    }
}
