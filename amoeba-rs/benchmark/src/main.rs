//! A program for the bare machine that exercises its processor and says on COM1 when each workload begins and ends, so
//! that a host can time it from outside: it measures no time itself.
//!
//! ```text
//! begin crc 10
//! end crc 01234567
//! good crc
//! ```
//!
//! The result is compared with the one that the crate `workloads` calculates; where they differ, the last line is
//! `bad crc: 89abcdef is right`. The command line is that of [`workloads::Plan`]; one that makes no sense is refused
//! before anything runs. In the end the program halts with interrupts off.
//!
//! What is timed is written in assembly ([`code`], [`rings`], [`timer`]), so that the number of instructions is known
//! and the compiler has no part in it. Paging is on ([`paging`]), as in any kernel. There are only instructions of a
//! 386, so that 386 and later processors execute the same ones.

#![no_std]
#![no_main]

mod code;
mod console;
mod exceptions;
mod memory;
mod paging;
mod rings;
mod timer;

use console::line;
use core::panic::PanicInfo;
use platform::{loader, processor, serial};
use workloads::{Plan, Run, Workload};

platform::entry!(main);

#[global_allocator]
static HEAP: platform::no_heap::NoHeap = platform::no_heap::NoHeap;

/// Entered from the start-up code with what the loader left in EAX and EBX.
extern "C" fn main(magic: u32, information: u32) -> ! {
    serial::start();
    line!("amoeba-rs benchmark {}", env!("CARGO_PKG_VERSION"));
    exceptions::start();
    match Plan::parse(loader::command_line(&loader::information(magic, information))) {
        Err(refusal) => line!("benchmark refused: {refusal}"),
        Ok(plan) => {
            platform::interrupt_controller::start();
            paging::start();
            rings::start();
            timer::start();
            let good = plan.runs().iter().filter(|run| is_good(**run)).count();
            line!("benchmark done: {good} good, {} bad", plan.runs().len() - good);
        }
    }
    serial::drain();
    processor::halt()
}

/// Runs a workload and tells about it; whether its result is right.
fn is_good(run: Run) -> bool {
    let Run { workload, turns } = run;
    let name = workload.name();
    prepare(workload);
    line!("begin {name} {turns}");
    serial::drain();
    let result = execute(run);
    line!("end {name} {result:08x}");
    let right = workload.result(turns);
    if result == right {
        line!("good {name}");
    } else {
        line!("bad {name}: {right:08x} is right");
    }
    result == right
}

/// Brings memory into the state in which the workload begins.
fn prepare(workload: Workload) {
    match workload {
        Workload::IntegerMix => memory::fill_table(),
        Workload::Crc => memory::fill_message(),
        Workload::Copy => memory::fill_first_page(),
        Workload::Pages => memory::clear_counters(),
        _ => {}
    }
}

fn execute(run: Run) -> u32 {
    let turns = run.turns;
    // SAFETY: each function is given the memory that its description asks for, and nobody else uses it meanwhile.
    unsafe {
        match run.workload {
            Workload::IntegerMix => code::integer_mix(turns, memory::TABLE.get().cast()),
            Workload::Crc => code::crc(
                turns,
                memory::MESSAGE.get().cast(),
                memory::CRC_TABLE.get().cast(),
            ),
            Workload::Sieve => code::sieve(turns, memory::FLAGS.get().cast()),
            Workload::Copy => {
                code::copy(turns, memory::COPIED.get().cast());
                memory::copied_checksum()
            }
            Workload::Calls => code::calls(turns),
            Workload::Pages => {
                paging::switch(turns);
                memory::pages_checksum()
            }
            Workload::Interrupt => code::interrupt(turns),
            Workload::RingInterrupt => rings::interrupt(turns),
            Workload::RingCall => rings::call(turns),
            Workload::Ports => code::ports(turns),
            Workload::Timer => timer::await_interrupts(turns),
        }
    }
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    processor::disable_interrupts();
    line!("benchmark panic: {}", info.message());
    processor::halt()
}
