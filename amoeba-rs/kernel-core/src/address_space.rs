//! The address space of a process: a page directory that holds the kernel's entries, which only the kernel may use,
//! and page tables of its own for what lies above (Intel 80386 Programmer's Reference Manual, section 5.2).

use crate::machine::Machine;
use crate::memory::{LARGEST, PAGE};
use core::ops::Range;

/// Virtual addresses that a process may use: above the kernel's, which are those of all memory, and below 2 GB.
pub const USER: Range<u32> = LARGEST..0x8000_0000;

const ENTRIES: u32 = 1024;
/// Bytes that a page table covers.
const TABLE_REACH: u32 = ENTRIES * PAGE;
const PRESENT: u32 = 0x1;
const WRITABLE: u32 = 0x2;
const FOR_USERS: u32 = 0x4;

/// There is no memory for a page table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

/// The page tables of a process.
#[derive(Debug)]
pub struct AddressSpace {
    directory: u32,
}

impl AddressSpace {
    /// An address space in which nothing is mapped for users.
    pub fn new(machine: &mut impl Machine) -> Result<AddressSpace, NoMemory> {
        let directory = machine.allocate(1).ok_or(NoMemory)?;
        let kernel = machine.kernel_directory();
        let kernel_length = LARGEST / TABLE_REACH * 4;
        machine.clear(directory, PAGE);
        machine.copy(kernel, directory, kernel_length);
        Ok(AddressSpace { directory })
    }

    /// Physical address of the page directory.
    pub const fn directory(&self) -> u32 {
        self.directory
    }

    /// Makes the page tables for `addresses`, so that mapping them cannot fail.
    ///
    /// # Errors
    /// If there is no memory for them.
    ///
    /// # Panics
    /// As [`AddressSpace::map`].
    pub fn prepare(&mut self, machine: &mut impl Machine, addresses: Range<u32>) -> Result<(), NoMemory> {
        check(&addresses);
        for start in addresses.step_by(PAGE as usize) {
            if self.table(machine, start).is_none() {
                let table = machine.allocate(1).ok_or(NoMemory)?;
                machine.clear(table, PAGE);
                let entry = self.directory + start / TABLE_REACH * 4;
                write(machine, entry, table | PRESENT | WRITABLE | FOR_USERS);
            }
        }
        Ok(())
    }

    /// Maps the pages of `addresses` to those from `physical` on.
    ///
    /// # Errors
    /// If there is no memory for page tables; then nothing is mapped.
    ///
    /// # Panics
    /// If an address lies outside [`USER`], or an end is not the beginning of a page.
    pub fn map(
        &mut self,
        machine: &mut impl Machine,
        addresses: Range<u32>,
        physical: u32,
        is_writable: bool,
    ) -> Result<(), NoMemory> {
        self.prepare(machine, addresses.clone())?;
        let write_bit = if is_writable { WRITABLE } else { 0 };
        let offsets = (0..).step_by(PAGE as usize);
        for (address, offset) in addresses.step_by(PAGE as usize).zip(offsets) {
            self.set(
                machine,
                address,
                (physical + offset) | PRESENT | FOR_USERS | write_bit,
            );
        }
        machine.forget_translations();
        Ok(())
    }

    /// Takes the pages of `addresses` out of the address space.
    ///
    /// # Panics
    /// As [`AddressSpace::map`].
    pub fn unmap(&mut self, machine: &mut impl Machine, addresses: Range<u32>) {
        check(&addresses);
        for address in addresses.step_by(PAGE as usize) {
            self.set(machine, address, 0);
        }
        machine.forget_translations();
    }

    /// Gives all page tables back, but not what they map.
    pub fn destroy(self, machine: &mut impl Machine) {
        machine.forget_translations();
        for address in USER.step_by(TABLE_REACH as usize) {
            if let Some(table) = self.table(machine, address) {
                machine.release(table, 1);
            }
        }
        machine.release(self.directory, 1);
    }

