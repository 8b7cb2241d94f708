//! Programs that are in memory as executable files: a process descriptor, and what its segments hold.

use crate::machine::Machine;
use crate::process::Processes;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proto::capability::{Capability, Port};
use proto::process::segment::DEFAULT_STACK;
use proto::process::{self, Descriptor, Segment, SegmentKind, stack};
use proto::standard::Status;

/// What a program is given.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// Its name and arguments, with blanks between them.
    pub line: &'a str,
    /// Capabilities by name.
    pub capabilities: &'a [(&'a str, Capability)],
}

/// Starts the program in an executable file: the name that its process has as its comment.
///
/// # Errors
/// [`Status::BadArgument`] for what is no executable file, and what [`Processes::exec`] says.
pub fn start(
    processes: &mut Processes,
    machine: &mut impl Machine,
    file: &[u8],
    environment: &Environment<'_>,
) -> Result<String, Status> {
    let descriptor = Descriptor::parse(file).map_err(|_| Status::BadArgument)?;
    let mut made = Vec::new();
    let result = start_from(processes, machine, file, &descriptor, environment, &mut made);
    // A process has copies, perhaps under the same numbers; if there is none, the segments go all the same.
    for (number, check) in made {
        if processes.segments().check(number) == Some(check) {
            processes.segments_mut().destroy(machine, number);
        }
    }
    result
}

fn start_from(
    processes: &mut Processes,
    machine: &mut impl Machine,
    file: &[u8],
    descriptor: &Descriptor<'_>,
    environment: &Environment<'_>,
    made: &mut Vec<(u16, Port)>,
) -> Result<String, Status> {
    let mut pointer = None;
    let mut segments = Vec::new();
    for mut segment in descriptor.segments() {
        if segment
            .kind
            .intersects(SegmentKind::SYMBOLS | SegmentKind::NEW_SYMBOLS)
        {
            continue;
        }
        let contents = if segment.kind.contains(SegmentKind::SYSTEM) {
            let (contents, top) = build_stack(&mut segment, environment)?;
            pointer = Some(top);
            contents
        } else if segment.offset != 0 && segment.capability == Capability::NULL {
            let start = segment.offset as usize;
            let bytes = file
                .get(start..)
                .and_then(|rest| rest.get(..segment.length as usize));
            bytes.ok_or(Status::BadArgument)?.to_vec()
        } else {
            segments.push(segment);
            continue;
        };
        let number = processes.segments_mut().create(machine, segment.length)?;
        made.push((number, processes.segments().get(number).check()));
        processes.segments().write(machine, number, 0, &contents)?;
        segments.push(Segment {
            capability: processes.segments().capability(number),
            offset: 0,
            kind: (segment.kind - SegmentKind::SYSTEM) | SegmentKind::DESTROY_ORIGINAL,
            ..segment
        });
    }
    let threads: Vec<process::Thread> = descriptor
        .threads()
        .map(|mut thread| {
            if let (Some(idle), Some(pointer)) = (&mut thread.idle, pointer) {
                idle.stack = pointer;
            }
            thread
        })
        .collect();
    let mut bytes = vec![0; process::length(segments.len(), &threads)];
    process::emit(&descriptor.head, &segments, &threads, &mut bytes).map_err(|_| Status::BadArgument)?;
    let complete = Descriptor::parse(&bytes).map_err(|_| Status::SystemError)?;
    let slot = processes.exec(machine, &complete)?;
    let name = environment
        .line
        .split_ascii_whitespace()
        .next()
        .unwrap_or("program");
    processes.set_comment(slot, name);
    Ok(String::from(name))
}

/// The contents of a stack, and the stack pointer.
fn build_stack(segment: &mut Segment, environment: &Environment<'_>) -> Result<(Vec<u8>, u32), Status> {
    if segment.length == 0 {
        segment.length = DEFAULT_STACK;
    }
    let mut contents = vec![0; segment.length as usize];
    let arguments: Vec<&[u8]> = environment
        .line
        .split_ascii_whitespace()
        .map(str::as_bytes)
        .collect();
    let named = environment.capabilities.iter();
    let capabilities: Vec<(&[u8], Capability)> = named
        .map(|(name, capability)| (name.as_bytes(), *capability))
        .collect();
    let top = stack::build(&mut contents, segment.address, &arguments, &[], &capabilities);
    Ok((contents, top.map_err(|_| Status::NoSpace)?))
}

#[cfg(test)]
mod tests {
    use super::{Environment, start};
    use crate::machine::Machine;
    use crate::machine::testing::TestMachine;
    use crate::memory::PAGE;
    use crate::process::{Processes, UserBuffer};
    use proto::capability::{Capability, Port};
    use proto::process::{Head, I80386, Segment, SegmentKind, Thread, emit};
    use proto::standard::Status;
    use std::vec;
    use std::vec::Vec;

    const TEXT: u32 = 0x0400_0000;
    const STACK: u32 = 0x7000_0000;

    fn file() -> Vec<u8> {
        let segment = |address, length, kind| Segment {
            capability: Capability::NULL,
            offset: if length == 0 { 0 } else { 0x1000 },
            address,
            length,
            kind,
        };
        let segments = [
            segment(TEXT, 4, SegmentKind::TEXT | SegmentKind::READ_ONLY),
            segment(
                STACK,
                0,
                SegmentKind::SYSTEM | SegmentKind::DATA | SegmentKind::READ_WRITE,
            ),
        ];
        let head = Head {
            architecture: I80386,
            own: Capability::NULL,
            owner: Capability::NULL,
        };
        let mut bytes = vec![0; 0x1004];
        emit(&head, &segments, &[Thread::start(TEXT, 0)], &mut bytes).unwrap();
        bytes[0x1000..].copy_from_slice(b"code");
        bytes
    }

    #[test]
    fn a_program_is_started_with_its_arguments_on_its_stack() {
        let mut machine = TestMachine::new(50);
        let mut processes = Processes::new(Port([1; 6]), 100);
        let environment = Environment {
            line: "test  -v",
            capabilities: &[],
        };
        let name = start(&mut processes, &mut machine, &file(), &environment).unwrap();
        assert_eq!(name, "test");
        let id = processes.next(0).unwrap();
        let frame = *processes.frame(id);
        assert_eq!(frame.eip, TEXT);
        let peek = |address, length| {
            processes
                .bytes(&machine, id.process, UserBuffer { address, length })
                .unwrap()
                .to_vec()
        };
        let word = |address| u32::from_le_bytes(peek(address, 4).try_into().unwrap());
        assert_eq!(peek(TEXT, 4), b"code");
        assert_eq!(word(frame.esp), 2);
        assert_eq!(peek(word(word(frame.esp + 4) + 4), 3), b"-v\0");
        assert_eq!(processes.comment(id.process), "test");
        let segments = processes.segments();
        assert_eq!(segments.numbers().count(), 2, "no copies are left");
        for number in segments.numbers() {
            assert!(segments.check(number).is_some(), "the process's own can be named");
        }
    }

    #[test]
    fn what_is_no_program_takes_no_memory() {
        let mut cut = file();
        cut.truncate(0x1002);
        let mut other = file();
        other[0] = b'm';
        for bytes in [&b"#!/bin/sh"[..], &cut, &other] {
            let mut machine = TestMachine::new(50);
            let mut processes = Processes::new(Port([1; 6]), 100);
            let environment = Environment {
                line: "",
                capabilities: &[],
            };
            let result = start(&mut processes, &mut machine, bytes, &environment);
            assert_eq!(result, Err(Status::BadArgument));
            assert_eq!((machine.free_pages(), PAGE), (50, 4096));
        }
    }
}
