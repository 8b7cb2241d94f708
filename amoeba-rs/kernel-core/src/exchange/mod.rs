//! The trial of the network: kernels find each other by broadcast and exchange numbered frames in pairs.
//!
//! * Until it knows as many others as it was told to expect, a kernel says hello to everyone about every 100 ms;
//!   the pause differs from machine to machine and from time to time, by a generator that the station address
//!   starts. Whoever says hello still looks for others, so a kernel that looks no more answers that it is here.
//! * Then the known machines, in the order of their addresses, form pairs: the first with the second, the third
//!   with the fourth. With an odd number the last one has no partner and only answers.
//! * Each sends its partner numbered frames, up to four ahead of the partner's acknowledgements
//!   ([`Sender`](sender::Sender)); an acknowledgement names the first number that is missing. Both directions run
//!   at the same time.
//! * The outcome is told once. Frames are acknowledged after that too, so that the partner can finish.
//!
//! The state machine knows neither card nor clock: it is given received frames and the time in milliseconds, and
//! asked for frames to send. Time may wrap.

mod sender;
#[cfg(test)]
mod tests;

use core::fmt;
use proto::ethernet::{self, Address};
use proto::exchange::{self, Header, Kind, PAYLOAD_START};
use sender::Sender;

/// The most other machines that are remembered; frames of further ones are ignored.
pub const MOST_PEERS: usize = 64;
/// Mean pause between hellos in milliseconds.
const HELLO_PAUSE: u32 = 100;
/// By how much a pause may be shorter, and by how much less than that longer.
const HELLO_SPREAD: u32 = 20;
/// How long a partner that still has frames to send may be silent, in milliseconds.
const SILENCE: u32 = 60_000;

/// Whether `time` has come at `now`; the two are less than 2^31 apart.
fn is_due(time: u32, now: u32) -> bool {
    now.wrapping_sub(time).cast_signed() >= 0
}

/// Another machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Peer {
    address: Address,
    /// Number of the first data frame that has not arrived.
    expected: u32,
    /// Bytes of the frames that have arrived, each once.
    bytes: u64,
    /// It must be told `expected`.
    owed_acknowledgement: bool,
    /// It must be told that we are here.
    owed_answer: bool,
}

/// How an exchange went, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Frames that the partner acknowledged.
    pub sent: u32,
    /// Frames of the partner that arrived, each counted once.
    pub received: u32,
    /// Their bytes, headers included.
    pub bytes: u64,
    /// Frames that were sent again.
    pub resent: u32,
    /// Frames whose length or check was wrong.
    pub bad: u32,
}

/// Why an exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The partner does not acknowledge a frame, however often it is sent.
    NotAcknowledged,
    /// The partner has not sent all its frames and sends no more.
    Silence,
    /// Damaged frames came through.
    BadFrames,
}

/// Something to tell on the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// All others are known; `partner` is who frames are exchanged with.
    Found {
        /// How many others.
        peers: usize,
        /// Ours, if the number of machines allows.
        partner: Option<Address>,
    },
    /// Everything was sent and received.
    Done(Tally),
    /// It came to nothing.
    Failed(Failure, Tally),
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally {
            sent,
            received,
            bytes,
            resent,
            bad,
        } = self;
        write!(
            formatter,
            "{sent} frames sent, {received} received, {bytes} bytes, {resent} resent, {bad} bad"
        )
    }
}

impl fmt::Display for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Found {
                peers,
                partner: Some(partner),
            } => {
                write!(formatter, "found {peers} peers, exchanging frames with {partner}")
            }
            Event::Found { peers, partner: None } => {
                write!(
                    formatter,
                    "found {peers} peers, no partner among them, answering only"
                )
            }
            Event::Done(tally) => write!(formatter, "exchange ok: {tally}"),
            Event::Failed(failure, tally) => {
                let why = match failure {
                    Failure::NotAcknowledged => "the partner does not acknowledge",
                    Failure::Silence => "the partner is silent",
                    Failure::BadFrames => "damaged frames",
                };
                write!(formatter, "exchange failed: {why}: {tally}")
            }
        }
    }
}

/// What a kernel does at present.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// It looks for others and says hello next at this time.
    Looking { hello: u32 },
    /// It exchanges frames with the peer of this index.
    Exchanging { partner: usize, sender: Sender },
    /// It answers only.
    Answering,
}

/// A kernel's part in the trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    address: Address,
    wanted: usize,
    frames: u32,
    peers: [Peer; MOST_PEERS],
    known: usize,
    stage: Stage,
    /// When the partner was last heard.
    heard: u32,
    random: u32,
    bad: u32,
}

impl Exchange {
    /// The part of the machine with `address`, which expects `wanted` others and sends `frames` frames, from
    /// `now` on.
    pub fn new(address: Address, wanted: usize, frames: u32, now: u32) -> Exchange {
        let [_, _, a, b, c, d] = address.0;
        let random = exchange::scatter(u32::from_le_bytes([a, b, c, d])) | 1;
        Exchange {
            address,
            wanted: wanted.min(MOST_PEERS),
            frames,
            peers: [Peer::default(); MOST_PEERS],
            known: 0,
            stage: Stage::Looking { hello: now },
            heard: now,
            random,
            bad: 0,
        }
    }

    /// Takes a received frame, whatever it is.
    pub fn receive(&mut self, frame: &[u8], now: u32) {
        match Header::parse(frame) {
            None | Some(Err(proto::Error::Magic)) => {}
            Some(Err(_)) => self.bad += 1,
            Some(Ok((header, payload))) => self.take(header, PAYLOAD_START + payload.len(), now),
        }
    }

