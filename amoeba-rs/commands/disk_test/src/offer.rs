//! A disk's capability, from a program on its machine to a program anywhere.

use libamoeba::system::Kernel;
use libamoeba::{Transactions, println, put_port};
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::standard::Status;

/// Gives the capability to everybody who asks; returns only if it cannot.
pub(crate) fn serve(port: Port, disk: &Capability) -> i32 {
    println!("disk_test: offering a disk");
    let reply = Header {
        port: disk.port,
        private: disk.private.emit(),
        ..Header::default()
    };
    loop {
        if let Err(why) = Kernel.getreq(port, &mut []) {
            println!("disk_test: {why}");
            return 1;
        }
        Kernel.putrep(&reply, &[]);
    }
}

/// The capability that somebody offers.
pub(crate) fn ask(port: Port) -> Result<Capability, Status> {
    let request = Header {
        port: put_port(port),
        ..Header::default()
    };
    let (reply, _) = Kernel.trans(&request, &[], &mut [])?;
    Ok(Capability {
        port: reply.port,
        private: Private::parse(&reply.private).map_err(|_| Status::SystemError)?,
    })
}
