//! From linear to physical addresses (PRM section 5.2): the two-level walk, the translation lookaside buffer, accessed
//! and dirty bits, page faults.
//!
//! The buffer has 32 entries in 8 sets of 4 ways and keeps stale entries until CR3 is written, as the 386 does; a guest
//! that forgets the write sees what it would see on the real part. Left out: the order in which a real set gives up
//! its ways is not published, so a set gives them up in turn.

use crate::clocks;
use crate::core::Core;
use crate::memory::SHORTCUTS;
use crate::{Bus, Control, Fault, Page, Vector};

const PRESENT: u32 = 1 << 0;
const WRITABLE: u32 = 1 << 1;
const USER: u32 = 1 << 2;
const ACCESSED: u32 = 1 << 5;
const DIRTY: u32 = 1 << 6;
const FRAME: u32 = 0xFFFF_F000;

const SETS: usize = 8;
const WAYS: usize = 4;

/// Who asks, for the U/S bit: privilege level 3 is the user, all others and the processor itself the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Level {
    /// Privilege level 0, 1 or 2, and accesses to descriptor tables and task state segments.
    Supervisor = 0,
    /// Privilege level 3. The number is that of the first shortcut of this level.
    User = SHORTCUTS as u8,
}

impl Level {
    /// Of a privilege level.
    #[inline]
    pub(crate) fn of(privilege: u8) -> Self {
        if privilege == 3 {
            Self::User
        } else {
            Self::Supervisor
        }
    }
}

/// One entry of the translation lookaside buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Translation {
    /// Linear address bits 31 to 12.
    pub page: u32,
    /// Physical address bits 31 to 12.
    pub frame: u32,
    /// The entry holds a translation.
    pub is_valid: bool,
    /// U/S of both levels is set.
    pub is_user: bool,
    /// R/W of both levels is set.
    pub is_writable: bool,
    /// The page's D bit is set already.
    pub is_dirty: bool,
}

impl Translation {
    /// Whether the rights allow the access. A 386 lets the supervisor write everywhere.
    fn allows(&self, is_write: bool, level: Level) -> bool {
        level == Level::Supervisor || (self.is_user && (self.is_writable || !is_write))
    }
}

/// The whole buffer as plain data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translations {
    /// Four ways of each set; the set is the low three bits of the page.
    pub sets: [[Translation; WAYS]; SETS],
    /// Which way each set gives up next, 0 to 3.
    pub next_way: [u8; SETS],
}

/// The translation lookaside buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tlb {
    entries: Translations,
}

impl Tlb {
    /// The entry for a linear page.
    pub(crate) fn find(&self, page: u32) -> Option<&Translation> {
        self.entries.sets[Self::set(page)]
            .iter()
            .find(|entry| entry.is_valid && entry.page == page)
    }

    /// Puts in an entry, in place of one for the same page or of the way whose turn it is. Returns the page whose
    /// translation went.
    pub(crate) fn insert(&mut self, new: Translation) -> Option<u32> {
        let set = Self::set(new.page);
        let ways = &mut self.entries.sets[set];
        let same = ways.iter().position(|old| old.is_valid && old.page == new.page);
        let way = same.or_else(|| ways.iter().position(|old| !old.is_valid));
        let way = way.unwrap_or_else(|| {
            let turn = self.entries.next_way[set];
            self.entries.next_way[set] = (turn + 1) % WAYS as u8;
            usize::from(turn) % WAYS
        });
        let old = std::mem::replace(&mut ways[way], new);
        old.is_valid.then_some(old.page)
    }

    /// Sets one way of a set, as a write of TR6 does. Returns the page whose translation went.
    pub(crate) fn set_way(&mut self, way: usize, new: Translation) -> Option<u32> {
        let ways = &mut self.entries.sets[Self::set(new.page)];
        let old = std::mem::replace(&mut ways[way % WAYS], new);
        old.is_valid.then_some(old.page)
    }

    /// The way that holds a page.
    pub(crate) fn way_of(&self, page: u32) -> Option<usize> {
        self.entries.sets[Self::set(page)]
            .iter()
            .position(|entry| entry.is_valid && entry.page == page)
    }

    /// The whole as plain data.
    pub(crate) fn state(&self) -> Translations {
        self.entries.clone()
    }

    /// From plain data.
    pub(crate) fn from_state(state: &Translations) -> Self {
        let mut entries = state.clone();
        for turn in &mut entries.next_way {
            *turn %= WAYS as u8;
        }
        Self { entries }
    }

