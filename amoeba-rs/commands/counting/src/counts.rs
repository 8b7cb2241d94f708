//! How often each of many calls was executed: never, once, or more often. Four calls have a byte, so that a server with many of them is
//! quickly taken to another machine.

use alloc::vec;
use alloc::vec::Vec;

/// Calls in a byte.
pub(super) const CALLS: usize = 4;
/// A count that does not grow any more.
const MANY: u8 = 3;

pub(super) struct Counts {
    bytes: Vec<u8>,
    calls: usize,
}

impl Counts {
    /// So many calls, of which none was executed.
    pub(super) fn new(calls: usize) -> Counts {
        Counts {
            bytes: vec![0; calls.div_ceil(CALLS)],
            calls,
        }
    }

    /// Counts a call: its count then, or `None` if it is none of these.
    pub(super) fn add(&mut self, call: usize) -> Option<u8> {
        if call >= self.calls {
            return None;
        }
        if count(&self.bytes, call) < MANY {
            self.bytes[call / CALLS] += 1 << shift(call);
        }
        Some(count(&self.bytes, call))
    }

    /// The bytes from that of a call on.
    pub(super) fn from(&self, call: usize) -> Option<&[u8]> {
        self.bytes.get(call / CALLS..)
    }
}

fn shift(call: usize) -> usize {
    call % CALLS * 2
}

/// The count of a call, by the bytes from that of call 0 on.
pub(super) fn count(bytes: &[u8], call: usize) -> u8 {
    bytes[call / CALLS] >> shift(call) & MANY
}
