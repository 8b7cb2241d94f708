//! The DP8390 network interface controller, as a pure chip.
//!
//! From National's data sheet DP8390D/NS32490D (TL/F/8582, July 1995; its sections are cited here by number), the
//! ST-NIC's data sheet DP83902A (TL/F/11157) where it is clearer, and application notes AN-475 and AN-937.
//!
//! The chip sees its local memory, lent for the call, and virtual time. It speaks to the cable in
//! [`wire::Request`]s, which its card collects with [`Dp8390::take_requests`], and is answered through
//! [`Dp8390::sent`] and [`Dp8390::received`]. [`Dp8390::next_event`] says when [`Dp8390::advance`] has something to do.
//!
//! # Who owns the memory
//!
//! Everybody who wants the memory asks for it: the host and the card's transfer engine with [`Dp8390::access_memory`],
//! remote DMA through its own functions. They wait for local DMA's bursts, and local DMA waits for them; the FIFO
//! overruns (RSR.FO) or underruns (TSR.FU) if it waits too long. What the FIFO does in the middle of a packet is known
//! as far as the cable tells of the packet before its end ([`Dp8390::packet_arrives`], [`Dp8390::packet_leaves`]).
//! The fill before a transmission and the end-of-packet processing of a reception are always known.
//!
//! # What is answered from what the wire has settled
//!
//! The wire tells of a frame at its last bit, of a runt when the shortest frame would have ended. A program that looks in the middle of a frame can tell this model
//! from the chip by the following, and by nothing else:
//!
//! * Of packets that were not told of before their end no burst stretches an access, CLDA and the address counter
//!   stand still, and RSR's DFR bit (a carrier now) reads zero; so does DFR of packets that were given up.
//! * The bytes of a frame appear in the receive ring all at once, when local DMA has finished. CURR, RSR, ISR, the
//!   tally counters and the header behave as on the chip, where they change only then too.
//! * OVW, and RST with it, rise at the end of the frame that found the ring full, or when the host moves BNRY, CURR,
//!   PSTART or PSTOP or starts or stops the chip meanwhile, not when local DMA hit BNRY; with a wrong check sequence
//!   not at all. BNRY is looked at when local DMA comes to the end of a page, of packets that were not told of before
//!   their end (and before they were) when they end. RCR, PAR and MAR are looked at when the frame ends. A packet that
//!   is rejected for its check sequence leaves no trace in free pages of the ring. One that its sender breaks off may
//!   hit BNRY up to where it would have ended.
//! * RST rises at once after a stop while a frame comes in (that frame is still received, as section 7 wants); the
//!   data sheet calls the bit unreliable there.
//! * The packet to send is read from memory when TXP is set.
//!
//! # Left out
//!
//! Page 3; the upper half of a long address (DCR.LAS), which leads nowhere on an ISA card, though putting it out takes
//! its time. TSR's reserved bit 1 reads zero, as AN-937 has it.

mod local_bus;
mod memory;
mod receive;
mod registers;
mod remote;
#[cfg(test)]
mod tests;
mod transmit;

use clock::{Instant, Span};
use wire::{Connection, Request};

use local_bus::{LocalBus, Pace};
pub use memory::LocalMemory;
pub(crate) use memory::PAGE;
use receive::Receiver;
use registers::{
    Command, DataConfiguration, Interrupts, Loopback, Page, ReceiveConfiguration, ReceiveStatus,
    TransmitConfiguration, TransmitStatus,
};
use remote::Remote;
pub use transmit::SHORTEST_FIFO_FILL;
use transmit::Transmission;

/// One transfer of local DMA, a byte or in word mode two: four cycles of a bus clock of 20 MHz (AN-475: at most
/// 10 MB a second in word mode).
pub const DMA_TRANSFER: Span = Span::from_nanoseconds(200);

/// A byte on the cable, at the controller's 10 Mbit/s.
pub(crate) const BYTE_TIME: Span = Span::from_nanoseconds(800);

/// What a read of a register gives that the chip does not have.
const NO_REGISTER: u8 = 0xFF;

/// What a controller has done since it was switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that left without error.
    pub sent: u64,
    /// Packets that were stored in the receive ring.
    pub received: u64,
    /// Packets for this station that found no room in the ring.
    pub missed: u64,
}

