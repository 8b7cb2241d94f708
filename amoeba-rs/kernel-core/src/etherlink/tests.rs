use super::registers::{gate_array, nic};
use super::{Bus, Card, Causes, Connector, Location, Ports, collect, find, has_causes, ring};
use proptest::prelude::{any, prop_assert_eq, proptest};
use proto::ethernet::{Address, LONGEST};
use std::collections::VecDeque;
use std::vec;
use std::vec::Vec;

const BASE: u16 = 0x280;
const ADDRESS: Address = Address([0x02, 0x60, 0x8c, 1, 2, 3]);

/// A card at 280h with its window at CC000h, as far as the driver looks at it.
#[derive(Clone, Debug)]
struct Fake {
    command: u8,
    status: u8,
    pages: [[u8; 16]; 2],
    gate_array: [u8; 16],
    memory: Vec<u8>,
    sent: Vec<Vec<u8>>,
    waited: u32,
}

impl Fake {
    fn new() -> Fake {
        let mut gate_array = [0; 16];
        gate_array[3] = 0x04;
        gate_array[4] = 0x20;
        Fake {
            command: 0x21,
            status: 0,
            pages: [[0; 16]; 2],
            gate_array,
            memory: vec![0; ring::WINDOW_LENGTH],
            sent: Vec::new(),
            waited: 0,
        }
    }

    fn started() -> Card<Fake> {
        Card::start(Fake::new(), BASE, 3, Connector::Bnc).expect("the card has an address")
    }

    /// The value last written to a register of page 0.
    fn register(&self, register: u16) -> u8 {
        self.pages[0][usize::from(register)]
    }

    /// Stores a frame in the ring as the 8390 does; false if it does not fit.
    fn arrive(&mut self, frame: &[u8]) -> bool {
        let (current, boundary) = (self.pages[1][7], self.register(nic::BOUNDARY));
        let pages = (4 + frame.len() + 4).div_ceil(256) as u8;
        let ring_pages = ring::STOP - ring::START;
        let free = (boundary + ring_pages - current) % ring_pages;
        if pages > free {
            self.status |= Causes::OVERFLOW.bits();
            return false;
        }
        let next = ring::START + (current - ring::START + pages) % ring_pages;
        let [low, high] = (frame.len() as u16 + 4).to_le_bytes();
        let stored = [&[0x01, next, low, high][..], frame].concat();
        let mut place = ring::offset(current);
        for byte in stored {
            self.memory[place] = byte;
            place = if place + 1 == ring::WINDOW_LENGTH {
                ring::offset(ring::START)
            } else {
                place + 1
            };
        }
        self.pages[1][7] = next;
        self.status |= Causes::RECEIVED.bits();
        true
    }

    /// Ends the transmission under way.
    fn finish(&mut self, cause: Causes) {
        self.command &= !0x04;
        self.status |= cause.bits();
    }
}

impl Ports for Fake {
    fn read(&mut self, port: u16) -> u8 {
        let page = usize::from(self.command >> 6);
        match port.wrapping_sub(BASE) {
            offset @ 0..=5 if self.gate_array[6] & 0x04 != 0 => ADDRESS.0[usize::from(offset)],
            nic::COMMAND => self.command,
            nic::INTERRUPT_STATUS if page == 0 => self.status,
            offset @ 0..16 => self.pages[page][usize::from(offset)],
            offset @ 0x400..0x410 => self.gate_array[usize::from(offset - 0x400)],
            _ => 0xff,
        }
    }

    fn write(&mut self, port: u16, value: u8) {
        let page = usize::from(self.command >> 6);
        match port - BASE {
            nic::COMMAND => {
                let is_sending = self.command & 0x04;
                self.command = if value & 0x01 != 0 {
                    value
                } else {
                    value | is_sending
                };
                if value & 0x04 != 0 {
                    let length = u16::from_le_bytes([self.register(5), self.register(6)]);
                    self.sent.push(self.memory[..usize::from(length)].to_vec());
                }
            }
            nic::INTERRUPT_STATUS if page == 0 => self.status &= !value,
            offset @ 0..16 => self.pages[page][usize::from(offset)] = value,
            offset => self.gate_array[usize::from(offset - 0x400)] = value,
        }
    }
}

impl Bus for Fake {
    fn wait(&mut self, microseconds: u32) {
        self.waited += microseconds;
    }

    fn without_interrupts<R>(&mut self, action: impl FnOnce(&mut Self) -> R) -> R {
        action(self)
    }

    fn copy_from_window(&mut self, offset: usize, to: &mut [u8]) {
        to.copy_from_slice(&self.memory[offset..offset + to.len()]);
    }

    fn copy_to_window(&mut self, offset: usize, from: &[u8]) {
        self.memory[offset..offset + from.len()].copy_from_slice(from);
    }
}

/// What the kernel does at an interrupt.
fn interrupt(card: &mut Card<Fake>, now: u32) {
    let causes = collect(&mut card.bus, BASE);
    card.service(causes, now);
}

