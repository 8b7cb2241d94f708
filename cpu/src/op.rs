//! One decoded instruction: what its handler needs, taken apart once.

use bitflags::bitflags;

use crate::cache::CodePage;
use crate::clocks;
use crate::core::Core;
use crate::flags::Condition;
use crate::forms;
use crate::quick::Quick;
use crate::unit::Unit;
use crate::{Bus, Cycle, Fault, Segment, Vector};

/// What executes the first of some steps of a page and goes on with those behind it, until one of them ends the chain.
/// `Core::eip` is not kept up meanwhile: see [`Op::next_eip`]. The cycle counter is handed on as the last argument, in a
/// register: every instruction adds to it, and by way of `Core::cycles` alone each would wait for the store of the one before.
pub(crate) type Handler<B> = fn(&mut Core, &mut B, &[Step<B>], &CodePage<B>, Cycle) -> Exit;

/// An op and its handler for a kind of bus: what decoded code consists of.
#[derive(Debug)]
pub(crate) struct Step<B: Bus> {
    pub(crate) handler: Handler<B>,
    pub(crate) op: Op,
}

impl<B: Bus> Clone for Step<B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: Bus> Copy for Step<B> {}

impl<B: Bus> Step<B> {
    /// The step that executes `op`.
    pub(crate) fn of(op: Op) -> Self {
        Self {
            handler: forms::handlers::<B>()[usize::from(op.handler)],
            op,
        }
    }

    /// Has the first instruction of a pair execute both.
    pub(crate) fn become_pair(&mut self, handler: Handler<B>) {
        self.handler = handler;
    }
}

/// Where execution goes after an instruction that did not fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Flow {
    /// To the instruction behind it.
    Next,
    /// To the instruction behind it, where the address of code may lead elsewhere now.
    Reopen,
    /// To `Core::eip`, by a jump whose clocks include the components of the target instruction.
    Jump,
    /// As [`Flow::Jump`], but CS may have changed.
    FarJump,
    /// To `Core::eip`, which has changed in a way that charges no components of the target.
    Transfer,
    /// To the same instruction again: a repeated string instruction that stopped between two iterations.
    Again,
    /// Nowhere: this was no instruction but the end of decoded code.
    Leave,
}

impl Flow {
    /// In the order of their numbers.
    const ALL: [Self; 7] = [
        Self::Next,
        Self::Reopen,
        Self::Jump,
        Self::FarJump,
        Self::Transfer,
        Self::Again,
        Self::Leave,
    ];
}

/// What ended a chain of handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// An instruction went on like this. After [`Flow::Next`] the time has come to look round, or no op was left.
    Flow(Flow),
    /// It returned the fault that is in `Core::fault`.
    Fault,
}

/// Where a chain of handlers ended: how many ops lie behind the one that ended it, times 16, and what ended it. One number, for
/// only then does the compiler make a jump of the call at the end of a handler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exit(u32);

impl Exit {
    const FAULT: u32 = 15;

    /// Of a chain without ops.
    pub(crate) const NOWHERE: Self = Self(Flow::Leave as u32);

    /// After the first of some steps.
    #[inline(always)]
    fn new<B: Bus>(end: u32, steps: &[Step<B>]) -> Self {
        Self((steps.len() as u32).wrapping_sub(1) << 4 | end)
    }

    /// What ended the chain.
    pub(crate) fn end(self) -> End {
        match Flow::ALL.get((self.0 & 15) as usize) {
            Some(flow) => End::Flow(*flow),
            None => End::Fault,
        }
    }

    /// How many ops lie behind the one that ended it.
    pub(crate) fn left(self) -> usize {
        (self.0 >> 4) as usize
    }
}

/// Begins the first of some steps in full, of which there is always one, at a cycle: charges the clocks that are known beforehand.
#[inline(always)]
pub(crate) fn begin<'a, B: Bus>(core: &mut Core, steps: &'a [Step<B>], cycles: Cycle) -> Option<&'a Op> {
    let step = steps.first()?;
    core.cycles = cycles + Cycle::from(step.op.clocks);
    Some(&step.op)
}

/// Begins an attempt at the first of some steps, where there is one behind it to go on with.
#[inline(always)]
pub(crate) fn attempt<'a, 'b, B: Bus, const FLAT: bool>(
    bus: &'b mut B,
    steps: &'a [Step<B>],
    cycles: Cycle,
) -> Result<(&'a Op, Quick<'b, B, FLAT>), &'b mut B> {
    let [step, _, ..] = steps else {
        return Err(bus);
    };
    let cycles = cycles + Cycle::from(step.op.clocks);
    Ok((&step.op, Quick { bus, cycles }))
}

