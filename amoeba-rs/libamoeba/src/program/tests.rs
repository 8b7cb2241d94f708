extern crate std;

use super::{Failure, File, Image, Start, exec};
use crate::Transactions;
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::process::server::Command;
use proto::process::{Head, I80386, Segment, SegmentKind, Thread, emit, length};
use proto::standard::{self, Status};
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

const TEXT: u32 = 0x0400_0000;
const STACK: u32 = 0x7fff_8000;
const SERVER: Capability = Capability {
    port: Port([7; 6]),
    private: Private::NULL,
};

/// A process server that keeps segments and the descriptor that was executed, and refuses what it is told to.
#[derive(Default)]
struct Machine {
    segments: BTreeMap<u32, Vec<u8>>,
    made: u32,
    executed: Option<Image>,
    refused: Option<(u16, Status)>,
}

fn segment(number: u32) -> Capability {
    Capability {
        port: SERVER.port,
        private: Private::owner(number, Port([9; 6])),
    }
}

impl Machine {
    fn answer(&mut self, request: &Header, data: &[u8]) -> Result<Header, Status> {
        if let Some((command, status)) = self.refused
            && command == request.command
        {
            return Err(status);
        }
        let object = Private::parse(&request.private).unwrap().object();
        let mut reply = Header::default();
        let mut hold = |capability: Capability| {
            reply.port = capability.port;
            reply.private = capability.private.emit();
        };
        match request.command {
            command if command == Command::SegmentCreate.code() => {
                self.made += 1;
                self.segments.insert(self.made, vec![0; request.offset as usize]);
                hold(segment(self.made));
            }
            command if command == Command::SegmentWrite.code() => {
                let bytes = self.segments.get_mut(&object).ok_or(Status::BadCapability)?;
                let place = bytes
                    .get_mut(request.offset as usize..)
                    .and_then(|rest| rest.get_mut(..data.len()));
                place.ok_or(Status::BadArgument)?.copy_from_slice(data);
            }
            command if command == Command::Exec.code() => {
                self.executed = Image::parse(data);
                hold(segment(1000));
            }
            command if command == standard::Command::Destroy.code() => {
                self.segments.remove(&object).ok_or(Status::BadCapability)?;
            }
            _ => return Err(Status::BadCommand),
        }
        Ok(reply)
    }
}

impl Transactions for Machine {
    fn trans(&mut self, request: &Header, data: &[u8], _reply: &mut [u8]) -> Result<(Header, usize), Status> {
        let header = self.answer(request, data).unwrap_or_else(|status| {
            let mut header = Header::default();
            header.set_status(status);
            header
        });
        Ok((header, 0))
    }

    fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        Err(Status::RpcAborted)
    }

    fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
}

/// An executable file of code, zeroed data, symbols and a stack.
fn file() -> Vec<u8> {
    let segment = |offset, address, length, kind| Segment {
        capability: Capability::NULL,
        offset,
        address,
        length,
        kind,
    };
    let data = SegmentKind::DATA | SegmentKind::READ_WRITE;
    let segments = [
        segment(0x400, TEXT, 20_000, SegmentKind::TEXT | SegmentKind::READ_ONLY),
        segment(0, TEXT + 0x8000, 0x100, data),
        segment(0x10, 0, 8, SegmentKind::SYMBOLS),
        segment(0, STACK, 0, data | SegmentKind::SYSTEM | SegmentKind::GROWS_DOWN),
    ];
    let threads = [Thread::start(TEXT + 4, 0)];
    let head = Head {
        architecture: I80386,
        own: Capability::NULL,
        owner: Capability::NULL,
    };
    let mut bytes = vec![0; length(4, &threads)];
    emit(&head, &segments, &threads, &mut bytes).unwrap();
    bytes.resize(0x400, 0);
    bytes.extend((0..20_000_u32).map(|place| (place * 7) as u8));
    bytes
}

const START: Start<'static> = Start {
    arguments: &["test", "-v"],
    environment: &["HOME=/"],
    capabilities: &[("TTY", SERVER)],
    owner: SERVER,
};

#[test]
fn a_file_becomes_segments_of_the_machine_and_a_descriptor() {
    let mut machine = Machine::default();
    let process = exec(&mut machine, &SERVER, File::Here(&file()), &START);
    assert_eq!(process, Ok(segment(1000)));
    let Image {
        head,
        segments,
        threads,
    } = machine.executed.unwrap();
    assert_eq!((head.architecture, head.owner), (I80386, SERVER));
    let [text, data, stack] = segments[..] else {
        panic!("symbols are left out: {segments:?}");
    };
    assert_eq!(
        (text.capability, text.offset, text.length),
        (segment(1), 0, 20_000)
    );
    assert!(
        text.kind
            .contains(SegmentKind::DESTROY_ORIGINAL | SegmentKind::TEXT)
    );
    assert_eq!(machine.segments[&1], file()[0x400..]);
    assert_eq!((data.capability, data.offset), (Capability::NULL, 0));
    assert_eq!((stack.capability, stack.length), (segment(2), 16 << 10));
    assert!(!stack.kind.contains(SegmentKind::SYSTEM));
    let idle = threads[0].idle.unwrap();
    assert_eq!(idle.counter, TEXT + 4);
    let stack = &machine.segments[&2];
    let word = |address: u32| {
        let at = (address - STACK) as usize;
        u32::from_le_bytes(stack[at..at + 4].try_into().unwrap())
    };
    let text = |address: u32, length: usize| &stack[(address - STACK) as usize..][..length];
    assert_eq!(word(idle.stack), 2);
    assert_eq!(text(word(word(idle.stack + 4) + 4), 3), b"-v\0");
    assert_eq!(text(word(word(idle.stack + 8)), 7), b"HOME=/\0");
    let capabilities = word(idle.stack + 12);
    assert_eq!(text(word(capabilities), 4), b"TTY\0");
    assert_eq!(text(word(capabilities + 4), 16), SERVER.emit());
}

