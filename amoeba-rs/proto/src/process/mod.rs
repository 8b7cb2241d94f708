//! The process descriptor: what a process consists of, as it stands in front of an executable file, in the request
//! that starts a process and in the report of a stopped one.
//!
//! All integers are little-endian. A descriptor is [`Head`], then one [`Segment`] of 32 bytes for each part of the
//! address space, then one [`Thread`] for each thread, whose length depends on what is known about it.

pub mod frame;
pub mod migration;
pub mod segment;
pub mod server;
pub mod stack;
pub mod thread;

pub use frame::Frame;
pub use segment::{Segment, SegmentKind};
pub use thread::{Idle, KernelState, Thread, ThreadState};

use crate::capability::{CAPABILITY_LENGTH, Capability};
use crate::{Error, array};

/// The architecture that these kernels run, as a descriptor names it: padded with zero bytes.
pub const I80386: [u8; 8] = *b"i80386\0\0";
/// Bytes before the first segment.
pub const HEAD_LENGTH: usize = 44;
/// The most bytes of a descriptor.
pub const LARGEST: usize = 30_000;

/// What comes first in a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The architecture: its name, padded with zero bytes.
    pub architecture: [u8; 8],
    /// The process itself; null in a file.
    pub own: Capability,
    /// Who is told when the process stops; null for nobody.
    pub owner: Capability,
}

/// A descriptor in memory, whose every part has been checked to be there.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor<'a> {
    /// What comes first.
    pub head: Head,
    segments: &'a [u8],
    threads: &'a [u8],
    thread_count: u16,
}

impl<'a> Descriptor<'a> {
    /// Reads the descriptor at the start of `bytes`; what follows it is ignored.
    ///
    /// # Errors
    /// [`Error::Truncated`] if a part of it is missing, [`Error::Length`] if a thread's length does not agree with
    /// what it says to hold, [`Error::Kind`] if it says to hold what is unknown.
    pub fn parse(bytes: &'a [u8]) -> Result<Descriptor<'a>, Error> {
        let capability = |offset: usize| Capability::parse(bytes.get(offset..).ok_or(Error::Truncated)?);
        let head = Head {
            architecture: array(bytes, 0)?,
            own: capability(8)?,
            owner: capability(8 + CAPABILITY_LENGTH)?,
        };
        let segment_count = usize::from(u16::from_le_bytes(array(bytes, 40)?));
        let thread_count = u16::from_le_bytes(array(bytes, 42)?);
        let rest = &bytes[HEAD_LENGTH..];
        let (segments, rest) = rest
            .split_at_checked(segment_count * segment::LENGTH)
            .ok_or(Error::Truncated)?;
        let mut length = 0;
        for _ in 0..thread_count {
            length += Thread::parse(&rest[length..])?.length();
        }
        Ok(Descriptor {
            head,
            segments,
            threads: &rest[..length],
            thread_count,
        })
    }

    /// Bytes of the whole descriptor.
    pub const fn length(&self) -> usize {
        HEAD_LENGTH + self.segments.len() + self.threads.len()
    }

    /// The parts of the address space.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = Segment> + use<'a> {
        let (chunks, _) = self.segments.as_chunks();
        chunks.iter().map(Segment::parse)
    }

    /// The threads.
    pub fn threads(&self) -> impl Iterator<Item = Thread> + use<'a> {
        let mut rest = self.threads;
        (0..self.thread_count).map_while(move |_| {
            let thread = Thread::parse(rest).ok()?;
            rest = &rest[thread.length()..];
            Some(thread)
        })
    }
}

/// Bytes that [`emit`] writes for so many segments and these threads.
pub fn length(segments: usize, threads: &[Thread]) -> usize {
    HEAD_LENGTH + segments * segment::LENGTH + threads.iter().map(Thread::length).sum::<usize>()
}

