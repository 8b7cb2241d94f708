//! Guesses at the servers of a kernel. Their ports are known, as to whoever has a capability without rights; all else is a guess.

use crate::{Numbers, breach};
use alloc::vec::Vec;
use libamoeba::standard::{self, request};
use libamoeba::system::{Kernel, calls};
use libamoeba::{Transactions, host_lookup, println};
use proto::capability::{Capability, Port, Private, Rights};
use proto::ethernet::Address;
use proto::message::Header;
use proto::process::server::{Command, Object};
use proto::standard::Status;

/// The kernel's servers by their names in its directory.
const SERVERS: [&str; 4] = ["proc", "sys", "tod", "random"];
/// Guesses of a check field.
const GUESSES: u32 = 40;

fn ask(capability: &Capability, command: u16, data: &[u8]) -> Status {
    let header = Header {
        offset: 1,
        size: 1,
        ..request(capability, command)
    };
    match Kernel.trans(&header, data, &mut [0; 64]) {
        Ok((reply, _)) => reply.status().unwrap_or(Status::SystemError),
        Err(why) => why,
    }
}

/// A capability of a server that allows nothing.
fn weak(station: Address, name: &str) -> Option<Capability> {
    // The other machine may still be starting.
    for _ in 0..5 {
        if let Ok(capability) = host_lookup(&mut Kernel, station, name) {
            return standard::restrict(&mut Kernel, &capability, Rights(0)).ok();
        }
    }
    None
}

pub(crate) fn run(station: &str, numbers: &mut Numbers) {
    let Ok(station) = station.parse() else {
        println!("intruder: no station: {station}");
        return;
    };
    for name in SERVERS {
        let Some(weak) = weak(station, name) else {
            breach("a server cannot be found, so it was not tried");
            continue;
        };
        println!("intruder: guessing at {name} of {station}");
        forge(&weak, numbers);
        if name == "proc" {
            without_rights(&weak);
        }
    }
    ports(numbers);
}

/// Rights written in, check fields guessed, other objects named.
fn forge(weak: &Capability, numbers: &mut Numbers) {
    let object = weak.private.object();
    let objects = [
        object,
        Object::Process(0).number(),
        Object::Segment(0).number(),
        Object::Segment(1).number(),
        numbers.below(1 << 24),
    ];
    for guess in 0..GUESSES {
        let mut check = weak.private.check;
        // First the very check with other rights, then near ones, then any.
        match guess {
            0..8 => {}
            8..20 => check.0[numbers.below(6) as usize] ^= 1 << numbers.below(8),
            _ => check = Port([(); 6].map(|()| numbers.next() as u8)),
        }
        let rights = if guess == 0 {
            0xff
        } else {
            numbers.next() as u8 | 1
        };
        let mut bytes = [0; proto::capability::PRIVATE_LENGTH];
        bytes[..3].copy_from_slice(&objects[guess as usize % objects.len()].to_le_bytes()[..3]);
        bytes[3] = rights;
        bytes[4..].copy_from_slice(&check.0);
        let forged = Capability {
            private: Private::parse(&bytes).unwrap_or(Private::NULL),
            ..*weak
        };
        let command = [1003, 1004, 2300, 2303, 2307, 2500, 2504][guess as usize % 7];
        if ask(&forged, command, &[]) != Status::BadCapability {
            breach("a forged capability");
        }
    }
}

/// What a capability without rights allows: to ask how things are, and nothing else.
fn without_rights(weak: &Capability) {
    let harmless: Vec<u16> = Vec::from([Command::GetDefaults.code(), Command::GetLoad.code()]);
    for command in 2300..2400 {
        let status = ask(weak, command, &[0; 100]);
        let is_refused = matches!(status, Status::Denied | Status::BadCommand);
        if !is_refused && !harmless.contains(&command) {
            println!("intruder: command {command}: {status}");
            breach("a command without its right");
        }
    }
}

/// Ports that nobody listens on, and the null port.
fn ports(numbers: &mut Numbers) {
    let former = calls::timeout(300);
    for guess in 0..3 {
        let port = match guess {
            0 => Port::NULL,
            _ => Port([(); 6].map(|()| numbers.next() as u8)),
        };
        let nobody = Capability {
            port,
            private: Private::NULL,
        };
        if !matches!(
            ask(&nobody, 1004, &[]),
            Status::RpcNotFound | Status::RpcBadPort | Status::RpcFailure
        ) {
            breach("a port that nobody has");
        }
    }
    calls::timeout(former);
}