    fn set(page: u32) -> usize {
        page as usize % SETS
    }
}

impl Core {
    /// Empties the translation lookaside buffer, as a write of CR3 does.
    pub(crate) fn forget_translations(&mut self) {
        self.tlb = Tlb::default();
        self.shortcuts.clear();
    }

    /// The physical address of a linear one; sets the page's A bits, and D for a write.
    pub(crate) fn translate<B: Bus>(
        &mut self,
        bus: &mut B,
        linear: u32,
        is_write: bool,
        level: Level,
    ) -> Result<u32, Fault> {
        debug_assert!(!B::IS_QUICK, "a first attempt translates nothing");
        if !self.cr0.contains(Control::PAGING) {
            return Ok(linear);
        }
        match self.tlb.find(linear >> 12).copied() {
            Some(entry) if entry.is_dirty || !is_write => {
                if entry.allows(is_write, level) {
                    Ok((entry.frame << 12) | (linear & !FRAME))
                } else {
                    Err(self.page_fault(linear, true, is_write, level))
                }
            }
            _ => self.walk(bus, linear, is_write, level),
        }
    }

    /// As [`Core::translate`], where that is allowed and needs no walk.
    pub(crate) fn translated(&self, linear: u32, is_write: bool, level: Level) -> Option<u32> {
        if !self.cr0.contains(Control::PAGING) {
            return Some(linear);
        }
        let entry = self.tlb.find(linear >> 12)?;
        let is_at_once = (entry.is_dirty || !is_write) && entry.allows(is_write, level);
        is_at_once.then_some((entry.frame << 12) | (linear & !FRAME))
    }

    /// Whether a write to a page that has just been translated at this level would be allowed and need no walk.
    pub(crate) fn may_write_at_once(&self, linear: u32, level: Level) -> bool {
        self.translated(linear, true, level).is_some()
    }

    fn walk<B: Bus>(&mut self, bus: &mut B, linear: u32, is_write: bool, level: Level) -> Result<u32, Fault> {
        self.cycles += clocks::PAGE_WALK;
        let directory_address = (self.cr3 & FRAME) | ((linear >> 22) << 2);
        let directory_entry = self.read_physical(bus, directory_address);
        if directory_entry & PRESENT == 0 {
            return Err(self.page_fault(linear, false, is_write, level));
        }
        let table_address = (directory_entry & FRAME) | (((linear >> 12) & 0x3FF) << 2);
        let table_entry = self.read_physical(bus, table_address);
        if table_entry & PRESENT == 0 {
            return Err(self.page_fault(linear, false, is_write, level));
        }
        let both = directory_entry & table_entry;
        let translation = Translation {
            page: linear >> 12,
            frame: table_entry >> 12,
            is_valid: true,
            is_user: both & USER != 0,
            is_writable: both & WRITABLE != 0,
            is_dirty: is_write || table_entry & DIRTY != 0,
        };
        if !translation.allows(is_write, level) {
            return Err(self.page_fault(linear, true, is_write, level));
        }
        if directory_entry & ACCESSED == 0 {
            self.write_physical(bus, directory_address, directory_entry | ACCESSED);
        }
        let marks = ACCESSED | if is_write { DIRTY } else { 0 };
        if table_entry & marks != marks {
            self.write_physical(bus, table_address, table_entry | marks);
        }
        if let Some(gone) = self.tlb.insert(translation) {
            self.shortcuts.forget(gone);
        }
        Ok((table_entry & FRAME) | (linear & !FRAME))
    }

    /// Sets CR2; the error code tells present, write and user (PRM figure 9-9).
    fn page_fault(&mut self, linear: u32, is_present: bool, is_write: bool, level: Level) -> Fault {
        self.cr2 = linear;
        let code = u16::from(is_present) | u16::from(is_write) << 1 | u16::from(level == Level::User) << 2;
        Fault::with_code(Vector::Page, code)
    }

    /// Reads an aligned dword of a page directory or table.
    fn read_physical<B: Bus>(&mut self, bus: &mut B, address: u32) -> u32 {
        self.cycles += clocks::BUS_CYCLE;
        let page = bus.page(address >> 12);
        self.read_piece(bus, page, address, 4)
    }

