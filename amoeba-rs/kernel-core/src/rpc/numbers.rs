//! Numbers of transactions: who counts them, and how far.
//!
//! A server's kernel remembers the last [`WINDOW`] transactions by the name of who counts them, and takes those before for
//! executed. A request that does not arrive for long, as its server is on its way to another machine, must not become one
//! of these while others are counted:
//!
//! * A process that moves counts its own transactions from then on, under the name of its address, and takes its numbers
//!   along. What the kernels that it visits do does not matter to it.
//! * Whoever would count too far beyond a request that may not have arrived changes its name. Nothing is counted under the
//!   old one any more, so what it names never grows old.

use super::limits::WINDOW;
use super::message::Payload;
use super::thread::{Marks, Phase, Transaction};
use super::{Rpc, ThreadId};
use proto::process::migration::Counter;

/// How far the last number may be ahead of one that may not have arrived. A kernel that hears of a name for the first time
/// begins its window so far before.
const FURTHEST: u32 = WINDOW / 2;

/// The numbers of a kernel's transactions, or of a process's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    name: [u8; 8],
    last: u32,
    /// All before this one have arrived, or never will.
    settled: u32,
}

impl Numbers {
    pub(super) fn new(name: [u8; 8]) -> Numbers {
        Numbers {
            name,
            last: 0,
            settled: 1,
        }
    }

    /// Those of a process that comes; which of its requests have arrived is still to be seen.
    pub(super) fn from(counter: &Counter) -> Numbers {
        Numbers {
            name: counter.name,
            last: counter.last,
            settled: counter.last.wrapping_sub(FURTHEST),
        }
    }

    pub(super) fn counter(&self) -> Counter {
        Counter {
            name: self.name,
            last: self.last,
        }
    }

    pub(super) fn name(&self) -> [u8; 8] {
        self.name
    }

    /// Counts under another name. Names are random, so the one that follows is nobody else's.
    pub(super) fn rename(&mut self) {
        self.name = u64::from_le_bytes(self.name).wrapping_add(1).to_le_bytes();
        self.settled = self.last.wrapping_add(1);
    }

    /// Who counts the next transaction, and its number. `ages` are the distances of this one to those that may not have arrived.
    fn next(&mut self, ages: impl FnOnce(&Numbers, u32) -> u32) -> ([u8; 8], u32) {
        let next = self.last.wrapping_add(1);
        if next.wrapping_sub(self.settled) > FURTHEST {
            self.settled = next.wrapping_sub(ages(self, next));
        }
        if next.wrapping_sub(self.settled) > FURTHEST {
            self.rename();
        }
        self.last = next;
        (self.name, next)
    }
}

impl<D: Payload> Rpc<D> {
    /// The number of the next transaction of a process, and who counts it.
    pub(super) fn next_number(&mut self, process: u16) -> ([u8; 8], u32) {
        let own = self.process(process).and_then(|known| known.numbers);
        let mut numbers = own.unwrap_or(self.numbers);
        let next = numbers.next(|numbers, next| self.oldest(numbers, next));
        match self.process_mut(process).map(|known| &mut known.numbers) {
            Some(Some(own)) => *own = numbers,
            _ => self.numbers = numbers,
        }
        next
    }

    /// The number for a thread's transaction, unless it has one.
    pub(super) fn number_for(&mut self, id: ThreadId) -> Option<([u8; 8], u32)> {
        let transaction = self.transaction_mut(id)?;
        if transaction.marks.contains(Marks::RETRANSMISSION) {
            return None;
        }
        Some(self.next_number(id.process))
    }

    /// How far the number `next` is ahead of the oldest one of these that may not have arrived; 0 if there is none.
    fn oldest(&self, numbers: &Numbers, next: u32) -> u32 {
        let processes = self.processes.iter().flatten();
        let transactions = processes
            .flat_map(|process| &process.threads)
            .filter_map(|thread| thread.transaction.as_ref());
        transactions
            .filter(|transaction| transaction.kernel == numbers.name && transaction.is_under_way())
            .map(|transaction| next.wrapping_sub(transaction.number))
            .max()
            .unwrap_or(0)
    }
}

impl<B> Transaction<B> {
    /// Whether its request has gone out, and may not have arrived.
    fn is_under_way(&self) -> bool {
        self.marks.contains(Marks::RETRANSMISSION) && self.phase != Phase::Waiting
    }
}

#[cfg(test)]
mod tests {
    use super::{FURTHEST, Numbers};
    use proto::process::migration::Counter;

    const NAME: [u8; 8] = [255, 255, 3, 4, 5, 6, 7, 8];
    const NEXT_NAME: [u8; 8] = [0, 0, 4, 4, 5, 6, 7, 8];

    /// Counts to there while this one may not have arrived.
    fn count_to(numbers: &mut Numbers, last: u32, waiting: Option<u32>) -> ([u8; 8], u32) {
        loop {
            let next = numbers.next(|_, next| waiting.map_or(0, |waiting| next.wrapping_sub(waiting)));
            if next.1 == last {
                return next;
            }
        }
    }

    #[test]
    fn a_name_counts_on_as_long_as_everything_arrives() {
        let mut numbers = Numbers::new(NAME);
        assert_eq!(
            count_to(&mut numbers, 100 * FURTHEST, None),
            (NAME, 100 * FURTHEST)
        );
    }

    #[test]
    fn the_name_changes_before_one_that_has_not_arrived_is_too_old() {
        let mut numbers = Numbers::new(NAME);
        count_to(&mut numbers, 1000, None);
        let waiting = 1000;
        let last = waiting + FURTHEST;
        assert_eq!(count_to(&mut numbers, last, Some(waiting)), (NAME, last));
        assert_eq!(
            count_to(&mut numbers, last + 1, Some(waiting)),
            (NEXT_NAME, last + 1)
        );
        // It is none of the new name's.
        assert_eq!(count_to(&mut numbers, 9000, None), (NEXT_NAME, 9000));
    }

    #[test]
    fn numbers_go_on_where_a_process_arrives_and_begin_again_at_their_end() {
        let counter = Counter {
            name: NAME,
            last: u32::MAX - 1,
        };
        let mut numbers = Numbers::from(&counter);
        assert_eq!(numbers.counter(), counter);
        let waiting = u32::MAX - 10;
        assert_eq!(count_to(&mut numbers, 0, Some(waiting)), (NAME, 0));
        let last = waiting.wrapping_add(FURTHEST);
        assert_eq!(count_to(&mut numbers, last, Some(waiting)), (NAME, last));
        assert_eq!(
            count_to(&mut numbers, last + 1, Some(waiting)),
            (NEXT_NAME, last + 1)
        );
    }
}
