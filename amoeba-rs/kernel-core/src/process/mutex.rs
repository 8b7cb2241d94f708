//! Threads that wait for a mutex. A mutex is a word in user memory ([`MUTEX_FREE`] and the others); the kernel knows
//! only those who wait, by the segment that the word lies in, so that processes can share one.

use super::{Processes, ThreadId, UserBuffer, Wait};
use crate::machine::{Machine, Milliseconds};
use proto::signal::Exception;
use proto::system_call::{MUTEX_AWAITED, MUTEX_FREE, MUTEX_LOCKED};

/// Names a mutex: segment, offset in it.
pub type Key = (u16, u32);

/// A thread that waits for a mutex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiter {
    key: Key,
    id: ThreadId,
}

impl Waiter {
    /// Whether it is this thread.
    pub(super) fn is(&self, id: ThreadId) -> bool {
        self.id == id
    }
}

impl Processes {
    /// `mu_trylock`: `None` if the thread waits now.
    pub(super) fn lock(
        &mut self,
        machine: &mut impl Machine,
        id: ThreadId,
        address: u32,
        patience: i32,
        now: Milliseconds,
    ) -> Result<Option<i32>, Exception> {
        let key = self.key(id.process, address)?;
        let is_free = self.read_word(machine, id.process, address)? == MUTEX_FREE;
        if is_free && !self.is_awaited(key) {
            self.set(machine, key, MUTEX_LOCKED);
            return Ok(Some(0));
        }
        if patience == 0 {
            self.set_by_waiters(machine, key);
            return Ok(Some(-1));
        }
        let until = u64::try_from(patience).ok().map(|patience| now + patience);
        self.block(id, Wait::Mutex { key, until });
        self.waiters.push(Waiter { key, id });
        if is_free {
            self.hand_over(machine, key);
        } else {
            self.set(machine, key, MUTEX_AWAITED);
        }
        Ok(None)
    }

    /// `mu_unlock`.
    pub(super) fn unlock(
        &mut self,
        machine: &mut impl Machine,
        slot: u16,
        address: u32,
    ) -> Result<(), Exception> {
        let key = self.key(slot, address)?;
        self.hand_over(machine, key);
        Ok(())
    }

    /// The mutex whose word is at this address of a process.
    fn key(&self, slot: u16, address: u32) -> Result<Key, Exception> {
        let word = UserBuffer { address, length: 4 };
        let (mapping, offset) = self.place(slot, word, true).ok_or(Exception::Argument)?;
        Ok((mapping.segment, offset))
    }

    /// Gives the mutex to the one who waits longest, in a process with priorities of those with the highest; it is
    /// free if nobody waits.
    fn hand_over(&mut self, machine: &mut impl Machine, key: Key) {
        let rank = |waiter: &Waiter| {
            let is_preemptive = self.process(waiter.id.process).is_preemptive;
            if is_preemptive {
                self.thread(waiter.id).priority
            } else {
                0
            }
        };
        let waiting = self
            .waiters
            .iter()
            .enumerate()
            .filter(|(_, waiter)| waiter.key == key);
        // Of equals `min_by_key` takes the first.
        let next = waiting.min_by_key(|(_, waiter)| core::cmp::Reverse(rank(waiter)));
        let Some((place, _)) = next else {
            self.set(machine, key, MUTEX_FREE);
            return;
        };
        let Waiter { id, .. } = self.waiters.remove(place);
        self.set_by_waiters(machine, key);
        self.wake(machine, id, 0);
    }

    /// Writes what a locked mutex holds: whether somebody waits.
    fn set_by_waiters(&self, machine: &mut impl Machine, key: Key) {
        let word = if self.is_awaited(key) {
            MUTEX_AWAITED
        } else {
            MUTEX_LOCKED
        };
        self.set(machine, key, word);
    }

    fn is_awaited(&self, key: Key) -> bool {
        self.waiters.iter().any(|waiter| waiter.key == key)
    }

    fn set(&self, machine: &mut impl Machine, (segment, offset): Key, word: u32) {
        let written = self.segments.write(machine, segment, offset, &word.to_le_bytes());
        assert!(written.is_ok(), "the mutex lies in its segment");
    }

    /// The thread no longer waits for its mutex.
    pub(super) fn leave_mutex(&mut self, id: ThreadId) {
        self.waiters.retain(|waiter| waiter.id != id);
    }

    /// The contents of a segment have moved by so many bytes.
    pub(super) fn move_mutexes(&mut self, segment: u16, distance: u32) {
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.key.0 == segment) {
            waiter.key.1 = waiter.key.1.wrapping_add(distance);
        }
    }
}
