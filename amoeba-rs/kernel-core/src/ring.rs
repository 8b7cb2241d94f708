//! A queue of fixed length, which an interrupt handler can fill and empty without taking memory.

/// The queue.
#[derive(Clone, Debug)]
pub struct Ring<T, const N: usize> {
    places: [T; N],
    first: usize,
    length: usize,
}

impl<T: Copy, const N: usize> Ring<T, N> {
    /// An empty queue; `filler` lies where nothing is.
    pub const fn new(filler: T) -> Ring<T, N> {
        Ring {
            places: [filler; N],
            first: 0,
            length: 0,
        }
    }

    /// Adds to the end; what finds no room is lost.
    pub fn push(&mut self, value: T) {
        if self.length < N {
            self.places[(self.first + self.length) % N] = value;
            self.length += 1;
        }
    }

    /// Takes from the beginning.
    pub fn pop(&mut self) -> Option<T> {
        self.length = self.length.checked_sub(1)?;
        let value = self.places[self.first];
        self.first = (self.first + 1) % N;
        Some(value)
    }

    /// How many more there is room for.
    pub const fn room(&self) -> usize {
        N - self.length
    }

    /// How many there is room for in all.
    pub const fn size(&self) -> usize {
        N
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn a_ring_is_a_queue_of_limited_length(values in proptest::collection::vec(any::<Option<u8>>(), 0..100)) {
            let mut ring: Ring<u8, 7> = Ring::new(0);
            let mut model = VecDeque::new();
            for value in values {
                match value {
                    Some(value) => {
                        ring.push(value);
                        if model.len() < ring.size() {
                            model.push_back(value);
                        }
                    }
                    None => prop_assert_eq!(ring.pop(), model.pop_front()),
                }
                prop_assert_eq!(ring.room(), 7 - model.len());
                prop_assert_eq!(ring.is_empty(), model.is_empty());
            }
        }
    }
}
