//! Frames of FLIP as whoever taps the cable reads them, and as he makes them up.

use clock::Instant;
use machines::runtime::What;
use proto::flip::{self, Address};
use proto::rpc::{Header, Kind};
use proto::{ByteOrder, fragment_control, message};
use wire::Record;

use crate::Memory;

/// The type of frames of FLIP.
pub const FLIP: u16 = 0x8146;
/// Bytes of an Ethernet header.
pub const ETHERNET: usize = 14;
/// Where a packet's data begins in its frame.
pub const DATA: usize = ETHERNET + fragment_control::LENGTH + flip::LENGTH;

/// A frame of FLIP that was on the cable.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Index of the station that sent it.
    pub station: usize,
    /// When it began.
    pub start: Instant,
    /// The frame, destination first, without check sequence.
    pub bytes: Vec<u8>,
}

/// All frames of FLIP on a lab's cable, in order.
#[must_use]
pub fn heard(memory: &Memory) -> Vec<Heard> {
    let frames = memory
        .happenings
        .iter()
        .filter_map(|happening| match &happening.what {
            What::Wire {
                record:
                    Record::Frame {
                        start,
                        station,
                        frame,
                        ..
                    },
                ..
            } if frame.ethertype() == Some(FLIP) => Some(Heard {
                station: usize::from(station.0),
                start: *start,
                bytes: frame.bytes().to_vec(),
            }),
            _ => None,
        });
    frames.collect()
}

impl Heard {
    /// The headers of the first packet of a message to one address.
    #[must_use]
    pub fn headers(&self) -> Option<(flip::Header, Header)> {
        let packet = self.bytes.get(ETHERNET..)?;
        let control = fragment_control::Header::parse(packet).ok()?;
        let flip = flip::Header::parse(&packet[fragment_control::LENGTH..]).ok()?;
        let is_message = control.kind == fragment_control::Kind::Data
            && flip.kind == flip::Kind::Unidata
            && flip.offset == 0;
        let header = Header::parse(self.bytes.get(DATA..)?).ok()?;
        is_message.then_some((flip, header))
    }

    /// The same if this station has sent it and it is of this kind.
    #[must_use]
    pub fn is(&self, station: usize, kind: Kind) -> Option<(flip::Header, Header)> {
        let headers = self.headers()?;
        (self.station == station && headers.1.kind == kind).then_some(headers)
    }
}

/// One end of a transaction, as others see it.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// Its station on the Ethernet.
    pub station: [u8; 6],
    /// Its process.
    pub address: Address,
    /// Its thread in the process.
    pub thread: u16,
}

/// A frame with a packet of a transaction, which a FORWARD sends to `forward`.
#[must_use]
pub fn packet(from: &Side, to: &Side, header: &Header, forward: Address) -> Vec<u8> {
    let mut data = header.emit().to_vec();
    match header.kind {
        Kind::Request | Kind::Reply => data.extend([0; message::LENGTH]),
        Kind::Forward => data.extend(forward.0),
        _ => {}
    }
    let length = data.len() as u32;
    let flip = flip::Header {
        kind: flip::Kind::Unidata,
        flags: flip::Flags::SECURITY,
        reserved: 0,
        actual_hops: 3,
        maximum_hops: 25,
        destination: to.address,
        source: from.address,
        message: 0x4000_0000,
        length,
        offset: 0,
        total: length,
    };
    let control = fragment_control::Header {
        kind: fragment_control::Kind::Data,
        count: 0,
    };
    let mut frame = [to.station, from.station].concat();
    frame.extend(FLIP.to_be_bytes());
    frame.extend(control.emit());
    frame.extend(flip.emit());
    frame.extend(data);
    frame
}

/// Where FLIP's header begins in a frame, and in it the numbers of messages and their lengths.
const HEADER: usize = ETHERNET + fragment_control::LENGTH;
/// Where a frame has the sender's number of its message.
pub const MESSAGE: u32 = HEADER as u32 + 24;
const TOTAL: usize = HEADER + 36;

/// The beginning of a message whose rest does not come.
#[must_use]
pub fn cut_off(mut frame: Vec<u8>) -> Vec<u8> {
    frame[TOTAL..TOTAL + 4].copy_from_slice(&3000_u32.to_le_bytes());
    frame
}

/// A frame that goes back to where it came from, as FLIP does with packets that it cannot deliver.
#[must_use]
pub fn gone_back(mut frame: Vec<u8>, kind: flip::Kind) -> Vec<u8> {
    let (to, from) = frame[..ETHERNET].split_at_mut(6);
    to.swap_with_slice(&mut from[..6]);
    frame[HEADER + 1] = kind.code();
    frame
}

/// A frame of FLIP from one side to the other: a control frame, or a packet of this kind with a number that nobody has used.
#[must_use]
pub fn flip_frame(
    from: &Side,
    to: &Side,
    control: fragment_control::Header,
    kind: flip::Kind,
    turn: u32,
) -> Vec<u8> {
    let is_locate = kind == flip::Kind::Locate;
    let data = match kind {
        flip::Kind::HereIs => flip::Counts {
            locations: 1,
            trusted: 1,
        }
        .emit(ByteOrder::Little)
        .to_vec(),
        flip::Kind::Locate => Vec::new(),
        _ => vec![0x5A; 24],
    };
    // What goes back has the addresses of what it answers.
    let goes_back = !matches!(
        kind,
        flip::Kind::Locate | flip::Kind::Unidata | flip::Kind::Multidata
    );
    let (source, destination) = if goes_back { (to, from) } else { (from, to) };
    let header = flip::Header {
        kind,
        flags: flip::Flags::SECURITY,
        reserved: 0,
        actual_hops: 3,
        maximum_hops: 25,
        destination: destination.address,
        source: source.address,
        message: 0x5000_0000 + turn,
        length: data.len() as u32,
        offset: 0,
        total: data.len() as u32,
    };
    let station = if is_locate { [0xFF; 6] } else { to.station };
    let mut frame = [station, from.station].concat();
    frame.extend(FLIP.to_be_bytes());
    frame.extend(control.emit());
    frame.extend(header.emit());
    frame.extend(data);
    frame
}
