//! The processor's only view of the world.

/// Processor clock cycles since power-on.
pub type Cycle = u64;

/// The width of one transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Word,
    /// 32 bits.
    Dword,
}

impl Width {
    /// How many bytes that is.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Word => 2,
            Self::Dword => 4,
        }
    }
}

/// What lies behind a physical page of 4 KB, after the A20 gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Memory that the processor may use directly: bytes `frame * 4096 ..` of [`Bus::memory`].
    Memory {
        /// Index of the 4 KB frame in [`Bus::memory`].
        frame: u32,
        /// False for ROM: writes go to [`Bus::write`].
        is_writable: bool,
    },
    /// Anything else: each access goes to [`Bus::read`] and [`Bus::write`].
    Device,
}

/// The answer to a read: the value (in its low bits) and the wait states, in processor cycles beyond the two of a
/// bus cycle without waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The value, zero-extended.
    pub value: u32,
    /// Extra processor cycles.
    pub wait: u32,
}

/// The pins that the board drives into the processor, and how long the processor may run on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pins {
    /// INTR: a maskable interrupt is requested.
    pub interrupt: bool,
    /// NMI has risen since it was last taken.
    pub nmi: bool,
    /// Run no instruction that begins at or after this cycle without coming back.
    pub until: Cycle,
    /// Changes whenever [`Bus::page`] may answer differently from before (A20, ROM or bank switching).
    pub map_generation: u32,
}

/// Moves of aligned units upwards between two places in [`Bus::memory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moves {
    /// Where the first unit is read.
    pub from: u32,
    /// Where it is written.
    pub to: u32,
    /// Bytes in a unit: 1, 2 or 4.
    pub size: u32,
    /// How many there are, at least one.
    pub count: u32,
    /// Cycles that each takes without waits.
    pub clocks: Cycle,
    /// No move begins when these cycles are used up.
    pub room: Cycle,
}

/// Moves of single bytes upwards between [`Bus::memory`] and a device page, as a repeated MOVSB makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceMoves {
    /// The first byte of [`Bus::memory`].
    pub memory: u32,
    /// Its physical address at the device; all of the moves lie in one page.
    pub device: u32,
    /// From memory to the device, or the other way.
    pub is_to_device: bool,
    /// How many there are, at least one.
    pub count: u32,
    /// Cycles that each takes without waits.
    pub clocks: Cycle,
    /// When the first begins.
    pub begin: Cycle,
    /// No move begins at or after this cycle.
    pub until: Cycle,
}

/// The world as the processor sees it: physical memory, ports, interrupt acknowledge and pins.
///
/// Reads and writes at [`Bus::read`], [`Bus::write`], [`Bus::input`], [`Bus::output`] and [`Bus::acknowledge`] are the
/// only moments at which the board can change the pins while the processor runs, so the processor looks at
/// [`Bus::pins`] when it starts to run and after each of them. `at` is the cycle at which the access begins.
pub trait Bus {
    /// Accesses that are not found at once fail, for a first attempt: the processor's own affair, always false for a board.
    #[doc(hidden)]
    const IS_QUICK: bool = false;

    /// Operands in segments that do not begin at zero and reach over all addresses are not found at once either.
    #[doc(hidden)]
    const IS_FLAT: bool = false;

    /// Adds cycles that an instruction takes, to the processor's counter unless an attempt counts by itself.
    #[doc(hidden)]
    #[inline(always)]
    fn charge(&mut self, counter: &mut Cycle, cycles: Cycle) {
        *counter += cycles;
    }

    /// All memory that [`Page::Memory`] speaks of, a whole number of 4 KB frames.
    fn memory(&mut self) -> &mut [u8];

    /// What lies at physical page `page` (address bits 31 to 12).
    fn page(&self, page: u32) -> Page;

    /// Wait states of a read or write of memory at byte `address` of [`Bus::memory`]: external cache and DRAM.
    fn memory_wait(&mut self, address: u32, is_write: bool) -> u32;

    /// Whether a read of memory at byte `address` has no wait states and changes nothing that could be seen later, as a hit in
    /// the external cache. It is never wrong to deny it, only slow.
    #[inline]
    fn is_ready(&self, _address: u32) -> bool {
        false
    }

    /// The sum of the wait states of `count` reads of dwords of code in a row inside the block of 16 bytes at `address`.
    fn reads_wait(&mut self, address: u32, count: u32) -> u32 {
        (0..count).map(|_| self.memory_wait(address, false)).sum()
    }

    /// The moves of a repeated MOVS, one after the other, until `moves.room` cycles are used up, at least one. Returns how
    /// many there were, and their cycles. A board that knows its memory better than [`Bus::memory_wait`] tells can be quicker, but
    /// must come to the same.
    fn moves(&mut self, moves: Moves) -> (u32, Cycle) {
        let (mut done, mut cycles) = (0, 0);
        while done < moves.count && (done == 0 || cycles < moves.room) {
            let distance = done * moves.size;
            let waits =
                self.memory_wait(moves.from + distance, false) + self.memory_wait(moves.to + distance, true);
            cycles += moves.clocks + Cycle::from(waits);
            done += 1;
        }
        (done, cycles)
    }

    /// The first of some moves to or from a device page, as many as the board can carry out together: to the same end as by
    /// [`Bus::read`], [`Bus::write`] and [`Bus::memory_wait`] one by one, while no pin changes. Returns how many there were, and their cycles.
    fn device_moves(&mut self, _moves: DeviceMoves) -> (u32, Cycle) {
        (0, 0)
    }

    /// Reads from a device page. The access never crosses a dword boundary.
    fn read(&mut self, at: Cycle, address: u32, width: Width) -> Reply;

    /// Writes to a device page or to ROM; returns the wait states. The access never crosses a dword boundary.
    fn write(&mut self, at: Cycle, address: u32, width: Width, value: u32) -> u32;

    /// Reads an I/O port.
    fn input(&mut self, at: Cycle, port: u16, width: Width) -> Reply;

    /// Writes an I/O port; returns the wait states.
    fn output(&mut self, at: Cycle, port: u16, width: Width, value: u32) -> u32;

    /// The two interrupt acknowledge cycles: returns the vector and their wait states.
    fn acknowledge(&mut self, at: Cycle) -> Reply;

    /// The pins now. Taking an NMI is reported with [`Bus::nmi_taken`].
    fn pins(&self) -> Pins;

    /// The processor has taken the NMI; the board clears its latch.
    fn nmi_taken(&mut self);
}