/// Executes a single step, with none behind it, in full.
#[cold]
#[inline(never)]
pub(crate) fn alone<B: Bus>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    match steps.first() {
        Some(step) => step.op.full_handler()(core, bus, steps, page, cycles),
        None => Exit::NOWHERE,
    }
}

/// Goes on after the first of some steps, whose handler has come back with `flow` at a cycle: behind it, or after a jump inside the
/// page anywhere in `page`. The compiler makes a jump of the call at the end; where it does not (a build without optimisation) the chain
/// is short enough for any stack: [`Core::pause`] ends it.
#[inline(always)]
pub(crate) fn go_on<B: Bus>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
    flow: Flow,
) -> Exit {
    if flow == Flow::Next
        && cycles < core.pause
        && let [_, next, ..] = steps
    {
        return (next.handler)(core, bus, &steps[1..], page, cycles);
    }
    match flow {
        Flow::Jump => jump(core, bus, steps, page, cycles),
        Flow::FarJump => transfer::<B, true>(core, bus, steps, page, cycles),
        Flow::Transfer => transfer::<B, false>(core, bus, steps, page, cycles),
        _ => leave(core, steps, cycles, flow),
    }
}

/// Ends the chain at a cycle, after the first of some steps.
#[inline(always)]
fn leave<B: Bus>(core: &mut Core, steps: &[Step<B>], cycles: Cycle, flow: Flow) -> Exit {
    core.cycles = cycles;
    Exit::new(flow as u32, steps)
}

/// Ends the chain with a fault of the first of some steps.
#[inline(always)]
pub(crate) fn stop<B: Bus>(core: &mut Core, steps: &[Step<B>], fault: Fault) -> Exit {
    core.fault = fault;
    Exit::new(Exit::FAULT, steps)
}

/// Jcc.
pub(crate) fn branch<B: Bus, C: Condition, T: Unit>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    let [step, next, ..] = steps else {
        return alone(core, bus, steps, page, cycles);
    };
    let cycles = cycles + Cycle::from(step.op.clocks);
    if C::holds(core.status) {
        return go_to::<B, T>(core, bus, steps, page, cycles + clocks::TAKEN);
    }
    if cycles < core.pause {
        return (next.handler)(core, bus, &steps[1..], page, cycles);
    }
    leave(core, steps, cycles, Flow::Next)
}

/// Goes on at a cycle after the first of at least three steps, whose handler knows whether the condition of the second holds, a Jcc with 32-bit
/// operand size, and executes that.
#[inline(always)]
pub(crate) fn branch_on<B: Bus>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
    holds: bool,
) -> Exit {
    let [_, branch, next, ..] = steps else {
        return leave(core, steps, cycles, Flow::Next);
    };
    if cycles >= core.pause {
        return leave(core, steps, cycles, Flow::Next);
    }
    let cycles = cycles + Cycle::from(branch.op.clocks);
    if holds {
        return go_to::<B, u32>(core, bus, &steps[1..], page, cycles + clocks::TAKEN);
    }
    if cycles < core.pause {
        return (next.handler)(core, bus, &steps[2..], page, cycles);
    }
    leave(core, &steps[1..], cycles, Flow::Next)
}

/// JMP to a distance from here.
pub(crate) fn jump_by<B: Bus, T: Unit>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    let [step, ..] = steps else {
        return Exit::NOWHERE;
    };
    go_to::<B, T>(core, bus, steps, page, cycles + Cycle::from(step.op.clocks))
}

/// Goes to where the relative branch at the first of some steps leads, which has its clocks.
#[inline(never)]
fn go_to<B: Bus, T: Unit>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    let [step, ..] = steps else {
        return Exit::NOWHERE;
    };
    let target = T::from_u32(step.op.target(core)).to_u32();
    if target > core.segment(Segment::Cs).limit {
        core.cycles = cycles;
        return stop(core, steps, Fault::with_code(Vector::GeneralProtection, 0));
    }
    arrive(core, bus, steps, page, cycles, target)
}

/// Goes on at `Core::eip` after the jump at the first of some steps. By itself, so that the handlers of jumps need few machine registers.
#[inline(never)]
fn jump<B: Bus>(core: &mut Core, bus: &mut B, steps: &[Step<B>], page: &CodePage<B>, cycles: Cycle) -> Exit {
    let target = core.eip;
    arrive(core, bus, steps, page, cycles, target)
}

