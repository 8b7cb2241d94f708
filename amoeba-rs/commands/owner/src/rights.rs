//! Every command of the process server with capabilities that lack the right for it, that are forged, or that name another kind
//! of object.

use crate::World;
use libamoeba::checkpoint::Answer;
use libamoeba::classes::process;
use libamoeba::standard::{self, request};
use libamoeba::system::Kernel;
use libamoeba::system::trial::equal;
use libamoeba::{Transactions, println};
use proto::capability::{Capability, Private, Rights};
use proto::message::Header;
use proto::process::server::{Cause, Command, Object, file, right};
use proto::standard::Status;

/// What a command needs: on which kind of object, and which right.
#[derive(Clone, Copy, PartialEq, Debug)]
enum On {
    Server,
    Process,
    Segment,
}

const COMMANDS: [(u16, On, Option<Rights>); 16] = [
    (Command::Exec.code(), On::Server, Some(right::EXEC)),
    (Command::GetDefaults.code(), On::Server, None),
    (Command::GetLoad.code(), On::Server, None),
    (Command::SecureGetLoad.code(), On::Server, Some(right::EXEC)),
    (Command::SegmentCreate.code(), On::Server, Some(right::CREATE)),
    (Command::Stun.code(), On::Process, Some(right::KILL)),
    (Command::GetOwner.code(), On::Process, Some(right::KILL)),
    (Command::SetOwner.code(), On::Process, Some(right::KILL)),
    (Command::SetComment.code(), On::Process, Some(right::KILL)),
    (Command::GetComment.code(), On::Process, None),
    (Command::SegmentWrite.code(), On::Segment, Some(right::WRITE)),
    (file::READ, On::Segment, Some(right::READ)),
    (file::SIZE, On::Segment, Some(right::READ)),
    (
        proto::standard::Command::Destroy.code(),
        On::Segment,
        Some(right::DELETE),
    ),
    // From a kernel to owners, and from a process to its owner: no commands of a process server.
    (Command::Checkpoint.code(), On::Server, None),
    (Command::SwapProcess.code(), On::Process, None),
];

/// Commands that the server does not carry out for any object.
const FOREIGN: [u16; 2] = [Command::Checkpoint.code(), Command::SwapProcess.code()];

fn status(capability: &Capability, command: u16) -> Status {
    // A size of 1 makes reads and new segments small.
    let header = Header {
        offset: 1,
        size: 1,
        ..request(capability, command)
    };
    match Kernel.trans(&header, &[], &mut [0; 64]) {
        Ok((reply, _)) => reply.status().unwrap_or(Status::SystemError),
        Err(why) => why,
    }
}

pub(crate) fn run(world: &World, host: &Capability) {
    let copy = world.copy(host, "spin");
    let segment = process::create_segment(&mut Kernel, host, 100).unwrap_or(Capability::NULL);
    let objects = [(On::Server, *host), (On::Process, copy), (On::Segment, segment)];
    for (command, on, need) in COMMANDS {
        for (kind, object) in objects {
            let found = refused(&object, command, kind == on, need);
            if let Some((found, expected)) = found.filter(|(found, expected)| found != expected) {
                println!("command {command} on {kind:?}");
                equal(found, expected, "a command that is refused");
            }
        }
    }
    forged(&objects.map(|(_, object)| object));
    exec_capabilities(host);
    comments(&copy);
    equal(process::stun(&mut Kernel, &copy, 1), Ok(()), "PS_STUN");
    if world.stopped(Cause::Stunned, 1, "a stun").is_some() {
        world.keeper.answer(Answer::Kill);
    }
    equal(standard::destroy(&mut Kernel, &segment), Ok(()), "STD_DESTROY");
}

