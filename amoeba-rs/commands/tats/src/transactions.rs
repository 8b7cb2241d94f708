//! Transactions: within this process, and with another one, here or on another machine.

use crate::{Plan, measure};
use alloc::vec;
use libamoeba::classes::process;
use libamoeba::program::{self, File, Start};
use libamoeba::system::{Kernel, calls, thread};
use libamoeba::{Transactions, println, put_port};
use proto::capability::{Capability, Port};
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::Status;

const STACK: usize = 8192;
/// Bytes of request and reply.
const SIZES: [(usize, usize); 6] = [
    (0, 0),
    (1, 0),
    (0, 1),
    (1, 1),
    (LARGEST_BUFFER, 0),
    (0, LARGEST_BUFFER),
];
/// Transactions of one size; of those with much data as many.
const FEW: u32 = 100;
const LONG: u32 = 10;
/// Milliseconds for which a server that has just been started is looked for.
const PATIENCE: u32 = 5200;

/// Answers requests with as many bytes as the size in their headers says, for ever.
fn answer(port: Port) -> i32 {
    let (mut request, reply) = (vec![0; LARGEST_BUFFER], vec![0; LARGEST_BUFFER]);
    loop {
        match Kernel.getreq(port, &mut request) {
            Ok((header, _)) => {
                let mut answer = Header::default();
                answer.set_status(Status::Ok);
                Kernel.putrep(&answer, &reply[..usize::from(header.size).min(reply.len())]);
            }
            Err(Status::RpcAborted) => {}
            Err(_) => return 1,
        }
    }
}

/// The get-port in six bytes of text.
pub(crate) fn serve(name: &str) -> i32 {
    match parse(name) {
        Some(port) => answer(port),
        None => 1,
    }
}

fn parse(name: &str) -> Option<Port> {
    name.as_bytes().try_into().ok().map(Port)
}

/// A port that no other `tats` has, by the time and the machine's own capability, as six letters.
fn own_port() -> [u8; 6] {
    let (own, _) = calls::info(&mut []);
    let mut name = own.private.check.0;
    for (byte, other) in name.iter_mut().zip(own.port.0) {
        *byte = b'a' + (*byte ^ other) % 26;
    }
    name
}

fn measure_all(which: &str, port: Port, multiplier: u32) -> bool {
    let (request, mut reply) = (vec![0; LARGEST_BUFFER], vec![0; LARGEST_BUFFER]);
    SIZES.into_iter().all(|(asked, answered)| {
        let header = Header {
            port: put_port(port),
            size: answered as u16,
            ..Header::default()
        };
        let count = if asked + answered > 1000 { LONG } else { FEW };
        let name = alloc::format!("{which} trans {asked}/{answered}");
        measure(&name, count.saturating_mul(multiplier), || {
            let result = Kernel.trans(&header, &request[..asked], &mut reply[..answered]);
            result.is_ok_and(|(header, length)| header.status() == Some(Status::Ok) && length == answered)
        })
    })
}

/// Transactions between two threads of this process.
pub(crate) fn within(plan: &Plan) -> bool {
    let port = Port(own_port().map(|byte| byte.to_ascii_uppercase()));
    let made = thread::spawn(STACK, move || _ = answer(port));
    calls::switch();
    made && measure_all("intra-process", port, plan.multiplier)
}

/// Transactions with another process, which this one starts on the machine of `server` and ends.
pub(crate) fn between(plan: &Plan, server: &Capability, file: &[u8]) -> bool {
    let name = own_port();
    let text = core::str::from_utf8(&name).unwrap_or_default();
    let start = Start {
        arguments: &["tats", "-s", text],
        environment: &[],
        capabilities: &[],
        owner: Capability::NULL,
    };
    let started = program::exec(&mut Kernel, server, File::Here(file), &start);
    let Ok(other) = started.inspect_err(|why| println!("tats: {why}")) else {
        return false;
    };
    calls::timeout(PATIENCE);
    let measured = measure_all("inter-process", Port(name), plan.multiplier);
    // Nobody owns it, so it ends.
    process::stun(&mut Kernel, &other, -1).is_ok() & measured
}
