//! Starting a program: from an executable file, which is in memory or on a file server, with arguments and capabilities, on any
//! machine whose process server one may use.

use crate::Transactions;
use crate::classes::process;
use crate::standard;
use alloc::vec;
use alloc::vec::Vec;
use proto::capability::Capability;
use proto::process::segment::DEFAULT_STACK;
use proto::process::{self as format, Descriptor, Head, Segment, SegmentKind, Thread, stack};
use proto::standard::{ExecStatus, Status};

/// Where an executable file is.
#[derive(Clone, Copy, Debug)]
pub enum File<'a> {
    /// All of it is here.
    Here(&'a [u8]),
    /// Its descriptor is here, and the kernel that runs it reads the rest from the file server.
    At(&'a [u8], Capability),
}

/// What a program is given.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// Its name and its arguments.
    pub arguments: &'a [&'a str],
    /// Its environment.
    pub environment: &'a [&'a str],
    /// Its environment of capabilities.
    pub capabilities: &'a [(&'a str, Capability)],
    /// Who is told when it stops; null for nobody.
    pub owner: Capability,
}

/// Why a program was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The file is no executable.
    Descriptor,
    /// The file is shorter than its descriptor says.
    Short,
    /// The descriptor is too long for a process server.
    Size,
    /// Arguments leave too little of the stack.
    Stack,
    /// The machine has made no segment.
    Create(Status),
    /// A segment could not be written.
    Write(Status),
    /// The machine has not started the process.
    Exec(Status),
}

impl Failure {
    /// The error's number: one of those for executable files, or what the process server said.
    pub const fn code(self) -> i16 {
        match self {
            Failure::Descriptor => ExecStatus::DescriptorRead.code(),
            Failure::Short => ExecStatus::DescriptorShort.code(),
            Failure::Size => ExecStatus::DescriptorSize.code(),
            Failure::Stack => ExecStatus::StackOverflow.code(),
            Failure::Create(_) => ExecStatus::SegmentCreate.code(),
            Failure::Write(_) => ExecStatus::SegmentWrite.code(),
            Failure::Exec(status) => status.code(),
        }
    }
}

impl core::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Failure::Descriptor => write!(formatter, "no executable file"),
            Failure::Short => write!(formatter, "the executable file is cut off"),
            Failure::Size => write!(formatter, "too many segments and threads"),
            Failure::Stack => write!(formatter, "too many arguments"),
            Failure::Create(status) => write!(formatter, "cannot make a segment: {status}"),
            Failure::Write(status) => write!(formatter, "cannot write a segment: {status}"),
            Failure::Exec(status) => write!(formatter, "cannot start the process: {status}"),
        }
    }
}

/// A process in parts that can be changed: what a descriptor says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What comes first.
    pub head: Head,
    /// Parts of the address space.
    pub segments: Vec<Segment>,
    /// Threads.
    pub threads: Vec<Thread>,
}

impl Image {
    /// Reads the descriptor at the start of `bytes`; `None` if it is none.
    pub fn parse(bytes: &[u8]) -> Option<Image> {
        let descriptor = Descriptor::parse(bytes).ok()?;
        Some(Image {
            head: descriptor.head,
            segments: descriptor.segments().collect(),
            threads: descriptor.threads().collect(),
        })
    }

    /// The descriptor; `None` if it has more segments or threads than it can say.
    pub fn emit(&self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; format::length(self.segments.len(), &self.threads)];
        format::emit(&self.head, &self.segments, &self.threads, &mut bytes).ok()?;
        Some(bytes)
    }
}

/// Starts a program on the machine of a process server: the process's capability. If that fails, nothing is left of it.
pub fn exec(
    transactions: &mut impl Transactions,
    server: &Capability,
    file: File<'_>,
    start: &Start<'_>,
) -> Result<Capability, Failure> {
    let mut made = Vec::new();
    let result = exec_with(transactions, server, file, start, &mut made);
    if result.is_err() {
        for segment in &made {
            // What the process server has destroyed already is gone.
            let _ = standard::destroy(transactions, segment);
        }
    }
    result
}

