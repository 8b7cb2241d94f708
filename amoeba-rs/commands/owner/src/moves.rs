//! A process that computes is moved while it does: what it is goes to another machine as its descriptor and the contents of its
//! segments, which that machine's kernel reads from the first one.

use crate::World;
use crate::child::expected;
use crate::ends::gone;
use crate::stuns::{Call, SERVICE_TIME, SETTLE, released, slow_server};
use libamoeba::checkpoint::{Answer, Swap, immigrate};
use libamoeba::classes::process;
use libamoeba::migration;
use libamoeba::system::trial::equal;
use libamoeba::system::{Kernel, calls};
use proto::capability::{Capability, Port};
use proto::process::server::Cause;
use proto::standard::Status;

/// Milliseconds that a copy computes before it is moved.
const BEFORE: u32 = 400;
/// The get-port of the migration server that this program is.
const SERVER: Port = Port(*b"moving");

pub(crate) fn run(world: &World, from: &Capability, to: &Capability) {
    stopped(world, from, to);
    // Nothing can be taken from a machine to itself.
    if from.port != to.port {
        running(world, from, to);
        in_calls(world, from, to);
        serving(world, from, to);
        several_threads(world, from, to);
    }
}

/// Has the kernel of a process move it, and its owner hear of it: what it is there.
fn moved(world: &World, process: &Capability, to: &Capability, what: &str) -> Option<Capability> {
    let new = migration::by_kernel(&mut Kernel, process, to);
    equal(new.map(drop), Ok(()), what);
    let swap = new.ok().map(|new| Swap { old: *process, new });
    equal(world.keeper.expect_swap(), swap, what);
    new.ok()
}

/// What waits in a call is told that the call was aborted; with that it goes on (Steketee, Socko and Kiepuszewski 1996, section 5.1).
fn in_calls(world: &World, from: &Capability, to: &Capability) {
    for (what, status) in [("mutex", 10), ("getreq", 12), ("await", 16), ("trans", 14)] {
        if what == "trans" {
            slow_server();
        }
        let copy = world.copy(from, what);
        calls::sleep(SETTLE);
        let new = migration::by_kernel(&mut Kernel, &copy, to);
        // It may have ended before its owner is told that it was moved.
        world.exited(status, "a process that was migrated in a call");
        let swap = new.ok().map(|new| Swap { old: copy, new });
        equal((world.keeper.expect_swap(), swap.is_some()), (swap, true), what);
    }
    // The slow server has to end before the next one begins.
    calls::sleep(SERVICE_TIME + 500);
}

/// A process stays the server of a request that it had when it was migrated: its client has the reply.
fn serving(world: &World, from: &Capability, to: &Capability) {
    let copy = world.copy(from, "serve");
    calls::sleep(SETTLE);
    let call = Call::begin();
    calls::sleep(SETTLE);
    if let Some(copy) = moved(world, &copy, to, "a process that serves is migrated") {
        release(world, &copy, 104);
    }
    call.answered("the reply of a server that was migrated");
    world.exited(17, "a server that was migrated");
}

fn several_threads(world: &World, from: &Capability, to: &Capability) {
    let copy = world.copy(from, "threads");
    calls::sleep(2 * SETTLE);
    if let Some(copy) = moved(world, &copy, to, "a process of five threads is migrated") {
        release(world, &copy, 105);
    }
    world.exited(19, "a process of five threads that was migrated");
}

/// Stops a process that waits for its register, and has it go on with that.
fn release(world: &World, process: &Capability, code: i32) {
    equal(process::stun(&mut Kernel, process, code), Ok(()), "PS_STUN");
    if let Some(report) = world.stopped(Cause::Stunned, code, "a process that was migrated") {
        world.keeper.answer(released(report));
    }
}

/// The owner is told what a process of its own is after each migration, whoever sees to that.
fn running(world: &World, from: &Capability, to: &Capability) {
    let first = world.copy(from, "compute");
    calls::sleep(BEFORE);
    let second = migration::by_kernel(&mut Kernel, &first, to);
    let Ok(second) = second else {
        equal(second.map(drop), Ok(()), "a migration by the kernel");
        return;
    };
    let swap = |old, new| Some(Swap { old, new });
    equal(
        world.keeper.expect_swap(),
        swap(first, second),
        "PS_SWAPPROC of the kernel",
    );
    gone(&first, "the original of a process that was migrated");
    let third = migration::by_user(&mut Kernel, SERVER, &second, from);
    let Ok(third) = third else {
        equal(third.map(drop), Ok(()), "a migration by a user");
        return;
    };
    equal(
        world.keeper.expect_swap(),
        swap(second, third),
        "PS_SWAPPROC of a migration server",
    );
    equal(
        process::stun(&mut Kernel, &third, 103),
        Ok(()),
        "PS_STUN after migrations",
    );
    if let Some(report) = world.stopped(Cause::Stunned, 103, "a process that was migrated") {
        equal(report.image.head.own, third, "the process that was migrated");
        world.keeper.answer(Answer::Resume(report.image));
    }
    world.exited(expected(), "the result of a process that was migrated");
}

/// A checkpoint is enough to have a process go on elsewhere.
fn stopped(world: &World, from: &Capability, to: &Capability) {
    let copy = world.copy(from, "compute");
    calls::sleep(BEFORE);
    equal(
        process::stun(&mut Kernel, &copy, 100),
        Ok(()),
        "PS_STUN before a move",
    );
    let Some(report) = world.stopped(Cause::Stunned, 100, "a process that is to be moved") else {
        return;
    };
    let owner = world.keeper.capability();
    let mut forged = *to;
    forged.private.check.0[2] ^= 4;
    let refused = immigrate(&mut Kernel, &forged, &report.image, &owner);
    equal(
        refused,
        Err(Status::BadCapability),
        "a move without the right to exec",
    );
    let moved = immigrate(&mut Kernel, to, &report.image, &owner);
    // The copy elsewhere has all of it.
    world.keeper.answer(Answer::Kill);
    let Ok(moved) = moved else {
        equal(moved.map(drop), Ok(()), "PS_EXEC of a process that was stopped");
        return;
    };
    gone(&copy, "the original of a process that was moved");
    for code in [101, -102] {
        equal(
            process::stun(&mut Kernel, &moved, code),
            Ok(()),
            "PS_STUN after a move",
        );
        if let Some(report) = world.stopped(Cause::Stunned, code, "a process that was moved") {
            equal(report.image.head.own, moved, "the process that was moved");
            world.keeper.answer(Answer::Resume(report.image));
        }
    }
    world.exited(expected(), "the result of a process that was moved");
}