fn receive_all(card: &mut Card<Fake>) -> Vec<Vec<u8>> {
    let mut buffer = [0; LONGEST];
    std::iter::from_fn(|| card.receive(&mut buffer).map(|length| buffer[..length].to_vec())).collect()
}

/// Registers that tell of a card at one place, and read FFh elsewhere.
struct Jumpers {
    base: u16,
    base_jumper: u8,
    window_jumper: u8,
}

impl Ports for Jumpers {
    fn read(&mut self, port: u16) -> u8 {
        match port.wrapping_sub(self.base) {
            gate_array::BASE_JUMPER => self.base_jumper,
            gate_array::WINDOW_JUMPER => self.window_jumper,
            _ => 0xff,
        }
    }

    fn write(&mut self, port: u16, value: u8) {
        panic!("looking for a card wrote {value:#x} to port {port:#x}");
    }
}

#[test]
fn a_card_is_found_at_each_base_and_window_by_its_jumpers() {
    for (base, base_jumper) in super::BASES {
        for (window, window_jumper) in super::WINDOWS {
            let found = find(&mut Jumpers {
                base,
                base_jumper,
                window_jumper,
            });
            assert_eq!(found, Some(Location { base, window }));
        }
    }
}

#[test]
fn without_a_card_nothing_is_found() {
    assert_eq!(
        find(&mut Jumpers {
            base: 0x300,
            base_jumper: 0xff,
            window_jumper: 0xff
        }),
        None
    );
}

#[test]
fn a_card_without_a_window_is_not_used() {
    assert_eq!(
        find(&mut Jumpers {
            base: 0x300,
            base_jumper: 0x80,
            window_jumper: 0
        }),
        None
    );
}

#[test]
fn starting_reads_the_address_and_programs_the_card_as_amoeba_does() {
    let card = Fake::started();
    assert_eq!(card.address(), ADDRESS);
    let fake = &card.bus;
    assert_eq!(fake.gate_array[0..2], [0x26, 0x40]);
    assert_eq!(fake.gate_array[5..7], [0x49, 0x02]);
    assert_eq!(fake.gate_array[8], 0x20);
    assert_eq!(fake.gate_array[0xb..0xe], [0xff, 0xff, 0x00]);
    assert_eq!(
        (
            fake.register(1),
            fake.register(2),
            fake.register(3),
            fake.register(4)
        ),
        (0x26, 0x40, 0x26, 0x20)
    );
    assert_eq!(
        (fake.register(0xc), fake.register(0xd), fake.register(0xe)),
        (0x0c, 0x10, 0x28)
    );
    assert_eq!(fake.pages[1][1..8], [0x02, 0x60, 0x8c, 1, 2, 3, 0x27]);
    assert_eq!(fake.pages[1][8..16], [0xff; 8]);
    assert_eq!(fake.command, 0x22);
    assert_eq!(fake.waited, 10_000);
}

#[test]
fn the_card_uses_the_transceiver_at_the_connector_that_its_cable_is_on() {
    for (connector, control) in [(Connector::Bnc, 0x02), (Connector::Aui, 0x00)] {
        let card = Card::start(Fake::new(), BASE, 3, connector).expect("the card has an address");
        assert_eq!(card.bus.gate_array[6], control);
    }
}

#[test]
fn a_frame_is_copied_to_the_transmit_buffer_and_the_next_waits_for_its_interrupt() {
    let mut card = Fake::started();
    card.transmit(&[7; 60], 0);
    assert_eq!(card.bus.sent, [vec![7; 60]]);
    assert!(!card.can_transmit());
    card.bus.finish(Causes::TRANSMITTED);
    interrupt(&mut card, 0);
    assert!(card.can_transmit());
    assert_eq!(card.statistics().transmitted, 1);
}

#[test]
fn a_frame_that_was_not_transmitted_is_tried_sixteen_times() {
    let mut card = Fake::started();
    card.transmit(&[7; 60], 0);
    while !card.can_transmit() {
        card.bus.finish(Causes::TRANSMIT_ERROR);
        interrupt(&mut card, 0);
    }
    assert_eq!(card.bus.sent.len(), 16);
}

#[test]
fn a_card_is_at_work_while_it_transmits_or_is_to_transmit() {
    let mut card = Fake::started();
    assert!(!card.is_at_work());
    card.transmit(&[7; 60], 0);
    assert!(card.is_at_work());
    card.bus.finish(Causes::TRANSMITTED);
    interrupt(&mut card, 0);
    assert!(!card.is_at_work());
    assert!(card.bus.arrive(&[7; 60]));
    interrupt(&mut card, 0);
    receive_all(&mut card);
    assert!(!card.is_at_work(), "nobody waits for a frame that may come");
}

