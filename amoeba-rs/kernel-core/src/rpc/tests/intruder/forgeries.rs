//! Packets that are made up of a request that was overheard.

use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;
use proto::ethernet::{self, ETHERTYPE_FLIP};
use proto::flip::{self, Address, Counts};
use proto::fragment_control::{self, Kind as Control};
use proto::rpc::{Flags, Header, Kind};
use proto::{ByteOrder, message};
use std::vec;
use std::vec::Vec;

use super::{CLIENT, SERVER, SERVING};

/// The intruder's station, and a process that is nowhere.
const STATION: ethernet::Address = ethernet::Address([2, 0x60, 0x8c, 0, 0, 9]);
const NOBODY: Address = Address([0x13, 0x57, 0x9b, 0xdf, 0x24, 0x68, 0xac, 0]);
/// Bytes that a message which is cut off pretends to have.
const PRETENDED: u32 = 3000;
/// Place of the data in a frame.
const DATA: usize = ethernet::HEADER_LENGTH + fragment_control::LENGTH + flip::LENGTH;

/// A request on the cable.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    server: ethernet::Address,
    client: ethernet::Address,
    flip: flip::Header,
    header: Header,
    data: Vec<u8>,
}

impl Heard {
    /// What a frame is, if it begins a request.
    pub(super) fn request(frame: &[u8]) -> Option<Heard> {
        let ethernet = ethernet::Header::parse(frame).ok()?;
        let control = fragment_control::Header::parse(&frame[ethernet::HEADER_LENGTH..]).ok()?;
        if control.kind != Control::Data {
            return None;
        }
        let flip = flip::Header::parse(&frame[ethernet::HEADER_LENGTH + fragment_control::LENGTH..]).ok()?;
        if flip.kind != flip::Kind::Unidata || flip.offset > 0 {
            return None;
        }
        let data = frame[DATA..DATA + flip.length as usize].to_vec();
        let header = Header::parse(&data).ok()?;
        (header.kind == Kind::Request).then_some(Heard {
            server: ethernet.destination,
            client: ethernet.source,
            flip,
            header,
            data,
        })
    }
}

/// In whose name a packet is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Server,
    Client,
    /// A process that is nowhere, to the client.
    Nobody,
}

/// Where a FORWARD leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Server,
    Client,
    Nobody,
    Null,
}

/// A packet of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) kind: Kind,
    pub(super) flags: Flags,
    /// It is about one of the client's so many numbers later.
    pub(super) later: u32,
    /// Only the beginning of the message comes.
    pub(super) is_cut: bool,
    pub(super) goal: Goal,
}

/// What the intruder says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Transaction(Words),
    /// FLIP says something of the request, or looks for the address, or finds it.
    Packet(flip::Kind),
    /// About credits, or groups.
    Control(Control, u8),
}

/// A packet that is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forgery {
    pub(super) what: What,
    pub(super) name: Name,
    /// It comes from the intruder's station, so that what is sent to whom it names goes there.
    pub(super) leads_astray: bool,
}

impl Forgery {
    pub(super) fn of(kind: Kind, flags: Flags, name: Name) -> Forgery {
        let words = Words {
            kind,
            flags,
            later: 0,
            is_cut: false,
            goal: Goal::Nobody,
        };
        Forgery {
            what: What::Transaction(words),
            name,
            leads_astray: false,
        }
    }

    pub(super) fn packet(kind: flip::Kind) -> Forgery {
        Forgery {
            what: What::Packet(kind),
            name: Name::Server,
            leads_astray: false,
        }
    }

    /// The same with other words.
    fn with(self, change: impl FnOnce(&mut Words)) -> Forgery {
        let mut forgery = self;
        if let What::Transaction(words) = &mut forgery.what {
            change(words);
        }
        forgery
    }

    pub(super) fn cut(self) -> Forgery {
        self.with(|words| words.is_cut = true)
    }

    pub(super) fn later(self, numbers: u32) -> Forgery {
        self.with(|words| words.later = numbers)
    }

    pub(super) fn to(self, goal: Goal) -> Forgery {
        self.with(|words| words.goal = goal)
    }

    pub(super) fn astray(self) -> Forgery {
        Forgery {
            leads_astray: true,
            ..self
        }
    }

    fn words(&self) -> Option<Words> {
        match self.what {
            What::Transaction(words) => Some(words),
            What::Packet(_) | What::Control(..) => None,
        }
    }

    /// Whether a client that believes it may ask another server, though the first one executes the request.
    pub(super) fn may_repeat(&self) -> bool {
        self.words().is_some_and(|words| {
            words.kind == Kind::Forward || words.kind == Kind::Fail && words.flags.contains(Flags::REQUEST)
        })
    }

    /// Whether a client takes it for the reply, or the server for the request.
    pub(super) fn is_believed(&self) -> bool {
        self.words().is_some_and(|words| {
            let is_request = words.kind == Kind::Request && self.name == Name::Client;
            (is_request || words.kind == Kind::Reply) && !words.is_cut
        })
    }