/// A command without its right, or on an object for which there is no such command: what it gives, and what it should.
fn refused(
    object: &Capability,
    command: u16,
    is_its: bool,
    need: Option<Rights>,
) -> Option<(Status, Status)> {
    if !is_its || FOREIGN.contains(&command) {
        return Some((status(object, command), Status::BadCommand));
    }
    let Rights(need) = need?;
    let mask = Rights(!need);
    let weak = standard::restrict(&mut Kernel, object, mask).ok()?;
    // The same again by the server, which must not give back what is gone.
    let weaker = standard::restrict(&mut Kernel, &weak, Rights::ALL).ok()?;
    let found = status(&weak, command);
    equal(status(&weaker, command), found, "rights do not come back");
    Some((found, Status::Denied))
}

/// What is not the server's is told apart, and a guess of a check field is none.
fn forged(objects: &[Capability]) {
    for object in objects {
        for bit in 0..48 {
            let mut forged = *object;
            forged.private.check.0[bit / 8] ^= 1 << (bit % 8);
            equal(
                status(&forged, Command::GetLoad.code()),
                Status::BadCapability,
                "a forged check field",
            );
        }
        let mut stronger = standard::restrict(&mut Kernel, object, Rights(0)).unwrap_or(*object);
        stronger.private.rights = Rights::ALL;
        equal(
            status(&stronger, Command::GetLoad.code()),
            Status::BadCapability,
            "a restricted capability with all rights written in",
        );
        for number in [
            1,
            0x51_0000,
            Object::Process(31).number(),
            Object::Segment(1023).number(),
        ] {
            let mut bytes = object.private.emit();
            bytes[..3].copy_from_slice(&number.to_le_bytes()[..3]);
            let private = Private::parse(&bytes).unwrap_or(Private::NULL);
            let other = Capability { private, ..*object };
            equal(
                status(&other, Command::GetLoad.code()),
                Status::BadCapability,
                "an object that there is not",
            );
        }
    }
}

/// The capabilities that `PS_SGETLOAD` gives allow exec, with segments for it, and nothing else, and only the last two do.
fn exec_capabilities(host: &Capability) {
    let mut given = alloc::vec::Vec::new();
    for _ in 0..5 {
        let Ok((load, capability)) = process::secure_load(&mut Kernel, host) else {
            equal(false, true, "PS_SGETLOAD");
            return;
        };
        equal(load.free > 0, true, "free memory");
        given.push(capability);
    }
    let exec = |capability: &Capability| process::exec(&mut Kernel, capability, b"nonsense");
    // It changes with every second call: calls 1 and 2, 3 and 4, 5.
    for (place, expected) in [
        (0, Status::BadCapability),
        (1, Status::BadCapability),
        (2, Status::BadArgument),
        (3, Status::BadArgument),
        (4, Status::BadArgument),
    ] {
        equal(exec(&given[place]), Err(expected), "a capability of PS_SGETLOAD");
    }
    let last = given[4];
    equal(
        last.private.rights,
        right::START,
        "rights of a capability of PS_SGETLOAD",
    );
    let defaults = process::defaults(&mut Kernel, host);
    equal(
        defaults.map(|found| (found.first_page, found.end, found.page)),
        Ok((0, 0x8_0000, 4096)),
        "PS_GETDEF",
    );
}

fn comments(copy: &Capability) {
    let kernel = &mut Kernel;
    equal(
        process::set_comment(kernel, copy, "a copy"),
        Ok(()),
        "PS_SETCOMMENT",
    );
    equal(
        process::comment(kernel, copy).as_deref(),
        Ok("a copy"),
        "PS_GETCOMMENT",
    );
    let mut line = [0; 40];
    let length = standard::info(kernel, copy, &mut line);
    equal(
        length.map(|length| &line[..length]),
        Ok(&b"! Run: a copy"[..]),
        "STD_INFO of a process",
    );
    let long = "x".repeat(32);
    equal(
        process::set_comment(kernel, copy, &long),
        Err(Status::BadArgument),
        "PS_SETCOMMENT of 32 characters",
    );
}
