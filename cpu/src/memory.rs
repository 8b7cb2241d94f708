//! From segment and offset to memory: limit and right checks (PRM section 6.3.1), the fast path, accesses that straddle
//! dwords and pages, device pages, the stack, and which memory holds decoded code.
//!
//! Every access first tries a [`Shortcuts`] entry: linear page to memory frame, for this level and direction. An entry
//! exists only while the translation lookaside buffer holds the page with the needed rights (and its D bit, for writing), the page is plain memory, and,
//! for writing, the frame holds no decoded code and no data breakpoint. So a hit costs nothing but the wait states.
//!
//! Clocks: the instruction's own count covers aligned accesses without waits. Added here: wait states, and for an
//! operand that crosses a dword boundary a second bus cycle.

use crate::clocks;
use crate::core::Core;
use crate::paging::Level;
use crate::unit::Unit;
use crate::{Bus, Cycle, Fault, Page, Register, Segment, SegmentRegister, Vector, Width};

/// Shortcuts of one level and direction. The translation lookaside buffer has 32 entries; without paging more pages profit.
pub(crate) const SHORTCUTS: usize = 64;
/// Bytes in a line of [`CodeLines`]: 64 lines make a frame.
const LINE_BYTES: u32 = 64;

/// How far the fast path of a segment reaches: the last byte's offset, or -1 where each access must be looked at
/// (no such right, expand-down, unusable).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    read: i64,
    write: i64,
    base: u32,
    /// What the segment adds to the way of reads, in the low byte, and of writes, in the next: nothing if offsets are linear addresses without a limit,
    /// or [`NOWHERE`]. As wide as the base, so that a reach is copied in a few pieces.
    detours: u32,
}

/// Where shortcuts lie that lead nowhere.
const NOWHERE: u8 = 2 * SHORTCUTS as u8;

/// Which shortcuts accesses through each segment take if only flat segments are wanted: those of the current level, or such that
/// lead nowhere.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Ways {
    reads: [u8; 8],
    /// Keeps the compiler from changing both in one go, which would wait for what has just been stored in each.
    apart: u64,
    writes: [u8; 8],
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            reads: [NOWHERE; 8],
            apart: 0,
            writes: [NOWHERE; 8],
        }
    }
}

impl Ways {
    /// A segment register has changed.
    #[inline(always)]
    pub(crate) fn set_segment(&mut self, segment: Segment, reach: &Reach, level: Level) {
        let read = level as u8 | reach.detours as u8;
        let write = level as u8 | (reach.detours >> 8) as u8;
        // Mostly a flat segment follows another.
        if (read, write) != (self.of(segment, false), self.of(segment, true)) {
            self.reads[segment as usize] = read;
            self.writes[segment as usize] = write;
        }
    }

    /// The level has changed.
    #[inline(always)]
    pub(crate) fn set_level(&mut self, level: Level) {
        let of_level = u64::from_le_bytes([level as u8; 8]);
        for ways in [&mut self.reads, &mut self.writes] {
            let nowhere = u64::from_le_bytes(*ways) & u64::from_le_bytes([NOWHERE; 8]);
            *ways = (nowhere | of_level).to_le_bytes();
        }
    }

    #[inline(always)]
    fn of(&self, segment: Segment, is_write: bool) -> u8 {
        let ways = if is_write { &self.writes } else { &self.reads };
        ways[segment as usize]
    }
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            read: -1,
            write: -1,
            base: 0,
            detours: u32::from(NOWHERE) * 0x101,
        }
    }
}

impl Reach {
    /// Derives the reach of a segment register.
    #[inline(always)]
    pub(crate) fn of(segment: Segment, register: &SegmentRegister) -> Self {
        Self::with_width(register, segment != Segment::Ss || register.is_big())
    }

    /// Of a stack segment.
    #[inline(always)]
    pub(crate) fn of_stack(register: &SegmentRegister) -> Self {
        Self::of(Segment::Ss, register)
    }

    /// As [`Reach::of`]; offsets may have 32 bits, or not.
    #[inline(always)]
    fn with_width(register: &SegmentRegister, is_wide: bool) -> Self {
        let last = if register.is_expand_down() {
            -1
        } else {
            i64::from(register.limit)
        };
        let (is_readable, is_writable) = (register.is_readable(), register.is_writable());
        let is_flat = is_wide && register.base == 0 && last == i64::from(u32::MAX);
        let detour = |has_right: bool| u32::from(if is_flat && has_right { 0 } else { NOWHERE });
        Self {
            read: if is_readable { last } else { -1 },
            write: if is_writable { last } else { -1 },
            base: register.base,
            detours: detour(is_readable) | detour(is_writable) << 8,
        }
    }

    /// The linear address of `bytes` bytes at an offset, if all of them may be accessed; offsets end at `mask`.
    #[inline(always)]
    pub(crate) fn span(&self, offset: u32, mask: u32, bytes: u32, is_write: bool) -> Option<u32> {
        let last = if is_write { self.write } else { self.read }.min(i64::from(mask));
        (i64::from(offset) + i64::from(bytes - 1) <= last).then(|| self.base.wrapping_add(offset))
    }

    /// The linear address of an offset, and how many bytes from there on may be accessed and lie in its page; offsets end at `mask`.
    #[inline(always)]
    fn run(&self, offset: u32, mask: u32, is_write: bool) -> (u32, u32) {
        let last = if is_write { self.write } else { self.read }.min(i64::from(mask));
        let linear = self.base.wrapping_add(offset);
        let to_end = (last - i64::from(offset) + 1).clamp(0, 0x1000) as u32;
        (linear, to_end.min(0x1000 - (linear & 0xFFF)))
    }
}

