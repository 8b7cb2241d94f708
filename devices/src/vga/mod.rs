//! VGA in text mode: registers at 3B0h to 3DFh, memory from A0000h to BFFFFh.
//!
//! Source: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem". All registers are there and read back,
//! the four maps are written and read through sequencer and graphics controller in all modes, and the retraces of
//! input status register 1 follow the CRT controller's own timing. Left out: the picture itself ([`Vga::screen`] gives
//! the text), the vertical retrace interrupt, and the feature connector.

mod memory;
mod registers;
mod text;

use clock::{Instant, Rate};
use memory::{Access, Memory};
use registers::{
    ClockingMode, InputStatus1, Miscellaneous, SWITCH_SENSE, attribute, crtc, graphics, sequencer,
};

use crate::Context;

/// What is read where nothing answers.
const OPEN_BUS: u8 = 0xFF;

const DOT_CLOCK_25_MHZ: Rate = Rate::hertz(25_175_000);
const DOT_CLOCK_28_MHZ: Rate = Rate::hertz(28_322_000);

/// The register behind a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Register {
    AttributeAddress,
    AttributeData,
    /// Read: input status 0. Write: miscellaneous output.
    InputStatus0,
    Enable,
    SequencerAddress,
    SequencerData,
    PaletteMask,
    /// Read: state of the DAC. Write: address for reading.
    PaletteReadAddress,
    PaletteWriteAddress,
    PaletteData,
    FeatureControl,
    MiscellaneousOutput,
    GraphicsAddress,
    GraphicsData,
    CrtcAddress,
    CrtcData,
    /// Read: input status 1. Write: feature control.
    InputStatus1,
}

/// A VGA.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Vga {
    miscellaneous: Miscellaneous,
    enable: u8,
    feature_control: u8,
    sequencer_index: u8,
    sequencer: [u8; 5],
    graphics_index: u8,
    graphics: [u8; 9],
    crtc_index: u8,
    crtc: [u8; 25],
    /// With the palette address source.
    attribute_index: u8,
    /// The flip-flop of port 3C0h: the next write is data.
    is_attribute_data_next: bool,
    attribute: [u8; 21],
    palette: Palette,
    memory: Memory,
}

/// The colour look-up table of the DAC.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Palette {
    /// Red, green and blue, 6 bits each.
    colours: [[u8; 3]; 256],
    mask: u8,
    address: u8,
    /// 0 red, 1 green, 2 blue is next.
    component: usize,
    is_reading: bool,
}

impl Default for Vga {
    fn default() -> Self {
        Self::new()
    }
}

impl Vga {
    /// As a BIOS leaves it: 80x25 text (mode 3), blank.
    #[must_use]
    pub fn new() -> Self {
        Self {
            miscellaneous: Miscellaneous::COLOUR_ADDRESS
                | Miscellaneous::ENABLE_RAM
                | Miscellaneous::CLOCK_28_MHZ
                | Miscellaneous::ODD_EVEN_PAGE
                | Miscellaneous::HORIZONTAL_SYNC_NEGATIVE,
            enable: 1,
            feature_control: 0,
            sequencer_index: 0,
            sequencer: sequencer::MODE_3,
            graphics_index: 0,
            graphics: graphics::MODE_3,
            crtc_index: 0,
            crtc: crtc::MODE_3,
            attribute_index: attribute::PALETTE_ADDRESS_SOURCE,
            is_attribute_data_next: false,
            attribute: attribute::MODE_3,
            palette: Palette::new(),
            memory: Memory::blank(),
        }
    }

    /// Reads a port from 3B0h to 3DFh. The CRT controller answers at 3B4h or 3D4h as the miscellaneous output register
    /// says. Where there is no register: FFh.
    pub fn read(&mut self, port: u16, cx: &Context<'_>) -> u8 {
        let Some(register) = self.register(port) else {
            return OPEN_BUS;
        };
        match register {
            Register::AttributeAddress => self.attribute_index,
            Register::AttributeData => {
                let index = self.attribute_index & !attribute::PALETTE_ADDRESS_SOURCE;
                indexed(&self.attribute, index)
            }
            Register::InputStatus0 => SWITCH_SENSE,
            Register::Enable => self.enable,
            Register::SequencerAddress => self.sequencer_index,
            Register::SequencerData => indexed(&self.sequencer, self.sequencer_index),
            Register::PaletteMask => self.palette.mask,
            Register::PaletteReadAddress => self.palette.state(),
            Register::PaletteWriteAddress => self.palette.address,
            Register::PaletteData => self.palette.read(),
            Register::FeatureControl => self.feature_control,
            Register::MiscellaneousOutput => self.miscellaneous.bits(),
            Register::GraphicsAddress => self.graphics_index,
            Register::GraphicsData => indexed(&self.graphics, self.graphics_index),
            Register::CrtcAddress => self.crtc_index,
            Register::CrtcData => indexed(&self.crtc, self.crtc_index),
            Register::InputStatus1 => {
                self.is_attribute_data_next = false;
                self.input_status_1(cx.now()).bits()
            }
        }
    }

