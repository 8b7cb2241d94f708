//! What descriptors of code and stack segments make of segment registers, remembered: programs and kernels take turns with the same few.
//!
//! An entry says what follows from a selector and the eight bytes of its descriptor, which whoever asks has just read. So it is right for ever,
//! whatever becomes of the descriptor tables.

use crate::descriptor::{Descriptor, Selector};
use crate::memory::Reach;
use crate::{Segment, SegmentRegister};

/// Entries for each kind of segment, a power of two: systems for this processor have one segment of each kind for each of two levels.
const ENTRIES: usize = 4;

/// P, DPL, S, and of code segments the type without the right to read.
const CODE: u32 = 0xFD00;
/// A present, accessed code segment of level 0 that is not conforming.
const PLAIN_CODE: u32 = 0x9900;
/// B, P, DPL, S, and of data segments the type without the direction to expand in.
const STACK: u32 = 0x0040_FB00;
/// A present, accessed, writable data segment of level 0 with 32-bit stack pointer.
const PLAIN_STACK: u32 = 0x0040_9300;
/// Where the DPL stands.
const PRIVILEGE_SHIFT: u32 = 13;

/// A segment that may be loaded at the level that its selector requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownSegment {
    descriptor: Descriptor,
    /// What is loaded.
    pub(crate) register: SegmentRegister,
    /// The reach of that.
    pub(crate) reach: Reach,
}

impl KnownSegment {
    /// None: a selector that is never looked for in this place.
    fn none_at(number: usize) -> Self {
        Self {
            descriptor: Descriptor { low: 0, high: 0 },
            register: SegmentRegister {
                selector: ((number as u16 + 1) % ENTRIES as u16) << 3,
                ..SegmentRegister::default()
            },
            reach: Reach::default(),
        }
    }

    fn of(segment: Segment, selector: Selector, descriptor: Descriptor) -> Self {
        let register = descriptor.to_register(selector);
        Self {
            descriptor,
            register,
            reach: Reach::of(segment, &register),
        }
    }

    #[inline(always)]
    fn is(&self, selector: Selector, descriptor: Descriptor) -> bool {
        self.descriptor == descriptor && self.register.selector == selector.0
    }
}

/// Those that were met last.
#[derive(Clone, Debug)]
pub(crate) struct KnownSegments {
    codes: [KnownSegment; ENTRIES],
    stacks: [KnownSegment; ENTRIES],
}

impl Default for KnownSegments {
    fn default() -> Self {
        Self {
            codes: std::array::from_fn(KnownSegment::none_at),
            stacks: std::array::from_fn(KnownSegment::none_at),
        }
    }
}

impl KnownSegments {
    /// Whether code of the level that a selector requests may run in its segment as the descriptor has it: present, accessed, of that level, not
    /// conforming. Then it is what [`KnownSegments::code`] tells.
    #[inline(always)]
    pub(crate) fn knows_code(&mut self, selector: Selector, descriptor: Descriptor) -> bool {
        self.code(selector).is(selector, descriptor) || self.learn_code(selector, descriptor)
    }

    /// The same of a stack: present, accessed, of that level, writable, with 32-bit stack pointer.
    #[inline(always)]
    pub(crate) fn knows_stack(&mut self, selector: Selector, descriptor: Descriptor) -> bool {
        self.stack(selector).is(selector, descriptor) || self.learn_stack(selector, descriptor)
    }

    /// The code segment of a selector that is known.
    #[inline(always)]
    pub(crate) fn code(&self, selector: Selector) -> &KnownSegment {
        &self.codes[place(selector)]
    }

    /// The stack segment of a selector that is known.
    #[inline(always)]
    pub(crate) fn stack(&self, selector: Selector) -> &KnownSegment {
        &self.stacks[place(selector)]
    }

    #[cold]
    #[inline(never)]
    fn learn_code(&mut self, selector: Selector, descriptor: Descriptor) -> bool {
        let is_fit = !selector.is_null() && descriptor.high & CODE == PLAIN_CODE | privilege_bits(selector);
        if is_fit {
            self.codes[place(selector)] = KnownSegment::of(Segment::Cs, selector, descriptor);
        }
        is_fit
    }

    #[cold]
    #[inline(never)]
    fn learn_stack(&mut self, selector: Selector, descriptor: Descriptor) -> bool {
        let is_fit = !selector.is_null() && descriptor.high & STACK == PLAIN_STACK | privilege_bits(selector);
        if is_fit {
            self.stacks[place(selector)] = KnownSegment::of(Segment::Ss, selector, descriptor);
        }
        is_fit
    }
}

/// Where a selector's segment is remembered.
#[inline(always)]
fn place(selector: Selector) -> usize {
    usize::from(selector.0 >> 3) % ENTRIES
}

/// The requested level as a DPL.
fn privilege_bits(selector: Selector) -> u32 {
    u32::from(selector.requested_privilege()) << PRIVILEGE_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Descriptor with these bytes 5 and 6 (without the limit's bits), base 1234_5000h and limit 0FFFh.
    fn descriptor(access: u32) -> Descriptor {
        Descriptor {
            low: 0x5000_0FFF,
            high: 0x1200_0034 | access << 8,
        }
    }

    #[test]
    fn only_segments_of_the_requested_level_that_need_no_change_are_known() {
        let selectors = [0x08, 0x09, 0x0A, 0x0B].map(Selector);
        for access in (0..=0xFF).flat_map(|access| [access, access | 0x4000]) {
            let mut known = KnownSegments::default();
            for selector in selectors {
                let level = u32::from(selector.requested_privilege()) << 5;
                let is_code = [0x99, 0x9B].map(|plain| plain | level).contains(&(access & 0xFF));
                let is_stack = [0x93, 0x97].map(|plain| 0x4000 | plain | level).contains(&access);
                assert_eq!(
                    known.knows_code(selector, descriptor(access)),
                    is_code,
                    "{access:x}"
                );
                assert_eq!(
                    known.knows_stack(selector, descriptor(access)),
                    is_stack,
                    "{access:x}"
                );
                let registers = [known.code(selector).register, known.stack(selector).register];
                for (register, is_known) in registers.into_iter().zip([is_code, is_stack]) {
                    assert!(!is_known || register == descriptor(access).to_register(selector));
                }
            }
        }
    }

    #[test]
    fn at_first_nothing_is_known_not_even_where_all_is_zero() {
        let zero = Descriptor { low: 0, high: 0 };
        for selector in (0..=u16::MAX).map(Selector) {
            let mut known = KnownSegments::default();
            assert!(!known.knows_code(selector, zero) && !known.knows_stack(selector, zero));
        }
    }

    #[test]
    fn a_selector_whose_descriptor_has_changed_is_learnt_again() {
        let mut known = KnownSegments::default();
        let (first, second) = (descriptor(0x409B), descriptor(0x009B));
        for descriptor in [first, second, first] {
            assert!(known.knows_code(Selector(8), descriptor));
            assert_eq!(
                known.code(Selector(8)).register,
                descriptor.to_register(Selector(8))
            );
        }
        assert!(!known.knows_code(Selector(8), descriptor(0x401B)), "not present");
        assert!(
            known.knows_code(Selector(0x28), second),
            "another in the same place"
        );
        assert_eq!(known.code(Selector(0x28)).register.selector, 0x28);
    }
}
