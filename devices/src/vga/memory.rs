//! The four maps of display memory and the way from the processor to them.
//!
//! Source: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", sequencer and graphics controller.
//! Left out: the page bit for odd/even, which IBM gives for diagnostics only.

use super::registers::{GraphicsMiscellaneous, GraphicsMode, MemoryMode, graphics, sequencer};

const MAP_BYTES: usize = 0x1_0000;

/// 256 KiB: at each address a byte of each map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Memory {
    maps: Vec<[u8; 4]>,
    latches: [u8; 4],
}

/// The registers that say how the processor reaches the memory.
#[derive(Clone, Copy)]
pub(super) struct Access<'a> {
    pub(super) sequencer: &'a [u8; 5],
    pub(super) graphics: &'a [u8; 9],
}

impl Access<'_> {
    fn memory_mode(self) -> MemoryMode {
        MemoryMode::from_bits_retain(self.sequencer[sequencer::MEMORY_MODE])
    }

    fn mode(self) -> GraphicsMode {
        GraphicsMode::from_bits_retain(self.graphics[graphics::MODE])
    }

    fn miscellaneous(self) -> GraphicsMiscellaneous {
        GraphicsMiscellaneous::from_bits_retain(self.graphics[graphics::MISCELLANEOUS])
    }

    /// The address within the window that the memory map field opens; `None` outside of it.
    fn window_address(self, offset: u32) -> Option<usize> {
        let offset = offset as usize;
        let (start, length) = match (self.miscellaneous() & GraphicsMiscellaneous::MEMORY_MAP).bits() >> 2 {
            0 => (0, 0x2_0000),
            1 => (0, 0x1_0000),
            2 => (0x1_0000, 0x8000),
            _ => (0x1_8000, 0x8000),
        };
        (start..start + length).contains(&offset).then(|| offset - start)
    }

    /// The address in the maps.
    fn map_address(self, address: usize) -> usize {
        let address = if self.memory_mode().contains(MemoryMode::CHAIN_4) {
            address & !3
        } else if self
            .miscellaneous()
            .contains(GraphicsMiscellaneous::CHAIN_ODD_EVEN)
        {
            address & !1
        } else {
            address
        };
        address % MAP_BYTES
    }

    fn is_map_written(self, map: usize, address: usize) -> bool {
        let mode = self.memory_mode();
        let is_addressed = if mode.contains(MemoryMode::CHAIN_4) {
            map == address & 3
        } else {
            mode.contains(MemoryMode::SEQUENTIAL) || map & 1 == address & 1
        };
        is_addressed && self.sequencer[sequencer::MAP_MASK] & (1 << map) != 0
    }

    fn map_read(self, address: usize) -> usize {
        let selected = usize::from(self.graphics[graphics::READ_MAP_SELECT]) & 3;
        if self.memory_mode().contains(MemoryMode::CHAIN_4) {
            address & 3
        } else if self.mode().contains(GraphicsMode::ODD_EVEN) {
            selected & 2 | address & 1
        } else {
            selected
        }
    }

    /// What the graphics controller makes of `data` for map `map` (write modes 0 to 3).
    fn written(self, data: u8, map: usize, latch: u8) -> u8 {
        let bit_of = |register: u8| if register & (1 << map) != 0 { 0xFF } else { 0 };
        let set_reset = bit_of(self.graphics[graphics::SET_RESET]);
        let is_set_reset = self.graphics[graphics::ENABLE_SET_RESET] & (1 << map) != 0;
        let rotate = self.graphics[graphics::DATA_ROTATE];
        let rotated = data.rotate_right(u32::from(rotate & 7));
        let bit_mask = self.graphics[graphics::BIT_MASK];
        let (value, mask) = match (self.mode() & GraphicsMode::WRITE_MODE).bits() {
            0 if is_set_reset => (set_reset, bit_mask),
            0 => (rotated, bit_mask),
            1 => return latch,
            2 => (bit_of(data), bit_mask),
            _ => (set_reset, rotated & bit_mask),
        };
        let combined = match rotate >> 3 & 3 {
            0 => value,
            1 => value & latch,
            2 => value | latch,
            _ => value ^ latch,
        };
        combined & mask | latch & !mask
    }

    /// Read mode 1: a bit for each dot that has the colour, maps that do not matter apart.
    fn compared(self, latches: [u8; 4]) -> u8 {
        let mut differs = 0;
        for (map, latch) in latches.into_iter().enumerate() {
            let bit_of = |register: u8| if register & (1 << map) != 0 { 0xFF } else { 0 };
            let colour = bit_of(self.graphics[graphics::COLOUR_COMPARE]);
            differs |= (latch ^ colour) & bit_of(self.graphics[graphics::COLOUR_DO_NOT_CARE]);
        }
        !differs
    }
}

impl Memory {
    /// Blank text: spaces in light grey on black.
    pub(super) fn blank() -> Self {
        Self {
            maps: vec![[b' ', 0x07, 0, 0]; MAP_BYTES],
            latches: [0; 4],
        }
    }

    /// The bytes of all maps at `address`, as the display sees them.
    pub(super) fn at(&self, address: u16) -> [u8; 4] {
        self.maps[usize::from(address)]
    }

    /// The processor reads at `offset` from A0000h; `None` if no window is there.
    pub(super) fn read(&mut self, offset: u32, access: Access<'_>) -> Option<u8> {
        let address = access.window_address(offset)?;
        self.latches = self.maps[access.map_address(address)];
        Some(if access.mode().contains(GraphicsMode::READ_COMPARES) {
            access.compared(self.latches)
        } else {
            self.latches[access.map_read(address)]
        })
    }

    /// The processor writes at `offset` from A0000h.
    pub(super) fn write(&mut self, offset: u32, data: u8, access: Access<'_>) {
        let Some(address) = access.window_address(offset) else {
            return;
        };
        let cell = &mut self.maps[access.map_address(address)];
        for (map, byte) in cell.iter_mut().enumerate() {
            if access.is_map_written(map, address) {
                *byte = access.written(data, map, self.latches[map]);
            }
        }
    }
}