    /// Writes a port from 3B0h to 3DFh.
    pub fn write(&mut self, port: u16, value: u8) {
        let Some(register) = self.register(port) else {
            log::debug!("a VGA in this mode has no port {port:#x}");
            return;
        };
        match register {
            Register::AttributeAddress => self.write_attribute(value),
            Register::AttributeData | Register::MiscellaneousOutput => {
                log::debug!("VGA port {port:#x} cannot be written");
            }
            Register::InputStatus0 => self.miscellaneous = Miscellaneous::from_bits_truncate(value),
            Register::Enable => self.enable = value & 1,
            Register::SequencerAddress => self.sequencer_index = value & 0x07,
            Register::SequencerData => {
                set_indexed(
                    &mut self.sequencer,
                    self.sequencer_index,
                    value,
                    &sequencer::WRITABLE,
                );
            }
            Register::PaletteMask => self.palette.mask = value,
            Register::PaletteReadAddress => self.palette.set_address(value, true),
            Register::PaletteWriteAddress => self.palette.set_address(value, false),
            Register::PaletteData => self.palette.write(value),
            Register::FeatureControl | Register::InputStatus1 => self.feature_control = value & 0x03,
            Register::GraphicsAddress => self.graphics_index = value & 0x0F,
            Register::GraphicsData => {
                set_indexed(
                    &mut self.graphics,
                    self.graphics_index,
                    value,
                    &graphics::WRITABLE,
                );
            }
            Register::CrtcAddress => self.crtc_index = value & 0x3F,
            Register::CrtcData => self.write_crtc(value),
        }
    }

    /// Reads memory at `offset` from A0000h (0 to 1FFFFh). Outside the window that is open: FFh.
    pub fn memory_read(&mut self, offset: u32) -> u8 {
        if !self.has_memory() {
            return OPEN_BUS;
        }
        let access = Access {
            sequencer: &self.sequencer,
            graphics: &self.graphics,
        };
        self.memory.read(offset, access).unwrap_or(OPEN_BUS)
    }

    /// Writes memory at `offset` from A0000h (0 to 1FFFFh).
    pub fn memory_write(&mut self, offset: u32, value: u8) {
        if self.has_memory() {
            let access = Access {
                sequencer: &self.sequencer,
                graphics: &self.graphics,
            };
            self.memory.write(offset, value, access);
        }
    }

    /// Back to the state in which a BIOS leaves it, with a blank screen.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// The video subsystem enable register, 3C3h: without its bit 0 the VGA answers at that port alone.
    fn is_enabled(&self) -> bool {
        self.enable & 1 != 0
    }

    /// Whether the processor reaches the memory.
    fn has_memory(&self) -> bool {
        self.is_enabled() && self.miscellaneous.contains(Miscellaneous::ENABLE_RAM)
    }

    fn register(&self, port: u16) -> Option<Register> {
        let is_colour = self.miscellaneous.contains(Miscellaneous::COLOUR_ADDRESS);
        if !self.is_enabled() && port != 0x3C3 {
            return None;
        }
        Some(match port {
            0x3B4 if !is_colour => Register::CrtcAddress,
            0x3B5 if !is_colour => Register::CrtcData,
            0x3BA if !is_colour => Register::InputStatus1,
            0x3C0 => Register::AttributeAddress,
            0x3C1 => Register::AttributeData,
            0x3C2 => Register::InputStatus0,
            0x3C3 => Register::Enable,
            0x3C4 => Register::SequencerAddress,
            0x3C5 => Register::SequencerData,
            0x3C6 => Register::PaletteMask,
            0x3C7 => Register::PaletteReadAddress,
            0x3C8 => Register::PaletteWriteAddress,
            0x3C9 => Register::PaletteData,
            0x3CA => Register::FeatureControl,
            0x3CC => Register::MiscellaneousOutput,
            0x3CE => Register::GraphicsAddress,
            0x3CF => Register::GraphicsData,
            0x3D4 if is_colour => Register::CrtcAddress,
            0x3D5 if is_colour => Register::CrtcData,
            0x3DA if is_colour => Register::InputStatus1,
            _ => return None,
        })
    }

    fn write_attribute(&mut self, value: u8) {
        if !self.is_attribute_data_next {
            self.attribute_index = value & 0x3F;
        } else {
            let is_shown = self.attribute_index & attribute::PALETTE_ADDRESS_SOURCE != 0;
            let index = self.attribute_index & !attribute::PALETTE_ADDRESS_SOURCE;
            if is_shown && usize::from(index) < attribute::PALETTE {
                log::debug!("the VGA's palette belongs to the display");
            } else {
                set_indexed(&mut self.attribute, index, value, &attribute::WRITABLE);
            }
        }
        self.is_attribute_data_next = !self.is_attribute_data_next;
    }

