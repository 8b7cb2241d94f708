//! No heap. Crates that this program shares with the kernel could use one; what it takes of them does not.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;

/// A heap without memory.
struct NoHeap;

#[global_allocator]
static HEAP: NoHeap = NoHeap;

// SAFETY: no block is ever given out.
unsafe impl GlobalAlloc for NoHeap {
    unsafe fn alloc(&self, _layout: Layout) -> *mut u8 {
        null_mut()
    }

    unsafe fn dealloc(&self, _block: *mut u8, _layout: Layout) {}
}
