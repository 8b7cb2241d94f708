//! DMA: the 8237A pair takes the ISA bus between two bus cycles of the processor, moves one unit between memory and a
//! device, and gives the bus back.
//!
//! A request is served at an instant of its own on the board's agenda: the first bus clock edge at which the bus is free.
//! The processor is held from there until the bus is its own again. A processor that is in the middle of an instruction is
//! held before its next access to the bus, or else before its next instruction: it loses the same time either way.
//! Addresses do not pass the A20 gate, and go as far as the 24 lines of the ISA bus do.

use std::ops::Range;

use clock::{Instant, Span};
use cpu::Cycle;
use devices::{Transfer, TransferKind};

use super::{Board, Chip, OPEN_BUS, bus};

/// The channel of the floppy controller.
const FLOPPY_CHANNEL: u8 = 2;

/// The least time for which a unit that moves nothing has the bus, in bus clocks: one clock of the controllers.
const LEAST_CLOCKS: u32 = 2;

/// What DMA has done that the processor has not noticed yet.
#[derive(Clone, Debug, Default)]
pub(super) struct DmaResult {
    /// How long it is held.
    held: Span,
    /// Bytes of [`cpu::Bus::memory`] that have been written.
    written: Vec<Range<u32>>,
    /// The bus has not been given back since the last unit.
    is_bus_kept: bool,
}

impl DmaResult {
    /// Whether the processor has to come back before its next instruction, to forget the code that it has decoded.
    pub(super) fn is_pending(&self) -> bool {
        !self.written.is_empty()
    }

    fn note(&mut self, byte: u32) {
        match self.written.last_mut() {
            Some(range) if range.end == byte => range.end += 1,
            _ => self.written.push(byte..byte + 1),
        }
    }
}

impl Board {
    /// The bytes of [`cpu::Bus::memory`] that DMA has written since the last call.
    pub(crate) fn take_dma_writes(&mut self) -> Vec<Range<u32>> {
        let written = std::mem::take(&mut self.dma_result.written);
        if !written.is_empty() {
            self.find_until();
        }
        written
    }

    /// For how many cycles DMA has held the processor since the last call.
    pub(crate) fn take_held_cycles(&mut self) -> Cycle {
        let held = std::mem::take(&mut self.dma_result.held);
        self.processor_clock.ticks_to_cover(held)
    }

    /// A request line or a register of the controllers has changed at `now`: they get the bus when it is free.
    pub(super) fn look_at_dma_requests(&mut self, now: Instant) {
        let at = if self.dma.is_requesting_bus() {
            self.isa.free_from(now)
        } else {
            self.dma_result.is_bus_kept = false;
            Instant::NEVER
        };
        self.agenda.set(Chip::Dma, at);
        self.find_until();
    }

    /// One unit of the channel that has the highest priority at `now`.
    pub(super) fn serve_dma(&mut self, now: Instant) {
        let Some(transfer) = self.dma.serve() else {
            self.look_at_dma_requests(now);
            return;
        };
        let handover = if self.dma_result.is_bus_kept {
            0
        } else {
            self.dma_handover
        };
        self.dma_result.is_bus_kept = transfer.is_bus_kept;
        let clocks = transfer.bus_clocks.max(LEAST_CLOCKS) + handover;
        let (begin, end) = self.isa.take(now, clocks);
        self.dma_result.held = self.dma_result.held + end.since(begin);
        self.transfer(now, transfer);
        self.look_at_dma_requests(now);
    }

    fn transfer(&mut self, now: Instant, transfer: Transfer) {
        let Transfer { channel, address, .. } = transfer;
        let is_end = transfer.is_terminal_count;
        let bytes = if transfer.is_word { 2 } else { 1 };
        match transfer.kind {
            TransferKind::DeviceToMemory => {
                for byte in 0..bytes {
                    let value = self.dma_read(now, channel, is_end);
                    self.dma_write_memory(now, address + byte, value);
                }
            }
            TransferKind::MemoryToDevice => {
                for byte in 0..bytes {
                    let value = self.dma_read_memory(now, address + byte);
                    self.dma_write(now, channel, value, is_end);
                }
            }
            TransferKind::Verify => self.dma_verify(now, channel, is_end),
            TransferKind::MemoryToMemory { destination } => {
                let value = self.dma_read_memory(now, address);
                self.dma.set_temporary(value);
                self.dma_write_memory(now, destination, value);
            }
            TransferKind::BusMaster => log::debug!("DMA channel {channel} has no bus master"),
        }
    }

    /// The card that drives the request line of `channel`.
    fn dma_card(&self, channel: u8) -> Option<usize> {
        self.cards.iter().position(|card| card.answers_dma(channel))
    }

    fn dma_read(&mut self, now: Instant, channel: u8, is_end: bool) -> u8 {
        let (value, _) = if let Some(index) = self.dma_card(channel) {
            self.call(now, Chip::Card(index), |board, cx| {
                board.cards[index].dma_read(is_end, cx)
            })
        } else if channel == FLOPPY_CHANNEL {
            self.call(now, Chip::Floppy, |board, cx| {
                board.floppy.dma_read(is_end, &mut board.floppies, cx)
            })
        } else {
            (OPEN_BUS, Span::ZERO)
        };
        value
    }

    fn dma_write(&mut self, now: Instant, channel: u8, value: u8, is_end: bool) {
        if let Some(index) = self.dma_card(channel) {
            self.call(now, Chip::Card(index), |board, cx| {
                board.cards[index].dma_write(value, is_end, cx);
            });
        } else if channel == FLOPPY_CHANNEL {
            self.call(now, Chip::Floppy, |board, cx| {
                board.floppy.dma_write(value, is_end, &mut board.floppies, cx);
            });
        }
    }

    /// A card that is acknowledged gives its byte to nobody.
    fn dma_verify(&mut self, now: Instant, channel: u8, is_end: bool) {
        if self.dma_card(channel).is_some() {
            self.dma_read(now, channel, is_end);
        } else if channel == FLOPPY_CHANNEL {
            self.call(now, Chip::Floppy, |board, cx| {
                board.floppy.dma_verify(is_end, &mut board.floppies, cx);
            });
        }
    }

    fn dma_read_memory(&mut self, now: Instant, address: u32) -> u8 {
        match self.dma_byte(address) {
            Some((byte, _)) => self.memory[byte as usize],
            None => self.read_device(now, address, 1).0 as u8,
        }
    }

    fn dma_write_memory(&mut self, now: Instant, address: u32, value: u8) {
        match self.dma_byte(address) {
            Some((byte, true)) => {
                self.memory[byte as usize] = value;
                self.memory_timing.forget(byte);
                self.dma_result.note(byte);
            }
            Some((_, false)) => log::debug!("DMA writes to the ROM at {address:#x}"),
            None => {
                self.write_device(now, address, 1, value.into());
            }
        }
    }

    /// The byte of [`cpu::Bus::memory`] at `address` of the ISA bus, and whether it can be written; `None` where it is no
    /// memory.
    fn dma_byte(&self, address: u32) -> Option<(u32, bool)> {
        if let Some(byte) = self.rom_byte_at(address) {
            return Some((byte, false));
        }
        let is_memory = address < self.ram_bytes && !bus::ISA_HOLE.contains(&address);
        is_memory.then_some((address, true))
    }
}
