//! Programs that end by themselves or by an exception.

use crate::World;
use libamoeba::checkpoint::{Answer, Report};
use libamoeba::classes::process;
use libamoeba::program::{self, Failure, File, Start};
use libamoeba::standard;
use libamoeba::system::Kernel;
use libamoeba::system::trial::equal;
use proto::capability::Capability;
use proto::process::server::Cause;
use proto::signal::Exception;
use proto::standard::Status;

/// Bytes of UD2.
const FAULTY: u32 = 2;

impl World {
    /// Starts a copy of this program on a machine.
    pub(crate) fn start(&self, host: &Capability, words: &[&str]) -> Result<Capability, Failure> {
        let mut arguments = alloc::vec!["copy", "-c"];
        arguments.extend_from_slice(words);
        let start = Start {
            arguments: &arguments,
            environment: &["KIND=copy"],
            capabilities: &[("TTY", self.terminal)],
            owner: self.keeper.capability(),
        };
        program::exec(&mut Kernel, host, File::Here(&self.file), &start)
    }

    /// Starts a copy that is expected to start.
    pub(crate) fn copy(&self, host: &Capability, what: &str) -> Capability {
        self.start(host, &[what]).unwrap_or_else(|failure| {
            equal(Err(failure), Ok(()), what);
            Capability::NULL
        })
    }

    /// Waits for a checkpoint of this cause and detail.
    pub(crate) fn stopped(&self, cause: Cause, detail: i32, what: &str) -> Option<Report> {
        let (found_cause, found, report) = self.keeper.expect().map_or_else(
            || {
                equal(None, Some(cause), what);
                None
            },
            Some,
        )?;
        equal((found_cause, found), (cause, detail), what);
        Some(report)
    }

    /// Waits for the end of a copy with this exit status.
    pub(crate) fn exited(&self, status: i32, what: &str) {
        if let Some(report) = self.stopped(Cause::Normal, status, what) {
            equal(
                report.image.threads.len(),
                0,
                "threads of a process that has ended",
            );
            self.keeper.answer(Answer::Kill);
        }
    }
}

pub(crate) fn run(world: &World, host: &Capability) {
    arguments(world, host);
    exceptions(world, host);
    failures(world, host);
    owners(world, host);
}

fn arguments(world: &World, host: &Capability) {
    let copy = world.start(host, &["say", "two", "words"]);
    equal(copy.is_ok(), true, "exec on another machine");
    let Some(report) = world.stopped(Cause::Normal, 2, "exit status") else {
        return;
    };
    equal(Ok(report.image.head.own), copy, "the process that has ended");
    let owner = world.keeper.capability();
    equal(report.image.head.owner, owner, "its owner");
    // Answering with its descriptor does not bring it back.
    world.keeper.answer(Answer::Resume(report.image));
    gone(&copy.unwrap_or(Capability::NULL), "a process that has ended");
}

/// Waits for a process to be gone.
pub(crate) fn gone(process: &Capability, what: &str) {
    let mut found = Ok(0);
    for _ in 0..10 {
        found = standard::info(&mut Kernel, process, &mut [0; 60]);
        if found.is_err() {
            break;
        }
        libamoeba::system::calls::sleep(100);
    }
    equal(found, Err(Status::BadCapability), what);
}

fn exceptions(world: &World, host: &Capability) {
    let detail = Exception::Instruction.code();
    let copy = world.copy(host, "fault");
    if let Some(report) = world.stopped(Cause::Exception, detail, "an exception") {
        equal(
            report.image.threads.len(),
            1,
            "threads of a process with an exception",
        );
        let mut line = [0; 60];
        let length = standard::info(&mut Kernel, &copy, &mut line).unwrap_or(0);
        equal(&line[..7], b"! Stp: ", "STD_INFO of a process that has stopped");
        equal(length >= 7, true, "STD_INFO of a process that has stopped");
        let mut image = report.image;
        for frame in image.threads.iter_mut().filter_map(|thread| thread.user.as_mut()) {
            frame.eip += FAULTY;
        }
        world.keeper.answer(Answer::Resume(image));
        world.exited(9, "a process whose exception was mended");
    }
    let copy = world.copy(host, "fault");
    if world.stopped(Cause::Exception, detail, "an exception").is_some() {
        world.keeper.answer(Answer::Kill);
        gone(&copy, "a process that was killed");
    }
}

/// What cannot be started leaves nothing behind.
fn failures(world: &World, host: &Capability) {
    let free = || {
        let load = process::load(&mut Kernel, host);
        equal(load.is_ok(), true, "PS_GETLOAD");
        load.map_or(0, |load| load.free)
    };
    let start = Start {
        arguments: &["copy"],
        environment: &[],
        capabilities: &[],
        owner: Capability::NULL,
    };
    let file = &world.file;
    let exec = |file: &[u8], start: &Start<'_>| program::exec(&mut Kernel, host, File::Here(file), start);
    equal(
        exec(&file[..100], &start),
        Err(Failure::Descriptor),
        "exec of half a descriptor",
    );
    equal(
        exec(&file[..file.len() - 1], &start),
        Err(Failure::Short),
        "exec of a part of a file",
    );
    let long = "x".repeat(4000);
    let many = Start {
        arguments: &[&long],
        ..start
    };
    equal(
        exec(file, &many),
        Err(Failure::Stack),
        "exec with too many arguments",
    );
    let mut foreign = file.clone();
    foreign[0] = b'm';
    // From here on this program's own heap does not grow, which may be on the same machine.
    let before = free();
    equal(
        exec(&foreign, &start),
        Err(Failure::Exec(Status::BadArgument)),
        "exec of another architecture",
    );
    // The file's contents are with a server that does not exist.
    let nowhere = Capability {
        port: proto::capability::Port([1, 2, 3, 4, 5, 6]),
        ..world.terminal
    };
    let head = &file[..file.len().min(500)];
    let result = program::exec(&mut Kernel, host, File::At(head, nowhere), &start);
    equal(
        result,
        Err(Failure::Exec(Status::RpcNotFound)),
        "exec of a file that cannot be read",
    );
    // The kernel reads the other segments until it has given up there too.
    libamoeba::system::calls::sleep(500);
    equal(free(), before, "free memory after what was not started");
}

/// Whoever owns a process is told, and nobody else.
fn owners(world: &World, host: &Capability) {
    let copy = world.copy(host, "spin");
    equal(
        process::owner(&mut Kernel, &copy),
        Ok(world.keeper.capability()),
        "PS_GETOWNER",
    );
    equal(
        process::set_owner(&mut Kernel, &copy, &Capability::NULL),
        Ok(()),
        "PS_SETOWNER",
    );
    equal(
        process::owner(&mut Kernel, &copy),
        Ok(Capability::NULL),
        "PS_GETOWNER without an owner",
    );
    equal(
        process::stun(&mut Kernel, &copy, 5),
        Ok(()),
        "PS_STUN without an owner",
    );
    gone(&copy, "a stopped process without an owner");
    equal(world.keeper.wait(300).is_none(), true, "nobody is told");
}
