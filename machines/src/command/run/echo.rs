//! Consoles on the terminal: whole lines, each with its machine's name before it.

/// A longer line is printed in pieces.
const LONGEST: usize = 1024;

/// The console of one machine, gathered into lines.
#[derive(Clone, Debug)]
pub(crate) struct Echo {
    name: String,
    line: Vec<u8>,
}

impl Echo {
    /// Of the machine `name`.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            line: Vec::new(),
        }
    }

    /// One character more; returns a line that is now whole.
    pub(crate) fn byte(&mut self, byte: u8) -> Option<String> {
        if byte == b'\n' {
            return Some(self.take());
        }
        self.line.push(byte);
        (self.line.len() >= LONGEST).then(|| self.take())
    }

    /// What is left when the run has ended.
    pub(crate) fn rest(&mut self) -> Option<String> {
        (!self.line.is_empty()).then(|| self.take())
    }

    /// A guest may print anything, but it may not steer the terminal.
    fn take(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let shown = |c: char| match c {
            '\t' => Some('\t'),
            '\r' => None,
            c if c.is_control() => Some('\u{fffd}'),
            c => Some(c),
        };
        let text: String = text.chars().filter_map(shown).collect();
        format!("{} | {text}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_with_the_name_of_its_machine() {
        let mut echo = Echo::new("pool0");
        let lines: Vec<String> = b"ready\r\nlogin: "
            .iter()
            .filter_map(|byte| echo.byte(*byte))
            .collect();
        assert_eq!(lines, ["pool0 | ready"]);
        assert_eq!(echo.rest().as_deref(), Some("pool0 | login: "));
        assert_eq!(echo.rest(), None);
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let mut echo = Echo::new("pool0");
        let lines: Vec<String> = b"\x1b[2J\n".iter().filter_map(|byte| echo.byte(*byte)).collect();
        assert_eq!(lines, ["pool0 | \u{fffd}[2J"]);
    }
}