#[derive(Clone, Copy, Debug)]
struct Shortcut {
    /// The linear address of the page, or [`NO_PAGE`].
    page: u32,
    /// From linear addresses to bytes of [`Bus::memory`], modulo 2^32.
    distance: u32,
}

/// Nothing that the address of an aligned operand and its page can be.
const NO_PAGE: u32 = 0x800;
const PAGE: u32 = 0xFFFF_F000;

const EMPTY: Shortcut = Shortcut {
    page: NO_PAGE,
    distance: 0,
};

impl Shortcut {
    fn leads_to(&self, frame: u32) -> bool {
        self.page != NO_PAGE && self.page.wrapping_add(self.distance) == frame << 12
    }
}

/// The fast path's map from linear pages to frames of memory, by direction, first those of the supervisor.
#[derive(Clone, Debug)]
pub(crate) struct Shortcuts {
    reads: [Shortcut; PLACES],
    writes: [Shortcut; PLACES],
}

/// Those of the supervisor, those of the user, and twice as many that lead nowhere: as many as a byte can number, so that no index needs
/// a check.
const PLACES: usize = 4 * SHORTCUTS;

impl Default for Shortcuts {
    fn default() -> Self {
        Self {
            reads: [EMPTY; PLACES],
            writes: [EMPTY; PLACES],
        }
    }
}

impl Shortcuts {
    /// Where a linear page's shortcut stands among those of a level, or those that lead nowhere.
    #[inline(always)]
    fn place(page: u32, way: u8) -> usize {
        usize::from((page as u8 % SHORTCUTS as u8) | way)
    }

    /// The byte of memory at the linear address of an aligned operand. One compare sees to page and alignment.
    #[inline(always)]
    fn find<T: Unit>(&self, linear: u32, is_write: bool, level: Level) -> Option<u32> {
        self.find_by::<T>(linear, is_write, level as u8)
    }

    /// As [`Shortcuts::find`], by one of [`Ways`].
    #[inline(always)]
    fn find_by<T: Unit>(&self, linear: u32, is_write: bool, way: u8) -> Option<u32> {
        self.find_aligned(linear, T::BYTES, is_write, way)
    }

    /// As [`Shortcuts::find_by`], of an operand that is aligned to so many bytes.
    #[inline(always)]
    fn find_aligned(&self, linear: u32, alignment: u32, is_write: bool, way: u8) -> Option<u32> {
        let kind = if is_write { &self.writes } else { &self.reads };
        let entry = &kind[Self::place(linear >> 12, way)];
        (entry.page == linear & (PAGE | (alignment - 1))).then_some(linear.wrapping_add(entry.distance))
    }

    fn enter(&mut self, linear: u32, is_write: bool, level: Level, frame: u32) {
        let kind = if is_write {
            &mut self.writes
        } else {
            &mut self.reads
        };
        let page = linear & PAGE;
        kind[Self::place(page >> 12, level as u8)] = Shortcut {
            page,
            distance: (frame << 12).wrapping_sub(page),
        };
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        for kind in [&mut self.reads, &mut self.writes] {
            kind[..2 * SHORTCUTS].fill(EMPTY);
        }
    }

    /// Forgets a linear page.
    pub(crate) fn forget(&mut self, page: u32) {
        for level in [Level::Supervisor, Level::User] {
            for kind in [&mut self.reads, &mut self.writes] {
                let entry = &mut kind[Self::place(page, level as u8)];
                if entry.page == page << 12 {
                    *entry = EMPTY;
                }
            }
        }
    }

    /// Forgets the ways to write to a frame.
    fn forget_writes(&mut self, frame: u32) {
        for entry in self.writes.iter_mut().filter(|entry| entry.leads_to(frame)) {
            *entry = EMPTY;
        }
    }
}

/// Which lines of 64 bytes of [`Bus::memory`] hold decoded code, and which of those have been written since.
#[derive(Clone, Debug, Default)]
pub(crate) struct CodeLines {
    /// A frame's 64 lines as bits.
    frames: Vec<u64>,
    /// Addresses of written lines. Their marks are gone already.
    written: Vec<u32>,
}

impl CodeLines {
    fn frame(&self, frame: u32) -> u64 {
        self.frames.get(frame as usize).copied().unwrap_or(0)
    }

    /// Notes a write that does not cross a line; true if the line held code.
    fn note_write(&mut self, address: u32) -> bool {
        let mark = 1u64 << ((address & 0xFFF) / LINE_BYTES);
        match self.frames.get_mut((address >> 12) as usize) {
            Some(lines) if *lines & mark != 0 => {
                *lines &= !mark;
                self.written.push(address & !(LINE_BYTES - 1));
                true
            }
            _ => false,
        }
    }
}

/// Where the bytes of a code page are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodePage {
    /// In this frame of [`Bus::memory`].
    Memory {
        /// Index of the frame.
        frame: u32,
    },
    /// Behind [`Core::fetch_byte`].
    Device,
}

/// An operand cut at the dword boundary: physical addresses of its parts, the second with its bytes if there is one.
#[derive(Clone, Copy, Debug)]
struct Parts {
    first: u32,
    first_bytes: u32,
    second: Option<(u32, u32)>,
}

/// The fault of a bad access through a segment: #SS for the stack segment, #GP for others.
pub(crate) fn access_fault(segment: Segment) -> Fault {
    match segment {
        Segment::Ss => Fault::with_code(Vector::Stack, 0),
        _ => Fault::with_code(Vector::GeneralProtection, 0),
    }
}