/// The controller's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dp8390 {
    command: Command,
    interrupts: Interrupts,
    interrupt_mask: Interrupts,
    data_configuration: DataConfiguration,
    transmit_configuration: TransmitConfiguration,
    receive_configuration: ReceiveConfiguration,
    transmit_status: TransmitStatus,
    receive_status: ReceiveStatus,
    physical_address: [u8; 6],
    multicast_filter: [u8; 8],
    page_start: u8,
    page_stop: u8,
    boundary: u8,
    current: u8,
    transmit_page: u8,
    transmit_count: u16,
    collisions: u8,
    tallies: Tallies,
    /// CLDA: where local DMA has come to.
    local_address: u16,
    /// The local next packet pointer of page 2, which only diagnostics write.
    local_next_packet: u8,
    remote: Remote,
    receiver: Receiver,
    transmission: Option<Transmission>,
    local_bus: LocalBus,
    /// A multicast packet has disabled the transmitter (TCR.ATD).
    is_transmitter_disabled: bool,
    /// TXP was set meanwhile.
    is_transmission_held: bool,
    /// The card's data bus is 16 bits wide and DCR.WTS always set.
    is_wired_for_words: bool,
    /// The half of the FIFO that loopback receives into, and the byte that is read next.
    loopback_fifo: [u8; 8],
    loopback_position: u8,
    /// What the card leads the cable's side of the chip to, and what the cable was told of that last; `None` if it may
    /// know of anything.
    connection: Connection,
    told_connection: Option<Connection>,
    requests: Vec<Request>,
    counts: Counts,
}

/// The tally counters CNTR0 to CNTR2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tallies {
    alignment_errors: u8,
    check_errors: u8,
    missed: u8,
}

/// A tally counter counts no further than this (section 10, Network Tally Counters).
const TALLY_LIMIT: u8 = 0xC0;

impl Default for Dp8390 {
    fn default() -> Self {
        Self::new()
    }
}

impl Dp8390 {
    /// A controller that has just got power and is held in its reset state. Registers whose contents the data sheet
    /// leaves open are zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            command: Command::STOP | Command::REMOTE_ABORT,
            interrupts: Interrupts::empty(),
            interrupt_mask: Interrupts::empty(),
            data_configuration: DataConfiguration::LONG_ADDRESS,
            transmit_configuration: TransmitConfiguration::empty(),
            receive_configuration: ReceiveConfiguration::empty(),
            transmit_status: TransmitStatus::empty(),
            receive_status: ReceiveStatus::empty(),
            physical_address: [0; 6],
            multicast_filter: [0; 8],
            page_start: 0,
            page_stop: 0,
            boundary: 0,
            current: 0,
            transmit_page: 0,
            transmit_count: 0,
            collisions: 0,
            tallies: Tallies::default(),
            local_address: 0,
            local_next_packet: 0,
            remote: Remote::default(),
            receiver: Receiver::default(),
            transmission: None,
            local_bus: LocalBus::default(),
            is_transmitter_disabled: false,
            is_transmission_held: false,
            is_wired_for_words: false,
            loopback_fifo: [0; 8],
            loopback_position: 0,
            connection: Connection::Cable,
            told_connection: Some(Connection::Cable),
            requests: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// The same on a card that makes every transfer word-wide, whatever software writes to DCR.WTS.
    #[must_use]
    pub fn wired_for_words() -> Self {
        let mut chip = Self {
            is_wired_for_words: true,
            ..Self::new()
        };
        chip.data_configuration.insert(DataConfiguration::WORD_TRANSFER);
        chip
    }

    /// This chip, which is new, comes in place of `before` at `now`, when its card's power comes back. What that one asked of the cable
    /// and nobody has collected yet has been asked; and the cable learns that no back-off offset is set any more.
    pub(crate) fn take_over(&mut self, before: Self, now: Instant) {
        self.requests = before.requests;
        let had_offset = before
            .transmit_configuration
            .contains(TransmitConfiguration::COLLISION_OFFSET);
        if had_offset {
            let is_enabled = false;
            self.requests.push(Request::OffsetBackoff { at: now, is_enabled });
        }
    }

