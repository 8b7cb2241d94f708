//! Kernels, the Ethernets between them, and what their protocols above get to see.

mod busy;
mod chaos;
mod credits;
mod disturbances;
mod frames;
mod hostile;
mod locating;
mod multicasts;
mod networks;
mod properties;
mod returns;
mod switching;
mod world;

use super::types::{
    Below, Body, Data, Endpoint, Event, Interface, MessageId, Milliseconds, Priority, ReportFlags, SendFlags,
};
use super::{Flip, Network, Settings, Sizes};
use proto::ethernet::{self, ETHERTYPE_FLIP};
use proto::flip::{Address, Flags, Header, Kind};
use proto::fragment_control;
use std::vec::Vec;
pub(super) use world::World;

/// A message in the heap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Data for Bytes {
    fn length(&self) -> u32 {
        self.0.len() as u32
    }

    fn parts(&self, offset: u32, length: u32, each: &mut dyn FnMut(&[u8])) {
        let (start, end) = (offset as usize, (offset + length) as usize);
        // In two parts, as memory of several pages.
        let middle = start.midpoint(end);
        each(&self.0[start..middle]);
        each(&self.0[middle..end]);
    }
}

/// `length` bytes that tell messages apart.
pub(super) fn bytes(length: usize, seed: usize) -> Bytes {
    Bytes(
        (0..length)
            .map(|place| (place * 7 + place / 251 + seed) as u8)
            .collect(),
    )
}

pub(super) fn station(number: u8) -> ethernet::Address {
    ethernet::Address([2, 0x60, 0x8c, 0, 0, number])
}

/// The ring of a 3C503 with 8 KB: one credit.
pub(super) const SMALL_RING: u16 = 4;
/// The ring of an NE2000: eight credits.
pub(super) const LARGE_RING: u16 = 9;

pub(super) fn private(number: u8) -> Address {
    // The lowest bit of each byte of a DES key does not count.
    Address([number << 1, number & 0x80, 0x11, 0x22, 0x33, 0x44, 0x55, 0])
}

pub(super) fn public(number: u8) -> Address {
    private(number).public()
}

/// A kernel with one interface.
pub(super) struct Kernel {
    pub(super) flip: Flip<Bytes>,
    pub(super) interface: Interface,
}

impl Kernel {
    /// A kernel with cards whose rings are so large; the cards' stations are `number`, `number + 1` and so on.
    pub(super) fn new(number: u8, rings: &[u16]) -> Kernel {
        let mut flip = Flip::new(Sizes::STANDARD);
        for (card, ring_packets) in (0..).zip(rings) {
            let settings = Settings {
                station: station(number + card),
                ring_packets: *ring_packets,
            };
            flip.attach(settings).expect("there is room for a network");
        }
        let interface = flip.open().expect("there is room for an interface");
        Kernel { flip, interface }
    }

    pub(super) fn register(&mut self, address: u8) -> Endpoint {
        self.flip
            .register(self.interface, private(address))
            .expect("there is room")
    }

    pub(super) fn unicast(
        &mut self,
        now: Milliseconds,
        endpoint: Endpoint,
        to: u8,
        flags: SendFlags,
        data: Bytes,
    ) -> MessageId {
        let interface = self.interface;
        self.flip
            .unicast(
                now,
                interface,
                endpoint,
                flags,
                public(to),
                5000,
                Priority::Normal,
                data,
            )
            .expect("the message is taken")
    }

