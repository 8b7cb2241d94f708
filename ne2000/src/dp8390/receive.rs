//! The receiver: address recognition, the receive ring and its header (data sheet, section 7).

use std::collections::VecDeque;

use clock::Instant;
use wire::{CheckSequence, Frame};

use super::registers::{Interrupts, Loopback, ReceiveConfiguration, ReceiveStatus};
use super::{BYTE_TIME, Dp8390, LocalMemory, PAGE, local_bus, swap_words, tally};
use crate::check_sequence;

/// The header in front of each stored packet: status, next page, count.
const HEADER_BYTES: usize = local_bus::HEADER_BYTES as usize;

/// A packet of fewer bytes, check sequence included, is a runt.
const SHORTEST_PACKET: u64 = 64;

/// A runt of fewer bytes is never stored (section 10, RCR.AR).
const SHORTEST_RUNT: u64 = 8;

/// The receiver's state beyond its registers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Receiver {
    /// Frames that begin at `.0` or later and before `.1` are heard; `None` since a reset.
    hears: Option<(Instant, Instant)>,
    /// Frames are heard that begin when the cable was connected last, or later...
    connected: Option<Instant>,
    /// ... and end before it was disconnected, if it was since.
    disconnected: Option<Instant>,
    /// CURR has caught up with BNRY: the ring is full, not empty (DP83902A, section 7, Removing Packets).
    is_full: bool,
    /// A packet did not fit and none has been removed since.
    has_overflowed: bool,
    /// The packet that is coming in, if the cable has told of it.
    incoming: Option<Incoming>,
    /// Where the last packet began of which local DMA gave up before its end.
    given_up: Option<Instant>,
    /// Packets whose last bytes are still on their way through the FIFO, in the order of their arrival.
    arrivals: VecDeque<Arrival>,
}

/// A packet for this station that is still on the cable.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Incoming {
    /// The end of its start delimiter.
    begin: Instant,
    end: Instant,
    address: ReceiveStatus,
    way: Way,
}

/// How far a packet has come in the receive ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Way {
    /// Local DMA has written into the first page.
    has_begun: bool,
    /// Further pages that it has gone on to.
    links: usize,
    /// It came to BNRY.
    has_met_boundary: bool,
}

/// A packet for this station that has left the cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// When local DMA has stored it, header and all.
    done: Instant,
    frame: Frame,
    /// [`ReceiveStatus::GROUP_ADDRESS`] or nothing.
    address: ReceiveStatus,
    integrity: Integrity,
    has_overrun: bool,
    way: Way,
}

/// How a packet has come over the cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Integrity {
    /// With the right check sequence.
    Intact,
    /// With a wrong one.
    CheckError,
    /// With a wrong one, and with a few bits behind the last whole byte.
    AlignmentError,
}

impl Integrity {
    fn of(frame: &Frame) -> Self {
        match frame.check() {
            CheckSequence::Right => Self::Intact,
            CheckSequence::Wrong if frame.is_misaligned() => Self::AlignmentError,
            CheckSequence::Wrong => Self::CheckError,
        }
    }
}

impl Receiver {
    pub(super) fn reset(&mut self) {
        *self = Self {
            is_full: self.is_full,
            connected: self.connected,
            disconnected: self.disconnected,
            ..Self::default()
        };
    }

    pub(super) fn start(&mut self, now: Instant) {
        self.hears = Some((now, Instant::NEVER));
        self.has_overflowed = false;
    }

    /// A packet that has begun to arrive is still received.
    pub(super) fn stop(&mut self, now: Instant) {
        if let Some((_, until)) = &mut self.hears {
            *until = now;
        }
    }

    /// A packet that has begun to arrive is lost.
    pub(super) fn disconnect(&mut self, now: Instant) {
        self.incoming = None;
        self.disconnected = Some(now);
    }

    pub(super) fn connect(&mut self, now: Instant) {
        self.connected = Some(now);
        self.disconnected = None;
    }

