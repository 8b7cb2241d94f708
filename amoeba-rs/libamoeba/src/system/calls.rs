//! System calls. `proto::system_call` says what each one does; numbers that are addresses are given as references
//! wherever the kernel only reads or writes what they refer to.

use core::arch::asm;
use proto::capability::{CAPABILITY_LENGTH, Capability};
use proto::message;
use proto::process::SegmentKind;
use proto::signal::HANDLER_LENGTH;
use proto::system_call::Call;

/// The interrupt `VECTOR` with a call's number and its arguments.
///
/// # Safety
/// Whatever the call does to this program's memory or threads is what the caller wants.
pub unsafe fn trap<const VECTOR: u8>(number: u32, [first, second, third, fourth]: [u32; 4]) -> i32 {
    let result: u32;
    // SAFETY: the kernel changes EAX alone, and memory as the caller has promised. The compiler keeps ESI for itself, so
    // it is lent.
    unsafe {
        asm!(
            "push esi", "mov esi, eax", "int {vector}", "pop esi",
            vector = const VECTOR,
            inlateout("eax") number => result,
            in("ebx") first, in("ecx") second, in("edx") third, in("edi") fourth,
        );
    }
    result.cast_signed()
}

/// A call by the general interrupt.
///
/// # Safety
/// As [`trap`].
pub unsafe fn call(call: Call, arguments: [u32; 4]) -> i32 {
    // SAFETY: the caller has promised the same.
    unsafe { trap::<57>(call.code(), arguments) }
}

/// The number of a place that the kernel reads or writes: the compiler is told that others reach it.
fn address<T: ?Sized>(place: *const T) -> u32 {
    place.cast::<u8>().expose_provenance() as u32
}

/// `trans`: a transaction. The bytes of the reply, or a negative error.
pub fn trans(
    header: &[u8; message::LENGTH],
    data: &[u8],
    reply_header: &mut [u8; message::LENGTH],
    reply: &mut [u8],
) -> i32 {
    any_trans::<52>(header, data, reply_header, reply)
}

/// `rpc_trans`: a transaction with data of any length. The bytes of the reply, or a negative error.
pub fn long_trans(
    header: &[u8; message::LENGTH],
    data: &[u8],
    reply_header: &mut [u8; message::LENGTH],
    reply: &mut [u8],
) -> i32 {
    any_trans::<60>(header, data, reply_header, reply)
}

fn any_trans<const VECTOR: u8>(
    header: &[u8; message::LENGTH],
    data: &[u8],
    reply_header: &mut [u8; message::LENGTH],
    reply: &mut [u8],
) -> i32 {
    let rest = [address(reply_header), address(reply), reply.len() as u32];
    let arguments = [
        address(header),
        address(data),
        data.len() as u32,
        address(&raw const rest),
    ];
    // SAFETY: the kernel writes to both places for the reply alone, which are borrowed for it.
    unsafe { trap::<VECTOR>(0, arguments) }
}

/// `getreq`: waits for a request to the port in the header. Its bytes, or a negative error.
pub fn getreq(header: &mut [u8; message::LENGTH], data: &mut [u8]) -> i32 {
    let arguments = [address(header), address(data), data.len() as u32, 0];
    // SAFETY: the kernel writes to both places, which are borrowed for it.
    unsafe { trap::<50>(0, arguments) }
}

/// `putrep`: answers the request that this thread got last.
pub fn putrep(header: &[u8; message::LENGTH], data: &[u8]) {
    let arguments = [address(header), address(data), data.len() as u32, 0];
    // SAFETY: the kernel only reads.
    unsafe { trap::<51>(0, arguments) };
}

/// `rpc_getreq`: waits for a request of any length. Its bytes, or a negative error.
pub fn long_getreq(header: &mut [u8; message::LENGTH], data: &mut [u8]) -> i32 {
    let arguments = [address(header), address(data), data.len() as u32, 0];
    // SAFETY: the kernel writes to both places, which are borrowed for it.
    unsafe { trap::<58>(0, arguments) }
}

/// `rpc_putrep`: answers with any length.
pub fn long_putrep(header: &[u8; message::LENGTH], data: &[u8]) {
    let arguments = [address(header), address(data), data.len() as u32, 0];
    // SAFETY: the kernel only reads.
    unsafe { trap::<59>(0, arguments) };
}

/// `timeout`: how long transactions of this thread look for their server, in milliseconds; what it was before.
pub fn timeout(milliseconds: u32) -> u32 {
    // SAFETY: no memory is concerned.
    unsafe { trap::<54>(0, [milliseconds, 0, 0, 0]) }.cast_unsigned()
}

/// `cleanup`: gives up the request that this thread is serving.
pub fn cleanup() {
    // SAFETY: no memory is concerned.
    unsafe { trap::<55>(0, [0; 4]) };
}

/// `await`: sleeps so many milliseconds, to 100 ms. False if a signal ended the sleep.
pub fn sleep(milliseconds: u32) -> bool {
    // SAFETY: no memory is concerned.
    unsafe { trap::<56>(0, [milliseconds, 0, 0, 0]) == 0 }
}