    /// The same on a card that selects what the chip is connected to ([`Dp8390::connect`]), and begins with this.
    #[must_use]
    pub(crate) fn beside_selector(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self.told_connection = None;
        if connection != Connection::Cable {
            self.receiver.disconnect(Instant::START);
        }
        self
    }

    /// The card leads the chip to this from now on. The cable is told if something is to be sent.
    pub(crate) fn connect(&mut self, connection: Connection, now: Instant) {
        let before = std::mem::replace(&mut self.connection, connection);
        match (before == Connection::Cable, connection == Connection::Cable) {
            (true, false) => {
                self.receiver.disconnect(now);
                self.local_bus.packet_lost(now);
            }
            (false, true) => self.receiver.connect(now),
            _ => {}
        }
        if self.transmission.is_some() {
            self.tell_connection(now);
        }
    }

    /// The RESET pin (section 11, Initialization): TXP and STA go low, RD2 and STP high, RST rises, no interrupt is
    /// enabled, loopback is off. What was being sent or received is lost.
    pub fn reset(&mut self, now: Instant) {
        self.withdraw(now);
        self.command = Command::STOP | Command::REMOTE_ABORT;
        self.interrupts = Interrupts::empty();
        self.interrupt_mask = Interrupts::empty();
        self.data_configuration.insert(DataConfiguration::LONG_ADDRESS);
        self.transmit_configuration
            .remove(TransmitConfiguration::LOOPBACK_0 | TransmitConfiguration::LOOPBACK_1);
        self.remote.abort();
        self.receiver.reset();
        self.local_bus.reset();
        self.is_transmitter_disabled = false;
        self.is_transmission_held = false;
    }

    /// The level of the interrupt pin.
    #[must_use]
    pub fn is_interrupting(&self) -> bool {
        self.interrupts.intersects(self.interrupt_mask)
    }

