//! The registers of a VGA by their index, and what a BIOS writes into them for text mode 3 (80x25, colour).
//!
//! Source: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"; the values of mode 3+ are those of its
//! table of BIOS modes (720x400, 9x16 characters).

use bitflags::bitflags;

bitflags! {
    /// Miscellaneous output register.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Miscellaneous: u8 {
        /// The CRT controller is at 3D4h rather than 3B4h.
        const COLOUR_ADDRESS = 0x01;
        const ENABLE_RAM = 0x02;
        /// 0: 25.175 MHz, 1: 28.322 MHz.
        const CLOCK_SELECT = 0x0C;
        const CLOCK_28_MHZ = 0x04;
        const ODD_EVEN_PAGE = 0x20;
        const HORIZONTAL_SYNC_NEGATIVE = 0x40;
        const VERTICAL_SYNC_NEGATIVE = 0x80;
    }
}

bitflags! {
    /// Input status register 1.
    pub(super) struct InputStatus1: u8 {
        /// No dots are shown: horizontal or vertical blanking.
        const DISPLAY_INACTIVE = 0x01;
        const VERTICAL_RETRACE = 0x08;
    }
}

/// Input status register 0: the comparator of the DAC sees a colour monitor.
pub(super) const SWITCH_SENSE: u8 = 0x10;

/// Sequencer registers.
pub(super) mod sequencer {
    pub(in super::super) const CLOCKING_MODE: usize = 1;
    pub(in super::super) const MAP_MASK: usize = 2;
    pub(in super::super) const MEMORY_MODE: usize = 4;
    /// The bits that exist.
    pub(in super::super) const WRITABLE: [u8; 5] = [0x03, 0x3D, 0x0F, 0x3F, 0x0E];
    pub(in super::super) const MODE_3: [u8; 5] = [0x03, 0x00, 0x03, 0x00, 0x02];
}

bitflags! {
    /// Sequencer: clocking mode.
    pub(super) struct ClockingMode: u8 {
        /// Characters are 8 dots wide rather than 9.
        const DOTS_8 = 0x01;
        const DOT_CLOCK_HALVED = 0x08;
        const SCREEN_OFF = 0x20;
    }
}

bitflags! {
    /// Sequencer: memory mode.
    pub(super) struct MemoryMode: u8 {
        /// Clear: even addresses write maps 0 and 2, odd ones maps 1 and 3.
        const SEQUENTIAL = 0x04;
        /// The two low address bits select the map.
        const CHAIN_4 = 0x08;
    }
}

/// Graphics controller registers.
pub(super) mod graphics {
    pub(in super::super) const SET_RESET: usize = 0;
    pub(in super::super) const ENABLE_SET_RESET: usize = 1;
    pub(in super::super) const COLOUR_COMPARE: usize = 2;
    pub(in super::super) const DATA_ROTATE: usize = 3;
    pub(in super::super) const READ_MAP_SELECT: usize = 4;
    pub(in super::super) const MODE: usize = 5;
    pub(in super::super) const MISCELLANEOUS: usize = 6;
    pub(in super::super) const COLOUR_DO_NOT_CARE: usize = 7;
    pub(in super::super) const BIT_MASK: usize = 8;
    pub(in super::super) const WRITABLE: [u8; 9] = [0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF];
    pub(in super::super) const MODE_3: [u8; 9] = [0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0E, 0x00, 0xFF];
}

bitflags! {
    /// Graphics controller: mode.
    pub(super) struct GraphicsMode: u8 {
        const WRITE_MODE = 0x03;
        /// Reads compare colours.
        const READ_COMPARES = 0x08;
        /// Even addresses read maps 0 and 2, odd ones maps 1 and 3.
        const ODD_EVEN = 0x10;
    }
}

bitflags! {
    /// Graphics controller: miscellaneous.
    pub(super) struct GraphicsMiscellaneous: u8 {
        const GRAPHICS = 0x01;
        /// Address bit 0 selects the map and is not part of the address.
        const CHAIN_ODD_EVEN = 0x02;
        const MEMORY_MAP = 0x0C;
    }
}

/// CRT controller registers.
pub(super) mod crtc {
    pub(in super::super) const HORIZONTAL_TOTAL: usize = 0x00;
    pub(in super::super) const HORIZONTAL_DISPLAY_END: usize = 0x01;
    pub(in super::super) const VERTICAL_TOTAL: usize = 0x06;
    pub(in super::super) const OVERFLOW: usize = 0x07;
    pub(in super::super) const MAXIMUM_SCAN_LINE: usize = 0x09;
    pub(in super::super) const CURSOR_START: usize = 0x0A;
    pub(in super::super) const CURSOR_END: usize = 0x0B;
    pub(in super::super) const START_ADDRESS_HIGH: usize = 0x0C;
    pub(in super::super) const START_ADDRESS_LOW: usize = 0x0D;
    pub(in super::super) const CURSOR_LOCATION_HIGH: usize = 0x0E;
    pub(in super::super) const CURSOR_LOCATION_LOW: usize = 0x0F;
    pub(in super::super) const VERTICAL_RETRACE_START: usize = 0x10;
    pub(in super::super) const VERTICAL_RETRACE_END: usize = 0x11;
    pub(in super::super) const VERTICAL_DISPLAY_END: usize = 0x12;
    pub(in super::super) const OFFSET: usize = 0x13;
    pub(in super::super) const UNDERLINE_LOCATION: usize = 0x14;
    pub(in super::super) const MODE_CONTROL: usize = 0x17;
    /// Vertical retrace end: registers 0 to 7 cannot be written, but for one bit of the overflow register.
    pub(in super::super) const PROTECT: u8 = 0x80;
    /// Overflow: bit 8 of the line compare, which is never protected.
    pub(in super::super) const LINE_COMPARE_8: u8 = 0x10;
    /// Cursor start: the cursor is off.
    pub(in super::super) const CURSOR_OFF: u8 = 0x20;
    /// Maximum scan line: each line is shown twice.
    pub(in super::super) const DOUBLE_SCAN: u8 = 0x80;
    /// Underline location: the memory address counts double words.
    pub(in super::super) const DOUBLEWORD_MODE: u8 = 0x40;
    pub(in super::super) const MODE_3: [u8; 25] = [
        0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00, 0x4F, 0x0D, 0x0E, 0x00, 0x00, 0x00,
        0x00, //
        0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF,
    ];
}

bitflags! {
    /// CRT controller: mode control.
    pub(super) struct CrtcModeControl: u8 {
        /// In word mode address bit 15 rather than 13 becomes bit 0.
        const ADDRESS_WRAP = 0x20;
        const BYTE_MODE = 0x40;
        /// Clear: no retraces, nothing is shown.
        const ENABLE_RETRACES = 0x80;
    }
}

/// Attribute controller registers.
pub(super) mod attribute {
    /// Address register: the palette belongs to the display and not to the program.
    pub(in super::super) const PALETTE_ADDRESS_SOURCE: u8 = 0x20;
    pub(in super::super) const PALETTE: usize = 0x10;
    pub(in super::super) const WRITABLE: [u8; 21] = [
        0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F,
        0x3F, //
        0xEF, 0xFF, 0x3F, 0x0F, 0x0F,
    ];
    pub(in super::super) const MODE_3: [u8; 21] = [
        0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E,
        0x3F, //
        0x0C, 0x00, 0x0F, 0x08, 0x00,
    ];
}
