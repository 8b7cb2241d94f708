//! Where a passage leads (see `passage`): code and stacks that are at hand, and the change to them.

use crate::clocks;
use crate::core::Core;
use crate::descriptor::{Descriptor, Selector};
use crate::op::Op;
use crate::paging::Level;
use crate::unit::Unit;
use crate::{Bus, Cycle, Register, Segment};

const ESP: usize = Register::Esp as usize;

/// P and type of a gate of the 386, without what tells interrupt from trap gates.
pub(crate) const GATE: u32 = 0x9E00;
/// Type bit that tells trap gates and call gates with a reserved type from the others.
pub(crate) const TRAP: u32 = 1 << 8;
/// A present call gate of the 386.
const CALL_GATE: u32 = 0x8C00;

/// Code that a passage leads to, and it may: the selector of a known segment, with its level, and an offset that it has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Target {
    /// The selector, with the level as RPL.
    pub(crate) selector: Selector,
    /// The offset.
    pub(crate) offset: u32,
    /// Of an interrupt the flags that it clears; of a return from one those that it brings.
    pub(crate) flags: u32,
}

impl Target {
    /// The level.
    #[inline(always)]
    pub(crate) fn privilege(self) -> u8 {
        self.selector.requested_privilege()
    }
}

impl Core {
    /// Protected mode, and not virtual 8086 mode.
    #[inline(always)]
    pub(crate) fn has_gates(&self) -> bool {
        self.is_protected() && !self.is_virtual_8086()
    }

    /// A segment register's selector.
    #[inline(always)]
    pub(crate) fn selector(&self, segment: Segment) -> u32 {
        u32::from(self.segment(segment).selector)
    }

    /// A selector's descriptor. What stands at the null selector's place makes no known segment.
    #[inline(always)]
    fn selected_at_hand<B: Bus>(&self, bus: &mut B, selector: Selector) -> Option<Descriptor> {
        self.descriptor_at_hand(bus, self.descriptor_address(selector)?)
    }

    /// Code of the level that a selector requests, at an offset. Its descriptor has been read.
    #[inline(always)]
    fn target_in(&mut self, selector: Selector, code: Descriptor, offset: u32) -> Option<Target> {
        let may_run =
            self.known.knows_code(selector, code) && offset <= self.known.code(selector).register.limit;
        may_run.then_some(Target {
            selector,
            offset,
            flags: 0,
        })
    }

    /// Where a gate leads, of the current level or an inner one.
    #[inline(always)]
    pub(crate) fn gate_target<B: Bus>(&mut self, bus: &mut B, gate: Descriptor) -> Option<Target> {
        let code = self.selected_at_hand(bus, gate.gate_selector())?;
        let privilege = code.privilege();
        if privilege > self.privilege() {
            return None;
        }
        let selector = gate.gate_selector().with_privilege(privilege);
        self.target_in(selector, code, gate.gate_offset(true))
    }

    /// Where the far pointer of a jump or call leads, through a gate without parameters or directly, and its clocks as far as it stays at its level.
    #[inline(always)]
    pub(crate) fn far_target<B: Bus>(
        &mut self,
        bus: &mut B,
        op: &Op,
        clocks: &clocks::Far,
    ) -> Option<(Target, Cycle)> {
        if !self.has_gates() {
            return None;
        }
        let selector = Selector(op.displacement as u16);
        let descriptor = self.selected_at_hand(bus, selector)?;
        let privilege = self.privilege();
        if descriptor.high & (GATE | TRAP) != CALL_GATE {
            if selector.requested_privilege() > privilege {
                return None;
            }
            let target = self.target_in(selector.with_privilege(privilege), descriptor, op.immediate)?;
            return Some((target, clocks.direct));
        }
        let has_right = descriptor.privilege() >= privilege.max(selector.requested_privilege());
        if !has_right || descriptor.gate_parameters() != 0 {
            return None;
        }
        Some((self.gate_target(bus, descriptor)?, clocks.same_level))
    }

    /// Where a return address leads, of the current level or an outer one.
    #[inline(always)]
    pub(crate) fn return_target<B: Bus>(&mut self, bus: &mut B, eip: u32, cs: u32) -> Option<Target> {
        let selector = Selector(cs as u16);
        if selector.requested_privilege() < self.privilege() {
            return None;
        }
        let code = self.selected_at_hand(bus, selector)?;
        self.target_in(selector, code, eip)
    }

    /// Whether a selector's stack segment may be used at a level.
    #[inline(always)]
    fn has_stack_at_hand<B: Bus>(&mut self, bus: &mut B, selector: Selector, privilege: u8) -> Option<()> {
        if selector.requested_privilege() != privilege {
            return None;
        }
        let descriptor = self.selected_at_hand(bus, selector)?;
        self.known.knows_stack(selector, descriptor).then_some(())
    }

