//! The execution state that every handler sees: registers, hidden parts, cycle counter. The decode cache lives beside
//! it (in `Cpu`), so that a handler can be given the core mutably and its decoded instruction at the same time.

use crate::{Control, Cycle, Flags, Segment, SegmentRegister, TableRegister};

/// Registers and counters of the processor.
#[derive(Debug)]
pub(crate) struct Core {
    /// EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI.
    pub(crate) general: [u32; 8],
    /// While a handler runs: the address of the next instruction. The run loop takes the length off again when the
    /// handler returns a fault.
    pub(crate) eip: u32,
    eflags: u32,
    /// ES, CS, SS, DS, FS, GS with their hidden parts.
    pub(crate) segments: [SegmentRegister; 6],
    pub(crate) ldtr: SegmentRegister,
    pub(crate) tr: SegmentRegister,
    pub(crate) gdtr: TableRegister,
    pub(crate) idtr: TableRegister,
    pub(crate) cr0: Control,
    pub(crate) cr2: u32,
    pub(crate) cr3: u32,
    pub(crate) debug: [u32; 8],
    pub(crate) test: [u32; 2],
    /// Current privilege level, 0 to 3 (0 in real mode, 3 in virtual 8086 mode).
    pub(crate) privilege: u8,
    /// Cycles since power-on.
    pub(crate) cycles: Cycle,
    /// From `Pins`: no instruction begins at or after this cycle.
    pub(crate) until: Cycle,
    /// Instructions completed since power-on.
    pub(crate) instructions: u64,
    pub(crate) is_halted: bool,
    pub(crate) is_shut_down: bool,
    pub(crate) is_nmi_blocked: bool,
    pub(crate) is_in_shadow: bool,
}

impl Core {
    /// The whole of EFLAGS, bit 1 set.
    pub(crate) fn eflags(&self) -> Flags {
        Flags::from_bits_truncate(self.eflags) | Flags::ALWAYS
    }

    /// Sets the whole of EFLAGS; the caller has decided which bits may change.
    pub(crate) fn set_eflags(&mut self, flags: Flags) {
        self.eflags = (flags | Flags::ALWAYS).bits();
    }

    /// Whether all of `flags` are set.
    pub(crate) fn has(&self, flags: Flags) -> bool {
        self.eflags().contains(flags)
    }

    /// The segment register with its hidden part.
    pub(crate) fn segment(&self, segment: Segment) -> &SegmentRegister {
        &self.segments[segment as usize]
    }

    /// PE is set.
    pub(crate) fn is_protected(&self) -> bool {
        self.cr0.contains(Control::PROTECTION)
    }

    /// VM is set.
    pub(crate) fn is_virtual_8086(&self) -> bool {
        self.has(Flags::VIRTUAL_8086)
    }
}
