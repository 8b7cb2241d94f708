//! The board as the processor sees it: which page is memory, and how long each access to anything else takes.
//!
//! An access beyond memory is made of bus cycles, one after the other: of two bytes at even addresses where the slave
//! is 16 bits wide (it pulls MEMCS16 or IOCS16), of one byte elsewhere. A byte to or from a 16-bit slave takes as long
//! as a word. Real boards know a memory slave's width by 128 KB; here each has its own.

use std::ops::Range;

use clock::{Instant, Span};
use cpu::{Bus, Cycle, DeviceMoves, Moves, Page, Pins, Reply, Width};
use ne2000::BusCycle;

use super::isa::Space;
use super::{Board, Chip, OPEN_BUS};

/// The window of the VGA, A0000h to BFFFFh.
const VGA_WINDOW: Range<u32> = 0xA_0000..0xC_0000;
/// Everything between the VGA's window and 1 MB belongs to the ISA bus too.
pub(super) const ISA_HOLE: Range<u32> = 0xA_0000..0x10_0000;
/// Address bit 20, which the A20 gate forces low when closed.
const BIT_20: u32 = 1 << 20;

impl Board {
    /// Brings the chips to `at`, the beginning of a bus cycle that DMA puts off while it holds the processor, and
    /// returns that instant as they see it.
    ///
    /// The last instruction before the end of a run may still make accesses, and mostly sees them in time, for the
    /// machine stops some time short of what is settled. Where even that is not enough (a task switch with its
    /// segments on a card) they are seen in the last moment that is.
    fn bring_to(&mut self, at: &mut Instant) -> Instant {
        loop {
            let now = self.seen(*at);
            if self.next_alarm() > now {
                return now;
            }
            self.ring_alarms(now);
            let held = self.take_held_cycles();
            // Beyond what is settled there is no more that could be done before the access.
            if held == 0 || now < *at {
                return now;
            }
            *at += self.processor_clock.span(held);
        }
    }

    /// The physical address behind the A20 gate.
    pub(super) fn gate(&self, address: u32) -> u32 {
        if self.a20.is_high() {
            address
        } else {
            address & !BIT_20
        }
    }

    /// The byte of [`Bus::memory`] that the ROM answers with at `address`. Its decoder below 4 GB does without the A20 gate
    /// (see [`crate::rom`]); the one below 1 MB is behind it.
    fn rom_byte(&self, address: u32) -> Option<u32> {
        self.rom_byte_at(address)
            .or_else(|| self.rom_byte_at(self.gate(address)))
    }

    /// The same for an address that has passed the gate, or does not pass it.
    pub(super) fn rom_byte_at(&self, address: u32) -> Option<u32> {
        let bios = self.rom.and_then(|rom| rom.offset(address));
        let option = || Some(self.option_roms_start + self.option_roms.offset(address)?);
        bios.map(|offset| self.ram_bytes + offset).or_else(option)
    }

    /// How the slave at `address` takes a cycle.
    pub(super) fn memory_cycle(&self, address: u32) -> BusCycle {
        self.card_window(address)
            .map_or(NARROW, |(index, _)| self.cards[index].memory_cycle())
    }

    /// Reads one or two bytes in one cycle.
    pub(super) fn read_device(&mut self, now: Instant, address: u32, bytes: u32) -> (u32, Span) {
        self.tell_of_read(address, bytes);
        if VGA_WINDOW.contains(&address) {
            let value = self.vga.memory_read(address - VGA_WINDOW.start);
            return (value.into(), Span::ZERO);
        }
        let Some((index, offset)) = self.card_window(address) else {
            return (OPEN_BUS.into(), Span::ZERO);
        };
        self.call(now, Chip::Card(index), |board, cx| {
            let card = &mut board.cards[index];
            match bytes {
                1 => card.memory_read(offset, cx).into(),
                _ => card.memory_read_word(offset, cx).into(),
            }
        })
    }

