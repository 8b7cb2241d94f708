extern crate std;

mod directory;
mod exec;
mod migration;
mod system_server;
mod terminals;
mod testing;

use super::directory::{Directory, masks};
use super::process::ProcessServer;
use super::random::Random;
use super::reservation::{Reservable, Reservation};
use super::system::{self, SystemServer};
use super::terminal::Terminals;
use super::time_of_day::{self, TimeOfDay};
use super::{Answer, Console, Reply, Servers, Ticket, World};
use crate::flip::{Change, Conditions};
use crate::machine::Machine;
use crate::machine::testing::TestMachine;
use crate::memory::PAGE;
use crate::process::{Event, Processes, ThreadId};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::one_way::one_way;
use proto::process::server::{Cause, Command, file, right};
use proto::process::{Head, I80386, Segment, SegmentKind, Thread, emit, length};
use proto::standard::{self, Status};
use proto::terminal::WindowSize;
use std::string::String;
use std::vec;
use std::vec::Vec;

const TEXT: u32 = 0x0400_0000;

/// What was printed.
#[derive(Default)]
pub(super) struct Printed(pub(super) Vec<u8>);

impl Console for Printed {
    fn tell(&mut self, line: &str) {
        self.0.extend(line.as_bytes());
        self.0.push(b'\n');
    }

    fn printed(&self) -> (Vec<u8>, usize) {
        (self.0.clone(), self.0.len())
    }
}

/// What the servers did to the kernel round them.
#[derive(Default)]
pub(super) struct Surroundings {
    changes: Vec<(u16, Change)>,
    boots: Vec<Option<(Capability, String)>>,
    notices: Vec<Header>,
}

impl super::Kernel for Surroundings {
    fn report(&self, now: u64, letter: char, text: &mut String) {
        *text += &std::format!("{letter} at {now}\n");
    }

    fn change_network(&mut self, number: u16, change: Change) -> Option<Conditions> {
        self.changes.push((number, change));
        (number == 1).then_some(Conditions {
            delay: 0x1234,
            loss: 5,
            is_on: true,
            is_trusted: false,
        })
    }

    fn notify(&mut self, _now: u64, header: &Header) {
        self.notices.push(*header);
    }

    fn boot(&mut self, _now: u64, image: Option<(Capability, String)>) -> Result<(), Status> {
        self.boots.push(image);
        Ok(())
    }
}

/// A kernel with all servers.
struct Kernel {
    machine: TestMachine,
    processes: Processes,
    servers: Servers<TestMachine>,
    printed: Printed,
    reservation: Reservation,
    surroundings: Surroundings,
    line: testing::TestLine,
    now: u64,
    process: Capability,
    terminal: Capability,
    system: Capability,
    time: Capability,
    random: Capability,
    directory: Capability,
}

impl Kernel {
    fn new() -> Kernel {
        Kernel::with_ports(0)
    }

    /// A kernel whose ports differ from those of others by `base`.
    fn with_ports(base: u8) -> Kernel {
        let port = |number| Port([base + number; 6]);
        let process = ProcessServer::new(port(1), port(2), 900);
        let mut terminals = Terminals::new(port(3));
        let line = testing::TestLine::default();
        let terminal = terminals.add("console", port(4), line.clone(), WindowSize::default());
        let system = SystemServer::new(port(5), port(6), "test 1.0");
        let time = TimeOfDay::new(port(7), port(8), 801_824_400, 500);
        let random = Random::new(port(9), port(10));
        let mut directory = Directory::new(port(11), port(12), 801_824_400);
        directory.add("proc", process.capability(), masks(Rights(0x3f)));
        directory.add("sys", system.capability(), masks(Rights(0x01)));
        directory.add("printbuf", system.capability(), [Rights(0x01); 3]);
        let mut kernel = Kernel {
            machine: TestMachine::new(100),
            processes: Processes::new(one_way(port(1)), 100),
            servers: Servers::default(),
            printed: Printed::default(),
            reservation: Reservation::new(
                [directory.capability(), system.capability(), process.capability()].map(|capability| {
                    Reservable {
                        port: capability.port,
                        object: capability.private.object(),
                    }
                }),
            ),
            surroundings: Surroundings::default(),
            now: 500,
            process: process.capability(),
            terminal,
            line,
            system: system.capability(),
            time: time.capability(),
            random: random.capability(),
            directory: directory.capability(),
        };
        kernel.servers.add(process);
        kernel.servers.add(terminals);
        kernel.servers.add(system);
        kernel.servers.add(time);
        kernel.servers.add(random);
        kernel.servers.add(directory);
        kernel
    }

