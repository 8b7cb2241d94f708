//! `rpc_server PORT BUFFER-SIZE [SERVICE-TIME]`: answers the requests of `rpc_client`. The port is a name of up to six
//! characters. A request takes up to BUFFER-SIZE bytes; as many bytes go back as the size in its header says. Each is served
//! for SERVICE-TIME milliseconds.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use libamoeba::println;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls};
use libamoeba::{Transactions, named_port};
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::Status;

libamoeba::program!(main);

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let name = words.next().unwrap_or("rpc_server");
    let (port, size) = (words.next(), words.next().map(str::parse::<usize>));
    let time = words.next().map_or(Ok(0), str::parse::<u32>);
    let (Some(port), Some(Ok(size)), Ok(time)) = (port.and_then(named_port), size, time) else {
        println!("usage: {name} port buffer-size [service-time]");
        return 1;
    };
    if size > LARGEST_BUFFER {
        println!("{name}: a transaction carries {LARGEST_BUFFER} bytes at most");
        return 1;
    }
    let (mut request, reply) = (vec![0; size], vec![0; LARGEST_BUFFER]);
    println!("{name}: serving");
    loop {
        match Kernel.getreq(port, &mut request) {
            Ok((header, length)) => {
                if time > 0 {
                    calls::sleep(time);
                }
                // What came is told, so that a client sees whether all of it did.
                let mut answer = Header {
                    offset: length as i32,
                    ..Header::default()
                };
                answer.set_status(Status::Ok);
                let wanted = usize::from(header.size).min(reply.len());
                Kernel.putrep(&answer, &reply[..wanted]);
            }
            Err(Status::RpcAborted) => {}
            Err(why) => {
                println!("{name}: {why}");
                return 1;
            }
        }
    }
}