/// `exitprocess`: the process ends.
pub fn exit(status: i32) -> ! {
    // SAFETY: nothing of the process is left.
    unsafe { call(Call::ExitProcess, [status.cast_unsigned(), 0, 0, 0]) };
    unreachable!("the process has ended")
}

/// `getinfo`: this process's capability, and its descriptor into `descriptor`: how many bytes; `None` if it does not fit.
pub fn info(descriptor: &mut [u8]) -> (Capability, Option<usize>) {
    let mut capability = [0; CAPABILITY_LENGTH];
    let arguments = [
        address(&raw const capability),
        address(descriptor),
        descriptor.len() as u32,
        0,
    ];
    // SAFETY: the kernel writes to both places, which are borrowed for it.
    let length = unsafe { call(Call::GetInfo, arguments) };
    // The kernel has written through the address.
    let capability = core::hint::black_box(&mut capability);
    (Capability::from_bytes(capability), usize::try_from(length).ok())
}

/// `threadswitch`: lets other threads run.
pub fn switch() {
    // SAFETY: no memory is concerned.
    unsafe { call(Call::ThreadSwitch, [0; 4]) };
}

/// `seg_map`: maps a segment, a new one for the null capability. Its number, or a negative status.
///
/// # Safety
/// Nothing refers to memory there; what is mapped in place is not changed by others while it is referred to.
pub unsafe fn map(capability: &Capability, start: u32, length: u32, kind: SegmentKind) -> i32 {
    let capability = capability.emit();
    // SAFETY: the caller has promised that nothing else is there.
    unsafe {
        call(
            Call::SegmentMap,
            [address(&raw const capability), start, length, kind.bits()],
        )
    }
}

/// `seg_unmap`: maps a segment out. Its capability, or a negative status.
///
/// # Safety
/// Nothing refers to the segment's memory any more.
pub unsafe fn unmap(number: u32) -> Result<Capability, i32> {
    let mut capability = [0; CAPABILITY_LENGTH];
    // SAFETY: the caller has promised that nothing is lost.
    match unsafe { call(Call::SegmentUnmap, [number, address(&raw mut capability), 0, 0]) } {
        0 => Ok(Capability::from_bytes(&capability)),
        status => Err(status),
    }
}

/// `seg_grow`: changes a segment's length. 0 or a negative status.
///
/// # Safety
/// Nothing refers to memory that goes.
pub unsafe fn grow(number: u32, length: u32) -> i32 {
    // SAFETY: the caller has promised that nothing is lost.
    unsafe { call(Call::SegmentGrow, [number, length, 0, 0]) }
}

/// `setvec`: this thread's handlers of signals and exceptions.
///
/// # Safety
/// The handlers follow the rules of `proto::signal::Handler`.
pub unsafe fn set_vector(handlers: &'static [[u8; HANDLER_LENGTH]]) {
    // SAFETY: the kernel reads the vector as long as the thread lives, and it lives as long.
    unsafe { call(Call::SetVector, [address(handlers), handlers.len() as u32, 0, 0]) };
}

/// `sig_raise`: a signal to all threads of this process.
pub fn raise(signal: i32) {
    // SAFETY: handlers are the program's own.
    unsafe { call(Call::Raise, [signal.cast_unsigned(), 0, 0, 0]) };
}

/// `getlocal`: this thread's own word.
pub fn local() -> u32 {
    // SAFETY: no memory is concerned.
    unsafe { call(Call::GetLocal, [0; 4]) }.cast_unsigned()
}

/// `milli`: milliseconds since the kernel started.
pub fn milliseconds() -> u32 {
    // SAFETY: no memory is concerned.
    unsafe { call(Call::Milliseconds, [0; 4]) }.cast_unsigned()
}

/// `null`: nothing.
pub fn null() -> i32 {
    // SAFETY: no memory is concerned.
    unsafe { call(Call::Null, [0; 4]) }
}

/// `get_max_prio`: the highest priority of threads.
pub fn maximum_priority() -> u32 {
    // SAFETY: no memory is concerned.
    unsafe { call(Call::MaximumPriority, [0; 4]) }.cast_unsigned()
}

/// `set_priority`: this thread's priority; `None` if there is no such one, else what it was.
pub fn set_priority(priority: u32) -> Option<u32> {
    let mut former = 0_u32;
    // SAFETY: the kernel writes to the one place that it is given.
    let result = unsafe { call(Call::SetPriority, [priority, address(&raw mut former), 0, 0]) };
    (result == 0).then_some(former)
}

/// `enable_preempt`: threads of this process run by priority and take turns from now on.
pub fn enable_preemption() {
    // SAFETY: memory that threads share is shared by means that allow this.
    unsafe { call(Call::EnablePreemption, [0; 4]) };
}

/// `profil`: while this process runs, every tick of the clock adds one to the 16-bit counter at the place
/// `(EIP - offset) * scale / 65536`, rounded down to an even one, of the buffer; a scale of 0 ends it.
///
/// # Safety
/// Nothing else uses the buffer as long as it counts.
pub unsafe fn profile(buffer: *mut u16, counters: usize, offset: u32, scale: u32) {
    // SAFETY: the caller has promised it.
    unsafe {
        call(
            Call::Profile,
            [
                buffer.expose_provenance() as u32,
                2 * counters as u32,
                offset,
                scale,
            ],
        )
    };
}
