//! `storm THREADS MILLISECONDS`: a hostile program. Each of its threads carries out transactions with servers that do not exist, each
//! at another port, so that its kernel and all others are busy with LOCATE broadcasts. It ends when the time is over.

#![no_std]
#![no_main]

extern crate alloc;

use libamoeba::system::mutex::{Mutex, Semaphore};
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls, thread};
use libamoeba::{Transactions, println};
use proto::capability::Port;
use proto::message::Header;

libamoeba::program!(main);

/// How long a port is looked for, in milliseconds: long enough for broadcasts on Ethernet, which follow the one within the
/// machine after 100 ms.
const TIMEOUT: u32 = 250;
/// Bytes of a thread's stack.
const STACK: usize = 8 << 10;

/// As high as threads have ended.
static ENDED: Semaphore = Semaphore::new(0);
/// Transactions so far.
static TRANSACTIONS: Mutex<u32> = Mutex::new(0);

/// Counts a transaction: how many there were before.
fn count() -> u32 {
    let mut transactions = TRANSACTIONS.lock();
    let before = *transactions;
    *transactions = before.wrapping_add(1);
    before
}

/// Looks for servers for so many milliseconds.
fn rage(number: u32, milliseconds: u32) {
    let start = calls::milliseconds();
    calls::timeout(TIMEOUT);
    while calls::milliseconds().wrapping_sub(start) < milliseconds {
        let [a, b, c, d] = count().to_le_bytes();
        let header = Header {
            port: Port([a, b, c, d, number as u8, 0x77]),
            ..Header::default()
        };
        if Kernel.trans(&header, &[], &mut []).is_ok() {
            println!("storm: there is a server");
        }
    }
    ENDED.up();
}

fn main(arguments: &Arguments) -> i32 {
    let mut numbers = arguments.words().skip(1).map(str::parse::<u32>);
    let (Some(Ok(threads)), Some(Ok(milliseconds))) = (numbers.next(), numbers.next()) else {
        println!("usage: storm threads milliseconds");
        return 1;
    };
    let mut started = 1;
    while started < threads && thread::spawn(STACK, move || rage(started, milliseconds)) {
        started += 1;
    }
    rage(0, milliseconds);
    for _ in 0..started {
        ENDED.down();
    }
    println!("storm: {started} threads, {} transactions", *TRANSACTIONS.lock());
    0
}