    /// The next frame to send, written into `buffer`: its length.
    pub fn transmit(&mut self, buffer: &mut [u8; ethernet::LONGEST], now: u32) -> Option<usize> {
        let (destination, kind, sequence) = self.next_frame(now)?;
        let length = match kind {
            Kind::Data => exchange::frame_length(sequence),
            Kind::Hello | Kind::Here | Kind::Acknowledge => ethernet::SHORTEST,
        };
        let frame = &mut buffer[..length];
        match kind {
            Kind::Data => exchange::fill_payload(sequence, &mut frame[PAYLOAD_START..]),
            Kind::Hello | Kind::Here | Kind::Acknowledge => frame[PAYLOAD_START..].fill(0),
        }
        Header {
            destination,
            source: self.address,
            kind,
            sequence,
        }
        .emit(frame);
        Some(length)
    }

    /// Whether time may bring it something to send or to tell. Otherwise only received frames do.
    pub fn has_timers(&self) -> bool {
        !matches!(self.stage, Stage::Answering)
    }

    /// What is to be told now, once each.
    pub fn poll(&mut self, now: u32) -> Option<Event> {
        match &self.stage {
            Stage::Looking { .. } if self.known >= self.wanted => Some(self.begin(now)),
            Stage::Looking { .. } | Stage::Answering => None,
            Stage::Exchanging { partner, sender } => {
                let event = self.outcome(&self.peers[*partner], sender, now)?;
                self.stage = Stage::Answering;
                Some(event)
            }
        }
    }

    /// Forms the pairs.
    fn begin(&mut self, now: u32) -> Event {
        let peers = &self.peers[..self.known];
        let rank = |address: Address| {
            peers
                .iter()
                .map(|peer| peer.address)
                .chain([self.address])
                .filter(|other| *other < address)
                .count()
        };
        let wanted = rank(self.address) ^ 1;
        let partner = peers.iter().position(|peer| rank(peer.address) == wanted);
        let address = partner.map(|partner| peers[partner].address);
        self.heard = now;
        self.stage = match partner {
            Some(partner) => Stage::Exchanging {
                partner,
                sender: Sender::new(self.frames),
            },
            None => Stage::Answering,
        };
        Event::Found {
            peers: self.known,
            partner: address,
        }
    }

    /// How the exchange ended, if it did.
    fn outcome(&self, partner: &Peer, sender: &Sender, now: u32) -> Option<Event> {
        let tally = Tally {
            sent: sender.acknowledged(),
            received: partner.expected,
            bytes: partner.bytes,
            resent: sender.resent(),
            bad: self.bad,
        };
        if sender.has_given_up() {
            return Some(Event::Failed(Failure::NotAcknowledged, tally));
        }
        if !sender.is_done() {
            return None;
        }
        match (partner.expected >= self.frames, self.bad) {
            (true, 0) => Some(Event::Done(tally)),
            (true, _) => Some(Event::Failed(Failure::BadFrames, tally)),
            (false, _) if is_due(self.heard.wrapping_add(SILENCE), now) => {
                Some(Event::Failed(Failure::Silence, tally))
            }
            (false, _) => None,
        }
    }

    fn take(&mut self, header: Header, length: usize, now: u32) {
        let is_looking = matches!(self.stage, Stage::Looking { .. });
        let Some(index) = self.find(header.source) else {
            return;
        };
        if matches!(self.stage, Stage::Exchanging { partner, .. } if partner == index) {
            self.heard = now;
        }
        let peer = &mut self.peers[index];
        match header.kind {
            Kind::Hello => peer.owed_answer |= !is_looking,
            Kind::Here => {}
            Kind::Data if length != exchange::frame_length(header.sequence) => self.bad += 1,
            Kind::Data => {
                if header.sequence == peer.expected {
                    peer.expected += 1;
                    peer.bytes += length as u64;
                }
                peer.owed_acknowledgement = true;
            }
            Kind::Acknowledge => match &mut self.stage {
                Stage::Exchanging { partner, sender } if *partner == index => {
                    sender.acknowledge(header.sequence, now);
                }
                _ => {}
            },
        }
    }

    /// The index of the machine with this address, which becomes known by that. `None` if there are too many,
    /// or if it is no address of another machine.
    fn find(&mut self, address: Address) -> Option<usize> {
        if address == self.address || address.is_group() {
            return None;
        }
        let known = self.peers[..self.known]
            .iter()
            .position(|peer| peer.address == address);
        if known.is_some() || self.known == MOST_PEERS {
            return known;
        }
        self.peers[self.known] = Peer {
            address,
            ..Peer::default()
        };
        self.known += 1;
        Some(self.known - 1)
    }

    /// Receiver, kind and number of the next frame to send: what others wait for comes first.
    fn next_frame(&mut self, now: u32) -> Option<(Address, Kind, u32)> {
        for peer in &mut self.peers[..self.known] {
            if core::mem::take(&mut peer.owed_acknowledgement) {
                return Some((peer.address, Kind::Acknowledge, peer.expected));
            }
            if core::mem::take(&mut peer.owed_answer) {
                return Some((peer.address, Kind::Here, 0));
            }
        }
        match &mut self.stage {
            Stage::Looking { hello } if is_due(*hello, now) => {
                self.random = exchange::xorshift(self.random);
                *hello = now.wrapping_add(HELLO_PAUSE - HELLO_SPREAD + self.random % (2 * HELLO_SPREAD));
                Some((Address::BROADCAST, Kind::Hello, 0))
            }
            Stage::Exchanging { partner, sender } => {
                let address = self.peers[*partner].address;
                sender.next(now).map(|sequence| (address, Kind::Data, sequence))
            }
            Stage::Looking { .. } | Stage::Answering => None,
        }
    }
}
