//! The transmitter (data sheet, section 8; loopback: section 12 and AN-937).

use clock::{Instant, Span};
use wire::{End, LEAST_ATTEMPT, Outcome, Request};

use super::registers::{
    DataConfiguration, Interrupts, Loopback, ReceiveStatus, TransmitConfiguration, TransmitStatus,
};
use super::{BYTE_TIME, DMA_TRANSFER, Dp8390, LocalMemory, swap_words, tally};
use crate::check_sequence;

/// The least time between the setting of TXP and the instant from which the transmitter looks for a free cable. In
/// between, local DMA fetches as many bytes as the FIFO threshold says (section 9, The FIFO at the Beginning of
/// Transmit); the least threshold is one word, which in word mode is one [`DMA_TRANSFER`].
pub const SHORTEST_FIFO_FILL: Span = DMA_TRANSFER;

/// Preamble and start delimiter.
const PREAMBLE_BYTES: u64 = 8;

/// Indices of the multicast filter that disable and enable the transmitter (section 10, TCR.ATD).
const DISABLING_INDEX: usize = 62;
const ENABLING_INDEX: usize = 63;

/// After so many collisions a transmission is given up.
const ATTEMPTS: u8 = 16;

/// The transmission under way: TXP is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transmission {
    route: Route,
    /// What is sent, check sequence included.
    bytes: Vec<u8>,
}

/// Where a transmission goes, by its loopback mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// Onto the cable, by a request whose transmitter is ready at `ready`; in mode 3 the receiver listens.
    Cable { ready: Instant, is_loopback: bool },
    /// Round inside, in mode 1 or 2.
    Inside { ends: Instant, status: TransmitStatus },
}

impl Transmission {
    /// When a transmission that stays inside ends.
    pub(super) fn ends_inside(&self) -> Instant {
        match self.route {
            Route::Inside { ends, .. } => ends,
            Route::Cable { .. } => Instant::NEVER,
        }
    }
}

impl Dp8390 {
    /// The cable's answer to the transmission that was asked for: it ended at `at`.
    ///
    /// After a reset the answer to a withdrawn request may still be under way. It is ignored if nothing is being
    /// sent, or if it comes sooner than any answer to what is being sent now can.
    pub fn sent(&mut self, at: Instant, outcome: Outcome) {
        let Some(Transmission {
            route: Route::Cable { ready, is_loopback },
            ..
        }) = self.transmission
        else {
            log::debug!("DP8390: completion of a withdrawn transmission ignored");
            return;
        };
        if at < ready + LEAST_ATTEMPT {
            log::debug!("DP8390: completion at {at} of an earlier transmission ignored");
            return;
        }
        let collisions = outcome.collisions;
        self.local_bus.packet_left();
        // After a collision out of the window the chip tries again, as after any other (section 10, TSR.OWC).
        self.transmit_status
            .set(TransmitStatus::OUT_OF_WINDOW, outcome.late);
        match outcome.end {
            End::Good => self.finish_good(collisions, is_loopback),
            End::CarrierLost => {
                self.transmit_status |= TransmitStatus::CARRIER_LOST | TransmitStatus::NO_HEARTBEAT;
                self.finish_good(collisions, is_loopback);
            }
            End::TooManyCollisions => self.abort_transmission(),
        }
    }

    /// TXP is set. It is set in vain while the chip is stopped or already sends.
    pub(super) fn transmit(&mut self, now: Instant, memory: &LocalMemory) {
        if !self.is_running() || self.transmission.is_some() {
            log::debug!("DP8390: TXP set while stopped or sending");
            return;
        }
        if self.is_transmitter_disabled {
            self.is_transmission_held = true;
            return;
        }
        self.is_transmission_held = false;
        self.transmit_status = TransmitStatus::empty();
        self.collisions = 0;
        if self.transmit_count == 0 {
            // The FIFO never gets a byte. The data sheet does not say what happens; an underrun harms nobody else.
            self.transmit_status = TransmitStatus::FIFO_UNDERRUN;
            self.interrupts |= Interrupts::TRANSMIT_ERROR;
            return;
        }
        let mut bytes = self.fetch(memory);
        self.local_address = (u16::from(self.transmit_page) << 8).wrapping_add(self.transmit_count);
        if !self
            .transmit_configuration
            .contains(TransmitConfiguration::INHIBIT_CHECK)
        {
            let sequence = check_sequence::of(&bytes);
            bytes.extend_from_slice(&sequence);
        }
        let route = self.route(now, bytes.len() as u64);
        if let Route::Cable { ready, .. } = route {
            let frame = check_sequence::frame_of(&bytes);
            self.tell_connection(now);
            self.requests.push(Request::Transmit { ready, frame });
        }
        self.transmission = Some(Transmission { route, bytes });
    }

