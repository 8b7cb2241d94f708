//! The driver of cards with a DP8390: one transmit buffer of six pages, or two where there is memory enough, and a receive ring
//! in the rest of the card's memory. With two buffers the next frame is copied to the card while one is on the wire.
//! Frames are copied through the memory window of a 3Com EtherLink II (3C503) with 8 KB of memory, in byte mode, or by the
//! remote DMA of a Novell card ([`novell`]).
//!
//! The driver sees the card through [`Ports`] and [`Bus`], which the kernel implements with instructions and the
//! tests with a card of their own. The interrupt handler only collects causes ([`collect`]); the main program
//! hands them to [`Card::service`] and then receives until nothing is left. The gate array's transfers are
//! not used.

pub mod novell;
mod registers;
pub mod ring;
#[cfg(test)]
mod tests;
mod transmitter;

pub use registers::Causes;

use proto::ethernet::{self, Address};
use registers::{Command, gate_array, nic};
use ring::Ring;
use transmitter::{Loaded, Transmission};

/// The card's registers.
pub trait Ports {
    /// Reads an I/O port.
    fn read(&mut self, port: u16) -> u8;
    /// Writes an I/O port.
    fn write(&mut self, port: u16, value: u8);
}

/// All that the driver needs of the machine.
pub trait Bus: Ports {
    /// Waits at least so long.
    fn wait(&mut self, microseconds: u32);
    /// Runs `action` with the card's interrupt held off.
    fn without_interrupts<R>(&mut self, action: impl FnOnce(&mut Self) -> R) -> R;
    /// Copies out of the memory window.
    fn copy_from_window(&mut self, offset: usize, to: &mut [u8]);
    /// Copies into the memory window. Parts of a frame come in order, each behind the one before.
    fn copy_to_window(&mut self, offset: usize, from: &[u8]);
    /// The last part of a frame was copied: all of it must be in the card when this returns.
    fn finish_copy(&mut self) {}
}

/// I/O bases with the bit that the base jumper's register shows for each.
const BASES: [(u16, u8); 8] = [
    (0x300, 0x80),
    (0x310, 0x40),
    (0x330, 0x20),
    (0x350, 0x10),
    (0x250, 0x08),
    (0x280, 0x04),
    (0x2a0, 0x02),
    (0x2e0, 0x01),
];
/// Memory windows with the bit that the window jumper's register shows for each.
const WINDOWS: [(u32, u8); 4] = [(0xdc000, 0x80), (0xd8000, 0x40), (0xcc000, 0x20), (0xc8000, 0x10)];

const RESET_MICROSECONDS: u32 = 5000;
/// The DP8390 may be in the middle of a frame of up to 1.2 ms when it is stopped.
const STOP_MICROSECONDS: u32 = 1600;
/// Where a card is, by its jumpers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Its I/O base.
    pub base: u16,
    /// Address of its memory window, of [`ring::WINDOW_LENGTH`] bytes.
    pub window: u32,
}

/// Looks for a card at all eight bases. Where no card is, the registers read FFh, which is no jumper.
/// A card whose jumper switches the window off cannot be used and is not found.
pub fn find(ports: &mut impl Ports) -> Option<Location> {
    find_all(ports).next()
}

/// All cards that [`find`] could find.
pub fn find_all(ports: &mut impl Ports) -> impl Iterator<Item = Location> {
    BASES.into_iter().filter_map(|(base, base_bit)| {
        let is_there = ports.read(base + gate_array::BASE_JUMPER) == base_bit;
        let jumper = ports.read(base + gate_array::WINDOW_JUMPER);
        let window = WINDOWS.into_iter().find(|(_, bit)| *bit == jumper);
        window
            .filter(|_| is_there)
            .map(|(window, _)| Location { base, window })
    })
}

