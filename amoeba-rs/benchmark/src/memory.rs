//! What the workloads work on.

use platform::shared::Shared;
use workloads::{COPIED_DWORDS, COPIED_PAGES, CRC_BYTES, FLAGS as FLAG_COUNT, PAGES, TABLE_WORDS};

/// Memory that begins with a page.
#[repr(C, align(4096))]
pub(crate) struct Aligned<T>(pub(crate) T);

/// The integer mix's table.
pub(crate) static TABLE: Shared<Aligned<[u32; TABLE_WORDS]>> = Shared::new(Aligned([0; TABLE_WORDS]));
/// The message whose CRC is taken.
pub(crate) static MESSAGE: Shared<Aligned<[u8; CRC_BYTES]>> = Shared::new(Aligned([0; CRC_BYTES]));
/// The remainders of all bytes.
pub(crate) static CRC_TABLE: Shared<Aligned<[u32; 256]>> = Shared::new(Aligned([0; 256]));
/// The sieve, a byte for each odd number.
pub(crate) static FLAGS: Shared<Aligned<[u8; FLAG_COUNT]>> = Shared::new(Aligned([0; FLAG_COUNT]));
/// The first page and those that it is copied through.
pub(crate) static COPIED: Shared<Aligned<[[u32; COPIED_DWORDS]; COPIED_PAGES + 1]>> =
    Shared::new(Aligned([[0; COPIED_DWORDS]; COPIED_PAGES + 1]));
/// The pages of both directories; each holds a counter.
pub(crate) static COUNTERS: Shared<Aligned<[[[u32; 1024]; PAGES]; 2]>> =
    Shared::new(Aligned([[[0; 1024]; PAGES]; 2]));

/// Where in its page a counter lies.
pub(crate) const COUNTER_OFFSET: usize = 64;

/// The only reference to what is shared.
///
/// # Safety
/// No workload is under way.
#[expect(
    clippy::mut_from_ref,
    reason = "there is one processor, and the caller promises that no workload runs"
)]
unsafe fn idle<T>(shared: &Shared<Aligned<T>>) -> &mut T {
    // SAFETY: only workloads and the functions of this module use this memory, one at a time.
    unsafe { &mut (*shared.get()).0 }
}

/// Fills the integer mix's table.
pub(crate) fn fill_table() {
    // SAFETY: called between workloads.
    let table = unsafe { idle(&TABLE) };
    *table = core::array::from_fn(workloads::word_of_table);
}

/// Fills the message and the table of the CRC.
pub(crate) fn fill_message() {
    // SAFETY: called between workloads.
    let (message, table) = unsafe { (idle(&MESSAGE), idle(&CRC_TABLE)) };
    *message = core::array::from_fn(workloads::byte_of_message);
    *table = core::array::from_fn(workloads::crc_table_entry);
}

/// Fills the first page; the others are written by copying.
pub(crate) fn fill_first_page() {
    // SAFETY: called between workloads.
    let pages = unsafe { idle(&COPIED) };
    pages[0] = core::array::from_fn(workloads::word_of_page);
}

/// The checksum of the last page.
pub(crate) fn copied_checksum() -> u32 {
    // SAFETY: called between workloads.
    let pages = unsafe { idle(&COPIED) };
    workloads::copied_checksum(|index| pages[COPIED_PAGES][index], 0)
}

/// Sets all counters to zero.
pub(crate) fn clear_counters() {
    // SAFETY: called between workloads.
    let counters = unsafe { idle(&COUNTERS) };
    for page in counters.as_flattened_mut() {
        page[COUNTER_OFFSET / 4] = 0;
    }
}

/// The checksum of all counters.
pub(crate) fn pages_checksum() -> u32 {
    // SAFETY: called between workloads.
    let counters = unsafe { idle(&COUNTERS) };
    workloads::pages_checksum(|directory, page| counters[directory][page][COUNTER_OFFSET / 4])
}
