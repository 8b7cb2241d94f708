//! The cards' side of FLIP: frames in and frames out.

use super::link::{InCard, Link, Load, Request, costs_credit};
use super::location::Location;
use super::networks::NetworkRow;
use super::packet::{Credit, DATA_START, Packet};
use super::routes::Membership;
use super::types::{Data, Milliseconds, ReportFlags};
use super::{Flip, From, NETWORKS, Network};
use proto::ethernet;
use proto::flip::{Counts, Flags, Header, Kind};
use proto::fragment_control::{self, MulticastRequest, parse_answer};

/// Place of what follows the fragment-control header.
const BODY: usize = ethernet::HEADER_LENGTH + fragment_control::LENGTH;

/// What FLIP must know of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The station address.
    pub station: ethernet::Address,
    /// How many of the longest frames its receive ring takes: on DP8390 cards the pages divided by six.
    pub ring_packets: u16,
}

/// A frame for a card.
#[derive(Debug)]
pub struct Frame<'a, D> {
    headers: &'a [u8],
    data: FrameData<'a, D>,
}

#[derive(Debug)]
enum FrameData<'a, D> {
    Nothing,
    Packet(&'a [u8]),
    Message { data: &'a D, offset: u32, length: u32 },
}

impl<D: Data> Frame<'_, D> {
    fn data_length(&self) -> usize {
        match &self.data {
            FrameData::Nothing => 0,
            FrameData::Packet(bytes) => bytes.len(),
            FrameData::Message { length, .. } => *length as usize,
        }
    }

    /// Bytes of the frame without its check sequence, 60 to 1514.
    pub fn length(&self) -> usize {
        (self.headers.len() + self.data_length()).max(ethernet::SHORTEST)
    }

    /// Hands the frame to `each`, in order, in as many slices as it lies in, padding included.
    pub fn parts(&self, each: &mut dyn FnMut(&[u8])) {
        each(self.headers);
        match &self.data {
            FrameData::Nothing => {}
            FrameData::Packet(bytes) => each(bytes),
            FrameData::Message { data, offset, length } => data.parts(*offset, *length, each),
        }
        let sent = self.headers.len() + self.data_length();
        if sent < ethernet::SHORTEST {
            each(&[0; ethernet::SHORTEST][sent..]);
        }
    }
}

impl<D: Data + Clone> Flip<D> {
    /// Joins an Ethernet; `None` if there are too many networks.
    pub fn attach(&mut self, settings: Settings) -> Option<Network> {
        let number = self.networks.len();
        if number > NETWORKS {
            return None;
        }
        let link = Link::new(settings.station, settings.ring_packets);
        self.networks.push(NetworkRow::ethernet(link));
        Some(Network(number as u8))
    }

    /// Says whether a network is trusted; at first all are. What was learnt over it is forgotten.
    pub fn set_trusted(&mut self, network: Network, trusted: bool) {
        let row = &mut self.networks[network.number()];
        if core::mem::replace(&mut row.trusted, trusted) != trusted {
            self.table.forget_network(network.0);
        }
    }

    /// Switches a network on or off: off, nothing is taken from it and nothing new goes to it. What was learnt over it
    /// is forgotten.
    pub fn set_enabled(&mut self, network: Network, enabled: bool) {
        self.networks[network.number()].enabled = enabled;
        self.table.forget_network(network.0);
    }

    /// The groups of stations that the card of a network must listen to.
    pub fn groups(&self, network: Network) -> impl Iterator<Item = ethernet::Address> {
        self.listening.groups(network.0)
    }

    /// A buffer for a frame that a card has received. Without one the frame is lost, which is counted.
    pub fn buffer(&mut self) -> Option<Packet> {
        let packet = self.pool.take();
        self.statistics.no_buffer += u32::from(packet.is_none());
        packet
    }

