//! The loop of a server: it checks the capability of every request and answers the standard commands, so that a
//! server only says what is its own.

use crate::Transactions;
use proto::capability::{Port, Private, Rights};
use proto::message::Header;
use proto::standard::{Command, Status};

/// A request whose capability is good.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its header.
    pub header: &'a Header,
    /// Number of the object.
    pub object: u32,
    /// What the client may do with it.
    pub rights: Rights,
    /// What came with it.
    pub data: &'a [u8],
}

/// A server: objects behind a port.
pub trait Server {
    /// The get-port that the server listens on.
    fn port(&self) -> Port;

    /// The random number that protects an object; `None` if there is no such object.
    fn random(&self, object: u32) -> Option<Port>;

    /// Describes an object in a line, whose first character tells its kind.
    fn info(&self, object: u32) -> &str;

    /// Takes note that an object is still in use.
    fn touch(&mut self, object: u32);

    /// Carries out a command of the server's own: fills `reply` and `data` and says how many bytes of it, or why
    /// not. What it does not know is [`Status::BadCommand`].
    fn command(&mut self, request: Request<'_>, reply: &mut Header, data: &mut [u8])
    -> Result<usize, Status>;
}

/// Serves until waiting for requests is aborted, and says why. The buffers are as large as the largest request
/// and reply shall be.
pub fn serve(
    server: &mut impl Server,
    transactions: &mut impl Transactions,
    request_data: &mut [u8],
    reply_data: &mut [u8],
) -> Status {
    loop {
        match transactions.getreq(server.port(), request_data) {
            Ok((request, length)) => {
                let (reply, reply_length) = answer(server, &request, &request_data[..length], reply_data);
                transactions.putrep(&reply, &reply_data[..reply_length]);
            }
            Err(why) => return why,
        }
    }
}

/// The reply to a request, and how many bytes of `reply_data` belong to it.
pub fn answer(
    server: &mut impl Server,
    header: &Header,
    data: &[u8],
    reply_data: &mut [u8],
) -> (Header, usize) {
    let mut reply = Header::default();
    match dispatch(server, header, data, &mut reply, reply_data) {
        Ok(length) => {
            reply.set_status(Status::Ok);
            (reply, length)
        }
        Err(status) => {
            reply.set_status(status);
            (reply, 0)
        }
    }
}

fn dispatch(
    server: &mut impl Server,
    header: &Header,
    data: &[u8],
    reply: &mut Header,
    reply_data: &mut [u8],
) -> Result<usize, Status> {
    let private = Private::parse(&header.private).map_err(|_| Status::BadCapability)?;
    let object = private.object();
    let random = server.random(object).ok_or(Status::BadCapability)?;
    let rights = private.proven_rights(random).ok_or(Status::BadCapability)?;
    match header.standard_command() {
        Some(Command::Info) => Ok(tell(server.info(object), header, reply, reply_data)),
        Some(Command::Touch) => {
            server.touch(object);
            Ok(0)
        }
        Some(Command::Restrict) => {
            // The mask travels in the low byte of the offset.
            let mask = Rights(header.offset as u8);
            reply.port = header.port;
            reply.private = private.restrict(mask, random).emit();
            Ok(0)
        }
        _ => server.command(
            Request {
                header,
                object,
                rights,
                data,
            },
            reply,
            reply_data,
        ),
    }
}

/// Puts as much of a description into the reply as the client has room for, and its whole length into the header.
fn tell(text: &str, request: &Header, reply: &mut Header, data: &mut [u8]) -> usize {
    let length = text.len().min(usize::from(request.size)).min(data.len());
    data[..length].copy_from_slice(&text.as_bytes()[..length]);
    reply.size = text.len() as u16;
    length
}