    pub(super) fn has_overflowed(&self) -> bool {
        self.has_overflowed
    }

    /// BNRY has moved: packets were removed from the ring.
    pub(super) fn make_room(&mut self) {
        self.is_full = false;
        self.has_overflowed = false;
    }

    /// CURR was written: the host sets the ring up.
    pub(super) fn move_current(&mut self) {
        self.is_full = false;
    }

    pub(super) fn next_done(&self) -> Instant {
        self.arrivals
            .front()
            .map_or(Instant::NEVER, |arrival| arrival.done)
    }

    pub(super) fn take_done(&mut self, now: Instant) -> Option<Arrival> {
        self.arrivals.pop_front_if(|arrival| arrival.done <= now)
    }

    /// Whether a frame of so many bytes, the first of which followed its start delimiter at `begin`, is heard.
    fn hears(&self, begin: Instant, length: u64) -> bool {
        let end = begin + BYTE_TIME * length;
        self.hears
            .is_some_and(|(from, until)| from <= begin && begin < until)
            && self.connected.is_none_or(|from| from <= begin)
            && self.disconnected.is_none_or(|until| end <= until)
    }
}

impl Dp8390 {
    /// A frame has arrived: its start delimiter ended at `begin`, and the cable tells of its end at `at`. It is in
    /// memory, and its interrupt rises, when [`Dp8390::next_event`] says.
    pub fn received(&mut self, at: Instant, begin: Instant, frame: Frame, now: Instant) {
        self.follow_incoming(at);
        let incoming = self.receiver.incoming.take();
        let was_given_up = self.receiver.given_up == Some(begin);
        let Some(address) = self.takes(&frame, begin).filter(|_| !was_given_up) else {
            return;
        };
        let incoming = incoming.filter(|incoming| incoming.begin == begin);
        let integrity = Integrity::of(&frame);
        let (done, has_overrun) = self
            .local_bus
            .packet_ended(at, begin, frame.length(), self.pace(), now);
        self.receiver.arrivals.push_back(Arrival {
            done,
            frame,
            address,
            integrity,
            has_overrun,
            way: incoming.map_or(Way::default(), |incoming| incoming.way),
        });
    }

    /// The cable is certain that this frame will arrive whole; its start delimiter ended at `begin`. To be told before
    /// its end, by whoever knows: the FIFO's bursts are then seen by whoever wants the memory.
    pub fn packet_arrives(&mut self, begin: Instant, frame: &Frame, now: Instant) {
        if let Some(address) = self.takes(frame, begin) {
            let length = frame.length();
            self.local_bus.packet_arrives(begin, length, self.pace(), now);
            self.receiver.incoming = Some(Incoming {
                begin,
                end: begin + BYTE_TIME * length,
                address,
                way: Way::default(),
            });
        }
    }

    /// To be called before BNRY, CURR, PSTART or PSTOP change, and before the chip is started or stopped: whether local
    /// DMA has come to BNRY already is decided by how they were. It gives up there (section 7, Linking Receive Buffer
    /// Pages), however much room is made afterwards.
    pub(super) fn look_for_overflow(&mut self, now: Instant) {
        while let Some(arrival) = self
            .receiver
            .arrivals
            .pop_front_if(|arrival| arrival.way.has_met_boundary)
        {
            self.give_up(arrival.address);
        }
        self.follow_incoming(now);
        let Some(incoming) = self
            .receiver
            .incoming
            .take_if(|incoming| incoming.way.has_met_boundary)
        else {
            return;
        };
        self.receiver.given_up = Some(incoming.begin);
        self.local_bus.packet_lost(now);
        self.give_up(incoming.address);
    }

    fn give_up(&mut self, address: ReceiveStatus) {
        self.receive_status = address;
        self.overflow();
    }