#[test]
fn a_cause_shows_until_it_is_collected() {
    let mut card = Fake::started();
    assert!(!has_causes(&mut card.bus, BASE));
    card.bus.arrive(&[7; 60]);
    assert!(has_causes(&mut card.bus, BASE));
    assert!(has_causes(&mut card.bus, BASE), "looking changes nothing");
    assert_eq!(collect(&mut card.bus, BASE), Causes::RECEIVED);
    assert!(!has_causes(&mut card.bus, BASE));
    // The end of a remote DMA transfer causes no interrupt.
    card.bus.status = 0x40;
    assert!(!has_causes(&mut card.bus, BASE));
}

#[test]
fn a_missing_transmit_interrupt_is_made_up_for() {
    let mut card = Fake::started();
    card.transmit(&[7; 60], 0);
    card.bus.command &= !0x04;
    for now in [10, 20, 30] {
        assert!(!card.can_transmit());
        card.service(Causes::empty(), now);
    }
    assert!(card.can_transmit());
}

#[test]
fn a_transmission_that_never_ends_restarts_the_card() {
    let mut card = Fake::started();
    card.transmit(&[7; 60], 0);
    card.service(Causes::empty(), 2000);
    assert_eq!(card.statistics().restarts, 0);
    card.service(Causes::empty(), 2010);
    assert_eq!(card.statistics().restarts, 1);
    assert!(card.can_transmit());
}

#[test]
fn a_header_that_cannot_be_true_restarts_the_card() {
    let mut card = Fake::started();
    assert!(card.bus.arrive(&[5; 60]));
    card.bus.memory[ring::offset(0x27) + 1] = 0x3e;
    assert_eq!(receive_all(&mut card), Vec::<Vec<u8>>::new());
    assert_eq!(card.statistics().restarts, 1);
    assert!(card.bus.arrive(&[6; 60]));
    assert_eq!(receive_all(&mut card), [vec![6; 60]]);
}

#[test]
fn an_overflow_loses_nothing_that_was_in_the_ring() {
    let mut card = Fake::started();
    let stored = (0..)
        .take_while(|number| card.bus.arrive(&[*number; 1514]))
        .count();
    assert_eq!(stored, 4);
    interrupt(&mut card, 0);
    assert_eq!(
        (
            card.bus.register(nic::TRANSMIT_CONFIGURATION),
            card.bus.register(nic::INTERRUPT_MASK)
        ),
        (0x02, 0)
    );
    assert!(card.bus.waited >= 10_000 + 1600);
    assert_eq!(receive_all(&mut card).len(), 4);
    assert_eq!(card.bus.register(nic::TRANSMIT_CONFIGURATION), 0x10);
    assert_eq!(card.bus.register(nic::INTERRUPT_MASK), 0x1b);
    assert_eq!(card.bus.status & Causes::OVERFLOW.bits(), 0);
}

#[test]
fn a_frame_that_an_overflow_stopped_is_sent_again() {
    let mut card = Fake::started();
    card.transmit(&[7; 60], 0);
    card.bus.status |= Causes::OVERFLOW.bits();
    interrupt(&mut card, 0);
    assert!(!card.can_transmit());
    receive_all(&mut card);
    assert_eq!(card.bus.sent, [vec![7; 60], vec![7; 60]]);
}

#[test]
fn a_frame_that_ended_before_the_overflow_was_seen_is_not_sent_again() {
    let mut card = Fake::started();
    card.transmit(&[7; 60], 0);
    card.bus.finish(Causes::TRANSMITTED | Causes::OVERFLOW);
    interrupt(&mut card, 0);
    receive_all(&mut card);
    assert_eq!(card.bus.sent.len(), 1);
    assert!(card.can_transmit());
}

#[test]
fn a_status_register_that_never_clears_does_not_hang_the_handler() {
    struct Stuck;
    impl Ports for Stuck {
        fn read(&mut self, _port: u16) -> u8 {
            0x0b
        }
        fn write(&mut self, _port: u16, _value: u8) {}
    }
    assert_eq!(
        collect(&mut Stuck, BASE),
        Causes::RECEIVED | Causes::TRANSMITTED | Causes::TRANSMIT_ERROR
    );
}

proptest! {
    #[test]
    fn frames_come_out_of_the_ring_as_they_arrived(
        frames in proptest::collection::vec((60..=1514_usize, any::<u8>(), any::<bool>()), 1..60),
    ) {
        let mut card = Fake::started();
        let mut waiting = VecDeque::new();
        for (length, first, drain) in frames {
            let frame: Vec<u8> = (0..length).map(|place| first.wrapping_add(place as u8)).collect();
            if card.bus.arrive(&frame) {
                waiting.push_back(frame);
            }
            if drain || card.bus.status & Causes::OVERFLOW.bits() != 0 {
                interrupt(&mut card, 0);
                prop_assert_eq!(receive_all(&mut card), waiting.drain(..).collect::<Vec<_>>());
            }
        }
        prop_assert_eq!(card.statistics().restarts, 0);
    }
}
