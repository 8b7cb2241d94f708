//! What processes need of the machine below: memory by its physical address, and a source of secrets.

use proto::capability::Port;

/// Milliseconds since the kernel started.
pub type Milliseconds = u64;

/// From one tick of the kernel's clock to the next: what no interrupt tells is looked for so often.
pub const TICK: Milliseconds = 10;

/// The machine.
pub trait Machine {
    /// Takes `pages` contiguous pages, whatever they hold: the first physical address.
    fn allocate(&mut self, pages: u32) -> Option<u32>;

    /// Takes the `pages` pages at `start` too, if they are free.
    fn extend(&mut self, start: u32, pages: u32) -> bool;

    /// Gives pages back.
    fn release(&mut self, start: u32, pages: u32);

    /// Free pages.
    fn free_pages(&self) -> u32;

    /// Memory that was allocated.
    fn memory(&self, start: u32, length: u32) -> &[u8];

    /// Memory that was allocated.
    fn memory_mut(&mut self, start: u32, length: u32) -> &mut [u8];

    /// Fills allocated memory with zeros.
    fn clear(&mut self, start: u32, length: u32);

    /// Copies between two areas of allocated memory, which may overlap.
    fn copy(&mut self, from: u32, to: u32, length: u32);

    /// Physical address of the kernel's own page directory.
    fn kernel_directory(&self) -> u32;

    /// The entries of a page directory or page table are no longer what they were: the processor forgets what it
    /// remembers of them before a user's thread runs again or a page of theirs is used for something else.
    fn forget_translations(&mut self);

    /// A number that nobody outside can guess.
    fn random_port(&mut self) -> Port;

    /// How many bits these numbers come from, and how many numbers there were.
    fn seed_bits(&self) -> (u32, u64);
}

#[cfg(test)]
pub(crate) mod testing {
    extern crate std;

    use super::Machine;
    use crate::frames::Frames;
    use crate::memory::PAGE;
    use proto::capability::Port;
    use std::vec;
    use std::vec::Vec;

    /// A machine in the host's memory.
    pub(crate) struct TestMachine {
        memory: Vec<u8>,
        frames: Frames,
        secret: u64,
        pub(crate) forgotten: u32,
    }

    /// The test machine's kernel directory, the first page; its sixteen entries for 64 MB have bit 0 set.
    const KERNEL_DIRECTORY: u32 = 0;

    impl TestMachine {
        /// A machine with so many free pages, which hold old data.
        pub(crate) fn new(pages: u32) -> TestMachine {
            let mut memory = vec![0xa5; ((pages + 1) * PAGE) as usize];
            memory[..PAGE as usize].fill(0);
            for (entry, place) in memory[..64].as_chunks_mut::<4>().0.iter_mut().enumerate() {
                *place = (0x0010_0003 + 0x1000 * entry as u32).to_le_bytes();
            }
            let mut frames = Frames::new();
            frames.add(PAGE, (pages + 1) * PAGE);
            TestMachine {
                memory,
                frames,
                secret: 0,
                forgotten: 0,
            }
        }

        /// What a program sees at a virtual address, by walking the page tables as the processor does: the physical
        /// address, and whether it may write.
        pub(crate) fn walk(&self, directory: u32, address: u32) -> Option<(u32, bool)> {
            let word = |at: u32| u32::from_le_bytes(self.memory(at, 4).try_into().expect("four bytes"));
            const USER_AND_PRESENT: u32 = 0x5;
            let table = word(directory + (address >> 22) * 4);
            if table & USER_AND_PRESENT != USER_AND_PRESENT {
                return None;
            }
            let entry = word((table & !0xfff) + (address >> 12 & 0x3ff) * 4);
            (entry & USER_AND_PRESENT == USER_AND_PRESENT)
                .then_some(((entry & !0xfff) + (address & 0xfff), table & entry & 2 != 0))
        }
    }

    impl Machine for TestMachine {
        fn allocate(&mut self, pages: u32) -> Option<u32> {
            self.frames.allocate(pages)
        }

        fn extend(&mut self, start: u32, pages: u32) -> bool {
            self.frames.extend(start, pages)
        }

        fn release(&mut self, start: u32, pages: u32) {
            self.frames.release(start, pages);
            self.memory_mut(start, pages * PAGE).fill(0xa5);
        }

        fn free_pages(&self) -> u32 {
            self.frames.count()
        }

        fn memory(&self, start: u32, length: u32) -> &[u8] {
            &self.memory[start as usize..][..length as usize]
        }

        fn memory_mut(&mut self, start: u32, length: u32) -> &mut [u8] {
            &mut self.memory[start as usize..][..length as usize]
        }

        fn clear(&mut self, start: u32, length: u32) {
            self.memory_mut(start, length).fill(0);
        }

        fn copy(&mut self, from: u32, to: u32, length: u32) {
            let from = from as usize;
            self.memory.copy_within(from..from + length as usize, to as usize);
        }

        fn kernel_directory(&self) -> u32 {
            KERNEL_DIRECTORY
        }

        fn forget_translations(&mut self) {
            self.forgotten += 1;
        }

        fn random_port(&mut self) -> Port {
            self.secret += 1;
            let [bytes @ .., _, _] = (self.secret.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes();
            Port(bytes)
        }

        fn seed_bits(&self) -> (u32, u64) {
            (64, self.secret)
        }
    }
}
