//! System calls: their numbers, their interrupts and how arguments are given.
//!
//! A program executes `INT` with the vector of the call, or with [`GENERAL`] and the call's number in ESI. EBX, ECX
//! and EDX hold the first three arguments and EDI the fourth; of a call with more than four, EDI holds the address
//! of the fourth and those behind it, four bytes each. The result comes back in EAX, all other registers stay.

/// Vector of the interrupt for all calls; the number is in ESI.
pub const GENERAL: u8 = 57;
/// The vectors of system calls.
pub const VECTORS: core::ops::RangeInclusive<u8> = 50..=60;

codes! {
    /// A system call.
    Call: u32 {
        /// `getreq(header, buffer, length)`: wait for a request; its length, or a negative error.
        GetRequest = 0,
        /// `putrep(header, buffer, length)`: answer the request.
        PutReply = 1,
        /// `trans(header, buffer, length, reply header, reply buffer, room)`: a transaction; the length of the reply,
        /// or a negative error.
        Trans = 2,
        /// `timeout(milliseconds)`: how long a transaction looks for its server; the value until now.
        Timeout = 3,
        /// `exitthread()`: the thread ends, and with the last one the process.
        ExitThread = 4,
        /// `cleanup()`: give up the request that the thread is serving.
        Cleanup = 14,
        /// `getinfo(capability, descriptor, room)`: the process's capability and descriptor, either to address 0 for
        /// nowhere; the length of the descriptor, or -1 if it does not fit.
        GetInfo = 15,
        /// `exitprocess(status)`: the process ends.
        ExitProcess = 16,
        /// `threadswitch()`: let other threads run.
        ThreadSwitch = 17,
        /// `seg_map(capability, address, length, kind)`: map a segment in, a new one if the capability is null; its
        /// number in the process, or a negative status.
        SegmentMap = 24,
        /// `seg_unmap(number, capability)`: map a segment out; its capability goes to the address, or the segment is
        /// destroyed if that is 0. 0 or a negative status.
        SegmentUnmap = 25,
        /// `seg_grow(number, length)`: change a segment's length. 0 or a negative status.
        SegmentGrow = 26,
        /// `mu_trylock(mutex, milliseconds)`: wait for a mutex, -1 for ever; 0, or -1 when the time is over.
        MutexLock = 27,
        /// `mu_unlock(mutex)`: give a mutex to the next thread that waits.
        MutexUnlock = 28,
        /// `setvec(vector, entries)`: the thread's signal vector.
        SetVector = 29,
        /// `sig_raise(signal)`: a signal to all threads of the process.
        Raise = 30,
        /// `sigret(frame)`: go on where a signal or exception interrupted.
        SignalReturn = 31,
        /// `newthread(counter, stack, local)`: one more thread; 0, or -1 if there is no room.
        NewThread = 32,
        /// `getlocal()`: the thread's own word.
        GetLocal = 33,
        /// `milli()`: milliseconds since the kernel started.
        Milliseconds = 34,
        /// `null()`: nothing.
        Null = 44,
        /// `get_max_prio()`: the highest priority of threads.
        MaximumPriority = 45,
        /// `set_priority(priority, former)`: the thread's priority; the former one goes to the address, unless
        /// that is 0. 0, or -1 if there is no such priority.
        SetPriority = 46,
        /// `enable_preempt()`: from now on threads of the process run by priority and take turns.
        EnablePreemption = 47,
        /// `rpc_getreq`: as `getreq`, of any length.
        LongGetRequest = 48,
        /// `rpc_putrep`: as `putrep`, of any length.
        LongPutReply = 49,
        /// `rpc_trans`: as `trans`, of any length.
        LongTrans = 50,
        /// `rawflip(block)`: FLIP for programs, see [`raw_flip`](crate::raw_flip).
        RawFlip = 51,
        /// `profil(buffer, length, offset, scale)`: while this process runs, every tick of the clock adds one to the 16-bit
        /// counter at place `(EIP - offset) * scale / 65536`, rounded down to an even one, if the buffer has it. A scale of 0 ends it.
        Profile = 52,
        /// `await(milliseconds)`: sleep; 0, or -1 if a signal ended the sleep.
        Await = 56,
    }
}

impl Call {
    /// The call that the interrupt `vector` asks for with `number` in ESI.
    pub const fn of_trap(vector: u8, number: u32) -> Option<Call> {
        match vector {
            50 => Some(Call::GetRequest),
            51 => Some(Call::PutReply),
            52 => Some(Call::Trans),
            53 => Some(Call::ExitThread),
            54 => Some(Call::Timeout),
            55 => Some(Call::Cleanup),
            56 => Some(Call::Await),
            GENERAL => Call::from_code(number),
            58 => Some(Call::LongGetRequest),
            59 => Some(Call::LongPutReply),
            60 => Some(Call::LongTrans),
            _ => None,
        }
    }
}

/// A mutex that is free. See [`MUTEX_LOCKED`].
pub const MUTEX_FREE: u32 = 0;
/// A mutex that is locked while nobody waits. In user memory a mutex is one word. A thread subtracts one from it and
/// has it if the word was [`MUTEX_FREE`]; otherwise it calls the kernel. To unlock, it adds one, and calls the kernel
/// unless the word was `MUTEX_LOCKED`. Both are one instruction, which nothing interrupts on a single processor.
pub const MUTEX_LOCKED: u32 = 0xffff_ffff;
/// What the kernel writes while threads wait, far from both.
pub const MUTEX_AWAITED: u32 = 0x4000_0000;

/// Priorities of threads: 0 to 7.
pub const PRIORITIES: u32 = 8;

#[cfg(test)]
mod tests {
    use super::{Call, VECTORS};

    #[test]
    fn every_vector_of_system_calls_leads_to_a_call() {
        for vector in VECTORS {
            assert!(Call::of_trap(vector, Call::Null.code()).is_some(), "{vector}");
        }
        assert_eq!(Call::of_trap(49, 44), None);
        assert_eq!(Call::of_trap(61, 44), None);
    }

    #[test]
    fn only_the_general_vector_looks_at_the_number() {
        assert_eq!(Call::of_trap(57, 34), Some(Call::Milliseconds));
        assert_eq!(Call::of_trap(57, 99), None);
        assert_eq!(Call::of_trap(52, 99), Some(Call::Trans));
    }
}
