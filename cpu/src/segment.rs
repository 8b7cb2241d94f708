//! Descriptors and segment registers (PRM chapters 5.1 and 6.3): what the access bits say, and loading a segment register
//! in all three modes.

use crate::core::Core;
use crate::descriptor::{Descriptor, Kind, Selector};
use crate::{Bus, Fault, Segment, SegmentRegister, Vector};

/// Access byte: the segment has been accessed.
pub(crate) const ACCESSED: u16 = 1 << 0;
/// Access byte of a data segment: writes are allowed. Of a code segment: reads are.
const WRITABLE_OR_READABLE: u16 = 1 << 1;
/// Access byte of a data segment: it expands down. Of a code segment: it is conforming.
const EXPAND_DOWN_OR_CONFORMING: u16 = 1 << 2;
/// Access byte: code, not data.
const CODE: u16 = 1 << 3;
/// Access byte: code or data, not a system segment or gate.
const NOT_SYSTEM: u16 = 1 << 4;
/// Access byte: present.
pub(crate) const PRESENT: u16 = 1 << 7;
/// D of code, B of data segments.
const BIG: u16 = 1 << 14;
/// G: the limit counts pages.
const PAGE_GRANULAR: u16 = 1 << 15;
/// A present, accessed, writable data segment of privilege level 0.
const REAL_MODE_ACCESS: u16 = 0x93;
/// The same of privilege level 3.
const VIRTUAL_8086_ACCESS: u16 = 0xF3;

impl Segment {
    /// All six, in the order of their numbers.
    pub(crate) const ALL: [Self; 6] = [Self::Es, Self::Cs, Self::Ss, Self::Ds, Self::Fs, Self::Gs];
}

impl SegmentRegister {
    /// After reset, or as a loader for real mode wants it.
    pub(crate) const fn real(selector: u16) -> Self {
        Self {
            selector,
            base: (selector as u32) << 4,
            limit: 0xFFFF,
            access: REAL_MODE_ACCESS,
        }
    }

    /// As virtual 8086 mode loads it.
    pub(crate) const fn virtual_8086(selector: u16) -> Self {
        Self {
            access: VIRTUAL_8086_ACCESS,
            ..Self::real(selector)
        }
    }

    const fn has(&self, bits: u16) -> bool {
        self.access & bits == bits
    }

    /// Code or data, and present: programs can access memory through it.
    const fn is_usable(&self) -> bool {
        self.has(PRESENT | NOT_SYSTEM)
    }

    /// Holds code.
    pub(crate) const fn is_code(&self) -> bool {
        self.has(NOT_SYSTEM | CODE)
    }

    /// Code that less privileged code may call without changing its own level.
    pub(crate) const fn is_conforming(&self) -> bool {
        self.has(NOT_SYSTEM | CODE | EXPAND_DOWN_OR_CONFORMING)
    }

    /// Data whose offsets lie above the limit.
    pub(crate) const fn is_expand_down(&self) -> bool {
        self.has(NOT_SYSTEM | EXPAND_DOWN_OR_CONFORMING) && !self.has(CODE)
    }

    /// Programs may read.
    pub(crate) const fn is_readable(&self) -> bool {
        self.is_usable() && (!self.has(CODE) || self.has(WRITABLE_OR_READABLE))
    }

    /// Programs may write.
    pub(crate) const fn is_writable(&self) -> bool {
        self.is_usable() && !self.has(CODE) && self.has(WRITABLE_OR_READABLE)
    }

    /// D or B: 32-bit code, 32-bit stack pointer, or an upper bound of 4 GB.
    pub(crate) const fn is_big(&self) -> bool {
        self.has(BIG)
    }

    /// DPL, 0 to 3.
    pub(crate) const fn privilege(&self) -> u8 {
        ((self.access >> 5) & 3) as u8
    }

    /// Whether all of `bytes` bytes (at least one) from an offset lie within the limit.
    pub(crate) fn holds(&self, offset: u32, bytes: u32) -> bool {
        let Some(last) = offset.checked_add(bytes - 1) else {
            return false;
        };
        if !self.is_expand_down() {
            return last <= self.limit;
        }
        let upper = if self.is_big() { u32::MAX } else { 0xFFFF };
        offset > self.limit && last <= upper
    }
}

