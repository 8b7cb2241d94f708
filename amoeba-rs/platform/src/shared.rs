//! Memory that the machine or interrupt handlers share with the rest of the program.

use core::cell::UnsafeCell;

/// A value that is reached through raw pointers or with interrupts off only.
#[repr(transparent)]
pub struct Shared<T>(UnsafeCell<T>);

// SAFETY: there is one processor, and every access says why no other one can be under way.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// A value at its start.
    pub const fn new(value: T) -> Shared<T> {
        Shared(UnsafeCell::new(value))
    }

    /// Where the value is.
    pub const fn get(&self) -> *mut T {
        self.0.get()
    }
}