impl Core {
    /// Reads an operand.
    #[inline(always)]
    pub(crate) fn read<T: Unit, B: Bus>(
        &mut self,
        bus: &mut B,
        segment: Segment,
        offset: u32,
    ) -> Result<T, Fault> {
        let linear = self.linear::<T, B>(segment, offset, false)?;
        self.read_by(bus, linear, self.level(), self.way::<B>(segment, false))
    }

    /// Writes an operand.
    #[inline(always)]
    pub(crate) fn write<T: Unit, B: Bus>(
        &mut self,
        bus: &mut B,
        segment: Segment,
        offset: u32,
        value: T,
    ) -> Result<(), Fault> {
        let linear = self.linear::<T, B>(segment, offset, true)?;
        self.write_by(bus, linear, value, self.level(), self.way::<B>(segment, true))
    }

    /// Reads an operand, and writes back what `change` makes of it. The right to write is checked before the read.
    #[inline(always)]
    pub(crate) fn modify<T: Unit, B: Bus>(
        &mut self,
        bus: &mut B,
        segment: Segment,
        offset: u32,
        change: impl FnOnce(T) -> T,
    ) -> Result<(), Fault> {
        let linear = self.linear::<T, B>(segment, offset, true)?;
        let level = self.level();
        if let Some(address) = self.at_hand::<T, B>(bus, linear, true, self.way::<B>(segment, true)) {
            if !B::IS_QUICK {
                let wait = bus.memory_wait(address, false);
                bus.charge(&mut self.cycles, Cycle::from(wait));
            }
            let wait = bus.memory_wait(address, true);
            bus.charge(&mut self.cycles, Cycle::from(wait));
            let start = address as usize;
            let bytes = &mut bus.memory()[start..start + T::BYTES as usize];
            change(T::load(bytes)).store(bytes);
            return Ok(());
        }
        if B::IS_QUICK {
            return Err(Fault::NOT_AT_ONCE);
        }
        let parts = self.parts(bus, linear, T::BYTES, true, level)?;
        let old = self.read_parts(bus, linear, parts, level);
        self.write_parts(bus, linear, parts, change(T::from_u32(old)).to_u32(), level);
        Ok(())
    }

    /// Checks that `bytes` bytes (at least one) from an offset may be read, all of their pages too, so that the read cannot
    /// fault.
    pub(crate) fn check_read<B: Bus>(
        &mut self,
        bus: &mut B,
        segment: Segment,
        offset: u32,
        bytes: u32,
    ) -> Result<(), Fault> {
        self.check_rights(segment, offset, bytes, false)?;
        let linear = self.segment(segment).base.wrapping_add(offset);
        self.check_pages(bus, linear, bytes, false, self.level())
    }

    /// Checks that `bytes` bytes (at least one) from an offset may be written, all of their pages too, so that the writes cannot
    /// fault.
    pub(crate) fn check_write<B: Bus>(
        &mut self,
        bus: &mut B,
        segment: Segment,
        offset: u32,
        bytes: u32,
    ) -> Result<(), Fault> {
        let register = *self.segment(segment);
        if !register.is_writable() || !register.holds(offset, bytes) {
            return Err(access_fault(segment));
        }
        let level = self.level();
        self.check_write_linear(bus, register.base.wrapping_add(offset), bytes, level)
    }

    /// The part of [`Core::check_write`] that is about pages.
    pub(crate) fn check_write_linear<B: Bus>(
        &mut self,
        bus: &mut B,
        linear: u32,
        bytes: u32,
        level: Level,
    ) -> Result<(), Fault> {
        self.check_pages(bus, linear, bytes, true, level)
    }

    /// Translates every page of a range once, so that a fault comes before the first change.
    pub(crate) fn check_pages<B: Bus>(
        &mut self,
        bus: &mut B,
        linear: u32,
        bytes: u32,
        is_write: bool,
        level: Level,
    ) -> Result<(), Fault> {
        let mut at = linear;
        let mut left = bytes;
        while left > 0 {
            self.translate(bus, at, is_write, level)?;
            let step = (0x1000 - (at & 0xFFF)).min(left);
            at = at.wrapping_add(step);
            left -= step;
        }
        Ok(())
    }

    /// The aligned quadword at a linear address, as the processor itself reads it, where it is found at once and without waits.
    #[inline(always)]
    pub(crate) fn quadword_at_hand<B: Bus>(&self, bus: &mut B, linear: u32) -> Option<[u32; 2]> {
        let way = Level::Supervisor as u8;
        let address = self.shortcuts.find_aligned(linear, 8, false, way)?;
        if !bus.is_ready(address) {
            return None;
        }
        let first = address as usize;
        let bytes = &bus.memory()[first..first + 8];
        Some([u32::load(&bytes[..4]), u32::load(&bytes[4..])])
    }

    /// Aligned dwords of one page, at most as many as fit into two lines, where they are found at once and without waits.
    #[inline(always)]
    pub(crate) fn dwords_at_hand<B: Bus, const N: usize>(
        &self,
        bus: &mut B,
        linear: u32,
        level: Level,
    ) -> Option<[u32; N]> {
        let address = self.run_at_hand::<N>(linear, false, level)?;
        let last = address + 4 * (N as u32 - 1);
        if !bus.is_ready(address) || N > 1 && !bus.is_ready(last) {
            return None;
        }
        let first = address as usize;
        let bytes = &bus.memory()[first..first + 4 * N];
        Some(std::array::from_fn(|number| u32::load(&bytes[4 * number..][..4])))
    }

    /// Where in memory aligned dwords of one page are, if a shortcut leads there.
    #[inline(always)]
    pub(crate) fn run_at_hand<const N: usize>(
        &self,
        linear: u32,
        is_write: bool,
        level: Level,
    ) -> Option<u32> {
        if linear & 0xFFF > 0x1000 - 4 * N as u32 {
            return None;
        }
        self.shortcuts.find::<u32>(linear, is_write, level)
    }

