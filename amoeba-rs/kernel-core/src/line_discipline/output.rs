//! Characters on their way to the line.

use super::{LineDiscipline, MOST_OUTPUT};
use proto::terminal::OutputFlags;

const TAB: usize = 8;

/// The column of the next tabulator stop.
pub(super) const fn next_tab(column: usize) -> usize {
    (column / TAB + 1) * TAB
}

impl LineDiscipline {
    /// Takes as many bytes as there is room for: how many.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        if self.is_hung_up {
            // There is nobody to see it.
            return bytes.len();
        }
        let mut taken = 0;
        for byte in bytes {
            if self.output.len() >= MOST_OUTPUT {
                break;
            }
            self.put(*byte);
            taken += 1;
        }
        taken
    }

    /// Puts a byte out, translated as the settings say. It becomes eight bytes at most.
    pub(super) fn put(&mut self, byte: u8) {
        let flags = self.settings.output;
        let has = |flag| flags.contains(OutputFlags::PROCESS | flag);
        match byte {
            b'\n' if has(OutputFlags::LINE_FEED_TO_BOTH) => {
                self.column = 0;
                self.output.extend(b"\r\n");
            }
            b'\n' => {
                if has(OutputFlags::LINE_FEED_RETURNS) {
                    self.column = 0;
                }
                self.output.push_back(byte);
            }
            b'\r' if has(OutputFlags::NO_RETURN_AT_START) && self.column == 0 => {}
            b'\r' if has(OutputFlags::RETURN_TO_LINE_FEED) => {
                if has(OutputFlags::LINE_FEED_RETURNS) {
                    self.column = 0;
                }
                self.output.push_back(b'\n');
            }
            b'\r' => {
                self.column = 0;
                self.output.push_back(byte);
            }
            b'\t' => {
                let next = next_tab(self.column);
                if has(OutputFlags::EXPAND_TABS) {
                    self.output.extend((self.column..next).map(|_| b' '));
                } else {
                    self.output.push_back(byte);
                }
                self.column = next;
            }
            0x08 => {
                self.column = self.column.saturating_sub(1);
                self.output.push_back(byte);
            }
            _ => {
                // Control characters, and the bytes of UTF-8 behind the first, take no place.
                self.column += usize::from(!matches!(byte, 0..0x20 | 0x7f..0xc0));
                self.output.push_back(byte);
            }
        }
    }

    /// The next byte for the line, if any may go.
    pub fn next_output(&mut self) -> Option<u8> {
        if let Some(urgent) = self.urgent.take() {
            return Some(urgent);
        }
        if self.is_output_stopped() {
            return None;
        }
        self.output.pop_front()
    }

    /// Whether [`next_output`](LineDiscipline::next_output) has something.
    pub fn has_output(&self) -> bool {
        self.urgent.is_some() || !self.is_output_stopped() && !self.output.is_empty()
    }

    /// Whether all output has gone.
    pub fn is_drained(&self) -> bool {
        self.output.is_empty() && self.urgent.is_none()
    }

    fn is_output_stopped(&self) -> bool {
        self.is_stopped || self.is_suspended
    }
}