    /// The page table for an address, if there is one.
    fn table(&self, machine: &impl Machine, address: u32) -> Option<u32> {
        let entry = machine.memory(self.directory + address / TABLE_REACH * 4, 4);
        let entry = u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
        (entry & PRESENT != 0).then_some(entry & !(PAGE - 1))
    }

    fn set(&self, machine: &mut impl Machine, address: u32, entry: u32) {
        if let Some(table) = self.table(machine, address) {
            write(machine, table + address / PAGE % ENTRIES * 4, entry);
        }
    }
}

fn check(addresses: &Range<u32>) {
    let is_inside = addresses.start >= USER.start && addresses.end <= USER.end;
    let is_aligned = addresses.start.is_multiple_of(PAGE) && addresses.end.is_multiple_of(PAGE);
    assert!(is_inside && is_aligned, "no user pages: {addresses:x?}");
}

fn write(machine: &mut impl Machine, at: u32, word: u32) {
    machine.memory_mut(at, 4).copy_from_slice(&word.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::{AddressSpace, NoMemory, USER};
    use crate::machine::Machine;
    use crate::machine::testing::TestMachine;
    use crate::memory::PAGE;

    #[test]
    fn a_mapped_page_is_seen_by_users_and_its_neighbours_are_not() {
        let mut machine = TestMachine::new(10);
        let mut space = AddressSpace::new(&mut machine).unwrap();
        let address = USER.start + 5 * PAGE;
        space
            .map(&mut machine, address..address + 2 * PAGE, 0x7000, false)
            .unwrap();
        let walk = |address| machine.walk(space.directory(), address);
        assert_eq!(walk(address + 0x123), Some((0x7123, false)));
        assert_eq!(walk(address + PAGE), Some((0x8000, false)));
        assert_eq!(walk(address - 1), None);
        assert_eq!(walk(address + 2 * PAGE), None);
    }

    #[test]
    fn only_read_write_pages_can_be_written() {
        let mut machine = TestMachine::new(10);
        let mut space = AddressSpace::new(&mut machine).unwrap();
        space
            .map(&mut machine, USER.start..USER.start + PAGE, 0x7000, true)
            .unwrap();
        assert_eq!(machine.walk(space.directory(), USER.start), Some((0x7000, true)));
        space.unmap(&mut machine, USER.start..USER.start + PAGE);
        assert_eq!(machine.walk(space.directory(), USER.start), None);
    }

    #[test]
    fn the_kernels_entries_are_there_but_not_for_users() {
        let mut machine = TestMachine::new(10);
        let space = AddressSpace::new(&mut machine).unwrap();
        let kernel = machine.memory(machine.kernel_directory(), 64).to_vec();
        assert_eq!(machine.memory(space.directory(), 64), kernel);
        for address in (0..USER.start).step_by(PAGE as usize) {
            assert_eq!(machine.walk(space.directory(), address), None);
        }
    }

    #[test]
    fn without_memory_for_tables_nothing_is_mapped_and_nothing_is_lost() {
        let mut machine = TestMachine::new(2);
        let mut space = AddressSpace::new(&mut machine).unwrap();
        // Over the border between two page tables, of which only one fits.
        let border = USER.start + 0x40_0000;
        let range = border - PAGE..border + PAGE;
        assert_eq!(space.map(&mut machine, range, 0x7000, true), Err(NoMemory));
        assert_eq!(machine.walk(space.directory(), border - PAGE), None);
        space.destroy(&mut machine);
        assert_eq!(machine.free_pages(), 2);
    }

    #[test]
    fn the_last_page_below_2_gb_can_be_mapped() {
        let mut machine = TestMachine::new(4);
        let mut space = AddressSpace::new(&mut machine).unwrap();
        let last = USER.end - PAGE;
        space.map(&mut machine, last..USER.end, 0x7000, true).unwrap();
        assert_eq!(machine.walk(space.directory(), last), Some((0x7000, true)));
    }
}