    /// Writes an aligned dword of a page directory or table.
    fn write_physical<B: Bus>(&mut self, bus: &mut B, address: u32, value: u32) {
        self.cycles += clocks::BUS_CYCLE;
        let page = bus.page(address >> 12);
        self.write_piece(bus, page, address, 4, value);
    }

    /// What lies at a linear page's physical page, for reading or fetching at the given level.
    pub(crate) fn page_behind<B: Bus>(
        &mut self,
        bus: &mut B,
        linear: u32,
        level: Level,
    ) -> Result<(Page, u32), Fault> {
        let physical = self.translate(bus, linear, false, level)?;
        Ok((bus.page(physical >> 12), physical))
    }
}

#[cfg(test)]
mod tests {
    use super::{ACCESSED, DIRTY, Level, PRESENT, USER, WRITABLE};
    use crate::core::Core;
    use crate::test_board::{Board, protected, user};
    use crate::{Control, Fault, Segment, Vector};

    const DIRECTORY: u32 = 0x1_0000;
    const TABLE: u32 = 0x1_1000;

    /// The first 4 MB mapped one to one, with paging on.
    fn paged(board: &mut Board, core: &mut Core) {
        board.set_dword(DIRECTORY, TABLE | PRESENT | WRITABLE | USER);
        for page in 0..256 {
            map(board, page, page, PRESENT | WRITABLE | USER);
        }
        core.move_to_control(3, DIRECTORY).expect("level 0");
        core.move_to_control(0, (Control::PROTECTION | Control::PAGING).bits())
            .expect("level 0");
    }

    fn map(board: &mut Board, page: u32, frame: u32, bits: u32) {
        board.set_dword(entry(page), frame << 12 | bits);
    }

    fn entry(page: u32) -> u32 {
        TABLE + page * 4
    }

    fn supervisor() -> (Core, Board) {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        paged(&mut board, &mut core);
        (core, board)
    }

    fn page_fault(code: u16) -> Fault {
        Fault::with_code(Vector::Page, code)
    }

    #[test]
    fn a_read_sets_the_accessed_bits_and_a_write_the_dirty_bit_of_the_table_only() {
        let (mut core, mut board) = supervisor();
        core.read::<u8, _>(&mut board, Segment::Ds, 0x5000)
            .expect("mapped");
        assert_eq!(board.dword(DIRECTORY) & (ACCESSED | DIRTY), ACCESSED);
        assert_eq!(board.dword(entry(5)) & (ACCESSED | DIRTY), ACCESSED);
        core.write(&mut board, Segment::Ds, 0x5000, 1u8).expect("mapped");
        assert_eq!(board.dword(DIRECTORY) & (ACCESSED | DIRTY), ACCESSED);
        assert_eq!(board.dword(entry(5)) & (ACCESSED | DIRTY), ACCESSED | DIRTY);
    }

    #[test]
    fn a_walk_takes_20_clocks_and_a_hit_none() {
        let (mut core, mut board) = supervisor();
        board.set_dword(DIRECTORY, board.dword(DIRECTORY) | ACCESSED);
        map(&mut board, 5, 5, PRESENT | ACCESSED);
        let before = core.cycles;
        core.read::<u8, _>(&mut board, Segment::Ds, 0x5000)
            .expect("mapped");
        assert_eq!(core.cycles - before, 20);
        core.read::<u8, _>(&mut board, Segment::Ds, 0x5004)
            .expect("mapped");
        assert_eq!(core.cycles - before, 20);
    }

    #[test]
    fn an_old_translation_is_used_until_cr3_is_written() {
        let (mut core, mut board) = supervisor();
        board.set_dword(0x5000, 0x5555);
        board.set_dword(0x6000, 0x6666);
        assert_eq!(core.read::<u16, _>(&mut board, Segment::Ds, 0x5000), Ok(0x5555));
        map(&mut board, 5, 6, PRESENT);
        core.shortcuts.clear();
        assert_eq!(core.read::<u16, _>(&mut board, Segment::Ds, 0x5000), Ok(0x5555));
        core.move_to_control(3, DIRECTORY).expect("level 0");
        assert_eq!(core.read::<u16, _>(&mut board, Segment::Ds, 0x5000), Ok(0x6666));
    }

