//! A text screen of 80 by 25 cells, as the VGA shows it: a character in the low byte of a cell, its colours in
//! the high byte. The screen keeps its own copy of the cells, because reading display memory over the bus is
//! slow, and tells which cells changed.

/// Cells in a row.
pub const COLUMNS: usize = 80;
/// Rows.
pub const ROWS: usize = 25;
/// Light grey on black.
const COLOURS: u16 = 0x0700;
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

    /// Shows a byte: a line feed begins the next row, anything else fills a cell. Behind the last row the
    /// screen scrolls.
    pub fn put(&mut self, byte: u8, display: &mut impl Display) {
        if byte == b'\n' {
            self.column = COLUMNS;
        } else {
            self.change(
                self.row * COLUMNS + self.column,
                COLOURS | u16::from(byte),
                display,
            );
            self.column += 1;
        }
        if self.column == COLUMNS {
            self.begin_row(display);
        }
        display.move_cursor(self.row * COLUMNS + self.column);
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

    proptest! {
        #[test]
        fn what_is_shown_is_what_the_screen_remembers(text in proptest::collection::vec(any::<u8>(), 0..5000)) {
            let (screen, shown) = show(&text);
            prop_assert_eq!(screen.cells, shown.cells);
        }
    }
}