/// What the interrupt handler does: takes note of the causes and clears them, until the card has no more. An
/// overflow is not cleared, because its recovery has its own order; further interrupts are masked until then.
pub fn collect(ports: &mut impl Ports, base: u16) -> Causes {
    /// More rounds than a working card can ever make new causes for.
    const ROUNDS: u32 = 64;
    let mut causes = Causes::empty();
    for _ in 0..ROUNDS {
        let status = ports.read(base + nic::INTERRUPT_STATUS);
        let new = Causes::from_bits_retain(status) & registers::ENABLED;
        if new.is_empty() {
            break;
        }
        causes |= new;
        ports.write(
            base + nic::INTERRUPT_STATUS,
            new.difference(Causes::OVERFLOW).bits(),
        );
        if new.contains(Causes::OVERFLOW) {
            ports.write(base + nic::INTERRUPT_MASK, 0);
            break;
        }
    }
    causes
}

/// Whether the card at `base` has a cause for an interrupt. When its interrupt has been dealt with it has none, so one that is still
/// there is a cause whose interrupt was lost.
pub fn has_causes(ports: &mut impl Ports, base: u16) -> bool {
    let status = Causes::from_bits_retain(ports.read(base + nic::INTERRUPT_STATUS));
    status.intersects(registers::ENABLED)
}

/// What happened to a card, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames handed to the kernel.
    pub received: u32,
    /// Frames put onto the wire.
    pub transmitted: u32,
    /// Transmissions that were given another try by the driver.
    pub retried: u32,
    /// Times that the receive ring was full.
    pub overflows: u32,
    /// Times that the card had to be started anew.
    pub restarts: u32,
}

/// The recovery from an overflow, while the ring is emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Recovery {
    /// When it began, in milliseconds.
    since: u32,
    must_resend: bool,
}

/// Where the cable comes to a 3C503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connector {
    /// To the transceiver on the card.
    Bnc,
    /// To the 15-pin connector, by a transceiver of its own.
    Aui,
}

/// What is round the DP8390.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Board {
    /// 3Com's gate array, which is told to drive the interrupt line of this bit and to select this transceiver.
    EtherLink2 { line_bit: u8, connector: Connector },
    /// A Novell card.
    Novell { width: novell::Width },
}

/// A running card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card<B> {
    bus: B,
    base: u16,
    board: Board,
    ring: Ring,
    address: Address,
    next_page: u8,
    transmission: Option<Transmission>,
    /// The frame that is next to be transmitted.
    loaded: Option<Loaded>,
    recovery: Option<Recovery>,
    statistics: Statistics,
}

impl<B: Bus> Card<B> {
    /// Resets the card at `base`, reads its address and starts it, with interrupts on `line` (2 to 5)
    /// and its cable at `connector`. `None` if there is no address in its PROM.
    ///
    /// # Panics
    /// If the card cannot drive that line.
    pub fn start(bus: B, base: u16, line: u8, connector: Connector) -> Option<Card<B>> {
        assert!((2..=5).contains(&line), "the card drives lines 2 to 5");
        let mut card = Card {
            bus,
            base,
            board: Board::EtherLink2 {
                line_bit: 0x10 << (line - 2),
                connector,
            },
            ring: Ring::SMALL,
            address: Address::default(),
            next_page: ring::START + 1,
            transmission: None,
            loaded: None,
            recovery: None,
            statistics: Statistics::default(),
        };
        card.reset();
        card.address = card.read_address();
        if card.address.is_group() || card.address == Address::default() {
            return None;
        }
        card.set_up();
        Some(card)
    }

    /// Starts the Novell card that [`novell::find`] has found.
    pub fn start_novell(bus: B, found: &novell::Found) -> Card<B> {
        let ring = found.width.ring();
        let mut card = Card {
            bus,
            base: found.base,
            board: Board::Novell { width: found.width },
            ring,
            address: found.address,
            next_page: ring.start + 1,
            transmission: None,
            loaded: None,
            recovery: None,
            statistics: Statistics::default(),
        };
        card.reset();
        card.set_up();
        card
    }

    /// How many of the longest frames the receive ring takes.
    pub fn ring_frames(&self) -> u16 {
        self.ring.frames()
    }

    /// The station address.
    pub fn address(&self) -> Address {
        self.address
    }

    /// What happened so far.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Whether it is to be looked after at every tick of the clock ([`service`](Card::service)), interrupt or not: it has something
    /// to transmit, whose end may never come.
    pub fn is_at_work(&self) -> bool {
        self.transmission.is_some() || self.loaded.is_some() || self.recovery.is_some()
    }

