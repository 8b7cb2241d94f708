//! Waiting for the answer of a host, which another thread gets.

use libamoeba::system::mutex::{Mutex, Semaphore};

/// Answers, and threads that wait for the next one.
pub(super) struct Answers {
    waiting: Mutex<u32>,
    came: Semaphore,
}

impl Answers {
    /// Nobody waits.
    pub(super) const fn new() -> Answers {
        Answers {
            waiting: Mutex::new(0),
            came: Semaphore::new(0),
        }
    }

    /// Waits for an answer, but no longer than so many milliseconds. It may come back early.
    pub(super) fn wait(&self, milliseconds: u32) {
        *self.waiting.lock() += 1;
        if !self.came.down_within(milliseconds.cast_signed()) {
            let mut waiting = self.waiting.lock();
            *waiting = waiting.saturating_sub(1);
        }
    }

    /// An answer has come.
    pub(super) fn notify(&self) {
        let waiting = core::mem::take(&mut *self.waiting.lock());
        self.came.up_many(waiting);
    }
}