    /// Writes one or two bytes in one cycle.
    pub(super) fn write_device(&mut self, now: Instant, address: u32, bytes: u32, value: u32) -> Span {
        if VGA_WINDOW.contains(&address) {
            self.vga.memory_write(address - VGA_WINDOW.start, value as u8);
            return Span::ZERO;
        }
        let Some((index, offset)) = self.card_window(address) else {
            return Span::ZERO;
        };
        let ((), held) = self.call(now, Chip::Card(index), |board, cx| {
            let card = &mut board.cards[index];
            match bytes {
                1 => card.memory_write(offset, value as u8, cx),
                _ => card.memory_write_word(offset, value as u16, cx),
            }
        });
        held
    }

    /// Cards that watch for a read of an address hear of it, wherever it goes on the bus. Reads of the memory on the board
    /// do not go there. Those of its ROMs do, which an AT has on the same lines, so a page of a ROM with an address that is
    /// watched is no memory to the processor.
    fn tell_of_read(&mut self, address: u32, bytes: u32) {
        for card in &mut self.cards {
            let is_watched = |watched: u32| watched.wrapping_sub(address) < bytes;
            if card.watched_address().is_some_and(is_watched) {
                card.watched_address_is_read();
            }
        }
    }

    /// Cards watch for other addresses than before: pages of ROMs may have become memory, or have ceased to be.
    pub(super) fn look_at_watches(&mut self) {
        let watched = self.cards.iter().filter_map(ne2000::Card::watched_address);
        let in_rom = watched.filter(|&address| self.rom_byte_at(address).is_some());
        let pages = in_rom.map(|address| address >> 12);
        if pages.clone().ne(self.watched_pages.iter().copied()) {
            self.watched_pages = pages.collect();
            self.map_generation = self.map_generation.wrapping_add(1);
        }
    }

    /// Whether a card watches for reads of this page. Above 1 MB its bus has no memory command for it.
    fn is_watched(&self, address: u32) -> bool {
        self.watched_pages.contains(&(self.gate(address) >> 12))
    }

    /// What memory or a ROM of the board has at `address`, watched or not.
    pub(super) fn memory_page(&self, address: u32) -> Page {
        if let Some(byte) = self.rom_byte(address) {
            return Page::Memory {
                frame: byte >> 12,
                is_writable: false,
            };
        }
        let address = self.gate(address);
        if ISA_HOLE.contains(&address) || address >= self.ram_bytes {
            return Page::Device;
        }
        Page::Memory {
            frame: address >> 12,
            is_writable: true,
        }
    }

    /// A read of a ROM that cards hear of, inside one dword.
    fn read_watched(&mut self, address: u32, byte: u32, width: Width) -> Reply {
        let wait = self.memory_timing.wait(byte, false);
        let first = byte as usize;
        let bytes = &self.memory[first..self.memory.len().min(first + width.bytes() as usize)];
        let value = bytes
            .iter()
            .rev()
            .fold(0, |value, &byte| value << 8 | u32::from(byte));
        self.tell_of_read(address, width.bytes());
        self.look_at_watches();
        Reply { value, wait }
    }

    pub(super) fn card_window(&self, address: u32) -> Option<(usize, u32)> {
        self.cards.iter().enumerate().find_map(|(index, card)| {
            let window = card.memory_window()?;
            window.contains(&address).then(|| (index, address - window.start))
        })
    }

    /// Runs `each` for every bus cycle of an access to `width` bytes at `address`, with the first of its bytes and
    /// their number; `takes` says how the slave there takes a cycle. Returns the wait states of all.
    fn split(
        &mut self,
        at: Cycle,
        (space, address, width): (Space, u32, Width),
        takes: impl Fn(&Self, u32) -> BusCycle,
        mut each: impl FnMut(&mut Self, Instant, u32, u32) -> Span,
    ) -> u32 {
        let mut begin = self.processor_clock.instant(at);
        let mut done = 0;
        loop {
            let now = self.bring_to(&mut begin);
            let place = address.wrapping_add(done);
            let taken = takes(self, place);
            let is_word = taken.width == ne2000::Width::Sixteen && place % 2 == 0;
            let bytes = if is_word { 2.min(width.bytes() - done) } else { 1 };
            let is_last = done + bytes == width.bytes();
            let slot = self.isa.cycle(begin, space, taken, is_last);
            let held = each(self, now, done, bytes);
            let end = self.isa.end(slot, held);
            if is_last {
                return self.isa.wait_states(at, end);
            }
            begin = self.isa.instant(end);
            done += bytes;
        }
    }
}