    /// Deals with what the interrupt handler collected, at `now` milliseconds.
    pub fn service(&mut self, causes: Causes, now: u32) {
        if causes.contains(Causes::TRANSMITTED) && self.transmission.take().is_some() {
            self.statistics.transmitted += 1;
        }
        if causes.contains(Causes::TRANSMIT_ERROR) {
            self.retry(now);
        }
        if causes.contains(Causes::OVERFLOW) {
            self.begin_recovery(now);
        }
        self.look_after_transmission(now);
        self.transmit_loaded(now);
    }

    /// Copies the next received frame into `buffer` and says how long it is. Must be called until it says
    /// `None`: the recovery from an overflow ends with an empty ring.
    pub fn receive(&mut self, buffer: &mut [u8; ethernet::LONGEST]) -> Option<usize> {
        let page = self.next_page;
        if page == self.current_page() {
            self.finish_recovery();
            return None;
        }
        let mut header = [0; ring::HEADER_LENGTH];
        let ring = self.ring;
        self.bus.copy_from_window(ring.offset(page), &mut header);
        let Some(frame) = ring::Frame::parse(&ring, header, page) else {
            self.restart();
            return None;
        };
        let (start, first, rest) = frame.pieces(&ring, page);
        self.bus.copy_from_window(start, &mut buffer[..first]);
        if rest > 0 {
            self.bus
                .copy_from_window(ring.offset(ring.start), &mut buffer[first..frame.length]);
        }
        self.next_page = frame.next;
        self.write(nic::BOUNDARY, ring.boundary(frame.next));
        self.statistics.received += 1;
        Some(frame.length)
    }

    fn reset(&mut self) {
        if let Board::Novell { .. } = self.board {
            return novell::reset(&mut self.bus, self.base);
        }
        let transceiver = self.transceiver();
        self.write(gate_array::CONTROL, registers::RESET | transceiver);
        self.bus.wait(RESET_MICROSECONDS);
        self.write(gate_array::CONTROL, transceiver);
        self.bus.wait(RESET_MICROSECONDS);
    }

    fn read_address(&mut self) -> Address {
        let transceiver = self.transceiver();
        self.write(gate_array::CONTROL, registers::ADDRESS_PROM | transceiver);
        let address = core::array::from_fn(|place| self.read(place as u16));
        self.write(gate_array::CONTROL, transceiver);
        Address(address)
    }

    /// The bit of the gate array's control register that leads to the cable.
    fn transceiver(&self) -> u8 {
        match self.board {
            Board::EtherLink2 {
                connector: Connector::Bnc,
                ..
            } => registers::ON_BOARD_TRANSCEIVER,
            Board::EtherLink2 { .. } | Board::Novell { .. } => 0,
        }
    }

    /// Programs the gate array and the 8390 after a reset. The order is National's (DP8390D data sheet,
    /// section 11, "Initialization procedures").
    fn set_up(&mut self) {
        let data_configuration = match self.board {
            Board::EtherLink2 { line_bit, .. } => {
                self.set_up_gate_array(line_bit);
                registers::BYTE_WIDE
            }
            Board::Novell { width } => width.data_configuration(),
        };
        self.command(Command::STOP);
        self.write(nic::DATA_CONFIGURATION, data_configuration);
        self.write(nic::REMOTE_COUNT_LOW, 0);
        self.write(nic::REMOTE_COUNT_HIGH, 0);
        self.write(nic::RECEIVE_CONFIGURATION, registers::MONITOR);
        self.write(nic::TRANSMIT_CONFIGURATION, registers::LOOPBACK);
        self.write(nic::TRANSMIT_PAGE, self.ring.transmit);
        self.write(nic::PAGE_START, self.ring.start);
        self.write(nic::PAGE_STOP, self.ring.stop);
        self.write(nic::BOUNDARY, self.ring.start);
        self.write(nic::INTERRUPT_STATUS, 0xff);
        self.write(nic::INTERRUPT_MASK, registers::ENABLED.bits());
        self.set_up_page_1();
        self.command(Command::START);
        self.write(nic::TRANSMIT_CONFIGURATION, registers::ONTO_THE_WIRE);
        self.write(
            nic::RECEIVE_CONFIGURATION,
            registers::ACCEPT_BROADCAST_AND_MULTICAST,
        );
    }

