//! A thread in a process descriptor: 12 bytes, and behind them what is known about it.

use super::frame::{self, Frame};
use crate::{Error, array};

const HEAD_LENGTH: usize = 12;
const IDLE_LENGTH: usize = 8;
const KERNEL_STATE_LENGTH: usize = 20;

bitflags::bitflags! {
    /// What a thread is doing, and what has happened to it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ThreadState: u32 {
        /// It can run.
        const RUN = 0x1;
        /// It has ended.
        const DEAD = 0x2;
        /// It made an exception.
        const EXCEPTION = 0x4;
        /// It was interrupted.
        const INTERRUPTED = 0x8;
        /// It is to run before the others when the process continues.
        const FIRST = 0x10;
        /// It is not in a system call.
        const NO_SYSTEM_CALL = 0x20;
        /// It has not run yet.
        const START = 0x40;
        /// It returns from a system call.
        const RETURNS = 0x80;
        /// A light-weight signal waits for it.
        const SIGNAL = 0x100;
        /// It is being stunned.
        const STUN = 0x200;
        /// It runs a handler of signals.
        const HANDLER = 0x400;
        /// It is to end.
        const DIE = 0x800;
        /// It is to stop.
        const STOP = 0x1000;
        /// A signal to the user's handler is under way.
        const USER_SIGNAL = 0x2000;
        /// It is to continue.
        const CONTINUE = 0x4000;
        const _ = !0;
    }
}

bitflags::bitflags! {
    /// Which parts follow a thread's head, in the order of their bits.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Extra: u32 {
        const IDLE = 0x1;
        const KERNEL_STATE = 0x2;
        const USER_STATE = 0x1_0000;
    }
}

/// Where a thread begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle {
    /// First instruction.
    pub counter: u32,
    /// Stack pointer.
    pub stack: u32,
}

/// What the kernel keeps for a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KernelState {
    /// How long a transaction looks for its server, in milliseconds; 0 for the kernel's default.
    pub timeout: u32,
    /// Address of the signal vector.
    pub vector: u32,
    /// Entries of the signal vector.
    pub vector_length: u32,
    /// A signal that waits to be delivered; 0 for none.
    pub signal: u32,
    /// The thread's own word, which the kernel keeps for the library.
    pub local: u32,
}

/// A thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    /// What it is doing.
    pub state: ThreadState,
    /// Where it begins, if it has not run yet.
    pub idle: Option<Idle>,
    /// What the kernel keeps for it.
    pub kernel: Option<KernelState>,
    /// Its registers.
    pub user: Option<Frame>,
}

impl Thread {
    /// A thread that begins at `counter` with the stack pointer `stack`.
    pub const fn start(counter: u32, stack: u32) -> Thread {
        Thread {
            state: ThreadState::START,
            idle: Some(Idle { counter, stack }),
            kernel: None,
            user: None,
        }
    }

    fn extra(&self) -> Extra {
        let mut extra = Extra::empty();
        extra.set(Extra::IDLE, self.idle.is_some());
        extra.set(Extra::KERNEL_STATE, self.kernel.is_some());
        extra.set(Extra::USER_STATE, self.user.is_some());
        extra
    }

    /// Bytes that the thread takes in a descriptor.
    pub fn length(&self) -> usize {
        length(self.extra())
    }

    /// Reads the thread at the start of `bytes`.
    ///
    /// # Errors
    /// [`Error::Truncated`] if a part of it is missing, [`Error::Kind`] with the lowest unknown bit's byte if a
    /// part is unknown, [`Error::Length`] if its length is not that of its parts.
    pub fn parse(bytes: &[u8]) -> Result<Thread, Error> {
        let word = |offset| array(bytes, offset).map(u32::from_le_bytes);
        let extra = word(8)?;
        let Some(extra) = Extra::from_bits(extra) else {
            let unknown = extra & !Extra::all().bits();
            return Err(Error::Kind((unknown >> (unknown.trailing_zeros() & !7)) as u8));
        };
        if word(4)? as usize != length(extra) {
            return Err(Error::Length);
        }
        let mut at = HEAD_LENGTH;
        let mut place = |part, length| {
            let start = at;
            at += if extra.contains(part) { length } else { 0 };
            extra.contains(part).then_some(start)
        };
        let idle = place(Extra::IDLE, IDLE_LENGTH);
        let kernel = place(Extra::KERNEL_STATE, KERNEL_STATE_LENGTH);
        let user = place(Extra::USER_STATE, frame::LENGTH);
        Ok(Thread {
            state: ThreadState::from_bits_retain(word(0)?),
            idle: idle
                .map(|at| {
                    Ok(Idle {
                        counter: word(at)?,
                        stack: word(at + 4)?,
                    })
                })
                .transpose()?,
            kernel: kernel
                .map(|at| {
                    Ok(KernelState {
                        timeout: word(at)?,
                        vector: word(at + 4)?,
                        vector_length: word(at + 8)?,
                        signal: word(at + 12)?,
                        local: word(at + 16)?,
                    })
                })
                .transpose()?,
            user: user
                .map(|at| Frame::parse(bytes.get(at..).ok_or(Error::Truncated)?))
                .transpose()?,
        })
    }

    /// Writes the thread.
    ///
    /// # Panics
    /// If `bytes` has not exactly [`Thread::length`] bytes.
    pub fn emit(&self, bytes: &mut [u8]) {
        let mut rest = bytes;
        let mut put = |part: &[u8]| {
            rest.split_off_mut(..part.len())
                .expect("as many bytes as the thread's length")
                .copy_from_slice(part);
        };
        let head = [self.state.bits(), self.length() as u32, self.extra().bits()];
        let idle = self.idle.map(|idle| [idle.counter, idle.stack]);
        let kernel = self.kernel.map(|kernel| {
            let KernelState {
                timeout,
                vector,
                vector_length,
                signal,
                local,
            } = kernel;
            [timeout, vector, vector_length, signal, local]
        });
        let words = head.into_iter().chain(idle.into_iter().flatten());
        for word in words.chain(kernel.into_iter().flatten()) {
            put(&word.to_le_bytes());
        }
        if let Some(frame) = &self.user {
            put(&frame.emit());
        }
        assert!(rest.is_empty(), "as many bytes as the thread's length");
    }
}

const fn length(extra: Extra) -> usize {
    let idle = if extra.contains(Extra::IDLE) {
        IDLE_LENGTH
    } else {
        0
    };
    let kernel = if extra.contains(Extra::KERNEL_STATE) {
        KERNEL_STATE_LENGTH
    } else {
        0
    };
    let user = if extra.contains(Extra::USER_STATE) {
        frame::LENGTH
    } else {
        0
    };
    HEAD_LENGTH + idle + kernel + user
}
