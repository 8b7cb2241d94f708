//! A header and what goes with it: a reply, or a question to the other server.

use alloc::vec;
use alloc::vec::Vec;
use proto::Error;
use proto::capability::{Capability, Private};
use proto::marshal::Writer;
use proto::message::Header;
use proto::soap::{Failure, LARGEST_BUFFER};
use proto::standard::Status;

/// A request or a reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its header.
    pub header: Header,
    /// What goes with it.
    pub data: Vec<u8>,
}

impl Message {
    /// A reply without anything in it.
    pub fn status(status: Result<(), Failure>) -> Message {
        let code = status.map_or_else(Failure::code, |()| Status::Ok.code());
        let header = Header {
            command: code.cast_unsigned(),
            ..Header::default()
        };
        Message {
            header,
            data: Vec::new(),
        }
    }

    /// A good reply with these bytes.
    pub fn data(data: Vec<u8>) -> Message {
        Message {
            data,
            ..Message::status(Ok(()))
        }
    }

    /// A good reply with a capability in its header.
    pub fn capability(capability: &Capability) -> Message {
        let mut message = Message::status(Ok(()));
        message.header.port = capability.port;
        message.header.private = capability.private.emit();
        message
    }

    /// As much of a text as the client has room for, and its whole length in the header.
    pub fn text(text: &str, request: &Header) -> Message {
        let length = text.len().min(usize::from(request.size));
        let mut message = Message::data(text.as_bytes()[..length].to_vec());
        message.header.size = text.len() as u16;
        message
    }

    /// How a reply says that it went.
    pub fn result(&self) -> Result<(), Failure> {
        Failure::check(self.header.command.cast_signed())
    }

    /// The capability that a request names the object with.
    pub fn private(header: &Header) -> Result<Private, Failure> {
        Private::parse(&header.private).map_err(|_| Status::BadCapability.into())
    }
}

/// The bytes that `write` puts into a buffer as large as a reply may be.
///
/// # Errors
/// [`Status::Overflow`] if they do not fit.
pub fn written(write: impl FnOnce(&mut Writer<'_>) -> Result<(), Error>) -> Result<Vec<u8>, Failure> {
    let mut buffer = vec![0; LARGEST_BUFFER];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer).map_err(|_| Status::Overflow)?;
    let length = writer.length();
    buffer.truncate(length);
    Ok(buffer)
}