    /// Where in memory a run of aligned units lies that begins at an offset and goes up, all in one page of plain memory and
    /// inside the segment, and how many units it has. `mask` is where offsets wrap. None where the fast path does not reach.
    #[inline]
    pub(crate) fn plain_run<T: Unit>(
        &self,
        segment: Segment,
        offset: u32,
        mask: u32,
        is_write: bool,
    ) -> Option<(u32, u32)> {
        self.plain_run_in::<T>(
            &self.reach[segment as usize],
            offset,
            mask,
            is_write,
            self.level(),
        )
    }

    /// As [`Core::plain_run`], of a segment that may not be loaded, as code of a level.
    #[inline(always)]
    pub(crate) fn plain_run_in<T: Unit>(
        &self,
        reach: &Reach,
        offset: u32,
        mask: u32,
        is_write: bool,
        level: Level,
    ) -> Option<(u32, u32)> {
        let (linear, bytes) = reach.run(offset, mask, is_write);
        let address = self.shortcuts.find::<T>(linear, is_write, level)?;
        Some((address, bytes / T::BYTES))
    }

    /// As [`Core::plain_run`] of bytes that need not be memory: their physical address, where that is known without a walk and no access
    /// meets a data breakpoint.
    pub(crate) fn translated_run(
        &self,
        segment: Segment,
        offset: u32,
        mask: u32,
        is_write: bool,
    ) -> Option<(u32, u32)> {
        let (linear, bytes) = self.reach[segment as usize].run(offset, mask, is_write);
        if bytes == 0 || self.has_data_breakpoint_in(linear >> 12) {
            return None;
        }
        Some((self.translated(linear, is_write, self.level())?, bytes))
    }

    /// The linear address of an operand that may be accessed.
    #[inline(always)]
    fn linear<T: Unit, B: Bus>(&self, segment: Segment, offset: u32, is_write: bool) -> Result<u32, Fault> {
        if B::IS_FLAT {
            return Ok(offset);
        }
        let reach = &self.reach[segment as usize];
        let last = if is_write { reach.write } else { reach.read };
        if i64::from(offset) + i64::from(T::BYTES - 1) > last {
            if B::IS_QUICK {
                return Err(Fault::NOT_AT_ONCE);
            }
            self.check_rights(segment, offset, T::BYTES, is_write)?;
        }
        Ok(reach.base.wrapping_add(offset))
    }

    /// Which shortcuts an access takes.
    #[inline(always)]
    fn way<B: Bus>(&self, segment: Segment, is_write: bool) -> u8 {
        if B::IS_FLAT {
            self.ways.of(segment, is_write)
        } else {
            self.level() as u8
        }
    }

    #[cold]
    pub(crate) fn check_rights(
        &self,
        segment: Segment,
        offset: u32,
        bytes: u32,
        is_write: bool,
    ) -> Result<(), Fault> {
        let register = self.segment(segment);
        let has_right = if is_write {
            register.is_writable()
        } else {
            register.is_readable()
        };
        if has_right && register.holds(offset, bytes) {
            Ok(())
        } else {
            Err(access_fault(segment))
        }
    }

    /// The byte of memory of an aligned operand that is read, and written too if `is_write`, where the fast path reaches. On a quick
    /// bus the read must cost nothing besides.
    #[inline(always)]
    fn at_hand<T: Unit, B: Bus>(&self, bus: &B, linear: u32, is_write: bool, way: u8) -> Option<u32> {
        let address = self.shortcuts.find_by::<T>(linear, is_write, way)?;
        if B::IS_QUICK && !bus.is_ready(address) {
            return None;
        }
        Some(address)
    }

    /// Reads at a linear address, as the given level.
    #[inline(always)]
    pub(crate) fn read_linear<T: Unit, B: Bus>(
        &mut self,
        bus: &mut B,
        linear: u32,
        level: Level,
    ) -> Result<T, Fault> {
        self.read_by(bus, linear, level, level as u8)
    }

    #[inline(always)]
    fn read_by<T: Unit, B: Bus>(
        &mut self,
        bus: &mut B,
        linear: u32,
        level: Level,
        way: u8,
    ) -> Result<T, Fault> {
        if let Some(address) = self.at_hand::<T, B>(bus, linear, false, way) {
            if !B::IS_QUICK {
                let wait = bus.memory_wait(address, false);
                bus.charge(&mut self.cycles, Cycle::from(wait));
            }
            let start = address as usize;
            return Ok(T::load(&bus.memory()[start..start + T::BYTES as usize]));
        }
        if B::IS_QUICK {
            return Err(Fault::NOT_AT_ONCE);
        }
        Ok(T::from_u32(self.read_slowly(bus, linear, T::BYTES, level)?))
    }

    #[inline(never)]
    fn read_slowly<B: Bus>(
        &mut self,
        bus: &mut B,
        linear: u32,
        bytes: u32,
        level: Level,
    ) -> Result<u32, Fault> {
        if let Some(address) = self.unaligned(bus, linear, bytes, false, level) {
            let start = address as usize;
            let mut value = [0; 4];
            value[..bytes as usize].copy_from_slice(&bus.memory()[start..start + bytes as usize]);
            return Ok(u32::from_le_bytes(value));
        }
        if (linear & 3) + bytes <= 4 {
            let physical = self.translate(bus, linear, false, level)?;
            self.note_data_breakpoint(linear, bytes, false);
            let page = bus.page(physical >> 12);
            self.enter_shortcuts(page, linear, false, level);
            return Ok(self.read_piece(bus, page, physical, bytes));
        }
        let parts = self.parts(bus, linear, bytes, false, level)?;
        Ok(self.read_parts(bus, linear, parts, level))
    }

