//! Every system call with bad arguments: each is an exception of this program, and nothing else happens.

use crate::exceptions::{install, seen};
use libamoeba::println;
use libamoeba::system::calls;
use libamoeba::system::trial::{check, equal};
use proto::signal::Exception;
use proto::system_call::Call;

/// Addresses that are bad for writing: null, the kernel, code, a hole, the end of the user's range, the end of all.
fn bad_addresses() -> [u32; 7] {
    let code = bad_addresses as *const () as u32;
    [
        0,
        0x10_0000,
        code,
        0x6f00_0000,
        0x7fff_fffc,
        0x8000_0000,
        0xffff_ffff,
    ]
}

/// The exception that a call makes, if any.
fn made(call: Call, arguments: [u32; 4]) -> i32 {
    let mut result = 0;
    // SAFETY: calls with such arguments change nothing.
    let exception = seen(|| result = unsafe { calls::call(call, arguments) });
    check(
        exception == 0 || result == -1,
        "a call that is an exception gives -1",
    );
    exception
}

fn expect(call: Call, arguments: [u32; 4], exception: Exception) {
    let found = made(call, arguments);
    if found != exception.code() {
        println!("{call:?} {arguments:x?}");
        equal(found, exception.code(), "exception of a bad argument");
    }
}

pub(crate) fn run() {
    install();
    let mut room = [0_u8; 64];
    let good = (&raw mut room).expose_provenance() as u32;
    for bad in bad_addresses() {
        transactions(good, bad);
        others(bad);
    }
    let (argument, system_call) = (Exception::Argument, Exception::SystemCall);
    expect(Call::SetVector, [good, 65, 0, 0], argument);
    expect(Call::Raise, [0, 0, 0, 0], argument);
    expect(Call::Raise, [u32::MAX, 0, 0, 0], argument);
    expect(Call::GetRequest, [good, good, 30_001, 0], system_call);
    expect(Call::PutReply, [good, good, 0, 0], system_call);
    unknown_calls();
    equal(
        calls::set_priority(8),
        None,
        "set_priority of a priority that there is not",
    );
}

fn transactions(good: u32, bad: u32) {
    let argument = Exception::Argument;
    for call in [Call::GetRequest, Call::LongGetRequest] {
        expect(call, [bad, good, 32, 0], argument);
        expect(call, [good, bad, 32, 0], argument);
    }
    let call_with = |header: u32, data: u32, reply_header: u32, reply: u32| {
        let rest = [reply_header, reply, 32];
        expect(
            Call::Trans,
            [header, data, 32, (&raw const rest).expose_provenance() as u32],
            argument,
        );
    };
    call_with(good, good, bad, good);
    call_with(good, good, good, bad);
    // A header or data may be constants.
    if bad != bad_addresses()[2] {
        call_with(bad, good, good, good);
        call_with(good, bad, good, good);
        expect(Call::Trans, [good, good, 32, bad], argument);
    }
    let long = [good, good, 30_001];
    expect(
        Call::Trans,
        [good, good, 0, (&raw const long).expose_provenance() as u32],
        Exception::SystemCall,
    );
}

fn others(bad: u32) {
    let argument = Exception::Argument;
    expect(Call::MutexLock, [bad, 0, 0, 0], argument);
    expect(Call::RawFlip, [bad, 0, 0, 0], argument);
    expect(Call::Profile, [bad, 8, 0, 1], argument);
    expect(Call::MutexUnlock, [bad, 0, 0, 0], argument);
    if bad != 0 {
        expect(Call::SetPriority, [0, bad, 0, 0], argument);
        expect(Call::GetInfo, [bad, 0, 0, 0], argument);
        expect(Call::GetInfo, [0, bad, 8192, 0], argument);
        // The segment need not be there for the place to be bad.
        expect(Call::SegmentUnmap, [199, bad, 0, 0], argument);
    }
    if bad != bad_addresses()[2] {
        expect(Call::SegmentMap, [bad, 0x6a00_0000, 4096, 0x320], argument);
        expect(Call::SetVector, [bad, 1, 0, 0], argument);
        expect(Call::SignalReturn, [bad, 0, 0, 0], argument);
    }
}

fn unknown_calls() {
    for number in [5, 13, 18, 23, 35, 43, 53, 55, 57, 1000, u32::MAX] {
        let exception = seen(|| {
            // SAFETY: a call that does not exist does nothing.
            unsafe { calls::trap::<57>(number, [0; 4]) };
        });
        equal(
            exception,
            Exception::SystemCall.code(),
            "a call that there is not",
        );
    }
}