    fn set_up_gate_array(&mut self, line_bit: u8) {
        self.write(gate_array::CONFIGURATION, registers::WINDOW_SHOWS_MEMORY);
        self.write(gate_array::PAGE_START, ring::START);
        self.write(gate_array::PAGE_STOP, ring::STOP);
        // The reset vector FFFF0h, so that a warm start finds the PROM.
        for (place, byte) in (0..).zip([0xff, 0xff, 0x00]) {
            self.write(gate_array::VECTOR + place, byte);
        }
        self.write(gate_array::LINES, line_bit);
    }

    fn set_up_page_1(&mut self) {
        let (base, address, first) = (self.base, self.address, self.ring.start + 1);
        self.next_page = first;
        self.bus.without_interrupts(|bus| {
            bus.write(base + nic::COMMAND, page_1(Command::STOP));
            for (place, byte) in (0..).zip(address.0) {
                bus.write(base + nic::STATION_ADDRESS + place, byte);
            }
            for place in 0..8 {
                bus.write(base + nic::MULTICAST + place, 0xff);
            }
            bus.write(base + nic::CURRENT_PAGE, first);
            bus.write(base + nic::COMMAND, page_0(Command::STOP));
        });
    }

    /// Starts the card anew; what it holds is lost.
    fn restart(&mut self) {
        self.statistics.restarts += 1;
        self.transmission = None;
        self.loaded = None;
        self.recovery = None;
        self.reset();
        self.set_up();
    }

    /// The first half of National's recovery from an overflow (DP8390D data sheet, section 7): stop, wait out
    /// the frame under way, and go on in loopback while the ring is emptied.
    fn begin_recovery(&mut self, now: u32) {
        self.statistics.overflows += 1;
        let was_transmitting = self.command_register().contains(Command::TRANSMIT);
        self.command(Command::STOP);
        self.bus.wait(STOP_MICROSECONDS);
        self.write(nic::REMOTE_COUNT_LOW, 0);
        self.write(nic::REMOTE_COUNT_HIGH, 0);
        let status = Causes::from_bits_retain(self.read(nic::INTERRUPT_STATUS));
        let has_ended = status.intersects(Causes::TRANSMITTED | Causes::TRANSMIT_ERROR);
        self.write(nic::TRANSMIT_CONFIGURATION, registers::LOOPBACK);
        self.command(Command::START);
        self.recovery = Some(Recovery {
            since: now,
            must_resend: was_transmitting && !has_ended,
        });
    }

    /// The second half: the ring is empty, so the card may go back onto the wire.
    fn finish_recovery(&mut self) {
        let Some(recovery) = self.recovery.take() else {
            return;
        };
        self.write(nic::INTERRUPT_STATUS, Causes::OVERFLOW.bits());
        self.write(nic::TRANSMIT_CONFIGURATION, registers::ONTO_THE_WIRE);
        self.write(nic::INTERRUPT_MASK, registers::ENABLED.bits());
        match self.transmission {
            Some(transmission) if recovery.must_resend => self.begin_transmission(transmission.frame),
            // The interrupt that tells of its end is still to come.
            Some(_) => {}
            None => self.transmit_loaded(recovery.since),
        }
    }

    fn current_page(&mut self) -> u8 {
        let base = self.base;
        self.bus.without_interrupts(|bus| {
            bus.write(base + nic::COMMAND, page_1(Command::START));
            let page = bus.read(base + nic::CURRENT_PAGE);
            bus.write(base + nic::COMMAND, page_0(Command::START));
            page
        })
    }

    fn command_register(&mut self) -> Command {
        Command::from_bits_retain(self.read(nic::COMMAND))
    }

    fn command(&mut self, command: Command) {
        self.write(nic::COMMAND, page_0(command));
    }

    fn read(&mut self, register: u16) -> u8 {
        self.bus.read(self.base + register)
    }

    fn write(&mut self, register: u16, value: u8) {
        self.bus.write(self.base + register, value);
    }
}

fn page_0(command: Command) -> u8 {
    (command | Command::ABORT_REMOTE_DMA).bits()
}

fn page_1(command: Command) -> u8 {
    (command | Command::ABORT_REMOTE_DMA | Command::PAGE_1).bits()
}