    /// The fast path of an operand that is not aligned but lies in one page: where it is in memory. Its bus cycles are charged.
    fn unaligned<B: Bus>(
        &mut self,
        bus: &mut B,
        linear: u32,
        bytes: u32,
        is_write: bool,
        level: Level,
    ) -> Option<u32> {
        if (linear & 0xFFF) + bytes > 0x1000 {
            return None;
        }
        let address = self.shortcuts.find::<u8>(linear, is_write, level)?;
        let wait = bus.memory_wait(address, is_write);
        bus.charge(&mut self.cycles, Cycle::from(wait));
        if (address & 3) + bytes > 4 {
            bus.charge(&mut self.cycles, clocks::BUS_CYCLE);
            let wait = bus.memory_wait((address | 3) + 1, is_write);
            bus.charge(&mut self.cycles, Cycle::from(wait));
        }
        Some(address)
    }

    /// Writes at a linear address, as the given level.
    #[inline(always)]
    pub(crate) fn write_linear<T: Unit, B: Bus>(
        &mut self,
        bus: &mut B,
        linear: u32,
        value: T,
        level: Level,
    ) -> Result<(), Fault> {
        self.write_by(bus, linear, value, level, level as u8)
    }

    #[inline(always)]
    fn write_by<T: Unit, B: Bus>(
        &mut self,
        bus: &mut B,
        linear: u32,
        value: T,
        level: Level,
        way: u8,
    ) -> Result<(), Fault> {
        if let Some(address) = self.shortcuts.find_by::<T>(linear, true, way) {
            let wait = bus.memory_wait(address, true);
            bus.charge(&mut self.cycles, Cycle::from(wait));
            let start = address as usize;
            value.store(&mut bus.memory()[start..start + T::BYTES as usize]);
            return Ok(());
        }
        if B::IS_QUICK {
            return Err(Fault::NOT_AT_ONCE);
        }
        self.write_slowly(bus, linear, T::BYTES, value.to_u32(), level)
    }

    #[inline(never)]
    fn write_slowly<B: Bus>(
        &mut self,
        bus: &mut B,
        linear: u32,
        bytes: u32,
        value: u32,
        level: Level,
    ) -> Result<(), Fault> {
        if let Some(address) = self.unaligned(bus, linear, bytes, true, level) {
            let start = address as usize;
            bus.memory()[start..start + bytes as usize]
                .copy_from_slice(&value.to_le_bytes()[..bytes as usize]);
            return Ok(());
        }
        if (linear & 3) + bytes <= 4 {
            let physical = self.translate(bus, linear, true, level)?;
            self.note_data_breakpoint(linear, bytes, true);
            let page = bus.page(physical >> 12);
            self.enter_shortcuts(page, linear, true, level);
            self.write_piece(bus, page, physical, bytes, value);
            return Ok(());
        }
        let parts = self.parts(bus, linear, bytes, true, level)?;
        self.write_parts(bus, linear, parts, value, level);
        Ok(())
    }

    /// Cuts an operand at the dword boundary and translates both parts, so that a fault changes nothing.
    fn parts<B: Bus>(
        &mut self,
        bus: &mut B,
        linear: u32,
        bytes: u32,
        is_write: bool,
        level: Level,
    ) -> Result<Parts, Fault> {
        let first = self.translate(bus, linear, is_write, level)?;
        let first_bytes = bytes.min(4 - (linear & 3));
        let second_bytes = bytes - first_bytes;
        let second_linear = linear.wrapping_add(first_bytes);
        let second = match second_bytes {
            0 => None,
            _ if second_linear & 0xFFF == 0 => {
                let second = self.translate(bus, second_linear, is_write, level)?;
                Some((second, second_bytes))
            }
            _ => Some((first + first_bytes, second_bytes)),
        };
        Ok(Parts {
            first,
            first_bytes,
            second,
        })
    }

    fn read_parts<B: Bus>(&mut self, bus: &mut B, linear: u32, parts: Parts, level: Level) -> u32 {
        self.note_data_breakpoint(linear, parts.bytes(), false);
        let page = bus.page(parts.first >> 12);
        self.enter_shortcuts(page, linear, false, level);
        let low = self.read_piece(bus, page, parts.first, parts.first_bytes);
        let Some((second, second_bytes)) = parts.second else {
            return low;
        };
        bus.charge(&mut self.cycles, clocks::BUS_CYCLE);
        let page = bus.page(second >> 12);
        let high = self.read_piece(bus, page, second, second_bytes);
        low | (high << (8 * parts.first_bytes))
    }

    fn write_parts<B: Bus>(&mut self, bus: &mut B, linear: u32, parts: Parts, value: u32, level: Level) {
        self.note_data_breakpoint(linear, parts.bytes(), true);
        let page = bus.page(parts.first >> 12);
        self.enter_shortcuts(page, linear, true, level);
        self.write_piece(bus, page, parts.first, parts.first_bytes, value);
        if let Some((second, second_bytes)) = parts.second {
            bus.charge(&mut self.cycles, clocks::BUS_CYCLE);
            let page = bus.page(second >> 12);
            self.write_piece(bus, page, second, second_bytes, value >> (8 * parts.first_bytes));
        }
    }

    /// An access to a page has been allowed: the next ones take a shortcut, as far as it has none yet that they may take.
    fn enter_shortcuts(&mut self, page: Page, linear: u32, is_write: bool, level: Level) {
        let Page::Memory { frame, is_writable } = page else {
            return;
        };
        if self.has_data_breakpoint_in(linear >> 12) {
            return;
        }
        self.shortcuts.enter(linear, false, level, frame);
        let may_write = is_write || self.may_write_at_once(linear, level);
        if may_write && is_writable && self.code_lines.frame(frame) == 0 {
            self.shortcuts.enter(linear, true, level, frame);
        }
    }

