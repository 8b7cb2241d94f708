//! Page tables: virtual addresses equal physical ones, all memory is mapped, page 0 and the page below the
//! stack are not, and of the area from 640 KB to 1 MB only what a driver asks for. (Intel 80386 Programmer's
//! Reference Manual, section 5.2. On a 386 the supervisor ignores the write bit, so it is set everywhere.)

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};
use kernel_core::memory::{EXTENDED_START, LARGEST, Memory, PAGE};
use platform::shared::Shared;

const ENTRIES: usize = 1024;
const TABLES: usize = (LARGEST / PAGE) as usize / ENTRIES;
const PRESENT_AND_WRITABLE: u32 = 0x3;
const CONVENTIONAL_END: u32 = 0xa_0000;

#[repr(C, align(4096))]
struct Table([u32; ENTRIES]);

static DIRECTORY: Shared<Table> = Shared::new(Table([0; ENTRIES]));
static PAGE_TABLES: Shared<[Table; TABLES]> = Shared::new([const { Table([0; ENTRIES]) }; TABLES]);

unsafe extern "C" {
    /// The page below the stack, from the linker's layout.
    static stack_guard: u8;
}

/// The page directory that the processor uses.
static CURRENT: AtomicU32 = AtomicU32::new(0);

/// Builds the tables for `memory` and turns paging on.
pub(crate) fn start(memory: Memory) {
    let guard = (&raw const stack_guard).addr() as u32;
    let usable = (PAGE..CONVENTIONAL_END).chain(EXTENDED_START..memory.end);
    for address in usable.step_by(PAGE as usize).filter(|address| *address != guard) {
        map(address);
    }
    let directory = DIRECTORY.get().cast::<u32>();
    for table in 0..TABLES {
        // SAFETY: both arrays have an entry of that number, and nobody else uses them while the kernel starts.
        unsafe {
            let entries = PAGE_TABLES.get().cast::<Table>().add(table);
            directory
                .add(table)
                .write(entries.addr() as u32 | PRESENT_AND_WRITABLE);
        }
    }
    // SAFETY: the directory maps the kernel, its stack and all memory where they already are. The jump empties
    // the instruction queue, as the manual asks (section 10.4.4). Bit 2 has every instruction of a coprocessor trap:
    // programs are given none, whether there is one or not.
    unsafe {
        asm!("mov cr3, {directory}", "mov {status}, cr0", "or {status}, 0x80000004", "mov cr0, {status}",
            "jmp 2f", "2:", directory = in(reg) directory, status = out(reg) _, options(nostack));
    }
}

/// The kernel's own page directory.
pub(crate) fn kernel_directory() -> u32 {
    DIRECTORY.get().addr() as u32
}

/// Has the processor use the page directory at that physical address, which maps the kernel as its own does.
pub(crate) fn switch(directory: u32) {
    if CURRENT.load(Ordering::Relaxed) != directory {
        CURRENT.store(directory, Ordering::Relaxed);
        // SAFETY: every directory maps the kernel's memory where it is.
        unsafe { asm!("mov cr3, {}", in(reg) directory, options(nostack, preserves_flags)) }
    }
}

/// Maps memory of a device between 640 KB and 1 MB.
///
/// # Panics
/// If the area is not there.
pub(crate) fn map_device(start: u32, length: u32) {
    assert!(
        start >= CONVENTIONAL_END && start + length <= EXTENDED_START,
        "no device memory at {start:#x}"
    );
    for address in (start..start + length).step_by(PAGE as usize) {
        map(address);
    }
    // SAFETY: loading CR3 with itself only forgets translations that the processor remembers.
    unsafe {
        asm!("mov {directory}, cr3", "mov cr3, {directory}", directory = out(reg) _, options(nostack));
    }
}

fn map(address: u32) {
    let page = (address / PAGE) as usize;
    assert!(page < TABLES * ENTRIES, "an address that the tables do not cover");
    // SAFETY: the entry lies within the tables; only the main program changes them.
    unsafe {
        PAGE_TABLES
            .get()
            .cast::<u32>()
            .add(page)
            .write_volatile(address | PRESENT_AND_WRITABLE)
    }
}
