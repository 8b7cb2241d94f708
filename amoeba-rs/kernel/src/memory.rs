//! Memory by its physical address, which is its virtual address too: who has which pages, the heap of the kernel, and
//! [`Memory`], by which processes get theirs.

use crate::loader::{self, Loaded};
use crate::paging;
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU32, Ordering};
use kernel_core::frames::Frames;
use kernel_core::machine::Machine;
use kernel_core::memory::{EXTENDED_START, PAGE};
use kernel_core::secrets::Secrets;
use platform::processor::{clear, without_interrupts};
use platform::shared::Shared;
use proto::capability::Port;

/// End of the conventional memory that is used: what lies above belongs to the BIOS.
const CONVENTIONAL_END: u32 = 0x9_f000;

static FRAMES: Shared<Frames> = Shared::new(Frames::new());

unsafe extern "C" {
    /// The first byte behind the kernel, from the linker's layout.
    static kernel_end: u8;
}

fn with_frames<R>(action: impl FnOnce(&mut Frames) -> R) -> R {
    // SAFETY: interrupts are off and `action` does not come here again, so this is the only reference.
    without_interrupts(|| action(unsafe { &mut *FRAMES.get() }))
}

/// Makes all memory free but the kernel and what the loader left.
pub(crate) fn start(loaded: &Loaded) {
    let kernel = (&raw const kernel_end).addr() as u32;
    with_frames(|frames| {
        frames.add(PAGE, CONVENTIONAL_END);
        frames.add(kernel.max(EXTENDED_START), loaded.memory.end);
        for (start, end) in loaded.kept() {
            frames.reserve(start, end);
        }
    });
}

/// Takes memory for DMA by the 8237, for good: below 16 MB and across no multiple of 64 KB, as its counters want it.
pub(crate) fn for_dma(bytes: u32) -> Option<u32> {
    const SEGMENT: u32 = 64 << 10;
    const END: u32 = 16 << 20;
    with_frames(|frames| frames.allocate_within(bytes.div_ceil(PAGE), SEGMENT, END))
}

/// Makes the memory of a module free, which nobody looks at any more.
pub(crate) fn free_module(module: &loader::Program, end_of_memory: u32) {
    let start = module.file.as_ptr().addr() as u32;
    let end = (start + module.file.len() as u32).min(end_of_memory);
    let kernel = (&raw const kernel_end).addr() as u32;
    with_frames(|frames| frames.add(start.max(kernel), end.max(kernel)));
}

/// Pages that only the kernel's own heap may take, so that no program can leave it without memory. What the heap holds is
/// limited by the numbers of processes, threads and segments, and by the length of a message.
static KEPT_PAGES: AtomicU32 = AtomicU32::new(96);

/// Keeps so many bytes more for the kernel's own heap.
pub(crate) fn keep(bytes: usize) {
    let pages = (bytes as u32).div_ceil(PAGE);
    KEPT_PAGES.store(KEPT_PAGES.load(Ordering::Relaxed) + pages, Ordering::Relaxed);
}

/// Free pages that programs may have.
fn available(frames: &Frames) -> u32 {
    frames.count().saturating_sub(KEPT_PAGES.load(Ordering::Relaxed))
}

fn leaves_enough(frames: &Frames, pages: u32) -> bool {
    available(frames) >= pages
}

/// The machine's memory, as processes are given it.
pub(crate) struct Memory {
    secrets: Secrets,
}

impl Memory {
    /// The memory; there is one.
    pub(crate) const fn new(secrets: Secrets) -> Memory {
        Memory { secrets }
    }
}

impl Machine for Memory {
    fn allocate(&mut self, pages: u32) -> Option<u32> {
        with_frames(|frames| leaves_enough(frames, pages).then(|| frames.allocate(pages))?)
    }

    fn extend(&mut self, start: u32, pages: u32) -> bool {
        with_frames(|frames| leaves_enough(frames, pages) && frames.extend(start, pages))
    }

    fn release(&mut self, start: u32, pages: u32) {
        with_frames(|frames| frames.release(start, pages));
    }

    fn free_pages(&self) -> u32 {
        with_frames(|frames| available(frames))
    }

    fn memory(&self, start: u32, length: u32) -> &[u8] {
        // SAFETY: the area was allocated by this value and is no memory of Rust's; all memory is mapped at its own
        // address, and whoever writes it does so through a unique reference to this value, or is a user's program,
        // which does not run meanwhile.
        unsafe { core::slice::from_raw_parts(start as *const u8, length as usize) }
    }

