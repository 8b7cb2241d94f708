//! A text screen of 80 by 25 cells, as the VGA shows it: a character in the low byte of a cell, its colours in
//! the high byte. The screen keeps its own copy of the cells, because reading display memory over the bus is
//! slow, and tells which cells changed. It understands part of what a VT100 does: moving the cursor, clearing, colours.

mod escape;

use escape::{Escape, Meaning, Numbers};

/// Cells in a row.
pub const COLUMNS: usize = 80;
/// Rows.
pub const ROWS: usize = 25;
/// Light grey on black.
const COLOURS: u16 = 0x0700;
const BRIGHT: u16 = 0x0800;
const BACKSPACE: u8 = 0x08;
const TAB: usize = 8;
const BLANK: u16 = COLOURS | b' ' as u16;

/// Where the cells and the cursor are shown.
pub trait Display {
    /// Shows `cell` at `place`, counted row by row.
    fn set(&mut self, place: usize, cell: u16);
    /// Puts the cursor at `place`.
    fn move_cursor(&mut self, place: usize);
}

/// The screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    cells: [u16; COLUMNS * ROWS],
    row: usize,
    column: usize,
    /// The colours of what is shown next.
    colours: u16,
    escape: Escape,
}

impl Default for Screen {
    fn default() -> Screen {
        Screen::new()
    }
}

impl Screen {
    /// A screen whose content is not known; [`clear`](Screen::clear) makes it blank.
    pub const fn new() -> Screen {
        Screen {
            cells: [0; COLUMNS * ROWS],
            row: 0,
            column: 0,
            colours: COLOURS,
            escape: Escape::None,
        }
    }

    /// Blanks every cell and puts the cursor into the upper left corner.
    pub fn clear(&mut self, display: &mut impl Display) {
        (self.row, self.column) = (0, 0);
        for place in 0..self.cells.len() {
            self.cells[place] = BLANK;
            display.set(place, BLANK);
        }
        display.move_cursor(0);
    }

    /// Shows a byte: a line feed begins the next row, other control characters and escape sequences move the cursor or
    /// have no effect, anything else fills a cell. Behind the last row the screen scrolls.
    pub fn put(&mut self, byte: u8, display: &mut impl Display) {
        match self.escape.take(byte) {
            Meaning::Show(byte) => self.show(byte, display),
            Meaning::Nothing => return,
            Meaning::Command(command, numbers) => self.carry_out(command, &numbers, display),
        }
        display.move_cursor(self.row * COLUMNS + self.column);
    }

    fn show(&mut self, byte: u8, display: &mut impl Display) {
        match byte {
            b'\n' => self.begin_row(display),
            b'\r' => self.column = 0,
            BACKSPACE => self.column = self.column.saturating_sub(1),
            b'\t' => self.column = (self.column / TAB * TAB + TAB).min(COLUMNS - 1),
            0x07 => {}
            _ => {
                let place = self.row * COLUMNS + self.column;
                self.change(place, self.colours | u16::from(byte), display);
                self.column += 1;
                if self.column == COLUMNS {
                    self.begin_row(display);
                }
            }
        }
    }

    fn carry_out(&mut self, command: u8, numbers: &Numbers, display: &mut impl Display) {
        let distance = numbers.get(0, 1);
        let here = self.row * COLUMNS + self.column;
        let row = self.row * COLUMNS;
        match command {
            b'A' => self.row = self.row.saturating_sub(distance),
            b'B' => self.row = (self.row + distance).min(ROWS - 1),
            b'C' => self.column = (self.column + distance).min(COLUMNS - 1),
            b'D' => self.column = self.column.saturating_sub(distance),
            b'H' | b'f' => {
                self.row = (numbers.get(0, 1) - 1).min(ROWS - 1);
                self.column = (numbers.get(1, 1) - 1).min(COLUMNS - 1);
            }
            b'J' => self.blank(here, 0, ROWS * COLUMNS, numbers.get(0, 0), display),
            b'K' => self.blank(here, row, row + COLUMNS, numbers.get(0, 0), display),
            b'm' => numbers.all().for_each(|number| self.set_colours(number)),
            _ => {}
        }
    }

    /// Blanks from the cursor to the end (0), from the start to the cursor (1), or all (2).
    fn blank(&mut self, here: usize, start: usize, end: usize, which: usize, display: &mut impl Display) {
        let cells = match which {
            0 => here..end,
            1 => start..here + 1,
            2 => start..end,
            _ => return,
        };
        for place in cells {
            self.change(place, BLANK, display);
        }
    }

