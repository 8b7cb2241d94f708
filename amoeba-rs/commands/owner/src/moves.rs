//! A process that computes is moved while it does: what it is goes to another machine as its descriptor and the contents of its
//! segments, which that machine's kernel reads from the first one.

use crate::child::expected;
use crate::ends::gone;
use crate::{World, equal};
use libamoeba::checkpoint::{Answer, immigrate};
use libamoeba::classes::process;
use libamoeba::system::{Kernel, calls};
use proto::capability::Capability;
use proto::process::server::Cause;
use proto::standard::Status;

/// Milliseconds that a copy computes before it is moved.
const BEFORE: u32 = 400;

pub(crate) fn run(world: &World, from: &Capability, to: &Capability) {
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
