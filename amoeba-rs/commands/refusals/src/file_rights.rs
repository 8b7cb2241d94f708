//! Every command of a Bullet server with every set of rights, and capabilities that are made up.

use crate::files::status;
use crate::{Numbers, equal, good};
use alloc::vec::Vec;
use libamoeba::Transactions;
use libamoeba::classes::bullet;
use libamoeba::standard::{self, request};
use libamoeba::system::Kernel;
use proto::bullet::{Command, Commit, right};
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::standard::{Command as Standard, Status};

/// Made-up check fields.
const FORGERIES: u32 = 1000;

/// All rights that mean something.
const RIGHTS: [Rights; 5] = [
    right::CREATE,
    right::READ,
    right::MODIFY,
    right::DESTROY,
    right::ADMIN,
];

pub(crate) fn run(server: &Capability, file: &Capability) {
    for chosen in 0..1_u8 << RIGHTS.len() {
        let held = RIGHTS
            .iter()
            .enumerate()
            .filter(|(place, _)| chosen >> place & 1 == 1)
            .fold(0, |sum, (_, right)| sum | right.0);
        commands(server, file, Rights(held));
    }
    unreadable(file);
    forged(server, file);
}

fn restricted(capability: &Capability, rights: Rights) -> Capability {
    Capability {
        private: capability.private.restrict(rights, capability.private.check),
        ..*capability
    }
}

/// Commands on the server and on a file, with the rights that they need, for who holds these.
fn commands(server: &Capability, file: &Capability, held: Rights) {
    let create = Rights(right::CREATE.0 | right::READ.0);
    let change = Rights(right::MODIFY.0 | right::READ.0);
    let needs = [
        (server, Command::Create.code(), right::CREATE),
        (server, Command::Check.code(), right::ADMIN),
        (server, Command::Compact.code(), right::ADMIN),
        (server, Command::Sync.code(), right::ADMIN),
        (server, Standard::Age.code(), right::ADMIN),
        (server, Standard::Copy.code(), right::CREATE),
        (server, Standard::Status.code(), right::READ),
        (server, Standard::Info.code(), Rights(0)),
        (server, Standard::Touch.code(), Rights(0)),
        (file, Command::Create.code(), create),
        (file, Command::Read.code(), right::READ),
        (file, Command::Size.code(), right::READ),
        (file, Command::Modify.code(), change),
        (file, Command::Insert.code(), change),
        (file, Command::Delete.code(), change),
        (file, Standard::Destroy.code(), right::DESTROY),
        (file, Standard::Info.code(), Rights(0)),
        (file, Standard::Touch.code(), Rights(0)),
    ];
    for (object, command, needed) in needs {
        let may = held.0 & needed.0 == needed.0;
        let target = match (may, Standard::from_code(command)) {
            // What is allowed is done to another file.
            (true, Some(Standard::Destroy)) => {
                let made = bullet::create(&mut Kernel, server, b"goes", Commit::COMMIT);
                let Some(made) = good("a file that goes", made) else {
                    continue;
                };
                made
            }
            (true, Some(Standard::Age)) => continue,
            _ => *object,
        };
        let answer = attempt(&restricted(&target, held), command, file);
        equal((command, held, answer), answer != Err(Status::Denied), may);
    }
}

/// Sends a good request; a file that comes of it is destroyed.
fn attempt(object: &Capability, command: u16, file: &Capability) -> Result<(), Status> {
    let edits = [Command::Create, Command::Modify, Command::Insert, Command::Delete].map(Command::code);
    let makes_one = edits.contains(&command) || command == Standard::Copy.code();
    let data = match Command::from_code(command) {
        Some(Command::Delete) => 1_i32.to_le_bytes().to_vec(),
        Some(_) => b"x".to_vec(),
        None if makes_one => file.emit().to_vec(),
        None => Vec::new(),
    };
    let header = Header {
        size: 1,
        ..request(object, command)
    };
    let (reply, _) = Kernel.trans(&header, &data, &mut [0; 512])?;
    standard::succeed(&reply)?;
    if makes_one {
        let private = Private::parse(&reply.private).map_err(|_| Status::SystemError)?;
        let made = Capability {
            port: reply.port,
            private,
        };
        good("what was made", standard::destroy(&mut Kernel, &made));
    }
    Ok(())
}

/// Whoever may do anything but read learns nothing of the contents.
fn unreadable(file: &Capability) {
    let held = restricted(file, Rights(!right::READ.0));
    let mut there = [0xEE; 512];
    let answer = bullet::read(&mut Kernel, &held, 0, &mut there);
    equal("unreadable", answer, Err(Status::Denied));
    equal("unreadable", there == [0xEE; 512], true);
    // Rights that were taken do not come back.
    let wider = standard::restrict(&mut Kernel, &held, Rights::ALL);
    equal("restricted again", wider, Ok(held));
}

fn forged(server: &Capability, file: &Capability) {
    let weak = restricted(file, Rights(0));
    let mut numbers = Numbers(7);
    for turn in 0..FORGERIES {
        let target = if turn % 2 == 0 { file } else { server };
        let check = match turn {
            // Nearly right: one bit is wrong.
            0..96 => {
                let mut check = target.private.check;
                check.0[turn as usize / 2 % 6] ^= 1 << (turn / 12);
                check
            }
            // The check field of fewer rights.
            96..100 => weak.private.check,
            _ => Port(numbers.next()),
        };
        let [object, rights] = match turn {
            0..100 => [target.private.object(), 0xFF],
            _ => [u32::from(numbers.next()[0]), u32::from(numbers.next()[0])],
        };
        let mut private = Private::owner(object, check);
        private.rights = Rights(rights as u8);
        let made_up = Capability { private, ..*target };
        let command = if turn % 2 == 0 {
            Command::Read.code()
        } else {
            Command::Sync.code()
        };
        let answer = status(&made_up, command, (0, 100), &[]);
        equal(("made up", turn), answer, Status::BadCapability);
    }
}