    /// Takes a received frame of `length` bytes, which lies in `packet` from [`Packet::frame`] on.
    ///
    /// # Panics
    /// If `length` is more than 1514.
    pub fn receive(&mut self, now: Milliseconds, network: Network, packet: Packet, length: usize) {
        self.statistics.frames_received = self.statistics.frames_received.wrapping_add(1);
        assert!(length <= ethernet::LONGEST, "no length of a frame");
        let Some(station) = self.link(network.0).map(|link| link.station) else {
            return self.pool.put(packet);
        };
        let Ok(header) = ethernet::Header::parse(packet.received(length)) else {
            return self.malformed(packet);
        };
        let to = header.destination;
        let is_for_us = to == station
            || to == ethernet::Address::BROADCAST
            || to.is_group() && self.listening.groups(network.0).any(|group| group == to);
        let is_enabled = self.networks[network.number()].enabled;
        if header.ethertype != ethernet::ETHERTYPE_FLIP
            || !is_for_us
            || !is_enabled
            || header.source.is_group()
            || header.source == station
        {
            self.statistics.not_for_us += 1;
            return self.pool.put(packet);
        }
        let from = From {
            network: network.0,
            location: Location::station(header.source),
        };
        self.receive_control(now, from, packet, length, to == station);
    }

    /// [`receive`](Flip::receive) for a card that hands over frames of its own.
    pub fn receive_frame(&mut self, now: Milliseconds, network: Network, frame: &[u8]) {
        if let Some(mut packet) = self.buffer() {
            let length = frame.len().min(ethernet::LONGEST);
            packet.frame()[..length].copy_from_slice(&frame[..length]);
            self.receive(now, network, packet, length);
        }
    }

    fn malformed(&mut self, packet: Packet) {
        self.statistics.malformed += 1;
        self.pool.put(packet);
    }

    /// What the fragment-control header says. Frames about credits and multicast are for one station.
    fn receive_control(
        &mut self,
        now: Milliseconds,
        from: From,
        packet: Packet,
        length: usize,
        for_one: bool,
    ) {
        use fragment_control::Kind as Control;
        let frame = packet.received(length);
        let Ok(control) = fragment_control::Header::parse(&frame[ethernet::HEADER_LENGTH..]) else {
            return self.malformed(packet);
        };
        if control.kind == Control::Data {
            if for_one && control.count > 0 {
                self.on_link(from, |link| link.credit(from.location, control.count));
            }
            return self.receive_packet(now, from, packet, length, for_one);
        }
        if !for_one {
            return self.malformed(packet);
        }
        let body = &frame[BODY..];
        match control.kind {
            Control::Credit => self.on_link(from, |link| link.credit(from.location, control.count)),
            Control::AbsoluteCredit => {
                self.on_link(from, |link| link.absolute_credit(from.location, control.count));
            }
            Control::RequestCredit => self.on_link(from, |link| link.credit_request(now, from.location)),
            Control::MulticastRequest => match MulticastRequest::parse(body) {
                Ok(request) => self.listen(from, request),
                Err(_) => return self.malformed(packet),
            },
            Control::MulticastAcknowledge | Control::MulticastRefuse => match parse_answer(body) {
                Ok(address) => {
                    let membership = if control.kind == Control::MulticastRefuse {
                        Membership::Refused
                    } else {
                        Membership::Listening
                    };
                    self.table
                        .set_multicast(address, from.network, from.location, membership);
                }
                Err(_) => return self.malformed(packet),
            },
            Control::Data | Control::FastUnidata | Control::FastMultidata => {
                self.statistics.not_for_us += 1;
            }
        }
        self.pool.put(packet);
    }

    fn on_link(&mut self, from: From, action: impl FnOnce(&mut Link)) {
        if let Some(link) = self.link(from.network) {
            action(link);
        }
    }

    /// A neighbour asks that this machine listen to a group of stations.
    fn listen(&mut self, from: From, request: MulticastRequest) {
        let address = request.address;
        let is_wanted = request.group == address.ethernet_group()
            && self.table.found(address, Some(from.network)).is_some()
            && self.listening.add(from.network, address);
        let answer = if is_wanted {
            Request::Listening(address)
        } else {
            Request::Refused(address)
        };
        self.on_link(from, |link| {
            link.request(from.location, answer);
        });
    }