    /// Sets colours by the numbers of ANSI, whose order of red and blue is not the VGA's.
    fn set_colours(&mut self, number: u16) {
        const VGA: [u16; 8] = [0, 4, 2, 6, 1, 5, 3, 7];
        match number {
            0 => self.colours = COLOURS,
            1 => self.colours |= BRIGHT,
            7 => {
                let (ink, paper) = (self.colours & 0x0700, self.colours & 0x7000);
                self.colours = self.colours & !0x7700 | ink << 4 | paper >> 4;
            }
            30..=37 => self.colours = self.colours & !0x0700 | VGA[usize::from(number - 30)] << 8,
            40..=47 => self.colours = self.colours & !0x7000 | VGA[usize::from(number - 40)] << 12,
            _ => {}
        }
    }

    fn begin_row(&mut self, display: &mut impl Display) {
        self.column = 0;
        if self.row + 1 < ROWS {
            self.row += 1;
            return;
        }
        for place in 0..self.cells.len() {
            let below = self.cells.get(place + COLUMNS).copied().unwrap_or(BLANK);
            self.change(place, below, display);
        }
    }

    fn change(&mut self, place: usize, cell: u16, display: &mut impl Display) {
        if self.cells[place] != cell {
            self.cells[place] = cell;
            display.set(place, cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BLANK, COLUMNS, Display, ROWS, Screen};
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use std::string::String;

    struct Shown {
        cells: [u16; COLUMNS * ROWS],
        cursor: usize,
    }

    impl Display for Shown {
        fn set(&mut self, place: usize, cell: u16) {
            self.cells[place] = cell;
        }
        fn move_cursor(&mut self, place: usize) {
            self.cursor = place;
        }
    }

    impl Shown {
        fn row(&self, row: usize) -> String {
            let cells = &self.cells[row * COLUMNS..(row + 1) * COLUMNS];
            String::from_utf8_lossy(&cells.iter().map(|cell| *cell as u8).collect::<std::vec::Vec<_>>())
                .trim_end()
                .into()
        }
    }

    fn show(text: &[u8]) -> (Screen, Shown) {
        let mut screen = Screen::new();
        let mut shown = Shown {
            cells: [0xffff; COLUMNS * ROWS],
            cursor: 1,
        };
        screen.clear(&mut shown);
        for byte in text {
            screen.put(*byte, &mut shown);
        }
        (screen, shown)
    }

    #[test]
    fn clearing_blanks_every_cell() {
        assert_eq!(show(b"").1.cells, [BLANK; COLUMNS * ROWS]);
    }

    #[test]
    fn a_line_feed_moves_the_cursor_to_the_next_row() {
        let (_, shown) = show(b"one\ntwo");
        assert_eq!(
            (shown.row(0).as_str(), shown.row(1).as_str(), shown.cursor),
            ("one", "two", COLUMNS + 3)
        );
    }

    #[test]
    fn the_last_row_scrolls_up() {
        let text: String = (0..ROWS).map(|row| std::format!("{row}\n")).collect();
        let (_, shown) = show(text.as_bytes());
        assert_eq!((shown.row(0).as_str(), shown.row(ROWS - 2).as_str()), ("1", "24"));
        assert_eq!(
            (shown.row(ROWS - 1).as_str(), shown.cursor),
            ("", (ROWS - 1) * COLUMNS)
        );
    }

    #[test]
    fn control_characters_move_the_cursor() {
        let (_, shown) = show(b"abc\x08 \x08\x08x\tT\ry\x07");
        assert_eq!((shown.row(0).as_str(), shown.cursor), ("yx      T", 1));
    }

    #[test]
    fn escape_sequences_move_the_cursor_and_clear() {
        let (_, shown) = show(b"one\x1b[3;5Hx\x1b[2A\x1b[3D\x1b[Ky\x1b[100;79Hz\x1b[2;2H");
        assert_eq!(shown.row(0), "ony");
        assert_eq!(shown.row(2), "    x");
        assert_eq!(shown.cursor, COLUMNS + 1);
        let (_, cleared) = show(b"one\ntwo\x1b[1Jz\x1b[B\x1b[C\x1b[2J\x1b[Hq");
        assert_eq!((cleared.row(0).as_str(), cleared.row(1).as_str()), ("q", ""));
        let (_, odd) = show(b"\x1b[?25ha\x1b(b\x1b[12345678901;;;;;;;;;;qc\x1b[\nd");
        assert_eq!((odd.row(0).as_str(), odd.row(1).as_str()), ("ac", "d"));
    }

    #[test]
    fn colours_are_set_until_they_are_set_back() {
        let (_, shown) = show(b"\x1b[1;31ma\x1b[7mb\x1b[mc\x1b[44;37md");
        let attributes: std::vec::Vec<_> = shown.cells[..4].iter().map(|cell| cell >> 8).collect();
        assert_eq!(attributes, [0x0c, 0x48, 0x07, 0x17]);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_what_the_screen_remembers(text in proptest::collection::vec(any::<u8>(), 0..5000)) {
            let (screen, shown) = show(&text);
            prop_assert_eq!(screen.cells, shown.cells);
        }
    }
}