    /// Follows the packet that comes in as far as local DMA has brought it. What comes behind another whose end is not
    /// in memory yet has not left the FIFO.
    fn follow_incoming(&mut self, now: Instant) {
        let stores = !self.receive_configuration.contains(ReceiveConfiguration::MONITOR);
        let Some(mut incoming) = self.receiver.incoming.take_if(|incoming| now <= incoming.end) else {
            self.receiver.incoming = None;
            return;
        };
        if stores && self.receiver.arrivals.is_empty() {
            let moved = self.local_bus.stored(now).unwrap_or(0);
            self.follow(&mut incoming.way, moved);
        }
        self.receiver.incoming = Some(incoming);
    }

    fn follow(&self, way: &mut Way, moved: u64) {
        if moved == 0 {
            return;
        }
        if !way.has_begun {
            way.has_begun = true;
            way.has_met_boundary = self.receiver.is_full || self.receiver.has_overflowed;
        }
        let links = (moved as usize + HEADER_BYTES - 1) / PAGE;
        while way.links < links && !way.has_met_boundary {
            let page = (0..way.links).fold(self.current, |page, _| self.page_after(page));
            way.has_met_boundary = self.page_after(page) == self.boundary;
            way.links += 1;
        }
    }

    /// Bit PHY of the status if the receiver stores a frame that began then, as its registers stand.
    fn takes(&self, frame: &Frame, begin: Instant) -> Option<ReceiveStatus> {
        if self.transmit_configuration.loopback() != Loopback::Off
            || !self.receiver.hears(begin, frame.length())
        {
            return None;
        }
        let accepts_runts = self
            .receive_configuration
            .contains(ReceiveConfiguration::ACCEPT_RUNT);
        let shortest = if accepts_runts {
            SHORTEST_RUNT
        } else {
            SHORTEST_PACKET
        };
        if frame.length() < shortest {
            return None;
        }
        self.recognise(destination(frame))
    }

    /// Address recognition (section 10, RCR): `None` if the address is not for this station, otherwise bit PHY of
    /// the status. Promiscuous mode takes every physical address; group addresses have to pass AB, or AM with the
    /// hash filter, all the same.
    pub(super) fn recognise(&self, address: [u8; 6]) -> Option<ReceiveStatus> {
        let wanted = |bit| self.receive_configuration.contains(bit);
        let is_group = address[0] & 1 == 1;
        let is_recognised = if is_group {
            let is_broadcast = address == [0xFF; 6];
            (is_broadcast && wanted(ReceiveConfiguration::ACCEPT_BROADCAST))
                || (wanted(ReceiveConfiguration::ACCEPT_MULTICAST) && self.passes_filter(address))
        } else {
            wanted(ReceiveConfiguration::PROMISCUOUS) || address == self.physical_address
        };
        is_recognised.then_some(if is_group {
            ReceiveStatus::GROUP_ADDRESS
        } else {
            ReceiveStatus::empty()
        })
    }

    fn passes_filter(&self, address: [u8; 6]) -> bool {
        let index = check_sequence::multicast_index(address);
        self.multicast_filter[index >> 3] >> (index & 7) & 1 == 1
    }

    /// The end of packet operations (section 7), when local DMA has moved the packet's last byte.
    pub(super) fn complete_reception(&mut self, arrival: &Arrival, memory: &mut LocalMemory) {
        self.receive_status = arrival.address;
        match arrival.integrity {
            Integrity::Intact => {}
            Integrity::CheckError => self.count_check_error(),
            Integrity::AlignmentError => self.count_alignment_error(),
        }
        let is_intact = arrival.integrity == Integrity::Intact;
        let wanted = |bit| self.receive_configuration.contains(bit);
        if wanted(ReceiveConfiguration::MONITOR) {
            self.miss();
        } else if arrival.has_overrun {
            self.receive_status |= ReceiveStatus::FIFO_OVERRUN;
            self.interrupts |= Interrupts::RECEIVE_ERROR;
        } else if is_intact || wanted(ReceiveConfiguration::SAVE_ERRORED) {
            self.keep(arrival, memory);
        }
        if is_intact && arrival.address == ReceiveStatus::GROUP_ADDRESS {
            let index = check_sequence::multicast_index(destination(&arrival.frame));
            self.obey_multicast(index, arrival.done, memory);
        }
    }

