use super::{BASES, Found, Remote, Transfers, Width, find, request_interrupt};
use crate::etherlink::registers::{Causes, nic};
use crate::etherlink::{Bus, Card, Ports, collect};
use proptest::prelude::{Just, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proto::ethernet::{Address, LONGEST};
use std::collections::VecDeque;
use std::vec;
use std::vec::Vec;

const BASE: u16 = 0x300;
const ADDRESS: Address = Address([0x02, 0x60, 0x8c, 4, 5, 6]);
const REMOTE_READ: u8 = 0x08;
const REMOTE_WRITE: u8 = 0x10;
const DMA_COMPLETE: u8 = 0x40;

/// A Novell card, as far as the driver looks at it.
#[derive(Clone, Debug)]
struct Fake {
    width: Width,
    signature: [u8; 2],
    command: u8,
    status: u8,
    pages: [[u8; 16]; 2],
    /// All that remote DMA reaches: the PROM at 0, and the memory.
    memory: Vec<u8>,
    /// Where remote DMA goes on, and how many bytes are left.
    remote: (u16, u16),
    sent: Vec<Vec<u8>>,
    /// Transfers that remote DMA was set up for.
    transfers: u32,
    remote_state: Remote,
}

impl Fake {
    fn new(width: Width) -> Fake {
        let mut fake = Fake {
            width,
            signature: [0x57; 2],
            command: 0x21,
            status: 0x80,
            pages: [[0; 16]; 2],
            memory: vec![0; 0x8000],
            remote: (0, 0),
            sent: Vec::new(),
            transfers: 0,
            remote_state: Remote::new(BASE, width),
        };
        fake.write_prom();
        fake
    }

    fn write_prom(&mut self) {
        let mut prom = [0; 16];
        prom[..6].copy_from_slice(&ADDRESS.0);
        prom[14..].copy_from_slice(&self.signature);
        let copies = if self.width == Width::Word { 2 } else { 1 };
        for place in 0..32 {
            self.memory[place] = prom[place / copies % 16];
        }
    }

    fn register(&self, register: u16) -> u8 {
        self.pages[0][usize::from(register)]
    }

    fn word(&self, low: u16) -> u16 {
        u16::from_le_bytes([self.register(low), self.register(low + 1)])
    }

    /// A byte goes through the data port.
    fn advance(&mut self) -> usize {
        assert!(self.remote.1 > 0, "the data port was used without remote DMA");
        let place = self.remote.0;
        self.remote = (place + 1, self.remote.1 - 1);
        if self.remote.1 == 0 {
            self.status |= DMA_COMPLETE;
        }
        place.into()
    }

    fn is_wide(&self) -> bool {
        self.register(nic::DATA_CONFIGURATION) & 1 != 0
    }

    /// Stores a frame in the ring as the DP8390 does; false if it does not fit.
    fn arrive(&mut self, frame: &[u8]) -> bool {
        let (first, stop) = (self.register(nic::PAGE_START), self.register(nic::PAGE_STOP));
        let (current, boundary) = (self.pages[1][7], self.register(nic::BOUNDARY));
        let (pages, ring) = ((4 + frame.len() + 4).div_ceil(256) as u8, stop - first);
        if pages > (boundary + ring - current) % ring {
            self.status |= Causes::OVERFLOW.bits();
            return false;
        }
        let next = first + (current - first + pages) % ring;
        let [low, high] = (frame.len() as u16 + 4).to_le_bytes();
        let mut place = usize::from(current) << 8;
        for byte in [&[0x01, next, low, high][..], frame].concat() {
            self.memory[place] = byte;
            place += 1;
            if place == usize::from(stop) << 8 {
                place = usize::from(first) << 8;
            }
        }
        self.pages[1][7] = next;
        self.status |= Causes::RECEIVED.bits();
        true
    }

    /// Ends the transmission under way.
    fn finish(&mut self, cause: Causes) {
        assert_ne!(self.command & 0x04, 0, "nothing is being transmitted");
        self.command &= !0x04;
        self.status |= cause.bits();
    }
}

impl Ports for Fake {
    fn read(&mut self, port: u16) -> u8 {
        let page = usize::from(self.command >> 6);
        match port.wrapping_sub(BASE) {
            nic::COMMAND => self.command,
            nic::INTERRUPT_STATUS if page == 0 => self.status,
            offset @ 0..16 => self.pages[page][usize::from(offset)],
            super::RESET => {
                self.command = 0x21;
                self.status = 0x80;
                0
            }
            _ => 0xff,
        }
    }

    fn write(&mut self, port: u16, value: u8) {
        let page = usize::from(self.command >> 6);
        match port - BASE {
            nic::COMMAND => {
                let is_sending = self.command & 0x04;
                self.command = if value & 1 != 0 { value } else { value | is_sending };
                if value & 0x04 != 0 {
                    assert_eq!(is_sending, 0, "a frame is on the wire already");
                    let start = usize::from(self.register(nic::TRANSMIT_PAGE)) << 8;
                    let length = usize::from(self.word(nic::TRANSMIT_COUNT_LOW));
                    self.sent.push(self.memory[start..start + length].to_vec());
                }
                if value & (REMOTE_READ | REMOTE_WRITE) != 0 {
                    self.remote = (self.word(nic::REMOTE_START_LOW), self.word(nic::REMOTE_COUNT_LOW));
                    self.transfers += 1;
                    assert!(!self.is_wide() || self.remote.1.is_multiple_of(2), "half a word");
                }
            }
            nic::INTERRUPT_STATUS if page == 0 => self.status &= !value | 0x80,
            super::RESET => {}
            offset @ 0..16 => self.pages[page][usize::from(offset)] = value,
            offset => panic!("no register at {offset:#x}"),
        }
    }
}

impl Transfers for Fake {
    fn read_string(&mut self, port: u16, width: Width, to: &mut [u8]) {
        assert_eq!((port, width == Width::Word), (BASE + super::DATA, self.is_wide()));
        assert_eq!(self.command & 0x38, REMOTE_READ);
        for byte in to {
            let place = self.advance();
            *byte = self.memory[place];
        }
    }

    fn write_string(&mut self, port: u16, width: Width, from: &[u8]) {
        assert_eq!((port, width == Width::Word), (BASE + super::DATA, self.is_wide()));
        assert_eq!(self.command & 0x38, REMOTE_WRITE);
        for byte in from {
            let place = self.advance();
            self.memory[place] = *byte;
        }
    }
}

impl Bus for Fake {
    fn wait(&mut self, _microseconds: u32) {}

    fn without_interrupts<R>(&mut self, action: impl FnOnce(&mut Self) -> R) -> R {
        action(self)
    }

    fn copy_from_window(&mut self, offset: usize, to: &mut [u8]) {
        let mut remote = self.remote_state;
        let address = remote.address(offset);
        remote.read(self, address, to);
        self.remote_state = remote;
    }

    fn copy_to_window(&mut self, offset: usize, from: &[u8]) {
        let mut remote = self.remote_state;
        let address = remote.address(offset);
        remote.write(self, address, from);
        self.remote_state = remote;
    }

    fn finish_copy(&mut self) {
        let mut remote = self.remote_state;
        remote.finish(self);
        self.remote_state = remote;
    }
}

fn started(width: Width) -> Card<Fake> {
    let mut fake = Fake::new(width);
    let found = find(&mut fake, BASE).expect("a card");
    Card::start_novell(fake, &found)
}

/// What the kernel does at an interrupt.
fn interrupt(card: &mut Card<Fake>) {
    let causes = collect(&mut card.bus, BASE);
    card.service(causes, 0);
}

fn receive_all(card: &mut Card<Fake>) -> Vec<Vec<u8>> {
    let mut buffer = [0; LONGEST];
    std::iter::from_fn(|| card.receive(&mut buffer).map(|length| buffer[..length].to_vec())).collect()
}

#[test]
fn a_card_is_known_by_its_signature_and_its_width_by_doubled_bytes() {
    for width in [Width::Byte, Width::Word] {
        let found = find(&mut Fake::new(width), BASE);
        let (base, address) = (BASE, ADDRESS);
        assert_eq!(found, Some(Found { base, width, address }));
    }
    let mut other = Fake::new(Width::Word);
    other.signature = [0x42; 2];
    other.write_prom();
    assert_eq!(find(&mut other, BASE), None);
}

#[test]
fn where_no_card_is_nothing_is_written() {
    struct Empty;
    impl Ports for Empty {
        fn read(&mut self, _port: u16) -> u8 {
            0xff
        }
        fn write(&mut self, port: u16, value: u8) {
            panic!("{value:#x} was written to port {port:#x}");
        }
    }
    impl Transfers for Empty {
        fn read_string(&mut self, _port: u16, _width: Width, _to: &mut [u8]) {}
        fn write_string(&mut self, _port: u16, _width: Width, _from: &[u8]) {}
    }
    assert!(BASES.iter().all(|base| find(&mut Empty, *base).is_none()));
}

#[test]
fn an_interrupt_is_requested_by_a_transfer_of_one_byte_and_withdrawn() {
    let mut fake = Fake::new(Width::Word);
    find(&mut fake, BASE).expect("a card");
    request_interrupt(&mut fake, BASE, true);
    assert_eq!(fake.status & fake.register(nic::INTERRUPT_MASK), DMA_COMPLETE);
    request_interrupt(&mut fake, BASE, false);
    assert_eq!(fake.status & fake.register(nic::INTERRUPT_MASK), 0);
}

#[test]
fn the_rings_begin_behind_the_transmit_buffers() {
    for (width, ring) in [(Width::Byte, [0x26, 0x40]), (Width::Word, [0x4c, 0x80])] {
        let card = started(width);
        let set = [nic::PAGE_START, nic::PAGE_STOP].map(|register| card.bus.register(register));
        assert_eq!(set, ring);
        assert_eq!(card.address(), ADDRESS);
    }
}

#[test]
fn an_ne2000_is_given_a_second_frame_while_the_first_is_on_the_wire() {
    let mut card = started(Width::Word);
    for byte in [1, 2] {
        assert!(card.can_transmit());
        card.transmit(&[byte; 100], 0);
    }
    assert!(!card.can_transmit());
    assert_eq!(card.bus.sent, [vec![1; 100]]);
    card.bus.finish(Causes::TRANSMITTED);
    interrupt(&mut card);
    assert_eq!(card.bus.sent, [vec![1; 100], vec![2; 100]]);
    assert!(card.can_transmit());
    card.transmit(&[3; 100], 0);
    card.bus.finish(Causes::TRANSMITTED);
    interrupt(&mut card);
    card.bus.finish(Causes::TRANSMITTED);
    interrupt(&mut card);
    assert_eq!(card.bus.sent.len(), 3);
    assert_eq!(card.statistics().transmitted, 3);
}

#[test]
fn an_ne1000_has_one_transmit_buffer() {
    let mut card = started(Width::Byte);
    card.transmit(&[1; 60], 0);
    assert!(!card.can_transmit());
}

#[test]
fn a_frame_that_is_given_up_makes_room_for_the_next_one() {
    let mut card = started(Width::Word);
    card.transmit(&[1; 60], 0);
    card.transmit(&[2; 60], 0);
    for _ in 0..16 {
        card.bus.finish(Causes::TRANSMIT_ERROR);
        interrupt(&mut card);
    }
    assert_eq!(card.bus.sent.len(), 17);
    assert_eq!(card.bus.sent[16], vec![2; 60]);
}

/// Fills the ring until it overflows; returns how many frames it holds.
fn overflow(card: &mut Card<Fake>) -> usize {
    (0..)
        .take_while(|number| card.bus.arrive(&[*number; 1514]))
        .count()
}

#[test]
fn an_overflow_stops_a_frame_and_both_go_out_afterwards() {
    let mut card = started(Width::Word);
    card.transmit(&[1; 60], 0);
    card.transmit(&[2; 60], 0);
    assert_eq!(overflow(&mut card), 8);
    interrupt(&mut card);
    assert!(!card.can_transmit());
    assert_eq!(card.bus.sent.len(), 1);
    // The recovery has stopped the card, and with it the frame.
    card.bus.command &= !0x04;
    assert_eq!(receive_all(&mut card).len(), 8);
    assert_eq!(card.bus.sent, [vec![1; 60], vec![1; 60]]);
    card.bus.finish(Causes::TRANSMITTED);
    interrupt(&mut card);
    assert_eq!(card.bus.sent[2], vec![2; 60]);
}

#[test]
fn a_frame_that_waits_goes_out_after_an_overflow_when_the_one_before_had_ended() {
    let mut card = started(Width::Word);
    card.transmit(&[1; 60], 0);
    card.transmit(&[2; 60], 0);
    overflow(&mut card);
    card.bus.finish(Causes::TRANSMITTED);
    // Both causes at once: the second frame begins, and is stopped.
    interrupt(&mut card);
    card.bus.command &= !0x04;
    receive_all(&mut card);
    interrupt(&mut card);
    assert_eq!(card.bus.sent.last(), Some(&vec![2; 60]));
    assert_eq!(card.statistics().overflows, 1);
}

proptest! {
    #[test]
    fn a_frame_in_any_slices_is_in_the_card_as_it_was(
        slices in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..6),
        width in prop_oneof![Just(Width::Byte), Just(Width::Word)],
    ) {
        let mut card = started(width);
        let mut frame = slices.concat();
        let padding = vec![0; 60_usize.saturating_sub(frame.len())];
        frame.extend_from_slice(&padding);
        card.transmit_parts(
            |each| {
                for slice in slices.iter().chain([&padding]) {
                    each(slice);
                }
            },
            0,
        );
        prop_assert_eq!(&card.bus.sent, &[frame]);
        prop_assert!(card.bus.transfers <= 3 + slices.len() as u32);
    }

    #[test]
    fn frames_come_out_of_the_ring_as_they_arrived(
        frames in proptest::collection::vec((60..=1514_usize, any::<u8>(), any::<bool>()), 1..60),
        width in prop_oneof![Just(Width::Byte), Just(Width::Word)],
    ) {
        let mut card = started(width);
        let mut waiting = VecDeque::new();
        for (length, first, drain) in frames {
            let frame: Vec<u8> = (0..length).map(|place| first.wrapping_add(place as u8)).collect();
            if card.bus.arrive(&frame) {
                waiting.push_back(frame);
            }
            if drain || card.bus.status & Causes::OVERFLOW.bits() != 0 {
                interrupt(&mut card);
                prop_assert_eq!(receive_all(&mut card), waiting.drain(..).collect::<Vec<_>>());
            }
        }
        prop_assert_eq!(card.statistics().restarts, 0);
    }
}
