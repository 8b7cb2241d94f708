//! Mutual exclusion of threads. Locking and unlocking take no system call while nobody waits.

use super::calls;
use core::arch::asm;
use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use proto::system_call::{Call, MUTEX_FREE, MUTEX_LOCKED};

/// A mutex without anything in it.
#[derive(Debug)]
pub struct RawMutex(UnsafeCell<u32>);

// SAFETY: the word is changed by single instructions and by the kernel only.
unsafe impl Sync for RawMutex {}
// SAFETY: it does not belong to a thread.
unsafe impl Send for RawMutex {}

impl Default for RawMutex {
    fn default() -> RawMutex {
        RawMutex::new()
    }
}

impl RawMutex {
    /// A mutex that is free.
    pub const fn new() -> RawMutex {
        RawMutex(UnsafeCell::new(MUTEX_FREE))
    }

    /// A mutex that is locked.
    pub const fn new_locked() -> RawMutex {
        RawMutex(UnsafeCell::new(MUTEX_LOCKED))
    }

    /// The word itself, as the system calls for it take it.
    pub fn word(&self) -> *mut u32 {
        self.0.get()
    }

    /// Waits until the mutex is this thread's.
    pub fn lock(&self) {
        // A signal ends the wait, but not the wish.
        while !self.lock_within(-1) {}
    }

    /// Waits so many milliseconds for the mutex: 0 to try once, -1 for ever. Whether it is this thread's.
    pub fn lock_within(&self, milliseconds: i32) -> bool {
        let was_free: u8;
        // SAFETY: one instruction, which nothing interrupts: it borrows exactly if the word was MUTEX_FREE, which is 0.
        unsafe {
            asm!("sub dword ptr [{0}], 1", "setc {1}", in(reg) self.word(), out(reg_byte) was_free, options(nostack));
        }
        let arguments = [
            self.word().expose_provenance() as u32,
            milliseconds.cast_unsigned(),
            0,
            0,
        ];
        // SAFETY: the kernel changes the word as its rules say.
        was_free != 0 || unsafe { calls::call(Call::MutexLock, arguments) } == 0
    }

    /// Gives the mutex to the thread that waits longest.
    pub fn unlock(&self) {
        let was_unwanted: u8;
        // SAFETY: one instruction, which nothing interrupts: it carries exactly if the word was MUTEX_LOCKED, the
        // greatest number.
        unsafe {
            asm!("add dword ptr [{0}], 1", "setc {1}", in(reg) self.word(), out(reg_byte) was_unwanted,
                options(nostack));
        }
        if was_unwanted == 0 {
            // SAFETY: the kernel changes the word as its rules say.
            unsafe {
                calls::call(
                    Call::MutexUnlock,
                    [self.word().expose_provenance() as u32, 0, 0, 0],
                )
            };
        }
    }
}

/// A value that one thread at a time may use.
#[derive(Debug)]
pub struct Mutex<T> {
    mutex: RawMutex,
    value: UnsafeCell<T>,
}

// SAFETY: the mutex lets one thread at a time to the value.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// A value that nobody uses.
    pub const fn new(value: T) -> Mutex<T> {
        Mutex {
            mutex: RawMutex::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits until the value is this thread's.
    pub fn lock(&self) -> Guard<'_, T> {
        self.mutex.lock();
        Guard(self)
    }
}

/// The right to use a value, until it is dropped.
#[derive(Debug)]
pub struct Guard<'a, T>(&'a Mutex<T>);

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the mutex is locked for this guard.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the mutex is locked for this guard.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.0.mutex.unlock();
    }
}

/// A counting semaphore.
#[derive(Debug)]
pub struct Semaphore {
    /// Locked while the level is 0, and by who is about to lower it.
    entry: RawMutex,
    level: Mutex<u32>,
}

impl Semaphore {
    /// A semaphore of that level.
    pub const fn new(level: u32) -> Semaphore {
        Semaphore {
            entry: if level == 0 {
                RawMutex::new_locked()
            } else {
                RawMutex::new()
            },
            level: Mutex::new(level),
        }
    }

    /// Waits until the level is above 0, and lowers it by one.
    pub fn down(&self) {
        self.entry.lock();
        self.lower(1);
    }

    /// Waits so many milliseconds for the level to be above 0, then lowers it by one; false if it was 0 all the time.
    pub fn down_within(&self, milliseconds: i32) -> bool {
        let is_above = self.entry.lock_within(milliseconds);
        if is_above {
            self.lower(1);
        }
        is_above
    }

    /// Waits until the level is above 0, and lowers it by as much as there is, at most `most`: how much.
    pub fn down_many(&self, most: u32) -> u32 {
        self.entry.lock();
        self.lower(most)
    }

    /// Waits so many milliseconds for the level to be above 0, and lowers it by as much as there is, at most `most`: how much, or
    /// `None` if it was 0 all the time.
    pub fn down_many_within(&self, most: u32, milliseconds: i32) -> Option<u32> {
        self.entry.lock_within(milliseconds).then(|| self.lower(most))
    }

    /// Lowers the level; the entry is locked for this thread.
    fn lower(&self, most: u32) -> u32 {
        let mut level = self.level.lock();
        let count = most.min(*level);
        *level -= count;
        if *level > 0 {
            self.entry.unlock();
        }
        count
    }

    /// Raises the level by one.
    pub fn up(&self) {
        self.up_many(1);
    }

    /// Raises the level.
    pub fn up_many(&self, count: u32) {
        let mut level = self.level.lock();
        if *level == 0 && count > 0 {
            self.entry.unlock();
        }
        *level += count;
    }

    /// The level at this moment.
    pub fn level(&self) -> u32 {
        *self.level.lock()
    }
}
