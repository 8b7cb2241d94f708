//! Two page directories. Both map the first 4 MB one to one; above them lies a window, in which each shows counters of its
//! own. (Intel 80386 Programmer's Reference Manual, section 5.2.)

use crate::memory::{Aligned, COUNTER_OFFSET, COUNTERS};
use core::arch::{asm, naked_asm};
use platform::shared::Shared;
use workloads::PAGES;

const ENTRIES: usize = 1024;
const PAGE: usize = 4096;
/// Present, writable, for user programs too.
const OPEN: u32 = 0x7;
/// Where the window begins.
const WINDOW: u32 = 4 << 20;

type Table = Shared<Aligned<[u32; ENTRIES]>>;

static DIRECTORIES: [Table; 2] = [const { Shared::new(Aligned([0; ENTRIES])) }; 2];
static WINDOWS: [Table; 2] = [const { Shared::new(Aligned([0; ENTRIES])) }; 2];
static IDENTITY: Table = Shared::new(Aligned([0; ENTRIES]));

/// Builds the tables and turns paging on.
pub(crate) fn start() {
    for page in 0..ENTRIES {
        set(&IDENTITY, page, page * PAGE);
    }
    let counters = COUNTERS.get().addr();
    for (number, (directory, window)) in DIRECTORIES.iter().zip(&WINDOWS).enumerate() {
        for page in 0..PAGES {
            set(window, page, counters + (number * PAGES + page) * PAGE);
        }
        set(directory, 0, IDENTITY.get().addr());
        set(directory, 1, window.get().addr());
    }
    // SAFETY: the directory maps the program and its stack where they already are. The jump empties the instruction
    // queue, as the manual asks (section 10.4.4).
    unsafe {
        asm!("mov cr3, {directory}", "mov {status}, cr0", "or {status}, 0x80000000", "mov cr0, {status}",
            "jmp 2f", "2:", directory = in(reg) DIRECTORIES[0].get(), status = out(reg) _, options(nostack));
    }
}

fn set(table: &Table, entry: usize, address: usize) {
    assert!(entry < ENTRIES, "a page table has 1024 entries");
    // SAFETY: the entry lies in the table, and the processor has not been told of the tables.
    unsafe { table.get().cast::<u32>().add(entry).write(address as u32 | OPEN) };
}

/// Loads CR3 so many times, with the two directories in turn, and each time adds one to the counters in the window.
pub(crate) fn switch(turns: u32) {
    // SAFETY: both directories map everything but the window alike, and the first is in use before and after.
    unsafe { switch_directories(turns, DIRECTORIES[0].get().cast(), DIRECTORIES[1].get().cast()) };
}

/// As [`switch`].
///
/// # Safety
/// The directories are those of this module.
#[unsafe(naked)]
unsafe extern "C" fn switch_directories(turns: u32, first: *const u32, second: *const u32) {
    naked_asm!(
        "push ebx",
        "mov ecx, [esp + 8]",
        "mov eax, [esp + 12]",
        "mov edx, [esp + 16]",
        "2:",
        "mov cr3, eax",
        "xchg eax, edx",
        ".set page, 0",
        ".rept {pages}",
        "mov ebx, [{counter} + page * 4096]",
        "inc ebx",
        "mov [{counter} + page * 4096], ebx",
        ".set page, page + 1",
        ".endr",
        "dec ecx",
        "jnz 2b",
        "mov eax, [esp + 12]",
        "mov cr3, eax",
        "pop ebx",
        "ret",
        pages = const PAGES,
        counter = const WINDOW as usize + COUNTER_OFFSET,
    )
}