    /// Reads 1 to 4 bytes of one dword from what lies behind their physical page.
    pub(crate) fn read_piece<B: Bus>(&mut self, bus: &mut B, page: Page, physical: u32, bytes: u32) -> u32 {
        match page {
            Page::Memory { frame, .. } => {
                let address = (frame << 12) | (physical & 0xFFF);
                let wait = bus.memory_wait(address, false);
                bus.charge(&mut self.cycles, Cycle::from(wait));
                let start = (address & !3) as usize;
                let dword = u32::load(&bus.memory()[start..start + 4]);
                dword >> (8 * (address & 3)) & mask_of(bytes)
            }
            Page::Device => {
                let mut value = 0;
                let mut done = 0;
                while done < bytes {
                    let width = width_within(bytes - done);
                    let reply = bus.read(self.cycles, physical + done, width);
                    self.cycles += Cycle::from(reply.wait);
                    value |= (reply.value & mask(width)) << (8 * done);
                    done += width.bytes();
                }
                self.look_at_pins(bus);
                value
            }
        }
    }

    /// Writes the low 1 to 4 bytes of `value` inside one dword.
    pub(crate) fn write_piece<B: Bus>(
        &mut self,
        bus: &mut B,
        page: Page,
        physical: u32,
        bytes: u32,
        value: u32,
    ) {
        if let Page::Memory {
            frame,
            is_writable: true,
        } = page
        {
            let address = (frame << 12) | (physical & 0xFFF);
            let wait = bus.memory_wait(address, true);
            bus.charge(&mut self.cycles, Cycle::from(wait));
            let start = (address & !3) as usize;
            let dword = &mut bus.memory()[start..start + 4];
            let (mask, shift) = (mask_of(bytes), 8 * (address & 3));
            let kept = u32::load(dword) & !(mask << shift);
            (kept | (value & mask) << shift).store(dword);
            if self.code_lines.note_write(address) {
                self.ask_attention();
            }
            return;
        }
        let mut done = 0;
        while done < bytes {
            let width = width_within(bytes - done);
            let part = (value >> (8 * done)) & mask(width);
            self.cycles += Cycle::from(bus.write(self.cycles, physical + done, width, part));
            done += width.bytes();
        }
        self.look_at_pins(bus);
    }

    /// Pushes an operand of 16 or 32 bits. ESP changes last.
    #[inline(always)]
    pub(crate) fn push<T: Unit, B: Bus>(&mut self, bus: &mut B, value: T) -> Result<(), Fault> {
        let top = self.stack_pointer::<B>().wrapping_sub(T::BYTES) & self.stack_mask::<B>();
        self.write(bus, Segment::Ss, top, value)?;
        self.set_stack_pointer::<B>(top);
        Ok(())
    }

    /// Pops an operand of 16 or 32 bits. ESP changes last.
    #[inline(always)]
    pub(crate) fn pop<T: Unit, B: Bus>(&mut self, bus: &mut B) -> Result<T, Fault> {
        let top = self.stack_pointer::<B>();
        let value = self.read(bus, Segment::Ss, top)?;
        self.set_stack_pointer::<B>(top.wrapping_add(T::BYTES));
        Ok(value)
    }

    /// Reads above the top of the stack without popping.
    #[inline(always)]
    pub(crate) fn peek<T: Unit, B: Bus>(&mut self, bus: &mut B, above: u32) -> Result<T, Fault> {
        let offset = self.stack_pointer::<B>().wrapping_add(above) & self.stack_mask::<B>();
        self.read(bus, Segment::Ss, offset)
    }

    /// The bits of ESP that count: all in a flat segment.
    #[inline(always)]
    pub(crate) fn stack_mask<B: Bus>(&self) -> u32 {
        if B::IS_FLAT { u32::MAX } else { self.stack_mask }
    }

    /// ESP or SP, as the stack segment's B bit says.
    #[inline(always)]
    pub(crate) fn stack_pointer<B: Bus>(&self) -> u32 {
        self.general[Register::Esp as usize] & self.stack_mask::<B>()
    }

    /// Sets ESP or SP; with a 16-bit stack the upper half of ESP stays.
    #[inline(always)]
    pub(crate) fn set_stack_pointer<B: Bus>(&mut self, value: u32) {
        let mask = self.stack_mask::<B>();
        let esp = &mut self.general[Register::Esp as usize];
        *esp = (*esp & !mask) | (value & mask);
    }

    /// Where the code at a linear address is; checks the right to fetch there. The CS limit is the caller's.
    #[inline]
    pub(crate) fn code_page<B: Bus>(&mut self, bus: &mut B, linear: u32) -> Result<CodePage, Fault> {
        let level = self.level();
        if let Some(address) = self.shortcuts.find::<u8>(linear, false, level) {
            return Ok(CodePage::Memory { frame: address >> 12 });
        }
        let (page, _) = self.page_behind(bus, linear, level)?;
        self.enter_shortcuts(page, linear, false, level);
        Ok(match page {
            Page::Memory { frame, .. } => CodePage::Memory { frame },
            Page::Device => CodePage::Device,
        })
    }

    /// The frame of memory that the code at a linear address is in, where a shortcut leads there.
    #[inline(always)]
    pub(crate) fn known_code_frame(&self, linear: u32) -> Option<u32> {
        let address = self.shortcuts.find::<u8>(linear, false, self.level())?;
        Some(address >> 12)
    }