    fn memory_mut(&mut self, start: u32, length: u32) -> &mut [u8] {
        // SAFETY: see `memory`.
        unsafe { core::slice::from_raw_parts_mut(start as *mut u8, length as usize) }
    }

    fn clear(&mut self, start: u32, length: u32) {
        // SAFETY: the area was allocated, and nobody else has a reference to it; see `memory`.
        unsafe { clear(start as *mut u8, length as usize) }
    }

    fn copy(&mut self, from: u32, to: u32, length: u32) {
        // SAFETY: both areas were allocated; see `memory`. The kernel's directory, from which entries are copied, is
        // memory too.
        unsafe { core::ptr::copy(from as *const u8, to as *mut u8, length as usize) }
    }

    fn kernel_directory(&self) -> u32 {
        paging::kernel_directory()
    }

    fn forget_translations(&mut self) {
        paging::switch(paging::kernel_directory());
    }

    fn random_port(&mut self) -> Port {
        self.secrets.number()
    }

    fn seed_bits(&self) -> (u32, u64) {
        self.secrets.count()
    }
}

/// Sizes of the heap's blocks: powers of two from this one to half a page. What is larger takes whole pages.
const SMALLEST: usize = 16;
const CLASSES: usize = 8;

/// A free block: it holds the address of the next one.
struct Free {
    next: *mut Free,
}

/// The kernel's heap. Blocks of one size come from pages of their own, which stay with that size.
struct Heap(Shared<[*mut Free; CLASSES]>);

#[global_allocator]
static HEAP: Heap = Heap(Shared::new([null_mut(); CLASSES]));

/// The class of blocks for a layout; `None` for whole pages.
fn class(layout: Layout) -> Option<usize> {
    let size = layout
        .size()
        .max(layout.align())
        .max(SMALLEST)
        .next_power_of_two();
    let class = (size / SMALLEST).trailing_zeros() as usize;
    (class < CLASSES).then_some(class)
}

fn pages(layout: Layout) -> u32 {
    (layout.size() as u32).div_ceil(PAGE)
}

impl Heap {
    /// Cuts a page into blocks.
    ///
    /// # Safety
    /// Interrupts are off.
    unsafe fn refill(&self, class: usize) {
        let Some(page) = with_frames(|frames| frames.allocate(1)) else {
            return;
        };
        for offset in (0..PAGE as usize).step_by(SMALLEST << class) {
            // SAFETY: the block lies in a page that was just allocated; the caller promised that nobody else is here.
            unsafe { self.put((page as usize + offset) as *mut Free, class) };
        }
    }

    /// Adds a block to those that are free.
    ///
    /// # Safety
    /// Interrupts are off, and nobody uses the block, which is of that class.
    unsafe fn put(&self, block: *mut Free, class: usize) {
        // SAFETY: the caller promised that the block is free and that nobody else is here.
        unsafe {
            let head = &mut (*self.0.get())[class];
            block.write(Free { next: *head });
            *head = block;
        }
    }

    /// Takes a free block, or null.
    ///
    /// # Safety
    /// Interrupts are off.
    unsafe fn take(&self, class: usize) -> *mut u8 {
        // SAFETY: blocks in the list are free and hold what `put` wrote; the caller promised that nobody else is here.
        unsafe {
            let head = &mut (*self.0.get())[class];
            let block = *head;
            if let Some(free) = block.as_ref() {
                *head = free.next;
            }
            block.cast()
        }
    }
}

// SAFETY: a block is in the hands of one owner from `alloc` to `dealloc`; blocks of a class are as large and as aligned
// as the class says, and whole pages are aligned to pages.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class(layout) else {
            if layout.align() > PAGE as usize {
                return null_mut();
            }
            let start = with_frames(|frames| frames.allocate(pages(layout)));
            return start.map_or(null_mut(), |start| start as *mut u8);
        };
        without_interrupts(|| {
            // SAFETY: interrupts are off.
            unsafe {
                let block = self.take(class);
                if !block.is_null() {
                    return block;
                }
                self.refill(class);
                self.take(class)
            }
        })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promised a layout that is not empty, and the block is its own as soon as it has it.
        unsafe {
            let block = self.alloc(layout);
            if !block.is_null() {
                clear(block, layout.size());
            }
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match class(layout) {
            // SAFETY: interrupts are off, and the caller gives the block back.
            Some(class) => without_interrupts(|| unsafe { self.put(block.cast(), class) }),
            None => with_frames(|frames| frames.release(block.addr() as u32, pages(layout))),
        }
    }
}
