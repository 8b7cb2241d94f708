//! A client: it makes its calls, and compares how they ended with what the server has counted.

use super::counts::{CALLS, count};
use super::server::pattern;
use super::{EXECUTE, LONG, REPORT};
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::system::Kernel;
use libamoeba::{Transactions, println};
use proto::capability::Port;
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::Status;

/// One call in so many has several fragments.
const LONG_CALLS: usize = 16;
/// How often the server is asked for its counts: the network may be bad then, too.
const REPORT_TRIES: u32 = 100;

fn transact(request: &Header, data: &[u8], reply: &mut [u8]) -> Result<usize, Status> {
    let (answer, length) = Kernel.trans(request, data, reply)?;
    match answer.status() {
        Some(Status::Ok) => Ok(length),
        Some(why) => Err(why),
        None => Err(Status::RpcFailure),
    }
}

pub(super) fn call(port: Port, client: u16, calls: usize, quits: bool) -> i32 {
    let request = |command, call: usize| Header {
        port,
        command,
        extra: client,
        offset: call as i32,
        ..Header::default()
    };
    let mut succeeded = Vec::with_capacity(calls);
    let mut data = vec![0; LONG];
    for call in 0..calls {
        let length = if call % LONG_CALLS == 0 { LONG } else { 0 };
        for (place, byte) in data[..length].iter_mut().enumerate() {
            *byte = pattern(call as i32, place);
        }
        let outcome = transact(&request(EXECUTE, call), &data[..length], &mut []);
        if let Err(why) = outcome
            && !matches!(why, Status::RpcFailure | Status::RpcNotFound)
        {
            println!("counting: call {call}: {why}");
            return 1;
        }
        succeeded.push(outcome.is_ok());
        if quits && outcome.err() == Some(Status::RpcNotFound) {
            let failed = succeeded.iter().filter(|succeeded| !**succeeded).count();
            println!("counting: {} calls, {failed} failed, no server", succeeded.len());
            return 1;
        }
    }
    match counts(calls, |call, counts| {
        transact(&request(REPORT, call), &[], counts)
    }) {
        Some(counts) => judge(&succeeded, &counts),
        None => {
            println!("counting: no report");
            1
        }
    }
}

/// What the server has counted, as the bytes of [`counts`](super::counts).
fn counts(calls: usize, ask: impl Fn(usize, &mut [u8]) -> Result<usize, Status>) -> Option<Vec<u8>> {
    let mut counts = vec![0; calls.div_ceil(CALLS)];
    let (mut done, mut tries) = (0, 0);
    while done < counts.len() {
        let end = counts.len().min(done + LARGEST_BUFFER);
        match ask(done * CALLS, &mut counts[done..end]) {
            Ok(length) if length == end - done => done = end,
            _ if tries == REPORT_TRIES => return None,
            _ => tries += 1,
        }
    }
    Some(counts)
}

/// Tells whether calls that succeeded were executed exactly once, and others at most once.
fn judge(succeeded: &[bool], counts: &[u8]) -> i32 {
    let number = |is_it: &dyn Fn(bool, u8) -> bool| {
        succeeded
            .iter()
            .enumerate()
            .filter(|(call, succeeded)| is_it(**succeeded, count(counts, *call)))
            .count()
    };
    let failed = number(&|succeeded, _| !succeeded);
    let in_vain = number(&|succeeded, count| !succeeded && count == 1);
    let lost = number(&|succeeded, count| succeeded && count == 0);
    let repeated = number(&|_, count| count > 1);
    println!(
        "counting: {} calls, {failed} failed, {in_vain} of them executed, {lost} succeeded without execution, {repeated} executed twice",
        succeeded.len()
    );
    i32::from(lost + repeated > 0)
}