/// Goes on at an address after the jump at the first of some steps, if that stays in the page and finds decoded code there that is
/// fetched without waits.
#[inline(always)]
fn arrive<B: Bus>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
    target: u32,
) -> Exit {
    let offset = target.wrapping_sub(core.page_eip);
    if offset <= 0xFFF
        && cycles < core.pause
        && let [step, ..] = steps
        && let Some((first, behind)) = landing(core, bus, page, offset)
    {
        core.count_up_to(&step.op, &first.op);
        core.trail.jump(step.op.next_eip(core), target);
        let cycles = cycles + Cycle::from(first.op.components);
        return land(core, bus, first, behind, page, cycles);
    }
    core.eip = target;
    leave(core, steps, cycles, Flow::Jump)
}

/// As [`jump`], after a transfer through which CS and the privilege level may have changed. By itself as that.
#[inline(never)]
fn transfer<B: Bus, const IS_JUMP: bool>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    go_through(core, bus, steps, page, cycles, IS_JUMP)
}

/// Goes on at `Core::eip` after a transfer through which CS and the privilege level may have changed. If it is a jump, its clocks include the
/// components of the instruction there.
#[inline(always)]
pub(crate) fn go_through<B: Bus>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
    is_jump: bool,
) -> Exit {
    if cycles < core.pause
        && let [step, ..] = steps
        && let Some(offset) = core.offset_in_code_page()
        && let Some((first, behind)) = landing(core, bus, page, offset)
    {
        core.count_up_to(&step.op, &first.op);
        core.pass_trail(step.op.next_eip(core));
        core.page_eip = core.eip.wrapping_sub(offset);
        let components = if is_jump { first.op.components } else { 0 };
        return land(core, bus, first, behind, page, cycles + Cycle::from(components));
    }
    let flow = if is_jump { Flow::FarJump } else { Flow::Transfer };
    leave(core, steps, cycles, flow)
}

/// The op at an offset of the page, and all from there on, if that is decoded, and fetched without waits as far as its first block
/// goes.
#[inline(always)]
fn landing<'a, B: Bus>(
    core: &Core,
    bus: &B,
    page: &'a CodePage<B>,
    offset: u32,
) -> Option<(&'a Step<B>, &'a [Step<B>])> {
    let index = page.find(offset)?;
    if !core.has_target_at_once(bus, offset) {
        return None;
    }
    page.steps_from(index)
}

/// Begins with the op that a change of flow has led to.
#[inline(always)]
fn land<B: Bus>(
    core: &mut Core,
    bus: &mut B,
    first: &Step<B>,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    core.prefetch_begun = cycles;
    if first.op.traits.contains(Traits::IN_TWO_BLOCKS) {
        return fetch_and_execute(core, bus, steps, page, cycles);
    }
    (first.handler)(core, bus, steps, page, cycles)
}

/// Executes the first of some steps after a jump to it, of which all of its code is fetched first. That of its first block is at hand:
/// see [`landing`].
fn fetch_and_execute<B: Bus>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    let Some(target) = steps.first() else {
        return Exit::NOWHERE;
    };
    if bus.is_ready(core.code_base | (u32::from(target.op.end) - 1)) {
        return (target.handler)(core, bus, steps, page, cycles);
    }
    await_and_execute(core, bus, steps, page, cycles)
}

/// As [`fetch_and_execute`], where there is something to wait for.
#[inline(never)]
fn await_and_execute<B: Bus>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    let Some(target) = steps.first() else {
        return Exit::NOWHERE;
    };
    core.cycles = cycles;
    let length = u32::from(target.op.length);
    core.fetch_target(bus, core.code_base | (u32::from(target.op.end) - length), length);
    (target.handler)(core, bus, steps, page, core.cycles)
}

/// The next instruction holds the first byte of the block at offset `immediate` of the page. This is no instruction itself: it
/// goes on whatever the time.
pub(crate) fn enter_block<B: Bus>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    let [marker, next, ..] = steps else {
        return Exit::NOWHERE;
    };
    let address = core.code_base | marker.op.immediate;
    if core.prefetch_owed != 0 || !bus.is_ready(address) {
        return await_block(core, bus, steps, page, cycles);
    }
    core.prefetch_begun = cycles;
    (next.handler)(core, bus, &steps[1..], page, cycles)
}

/// As [`enter_block`], where there may be something to wait for.
#[inline(never)]
fn await_block<B: Bus>(
    core: &mut Core,
    bus: &mut B,
    steps: &[Step<B>],
    page: &CodePage<B>,
    cycles: Cycle,
) -> Exit {
    let [marker, rest @ ..] = steps else {
        return Exit::NOWHERE;
    };
    core.cycles = cycles;
    core.fetch_block(bus, core.code_base | marker.op.immediate);
    match rest.first() {
        Some(next) => (next.handler)(core, bus, rest, page, core.cycles),
        None => Exit::NOWHERE,
    }
}