    /// The servers, and what they are given.
    fn world(&mut self) -> (&mut Servers<TestMachine>, World<'_, TestMachine>) {
        let world = World {
            machine: &mut self.machine,
            processes: &mut self.processes,
            now: self.now,
            console: &mut self.printed,
            kernel: &mut self.surroundings,
            reservation: &mut self.reservation,
        };
        (&mut self.servers, world)
    }

    fn send(&mut self, header: &Header, data: &[u8]) -> Option<Reply> {
        let (servers, mut world) = self.world();
        match servers.answer(&mut world, Ticket(1), header, data)? {
            Answer::Now(mut reply) => {
                if let Some(memory) = reply.memory.take() {
                    reply.data = self.machine.memory(memory.start, memory.length).to_vec();
                }
                Some(reply)
            }
            Answer::Later => panic!("none of these servers puts an answer off"),
        }
    }

    /// A request that succeeds or not: the reply, or its status.
    fn ask(
        &mut self,
        capability: &Capability,
        command: u16,
        fields: Header,
        data: &[u8],
    ) -> Result<Reply, Status> {
        let header = Header {
            port: capability.port,
            private: capability.private.emit(),
            command,
            ..fields
        };
        let reply = self.send(&header, data).expect("a server of this kernel");
        match reply.header.status().expect("a standard status") {
            Status::Ok => Ok(reply),
            status => Err(status),
        }
    }

    fn exec(&mut self, with: &Capability) -> Result<Capability, Status> {
        let descriptor = descriptor();
        self.ask(with, Command::Exec.code(), Header::default(), &descriptor)
            .map(|reply| capability(&reply))
    }
}

fn capability(reply: &Reply) -> Capability {
    Capability {
        port: reply.header.port,
        private: Private::parse(&reply.header.private).unwrap(),
    }
}

fn offset(offset: i32) -> Header {
    Header {
        offset,
        ..Header::default()
    }
}

fn size(size: u16) -> Header {
    Header {
        size,
        ..Header::default()
    }
}

fn weak(strong: &Capability, rights: Rights) -> Capability {
    Capability {
        private: strong.private.restrict(rights, strong.private.check),
        ..*strong
    }
}

fn descriptor() -> Vec<u8> {
    descriptor_of(&[Segment {
        capability: Capability::NULL,
        offset: 0,
        address: TEXT,
        length: PAGE,
        kind: SegmentKind::TEXT | SegmentKind::READ_ONLY,
    }])
}

