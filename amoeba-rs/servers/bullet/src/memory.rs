//! The memory of the cache, to which threads have access while others change what the cache holds elsewhere: replies go out of it
//! and the disk's sectors come into it without a copy in between.
//!
//! Why `unsafe` holds here: bytes are reached only with a token of [`crate::cache`], which gives out an [`Exclusive`] for a range that
//! no other token covers, and any number of [`Shared`] for one that no `Exclusive` covers. Tokens cannot be copied, and a
//! reference borrows its token.

#![allow(unsafe_code)]

use crate::cache::{Exclusive, Shared};
use crate::disk::bytes_of;
use core::marker::PhantomData;
use core::ptr::NonNull;

/// The memory of one cache.
#[derive(Debug)]
pub(crate) struct Memory<'m> {
    start: NonNull<u8>,
    length: usize,
    lent: PhantomData<&'m mut [u8]>,
}

// SAFETY: it stands for a mutable reference to bytes, and access goes by tokens.
unsafe impl Send for Memory<'_> {}
// SAFETY: as above; two threads reach the same bytes only to read them.
unsafe impl Sync for Memory<'_> {}

impl<'m> Memory<'m> {
    /// Memory that nobody else uses.
    pub(crate) fn new(memory: &'m mut [u8]) -> Memory<'m> {
        Memory {
            length: memory.len(),
            start: NonNull::from(memory).cast(),
            lent: PhantomData,
        }
    }

    /// How many bytes there are.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Where a range lies.
    fn range(&self, start: u32, units: u32) -> (NonNull<u8>, usize) {
        let (start, length) = (bytes_of(start), bytes_of(units));
        assert!(start + length <= self.length, "a token of this memory");
        // SAFETY: it lies within the memory.
        (unsafe { self.start.add(start) }, length)
    }

    /// Bytes that others may read too.
    pub(crate) fn bytes<'t>(&'t self, token: &'t Shared) -> &'t [u8] {
        let (start, length) = self.range(token.start(), token.units());
        // SAFETY: while the token lives nobody has an exclusive one for any of these bytes.
        unsafe { NonNull::slice_from_raw_parts(start, length).as_ref() }
    }

    /// Bytes that nobody else reaches.
    pub(crate) fn bytes_mut<'t>(&'t self, token: &'t mut Exclusive) -> &'t mut [u8] {
        let (start, length) = self.range(token.start(), token.units());
        // SAFETY: while the token lives there is no other one for any of these bytes.
        unsafe { NonNull::slice_from_raw_parts(start, length).as_mut() }
    }
}