/// How a slave takes a cycle that pulls none of the lines MEMCS16, IOCS16 and 0WS.
pub(super) const NARROW: BusCycle = BusCycle {
    width: ne2000::Width::Eight,
    is_zero_wait: false,
};

/// How a slave takes a cycle that pulls IOCS16.
pub(super) const WIDE: BusCycle = BusCycle {
    width: ne2000::Width::Sixteen,
    is_zero_wait: false,
};

impl Bus for Board {
    #[inline]
    fn memory(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    fn page(&self, page: u32) -> Page {
        let address = page << 12;
        if self.is_watched(address) {
            return Page::Device;
        }
        self.memory_page(address)
    }

    #[inline]
    fn memory_wait(&mut self, address: u32, is_write: bool) -> u32 {
        self.memory_timing.wait(address, is_write)
    }

    #[inline]
    fn reads_wait(&mut self, address: u32, count: u32) -> u32 {
        self.memory_timing.reads_wait(address, count)
    }

    #[inline]
    fn is_ready(&self, address: u32) -> bool {
        self.memory_timing.is_ready(address)
    }

    fn moves(&mut self, moves: Moves) -> (u32, Cycle) {
        self.memory_timing.moves(moves)
    }

    fn device_moves(&mut self, moves: DeviceMoves) -> (u32, Cycle) {
        self.window_moves(moves)
    }

    fn read(&mut self, at: Cycle, address: u32, width: Width) -> Reply {
        let address = self.gate(address);
        if let Some(byte) = self.rom_byte_at(address) {
            return self.read_watched(address, byte, width);
        }
        let mut value = 0;
        let wait = self.split(
            at,
            (Space::Memory, address, width),
            Self::memory_cycle,
            |board, now, done, bytes| {
                let (read, held) = board.read_device(now, address.wrapping_add(done), bytes);
                value |= read << (8 * done);
                held
            },
        );
        Reply { value, wait }
    }

    fn write(&mut self, at: Cycle, address: u32, width: Width, value: u32) -> u32 {
        let address = self.gate(address);
        self.split(
            at,
            (Space::Memory, address, width),
            Self::memory_cycle,
            |board, now, done, bytes| {
                board.write_device(now, address.wrapping_add(done), bytes, value >> (8 * done))
            },
        )
    }

    fn input(&mut self, at: Cycle, port: u16, width: Width) -> Reply {
        let mut value = 0;
        let place = (Space::Ports, port.into(), width);
        let takes = |board: &Self, port: u32| board.port_cycle(port as u16);
        let wait = self.split(at, place, takes, |board, now, done, bytes| {
            let (read, held) = board.read_port(now, port.wrapping_add(done as u16), bytes);
            value |= read << (8 * done);
            held
        });
        Reply { value, wait }
    }

    fn output(&mut self, at: Cycle, port: u16, width: Width, value: u32) -> u32 {
        let takes = |board: &Self, port: u32| board.port_cycle(port as u16);
        let place = (Space::Ports, port.into(), width);
        self.split(at, place, takes, |board, now, done, bytes| {
            board.write_port(now, port.wrapping_add(done as u16), bytes, value >> (8 * done))
        })
    }

    fn acknowledge(&mut self, at: Cycle) -> Reply {
        let mut begin = self.processor_clock.instant(at);
        self.bring_to(&mut begin);
        let first = self.isa.acknowledge(begin);
        let first_end = self.isa.end(first, Span::ZERO);
        let second = self.isa.acknowledge(self.isa.instant(first_end));
        let end = self.isa.end(second, Span::ZERO);
        let value = u32::from(self.interrupt_controllers.acknowledge());
        self.interrupts_acknowledged += 1;
        Reply {
            value,
            wait: self.isa.wait_states(at, end),
        }
    }

    #[inline]
    fn pins(&self) -> Pins {
        Pins {
            interrupt: self.interrupt_controllers.is_requesting(),
            nmi: false,
            until: self.until,
            map_generation: self.map_generation,
        }
    }

    fn nmi_taken(&mut self) {}
}
