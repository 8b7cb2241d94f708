//! `publish NAME [RIGHTS]`: gives the capabilities that it was given (`PROC`, `SYS` and others) to whoever knows NAME, the name of
//! a port; with only the rights in the hexadecimal mask RIGHTS, if that is there. It is for tests, where machines have no other
//! place to find each other's servers.
//!
//! A request holds the name of a capability. The reply has it in its header.

#![no_std]
#![no_main]

extern crate alloc;

use libamoeba::system::Kernel;
use libamoeba::system::start::Arguments;
use libamoeba::{Transactions, named_port, println};
use proto::capability::{Capability, Private, Rights};
use proto::message::Header;
use proto::standard::Status;

libamoeba::program!(main);

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words().skip(1);
    let port = words.next().and_then(named_port);
    let mask = words.next().map_or(Ok(0xff), |mask| u8::from_str_radix(mask, 16));
    let (Some(port), Ok(mask)) = (port, mask) else {
        println!("usage: publish name [rights]");
        return 1;
    };
    println!("publish: serving");
    let mut name = [0; 16];
    loop {
        let length = match Kernel.getreq(port, &mut name) {
            Ok((_, length)) => length,
            Err(Status::RpcAborted) => continue,
            Err(why) => {
                println!("publish: {why}");
                return 1;
            }
        };
        let name = core::str::from_utf8(&name[..length]).unwrap_or_default();
        let mut reply = Header::default();
        match arguments.capability(name) {
            Some(capability) => {
                let Capability { port, private } = restrict(&capability, Rights(mask));
                (reply.port, reply.private) = (port, private.emit());
                reply.set_status(Status::Ok);
            }
            None => reply.set_status(Status::NotFound),
        }
        Kernel.putrep(&reply, &[]);
    }
}

/// What a program is given has all rights, which anybody who has them can restrict.
fn restrict(capability: &Capability, mask: Rights) -> Capability {
    let Private { check, .. } = capability.private;
    Capability {
        private: if mask == Rights::ALL {
            capability.private
        } else {
            capability.private.restrict(mask, check)
        },
        ..*capability
    }
}
