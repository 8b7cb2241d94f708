//! The bus between the controller and its memory: whose turn it is, and what the FIFO holds meanwhile.
//!
//! From the data sheet's section 9 (FIFO), and section 13 of the ST-NIC's (DP83902A, TL/F/11157: FIFO Burst Control,
//! Interleaved Local Operation, FIFO and Bus Operations).
//!
//! Local DMA moves bursts of exactly as many bytes as the FIFO threshold says and leaves the bus between two of them.
//! Whoever else wants the memory (the host, the card's own transfer engine, remote DMA) waits for the end of the burst
//! under way, and holds off the next burst as long as it has the bus itself. Remote DMA is the controller's own, so
//! local bursts that are wanted go before it; the host gets the bus between two bursts.
//!
//! Bursts are not made one by one while nobody else looks: where nothing is in their way their number follows from the
//! time.

use clock::{Instant, Span};

use super::registers::DataConfiguration;
use super::{BYTE_TIME, DMA_TRANSFER};

/// Bytes in the FIFO beyond which the next one is an overrun (section 9: the FIFO is thereby shortened to 13 bytes).
const MOST_UNREAD: u64 = 13;

/// Size of the FIFO.
const FIFO_BYTES: u64 = 16;

/// From the start delimiter to the first request of a reception: the address has to be in the FIFO, eight bytes, and
/// the DMA logic synchronises (DP83902A, section 13, FIFO Operation at the Beginning of Receive).
const FIRST_REQUEST: Span = Span::from_nanoseconds(7800);

/// What the controller does between the last byte of a packet and its header. DP83902A, section 13, has the time of
/// the whole sequence, end-of-packet processing: 3.0 us in word mode with a bus clock of 20 MHz and a threshold of
/// two bytes. A burst, the flush of the FIFO and the header are four transfers of it.
pub(super) const END_OF_PACKET: Span = Span::from_nanoseconds(2200);

/// The header in front of each stored packet: status, next page, count.
pub(super) const HEADER_BYTES: u64 = 4;

/// How local DMA moves bytes, by DCR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// Bytes in a burst.
    threshold: u64,
    /// Bytes in a transfer.
    width: u64,
    /// A long address is put out at the beginning of each burst.
    setup: Span,
}

impl Pace {
    pub(super) fn new(configuration: DataConfiguration) -> Self {
        let is_word = configuration.contains(DataConfiguration::WORD_TRANSFER);
        let is_long = configuration.contains(DataConfiguration::LONG_ADDRESS);
        Self {
            threshold: configuration.threshold(),
            width: if is_word { 2 } else { 1 },
            setup: if is_long { DMA_TRANSFER } else { Span::ZERO },
        }
    }

    pub(super) fn burst(self) -> Span {
        self.setup + self.transfers(self.threshold)
    }

    fn transfers(self, bytes: u64) -> Span {
        DMA_TRANSFER * bytes.div_ceil(self.width)
    }

    /// Bytes in the FIFO with which a reception asks for the bus: one more than a burst, in word mode two.
    fn requested(self) -> u64 {
        self.threshold + self.width
    }

    /// The time in which as many bytes cross the cable as a burst moves.
    fn period(self) -> Span {
        BYTE_TIME * self.threshold
    }
}

/// A packet on its way from the cable through the FIFO into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Inflow {
    /// The end of the start delimiter.
    first: Instant,
    length: u64,
    pace: Pace,
    /// Bytes that have left the FIFO.
    moved: u64,
    has_overrun: bool,
}

impl Inflow {
    fn end(&self) -> Instant {
        self.first + BYTE_TIME * self.length
    }

    fn arrived(&self, at: Instant) -> u64 {
        (at.since(self.first) / BYTE_TIME).min(self.length)
    }

    /// When the next burst is wanted, if one is before the packet's end.
    fn request(&self) -> Option<Instant> {
        let needed = self.moved + self.pace.requested();
        if self.has_overrun || needed > self.length {
            return None;
        }
        let at = self.first + BYTE_TIME * needed;
        Some(if self.moved == 0 {
            at.max(self.first + FIRST_REQUEST)
        } else {
            at
        })
    }

