//! Frames as they go into the card: the headers in a buffer of the link, the data where it lies.

use super::neighbour::Due;
use super::{Fragment, Link, Load, Request};
use crate::flip::location::Location;
use crate::flip::types::Milliseconds;
use proto::flip::Counts;
use proto::fragment_control::{self, Header, Kind};
use proto::{ethernet, flip};

/// Bytes of the longest headers: those of a HEREIS with its counts.
const LONGEST: usize = ethernet::HEADER_LENGTH + fragment_control::LENGTH + flip::LENGTH + Counts::LENGTH;

/// The headers of the frame that goes to the card.
#[derive(Clone, Debug)]
pub(in crate::flip) struct HeaderBytes {
    bytes: [u8; LONGEST],
    length: usize,
}

impl HeaderBytes {
    pub(super) fn new() -> HeaderBytes {
        HeaderBytes {
            bytes: [0; LONGEST],
            length: 0,
        }
    }

    fn begin(&mut self, to: Location, from: ethernet::Address, control: Header) {
        let header = ethernet::Header {
            destination: ethernet::Address(to.0),
            source: from,
            ethertype: ethernet::ETHERTYPE_FLIP,
        };
        self.length = 0;
        self.push(&header.emit());
        self.push(&control.emit());
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    pub(in crate::flip) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// What the card sends behind the headers.
#[derive(Debug)]
pub(in crate::flip) struct InCard {
    pub(in crate::flip) load: Load,
    /// Bytes of an own message.
    pub(in crate::flip) offset: u32,
    pub(in crate::flip) length: u32,
    /// They are the last ones.
    pub(in crate::flip) is_last: bool,
}

impl InCard {
    pub(super) const NOTHING: InCard = InCard {
        load: Load::Nothing,
        offset: 0,
        length: 0,
        is_last: true,
    };
}

impl Link {
    /// Makes the next frame ready, unless the card is still sending; says whether there is one.
    pub(in crate::flip) fn prepare(&mut self, now: Milliseconds) -> bool {
        if self.in_card.is_some() {
            return false;
        }
        if let Some((to, due, count)) = self.neighbours.take_due() {
            let kind = match due {
                Due::ABSOLUTE_CREDIT => Kind::AbsoluteCredit,
                Due::CREDIT => Kind::Credit,
                _ => Kind::RequestCredit,
            };
            self.header_bytes.begin(to, self.station, Header { kind, count });
            self.in_card = Some(InCard::NOTHING);
        } else if let Some((to, request)) = self.requests.pop_front() {
            self.prepare_request(to, request);
        } else if let Some(fragment) = self.next_fragment(now) {
            self.prepare_fragment(fragment);
        }
        self.in_card.is_some()
    }

    fn prepare_request(&mut self, to: Location, request: Request) {
        let kind = match request {
            Request::Listen(_) => Kind::MulticastRequest,
            Request::Listening(_) => Kind::MulticastAcknowledge,
            Request::Refused(_) => Kind::MulticastRefuse,
        };
        self.header_bytes
            .begin(to, self.station, Header { kind, count: 0 });
        match request {
            Request::Listen(request) => self.header_bytes.push(&request.emit()),
            Request::Listening(address) | Request::Refused(address) => self.header_bytes.push(&address.0),
        }
        self.in_card = Some(InCard::NOTHING);
    }

    fn prepare_fragment(&mut self, fragment: Fragment) {
        let Fragment {
            to,
            credits,
            header,
            load,
            is_last,
        } = fragment;
        let control = Header {
            kind: Kind::Data,
            count: credits,
        };
        self.header_bytes.begin(to, self.station, control);
        self.header_bytes.push(&header.emit());
        if let Load::Counts(counts) = &load {
            self.header_bytes.push(&counts.emit(header.flags.byte_order()));
        }
        self.in_card = Some(InCard {
            load,
            offset: header.offset,
            length: header.length,
            is_last,
        });
    }
}
