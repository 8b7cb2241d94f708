//! Transactions as they are seen on the cable: which station asked which one for what, and when.

use clock::{Instant, Span};
use proto::ethernet::{self, ETHERTYPE_FLIP};
use proto::{flip, fragment_control, message, rpc};
use wire::Frame;

/// Of one byte on a cable of 10 Mbit/s.
const BYTE: Span = Span::from_nanoseconds(800);
/// Preamble and start of frame.
const PREAMBLE_BYTES: u64 = 8;
/// Where the FLIP header stands.
const FLIP: usize = ethernet::HEADER_LENGTH + fragment_control::LENGTH;

/// A frame's last bit.
pub(super) fn end_of(start: Instant, frame: &Frame) -> Instant {
    start + BYTE * (PREAMBLE_BYTES + frame.length())
}

/// A request or a reply, in all its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// First bit of its first frame.
    pub(super) start: Instant,
    /// Last bit of its last frame so far.
    pub(super) end: Instant,
    /// Last byte of the sender's station address.
    pub(super) from: u8,
    /// Last byte of the receiver's.
    pub(super) to: u8,
    /// Whether it is a request or a reply.
    pub(super) is_request: bool,
    /// What the transaction asks for.
    pub(super) command: u16,
    /// Bytes of the whole message: data and headers.
    pub(super) bytes: u32,
    /// Frames that have carried it.
    pub(super) frames: u32,
    /// Names the transaction: the client's kernel and its number there.
    transaction: ([u8; 8], u32),
    /// Names the message: its sender and its number there.
    number: (flip::Address, u32),
}

/// What has been seen on the cable.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    messages: Vec<Message>,
}

impl Traffic {
    /// The messages, in the order of their beginnings.
    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// A frame that began at `start`.
    pub(super) fn frame(&mut self, start: Instant, frame: &Frame) {
        // What is no packet of a transaction is of no interest.
        let _ = self.read(start, frame);
    }

    fn read(&mut self, start: Instant, frame: &Frame) -> Result<(), proto::Error> {
        let bytes = frame.bytes();
        let ethernet = ethernet::Header::parse(bytes)?;
        if ethernet.ethertype != ETHERTYPE_FLIP || ethernet.destination.is_group() {
            return Ok(());
        }
        let control = fragment_control::Header::parse(&bytes[ethernet::HEADER_LENGTH..])?;
        if control.kind != fragment_control::Kind::Data {
            return Ok(());
        }
        let packet = flip::Header::parse(&bytes[FLIP..])?;
        if packet.kind != flip::Kind::Unidata || packet.destination.is_null() {
            return Ok(());
        }
        let end = end_of(start, frame);
        let number = (packet.source, packet.message);
        if packet.offset > 0 {
            let message = self
                .messages
                .iter_mut()
                .rev()
                .find(|message| message.number == number);
            if let Some(message) = message {
                message.end = end;
                message.frames += 1;
            }
            return Ok(());
        }
        let data = &bytes[FLIP + flip::LENGTH..];
        let header = rpc::Header::parse(data)?;
        let is_request = match header.kind {
            rpc::Kind::Request => true,
            rpc::Kind::Reply => false,
            _ => return Ok(()),
        };
        let transaction = (header.kernel, header.transaction);
        let command = if is_request {
            let data = data.get(rpc::LENGTH..).unwrap_or_default();
            message::Header::parse(data, packet.flags.byte_order())?.command
        } else {
            let request = self
                .messages
                .iter()
                .rev()
                .find(|message| message.is_request && message.transaction == transaction);
            let Some(request) = request else { return Ok(()) };
            request.command
        };
        self.messages.push(Message {
            start,
            end,
            from: ethernet.source.0[5],
            to: ethernet.destination.0[5],
            is_request,
            command,
            bytes: packet.total,
            frames: 1,
            transaction,
            number,
        });
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proto::ByteOrder;
    use proto::capability::Port;
    use wire::CheckSequence;

    /// A packet of a message from one station to another: `offset` bytes of `total` were in those before.
    pub(in crate::command::bench) fn packet(
        [from, to]: [u8; 2],
        kind: rpc::Kind,
        command: u16,
        [number, offset, total]: [u32; 3],
    ) -> Frame {
        let station = |number| ethernet::Address([2, 0x60, 0x8c, 0, 0, number]);
        let ethernet = ethernet::Header {
            destination: station(to),
            source: station(from),
            ethertype: ETHERTYPE_FLIP,
        };
        let control = fragment_control::Header {
            kind: fragment_control::Kind::Data,
            count: 0,
        };
        let packet = flip::Header {
            kind: flip::Kind::Unidata,
            flags: flip::Flags::empty(),
            reserved: 0,
            actual_hops: 0,
            maximum_hops: 10,
            destination: flip::Address([to; 8]),
            source: flip::Address([from; 8]),
            message: number,
            length: total - offset,
            offset,
            total,
        };
        let header = rpc::Header {
            kernel: [7; 8],
            port: Port([1; 6]),
            kind,
            flags: rpc::Flags::empty(),
            transaction: number / 10,
            destination: 0,
            source: 0,
        };
        let message = message::Header {
            command,
            ..message::Header::default()
        };
        let mut bytes = ethernet.emit().to_vec();
        bytes.extend_from_slice(&control.emit());
        bytes.extend_from_slice(&packet.emit());
        bytes.extend_from_slice(&header.emit());
        bytes.extend_from_slice(&message.emit(ByteOrder::Little));
        Frame::new(&bytes, CheckSequence::Right)
    }

    fn at(microseconds: u64) -> Instant {
        Instant::START + Span::from_microseconds(microseconds)
    }

    #[test]
    fn a_reply_has_the_command_of_its_request_and_ends_with_its_last_fragment() {
        let mut traffic = Traffic::default();
        let request = packet([4, 2], rpc::Kind::Request, 2320, [30, 0, 56]);
        traffic.frame(at(100), &request);
        traffic.frame(at(300), &packet([2, 4], rpc::Kind::Reply, 0, [31, 0, 2000]));
        let rest = packet([2, 4], rpc::Kind::Reply, 0, [31, 1458, 2000]);
        traffic.frame(at(900), &rest);
        // An acknowledgement is no message.
        traffic.frame(at(1000), &packet([4, 2], rpc::Kind::Acknowledge, 0, [32, 0, 24]));
        let [asked, answered] = traffic.messages() else {
            panic!("{traffic:?}");
        };
        assert!(asked.is_request && !answered.is_request);
        assert_eq!((asked.from, asked.to, asked.command), (4, 2, 2320));
        assert_eq!((answered.from, answered.to, answered.command), (2, 4, 2320));
        assert_eq!(answered.frames, 2);
        assert_eq!(answered.bytes, 2000);
        assert_eq!(answered.end, end_of(at(900), &rest));
    }

    #[test]
    fn a_frame_lasts_as_long_as_its_bytes_and_the_preamble() {
        let frame = Frame::new(&[0; 60], CheckSequence::Right);
        assert_eq!(
            end_of(at(0), &frame),
            Instant::START + Span::from_nanoseconds(57_600)
        );
    }

    #[test]
    fn what_is_no_packet_of_a_transaction_is_passed_over() {
        let mut traffic = Traffic::default();
        for bytes in [vec![], vec![0xff; 60], vec![2; 60]] {
            traffic.frame(at(0), &Frame::new(&bytes, CheckSequence::Right));
        }
        assert!(traffic.messages().is_empty());
    }
}
