//! Processes that are stunned in all sorts of calls, and go on with registers that the owner has changed.

use crate::World;
use crate::child::{KEY, SERVICE, SLOW};
use crate::ends::gone;
use alloc::boxed::Box;
use libamoeba::checkpoint::{Answer, Report};
use libamoeba::classes::process;
use libamoeba::system::mutex::{Mutex, Semaphore};
use libamoeba::system::trial::equal;
use libamoeba::system::{Kernel, calls, thread};
use libamoeba::{Transactions, put_port};
use proto::capability::Capability;
use proto::message::Header;
use proto::process::server::Cause;
use proto::standard::Status;

const STACK: usize = 8192;
/// Milliseconds that the slow server takes, and that a copy is given to reach its call.
pub(crate) const SERVICE_TIME: u32 = 1500;
pub(crate) const SETTLE: u32 = 300;

pub(crate) fn run(world: &World, host: &Capability) {
    registers(world, host);
    for (what, status) in [("mutex", 10), ("getreq", 12), ("await", 16)] {
        in_a_call(world, host, what, status);
    }
    transactions(world, host);
    serving(world, host);
    threads(world, host);
    twice(world, host);
}

/// The same descriptor with EAX of the thread that waits for its register changed.
pub(crate) fn released(report: Report) -> Answer {
    let mut image = report.image;
    for thread in &mut image.threads {
        // The others are in calls, in which a changed result does no harm to these.
        if let Some(frame) = thread.user.as_mut()
            && frame.trap != 57
            && !(50..=60).contains(&frame.trap)
        {
            frame.eax = KEY;
        }
    }
    Answer::Resume(image)
}

fn stun(world: &World, copy: &Capability, code: i32, what: &str) -> Option<Report> {
    equal(process::stun(&mut Kernel, copy, code), Ok(()), "PS_STUN");
    world.stopped(Cause::Stunned, code, what)
}

fn registers(world: &World, host: &Capability) {
    let copy = world.copy(host, "spin");
    calls::sleep(SETTLE);
    if let Some(report) = stun(world, &copy, 77, "a process that computes is stunned") {
        // As it was, first.
        world.keeper.answer(Answer::Resume(report.image));
    }
    calls::sleep(SETTLE);
    if let Some(report) = stun(world, &copy, 78, "a process is stunned again") {
        world.keeper.answer(released(report));
    }
    world.exited(7, "a process goes on with another register");
    let copy = world.copy(host, "spin");
    calls::sleep(SETTLE);
    if let Some(mut report) = stun(world, &copy, 79, "a process is stunned") {
        report.image.threads.clear();
        world.keeper.answer(Answer::Resume(report.image));
    }
    gone(&copy, "a process whose owner answers another descriptor");
}

/// A call in which a thread waits ends with an error, which it sees when it goes on.
fn in_a_call(world: &World, host: &Capability, what: &str, status: i32) {
    for code in [3, -3] {
        let copy = world.copy(host, what);
        calls::sleep(SETTLE);
        if let Some(report) = stun(world, &copy, code, what) {
            world.keeper.answer(Answer::Resume(report.image));
        }
        world.exited(status, what);
    }
}

/// Serves one request slowly: whether it got a signal meanwhile is the client's business.
pub(crate) fn slow_server() {
    thread::spawn(STACK, || {
        if Kernel.getreq(SLOW, &mut [0; 16]).is_ok() {
            calls::sleep(SERVICE_TIME);
            let mut reply = Header::default();
            reply.set_status(Status::Ok);
            Kernel.putrep(&reply, &[]);
        }
    });
    calls::switch();
}

/// A stun waits for the end of a transaction; an emergency does not.
fn transactions(world: &World, host: &Capability) {
    for (code, status, is_hurried) in [(4, 13, false), (-4, 14, true)] {
        slow_server();
        let copy = world.copy(host, "trans");
        calls::sleep(SETTLE);
        let start = calls::milliseconds();
        if let Some(report) = stun(world, &copy, code, "a process in a transaction") {
            let took = calls::milliseconds().wrapping_sub(start);
            equal(took < SERVICE_TIME / 2, is_hurried, "how long the stun took");
            world.keeper.answer(Answer::Resume(report.image));
        }
        world.exited(status, "a process that was stunned in a transaction");
        // The slow server has to end before the next one begins.
        calls::sleep(SERVICE_TIME + 500);
    }
}

/// A transaction with a copy that serves, in a thread of its own.
pub(crate) struct Call(&'static (Mutex<Option<Outcome>>, Semaphore));

/// Bytes of the reply, and the reply.
type Outcome = (Result<usize, Status>, [u8; 8]);

impl Call {
    pub(crate) fn begin() -> Call {
        let result: &'static _ = Box::leak(Box::new((Mutex::new(None), Semaphore::new(0))));
        thread::spawn(STACK, move || {
            let header = Header {
                port: put_port(SERVICE),
                ..Header::default()
            };
            let mut reply = [0; 8];
            let outcome = Kernel.trans(&header, b"stunned", &mut reply);
            *result.0.lock() = Some((outcome.map(|(_, length)| length), reply));
            result.1.up();
        });
        Call(result)
    }

    /// Waits for the reply.
    pub(crate) fn answered(self, what: &str) {
        self.0.1.down();
        equal(*self.0.0.lock(), Some((Ok(7), *b"dennuts\0")), what);
    }
}

/// A process stays the server of a request for which it was stunned.
fn serving(world: &World, host: &Capability) {
    let copy = world.copy(host, "serve");
    calls::sleep(SETTLE);
    let call = Call::begin();
    calls::sleep(SETTLE);
    if let Some(report) = stun(world, &copy, 5, "a process that serves") {
        world.keeper.answer(released(report));
    }
    call.answered("the reply of a server that was stunned");
    world.exited(17, "a server that was stunned");
}

fn threads(world: &World, host: &Capability) {
    let copy = world.copy(host, "threads");
    calls::sleep(2 * SETTLE);
    if let Some(report) = stun(world, &copy, 6, "a process of five threads") {
        equal(
            report.image.threads.len(),
            5,
            "threads of a process that was stunned",
        );
        world.keeper.answer(released(report));
    }
    world.exited(19, "a process of five threads");
}

fn twice(world: &World, host: &Capability) {
    let copy = world.copy(host, "spin");
    calls::sleep(SETTLE);
    if stun(world, &copy, 8, "a process is stunned").is_some() {
        equal(
            process::stun(&mut Kernel, &copy, 9),
            Err(Status::NotNow),
            "PS_STUN of a stopped process",
        );
        // An emergency is told all the same, and the first answer comes too late.
        equal(
            process::stun(&mut Kernel, &copy, -9),
            Ok(()),
            "an emergency of a stopped process",
        );
        world.keeper.answer(Answer::Kill);
        if world
            .stopped(Cause::Stunned, -9, "a stopped process in an emergency")
            .is_some()
        {
            world.keeper.answer(Answer::Kill);
        }
    }
    gone(&copy, "a process that was killed");
}
