//! A table of fixed size whose rows are found by index, and queues of such rows linked by index.

use alloc::vec::Vec;

/// No row.
pub(super) const NONE: u16 = u16::MAX;

#[derive(Clone, Debug)]
enum Slot<T> {
    /// The next free one.
    Free(u16),
    Used(T),
}

/// The table.
#[derive(Clone, Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: u16,
    used: u16,
}

impl<T> Slab<T> {
    /// A table of `size` rows.
    pub(super) fn new(size: u16) -> Slab<T> {
        assert!(size < NONE, "indices are 16 bits wide");
        let next = |row| if row + 1 == size { NONE } else { row + 1 };
        Slab {
            slots: (0..size).map(|row| Slot::Free(next(row))).collect(),
            free: if size == 0 { NONE } else { 0 },
            used: 0,
        }
    }

    /// Rows in use.
    pub(super) fn used(&self) -> usize {
        usize::from(self.used)
    }

    /// All rows.
    pub(super) fn size(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.free == NONE
    }

    /// Fills a row; a full table gives the value back.
    pub(super) fn insert(&mut self, value: T) -> Result<u16, T> {
        let index = self.free;
        let Some(slot) = self.slots.get_mut(usize::from(index)) else {
            return Err(value);
        };
        if let Slot::Free(next) = *slot {
            self.free = next;
        }
        *slot = Slot::Used(value);
        self.used += 1;
        Ok(index)
    }

    /// Empties a row.
    ///
    /// # Panics
    /// If it is empty.
    pub(super) fn remove(&mut self, index: u16) -> T {
        let slot = core::mem::replace(&mut self.slots[usize::from(index)], Slot::Free(self.free));
        let Slot::Used(value) = slot else {
            panic!("row {index} is empty");
        };
        self.free = index;
        self.used -= 1;
        value
    }

    /// The row, if it is in use.
    pub(super) fn get(&self, index: u16) -> Option<&T> {
        match self.slots.get(usize::from(index)) {
            Some(Slot::Used(value)) => Some(value),
            _ => None,
        }
    }

    /// The row, if it is in use, to be changed.
    pub(super) fn get_mut(&mut self, index: u16) -> Option<&mut T> {
        match self.slots.get_mut(usize::from(index)) {
            Some(Slot::Used(value)) => Some(value),
            _ => None,
        }
    }

    /// The rows in use with their indices, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u16, &T)> {
        (0..).zip(&self.slots).filter_map(|(index, slot)| match slot {
            Slot::Used(value) => Some((index, value)),
            Slot::Free(_) => None,
        })
    }

    /// The rows in use, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u16, &mut T)> {
        (0..).zip(&mut self.slots).filter_map(|(index, slot)| match slot {
            Slot::Used(value) => Some((index, value)),
            Slot::Free(_) => None,
        })
    }
}

impl<T> core::ops::Index<u16> for Slab<T> {
    type Output = T;

    fn index(&self, index: u16) -> &T {
        self.get(index).expect("the row is in use")
    }
}

impl<T> core::ops::IndexMut<u16> for Slab<T> {
    fn index_mut(&mut self, index: u16) -> &mut T {
        self.get_mut(index).expect("the row is in use")
    }
}

/// A row that can stand in one queue.
pub(super) trait Linked {
    /// The row behind it.
    fn next(&mut self) -> &mut u16;
}

/// A queue of rows of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    head: u16,
    tail: u16,
}

impl Queue {
    pub(super) const EMPTY: Queue = Queue {
        head: NONE,
        tail: NONE,
    };

    pub(super) fn is_empty(self) -> bool {
        self.head == NONE
    }

    /// The first row.
    pub(super) fn first(self) -> Option<u16> {
        (self.head != NONE).then_some(self.head)
    }

    pub(super) fn push_back<T: Linked>(&mut self, slab: &mut Slab<T>, row: u16) {
        *slab[row].next() = NONE;
        if self.head == NONE {
            self.head = row;
        } else {
            *slab[self.tail].next() = row;
        }
        self.tail = row;
    }

    pub(super) fn push_front<T: Linked>(&mut self, slab: &mut Slab<T>, row: u16) {
        *slab[row].next() = self.head;
        self.head = row;
        if self.tail == NONE {
            self.tail = row;
        }
    }

    pub(super) fn pop_front<T: Linked>(&mut self, slab: &mut Slab<T>) -> Option<u16> {
        let row = self.first()?;
        self.head = *slab[row].next();
        if self.head == NONE {
            self.tail = NONE;
        }
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::{Linked, Queue, Slab};

    #[derive(Debug)]
    struct Row(u16);

    impl Linked for Row {
        fn next(&mut self) -> &mut u16 {
            &mut self.0
        }
    }

    #[test]
    fn a_full_table_gives_the_value_back_and_a_freed_row_is_used_again() {
        let mut slab = Slab::new(2);
        assert_eq!((slab.insert('a'), slab.insert('b')), (Ok(0), Ok(1)));
        assert_eq!(slab.insert('c'), Err('c'));
        assert_eq!(slab.remove(0), 'a');
        assert_eq!((slab.insert('d'), slab.used()), (Ok(0), 2));
    }

    #[test]
    fn a_queue_gives_rows_in_order_and_one_put_at_the_front_first() {
        let mut slab = Slab::new(3);
        let rows = [0; 3].map(|_| slab.insert(Row(0)).unwrap());
        let mut queue = Queue::EMPTY;
        queue.push_back(&mut slab, rows[0]);
        queue.push_back(&mut slab, rows[1]);
        queue.push_front(&mut slab, rows[2]);
        assert_eq!(queue.pop_front(&mut slab), Some(rows[2]));
        assert_eq!(queue.pop_front(&mut slab), Some(rows[0]));
        queue.push_back(&mut slab, rows[0]);
        assert_eq!(queue.pop_front(&mut slab), Some(rows[1]));
        assert_eq!(queue.pop_front(&mut slab), Some(rows[0]));
        assert!(queue.is_empty() && queue.pop_front(&mut slab).is_none());
    }
}
