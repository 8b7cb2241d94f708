//! Selectors and descriptors (PRM sections 5.1.3, 6.3 and 7.2), and reading them from their tables.

use crate::core::Core;
use crate::paging::Level;
use crate::segment;
use crate::{Bus, Fault, SegmentRegister, Vector};

/// A segment selector: index, table indicator and requested privilege level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector(pub(crate) u16);

impl Selector {
    /// Selects nothing: index 0 of the global table.
    #[inline]
    pub(crate) const fn is_null(self) -> bool {
        self.0 & !3 == 0
    }

    /// TI: selects from the local table.
    #[inline]
    pub(crate) const fn is_local(self) -> bool {
        self.0 & 4 != 0
    }

    /// RPL, 0 to 3.
    #[inline]
    pub(crate) const fn requested_privilege(self) -> u8 {
        (self.0 & 3) as u8
    }

    /// Byte offset of the descriptor in its table.
    #[inline]
    pub(crate) const fn table_offset(self) -> u32 {
        (self.0 & !7) as u32
    }

    /// The same selector with another RPL.
    #[inline]
    pub(crate) const fn with_privilege(self, privilege: u8) -> Self {
        Self((self.0 & !3) | privilege as u16)
    }

    /// The fault that blames this selector.
    #[inline]
    pub(crate) const fn fault(self, vector: Vector) -> Fault {
        Fault::with_code(vector, self.0 & !3)
    }
}

/// Eight bytes of a descriptor table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// Bytes 0 to 3.
    pub(crate) low: u32,
    /// Bytes 4 to 7.
    pub(crate) high: u32,
}

/// What a descriptor describes (PRM table 6-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A code segment.
    Code,
    /// A data segment.
    Data,
    /// A local descriptor table.
    LocalTable,
    /// A task state segment.
    TaskState {
        /// Of the 386, not the 286.
        is_32_bit: bool,
        /// A task that runs or waits for a nested one.
        is_busy: bool,
    },
    /// A call gate.
    CallGate {
        /// Of the 386, not the 286.
        is_32_bit: bool,
    },
    /// A task gate.
    TaskGate,
    /// An interrupt gate, which clears IF, or a trap gate.
    InterruptGate {
        /// Of the 386, not the 286.
        is_32_bit: bool,
        /// A trap gate: IF stays.
        is_trap: bool,
    },
    /// One of the reserved types 0, 8, 10, 13.
    Reserved,
}

/// Bit 41 of a task state segment's descriptor.
const BUSY: u32 = 1 << 9;

impl Descriptor {
    /// Decodes the type bits.
    #[inline]
    pub(crate) fn kind(self) -> Kind {
        const NOT_SYSTEM: u32 = 1 << 12;
        const CODE: u32 = 1 << 11;
        if self.high & NOT_SYSTEM != 0 {
            return if self.high & CODE != 0 {
                Kind::Code
            } else {
                Kind::Data
            };
        }
        let number = (self.high >> 8) & 15;
        let is_32_bit = number & 8 != 0;
        match number {
            2 => Kind::LocalTable,
            1 | 9 => Kind::TaskState {
                is_32_bit,
                is_busy: false,
            },
            3 | 11 => Kind::TaskState {
                is_32_bit,
                is_busy: true,
            },
            4 | 12 => Kind::CallGate { is_32_bit },
            5 => Kind::TaskGate,
            6 | 14 => Kind::InterruptGate {
                is_32_bit,
                is_trap: false,
            },
            7 | 15 => Kind::InterruptGate {
                is_32_bit,
                is_trap: true,
            },
            _ => Kind::Reserved,
        }
    }

    /// As a segment register's contents.
    #[inline]
    pub(crate) fn to_register(self, selector: Selector) -> SegmentRegister {
        let base = (self.low >> 16) | ((self.high & 0xFF) << 16) | (self.high & 0xFF00_0000);
        SegmentRegister {
            selector: selector.0,
            base,
            limit: self.limit(),
            access: self.access(),
        }
    }

    /// Limit in bytes.
    #[inline]
    pub(crate) fn limit(self) -> u32 {
        let limit = (self.low & 0xFFFF) | (self.high & 0x000F_0000);
        if self.is_page_granular() {
            (limit << 12) | 0xFFF
        } else {
            limit
        }
    }

    /// G: the limit counts pages.
    #[inline]
    pub(crate) const fn is_page_granular(self) -> bool {
        self.high & (1 << 23) != 0
    }

    /// Bytes 5 and 6 without the limit's bits.
    #[inline]
    pub(crate) const fn access(self) -> u16 {
        ((self.high >> 8) & 0xF0FF) as u16
    }

    /// P.
    #[inline]
    pub(crate) const fn is_present(self) -> bool {
        self.high & (1 << 15) != 0
    }