    /// A FLIP packet: checks its lengths, notes what its sender lent, and switches it.
    fn receive_packet(
        &mut self,
        now: Milliseconds,
        from: From,
        mut packet: Packet,
        length: usize,
        for_one: bool,
    ) {
        let Ok(mut header) = Header::parse(&packet.received(length)[BODY..]) else {
            return self.malformed(packet);
        };
        let data = header.length as usize;
        let is_within_message = header
            .offset
            .checked_add(header.length)
            .is_some_and(|end| end <= header.total);
        if length < DATA_START || data > length - DATA_START || !is_within_message {
            return self.malformed(packet);
        }
        if !for_one && !matches!(header.kind, Kind::Locate | Kind::Multidata) {
            return self.malformed(packet);
        }
        packet.set_length(data);
        if costs_credit(&header) {
            self.on_link(from, |link| link.arrived(now, from.location));
            packet.credit = Some(Credit {
                network: from.network,
                location: from.location,
            });
        }
        let load = match header.kind {
            Kind::Locate => self.without_data(packet),
            Kind::HereIs => match Counts::parse(packet.data(), header.flags.byte_order()) {
                Ok(counts) => {
                    self.release_packet(packet);
                    Load::Counts(counts)
                }
                Err(_) => return self.malformed(packet),
            },
            Kind::Unidata | Kind::Multidata | Kind::NotHere | Kind::Untrusted | Kind::Busy => {
                Load::Packet(packet)
            }
        };
        // The integers were read in the sender's order; from here on the packet is one of this machine.
        header.flags.remove(Flags::BIG_ENDIAN);
        self.arrive(now, from, header, load);
    }

    fn without_data(&mut self, packet: Packet) -> Load {
        self.release_packet(packet);
        Load::Nothing
    }

    /// Puts a buffer back into the pool, and the credit for it back to its sender.
    pub(super) fn release_packet(&mut self, packet: Packet) {
        if let Some(Credit { network, location }) = packet.credit
            && let Some(link) = self.link(network)
        {
            link.release(location);
        }
        self.pool.put(packet);
    }

    /// The next frame for the card of a network, if there is one and [`transmitted`](Flip::transmitted) was called
    /// for the one before.
    pub fn next_frame(&mut self, now: Milliseconds, network: Network) -> Option<Frame<'_, D>> {
        let link = self.networks.get_mut(network.number())?.link.as_mut()?;
        let has_frame = link.prepare(now);
        if link.is_starving() {
            self.timers.start_link(now);
        }
        if !has_frame {
            return None;
        }
        self.statistics.frames_sent = self.statistics.frames_sent.wrapping_add(1);
        let link = self.networks[network.number()].link.as_ref()?;
        let InCard {
            load, offset, length, ..
        } = link.in_card.as_ref()?;
        let data = match load {
            Load::Nothing | Load::Counts(_) => FrameData::Nothing,
            Load::Packet(packet) => FrameData::Packet(packet.data()),
            Load::Message(index) => FrameData::Message {
                data: &self.messages[*index].data,
                offset: *offset,
                length: *length,
            },
        };
        Some(Frame {
            headers: link.header_bytes.bytes(),
            data,
        })
    }

    /// The frame of [`next_frame`](Flip::next_frame) was copied into the card, which may have sent it since.
    pub fn transmitted(&mut self, network: Network) {
        let Some(in_card) = self.link(network.0).and_then(|link| link.in_card.take()) else {
            return;
        };
        match in_card.load {
            Load::Nothing | Load::Counts(_) => {}
            Load::Packet(packet) => self.release_packet(packet),
            Load::Message(message) if in_card.is_last => self.part_done(message, false),
            Load::Message(_) => {}
        }
    }

    /// One of the queues in which a message stood has done with it.
    pub(super) fn part_done(&mut self, index: u16, failed: bool) {
        let message = &mut self.messages[index];
        message.failed |= failed;
        message.queued -= 1;
        if message.queued > 0 {
            return;
        }
        let message = self.messages.remove(index);
        if message.failed {
            self.give_up(message, ReportFlags::empty());
        } else {
            self.events.push_back(message.sent());
        }
    }
}