    fn write_crtc(&mut self, value: u8) {
        let index = usize::from(self.crtc_index);
        let is_protected = self.crtc[crtc::VERTICAL_RETRACE_END] & crtc::PROTECT != 0;
        let kept = match index {
            crtc::OVERFLOW if is_protected => !crtc::LINE_COMPARE_8,
            0..=crtc::OVERFLOW if is_protected => 0xFF,
            _ => 0,
        };
        if let Some(register) = self.crtc.get_mut(index) {
            *register = *register & kept | value & !kept;
        }
    }

    /// A vertical position of the CRT controller: eight bits, and two in the overflow register.
    fn vertical(&self, register: usize, bit_8: u8, bit_9: u8) -> u16 {
        let overflow = self.crtc[crtc::OVERFLOW];
        let bit = |bit: u8| u16::from(overflow >> bit & 1);
        u16::from(self.crtc[register]) | bit(bit_8) << 8 | bit(bit_9) << 9
    }

    fn vertical_display_end(&self) -> u16 {
        self.vertical(crtc::VERTICAL_DISPLAY_END, 1, 6)
    }

    /// Where the beam is follows from the time alone, as if it had started with the lab.
    fn input_status_1(&self, now: Instant) -> InputStatus1 {
        let clocking = ClockingMode::from_bits_retain(self.sequencer[sequencer::CLOCKING_MODE]);
        let rate = if self.miscellaneous & Miscellaneous::CLOCK_SELECT == Miscellaneous::CLOCK_28_MHZ {
            DOT_CLOCK_28_MHZ
        } else {
            DOT_CLOCK_25_MHZ
        };
        let halving = if clocking.contains(ClockingMode::DOT_CLOCK_HALVED) {
            2
        } else {
            1
        };
        let dots_per_character = if clocking.contains(ClockingMode::DOTS_8) {
            8
        } else {
            9
        };
        let characters = rate.ticks_at(now) / halving / dots_per_character;
        // The horizontal total is short of 5, the vertical total of 2 (data of both registers).
        let characters_per_line = u64::from(self.crtc[crtc::HORIZONTAL_TOTAL]) + 5;
        let lines = u64::from(self.vertical(crtc::VERTICAL_TOTAL, 0, 5)) + 2;
        let character = characters % characters_per_line;
        let line = characters / characters_per_line % lines;

        let mut status = InputStatus1::empty();
        let is_shown = character <= u64::from(self.crtc[crtc::HORIZONTAL_DISPLAY_END])
            && line <= u64::from(self.vertical_display_end());
        status.set(InputStatus1::DISPLAY_INACTIVE, !is_shown);
        let retrace = u64::from(self.vertical(crtc::VERTICAL_RETRACE_START, 2, 7));
        // The end is given by its four low bits.
        let end = u64::from(self.crtc[crtc::VERTICAL_RETRACE_END]);
        let length = (end.wrapping_sub(retrace + 1) & 0xF) + 1;
        status.set(
            InputStatus1::VERTICAL_RETRACE,
            (retrace..retrace + length).contains(&line),
        );
        status
    }
}

impl Palette {
    /// The 64 colours of the EGA, as a BIOS sets them: bits 0 to 2 are two thirds of blue, green and red, bits 3 to 5
    /// one third.
    fn new() -> Self {
        let mut colours = [[0; 3]; 256];
        for (index, colour) in colours.iter_mut().take(64).enumerate() {
            for (component, bit) in colour.iter_mut().zip([2, 1, 0]) {
                *component = (index as u8 >> bit & 1) * 42 + (index as u8 >> (bit + 3) & 1) * 21;
            }
        }
        Self {
            colours,
            mask: 0xFF,
            address: 0,
            component: 0,
            is_reading: false,
        }
    }

    fn set_address(&mut self, address: u8, is_reading: bool) {
        self.address = address;
        self.component = 0;
        self.is_reading = is_reading;
    }

    /// Port 3C7h: 3 while reading, 0 while writing.
    fn state(&self) -> u8 {
        if self.is_reading { 3 } else { 0 }
    }

    fn read(&mut self) -> u8 {
        let value = self.colours[usize::from(self.address)][self.component];
        self.step();
        value
    }

    fn write(&mut self, value: u8) {
        self.colours[usize::from(self.address)][self.component] = value & 0x3F;
        self.step();
    }

    fn step(&mut self) {
        self.component += 1;
        if self.component == 3 {
            self.component = 0;
            self.address = self.address.wrapping_add(1);
        }
    }
}

fn indexed(registers: &[u8], index: u8) -> u8 {
    registers.get(usize::from(index)).copied().unwrap_or(OPEN_BUS)
}

fn set_indexed(registers: &mut [u8], index: u8, value: u8, writable: &[u8]) {
    let index = usize::from(index);
    match (registers.get_mut(index), writable.get(index)) {
        (Some(register), Some(mask)) => *register = value & mask,
        _ => log::debug!("the VGA has no register {index:#x} there"),
    }
}

#[cfg(test)]
mod tests;