bitflags! {
    /// What instructions of one form differ in, beside their operands.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Traits: u8 {
        /// Its code lies in two blocks, as far as it is decoded in its page.
        const IN_TWO_BLOCKS = 1 << 0;
        /// Addresses have 16 bits.
        const SHORT_ADDRESSES = 1 << 1;
        /// F3: REP, or REPE for CMPS and SCAS.
        const WHILE_EQUAL = 1 << 2;
        /// F2: REPNE.
        const WHILE_NOT_EQUAL = 1 << 3;
    }
}

/// A decoded instruction. Compact: the cache lays ops out one behind the other, and those of a kernel's busy parts should fit into a cache of
/// the host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// Index into `forms::handlers`.
    pub(crate) handler: u16,
    /// Where the instruction behind it begins: bytes from the beginning of its page, or of itself if it was decoded singly.
    pub(crate) end: u16,
    /// Which instruction of its page this is, in the order of the ops. Counts instructions.
    pub(crate) number: u16,
    /// Bytes of code.
    pub(crate) length: u8,
    /// Clocks that are known before it executes.
    pub(crate) clocks: u8,
    /// Components, which a jump to it costs: `m` of the manual's clock tables.
    pub(crate) components: u8,
    /// The register that the `reg` field of ModRM names; or the field itself.
    pub(crate) reg: u8,
    /// The register that the `r/m` field names, or the opcode's low bits, or 0, the accumulator.
    pub(crate) rm: u8,
    /// Segment of the memory operand.
    pub(crate) segment: Segment,
    /// Base register, or [`Op::NO_REGISTER`].
    pub(crate) base: u8,
    /// Index register, or [`Op::NO_REGISTER`].
    pub(crate) index: u8,
    /// What the index is multiplied by: 1, 2, 4 or 8. A product takes fewer machine registers than a shift.
    pub(crate) scale: u8,
    pub(crate) traits: Traits,
    /// Displacement; of ENTER the level; of a far pointer the selector.
    pub(crate) displacement: u32,
    /// Immediate, sign-extended as the instruction wants it; of a relative branch the distance from its end.
    pub(crate) immediate: u32,
}

/// With its handler, half a line of the host's cache.
const _: () = assert!(size_of::<Op>() == 24);

impl Op {
    /// The slot of `Core::general` that is always zero.
    pub(crate) const NO_REGISTER: u8 = 8;

    /// An op at a byte of a page that is no instruction but one of the first forms of the table.
    pub(crate) fn marker(form: usize, at: usize, number: u16) -> Self {
        Self {
            handler: forms::slot(form, 0),
            end: at as u16,
            number,
            length: 0,
            clocks: 0,
            components: 0,
            reg: 0,
            rm: 0,
            segment: Segment::Ds,
            base: Self::NO_REGISTER,
            index: Self::NO_REGISTER,
            scale: 1,
            traits: Traits::empty(),
            displacement: 0,
            immediate: 0,
        }
    }

    /// Whether it is such an op of a form.
    pub(crate) fn is_marker(&self, form: usize) -> bool {
        self.handler == forms::slot(form, 0)
    }

    /// What executes it where the first attempt fails.
    #[inline(always)]
    pub(crate) fn second_handler<B: Bus>(&self) -> Handler<B> {
        forms::second_handlers::<B>()[usize::from(self.handler)]
    }

    /// The handler that executes it in full: its handler, or what that leaves it to where its attempts fail.
    #[inline(always)]
    pub(crate) fn full_handler<B: Bus>(&self) -> Handler<B> {
        forms::full_handlers::<B>()[usize::from(self.handler)]
    }

    /// Address of the instruction behind it.
    #[inline(always)]
    pub(crate) fn next_eip(&self, core: &Core) -> u32 {
        core.page_eip.wrapping_add(u32::from(self.end))
    }

    /// Where a relative branch goes.
    #[inline(always)]
    pub(crate) fn target(&self, core: &Core) -> u32 {
        self.next_eip(core).wrapping_add(self.immediate)
    }

    /// Offset of the memory operand.
    #[inline(always)]
    pub(crate) fn offset(&self, core: &Core) -> u32 {
        self.sum(core) & self.address_mask()
    }

    /// Address size: FFFFh or FFFF_FFFFh.
    #[inline(always)]
    pub(crate) fn address_mask(&self) -> u32 {
        if self.traits.contains(Traits::SHORT_ADDRESSES) {
            0xFFFF
        } else {
            u32::MAX
        }
    }

    /// Offset of the memory operand with 32-bit addresses.
    #[inline(always)]
    pub(crate) fn sum(&self, core: &Core) -> u32 {
        core.general[usize::from(self.base)]
            .wrapping_add(core.general[usize::from(self.index)].wrapping_mul(u32::from(self.scale)))
            .wrapping_add(self.displacement)
    }
}