impl Core {
    /// Loads a segment register other than CS, with all checks of the mode.
    pub(crate) fn load_segment<B: Bus>(
        &mut self,
        bus: &mut B,
        segment: Segment,
        selector: u16,
    ) -> Result<(), Fault> {
        if !self.is_protected() || self.is_virtual_8086() {
            self.load_segment_8086(segment, selector);
            return Ok(());
        }
        let selector = Selector(selector);
        let register = if segment == Segment::Ss {
            let (selector, descriptor) =
                self.stack_descriptor(bus, selector, self.privilege, Vector::GeneralProtection)?;
            descriptor.to_register(selector)
        } else {
            self.data_register(bus, selector, Vector::GeneralProtection)?
        };
        self.set_segment(segment, register);
        Ok(())
    }

    /// Real and virtual 8086 mode: the base is 16 times the selector. In real mode limit and size stay as they are,
    /// which makes 4 GB segments in real mode possible.
    pub(crate) fn load_segment_8086(&mut self, segment: Segment, selector: u16) {
        let register = if self.is_virtual_8086() {
            SegmentRegister::virtual_8086(selector)
        } else {
            let old = self.segment(segment);
            SegmentRegister {
                limit: old.limit,
                access: (old.access & (BIG | PAGE_GRANULAR)) | REAL_MODE_ACCESS,
                ..SegmentRegister::real(selector)
            }
        };
        self.set_segment(segment, register);
    }

    /// The contents of DS, ES, FS or GS for a selector; `blame` is #GP, or #TS in a task switch.
    pub(crate) fn data_register<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
        blame: Vector,
    ) -> Result<SegmentRegister, Fault> {
        if selector.is_null() {
            return Ok(SegmentRegister {
                selector: selector.0,
                ..SegmentRegister::default()
            });
        }
        let descriptor = self.descriptor(bus, selector, blame)?;
        let is_fit = match descriptor.kind() {
            Kind::Data => true,
            Kind::Code => descriptor.is_readable_or_writable(),
            _ => false,
        };
        let needed = selector.requested_privilege().max(self.privilege);
        if !is_fit || !is_open_to(descriptor, needed) {
            return Err(selector.fault(blame));
        }
        if !descriptor.is_present() {
            return Err(selector.fault(Vector::NotPresent));
        }
        Ok(self
            .mark_accessed(bus, selector, descriptor)?
            .to_register(selector))
    }

    /// A stack segment for a privilege level, with its accessed bit set; `blame` is #GP, or #TS in a task switch or for an
    /// inner stack.
    pub(crate) fn stack_descriptor<B: Bus>(
        &mut self,
        bus: &mut B,
        selector: Selector,
        privilege: u8,
        blame: Vector,
    ) -> Result<(Selector, Descriptor), Fault> {
        if selector.is_null() {
            return Err(Fault::with_code(blame, 0));
        }
        let descriptor = self.descriptor(bus, selector, blame)?;
        let is_fit = descriptor.kind() == Kind::Data && descriptor.is_readable_or_writable();
        if selector.requested_privilege() != privilege || !is_fit || descriptor.privilege() != privilege {
            return Err(selector.fault(blame));
        }
        if !descriptor.is_present() {
            return Err(selector.fault(Vector::Stack));
        }
        Ok((selector, self.mark_accessed(bus, selector, descriptor)?))
    }

    /// After a return to an outer level: data segments that the new level may not use become null (PRM section 6.3.4.2).
    pub(crate) fn drop_inner_segments(&mut self) {
        for segment in [Segment::Es, Segment::Ds, Segment::Fs, Segment::Gs] {
            let register = self.segment(segment);
            if !register.is_conforming() && register.privilege() < self.privilege {
                self.set_segment(segment, SegmentRegister::default());
            }
        }
    }
}

/// Whether data of this segment may be used by code of a privilege level: conforming code segments are open to all.
fn is_open_to(descriptor: Descriptor, privilege: u8) -> bool {
    let is_conforming = descriptor.kind() == Kind::Code && descriptor.is_conforming();
    is_conforming || privilege <= descriptor.privilege()
}
