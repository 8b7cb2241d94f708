//! Passages: INT, IRET and far JMP, CALL and RET of 32 bits between code segments of protected mode, where all that they need is at hand:
//! gates and descriptors aligned and in the external cache, accessed bits set, stacks in memory, nothing that faults. Kernels and
//! their programs go this way thousands of times a second.
//!
//! Each is the first attempt at its instruction (see `quick`) and either does all of it or nothing. What it does not do is left to `transfer` and
//! `interrupt`, which know every case: task gates and switches, 286 gates, conforming code, parameters, 16-bit stacks of inner levels, virtual 8086
//! mode, and all faults. Clocks and wait states are the same both ways.

use crate::cache::CodePage;
use crate::clocks;
use crate::core::Core;
use crate::interrupt::cleared_flags;
use crate::op::{Exit, Op, Step, alone, go_through};
use crate::target::{GATE, TRAP, Target, store, waits};
use crate::unit::Unit;
use crate::{Bus, Cycle, Flags, Segment, Width};

/// A present interrupt or trap gate of the 386.
const INTERRUPT_GATE: u32 = 0x8E00;

/// A passage that an instruction makes. Nothing happens where not all is at hand.
pub(crate) trait Passage {
    /// Makes it, unless it leads to another stack.
    fn pass<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Option<Way>;

    /// Makes one that leads to [`Core::target`] and another stack.
    fn change_stack<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Option<Passed>;
}

/// Which way a passage goes.
pub(crate) enum Way {
    /// It has been made.
    Passed(Passed),
    /// To [`Core::target`] and another stack. That is a matter for itself, which the shorter way does not wait for.
    OtherStack,
}

/// A passage that has been made.
pub(crate) struct Passed {
    /// Its clocks and wait states.
    cycles: Cycle,
    /// It costs the components of the instruction that it leads to besides.
    is_jump: bool,
}

/// INT n.
pub(crate) struct SoftwareInterrupt;

/// IRET.
pub(crate) struct InterruptReturn;

/// JMP to a far pointer in the instruction.
pub(crate) struct FarJump;

/// CALL to a far pointer in the instruction.
pub(crate) struct FarCall;

/// RETF, releasing as many more bytes as the immediate says.
pub(crate) struct FarReturn;

/// Makes the passage of the first of some steps, of which those of 32 bits may be at hand.
pub(crate) fn pass<B: Bus, P: Passage, T: Unit>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    let [step, _, ..] = steps else {
        return alone(core, bus, steps, page, cycles);
    };
    if T::BYTES == 4 {
        match P::pass(core, bus, &step.op) {
            Some(Way::Passed(passed)) => {
                let cycles = cycles + Cycle::from(step.op.clocks) + passed.cycles;
                return go_through(core, bus, steps, page, cycles, passed.is_jump);
            }
            Some(Way::OtherStack) => return pass_to_stack::<B, P>(core, bus, steps, page, cycles),
            None => {}
        }
    }
    step.op.full_handler()(core, bus, steps, page, cycles)
}

/// Goes on with a passage to another stack.
#[inline(never)]
fn pass_to_stack<B: Bus, P: Passage>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    let [step, ..] = steps else {
        return Exit::NOWHERE;
    };
    if let Some(passed) = P::change_stack(core, bus, &step.op) {
        let cycles = cycles + Cycle::from(step.op.clocks) + passed.cycles;
        return go_through(core, bus, steps, page, cycles, passed.is_jump);
    }
    step.op.full_handler()(core, bus, steps, page, cycles)
}

impl Passage for SoftwareInterrupt {
    #[inline(always)]
    fn pass<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Option<Way> {
        let offset = u32::from(op.immediate as u8) * 8;
        if !core.has_gates() || offset + 7 > u32::from(core.idtr.limit) {
            return None;
        }
        let gate = core.descriptor_at_hand(bus, core.idtr.base.wrapping_add(offset))?;
        if gate.high & GATE != INTERRUPT_GATE || gate.privilege() < core.privilege() {
            return None;
        }
        let target = Target {
            flags: cleared_flags(gate.high & TRAP != 0).bits(),
            ..core.gate_target(bus, gate)?
        };
        if target.privilege() != core.privilege() {
            core.target = target;
            return Some(Way::OtherStack);
        }
        let address = core.room_on_stack::<3>()?;
        let frame = [
            op.next_eip(core),
            core.selector(Segment::Cs),
            core.eflags().bits(),
        ];
        store(bus, address, frame);
        core.go_to(target);
        core.clear_control_flags(Flags::from_bits_truncate(target.flags));
        Some(Way::Passed(Passed {
            cycles: waits::<B, 3>(bus, address) + clocks::INTERRUPT,
            is_jump: false,
        }))
    }

