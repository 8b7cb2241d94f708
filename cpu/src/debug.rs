//! Debug registers (PRM chapter 12): which breakpoints match. DR0 to DR3 hold linear addresses, DR7 says what each is
//! for, DR6 what has been met.
//!
//! Left out: LE and GE (exact match) change nothing, since every match is exact here. The breakpoints of a task
//! (L bits) are cleared by a task switch.

use crate::core::Core;

/// DR6: the four breakpoints.
pub(crate) const STATUS_BREAKPOINTS: u32 = 0xF;
/// DR6: single step.
pub(crate) const STATUS_SINGLE_STEP: u32 = 1 << 14;
/// DR6: task switch with the T bit.
pub(crate) const STATUS_TASK_SWITCH: u32 = 1 << 15;
/// DR6: the next instruction touches a debug register while GD is set.
pub(crate) const STATUS_ACCESS_DETECTED: u32 = 1 << 13;
/// DR6: bits that read as one (the 386EX recordings in SingleStepTests show FFFF0FF0h after reset).
pub(crate) const STATUS_ONES: u32 = 0xFFFF_0FF0;
/// DR6: bits that can be written.
pub(crate) const STATUS_BITS: u32 = 0xE00F;
/// DR7: general detect.
pub(crate) const CONTROL_GENERAL_DETECT: u32 = 1 << 13;
/// DR7: the L bits and LE.
pub(crate) const CONTROL_LOCAL: u32 = 0x155;
/// DR7: the L and G bits of all four.
const CONTROL_ENABLES: u32 = 0xFF;

/// One enabled breakpoint.
#[derive(Clone, Copy, Debug)]
struct Breakpoint {
    number: usize,
    kind: u32,
    first: u32,
    bytes: u32,
}

const KIND_EXECUTE: u32 = 0;
const KIND_WRITE: u32 = 1;
const KIND_ACCESS: u32 = 3;

impl Core {
    fn breakpoint(&self, number: usize) -> Option<Breakpoint> {
        let control = self.debug[7];
        if control & (3 << (2 * number)) == 0 {
            return None;
        }
        let bytes = match (control >> (18 + 4 * number)) & 3 {
            0 => 1,
            1 => 2,
            _ => 4,
        };
        Some(Breakpoint {
            number,
            kind: (control >> (16 + 4 * number)) & 3,
            first: self.debug[number] & !(bytes - 1),
            bytes,
        })
    }

    fn breakpoints(&self) -> impl Iterator<Item = Breakpoint> + '_ {
        (0..4).filter_map(|number| self.breakpoint(number))
    }

    /// Whether any instruction breakpoint is enabled: the run loop must then ask before each instruction.
    pub(crate) fn has_code_breakpoints(&self) -> bool {
        self.debug[7] & CONTROL_ENABLES != 0
            && self
                .breakpoints()
                .any(|breakpoint| breakpoint.kind == KIND_EXECUTE)
    }

    /// The bits of DR6 for instruction breakpoints at a linear address. RF is the caller's.
    pub(crate) fn code_breakpoints_at(&self, linear: u32) -> u32 {
        self.breakpoints()
            .filter(|breakpoint| breakpoint.kind == KIND_EXECUTE && self.debug[breakpoint.number] == linear)
            .fold(0, |met, breakpoint| met | 1 << breakpoint.number)
    }

    /// Whether a page holds a data breakpoint, so that its accesses must be looked at one by one. A breakpoint is
    /// aligned, so it lies in one page.
    pub(crate) fn has_data_breakpoint_in(&self, page: u32) -> bool {
        self.debug[7] & CONTROL_ENABLES != 0
            && self.breakpoints().any(|breakpoint| {
                matches!(breakpoint.kind, KIND_WRITE | KIND_ACCESS) && breakpoint.first >> 12 == page
            })
    }

    /// Notes which data breakpoints an access meets; the trap comes after the instruction.
    pub(crate) fn note_data_breakpoint(&mut self, linear: u32, bytes: u32, is_write: bool) {
        if self.debug[7] & CONTROL_ENABLES == 0 {
            return;
        }
        let met = self
            .breakpoints()
            .filter(|breakpoint| match breakpoint.kind {
                KIND_WRITE => is_write,
                kind => kind == KIND_ACCESS,
            })
            .filter(|breakpoint| {
                linear.wrapping_sub(breakpoint.first) < breakpoint.bytes
                    || breakpoint.first.wrapping_sub(linear) < bytes
            })
            .fold(0, |met, breakpoint| met | 1 << breakpoint.number);
        if met != 0 {
            self.debug_pending |= met;
            self.ask_attention();
        }
    }
}
