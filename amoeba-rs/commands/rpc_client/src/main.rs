//! `rpc_client [-r] [-m CALLS] PORT SIZE COUNT`: carries out COUNT transactions with the `rpc_server` at PORT, each with SIZE
//! bytes in the request, or with `-r` in the reply. It tells how many bytes went in which time, the rate, and the time of one
//! transaction; with `-m` also how long every CALLS of them took.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use libamoeba::println;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls};
use libamoeba::{Transactions, named_port};
use proto::capability::Port;
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::Status;

libamoeba::program!(main);

/// What the arguments ask for.
struct Plan {
    port: Port,
    /// Bytes of the request.
    asked: usize,
    /// Bytes of the reply.
    answered: usize,
    count: u32,
    /// Transactions whose time is told together; 0 for none.
    batch: u32,
}

fn plan<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Plan> {
    let (mut is_reply, mut batch) = (false, 0);
    let port = loop {
        match words.next()? {
            "-r" => is_reply = true,
            "-m" => batch = words.next()?.parse().ok()?,
            word => break named_port(word)?,
        }
    };
    let size: usize = words.next()?.parse().ok()?;
    let count = words.next()?.parse().ok()?;
    if words.next().is_some() || size > LARGEST_BUFFER || count == 0 {
        return None;
    }
    let (asked, answered) = if is_reply { (0, size) } else { (size, 0) };
    Some(Plan {
        port,
        asked,
        answered,
        count,
        batch,
    })
}

/// One transaction: whether all went there and came back.
fn transact(header: &Header, plan: &Plan, request: &[u8], reply: &mut [u8]) -> Result<(), Status> {
    let (answer, length) = Kernel.trans(header, request, reply)?;
    match answer.status() {
        Some(Status::Ok) if length == plan.answered && answer.offset == plan.asked as i32 => Ok(()),
        Some(Status::Ok) | None => Err(Status::RpcFailure),
        Some(status) => Err(status),
    }
}

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let name = words.next().unwrap_or("rpc_client");
    let Some(plan) = plan(words) else {
        println!("usage: {name} [-r] [-m calls] port size count");
        return 1;
    };
    let header = Header {
        port: libamoeba::put_port(plan.port),
        size: plan.answered as u16,
        ..Header::default()
    };
    let (request, mut reply) = (vec![0; plan.asked], vec![0; plan.answered]);
    let start = calls::milliseconds();
    let mut batch_start = start;
    for number in 1..=plan.count {
        if let Err(why) = transact(&header, &plan, &request, &mut reply) {
            println!("{name}: transaction {number}: {why}");
            return 1;
        }
        if plan.batch > 0 && number % plan.batch == 0 {
            let now = calls::milliseconds();
            println!(
                "{name}: {} calls {} ms",
                plan.batch,
                now.wrapping_sub(batch_start)
            );
            batch_start = now;
        }
    }
    tell(name, &plan, calls::milliseconds().wrapping_sub(start));
    0
}

fn tell(name: &str, plan: &Plan, time: u32) {
    let bytes = (plan.asked + plan.answered) as u64 * u64::from(plan.count);
    println!(
        "{name}: {} calls, {bytes} bytes in {}.{:03} seconds",
        plan.count,
        time / 1000,
        time % 1000
    );
    let rate = (bytes * 1000).checked_div(u64::from(time)).unwrap_or(0);
    println!("{name}: transfer rate {rate} bytes/second");
    println!(
        "{name}: response time {} microseconds",
        u64::from(time) * 1000 / u64::from(plan.count)
    );
}