    /// The frame, and for which kernel it is.
    pub(super) fn frame(&self, heard: &Heard) -> (usize, Vec<u8>) {
        let is_to_server = self.name == Name::Client;
        let (to, station, own) = if is_to_server {
            (SERVER, heard.server, heard.client)
        } else {
            (CLIENT, heard.client, heard.server)
        };
        let own = if self.leads_astray || self.name == Name::Nobody {
            STATION
        } else {
            own
        };
        let mut control = fragment_control::Header {
            kind: Control::Data,
            count: 0,
        };
        let body = match self.what {
            What::Transaction(words) => self.transaction(words, heard),
            What::Packet(kind) => packet(heard, kind, is_to_server),
            What::Control(kind, count) => {
                control = fragment_control::Header { kind, count };
                vec![0x5a; 46]
            }
        };
        let is_broadcast = self.what == What::Packet(flip::Kind::Locate);
        let header = ethernet::Header {
            destination: if is_broadcast {
                ethernet::Address::BROADCAST
            } else {
                station
            },
            source: own,
            ethertype: ETHERTYPE_FLIP,
        };
        (to, [&header.emit()[..], &control.emit(), &body].concat())
    }

    fn transaction(&self, words: Words, heard: &Heard) -> Vec<u8> {
        let (destination, source) = match self.name {
            Name::Server => (heard.flip.source, heard.flip.destination),
            Name::Client => (heard.flip.destination, heard.flip.source),
            Name::Nobody => (heard.flip.source, NOBODY),
        };
        let header = Header {
            kind: words.kind,
            flags: words.flags,
            transaction: heard.header.transaction.wrapping_add(words.later),
            destination: if self.name == Name::Client {
                SERVING
            } else {
                heard.header.source
            },
            source: 0,
            ..heard.header
        };
        let mut data = header.emit().to_vec();
        match words.kind {
            Kind::Request | Kind::Reply => data.extend([0; message::LENGTH]),
            Kind::Forward => data.extend(
                match words.goal {
                    Goal::Server => heard.flip.destination,
                    Goal::Client => heard.flip.source,
                    Goal::Nobody => NOBODY,
                    Goal::Null => Address::NULL,
                }
                .0,
            ),
            _ => {}
        }
        let length = data.len() as u32;
        let flip = flip::Header {
            destination,
            source,
            message: 0x4000_0000,
            length,
            total: if words.is_cut { PRETENDED } else { length },
            ..heard.flip
        };
        [&flip.emit()[..], &data].concat()
    }
}

/// A packet of FLIP: the request itself that comes back, or one about the server's address; `is_to_server`: about the client's.
fn packet(heard: &Heard, kind: flip::Kind, is_to_server: bool) -> Vec<u8> {
    let counts = Counts {
        locations: 1,
        trusted: 1,
    };
    let (data, is_request) = match kind {
        flip::Kind::HereIs => (counts.emit(ByteOrder::Little).to_vec(), false),
        flip::Kind::Locate => (Vec::new(), false),
        _ => (heard.data.clone(), true),
    };
    let goes_forth = matches!(
        kind,
        flip::Kind::Locate | flip::Kind::Unidata | flip::Kind::Multidata
    );
    // What goes back to the client names it as the source, and so does what goes forth to the server.
    let (source, destination) = if goes_forth == is_to_server {
        (heard.flip.source, heard.flip.destination)
    } else {
        (heard.flip.destination, heard.flip.source)
    };
    let length = data.len() as u32;
    let header = flip::Header {
        kind,
        source,
        destination,
        length,
        total: if is_request { heard.flip.total } else { length },
        ..heard.flip
    };
    [&header.emit()[..], &data].concat()
}

/// Anything that an intruder may say, but for numbers that nobody has used.
pub(super) fn plausible() -> impl Strategy<Value = Forgery> {
    let flags = select(vec![
        Flags::empty(),
        Flags::RETRANSMISSION,
        Flags::REQUEST,
        Flags::REPLY,
        Flags::REQUEST | Flags::REPLY,
        Flags::SIGNAL,
    ]);
    let goal = select(vec![Goal::Server, Goal::Client, Goal::Nobody, Goal::Null]);
    let transaction =
        (select(Kind::ALL), flags, any::<bool>(), goal).prop_map(|(kind, flags, is_cut, goal)| {
            What::Transaction(Words {
                kind,
                flags,
                later: 0,
                is_cut,
                goal,
            })
        });
    let control = (select(Control::ALL), select(vec![0, 1, 8, 255]))
        .prop_map(|(kind, count)| What::Control(kind, count));
    let what = prop_oneof![
        6 => transaction,
        3 => select(flip::Kind::ALL).prop_map(What::Packet),
        1 => control,
    ];
    let name = prop_oneof![
        4 => Just(Name::Server),
        2 => Just(Name::Client),
        1 => Just(Name::Nobody),
    ];
    (what, name, any::<bool>()).prop_map(|(what, name, leads_astray)| Forgery {
        what,
        name,
        leads_astray,
    })
}
