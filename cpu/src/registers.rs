//! Names of registers and flag bits.

use bitflags::bitflags;

bitflags! {
    /// EFLAGS (Programmer's Reference Manual, section 2.3.4). Bit 1 always reads as one.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// CF, carry.
        const CARRY = 1 << 0;
        /// Bit 1, always set.
        const ALWAYS = 1 << 1;
        /// PF, even parity of the low byte.
        const PARITY = 1 << 2;
        /// AF, carry out of bit 3.
        const ADJUST = 1 << 4;
        /// ZF, zero.
        const ZERO = 1 << 6;
        /// SF, sign.
        const SIGN = 1 << 7;
        /// TF, single step.
        const TRAP = 1 << 8;
        /// IF, interrupts enabled.
        const INTERRUPT = 1 << 9;
        /// DF, strings go down.
        const DIRECTION = 1 << 10;
        /// OF, signed overflow.
        const OVERFLOW = 1 << 11;
        /// IOPL, two bits.
        const IO_PRIVILEGE = 3 << 12;
        /// NT, nested task.
        const NESTED = 1 << 14;
        /// RF, resume.
        const RESUME = 1 << 16;
        /// VM, virtual 8086 mode.
        const VIRTUAL_8086 = 1 << 17;
        /// The six arithmetic flags.
        const ARITHMETIC = Self::CARRY.bits() | Self::PARITY.bits() | Self::ADJUST.bits()
            | Self::ZERO.bits() | Self::SIGN.bits() | Self::OVERFLOW.bits();
    }
}

bitflags! {
    /// CR0 of a 386 (section 4.1.3).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Control: u32 {
        /// PE, protection enable.
        const PROTECTION = 1 << 0;
        /// MP, monitor coprocessor.
        const MONITOR_COPROCESSOR = 1 << 1;
        /// EM, emulate coprocessor.
        const EMULATE_COPROCESSOR = 1 << 2;
        /// TS, task switched.
        const TASK_SWITCHED = 1 << 3;
        /// ET, the coprocessor is a 387.
        const EXTENSION_387 = 1 << 4;
        /// PG, paging.
        const PAGING = 1 << 31;
    }
}

/// Segment registers, in the order in which instructions number them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Segment {
    Es = 0,
    Cs = 1,
    Ss = 2,
    Ds = 3,
    Fs = 4,
    Gs = 5,
}

/// General registers, in the order in which instructions number them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Register {
    Eax = 0,
    Ecx = 1,
    Edx = 2,
    Ebx = 3,
    Esp = 4,
    Ebp = 5,
    Esi = 6,
    Edi = 7,
}

/// A segment register with its hidden part, or LDTR or TR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentRegister {
    /// The visible selector.
    pub selector: u16,
    /// Base address.
    pub base: u32,
    /// Limit in bytes, granularity already applied.
    pub limit: u32,
    /// Descriptor bytes 5 and 6 as a word: access byte in bits 7-0, G, D/B, AVL in bits 15-12. Zero: not usable.
    pub access: u16,
}

/// GDTR or IDTR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableRegister {
    /// Linear base address.
    pub base: u32,
    /// Limit in bytes.
    pub limit: u16,
}

/// The page that code is executed from. Its translation is kept while execution stays in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecutedPage {
    /// Linear address bits 31 to 12.
    pub page: u32,
    /// Frame of [`crate::Bus::memory`]; none where instructions are fetched one by one.
    pub frame: Option<u32>,
}

/// A repeated string instruction that has stopped between two iterations. It goes on as it was fetched, even where it has overwritten itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatedInstruction {
    /// An instruction of the same effect, for the code size of CS: segment, operand size, address size, repeat prefix, opcode; those that it has not are zeros behind.
    pub code: [u8; 5],
    /// Bytes of the instruction itself, which EIP passes when it is done.
    pub length: u8,
}

/// The programmer's model as plain data: what a snapshot, a report or a loader needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI.
    pub general: [u32; 8],
    /// Instruction pointer.
    pub eip: u32,
    /// EFLAGS.
    pub eflags: u32,
    /// ES, CS, SS, DS, FS, GS.
    pub segments: [SegmentRegister; 6],
    /// Local descriptor table.
    pub ldtr: SegmentRegister,
    /// Task register.
    pub tr: SegmentRegister,
    /// Global descriptor table.
    pub gdtr: TableRegister,
    /// Interrupt descriptor table.
    pub idtr: TableRegister,
    /// CR0.
    pub cr0: u32,
    /// CR2, the linear address of the last page fault.
    pub cr2: u32,
    /// CR3, the page directory's base.
    pub cr3: u32,
    /// DR0 to DR7 (4 and 5 unused).
    pub debug: [u32; 8],
    /// Bits of DR6 whose condition has been met: a debug trap is due before the next instruction.
    pub debug_pending: u32,
    /// TR6 and TR7.
    pub test: [u32; 2],
    /// Current privilege level, 0 to 3.
    pub privilege: u8,
    /// The translation lookaside buffer: a guest can see its stale entries, and its misses cost clocks.
    pub translations: crate::Translations,
    /// The page that code is executed from, if its translation is still good. Whoever changes CS, CR0, CR3 or the level in a
    /// state sets it to none.
    pub executed_page: Option<ExecutedPage>,
    /// The [`crate::Pins::map_generation`] that was seen last.
    pub map_generation: u32,
    /// Cycles since power-on.
    pub cycles: crate::Cycle,
    /// Instructions completed since power-on.
    pub instructions: u64,
    /// Halted by HLT until an interrupt.
    pub is_halted: bool,
    /// Stopped by a fault in the double fault handler until NMI or reset.
    pub is_shut_down: bool,
    /// NMI is blocked until the next IRET.
    pub is_nmi_blocked: bool,
    /// The next instruction boundary takes no interrupt (after STI, MOV SS, POP SS).
    pub is_in_shadow: bool,
    /// The shadow is that of a load of SS, in which debug exceptions wait, too.
    pub masks_debug: bool,
    /// The next instruction is the target of a jump: its components (`m` of the manual's clocks) are still to be charged.
    pub is_refilling: bool,
    /// The prefetch queue is empty: the wait states of fetching the next instruction are still to be charged.
    pub is_queue_empty: bool,
    /// The cycle at which the prefetch of the next 16 bytes of code could begin.
    pub prefetch_begun: crate::Cycle,
    /// Wait states of code that was prefetched but not charged, in cycles.
    pub prefetch_owed: u32,
    /// The next instruction is a repeated one that stopped between two iterations: its start-up clocks have been charged. A
    /// processor that takes over the state fetches it anew.
    pub is_repeating: bool,
    /// That instruction, unless it is fetched anew.
    pub repeated: Option<RepeatedInstruction>,
}