    /// Whether a frame that began now would be looked at.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.is_running()
            && self.transmit_configuration.loopback() == Loopback::Off
            && self.connection == Connection::Cable
    }

    /// What it has done since it was switched on.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What it has asked of the cable since the last call, in order. At most one transmission is outstanding: a
    /// second `Transmit` comes only after the first was answered through [`Dp8390::sent`] or withdrawn.
    pub fn take_requests(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.requests)
    }

    /// When [`Dp8390::advance`] has something to do next.
    #[must_use]
    pub fn next_event(&self) -> Instant {
        let transmitted = self
            .transmission
            .as_ref()
            .map_or(Instant::NEVER, Transmission::ends_inside);
        self.receiver.next_done().min(transmitted)
    }

    /// Does what is due at `now`: finishes local DMA of received packets and transmissions that go round inside.
    pub fn advance(&mut self, now: Instant, memory: &mut LocalMemory) {
        while let Some(arrival) = self.receiver.take_done(now) {
            self.complete_reception(&arrival, memory);
        }
        self.complete_inside(now);
    }

    /// Somebody else on the local bus wants the memory at `now` for `span`: returns how long he waits for local DMA.
    /// A packet that is being sent meanwhile may run out of bytes.
    pub fn access_memory(&mut self, now: Instant, span: Span) -> Span {
        let start = self.local_bus.grant(now, span);
        self.look_for_underrun(now);
        start.since(now)
    }

    /// Whether [`Dp8390::access_memory`] can do more than wait: break off a transmission that is under way.
    pub(crate) fn is_fetching(&self) -> bool {
        self.local_bus.is_fetching()
    }

    /// How long an access to the registers at `now` waits for DMA that is under way.
    pub fn register_wait(&mut self, now: Instant) -> Span {
        self.local_bus.is_mastered_until(now).since(now)
    }

    /// Reads register `offset` (0 to 15; upper bits are not decoded) of the selected page.
    pub fn read(&mut self, offset: u8, now: Instant) -> u8 {
        let offset = offset & 0x0F;
        if offset == 0 {
            return self.read_command();
        }
        match self.command.page() {
            Page::Zero => self.read_page_0(offset, now),
            Page::One => self.read_page_1(offset),
            Page::Two => self.read_page_2(offset, now),
            Page::Three => NO_REGISTER,
        }
    }

    /// Writes register `offset` (0 to 15; upper bits are not decoded) of the selected page.
    pub fn write(&mut self, offset: u8, value: u8, now: Instant, memory: &LocalMemory) {
        let offset = offset & 0x0F;
        if offset == 0 {
            return self.write_command(Command::from_bits_retain(value), now, memory);
        }
        match self.command.page() {
            Page::Zero => self.write_page_0(offset, value, now, memory),
            Page::One => self.write_page_1(offset, value, now),
            Page::Two => self.write_page_2(offset, value),
            Page::Three => log::debug!("DP8390: write of {value:02X} to test register {offset:X}"),
        }
    }

    fn is_running(&self) -> bool {
        self.command.is_running()
    }

    fn read_command(&self) -> u8 {
        let mut command = self.command;
        let is_sending = self.transmission.is_some() || self.is_transmission_held;
        command.set(Command::TRANSMIT, is_sending);
        command.bits()
    }

    /// Section 10, Command Register. With STP and STA both zero the state stays as it is; with both one, STP wins.
    fn write_command(&mut self, mut asked: Command, now: Instant, memory: &LocalMemory) {
        let was_running = self.is_running();
        let transmit = asked.contains(Command::TRANSMIT);
        if !asked.intersects(Command::STOP | Command::START) {
            asked |= self.command & (Command::STOP | Command::START);
        }
        if was_running != asked.is_running() {
            self.look_for_overflow(now);
        }
        self.command = asked - Command::TRANSMIT;
        match (was_running, self.is_running()) {
            (false, true) => self.receiver.start(now),
            (true, false) => {
                self.receiver.stop(now);
                self.is_transmission_held = false;
            }
            _ => {}
        }
        self.command_remote(asked.remote(), now, memory);
        if transmit {
            self.transmit(now, memory);
        }
    }

    /// Bit RST comes from the state: stopped with nothing left to send, or the ring has overflowed and nothing was
    /// removed from it since.
    fn interrupt_status(&self) -> Interrupts {
        let mut status = self.interrupts;
        let is_stopped = !self.is_running() && self.transmission.is_none();
        status.set(Interrupts::RESET, is_stopped || self.receiver.has_overflowed());
        status
    }

    fn read_page_0(&mut self, offset: u8, now: Instant) -> u8 {
        match offset {
            0x1 => low(self.local_address_at(now)),
            0x2 => high(self.local_address_at(now)),
            0x3 => self.boundary,
            0x4 => self.transmit_status.bits(),
            0x5 => self.collisions,
            0x6 => self.read_loopback_fifo(),
            0x7 => self.interrupt_status().bits(),
            0x8 => low(self.remote.address()),
            0x9 => high(self.remote.address()),
            0xC => self.read_receive_status(now),
            0xD => std::mem::take(&mut self.tallies.alignment_errors),
            0xE => std::mem::take(&mut self.tallies.check_errors),
            0xF => std::mem::take(&mut self.tallies.missed),
            _ => NO_REGISTER,
        }
    }

    fn write_page_0(&mut self, offset: u8, value: u8, now: Instant, memory: &LocalMemory) {
        if matches!(offset, 0x1..=0x3) {
            self.look_for_overflow(now);
        }
        match offset {
            0x1 => self.page_start = value,
            0x2 => self.page_stop = value,
            0x3 => {
                self.boundary = value;
                self.receiver.make_room();
            }
            0x4 => self.transmit_page = value,
            0x5 => set_low(&mut self.transmit_count, value),
            0x6 => set_high(&mut self.transmit_count, value),
            0x7 => self.interrupts.remove(Interrupts::from_bits_retain(value)),
            0x8..=0xB => self.remote.write_register(offset, value),
            0xC => self.receive_configuration = ReceiveConfiguration::from_bits_truncate(value),
            0xD => {
                self.write_transmit_configuration(
                    TransmitConfiguration::from_bits_truncate(value),
                    now,
                    memory,
                );
            }
            0xE => {
                self.data_configuration = DataConfiguration::from_bits_truncate(value);
                if self.is_wired_for_words {
                    self.data_configuration.insert(DataConfiguration::WORD_TRANSFER);
                }
            }
            _ => self.interrupt_mask = Interrupts::from_bits_retain(value) - Interrupts::RESET,
        }
    }

    fn read_page_1(&self, offset: u8) -> u8 {
        match offset {
            0x1..=0x6 => self.physical_address[usize::from(offset - 1)],
            0x7 => self.current,
            _ => self.multicast_filter[usize::from(offset & 7)],
        }
    }

    fn write_page_1(&mut self, offset: u8, value: u8, now: Instant) {
        match offset {
            0x1..=0x6 => self.physical_address[usize::from(offset - 1)] = value,
            0x7 => {
                self.look_for_overflow(now);
                self.current = value;
                self.receiver.move_current();
            }
            _ => self.multicast_filter[usize::from(offset & 7)] = value,
        }
    }

    fn read_page_2(&mut self, offset: u8, now: Instant) -> u8 {
        match offset {
            0x1 => self.page_start,
            0x2 => self.page_stop,
            0x3 => self.remote.next_packet(),
            0x4 => self.transmit_page,
            0x5 => self.local_next_packet,
            0x6 => high(self.local_address_at(now)),
            0x7 => low(self.local_address_at(now)),
            0xC => self.receive_configuration.bits(),
            0xD => self.transmit_configuration.bits(),
            0xE => self.data_configuration.bits(),
            0xF => self.interrupt_mask.bits(),
            _ => NO_REGISTER,
        }
    }

    /// Page 2 is for diagnostics; its writes move local DMA's own pointers.
    fn write_page_2(&mut self, offset: u8, value: u8) {
        match offset {
            0x1 | 0x7 => set_low(&mut self.local_address, value),
            0x2 | 0x6 => set_high(&mut self.local_address, value),
            0x3 => self.remote.set_next_packet(value),
            0x5 => self.local_next_packet = value,
            _ => log::debug!("DP8390: write of {value:02X} to register {offset:X} of page 2, which has none"),
        }
    }

    fn read_receive_status(&self, now: Instant) -> u8 {
        let mut status = self.receive_status;
        status.set(
            ReceiveStatus::DISABLED,
            self.receive_configuration.contains(ReceiveConfiguration::MONITOR),
        );
        status.set(ReceiveStatus::DEFERRING, self.local_bus.hears_carrier(now));
        status.bits()
    }

    /// Where local DMA has come to.
    fn local_address_at(&mut self, now: Instant) -> u16 {
        if let Some(fetched) = self.local_bus.fetched(now) {
            return (u16::from(self.transmit_page) << 8).wrapping_add(fetched as u16);
        }
        match self.local_bus.stored(now) {
            Some(stored) => self.ring_address(stored + local_bus::HEADER_BYTES),
            None => self.local_address,
        }
    }

    /// The address `bytes` behind the beginning of page CURR, round the ring.
    fn ring_address(&self, bytes: u64) -> u16 {
        let [low, page_high, ..] = bytes.to_le_bytes();
        let page = (0..page_high).fold(self.current, |page, _| self.page_after(page));
        u16::from_le_bytes([low, page])
    }

    fn pace(&self) -> Pace {
        Pace::new(self.data_configuration)
    }

    fn is_word_wide(&self) -> bool {
        self.data_configuration.contains(DataConfiguration::WORD_TRANSFER)
    }

    /// Whether the two bytes of a word change places on their way through the FIFO (DCR.BOS; section 7, Storage Format
    /// for Received Packets).
    fn is_word_swapped(&self) -> bool {
        self.is_word_wide() && self.data_configuration.contains(DataConfiguration::BYTE_ORDER)
    }
}

/// Exchanges the bytes of each word; a byte that is alone gets a zero beside it.
fn swap_words(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    for word in bytes.chunks_exact_mut(2) {
        word.swap(0, 1);
    }
}

/// Counts one more; true if the counter's upper bit has just been set, which raises CNT.
fn tally(counter: &mut u8) -> bool {
    if *counter < TALLY_LIMIT {
        *counter += 1;
        *counter == 0x80
    } else {
        false
    }
}

fn low(value: u16) -> u8 {
    value.to_le_bytes()[0]
}

fn high(value: u16) -> u8 {
    value.to_le_bytes()[1]
}

fn set_low(register: &mut u16, value: u8) {
    *register = u16::from_le_bytes([value, high(*register)]);
}

fn set_high(register: &mut u16, value: u8) {
    *register = u16::from_le_bytes([low(*register), value]);
}