    /// Fetches a byte of code from wherever it is, at the cost of a byte's bus cycle.
    pub(crate) fn fetch_byte<B: Bus>(&mut self, bus: &mut B, linear: u32) -> Result<u8, Fault> {
        let (page, physical) = self.page_behind(bus, linear, self.level())?;
        bus.charge(&mut self.cycles, clocks::BUS_CYCLE);
        Ok(self.read_piece(bus, page, physical, 1) as u8)
    }

    /// Notes that bytes of [`Bus::memory`] have been decoded: a write to their lines is then reported by
    /// [`Core::take_written_code`].
    pub(crate) fn mark_code(&mut self, address: u32, bytes: u32) {
        let mut line = address & !(LINE_BYTES - 1);
        while line < address.saturating_add(bytes) {
            let frame = line >> 12;
            if self.code_lines.frames.len() <= frame as usize {
                self.code_lines.frames.resize(frame as usize + 1, 0);
            }
            if self.code_lines.frame(frame) == 0 {
                self.shortcuts.forget_writes(frame);
            }
            self.code_lines.frames[frame as usize] |= 1 << ((line & 0xFFF) / LINE_BYTES);
            line += LINE_BYTES;
        }
    }

    /// The caller has dropped all decoded code of a frame: writes to it are plain again.
    pub(crate) fn unmark_code_frame(&mut self, frame: u32) {
        if let Some(lines) = self.code_lines.frames.get_mut(frame as usize) {
            *lines = 0;
        }
    }

    /// Memory was written by someone else (DMA, a loader).
    pub(crate) fn note_outside_write(&mut self, address: u32, bytes: u32) {
        let mut line = address & !(LINE_BYTES - 1);
        while line < address.saturating_add(bytes) {
            if self.code_lines.note_write(line) {
                self.ask_attention();
            }
            line = line.saturating_add(LINE_BYTES);
        }
    }

    /// Addresses in [`Bus::memory`] of the lines of 64 bytes that held decoded code and have been written. The caller
    /// drops that code; the lines count as free of code from now on.
    pub(crate) fn take_written_code(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.code_lines.written)
    }

    /// Whether [`Core::take_written_code`] has something to say.
    pub(crate) fn has_written_code(&self) -> bool {
        !self.code_lines.written.is_empty()
    }
}

impl Parts {
    fn bytes(&self) -> u32 {
        self.first_bytes + self.second.map_or(0, |(_, bytes)| bytes)
    }
}

/// The widest transfer that takes no more than `bytes` bytes.
fn width_within(bytes: u32) -> Width {
    match bytes {
        4.. => Width::Dword,
        2..=3 => Width::Word,
        _ => Width::Byte,
    }
}

fn mask(width: Width) -> u32 {
    mask_of(width.bytes())
}

/// The bits of the lowest `bytes` bytes, 1 to 4.
fn mask_of(bytes: u32) -> u32 {
    u32::MAX >> (32 - 8 * bytes)
}

#[cfg(test)]
mod tests {
    use super::CodePage;
    use crate::test_board::{Access, Board, DEVICE_PAGE, FREE, ROM_PAGE, protected};
    use crate::{Fault, Register, Segment, SegmentRegister, Vector, Width};

    const GENERAL_PROTECTION: Fault = Fault::with_code(Vector::GeneralProtection, 0);
    const DEVICE: u32 = DEVICE_PAGE << 12;

    fn with_segment(limit: u32, access: u16) -> (crate::core::Core, Board) {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        let register = SegmentRegister {
            selector: FREE,
            base: 0x1_0000,
            limit,
            access,
        };
        core.set_segment(Segment::Ds, register);
        (core, board)
    }

    #[test]
    fn an_operand_may_end_at_the_limit_but_not_beyond() {
        let (mut core, mut board) = with_segment(0xFFF, 0x0093);
        for (offset, bytes) in [(0xFFF_u32, 1), (0xFFE, 2), (0xFFC, 4)] {
            assert_eq!(core.check_write(&mut board, Segment::Ds, offset, bytes), Ok(()));
            let beyond = core.check_write(&mut board, Segment::Ds, offset + 1, bytes);
            assert_eq!(beyond, Err(GENERAL_PROTECTION));
        }
        assert_eq!(core.read::<u32, _>(&mut board, Segment::Ds, 0xFFC), Ok(0));
        assert_eq!(
            core.read::<u32, _>(&mut board, Segment::Ds, 0xFFD),
            Err(GENERAL_PROTECTION)
        );
        assert_eq!(
            core.write(&mut board, Segment::Ds, 0xFFF, 0u16),
            Err(GENERAL_PROTECTION)
        );
    }

    #[test]
    fn an_operand_may_not_wrap_round_at_four_gigabytes() {
        let (mut core, mut board) = with_segment(u32::MAX, 0xC093);
        assert_eq!(
            core.read::<u16, _>(&mut board, Segment::Ds, u32::MAX),
            Err(GENERAL_PROTECTION)
        );
    }

    #[test]
    fn an_expand_down_segment_begins_above_its_limit_and_ends_at_64_kilobytes_or_4_gigabytes() {
        for (access, upper) in [(0x0097, 0xFFFF_u32), (0x4097, u32::MAX)] {
            let (mut core, mut board) = with_segment(0xFFF, access);
            let mut read = |offset| core.read::<u8, _>(&mut board, Segment::Ds, offset).is_ok();
            assert!(!read(0));
            assert!(!read(0xFFF));
            assert!(read(0x1000));
            assert!(read(upper));
            assert_eq!(read(0x1_0000), upper > 0xFFFF);
        }
    }