    /// Takes back what would have been moved by `at` if nobody else had used the bus, and returns when the last burst
    /// ended.
    fn skip_to(&mut self, at: Instant) -> Instant {
        let at = at.min(self.end());
        let Some(bursts) = self
            .arrived(at)
            .checked_sub(self.pace.width)
            .map(|bytes| bytes / self.pace.threshold)
            .filter(|bursts| *bursts > 0 && at >= self.first + FIRST_REQUEST)
        else {
            return Instant::START;
        };
        self.moved = bursts * self.pace.threshold;
        self.first + BYTE_TIME * (self.moved + self.pace.width) + self.pace.burst()
    }

    /// Bursts from `start` on, as many as begin at or before `until` one FIFO period after the other; returns the end
    /// of the last.
    fn burst(&mut self, start: Instant, until: Instant) -> Instant {
        if self.arrived(start) > self.moved + MOST_UNREAD {
            self.has_overrun = true;
            return start;
        }
        let is_steady = self.moved > 0 && self.request() == Some(start);
        let left = (self.length - self.moved - self.pace.requested()) / self.pace.threshold;
        let more = if is_steady {
            (until.since(start) / self.pace.period()).min(left)
        } else {
            0
        };
        self.moved += self.pace.threshold * (more + 1);
        start + self.pace.period() * more + self.pace.burst()
    }
}

/// A packet on its way from memory through the FIFO onto the cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outflow {
    /// The end of the start delimiter.
    first: Instant,
    /// Bytes that come from memory.
    length: u64,
    pace: Pace,
    fetched: u64,
    has_underrun: bool,
}

impl Outflow {
    /// Bytes that have left the FIFO for the cable.
    fn sent(&self, at: Instant) -> u64 {
        if at < self.first {
            return 0;
        }
        (at.since(self.first) / BYTE_TIME + 1).min(self.length)
    }

    /// After the start delimiter, when the FIFO has room for a burst (section 10, DCR: the threshold of transmission
    /// is 16 bytes less that of reception).
    fn request(&self) -> Option<Instant> {
        if self.has_underrun || self.fetched >= self.length {
            return None;
        }
        let to_leave = (self.fetched + self.pace.threshold).saturating_sub(FIFO_BYTES);
        Some(self.first + BYTE_TIME * to_leave.saturating_sub(1))
    }

    /// Takes back what would have been fetched by `at` if nobody else had used the bus.
    fn skip_to(&mut self, at: Instant) {
        if at >= self.first {
            let bursts = (self.sent(at) + FIFO_BYTES) / self.pace.threshold;
            self.fetched = (bursts * self.pace.threshold).min(self.length);
        }
    }

    /// One burst that begins at `start`; returns its end. The FIFO must not be empty when its first transfer is done.
    fn burst(&mut self, start: Instant) -> Instant {
        let next_leaves = self.first + BYTE_TIME * self.fetched;
        if start + self.pace.setup + DMA_TRANSFER > next_leaves {
            self.has_underrun = true;
            return start;
        }
        self.fetched = (self.fetched + self.pace.threshold).min(self.length);
        start + self.pace.burst()
    }
}

/// The bus, and the packets that pass over it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LocalBus {
    /// The end of the last access that is known.
    free: Instant,
    /// Until when the controller itself has the bus.
    mastered: Instant,
    inflow: Option<Inflow>,
    outflow: Option<Outflow>,
}

impl LocalBus {
    /// Forgets what passes: the chip was reset.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The host's turn for `span`, asked for at `now`: returns when it begins.
    pub(super) fn grant(&mut self, now: Instant, span: Span) -> Instant {
        self.advance(now);
        let start = now.max(self.free);
        self.free = start + span;
        start
    }

    /// Local or remote DMA's turn for `span`: bursts of the FIFO go before it.
    pub(super) fn grant_to_controller(&mut self, now: Instant, span: Span) -> Instant {
        let mut start = now;
        loop {
            self.advance(start);
            if self.free <= start {
                break;
            }
            start = self.free;
        }
        self.free = start + span;
        self.mastered = self.free;
        start
    }

    /// Until when the controller has the bus and so does not look at its registers' pins (section 15, register
    /// accesses: in a system with two buses DMA is completed first).
    pub(super) fn is_mastered_until(&mut self, now: Instant) -> Instant {
        self.advance(now);
        self.mastered.max(now)
    }

