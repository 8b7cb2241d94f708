//! Frames of every kind, made by hand from the formats as they are documented, and a file of them.

/// Bytes of an Ethernet header.
pub(crate) const ETHERNET: usize = 14;

const FIRST: [u8; 6] = [2, 0x60, 0x8C, 0, 0, 1];
const SECOND: [u8; 6] = [2, 0x60, 0x8C, 0, 0, 2];

/// FLIP addresses of a client, a server and a group.
const CLIENT: [u8; 8] = [0xC1, 0x1E, 0x27, 4, 5, 6, 7, 0];
const SERVER: [u8; 8] = [0x5E, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0];
const GROUP: [u8; 8] = [0x66, 1, 2, 3, 4, 5, 6, 0];
const EVERYONE: [u8; 8] = [0; 8];

const PORT: [u8; 6] = *b"AMport";

/// The order of the integers of a packet.
#[derive(Clone, Copy)]
struct Order {
    is_big: bool,
}

const LITTLE: Order = Order { is_big: false };
const BIG: Order = Order { is_big: true };

impl Order {
    fn half(self, value: u16) -> [u8; 2] {
        if self.is_big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn word(self, value: u32) -> [u8; 4] {
        if self.is_big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }
}

/// A frame of the client's machine, or of the server's.
fn frame(is_of_client: bool, body: &[u8]) -> Vec<u8> {
    let (from, to) = if is_of_client {
        (FIRST, SECOND)
    } else {
        (SECOND, FIRST)
    };
    let mut frame = [&to[..], &from, &[0x81, 0x46], body].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// What a FLIP packet says.
struct Packet {
    kind: u8,
    flags: u8,
    hops: [u16; 2],
    to: [u8; 8],
    from: [u8; 8],
    message: u32,
    offset: u32,
    total: u32,
}

/// A packet with all of its message.
fn whole(kind: u8, to: [u8; 8], from: [u8; 8], order: Order, data: &[u8]) -> Vec<u8> {
    let packet = Packet {
        kind,
        flags: 0,
        hops: [3, 25],
        to,
        from,
        message: 7,
        offset: 0,
        total: data.len() as u32,
    };
    emit(&packet, order, data)
}

fn emit(packet: &Packet, order: Order, data: &[u8]) -> Vec<u8> {
    let flags = packet.flags | u8::from(order.is_big);
    let body = [
        &[0, 0, 1, packet.kind, flags, 0][..],
        &order.half(packet.hops[0]),
        &order.half(packet.hops[1]),
        &packet.to,
        &packet.from,
        &order.word(packet.message),
        &order.word(data.len() as u32),
        &order.word(packet.offset),
        &order.word(packet.total),
        data,
    ]
    .concat();
    frame(packet.from == CLIENT, &body)
}

/// The header of a transaction.
fn rpc(kind: u8, flags: u8, transaction: u32, order: Order) -> Vec<u8> {
    [
        &[0xAB; 8][..],
        &PORT,
        &[kind, flags | u8::from(order.is_big)],
        &order.word(transaction),
        &order.half(10),
        &order.half(2),
    ]
    .concat()
}

/// The header that users see: object 5, rights 3Fh.
fn user(code: i16, offset: u32, size: u16, order: Order) -> Vec<u8> {
    [
        &PORT[..],
        b"signed",
        &[5, 0, 0, 0x3F, 1, 2, 3, 4, 5, 6],
        &order.half(code as u16),
        &order.word(offset),
        &order.half(size),
        &order.half(1),
    ]
    .concat()
}

fn request(transaction: u32, flags: u8, command: i16, data: &[u8], order: Order) -> Vec<u8> {
    let header = user(command, 0x0102, data.len() as u16, order);
    let message = [&rpc(3, flags, transaction, order), &header, data].concat();
    whole(3, SERVER, CLIENT, order, &message)
}

fn reply(transaction: u32, status: i16, data: &[u8], order: Order) -> Vec<u8> {
    let header = user(status, 0, data.len() as u16, order);
    let message = [&rpc(4, 0, transaction, order), &header, data].concat();
    whole(3, CLIENT, SERVER, order, &message)
}

fn group(kind: u8, order: Order) -> Vec<u8> {
    [
        &[kind, u8::from(order.is_big), 0, 0][..],
        &order.half(3),
        &order.half(1),
        &order.word(17),
        &order.word(4),
        &order.word(16),
    ]
    .concat()
}

/// Fragment control that carries no packet.
fn control() -> Vec<Vec<u8>> {
    let group = [0x55, 0x55, 2, 3, 4, 5, 0, 0];
    vec![
        frame(true, &[1, 0]),
        frame(false, &[2, 3]),
        frame(false, &[6, 8]),
        frame(true, &[&[3, 0][..], &group, &GROUP].concat()),
        frame(false, &[&[4, 0][..], &GROUP].concat()),
        frame(false, &[&[5, 0][..], &GROUP].concat()),
        frame(true, &[9, 0]),
    ]
}

/// What transactions are made of.
fn transactions() -> Vec<Vec<u8>> {
    let numbered = |number: u32, data: &[u8]| [&number.to_be_bytes(), data].concat();
    let private = [9, 0, 0, 0xFF, 1, 1, 1, 1, 1, 1];
    let capability = [&PORT[..], &private].concat();
    vec![
        whole(4, EVERYONE, CLIENT, LITTLE, &numbered(1, &rpc(1, 0, 99, LITTLE))),
        whole(3, CLIENT, SERVER, LITTLE, &rpc(2, 0, 99, LITTLE)),
        request(12, 0, 1004, b"", LITTLE),
        reply(12, 0, b"-  4 bytes", LITTLE),
        whole(3, SERVER, CLIENT, LITTLE, &rpc(5, 0, 12, LITTLE)),
        request(0x0100_0002, 0, 2303, b"descriptor", BIG),
        whole(3, CLIENT, SERVER, BIG, &rpc(6, 0, 0x0100_0002, BIG)),
        request(0x0100_0002, 0x02, 2303, b"descriptor", BIG),
        reply(0x0100_0002, -1005, b"", BIG),
        whole(3, SERVER, CLIENT, LITTLE, &rpc(7, 0x10, 13, LITTLE)),
        whole(3, CLIENT, SERVER, LITTLE, &rpc(8, 0, 13, LITTLE)),
        whole(3, SERVER, CLIENT, LITTLE, &rpc(9, 0x04, 13, LITTLE)),
        whole(
            3,
            CLIENT,
            SERVER,
            LITTLE,
            &[&rpc(10, 0, 13, LITTLE)[..], &GROUP].concat(),
        ),
        whole(3, CLIENT, SERVER, LITTLE, &rpc(11, 0x0C, 13, LITTLE)),
        request(14, 0, 1005, b"", LITTLE),
        request(15, 0, 1010, &[private, private].concat(), LITTLE),
        request(16, 0, 1008, b"", LITTLE),
        reply(16, 0, b"slice\0int\0in ms\x00100\0", LITTLE),
        request(17, 0, 1009, b"slice\0no end", LITTLE),
        request(18, 0, 1002, &capability, LITTLE),
        request(19, 0, 2157, b"", LITTLE),
    ]
}

/// Packets of FLIP's own, those that come back, and those that are wrong.
fn packets() -> Vec<Vec<u8>> {
    let packet = |kind| Packet {
        kind,
        flags: 0,
        hops: [3, 3],
        to: SERVER,
        from: CLIENT,
        message: 8,
        offset: 0,
        total: 0,
    };
    let back = |kind, flags| {
        let packet = Packet {
            flags,
            total: 24,
            ..packet(kind)
        };
        emit(&packet, LITTLE, &rpc(9, 0x04, 20, LITTLE))
    };
    let mut other_version = emit(&packet(1), LITTLE, b"");
    other_version[ETHERNET + 2] = 2;
    let mut too_long = whole(3, SERVER, CLIENT, LITTLE, &rpc(5, 0, 1, LITTLE));
    too_long[ETHERNET + 2 + 28] = 200;
    vec![
        emit(&packet(1), LITTLE, b""),
        whole(2, CLIENT, SERVER, BIG, &[0, 2, 0, 1]),
        back(5, 0),
        back(6, 0x14),
        back(7, 0),
        emit(&packet(9), LITTLE, b""),
        other_version,
        too_long,
        emit(
            &Packet {
                hops: [9, 3],
                total: 4,
                offset: 3,
                ..packet(3)
            },
            LITTLE,
            b"data",
        ),
        whole(3, SERVER, CLIENT, LITTLE, b"neither the one nor the other"),
    ]
}

/// Messages of groups.
fn groups() -> Vec<Vec<u8>> {
    let located = [&[0, 0, 0, 2][..], &group(0, LITTLE)].concat();
    let sent = [&group(7, BIG)[..], &user(2103, 0, 5, BIG), b"hello"].concat();
    vec![
        whole(4, EVERYONE, CLIENT, LITTLE, &located),
        whole(4, GROUP, SERVER, BIG, &sent),
        whole(3, SERVER, CLIENT, LITTLE, &group(9, LITTLE)),
        whole(4, GROUP, SERVER, LITTLE, &group(18, LITTLE)),
    ]
}

/// A request in three fragments: the last comes before the second, the first twice, and something that overlaps.
fn fragments() -> Vec<Vec<u8>> {
    let data: Vec<u8> = (0..=255).cycle().take(3_000).collect();
    let message = [&rpc(3, 0, 30, LITTLE)[..], &user(2307, 64, 3_000, LITTLE), &data].concat();
    let piece = |from: usize, until: usize| {
        let packet = Packet {
            kind: 3,
            flags: 0,
            hops: [3, 25],
            to: SERVER,
            from: CLIENT,
            message: 40,
            offset: from as u32,
            total: message.len() as u32,
        };
        emit(&packet, LITTLE, &message[from..until])
    };
    vec![
        piece(0, 1458),
        piece(2916, 3056),
        piece(0, 1458),
        piece(1000, 2000),
        piece(1458, 2916),
    ]
}

/// One or more of every kind.
pub(crate) fn every_kind() -> Vec<Vec<u8>> {
    [control(), transactions(), packets(), groups(), fragments()].concat()
}

/// A pcap file of frames, one each millisecond.
pub(crate) fn pcap<'a>(frames: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut file = Vec::new();
    let words = |words: &[u32], file: &mut Vec<u8>| {
        for word in words {
            file.extend_from_slice(&word.to_le_bytes());
        }
    };
    // Microseconds, version 2.4, Ethernet.
    words(&[0xA1B2_C3D4, 0x0004_0002, 0, 0, 0xFFFF, 1], &mut file);
    for (number, frame) in (0..).zip(frames) {
        let length = frame.len() as u32;
        words(
            &[number / 1_000, number % 1_000 * 1_000, length, length],
            &mut file,
        );
        file.extend_from_slice(frame);
    }
    file
}
