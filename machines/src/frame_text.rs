//! A frame in one line, as a person reads it off the cable: FLIP, RPC and the test frames of the first kernel.
//!
//! Whatever does not parse is named with its reason; the rest of it is not shown.

use proto::{ethernet, exchange, flip, fragment_control, rpc};

/// What `frame` (destination address to end of data) says.
#[must_use]
pub fn describe(frame: &[u8]) -> String {
    let header = match ethernet::Header::parse(frame) {
        Ok(header) => header,
        Err(error) => return format!("{} bytes, no Ethernet header: {error}", frame.len()),
    };
    let body = &frame[ethernet::HEADER_LENGTH..];
    let content = match header.ethertype {
        ethernet::ETHERTYPE_FLIP => flip_link(body),
        ethernet::ETHERTYPE_EXPERIMENT => test_frame(frame),
        other => format!("ethertype {other:04x}"),
    };
    format!(
        "{} > {}  {content}  ({} bytes)",
        header.source,
        header.destination,
        frame.len()
    )
}

fn test_frame(frame: &[u8]) -> String {
    match exchange::Header::parse(frame) {
        Some(Ok((header, payload))) => {
            format!(
                "test {:?} {} with {} bytes",
                header.kind,
                header.sequence,
                payload.len()
            )
        }
        Some(Err(error)) => format!("test frame: {error}"),
        None => "test frame of another kind".to_owned(),
    }
}

fn flip_link(body: &[u8]) -> String {
    match fragment_control::Header::parse(body) {
        Ok(fragment_control::Header {
            kind: fragment_control::Kind::Data,
            count,
        }) => {
            let credits = if count == 0 {
                String::new()
            } else {
                format!(" with {count} credits")
            };
            format!("FLIP {}{credits}", flip_packet(&body[fragment_control::LENGTH..]))
        }
        Ok(header) => format!("FLIP link {:?} {}", header.kind, header.count),
        Err(error) => format!("FLIP link: {error}"),
    }
}

fn flip_packet(packet: &[u8]) -> String {
    let header = match flip::Header::parse(packet) {
        Ok(header) => header,
        Err(error) => return format!("packet: {error}"),
    };
    let place = u64::from(header.offset) + u64::from(header.length);
    let mut text = format!(
        "{:?} message {}, to {place} of {}",
        header.kind, header.message, header.total
    );
    // Only the first fragment of a unicast message carries the transaction's header.
    let is_first_of_message = header.kind == flip::Kind::Unidata && header.offset == 0;
    if is_first_of_message && let Ok(call) = rpc::Header::parse(&packet[flip::LENGTH..]) {
        text.push_str(&format!("; RPC {:?} {}", call.kind, call.transaction));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::capability::Port;

    const LINK: ethernet::Header = ethernet::Header {
        destination: ethernet::Address([2, 0x60, 0x8C, 0, 0, 1]),
        source: ethernet::Address([2, 0x60, 0x8C, 0, 0, 2]),
        ethertype: ethernet::ETHERTYPE_FLIP,
    };

    fn flip_frame(kind: flip::Kind, body: &[u8]) -> Vec<u8> {
        let packet = flip::Header {
            kind,
            flags: flip::Flags::empty(),
            reserved: 0,
            actual_hops: 0,
            maximum_hops: 10,
            destination: flip::Address([1; 8]),
            source: flip::Address([2; 8]),
            message: 7,
            length: body.len() as u32,
            offset: 0,
            total: 30_000,
        };
        let control = fragment_control::Header {
            kind: fragment_control::Kind::Data,
            count: 1,
        };
        [&LINK.emit()[..], &control.emit(), &packet.emit(), body].concat()
    }

    #[test]
    fn the_first_fragment_of_a_message_names_its_transaction() {
        let call = rpc::Header {
            kernel: [9; 8],
            port: Port([3; 6]),
            kind: rpc::Kind::Request,
            flags: rpc::Flags::empty(),
            transaction: 42,
            destination: 0,
            source: 5,
        };
        assert_eq!(
            describe(&flip_frame(flip::Kind::Unidata, &call.emit())),
            "02:60:8c:00:00:02 > 02:60:8c:00:00:01  \
             FLIP Unidata message 7, to 24 of 30000; RPC Request 42 with 1 credits  (80 bytes)"
        );
    }

    #[test]
    fn a_credit_is_a_frame_of_the_link() {
        let control = fragment_control::Header {
            kind: fragment_control::Kind::AbsoluteCredit,
            count: 8,
        };
        let frame = [&LINK.emit()[..], &control.emit()].concat();
        assert!(
            describe(&frame).contains("FLIP link AbsoluteCredit 8"),
            "{}",
            describe(&frame)
        );
    }

    #[test]
    fn what_does_not_parse_is_named_with_its_reason() {
        assert_eq!(describe(&[1, 2, 3]), "3 bytes, no Ethernet header: too short");
        let frame = [&LINK.emit()[..], &[0, 0, 9]].concat();
        assert!(
            describe(&frame).contains("FLIP packet: too short"),
            "{}",
            describe(&frame)
        );
        let other = ethernet::Header {
            ethertype: 0x0800,
            ..LINK
        };
        assert!(describe(&other.emit()).contains("ethertype 0800"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_described(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), is_flip: bool) {
            let mut frame = bytes;
            if is_flip && frame.len() >= 14 {
                frame[12..14].copy_from_slice(&ethernet::ETHERTYPE_FLIP.to_be_bytes());
            }
            proptest::prop_assert!(!describe(&frame).is_empty());
        }
    }
}