fn exec_with(
    transactions: &mut impl Transactions,
    server: &Capability,
    file: File<'_>,
    start: &Start<'_>,
    made: &mut Vec<Capability>,
) -> Result<Capability, Failure> {
    let (File::Here(bytes) | File::At(bytes, _)) = file;
    let mut image = Image::parse(bytes).ok_or(Failure::Descriptor)?;
    image.head.owner = start.owner;
    let is_symbols = |segment: &Segment| {
        segment
            .kind
            .intersects(SegmentKind::SYMBOLS | SegmentKind::NEW_SYMBOLS)
    };
    image.segments.retain(|segment| !is_symbols(segment));
    for segment in &mut image.segments {
        let is_in_file = segment.capability == Capability::NULL && segment.offset != 0;
        if segment.kind.contains(SegmentKind::SYSTEM) {
            let (contents, offset, pointer) = build_stack(segment, start)?;
            put(transactions, server, segment, offset, &contents, made)?;
            let threads = image.threads.iter_mut();
            for idle in threads.filter_map(|thread| thread.idle.as_mut()) {
                idle.stack = pointer;
            }
        } else if is_in_file {
            match file {
                File::Here(bytes) => {
                    let contents = bytes.get(segment.offset as usize..);
                    let contents = contents.and_then(|rest| rest.get(..segment.length as usize));
                    let contents = contents.ok_or(Failure::Short)?;
                    put(transactions, server, segment, 0, contents, made)?;
                }
                File::At(_, capability) => segment.capability = capability,
            }
        }
    }
    let descriptor = image.emit().ok_or(Failure::Size)?;
    if descriptor.len() > format::server::LARGEST_REQUEST {
        return Err(Failure::Size);
    }
    process::exec(transactions, server, &descriptor).map_err(Failure::Exec)
}

/// The part of a stack that holds something, where it begins, and the stack pointer.
fn build_stack(segment: &mut Segment, start: &Start<'_>) -> Result<(Vec<u8>, u32, u32), Failure> {
    if segment.length == 0 {
        segment.length = DEFAULT_STACK;
    }
    let mut contents = vec![0; segment.length as usize];
    let bytes =
        |texts: &[&'_ str]| -> Vec<Vec<u8>> { texts.iter().map(|text| text.as_bytes().to_vec()).collect() };
    let (arguments, environment) = (bytes(start.arguments), bytes(start.environment));
    let arguments: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
    let environment: Vec<&[u8]> = environment.iter().map(Vec::as_slice).collect();
    let capabilities: Vec<(&[u8], Capability)> = start
        .capabilities
        .iter()
        .map(|(name, capability)| (name.as_bytes(), *capability))
        .collect();
    let pointer = stack::build(
        &mut contents,
        segment.address,
        &arguments,
        &environment,
        &capabilities,
    )
    .map_err(|_| Failure::Stack)?;
    let offset = pointer - segment.address;
    Ok((contents.split_off(offset as usize), offset, pointer))
}

/// Makes a segment on the machine that holds `contents` from `offset` on, which the process takes over.
fn put(
    transactions: &mut impl Transactions,
    server: &Capability,
    segment: &mut Segment,
    offset: u32,
    contents: &[u8],
    made: &mut Vec<Capability>,
) -> Result<(), Failure> {
    let capability =
        process::create_segment(transactions, server, segment.length).map_err(Failure::Create)?;
    made.push(capability);
    process::write_segment(transactions, &capability, offset, contents).map_err(Failure::Write)?;
    segment.capability = capability;
    segment.offset = 0;
    segment.kind = (segment.kind - SegmentKind::SYSTEM) | SegmentKind::DESTROY_ORIGINAL;
    Ok(())
}

#[cfg(test)]
mod tests;