    /// The next frame for a card as the cable would see it.
    pub(super) fn frame(&mut self, now: Milliseconds, network: u8) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let frame = self.flip.next_frame(now, Network(network))?;
        frame.parts(&mut |part| bytes.extend_from_slice(part));
        assert_eq!(bytes.len(), frame.length());
        self.flip.transmitted(Network(network));
        Some(bytes)
    }

    /// All frames that are ready for a card.
    pub(super) fn frames(&mut self, now: Milliseconds, network: u8) -> Vec<Vec<u8>> {
        core::iter::from_fn(|| self.frame(now, network)).collect()
    }

    /// Packets among the frames that are ready for a card.
    pub(super) fn packets(&mut self, now: Milliseconds, network: u8) -> Vec<(ethernet::Address, Header)> {
        let frames = self.frames(now, network);
        frames.iter().filter_map(|frame| packet(frame)).collect()
    }

    pub(super) fn receive(&mut self, now: Milliseconds, network: u8, frame: &[u8]) {
        self.flip.receive_frame(now, Network(network), frame);
    }

    /// All events, with packets given back at once.
    pub(super) fn events(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        while let Some(event) = self.flip.event() {
            told.push(tell(&mut self.flip, event));
        }
        told
    }
}

/// An event without its buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Received {
        to: Address,
        from: Address,
        message: u32,
        offset: u32,
        total: u32,
        flags: Flags,
        bytes: Vec<u8>,
        /// It came as a whole message.
        local: bool,
    },
    NotDelivered {
        message: MessageId,
        flags: ReportFlags,
        has_data: bool,
    },
    Sent(MessageId),
}

pub(super) fn tell(flip: &mut Flip<Bytes>, event: Event<Bytes>) -> Told {
    match event {
        Event::Received {
            to,
            from,
            message,
            offset,
            length,
            total,
            flags,
            body,
            ..
        } => {
            let (bytes, local) = match body {
                Body::Packet(packet) => {
                    let bytes = packet.data().to_vec();
                    flip.release(packet);
                    (bytes, false)
                }
                Body::Local(data) => (data.0, true),
            };
            assert_eq!(bytes.len(), length as usize);
            Told::Received {
                to,
                from,
                message,
                offset,
                total,
                flags,
                bytes,
                local,
            }
        }
        Event::NotDelivered {
            message, flags, data, ..
        } => Told::NotDelivered {
            message,
            flags,
            has_data: data.is_some(),
        },
        Event::Sent { message, .. } => Told::Sent(message),
    }
}

/// The FLIP header in a frame, if there is one, and the frame's destination.
pub(super) fn packet(frame: &[u8]) -> Option<(ethernet::Address, Header)> {
    let ethernet = ethernet::Header::parse(frame).ok()?;
    let control = fragment_control::Header::parse(&frame[14..]).ok()?;
    (control.kind == fragment_control::Kind::Data).then(|| {
        (
            ethernet.destination,
            Header::parse(&frame[16..]).expect("a header"),
        )
    })
}

/// The fragment-control header of a frame.
pub(super) fn control(frame: &[u8]) -> fragment_control::Header {
    fragment_control::Header::parse(&frame[14..]).expect("a fragment-control header")
}

/// A frame with a FLIP packet.
pub(super) fn packet_frame(
    to: ethernet::Address,
    from: ethernet::Address,
    header: Header,
    data: &[u8],
) -> Vec<u8> {
    let mut body = header.emit().to_vec();
    body.extend_from_slice(data);
    control_frame(to, from, fragment_control::Kind::Data, 0, &body)
}

/// A frame with a fragment-control header and what follows it.
pub(super) fn control_frame(
    to: ethernet::Address,
    from: ethernet::Address,
    kind: fragment_control::Kind,
    count: u8,
    body: &[u8],
) -> Vec<u8> {
    let header = ethernet::Header {
        destination: to,
        source: from,
        ethertype: ETHERTYPE_FLIP,
    };
    let mut frame = header.emit().to_vec();
    frame.extend(fragment_control::Header { kind, count }.emit());
    frame.extend_from_slice(body);
    frame.resize(frame.len().max(ethernet::SHORTEST), 0);
    frame
}

/// The header of a packet with `length` bytes as its whole message.
pub(super) fn header(kind: Kind, from: u8, to: u8, hops: (u16, u16), length: u32) -> Header {
    Header {
        kind,
        flags: Flags::empty(),
        reserved: 0,
        actual_hops: hops.0,
        maximum_hops: hops.1,
        destination: public(to),
        source: public(from),
        message: 1,
        length,
        offset: 0,
        total: length,
    }
}
