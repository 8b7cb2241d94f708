//! The header that users see in requests and replies: 32 bytes. It travels raw, so its integers have the
//! order that the packet's flag announces.

use crate::capability::{PRIVATE_LENGTH, Port};
use crate::standard::{Command, Status};
use crate::{ByteOrder, Error, array};

/// Bytes of the header.
pub const LENGTH: usize = 32;
/// The most bytes that a transaction carries beside the header.
pub const LARGEST_BUFFER: usize = 30_000;

/// The header of a request or a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Port of the server.
    pub port: Port,
    /// Reserved.
    pub signature: Port,
    /// The object: the bytes of a [`Private`](crate::capability::Private), or whatever a server puts there.
    pub private: [u8; PRIVATE_LENGTH],
    /// What to do, in a request; how it went, as a signed number, in a reply.
    pub command: u16,
    /// An argument.
    pub offset: i32,
    /// An argument, by convention a number of bytes.
    pub size: u16,
    /// An argument.
    pub extra: u16,
}

impl Header {
    /// The standard command that a request asks for.
    pub fn standard_command(&self) -> Option<Command> {
        Command::from_code(self.command)
    }

    /// The standard status that a reply tells.
    pub fn status(&self) -> Option<Status> {
        Status::from_code(self.command as i16)
    }

    /// Makes this a reply with `status`.
    pub fn set_status(&mut self, status: Status) {
        self.command = status.code() as u16;
    }

    /// Reads the header at the start of `bytes`.
    pub fn parse(bytes: &[u8], order: ByteOrder) -> Result<Header, Error> {
        Ok(Header {
            port: Port(array(bytes, 0)?),
            signature: Port(array(bytes, 6)?),
            private: array(bytes, 12)?,
            command: order.read_u16(array(bytes, 22)?),
            offset: order.read_u32(array(bytes, 24)?).cast_signed(),
            size: order.read_u16(array(bytes, 28)?),
            extra: order.read_u16(array(bytes, 30)?),
        })
    }

    /// The bytes of the header.
    pub fn emit(&self, order: ByteOrder) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[0..6].copy_from_slice(&self.port.0);
        bytes[6..12].copy_from_slice(&self.signature.0);
        bytes[12..22].copy_from_slice(&self.private);
        bytes[22..24].copy_from_slice(&order.u16(self.command));
        bytes[24..28].copy_from_slice(&order.u32(self.offset.cast_unsigned()));
        bytes[28..30].copy_from_slice(&order.u16(self.size));
        bytes[30..32].copy_from_slice(&order.u16(self.extra));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, LENGTH};
    use crate::ByteOrder;
    use crate::standard::Status;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn a_status_is_a_negative_command() {
        let mut header = Header::default();
        header.set_status(Status::BadCapability);
        assert_eq!(header.command, 0xfc18);
        assert_eq!(header.status(), Some(Status::BadCapability));
    }

    #[test]
    fn thirty_one_bytes_are_too_short() {
        assert!(Header::parse(&[0; 31], ByteOrder::Little).is_err());
    }

    proptest! {
        #[test]
        fn a_header_reads_back_in_both_orders(bytes in any::<[u8; LENGTH]>()) {
            for order in [ByteOrder::Little, ByteOrder::Big] {
                prop_assert_eq!(Header::parse(&bytes, order).map(|header| header.emit(order)), Ok(bytes));
            }
        }
    }
}