    /// DPL, 0 to 3.
    #[inline]
    pub(crate) const fn privilege(self) -> u8 {
        ((self.high >> 13) & 3) as u8
    }

    /// Of a code segment: conforming.
    #[inline]
    pub(crate) const fn is_conforming(self) -> bool {
        self.high & (1 << 10) != 0
    }

    /// Of a code segment: readable. Of a data segment: writable.
    #[inline]
    pub(crate) const fn is_readable_or_writable(self) -> bool {
        self.high & (1 << 9) != 0
    }

    /// Of a gate: the target's selector.
    #[inline]
    pub(crate) const fn gate_selector(self) -> Selector {
        Selector((self.low >> 16) as u16)
    }

    /// Of a gate: the target's offset.
    #[inline]
    pub(crate) const fn gate_offset(self, is_32_bit: bool) -> u32 {
        if is_32_bit {
            (self.low & 0xFFFF) | (self.high & 0xFFFF_0000)
        } else {
            self.low & 0xFFFF
        }
    }

    /// Of a call gate: how many parameters it copies, 0 to 31.
    #[inline]
    pub(crate) const fn gate_parameters(self) -> u32 {
        self.high & 0x1F
    }
}

impl Core {
    /// Reads a selector's descriptor. Outside its table's limit it is `outside` that blames the selector.
    #[inline]
    pub(crate) fn descriptor<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
        outside: Vector,
    ) -> Result<Descriptor, Fault> {
        match self.find_descriptor(bus, selector)? {
            Some(descriptor) => Ok(descriptor),
            None => Err(selector.fault(outside)),
        }
    }

    /// Reads a selector's descriptor, if it lies within its table.
    #[inline]
    pub(crate) fn find_descriptor<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
    ) -> Result<Option<Descriptor>, Fault> {
        match self.descriptor_address(selector) {
            Some(address) => self.read_descriptor(bus, address).map(Some),
            None => Ok(None),
        }
    }

    /// Reads eight bytes at a linear address.
    #[inline]
    pub(crate) fn read_descriptor<B: Bus>(&mut self, bus: &mut B, address: u32) -> Result<Descriptor, Fault> {
        let low = self.read_linear(bus, address, Level::Supervisor)?;
        let high = self.read_linear(bus, address.wrapping_add(4), Level::Supervisor)?;
        Ok(Descriptor { low, high })
    }

    /// The aligned eight bytes at a linear address, where they are found at once and without waits.
    #[inline(always)]
    pub(crate) fn descriptor_at_hand<B: Bus>(&self, bus: &mut B, address: u32) -> Option<Descriptor> {
        let [low, high] = self.quadword_at_hand(bus, address)?;
        Some(Descriptor { low, high })
    }

    /// The linear address of a selector's descriptor, if it lies within its table.
    #[inline]
    pub(crate) fn descriptor_address(&self, selector: Selector) -> Option<u32> {
        let (base, limit) = if selector.is_local() {
            if self.ldtr.access & segment::PRESENT == 0 {
                return None;
            }
            (self.ldtr.base, self.ldtr.limit)
        } else {
            (self.gdtr.base, u32::from(self.gdtr.limit))
        };
        let offset = selector.table_offset();
        (offset + 7 <= limit).then(|| base.wrapping_add(offset))
    }

    /// Sets the accessed bit of a code or data descriptor in its table, where it is not set yet, and in the returned copy. It
    /// has just been read, and the supervisor may write everywhere, so this faults only where a guest maps its tables
    /// in a way that changes under the walk.
    #[inline]
    pub(crate) fn mark_accessed<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
        descriptor: Descriptor,
    ) -> Result<Descriptor, Fault> {
        let accessed = Descriptor {
            high: descriptor.high | (u32::from(segment::ACCESSED) << 8),
            ..descriptor
        };
        if accessed != descriptor {
            self.write_access_byte(bus, selector, accessed)?;
        }
        Ok(accessed)
    }

    /// Sets or clears the busy bit of a task state segment's descriptor in its table; returns the changed copy.
    pub(crate) fn set_busy<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
        is_busy: bool,
    ) -> Result<(), Fault> {
        let Some(descriptor) = self.find_descriptor(bus, selector)? else {
            return Ok(());
        };
        let high = if is_busy {
            descriptor.high | BUSY
        } else {
            descriptor.high & !BUSY
        };
        self.write_access_byte(bus, selector, Descriptor { high, ..descriptor })
    }

    #[inline(never)]
    fn write_access_byte<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
        descriptor: Descriptor,
    ) -> Result<(), Fault> {
        let Some(address) = self.descriptor_address(selector) else {
            return Ok(());
        };
        let byte = (descriptor.high >> 8) as u8;
        self.write_linear(bus, address.wrapping_add(5), byte, Level::Supervisor)
    }
}