    fn keep(&mut self, arrival: &Arrival, memory: &mut LocalMemory) {
        let is_intact = arrival.integrity == Integrity::Intact;
        let status = if is_intact {
            ReceiveStatus::INTACT
        } else {
            ReceiveStatus::empty()
        };
        if !self.receiver.has_overflowed && self.store(arrival, self.receive_status | status, memory) {
            self.receive_status |= status;
            self.counts.received += 1;
            if is_intact {
                self.interrupts |= Interrupts::PACKET_RECEIVED;
            }
        } else {
            self.overflow();
        }
    }

    /// RSR.CRC is set with FAE, but the packet counts as one of CNTR0 alone.
    fn count_alignment_error(&mut self) {
        self.receive_status |= ReceiveStatus::CHECK_ERROR | ReceiveStatus::ALIGNMENT_ERROR;
        self.interrupts |= Interrupts::RECEIVE_ERROR;
        if tally(&mut self.tallies.alignment_errors) {
            self.interrupts |= Interrupts::COUNTER_OVERFLOW;
        }
    }

    /// Links pages from CURR on and fills them; false if that would cross BNRY. The header goes in last, and CURR
    /// moves behind the packet.
    fn store(&mut self, arrival: &Arrival, status: ReceiveStatus, memory: &mut LocalMemory) -> bool {
        let way = arrival.way;
        if way.has_met_boundary || self.receiver.is_full && !way.has_begun {
            return false;
        }
        let mut bytes = check_sequence::with_sequence(&arrival.frame);
        let count = (bytes.len() as u64).to_le_bytes();
        if self.is_word_swapped() {
            swap_words(&mut bytes);
        }
        let (first, others) = bytes.split_at(bytes.len().min(PAGE - HEADER_BYTES));
        let mut page = self.current;
        let mut end = HEADER_BYTES + first.len();
        memory.store(page, HEADER_BYTES, first);
        for (link, part) in others.chunks(PAGE).enumerate() {
            let next = self.page_after(page);
            if next == self.boundary && link >= way.links {
                return false;
            }
            page = next;
            end = part.len();
            memory.store(page, 0, part);
        }
        let next = self.page_after(page);
        let mut header = [status.bits(), next, count[0], count[1]];
        if self.is_word_swapped() {
            header.swap(0, 1);
        }
        memory.store(self.current, 0, &header);
        self.local_address = (u16::from(page) << 8).wrapping_add(end as u16);
        self.local_next_packet = next;
        self.current = next;
        self.receiver.is_full = next == self.boundary;
        true
    }

    pub(super) fn page_after(&self, page: u8) -> u8 {
        let next = page.wrapping_add(1);
        if next == self.page_stop {
            self.page_start
        } else {
            next
        }
    }

    /// The packet found no room: OVW, and the receiver stays in the reset state until the host makes some (section
    /// 10, ISR.RST). The missed packets counter is off while the chip is stopped (DP83902A, section 7).
    fn overflow(&mut self) {
        self.interrupts |= Interrupts::OVERWRITE_WARNING;
        self.receiver.has_overflowed = true;
        self.counts.missed += 1;
        if self.is_running() {
            self.miss();
        }
    }

    fn miss(&mut self) {
        self.receive_status |= ReceiveStatus::MISSED;
        self.interrupts |= Interrupts::RECEIVE_ERROR;
        if tally(&mut self.tallies.missed) {
            self.interrupts |= Interrupts::COUNTER_OVERFLOW;
        }
    }
}

/// The first six bytes on the cable; a frame too short for them goes on with its check sequence.
fn destination(frame: &Frame) -> [u8; 6] {
    match frame.bytes().first_chunk() {
        Some(address) => *address,
        None => *check_sequence::with_sequence(frame)
            .first_chunk()
            .expect("a runt has eight bytes"),
    }
}