/// Writes a descriptor to the beginning of `bytes` and says how long it is.
///
/// # Errors
/// [`Error::Length`] if it does not fit, into `bytes` or into its own counts.
pub fn emit(head: &Head, segments: &[Segment], threads: &[Thread], bytes: &mut [u8]) -> Result<usize, Error> {
    let count = |number: usize| u16::try_from(number).map_err(|_| Error::Length);
    let length = length(segments.len(), threads);
    let bytes = bytes.get_mut(..length).ok_or(Error::Length)?;
    bytes[0..8].copy_from_slice(&head.architecture);
    bytes[8..24].copy_from_slice(&head.own.emit());
    bytes[24..40].copy_from_slice(&head.owner.emit());
    bytes[40..42].copy_from_slice(&count(segments.len())?.to_le_bytes());
    bytes[42..44].copy_from_slice(&count(threads.len())?.to_le_bytes());
    let mut at = HEAD_LENGTH;
    for segment in segments {
        bytes[at..at + segment::LENGTH].copy_from_slice(&segment.emit());
        at += segment::LENGTH;
    }
    for thread in threads {
        let length = thread.length();
        thread.emit(&mut bytes[at..at + length]);
        at += length;
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::{Descriptor, Head, I80386, Idle, KernelState, Segment, Thread, ThreadState, emit, length};
    use crate::Error;
    use crate::capability::{Capability, Port, Private};
    use crate::process::{Frame, SegmentKind};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use std::vec;
    use std::vec::Vec;

    fn head() -> Head {
        Head {
            architecture: I80386,
            own: Capability::NULL,
            owner: Capability {
                port: Port([1, 2, 3, 4, 5, 6]),
                private: Private::owner(7, Port([9; 6])),
            },
        }
    }

    fn segment() -> Segment {
        Segment {
            capability: Capability::NULL,
            offset: 0x1000,
            address: 0x0400_0000,
            length: 0x2345,
            kind: SegmentKind::TEXT | SegmentKind::READ_ONLY,
        }
    }

    /// A thread as a kernel reports it.
    fn stopped() -> Thread {
        Thread {
            state: ThreadState::RUN,
            idle: None,
            kernel: Some(KernelState {
                timeout: 5200,
                vector: 0x0400_1000,
                vector_length: 2,
                signal: 0,
                local: 0x0500_0000,
            }),
            user: Some(Frame {
                eip: 0x0400_0123,
                ..Frame::default()
            }),
        }
    }

    #[test]
    fn a_thread_of_an_i386_that_was_stopped_takes_112_bytes() {
        assert_eq!(stopped().length(), 112);
        let mut bytes = [0; 112];
        stopped().emit(&mut bytes);
        assert_eq!(bytes[0..12], [1, 0, 0, 0, 112, 0, 0, 0, 2, 0, 1, 0]);
        assert_eq!(bytes[12..16], 5200_u32.to_le_bytes());
        // EIP is longword 15 of the fault frame.
        assert_eq!(bytes[32 + 60..32 + 64], 0x0400_0123_u32.to_le_bytes());
    }

    #[test]
    fn the_counts_stand_behind_both_capabilities() {
        let mut bytes = [0; 200];
        let thread = Thread::start(0x0400_0010, 0x7000_0000);
        let written = emit(&head(), &[segment(), segment()], &[thread], &mut bytes).unwrap();
        assert_eq!(written, 44 + 2 * 32 + 12 + 8);
        assert_eq!(bytes[0..8], *b"i80386\0\0");
        assert_eq!(bytes[24..30], [1, 2, 3, 4, 5, 6]);
        assert_eq!(bytes[40..44], [2, 0, 1, 0]);
        assert_eq!(
            bytes[44 + 16..44 + 32],
            [0, 0x10, 0, 0, 0, 0, 0, 4, 0x45, 0x23, 0, 0, 0x10, 1, 0, 0]
        );
        assert_eq!(
            bytes[108..128],
            [
                0x40, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0x10, 0, 0, 4, 0, 0, 0, 0x70
            ]
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let threads = [stopped(), Thread::start(1, 2), stopped()];
        let mut bytes = vec![0; 1000];
        let written = emit(&head(), &[segment(); 3], &threads, &mut bytes).unwrap();
        let descriptor = Descriptor::parse(&bytes).unwrap();
        assert_eq!(descriptor.head, head());
        assert_eq!(descriptor.length(), written);
        assert_eq!(descriptor.segments().collect::<Vec<_>>(), [segment(); 3]);
        assert_eq!(descriptor.threads().collect::<Vec<_>>(), threads);
    }

    #[test]
    fn a_descriptor_that_does_not_fit_is_not_written() {
        let mut bytes = [0; 100];
        assert_eq!(
            emit(&head(), &[segment(); 2], &[], &mut bytes),
            Err(Error::Length)
        );
        assert_eq!(bytes, [0; 100]);
    }

    #[test]
    fn every_shorter_descriptor_is_truncated() {
        let threads = [stopped(), Thread::start(1, 2)];
        let mut bytes = vec![0; length(1, &threads)];
        emit(&head(), &[segment()], &threads, &mut bytes).unwrap();
        for short in 0..bytes.len() {
            assert_eq!(
                Descriptor::parse(&bytes[..short]).err(),
                Some(Error::Truncated),
                "{short}"
            );
        }
    }

    #[test]
    fn a_thread_that_holds_more_or_less_than_it_says_is_refused() {
        let mut bytes = [0; 40];
        Thread::start(1, 2).emit(&mut bytes[..20]);
        for wrong in [0, 11, 12, 19, 21, 24, u32::MAX] {
            bytes[4..8].copy_from_slice(&wrong.to_le_bytes());
            assert_eq!(Thread::parse(&bytes), Err(Error::Length), "{wrong}");
        }
        bytes[4..8].copy_from_slice(&20_u32.to_le_bytes());
        bytes[8] = 0x04;
        assert_eq!(Thread::parse(&bytes), Err(Error::Kind(0x04)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(descriptor) = Descriptor::parse(&bytes) {
                prop_assert!(descriptor.length() <= bytes.len());
                let segments: Vec<Segment> = descriptor.segments().collect();
                let threads: Vec<Thread> = descriptor.threads().collect();
                let mut again = vec![0; bytes.len()];
                prop_assert_eq!(emit(&descriptor.head, &segments, &threads, &mut again), Ok(descriptor.length()));
                prop_assert_eq!(&again[..descriptor.length()], &bytes[..descriptor.length()]);
            }
        }

        #[test]
        fn an_idle_thread_reads_back(state: u32, counter: u32, stack: u32) {
            let thread = Thread {
                state: ThreadState::from_bits_retain(state),
                idle: Some(Idle { counter, stack }),
                kernel: None,
                user: None,
            };
            let mut bytes = [0; 20];
            thread.emit(&mut bytes);
            prop_assert_eq!(Thread::parse(&bytes), Ok(thread));
        }
    }
}
