//! The memory that transactions read and write: a user's, by its physical address, or the kernel's own.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use kernel_core::process::Pinned;
use kernel_core::rpc;
use platform::processor::copy_words;

/// A thread's memory, as long as a transaction uses it.
#[derive(Clone)]
pub(crate) enum Buffer {
    /// A part of a segment, which stays where it is as long as this lives.
    User(Pinned),
    /// Memory of the kernel.
    Kernel(Rc<RefCell<Vec<u8>>>),
}

impl Buffer {
    /// These bytes.
    pub(super) fn kernel(bytes: Vec<u8>) -> Buffer {
        Buffer::Kernel(Rc::new(RefCell::new(bytes)))
    }

    /// Up to `length` bytes from the beginning on, if it is the kernel's.
    pub(super) fn bytes(&self, length: u32) -> Vec<u8> {
        match self {
            Buffer::User(_) => Vec::new(),
            Buffer::Kernel(bytes) => {
                let bytes = bytes.borrow();
                bytes[..bytes.len().min(length as usize)].to_vec()
            }
        }
    }
}

impl rpc::Buffer for Buffer {
    fn length(&self) -> u32 {
        match self {
            Buffer::User(place) => place.length,
            Buffer::Kernel(bytes) => bytes.borrow().len() as u32,
        }
    }

    fn read(&self, offset: u32, length: u32, each: &mut dyn FnMut(&[u8])) {
        match self {
            Buffer::User(place) => {
                let part = place.part(offset, length);
                if part.length > 0 {
                    // SAFETY: the pin keeps the segment's memory, which is mapped at its own address; no user's program runs
                    // meanwhile.
                    each(unsafe {
                        core::slice::from_raw_parts(part.start as *const u8, part.length as usize)
                    });
                }
            }
            Buffer::Kernel(bytes) => each(&bytes.borrow()[offset as usize..(offset + length) as usize]),
        }
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) {
        match self {
            Buffer::User(place) => {
                let part = place.part(offset, bytes.len() as u32);
                let (from, to, length) = (bytes.as_ptr(), part.start as *mut u8, part.length as usize);
                // SAFETY: as in `read`. The two may be the same user's memory.
                unsafe {
                    if from.addr().abs_diff(to.addr()) < length {
                        core::ptr::copy(from, to, length);
                    } else {
                        copy_words(from, to, length);
                    }
                }
            }
            Buffer::Kernel(own) => {
                own.borrow_mut()[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}