    #[test]
    fn a_stack_access_beyond_the_limit_is_a_stack_fault() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        let register = SegmentRegister {
            limit: 0x7FFF,
            ..*core.segment(Segment::Ss)
        };
        core.set_segment(Segment::Ss, register);
        let fault = Fault::with_code(Vector::Stack, 0);
        assert_eq!(core.pop::<u32, _>(&mut board), Err(fault));
        assert_eq!(core.general[Register::Esp as usize], 0x8000);
    }

    #[test]
    fn rights_follow_the_access_byte() {
        for (access, may_read, may_write) in [
            (0x91_u16, true, false),
            (0x93, true, true),
            (0x99, false, false),
            (0x9B, true, false),
            (0x00, false, false),
            (0x13, false, false),
        ] {
            let (mut core, mut board) = with_segment(0xFFFF, access);
            let read = core.read::<u8, _>(&mut board, Segment::Ds, 0);
            assert_eq!(read.is_ok(), may_read, "read with access {access:#x}");
            let write = core.write(&mut board, Segment::Ds, 0, 0u8);
            assert_eq!(write.is_ok(), may_write, "write with access {access:#x}");
            let modified = core.modify(&mut board, Segment::Ds, 0, |value: u8| value);
            assert_eq!(modified.is_ok(), may_write, "modify with access {access:#x}");
        }
    }

    #[test]
    fn a_dword_across_a_dword_boundary_costs_a_second_bus_cycle_and_both_waits() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.wait = 3;
        for (offset, clocks) in [(0x5000, 3), (0x5001, 2 + 3 + 3), (0x5000, 3), (0x5003, 2 + 3 + 3)] {
            let before = core.cycles;
            core.write(&mut board, Segment::Ds, offset, 0x0403_0201_u32)
                .expect("memory");
            assert_eq!(core.cycles - before, clocks, "at {offset:#x}");
            assert_eq!(board.dword(offset), 0x0403_0201);
            assert_eq!(
                core.read::<u32, _>(&mut board, Segment::Ds, offset),
                Ok(0x0403_0201)
            );
        }
    }

    #[test]
    fn a_device_sees_transfers_that_stay_within_a_dword() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.write(&mut board, Segment::Ds, DEVICE + 3, 0x4433_2211_u32)
            .expect("device");
        let expected = [
            Access::Write(DEVICE + 3, Width::Byte, 0x11),
            Access::Write(DEVICE + 4, Width::Word, 0x3322),
            Access::Write(DEVICE + 6, Width::Byte, 0x44),
        ];
        assert_eq!(board.accesses, expected);
    }

    #[test]
    fn only_the_low_bits_of_a_device_answer_count() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.answer = 0xFFFF_FF5A;
        assert_eq!(core.read::<u8, _>(&mut board, Segment::Ds, DEVICE), Ok(0x5A));
    }

    #[test]
    fn a_write_to_rom_goes_to_the_bus_and_a_read_does_not() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        let rom = ROM_PAGE << 12;
        assert_eq!(core.read::<u16, _>(&mut board, Segment::Ds, rom), Ok(0));
        assert_eq!(board.accesses, []);
        core.write(&mut board, Segment::Ds, rom, 7u16).expect("no fault");
        assert_eq!(board.accesses, [Access::Write(rom, Width::Word, 7)]);
        assert_eq!(core.read::<u16, _>(&mut board, Segment::Ds, rom), Ok(0));
    }

    #[test]
    fn an_access_to_a_device_takes_over_the_pins() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.end_attention();
        board.pins.until = 1234;
        core.read::<u8, _>(&mut board, Segment::Ds, DEVICE)
            .expect("device");
        assert_eq!(core.until, 1234);
        board.pins.nmi = true;
        core.read::<u8, _>(&mut board, Segment::Ds, DEVICE)
            .expect("device");
        assert!(core.needs_attention);
    }

    #[test]
    fn a_write_to_a_line_of_code_is_reported_once_and_a_write_beside_it_is_not() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.write(&mut board, Segment::Ds, 0x5000, 1u8).expect("memory");
        core.mark_code(0x503E, 4);
        core.end_attention();
        core.write(&mut board, Segment::Ds, 0x5080, 1u8).expect("memory");
        assert!(!core.has_written_code() && !core.needs_attention);
        core.write(&mut board, Segment::Ds, 0x5040, 1u8).expect("memory");
        core.write(&mut board, Segment::Ds, 0x507F, 1u8).expect("memory");
        assert!(core.needs_attention);
        assert_eq!(core.take_written_code(), [0x5040]);
        core.write(&mut board, Segment::Ds, 0x503D, 0u32).expect("memory");
        assert_eq!(core.take_written_code(), [0x5000]);
    }

    #[test]
    fn writes_by_others_are_reported_for_every_line_they_touch() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        core.mark_code(0x5000, 256);
        core.note_outside_write(0x503F, 2);
        assert_eq!(core.take_written_code(), [0x5000, 0x5040]);
        assert_eq!(
            core.code_page(&mut board, 0x5000),
            Ok(CodePage::Memory { frame: 5 })
        );
    }

    #[test]
    fn a_16_bit_stack_wraps_and_keeps_the_upper_half_of_esp() {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        let register = SegmentRegister {
            access: 0x0093,
            limit: 0xFFFF,
            ..*core.segment(Segment::Ss)
        };
        core.set_segment(Segment::Ss, register);
        core.general[Register::Esp as usize] = 0xABCD_0000;
        core.push(&mut board, 0x1234_u16).expect("the end of the segment");
        assert_eq!(core.general[Register::Esp as usize], 0xABCD_FFFE);
        assert_eq!(board.word(0xFFFE), 0x1234);
        assert_eq!(core.pop::<u16, _>(&mut board), Ok(0x1234));
        assert_eq!(core.general[Register::Esp as usize], 0xABCD_0000);
    }
}
