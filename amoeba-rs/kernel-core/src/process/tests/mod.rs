extern crate std;

mod calls;
mod exec;
mod migration;
mod properties;
mod raw;
mod schedule;
mod signals;
mod stop;

use super::{DEFAULT_SLICE, Event, Processes, ThreadId, UserBuffer};
use crate::machine::testing::TestMachine;
use crate::machine::{Machine, Milliseconds};
use crate::memory::PAGE;
use proto::capability::{Capability, Port, Private};
use proto::process::{Descriptor, Head, I80386, Segment, SegmentKind, Thread};
use proto::process::{emit, length};
use proto::system_call::{Call, GENERAL};
use std::vec;
use std::vec::Vec;

const PAGES: u32 = 100;
const SERVER: Port = Port([0x11; 6]);
const TEXT: u32 = 0x0400_0000;
const DATA: u32 = 0x0410_0000;
const STACK: u32 = 0x0420_0000;
const STACK_TOP: u32 = STACK + 4 * PAGE;
const FREE: u32 = 0x0500_0000;

fn owner() -> Capability {
    Capability {
        port: Port([0x22; 6]),
        private: Private::owner(1, Port([3; 6])),
    }
}

fn segment(address: u32, length: u32, kind: SegmentKind) -> Segment {
    Segment {
        capability: Capability::NULL,
        offset: 0,
        address,
        length,
        kind,
    }
}

fn segments() -> Vec<Segment> {
    vec![
        segment(TEXT, PAGE, SegmentKind::TEXT | SegmentKind::READ_ONLY),
        segment(
            DATA,
            2 * PAGE,
            SegmentKind::DATA | SegmentKind::READ_WRITE | SegmentKind::GROWS_UP,
        ),
        segment(
            STACK,
            4 * PAGE,
            SegmentKind::DATA | SegmentKind::READ_WRITE | SegmentKind::GROWS_DOWN,
        ),
    ]
}

fn descriptor(owner: Capability, segments: &[Segment], threads: &[Thread]) -> Vec<u8> {
    let mut bytes = vec![0; length(segments.len(), threads)];
    let head = Head {
        architecture: I80386,
        own: Capability::NULL,
        owner,
    };
    emit(&head, segments, threads, &mut bytes).unwrap();
    bytes
}

/// A machine with its processes.
struct World {
    machine: TestMachine,
    processes: Processes,
    now: Milliseconds,
}

impl World {
    fn new() -> World {
        World {
            machine: TestMachine::new(PAGES),
            processes: Processes::new(SERVER, DEFAULT_SLICE),
            now: 0,
        }
    }

    fn exec(&mut self, owner: Capability, threads: usize) -> u16 {
        let threads: Vec<Thread> = (0..threads as u32)
            .map(|number| Thread::start(TEXT + number, STACK_TOP - 0x800 * number))
            .collect();
        self.try_exec(&descriptor(owner, &segments(), &threads)).unwrap()
    }

    fn try_exec(&mut self, bytes: &[u8]) -> Result<u16, proto::standard::Status> {
        let descriptor = Descriptor::parse(bytes).unwrap();
        self.processes.exec(&mut self.machine, &descriptor)
    }

    /// The thread that runs traps with this system call.
    fn call(&mut self, id: ThreadId, call: Call, arguments: [u32; 4]) {
        let mut frame = *self.processes.frame(id);
        frame.trap = u32::from(GENERAL);
        frame.esi = call.code();
        [frame.ebx, frame.ecx, frame.edx, frame.edi] = arguments;
        self.processes.set_frame(id, &frame);
        self.processes.trap(&mut self.machine, id, self.now);
    }

    /// A call that ends at once: its result.
    fn result(&mut self, id: ThreadId, call: Call, arguments: [u32; 4]) -> i32 {
        self.call(id, call, arguments);
        self.value(id)
    }

    fn value(&self, id: ThreadId) -> i32 {
        self.processes.frame(id).eax.cast_signed()
    }

    /// The thread that runs traps with an exception.
    fn fault(&mut self, id: ThreadId, vector: u32) {
        let mut frame = *self.processes.frame(id);
        frame.trap = vector;
        self.processes.set_frame(id, &frame);
        self.processes.trap(&mut self.machine, id, self.now);
    }

    /// Has processes that have stopped do what they have to do in the kernel.
    fn run_errands(&mut self) {
        while self.processes.run_errand(&mut self.machine, self.now) {}
    }

    fn next(&mut self) -> Option<(u16, u16)> {
        self.run_errands();
        self.processes.next(self.now).map(|id| (id.process, id.thread))
    }

    fn pass(&mut self, milliseconds: Milliseconds) {
        self.now += milliseconds;
        self.processes.sweep(&mut self.machine, self.now);
    }

    fn events(&mut self) -> Vec<Event> {
        self.run_errands();
        std::iter::from_fn(|| self.processes.poll()).collect()
    }

    fn poke(&mut self, slot: u16, address: u32, data: &[u8]) {
        self.processes
            .write(&mut self.machine, slot, address, data)
            .unwrap();
    }

    fn peek(&self, slot: u16, address: u32, length: u32) -> Vec<u8> {
        let buffer = UserBuffer { address, length };
        self.processes
            .bytes(&self.machine, slot, buffer)
            .unwrap()
            .to_vec()
    }

    fn word(&self, slot: u16, address: u32) -> u32 {
        u32::from_le_bytes(self.peek(slot, address, 4).try_into().unwrap())
    }

    /// What a program of the process sees at an address: whether it may read, whether it may write.
    fn access(&self, slot: u16, address: u32) -> (bool, bool) {
        let directory = self.processes.directory(id(slot, 0));
        let walked = self.machine.walk(directory, address);
        (
            walked.is_some(),
            walked.is_some_and(|(_, is_writable)| is_writable),
        )
    }
}

fn id(process: u16, thread: u16) -> ThreadId {
    ThreadId { process, thread }
}

/// All memory that a process took is free again once it is gone.
fn assert_nothing_left(world: &World) {
    assert_eq!(world.processes.list().count(), 0);
    assert_eq!(world.processes.segments().numbers().count(), 0);
    assert_eq!(world.machine.free_pages(), PAGES);
}