    #[inline(always)]
    fn change_stack<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Option<Passed> {
        let target = core.target;
        let address = core.change_to_inner_stack::<B, 5>(bus, target.privilege())?;
        let frame = [
            op.next_eip(core),
            core.selector(Segment::Cs),
            core.eflags().bits(),
        ];
        store(bus, address, frame);
        core.go_to_level(target);
        core.clear_control_flags(Flags::from_bits_truncate(target.flags));
        Some(Passed {
            cycles: waits::<B, 5>(bus, address) + clocks::INTERRUPT_INNER,
            is_jump: false,
        })
    }
}

impl Passage for InterruptReturn {
    #[inline(always)]
    fn pass<B: Bus>(core: &mut Core, bus: &mut B, _: &Op) -> Option<Way> {
        if !core.has_gates() || core.has(Flags::NESTED) || core.is_nmi_blocked {
            return None;
        }
        let [eip, cs, flags] = core.stack_at_hand(bus, 0)?;
        if flags & Flags::VIRTUAL_8086.bits() != 0 {
            return None;
        }
        let target = Target {
            flags,
            ..core.return_target(bus, eip, cs)?
        };
        if target.privilege() != core.privilege() {
            core.target = target;
            return Some(Way::OtherStack);
        }
        core.release(12);
        core.go_to(target);
        core.merge_returned_flags(flags, Width::Dword, core.privilege());
        Some(Way::Passed(Passed {
            cycles: clocks::INTERRUPT_RETURN,
            is_jump: false,
        }))
    }

    #[inline(always)]
    fn change_stack<B: Bus>(core: &mut Core, bus: &mut B, _: &Op) -> Option<Passed> {
        let (target, privilege) = (core.target, core.privilege());
        core.change_to_outer_stack(bus, 12, target.privilege())?;
        core.go_to_level(target);
        core.drop_inner_segments();
        core.merge_returned_flags(target.flags, Width::Dword, privilege);
        Some(Passed {
            cycles: clocks::INTERRUPT_RETURN_OUTER,
            is_jump: false,
        })
    }
}

impl Passage for FarJump {
    #[inline(always)]
    fn pass<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Option<Way> {
        let (target, clocks) = core.far_target(bus, op, &clocks::FAR_JUMP)?;
        if target.privilege() != core.privilege() {
            return None;
        }
        core.go_to(target);
        Some(Way::Passed(Passed {
            cycles: clocks,
            is_jump: true,
        }))
    }

    /// A jump stays on its stack.
    #[inline(always)]
    fn change_stack<B: Bus>(_: &mut Core, _: &mut B, _: &Op) -> Option<Passed> {
        None
    }
}

impl Passage for FarCall {
    #[inline(always)]
    fn pass<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Option<Way> {
        let (target, clocks) = core.far_target(bus, op, &clocks::FAR_CALL)?;
        if target.privilege() != core.privilege() {
            core.target = target;
            return Some(Way::OtherStack);
        }
        let address = core.room_on_stack::<2>()?;
        store(bus, address, [op.next_eip(core), core.selector(Segment::Cs)]);
        core.go_to(target);
        Some(Way::Passed(Passed {
            cycles: waits::<B, 2>(bus, address) + clocks,
            is_jump: true,
        }))
    }

    #[inline(always)]
    fn change_stack<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Option<Passed> {
        let target = core.target;
        let address = core.change_to_inner_stack::<B, 4>(bus, target.privilege())?;
        store(bus, address, [op.next_eip(core), core.selector(Segment::Cs)]);
        core.go_to_level(target);
        Some(Passed {
            cycles: waits::<B, 4>(bus, address) + clocks::inner_call(0),
            is_jump: true,
        })
    }
}

impl Passage for FarReturn {
    #[inline(always)]
    fn pass<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Option<Way> {
        if !core.has_gates() {
            return None;
        }
        let [eip, cs] = core.stack_at_hand(bus, 0)?;
        let target = core.return_target(bus, eip, cs)?;
        if target.privilege() != core.privilege() {
            core.target = target;
            return Some(Way::OtherStack);
        }
        core.release(8 + (op.immediate & 0xFFFF));
        core.go_to(target);
        Some(Way::Passed(Passed {
            cycles: clocks::FAR_RETURN,
            is_jump: true,
        }))
    }

    /// What the manual prints is without the components of the instruction there.
    #[inline(always)]
    fn change_stack<B: Bus>(core: &mut Core, bus: &mut B, op: &Op) -> Option<Passed> {
        let (target, release) = (core.target, op.immediate & 0xFFFF);
        core.change_to_outer_stack(bus, 8 + release, target.privilege())?;
        core.release(release);
        core.go_to_level(target);
        core.drop_inner_segments();
        Some(Passed {
            cycles: clocks::FAR_RETURN_OUTER,
            is_jump: false,
        })
    }
}