    /// Tells the cable what the card leads the chip to, unless it knows.
    pub(super) fn tell_connection(&mut self, now: Instant) {
        let connection = self.connection;
        if self.told_connection.replace(connection) != Some(connection) {
            self.requests.push(Request::Connect { at: now, connection });
        }
    }

    /// The status bits of the modes that stay inside are AN-937's: the chip does not see carrier and heartbeat where
    /// it does not look at the encoder or the transceiver.
    fn route(&mut self, now: Instant, length: u64) -> Route {
        let ready = self.fill_fifo(now);
        let ends = ready + BYTE_TIME * (PREAMBLE_BYTES + length);
        let sent = TransmitStatus::PACKET_TRANSMITTED | TransmitStatus::NO_HEARTBEAT;
        match self.transmit_configuration.loopback() {
            Loopback::Off => Route::Cable {
                ready,
                is_loopback: false,
            },
            Loopback::Transceiver => Route::Cable {
                ready,
                is_loopback: true,
            },
            Loopback::Encoder => Route::Inside { ends, status: sent },
            Loopback::Controller => Route::Inside {
                ends,
                status: sent | TransmitStatus::CARRIER_LOST,
            },
        }
    }

    /// Local DMA fills the FIFO to its threshold: returns when that is done.
    fn fill_fifo(&mut self, now: Instant) -> Instant {
        let fill = self.pace().burst();
        self.local_bus.grant_to_controller(now, fill) + fill
    }

    /// The packet as it crosses the FIFO. In word mode loopback takes one lane of each word only, so of 2n bytes n are
    /// sent: those at even addresses if DCR.BOS is set, else those at odd ones (section 12).
    fn fetch(&self, memory: &LocalMemory) -> Vec<u8> {
        let mut bytes = memory.fetch(self.transmit_page, self.transmit_count);
        if self.is_word_swapped() {
            let next = (u16::from(self.transmit_page) << 8).wrapping_add(self.transmit_count);
            bytes.push(memory.read(next));
            bytes.truncate(bytes.len() & !1);
            swap_words(&mut bytes);
            bytes.truncate(usize::from(self.transmit_count));
        }
        if self.is_word_wide() && self.transmit_configuration.loopback() != Loopback::Off {
            bytes = bytes.iter().skip(1).step_by(2).copied().collect();
        }
        bytes
    }

    /// The cable is certain of the transmission that was asked for: its preamble began at `begin`.
    pub fn packet_leaves(&mut self, begin: Instant, now: Instant) {
        if let Some(Transmission {
            route: Route::Cable { ready, .. },
            ..
        }) = self.transmission
            && ready <= begin
        {
            let first = begin + BYTE_TIME * PREAMBLE_BYTES;
            let (length, pace) = (u64::from(self.transmit_count), self.pace());
            self.local_bus.packet_leaves(first, length, pace, now);
        }
    }

    /// A FIFO that has run empty breaks the transmission off (section 10, TSR.FU).
    pub(super) fn look_for_underrun(&mut self, now: Instant) {
        if self.local_bus.has_underrun() {
            self.withdraw(now);
            self.transmit_status |= TransmitStatus::FIFO_UNDERRUN;
            self.interrupts |= Interrupts::TRANSMIT_ERROR;
        }
    }

    /// A multicast address with this index was received: 62 disables the transmitter, 63 enables it, if TCR.ATD is set
    /// (section 10). What is being sent is not broken off; TXP waits.
    pub(super) fn obey_multicast(&mut self, index: usize, now: Instant, memory: &LocalMemory) {
        if !self
            .transmit_configuration
            .contains(TransmitConfiguration::AUTO_DISABLE)
        {
            return;
        }
        match index {
            DISABLING_INDEX => self.is_transmitter_disabled = true,
            ENABLING_INDEX => self.enable_transmitter(now, memory),
            _ => {}
        }
    }

    fn enable_transmitter(&mut self, now: Instant, memory: &LocalMemory) {
        self.is_transmitter_disabled = false;
        if self.is_transmission_held {
            self.transmit(now, memory);
        }
    }

