//! The heap of a program that has none: every request fails, which ends the program.

use core::alloc::{GlobalAlloc, Layout};

/// To be made the `#[global_allocator]`.
pub struct NoHeap;

// SAFETY: it gives out no memory.
unsafe impl GlobalAlloc for NoHeap {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