    /// SS and ESP of an inner level, from the task state segment.
    #[inline(always)]
    fn inner_stack_at_hand<B: Bus>(&mut self, bus: &mut B, privilege: u8) -> Option<(Selector, u32)> {
        let offset = 4 + 8 * u32::from(privilege);
        if !self.is_task_32_bit() || offset + 5 > self.tr.limit {
            return None;
        }
        let linear = self.tr.base.wrapping_add(offset);
        let [top, selector] = self.dwords_at_hand(bus, linear, Level::Supervisor)?;
        let selector = Selector(selector as u16);
        self.has_stack_at_hand(bus, selector, privilege)?;
        Some((selector, top))
    }

    /// Dwords at the top of the stack, from `above` bytes over it on.
    #[inline(always)]
    pub(crate) fn stack_at_hand<B: Bus, const N: usize>(&self, bus: &mut B, above: u32) -> Option<[u32; N]> {
        let first = self.general[ESP].wrapping_add(above) & self.stack_mask;
        let linear = self.reach[Segment::Ss as usize].span(first, self.stack_mask, 4 * N as u32, false)?;
        self.dwords_at_hand(bus, linear, self.level())
    }

    /// Takes room for dwords on the stack, and tells where in memory it is.
    #[inline(always)]
    pub(crate) fn room_on_stack<const N: usize>(&mut self) -> Option<u32> {
        let (esp, mask) = (self.general[ESP], self.stack_mask);
        let top = (esp & mask).checked_sub(4 * N as u32)?;
        let linear = self.reach[Segment::Ss as usize].span(top, mask, 4 * N as u32, true)?;
        let address = self.run_at_hand::<N>(linear, true, self.level())?;
        self.general[ESP] = esp & !mask | top;
        Some(address)
    }

    /// Changes to the stack of an inner level, takes room there for dwords, and tells where in memory it is. The last two are ESP and SS as they were
    /// and written already.
    #[inline(always)]
    pub(crate) fn change_to_inner_stack<B: Bus, const N: usize>(
        &mut self,
        bus: &mut B,
        privilege: u8,
    ) -> Option<u32> {
        let (selector, end) = self.inner_stack_at_hand(bus, privilege)?;
        let top = end.checked_sub(4 * N as u32)?;
        let reach = &self.known.stack(selector).reach;
        let linear = reach.span(top, u32::MAX, 4 * N as u32, true)?;
        let address = self.run_at_hand::<N>(linear, true, Level::of(privilege))?;
        let old = [self.general[ESP], self.selector(Segment::Ss)];
        store(bus, address + 4 * (N as u32 - 2), old);
        self.load_known_stack(selector);
        self.general[ESP] = top;
        Some(address)
    }

    /// Changes to the stack of an outer level, whose ESP and SS lie on this one, with so many bytes above them.
    #[inline(always)]
    pub(crate) fn change_to_outer_stack<B: Bus>(
        &mut self,
        bus: &mut B,
        above: u32,
        privilege: u8,
    ) -> Option<()> {
        let [top, ss] = self.stack_at_hand(bus, above)?;
        let selector = Selector(ss as u16);
        self.has_stack_at_hand(bus, selector, privilege)?;
        self.load_known_stack(selector);
        self.general[ESP] = top;
        Some(())
    }

    /// Takes bytes off the stack.
    #[inline(always)]
    pub(crate) fn release(&mut self, bytes: u32) {
        let (esp, mask) = (self.general[ESP], self.stack_mask);
        self.general[ESP] = esp & !mask | esp.wrapping_add(bytes) & mask;
    }

    /// Goes on there, at the same level.
    #[inline(always)]
    pub(crate) fn go_to(&mut self, target: Target) {
        self.load_known_code(target.selector);
        self.eip = target.offset;
    }

    /// Goes on there, at another level.
    #[inline(always)]
    pub(crate) fn go_to_level(&mut self, target: Target) {
        self.go_to(target);
        self.set_privilege(target.privilege());
    }
}

/// Writes dwords to memory.
#[inline(always)]
pub(crate) fn store<B: Bus, const N: usize>(bus: &mut B, address: u32, values: [u32; N]) {
    let first = address as usize;
    let bytes = &mut bus.memory()[first..first + 4 * N];
    for (item, value) in bytes.chunks_exact_mut(4).zip(values) {
        value.store(item);
    }
}

/// The wait states of writing so many dwords there.
#[inline(always)]
pub(crate) fn waits<B: Bus, const N: u32>(bus: &mut B, address: u32) -> Cycle {
    let each = (0..N).map(|number| Cycle::from(bus.memory_wait(address + 4 * number, true)));
    each.sum()
}
