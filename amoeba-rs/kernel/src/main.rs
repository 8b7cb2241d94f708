//! The kernel on the machine: start-up, traps, paging and drivers. What can be decided without touching the
//! machine is in `kernel-core`, where the host tests it.
//!
//! A tour, in the order of events: `platform` takes over from the Multiboot loader, [`loader`] reads what it left,
//! [`paging`] maps memory, [`traps`] catches exceptions and interrupts,
//! [`clock`] brings the machine's pulse, [`disks`] and [`floppies`] are asked what they are, [`network`] runs the 3C503, FLIP and transactions,
//! [`servers`] starts the kernel's servers, [`system`] runs them and processes, by entering [`user`] programs.
//! Everything is told on the [`console`].
//!
//! Why `unsafe` holds here: there is one processor, memory is mapped one to one, and interrupt handlers share
//! with the main program only atomics, which either side reads or writes in one instruction; what takes more
//! than one happens with interrupts off.

#![no_std]
#![no_main]

extern crate alloc;

mod boot;
mod clock;
mod cmos;
mod console;
mod disks;
mod floppies;
mod keyboard;
mod loader;
mod memory;
mod network;
mod paging;
mod post;
mod restart;
mod serial_line;
mod servers;
mod system;
mod traps;
mod user;
mod vga;

use console::line;
use core::panic::PanicInfo;
use kernel_core::machine::Milliseconds;
use platform::{interrupt_controller, processor, serial};
use post::{Stage, stage};
use strings as _;

platform::entry!(main);

/// Entered from the start-up code with what the loader left in EAX and EBX.
extern "C" fn main(magic: u32, information: u32) -> ! {
    stage(Stage::Entered);
    serial::start();
    let loaded = loader::read(magic, information);
    let memory = loaded.memory;
    memory::start(&loaded);
    traps::start();
    user::start();
    stage(Stage::Descriptors);
    paging::start(memory);
    stage(Stage::Paging);
    console::show_on(vga::Vga::start());
    line!("amoeba-rs kernel {}", env!("CARGO_PKG_VERSION"));
    line!("memory {} KB by {}", memory.end / 1024, memory.source);
    interrupt_controller::start();
    stage(Stage::Interrupts);
    clock::start();
    test_bswap();
    stage(Stage::SelfTest);
    processor::enable_interrupts();
    let disks = disks::start(clock::uptime());
    let floppies = floppies::start(clock::uptime());
    let driver = network::start(&loaded.options);
    stage(Stage::Network);
    let system = system::System::start(&loaded, driver, disks, floppies);
    serial_line::start();
    keyboard::start();
    line!("kernel ready");
    stage(Stage::Ready);
    run(system, &loaded)
}

/// Works whenever an interrupt may have brought something to do, lets programs run when there is none, and sleeps when
/// they do not want to either. The loader's programs are started as soon as the kernel's servers know what they serve.
fn run(mut system: system::System, loaded: &loader::Loaded) -> ! {
    let mut is_started = false;
    loop {
        if !is_started && system.is_settled() {
            is_started = true;
            system.start_programs(loaded);
        }
        if !system.work() {
            rest(system.due());
        }
    }
}

/// Sleeps until a device has something to tell or the time `due` has come. Of a tick before that it only takes note.
fn rest(due: Milliseconds) {
    loop {
        processor::disable_interrupts();
        if traps::has_news() || due <= clock::uptime() {
            return processor::enable_interrupts();
        }
        processor::sleep();
        traps::look_for_news();
    }
}

/// The compiler emits `BSWAP` for a 386, which lacks it; this shows that it works all the same.
fn test_bswap() {
    let before = traps::emulated_instructions();
    let swapped = processor::bswap(0x1234_5678);
    let how = if traps::emulated_instructions() == before {
        "by the processor"
    } else {
        "by the kernel"
    };
    assert!(
        swapped == 0x7856_3412,
        "bswap 12345678 gave {swapped:08x}, carried out {how}"
    );
    line!("bswap carried out {how}");
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    processor::disable_interrupts();
    serial_line::stop();
    stage(Stage::Stopped);
    let (esp, ebp) = processor::stack();
    let (status, directory) = processor::control();
    line!("kernel panic: {}", info.message());
    if let Some(place) = info.location() {
        line!("at {place}");
    }
    line!(
        "esp {esp:08x} ebp {ebp:08x} eflags {:08x} cr0 {status:08x} cr3 {directory:08x}",
        processor::flags()
    );
    line!("kernel stopped");
    processor::halt()
}
