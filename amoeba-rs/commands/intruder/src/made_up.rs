//! Messages that are made up or have been overheard, by FLIP. The kernel writes FLIP's own headers; everything behind them is the
//! program's, and so are hop counts, lengths and flags.

use crate::{Numbers, breach};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::system::flip::{Destination, Event, Interface, private_address};
use libamoeba::system::mutex::Mutex;
use libamoeba::system::{calls, thread};
use libamoeba::{named_port, println, put_port};
use proto::flip::Address;
use proto::raw_flip::{UPCALL_ROOM, UPCALL_STACK};
use proto::rpc::{Flags, Header, Kind};

/// Messages that are kept.
const KEPT: usize = 40;
/// Made-up messages.
const ROUNDS: u32 = 400;
/// Milliseconds that are only listened.
const LISTENING: u32 = 2500;

/// What has been heard.
pub(crate) struct Heard {
    interface: Interface,
    endpoint: u32,
    /// Messages: who sent them, and what they hold.
    messages: Mutex<Vec<(Address, Vec<u8>)>>,
}

/// Listens to everything that is broadcast from now on.
pub(crate) fn listen() -> Option<&'static Heard> {
    let interface = Interface::new(1).ok()?;
    let endpoint = interface.register(private_address(*b"intrude")).ok()?;
    interface.register(Address::NULL).ok()?;
    let heard: &'static Heard = Box::leak(Box::new(Heard {
        interface,
        endpoint,
        messages: Mutex::new(Vec::new()),
    }));
    let made = thread::spawn(UPCALL_STACK, move || {
        let mut room = vec![0; UPCALL_ROOM];
        while let Ok((event, block)) = heard.interface.wait(&mut room) {
            let mut messages = heard.messages.lock();
            match event {
                Event::Received(length) if messages.len() < KEPT => {
                    messages.push((block.source, room[..length].to_vec()));
                }
                Event::Exit => return,
                _ => {}
            }
        }
    });
    calls::switch();
    made.then_some(heard)
}

/// A transaction layer's header with any contents, of what was heard where there is some.
fn forge(heard: &[(Address, Vec<u8>)], numbers: &mut Numbers) -> Header {
    let overheard = |numbers: &mut Numbers| {
        let (_, message) = heard.get(numbers.below(heard.len().max(1) as u32) as usize)?;
        Header::parse(message.get(proto::rpc::PROTOCOL_LENGTH..)?).ok()
    };
    let kinds = Kind::ALL;
    let kind = kinds[numbers.below(kinds.len() as u32) as usize];
    let well_known = named_port("perf").map(put_port);
    let base = overheard(numbers);
    let port = match (base, numbers.below(2)) {
        (Some(base), 0) => base.port,
        _ => well_known.unwrap_or_default(),
    };
    Header {
        kernel: base.map_or([numbers.next() as u8; 8], |base| base.kernel),
        port,
        kind,
        flags: Flags::from_bits_retain(numbers.next() as u8 & 0x1e),
        transaction: base
            .map_or(0, |base| base.transaction)
            .wrapping_add(numbers.below(8)),
        destination: numbers.below(4) as u16,
        source: numbers.below(4) as u16,
    }
}

/// A destination: somebody who was heard, everybody, or nobody.
fn destination(heard: &[(Address, Vec<u8>)], numbers: &mut Numbers) -> Destination {
    let known = heard
        .get(numbers.below(heard.len().max(1) as u32) as usize)
        .map(|(source, _)| *source);
    let address = known.unwrap_or(Address([numbers.next() as u8; 8]));
    match numbers.below(4) {
        0 => Destination::All([0, 1, 3, 25, 0xffff, u32::MAX][numbers.below(6) as usize]),
        1 => Destination::Group(address, [0, 1, 2, u32::MAX][numbers.below(4) as usize]),
        _ => Destination::One(address),
    }
}

/// Sends what was made up and what was heard.
pub(crate) fn run(heard: &'static Heard, numbers: &mut Numbers) {
    let start = calls::milliseconds();
    while heard.messages.lock().is_empty() && calls::milliseconds() - start < LISTENING {
        calls::sleep(100);
    }
    let messages = heard.messages.lock().clone();
    println!("intruder: heard {} messages", messages.len());
    for round in 0..ROUNDS {
        let to = destination(&messages, numbers);
        let mut bytes = match (to, messages.get(round as usize % messages.len().max(1))) {
            // As it was heard.
            (_, Some((_, message))) if round.is_multiple_of(5) => message.clone(),
            (Destination::All(_), _) => {
                let mut bytes = numbers.below(3).to_be_bytes().to_vec();
                bytes.extend(forge(&messages, numbers).emit());
                bytes
            }
            _ => forge(&messages, numbers).emit().to_vec(),
        };
        let length = [0, 32, 60, 1400, 1458, 5000, 30_000][numbers.below(7) as usize];
        if !round.is_multiple_of(5) {
            bytes.resize(bytes.len().max(length), numbers.next() as u8);
            bytes.truncate(30_000);
        }
        // Outcomes do not matter: the others must not mind.
        let _ = heard.interface.send(
            heard.endpoint,
            to,
            numbers.next() & 0xf,
            numbers.below(200),
            &bytes,
        );
        if round.is_multiple_of(16) {
            calls::sleep(100);
        }
    }
    other_interfaces(heard);
}

/// Interfaces and endpoints of others, the kernel's first of all.
fn other_interfaces(heard: &Heard) {
    use libamoeba::system::flip::call;
    use proto::raw_flip::{Block, Operation};
    let mut room = [0_u8; 16];
    for interface in (0..210).filter(|interface| *interface != heard.interface.number()) {
        for operation in Operation::ALL.iter().filter(|kind| **kind != Operation::Init) {
            let mut block = Block {
                interface,
                buffer: room.as_mut_ptr().expose_provenance() as u32,
                length: 16,
                ..Block::default()
            };
            if call(&mut block, *operation) >= 0 {
                breach("an interface of somebody else's");
            }
        }
    }
    for space in (0..=255).filter(|space| *space != 1) {
        if heard
            .interface
            .register(Address([2, 2, 2, 2, 2, 2, 2, space]))
            .is_ok()
        {
            breach("an address of the kernels'");
        }
    }
}
