//! The heap of a program: segments that it maps for itself, one behind the other, cut into blocks of powers of two.

use super::calls;
use super::mutex::Mutex;
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;
use proto::capability::Capability;
use proto::process::SegmentKind;

/// First address of the heap, far from the program and from its stack.
const START: usize = 0x2000_0000;
/// First address that is not the heap's.
const END: usize = 0x6000_0000;
/// Bytes that are mapped at once, if no block needs more.
const CHUNK: usize = 64 << 10;
const PAGE: usize = 4096;
/// Sizes of blocks: powers of two from this one on.
const SMALLEST: usize = 16;
const CLASSES: usize = 22;

/// A free block: it holds the address of the next one.
struct Free {
    next: *mut Free,
}

struct Blocks {
    free: [*mut Free; CLASSES],
    /// What is mapped and has not been a block yet.
    next: usize,
    end: usize,
}

// SAFETY: the pointers lead to memory that belongs to no thread.
unsafe impl Send for Blocks {}

/// The heap.
struct Heap(Mutex<Blocks>);

#[global_allocator]
static HEAP: Heap = Heap(Mutex::new(Blocks {
    free: [null_mut(); CLASSES],
    next: START,
    end: START,
}));

impl Blocks {
    /// A block of `size` bytes, a power of two, that was never one.
    fn fresh(&mut self, size: usize) -> *mut u8 {
        let mut start = self.next.next_multiple_of(size.min(PAGE));
        if start + size > self.end {
            // A block lies in one segment, so that it can be an argument of a system call; what is left of the last one
            // is lost.
            start = self.end;
            if !self.extend(size) {
                return null_mut();
            }
        }
        self.next = start + size;
        start as *mut u8
    }

    /// Maps so many bytes more, at least.
    fn extend(&mut self, length: usize) -> bool {
        let length = length.next_multiple_of(PAGE).max(CHUNK);
        if length > END - self.end {
            return false;
        }
        let kind = SegmentKind::DATA | SegmentKind::READ_WRITE;
        // SAFETY: nothing else of this program lies in the heap's addresses.
        let number = unsafe { calls::map(&Capability::NULL, self.end as u32, length as u32, kind) };
        if number >= 0 {
            self.end += length;
        }
        number >= 0
    }
}

fn class(layout: Layout) -> Option<usize> {
    let size = layout
        .size()
        .max(layout.align())
        .max(SMALLEST)
        .checked_next_power_of_two()?;
    let class = (size / SMALLEST).trailing_zeros() as usize;
    (class < CLASSES && layout.align() <= PAGE).then_some(class)
}

// SAFETY: a block is in the hands of one owner from `alloc` to `dealloc`; it is as large as its class says, and aligned
// to its size up to that of a page.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class(layout) else {
            return null_mut();
        };
        let mut blocks = self.0.lock();
        let block = blocks.free[class];
        // SAFETY: blocks in the list are free and hold what `dealloc` wrote.
        if let Some(free) = unsafe { block.as_ref() } {
            blocks.free[class] = free.next;
            return block.cast();
        }
        blocks.fresh(SMALLEST << class)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(class) = class(layout) {
            let mut blocks = self.0.lock();
            let block = block.cast::<Free>();
            let next = blocks.free[class];
            // SAFETY: the caller gives the block back, which is large enough.
            unsafe { block.write(Free { next }) };
            blocks.free[class] = block;
        }
    }
}
