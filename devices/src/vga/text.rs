//! The visible text: what the CRT controller fetches, in Unicode.
//!
//! Left out: the split screen (line compare), the preset row scan and panning, and fonts: a character is what code page
//! 437 says it is.

use super::Vga;
use super::registers::{
    ClockingMode, CrtcModeControl, GraphicsMiscellaneous, attribute, crtc, graphics, sequencer,
};

/// The lines of the screen that is told.
const ROWS: usize = 25;

impl Vga {
    /// The visible text, line by line, without the blanks at the end of each. A screen that is off or shows graphics
    /// is blank, and of a screen with more lines the first 25 are told.
    #[must_use]
    pub fn screen(&self) -> [String; 25] {
        let rows = if self.shows_text() { self.rows() } else { 0 };
        core::array::from_fn(|row| {
            if row < rows {
                self.row(row as u16)
            } else {
                String::new()
            }
        })
    }

    /// Where the cursor shows, as (row, column) from 0; `None` if it is off or not on the screen.
    #[must_use]
    pub fn cursor(&self) -> Option<(u8, u8)> {
        let [start, end] = [crtc::CURSOR_START, crtc::CURSOR_END].map(|index| self.crtc[index]);
        if start & crtc::CURSOR_OFF != 0 || start & 0x1F > end & 0x1F || !self.shows_text() {
            return None;
        }
        let location = self.crtc_word(crtc::CURSOR_LOCATION_HIGH, crtc::CURSOR_LOCATION_LOW);
        let distance = location.wrapping_sub(self.start_address());
        let row = distance.checked_div(self.row_length())?;
        let column = distance % self.row_length();
        let is_visible = usize::from(row) < self.rows() && usize::from(column) < self.columns();
        Some((row as u8, column as u8)).filter(|_| is_visible)
    }

    fn shows_text(&self) -> bool {
        let graphics = GraphicsMiscellaneous::from_bits_retain(self.graphics[graphics::MISCELLANEOUS]);
        let clocking = ClockingMode::from_bits_retain(self.sequencer[sequencer::CLOCKING_MODE]);
        let control = CrtcModeControl::from_bits_retain(self.crtc[crtc::MODE_CONTROL]);
        !graphics.contains(GraphicsMiscellaneous::GRAPHICS)
            && !clocking.contains(ClockingMode::SCREEN_OFF)
            && control.contains(CrtcModeControl::ENABLE_RETRACES)
            && self.attribute_index & attribute::PALETTE_ADDRESS_SOURCE != 0
    }

    fn crtc_word(&self, high: usize, low: usize) -> u16 {
        u16::from_be_bytes([self.crtc[high], self.crtc[low]])
    }

    fn start_address(&self) -> u16 {
        self.crtc_word(crtc::START_ADDRESS_HIGH, crtc::START_ADDRESS_LOW)
    }

    pub(super) fn columns(&self) -> usize {
        usize::from(self.crtc[crtc::HORIZONTAL_DISPLAY_END]) + 1
    }

    fn rows(&self) -> usize {
        let scan = self.crtc[crtc::MAXIMUM_SCAN_LINE];
        let doubling = if scan & crtc::DOUBLE_SCAN != 0 { 2 } else { 1 };
        let lines = usize::from(self.vertical_display_end()) + 1;
        (lines / (usize::from(scan & 0x1F) + 1) / doubling).min(ROWS)
    }

    /// The distance of two rows, in characters.
    fn row_length(&self) -> u16 {
        u16::from(self.crtc[crtc::OFFSET]) * 2
    }

    fn row(&self, row: u16) -> String {
        let start = self.start_address().wrapping_add(row * self.row_length());
        let text: String = (0..self.columns())
            .map(|column| self.display_address(start.wrapping_add(column as u16)))
            .map(|address| unicode(self.memory.at(address)[0]))
            .collect();
        text.trim_end().to_owned()
    }

    /// Where the CRT controller's address counter points in the maps.
    fn display_address(&self, counter: u16) -> u16 {
        let control = CrtcModeControl::from_bits_retain(self.crtc[crtc::MODE_CONTROL]);
        if self.crtc[crtc::UNDERLINE_LOCATION] & crtc::DOUBLEWORD_MODE != 0 {
            counter.rotate_left(2)
        } else if control.contains(CrtcModeControl::BYTE_MODE) {
            counter
        } else if control.contains(CrtcModeControl::ADDRESS_WRAP) {
            counter.rotate_left(1)
        } else {
            counter << 1 | counter >> 13 & 1
        }
    }
}

/// Code page 437, 00h to 1Fh; the blank glyph 00h is a space.
const CONTROLS: [char; 32] = [
    ' ', '☺', '☻', '♥', '♦', '♣', '♠', '•', '◘', '○', '◙', '♂', '♀', '♪', '♫', '☼', //
    '►', '◄', '↕', '‼', '¶', '§', '▬', '↨', '↑', '↓', '→', '←', '∟', '↔', '▲', '▼', //
];

/// Code page 437, 80h to FFh; the blank glyph FFh is a space.
const UPPER: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å', //
    'É', 'æ', 'Æ', 'ô', 'ö', 'ò', 'û', 'ù', 'ÿ', 'Ö', 'Ü', '¢', '£', '¥', '₧', 'ƒ', //
    'á', 'í', 'ó', 'ú', 'ñ', 'Ñ', 'ª', 'º', '¿', '⌐', '¬', '½', '¼', '¡', '«', '»', //
    '░', '▒', '▓', '│', '┤', '╡', '╢', '╖', '╕', '╣', '║', '╗', '╝', '╜', '╛', '┐', //
    '└', '┴', '┬', '├', '─', '┼', '╞', '╟', '╚', '╔', '╩', '╦', '╠', '═', '╬', '╧', //
    '╨', '╤', '╥', '╙', '╘', '╒', '╓', '╫', '╪', '┘', '┌', '█', '▄', '▌', '▐', '▀', //
    'α', 'ß', 'Γ', 'π', 'Σ', 'σ', 'µ', 'τ', 'Φ', 'Θ', 'Ω', 'δ', '∞', 'φ', 'ε', '∩', //
    '≡', '±', '≥', '≤', '⌠', '⌡', '÷', '≈', '°', '∙', '·', '√', 'ⁿ', '²', '■', ' ', //
];

/// The character of code page 437.
fn unicode(code: u8) -> char {
    match code {
        0x00..=0x1F => CONTROLS[usize::from(code)],
        0x20..=0x7E => char::from(code),
        0x7F => '⌂',
        0x80..=0xFF => UPPER[usize::from(code - 0x80)],
    }
}