    fn finish_good(&mut self, collisions: u8, is_loopback: bool) {
        self.collisions = collisions.min(ATTEMPTS - 1);
        self.transmit_status.set(TransmitStatus::COLLIDED, collisions > 0);
        self.transmit_status |= TransmitStatus::PACKET_TRANSMITTED;
        self.finish(is_loopback);
    }

    fn finish(&mut self, is_loopback: bool) {
        let transmission = self
            .transmission
            .take()
            .expect("a transmission ends that was begun");
        self.interrupts |= Interrupts::PACKET_TRANSMITTED;
        self.counts.sent += 1;
        if is_loopback {
            self.receive_loopback(&transmission.bytes);
        }
    }

    /// Sixteen collisions: NCR reads zero (section 10, Number of Collisions Register).
    fn abort_transmission(&mut self) {
        self.transmission = None;
        self.collisions = 0;
        self.transmit_status |= TransmitStatus::ABORTED | TransmitStatus::COLLIDED;
        self.interrupts |= Interrupts::TRANSMIT_ERROR;
    }

    /// Forgets what is being sent.
    pub(super) fn withdraw(&mut self, now: Instant) {
        self.local_bus.packet_left();
        if let Some(Transmission {
            route: Route::Cable { .. },
            ..
        }) = self.transmission.take()
        {
            self.requests.push(Request::Withdraw { at: now });
        }
    }

    /// A stopped chip ends its transmission within 2 us when it is put into loopback mode 1 (section 7, Buffer Ring
    /// Overflow, note to step 2); here at once.
    pub(super) fn write_transmit_configuration(
        &mut self,
        value: TransmitConfiguration,
        now: Instant,
        memory: &LocalMemory,
    ) {
        let before = std::mem::replace(&mut self.transmit_configuration, value);
        let is_enabled = value.contains(TransmitConfiguration::COLLISION_OFFSET);
        if is_enabled != before.contains(TransmitConfiguration::COLLISION_OFFSET) {
            self.requests.push(Request::OffsetBackoff { at: now, is_enabled });
        }
        if !value.contains(TransmitConfiguration::AUTO_DISABLE) {
            self.enable_transmitter(now, memory);
        }
        if !self.is_running() && value.loopback() == Loopback::Controller {
            self.withdraw(now);
        }
    }

    pub(super) fn complete_inside(&mut self, now: Instant) {
        let Some(Transmission {
            route: Route::Inside { ends, status },
            ..
        }) = self.transmission
        else {
            return;
        };
        if ends <= now {
            self.transmit_status |= status;
            self.finish(true);
        }
    }

    /// The receiver's side of loopback: the bytes run round the receive half of the FIFO, followed by their count,
    /// the upper half of it twice (section 12, Alignment of the Received Packet in the FIFO). Nothing is stored in
    /// memory. The one CRC generator serves both sides, so a sequence that the chip appended always counts as wrong.
    ///
    /// With DCR.LS set the receiver takes no part: the data sheet wants it clear for loopback.
    fn receive_loopback(&mut self, bytes: &[u8]) {
        if self
            .data_configuration
            .contains(DataConfiguration::NORMAL_OPERATION)
        {
            return;
        }
        let count = (bytes.len() as u64).to_le_bytes();
        for (position, byte) in bytes.iter().chain(&[count[0], count[1], count[1]]).enumerate() {
            self.loopback_fifo[position % 8] = *byte;
        }
        self.loopback_position = 0;
        let is_right = self
            .transmit_configuration
            .contains(TransmitConfiguration::INHIBIT_CHECK)
            && check_sequence::frame_of(bytes).check() == wire::CheckSequence::Right;
        let address = bytes.first_chunk().and_then(|address| self.recognise(*address));
        self.receive_status = address.unwrap_or(ReceiveStatus::empty());
        if is_right || address.is_none() {
            self.receive_status |= ReceiveStatus::INTACT;
        } else {
            self.count_check_error();
        }
    }

    pub(super) fn count_check_error(&mut self) {
        self.receive_status |= ReceiveStatus::CHECK_ERROR;
        self.interrupts |= Interrupts::RECEIVE_ERROR;
        if tally(&mut self.tallies.check_errors) {
            self.interrupts |= Interrupts::COUNTER_OVERFLOW;
        }
    }

    /// The FIFO register is for loopback; each read takes the next byte.
    pub(super) fn read_loopback_fifo(&mut self) -> u8 {
        let value = self.loopback_fifo[usize::from(self.loopback_position)];
        self.loopback_position = (self.loopback_position + 1) % 8;
        value
    }
}