    /// The cable is certain of a packet of `length` bytes whose start delimiter ended at `first`.
    pub(super) fn packet_arrives(&mut self, first: Instant, length: u64, pace: Pace, now: Instant) {
        let mut inflow = Inflow {
            first,
            length,
            pace,
            moved: 0,
            has_overrun: length > MOST_UNREAD && pace.requested() > MOST_UNREAD,
        };
        let end = inflow.skip_to(now);
        self.mastered = self.mastered.max(end);
        self.free = self.free.max(end);
        self.inflow = Some(inflow);
    }

    /// Of a packet that comes in nothing more arrives.
    pub(super) fn packet_lost(&mut self, now: Instant) {
        self.advance(now);
        self.inflow = None;
    }

    /// The cable tells at `at` of the end of the packet whose start delimiter ended at `first`: returns when its header
    /// is written, and whether the FIFO has overrun.
    pub(super) fn packet_ended(
        &mut self,
        at: Instant,
        first: Instant,
        length: u64,
        pace: Pace,
        now: Instant,
    ) -> (Instant, bool) {
        if self.inflow.is_none_or(|inflow| inflow.first != first) {
            self.packet_arrives(first, length, pace, at);
        }
        self.advance(at);
        let inflow = self.inflow.take().expect("a packet ends that has begun");
        let left = length.saturating_sub(inflow.moved);
        let start = at.max(now).max(self.free);
        if inflow.has_overrun || left > MOST_UNREAD {
            return (start + END_OF_PACKET, true);
        }
        self.free = start + pace.transfers(left) + END_OF_PACKET + pace.transfers(HEADER_BYTES);
        self.mastered = self.free;
        (self.free, false)
    }

    /// The cable is certain of the transmission whose start delimiter ended at `first`.
    pub(super) fn packet_leaves(&mut self, first: Instant, length: u64, pace: Pace, now: Instant) {
        let mut outflow = Outflow {
            first,
            length,
            pace,
            fetched: pace.threshold.min(length),
            has_underrun: false,
        };
        outflow.skip_to(now);
        self.outflow = Some(outflow);
    }

    /// The transmission has ended, or is tried again.
    pub(super) fn packet_left(&mut self) {
        self.outflow = None;
    }

    /// Whether the transmission under way has found the FIFO empty.
    pub(super) fn has_underrun(&self) -> bool {
        self.outflow.is_some_and(|outflow| outflow.has_underrun)
    }

    /// Whether a transmission under way still wants bytes, which accesses to the memory may keep from it.
    pub(super) fn is_fetching(&self) -> bool {
        self.outflow.is_some()
    }

    /// Bytes of the arriving packet that lie in memory at `now`.
    pub(super) fn stored(&mut self, now: Instant) -> Option<u64> {
        self.advance(now);
        self.inflow.map(|inflow| inflow.moved)
    }

    /// Bytes of the leaving packet that were fetched by `now`.
    pub(super) fn fetched(&mut self, now: Instant) -> Option<u64> {
        self.advance(now);
        self.outflow.map(|outflow| outflow.fetched)
    }

    /// Whether the cable is known to carry a signal at `now`.
    pub(super) fn hears_carrier(&self, now: Instant) -> bool {
        self.outflow.is_some() || self.inflow.is_some_and(|inflow| now < inflow.end())
    }

    /// Makes the bursts that begin at or before `until`.
    fn advance(&mut self, until: Instant) {
        while let Some((start, direction)) = self.next_burst().filter(|(start, _)| *start <= until) {
            let end = match (direction, &mut self.inflow, &mut self.outflow) {
                (Direction::In, Some(inflow), None) => inflow.burst(start, until),
                (Direction::In, Some(inflow), Some(_)) => inflow.burst(start, start),
                (Direction::Out, _, Some(outflow)) => outflow.burst(start),
                _ => return,
            };
            self.free = self.free.max(end);
            self.mastered = self.mastered.max(end);
        }
    }

    /// When the next burst begins. A packet's last bytes do not wait for one.
    fn next_burst(&self) -> Option<(Instant, Direction)> {
        let inbound = self.inflow.and_then(|inflow| {
            let start = inflow.request()?.max(self.free);
            (start <= inflow.end()).then_some((start, Direction::In))
        });
        let outbound = self
            .outflow
            .and_then(|outflow| Some((outflow.request()?.max(self.free), Direction::Out)));
        inbound.into_iter().chain(outbound).min()
    }
}

/// Which way a burst goes through the FIFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    In,
    Out,
}
