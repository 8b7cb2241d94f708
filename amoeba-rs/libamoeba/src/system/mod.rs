//! What a program has on the machine itself: system calls, its beginning, threads, heap and console.
//!
//! A tour: [`calls`] are the system calls; [`start`] is what comes before a program's `main`; [`Kernel`] carries
//! transactions out; [`thread`], [`mutex`] and [`serve`] are for programs of several threads; [`heap`] is where boxes live;
//! [`console`] is where output goes; [`flip`] is FLIP itself; [`image`] is
//! this program as a file; [`identity`] is how a server is known; [`interrupts`] are the terminal's; [`ownership`] is what becomes of
//! processes that this program owns; [`trial`] is for programs that try something out.
//!
//! Why `unsafe` holds here: system calls check what they are given, and a bad argument is an exception of the program;
//! what the kernel writes goes where a reference says that there is room.

pub mod calls;
pub mod console;
pub mod flip;
pub mod heap;
pub mod identity;
pub mod image;
pub mod interrupts;
pub mod mutex;
pub mod ownership;
pub mod serve;
pub mod start;
pub mod thread;
pub mod trial;

use crate::Transactions;
use proto::ByteOrder;
use proto::capability::Port;
use proto::message::{self, Header};
use proto::standard::Status;

/// The kernel under this program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kernel;

/// The error that a call's result stands for.
fn status(result: i32) -> Status {
    i16::try_from(result)
        .ok()
        .and_then(Status::from_code)
        .unwrap_or(Status::RpcFailure)
}

impl Transactions for Kernel {
    fn trans(
        &mut self,
        request: &Header,
        request_data: &[u8],
        reply_data: &mut [u8],
    ) -> Result<(Header, usize), Status> {
        let request = request.emit(ByteOrder::Little);
        let mut reply = [0; message::LENGTH];
        let length = calls::trans(&request, request_data, &mut reply, reply_data);
        let length = usize::try_from(length).map_err(|_| status(length))?;
        let reply = Header::parse(&reply, ByteOrder::Little).map_err(|_| Status::RpcFailure)?;
        Ok((reply, length))
    }

    fn getreq(&mut self, port: Port, data: &mut [u8]) -> Result<(Header, usize), Status> {
        let mut header = Header {
            port,
            ..Header::default()
        }
        .emit(ByteOrder::Little);
        let length = calls::getreq(&mut header, data);
        let length = usize::try_from(length).map_err(|_| status(length))?;
        let header = Header::parse(&header, ByteOrder::Little).map_err(|_| Status::RpcFailure)?;
        Ok((header, length))
    }

    fn putrep(&mut self, reply: &Header, data: &[u8]) {
        calls::putrep(&reply.emit(ByteOrder::Little), data);
    }
}