#[test]
fn a_file_on_a_server_is_left_to_the_kernel_that_runs_it() {
    let mut machine = Machine::default();
    let place = segment(77);
    let descriptor = &file()[..0x400];
    exec(&mut machine, &SERVER, File::At(descriptor, place), &START).unwrap();
    let text = machine.executed.unwrap().segments[0];
    assert_eq!(
        (text.capability, text.offset, text.length),
        (place, 0x400, 20_000)
    );
    assert!(!text.kind.contains(SegmentKind::DESTROY_ORIGINAL));
    assert_eq!(machine.made, 1, "only the stack is made");
}

/// A file, arguments, a command that the machine refuses, and what comes of it.
type Case<'a> = (&'a [u8], &'a [&'a str], Option<(Command, Status)>, Failure);

#[test]
fn what_fails_leaves_no_segment() {
    let whole = file();
    let long = "x".repeat(5000);
    let cases: [Case<'_>; 6] = [
        (&whole[..60], &[], None, Failure::Descriptor),
        (&whole[..20_000], &[], None, Failure::Short),
        (&whole, &[&long], None, Failure::Stack),
        (
            &whole,
            &[],
            Some((Command::SegmentCreate, Status::NoMemory)),
            Failure::Create(Status::NoMemory),
        ),
        (
            &whole,
            &[],
            Some((Command::SegmentWrite, Status::Denied)),
            Failure::Write(Status::Denied),
        ),
        (
            &whole,
            &[],
            Some((Command::Exec, Status::NoSpace)),
            Failure::Exec(Status::NoSpace),
        ),
    ];
    for (bytes, arguments, refused, failure) in cases {
        let mut machine = Machine {
            refused: refused.map(|(command, status)| (command.code(), status)),
            ..Machine::default()
        };
        let start = Start { arguments, ..START };
        assert_eq!(
            exec(&mut machine, &SERVER, File::Here(bytes), &start),
            Err(failure)
        );
        assert!(machine.segments.is_empty(), "{failure}");
    }
}

#[test]
fn failures_have_the_numbers_of_executable_files() {
    assert_eq!(Failure::Short.code(), -1903);
    assert_eq!(Failure::Stack.code(), -1909);
    assert_eq!(Failure::Create(Status::NoMemory).code(), -1910);
    assert_eq!(Failure::Write(Status::NoMemory).code(), -1911);
    assert_eq!(Failure::Exec(Status::Denied).code(), -1005);
}

#[test]
fn a_descriptor_reads_back_from_its_parts() {
    let bytes = file();
    let image = Image::parse(&bytes).unwrap();
    let emitted = image.emit().unwrap();
    assert_eq!(emitted, bytes[..emitted.len()]);
    assert_eq!(Image::parse(&bytes[..100]), None);
}

mod checkpoints {
    use super::{Machine, SERVER, file, segment};
    use crate::checkpoint::{Answer, Report, immigrate};
    use crate::program::Image;
    use proto::capability::Capability;
    use proto::message::Header;
    use proto::process::server::{Cause, Command};
    use proto::standard::Status;

    fn checkpoint(extra: u16) -> Header {
        Header {
            command: Command::Checkpoint.code(),
            extra,
            offset: -9,
            ..Header::default()
        }
    }

    #[test]
    fn a_checkpoint_tells_cause_detail_and_descriptor() {
        let report = Report::parse(&checkpoint(2), &file()).unwrap();
        assert_eq!((report.cause, report.detail), (Cause::Exception, -9));
        assert_eq!(report.image.segments.len(), 4);
        assert_eq!(Report::parse(&checkpoint(3), &file()), None);
        assert_eq!(Report::parse(&checkpoint(2), &file()[..50]), None);
        assert_eq!(Report::parse(&Header::default(), &file()), None);
    }

    #[test]
    fn only_a_descriptor_has_a_process_go_on() {
        let image = Image::parse(&file()).unwrap();
        let (header, bytes) = Answer::Resume(image.clone()).reply();
        assert_eq!(header.status(), Some(Status::Ok));
        assert_eq!(
            (Image::parse(&bytes), usize::from(header.size)),
            (Some(image), bytes.len())
        );
        let (header, bytes) = Answer::Kill.reply();
        assert_ne!(header.status(), Some(Status::Ok));
        assert!(bytes.is_empty());
    }

    #[test]
    fn a_process_that_moves_has_another_owner_and_the_same_threads() {
        let mut machine = Machine::default();
        let image = Image::parse(&file()).unwrap();
        let moved = immigrate(&mut machine, &SERVER, &image, &segment(3));
        assert_eq!(moved, Ok(segment(1000)));
        let there = machine.executed.unwrap();
        assert_eq!((there.head.own, there.head.owner), (Capability::NULL, segment(3)));
        assert_eq!((there.segments, there.threads), (image.segments, image.threads));
    }
}