/// The descriptor of a process with these segments and a thread that begins at [`TEXT`].
fn descriptor_of(segments: &[Segment]) -> Vec<u8> {
    let threads = [Thread::start(TEXT, 0)];
    let head = Head {
        architecture: I80386,
        own: Capability::NULL,
        owner: Capability::NULL,
    };
    let mut bytes = vec![0; length(segments.len(), &threads)];
    emit(&head, segments, &threads, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_port_of_somebody_else_is_not_answered() {
    let header = Header {
        port: Port([77; 6]),
        command: 1004,
        ..Header::default()
    };
    assert_eq!(Kernel::new().send(&header, &[]), None);
}

#[test]
fn every_server_describes_itself_and_restricts_capabilities() {
    let mut kernel = Kernel::new();
    for server in [
        kernel.process,
        kernel.terminal,
        kernel.system,
        kernel.time,
        kernel.random,
        kernel.directory,
    ] {
        let line = kernel
            .ask(&server, standard::Command::Info.code(), size(5), &[])
            .unwrap();
        assert_eq!(line.data.len(), 5, "as much as the client has room for");
        assert!(line.header.size > 5, "the whole length");
        let restricted = kernel
            .ask(&server, standard::Command::Restrict.code(), offset(0x05), &[])
            .unwrap();
        assert_eq!(capability(&restricted), weak(&server, Rights(0x05)));
        assert_eq!(
            kernel.ask(&server, standard::Command::Touch.code(), offset(0), &[]),
            Ok(ok())
        );
        assert_eq!(
            kernel.ask(&server, 19_999, offset(0), &[]).unwrap_err(),
            Status::BadCommand
        );
    }
}

fn ok() -> Reply {
    Reply::default()
}

#[test]
fn a_process_is_started_described_and_stunned() {
    let mut kernel = Kernel::new();
    let server = kernel.process;
    let process = kernel.exec(&server).unwrap();
    assert_eq!(process.private.object(), 0x50_0000);
    kernel
        .ask(&process, Command::SetComment.code(), offset(0), b"a comment\0")
        .unwrap();
    let line = kernel
        .ask(&process, standard::Command::Info.code(), size(100), &[])
        .unwrap();
    assert_eq!(line.data, b"! Run: a comment");
    assert_eq!(
        kernel.ask(&process, Command::Stun.code(), offset(7), &[]),
        Ok(ok())
    );
    let ended = Event::Ended {
        process: 0,
        name: "a comment".into(),
        cause: Cause::Stunned,
        detail: 7,
        place: None,
        is_owned: false,
    };
    assert_eq!(kernel.processes.poll(), Some(ended));
    let gone = kernel.ask(&process, Command::Stun.code(), offset(7), &[]);
    assert_eq!(gone, Err(Status::BadCapability));
}

#[test]
fn what_takes_a_right_is_denied_without_it() {
    let mut kernel = Kernel::new();
    let server = kernel.process;
    let process = kernel.exec(&server).unwrap();
    let all_but = |strong: &Capability, rights: Rights| weak(strong, Rights(!rights.0));
    let processes_commands = [
        Command::Stun,
        Command::GetOwner,
        Command::SetOwner,
        Command::SetComment,
    ];
    for command in processes_commands {
        let result = kernel.ask(
            &all_but(&process, right::KILL),
            command.code(),
            offset(0),
            &[0; 16],
        );
        assert_eq!(result, Err(Status::Denied), "{command:?}");
    }
    assert_eq!(kernel.exec(&all_but(&server, right::EXEC)), Err(Status::Denied));
    let create = kernel.ask(
        &all_but(&server, right::CREATE),
        Command::SegmentCreate.code(),
        offset(10),
        &[],
    );
    assert_eq!(create, Err(Status::Denied));
    let segment = kernel
        .ask(&server, Command::SegmentCreate.code(), offset(10), &[])
        .unwrap();
    let segment = capability(&segment);
    let cases = [
        (right::READ, file::READ),
        (right::READ, file::SIZE),
        (right::WRITE, Command::SegmentWrite.code()),
        (right::DELETE, standard::Command::Destroy.code()),
    ];
    for (needed, command) in cases {
        let result = kernel.ask(&all_but(&segment, needed), command, size(4), &[]);
        assert_eq!(result, Err(Status::Denied), "{command}");
        assert!(
            kernel.ask(&weak(&segment, needed), command, size(4), &[]).is_ok(),
            "{command}"
        );
    }
    let print = kernel.ask(
        &weak(&kernel.system.clone(), Rights(0)),
        system::PRINT_BUFFER,
        offset(0),
        &[],
    );
    assert_eq!(print, Err(Status::Denied));
    let time = kernel.time;
    let set = kernel.ask(&weak(&time, Rights(0xfd)), time_of_day::SET_TIME, offset(0), &[]);
    assert_eq!(set, Err(Status::Denied));
    let terminal = kernel.terminal;
    let write = kernel.ask(
        &weak(&terminal, Rights(0xfd)),
        proto::terminal::Command::Write.code(),
        offset(0),
        b"x",
    );
    assert_eq!(write, Err(Status::Denied));
    assert_eq!(kernel.line.sent(), b"");
}

#[test]
fn a_segment_is_a_file_that_can_be_written_copied_and_destroyed() {
    let mut kernel = Kernel::new();
    let server = kernel.process;
    let first = capability(
        &kernel
            .ask(&server, Command::SegmentCreate.code(), offset(5000), &[])
            .unwrap(),
    );
    kernel
        .ask(&first, Command::SegmentWrite.code(), offset(4996), b"last")
        .unwrap();
    let beyond = kernel.ask(&first, Command::SegmentWrite.code(), offset(4997), b"last");
    assert_eq!(beyond, Err(Status::BadArgument));
    let clone = kernel
        .ask(
            &server,
            Command::SegmentCreate.code(),
            offset(6000),
            &first.emit(),
        )
        .unwrap();
    let clone = capability(&clone);
    assert_eq!(
        kernel.ask(&first, standard::Command::Destroy.code(), offset(0), &[]),
        Ok(ok())
    );
    let read = Header {
        offset: 4994,
        size: 8,
        ..Header::default()
    };
    assert_eq!(
        kernel.ask(&first, file::READ, read, &[]),
        Err(Status::BadCapability)
    );
    assert_eq!(
        kernel.ask(&clone, file::READ, read, &[]).unwrap().data,
        b"\0\0last\0\0"
    );
    assert_eq!(
        kernel
            .ask(&clone, file::SIZE, offset(0), &[])
            .unwrap()
            .header
            .offset,
        6000
    );
    let negative = kernel.ask(&server, Command::SegmentCreate.code(), offset(-1), &[]);
    assert_eq!(negative, Err(Status::BadArgument));
    let huge = kernel.ask(&server, Command::SegmentCreate.code(), offset(i32::MAX), &[]);
    assert_eq!(huge, Err(Status::NoMemory));
}

#[test]
fn the_owner_of_a_process_is_told_and_changed() {
    let mut kernel = Kernel::new();
    let server = kernel.process;
    let process = kernel.exec(&server).unwrap();
    let reply = kernel
        .ask(&process, Command::GetOwner.code(), offset(0), &[])
        .unwrap();
    assert_eq!(capability(&reply), Capability::NULL);
    let terminal = kernel.terminal;
    kernel
        .ask(&process, Command::SetOwner.code(), offset(0), &terminal.emit())
        .unwrap();
    let reply = kernel
        .ask(&process, Command::GetOwner.code(), offset(0), &[])
        .unwrap();
    assert_eq!(capability(&reply), terminal);
    let short = kernel.ask(&process, Command::SetOwner.code(), offset(0), &[0; 15]);
    assert_eq!(short, Err(Status::BadArgument));
}

#[test]
fn the_server_tells_pages_load_and_free_memory() {
    let mut kernel = Kernel::new();
    let server = kernel.process;
    let pages = kernel
        .ask(&server, Command::GetDefaults.code(), offset(0), &[])
        .unwrap()
        .header;
    assert_eq!((pages.extra, pages.offset, pages.size), (0, 0x8_0000, 12));
    let load = kernel
        .ask(&server, Command::GetLoad.code(), offset(0), &[])
        .unwrap()
        .header;
    assert_eq!((load.extra, load.size, load.offset), (900, 0, 100 * 4096));
}

#[test]
fn a_capability_to_start_processes_is_good_for_two_rounds() {
    let mut kernel = Kernel::new();
    let server = kernel.process;
    let ask = |kernel: &mut Kernel| {
        let reply = kernel
            .ask(&server, Command::SecureGetLoad.code(), offset(0), &[])
            .unwrap();
        capability(&reply)
    };
    let first = ask(&mut kernel);
    assert_eq!(ask(&mut kernel), first, "every second call changes it");
    let second = ask(&mut kernel);
    assert_ne!(second, first);
    assert!(kernel.exec(&first).is_ok() && kernel.exec(&second).is_ok());
    ask(&mut kernel);
    ask(&mut kernel);
    assert_eq!(kernel.exec(&first), Err(Status::BadCapability));
    assert!(kernel.exec(&second).is_ok() && kernel.exec(&server).is_ok());
    assert!(
        kernel
            .ask(&second, Command::SegmentCreate.code(), offset(10), &[])
            .is_ok()
    );
    let rights = right::EXEC.0 | right::CREATE.0;
    assert_eq!(second.private.rights.0, rights, "programs consist of segments");
}

#[test]
fn the_system_server_tells_what_was_printed() {
    let mut kernel = Kernel::new();
    let system = kernel.system;
    kernel.printed.0.extend(b"hello\n");
    let printed = kernel.ask(&system, system::PRINT_BUFFER, offset(0), &[]).unwrap();
    assert_eq!((&printed.data[..], printed.header.offset), (&b"hello\n"[..], 6));
}

#[test]
fn every_letter_of_the_list_has_figures() {
    let mut kernel = Kernel::new();
    let (server, system) = (kernel.process, kernel.system);
    kernel.exec(&server).unwrap();
    let mut figures = |letter: char| {
        let fields = Header {
            extra: letter as u16,
            ..Header::default()
        };
        kernel
            .ask(&system, system::STATISTICS, fields, &[])
            .map(|reply| std::string::String::from_utf8(reply.data).unwrap())
    };
    let list = figures('?').unwrap();
    for line in list.lines() {
        assert!(figures(line.chars().next().unwrap()).is_ok(), "{line}");
    }
    assert_eq!(figures('u').unwrap(), "0 seconds up\n");
    assert_eq!(figures('v').unwrap(), "test 1.0\n");
    assert!(figures('m').unwrap().contains("Run    1 threads"));
    assert!(figures('s').unwrap().contains("4096 bytes"));
    assert_eq!(figures('x'), Err(Status::BadArgument));
}

#[test]
fn the_time_goes_on_and_can_be_set() {
    let mut kernel = Kernel::new();
    let time = kernel.time;
    let get = |kernel: &mut Kernel| {
        let header = kernel
            .ask(&time, time_of_day::GET_TIME, offset(0), &[])
            .unwrap()
            .header;
        (header.offset, header.size)
    };
    assert_eq!(get(&mut kernel), (801_824_400, 0));
    kernel.now += 61_250;
    assert_eq!(get(&mut kernel), (801_824_461, 250));
    let new = Header {
        offset: 1_000_000_000,
        size: 999,
        ..Header::default()
    };
    kernel.ask(&time, time_of_day::SET_TIME, new, &[]).unwrap();
    kernel.now += 1;
    assert_eq!(get(&mut kernel), (1_000_000_001, 0));
    for bad in [Header { size: 1000, ..new }, Header { offset: -1, ..new }] {
        assert_eq!(
            kernel.ask(&time, time_of_day::SET_TIME, bad, &[]),
            Err(Status::BadArgument)
        );
    }
}

#[test]
fn random_bytes_come_in_the_length_that_is_asked_for() {
    let mut kernel = Kernel::new();
    let random = kernel.random;
    for length in [0, 1, 6, 7, 1024] {
        let reply = kernel
            .ask(&random, super::random::GET_RANDOM, size(length), &[])
            .unwrap();
        assert_eq!(
            (reply.data.len(), reply.header.size),
            (usize::from(length), length)
        );
    }
    let first = kernel.ask(&random, super::random::READ, size(32), &[]).unwrap();
    assert_ne!(
        first,
        kernel.ask(&random, super::random::READ, size(32), &[]).unwrap()
    );
    let many = kernel.ask(&random, super::random::GET_RANDOM, size(1025), &[]);
    assert_eq!(many, Err(Status::BadArgument));
    // As a file is read, in blocks of any length.
    let block = kernel.ask(&random, super::random::READ, size(8192), &[]).unwrap();
    assert_eq!((block.data.len(), block.header.size), (1024, 1024));
}

proptest! {
    /// Whoever has no capability gets nothing, and no request harms the kernel.
    #[test]
    fn no_request_harms_the_kernel(
        private in any::<[u8; 10]>(), forged: bool, which in 0..6_usize, command in 2290..2320_u16,
        standard: bool, offset: i32, size: u16, extra: u16,
        data in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut kernel = Kernel::new();
        let server = kernel.process;
        let process = kernel.exec(&server).unwrap();
        let servers = [server, kernel.terminal, kernel.system, kernel.time, kernel.random, process];
        let header = Header {
            port: servers[which].port,
            private: if forged { private } else { servers[which].private.emit() },
            command: if standard { command - 1300 } else { command },
            offset,
            size,
            extra,
            ..Header::default()
        };
        let reply = kernel.send(&header, &data).expect("a server of this kernel");
        prop_assert!(reply.header.status().is_some());
        if forged {
            prop_assert_eq!(reply.header.status(), Some(Status::BadCapability));
            prop_assert_eq!(kernel.processes.frame(ThreadId { process: 0, thread: 0 }).eip, TEXT);
        }
    }
}