    #[test]
    fn a_fifth_page_of_a_set_drives_out_the_first_and_its_shortcut() {
        let (mut core, mut board) = supervisor();
        for page in [0x08, 0x10, 0x18, 0x20] {
            core.read::<u8, _>(&mut board, Segment::Ds, page << 12)
                .expect("mapped");
        }
        map(&mut board, 0x08, 0x30, PRESENT);
        board.set_dword(0x3_0000, 0x77);
        assert_eq!(core.read::<u8, _>(&mut board, Segment::Ds, 0x8000), Ok(0));
        core.read::<u8, _>(&mut board, Segment::Ds, 0x2_8000)
            .expect("mapped");
        assert_eq!(core.read::<u8, _>(&mut board, Segment::Ds, 0x8000), Ok(0x77));
    }

    #[test]
    fn page_fault_codes_tell_present_write_and_user() {
        // (bits of the entry, who, write) -> code, or none for no fault.
        let cases = [
            (0, Level::Supervisor, false, Some(0)),
            (0, Level::Supervisor, true, Some(2)),
            (0, Level::User, false, Some(4)),
            (0, Level::User, true, Some(6)),
            (PRESENT, Level::Supervisor, true, None),
            (PRESENT, Level::User, false, Some(5)),
            (PRESENT, Level::User, true, Some(7)),
            (PRESENT | USER, Level::User, false, None),
            (PRESENT | USER, Level::User, true, Some(7)),
            (PRESENT | WRITABLE, Level::User, true, Some(7)),
            (PRESENT | USER | WRITABLE, Level::User, true, None),
        ];
        for (bits, level, is_write, code) in cases {
            for in_directory in [false, true] {
                let (mut core, mut board) = supervisor();
                if in_directory {
                    board.set_dword(DIRECTORY, TABLE | bits);
                } else {
                    map(&mut board, 5, 5, bits);
                }
                let outcome = core.translate(&mut board, 0x5678, is_write, level);
                let expected = code.map_or(Ok(0x5678), |code| Err(page_fault(code)));
                assert_eq!(outcome, expected, "{bits:#x} {level:?} {is_write} {in_directory}");
                assert_eq!(core.cr2, if code.is_some() { 0x5678 } else { 0 });
            }
        }
    }

    #[test]
    fn a_refused_access_sets_no_bits() {
        let (mut core, mut board) = supervisor();
        map(&mut board, 5, 5, PRESENT);
        let refused = core.translate(&mut board, 0x5000, true, Level::User);
        assert_eq!(refused, Err(page_fault(7)));
        assert_eq!(board.dword(entry(5)), 0x5000 | PRESENT);
    }

    #[test]
    fn a_write_across_two_pages_of_which_the_second_is_absent_changes_nothing() {
        let (mut core, mut board) = supervisor();
        map(&mut board, 6, 6, 0);
        board.set_dword(0x5FFC, 0x1111_1111);
        let outcome = core.write(&mut board, Segment::Ds, 0x5FFE, 0x2222_2222_u32);
        assert_eq!(outcome, Err(page_fault(2)));
        assert_eq!(core.cr2, 0x6000);
        assert_eq!(board.dword(0x5FFC), 0x1111_1111);
    }

    #[test]
    fn an_operand_across_two_pages_comes_from_both_frames() {
        let (mut core, mut board) = supervisor();
        map(&mut board, 5, 9, PRESENT | WRITABLE);
        map(&mut board, 6, 7, PRESENT | WRITABLE);
        core.write(&mut board, Segment::Ds, 0x5FFD, 0x4433_2211_u32)
            .expect("mapped");
        assert_eq!(board.dword(0x9FFC), 0x3322_1100);
        assert_eq!(board.dword(0x7000), 0x44);
        assert_eq!(
            core.read::<u32, _>(&mut board, Segment::Ds, 0x5FFD),
            Ok(0x4433_2211)
        );
    }

    #[test]
    fn descriptor_tables_are_read_as_supervisor_by_user_programs() {
        let mut board = Board::new();
        let mut core = user(&mut board);
        core.set_privilege(0);
        paged(&mut board, &mut core);
        core.set_privilege(3);
        map(&mut board, 1, 1, PRESENT);
        let selector = crate::test_board::DATA_3;
        assert_eq!(core.load_segment(&mut board, Segment::Ds, selector), Ok(()));
    }

    #[test]
    fn the_processor_refuses_paging_without_protection() {
        let mut core = Core::new();
        let refused = core.move_to_control(0, Control::PAGING.bits());
        assert_eq!(refused, Err(Fault::with_code(Vector::GeneralProtection, 0)));
    }
}
